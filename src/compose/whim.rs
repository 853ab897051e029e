//! Other chords that would do: a take adds what a die throws to what speaks for each chord of a slot.
//!
//! The noise is Gumbel's, so that without moves between slots a chord comes as often as it is likely (Papandreou and
//! Yuille, ICCV 2011). The die depends on seed, take and place in the section alone: a section that comes back is
//! harmonised alike, and a change elsewhere throws nothing else.

use super::PlanRequest;
use crate::score::Score;
use crate::song::{Rng, Seed};
use crate::time::Ticks;

/// A take of the chords.
#[derive(Debug, Clone, Copy)]
pub struct Whim<'a> {
    score: &'a Score,
    seed: Seed,
    take: u32,
}

impl<'a> Whim<'a> {
    /// The take that is asked for; none is the likeliest.
    pub fn of(request: &PlanRequest<'a>) -> Option<Self> {
        let (score, seed, take) = (request.score, request.settings.seed, request.settings.chord_take);
        (take != 1).then_some(Self { score, seed, take })
    }

    /// What is added to the logarithm of the odds of each chord from here on.
    pub fn noise(&self, start: Ticks) -> impl Iterator<Item = f64> + use<> {
        let bar = self.score.bar_at(start).number;
        let (label, first) = self.score.section_of(bar).map_or(("", bar), |s| (s.label.as_str(), s.first));
        let offset = (start - self.score.bar(first).start).0;
        let mut rng = self.rng(label, offset);
        std::iter::repeat_with(move || -(-rng.unit().max(1e-12).ln()).max(1e-12).ln())
    }

    fn rng(&self, label: &str, offset: i64) -> Rng {
        let mut place = self.seed.named(label, u64::from(self.take));
        Rng::keyed(&[place.bits(), offset as u64])
    }
}
