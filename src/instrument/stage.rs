//! The place of each part: instrument -> gain -> place -> room -> soft ceiling -> silence.

use std::f32::consts::{FRAC_PI_4, SQRT_2};

use super::Instrument;
use super::bass::Bass;
use super::drums::Drums;
use super::dsp::{amplitude, one_pole, snap};
use super::guitar::Guitar;
use super::room::{Room, RoomSpec};
use super::soundfont::{Sampled, Sounds};
use super::strings::Strings;
use super::tone::Tone;
use crate::audio::StereoBlock;
use crate::perform::NoteEvent;
use crate::score::Part;
use crate::song::Seed;
use crate::time::{Hz, SampleCount, SampleTime};

/// Share of a ceiling up to which samples pass unchanged.
const KNEE: f32 = 0.7;

/// Highest magnitude of a sample in the stem of a part, relative to full scale.
pub const fn ceiling(part: Part) -> f32 {
    match part {
        Part::Guitar => 0.22,
        Part::Drums => 0.34,
        Part::Strings => 0.20,
        Part::Bass => 0.22,
    }
}

// Four stems at their ceilings still fit in full scale, with room for rounding to whole numbers.
const _: () = assert!(
    ceiling(Part::Guitar) + ceiling(Part::Drums) + ceiling(Part::Strings) + ceiling(Part::Bass) < 0.999
);

/// One room for all: only how far in it they stand differs, so that the band plays in one place.
fn room(wet: f32) -> RoomSpec {
    RoomSpec { wet, t60_s: 1.1, pre_delay_s: 0.014, damping_hz: 5_000.0 }
}

/// Amplitude under which a tail counts as over: -120 dB relative to full scale.
const OVER: f32 = 1e-6;
/// It has to stay under that for so long, and is then faded within so much, in seconds.
const OVER_FOR_S: f64 = 0.05;
const FADE_S: f64 = 0.01;

/// Ends tails: once nothing louder than [`OVER`] comes for a while, nothing at all comes until something does.
#[derive(Debug, Clone)]
struct Silence {
    quiet: usize,
    after: usize,
    fade: usize,
}

impl Silence {
    fn new(rate: Hz) -> Self {
        let (after, fade) = (rate.count(OVER_FOR_S).0 as usize, rate.count(FADE_S).0.max(1) as usize);
        Self { quiet: after + fade, after, fade }
    }

    fn process(&mut self, out: &mut StereoBlock<'_>) {
        for (left, right) in out.left.iter_mut().zip(out.right.iter_mut()) {
            self.quiet = if left.abs().max(right.abs()) >= OVER { 0 } else { self.quiet + 1 };
            if self.quiet > self.after {
                let faded = (self.quiet - self.after).min(self.fade);
                self.quiet = self.after + faded;
                let gain = 1.0 - faded as f32 / self.fade as f32;
                (*left, *right) = (*left * gain, *right * gain);
            }
        }
    }

    fn reset(&mut self) {
        self.quiet = self.after + self.fade;
    }
}

/// One part from its note events to its stem.
pub struct PartChannel {
    part: Part,
    instrument: Box<dyn Instrument>,
    /// From (left, right) to left, and to right.
    matrix: [[f32; 2]; 2],
    room: Room,
    /// Coefficient of a low-pass over the part, and its states.
    low_pass: Option<f32>,
    low: [[f32; 2]; 2],
    ceiling: f32,
    silence: Silence,
}

/// The built-in instrument of a part.
pub fn built_in(part: Part, rate: Hz, seed: Seed, tone: &Tone) -> Box<dyn Instrument> {
    match part {
        Part::Guitar => Box::new(Guitar::new(rate, seed, &tone.guitar)),
        Part::Drums => Box::new(Drums::new(rate, seed, &tone.drums)),
        Part::Strings => Box::new(Strings::new(rate, seed, &tone.strings)),
        Part::Bass => Box::new(Bass::new(rate, seed, &tone.bass)),
    }
}

/// Builds the channel of a part with its built-in instrument; allocates everything that it will need.
pub fn channel(part: Part, rate: Hz, seed: Seed) -> PartChannel {
    channel_with(part, rate, seed, &Sounds::default())
}

/// The same with the instrument that `sounds` gives the part. Where a bank cannot be played at the rate, below 16 kHz or
/// above 192 kHz, it is the built-in one.
pub fn channel_with(part: Part, rate: Hz, seed: Seed, sounds: &Sounds) -> PartChannel {
    let sampled = sounds.of(part).and_then(|sampling| Sampled::new(part, rate, sampling));
    let instrument = match sampled {
        Some(sampled) => Box::new(sampled),
        None => built_in(part, rate, seed, sounds.tone()),
    };
    let place = sounds.tone().place(part);
    let gain = amplitude(place.gain_db);
    let angle = (place.pan + 1.0) * FRAC_PI_4;
    // 1 on both sides in the middle.
    let (left, right) = (gain * SQRT_2 * angle.cos(), gain * SQRT_2 * angle.sin());
    let (same, other) = (0.5 * (1.0 + place.width), 0.5 * (1.0 - place.width));
    PartChannel {
        part,
        instrument,
        matrix: [[left * same, left * other], [right * other, right * same]],
        room: Room::new(room(place.room), rate),
        low_pass: place.low_pass_hz.map(|hz| one_pole(hz, rate.0 as f32)),
        low: [[0.0; 2]; 2],
        ceiling: ceiling(part),
        silence: Silence::new(rate),
    }
}

impl PartChannel {
    /// The part that it plays.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Delay between an event's position and its sound.
    pub fn latency(&self) -> SampleCount {
        self.instrument.latency()
    }

    /// Silences everything and returns to the state after [`channel`].
    pub fn reset(&mut self) {
        self.instrument.reset();
        self.room.reset();
        self.low = [[0.0; 2]; 2];
        self.silence.reset();
    }

    /// Overwrites `out`, whose first sample lies at `start`, with the part's stem.
    ///
    /// `events` are this part's, sorted by position, all inside the block. No sample exceeds [`ceiling`]. Allocates
    /// nothing.
    pub fn process(&mut self, start: SampleTime, events: &[NoteEvent], out: &mut StereoBlock<'_>) {
        self.instrument.process(start, events, out);
        let [to_left, to_right] = self.matrix;
        for (left, right) in out.left.iter_mut().zip(out.right.iter_mut()) {
            let (l, r) = (*left, *right);
            *left = to_left[0] * l + to_left[1] * r;
            *right = to_right[0] * l + to_right[1] * r;
        }
        if let Some(coefficient) = self.low_pass {
            for (side, states) in [&mut *out.left, &mut *out.right].into_iter().zip(&mut self.low) {
                for sample in side.iter_mut() {
                    for state in states.iter_mut() {
                        *state = snap(*state + coefficient * (*sample - *state));
                        *sample = *state;
                    }
                }
            }
        }
        self.room.process(out);
        for sample in out.left.iter_mut().chain(out.right.iter_mut()) {
            *sample = soften(*sample, self.ceiling);
        }
        self.silence.process(out);
    }
}

/// Keeps a sample below a ceiling: the identity up to the knee, then a smooth bend.
fn soften(sample: f32, ceiling: f32) -> f32 {
    let (magnitude, knee) = (sample.abs(), KNEE * ceiling);
    if magnitude <= knee {
        return sample;
    }
    let room = ceiling - knee;
    let bent = knee + room * ((magnitude - knee) / room).tanh();
    // Not a number falls through to 0.
    if bent.is_finite() { bent.min(ceiling).copysign(sample) } else { 0.0 }
}
