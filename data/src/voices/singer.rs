//! A singer drawn at random, and what is done with a melody: curves of pitch, level and mouth.

use std::f32::consts::{PI, TAU};

use collavoce::song::Rng;

use super::melody::Tone;
use super::phones::{CONSONANTS, Consonant, FORMANTS, Manner, VOWELS};
use crate::draw::{between, gain, log_between, normal};
use crate::glottis::smooth;

/// Moments a second.
pub const MOMENTS_PER_S: f32 = 500.0;

/// State of the voice at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment {
    /// F0 in cents above MIDI 0; the last one also where nobody sings.
    pub cents: f32,
    /// Gain of the voice; 1 for a plain note.
    pub voice: f32,
    /// Gain of breath through the mouth.
    pub breath: f32,
    /// Gain of a hiss.
    pub hiss: f32,
    /// Its centre, in Hz.
    pub hiss_hz: f32,
    /// Its width, in Hz.
    pub hiss_width_hz: f32,
    /// In Hz.
    pub formants: [f32; FORMANTS],
    /// How pressed the voice is: 0 soft, 1 belted.
    pub effort: f32,
    /// Depth of a growl, 0 to 1.
    pub growl: f32,
    /// Share by which every second period is weaker.
    pub creak: f32,
    /// Whether a vowel begins here.
    pub onset: bool,
}

/// What a singer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Sings the tones.
    Sung,
    /// Speaks, or raps, in their rhythm.
    Spoken,
    /// Whispers: no voice.
    Whispered,
}

/// A voice and its habits.
#[derive(Debug, Clone)]
pub struct Singer {
    /// What it does.
    pub delivery: Delivery,
    /// Factor on all formants: 1 for a man.
    pub tract: f32,
    /// Lowest pitch, as a MIDI number.
    pub lowest: f32,
    /// Semitones above it.
    pub range: f32,
    /// Corner of the source's fall, in Hz, when soft and when belted.
    pub tilt_hz: [f32; 2],
    /// Factor on the widths of formants.
    pub widths: f32,
    /// Difference of one period from the next, in cents, and in dB (standard deviations).
    pub jitter_cents: f32,
    /// See `jitter_cents`.
    pub shimmer_db: f32,
    /// Gain of a cluster of formants near 3 kHz, in dB.
    pub ring_db: f32,
    /// Rate of a growl, in Hz.
    pub growl_hz: f32,
    vibrato_hz: f32,
    vibrato_cents: f32,
    glide_s: f32,
    scoop_cents: f32,
    wander_cents: f32,
    breath: f32,
    hiss_db: f32,
    effort: f32,
    creaks: f64,
    growls: f64,
    consonants: f64,
    codas: f64,
    diphthongs: f64,
    attack_s: f32,
    release_s: f32,
    vowels: Vec<usize>,
    loudness_db: f32,
}

impl Singer {
    /// Draws one, from the lowest bass to the highest soprano.
    pub fn draw(rng: &mut Rng) -> Self {
        let delivery = match rng.unit() {
            x if x < 0.90 => Delivery::Sung,
            x if x < 0.97 => Delivery::Spoken,
            _ => Delivery::Whispered,
        };
        let lowest = between(rng, 36.0, 63.0);
        let tall = (63.0 - lowest) / 27.0;
        let count = 4 + rng.below(9);
        Self {
            delivery,
            tract: (1.27 - 0.3 * tall + 0.06 * normal(rng)).clamp(0.8, 1.4),
            lowest,
            range: between(rng, 10.0, 22.0),
            tilt_hz: [log_between(rng, 300.0, 1_600.0), log_between(rng, 1_500.0, 9_000.0)],
            widths: log_between(rng, 0.7, 1.8),
            jitter_cents: log_between(rng, 1.0, 18.0),
            shimmer_db: log_between(rng, 0.05, 1.0),
            ring_db: if rng.chance(0.35) { between(rng, 2.0, 14.0) } else { 0.0 },
            growl_hz: log_between(rng, 28.0, 110.0),
            vibrato_hz: between(rng, 4.2, 7.2),
            vibrato_cents: if rng.chance(0.65) { log_between(rng, 10.0, 140.0) } else { 0.0 },
            glide_s: log_between(rng, 0.02, 0.18),
            scoop_cents: if rng.chance(0.6) { between(rng, -300.0, 120.0) } else { 0.0 },
            wander_cents: log_between(rng, 2.0, 22.0),
            breath: gain(between(rng, -46.0, -10.0)),
            hiss_db: between(rng, -8.0, 6.0),
            effort: between(rng, 0.0, 1.0),
            creaks: if rng.chance(0.2) { 0.3 } else { 0.02 },
            growls: if rng.chance(0.15) { 0.4 } else { 0.0 },
            consonants: f64::from(between(rng, 0.2, 0.95)),
            codas: f64::from(between(rng, 0.0, 0.5)),
            diphthongs: f64::from(between(rng, 0.1, 0.6)),
            attack_s: log_between(rng, 0.012, 0.11),
            release_s: log_between(rng, 0.03, 0.30),
            vowels: (0..count).map(|_| rng.below(VOWELS.len())).collect(),
            loudness_db: between(rng, 2.0, 9.0),
        }
    }

