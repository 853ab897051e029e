//! How near what is written to a mix is to what is played in it.

use collavoce::engine::Session;
use collavoce::score::{ChordSymbol, Key, Mode, Part};
use collavoce_data::tune::majmin;

use crate::follow::f_measure;
use crate::separate::measure::median;

/// Farthest that a beat lies from one that it meets, in seconds.
const BEAT_S: f64 = 0.07;
/// Step in which chords are compared, in seconds.
const STEP_S: f64 = 0.01;
/// Largest ratio of two tempi that are the same.
const SAME_TEMPO: f64 = 1.08;

/// What is written to a recording, in its seconds.
#[derive(Debug, Clone)]
pub struct Written {
    pub key: Key,
    pub beats_s: Vec<f64>,
    /// Beginnings and ends.
    chords: Vec<(f64, f64, ChordSymbol)>,
    sung_s: (f64, f64),
}

impl Written {
    /// What a session has, `later_s` after the beginning of the recording that it was made of.
    pub fn of(session: &Session, later_s: f64) -> Self {
        let score = &session.score;
        let seconds = |at| score.tempo.seconds_at(at) - session.pad_s + later_s;
        let beats = score.all_bars().flat_map(|bar| {
            (0..score.meter.beats_per_bar() as i64).map(move |beat| bar.start + score.meter.beat() * beat)
        });
        let chords =
            score.chords.iter().map(|span| (seconds(span.start), seconds(span.end()), span.chord)).collect();
        let notes = &session.take.notes;
        let sung = |note: Option<f64>| note.unwrap_or(0.0) - session.pad_s + later_s;
        let sung_s = (
            sung(notes.first().map(|note| note.onset_s)),
            sung(notes.iter().map(|note| note.offset_s).reduce(f64::max)),
        );
        Self { key: score.key, beats_s: beats.map(seconds).collect(), chords, sung_s }
    }

    fn beats_between(&self, from_s: f64, to_s: f64) -> Vec<f64> {
        self.beats_s.iter().copied().filter(|beat| (from_s..to_s).contains(beat)).collect()
    }

    /// Root, and whether the third is minor.
    fn chord_at(&self, at_s: f64) -> Option<(u8, bool)> {
        let after = self.chords.partition_point(|(from_s, ..)| *from_s <= at_s);
        let (_, to_s, chord) = self.chords[..after].last()?;
        if at_s < *to_s { majmin(*chord) } else { None }
    }

    /// Share of the time at which a chord of this is that of another.
    fn chords_like(&self, other: &Self, from_s: f64, to_s: f64) -> f64 {
        let (mut same, mut all) = (0, 0);
        for step in 0..((to_s - from_s) / STEP_S).max(0.0) as usize {
            let at_s = from_s + step as f64 * STEP_S;
            let Some(chord) = self.chord_at(at_s) else { continue };
            all += 1;
            same += usize::from(other.chord_at(at_s) == Some(chord));
        }
        same as f64 / all.max(1) as f64
    }
}

/// How two keys lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMatch {
    Same,
    /// With the same notes.
    Relative,
    Other,
}

impl KeyMatch {
    fn of(truth: Key, found: Key) -> Self {
        let major = |key: Key| (key.tonic.0 + if key.mode == Mode::Minor { 3 } else { 0 }) % 12;
        match (truth == found, major(truth) == major(found)) {
            (true, _) => Self::Same,
            (_, true) => Self::Relative,
            _ => Self::Other,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Relative => "relative",
            Self::Other => "other",
        }
    }
}

/// What is written to a mix beside what is played in it.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub key: KeyMatch,
    /// Beats a minute that are played and that are found.
    pub bpm: [f64; 2],
    /// Of the beats that are written, and of the best of them, twice and half as many.
    pub beats: f64,
    pub beats_octave: f64,
    /// Shares of time with the same root and the same third as what is written to the dry voice, and as what is played.
    pub chords_dry: f64,
    pub chords_played: f64,
    /// Seconds from the first note that is sung to the first chord that is written.
    pub waited_s: f64,
}

impl Figures {
    /// From where the band that is written begins to play, to the last note that is sung.
    pub fn of(played: &Written, dry: Option<&Written>, found: &Written) -> Self {
        let begins_s = found.chords.first().map_or(f64::INFINITY, |(from_s, ..)| *from_s);
        let (from_s, to_s) = (begins_s.max(played.sung_s.0), played.sung_s.1);
        let window = (from_s - BEAT_S, to_s + BEAT_S);
        let [truth, beats] = [played, found].map(|written| written.beats_between(window.0, window.1));
        let halves: Vec<f64> =
            beats.windows(2).flat_map(|pair| [pair[0], 0.5 * (pair[0] + pair[1])]).collect();
        let every = |first: usize| beats.iter().copied().skip(first).step_by(2).collect::<Vec<_>>();
        let f = |beats: &[f64]| f_measure(&truth, beats, BEAT_S);
        let beats_octave =
            [f(&beats), f(&halves), f(&every(0)), f(&every(1))].into_iter().fold(0.0, f64::max);
        Self {
            key: KeyMatch::of(played.key, found.key),
            bpm: [bpm(&truth), bpm(&beats)],
            beats: f(&beats),
            beats_octave,
            chords_dry: dry.map_or(f64::NAN, |dry| dry.chords_like(found, from_s, to_s)),
            chords_played: played.chords_like(found, from_s, to_s),
            waited_s: (begins_s - played.sung_s.0).max(0.0),
        }
    }

