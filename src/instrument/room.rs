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
        let start = (self.at + 2 * len - out.len() - ago) % len;
        let (first, second) = out.split_at_mut((len - start).min(out.len()));
        for (out, x) in first.iter_mut().zip(&self.buffer[start..]).chain(second.iter_mut().zip(&self.buffer))
        {
            *out += gain * x;
        }
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
        for (slot, x) in first.iter_mut().chain(second).zip(x) {
            let late = *slot;
            let fed = snap(*x + DIFFUSION * late);
            *slot = fed;
            *x = late - DIFFUSION * fed;
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
    /// What all lines were fed, sample by sample, around a power of two.
    fed: Vec<Lines>,
    at: usize,
    lengths: [usize; LINES],
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
                fed: vec![[0.0; LINES]; (samples(LENGTHS_S[LINES - 1]) + 1).next_power_of_two()],
                at: 0,
                lengths: LENGTHS_S.map(samples),
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
        self.network.fed.fill([0.0; LINES]);
        (self.network.at, self.network.low) = (0, [0.0; LINES]);
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
    let [wet_left, wet_right] = &mut wet;
    for at in 0..len {
        let [from_left, from_right] = room.network.next([fed[0][at], fed[1][at]]);
        wet_left[at] += from_left;
        wet_right[at] += from_right;
    }
    for (out, wet) in left.iter_mut().zip(wet_left).chain(right.iter_mut().zip(wet_right)) {
        *out += room.wet * *wet;
    }
}

impl Network {
    /// What the lines give to both sides when they are fed from both sides: those with even numbers from the left.
    #[inline(always)]
    fn next(&mut self, [from_left, from_right]: [f32; 2]) -> [f32; 2] {
        let mask = self.fed.len() - 1;
        let mut x = [0.0; LINES];
        for line in 0..LINES {
            let then = self.at.wrapping_sub(self.lengths[line]) & mask;
            let heard = self.fed.get(then).map_or(0.0, |fed| fed[line]);
            self.low[line] = snap(self.low[line] + self.damping * (heard - self.low[line]));
            x[line] = self.low[line] * self.gains[line];
        }
        let wet = [x[0] - x[2] + x[4] - x[6], x[1] - x[3] + x[5] - x[7]];
        let mut mixed = hadamard(x);
        for pair in mixed.chunks_exact_mut(2) {
            (pair[0], pair[1]) = (snap(pair[0] + from_left), snap(pair[1] + from_right));
        }
        if let Some(slot) = self.fed.get_mut(self.at) {
            *slot = mixed;
        }
        self.at = (self.at + 1) & mask;
        wet
    }
}

/// Mixes the lines without loss.
#[inline(always)]
fn hadamard(mut x: Lines) -> Lines {
    for half in [1, 2, 4] {
        let other: Lines = std::array::from_fn(|line| x[line ^ half]);
        for line in 0..LINES {
            x[line] = other[line] + if line & half == 0 { x[line] } else { -x[line] };
        }
    }
    x.map(|value| 0.353_553_4 * value)
}
