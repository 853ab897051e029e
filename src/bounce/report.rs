//! `report.json` and `follow.csv`: what was heard and decided, and how closely the band follows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::analysis::round;
use super::mix::MixReport;
use crate::engine::Session;
use crate::follow::grid::median_period;
use crate::perform::EventKind;
use crate::score::{ChordSpan, Part, SectionRole};
use crate::song::Song;
use crate::time::{TickCount, Ticks};

/// Facts of a bounce that stand in no other place.
pub(super) struct Facts<'a> {
    pub mix: Option<MixReport>,
    /// How the voice was found in a mix.
    pub isolation: Option<Value>,
    pub rate: u32,
    pub frames: u64,
    pub loudness: Option<f64>,
    pub seat: f64,
    /// Gain of all stems and of their sum, in dB; 0 or less.
    pub band_gain_db: f64,
    /// SHA-256 of every output by file name.
    pub hashes: BTreeMap<String, String>,
    pub timings: Option<&'a BTreeMap<&'static str, f64>>,
}

/// The report.
pub(super) fn report(session: &Session, song: &Song, facts: &Facts<'_>) -> Value {
    let score = &session.score;
    let beat = score.meter.beat();
    let tempos: Vec<f64> = session.beats.windows(2).map(|w| 60.0 / (w[1].time_s - w[0].time_s)).collect();
    let edge = |pick: fn(f64, f64) -> f64, start: f64| round(tempos.iter().copied().fold(start, pick));
    let bar_one = score.bar(crate::score::BarNumber(1)).start;
    let bars: Vec<Value> = score
        .all_bars()
        .map(|bar| {
            let names: Vec<String> = chords_in(&score.chords, bar.start, bar.end)
                .map(|span| span.chord.lead_sheet_in(score.key))
                .collect();
            json!({
                "bar": bar.number.0,
                "start_s": round(score.tempo.seconds_at(bar.start)),
                "bpm": round(score.tempo.bpm_at(bar.start, beat).0),
                "chords": names,
            })
        })
        .collect();
    let parts: Vec<Part> = crate::engine::sounding_parts(score);
    let mut report = json!({
        "schema": "collavoce.report/1",
        "take_id": song.provenance.take_id,
        "provenance": song.provenance,
        "settings": song.settings,
        "heard": {
            "key": score.key.to_string(),
            "key_confidence": round(session.take.keys.iter().find(|g| g.key == score.key).map_or(0.0, |g| g.probability)),
            "other_keys": session.take.keys.iter().filter(|g| g.key != score.key).take(3)
                .map(|g| json!([g.key.to_string(), round(g.probability)])).collect::<Vec<_>>(),
            "meter": score.meter.to_string(),
            "tempo_bpm": {
                "median": round(60.0 / median_period(&session.take.beats_s)),
                "slowest": edge(f64::min, f64::INFINITY),
                "fastest": edge(f64::max, 0.0),
            },
            "tuning_cents": round(session.take.tuning.median_cents()),
            "sung_notes": session.take.notes.len(),
            "phrases": session.take.phrases.len(),
            "first_downbeat_s": round(score.tempo.seconds_at(bar_one)),
        },
        "decided": {
            "sections": score.sections.iter().map(|s| json!({
                "label": s.label, "first_bar": s.first.0, "bars": s.bars, "energy": round(s.energy),
                "role": s.role.map(SectionRole::name),
            })).collect::<Vec<_>>(),
            "bars": bars,
            "parts": parts.iter().map(|part| json!({
                "part": part.name(),
                "composer": session.composer,
                "notes": score.notes_of(*part).count(),
            })).collect::<Vec<_>>(),
        },
        "audio": {
            "sample_rate": facts.rate,
            "bits": 24,
            "frames": facts.frames,
            "voice_starts_at_s": round(session.pad_s),
            "band_gain_db": round(facts.band_gain_db),
            "voice_gain_db": facts.mix.map(|mix| round(mix.voice_gain_db)),
            "mix_gain_db": facts.mix.map(|mix| round(mix.gain_db)),
            "seat": facts.mix.map(|_| facts.seat),
            "loudness_target_lufs": facts.loudness,
            "loudness_before_gain_lufs": facts.mix.filter(|mix| mix.measured_lufs.is_finite()).map(|mix| round(mix.measured_lufs)),
        },
        "health": { "late_follow": 0, "late_plan": 0, "dropped": 0, "deadline_s": song.settings.timing.deadline_s },
        "sha256": facts.hashes,
    });
    if let (Some(isolation), Some(object)) = (&facts.isolation, report.as_object_mut()) {
        object.insert("isolation".to_owned(), isolation.clone());
    }
    if let (Some(timings), Some(object)) = (facts.timings, report.as_object_mut()) {
        object.insert("timings_s".to_owned(), json!(timings));
    }
    report
}

fn chords_in(chords: &[ChordSpan], from: Ticks, to: Ticks) -> impl Iterator<Item = &ChordSpan> {
    chords.iter().filter(move |span| span.start < to && span.end() > from)
}

/// A row a beat: when it was sung, when it was played, and the difference. A beat that no sung note begins on has no
/// sung time.
pub(super) fn follow_csv(session: &Session, take_id: &str) -> String {
    let score = &session.score;
    let beat = score.meter.beat();
    let mut text = format!(
        "# collavoce follow/2, take {take_id}\n\
         bar,beat,sung_s,decided_s,predicted_s,played_s,error_ms,state,confidence\n"
    );
    let beats = (score.end() - Ticks(0)) / beat;
    let per_bar = score.meter.beats_per_bar() as i64;
    let is_live = session.played.is_some();
    for index in 0..beats {
        let at = Ticks(0) + beat * index;
        let predicted = score.tempo.seconds_at(at);
        let period = score.tempo.seconds_at(at + beat) - predicted;
        let report = session.beats.iter().find(|report| (report.time_s - predicted).abs() < SAME_S);
        let sung = match report {
            Some(report) if is_live => report.sung_s,
            _ => nearest(session.take.notes.iter().map(|note| note.onset_s), predicted, 0.22 * period),
        };
        let played = session.played.as_ref().map_or(Some(predicted), |events| {
            let struck = events.iter().filter(|event| matches!(event.kind, EventKind::NoteOn { .. }));
            nearest(struck.map(|event| event.at_s), predicted, 0.12 * period)
        });
        let error = sung.zip(played).map(|(sung, played)| (played - sung) * 1e3);
        let bar = score.bar_at(at + TickCount(1)).number.0;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{bar},{},{},{},{predicted:.4},{},{},{},{}",
            index % per_bar + 1,
            cell(sung, 3),
            cell(report.filter(|_| is_live).map(|report| report.known_s), 3),
            cell(played, 4),
            cell(error, 1),
            report.map_or("", |report| report.state.name()),
            cell(report.map(|report| report.confidence), 2),
        );
    }
    text
}

/// Two ways to the same beat differ by less, in seconds.
const SAME_S: f64 = 1e-6;

fn nearest(times: impl Iterator<Item = f64>, to: f64, within: f64) -> Option<f64> {
    times.min_by(|a, b| (a - to).abs().total_cmp(&(b - to).abs())).filter(|time| (time - to).abs() < within)
}

/// A number for a table; nothing where there is none.
fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| format!("{value:.digits$}"))
}
