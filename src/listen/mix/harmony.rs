//! Energy by pitch class from the peaks of the spectrum, tuned to the recording, the bass apart.
//!
//! Peaks rather than bins, and their interpolated frequencies (Gómez, INFORMS Journal on Computing 18, 2006), part the
//! pitches of low notes and leave out most of what drums spread over the spectrum.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::limits::{LISTEN_HOP, LISTEN_HZ};

/// Window in samples: 512 ms.
const WINDOW: usize = 8_192;
/// What counts as bass, and as the rest, in MIDI numbers.
const BASS: (f64, f64) = (27.5, 52.5);
const UPPER: (f64, f64) = (47.5, 95.5);
/// A peak so far below the highest of its window counts nothing, as a ratio of magnitudes.
const FAINT: f32 = 0.003;
/// Magnitude below which nothing is a pitch, where a sine at full scale is 1.
const SILENT: f32 = 2e-5;
/// Width of a pitch in semitones (standard deviation).
const WIDTH: f64 = 0.18;
/// Exponent of magnitudes.
const COMPRESSION: f64 = 0.6;
/// Pitches up to the first MIDI number count in full, those above it fade with the second in semitones: a band's chords
/// lie low, the voice and the overtones above.
const FULL: f64 = 64.0;
const FADING: f64 = 9.0;
/// Weight of what was heard before in the tuning, per window.
const REMEMBER: f64 = 0.995;

/// Pitch classes that sound at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Harmony {
    /// When, in hops of 10 ms.
    pub hop: u64,
    /// Strength of the pitch classes from E3 upwards, C first; all 0 in silence.
    pub upper: [f32; 12],
    /// Strength of those below.
    pub bass: [f32; 12],
    /// Cents above A4 = 440 Hz so far.
    pub tuning_cents: f32,
}

/// Measures harmony.
pub struct HarmonyMeter {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    recent: Vec<f32>,
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    magnitudes: Vec<f32>,
    /// Sum of unit vectors of the peaks' fractions of a semitone.
    tuning: Complex<f64>,
    hops: u64,
}

impl std::fmt::Debug for HarmonyMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HarmonyMeter").field("hops", &self.hops).finish_non_exhaustive()
    }
}

impl HarmonyMeter {
    /// Hops between the centre of a window and the hop that completes it.
    pub const LATENCY_HOPS: usize = (WINDOW / 2).div_ceil(LISTEN_HOP);
    /// Hops between two windows.
    pub const STRIDE_HOPS: usize = 5;

    /// Plans the transform.
    pub fn new() -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
        let sum = WINDOW as f32 / 2.0;
        let window = (0..WINDOW)
            .map(|i| {
                (0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / WINDOW as f64).cos()) as f32 * 2.0 / sum
            })
            .collect();
        Self {
            window,
            recent: vec![0.0; WINDOW],
            input: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            magnitudes: vec![0.0; WINDOW / 2 + 1],
            tuning: Complex::new(0.0, 0.0),
            hops: 0,
            fft,
        }
    }

    /// Takes a hop; every few hops a window is complete.
    pub fn process(&mut self, hop: &[f32; LISTEN_HOP]) -> Option<Harmony> {
        self.recent.copy_within(LISTEN_HOP.., 0);
        self.recent[WINDOW - LISTEN_HOP..].copy_from_slice(hop);
        self.hops += 1;
        let centre = self.hops.checked_sub(Self::LATENCY_HOPS as u64)?;
        centre.is_multiple_of(Self::STRIDE_HOPS as u64).then(|| self.measure(centre))
    }

    fn measure(&mut self, hop: u64) -> Harmony {
        for ((input, sample), window) in self.input.iter_mut().zip(&self.recent).zip(&self.window) {
            *input = sample * window;
        }
        let mut harmony = Harmony { hop, upper: [0.0; 12], bass: [0.0; 12], tuning_cents: self.cents() };
        // Lengths are those the plan asked for, so this cannot fail.
        if self.fft.process_with_scratch(&mut self.input, &mut self.spectrum, &mut self.scratch).is_err() {
            return harmony;
        }
        for (magnitude, bin) in self.magnitudes.iter_mut().zip(&self.spectrum) {
            *magnitude = bin.norm_sqr().sqrt();
        }
        let bin_hz = f64::from(LISTEN_HZ) / WINDOW as f64;
        let bin_of = |midi: f64| (440.0 * ((midi - 69.0) / 12.0).exp2() / bin_hz) as usize;
        let (first, last) = (bin_of(BASS.0).max(2), bin_of(UPPER.1));
        let highest = self.magnitudes[first..last].iter().copied().fold(0.0, f32::max);
        let least = (highest * FAINT).max(SILENT);
        self.tuning *= REMEMBER;
        let shift = f64::from(harmony.tuning_cents) / 100.0;
        for bin in first..last {
            let (left, here, right) =
                (self.magnitudes[bin - 1], self.magnitudes[bin], self.magnitudes[bin + 1]);
            if here < least || here <= left || here < right {
                continue;
            }
            let (a, b, c) = (f64::from(left.ln()), f64::from(here.ln()), f64::from(right.ln()));
            let offset = 0.5 * (a - c) / (a - 2.0 * b + c);
            let offset = if offset.is_finite() { offset.clamp(-0.5, 0.5) } else { 0.0 };
            let midi = 69.0 + 12.0 * ((bin as f64 + offset) * bin_hz / 440.0).log2();
            // Compressed, so that loud notes do not drown the third of the chord.
            let strength = f64::from(here / highest).powf(COMPRESSION);
            if midi > 50.0 {
                self.tuning += Complex::from_polar(strength, std::f64::consts::TAU * midi.fract());
            }
            let tuned = midi - shift;
            let off = (tuned - tuned.round()) / WIDTH;
            let amount = (strength * (-0.5 * off * off).exp()) as f32;
            let class = (tuned.round() as i64).rem_euclid(12) as usize;
            if (UPPER.0..UPPER.1).contains(&tuned) {
                harmony.upper[class] += amount * upper_weight(tuned);
            }
            if (BASS.0..BASS.1).contains(&tuned) {
                harmony.bass[class] += amount;
            }
        }
        harmony
    }

    /// The tuning so far, in cents.
    fn cents(&self) -> f32 {
        if self.tuning.norm_sqr() < 1e-9 {
            0.0
        } else {
            (self.tuning.arg() / std::f64::consts::TAU * 100.0) as f32
        }
    }
}

/// How much a pitch counts.
fn upper_weight(midi: f64) -> f32 {
    let above = ((midi - FULL) / FADING).max(0.0);
    (-0.5 * above * above).exp() as f32
}

impl Default for HarmonyMeter {
    fn default() -> Self {
        Self::new()
    }
}
