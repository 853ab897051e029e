//! The playing half of an engine that runs block by block: events in, stems out. It is the audio thread's.

use super::ready;
use crate::audio::StereoBlock;
use crate::instrument::{PartChannel, Sounds, channel_with};
use crate::limits::MAX_BLOCK;
use crate::perform::{EventKind, NoteEvent};
use crate::score::Part;
use crate::song::Seed;
use crate::time::{Hz, SampleCount, SampleTime};

/// Most events that wait to be played.
pub const MAX_WAITING: usize = 8_192;
/// How long what sounds takes to fade where time jumps, in seconds.
const FADE_S: f64 = 0.012;
/// Samples rendered at once.
const CHUNK: usize = 256;

const _: () = assert!(CHUNK <= MAX_BLOCK);

/// A part while it plays.
struct Voice {
    channel: PartChannel,
    /// The events of one chunk.
    events: Vec<NoteEvent>,
    left: [f32; CHUNK],
    right: [f32; CHUNK],
    /// What still sounds of the time before a jump, and how much of it is gone.
    tail: [Vec<f32>; 2],
    faded: usize,
}

/// Takes a stretch of one part's stem: part, first sample in the block, left, right.
pub type StemTaker<'a> = dyn FnMut(Part, usize, &[f32], &[f32]) + 'a;

/// Plays events as they fall due.
///
/// After `new` nothing is allocated, freed or locked. The stems do not depend on how time is cut into blocks.
pub struct Player {
    voices: Vec<Voice>,
    /// Events to come, the next one last.
    waiting: Vec<NoteEvent>,
    position: SampleTime,
    /// Whether anything was played since the last jump.
    has_played: bool,
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Player {
    /// A player of all parts with their built-in sounds that stands at sample 0.
    pub fn new(rate: Hz, seed: Seed) -> Self {
        Self::with_sounds(rate, seed, &Sounds::default())
    }

    /// The same with other sounds.
    pub fn with_sounds(rate: Hz, seed: Seed, sounds: &Sounds) -> Self {
        let fade = rate.count(FADE_S).0 as usize;
        let voices = Part::ALL
            .into_iter()
            .map(|part| Voice {
                channel: {
                    let mut channel = channel_with(part, rate, seed, sounds);
                    channel.reset();
                    channel
                },
                events: ready::empty(MAX_WAITING, NoteEvent::NOTHING),
                left: [0.0; CHUNK],
                right: [0.0; CHUNK],
                tail: [ready::zeros(fade), ready::zeros(fade)],
                faded: fade,
            })
            .collect();
        let waiting = ready::empty(MAX_WAITING, NoteEvent::NOTHING);
        Self { voices, waiting, position: SampleTime(0), has_played: false }
    }

    /// The next sample that is played.
    pub fn position(&self) -> SampleTime {
        self.position
    }

    /// Takes an event; one that lies in the past is played at once. Refused, it is false: too many wait.
    pub fn push(&mut self, mut event: NoteEvent) -> bool {
        if self.waiting.len() == MAX_WAITING {
            return false;
        }
        event.at = event.at.max(self.position);
        let place = self.waiting.partition_point(|other| other.order() > event.order());
        self.waiting.insert(place, event);
        true
    }

    /// Goes to a position: what sounds fades, what waits is forgotten.
    pub fn jump(&mut self, to: SampleTime) {
        self.waiting.clear();
        if self.has_played {
            for voice in &mut self.voices {
                voice.fade(self.position);
            }
        }
        self.has_played = false;
        self.position = to;
    }

    /// Takes over what sounds in another player of the same rate: it fades here, and there is silence there.
    pub fn inherit(&mut self, other: &mut Player) {
        other.jump(other.position);
        for (mine, theirs) in self.voices.iter_mut().zip(&mut other.voices) {
            std::mem::swap(&mut mine.tail, &mut theirs.tail);
            std::mem::swap(&mut mine.faded, &mut theirs.faded);
        }
    }

    /// Plays the next samples. Every event that begins is shown to `started` with its place in the block, every stretch
    /// of a stem to `stems`. Before sample 0 there is silence.
    pub fn render(
        &mut self,
        frames: usize,
        started: &mut dyn FnMut(&NoteEvent, usize),
        stems: &mut StemTaker<'_>,
    ) {
        let mut done = 0;
        while done < frames {
            let mut len = (frames - done).min(CHUNK);
            if self.position < SampleTime(0) {
                len = len.min(-self.position.0 as usize);
            }
            let end = self.position + SampleCount(len as i64);
            while let Some(event) = self.waiting.pop_if(|event| event.at < end) {
                started(&event, done + (event.at - self.position).0 as usize);
                self.voices[event.part.index()].events.push(event);
                self.has_played = true;
            }
            for voice in &mut self.voices {
                if self.has_played && self.position >= SampleTime(0) {
                    let mut out =
                        StereoBlock { left: &mut voice.left[..len], right: &mut voice.right[..len] };
                    voice.channel.process(self.position, &voice.events, &mut out);
                } else {
                    voice.left[..len].fill(0.0);
                    voice.right[..len].fill(0.0);
                }
                voice.events.clear();
                voice.add_tail(len);
                stems(voice.channel.part(), done, &voice.left[..len], &voice.right[..len]);
            }
            self.position = end;
            done += len;
        }
    }
}

impl Voice {
    /// Plays on for the length of a fade, keeps that as a tail and silences the instrument.
    fn fade(&mut self, position: SampleTime) {
        let length = self.tail[0].len();
        // What is left of an earlier tail fades on.
        let rest = length - self.faded;
        for side in &mut self.tail {
            side.copy_within(self.faded.., 0);
            side[rest..].fill(0.0);
        }
        let mut at = 0;
        while at < length {
            let len = (length - at).min(CHUNK);
            let mut out = StereoBlock { left: &mut self.left[..len], right: &mut self.right[..len] };
            self.channel.process(position + SampleCount(at as i64), &[], &mut out);
            for index in 0..len {
                let share = (at + index) as f32 / length as f32;
                // A raised cosine: neither a step nor a corner.
                let gain = 0.5 + 0.5 * (std::f32::consts::PI * share).cos();
                self.tail[0][at + index] += gain * self.left[index];
                self.tail[1][at + index] += gain * self.right[index];
            }
            at += len;
        }
        self.faded = 0;
        self.channel.reset();
    }

