//! How well real singers are followed who were counted in: the beats of the live band against those that were sung, and
//! beside them an oracle that goes on from the true beats of the past.
//!
//! What was sung comes from the score of a choir piece, which is laid on the take ([`align`]), or from the notes that two
//! people marked ([`marked`]). Beats on which no note begins are interpolated, and neither scored nor known to the oracle.

mod align;
mod marked;
mod score;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use collavoce::audio::{Conversion, read_mono};
use collavoce::bounce::midi_file;
use collavoce::engine;
use collavoce::listen::PitchMethod;
use collavoce::song::{KnownSong, Mode, Settings};
use collavoce::time::{Bpm, Meter};

use super::WRITTEN;
use super::measure::{BEAT_S, median, quantile, spread};
use super::midi::{Played, f_measure};

/// Endings of audio files.
const ENDINGS: [&str; 4] = ["wav", "flac", "mp3", "ogg"];
/// Name of the row of a band that knows the song.
const KNOWN: &str = "  song known";
/// Sung beats before the first that is scored: the oracle goes on from so many.
const KNOWN_BEATS: usize = 5;

/// Beats as they were sung.
#[derive(Debug)]
struct SungBeats {
    /// When, in seconds, and whether a note begins there.
    beats: Vec<(f64, bool)>,
    /// The metre that the band is told.
    meter: Meter,
    /// What a band that knows the song is told, if it is written.
    song: Option<KnownSong>,
    /// How well the notes that say so fit the take, 0 to 1; none where people marked them.
    fit: Option<f64>,
}

impl SungBeats {
    /// Of notes that begin at known beats, counted from any: beat and seconds, in order.
    fn new(onsets: &[(f64, f64)], meter: Meter) -> Self {
        let is_whole = |beat: f64| (beat - beat.round()).abs() < 1e-6;
        let mut beats = Vec::new();
        for pair in onsets.windows(2) {
            let ((from, from_s), (to, to_s)) = (pair[0], pair[1]);
            let mut beat = from.ceil();
            while beat < to - 1e-6 {
                let at_s = from_s + (beat - from) / (to - from) * (to_s - from_s);
                beats.push((at_s, (beat - from).abs() < 1e-6));
                beat += 1.0;
            }
        }
        beats.extend(onsets.last().filter(|last| is_whole(last.0)).map(|last| (last.1, true)));
        let first = beats.iter().position(|beat| beat.1).unwrap_or(0);
        Self { beats: beats.split_off(first), meter, song: None, fit: None }
    }

    /// Beat periods in seconds.
    fn period_s(&self) -> Option<f64> {
        let lengths: Vec<f64> = self.beats.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        median(&lengths)
    }

    /// Beats that are scored.
    fn scored(&self) -> impl Iterator<Item = usize> + '_ {
        let sung = self.beats.iter().enumerate().filter(|(_, beat)| beat.1).map(|(index, _)| index);
        sung.skip(KNOWN_BEATS)
    }

    /// Where an oracle that knows the sung beats before one expects it, going on from the last of them with the mean period
    /// since that so many before.
    fn oracle(&self, beat: usize, back: usize) -> Option<f64> {
        let mut before = (0..beat).rev().filter(|index| self.beats[*index].1);
        let last = before.next()?;
        let first = before.nth(back - 1)?;
        let period_s = (self.beats[last].0 - self.beats[first].0) / (last - first) as f64;
        Some(self.beats[last].0 + (beat - last) as f64 * period_s)
    }
}

/// Errors of the scored beats in seconds: those of a band, and of the oracle.
#[derive(Debug, Default)]
struct Errors {
    live: Vec<f64>,
    oracle: Vec<f64>,
}

/// What came of a take: text for it, and the errors of a band that does not know the song and of one that does.
#[derive(Debug)]
struct Outcome {
    rows: Vec<String>,
    errors: Vec<Errors>,
}

