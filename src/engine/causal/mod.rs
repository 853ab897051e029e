//! Live: every decision is made from what was sung before it.
//!
//! Where the voice leads, the middle between beats k and k + 1 is decided [`ahead_s`] before beat k sounds, and beat k + 1
//! as long before that middle; elsewhere the whole beat is decided at once. Whatever sounds between two of these moments
//! has both of them to go by. The bar that begins with beat k + 1 is asked for a beat before, so that the composer has a
//! beat's time to answer. Nothing that was decided is changed.

mod anchor;
mod ask;
mod backing;
mod band;
mod finish;
mod harmony;
mod hold;
mod host;
mod known;
mod link;
mod lock;
mod locked;
mod phrasing;
mod predict;
mod pulse;
mod state;
mod sung;
mod thirds;

use std::collections::VecDeque;

use super::{EngineError, Session};
use crate::follow::Take;
use crate::follow::bar::BarPhase;
use crate::follow::beat::BeatOnset;
use crate::follow::grid::median_period;
use crate::follow::key::rank_keys;
use crate::follow::known::SongFollower;
use crate::follow::phrase::phrases;
use crate::follow::rhythm::{Expectation, RhythmTracker};
use crate::follow::studio::{division, expectation, key_notes};
use crate::limits;
use crate::listen::{
    EchoCanceller, HOP_S, Heard, ListenConfig, Listener, NoteSegmenter, Observation, Onset, SungNote,
    TuningCurve,
};
use crate::perform::{PlayedEvent, Releaser};
use crate::separate::net::HopIsolator;
use crate::song::{Isolate, Lead, LiveTiming, Settings, Tune};
use crate::time::{TickCount, Ticks};

use anchor::Said;
use backing::Backing;
pub use band::{Band, BandAnswer, BandRequest, Wanted};
pub use host::HostTime;
pub use link::{ComposerLink, Inline, Reply};
pub(super) use lock::at_level;
use locked::Locked;
use phrasing::Told;
use predict::Turn;
pub use state::State;

/// A beat is decided so long before the one before it sounds, beside the deadline, in seconds: notes are struck up to
/// this much before their beat.
const EARLY_S: f64 = 0.1 - LiveTiming::MIN_DEADLINE_S;
/// Input is heard so much later than it is sung at most, in seconds: conversion to the listener's rate.
const INPUT_DELAY_S: f64 = 0.005;

/// How long before a beat the one after it is decided, in seconds of the voice.
fn ahead_s(timing: LiveTiming) -> f64 {
    EARLY_S + timing.deadline_s + timing.round_trip_s - timing.lookahead_s
}

/// How much later than it was sung a voice comes out of an isolator, in seconds.
fn late_s(isolates: bool) -> f64 {
    if isolates { HopIsolator::LATENCY_HOPS as f64 * HOP_S } else { 0.0 }
}

/// How a band is placed in time: what is isolated is heard later.
fn timing_of(settings: &Settings, isolates: bool) -> LiveTiming {
    LiveTiming { deadline_s: settings.timing.deadline_s + late_s(isolates), ..settings.timing }
}

/// What the engine tells of itself, for those who look on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Following {
    /// Seconds of input heard.
    pub heard_s: f64,
    /// The last beat decided, in seconds.
    pub beat_s: f64,
    /// Its place in the bar, from 0.
    pub place: usize,
    /// The period, in seconds; 0 before the beat is found.
    pub period_s: f64,
    /// How sure the beat is, 0 to 1.
    pub confidence: f64,
    /// The singer's tuning in cents.
    pub tuning_cents: f64,
    /// Bars that the composer did not write in time.
    pub late_plans: u64,
    /// What the band is doing.
    pub state: State,
}

