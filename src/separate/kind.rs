//! What a recording holds: a voice by itself, a voice in a mix, or no voice.

use super::input::Heard;

/// What a recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputKind {
    /// A voice by itself.
    DryVoice,
    /// A voice with a backing, the same on both channels or on one.
    MonoMix,
    /// A voice with a backing in true stereo.
    StereoMix,
    /// No voice.
    NoVoice,
}

impl InputKind {
    /// Whether a voice lies among other sounds.
    pub fn is_mix(self) -> bool {
        matches!(self, Self::MonoMix | Self::StereoMix)
    }

    /// What a person is told.
    pub fn label(self) -> &'static str {
        match self {
            Self::DryVoice => "a voice by itself",
            Self::MonoMix => "a voice in a mono mix",
            Self::StereoMix => "a voice in a stereo mix",
            Self::NoVoice => "no voice",
        }
    }
}

/// What a recording holds, and why that is thought.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Verdict {
    /// What it holds.
    pub kind: InputKind,
    /// Why, in a line.
    pub why: String,
    /// What was measured.
    pub heard: Heard,
}

/// Level of what the network takes for a voice, beside all, below which nobody sings, in dB: of instruments up to -9.4 is left,
/// of voices at 0 dB at least -9.8 where constants were chosen.
const VOICE_DB: f64 = -9.0;
/// Level of the rest below which a voice is by itself, in dB: rooms and consonants reach -10.1, a backing has -5.4 at least.
const BACKING_DB: f64 = -7.7;
/// Level of the difference of both channels, beside their sum, from which a mix is true stereo, in dB.
const STEREO_DB: f64 = -25.0;

impl Verdict {
    /// Decides by what was measured.
    pub fn of(heard: Heard) -> Self {
        let Heard { voice_db, backing_db, side_db, .. } = heard;
        let kind = if voice_db < VOICE_DB {
            InputKind::NoVoice
        } else if backing_db < BACKING_DB {
            InputKind::DryVoice
        } else if side_db > STEREO_DB {
            InputKind::StereoMix
        } else {
            InputKind::MonoMix
        };
        let why = format!(
            "of what sounds the network takes {voice_db:.1} dB for a voice ({VOICE_DB:.0} dB are needed) and {backing_db:.1} dB \
             for something else (a mix has {BACKING_DB:.1} dB), sides {side_db:.0} dB"
        );
        Self { kind, why, heard }
    }
}
