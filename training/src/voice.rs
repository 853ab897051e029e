//! A singer drawn at random: exact pitch, a voice of a source and moving formants, consonants and breaths.
//!
//! It wants variety, not beauty, and shares nothing with the singer of `collavoce::sing`, on which the trained network
//! is tried.

use std::f32::consts::{PI, TAU};

use collavoce::song::Rng;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use collavoce_data::draw::{between, gain, log_between, normal};
use collavoce_data::glottis::{TABLE, flow_derivative, smooth};

/// Samples a second.
pub const RATE: f32 = 16_000.0;
/// Samples between two moments of control: 2 ms.
pub const STEP: usize = 32;
const STEPS_PER_S: f32 = RATE / STEP as f32;
const FORMANTS: usize = 5;

/// State of the voice at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment {
    /// F0 in cents above MIDI 0; the last one also where nobody sings.
    pub cents: f32,
    /// Gain of the voice; 1 for a plain note.
    pub voice: f32,
    /// Gain of breath through the mouth.
    breath: f32,
    /// Gain of a hiss, its centre in Hz.
    hiss: f32,
    hiss_hz: f32,
    /// In Hz.
    formants: [f32; FORMANTS],
    /// Share by which every second period is weaker.
    creak: f32,
}

/// What a singer does in a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Notes in phrases.
    Notes,
    /// Very short notes.
    FastNotes,
    /// One wide glide after the other, or the melody of speech.
    Glides,
    /// No voice: only breath through the mouth.
    Whisper,
}

/// A voice and its habits.
struct Singer {
    tract: f32,
    lowest: f32,
    range: f32,
    note_s: f32,
    vibrato_hz: f32,
    vibrato_cents: f32,
    glide_s: f32,
    scoop_cents: f32,
    wander_cents: f32,
    jitter_cents: f32,
    shimmer_db: f32,
    breath: f32,
    widths: f32,
    creaks: f64,
    consonants: f64,
    attack_s: f32,
    release_s: f32,
}

impl Singer {
    fn draw(rng: &mut Rng, manner: Manner) -> Self {
        // From the lowest bass to the highest soprano.
        let lowest = between(rng, 35.0, 70.0);
        let tall = (70.0 - lowest) / 35.0;
        Self {
            tract: (1.33 - 0.4 * tall + 0.1 * normal(rng)).clamp(0.75, 1.5),
            lowest,
            range: between(rng, 7.0, 24.0),
            note_s: if manner == Manner::FastNotes { 0.12 } else { log_between(rng, 0.18, 1.0) },
            vibrato_hz: between(rng, 4.0, 7.5),
            vibrato_cents: if rng.chance(0.6) { log_between(rng, 10.0, 160.0) } else { 0.0 },
            glide_s: log_between(rng, 0.015, 0.18),
            scoop_cents: if rng.chance(0.6) { between(rng, -350.0, 150.0) } else { 0.0 },
            wander_cents: log_between(rng, 2.0, 20.0),
            jitter_cents: log_between(rng, 0.5, 22.0),
            shimmer_db: log_between(rng, 0.05, 1.0),
            breath: gain(between(rng, -48.0, -10.0)),
            widths: log_between(rng, 0.6, 2.2),
            creaks: if rng.chance(0.2) { 0.35 } else { 0.02 },
            consonants: f64::from(between(rng, 0.1, 0.9)),
            attack_s: log_between(rng, 0.012, 0.12),
            release_s: log_between(rng, 0.02, 0.25),
        }
    }
}

/// The control curves of a clip and the sound made of them.
pub struct Voice {
    /// One moment every [`STEP`] samples.
    pub moments: Vec<Moment>,
    /// The dry voice.
    pub samples: Vec<f32>,
}

/// Sings for some seconds.
pub fn sing(rng: &mut Rng, manner: Manner, seconds: f32) -> Voice {
    let singer = Singer::draw(rng, manner);
    let mut moments = vec![Moment::default(); (seconds * STEPS_PER_S) as usize];
    plan(rng, &singer, manner, &mut moments);
    let samples = render(rng, &singer, &moments);
    Voice { moments, samples }
}

