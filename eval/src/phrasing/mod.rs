//! How the parts breathe with the line.

mod composers;
mod measure;
mod song;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use collavoce::bounce;
use collavoce::engine::{self, Session};
use collavoce::listen::PitchMethod;
use collavoce::song::{Mode, Settings};
use collavoce::time::{Bpm, Hz};

use measure::{Figures, RATE, Singing, SungTone};

/// Rate at which songs are sung: that of the listener.
const SUNG: Hz = Hz(16_000);
/// Songs that are sung where nothing is asked for.
const SONGS: usize = 24;

/// Measures vocal files, or songs that are made up, in both modes, and prints a table.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let mut songs = SONGS;
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--sung" => {
                let number = rest.next().and_then(|text| text.parse().ok());
                songs = number.context("--sung needs a number")?;
            }
            "--scores" => return composers::run(Path::new(rest.next().context("--scores needs a folder")?)),
            other if other.starts_with("--") => {
                anyhow::bail!("{other} is not known; FILES, --sung N and --scores FOLDER are")
            }
            file => files.push(PathBuf::from(file)),
        }
    }
    ensure!(songs > 0 || !files.is_empty(), "--sung 0: there is nothing to measure");
    let mut both = [Figures::default(), Figures::default()];
    for (figures, mode) in both.iter_mut().zip([Mode::Studio, Mode::Live]) {
        if files.is_empty() {
            for number in 0..songs {
                eprint!("\r{mode}: song {} of {songs}", number + 1);
                sing(number as u64, mode, figures)?;
            }
            eprintln!();
        }
        for file in &files {
            hear(file, mode, figures)?;
        }
    }
    println!("{:54} {:>16} {:>16}", "", "studio", "live");
    for ((name, studio), (_, live)) in both[0].rows().into_iter().zip(both[1].rows()) {
        println!("{name:54} {studio:>16} {live:>16}");
    }
    Ok(())
}

/// Sings a song and adds what the band did.
fn sing(number: u64, mode: Mode, figures: &mut Figures) -> anyhow::Result<()> {
    let song = song::compose(number)?;
    let sung = song.vocal.sing(SUNG)?;
    let settings = Settings {
        mode,
        style: song.style,
        seed: collavoce::song::Seed(number),
        bpm: Some(Bpm(song.bpm)),
        meter: Some(song.vocal.meter),
        bar_one_s: Some(song.vocal.timing.seconds_at(0.0)),
        ..Settings::default()
    };
    let session = engine::run(&sung.samples, &settings, PitchMethod::Nsdf, &mut |_| {})?;
    let first = sung.truth.downbeats.first().copied().unwrap_or(0);
    let tones = sung.truth.notes.iter().zip(&song.vocal.notes).map(|(note, syllable)| SungTone {
        onset_s: note.onset_s,
        offset_s: note.offset_s,
        level_db: syllable.level_db,
        midi: f64::from(note.midi),
    });
    let singing = Singing {
        tones: tones.collect(),
        beats_s: sung.truth.beats_s[first..].to_vec(),
        per_bar: song.vocal.meter.beats_per_bar(),
    };
    figures.add(&singing, &session.performance(&settings, RATE), session.pad_s);
    Ok(())
}

/// Accompanies a vocal file and adds what the band did, as far as it was heard what is sung.
fn hear(file: &Path, mode: Mode, figures: &mut Figures) -> anyhow::Result<()> {
    let settings = Settings { mode, ..Settings::default() };
    let mut go_on = |_, _| std::ops::ControlFlow::Continue(());
    let (_, session): (_, Session) = bounce::analyse(file, &settings, PitchMethod::Nsdf, &mut go_on)?;
    let take = &session.take;
    let tones = take.notes.iter().map(|note| SungTone {
        onset_s: note.onset_s - session.pad_s,
        offset_s: note.offset_s - session.pad_s,
        level_db: note.level_dbfs,
        midi: note.midi,
    });
    let beats_s = take.beats_s.iter().skip(take.bars.first_downbeat).map(|beat_s| beat_s - session.pad_s);
    let singing = Singing {
        tones: tones.collect(),
        beats_s: beats_s.collect(),
        per_bar: take.bars.meter.beats_per_bar(),
    };
    figures.add(&singing, &session.performance(&settings, RATE), session.pad_s);
    Ok(())
}
