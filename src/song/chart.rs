//! Chord charts in plain text (`docs/chord-chart.md`).
//!
//! A bar ends at `|`; chords in it share it evenly (`| C | Am F | G . . C |`). `.` or `-` holds the chord before it,
//! `%` repeats the bar before it, `N.C.` is no chord, `?` is left to the composer. `#` begins a comment at the start of a line or after a blank.
//! `[Chorus]` on a line of its own names the section that follows. Optional lines `key: D`, `meter: 3/4` and
//! `tempo: 92` state what they say. The first bar is bar 1 of the song; a chart shorter than the song starts again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::score::{BarNumber, ChordError, ChordSymbol, Key, KeyError};
use crate::time::{Bpm, Meter, MeterError};

/// Most chords in a bar.
const MAX_SLOTS: usize = 12;

/// What a chart says of a stretch of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Option<String>", into = "Option<String>")]
pub enum Slot {
    /// This chord; `null` in a file is [`Slot::Silent`], `"?"` is [`Slot::Open`].
    Chord(ChordSymbol),
    /// No chord: the band is silent.
    Silent,
    /// The composer finds one.
    Open,
}

impl FromStr for Slot {
    type Err = ChordError;

    fn from_str(word: &str) -> Result<Self, ChordError> {
        match word {
            "N.C." | "NC" | "N" => Ok(Self::Silent),
            "?" => Ok(Self::Open),
            chord => chord.parse().map(Self::Chord),
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chord(chord) => chord.fmt(f),
            Self::Silent => f.write_str("N.C."),
            Self::Open => f.write_str("?"),
        }
    }
}

impl TryFrom<Option<String>> for Slot {
    type Error = ChordError;
    fn try_from(text: Option<String>) -> Result<Self, ChordError> {
        text.map_or(Ok(Self::Silent), |text| text.parse())
    }
}

impl From<Slot> for Option<String> {
    fn from(slot: Slot) -> Self {
        (slot != Slot::Silent).then(|| slot.to_string())
    }
}

/// The chords of one bar, whatever a chart or the composer says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedBar {
    /// The bar.
    pub bar: BarNumber,
    /// Its slots of equal length.
    pub slots: Vec<Slot>,
}

/// Chords of a bar that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum FixedBarError {
    /// No `BAR=CHORDS`.
    #[error("{0:?} is no bar with chords; write BAR=CHORDS, such as 7=Am or \"8=F . G7 .\"")]
    NoBar(String),
    /// Too many chords.
    #[error("a bar holds {count} chords; at most {MAX_SLOTS} fit")]
    TooManyChords {
        /// How many.
        count: usize,
    },
    /// A chord that is not known.
    #[error(transparent)]
    Chord(#[from] ChordError),
}

impl FromStr for FixedBar {
    type Err = FixedBarError;

    fn from_str(text: &str) -> Result<Self, FixedBarError> {
        let no_bar = || FixedBarError::NoBar(text.to_owned());
        let (bar, chords) = text.split_once('=').ok_or_else(no_bar)?;
        let bar = bar.trim().parse().map_err(|_| no_bar())?;
        let mut slots: Vec<Slot> = Vec::new();
        for word in chords.split_whitespace() {
            let held = slots.last().copied().filter(|_| is_hold(word));
            slots.push(held.map_or_else(|| word.parse(), Ok)?);
        }
        match slots.len() {
            0 => Err(no_bar()),
            count if count > MAX_SLOTS => Err(FixedBarError::TooManyChords { count }),
            _ => Ok(Self { bar: BarNumber(bar), slots }),
        }
    }
}

impl fmt::Display for FixedBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.bar.0)?;
        for (index, slot) in self.slots.iter().enumerate() {
            write!(f, "{}{slot}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Whether a sign holds what is before it.
fn is_hold(word: &str) -> bool {
    matches!(word, "." | "-" | "/")
}

/// A chord chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Chart {
    /// The bars in order; each holds its slots of equal length.
    pub bars: Vec<Vec<Slot>>,
    /// (index of its first bar, name) of each named section.
    pub sections: Vec<(usize, String)>,
    /// The key, if stated.
    pub key: Option<Key>,
    /// The metre, if stated.
    pub meter: Option<Meter>,
    /// The tempo, if stated.
    pub tempo: Option<Bpm>,
}

/// A chart that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ChartError {
    /// The text is too long.
    #[error("the chart has {bytes} bytes; at most {max} are read", max = limits::MAX_CHART_BYTES)]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// No bar at all.
    #[error("the chart holds no bar; write chords between bar lines, such as | C | Am F | G |")]
    NoBars,
    /// Too many bars.
    #[error("line {line}: the chart has more than {max} bars", max = limits::MAX_BARS)]
    TooManyBars {
        /// Line counted from 1.
        line: usize,
    },
    /// Too many chords in a bar.
    #[error("line {line}: a bar holds {count} chords; at most {MAX_SLOTS} fit")]
    TooManyChords {
        /// Line counted from 1.
        line: usize,
        /// How many.
        count: usize,
    },
    /// A repeat or hold with nothing before it.
    #[error("line {line}: {sign:?} has nothing before it to repeat")]
    NothingBefore {
        /// Line counted from 1.
        line: usize,
        /// The sign.
        sign: String,
    },
    /// A chord that is not known.
    #[error("line {line}: {source}")]
    Chord {
        /// Line counted from 1.
        line: usize,
        /// What is wrong.
        source: ChordError,
    },
    /// A key that is not known.
    #[error("line {line}: {source}")]
    Key {
        /// Line counted from 1.
        line: usize,
        /// What is wrong.
        source: KeyError,
    },
    /// A metre that is not known.
    #[error("line {line}: {source}")]
    Meter {
        /// Line counted from 1.
        line: usize,
        /// What is wrong.
        source: MeterError,
    },
    /// A tempo that is no number in range.
    #[error("line {line}: tempo must be between {min} and {max}, but was {given:?}", min = limits::MIN_BPM, max = limits::MAX_BPM)]
    Tempo {
        /// Line counted from 1.
        line: usize,
        /// What was written.
        given: String,
    },
}

