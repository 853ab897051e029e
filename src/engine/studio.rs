//! Studio: the whole take is known.

use super::write::{check_takes, last_sung_bar, skeleton};
use super::{BeatReport, EngineError, Session, State};
use crate::compose::form;
use crate::compose::{PlanRequest, composer_for};
use crate::follow::Take;
use crate::follow::grid::{bar_one, lay_bars, median_period};
use crate::follow::studio::follow_take;
use crate::limits;
use crate::listen::mix::{Stroke, strokes_of};
use crate::listen::{HOP_S, ListenConfig, Listener, Observation};
use crate::score::{BarNumber, Score};
use crate::song::{Gesture, HeardMix, Lead, SaidOfTake, Settings};
use crate::time::Ticks;

/// Analyses 16 kHz samples, and those of a sidechain beside them, and writes a score for all of them, and for the mix that
/// they were taken out of.
pub fn studio(
    samples: &[f32],
    sidechain: &[f32],
    mix: Option<HeardMix>,
    config: ListenConfig,
    settings: &Settings,
    progress: &mut dyn FnMut(f64),
) -> Result<Session, EngineError> {
    let mut listener = Listener::new(config);
    let latency_s = listener.latency().0 as f64 / f64::from(limits::LISTEN_HZ);
    let mut heard = Vec::with_capacity(samples.len() / limits::LISTEN_HOP + 1);
    let hops = samples.len().div_ceil(limits::LISTEN_HOP).max(1);
    for (index, chunk) in samples.chunks(limits::LISTEN_HOP).enumerate() {
        let mut hop = [0.0; limits::LISTEN_HOP];
        hop[..chunk.len()].copy_from_slice(chunk);
        listener.process(&hop, &mut |observation| heard.push(observation));
        if index % 500 == 0 {
            progress(0.8 * index as f64 / hops as f64);
        }
    }
    listener.finish(&mut |observation| heard.push(observation));
    progress(0.9);
    let strokes = strokes_of(&sidechain[..sidechain.len().min(samples.len())]);
    follow_and_compose(&heard, &strokes, mix, latency_s, settings)
}

/// Follows and writes a score for what was heard, for the strokes beside it, and for the mix that it was taken out of.
pub fn follow_and_compose(
    heard: &[Observation],
    strokes: &[Stroke],
    mix: Option<HeardMix>,
    latency_s: f64,
    settings: &Settings,
) -> Result<Session, EngineError> {
    let stated = mix.as_ref().map(|mix| mix.stated(settings));
    let mut take = follow_take(heard, strokes, latency_s, stated.as_ref().unwrap_or(settings))?;
    take.observations = heard.to_vec();
    take.mix = mix;
    compose_take(take, settings, latency_s)
}

