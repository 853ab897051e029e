//! From syllables to control curves.

use super::singer::Singer;
use super::tract::{FORMANTS, SourceLevel};
use super::truth::{F0Point, Span, TempoPoint, Truth, TruthChord, TruthNote};
use super::vocal::{Consonant, SungSyllable, Vocal, Vowel};
use crate::song::Rng;

/// Control frames a second.
pub(super) const FRAMES_PER_S: f64 = 1_000.0;
/// Control frames between two points of the F0 truth.
const F0_HOP: usize = 10;
/// RMS of a plain note at 0 dB, relative to full scale.
const PLAIN_RMS: f64 = 0.105;
/// Largest gap over which notes are still joined, in seconds.
const JOIN_S: f64 = 0.03;
/// Time between the end of a breath and the first sound after it, in seconds.
const BREATH_TO_SOUND_S: f64 = 0.05;
/// Gain of the source that a plain vowel needs, on average.
const NATURAL_GAIN: f64 = 0.05;
/// Share to which vowels are brought to one level, where the mouth by itself would make some far louder.
const EVEN: f64 = 0.8;
/// Control frames between two looks at how loud the mouth makes the source.
const LEVEL_HOP: usize = 4;
/// Voice below this share of a plain note counts as none, in the truth.
const MIN_VOICED: f64 = 0.02;

/// The state of the voice at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame {
    /// F0, in Hz.
    pub f0_hz: f64,
    /// Gain of the glottal source.
    pub voice: f64,
    /// Gain of breath noise through the formants.
    pub breath: f64,
    /// Gain of noise through the band below.
    pub hiss: f64,
    /// Centre of the band, in Hz.
    pub hiss_hz: f64,
    /// Width of the band, in Hz.
    pub hiss_width_hz: f64,
    /// Formants, in Hz.
    pub formants_hz: [f64; FORMANTS],
    /// Corner of the fall of the source, in Hz.
    pub tilt_hz: f64,
}

/// Control curves at [`FRAMES_PER_S`] and the truth about them.
pub(super) struct Plan {
    pub frames: Vec<Frame>,
    pub truth: Truth,
}

/// A syllable in time.
struct Placed<'a> {
    note: &'a SungSyllable,
    /// Start of the consonant, of the voice, of the vowel, and end of the voice, in seconds.
    sound_s: f64,
    voice_s: f64,
    onset_s: f64,
    offset_s: f64,
    first: bool,
    last: bool,
    glide_s: f64,
    vibrato_delay_s: f64,
    vibrato_hz: f64,
    scoop_cents: f64,
    detune_cents: f64,
    /// Level relative to a plain note, as a factor.
    gain: f64,
}

struct Phone {
    seconds: f64,
    voiced: bool,
    /// Formants 1 to 3 towards which the mouth moves, for a man, in Hz; 0 for those of the vowel.
    locus_hz: [f64; 3],
    /// Level of the voice meanwhile, relative to the vowel.
    level: f64,
}

fn phone(consonant: Consonant) -> Phone {
    let phone = |seconds, voiced, locus_hz, level| Phone { seconds, voiced, locus_hz, level };
    match consonant {
        Consonant::None => phone(0.0, true, [0.0; 3], 1.0),
        Consonant::S => phone(0.105, false, [300.0, 1_750.0, 2_600.0], 0.0),
        Consonant::Sh => phone(0.105, false, [300.0, 1_850.0, 2_500.0], 0.0),
        Consonant::F => phone(0.085, false, [300.0, 1_000.0, 2_300.0], 0.0),
        Consonant::H => phone(0.070, false, [0.0; 3], 0.0),
        Consonant::T => phone(0.075, false, [300.0, 1_800.0, 2_700.0], 0.0),
        Consonant::K => phone(0.085, false, [300.0, 1_900.0, 2_300.0], 0.0),
        Consonant::P => phone(0.075, false, [300.0, 900.0, 2_200.0], 0.0),
        Consonant::M => phone(0.070, true, [260.0, 1_050.0, 2_200.0], 0.35),
        Consonant::N => phone(0.065, true, [260.0, 1_600.0, 2_500.0], 0.35),
        Consonant::L => phone(0.060, true, [340.0, 1_150.0, 2_700.0], 0.55),
        Consonant::R => phone(0.065, true, [340.0, 1_150.0, 1_650.0], 0.55),
    }
}

