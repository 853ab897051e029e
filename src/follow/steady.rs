//! Evenness: the best constant beat, and a beat path smoothed towards the notes that fall on it.

use super::beat::{BeatOnset, BeatPrior, FRAME_S, onset_table, track};

/// The best constant beat: its period in seconds and the time of one beat.
pub fn track_constant(onsets: &[BeatOnset], prior: BeatPrior) -> Option<(f64, f64)> {
    let first = onsets.first()?.time_s;
    let period_s = match prior.period_s {
        Some(period) => period,
        None => {
            let free = track(onsets, prior, 0.0);
            let mut periods: Vec<f64> = free.beats_s.windows(2).map(|w| w[1] - w[0]).collect();
            periods.sort_by(f64::total_cmp);
            *periods.get(periods.len() / 2)?
        }
    };
    // A stated tempo is exact; a found one is searched finely around the median of the free path.
    let steps = if prior.period_s.is_some() { 0 } else { 300 };
    let mut best: Option<(f64, f64, f64)> = None;
    for step in 0..=steps {
        let period = period_s * (1.0 + 0.03 * (f64::from(step) / 150.0 - if steps > 0 { 1.0 } else { 0.0 }));
        let frames = (period / FRAME_S).round() as usize;
        let tables: Vec<Vec<f32>> =
            prior.division.shares().iter().map(|s| onset_table(frames.max(2), s)).collect();
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

/// Moves beats towards the onsets that fall on them and evens out what the search's steps made jagged.
pub fn smooth(beats_s: &[f64], onsets: &[BeatOnset]) -> Vec<f64> {
    const ROUNDS: usize = 60;
    const EVENNESS: f64 = 1.0;
    const HOLD: f64 = 0.35;
    let n = beats_s.len();
    if n < 3 {
        return beats_s.to_vec();
    }
    let mut pull = vec![(0.0, 0.0); n];
    for onset in onsets {
        let after = beats_s.partition_point(|b| *b < onset.time_s).min(n - 1);
        let before = after.saturating_sub(1);
        let near = if onset.time_s - beats_s[before] < (beats_s[after] - onset.time_s).abs() {
            before
        } else {
            after
        };
        let period = beats_s[(near + 1).min(n - 1)] - beats_s[near.max(1) - 1];
        if (onset.time_s - beats_s[near]).abs() < 0.09 * period {
            pull[near].0 += onset.weight;
            pull[near].1 += onset.weight * onset.time_s;
        }
    }
    // Second differences of the search's own path stay (a pause is no jaggedness), only the rest is evened.
    let bend: Vec<f64> = (0..n)
        .map(|i| {
            if i == 0 || i + 1 == n {
                return 0.0;
            }
            let bend = beats_s[i - 1] - 2.0 * beats_s[i] + beats_s[i + 1];
            if bend.abs() > 0.12 * (beats_s[i + 1] - beats_s[i - 1]) { bend } else { 0.0 }
        })
        .collect();
    let mut smoothed = beats_s.to_vec();
    for _ in 0..ROUNDS {
        for i in 0..n {
            let mut weight = HOLD + pull[i].0;
            let mut sum = HOLD * beats_s[i] + pull[i].1;
            for centre in i.saturating_sub(1)..=(i + 1).min(n - 1) {
                if centre == 0 || centre + 1 >= n {
                    continue;
                }
                let (a, b, c) = (smoothed[centre - 1], smoothed[centre], smoothed[centre + 1]);
                let (own, rest) = match i {
                    i if i == centre => (-2.0, a + c - bend[centre]),
                    i if i + 1 == centre => (1.0, -2.0 * b + c - bend[centre]),
                    _ => (1.0, a - 2.0 * b - bend[centre]),
                };
                weight += EVENNESS * own * own;
                sum -= EVENNESS * own * rest;
            }
            smoothed[i] = sum / weight;
        }
    }
    // Beats must go on rising whatever the onsets say.
    for i in 1..n {
        smoothed[i] = smoothed[i].max(smoothed[i - 1] + 0.05);
    }
    smoothed
}
