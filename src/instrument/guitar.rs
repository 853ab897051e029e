//! Six-string steel guitar.

use super::Instrument;
use super::courses;
use super::drive::{Engine, MAX_TICK, drive, tick_samples};
use super::dsp::{Declick, one_pole, snap};
use super::modes::{Bank, Mode, Sums};
use super::string::{Pluck, PluckedString};
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

/// Resonances of the body: frequency in Hz, T60 in seconds, gain.
const BODY: [(f32, f32, f32); 16] = [
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
/// Gain of the strings' sound that does not pass through the body.
const DIRECT: f32 = 1.25;
/// Corner of the high-pass on the direct sound, in Hz.
const DIRECT_HZ: f32 = 1_100.0;

#[derive(Debug, Clone)]
struct Voice {
    hold: Hold,
    age: usize,
    course: usize,
    string: PluckedString,
}

/// A six-string steel guitar, plucked and strummed, with palm mute and ghost notes.
pub struct Guitar {
    tick: usize,
    seed: Seed,
    voices: Vec<Voice>,
    count: usize,
    body: Bank,
    sums: Box<Sums>,
    mono: [f32; MAX_TICK],
    low: f32,
    low_coefficient: f32,
    tuning: Tuning,
    declick: Declick,
}

impl Guitar {
    /// A guitar at a sample rate; `seed` makes its plucks differ from those of another.
    pub fn new(rate: Hz, seed: Seed) -> Self {
        let (rate_hz, tick) = (rate.0 as f32, tick_samples(rate));
        let string = PluckedString::new(rate_hz, tick);
        let voice = Voice { hold: Hold::Free, age: 0, course: 0, string };
        // The right side of the top resonates a little higher than the left.
        let modes: Vec<Mode> = BODY
            .iter()
            .flat_map(|&(hz, t60_s, gain)| {
                [
                    Mode { hz, t60_s, left: gain, right: 0.35 * gain },
                    Mode { hz: 1.03 * hz, t60_s, left: 0.35 * gain, right: gain },
                ]
            })
            .collect();
        Self {
            tick,
            seed,
            voices: vec![voice; VOICES],
            count: 0,
            body: Bank::new(&modes, rate_hz),
            sums: Box::new(Sums::new()),
            mono: [0.0; MAX_TICK],
            low: 0.0,
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
        let course = self.course(pitch);
        for voice in self.voices.iter_mut().filter(|v| v.course == course && v.hold != Hold::Free) {
            voice.string.damp(0.05, 0.02);
            voice.hold = Hold::Released;
        }
        let index = pick(self.voices.iter().map(|v| (v.hold, self.count.wrapping_sub(v.age))));
        self.count += 1;
        let pluck = self.pluck(id, pitch, course, velocity.fraction(), articulation);
        let Some(voice) = self.voices.get_mut(index) else { return };
        if voice.hold != Hold::Free {
            self.declick.take(voice.string.last(), 0.0);
        }
        voice.string.pluck(pluck, self.tuning.ratio());
        (voice.hold, voice.age, voice.course) = (Hold::Held(id), self.count, course);
    }

    fn pluck(&self, id: NoteId, pitch: u8, course: usize, velocity: f32, played: Articulation) -> Pluck {
        let mut rng = self.seed.named("guitar", u64::from(id.0));
        let hz = MidiNote(pitch).hz(0.0) as f32;
        let octaves = (hz / 82.4).log2();
        let wound = course < 4;
        let soft = 1.0 - velocity;
        let mut pluck = Pluck {
            hz,
            level: 0.9 * velocity.powf(1.5) * (hz / 220.0).powf(-0.25),
            t60_s: (12.0 - 1.3 * octaves).max(2.5),
            bright_t60_s: (0.31 - 0.02 * octaves).max(0.2),
            stiff_hz: if wound { 6_500.0 } else { 9_000.0 },
            position: (0.13 + 0.012 * course as f32 + 0.02 * rng.signed() as f32).clamp(0.06, 0.3),
            touch_s: 0.002 + 0.003 * soft,
            pulse_s: (0.000_34 + 0.000_9 * soft) * (1.0 + 0.1 * rng.signed() as f32),
            noise: 0.16 + 0.12 * velocity,
            cutoff_hz: 4_200.0 + 13_000.0 * velocity * velocity,
            detune: 0.000_6 + 0.000_3 * rng.unit() as f32,
            seed: rng.bits(),
        };
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
            Articulation::Ghost => {
                (pluck.t60_s, pluck.bright_t60_s) = (0.09, 0.05);
                pluck.level *= 0.5;
                pluck.noise *= 2.0;
            }
            Articulation::Normal | Articulation::Sustained => {}
        }
        pluck
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
        self.low = snap(self.low);
    }

    fn chunk(&mut self, left: &mut [f32], right: &mut [f32]) {
        let len = left.len().min(MAX_TICK);
        let mono = &mut self.mono[..len];
        mono.fill(0.0);
        for voice in self.voices.iter_mut().filter(|v| v.hold != Hold::Free) {
            voice.string.add(mono);
        }
        for (x, (left, right)) in mono.iter_mut().zip(left.iter_mut().zip(right.iter_mut())) {
            *x += self.declick.next().0;
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
            (voice.hold, voice.age, voice.course) = (Hold::Free, 0, 0);
        }
        (self.count, self.low) = (0, 0.0);
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
