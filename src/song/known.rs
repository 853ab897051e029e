//! A song that is known beforehand.

use serde::{Deserialize, Serialize};

use super::chart::{Chart, Slot};
use super::pace::{Pace, PaceError};
use crate::limits;
use crate::score::{BarNumber, Score};
use crate::time::{Meter, Ticks};

/// Shortest distance of two notes in beats.
const SHORTEST_BEATS: f64 = 0.01;

/// A note of a known melody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KnownNote {
    /// Where it begins, in beats of the metre since bar 1; below 0 in a pickup.
    pub start_beats: f64,
    /// Its length in beats.
    pub beats: f64,
    /// MIDI number.
    pub midi: f64,
}

impl KnownNote {
    fn end_beats(&self) -> f64 {
        self.start_beats + self.beats
    }
}

/// Why a melody cannot be followed.
#[derive(Debug, thiserror::Error, Clone, PartialEq)]
pub enum KnownSongError {
    /// There is nothing to follow.
    #[error("a known song needs at least one note")]
    NoNotes,
    /// There is more than can be followed.
    #[error("a known song has {notes} notes; at most {max} are followed", max = limits::MAX_MELODY_NOTES)]
    TooManyNotes {
        /// How many.
        notes: usize,
    },
    /// A number is none.
    #[error("note {note} has a start, length or pitch that is no number, or no length")]
    NoNumber {
        /// Its index.
        note: usize,
    },
    /// Notes do not follow each other.
    #[error("note {note} must begin at least {SHORTEST_BEATS} beats after the one before it")]
    Unordered {
        /// Its index.
        note: usize,
    },
    /// A line begins nowhere.
    #[error("a line begins with note {note}, but there are {notes}")]
    NoSuchNote {
        /// Index of the note that it should begin with.
        note: usize,
        /// Notes of the song.
        notes: usize,
    },
    /// A beat has no length.
    #[error(transparent)]
    Pace(#[from] PaceError),
}

/// A song that is known beforehand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct KnownSong {
    meter: Meter,
    notes: Vec<KnownNote>,
    lines: Vec<usize>,
    pace: Pace,
    /// Its beat period where nothing slows down or hurries, in seconds, if it was sung before.
    usual_s: Option<f64>,
}

impl KnownSong {
    /// A song of one melody: its notes in order, and the indices of those that begin a line. The first note always does.
    pub fn new(meter: Meter, notes: Vec<KnownNote>, lines: Vec<usize>) -> Result<Self, KnownSongError> {
        if notes.is_empty() {
            return Err(KnownSongError::NoNotes);
        }
        if notes.len() > limits::MAX_MELODY_NOTES {
            return Err(KnownSongError::TooManyNotes { notes: notes.len() });
        }
        for (index, note) in notes.iter().enumerate() {
            let is_finite = note.start_beats.is_finite() && note.beats.is_finite() && note.midi.is_finite();
            if !is_finite || note.beats <= 0.0 {
                return Err(KnownSongError::NoNumber { note: index });
            }
        }
        let is_late = |pair: &[KnownNote]| pair[1].start_beats >= pair[0].start_beats + SHORTEST_BEATS;
        if let Some(before) = notes.windows(2).position(|pair| !is_late(pair)) {
            return Err(KnownSongError::Unordered { note: before + 1 });
        }
        if let Some(note) = lines.iter().copied().find(|note| *note >= notes.len()) {
            return Err(KnownSongError::NoSuchNote { note, notes: notes.len() });
        }
        let mut lines = lines;
        lines.push(0);
        lines.sort_unstable();
        lines.dedup();
        Ok(Self { meter, notes, lines, pace: Pace::default(), usual_s: None })
    }

    /// The melody of a score that was written from an earlier take.
    pub fn of(score: &Score) -> Result<Self, KnownSongError> {
        let beat = score.meter.beat().0 as f64;
        let bar_one = score.bar(BarNumber(1)).start;
        let beats = |at: Ticks| (at - bar_one).0 as f64 / beat;
        let mut notes: Vec<KnownNote> = Vec::new();
        let mut lines = Vec::new();
        let mut phrases = score.phrases.iter().map(|phrase| phrase.start).peekable();
        for note in &score.melody {
            let start_beats = beats(note.start);
            if notes.last().is_some_and(|before| start_beats < before.start_beats + SHORTEST_BEATS) {
                continue;
            }
            while phrases.next_if(|start| *start <= note.start).is_some() {
                lines.push(notes.len());
            }
            let length = (note.length.0 as f64 / beat).max(SHORTEST_BEATS);
            notes.push(KnownNote { start_beats, beats: length, midi: f64::from(note.pitch.0) });
        }
        let (pace, usual_s) = Pace::of(score, bar_one);
        Ok(Self { pace, usual_s: Some(usual_s), ..Self::new(score.meter, notes, lines)? })
    }

