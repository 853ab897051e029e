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

/// Share of what sounds in which a pitch moves, from which somebody sings: chords and strokes reach .23 where constants were
/// chosen, voices in a mix at 0 dB have .33 at least.
const SUNG_SHARE: f64 = 0.28;
/// A voice by itself has one pitch most of the time, and nearly all of it moves: what [`dryness`] exceeds.
const DRY: f64 = -0.07;
/// Level of the difference of both channels, beside their mean, from which a mix is true stereo, in dB.
const STEREO_DB: f64 = -25.0;

impl Verdict {
    /// Decides by what was measured.
    pub fn of(heard: Heard) -> Self {
        let Heard { one_pitch_share, gliding_share, moving_db, side_db, .. } = heard;
        let percent = |share: f64| 100.0 * share;
        let kind = if gliding_share < SUNG_SHARE {
            InputKind::NoVoice
        } else if dryness(&heard) > DRY {
            InputKind::DryVoice
        } else if side_db > STEREO_DB {
            InputKind::StereoMix
        } else {
            InputKind::MonoMix
        };
        let why = format!(
            "a pitch that moves as voices do in {:.0} % of what sounds ({:.0} % are needed), one clear pitch in {:.0} %, \
             {:.1} dB of it neither stands still nor strikes, sides {side_db:.0} dB",
            percent(gliding_share),
            percent(SUNG_SHARE),
            percent(one_pitch_share),
            moving_db
        );
        Self { kind, why, heard }
    }
}

/// How much speaks for a voice by itself.
fn dryness(heard: &Heard) -> f64 {
    heard.one_pitch_share + 0.2 * heard.moving_db
}
