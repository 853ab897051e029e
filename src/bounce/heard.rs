//! What is heard of a mix, as JSON in the schema `collavoce.analysis/1`.

use std::path::Path;

use serde_json::{Value, json};

use super::analysis::round;
use super::{BounceError, Progress, Stage};
use crate::audio::{Conversion, MonoInput, read_mono};
use crate::follow::mix::{MixTake, follow_mix};
use crate::listen::HOP_S;
use crate::listen::mix::{MixListener, listen_to_mix};
use crate::song::{Mode, Settings};

/// Hears beats, bars, chords and key of a mix.
pub fn analyse_mix(
    path: &Path,
    settings: &Settings,
    progress: &mut Progress<'_>,
) -> Result<(MonoInput, MixTake), BounceError> {
    let mut cancelled = false;
    let conversion = match settings.mode {
        Mode::Studio => Conversion::Whole,
        Mode::Live => Conversion::Streaming,
    };
    let input = read_mono(path, conversion, &mut |done| cancelled |= progress(Stage::Read, done).is_break())?;
    if cancelled || progress(Stage::Compose, 0.0).is_break() {
        return Err(BounceError::Cancelled);
    }
    let heard = listen_to_mix(&input.samples);
    if progress(Stage::Compose, 0.5).is_break() {
        return Err(BounceError::Cancelled);
    }
    let take = follow_mix(&heard, input.duration_s, settings)
        .map_err(|source| BounceError::Mix { path: path.to_owned(), source })?;
    Ok((input, take))
}

/// The analysis of a mix. It holds no pitch, notes or phrases: those are a voice's.
pub fn mix_json(take: &MixTake, settings: &Settings, input: &MonoInput, path: &str, sha256: &str) -> Value {
    let live = settings.mode == Mode::Live;
    let periods: Vec<f64> = take.beats.windows(2).map(|w| w[1].time_s - w[0].time_s).collect();
    let mean = periods.iter().sum::<f64>() / periods.len().max(1) as f64;
    let deviation =
        (periods.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / periods.len().max(1) as f64).sqrt();
    let known = |known_s: f64| round(if live { known_s } else { take.duration_s });
    json!({
        "schema": "collavoce.analysis/1",
        "id": Path::new(path).file_stem().map(|s| s.to_string_lossy().into_owned()),
        "tool": {
            "name": "collavoce",
            "version": env!("CARGO_PKG_VERSION"),
            "mode": if live { "causal" } else { "offline" },
            "lookahead_s": round(if live { MixListener::LATENCY_HOPS as f64 * HOP_S } else { take.duration_s }),
            "block": crate::limits::LISTEN_HOP,
            "params": { "source": "mix", "settings": settings },
        },
        "audio": {
            "path": path,
            "sha256": sha256,
            "sample_rate": input.rate.0,
            "channels": input.channels,
            "duration_s": round(input.duration_s),
        },
        "onsets": take.strokes_s.iter().map(|time_s| json!({ "time_s": round(*time_s) })).collect::<Vec<_>>(),
        "beats": take.beats.iter().map(|b| json!({
            "time_s": round(b.time_s),
            "beat": b.place + 1,
            "emitted_s": known(b.known_s),
            "predicted": live && b.known_s < b.time_s,
        })).collect::<Vec<_>>(),
        "tempo": {
            "bpm": round(take.bpm()),
            "ibi_cv": round(deviation / mean.max(1e-9)),
            "curve": take.beats.windows(2).map(|w| json!({
                "time_s": round(w[0].time_s),
                "bpm": round(60.0 / (w[1].time_s - w[0].time_s)),
            })).collect::<Vec<_>>(),
        },
        "meter": { "beats_per_bar": take.meter.count(), "unit": take.meter.unit() },
        "key": take.keys.first().map(|guess| json!({
            "label": guess.key.to_string(),
            "confidence": round(guess.probability),
        })),
        "chords": take.chords.iter().map(|c| json!({
            "start_s": round(c.start_s),
            "end_s": round(c.end_s),
            "label": c.chord.map_or_else(|| "N".to_owned(), |chord| chord.harte()),
            "source": "mix",
        })).collect::<Vec<_>>(),
    })
}
