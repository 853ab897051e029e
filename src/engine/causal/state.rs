//! What the band is doing, as a good accompanist would say it.

use super::{Causal, Locked};
use crate::song::WhenStopped;

/// What the band is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// It has not found the beat yet.
    #[default]
    Listening,
    /// It strikes the bars before bar 1.
    CountingIn,
    /// It plays in the singer's time.
    Playing,
    /// The singer holds a note, or has stopped and is waited for: the score stands still.
    Holding,
    /// The singer breathes between two lines; the beat goes on.
    Breathing,
    /// It is unsure, or alone: simple patterns, quieter, without a doubtful third.
    Vamping,
    /// The singer is back after a hold, and the band with them.
    Reentering,
    /// The last bar.
    Ending,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::CountingIn => "counting in",
            Self::Playing => "playing",
            Self::Holding => "holding",
            Self::Breathing => "breathing",
            Self::Vamping => "vamping",
            Self::Reentering => "re-entering",
            Self::Ending => "ending",
        }
    }
}

/// Silence that is heard as a breath, in seconds.
const BREATH_S: f64 = 0.25;
/// The singer has stopped when nothing was sung for so many bars.
pub(super) const STOPPED_BARS: f64 = 1.25;
/// Trust in the beat below which a band of middling daring vamps.
const VAMP_TRUST: f64 = 0.3;

impl Causal {
    /// What the band is doing now.
    pub(super) fn state(&self, locked: &Locked, now_s: f64) -> State {
        if !locked.has_entered {
            let counts_in = self.settings.count_in_bars > 0;
            return if counts_in { State::CountingIn } else { State::Listening };
        }
        if locked.has_ended {
            return State::Ending;
        }
        if locked.hold.is_some() {
            return State::Holding;
        }
        if self.onsets.len() <= locked.reentry_onsets {
            return State::Reentering;
        }
        let rest_s = self.rest_s(now_s);
        let bar_s = locked.period_s * locked.bars.meter.beats_per_bar() as f64;
        let is_alone = rest_s > STOPPED_BARS * bar_s && self.settings.when_stopped == WhenStopped::Vamp;
        if is_alone || locked.confidence < VAMP_TRUST * 2.0 * (1.0 - self.settings.daring) {
            State::Vamping
        } else if rest_s > BREATH_S {
            State::Breathing
        } else {
            State::Playing
        }
    }

    /// How long nothing has been sung, in seconds.
    pub(super) fn rest_s(&self, now_s: f64) -> f64 {
        match (self.segmenter.open_note(), self.notes.last()) {
            (Some(_), _) => 0.0,
            (None, Some(note)) => now_s - note.offset_s,
            (None, None) => 0.0,
        }
    }
}
