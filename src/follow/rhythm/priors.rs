//! What open scores tell of sung rhythm: where phrases begin in the bar, and how far it is from one note to the next.
//!
//! `priors.txt` is counted by `cargo xtask eval rhythm`; its header names the sources.

use std::sync::OnceLock;

use crate::time::Meter;

/// Units of a beat: halves, thirds and quarters are whole numbers of them, and sixths.
pub const UNITS: usize = 12;
/// Longest step from one note to the next that is counted, in beats.
pub const LONGEST_BEATS: usize = 8;
/// Metres that are counted; others are made of their beats.
pub const METERS: [Meter; 4] = [Meter::FOUR_FOUR, Meter::THREE_FOUR, Meter::TWO_FOUR, Meter::SIX_EIGHT];

/// Weight of what the same place in any beat suggests, in notes.
const BACKED_BY: f64 = 30.0;
/// Share of steps that are anything on the grid of eighths.
const ANYTHING: f64 = 0.02;
/// Share of notes that are not heard.
const MISSED: f64 = 0.06;
/// Steps less likely than this are not considered.
const LEAST: f64 = 3e-4;

/// Counts for one metre.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// Phrases by the unit of the bar that they begin at.
    pub starts: Vec<u32>,
    /// Notes by the unit of the bar that they begin at and the units to the next one.
    pub steps: Vec<Vec<u32>>,
    /// Notes by the unit of the bar that they begin at and the kind of interval that leads to them.
    pub leaps: Vec<Vec<u32>>,
}

/// Kinds of melodic intervals.
pub const LEAPS: usize = 7;

/// The kind of an interval in semitones: down by a fourth or more, a third, a step, the same, up likewise.
pub fn leap(semitones: f64) -> usize {
    match semitones.abs() {
        size if size < 0.6 => 3,
        size => {
            let far = if size < 2.6 {
                1
            } else if size < 4.6 {
                2
            } else {
                3
            };
            if semitones < 0.0 { 3 - far } else { 3 + far }
        }
    }
}

impl Counts {
    /// Nothing counted yet, for a bar of some beats.
    pub fn new(beats: usize) -> Self {
        let units = beats * UNITS;
        Self {
            starts: vec![0; units],
            steps: vec![vec![0; LONGEST_BEATS * UNITS + 1]; units],
            leaps: vec![vec![0; LEAPS]; units],
        }
    }

    /// The counts of each of [`METERS`], as text.
    pub fn write(all: &[Self]) -> String {
        let list = |counts: &[u32]| {
            let filled = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            filled.map(|(at, count)| format!(" {at}:{count}")).collect::<String>()
        };
        let mut text = String::new();
        for (meter, counts) in METERS.iter().zip(all) {
            text += &format!("meter {meter}\nstart{}\n", list(&counts.starts));
            for (unit, steps) in counts.steps.iter().enumerate().filter(|(_, s)| s.iter().any(|c| *c > 0)) {
                text += &format!("from {unit}{}\n", list(steps));
            }
            for (unit, leaps) in counts.leaps.iter().enumerate().filter(|(_, s)| s.iter().any(|c| *c > 0)) {
                text += &format!("to {unit}{}\n", list(leaps));
            }
        }
        text
    }

    fn read(text: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let fill = |counts: &mut [u32], words: std::str::SplitWhitespace<'_>| {
            for (at, count) in words.filter_map(|word| word.split_once(':')) {
                if let (Ok(at), Ok(count)) = (at.parse::<usize>(), count.parse())
                    && let Some(slot) = counts.get_mut(at)
                {
                    *slot = count;
                }
            }
        };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), all.last_mut()) {
                (Some("meter"), _) => {
                    let beats = METERS.get(all.len()).map_or(0, |m| m.beats_per_bar());
                    all.push(Self::new(beats));
                }
                (Some("start"), Some(counts)) => fill(&mut counts.starts, words),
                (Some(kind @ ("from" | "to")), Some(counts)) => {
                    let table = if kind == "from" { &mut counts.steps } else { &mut counts.leaps };
                    let unit = words.next().and_then(|w| w.parse::<usize>().ok());
                    if let Some(row) = unit.and_then(|unit| table.get_mut(unit)) {
                        fill(row, words);
                    }
                }
                _ => {}
            }
        }
        all
    }
}

fn counted() -> &'static [Counts] {
    static COUNTS: OnceLock<Vec<Counts>> = OnceLock::new();
    COUNTS.get_or_init(|| Counts::read(include_str!("priors.txt")))
}

/// The rhythm of a metre, as log probabilities.
#[derive(Debug, Clone)]
pub struct Rhythm {
    starts: Vec<(usize, f64)>,
    steps: Vec<Vec<(u32, f64)>>,
    leaps: Vec<[f64; LEAPS]>,
}

