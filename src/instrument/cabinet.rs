//! A clean amplifier and its loudspeaker.

use super::dsp::{BandPasses, one_pole, snap};

/// Level at which the amplifier begins to round peaks.
const SOFT: f32 = 1.1;
/// The loudspeaker: corners of its range in Hz, its resonances (centre in Hz, centre over bandwidth, gain).
const LOWEST_HZ: f32 = 85.0;
const HIGHEST_HZ: f32 = 4_600.0;
const RESONANCES: [(f32, f32, f32); 3] = [(125.0, 1.2, 0.45), (420.0, 0.8, -0.25), (2_500.0, 1.0, 0.75)];

/// Amplifier and loudspeaker of a guitar.
#[derive(Debug, Clone)]
pub(super) struct Cabinet {
    rumble: f32,
    rumble_coefficient: f32,
    low: [f32; 3],
    low_coefficient: f32,
    resonances: BandPasses<3>,
}

impl Cabinet {
    /// A cabinet at a sample rate.
    pub(super) fn new(rate_hz: f32) -> Self {
        Self {
            rumble: 0.0,
            rumble_coefficient: one_pole(LOWEST_HZ, rate_hz),
            low: [0.0; 3],
            low_coefficient: one_pole(HIGHEST_HZ, rate_hz),
            resonances: BandPasses::new(RESONANCES.map(|(hz, q, _)| (hz, q)), rate_hz),
        }
    }

    /// The next sample.
    pub(super) fn next(&mut self, x: f32) -> f32 {
        let driven = SOFT * (x / SOFT).tanh();
        self.rumble += self.rumble_coefficient * (driven - self.rumble);
        let mut sound = driven - self.rumble;
        for state in &mut self.low {
            *state += self.low_coefficient * (sound - *state);
            sound = *state;
        }
        let bands = self.resonances.next(sound);
        let coloured: f32 = bands.iter().zip(RESONANCES).map(|(band, (_, _, gain))| gain * band).sum();
        sound + coloured
    }

    /// One control tick.
    pub(super) fn tick(&mut self) {
        self.rumble = snap(self.rumble);
        self.low = self.low.map(snap);
        self.resonances.tick();
    }

    /// Silences it.
    pub(super) fn clear(&mut self) {
        (self.rumble, self.low) = (0.0, [0.0; 3]);
        self.resonances.clear();
    }
}
