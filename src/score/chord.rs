//! Chord symbols.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::key::{Key, Mode};
use super::pitch::PitchClass;
use crate::time::{TickCount, Ticks};

/// The kind of a chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChordQuality {
    /// Major triad.
    Major,
    /// Minor triad.
    Minor,
    /// Diminished triad.
    Diminished,
    /// Augmented triad.
    Augmented,
    /// Root, second, fifth.
    Sus2,
    /// Root, fourth, fifth.
    Sus4,
    /// Major triad with added sixth.
    Six,
    /// Minor triad with added major sixth.
    MinorSix,
    /// Dominant seventh.
    Seven,
    /// Major seventh.
    MajorSeven,
    /// Minor seventh.
    MinorSeven,
    /// Minor triad with major seventh.
    MinorMajorSeven,
    /// Half-diminished seventh.
    HalfDiminished,
    /// Diminished seventh.
    DiminishedSeven,
    /// Dominant seventh with suspended fourth.
    SevenSus4,
    /// Dominant ninth.
    Nine,
    /// Major triad with added ninth.
    AddNine,
}

/// One row of the table of chord qualities.
struct QualityRow {
    quality: ChordQuality,
    /// Semitones above the root.
    intervals: &'static [u8],
    /// Shorthand in Harte's syntax (Harte et al., ISMIR 2005).
    harte: &'static str,
    /// Suffix of a lead sheet's symbol.
    lead_sheet: &'static str,
    /// Other suffixes that are read.
    aliases: &'static [&'static str],
    /// `kind` of MusicXML.
    musicxml: &'static str,
}

const QUALITIES: [QualityRow; 17] = {
    use ChordQuality as Q;
    const fn row(
        quality: ChordQuality,
        intervals: &'static [u8],
        harte: &'static str,
        lead_sheet: &'static str,
        aliases: &'static [&'static str],
        musicxml: &'static str,
    ) -> QualityRow {
        QualityRow { quality, intervals, harte, lead_sheet, aliases, musicxml }
    }
    [
        row(Q::Major, &[0, 4, 7], "maj", "", &["M", "maj", "5"], "major"),
        row(Q::Minor, &[0, 3, 7], "min", "m", &["min", "-"], "minor"),
        row(Q::Diminished, &[0, 3, 6], "dim", "dim", &["o", "°"], "diminished"),
        row(Q::Augmented, &[0, 4, 8], "aug", "aug", &["+"], "augmented"),
        row(Q::Sus2, &[0, 2, 7], "sus2", "sus2", &[], "suspended-second"),
        row(Q::Sus4, &[0, 5, 7], "sus4", "sus4", &["sus"], "suspended-fourth"),
        row(Q::Six, &[0, 4, 7, 9], "maj6", "6", &["maj6", "M6"], "major-sixth"),
        row(Q::MinorSix, &[0, 3, 7, 9], "min6", "m6", &["min6", "-6"], "minor-sixth"),
        row(Q::Seven, &[0, 4, 7, 10], "7", "7", &["dom7"], "dominant"),
        row(Q::MajorSeven, &[0, 4, 7, 11], "maj7", "maj7", &["M7", "j7", "Δ", "^7", "^"], "major-seventh"),
        row(Q::MinorSeven, &[0, 3, 7, 10], "min7", "m7", &["min7", "-7"], "minor-seventh"),
        row(Q::MinorMajorSeven, &[0, 3, 7, 11], "minmaj7", "mM7", &["m(maj7)", "-^7"], "major-minor"),
        row(
            Q::HalfDiminished,
            &[0, 3, 6, 10],
            "hdim7",
            "m7b5",
            &["min7b5", "-7b5", "ø", "ø7"],
            "half-diminished",
        ),
        row(Q::DiminishedSeven, &[0, 3, 6, 9], "dim7", "dim7", &["o7", "°7"], "diminished-seventh"),
        row(Q::SevenSus4, &[0, 5, 7, 10], "sus4(b7)", "7sus4", &["7sus"], "suspended-fourth"),
        row(Q::Nine, &[0, 4, 7, 10, 2], "9", "9", &[], "dominant-ninth"),
        row(Q::AddNine, &[0, 4, 7, 2], "maj(9)", "add9", &["2", "add2"], "major"),
    ]
};

impl ChordQuality {
    fn row(self) -> &'static QualityRow {
        // The table holds every quality (tested), so the first row is never taken for want of a match.
        QUALITIES.iter().find(|row| row.quality == self).unwrap_or(&QUALITIES[0])
    }

    /// Semitones of its notes above the root, the root first.
    pub fn intervals(self) -> &'static [u8] {
        self.row().intervals
    }

    /// Whether its third is minor.
    pub fn is_minor(self) -> bool {
        self.intervals().contains(&3)
    }

    /// The `kind` element of MusicXML.
    pub fn musicxml_kind(self) -> &'static str {
        self.row().musicxml
    }

    /// The suffix of a lead sheet's symbol, such as `m7`.
    pub fn lead_sheet_suffix(self) -> &'static str {
        self.row().lead_sheet
    }
}

/// A chord symbol: root, quality and bass note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChordSymbol {
    /// The root.
    pub root: PitchClass,
    /// The kind of chord.
    pub quality: ChordQuality,
    /// The lowest note: the root unless a slash says otherwise.
    pub bass: PitchClass,
}

/// A chord symbol that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "chord {symbol:?} is not known; write a root (C, F#, Bb), one of {known}, and a bass note after a slash if it \
     is not the root",
    known = QUALITIES.iter().map(|r| if r.lead_sheet.is_empty() { "(major: nothing)" } else { r.lead_sheet })
        .collect::<Vec<_>>().join(" ")
)]
pub struct ChordError {
    symbol: String,
}

