//! Chord charts in plain text (`docs/chord-chart.md`).
//!
//! A bar ends at `|`; chords in it share it evenly (`| C | Am F | G . . C |`). `.` or `-` holds the chord before it,
//! `%` repeats the bar before it, `N.C.` is no chord. `#` begins a comment at the start of a line or after a blank.
//! `[Chorus]` on a line of its own names the section that follows. Optional lines `key: D`, `meter: 3/4` and
//! `tempo: 92` state what they say. The first bar is bar 1 of the song; a chart shorter than the song starts again.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::score::{ChordError, ChordSymbol, Key, KeyError};
use crate::time::{Bpm, Meter, MeterError};

/// A chord chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Chart {
    /// The bars in order; each holds its slots of equal length, `None` where there is no chord.
    pub bars: Vec<Vec<Option<ChordSymbol>>>,
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
    #[error("line {line}: a bar holds {count} chords; at most 12 fit")]
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
                    "." | "-" | "/" => {
                        let last_bar = || self.bars.last().and_then(|bar| bar.last().copied());
                        slots.push(slots.last().copied().or_else(last_bar).ok_or_else(nothing)?);
                    }
                    "N.C." | "NC" | "N" => slots.push(None),
                    chord => {
                        slots.push(Some(chord.parse().map_err(|source| ChartError::Chord { line, source })?));
                    }
                }
            }
            if slots.is_empty() {
                continue;
            }
            if slots.len() > 12 {
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
        assert_eq!(chart.bars[3], [None]);
        assert_eq!(chart.sections, [(0, "Verse".to_owned()), (4, "Chorus".to_owned())]);
        assert_eq!(chart.meter, Some(Meter::THREE_FOUR));
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
