//! Writing stems, and reading them back as integers.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, StreamInfo};
use flacenc::config;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Context, Fill, FrameBuf};

use super::decode::Reader;
use super::error::AudioFileError;
use crate::time::Hz;

/// The 24-bit integer that stands for a sample of 1.
pub const FULL_SCALE: i32 = 1 << 23;
/// Frames in one frame of a FLAC file.
const FLAC_BLOCK: usize = 4_096;
/// Bytes at the beginning of a FLAC file: the mark, a block header and STREAMINFO.
const FLAC_HEADER_BYTES: usize = 4 + 4 + 34;
/// Bytes before the audio of a WAV file, at most.
const WAV_HEADER_BYTES: u64 = 128;
/// What made the file, as it stands in it.
const PROGRAM: &str = concat!("Collavoce ", env!("CARGO_PKG_VERSION"));
const BITS: usize = 24;
const CHANNELS: usize = 2;

/// The nearest 24-bit integer to a sample, halves away from zero, clamped to +-8388607; 0 for a sample that is no
/// number.
///
/// There is no dither: equal samples give equal integers in every run, and stems add up to the mix as integers.
pub fn quantise(sample: f32) -> i32 {
    let most = FULL_SCALE - 1;
    // The product is exact, as the factor is a power of two.
    ((sample * FULL_SCALE as f32).round() as i32).clamp(-most, most)
}

/// The file format of a stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StemFormat {
    /// 24-bit WAV.
    Wav,
    /// 24-bit FLAC.
    Flac,
}

/// Writes a stereo stem of 24-bit integers, block by block; memory does not grow with the stem.
pub struct StemWriter {
    path: PathBuf,
    frames: u64,
    comment: String,
    encoder: Encoder,
}

enum Encoder {
    Wav(hound::WavWriter<BufWriter<File>>),
    Flac(Box<FlacStream>),
}

impl std::fmt::Debug for StemWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StemWriter({}, {} frames)", self.path.display(), self.frames)
    }
}

impl StemWriter {
    /// Creates the file, or replaces what it holds.
    ///
    /// `expected_frames` is the length that will be written: a WAV file that it would carry past 4 GiB is refused
    /// before anything is written. `comment` is written into the file where players and sound editors look for one:
    /// ICMT of a WAV file, COMMENT of a FLAC file.
    pub fn create(
        path: impl AsRef<Path>,
        format: StemFormat,
        rate: Hz,
        expected_frames: u64,
        comment: &str,
    ) -> Result<Self, AudioFileError> {
        let path = path.as_ref();
        if format == StemFormat::Wav {
            check_wav_size(path, expected_frames, comment)?;
        }
        let file = File::create(path).map_err(|source| unwritable(path, source))?;
        let file = BufWriter::with_capacity(1 << 16, file);
        let encoder = match format {
            StemFormat::Wav => {
                let spec = hound::WavSpec {
                    channels: CHANNELS as u16,
                    sample_rate: rate.0,
                    bits_per_sample: BITS as u16,
                    sample_format: hound::SampleFormat::Int,
                };
                Encoder::Wav(hound::WavWriter::new(file, spec).map_err(|error| wav_error(path, error))?)
            }
            StemFormat::Flac => Encoder::Flac(Box::new(FlacStream::new(path, file, rate, comment)?)),
        };
        Ok(Self { path: path.to_owned(), frames: 0, comment: comment.to_owned(), encoder })
    }

    /// Appends frames.
    ///
    /// # Panics
    ///
    /// If the channels differ in length.
    pub fn write(&mut self, left: &[i32], right: &[i32]) -> Result<(), AudioFileError> {
        assert_eq!(left.len(), right.len(), "both channels of a stem have the same length");
        self.frames += left.len() as u64;
        match &mut self.encoder {
            Encoder::Wav(writer) => {
                check_wav_size(&self.path, self.frames, &self.comment)?;
                for (left, right) in left.iter().zip(right) {
                    let written = writer.write_sample(*left).and_then(|()| writer.write_sample(*right));
                    written.map_err(|error| wav_error(&self.path, error))?;
                }
                Ok(())
            }
            Encoder::Flac(stream) => stream.write(&self.path, left, right),
        }
    }

    /// Writes what is left, completes the header and returns the number of frames in the file.
    pub fn finish(self) -> Result<u64, AudioFileError> {
        match self.encoder {
            Encoder::Wav(writer) => {
                writer.finalize().map_err(|error| wav_error(&self.path, error))?;
                append_info(&self.path, &self.comment).map_err(|source| unwritable(&self.path, source))?;
            }
            Encoder::Flac(stream) => stream.finish(&self.path)?,
        }
        Ok(self.frames)
    }
}

