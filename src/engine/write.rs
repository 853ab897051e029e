//! From what was heard to the skeleton of a score.

use super::EngineError;
use crate::follow::Take;
use crate::follow::grid::write_melody;
use crate::follow::studio::steps_per_beat;
use crate::score::{BarNumber, Key, Phrase, Score, TuningPoint};
use crate::song::Settings;
use crate::time::{TempoMap, TickCount, Ticks};

/// Smallest change of tuning that is written, in cents.
const TUNING_STEP_CENTS: f64 = 0.5;

/// A score with melody, phrases and tuning, but neither sections nor chords nor parts.
pub(super) fn skeleton(take: &Take, key: Key, tempo: TempoMap, lead_in_bars: u32, bars: u32) -> Score {
    let meter = take.bars.meter;
    let step = TickCount(meter.beat().0 / steps_per_beat(meter, take.division));
    let melody = write_melody(&take.notes, &tempo, step, &take.tuning);
    let total_s: f64 = take.notes.iter().map(|n| n.duration_s()).sum();
    let usual_dbfs =
        take.notes.iter().map(|n| n.level_dbfs * n.duration_s()).sum::<f64>() / total_s.max(1e-9);
    let phrases = take
        .phrases
        .iter()
        .filter_map(|phrase| {
            let notes = melody.get(phrase.first..phrase.end)?;
            Some(Phrase {
                start: notes.first()?.start,
                end: notes.last()?.end(),
                breath_before: phrase.breath_before,
                level_db: phrase.level_dbfs - usual_dbfs,
            })
        })
        .collect();
    let mut score = Score {
        meter,
        key,
        tempo,
        lead_in_bars,
        bars,
        sections: Vec::new(),
        phrases,
        melody,
        chords: Vec::new(),
        tuning: Vec::new(),
        parts: Vec::new(),
        usual_level_dbfs: None,
    };
    score.tuning = tuning_points(take, &score);
    score
}

/// The tuning at every bar line at which it has moved.
fn tuning_points(take: &Take, score: &Score) -> Vec<TuningPoint> {
    let mut points: Vec<TuningPoint> = Vec::new();
    for bar in score.all_bars() {
        let cents = (take.tuning.cents_at(score.tempo.seconds_at(bar.start)) * 10.0).round() / 10.0;
        if points.last().is_none_or(|last| (cents - last.cents).abs() >= TUNING_STEP_CENTS) {
            points.push(TuningPoint { at: bar.start, cents });
        }
    }
    points
}

/// The bar in which the last sung note ends.
pub(super) fn last_sung_bar(score: &Score) -> BarNumber {
    let end = score.melody.last().map_or(Ticks(1), |n| n.end());
    score.bar_at(end - TickCount(1)).number
}

/// Refuses takes of bars that are not there.
pub(super) fn check_takes(settings: &Settings, score: &Score) -> Result<(), EngineError> {
    let takes = settings.takes.iter().filter_map(|choice| Some((choice.bar?, format!("take {choice}"))));
    check_bars(takes, score)
}

/// Refuses chords of bars that are not there.
pub(super) fn check_fixed(settings: &Settings, score: &Score) -> Result<(), EngineError> {
    check_bars(settings.fixed.iter().map(|fixed| (fixed.bar, format!("chords {fixed}"))), score)
}

fn check_bars(
    mut choices: impl Iterator<Item = (BarNumber, String)>,
    score: &Score,
) -> Result<(), EngineError> {
    let (first, last) = (score.bar_number(0).0, score.bar_number(score.bars.saturating_sub(1)).0);
    match choices.find(|(bar, _)| !(first..=last).contains(&bar.0)) {
        Some((_, choice)) => Err(EngineError::NoSuchBar { choice, first, last }),
        None => Ok(()),
    }
}
