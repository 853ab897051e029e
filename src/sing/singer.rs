//! Who sings.

use serde::{Deserialize, Serialize};

/// A voice and its habits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Singer {
    /// Factor on all formants: 1 for a man, about 1.17 for a woman, 1.3 for a child.
    pub tract_scale: f64,
    /// Brightness, in octaves by which the corner of the source's fall is moved; 0 is a plain voice.
    pub brightness_octaves: f64,
    /// Rate of the vibrato, in Hz; 5 to 6.5 is usual.
    pub vibrato_hz: f64,
    /// Depth of the vibrato to either side, in cents.
    pub vibrato_cents: f64,
    /// How far below its pitch a phrase begins, in cents.
    pub scoop_cents: f64,
    /// Time of a glide between two joined notes, in ms; 40 to 90 is usual.
    pub portamento_ms: f64,
    /// Wander of F0 within a note, in cents (standard deviation).
    pub wander_cents: f64,
    /// Difference of one period from the next, in cents (standard deviation).
    pub jitter_cents: f64,
    /// Difference in level of one period from the next, in dB (standard deviation).
    pub shimmer_db: f64,
    /// Share of breath in the voice, 0 to 1.
    pub breathiness: f64,
    /// Tuning above A = 440 Hz, in cents.
    pub tuning_cents: f64,
    /// Rise of the tuning, in cents a minute; singers without a band mostly fall.
    pub drift_cents_per_min: f64,
    /// Seed of all that is random in the voice.
    pub seed: u64,
}

impl Singer {
    /// A woman with a low voice.
    pub fn alto(seed: u64) -> Self {
        Self {
            tract_scale: 1.15,
            brightness_octaves: 0.0,
            vibrato_hz: 5.6,
            vibrato_cents: 38.0,
            scoop_cents: 90.0,
            portamento_ms: 65.0,
            wander_cents: 5.0,
            jitter_cents: 6.0,
            shimmer_db: 0.25,
            breathiness: 0.25,
            tuning_cents: 0.0,
            drift_cents_per_min: 0.0,
            seed,
        }
    }

    /// A man with a high voice.
    pub fn tenor(seed: u64) -> Self {
        Self {
            tract_scale: 1.0,
            brightness_octaves: 0.3,
            vibrato_hz: 5.3,
            breathiness: 0.15,
            ..Self::alto(seed)
        }
    }

    /// A woman with a high voice.
    pub fn soprano(seed: u64) -> Self {
        Self { tract_scale: 1.2, vibrato_hz: 6.0, vibrato_cents: 50.0, breathiness: 0.18, ..Self::alto(seed) }
    }
}
