//! One piece of the kit: resonances, a gliding tone and bands of noise, all struck together.
//!
//! A piece is never cut off by its next stroke: the stroke adds to what still rings, as on the real thing.

use std::f32::consts::TAU;

use multiversion::multiversion;

use crate::instrument::drive::MAX_TICK;
use crate::instrument::dsp::{BandPasses, Noise, decay, glide, snap};
use crate::instrument::modes::{Bank, Mode, Sums};
use crate::song::Rng;

/// Most bands of noise in a piece.
const BANDS: usize = 4;
/// Time between strokes of the noise that follow one another, in seconds.
const REPEAT_S: f32 = 0.011;
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

/// The bands of noise, side by side; those that are missing stay silent.
#[derive(Debug, Clone)]
struct Bands {
    specs: Vec<Band>,
    filters: BandPasses<BANDS>,
    envelope: [f32; BANDS],
    heard: [f32; BANDS],
    factor: [f32; BANDS],
    rise: [f32; BANDS],
    again: [f32; BANDS],
}

impl Bands {
    fn new(bands: &[Band], rate_hz: f32) -> Self {
        let specs: Vec<Band> = bands.iter().take(BANDS).copied().collect();
        let silent = Band { hz: 1_000.0, q: 1.0, rise_s: 0.001, t60_s: 0.1, level: 0.0 };
        let all: [Band; BANDS] = std::array::from_fn(|lane| specs.get(lane).copied().unwrap_or(silent));
        Self {
            specs,
            filters: BandPasses::new(all.map(|band| (band.hz, band.q)), rate_hz),
            envelope: [0.0; BANDS],
            heard: [0.0; BANDS],
            factor: [0.0; BANDS],
            rise: all.map(|band| glide(band.rise_s, rate_hz)),
            again: [0.0; BANDS],
        }
    }

    fn sound(&self) -> bool {
        self.envelope.iter().chain(&self.heard).any(|level| *level > 0.0)
    }
}

/// One piece of the kit.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    rate_hz: f32,
    bank: Bank,
    bands: Bands,
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
        Self {
            rate_hz,
            bank: Bank::new(&modes, rate_hz),
            bands: Bands::new(&recipe.bands, rate_hz),
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
        let bands = &mut self.bands;
        for (lane, spec) in bands.specs.iter().enumerate() {
            let amount = level * stroke.bands * spec.level * tilt(spec.hz);
            let amount = amount * (1.0 + 0.08 * rng.signed() as f32);
            let length = stroke.length * (1.0 + 0.08 * rng.signed() as f32);
            let length = if stroke.repeats > 0 { 0.2 * length } else { length };
            bands.factor[lane] = decay(spec.t60_s * length, self.rate_hz);
            bands.envelope[lane] = bands.envelope[lane].max(amount);
            bands.again[lane] = amount;
        }
        self.repeats = stroke.repeats;
        self.until_repeat = (REPEAT_S * self.rate_hz) as usize;
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
        if self.bands.sound() {
            self.hiss(sums, len);
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

    /// Adds its noise, and strikes it again where one stroke follows another.
    fn hiss(&mut self, sums: &mut Sums, len: usize) {
        let mut at = 0;
        while at < len {
            if self.repeats > 0 && self.until_repeat == 0 {
                self.repeat();
            }
            let steady = if self.repeats > 0 { self.until_repeat.min(len - at) } else { len - at };
            let mut noise = [0.0; MAX_TICK];
            let noise = &mut noise[..steady.min(MAX_TICK)];
            hiss(&mut self.bands, &mut self.noise, self.choke, noise);
            self.until_repeat = self.until_repeat.saturating_sub(noise.len());
            for value in noise {
                sums.add(at, *value * self.gains.0, *value * self.gains.1);
                at += 1;
            }
        }
    }

    /// The next of several strokes of the noise.
    fn repeat(&mut self) {
        self.repeats -= 1;
        self.until_repeat = (REPEAT_S * self.rate_hz) as usize;
        let bands = &mut self.bands;
        for (lane, spec) in bands.specs.iter().enumerate() {
            bands.envelope[lane] = bands.envelope[lane].max(bands.again[lane]);
            if self.repeats == 0 {
                bands.factor[lane] = decay(spec.t60_s, self.rate_hz);
            }
        }
    }

    /// One control tick.
    pub(super) fn tick(&mut self) {
        if self.bank.is_active() {
            self.bank.tick();
        }
        let bands = &mut self.bands;
        bands.filters.tick();
        for lane in 0..BANDS {
            if bands.envelope[lane] < QUIET && bands.heard[lane] < QUIET {
                (bands.envelope[lane], bands.heard[lane]) = (0.0, 0.0);
                if self.repeats == 0 {
                    bands.filters.clear_one(lane);
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
        let silent = [0.0; BANDS];
        (self.bands.envelope, self.bands.heard, self.bands.again) = (silent, silent, silent);
        (0..BANDS).for_each(|lane| self.bands.filters.clear_one(lane));
        self.tone = [0.0; 4];
        self.noise.seed(0);
        (self.repeats, self.until_repeat, self.choke) = (0, 0, 1.0);
    }
}

/// Fills `out` with all bands of a noise, while they fade by another factor as well.
#[multiversion(targets("x86_64+avx2"))]
fn hiss(bands: &mut Bands, noise: &mut Noise, choke: f32, out: &mut [f32]) {
    let (mut filters, mut envelope, mut heard) = (bands.filters, bands.envelope, bands.heard);
    let (factor, rise, mut white) = (bands.factor.map(|factor| factor * choke), bands.rise, *noise);
    for out in out {
        let filtered = filters.next(white.next());
        *out = 0.0;
        for lane in 0..BANDS {
            envelope[lane] *= factor[lane];
            heard[lane] += rise[lane] * (envelope[lane] - heard[lane]);
            *out += filtered[lane] * heard[lane];
        }
    }
    (bands.filters, bands.envelope, bands.heard, *noise) = (filters, envelope, heard, white);
}

/// Gains of both channels for a place from -1 to 1, with constant power.
fn gains(pan: f32) -> (f32, f32) {
    let angle = (pan.clamp(-1.0, 1.0) + 1.0) * std::f32::consts::FRAC_PI_4;
    (angle.cos(), angle.sin())
}
