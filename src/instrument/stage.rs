//! The place of each part: instrument -> gain -> place -> room -> soft ceiling.

use std::f32::consts::{FRAC_PI_4, SQRT_2};

use super::Instrument;
use super::bass::Bass;
use super::drums::Drums;
use super::dsp::amplitude;
use super::guitar::Guitar;
use super::room::{Room, RoomSpec};
use super::soundfont::{Sampled, Sounds};
use super::strings::Strings;
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

/// Where and how loudly a part stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    gain_db: f32,
    /// -1 (left) to 1 (right).
    pan: f32,
    /// Factor on the difference of both channels.
    width: f32,
    room: RoomSpec,
}

fn place(part: Part) -> Place {
    let room = |wet, t60_s, damping_hz| RoomSpec { wet, t60_s, pre_delay_s: 0.018, damping_hz };
    match part {
        Part::Guitar => Place { gain_db: -11.8, pan: -0.25, width: 0.9, room: room(0.14, 1.1, 5_000.0) },
        Part::Drums => Place { gain_db: -8.5, pan: 0.0, width: 1.3, room: room(0.10, 0.7, 6_500.0) },
        Part::Strings => Place { gain_db: -17.2, pan: 0.0, width: 1.15, room: room(0.30, 2.2, 4_500.0) },
        Part::Bass => Place { gain_db: -12.0, pan: 0.0, width: 0.0, room: room(0.02, 0.5, 2_500.0) },
    }
}

/// One part from its note events to its stem.
pub struct PartChannel {
    part: Part,
    instrument: Box<dyn Instrument>,
    /// From (left, right) to left, and to right.
    matrix: [[f32; 2]; 2],
    room: Room,
    ceiling: f32,
}

/// The built-in instrument of a part.
pub(super) fn built_in(part: Part, rate: Hz, seed: Seed) -> Box<dyn Instrument> {
    match part {
        Part::Guitar => Box::new(Guitar::new(rate, seed)),
        Part::Drums => Box::new(Drums::new(rate, seed)),
        Part::Strings => Box::new(Strings::new(rate, seed)),
        Part::Bass => Box::new(Bass::new(rate, seed)),
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
        None => built_in(part, rate, seed),
    };
    let place = place(part);
    let gain = amplitude(place.gain_db);
    let angle = (place.pan + 1.0) * FRAC_PI_4;
    // 1 on both sides in the middle.
    let (left, right) = (gain * SQRT_2 * angle.cos(), gain * SQRT_2 * angle.sin());
    let (same, other) = (0.5 * (1.0 + place.width), 0.5 * (1.0 - place.width));
    PartChannel {
        part,
        instrument,
        matrix: [[left * same, left * other], [right * other, right * same]],
        room: Room::new(place.room, rate),
        ceiling: ceiling(part),
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
        self.room.process(out);
        for sample in out.left.iter_mut().chain(out.right.iter_mut()) {
            *sample = soften(*sample, self.ceiling);
        }
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
