//! A few players who bow the same note.

use std::f32::consts::TAU;

use multiversion::multiversion;

use crate::instrument::dsp::{BandPass, Noise, glide, one_pole, snap};
use crate::song::Rng;

/// Most players who share one note.
const PLAYERS: usize = 6;
/// Players computed side by side, some of them silent.
const LANES: usize = 8;
type Lanes = [f32; LANES];
/// Highest notes that take all of them, in Hz; above, one fewer plays.
const FULL_BELOW_HZ: f32 = 330.0;
/// Time constant of the fade after the note's end, in seconds: 40 dB in 0.31 s.
const RELEASE_S: f32 = 0.067;
/// Depth and time constant of the slide into the note, in cents and seconds.
const SCOOP: (f32, f32) = (12.0, 0.05);
/// Time constant of the slide between slurred notes, in seconds.
const SLUR_S: f32 = 0.035;
/// Strokes a second of a trembling bow, slowest and how much faster some are; and how deep it falls between two.
const TREMBLE_HZ: (f32, f32) = (9.0, 3.0);
const TREMBLE: f32 = 0.6;
/// Time constants of the decay after a bow bounced off, and of a plucked string at 330 Hz, in seconds.
const BOUNCED_S: f32 = 0.075;
const PLUCKED_S: f32 = 0.16;
/// Over the fingerboard: factor on the corner of the low-pass, and level of the bow's noise, which does not fade.
const LIGHT: (f32, f32) = (0.5, 0.06);
/// Amplitude below which a player is silent.
const QUIET: f32 = 2e-6;

/// What the bow does, or the finger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    /// It is drawn.
    Plain,
    /// It is drawn, and the note swells on after its attack.
    Swelling,
    /// It goes on from the note before.
    Slurred,
    /// It goes to and fro.
    Trembling,
    /// It is drawn lightly over the fingerboard.
    Light,
    /// It bounces off.
    Bounced,
    /// A finger plucks.
    Plucked,
}

/// How a note is bowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bowing {
    /// Pitch at a tuning of 0 cents, in Hz.
    pub hz: f32,
    /// Where it comes from, in cents from there; 0 is nowhere.
    pub from_cents: f32,
    /// 0 to 1.
    pub velocity: f32,
    /// Time constant of the attack, in seconds.
    pub attack_s: f32,
    /// What the bow does.
    pub stroke: Stroke,
    /// Players who share it, 1 to 6.
    pub players: usize,
    /// Factor on how bright it is.
    pub bright: f32,
    /// Factor on the depth of the vibrato.
    pub vibrato: f32,
}

/// What changes from sample to sample, player by player.
#[derive(Debug, Clone, Copy, Default)]
struct Bows {
    phase: Lanes,
    step: Lanes,
    inverse: Lanes,
    amplitude: Lanes,
    slope: Lanes,
    left: Lanes,
    right: Lanes,
    /// Everybody's amplitude together, and its slope.
    all: f32,
    all_slope: f32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Player {
    envelope: f32,
    detune_cents: f32,
    vibrato_turns: f32,
    vibrato_hz: f32,
    vibrato_cents: f32,
    drift_turns: f32,
    drift_hz: f32,
    late_s: f32,
}

/// The players of one note.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    rate_hz: f32,
    ticks_hz: f32,
    players: [Player; PLAYERS],
    bows: Bows,
    count: usize,
    bowing: Bowing,
    time_s: f32,
    held: bool,
    /// Stage by stage, left and right.
    low: [[f32; 2]; 3],
    low_coefficient: f32,
    noise: Noise,
    bow: BandPass,
    bow_level: f32,
    last: (f32, f32),
}

impl Desk {
    /// Silent players.
    pub(super) fn new(rate_hz: f32, tick_samples: usize) -> Self {
        Self {
            rate_hz,
            ticks_hz: rate_hz / tick_samples as f32,
            players: [Player::default(); PLAYERS],
            bows: Bows::default(),
            count: 0,
            bowing: Bowing {
                hz: 440.0,
                from_cents: 0.0,
                velocity: 0.0,
                attack_s: 0.1,
                stroke: Stroke::Plain,
                players: 1,
                bright: 1.0,
                vibrato: 1.0,
            },
            time_s: 0.0,
            held: false,
            low: [[0.0; 2]; 3],
            low_coefficient: 0.1,
            noise: Noise::new(rate_hz),
            bow: BandPass::new(2_040.0, 0.6, rate_hz),
            bow_level: 0.0,
            last: (0.0, 0.0),
        }
    }

