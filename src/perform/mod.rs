//! Score x tempo map -> note events at samples: groove, strum spread, breath, dynamics.

mod dynamics;
mod event;

pub use dynamics::Dynamics;
pub use event::{EventKind, NoteEvent, NoteId};

use crate::score::{Articulation, Note, Part, PartBar, Score};
use crate::song::{Mode, Rng, Seed, Settings};
use crate::time::{Hz, SampleTime, Ticks};

/// Seconds from one string of a strum to the next, soft and hard.
const STRUM_STEP_S: (f64, f64) = (0.0085, 0.0045);
/// A strum begins so much before its place that its middle lies on it, in seconds.
const STRUM_LEAD_S: f64 = 0.008;
/// Bowed notes begin early by about half their rise time, in seconds.
const BOW_LEAD_S: f64 = 0.030;
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
        events.sort_by_key(|e| (e.at, e.part, e.kind.rank(), note_id(e)));
        events
    }

    fn perform_bar(&self, bar: &PartBar, next_id: &mut u32, events: &mut Vec<NoteEvent>) {
        let mut rng = self.seed.rng(bar.part, bar.bar, bar.take);
        // The composer drew from the same key: performing draws from another place of it.
        let mut rng = Rng::keyed(&[rng.bits(), 0x706c_6179]);
        let (timing_s, loudness) = looseness(bar.part);
        // All strings of a strum share one hand.
        let mut hand: Option<(Ticks, f64, f64)> = None;
        for note in &bar.notes {
            let (shift_s, louder) = match hand {
                Some((at, shift, louder)) if at == note.start && bar.part == Part::Guitar => (shift, louder),
                _ => (timing_s * rng.normal(), loudness * rng.normal()),
            };
            hand = Some((note.start, shift_s, louder));
            let (on, off) = self.times(bar.part, note, shift_s);
            let velocity = crate::score::Velocity::clamped(
                f64::from(note.velocity.get()) + louder + self.dynamics.velocity_shift(bar.part, note.start),
            );
            let id = NoteId(*next_id);
            *next_id += 1;
            let kind = EventKind::NoteOn { id, pitch: note.pitch, velocity, articulation: note.articulation };
            events.push(NoteEvent { at: on, part: bar.part, kind });
            events.push(NoteEvent { at: off, part: bar.part, kind: EventKind::NoteOff { id } });
        }
    }

    /// When a note is struck and let go.
    fn times(&self, part: Part, note: &Note, shift_s: f64) -> (SampleTime, SampleTime) {
        let tempo = &self.score.tempo;
        let strength = f64::from(note.velocity.get()) / 127.0;
        let step_s = STRUM_STEP_S.0 + (STRUM_STEP_S.1 - STRUM_STEP_S.0) * strength;
        let lead_s = match note.articulation {
            Articulation::StrumDown { order } | Articulation::StrumUp { order } => {
                STRUM_LEAD_S - step_s * f64::from(order)
            }
            Articulation::Sustained => BOW_LEAD_S,
            _ => 0.0,
        };
        let on_s = (tempo.seconds_at(note.start) + shift_s - lead_s).max(0.0);
        // Strings and guitar ring to the next chord; a hand lifts a moment before it.
        let lift_s = match part {
            Part::Strings => 0.0,
            _ => 0.012,
        };
        let off_s = tempo.seconds_at(note.end()) - lift_s;
        let on = self.rate.sample_at(on_s);
        let off = self.rate.sample_at(off_s.max(on_s + 0.02));
        (on, off)
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

fn note_id(event: &NoteEvent) -> u32 {
    match event.kind {
        EventKind::NoteOn { id, .. } | EventKind::NoteOff { id } => id.0,
        _ => 0,
    }
}