/// Formants 1 to 3 of a man's vowels (after Peterson and Barney, JASA 24, 1952), in Hz.
const VOWELS: [[f32; 3]; 9] = [
    [720.0, 1_150.0, 2_450.0],
    [660.0, 1_720.0, 2_410.0],
    [530.0, 1_800.0, 2_500.0],
    [400.0, 2_000.0, 2_550.0],
    [280.0, 2_250.0, 2_950.0],
    [570.0, 850.0, 2_410.0],
    [440.0, 1_020.0, 2_240.0],
    [310.0, 870.0, 2_250.0],
    [490.0, 1_350.0, 1_690.0],
];

fn mouth(rng: &mut Rng, singer: &Singer, hz: f32) -> [f32; FORMANTS] {
    let [a, b] = [rng.below(VOWELS.len()), rng.below(VOWELS.len())].map(|index| VOWELS[index]);
    let share = between(rng, 0.0, 0.5);
    let mut formants = [0.0, 0.0, 0.0, between(rng, 3_200.0, 3_700.0), between(rng, 3_900.0, 4_600.0)];
    for index in 0..3 {
        formants[index] = a[index] * (1.0 - share) + b[index] * share;
    }
    formants = formants.map(|formant| formant * singer.tract * (1.0 + 0.04 * normal(rng)));
    // High voices open the jaw, most of them.
    if rng.chance(0.7) {
        formants[0] = formants[0].max(1.05 * hz);
        formants[1] = formants[1].max(formants[0] + 200.0);
    }
    formants
}

fn step_at(seconds: f32) -> usize {
    (seconds.max(0.0) * STEPS_PER_S) as usize
}

/// Steps between two times, each with its share of the way.
fn span(moments: &mut [Moment], from_s: f32, to_s: f32) -> impl Iterator<Item = (f32, &mut Moment)> {
    let to = step_at(to_s).min(moments.len());
    let from = step_at(from_s).min(to);
    let length = (to - from).max(1) as f32;
    moments[from..to].iter_mut().enumerate().map(move |(index, moment)| (index as f32 / length, moment))
}

/// What happens between two notes.
#[derive(Clone, Copy, PartialEq)]
enum Join {
    Legato,
    Voiced,
    Unvoiced,
    Gap,
}

fn plan(rng: &mut Rng, singer: &Singer, manner: Manner, moments: &mut [Moment]) {
    let seconds = moments.len() as f32 / STEPS_PER_S;
    let mut pitch = singer.lowest + singer.range * rng.unit() as f32;
    let first = mouth(rng, singer, 200.0);
    moments.iter_mut().for_each(|moment| moment.formants = first);
    let mut time = between(rng, 0.0, 0.6);
    while time < seconds {
        if rng.chance(0.25) {
            // A breath.
            let (length, level) = (between(rng, 0.15, 0.5), gain(between(rng, -34.0, -12.0)));
            let hz = between(rng, 900.0, 3_500.0);
            for (share, moment) in span(moments, time, time + length) {
                let shape = smooth(share / 0.5) * smooth((1.0 - share) / 0.3);
                (moment.breath, moment.hiss, moment.hiss_hz) = (level * shape, 0.3 * level * shape, hz);
            }
            time += length + between(rng, 0.0, 0.1);
        }
        time = phrase(rng, singer, manner, moments, time, &mut pitch);
        time += if rng.chance(0.15) { between(rng, 0.6, 2.5) } else { log_between(rng, 0.05, 0.6) };
    }
    wander(rng, singer, moments);
    soften(moments);
}

