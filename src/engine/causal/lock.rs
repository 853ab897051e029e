//! Finding the beat for the first time.

use super::{Causal, Locked};
use crate::engine::EngineError;
use crate::follow::bar::{BarPhase, steady_bars};
use crate::follow::grid::{lay_bars, median_period};
use crate::follow::rhythm::{Beats, Expectation};
use crate::follow::studio::{GIVEN_LEAD, division, expectation, given_meter};
use crate::song::Lead;

/// Seconds of singing before the band may enter.
const WARM_UP_S: f64 = 3.5;
/// Onsets before the band may enter.
const WARM_UP_ONSETS: usize = 6;
/// Doubt about the beat with which the band may enter, rising to any over [`PATIENCE_S`].
const SURE_DOUBT: f64 = 0.05;
/// Seconds of singing after which the band enters however unsure it is.
const PATIENCE_S: f64 = 9.0;
/// Onsets before the band may enter where the host gives the beat.
const HOST_ONSETS: usize = 2;

impl Causal {
    pub(super) fn try_to_lock(&mut self, now_s: f64) -> Result<(), EngineError> {
        let Some(first) = self.onsets.first() else { return Ok(()) };
        let (first_s, sung_s) = (first.time_s, now_s - first.time_s);
        let leads = self.settings.lead;
        if leads == Lead::Host {
            return if self.onsets.len() < HOST_ONSETS { Ok(()) } else { self.lock_to_host(first_s, now_s) };
        }
        if self.onsets.len() < WARM_UP_ONSETS || sung_s < WARM_UP_S || self.notes.len() < 3 {
            return Ok(());
        }
        let Some((position, path)) = self.tracker.position(now_s).zip(self.tracker.path()) else {
            return Ok(());
        };
        let patience = 1.0 - ((sung_s - WARM_UP_S) / (PATIENCE_S - WARM_UP_S)).clamp(0.0, 1.0);
        let doubt = 1.0 - position.probability;
        if doubt > SURE_DOUBT.powf(patience) && !self.is_relocking {
            return Ok(());
        }
        let Beats { beats_s, mut bars } = path.beats(now_s);
        let beats_s = at_level(&beats_s, self.settings.repairs.beat_level);
        if leads == Lead::Grid || self.settings.repairs.beat_level != 0 {
            // The bars of the free beat do not fit these.
            let division = division(bars.meter, self.settings.feel);
            bars = steady_bars(&beats_s, &self.notes, &[], division, Some(bars.meter));
        }
        bars.shift(self.settings.repairs.bar_shift);
        let period_s = match self.settings.bpm {
            Some(bpm) if leads == Lead::Grid => bpm.beat_period_s(),
            _ => median_period(&beats_s),
        };
        // From here on the metre and the level of the beat are settled.
        let expected = expectation(&self.settings);
        let found_s = Some(median_period(&path.beats(now_s).beats_s));
        self.track_anew(Expectation { meters: vec![(path.meter, 1.0)], period_s: found_s, ..expected });
        self.lock(beats_s, bars, period_s, position.probability, 0, first_s, now_s)
    }

    /// Takes the host's beats, from the one before the first onset.
    fn lock_to_host(&mut self, first_s: f64, now_s: f64) -> Result<(), EngineError> {
        let Some(host) = self.host else { return Ok(()) };
        let meter = given_meter(&self.settings);
        // No beat lies before the input.
        let earliest = host.beat_at(0.0).ceil() as i64;
        let first = (host.beat_at(first_s).floor() as i64).max(earliest);
        let last = (host.beat_at(now_s).floor() as i64).max(first + 1);
        let beats_s = (first..=last).map(|beat| host.time_of(beat)).collect();
        let per_bar = meter.beats_per_bar() as i64;
        let mut bars =
            BarPhase { meter, first_downbeat: (-first).rem_euclid(per_bar) as usize, lead: GIVEN_LEAD };
        bars.shift(self.settings.repairs.bar_shift);
        self.lock(beats_s, bars, 60.0 / host.bpm, 1.0, first, first_s, now_s)
    }

    #[expect(clippy::too_many_arguments, reason = "all that is decided at once when the beat is found")]
    fn lock(
        &mut self,
        beats_s: Vec<f64>,
        bars: BarPhase,
        period_s: f64,
        confidence: f64,
        host_beat: i64,
        first_s: f64,
        now_s: f64,
    ) -> Result<(), EngineError> {
        let grid = lay_bars(&beats_s, bars.meter, bars.first_downbeat, first_s, 0)?;
        self.locked = Some(Locked {
            known_s: vec![now_s; beats_s.len()],
            sure: vec![confidence; beats_s.len()],
            beats_s,
            bars,
            grid,
            period_s,
            confidence,
            agreed: 0,
            last_position: None,
            host_beat,
            has_entered: false,
        });
        if self.is_relocking {
            // Positions are counted anew: what sounds ends, and nothing of the old count is played.
            self.releaser.restart(now_s + self.settings.timing.deadline_s, &mut self.events);
            self.is_relocking = false;
        }
        Ok(())
    }
}

/// Every second beat, every beat, or the beats and their middles.
pub(in crate::engine) fn at_level(beats_s: &[f64], level: i8) -> Vec<f64> {
    match level {
        i8::MIN..0 => beats_s.iter().copied().step_by(2).collect(),
        0 => beats_s.to_vec(),
        _ => {
            let middles = beats_s.windows(2).flat_map(|pair| [pair[0], (pair[0] + pair[1]) / 2.0]);
            middles.chain(beats_s.last().copied()).collect()
        }
    }
}
