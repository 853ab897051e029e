//! Six-string guitars: steel, nylon and electric.

use super::Instrument;
use super::cabinet::Cabinet;
use super::courses;
use super::drive::{Engine, MAX_TICK, drive, tick_samples};
use super::dsp::{BandPass, Declick, Diffuser, Noise, decay, glide, one_pole, snap};
use super::modes::{Bank, Mode, Sums};
use super::string::{Pluck, PluckedString};
use super::tone::{GuitarBuild, GuitarTone};
use super::tuned::{Tuning, fold};
use super::voices::{Hold, pick};
use crate::audio::StereoBlock;
use crate::limits::MAX_VOICES;
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::score::{Articulation, MidiNote, Velocity};
use crate::song::Seed;
use crate::time::{Hz, SampleCount, SampleTime};

/// Two for each string: the one that sounds, and the one that was choked just before.
const VOICES: usize = 12;
const _: () = assert!(VOICES <= MAX_VOICES);
/// Notes outside are played an octave or more nearer.
const LOWEST: u8 = 36;
const HIGHEST: u8 = 92;

/// Resonances of a body: frequency in Hz, T60 in seconds, gain.
type Body = [(f32, f32, f32); 16];

/// A large flat top with steel strings.
const STEEL: Body = [
    (101.0, 0.20, 0.75),
    (196.0, 0.14, -1.10),
    (228.0, 0.12, 0.85),
    (290.0, 0.10, -0.75),
    (385.0, 0.10, 0.60),
    (430.0, 0.09, -0.45),
    (540.0, 0.07, 0.45),
    (690.0, 0.06, -0.45),
    (880.0, 0.05, 0.45),
    (1120.0, 0.04, -0.45),
    (1420.0, 0.034, 0.45),
    (1800.0, 0.020, -0.45),
    (2350.0, 0.013, 0.36),
    (3100.0, 0.010, -0.55),
    (4200.0, 0.012, 0.50),
    (6100.0, 0.008, -0.40),
];
/// A classical guitar: lower, wider resonances, less above.
const NYLON: Body = [
    (96.0, 0.22, 0.85),
    (188.0, 0.17, -1.15),
    (232.0, 0.13, 0.80),
    (276.0, 0.11, -0.75),
    (355.0, 0.10, 0.65),
    (418.0, 0.09, -0.55),
    (505.0, 0.08, 0.50),
    (640.0, 0.06, -0.48),
    (805.0, 0.05, 0.45),
    (1_010.0, 0.04, -0.42),
    (1_290.0, 0.03, 0.38),
    (1_640.0, 0.020, -0.35),
    (2_150.0, 0.012, 0.28),
    (2_850.0, 0.010, -0.24),
    (3_900.0, 0.008, 0.18),
    (5_400.0, 0.006, -0.10),
];

/// Noise of a finger that leaves a string: level relative to the note, centre in Hz, decay by 60 dB in seconds.
const RELEASE: (f32, f32, f32) = (0.005, 1_500.0, 0.08);
/// Noise of a hand that slides along wound strings to the next chord: level, centre in Hz, decay by 60 dB in seconds, and
/// one change of chord in so many has it.
const SQUEAK: (f32, f32, f32) = (0.007, 3_100.0, 0.14);
const SQUEAKS: usize = 7;
/// A hand moves where nothing is held any more and the next note is this much later at most, in seconds.
const MOVES_WITHIN_S: f32 = 0.12;

/// Furthest that a finger hammers a string, in semitones.
const HAMMER: u8 = 4;
/// Share of what all strings do to the bridge that each of them is moved by. So little that no string gains more in a
/// period than it loses: those in tune with one that is played ring along.
const BRIDGE: f32 = 0.000_25;

/// Gain of the strings' sound that does not pass through the body.
const DIRECT: f32 = 0.295;
/// Corner of the high-pass on the direct sound, in Hz.
const DIRECT_HZ: f32 = 2_160.0;

/// Delays with which a top spreads a stroke over some milliseconds, in seconds.
const TOP_S: [f32; 3] = [0.000_57, 0.001_51, 0.003_23];

