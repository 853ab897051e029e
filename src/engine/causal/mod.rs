//! Live: every decision is made from what was sung before it.
//!
//! Beat k + 1 is decided [`ahead_s`] before beat k sounds, and the bar that it begins is asked for then. So whatever
//! sounds between two beats has both of them to go by, the composer has a beat's time to answer, and nothing that was
//! decided is changed.

mod band;
mod host;
mod link;
mod lock;
mod predict;

use super::{BeatReport, EngineError, Session};
use crate::follow::bar::BarPhase;
use crate::follow::beat::BeatOnset;
use crate::follow::grid::{Grid, median_period};
use crate::follow::key::rank_keys;
use crate::follow::phrase::phrases;
use crate::follow::rhythm::{Expectation, Position, RhythmTracker};
use crate::follow::studio::{division, expectation, key_notes};
use crate::follow::voice::check_voice;
use crate::follow::{FollowError, Take};
use crate::limits;
use crate::listen::{
    HOP_S, Heard, ListenConfig, Listener, NoteSegmenter, Observation, Onset, SungNote, TuningCurve,
};
use crate::perform::{PlayedEvent, Releaser};
use crate::score::BarNumber;
use crate::song::{Lead, LiveTiming, Settings, Tune};
use crate::time::Ticks;

pub use band::{Band, BandAnswer, BandRequest, Wanted};
pub use host::HostTime;
pub use link::{ComposerLink, Inline, Reply};
pub(super) use lock::at_level;

/// A beat is decided so long before the one before it sounds, beside the deadline, in seconds: notes are struck up to
/// this much before their beat.
const EARLY_S: f64 = 0.1 - LiveTiming::MIN_DEADLINE_S;
/// Input is heard so much later than it is sung at most, in seconds: conversion to the listener's rate.
const INPUT_DELAY_S: f64 = 0.005;

/// How long before a beat the one after it is decided, in seconds of the voice.
fn ahead_s(timing: LiveTiming) -> f64 {
    EARLY_S + timing.deadline_s + timing.round_trip_s - timing.lookahead_s
}

/// The beats that have been decided, and the bars they stand in.
#[derive(Debug)]
struct Locked {
    beats_s: Vec<f64>,
    known_s: Vec<f64>,
    /// How sure each of them was, 0 to 1.
    sure: Vec<f64>,
    bars: BarPhase,
    grid: Grid,
    period_s: f64,
    confidence: f64,
    agreed: usize,
    last_position: Option<Position>,
    /// Number of the first beat in the host's count.
    host_beat: i64,
    has_entered: bool,
}

impl Locked {
    fn last_s(&self) -> f64 {
        self.beats_s[self.beats_s.len() - 1]
    }

    /// Position of a beat.
    fn tick(&self, beat: usize) -> Ticks {
        self.grid.first_beat + self.bars.meter.beat() * beat as i64
    }

    /// Place of a beat in its bar, from 0.
    fn place(&self, beat: usize) -> usize {
        let per_bar = self.bars.meter.beats_per_bar();
        (beat + per_bar - self.bars.first_downbeat) % per_bar
    }
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
}

/// The causal engine: hops of 16 kHz in, events of the band out.
#[derive(Debug)]
pub struct Causal {
    settings: Settings,
    listener: Listener,
    segmenter: NoteSegmenter,
    tracker: RhythmTracker,
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
    /// The beat was lost to a change of settings and is to be found again at once.
    is_relocking: bool,
}

impl Causal {
    /// An engine that has heard nothing.
    pub fn new(config: ListenConfig, settings: &Settings) -> Self {
        let listener = Listener::new(config);
        let latency_s = listener.latency().0 as f64 / f64::from(limits::LISTEN_HZ);
        Self {
            settings: settings.clone(),
            listener,
            segmenter: NoteSegmenter::new(latency_s),
            tracker: RhythmTracker::new(expectation(settings)),
            observations: Vec::new(),
            notes: Vec::new(),
            onsets: Vec::new(),
            hops: 0,
            latency_s,
            host: settings.bpm.filter(|_| settings.lead == Lead::Host).map(HostTime::from_start),
            locked: None,
            releaser: Releaser::new(settings.seed),
            asked: Vec::new(),
            stale: 0,
            events: Vec::new(),
            bars: Vec::new(),
            late_plans: 0,
            is_relocking: false,
        }
    }