/// Follows vocal files, or all in folders, and prints how far off the band is.
pub fn run(paths: &[&str]) -> anyhow::Result<()> {
    ensure!(!paths.is_empty(), "follow-real needs vocal files, or folders of them");
    println!(
        "take                 fit beats scored |  live: mean  |e|  95 %  F70 | oracle: |e|  95 %  F70 | ratio of medians"
    );
    let mut all: [Errors; 2] = Default::default();
    for file in files(paths)? {
        let name = file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        match follow(&file) {
            Ok(Some(outcome)) => {
                for (row, name) in outcome.rows.iter().zip([name.as_str(), KNOWN]) {
                    println!("{name:18} {row}");
                }
                for (all, errors) in all.iter_mut().zip(outcome.errors) {
                    all.live.extend(errors.live);
                    all.oracle.extend(errors.oracle);
                }
            }
            Ok(None) => println!("{name:18} nothing beside it says what was sung"),
            Err(error) => println!("{name:18} {error}"),
        }
    }
    for (errors, name) in all.iter().zip(["all", KNOWN]) {
        if let Some(((live_ms, live_95), (oracle_ms, oracle_95))) =
            sizes(&errors.live).zip(sizes(&errors.oracle))
        {
            println!(
                "{name:18} {:18} | {:11.0} {live_ms:4.0} {live_95:5.0}       | {oracle_ms:11.0} {oracle_95:5.0}       | {:.2}",
                errors.live.len(),
                1e3 * spread(&errors.live).0,
                live_ms / oracle_ms
            );
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

/// Errors in milliseconds: in the middle, and 95 % of their sizes.
fn sizes(errors: &[f64]) -> Option<(f64, f64)> {
    let sizes: Vec<f64> = errors.iter().map(|error| 1e3 * error.abs()).collect();
    Some((median(&sizes)?, quantile(&sizes, 0.95)?))
}

fn follow(file: &Path) -> anyhow::Result<Option<Outcome>> {
    let input = read_mono(file, Conversion::Whole, &mut |_| {})?;
    let sung = match marked::read(file)? {
        Some(sung) => sung,
        None => match score::beside(file)? {
            Some(notes) => align::beats(&input.samples, &notes)?,
            None => return Ok(None),
        },
    };
    let (period_s, bar_one_s) = sung.period_s().zip(sung.beats.first()).context("no beat was sung")?;
    let told = Settings {
        mode: Mode::Live,
        bpm: Some(Bpm(60.0 / period_s)),
        meter: Some(sung.meter),
        bar_one_s: Some(bar_one_s.0),
        ..Settings::default()
    };
    let heard = read_mono(file, Conversion::Streaming, &mut |_| {})?;
    let play = |told: &Settings| -> anyhow::Result<Vec<f64>> {
        let live = engine::run(&heard.samples, told, PitchMethod::Nsdf, &mut |_| {})?;
        Ok(Played::read(&midi_file(&live, told, WRITTEN, &[]), input.duration_s)?.beats)
    };
    let mut outcome = Outcome { rows: Vec::new(), errors: Vec::new() };
    let knowing = sung.song.as_ref().map(|song| Settings { known: Some(song.clone()), ..told.clone() });
    for told in std::iter::once(&told).chain(&knowing) {
        let (row, errors) = row(&sung, &play(told)?)?;
        outcome.rows.push(row);
        outcome.errors.push(errors);
    }
    Ok(Some(outcome))
}

/// What is printed of a band beside a take, and its errors.
fn row(sung: &SungBeats, played: &[f64]) -> anyhow::Result<(String, Errors)> {
    let scored: Vec<usize> = sung.scored().collect();
    let times: Vec<f64> = scored.iter().map(|beat| sung.beats[*beat].0).collect();
    let nearest = |times: &[f64], to: f64| {
        times.iter().map(|at| at - to).min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(f64::INFINITY)
    };
    let live: Vec<f64> = times.iter().map(|at| nearest(played, *at)).collect();
    let oracles = [1, KNOWN_BEATS - 1].map(|back| -> Vec<f64> {
        scored.iter().filter_map(|beat| Some(sung.oracle(*beat, back)? - sung.beats[*beat].0)).collect()
    });
    let middle = |errors: &&Vec<f64>| sizes(errors).map_or(f64::INFINITY, |sizes| sizes.0);
    let oracle = oracles.iter().min_by(|a, b| middle(a).total_cmp(&middle(b))).context("no oracle")?;
    let ((live_ms, live_95), (oracle_ms, oracle_95)) =
        sizes(&live).zip(sizes(oracle)).context("no beat is scored")?;
    // A beat that is played at one on which nothing is sung is neither right nor wrong.
    let all: Vec<f64> = sung.beats.iter().map(|beat| beat.0).collect();
    let counts = |at: &&f64| {
        let near = (0..all.len()).min_by(|a, b| (all[*a] - **at).abs().total_cmp(&(all[*b] - **at).abs()));
        near.is_some_and(|near| scored.contains(&near))
    };
    let counted: Vec<f64> = played.iter().filter(counts).copied().collect();
    let foretold: Vec<f64> = oracle.iter().zip(&times).map(|(error, at)| at + error).collect();
    let text = format!(
        "{} {:5} {:6} | {:11.0} {live_ms:4.0} {live_95:5.0} {:.3} | {oracle_ms:11.0} {oracle_95:5.0} {:.3} | {:.2}",
        sung.fit.map_or_else(|| "     ".to_owned(), |fit| format!("{fit:5.2}")),
        sung.beats.len(),
        scored.len(),
        1e3 * spread(&live).0,
        f_measure(&times, &counted, BEAT_S),
        f_measure(&times, &foretold, BEAT_S),
        live_ms / oracle_ms
    );
    Ok((text, Errors { live, oracle: oracle.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_between_notes_are_interpolated_and_unknown_to_the_oracle() {
        let onsets = [(0.5, 1.0), (1.0, 1.5), (3.0, 3.5), (3.5, 4.1), (4.0, 4.4)];
        let sung = SungBeats::new(&onsets, Meter::FOUR_FOUR);
        let wanted = [(1.5, true), (2.5, false), (3.5, true), (4.4, true)];
        assert_eq!(sung.beats, wanted);
        assert_eq!(sung.oracle(3, 1), Some(4.5));
        assert_eq!(sung.oracle(2, 1), None);
    }
}
