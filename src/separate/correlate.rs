//! Least squares for filters of many taps: correlations by transform, and a block Toeplitz system by conjugate gradients.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

const ZERO: Complex<f64> = Complex::new(0.0, 0.0);
/// What is added to the power of a bin, as a share of the mean: what the backing does not hold is not looked for.
const LOADING: f64 = 1e-7;
/// Most steps of the search, and the share of the error at which it ends.
const MOST_STEPS: usize = 60;
const ENOUGH: f64 = 1e-7;

/// What a stretch of time says about the filters from some inputs to some outputs.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// Correlation of inputs, indexed by `[input x inputs + other][lag]`: the sum of input(n) other(n - lag).
    pub inputs: Vec<Vec<f64>>,
    /// Correlation of outputs and inputs, indexed by `[output x inputs + input][lag]`: the sum of output(n) input(n - lag).
    pub cross: Vec<Vec<f64>>,
    /// Energy of outputs.
    pub energy: Vec<f64>,
}

impl Statistics {
    /// Those of some samples, `from` to `to`, for lags up to `taps`.
    pub fn of(outputs: &[Vec<f32>], inputs: &[Vec<f32>], from: usize, to: usize, taps: usize) -> Self {
        let before = from.min(taps);
        let size = (to - from + before + taps).next_power_of_two();
        let mut transform = Transform::new(size);
        let now: Vec<_> = inputs.iter().map(|input| transform.forward(&input[from..to], before)).collect();
        let wide: Vec<_> =
            inputs.iter().map(|input| transform.forward(&input[from - before..to], 0)).collect();
        let outs: Vec<_> =
            outputs.iter().map(|output| transform.forward(&output[from..to], before)).collect();
        let mut lags = |of: &[Complex<f64>], with: &[Complex<f64>]| {
            let cross: Vec<_> = of.iter().zip(with).map(|(of, with)| of * with.conj()).collect();
            let mut time = transform.back(cross);
            time.truncate(taps);
            time
        };
        let mut all = |of: &[Vec<Complex<f64>>]| {
            let mut out = Vec::new();
            for of in of {
                out.extend(wide.iter().map(|with| lags(of, with)));
            }
            out
        };
        let (inputs, cross) = (all(&now), all(&outs));
        let energy = |output: &Vec<f32>| output[from..to].iter().map(|x| f64::from(*x).powi(2)).sum();
        Self { inputs, cross, energy: outputs.iter().map(energy).collect() }
    }

    /// Adds others, weighed.
    pub fn add(&mut self, other: &Self, weight: f64) {
        let pairs = self.inputs.iter_mut().zip(&other.inputs).chain(self.cross.iter_mut().zip(&other.cross));
        for (to, from) in pairs {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
        }
        self.energy.iter_mut().zip(&other.energy).for_each(|(to, from)| *to += weight * from);
    }

    /// The same of nothing.
    pub fn emptied(&self) -> Self {
        let mut empty = self.clone();
        empty.inputs.iter_mut().chain(&mut empty.cross).for_each(|lags| lags.fill(0.0));
        empty.energy.fill(0.0);
        empty
    }

    fn count(&self) -> usize {
        self.inputs.len().isqrt()
    }

    /// The filters of some taps that leave least of the outputs, indexed by `[output x inputs + input][tap]`.
    pub fn filters(&self, taps: usize) -> Vec<Vec<f64>> {
        let count = self.count();
        let mut system = System::new(&self.inputs, count, taps);
        let wanted: Vec<&[f64]> = self.cross.iter().map(|lags| &lags[..taps]).collect();
        wanted.chunks(count).flat_map(|wanted| system.solve(wanted)).collect()
    }