/// Writes a score for a take of which everything is known.
pub fn compose_take(mut take: Take, settings: &Settings, latency_s: f64) -> Result<Session, EngineError> {
    let pad_s = room_for_intro(&take, settings);
    take.shift(pad_s);
    let stated = take.mix.as_ref().map(|mix| mix.stated(settings));
    let settings = stated.as_ref().unwrap_or(settings);
    let grid = lay_bars(
        &take.beats_s,
        take.bars.meter,
        take.bars.first_downbeat,
        first_s(&take, settings),
        settings.intro_bars,
    )?;
    let choice = usize::from(settings.repairs.key_choice).min(take.keys.len() - 1);
    let key = settings.key.unwrap_or(take.keys[choice].key);
    let mut score = skeleton(&take, key, grid.tempo, grid.lead_in_bars, grid.lead_in_bars + 1);
    let said = SaidOfTake::of(&settings.anchors);
    let bar_after = |at_s: f64| bar_after(&score, at_s + take.shift_s);
    let sung = last_sung_bar(&score).0.max(1);
    let last = match said.end_s {
        Some(at_s) => BarNumber(bar_after(at_s).0.clamp(1, sung + settings.outro_bars as i32)),
        None => BarNumber(sung + settings.outro_bars as i32),
    };
    let called: Vec<(BarNumber, Gesture)> =
        said.sections.iter().map(|call| (bar_after(call.at_s), call.gesture)).collect();
    // Whoever ends the band may sing on.
    let bars = last.0.max(sung) as usize + grid.lead_in_bars as usize;
    if bars > limits::MAX_BARS {
        return Err(EngineError::TooManyBars { bars });
    }
    score = skeleton(&take, key, score.tempo, grid.lead_in_bars, bars as u32);
    check_takes(settings, &score)?;
    let first = BarNumber(1 - settings.intro_bars as i32);
    score.sections = form::sections(&score, settings, first, last);
    form::end_with(&mut score.sections, last);
    form::call(&mut score.sections, &called);
    let in_mix = take.mix.as_ref().map(|mix| {
        let fixed = mix.fixed(&score, take.shift_s, settings);
        let beside = mix.playing(&score, take.shift_s, settings);
        Settings { fixed, beside, ..settings.clone() }
    });
    let settings = in_mix.as_ref().unwrap_or(settings);
    let mut composer = composer_for(settings);
    let request = PlanRequest {
        score: &score,
        settings,
        first,
        bars: (last.0 - first.0 + 1) as u32,
        heard_until: score.end(),
        is_ending: true,
    };
    let plan = composer.plan(&request);
    score.chords = plan.chords;
    score.parts = plan.parts;
    let beats = beat_reports(&take);
    let (composer, other_takes) = (composer.name(), plan.other_takes);
    Ok(Session { take, score, beats, pad_s, composer, other_takes, latency_s, played: None })
}

/// Where bar 1 is looked for: where it was stated or said, else at the first note.
fn first_s(take: &Take, settings: &Settings) -> f64 {
    let sung_s = take.notes[0].onset_s;
    if settings.lead == Lead::Host {
        return sung_s;
    }
    let bar_s = take.bars.meter.beats_per_bar() as f64 * median_period(&take.beats_s);
    // What is said later is a bar like others.
    let is_first = |at_s: &f64| *at_s < sung_s + bar_s;
    let said_s = SaidOfTake::of(&settings.anchors).bar_lines_s.first().map(|at_s| at_s + take.shift_s);
    let stated_s = settings.first_bar_s().map(|at_s| at_s + take.shift_s);
    said_s.filter(is_first).or(stated_s).unwrap_or(sung_s)
}

/// The bar that comes next when a key is pressed, a little late for it at most.
fn bar_after(score: &Score, at_s: f64) -> BarNumber {
    let at = Ticks(score.tempo.ticks_at(at_s) as i64) - score.meter.beat();
    BarNumber(score.bar_at(at.max(Ticks(0))).number.0 + i32::from(at >= Ticks(0)))
}

/// Silence needed before the take so that an introduction fits, in whole hops of 10 ms.
fn room_for_intro(take: &Take, settings: &Settings) -> f64 {
    if settings.intro_bars == 0 {
        return 0.0;
    }
    let (_, bar_one_s) =
        bar_one(&take.beats_s, take.bars.meter, take.bars.first_downbeat, first_s(take, settings));
    let beats = settings.intro_bars as usize * take.bars.meter.beats_per_bar();
    let wanted_s = beats as f64 * median_period(&take.beats_s);
    ((wanted_s - bar_one_s).max(0.0) / HOP_S).ceil() * HOP_S
}

fn beat_reports(take: &Take) -> Vec<BeatReport> {
    let per_bar = take.bars.meter.beats_per_bar();
    let confidence = 1.0 - (-take.bars.lead.max(0.0)).exp();
    take.beats_s
        .iter()
        .enumerate()
        .map(|(index, time_s)| BeatReport {
            time_s: *time_s,
            beat: (index + per_bar - take.bars.first_downbeat) % per_bar + 1,
            known_s: take.duration_s,
            confidence,
            state: State::Playing,
            sung_s: None,
        })
        .collect()
}