    fn add_tail(&mut self, len: usize) {
        let end = (self.faded + len).min(self.tail[0].len());
        for (index, place) in (self.faded..end).enumerate() {
            self.left[index] += self.tail[0][place];
            self.right[index] += self.tail[1][place];
        }
        self.faded = end;
    }
}

/// A whole score as events, to be played from anywhere.
#[derive(Debug, Clone, Default)]
pub struct Performance {
    events: Vec<NoteEvent>,
    /// What holds at some moments, in order.
    moments: Vec<Moment>,
}

/// Everything that sounds or holds at a moment, so that playing can begin there.
#[derive(Debug, Clone)]
struct Moment {
    at: SampleTime,
    /// Index of the first event that is not contained.
    next: usize,
    /// Events that bring it about: tunings, expression, held notes.
    state: Vec<NoteEvent>,
}

/// Events between two moments.
const EVENTS_PER_MOMENT: usize = 64;
/// Most events that bring about a moment: every part's tuning, the expression, the notes that are held.
pub const MAX_STATE: usize = 32;

impl Performance {
    /// A performance of events in order.
    pub fn new(events: Vec<NoteEvent>) -> Self {
        let mut moments = Vec::with_capacity(events.len() / EVENTS_PER_MOMENT + 1);
        let mut state = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if index % EVENTS_PER_MOMENT == 0 {
                moments.push(Moment { at: event.at, next: index, state: state.clone() });
            }
            carry(&mut state, event);
        }
        Self { events, moments }
    }