/// Sings one phrase and returns when it ends, in seconds.
fn phrase(
    rng: &mut Rng,
    singer: &Singer,
    manner: Manner,
    moments: &mut [Moment],
    start_s: f32,
    pitch: &mut f32,
) -> f32 {
    let mut time = start_s;
    let level_db = between(rng, -9.0, 3.0);
    let notes = if manner == Manner::Glides { 1 + rng.below(3) } else { 1 + rng.below(12) };
    let mut before = *pitch;
    let mut join = if rng.chance(0.5) { Join::Unvoiced } else { Join::Gap };
    for number in 0..notes {
        let step = if rng.chance(0.1) { between(rng, -14.0, 14.0) } else { 2.6 * normal(rng) };
        *pitch = (*pitch + step.round()).clamp(singer.lowest, singer.lowest + singer.range).min(86.0);
        let length = (singer.note_s * (0.55 * normal(rng)).exp()).clamp(0.06, 3.0);
        let level = gain(level_db + 1.5 * normal(rng));
        let vowel = mouth(rng, singer, 440.0 * ((*pitch - 69.0) / 12.0).exp2());
        if join == Join::Unvoiced {
            time = consonant(rng, singer, moments, time, level);
        } else if join == Join::Voiced {
            let (hum, dip) = (between(rng, 0.03, 0.12), between(rng, 0.12, 0.7));
            for (_, moment) in span(moments, time, time + hum) {
                moment.voice = level * dip;
                moment.formants = [260.0, between(rng, 900.0, 1_700.0), 2_300.0, 3_400.0, 4_300.0]
                    .map(|hz| hz * singer.tract);
            }
            for (share, moment) in span(moments, time, time + hum) {
                moment.cents = 100.0 * (before + (*pitch - before) * smooth(share));
            }
            before = *pitch;
            time += hum;
        }
        let (apart, last) = (matches!(join, Join::Unvoiced | Join::Gap), number + 1 == notes);
        join = match rng.unit() {
            x if x < 0.5 * singer.consonants => Join::Unvoiced,
            x if x < 0.85 * singer.consonants => Join::Voiced,
            x if x < 0.93 => Join::Legato,
            _ => Join::Gap,
        };
        let ends = last || matches!(join, Join::Unvoiced | Join::Gap);
        let (attack, release) = (singer.attack_s.min(0.4 * length), singer.release_s.min(0.5 * length));
        let glide = singer.glide_s * between(rng, 0.6, 1.5);
        let scoop = if apart { singer.scoop_cents * rng.unit() as f32 } else { 0.0 };
        let fall = if last && rng.chance(0.4) { between(rng, -500.0, 60.0) } else { 0.0 };
        let (vibrato_from, vibrato_hz) =
            (between(rng, 0.05, 0.4), singer.vibrato_hz * between(rng, 0.95, 1.05));
        let creak = if rng.chance(singer.creaks) { between(rng, 0.05, 0.35) } else { 0.0 };
        let swell_db = between(rng, -4.0, 6.0);
        let target = *pitch;
        let curve: Vec<f32> = (0..6).map(|_| 4.5 * normal(rng)).collect();
        for (share, moment) in span(moments, time, time + length) {
            let t = share * length;
            moment.formants = vowel;
            moment.creak = creak;
            let mut cents = 100.0 * target;
            if manner == Manner::Glides {
                let at = share * (curve.len() - 1) as f32;
                let (index, x) = (at as usize, smooth(at.fract()));
                let shape = curve[index] * (1.0 - x) + curve[(index + 1).min(curve.len() - 1)] * x;
                cents += 100.0 * shape;
            }
            if !apart {
                cents += 100.0 * (before - target) * (1.0 - smooth(t / glide));
            }
            cents += scoop * (-t / 0.06).exp();
            cents += singer.vibrato_cents * smooth((t - vibrato_from) / 0.3) * (TAU * vibrato_hz * t).sin();
            cents += fall * smooth((t - length + 0.18) / 0.18);
            moment.cents = cents.clamp(3_450.0, 8_900.0);
            let mut voice = level * gain(swell_db * (PI * share).sin());
            if apart {
                voice *= smooth(t / attack);
            }
            if ends {
                voice *= smooth((length - t) / release).powi(2);
            }
            if manner == Manner::Whisper {
                (moment.voice, moment.breath) = (0.0, 0.4 * voice);
            } else {
                (moment.voice, moment.breath) = (voice, voice * singer.breath);
            }
        }
        before = target;
        time += length;
        if join == Join::Gap {
            time += log_between(rng, 0.02, 0.2);
        }
    }
    time
}

