//! What the mask network sees of a mix.

use std::f32::consts::PI;
use std::sync::Arc;

use collavoce_models::mask::{
    BANDS, FEATURES, HOPS_HZ, LINE_HZ, LINES, LONG, MASKS, SIDE_BANDS, TOP_LINE, WINDOW_HOPS, band_edge,
};
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::time::Hz;

/// Lowest sample rate: that at which the network was trained.
const LOWEST_RATE_HZ: u32 = 24_000;
/// Length of the long window, which only looks back further, in seconds: 2 / 25.
const LONG_PARTS: (u32, u32) = (2, 25);
/// Its lowest frequency, in Hz, and values an octave.
const LONG_LOWEST_HZ: f32 = 55.0;
const LONG_PER_OCTAVE: f32 = 36.0;
/// Hops before the newest with whose median every line is compared.
const MEDIAN_HOPS: usize = 15;
/// Power under which there is nothing, relative to a sine at full scale: -100 dB.
const NOTHING: f32 = 1e-10;
const NOTHING_DB: f32 = -100.0;
/// Level of a mix before anything was heard, in dB; how fast it follows what is louder, and how it falls, in dB a hop.
const START_DB: f32 = -30.0;
const RISE: f32 = 0.2;
const FALL_DB: f32 = 0.03;
/// How fast the coherence of both sides follows.
const COHERENCE_STEP: f32 = 0.4;
/// A sample beyond which it is taken for an error.
const LOUDEST: f32 = 16.0;

/// A sample rate that does not fit the windows.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error(
    "the rate must be a multiple of {} Hz of at least {} Hz, such as 44100 or 48000, but is {rate}; convert the sound first",
    UNIT_HZ,
    LOWEST_RATE_HZ
)]
pub struct RateError {
    /// The rate in Hz.
    pub rate: u32,
}

/// Rates that fit are multiples of it: hops and long windows are whole numbers of samples.
const UNIT_HZ: u32 = 300;

/// A window with its transform.
struct Window {
    shape: Vec<f32>,
    plan: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    scratch: Vec<Complex<f32>>,
}

impl Window {
    fn new(shape: Vec<f32>) -> Self {
        let plan = RealFftPlanner::new().plan_fft_forward(shape.len());
        Self { input: vec![0.0; shape.len()], scratch: plan.make_scratch_vec(), shape, plan }
    }

    /// Writes the spectrum of as many samples as the window is long.
    fn spectrum<'a>(&mut self, samples: impl Iterator<Item = &'a f32>, out: &mut [Complex<f32>]) {
        for ((input, sample), shape) in self.input.iter_mut().zip(samples).zip(&self.shape) {
            *input = sample * shape;
        }
        // The lengths are those the plan asked for, so it cannot fail.
        if self.plan.process_with_scratch(&mut self.input, out, &mut self.scratch).is_err() {
            out.fill(Complex::default());
        }
    }
}

/// Root of a Hann window: both together, before and behind the mask, add up to 1.
pub fn root_hann(len: usize) -> Vec<f32> {
    (0..len).map(|n| (PI * (n as f32 + 0.5) / len as f32).sin()).collect()
}

/// Makes frames of features of a mix, a hop at a time.
pub struct MixFeatures {
    hop: usize,
    window: Window,
    long: Window,
    /// The newest samples of both sides, as many as the long window holds.
    heard: [Vec<f32>; 2],
    spectra: [Vec<Complex<f32>>; 2],
    long_spectrum: Vec<Complex<f32>>,
    mid: Vec<f32>,
    bands: Vec<(usize, Vec<f32>)>,
    /// Levels of lines and bands in the hops before: `MEDIAN_HOPS` of each.
    before: Vec<f32>,
    hops: usize,
    coherence: Vec<[f32; 3]>,
    level_db: f32,
    features: Vec<f32>,
}

impl std::fmt::Debug for MixFeatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MixFeatures").field("hop", &self.hop).finish_non_exhaustive()
    }
}

fn db(power: f32) -> f32 {
    10.0 * (power + NOTHING).log10()
}

/// Whether mixes of a sample rate can be heard.
pub fn hears(rate: Hz) -> bool {
    rate.0 >= LOWEST_RATE_HZ && rate.0.is_multiple_of(UNIT_HZ)
}

