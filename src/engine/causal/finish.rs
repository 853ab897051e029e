//! The end of a take.

use super::{Band, Causal, Wanted};
use crate::engine::{BeatReport, EngineError, Session};
use crate::follow::FollowError;
use crate::follow::voice::{check_voice, no_voice};
use crate::listen::Heard;

/// Sung and played beats are the same within this share of a period.
const SAME_BEAT: f64 = 0.5;

/// The time nearest to another, if it lies within some seconds of it.
fn nearest(times_s: &[f64], to_s: f64, within_s: f64) -> Option<f64> {
    let after = times_s.partition_point(|time| *time < to_s);
    let near =
        [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|index| times_s.get(index));
    near.copied()
        .filter(|time| (time - to_s).abs() <= within_s)
        .min_by(|a, b| (a - to_s).abs().total_cmp(&(b - to_s).abs()))
}

impl Causal {
    /// Ends the take: the band closes with one chord in the bar after the last one it was given.
    pub fn finish(mut self, duration_s: f64, band: &mut Band) -> Result<Session, EngineError> {
        let (segmenter, observations) = (&mut self.segmenter, &mut self.observations);
        let (notes, onsets) = (&mut self.notes, &mut self.onsets);
        let mut keep = |heard| match heard {
            Heard::Onset(onset) => onsets.push(onset),
            Heard::Note(note) => notes.push(note),
        };
        self.listener.finish(&mut |observation| {
            observations.push(observation);
            segmenter.process(&observation, &mut keep);
        });
        segmenter.finish(duration_s, &mut keep);
        check_voice(&self.notes, &self.observations)?;
        // What kept the band out was not that the take was short.
        if self.locked.is_none() && !self.is_sung() {
            return Err(no_voice(&self.notes, &self.observations).into());
        }
        self.end_hold(duration_s)?;
        let too_short = FollowError::TooShortForLive { duration_s };
        let Some(request) = self.request(Wanted::End, duration_s) else { return Err(too_short.into()) };
        let has_ended = self.locked.as_ref().is_some_and(|locked| locked.has_ended);
        let closing = if has_ended { None } else { band.answer(&request)? };
        if closing.is_none() && !has_ended {
            return Err(too_short.into());
        }
        let Some((score, other_takes)) = band.finish(&request)? else { return Err(too_short.into()) };
        if let Some(closing) = closing {
            self.take_answer(closing);
        }
        // What is still to come was decided by the last beat; nothing holds it up.
        self.timing.deadline_s = f64::NEG_INFINITY;
        self.release(score.end() + score.meter.bar(), duration_s);
        let locked = self.locked.as_ref();
        let sung = self.tracker.path().map_or_else(Vec::new, |path| path.beats(duration_s).beats_s);
        let beats = locked.into_iter().flat_map(|locked| {
            (0..locked.beats_s.len()).map(|index| BeatReport {
                time_s: locked.beats_s[index],
                beat: locked.place(index) + 1,
                known_s: locked.known_s[index] + self.late_s(),
                confidence: locked.sure[index],
                state: locked.states[index],
                sung_s: nearest(&sung, locked.beats_s[index], SAME_BEAT * locked.period_s),
            })
        });
        let beats = beats.collect();
        let mut take = request.take;
        take.observations = std::mem::take(&mut self.observations);
        Ok(Session {
            take,
            score,
            beats,
            pad_s: 0.0,
            composer: band.composer(),
            other_takes,
            latency_s: self.latency_s,
            played: Some(self.events),
        })
    }
}
