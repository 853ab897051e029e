//! Standing still with the singer: fermatas, and silences that are waited through.
//!
//! The band lands on the beat where it learns of the hold, and what begins there sounds until the singer goes on. The
//! beats between are laid when that is heard, so that the place of the first sung note is the singer's.

use super::link::ComposerLink;
use super::state::STOPPED_BARS;
use super::{Causal, Locked, ahead_s};
use crate::engine::EngineError;
use crate::score::Part;
use crate::song::{Lead, WhenStopped};
use crate::time::{TickCount, Ticks};

/// A note is held when it lasts so many beats more than any before it.
const HELD_BEATS: f64 = 1.0;
/// The longest note before it counts as at least, and at most, so many beats.
const LONGEST_BEATS: (f64, f64) = (3.0, 6.0);
/// No note is held before it lasts so long, in seconds.
const LEAST_HELD_S: f64 = 1.5;
/// Rubato below which nothing is waited for.
const LEAST_RUBATO: f64 = 0.25;
/// A singer who has ended the held note is waited for through so many bars.
const AFTER_BARS: f64 = 1.25;
/// The same where the song is known and says what comes next.
const KNOWN_BARS: f64 = 4.5;

/// A score that stands still.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hold {
    /// Onsets that were heard before.
    onsets: usize,
    /// Whether the band lands on a beat and lets it sound.
    lands: bool,
    /// Through how many bars of silence it lasts.
    patience_bars: f64,
}

impl Locked {
    /// Where what has not been played yet begins: a fermata lands on the beat, a silence does not.
    fn resumes_at(&self, last: usize, hold: Hold) -> Ticks {
        self.tick(last) + TickCount(i64::from(hold.lands))
    }
}

impl Causal {
    /// Whether the singer holds a note longer than the tempo explains, or has stopped where that is waited for.
    pub(super) fn wants_to_hold(&self, now_s: f64) -> Option<Hold> {
        let locked = self.locked.as_ref()?;
        if self.settings.lead != Lead::Voice || self.settings.rubato < LEAST_RUBATO || !locked.has_entered {
            return None;
        }
        if self.backed_since_s(now_s, locked.period_s).is_some() {
            // What sounds beside the voice goes on.
            return None;
        }
        let hold = |lands, patience_bars| Hold { onsets: self.onsets.len(), lands, patience_bars };
        let bar_s = locked.period_s * locked.bars.meter.beats_per_bar() as f64;
        let next_is_bar = locked.place(locked.beats_s.len() - 1) == 0;
        if self.settings.when_stopped == WhenStopped::Wait
            && next_is_bar
            && self.rest_s(now_s) > STOPPED_BARS * bar_s
        {
            return Some(hold(false, f64::INFINITY));
        }
        if let Some(found) = self.in_song(now_s) {
            // The next note of the song is overdue.
            let patience =
                if self.settings.when_stopped == WhenStopped::Wait { f64::INFINITY } else { KNOWN_BARS };
            return found.waiting.map(|_| hold(true, patience));
        }
        let note = self.segmenter.open_note()?;
        let sung_s = now_s - note.onset_s;
        let longest_s = self.notes.iter().filter(|n| !locked.held.contains(&n.onset_s.to_bits()));
        let longest = longest_s.map(|n| n.duration_s()).fold(0.0, f64::max) / locked.period_s;
        let most = longest.clamp(LONGEST_BEATS.0, LONGEST_BEATS.1) + HELD_BEATS;
        (sung_s > LEAST_HELD_S && sung_s > most * locked.period_s).then(|| hold(true, AFTER_BARS))
    }

    /// Lands on the last beat that was decided and stands still there.
    pub(super) fn hold(
        &mut self,
        hold: Hold,
        now_s: f64,
        composer: &mut dyn ComposerLink,
    ) -> Result<(), EngineError> {
        let note = self.segmenter.open_note();
        self.collect(composer)?;
        let Some(locked) = &mut self.locked else { return Ok(()) };
        locked.hold = Some(hold);
        locked.held.extend(note.map(|note| note.onset_s.to_bits()));
        let last = locked.beats_s.len() - 1;
        let landing = locked.tick(last) + TickCount(1);
        let next_bar = (last + 1..).find(|beat| locked.place(*beat) == 0).map(|beat| locked.tick(beat));
        if hold.lands {
            self.release(landing, now_s);
        }
        // What comes after the hold has to be there when it ends.
        if let Some(tick) = next_bar {
            self.ask_bar(tick, now_s, composer);
        }
        Ok(())
    }

    /// Goes on at the end of the take: the next bar begins there.
    pub(super) fn end_hold(&mut self, at_s: f64) -> Result<(), EngineError> {
        let Some(locked) = &mut self.locked else { return Ok(()) };
        let Some(hold) = locked.hold.take() else { return Ok(()) };
        let last = locked.beats_s.len() - 1;
        let next = (last + 1..).find(|beat| locked.place(*beat) == 0).unwrap_or(last + 1);
        let (from_s, sure) = (locked.last_s(), locked.confidence);
        let at_s = at_s.max(from_s + locked.period_s);
        for step in 1..=next - last {
            locked.push_beat(from_s + (at_s - from_s) * step as f64 / (next - last) as f64, at_s, sure)?;
        }
        let until = locked.tick(next);
        self.releaser.leave_out(locked.resumes_at(last, hold), until);
        Ok(())
    }

    /// Goes on when the singer does; whether it does now.
    pub(super) fn goes_on(
        &mut self,
        now_s: f64,
        composer: &mut dyn ComposerLink,
    ) -> Result<bool, EngineError> {
        let Some(locked) = &self.locked else { return Ok(false) };
        let Some(hold) = locked.hold else { return Ok(false) };
        let last = locked.beats_s.len() - 1;
        let per_bar = locked.bars.meter.beats_per_bar();
        let period_s = locked.period_s;
        let is_sung = self.onsets.len() > hold.onsets;
        let gives_up = self.rest_s(now_s) > hold.patience_bars * per_bar as f64 * period_s;
        let (place, at_s) = if is_sung {
            let onset_s = self.onsets[self.onsets.len() - 1].time_s;
            match self.position(now_s) {
                Some(found) if found.meter == locked.bars.meter => (found.place, found.beat_s),
                _ => (locked.place(last + 1), onset_s),
            }
        } else if gives_up {
            (0, now_s + ahead_s(self.timing))
        } else {
            return Ok(false);
        };
        let next = (last + 1..).find(|beat| locked.place(*beat) == place).unwrap_or(last + 1);
        let mut at_s = at_s;
        while at_s < locked.last_s() + 0.5 * period_s {
            at_s += period_s;
        }
        let (from_s, steps) = (locked.last_s(), next - last);
        self.collect(composer)?;
        let Some(locked) = &mut self.locked else { return Ok(false) };
        locked.hold = None;
        locked.reentry_onsets = if is_sung { self.onsets.len() } else { 0 };
        let sure = locked.confidence;
        for step in 1..=steps {
            locked.push_beat(from_s + (at_s - from_s) * step as f64 / steps as f64, now_s, sure)?;
        }
        let until = locked.tick(next);
        self.releaser.leave_out(locked.resumes_at(last, hold), until);
        if at_s < now_s {
            // Whoever strings chords can still join the singer; a stroke that is late is wrong.
            self.releaser.rest(Part::Drums, until);
        }
        self.release(until, now_s);
        Ok(true)
    }
}