    fn mouth(&self, rng: &mut Rng, hz: f32) -> [f32; FORMANTS] {
        let vowel = VOWELS[self.vowels[rng.below(self.vowels.len())]];
        self.open(rng, vowel, hz)
    }

    fn open(&self, rng: &mut Rng, low: [f32; 3], hz: f32) -> [f32; FORMANTS] {
        let mut formants =
            [low[0], low[1], low[2], between(rng, 3_200.0, 3_700.0), between(rng, 3_900.0, 4_600.0), 5_600.0]
                .map(|formant| formant * self.tract * (1.0 + 0.035 * normal(rng)));
        // High voices open the jaw, most of them.
        if rng.chance(0.75) {
            formants[0] = formants[0].max(1.05 * hz);
            formants[1] = formants[1].max(formants[0] + 200.0);
        }
        formants
    }
}

fn at(seconds: f32) -> usize {
    (seconds.max(0.0) * MOMENTS_PER_S) as usize
}

fn span(moments: &mut [Moment], from_s: f32, to_s: f32) -> impl Iterator<Item = (f32, &mut Moment)> {
    let to = at(to_s).min(moments.len());
    let from = at(from_s).min(to);
    let length = (to - from).max(1) as f32;
    moments[from..to].iter_mut().enumerate().map(move |(index, moment)| (index as f32 / length, moment))
}

/// The curves of a melody of some seconds.
pub fn plan(rng: &mut Rng, singer: &Singer, tones: &[Tone], seconds: f32) -> Vec<Moment> {
    let mut moments = vec![Moment::default(); at(seconds)];
    let first = singer.mouth(rng, 200.0);
    moments.iter_mut().for_each(|moment| moment.formants = first);
    for (index, tone) in tones.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &tones[before]);
        let after = tones.get(index + 1);
        if before.is_none_or(|before| tone.start_s - before.end_s > 0.35) && rng.chance(0.55) {
            breathe(rng, singer, &mut moments, tone.start_s);
        }
        sing(rng, singer, &mut moments, tone, before, after);
    }
    wander(rng, singer, &mut moments);
    soften(&mut moments);
    moments
}

/// A breath that ends where a phrase begins.
fn breathe(rng: &mut Rng, singer: &Singer, moments: &mut [Moment], before_s: f32) {
    let (length, level) = (between(rng, 0.15, 0.45), gain(between(rng, -34.0, -13.0)));
    let hz = between(rng, 900.0, 3_500.0) * singer.tract;
    let to = before_s - between(rng, 0.03, 0.12);
    for (share, moment) in span(moments, (to - length).max(0.0), to) {
        let shape = smooth(share / 0.5) * smooth((1.0 - share) / 0.3);
        (moment.breath, moment.hiss) = (level * shape, 0.4 * level * shape);
        (moment.hiss_hz, moment.hiss_width_hz) = (hz, hz);
    }
}

