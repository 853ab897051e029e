//! The path from something known to what is heard, such as from a backing to a mix or from the band to a microphone: a
//! partitioned-block frequency-domain Kalman filter (Kuech, Mabande & Enzner, ICASSP 2014; with one partition: Enzner &
//! Vary, Signal Processing 86, 2006).
//!
//! Every bin of every partition has a value and an uncertainty. A step is the larger the more uncertain the path is
//! beside all else that the microphone hears, so a voice holds the filter still without anybody having to detect it.
//! Partitions are longer than a hop: partials of voice and band fall into different bins, and only the band's are learnt
//! from. Transforms therefore overlap, and each shows a partition's share of what is new.

use std::ops::Range;
use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

/// Measures of a filter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathShape {
    /// Samples that are taken at once: 10 ms.
    pub hop: usize,
    /// Hops of a partition.
    pub steps: usize,
    /// Partitions of the path.
    pub partitions: usize,
    /// Uncertainty of the first partition before anything was heard, as a squared gain: how loud the known sound is
    /// expected to be in what is heard.
    pub first_uncertainty: f32,
}

impl PathShape {
    /// Length of a partition in samples.
    pub const fn length(self) -> usize {
        self.steps * self.hop
    }

    /// Length of a transform in samples.
    pub const fn size(self) -> usize {
        2 * self.length()
    }

    /// Bins of a transform.
    pub const fn bins(self) -> usize {
        self.size() / 2 + 1
    }

    /// Hops of the path, and of the transform that reaches back beyond it.
    pub const fn hops(self) -> usize {
        (self.partitions + 1) * self.steps
    }

    /// Spectra of the reference that are kept.
    const fn kept(self) -> usize {
        self.partitions * self.steps
    }

    /// Power of a bin below which nothing is told apart from silence: 100 dB below full scale.
    fn silent(self) -> f32 {
        1e-10 * (self.length() * self.length()) as f32
    }

    /// What pre-emphasis has made of the power of a bin in all of [`Residue`].
    pub fn emphasis(self, bin: usize) -> f32 {
        let angle = std::f32::consts::PI * bin as f32 / (self.bins() - 1) as f32;
        1.0 + EMPHASIS * EMPHASIS - 2.0 * EMPHASIS * angle.cos()
    }
}

/// Share of a transform that is free of what the one before wraps round.
const VALID: f32 = 0.5;

/// How much less is expected of each partition than of the one before it: 60 dB in 0.6 s.
const DECAY: f32 = 0.158_489_3;
/// Uncertainty that comes back with every hop, as a share of the squared gain: people move.
const CHANGE: f32 = 1e-5;
/// The same beside it, as a squared gain: what was 0 can come to be.
const DOUBT: f32 = 1e-6;
/// Share of the level of all that is not echo that is kept from one hop to the next.
const MEMORY: f32 = 0.8;
/// Pre-emphasis: the band has most of its power in the bass, which would leak into all other bins.
const EMPHASIS: f32 = 0.9;
/// Share of microphone and error power that is kept from one hop to the next: a third of a second.
const WATCH_MEMORY: f32 = 0.97;
/// Error power beside that of the microphone from which on the path is wrong and found anew.
const WRONG: f32 = 1.4;

/// Most uncertainty, as a squared gain: 20 dB.
const MOST_UNCERTAINTY: f32 = 100.0;

const ZERO: Complex<f32> = Complex::new(0.0, 0.0);

/// What is known of an echo, by bin.
#[derive(Debug, Clone, Copy)]
pub struct Residue<'a> {
    /// Power of what the filter is unsure of.
    pub unsure: &'a [f32],
    /// Power of what was subtracted.
    pub subtracted: &'a [f32],
    /// Power of what is heard beside that.
    pub error: &'a [f32],
}

/// The filter.
pub struct PathFilter {
    shape: PathShape,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    scratch: Vec<Complex<f32>>,
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    /// The last samples of reference and microphone with pre-emphasis.
    reference: Vec<f32>,
    microphone: Vec<f32>,
    /// The last sample of each without, and of the echo.
    last: [f32; 3],
    /// Spectra of the reference, a ring indexed by `[hop][bin]`.
    spectra: Vec<Complex<f32>>,
    /// Place of the newest of them.
    newest: usize,
    /// The path, indexed by `[partition][bin]`.
    path: Vec<Complex<f32>>,
    /// Variance of the path, indexed alike.
    uncertainty: Vec<f32>,
    /// Power of the error, by bin: all that is not echo, and what is left of that.
    near: Vec<f32>,
    /// See [`Residue`].
    unsure: Vec<f32>,
    subtracted: Vec<f32>,
    /// The error beside all that is not certain, and its weight.
    weighed: Vec<Complex<f32>>,
    weight: Vec<f32>,
    /// Power of microphone and error over a while.
    watched: [f32; 2],
}