    /// The tempo that is found over that which is played.
    pub fn tempo(&self) -> f64 {
        self.bpm[1] / self.bpm[0]
    }

    /// Whether the tempo is right, and whether it is so but for halves and doubles.
    pub fn tempo_is_right(&self) -> [bool; 2] {
        let near = |ratio: f64| (1.0 / SAME_TEMPO..SAME_TEMPO).contains(&(self.tempo() * ratio));
        [near(1.0), near(1.0) || near(2.0) || near(0.5)]
    }
}

/// How what is written goes with a guitar that is played in the recording, shares from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct BesideGuitar {
    /// Of the time of the strings' notes: at pitches between the tenth and the ninetieth of a hundred of the guitar's.
    pub doubled: f64,
    /// Of the strokes of kick and snare: within 45 ms of one of the guitar.
    pub together: f64,
}

impl BesideGuitar {
    /// What `found` has beside the guitar of `played`, which begins `later_s` after the recording.
    pub fn of(played: &Session, later_s: f64, found: &Session) -> Self {
        let notes = |session: &Session, part: Part, later_s: f64| -> Vec<(f64, f64, u8)> {
            let seconds = |at| session.score.tempo.seconds_at(at) - session.pad_s + later_s;
            let of = session.score.parts.iter().filter(|bar| bar.part == part).flat_map(|bar| &bar.notes);
            of.map(|note| (seconds(note.start), seconds(note.end()), note.pitch.0)).collect()
        };
        let guitar = notes(played, Part::Guitar, later_s);
        let mut pitches: Vec<u8> = guitar.iter().map(|note| note.2).collect();
        pitches.sort_unstable();
        let at = |share: usize| pitches.get(pitches.len() * share / 10).copied().unwrap_or(0);
        let (low, high) = (at(1), at(9));
        let strings = notes(found, Part::Strings, 0.0);
        let time = |is: &dyn Fn(u8) -> bool| -> f64 {
            strings.iter().filter(|note| is(note.2)).map(|note| note.1 - note.0).sum()
        };
        let mut drums = notes(found, Part::Drums, 0.0);
        drums.retain(|note| matches!(note.2, 35 | 36 | 38 | 40));
        let near = |at_s: f64| guitar.iter().any(|note| (note.0 - at_s).abs() < 0.045);
        let together = drums.iter().filter(|note| near(note.0)).count();
        Self {
            doubled: time(&|pitch| (low..=high).contains(&pitch)) / time(&|_| true),
            together: together as f64 / drums.len() as f64,
        }
    }
}

fn bpm(beats_s: &[f64]) -> f64 {
    60.0 / median(beats_s.windows(2).map(|pair| pair[1] - pair[0]))
}

#[cfg(test)]
mod tests {
    use collavoce::score::{ChordQuality, PitchClass};

    use super::*;

    fn written(period_s: f64, chords: &[(f64, f64, u8)]) -> Written {
        let chord = |(from_s, to_s, root): &(f64, f64, u8)| {
            (*from_s, *to_s, ChordSymbol::new(PitchClass(*root), ChordQuality::Major))
        };
        Written {
            key: Key { tonic: PitchClass(0), mode: Mode::Major },
            beats_s: (0..(20.0 / period_s) as usize).map(|beat| beat as f64 * period_s).collect(),
            chords: chords.iter().map(chord).collect(),
            sung_s: (2.0, 18.0),
        }
    }

    #[test]
    fn what_is_the_same_is_right_from_where_the_band_begins() {
        let played = written(0.5, &[(0.0, 10.0, 0), (10.0, 20.0, 7)]);
        let found = written(0.5, &[(6.0, 10.0, 0), (10.0, 14.0, 7), (14.0, 20.0, 5)]);
        let figures = Figures::of(&played, None, &found);
        assert_eq!((figures.key, figures.tempo_is_right()), (KeyMatch::Same, [true, true]));
        assert!(figures.beats > 0.999, "{figures:?}");
        assert!((figures.waited_s - 4.0).abs() < 1e-9, "{figures:?}");
        assert!((figures.chords_played - 8.0 / 12.0).abs() < 0.01, "{figures:?}");
    }

    #[test]
    fn half_the_tempo_is_right_up_to_an_octave() {
        let (played, found) = (written(0.5, &[(0.0, 20.0, 0)]), written(1.0, &[(0.0, 20.0, 0)]));
        let figures = Figures::of(&played, None, &found);
        assert_eq!(figures.tempo_is_right(), [false, true]);
        assert!(figures.beats < 0.7 && figures.beats_octave > 0.95, "{figures:?}");
    }

    #[test]
    fn a_minor_key_has_a_relative_one() {
        let key = |tonic, mode| Key { tonic: PitchClass(tonic), mode };
        let (a, c) = (key(9, Mode::Minor), key(0, Mode::Major));
        assert_eq!(KeyMatch::of(c, a), KeyMatch::Relative);
        assert_eq!(KeyMatch::of(c, key(9, Mode::Major)), KeyMatch::Other);
    }
}
