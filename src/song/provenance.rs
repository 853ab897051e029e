//! Where a song comes from.

use serde::{Deserialize, Serialize};

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
}
