//! Keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::pitch::{MidiNote, PitchClass};

/// Major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Major.
    Major,
    /// Minor (natural, harmonic and melodic alike).
    Minor,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key {
    /// The tonic.
    pub tonic: PitchClass,
    /// Major or minor.
    pub mode: Mode,
}

/// A key that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "key {0:?} is not known; write a tonic and a mode, such as C, \"F# minor\", Bbm or \"Eb major\" \
     (tonics C Db D Eb E F Gb G Ab A Bb B, also with #)"
)]
pub struct KeyError(String);

impl Key {
    /// Semitones above the tonic of the seven degrees of the scale (natural minor).
    pub fn scale(self) -> [u8; 7] {
        match self.mode {
            Mode::Major => [0, 2, 4, 5, 7, 9, 11],
            Mode::Minor => [0, 2, 3, 5, 7, 8, 10],
        }
    }

    /// Pitch class of a scale degree counted from 0.
    pub fn degree(self, degree: usize) -> PitchClass {
        self.tonic + self.scale()[degree % 7]
    }

    /// Whether a pitch class lies in the scale; in minor the raised sixth and seventh do too.
    pub fn holds(self, pitch_class: PitchClass) -> bool {
        let above = pitch_class.above(self.tonic);
        self.scale().contains(&above) || (self.mode == Mode::Minor && (above == 9 || above == 11))
    }

    /// Sharps (positive) or flats (negative) of its signature, -6..=6.
    pub fn fifths(self) -> i8 {
        let relative_major = match self.mode {
            Mode::Major => self.tonic,
            Mode::Minor => self.tonic + 3,
        };
        const FIFTHS: [i8; 12] = [0, -5, 2, -3, 4, -1, -6, 1, -4, 3, -2, 5];
        FIFTHS[usize::from(relative_major.0)]
    }

    /// Whether its accidentals are written as flats.
    pub fn uses_flats(self) -> bool {
        self.fifths() < 0 || (self.fifths() == 0 && self.mode == Mode::Minor)
    }

    /// How a pitch class is written: a letter, and sharps (positive) or flats (negative), at most one.
    ///
    /// Notes of the scale are written as the signature has them. Of the others the raised fourth is, in minor the raised
    /// third, sixth and seventh, in major the raised first; what is left is a lowered one.
    pub fn spelt(self, pitch_class: PitchClass) -> (char, i8) {
        // Along the circle of fifths, seen from the tonic.
        const MAJOR: [i8; 12] = [0, 7, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5];
        const MINOR: [i8; 12] = [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5];
        // Letters along the circle, and where C and the tonic of a minor key without signature lie in them.
        const LETTERS: [char; 7] = ['F', 'C', 'G', 'D', 'A', 'E', 'B'];
        let (steps, tonic) = match self.mode {
            Mode::Major => (MAJOR, 1),
            Mode::Minor => (MINOR, 4),
        };
        let place = self.fifths() + tonic + steps[usize::from(pitch_class.above(self.tonic))];
        // What would need two of them is written as the note that it sounds like.
        let place = match place {
            ..=-8 => place + 12,
            14.. => place - 12,
            _ => place,
        };
        (LETTERS[usize::from(place.rem_euclid(7).unsigned_abs())], place.div_euclid(7))
    }

    /// The octave of a note as it is spelt in the key: C flat 4 sounds like B3.
    pub fn octave_of(self, note: MidiNote) -> i32 {
        let (_, alter) = self.spelt(note.pitch_class());
        (i32::from(note.0) - i32::from(alter)).div_euclid(12) - 1
    }

    /// The name of a pitch class as it is spelt in the key, such as `F#` in G minor.
    pub fn name_of(self, pitch_class: PitchClass) -> String {
        let (letter, alter) = self.spelt(pitch_class);
        let sign = match alter {
            1 => "#",
            -1 => "b",
            _ => "",
        };
        format!("{letter}{sign}")
    }

    /// The key a number of semitones up.
    pub fn transposed(self, semitones: i32) -> Self {
        Self { tonic: self.tonic + semitones.rem_euclid(12) as u8, ..self }
    }

    /// All 24 keys, major first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Mode::Major, Mode::Minor]
            .into_iter()
            .flat_map(|mode| (0..12).map(move |tonic| Self { tonic: PitchClass(tonic), mode }))
    }
}

impl fmt::Display for Key {
    /// As in the analysis schema: `Bb major`, always with flats.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            Mode::Major => "major",
            Mode::Minor => "minor",
        };
        write!(f, "{} {mode}", self.tonic.name(true))
    }
}

impl FromStr for Key {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let unknown = || KeyError(text.to_owned());
        let (tonic, rest) = PitchClass::parse_prefix(text.trim()).ok_or_else(unknown)?;
        let mode = match rest.trim().trim_start_matches(':') {
            "" | "M" | "maj" | "major" | "Major" | "dur" => Mode::Major,
            "m" | "min" | "minor" | "Minor" | "moll" => Mode::Minor,
            _ => return Err(unknown()),
        };
        Ok(Self { tonic, mode })
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for key in Key::all() {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        assert_eq!("F#m".parse::<Key>().expect("a key").to_string(), "Gb minor");
        assert!("H major".parse::<Key>().is_err());
        assert!("C lydian".parse::<Key>().is_err());
    }

    #[test]
    fn signatures() {
        let fifths = |name: &str| name.parse::<Key>().expect("a key").fifths();
        assert_eq!((fifths("G"), fifths("Bb"), fifths("Em"), fifths("Cm"), fifths("F#")), (1, -2, 1, -3, -6));
    }

    #[test]
    fn notes_are_spelt_as_the_key_has_them() {
        let scale = |name: &str| {
            let key: Key = name.parse().expect("a key");
            (0..12).map(|above| key.name_of(key.tonic + above)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(scale("C"), "C C# D Eb E F F# G Ab A Bb B");
        assert_eq!(scale("Am"), "A Bb B C C# D D# E F F# G G#");
        assert_eq!(scale("Gm"), "G Ab A Bb B C C# D Eb E F F#");
        assert_eq!(scale("F#m"), "F# G G# A A# B B# C# D D# E E#");
        assert_eq!(scale("Bbm"), "Bb Cb C Db D Eb E F Gb G Ab A");
        assert_eq!(scale("Gb"), "Gb G Ab A Bb Cb C Db D Eb Fb F");
        for key in Key::all() {
            for pitch in (0..12).map(PitchClass) {
                let name = key.name_of(pitch);
                assert_eq!(PitchClass::parse_prefix(&name), Some((pitch, "")), "{name} in {key}");
            }
        }
    }

    #[test]
    fn octaves_are_those_of_the_letters() {
        let octave = |key: &str, midi| key.parse::<Key>().expect("a key").octave_of(MidiNote(midi));
        assert_eq!((octave("Gb", 59), octave("C", 59), octave("F#m", 60), octave("C", 60)), (4, 3, 3, 4));
    }
}
