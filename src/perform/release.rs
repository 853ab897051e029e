//! Playing while the score is still being written: notes leave beat by beat, as soon as their time is known.

use super::{BOW_LEAD_S, Dynamics, EXPRESSION_PER_BEAT, EventKind, NoteId, SHORTEST_S, Touch, off_s};
use crate::score::{Articulation, BarNumber, MidiNote, Part, PartBar, TuningPoint, Velocity};
use crate::song::Seed;
use crate::time::{TempoMap, TickCount, Ticks};

/// A tuning is set so long before the bar that it belongs to, for the notes that are struck early, in seconds.
const TUNING_LEAD_S: f64 = 0.1;
const _: () = assert!(TUNING_LEAD_S > 2.0 * BOW_LEAD_S);

/// Length of a note that stands in no score, in seconds.
const STRUCK_S: f64 = 0.1;

/// Something that one part does, in seconds of the voice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlayedEvent {
    /// When it takes effect.
    pub at_s: f64,
    /// Who does it.
    pub part: Part,
    /// What it is.
    pub kind: EventKind,
}

/// A note that sounds beyond what has been released.
#[derive(Debug, Clone, Copy)]
struct Open {
    part: Part,
    bar: BarNumber,
    start: Ticks,
    pitch: MidiNote,
    end: Ticks,
    id: NoteId,
    on_s: f64,
}

/// Turns bars into events, one stretch of time after the other. What has been released is never changed.
#[derive(Debug)]
pub struct Releaser {
    seed: Seed,
    next_id: u32,
    bars: Vec<PartBar>,
    tunings: Vec<TuningPoint>,
    open: Vec<Open>,
    dynamics: Dynamics,
    expression: Option<f32>,
    /// Everything before this is released.
    released: Ticks,
}

