//! How the built-in band is equipped: which guitar, bass and kit, how they are set up, and where everybody stands.
//!
//! Tones are data: `tones/*.toml`, one file each.

use serde::Deserialize;

use crate::score::Part;
use crate::song::{Settings, Style, ToneName};

/// The instruments of a band and their places.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tone {
    /// What it is for, in a sentence.
    pub about: String,
    /// The guitar.
    pub guitar: GuitarTone,
    /// The bass.
    pub bass: BassTone,
    /// The kit.
    pub drums: DrumsTone,
    /// The string section.
    pub strings: StringsTone,
}

/// Where and how loudly a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Gain in dB.
    pub gain_db: f32,
    /// -1 (left) to 1 (right).
    pub pan: f32,
    /// Factor on the difference of both channels.
    pub width: f32,
    /// Gain of the room, 0 to 1.
    pub room: f32,
    /// Corner of a low-pass over the part in Hz; none leaves it as it is.
    #[serde(default)]
    pub low_pass_hz: Option<f32>,
}

/// How a guitar is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuitarBuild {
    /// Flat top with steel strings.
    Steel,
    /// Classical guitar.
    Nylon,
    /// Clean electric guitar through a cabinet.
    Electric,
}

/// A guitar.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuitarTone {
    /// How it is made.
    pub build: GuitarBuild,
    /// Factor on how bright a stroke is; a pick is 1, a thumb 0.6.
    pub bright: f32,
    /// Factor on how long strings ring; old strings are 0.7.
    pub ring: f32,
    /// Where it stands.
    pub place: Place,
}

/// How a bass is made and played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BassBuild {
    /// Electric, with the fingers.
    Fingered,
    /// Electric, with a pick.
    Picked,
    /// Electric, with foam at the bridge.
    Muted,
    /// Double bass, plucked.
    Upright,
}

/// A bass.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BassTone {
    /// How it is made and played.
    pub build: BassBuild,
    /// Factor on how bright a note is.
    pub bright: f32,
    /// Factor on how long notes ring.
    pub ring: f32,
    /// Where it stands.
    pub place: Place,
}

/// What a kit is played with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrumsBuild {
    /// Sticks.
    Sticks,
    /// Brushes.
    Brushes,
}

/// A drum kit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrumsTone {
    /// What it is played with.
    pub build: DrumsBuild,
    /// Factor on the pitch of the skins.
    pub pitch: f32,
    /// Factor on how long skins ring.
    pub ring: f32,
    /// Factor on how long metal rings.
    pub shimmer: f32,
    /// Factor on the level of wires, beater and stick noise.
    pub snap: f32,
    /// Where it stands.
    pub place: Place,
}

/// A string section.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StringsTone {
    /// Players who share a note, 1 to 6.
    pub players: usize,
    /// Factor on how bright the section is.
    pub bright: f32,
    /// Factor on the time that a note takes to speak.
    pub attack: f32,
    /// Factor on the depth of the vibrato.
    pub vibrato: f32,
    /// Where it stands.
    pub place: Place,
}

/// The file of each tone.
const FILES: [(ToneName, &str); 8] = [
    (ToneName::AcousticBallad, include_str!("tones/acoustic-ballad.toml")),
    (ToneName::Indie, include_str!("tones/indie.toml")),
    (ToneName::Folk, include_str!("tones/folk.toml")),
    (ToneName::Soul, include_str!("tones/soul.toml")),
    (ToneName::Rock, include_str!("tones/rock.toml")),
    (ToneName::Orchestral, include_str!("tones/orchestral.toml")),
    (ToneName::Jazz, include_str!("tones/jazz.toml")),
    (ToneName::LoFi, include_str!("tones/lo-fi.toml")),
];

impl Tone {
    /// The tone of a name; [`ToneName::Auto`] is that of the style.
    ///
    /// # Panics
    ///
    /// Never: the files are part of the program, and a test reads each.
    pub fn named(name: ToneName, style: Style) -> Self {
        let name = match (name, style) {
            (ToneName::Auto, Style::Folk) => ToneName::Folk,
            (ToneName::Auto, Style::Pop) => ToneName::Indie,
            (ToneName::Auto, Style::Ballad) => ToneName::AcousticBallad,
            (ToneName::Auto, Style::Jazz) => ToneName::Jazz,
            (name, _) => name,
        };
        let text = FILES.iter().find(|(of, _)| *of == name).map_or(FILES[0].1, |(_, text)| text);
        #[expect(clippy::expect_used, reason = "embedded files that a test reads")]
        toml::from_str(text).expect("an embedded tone can be read")
    }

    /// The tone that settings ask for.
    pub fn of(settings: &Settings) -> Self {
        Self::named(settings.tone, settings.style)
    }

    /// Where a part stands.
    pub fn place(&self, part: Part) -> Place {
        match part {
            Part::Guitar => self.guitar.place,
            Part::Drums => self.drums.place,
            Part::Strings => self.strings.place,
            Part::Bass => self.bass.place,
        }
    }
}

impl Default for Tone {
    fn default() -> Self {
        Self::named(ToneName::Auto, Style::Pop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tone_can_be_read_and_is_another() {
        let tones: Vec<Tone> = FILES
            .iter()
            .map(|(name, text)| toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}")))
            .collect();
        for (index, tone) in tones.iter().enumerate() {
            assert!(tones[..index].iter().all(|other| other != tone), "{}", FILES[index].0);
            assert!((1..=6).contains(&tone.strings.players));
            for place in [tone.guitar.place, tone.bass.place, tone.drums.place, tone.strings.place] {
                assert!((-30.0..=0.0).contains(&place.gain_db) && place.pan.abs() <= 1.0);
                assert!((0.0..=2.0).contains(&place.width) && (0.0..=1.0).contains(&place.room));
            }
        }
        let named: Vec<ToneName> =
            ToneName::ALL.iter().copied().filter(|name| *name != ToneName::Auto).collect();
        assert!(named.iter().all(|name| FILES.iter().any(|(of, _)| of == name)), "each name has a file");
    }

    #[test]
    fn the_style_chooses_unless_a_name_is_given() {
        assert_eq!(Tone::named(ToneName::Auto, Style::Jazz), Tone::named(ToneName::Jazz, Style::Pop));
        assert_ne!(Tone::named(ToneName::Auto, Style::Pop), Tone::named(ToneName::Rock, Style::Pop));
    }
}
