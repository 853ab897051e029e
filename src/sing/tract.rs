//! From control curves to sound.

use std::f64::consts::{PI, TAU};

use super::plan::{FRAMES_PER_S, Frame, Plan};
use super::singer::Singer;
use crate::song::Rng;

/// Sample rate at which the voice is made, in Hz.
pub(super) const INNER_HZ: u32 = 32_000;
/// Formants that move.
pub(super) const FORMANTS: usize = 5;

/// Bandwidths of the moving formants, in Hz.
const WIDTHS_HZ: [f64; FORMANTS] = [75.0, 95.0, 130.0, 190.0, 260.0];
/// Formants above them that stand still, for a man: (Hz, bandwidth in Hz). Without them the top would be missing.
const UPPER_HZ: [(f64, f64); 3] = [(5_300.0, 400.0), (6_600.0, 600.0), (8_200.0, 900.0)];
/// Highest partial of the source, in Hz.
const TOP_HZ: f64 = 13_000.0;
/// Share of a period in which the glottis is open.
const OPEN: f64 = 0.62;
/// Samples in a table of one period.
const TABLE: usize = 2_048;
/// Numbers of partials for which there is a table.
const PARTIALS: [usize; 17] = [6, 8, 10, 13, 16, 20, 25, 31, 39, 49, 61, 76, 95, 119, 149, 186, 232];
/// Samples from one control frame to the next.
const STEP: usize = INNER_HZ as usize / FRAMES_PER_S as usize;

/// Cosine and sine amplitude of a partial of the glottal source (Klatt and Klatt, JASA 87, 1990: flow t^2 - t^3 while
/// open; this is its derivative).
fn partial(number: usize) -> (f64, f64) {
    let points = 8_192;
    let (mut cosine, mut sine) = (0.0, 0.0);
    for index in 0..(OPEN * f64::from(points)) as i32 {
        let phase = f64::from(index) / f64::from(points);
        let t = phase / OPEN;
        let value = 2.0 * t - 3.0 * t * t;
        let (s, c) = (TAU * number as f64 * phase).sin_cos();
        cosine += 2.0 * value * c / f64::from(points);
        sine += 2.0 * value * s / f64::from(points);
    }
    (cosine, sine)
}

/// The source as tables of one period with more and more partials.
struct Source {
    tables: Vec<Vec<f32>>,
}

impl Source {
    fn new() -> Self {
        let most = PARTIALS[PARTIALS.len() - 1];
        let partials: Vec<_> = (1..=most).map(partial).collect();
        let mut period = vec![0.0f64; TABLE];
        let mut done = 0;
        let mut tables = Vec::with_capacity(PARTIALS.len());
        for count in PARTIALS {
            for (number, (cosine, sine)) in partials.iter().enumerate().take(count).skip(done) {
                for (index, value) in period.iter_mut().enumerate() {
                    let (s, c) = (TAU * ((number + 1) * index % TABLE) as f64 / TABLE as f64).sin_cos();
                    *value += cosine * c + sine * s;
                }
            }
            done = count;
            tables.push(period.iter().map(|value| *value as f32).collect());
        }
        Self { tables }
    }

    /// Value at a phase of 0 to 1, with a smooth change from one number of partials to the next.
    fn at(&self, phase: f64, f0_hz: f64) -> f64 {
        let count = TOP_HZ / f0_hz.max(1.0);
        let above =
            PARTIALS.partition_point(|partials| *partials as f64 <= count).clamp(1, PARTIALS.len() - 1);
        let (low, high) = (PARTIALS[above - 1] as f64, PARTIALS[above] as f64);
        // Only tables that hold no more partials than fit are used: the fuller one fades in as it comes to fit.
        let below = above.saturating_sub(2);
        let share = ((count - low) / (high - low)).clamp(0.0, 1.0);
        let position = phase * TABLE as f64;
        let index = position as usize % TABLE;
        let fraction = position.fract();
        let read = |table: &[f32]| {
            let (a, b) = (f64::from(table[index]), f64::from(table[(index + 1) % TABLE]));
            a + (b - a) * fraction
        };
        read(&self.tables[below]) * (1.0 - share) + read(&self.tables[above - 1]) * share
    }
}

/// How loud the formants make the source.
pub(super) struct SourceLevel {
    /// Power of each partial of the source.
    power: Vec<f64>,
}

impl SourceLevel {
    pub fn new() -> Self {
        let power = |number| {
            let (cosine, sine) = partial(number);
            (cosine * cosine + sine * sine) / 2.0
        };
        Self { power: (1..=PARTIALS[PARTIALS.len() - 1]).map(power).collect() }
    }

    /// RMS behind the formants at a source gain of 1, counting partials up to 6 kHz.
    pub fn rms(&self, frame: &Frame) -> f64 {
        let filters: [_; FORMANTS] =
            std::array::from_fn(|index| Resonator::new(frame.formants_hz[index], WIDTHS_HZ[index]));
        let tilt = Tilt { step: Tilt::step(frame.tilt_hz), y: 0.0 };
        let partials = (6_000.0 / frame.f0_hz.max(1.0)) as usize;
        let heard = self.power.iter().take(partials.max(1)).enumerate().map(|(index, power)| {
            let hz = frame.f0_hz * (index + 1) as f64;
            let response: f64 = filters.iter().map(|filter| filter.response(hz)).product();
            power * (response * tilt.response(hz)).powi(2)
        });
        heard.sum::<f64>().sqrt().max(1e-9)
    }
}

