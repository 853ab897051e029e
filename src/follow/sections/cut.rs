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
/// Likeness that bars have by chance: below it nothing is a repeat.
const CHANCE: f64 = 0.55;
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

/// What is known of a bar line, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
struct BarLine {
    /// Whether a phrase begins at it.
    phrase: f64,
    /// The time from the last onset before to the first after it, over [`LONGEST_GAP`].
    gap: f64,
    /// How clearly something begins to be repeated there.
    repeat_starts: f64,
    /// How clearly something ceases to be repeated there.
    repeat_ends: f64,
}

/// All that is weighed when bars are cut.
#[derive(Debug, Clone)]
pub struct Evidence {
    bars: Vec<Bar>,
    /// Indexed by bar.
    lines: Vec<BarLine>,
    /// Indexed by `[bar][length - 1]`: how like the run is to that which is likest to it elsewhere.
    repeats: Vec<Vec<f32>>,
}

impl Evidence {
    /// What a melody and its likeness to itself tell.
    pub fn of(melody: &Melody<'_>, likeness: &Likeness) -> Self {
        Self {
            bars: bars(melody),
            lines: (0..melody.bars).map(|bar| bar_line(melody, likeness, bar)).collect(),
            repeats: (0..melody.bars).map(|bar| likeness.best_repeats(bar)).collect(),
        }
    }
}

/// The cut whose sum is greatest.
pub fn cut(evidence: &Evidence, objective: &Objective) -> Vec<Run> {
    let Evidence { bars, lines, repeats } = evidence;
    let count = bars.len();
    let starts: Vec<f64> = lines
        .iter()
        .map(|line| {
            objective.phrase * line.phrase
                + objective.gap * line.gap
                + objective.repeat_starts * line.repeat_starts
                + objective.repeat_ends * line.repeat_ends
        })
        .collect();
    // Indexed by `[bar line][0: a rest ends there, 1: a sung run does]`: (sum, bars of the run).
    let mut best = vec![[(f64::NEG_INFINITY, 0); 2]; count + 1];
    best[0] = [(0.0, 0), (0.0, 0)];
    for end in 1..=count {
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
                let again = f64::from(repeats[first][length - 1]).max(CHANCE) - objective.usual;
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
    let mut end = count;
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

/// What is known of the line that a bar begins with.
fn bar_line(melody: &Melody<'_>, likeness: &Likeness, bar: usize) -> BarLine {
    let at = melody.bar_start(bar);
    let (from, to) = (at - melody.half(), at + melody.half());
    let has_phrase = melody.phrases.iter().any(|phrase| (from..to).contains(&phrase.start));
    let (repeat_starts, repeat_ends) = repeat_edges(likeness, bar * 2);
    BarLine {
        phrase: f64::from(u8::from(has_phrase)),
        gap: longest_gap(melody, from, to) / LONGEST_GAP,
        repeat_starts,
        repeat_ends,
    }
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
