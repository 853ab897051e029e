//! Dynamics that follow the singer.

use crate::score::{Part, Phrase, Score};
use crate::time::Ticks;

/// Change of velocity for each dB that the singer is louder than usual.
const VELOCITY_PER_DB: f64 = 1.3;
/// Largest change.
const MOST: f64 = 12.0;
/// Swell towards the middle of a phrase and back, in velocity.
const ARCH: f64 = 4.0;

/// How loud the singer is around every beat, and where in a phrase that lies.
#[derive(Debug, Clone)]
pub struct Dynamics {
    /// (position, dB above the song's usual level), in order.
    levels: Vec<(Ticks, f64)>,
    phrases: Vec<Phrase>,
    /// Half of the window over which levels are averaged, in ticks.
    half_window: i64,
    /// Whether only what was sung before a position counts.
    causal: bool,
}

impl Dynamics {
    /// Dynamics of a song in which nothing has been sung.
    pub fn even() -> Self {
        Self { levels: Vec::new(), phrases: Vec::new(), half_window: 1, causal: true }
    }

    /// The dynamics of a score.
    pub fn new(score: &Score, causal: bool) -> Self {
        let usual = score.usual_level_dbfs();
        let mut sum = (0.0, 0.0);
        let levels = score
            .melody
            .iter()
            .map(|note| {
                // Live, "usual" is the mean of what was heard so far.
                sum = (sum.0 + note.level_dbfs, sum.1 + 1.0);
                let reference = if causal { sum.0 / sum.1 } else { usual };
                (note.end(), note.level_dbfs - reference)
            })
            .collect();
        Self { levels, phrases: score.phrases.clone(), half_window: score.meter.bar().0 / 2, causal }
    }

    /// dB by which the singer is louder than usual around a position.
    pub fn level_db(&self, at: Ticks) -> f64 {
        let (from, to) = if self.causal {
            (at.0 - 3 * self.half_window, at.0 - self.half_window / 2)
        } else {
            (at.0 - self.half_window, at.0 + self.half_window)
        };
        let first = self.levels.partition_point(|(position, _)| position.0 < from);
        let end = self.levels.partition_point(|(position, _)| position.0 <= to);
        let near = &self.levels[first..end];
        if near.is_empty() { 0.0 } else { near.iter().map(|(_, db)| db).sum::<f64>() / near.len() as f64 }
    }

    /// -1 at the ends of a phrase, 1 in its middle, 0 outside of any.
    fn arch(&self, at: Ticks) -> f64 {
        if self.causal {
            return 0.0;
        }
        let within = self.phrases.iter().find(|p| p.start <= at && at < p.end);
        within.map_or(0.0, |phrase| {
            let place = (at - phrase.start).0 as f64 / (phrase.end - phrase.start).0.max(1) as f64;
            1.0 - (2.0 * place - 1.0).powi(2) * 2.0
        })
    }

    /// Change of a part's velocity at a position.
    pub fn velocity_shift(&self, part: Part, at: Ticks) -> f64 {
        let share = match part {
            Part::Drums => 0.7,
            _ => 1.0,
        };
        (share * (VELOCITY_PER_DB * self.level_db(at) + ARCH * self.arch(at))).clamp(-MOST, MOST)
    }

    /// Expression of bowed parts at a position, 0 to 1.
    pub fn expression(&self, at: Ticks) -> f64 {
        (0.72 + 0.022 * self.level_db(at) + 0.09 * self.arch(at)).clamp(0.35, 1.0)
    }
}
