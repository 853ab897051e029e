//! Drum kit: keys of General MIDI's percussion map.

mod metals;
mod piece;
mod skins;

use piece::{Piece, Recipe, Stroke};

use super::Instrument;
use super::drive::{Engine, MAX_TICK, drive, tick_samples};
use super::dsp::{one_pole, snap};
use super::modes::Sums;
use super::tone::{DrumsBuild, DrumsTone};
use crate::audio::StereoBlock;
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::score::{Articulation, MidiNote, Velocity};
use crate::song::{Rng, Seed};
use crate::time::{Hz, SampleCount, SampleTime};

// Positions in `Drums::pieces`.
const KICK: usize = 0;
const SNARE: usize = 1;
const CROSS_STICK: usize = 2;
const CLAP: usize = 3;
const TOMS: usize = 4;
const HAT_CLOSED: usize = 10;
const HAT_OPEN: usize = 11;
const CRASH: usize = 12;
const CRASH_2: usize = 13;
const RIDE: usize = 14;
const BELL: usize = 15;
const TAMBOURINE: usize = 16;
const COWBELL: usize = 17;
const SHAKER: usize = 18;
const SPLASH: usize = 19;

/// A hi-hat whose cymbals touch: factor on the decay of its noise, decay of its resonances by 60 dB in seconds, and share
/// of its noise: they rattle.
const HALF_OPEN: (f32, f32, f32) = (0.3, 0.7, 1.3);
/// Corner of the high-pass that keeps a kick from shifting the whole stem, in Hz.
const RUMBLE_HZ: f32 = 18.0;

/// A drum kit as the audience sees it: hi-hat on the right, floor tom and ride on the left.
///
/// Each piece exists once and rings on under its next stroke, so there are no voices to steal.
pub struct Drums {
    tick: usize,
    seed: Seed,
    pieces: Vec<Piece>,
    sums: Box<Sums>,
    rumble: [f32; 2],
    rumble_coefficient: f32,
}

impl Drums {
    /// A kit at a sample rate; the seed shapes its metal and varies its strokes.
    pub fn new(rate: Hz, seed: Seed, tone: &DrumsTone) -> Self {
        let mut rng = seed.named("drum kit", 0);
        let rng = &mut rng;
        let snare = if tone.build == DrumsBuild::Brushes { skins::brushed() } else { skins::snare() };
        let mut recipes = vec![skins::kick(), snare, skins::cross_stick(), skins::clap()];
        for (hz, pan) in
            [(74.0, -0.45), (88.0, -0.32), (105.0, -0.15), (125.0, 0.02), (148.0, 0.16), (176.0, 0.28)]
        {
            recipes.push(skins::tom(hz, pan));
        }
        recipes.extend([
            metals::hat_closed(rng),
            metals::hat_open(rng),
            metals::crash(rng, 1.0, 0.4),
            metals::crash(rng, 0.88, -0.45),
            metals::ride(rng),
            metals::bell(rng),
            metals::tambourine(rng),
            metals::cowbell(),
            skins::shaker(),
            metals::crash(rng, 1.5, 0.2),
        ]);
        for (index, recipe) in recipes.iter_mut().enumerate() {
            let is_skin = (KICK..HAT_CLOSED).contains(&index);
            set_up(recipe, tone, is_skin);
        }
        let pieces = recipes.iter().map(|recipe| Piece::new(recipe, rng, rate.0 as f32)).collect();
        Self {
            tick: tick_samples(rate),
            seed,
            pieces,
            sums: Box::new(Sums::new()),
            rumble: [0.0; 2],
            rumble_coefficient: one_pole(RUMBLE_HZ, rate.0 as f32),
        }
    }

    fn strike(&mut self, id: NoteId, key: MidiNote, velocity: Velocity, played: Articulation) {
        let Some((mut piece, mut stroke)) = stroke(key.0, velocity.fraction()) else { return };
        let mut rng: Rng = self.seed.named("stroke", u64::from(id.0) << 8 | u64::from(key.0));
        match played {
            Articulation::Ghost => {
                stroke.level *= 0.5;
                stroke.tilt_db -= 1.0;
            }
            Articulation::Muted => stroke.damp_s = Some(0.12),
            _ => {}
        }
        if piece == HAT_CLOSED
            && let Some(open) = self.pieces.get_mut(HAT_OPEN)
        {
            open.choke(0.07);
        }
        if piece == HAT_CLOSED && played == Articulation::HalfOpen {
            piece = HAT_OPEN;
            stroke = Stroke { length: HALF_OPEN.0, damp_s: Some(HALF_OPEN.1), bands: HALF_OPEN.2, ..stroke };
        }
        if let Some(piece) = self.pieces.get_mut(piece) {
            piece.strike(&stroke, &mut rng);
        }
    }
}

