//! The host's time line, where the host leads.

use crate::time::Bpm;

/// Where a host's time line stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostTime {
    /// A moment, in seconds of the input.
    pub at_s: f64,
    /// Beats of the metre since a bar line at that moment; it may be negative or more than a bar.
    pub beats: f64,
    /// Tempo in beats of the metre a minute.
    pub bpm: f64,
}

impl HostTime {
    /// Bars counted from the beginning of the input.
    pub fn from_start(bpm: Bpm) -> Self {
        Self { at_s: 0.0, beats: 0.0, bpm: bpm.0 }
    }

    /// When a beat lies.
    pub(super) fn time_of(self, beat: i64) -> f64 {
        self.at_s + (beat as f64 - self.beats) * 60.0 / self.bpm
    }

    /// How many beats lie before a moment.
    pub(super) fn beat_at(self, at_s: f64) -> f64 {
        self.beats + (at_s - self.at_s) * self.bpm / 60.0
    }
}
