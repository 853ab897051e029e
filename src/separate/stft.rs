//! Masks over short-time spectra: what all separators without a known backing share.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::Separator;
use crate::audio::StereoBlock;
use crate::time::{Hz, SampleCount};

pub use realfft::num_complex::Complex;

/// Frames that begin within one.
pub const OVERLAP: usize = 4;

const ZERO: Complex<f32> = Complex::new(0.0, 0.0);

/// Length of frames and the step between them, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frames {
    /// Length, a power of two.
    pub size: usize,
    /// Step: a quarter of it.
    pub hop: usize,
}

impl Frames {
    /// The power of two nearest to a length, as a ratio: 46 ms are 2048 samples at 44.1 and 48 kHz.
    pub fn near(window_ms: f64, rate: Hz) -> Self {
        let size = 1 << (window_ms / 1e3 * rate.as_f64()).log2().round().max(6.0) as u32;
        Self { size, hop: size / OVERLAP }
    }

    /// Bins of a spectrum.
    pub const fn bins(self) -> usize {
        self.size / 2 + 1
    }

    /// Frames within a length of time, at least one.
    pub fn within_ms(self, length_ms: f64, rate: Hz) -> usize {
        ((length_ms / 1e3 * rate.as_f64() / self.hop as f64).round() as usize).max(1)
    }

    /// Bins within a width, at least one.
    pub fn within_hz(self, width_hz: f64, rate: Hz) -> usize {
        ((width_hz * self.size as f64 / rate.as_f64()).round() as usize).max(1)
    }
}

/// Says how much of each bin is voice.
pub trait Mask: Send {
    /// Frames that have to be seen after one before its gains are known.
    fn look_ahead(&self) -> usize {
        0
    }

    /// Whether the voice is taken from the mean of both channels.
    fn is_of_the_middle(&self) -> bool {
        false
    }

    /// Forgets everything seen.
    fn reset(&mut self);

    /// Sees the next frame, left and right, and writes the gains, 0 to 1, of the one [`Mask::look_ahead`] before it. All
    /// three are indexed by bin. Before the first frame there are as many empty ones as it looks ahead.
    fn process(&mut self, left: &[Complex<f32>], right: &[Complex<f32>], gains: &mut [f32]);
}

/// A mask at work: frames under the root of a Hann window, in and out, four at a time.
pub struct Masked<M> {
    mask: M,
    frames: Frames,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    scratch: Vec<Complex<f32>>,
    time: Vec<f32>,
    work: Vec<Complex<f32>>,
    window: Vec<f32>,
    gains: Vec<f32>,
    /// The newest samples, by channel.
    heard: [Vec<f32>; 2],
    /// Spectra that wait for their gains, a ring indexed by `[frame][channel][bin]`.
    waiting: Vec<[Vec<Complex<f32>>; 2]>,
    newest: usize,
    /// Sums of frames that are not complete, by channel.
    sums: [Vec<f32>; 2],
    /// Samples of the hop that are there.
    filled: usize,
}

impl<M> std::fmt::Debug for Masked<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masked").field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl<M: Mask> Masked<M> {
    /// Plans the transforms and allocates every buffer.
    pub fn new(mask: M, frames: Frames) -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(frames.size);
        let inverse = planner.plan_fft_inverse(frames.size);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let spectrum = || vec![ZERO; frames.bins()];
        Self {
            waiting: (0..=mask.look_ahead()).map(|_| [spectrum(), spectrum()]).collect(),
            mask,
            frames,
            forward,
            inverse,
            scratch: vec![ZERO; scratch],
            time: vec![0.0; frames.size],
            work: spectrum(),
            window: (0..frames.size).map(|n| root_hann(n, frames.size)).collect(),
            gains: vec![0.0; frames.bins()],
            heard: [vec![0.0; frames.size], vec![0.0; frames.size]],
            newest: 0,
            sums: [vec![0.0; frames.size], vec![0.0; frames.size]],
            filled: 0,
        }
    }

    /// The mask.
    pub fn mask(&self) -> &M {
        &self.mask
    }

    fn frame(&mut self) {
        let kept = self.frames.size - self.frames.hop;
        self.newest = (self.newest + 1) % self.waiting.len();
        for channel in 0..2 {
            for ((to, sample), window) in self.time.iter_mut().zip(&self.heard[channel]).zip(&self.window) {
                *to = sample * window;
            }
            let spectrum = &mut self.waiting[self.newest][channel];
            let done = self.forward.process_with_scratch(&mut self.time, spectrum, &mut self.scratch);
            debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
            self.heard[channel].copy_within(self.frames.hop.., 0);
            self.sums[channel].copy_within(self.frames.hop.., 0);
            self.sums[channel][kept..].fill(0.0);
        }
        let [left, right] = &self.waiting[self.newest];
        self.mask.process(left, right, &mut self.gains);
        let oldest = (self.newest + 1) % self.waiting.len();
        if self.mask.is_of_the_middle() {
            let [left, right] = &self.waiting[oldest];
            for (((to, left), right), gain) in self.work.iter_mut().zip(left).zip(right).zip(&self.gains) {
                *to = (left + right) * (0.5 * gain);
            }
            self.add(0, 2);
            return;
        }
        for channel in 0..2 {
            let spectrum = &self.waiting[oldest][channel];
            for ((to, bin), gain) in self.work.iter_mut().zip(spectrum).zip(&self.gains) {
                *to = bin * *gain;
            }
            self.add(channel, channel + 1);
        }
    }

    /// Adds the frame in `work` to the sums of some channels.
    fn add(&mut self, from: usize, to: usize) {
        let last = self.work.len() - 1;
        (self.work[0].im, self.work[last].im) = (0.0, 0.0);
        let done = self.inverse.process_with_scratch(&mut self.work, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
        // Squares of the window add up to half of the overlap.
        let scale = 2.0 / (OVERLAP * self.frames.size) as f32;
        for sums in &mut self.sums[from..to] {
            for ((sum, sample), window) in sums.iter_mut().zip(&self.time).zip(&self.window) {
                *sum += scale * sample * window;
            }
        }
    }
}

impl<M: Mask> Separator for Masked<M> {
    fn latency(&self) -> SampleCount {
        SampleCount((self.frames.size + self.mask.look_ahead() * self.frames.hop) as i64)
    }

    fn reset(&mut self) {
        self.mask.reset();
        for buffer in self.heard.iter_mut().chain(&mut self.sums) {
            buffer.fill(0.0);
        }
        for spectrum in self.waiting.iter_mut().flatten() {
            spectrum.fill(ZERO);
        }
        (self.newest, self.filled) = (0, 0);
    }

    fn process(&mut self, block: &mut StereoBlock<'_>) {
        let kept = self.frames.size - self.frames.hop;
        for index in 0..block.len() {
            for (channel, sample) in [&mut block.left[index], &mut block.right[index]].into_iter().enumerate()
            {
                self.heard[channel][kept + self.filled] = if sample.is_finite() { *sample } else { 0.0 };
                *sample = self.sums[channel][self.filled];
            }
            self.filled += 1;
            if self.filled == self.frames.hop {
                self.filled = 0;
                self.frame();
            }
        }
    }
}

/// The root of a periodic Hann window.
pub fn root_hann(n: usize, size: usize) -> f32 {
    (std::f64::consts::PI * n as f64 / size as f64).sin() as f32
}