impl MixFeatures {
    /// Features of a mix at a sample rate.
    ///
    /// # Errors
    /// If windows would be no whole number of samples at that rate, or if it is lower than what was trained with.
    pub fn new(rate: Hz) -> Result<Self, RateError> {
        if !hears(rate) {
            return Err(RateError { rate: rate.0 });
        }
        let hop = (rate.0 / HOPS_HZ) as usize;
        let long = (rate.0 * LONG_PARTS.0 / LONG_PARTS.1) as usize;
        let hann = |n: usize| 0.5 - 0.5 * (2.0 * PI * (n as f32 + 0.5) / long as f32).cos();
        let long_window = Window::new((0..long).map(hann).collect());
        let window = Window::new(root_hann(hop * WINDOW_HOPS));
        let long_line_hz = rate.0 as f32 / long as f32;
        let band = |index: usize| {
            let centre = LONG_LOWEST_HZ * (index as f32 / LONG_PER_OCTAVE).exp2() / long_line_hz;
            let half = (centre * ((1.0 / LONG_PER_OCTAVE).exp2() - 1.0)).max(1.0);
            let first = (centre - half).ceil().max(0.0) as usize;
            let weights: Vec<f32> = (first..long / 2 + 1)
                .map(|line| 1.0 - (line as f32 - centre).abs() / half)
                .take_while(|weight| *weight > 0.0)
                .collect();
            let sum: f32 = weights.iter().sum();
            (first, weights.iter().map(|weight| weight / sum.max(1e-9)).collect())
        };
        Ok(Self {
            hop,
            heard: [vec![0.0; long], vec![0.0; long]],
            spectra: [window.plan.make_output_vec(), window.plan.make_output_vec()],
            long_spectrum: long_window.plan.make_output_vec(),
            mid: vec![0.0; TOP_LINE],
            bands: (0..LONG).map(band).collect(),
            before: vec![NOTHING_DB; MASKS * MEDIAN_HOPS],
            hops: 0,
            coherence: vec![[0.0; 3]; SIDE_BANDS],
            level_db: START_DB,
            features: vec![0.0; FEATURES],
            window,
            long: long_window,
        })
    }

    /// Samples of a hop.
    pub fn hop(&self) -> usize {
        self.hop
    }

    /// Forgets all that was heard.
    pub fn reset(&mut self) {
        self.heard.iter_mut().for_each(|side| side.fill(0.0));
        self.spectra.iter_mut().for_each(|side| side.fill(Complex::default()));
        self.before.fill(NOTHING_DB);
        self.coherence.fill([0.0; 3]);
        (self.hops, self.level_db) = (0, START_DB);
    }

    /// Takes the next hop, [`Self::hop`] samples of each side, and gives [`FEATURES`] values. A mix of one channel is given
    /// twice.
    ///
    /// # Panics
    /// If a side has another number of samples.
    pub fn process(&mut self, left: &[f32], right: &[f32]) -> &[f32] {
        for (heard, new) in self.heard.iter_mut().zip([left, right]) {
            assert_eq!(new.len(), self.hop);
            heard.copy_within(self.hop.., 0);
            let from = heard.len() - self.hop;
            for (slot, sample) in heard[from..].iter_mut().zip(new) {
                *slot = if sample.abs() <= LOUDEST { *sample } else { 0.0 };
            }
        }
        let recent = self.heard[0].len() - self.hop * WINDOW_HOPS;
        for (heard, spectrum) in self.heard.iter().zip(&mut self.spectra) {
            self.window.spectrum(heard[recent..].iter(), spectrum);
        }
        self.write_levels();
        self.write_sides();
        self.write_long();
        &self.features
    }

    /// Both sides' spectra of the newest window, up to the highest line of the rate.
    pub fn spectra(&self) -> &[Vec<Complex<f32>>; 2] {
        &self.spectra
    }

    /// Factor that brings a line to 1 for a sine at full scale.
    fn scale(&self) -> f32 {
        // The sum of the window's root of Hann is 2 / pi of its length.
        PI / self.window.shape.len() as f32
    }

