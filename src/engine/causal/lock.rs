//! Finding the beat for the first time.

use super::link::ComposerLink;
use super::sung::steady_share;
use super::{Causal, Locked, State, ahead_s};
use crate::engine::EngineError;
use crate::follow::bar::{BarPhase, steady_bars};
use crate::follow::grid::{AT_ZERO_S, lay_bars, median_period};
use crate::follow::rhythm::{Beats, Expectation};
use crate::follow::studio::{GIVEN_LEAD, division, expectation};
use crate::follow::voice::held_share;
use crate::limits;
use crate::score::{Articulation, MidiNote, Part, Velocity};
use crate::song::Lead;

/// Seconds of singing before the band may enter.
const WARM_UP_S: f64 = 3.5;
/// Onsets before the band may enter.
const WARM_UP_ONSETS: usize = 6;
/// Doubt about the beat with which the band may enter, rising to any over [`PATIENCE_S`].
const SURE_DOUBT: f64 = 0.05;
/// Seconds of singing after which the band enters however unsure it is.
const PATIENCE_S: f64 = 9.0;
/// Doubt about a beat that is given beside the voice with which it is taken.
const BACKED_DOUBT: f64 = 0.4;
/// Onsets before the band may enter where the host, or what sounds beside the voice, gives the beat.
pub(super) const HOST_ONSETS: usize = 2;
/// Share of the voice whose pitch must stay for it to be singing, and for it to be so without a doubt: between them the
/// band enters only where it is sure of the beat.
const SUNG: (f64, f64) = (0.5, 0.65);
/// The last notes, of whose time a share must be held ([`limits::MIN_HELD_SHARE`]): syllables that are spoken are short.
const HELD_NOTES: usize = 24;

/// What a count-in is struck on, in General MIDI's percussion map: the cross stick.
const COUNT_KEY: u8 = 37;
/// How loud its first beats and the others are.
const COUNT_VELOCITY: (f64, f64) = (100.0, 84.0);

/// The beat, as it was found or stated.
struct Found {
    beats_s: Vec<f64>,
    bars: BarPhase,
    period_s: f64,
    confidence: f64,
    /// Number of the first beat in the host's count.
    host_beat: i64,
    /// Where bar 1 is looked for, in seconds.
    first_s: f64,
    /// Bars before bar 1 whose beats keep their time.
    lead_in_bars: u32,
}

