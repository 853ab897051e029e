//! The field's measures of beats, as mir_eval defines them, and what is measured in made-up singing.

use crate::rubato::Performance;

/// Tolerance of beats in seconds.
const TOLERANCE_S: f64 = 0.07;
/// Beats before this are not counted, in seconds.
const TRIM_S: f64 = 5.0;
/// Continuity: largest error of phase and of period, as shares of the interval.
const CONTINUITY: f64 = 0.175;

/// Beats from five seconds on.
pub fn trimmed(beats_s: &[f64]) -> Vec<f64> {
    beats_s.iter().copied().filter(|beat| *beat >= TRIM_S).collect()
}

/// F-measure with a window of 70 ms.
pub fn f_measure(truth: &[f64], found: &[f64]) -> f64 {
    let (truth, found) = (trimmed(truth), trimmed(found));
    if truth.is_empty() || found.is_empty() {
        return 0.0;
    }
    // Both rise, so matching greedily from the left is the largest matching.
    let (mut hits, mut next) = (0.0, 0);
    for time in &truth {
        while next < found.len() && found[next] < time - TOLERANCE_S {
            next += 1;
        }
        if found.get(next).is_some_and(|f| *f <= time + TOLERANCE_S) {
            hits += 1.0;
            next += 1;
        }
    }
    2.0 * hits / (truth.len() + found.len()) as f64
}

/// Share of beats in right stretches, at the right level (CMLt).
pub fn cmlt(truth: &[f64], found: &[f64]) -> f64 {
    let (truth, found) = (trimmed(truth), trimmed(found));
    if truth.len() < 2 || found.len() < 2 {
        return 0.0;
    }
    let mut used = vec![false; truth.len()];
    let mut right = 0;
    for (index, time) in found.iter().enumerate() {
        let nearest = (0..truth.len())
            .min_by(|a, b| (truth[*a] - time).abs().total_cmp(&(truth[*b] - time).abs()))
            .unwrap_or(0);
        if used[nearest] {
            continue;
        }
        let (interval, found_interval) = if index == 0 || nearest == 0 {
            let Some((a, b)) = truth.get(nearest + 1).zip(found.get(index + 1)) else { continue };
            (a - truth[nearest], b - time)
        } else {
            (truth[nearest] - truth[nearest - 1], time - found[index - 1])
        };
        let phase = (time - truth[nearest]).abs() / interval;
        let period = (1.0 - found_interval / interval).abs();
        if phase < CONTINUITY && period < CONTINUITY {
            used[nearest] = true;
            right += 1;
        }
    }
    right as f64 / truth.len().max(found.len()) as f64
}

/// Whether the typical tempo is within 4 per cent.
pub fn tempo_is_right(truth_period_s: f64, found: &[f64]) -> bool {
    let mut periods: Vec<f64> = found.windows(2).map(|w| w[1] - w[0]).collect();
    periods.sort_by(f64::total_cmp);
    periods.get(periods.len() / 2).is_some_and(|p| (p / truth_period_s - 1.0).abs() < 0.04)
}

/// Figures of one way to find beats, over takes.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sums {
    takes: f64,
    beats: f64,
    cmlt: f64,
    tempo: f64,
    downbeats: f64,
}

impl Sums {
    /// Titles of what [`Sums::line`] holds.
    pub fn titles() -> String {
        let [set, method, takes, beats] = ["set", "method", "takes", "F70"];
        format!("{set:12} {method:18} {takes:>6} {beats:>6} {:>6} {:>6} {:>9}", "CMLt", "tempo", "downbeats")
    }

    /// Counts a take.
    pub fn add(&mut self, truth: &Performance, beats_s: &[f64], downbeats_s: &[f64]) {
        self.takes += 1.0;
        self.beats += f_measure(&truth.beats_s, beats_s);
        self.cmlt += cmlt(&truth.beats_s, beats_s);
        self.tempo += f64::from(u8::from(tempo_is_right(truth.period_s, beats_s)));
        self.downbeats += f_measure(&truth.downbeats_s, downbeats_s);
    }

    /// Means over the takes, after the names of the set and of the method.
    pub fn line(&self, set: &str, method: &str) -> String {
        let [beats, cmlt, tempo, downbeats] =
            [self.beats, self.cmlt, self.tempo, self.downbeats].map(|sum| sum / self.takes.max(1.0));
        format!(
            "{set:12} {method:18} {:>6} {beats:>6.3} {cmlt:>6.3} {tempo:>6.3} {downbeats:>9.3}",
            self.takes
        )
    }
}
