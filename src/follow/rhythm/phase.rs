//! When a place in the bar is sung: a Gaussian over its time and the beat period.

/// How the period changes over a beat: its standard deviation as a share of the period, and how often it is so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::follow) struct Walk {
    pub spread: f64,
    pub share: f64,
}

/// The tempo breathes.
pub(in crate::follow) const STEADY: Walk = Walk { spread: 0.02, share: 0.5 };
/// The singer slows down, or hurries.
pub(in crate::follow) const BENT: Walk = Walk { spread: 0.09, share: 0.5 };

/// Standard deviation of an onset around its place in seconds, and the share of onsets that keep to it.
const ONSET_SD_S: f64 = 0.045;
const NEAT: f64 = 0.85;
/// Standard deviation of the others in seconds.
const LOOSE_SD_S: f64 = 0.1;
/// The same of onsets after a rest, which come early or late: share of neat ones, standard deviation of the others.
const ENTRY: (f64, f64) = (0.6, 0.15);
/// Standard deviation of a stroke around its place in seconds, and the share of strokes that keep to it; the others are
/// as singing is.
const STROKE_SD_S: f64 = 0.015;
const TIGHT: f64 = 0.9;
/// Change of period after a pause, as a share of it.
const HELD_WALK: f64 = 0.06;
/// Farthest onset from its place that is considered, in standard deviations.
const FARTHEST: f64 = 3.5;

/// A Gaussian over (time of a place in seconds, beat period in seconds).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::follow) struct Phase {
    time_s: f64,
    period_s: f64,
    time_var: f64,
    covariance: f64,
    period_var: f64,
}

impl Phase {
    /// A place at an onset, and a period known to within a standard deviation.
    pub fn new(time_s: f64, period_s: f64, period_sd: f64) -> Self {
        let time_var = ONSET_SD_S * ONSET_SD_S;
        Self { time_s, period_s, time_var, covariance: 0.0, period_var: period_sd * period_sd }
    }

    pub fn time_s(&self) -> f64 {
        self.time_s
    }

    pub fn period_s(&self) -> f64 {
        self.period_s
    }

    /// Standard deviation of the time.
    pub fn doubt_s(&self) -> f64 {
        self.time_var.sqrt()
    }

    /// The place some beats further on, or before; the period walks there.
    pub fn ahead(&self, beats: f64, walk: Walk) -> Self {
        let walk = (walk.spread * self.period_s).powi(2) * beats.abs();
        Self {
            time_s: self.time_s + beats * self.period_s,
            period_s: self.period_s,
            time_var: self.time_var
                + beats * (2.0 * self.covariance + beats * (self.period_var + walk / 3.0)),
            covariance: self.covariance + beats * (self.period_var + walk / 2.0),
            period_var: self.period_var + walk,
        }
    }

    /// Learns that the place some beats further on was sung at a time; the log density of that. None if it is too far
    /// off.
    pub fn observe(&self, beats: f64, walk: Walk, sung_s: f64, is_entry: bool) -> Option<(Self, f64)> {
        let ahead = self.ahead(beats, walk);
        let update = |sd_s: f64, share: f64| {
            let (phase, density) = ahead.update(sung_s, sd_s)?;
            Some((phase, density + (share * walk.share).ln()))
        };
        let (neat, loose_s) = if is_entry { ENTRY } else { (NEAT, LOOSE_SD_S) };
        match (update(ONSET_SD_S, neat), update(loose_s, 1.0 - neat)) {
            (Some(neat), Some(loose)) => Some(if neat.1 >= loose.1 { neat } else { loose }),
            (neat, loose) => neat.or(loose),
        }
    }

    /// Learns that the place some beats further on was struck at a time, by players or a machine that keep time; the log
    /// density of that. None if it is too far off.
    pub fn strike(&self, beats: f64, walk: Walk, struck_s: f64) -> Option<(Self, f64)> {
        let ahead = self.ahead(beats, walk);
        let update = |sd_s: f64, share: f64| {
            let (phase, density) = ahead.update(struck_s, sd_s)?;
            Some((phase, density + (share * walk.share).ln()))
        };
        match (update(STROKE_SD_S, TIGHT), update(ONSET_SD_S, 1.0 - TIGHT)) {
            (Some(tight), Some(loose)) => Some(if tight.1 >= loose.1 { tight } else { loose }),
            (tight, loose) => tight.or(loose),
        }
    }

    fn update(&self, sung_s: f64, sd_s: f64) -> Option<(Self, f64)> {
        let miss_s = sung_s - self.time_s;
        let variance = self.time_var + sd_s * sd_s;
        let distance = miss_s * miss_s / variance;
        if distance > FARTHEST * FARTHEST {
            return None;
        }
        let (time_gain, period_gain) = (self.time_var / variance, self.covariance / variance);
        let phase = Self {
            time_s: self.time_s + time_gain * miss_s,
            period_s: self.period_s + period_gain * miss_s,
            time_var: self.time_var * (1.0 - time_gain),
            covariance: self.covariance * (1.0 - time_gain),
            period_var: self.period_var - period_gain * self.covariance,
        };
        Some((phase, -0.5 * (distance + (std::f64::consts::TAU * variance).ln())))
    }

    /// The place is sung at a time, whatever was expected; the tempo is about the same.
    pub fn held_until(&self, sung_s: f64) -> Self {
        let walk = (HELD_WALK * self.period_s).powi(2);
        Self {
            time_s: sung_s,
            period_s: self.period_s,
            time_var: ONSET_SD_S * ONSET_SD_S,
            covariance: 0.0,
            period_var: self.period_var + walk,
        }
    }
}