/// The causal engine: hops of 16 kHz in, events of the band out.
#[derive(Debug)]
pub struct Causal {
    settings: Settings,
    /// Takes the band out of the voice, where the microphone hears it.
    canceller: Option<Box<EchoCanceller>>,
    /// What the band plays in the next hop.
    band: [f32; limits::LISTEN_HOP],
    /// Takes the voice out of what it is sung with.
    isolator: Option<Box<HopIsolator>>,
    /// Hops on their way through the listener in which nobody sings, as far as the isolator tells.
    unsung: VecDeque<bool>,
    /// What is heard beside the voice.
    backing: Backing,
    /// How the band is placed in time: its deadline includes what isolating takes.
    timing: LiveTiming,
    listener: Listener,
    segmenter: NoteSegmenter,
    tracker: RhythmTracker,
    known: Option<SongFollower>,
    observations: Vec<Observation>,
    notes: Vec<SungNote>,
    onsets: Vec<Onset>,
    hops: u64,
    latency_s: f64,
    host: Option<HostTime>,
    locked: Option<Locked>,
    releaser: Releaser,
    /// Requests that wait for their answer, with the bar they are for.
    asked: Vec<Wanted>,
    /// How many of them are for bars that are no longer there.
    stale: usize,
    events: Vec<PlayedEvent>,
    bars: Vec<BandAnswer>,
    late_plans: u64,
    /// What the players have been told.
    told: Told,
    /// What the singer has said.
    said: Said,
    /// The beat was lost to a change of settings and is to be found again at once.
    is_relocking: bool,
}

impl Causal {
    /// An engine that has heard nothing.
    pub fn new(config: ListenConfig, settings: &Settings) -> Self {
        let listener = Listener::new(config);
        let latency_s = listener.latency().0 as f64 / f64::from(limits::LISTEN_HZ);
        let isolates = settings.isolate != Isolate::Off;
        // A network that was damaged takes nothing out.
        let isolator = if isolates { HopIsolator::new().ok().map(Box::new) } else { None };
        Self {
            settings: settings.clone(),
            canceller: settings.hears_band.then(Box::default),
            band: [0.0; limits::LISTEN_HOP],
            timing: timing_of(settings, isolator.is_some()),
            backing: Backing::new(isolator.is_some()),
            isolator,
            unsung: VecDeque::new(),
            listener,
            segmenter: NoteSegmenter::new(latency_s),
            tracker: RhythmTracker::new(expectation(settings)),
            known: known::follower(settings, settings.first_bar_s()),
            observations: Vec::new(),
            notes: Vec::new(),
            onsets: Vec::new(),
            hops: 0,
            latency_s,
            host: HostTime::stated(settings),
            locked: None,
            releaser: Releaser::new(settings.seed),
            asked: Vec::new(),
            stale: 0,
            events: Vec::new(),
            bars: Vec::new(),
            late_plans: 0,
            told: Told::default(),
            said: Said::default(),
            is_relocking: false,
        }
    }

