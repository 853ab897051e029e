//! Tests that hold for every instrument.

mod articulation;
mod hall;
mod invariance;
mod mix;
mod pitch;
mod playing;
mod timbre;

use super::stage::built_in;
use super::{Instrument, Tone};
use crate::audio::StereoBlock;
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::score::{Articulation, MidiNote, Part, Velocity};
use crate::song::{Rng, Seed};
use crate::time::{Hz, SampleTime};

pub(super) type Stereo = (Vec<f32>, Vec<f32>);

pub(super) const RATES: [Hz; 5] = [Hz(44_100), Hz(48_000), Hz(88_200), Hz(96_000), Hz(192_000)];
pub(super) const BLOCKS: [usize; 6] = [1, 17, 64, 333, 1_024, 4_096];

pub(super) fn instrument(part: Part, rate: Hz) -> Box<dyn Instrument> {
    built_in(part, rate, Seed(3), &Tone::default())
}

/// Cuts a stretch into blocks and hands each its events.
pub(super) fn in_blocks(
    len: usize,
    block: usize,
    events: &[NoteEvent],
    mut process: impl FnMut(SampleTime, &[NoteEvent], &mut StereoBlock<'_>),
) -> Stereo {
    let (mut left, mut right) = (vec![0.5; len], vec![0.5; len]);
    let mut done = 0;
    for from in (0..len).step_by(block) {
        let to = len.min(from + block);
        let until = done + events[done..].iter().take_while(|e| (e.at.0 as usize) < to).count();
        let mut out = StereoBlock { left: &mut left[from..to], right: &mut right[from..to] };
        process(SampleTime(from as i64), &events[done..until], &mut out);
        done = until;
    }
    (left, right)
}

pub(super) fn render(player: &mut dyn Instrument, events: &[NoteEvent], len: usize, block: usize) -> Stereo {
    in_blocks(len, block, events, |start, events, out| player.process(start, events, out))
}

pub(super) fn on(
    part: Part,
    at: i64,
    id: u32,
    pitch: u8,
    velocity: u8,
    articulation: Articulation,
) -> NoteEvent {
    let velocity = Velocity::clamped(f64::from(velocity));
    let kind = EventKind::NoteOn { id: NoteId(id), pitch: MidiNote(pitch), velocity, articulation };
    NoteEvent { at: SampleTime(at), part, kind }
}

pub(super) fn off(part: Part, at: i64, id: u32) -> NoteEvent {
    NoteEvent { at: SampleTime(at), part, kind: EventKind::NoteOff { id: NoteId(id) } }
}

pub(super) fn tuning(part: Part, at: i64, cents: f32) -> NoteEvent {
    NoteEvent { at: SampleTime(at), part, kind: EventKind::Tuning { cents } }
}

pub(super) fn expression(part: Part, at: i64, value: f32) -> NoteEvent {
    NoteEvent { at: SampleTime(at), part, kind: EventKind::Expression { value } }
}

/// Random notes and controls over `len` samples, `count` notes, among them unknown ids and absurd pitches.
pub(super) fn busy(part: Part, len: usize, count: u32, seed: u64) -> Vec<NoteEvent> {
    let mut rng = Rng::keyed(&[seed, part.index() as u64]);
    let mut events = Vec::new();
    for id in 0..count {
        let at = rng.below(len) as i64;
        let pitch = match (part, rng.below(12)) {
            (_, 0) => rng.below(128),
            (Part::Drums, _) => 35 + rng.below(25),
            (Part::Bass, _) => 28 + rng.below(24),
            _ => 40 + rng.below(40),
        };
        let articulation = match rng.below(14) {
            0 => Articulation::Muted,
            1 => Articulation::Ghost,
            2 => Articulation::StrumDown { order: rng.below(6) as u8 },
            3 => Articulation::StrumUp { order: rng.below(6) as u8 },
            4 => Articulation::Sustained,
            5 => Articulation::Legato,
            6 => Articulation::Spiccato,
            7 => Articulation::Pizzicato,
            8 => Articulation::Tremolo,
            9 => Articulation::Slide,
            _ => Articulation::Normal,
        };
        events.push(on(part, at, id, pitch as u8, 1 + rng.below(127) as u8, articulation));
        let end = at + rng.below(len / 2) as i64;
        if end < len as i64 {
            events.push(off(part, end, if rng.chance(0.05) { 90_000 + id } else { id }));
        }
        if rng.chance(0.3) {
            events.push(tuning(part, rng.below(len) as i64, 40.0 * rng.signed() as f32));
            events.push(expression(part, rng.below(len) as i64, rng.unit() as f32));
        }
    }
    events.sort_by_key(|e| (e.at, e.kind.rank()));
    events
}

pub(super) fn assert_same(left: &Stereo, right: &Stereo, what: &str) {
    assert_eq!(left.0.len(), right.0.len(), "{what}");
    let pairs = |a: &[f32], b: &[f32]| a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits());
    assert_eq!(pairs(&left.0, &right.0), None, "{what}: left channels differ there");
    assert_eq!(pairs(&left.1, &right.1), None, "{what}: right channels differ there");
}

pub(super) fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, x| x.abs().max(peak))
}

pub(super) fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}
