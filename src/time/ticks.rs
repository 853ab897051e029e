//! Positions and distances in musical time.

use std::ops::{Add, AddAssign, Div, Mul, Rem, Sub};

use serde::{Deserialize, Serialize};

/// Ticks in a quarter note.
pub const TICKS_PER_QUARTER: i64 = 960;

/// A position in a score, in ticks; 0 is the first sample of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Ticks(pub i64);

/// A distance in a score, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct TickCount(pub i64);

impl Sub for Ticks {
    type Output = TickCount;
    fn sub(self, earlier: Self) -> TickCount {
        TickCount(self.0 - earlier.0)
    }
}

impl Add<TickCount> for Ticks {
    type Output = Self;
    fn add(self, distance: TickCount) -> Self {
        Self(self.0 + distance.0)
    }
}

impl AddAssign<TickCount> for Ticks {
    fn add_assign(&mut self, distance: TickCount) {
        self.0 += distance.0;
    }
}

impl Sub<TickCount> for Ticks {
    type Output = Self;
    fn sub(self, distance: TickCount) -> Self {
        Self(self.0 - distance.0)
    }
}

impl Add for TickCount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for TickCount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul<i64> for TickCount {
    type Output = Self;
    fn mul(self, times: i64) -> Self {
        Self(self.0 * times)
    }
}

impl Div<i64> for TickCount {
    type Output = Self;
    fn div(self, parts: i64) -> Self {
        Self(self.0 / parts)
    }
}

impl Div for TickCount {
    type Output = i64;
    fn div(self, unit: Self) -> i64 {
        self.0.div_euclid(unit.0)
    }
}

impl Rem for TickCount {
    type Output = Self;
    fn rem(self, unit: Self) -> Self {
        Self(self.0.rem_euclid(unit.0))
    }
}
