//! The next beat.

use super::{Causal, Locked};
use crate::follow::rhythm::Position;
use crate::song::Lead;

/// Share of a phase error that is corrected at each decision, two a beat. A quarter a beat is what string players do
/// (Wing et al., RSIF 2014); what is found here has been smoothed already, so more of it is taken.
const PHASE_GAIN: f64 = 0.85;
/// Share of a period error that is corrected at each decision.
const PERIOD_GAIN: f64 = 0.5;
/// Largest correction at one beat, as a share of the period.
const MOST_CORRECTION: f64 = 0.2;
/// How near a beat found must lie to the one found before, as a share of the period, to say the same.
const AGREES: f64 = 0.15;
/// Trust that each agreement adds.
const AGREED_TRUST: f64 = 0.3;
/// Shortest distance of two beats of a host whose tempo jumps, in seconds.
const SHORTEST_BEAT_S: f64 = 0.05;
/// Most trust by agreement alone.
const MOST_AGREED_TRUST: f64 = 0.9;

/// Probability of other bar lines with which the band takes them up, and how much likelier than its own they must be.
const BAR_TRUST: f64 = 0.4;
const BAR_ODDS: f64 = 4.0;
/// Decisions that must have found the same other bar lines.
const BAR_PATIENCE: usize = 2;

/// What is decided about the next beat.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prediction {
    pub beat_s: f64,
    pub period_s: f64,
    /// How much the search is believed, 0 to 1.
    pub trust: f64,
    /// How many times running the search has said the same.
    pub agreed: usize,
    pub position: Option<Position>,
}

/// What becomes of the bar lines at a beat: a singer who pauses, or leaves something out, takes them along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Turn {
    /// They stay.
    #[default]
    None,
    /// So many beats of the score are left out.
    Skip(usize),
    /// The score stands still for so many beats.
    Hold(usize),
}

impl Turn {
    /// The shorter way to a singer who is some beats ahead.
    pub fn ahead_by(beats: usize, per_bar: usize) -> Self {
        if 2 * beats <= per_bar { Self::Skip(beats) } else { Self::Hold(per_bar - beats) }
    }
}

/// Bar lines that lie elsewhere than the band's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Astray {
    /// Beats by which the singer is ahead of the band, less than a bar.
    beats: usize,
    /// Decisions that found the same.
    times: usize,
}

/// How far a distance is from a whole number of periods, -0.5 to 0.5 of one.
fn off_beat(distance_s: f64, period_s: f64) -> f64 {
    let beats = distance_s / period_s;
    beats - beats.round()
}

impl Causal {
    /// The beat after the last one.
    pub(super) fn predict(&self, locked: &Locked) -> Prediction {
        let last_s = locked.last_s();
        // The next beat lies a whole one ahead, or half a one from the middle on.
        let (from_s, beats) = locked.middle_s.map_or((last_s, 1.0), |middle_s| (middle_s, 0.5));
        let steady = Prediction {
            beat_s: from_s + beats * locked.period_s,
            period_s: locked.period_s,
            // Nothing speaks against what was found, or stated, before.
            trust: locked.confidence,
            agreed: 0,
            position: None,
        };
        if let (Lead::Host, Some(host)) = (self.settings.lead, self.host) {
            let next_s = host.time_of(locked.host_beat + locked.beats_s.len() as i64);
            let beat_s = next_s.max(last_s + SHORTEST_BEAT_S);
            return Prediction { beat_s, period_s: 60.0 / host.bpm, trust: 1.0, ..steady };
        }
        if self.settings.lead == Lead::Grid {
            return Prediction { trust: locked.confidence, ..steady };
        }
        let now_s = self.now_s();
        let Some(found) = self.tapped(locked, now_s).or_else(|| self.position(now_s)) else {
            return steady;
        };
        // Of the found period and its double and half, the one nearest to ours.
        let far = |ratio: f64| (ratio * found.period_s / locked.period_s).ln().abs();
        let ratio = [0.5, 1.0, 2.0].into_iter().min_by(|a, b| far(*a).total_cmp(&far(*b))).unwrap_or(1.0);
        let (near_s, near_period_s) = found.beat_near(from_s + beats * locked.period_s);
        let found_s = ratio * near_period_s;
        // A tracker that says the same from beat to beat is believed even where rivals are near.
        let agreed = match locked.last_position {
            Some(before) if off_beat(found.beat_s - before.beat_s, found_s).abs() < AGREES => {
                locked.agreed + 1
            }
            _ => 0,
        };
        let trust = found.probability.max((AGREED_TRUST * agreed as f64).min(MOST_AGREED_TRUST));
        let rubato = self.settings.rubato;
        let most = MOST_CORRECTION * locked.period_s;
        let period_s =
            locked.period_s + (rubato * PERIOD_GAIN * (found_s - locked.period_s)).clamp(-most, most);
        let expected = from_s + beats * period_s;
        let error = -off_beat(expected - near_s, found_s) * found_s;
        let beat_s = expected + (rubato * PHASE_GAIN * trust * error).clamp(-most, most);
        Prediction { beat_s, period_s, trust, agreed, position: Some(found) }
    }

    /// Remembers what a prediction was made of.
    pub(super) fn take_up(&mut self, prediction: Prediction) {
        let Some(locked) = &mut self.locked else { return };
        locked.period_s = prediction.period_s;
        locked.confidence = prediction.trust;
        locked.agreed = prediction.agreed;
        locked.last_position = prediction.position;
    }

    /// Where the bar lines go at the next beat. They follow the singer when they have been found elsewhere for some beats
    /// and hardly anything speaks for where they are.
    pub(super) fn turn(&mut self, next: Prediction) -> Turn {
        if let Some(turn) = self.said_turn() {
            return turn;
        }
        let is_in_song = self.in_song(self.now_s()).is_some();
        let (Some(locked), Some(found)) = (&mut self.locked, next.position) else { return Turn::None };
        let per_bar = locked.bars.meter.beats_per_bar();
        let ratio = found.period_s / locked.period_s;
        if found.meter != locked.bars.meter || !(0.75..1.33).contains(&ratio) {
            return Turn::None;
        }
        let passed = ((next.beat_s - found.beat_s) / found.period_s).round().max(0.0) as usize;
        let ours = locked.place(locked.beats_s.len());
        let ahead = (found.place + passed + per_bar - ours) % per_bar;
        let line_s = next.beat_s - ours as f64 * found.period_s;
        let ours_p = match is_in_song {
            true => 0.0,
            false => self.tracker.bars_begin_at(found.meter, line_s, found.period_s),
        };
        let is_sure = found.bar_probability >= BAR_TRUST.max(BAR_ODDS * ours_p);
        locked.astray = match locked.astray {
            _ if ahead == 0 || !is_sure => None,
            Some(before) if before.beats == ahead => Some(Astray { times: before.times + 1, ..before }),
            _ => Some(Astray { beats: ahead, times: 1 }),
        };
        if locked.astray.is_none_or(|astray| astray.times < BAR_PATIENCE) {
            return Turn::None;
        }
        locked.astray = None;
        Turn::ahead_by(ahead, per_bar)
    }
}
