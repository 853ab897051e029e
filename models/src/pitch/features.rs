//! What the pitch network sees of a sound: two spectra and two autocorrelations on logarithmic axes.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::{BINS, BINS_PER_SEMITONE, LOWEST_MIDI};

/// Sample rate, in Hz.
pub const SAMPLE_HZ: u32 = 16_000;
/// Samples between two frames: 10 ms.
pub const HOP: usize = 160;
/// Windows of the spectra in samples, long for low voices and short for fast moves. Both end with the newest sample.
const WINDOWS: [usize; 2] = [1_024, 512];
/// Lowest F0 at which each window's autocorrelation means something, in Hz.
const LOWEST_LAG_HZ: [f32; 2] = [55.0, 95.0];
/// MIDI number of the lowest bin of a spectrum.
const SPECTRUM_MIDI: f32 = 28.0;
/// Bins of a spectrum, as many a semitone as there are pitches: up to 7.8 kHz.
const SPECTRUM: usize = 272;
/// How far a spectrum lies above its mean at a feature of 1, in dB.
const SPECTRUM_DB: f32 = 15.0;
/// Partials, as multiples of F0, that the network sees beside each pitch: for the long window and for the short one.
const PARTIALS: [&[f32]; 2] =
    [&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &[0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0]];
/// Loudest level assumed before anything was heard, in dBFS, and how fast the running peak falls, in dB a hop.
const START_PEAK_DBFS: f32 = -38.0;
const PEAK_FALL_DB: f32 = 0.004;
/// Level of what was not heard, in dBFS.
const START_LEVEL_DBFS: f32 = -80.0;
/// A difference in level that is a feature of 1, in dB.
const LEVEL_DB: f32 = 30.0;
/// The earlier hops with which the level is compared: a voice that ends falls faster than one that fades in a room.
const LEVEL_LAGS: [usize; 2] = [5, 20];
/// Values that tell of the level: below the running peak, and above what it was.
const LEVELS: usize = 1 + LEVEL_LAGS.len();

/// Values of one frame: both spectra, both autocorrelations, the level.
pub const FEATURES: usize = 2 * SPECTRUM + 2 * BINS + LEVELS;
/// Channels over the pitches that [`spread`] makes of a frame.
pub const CHANNELS: usize = PARTIALS[0].len() + PARTIALS[1].len() + 2 + LEVELS;

/// Pitch of a bin, in Hz.
fn bin_hz(lowest_midi: f32, bin: usize) -> f32 {
    440.0 * ((lowest_midi + bin as f32 / BINS_PER_SEMITONE - 69.0) / 12.0).exp2()
}

/// Lays the partials of each pitch beside it: channels x pitches from the values of one frame.
///
/// A pitch and its partials stand in the same place for every pitch, so that a small convolution sees them.
///
/// # Panics
/// If `frame` does not hold [`FEATURES`] values or `out` not [`CHANNELS`] x [`BINS`].
pub fn spread(frame: &[f32], out: &mut [f32]) {
    assert_eq!((frame.len(), out.len()), (FEATURES, CHANNELS * BINS));
    let octave = 12.0 * BINS_PER_SEMITONE;
    let lowest = ((LOWEST_MIDI - SPECTRUM_MIDI) * BINS_PER_SEMITONE).round();
    let mut channels = out.chunks_exact_mut(BINS);
    for (spectrum, partials) in frame.chunks_exact(SPECTRUM).zip(PARTIALS) {
        for (partial, channel) in partials.iter().zip(channels.by_ref()) {
            // Where the lowest pitch's partial stands; beyond the spectrum there is nothing.
            let shift = (lowest + (octave * partial.log2()).round()) as isize;
            let below = shift.min(0).unsigned_abs();
            let from = shift.max(0) as usize;
            let inside = (SPECTRUM - from).min(BINS - below);
            channel.fill(0.0);
            channel[below..below + inside].copy_from_slice(&spectrum[from..from + inside]);
        }
    }
    let (autocorrelations, levels) = frame[2 * SPECTRUM..].split_at(2 * BINS);
    for (autocorrelation, channel) in autocorrelations.chunks_exact(BINS).zip(channels.by_ref()) {
        channel.copy_from_slice(autocorrelation);
    }
    channels.zip(levels).for_each(|(channel, level)| channel.fill(*level));
}

