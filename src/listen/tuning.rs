//! The singer's tuning and its drift.

use super::SungNote;

/// Width of the window over which drift is followed, in seconds (standard deviation of a Gaussian).
const DRIFT_WINDOW_S: f64 = 8.0;
/// Weight of the last value in every window, in seconds of singing: holds the curve still where little is sung.
const HELD_WEIGHT_S: f64 = 1.5;
/// Longest length that a note counts, in seconds.
const LONGEST_WEIGHT_S: f64 = 1.5;

/// Cents above A4 = 440 Hz over time.
///
/// The curve is continuous: a singer who sinks by more than half a semitone is still written in the key of the start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TuningCurve {
    /// (seconds, cents), in order of time.
    points: Vec<(f64, f64)>,
}

impl TuningCurve {
    /// A tuning through points of (seconds, cents), in order of time.
    pub fn through(points: Vec<(f64, f64)>) -> Self {
        Self { points }
    }

    /// The tuning of some sung notes.
    pub fn of(notes: &[SungNote]) -> Self {
        let around = |centre: f64| {
            let reach = 4.0 * DRIFT_WINDOW_S;
            let first = notes.partition_point(|n| n.offset_s < centre - reach);
            let end = notes.partition_point(|n| n.onset_s <= centre + reach);
            notes[first..end].iter().map(move |note| {
                let distance = ((note.onset_s + note.offset_s) / 2.0 - centre) / DRIFT_WINDOW_S;
                (note.midi, weight(note) * (-0.5 * distance * distance).exp())
            })
        };
        let Some(first) = notes.first() else { return Self::default() };
        let mut previous = mean_fraction(around(first.onset_s));
        let points = notes
            .iter()
            .map(|note| {
                let centre = (note.onset_s + note.offset_s) / 2.0;
                // The window sees fractions of a semitone only; the branch next to the last value is the right one.
                let held = std::iter::once((previous, HELD_WEIGHT_S));
                previous += wrap(mean_fraction(around(centre).chain(held)) - previous);
                (centre, previous * 100.0)
            })
            .collect();
        Self { points }
    }

    /// A tuning that does not change.
    pub fn fixed(cents: f64) -> Self {
        Self { points: vec![(0.0, cents)] }
    }

    /// Moves every time later by some seconds.
    pub fn shift(&mut self, by_s: f64) {
        for (time_s, _) in &mut self.points {
            *time_s += by_s;
        }
    }

    /// Cents at a time in seconds, interpolated.
    pub fn cents_at(&self, time_s: f64) -> f64 {
        let after = self.points.partition_point(|(t, _)| *t <= time_s);
        match (self.points[..after].last(), self.points.get(after)) {
            (None, None) => 0.0,
            (Some((_, cents)), None) | (None, Some((_, cents))) => *cents,
            (Some((t0, c0)), Some((t1, c1))) => c0 + (c1 - c0) * (time_s - t0) / (t1 - t0).max(1e-9),
        }
    }

    /// Median over the take, in cents.
    pub fn median_cents(&self) -> f64 {
        let mut cents: Vec<f64> = self.points.iter().map(|(_, c)| *c).collect();
        cents.sort_by(f64::total_cmp);
        cents.get(cents.len() / 2).copied().unwrap_or(0.0)
    }
}

fn weight(note: &SungNote) -> f64 {
    note.duration_s().min(LONGEST_WEIGHT_S) * note.confidence
}

/// Circular mean of the fractional parts in semitones, -0.5..0.5.
fn mean_fraction(weighted: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut x, mut y) = (0.0, 0.0);
    for (value, weight) in weighted {
        let angle = value * std::f64::consts::TAU;
        x += weight * angle.cos();
        y += weight * angle.sin();
    }
    y.atan2(x) / std::f64::consts::TAU
}

fn wrap(semitones: f64) -> f64 {
    semitones - semitones.round()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(onset_s: f64, midi: f64) -> SungNote {
        SungNote { onset_s, offset_s: onset_s + 0.4, midi, level_dbfs: -20.0, confidence: 1.0, known_s: 0.0 }
    }

    #[test]
    fn a_constant_offset_is_found() {
        let notes: Vec<_> =
            (0..40).map(|i| note(f64::from(i) * 0.5, 60.0 + f64::from(i % 5) - 0.23)).collect();
        let curve = TuningCurve::of(&notes);
        assert!((curve.median_cents() + 23.0).abs() < 0.5, "{}", curve.median_cents());
    }

    #[test]
    fn drift_beyond_half_a_semitone_is_followed() {
        let notes: Vec<_> = (0..240)
            .map(|i| note(f64::from(i) * 0.5, 60.0 + f64::from(i * 7 % 5) - 0.3 - 0.9 * f64::from(i) / 240.0))
            .collect();
        let curve = TuningCurve::of(&notes);
        for time in [10.0, 60.0, 110.0] {
            let truth = -30.0 - 90.0 * time / 120.0;
            assert!(
                (curve.cents_at(time) - truth).abs() < 10.0,
                "{time}: {} for {truth}",
                curve.cents_at(time)
            );
        }
    }
}
