//! What is left of the echo, turned down: a Wiener gain by bin (decision-directed: Ephraim & Malah, IEEE Trans. ASSP 32,
//! 1984), applied as a short filter of least phase so that nothing is delayed (Loellmann & Vary, EURASIP J. ASP 2007).

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

use super::SHAPE;
use crate::limits::LISTEN_HOP;
use crate::separate::Residue;

/// Length of a transform in samples: the hop that is there and the one before.
const SIZE: usize = 2 * LISTEN_HOP;
/// Bins of a transform.
const BINS: usize = SIZE / 2 + 1;
/// Bins of the filter for one of these.
const FINER: usize = (SHAPE.bins() - 1) / (BINS - 1);
/// Least gain: -20 dB.
const FLOOR: f32 = 0.1;
/// How much of what the filter is unsure of is taken for echo. It has to be unsure of more than it leaves, or else it
/// would stop learning; the voice is not to pay for that.
const LEFT: f32 = 0.02;
/// Where all that is heard is no more than the first so many times what the filter is unsure of, nobody sings and all of
/// the latter is taken for echo; from the second on somebody does.
const NOBODY: (f32, f32) = (1.0, 4.0);
/// Share of the ratio of voice and echo that is kept from one hop to the next.
const MEMORY: f32 = 0.8;
/// Power of a bin that is silence: 120 dB below full scale.
const SILENT: f32 = 1e-12 * (LISTEN_HOP * LISTEN_HOP) as f32;

const ZERO: Complex<f32> = Complex::new(0.0, 0.0);
type Spectrum = [Complex<f32>; BINS];

/// Turns down what is left of the echo.
pub(super) struct Suppressor {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    scratch: Vec<Complex<f32>>,
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    /// Shape of what is looked at, see [`raised`].
    window: [f32; SIZE],
    /// What a power of [`Residue`] is in a transform of this kind, by bin.
    share: [f32; BINS],
    /// The last samples of voice and echo.
    voice: [f32; SIZE],
    echo: [f32; SIZE],
    /// Power of what was let through in the last hop, by bin.
    passed: [f32; BINS],
    gain: [f32; BINS],
    /// The filter of the last hop.
    response: Spectrum,
}

impl std::fmt::Debug for Suppressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suppressor").finish_non_exhaustive()
    }
}