/// One window: its power spectrum by logarithmic frequency and its autocorrelation by logarithmic lag.
struct Analysis {
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    padded: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    power: Vec<f32>,
    scratch_forward: Vec<Complex<f32>>,
    scratch_inverse: Vec<Complex<f32>>,
    /// For every bin the first line of the transform that counts and the weights of it and those after it.
    bands: Vec<(usize, Vec<f32>)>,
    /// Lag in samples of every pitch; none below the lowest that this window knows.
    lags: Vec<Option<f32>>,
    /// Autocorrelation of the window, 1 at lag 0 (Boersma, IFA Proceedings 17, 1993).
    window_likeness: Vec<f32>,
}

impl Analysis {
    fn new(len: usize, lowest_hz: f32) -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let size = 2 * len;
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let window: Vec<f32> = (0..len)
            .map(|n| 0.5 - 0.5 * (std::f32::consts::TAU * (n as f32 + 0.5) / len as f32).cos())
            .collect();
        let line_hz = SAMPLE_HZ as f32 / size as f32;
        let lines = size / 2 + 1;
        let band = |bin: usize| {
            let centre = bin_hz(SPECTRUM_MIDI, bin) / line_hz;
            // Narrow bands lie between two lines, wide ones over as many as they have room for.
            let half = (centre * ((1.0 / (12.0 * BINS_PER_SEMITONE)).exp2() - 1.0)).max(1.0);
            let first = (centre - half).ceil().max(0.0) as usize;
            let weights: Vec<f32> = (first..lines)
                .map(|line| 1.0 - (line as f32 - centre).abs() / half)
                .take_while(|weight| *weight > 0.0)
                .collect();
            let sum: f32 = weights.iter().sum();
            (first, weights.iter().map(|weight| weight / sum.max(1e-9)).collect())
        };
        let lag = |bin: usize| {
            let hz = bin_hz(LOWEST_MIDI, bin);
            (hz >= lowest_hz).then_some(SAMPLE_HZ as f32 / hz)
        };
        let longest = (SAMPLE_HZ as f32 / lowest_hz).ceil() as usize + 3;
        let energy: f32 = window.iter().map(|w| w * w).sum();
        let likeness =
            |lag: usize| window.iter().zip(&window[lag..]).map(|(a, b)| a * b).sum::<f32>() / energy;
        Self {
            window_likeness: (0..longest).map(likeness).collect(),
            padded: vec![0.0; size],
            spectrum: forward.make_output_vec(),
            power: vec![0.0; lines],
            scratch_forward: forward.make_scratch_vec(),
            scratch_inverse: inverse.make_scratch_vec(),
            bands: (0..SPECTRUM).map(band).collect(),
            lags: (0..BINS).map(lag).collect(),
            window,
            forward,
            inverse,
        }
    }

    /// Writes spectrum and autocorrelation of samples, as many as the window is long.
    fn analyse(&mut self, samples: &[f32], spectrum: &mut [f32], autocorrelation: &mut [f32]) {
        for ((padded, sample), window) in self.padded.iter_mut().zip(samples).zip(&self.window) {
            *padded = sample * window;
        }
        self.padded[self.window.len()..].fill(0.0);
        // The lengths are those the plans asked for, so neither transform can fail.
        let forward = self.forward.process_with_scratch(
            &mut self.padded,
            &mut self.spectrum,
            &mut self.scratch_forward,
        );
        for (power, line) in self.power.iter_mut().zip(&mut self.spectrum) {
            *power = line.norm_sqr();
            *line = Complex::new(*power, 0.0);
        }
        let inverse = self.inverse.process_with_scratch(
            &mut self.spectrum,
            &mut self.padded,
            &mut self.scratch_inverse,
        );
        if forward.is_err() || inverse.is_err() {
            spectrum.fill(0.0);
            autocorrelation.fill(0.0);
            return;
        }
        for (value, (first, weights)) in spectrum.iter_mut().zip(&self.bands) {
            let power: f32 = self.power[*first..].iter().zip(weights).map(|(p, w)| p * w).sum();
            *value = 10.0 * (power + 1e-7).log10() / SPECTRUM_DB;
        }
        let mean = spectrum.iter().sum::<f32>() / spectrum.len() as f32;
        spectrum.iter_mut().for_each(|value| *value = (*value - mean).clamp(-3.0, 4.0));

        // A little is added to the energy: silence is like nothing, not like itself.
        let energy = self.padded[0] + 1e-6 * self.padded.len() as f32;
        let likeness = |lag: usize| self.padded[lag] / (energy * self.window_likeness[lag]);
        for (value, lag) in autocorrelation.iter_mut().zip(&self.lags) {
            *value = lag.map_or(0.0, |lag| {
                let (index, x) = (lag as usize, lag.fract());
                let [a, b, c, d] = [index - 1, index, index + 1, index + 2].map(likeness);
                // Catmull and Rom's curve through four points.
                b + 0.5 * x * (c - a + x * (2.0 * a - 5.0 * b + 4.0 * c - d + x * (3.0 * (b - c) + d - a)))
            });
        }
    }
}

