//! How like each half bar of a melody is to each other one.

use super::Melody;
use crate::score::MelodyNote;
use crate::time::TickCount;

/// Length of a slot: what pitches and onsets are compared in.
const SLOT: TickCount = TickCount(240);
/// Share of a half bar's likeness that comes from its pitches; the rest comes from its onsets.
const PITCH_SHARE: f32 = 0.75;
/// What a slot counts in which only one of both sings.
const ONE_SINGS: f32 = 0.5;
/// Likeness of two half bars without notes: they say nothing.
const BOTH_EMPTY: f32 = 0.5;
/// Factor on the likeness of bars in another key.
const OTHER_KEY: f32 = 0.95;
/// Half bars in a row that must be alike in another key before it is taken for one.
const KEY_RUN: usize = 8;
/// Mean likeness of such a run.
const KEY_RUN_LIKENESS: f32 = 0.75;
/// What half a bar that has no counterpart takes from an alignment.
const GAP: f32 = 0.25;
/// Repeats nearer than this many half bars are none: every melody has short figures.
const NEAREST: usize = 6;
/// Most bars of a run whose repeats are searched.
pub const LONGEST_RUN: usize = 16;

/// Half a bar: pitch class of every slot (-1 is none), and onsets as bits.
#[derive(Debug, Clone, PartialEq)]
struct Half {
    pitches: Vec<i8>,
    onsets: u64,
}

/// Likeness of half bars, 0 to 1, indexed by `[half bar][half bar]`, symmetric.
#[derive(Debug, Clone)]
pub struct Likeness {
    halves: usize,
    values: Vec<f32>,
}

impl Likeness {
    /// Compares every half bar of a melody with every other one.
    pub fn of(melody: &Melody<'_>) -> Self {
        let halves = halves(melody);
        let count = halves.len();
        let mut values = compare(&halves, 0);
        // One change of key: that transposition in which most half bars lie in runs that are alike.
        let other = (1..12)
            .map(|shift| {
                let shifted = compare(&halves, shift);
                let runs = runs_alike(&shifted, count);
                let gain = (0..values.len()).filter(|at| runs[*at] && shifted[*at] > values[*at]).count();
                (gain, shifted, runs)
            })
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        if let Some((gain, shifted, runs)) = other
            && gain >= KEY_RUN
        {
            for at in (0..values.len()).filter(|at| runs[*at]) {
                values[at] = values[at].max(shifted[at] * OTHER_KEY);
            }
        }
        for row in 0..count {
            for column in 0..row {
                values[row * count + column] = values[column * count + row];
            }
        }
        Self { halves: count, values }
    }

    /// Likeness of two half bars.
    pub fn at(&self, a: usize, b: usize) -> f32 {
        self.values[a * self.halves + b]
    }

    /// How many half bars there are.
    pub fn halves(&self) -> usize {
        self.halves
    }

    /// Mean likeness of some half bars from `a` on with as many from `b` on; what lies outside counts nothing.
    pub fn ahead(&self, a: usize, b: usize, count: usize) -> f32 {
        let inside = count.min(self.halves - a.max(b));
        (0..inside).map(|k| self.at(a + k, b + k)).sum::<f32>() / count as f32
    }

    /// The same of the half bars before `a` and before `b`.
    pub fn behind(&self, a: usize, b: usize, count: usize) -> f32 {
        let inside = count.min(a.min(b));
        (1..=inside).map(|k| self.at(a - k, b - k)).sum::<f32>() / count as f32
    }

    /// How like two runs of bars (first, bars) are, 0 to 1: the mean over the longer one of their best alignment.
    pub fn of_runs(&self, a: (usize, usize), b: (usize, usize)) -> f32 {
        let (rows, columns) = (a.1 * 2, b.1 * 2);
        let mut before: Vec<f32> = (0..=columns).map(|k| -(k as f32) * GAP).collect();
        let mut row = before.clone();
        for i in 1..=rows {
            row[0] = -(i as f32) * GAP;
            for j in 1..=columns {
                let together = before[j - 1] + self.at(a.0 * 2 + i - 1, b.0 * 2 + j - 1);
                row[j] = together.max(before[j] - GAP).max(row[j - 1] - GAP);
            }
            std::mem::swap(&mut before, &mut row);
        }
        (before[columns] / rows.max(columns) as f32).max(0.0)
    }