impl std::fmt::Debug for PathFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PathFilter").field("watched", &self.watched).finish_non_exhaustive()
    }
}

impl PathFilter {
    /// Plans the transforms and allocates every buffer.
    pub fn new(shape: PathShape) -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let (size, bins) = (shape.size(), shape.bins());
        let forward = planner.plan_fft_forward(size);
        let inverse = planner.plan_fft_inverse(size);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let mut filter = Self {
            shape,
            scratch: vec![ZERO; scratch],
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            forward,
            inverse,
            reference: vec![0.0; size],
            microphone: vec![0.0; shape.length()],
            last: [0.0; 3],
            spectra: vec![ZERO; bins * shape.kept()],
            newest: 0,
            path: vec![ZERO; bins * shape.partitions],
            uncertainty: vec![0.0; bins * shape.partitions],
            near: vec![0.0; bins],
            unsure: vec![0.0; bins],
            subtracted: vec![0.0; bins],
            weighed: vec![ZERO; bins],
            weight: vec![0.0; bins],
            watched: [0.0; 2],
        };
        filter.reset();
        filter
    }

    /// Forgets the path and everything heard.
    pub fn reset(&mut self) {
        self.rest();
        self.forget_path();
    }

    /// Forgets everything heard and keeps the path.
    pub fn rest(&mut self) {
        self.reference.fill(0.0);
        self.microphone.fill(0.0);
        self.last.fill(0.0);
        self.spectra.fill(ZERO);
        self.near.fill(0.0);
        self.unsure.fill(0.0);
        self.subtracted.fill(0.0);
        self.watched.fill(0.0);
    }

    fn forget_path(&mut self) {
        self.path.fill(ZERO);
        let mut expected = self.shape.first_uncertainty;
        for uncertainty in self.uncertainty.chunks_exact_mut(self.shape.bins()) {
            uncertainty.fill(expected);
            expected *= DECAY;
        }
    }

    /// What the last hop left.
    pub fn residue(&self) -> Residue<'_> {
        Residue { unsure: &self.unsure, subtracted: &self.subtracted, error: &self.near }
    }

    /// Takes a hop of microphone and reference; `echo` becomes what is taken for the echo in the former.
    ///
    /// # Panics
    ///
    /// If one of them is no hop long.
    pub fn process(&mut self, microphone: &[f32], reference: &[f32], echo: &mut [f32]) {
        let (hop, length) = (self.shape.hop, self.shape.length());
        assert!(
            microphone.len() == hop && reference.len() == hop && echo.len() == hop,
            "a hop has {hop} samples"
        );
        push(&mut self.reference, reference, &mut self.last[0]);
        push(&mut self.microphone, microphone, &mut self.last[1]);
        self.take_reference();
        self.predict(echo);
        self.time[..length].fill(0.0);
        for (error, heard) in self.time[length..].iter_mut().zip(&self.microphone) {
            *error = heard - *error;
        }
        self.watch();
        self.transform();
        self.weigh();
        self.learn();
    }

    fn take_reference(&mut self) {
        self.time.copy_from_slice(&self.reference);
        self.transform();
        self.newest = (self.newest + self.shape.kept() - 1) % self.shape.kept();
        let from = self.newest * self.shape.bins();
        self.spectra[from..from + self.shape.bins()].copy_from_slice(&self.spectrum);
    }

    /// The spectrum that a partition hears.
    fn heard(&self, partition: usize) -> Range<usize> {
        let from = (self.newest + partition * self.shape.steps) % self.shape.kept() * self.shape.bins();
        from..from + self.shape.bins()
    }

    /// What the path makes of the reference: the second half of `time`, of which the last hop is new.
    fn predict(&mut self, echo: &mut [f32]) {
        self.spectrum.fill(ZERO);
        for (partition, path) in self.path.chunks_exact(self.shape.bins()).enumerate() {
            let heard = &self.spectra[self.heard(partition)];
            for ((sum, heard), path) in self.spectrum.iter_mut().zip(heard).zip(path) {
                *sum += heard * path;
            }
        }
        for (subtracted, echo) in self.subtracted.iter_mut().zip(&self.spectrum) {
            *subtracted = VALID * echo.norm_sqr();
        }
        self.back();
        let newest = self.shape.size() - self.shape.hop;
        for (echo, emphasised) in echo.iter_mut().zip(&self.time[newest..]) {
            self.last[2] = emphasised + EMPHASIS * self.last[2];
            *echo = self.last[2];
        }
    }

    /// Where the filter has made things worse for a while, the path has changed: it is found anew.
    fn watch(&mut self) {
        let power = |samples: &[f32]| samples.iter().map(|sample| sample * sample).sum::<f32>();
        let length = self.shape.length();
        let now = [power(&self.microphone), power(&self.time[length..])];
        for (watched, now) in self.watched.iter_mut().zip(now) {
            *watched = WATCH_MEMORY * *watched + (1.0 - WATCH_MEMORY) * now;
        }
        if self.watched[1] > WRONG * self.watched[0] {
            self.forget_path();
            self.watched.fill(0.0);
            self.time[length..].copy_from_slice(&self.microphone);
        }
    }

    /// How much echo the error still holds, and how much else.
    fn weigh(&mut self) {
        self.unsure.fill(0.0);
        for (partition, uncertainty) in self.uncertainty.chunks_exact(self.shape.bins()).enumerate() {
            let place = self.heard(partition);
            for ((unsure, heard), uncertainty) in
                self.unsure.iter_mut().zip(&self.spectra[place]).zip(uncertainty)
            {
                *unsure += VALID * uncertainty * heard.norm_sqr();
            }
        }
        for (near, error) in self.near.iter_mut().zip(&self.spectrum) {
            *near = MEMORY * *near + (1.0 - MEMORY) * error.norm_sqr();
        }
    }

    /// Corrects path and uncertainty by the error, whose transform is in `spectrum`.
    fn learn(&mut self) {
        let (bins, silent, new) = (self.shape.bins(), self.shape.silent(), 1.0 / self.shape.steps as f32);
        for bin in 0..bins {
            self.weight[bin] = 1.0 / (self.unsure[bin] + self.near[bin] + silent);
            self.weighed[bin] = self.spectrum[bin] * self.weight[bin];
        }
        let mut doubt = DOUBT;
        for partition in 0..self.shape.partitions {
            let (heard, own) = (self.heard(partition), partition * bins..(partition + 1) * bins);
            let heard = &self.spectra[heard];
            let (path, uncertain) = (&self.path[own.clone()], &mut self.uncertainty[own.clone()]);
            for bin in 0..bins {
                let uncertainty = &mut uncertain[bin];
                self.spectrum[bin] = heard[bin].conj() * self.weighed[bin] * *uncertainty;
                let known = new * VALID * *uncertainty * heard[bin].norm_sqr() * self.weight[bin];
                let change = CHANGE * path[bin].norm_sqr() + doubt;
                *uncertainty = (*uncertainty * (1.0 - known) + change).min(MOST_UNCERTAINTY);
            }
            doubt *= DECAY;
            self.constrain();
            for (path, step) in self.path[own].iter_mut().zip(&self.spectrum) {
                *path += step;
            }
        }
    }

    /// Cuts what is in `spectrum` to the length of a partition.
    fn constrain(&mut self) {
        self.back();
        let length = self.shape.length();
        self.time[length..].fill(0.0);
        self.transform();
    }

    /// `time` to `spectrum`.
    fn transform(&mut self) {
        let done = self.forward.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
    }

    /// `spectrum` to `time`.
    fn back(&mut self) {
        // Of a real signal these are real, and the transform insists on it.
        self.spectrum[0].im = 0.0;
        let last = self.spectrum.len() - 1;
        self.spectrum[last].im = 0.0;
        let done = self.inverse.process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
        let scale = 1.0 / self.shape.size() as f32;
        for sample in &mut self.time {
            *sample *= scale;
        }
    }
}

/// Moves a hop into a line of samples, with pre-emphasis.
fn push(line: &mut [f32], hop: &[f32], last: &mut f32) {
    let kept = line.len() - hop.len();
    line.copy_within(hop.len().., 0);
    for (place, sample) in line[kept..].iter_mut().zip(hop) {
        *place = sample - EMPHASIS * std::mem::replace(last, *sample);
    }
}