    /// Runs a whole recording through the causal engine, and what sounds in a sidechain beside it; silence where that is
    /// shorter.
    pub fn run(
        samples: &[f32],
        sidechain: &[f32],
        config: ListenConfig,
        settings: &Settings,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Session, EngineError> {
        let mut engine = Self::new(config, settings);
        let mut link = Inline::default();
        let hops = samples.len().div_ceil(limits::LISTEN_HOP).max(1);
        let hop_of = |samples: &[f32]| {
            let mut hop = [0.0; limits::LISTEN_HOP];
            hop[..samples.len()].copy_from_slice(samples);
            hop
        };
        let beside = sidechain.chunks(limits::LISTEN_HOP).chain(std::iter::repeat(&[][..]));
        // Silence until all that was sung is out of the isolator.
        let late = engine.isolator.as_ref().map_or(0, |_| HopIsolator::LATENCY_HOPS);
        let chunks = samples.chunks(limits::LISTEN_HOP).chain(std::iter::repeat_n(&[][..], late));
        for (index, (chunk, beside)) in chunks.zip(beside).enumerate() {
            engine.hear_sidechain(&hop_of(beside));
            engine.process(&hop_of(chunk), &mut link)?;
            if index % 500 == 0 {
                progress(index as f64 / hops as f64);
            }
        }
        engine.finish(samples.len() as f64 / f64::from(limits::LISTEN_HZ), &mut link.band)
    }

    /// Says what the speakers are given of the band in the 10 ms that [`Causal::process`] takes next; they are silent
    /// where nothing is said. It matters only where [`Settings::hears_band`] is.
    pub fn hear_band(&mut self, band: &[f32; limits::LISTEN_HOP]) {
        self.band = *band;
    }

    /// Takes the next 10 ms.
    pub fn process(
        &mut self,
        hop: &[f32; limits::LISTEN_HOP],
        composer: &mut dyn ComposerLink,
    ) -> Result<(), EngineError> {
        let mut voice = *hop;
        let band = std::mem::replace(&mut self.band, [0.0; limits::LISTEN_HOP]);
        if let Some(canceller) = &mut self.canceller {
            canceller.process(&mut voice, &band);
        }
        if let Some(isolator) = &mut self.isolator {
            let Some(apart) = isolator.process(&voice) else { return Ok(()) };
            let is_mix = apart.is_mix || self.settings.isolate == Isolate::On;
            voice = self.backing.hear_apart(&apart, is_mix);
            self.unsung.push_back(is_mix && !apart.is_sung);
        }
        self.hops += 1;
        let now_s = self.now_s();
        let heard_before = self.observations.len();
        let (segmenter, observations) = (&mut self.segmenter, &mut self.observations);
        let (notes, onsets) = (&mut self.notes, &mut self.onsets);
        let unsung = &mut self.unsung;
        self.listener.process(&voice, &mut |mut observation| {
            // What is left of the rest has pitches, too.
            observation.voiced &= !unsung.pop_front().unwrap_or(false);
            observations.push(observation);
            segmenter.process(&observation, &mut |heard| match heard {
                Heard::Onset(onset) => onsets.push(onset),
                Heard::Note(note) => notes.push(note),
            });
        });
        if self.settings.hears_band && self.counts_in(now_s) {
            // Its own strokes come back before their way through the room is known.
            self.notes.clear();
            self.onsets.clear();
            self.told = Told::default();
        }
        self.hear_song(heard_before);
        self.track(now_s);
        self.take_anchors(now_s);
        if self.locked.is_none() {
            self.try_to_lock(now_s, composer)?;
        }
        if self.locked.is_some() {
            self.decide_beats(now_s, composer)?;
        }
        Ok(())
    }

    /// Says where the host's time line stands.
    pub fn set_host(&mut self, host: HostTime) {
        let is_sound = host.bpm.is_finite() && host.bpm > 0.0;
        if is_sound && host.at_s.is_finite() && host.beats.is_finite() && !self.is_led_by_taps() {
            self.host = Some(host);
        }
    }

    /// Goes on under other settings: notes that are released stay, what the next bars are written by changes. Where the
    /// settings move beats or bar lines, the beat is found again at once.
    pub fn change(&mut self, settings: &Settings) {
        let frame =
            |s: &Settings| (s.lead, s.meter, s.bpm, s.repairs.beat_level, s.repairs.bar_shift, s.feel);
        let moves = frame(settings) != frame(&self.settings);
        if settings.known != self.settings.known {
            self.known = known::follower(settings, None);
        }
        self.settings = settings.clone();
        self.timing = timing_of(settings, self.isolator.is_some());
        if self.canceller.is_some() != settings.hears_band {
            self.canceller = settings.hears_band.then(Box::default);
        }
        if moves {
            self.backing.pulse.unsettle();
            // What was heard is followed anew under the other metre or tempo.
            self.track_anew(expectation(settings));
        }
        if moves {
            self.lock_anew();
        }
    }

    /// Finds the beat again at once; what was asked for before is not played.
    fn lock_anew(&mut self) {
        if self.locked.take().is_some() {
            self.is_relocking = true;
            self.stale = self.asked.len();
        }
    }

    /// Events that have been decided since the last call.
    pub fn take_events(&mut self) -> std::vec::Drain<'_, PlayedEvent> {
        self.events.drain(..)
    }