    /// Starts a note; `tuning_cents` and `expression` are those of now.
    pub(super) fn start(&mut self, bowing: Bowing, tuning_cents: f32, expression: f32, rng: &mut Rng) {
        self.clear();
        self.bowing = bowing;
        self.held = true;
        let players = bowing.players.clamp(1, PLAYERS);
        self.count = if bowing.hz < FULL_BELOW_HZ { players } else { (players - 1).max(1) };
        let side = 0.5 * ((bowing.hz / 440.0).log2() * -0.4).clamp(-1.0, 1.0);
        for (index, player) in self.players.iter_mut().take(self.count).enumerate() {
            let seat = if self.count > 1 { index as f32 / (self.count - 1) as f32 * 2.0 - 1.0 } else { 0.0 };
            let pan = (0.12 * side + 0.8 * seat).clamp(-0.95, 0.95);
            let angle = (pan + 1.0) * std::f32::consts::FRAC_PI_4;
            self.bows.phase[index] = rng.unit() as f32;
            (self.bows.left[index], self.bows.right[index]) = (angle.cos(), angle.sin());
            *player = Player {
                detune_cents: 7.0 * seat * if index % 2 == 0 { 1.0 } else { -0.6 }
                    + 1.4 * rng.normal() as f32,
                vibrato_turns: rng.unit() as f32,
                vibrato_hz: 5.0 + 1.2 * rng.unit() as f32,
                vibrato_cents: bowing.vibrato * (8.0 + 6.5 * rng.unit() as f32),
                drift_turns: rng.unit() as f32,
                drift_hz: 0.25 + 0.4 * rng.unit() as f32,
                late_s: 0.03 * rng.unit() as f32 * (1.2 - bowing.velocity),
                ..Player::default()
            };
        }
        // Apart from each other, but together in tune.
        let mean = self.players.iter().map(|p| p.detune_cents).sum::<f32>() / self.count as f32;
        self.players.iter_mut().take(self.count).for_each(|p| p.detune_cents -= mean);
        self.noise.seed(rng.bits());
        self.aim(tuning_cents, expression);
    }

    /// Ends the note.
    pub(super) fn release(&mut self) {
        self.held = false;
    }

    /// One control tick.
    pub(super) fn tick(&mut self, tuning_cents: f32, expression: f32) {
        let tick_s = 1.0 / self.ticks_hz;
        self.time_s += tick_s;
        let attack = glide(self.bowing.attack_s, self.ticks_hz);
        let release = glide(RELEASE_S, self.ticks_hz);
        let level = self.level();
        for (index, player) in self.players.iter_mut().take(self.count).enumerate() {
            let began = self.time_s > player.late_s;
            let (target, rate) = match (self.held, began) {
                (true, true) => (level * player.tremble(self.bowing.stroke, self.time_s), attack),
                (true, false) => (0.0, attack),
                (false, _) => (0.0, release),
            };
            player.envelope = snap(player.envelope + rate * (target - player.envelope));
            // A second pole makes the attack round.
            let further = 2.0 * rate.min(0.4) * (player.envelope - self.bows.amplitude[index]);
            self.bows.slope[index] = further * self.ticks_hz / self.rate_hz;
            player.vibrato_turns = (player.vibrato_turns + player.vibrato_hz * tick_s).fract();
            player.drift_turns = (player.drift_turns + player.drift_hz * tick_s).fract();
        }
        (self.bows.all, self.bows.all_slope) = (sum(&self.bows.amplitude), sum(&self.bows.slope));
        self.low = self.low.map(|side| side.map(snap));
        self.bow.tick();
        self.aim(tuning_cents, expression);
    }

    /// How loud everybody is now, beside the attack.
    fn level(&self) -> f32 {
        let fades = |time_constant_s: f32| (-self.time_s / time_constant_s).exp();
        match self.bowing.stroke {
            Stroke::Plain | Stroke::Slurred | Stroke::Trembling => 1.0,
            Stroke::Swelling | Stroke::Light => 0.85 + 0.15 * (1.0 - fades(0.25)),
            Stroke::Bounced => fades(BOUNCED_S),
            Stroke::Plucked => fades(PLUCKED_S * (330.0 / self.bowing.hz).powf(0.4)),
        }
    }

    fn aim(&mut self, tuning_cents: f32, expression: f32) {
        let late = ((self.time_s - 0.25) / 0.6).clamp(0.0, 1.0);
        let scoop = match self.bowing.stroke {
            Stroke::Slurred => self.bowing.from_cents * (-self.time_s / SLUR_S).exp(),
            Stroke::Plucked => 0.0,
            _ => -SCOOP.0 * (-self.time_s / SCOOP.1).exp(),
        };
        for (index, player) in self.players.iter().take(self.count).enumerate() {
            let cents = tuning_cents
                + scoop
                + player.detune_cents
                + late * player.vibrato_cents * (TAU * player.vibrato_turns).sin()
                + 2.5 * (TAU * player.drift_turns).sin();
            let step = (self.bowing.hz * (cents / 1_200.0).exp2() / self.rate_hz).min(0.25);
            (self.bows.step[index], self.bows.inverse[index]) = (step, 1.0 / step);
        }
        let envelope = self.bows.amplitude.iter().sum::<f32>() / self.count.max(1) as f32;
        let Bowing { hz, velocity, bright, .. } = self.bowing;
        let open = match self.bowing.stroke {
            // What is plucked loses its upper partials first.
            Stroke::Plucked => 0.3 + 0.6 * envelope,
            Stroke::Light => LIGHT.0 * (0.86 + 0.14 * envelope),
            _ => 0.86 + 0.14 * envelope,
        };
        let corner = bright * (630.0 + 2_000.0 * velocity + 4.6 * hz) * open * (0.65 + 0.35 * expression);
        self.low_coefficient = one_pole(corner.min(12_000.0), self.rate_hz);
        let noise = match self.bowing.stroke {
            Stroke::Slurred => 0.04,
            Stroke::Light => LIGHT.1,
            Stroke::Plucked => 0.25 * (-self.time_s / 0.01).exp(),
            _ => 0.02 + 0.12 * (-self.time_s / 0.12).exp(),
        };
        self.bow_level = noise * (hz / 330.0).powf(0.2) * (0.5 + velocity);
    }

