//! A part played by a SoundFont.
//!
//! Every note has a player of its own in the bank, so that it can be choked, damped and stolen by a gain that is ours and
//! smooth, whatever releases and exclusive classes the bank has. Players render on a grid of the time line: a note
//! begins at the first point of the grid at or after its event, less than 0.2 ms later.

use std::f32::consts::PI;

use rustysynth_ext::{Synthesizer, SynthesizerSettings};

use super::bank::{KITS, Preset};
use super::sounds::Sampling;
use crate::audio::StereoBlock;
use crate::instrument::drive::{Engine, MAX_TICK, drive, tick_samples};
use crate::instrument::dsp::{Declick, Smooth, amplitude, decay};
use crate::instrument::tuned::{Tuning, fold};
use crate::instrument::voices::{Hold, pick};
use crate::instrument::{Instrument, courses};
use crate::limits::MAX_VOICES;
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::score::{Articulation, MidiNote, Part, Velocity};
use crate::time::{Hz, SampleCount, SampleTime};

/// Most samples from one point of the grid to the next.
const MAX_GRID: usize = MAX_TICK / 4;
/// Layers of a note that sound at once; the library's least.
const LAYERS: usize = 8;
/// Channels of the library: for what has a pitch, and for kits.
const PITCHED: i32 = 0;
const KIT: i32 = 9;
/// Semitones of a full pitch bend: as far as a part is tuned.
const BEND_SEMITONES: i32 = 12;
/// Most of the silence before a note that is left out, in seconds: where a bank says nothing its format has every note
/// wait 1 ms, and samples begin with more.
const LEAD_S: f32 = 0.004;
/// What brings the library about to the level of the built-in sounds, in dB.
pub(super) const USUAL_DB: f32 = 15.0;
/// Louder than this no part is, whatever a bank holds; full scale is 1.
const LOUDEST: f32 = 8.0;
/// A gain that is as good as 0.
const SILENT: f32 = 1e-4;
/// How long a string takes to fall silent under the next note, and a bass, in seconds.
const CHOKE_S: f32 = 0.015;
const BASS_CHOKE_S: f32 = 0.025;
/// The same for an open hi-hat that closes.
const HAT_S: f32 = 0.04;
/// Decay by 60 dB of what is let go, in seconds: low and high strings of a guitar, the bass.
const LOW_STRING_S: f32 = 0.22;
const HIGH_STRING_S: f32 = 0.16;
const BASS_S: f32 = 0.18;
/// Bowed notes die away as the bank has it, but in no more than this.
const BOWED_S: f32 = 1.2;
/// The same for palm mutes of a bank without them, and for ghost notes.
const MUTED_S: f32 = 0.4;
const GHOST_S: f32 = 0.12;
/// The same after a finger plucked a bowed string, and after a bow bounced off it.
const PLUCKED_S: f32 = 0.9;
const BOUNCED_S: f32 = 0.45;
/// The same for a struck piece that is damped at once.
const DAMPED_PIECE_S: f32 = 0.12;
/// Decay of a half-open hi-hat by 60 dB, in seconds.
const HALF_OPEN_S: f32 = 0.6;
/// Gain of a note that no finger plucked, and of a string that is bowed over the fingerboard, beside the softer sample that
/// it is played with.
const HAMMERED: f32 = 0.7;
const OVER_FINGERBOARD: f32 = 1.2;
/// A player that was silent for so long after it sounded is free, in seconds, and one that has not sounded yet.
const SPENT_S: f32 = 0.1;
const MUTE_S: f32 = 2.0;
/// Keys of the hi-hat: closed, by foot, open.
const HAT: [u8; 2] = [42, 44];
const OPEN_HAT: u8 = 46;

/// How a note dies before the bank lets it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fade {
    /// It does not.
    None,
    /// By a factor every step of the grid.
    Damp(f32),
    /// From a gain to 0 in some steps, of which some are done.
    Choke { from: f32, done: f32, steps: f32 },
}

