//! What a singer says with a key or a button while singing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::settings::{ChoiceError, choice};
use crate::limits;

/// Taps that a tempo is taken from, and that make one.
const TAPS: usize = 5;
const ENOUGH: usize = 3;
/// Shortest and longest time between two taps of a row, in seconds.
const BETWEEN_S: std::ops::Range<f64> = 0.2..2.0;

choice!(
    /// What a singer can say while singing; it holds from that moment on, whatever has been heard.
    Gesture, "anchor", {
        /// A bar begins here; before the band plays, bar 1.
        BarOne = "bar-one",
        /// A beat lies here. Three in a row state the tempo, and the first of them begins a bar.
        Tap = "tap",
        /// The band ends with the next bar.
        End = "end",
        /// A verse begins with the next bar.
        Verse = "verse",
        /// A chorus begins with the next bar.
        Chorus = "chorus",
        /// A break begins with the next bar: hardly anybody plays.
        Break = "break",
        /// From the next bar on the band is as full as the singer asks for.
        AsSung = "as-sung",
    }
);

impl Gesture {
    /// How full the band plays from here on, 0 to 1, if a section was called for; none within follows the singer.
    pub fn energy(self) -> Option<Option<f64>> {
        match self {
            Self::Verse => Some(Some(0.45)),
            Self::Chorus => Some(Some(0.85)),
            Self::Break => Some(Some(0.15)),
            Self::AsSung => Some(None),
            Self::BarOne | Self::Tap | Self::End => None,
        }
    }
}

/// Something that the singer said, and when.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Anchor {
    /// What.
    pub gesture: Gesture,
    /// When, in seconds of the take.
    pub at_s: f64,
}

/// An anchor that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "anchor {given:?} is not known; write WHAT@SECONDS, such as bar-one@12.5, with at most {max} seconds; \
     WHAT is one of {known}",
    max = limits::MAX_INPUT_S
)]
pub struct AnchorError {
    given: String,
    known: String,
}

