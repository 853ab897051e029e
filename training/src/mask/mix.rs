//! A mix drawn at random from stored voices and backings: levels, equalisers, rooms, microphones, noise.

use std::f32::consts::TAU;

use collavoce::song::Rng;
use collavoce_data::draw::{between, gain, log_between};
use collavoce_data::voices::{Point, RATE, Stored, TRUTH_PER_S};

/// How often nobody sings, and how often nothing else sounds.
const NO_VOICE: f64 = 0.07;
const VOICE_ALONE: f64 = 0.05;
/// Level of the voice beside all else, in dB.
const LEVEL_DB: [f32; 2] = [-9.0, 9.0];
/// How often the backing is the one that the voice was made with.
const TOGETHER: f64 = 0.5;
/// How often all of it is heard through one microphone in one room.
const DEMO: f64 = 0.35;
/// How often a backing has no sides.
const MONO: f64 = 0.3;

/// A mix and the voice within it.
pub struct Mix {
    /// Left and right.
    pub mix: [Vec<f32>; 2],
    /// Mean of both sides of the voice.
    pub voice: Vec<f32>,
    /// What is true of the voice, from its first sample on.
    pub truth: Vec<Point>,
}

/// Draws a mix of some samples.
pub fn draw(rng: &mut Rng, pairs: &[Stored], samples: usize) -> Mix {
    let kind = rng.unit();
    let (sings, plays) = (kind >= NO_VOICE, !(NO_VOICE..NO_VOICE + VOICE_ALONE).contains(&kind));
    let one = rng.below(pairs.len());
    let from = offset(rng, &pairs[one], samples, sings);
    let points = |at: usize| at * TRUTH_PER_S as usize / RATE as usize;
    let mut truth = vec![Point::default(); points(samples) + 2];
    let mut voice = vec![0.0; samples];
    if sings {
        copy(&pairs[one].voice[from..], &mut voice);
        let there = &pairs[one].truth[points(from).min(pairs[one].truth.len())..];
        truth.iter_mut().zip(there).for_each(|(point, there)| *point = *there);
    }
    let together = rng.chance(TOGETHER) && pairs[one].about.ends_with("together");
    let other = if together { one } else { rng.below(pairs.len()) };
    let at = if together { from } else { rng.below((pairs[other].backing.len() / 2 - samples).max(1)) };
    let mut backing = [vec![0.0; samples], vec![0.0; samples]];
    if plays {
        let frames = pairs[other].backing[2 * at..].chunks_exact(2);
        for (index, frame) in frames.take(samples).enumerate() {
            (backing[0][index], backing[1][index]) =
                (f32::from(frame[0]) / 32_768.0, f32::from(frame[1]) / 32_768.0);
        }
    }
    produce(rng, &mut voice, &mut backing, !sings || !plays);
    let demo = rng.chance(DEMO);
    let mut sides = if demo {
        let [left, right] = &backing;
        let mut middle: Vec<f32> = left.iter().zip(right).map(|(l, r)| 0.5 * (l + r)).collect();
        one_microphone(rng, &mut voice, &mut middle);
        [middle.clone(), middle]
    } else {
        backing
    };
    noise(rng, &mut sides, demo);
    let pan = if demo || rng.chance(0.75) { 0.0 } else { between(rng, -0.35, 0.35) };
    let mut mix = sides;
    for (side, factor) in mix.iter_mut().zip([1.0 - pan, 1.0 + pan]) {
        side.iter_mut().zip(&voice).for_each(|(x, v)| *x += factor * v);
    }
    let peak = mix.iter().flatten().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    let factor = gain(between(rng, -26.0, -1.0)) / peak.max(1e-6);
    mix.iter_mut().flatten().chain(&mut voice).for_each(|x| *x *= factor);
    Mix { mix, voice, truth }
}

