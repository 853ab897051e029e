//! From curves to sound: a glottal pulse and breath through moving formants (Klatt, JASA 67, 1980), hisses beside them.

use std::f32::consts::{PI, TAU};

use collavoce::song::Rng;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use super::RATE;
use super::phones::FORMANTS;
use super::singer::{MOMENTS_PER_S, Moment, Singer};
use crate::draw::{between, gain, log_between, normal};
use crate::glottis::{TABLE, flow_derivative};

/// Samples of a moment.
pub const STEP: usize = (RATE as f32 / MOMENTS_PER_S) as usize;
/// Numbers of partials for which there is a table.
const PARTIALS: [usize; 11] = [6, 9, 13, 19, 27, 39, 56, 80, 115, 165, 237];
/// Highest partial, in Hz.
const TOP_HZ: f32 = 11_400.0;
/// Widths of formants, in Hz.
const WIDTHS_HZ: [f32; FORMANTS] = [70.0, 90.0, 140.0, 200.0, 270.0, 350.0];
/// Formants above those that move: (Hz, width in Hz).
const UPPER_HZ: [(f32, f32); 3] = [(7_200.0, 600.0), (8_800.0, 800.0), (10_400.0, 1_000.0)];

/// A resonance with a gain of 1 at 0 Hz.
#[derive(Clone, Copy, Default)]
struct Resonator {
    a: f32,
    b: f32,
    c: f32,
    y1: f32,
    y2: f32,
}

impl Resonator {
    fn set(&mut self, hz: f32, width_hz: f32) {
        let radius = (-PI * width_hz / RATE as f32).exp();
        self.c = -radius * radius;
        self.b = 2.0 * radius * (TAU * hz.min(0.48 * RATE as f32) / RATE as f32).cos();
        self.a = 1.0 - self.b - self.c;
    }

    fn run(&mut self, x: f32) -> f32 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2 + 1e-20;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

/// A band of noise with a peak of about 1.
#[derive(Clone, Copy, Default)]
struct Band {
    filter: Resonator,
    x1: f32,
    x2: f32,
    gain: f32,
}

impl Band {
    fn set(&mut self, hz: f32, width_hz: f32) {
        self.filter.set(hz, width_hz);
        let loss = 1.0 + self.filter.c;
        self.gain = (0.5 * loss).sqrt();
    }

    fn run(&mut self, x: f32) -> f32 {
        let y = self.gain * (x - self.x2)
            + self.filter.b * self.filter.y1
            + self.filter.c * self.filter.y2
            + 1e-20;
        (self.x2, self.x1) = (self.x1, x);
        (self.filter.y2, self.filter.y1) = (self.filter.y1, y);
        y
    }
}

/// A peak in the spectrum (Bristow-Johnson's cookbook).
struct Peak {
    b: [f32; 3],
    a: [f32; 2],
    state: [f32; 2],
}

impl Peak {
    fn new(hz: f32, db: f32, q: f32) -> Self {
        let (sin, cos) = (TAU * hz / RATE as f32).sin_cos();
        let (alpha, a) = (sin / (2.0 * q), gain(db / 2.0));
        let a0 = 1.0 + alpha / a;
        Self {
            b: [(1.0 + alpha * a) / a0, -2.0 * cos / a0, (1.0 - alpha * a) / a0],
            a: [-2.0 * cos / a0, (1.0 - alpha / a) / a0],
            state: [0.0; 2],
        }
    }

    fn run(&mut self, x: f32) -> f32 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y + 1e-20;
        y
    }
}

/// Tables of one period of a flow's derivative, each with more partials than the one before.
fn source(rng: &mut Rng, open: f32) -> Vec<Vec<f32>> {
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(TABLE), planner.plan_fft_inverse(TABLE));
    let skew = between(rng, 0.55, 0.85);
    let mut period = flow_derivative(open, skew);
    let mut lines = forward.make_output_vec();
    let mut tables = Vec::new();
    if forward.process(&mut period, &mut lines).is_err() {
        return tables;
    }
    // Every partial is a little different from what the model says.
    let rough_db = between(rng, 0.0, 3.0);
    lines.iter_mut().skip(1).for_each(|line| *line *= gain(rough_db * normal(rng)));
    lines[0] = Complex::default();
    for count in PARTIALS {
        let mut kept: Vec<Complex<f32>> = lines.clone();
        kept[count + 1..].fill(Complex::default());
        let mut table = vec![0.0; TABLE];
        if inverse.process(&mut kept, &mut table).is_ok() {
            let power = table.iter().map(|x| x * x).sum::<f32>() / TABLE as f32;
            let level = power.sqrt().max(1e-9);
            tables.push(table.iter().map(|x| x / level).collect());
        }
    }
    tables
}