    /// The same song, whose beats last as long as is said.
    pub fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// How long its beats last against the usual one.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Its beat period where nothing slows down or hurries, in seconds, if it was sung before.
    pub fn usual_s(&self) -> Option<f64> {
        self.usual_s
    }

    /// The metre.
    pub fn meter(&self) -> Meter {
        self.meter
    }

    /// The notes in order.
    pub fn notes(&self) -> &[KnownNote] {
        &self.notes
    }

    /// Indices of the notes that begin a line, in order.
    pub fn lines(&self) -> &[usize] {
        &self.lines
    }

    /// Beats of a bar.
    pub fn bar_beats(&self) -> f64 {
        self.meter.beats_per_bar() as f64
    }

    /// Whether a line begins with a note.
    pub fn begins_line(&self, note: usize) -> bool {
        self.lines.binary_search(&note).is_ok()
    }

    /// Index among the lines of the one that a note lies in.
    pub fn line_of(&self, note: usize) -> usize {
        self.lines.partition_point(|first| *first <= note) - 1
    }

    /// Beats from one note to another; below 0 if that comes before it.
    pub fn beats_between(&self, from: usize, to: usize) -> f64 {
        self.notes[to].start_beats - self.notes[from].start_beats
    }

    /// How many usual beats it takes from one note to another; below 0 if that comes before it.
    pub fn usual_between(&self, from: usize, to: usize) -> f64 {
        self.pace.usual(self.notes[to].start_beats) - self.pace.usual(self.notes[from].start_beats)
    }

    /// Beats that nothing is written for before a note.
    pub fn rest_before(&self, note: usize) -> f64 {
        match note.checked_sub(1) {
            Some(before) => self.notes[note].start_beats - self.notes[before].end_beats(),
            None => 0.0,
        }
    }
}

/// A song as it is written to a file.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    meter: Meter,
    notes: Vec<KnownNote>,
    lines: Vec<usize>,
    #[serde(default)]
    pace: Pace,
    #[serde(default)]
    usual_s: Option<f64>,
}

impl TryFrom<Written> for KnownSong {
    type Error = KnownSongError;
    fn try_from(written: Written) -> Result<Self, KnownSongError> {
        let usual_s = written.usual_s.filter(|period_s| period_s.is_finite() && *period_s > 0.0);
        let song = Self::new(written.meter, written.notes, written.lines)?;
        Ok(Self { pace: written.pace, usual_s, ..song })
    }
}

impl From<KnownSong> for Written {
    fn from(song: KnownSong) -> Self {
        let KnownSong { meter, notes, lines, pace, usual_s } = song;
        Self { meter, notes, lines, pace, usual_s }
    }
}

/// The chords of a score from bar 1 on, beat by beat, as a chart.
pub fn chart_of(score: &Score) -> Chart {
    let last = score.bar_number(score.bars.saturating_sub(1));
    let bars = (1..=last.0).map(|number| {
        let start = score.bar(BarNumber(number)).start;
        let beats = 0..score.meter.beats_per_bar() as i64;
        let chord = |beat: i64| score.chord_at(start + score.meter.beat() * beat);
        let mut slots: Vec<Slot> = beats.map(|beat| chord(beat).map_or(Slot::Silent, Slot::Chord)).collect();
        if slots.windows(2).all(|pair| pair[0] == pair[1]) {
            slots.truncate(1);
        }
        slots
    });
    Chart { bars: bars.collect(), ..Chart::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(start_beats: f64) -> KnownNote {
        KnownNote { start_beats, beats: 1.0, midi: 60.0 }
    }

    #[test]
    fn what_is_no_melody_is_refused() {
        let song = |notes: &[f64], lines: &[usize]| {
            let notes = notes.iter().map(|start| note(*start)).collect();
            KnownSong::new(Meter::FOUR_FOUR, notes, lines.to_vec())
        };
        assert_eq!(song(&[], &[]), Err(KnownSongError::NoNotes));
        assert_eq!(song(&[0.0, 1.0, 1.0], &[]), Err(KnownSongError::Unordered { note: 2 }));
        assert_eq!(song(&[0.0, f64::NAN], &[]), Err(KnownSongError::NoNumber { note: 1 }));
        assert_eq!(song(&[0.0, 1.0], &[2]), Err(KnownSongError::NoSuchNote { note: 2, notes: 2 }));
        let known = song(&[-1.0, 0.0, 2.0, 3.0], &[2, 2]).expect("a song");
        assert_eq!((known.lines(), known.line_of(1), known.line_of(3)), (&[0, 2][..], 0, 1));
        assert_eq!((known.rest_before(2), known.rest_before(0)), (1.0, 0.0));
    }
}