/// Where to begin: where somebody sings, most times.
fn offset(rng: &mut Rng, pair: &Stored, samples: usize, sings: bool) -> usize {
    let last = pair.voice.len().saturating_sub(samples);
    let mut from = 0;
    for _ in 0..4 {
        from = rng.below(last + 1);
        let each = RATE / TRUTH_PER_S;
        let (first, count) = (from / each as usize, samples / each as usize);
        let sung = pair.truth.iter().skip(first).take(count).filter(|point| point.hz > 0.0).count();
        if !sings || sung * 4 > count || rng.chance(0.15) {
            break;
        }
    }
    from
}

fn copy(from: &[i16], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from(*from) / 32_768.0);
}

/// Colours both apart, and sets their levels.
fn produce(rng: &mut Rng, voice: &mut [f32], backing: &mut [Vec<f32>; 2], alone: bool) {
    colour(rng, &mut [voice], 3, 8.0);
    if rng.chance(0.3) {
        squeeze(voice, between(rng, 0.3, 0.8));
    }
    if rng.chance(0.45) {
        let room = Room::draw(rng);
        room.fill(voice, gain(between(rng, -26.0, -8.0)));
    }
    {
        let [left, right] = backing;
        if rng.chance(MONO) {
            for (l, r) in left.iter_mut().zip(right.iter_mut()) {
                let middle = 0.5 * (*l + *r);
                (*l, *r) = (middle, middle);
            }
        }
        colour(rng, &mut [left, right], 2, 6.0);
    }
    if rng.chance(0.2) {
        let room = Room::draw(rng);
        let wet = gain(between(rng, -24.0, -10.0));
        backing.iter_mut().for_each(|side| room.fill(side, wet));
    }
    let level = if alone { 0.0 } else { between(rng, LEVEL_DB[0], LEVEL_DB[1]) };
    voice.iter_mut().for_each(|x| *x *= gain(level));
}

/// Puts both into one room before one microphone.
fn one_microphone(rng: &mut Rng, voice: &mut [f32], backing: &mut [f32]) {
    let room = Room::draw(rng);
    if rng.chance(0.8) {
        let (near, far) = (between(rng, -24.0, -6.0), between(rng, -20.0, -4.0));
        room.fill(voice, gain(near));
        room.fill(backing, gain(far));
    }
    colour(rng, &mut [voice, backing], 2, 8.0);
    if rng.chance(0.5) {
        let filter = Filter::high_pass(log_between(rng, 60.0, 220.0));
        filter.run(voice);
        filter.run(backing);
    }
    if rng.chance(0.35) {
        let filter = Filter::low_pass(log_between(rng, 3_500.0, 10_000.0));
        filter.run(voice);
        filter.run(backing);
    }
}

/// The same bells for all.
fn colour(rng: &mut Rng, sounds: &mut [&mut [f32]], bells: usize, most_db: f32) {
    for _ in 0..bells {
        if rng.chance(0.6) {
            let (hz, db) = (log_between(rng, 90.0, 9_000.0), between(rng, -most_db, most_db));
            let filter = Filter::peak(hz, db, between(rng, 0.4, 2.0));
            sounds.iter_mut().for_each(|sound| filter.run(sound));
        }
    }
}

/// Evens out levels, as compressors do.
fn squeeze(samples: &mut [f32], amount: f32) {
    let mut level = 0.03_f32;
    for sample in samples {
        let now = sample.abs();
        level += if now > level { 0.01 } else { 0.000_2 } * (now - level);
        *sample *= (0.05 / level.max(0.004)).powf(amount);
    }
}

/// There is no silence.
fn noise(rng: &mut Rng, sides: &mut [Vec<f32>; 2], demo: bool) {
    let level = gain(if demo { between(rng, -62.0, -32.0) } else { between(rng, -85.0, -48.0) }) * 0.1;
    let step = between(rng, 0.03, 1.0);
    let loudness = level / (step / (2.0 - step)).sqrt();
    let (mut left, mut right) = (0.0_f32, 0.0_f32);
    let [one, other] = sides;
    for (l, r) in one.iter_mut().zip(other) {
        let bits = rng.bits();
        let white = |bits: u64| (bits & 0xffff_ffff) as f32 / 2_147_483_648.0 - 1.0;
        left += step * (1.7 * white(bits) - left);
        right += step * (1.7 * white(bits >> 32) - right);
        *l += loudness * left;
        *r += loudness * if demo { left } else { right };
    }
}

