//! What was played, step by step, read from notes.

use collavoce_models::arranger::{
    BASS, Frame, GUITAR, HELD, KIT, LEVELS, PARTS, SHIFTS, STRINGS, Sounding, Step, stroke, tone,
};

use super::ground::{STEP, height, root_at, steps_in_bar};
use crate::compose::rules::{fretting, guitar};
use crate::score::{Articulation, BarNumber, ChordSymbol, MidiNote, Note, Part, PitchClass, Score};
use crate::time::{TickCount, Ticks};

/// Keys of General MIDI's percussion map by piece of the kit; the first is the one that is written.
const KEYS: [&[u8]; KIT] = [
    &[36, 35],
    &[38, 40, 37],
    &[42, 70],
    &[46],
    &[44],
    &[43, 41],
    &[45, 47],
    &[48, 50],
    &[49, 57],
    &[51, 53, 59],
];
/// Ticks between two places off the grid that are told apart.
pub const SHIFT: i64 = 20;
/// Velocities that share a level.
const LEVEL: u8 = (128 / LEVELS) as u8;
/// Most notes that a voice may hold at once.
const MOST_TOGETHER: usize = 4;
/// Voices that hold tones: bass, and strings from the lowest.
pub const LINES: usize = 5;

/// The key of a piece of the kit.
pub fn key_of(piece: usize) -> u8 {
    KEYS[piece][0]
}

/// The piece of the kit that a key belongs to.
pub fn piece_of(key: u8) -> Option<usize> {
    KEYS.iter().position(|keys| keys.contains(&key))
}

/// The middle of a level's velocities.
pub fn velocity_of(level: u8) -> f64 {
    f64::from(level) * f64::from(LEVEL) + f64::from(LEVEL) / 2.0
}

/// The voice of one of the lines that hold tones.
pub fn voice_of(line: usize) -> usize {
    if line == 0 { BASS } else { STRINGS + line - 1 }
}

/// What everybody played in some bars, from one step to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// Where the first step lies.
    pub from: Ticks,
    /// A frame for each step.
    pub frames: Vec<Frame>,
    /// The pitches that sound in each step: bass, then strings.
    pub pitches: Vec<[Option<MidiNote>; LINES]>,
}

impl Played {
    /// Silence in a run of steps.
    pub fn silence(from: Ticks, steps: usize) -> Self {
        Self { from, frames: vec![Frame::EMPTY; steps], pitches: vec![[None; LINES]; steps] }
    }

    /// What those parts of a score that are heard play in some bars.
    pub fn of(
        score: &Score,
        first: BarNumber,
        bars: usize,
        is_heard: impl Fn(Part, BarNumber) -> bool,
    ) -> Self {
        let per_bar = steps_in_bar(score.meter);
        let mut played = Self::silence(score.bar(first).start, bars * per_bar);
        let last = BarNumber(first.0 + bars as i32);
        let notes_of = |part: Part| -> Vec<Note> {
            // What began a bar before may sound on.
            let within = score.parts.iter().filter(|bar| bar.part == part);
            let within =
                within.filter(|bar| bar.bar.0 >= first.0 - 1 && bar.bar < last && is_heard(part, bar.bar));
            let mut notes: Vec<Note> = within.flat_map(|bar| bar.notes.iter().copied()).collect();
            notes.sort_by_key(|note| (note.start, note.pitch));
            notes
        };
        played.drums(&notes_of(Part::Drums));
        played.guitar(score, &notes_of(Part::Guitar));
        played.line(score, 0, &notes_of(Part::Bass));
        for (voice, notes) in voices(&notes_of(Part::Strings)).iter().enumerate() {
            played.line(score, voice + 1, notes);
        }
        played
    }

    /// The step nearest to a position, if it is one of these.
    fn step_near(&self, at: Ticks) -> Option<usize> {
        let index = (at - self.from).0 + STEP.0 / 2;
        (index >= 0).then_some((index / STEP.0) as usize).filter(|index| *index < self.frames.len())
    }

    /// Where a step lies.
    pub fn at(&self, step: usize) -> Ticks {
        self.from + STEP * step as i64
    }

