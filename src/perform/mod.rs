//! Score x tempo map -> note events at samples: groove, strum spread, breath, dynamics.

mod dynamics;
mod event;
mod release;

pub use dynamics::Dynamics;
pub use event::{EventKind, NoteEvent, NoteId};
pub use release::{PlayedEvent, Releaser};

use crate::score::{Articulation, Note, Part, PartBar, Score, Velocity};
use crate::song::{Mode, Rng, Seed, Settings};
use crate::time::{Hz, SampleTime, TempoMap, Ticks};

/// Seconds from one string of a strum to the next, soft and hard.
const STRUM_STEP_S: (f64, f64) = (0.0085, 0.0045);
/// A strum begins so much before its place that its middle lies on it, in seconds.
const STRUM_LEAD_S: f64 = 0.008;
/// Bowed notes begin early by about half their rise time, in seconds.
const BOW_LEAD_S: f64 = 0.030;
/// A hand lifts so long before a note's end, in seconds.
const LIFT_S: f64 = 0.012;
/// Length of the shortest note, in seconds.
const SHORTEST_S: f64 = 0.02;
/// Beats between two points of the strings' expression.
const EXPRESSION_PER_BEAT: i64 = 2;

/// Standard deviation of a part's timing in seconds and of its velocity in MIDI steps.
fn looseness(part: Part) -> (f64, f64) {
    match part {
        Part::Drums => (0.003, 2.5),
        Part::Bass => (0.004, 2.5),
        Part::Guitar => (0.005, 3.0),
        Part::Strings => (0.010, 2.0),
    }
}

/// Plays a score at a sample rate.
#[derive(Debug)]
pub struct Performer<'a> {
    score: &'a Score,
    seed: Seed,
    rate: Hz,
    dynamics: Dynamics,
}

impl<'a> Performer<'a> {
    /// A performer of a score.
    pub fn new(score: &'a Score, settings: &Settings, rate: Hz) -> Self {
        let dynamics = Dynamics::new(score, settings.mode == Mode::Live);
        Self { score, seed: settings.seed, rate, dynamics }
    }

    /// Every event of every part, in order. Each note-on has its note-off; times are at least 0.
    pub fn perform(&self) -> Vec<NoteEvent> {
        let mut events = Vec::new();
        let mut next_id = 0;
        for bar in &self.score.parts {
            self.perform_bar(bar, &mut next_id, &mut events);
        }
        let mut parts: Vec<Part> = self.score.parts.iter().map(|bar| bar.part).collect();
        parts.sort_unstable();
        parts.dedup();
        for part in &parts {
            self.tune(*part, &mut events);
        }
        if parts.contains(&Part::Strings) {
            self.express(&mut events);
        }
        events.sort_by_key(NoteEvent::order);
        events
    }

    fn perform_bar(&self, bar: &PartBar, next_id: &mut u32, events: &mut Vec<NoteEvent>) {
        for note in &bar.notes {
            let touch = Touch::of(self.seed, bar, note);
            let on_s = touch.on_s(bar.part, note, &self.score.tempo).max(0.0);
            let off_s = off_s(bar.part, note.end(), &self.score.tempo).max(on_s + SHORTEST_S);
            let velocity = touch.velocity(note, self.dynamics.velocity_shift(bar.part, note.start));
            let id = NoteId(*next_id);
            *next_id += 1;
            let kind = EventKind::NoteOn { id, pitch: note.pitch, velocity, articulation: note.articulation };
            events.push(NoteEvent { at: self.rate.sample_at(on_s), part: bar.part, kind });
            events.push(NoteEvent {
                at: self.rate.sample_at(off_s),
                part: bar.part,
                kind: EventKind::NoteOff { id },
            });
        }
    }

    fn tune(&self, part: Part, events: &mut Vec<NoteEvent>) {
        if !part.is_pitched() {
            return;
        }
        let mut first = true;
        for point in &self.score.tuning {
            let at = if first { SampleTime(0) } else { self.score.tempo.sample_at(point.at, self.rate) };
            first = false;
            let kind = EventKind::Tuning { cents: point.cents as f32 };
            events.push(NoteEvent { at, part, kind });
        }
    }

    fn express(&self, events: &mut Vec<NoteEvent>) {
        let step = self.score.meter.beat() / EXPRESSION_PER_BEAT;
        let points = (self.score.end() - Ticks(0)) / step;
        let mut last = None;
        for index in 0..=points {
            let at = Ticks(0) + step * index;
            let value = self.dynamics.expression(at);
            // MIDI has 128 steps: what it cannot say is not said in audio either.
            let value = (value * 127.0).round() / 127.0;
            if last != Some(value) {
                last = Some(value);
                let at = self.score.tempo.sample_at(at, self.rate);
                events.push(NoteEvent {
                    at,
                    part: Part::Strings,
                    kind: EventKind::Expression { value: value as f32 },
                });
            }
        }
    }
}

/// How a player's hand departs from what is written.
#[derive(Debug, Clone, Copy)]
struct Touch {
    shift_s: f64,
    louder: f64,
}

impl Touch {
    /// It depends on the note alone, so that what else stands in the bar changes nothing. All strings of a strum share
    /// one hand.
    fn of(seed: Seed, bar: &PartBar, note: &Note) -> Self {
        let string = if bar.part == Part::Guitar { 0 } else { u64::from(note.pitch.0) + 1 };
        let mut place = seed.rng(bar.part, bar.bar, bar.take);
        let mut rng = Rng::keyed(&[place.bits(), 0x706c_6179, note.start.0 as u64, string]);
        let (timing_s, loudness) = looseness(bar.part);
        Self { shift_s: timing_s * rng.normal(), louder: loudness * rng.normal() }
    }

    /// When a note is struck; it may lie before 0.
    fn on_s(self, part: Part, note: &Note, tempo: &TempoMap) -> f64 {
        let strength = f64::from(note.velocity.get()) / 127.0;
        let step_s = STRUM_STEP_S.0 + (STRUM_STEP_S.1 - STRUM_STEP_S.0) * strength;
        let lead_s = match note.articulation {
            Articulation::StrumDown { order } | Articulation::StrumUp { order } => {
                STRUM_LEAD_S - step_s * f64::from(order)
            }
            Articulation::Sustained
            | Articulation::Legato
            | Articulation::Tremolo
            | Articulation::SulTasto
                if part == Part::Strings =>
            {
                BOW_LEAD_S
            }
            _ => 0.0,
        };
        tempo.seconds_at(note.start) + self.shift_s - lead_s
    }

    fn velocity(self, note: &Note, dynamics: f64) -> Velocity {
        Velocity::clamped(f64::from(note.velocity.get()) + self.louder + dynamics)
    }
}

/// When a note that ends at a position is let go. Strings and guitar ring to the next chord; a hand lifts a moment
/// before it.
fn off_s(part: Part, end: Ticks, tempo: &TempoMap) -> f64 {
    let lift_s = if part == Part::Strings { 0.0 } else { LIFT_S };
    tempo.seconds_at(end) - lift_s
}
