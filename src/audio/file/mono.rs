//! A vocal as the listening stages want it.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::decode::{Reader, open_file};
use super::error::AudioFileError;
use crate::audio::Resampler;
use crate::limits::LISTEN_HZ;
use crate::time::Hz;

/// Share of the work that hashing the file is taken for.
const HASH_SHARE: f64 = 0.1;

/// A vocal in mono at [`LISTEN_HZ`] with the facts of its file.
#[derive(Debug, Clone)]
pub struct MonoInput {
    /// Samples at [`LISTEN_HZ`]: sample n lies at n / 16000 s of the file. Stereo is averaged.
    pub samples: Vec<f32>,
    /// Length of the file, in frames at its own rate.
    pub frames: u64,
    /// Length of the file, in seconds.
    pub duration_s: f64,
    /// Sample rate of the file.
    pub rate: Hz,
    /// Channels of the file, 1 or 2.
    pub channels: usize,
    /// Largest magnitude of a sample in any channel of the file; 1 is full scale.
    pub peak: f32,
    /// SHA-256 of the bytes of the file.
    pub sha256: [u8; 32],
}

/// How samples come to [`LISTEN_HZ`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// As well as can be.
    Whole,
    /// As in live playing, where a sample cannot wait.
    Streaming,
}

/// Reads a vocal file into mono at [`LISTEN_HZ`].
///
/// `progress` is told the share of the work that is done, rising from 0 to 1.
pub fn read_mono(
    path: impl AsRef<Path>,
    conversion: Conversion,
    progress: &mut dyn FnMut(f64),
) -> Result<MonoInput, AudioFileError> {
    let path = path.as_ref();
    let mut reader = Reader::open(path)?;
    let sha256 = hash(path, &mut |share| progress(share * HASH_SHARE))?;
    let (rate, channels) = (reader.rate(), reader.channels());
    let make = match conversion {
        Conversion::Whole => Resampler::new,
        Conversion::Streaming => Resampler::streaming,
    };
    let mut resampler = make(rate, Hz(LISTEN_HZ), 1)
        .map_err(|_| AudioFileError::Rate { path: path.to_owned(), rate_hz: rate.0 })?;

    let capacity = reader.frames_hint().map_or(0, |frames| resampler.output_frames(frames));
    let mut samples = Vec::with_capacity(capacity as usize);
    let (mut mono, mut frames, mut peak, mut told) = (Vec::new(), 0, 0.0f32, 0.0);
    loop {
        let done = reader.progress();
        let Some(block) = reader.next_block()? else { break };
        peak = block.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
        mono.clear();
        if channels == 1 {
            mono.extend_from_slice(block);
        } else {
            mono.extend(block.chunks_exact(2).map(|pair| 0.5 * pair[0] + 0.5 * pair[1]));
        }
        frames += mono.len() as u64;
        resampler.push(&mono, &mut samples);
        if done >= told + 0.01 {
            told = done;
            progress(HASH_SHARE + (1.0 - HASH_SHARE) * done);
        }
    }
    resampler.finish(&mut samples);
    progress(1.0);
    let duration_s = frames as f64 / rate.as_f64();
    Ok(MonoInput { samples, frames, duration_s, rate, channels, peak, sha256 })
}

/// SHA-256 of the bytes of a file.
pub fn file_sha256(path: impl AsRef<Path>) -> Result<[u8; 32], AudioFileError> {
    hash(path.as_ref(), &mut |_| {})
}

fn hash(path: &Path, progress: &mut dyn FnMut(f64)) -> Result<[u8; 32], AudioFileError> {
    let (mut file, byte_len) = open_file(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut hashed = 0;
    loop {
        let got = file
            .read(&mut buffer)
            .map_err(|source| AudioFileError::Unreadable { path: path.to_owned(), source })?;
        if got == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..got]);
        hashed += got as u64;
        progress((hashed as f64 / byte_len as f64).min(1.0));
    }
}
