//! Reverberation: a few early reflections, then a feedback delay network (Jot and Chaigne, AES Convention 90, 1991).
//!
//! It is linear and does not change with time, so that the rooms of the stems add up to the room of the band.

use multiversion::multiversion;

use crate::audio::StereoBlock;
use crate::time::Hz;

use super::dsp::{decay, one_pole, snap};

const LINES: usize = 8;
type Lines = [f32; LINES];
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

/// Most samples processed at once; fewer where a diffuser is shorter, which reads before it writes.
const CHUNK: usize = 64;

/// A delay line of fixed length.
#[derive(Debug, Clone)]
struct Delay {
    buffer: Vec<f32>,
    at: usize,
}

impl Delay {
    fn new(len: usize) -> Self {
        Self { buffer: vec![0.0; len.max(1)], at: 0 }
    }

    /// The two stretches that hold the next `len` samples, oldest first; `len` is at most that of the line.
    #[inline(always)]
    fn next(&mut self, len: usize) -> [&mut [f32]; 2] {
        let end = self.at + len;
        let (start, wrapped) = (self.at, end.saturating_sub(self.buffer.len()));
        self.at = if end >= self.buffer.len() { wrapped } else { end };
        let (before, after) = self.buffer.split_at_mut(start);
        let first = len - wrapped;
        [&mut after[..first], &mut before[..wrapped]]
    }

    /// Adds what was written `ago` samples before the last `out.len()` ones.
    #[inline(always)]
    fn add(&self, ago: usize, gain: f32, out: &mut [f32]) {
        let len = self.buffer.len();
        let back = out.len() + ago;
        let start = if back > self.at { self.at + len - back } else { self.at - back };
        let (first, second) = out.split_at_mut((len - start).min(out.len()));
        for (out, past) in [(first, &self.buffer[start..]), (second, &self.buffer[..])] {
            for (out, x) in out.iter_mut().zip(past) {
                *out += gain * x;
            }
        }
    }

    /// The two stretches that the next samples will be written over, oldest first.
    #[inline(always)]
    fn oldest(&self, len: usize) -> [&[f32]; 2] {
        let wrapped = (self.at + len).saturating_sub(self.buffer.len());
        [&self.buffer[self.at..self.at + len - wrapped], &self.buffer[..wrapped]]
    }

    #[inline(always)]
    fn write(&mut self, input: &[f32]) {
        let [first, second] = self.next(input.len());
        let (head, tail) = input.split_at(first.len());
        first.copy_from_slice(head);
        second.copy_from_slice(tail);
    }

    /// Spreads impulses in time: the line as an allpass.
    #[inline(always)]
    fn diffuse(&mut self, x: &mut [f32]) {
        let [first, second] = self.next(x.len());
        let (head, tail) = x.split_at_mut(first.len());
        for (slots, x) in [(first, head), (second, tail)] {
            for (slot, x) in slots.iter_mut().zip(x) {
                let late = *slot;
                let fed = snap(*x + DIFFUSION * late);
                *slot = fed;
                *x = late - DIFFUSION * fed;
            }
        }
    }

    fn clear(&mut self) {
        self.buffer.fill(0.0);
        self.at = 0;
    }
}

/// One side of the room up to the walls.
#[derive(Debug, Clone)]
struct Side {
    /// What came in on this side, and with a share of the other side.
    came: Delay,
    around: Delay,
    /// Early reflections: delay in samples, gain.
    early: [(usize, f32); 6],
    diffusers: [Delay; 3],
}

/// One room for one part.
#[derive(Debug, Clone)]
pub struct Room {
    wet: f32,
    chunk: usize,
    pre_delay: usize,
    sides: [Side; 2],
    network: Network,
}

/// Delay lines that feed each other.
#[derive(Debug, Clone)]
struct Network {
    lines: [Delay; LINES],
    low: Lines,
    gains: Lines,
    damping: f32,
}

