//! Electric basses and the double bass.

use super::Instrument;
use super::drive::{Engine, MAX_TICK, drive, tick_samples};
use super::dsp::{BandPass, Declick, one_pole, snap};
use super::modes::{Bank, Mode, Sums};
use super::string::{Pluck, PluckedString};
use super::tone::{BassBuild, BassTone};
use super::tuned::{Tuning, fold};
use super::voices::{Hold, pick};
use crate::audio::StereoBlock;
use crate::limits::MAX_VOICES;
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::score::{Articulation, MidiNote, Velocity};
use crate::song::Seed;
use crate::time::{Hz, SampleCount, SampleTime};

/// One that sounds, and some that die away.
const VOICES: usize = 6;
const _: () = assert!(VOICES <= MAX_VOICES);
/// Notes outside are played an octave or more nearer.
const LOWEST: u8 = 23;
const HIGHEST: u8 = 72;
/// Corner of the amplifier's low-pass, in Hz.
const AMPLIFIER_HZ: f32 = 3_300.0;
/// Corner of its high-pass, in Hz.
const RUMBLE_HZ: f32 = 28.0;
/// Corner below which the amplifier lifts the fundamentals, in Hz.
const WARM_HZ: f32 = 103.0;

/// Furthest from which a finger slides into a note, in semitones, and how long it takes, in seconds.
const SLIDE: f32 = 2.0;
const SLIDE_S: f32 = 0.09;

/// Resonances of a double bass: frequency in Hz, T60 in seconds, gain.
const UPRIGHT: [(f32, f32, f32); 8] = [
    (62.0, 0.28, 0.55),
    (98.0, 0.22, -0.75),
    (134.0, 0.16, 0.60),
    (188.0, 0.12, -0.50),
    (262.0, 0.09, 0.45),
    (395.0, 0.06, -0.40),
    (640.0, 0.04, 0.32),
    (1_150.0, 0.02, -0.25),
];

#[derive(Debug, Clone)]
struct Voice {
    hold: Hold,
    age: usize,
    pitch: u8,
    /// How far the finger still has to slide, in semitones.
    bend: f32,
    string: PluckedString,
}

/// A bass; one note at a time, each ends the one before.
pub struct Bass {
    tone: BassTone,
    body: Bank,
    sums: Box<Sums>,
    rate_hz: f32,
    tick: usize,
    seed: Seed,
    voices: Vec<Voice>,
    count: usize,
    mono: [f32; MAX_TICK],
    amplifier: [f32; 2],
    amplifier_coefficient: f32,
    rumble: f32,
    rumble_coefficient: f32,
    growl: BandPass,
    warm: f32,
    warm_coefficient: f32,
    tuning: Tuning,
    declick: Declick,
}

impl Bass {
    /// A bass at a sample rate; `seed` makes its plucks differ from those of another.
    pub fn new(rate: Hz, seed: Seed, tone: &BassTone) -> Self {
        let (rate_hz, tick) = (rate.0 as f32, tick_samples(rate));
        let voice = Voice {
            hold: Hold::Free,
            age: 0,
            pitch: 0,
            bend: 0.0,
            string: PluckedString::new(rate_hz, tick),
        };
        let modes = UPRIGHT.map(|(hz, t60_s, gain)| Mode { hz, t60_s, left: gain, right: gain });
        Self {
            tone: *tone,
            body: Bank::new(&modes, rate_hz),
            sums: Box::new(Sums::new()),
            rate_hz,
            tick,
            seed,
            voices: vec![voice; VOICES],
            count: 0,
            mono: [0.0; MAX_TICK],
            amplifier: [0.0; 2],
            amplifier_coefficient: one_pole(AMPLIFIER_HZ, rate_hz),
            rumble: 0.0,
            rumble_coefficient: one_pole(RUMBLE_HZ, rate_hz),
            growl: BandPass::new(1_490.0, 0.9, rate_hz),
            warm: 0.0,
            warm_coefficient: one_pole(WARM_HZ, rate_hz),
            tuning: Tuning::new(rate_hz / tick as f32),
            declick: Declick::new(rate_hz),
        }
    }

    fn note_on(&mut self, id: NoteId, pitch: MidiNote, velocity: Velocity, articulation: Articulation) {
        let pitch = fold(pitch.0, LOWEST, HIGHEST);
        let before = self.voices.iter().filter(|v| v.hold != Hold::Free).max_by_key(|v| v.age);
        let bend = match (articulation, before) {
            (Articulation::Slide, Some(before)) => {
                (f32::from(before.pitch) - f32::from(pitch)).clamp(-SLIDE, SLIDE)
            }
            (Articulation::Slide, None) => -SLIDE,
            _ => 0.0,
        };
        for voice in self.voices.iter_mut().filter(|v| v.hold != Hold::Free) {
            voice.string.damp(0.09, 0.03);
            voice.hold = Hold::Released;
        }
        let index = pick(self.voices.iter().map(|v| (v.hold, self.count.wrapping_sub(v.age))));
        self.count += 1;
        let pluck = self.pluck(id, pitch, velocity.fraction(), articulation);
        let Some(voice) = self.voices.get_mut(index) else { return };
        if voice.hold != Hold::Free {
            self.declick.take(voice.string.last(), 0.0);
        }
        voice.string.pluck(pluck, self.tuning.ratio() * semitones(bend));
        (voice.hold, voice.age) = (Hold::Held(id), self.count);
        (voice.pitch, voice.bend) = (pitch, bend);
    }

