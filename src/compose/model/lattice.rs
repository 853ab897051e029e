//! Paths of triads through slots: what the network says of each slot, and what usually follows what.
//!
//! A linear chain: the likeliest path is found by Viterbi's algorithm, the odds of each triad in each slot by the
//! forward-backward algorithm. All in logarithms.

use collavoce_models::harmony::TRIADS;

/// Triads that are told apart: semitones above the tonic, kind.
pub const STATES: usize = 12 * TRIADS;

/// How many bars a triad may be held for nothing.
pub const HELD: usize = 4;

/// How much a slot speaks for each triad.
pub type States = [f64; STATES];

/// Slots with what speaks for each triad, and moves between them.
pub struct Lattice<'a> {
    /// For each slot.
    pub slots: Vec<States>,
    /// What speaks for going from one triad to another into a slot: (slot, from, to).
    pub moves: &'a dyn Fn(usize, usize, usize) -> f64,
    /// Whether each slot begins a bar.
    pub begins_bar: Vec<bool>,
    /// What speaks against holding a triad over a bar line after [`HELD`] bars; the odds know nothing of it.
    pub long: f64,
}

/// Sums up to a slot by triad, and by how many bar lines it has been held over.
type Held = [[f64; HELD]; STATES];
/// Where the best of them came from: triad, bar lines.
type Origins = [[(usize, usize); HELD]; STATES];

impl Lattice<'_> {
    /// The likeliest path.
    pub fn best(&self) -> Vec<usize> {
        let Some(first) = self.slots.first() else { return Vec::new() };
        let mut scores = [[f64::NEG_INFINITY; HELD]; STATES];
        scores.iter_mut().zip(first).for_each(|(held, score)| held[0] = *score);
        let mut origins: Vec<Origins> = Vec::with_capacity(self.slots.len());
        for index in 1..self.slots.len() {
            let (next, origin) = self.step(index, &scores);
            scores = next;
            origins.push(origin);
        }
        let mut state = (0, 0);
        for triad in 0..STATES {
            for held in 0..HELD {
                if scores[triad][held] > scores[state.0][state.1] {
                    state = (triad, held);
                }
            }
        }
        let mut path = vec![state.0];
        for origin in origins.iter().rev() {
            state = origin[state.0][state.1];
            path.push(state.0);
        }
        path.reverse();
        path
    }

    /// One slot further.
    fn step(&self, index: usize, scores: &Held) -> (Held, Origins) {
        let mut next = [[f64::NEG_INFINITY; HELD]; STATES];
        let mut origins = [[(0, 0); HELD]; STATES];
        let most: Vec<usize> = scores
            .iter()
            .map(|held| (0..HELD).max_by(|a, b| held[*a].total_cmp(&held[*b])).unwrap_or(0))
            .collect();
        for to in 0..STATES {
            let mut take = |held: usize, score: f64, origin: (usize, usize)| {
                if score > next[to][held] {
                    (next[to][held], origins[to][held]) = (score, origin);
                }
            };
            for (from, held) in most.iter().enumerate().filter(|(from, _)| *from != to) {
                take(0, scores[from][*held] + (self.moves)(index, from, to), (from, *held));
            }
            let stays = (self.moves)(index, to, to);
            for (held, score) in scores[to].iter().enumerate() {
                let (now, long) = match (self.begins_bar[index], held + 1 < HELD) {
                    (false, _) => (held, 0.0),
                    (true, true) => (held + 1, 0.0),
                    (true, false) => (held, self.long),
                };
                take(now, score + stays - long, (to, held));
            }
            next[to].iter_mut().for_each(|score| *score += self.slots[index][to]);
        }
        (next, origins)
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
        let lattice = Lattice { slots: slots(1, 2), moves: &moves, begins_bar: vec![true; 2], long: 0.0 };
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
        let lattice = Lattice { slots: Vec::new(), moves: &|_, _, _| 0.0, begins_bar: Vec::new(), long: 0.0 };
        assert!(lattice.best().is_empty() && lattice.odds().is_empty());
    }

    #[test]
    fn a_triad_that_is_held_for_long_gives_way() {
        // The first triad is a little likelier in each of eight bars of two slots.
        let mut slot: States = [-9.0; STATES];
        (slot[0], slot[1]) = (0.0, -0.2);
        let changes = |long: f64| {
            let lattice = Lattice {
                slots: vec![slot; 16],
                moves: &|_, from, to| if from == to { 0.0 } else { -0.5 },
                begins_bar: (0..16).map(|index| index % 2 == 0).collect(),
                long,
            };
            let path = lattice.best();
            (1..16).filter(|index| path[*index] != path[index - 1]).collect::<Vec<_>>()
        };
        assert_eq!(changes(0.0), [0; 0]);
        let changed = changes(3.0);
        assert!(!changed.is_empty() && changed[0] <= 2 * HELD, "{changed:?}");
    }
}
