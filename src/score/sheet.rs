//! The score: everything that is known and written about a song.

use serde::{Deserialize, Serialize};

use super::chord::{ChordSpan, ChordSymbol};
use super::key::Key;
use super::note::Note;
use super::part::Part;
use super::pitch::MidiNote;
use crate::time::{Meter, TempoMap, TickCount, Ticks};

/// The number of a bar as musicians count: 1 is the first full bar that is sung, 0 the bar that holds a pickup,
/// negative ones lie in the lead-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BarNumber(pub i32);

/// A bar of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Its number.
    pub number: BarNumber,
    /// Where it begins.
    pub start: Ticks,
    /// Where it ends.
    pub end: Ticks,
}

/// A note of the sung melody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MelodyNote {
    /// Written beginning.
    pub start: Ticks,
    /// Written length.
    pub length: TickCount,
    /// Written pitch, in the singer's tuning.
    pub pitch: MidiNote,
    /// Sung beginning in seconds of the input.
    pub onset_s: f64,
    /// Sung end in seconds of the input.
    pub offset_s: f64,
    /// Sung pitch as fractional MIDI number at A4 = 440 Hz.
    pub sung_midi: f64,
    /// Level while it lasts, in dB relative to full scale.
    pub level_dbfs: f64,
}

impl MelodyNote {
    /// Where it ends.
    pub fn end(&self) -> Ticks {
        self.start + self.length
    }
}

/// A sung phrase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Phrase {
    /// Beginning of its first note.
    pub start: Ticks,
    /// End of its last note.
    pub end: Ticks,
    /// Whether a breath is heard or left before it.
    pub breath_before: bool,
    /// Mean level in dB relative to that of the whole song.
    pub level_db: f64,
}

/// A section: a run of bars that belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Its name: `Intro`, `A`, `B`, `Interlude`, `Outro`.
    pub label: String,
    /// Its first bar.
    pub first: BarNumber,
    /// How many bars it has.
    pub bars: u32,
    /// How full the band plays, 0 to 1.
    pub energy: f64,
    /// What it is in the song, where the melody tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<SectionRole>,
}

/// What a section is in the song.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionRole {
    /// Sung again, and not the chorus.
    Verse,
    /// Of what is sung again, that which is highest, loudest and sung most often.
    Chorus,
    /// Sung once, after a chorus and before another section that is sung again.
    Bridge,
}

impl SectionRole {
    /// Its name: `verse`, `chorus` or `bridge`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verse => "verse",
            Self::Chorus => "chorus",
            Self::Bridge => "bridge",
        }
    }
}

impl Section {
    /// Whether a bar lies in it.
    pub fn holds(&self, bar: BarNumber) -> bool {
        (self.first.0..self.first.0 + self.bars as i32).contains(&bar.0)
    }
}

/// The band's tuning from a position onwards.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TuningPoint {
    /// Where it takes effect.
    pub at: Ticks,
    /// Cents above A4 = 440 Hz.
    pub cents: f64,
}

/// The notes of one part in one bar, as one take of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartBar {
    /// The part.
    pub part: Part,
    /// The bar.
    pub bar: BarNumber,
    /// The take.
    pub take: u32,
    /// The notes that begin in the bar, sorted by start and pitch.
    pub notes: Vec<Note>,
}

/// Everything that is known and written about a song.
///
/// Tick 0 is second 0 of the input. `lead_in_bars` whole bars, stretched to fit, come before bar 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The metre of every bar.
    pub meter: Meter,
    /// The key.
    pub key: Key,
    /// Ticks to seconds of the input.
    pub tempo: TempoMap,
    /// Bars before bar 1.
    pub lead_in_bars: u32,
    /// Bars in all, the lead-in among them.
    pub bars: u32,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Sung phrases in order.
    pub phrases: Vec<Phrase>,
    /// The sung melody in order.
    pub melody: Vec<MelodyNote>,
    /// Chords in order, without overlap; where there is none the band is silent.
    pub chords: Vec<ChordSpan>,
    /// The band's tuning, in order of position.
    pub tuning: Vec<TuningPoint>,
    /// The chosen take of every part and bar, sorted by part and bar.
    pub parts: Vec<PartBar>,
    /// The level that the singer's dynamics are measured from, in dBFS; none is the median of the melody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_level_dbfs: Option<f64>,
}

impl Score {
    /// The level that the singer's dynamics are measured from, in dBFS.
    pub fn usual_level_dbfs(&self) -> f64 {
        let mut sorted: Vec<f64> = self.melody.iter().map(|n| n.level_dbfs).collect();
        sorted.sort_by(f64::total_cmp);
        self.usual_level_dbfs.unwrap_or_else(|| sorted.get(sorted.len() / 2).copied().unwrap_or(0.0))
    }

    /// Number of the bar at an index counted from the first bar of the lead-in.
    pub fn bar_number(&self, index: u32) -> BarNumber {
        BarNumber(index as i32 - self.lead_in_bars as i32 + 1)
    }

    /// A bar by its number; it need not lie inside the score.
    pub fn bar(&self, number: BarNumber) -> Bar {
        let index = i64::from(number.0) + i64::from(self.lead_in_bars) - 1;
        let start = Ticks(0) + self.meter.bar() * index;
        Bar { number, start, end: start + self.meter.bar() }
    }

    /// The bar that holds a position.
    pub fn bar_at(&self, at: Ticks) -> Bar {
        let index = (at - Ticks(0)) / self.meter.bar();
        self.bar(BarNumber(index as i32 - self.lead_in_bars as i32 + 1))
    }

    /// All bars in order.
    pub fn all_bars(&self) -> impl Iterator<Item = Bar> + '_ {
        (0..self.bars).map(|index| self.bar(self.bar_number(index)))
    }

    /// End of the last bar.
    pub fn end(&self) -> Ticks {
        Ticks(0) + self.meter.bar() * i64::from(self.bars)
    }

    /// The chord that sounds at a position.
    pub fn chord_at(&self, at: Ticks) -> Option<ChordSymbol> {
        let after = self.chords.partition_point(|span| span.start <= at);
        let span = self.chords[..after].last()?;
        (at < span.end()).then_some(span.chord)
    }

    /// The section that holds a bar.
    pub fn section_of(&self, bar: BarNumber) -> Option<&Section> {
        self.sections.iter().find(|section| section.holds(bar))
    }

    /// The notes of a part over the whole song, in order of bars.
    pub fn notes_of(&self, part: Part) -> impl Iterator<Item = &Note> {
        self.parts.iter().filter(move |bar| bar.part == part).flat_map(|bar| bar.notes.iter())
    }

    /// The band's tuning at a position, in cents above A4 = 440 Hz.
    pub fn tuning_at(&self, at: Ticks) -> f64 {
        let after = self.tuning.partition_point(|point| point.at <= at);
        self.tuning[..after].last().or(self.tuning.first()).map_or(0.0, |point| point.cents)
    }
}
