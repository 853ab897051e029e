//! What sounds beside the voice: a click, drums or a guitar in the sidechain, to which the singer sings.
//!
//! Its strokes go to the follower beside the sung onsets, in the order in which they sounded. A sung onset is known later
//! than a stroke, so that strokes wait for it; what is foretold does not suffer from that.

use std::collections::VecDeque;

use super::harmony::HeardHarmony;
use super::lock::HOST_ONSETS;
use super::pulse::{Beside, HeardPulse};
use super::{Causal, Locked};
use crate::follow::grid::bar_one;
use crate::follow::rhythm::{Expectation, RhythmTracker};
use crate::follow::studio::expectation;
use crate::limits::LISTEN_HOP;
use crate::listen::Onset;
use crate::listen::mix::{Stroke, StrokeFinder};
use crate::separate::net::ApartHop;
use crate::time::Ticks;

/// A stroke waits for sung onsets for so long, in seconds.
const WAIT_S: f64 = 0.12;
/// Strokes, and seconds of them, from which a beat can be told.
const ENOUGH: usize = 5;
const ENOUGH_S: f64 = 2.0;
/// Beats after the last stroke in which what sounds beside the voice still gives the beat.
const GIVES_BEATS: f64 = 2.5;

/// What has been heard beside the voice.
#[derive(Debug)]
pub(super) struct Backing {
    finder: StrokeFinder,
    strokes: Vec<Stroke>,
    /// Its pulse, whose beats are followed in place of the strokes where it is told apart.
    pub pulse: HeardPulse,
    /// Strokes or beats that the follower has been given.
    given: usize,
    /// Its harmony, with that of the voice where both come in one mix.
    pub harmony: HeardHarmony,
    /// Hops of the sidechain that wait for the voice of theirs, where one is isolated.
    waiting: Option<VecDeque<[f32; LISTEN_HOP]>>,
}

impl Backing {
    /// Nothing heard; whether the voice comes late because it is isolated.
    pub fn new(isolates: bool) -> Self {
        Self {
            finder: StrokeFinder::default(),
            strokes: Vec::new(),
            pulse: HeardPulse::default(),
            given: 0,
            harmony: HeardHarmony::default(),
            waiting: isolates.then(VecDeque::new),
        }
    }

    /// Takes a hop of the sidechain.
    fn hear_sidechain(&mut self, sidechain: &[f32; LISTEN_HOP]) {
        match &mut self.waiting {
            Some(waiting) => waiting.push_back(*sidechain),
            None => self.hear(sidechain, sidechain),
        }
    }

    /// Takes a hop in which a voice was looked for, with the sidechain of the same moment, and gives what is to be followed:
    /// the voice, or where it is by itself the hop as it was.
    pub fn hear_apart(&mut self, apart: &ApartHop, is_mix: bool) -> [f32; LISTEN_HOP] {
        let sidechain = self.waiting.as_mut().and_then(VecDeque::pop_front).unwrap_or([0.0; LISTEN_HOP]);
        if !is_mix {
            self.hear(&sidechain, &sidechain);
            return apart.mix;
        }
        let with = |hop: [f32; LISTEN_HOP]| std::array::from_fn(|index| hop[index] + sidechain[index]);
        self.hear(&with(apart.backing()), &with(apart.mix));
        apart.voice
    }

    /// Takes what is struck beside the voice, and what its harmony is heard of.
    fn hear(&mut self, struck: &[f32; LISTEN_HOP], sounding: &[f32; LISTEN_HOP]) {
        self.strokes.extend(self.finder.process(struck));
        if let Some((hop, flux)) = self.finder.newest_flux() {
            let beside = Beside { strokes: &self.strokes, harmony: self.harmony.windows() };
            self.pulse.hear(hop, flux, beside);
        }
        self.harmony.hear(sounding);
    }

    /// Whether a beat can be told from it.
    pub fn is_enough(&self) -> bool {
        self.span_s().is_some()
    }

