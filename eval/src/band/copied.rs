//! How much of what is played was played just so in what was learnt from.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use collavoce_data::arrange::Piece;
use collavoce_models::arranger::Frame;

use super::PART_VOICES;
use super::ours::{PLAYERS, Performance};

/// Lengths of runs that are looked for, in beats.
const BEATS: [usize; 7] = [4, 8, 12, 16, 24, 32, 48];

/// Prints the longest runs, by part and by who plays.
pub fn print(learnt: &[Piece], performances: &[Performance]) {
    println!(
        "the longest run of a part (which strokes, in which steps) that was learnt from, in beats: median, nine in ten, longest"
    );
    println!("{:10}{:>20}{:>20}{:>20}", "part", "rules", "network", "people");
    for (part, (name, voices)) in PART_VOICES.iter().enumerate() {
        let mut known: Vec<HashSet<u64>> = vec![HashSet::new(); BEATS.len()];
        for piece in learnt.iter().filter(|piece| voices.clone().all(|voice| piece.told[voice])) {
            let steps = keys(&piece.played.frames, voices.clone());
            for (length, known) in BEATS.iter().zip(&mut known) {
                known.extend(runs(&steps, length * piece.per_beat, piece.per_beat));
            }
        }
        let texts = PLAYERS.map(|(player, _)| {
            let of = performances.iter().filter(|p| p.part == part && p.player == player);
            let mut longest: Vec<usize> = of.map(|one| longest(one, voices.clone(), &known)).collect();
            longest.sort_unstable();
            let at = |share: f64| {
                longest.get(((longest.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(0)
            };
            format!("{} {} {}", at(0.5), at(0.9), at(1.0))
        });
        println!("{name:10}{:>20}{:>20}{:>20}", texts[0], texts[1], texts[2]);
    }
    println!("(runs of {BEATS:?} beats were looked for, beginning on beats; bars of silence are no runs)\n");
}

/// What is played in each step, as a number; silence is 0.
fn keys(frames: &[Frame], voices: std::ops::Range<usize>) -> Vec<u64> {
    let key = |frame: &Frame| {
        let choices = &frame.choices[voices.clone()];
        if choices.iter().all(|choice| *choice == 0) {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        choices.hash(&mut hasher);
        hasher.finish()
    };
    frames.iter().map(key).collect()
}

fn runs(steps: &[u64], length: usize, per_beat: usize) -> impl Iterator<Item = u64> {
    let windows = steps.windows(length).step_by(per_beat);
    let sounding = windows.filter(|run| run.iter().any(|key| *key != 0));
    sounding.map(|run| {
        let mut hasher = DefaultHasher::new();
        run.hash(&mut hasher);
        hasher.finish()
    })
}

fn longest(performance: &Performance, voices: std::ops::Range<usize>, known: &[HashSet<u64>]) -> usize {
    let steps = keys(&performance.played.frames, voices);
    let per_beat = performance.per_beat;
    let found = |(length, known): &(&usize, &HashSet<u64>)| {
        runs(&steps, **length * per_beat, per_beat).any(|run| known.contains(&run))
    };
    BEATS.iter().zip(known).filter(found).map(|(length, _)| *length).max().unwrap_or(0)
}
