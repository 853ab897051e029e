//! The parts of the band.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A part of the band. The list is open: what follows from a part is looked up here, not matched elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Six-string guitar.
    Guitar,
    /// Drum kit.
    Drums,
    /// String section.
    Strings,
    /// Bass: supports the other three.
    Bass,
}

/// A part that is not known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("part {0:?} is not known; known are {known}", known = Part::ALL.map(Part::name).join(", "))]
pub struct PartError(String);

impl Part {
    /// Every part, in the order of stems and tracks.
    pub const ALL: [Self; 4] = [Self::Guitar, Self::Drums, Self::Strings, Self::Bass];

    /// Position in [`Part::ALL`].
    pub fn index(self) -> usize {
        match self {
            Self::Guitar => 0,
            Self::Drums => 1,
            Self::Strings => 2,
            Self::Bass => 3,
        }
    }

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guitar => "guitar",
            Self::Drums => "drums",
            Self::Strings => "strings",
            Self::Bass => "bass",
        }
    }

    /// MIDI channel counted from 1.
    pub fn midi_channel(self) -> u8 {
        match self {
            Self::Guitar => 1,
            Self::Bass => 2,
            Self::Strings => 3,
            Self::Drums => 10,
        }
    }

    /// General MIDI program counted from 0.
    pub fn midi_program(self) -> u8 {
        match self {
            Self::Guitar => 25,
            Self::Bass => 33,
            Self::Strings => 48,
            Self::Drums => 0,
        }
    }

    /// Whether its notes have a pitch that follows the tuning.
    pub fn is_pitched(self) -> bool {
        self != Self::Drums
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Part {
    type Err = PartError;
    fn from_str(text: &str) -> Result<Self, PartError> {
        Self::ALL.into_iter().find(|p| p.name() == text.trim()).ok_or_else(|| PartError(text.to_owned()))
    }
}
