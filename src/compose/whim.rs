//! Other chords that would do: a take adds what a die throws to what speaks for each chord of a slot.
//!
//! The noise is Gumbel's, so that without moves between slots a chord comes as often as it is likely (Papandreou and
//! Yuille, ICCV 2011). The die depends on seed, take and place in the section alone: a section that comes back is
//! harmonised alike, and a change elsewhere throws nothing else. Live, where nobody knows what will come back, the place in
//! the song counts.

use super::PlanRequest;
use crate::score::{BarNumber, Score};
use crate::song::{Mode, Rng, Settings};
use crate::time::Ticks;

/// A take of the chords.
#[derive(Debug, Clone, Copy)]
pub struct Whim<'a> {
    score: &'a Score,
    settings: &'a Settings,
}

impl<'a> Whim<'a> {
    /// The take that is asked for; none is the likeliest.
    pub fn of(request: &PlanRequest<'a>) -> Option<Self> {
        let PlanRequest { score, settings, .. } = *request;
        (settings.chord_take != 1).then_some(Self { score, settings })
    }

    /// What is added to the logarithm of the odds of each chord from here on.
    pub fn noise(&self, start: Ticks) -> impl Iterator<Item = f64> + use<> {
        let bar = self.score.bar_at(start).number;
        let section = self.score.section_of(bar).filter(|_| self.settings.mode == Mode::Studio);
        let (label, first) = section.map_or(("", BarNumber(1)), |s| (s.label.as_str(), s.first));
        let offset = (start - self.score.bar(first).start).0;
        let mut rng = self.rng(label, offset);
        std::iter::repeat_with(move || -(-rng.unit().max(1e-12).ln()).max(1e-12).ln())
    }

    fn rng(&self, label: &str, offset: i64) -> Rng {
        let mut place = self.settings.seed.named(label, u64::from(self.settings.chord_take));
        Rng::keyed(&[place.bits(), offset as u64])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Section;
    use crate::song::Seed;
    use crate::time::{Bpm, Meter, TempoMap};

    #[test]
    fn studio_sections_come_back_and_live_bars_do_not() {
        let section = |label: &str, first| Section {
            label: label.to_owned(),
            first: BarNumber(first),
            bars: 2,
            energy: 0.5,
            role: None,
        };
        let score = Score {
            meter: Meter::FOUR_FOUR,
            key: "C".parse().expect("a key"),
            tempo: TempoMap::constant(Bpm(120.0), Meter::FOUR_FOUR.beat()),
            lead_in_bars: 0,
            bars: 6,
            sections: vec![section("A", 1), section("B", 3), section("A", 5)],
            phrases: Vec::new(),
            melody: Vec::new(),
            chords: Vec::new(),
            tuning: Vec::new(),
            parts: Vec::new(),
            usual_level_dbfs: None,
        };
        let thrown = |mode, seed, take, bar| -> Vec<f64> {
            let settings = Settings { mode, seed: Seed(seed), chord_take: take, ..Settings::default() };
            let whim = Whim { score: &score, settings: &settings };
            whim.noise(score.bar(BarNumber(bar)).start).take(4).collect()
        };
        let studio = |bar| thrown(Mode::Studio, 1, 2, bar);
        assert_eq!(studio(2), studio(6));
        assert_ne!(studio(1), studio(2));
        assert_ne!(studio(1), studio(3));
        let live = |bar| thrown(Mode::Live, 1, 2, bar);
        assert!((2..=6).all(|bar| live(bar) != live(1)));
        assert_eq!(live(4), live(4));
        assert_ne!(thrown(Mode::Live, 1, 3, 1), live(1));
        assert_ne!(thrown(Mode::Live, 2, 2, 1), live(1));
    }
}