/// Formants of a man (after Peterson and Barney, JASA 24, 1952), in Hz.
fn vowel_hz(vowel: Vowel) -> [f64; FORMANTS] {
    let [f1, f2, f3] = match vowel {
        Vowel::A => [720.0, 1_150.0, 2_450.0],
        Vowel::E => [530.0, 1_800.0, 2_500.0],
        Vowel::I => [290.0, 2_250.0, 2_950.0],
        Vowel::O => [480.0, 850.0, 2_400.0],
        Vowel::U => [320.0, 880.0, 2_250.0],
        Vowel::Schwa => [500.0, 1_450.0, 2_500.0],
    };
    [f1, f2, f3, 3_450.0, 4_300.0]
}

/// The formants of a vowel as this singer makes them at a pitch: the jaw opens until F1 is not below F0.
fn tuned(vowel: Vowel, singer: &Singer, f0_hz: f64) -> [f64; FORMANTS] {
    let mut formants = vowel_hz(vowel).map(|hz| hz * singer.tract_scale);
    formants[0] = formants[0].max(1.08 * f0_hz);
    formants[1] = formants[1].max(formants[0] + 250.0);
    formants
}

fn hz(cents: f64) -> f64 {
    440.0 * ((cents - 6_900.0) / 1_200.0).exp2()
}

fn gain(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// Corner of the source's fall at a level, in Hz: loud is bright.
fn tilt_hz(singer: &Singer, level_db: f64) -> f64 {
    1_900.0 * (singer.brightness_octaves + level_db / 6.0).exp2()
}

pub(super) fn plan(vocal: &Vocal) -> Plan {
    let placed = place(vocal);
    let duration_s = placed.last().map_or(0.0, |last| last.offset_s) + vocal.tail_s;
    let mut frames = vec![Frame::default(); (duration_s * FRAMES_PER_S).ceil() as usize];
    set_pitch(&placed, &vocal.singer, &mut frames);
    set_mouth(&placed, &vocal.singer, &mut frames);
    set_voice(&placed, &vocal.singer, &mut frames);
    set_consonants(&placed, &vocal.singer, &mut frames);
    let breaths = set_breaths(&placed, &vocal.singer, &mut frames);
    let truth = truth(vocal, &placed, &frames, breaths, duration_s);
    Plan { frames, truth }
}

fn place(vocal: &Vocal) -> Vec<Placed<'_>> {
    let singer = &vocal.singer;
    let start = |note: &SungSyllable| vocal.timing.seconds_at(note.start_beat) + note.late_s;
    let mut placed: Vec<Placed<'_>> = Vec::with_capacity(vocal.notes.len());
    for (index, note) in vocal.notes.iter().enumerate() {
        let mut rng = Rng::keyed(&[singer.seed, 1, index as u64]);
        let onset_s = start(note);
        let written_end_s = vocal.timing.end_seconds_at(note.start_beat + note.beats) + note.late_s;
        let phone = phone(note.consonant);
        let before_s = placed.last().map_or(0.0, |last| last.onset_s);
        // A consonant takes no more than half of what lies before it.
        let sound_s = onset_s - phone.seconds.min(0.5 * (onset_s - before_s)).max(0.0);
        let voice_s = if phone.voiced { sound_s } else { onset_s - 0.004 };
        let mut first = true;
        if let Some(last) = placed.last_mut() {
            first = note.breath_before || sound_s - last.offset_s > JOIN_S + phone.seconds;
            if !first || last.offset_s > sound_s {
                last.offset_s = if phone.voiced { onset_s } else { sound_s };
            }
            last.last = first;
        }
        let level_db = note.level_db + 0.5 * rng.normal();
        placed.push(Placed {
            note,
            sound_s,
            voice_s,
            onset_s,
            offset_s: written_end_s.max(onset_s + 0.05),
            first,
            last: true,
            glide_s: singer.portamento_ms * 1e-3 * (1.0 + 0.25 * rng.signed()),
            vibrato_delay_s: 0.26 + 0.08 * rng.unit(),
            vibrato_hz: singer.vibrato_hz * (1.0 + 0.025 * rng.signed()),
            scoop_cents: singer.scoop_cents * (0.7 + 0.6 * rng.unit()),
            detune_cents: 3.0 * rng.normal(),
            gain: gain(level_db),
        });
    }
    placed
}