    /// Runs a whole recording through the causal engine.
    pub fn run(
        samples: &[f32],
        config: ListenConfig,
        settings: &Settings,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Session, EngineError> {
        let mut engine = Self::new(config, settings);
        let mut link = Inline::default();
        let hops = samples.len().div_ceil(limits::LISTEN_HOP).max(1);
        for (index, chunk) in samples.chunks(limits::LISTEN_HOP).enumerate() {
            let mut hop = [0.0; limits::LISTEN_HOP];
            hop[..chunk.len()].copy_from_slice(chunk);
            engine.process(&hop, &mut link)?;
            if index % 500 == 0 {
                progress(index as f64 / hops as f64);
            }
        }
        engine.finish(samples.len() as f64 / f64::from(limits::LISTEN_HZ), &mut link.band)
    }

    /// Takes the next 10 ms.
    pub fn process(
        &mut self,
        hop: &[f32; limits::LISTEN_HOP],
        composer: &mut dyn ComposerLink,
    ) -> Result<(), EngineError> {
        self.hops += 1;
        let now_s = self.now_s();
        let (segmenter, observations) = (&mut self.segmenter, &mut self.observations);
        let (notes, onsets) = (&mut self.notes, &mut self.onsets);
        self.listener.process(hop, &mut |observation| {
            observations.push(observation);
            segmenter.process(&observation, &mut |heard| match heard {
                Heard::Onset(onset) => onsets.push(onset),
                Heard::Note(note) => notes.push(note),
            });
        });
        while self.tracker.onsets() < self.onsets.len() {
            self.track_next();
        }
        if self.locked.is_none() {
            self.try_to_lock(now_s)?;
        }
        if self.locked.is_some() {
            self.decide_beats(now_s, composer)?;
        }
        Ok(())
    }

    /// Says where the host's time line stands.
    pub fn set_host(&mut self, host: HostTime) {
        if host.bpm.is_finite() && host.bpm > 0.0 && host.at_s.is_finite() && host.beats.is_finite() {
            self.host = Some(host);
        }
    }

    /// Goes on under other settings: notes that are released stay, what the next bars are written by changes. Where the
    /// settings move beats or bar lines, the beat is found again at once.
    pub fn change(&mut self, settings: &Settings) {
        let frame =
            |s: &Settings| (s.lead, s.meter, s.bpm, s.repairs.beat_level, s.repairs.bar_shift, s.feel);
        let moves = frame(settings) != frame(&self.settings);
        self.settings = settings.clone();
        if moves {
            // What was heard is followed anew under the other metre or tempo.
            self.track_anew(expectation(settings));
        }
        if moves && self.locked.take().is_some() {
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
        let base = Following { heard_s: self.now_s(), late_plans: self.late_plans, ..Following::default() };
        let Some(locked) = &self.locked else { return base };
        Following {
            beat_s: locked.last_s(),
            place: locked.place(locked.beats_s.len() - 1),
            period_s: locked.period_s,
            confidence: locked.confidence,
            tuning_cents: self.bars.last().and_then(|b| b.tuning).map_or(0.0, |t| t.cents),
            ..base
        }
    }

    /// The time of a position under the beats decided so far; none before there are any.
    pub fn seconds_at(&self, at: Ticks) -> Option<f64> {
        self.locked.as_ref().map(|locked| locked.grid.tempo.seconds_at(at))
    }

    fn now_s(&self) -> f64 {
        self.hops as f64 * HOP_S
    }

    /// Gives the tracker the next onset, and how long the one before it was sung.
    fn track_next(&mut self) {
        let index = self.tracker.onsets();
        let onset = self.onsets[index];
        if let Some(before) = index.checked_sub(1).map(|before| self.onsets[before]) {
            let until_s = self.note_at(before.time_s).map_or(onset.time_s, |note| note.offset_s);
            self.tracker.last_sung(until_s.min(onset.time_s) - before.time_s);
        }
        self.tracker.hear(BeatOnset {
            time_s: onset.time_s,
            interval_s: 0.0,
            sung_s: 0.0,
            weight: onset.confidence,
            midi: self.note_at(onset.time_s).map(|note| note.midi),
        });
    }

    /// Follows all that was heard from the beginning, under another expectation.
    fn track_anew(&mut self, expectation: Expectation) {
        self.tracker = RhythmTracker::new(expectation);
        while self.tracker.onsets() < self.onsets.len() {
            self.track_next();
        }
    }

    /// The note that began at an onset; what has been heard of it if it is still sung.
    fn note_at(&self, onset_s: f64) -> Option<SungNote> {
        let began = |note: &SungNote| (note.onset_s - onset_s).abs() < HOP_S / 2.0;
        let ended = self.notes.iter().rev().take(4).find(|note| began(note)).copied();
        ended.or_else(|| self.segmenter.open_note().filter(began))
    }

    /// Decides every beat that is due, plays what lies before it and asks for what begins with it.
    fn decide_beats(&mut self, now_s: f64, composer: &mut dyn ComposerLink) -> Result<(), EngineError> {
        let ahead_s = ahead_s(self.settings.timing);
        loop {
            let Some(locked) = &self.locked else { return Ok(()) };
            let last = locked.beats_s.len() - 1;
            if now_s < locked.last_s() - ahead_s {
                return Ok(());
            }
            let prediction = self.predict(locked);
            let Some(locked) = &mut self.locked else { return Ok(()) };
            let next_s = prediction.beat_s;
            locked.period_s = prediction.period_s;
            locked.confidence = prediction.trust;
            locked.agreed = prediction.agreed;
            locked.last_position = prediction.position;
            locked.beats_s.push(next_s);
            locked.known_s.push(now_s);
            locked.sure.push(prediction.trust);
            let tick = locked.tick(last + 1);
            locked.grid.tempo.push(tick, next_s)?;
            let place = locked.place(last + 1);
            self.collect(composer)?;
            self.release(tick, now_s);
            // The decided beat must lie ahead: a bar is composed in time or not at all.
            if now_s <= next_s - ahead_s {
                let Some(locked) = &mut self.locked else { return Ok(()) };
                if place == 0 {
                    locked.has_entered = true;
                    self.ask(Wanted::Bar(tick), now_s, composer);
                } else if locked.has_entered && locked.bars.meter.chord_beats().contains(&place) {
                    self.ask(Wanted::Chord(tick), now_s, composer);
                }
            }
        }
    }

    fn ask(&mut self, wanted: Wanted, now_s: f64, composer: &mut dyn ComposerLink) {
        if let Some(request) = self.request(wanted, now_s) {
            composer.ask(request);
            self.asked.push(wanted);
        }
    }

    fn request(&self, wanted: Wanted, now_s: f64) -> Option<BandRequest> {
        let locked = self.locked.as_ref()?;
        let mut take = self.take(locked.beats_s.clone(), locked.bars, now_s);
        if matches!(wanted, Wanted::Chord(_)) {
            take.notes.extend(self.segmenter.open_note());
        }
        Some(BandRequest {
            wanted,
            take,
            tempo: locked.grid.tempo.clone(),
            lead_in_bars: locked.grid.lead_in_bars,
            now_s,
            settings: self.settings.clone(),
        })
    }

    /// Takes the answers to everything that was asked a beat ago.
    fn collect(&mut self, composer: &mut dyn ComposerLink) -> Result<(), EngineError> {
        let stale = std::mem::take(&mut self.stale);
        for (index, wanted) in std::mem::take(&mut self.asked).into_iter().enumerate() {
            match composer.answer()? {
                _ if index < stale => {}
                Reply::Answer(answer) => self.take_answer(*answer),
                Reply::Nothing => {}
                Reply::Late => {
                    self.late_plans += 1;
                    if let (Wanted::Bar(tick), Some(locked)) = (wanted, &self.locked) {
                        let length = locked.bars.meter.bar();
                        let index = (tick - Ticks(0)) / length;
                        let bar = BarNumber(index as i32 - locked.grid.lead_in_bars as i32 + 1);
                        self.releaser.repeat_into(bar, length);
                    }
                }
            }
        }
        Ok(())
    }

    fn take_answer(&mut self, answer: BandAnswer) {
        if let Some(tuning) = answer.tuning {
            self.releaser.tune(tuning);
        }
        self.releaser.take(answer.parts.clone(), answer.dynamics.clone());
        self.bars.push(answer);
    }

    /// Plays everything before a position.
    fn release(&mut self, until: Ticks, now_s: f64) {
        let Some(locked) = &self.locked else { return };
        let timing = self.settings.timing;
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
        let keys = rank_keys(&key_notes(&self.notes, &tuning));
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
            observations: Vec::new(),
            shift_s: 0.0,
        }
    }

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
        let too_short = FollowError::TooShortForLive { duration_s };
        let Some(request) = self.request(Wanted::End, duration_s) else { return Err(too_short.into()) };
        let Some(closing) = band.answer(&request)? else { return Err(too_short.into()) };
        let Some((score, other_takes)) = band.finish(&request)? else { return Err(too_short.into()) };
        self.take_answer(closing);
        // What is still to come was decided by the last beat; nothing holds it up.
        self.settings.timing.deadline_s = f64::NEG_INFINITY;
        self.release(score.end() + score.meter.bar(), duration_s);
        let locked = self.locked.as_ref();
        let beats = locked.into_iter().flat_map(|locked| {
            (0..locked.beats_s.len()).map(|index| BeatReport {
                time_s: locked.beats_s[index],
                beat: locked.place(index) + 1,
                known_s: locked.known_s[index],
                confidence: locked.sure[index],
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
