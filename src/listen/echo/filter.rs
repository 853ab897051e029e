//! The path from the band to the microphone: a partitioned-block frequency-domain Kalman filter (Kuech, Mabande &
//! Enzner, ICASSP 2014; with one partition: Enzner & Vary, Signal Processing 86, 2006).
//!
//! Every bin of every partition has a value and an uncertainty. A step is the larger the more uncertain the path is
//! beside all else that the microphone hears, so a voice holds the filter still without anybody having to detect it.
//! Partitions are longer than a hop: partials of voice and band fall into different bins, and only the band's are learnt
//! from. Transforms therefore overlap, and each shows a partition's share of what is new.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::limits::LISTEN_HOP;

/// Hops of a partition.
const STEPS: usize = 8;
/// Length of a partition in samples: 80 ms.
const LENGTH: usize = STEPS * LISTEN_HOP;
/// Length of a transform in samples.
const SIZE: usize = 2 * LENGTH;
/// Bins of a transform.
pub(super) const BINS: usize = SIZE / 2 + 1;
/// Partitions of the path: 0.48 s.
const PARTITIONS: usize = 6;
/// Hops of the path, and of the transform that reaches back beyond it.
pub(super) const PATH_HOPS: usize = (PARTITIONS + 1) * STEPS;
/// Spectra of the reference that are kept.
const KEPT: usize = PARTITIONS * STEPS;
/// Share of a transform that is free of what the one before wraps round.
const VALID: f32 = LENGTH as f32 / SIZE as f32;
/// How much of a transform was not in the one before it.
const NEW: f32 = 1.0 / STEPS as f32;

/// Uncertainty of the first partition before anything was heard, as a squared gain: the echo is 10 dB below the band.
const FIRST_UNCERTAINTY: f32 = 0.1;
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
/// Power of a bin below which nothing is told apart from silence: 100 dB below full scale.
const SILENT: f32 = 1e-10 * (LENGTH * LENGTH) as f32;
/// Share of microphone and error power that is kept from one hop to the next: a third of a second.
const WATCH_MEMORY: f32 = 0.97;
/// Error power beside that of the microphone from which on the path is wrong and found anew.
const WRONG: f32 = 1.4;

/// Most uncertainty, as a squared gain: 20 dB.
const MOST_UNCERTAINTY: f32 = 100.0;

const ZERO: Complex<f32> = Complex::new(0.0, 0.0);
type Spectrum = [Complex<f32>; BINS];

/// What is known of an echo, by bin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Residue<'a> {
    /// Power of what the filter is unsure of.
    pub(super) unsure: &'a [f32; BINS],
    /// Power of what was subtracted.
    pub(super) subtracted: &'a [f32; BINS],
    /// Power of what is heard beside that.
    pub(super) error: &'a [f32; BINS],
}

impl Residue<'_> {
    /// Samples of which the powers tell.
    pub(super) const SAMPLES: usize = LENGTH;

    /// What pre-emphasis has made of the power of a bin in all of them.
    pub(super) fn emphasis(bin: usize) -> f32 {
        let angle = std::f32::consts::PI * bin as f32 / (BINS - 1) as f32;
        1.0 + EMPHASIS * EMPHASIS - 2.0 * EMPHASIS * angle.cos()
    }
}

/// The filter.
pub(super) struct Filter {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    scratch: Vec<Complex<f32>>,
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    /// The last samples of reference and microphone with pre-emphasis.
    reference: [f32; SIZE],
    microphone: [f32; LENGTH],
    /// The last sample of each without, and of the echo.
    last: [f32; 3],
    /// Spectra of the reference, a ring indexed by `[hop][bin]`.
    spectra: Vec<Spectrum>,
    /// Place of the newest of them.
    newest: usize,
    /// The path, indexed by `[partition][bin]`.
    path: Vec<Spectrum>,
    /// Variance of the path, indexed alike.
    uncertainty: Vec<[f32; BINS]>,
    /// Power of the error, by bin: all that is not echo, and what is left of that.
    near: [f32; BINS],
    /// See [`Residue`].
    unsure: [f32; BINS],
    subtracted: [f32; BINS],
    /// Power of microphone and error over a while.
    watched: [f32; 2],
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("watched", &self.watched).finish_non_exhaustive()
    }
}