/// A resonance with a gain of 1 at 0 Hz.
#[derive(Clone, Copy, Default)]
struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    fn new(hz: f64, width_hz: f64) -> Self {
        let mut filter = Self::default();
        filter.set(hz, width_hz);
        filter
    }

    fn set(&mut self, hz: f64, width_hz: f64) {
        let rate = f64::from(INNER_HZ);
        let radius = (-PI * width_hz / rate).exp();
        self.c = -radius * radius;
        self.b = 2.0 * radius * (TAU * hz / rate).cos();
        self.a = 1.0 - self.b - self.c;
    }

    fn run(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }

    fn response(&self, hz: f64) -> f64 {
        let (s1, c1) = (TAU * hz / f64::from(INNER_HZ)).sin_cos();
        let (s2, c2) = (2.0 * TAU * hz / f64::from(INNER_HZ)).sin_cos();
        let (re, im) = (1.0 - self.b * c1 - self.c * c2, self.b * s1 + self.c * s2);
        self.a / re.hypot(im)
    }
}

/// A band of noise: a resonance whose peak has a gain that keeps white noise at its RMS.
#[derive(Clone, Copy, Default)]
struct Band {
    filter: Resonator,
    x1: f64,
    x2: f64,
    gain: f64,
}

impl Band {
    fn set(&mut self, hz: f64, width_hz: f64) {
        self.filter.set(hz, width_hz);
        self.gain = 0.5 * (1.0 + self.filter.c) / ((1.0 + self.filter.c) / 2.0).sqrt();
    }

    fn run(&mut self, x: f64) -> f64 {
        let y = self.gain * (x - self.x2) + self.filter.b * self.filter.y1 + self.filter.c * self.filter.y2;
        (self.x2, self.x1) = (self.x1, x);
        (self.filter.y2, self.filter.y1) = (self.filter.y1, y);
        y
    }
}

/// A fall of 6 dB an octave.
#[derive(Clone, Copy, Default)]
struct Tilt {
    step: f64,
    y: f64,
}

impl Tilt {
    fn step(hz: f64) -> f64 {
        1.0 - (-TAU * hz / f64::from(INNER_HZ)).exp()
    }

    fn run(&mut self, x: f64) -> f64 {
        self.y += self.step * (x - self.y);
        self.y
    }

    fn response(&self, hz: f64) -> f64 {
        let keep = 1.0 - self.step;
        let (s, c) = (TAU * hz / f64::from(INNER_HZ)).sin_cos();
        self.step / (1.0 - keep * c).hypot(keep * s)
    }
}

/// Makes the voice at [`INNER_HZ`].
pub(super) fn render(plan: &Plan, singer: &Singer) -> Vec<f32> {
    let source = Source::new();
    let mut noise = Rng::keyed(&[singer.seed, 5]);
    let mut periods = Rng::keyed(&[singer.seed, 6]);
    let mut formants = [Resonator::default(); FORMANTS];
    let mut upper = UPPER_HZ.map(|(hz, width_hz)| Resonator::new(hz * singer.tract_scale, width_hz));
    let (mut tilt, mut band) = (Tilt::default(), Band::default());
    let (mut phase, mut jitter, mut shimmer) = (0.0, 1.0, 1.0);
    let mut output = Vec::with_capacity(plan.frames.len() * STEP);
    for (index, frame) in plan.frames.iter().enumerate() {
        let next = plan.frames.get(index + 1).unwrap_or(frame);
        for ((filter, hz), width_hz) in formants.iter_mut().zip(frame.formants_hz).zip(WIDTHS_HZ) {
            filter.set(hz, width_hz * (0.9 + 0.6 * singer.breathiness));
        }
        tilt.step = Tilt::step(frame.tilt_hz);
        if frame.hiss > 0.0 {
            band.set(frame.hiss_hz, frame.hiss_width_hz);
        }
        for step in 0..STEP {
            let share = step as f64 / STEP as f64;
            let between = |read: fn(&Frame) -> f64| read(frame) + (read(next) - read(frame)) * share;
            let f0_hz = between(|frame| frame.f0_hz);
            phase += f0_hz * jitter / f64::from(INNER_HZ);
            if phase >= 1.0 {
                phase -= 1.0;
                jitter = (singer.jitter_cents * periods.normal() / 1_200.0).exp2();
                shimmer = 10f64.powf(singer.shimmer_db * periods.normal() / 20.0);
            }
            // Uniform noise of RMS 1; more of it while the glottis is open.
            let white = 1.732 * noise.signed();
            let breath = white * between(|frame| frame.breath) * if phase < OPEN { 1.2 } else { 0.7 };
            let pulse = source.at(phase, f0_hz) * shimmer * between(|frame| frame.voice);
            let mut sound = tilt.run(pulse) + breath;
            sound = formants.iter_mut().fold(sound, |sound, filter| filter.run(sound));
            sound = upper.iter_mut().fold(sound, |sound, filter| filter.run(sound));
            sound += band.run(white) * between(|frame| frame.hiss);
            output.push(sound as f32);
        }
    }
    output
}
