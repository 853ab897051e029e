//! How much of a short stretch of sound is one pitch.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::limits::{LISTEN_HZ, MIN_F0_HZ};

/// Samples of a frame at 16 kHz: 64 ms.
pub const FRAME: usize = 1024;
/// Highest pitch, in Hz.
const HIGHEST_HZ: f64 = 1_100.0;
/// Shortest and longest period, in samples.
const PERIODS: (usize, usize) =
    ((LISTEN_HZ as f64 / HIGHEST_HZ) as usize, (LISTEN_HZ as f64 / MIN_F0_HZ) as usize);
/// Share of the highest peak that makes an earlier one the period.
const EARLIER: f32 = 0.9;
/// Pre-emphasis: the pitch is to be that of all bands, not of the bass alone.
const EMPHASIS: f32 = 0.9;
/// Samples that are averaged then: breath lies above 4 kHz.
const AVERAGED: usize = 4;

/// One pitch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Clarity {
    /// How like the sound is to itself a period later, at most 1.
    pub clarity: f32,
    /// The pitch in Hz; 0 where there is none.
    pub hz: f32,
}

/// Measures [`Clarity`]: the normalised square difference (McLeod & Wyvill, ICMC 2005) of the sound with pre-emphasis.
pub struct ClarityMeter {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    scratch: Vec<Complex<f32>>,
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    sharp: Vec<f32>,
    likeness: Vec<f32>,
}

impl std::fmt::Debug for ClarityMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClarityMeter").finish_non_exhaustive()
    }
}

impl ClarityMeter {
    pub fn new() -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let (forward, inverse) = (planner.plan_fft_forward(2 * FRAME), planner.plan_fft_inverse(2 * FRAME));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            scratch: vec![Complex::new(0.0, 0.0); scratch],
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            forward,
            inverse,
            sharp: vec![0.0; FRAME],
            likeness: vec![0.0; PERIODS.1 + 1],
        }
    }

    /// Measures a frame.
    pub fn of(&mut self, frame: &[f32]) -> Clarity {
        let mut last = frame[0];
        for (sharp, sample) in self.sharp.iter_mut().zip(frame) {
            *sharp = sample - EMPHASIS * std::mem::replace(&mut last, *sample);
        }
        for n in 0..FRAME - AVERAGED {
            self.sharp[n] = self.sharp[n..n + AVERAGED].iter().sum::<f32>() / AVERAGED as f32;
        }
        self.sharp[FRAME - AVERAGED..].fill(0.0);
        self.time[..FRAME].copy_from_slice(&self.sharp);
        self.time[FRAME..].fill(0.0);
        let done = self.forward.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
        for bin in &mut self.spectrum {
            *bin = Complex::new(bin.norm_sqr(), 0.0);
        }
        let done = self.inverse.process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
        // Energy of both parts that are compared.
        let mut energy = 2.0 * self.sharp.iter().map(|x| x * x).sum::<f32>();
        for lag in 0..=PERIODS.1 {
            if lag > 0 {
                energy -= self.sharp[lag - 1].powi(2) + self.sharp[FRAME - lag].powi(2);
            }
            let product = self.time[lag] / (2 * FRAME) as f32;
            self.likeness[lag] = if energy > 1e-9 { 2.0 * product / energy } else { 0.0 };
        }
        self.peak()
    }

    fn peak(&self) -> Clarity {
        let is_peak = |lag: usize| {
            let (before, here) = (self.likeness[lag - 1], self.likeness[lag]);
            here > before && here >= self.likeness[lag + 1]
        };
        let peaks = || (PERIODS.0..PERIODS.1).filter(|lag| is_peak(*lag));
        let highest = peaks().map(|lag| self.likeness[lag]).fold(0.0, f32::max);
        let first = peaks().find(|lag| highest > 0.0 && self.likeness[*lag] >= EARLIER * highest);
        first.map_or_else(Clarity::default, |lag| Clarity {
            clarity: self.likeness[lag].min(1.0),
            hz: LISTEN_HZ as f32 / lag as f32,
        })
    }
}