impl Filter {
    /// Plans the transforms.
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(SIZE);
        let inverse = planner.plan_fft_inverse(SIZE);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let mut filter = Self {
            scratch: vec![ZERO; scratch],
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            forward,
            inverse,
            reference: [0.0; SIZE],
            microphone: [0.0; LENGTH],
            last: [0.0; 3],
            spectra: vec![[ZERO; BINS]; KEPT],
            newest: 0,
            path: vec![[ZERO; BINS]; PARTITIONS],
            uncertainty: vec![[0.0; BINS]; PARTITIONS],
            near: [0.0; BINS],
            unsure: [0.0; BINS],
            subtracted: [0.0; BINS],
            watched: [0.0; 2],
        };
        filter.reset();
        filter
    }

    /// Forgets the path and everything heard.
    pub(super) fn reset(&mut self) {
        self.rest();
        self.forget_path();
    }

    /// Forgets everything heard and keeps the path.
    pub(super) fn rest(&mut self) {
        self.reference.fill(0.0);
        self.microphone.fill(0.0);
        self.last.fill(0.0);
        self.spectra.fill([ZERO; BINS]);
        self.near.fill(0.0);
        self.unsure.fill(0.0);
        self.subtracted.fill(0.0);
        self.watched.fill(0.0);
    }

    fn forget_path(&mut self) {
        self.path.fill([ZERO; BINS]);
        let mut expected = FIRST_UNCERTAINTY;
        for uncertainty in &mut self.uncertainty {
            uncertainty.fill(expected);
            expected *= DECAY;
        }
    }

    /// What the last hop left.
    pub(super) fn residue(&self) -> Residue<'_> {
        Residue { unsure: &self.unsure, subtracted: &self.subtracted, error: &self.near }
    }

    /// Takes a hop of microphone and reference; `echo` becomes what is taken for the echo in the former.
    pub(super) fn process(
        &mut self,
        microphone: &[f32; LISTEN_HOP],
        reference: &[f32; LISTEN_HOP],
        echo: &mut [f32; LISTEN_HOP],
    ) {
        push(&mut self.reference, reference, &mut self.last[0]);
        push(&mut self.microphone, microphone, &mut self.last[1]);
        self.take_reference();
        self.predict(echo);
        self.time[..LENGTH].fill(0.0);
        for (error, heard) in self.time[LENGTH..].iter_mut().zip(&self.microphone) {
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
        self.newest = (self.newest + KEPT - 1) % KEPT;
        self.spectra[self.newest].copy_from_slice(&self.spectrum);
    }

    /// Place of the spectrum that a partition hears.
    fn place(&self, partition: usize) -> usize {
        (self.newest + partition * STEPS) % KEPT
    }

    /// What the path makes of the reference: the second half of `time`, of which the last hop is new.
    fn predict(&mut self, echo: &mut [f32; LISTEN_HOP]) {
        self.spectrum.fill(ZERO);
        for (partition, path) in self.path.iter().enumerate() {
            let heard = &self.spectra[self.place(partition)];
            for ((sum, heard), path) in self.spectrum.iter_mut().zip(heard).zip(path) {
                *sum += heard * path;
            }
        }
        for (subtracted, echo) in self.subtracted.iter_mut().zip(&self.spectrum) {
            *subtracted = VALID * echo.norm_sqr();
        }
        self.back();
        for (echo, emphasised) in echo.iter_mut().zip(&self.time[SIZE - LISTEN_HOP..]) {
            self.last[2] = emphasised + EMPHASIS * self.last[2];
            *echo = self.last[2];
        }
    }

    /// Where the filter has made things worse for a while, the path has changed: it is found anew.
    fn watch(&mut self) {
        let power = |samples: &[f32]| samples.iter().map(|sample| sample * sample).sum::<f32>();
        let now = [power(&self.microphone), power(&self.time[LENGTH..])];
        for (watched, now) in self.watched.iter_mut().zip(now) {
            *watched = WATCH_MEMORY * *watched + (1.0 - WATCH_MEMORY) * now;
        }
        if self.watched[1] > WRONG * self.watched[0] {
            self.forget_path();
            self.watched.fill(0.0);
            self.time[LENGTH..].copy_from_slice(&self.microphone);
        }
    }

    /// How much echo the error still holds, and how much else.
    fn weigh(&mut self) {
        self.unsure.fill(0.0);
        for (partition, uncertainty) in self.uncertainty.iter().enumerate() {
            let heard = &self.spectra[self.place(partition)];
            for ((unsure, heard), uncertainty) in self.unsure.iter_mut().zip(heard).zip(uncertainty) {
                *unsure += VALID * uncertainty * heard.norm_sqr();
            }
        }
        for (near, error) in self.near.iter_mut().zip(&self.spectrum) {
            *near = MEMORY * *near + (1.0 - MEMORY) * error.norm_sqr();
        }
    }

    /// Corrects path and uncertainty by the error, whose transform is in `spectrum`.
    fn learn(&mut self) {
        let mut error = [ZERO; BINS];
        let mut weight = [0.0f32; BINS];
        for bin in 0..BINS {
            weight[bin] = 1.0 / (self.unsure[bin] + self.near[bin] + SILENT);
            error[bin] = self.spectrum[bin] * weight[bin];
        }
        let mut doubt = DOUBT;
        for partition in 0..PARTITIONS {
            let heard = &self.spectra[self.place(partition)];
            for bin in 0..BINS {
                let uncertainty = &mut self.uncertainty[partition][bin];
                self.spectrum[bin] = heard[bin].conj() * error[bin] * *uncertainty;
                let known = NEW * VALID * *uncertainty * heard[bin].norm_sqr() * weight[bin];
                let change = CHANGE * self.path[partition][bin].norm_sqr() + doubt;
                *uncertainty = (*uncertainty * (1.0 - known) + change).min(MOST_UNCERTAINTY);
            }
            doubt *= DECAY;
            self.constrain();
            for (path, step) in self.path[partition].iter_mut().zip(&self.spectrum) {
                *path += step;
            }
        }
    }

    /// Cuts what is in `spectrum` to the length of a partition.
    fn constrain(&mut self) {
        self.back();
        self.time[LENGTH..].fill(0.0);
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
        self.spectrum[BINS - 1].im = 0.0;
        let done = self.inverse.process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths are those that the plan asked for");
        for sample in &mut self.time {
            *sample *= 1.0 / SIZE as f32;
        }
    }
}

/// Moves a hop into a line of samples, with pre-emphasis.
fn push(line: &mut [f32], hop: &[f32; LISTEN_HOP], last: &mut f32) {
    let kept = line.len() - LISTEN_HOP;
    line.copy_within(LISTEN_HOP.., 0);
    for (place, sample) in line[kept..].iter_mut().zip(hop) {
        *place = sample - EMPHASIS * std::mem::replace(last, *sample);
    }
}
