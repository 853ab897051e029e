//! Evenness: the best constant beat, and beats drawn towards one.

use super::beat::{BeatOnset, Division, FRAME_S, onset_table};

/// The best constant beat near a period: its period in seconds and the time of one beat. A stated period is exact.
pub fn track_constant(
    onsets: &[BeatOnset],
    division: Division,
    period_s: f64,
    is_stated: bool,
) -> Option<(f64, f64)> {
    let first = onsets.first()?.time_s;
    let steps = if is_stated { 0 } else { 300 };
    let mut best: Option<(f64, f64, f64)> = None;
    for step in 0..=steps {
        let period = period_s * (1.0 + 0.03 * (f64::from(step) / 150.0 - if steps > 0 { 1.0 } else { 0.0 }));
        let frames = (period / FRAME_S).round() as usize;
        let tables: Vec<Vec<f32>> = division.shares().iter().map(|s| onset_table(frames.max(2), s)).collect();
        for phase in 0..frames.max(2) {
            let offset = first + phase as f64 * FRAME_S;
            let score: f64 = onsets
                .iter()
                .map(|onset| {
                    let class = match onset.interval_s / period {
                        ratio if ratio < 0.6 => 0,
                        ratio if ratio < 1.2 => 1,
                        _ => 2,
                    };
                    let place = ((onset.time_s - offset) / period).rem_euclid(1.0) * frames as f64;
                    onset.weight * f64::from(tables[class][(place as usize).min(frames)])
                })
                .sum();
            if best.is_none_or(|b| score > b.2) {
                best = Some((period, offset, score));
            }
        }
    }
    best.map(|(period, offset, _)| (period, offset))
}

/// Draws beats towards the evenly spaced ones that fit them best: 1 leaves them as they are, 0 makes them even.
pub fn even_out(beats_s: &mut [f64], rubato: f64) {
    let n = beats_s.len() as f64;
    if rubato >= 1.0 || n < 2.0 {
        return;
    }
    let (mean_index, mean_s) = ((n - 1.0) / 2.0, beats_s.iter().sum::<f64>() / n);
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (index, beat_s) in beats_s.iter().enumerate() {
        covariance += (index as f64 - mean_index) * (beat_s - mean_s);
        variance += (index as f64 - mean_index).powi(2);
    }
    let period_s = covariance / variance;
    for (index, beat_s) in beats_s.iter_mut().enumerate() {
        let even_s = mean_s + (index as f64 - mean_index) * period_s;
        *beat_s = even_s + rubato.max(0.0) * (*beat_s - even_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_tempo_on_the_grid_is_exact() {
        let onsets: Vec<BeatOnset> = (0..20)
            .map(|i| BeatOnset {
                time_s: 0.3 + f64::from(i) * 0.5,
                interval_s: 0.5,
                sung_s: 0.5,
                weight: 1.0,
                midi: None,
            })
            .collect();
        let (period, offset) = track_constant(&onsets, Division::Binary, 0.5, true).expect("onsets");
        assert_eq!(period, 0.5);
        assert!(((offset - 0.3) / 0.5).fract().abs() < 0.05, "{offset}");
    }
}