/// One note.
struct Player {
    synth: Synthesizer,
    hold: Hold,
    age: usize,
    /// The string that it is played on.
    course: usize,
    key: u8,
    fade: Fade,
    gain: f32,
    next_gain: f32,
    /// Steps of the grid without a sound.
    quiet: usize,
    has_sounded: bool,
    /// Last sample that was heard, left and right.
    last: (f32, f32),
    /// The first step of a note, where it was rendered in advance.
    ahead: [[f32; MAX_GRID]; 2],
    is_ahead: bool,
}

impl Player {
    fn clear(&mut self) {
        self.synth.reset();
        // The range of the pitch bend.
        for channel in [PITCHED, KIT] {
            for (controller, value) in [(0x65, 0), (0x64, 0), (0x06, BEND_SEMITONES)] {
                self.synth.process_midi_message(channel, 0xb0, controller, value);
            }
        }
        self.free();
        (self.age, self.course, self.key) = (0, 0, 0);
    }

    fn free(&mut self) {
        self.synth.note_off_all(true);
        (self.hold, self.fade, self.last, self.is_ahead) = (Hold::Free, Fade::None, (0.0, 0.0), false);
    }

    /// Leaves out the silence before a note, up to some steps of the grid.
    fn skip_lead(&mut self, grid: usize, steps: usize) {
        for _ in 0..steps {
            let [left, right] = &mut self.ahead;
            self.synth.render(&mut left[..grid], &mut right[..grid]);
            if self.ahead.iter().any(|side| side[..grid].iter().any(|sample| *sample != 0.0)) {
                self.is_ahead = true;
                return;
            }
        }
    }

    fn bend(&mut self, cents: f32) {
        let value = 8_192.0 + 8_192.0 * cents / (100.0 * BEND_SEMITONES as f32);
        let value = value.round().clamp(0.0, 16_383.0) as i32;
        self.synth.process_midi_message(PITCHED, 0xe0, value & 0x7f, value >> 7);
    }

    fn choke(&mut self, steps: f32) {
        if self.hold != Hold::Free && !matches!(self.fade, Fade::Choke { .. }) {
            self.fade = Fade::Choke { from: self.next_gain, done: 0.0, steps };
            self.hold = Hold::Released;
        }
    }

    fn damp(&mut self, factor: f32) {
        self.fade = match self.fade {
            Fade::None => Fade::Damp(factor),
            Fade::Damp(before) => Fade::Damp(before.min(factor)),
            Fade::Choke { .. } => self.fade,
        };
    }

    /// One step of the grid; a gain of 0 frees it when it was heard.
    fn step(&mut self) {
        self.gain = self.next_gain;
        self.next_gain = match &mut self.fade {
            Fade::None => self.gain,
            Fade::Damp(factor) => self.gain * *factor,
            Fade::Choke { from, done, steps } => {
                *done += 1.0;
                if *done >= *steps { 0.0 } else { *from * (0.5 + 0.5 * (PI * *done / *steps).cos()) }
            }
        };
        if self.fade != Fade::None && self.next_gain < SILENT * self.level() {
            self.next_gain = 0.0;
        }
    }

    fn level(&self) -> f32 {
        match self.fade {
            Fade::Choke { from, .. } => from,
            _ => 1.0,
        }
    }
}

/// A part played by a SoundFont, with the chokes, releases and tuning of a player.
pub struct Sampled {
    part: Part,
    preset: Preset,
    muted: Option<Preset>,
    plucked: Option<Preset>,
    trembling: Option<Preset>,
    grid: usize,
    grids_hz: f32,
    level: f32,
    players: Vec<Player>,
    count: usize,
    tuning: Tuning,
    expression: Smooth,
    declick: Declick,
    swell: f32,
    /// What one player gives, and all of them, from one point of the grid to the next.
    one: [[f32; MAX_GRID]; 2],
    all: [[f32; MAX_GRID]; 2],
    /// Samples of `all` that were taken.
    taken: usize,
    /// Whether `all` is of the step before.
    is_due: bool,
}

/// Notes of a part that sound at once, those that fade included.
fn polyphony(part: Part) -> usize {
    match part {
        Part::Guitar | Part::Strings => 18,
        Part::Bass => 4,
        Part::Drums => 32,
    }
}

