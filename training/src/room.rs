//! What lies between a voice and a recording of it, and what else is heard there.

use std::f32::consts::TAU;

use collavoce::song::Rng;
use realfft::RealFftPlanner;

use crate::voice::RATE;
use collavoce_data::draw::{between, gain, log_between, normal};

/// A second-order filter (coefficients after Bristow-Johnson's cookbook).
struct Filter {
    b: [f32; 3],
    a: [f32; 2],
    state: [f32; 2],
}

impl Filter {
    fn of(b: [f32; 3], a: [f32; 3]) -> Self {
        Self { b: b.map(|x| x / a[0]), a: [a[1] / a[0], a[2] / a[0]], state: [0.0; 2] }
    }

    fn high_pass(hz: f32) -> Self {
        let (sin, cos) = (TAU * hz / RATE).sin_cos();
        let alpha = sin / 1.414;
        let half = (1.0 + cos) / 2.0;
        Self::of([half, -2.0 * half, half], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    fn low_pass(hz: f32) -> Self {
        let (sin, cos) = (TAU * hz / RATE).sin_cos();
        let alpha = sin / 1.414;
        let half = (1.0 - cos) / 2.0;
        Self::of([half, 2.0 * half, half], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    fn peak(hz: f32, db: f32, q: f32) -> Self {
        let (sin, cos) = (TAU * hz / RATE).sin_cos();
        let (alpha, a) = (sin / (2.0 * q), gain(db / 2.0));
        Self::of(
            [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a],
            [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a],
        )
    }

    fn run(mut self, samples: &mut [f32]) {
        for sample in samples {
            let x = *sample + 1e-20;
            let y = self.b[0] * x + self.state[0];
            self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
            self.state[1] = self.b[2] * x - self.a[1] * y;
            *sample = y;
        }
    }
}

/// Colours a voice as microphones, telephones and equalisers do.
pub fn microphone(rng: &mut Rng, samples: &mut [f32]) {
    for _ in 0..2 {
        if rng.chance(0.4) {
            let (hz, db) = (log_between(rng, 120.0, 6_000.0), between(rng, -10.0, 10.0));
            Filter::peak(hz, db, between(rng, 0.5, 3.0)).run(samples);
        }
    }
    if rng.chance(0.3) {
        Filter::high_pass(log_between(rng, 60.0, 250.0)).run(samples);
    }
    if rng.chance(0.2) {
        Filter::low_pass(log_between(rng, 2_500.0, 7_000.0)).run(samples);
    }
    if rng.chance(0.06) {
        for _ in 0..2 {
            Filter::high_pass(300.0).run(samples);
            Filter::low_pass(3_400.0).run(samples);
        }
    }
}

/// Puts a voice into a room of 0.2 to 1.5 s.
pub fn reverb(rng: &mut Rng, samples: &[f32]) -> Vec<f32> {
    let t60 = log_between(rng, 0.2, 1.5);
    let mut tail: Vec<f32> =
        (0..(t60 * RATE) as usize).map(|n| normal(rng) * (-6.9 * n as f32 / (t60 * RATE)).exp()).collect();
    Filter::low_pass(log_between(rng, 1_500.0, 7_000.0)).run(&mut tail);
    let energy: f32 = tail.iter().map(|x| x * x).sum();
    let factor = gain(-between(rng, -2.0, 18.0)) / energy.sqrt().max(1e-9);
    let delay = (between(rng, 0.002, 0.025) * RATE) as usize;
    let mut response = vec![0.0; delay];
    response.extend(tail.iter().map(|x| x * factor));
    for _ in 0..4 {
        let at = rng.below(response.len().min(800));
        response[at] += 0.3 * normal(rng) * factor.min(1.0);
    }
    response[0] = 1.0;
    convolve(samples, &response)
}

fn convolve(samples: &[f32], response: &[f32]) -> Vec<f32> {
    let size = (samples.len() + response.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let transform = |values: &[f32]| {
        let mut padded = values.to_vec();
        padded.resize(size, 0.0);
        let mut lines = forward.make_output_vec();
        forward.process(&mut padded, &mut lines).map(|()| lines)
    };
    let (Ok(mut lines), Ok(other)) = (transform(samples), transform(response)) else {
        return samples.to_vec();
    };
    lines.iter_mut().zip(&other).for_each(|(a, b)| *a *= b / size as f32);
    let mut wet = vec![0.0; size];
    if inverse.process(&mut lines, &mut wet).is_err() {
        return samples.to_vec();
    }
    wet.truncate(samples.len());
    wet
}

/// Clips a few recordings.
pub fn overdrive(rng: &mut Rng, samples: &mut [f32]) {
    if rng.chance(0.06) {
        let peak = samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
        let limit = (peak * between(rng, 0.25, 0.9)).max(1e-9);
        if rng.chance(0.5) {
            samples.iter_mut().for_each(|x| *x = x.clamp(-limit, limit));
        } else {
            samples.iter_mut().for_each(|x| *x = limit * (*x / limit).tanh());
        }
    }
}

/// Brings the peak to a level; silence stays what it is.
pub fn set_peak(samples: &mut [f32], level: f32) {
    let peak = samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    if peak > 1e-9 {
        samples.iter_mut().for_each(|x| *x *= level / peak);
    }
}

/// RMS of the louder tenth of a second in two.
pub fn loud_rms(samples: &[f32]) -> f32 {
    let mut powers: Vec<f32> = samples
        .chunks(1_600)
        .map(|part| part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32)
        .collect();
    powers.sort_by(f32::total_cmp);
    let loud = &powers[powers.len() / 2..];
    (loud.iter().sum::<f32>() / loud.len().max(1) as f32).sqrt()
}

/// Noise whose power falls with frequency to the power of `colour`: 0 white, 1 pink, 2 brown.
pub fn coloured(rng: &mut Rng, len: usize, colour: f32) -> Vec<f32> {
    // First-order shelves, an octave and a half apart, give any slope between those of white and brown.
    let mut noise: Vec<f32> = (0..len).map(|_| rng.signed() as f32).collect();
    let mut pole_hz = 25.0;
    while pole_hz < 0.45 * RATE {
        let zero_hz = pole_hz * 2.83_f32.powf(colour / 2.0);
        let (pole, zero) = ((-TAU * pole_hz / RATE).exp(), (-TAU * zero_hz / RATE).exp());
        let (mut x1, mut y1) = (0.0, 0.0);
        for sample in &mut noise {
            let y = *sample - zero * x1 + pole * y1;
            (x1, y1) = (*sample, y);
            *sample = y;
        }
        pole_hz *= 2.83;
    }
    if rng.chance(0.3) {
        // Rooms and streets swell and fade.
        let (mut sway, mut goal) = (1.0_f32, 1.0_f32);
        for (index, sample) in noise.iter_mut().enumerate() {
            if index % 4_000 == 0 {
                goal = gain(5.0 * normal(rng));
            }
            sway += 0.000_5 * (goal - sway);
            *sample *= sway;
        }
    }
    noise
}

/// The hum of the mains at 50 Hz, or 60 Hz.
pub fn hum(rng: &mut Rng, len: usize) -> Vec<f32> {
    let hz = if rng.chance(0.8) { 50.0 } else { 60.0 };
    let partials: Vec<(f32, f32, f32)> = (1..=12)
        .map(|n| (hz * n as f32, gain(between(rng, -20.0, 0.0)) / (n as f32).sqrt(), between(rng, 0.0, TAU)))
        .collect();
    let at = |n: usize| {
        let t = n as f32 / RATE;
        partials.iter().map(|(hz, level, phase)| level * (TAU * (hz * t).fract() + phase).sin()).sum()
    };
    (0..len).map(at).collect()
}

/// Claps, knocks and clicks.
pub fn claps(rng: &mut Rng, len: usize) -> Vec<f32> {
    let mut all = vec![0.0; len];
    let mut at = rng.below(8_000);
    let period = log_between(rng, 1_500.0, 16_000.0);
    while at < len {
        let fall = log_between(rng, 20.0, 600.0);
        let level = gain(4.0 * normal(rng));
        for (n, sample) in all[at..].iter_mut().take((fall * 7.0) as usize).enumerate() {
            *sample += level * rng.signed() as f32 * (-(n as f32) / fall).exp();
        }
        at += (period * between(rng, 0.8, 1.3)) as usize;
    }
    Filter::peak(log_between(rng, 150.0, 4_000.0), between(rng, 0.0, 18.0), between(rng, 0.5, 2.0))
        .run(&mut all);
    all
}

/// Somebody whistles, with a little breath.
pub fn whistling(rng: &mut Rng, len: usize) -> Vec<f32> {
    let (mut phase, mut hz, mut goal, mut level) = (0.0_f32, 1_200.0_f32, 1_200.0_f32, 1.0_f32);
    (0..len)
        .map(|n| {
            if n % 5_000 == 0 {
                goal = log_between(rng, 700.0, 2_500.0);
                level = if rng.chance(0.3) { 0.0 } else { 1.0 };
            }
            hz += 0.001 * (goal - hz);
            phase = (phase + hz / RATE).fract();
            level * ((TAU * phase).sin() + 0.1 * rng.signed() as f32)
        })
        .collect()
}
