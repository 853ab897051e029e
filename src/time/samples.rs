//! Positions and distances in samples.

use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// A sample rate in Hz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hz(pub u32);

impl Hz {
    /// The rate as a float, in samples a second.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0)
    }

    /// Nearest sample to a position in seconds.
    pub fn sample_at(self, position_s: f64) -> SampleTime {
        SampleTime((position_s * self.as_f64()).round() as i64)
    }

    /// Nearest number of samples to a length in seconds.
    pub fn count(self, length_s: f64) -> SampleCount {
        SampleCount((length_s * self.as_f64()).round() as i64)
    }
}

/// A position on the time line of the input, in samples; 0 is its first sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct SampleTime(pub i64);

/// A distance in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct SampleCount(pub i64);

impl SampleTime {
    /// The position in seconds at a sample rate.
    pub fn seconds(self, rate: Hz) -> f64 {
        self.0 as f64 / rate.as_f64()
    }
}

impl SampleCount {
    /// The length in seconds at a sample rate.
    pub fn seconds(self, rate: Hz) -> f64 {
        self.0 as f64 / rate.as_f64()
    }
}

impl Sub for SampleTime {
    type Output = SampleCount;
    fn sub(self, earlier: Self) -> SampleCount {
        SampleCount(self.0 - earlier.0)
    }
}

impl Add<SampleCount> for SampleTime {
    type Output = Self;
    fn add(self, distance: SampleCount) -> Self {
        Self(self.0 + distance.0)
    }
}

impl AddAssign<SampleCount> for SampleTime {
    fn add_assign(&mut self, distance: SampleCount) {
        self.0 += distance.0;
    }
}

impl Sub<SampleCount> for SampleTime {
    type Output = Self;
    fn sub(self, distance: SampleCount) -> Self {
        Self(self.0 - distance.0)
    }
}

impl Add for SampleCount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for SampleCount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