const _: () = assert!(32 <= MAX_VOICES);

/// Keys that a pitched part plays; others are played an octave or more nearer.
fn range(part: Part) -> (u8, u8) {
    match part {
        Part::Guitar => (36, 92),
        Part::Strings => (28, 96),
        Part::Bass => (23, 72),
        Part::Drums => (0, 127),
    }
}

impl Sampled {
    /// A part at a sample rate; none where the library does not play at it: below 16 kHz or above 192 kHz.
    pub fn new(part: Part, rate: Hz, sampling: &Sampling) -> Option<Self> {
        let grid = (tick_samples(rate) / 4).min(MAX_GRID);
        let (rate_hz, grids_hz) = (rate.0 as f32, rate.0 as f32 / grid as f32);
        let mut settings = SynthesizerSettings::new(i32::try_from(rate.0).ok()?);
        settings.block_size = grid;
        settings.maximum_polyphony = LAYERS;
        settings.enable_reverb_and_chorus = false;
        let mut players = Vec::new();
        for _ in 0..polyphony(part) {
            let mut player = Player {
                synth: Synthesizer::new(sampling.bank.font(), &settings).ok()?,
                hold: Hold::Free,
                age: 0,
                course: 0,
                key: 0,
                fade: Fade::None,
                gain: 0.0,
                next_gain: 0.0,
                quiet: 0,
                has_sounded: false,
                last: (0.0, 0.0),
                ahead: [[0.0; MAX_GRID]; 2],
                is_ahead: false,
            };
            player.clear();
            players.push(player);
        }
        Some(Self {
            part,
            preset: sampling.preset,
            muted: sampling.muted,
            plucked: sampling.plucked,
            trembling: sampling.trembling,
            grid,
            grids_hz,
            level: amplitude(USUAL_DB + sampling.gain_db),
            players,
            count: 0,
            tuning: Tuning::new(grids_hz),
            expression: Smooth::new(1.0, 0.03, grids_hz, 1e-4),
            declick: Declick::new(rate_hz),
            swell: 1.0,
            one: [[0.0; MAX_GRID]; 2],
            all: [[0.0; MAX_GRID]; 2],
            taken: grid,
            is_due: false,
        })
    }

    fn channel(&self) -> i32 {
        if self.preset.bank >= KITS { KIT } else { PITCHED }
    }

    fn note_on(&mut self, id: NoteId, pitch: MidiNote, velocity: Velocity, played: Articulation) {
        let (low, high) = range(self.part);
        let key = fold(pitch.0.min(127), low, high);
        let course = self.choke_for(key);
        let is_hat = self.part == Part::Drums && HAT.contains(&key);
        let is_half_open = is_hat && played == Articulation::HalfOpen;
        let key = if is_half_open { OPEN_HAT } else { key };
        let index = pick(self.players.iter().map(|p| (p.hold, self.count.wrapping_sub(p.age))));
        self.count += 1;
        let (preset, strike, gain, damp_s) = self.stroke(velocity, played);
        let (channel, cents, grids_hz, count) =
            (self.channel(), self.tuning.cents(), self.grids_hz, self.count);
        let Some(player) = self.players.get_mut(index) else { return };
        if player.hold != Hold::Free {
            self.declick.take(player.last.0, player.last.1);
            player.free();
        }
        (player.hold, player.age, player.course, player.key) = (Hold::Held(id), count, course, key);
        (player.gain, player.next_gain, player.quiet, player.has_sounded) = (gain, gain, 0, false);
        player.fade = damp_s.map_or(Fade::None, |t60_s| Fade::Damp(decay(t60_s, grids_hz)));
        let bank = if channel == KIT { 0 } else { preset.bank };
        player.synth.process_midi_message(channel, 0xb0, 0, bank);
        player.synth.process_midi_message(channel, 0xc0, preset.program, 0);
        if self.part != Part::Drums {
            player.bend(cents);
        }
        player.synth.note_on(channel, i32::from(key), strike);
        player.skip_lead(self.grid, (LEAD_S * self.grids_hz).ceil() as usize);
    }