/// Makes a recipe one of this kit.
fn set_up(recipe: &mut Recipe, tone: &DrumsTone, is_skin: bool) {
    let is_brushed = tone.build == DrumsBuild::Brushes;
    let (pitch, ring) = if is_skin { (tone.pitch, tone.ring) } else { (1.0, tone.shimmer) };
    for partial in &mut recipe.partials {
        partial.hz *= pitch;
        partial.t60_s *= ring;
        // Wires of steel weigh less than a stick: metal hardly speaks of itself.
        partial.level *= if is_brushed && !is_skin { 0.7 } else { 1.0 };
    }
    for band in &mut recipe.bands {
        band.level *= tone.snap;
        band.t60_s *= ring.sqrt();
        if is_brushed {
            band.rise_s += 0.003;
        }
    }
    if let Some(sweep) = &mut recipe.sweep {
        (sweep.from_hz, sweep.to_hz) = (sweep.from_hz * pitch, sweep.to_hz * pitch);
        sweep.t60_s *= ring;
    }
}

/// The piece that a key strikes, and how; `velocity` is 0 to 1.
fn stroke(key: u8, velocity: f32) -> Option<(usize, Stroke)> {
    let hard = velocity - 0.75;
    let drum = Stroke { level: velocity.powf(1.35), tilt_db: 3.5 * hard, ..Stroke::PLAIN };
    // Metal speaks at a light touch already.
    let metal = Stroke { level: 0.85 * velocity.powf(1.25), tilt_db: 2.5 * hard, ..Stroke::PLAIN };
    let crash = Stroke { level: 0.65 * metal.level, ..metal };
    Some(match key {
        35 => (KICK, Stroke { tilt_db: drum.tilt_db - 1.2, level: 1.05 * drum.level, ..drum }),
        36 => (KICK, drum),
        37 => (CROSS_STICK, drum),
        38 => (SNARE, Stroke { length: 0.85 + 0.2 * velocity, ..drum }),
        39 => (CLAP, Stroke { repeats: 3, ..drum }),
        40 => (SNARE, Stroke { partials: 1.25, bands: 0.85, tilt_db: drum.tilt_db + 0.8, ..drum }),
        41 => (TOMS, drum),
        43 => (TOMS + 1, drum),
        45 => (TOMS + 2, drum),
        47 => (TOMS + 3, drum),
        48 => (TOMS + 4, drum),
        50 => (TOMS + 5, drum),
        42 => (HAT_CLOSED, metal),
        44 => (HAT_CLOSED, Stroke { level: 0.55 * metal.level, bands: 0.7, length: 0.6, ..metal }),
        46 => (HAT_OPEN, metal),
        49 => (CRASH, crash),
        52 => (CRASH_2, Stroke { bands: 1.5, partials: 0.9, tilt_db: metal.tilt_db + 0.5, ..crash }),
        57 => (CRASH_2, crash),
        55 => (SPLASH, Stroke { level: 0.7 * metal.level, length: 0.4, damp_s: Some(0.9), ..metal }),
        51 | 59 => (RIDE, metal),
        53 => (BELL, metal),
        54 => (TAMBOURINE, metal),
        56 => (COWBELL, drum),
        69 | 70 | 82 => (SHAKER, metal),
        _ => return None,
    })
}

impl Engine for Drums {
    fn tick_samples(&self) -> usize {
        self.tick
    }

    fn event(&mut self, kind: EventKind) {
        if let EventKind::NoteOn { id, pitch, velocity, articulation } = kind {
            self.strike(id, pitch, velocity, articulation);
        }
    }

    fn tick(&mut self) {
        for piece in &mut self.pieces {
            piece.tick();
        }
        self.rumble = self.rumble.map(snap);
    }

    fn chunk(&mut self, left: &mut [f32], right: &mut [f32]) {
        let len = left.len().min(MAX_TICK);
        self.sums.clear(len);
        for piece in &mut self.pieces {
            piece.add(&mut self.sums, len);
        }
        left.fill(0.0);
        right.fill(0.0);
        self.sums.add_to(left, right);
        for (side, low) in [left, right].into_iter().zip(&mut self.rumble) {
            for sample in side {
                *low += self.rumble_coefficient * (*sample - *low);
                *sample -= *low;
            }
        }
    }
}

impl Instrument for Drums {
    fn reset(&mut self) {
        for piece in &mut self.pieces {
            piece.clear();
        }
        self.rumble = [0.0; 2];
    }

    fn process(&mut self, start: SampleTime, events: &[NoteEvent], out: &mut StereoBlock<'_>) {
        drive(self, start, events, out);
    }

    fn latency(&self) -> SampleCount {
        SampleCount(0)
    }
}
