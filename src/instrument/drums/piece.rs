//! One piece of the kit: resonances, a gliding tone and bands of noise, all struck together.
//!
//! A piece is never cut off by its next stroke: the stroke adds to what still rings, as on the real thing.

use std::f32::consts::TAU;

use crate::instrument::dsp::{BandPass, Noise, decay, glide, snap};
use crate::instrument::modes::{Bank, Mode, Sums};
use crate::song::Rng;

/// Most bands of noise in a piece.
const BANDS: usize = 4;
/// Amplitude below which a band or a tone counts as silent.
const QUIET: f32 = 1e-6;

/// One resonance of a piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partial {
    /// Frequency in Hz.
    pub hz: f32,
    /// Decay by 60 dB, in seconds.
    pub t60_s: f32,
    /// Amplitude at a full stroke.
    pub level: f32,
}

/// One band of noise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    /// Centre in Hz.
    pub hz: f32,
    /// Centre over bandwidth.
    pub q: f32,
    /// Time constant of its rise, in seconds.
    pub rise_s: f32,
    /// Decay by 60 dB, in seconds.
    pub t60_s: f32,
    /// Amplitude at a full stroke.
    pub level: f32,
}

/// A tone that glides down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sweep {
    /// Frequency at the stroke, in Hz.
    pub from_hz: f32,
    /// Frequency that it ends on, in Hz.
    pub to_hz: f32,
    /// Time constant of the glide, in seconds.
    pub glide_s: f32,
    /// Decay by 60 dB, in seconds.
    pub t60_s: f32,
    /// Amplitude at a full stroke.
    pub level: f32,
}

/// What a piece is made of.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// Its resonances.
    pub partials: Vec<Partial>,
    /// Its noise; at most four bands are used.
    pub bands: Vec<Band>,
    /// Its gliding tone.
    pub sweep: Option<Sweep>,
    /// Place from -1 (left) to 1 (right).
    pub pan: f32,
    /// How far its resonances spread around that place, 0 to 1.
    pub width: f32,
}

/// How a piece is struck.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    /// Overall amplitude.
    pub level: f32,
    /// Share of the resonances.
    pub partials: f32,
    /// Share of the noise.
    pub bands: f32,
    /// Share of the gliding tone.
    pub sweep: f32,
    /// Spectral tilt in dB an octave around 1 kHz.
    pub tilt_db: f32,
    /// Factor on the decay of the noise.
    pub length: f32,
    /// Strokes of the noise that follow one another (a clap has several), 11 ms apart.
    pub repeats: u8,
    /// Damping of the resonances by hand or pedal, as decay by 60 dB in seconds.
    pub damp_s: Option<f32>,
}

impl Stroke {
    /// A plain stroke.
    pub(super) const PLAIN: Self = Self {
        level: 1.0,
        partials: 1.0,
        bands: 1.0,
        sweep: 1.0,
        tilt_db: 0.0,
        length: 1.0,
        repeats: 0,
        damp_s: None,
    };
}

#[derive(Debug, Clone)]
struct NoiseBand {
    spec: Band,
    filter: BandPass,
    envelope: f32,
    heard: f32,
    factor: f32,
    rise: f32,
    again: f32,
}

/// One piece of the kit.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    rate_hz: f32,
    bank: Bank,
    bands: Vec<NoiseBand>,
    sweep: Option<Sweep>,
    /// Phase in turns, offset of the frequency, envelope and smoothed envelope of the gliding tone.
    tone: [f32; 4],
    tone_smooth: f32,
    noise: Noise,
    gains: (f32, f32),
    repeats: u8,
    until_repeat: usize,
    choke: f32,
}

impl Piece {
    /// Builds a piece.
    pub(super) fn new(recipe: &Recipe, rng: &mut Rng, rate_hz: f32) -> Self {
        let modes: Vec<Mode> = recipe
            .partials
            .iter()
            .map(|p| {
                let (left, right) = gains(recipe.pan + recipe.width * rng.signed() as f32);
                Mode { hz: p.hz, t60_s: p.t60_s, left: p.level * left, right: p.level * right }
            })
            .collect();
        let bands = recipe.bands.iter().take(BANDS).map(|spec| NoiseBand {
            spec: *spec,
            filter: BandPass::new(spec.hz, spec.q, rate_hz),
            envelope: 0.0,
            heard: 0.0,
            factor: 0.0,
            rise: glide(spec.rise_s, rate_hz),
            again: 0.0,
        });
        Self {
            rate_hz,
            bank: Bank::new(&modes, rate_hz),
            bands: bands.collect(),
            sweep: recipe.sweep,
            tone: [0.0; 4],
            tone_smooth: glide(0.000_5, rate_hz),
            noise: Noise::new(rate_hz),
            gains: gains(recipe.pan),
            repeats: 0,
            until_repeat: 0,
            choke: 1.0,
        }
    }

