//! String section.

mod desk;

use desk::{Bowing, Desk, Stroke};

use super::Instrument;
use super::drive::{Engine, MAX_TICK, drive, tick_samples};
use super::dsp::{Declick, Smooth};
use super::modes::{Bank, Mode, Sums};
use super::tone::StringsTone;
use super::tuned::{Tuning, fold};
use super::voices::{Hold, pick};
use crate::audio::StereoBlock;
use crate::limits::MAX_VOICES;
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::score::{Articulation, MidiNote, Velocity};
use crate::song::Seed;
use crate::time::{Hz, SampleCount, SampleTime};

/// Notes that sound at once, those that fade included.
const VOICES: usize = 16;
const _: () = assert!(VOICES <= MAX_VOICES);
/// Notes outside are played an octave or more nearer.
const LOWEST: u8 = 28;
const HIGHEST: u8 = 96;
/// Furthest step that is slurred, in semitones.
const SLUR: i32 = 5;
/// Gain of the players' sound that does not pass through the bodies.
const DIRECT: f32 = 1.8;

/// Resonances of the bodies: frequency in Hz, T60 in seconds, gain.
const BODY: [(f32, f32, f32); 12] = [
    (196.0, 0.072, 0.17),
    (275.0, 0.064, -0.72),
    (346.0, 0.056, 0.17),
    (420.0, 0.048, -0.30),
    (460.0, 0.048, 0.33),
    (550.0, 0.04, -0.66),
    (690.0, 0.032, 0.20),
    (840.0, 0.028, -0.30),
    (1_080.0, 0.024, 0.23),
    (1_500.0, 0.016, -0.60),
    (2_300.0, 0.0112, 0.41),
    (3_200.0, 0.008, -0.17),
];

#[derive(Debug, Clone)]
struct Voice {
    hold: Hold,
    age: usize,
    pitch: u8,
    desk: Desk,
}

/// A section of bowed strings that follows expression.
pub struct Strings {
    tone: StringsTone,
    tick: usize,
    seed: Seed,
    voices: Vec<Voice>,
    count: usize,
    body: Bank,
    sums: Box<Sums>,
    mono: [f32; MAX_TICK],
    tuning: Tuning,
    expression: Smooth,
    gain: f32,
    gain_step: f32,
    declick: Declick,
}

impl Strings {
    /// A section at a sample rate; the seed tells its players apart.
    pub fn new(rate: Hz, seed: Seed, tone: &StringsTone) -> Self {
        let (rate_hz, tick) = (rate.0 as f32, tick_samples(rate));
        let ticks_hz = rate_hz / tick as f32;
        let voice = Voice { hold: Hold::Free, age: 0, pitch: 0, desk: Desk::new(rate_hz, tick) };
        let modes: Vec<Mode> = BODY
            .iter()
            .enumerate()
            .map(|(index, &(hz, t60_s, gain))| {
                let side = if matches!(index % 4, 0 | 3) { 0.3 } else { -0.3 };
                Mode { hz, t60_s, left: gain * (1.0 - side), right: gain * (1.0 + side) }
            })
            .collect();
        Self {
            tone: *tone,
            tick,
            seed,
            voices: vec![voice; VOICES],
            count: 0,
            body: Bank::new(&modes, rate_hz),
            sums: Box::new(Sums::new()),
            mono: [0.0; MAX_TICK],
            tuning: Tuning::new(ticks_hz),
            expression: Smooth::new(1.0, 0.03, ticks_hz, 1e-4),
            gain: 1.0,
            gain_step: 0.0,
            declick: Declick::new(rate_hz),
        }
    }

