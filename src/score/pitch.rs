//! Pitches of equal temperament.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A MIDI note number, 0 to 127; 60 is middle C, 69 is A4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MidiNote(pub u8);

impl MidiNote {
    /// The nearest note to a fractional MIDI pitch, held to 0..=127.
    pub fn nearest(midi: f64) -> Self {
        Self(midi.round().clamp(0.0, 127.0) as u8)
    }

    /// Its pitch class.
    pub fn pitch_class(self) -> PitchClass {
        PitchClass(self.0 % 12)
    }

    /// Frequency in Hz at a tuning given in cents from A4 = 440 Hz.
    pub fn hz(self, tuning_cents: f64) -> f64 {
        440.0 * ((f64::from(self.0) - 69.0 + tuning_cents / 100.0) / 12.0).exp2()
    }

    /// The note a number of semitones above, held to 0..=127.
    pub fn up(self, semitones: i32) -> Self {
        Self((i32::from(self.0) + semitones).clamp(0, 127) as u8)
    }
}

impl fmt::Display for MidiNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.pitch_class().name(true), i32::from(self.0) / 12 - 1)
    }
}

/// Fractional MIDI pitch of a frequency in Hz.
pub fn midi_of_hz(hz: f64) -> f64 {
    69.0 + 12.0 * (hz / 440.0).log2()
}

/// A pitch class: 0 is C, 11 is B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PitchClass(pub u8);

impl PitchClass {
    /// Name with flats (`Bb`) or sharps (`A#`).
    pub fn name(self, flats: bool) -> &'static str {
        const FLAT: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];
        const SHARP: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
        (if flats { FLAT } else { SHARP })[usize::from(self.0 % 12)]
    }

    /// Reads a note name such as `C`, `F#`, `Bb` from the front of a text; returns it and what follows.
    pub fn parse_prefix(text: &str) -> Option<(Self, &str)> {
        let letter = text.chars().next()?;
        let natural: i32 = match letter.to_ascii_uppercase() {
            'C' => 0,
            'D' => 2,
            'E' => 4,
            'F' => 5,
            'G' => 7,
            'A' => 9,
            'B' => 11,
            _ => return None,
        };
        let mut rest = &text[1..];
        let mut shift = 0;
        loop {
            if let Some(after) = rest.strip_prefix('#').or_else(|| rest.strip_prefix('♯')) {
                (shift, rest) = (shift + 1, after);
            } else if let Some(after) = rest.strip_prefix('b').or_else(|| rest.strip_prefix('♭')) {
                (shift, rest) = (shift - 1, after);
            } else {
                return Some((Self((natural + shift).rem_euclid(12) as u8), rest));
            }
        }
    }

    /// Semitones up from `lower` to this pitch class, 0..=11.
    pub fn above(self, lower: Self) -> u8 {
        (self.0 + 12 - lower.0) % 12
    }
}

impl Add<u8> for PitchClass {
    type Output = Self;
    fn add(self, semitones: u8) -> Self {
        Self((self.0 + semitones) % 12)
    }
}

impl Sub<u8> for PitchClass {
    type Output = Self;
    fn sub(self, semitones: u8) -> Self {
        Self((self.0 + 12 - semitones % 12) % 12)
    }
}