    fn pluck(&self, id: NoteId, pitch: u8, velocity: f32, played: Articulation) -> Pluck {
        let mut rng = self.seed.named("bass", u64::from(id.0));
        let hz = MidiNote(pitch).hz(0.0) as f32;
        let octaves = (hz / 41.2).log2();
        let soft = 1.0 - velocity;
        let mut pluck = Pluck {
            hz,
            level: 0.8 * velocity.powf(1.3) * (hz / 82.0).powf(-0.15),
            t60_s: (7.8 - 0.5 * octaves).max(2.5),
            bright_t60_s: 2.1 * (hz / 82.0).powf(1.4),
            stiff_hz: 5_400.0,
            position: (0.16 + 0.02 * rng.signed() as f32).clamp(0.1, 0.3),
            touch_s: 0.003 + 0.003 * soft,
            pulse_s: 0.001_8 + 0.002_1 * soft,
            noise: 0.05 + 0.05 * velocity,
            cutoff_hz: (330.0 + 3_550.0 * velocity * velocity) * (hz / 82.0).sqrt(),
            detune: 0.000_3 + 0.000_2 * rng.unit() as f32,
            warmth: (1.2 - 0.86 * octaves).max(0.0),
            pickup: 0.0,
            seed: rng.bits(),
        };
        self.set_up(&mut pluck);
        pluck.level *= 1.0 + 0.04 * rng.signed() as f32;
        match played {
            Articulation::Muted => {
                (pluck.t60_s, pluck.bright_t60_s) = (0.4, 0.06);
                pluck.cutoff_hz *= 0.6;
            }
            // The finger that slides has left the string half plucked.
            Articulation::Slide => {
                pluck.level *= 0.8;
                pluck.noise *= 0.7;
            }
            Articulation::Ghost => {
                (pluck.t60_s, pluck.bright_t60_s) = (0.08, 0.05);
                pluck.level *= 0.55;
                pluck.noise *= 3.0;
            }
            _ => {}
        }
        pluck
    }

    /// Makes a stroke of the finger on an electric bass one on this bass.
    fn set_up(&self, pluck: &mut Pluck) {
        match self.tone.build {
            BassBuild::Fingered => {}
            BassBuild::Picked => {
                pluck.position *= 0.6;
                pluck.pulse_s *= 0.45;
                pluck.cutoff_hz *= 1.8;
                pluck.noise *= 2.2;
                pluck.bright_t60_s *= 1.4;
            }
            BassBuild::Muted => {
                pluck.t60_s *= 0.16;
                pluck.bright_t60_s *= 0.22;
                pluck.cutoff_hz *= 0.75;
                pluck.level *= 1.2;
            }
            BassBuild::Upright => {
                pluck.t60_s *= 0.38;
                pluck.bright_t60_s *= 0.35;
                pluck.position += 0.12;
                pluck.pulse_s *= 1.5;
                pluck.touch_s *= 1.6;
                pluck.noise *= 1.6;
                pluck.cutoff_hz *= 0.75;
                pluck.stiff_hz = 9_000.0;
                pluck.level *= 1.15;
            }
        }
        pluck.equip(self.tone.bright, self.tone.ring);
    }
}

/// Frequency ratio of an interval.
fn semitones(interval: f32) -> f32 {
    (interval / 12.0).exp2()
}

impl Engine for Bass {
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
                    voice.string.damp(0.18, 0.06);
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
            let slides = voice.bend != 0.0;
            let step = SLIDE * self.tick as f32 / (SLIDE_S * self.rate_hz);
            voice.bend -= voice.bend.clamp(-step, step);
            voice.string.tick(self.tuning.ratio() * semitones(voice.bend), retuned || slides);
            if voice.string.is_quiet() {
                voice.hold = Hold::Free;
            }
        }
        self.amplifier = self.amplifier.map(snap);
        self.rumble = snap(self.rumble);
        self.warm = snap(self.warm);
        self.growl.tick();
        self.body.tick();
    }

    fn chunk(&mut self, left: &mut [f32], right: &mut [f32]) {
        let len = left.len().min(MAX_TICK);
        let mono = &mut self.mono[..len];
        mono.fill(0.0);
        for voice in self.voices.iter_mut().filter(|v| v.hold != Hold::Free) {
            voice.string.add(mono, &[]);
        }
        for x in mono.iter_mut() {
            *x += self.declick.next().0;
        }
        let is_upright = self.tone.build == BassBuild::Upright;
        for (x, (left, right)) in mono.iter().zip(left.iter_mut().zip(right.iter_mut())) {
            self.rumble += self.rumble_coefficient * (x - self.rumble);
            let x = x - self.rumble;
            let [first, second] = &mut self.amplifier;
            *first += self.amplifier_coefficient * (x - *first);
            *second += self.amplifier_coefficient * (*first - *second);
            self.warm += self.warm_coefficient * (*second - self.warm);
            let warm = if is_upright { 0.5 } else { 1.3 };
            let sum = 0.8 * *second + warm * self.warm + 1.37 * self.growl.next(*second);
            (*left, *right) = (sum, sum);
        }
        if is_upright {
            self.sums.clear(len);
            self.body.respond(mono, &mut self.sums);
            self.sums.add_to(left, right);
        }
    }
}

impl Instrument for Bass {
    fn reset(&mut self) {
        for voice in &mut self.voices {
            voice.string.clear();
            (voice.hold, voice.age, voice.pitch, voice.bend) = (Hold::Free, 0, 0, 0.0);
        }
        (self.count, self.amplifier, self.rumble, self.warm) = (0, [0.0; 2], 0.0, 0.0);
        self.growl.clear();
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