    /// How like runs of 1, 2, .. bars from a bar on are to that which is likest to them elsewhere, 0 to 1.
    ///
    /// The counterpart may begin at any half bar, leave some out or have more of them, but never shares a bar with the
    /// run.
    pub fn best_repeats(&self, bar: usize) -> Vec<f32> {
        let first = bar * 2;
        let rows = (self.halves - first).min(LONGEST_RUN * 2);
        // (score, where the counterpart began) of the best alignment that ends before each column.
        let mut before: Vec<(f32, usize)> = (0..=self.halves).map(|column| (0.0, column)).collect();
        let mut row = before.clone();
        let mut best = Vec::with_capacity(rows / 2);
        for i in 0..rows {
            row[0] = (-((i + 1) as f32) * GAP, 0);
            for j in 0..self.halves {
                let is_near = (first + i).abs_diff(j) < NEAREST;
                let like = if is_near { 0.0 } else { self.at(first + i, j) };
                let together = (before[j].0 + like, before[j].1);
                let without = (before[j + 1].0 - GAP, before[j + 1].1);
                let with_more = (row[j].0 - GAP, row[j].1);
                let better = |a: (f32, usize), b: (f32, usize)| if b.0 > a.0 { b } else { a };
                row[j + 1] = better(better(together, without), with_more);
            }
            std::mem::swap(&mut before, &mut row);
            if i % 2 == 1 {
                let end = first + i + 1;
                let elsewhere = before
                    .iter()
                    .enumerate()
                    .filter(|(column, (_, start))| *column <= first || *start >= end)
                    .map(|(_, (score, _))| *score);
                best.push(elsewhere.fold(0.0, f32::max) / (i + 1) as f32);
            }
        }
        best
    }
}

/// Cuts a melody into half bars.
fn halves(melody: &Melody<'_>) -> Vec<Half> {
    let slots = (melody.half().0 / SLOT.0) as usize;
    let count = melody.bars * 2;
    let mut halves = vec![Half { pitches: vec![-1; slots], onsets: 0 }; count];
    let slot_of = |note: &MelodyNote, ticks: i64| {
        (ticks + SLOT.0 / 2).div_euclid(SLOT.0) + i64::from(note.length.0 < 0)
    };
    for (index, note) in melody.notes.iter().enumerate() {
        let start = slot_of(note, (note.start - melody.first).0);
        // A note is taken to last until the next one unless a beat or more is silent: singers cut notes short as they
        // please.
        let next = melody.notes.get(index + 1).map_or(i64::MAX, |next| (next.start - melody.first).0);
        let end = (note.end() - melody.first).0;
        let end = if next.saturating_sub(end) < melody.meter.beat().0 { next } else { end };
        let end = slot_of(note, end).clamp(start + 1, start.saturating_add(4 * slots as i64).max(start + 1));
        for slot in start.max(0)..end.min((count * slots) as i64) {
            let (half, place) = (slot as usize / slots, slot as usize % slots);
            halves[half].pitches[place] = (note.pitch.0 % 12) as i8;
            if slot == start {
                halves[half].onsets |= 1 << place;
            }
        }
    }
    halves
}

/// Likeness of each half bar with each later one when the later one is so many semitones higher.
fn compare(halves: &[Half], shift: i8) -> Vec<f32> {
    let count = halves.len();
    let mut values = vec![0.0; count * count];
    for (row, a) in halves.iter().enumerate() {
        for (column, b) in halves.iter().enumerate().skip(row) {
            values[row * count + column] = likeness(a, b, shift);
        }
    }
    values
}

fn likeness(a: &Half, b: &Half, shift: i8) -> f32 {
    let (mut same, mut both, mut one) = (0.0, 0.0, 0.0);
    for (p, q) in a.pitches.iter().zip(&b.pitches) {
        match (*p >= 0, *q >= 0) {
            (true, true) => {
                both += 1.0;
                same += f32::from(u8::from((*p + shift) % 12 == *q));
            }
            (false, false) => {}
            _ => one += ONE_SINGS,
        }
    }
    if both + one == 0.0 {
        return BOTH_EMPTY;
    }
    let pitch = same / (both + one);
    let onsets = a.onsets.count_ones() + b.onsets.count_ones();
    if onsets == 0 {
        return pitch;
    }
    // Onsets a slot apart are half as good as those in one.
    let exact = (a.onsets & b.onsets).count_ones() as f32;
    let (left, right) = (a.onsets & !b.onsets, b.onsets & !a.onsets);
    let near = (left & (right << 1 | right >> 1)).count_ones() as f32;
    let rhythm = ((2.0 * exact + near) / onsets as f32).min(1.0);
    PITCH_SHARE * pitch + (1.0 - PITCH_SHARE) * rhythm
}

/// Which pairs of half bars lie in runs of [`KEY_RUN`] that are alike.
fn runs_alike(values: &[f32], count: usize) -> Vec<bool> {
    let mut found = vec![false; values.len()];
    for lag in 1..count {
        let at = |row: usize| row * count + row + lag;
        let length = count - lag;
        for start in 0..(length + 1).saturating_sub(KEY_RUN) {
            let sum: f32 = (start..start + KEY_RUN).map(|row| values[at(row)]).sum();
            if sum >= KEY_RUN_LIKENESS * KEY_RUN as f32 {
                (start..start + KEY_RUN).for_each(|row| found[at(row)] = true);
            }
        }
    }
    found
}