#[derive(Debug, Clone)]
struct Voice {
    hold: Hold,
    age: usize,
    course: usize,
    pitch: u8,
    level: f32,
    string: PluckedString,
}

/// Fingers on strings.
#[derive(Debug, Clone)]
struct Fingers {
    rate_hz: f32,
    noise: Noise,
    filter: BandPass,
    level: f32,
    /// What is heard of the level: a finger slides off, it does not snap.
    heard: f32,
    rise: f32,
    factor: f32,
    /// Samples since the last string was let go.
    since: usize,
}

impl Fingers {
    fn new(rate_hz: f32) -> Self {
        let filter = BandPass::new(RELEASE.1, 0.8, rate_hz);
        let rise = glide(0.004, rate_hz);
        Self {
            rate_hz,
            noise: Noise::new(rate_hz),
            filter,
            level: 0.0,
            heard: 0.0,
            rise,
            factor: 0.0,
            since: usize::MAX,
        }
    }

    /// Makes a sound: (level, centre in Hz, decay by 60 dB in seconds), as loud as `level`.
    fn sound(&mut self, (share, hz, t60_s): (f32, f32, f32), level: f32, seed: u64) {
        // What still sounds is louder: it goes on.
        if share * level > self.level {
            self.noise.seed(seed);
            self.filter.retune(hz, 0.8, self.rate_hz);
            self.level = share * level;
            self.factor = decay(t60_s, self.rate_hz);
        }
    }

    fn next(&mut self) -> f32 {
        self.since = self.since.saturating_add(1);
        if self.heard == 0.0 && self.level == 0.0 {
            return 0.0;
        }
        self.level *= self.factor;
        self.heard += self.rise * (self.level - self.heard);
        if self.level < 1e-6 && self.heard < 1e-6 {
            (self.level, self.heard) = (0.0, 0.0);
        }
        self.filter.next(self.noise.next()) * self.heard
    }

    fn clear(&mut self) {
        self.filter.clear();
        (self.level, self.heard, self.since) = (0.0, 0.0, usize::MAX);
    }
}

/// What the strings do to the bridge, heard by all of them one control tick later.
#[derive(Debug, Clone)]
struct Bridge {
    past: Vec<f32>,
    at: usize,
}

impl Bridge {
    /// A bridge at rest; allocates.
    fn new(tick: usize) -> Self {
        Self { past: vec![0.0; tick], at: 0 }
    }

    /// How it moves in the next samples, which are no more than a tick.
    fn before(&self, out: &mut [f32]) {
        let (head, tail) = out.split_at_mut(out.len().min(self.past.len() - self.at));
        head.copy_from_slice(&self.past[self.at..][..head.len()]);
        tail.copy_from_slice(&self.past[..tail.len()]);
    }

    /// Hears the same samples of the strings.
    fn follow(&mut self, strings: &[f32]) {
        let (head, tail) = strings.split_at(strings.len().min(self.past.len() - self.at));
        for (past, sum) in self.past[self.at..].iter_mut().zip(head) {
            *past = snap(BRIDGE * sum);
        }
        for (past, sum) in self.past.iter_mut().zip(tail) {
            *past = snap(BRIDGE * sum);
        }
        self.at = (self.at + strings.len()) % self.past.len();
    }

    fn clear(&mut self) {
        self.past.fill(0.0);
        self.at = 0;
    }
}

/// A six-string guitar, plucked and strummed, with palm mute and ghost notes.
pub struct Guitar {
    tone: GuitarTone,
    tick: usize,
    seed: Seed,
    fingers: Fingers,
    cabinet: Cabinet,
    voices: Vec<Voice>,
    count: usize,
    body: Bank,
    sums: Box<Sums>,
    mono: [f32; MAX_TICK],
    bridge: Bridge,
    low: f32,
    low_coefficient: f32,
    top: Diffuser,
    tuning: Tuning,
    declick: Declick,
}

