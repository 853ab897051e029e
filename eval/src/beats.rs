//! Beats found in made-up singing of open melodies, with what a listener mishears.
//!
//! `offline` knows the whole take, `causal` states every beat at most 50 ms after it sounds and `ahead` a beat before,
//! both hearing onsets 100 ms late. `oracle` knows every past beat exactly, without saying how, and places the next one by
//! the interval before it, smoothed by a half.

use std::path::Path;

use collavoce::follow::studio::beat_onsets;
use collavoce::song::Seed;
use collavoce_data::measure::Sums;
use collavoce_data::rubato::sing;
use collavoce_data::songs::{self, Split};
use collavoce_data::stated::{beats_of, follow};

/// How many songs of each set are sung.
const MOST: usize = 120;

/// Prints beat, tempo and bar figures by set and method.
pub fn run(folder: &Path, validate: bool) -> anyhow::Result<()> {
    let wanted = if validate { Split::Validate } else { Split::Develop };
    println!("{}", Sums::titles());
    let mut variations = Vec::new();
    for set in songs::read(folder)? {
        let mut rows = ["offline", "causal", "ahead", "oracle"].map(|name| (name, Sums::default()));
        let tunes = set.tunes.iter().filter(|(split, _)| *split == wanted).take(MOST);
        for (index, (_, tune)) in tunes.enumerate() {
            let mut random = Seed(1).named(set.name, index as u64);
            let Some(truth) = sing(tune, &mut random) else { continue };
            variations.push(truth.variation);
            let end_s = truth.beats_s.last().copied().unwrap_or(0.0);
            let (stated, path) = follow(&beat_onsets(&truth.notes), end_s);
            if let Some(path) = path {
                let found = beats_of(&path, end_s);
                rows[0].1.add(&truth, &found.beats_s, &found.downbeats_s);
            }
            rows[1].1.add(&truth, &stated.causal.beats_s, &stated.causal.downbeats_s);
            rows[2].1.add(&truth, &stated.ahead.beats_s, &stated.ahead.downbeats_s);
            let oracle = oracle(&truth.beats_s);
            rows[3].1.add(&truth, &oracle, &oracle);
        }
        for (method, sums) in rows {
            println!("{}", sums.line(set.name, method));
        }
    }
    variations.sort_by(f64::total_cmp);
    println!("median variation of the beat interval {:.3}", variations[variations.len() / 2]);
    Ok(())
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
