//! What else could follow.

use aubio_rs::{OnsetMode, Tempo};

use super::sound::RATE;

/// Samples that aubio is given at once, and its window, at 16 kHz.
const HOP: usize = 256;
const WINDOW: usize = 1024;
/// Share of an onset's distance from the nearest beat by which a phase-locked loop moves its next beat, and its period.
const GAINS: (f64, f64) = (0.25, 0.06);
/// An onset farther from a beat than this share of the period moves nothing.
const NEAR: f64 = 0.25;

/// Evenly spaced beats.
pub fn metronome(from_s: f64, period_s: f64, until_s: f64) -> Vec<f64> {
    let count = ((until_s - from_s) / period_s).max(0.0) as usize;
    (0..=count).map(|beat| from_s + beat as f64 * period_s).collect()
}

/// A loop that locks on onsets as they become known, and decides a beat when the one before it has sounded.
pub fn phase_locked(onsets: &[(f64, f64)], from_s: f64, period_s: f64, until_s: f64) -> Vec<f64> {
    let (mut beats, mut period_s) = (vec![from_s], period_s);
    let mut next = 0;
    let stated_s = period_s;
    while beats[beats.len() - 1] < until_s {
        let last_s = beats[beats.len() - 1];
        let mut expected_s = last_s + period_s;
        while let Some((time_s, _)) = onsets.get(next).copied().filter(|onset| onset.1 <= last_s) {
            let beats_off = (time_s - expected_s) / period_s;
            let off_s = (beats_off - beats_off.round()) * period_s;
            if off_s.abs() < NEAR * period_s {
                expected_s += GAINS.0 * off_s;
                period_s = (period_s + GAINS.1 * off_s).clamp(0.6 * stated_s, 1.6 * stated_s);
            }
            next += 1;
        }
        beats.push(expected_s.max(last_s + 0.1));
    }
    beats
}

/// The beats of aubio's tempo tracker, when it reports them.
pub fn aubio(samples: &[f32]) -> anyhow::Result<Vec<f64>> {
    let mut tempo = Tempo::new(OnsetMode::SpecFlux, WINDOW, HOP, RATE.0)
        .map_err(|error| anyhow::anyhow!("aubio's tempo tracker cannot be made: {error}"))?;
    let mut beats = Vec::new();
    for (index, hop) in samples.chunks_exact(HOP).enumerate() {
        let is_beat =
            tempo.do_result(hop).map_err(|error| anyhow::anyhow!("aubio's tempo tracker failed: {error}"))?;
        if is_beat > 0.0 {
            let at_s = (index * HOP) as f64 / RATE.as_f64();
            let last_s = f64::from(tempo.get_last_s());
            beats.push(if (last_s - at_s).abs() < 1.0 { last_s } else { at_s });
        }
    }
    Ok(beats)
}
