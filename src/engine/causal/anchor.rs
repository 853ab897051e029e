//! What a singer says with a key or a button, which holds whatever has been heard.

use std::collections::VecDeque;

use super::predict::Turn;
use super::{Causal, HostTime, Locked};
use crate::follow::rhythm::{Expectation, Position};
use crate::follow::studio::expectation;
use crate::song::{Anchor, Gesture, Lead, TapRow};

/// For so many beats after the last tap, the taps are the beat.
const TAPPED_BEATS: f64 = 4.0;
/// Ratios of the tapped period to the band's between which both count the same beats.
const SAME_LEVEL: std::ops::Range<f64> = 0.75..1.33;

/// What has been said.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Anchors of the settings that have been taken.
    taken: usize,
    /// What was said and lies ahead of what has been heard.
    coming: VecDeque<Anchor>,
    /// Where bar 1 begins, in seconds.
    pub bar_one_s: Option<f64>,
    taps: TapRow,
    /// Beats by which the singer's bar lines were said to be ahead of the band's.
    ahead: Option<usize>,
    /// How full the band plays in the section that was called for, 0 to 1.
    pub energy: Option<f64>,
    /// The band is to end.
    pub is_ending: bool,
}

impl Causal {
    /// Takes what the settings and the singer say up to now.
    pub(super) fn take_anchors(&mut self, now_s: f64) {
        while let Some(anchor) = self.settings.anchors.get(self.said.taken).copied() {
            if anchor.at_s > now_s {
                break;
            }
            self.said.taken += 1;
            self.take_anchor(anchor);
        }
        while let Some(anchor) = self.said.coming.pop_front_if(|anchor| anchor.at_s <= now_s) {
            self.take_anchor(anchor);
        }
    }

    /// Takes what the singer says, which holds from its moment on. What is said is in order.
    pub fn say(&mut self, anchor: Anchor) {
        self.said.coming.push_back(anchor);
    }

    fn take_anchor(&mut self, anchor: Anchor) {
        let Anchor { gesture, at_s } = anchor;
        match gesture {
            Gesture::BarOne => {
                self.said.bar_one_s = Some(at_s);
                self.said.is_ending = false;
                self.said.ahead = self.locked.as_ref().map(|locked| locked.bar_line_is(at_s));
                if let Some(locked) = &mut self.locked {
                    locked.has_ended = false;
                }
            }
            Gesture::Tap => self.tap(at_s),
            Gesture::End => self.said.is_ending = true,
            Gesture::Verse | Gesture::Chorus | Gesture::Break | Gesture::AsSung => {
                self.said.energy = gesture.energy().flatten();
            }
        }
    }

    fn tap(&mut self, at_s: f64) {
        let states_tempo = self.said.taps.tap(at_s);
        let (Some(period_s), Some(first_s)) = (self.said.taps.period_s(), self.said.taps.first_s()) else {
            return;
        };
        if self.settings.lead == Lead::Host {
            // Whoever taps leads, and the host no longer does. The first tap is the first beat of a bar.
            let beats = (self.said.taps.count() - 1) as f64;
            self.host = Some(HostTime { at_s, beats, bpm: 60.0 / period_s });
        }
        if !states_tempo {
            return;
        }
        self.said.bar_one_s = Some(first_s);
        self.said.ahead = self.locked.as_ref().map(|locked| locked.bar_line_is(first_s));
        self.backing.pulse.unsettle();
        // What was heard is followed anew under the tapped tempo.
        self.track_anew(Expectation { period_s: Some(period_s), ..expectation(&self.settings) });
        let is_other = self.settings.lead == Lead::Host
            || self.locked.as_ref().is_some_and(|locked| !SAME_LEVEL.contains(&(period_s / locked.period_s)));
        if is_other {
            self.lock_anew();
        }
    }

    /// Whether the host is no longer asked where the beats lie.
    pub(super) fn is_led_by_taps(&self) -> bool {
        self.said.taps.period_s().is_some()
    }

    /// Where bar 1 begins, in seconds, if it was said or stated.
    pub(super) fn first_bar_s(&self) -> Option<f64> {
        self.said.bar_one_s.or(self.settings.first_bar_s())
    }

    /// The beat period in seconds, if it was tapped or stated.
    pub(super) fn stated_period_s(&self) -> Option<f64> {
        self.said.taps.period_s().or(self.settings.bpm.map(|bpm| bpm.beat_period_s()))
    }

    /// The tapped beat, for some beats after the last tap.
    pub(super) fn tapped(&self, locked: &Locked, now_s: f64) -> Option<Position> {
        let period_s = self.said.taps.period_s()?;
        let last_s = self.said.taps.last_s()?;
        let passed = ((now_s - last_s) / period_s).floor().max(0.0);
        (passed < TAPPED_BEATS).then(|| Position {
            meter: locked.bars.meter,
            beat_s: last_s + passed * period_s,
            coming_s: Position::steady(last_s + passed * period_s, period_s),
            // Bar lines are said by the first tap alone.
            place: locked.place_at(last_s + passed * period_s),
            period_s,
            doubt_s: 0.0,
            probability: 1.0,
            bar_probability: 1.0,
        })
    }

    /// How the score turns to where a bar line was said to be, if it was.
    pub(super) fn said_turn(&mut self) -> Option<Turn> {
        let ahead = self.said.ahead.take().filter(|ahead| *ahead > 0)?;
        let per_bar = self.locked.as_ref()?.bars.meter.beats_per_bar();
        Some(Turn::ahead_by(ahead, per_bar))
    }
}

impl Locked {
    /// Place in the bar, from 0, of the beat nearest to a moment.
    fn place_at(&self, at_s: f64) -> usize {
        let per_bar = self.bars.meter.beats_per_bar() as i64;
        let after = self.beats_s.partition_point(|beat| *beat < at_s);
        let beat = if after == self.beats_s.len() {
            let beats = ((at_s - self.last_s()) / self.period_s).round();
            self.beats_s.len() as i64 - 1 + beats as i64
        } else if after > 0 && at_s - self.beats_s[after - 1] < self.beats_s[after] - at_s {
            after as i64 - 1
        } else {
            after as i64
        };
        (beat - self.bars.first_downbeat as i64).rem_euclid(per_bar).unsigned_abs() as usize
    }

    /// By how many beats the singer is ahead if a bar line lies at a moment.
    fn bar_line_is(&self, at_s: f64) -> usize {
        let per_bar = self.bars.meter.beats_per_bar();
        (per_bar - self.place_at(at_s)) % per_bar
    }
}
