//! When a backing is heard in a mix: its delay, and how clocks drift apart.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use crate::limits::MAX_BACKING_DELAY_S;
use crate::time::Hz;

/// Seconds of the mix that are compared at once, and between two such places.
const PIECE_S: f64 = 6.0;
/// Most places that are looked at.
const MOST_PIECES: usize = 40;
/// How far a place's delay may lie from the common one, in seconds: clocks that differ by 300 ppm over five minutes.
const DRIFT_S: f64 = 0.1;
/// How clear a place's own delay has to be, beside its usual likeness.
const CLEAR: f64 = 8.0;
/// Least drift that is believed, in samples over the whole recording.
const LEAST_DRIFT: f64 = 1.0;

/// Where a backing lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// Samples by which it is heard after its own time at the first sample; negative where it is heard before.
    pub delay: f64,
    /// How many samples more it is late with every sample.
    pub slope: f64,
    /// Likeness at that delay beside the usual one at others (standard deviations).
    pub strength: f64,
}

/// Finds a backing in a mix, both mono: generalised cross-correlation with phase transform (Knapp & Carter, IEEE Trans. ASSP
/// 24, 1976) in pieces. The delay is that of all together; the drift is the median slope between pieces (Theil-Sen).
pub fn align(mix: &[f32], backing: &[f32], rate: Hz) -> Alignment {
    let reach = rate.count(MAX_BACKING_DELAY_S).0 as usize;
    let piece = (rate.count(PIECE_S).0 as usize).min(mix.len().max(1));
    let mut likeness = Likeness::new(piece, reach);
    let step = mix.len().div_ceil(MOST_PIECES).max(piece);
    let starts: Vec<usize> = (0..mix.len()).step_by(step).filter(|at| at + piece <= mix.len()).collect();
    let mut sum = vec![0.0; 2 * reach + 1];
    let mut each = Vec::with_capacity(starts.len());
    for start in starts {
        if let Some(curve) = likeness.of(mix, backing, start) {
            sum.iter_mut().zip(&curve).for_each(|(sum, value)| *sum += f64::from(*value));
            each.push((start + piece / 2, curve));
        }
    }
    let Some((peak, strength)) = peak(&sum) else {
        return Alignment { delay: 0.0, slope: 0.0, strength: 0.0 };
    };
    let near = rate.count(DRIFT_S).0 as usize;
    let (from, to) = (peak.saturating_sub(near), (peak + near + 1).min(sum.len()));
    let mut points = Vec::new();
    for (centre, curve) in &each {
        let curve: Vec<f64> = curve.iter().map(|value| f64::from(*value)).collect();
        let deviation = deviation(&curve);
        let best = (from..to).max_by(|a, b| curve[*a].total_cmp(&curve[*b]));
        if let Some(best) = best.filter(|best| curve[*best] > CLEAR * deviation) {
            points.push((*centre as f64, refined(&curve, best) - reach as f64));
        }
    }
    let common = refined(&sum, peak) - reach as f64;
    let (mut delay, mut slope) = (common, theil_sen(&points));
    if (slope * mix.len() as f64).abs() < LEAST_DRIFT {
        slope = 0.0;
    } else {
        delay = median(points.iter().map(|(at, delay)| delay - slope * at).collect());
    }
    Alignment { delay, slope, strength }
}

/// Likeness of a piece of the mix and the backing by delay.
struct Likeness {
    piece: usize,
    reach: usize,
    size: usize,
    planner: RealFftPlanner<f32>,
}

impl Likeness {
    fn new(piece: usize, reach: usize) -> Self {
        Self {
            piece,
            reach,
            size: (2 * piece + 2 * reach).next_power_of_two(),
            planner: RealFftPlanner::new(),
        }
    }

    /// Indexed by delay, from -`reach` to `reach`; none where one of them is silent.
    fn of(&mut self, mix: &[f32], backing: &[f32], start: usize) -> Option<Vec<f32>> {
        let heard = self.spectrum(&mix[start..start + self.piece], 0)?;
        let from = start.saturating_sub(self.reach);
        let to = (start + self.piece + self.reach).min(backing.len());
        // What lies before the beginning of the backing is silence.
        let known = self.spectrum(backing.get(from..to)?, self.reach - (start - from))?;
        let inverse = self.planner.plan_fft_inverse(self.size);
        let mut cross: Vec<Complex<f32>> = heard
            .iter()
            .zip(&known)
            .map(|(heard, known)| {
                let cross = heard * known.conj();
                let norm = cross.norm();
                if norm > 1e-20 { cross / norm } else { Complex::new(0.0, 0.0) }
            })
            .collect();
        let last = cross.len() - 1;
        (cross[0].im, cross[last].im) = (0.0, 0.0);
        let mut time = inverse.make_output_vec();
        inverse.process(&mut cross, &mut time).ok()?;
        // Shift n of the piece against the stretch of the backing is a delay of n + reach.
        let size = self.size as isize;
        Some(
            (0..=2 * self.reach as isize)
                .map(|at| time[(at - 2 * self.reach as isize).rem_euclid(size) as usize])
                .collect(),
        )
    }