/// A small room: recirculating delays with a dull loop, and delays that scatter (Schroeder, JAES 10, 1962).
struct Room {
    combs: [(usize, f32); 4],
    scatter: [usize; 2],
    dull: f32,
    delay: usize,
}

impl Room {
    fn draw(rng: &mut Rng) -> Self {
        let (t60, size) = (log_between(rng, 0.2, 1.6), log_between(rng, 0.5, 1.6));
        let comb = |base: f32, rng: &mut Rng| {
            let len = (base * size * between(rng, 0.9, 1.1) * RATE as f32).max(16.0);
            (len as usize, 10f32.powf(-3.0 * len / (t60 * RATE as f32)))
        };
        Self {
            combs: [0.0297, 0.0371, 0.0411, 0.0437].map(|base| comb(base, rng)),
            scatter: [0.005, 0.0017].map(|base| (base * size * RATE as f32).max(4.0) as usize),
            dull: between(rng, 0.1, 0.7),
            delay: (between(rng, 0.0, 0.02) * RATE as f32) as usize,
        }
    }

    /// Adds the room to a sound.
    fn fill(&self, samples: &mut [f32], wet: f32) {
        let mut rings = self.combs.map(|(len, _)| (vec![0.0_f32; len], 0, 0.0_f32));
        let mut scatter = self.scatter.map(|len| (vec![0.0_f32; len], 0));
        let mut before = vec![0.0; self.delay + 1];
        let mut place = 0;
        for sample in samples {
            before[place] = *sample;
            place = (place + 1) % before.len();
            let input = before[place] + 1e-20;
            let mut sum = 0.0;
            for ((ring, at, low), (_, feedback)) in rings.iter_mut().zip(self.combs) {
                let out = ring[*at];
                *low = out + self.dull * (*low - out);
                ring[*at] = input + feedback * *low;
                *at = if *at + 1 == ring.len() { 0 } else { *at + 1 };
                sum += out;
            }
            for (ring, at) in &mut scatter {
                let held = ring[*at];
                let into = sum + 0.6 * held;
                ring[*at] = into;
                *at = if *at + 1 == ring.len() { 0 } else { *at + 1 };
                sum = held - 0.6 * into;
            }
            *sample += wet * sum;
        }
    }
}

/// A second-order filter (coefficients after Bristow-Johnson's cookbook).
#[derive(Clone, Copy)]
struct Filter {
    b: [f32; 3],
    a: [f32; 2],
}

impl Filter {
    fn of(b: [f32; 3], a: [f32; 3]) -> Self {
        Self { b: b.map(|x| x / a[0]), a: [a[1] / a[0], a[2] / a[0]] }
    }

    fn high_pass(hz: f32) -> Self {
        let (sin, cos) = (TAU * hz / RATE as f32).sin_cos();
        let (alpha, half) = (sin / 1.414, (1.0 + cos) / 2.0);
        Self::of([half, -2.0 * half, half], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    fn low_pass(hz: f32) -> Self {
        let (sin, cos) = (TAU * hz / RATE as f32).sin_cos();
        let (alpha, half) = (sin / 1.414, (1.0 - cos) / 2.0);
        Self::of([half, 2.0 * half, half], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    fn peak(hz: f32, db: f32, q: f32) -> Self {
        let (sin, cos) = (TAU * hz / RATE as f32).sin_cos();
        let (alpha, a) = (sin / (2.0 * q), gain(db / 2.0));
        Self::of(
            [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a],
            [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a],
        )
    }

    fn run(&self, samples: &mut [f32]) {
        let mut state = [0.0_f32; 2];
        for sample in samples {
            let x = *sample + 1e-20;
            let y = self.b[0] * x + state[0];
            state[0] = self.b[1] * x - self.a[0] * y + state[1];
            state[1] = self.b[2] * x - self.a[1] * y;
            *sample = y;
        }
    }
}