/// One tone between its neighbours.
fn sing(
    rng: &mut Rng,
    singer: &Singer,
    moments: &mut [Moment],
    tone: &Tone,
    before: Option<&Tone>,
    after: Option<&Tone>,
) {
    let joined = |one: &Tone, other: &Tone| other.start_s - one.end_s < 0.04;
    let apart = before.is_none_or(|before| !joined(before, tone));
    let mut ends = after.is_none_or(|after| !joined(tone, after));
    let length = (tone.end_s - tone.start_s).max(0.05);
    let level_db = tone.level_db + singer.loudness_db * 0.5 * normal(rng).clamp(-1.5, 1.5);
    let level = gain(level_db);
    let hz = 440.0 * ((tone.midi - 69.0) / 12.0).exp2();
    let vowel = singer.mouth(rng, hz);
    let glides_to = rng.chance(singer.diphthongs).then(|| singer.mouth(rng, hz));
    let high = (tone.midi - singer.lowest) / singer.range;
    let effort = (singer.effort + 0.35 * (high - 0.5) + 0.03 * level_db).clamp(0.0, 1.0);
    let mut start = tone.start_s;
    let mut slid = false;
    if rng.chance(singer.consonants) {
        let consonant = CONSONANTS[rng.below(CONSONANTS.len())];
        start = articulate(rng, singer, moments, &consonant, tone.start_s, level);
        slid = consonant.voice_db.is_none();
    } else if !apart && rng.chance(0.05) {
        slid = true;
    }
    let coda = ends && rng.chance(singer.codas);
    if rng.chance(0.04) {
        ends = true;
    }
    let fresh = apart || slid;
    let (attack, release) = (singer.attack_s.min(0.4 * length), singer.release_s.min(0.5 * length));
    let glide = singer.glide_s * between(rng, 0.6, 1.5);
    let scoop = if apart { singer.scoop_cents * rng.unit() as f32 } else { 0.0 };
    let fall = if ends && rng.chance(0.3) { between(rng, -500.0, 60.0) } else { 0.0 };
    let (vibrato_from, vibrato_hz) = (between(rng, 0.05, 0.4), singer.vibrato_hz * between(rng, 0.95, 1.05));
    let creak = if rng.chance(singer.creaks) { between(rng, 0.05, 0.35) } else { 0.0 };
    let growl = if rng.chance(singer.growls) { between(rng, 0.2, 0.9) } else { 0.0 };
    let swell_db = between(rng, -4.0, 6.0);
    let speech: Vec<f32> = (0..4).map(|_| 3.5 * normal(rng)).collect();
    let from_pitch = before.map_or(tone.midi, |before| before.midi);
    if let Some(moment) = moments.get_mut(at(start)).filter(|_| singer.delivery != Delivery::Whispered) {
        moment.onset = true;
    }
    let voiced = singer.delivery != Delivery::Whispered;
    for (share, moment) in span(moments, start.min(tone.end_s - 0.03), tone.end_s) {
        let t = share * length;
        moment.formants = vowel;
        if let Some(other) = &glides_to {
            let way = smooth((share - 0.45) / 0.5);
            for (formant, to) in moment.formants.iter_mut().zip(other) {
                *formant += (to - *formant) * way;
            }
        }
        (moment.creak, moment.growl, moment.effort) = (creak, growl * smooth(t / 0.15), effort);
        let mut cents = 100.0 * tone.midi;
        if singer.delivery == Delivery::Spoken {
            let place = share * (speech.len() - 1) as f32;
            let (index, x) = (place as usize, smooth(place.fract()));
            cents += 100.0 * (speech[index] * (1.0 - x) + speech[(index + 1).min(speech.len() - 1)] * x);
        } else {
            cents += singer.vibrato_cents * smooth((t - vibrato_from) / 0.3) * (TAU * vibrato_hz * t).sin();
        }
        if !apart {
            cents += 100.0 * (from_pitch - tone.midi) * (1.0 - smooth(t / glide));
        }
        cents += scoop * (-t / 0.06).exp() + fall * smooth((t - length + 0.18) / 0.18);
        moment.cents = cents.clamp(3_350.0, 8_550.0);
        let mut voice = level * gain(swell_db * (PI * share).sin());
        if fresh {
            voice *= smooth(t / attack);
        }
        if ends {
            voice *= smooth((length - t) / release).powi(2);
        }
        if voiced {
            (moment.voice, moment.breath) = (voice, voice * singer.breath * (1.2 - 0.8 * effort));
        } else {
            (moment.voice, moment.breath) = (0.0, 0.5 * voice);
        }
    }
    if coda {
        let consonant = CONSONANTS[rng.below(CONSONANTS.len())];
        articulate(rng, singer, moments, &consonant, tone.end_s - 0.02, level * 0.6);
    }
}

