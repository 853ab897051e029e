//! How likely what people played is to the network, and to simpler models.

use std::collections::{BTreeMap, HashMap};

use collavoce_data::arrange::{self, Piece};
use collavoce_models::arranger::{ArrangerNet, CHOICES, PARTS, VOICES, Wish};

use super::PART_VOICES;

/// Choices that the longest context of an n-gram holds: a 5-gram.
const ORDER: usize = 4;
/// Most steps of a piece that are read.
const MOST_STEPS: usize = 512;
/// Draws of songs for an interval.
const DRAWS: u64 = 1000;

/// Counts of choices by what was chosen before, one table for each length of context.
struct Gram {
    of: usize,
    tables: Vec<HashMap<Vec<u8>, Vec<f64>>>,
}

impl Gram {
    fn new(of: usize, order: usize) -> Self {
        Self { of, tables: vec![HashMap::new(); order + 1] }
    }

    fn learn(&mut self, choices: &[u8]) {
        for (at, choice) in choices.iter().enumerate() {
            for (length, table) in self.tables.iter_mut().enumerate() {
                if let Some(from) = at.checked_sub(length) {
                    let counts =
                        table.entry(choices[from..at].to_vec()).or_insert_with(|| vec![0.0; self.of]);
                    counts[usize::from(*choice)] += 1.0;
                }
            }
        }
    }

    /// The probability of a choice after others: lengths are interpolated as Witten and Bell (1991) do.
    fn probability(&self, before: &[u8], choice: u8) -> f64 {
        let mut probability = 1.0 / self.of as f64;
        for (length, table) in self.tables.iter().enumerate() {
            let Some(from) = before.len().checked_sub(length) else { break };
            let Some(counts) = table.get(&before[from..]) else { break };
            let total: f64 = counts.iter().sum();
            let kinds = counts.iter().filter(|count| **count > 0.0).count() as f64;
            probability = (counts[usize::from(choice)] + kinds * probability) / (total + kinds);
        }
        probability
    }

    fn cost(&self, choices: &[u8]) -> f64 {
        let costs = choices.iter().enumerate().map(|(at, choice)| {
            -self.probability(&choices[at.saturating_sub(self.tables.len() - 1)..at], *choice).ln()
        });
        costs.sum()
    }
}

/// What a piece costs by part: nats in all, by model; and its steps.
struct Cost {
    set: &'static str,
    song: String,
    steps: f64,
    parts: [Option<[f64; 4]>; PARTS],
}

/// Prints nats a sixteenth by set and part.
pub fn print(net: &ArrangerNet, learnt: &[Piece], apart: &[Piece]) {
    let mut grams = BTreeMap::new();
    for set in arrange::SETS {
        let voices = (0..VOICES).map(|voice| {
            let (mut one, mut five) = (Gram::new(CHOICES[voice], 0), Gram::new(CHOICES[voice], ORDER));
            for piece in learnt.iter().filter(|piece| piece.set == set && piece.told[voice]) {
                let choices = choices(piece, voice);
                one.learn(&choices);
                five.learn(&choices);
            }
            (one, five)
        });
        grams.insert(set, voices.collect::<Vec<_>>());
    }
    let costs: Vec<Cost> = apart.iter().map(|piece| cost(net, piece, &grams[piece.set])).collect();
    println!("nats a sixteenth of what people played; less is likelier");
    println!(
        "{:13}{:9}{:>6}{:>10}{:>9}{:>9}{:>9}   better than the 5-gram by (95 %, songs drawn anew)",
        "set", "part", "songs", "marginal", "5-gram", "network", "told all"
    );
    for set in arrange::SETS {
        for (part, (name, _)) in PART_VOICES.iter().enumerate() {
            row(
                set,
                name,
                &costs.iter().filter(|c| c.set == set && c.parts[part].is_some()).collect::<Vec<_>>(),
                part,
            );
        }
    }
    println!("told all: strokes a beat and level of what is played are told, too\n");
}