    /// Bars that have been written since the last call.
    pub fn take_bars(&mut self) -> std::vec::Drain<'_, BandAnswer> {
        self.bars.drain(..)
    }

    /// What was heard from an observation on.
    pub fn heard_since(&self, index: u64) -> &[Observation] {
        &self.observations[self.observations.partition_point(|seen| seen.index < index)..]
    }

    /// Where the engine stands.
    pub fn following(&self) -> Following {
        let base = Following {
            heard_s: self.now_s() + self.late_s(),
            late_plans: self.late_plans,
            ..Following::default()
        };
        let Some(locked) = &self.locked else { return base };
        Following {
            beat_s: locked.last_s(),
            place: locked.place(locked.beats_s.len() - 1),
            period_s: locked.period_s,
            confidence: locked.confidence,
            state: locked.state,
            tuning_cents: self.bars.last().and_then(|b| b.tuning).map_or(0.0, |t| t.cents),
            ..base
        }
    }

    /// The time of a position under the beats decided so far; none before there are any.
    pub fn seconds_at(&self, at: Ticks) -> Option<f64> {
        self.locked.as_ref().map(|locked| locked.grid.tempo.seconds_at(at))
    }

    /// How much later than it was sung what is followed comes out of the isolator, in seconds.
    fn late_s(&self) -> f64 {
        late_s(self.isolator.is_some())
    }

    fn now_s(&self) -> f64 {
        self.hops as f64 * HOP_S
    }

    /// Gives the tracker the next onset, and how long the one before it was sung.
    fn track_next(&mut self) {
        let index = self.tracker.onsets();
        let onset = self.onsets[index];
        if let Some(before) = index.checked_sub(1).map(|before| self.onsets[before]) {
            let until_s = self.note_at(before.time_s).map_or(onset.felt_s, |note| note.offset_s);
            let sung_s = (until_s.min(onset.felt_s) - before.felt_s).max(HOP_S);
            self.tracker.last_sung(sung_s);
            self.known.iter_mut().for_each(|known| known.last_sung(sung_s));
        }
        let heard = BeatOnset {
            time_s: onset.felt_s,
            interval_s: 0.0,
            sung_s: 0.0,
            weight: onset.confidence,
            midi: self.note_at(onset.time_s).map(|note| note.midi),
        };
        self.tracker.hear(heard);
        if let Some(known) = self.known.as_mut().filter(|known| known.onsets() == index) {
            known.hear(heard);
        }
    }

    /// Follows all that was heard from the beginning, under another expectation.
    fn track_anew(&mut self, expectation: Expectation) {
        self.tracker = RhythmTracker::new(expectation);
        self.track_all();
    }

    /// The note that began at an onset; what has been heard of it if it is still sung.
    fn note_at(&self, onset_s: f64) -> Option<SungNote> {
        let began = |note: &SungNote| (note.onset_s - onset_s).abs() < HOP_S / 2.0;
        let ended = self.notes.iter().rev().take(4).find(|note| began(note)).copied();
        ended.or_else(|| self.segmenter.open_note().filter(began))
    }

    /// Decides every beat, and every middle of one, that is due.
    fn decide_beats(&mut self, now_s: f64, composer: &mut dyn ComposerLink) -> Result<(), EngineError> {
        let ahead_s = ahead_s(self.timing);
        loop {
            let Some(locked) = &self.locked else { return Ok(()) };
            if now_s < locked.decided_s() - ahead_s {
                return Ok(());
            }
            let (state, is_holding) = (self.state(locked, now_s), locked.hold.is_some());
            if let Some(locked) = &mut self.locked {
                locked.state = state;
            }
            if is_holding {
                if !self.goes_on(now_s, composer)? {
                    return Ok(());
                }
                continue;
            }
            let Some(locked) = &self.locked else { return Ok(()) };
            if locked.middle_s.is_some() {
                self.decide_second_half(now_s, composer)?;
            } else if let Some(hold) = self.wants_to_hold(now_s) {
                self.hold(hold, now_s, composer)?;
            } else {
                self.decide_beat(now_s, composer)?;
            }
        }
    }

    /// Decides the next beat, or its first half where the singer may still move the second; plays what lies before and
    /// asks for what begins with the beat.
    fn decide_beat(&mut self, now_s: f64, composer: &mut dyn ComposerLink) -> Result<(), EngineError> {
        let Some(locked) = &self.locked else { return Ok(()) };
        let (last, last_s) = (locked.beats_s.len() - 1, locked.last_s());
        let prediction = self.predict(locked);
        let turn = self.turn(prediction);
        self.take_up(prediction);
        let Some(locked) = &mut self.locked else { return Ok(()) };
        let (skipped, held) = match turn {
            Turn::None => (0, 0),
            Turn::Skip(beats) => (beats, 0),
            Turn::Hold(beats) => (0, beats),
        };
        let next_s = prediction.beat_s + held as f64 * prediction.period_s;
        let steps = skipped + 1;
        let landing = locked.tick(last) + TickCount(1);
        let in_halves = self.settings.lead == Lead::Voice && turn == Turn::None;
        let is_asked_later = in_halves && self.backing.harmony.is_enough();
        let until = if in_halves {
            let middle_s = f64::midpoint(last_s, next_s);
            locked.middle_s = Some(middle_s);
            let middle = locked.tick(last) + locked.bars.meter.beat() / 2;
            locked.grid.tempo.push(middle, middle_s)?;
            middle
        } else {
            for step in 1..=steps {
                let beat_s = last_s + (next_s - last_s) * step as f64 / steps as f64;
                locked.push_beat(beat_s, now_s, prediction.trust)?;
            }
            locked.tick(last + steps)
        };
        self.collect(composer)?;
        if turn != Turn::None {
            self.releaser.leave_out(landing, until);
        }
        self.release(until, now_s);
        // The decided beat must lie ahead: a bar is composed in time or not at all.
        if now_s <= next_s - ahead_s(self.timing) {
            for beat in last + 1..=last + steps {
                self.ask_at(beat, beat == last + steps && !is_asked_later, now_s, composer);
            }
        }
        Ok(())
    }

    /// Decides the beat of which the first half has been decided, and plays what lies before it. Where chords are heard beside
    /// the voice, which one the beat begins with is asked now, with half a beat more to go by.
    fn decide_second_half(&mut self, now_s: f64, composer: &mut dyn ComposerLink) -> Result<(), EngineError> {
        let Some(locked) = &self.locked else { return Ok(()) };
        let prediction = self.predict(locked);
        self.take_up(prediction);
        let Some(locked) = &mut self.locked else { return Ok(()) };
        locked.middle_s = None;
        locked.push_beat(prediction.beat_s, now_s, prediction.trust)?;
        let until = locked.tick(locked.beats_s.len() - 1);
        let is_within = locked.place(locked.beats_s.len() - 1) > 0;
        self.release(until, now_s);
        if is_within && self.backing.harmony.is_enough() {
            self.ask_chord(until, now_s, composer);
        }
        Ok(())
    }

    /// Plays everything before a position.
    fn release(&mut self, until: Ticks, now_s: f64) {
        self.tell_players(now_s);
        let Some(locked) = &self.locked else { return };
        let timing = self.timing;
        let earliest_s = now_s + INPUT_DELAY_S + timing.deadline_s - timing.lookahead_s;
        let events = &mut self.events;
        self.releaser.release(
            until,
            locked.bars.meter.beat(),
            &locked.grid.tempo,
            -timing.round_trip_s,
            earliest_s.max(0.0),
            &mut |event| events.push(event),
        );
    }

    fn take(&self, beats_s: Vec<f64>, bars: BarPhase, now_s: f64) -> Take {
        let tuning = match self.settings.tune {
            Tune::Singer => TuningCurve::of(&self.notes),
            Tune::Cents(cents) => TuningCurve::fixed(cents),
        };
        let keys = self.backing.harmony.keys().unwrap_or_else(|| rank_keys(&key_notes(&self.notes, &tuning)));
        Take {
            duration_s: now_s,
            phrases: phrases(&self.notes, &self.observations, median_period(&beats_s)),
            notes: self.notes.clone(),
            onsets: self.onsets.clone(),
            tuning,
            beats_s,
            division: division(bars.meter, self.settings.feel),
            bars,
            keys,
            strokes: Vec::new(),
            mix: self.backing.harmony.heard(),
            observations: Vec::new(),
            shift_s: 0.0,
        }
    }
}