    /// Energy of the outputs that filters leave, by output.
    pub fn left_by(&self, filters: &[Vec<f64>]) -> Vec<f64> {
        let (count, taps) = (self.count(), filters[0].len());
        let mut system = System::new(&self.inputs, count, taps);
        let each = filters.chunks(count).zip(self.cross.chunks(count)).zip(&self.energy);
        each.map(|((filters, cross), energy)| {
            let product = system.times(filters);
            let of = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let pairs = filters.iter().zip(cross).zip(&product);
            energy
                + pairs
                    .map(|((filter, cross), product)| of(filter, product) - 2.0 * of(filter, cross))
                    .sum::<f64>()
        })
        .collect()
    }
}

/// Transforms of one size.
struct Transform {
    size: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl Transform {
    fn new(size: usize) -> Self {
        let mut planner = RealFftPlanner::<f64>::new();
        Self { size, forward: planner.plan_fft_forward(size), inverse: planner.plan_fft_inverse(size) }
    }

    /// The spectrum of samples after some silence.
    fn forward<T: Copy + Into<f64>>(&mut self, samples: &[T], silence: usize) -> Vec<Complex<f64>> {
        let (mut time, mut spectrum) = (self.forward.make_input_vec(), self.forward.make_output_vec());
        for (to, from) in time[silence..].iter_mut().zip(samples) {
            *to = (*from).into();
        }
        let done = self.forward.process(&mut time, &mut spectrum);
        debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
        spectrum
    }

    fn back(&mut self, mut spectrum: Vec<Complex<f64>>) -> Vec<f64> {
        let last = spectrum.len() - 1;
        (spectrum[0].im, spectrum[last].im) = (0.0, 0.0);
        let mut time = self.inverse.make_output_vec();
        let done = self.inverse.process(&mut spectrum, &mut time);
        debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
        let scale = 1.0 / self.size as f64;
        time.iter_mut().for_each(|sample| *sample *= scale);
        time
    }
}

/// The normal equations of some inputs.
struct System {
    count: usize,
    taps: usize,
    long: Transform,
    short: Transform,
    /// Spectra of the Toeplitz blocks, laid out as circles of twice the length, indexed by `[row x count + column]`.
    blocks: Vec<Vec<Complex<f64>>>,
    /// The nearest circles of the same length (T. Chan, SIAM J. Sci. Stat. Comput. 9, 1988), indexed alike: the search
    /// begins from what they solve.
    near: Vec<Vec<Complex<f64>>>,
    loading: f64,
}

impl System {
    fn new(lags: &[Vec<f64>], count: usize, taps: usize) -> Self {
        let (mut long, mut short) = (Transform::new(2 * taps), Transform::new(taps));
        let (mut blocks, mut near) = (Vec::new(), Vec::new());
        for row in 0..count {
            for column in 0..count {
                let (down, up) = (&lags[column * count + row], &lags[row * count + column]);
                let mut circle = vec![0.0; 2 * taps];
                circle[..taps].copy_from_slice(&down[..taps]);
                (1..taps).for_each(|k| circle[2 * taps - k] = up[k]);
                blocks.push(long.forward(&circle, 0));
                let length = taps as f64;
                let mean = |k: usize| {
                    let wrapped = if k == 0 { 0.0 } else { k as f64 * up[taps - k] };
                    ((length - k as f64) * down[k] + wrapped) / length
                };
                let circle: Vec<f64> = (0..taps).map(mean).collect();
                near.push(short.forward(&circle, 0));
            }
        }
        let power = (0..count).map(|i| lags[i * count + i][0]).fold(0.0, f64::max);
        Self { count, taps, long, short, blocks, near, loading: LOADING * power + f64::MIN_POSITIVE }
    }

    /// What the equations make of filters.
    fn times(&mut self, filters: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let spectra: Vec<_> = filters.iter().map(|filter| self.long.forward(filter, 0)).collect();
        (0..self.count)
            .map(|row| {
                let mut sum = vec![ZERO; self.taps + 1];
                for (column, spectrum) in spectra.iter().enumerate() {
                    let block = &self.blocks[row * self.count + column];
                    sum.iter_mut().zip(block).zip(spectrum).for_each(|((sum, a), b)| *sum += a * b);
                }
                let mut out = self.long.back(sum);
                out.truncate(self.taps);
                out.iter_mut().zip(&filters[row]).for_each(|(out, x)| *out += self.loading * x);
                out
            })
            .collect()
    }

