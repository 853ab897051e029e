//! The composing half of the live engine: what has been sung so far -> chords and notes of the next bar.

use super::state::{STOPPED_BARS, State};
use super::thirds::Doubts;
use crate::compose::rules::Rules;
use crate::compose::{Composer, PlanRequest, composer_for, form};
use crate::engine::EngineError;
use crate::engine::write::{check_takes, skeleton};
use crate::follow::Take;
use crate::limits;
use crate::perform::Dynamics;
use crate::score::{Bar, BarNumber, ChordSpan, Key, Part, PartBar, Score, Section, TuningPoint};
use crate::song::{Lead, Settings, WhenStopped};
use crate::time::{Meter, TempoMap, TickCount, Ticks};

/// Bars of which the level and height decide the energy of the next one.
const ENERGY_BARS: i32 = 4;
/// Bars before the next one whose melody is harmonised together with it.
const LOOK_BACK_BARS: i32 = 3;
/// Bars before the next one whose parts the composer hears.
const LOOK_BACK_PARTS: i32 = 12;
/// Lead in probability that another key must have to be taken.
const KEY_CHANGE_LEAD: f64 = 0.25;
/// Energy of a vamp.
const VAMP_ENERGY: f64 = 0.2;
/// Sung notes before a key can be told.
const KEY_NOTES: usize = 4;

/// What is to be composed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The bar that begins here.
    Bar(Ticks),
    /// Another chord from here on, if what was sung in the bar so far asks for one.
    Chord(Ticks),
    /// The last bar.
    End,
}

/// What has been heard when something is to be composed.
#[derive(Debug, Clone)]
pub struct BandRequest {
    /// What.
    pub wanted: Wanted,
    /// What has been heard.
    pub take: Take,
    /// The beats so far.
    pub tempo: TempoMap,
    /// Bars before bar 1.
    pub lead_in_bars: u32,
    /// Seconds of input heard.
    pub now_s: f64,
    /// What the band is doing.
    pub state: State,
    /// What the user asks for now.
    pub settings: Settings,
}

/// What was composed.
#[derive(Debug, Clone)]
pub struct BandAnswer {
    /// The bar.
    pub bar: Bar,
    /// Its parts; empty if nothing changes.
    pub parts: Vec<PartBar>,
    /// Its chords.
    pub chords: Vec<ChordSpan>,
    /// Its tuning, if it begins one.
    pub tuning: Option<TuningPoint>,
    /// The dynamics from now on.
    pub dynamics: Dynamics,
    /// The key.
    pub key: Key,
    /// The metre.
    pub meter: Meter,
    /// How full the band plays.
    pub energy: f64,
}

/// The band's memory of the song.
pub struct Band {
    /// The composer that the last request asked for.
    composer: Box<dyn Composer>,
    so_far: Option<SoFar>,
}

#[derive(Debug)]
struct SoFar {
    key: Key,
    first_bar: BarNumber,
    /// What the band has been given so far ends before this bar.
    next_bar: BarNumber,
    sections: Vec<Section>,
    chords: Vec<ChordSpan>,
    tuning: Vec<TuningPoint>,
    parts: Vec<PartBar>,
    /// What was doubtful in the last bar.
    doubts: Doubts,
    /// What the last bar was written for: its patterns stay where only a chord changes.
    last: Option<Score>,
    /// First takes of the bars that another take plays.
    other_takes: Vec<PartBar>,
}

impl SoFar {
    /// First takes of the bars that a composer looks back on from a bar.
    fn first_takes(&self, bar: BarNumber) -> Vec<PartBar> {
        let is_near = |part: &&PartBar| part.bar < bar && part.bar.0 >= bar.0 - LOOK_BACK_PARTS;
        let near = self.parts.iter().filter(is_near).map(|part| {
            let is_same = |other: &&PartBar| (other.part, other.bar) == (part.part, part.bar);
            self.other_takes.iter().find(is_same).unwrap_or(part).clone()
        });
        near.collect()
    }
}

impl Default for Band {
    fn default() -> Self {
        Self { composer: Box::new(Rules), so_far: None }
    }
}