impl Causal {
    pub(super) fn try_to_lock(
        &mut self,
        now_s: f64,
        composer: &mut dyn ComposerLink,
    ) -> Result<(), EngineError> {
        if let (Some(bar_one_s), Some(period_s)) = (self.first_bar_s(), self.stated_period_s())
            && self.settings.lead != Lead::Host
            && !self.is_relocking
        {
            return self.lock_to_bar_one(bar_one_s, period_s, now_s, composer);
        }
        let leads = self.settings.lead;
        if leads == Lead::Host {
            return match self.onsets.first() {
                Some(first) if self.onsets.len() >= HOST_ONSETS => self.lock_to_host(first.time_s, now_s),
                _ => Ok(()),
            };
        }
        if self.onsets.len() < WARM_UP_ONSETS && !self.backing.is_enough() {
            return Ok(());
        }
        if self.backing.is_enough() && self.awaits_pulse(now_s) {
            return Ok(());
        }
        let Some((position, path)) = self.position(now_s).zip(self.tracker.path()) else {
            return Ok(());
        };
        let doubt = 1.0 - position.probability;
        let backed_s = self.backed_since_s(now_s, position.period_s).filter(|_| doubt < BACKED_DOUBT);
        let Some(first_s) = backed_s.or_else(|| self.sung_since_s(now_s, doubt)) else { return Ok(()) };
        let awaits_voice = backed_s.is_some() && !self.settings.gives_all_chords();
        let Beats { beats_s, mut bars } = path.beats(now_s);
        let beats_s = at_level(&beats_s, self.settings.repairs.beat_level);
        if leads == Lead::Grid || self.settings.repairs.beat_level != 0 {
            // The bars of the free beat do not fit these.
            let division = division(bars.meter, self.settings.feel);
            bars = steady_bars(&beats_s, &self.notes, &[], division, Some(bars.meter));
        }
        if let Some(bar_one_s) = self.first_bar_s() {
            bars.begin_at(bar_one_s, &beats_s);
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
        let confidence = position.probability;
        let found = Found { beats_s, bars, period_s, confidence, host_beat: 0, first_s, lead_in_bars: 0 };
        self.lock(found, now_s)?;
        if let Some(locked) = &mut self.locked {
            locked.awaits_voice = awaits_voice;
        }
        Ok(())
    }

    /// When the singing began, in seconds, if enough was sung for the doubt that is left about the beat, and is no speech.
    fn sung_since_s(&self, now_s: f64, doubt: f64) -> Option<f64> {
        let first_s = self.onsets.first()?.time_s;
        let sung_s = now_s - first_s;
        if self.onsets.len() < WARM_UP_ONSETS || sung_s < WARM_UP_S || self.notes.len() < 3 {
            return None;
        }
        if self.is_relocking {
            return Some(first_s);
        }
        if !self.is_sung() {
            return None;
        }
        let steady = steady_share(&self.observations);
        let unsung = ((SUNG.1 - steady) / (SUNG.1 - SUNG.0)).clamp(0.0, 1.0);
        let patience = 1.0 - ((sung_s - WARM_UP_S) / (PATIENCE_S - WARM_UP_S)).clamp(0.0, 1.0);
        (doubt <= SURE_DOUBT.powf(patience.max(unsung))).then_some(first_s)
    }

    /// Whether what was heard last is sung: neither spoken nor struck.
    pub(super) fn is_sung(&self) -> bool {
        let recent = &self.notes[self.notes.len().saturating_sub(HELD_NOTES)..];
        steady_share(&self.observations) >= SUNG.0
            && held_share(recent, &self.observations) >= limits::MIN_HELD_SHARE
    }

    /// Takes the beats that were stated, from the first one that lies within the take. Bar 1 is asked for where there is
    /// time for it.
    fn lock_to_bar_one(
        &mut self,
        bar_one_s: f64,
        period_s: f64,
        now_s: f64,
        composer: &mut dyn ComposerLink,
    ) -> Result<(), EngineError> {
        let meter = self.settings.given_meter();
        let per_bar = meter.beats_per_bar() as i64;
        let first = -(((bar_one_s - AT_ZERO_S) / period_s).floor() as i64);
        let last = (((now_s - bar_one_s) / period_s).ceil() as i64).max(first + 1);
        let beats_s: Vec<f64> = (first..=last).map(|beat| bar_one_s + beat as f64 * period_s).collect();
        let mut bars =
            BarPhase { meter, first_downbeat: (-first).rem_euclid(per_bar) as usize, lead: GIVEN_LEAD };
        bars.shift(self.settings.repairs.bar_shift);
        self.count_in(bar_one_s, period_s, now_s);
        let lead_in_bars = (-first).max(0).cast_unsigned().div_ceil(per_bar.cast_unsigned()) as u32;
        let found = Found {
            beats_s,
            bars,
            period_s,
            confidence: 1.0,
            host_beat: first,
            first_s: bar_one_s,
            lead_in_bars,
        };
        self.lock(found, now_s)?;
        let Some(locked) = &self.locked else { return Ok(()) };
        let last = locked.beats_s.len() - 1;
        let (tick, is_bar) = (locked.tick(last), locked.place(last) == 0);
        if is_bar && now_s <= locked.last_s() - ahead_s(self.timing) {
            self.ask_bar(tick, now_s, composer);
        }
        Ok(())
    }

    /// Whether the band counts in, and nobody sings yet but for an upbeat.
    pub(super) fn counts_in(&self, now_s: f64) -> bool {
        let bar_one_s = self.settings.first_bar_s().filter(|_| self.settings.count_in_bars > 0);
        let beat_s = self.settings.bpm.map_or(0.0, |bpm| bpm.beat_period_s());
        bar_one_s.is_some_and(|bar_one_s| now_s < bar_one_s - beat_s)
    }

    /// Counts in with sticks.
    fn count_in(&mut self, bar_one_s: f64, period_s: f64, now_s: f64) {
        let meter = self.settings.given_meter();
        let beats = self.settings.count_in_bars as usize * meter.beats_per_bar();
        for beat in 0..beats {
            let at_s = bar_one_s - (beats - beat) as f64 * period_s;
            if at_s < now_s {
                continue;
            }
            let velocity =
                if beat.is_multiple_of(meter.beats_per_bar()) { COUNT_VELOCITY.0 } else { COUNT_VELOCITY.1 };
            let note = (MidiNote(COUNT_KEY), Velocity::clamped(velocity), Articulation::Normal);
            self.releaser.strike(Part::Drums, note, at_s - self.timing.round_trip_s, &mut self.events);
        }
    }

    /// Takes the host's beats, from the one before the first onset.
    fn lock_to_host(&mut self, first_s: f64, now_s: f64) -> Result<(), EngineError> {
        let Some(host) = self.host else { return Ok(()) };
        let meter = self.settings.given_meter();
        // No beat lies before the input.
        let earliest = host.beat_at(0.0).ceil() as i64;
        let first = (host.beat_at(first_s).floor() as i64).max(earliest);
        let last = (host.beat_at(now_s).floor() as i64).max(first + 1);
        let beats_s = (first..=last).map(|beat| host.time_of(beat)).collect();
        let per_bar = meter.beats_per_bar() as i64;
        let mut bars =
            BarPhase { meter, first_downbeat: (-first).rem_euclid(per_bar) as usize, lead: GIVEN_LEAD };
        bars.shift(self.settings.repairs.bar_shift);
        let found = Found {
            beats_s,
            bars,
            period_s: 60.0 / host.bpm,
            confidence: 1.0,
            host_beat: first,
            first_s,
            lead_in_bars: 0,
        };
        self.lock(found, now_s)
    }

    fn lock(&mut self, found: Found, now_s: f64) -> Result<(), EngineError> {
        let Found { beats_s, bars, period_s, confidence, host_beat, first_s, lead_in_bars } = found;
        let grid = lay_bars(&beats_s, bars.meter, bars.first_downbeat, first_s, lead_in_bars)?;
        self.locked = Some(Locked {
            known_s: vec![now_s; beats_s.len()],
            sure: vec![confidence; beats_s.len()],
            states: vec![State::Listening; beats_s.len()],
            beats_s,
            bars,
            grid,
            period_s,
            confidence,
            agreed: 0,
            last_position: None,
            host_beat,
            has_entered: false,
            awaits_voice: false,
            middle_s: None,
            has_ended: false,
            state: State::Listening,
            hold: None,
            held: Vec::new(),
            reentry_onsets: 0,
            asked_bar: None,
            bars_ahead: 0,
            astray: None,
        });
        if self.is_relocking {
            // Positions are counted anew: what sounds ends, and nothing of the old count is played.
            self.releaser.restart(now_s + self.timing.deadline_s, &mut self.events);
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
