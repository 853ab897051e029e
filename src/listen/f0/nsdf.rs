//! Our own candidates: peaks of the normalised square difference (McLeod & Wyvill, ICMC 2005) in three windows, each as
//! long as its lowest voices need, so that glides and vibrato are smeared as little as may be.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

use super::{Candidate, CandidateFinder, MAX_CANDIDATES};
use crate::limits::{LISTEN_HZ, MAX_F0_HZ, MIN_F0_HZ};

/// Windows: their length in samples and the F0 from which each is used, in Hz.
const WINDOWS: [(usize, f64); 3] = [(1024, MIN_F0_HZ), (640, 105.0), (480, 200.0)];
/// Peaks lower than this are no candidates.
const LOWEST_PEAK: f32 = 0.3;

pub(super) struct Nsdf {
    windows: [Window; 3],
}

/// Normalised square difference of one window length.
struct Window {
    len: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    padded: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch_forward: Vec<Complex<f32>>,
    scratch_inverse: Vec<Complex<f32>>,
    /// Normalised square difference by lag in samples.
    nsdf: Vec<f32>,
    /// Lags that are searched, in samples.
    lags: (usize, usize),
}

impl Window {
    fn new(len: usize, from_hz: f64, to_hz: f64) -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let size = (len * 2).next_power_of_two();
        let forward = planner.plan_fft_forward(size);
        let inverse = planner.plan_fft_inverse(size);
        let shortest = (f64::from(LISTEN_HZ) / to_hz).floor() as usize;
        let longest = (f64::from(LISTEN_HZ) / from_hz).ceil() as usize;
        Self {
            len,
            padded: vec![0.0; size],
            spectrum: forward.make_output_vec(),
            scratch_forward: forward.make_scratch_vec(),
            scratch_inverse: inverse.make_scratch_vec(),
            nsdf: vec![0.0; longest + 2],
            lags: (shortest.max(2), longest),
            forward,
            inverse,
        }
    }

    fn transform(&mut self, samples: &[f32]) {
        self.padded[..self.len].copy_from_slice(samples);
        self.padded[self.len..].fill(0.0);
        let energy: f64 = samples.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        if energy < 1e-9 {
            self.nsdf.fill(0.0);
            return;
        }
        // Lengths are those the plans asked for, so neither transform can fail.
        let forward = self.forward.process_with_scratch(
            &mut self.padded,
            &mut self.spectrum,
            &mut self.scratch_forward,
        );
        for bin in &mut self.spectrum {
            *bin = Complex::new(bin.norm_sqr(), 0.0);
        }
        let inverse = self.inverse.process_with_scratch(
            &mut self.spectrum,
            &mut self.padded,
            &mut self.scratch_inverse,
        );
        if forward.is_err() || inverse.is_err() {
            self.nsdf.fill(0.0);
            return;
        }
        let scale = 1.0 / self.padded.len() as f64;
        // Energy of the two stretches that a lag compares, kept up by taking away one sample at either end.
        let mut both = 2.0 * energy;
        for lag in 0..self.nsdf.len() {
            if lag > 0 {
                let (left, right) = (samples[self.len - lag], samples[lag - 1]);
                both -= f64::from(left) * f64::from(left) + f64::from(right) * f64::from(right);
            }
            self.nsdf[lag] = (2.0 * f64::from(self.padded[lag]) * scale / both.max(1e-9)) as f32;
        }
    }

    fn peaks(&self, out: &mut Vec<Candidate>) {
        for lag in self.lags.0..=self.lags.1 {
            let [before, here, after] = [self.nsdf[lag - 1], self.nsdf[lag], self.nsdf[lag + 1]];
            if here < LOWEST_PEAK || here <= before || here < after {
                continue;
            }
            let bend = before - 2.0 * here + after;
            let shift = if bend < 0.0 { 0.5 * (before - after) / bend } else { 0.0 };
            let candidate = Candidate {
                hz: LISTEN_HZ as f32 / (lag as f32 + shift),
                clarity: (here - 0.25 * (before - after) * shift).min(1.0),
            };
            if out.len() < MAX_CANDIDATES {
                out.push(candidate);
            } else if let Some(worst) = out.iter_mut().min_by(|a, b| a.clarity.total_cmp(&b.clarity))
                && worst.clarity < candidate.clarity
            {
                *worst = candidate;
            }
        }
    }
}

impl Nsdf {
    pub fn new() -> Self {
        let to_hz = |index: usize| WINDOWS.get(index + 1).map_or(MAX_F0_HZ, |(_, from_hz)| *from_hz);
        let window = |index: usize| Window::new(WINDOWS[index].0, WINDOWS[index].1, to_hz(index));
        Self { windows: std::array::from_fn(window) }
    }
}

impl CandidateFinder for Nsdf {
    fn look_ahead(&self) -> usize {
        WINDOWS[0].0 / 2
    }

    fn find(&mut self, samples: &[f32], centre: usize, out: &mut Vec<Candidate>) -> Option<bool> {
        for window in self.windows.iter_mut().rev() {
            let half = window.len / 2;
            window.transform(&samples[centre - half..centre + half]);
            window.peaks(out);
        }
        None
    }
}
