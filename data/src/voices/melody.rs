//! What is sung: melodies of songs, and others made up.

use collavoce::song::Rng;

use super::singer::{Delivery, Singer};
use super::timeline::Excerpt;
use crate::corpus::{Role, Song};
use crate::draw::{between, log_between, normal};

/// A tone to sing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// Start of its vowel, in seconds.
    pub start_s: f32,
    /// Its end, in seconds.
    pub end_s: f32,
    /// Its pitch as a MIDI number.
    pub midi: f32,
    /// Its level beside a plain note, in dB.
    pub level_db: f32,
}

/// Whether a song has a melody with enough tones to sing in an excerpt.
pub fn has_melody(song: &Song) -> bool {
    song.parts.iter().any(|part| part.role == Role::Melody && part.notes.len() >= 16)
}

/// The melody of an excerpt where a singer can sing it; by how many semitones all else has to move, -6 to 5.
pub fn of_song(rng: &mut Rng, singer: &Singer, song: &Song, excerpt: &Excerpt) -> (Vec<Tone>, i32) {
    let notes = song.parts.iter().filter(|part| part.role == Role::Melody).flat_map(|part| &part.notes);
    let mut tones: Vec<Tone> = Vec::new();
    for note in notes {
        let Some((start_s, end_s)) = excerpt.seconds(note.start.0 + note.offset.0, note.length.0) else {
            continue;
        };
        // One voice: a tone ends where the next begins, and the higher of two is sung.
        if let Some(last) = tones.last_mut() {
            if (start_s - last.start_s).abs() < 0.02 {
                last.midi = last.midi.max(f32::from(note.pitch));
                continue;
            }
            last.end_s = last.end_s.min(start_s);
        }
        tones.push(Tone { start_s, end_s, midi: f32::from(note.pitch), level_db: 0.0 });
    }
    tones.retain(|tone| tone.end_s - tone.start_s > 0.05);
    if tones.is_empty() {
        return (tones, 0);
    }
    let mut pitches: Vec<f32> = tones.iter().map(|tone| tone.midi).collect();
    pitches.sort_by(f32::total_cmp);
    let middle = pitches[pitches.len() / 2];
    let wanted = singer.lowest + 0.45 * singer.range + 1.5 * normal(rng);
    let moved = (wanted - middle).round() as i32;
    for tone in &mut tones {
        tone.midi += moved as f32;
        while tone.midi > singer.lowest + singer.range + 4.0 {
            tone.midi -= 12.0;
        }
        while tone.midi < singer.lowest - 3.0 {
            tone.midi += 12.0;
        }
    }
    phrase(rng, singer, &mut tones);
    (tones, (moved + 6).rem_euclid(12) - 6)
}

/// A melody in no relation to anything.
pub fn made_up(rng: &mut Rng, singer: &Singer, seconds: f32) -> Vec<Tone> {
    let (mut time, mut tones) = (between(rng, 0.0, 1.0), Vec::new());
    let tonic = rng.below(12) as f32;
    let scale: &[f32] = match rng.below(3) {
        0 => &[0.0, 2.0, 4.0, 5.0, 7.0, 9.0, 11.0],
        1 => &[0.0, 2.0, 3.0, 5.0, 7.0, 8.0, 10.0],
        _ => &[0.0, 2.0, 4.0, 7.0, 9.0],
    };
    let near = |midi: f32| {
        let far = |degree: &f32| ((midi - tonic - degree + 6.0).rem_euclid(12.0) - 6.0).abs();
        let degree = scale.iter().copied().min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0.0);
        midi - ((midi - tonic - degree + 6.0).rem_euclid(12.0) - 6.0)
    };
    let spoken = singer.delivery != Delivery::Sung;
    let note_s = if spoken { between(rng, 0.12, 0.22) } else { log_between(rng, 0.16, 0.9) };
    let mut midi = singer.lowest + singer.range * if spoken { 0.15 } else { rng.unit() as f32 };
    while time < seconds {
        for _ in 0..1 + rng.below(11) {
            let step = if rng.chance(0.1) { between(rng, -12.0, 12.0) } else { 2.4 * normal(rng) };
            let top = if spoken { 0.4 } else { 1.0 };
            midi = (midi + step).clamp(singer.lowest, singer.lowest + top * singer.range);
            let length = (note_s * (0.5 * normal(rng)).exp()).clamp(0.07, 3.0);
            let sung = if spoken { midi } else { near(midi) };
            tones.push(Tone {
                start_s: time,
                end_s: (time + length).min(seconds),
                midi: sung,
                level_db: 0.0,
            });
            time += length;
            if rng.chance(0.08) {
                time += log_between(rng, 0.03, 0.2);
            }
        }
        time += if rng.chance(0.2) { between(rng, 0.8, 3.0) } else { log_between(rng, 0.1, 0.8) };
    }
    tones.retain(|tone| tone.start_s < seconds - 0.1);
    phrase(rng, singer, &mut tones);
    tones
}

/// Gives phrases their levels, takes tones off the beat, and lets some end early.
fn phrase(rng: &mut Rng, singer: &Singer, tones: &mut [Tone]) {
    let (mut level_db, mut late) = (0.0, 0.0);
    let spread = if singer.delivery == Delivery::Sung { 3.5 } else { 2.0 };
    for index in 0..tones.len() {
        let next_s = tones.get(index + 1).map_or(f32::MAX, |next| next.start_s);
        let starts = index == 0 || tones[index].start_s - tones[index - 1].end_s > 0.3;
        if starts {
            (level_db, late) = (spread * normal(rng), 0.025 * normal(rng));
        }
        let tone = &mut tones[index];
        tone.level_db = level_db + 1.2 * normal(rng);
        tone.start_s = (tone.start_s + late + 0.012 * normal(rng)).max(0.0);
        if rng.chance(0.15) {
            tone.end_s -= between(rng, 0.03, 0.4) * (tone.end_s - tone.start_s);
        }
        tone.end_s = tone.end_s.min(next_s).max(tone.start_s + 0.05);
    }
    for index in 1..tones.len() {
        tones[index].start_s = tones[index].start_s.max(tones[index - 1].start_s + 0.05);
        tones[index - 1].end_s = tones[index - 1].end_s.min(tones[index].start_s);
    }
}
