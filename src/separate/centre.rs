//! What stands in the middle of a stereo mix.

use super::Separator;
use super::stft::{Complex, Frames, Mask, Masked};
use crate::audio::StereoBlock;
use crate::limits::MIN_F0_HZ;
use crate::time::{Hz, SampleCount};

/// Length of a frame: 2048 samples at 44.1 and 48 kHz.
const WINDOW_MS: f64 = 46.0;
/// Power that the likeness of both channels is raised to.
const POWER: f32 = 16.0;
/// Share of the powers that is kept from one frame to the next.
const MEMORY: f32 = 0.8;

/// Keeps what both channels share.
///
/// The gain of a bin is the likeness of its channels, 2 Re(L R*) / (|L|^2 + |R|^2), over the last few frames and to a high
/// power: 1 where they are equal, 0 where one is silent or they are out of phase (Avendano, WASPAA 2003). The voice
/// is mono, the mean of both channels. Where a mix is mono it keeps everything.
#[derive(Debug)]
pub struct Centre {
    masked: Masked<Likeness>,
}

impl Centre {
    /// Plans and allocates everything.
    pub fn new(rate: Hz) -> Self {
        let frames = Frames::near(WINDOW_MS, rate);
        Self { masked: Masked::new(Likeness::new(frames, rate), frames) }
    }
}

impl Separator for Centre {
    fn latency(&self) -> SampleCount {
        self.masked.latency()
    }

    fn reset(&mut self) {
        self.masked.reset();
    }

    fn process(&mut self, block: &mut StereoBlock<'_>) {
        self.masked.process(block);
    }
}

/// The mask.
struct Likeness {
    /// First bin that a voice has anything in.
    lowest: usize,
    /// What both channels share, and the mean power of both, by bin.
    shared: Vec<f32>,
    power: Vec<f32>,
}

impl Likeness {
    fn new(frames: Frames, rate: Hz) -> Self {
        let bins = frames.bins();
        Self { lowest: lowest_bin(frames, rate), shared: vec![0.0; bins], power: vec![0.0; bins] }
    }
}

/// The first bin that a voice has anything in: that below which half of a frame's main lobe would lie.
pub fn lowest_bin(frames: Frames, rate: Hz) -> usize {
    frames.within_hz(MIN_F0_HZ, rate).saturating_sub(1).max(1)
}

impl Mask for Likeness {
    fn is_of_the_middle(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        self.shared.fill(0.0);
        self.power.fill(0.0);
    }

    fn process(&mut self, left: &[Complex<f32>], right: &[Complex<f32>], gains: &mut [f32]) {
        for (bin, gain) in gains.iter_mut().enumerate() {
            let (left, right) = (left[bin], right[bin]);
            let (shared, power) = (&mut self.shared[bin], &mut self.power[bin]);
            *shared = settle(MEMORY * *shared + 2.0 * (left * right.conj()).re);
            *power = settle(MEMORY * *power + left.norm_sqr() + right.norm_sqr());
            let likeness = if *power > 0.0 { (*shared / *power).clamp(0.0, 1.0) } else { 0.0 };
            *gain = if bin < self.lowest { 0.0 } else { likeness.powf(POWER) };
        }
    }
}

/// Silence for what is far below anything heard.
fn settle(power: f32) -> f32 {
    if power.abs() < 1e-24 { 0.0 } else { power }
}
