//! The analysis as JSON in the schema `collavoce.analysis/1` (`docs/analysis.schema.json`).

use serde_json::{Value, json};

use crate::audio::MonoInput;
use crate::compose::given::Given;
use crate::engine::Session;
use crate::listen::{HOP_S, LOUDNESS_HOP_S, PitchMethod, Register, loudness, vibrato};
use crate::song::{Mode, Settings};

/// Keys that are listed.
const RANKED_KEYS: usize = 6;

/// Rounds to millionths, so that files are short and alike everywhere.
pub(super) fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// The analysis of a session.
pub fn analysis_json(
    session: &Session,
    settings: &Settings,
    input: &MonoInput,
    path: &str,
    sha256: &str,
    pitch: PitchMethod,
) -> Value {
    let take = &session.take;
    let score = &session.score;
    let live = settings.mode == Mode::Live;
    let observations = &take.observations;
    let series = |value: &dyn Fn(&crate::listen::Observation) -> Value| -> Vec<Value> {
        observations.iter().map(value).collect()
    };
    let whole = take.duration_s;
    let known = |known_s: f64| round(if live { known_s } else { whole });
    let beat = score.meter.beat();
    let position = |onset_s: f64| {
        let bar_one = score.bar(crate::score::BarNumber(1)).start;
        round((score.tempo.ticks_at(onset_s) - bar_one.0 as f64) / beat.0 as f64)
    };
    let periods: Vec<f64> = session.beats.windows(2).map(|w| w[1].time_s - w[0].time_s).collect();
    let mean = periods.iter().sum::<f64>() / periods.len().max(1) as f64;
    let deviation =
        (periods.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / periods.len().max(1) as f64).sqrt();
    let mut sorted = periods.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.6);
    let key = take.keys.iter().find(|g| g.key == score.key);
    let given = Given::of(score, settings, score.bar_number(0), score.bars);
    json!({
        "schema": "collavoce.analysis/1",
        "id": std::path::Path::new(path).file_stem().map(|s| s.to_string_lossy().into_owned()),
        "tool": {
            "name": "collavoce",
            "version": env!("CARGO_PKG_VERSION"),
            "mode": if live { "causal" } else { "offline" },
            "lookahead_s": if live { round(session.latency_s) } else { whole },
            "block": crate::limits::LISTEN_HOP,
            "params": { "pitch": pitch.name(), "settings": settings },
        },
        "audio": {
            "path": path,
            "sha256": sha256,
            "sample_rate": input.rate.0,
            "channels": input.channels,
            "duration_s": round(input.duration_s),
        },
        "pitch": {
            "t0_s": 0.0,
            "hop_s": HOP_S,
            "hz": series(&|o| json!(round(f64::from((o.f0_hz * 1e3).round() / 1e3)))),
            "voiced": series(&|o| json!(o.voiced)),
            "confidence": series(&|o| json!(round((f64::from(o.voicing) * 1e3).round() / 1e3))),
            "rms_db": series(&|o| json!(round((f64::from(o.level_dbfs) * 10.0).round() / 10.0))),
            "tuning_cents": round(take.tuning.median_cents()),
            "tuning_drift": take.notes.iter().map(|n| json!({
                "time_s": round(n.onset_s),
                "cents": round(take.tuning.cents_at(n.onset_s)),
            })).collect::<Vec<_>>(),
        },
        "loudness": {
            "hop_s": LOUDNESS_HOP_S,
            "lufs": loudness(&input.samples).unwrap_or_default().into_iter().map(round).collect::<Vec<_>>(),
        },
        "register": Register::of(&take.notes).map(|r| json!({
            "lowest": round(r.lowest),
            "low": round(r.low),
            "median": round(r.median),
            "high": round(r.high),
            "highest": round(r.highest),
        })),
        "onsets": take.onsets.iter().map(|o| json!({
            "time_s": round(o.time_s),
            "emitted_s": known(o.known_s),
            "confidence": round(o.confidence.clamp(0.0, 1.0)),
        })).collect::<Vec<_>>(),
        "notes": take.notes.iter().map(|n| json!({
            "onset_s": round(n.onset_s),
            "offset_s": round(n.offset_s),
            "midi": round(n.midi),
            "confidence": round(n.confidence.clamp(0.0, 1.0)),
            "emitted_s": known(n.known_s),
            "position_beats": position(n.onset_s),
            "vibrato": vibrato(n, observations).map(|v| json!({
                "rate_hz": round(v.rate_hz),
                "extent_cents": round(v.extent_cents),
            })),
        })).collect::<Vec<_>>(),
        "beats": session.beats.iter().map(|b| json!({
            "time_s": round(b.time_s),
            "beat": b.beat,
            "emitted_s": known(b.known_s),
            "predicted": live && b.known_s < b.time_s,
            "confidence": round(b.confidence.clamp(0.0, 1.0)),
        })).collect::<Vec<_>>(),
        "tempo": {
            "bpm": round(60.0 / median),
            "ibi_cv": round(deviation / mean.max(1e-9)),
            "curve": session.beats.windows(2).map(|w| json!({
                "time_s": round(w[0].time_s),
                "bpm": round(60.0 / (w[1].time_s - w[0].time_s)),
            })).collect::<Vec<_>>(),
        },
        "meter": { "beats_per_bar": score.meter.count(), "unit": score.meter.unit() },
        "key": {
            "label": score.key.to_string(),
            "confidence": round(if settings.key.is_some() { 1.0 } else { key.map_or(0.0, |k| k.probability) }),
            "ranked": take.keys.iter().take(RANKED_KEYS).map(|k| json!({
                "label": k.key.to_string(),
                "probability": round(k.probability),
            })).collect::<Vec<_>>(),
        },
        "chords": score.chords.iter().map(|s| json!({
            "start_s": round(score.tempo.seconds_at(s.start)),
            "end_s": round(score.tempo.seconds_at(s.end())),
            "label": s.chord.harte(),
            "source": if given.says(s.start) { "user" } else { "melody" },
        })).collect::<Vec<_>>(),
        "phrases": take.phrases.iter().map(|p| json!({
            "start_s": round(p.start_s),
            "end_s": round(p.end_s),
            "breath_before": p.breath_before,
        })).collect::<Vec<_>>(),
    })
}