impl Rhythm {
    /// The rhythm of a metre; one that was not counted is made of the beats of those that were.
    pub fn of(meter: Meter) -> Self {
        let compound = if meter.is_compound() { Meter::SIX_EIGHT } else { Meter::FOUR_FOUR };
        let index = METERS.iter().position(|m| *m == meter);
        let stand_in = METERS.iter().position(|m| *m == compound);
        let counts = &counted()[index.or(stand_in).unwrap_or(0)];
        let units = meter.beats_per_bar() * UNITS;
        let by_beat = by_beat(counts);
        let blank = vec![0; LONGEST_BEATS * UNITS + 1];
        let once: Vec<Vec<f64>> = (0..units)
            .map(|unit| {
                let own = if index.is_some() { &counts.steps[unit] } else { &blank };
                share(own, &by_beat[unit % UNITS])
            })
            .collect();
        let steps = (0..units).map(|unit| log_of(&with_missed(&once, unit))).collect();
        let starts = match index {
            Some(_) => counts.starts.clone(),
            None => (0..units).map(|unit| counts.starts[unit % counts.starts.len()]).collect(),
        };
        let total: f64 = starts.iter().map(|c| f64::from(*c)).sum::<f64>() + units as f64 / 6.0;
        let starts = starts.iter().enumerate().filter_map(|(unit, count)| {
            let even = if unit % (UNITS / 2) == 0 { 1.0 } else { 0.0 };
            let share = (f64::from(*count) + even) / total;
            (share > LEAST).then(|| (unit, share.ln()))
        });
        Self { starts: starts.collect(), steps, leaps: leaps(counts, units) }
    }

    /// How much an interval speaks for a unit that it leads to, as a log ratio.
    pub fn leap(&self, unit: usize, semitones: f64) -> f64 {
        self.leaps[unit][leap(semitones)]
    }

    /// Units of a bar.
    pub fn units(&self) -> usize {
        self.steps.len()
    }

    /// The units that a phrase can begin at.
    pub fn starts(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.starts.iter().copied()
    }

    /// The steps that can follow at a unit.
    pub fn steps(&self, unit: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.steps[unit].iter().copied()
    }

    /// The longest step that is listed, in units.
    pub fn longest_step(&self) -> u32 {
        (LONGEST_BEATS * UNITS) as u32
    }
}

/// Steps by the place in any beat.
fn by_beat(counts: &Counts) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; LONGEST_BEATS * UNITS + 1]; UNITS];
    for (unit, steps) in counts.steps.iter().enumerate() {
        for (step, count) in steps.iter().enumerate() {
            sums[unit % UNITS][step] += f64::from(*count);
        }
    }
    for (place, sums) in sums.iter_mut().enumerate() {
        // Steps to the next eighths are possible from anywhere.
        for (step, sum) in sums.iter_mut().enumerate().skip(1) {
            if (place + step) % (UNITS / 2) == 0 && step <= 2 * UNITS {
                *sum += 1.0;
            }
        }
        let total: f64 = sums.iter().sum();
        sums.iter_mut().for_each(|sum| *sum /= total);
    }
    sums
}

/// Shares of counted steps, backed by others where few were counted.
fn share(counts: &[u32], backing: &[f64]) -> Vec<f64> {
    let total: f64 = counts.iter().map(|c| f64::from(*c)).sum::<f64>() + BACKED_BY;
    counts
        .iter()
        .zip(backing)
        .map(|(count, backing)| (f64::from(*count) + BACKED_BY * backing) / total)
        .collect()
}

/// Steps from a unit where the note in between may not be heard.
fn with_missed(once: &[Vec<f64>], unit: usize) -> Vec<f64> {
    let longest = LONGEST_BEATS * UNITS;
    let mut sums: Vec<f64> = once[unit].iter().map(|share| share * (1.0 - MISSED - ANYTHING)).collect();
    for (first, share) in once[unit].iter().enumerate().filter(|(_, share)| **share > LEAST) {
        let there = &once[(unit + first) % once.len()];
        for (second, next) in there.iter().enumerate().take(longest - first + 1) {
            sums[first + second] += MISSED * share * next;
        }
    }
    let eighths = (1..=longest).filter(|step| (unit + step).is_multiple_of(UNITS / 2));
    for step in eighths.take(2 * LONGEST_BEATS) {
        sums[step] += ANYTHING / (2 * LONGEST_BEATS) as f64;
    }
    sums
}

fn log_of(shares: &[f64]) -> Vec<(u32, f64)> {
    let likely = shares.iter().enumerate().skip(1).filter(|(_, share)| **share > LEAST);
    likely.map(|(step, share)| (step as u32, share.ln())).collect()
}

/// Log ratio of the share of each kind of interval at a unit to its share anywhere.
fn leaps(counts: &Counts, units: usize) -> Vec<[f64; LEAPS]> {
    let mut anywhere = [1.0; LEAPS];
    for row in &counts.leaps {
        for (sum, count) in anywhere.iter_mut().zip(row) {
            *sum += f64::from(*count);
        }
    }
    let all: f64 = anywhere.iter().sum();
    (0..units)
        .map(|unit| {
            let row = &counts.leaps[unit % counts.leaps.len()];
            let total: f64 = row.iter().map(|c| f64::from(*c)).sum::<f64>() + BACKED_BY;
            std::array::from_fn(|kind| {
                let share = (f64::from(row[kind]) + BACKED_BY * anywhere[kind] / all) / total;
                (share * all / anywhere[kind]).ln()
            })
        })
        .collect()
}