fn check_wav_size(path: &Path, frames: u64, comment: &str) -> Result<(), AudioFileError> {
    let bytes = frames
        .saturating_mul((CHANNELS * BITS / 8) as u64)
        .saturating_add(WAV_HEADER_BYTES + info_chunk(comment).len() as u64);
    if bytes > u64::from(u32::MAX) {
        return Err(AudioFileError::TooLarge { path: path.to_owned(), bytes });
    }
    Ok(())
}

/// A LIST chunk of the form INFO with program and comment.
fn info_chunk(comment: &str) -> Vec<u8> {
    let mut chunk = b"LIST\0\0\0\0INFO".to_vec();
    for (id, text) in [(b"ISFT", PROGRAM), (b"ICMT", comment)] {
        chunk.extend_from_slice(id);
        // A text ends with a zero byte, and another where the number of bytes would be odd.
        chunk.extend_from_slice(&(text.len() as u32 + 1).to_le_bytes());
        chunk.extend_from_slice(text.as_bytes());
        chunk.resize((chunk.len() + 2) & !1, 0);
    }
    let size = chunk.len() as u32 - 8;
    chunk[4..8].copy_from_slice(&size.to_le_bytes());
    chunk
}

/// Adds the chunk to a WAV file that is complete, and its size to that of the file.
fn append_info(path: &Path, comment: &str) -> std::io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    // Frames of six bytes need no padding.
    let end = file.seek(SeekFrom::End(0))?;
    let chunk = info_chunk(comment);
    file.write_all(&chunk)?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(&((end + chunk.len() as u64 - 8) as u32).to_le_bytes())
}

/// A VORBIS_COMMENT block, the last one (RFC 9639, section 8.6).
fn comment_block(comment: &str) -> Vec<u8> {
    let fields = [format!("COMMENT={comment}"), format!("ENCODER={PROGRAM}")];
    let mut block = vec![0x84, 0, 0, 0];
    let put = |block: &mut Vec<u8>, text: &str| {
        block.extend_from_slice(&(text.len() as u32).to_le_bytes());
        block.extend_from_slice(text.as_bytes());
    };
    put(&mut block, PROGRAM);
    block.extend_from_slice(&(fields.len() as u32).to_le_bytes());
    for field in &fields {
        put(&mut block, field);
    }
    let size = (block.len() as u32 - 4).to_be_bytes();
    block[1..4].copy_from_slice(&size[1..]);
    block
}

fn unwritable(path: &Path, source: std::io::Error) -> AudioFileError {
    AudioFileError::Unwritable { path: path.to_owned(), source }
}

fn encode_error(path: &Path, reason: impl ToString) -> AudioFileError {
    AudioFileError::Encode { path: path.to_owned(), reason: reason.to_string() }
}

fn wav_error(path: &Path, error: hound::Error) -> AudioFileError {
    match error {
        hound::Error::IoError(source) => unwritable(path, source),
        other => encode_error(path, other),
    }
}

/// A FLAC file in the making: frames of [`FLAC_BLOCK`], then the header once all is known.
struct FlacStream {
    file: BufWriter<File>,
    settings: Verified<config::Encoder>,
    info: StreamInfo,
    /// Keeps count of frames and the MD5 of the samples.
    context: Context,
    buffer: FrameBuf,
    /// Interleaved frames that do not fill a block yet.
    waiting: Vec<i32>,
    sink: ByteSink,
    /// Smallest and largest encoded frame, in bytes.
    sizes: (usize, usize),
}

impl FlacStream {
    fn new(path: &Path, mut file: BufWriter<File>, rate: Hz, comment: &str) -> Result<Self, AudioFileError> {
        let mut settings = config::Encoder::default();
        // The library accepts a fixed predictor by an estimate that knows no largest Rice parameter: loud noise of
        // 24 bits then comes out larger than uncoded. The bits of a computed predictor are counted instead.
        settings.subframe_coding.use_fixed = false;
        let settings = settings.into_verified().map_err(|(_, error)| encode_error(path, error))?;
        let info =
            StreamInfo::new(rate.0 as usize, CHANNELS, BITS).map_err(|error| encode_error(path, error))?;
        let buffer = FrameBuf::with_size(CHANNELS, FLAC_BLOCK).map_err(|error| encode_error(path, error))?;
        file.write_all(&[0; FLAC_HEADER_BYTES])
            .and_then(|()| file.write_all(&comment_block(comment)))
            .map_err(|source| unwritable(path, source))?;
        Ok(Self {
            file,
            settings,
            info,
            context: Context::new(BITS, CHANNELS),
            buffer,
            waiting: Vec::with_capacity(FLAC_BLOCK * CHANNELS),
            sink: ByteSink::new(),
            sizes: (usize::MAX, 0),
        })
    }

