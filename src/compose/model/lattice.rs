//! Paths of triads through slots: what the network says of each slot, and what usually follows what.
//!
//! A linear chain: the likeliest path is found by Viterbi's algorithm, the odds of each triad in each slot by the
//! forward-backward algorithm. All in logarithms.

use collavoce_models::harmony::TRIADS;

/// Triads that are told apart: semitones above the tonic, kind.
pub const STATES: usize = 12 * TRIADS;

/// How much a slot speaks for each triad.
pub type States = [f64; STATES];

/// Slots with what speaks for each triad, and moves between them.
pub struct Lattice<'a> {
    /// For each slot.
    pub slots: Vec<States>,
    /// What speaks for going from one triad to another into a slot: (slot, from, to).
    pub moves: &'a dyn Fn(usize, usize, usize) -> f64,
}

impl Lattice<'_> {
    /// The likeliest path.
    pub fn best(&self) -> Vec<usize> {
        let Some(first) = self.slots.first() else { return Vec::new() };
        let mut scores = *first;
        let mut origins: Vec<[usize; STATES]> = Vec::with_capacity(self.slots.len());
        for (index, slot) in self.slots.iter().enumerate().skip(1) {
            let mut next = [f64::NEG_INFINITY; STATES];
            let mut origin = [0; STATES];
            for to in 0..STATES {
                for (from, score) in scores.iter().enumerate() {
                    let score = score + (self.moves)(index, from, to);
                    if score > next[to] {
                        (next[to], origin[to]) = (score, from);
                    }
                }
                next[to] += slot[to];
            }
            scores = next;
            origins.push(origin);
        }
        let mut state = (0..STATES).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0);
        let mut path = vec![state];
        for origin in origins.iter().rev() {
            state = origin[state];
            path.push(state);
        }
        path.reverse();
        path
    }

    /// What speaks for each triad in each slot, the slots before counted in.
    fn onward(&self) -> Vec<States> {
        let mut sums: Vec<States> = Vec::with_capacity(self.slots.len());
        for (index, slot) in self.slots.iter().enumerate() {
            let sum: States = match sums.last() {
                None => *slot,
                Some(last) => std::array::from_fn(|to| {
                    slot[to] + log_sum((0..STATES).map(|from| last[from] + (self.moves)(index, from, to)))
                }),
            };
            sums.push(sum);
        }
        sums
    }

    /// How likely each triad is in each slot, as shares of 1.
    pub fn odds(&self) -> Vec<States> {
        let onward = self.onward();
        let mut after: States = [0.0; STATES];
        let mut odds = vec![[0.0; STATES]; self.slots.len()];
        for index in (0..self.slots.len()).rev() {
            let all: States = std::array::from_fn(|state| onward[index][state] + after[state]);
            let total = log_sum(all.iter().copied());
            odds[index] = all.map(|sum| (sum - total).exp());
            let slot = self.slots[index];
            after = std::array::from_fn(|from| {
                log_sum((0..STATES).map(|to| (self.moves)(index, from, to) + slot[to] + after[to]))
            });
        }
        odds
    }
}

fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    values.map(|value| (value - most).exp()).sum::<f64>().ln() + most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::Rng;

    fn slots(number: u64, count: usize) -> Vec<States> {
        let mut rng = Rng::keyed(&[number]);
        (0..count).map(|_| std::array::from_fn(|_| 3.0 * rng.normal())).collect()
    }

    #[test]
    fn best_and_odds_are_those_of_all_paths() {
        let moves = |_: usize, from: usize, to: usize| {
            if from == to { 0.7 } else { ((from + 2 * to) % 5) as f64 * 0.1 }
        };
        let lattice = Lattice { slots: slots(1, 2), moves: &moves };
        let mut sums = [0.0f64; STATES];
        let (mut all, mut best) = (0.0, (f64::NEG_INFINITY, [0, 0]));
        for a in 0..STATES {
            for (b, sum_of_b) in sums.iter_mut().enumerate() {
                let sum = lattice.slots[0][a] + lattice.slots[1][b] + moves(1, a, b);
                *sum_of_b += sum.exp();
                all += sum.exp();
                if sum > best.0 {
                    best = (sum, [a, b]);
                }
            }
        }
        assert_eq!(lattice.best(), best.1);
        let odds = lattice.odds();
        for (state, sum) in sums.iter().enumerate() {
            assert!((odds[1][state] - sum / all).abs() < 1e-9, "{state}");
        }
    }

    #[test]
    fn nothing_has_no_path() {
        let lattice = Lattice { slots: Vec::new(), moves: &|_, _, _| 0.0 };
        assert!(lattice.best().is_empty() && lattice.odds().is_empty());
    }
}
