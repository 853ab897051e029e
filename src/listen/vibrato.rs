//! Vibrato: how fast and how far the pitch of a note swings.

use super::{HOP_S, Observation, SungNote};
use crate::score::midi_of_hz;

/// Shortest note whose vibrato is measured, in seconds: three swings of a slow one.
const SHORTEST_S: f64 = 0.45;
/// What is left out at both ends of a note, in seconds: scoops and releases.
const ENDS_S: f64 = 0.06;
/// Rates that are vibrato, in Hz. Singers lie between 4 and 8; slower is a drift, faster a tremor.
const RATES_HZ: (f64, f64) = (3.5, 9.0);
/// Half the width of the moving mean that is taken for the note's pitch, in seconds.
const CENTRE_S: f64 = 0.14;
/// Correlation of the pitch with itself a swing later, at least.
const REGULAR: f64 = 0.55;
/// Smallest extent, in cents.
const LEAST_CENTS: f64 = 12.0;

/// The vibrato of a note.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vibrato {
    /// Swings a second.
    pub rate_hz: f64,
    /// How far it swings to either side, in cents.
    pub extent_cents: f64,
}

/// The vibrato of a note, if it has one; `heard` are the observations of the take, observation n at n x 10 ms.
pub fn vibrato(note: &SungNote, heard: &[Observation]) -> Option<Vibrato> {
    if note.duration_s() < SHORTEST_S {
        return None;
    }
    let index = |seconds: f64| ((seconds / HOP_S).round().max(0.0) as usize).min(heard.len());
    let frames = &heard[index(note.onset_s + ENDS_S)..index(note.offset_s - ENDS_S)];
    // Unvoiced frames carry on the pitch before them.
    let mut last = note.midi;
    let cents: Vec<f64> = frames
        .iter()
        .map(|frame| {
            if frame.voiced && frame.f0_hz > 0.0 {
                last = midi_of_hz(f64::from(frame.f0_hz));
            }
            100.0 * (last - note.midi)
        })
        .collect();
    let swing = around_mean(&cents, (CENTRE_S / HOP_S).round() as usize);
    let power = swing.iter().map(|c| c * c).sum::<f64>() / swing.len().max(1) as f64;
    let extent_cents = (2.0 * power).sqrt();
    let correlation = |lag: usize| {
        let pairs = swing.len().checked_sub(lag).filter(|pairs| *pairs > lag / 2)?;
        let (a, b) = (&swing[..pairs], &swing[lag..]);
        let product: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
        let energy: f64 = a.iter().map(|x| x * x).sum::<f64>() * b.iter().map(|y| y * y).sum::<f64>();
        Some(product / energy.sqrt().max(1e-9))
    };
    let shortest = (1.0 / (RATES_HZ.1 * HOP_S)).floor() as usize;
    let longest = (1.0 / (RATES_HZ.0 * HOP_S)).ceil() as usize;
    let best = (shortest..=longest).filter_map(|lag| correlation(lag).map(|c| (lag, c)));
    let (lag, regular) = best.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let is_peak = lag > shortest && lag < longest;
    if !is_peak || regular < REGULAR || extent_cents < LEAST_CENTS {
        return None;
    }
    let (before, after) = (correlation(lag - 1)?, correlation(lag + 1)?);
    let bend = before - 2.0 * regular + after;
    let shift = if bend < -1e-12 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    Some(Vibrato { rate_hz: 1.0 / ((lag as f64 + shift) * HOP_S), extent_cents })
}

/// Values less their moving mean over `reach` values to both sides.
fn around_mean(values: &[f64], reach: usize) -> Vec<f64> {
    (0..values.len())
        .map(|at| {
            let window = &values[at.saturating_sub(reach)..(at + reach + 1).min(values.len())];
            values[at] - window.iter().sum::<f64>() / window.len() as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sung(seconds: f64, midi: impl Fn(f64) -> f64) -> Option<Vibrato> {
        let frames = (seconds / HOP_S) as u64;
        let heard: Vec<Observation> = (0..frames)
            .map(|index| Observation {
                index,
                f0_hz: (440.0 * ((midi(index as f64 * HOP_S) - 69.0) / 12.0).exp2()) as f32,
                voiced: true,
                voicing: 0.9,
                level_dbfs: -20.0,
                chroma: [0.0; 12],
            })
            .collect();
        let note = SungNote {
            onset_s: 0.0,
            offset_s: seconds,
            midi: 60.0,
            level_dbfs: -20.0,
            confidence: 0.9,
            known_s: seconds,
        };
        vibrato(&note, &heard)
    }

    #[test]
    fn rate_and_extent_are_those_that_were_sung() {
        for (rate, cents) in [(4.5, 30.0), (5.5, 60.0), (6.8, 100.0)] {
            let swing = |s: f64| 60.0 + cents / 100.0 * (std::f64::consts::TAU * rate * s).sin() + 0.1 * s;
            let found = sung(1.2, swing).expect("vibrato");
            assert!((found.rate_hz - rate).abs() < 0.15, "{found:?} for {rate} Hz");
            assert!((found.extent_cents / cents - 1.0).abs() < 0.2, "{found:?} for {cents} cents");
        }
    }

    #[test]
    fn a_straight_note_a_slide_and_a_short_note_have_none() {
        assert_eq!(sung(1.0, |_| 60.0), None);
        assert_eq!(sung(1.0, |s| 60.0 + s), None);
        assert_eq!(sung(0.3, |s| 60.0 + 0.5 * (35.0 * s).sin()), None);
    }
}
