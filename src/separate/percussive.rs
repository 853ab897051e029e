//! What neither stands still nor strikes: two-stage harmonic-percussive separation.

use super::Separator;
use super::centre::lowest_bin;
use super::median::{OverFrames, odd, over_bins};
use super::stft::{Complex, Frames, Mask, Masked};
use crate::audio::StereoBlock;
use crate::time::{Hz, SampleCount};

/// What is told apart in one stage.
#[derive(Debug, Clone, Copy)]
struct Stage {
    /// Length of a frame.
    window_ms: f64,
    /// Length and width of the medians.
    length_ms: f64,
    width_hz: f64,
    /// Whether what stands still is kept; else what does not.
    keeps_still: bool,
}

/// In long frames a chord stands still and a voice, which is never still, does not.
const LONG: Stage = Stage { window_ms: 256.0, length_ms: 1500.0, width_hz: 40.0, keeps_still: false };
/// In short frames a voice stands still and a drum does not.
const SHORT: Stage = Stage { window_ms: 64.0, length_ms: 250.0, width_hz: 500.0, keeps_still: true };

/// Keeps what neither stands still, as chords do in frames of a quarter of a second, nor strikes, as drums do in short
/// frames: voices, which always move a little (Tachibana, Ono & Sagayama, IEEE/ACM TASLP 22, 2014; medians as in
/// Fitzgerald, DAFx 2010).
///
/// A bin is taken for still by its median over the frames before it, and for a stroke by its median over the bins around
/// it; the gain is a Wiener filter's. [`Percussive::offline`] sees as far ahead as back.
#[derive(Debug)]
pub struct Percussive {
    stages: [Masked<Median>; 2],
}

impl Percussive {
    /// Hears what was before alone.
    pub fn new(rate: Hz) -> Self {
        Self::with(rate, false)
    }

    /// For whole recordings: medians around each frame instead of before it.
    pub fn offline(rate: Hz) -> Self {
        Self::with(rate, true)
    }

    fn with(rate: Hz, looks_ahead: bool) -> Self {
        let stage = |stage: Stage| {
            let frames = Frames::near(stage.window_ms, rate);
            Masked::new(Median::new(stage, frames, rate, looks_ahead), frames)
        };
        Self { stages: [stage(LONG), stage(SHORT)] }
    }
}

impl Separator for Percussive {
    fn latency(&self) -> SampleCount {
        self.stages[0].latency() + self.stages[1].latency()
    }

    fn reset(&mut self) {
        self.stages.iter_mut().for_each(Separator::reset);
    }

    fn process(&mut self, block: &mut StereoBlock<'_>) {
        for stage in &mut self.stages {
            stage.process(block);
        }
    }
}

/// The mask of a stage.
struct Median {
    stage: Stage,
    lowest: usize,
    width: usize,
    look_ahead: usize,
    still: OverFrames,
    magnitudes: Vec<f32>,
    /// Those of the frame that gains are for.
    then: Vec<f32>,
}

impl Median {
    fn new(stage: Stage, frames: Frames, rate: Hz, looks_ahead: bool) -> Self {
        let length = odd(frames.within_ms(stage.length_ms, rate));
        Self {
            stage,
            lowest: lowest_bin(frames, rate),
            width: odd(frames.within_hz(stage.width_hz, rate)),
            look_ahead: if looks_ahead { length / 2 } else { 0 },
            still: OverFrames::new(length, frames.bins()),
            magnitudes: vec![0.0; frames.bins()],
            then: vec![0.0; frames.bins()],
        }
    }
}

impl Mask for Median {
    fn look_ahead(&self) -> usize {
        self.look_ahead
    }

    fn reset(&mut self) {
        self.still.reset();
    }

    fn process(&mut self, left: &[Complex<f32>], right: &[Complex<f32>], gains: &mut [f32]) {
        for ((magnitude, left), right) in self.magnitudes.iter_mut().zip(left).zip(right) {
            *magnitude = (left.norm_sqr() + right.norm_sqr()).sqrt();
        }
        self.still.push(&self.magnitudes);
        for (bin, then) in self.then.iter_mut().enumerate() {
            *then = self.still.before(bin, self.look_ahead);
        }
        for (bin, gain) in gains.iter_mut().enumerate() {
            let still = self.still.of(bin).powi(2);
            let struck = over_bins(&self.then, bin, self.width).powi(2);
            let kept = if self.stage.keeps_still { still } else { struck };
            let sum = still + struck;
            *gain = if bin < self.lowest || sum <= 0.0 { 0.0 } else { kept / sum };
        }
    }
}
