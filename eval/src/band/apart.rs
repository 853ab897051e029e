//! Who can tell our parts from those of people: a logistic regression on their statistics.

use collavoce_data::songs::Split;

use super::PART_VOICES;
use super::ours::{Performance, Player};
use super::statistics::{BARS, describe};

/// Folds of songs that are kept apart in turn.
const FOLDS: u64 = 5;
/// Steps of the descent and their length, and what speaks against large weights.
const STEPS: usize = 400;
const LENGTH: f64 = 0.5;
const DECAY: f64 = 1e-3;

/// Some bars of a part: what they are like, whose they are, and in which fold.
struct Sample {
    numbers: Vec<f64>,
    is_ours: bool,
    fold: u64,
}

/// Prints how often bars are told apart.
pub fn print(performances: &[Performance]) {
    println!(
        "telling apart: share of {BARS} bars that a classifier gives to the right one of ours and people; 0.50 is chance"
    );
    println!("{:10}{:>8}{:>9}", "part", "rules", "network");
    for (part, (name, _)) in PART_VOICES.iter().enumerate() {
        let of = |player| {
            let samples = samples(performances, part, player);
            (samples.len() > 20).then(|| accuracy(&samples))
        };
        let text = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.2}"));
        println!("{name:10}{:>8}{:>9}", text(of(Player::Rules)), text(of(Player::Network)));
    }
    println!();
}

fn samples(performances: &[Performance], part: usize, ours: Player) -> Vec<Sample> {
    let of =
        performances.iter().filter(|p| p.part == part && (p.player == ours || p.player == Player::People));
    let mut samples = Vec::new();
    for performance in of {
        let bars = performance.played.frames.len() / performance.per_bar;
        let fold = fold_of(&performance.song);
        for from in (0..).step_by(BARS).take_while(|from| from + BARS <= bars) {
            let numbers = describe(performance, from);
            samples.push(Sample { numbers, is_ours: performance.player == ours, fold });
        }
    }
    samples
}

/// The fold of a song: all of it is on one side.
fn fold_of(song: &str) -> u64 {
    let sides = (0..3).map(|turn| u64::from(Split::of(&format!("{turn} {song}")) == Split::Learn));
    sides.fold(song.len() as u64, |sum, side| 3 * sum + side) % FOLDS
}

/// Mean of the shares of ours and of theirs that are told right, on songs that were not learnt from.
fn accuracy(samples: &[Sample]) -> f64 {
    let (mut right, mut all) = ([0.0; 2], [0.0; 2]);
    for fold in 0..FOLDS {
        let (apart, learn): (Vec<&Sample>, Vec<&Sample>) =
            samples.iter().partition(|sample| sample.fold == fold);
        let (scales, weights) = learn_from(&learn);
        for sample in apart {
            let is_ours = answer(&weights, &scaled(&sample.numbers, &scales)) > 0.5;
            let side = usize::from(sample.is_ours);
            all[side] += 1.0;
            right[side] += f64::from(u8::from(is_ours == sample.is_ours));
        }
    }
    (right[0] / f64::max(all[0], 1.0) + right[1] / f64::max(all[1], 1.0)) / 2.0
}

fn scaled(numbers: &[f64], scales: &[(f64, f64)]) -> Vec<f64> {
    let linear: Vec<f64> =
        numbers.iter().zip(scales).map(|(x, (mean, spread))| (x - mean) / spread).collect();
    // Squares let a middle be told from both ends.
    let squares = linear.iter().map(|x| (x * x - 1.0).min(4.0));
    linear.iter().copied().chain(squares).chain([1.0]).collect()
}

fn answer(weights: &[f64], inputs: &[f64]) -> f64 {
    1.0 / (1.0 + (-weights.iter().zip(inputs).map(|(w, x)| w * x).sum::<f64>()).exp())
}

/// Scales and weights; both sides count alike, however many there are of them.
fn learn_from(samples: &[&Sample]) -> (Vec<(f64, f64)>, Vec<f64>) {
    let width = samples.first().map_or(0, |sample| sample.numbers.len());
    let count = samples.len().max(1) as f64;
    let scales: Vec<(f64, f64)> = (0..width)
        .map(|at| {
            let mean = samples.iter().map(|sample| sample.numbers[at]).sum::<f64>() / count;
            let spread =
                samples.iter().map(|sample| (sample.numbers[at] - mean).powi(2)).sum::<f64>() / count;
            (mean, spread.sqrt().max(1e-6))
        })
        .collect();
    let inputs: Vec<Vec<f64>> = samples.iter().map(|sample| scaled(&sample.numbers, &scales)).collect();
    let ours = samples.iter().filter(|sample| sample.is_ours).count() as f64;
    let weight_of = |sample: &Sample| 0.5 / f64::max(if sample.is_ours { ours } else { count - ours }, 1.0);
    let mut weights = vec![0.0; 2 * width + 1];
    for _ in 0..STEPS {
        let mut slope: Vec<f64> = weights.iter().map(|weight| DECAY * weight).collect();
        for (sample, input) in samples.iter().zip(&inputs) {
            let error = answer(&weights, input) - f64::from(u8::from(sample.is_ours));
            let share = error * weight_of(sample);
            slope.iter_mut().zip(input).for_each(|(slope, x)| *slope += share * x);
        }
        weights.iter_mut().zip(slope).for_each(|(weight, slope)| *weight -= LENGTH * slope);
    }
    (scales, weights)
}