    /// When a stroke, or a beat of the pulse, was given to the follower, in seconds.
    fn struck_s(&self, index: usize) -> Option<f64> {
        match self.pulse.beats() {
            Some(beats) => beats.get(index).map(|beat| beat.time_s),
            None => self.strokes.get(index).map(|stroke| stroke.time_s),
        }
    }

    /// Seconds of the first and the last stroke that the follower knows, if there are enough.
    fn span_s(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.struck_s(0)?, self.struck_s(self.given.checked_sub(1)?)?);
        (self.given >= ENOUGH && last - first >= ENOUGH_S).then_some((first, last))
    }
}

impl Causal {
    /// Says what sounds in the sidechain in the 10 ms that [`Causal::process`] takes next; it is silent where nothing is
    /// said, and silence changes nothing.
    pub fn hear_sidechain(&mut self, sidechain: &[f32; LISTEN_HOP]) {
        self.backing.hear_sidechain(sidechain);
    }

    /// Gives the follower the sung onsets, and the strokes that have waited for them.
    pub(super) fn track(&mut self, now_s: f64) {
        while self.tracker.onsets() < self.onsets.len() {
            let onset_s = self.onsets[self.tracker.onsets()].time_s;
            self.strike_until(onset_s);
            self.track_next();
        }
        self.strike_until(now_s - WAIT_S);
    }

    /// Gives a new follower all that the last one had.
    pub(super) fn track_all(&mut self) {
        let given = std::mem::take(&mut self.backing.given);
        let last_s = given.checked_sub(1).and_then(|last| self.backing.struck_s(last));
        self.track(last_s.unwrap_or(f64::NEG_INFINITY) + WAIT_S);
    }

    fn strike_until(&mut self, until_s: f64) {
        while self.backing.struck_s(self.backing.given).is_some_and(|next_s| next_s <= until_s) {
            let next = self.backing.given;
            self.backing.given += 1;
            match self.backing.pulse.beats() {
                Some(beats) => self.tracker.strike_beat(&beats[next]),
                None => self.tracker.strike(&self.backing.strokes[next]),
            }
        }
    }

    /// Looks for a pulse beside the voice where no tempo is stated, and follows it from the beginning once it is told apart;
    /// whether it is still waited for.
    pub(super) fn awaits_pulse(&mut self, now_s: f64) -> bool {
        if self.settings.bpm.is_some() || self.is_led_by_taps() {
            return false;
        }
        let backing = &mut self.backing;
        let beside = Beside { strokes: &backing.strokes, harmony: backing.harmony.windows() };
        if let Some(period_s) = backing.pulse.settle(beside) {
            backing.given = 0;
            let near = Expectation { period_s: Some(period_s), ..expectation(&self.settings) };
            self.tracker = RhythmTracker::new(near);
            self.track(now_s);
        }
        self.backing.pulse.is_awaited()
    }

    /// When what sounds beside the voice began, in seconds, if it gives the beat.
    pub(super) fn backed_since_s(&self, now_s: f64, period_s: f64) -> Option<f64> {
        let (first_s, last_s) = self.backing.span_s()?;
        (now_s - last_s < GIVES_BEATS * period_s + WAIT_S).then_some(first_s)
    }
}

impl Locked {
    /// Whether the band may enter: one that has found the beat beside the voice waits for the voice, and counts its bars
    /// from there.
    pub(super) fn meets_voice(&mut self, onsets: &[Onset]) -> bool {
        if !self.awaits_voice {
            return true;
        }
        let Some(first) = onsets.first().filter(|_| onsets.len() >= HOST_ONSETS) else { return false };
        let (beat, _) = bar_one(&self.beats_s, self.bars.meter, self.bars.first_downbeat, first.time_s);
        let at = self.grid.first_beat + self.bars.meter.beat() * beat;
        let bars = (at - Ticks(0)) / self.bars.meter.bar();
        self.grid.lead_in_bars = u32::try_from(bars).unwrap_or(self.grid.lead_in_bars);
        self.awaits_voice = false;
        true
    }
}
