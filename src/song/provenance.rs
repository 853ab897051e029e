//! Where a song comes from.

use serde::{Deserialize, Serialize};

use crate::score::Part;

/// The recording that a song was made for, or one beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VocalSource {
    /// Name of the file without its folders.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// Length in seconds.
    pub duration_s: f64,
}

/// The SoundFont that played a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundSource {
    /// The part.
    pub part: Part,
    /// What the bank calls itself.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// What it says of its copyright.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub copyright: String,
}

/// Where everything in a song comes from: what was human, what was generated and by what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Names this very result: the same input, settings and build get the same one. Every output carries it.
    pub take_id: String,
    /// Program and version.
    pub program: String,
    /// What wrote each part.
    pub composer: String,
    /// What the parts were trained on; none for rules.
    pub model: Option<String>,
    /// The human part: the recording.
    pub vocal: VocalSource,
    /// What was heard beside it, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidechain: Option<VocalSource>,
    /// Which parts a SoundFont played; the others have their built-in sounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sounds: Vec<SoundSource>,
}
