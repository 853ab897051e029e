//! `cargo xtask data voices CORPUS -o FOLDER`.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use super::shard::Writer;
use super::{Ensemble, Library};
use crate::songs::Split;

const USAGE: &str = "cargo xtask data voices CORPUS -o FOLDER --font FILE [--font FILE]... [--hours H] [--seed S] \
                     [--seconds S] [--side learn|develop|validate] [--ensemble guitar|keys|duo|band|own]";
/// Most hours that are made: a day of both takes 12 GB.
const MOST_HOURS: f64 = 24.0;

struct Options {
    corpus: PathBuf,
    out: PathBuf,
    fonts: Vec<PathBuf>,
    hours: f64,
    seconds: f32,
    seed: u64,
    side: Split,
    ensemble: Option<Ensemble>,
}

/// Makes pairs, or goes on making them.
///
/// # Errors
/// An argument is missing or wrong, or a file cannot be read or written.
pub fn run(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    let options = parse(arguments)?;
    let library = Library::read(&options.corpus, options.side, &options.fonts)?;
    let pairs = (options.hours * 3_600.0 / f64::from(options.seconds)).ceil() as u64;
    let mut writer = Writer::open(&options.out)?;
    let bar = ProgressBar::new(pairs).with_position(writer.done());
    bar.set_style(
        ProgressStyle::with_template("pair {pos} of {len} [{bar:30}] {eta}")?.progress_chars("=> "),
    );
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    while writer.done() < pairs {
        writer.write(&library.pair(options.seed, writer.done(), options.seconds, options.ensemble)?)?;
        bar.set_position(writer.done());
    }
    bar.finish_and_clear();
    println!("{} pairs of {} s in {}", writer.done(), options.seconds, options.out.display());
    Ok(())
}

fn parse(mut rest: impl Iterator<Item = OsString>) -> anyhow::Result<Options> {
    let (mut corpus, mut out) = (None, None);
    let mut options = Options {
        corpus: PathBuf::new(),
        out: PathBuf::new(),
        fonts: Vec::new(),
        hours: 2.0,
        seconds: 24.0,
        seed: 1,
        side: Split::Learn,
        ensemble: None,
    };
    while let Some(argument) = rest.next() {
        let name = argument.to_string_lossy().into_owned();
        if !name.starts_with('-') {
            ensure!(corpus.is_none(), "{name} is one folder too many; usage: {USAGE}");
            corpus = Some(PathBuf::from(argument));
            continue;
        }
        let value = rest.next().with_context(|| format!("{name} has no value; usage: {USAGE}"))?;
        let text = value.to_string_lossy().into_owned();
        let wrong = || format!("{text:?} is no value of {name}; usage: {USAGE}");
        match name.as_str() {
            "-o" | "--out" => out = Some(PathBuf::from(value)),
            "--font" => options.fonts.push(PathBuf::from(value)),
            "--hours" => options.hours = text.parse().with_context(wrong)?,
            "--seconds" => options.seconds = text.parse().with_context(wrong)?,
            "--seed" => options.seed = text.parse().with_context(wrong)?,
            "--side" => {
                options.side = match text.as_str() {
                    "learn" => Split::Learn,
                    "develop" => Split::Develop,
                    "validate" => Split::Validate,
                    _ => bail!(wrong()),
                };
            }
            "--ensemble" => options.ensemble = Some(Ensemble::named(&text).with_context(wrong)?),
            _ => bail!("{name} is not known; usage: {USAGE}"),
        }
    }
    ensure!(
        options.hours > 0.0 && options.hours <= MOST_HOURS,
        "--hours must be above 0 and at most {MOST_HOURS}, but is {}",
        options.hours
    );
    ensure!(
        (4.0..=120.0).contains(&options.seconds),
        "--seconds must be between 4 and 120, but is {}",
        options.seconds
    );
    options.corpus = corpus.with_context(|| format!("the corpus is missing; usage: {USAGE}"))?;
    options.out = out.with_context(|| format!("-o FOLDER is missing; usage: {USAGE}"))?;
    Ok(options)
}
