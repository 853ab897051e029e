//! Key from sung notes: duration-weighted pitch classes against the profiles of Albrecht & Shanahan (Music Perception
//! 31, 2013), with a bonus for the note that the song ends on.

use crate::score::{Key, MidiNote, Mode};

/// Major profile, tonic first.
const MAJOR: [f64; 12] = [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081];
/// Minor profile, tonic first.
const MINOR: [f64; 12] = [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052];
/// Bonus where the last note is the tonic; half of it where it is the third or the fifth.
const LAST_NOTE_BONUS: f64 = 0.2;
/// Bonus of major keys: three songs in four are in one.
const MAJOR_BONUS: f64 = 0.06;
/// Longest length that a note counts, in seconds.
const LONGEST_S: f64 = 1.5;
/// How sharply scores turn into probabilities.
const SHARPNESS: f64 = 14.0;

/// A key and how likely it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyGuess {
    /// The key.
    pub key: Key,
    /// Probability among all 24.
    pub probability: f64,
}

/// All keys, the likeliest first, for notes of (pitch, seconds) in order of time.
pub fn rank_keys(notes: &[(MidiNote, f64)]) -> Vec<KeyGuess> {
    let mut histogram = [0.0; 12];
    for (pitch, seconds) in notes {
        histogram[usize::from(pitch.pitch_class().0)] += seconds.min(LONGEST_S);
    }
    let last = notes.last().map(|(pitch, _)| pitch.pitch_class());
    rank_histogram(&histogram, &|key, likeness| {
        let mode_bonus = match key.mode {
            Mode::Major => MAJOR_BONUS,
            Mode::Minor => 0.0,
        };
        let ending = match last.map(|l| l.above(key.tonic)) {
            Some(0) => LAST_NOTE_BONUS,
            Some(3 | 4 | 7) => LAST_NOTE_BONUS / 2.0,
            _ => 0.0,
        };
        likeness + ending + mode_bonus
    })
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
    let mut ranked: Vec<KeyGuess> =
        Key::all().map(|key| KeyGuess { key, probability: (SHARPNESS * score(key)).exp() }).collect();
    let total: f64 = ranked.iter().map(|g| g.probability).sum();
    for guess in &mut ranked {
        guess.probability /= total;
    }
    ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    ranked
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

    fn best(notes: &[u8]) -> String {
        let notes: Vec<_> = notes.iter().map(|n| (MidiNote(*n), 0.5)).collect();
        rank_keys(&notes)[0].key.to_string()
    }

    #[test]
    fn plain_tunes_give_their_key() {
        assert_eq!(best(&[60, 60, 67, 67, 69, 69, 67, 65, 65, 64, 64, 62, 62, 60]), "C major");
        assert_eq!(best(&[69, 71, 72, 76, 74, 72, 71, 69, 68, 69]), "A minor");
        let up: Vec<u8> = [60, 60, 67, 67, 69, 69, 67, 65, 65, 64, 64, 62, 62, 60].map(|n| n + 3).to_vec();
        assert_eq!(best(&up), "Eb major");
    }
}
