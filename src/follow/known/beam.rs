//! The hypotheses that are kept.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::pitch::Transposition;
use crate::follow::rhythm::phase::Phase;

/// A hypothesis that is so much less likely than the best one is dropped, in log likelihood.
pub(super) const DEPTH: f64 = 17.0;
/// Two hypotheses at the same note whose periods differ by less are one, as a log ratio.
const SAME_PERIOD: f64 = 0.04;

/// The last onset that was no stray one was this note of the song.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hypothesis {
    pub note: usize,
    /// Time of the note and beat period.
    pub phase: Phase,
    pub key: Transposition,
    /// Log likelihood of its best path.
    pub score: f64,
    /// Log likelihood of all paths that were merged into it.
    pub mass: f64,
}

impl Hypothesis {
    /// The same, less likely.
    pub fn less(&self, log_likelihood: f64) -> Self {
        Self { score: self.score + log_likelihood, mass: self.mass + log_likelihood, ..*self }
    }
}

/// Note, whether the newest onset was a stray one, transposition in semitones, and period.
type Place = (usize, bool, i64, i64);

/// Hypotheses about the newest onset, of which those that agree are merged into the likelier one.
#[derive(Debug)]
pub(super) struct Beam {
    by_place: BTreeMap<Place, Hypothesis>,
    best: f64,
}

impl Beam {
    pub fn new() -> Self {
        Self { by_place: BTreeMap::new(), best: f64::NEG_INFINITY }
    }

    /// Whether a score is worth offering.
    pub fn takes(&self, score: f64) -> bool {
        score.is_finite() && score >= self.best - DEPTH
    }

    pub fn offer(&mut self, hypothesis: Hypothesis, is_stray: bool) {
        if !self.takes(hypothesis.score) {
            return;
        }
        self.best = self.best.max(hypothesis.score);
        let period = (hypothesis.phase.period_s().ln() / SAME_PERIOD).round() as i64;
        let key = hypothesis.key.semitones().round() as i64;
        match self.by_place.entry((hypothesis.note, is_stray, key, period)) {
            Entry::Vacant(slot) => {
                slot.insert(hypothesis);
            }
            Entry::Occupied(mut slot) => {
                let known = slot.get_mut();
                let (most, least) = (known.mass.max(hypothesis.mass), known.mass.min(hypothesis.mass));
                let mass = most + (least - most).exp().ln_1p();
                if hypothesis.score > known.score {
                    *known = hypothesis;
                }
                known.mass = mass;
            }
        }
    }

    /// The best ones, best first, with likelihoods as shares of the best one's.
    pub fn best(self, count: usize) -> Vec<Hypothesis> {
        let floor = self.best - DEPTH;
        let mut kept: Vec<Hypothesis> = self.by_place.into_values().filter(|h| h.score >= floor).collect();
        kept.sort_by(|a, b| b.score.total_cmp(&a.score));
        kept.truncate(count);
        kept.iter().map(|hypothesis| hypothesis.less(-self.best)).collect()
    }
}