    /// The events, in order.
    pub fn events(&self) -> &[NoteEvent] {
        &self.events
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Index of the first event at or after a position.
    pub fn index_at(&self, at: SampleTime) -> usize {
        self.events.partition_point(|event| event.at < at)
    }

    /// Fills `state`, whose capacity is at least [`MAX_STATE`], with what holds at a position: tunings, expression, and
    /// the notes that are held there by bowed parts. What is struck and dies away is not struck again.
    pub fn state_at(&self, at: SampleTime, state: &mut Vec<NoteEvent>) {
        state.clear();
        let after = self.moments.partition_point(|moment| moment.at <= at);
        let Some(moment) = after.checked_sub(1).map(|index| &self.moments[index]) else { return };
        state.extend(moment.state.iter().take(MAX_STATE));
        for event in self.events[moment.next..].iter().take_while(|event| event.at < at) {
            carry(state, event);
        }
        for event in state {
            event.at = at;
        }
    }
}

/// Brings a state up to date with an event.
fn carry(state: &mut Vec<NoteEvent>, event: &NoteEvent) {
    let replaces = |old: &NoteEvent| match (old.kind, event.kind) {
        (EventKind::Tuning { .. }, EventKind::Tuning { .. })
        | (EventKind::Expression { .. }, EventKind::Expression { .. }) => old.part == event.part,
        (EventKind::NoteOn { id, .. }, EventKind::NoteOff { id: off }) => id == off,
        _ => false,
    };
    state.retain(|old| !replaces(old));
    let holds = match event.kind {
        EventKind::NoteOff { .. } => false,
        EventKind::NoteOn { .. } => event.part == Part::Strings,
        EventKind::Tuning { .. } | EventKind::Expression { .. } => true,
    };
    if holds && state.len() < MAX_STATE {
        state.push(*event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::BandRenderer;
    use crate::perform::NoteId;
    use crate::score::{Articulation, MidiNote, Velocity};

    const RATE: Hz = Hz(48_000);

    fn events() -> Vec<NoteEvent> {
        let mut events = Vec::new();
        for (index, part) in Part::ALL.into_iter().cycle().take(40).enumerate() {
            let at = SampleTime(1_000 + 2_311 * index as i64);
            let id = NoteId(index as u32);
            let (pitch, velocity) = (MidiNote(40 + index as u8 % 20), Velocity::clamped(90.0));
            let articulation = Articulation::Normal;
            events.push(NoteEvent {
                at,
                part,
                kind: EventKind::NoteOn { id, pitch, velocity, articulation },
            });
            let at = at + SampleCount(if part == Part::Strings { 40_000 } else { 9_000 });
            events.push(NoteEvent { at, part, kind: EventKind::NoteOff { id } });
        }
        events.sort_by_key(NoteEvent::order);
        events
    }

    fn play(player: &mut Player, events: &[NoteEvent], frames: usize, block: usize) -> Vec<f32> {
        let mut sum = vec![0.0; frames];
        let (mut next, mut done) = (0, 0);
        while done < frames {
            let len = block.min(frames - done);
            let end = player.position() + SampleCount(len as i64);
            while events.get(next).is_some_and(|event| event.at < end) {
                assert!(player.push(events[next]));
                next += 1;
            }
            player.render(len, &mut |_, _| {}, &mut |_, from, left, _| {
                for (to, sample) in sum[done + from..].iter_mut().zip(left) {
                    *to += sample;
                }
            });
            done += len;
        }
        sum
    }

    #[test]
    fn it_plays_what_the_offline_renderer_plays_at_every_block_size() {
        let events = events();
        let frames = 110_000;
        let mut renderer = BandRenderer::new(&events, &Part::ALL, RATE, Seed(1), 1024);
        let mut wanted = Vec::new();
        while wanted.len() < frames {
            let start = wanted.len();
            let len = renderer.render(frames - start, &mut |_, left, _| {
                wanted.resize(start + left.len(), 0.0f32);
                for (to, sample) in wanted[start..].iter_mut().zip(left) {
                    *to += sample;
                }
            });
            assert_eq!(wanted.len(), start + len);
        }
        for block in [1, 64, 333, 8192] {
            let played = play(&mut Player::new(RATE, Seed(1)), &events, frames, block);
            assert!(played == wanted, "block size {block}");
        }
    }

    #[test]
    fn after_a_jump_it_sounds_as_if_it_had_begun_there() {
        let events = events();
        let mut player = Player::new(RATE, Seed(1));
        play(&mut player, &events, 50_000, 512);
        player.jump(SampleTime(0));
        let again = play(&mut player, &events, 60_000, 512);
        let fresh = play(&mut Player::new(RATE, Seed(1)), &events, 60_000, 512);
        let fade = RATE.count(FADE_S).0 as usize;
        assert!(again[fade..] == fresh[fade..]);
        assert!(again[..fade] != fresh[..fade], "what sounded was cut");
        let whole = play(&mut Player::new(RATE, Seed(1)), &events, 50_000 + fade, 512);
        let step = |samples: &[f32]| samples.windows(2).fold(0.0f32, |m, w| m.max((w[1] - w[0]).abs()));
        let mut tail = vec![whole[49_999]];
        tail.extend(again.iter().zip(&fresh).take(fade + 1).map(|(a, f)| a - f));
        assert!(step(&tail) <= 1.05 * step(&whole[49_999..]), "a step of {}", step(&tail));
    }

    #[test]
    fn a_performance_begins_anywhere() {
        let performance = Performance::new(events());
        let mut state = Vec::with_capacity(MAX_STATE);
        for at in (0..120_000).step_by(777).map(SampleTime) {
            performance.state_at(at, &mut state);
            let held: Vec<u32> = state.iter().map(NoteEvent::note).collect();
            let wanted = performance.events().iter().filter(|on| {
                let sounds = matches!(on.kind, EventKind::NoteOn { .. }) && on.part == Part::Strings;
                sounds && on.at < at && on.at + SampleCount(40_000) >= at
            });
            let wanted: Vec<u32> = wanted.map(NoteEvent::note).collect();
            assert_eq!(held, wanted, "at {at:?}");
            let index = performance.index_at(at);
            assert!(performance.events()[..index].iter().all(|event| event.at < at));
        }
    }
}