impl Room {
    /// A room at a sample rate; allocates its delay lines.
    pub fn new(spec: RoomSpec, rate: Hz) -> Self {
        let rate_hz = rate.0 as f32;
        let samples = |length_s: f32| ((length_s * rate_hz).round() as usize).max(1);
        let t60_s = spec.t60_s.clamp(0.1, 10.0);
        let pre_delay = samples(spec.pre_delay_s.clamp(0.0, 0.2));
        let past = || Delay::new(samples(0.2) + CHUNK);
        let side = |side: usize| Side {
            came: past(),
            around: past(),
            early: EARLY[side].map(|(delay_s, gain)| (samples(delay_s), gain)),
            diffusers: DIFFUSERS_S[side].map(|length_s| Delay::new(samples(length_s))),
        };
        let shortest = DIFFUSERS_S.iter().flatten().fold(LENGTHS_S[0], |a, b| a.min(*b));
        Self {
            wet: spec.wet.clamp(0.0, 1.0),
            chunk: samples(shortest).min(CHUNK),
            pre_delay,
            sides: [side(0), side(1)],
            network: Network {
                lines: LENGTHS_S.map(|length_s| Delay::new(samples(length_s))),
                low: [0.0; LINES],
                gains: LENGTHS_S.map(|length_s| decay(t60_s, 1.0 / length_s)),
                damping: one_pole(spec.damping_hz, rate_hz),
            },
        }
    }

    /// Adds the reverberation to a block.
    pub fn process(&mut self, block: &mut StereoBlock<'_>) {
        for (left, right) in block.left.chunks_mut(self.chunk).zip(block.right.chunks_mut(self.chunk)) {
            add(self, left, right);
        }
    }

    /// Silences the room.
    pub fn reset(&mut self) {
        for side in &mut self.sides {
            side.came.clear();
            side.around.clear();
            side.diffusers.iter_mut().for_each(Delay::clear);
        }
        self.network.lines.iter_mut().for_each(Delay::clear);
        self.network.low = [0.0; LINES];
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn add(room: &mut Room, left: &mut [f32], right: &mut [f32]) {
    let len = left.len().min(right.len());
    let (mut wet, mut fed) = ([[0.0; CHUNK]; 2], [[0.0; CHUNK]; 2]);
    for (index, side) in room.sides.iter_mut().enumerate() {
        let (wet, fed) = (&mut wet[index][..len], &mut fed[index][..len]);
        let (own, other) = if index == 0 { (&*left, &*right) } else { (&*right, &*left) };
        side.came.write(own);
        side.came.add(room.pre_delay, 1.0, fed);
        let mut around = [0.0; CHUNK];
        for ((to, own), other) in around.iter_mut().zip(own).zip(other) {
            *to = own + ACROSS * other;
        }
        side.around.write(&around[..len]);
        for (delay, gain) in side.early {
            side.around.add(delay, gain, wet);
        }
        for diffuser in &mut side.diffusers {
            diffuser.diffuse(fed);
        }
    }
    room.network.add(&fed, &mut wet, len);
    let [wet_left, wet_right] = &wet;
    for (out, wet) in left.iter_mut().zip(wet_left).chain(right.iter_mut().zip(wet_right)) {
        *out += room.wet * *wet;
    }
}

impl Network {
    /// Adds what the lines give to both sides while they are fed from both sides: those with even numbers from the left.
    #[inline(always)]
    fn add(&mut self, fed: &[[f32; CHUNK]; 2], wet: &mut [[f32; CHUNK]; 2], len: usize) {
        let mut waves = [[0.0; CHUNK]; LINES];
        for (wave, line) in waves.iter_mut().zip(&self.lines) {
            let [first, second] = line.oldest(len);
            let (head, tail) = wave[..len].split_at_mut(first.len());
            head.copy_from_slice(first);
            tail.copy_from_slice(second);
        }
        let keep = 1.0 - self.damping;
        for at in 0..len {
            for (line, wave) in waves.iter_mut().enumerate() {
                self.low[line] = snap(keep * self.low[line] + self.damping * wave[at]);
                wave[at] = self.low[line] * self.gains[line];
            }
        }
        for (side, wet) in wet.iter_mut().enumerate() {
            for (at, wet) in wet.iter_mut().enumerate() {
                *wet += (waves[side][at] - waves[side + 2][at]) + (waves[side + 4][at] - waves[side + 6][at]);
            }
        }
        hadamard(&mut waves);
        for (index, (wave, line)) in waves.iter_mut().zip(&mut self.lines).enumerate() {
            for (x, fed) in wave.iter_mut().zip(&fed[index % 2]) {
                *x = snap(*x + fed);
            }
            line.write(&wave[..len]);
        }
    }
}

/// Mixes the lines without loss.
#[inline(always)]
fn hadamard(waves: &mut [[f32; CHUNK]; LINES]) {
    for half in [1, 2, 4] {
        for pair in waves.chunks_exact_mut(2 * half) {
            let (these, those) = pair.split_at_mut(half);
            for (x, y) in these.as_flattened_mut().iter_mut().zip(those.as_flattened_mut()) {
                (*x, *y) = (*x + *y, *x - *y);
            }
        }
    }
    waves.as_flattened_mut().iter_mut().for_each(|x| *x *= 0.353_553_4);
}
