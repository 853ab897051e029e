//! Where sections begin, by dynamic programming over bar lines.

use super::likeness::{LONGEST_RUN, Likeness};
use super::{Melody, Objective};
use crate::time::{TickCount, Ticks};

/// Half bars ahead of a bar line in which a repeat must go on to begin there.
const GOES_ON: usize = 8;
/// Half bars before it that must not belong to the repeat.
const NOT_BEFORE: usize = 4;
/// Likeness of a stretch that is sung again.
const IS_REPEAT: f32 = 0.6;
/// Beats between two onsets at which a gap is as long as it counts.
const LONGEST_GAP: f64 = 4.0;

/// A run of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Its first bar.
    pub first: usize,
    /// How many bars it has.
    pub bars: usize,
    /// Whether something is sung in it.
    pub sung: bool,
}

/// What is sung in a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bar {
    /// Nothing begins in it.
    Empty,
    /// Notes begin in its second half only: a pickup to the next bar.
    Pickup,
    /// Notes begin in its first half.
    Sung,
}

/// The cut of a melody whose sum is greatest.
pub fn cut(melody: &Melody<'_>, likeness: &Likeness, objective: &Objective) -> Vec<Run> {
    let bars = bars(melody);
    let starts: Vec<f64> = (0..melody.bars).map(|bar| evidence(melody, likeness, objective, bar)).collect();
    let repeats: Vec<Vec<f32>> = (0..melody.bars).map(|bar| likeness.best_repeats(bar)).collect();
    // Indexed by `[bar line][0: a rest ends there, 1: a sung run does]`: (sum, bars of the run).
    let mut best = vec![[(f64::NEG_INFINITY, 0); 2]; melody.bars + 1];
    best[0] = [(0.0, 0), (0.0, 0)];
    for end in 1..=melody.bars {
        let mut is_rest = bars[end - 1] != Bar::Sung;
        for length in 1..=end {
            let first = end - length;
            is_rest &= length == 1 || bars[first] == Bar::Empty;
            if !is_rest && length > LONGEST_RUN {
                break;
            }
            if is_rest {
                let sum = best[first][1].0 + objective.rest + 0.5 * length_worth(objective, length);
                if sum > best[end][0].0 {
                    best[end][0] = (sum, length);
                }
            }
            let sung = (first..end).any(|bar| bars[bar] != Bar::Empty);
            if sung && length <= LONGEST_RUN {
                let before = best[first][0].0.max(best[first][1].0);
                let again = f64::from(repeats[first][length - 1]) - objective.usual;
                let sum = before
                    + starts[first]
                    + objective.section
                    + objective.again * again * length as f64
                    + length_worth(objective, length)
                    + objective.empty * empty_bars(&bars[first..end]) as f64;
                if sum > best[end][1].0 {
                    best[end][1] = (sum, length);
                }
            }
        }
    }
    let mut runs = Vec::new();
    let mut end = melody.bars;
    let mut sung = best[end][1].0 >= best[end][0].0;
    while end > 0 {
        let bars = best[end][usize::from(sung)].1;
        end -= bars;
        runs.push(Run { first: end, bars, sung });
        sung = !sung || best[end][1].0 >= best[end][0].0;
    }
    runs.reverse();
    runs
}

/// What is sung in each bar.
fn bars(melody: &Melody<'_>) -> Vec<Bar> {
    let mut bars = vec![Bar::Empty; melody.bars];
    for note in melody.notes {
        let inside = note.start - melody.first;
        let Some(bar) = usize::try_from(inside.0.div_euclid(melody.meter.bar().0)).ok() else { continue };
        let Some(bar) = bars.get_mut(bar) else { continue };
        let in_bar = inside.0.rem_euclid(melody.meter.bar().0);
        if in_bar < melody.half().0 {
            *bar = Bar::Sung;
        } else if *bar == Bar::Empty {
            *bar = Bar::Pickup;
        }
    }
    bars
}

/// Empty bars that do not belong into a section: all at its beginning, and within it but for one at a time.
fn empty_bars(bars: &[Bar]) -> usize {
    let leading = bars.iter().take_while(|bar| **bar != Bar::Sung).count();
    let pairs = bars[leading.min(bars.len())..].windows(2);
    leading + pairs.filter(|pair| pair.iter().all(|bar| *bar != Bar::Sung)).count()
}

/// What the length of a section is worth.
fn length_worth(objective: &Objective, bars: usize) -> f64 {
    let usual = match bars {
        4 => objective.four,
        8 => objective.eight,
        16 => objective.sixteen,
        5 | 9 => objective.one_more,
        even if even % 2 == 0 => objective.even,
        _ => 2.0 * objective.one_more,
    };
    usual + objective.long * bars.saturating_sub(8).min(LONGEST_RUN) as f64
}

/// What speaks for a section to begin with a bar.
fn evidence(melody: &Melody<'_>, likeness: &Likeness, objective: &Objective, bar: usize) -> f64 {
    let at = melody.bar_start(bar);
    let (from, to) = (at - melody.half(), at + melody.half());
    let phrase = melody.phrases.iter().map(|phrase| phrase.start).filter(|start| (from..to).contains(start));
    let has_phrase = phrase.clone().next().is_some();
    let gap = longest_gap(melody, from, to);
    let (starts, ends) = repeat_edges(likeness, bar * 2);
    objective.phrase * f64::from(u8::from(has_phrase))
        + objective.gap * gap / LONGEST_GAP
        + objective.repeat_starts * starts
        + objective.repeat_ends * ends
}

/// The longest time from one onset to the next one within a stretch, in beats up to [`LONGEST_GAP`].
fn longest_gap(melody: &Melody<'_>, from: Ticks, to: Ticks) -> f64 {
    let beats = |ticks: TickCount| ticks.0 as f64 / melody.meter.beat().0 as f64;
    let first = melody.notes.partition_point(|note| note.start < from);
    let mut longest: f64 = 0.0;
    for index in first..melody.notes.len() {
        let note = &melody.notes[index];
        if note.start >= to {
            break;
        }
        let gap = match index.checked_sub(1) {
            Some(before) => beats(note.start - melody.notes[before].start),
            None => LONGEST_GAP,
        };
        longest = longest.max(gap);
    }
    longest.min(LONGEST_GAP)
}

/// How clearly a repeat of something begins, and how clearly one ends, at a half bar, each 0 to 1.
fn repeat_edges(likeness: &Likeness, at: usize) -> (f64, f64) {
    let (mut starts, mut ends) = (0.0f32, 0.0f32);
    for other in 0..likeness.halves() {
        if other.abs_diff(at) < GOES_ON {
            continue;
        }
        let ahead = likeness.ahead(at, other, GOES_ON);
        if ahead > IS_REPEAT {
            starts = starts.max(ahead - likeness.behind(at, other, NOT_BEFORE));
        }
        let behind = likeness.behind(at, other, GOES_ON);
        if behind > IS_REPEAT {
            ends = ends.max(behind - likeness.ahead(at, other, NOT_BEFORE));
        }
    }
    (f64::from(starts), f64::from(ends))
}