impl FromStr for Anchor {
    type Err = AnchorError;
    fn from_str(text: &str) -> Result<Self, AnchorError> {
        let read = || {
            let (gesture, at_s) = text.split_once('@')?;
            let at_s: f64 = at_s.trim().parse().ok()?;
            let is_within = (0.0..=limits::MAX_INPUT_S as f64).contains(&at_s);
            Some(Self { gesture: gesture.parse().ok()?, at_s }).filter(|_| is_within)
        };
        read().ok_or_else(|| AnchorError {
            given: text.to_owned(),
            known: Gesture::ALL.iter().map(|gesture| gesture.name()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// Taps in a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TapRow {
    /// The last taps of the row, in seconds, and how many it has.
    taps_s: Vec<f64>,
    count: usize,
}

impl TapRow {
    /// Takes the next tap; whether it is the one with which the row states a tempo.
    pub fn tap(&mut self, at_s: f64) -> bool {
        let since_s = self.taps_s.last().map_or(f64::INFINITY, |last| at_s - last);
        if (0.0..BETWEEN_S.start).contains(&since_s) {
            // The key has bounced.
            return false;
        }
        if !BETWEEN_S.contains(&since_s) {
            self.taps_s.clear();
            self.count = 0;
        }
        self.taps_s.push(at_s);
        self.count += 1;
        if self.taps_s.len() > TAPS {
            self.taps_s.remove(0);
        }
        self.count == ENOUGH
    }

    /// Taps of the row.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The last of them, in seconds.
    pub fn last_s(&self) -> Option<f64> {
        self.taps_s.last().copied()
    }

    /// The oldest that is remembered, in seconds: that of the row while a tempo is just stated.
    pub fn first_s(&self) -> Option<f64> {
        self.taps_s.first().copied()
    }

    /// The tapped period in seconds, if there are enough.
    pub fn period_s(&self) -> Option<f64> {
        let (first, last) = self.taps_s.first().zip(self.taps_s.last())?;
        (self.taps_s.len() >= ENOUGH).then(|| (last - first) / (self.taps_s.len() - 1) as f64)
    }
}

/// What a singer said in a take of which everything is known. Times are in seconds of the take.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SaidOfTake {
    /// Where bars begin.
    pub bar_lines_s: Vec<f64>,
    /// Where beats lie: the taps of every row that states a tempo.
    pub beats_s: Vec<f64>,
    /// The tempo that was tapped first, as a period in seconds.
    pub period_s: Option<f64>,
    /// Sections that were called for.
    pub sections: Vec<Anchor>,
    /// When the end was called for.
    pub end_s: Option<f64>,
}

impl SaidOfTake {
    /// What some anchors, which are in order, say together.
    pub fn of(anchors: &[Anchor]) -> Self {
        let mut said = Self::default();
        let mut row = TapRow::default();
        for anchor in anchors {
            let at_s = anchor.at_s;
            match anchor.gesture {
                Gesture::BarOne => {
                    said.bar_lines_s.push(at_s);
                    said.end_s = None;
                }
                Gesture::Tap => {
                    let before = row.count();
                    if row.tap(at_s) {
                        said.bar_lines_s.extend(row.first_s());
                        said.beats_s.extend(&row.taps_s);
                        said.period_s = said.period_s.or(row.period_s());
                    } else if row.count() > ENOUGH && row.count() > before {
                        said.beats_s.push(at_s);
                    }
                }
                Gesture::End => said.end_s = Some(at_s),
                Gesture::Verse | Gesture::Chorus | Gesture::Break | Gesture::AsSung => {
                    said.sections.push(*anchor);
                }
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(texts: &[&str]) -> Vec<Anchor> {
        texts.iter().map(|text| text.parse().expect("an anchor")).collect()
    }

    #[test]
    fn anchors_are_read_and_what_is_none_is_refused() {
        assert_eq!("tap@1.5".parse(), Ok(Anchor { gesture: Gesture::Tap, at_s: 1.5 }));
        assert_eq!("as-sung@0".parse(), Ok(Anchor { gesture: Gesture::AsSung, at_s: 0.0 }));
        for wrong in ["", "tap", "tap@", "tap@-1", "clap@1", "end@1e9", "end@NaN"] {
            let refused = wrong.parse::<Anchor>().expect_err("it was taken").to_string();
            assert!(refused.contains("bar-one") && refused.contains("chorus"), "{refused}");
        }
    }

    fn tapped(times_s: &[f64]) -> TapRow {
        let mut row = TapRow::default();
        for at_s in times_s {
            row.tap(*at_s);
        }
        row
    }

    #[test]
    fn three_taps_make_a_tempo_that_goes_along_with_the_last_ones() {
        assert_eq!(tapped(&[10.0, 10.5]).period_s(), None);
        assert_eq!(tapped(&[10.0, 10.5, 11.0]).period_s(), Some(0.5));
        assert_eq!(tapped(&[0.0, 0.5, 1.0, 1.5, 2.5, 3.5, 4.5, 5.5]).period_s(), Some(1.0));
    }

    #[test]
    fn a_bounce_is_no_tap_and_a_pause_begins_a_new_row() {
        assert_eq!(tapped(&[1.0, 1.01, 1.5, 1.52, 2.0]).period_s(), Some(0.5));
        assert_eq!(tapped(&[1.0, 1.5, 2.0, 7.0, 8.0]).period_s(), None);
        assert_eq!(tapped(&[1.0, 1.5, 2.0, 7.0, 8.0, 9.0]).period_s(), Some(1.0));
    }

    #[test]
    fn anchors_say_together_where_bars_beats_sections_and_the_end_are() {
        let said = SaidOfTake::of(&anchors(&[
            "tap@1", "tap@1.5", "tap@1.52", "tap@2", "tap@2.5", "chorus@9", "tap@12", "end@20",
        ]));
        assert_eq!((said.bar_lines_s, said.period_s, said.end_s), (vec![1.0], Some(0.5), Some(20.0)));
        assert_eq!(said.beats_s, [1.0, 1.5, 2.0, 2.5]);
        assert_eq!(said.sections, anchors(&["chorus@9"]));
        let goes_on = SaidOfTake::of(&anchors(&["end@20", "bar-one@24"]));
        assert_eq!((goes_on.bar_lines_s, goes_on.end_s), (vec![24.0], None));
    }
}
