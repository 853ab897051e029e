//! Dynamics that follow the singer: level and register, from beat to beat.

use crate::compose::intensity::{Giving, Intensity, Tone};
use crate::score::{Part, Phrase, Score};
use crate::time::Ticks;

/// Change of velocity for each dB that the singer is louder than usual.
const VELOCITY_PER_DB: f64 = 2.0;
/// Change of velocity for each semitone that the singer is higher than usual.
const VELOCITY_PER_SEMITONE: f64 = 0.9;
/// Largest change.
const MOST: f64 = 16.0;
/// Swell towards the middle of a phrase and back, in velocity.
const ARCH: f64 = 3.0;
/// Expression of bowed parts at the usual level and pitch, and its change for a dB, a semitone and the swell.
const EXPRESSION: (f64, f64, f64, f64) = (0.72, 0.022, 0.010, 0.07);

/// How loud and how high the singer is around every beat, and where in a phrase that lies.
#[derive(Debug, Clone)]
pub struct Dynamics {
    intensity: Intensity,
    /// Phrases that are known as a whole.
    phrases: Vec<Phrase>,
}

impl Dynamics {
    /// Dynamics of a song in which nothing has been sung.
    pub fn even() -> Self {
        Self { intensity: Intensity::default(), phrases: Vec::new() }
    }

    /// The dynamics of a score; `causal` where its melody is what was heard so far, and phrases may go on.
    pub fn new(score: &Score, causal: bool) -> Self {
        let phrases = if causal { Vec::new() } else { score.phrases.clone() };
        Self { intensity: Intensity::of(score, causal), phrases }
    }

    /// Takes a tone that was heard since: a new one, or more of the last one.
    pub fn hear(&mut self, tone: Tone) {
        self.intensity.hear(tone);
    }

    /// Takes over what others have heard later.
    pub fn catch_up(&mut self, others: &Self) {
        self.intensity.catch_up(&others.intensity);
    }

    /// 0 at the beginning of a phrase and outside of any, 1 in its middle, -1 at its end.
    fn arch(&self, at: Ticks) -> f64 {
        let within = self.phrases.iter().find(|p| p.start <= at && at < p.end);
        within.map_or(0.0, |phrase| {
            let place = (at - phrase.start).0 as f64 / (phrase.end - phrase.start).0.max(1) as f64;
            let bend = if place < 0.5 { 1.0 } else { 2.0 };
            1.0 - (2.0 * place - 1.0).powi(2) * bend
        })
    }

    /// Change of a part's velocity at a position; it never falls where level or pitch rise.
    pub fn velocity_shift(&self, part: Part, at: Ticks) -> f64 {
        let share = match part {
            Part::Drums => 0.7,
            _ => 1.0,
        };
        let Giving { level_db, semitones } = self.intensity.at(at);
        let shift = VELOCITY_PER_DB * level_db + VELOCITY_PER_SEMITONE * semitones + ARCH * self.arch(at);
        (share * shift).clamp(-MOST, MOST)
    }

    /// Expression of bowed parts at a position, 0 to 1.
    pub fn expression(&self, at: Ticks) -> f64 {
        let (usual, per_db, per_semitone, arch) = EXPRESSION;
        let Giving { level_db, semitones } = self.intensity.at(at);
        (usual + per_db * level_db + per_semitone * semitones + arch * self.arch(at)).clamp(0.35, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::sung::{at, lines, score};

    fn shifts(change: impl Fn(usize) -> (u8, f64)) -> Vec<f64> {
        let mut rows = lines(3, 2);
        for (index, row) in rows.iter_mut().enumerate() {
            let (semitones, louder_db) = change(index);
            row.2 += semitones;
            row.3 += louder_db;
        }
        let dynamics = Dynamics::new(&score(12, &rows, &["A"], 0.5), false);
        (0..96).map(|half| dynamics.velocity_shift(Part::Guitar, at(f64::from(half) / 2.0))).collect()
    }

    #[test]
    fn velocity_never_falls_where_level_or_pitch_rise_and_stays_within_bounds() {
        let changed = |semitones: u8, louder_db: f64| {
            shifts(move |index| if index % 7 == 3 { (semitones, louder_db) } else { (0, 0.0) })
        };
        let mut last = changed(0, 0.0);
        for step in 1..12u8 {
            for now in [changed(step, f64::from(step) - 1.0), changed(step, f64::from(step))] {
                assert!(now.iter().zip(&last).all(|(now, last)| now >= last), "{step}");
                assert!(now.iter().sum::<f64>() > last.iter().sum::<f64>(), "{step}");
                assert!(now.iter().all(|shift| shift.abs() <= MOST));
                last = now;
            }
        }
    }

    #[test]
    fn from_one_half_beat_to_the_next_it_moves_less_than_a_third_of_what_there_is() {
        // A singer who leaps by an octave and 12 dB from beat to beat, and one who does so once.
        for every in [1, 20] {
            let shifts = shifts(|index| if index / every % 2 == 0 { (0, 0.0) } else { (12, 12.0) });
            let most = shifts.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
            assert!(most > 1.0 && most < 2.0 * MOST / 3.0, "{most}");
        }
    }
}