    /// Takes in what the drums play.
    pub fn drums(&mut self, notes: &[Note]) {
        for note in notes {
            let (Some(piece), Some(step)) = (piece_of(note.pitch.0), self.step_near(note.start)) else {
                continue;
            };
            let middle = (SHIFTS / 2) as i64;
            let late = (note.start - self.at(step)).0 as f64 / SHIFT as f64;
            let frame = &mut self.frames[step];
            let level = note.velocity.get() / LEVEL;
            // Of two strokes on one step the louder one counts.
            if frame.choices[piece] == 0 || frame.levels[piece] < level {
                frame.choices[piece] = 1;
                frame.levels[piece] = level;
                frame.shifts[piece] = (middle + late.round() as i64).clamp(0, SHIFTS as i64 - 1) as u8;
            }
        }
    }

    /// Takes in what a voice plays that holds one tone at a time. Bars begin with a tone of their own: what is held over
    /// a bar line is struck again. Notes must be in order of their starts.
    pub fn line(&mut self, score: &Score, line: usize, notes: &[Note]) {
        let voice = voice_of(line);
        for step in 0..self.frames.len() {
            let at = self.at(step);
            let middle = at + STEP / 2;
            let begun = &notes[..notes.partition_point(|note| note.start < middle)];
            let sounds = |note: &&Note| note.end() > at + STEP / 4;
            let Some(note) = begun.iter().rev().take(MOST_TOGETHER).find(sounds) else { continue };
            let begins = note.start >= at - STEP / 2;
            let is_bar_line = (at - score.bar(BarNumber(1)).start).0.rem_euclid(score.meter.bar().0) == 0;
            let struck = tone(note.pitch.pitch_class().above(root_at(score, at)));
            self.frames[step].choices[voice] = if begins || is_bar_line { struck } else { HELD };
            self.pitches[step][line] = Some(note.pitch);
        }
    }

    fn guitar(&mut self, score: &Score, notes: &[Note]) {
        let mut hands = Hands::default();
        let notes = &guitar::without_graces(notes);
        let mut from = 0;
        while from < notes.len() {
            let start = notes[from].start;
            let together = notes[from..].iter().take_while(|note| note.start == start).count();
            if let Some(step) = self.step_near(start) {
                self.frames[step].choices[GUITAR] =
                    stroke_of(score, &notes[from..from + together], &mut hands);
            }
            from += together;
        }
    }

    /// Strokes a beat of every part in a run of steps, as the network counts them (drums, bass, guitar, strings), and the
    /// mean level of the drums' strokes. A chord of strings is one stroke.
    pub fn densities(&self, steps: std::ops::Range<usize>, per_beat: usize) -> ([f32; PARTS], Option<f32>) {
        let frames = &self.frames[steps];
        let beats = frames.len() as f32 / per_beat as f32;
        let begins = |choice: u8| usize::from(choice > HELD);
        let (mut strokes, mut levels) = ([0usize; PARTS], 0.0);
        for frame in frames {
            strokes[0] += frame.choices[..KIT].iter().filter(|choice| **choice == 1).count();
            levels += frame.levels.iter().map(|level| f32::from(*level)).sum::<f32>();
            strokes[1] += begins(frame.choices[BASS]);
            strokes[2] += usize::from(frame.choices[GUITAR] != stroke::NONE);
            strokes[3] += frame.choices[STRINGS..].iter().map(|choice| begins(*choice)).sum::<usize>();
        }
        let level = (strokes[0] > 0).then(|| levels / strokes[0] as f32);
        let shares = [1.0, 1.0, 1.0, 4.0];
        (std::array::from_fn(|part| strokes[part] as f32 / shares[part] / beats.max(1e-6)), level)
    }

    /// A step with what was played just before it.
    pub fn told(&self, step: &Step, index: usize, root: PitchClass) -> Step {
        let silent = Frame::EMPTY;
        let last = index.checked_sub(1);
        let sounds = last.map_or([None; LINES], |last| self.pitches[last]);
        let sounding: Sounding =
            sounds.map(|pitch| pitch.map(|note| (note.pitch_class().above(root), height(note.0))));
        let strokes = self.frames[..index].iter().rev().take(16);
        let since = strokes.take_while(|frame| frame.choices[GUITAR] == stroke::NONE).count();
        Step {
            played: last.map_or(silent, |last| self.frames[last]),
            sounding,
            since_stroke: since as u8,
            ..*step
        }
    }
}

