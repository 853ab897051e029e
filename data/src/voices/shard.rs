//! Pairs in a folder, and songs of a corpus.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::{Pair, Point, RATE};
use crate::corpus::{Song, form};
use crate::songs::Split;

/// First line of the list of pairs.
const HEAD: &str = "pair\tabout";

/// Songs of one side of a corpus by their set.
pub fn songs(corpus: &Path, side: Split) -> anyhow::Result<BTreeMap<String, Vec<Song>>> {
    let path = corpus.join("split.tsv");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read; make a corpus with cargo xtask data", path.display()))?;
    let wanted = match side {
        Split::Learn => "learn",
        Split::Develop => "develop",
        Split::Validate => "validate",
    };
    let mut on_side: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut cells = line.split('\t');
        if let (Some(set), Some(song), Some(_), Some(found)) =
            (cells.next(), cells.next(), cells.next(), cells.next())
            && found == wanted
        {
            on_side.entry(set).or_default().push(song);
        }
    }
    let mut all = BTreeMap::new();
    for (set, names) in on_side {
        let path = corpus.join(format!("{set}.jsonl"));
        let file = File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let (_, mut songs) = form::read(BufReader::new(file)).with_context(|| path.display().to_string())?;
        let names: std::collections::BTreeSet<&str> = names.into_iter().collect();
        songs.retain(|song| names.contains(song.name.as_str()));
        all.insert(set.to_owned(), songs);
    }
    Ok(all)
}

/// Pairs that are being written to a folder.
pub struct Writer {
    out: PathBuf,
    list: File,
    done: u64,
}

impl Writer {
    /// Opens a folder, which is made if it is missing; goes on behind the pairs that are there.
    pub fn open(out: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
        let path = out.join("pairs.tsv");
        let before = fs::read_to_string(&path).unwrap_or_default();
        let done = before.lines().skip(1).count() as u64;
        let list = fs::OpenOptions::new().create(true).append(true).open(&path);
        let mut list = list.with_context(|| format!("{} cannot be written", path.display()))?;
        if before.is_empty() {
            writeln!(list, "{HEAD}")?;
        }
        Ok(Self { out: out.to_owned(), list, done })
    }

    /// Pairs that are there.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Writes the next pair; its line in the list comes last.
    pub fn write(&mut self, pair: &Pair) -> anyhow::Result<()> {
        let number = self.done;
        write_wav(&self.out.join(format!("{number:05}-voice.wav")), &pair.voice, 1)?;
        write_wav(&self.out.join(format!("{number:05}-backing.wav")), &pair.backing, 2)?;
        let truth: String =
            pair.truth.iter().map(|point| format!("{:.2}\t{}\n", point.hz, u8::from(point.onset))).collect();
        let path = self.out.join(format!("{number:05}-truth.tsv"));
        fs::write(&path, truth).with_context(|| format!("{} cannot be written", path.display()))?;
        writeln!(self.list, "{number:05}\t{}", pair.about.replace(['\t', '\n', '\r'], " "))?;
        self.done += 1;
        Ok(())
    }
}

fn write_wav(path: &Path, samples: &[f32], channels: u16) -> anyhow::Result<()> {
    let spec = WavSpec { channels, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let context = || format!("{} cannot be written", path.display());
    let mut writer = WavWriter::create(path, spec).with_context(context)?;
    for sample in samples {
        writer.write_sample((sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16)?;
    }
    writer.finalize().with_context(context)
}

/// A pair as it is kept in memory.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The voice, full scale is 32768.
    pub voice: Vec<i16>,
    /// What is true of it.
    pub truth: Vec<Point>,
    /// The backing, both channels interleaved.
    pub backing: Vec<i16>,
    /// Who sings and plays what.
    pub about: String,
}

/// Reads the pairs of a folder.
///
/// # Errors
/// A file is missing, damaged or of another rate.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Stored>> {
    let path = folder.join("pairs.tsv");
    let list = fs::read_to_string(&path).with_context(|| {
        format!("{} cannot be read; make it with cargo xtask data voices", path.display())
    })?;
    let mut lines = list.lines();
    ensure!(lines.next() == Some(HEAD), "{} is no list of pairs", path.display());
    lines
        .map(|line| {
            let (number, about) = line.split_once('\t').context("a line of the list has one column")?;
            let truth = folder.join(format!("{number}-truth.tsv"));
            let text =
                fs::read_to_string(&truth).with_context(|| format!("{} is missing", truth.display()))?;
            let point = |line: &str| {
                let (hz, onset) = line.split_once('\t')?;
                Some(Point { hz: hz.parse().ok()?, onset: onset == "1" })
            };
            let points: Option<Vec<Point>> = text.lines().map(point).collect();
            Ok(Stored {
                voice: read_wav(&folder.join(format!("{number}-voice.wav")), 1)?,
                backing: read_wav(&folder.join(format!("{number}-backing.wav")), 2)?,
                truth: points.with_context(|| format!("{} is no truth", truth.display()))?,
                about: about.to_owned(),
            })
        })
        .collect()
}

fn read_wav(path: &Path, channels: u16) -> anyhow::Result<Vec<i16>> {
    let reader = WavReader::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let spec = reader.spec();
    ensure!(
        (spec.sample_rate, spec.channels, spec.bits_per_sample) == (RATE, channels, 16),
        "{} must have {RATE} Hz, {channels} channels and 16 bits, but has {} Hz, {} and {}",
        path.display(),
        spec.sample_rate,
        spec.channels,
        spec.bits_per_sample
    );
    Ok(reader.into_samples::<i16>().collect::<Result<_, _>>()?)
}