/// A smooth random curve of standard deviation about 1, with a new value every `period_s`.
fn wander(seed: u64, stream: u64, time_s: f64, period_s: f64) -> f64 {
    let at = time_s / period_s;
    let value = |index: f64| Rng::keyed(&[seed, stream, index as u64]).normal();
    let share = smooth(at.fract());
    1.25 * (value(at.floor()) * (1.0 - share) + value(at.floor() + 1.0) * share)
}

/// A rise from 0 to 1 without corners.
fn smooth(share: f64) -> f64 {
    let x = share.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// Pitch of one note at a time, in cents.
fn note_cents(note: &Placed<'_>, singer: &Singer, time_s: f64) -> f64 {
    let mut cents = 100.0 * f64::from(note.note.midi) + note.detune_cents;
    if note.first {
        cents -= note.scoop_cents * (-(time_s - note.voice_s).max(0.0) / 0.055).exp();
    }
    let sung_s = time_s - note.onset_s - note.vibrato_delay_s;
    if sung_s > 0.0 && note.offset_s - note.onset_s > 0.5 {
        let depth = singer.vibrato_cents * smooth(sung_s / 0.35);
        cents += depth * (std::f64::consts::TAU * note.vibrato_hz * sung_s).sin();
    }
    if note.last {
        cents -= 30.0 * smooth((time_s - note.offset_s + 0.10) / 0.25);
    }
    cents
}

fn set_pitch(placed: &[Placed<'_>], singer: &Singer, frames: &mut [Frame]) {
    if placed.is_empty() {
        return;
    }
    let mut current = 0;
    for (index, frame) in frames.iter_mut().enumerate() {
        let time_s = index as f64 / FRAMES_PER_S;
        while let Some(next) = placed.get(current + 1) {
            let from_s = if next.first { next.sound_s } else { next.onset_s - 0.6 * next.glide_s };
            if time_s < from_s {
                break;
            }
            current += 1;
        }
        let note = &placed[current];
        let mut cents = note_cents(note, singer, time_s);
        if !note.first {
            let share = smooth((time_s - note.onset_s) / note.glide_s + 0.6);
            cents = note_cents(&placed[current - 1], singer, time_s) * (1.0 - share) + cents * share;
        }
        cents += singer.wander_cents
            * (0.6 * wander(singer.seed, 2, time_s, 0.05) + 0.8 * wander(singer.seed, 3, time_s, 0.6));
        cents += singer.tuning_cents + singer.drift_cents_per_min * time_s / 60.0;
        frame.f0_hz = hz(cents);
    }
}

fn frame_at(time_s: f64) -> usize {
    (time_s.max(0.0) * FRAMES_PER_S).round() as usize
}

/// The frames from `from_s` to `to_s`, each with its share of the way.
fn span(frames: &mut [Frame], from_s: f64, to_s: f64) -> impl Iterator<Item = (f64, &mut Frame)> {
    let end = frame_at(to_s).min(frames.len());
    let start = frame_at(from_s).min(end);
    let length = (end - start).max(1) as f64;
    frames[start..end].iter_mut().enumerate().map(move |(index, frame)| (index as f64 / length, frame))
}

fn set_mouth(placed: &[Placed<'_>], singer: &Singer, frames: &mut [Frame]) {
    let rest = tuned(Vowel::Schwa, singer, 0.0);
    frames.iter_mut().for_each(|frame| frame.formants_hz = rest);
    for (index, note) in placed.iter().enumerate() {
        let vowel = tuned(note.note.vowel, singer, hz(100.0 * f64::from(note.note.midi)));
        let mut locus = vowel;
        for (formant, hz) in locus.iter_mut().zip(phone(note.note.consonant).locus_hz) {
            if hz > 0.0 {
                *formant = hz * singer.tract_scale;
            }
        }
        let from_s = if note.first { note.sound_s - 0.06 } else { note.sound_s };
        let until_s = placed.get(index + 1).map_or(note.offset_s + 0.3, |next| {
            if next.first { (note.offset_s + 0.25).min(next.sound_s - 0.06) } else { next.sound_s }
        });
        span(frames, from_s, note.onset_s).for_each(|(_, frame)| frame.formants_hz = locus);
        span(frames, note.onset_s, until_s).for_each(|(_, frame)| frame.formants_hz = vowel);
    }
    for formant in 0..FORMANTS {
        let mut curve: Vec<f64> = frames.iter().map(|frame| frame.formants_hz[formant]).collect();
        soften(&mut curve, 80);
        frames.iter_mut().zip(curve).for_each(|(frame, hz)| frame.formants_hz[formant] = hz);
    }
    // On the way, too, F1 does not fall below F0.
    for frame in frames {
        frame.formants_hz[0] = frame.formants_hz[0].max(1.04 * frame.f0_hz);
    }
}

/// Smooths a curve with a Hann window of `width` frames, without delay.
fn soften(curve: &mut Vec<f64>, width: usize) {
    if curve.is_empty() {
        return;
    }
    let half = width / 2;
    let window: Vec<f64> = (0..=2 * half)
        .map(|n| 0.5 - 0.5 * (std::f64::consts::TAU * (n + 1) as f64 / (2 * half + 2) as f64).cos())
        .collect();
    let sum: f64 = window.iter().sum();
    let at = |index: usize| curve[index.saturating_sub(half).min(curve.len() - 1)];
    let softened = (0..curve.len())
        .map(|index| window.iter().enumerate().map(|(n, w)| w * at(index + n)).sum::<f64>() / sum)
        .collect();
    *curve = softened;
}

fn set_voice(placed: &[Placed<'_>], singer: &Singer, frames: &mut [Frame]) {
    let mut tilt = vec![0.0; frames.len()];
    for (index, note) in placed.iter().enumerate() {
        let release_s: f64 = if note.last { 0.14 } else { 0.0 };
        let level = phone(note.note.consonant).level;
        let length_s = (note.offset_s - note.onset_s).max(0.05);
        span(frames, note.voice_s, note.onset_s).for_each(|(_, frame)| frame.voice = note.gain * level);
        for (share, frame) in span(frames, note.onset_s, note.offset_s) {
            // A long note swells a little and then gives way.
            let swell = gain(1.8 * smooth(length_s / 1.2) * ((std::f64::consts::PI * share).sin() - 0.5));
            frame.voice = note.gain * swell;
        }
        if note.first {
            let attack_s = if note.note.consonant == Consonant::None { 0.07 } else { 0.04 };
            let rise = span(frames, note.voice_s, note.voice_s + attack_s);
            rise.for_each(|(share, frame)| frame.voice *= smooth(share));
        }
        if note.last {
            let from_s = note.offset_s - release_s.min(0.4 * length_s);
            span(frames, from_s, note.offset_s).for_each(|(share, frame)| frame.voice *= 1.0 - smooth(share));
        }
        let next_s = placed.get(index + 1).map_or(f64::MAX, |next| next.sound_s);
        let to = frame_at(next_s.min(1e6)).min(tilt.len());
        tilt[frame_at(note.sound_s).min(to)..to].fill(tilt_hz(singer, note.note.level_db));
    }
    let mut voice: Vec<f64> = frames.iter().map(|frame| frame.voice).collect();
    soften(&mut voice, 26);
    soften(&mut tilt, 60);
    for (index, ((frame, voice), tilt)) in frames.iter_mut().zip(voice).zip(tilt).enumerate() {
        let sway_db = 0.5 * wander(singer.seed, 7, index as f64 / FRAMES_PER_S, 0.11);
        frame.voice = voice * gain(sway_db);
        frame.tilt_hz = tilt.max(800.0);
    }
    even_out(singer, frames);
}

/// Turns the level of the voice into a gain of the source, given what the mouth makes of it.
fn even_out(singer: &Singer, frames: &mut [Frame]) {
    let level = SourceLevel::new();
    let mut needed: Vec<f64> = Vec::with_capacity(frames.len() / LEVEL_HOP + 2);
    for frame in frames.iter().step_by(LEVEL_HOP) {
        let natural = if frame.voice > 0.0 { Some(level.rms(frame)) } else { None };
        let before = needed.last().copied().unwrap_or(NATURAL_GAIN);
        needed
            .push(natural.map_or(before, |rms| (PLAIN_RMS / rms).powf(EVEN) * NATURAL_GAIN.powf(1.0 - EVEN)));
    }
    needed.extend(needed.last().copied());
    for (index, frame) in frames.iter_mut().enumerate() {
        let share = (index % LEVEL_HOP) as f64 / LEVEL_HOP as f64;
        let (from, to) = (needed[index / LEVEL_HOP], needed[index / LEVEL_HOP + 1]);
        frame.voice *= from + (to - from) * share;
        frame.breath = frame.voice * (0.004 + 0.06 * singer.breathiness);
    }
}

fn set_consonants(placed: &[Placed<'_>], singer: &Singer, frames: &mut [Frame]) {
    for note in placed {
        let level = PLAIN_RMS * gain(0.6 * note.note.level_db);
        let (from_s, to_s) = (note.sound_s, note.onset_s);
        let mut hiss = |from_s, to_s, level: f64, hz: f64, width_hz: f64, attack: f64| {
            for (share, frame) in span(frames, from_s, to_s) {
                let shape = smooth(share / attack) * smooth((1.0 - share) / (1.0 - attack).min(0.4));
                frame.hiss = level * shape;
                frame.hiss_hz = hz * (0.4 + 0.6 * singer.tract_scale);
                frame.hiss_width_hz = width_hz;
            }
        };
        // A burst, after a closure of half the consonant, and the breath behind it.
        let burst_s = from_s + 0.5 * (to_s - from_s);
        match note.note.consonant {
            Consonant::S => hiss(from_s - 0.01, to_s + 0.015, 0.55 * level, 6_600.0, 2_600.0, 0.4),
            Consonant::Sh => hiss(from_s - 0.01, to_s + 0.015, 0.60 * level, 3_300.0, 1_500.0, 0.4),
            Consonant::F => hiss(from_s - 0.01, to_s + 0.015, 0.16 * level, 5_500.0, 6_000.0, 0.4),
            Consonant::T => hiss(burst_s, burst_s + 0.022, 0.70 * level, 4_600.0, 2_800.0, 0.12),
            Consonant::K => hiss(burst_s, burst_s + 0.026, 0.70 * level, 2_000.0, 900.0, 0.12),
            Consonant::P => hiss(burst_s, burst_s + 0.016, 0.50 * level, 900.0, 900.0, 0.15),
            _ => {}
        }
        let breath = match note.note.consonant {
            Consonant::H => Some((from_s - 0.02, 0.020)),
            Consonant::T | Consonant::K | Consonant::P => Some((burst_s, 0.012)),
            _ => None,
        };
        if let Some((start_s, share)) = breath {
            for (at, frame) in span(frames, start_s, to_s + 0.03) {
                frame.breath +=
                    share * note.gain * NATURAL_GAIN * 3.0 * smooth(at / 0.35) * smooth((1.0 - at) / 0.35);
            }
        }
    }
}

fn set_breaths(placed: &[Placed<'_>], singer: &Singer, frames: &mut [Frame]) -> Vec<Span> {
    let mut breaths = Vec::new();
    let mut free_s = 0.0;
    for (index, note) in placed.iter().enumerate() {
        if note.first && note.note.breath_before {
            let mut rng = Rng::keyed(&[singer.seed, 4, index as u64]);
            let wanted_s = 0.20 + 0.15 * rng.unit();
            let end_s = note.sound_s - BREATH_TO_SOUND_S;
            let start_s = (end_s - wanted_s).max(free_s + 0.03);
            if end_s - start_s >= 0.12 {
                let level = NATURAL_GAIN * 0.17 * (0.8 + 0.4 * rng.unit());
                for (share, frame) in span(frames, start_s, end_s) {
                    let shape = smooth(share / 0.55) * smooth((1.0 - share) / 0.25);
                    frame.breath += level * shape;
                    frame.hiss = 0.08 * PLAIN_RMS * shape;
                    frame.hiss_hz = 1_700.0 + 700.0 * share;
                    frame.hiss_width_hz = 1_800.0;
                }
                breaths.push(Span { start_s, end_s });
            }
        }
        free_s = note.offset_s;
    }
    breaths
}

fn truth(
    vocal: &Vocal,
    placed: &[Placed<'_>],
    frames: &[Frame],
    breaths: Vec<Span>,
    duration_s: f64,
) -> Truth {
    let notes = placed
        .iter()
        .map(|placed| TruthNote {
            onset_s: placed.onset_s,
            offset_s: placed.offset_s,
            midi: placed.note.midi,
            start_beat: placed.note.start_beat,
            beats: placed.note.beats,
        })
        .collect();
    let mut phrases: Vec<Span> = Vec::new();
    for note in placed {
        match phrases.last_mut() {
            Some(phrase) if !note.first => phrase.end_s = note.offset_s,
            _ => phrases.push(Span { start_s: note.sound_s, end_s: note.offset_s }),
        }
    }
    let ends = vocal.notes.iter().map(|note| note.start_beat + note.beats);
    let last_beat = ends.fold(0.0, f64::max);
    let first_beat = vocal.notes.first().map_or(0.0, |note| note.start_beat.min(0.0));
    let beats: Vec<i64> = (first_beat.floor() as i64..=last_beat.floor() as i64)
        .filter(|beat| vocal.timing.seconds_at(*beat as f64) >= 0.0)
        .collect();
    let bar = vocal.meter.beats_per_bar() as i64;
    let downbeats = (0..beats.len()).filter(|index| beats[*index].rem_euclid(bar) == 0).collect();
    let tempo: Vec<TempoPoint> = beats
        .iter()
        .map(|beat| *beat as f64)
        .map(|beat| TempoPoint {
            beat,
            time_s: vocal.timing.seconds_at(beat),
            bpm: vocal.timing.bpm_at(beat),
        })
        .collect();
    let voiced = |frame: &Frame| frame.voice > MIN_VOICED * NATURAL_GAIN;
    let f0 = frames.iter().step_by(F0_HOP).enumerate().map(|(index, frame)| F0Point {
        time_s: (index * F0_HOP) as f64 / FRAMES_PER_S,
        hz: if voiced(frame) { frame.f0_hz } else { 0.0 },
    });
    let chords = vocal.chords.iter().map(|chord| TruthChord {
        start_s: vocal.timing.seconds_at(chord.start_beat),
        name: chord.name.clone(),
    });
    Truth {
        duration_s,
        beats_s: tempo.iter().map(|point| point.time_s).collect(),
        downbeats,
        meter: vocal.meter.to_string(),
        key: vocal.key.clone(),
        notes,
        f0: f0.collect(),
        phrases,
        breaths,
        tempo,
        chords: chords.collect(),
    }
}