impl Guitar {
    /// A guitar at a sample rate; `seed` makes its plucks differ from those of another.
    pub fn new(rate: Hz, seed: Seed, tone: &GuitarTone) -> Self {
        let (rate_hz, tick) = (rate.0 as f32, tick_samples(rate));
        let string = PluckedString::new(rate_hz, tick);
        let voice = Voice { hold: Hold::Free, age: 0, course: 0, pitch: 0, level: 0.0, string };
        // The right side of the top resonates a little higher than the left.
        let body = if tone.build == GuitarBuild::Nylon { NYLON } else { STEEL };
        let modes: Vec<Mode> = body
            .iter()
            .flat_map(|&(hz, t60_s, gain)| {
                [
                    Mode { hz, t60_s, left: gain, right: 0.35 * gain },
                    Mode { hz: 1.03 * hz, t60_s, left: 0.35 * gain, right: gain },
                ]
            })
            .collect();
        Self {
            tone: *tone,
            tick,
            seed,
            fingers: Fingers::new(rate_hz),
            cabinet: Cabinet::new(rate_hz),
            voices: vec![voice; VOICES],
            count: 0,
            body: Bank::new(&modes, rate_hz),
            sums: Box::new(Sums::new()),
            mono: [0.0; MAX_TICK],
            bridge: Bridge::new(tick),
            low: 0.0,
            top: Diffuser::new(TOP_S, rate_hz),
            low_coefficient: one_pole(DIRECT_HZ, rate_hz),
            tuning: Tuning::new(rate_hz / tick as f32),
            declick: Declick::new(rate_hz),
        }
    }

    fn course(&self, pitch: u8) -> usize {
        let held = |course| self.voices.iter().any(|v| v.course == course && matches!(v.hold, Hold::Held(_)));
        courses::course(pitch, held)
    }

    fn note_on(&mut self, id: NoteId, pitch: MidiNote, velocity: Velocity, articulation: Articulation) {
        let pitch = fold(pitch.0, LOWEST, HIGHEST);
        if articulation == Articulation::HammerOn && self.hammer(id, pitch, velocity) {
            return;
        }
        let course = self.course(pitch);
        for voice in self.voices.iter_mut().filter(|v| v.course == course && v.hold != Hold::Free) {
            voice.string.damp(0.05, 0.02);
            voice.hold = Hold::Released;
        }
        let index = pick(self.voices.iter().map(|v| (v.hold, self.count.wrapping_sub(v.age))));
        self.count += 1;
        let pluck = self.pluck(id, pitch, course, velocity.fraction(), articulation);
        self.move_hand(id, course, pluck.level);
        let Some(voice) = self.voices.get_mut(index) else { return };
        if voice.hold != Hold::Free {
            self.declick.take(voice.string.last(), 0.0);
        }
        voice.string.pluck(pluck, self.tuning.ratio());
        (voice.hold, voice.age, voice.course, voice.pitch) = (Hold::Held(id), self.count, course, pitch);
        voice.level = pluck.level;
    }

    /// Hammers the string that sounds some frets below a pitch onto it; whether there is one.
    fn hammer(&mut self, id: NoteId, pitch: u8, velocity: Velocity) -> bool {
        let is_below =
            |v: &&Voice| v.hold != Hold::Free && (1..=HAMMER).contains(&pitch.wrapping_sub(v.pitch));
        let Some(below) = self.voices.iter().filter(is_below).max_by_key(|v| v.age) else { return false };
        let (course, age) = (below.course, below.age);
        let pluck = self.pluck(id, pitch, course, velocity.fraction(), Articulation::HammerOn);
        for voice in self.voices.iter_mut().filter(|v| v.age == age) {
            voice.string.hammer(pluck, self.tuning.ratio());
            (voice.hold, voice.pitch) = (Hold::Held(id), pitch);
        }
        true
    }

