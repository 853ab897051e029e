//! Playing while the score is still being written: notes leave beat by beat, as soon as their time is known.

use super::{BOW_LEAD_S, Dynamics, EXPRESSION_PER_BEAT, EventKind, NoteId, SHORTEST_S, Touch, off_s};
use crate::compose::intensity::Tone;
use crate::score::{Articulation, BarNumber, MidiNote, Note, Part, PartBar, TuningPoint, Velocity};
use crate::song::Seed;
use crate::time::{TempoMap, TickCount, Ticks};

/// A tuning is set so long before the bar that it belongs to, for the notes that are struck early, in seconds.
const TUNING_LEAD_S: f64 = 0.1;
const _: () = assert!(TUNING_LEAD_S > 2.0 * BOW_LEAD_S);

/// Length of a note that stands in no score, in seconds.
const STRUCK_S: f64 = 0.1;

/// Accent of the first guitar stroke and the first kick under an entry that nobody foresaw, in velocity.
const ENTRY_ACCENT: f64 = 9.0;
/// Kick, snare and toms of General MIDI's percussion map.
const KICK: u8 = 36;
const SNARE: u8 = 38;
const TOMS: [u8; 3] = [43, 45, 48];

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
    pub fn take(&mut self, bars: Vec<PartBar>, mut dynamics: Dynamics) {
        dynamics.catch_up(&self.dynamics);
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

    /// Takes a tone of the voice that the bars were not written for: what is released from now on is as loud as that asks
    /// for. The last tone may be taken again, longer.
    pub fn hear(&mut self, tone: Tone) {
        self.dynamics.hear(tone);
    }

    /// The voice is there where nobody foresaw it. Up to a position nothing is played over it that belongs to a rest: fills of
    /// the drums and the line of the first violin are broken off. The first guitar stroke and the first kick get an accent.
    pub fn meet_entry(&mut self, until: Ticks, beat: TickCount) {
        let from = self.released;
        for bar in &mut self.bars {
            let part = bar.part;
            let strings: Vec<Ticks> = bar.notes.iter().map(|note| note.start).collect();
            let is_alone = |at: Ticks| strings.iter().filter(|start| **start == at).count() == 1;
            bar.notes.retain(|note| {
                let is_fill = match part {
                    Part::Drums => is_fill(note, beat),
                    Part::Strings => is_alone(note.start),
                    _ => false,
                };
                !is_fill || note.start < from || note.start >= until
            });
        }
        for (part, key) in [(Part::Guitar, None), (Part::Drums, Some(KICK))] {
            let meets = |note: &Note| {
                note.start >= from && note.start < until && key.is_none_or(|key| note.pitch.0 == key)
            };
            let of_part = self.bars.iter().filter(|bar| bar.part == part).flat_map(|bar| &bar.notes);
            let Some(first) = of_part.filter(|note| meets(note)).map(|note| note.start).min() else {
                continue;
            };
            let bars = self.bars.iter_mut().filter(|bar| bar.part == part);
            for note in bars.flat_map(|bar| &mut bar.notes).filter(|note| meets(note) && note.start == first)
            {
                note.velocity = Velocity::clamped(f64::from(note.velocity.get()) + ENTRY_ACCENT);
            }
        }
    }

    /// The voice has gone: what a part holds is let go where nothing has been released yet, and what comes later begins
    /// as it is written.
    pub fn let_go(&mut self, part: Part) {
        for open in self.open.iter_mut().filter(|open| open.part == part) {
            open.end = open.end.min(self.released);
        }
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
        self.dynamics = Dynamics::even();
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

/// Whether a stroke of the drums belongs to a fill: on a tom, or on the snare beside the beat and no ghost.
fn is_fill(note: &Note, beat: TickCount) -> bool {
    let is_beside = (note.start - Ticks(0)).0 % beat.0 != 0;
    TOMS.contains(&note.pitch.0)
        || note.pitch.0 == SNARE && is_beside && note.articulation != Articulation::Ghost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::sung::{BEAT, at, lines, score};
    use crate::time::Bpm;

    fn note(beat: f64, beats: f64, pitch: u8) -> Note {
        Note {
            start: at(beat),
            length: at(beats) - Ticks(0),
            pitch: MidiNote(pitch),
            velocity: Velocity::clamped(70.0),
            articulation: Articulation::Normal,
        }
    }

    fn bar(part: Part, notes: Vec<Note>) -> PartBar {
        PartBar { part, bar: BarNumber(1), take: 1, notes }
    }

    fn play(releaser: &mut Releaser, until: f64) -> Vec<PlayedEvent> {
        let mut events = Vec::new();
        let tempo = TempoMap::constant(Bpm(60.0), BEAT);
        releaser.release(at(until), BEAT, &tempo, 0.0, 0.0, &mut |event| events.push(event));
        events
    }

    fn strokes(events: &[PlayedEvent]) -> Vec<(Part, u8, u8)> {
        let mut strokes: Vec<_> = events
            .iter()
            .filter_map(|event| match event.kind {
                EventKind::NoteOn { pitch, velocity, .. } => Some((event.part, pitch.0, velocity.get())),
                _ => None,
            })
            .collect();
        strokes.sort_unstable();
        strokes
    }

    #[test]
    fn an_entry_breaks_off_a_fill_and_a_solo_line_and_gets_an_accent() {
        let bars = || {
            let fill = [2.0, 2.5, 3.0, 3.25, 3.5, 3.75].map(|beat| note(beat, 0.1, 45));
            let drums = [note(2.75, 0.1, SNARE), note(3.0, 0.1, KICK), note(3.0, 0.1, SNARE)];
            let strings = [note(2.0, 1.0, 74), note(3.0, 1.0, 76), note(0.0, 2.0, 60), note(0.0, 2.0, 64)];
            let guitar = [note(2.0, 1.0, 50), note(3.0, 1.0, 50), note(3.5, 0.5, 50)];
            vec![
                bar(Part::Drums, fill.into_iter().chain(drums).collect()),
                bar(Part::Strings, strings.to_vec()),
                bar(Part::Guitar, guitar.to_vec()),
            ]
        };
        let [mut met, mut alone] = [Releaser::new(Seed(1)), Releaser::new(Seed(1))];
        for releaser in [&mut met, &mut alone] {
            releaser.take(bars(), Dynamics::even());
            play(releaser, 2.5);
        }
        met.meet_entry(at(4.0), BEAT);
        let (met, alone) = (strokes(&play(&mut met, 4.0)), strokes(&play(&mut alone, 4.0)));
        let of = |strokes: &[(Part, u8, u8)], part: Part, key: u8| -> Vec<u8> {
            strokes.iter().filter(|s| (s.0, s.1) == (part, key)).map(|s| s.2).collect()
        };
        assert_eq!((of(&met, Part::Drums, 45).len(), of(&alone, Part::Drums, 45).len()), (0, 5));
        // The back-beat stays.
        assert_eq!((of(&met, Part::Drums, SNARE).len(), of(&alone, Part::Drums, SNARE).len()), (1, 2));
        assert_eq!((of(&met, Part::Strings, 76).len(), of(&alone, Part::Strings, 76).len()), (0, 1));
        let louder = |part: Part, key: u8| -> Vec<i32> {
            let pairs = of(&met, part, key).into_iter().zip(of(&alone, part, key));
            pairs.map(|(met, alone)| i32::from(met) - i32::from(alone)).collect()
        };
        assert_eq!(louder(Part::Drums, KICK), [9]);
        let mut guitar = louder(Part::Guitar, 50);
        guitar.sort_unstable();
        assert_eq!(guitar.iter().sum::<i32>(), 9, "one stroke of {guitar:?} has the accent");
    }

    #[test]
    fn strings_are_let_go_where_nothing_is_released_yet() {
        let mut releaser = Releaser::new(Seed(1));
        releaser.take(vec![bar(Part::Strings, vec![note(0.0, 4.0, 60)])], Dynamics::even());
        play(&mut releaser, 2.0);
        releaser.let_go(Part::Strings);
        let events = play(&mut releaser, 2.5);
        let off = events.iter().find(|event| matches!(event.kind, EventKind::NoteOff { .. }));
        assert!((off.expect("an end").at_s - 2.0).abs() < 1e-9, "{events:?}");
        assert!(play(&mut releaser, 5.0).iter().all(|e| !matches!(e.kind, EventKind::NoteOff { .. })));
    }

    #[test]
    fn what_is_heard_later_is_played_to_and_survives_the_next_bar() {
        let score = score(4, &lines(1, 2)[..8], &["A"], 0.5);
        let loud = Tone { start: at(8.0), end: at(10.0), level_dbfs: -12.0, midi: 64.0 };
        let played = |is_heard: bool| {
            let mut releaser = Releaser::new(Seed(1));
            releaser.take(Vec::new(), Dynamics::new(&score, true));
            if is_heard {
                releaser.hear(loud);
            }
            releaser.take(vec![bar(Part::Guitar, vec![note(10.0, 1.0, 50)])], Dynamics::new(&score, true));
            strokes(&play(&mut releaser, 12.0))[0].2
        };
        assert!(played(true) > played(false) + 4, "{} {}", played(true), played(false));
    }
}