    /// Solves the circles instead.
    fn nearly(&mut self, wanted: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut spectra: Vec<_> = wanted.iter().map(|wanted| self.short.forward(wanted, 0)).collect();
        let loading = 10.0 * self.loading;
        for bin in 0..self.taps / 2 + 1 {
            let power = |i: usize| self.near[i][bin].re.max(0.0) + loading;
            if let [one] = spectra.as_mut_slice() {
                one[bin] /= power(0);
            } else if let [one, two] = spectra.as_mut_slice() {
                let (a, d, mut b) = (power(0), power(3), self.near[1][bin]);
                // Two channels never share more than all.
                let most = 0.999_9 * (a * d).sqrt();
                if b.norm() > most {
                    b *= most / b.norm();
                }
                let determinant = a * d - b.norm_sqr();
                let (x, y) = (one[bin], two[bin]);
                one[bin] = (x * d - b * y) / determinant;
                two[bin] = (y * a - b.conj() * x) / determinant;
            }
        }
        spectra.into_iter().map(|spectrum| self.short.back(spectrum)).collect()
    }

    /// Preconditioned conjugate gradients.
    fn solve(&mut self, wanted: &[&[f64]]) -> Vec<Vec<f64>> {
        let of = |a: &[Vec<f64>], b: &[Vec<f64>]| {
            a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>()).sum::<f64>()
        };
        let add = |to: &mut [Vec<f64>], from: &[Vec<f64>], factor: f64| {
            for (to, from) in to.iter_mut().zip(from) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
            }
        };
        let mut filters = vec![vec![0.0; self.taps]; self.count];
        let mut error: Vec<Vec<f64>> = wanted.iter().map(|wanted| wanted.to_vec()).collect();
        let mut step = self.nearly(&error);
        let mut direction = step.clone();
        let mut now = of(&error, &step);
        let first = now;
        for _ in 0..MOST_STEPS {
            let product = self.times(&direction);
            let along = of(&direction, &product);
            // Rounding ends what is solved, or was nothing from the start.
            if now <= ENOUGH * ENOUGH * first || along <= 0.0 || !along.is_finite() {
                break;
            }
            add(&mut filters, &direction, now / along);
            add(&mut error, &product, -now / along);
            step = self.nearly(&error);
            let next = of(&error, &step);
            let share = next / now;
            now = next;
            for (direction, step) in direction.iter_mut().zip(&step) {
                direction.iter_mut().zip(step).for_each(|(to, step)| *to = step + share * *to);
            }
        }
        filters
    }
}

/// What filters make of their inputs from sample `from` to `to`.
pub fn filtered(inputs: &[Vec<f32>], filters: &[Vec<f64>], from: usize, to: usize) -> Vec<f32> {
    let taps = filters[0].len();
    let size = (4 * taps).next_power_of_two();
    let fresh = size - taps;
    let mut transform = Transform::new(size);
    let spectra: Vec<_> = filters.iter().map(|filter| transform.forward(filter, 0)).collect();
    let mut out = Vec::with_capacity(to - from);
    while out.len() < to - from {
        let at = from + out.len();
        let mut sum = vec![ZERO; size / 2 + 1];
        for (input, filter) in inputs.iter().zip(&spectra) {
            let first = at.saturating_sub(taps);
            let heard = transform.forward(&input[first..(at + fresh).min(input.len())], taps - (at - first));
            sum.iter_mut().zip(&heard).zip(filter).for_each(|((sum, a), b)| *sum += a * b);
        }
        let time = transform.back(sum);
        let count = fresh.min(to - from - out.len());
        out.extend(time[taps..taps + count].iter().map(|x| *x as f32));
    }
    out
}
