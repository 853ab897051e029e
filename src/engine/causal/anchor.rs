//! What a singer says with a key or a button, which holds whatever has been heard.

use super::predict::Turn;
use super::{Causal, Locked};
use crate::follow::rhythm::Position;
use crate::song::{Anchor, Gesture};

/// Taps that a tempo is taken from, and that make one.
const TAPS: usize = 5;
const ENOUGH: usize = 3;
/// Shortest and longest time between two taps of a row, in seconds.
const BETWEEN_S: std::ops::Range<f64> = 0.2..2.0;
/// For so many beats after the last tap, the taps are the beat.
const TAPPED_BEATS: f64 = 4.0;

/// What has been said.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Anchors of the settings that have been taken.
    taken: usize,
    /// Where bar 1 begins, in seconds.
    pub bar_one_s: Option<f64>,
    /// The last taps of a row, in seconds, and how many the row has.
    taps_s: Vec<f64>,
    row: usize,
    /// Beats by which the singer's bar lines were said to be ahead of the band's.
    ahead: Option<usize>,
    /// The band is to end.
    pub is_ending: bool,
}

impl Said {
    /// The tapped period in seconds.
    pub fn period_s(&self) -> Option<f64> {
        let (first, last) = self.taps_s.first().zip(self.taps_s.last())?;
        (self.taps_s.len() >= ENOUGH).then(|| (last - first) / (self.taps_s.len() - 1) as f64)
    }

    fn tap(&mut self, at_s: f64) {
        let since_s = self.taps_s.last().map_or(f64::INFINITY, |last| at_s - last);
        if (0.0..BETWEEN_S.start).contains(&since_s) {
            // The key has bounced.
            return;
        }
        if !BETWEEN_S.contains(&since_s) {
            self.taps_s.clear();
            self.row = 0;
        }
        self.taps_s.push(at_s);
        self.row += 1;
        if self.taps_s.len() > TAPS {
            self.taps_s.remove(0);
        }
        if self.row == ENOUGH {
            self.bar_one_s = self.taps_s.first().copied();
        }
    }
}

impl Causal {
    /// Takes what the settings say up to now.
    pub(super) fn take_anchors(&mut self, now_s: f64) {
        while let Some(anchor) = self.settings.anchors.get(self.said.taken).copied() {
            if anchor.at_s > now_s {
                return;
            }
            self.said.taken += 1;
            self.say(anchor);
        }
    }

    /// Takes what the singer says.
    pub fn say(&mut self, anchor: Anchor) {
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
            Gesture::Tap => {
                self.said.tap(at_s);
                if self.said.row == ENOUGH {
                    let first_s = self.said.taps_s[0];
                    self.said.ahead = self.locked.as_ref().map(|locked| locked.bar_line_is(first_s));
                }
            }
            Gesture::End => self.said.is_ending = true,
        }
    }

    /// Where bar 1 begins, in seconds, if it was said or stated.
    pub(super) fn first_bar_s(&self) -> Option<f64> {
        self.said.bar_one_s.or(self.settings.first_bar_s())
    }

    /// The beat period in seconds, if it was tapped or stated.
    pub(super) fn stated_period_s(&self) -> Option<f64> {
        self.said.period_s().or(self.settings.bpm.map(|bpm| bpm.beat_period_s()))
    }

    /// The tapped beat, for some beats after the last tap.
    pub(super) fn tapped(&self, locked: &Locked, now_s: f64) -> Option<Position> {
        let period_s = self.said.period_s()?;
        let last_s = self.said.taps_s.last().copied()?;
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