    fn write_levels(&mut self) {
        let power = (0.5 * self.scale()).powi(2);
        let [left, right] = &self.spectra;
        for (mid, (l, r)) in self.mid.iter_mut().zip(left.iter().zip(right)) {
            *mid = power * (l + r).norm_sqr();
        }
        let level_db = db(self.mid.iter().sum());
        if level_db > self.level_db {
            self.level_db += RISE * (level_db - self.level_db);
        } else {
            self.level_db = (self.level_db - FALL_DB).max(level_db.max(-80.0));
        }
        let (levels, rises) = self.features[..2 * MASKS].split_at_mut(MASKS);
        for (index, (level, rise)) in levels.iter_mut().zip(rises).enumerate() {
            let now = match index.checked_sub(LINES) {
                None => self.mid[index],
                Some(band) => {
                    let lines = &self.mid[band_edge(band)..band_edge(band + 1)];
                    lines.iter().sum::<f32>() / lines.len() as f32
                }
            };
            let now = db(now);
            let before = &mut self.before[index * MEDIAN_HOPS..][..MEDIAN_HOPS];
            let mut sorted = [0.0; MEDIAN_HOPS];
            sorted.copy_from_slice(before);
            let (_, median, _) = sorted.select_nth_unstable_by(MEDIAN_HOPS / 2, f32::total_cmp);
            *rise = ((now - *median) / 10.0).clamp(-3.0, 3.0);
            *level = relative(now, self.level_db);
            before[self.hops % MEDIAN_HOPS] = now;
        }
        self.hops = self.hops.wrapping_add(1);
        let [absolute, change] = [(self.level_db + 30.0) / 20.0, (level_db - self.level_db) / 10.0];
        self.features[FEATURES - 2] = absolute.clamp(-3.0, 3.0);
        self.features[FEATURES - 1] = change.clamp(-4.0, 2.0);
    }

    /// How much louder the difference of both sides is than their sum, and how alike they are, in bands.
    fn write_sides(&mut self) {
        let (left, right) = (&self.spectra[0], &self.spectra[1]);
        let scale = self.scale().powi(2);
        let (sides, coherences) = self.features[2 * MASKS..2 * (MASKS + SIDE_BANDS)].split_at_mut(SIDE_BANDS);
        for (band, (side, coherence)) in sides.iter_mut().zip(coherences).enumerate() {
            let (mut mid, mut difference, mut now) = (0.0, 0.0, [0.0; 3]);
            for line in side_edge(band)..side_edge(band + 1) {
                let (l, r) = (left[line], right[line]);
                mid += (l + r).norm_sqr();
                difference += (l - r).norm_sqr();
                now[0] += (l * r.conj()).re;
                now[1] += l.norm_sqr();
                now[2] += r.norm_sqr();
            }
            *side = ((db(0.25 * scale * difference) - db(0.25 * scale * mid)) / 10.0).clamp(-4.0, 2.0) + 1.0;
            let sums = &mut self.coherence[band];
            sums.iter_mut().zip(now).for_each(|(sum, now)| *sum += COHERENCE_STEP * (scale * now - *sum));
            *coherence = sums[0] / ((sums[1] * sums[2]).sqrt() + NOTHING);
        }
    }

    fn write_long(&mut self) {
        let [left, right] = &self.heard;
        let mid: Vec<f32> = left.iter().zip(right).map(|(l, r)| 0.5 * (l + r)).collect();
        self.long.spectrum(mid.iter(), &mut self.long_spectrum);
        let power = (4.0 / self.long.shape.len() as f32).powi(2);
        let out = &mut self.features[2 * (MASKS + SIDE_BANDS)..][..LONG];
        for (value, (first, weights)) in out.iter_mut().zip(&self.bands) {
            let lines = self.long_spectrum[*first..].iter().zip(weights);
            let sum: f32 = lines.map(|(line, weight)| weight * line.norm_sqr()).sum();
            *value = relative(db(power * sum), self.level_db);
        }
    }
}

/// A level beside that of the mix.
fn relative(level_db: f32, mix_db: f32) -> f32 {
    ((level_db - mix_db + 35.0) / 20.0).clamp(-2.0, 2.5)
}

/// The first line of a band in which sides are compared, narrow ones first.
fn side_edge(band: usize) -> usize {
    let curve = TOP_LINE as f32 * (band as f32 / SIDE_BANDS as f32).powf(1.6);
    (curve.round() as usize).max(band)
}

/// The mask of each line of a spectrum.
pub fn apply(mask: &[f32], spectrum: &mut [Complex<f32>]) {
    for (line, value) in spectrum.iter_mut().enumerate() {
        *value *= mask.get(mask_of(line)).copied().unwrap_or(0.0);
    }
}

/// Which mask a line has.
fn mask_of(line: usize) -> usize {
    if line < LINES {
        return line;
    }
    let band = (0..BANDS).rev().find(|band| line >= band_edge(*band)).unwrap_or(0);
    LINES + band
}

const _: () = assert!(TOP_LINE as f32 * LINE_HZ * 2.0 <= LOWEST_RATE_HZ as f32);