impl ChordSymbol {
    /// The tonic triad of a key.
    pub fn tonic(key: Key) -> Self {
        let quality = match key.mode {
            Mode::Major => ChordQuality::Major,
            Mode::Minor => ChordQuality::Minor,
        };
        Self::new(key.tonic, quality)
    }

    /// A chord in root position.
    pub fn new(root: PitchClass, quality: ChordQuality) -> Self {
        Self { root, quality, bass: root }
    }

    /// Its pitch classes, the root first; a bass note that is not among them comes last.
    pub fn pitch_classes(self) -> impl Iterator<Item = PitchClass> {
        let chord = self.quality.intervals().iter().map(move |interval| self.root + *interval);
        let foreign_bass =
            (!self.quality.intervals().contains(&self.bass.above(self.root))).then_some(self.bass);
        chord.chain(foreign_bass)
    }

    /// Whether a pitch class belongs to the chord.
    pub fn holds(self, pitch_class: PitchClass) -> bool {
        self.pitch_classes().any(|p| p == pitch_class)
    }

    /// In Harte's syntax with flats: `C`, `A:min`, `G:7`, `F/5`.
    pub fn harte(self) -> String {
        const DEGREES: [&str; 12] = ["1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7"];
        let mut text = self.root.name(true).to_owned();
        if self.quality != ChordQuality::Major {
            text.push(':');
            text.push_str(self.quality.row().harte);
        }
        if self.bass != self.root {
            text.push('/');
            text.push_str(DEGREES[usize::from(self.bass.above(self.root))]);
        }
        text
    }

    /// As on a lead sheet: `C`, `Am`, `G7`, `F/C`.
    pub fn lead_sheet(self, flats: bool) -> String {
        let mut text = format!("{}{}", self.root.name(flats), self.quality.lead_sheet_suffix());
        if self.bass != self.root {
            text.push('/');
            text.push_str(self.bass.name(flats));
        }
        text
    }

    /// As on a lead sheet in a key: `B` is `Cb` in G flat major.
    pub fn lead_sheet_in(self, key: Key) -> String {
        let mut text = format!("{}{}", key.name_of(self.root), self.quality.lead_sheet_suffix());
        if self.bass != self.root {
            text.push('/');
            text.push_str(&key.name_of(self.bass));
        }
        text
    }

    /// The chord a number of semitones up.
    pub fn transposed(self, semitones: i32) -> Self {
        let shift = semitones.rem_euclid(12) as u8;
        Self { root: self.root + shift, bass: self.bass + shift, ..self }
    }
}

impl fmt::Display for ChordSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lead_sheet(true))
    }
}

impl FromStr for ChordSymbol {
    type Err = ChordError;

    /// Reads lead-sheet symbols (`Am7`, `F/C`) and Harte's form (`A:min7`).
    fn from_str(text: &str) -> Result<Self, ChordError> {
        let unknown = || ChordError { symbol: text.to_owned() };
        let (root, rest) = PitchClass::parse_prefix(text.trim()).ok_or_else(unknown)?;
        let (suffix, bass) = match rest.split_once('/') {
            None => (rest, None),
            Some((suffix, bass)) => (suffix, Some(bass)),
        };
        let suffix = suffix.trim_start_matches(':');
        let matches = |row: &&QualityRow| {
            row.lead_sheet == suffix || row.harte == suffix || row.aliases.contains(&suffix)
        };
        let quality = QUALITIES.iter().find(matches).map(|row| row.quality).ok_or_else(unknown)?;
        let bass = match bass {
            None => root,
            Some(name) => match PitchClass::parse_prefix(name.trim()) {
                Some((bass, "")) => bass,
                _ => return Err(unknown()),
            },
        };
        Ok(Self { root, quality, bass })
    }
}

impl TryFrom<String> for ChordSymbol {
    type Error = ChordError;
    fn try_from(text: String) -> Result<Self, ChordError> {
        text.parse()
    }
}

impl From<ChordSymbol> for String {
    fn from(chord: ChordSymbol) -> Self {
        chord.lead_sheet(true)
    }
}

/// A chord and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChordSpan {
    /// Where it begins.
    pub start: Ticks,
    /// How long it lasts.
    pub length: TickCount,
    /// The chord.
    pub chord: ChordSymbol,
}

impl ChordSpan {
    /// Where it ends.
    pub fn end(self) -> Ticks {
        self.start + self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quality_is_in_the_table_and_read_back() {
        for (index, row) in QUALITIES.iter().enumerate() {
            assert_eq!(row.quality as usize, index, "rows stand in the order of the enum");
            let chord = ChordSymbol { root: PitchClass(10), quality: row.quality, bass: PitchClass(2) };
            assert_eq!(chord.to_string().parse(), Ok(chord), "{chord}");
        }
    }

    #[test]
    fn harte_syntax() {
        let harte = |text: &str| text.parse::<ChordSymbol>().expect("a chord").harte();
        assert_eq!(harte("C"), "C");
        assert_eq!(harte("F#m7"), "Gb:min7");
        assert_eq!(harte("F/C"), "F/5");
        assert_eq!(harte("Bm7b5"), "B:hdim7");
    }

    #[test]
    fn an_unknown_chord_is_named() {
        for text in ["", "X", "Cfoo", "C/", "C/Q"] {
            let error = text.parse::<ChordSymbol>().expect_err("no chord").to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn roots_and_basses_are_spelt_as_the_key_has_them() {
        let written = |chord: &str, key: &str| {
            let key: Key = key.parse().expect("a key");
            chord.parse::<ChordSymbol>().expect("a chord").lead_sheet_in(key)
        };
        assert_eq!(written("B", "Gb"), "Cb");
        assert_eq!(written("D7/Gb", "Gm"), "D7/F#");
    }
}