    /// Strikes the piece; `rng` makes this stroke differ from the others.
    pub(super) fn strike(&mut self, stroke: &Stroke, rng: &mut Rng) {
        self.noise.seed(rng.bits());
        self.choke = 1.0;
        let slope = stroke.tilt_db / 6.02;
        let tilt = |hz: f32| (hz / 1_000.0).powf(slope).clamp(0.1, 3.0);
        let level = stroke.level * (1.0 + 0.05 * rng.signed() as f32);
        self.bank.damp(stroke.damp_s);
        if stroke.partials > 0.0 {
            self.bank.strike(|hz| level * stroke.partials * tilt(hz) * (1.0 + 0.22 * rng.signed() as f32));
        }
        for band in &mut self.bands {
            let amount = level * stroke.bands * band.spec.level * tilt(band.spec.hz);
            let amount = amount * (1.0 + 0.08 * rng.signed() as f32);
            let length = stroke.length * (1.0 + 0.08 * rng.signed() as f32);
            let length = if stroke.repeats > 0 { 0.2 * length } else { length };
            band.factor = decay(band.spec.t60_s * length, self.rate_hz);
            band.envelope = band.envelope.max(amount);
            band.again = amount;
        }
        self.repeats = stroke.repeats;
        self.until_repeat = (0.011 * self.rate_hz) as usize;
        if let Some(sweep) = &self.sweep {
            let [phase, offset, envelope, heard] = &mut self.tone;
            if *heard < QUIET {
                *phase = 0.0;
            }
            *offset = (sweep.from_hz - sweep.to_hz) * (0.7 + 0.3 * level.min(1.0));
            *envelope = envelope.max(level * stroke.sweep * sweep.level);
        }
    }

    /// Lets everything that rings die within `t60_s`.
    pub(super) fn choke(&mut self, t60_s: f32) {
        self.bank.damp(Some(t60_s));
        self.choke = decay(t60_s, self.rate_hz);
        self.repeats = 0;
    }

    /// Adds `len` samples.
    pub(super) fn add(&mut self, sums: &mut Sums, len: usize) {
        self.bank.ring(sums, len);
        if self.bands.iter().any(|b| b.envelope > 0.0 || b.heard > 0.0) {
            for at in 0..len {
                let value = self.next_noise();
                sums.add(at, value * self.gains.0, value * self.gains.1);
            }
        }
        let Some(sweep) = self.sweep.filter(|_| self.tone[2] > 0.0 || self.tone[3] > 0.0) else { return };
        let bend = glide(sweep.glide_s, self.rate_hz);
        let fade = decay(sweep.t60_s, self.rate_hz) * self.choke;
        for at in 0..len {
            let [phase, offset, envelope, heard] = &mut self.tone;
            *offset -= bend * *offset;
            *envelope *= fade;
            *heard += self.tone_smooth * (*envelope - *heard);
            *phase += (sweep.to_hz + *offset) / self.rate_hz;
            *phase -= phase.floor();
            let value = *heard * (TAU * *phase).sin();
            sums.add(at, value * self.gains.0, value * self.gains.1);
        }
    }

    fn next_noise(&mut self) -> f32 {
        if self.repeats > 0 {
            self.until_repeat = self.until_repeat.saturating_sub(1);
            if self.until_repeat == 0 {
                self.repeats -= 1;
                self.until_repeat = (0.011 * self.rate_hz) as usize;
                for band in &mut self.bands {
                    band.envelope = band.envelope.max(band.again);
                    if self.repeats == 0 {
                        band.factor = decay(band.spec.t60_s, self.rate_hz);
                    }
                }
            }
        }
        let white = self.noise.next();
        let mut sum = 0.0;
        for band in &mut self.bands {
            band.envelope *= band.factor * self.choke;
            band.heard += band.rise * (band.envelope - band.heard);
            sum += band.filter.next(white) * band.heard;
        }
        sum
    }

    /// One control tick.
    pub(super) fn tick(&mut self) {
        if self.bank.is_active() {
            self.bank.tick();
        }
        for band in &mut self.bands {
            if band.envelope < QUIET && band.heard < QUIET {
                (band.envelope, band.heard) = (0.0, 0.0);
                if self.repeats == 0 {
                    band.filter.clear();
                }
            }
        }
        if self.tone[2] < QUIET && self.tone[3] < QUIET {
            self.tone = [0.0; 4];
        }
        self.tone[1] = snap(self.tone[1]);
    }

    /// Silences the piece.
    pub(super) fn clear(&mut self) {
        self.bank.clear();
        for band in &mut self.bands {
            band.filter.clear();
            (band.envelope, band.heard, band.again) = (0.0, 0.0, 0.0);
        }
        self.tone = [0.0; 4];
        self.noise.seed(0);
        (self.repeats, self.until_repeat, self.choke) = (0, 0, 1.0);
    }
}

/// Gains of both channels for a place from -1 to 1, with constant power.
fn gains(pan: f32) -> (f32, f32) {
    let angle = (pan.clamp(-1.0, 1.0) + 1.0) * std::f32::consts::FRAC_PI_4;
    (angle.cos(), angle.sin())
}
