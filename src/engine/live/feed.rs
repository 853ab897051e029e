//! The audio thread's end of a live band.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Thread;

use rtrb::{Consumer, Producer};

use super::{Health, Shared};
use crate::engine::causal::HostTime;
use crate::engine::player::Player;
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::song::{Anchor, Gesture};
use crate::time::{Hz, SampleTime};

/// Notes that came too late and whose ends are still to be thrown away.
const MAX_LATE_NOTES: usize = 256;
/// Most anchors of one block; more are left out.
pub(super) const MAX_ANCHORS: usize = 4;

/// What the audio thread says about a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) epoch: u32,
    pub(super) frames: usize,
    pub(super) host: Option<HostTime>,
    /// What the singer said in the block.
    pub(super) anchors: [Option<Anchor>; MAX_ANCHORS],
}

/// An event on its way to the audio thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed {
    pub(super) epoch: u32,
    pub(super) event: NoteEvent,
}

/// A frame of what is heard: the voice, what the speakers are given of the band, and the sidechain.
pub(super) type Frame = [f32; 3];

/// What sounds beside the voice in a block, left and right; sides that are shorter end in silence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// What the band plays, which the microphone may hear.
    pub band: [&'a [f32]; 2],
    /// What the singer sings to: a click, drums, a guitar.
    pub sidechain: [&'a [f32]; 2],
}

impl<'a> Beside<'a> {
    /// Frames of band and sidechain in mono, without an end.
    fn frames(self) -> impl Iterator<Item = (f32, f32)> + 'a {
        let endless = |sides: [&'a [f32]; 2]| {
            let frames = sides[0].iter().zip(sides[1]).map(|(left, right)| mono(*left, *right));
            frames.chain(std::iter::repeat(0.0))
        };
        endless(self.band).zip(endless(self.sidechain))
    }
}

/// The audio thread's end: the voice in, events out. It allocates nothing, locks nothing and waits only in
/// [`Feed::wait`].
#[derive(Debug)]
pub struct Feed {
    samples: Producer<Frame>,
    stamps: Producer<Stamp>,
    events: Consumer<Timed>,
    shared: Arc<Shared>,
    listener: Thread,
    rate: Hz,
    epoch: u32,
    /// Samples of this epoch that were fed.
    position: i64,
    /// Blocks that were fed.
    sent: u64,
    late_notes: [Option<NoteId>; MAX_LATE_NOTES],
    next_late: usize,
    /// What the singer said since the last block.
    anchors: [Option<Anchor>; MAX_ANCHORS],
}

impl Feed {
    pub(super) fn new(
        rate: Hz,
        samples: Producer<Frame>,
        stamps: Producer<Stamp>,
        events: Consumer<Timed>,
        shared: Arc<Shared>,
        listener: Thread,
    ) -> Self {
        Self {
            samples,
            stamps,
            events,
            shared,
            listener,
            rate,
            epoch: 0,
            position: 0,
            sent: 0,
            late_notes: [None; MAX_LATE_NOTES],
            next_late: 0,
            anchors: [None; MAX_ANCHORS],
        }
    }

    /// Begins anew: what is on its way belongs to a time that is over.
    pub fn restart(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.position = 0;
        self.anchors = [None; MAX_ANCHORS];
        self.late_notes = [None; MAX_LATE_NOTES];
    }

    /// Says what the singer says some samples into the next block.
    pub fn say(&mut self, gesture: Gesture, after: u32) {
        let at_s = (self.position + i64::from(after)) as f64 / self.rate.as_f64();
        if let Some(free) = self.anchors.iter_mut().find(|anchor| anchor.is_none()) {
            *free = Some(Anchor { gesture, at_s });
        }
    }

    /// Samples of the voice since the last [`Feed::restart`].
    pub fn position(&self) -> SampleTime {
        SampleTime(self.position)
    }

    /// The counters.
    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    /// Whether the threads may wait for each other, as in an offline render.
    pub fn set_may_wait(&self, may_wait: bool) {
        self.shared.may_wait.store(may_wait, Ordering::Release);
    }

    /// Gives the next block of the voice, beside which nothing sounds. See [`Feed::feed_beside`].
    pub fn feed(&mut self, left: &[f32], right: &[f32], host: Option<(f64, f64)>) {
        self.feed_beside([left, right], Beside::default(), host);
    }

    /// Gives the next block of the voice and of what sounds beside it. `host` says where the host's time line stands at its
    /// first sample: beats of the metre since a bar line, and the tempo. A block that finds no room is lost, and time begins
    /// anew.
    pub fn feed_beside(&mut self, voice: [&[f32]; 2], beside: Beside<'_>, host: Option<(f64, f64)>) {
        let frames = voice[0].len().min(voice[1].len());
        let at_s = self.position as f64 / self.rate.as_f64();
        let host = host.map(|(beats, bpm)| HostTime { at_s, beats, bpm });
        let room = self.samples.slots() >= frames && self.stamps.slots() > 0;
        if !room {
            self.shared.health.dropped.fetch_add(frames as u64, Ordering::Relaxed);
            self.restart();
            return;
        }
        if let Ok(chunk) = self.samples.write_chunk_uninit(frames) {
            let mono = voice[0].iter().zip(voice[1]).map(|(l, r)| mono(*l, *r));
            chunk.fill_from_iter(mono.zip(beside.frames()).map(|(voice, (band, side))| [voice, band, side]));
        }
        let anchors = std::mem::take(&mut self.anchors);
        if self.stamps.push(Stamp { epoch: self.epoch, frames, host, anchors }).is_ok() {
            self.sent += 1;
            self.position += frames as i64;
        }
    }

    /// How much of the voice waits to be heard, in seconds.
    pub fn behind_s(&self) -> f64 {
        (self.samples.buffer().capacity() - self.samples.slots()) as f64 / self.rate.as_f64()
    }

    /// Waits until everything that was fed has been heard and answered. Only an offline render may.
    pub fn wait(&self) {
        while self.shared.heard.load(Ordering::Acquire) < self.sent
            && !self.shared.is_dead.load(Ordering::Acquire)
        {
            self.listener.unpark();
            std::thread::yield_now();
        }
    }

    /// Hands what has come to a player. A note that is to begin in the past is left out and counted.
    pub fn play_into(&mut self, player: &mut Player) {
        while let Ok(Timed { epoch, event }) = self.events.pop() {
            if epoch != self.epoch {
                continue;
            }
            let is_late = event.at < player.position();
            match event.kind {
                EventKind::NoteOn { id, .. } if is_late || !player.push(event) => {
                    self.late_notes[self.next_late % MAX_LATE_NOTES] = Some(id);
                    self.next_late += 1;
                    self.shared.health.late_follow.fetch_add(1, Ordering::Relaxed);
                }
                EventKind::NoteOn { .. } => {}
                EventKind::NoteOff { id } if self.late_notes.contains(&Some(id)) => {}
                _ => {
                    player.push(event);
                }
            }
        }
    }
}

/// The mean of two sides; silence for what is no number and for what no converter delivers.
fn mono(left: f32, right: f32) -> f32 {
    let sample = 0.5 * left + 0.5 * right;
    if sample.abs() <= 1e6 { sample } else { 0.0 }
}
