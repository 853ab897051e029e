//! What a singer did with time a line ago, and will do again: who slows down at the end of a line does so at the end of
//! the next.

/// Beats to either side of which the middle length is the usual one.
const AROUND: usize = 8;
/// A beat that is longer or shorter than this against the usual one is a pause, as a log ratio.
const PAUSE: f64 = 0.45;
/// Lengths of lines in bars.
const LINES: [usize; 3] = [4, 8, 2];
/// Squared bends of a line, as log ratios, that must have come back before half of them are believed to.
const ENOUGH: f64 = 0.015;
/// Beats that are foretold.
const FORETOLD: usize = 24;

/// How long the beats to come will last against the usual one.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// The first of them, counted as the onsets are that it was made of.
    first: f64,
    lengths: Vec<f64>,
}

impl Memory {
    /// Of onsets that lie at some beats, in order and with their times in seconds, in bars of some beats.
    pub fn of(placed: &[(f64, f64)], per_bar: usize) -> Self {
        let (Some(first), Some(last)) = (placed.first(), placed.last()) else { return Self::default() };
        let (from, to) = (first.0.ceil(), last.0.floor());
        let beats = (to - from).max(0.0) as usize;
        if beats < LINES[2] * per_bar {
            return Self::default();
        }
        let times: Vec<f64> = (0..=beats).map(|beat| time_at(placed, from + beat as f64)).collect();
        let bends = bends(&times);
        let mut best = (0.0, 0.0, 0);
        for lag in LINES.map(|bars| bars * per_bar).into_iter().filter(|lag| *lag <= beats) {
            let (mut both, mut doubt, mut before) = (0.0, 0.0f64, 0.0);
            for (now, then) in bends[lag..].iter().zip(&bends) {
                both += now * then;
                doubt += (now * then).powi(2);
                before += then * then;
            }
            // What has come back for certain: the sum less its standard error.
            let both = both - doubt.sqrt();
            let share = both / (before + ENOUGH);
            let explained = share * (2.0 * both - share * before);
            if share > 0.0 && explained > best.1 {
                best = (share.min(1.0), explained, lag);
            }
        }
        let (share, _, lag) = best;
        if lag == 0 {
            return Self::default();
        }
        let lengths = (0..FORETOLD.min(lag)).map(|beat| (share * bends[beats + beat - lag]).exp());
        Self { first: to, lengths: lengths.collect() }
    }

    /// Usual beats from the first foretold one to a place; they go on before and after those that are foretold.
    fn usual(&self, at: f64) -> f64 {
        let within = at - self.first;
        if within <= 0.0 {
            return within;
        }
        let whole = (within.floor() as usize).min(self.lengths.len());
        let passed: f64 = self.lengths[..whole].iter().sum();
        passed + (within - whole as f64) * self.lengths.get(whole).copied().unwrap_or(1.0)
    }

    /// How many usual beats it takes from one place to another.
    pub fn usual_between(&self, from: f64, to: f64) -> f64 {
        self.usual(to) - self.usual(from)
    }
}

/// When a place is reached, between the onsets around it.
fn time_at(placed: &[(f64, f64)], at: f64) -> f64 {
    let after = placed.partition_point(|(beat, _)| *beat <= at).clamp(1, placed.len() - 1);
    let ((from, from_s), (to, to_s)) = (placed[after - 1], placed[after]);
    from_s + (to_s - from_s) * (at - from) / (to - from).max(1e-6)
}

/// How much longer than usual each beat is, as a log ratio, evened out a little; 0 where it is a pause.
fn bends(times: &[f64]) -> Vec<f64> {
    let lengths: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).max(1e-3)).collect();
    let raw: Vec<f64> = (0..lengths.len())
        .map(|beat| {
            let mut near =
                lengths[beat.saturating_sub(AROUND)..lengths.len().min(beat + AROUND + 1)].to_vec();
            near.sort_by(f64::total_cmp);
            let bend = (lengths[beat] / near[near.len() / 2]).ln();
            if bend.abs() > PAUSE { 0.0 } else { bend }
        })
        .collect();
    let at = |beat: usize| raw.get(beat).copied().unwrap_or(0.0);
    (0..raw.len())
        .map(|beat| 0.25 * beat.checked_sub(1).map_or(0.0, at) + 0.5 * at(beat) + 0.25 * at(beat + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Onsets on every beat of lines of 16, the last four of which are as long as is said.
    fn sung(lines: usize, slow: f64) -> Vec<(f64, f64)> {
        let mut now_s = 0.0;
        (0..=16 * lines)
            .map(|beat| {
                let onset = (beat as f64, now_s);
                now_s += 0.6 * if beat % 16 >= 12 { slow } else { 1.0 };
                onset
            })
            .collect()
    }

    #[test]
    fn lines_that_slowed_down_will_do_so_again_the_surer_the_more_of_them() {
        let last_bar = |lines: usize| {
            let end = 16.0 * lines as f64;
            Memory::of(&sung(lines, 1.2), 4).usual_between(end + 12.0, end + 16.0)
        };
        let lengths: Vec<f64> = (1..5).map(last_bar).collect();
        assert!((lengths[0] - 4.0).abs() < 1e-9, "{lengths:?}");
        assert!(lengths.windows(2).all(|pair| pair[1] > pair[0]), "{lengths:?}");
        assert!((4.35..4.8).contains(&lengths[3]), "{lengths:?}");
        let memory = Memory::of(&sung(3, 1.2), 4);
        let before = memory.usual_between(50.0, 56.0);
        assert!((before - 6.0).abs() < 0.1, "{before}");
    }

    #[test]
    fn a_steady_singer_is_expected_to_be_steady_and_a_pause_is_none() {
        let steady = Memory::of(&sung(3, 1.0), 4);
        assert!((steady.usual_between(50.0, 64.0) - 14.0).abs() < 1e-6);
        let mut paused = sung(3, 1.0);
        for onset in paused.iter_mut().skip(17) {
            onset.1 += 1.0;
        }
        assert!((Memory::of(&paused, 4).usual_between(50.0, 64.0) - 14.0).abs() < 1e-6);
        assert!((Memory::of(&[], 4).usual_between(0.0, 2.5) - 2.5).abs() < 1e-9);
    }
}
