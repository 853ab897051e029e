//! Beats of takes whose notes were marked by two people (vocadito, Bittner et al., ISMIR 2021 late-breaking): the drifting
//! grid of half beats that best explains the onsets on which both agree.

use std::path::Path;

use anyhow::Context as _;
use collavoce::time::Meter;

use super::SungBeats;

/// Ends of the names of the two lists: onset in seconds, pitch in Hz, duration in seconds.
const ENDINGS: [&str; 2] = ["_notesA1.csv", "_notesA2.csv"];
/// Both mean the same onset where they lie so near, in seconds.
const AGREE_S: f64 = 0.05;
/// Beat periods in seconds, the ratio of neighbours, and the preferred one with its standard deviation in octaves.
const PERIODS_S: (f64, f64) = (0.4, 1.0);
const PERIOD_STEP: f64 = 1.02;
const PREFERRED_S: (f64, f64) = (0.62, 0.5);
/// Standard deviation of an onset about its place, in seconds, and of the logarithm of the period from onset to onset.
const ONSET_S: f64 = 0.035;
const WALK: f64 = 0.05;
/// Cost of an onset between two beats, and of one that is left out.
const BETWEEN_COST: f64 = 0.7;
const SKIP_COST: f64 = 3.0;
/// Most half beats between two onsets, and most onsets that are left out in a row.
const MOST_HALVES: usize = 12;
const MOST_SKIPPED: usize = 2;

/// The beats of a take beside which two lists of notes lie.
pub fn read(file: &Path) -> anyhow::Result<Option<SungBeats>> {
    let stem = file.with_extension("");
    let lists = ENDINGS.map(|ending| format!("{}{ending}", stem.display()));
    if lists.iter().any(|list| !Path::new(list).exists()) {
        return Ok(None);
    }
    let onsets = |list: &String| -> anyhow::Result<Vec<f64>> {
        let text = std::fs::read_to_string(list)?;
        let onset = |line: &str| line.split(',').next().and_then(|field| field.trim().parse().ok());
        text.lines().map(|line| onset(line).with_context(|| format!("{line} is no note"))).collect()
    };
    let (first, second) = (onsets(&lists[0])?, onsets(&lists[1])?);
    let agreed = |at: &f64| {
        let near = second.iter().min_by(|a, b| (*a - at).abs().total_cmp(&(*b - at).abs()))?;
        ((near - at).abs() < AGREE_S).then(|| f64::midpoint(*near, *at))
    };
    let agreed: Vec<f64> = first.iter().filter_map(agreed).collect();
    Ok(Some(SungBeats::new(&grid(&agreed), Meter::FOUR_FOUR)))
}

/// A way to explain the onsets up to one.
#[derive(Debug, Clone, Copy)]
struct Way {
    cost: f64,
    /// Onset, parity and period before.
    before: Option<(usize, usize, usize)>,
    halves: usize,
}

/// Beats and seconds of the onsets that lie on the grid that explains them best.
fn grid(onsets: &[f64]) -> Vec<(f64, f64)> {
    let mut periods = vec![PERIODS_S.0];
    while periods[periods.len() - 1] < PERIODS_S.1 {
        periods.push(periods[periods.len() - 1] * PERIOD_STEP);
    }
    let first = |period: f64| ((period / PREFERRED_S.0).log2() / PREFERRED_S.1).powi(2) / 2.0;
    // Indexed by onset, by whether it lies between two beats, and by period.
    let mut ways: Vec<[Vec<Way>; 2]> = Vec::with_capacity(onsets.len());
    for (index, at_s) in onsets.iter().enumerate() {
        let begin = |cost: f64| -> Vec<Way> {
            let skipped = if index <= MOST_SKIPPED { SKIP_COST * index as f64 } else { f64::INFINITY };
            let way = |period: &f64| Way { cost: cost + skipped + first(*period), before: None, halves: 0 };
            periods.iter().map(way).collect()
        };
        let mut here = [begin(0.0), begin(BETWEEN_COST)];
        for back in 1..=(MOST_SKIPPED + 1).min(index) {
            let (before, skipped) = (index - back, SKIP_COST * (back - 1) as f64);
            for (period, period_s) in periods.iter().enumerate() {
                let middle = 2.0 * (at_s - onsets[before]) / period_s;
                for halves in
                    (middle.floor().max(1.0) as usize..=middle.ceil() as usize).filter(|n| *n <= MOST_HALVES)
                {
                    let off = (middle - halves as f64) * period_s / 2.0 / ONSET_S;
                    for (parity, last) in ways[before].iter().enumerate() {
                        let lands = (parity + halves) % 2;
                        let base = skipped + off * off / 2.0 + if lands == 1 { BETWEEN_COST } else { 0.0 };
                        for (from, way) in last.iter().enumerate() {
                            let walk = (period_s / periods[from]).ln() / WALK;
                            let cost = way.cost + base + walk * walk / 2.0;
                            if cost < here[lands][period].cost {
                                here[lands][period] =
                                    Way { cost, before: Some((before, parity, from)), halves };
                            }
                        }
                    }
                }
            }
        }
        ways.push(here);
    }
    trace(onsets, &ways)
}

/// Follows the cheapest way back from the last onset.
fn trace(onsets: &[f64], ways: &[[Vec<Way>; 2]]) -> Vec<(f64, f64)> {
    let Some(end) = ways.last() else { return Vec::new() };
    let ends = (0..2).flat_map(|parity| (0..end[parity].len()).map(move |period| (parity, period)));
    let best = ends.min_by(|a, b| end[a.0][a.1].cost.total_cmp(&end[b.0][b.1].cost));
    let mut at = best.map(|(parity, period)| (ways.len() - 1, parity, period));
    // Half beats are counted back from an onset on a beat, or between two.
    let mut halves = best.map_or(0, |best| best.0 as i64);
    let mut found = Vec::new();
    while let Some((onset, parity, period)) = at {
        let way = ways[onset][parity][period];
        found.push((halves as f64 / 2.0, onsets[onset]));
        halves -= way.halves as i64;
        at = way.before;
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drifting_grid_is_found_under_notes_on_and_between_beats() {
        let beats = [0.0, 1.0, 2.0, 2.5, 3.0, 4.0, 5.5, 6.0, 7.0, 8.0, 10.0, 11.0, 11.5, 12.0];
        let seconds = |beat: f64| 1.0 + 0.6 * beat + 0.003 * beat * beat;
        let onsets: Vec<f64> = beats.iter().map(|beat| seconds(*beat)).collect();
        let found: Vec<f64> = grid(&onsets).iter().map(|onset| onset.0).collect();
        let from_first: Vec<f64> = found.iter().map(|beat| beat - found[0]).collect();
        assert_eq!(from_first, beats);
        assert_eq!(found[0], found[0].round());
    }
}
