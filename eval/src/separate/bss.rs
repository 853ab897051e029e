//! SDR and SIR of BSS-eval v3: whatever filters of 512 taps make of a true source counts as that source (Vincent, Gribonval &
//! Févotte, IEEE TASLP 14, 2006), over a whole clip.

use std::sync::Arc;

use anyhow::Context as _;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Taps of the filters.
const TAPS: usize = 512;
/// What is added to the power of a source, as a share of it: what a source does not hold cannot be made of it.
const LOADING: f64 = 1e-12;

/// Ratios in dB.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ratios {
    /// What is made of the voice, beside all the rest of an estimate.
    pub sdr: f64,
    /// The same beside what is made of the backing alone.
    pub sir: f64,
}

/// A voice and its backing, ready for estimates to be compared with.
pub struct Sources {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    spectra: [Vec<Complex<f64>>; 2],
    /// Equations of the voice alone, and of both.
    voice: Cholesky<f64, Dyn>,
    both: Cholesky<f64, Dyn>,
}

impl Sources {
    /// Solves what does not depend on an estimate.
    pub fn new(voice: &[f32], backing: &[f32]) -> anyhow::Result<Self> {
        let size = (voice.len().max(backing.len()) + TAPS).next_power_of_two();
        let mut planner = RealFftPlanner::<f64>::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let spectra = [spectrum(&*forward, voice)?, spectrum(&*forward, backing)?];
        let power = voice.iter().chain(backing).map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let mut lags = Vec::with_capacity(4);
        for of in &spectra {
            for with in &spectra {
                lags.push(correlated(&*inverse, of, with)?);
            }
        }
        let at = |lags: &[f64], row: usize, column: usize| lags[(row + size - column) % size];
        let both = DMatrix::from_fn(2 * TAPS, 2 * TAPS, |row, column| {
            let block = 2 * (row / TAPS) + column / TAPS;
            let loading = if row == column { LOADING * power } else { 0.0 };
            at(&lags[block], row % TAPS, column % TAPS) + loading
        });
        let solve = |equations: DMatrix<f64>| equations.cholesky().context("a source is silent");
        let voice = solve(both.view((0, 0), (TAPS, TAPS)).into_owned())?;
        Ok(Self { voice, both: solve(both)?, spectra, forward, inverse })
    }

    /// The ratios of an estimate of the voice.
    pub fn ratios(&self, estimate: &[f32]) -> anyhow::Result<Ratios> {
        let spectrum = spectrum(&*self.forward, estimate)?;
        let mut cross = Vec::with_capacity(2 * TAPS);
        for source in &self.spectra {
            cross.extend_from_slice(&correlated(&*self.inverse, source, &spectrum)?[..TAPS]);
        }
        // The energy of a projection is the product of its filters with what they were solved for.
        let cross = DVector::from_vec(cross);
        let of_voice = cross.rows(0, TAPS).into_owned();
        let target = self.voice.solve(&of_voice).dot(&of_voice);
        let sources = self.both.solve(&cross).dot(&cross);
        let all: f64 = estimate.iter().map(|x| f64::from(*x).powi(2)).sum();
        let db = |rest: f64| 10.0 * (target.max(1e-12) / rest.max(1e-12)).log10();
        Ok(Ratios { sdr: db(all - target), sir: db(sources - target) })
    }
}

fn spectrum(forward: &dyn RealToComplex<f64>, samples: &[f32]) -> anyhow::Result<Vec<Complex<f64>>> {
    let (mut time, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    time.iter_mut().zip(samples).for_each(|(to, from)| *to = f64::from(*from));
    forward.process(&mut time, &mut spectrum)?;
    Ok(spectrum)
}

/// The sum of of(n) with(n + lag), for every lag, those below 0 from the end.
fn correlated(
    inverse: &dyn ComplexToReal<f64>,
    of: &[Complex<f64>],
    with: &[Complex<f64>],
) -> anyhow::Result<Vec<f64>> {
    let mut product: Vec<_> = of.iter().zip(with).map(|(of, with)| of.conj() * with).collect();
    let last = product.len() - 1;
    (product[0].im, product[last].im) = (0.0, 0.0);
    let mut time = inverse.make_output_vec();
    inverse.process(&mut product, &mut time)?;
    let scale = 1.0 / time.len() as f64;
    time.iter_mut().for_each(|sum| *sum *= scale);
    Ok(time)
}

#[cfg(test)]
mod tests {
    use collavoce::song::Rng;

    use super::*;

    /// Noise, and silence behind it for what filters leave.
    fn noise(seed: u64) -> Vec<f32> {
        let mut random = Rng::keyed(&[seed]);
        let mut noise: Vec<f32> = (0..20_000).map(|_| random.signed() as f32).collect();
        noise.resize(20_000 + TAPS, 0.0);
        noise
    }

    /// Voice and backing behind filters, and noise that is neither, at known levels.
    #[test]
    fn what_filters_make_of_a_source_counts_as_it() {
        let (voice, backing, other) = (noise(1), noise(2), noise(3));
        let later = |samples: &[f32], n: usize, by: usize| n.checked_sub(by).map_or(0.0, |n| samples[n]);
        let estimate: Vec<f32> = (0..voice.len())
            .map(|n| {
                0.8 * later(&voice, n, 3) - 0.6 * later(&voice, n, 400)
                    + 0.1 * later(&backing, n, 77)
                    + 0.1 * other[n]
            })
            .collect();
        let found = Sources::new(&voice, &backing)
            .and_then(|sources| sources.ratios(&estimate))
            .expect("it is solved");
        // Filters of 512 taps make a little of what is neither as well.
        assert!((found.sir - 20.0).abs() < 0.3, "{found:?}");
        assert!((found.sdr - 17.0).abs() < 0.3, "{found:?}");
    }

    #[test]
    fn a_source_too_late_for_the_filters_is_none() {
        let (voice, backing) = (noise(1), noise(2));
        let estimate: Vec<f32> =
            (0..voice.len()).map(|n| if n < 600 { 0.0 } else { voice[n - 600] }).collect();
        let found = Sources::new(&voice, &backing)
            .and_then(|sources| sources.ratios(&estimate))
            .expect("it is solved");
        assert!(found.sdr < -10.0, "{found:?}");
    }
}