impl std::fmt::Debug for Band {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Band").field("so_far", &self.so_far).finish_non_exhaustive()
    }
}

impl Band {
    /// Name of the composer.
    pub fn composer(&self) -> &'static str {
        self.composer.name()
    }

    /// Composes what is wanted. Nothing is answered where nothing has to change.
    pub fn answer(&mut self, request: &BandRequest) -> Result<Option<BandAnswer>, EngineError> {
        self.composer = composer_for(&request.settings);
        match request.wanted {
            Wanted::Bar(tick) => self.compose_bar(request, tick).map(Some),
            Wanted::Chord(tick) => Ok(self.correct_chord(request, tick)),
            Wanted::End => Ok(self.compose_end(request)),
        }
    }

    fn key(&self, request: &BandRequest) -> Key {
        let choice = usize::from(request.settings.repairs.key_choice).min(request.take.keys.len() - 1);
        let best = request.take.keys[choice];
        let held = self.so_far.as_ref().and_then(|s| request.take.keys.iter().find(|g| g.key == s.key));
        match (request.settings.key, held) {
            (Some(key), _) => key,
            (None, Some(held)) if choice == 0 && best.probability <= held.probability + KEY_CHANGE_LEAD => {
                held.key
            }
            _ => best.key,
        }
    }

    fn compose_bar(&mut self, request: &BandRequest, tick: Ticks) -> Result<BandAnswer, EngineError> {
        let BandRequest { take, tempo, settings, .. } = request;
        let key = self.key(request);
        let mut now = skeleton(take, key, tempo.clone(), request.lead_in_bars, 1);
        let bar = now.bar_at(tick);
        now.bars = (bar.number.0 + request.lead_in_bars as i32).max(1) as u32;
        if now.bars as usize > limits::MAX_BARS {
            return Err(EngineError::TooManyBars { bars: now.bars as usize });
        }
        let so_far = self.so_far.get_or_insert_with(|| SoFar {
            key,
            first_bar: bar.number,
            next_bar: bar.number,
            sections: Vec::new(),
            chords: Vec::new(),
            tuning: Vec::new(),
            parts: Vec::new(),
            doubts: Doubts::default(),
            last: None,
            other_takes: Vec::new(),
        });
        so_far.key = key;
        so_far.next_bar = BarNumber(bar.number.0 + 1);
        let cents = (take.tuning.cents_at(request.now_s) * 10.0).round() / 10.0;
        let tuning = TuningPoint { at: tick, cents };
        so_far.tuning.retain(|point| point.at < tick);
        so_far.tuning.push(tuning);
        let rest = request.rest_bars(&now);
        let energy = match settings.when_stopped {
            WhenStopped::Vamp if rest > STOPPED_BARS => VAMP_ENERGY,
            _ if request.state == State::Vamping => VAMP_ENERGY,
            _ => settings.energy.unwrap_or_else(|| energy_of(&now, bar.number)),
        };
        match so_far.sections.last_mut() {
            Some(last) if last.energy == energy && last.first.0 + last.bars as i32 == bar.number.0 => {
                last.bars += 1;
            }
            _ => so_far.sections.push(Section {
                label: "Live".to_owned(),
                first: bar.number,
                bars: 1,
                energy,
                role: None,
            }),
        }
        now.sections = so_far.sections.clone();
        now.tuning = so_far.tuning.clone();
        now.chords = so_far.chords.clone();
        // The drums need no key.
        let is_key_known =
            settings.key.is_some() || settings.gives_all_chords() || take.notes.len() >= KEY_NOTES;
        let harmonised = self.composer.plan(&harmony_of(&now, &silent(settings), bar.number, request.now_s));
        so_far.doubts = Doubts::of(request, &harmonised.thirds);
        let chords: Vec<ChordSpan> = harmonised
            .chords
            .iter()
            .filter(|span| span.end() > bar.start)
            .map(|span| {
                let start = span.start.max(bar.start);
                ChordSpan { start, length: span.end() - start, chord: span.chord }
            })
            .collect();
        now.chords.extend(chords.iter().copied());
        let chords = if is_key_known { chords } else { Vec::new() };
        so_far.chords.extend(chords.iter().copied());
        let waits =
            settings.when_stopped == WhenStopped::Wait && settings.lead != Lead::Voice && rest > STOPPED_BARS;
        now.parts = so_far.first_takes(bar.number);
        let plays = |part: &&Part| !waits && (is_key_known || !part.is_pitched());
        let playing: Vec<(Part, u32)> = settings.parts.iter().filter(plays).map(|part| (*part, 1)).collect();
        let mut parts = self.composer.bar(&now, settings, bar.number, &playing);
        parts.iter_mut().for_each(|part| so_far.doubts.open(part, &now));
        now.parts.extend(parts.iter().cloned());
        for part in &mut parts {
            let take = settings.take_of(part.part, bar.number);
            if take != 1 {
                let other = self.composer.bar(&now, settings, bar.number, &[(part.part, take)]);
                let first = other.into_iter().next().map(|other| std::mem::replace(part, other));
                so_far.other_takes.extend(first);
                so_far.doubts.open(part, &now);
            }
        }
        so_far.parts.extend(parts.iter().cloned());
        let (dynamics, meter) = (Dynamics::new(&now, true), now.meter);
        so_far.last = Some(now);
        Ok(BandAnswer { bar, parts, chords, tuning: Some(tuning), dynamics, key, meter, energy })
    }

    /// Takes another chord from the middle of a bar on, if what was sung in its first half asks for one.
    fn correct_chord(&mut self, request: &BandRequest, tick: Ticks) -> Option<BandAnswer> {
        let BandRequest { take, tempo, settings, .. } = request;
        let so_far = self.so_far.as_mut()?;
        let mut heard = skeleton(take, so_far.key, tempo.clone(), request.lead_in_bars, 1);
        let bar = heard.bar_at(tick);
        heard.bars = (bar.number.0 + request.lead_in_bars as i32).max(1) as u32;
        let cut_at = |span: &mut ChordSpan| {
            span.length = TickCount(span.length.0.min((tick - span.start).0));
        };
        if settings.gives_all_chords() || bar.number.0 >= so_far.next_bar.0 || bar.number < so_far.first_bar {
            return None;
        }
        heard.chords = so_far.chords.iter().filter(|span| span.start < tick).copied().collect();
        if let Some(last) = heard.chords.last_mut() {
            cut_at(last);
        }
        let plan = self.composer.plan(&harmony_of(&heard, &silent(settings), bar.number, request.now_s));
        let wanted = plan.chords.iter().find(|s| s.start <= tick && s.end() > tick).map(|s| s.chord)?;
        heard.chords = so_far.chords.clone();
        let doubts = Doubts::of(request, &plan.thirds);
        let stays = heard.chord_at(tick) == Some(wanted);
        if stays && doubts.holds(tick) == so_far.doubts.holds(tick) {
            return None;
        }
        so_far.doubts = doubts;
        if !stays {
            so_far.chords.retain(|span| span.start < tick);
            if let Some(last) = so_far.chords.last_mut() {
                cut_at(last);
            }
            so_far.chords.push(ChordSpan { start: tick, length: bar.end - tick, chord: wanted });
        }
        let played = so_far.last.as_mut()?;
        played.chords = so_far.chords.clone();
        let mut parts = Vec::new();
        for (is_chosen, written) in so_far
            .parts
            .iter_mut()
            .map(|part| (true, part))
            .chain(so_far.other_takes.iter_mut().map(|part| (false, part)))
            .filter(|(_, part)| part.bar == bar.number)
        {
            // What sounds already stays, cut where the chord changes; the rest of the bar is written anew.
            let wanted = [(written.part, written.take)];
            let anew = self.composer.bar(played, settings, written.bar, &wanted).into_iter().next();
            let Some(mut anew) = anew else { continue };
            so_far.doubts.open(&mut anew, played);
            written.notes.retain(|note| note.start < tick);
            if written.part.is_pitched() {
                for note in &mut written.notes {
                    note.length = TickCount(note.length.0.min((tick - note.start).0));
                }
            }
            written.notes.extend(anew.notes.iter().filter(|note| note.start >= tick));
            if is_chosen {
                parts.push(written.clone());
            }
        }
        let chords = so_far.chords.iter().filter(|span| span.end() > bar.start).copied().collect();
        let dynamics = Dynamics::new(&heard, true);
        let energy = so_far.sections.last().map_or(0.5, |section| section.energy);
        let meter = heard.meter;
        Some(BandAnswer { bar, parts, chords, tuning: None, dynamics, key: so_far.key, meter, energy })
    }

    /// One chord in the bar after the last one.
    fn compose_end(&mut self, request: &BandRequest) -> Option<BandAnswer> {
        let closing = self.so_far.as_ref()?.next_bar;
        self.so_far.as_mut()?.sections.push(Section {
            label: "Outro".to_owned(),
            first: closing,
            bars: 1,
            energy: 0.4,
            role: None,
        });
        let mut score = self.score(request)?;
        score.bars = (closing.0 + request.lead_in_bars as i32) as u32;
        let plan = self.composer.plan(&PlanRequest {
            score: &score,
            settings: &request.settings,
            first: closing,
            bars: 1,
            heard_until: Ticks(score.tempo.ticks_at(request.now_s) as i64),
            is_ending: true,
        });
        let so_far = self.so_far.as_mut()?;
        so_far.chords.extend(plan.chords.iter().copied());
        so_far.parts.extend(plan.parts.iter().cloned());
        so_far.other_takes.extend(plan.other_takes);
        so_far.next_bar = BarNumber(closing.0 + 1);
        score.chords = so_far.chords.clone();
        Some(BandAnswer {
            bar: score.bar(closing),
            parts: plan.parts,
            chords: plan.chords,
            tuning: None,
            dynamics: Dynamics::new(&score, true),
            key: so_far.key,
            meter: score.meter,
            energy: 0.4,
        })
    }

    /// Everything written so far as a score, or nothing before the first bar.
    pub fn score(&self, request: &BandRequest) -> Option<Score> {
        let so_far = self.so_far.as_ref()?;
        let mut score = skeleton(&request.take, so_far.key, request.tempo.clone(), request.lead_in_bars, 1);
        score.bars = (so_far.next_bar.0 - 1 + request.lead_in_bars as i32).max(1) as u32;
        score.tuning = so_far.tuning.clone();
        score.chords = so_far.chords.clone();
        score.parts = so_far.parts.clone();
        score.parts.sort_by_key(|bar| (bar.part, bar.bar));
        score.sections = so_far.sections.clone();
        Some(score)
    }

    /// The score, checked against the takes that were asked for, and the takes that were not chosen.
    pub fn finish(&mut self, request: &BandRequest) -> Result<Option<(Score, Vec<PartBar>)>, EngineError> {
        let Some(score) = self.score(request) else { return Ok(None) };
        check_takes(&request.settings, &score)?;
        let kept = self.so_far.as_mut().map(|s| std::mem::take(&mut s.other_takes)).unwrap_or_default();
        Ok(Some((score, kept)))
    }
}

impl BandRequest {
    /// Bars since anything was sung.
    fn rest_bars(&self, score: &Score) -> f64 {
        let last_s = self.take.notes.last().map_or(0.0, |note| note.offset_s);
        let since = score.tempo.ticks_at(self.now_s) - score.tempo.ticks_at(last_s.min(self.now_s));
        since / score.meter.bar().0 as f64
    }
}

/// The settings of a plan of chords alone.
fn silent(settings: &Settings) -> Settings {
    Settings { parts: Vec::new(), ..settings.clone() }
}

fn harmony_of<'a>(score: &'a Score, settings: &'a Settings, bar: BarNumber, now_s: f64) -> PlanRequest<'a> {
    let back = if settings.gives_all_chords() { 0 } else { LOOK_BACK_BARS.min(bar.0 - 1).max(0) };
    PlanRequest {
        score,
        settings,
        first: BarNumber(bar.0 - back),
        bars: back as u32 + 1,
        heard_until: Ticks(score.tempo.ticks_at(now_s) as i64),
        is_ending: false,
    }
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
