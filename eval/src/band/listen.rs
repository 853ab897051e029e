//! A page on which people compare, blind, what rules, the network and people play; and the count of their votes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use collavoce::audio::{StemFormat, StemWriter, StereoBlock, quantise};
use collavoce::compose::arranger::{self, wish};
use collavoce::instrument::channel;
use collavoce::perform::Performer;
use collavoce::score::{BarNumber, Part, PartBar, Score};
use collavoce::song::{Rng, Seed, Settings};
use collavoce::time::{Bpm, Hz, SampleTime, TempoMap};
use collavoce_data::arrange::{self, Piece};
use collavoce_data::songs::Split;
use collavoce_models::arranger::ArrangerNet;
use serde_json::{Value, json};

use super::PART_VOICES;
use super::ours::{self, PLAYERS, Player};

const USAGE: &str =
    "usage: cargo xtask listen CORPUS -o FOLDER [--each N], or cargo xtask listen --count FOLDER VOTES...";
/// Excerpts of each part.
const EACH: usize = 8;
/// Bars of an excerpt.
const BARS: usize = 8;
const RATE: Hz = Hz(48_000);
/// Loudness of every excerpt in LUFS (ITU-R BS.1770).
const LOUDNESS: f64 = -23.0;
/// Tempo of what states none.
const BPM: f64 = 100.0;
/// Amplitude of the tone that stands for the singer.
const GUIDE: f32 = 0.02;
/// The page; its excerpts are put in place of `EXCERPTS`.
const PAGE: &str = include_str!("listen.html");

/// Makes the page, or counts votes.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    match arguments {
        ["--count", folder, votes @ ..] if !votes.is_empty() => count(Path::new(folder), votes),
        [corpus, "-o" | "--out", folder] => make(Path::new(corpus), Path::new(folder), EACH),
        [corpus, "-o" | "--out", folder, "--each", each] => {
            make(Path::new(corpus), Path::new(folder), each.parse().context(USAGE)?)
        }
        _ => bail!(USAGE),
    }
}

fn make(corpus: &Path, folder: &Path, each: usize) -> anyhow::Result<()> {
    ensure!(!folder.exists(), "{} is there already; choose a folder that is not", folder.display());
    let net = ArrangerNet::embedded()?;
    let apart = arrange::read(corpus, |side| side == Split::Validate)?;
    let part_of = |name: &str| folder.with_extension("part").join(name);
    let partial: PathBuf = folder.with_extension("part");
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| format!("{} cannot be removed", partial.display()))?;
    }
    fs::create_dir_all(&partial).with_context(|| format!("{} cannot be made", partial.display()))?;
    let (mut shown, mut key) = (Vec::new(), Vec::new());
    for (part, (name, voices)) in PART_VOICES.iter().enumerate() {
        let fits = |piece: &&Piece| {
            voices.clone().all(|v| piece.told[v]) && piece.bars() >= BARS && piece.per_bar <= 16
        };
        let pieces: Vec<&Piece> = apart.iter().filter(fits).collect();
        let step = (pieces.len() / each.max(1)).max(1);
        for (index, piece) in pieces.into_iter().step_by(step).take(each).enumerate() {
            eprintln!("{name} {} of {each}: {}", index + 1, piece.name);
            let mut order = PLAYERS.to_vec();
            let mut rng = Rng::keyed(&[part as u64, index as u64, 0x1157]);
            for last in (1..order.len()).rev() {
                order.swap(last, rng.below(last + 1));
            }
            let files: Vec<String> =
                (0..order.len()).map(|take| format!("{name}_{index}_{take}.wav")).collect();
            for (file, (player, _)) in files.iter().zip(&order) {
                let score = played(net, piece, part, *player);
                write(&part_of(file), &score, wish::ORDER[part])?;
            }
            shown.push(json!({ "part": name, "files": files }));
            key.push(json!({ "piece": piece.name, "set": piece.set, "files": files,
                "by": order.iter().map(|(_, by)| *by).collect::<Vec<_>>() }));
        }
    }
    fs::write(part_of("index.html"), PAGE.replace("EXCERPTS", &serde_json::to_string(&shown)?))?;
    fs::write(part_of("key.json"), serde_json::to_string_pretty(&key)?)?;
    fs::rename(&partial, folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    println!(
        "{}: open index.html, vote, and keep votes.json; key.json says who plays, and is not for those who vote",
        folder.display()
    );
    Ok(())
}