    fn spectrum(&mut self, samples: &[f32], silence: usize) -> Option<Vec<Complex<f32>>> {
        if samples.iter().all(|sample| *sample == 0.0) {
            return None;
        }
        let forward = self.planner.plan_fft_forward(self.size);
        let (mut time, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
        time[silence..silence + samples.len()].copy_from_slice(samples);
        forward.process(&mut time, &mut spectrum).ok()?;
        Some(spectrum)
    }
}

fn deviation(curve: &[f64]) -> f64 {
    let mean = curve.iter().sum::<f64>() / curve.len() as f64;
    (curve.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / curve.len() as f64).sqrt()
}

/// Place of the highest value, and how many standard deviations it is high.
fn peak(curve: &[f64]) -> Option<(usize, f64)> {
    let deviation = deviation(curve);
    let place = (0..curve.len()).max_by(|a, b| curve[*a].total_cmp(&curve[*b]))?;
    (deviation > 0.0).then(|| (place, curve[place] / deviation))
}

/// The top of the parabola through a peak and its neighbours.
fn refined(curve: &[f64], peak: usize) -> f64 {
    if peak == 0 || peak + 1 == curve.len() {
        return peak as f64;
    }
    let (before, here, after) = (curve[peak - 1], curve[peak], curve[peak + 1]);
    let bend = before - 2.0 * here + after;
    let by = if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    peak as f64 + by
}

/// The median slope between any two points; 0 where there are fewer than three.
fn theil_sen(points: &[(f64, f64)]) -> f64 {
    if points.len() < 3 {
        return 0.0;
    }
    let mut slopes = Vec::new();
    for (index, a) in points.iter().enumerate() {
        slopes.extend(points[index + 1..].iter().map(|b| (b.1 - a.1) / (b.0 - a.0)));
    }
    median(slopes)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// A recording as it sounds where it is heard later: output sample n is its sample n - delay - slope n, by a sinc under a
/// Hann window of 64 samples; a whole number of samples is exact.
pub fn warped(samples: &[f32], frames: usize, delay: f64, slope: f64) -> Vec<f32> {
    const HALF: isize = 32;
    if slope == 0.0 && delay.fract() == 0.0 {
        let from = delay as isize;
        return (0..frames as isize)
            .map(|n| usize::try_from(n - from).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0))
            .collect();
    }
    let sample = |at: isize| usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0);
    let table = SincTable::new(HALF as usize);
    (0..frames)
        .map(|n| {
            let at = n as f64 - delay - slope * n as f64;
            let (whole, part) = (at.floor(), at - at.floor());
            let weights = table.weights(part);
            let first = whole as isize - HALF + 1;
            (0..2 * HALF).map(|k| sample(first + k) * weights[k as usize]).sum()
        })
        .collect()
}

/// Weights of a sinc for parts of a sample.
struct SincTable {
    rows: Vec<Vec<f32>>,
}

impl SincTable {
    /// Parts of a sample that weights are known for.
    const PARTS: usize = 1024;

    fn new(half: usize) -> Self {
        let row = |part: usize| {
            (0..2 * half)
                .map(|k| {
                    let at = k as f64 - (half as f64 - 1.0) - part as f64 / Self::PARTS as f64;
                    let window = 0.5 + 0.5 * (std::f64::consts::PI * at / half as f64).cos();
                    let sinc = if at.abs() < 1e-9 {
                        1.0
                    } else {
                        (std::f64::consts::PI * at).sin() / (std::f64::consts::PI * at)
                    };
                    (window * sinc) as f32
                })
                .collect()
        };
        Self { rows: (0..=Self::PARTS).map(row).collect() }
    }

    fn weights(&self, part: f64) -> &[f32] {
        &self.rows[((part * Self::PARTS as f64).round() as usize).min(Self::PARTS)]
    }
}
