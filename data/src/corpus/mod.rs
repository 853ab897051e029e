//! All open scores in one event form, aligned to bars. The form is described in `docs/corpus.md`.

mod folk;
pub mod form;
mod midi;
mod scores;
pub mod sets;
#[cfg(test)]
mod tests;
pub mod unique;

use std::collections::BTreeMap;

use collavoce::score::{ChordSpan, Mode};
use collavoce::time::{TickCount, Ticks};
use serde::{Deserialize, Serialize};

/// A song as it is written or was played. Tick 0 is where its first bar begins, a pickup included.
///
/// Nothing is inferred: what the source does not state is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Song {
    /// Its name; no other song of its set has it.
    pub name: String,
    /// What its side of the split is drawn by: songs of a group are on one side.
    pub group: String,
    /// Its composer as the file's name has it, where songs are held out by composer too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composer: Option<String>,
    /// Style or groove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// Its bars from the first to the last.
    pub bars: Vec<BarRun>,
    /// Key signatures, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyChange>,
    /// Quarters a minute from a tick on, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tempos: Vec<(Ticks, f64)>,
    /// Where sections begin; empty names stand for double bars and repeat signs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<(Ticks, String)>,
    /// Written chord symbols, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "form::chords")]
    pub chords: Vec<ChordSpan>,
    /// What sounds.
    pub parts: Vec<Part>,
}

/// Bars that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u32, u8, u8, i64)", from = "(u32, u8, u8, i64)")]
pub struct BarRun {
    /// How many they are, at least 1.
    pub count: u32,
    /// Upper number of the time signature.
    pub beats: u8,
    /// Lower number of the time signature.
    pub unit: u8,
    /// What one of them lasts: less than the metre asks for in a pickup.
    pub length: TickCount,
}

/// A key signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(Ticks, i8, Option<Mode>)", from = "(Ticks, i8, Option<Mode>)")]
pub struct KeyChange {
    /// From where on it holds.
    pub start: Ticks,
    /// Sharps (positive) or flats (negative), -7..=7.
    pub fifths: i8,
    /// The mode, if it is stated. Many scores state major whatever the key is.
    pub mode: Option<Mode>,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// What is sung, or the tune.
    Melody,
    /// Percussion: pitches are sounds of General MIDI.
    Drums,
    /// Anything else.
    Pitched,
}

/// One voice of a staff, or one instrument of a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "form::PartRow", try_from = "form::PartRow")]
pub struct Part {
    /// Its name in the source.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Program of General MIDI, 0..=127, if it is stated.
    pub program: Option<u8>,
    /// Staff of the instrument, from 1.
    pub staff: u8,
    /// Voice of the instrument, from 1.
    pub voice: u8,
    /// Its notes in order of their starts, then of their pitches.
    pub notes: Vec<Note>,
}

/// A note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Where it is written to begin, or the nearest sixteenth where `offset` is told.
    pub start: Ticks,
    /// MIDI pitch, or a percussion sound of General MIDI.
    pub pitch: u8,
    /// How long it lasts, at least 1.
    pub length: TickCount,
    /// MIDI velocity, 1..=127, if it was played.
    pub velocity: Option<u8>,
    /// How much later than `start` it was played.
    pub offset: TickCount,
}

impl From<BarRun> for (u32, u8, u8, i64) {
    fn from(run: BarRun) -> Self {
        (run.count, run.beats, run.unit, run.length.0)
    }
}

impl From<(u32, u8, u8, i64)> for BarRun {
    fn from((count, beats, unit, length): (u32, u8, u8, i64)) -> Self {
        Self { count, beats, unit, length: TickCount(length) }
    }
}

impl From<KeyChange> for (Ticks, i8, Option<Mode>) {
    fn from(key: KeyChange) -> Self {
        (key.start, key.fifths, key.mode)
    }
}

impl From<(Ticks, i8, Option<Mode>)> for KeyChange {
    fn from((start, fifths, mode): (Ticks, i8, Option<Mode>)) -> Self {
        Self { start, fifths, mode }
    }
}

/// What of a source was passed over, counted by what it is.
pub type LeftOut = BTreeMap<&'static str, usize>;

impl Song {
    /// Adds a bar at the end.
    fn push_bar(&mut self, (beats, unit): (u8, u8), length: TickCount) {
        match self.bars.last_mut() {
            Some(run) if (run.beats, run.unit, run.length) == (beats, unit, length) => run.count += 1,
            _ => self.bars.push(BarRun { count: 1, beats, unit, length }),
        }
    }

    /// Number of bars.
    pub fn bar_count(&self) -> usize {
        self.bars.iter().map(|run| run.count as usize).sum()
    }

    /// Number of notes.
    pub fn note_count(&self) -> usize {
        self.parts.iter().map(|part| part.notes.len()).sum()
    }

    /// Where its last bar ends; none if that is beyond all numbers.
    pub fn end(&self) -> Option<Ticks> {
        let mut bars = self.bars.iter();
        let end =
            bars.try_fold(0i64, |end, run| end.checked_add(run.length.0.checked_mul(i64::from(run.count))?));
        end.filter(|end| *end <= MAX_TICKS).map(Ticks)
    }

    /// Puts notes in order, drops parts without any, and makes sure that all lies within the bars.
    ///
    /// # Errors
    ///
    /// Says what does not.
    fn finish(mut self) -> Result<Self, String> {
        for part in &mut self.parts {
            part.notes.sort_unstable();
        }
        self.parts.retain(|part| !part.notes.is_empty());
        self.check()?;
        Ok(self)
    }

    /// What every song of the form keeps to.
    ///
    /// # Errors
    ///
    /// Says what it breaks.
    pub fn check(&self) -> Result<(), String> {
        if self.parts.is_empty() {
            return Err("no notes".to_owned());
        }
        if self.bars.iter().any(|run| run.count == 0 || run.length.0 <= 0 || run.beats == 0 || run.unit == 0)
        {
            return Err("a bar without length".to_owned());
        }
        let end = self.end().ok_or("bars without end")?;
        let within = |at: Ticks| (0..end.0).contains(&at.0);
        for part in &self.parts {
            let is_note = |note: &Note| {
                note.pitch < 128 && note.length.0 > 0 && note.velocity.is_none_or(|v| (1..128).contains(&v))
            };
            if part.notes.is_empty() || !part.notes.iter().all(is_note) {
                return Err("a note without length, or beyond MIDI".to_owned());
            }
            if !part.notes.iter().all(|note| within(note.start)) {
                return Err("a note outside of the bars".to_owned());
            }
            if !part.notes.is_sorted() {
                return Err("notes out of order".to_owned());
            }
        }
        if !self.chords.iter().all(|chord| within(chord.start) && chord.length.0 > 0)
            || !self.chords.is_sorted_by_key(|chord| chord.start)
        {
            return Err("a chord outside of the bars".to_owned());
        }
        let starts = self.keys.iter().map(|key| key.start);
        let starts = starts.chain(self.tempos.iter().map(|tempo| tempo.0));
        let mut starts = starts.chain(self.sections.iter().map(|section| section.0));
        if !starts.all(within) { Err("a mark outside of the bars".to_owned()) } else { Ok(()) }
    }
}

/// Longest song: a day of quarters at 240 a minute.
const MAX_TICKS: i64 = 24 * 60 * 240 * 960;