    /// Chokes what a new note cannot sound beside, and says which string plays it.
    fn choke_for(&mut self, key: u8) -> usize {
        let steps = |seconds: f32| (seconds * self.grids_hz).ceil();
        let (choke, bass, hat) = (steps(CHOKE_S), steps(BASS_CHOKE_S), steps(HAT_S));
        match self.part {
            Part::Guitar => {
                let held = |course| {
                    self.players.iter().any(|p| p.course == course && matches!(p.hold, Hold::Held(_)))
                };
                let course = courses::course(key, held);
                self.players.iter_mut().filter(|p| p.course == course).for_each(|p| p.choke(choke));
                course
            }
            Part::Bass => {
                self.players.iter_mut().for_each(|p| p.choke(bass));
                0
            }
            Part::Drums if HAT.contains(&key) => {
                self.players.iter_mut().filter(|p| p.key == OPEN_HAT).for_each(|p| p.choke(hat));
                0
            }
            Part::Drums | Part::Strings => 0,
        }
    }

    /// What a note is struck with: preset, velocity, gain, and how soon it is damped.
    fn stroke(&self, velocity: Velocity, played: Articulation) -> (Preset, i32, f32, Option<f32>) {
        let struck = i32::from(velocity.get());
        let soft = (0.7 * f32::from(velocity.get())).max(1.0) as i32;
        let plain = (self.preset, struck, 1.0, None);
        match (self.part, played) {
            (Part::Guitar, Articulation::StrumDown { order }) => {
                (self.preset, struck, 1.0 - 0.03 * f32::from(order.min(5)), None)
            }
            (Part::Guitar, Articulation::StrumUp { order }) => {
                (self.preset, struck, 0.85 - 0.05 * f32::from(order.min(5)), None)
            }
            (Part::Guitar | Part::Bass, Articulation::Muted) => match self.muted {
                Some(muted) => (muted, struck, 1.0, None),
                None => (self.preset, struck, 1.0, Some(MUTED_S)),
            },
            (Part::Guitar | Part::Bass, Articulation::Ghost) => {
                (self.muted.unwrap_or(self.preset), soft, 1.0, Some(GHOST_S))
            }
            (Part::Strings, Articulation::Pizzicato) => (
                self.plucked.unwrap_or(self.preset),
                struck,
                1.0,
                self.plucked.is_none().then_some(PLUCKED_S),
            ),
            (Part::Strings, Articulation::Tremolo) => {
                (self.trembling.unwrap_or(self.preset), struck, 1.0, None)
            }
            (Part::Strings, Articulation::Spiccato) => (self.preset, struck, 1.0, Some(BOUNCED_S)),
            (Part::Drums, Articulation::Ghost) => (self.preset, soft, 1.0, None),
            (Part::Drums, Articulation::HalfOpen) => (self.preset, struck, 1.0, Some(HALF_OPEN_S)),
            (Part::Guitar, Articulation::HammerOn) => (self.preset, soft, HAMMERED, None),
            (Part::Strings, Articulation::SulTasto) => (self.preset, soft, OVER_FINGERBOARD, None),
            (Part::Drums, Articulation::Muted) => (self.preset, struck, 1.0, Some(DAMPED_PIECE_S)),
            _ => plain,
        }
    }

    fn note_off(&mut self, id: NoteId) {
        let (part, channel, grids_hz) = (self.part, self.channel(), self.grids_hz);
        for player in self.players.iter_mut().filter(|p| p.hold == Hold::Held(id)) {
            player.hold = Hold::Released;
            let t60_s = match part {
                Part::Guitar if player.course < 3 => LOW_STRING_S,
                Part::Guitar => HIGH_STRING_S,
                Part::Bass => BASS_S,
                Part::Strings => BOWED_S,
                Part::Drums => f32::INFINITY,
            };
            if matches!(part, Part::Strings | Part::Drums) {
                player.synth.note_off(channel, i32::from(player.key));
            }
            if t60_s.is_finite() {
                player.damp(decay(t60_s, grids_hz));
            }
        }
    }

