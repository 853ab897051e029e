//! Whether what was heard is a voice at all.
//!
//! Drums have pitch too: a tom gives "notes" as sure as any sung one. But they are struck, so they are over at once or
//! ring down, while a singer holds a note by breath. Something that never holds a note is no voice that a band could
//! follow.

use super::FollowError;
use crate::limits;
use crate::listen::{HOP_S, Observation, SungNote};

/// Fall of the level over a note from which it rings down rather than being held, in dB a second.
const RINGING_DB_PER_S: f64 = 40.0;

/// Dip of the level within a note from which it has been struck twice rather than held, in dB.
const RESTRUCK_DB: f64 = 6.0;

/// Asserts that notes are sung.
pub fn check_voice(notes: &[SungNote], heard: &[Observation]) -> Result<(), FollowError> {
    let sung_s = notes.iter().map(SungNote::duration_s).fold(0.0, |sum, s| sum + s);
    let held_s = held_s(notes, heard);
    let loudest = notes.iter().map(|n| n.level_dbfs).fold(f64::NEG_INFINITY, f64::max);
    let is_enough = notes.len() >= limits::MIN_SUNG_NOTES
        && sung_s >= limits::MIN_SUNG_S
        && held_s >= limits::MIN_HELD_SHARE * sung_s
        && loudest >= limits::MIN_VOICE_DBFS;
    if is_enough { Ok(()) } else { Err(no_voice(notes, heard)) }
}

/// That notes are not sung, with what was found of them.
pub fn no_voice(notes: &[SungNote], heard: &[Observation]) -> FollowError {
    let sung_s = notes.iter().map(SungNote::duration_s).fold(0.0, |sum, s| sum + s);
    let loudest = notes.iter().map(|n| n.level_dbfs).fold(f64::NEG_INFINITY, f64::max);
    FollowError::NoVoice {
        sung_s,
        held_s: held_s(notes, heard),
        notes: notes.len(),
        loudest_dbfs: loudest.max(-120.0),
    }
}

/// Seconds of notes that are held.
fn held_s(notes: &[SungNote], heard: &[Observation]) -> f64 {
    notes.iter().filter(|n| is_held(n, heard)).map(SungNote::duration_s).fold(0.0, |sum, s| sum + s)
}

/// Share of the time of notes in which they are held, 0 to 1.
pub fn held_share(notes: &[SungNote], heard: &[Observation]) -> f64 {
    let sung_s = notes.iter().map(SungNote::duration_s).fold(0.0, |sum, s| sum + s);
    held_s(notes, heard) / sung_s.max(HOP_S)
}

/// Whether a note lasts, and does not merely ring down.
fn is_held(note: &SungNote, heard: &[Observation]) -> bool {
    let index = |s: f64| ((s / HOP_S).round() as usize).min(heard.len());
    let levels = &heard[index(note.onset_s)..index(note.offset_s)];
    let quarter = levels.len() / 4;
    if note.duration_s() < limits::HELD_NOTE_S || quarter == 0 {
        return false;
    }
    let mean = |part: &[Observation]| {
        part.iter().map(|o| f64::from(o.level_dbfs)).sum::<f64>() / part.len().max(1) as f64
    };
    let fall_db = mean(&levels[..quarter]) - mean(&levels[levels.len() - quarter..]);
    fall_db < RINGING_DB_PER_S * note.duration_s() && dip_db(levels) < RESTRUCK_DB
}

/// How far the level falls below what comes before and after, in dB.
fn dip_db(levels: &[Observation]) -> f64 {
    let level = |seen: &Observation| f64::from(seen.level_dbfs);
    let loudest = |part: &[Observation]| part.iter().map(level).fold(f64::NEG_INFINITY, f64::max);
    let dip = |at: usize| loudest(&levels[..=at]).min(loudest(&levels[at..])) - level(&levels[at]);
    (0..levels.len()).map(dip).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes of some length every half second, whose level falls.
    fn take(length_s: f64, fall_db_per_s: f64) -> (Vec<SungNote>, Vec<Observation>) {
        let notes = (0..20).map(|n| SungNote {
            onset_s: 0.5 * f64::from(n),
            offset_s: 0.5 * f64::from(n) + length_s,
            midi: 60.0,
            level_dbfs: -20.0,
            confidence: 0.95,
            known_s: 0.0,
        });
        let heard = (0..1_000).map(|index| Observation {
            index,
            f0_hz: 260.0,
            voiced: true,
            voicing: 0.95,
            level_dbfs: (-20.0 - fall_db_per_s * (index % 50) as f64 * HOP_S) as f32,
            chroma: [0.0; 12],
        });
        (notes.collect(), heard.collect())
    }

    #[test]
    fn struck_things_are_no_voice() {
        let check = |length_s, fall| {
            let (notes, heard) = take(length_s, fall);
            check_voice(&notes, &heard)
        };
        assert_eq!(check(0.45, 0.0), Ok(()));
        assert_eq!(check(0.45, 20.0), Ok(()));
        for (length_s, fall) in [(0.45, 60.0), (0.15, 0.0), (0.15, 60.0)] {
            let error = check(length_s, fall).expect_err("no voice");
            assert!(matches!(error, FollowError::NoVoice { held_s: 0.0, notes: 20, .. }), "{error}");
        }
        // A few held notes among many short ones are enough.
        let (mut notes, heard) = take(0.15, 0.0);
        for note in &mut notes[..3] {
            note.offset_s += 0.2;
        }
        assert_eq!(check_voice(&notes, &heard), Ok(()));
    }
}