    fn note_on(&mut self, id: NoteId, pitch: MidiNote, velocity: Velocity, articulation: Articulation) {
        let pitch = fold(pitch.0, LOWEST, HIGHEST);
        let from_cents = if articulation == Articulation::Legato { self.slurred_from(pitch) } else { 0.0 };
        let index = pick(self.voices.iter().map(|v| (v.hold, self.count.wrapping_sub(v.age))));
        self.count += 1;
        let Some(voice) = self.voices.get_mut(index) else { return };
        if voice.hold != Hold::Free {
            let (left, right) = voice.desk.last();
            self.declick.take(left, right);
        }
        let velocity = velocity.fraction();
        let (stroke, attack_s) = match articulation {
            Articulation::Sustained => (Stroke::Swelling, self.tone.attack * (0.11 - 0.08 * velocity)),
            Articulation::SulTasto => (Stroke::Light, self.tone.attack * (0.14 - 0.08 * velocity)),
            Articulation::Legato => (Stroke::Slurred, 0.045),
            Articulation::Tremolo => (Stroke::Trembling, self.tone.attack * (0.03 - 0.018 * velocity)),
            Articulation::Spiccato | Articulation::Muted | Articulation::Ghost => (Stroke::Bounced, 0.008),
            Articulation::Pizzicato => (Stroke::Plucked, 0.001_5),
            _ => (Stroke::Plain, self.tone.attack * (0.10 - 0.08 * velocity)),
        };
        let bowing = Bowing {
            hz: MidiNote(pitch).hz(0.0) as f32,
            from_cents,
            velocity,
            attack_s,
            stroke,
            players: self.tone.players,
            bright: self.tone.bright,
            vibrato: self.tone.vibrato,
        };
        let mut rng = self.seed.named("strings", u64::from(id.0));
        voice.desk.start(bowing, self.tuning.cents(), self.expression.get(), &mut rng);
        (voice.hold, voice.age, voice.pitch) = (Hold::Held(id), self.count, pitch);
    }

    /// Where a slurred note comes from, in cents: the nearest note that is let go.
    fn slurred_from(&self, pitch: u8) -> f32 {
        let gone = self.voices.iter().filter(|v| v.hold == Hold::Released && v.pitch != pitch);
        let nearest = gone.map(|v| i32::from(v.pitch) - i32::from(pitch)).min_by_key(|steps| steps.abs());
        nearest.filter(|steps| steps.abs() <= SLUR).map_or(0.0, |steps| 100.0 * steps as f32)
    }
}

/// Amplitude of an expression value.
fn gain(expression: f32) -> f32 {
    expression * expression.sqrt()
}

impl Engine for Strings {
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
                    voice.desk.release();
                }
            }
            EventKind::Tuning { cents } => {
                let silent = self.voices.iter().all(|v| v.hold == Hold::Free);
                self.tuning.aim(cents, silent);
            }
            EventKind::Expression { value } => self.expression.aim(value.clamp(0.0, 1.0)),
        }
    }

    fn tick(&mut self) {
        self.tuning.tick();
        self.expression.tick();
        let (cents, expression) = (self.tuning.cents(), self.expression.get());
        self.gain_step = (gain(expression) - self.gain) / self.tick as f32;
        if self.gain_step.abs() < 1e-9 {
            (self.gain, self.gain_step) = (gain(expression), 0.0);
        }
        for voice in self.voices.iter_mut().filter(|v| v.hold != Hold::Free) {
            voice.desk.tick(cents, expression);
            if voice.desk.is_quiet() {
                voice.hold = Hold::Free;
            }
        }
        self.body.tick();
    }

    fn chunk(&mut self, left: &mut [f32], right: &mut [f32]) {
        let len = left.len().min(MAX_TICK);
        left.fill(0.0);
        right.fill(0.0);
        for voice in self.voices.iter_mut().filter(|v| v.hold != Hold::Free) {
            voice.desk.add(left, right);
        }
        for ((mono, left), right) in self.mono.iter_mut().zip(left.iter_mut()).zip(right.iter_mut()) {
            let tail = self.declick.next();
            (*left, *right) = ((*left + tail.0) * self.gain, (*right + tail.1) * self.gain);
            self.gain += self.gain_step;
            *mono = *left + *right;
            (*left, *right) = (DIRECT * *left, DIRECT * *right);
        }
        self.sums.clear(len);
        self.body.respond(&self.mono[..len], &mut self.sums);
        self.sums.add_to(left, right);
    }
}

impl Instrument for Strings {
    fn reset(&mut self) {
        for voice in &mut self.voices {
            voice.desk.clear();
            (voice.hold, voice.age, voice.pitch) = (Hold::Free, 0, 0);
        }
        (self.count, self.gain, self.gain_step) = (0, 1.0, 0.0);
        self.body.clear();
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