/// An unvoiced consonant; returns when it ends, in seconds.
fn consonant(rng: &mut Rng, singer: &Singer, moments: &mut [Moment], time: f32, level: f32) -> f32 {
    let stop = rng.chance(0.4);
    let length = if stop { between(rng, 0.03, 0.11) } else { between(rng, 0.05, 0.18) };
    let (from, to) = if stop { (time + 0.6 * length, time + length) } else { (time, time + length) };
    let loud = level * gain(between(rng, -22.0, 0.0));
    let hz = log_between(rng, 700.0, 7_000.0);
    for (share, moment) in span(moments, from, to) {
        moment.hiss = loud * smooth(share / 0.3) * smooth((1.0 - share) / 0.3);
        moment.hiss_hz = hz * (0.5 + 0.5 * singer.tract);
    }
    if rng.chance(0.3) {
        let breath = loud * 0.5;
        span(moments, from, to + 0.02).for_each(|(_, moment)| moment.breath = breath);
    }
    time + length
}

/// Lets the pitch wander, and carries it over where nobody sings.
fn wander(rng: &mut Rng, singer: &Singer, moments: &mut [Moment]) {
    let (mut slow, mut fast, mut last) = (0.0_f32, 0.0_f32, 6_000.0);
    for moment in moments {
        slow += 0.006 * (13.0 * normal(rng) - slow);
        fast += 0.06 * (4.0 * normal(rng) - fast);
        if moment.cents > 0.0 {
            last = (moment.cents + singer.wander_cents * (slow + fast)).clamp(3_450.0, 8_900.0);
        }
        moment.cents = last;
    }
}

/// Takes the corners off formants and gains.
fn soften(moments: &mut [Moment]) {
    let Some(mut state) = moments.first().copied() else { return };
    for moment in moments {
        for (now, wanted) in state.formants.iter_mut().zip(moment.formants) {
            *now += 0.12 * (wanted - *now);
        }
        state.breath += 0.35 * (moment.breath - state.breath);
        state.hiss += 0.35 * (moment.hiss - state.hiss);
        state.voice += 0.5 * (moment.voice - state.voice);
        moment.formants = state.formants;
        (moment.breath, moment.hiss, moment.voice) = (state.breath, state.hiss, state.voice);
    }
}

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
        let radius = (-PI * width_hz / RATE).exp();
        self.c = -radius * radius;
        self.b = 2.0 * radius * (TAU * hz.min(0.49 * RATE) / RATE).cos();
        self.a = 1.0 - self.b - self.c;
    }

    fn run(&mut self, x: f32) -> f32 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2 + 1e-20;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

/// Tables of one period, each with more partials than the one before, and their numbers of partials.
fn source(rng: &mut Rng) -> Vec<(usize, Vec<f32>)> {
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(TABLE), planner.plan_fft_inverse(TABLE));
    let open = between(rng, 0.35, 0.95);
    let skew = between(rng, 0.55, 0.85);
    let mut period = flow_derivative(open, skew);
    let mut lines = forward.make_output_vec();
    let mut tables = Vec::new();
    if forward.process(&mut period, &mut lines).is_err() {
        return tables;
    }
    // Soft voices fall faster; every partial is a little different from what the model says.
    let corner = log_between(rng, 2.0, 60.0);
    let rough_db = between(rng, 0.0, 4.0);
    let first_db = between(rng, -12.0, 9.0);
    for (number, line) in lines.iter_mut().enumerate().skip(1) {
        let fall = 1.0 / (1.0 + (number as f32 / corner).powi(2)).sqrt();
        *line *= fall * gain(rough_db * normal(rng));
    }
    lines[0] = Complex::default();
    lines[1] *= gain(first_db);
    let mut count = 4.0_f32;
    while count < 140.0 {
        let mut some: Vec<Complex<f32>> = lines.clone();
        some[count as usize + 1..].fill(Complex::default());
        let mut table = vec![0.0; TABLE];
        if inverse.process(&mut some, &mut table).is_ok() {
            tables.push((count as usize, table));
        }
        count *= 1.25;
    }
    let fullest = tables.last().map_or(0.0, |(_, table)| table.iter().map(|x| x * x).sum::<f32>());
    let level = (fullest / TABLE as f32).sqrt().max(1e-9);
    for (_, table) in &mut tables {
        table.iter_mut().for_each(|x| *x /= level);
    }
    tables
}