/// The first bars of a piece with one part by somebody.
fn played(net: &ArrangerNet, piece: &Piece, part: usize, player: Player) -> Score {
    let bars = BARS.min(piece.bars());
    let settings = Settings {
        style: ours::style_of(piece),
        parts: vec![wish::ORDER[part]],
        seed: Seed(1),
        ..Settings::default()
    };
    let energy = ours::energy_of(piece, part, bars);
    let mut score = match player {
        Player::People => {
            let mut score = ours::grounded(piece, bars, energy);
            for number in 0..bars {
                let place = (wish::ORDER[part], BarNumber(number as i32 + 1));
                let bar: PartBar =
                    arranger::transcribed(&score, &settings, place, &piece.played, number * piece.per_bar);
                score.parts.push(bar);
            }
            score
        }
        _ => ours::alone(net, piece, (bars, energy), &settings, player),
    };
    score.bars = bars as u32;
    let end = score.end();
    score.melody.retain(|note| note.start < end);
    score.tempo = TempoMap::constant(Bpm(BPM), score.meter.beat());
    score
}

/// Renders a part, with a soft tone for the singer, at one loudness.
fn write(path: &Path, score: &Score, part: Part) -> anyhow::Result<()> {
    let settings = Settings::default();
    // Everybody is as loud as is written: the singer's dynamics are not known here.
    let events = Performer::new(score, &settings, RATE).perform();
    let length = (RATE.count(score.tempo.seconds_at(score.end()) + 1.5)).0 as usize;
    let (mut left, mut right) = (vec![0.0f32; length], vec![0.0f32; length]);
    let mut stage = channel(part, RATE, Seed(1));
    const BLOCK: usize = 512;
    let mut done = 0;
    for from in (0..length).step_by(BLOCK) {
        let to = length.min(from + BLOCK);
        let until = events[done..].iter().take_while(|event| (event.at.0 as usize) < to).count();
        let mut block = StereoBlock { left: &mut left[from..to], right: &mut right[from..to] };
        stage.process(SampleTime(from as i64), &events[done..done + until], &mut block);
        done += until;
    }
    let gain = gain_for(&left, &right)?;
    let guide = guide(score, length);
    let mixed = |channel: &[f32]| -> Vec<i32> {
        let sum = channel.iter().zip(&guide).map(|(sample, guide)| sample * gain + guide);
        sum.map(quantise).collect()
    };
    let mut file = StemWriter::create(path, StemFormat::Wav, RATE, length as u64, "")?;
    file.write(&mixed(&left), &mixed(&right))?;
    file.finish()?;
    Ok(())
}

fn gain_for(left: &[f32], right: &[f32]) -> anyhow::Result<f32> {
    let mut meter = ebur128::EbuR128::new(2, 48_000, ebur128::Mode::I)?;
    meter.add_frames_planar_f32(&[left, right])?;
    let loudness = meter.loudness_global()?;
    Ok(if loudness.is_finite() { 10f64.powf((LOUDNESS - loudness) / 20.0) as f32 } else { 1.0 })
}

/// A soft tone that sings the melody.
fn guide(score: &Score, length: usize) -> Vec<f32> {
    let mut samples = vec![0.0f32; length];
    for note in &score.melody {
        let (start_s, end_s) = (score.tempo.seconds_at(note.start), score.tempo.seconds_at(note.end()));
        let from = RATE.count(start_s.max(0.0)).0 as usize;
        let to = (RATE.count(end_s.max(0.0)).0 as usize).min(length);
        let step = note.pitch.hz(0.0) / 48_000.0;
        for (index, sample) in samples.iter_mut().take(to).skip(from).enumerate() {
            let phase = std::f64::consts::TAU * step * index as f64;
            // It fades in and out over 20 ms.
            let edge = index.min((to - from).saturating_sub(index)) as f32 / 960.0;
            *sample += GUIDE * edge.min(1.0) * (phase.sin() + 0.3 * (2.0 * phase).sin()) as f32;
        }
    }
    samples
}

/// Prints how often each player was taken for a person, and liked best.
fn count(folder: &Path, votes: &[&str]) -> anyhow::Result<()> {
    let read = |path: &Path| -> anyhow::Result<Value> {
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no file of votes or key", path.display()))
    };
    let key = read(&folder.join("key.json"))?;
    let mut by_file: BTreeMap<&str, &str> = BTreeMap::new();
    for excerpt in key.as_array().context("key.json holds no list")? {
        let list = |name: &str| excerpt[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        by_file.extend(list("files").zip(list("by")));
    }
    let mut sums: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for path in votes {
        let votes = read(Path::new(path))?;
        for vote in votes.as_array().with_context(|| format!("{path} holds no list"))? {
            for question in ["person", "best"] {
                let file = vote[question].as_str().unwrap_or("");
                if let (Some(by), Some(name)) =
                    (by_file.get(file), ["person", "best"].iter().find(|q| **q == question))
                {
                    *sums.entry((name, by)).or_default() += 1;
                }
            }
        }
    }
    println!("{:9}{:>16}{:>14}", "", "taken for one", "liked best");
    for (_, by) in PLAYERS {
        let of = |question| sums.get(&(question, by)).copied().unwrap_or(0);
        println!("{by:9}{:>16}{:>14}", of("person"), of("best"));
    }
    Ok(())
}