/// A consonant that begins at a time; returns when it ends, in seconds.
fn articulate(
    rng: &mut Rng,
    singer: &Singer,
    moments: &mut [Moment],
    consonant: &Consonant,
    start_s: f32,
    level: f32,
) -> f32 {
    let length = between(rng, consonant.length_s[0], consonant.length_s[1]);
    let end_s = start_s + length;
    let formants = singer.open(rng, consonant.formants, 0.0);
    let whispered = singer.delivery == Delivery::Whispered;
    for (_, moment) in span(moments, start_s, end_s) {
        moment.formants = formants;
        moment.voice = match consonant.voice_db {
            Some(db) if !whispered => level * gain(db),
            _ => 0.0,
        };
        moment.breath = moment.voice * singer.breath;
    }
    let hiss = gain(consonant.hiss_db + singer.hiss_db + 3.0 * normal(rng)) * level.sqrt();
    let hz = between(rng, consonant.hiss_hz[0], consonant.hiss_hz[1]) * (0.4 + 0.6 * singer.tract);
    let burst = consonant.manner == Manner::Plosive;
    let from_s = if burst { end_s - between(rng, 0.012, 0.04) } else { start_s };
    if matches!(consonant.manner, Manner::Fricative | Manner::Plosive) {
        for (share, moment) in span(moments, from_s, end_s + 0.01) {
            let shape =
                if burst { (1.0 - share).powi(2) } else { smooth(share / 0.3) * smooth((1.0 - share) / 0.3) };
            moment.hiss = hiss * shape;
            (moment.hiss_hz, moment.hiss_width_hz) = (hz, hz * consonant.width);
        }
    }
    // Breath behind a burst, and instead of one.
    if consonant.voice_db.is_none() && rng.chance(0.4) {
        let breath = 0.3 * hiss.max(0.03 * level);
        span(moments, end_s - 0.02, end_s + 0.03).for_each(|(_, moment)| moment.breath += breath);
    }
    end_s
}

/// Lets the pitch wander, and carries it over where nobody sings.
fn wander(rng: &mut Rng, singer: &Singer, moments: &mut [Moment]) {
    let (mut slow, mut fast, mut last) = (0.0_f32, 0.0_f32, 6_000.0);
    for moment in moments {
        slow += 0.006 * (13.0 * normal(rng) - slow);
        fast += 0.06 * (4.0 * normal(rng) - fast);
        if moment.cents > 0.0 {
            last = (moment.cents + singer.wander_cents * (slow + fast)).clamp(3_350.0, 8_550.0);
        }
        moment.cents = last;
    }
}

/// Takes the corners off all curves.
fn soften(moments: &mut [Moment]) {
    let Some(mut state) = moments.first().copied() else { return };
    for moment in moments {
        for (now, wanted) in state.formants.iter_mut().zip(moment.formants) {
            *now += 0.10 * (wanted - *now);
        }
        state.breath += 0.35 * (moment.breath - state.breath);
        state.hiss += 0.45 * (moment.hiss - state.hiss);
        state.voice += 0.3 * (moment.voice - state.voice);
        state.effort += 0.05 * (moment.effort - state.effort);
        moment.formants = state.formants;
        (moment.breath, moment.hiss) = (state.breath, state.hiss);
        (moment.voice, moment.effort) = (state.voice, state.effort);
    }
}
