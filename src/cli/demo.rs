//! `collavoce demo`.

use std::path::Path;

use anyhow::Context as _;
use collavoce::sing::{DemoOptions, Sung, demo_with};
use collavoce::song::Isolate;
use collavoce::time::Hz;

use super::accompany;
use super::args::Demo;

/// Sample rate of the sung verse where none is asked for, in Hz.
const RATE: Hz = Hz(48_000);

const HINT: &str = "
listen to mix.wav, then to the stems; open song.mid in a DAW and song.musicxml in a notation program
try your own voice:  cargo run --release -- accompany VOCAL.wav -o OUT
";

/// Runs the command.
pub fn run(options: &Demo) -> anyhow::Result<()> {
    let vocal = demo_with(DemoOptions {
        transpose: options.transpose,
        tempo_scale: options.tempo_scale,
        rubato: options.sway,
        seed: options.musical.seed,
        ..DemoOptions::default()
    });
    let sung = vocal.sing(options.writing.rate().unwrap_or(RATE))?;
    let folder = tempfile::Builder::new().prefix("collavoce-demo-").tempdir()?;
    let (voice, truth) = (folder.path().join("voice.wav"), folder.path().join("truth.json"));
    write_voice(&voice, &sung).with_context(|| format!("{} cannot be written", voice.display()))?;
    std::fs::write(&truth, serde_json::to_vec(&sung.truth)?)
        .with_context(|| format!("{} cannot be written", truth.display()))?;
    let extras = vec![("voice.wav".to_owned(), voice.clone()), ("truth.json".to_owned(), truth)];
    let alone = accompany::Sung { vocal: &voice, sidechain: None, isolate: Isolate::Off, backing: None };
    let report = accompany::write(&alone, &options.out, &options.musical, &options.writing, extras)?;
    accompany::print(&report, &options.writing, HINT)
}

fn write_voice(path: &Path, sung: &Sung) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: sung.rate.0,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in &sung.samples {
        writer.write_sample(collavoce::audio::quantise(*sample))?;
    }
    writer.finalize()
}
