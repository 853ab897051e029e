//! The audio thread's end of a live band.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Thread;

use rtrb::{Consumer, Producer};

use super::{Health, Shared};
use crate::engine::causal::HostTime;
use crate::engine::player::Player;
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::time::{Hz, SampleTime};

/// Notes that came too late and whose ends are still to be thrown away.
const MAX_LATE_NOTES: usize = 256;

/// What the audio thread says about a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) epoch: u32,
    pub(super) frames: usize,
    pub(super) host: Option<HostTime>,
}

/// An event on its way to the audio thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed {
    pub(super) epoch: u32,
    pub(super) event: NoteEvent,
}

/// The audio thread's end: the voice in, events out. It allocates nothing, locks nothing and waits only in
/// [`Feed::wait`].
#[derive(Debug)]
pub struct Feed {
    samples: Producer<f32>,
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
}

impl Feed {
    pub(super) fn new(
        rate: Hz,
        samples: Producer<f32>,
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
        }
    }

    /// Begins anew: what is on its way belongs to a time that is over.
    pub fn restart(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.position = 0;
        self.late_notes = [None; MAX_LATE_NOTES];
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

    /// Gives the next block of the voice. `host` says where the host's time line stands at its first sample: beats of
    /// the metre since a bar line, and the tempo. A block that finds no room is lost, and time begins anew.
    pub fn feed(&mut self, left: &[f32], right: &[f32], host: Option<(f64, f64)>) {
        let frames = left.len().min(right.len());
        let at_s = self.position as f64 / self.rate.as_f64();
        let host = host.map(|(beats, bpm)| HostTime { at_s, beats, bpm });
        let room = self.samples.slots() >= frames && self.stamps.slots() > 0;
        if !room {
            self.shared.health.dropped.fetch_add(frames as u64, Ordering::Relaxed);
            self.restart();
            return;
        }
        if let Ok(chunk) = self.samples.write_chunk_uninit(frames) {
            let mono = left.iter().zip(right).map(|(l, r)| finite(0.5 * l + 0.5 * r));
            chunk.fill_from_iter(mono);
        }
        if self.stamps.push(Stamp { epoch: self.epoch, frames, host }).is_ok() {
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

/// Silence for what is no number and for what no converter delivers.
fn finite(sample: f32) -> f32 {
    if sample.abs() <= 1e6 { sample } else { 0.0 }
}