    fn write(&mut self, path: &Path, left: &[i32], right: &[i32]) -> Result<(), AudioFileError> {
        for (left, right) in left.iter().zip(right) {
            self.waiting.extend([*left, *right]);
            if self.waiting.len() == FLAC_BLOCK * CHANNELS {
                self.encode(path)?;
            }
        }
        Ok(())
    }

    /// Encodes and writes the frames that wait.
    fn encode(&mut self, path: &Path) -> Result<(), AudioFileError> {
        let number = self.context.current_frame_number().map_or(0, |last| last + 1);
        let filled = self.buffer.fill_interleaved(&self.waiting);
        filled
            .and_then(|()| self.context.fill_interleaved(&self.waiting))
            .map_err(|e| encode_error(path, e))?;
        let frame = flacenc::encode_fixed_size_frame(&self.settings, &self.buffer, number, &self.info)
            .map_err(|error| encode_error(path, error))?;
        self.waiting.clear();
        self.sink.clear();
        frame.write(&mut self.sink).map_err(|error| encode_error(path, error))?;
        let bytes = self.sink.as_slice();
        self.sizes = (self.sizes.0.min(bytes.len()), self.sizes.1.max(bytes.len()));
        self.file.write_all(bytes).map_err(|source| unwritable(path, source))
    }

    fn finish(mut self, path: &Path) -> Result<(), AudioFileError> {
        if !self.waiting.is_empty() {
            self.encode(path)?;
        }
        let header = self.header();
        let mut write = || {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&header)?;
            self.file.flush()
        };
        write().map_err(|source| unwritable(path, source))
    }

    /// The mark and STREAMINFO (RFC 9639, section 8.2), written here because the library states the length of the
    /// last, short block as the smallest block size, which decoders refuse.
    fn header(&self) -> [u8; FLAC_HEADER_BYTES] {
        let mut header = [0; FLAC_HEADER_BYTES];
        header[..4].copy_from_slice(b"fLaC");
        // A metadata block of type 0 with 34 bytes; the comment comes after it.
        header[4..8].copy_from_slice(&[0, 0, 0, 34]);
        let block = (FLAC_BLOCK as u16).to_be_bytes();
        header[8..10].copy_from_slice(&block);
        header[10..12].copy_from_slice(&block);
        let (smallest, largest) = if self.sizes.1 == 0 { (0, 0) } else { self.sizes };
        header[12..15].copy_from_slice(&(smallest as u32).to_be_bytes()[1..]);
        header[15..18].copy_from_slice(&(largest as u32).to_be_bytes()[1..]);
        // 20 bits of sample rate, 3 of channels - 1, 5 of bits - 1, 36 of frames.
        let packed = (self.info.sample_rate() as u64) << 44
            | (CHANNELS as u64 - 1) << 41
            | (BITS as u64 - 1) << 36
            | self.context.total_samples() as u64 & ((1 << 36) - 1);
        header[18..26].copy_from_slice(&packed.to_be_bytes());
        header[26..].copy_from_slice(&self.context.md5_digest());
        header
    }
}

/// Frames as 24-bit integers: left and right channel, of one length.
pub type StemBlock<'a> = (&'a [i32], &'a [i32]);

/// Reads a stereo file of up to 24 bits back as the integers that it holds, block by block.
#[derive(Debug)]
pub struct StemReader {
    reader: Reader,
    left: Vec<i32>,
    right: Vec<i32>,
}

impl StemReader {
    /// Opens a stem of any length; a mono file gives the same integers in both channels.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioFileError> {
        let reader = Reader::open_any_length(path.as_ref())?;
        Ok(Self { reader, left: Vec::new(), right: Vec::new() })
    }

    /// Sample rate.
    pub fn rate(&self) -> Hz {
        self.reader.rate()
    }

    /// Frames in the file, where its header states them.
    pub fn frames_hint(&self) -> Option<u64> {
        self.reader.frames_hint()
    }

    /// The next frames as (left, right), or `None` after the last.
    pub fn next_block(&mut self) -> Result<Option<StemBlock<'_>>, AudioFileError> {
        let channels = self.reader.channels();
        let Some(block) = self.reader.next_block()? else { return Ok(None) };
        // Exact: `f32` holds 24 bits.
        let integer = |sample: f32| (sample * FULL_SCALE as f32).round() as i32;
        self.left.clear();
        self.right.clear();
        for frame in block.chunks_exact(channels) {
            self.left.push(integer(frame[0]));
            self.right.push(integer(frame[channels - 1]));
        }
        Ok(Some((&self.left, &self.right)))
    }
}
