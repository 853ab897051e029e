//! Log-mel spectra, and how far apart two sounds are in them.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use realfft::RealFftPlanner;

use super::play::RATE;

/// Samples of a window, and from one window to the next.
const WINDOW: usize = 2_048;
const HOP: usize = 512;
/// Bands, and the range that they cover, in Hz.
const BANDS: usize = 64;
const LOWEST_HZ: f64 = 40.0;
const HIGHEST_HZ: f64 = 16_000.0;
/// What lies so far below the loudest band of a sound counts as silence, in dB.
const RANGE_DB: f64 = 70.0;

/// Levels of the bands in dB, a row for each window.
pub struct LogMel(Vec<[f64; BANDS]>);

impl LogMel {
    /// The spectra of a sound.
    pub fn of(samples: &[f32]) -> anyhow::Result<Self> {
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(WINDOW);
        let (mut input, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
        let filters = filters();
        let mut rows = Vec::new();
        for start in (0..samples.len().saturating_sub(WINDOW)).step_by(HOP) {
            for (index, (to, from)) in input.iter_mut().zip(&samples[start..start + WINDOW]).enumerate() {
                let window = (std::f64::consts::PI * index as f64 / WINDOW as f64).sin().powi(2);
                *to = f64::from(*from) * window;
            }
            fft.process(&mut input, &mut spectrum)?;
            let row = filters.each_ref().map(|filter| {
                let energy: f64 = filter.iter().map(|(bin, weight)| weight * spectrum[*bin].norm_sqr()).sum();
                10.0 * (energy + 1e-12).log10()
            });
            rows.push(row);
        }
        let loudest = rows.iter().flatten().fold(-120.0f64, |most, level| most.max(*level));
        for level in rows.iter_mut().flatten() {
            *level = level.max(loudest - RANGE_DB);
        }
        Ok(Self(rows))
    }

    fn mean(&self) -> DVector<f64> {
        let sum = self.0.iter().fold(DVector::zeros(BANDS), |sum, row| sum + DVector::from_row_slice(row));
        sum / self.0.len().max(1) as f64
    }

    fn covariance(&self) -> DMatrix<f64> {
        let mean = self.mean();
        let mut sum = DMatrix::zeros(BANDS, BANDS);
        for row in &self.0 {
            let off = DVector::from_row_slice(row) - &mean;
            sum += &off * off.transpose();
        }
        sum / self.0.len().max(1) as f64
    }

    /// Root mean square of the differences over windows and bands in dB, levels made equal.
    pub fn distance(&self, other: &Self) -> f64 {
        let pairs = || self.0.iter().flatten().zip(other.0.iter().flatten());
        let count = pairs().count().max(1) as f64;
        let louder = pairs().map(|(a, b)| a - b).sum::<f64>() / count;
        (pairs().map(|(a, b)| (a - b - louder).powi(2)).sum::<f64>() / count).sqrt()
    }

    /// The same between average spectra.
    pub fn average_distance(&self, other: &Self) -> f64 {
        let off = self.mean() - other.mean();
        let louder = off.mean();
        (off.map(|x| (x - louder).powi(2)).mean()).sqrt()
    }

    /// Fréchet distance between the windows of two sounds, each taken as drawn from a normal distribution, levels made
    /// equal. It compares no embeddings of a trained network: it is not the FAD of the literature.
    pub fn frechet(&self, other: &Self) -> f64 {
        let off = self.mean() - other.mean();
        let louder = off.mean();
        let between = off.map(|x| (x - louder).powi(2)).sum();
        let (a, b) = (self.covariance(), other.covariance());
        let root = square_root(&a);
        let shared = square_root(&(&root * &b * &root));
        between + a.trace() + b.trace() - 2.0 * shared.trace()
    }
}

/// The square root of a symmetric matrix that is not negative.
fn square_root(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let SymmetricEigen { eigenvectors, eigenvalues } = SymmetricEigen::new(matrix.clone());
    let roots = DMatrix::from_diagonal(&eigenvalues.map(|value| value.max(0.0).sqrt()));
    &eigenvectors * roots * eigenvectors.transpose()
}

/// Triangular filters on the mel scale: (bin, weight) of each band.
fn filters() -> [Vec<(usize, f64)>; BANDS] {
    let mel = |hz: f64| 2_595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10f64.powf(mel / 2_595.0) - 1.0);
    let edge =
        |at: usize| hz(mel(LOWEST_HZ) + (mel(HIGHEST_HZ) - mel(LOWEST_HZ)) * at as f64 / (BANDS + 1) as f64);
    let width_hz = RATE.as_f64() / WINDOW as f64;
    std::array::from_fn(|band| {
        let (low, middle, high) = (edge(band), edge(band + 1), edge(band + 2));
        let weights: Vec<(usize, f64)> = (1..WINDOW / 2)
            .map(|bin| {
                let at = bin as f64 * width_hz;
                (bin, ((at - low) / (middle - low)).min((high - at) / (high - middle)))
            })
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        // The lowest bands are narrower than a bin: each takes the nearest.
        if weights.is_empty() { vec![((middle / width_hz).round() as usize, 1.0)] } else { weights }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, level: f64) -> Vec<f32> {
        let at = |i: usize| (std::f64::consts::TAU * hz * i as f64 / RATE.as_f64()).sin();
        (0..48_000).map(|i| (level * at(i)) as f32).collect()
    }

    #[test]
    fn a_louder_copy_is_no_distance_away_and_another_pitch_is() {
        let (soft, loud) = (LogMel::of(&tone(440.0, 0.1)).unwrap(), LogMel::of(&tone(440.0, 0.4)).unwrap());
        let other = LogMel::of(&tone(1_760.0, 0.1)).unwrap();
        assert!(soft.distance(&loud) < 1e-3, "{}", soft.distance(&loud));
        assert!(soft.frechet(&loud) < 1e-3, "{}", soft.frechet(&loud));
        assert!(soft.distance(&other) > 10.0 && soft.average_distance(&other) > 10.0);
        assert!(soft.frechet(&other) > 100.0);
    }
}
