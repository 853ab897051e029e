//! Sharpens a pitch that is nearly known: the normalised square difference of two segments that lie evenly around the
//! centre, hardly longer than the period needs. A window for searching must be long, and so is late where a pitch glides.

use crate::limits::LISTEN_HZ;

/// How far the pitch may move, as a ratio: three semitones.
const REACH: f32 = 1.189_207;
/// Length of a segment in periods, and within which samples; at least so many periods are kept.
const PERIODS: f32 = 3.0;
const SAMPLES: (f32, f32) = (200.0, 320.0);
const LEAST_PERIODS: f32 = 1.5;

/// Samples on either side of a centre that are looked at, at most.
pub(super) const HALF_SPAN: usize = 512;

/// A sharpened pitch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Refined {
    /// In Hz.
    pub hz: f32,
    /// How much both segments are alike, at most 1.
    pub clarity: f32,
}

/// Sharpens `near_hz` at sample `centre`, which has [`HALF_SPAN`] samples on either side.
pub(super) fn refine(samples: &[f32], centre: usize, near_hz: f32) -> Option<Refined> {
    let period = LISTEN_HZ as f32 / near_hz;
    let length = (PERIODS * period).clamp(SAMPLES.0, SAMPLES.1).max(LEAST_PERIODS * period).round() as usize;
    let (shortest, longest) = ((period / REACH).floor() as usize, (period * REACH).ceil() as usize);
    if shortest < 2 || (length + longest + 2) / 2 > HALF_SPAN {
        return None;
    }
    let likeness = |lag: usize| -> f32 {
        let start = centre - (length + lag) / 2;
        let (one, other) = (&samples[start..start + length], &samples[start + lag..start + lag + length]);
        let (mut both, mut energy) = (0.0_f32, 1e-9_f32);
        for (a, b) in one.iter().zip(other) {
            both += a * b;
            energy += a * a + b * b;
        }
        2.0 * both / energy
    };
    let mut best = (shortest, f32::NEG_INFINITY);
    for lag in shortest..=longest {
        let clarity = likeness(lag);
        if clarity > best.1 {
            best = (lag, clarity);
        }
    }
    let (lag, here) = best;
    let (before, after) = (likeness(lag - 1), likeness(lag + 1));
    let bend = before - 2.0 * here + after;
    let shift = if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    let clarity = (here - 0.25 * (before - after) * shift).min(1.0);
    Some(Refined { hz: LISTEN_HZ as f32 / (lag as f32 + shift), clarity })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pitch_is_sharpened_from_a_semitone_away() {
        for hz in [70.0_f32, 110.0, 220.0, 440.0, 880.0] {
            let tone: Vec<f32> = (0..1024)
                .map(|n| {
                    let phase = std::f32::consts::TAU * hz * n as f32 / LISTEN_HZ as f32;
                    phase.sin() + 0.5 * (2.0 * phase).sin()
                })
                .collect();
            let refined = refine(&tone, 512, hz * 1.06).expect("it is in reach");
            let cents = 1200.0 * (refined.hz / hz).log2();
            assert!(
                cents.abs() < 5.0 && refined.clarity > 0.99,
                "{hz} Hz: {cents} cents, {}",
                refined.clarity
            );
        }
    }

    #[test]
    fn silence_has_no_clarity() {
        let refined = refine(&[0.0; 1024], 512, 200.0);
        assert_eq!(refined.map(|r| r.clarity), Some(0.0));
        assert_eq!(refine(&[0.0; 1024], 512, 20.0), None, "too low");
    }
}
