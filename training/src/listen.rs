//! Clips as files.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use crate::clip::{self, Heard};
use crate::{sung, train};

/// Which clips to write, and where.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder for them; each is a WAV file and a JSON file with F0 in Hz every 10 ms.
    #[arg(long)]
    out: PathBuf,
    /// How many of each kind.
    #[arg(long, default_value_t = 20)]
    count: u64,
    /// Number of the first; the validation uses those from 0 on.
    #[arg(long, default_value_t = 100)]
    first: u64,
}

/// Writes them.
pub fn run(options: &Options) -> anyhow::Result<()> {
    fs::create_dir_all(&options.out).context("the folder cannot be made")?;
    for number in options.first..options.first + options.count {
        for (kind, heard) in [
            ("seed", clip::sound(train::HELD_OUT, number)),
            ("sung", sung::sound(train::HELD_OUT, number, false)?),
            ("hard", sung::sound(train::HELD_OUT, number, true)?),
        ] {
            write(&options.out.join(format!("{kind}_{number}")), &heard)?;
        }
    }
    Ok(())
}

fn write(path: &std::path::Path, heard: &Heard) -> anyhow::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: collavoce_models::pitch::SAMPLE_HZ,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path.with_extension("wav"), spec)?;
    heard.samples.iter().try_for_each(|sample| writer.write_sample(*sample))?;
    writer.finalize()?;
    let column = |value: &dyn Fn(&clip::Truth) -> f32| heard.truth.iter().map(value).collect::<Vec<f32>>();
    let truth = json!({
        "hop_s": 0.01,
        "hz": column(&|truth| if truth.midi > 0.0 { 440.0 * ((truth.midi - 69.0) / 12.0).exp2() } else { 0.0 }),
        "voiced": heard.truth.iter().map(|truth| truth.voiced).collect::<Vec<bool>>(),
        "voicing_counts": column(&|truth| truth.voicing_counts),
        "pitch_counts": column(&|truth| truth.pitch_counts),
    });
    fs::write(path.with_extension("json"), serde_json::to_string(&truth)?)
        .context("the truth cannot be written")
}
