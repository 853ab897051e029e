//! How an earlier take went through its beats: where it slowed down, it will again.

use serde::{Deserialize, Serialize};

use crate::score::Score;
use crate::time::Ticks;

/// Shortest and longest beat against the usual one. What is longer is a pause, which lasts as long as it will.
const LENGTHS: (f64, f64) = (0.7, 1.6);
/// A beat that differs from the usual one by less than this, as a log ratio, does not differ: beats are not found more
/// exactly.
const INEXACT: f64 = 0.03;

/// How long beats last against the usual one of a take.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Pace {
    first: i64,
    lengths: Vec<f64>,
    /// Usual beats from bar 1 to each beat from the first one on, and to the end of the last.
    sums: Vec<f64>,
}

/// A length that is none.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq)]
#[error(
    "beat {beat} of a known song lasts {length} times as long as the usual one; {} to {} is possible",
    LENGTHS.0,
    LENGTHS.1
)]
pub struct PaceError {
    /// The beat, counted from 0 at bar 1.
    pub beat: i64,
    /// Its length against the usual one.
    pub length: f64,
}

impl Pace {
    /// Beats that are all alike, but for those from one on whose lengths against the usual one are given.
    pub fn new(first: i64, lengths: Vec<f64>) -> Result<Self, PaceError> {
        let is_length = |length: &f64| (LENGTHS.0..=LENGTHS.1).contains(length);
        if let Some(index) = lengths.iter().position(|length| !is_length(length)) {
            return Err(PaceError { beat: first.saturating_add(index as i64), length: lengths[index] });
        }
        let mut sum = first as f64;
        let mut sums = vec![sum];
        sums.extend(lengths.iter().map(|length| {
            sum += length;
            sum
        }));
        Ok(Self { first, lengths, sums })
    }

    /// The pace of an earlier take whose bar 1 begins at a position, and its usual beat in seconds.
    pub(super) fn of(score: &Score, bar_one: Ticks) -> (Self, f64) {
        let beat = score.meter.beat();
        let first = -((bar_one - Ticks(0)) / beat);
        let beats = (score.end() - bar_one) / beat;
        let seconds = |number: i64| score.tempo.seconds_at(bar_one + beat * number);
        let lengths_s: Vec<f64> =
            (first..beats).map(|number| seconds(number + 1) - seconds(number)).collect();
        let mut sorted = lengths_s.clone();
        sorted.sort_by(f64::total_cmp);
        let usual_s = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0);
        let lengths = lengths_s.iter().map(|length_s| {
            let ratio = length_s / usual_s;
            if ratio.ln().abs() < INEXACT { 1.0 } else { ratio.clamp(LENGTHS.0, LENGTHS.1) }
        });
        (Self::new(first, lengths.collect()).unwrap_or_default(), usual_s)
    }

    /// Usual beats from bar 1 to a place in beats: how long it takes to get there.
    pub fn usual(&self, at: f64) -> f64 {
        let within = at - self.first as f64;
        match (self.lengths.len(), self.sums.last()) {
            (0, _) | (_, None) => at,
            _ if within <= 0.0 => at,
            (count, Some(end)) if within >= count as f64 => end + within - count as f64,
            _ => {
                let index = within.floor() as usize;
                self.sums[index] + (within - index as f64) * self.lengths[index]
            }
        }
    }

    /// The place in beats that is reached after some usual ones since bar 1.
    pub fn place(&self, usual: f64) -> f64 {
        match (self.sums.first(), self.sums.last()) {
            (Some(begin), Some(end)) if usual > *begin && usual < *end => {
                let index = self.sums.partition_point(|sum| *sum <= usual) - 1;
                (self.first + index as i64) as f64 + (usual - self.sums[index]) / self.lengths[index]
            }
            (Some(begin), Some(end)) if usual > *begin => {
                (self.first + self.lengths.len() as i64) as f64 + usual - end
            }
            _ => usual,
        }
    }
}

/// A pace as it is written to a file.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    first: i64,
    lengths: Vec<f64>,
}

impl TryFrom<Written> for Pace {
    type Error = PaceError;
    fn try_from(written: Written) -> Result<Self, PaceError> {
        Self::new(written.first, written.lengths)
    }
}

impl From<Pace> for Written {
    fn from(pace: Pace) -> Self {
        Self { first: pace.first, lengths: pace.lengths }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_usual_beats_are_inverse() {
        let pace = Pace::new(-1, vec![1.0, 1.0, 1.5, 0.8, 1.0]).expect("a pace");
        assert_eq!(pace.usual(-2.0), -2.0);
        assert_eq!((pace.usual(1.0), pace.usual(2.0), pace.usual(3.0)), (1.0, 2.5, 3.3));
        assert!((pace.usual(9.0) - 9.3).abs() < 1e-9);
        for step in -40..120 {
            let at = f64::from(step) * 0.1 + 0.03;
            assert!((pace.place(pace.usual(at)) - at).abs() < 1e-9, "{at}");
        }
        assert_eq!((Pace::default().usual(3.5), Pace::default().place(3.5)), (3.5, 3.5));
    }

    #[test]
    fn lengths_that_are_none_are_refused() {
        assert_eq!(Pace::new(-1, vec![1.0, 9.0]), Err(PaceError { beat: 0, length: 9.0 }));
        assert!(Pace::new(0, vec![f64::NAN]).is_err());
        assert!(serde_json::from_str::<Pace>("{\"first\": 0, \"lengths\": [0.0]}").is_err());
    }
}
