//! Metre: what a bar holds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ticks::{TICKS_PER_QUARTER, TickCount};

/// A time signature.
///
/// A *beat* is the felt one: a dotted quarter in 6/8 and 12/8, a half note in 2/2, otherwise the written unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Meter {
    count: u8,
    unit: u8,
}

/// A metre that is not supported.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("metre {0:?} is not known; known are {known}", known = Meter::ALL.map(|m| m.to_string()).join(", "))]
pub struct MeterError(String);

impl Meter {
    /// Four quarter notes.
    pub const FOUR_FOUR: Self = Self { count: 4, unit: 4 };
    /// Three quarter notes.
    pub const THREE_FOUR: Self = Self { count: 3, unit: 4 };
    /// Two quarter notes.
    pub const TWO_FOUR: Self = Self { count: 2, unit: 4 };
    /// Two half notes.
    pub const TWO_TWO: Self = Self { count: 2, unit: 2 };
    /// Two dotted quarters.
    pub const SIX_EIGHT: Self = Self { count: 6, unit: 8 };
    /// Four dotted quarters.
    pub const TWELVE_EIGHT: Self = Self { count: 12, unit: 8 };
    /// Five quarter notes.
    pub const FIVE_FOUR: Self = Self { count: 5, unit: 4 };

    /// Every metre that can be stated.
    pub const ALL: [Self; 7] = [
        Self::FOUR_FOUR,
        Self::THREE_FOUR,
        Self::TWO_FOUR,
        Self::TWO_TWO,
        Self::SIX_EIGHT,
        Self::TWELVE_EIGHT,
        Self::FIVE_FOUR,
    ];

    /// Upper number of the time signature.
    pub fn count(self) -> u8 {
        self.count
    }

    /// Lower number of the time signature.
    pub fn unit(self) -> u8 {
        self.unit
    }

    /// Whether the beat divides into three.
    pub fn is_compound(self) -> bool {
        self.unit == 8
    }

    /// Felt beats in a bar.
    pub fn beats_per_bar(self) -> usize {
        usize::from(if self.is_compound() { self.count / 3 } else { self.count })
    }

    /// Length of a bar.
    pub fn bar(self) -> TickCount {
        TickCount(TICKS_PER_QUARTER * 4 * i64::from(self.count) / i64::from(self.unit))
    }

    /// Length of a felt beat.
    pub fn beat(self) -> TickCount {
        self.bar() / self.beats_per_bar() as i64
    }

    /// Beats of the bar (from 0) on which a new chord group may begin: the first beat and, where the bar divides
    /// evenly or as 3 + 2, the beat in its middle.
    pub fn chord_beats(self) -> &'static [usize] {
        match (self.count, self.unit) {
            (4, 4) | (12, 8) => &[0, 2],
            (2, 2) | (6, 8) => &[0, 1],
            (5, 4) => &[0, 3],
            _ => &[0],
        }
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.unit)
    }
}

impl FromStr for Meter {
    type Err = MeterError;
    fn from_str(text: &str) -> Result<Self, MeterError> {
        Self::ALL
            .into_iter()
            .find(|m| m.to_string() == text.trim())
            .ok_or_else(|| MeterError(text.to_owned()))
    }
}

impl TryFrom<String> for Meter {
    type Error = MeterError;
    fn try_from(text: String) -> Result<Self, MeterError> {
        text.parse()
    }
}

impl From<Meter> for String {
    fn from(meter: Meter) -> Self {
        meter.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_fill_the_bar() {
        for meter in Meter::ALL {
            assert_eq!(meter.beat() * meter.beats_per_bar() as i64, meter.bar(), "{meter}");
            assert_eq!(meter.to_string().parse(), Ok(meter));
        }
        assert_eq!(Meter::SIX_EIGHT.beats_per_bar(), 2);
        assert_eq!(Meter::SIX_EIGHT.beat(), TickCount(1440));
        assert_eq!(Meter::TWO_TWO.beat(), TickCount(1920));
    }

    #[test]
    fn an_unknown_metre_lists_what_would_work() {
        let message = "7/8".parse::<Meter>().expect_err("7/8 is not supported").to_string();
        assert!(message.contains("7/8") && message.contains("12/8"), "{message}");
    }
}