/// Hops of 16 kHz sound in, one frame of [`FEATURES`] values out for each.
pub struct PitchFeatures {
    analyses: [Analysis; 2],
    recent: Vec<f32>,
    peak_dbfs: f32,
    /// Levels of the last hops in dBFS, newest last.
    levels: [f32; LEVEL_LAGS[1] + 1],
    frame: Vec<f32>,
}

impl std::fmt::Debug for PitchFeatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PitchFeatures").field("peak_dbfs", &self.peak_dbfs).finish_non_exhaustive()
    }
}

impl PitchFeatures {
    /// Plans the transforms; nothing was heard yet.
    pub fn new() -> Self {
        Self {
            analyses: std::array::from_fn(|index| Analysis::new(WINDOWS[index], LOWEST_LAG_HZ[index])),
            recent: vec![0.0; WINDOWS[0]],
            peak_dbfs: START_PEAK_DBFS,
            levels: [START_LEVEL_DBFS; LEVEL_LAGS[1] + 1],
            frame: vec![0.0; FEATURES],
        }
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        self.recent.fill(0.0);
        self.peak_dbfs = START_PEAK_DBFS;
        self.levels.fill(START_LEVEL_DBFS);
    }

    /// Takes a hop, relative to full scale and free of what lies below 50 Hz; returns the frame whose windows end with
    /// it. Whatever is not a number, or too large to be sound, counts as silence.
    pub fn process(&mut self, hop: &[f32; HOP]) -> &[f32] {
        self.recent.copy_within(HOP.., 0);
        let kept = self.recent.len() - HOP;
        for (slot, sample) in self.recent[kept..].iter_mut().zip(hop) {
            *slot = if sample.abs() < 1e3 { *sample } else { 0.0 };
        }
        let (spectra, rest) = self.frame.split_at_mut(2 * SPECTRUM);
        let places = spectra.chunks_exact_mut(SPECTRUM).zip(rest.chunks_exact_mut(BINS));
        for (analysis, (spectrum, autocorrelation)) in self.analyses.iter_mut().zip(places) {
            let from = self.recent.len() - analysis.window.len();
            analysis.analyse(&self.recent[from..], spectrum, autocorrelation);
        }
        let short = &self.recent[self.recent.len() - WINDOWS[1]..];
        let power = short.iter().map(|x| x * x).sum::<f32>() / short.len() as f32;
        let level_dbfs = 10.0 * (power + 1e-12).log10();
        self.peak_dbfs = (self.peak_dbfs - PEAK_FALL_DB).max(level_dbfs).max(START_PEAK_DBFS);
        self.levels.rotate_left(1);
        let newest = self.levels.len() - 1;
        self.levels[newest] = level_dbfs.max(START_LEVEL_DBFS);
        let levels = &mut self.frame[FEATURES - LEVELS..];
        levels[0] = ((level_dbfs - self.peak_dbfs) / LEVEL_DB).clamp(-2.5, 0.0);
        for (change, lag) in levels[1..].iter_mut().zip(LEVEL_LAGS) {
            *change = ((self.levels[newest] - self.levels[newest - lag]) / LEVEL_DB).clamp(-2.0, 2.0);
        }
        &self.frame
    }
}

impl Default for PitchFeatures {
    fn default() -> Self {
        Self::new()
    }
}
