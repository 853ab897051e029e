//! The hypotheses that are kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Hypothesis, Node};

/// A hypothesis that is so much less likely than the best one is dropped, in log likelihood.
const BEAM_DEPTH: f64 = 14.0;
/// Two hypotheses at the same place in the bar whose periods differ by less are one, as a log ratio.
const SAME_PERIOD: f64 = 0.04;

/// Hypotheses about the next onset, of which those that agree are merged into the likelier one.
#[derive(Debug, Default)]
pub(super) struct Beam {
    by_place: HashMap<(usize, usize, i32), (Hypothesis, Option<Node>)>,
    best: f64,
}

impl Beam {
    pub fn offer(&mut self, hypothesis: Hypothesis, node: Option<Node>) {
        if self.by_place.is_empty() || hypothesis.score > self.best {
            self.best = hypothesis.score;
        }
        if hypothesis.score < self.best - BEAM_DEPTH || !hypothesis.score.is_finite() {
            return;
        }
        let period = (hypothesis.phase.period_s().ln() / SAME_PERIOD).round() as i32;
        // An onset left out and one taken lead to different places in time.
        let place = hypothesis.unit * 2 + usize::from(node.is_none());
        match self.by_place.entry((hypothesis.meter, place, period)) {
            Entry::Vacant(slot) => {
                slot.insert((hypothesis, node));
            }
            Entry::Occupied(mut slot) => {
                let (known, _) = *slot.get();
                let (most, least) = (known.mass.max(hypothesis.mass), known.mass.min(hypothesis.mass));
                let mass = most + (least - most).exp().ln_1p();
                if hypothesis.score > known.score {
                    slot.insert((hypothesis, node));
                }
                slot.get_mut().0.mass = mass;
            }
        }
    }

    /// The best ones, best first; their nodes are kept.
    pub fn best(self, count: usize, nodes: &mut Vec<Node>) -> Vec<Hypothesis> {
        let floor = self.best - BEAM_DEPTH;
        let mut kept: Vec<_> = self.by_place.into_iter().filter(|(_, (h, _))| h.score >= floor).collect();
        // Equal scores are told apart by their place, so that the order never depends on the map.
        kept.sort_by(|a, b| b.1.0.score.total_cmp(&a.1.0.score).then(a.0.cmp(&b.0)));
        kept.truncate(count);
        let hypotheses = kept.into_iter().map(|(_, (hypothesis, node))| match node {
            None => hypothesis,
            Some(node) => {
                let index = nodes.len();
                let sung = if node.is_stroke { node.sung } else { Some(index) };
                nodes.push(Node { sung, ..node });
                Hypothesis { node: index, ..hypothesis }
            }
        });
        hypotheses.collect()
    }
}
