//! Key from sung notes: how often a melody in each key would dwell on these degrees, step from one to the next, and end
//! phrases and itself with them.
//!
//! What is usual was counted in open scores (`melodies`). A histogram of pitch classes, which is what a mix gives, is
//! compared with the profiles of Albrecht & Shanahan (Music Perception 31, 2013).

pub mod melodies;

use std::sync::OnceLock;

use crate::score::{Key, MidiNote, Mode};
use melodies::{Counts, Degrees};

/// Major profile, tonic first.
const MAJOR: [f64; 12] = [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081];
/// Minor profile, tonic first.
const MINOR: [f64; 12] = [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052];
/// How sharply likeness turns into probabilities.
const SHARPNESS: f64 = 14.0;

/// A key and how likely it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyGuess {
    /// The key.
    pub key: Key,
    /// Probability among all 24.
    pub probability: f64,
}

/// A sung note, written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyNote {
    /// Its pitch.
    pub pitch: MidiNote,
    /// Where it begins, in seconds.
    pub onset_s: f64,
    /// Where it ends, in seconds.
    pub offset_s: f64,
}

/// How much each kind of evidence counts: found on the songs of open scores kept for that, cut to 32 and 64 beats and
/// with some notes sung wrong.
const WEIGHTS: Counts<f64> = Counts { dwells: 1.5, steps: 8.4, ends: 0.7, last: 0.31, first: 0.16 };
/// What speaks for major keys before a note is heard.
const MAJOR_FIRST: f64 = 0.4;

/// All keys, the likeliest first, for notes in order of time.
pub fn rank_keys(notes: &[KeyNote]) -> Vec<KeyGuess> {
    static LEARNT: OnceLock<[Degrees; 2]> = OnceLock::new();
    let [major, minor] = LEARNT.get_or_init(melodies::learnt);
    let heard = melodies::count(notes);
    rank(&|key| match key.mode {
        Mode::Major => major.likelihood(&heard, key.tonic, &WEIGHTS) + MAJOR_FIRST,
        Mode::Minor => minor.likelihood(&heard, key.tonic, &WEIGHTS),
    })
}

/// All keys, the likeliest first, by the logarithm of how likely each is against the others.
fn rank(log_odds: &dyn Fn(Key) -> f64) -> Vec<KeyGuess> {
    let mut ranked: Vec<KeyGuess> =
        Key::all().map(|key| KeyGuess { key, probability: log_odds(key) }).collect();
    let most = ranked.iter().map(|guess| guess.probability).fold(f64::NEG_INFINITY, f64::max);
    for guess in &mut ranked {
        guess.probability = (guess.probability - most).exp();
    }
    let total: f64 = ranked.iter().map(|g| g.probability).sum();
    for guess in &mut ranked {
        guess.probability /= total;
    }
    ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    ranked
}

/// All keys, the likeliest first, for a histogram of pitch classes, C first; `score` adds to a key's likeness (the
/// correlation with its profile) what else speaks for it.
pub fn rank_histogram(histogram: &[f64; 12], score: &dyn Fn(Key, f64) -> f64) -> Vec<KeyGuess> {
    let score = |key: Key| {
        let profile = match key.mode {
            Mode::Major => &MAJOR,
            Mode::Minor => &MINOR,
        };
        score(key, correlation(profile, histogram, usize::from(key.tonic.0)))
    };
    rank(&|key| SHARPNESS * score(key))
}

/// Pearson correlation of a profile moved up to a tonic with a histogram.
fn correlation(profile: &[f64; 12], histogram: &[f64; 12], tonic: usize) -> f64 {
    let profile_mean = profile.iter().sum::<f64>() / 12.0;
    let histogram_mean = histogram.iter().sum::<f64>() / 12.0;
    let (mut product, mut profile_square, mut histogram_square) = (0.0, 0.0, 1e-12);
    for above in 0..12 {
        let p = profile[above] - profile_mean;
        let h = histogram[(tonic + above) % 12] - histogram_mean;
        product += p * h;
        profile_square += p * p;
        histogram_square += h * h;
    }
    product / (profile_square * histogram_square).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sung(notes: &[u8]) -> Vec<KeyNote> {
        let note = |(index, pitch): (usize, &u8)| {
            let onset_s = 0.5 * index as f64;
            KeyNote { pitch: MidiNote(*pitch), onset_s, offset_s: onset_s + 0.45 }
        };
        notes.iter().enumerate().map(note).collect()
    }

    fn best(notes: &[u8]) -> String {
        rank_keys(&sung(notes))[0].key.to_string()
    }

    #[test]
    fn plain_tunes_give_their_key() {
        assert_eq!(best(&[60, 60, 67, 67, 69, 69, 67, 65, 65, 64, 64, 62, 62, 60]), "C major");
        assert_eq!(best(&[69, 71, 72, 76, 74, 72, 71, 69, 68, 69]), "A minor");
        let up: Vec<u8> = [60, 60, 67, 67, 69, 69, 67, 65, 65, 64, 64, 62, 62, 60].map(|n| n + 3).to_vec();
        assert_eq!(best(&up), "Eb major");
    }

    #[test]
    fn keys_move_with_the_notes_and_sum_to_one() {
        let tune = [62, 64, 65, 69, 67, 65, 64, 62, 61, 62];
        let home = rank_keys(&sung(&tune));
        assert!((home.iter().map(|guess| guess.probability).sum::<f64>() - 1.0).abs() < 1e-9);
        for by in 1..12 {
            let moved = rank_keys(&sung(&tune.map(|note| note + by)));
            for (a, b) in home.iter().zip(&moved) {
                assert!((a.probability - b.probability).abs() < 1e-9);
            }
            assert_eq!(moved[0].key.tonic.0, (home[0].key.tonic.0 + by) % 12);
        }
    }

    #[test]
    fn where_nothing_is_heard_no_key_is_sure() {
        let ranked = rank_keys(&[]);
        assert_eq!(ranked.len(), 24);
        assert!(ranked[0].probability < 0.1, "{}", ranked[0].probability);
    }
}