    /// Adds the note to both channels.
    pub(super) fn add(&mut self, left: &mut [f32], right: &mut [f32]) {
        let gain = 0.38 * self.bowing.velocity.powf(1.2) * (self.bowing.hz / 220.0).powf(0.3)
            / (self.count.max(1) as f32).sqrt();
        play(self, gain, left, right);
    }

    /// Whether everyone has fallen silent.
    pub(super) fn is_quiet(&self) -> bool {
        !self.held
            && self.bows.amplitude.iter().all(|amplitude| *amplitude < QUIET)
            && self.players.iter().all(|player| player.envelope < QUIET)
    }

    /// The last samples that were added.
    pub(super) fn last(&self) -> (f32, f32) {
        self.last
    }

    /// Silences everyone at once.
    pub(super) fn clear(&mut self) {
        self.players = [Player::default(); PLAYERS];
        self.bows = Bows::default();
        self.low = [[0.0; 2]; 3];
        self.bow.clear();
        self.time_s = 0.0;
        self.held = false;
        self.count = 0;
        self.last = (0.0, 0.0);
    }
}

impl Player {
    /// The level of a bow that goes to and fro, each player's at a time of its own.
    fn tremble(&self, stroke: Stroke, time_s: f32) -> f32 {
        if stroke != Stroke::Trembling {
            return 1.0;
        }
        let strokes_hz = TREMBLE_HZ.0 + TREMBLE_HZ.1 * (self.vibrato_hz - 5.0) / 1.2;
        let turns = (0.5 * strokes_hz * time_s + self.drift_hz).fract();
        1.0 - TREMBLE + TREMBLE * (TAU * turns).sin().abs()
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn play(desk: &mut Desk, gain: f32, left: &mut [f32], right: &mut [f32]) {
    let (mut bows, mut low, mut noise, mut bow) = (desk.bows, desk.low, desk.noise, desk.bow);
    let (pass, stay) = (desk.low_coefficient, 1.0 - desk.low_coefficient);
    for (out_left, out_right) in left.iter_mut().zip(right) {
        let (sum_left, sum_right) = bows.next();
        let rubbed = bow.next(noise.next()) * desk.bow_level * bows.all;
        let mut sums = [sum_left + rubbed, sum_right + rubbed];
        for stage in &mut low {
            for (sum, state) in sums.iter_mut().zip(stage) {
                *state = pass * *sum + stay * *state;
                *sum = *state;
            }
        }
        desk.last = (gain * sums[0], gain * sums[1]);
        *out_left += desk.last.0;
        *out_right += desk.last.1;
    }
    (desk.bows, desk.low, desk.noise, desk.bow) = (bows, low, noise, bow);
}

impl Bows {
    /// The next sample of everybody, left and right. Each is a band-limited saw (PolyBLEP: Valimaki and
    /// Huovilainen, IEEE Signal Processing Magazine 24(2), 2007).
    #[inline(always)]
    fn next(&mut self) -> (f32, f32) {
        let (mut left, mut right) = ([0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            let (phase, step) = (self.phase[lane], self.step[lane]);
            let (behind, ahead) = (phase * self.inverse[lane], (phase - 1.0) * self.inverse[lane]);
            let after = behind + behind - behind * behind - 1.0;
            let before = ahead * ahead + ahead + ahead + 1.0;
            let wraps = phase > 1.0 - step;
            let value =
                2.0 * phase - 1.0 - if phase < step { after } else { 0.0 } - if wraps { before } else { 0.0 };
            self.phase[lane] = phase + if wraps { step - 1.0 } else { step };
            let played = value * self.amplitude[lane];
            self.amplitude[lane] += self.slope[lane];
            left[lane] = played * self.left[lane];
            right[lane] = played * self.right[lane];
        }
        self.all += self.all_slope;
        (sum(&left), sum(&right))
    }
}

#[inline(always)]
fn sum([a, b, c, d, e, f, g, h]: &Lanes) -> f32 {
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}