fn read(table: &[f32], phase: f32) -> f32 {
    let place = phase * TABLE as f32;
    let index = place as usize % TABLE;
    let (a, b) = (table[index], table[(index + 1) % TABLE]);
    a + (b - a) * place.fract()
}

/// Makes the sound of some moments at [`RATE`].
pub fn render(rng: &mut Rng, singer: &Singer, moments: &[Moment]) -> Vec<f32> {
    let open = [between(rng, 0.6, 0.95), between(rng, 0.35, 0.6)];
    let sources = open.map(|open| source(rng, open));
    let mut formants = [Resonator::default(); FORMANTS];
    // Higher ones stand still; without them the top would be missing.
    let mut top = UPPER_HZ.map(|(hz, width_hz)| {
        let mut filter = Resonator::default();
        filter.set((hz * singer.tract.sqrt()).min(11_000.0), width_hz);
        filter
    });
    let (air, mut air_state) = (gain(between(rng, -2.0, 12.0)) - 1.0, 0.0_f32);
    let air_step = 1.0 - (-TAU * log_between(rng, 2_500.0, 5_000.0) / RATE as f32).exp();
    let (mut band, mut ring) =
        (Band::default(), Peak::new(log_between(rng, 2_500.0, 3_400.0), singer.ring_db, 2.0));
    let (mut phase, mut jitter, mut shimmer, mut odd) = (0.0_f32, 1.0_f32, 1.0_f32, false);
    let (mut growl_phase, mut tilted) = (0.0_f32, 0.0_f32);
    let mut out = Vec::with_capacity(moments.len() * STEP);
    for (index, moment) in moments.iter().enumerate() {
        let next = moments.get(index + 1).unwrap_or(moment);
        if moment.voice + next.voice + moment.breath + next.breath + moment.hiss + next.hiss < 1e-5 {
            out.extend(std::iter::repeat_n(0.0, STEP));
            continue;
        }
        for ((filter, hz), width) in formants.iter_mut().zip(moment.formants).zip(WIDTHS_HZ) {
            filter.set(hz, width * singer.widths * (1.0 + hz / 6_000.0));
        }
        if moment.hiss > 0.0 || next.hiss > 0.0 {
            band.set(moment.hiss_hz.max(300.0), moment.hiss_width_hz.max(200.0));
        }
        let f0_hz = 440.0 * ((moment.cents / 100.0 - 69.0) / 12.0).exp2();
        let to_hz = 440.0 * ((next.cents / 100.0 - 69.0) / 12.0).exp2();
        let table = PARTIALS.iter().rposition(|count| *count as f32 * f0_hz < TOP_HZ).unwrap_or(0);
        let corner = singer.tilt_hz[0] * (singer.tilt_hz[1] / singer.tilt_hz[0]).powf(moment.effort);
        let tilt = 1.0 - (-TAU * corner / RATE as f32).exp();
        for step in 0..STEP {
            let share = step as f32 / STEP as f32;
            let mix = |from: f32, to: f32| from + (to - from) * share;
            phase += mix(f0_hz, to_hz) * jitter / RATE as f32;
            if phase >= 1.0 {
                phase -= 1.0;
                odd = !odd;
                jitter = (singer.jitter_cents * normal(rng) / 1_200.0).exp2();
                shimmer = gain(singer.shimmer_db * normal(rng)) * if odd { 1.0 - moment.creak } else { 1.0 };
            }
            growl_phase = (growl_phase + singer.growl_hz * jitter / RATE as f32).fract();
            let growl = 1.0 - moment.growl * (0.5 + 0.5 * (TAU * growl_phase).cos());
            let (soft, pressed) = (read(&sources[0][table], phase), read(&sources[1][table], phase));
            let pulse = soft + (pressed - soft) * moment.effort;
            tilted += tilt * (pulse * shimmer * growl * mix(moment.voice, next.voice) - tilted);
            let white = rng.signed() as f32 * 1.732;
            let breath = white * mix(moment.breath, next.breath) * if phase < open[0] { 1.2 } else { 0.6 };
            let mut sound = tilted + breath;
            for filter in &mut formants {
                sound = filter.run(sound);
            }
            for filter in &mut top {
                sound = filter.run(sound);
            }
            air_state += air_step * (sound - air_state);
            sound = ring.run(sound + air * (sound - air_state));
            sound += 3.0 * band.run(white) * mix(moment.hiss, next.hiss);
            out.push(0.1 * sound);
        }
    }
    out
}
