//! Live: every decision is made from what was sung before it.
//!
//! Beat k + 1 is decided [`DEADLINE_S`] before beat k sounds, and the bar that it begins is composed then. So whatever
//! sounds between two beats has both of them to go by, and nothing that was decided is changed.

use super::write::{check_takes, other_takes, skeleton};
use super::{BeatReport, DEADLINE_S, EngineError, Session};
use crate::compose::rules::Rules;
use crate::compose::{Composer, PlanRequest, form};
use crate::follow::bar::{BarPhase, steady_bars};
use crate::follow::beat::{self, BeatOnset, BeatPrior, BeatSearch, BeatState, Division, FRAME_S};
use crate::follow::grid::{Grid, lay_bars, median_period};
use crate::follow::key::rank_keys;
use crate::follow::phrase::phrases;
use crate::follow::steady::smooth;
use crate::follow::studio::{beat_onsets, divisions};
use crate::follow::voice::check_voice;
use crate::follow::{FollowError, Take};
use crate::limits;
use crate::listen::{
    HOP_S, Heard, ListenConfig, Listener, NoteSegmenter, Observation, Onset, SungNote, TuningCurve,
};
use crate::score::{BarNumber, ChordSpan, Key, MidiNote, PartBar, Score, Section};
use crate::song::{Lead, Settings, Tune};
use crate::time::{TickCount, Ticks};

/// Seconds of singing before the band may enter.
const WARM_UP_S: f64 = 3.5;
/// Onsets before the band may enter.
const WARM_UP_ONSETS: usize = 6;
/// Lead in log likelihood that the beat must have to enter, falling to nothing over [`PATIENCE_S`].
const SURE_LEAD: f64 = 4.0;
/// Seconds of singing after which the band enters however unsure it is.
const PATIENCE_S: f64 = 9.0;
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
/// Most trust by agreement alone.
const MOST_AGREED_TRUST: f64 = 0.9;
/// Bars of which the level and height decide the energy of the next one.
const ENERGY_BARS: i32 = 4;
/// Bars before the next one whose melody is harmonised together with it.
const LOOK_BACK_BARS: i32 = 3;
/// Lead in probability that another key must have to be taken.
const KEY_CHANGE_LEAD: f64 = 0.25;

/// A beat that has been laid, and the bars it stands in.
#[derive(Debug)]
struct Locked {
    beats_s: Vec<f64>,
    known_s: Vec<f64>,
    bars: BarPhase,
    grid: Grid,
    period_s: f64,
    confidence: f64,
    agreed: usize,
    last_state: Option<BeatState>,
    score: Score,
    first_bar: BarNumber,
    key: Key,
    /// What the band has been given so far ends before this bar.
    next_bar: BarNumber,
    /// First takes of the bars that another take plays.
    other_takes: Vec<PartBar>,
}

/// What is decided about the next beat.
#[derive(Debug, Clone, Copy)]
struct Prediction {
    beat_s: f64,
    period_s: f64,
    /// How much the search is believed, 0 to 1.
    trust: f64,
    /// How many times running the search has said the same.
    agreed: usize,
    state: Option<BeatState>,
}

/// How far a distance is from a whole number of periods, -0.5 to 0.5 of one.
fn off_beat(distance_s: f64, period_s: f64) -> f64 {
    let beats = distance_s / period_s;
    beats - beats.round()
}

/// The causal engine: hops of 16 kHz in, a growing score inside.
#[derive(Debug)]
pub struct Causal {
    settings: Settings,
    listener: Listener,
    segmenter: NoteSegmenter,
    searches: Vec<(Division, BeatSearch)>,
    observations: Vec<Observation>,
    notes: Vec<SungNote>,
    onsets: Vec<Onset>,
    evidence: Vec<BeatOnset>,
    hops: u64,
    latency_s: f64,
    locked: Option<Locked>,
    composer: Rules,
}