/// The open and fretted strings of chords that were held.
#[derive(Default)]
struct Hands(Vec<(ChordSymbol, Vec<MidiNote>)>);

impl Hands {
    fn strings(&mut self, chord: ChordSymbol) -> &[MidiNote] {
        let known = self.0.iter().position(|(one, _)| *one == chord).unwrap_or_else(|| {
            self.0.push((chord, fretting(chord, 0).notes().map(|(_, note)| note).collect()));
            self.0.len() - 1
        });
        &self.0[known].1
    }
}

/// What a guitar's notes that are struck together are.
fn stroke_of(score: &Score, notes: &[Note], hands: &mut Hands) -> u8 {
    // Strings may be left out of a strum; how far it goes is told by the last one.
    let down = notes.iter().filter_map(|note| match note.articulation {
        Articulation::StrumDown { order } => Some(order),
        _ => None,
    });
    let up = notes.iter().filter_map(|note| match note.articulation {
        Articulation::StrumUp { order } => Some(order),
        _ => None,
    });
    if notes.iter().any(|n| n.articulation == Articulation::Muted) {
        return stroke::DAMPED;
    }
    if let Some(last) = down.max() {
        return if last > 3 { stroke::DOWN } else { stroke::LIGHT_DOWN };
    }
    if let Some(last) = up.max() {
        return if last > 2 { stroke::UP } else { stroke::LIGHT_UP };
    }
    if notes.len() > 1 {
        return stroke::PINCH;
    }
    let Some(chord) = super::ground::chord_near(score, notes[0].start) else { return stroke::BASS };
    let strings = hands.strings(chord);
    let below = strings.iter().rev().take_while(|string| string.0 > notes[0].pitch.0).count();
    if below + 1 >= strings.len() { stroke::BASS } else { stroke::TOP + below.min(3) as u8 }
}

/// The four voices of strings' notes, from the lowest: notes that sound together are never crossed, and each goes to the
/// voice that is nearest.
pub fn voices(notes: &[Note]) -> [Vec<Note>; 4] {
    /// Where the voices are at home, from the lowest.
    const HOME: [u8; 4] = [45, 57, 64, 69];
    /// What speaks against a voice that sounds already, and against crossing one, in semitones.
    const BUSY: u32 = 24;
    const CROSSED: u32 = 48;
    let mut voices: [Vec<Note>; 4] = Default::default();
    let mut starts: Vec<Ticks> = notes.iter().map(|note| note.start).collect();
    starts.sort_unstable();
    starts.dedup();
    for start in starts {
        let mut begun: Vec<Note> = notes.iter().filter(|note| note.start == start).copied().collect();
        begun.sort_by_key(|note| note.pitch);
        begun.truncate(4);
        let last: [Option<Note>; 4] = std::array::from_fn(|voice| voices[voice].last().copied());
        let sounds = |voice: usize| last[voice].filter(|last| last.end() > start + TickCount(STEP.0 / 4));
        let cost = |voice: usize, note: &Note| {
            let at = last[voice].map_or(HOME[voice], |last| last.pitch.0);
            // A voice that still sounds is not the one that begins, nor is one that would cross it.
            let busy = u32::from(sounds(voice).is_some());
            let crossed = (0..4).filter_map(|other| Some((other, sounds(other)?.pitch)));
            let crossed = crossed.filter(|(other, pitch)| {
                *other < voice && *pitch >= note.pitch || *other > voice && *pitch <= note.pitch
            });
            u32::from(at.abs_diff(note.pitch.0)) + BUSY * busy + CROSSED * crossed.count() as u32
        };
        let best = orders(begun.len()).into_iter().min_by_key(|order| {
            order.iter().zip(&begun).map(|(voice, note)| cost(*voice, note)).sum::<u32>()
        });
        for (voice, note) in best.unwrap_or_default().into_iter().zip(begun) {
            voices[voice].push(note);
        }
    }
    voices
}

/// All ways to give some notes, from the lowest, to as many of four voices without crossing.
fn orders(count: usize) -> Vec<Vec<usize>> {
    (0u8..16)
        .filter(|set| set.count_ones() as usize == count)
        .map(|set| (0..4).filter(|voice| set >> voice & 1 == 1).collect())
        .collect()
}
