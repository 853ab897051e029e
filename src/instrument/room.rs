//! Reverberation: a feedback delay network (Jot and Chaigne, AES Convention 90, 1991).
//!
//! It is linear and does not change with time, so that the rooms of the stems add up to the room of the band.

use crate::audio::StereoBlock;
use crate::time::Hz;

use super::dsp::{decay, one_pole, snap};

const LINES: usize = 8;
/// Lengths of the delay lines in seconds.
const LENGTHS_S: [f32; LINES] = [0.029_7, 0.034_1, 0.038_9, 0.044_3, 0.049_7, 0.056_1, 0.063_7, 0.071_9];

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
    pre: Vec<[f32; 2]>,
    pre_at: usize,
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
            pre: vec![[0.0; 2]; samples(spec.pre_delay_s.clamp(0.0, 0.2))],
            pre_at: 0,
            diffusers: DIFFUSERS_S
                .map(|side| side.map(|length_s| Diffuser { buffer: vec![0.0; samples(length_s)], at: 0 })),
            lines: lines.collect(),
        }
    }

    /// Adds the reverberation to a block.
    pub fn process(&mut self, block: &mut StereoBlock<'_>) {
        for (left, right) in block.left.iter_mut().zip(block.right.iter_mut()) {
            let [from_left, from_right] = match self.pre.get_mut(self.pre_at) {
                Some(slot) => std::mem::replace(slot, [*left, *right]),
                None => [0.0; 2],
            };
            self.pre_at = if self.pre_at + 1 < self.pre.len() { self.pre_at + 1 } else { 0 };
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
            *left += self.wet * wet_left;
            *right += self.wet * wet_right;
        }
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
