//! A slow, gentle compressor over a whole mix (Giannoulis, Massberg and Reiss, Journal of the Audio Engineering Society
//! 60(6), 2012): feed-forward, both channels turned alike, a soft knee.

use crate::audio::StereoBlock;
use crate::time::Hz;

use super::dsp::{amplitude, glide};

/// Level over which it turns down, in dB relative to full scale (RMS).
const THRESHOLD_DB: f32 = -20.0;
/// Decibels in for one out.
const RATIO: f32 = 1.6;
/// Width of the knee, in dB.
const KNEE_DB: f32 = 10.0;
/// Time constant of the level, in seconds.
const LEVEL_S: f32 = 0.02;
/// Time constants of turning down and up, in seconds.
const ATTACK_S: f32 = 0.03;
const RELEASE_S: f32 = 0.25;

/// Samples at 48 kHz between two decisions.
const TICK: f32 = 16.0;

/// A compressor for a mix.
#[derive(Debug, Clone)]
pub struct Glue {
    level: f32,
    attack: f32,
    release: f32,
    power: f32,
    cut_db: f32,
    tick: usize,
    until_tick: usize,
    gain: f32,
    gain_step: f32,
}

impl Glue {
    /// A compressor at a sample rate.
    pub fn new(rate: Hz) -> Self {
        let rate_hz = rate.0 as f32;
        let tick = ((rate_hz / 48_000.0 * TICK).round() as usize).max(1);
        let ticks_hz = rate_hz / tick as f32;
        Self {
            level: glide(LEVEL_S, rate_hz),
            attack: glide(ATTACK_S, ticks_hz),
            release: glide(RELEASE_S, ticks_hz),
            power: 0.0,
            cut_db: 0.0,
            tick,
            until_tick: 0,
            gain: 1.0,
            gain_step: 0.0,
        }
    }

    /// Changes a block in place.
    pub fn process(&mut self, block: &mut StereoBlock<'_>) {
        for (left, right) in block.left.iter_mut().zip(block.right.iter_mut()) {
            let power = 0.5 * (*left * *left + *right * *right);
            self.power += self.level * (power - self.power);
            if self.until_tick == 0 {
                self.until_tick = self.tick;
                self.decide();
            }
            self.until_tick -= 1;
            self.gain += self.gain_step;
            *left *= self.gain;
            *right *= self.gain;
        }
    }

    fn decide(&mut self) {
        let wanted_db = cut_db(10.0 * self.power.max(1e-12).log10());
        let pace = if wanted_db > self.cut_db { self.attack } else { self.release };
        self.cut_db += pace * (wanted_db - self.cut_db);
        self.gain_step = (amplitude(-self.cut_db) - self.gain) / self.tick as f32;
    }
}

/// By how much a level is turned down, in dB.
fn cut_db(level_db: f32) -> f32 {
    let over_db = level_db - THRESHOLD_DB;
    let slope = 1.0 - 1.0 / RATIO;
    if over_db <= -0.5 * KNEE_DB {
        0.0
    } else if over_db < 0.5 * KNEE_DB {
        slope * (over_db + 0.5 * KNEE_DB).powi(2) / (2.0 * KNEE_DB)
    } else {
        slope * over_db
    }
}
