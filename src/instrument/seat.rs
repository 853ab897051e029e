//! Makes room for a voice in the sound of a band: a dip where both have their energy, and a slow ride of the level.
//!
//! Both are measured in octave bands. Where the band stands over the voice while somebody sings, that octave is lowered by
//! up to [`MOST_DIP_DB`]; in rests nothing is.

use crate::audio::StereoBlock;
use crate::time::Hz;

use super::dsp::{BandPasses, amplitude, glide};

/// Centres of the octaves in which voices carry their words, in Hz.
const CENTRES_HZ: [f32; OCTAVES] = [400.0, 800.0, 1_600.0, 3_200.0];
const OCTAVES: usize = 4;
/// Centre over bandwidth of an octave.
const OCTAVE_Q: f32 = 1.41;
/// Deepest dip of an octave at the full amount, in dB.
const MOST_DIP_DB: f32 = 6.0;
/// The voice is to stand so far over the band in each octave, in dB.
const CLEAR_DB: f32 = 4.0;
/// Share of what is missing that a dip makes up for.
const EAGERNESS: f32 = 0.6;
/// Time constants with which a dip deepens and lets go, in seconds.
const DEEPEN_S: f32 = 0.06;
const LET_GO_S: f32 = 0.25;
/// Time constant of the levels that are compared, in seconds.
const LEVEL_S: f32 = 0.04;
/// The voice counts as sounding above so much under its own loud places, in dB.
const SOUNDING_DB: f32 = 26.0;
/// Time constant with which its loud places are forgotten, in seconds.
const LOUD_S: f32 = 20.0;
/// The slow ride keeps the band so far under the voice, in dB, and turns it by at most so much.
const UNDER_DB: f32 = 3.0;
const MOST_RIDE_DB: f32 = 2.5;
/// Time constant of the ride, in seconds.
const RIDE_S: f32 = 2.5;
/// Samples at 48 kHz between two decisions.
const TICK: f32 = 32.0;
/// Power below which nothing is compared.
const SILENT: f32 = 1e-9;

/// Lowers a band where it covers a voice.
#[derive(Debug, Clone)]
pub struct Seat {
    amount: f32,
    tick: usize,
    until_tick: usize,
    level: f32,
    slow: f32,
    deepen: f32,
    let_go: f32,
    forget: f32,
    /// The octaves of the voice, of the band's sum, and of both its channels.
    of_voice: BandPasses<OCTAVES>,
    of_band: BandPasses<OCTAVES>,
    of_sides: [BandPasses<OCTAVES>; 2],
    voice: [f32; OCTAVES],
    band: [f32; OCTAVES],
    voice_all: f32,
    loud: f32,
    slow_voice: f32,
    slow_band: f32,
    dip_db: [f32; OCTAVES],
    ride_db: f32,
    /// What is taken away of each octave, and the gain of everything.
    taken: [f32; OCTAVES],
    gain: f32,
    gain_step: f32,
}

impl Seat {
    /// A seat; `amount` is 0 (the band is left alone) to 1.
    pub fn new(amount: f32, rate: Hz) -> Self {
        let rate_hz = rate.0 as f32;
        let tick = ((rate_hz / 48_000.0 * TICK).round() as usize).max(1);
        let ticks_hz = rate_hz / tick as f32;
        let octaves = BandPasses::new(CENTRES_HZ.map(|hz| (hz, OCTAVE_Q)), rate_hz);
        Self {
            amount: amount.clamp(0.0, 1.0),
            tick,
            until_tick: 0,
            level: glide(LEVEL_S, rate_hz),
            slow: glide(RIDE_S, ticks_hz),
            deepen: glide(DEEPEN_S, ticks_hz),
            let_go: glide(LET_GO_S, ticks_hz),
            forget: glide(LOUD_S, ticks_hz),
            of_voice: octaves,
            of_band: octaves,
            of_sides: [octaves; 2],
            voice: [0.0; OCTAVES],
            band: [0.0; OCTAVES],
            voice_all: 0.0,
            loud: 0.0,
            slow_voice: 0.0,
            slow_band: 0.0,
            dip_db: [0.0; OCTAVES],
            ride_db: 0.0,
            taken: [0.0; OCTAVES],
            gain: 1.0,
            gain_step: 0.0,
        }
    }

    /// Changes a block of the band in place, hearing the voice of the same samples.
    pub fn process(&mut self, voice: &StereoBlock<'_>, band: &mut StereoBlock<'_>) {
        let sung = voice.left.iter().zip(voice.right.iter());
        for ((left, right), (sung_left, sung_right)) in
            band.left.iter_mut().zip(band.right.iter_mut()).zip(sung)
        {
            let (sung, played) = (0.5 * (sung_left + sung_right), 0.5 * (*left + *right));
            let (voice, band) = (self.of_voice.next(sung), self.of_band.next(played));
            for octave in 0..OCTAVES {
                self.voice[octave] += self.level * (voice[octave] * voice[octave] - self.voice[octave]);
                self.band[octave] += self.level * (band[octave] * band[octave] - self.band[octave]);
            }
            self.voice_all += self.level * (sung * sung - self.voice_all);
            if self.until_tick == 0 {
                self.until_tick = self.tick;
                self.decide();
            }
            self.until_tick -= 1;
            self.gain += self.gain_step;
            for (sample, octaves) in [left, right].into_iter().zip(&mut self.of_sides) {
                let whole = *sample;
                let taken: f32 =
                    octaves.next(whole).iter().zip(&self.taken).map(|(x, taken)| taken * x).sum();
                *sample = self.gain * (whole - taken);
            }
        }
    }

    /// One decision: where it dips, and how loud the band is.
    fn decide(&mut self) {
        self.of_sides.iter_mut().chain([&mut self.of_voice, &mut self.of_band]).for_each(BandPasses::tick);
        self.loud = (self.loud - self.forget * self.loud).max(self.voice_all);
        let sounds = self.voice_all > SILENT && self.voice_all > self.loud * power(-SOUNDING_DB);
        for octave in 0..OCTAVES {
            let (voice, band) = (self.voice[octave], self.band[octave]);
            let missing_db = if sounds && band > SILENT {
                CLEAR_DB + 10.0 * (band / voice.max(SILENT)).log10()
            } else {
                0.0
            };
            // An octave in which this voice has nothing to say stays with the band.
            let speaks = voice > self.voice_all * power(-20.0);
            let wanted_db = if speaks { (EAGERNESS * missing_db).clamp(0.0, MOST_DIP_DB) } else { 0.0 };
            let pace = if wanted_db > self.dip_db[octave] { self.deepen } else { self.let_go };
            self.dip_db[octave] += pace * (wanted_db - self.dip_db[octave]);
            self.taken[octave] = 1.0 - amplitude(-self.amount * self.dip_db[octave]);
        }
        if sounds {
            let all: f32 = self.band.iter().sum();
            let sung: f32 = self.voice.iter().sum();
            self.slow_voice += self.slow * (sung - self.slow_voice);
            self.slow_band += self.slow * (all - self.slow_band);
            if self.slow_band > SILENT && self.slow_voice > SILENT {
                let over_db = 10.0 * (self.slow_band / self.slow_voice).log10() + UNDER_DB;
                let wanted_db = (-0.5 * over_db).clamp(-MOST_RIDE_DB, MOST_RIDE_DB);
                self.ride_db += self.slow * (wanted_db - self.ride_db);
            }
        }
        self.gain_step = (amplitude(self.amount * self.ride_db) - self.gain) / self.tick as f32;
    }
}

fn power(level_db: f32) -> f32 {
    10f32.powf(level_db / 10.0)
}
