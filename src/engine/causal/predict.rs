//! The next beat.

use super::{Causal, Locked};
use crate::follow::rhythm::Position;
use crate::song::Lead;

/// Share of a phase error that is corrected at the next beat. A quarter is what string players do (Wing et al., RSIF
/// 2014); a voice is sparser evidence that has been smoothed already, so more of it is taken.
const PHASE_GAIN: f64 = 0.5;
/// Share of a period error that is corrected at the next beat.
const PERIOD_GAIN: f64 = 0.4;
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

/// How far a distance is from a whole number of periods, -0.5 to 0.5 of one.
fn off_beat(distance_s: f64, period_s: f64) -> f64 {
    let beats = distance_s / period_s;
    beats - beats.round()
}

impl Causal {
    /// The beat after the last one.
    pub(super) fn predict(&self, locked: &Locked) -> Prediction {
        let last_s = locked.last_s();
        let steady = Prediction {
            beat_s: last_s + locked.period_s,
            period_s: locked.period_s,
            trust: 0.0,
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
        let Some(found) = self.tracker.position(self.now_s()) else { return steady };
        // Of the found period and its double and half, the one nearest to ours.
        let found_s = [0.5, 1.0, 2.0]
            .map(|ratio| found.period_s * ratio)
            .into_iter()
            .min_by(|a, b| (a / locked.period_s).ln().abs().total_cmp(&(b / locked.period_s).ln().abs()))
            .unwrap_or(found.period_s);
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
        let expected = last_s + period_s;
        let error = -off_beat(expected - found.beat_s, found_s) * found_s;
        let beat_s = expected + (rubato * PHASE_GAIN * trust * error).clamp(-most, most);
        Prediction { beat_s, period_s, trust, agreed, position: Some(found) }
    }
}
