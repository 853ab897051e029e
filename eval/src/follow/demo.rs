//! How well the band follows: reads only the truth, the MIDI file and the vocal that a demo left behind.

use std::path::Path;

use anyhow::{Context as _, ensure};

use super::measure::median;
use super::midi::{Played, f_measure};

/// Tolerance of beats and downbeats in seconds (mir_eval's).
const BEAT_S: f64 = 0.07;
/// Tolerance of onsets in seconds (mir_eval's).
const ONSET_S: f64 = 0.05;
/// A beat is slow when it is so much longer than the usual one.
const SLOW: f64 = 1.03;
/// MIDI channel of the sung melody, counted from 0.
const MELODY: u8 = 3;

/// Prints beat and downbeat F-measures, found notes, chord agreement and whether the files fit each other.
pub fn run(folder: &Path) -> anyhow::Result<()> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path)
            .with_context(|| format!("{} cannot be read; write it with `collavoce demo`", path.display()))
    };
    let truth: serde_json::Value = serde_json::from_slice(&read("truth.json")?)?;
    let vocal_s = wav_seconds(&read("voice.wav")?)?;
    let played = Played::read(&read("song.mid")?, vocal_s)?;
    let seconds = |value: &serde_json::Value| {
        value.as_array().map_or(Vec::new(), |a| a.iter().filter_map(|v| v.as_f64()).collect())
    };
    let beats: Vec<f64> = seconds(&truth["beats_s"]);
    let downbeats: Vec<f64> = truth["downbeats"]
        .as_array()
        .map_or(Vec::new(), |a| a.iter().filter_map(|i| beats.get(i.as_u64()? as usize).copied()).collect());
    let duration = truth["duration_s"].as_f64().unwrap_or(0.0);
    ensure!(
        (duration - vocal_s).abs() < 0.1,
        "truth.json tells of {duration} s, voice.wav holds {vocal_s} s"
    );
    let (first, last) = (beats.first().copied().unwrap_or(0.0), beats.last().copied().unwrap_or(0.0));
    let within = |times: &[f64]| {
        times.iter().copied().filter(|t| *t > first - 0.5 && *t < last + 0.5).collect::<Vec<_>>()
    };
    println!("beats      F {:.3} at 70 ms", f_measure(&beats, &within(&played.beats), BEAT_S));
    println!("downbeats  F {:.3} at 70 ms", f_measure(&downbeats, &within(&played.bar_lines), BEAT_S));
    let notes = truth["notes"].as_array().cloned().unwrap_or_default();
    let last_onset_s = notes.last().and_then(|note| note["onset_s"].as_f64()).unwrap_or(last);
    let errors: Vec<String> = slow_beats(&beats, last_onset_s)
        .map(|beat| {
            let near = played.beats.iter().map(|at| at - beat).min_by(|a, b| a.abs().total_cmp(&b.abs()));
            near.map_or_else(|| "none".to_owned(), |late_s| format!("{:.0}", 1e3 * late_s))
        })
        .collect();
    println!("slow beats played less sung, in ms: {}", errors.join(" "));
    let found = notes.iter().filter(|note| {
        let (onset, pitch) = (note["onset_s"].as_f64().unwrap_or(-1.0), note["midi"].as_u64().unwrap_or(0));
        played.channel(MELODY).any(|(at, p)| (at - onset).abs() < ONSET_S && u64::from(p) == pitch)
    });
    println!(
        "melody     {} of {} notes within 50 ms ({} written)",
        found.count(),
        notes.len(),
        played.channel(MELODY).count()
    );
    let chords = truth["chords"].as_array().cloned().unwrap_or_default();
    let same = chords.iter().filter(|chord| {
        let at = chord["start_s"].as_f64().unwrap_or(0.0) + BEAT_S;
        let sounding = played.chords.iter().rev().find(|(start, _)| *start <= at);
        sounding.map(|(_, name)| name.as_str()) == chord["name"].as_str()
    });
    println!("chords     {} of {} implied chords where they begin", same.count(), chords.len());
    Ok(())
}

/// Beats that end a longer one than usual, of those at the end up to the last sung note.
fn slow_beats(beats: &[f64], last_onset_s: f64) -> impl Iterator<Item = f64> + '_ {
    let lengths: Vec<f64> = beats.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let usual_s = median(&lengths).unwrap_or(f64::INFINITY);
    let sung = beats.partition_point(|beat| *beat < last_onset_s + BEAT_S);
    let slow = lengths.iter().take(sung.saturating_sub(1)).rev().take_while(|l| **l > SLOW * usual_s).count();
    beats[sung - slow.min(sung)..sung].iter().copied()
}

/// Length of a WAV file in seconds.
fn wav_seconds(bytes: &[u8]) -> anyhow::Result<f64> {
    let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let (mut at, mut bytes_a_second) = (12, 0.0);
    while let (Some(id), Some(size)) = (bytes.get(at..at + 4), word(at + 4)) {
        match id {
            b"fmt " => bytes_a_second = f64::from(word(at + 16).unwrap_or(1)),
            b"data" => return Ok(f64::from(size) / bytes_a_second),
            _ => {}
        }
        at += 8 + size as usize + size as usize % 2;
    }
    anyhow::bail!("voice.wav holds no samples")
}