impl Suppressor {
    /// Plans the transforms.
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(SIZE);
        let inverse = planner.plan_fft_inverse(SIZE);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let window: [f32; SIZE] = std::array::from_fn(raised);
        Self {
            scratch: vec![ZERO; scratch],
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            forward,
            inverse,
            share: std::array::from_fn(|bin| {
                window.iter().map(|w| w * w).sum::<f32>()
                    / (SHAPE.length() as f32 * SHAPE.emphasis(bin * FINER))
            }),
            window,
            voice: [0.0; SIZE],
            echo: [0.0; SIZE],
            passed: [0.0; BINS],
            gain: [1.0; BINS],
            response: [Complex::new(1.0, 0.0); BINS],
        }
    }

    /// Forgets everything heard.
    pub(super) fn reset(&mut self) {
        self.rest(&[0.0; LISTEN_HOP]);
        self.voice.fill(0.0);
    }

    /// Takes a hop that holds no echo.
    pub(super) fn rest(&mut self, voice: &[f32; LISTEN_HOP]) {
        push(&mut self.voice, voice);
        self.echo.fill(0.0);
        self.passed.fill(0.0);
        self.gain.fill(1.0);
        self.response.fill(Complex::new(1.0, 0.0));
    }

    /// Turns down what is left of an echo in a hop from which that echo was subtracted.
    pub(super) fn process(
        &mut self,
        voice: &mut [f32; LISTEN_HOP],
        echo: &[f32; LISTEN_HOP],
        residue: &Residue<'_>,
    ) {
        push(&mut self.voice, voice);
        push(&mut self.echo, echo);
        self.weigh(residue);
        self.make_response();
        self.filter(voice);
    }

    /// Finds the gain of every bin.
    fn weigh(&mut self, residue: &Residue<'_>) {
        let mut echo = [0.0f32; BINS];
        self.look_at_echo();
        for (echo, bin) in echo.iter_mut().zip(&self.spectrum) {
            *echo = bin.norm_sqr();
        }
        self.look_at_voice();
        let nobody = nobody(residue);
        for (bin, echo) in echo.iter().enumerate() {
            let finer = bin * FINER;
            let (from, to) = (finer.saturating_sub(FINER / 2), (finer + FINER / 2).min(SHAPE.bins() - 1));
            let sum = |powers: &[f32]| powers[from..=to].iter().sum::<f32>();
            let (unsure, subtracted) = (sum(residue.unsure), sum(residue.subtracted));
            let always = LEFT * echo * unsure / (subtracted + unsure + SILENT);
            let alone = nobody * self.share[bin] * unsure / (to - from + 1) as f32;
            let left = always.max(alone) + SILENT;
            let heard = self.spectrum[bin].norm_sqr();
            let ratio = MEMORY * self.passed[bin] / left + (1.0 - MEMORY) * (heard / left - 1.0).max(0.0);
            let gain = (ratio / (1.0 + ratio)).max(FLOOR);
            self.gain[bin] = gain;
            self.passed[bin] = gain * gain * heard;
        }
    }

    /// The filter of least phase that has the gains: the cepstrum folded to its causal side.
    fn make_response(&mut self) {
        for (bin, gain) in self.spectrum.iter_mut().zip(&self.gain) {
            *bin = Complex::new(gain.ln(), 0.0);
        }
        self.back();
        for sample in &mut self.time[1..LISTEN_HOP] {
            *sample *= 2.0;
        }
        self.time[LISTEN_HOP + 1..].fill(0.0);
        self.transform();
        for bin in &mut self.spectrum {
            *bin = bin.exp();
        }
        self.back();
        // As long as can be told from what a transform wraps round.
        self.time[LISTEN_HOP..].fill(0.0);
        self.transform();
    }

    /// Filters a hop, from the filter of the last hop to this one's, which is in `spectrum`.
    fn filter(&mut self, hop: &mut [f32; LISTEN_HOP]) {
        let before = self.response;
        self.response.copy_from_slice(&self.spectrum);
        self.apply(&before);
        hop.copy_from_slice(&self.time[LISTEN_HOP..]);
        let now = self.response;
        self.apply(&now);
        for (index, (sample, now)) in hop.iter_mut().zip(&self.time[LISTEN_HOP..]).enumerate() {
            *sample += (now - *sample) * (index + 1) as f32 / LISTEN_HOP as f32;
        }
    }

    fn apply(&mut self, response: &Spectrum) {
        self.time.copy_from_slice(&self.voice);
        self.transform();
        for (bin, response) in self.spectrum.iter_mut().zip(response) {
            *bin *= response;
        }
        self.back();
    }

    fn look_at_echo(&mut self) {
        for ((place, sample), window) in self.time.iter_mut().zip(&self.echo).zip(&self.window) {
            *place = sample * window;
        }
        self.transform();
    }

    fn look_at_voice(&mut self) {
        for ((place, sample), window) in self.time.iter_mut().zip(&self.voice).zip(&self.window) {
            *place = sample * window;
        }
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

/// Whether nobody sings, 0 to 1.
fn nobody(residue: &Residue<'_>) -> f32 {
    let sum = |powers: &[f32]| powers.iter().sum::<f32>();
    let ratio = sum(residue.error) / (sum(residue.unsure) + SILENT);
    ((NOBODY.1 - ratio) / (NOBODY.1 - NOBODY.0)).clamp(0.0, 1.0)
}

/// A window over the transform that rises for three quarters of it and falls in the last: what is new counts.
fn raised(n: usize) -> f32 {
    let (at, fall) = (n as f32 + 0.5, SIZE as f32 / 4.0);
    let share = if at < SIZE as f32 - fall { at / (SIZE as f32 - fall) } else { (SIZE as f32 - at) / fall };
    0.5 - 0.5 * (std::f32::consts::PI * share).cos()
}

/// Moves a hop into a line of two.
fn push(line: &mut [f32; SIZE], hop: &[f32; LISTEN_HOP]) {
    line.copy_within(LISTEN_HOP.., 0);
    line[LISTEN_HOP..].copy_from_slice(hop);
}
