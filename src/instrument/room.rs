//! Reverberation: a few early reflections, then a feedback delay network (Jot and Chaigne, AES Convention 90, 1991).
//!
//! It is linear and does not change with time, so that the rooms of the stems add up to the room of the band.

use crate::audio::StereoBlock;
use crate::time::Hz;

use super::dsp::{decay, one_pole, snap};

const LINES: usize = 8;
/// Lengths of the delay lines in seconds.
const LENGTHS_S: [f32; LINES] = [0.029_7, 0.034_1, 0.038_9, 0.044_3, 0.049_7, 0.056_1, 0.063_7, 0.071_9];

/// Early reflections: delay in seconds, gain; of the left and of the right channel. The walls are not equally far.
const EARLY: [[(f32, f32); 6]; 2] = [
    [(0.007_1, 0.42), (0.012_7, -0.34), (0.018_9, 0.30), (0.024_3, 0.22), (0.031_7, -0.18), (0.041_9, 0.13)],
    [(0.008_3, 0.40), (0.011_3, 0.33), (0.017_3, -0.31), (0.026_9, 0.23), (0.034_1, 0.16), (0.039_7, -0.14)],
];
/// Share of the other channel in a reflection.
const ACROSS: f32 = 0.4;

/// Lengths of the diffusers in seconds, indexed by `[channel][stage]`.
const DIFFUSERS_S: [[f32; 3]; 2] = [[0.002_3, 0.004_9, 0.010_7], [0.002_7, 0.005_3, 0.009_7]];
/// Coefficient of the diffusers.
const DIFFUSION: f32 = 0.6;

/// What a room is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoomSpec {
    /// Gain of the reverberation, 0 to 1; the direct sound always has 1.
    pub wet: f32,
    /// Decay by 60 dB, in seconds, 0.1 to 10.
    pub t60_s: f32,
    /// Delay of the first reflection behind the direct sound, in seconds, 0 to 0.2.
    pub pre_delay_s: f32,
    /// Corner above which the reverberation decays faster, in Hz.
    pub damping_hz: f32,
}

#[derive(Debug, Clone)]
struct Line {
    buffer: Vec<f32>,
    at: usize,
    low: f32,
    gain: f32,
}

/// An allpass that spreads an impulse in time.
#[derive(Debug, Clone)]
struct Diffuser {
    buffer: Vec<f32>,
    at: usize,
}

impl Diffuser {
    fn next(&mut self, x: f32) -> f32 {
        let Some(slot) = self.buffer.get_mut(self.at) else { return x };
        let late = *slot;
        let fed = snap(x + DIFFUSION * late);
        *slot = fed;
        self.at = if self.at + 1 < self.buffer.len() { self.at + 1 } else { 0 };
        late - DIFFUSION * fed
    }
}

/// One room for one part.
#[derive(Debug, Clone)]
pub struct Room {
    wet: f32,
    damping: f32,
    /// What came in last, newest at `pre_at`.
    pre: Vec<[f32; 2]>,
    pre_at: usize,
    pre_delay: usize,
    /// Early reflections of both channels: delay in samples, gain.
    early: [[(usize, f32); 6]; 2],
    diffusers: [[Diffuser; 3]; 2],
    lines: Vec<Line>,
}

impl Room {
    /// A room at a sample rate; allocates its delay lines.
    pub fn new(spec: RoomSpec, rate: Hz) -> Self {
        let rate_hz = rate.0 as f32;
        let samples = |length_s: f32| ((length_s * rate_hz).round() as usize).max(1);
        let t60_s = spec.t60_s.clamp(0.1, 10.0);
        let lines = LENGTHS_S.iter().map(|&length_s| Line {
            buffer: vec![0.0; samples(length_s)],
            at: 0,
            low: 0.0,
            gain: decay(t60_s, 1.0 / length_s),
        });
        Self {
            wet: spec.wet.clamp(0.0, 1.0),
            damping: one_pole(spec.damping_hz, rate_hz),
            pre: vec![[0.0; 2]; (samples(0.2) + 1).next_power_of_two()],
            pre_at: 0,
            pre_delay: samples(spec.pre_delay_s.clamp(0.0, 0.2)),
            early: EARLY.map(|side| side.map(|(delay_s, gain)| (samples(delay_s), gain))),
            diffusers: DIFFUSERS_S
                .map(|side| side.map(|length_s| Diffuser { buffer: vec![0.0; samples(length_s)], at: 0 })),
            lines: lines.collect(),
        }
    }

