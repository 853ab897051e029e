//! Whatever a file or an option holds, reading it ends in a value or in an error that says something: never in a
//! panic.
//!
//! Each target starts from small valid inputs and damages them. `cargo test` tries some hundreds of new damages every
//! time; `BOLERO_RANDOM_ITERATIONS=100000 cargo test --profile ci --test fuzz` digs deeper, and
//! `BOLERO_RANDOM_SEED` repeats the one that a failure names.

mod damage;
mod seeds;

use std::fmt::{Debug, Display};
use std::panic::RefUnwindSafe;
use std::path::Path;
use std::str::FromStr;

use bolero::{check, produce};
use collavoce::audio::{AudioFileError, Conversion, Reader, read_mono};
use collavoce::listen::PitchMethod;
use collavoce::perform::Performer;
use collavoce::score::{ChordSymbol, Key, Part};
use collavoce::song::{Chart, Feel, Lead, Mode, Song, Style, TakeChoice, Tune};
use collavoce::time::{Hz, Meter};

use damage::{Audio, Damage, Text};

/// Runs a target on damaged seeds, and on what grows from nothing.
fn fuzz<D: Damage>(iterations: usize, seeds: &[Vec<u8>], target: impl Fn(&[u8]) + RefUnwindSafe) {
    for seed in seeds {
        target(seed);
    }
    let damages = produce::<Vec<D>>().with().len(0usize..6);
    let input = (produce::<u8>(), damages);
    check!().with_iterations(iterations).with_generator(input).for_each(|(which, damages)| {
        let mut bytes = seeds.get(usize::from(*which) % (seeds.len() + 1)).cloned().unwrap_or_default();
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        target(&bytes);
    });
}

#[track_caller]
fn says_something(error: &impl Display) {
    assert!(!error.to_string().trim().is_empty(), "an error without words");
}

fn read_all(path: &Path) -> Result<u64, AudioFileError> {
    let mut reader = Reader::open(path)?;
    let channels = reader.channels();
    assert!((1..=2).contains(&channels));
    let mut frames = 0;
    while let Some(block) = reader.next_block()? {
        assert!(!block.is_empty() && block.len() % channels == 0 && block.iter().all(|s| s.is_finite()));
        frames += (block.len() / channels) as u64;
    }
    Ok(frames)
}

#[test]
fn audio_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vocal");
    let seeds = seeds::audio();
    for (name, bytes) in &seeds {
        std::fs::write(&path, bytes).expect("a file");
        let read = read_all(&path);
        match *name {
            // Both are headers without a voice.
            "ogg" | "adts" => assert!(read.is_err(), "{name} was read"),
            _ => assert!(read.as_ref().is_ok_and(|frames| *frames > 16_000), "{name}: {read:?}"),
        }
    }
    let seeds: Vec<Vec<u8>> = seeds.into_iter().map(|(_, bytes)| bytes).collect();
    fuzz::<Audio>(1_500, &seeds, |bytes| {
        std::fs::write(&path, bytes).expect("a file");
        if let Err(error) = read_all(&path) {
            says_something(&error);
        } else if let Err(error) = read_mono(&path, Conversion::Whole, &mut |_| {}) {
            panic!("what can be read cannot be read for listening: {error}");
        }
    });
}

#[test]
fn chord_charts() {
    let seeds: Vec<Vec<u8>> = seeds::CHARTS.iter().map(|chart| chart.as_bytes().to_vec()).collect();
    fuzz::<Text>(20_000, &seeds, |bytes| match Chart::parse(&String::from_utf8_lossy(bytes)) {
        Ok(chart) => assert!(!chart.bars.is_empty() && chart.bars.iter().all(|bar| !bar.is_empty())),
        Err(error) => says_something(&error),
    });
}

#[test]
fn song_files() {
    let seed = seeds::song();
    Song::from_bytes(&seed).expect("a song");
    fuzz::<Text>(20_000, &[seed], |bytes| match Song::from_bytes(bytes) {
        Ok(song) => {
            let again = Song::from_bytes(&song.to_bytes().expect("bytes")).expect("the same song");
            assert_eq!(again, song);
        }
        Err(error) => says_something(&error),
    });
}

#[test]
fn a_song_that_is_read_can_be_played() {
    fuzz::<Text>(20_000, &[seeds::song()], |bytes| {
        if let Ok(song) = Song::from_bytes(bytes) {
            let events = Performer::new(&song.score, &song.settings, Hz(48_000)).perform();
            assert!(events.iter().all(|event| event.at.0 >= 0), "an event before the beginning");
        }
    });
}

/// What is read says its own name, and that name is read as the same.
fn word<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => {
            let again = value.to_string().parse::<T>().map_err(|error| error.to_string());
            assert_eq!(again.as_ref(), Ok(&value), "from {text:?}");
        }
        Err(error) => says_something(&error),
    }
}

#[test]
fn settings_words() {
    let seeds: Vec<Vec<u8>> = seeds::WORDS.iter().map(|word| word.as_bytes().to_vec()).collect();
    fuzz::<Text>(20_000, &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        word::<Key>(&text);
        word::<ChordSymbol>(&text);
        word::<Meter>(&text);
        word::<TakeChoice>(&text);
        word::<Tune>(&text);
        word::<Mode>(&text);
        word::<Lead>(&text);
        word::<Feel>(&text);
        word::<Style>(&text);
        word::<Part>(&text);
        if let Err(error) = text.parse::<PitchMethod>() {
            says_something(&error);
        }
    });
}