impl Releaser {
    /// A releaser that has nothing to play.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            next_id: 0,
            bars: Vec::new(),
            tunings: Vec::new(),
            open: Vec::new(),
            dynamics: Dynamics::even(),
            expression: None,
            released: Ticks(0),
        }
    }

    /// Takes bars that were written, in place of what was there of them, and the dynamics that hold from now on. Of a
    /// note that sounds already only the end is taken over.
    pub fn take(&mut self, bars: Vec<PartBar>, dynamics: Dynamics) {
        self.dynamics = dynamics;
        for bar in bars {
            for open in self.open.iter_mut().filter(|o| o.part == bar.part && o.bar == bar.bar) {
                if let Some(note) = bar.notes.iter().find(|n| n.start == open.start && n.pitch == open.pitch)
                {
                    open.end = note.end();
                }
            }
            self.bars.retain(|old| (old.part, old.bar) != (bar.part, bar.bar));
            self.bars.push(bar);
        }
        self.bars.sort_by_key(|bar| (bar.part, bar.bar));
    }

    /// Strikes a note that stands in no score, at a moment.
    pub fn strike(
        &mut self,
        part: Part,
        (pitch, velocity, articulation): (MidiNote, Velocity, Articulation),
        at_s: f64,
        events: &mut Vec<PlayedEvent>,
    ) {
        let id = NoteId(self.next_id);
        self.next_id += 1;
        events.push(PlayedEvent {
            at_s,
            part,
            kind: EventKind::NoteOn { id, pitch, velocity, articulation },
        });
        events.push(PlayedEvent { at_s: at_s + STRUCK_S, part, kind: EventKind::NoteOff { id } });
    }

    /// Sets the tuning from a bar on.
    pub fn tune(&mut self, point: TuningPoint) {
        self.tunings.push(point);
    }

    /// Leaves out what would begin between two positions, the second excluded.
    pub fn leave_out(&mut self, from: Ticks, until: Ticks) {
        for bar in &mut self.bars {
            bar.notes.retain(|note| note.start < from || note.start >= until);
        }
    }

    /// Leaves out what a part would begin before or at a position.
    pub fn rest(&mut self, part: Part, until: Ticks) {
        for bar in self.bars.iter_mut().filter(|bar| bar.part == part) {
            bar.notes.retain(|note| note.start > until);
        }
    }

    /// Plays again what the bar before a bar played, moved by its length: what a band does that was told nothing.
    pub fn repeat_into(&mut self, bar: BarNumber, length: TickCount) {
        let before: Vec<PartBar> = self.bars.iter().filter(|b| b.bar.0 == bar.0 - 1).cloned().collect();
        for mut again in before {
            again.bar = bar;
            for note in &mut again.notes {
                note.start += length;
            }
            self.bars.push(again);
        }
        self.bars.sort_by_key(|bar| (bar.part, bar.bar));
    }

    /// Counts positions anew: what sounds ends at a moment, nothing that was taken is played.
    pub fn restart(&mut self, at_s: f64, events: &mut Vec<PlayedEvent>) {
        for open in self.open.drain(..) {
            let kind = EventKind::NoteOff { id: open.id };
            events.push(PlayedEvent { at_s: at_s.max(open.on_s + SHORTEST_S), part: open.part, kind });
        }
        self.bars.clear();
        self.tunings.clear();
        self.released = Ticks(0);
    }

    /// Releases everything that begins or ends before a position whose time is known, none of it earlier than
    /// `earliest_s`. `shift_s` moves all of it.
    pub fn release(
        &mut self,
        until: Ticks,
        beat: TickCount,
        tempo: &TempoMap,
        shift_s: f64,
        earliest_s: f64,
        emit: &mut dyn FnMut(PlayedEvent),
    ) {
        let from = self.released;
        if until <= from {
            return;
        }
        self.released = until;
        let mut send = |at_s: f64, part: Part, kind: EventKind| {
            emit(PlayedEvent { at_s: (at_s + shift_s).max(earliest_s), part, kind });
        };
        for point in self.tunings.extract_if(.., |point| point.at < until) {
            for part in Part::ALL.into_iter().filter(|part| part.is_pitched()) {
                let at_s = tempo.seconds_at(point.at) - TUNING_LEAD_S;
                send(at_s, part, EventKind::Tuning { cents: point.cents as f32 });
            }
        }
        for bar in &self.bars {
            for note in bar.notes.iter().filter(|n| n.start >= from && n.start < until) {
                let touch = Touch::of(self.seed, bar, note);
                let on_s = touch.on_s(bar.part, note, tempo);
                let velocity = touch.velocity(note, self.dynamics.velocity_shift(bar.part, note.start));
                let id = NoteId(self.next_id);
                self.next_id += 1;
                let (pitch, articulation) = (note.pitch, note.articulation);
                send(on_s, bar.part, EventKind::NoteOn { id, pitch, velocity, articulation });
                self.open.push(Open {
                    part: bar.part,
                    bar: bar.bar,
                    start: note.start,
                    pitch,
                    end: note.end(),
                    id,
                    on_s: (on_s + shift_s).max(earliest_s) - shift_s,
                });
            }
        }
        for open in self.open.extract_if(.., |open| open.end <= until) {
            let at_s = off_s(open.part, open.end, tempo).max(open.on_s + SHORTEST_S);
            send(at_s, open.part, EventKind::NoteOff { id: open.id });
        }
        if self.bars.iter().any(|bar| bar.part == Part::Strings) {
            let step = beat / EXPRESSION_PER_BEAT;
            let mut at = Ticks(0) + step * ((from.0 + step.0 - 1) / step.0);
            while at < until {
                let value = (self.dynamics.expression(at) * 127.0).round() as f32 / 127.0;
                if self.expression != Some(value) {
                    self.expression = Some(value);
                    send(tempo.seconds_at(at), Part::Strings, EventKind::Expression { value });
                }
                at += step;
            }
        }
        // A bar is kept until the one after it has been released, because it may have to be repeated.
        let oldest = self.bars.iter().map(|b| b.bar.0).max().unwrap_or(0) - 2;
        self.bars.retain(|bar| bar.bar.0 >= oldest);
    }
}
