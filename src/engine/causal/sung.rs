//! Whether what is heard is sung: the pitch of speech glides, that of singing stays.

use crate::listen::Observation;
use crate::score::midi_of_hz;

/// Frames of 10 ms over which a sung pitch stays: more than a cycle of vibrato.
const STEADY_FRAMES: usize = 20;
/// How far it may move within them, in semitones.
const STEADY_SEMITONES: f64 = 1.0;
/// Voiced frames that are looked back on, and the most frames of any kind.
const VOICED_FRAMES: usize = 500;
const LOOKED_BACK: usize = 1_500;

/// Share of the last five seconds of voice in which the pitch stays, 0 to 1.
pub(super) fn steady_share(observations: &[Observation]) -> f64 {
    let recent = &observations[observations.len().saturating_sub(LOOKED_BACK)..];
    let pitch =
        |seen: &Observation| (seen.voiced && seen.f0_hz > 0.0).then(|| midi_of_hz(f64::from(seen.f0_hz)));
    let pitches: Vec<Option<f64>> = recent.iter().map(pitch).collect();
    let mut is_steady = vec![false; pitches.len()];
    for (start, window) in pitches.windows(STEADY_FRAMES).enumerate() {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for pitch in window.iter().map(|pitch| pitch.unwrap_or(f64::INFINITY)) {
            (low, high) = (low.min(pitch), high.max(pitch));
        }
        if high - low <= STEADY_SEMITONES {
            is_steady[start..start + STEADY_FRAMES].fill(true);
        }
    }
    let voiced = pitches.iter().zip(&is_steady).rev().filter(|(pitch, _)| pitch.is_some());
    let (mut count, mut steady) = (0usize, 0usize);
    for (_, is_steady) in voiced.take(VOICED_FRAMES) {
        count += 1;
        steady += usize::from(*is_steady);
    }
    steady as f64 / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pitch: impl Fn(f64) -> f64) -> Vec<Observation> {
        let seen = |index: u32| {
            let midi = pitch(f64::from(index) * 0.01);
            Observation {
                index: u64::from(index),
                f0_hz: (440.0 * ((midi - 69.0) / 12.0).exp2()) as f32,
                // Every seventh of a second is a consonant.
                voiced: index % 40 > 5,
                voicing: 0.9,
                level_dbfs: -20.0,
                chroma: [0.0; 12],
            }
        };
        (0..600).map(seen).collect()
    }

    #[test]
    fn vibrato_and_steps_are_steady_and_glides_are_not() {
        let vibrato = |at_s: f64| 0.4 * (at_s * 5.5 * std::f64::consts::TAU).sin();
        let sung = heard(|at_s| 60.0 + 2.0 * (at_s / 0.4).floor() % 5.0 + vibrato(at_s));
        let spoken = heard(|at_s| 50.0 - 4.0 * ((at_s / 0.4).fract() - 0.5));
        assert!(steady_share(&sung) > 0.9, "{}", steady_share(&sung));
        assert!(steady_share(&spoken) < 0.1, "{}", steady_share(&spoken));
        assert!(steady_share(&[]).abs() < 1e-9);
    }
}
