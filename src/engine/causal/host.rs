//! The host's time line, where the host leads.

use crate::song::{Lead, Settings};

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
    /// Bars counted from where one is stated to begin, else from the beginning of the input, where the host leads.
    pub fn stated(settings: &Settings) -> Option<Self> {
        let bpm = settings.bpm.filter(|_| settings.lead == Lead::Host)?;
        Some(Self { at_s: settings.bar_one_s.unwrap_or(0.0), beats: 0.0, bpm: bpm.0 })
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
