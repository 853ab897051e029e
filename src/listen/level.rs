//! Level of the voice.

use crate::limits::{LISTEN_HOP, LISTEN_HZ};

/// Half of the window in samples: 25 ms.
const HALF: usize = (LISTEN_HZ / 40) as usize;
/// Samples kept: the window and the rest of a hop.
const KEPT: usize = HALF * 2 + LISTEN_HOP;

/// RMS level over 50 ms around each hop, in dB relative to full scale.
#[derive(Debug)]
pub struct Level {
    recent: [f32; KEPT],
    hops: usize,
    newest: f32,
}

impl Level {
    /// Hops between the centre of a window and the hop that completes it.
    pub const LATENCY_HOPS: usize = HALF.div_ceil(LISTEN_HOP);

    /// A meter that has heard silence.
    pub fn new() -> Self {
        Self { recent: [0.0; KEPT], hops: 0, newest: -120.0 }
    }

    /// Forgets everything heard.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// The level last reported, in dBFS.
    pub fn newest(&self) -> f32 {
        self.newest
    }

    /// Takes a hop; returns the level of the observation that it completes.
    pub fn process(&mut self, hop: &[f32; LISTEN_HOP]) -> Option<f32> {
        self.recent.copy_within(LISTEN_HOP.., 0);
        self.recent[KEPT - LISTEN_HOP..].copy_from_slice(hop);
        self.hops += 1;
        // After h hops the newest sample is h * HOP - 1; the observation is centred LATENCY_HOPS hops before that.
        if self.hops < Self::LATENCY_HOPS {
            return None;
        }
        let behind = Self::LATENCY_HOPS * LISTEN_HOP;
        let centre = KEPT - behind;
        let window = &self.recent[centre.saturating_sub(HALF)..(centre + HALF).min(KEPT)];
        let power = window.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / window.len() as f64;
        self.newest = (10.0 * (power + 1e-12).log10()) as f32;
        Some(self.newest)
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::new()
    }
}
