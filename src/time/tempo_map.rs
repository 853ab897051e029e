//! The map between ticks and seconds.

use serde::{Deserialize, Serialize};

use super::samples::{Hz, SampleTime};
use super::ticks::{TICKS_PER_QUARTER, TickCount, Ticks};

/// A tempo in beats a minute, of whatever beat the metre has.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Bpm(pub f64);

impl Bpm {
    /// Length of a beat in seconds.
    pub fn beat_period_s(self) -> f64 {
        60.0 / self.0
    }
}

/// Why a list of anchors is no tempo map.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TempoMapError {
    /// Fewer than two anchors.
    #[error("a tempo map needs at least 2 anchors, but has {0}")]
    TooFew(usize),
    /// Ticks or seconds do not rise from one anchor to the next, or are not finite.
    #[error("tempo map anchor {index} does not lie after the one before it ({ticks} ticks, {seconds} s)")]
    NotRising {
        /// Index of the anchor.
        index: usize,
        /// Its position in ticks.
        ticks: i64,
        /// Its position in seconds.
        seconds: f64,
    },
}

/// A continuous, rising, piecewise linear map from ticks to seconds.
///
/// Between two anchors the tempo is constant; outside the first and the last it goes on with that of the nearest
/// pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(i64, f64)>", into = "Vec<(i64, f64)>")]
pub struct TempoMap {
    anchors: Vec<(Ticks, f64)>,
}

impl TempoMap {
    /// A map through anchors of (position in ticks, position in seconds), both strictly rising.
    pub fn new(anchors: Vec<(Ticks, f64)>) -> Result<Self, TempoMapError> {
        if anchors.len() < 2 {
            return Err(TempoMapError::TooFew(anchors.len()));
        }
        for (index, pair) in anchors.windows(2).enumerate() {
            let ((t0, s0), (t1, s1)) = (pair[0], pair[1]);
            if !(t1 > t0 && s1 > s0 && s0.is_finite() && s1.is_finite()) {
                return Err(TempoMapError::NotRising { index: index + 1, ticks: t1.0, seconds: s1 });
            }
        }
        Ok(Self { anchors })
    }

    /// A constant tempo: `beat` ticks last `bpm.beat_period_s()`, tick 0 lies at second 0.
    pub fn constant(bpm: Bpm, beat: TickCount) -> Self {
        Self { anchors: vec![(Ticks(0), 0.0), (Ticks(beat.0), bpm.beat_period_s())] }
    }

    /// Adds an anchor after the last one.
    pub fn push(&mut self, at: Ticks, seconds: f64) -> Result<(), TempoMapError> {
        match self.anchors.last() {
            Some((tick, second)) if at > *tick && seconds > *second && seconds.is_finite() => {
                self.anchors.push((at, seconds));
                Ok(())
            }
            _ => Err(TempoMapError::NotRising { index: self.anchors.len(), ticks: at.0, seconds }),
        }
    }

    /// The anchors: (ticks, seconds).
    pub fn anchors(&self) -> &[(Ticks, f64)] {
        &self.anchors
    }

    /// Position in seconds of a position in ticks.
    pub fn seconds_at(&self, at: Ticks) -> f64 {
        self.seconds_at_fraction(at.0 as f64)
    }

    /// Position in seconds of a fractional position in ticks.
    pub fn seconds_at_fraction(&self, ticks: f64) -> f64 {
        let after = self.anchors.partition_point(|(t, _)| (t.0 as f64) <= ticks);
        let ((t0, s0), (t1, s1)) = self.segment(after);
        s0 + (ticks - t0.0 as f64) * (s1 - s0) / (t1 - t0).0 as f64
    }

    /// Fractional position in ticks of a position in seconds.
    pub fn ticks_at(&self, seconds: f64) -> f64 {
        let after = self.anchors.partition_point(|(_, s)| *s <= seconds);
        let ((t0, s0), (t1, s1)) = self.segment(after);
        t0.0 as f64 + (seconds - s0) * (t1 - t0).0 as f64 / (s1 - s0)
    }

    /// Nearest sample of a position in ticks.
    pub fn sample_at(&self, at: Ticks, rate: Hz) -> SampleTime {
        rate.sample_at(self.seconds_at(at))
    }

    /// Tempo at a position, in beats of `beat` ticks.
    pub fn bpm_at(&self, at: Ticks, beat: TickCount) -> Bpm {
        let after = self.anchors.partition_point(|(t, _)| *t <= at);
        let ((t0, s0), (t1, s1)) = self.segment(after);
        Bpm(60.0 * (t1 - t0).0 as f64 / ((s1 - s0) * beat.0 as f64))
    }

    /// Seconds that a quarter note lasts at a position.
    pub fn quarter_s_at(&self, at: Ticks) -> f64 {
        self.bpm_at(at, TickCount(TICKS_PER_QUARTER)).beat_period_s()
    }

    /// The pair of anchors around the gap before anchor `after`.
    fn segment(&self, after: usize) -> ((Ticks, f64), (Ticks, f64)) {
        let right = after.clamp(1, self.anchors.len() - 1);
        (self.anchors[right - 1], self.anchors[right])
    }
}

impl TryFrom<Vec<(i64, f64)>> for TempoMap {
    type Error = TempoMapError;
    fn try_from(pairs: Vec<(i64, f64)>) -> Result<Self, TempoMapError> {
        Self::new(pairs.into_iter().map(|(t, s)| (Ticks(t), s)).collect())
    }
}

impl From<TempoMap> for Vec<(i64, f64)> {
    fn from(map: TempoMap) -> Self {
        map.anchors.into_iter().map(|(t, s)| (t.0, s)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> TempoMap {
        TempoMap::new(vec![(Ticks(0), 0.5), (Ticks(960), 1.0), (Ticks(1920), 2.0)]).expect("rising")
    }

    #[test]
    fn ticks_and_seconds_are_inverse() {
        for ticks in (-2000..4000).step_by(37) {
            let back = map().ticks_at(map().seconds_at(Ticks(ticks)));
            assert!((back - ticks as f64).abs() < 1e-6, "{ticks} came back as {back}");
        }
    }

    #[test]
    fn the_ends_go_on_with_their_tempo() {
        assert!((map().seconds_at(Ticks(2880)) - 3.0).abs() < 1e-12);
        assert!((map().seconds_at(Ticks(-960)) - 0.0).abs() < 1e-12);
        assert!((map().bpm_at(Ticks(0), TickCount(960)).0 - 120.0).abs() < 1e-9);
        assert!((map().bpm_at(Ticks(5000), TickCount(960)).0 - 60.0).abs() < 1e-9);
    }

    #[test]
    fn anchors_that_do_not_rise_are_refused() {
        let error = TempoMap::new(vec![(Ticks(0), 0.0), (Ticks(0), 1.0)]).expect_err("ticks stand still");
        assert!(matches!(error, TempoMapError::NotRising { index: 1, .. }));
        assert_eq!(TempoMap::new(vec![(Ticks(0), 0.0)]), Err(TempoMapError::TooFew(1)));
    }
}