    /// A hand that goes to the next chord on wound strings is heard now and then.
    fn move_hand(&mut self, id: NoteId, course: usize, level: f32) {
        let is_wound = course < if self.tone.build == GuitarBuild::Nylon { 3 } else { 4 };
        let moves = self.fingers.since < (MOVES_WITHIN_S * self.fingers.rate_hz) as usize
            && !self.voices.iter().any(|v| matches!(v.hold, Hold::Held(_)));
        let mut rng = self.seed.named("squeak", u64::from(id.0));
        if is_wound && moves && rng.below(SQUEAKS) == 0 {
            let hz = SQUEAK.1 * (1.0 + 0.25 * rng.signed() as f32);
            self.fingers.sound((SQUEAK.0, hz, SQUEAK.2), level.max(0.8), rng.bits());
        }
    }

    fn pluck(&self, id: NoteId, pitch: u8, course: usize, velocity: f32, played: Articulation) -> Pluck {
        let mut rng = self.seed.named("guitar", u64::from(id.0));
        let hz = MidiNote(pitch).hz(0.0) as f32;
        let octaves = (hz / 82.4).log2();
        let wound = course < 4;
        let soft = 1.0 - velocity;
        let mut pluck = Pluck {
            hz,
            level: 3.27 * velocity.powf(1.5) * (hz / 220.0).powf(-0.25),
            t60_s: (10.2 - 2.5 * octaves).max(1.8),
            bright_t60_s: 0.72 + 0.18 * octaves.max(-0.5),
            stiff_hz: if wound { 5_000.0 } else { 9_000.0 },
            position: (0.094 + 0.012 * course as f32 + 0.02 * rng.signed() as f32).clamp(0.06, 0.3),
            touch_s: 0.002 + 0.003 * soft,
            pulse_s: (0.000_19 + 0.000_2 * soft) * (1.0 + 0.1 * rng.signed() as f32),
            noise: 0.14 + 0.10 * velocity,
            warmth: (9.0 - 3.6 * octaves).clamp(0.3, 9.0),
            cutoff_hz: 6_200.0 + 9_750.0 * velocity * velocity,
            detune: 0.001_5 + 0.000_3 * rng.unit() as f32,
            pickup: 0.0,
            seed: rng.bits(),
        };
        self.set_up(&mut pluck, octaves, course);
        pluck.level *= 1.0 + 0.05 * rng.signed() as f32;
        match played {
            Articulation::StrumDown { order } => pluck.level *= 1.0 - 0.03 * f32::from(order.min(5)),
            Articulation::StrumUp { order } => {
                pluck.level *= 0.85 - 0.05 * f32::from(order.min(5));
                pluck.position *= 0.8;
                pluck.cutoff_hz *= 1.1;
            }
            Articulation::Muted => {
                (pluck.t60_s, pluck.bright_t60_s) = (0.45, 0.07);
                pluck.cutoff_hz *= 0.5;
                pluck.position *= 0.7;
            }
            // The finger strikes the string where it stops it.
            Articulation::HammerOn => {
                pluck.level *= 0.3;
                pluck.noise *= 0.3;
                pluck.cutoff_hz *= 0.5;
                pluck.touch_s = 0.000_5;
                pluck.position = 0.9;
            }
            Articulation::Ghost => {
                (pluck.t60_s, pluck.bright_t60_s) = (0.09, 0.05);
                pluck.level *= 0.5;
                pluck.noise *= 2.0;
            }
            _ => {}
        }
        pluck
    }

    /// Makes a stroke on steel strings one on this guitar.
    fn set_up(&self, pluck: &mut Pluck, octaves: f32, course: usize) {
        match self.tone.build {
            GuitarBuild::Steel => {}
            GuitarBuild::Nylon => {
                pluck.t60_s = (6.5 - 1.1 * octaves).max(1.6);
                pluck.bright_t60_s *= if course < 3 { 0.6 } else { 0.45 };
                pluck.stiff_hz = 12_000.0;
                pluck.position += 0.08;
                pluck.pulse_s *= 1.8;
                pluck.noise *= 0.6;
                pluck.cutoff_hz *= 0.55;
                pluck.level *= 0.89;
            }
            GuitarBuild::Electric => {
                pluck.t60_s *= 1.1;
                pluck.bright_t60_s *= 1.1;
                pluck.noise *= 0.5;
                pluck.pickup = 0.22;
                pluck.level *= 0.42;
            }
        }
        pluck.equip(self.tone.bright, self.tone.ring);
        pluck.pulse_s /= self.tone.bright.sqrt();
    }
}