impl Causal {
    /// An engine that has heard nothing.
    pub fn new(config: ListenConfig, settings: &Settings) -> Self {
        let listener = Listener::new(config);
        let latency_s = listener.latency().0 as f64 / f64::from(limits::LISTEN_HZ);
        let prior = |division| BeatPrior {
            division,
            period_s: settings.bpm.map(|bpm| bpm.beat_period_s()),
            constant: settings.lead == Lead::Grid && settings.bpm.is_some(),
        };
        let searches = divisions(settings).iter().map(|d| (*d, BeatSearch::new(prior(*d), true))).collect();
        Self {
            settings: settings.clone(),
            listener,
            segmenter: NoteSegmenter::new(latency_s),
            searches,
            observations: Vec::new(),
            notes: Vec::new(),
            onsets: Vec::new(),
            evidence: Vec::new(),
            hops: 0,
            latency_s,
            locked: None,
            composer: Rules,
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
        let hops = samples.len().div_ceil(limits::LISTEN_HOP).max(1);
        for (index, chunk) in samples.chunks(limits::LISTEN_HOP).enumerate() {
            let mut hop = [0.0; limits::LISTEN_HOP];
            hop[..chunk.len()].copy_from_slice(chunk);
            engine.process(&hop)?;
            if index % 500 == 0 {
                progress(index as f64 / hops as f64);
            }
        }
        engine.finish(samples.len() as f64 / f64::from(limits::LISTEN_HZ))
    }

    /// Takes the next 10 ms.
    pub fn process(&mut self, hop: &[f32; limits::LISTEN_HOP]) -> Result<(), EngineError> {
        self.hops += 1;
        let now_s = self.hops as f64 * HOP_S;
        let (segmenter, observations) = (&mut self.segmenter, &mut self.observations);
        let (notes, onsets) = (&mut self.notes, &mut self.onsets);
        self.listener.process(hop, &mut |observation| {
            observations.push(observation);
            segmenter.process(&observation, &mut |heard| match heard {
                Heard::Onset(onset) => onsets.push(onset),
                Heard::Note(note) => notes.push(note),
            });
        });
        // An onset is reported within the length of a shortest note after the listener's delay.
        let sure_s = now_s - self.latency_s - 0.09;
        self.take_evidence(sure_s);
        let evidence = &self.evidence;
        for (_, search) in &mut self.searches {
            while (search.frames() as f64) * FRAME_S < sure_s {
                let at_s = search.frames() as f64 * FRAME_S;
                search.advance(evidence, is_resting(&self.observations, at_s));
            }
        }
        if self.locked.is_none() {
            self.try_to_lock(now_s)?;
        }
        if self.locked.is_some() {
            self.decide_beats(now_s)?;
        }
        Ok(())
    }

    /// Keeps the evidence up to date: how long the last onset lasts becomes known as time goes by.
    fn take_evidence(&mut self, sure_s: f64) {
        let settled = self.evidence.len().saturating_sub(1);
        self.evidence.truncate(settled);
        for index in settled..self.onsets.len() {
            let onset = self.onsets[index];
            let until =
                self.onsets.get(index + 1).map_or(sure_s.max(onset.time_s + 0.05), |next| next.time_s);
            self.evidence.push(BeatOnset {
                time_s: onset.time_s,
                interval_s: until - onset.time_s,
                sung_s: until - onset.time_s,
                weight: onset.confidence.clamp(0.2, 1.0),
            });
        }
    }

    fn try_to_lock(&mut self, now_s: f64) -> Result<(), EngineError> {
        let Some(first) = self.onsets.first() else { return Ok(()) };
        let sung_s = now_s - first.time_s;
        if self.onsets.len() < WARM_UP_ONSETS || sung_s < WARM_UP_S || self.notes.len() < 3 {
            return Ok(());
        }
        // Compound time must be clearly better, as in studio mode.
        let best = self.searches.iter().filter_map(|(division, search)| {
            let path = search.path_to_now();
            let handicap = if *division == Division::Ternary && self.searches.len() > 1 {
                0.12 * self.onsets.len() as f64
            } else {
                0.0
            };
            (path.beats_s.len() >= 4).then_some((path.score - handicap, *division, path))
        });
        let Some((_, division, path)) = best.max_by(|a, b| a.0.total_cmp(&b.0)) else { return Ok(()) };
        let Some(state) = self.search(division).and_then(BeatSearch::newest_beat) else { return Ok(()) };
        let patience = 1.0 - ((sung_s - WARM_UP_S) / (PATIENCE_S - WARM_UP_S)).clamp(0.0, 1.0);
        if state.lead < SURE_LEAD * patience {
            return Ok(());
        }
        let beats_s = smooth(&path.beats_s, &beat_onsets(&self.notes));
        let bars = steady_bars(&beats_s, &self.notes, &[], division, self.settings.meter);
        let grid = lay_bars(&beats_s, bars.meter, bars.first_downbeat, first.time_s, 0)?;
        let take = self.take(beats_s.clone(), bars, division, now_s);
        let key = self.settings.key.unwrap_or(take.keys[0].key);
        let score = skeleton(&take, key, grid.tempo.clone(), grid.lead_in_bars, grid.lead_in_bars + 1);
        let known_s = vec![now_s; beats_s.len()];
        let period_s = if self.settings.lead == Lead::Grid && self.settings.bpm.is_some() {
            self.settings.bpm.map_or(state.period_s, |bpm| bpm.beat_period_s())
        } else {
            median_period(&beats_s)
        };
        // The band enters with the first bar that can still be composed in time.
        let first_bar = BarNumber(i32::MAX);
        let confidence = 1.0 - (-state.lead.max(0.0) / 4.0).exp();
        self.locked = Some(Locked {
            beats_s,
            known_s,
            bars,
            grid,
            period_s,
            confidence,
            agreed: 0,
            last_state: None,
            score,
            first_bar,
            key,
            next_bar: first_bar,
            other_takes: Vec::new(),
        });
        Ok(())
    }

    fn search(&self, division: Division) -> Option<&BeatSearch> {
        self.searches.iter().find(|(d, _)| *d == division).map(|(_, search)| search)
    }

    /// Decides every beat that is due.
    fn decide_beats(&mut self, now_s: f64) -> Result<(), EngineError> {
        loop {
            let Some(locked) = &self.locked else { return Ok(()) };
            let last = locked.beats_s.len() - 1;
            if now_s < locked.beats_s[last] - DEADLINE_S {
                return Ok(());
            }
            let prediction = self.predict(locked);
            let Some(locked) = &mut self.locked else { return Ok(()) };
            let next_s = prediction.beat_s;
            locked.period_s = prediction.period_s;
            locked.confidence = prediction.trust;
            locked.agreed = prediction.agreed;
            locked.last_state = prediction.state;
            locked.beats_s.push(next_s);
            locked.known_s.push(now_s);
            let tick = locked.grid.first_beat + locked.bars.meter.beat() * (last as i64 + 1);
            locked.grid.tempo.push(tick, next_s)?;
            let per_bar = locked.bars.meter.beats_per_bar();
            let place = (last + 1 + per_bar - locked.bars.first_downbeat) % per_bar;
            // The decided beat must lie ahead: a bar is composed in time or not at all.
            if now_s <= next_s - DEADLINE_S {
                if place == 0 {
                    self.compose_bar(tick, now_s)?;
                } else if locked.bars.meter.chord_beats().contains(&place) {
                    self.correct_chord(tick, now_s);
                }
            }
        }
    }

    /// The beat after the last one.
    fn predict(&self, locked: &Locked) -> Prediction {
        let last_s = locked.beats_s[locked.beats_s.len() - 1];
        let steady = Prediction {
            beat_s: last_s + locked.period_s,
            period_s: locked.period_s,
            trust: 0.0,
            agreed: 0,
            state: None,
        };
        if self.settings.lead == Lead::Grid {
            return Prediction { trust: locked.confidence, ..steady };
        }
        let division = self.locked_division();
        let Some(state) = division.and_then(|d| self.search(d)).and_then(BeatSearch::newest_beat) else {
            return steady;
        };
        // Of the found period and its double and half, the one nearest to ours.
        let found = [0.5, 1.0, 2.0]
            .map(|ratio| state.period_s * ratio)
            .into_iter()
            .min_by(|a, b| (a / locked.period_s).ln().abs().total_cmp(&(b / locked.period_s).ln().abs()))
            .unwrap_or(state.period_s);
        // A search that says the same from beat to beat is believed even where rivals are near.
        let agreed = match locked.last_state {
            Some(before) if off_beat(state.beat_s - before.beat_s, found).abs() < AGREES => locked.agreed + 1,
            _ => 0,
        };
        let by_lead = 1.0 - (-state.lead.max(0.0) / 3.0).exp();
        let trust = by_lead.max((AGREED_TRUST * agreed as f64).min(MOST_AGREED_TRUST));
        let most = MOST_CORRECTION * locked.period_s;
        let period_s = locked.period_s + (PERIOD_GAIN * (found - locked.period_s)).clamp(-most, most);
        let expected = last_s + period_s;
        let error = -off_beat(expected - state.beat_s, found) * found;
        let beat_s = expected + (PHASE_GAIN * trust * error).clamp(-most, most);
        Prediction { beat_s, period_s, trust, agreed, state: Some(state) }
    }

    fn locked_division(&self) -> Option<Division> {
        let locked = self.locked.as_ref()?;
        let compound = locked.bars.meter.is_compound();
        self.searches.iter().map(|(d, _)| *d).find(|d| (*d == Division::Ternary) == compound)
    }

    fn take(&self, beats_s: Vec<f64>, bars: BarPhase, division: Division, now_s: f64) -> Take {
        let tuning = match self.settings.tune {
            Tune::Singer => TuningCurve::of(&self.notes),
            Tune::Cents(cents) => TuningCurve::fixed(cents),
        };
        let written: Vec<(MidiNote, f64)> = self
            .notes
            .iter()
            .map(|n| (MidiNote::nearest(n.midi - tuning.cents_at(n.onset_s) / 100.0), n.duration_s()))
            .collect();
        Take {
            duration_s: now_s,
            phrases: phrases(&self.notes, &self.observations, median_period(&beats_s)),
            notes: self.notes.clone(),
            onsets: self.onsets.clone(),
            tuning,
            beats_s,
            bars,
            division,
            keys: rank_keys(&written),
            observations: Vec::new(),
            shift_s: 0.0,
        }
    }

    /// Composes the bar that begins at a tick from what has been sung so far.
    fn compose_bar(&mut self, tick: Ticks, now_s: f64) -> Result<(), EngineError> {
        let Some(locked) = &self.locked else { return Ok(()) };
        let division = self.locked_division().unwrap_or(Division::Binary);
        let take = self.take(locked.beats_s.clone(), locked.bars, division, now_s);
        let (best, current) = (take.keys[0], locked.key);
        let held = take.keys.iter().find(|g| g.key == current).map_or(0.0, |g| g.probability);
        let key = match self.settings.key {
            Some(key) => key,
            None if best.probability > held + KEY_CHANGE_LEAD => best.key,
            None => current,
        };
        let tuning = locked.score.tuning.clone();
        let mut now = skeleton(&take, key, locked.grid.tempo.clone(), locked.grid.lead_in_bars, 1);
        let bar = now.bar_at(tick);
        now.bars = (bar.number.0 + locked.grid.lead_in_bars as i32).max(1) as u32;
        if now.bars as usize > limits::MAX_BARS {
            return Err(EngineError::TooManyBars { bars: now.bars as usize });
        }
        // What was decided before stays as it was: the tuning too.
        let cents = (take.tuning.cents_at(now_s) * 10.0).round() / 10.0;
        now.tuning = tuning;
        now.tuning.retain(|p| p.at < tick);
        now.tuning.push(crate::score::TuningPoint { at: tick, cents });
        now.chords = locked.score.chords.clone();
        now.parts = locked.score.parts.clone();
        now.sections = locked.score.sections.clone();
        let energy = self.settings.energy.unwrap_or_else(|| energy_of(&now, bar.number));
        match now.sections.last_mut() {
            Some(last) if last.energy == energy => last.bars += 1,
            _ => now.sections.push(Section { label: "Live".to_owned(), first: bar.number, bars: 1, energy }),
        }
        let chart_known = self.settings.chart.is_some();
        let back = if chart_known { 0 } else { LOOK_BACK_BARS.min(bar.number.0 - 1).max(0) };
        let harmonised = self.composer.plan(&PlanRequest {
            score: &Score { chords: Vec::new(), ..now.clone() },
            settings: &Settings { parts: Vec::new(), ..self.settings.clone() },
            first: BarNumber(bar.number.0 - back),
            bars: back as u32 + 1,
            is_ending: false,
        });
        now.chords.extend(harmonised.chords.iter().filter(|s| s.end() > bar.start).map(|span| {
            let start = span.start.max(bar.start);
            ChordSpan { start, length: span.end() - start, chord: span.chord }
        }));
        let mut others = Vec::new();
        for part in &self.settings.parts {
            let take = self.settings.take_of(*part, bar.number);
            let written = self.composer.part_bar(&now, &self.settings, *part, bar.number, take);
            if take != 1 {
                others.push(self.composer.part_bar(&now, &self.settings, *part, bar.number, 1));
            }
            now.parts.push(written);
        }
        if let Some(locked) = &mut self.locked {
            locked.key = key;
            locked.first_bar = locked.first_bar.min(bar.number);
            locked.next_bar = BarNumber(bar.number.0 + 1);
            locked.score = now;
            locked.other_takes.extend(others);
        }
        Ok(())
    }

    /// Takes another chord from the middle of a bar on, if what was sung in its first half asks for one.
    fn correct_chord(&mut self, tick: Ticks, now_s: f64) {
        let Some(locked) = &self.locked else { return };
        let bar = locked.score.bar_at(tick);
        if self.settings.chart.is_some() || bar.number.0 >= locked.next_bar.0 || bar.number < locked.first_bar
        {
            return;
        }
        let division = self.locked_division().unwrap_or(Division::Binary);
        let mut take = self.take(locked.beats_s.clone(), locked.bars, division, now_s);
        take.notes.extend(self.segmenter.open_note());
        let tempo = locked.grid.tempo.clone();
        let heard = skeleton(&take, locked.key, tempo, locked.grid.lead_in_bars, locked.score.bars);
        let back = LOOK_BACK_BARS.min(bar.number.0 - 1).max(0);
        let plan = self.composer.plan(&PlanRequest {
            score: &heard,
            settings: &Settings { parts: Vec::new(), ..self.settings.clone() },
            first: BarNumber(bar.number.0 - back),
            bars: back as u32 + 1,
            is_ending: false,
        });
        let wanted = plan.chords.iter().find(|s| s.start <= tick && s.end() > tick).map(|s| s.chord);
        let Some(wanted) = wanted.filter(|chord| locked.score.chord_at(tick) != Some(*chord)) else { return };
        let Some(locked) = &mut self.locked else { return };
        let score = &mut locked.score;
        score.chords.retain(|span| span.start < tick);
        if let Some(last) = score.chords.last_mut() {
            last.length = TickCount(last.length.0.min((tick - last.start).0));
        }
        score.chords.push(ChordSpan { start: tick, length: bar.end - tick, chord: wanted });
        let played = score.clone();
        let bars = score.parts.iter_mut().chain(&mut locked.other_takes);
        for written in bars.filter(|p| p.bar == bar.number) {
            // What sounds already stays, cut where the chord changes; the rest of the bar is written anew.
            let anew =
                self.composer.part_bar(&played, &self.settings, written.part, written.bar, written.take);
            written.notes.retain(|note| note.start < tick);
            if written.part.is_pitched() {
                for note in &mut written.notes {
                    note.length = TickCount(note.length.0.min((tick - note.start).0));
                }
            }
            written.notes.extend(anew.notes.iter().filter(|note| note.start >= tick));
        }
    }

    /// Ends the take: the band closes with one chord in the bar after the last one it was given.
    pub fn finish(mut self, duration_s: f64) -> Result<Session, EngineError> {
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
        let division = self.locked_division().unwrap_or(Division::Binary);
        let Some(locked) = self.locked.take().filter(|l| l.first_bar.0 != i32::MAX) else {
            return Err(FollowError::TooShortForLive { duration_s }.into());
        };
        let mut take = self.take(locked.beats_s.clone(), locked.bars, division, duration_s);
        let mut score = skeleton(&take, locked.key, locked.grid.tempo, locked.grid.lead_in_bars, 1);
        let closing = locked.next_bar;
        score.bars = (closing.0 + locked.grid.lead_in_bars as i32) as u32;
        score.tuning = locked.score.tuning;
        score.chords = locked.score.chords;
        score.parts = locked.score.parts;
        score.sections = locked.score.sections;
        score.sections.push(Section { label: "Outro".to_owned(), first: closing, bars: 1, energy: 0.4 });
        let plan = self.composer.plan(&PlanRequest {
            score: &score,
            settings: &self.settings,
            first: closing,
            bars: 1,
            is_ending: true,
        });
        score.chords.extend(plan.chords);
        score.parts.extend(plan.parts);
        score.parts.sort_by_key(|bar| (bar.part, bar.bar));
        check_takes(&self.settings, &score)?;
        let per_bar = locked.bars.meter.beats_per_bar();
        let beats = locked
            .beats_s
            .iter()
            .zip(&locked.known_s)
            .enumerate()
            .map(|(index, (time_s, known_s))| BeatReport {
                time_s: *time_s,
                beat: (index + per_bar - locked.bars.first_downbeat) % per_bar + 1,
                known_s: *known_s,
                confidence: locked.confidence,
            })
            .collect();
        let mut kept = locked.other_takes;
        let last = other_takes(&mut self.composer, &score, &self.settings);
        kept.extend(last.into_iter().filter(|bar| bar.bar == closing));
        take.observations = std::mem::take(&mut self.observations);
        let composer = self.composer.name();
        Ok(Session { take, score, beats, pad_s: 0.0, composer, other_takes: kept, latency_s: self.latency_s })
    }
}

/// Whether nothing was voiced for [`beat::REST_S`] up to a time.
fn is_resting(heard: &[Observation], at_s: f64) -> bool {
    let index = |s: f64| ((s / HOP_S).round().max(0.0) as usize).min(heard.len());
    let window = &heard[index(at_s - beat::REST_S)..index(at_s)];
    window.len() * 2 > (beat::REST_S / HOP_S) as usize && window.iter().all(|o| !o.voiced)
}

/// Energy for the next bar from the last few: how loud and high they were sung against all that was heard.
fn energy_of(score: &Score, next: BarNumber) -> f64 {
    let from = score.bar(BarNumber(next.0 - ENERGY_BARS)).start;
    let (mut near, mut all) = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0));
    for note in &score.melody {
        let weight = note.length.0 as f64;
        let add = |sum: &mut (f64, f64, f64)| {
            sum.0 += weight * note.level_dbfs;
            sum.1 += weight * f64::from(note.pitch.0);
            sum.2 += weight;
        };
        add(&mut all);
        if note.start >= from {
            add(&mut near);
        }
    }
    if near.2 <= 0.0 {
        return 0.35;
    }
    let level = near.0 / near.2 - all.0 / all.2;
    let height = near.1 / near.2 - all.1 / all.2;
    // Tenths, so that energy changes in steps one can hear.
    let quiet = form::sung_share(score, from, score.bar(next).start) < 0.2;
    ((0.5 + level * 0.05 + height * 0.06 - if quiet { 0.15 } else { 0.0 }).clamp(0.2, 1.0) * 10.0).round()
        / 10.0
}