fn row(set: &str, part: &str, costs: &[&Cost], index: usize) {
    if costs.is_empty() {
        return;
    }
    // By song: what is a song's is drawn together.
    let mut songs: BTreeMap<&str, (f64, [f64; 4])> = BTreeMap::new();
    for cost in costs {
        let sum = songs.entry(&cost.song).or_default();
        sum.0 += cost.steps;
        let parts = cost.parts[index].unwrap_or_default();
        sum.1.iter_mut().zip(parts).for_each(|(sum, nats)| *sum += nats);
    }
    let songs: Vec<(f64, [f64; 4])> = songs.into_values().collect();
    let mean = |songs: &mut dyn Iterator<Item = &(f64, [f64; 4])>, which: usize| {
        let (steps, nats) = songs.fold((0.0, 0.0), |(s, n), (steps, nats)| (s + steps, n + nats[which]));
        nats / f64::max(steps, 1.0)
    };
    let all: [f64; 4] = std::array::from_fn(|which| mean(&mut songs.iter(), which));
    let mut rng = collavoce::song::Rng::keyed(&[9]);
    let mut gains: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let drawn: Vec<usize> = (0..songs.len()).map(|_| rng.below(songs.len())).collect();
            mean(&mut drawn.iter().map(|i| &songs[*i]), 1) - mean(&mut drawn.iter().map(|i| &songs[*i]), 2)
        })
        .collect();
    gains.sort_by(f64::total_cmp);
    let at = |share: f64| gains[((gains.len() - 1) as f64 * share) as usize];
    println!(
        "{set:13}{part:9}{:>6}{:>10.3}{:>9.3}{:>9.3}{:>9.3}   {:.3} ({:.3} to {:.3})",
        songs.len(),
        all[0],
        all[1],
        all[2],
        all[3],
        all[1] - all[2],
        at(0.025),
        at(0.975)
    );
}

fn choices(piece: &Piece, voice: usize) -> Vec<u8> {
    piece.played.frames.iter().take(MOST_STEPS).map(|frame| frame.choices[voice]).collect()
}

fn cost(net: &ArrangerNet, piece: &Piece, grams: &[(Gram, Gram)]) -> Cost {
    let steps = piece.steps.len().min(MOST_STEPS);
    let mut by_voice = vec![[0.0; 4]; VOICES];
    for (voice, (one, five)) in grams.iter().enumerate().filter(|(voice, _)| piece.told[*voice]) {
        let choices = choices(piece, voice);
        by_voice[voice][0] = one.cost(&choices);
        by_voice[voice][1] = five.cost(&choices);
    }
    for (which, tells_wish) in [(2, false), (3, true)] {
        let mut reader = net.reader();
        for index in 0..steps {
            let mut step = piece.step(index);
            if !tells_wish {
                step.comes_back = false;
                step.wish = Wish { densities: [None; PARTS], level: None, ..step.wish };
            }
            let mut odds = reader.read(&step);
            for (voice, choice) in piece.played.frames[index].choices.into_iter().enumerate() {
                if piece.told[voice] {
                    by_voice[voice][which] -= f64::from(odds.choices(voice)[usize::from(choice)]);
                }
                if piece.known[voice] {
                    odds.decide(voice, choice);
                }
            }
        }
    }
    let part = |(_, voices): &(&str, std::ops::Range<usize>)| {
        voices.clone().any(|voice| piece.told[voice]).then(|| {
            let mut sum = [0.0; 4];
            voices.clone().for_each(|voice| sum.iter_mut().zip(by_voice[voice]).for_each(|(s, n)| *s += n));
            sum
        })
    };
    let parts = [part(&PART_VOICES[0]), part(&PART_VOICES[1]), part(&PART_VOICES[2]), part(&PART_VOICES[3])];
    Cost { set: piece.set, song: piece.name.clone(), steps: steps as f64, parts }
}
