//! What several tests need.
#![allow(dead_code, reason = "each test uses its own part of it")]

use std::path::Path;

use collavoce::audio::resample;
use collavoce::engine::{self, Session};
use collavoce::limits::LISTEN_HZ;
use collavoce::listen::PitchMethod;
use collavoce::sing::{DemoOptions, Sung, demo_with};
use collavoce::song::Settings;
use collavoce::time::Hz;

/// The demonstration song, sung.
pub fn sing(options: DemoOptions, rate: u32) -> Sung {
    demo_with(options).sing(Hz(rate)).expect("the rate is supported")
}

/// A sung recording through the whole engine.
pub fn run(sung: &Sung, settings: &Settings) -> Session {
    let samples = resample(&sung.samples, 1, sung.rate, Hz(LISTEN_HZ)).expect("the rate is supported");
    engine::run(&samples, settings, PitchMethod::Nsdf, &mut |_| ()).expect("there is a voice")
}

/// Writes samples as a mono WAV file of 32-bit floats.
pub fn write_wav(path: &Path, samples: &[f32], rate: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a temporary file");
    for sample in samples {
        writer.write_sample(*sample).expect("a temporary file");
    }
    writer.finalize().expect("a temporary file");
}
