//! Written notes.

use serde::{Deserialize, Serialize};

use super::pitch::MidiNote;
use crate::time::{TickCount, Ticks};

/// Loudness of a note, 1 to 127.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Velocity(u8);

impl Velocity {
    /// A velocity held to 1..=127.
    pub fn clamped(value: f64) -> Self {
        Self(value.round().clamp(1.0, 127.0) as u8)
    }

    /// The MIDI value, 1..=127.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The value over 127.
    pub fn fraction(self) -> f32 {
        f32::from(self.0) / 127.0
    }
}

impl TryFrom<u8> for Velocity {
    type Error = String;
    fn try_from(value: u8) -> Result<Self, String> {
        if (1..=127).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("velocity must be between 1 and 127, but was {value}"))
        }
    }
}

impl From<Velocity> for u8 {
    fn from(velocity: Velocity) -> Self {
        velocity.0
    }
}

/// How a note is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Articulation {
    /// Plainly.
    Normal,
    /// One string of a down-stroke; `order` counts strings from the first one struck.
    StrumDown {
        /// Strings struck before this one.
        order: u8,
    },
    /// One string of an up-stroke; `order` counts strings from the first one struck.
    StrumUp {
        /// Strings struck before this one.
        order: u8,
    },
    /// Damped by the palm.
    Muted,
    /// Barely sounded.
    Ghost,
    /// Bowed long, with swell and late vibrato.
    Sustained,
    /// Bowed without a new stroke: the note before glides into it.
    Legato,
    /// A short stroke whose bow bounces off the string.
    Spiccato,
    /// Bowed string, plucked by a finger.
    Pizzicato,
    /// Bowed to and fro, fast.
    Tremolo,
    /// The finger slides into the note along the string.
    Slide,
    /// A finger hammers the sounding string onto a fret; nothing is plucked.
    HammerOn,
    /// Bowed softly over the fingerboard.
    SulTasto,
    /// The cymbals of the hi-hat touch each other loosely.
    HalfOpen,
}

/// A written note of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Note {
    /// Where it begins.
    pub start: Ticks,
    /// How long it lasts.
    pub length: TickCount,
    /// Its pitch; for drums the key of General MIDI's percussion map.
    pub pitch: MidiNote,
    /// How loud it is.
    pub velocity: Velocity,
    /// How it is played.
    pub articulation: Articulation,
}

impl Note {
    /// Where it ends.
    pub fn end(self) -> Ticks {
        self.start + self.length
    }
}
