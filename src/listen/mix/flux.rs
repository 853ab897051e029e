//! Band-wise spectral flux (Dixon, DAFx 2006), with the maximum over neighbouring bands before it so that vibrato and
//! glides do not count as growth (Böck & Widmer, DAFx 2013).

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::limits::{LISTEN_HOP, LISTEN_HZ};

/// Bands that are reported: low, middle, high.
pub const BANDS: usize = 3;
/// Window in samples: 32 ms.
const WINDOW: usize = 512;
/// Upper ends of the low and the middle band, in Hz.
const ENDS_HZ: [f64; 2] = [180.0, 2_000.0];
/// Narrow bands that growth is measured in: their number, lowest edge and highest edge in Hz.
const NARROW: usize = 36;
const EDGES_HZ: (f64, f64) = (30.0, 7_800.0);
/// Growth is measured against so many hops before.
const LAG: usize = 2;
/// Compression of magnitudes, where a sine at full scale is 1.
const COMPRESSION: f32 = 1_000.0;
/// Weight of a hop in the mean that growth is relative to: that of 4 s.
const FORGET: f32 = 1.0 / 400.0;
/// Growth that is none, so that noise of a quiet room is not blown up.
const FLOOR: f32 = 0.02;

/// Growth of the spectrum in three bands.
pub struct Flux {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    recent: Vec<f32>,
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// First bin of each narrow band, and the end of the last.
    edges: [usize; NARROW + 1],
    /// Band of each narrow band.
    band: [usize; NARROW],
    past: [[f32; NARROW]; LAG],
    mean: [f32; BANDS],
    hops: u64,
}

impl std::fmt::Debug for Flux {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flux").field("hops", &self.hops).finish_non_exhaustive()
    }
}

impl Flux {
    /// Hops between the centre of a window and the hop that completes it.
    pub const LATENCY_HOPS: usize = (WINDOW / 2).div_ceil(LISTEN_HOP);

    /// Plans the transform.
    pub fn new() -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
        let bin_hz = f64::from(LISTEN_HZ) / WINDOW as f64;
        let mut edges = [0; NARROW + 1];
        let ratio = (EDGES_HZ.1 / EDGES_HZ.0).ln() / NARROW as f64;
        for (index, edge) in edges.iter_mut().enumerate() {
            *edge = (EDGES_HZ.0 * (ratio * index as f64).exp() / bin_hz).round() as usize;
        }
        // Low bands are as wide as a bin at least.
        for index in 1..=NARROW {
            edges[index] = edges[index].max(edges[index - 1] + 1);
        }
        let band = std::array::from_fn(|index| {
            let hz = edges[index] as f64 * bin_hz;
            ENDS_HZ.iter().filter(|end| hz >= **end).count()
        });
        let sum = WINDOW as f32 / 2.0;
        let window = (0..WINDOW)
            .map(|i| {
                (0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / WINDOW as f64).cos()) as f32 * 2.0 / sum
            })
            .collect();
        Self {
            window,
            recent: vec![0.0; WINDOW + LISTEN_HOP],
            input: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            edges,
            band,
            past: [[0.0; NARROW]; LAG],
            mean: [0.0; BANDS],
            hops: 0,
            fft,
        }
    }

    /// Takes a hop; returns number and growth of the observation that it completes.
    pub fn process(&mut self, hop: &[f32; LISTEN_HOP]) -> Option<(u64, [f32; BANDS])> {
        let kept = self.recent.len();
        self.recent.copy_within(LISTEN_HOP.., 0);
        self.recent[kept - LISTEN_HOP..].copy_from_slice(hop);
        self.hops += 1;
        let index = self.hops.checked_sub(Self::LATENCY_HOPS as u64)?;
        let centre = kept - Self::LATENCY_HOPS * LISTEN_HOP;
        let around = &self.recent[centre - WINDOW / 2..centre + WINDOW / 2];
        for ((input, sample), window) in self.input.iter_mut().zip(around).zip(&self.window) {
            *input = sample * window;
        }
        // Lengths are those the plan asked for, so this cannot fail.
        if self.fft.process_with_scratch(&mut self.input, &mut self.spectrum, &mut self.scratch).is_err() {
            return None;
        }
        let levels: [f32; NARROW] = std::array::from_fn(|narrow| {
            let bins = &self.spectrum[self.edges[narrow]..self.edges[narrow + 1]];
            let power = bins.iter().map(|bin| bin.norm_sqr()).sum::<f32>();
            (COMPRESSION * power.sqrt()).ln_1p()
        });
        let mut growth = [0.0f32; BANDS];
        let before = &self.past[0];
        for narrow in 0..NARROW {
            let near = &before[narrow.saturating_sub(1)..(narrow + 2).min(NARROW)];
            let highest = near.iter().copied().fold(0.0, f32::max);
            growth[self.band[narrow]] += (levels[narrow] - highest).max(0.0);
        }
        self.past.rotate_left(1);
        self.past[LAG - 1] = levels;
        let mut relative = [0.0; BANDS];
        for band in 0..BANDS {
            // The first seconds count evenly.
            let weight = FORGET.max(1.0 / (index + 1) as f32);
            self.mean[band] += weight * (growth[band] - self.mean[band]);
            relative[band] = growth[band] / (self.mean[band] + FLOOR);
        }
        Some((index, relative))
    }
}

impl Default for Flux {
    fn default() -> Self {
        Self::new()
    }
}
