//! What the band does where nobody sings, and where the tempo is the host's or the grid's.

use std::path::{Path, PathBuf};

use collavoce::audio::{Conversion, read_mono};
use collavoce::engine::{self, Causal, Inline};
use collavoce::limits::LISTEN_HOP;
use collavoce::listen::{ListenConfig, PitchMethod};
use collavoce::perform::EventKind;
use collavoce::sing::{Singer, TimingCurve, TimingPiece, Vocal};
use collavoce::song::{Lead, Mode, Rng, Settings};
use collavoce::time::{Bpm, Hz, Meter};

use super::sound::RATE;
use super::tune::{compose, implied, syllables};

/// How long nobody sings, in seconds.
const STILL_S: f64 = 60.0;
/// Length of the song that is sung to a grid, in seconds, its tempo, and the rate at which its beats are counted.
const GRID_S: f64 = 600.0;
const GRID_BPM: f64 = 97.3;
const GRID_HZ: Hz = Hz(48_000);

/// Sounds that are no singing, by name.
fn sounds() -> Vec<(&'static str, Vec<f32>)> {
    let length = (STILL_S * RATE.as_f64()) as usize;
    let mut random = Rng::keyed(&[0x7374_696c]);
    let noise: Vec<f32> = (0..length).map(|_| 0.05 * random.normal() as f32).collect();
    let beat = RATE.0 as usize * 6 / 10;
    let claps = noise.iter().enumerate().map(|(n, x)| 8.0 * x * (-((n % beat) as f32) / 300.0).exp());
    let breath = RATE.0 as usize * 3;
    let breaths = noise.iter().enumerate().map(|(n, x)| x * ((n % breath) as f32 / 8000.0).sin().max(0.0));
    let hum = (0..length).map(|n| 0.02 * (std::f32::consts::TAU * 50.0 * n as f32 / RATE.0 as f32).sin());
    vec![
        ("silence", vec![0.0; length]),
        ("claps", claps.collect()),
        ("breaths", breaths.collect()),
        ("mains hum", hum.collect()),
        ("noise", noise),
    ]
}

/// Notes that a live band plays while it hears something, whether or not that turns out to be no voice in the end.
fn notes_played(samples: &[f32]) -> anyhow::Result<usize> {
    let settings = Settings { mode: Mode::Live, ..Settings::default() };
    let mut engine = Causal::new(ListenConfig::live(PitchMethod::Nsdf), &settings);
    let mut link = Inline::default();
    let mut notes = 0;
    for chunk in samples.chunks_exact(LISTEN_HOP) {
        let hop: [f32; LISTEN_HOP] = std::array::from_fn(|at| chunk[at]);
        engine.process(&hop, &mut link)?;
        notes += engine.take_events().filter(|event| matches!(event.kind, EventKind::NoteOn { .. })).count();
    }
    Ok(notes)
}

/// The first minute of a recording, with its name.
fn recording(path: &Path) -> anyhow::Result<(String, Vec<f32>)> {
    let mut samples = read_mono(path, Conversion::Streaming, &mut |_| {})?.samples;
    samples.truncate((STILL_S * RATE.as_f64()) as usize);
    let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok((name, samples))
}

/// Prints how many notes are played where nobody sings, and how far a grid drifts; of recordings of speech in place of
/// that, if there are any.
pub fn print(speech: &[PathBuf]) -> anyhow::Result<()> {
    println!("notes of the band in {STILL_S} s of what is no singing, nothing known:");
    let spoken: Vec<(String, Vec<f32>)> =
        speech.iter().map(|path| recording(path)).collect::<anyhow::Result<_>>()?;
    let made = sounds().into_iter().filter(|_| speech.is_empty());
    for (name, samples) in made.map(|(name, samples)| (name.to_owned(), samples)).chain(spoken) {
        let notes = notes_played(&samples)?;
        println!("  {name:14} {notes}");
    }
    if !speech.is_empty() {
        return Ok(());
    }
    let (bars, off) = grid_drift()?;
    println!("grid lead: bar {bars} lies {off} samples from where {GRID_BPM} beats a minute put it");
    Ok(())
}

/// The last bar of a long song that is sung to a constant tempo, and how far it lies from where the first one and the
/// tempo put it, in samples.
fn grid_drift() -> anyhow::Result<(usize, i64)> {
    let tune = compose(Meter::FOUR_FOUR, 1);
    let per_song = tune.lines.len() as f64 * tune.line_beats;
    let songs = (GRID_S * GRID_BPM / 60.0 / per_song).ceil() as usize;
    let mut notes = Vec::new();
    for song in 0..songs {
        let shift = song as f64 * per_song;
        notes.extend(
            tune.notes.iter().map(|note| super::tune::TuneNote { start: note.start + shift, ..*note }),
        );
    }
    let beats = per_song * songs as f64;
    let vocal = Vocal {
        notes: syllables(&tune, &notes, 1, &mut |_| 0.0),
        timing: TimingCurve::new(0.0, 1.0, &[TimingPiece::Steady { beats, bpm: GRID_BPM }])?,
        singer: Singer::alto(1),
        meter: Meter::FOUR_FOUR,
        key: tune.key.clone(),
        chords: implied(&tune),
        tail_s: 1.0,
    };
    let samples = vocal.sing(RATE)?.samples;
    let settings =
        Settings { mode: Mode::Live, lead: Lead::Grid, bpm: Some(Bpm(GRID_BPM)), ..Settings::default() };
    let session = engine::run(&samples, &settings, PitchMethod::Nsdf, &mut |_| {})?;
    let lines: Vec<f64> =
        session.beats.iter().filter(|beat| beat.beat == 1).map(|beat| beat.time_s).collect();
    // Beats from before the tempo was settled are those that were sung.
    let settled = lines.len() / 8;
    let period_s = 4.0 * 60.0 / GRID_BPM;
    let last = lines.len() - 1;
    let due_s = lines[settled] + (last - settled) as f64 * period_s;
    Ok((last, GRID_HZ.sample_at(lines[last]).0 - GRID_HZ.sample_at(due_s).0))
}
