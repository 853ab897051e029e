//! Beats found in made-up singing of open melodies, with what a listener mishears.
//!
//! `offline` knows the whole take, `causal` states every beat at most 50 ms after it sounds and `ahead` a beat before,
//! both hearing onsets 100 ms late. `oracle` knows every past beat exactly, without saying how, and places the next one by
//! the interval before it, smoothed by a half.

use std::path::Path;

use collavoce::follow::beat::{BeatOnset, FRAME_S};
use collavoce::follow::rhythm::{Expectation, MetricPath, Position, RhythmTracker};
use collavoce::follow::studio::beat_onsets;
use collavoce::song::Seed;

use crate::measure::{cmlt, f_measure, tempo_is_right};
use crate::rubato::{Performance, sing};
use collavoce_data::songs::{self, Split};

/// How many songs of each set are sung.
const MOST: usize = 120;

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    takes: f64,
    beats: f64,
    cmlt: f64,
    tempo: f64,
    downbeats: f64,
}

impl Sums {
    fn add(&mut self, truth: &Performance, beats_s: &[f64], downbeats_s: &[f64]) {
        self.takes += 1.0;
        self.beats += f_measure(&truth.beats_s, beats_s);
        self.cmlt += cmlt(&truth.beats_s, beats_s);
        self.tempo += f64::from(u8::from(tempo_is_right(truth.period_s, beats_s)));
        self.downbeats += f_measure(&truth.downbeats_s, downbeats_s);
    }
}

/// Prints beat, tempo and bar figures by set and method.
pub fn run(folder: &Path, validate: bool) -> anyhow::Result<()> {
    let wanted = if validate { Split::Validate } else { Split::Develop };
    println!(
        "{:12} {:10} {:>6} {:>6} {:>6} {:>6} {:>9}",
        "set", "method", "takes", "F70", "CMLt", "tempo", "downbeats"
    );
    let mut variations = Vec::new();
    for set in songs::read(folder)? {
        let mut rows: Vec<(&str, Sums)> =
            ["offline", "causal", "ahead", "oracle"].map(|n| (n, Sums::default())).to_vec();
        let tunes = set.tunes.iter().filter(|(split, _)| *split == wanted).take(MOST);
        for (index, (_, tune)) in tunes.enumerate() {
            let mut random = Seed(1).named(set.name, index as u64);
            let Some(truth) = sing(tune, &mut random) else { continue };
            variations.push(truth.variation);
            let onsets = beat_onsets(&truth.notes);
            let end_s = truth.beats_s.last().copied().unwrap_or(0.0);

            let run = follow(&onsets, end_s);
            if let Some(path) = run.path {
                let found = path.beats(end_s);
                let per_bar = found.bars.meter.beats_per_bar();
                let downbeats: Vec<f64> =
                    found.beats_s.iter().skip(found.bars.first_downbeat).step_by(per_bar).copied().collect();
                rows[0].1.add(&truth, &found.beats_s, &downbeats);
            }
            rows[1].1.add(&truth, &run.causal.beats_s, &run.causal.downbeats_s);
            rows[2].1.add(&truth, &run.ahead.beats_s, &run.ahead.downbeats_s);
            let oracle = oracle(&truth.beats_s);
            rows[3].1.add(&truth, &oracle, &oracle);
        }
        for (method, sums) in rows {
            let share = |sum: f64| sum / sums.takes.max(1.0);
            println!(
                "{:12} {method:10} {:>6} {:>6.3} {:>6.3} {:>6.3} {:>9.3}",
                set.name,
                sums.takes,
                share(sums.beats),
                share(sums.cmlt),
                share(sums.tempo),
                share(sums.downbeats)
            );
        }
    }
    variations.sort_by(f64::total_cmp);
    println!("median variation of the beat interval {:.3}", variations[variations.len() / 2]);
    Ok(())
}

/// How long after an onset it is known, in seconds.
const KNOWN_S: f64 = 0.1;
/// A beat is stated so long after it at the latest, in seconds.
const STATED_S: f64 = 0.05;

/// Beats as they are stated.
#[derive(Debug, Default)]
struct Stated {
    beats_s: Vec<f64>,
    downbeats_s: Vec<f64>,
}

impl Stated {
    /// States the next beat if it is due by a time.
    fn state(&mut self, position: &Position, latest_s: f64) {
        let passed = ((latest_s - position.beat_s) / position.period_s).ceil();
        let beat_s = position.beat_s + passed * position.period_s;
        let is_new = self.beats_s.last().is_none_or(|last| beat_s - last > 0.5 * position.period_s);
        if is_new && beat_s - FRAME_S <= latest_s {
            self.beats_s.push(beat_s);
            let per_bar = position.meter.beats_per_bar() as i64;
            if (position.place as i64 + passed as i64).rem_euclid(per_bar) == 0 {
                self.downbeats_s.push(beat_s);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Run {
    /// What is thought in the end.
    path: Option<MetricPath>,
    /// Beats stated at most [`STATED_S`] after they sound.
    causal: Stated,
    /// Beats stated a beat before they sound.
    ahead: Stated,
}

fn follow(onsets: &[BeatOnset], end_s: f64) -> Run {
    let mut tracker = RhythmTracker::new(Expectation::default());
    let mut run = Run::default();
    let mut heard = 0;
    let mut now_s = 0.0;
    while now_s < end_s + 1.0 {
        while heard < onsets.len() && onsets[heard].time_s + KNOWN_S <= now_s {
            tracker.hear(onsets[heard]);
            heard += 1;
        }
        if heard >= 2
            && let Some(position) = tracker.position(now_s)
        {
            run.causal.state(&position, now_s - STATED_S);
            run.ahead.state(&position, now_s + position.period_s);
        }
        now_s += FRAME_S;
    }
    run.path = tracker.path();
    run
}

/// Every beat from all true ones before it, intervals smoothed by a half.
fn oracle(beats_s: &[f64]) -> Vec<f64> {
    let mut period = None;
    let mut found = Vec::new();
    for index in 1..beats_s.len() {
        let interval = beats_s[index] - beats_s[index - 1];
        if let Some(period) = period {
            found.push(beats_s[index - 1] + period);
        }
        period = Some(period.map_or(interval, |p| 0.5 * p + 0.5 * interval));
    }
    found
}