const WIDTHS_HZ: [f32; FORMANTS] = [80.0, 100.0, 140.0, 200.0, 280.0];

fn render(rng: &mut Rng, singer: &Singer, moments: &[Moment]) -> Vec<f32> {
    let tables = source(rng);
    let mut formants = [Resonator::default(); FORMANTS];
    let mut hiss = Resonator::default();
    let hiss_width = between(rng, 0.3, 1.0);
    let (mut phase, mut jitter, mut shimmer, mut odd) = (0.0_f32, 1.0_f32, 1.0_f32, false);
    let (mut voiced, mut hissed) = (Vec::new(), Vec::new());
    let mut levels = Vec::with_capacity(moments.len());
    let mut x1 = 0.0_f32;
    for (index, moment) in moments.iter().enumerate() {
        let next = moments.get(index + 1).unwrap_or(moment);
        let hz = 440.0 * ((moment.cents - 6_900.0) / 1_200.0).exp2();
        let next_hz = 440.0 * ((next.cents - 6_900.0) / 1_200.0).exp2();
        for ((filter, hz), width) in formants.iter_mut().zip(moment.formants).zip(WIDTHS_HZ) {
            filter.set(hz, width * singer.widths);
        }
        hiss.set(moment.hiss_hz.max(300.0), hiss_width * moment.hiss_hz.max(300.0));
        let most = (7_700.0 / hz.max(next_hz)) as usize;
        let table = tables.iter().rev().find(|(count, _)| *count <= most).or(tables.first());
        let Some((_, table)) = table else { continue };
        let sounds = moment.voice + next.voice + moment.breath + next.breath > 1e-6;
        let mut energy = 0.0;
        for step in 0..STEP {
            let share = step as f32 / STEP as f32;
            let mix = |a: f32, b: f32| a + (b - a) * share;
            let white = 1.732 * rng.signed() as f32;
            let mut sound = 0.0;
            phase += mix(hz, next_hz) * jitter / RATE;
            if phase >= 1.0 {
                phase -= 1.0;
                odd = !odd;
                jitter = (singer.jitter_cents * normal(rng) / 1_200.0).exp2();
                shimmer = gain(singer.shimmer_db * normal(rng));
                if odd {
                    shimmer *= 1.0 - moment.creak;
                }
            }
            if sounds {
                let at = phase * TABLE as f32;
                let (place, x) = (at as usize % TABLE, at.fract());
                let pulse = table[place] * (1.0 - x) + table[(place + 1) % TABLE] * x;
                sound = pulse * shimmer * mix(moment.voice, next.voice);
                sound += white * mix(moment.breath, next.breath) * if phase < 0.6 { 1.2 } else { 0.6 };
            }
            for filter in &mut formants {
                sound = filter.run(sound);
            }
            energy += sound * sound;
            let noise = hiss.run(white);
            voiced.push(sound);
            hissed.push(0.12 * (noise - x1) * mix(moment.hiss, next.hiss));
            x1 = noise;
        }
        levels.push((moment.voice > 0.1).then(|| (energy / STEP as f32).sqrt() / moment.voice));
    }
    even_out(&voiced, &hissed, &levels)
}

/// Adds both, the voice at a level of its own: vowels that the mouth would make louder by far are sung softer.
fn even_out(voiced: &[f32], hissed: &[f32], levels: &[Option<f32>]) -> Vec<f32> {
    let mut even = levels.iter().copied().flatten().next().unwrap_or(1.0).max(1e-3);
    let steps = voiced.chunks_exact(STEP).zip(hissed.chunks_exact(STEP)).zip(levels);
    let mut output = Vec::with_capacity(voiced.len());
    for ((voice, hiss), level) in steps {
        if let Some(level) = level {
            even += 0.02 * (level.max(1e-3) - even);
        }
        output.extend(voice.iter().zip(hiss).map(|(v, h)| 0.1 * v / even + h));
    }
    output
}
