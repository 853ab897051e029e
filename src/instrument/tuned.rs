//! Tuning and range of the pitched instruments.

use super::dsp::Smooth;

/// Farthest from A4 = 440 Hz that a part is tuned, in cents.
const FARTHEST_CENTS: f32 = 1_200.0;
/// Time constant with which sounding notes follow, in seconds.
const FOLLOW_S: f32 = 0.025;

/// The tuning of a part, which sounding notes follow smoothly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuning {
    cents: Smooth,
    ratio: f32,
}

impl Tuning {
    /// A4 = 440 Hz, with `ticks_hz` control ticks a second.
    pub(super) fn new(ticks_hz: f32) -> Self {
        Self { cents: Smooth::new(0.0, FOLLOW_S, ticks_hz, 0.01), ratio: 1.0 }
    }

    /// Sets the tuning in cents above A4 = 440 Hz; a silent instrument takes it at once.
    pub(super) fn aim(&mut self, cents: f32, silent: bool) {
        self.cents.aim(cents.clamp(-FARTHEST_CENTS, FARTHEST_CENTS));
        if silent {
            self.cents.jump();
            self.ratio = (self.cents.get() / 1_200.0).exp2();
        }
    }

    /// One control tick; whether the tuning changed.
    pub(super) fn tick(&mut self) -> bool {
        let changed = self.cents.tick();
        if changed {
            self.ratio = (self.cents.get() / 1_200.0).exp2();
        }
        changed
    }

    /// Frequency over that at 0 cents.
    pub(super) fn ratio(&self) -> f32 {
        self.ratio
    }

    /// The tuning in cents.
    pub(super) fn cents(&self) -> f32 {
        self.cents.get()
    }

    /// Back to A4 = 440 Hz.
    pub(super) fn reset(&mut self) {
        self.cents.reset();
        self.ratio = 1.0;
    }
}

/// A MIDI pitch, moved by octaves into a range of at least an octave.
pub(super) fn fold(pitch: u8, lowest: u8, highest: u8) -> u8 {
    let mut pitch = pitch;
    while pitch < lowest {
        pitch += 12;
    }
    while pitch > highest {
        pitch -= 12;
    }
    pitch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_pitches_keep_their_pitch_class() {
        for pitch in 0..=127 {
            let folded = fold(pitch, 36, 92);
            assert!((36..=92).contains(&folded) && folded % 12 == pitch % 12, "{pitch} -> {folded}");
        }
    }
}