    /// Renders up to the next point of the grid.
    fn render(&mut self) {
        let grid = self.grid;
        let spent = (SPENT_S * self.grids_hz) as usize;
        let mute = (MUTE_S * self.grids_hz) as usize;
        for side in &mut self.all {
            side[..grid].fill(0.0);
        }
        for player in self.players.iter_mut().filter(|p| p.hold != Hold::Free) {
            if std::mem::take(&mut player.is_ahead) {
                self.one = player.ahead;
            } else {
                let [left, right] = &mut self.one;
                player.synth.render(&mut left[..grid], &mut right[..grid]);
            }
            let step = (player.next_gain - player.gain) / grid as f32;
            let mut is_quiet = true;
            for (side, one) in self.all.iter_mut().zip(&self.one) {
                let mut gain = player.gain;
                for (to, sample) in side[..grid].iter_mut().zip(&one[..grid]) {
                    gain += step;
                    *to += gain * sample;
                    is_quiet &= *sample == 0.0;
                }
            }
            player.last =
                (player.next_gain * self.one[0][grid - 1], player.next_gain * self.one[1][grid - 1]);
            player.quiet = if is_quiet { player.quiet + 1 } else { 0 };
            player.has_sounded |= !is_quiet;
            let patience = if player.has_sounded { spent } else { mute };
            if player.next_gain == 0.0 || player.quiet > patience {
                player.free();
            }
        }
        let target = if self.part == Part::Strings { swell(self.expression.get()) } else { 1.0 };
        let step = (target - self.swell) / grid as f32;
        let [left, right] = &mut self.all;
        for (left, right) in left[..grid].iter_mut().zip(&mut right[..grid]) {
            self.swell += step;
            let tail = self.declick.next();
            *left = bounded((*left + tail.0) * self.swell * self.level);
            *right = bounded((*right + tail.1) * self.swell * self.level);
        }
        self.swell = target;
    }
}

/// Amplitude of an expression value, as the built-in strings have it.
fn swell(expression: f32) -> f32 {
    expression * expression.sqrt()
}

/// A sample that no later stage chokes on.
fn bounded(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
}

impl Engine for Sampled {
    fn tick_samples(&self) -> usize {
        self.grid
    }

    fn event(&mut self, kind: EventKind) {
        match kind {
            EventKind::NoteOn { id, pitch, velocity, articulation } => {
                self.note_on(id, pitch, velocity, articulation);
            }
            EventKind::NoteOff { id } => self.note_off(id),
            EventKind::Tuning { cents } => {
                let silent = self.players.iter().all(|p| p.hold == Hold::Free);
                self.tuning.aim(cents, silent);
            }
            EventKind::Expression { value } => self.expression.aim(value.clamp(0.0, 1.0)),
        }
    }

    fn tick(&mut self) {
        let retuned = self.tuning.tick() && self.part != Part::Drums;
        self.expression.tick();
        let cents = self.tuning.cents();
        for player in self.players.iter_mut().filter(|p| p.hold != Hold::Free) {
            player.step();
            if retuned {
                player.bend(cents);
            }
        }
        (self.taken, self.is_due) = (0, true);
    }

    fn chunk(&mut self, left: &mut [f32], right: &mut [f32]) {
        // Events at the point of the grid have come in between.
        if std::mem::take(&mut self.is_due) {
            self.render();
        }
        for (left, right) in left.iter_mut().zip(right) {
            let at = self.taken.min(MAX_GRID - 1);
            let is_there = self.taken < self.grid;
            (*left, *right) = if is_there { (self.all[0][at], self.all[1][at]) } else { (0.0, 0.0) };
            self.taken += usize::from(is_there);
        }
    }
}

impl Instrument for Sampled {
    fn reset(&mut self) {
        self.players.iter_mut().for_each(Player::clear);
        (self.count, self.swell, self.taken, self.is_due) = (0, 1.0, self.grid, false);
        self.tuning.reset();
        self.expression.reset();
        self.declick.clear();
    }

    fn process(&mut self, start: SampleTime, events: &[NoteEvent], out: &mut StereoBlock<'_>) {
        drive(self, start, events, out);
    }

    fn latency(&self) -> SampleCount {
        SampleCount(0)
    }
}