impl Engine for Guitar {
    fn tick_samples(&self) -> usize {
        self.tick
    }

    fn event(&mut self, kind: EventKind) {
        match kind {
            EventKind::NoteOn { id, pitch, velocity, articulation } => {
                self.note_on(id, pitch, velocity, articulation);
            }
            EventKind::NoteOff { id } => {
                for voice in self.voices.iter_mut().filter(|v| v.hold == Hold::Held(id)) {
                    voice.hold = Hold::Released;
                    voice.string.damp(if voice.course < 3 { 0.22 } else { 0.16 }, 0.06);
                    self.fingers.since = 0;
                    self.fingers.sound(
                        RELEASE,
                        voice.level,
                        self.seed.named("release", u64::from(id.0)).bits(),
                    );
                }
            }
            EventKind::Tuning { cents } => {
                let silent = self.voices.iter().all(|v| v.hold == Hold::Free);
                self.tuning.aim(cents, silent);
            }
            EventKind::Expression { .. } => {}
        }
    }

    fn tick(&mut self) {
        let retuned = self.tuning.tick();
        for voice in self.voices.iter_mut().filter(|v| v.hold != Hold::Free) {
            voice.string.tick(self.tuning.ratio(), retuned);
            if voice.string.is_quiet() {
                voice.hold = Hold::Free;
            }
        }
        self.body.tick();
        self.fingers.filter.tick();
        self.low = snap(self.low);
        self.cabinet.tick();
    }

    fn chunk(&mut self, left: &mut [f32], right: &mut [f32]) {
        let len = left.len().min(MAX_TICK);
        let mono = &mut self.mono[..len];
        mono.fill(0.0);
        let mut moved = [0.0; MAX_TICK];
        self.bridge.before(&mut moved[..len]);
        for voice in self.voices.iter_mut().filter(|v| v.hold != Hold::Free) {
            // A string that a hand damps does not ring along, and comes to rest.
            let is_held = matches!(voice.hold, Hold::Held(_));
            voice.string.add(mono, if is_held { &moved[..len] } else { &[] });
        }
        self.bridge.follow(mono);
        for x in mono.iter_mut() {
            *x += self.declick.next().0 + self.fingers.next();
        }
        if self.tone.build == GuitarBuild::Electric {
            for (x, (left, right)) in mono.iter().zip(left.iter_mut().zip(right.iter_mut())) {
                let played = self.cabinet.next(*x);
                (*left, *right) = (played, played);
            }
            return;
        }
        for (x, (left, right)) in mono.iter_mut().zip(left.iter_mut().zip(right.iter_mut())) {
            *x = self.top.next(*x);
            self.low += self.low_coefficient * (*x - self.low);
            let direct = DIRECT * (*x - self.low);
            (*left, *right) = (direct, direct);
        }
        self.sums.clear(len);
        self.body.respond(mono, &mut self.sums);
        self.sums.add_to(left, right);
    }
}

impl Instrument for Guitar {
    fn reset(&mut self) {
        for voice in &mut self.voices {
            voice.string.clear();
            (voice.hold, voice.age, voice.course, voice.pitch) = (Hold::Free, 0, 0, 0);
            voice.level = 0.0;
        }
        self.fingers.clear();
        self.cabinet.clear();
        (self.count, self.low) = (0, 0.0);
        self.bridge.clear();
        self.top.clear();
        self.body.clear();
        self.tuning.reset();
        self.declick.clear();
    }

    fn process(&mut self, start: SampleTime, events: &[NoteEvent], out: &mut StereoBlock<'_>) {
        drive(self, start, events, out);
    }

    fn latency(&self) -> SampleCount {
        SampleCount(0)
    }
}
