//! How well real singers are followed who were counted in: the beats of the live band against those that the studio finds
//! when it knows the whole take, and beside them an oracle that goes on from the true beats of the past.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use collavoce::audio::{Conversion, read_mono};
use collavoce::bounce::midi_file;
use collavoce::engine;
use collavoce::listen::PitchMethod;
use collavoce::song::{Mode, Settings};
use collavoce::time::Bpm;

use super::WRITTEN;
use super::measure::BEAT_S;
use super::measure::{median, quantile};
use super::midi::{Played, f_measure};

/// Endings of audio files.
const ENDINGS: [&str; 4] = ["wav", "flac", "mp3", "ogg"];

/// Follows vocal files, or all in folders, and prints how far off the band is.
pub fn run(paths: &[&str]) -> anyhow::Result<()> {
    ensure!(!paths.is_empty(), "follow-real needs vocal files, or folders of them");
    let files = files(paths)?;
    println!(
        "take                     beats |  live: |e|  95 %  F70  bars | oracle: |e|  95 % | ratio of medians"
    );
    for file in files {
        let name = file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        match follow(&file) {
            Ok(Some(row)) => println!("{name:24} {row}"),
            Ok(None) => println!("{name:24} no beat found"),
            Err(error) => println!("{name:24} {error}"),
        }
    }
    Ok(())
}

fn files(paths: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths.iter().map(Path::new) {
        if !path.is_dir() {
            files.push(path.to_owned());
            continue;
        }
        let entries =
            std::fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let entries: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
        let is_audio = |file: &PathBuf| {
            file.extension().is_some_and(|end| ENDINGS.iter().any(|audio| end.eq_ignore_ascii_case(audio)))
        };
        files.extend(entries?.into_iter().filter(is_audio));
    }
    files.sort();
    Ok(files)
}

/// Errors in milliseconds: in the middle, and 95 % of them.
fn sizes(played: &[f64], beats: &[f64]) -> Option<(f64, f64)> {
    let nearest = |at: f64| played.iter().map(|beat| (beat - at).abs()).fold(f64::INFINITY, f64::min);
    let sizes: Vec<f64> = beats.iter().map(|beat| 1e3 * nearest(*beat)).collect();
    Some((median(&sizes)?, quantile(&sizes, 0.95)?))
}

fn follow(file: &Path) -> anyhow::Result<Option<String>> {
    let studio = Settings::default();
    let input = read_mono(file, Conversion::Whole, &mut |_| {})?;
    let Ok(session) = engine::run(&input.samples, &studio, PitchMethod::Nsdf, &mut |_| {}) else {
        return Ok(None);
    };
    let truth = Played::read(&midi_file(&session, &studio, WRITTEN, &[]), input.duration_s)?;
    let melody = &session.score.melody;
    let (Some(first), Some(last)) = (melody.first(), melody.last()) else { return Ok(None) };
    let sung = |at: &&f64| **at > first.onset_s - 0.1 && **at < last.onset_s + 0.1;
    let beats: Vec<f64> = truth.beats.iter().filter(sung).copied().collect();
    let bars: Vec<f64> = truth.bar_lines.iter().filter(sung).copied().collect();
    let lengths: Vec<f64> = beats.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (Some(period_s), Some(bar_one_s)) = (median(&lengths), bars.first().copied()) else {
        return Ok(None);
    };
    let told = Settings {
        mode: Mode::Live,
        bpm: Some(Bpm(60.0 / period_s)),
        meter: Some(session.score.meter),
        bar_one_s: Some(bar_one_s),
        ..Settings::default()
    };
    let heard = read_mono(file, Conversion::Streaming, &mut |_| {})?;
    let Ok(live) = engine::run(&heard.samples, &told, PitchMethod::Nsdf, &mut |_| {}) else {
        return Ok(None);
    };
    let played = Played::read(&midi_file(&live, &told, WRITTEN, &[]), input.duration_s)?;
    let from = beats.partition_point(|beat| *beat < bar_one_s - 0.1);
    let measured = &beats[from..];
    let oracle: Vec<f64> = measured.windows(2).map(|pair| 2.0 * pair[1] - pair[0]).collect();
    let Some(((live_ms, live_95), (oracle_ms, oracle_95))) =
        sizes(&played.beats, measured).zip(sizes(&oracle, measured.get(2..).unwrap_or_default()))
    else {
        return Ok(None);
    };
    let within = |times: &[f64]| -> Vec<f64> {
        times.iter().copied().filter(|at| *at > bar_one_s - 0.1 && *at < last.onset_s + 0.1).collect()
    };
    Ok(Some(format!(
        "{:5} | {live_ms:10.0} {live_95:5.0} {:.3} {:.3} | {oracle_ms:11.0} {oracle_95:5.0} | {:.2}",
        measured.len(),
        f_measure(measured, &within(&played.beats), BEAT_S),
        f_measure(&within(&bars), &within(&played.bar_lines), BEAT_S),
        live_ms / oracle_ms
    )))
}
