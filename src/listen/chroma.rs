//! Energy by pitch class.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::limits::{LISTEN_HOP, LISTEN_HZ};
use crate::score::midi_of_hz;

/// Window in samples: 256 ms, so that semitones part from 110 Hz upwards.
const WINDOW: usize = 4096;
/// A transform is made every so many hops; between them the last one is repeated.
const STRIDE_HOPS: usize = 5;
/// Band that counts, in Hz.
const BAND_HZ: (f64, f64) = (80.0, 2_000.0);

/// Energy by pitch class over 256 ms.
pub struct Chroma {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    recent: Vec<f32>,
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// Pitch class of each bin; 12 outside the band.
    class_of_bin: Vec<u8>,
    hops: usize,
    newest: [f32; 12],
}

impl std::fmt::Debug for Chroma {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chroma").field("hops", &self.hops).finish_non_exhaustive()
    }
}

impl Chroma {
    /// Plans the transform.
    pub fn new() -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
        let class_of_bin = (0..WINDOW / 2 + 1)
            .map(|bin| {
                let hz = bin as f64 * f64::from(LISTEN_HZ) / WINDOW as f64;
                if (BAND_HZ.0..BAND_HZ.1).contains(&hz) {
                    (midi_of_hz(hz).round() as i64).rem_euclid(12) as u8
                } else {
                    12
                }
            })
            .collect();
        let window = (0..WINDOW)
            .map(|i| (0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / WINDOW as f64).cos()) as f32)
            .collect();
        Self {
            window,
            recent: vec![0.0; WINDOW],
            input: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            class_of_bin,
            hops: 0,
            newest: [0.0; 12],
            fft,
        }
    }

    /// Forgets everything heard.
    pub fn reset(&mut self) {
        self.recent.fill(0.0);
        self.hops = 0;
        self.newest = [0.0; 12];
    }

    /// Takes a hop; returns the chroma of the window that ends with it.
    pub fn process(&mut self, hop: &[f32; LISTEN_HOP]) -> [f32; 12] {
        self.recent.copy_within(LISTEN_HOP.., 0);
        self.recent[WINDOW - LISTEN_HOP..].copy_from_slice(hop);
        if self.hops.is_multiple_of(STRIDE_HOPS) {
            self.newest = self.transform();
        }
        self.hops += 1;
        self.newest
    }

    fn transform(&mut self) -> [f32; 12] {
        for ((input, sample), window) in self.input.iter_mut().zip(&self.recent).zip(&self.window) {
            *input = sample * window;
        }
        // Lengths are those the plan asked for, so this cannot fail.
        if self.fft.process_with_scratch(&mut self.input, &mut self.spectrum, &mut self.scratch).is_err() {
            return [0.0; 12];
        }
        let mut energy = [0.0f32; 13];
        for (bin, class) in self.spectrum.iter().zip(&self.class_of_bin) {
            energy[usize::from(*class)] += bin.norm_sqr();
        }
        let total: f32 = energy[..12].iter().sum();
        let mut chroma = [0.0; 12];
        if total > 1e-6 {
            for (chroma, energy) in chroma.iter_mut().zip(&energy) {
                *chroma = energy / total;
            }
        }
        chroma
    }
}

impl Default for Chroma {
    fn default() -> Self {
        Self::new()
    }
}