    /// Adds the reverberation to a block.
    pub fn process(&mut self, block: &mut StereoBlock<'_>) {
        for (left, right) in block.left.iter_mut().zip(block.right.iter_mut()) {
            self.pre_at = (self.pre_at + 1) & (self.pre.len() - 1);
            if let Some(slot) = self.pre.get_mut(self.pre_at) {
                *slot = [*left, *right];
            }
            let early_left =
                self.early[0].iter().map(|(delay, gain)| gain * self.reflected(*delay, 0)).sum::<f32>();
            let early_right =
                self.early[1].iter().map(|(delay, gain)| gain * self.reflected(*delay, 1)).sum::<f32>();
            let [from_left, from_right] = self.before(self.pre_delay);
            let [left_diffusers, right_diffusers] = &mut self.diffusers;
            let from_left = left_diffusers.iter_mut().fold(from_left, |x, diffuser| diffuser.next(x));
            let from_right = right_diffusers.iter_mut().fold(from_right, |x, diffuser| diffuser.next(x));
            let mut taps = [0.0; LINES];
            for (tap, line) in taps.iter_mut().zip(&mut self.lines) {
                let heard = line.buffer.get(line.at).copied().unwrap_or_default();
                line.low = snap(line.low + self.damping * (heard - line.low));
                *tap = line.low * line.gain;
            }
            let wet_left = taps[0] - taps[2] + taps[4] - taps[6];
            let wet_right = taps[1] - taps[3] + taps[5] - taps[7];
            hadamard(&mut taps);
            for (index, (tap, line)) in taps.iter().zip(&mut self.lines).enumerate() {
                let fed = if index % 2 == 0 { from_left } else { from_right };
                if let Some(slot) = line.buffer.get_mut(line.at) {
                    *slot = snap(tap + fed);
                }
                line.at = if line.at + 1 < line.buffer.len() { line.at + 1 } else { 0 };
            }
            *left += self.wet * (early_left + wet_left);
            *right += self.wet * (early_right + wet_right);
        }
    }

    /// What came in so many samples ago, left and right.
    fn before(&self, samples: usize) -> [f32; 2] {
        let at = self.pre_at.wrapping_sub(samples) & (self.pre.len() - 1);
        self.pre.get(at).copied().unwrap_or_default()
    }

    /// A reflection on the left (0) or right (1).
    fn reflected(&self, samples: usize, side: usize) -> f32 {
        let both = self.before(samples);
        both[side] + ACROSS * both[1 - side]
    }

    /// Silences the room.
    pub fn reset(&mut self) {
        self.pre.fill([0.0; 2]);
        self.pre_at = 0;
        for diffuser in self.diffusers.iter_mut().flatten() {
            diffuser.buffer.fill(0.0);
            diffuser.at = 0;
        }
        for line in &mut self.lines {
            line.buffer.fill(0.0);
            (line.at, line.low) = (0, 0.0);
        }
    }
}

/// Mixes the lines without loss.
fn hadamard(x: &mut [f32; LINES]) {
    for half in [1, 2, 4] {
        for low in (0..LINES).filter(|i| i & half == 0) {
            let (a, b) = (x[low], x[low + half]);
            (x[low], x[low + half]) = (a + b, a - b);
        }
    }
    for value in x {
        *value *= 0.353_553_4;
    }
}