impl Chart {
    /// Reads a chart.
    pub fn parse(text: &str) -> Result<Self, ChartError> {
        if text.len() as u64 > limits::MAX_CHART_BYTES {
            return Err(ChartError::TooLong { bytes: text.len() as u64 });
        }
        let mut chart = Self::default();
        for (index, raw) in text.lines().enumerate() {
            let line = index + 1;
            let content = strip_comment(raw.trim_start_matches('\u{feff}')).trim();
            if content.is_empty() {
                continue;
            }
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                chart.sections.push((chart.bars.len(), name.trim().to_owned()));
            } else if !chart.read_statement(content, line)? {
                chart.read_bars(content, line)?;
            }
        }
        if chart.bars.is_empty() {
            return Err(ChartError::NoBars);
        }
        Ok(chart)
    }

    fn read_statement(&mut self, content: &str, line: usize) -> Result<bool, ChartError> {
        let Some((name, value)) = content.split_once(':') else { return Ok(false) };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "key" => self.key = Some(value.parse().map_err(|source| ChartError::Key { line, source })?),
            "meter" | "metre" | "time" => {
                self.meter = Some(value.parse().map_err(|source| ChartError::Meter { line, source })?);
            }
            "tempo" | "bpm" => {
                let bpm =
                    value.parse::<f64>().ok().filter(|b| (limits::MIN_BPM..=limits::MAX_BPM).contains(b));
                self.tempo = Some(Bpm(bpm.ok_or(ChartError::Tempo { line, given: value.to_owned() })?));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_bars(&mut self, content: &str, line: usize) -> Result<(), ChartError> {
        let inner = content.strip_prefix('|').unwrap_or(content);
        let inner = inner.strip_suffix('|').unwrap_or(inner);
        for bar in inner.split('|') {
            let mut slots = Vec::new();
            for word in bar.split_whitespace() {
                let nothing = || ChartError::NothingBefore { line, sign: word.to_owned() };
                match word {
                    "%" => slots.extend(self.bars.last().ok_or_else(nothing)?.iter().copied()),
                    hold if is_hold(hold) => {
                        let last_bar = || self.bars.last().and_then(|bar| bar.last().copied());
                        slots.push(slots.last().copied().or_else(last_bar).ok_or_else(nothing)?);
                    }
                    slot => slots.push(slot.parse().map_err(|source| ChartError::Chord { line, source })?),
                }
            }
            if slots.is_empty() {
                continue;
            }
            if slots.len() > MAX_SLOTS {
                return Err(ChartError::TooManyChords { line, count: slots.len() });
            }
            if self.bars.len() >= limits::MAX_BARS {
                return Err(ChartError::TooManyBars { line });
            }
            self.bars.push(slots);
        }
        Ok(())
    }
}

/// A comment begins with `#` at the start of a line or after a blank, so that `F#` is none.
fn strip_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return &line[..at];
        }
        before = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_read() {
        let text = "# my song\nkey: F# minor\nmeter: 3/4\ntempo: 92.5\n[Verse]\n| F#m | D . E | % | N.C. |\n[Chorus]\nA | E/G# |";
        let chart = Chart::parse(text).expect("a chart");
        assert_eq!(chart.bars.len(), 6);
        assert_eq!(chart.bars[1].len(), 3);
        assert_eq!(chart.bars[1][0], chart.bars[1][1]);
        assert_eq!(chart.bars[2], chart.bars[1]);
        assert_eq!(chart.bars[3], [Slot::Silent]);
        assert_eq!(chart.sections, [(0, "Verse".to_owned()), (4, "Chorus".to_owned())]);
        assert_eq!(chart.meter, Some(Meter::THREE_FOUR));
    }

    #[test]
    fn bars_that_are_fixed_are_read_as_they_are_written() {
        let fixed: FixedBar = "7 = Am . ? N.C.".parse().expect("chords");
        assert_eq!(fixed.to_string(), "7=Am Am ? N.C.");
        assert_eq!(fixed.slots[2..], [Slot::Open, Slot::Silent]);
        let written = serde_json::to_string(&fixed).expect("JSON");
        assert_eq!(written, r#"{"bar":7,"slots":["Am","Am","?",null]}"#);
        assert_eq!(serde_json::from_str::<FixedBar>(&written).expect("JSON"), fixed);
        for wrong in ["", "7", "7=", "x=C", "7=. C", "7=H", "7=C C C C C C C C C C C C C"] {
            assert!(wrong.parse::<FixedBar>().is_err(), "{wrong:?} was read");
        }
    }

    #[test]
    fn what_cannot_be_read_names_its_line() {
        for (text, part) in [
            ("| C |\n| Xm |", "line 2"),
            ("| % |", "nothing before"),
            ("", "no bar"),
            ("tempo: 999\n| C |", "999"),
            ("meter: 7/8\n| C |", "12/8"),
        ] {
            let message = Chart::parse(text).expect_err("wrong").to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
