//! Reading audio files block by block.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::codecs::audio::well_known::{CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::error::AudioFileError;
use super::guard::guarded;
use super::header::{Edit, describe, mp4_edit, ogg_is_cut, streamed_wav_patch};
use crate::limits::{
    MAX_INPUT_CHANNELS, MAX_INPUT_HZ, MAX_INPUT_S, MAX_INPUT_SAMPLE, MIN_INPUT_HZ, MIN_INPUT_S,
};
use crate::time::Hz;

/// Frames that an MP3 file may lack before it counts as cut off: writers disagree on their last two packets.
const MP3_SLACK_FRAMES: u64 = 2 * 1_152;
/// Reason where the decoding library gave up.
const SENSELESS: &str = "its header makes no sense";

/// Reads an audio file as interleaved `f32`, block by block; memory does not grow with the file.
///
/// The format is told from the content, never from the name: WAV (16, 24 and 32 bit, float), AIFF, FLAC, MP3, OGG
/// Vorbis, AAC (M4A or ADTS) and ALAC. Full scale is 1; floats beyond it are passed on as they are. Delay and
/// padding of an encoder are left out where the file states them (MP3 with a LAME tag, OGG, M4A); an ADTS stream
/// states nothing.
pub struct Reader {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    rate: Hz,
    channels: usize,
    frames: Option<u64>,
    slack_frames: u64,
    /// Frames of the encoder's delay that are still to be dropped.
    skip_frames: u64,
    block: Vec<f32>,
    /// Whether `block` holds frames that no caller has seen.
    pending: bool,
    read_frames: u64,
    is_input: bool,
    /// Whether the file is known to end before its audio does.
    is_cut: bool,
    ended: bool,
    byte_position: Arc<AtomicU64>,
    byte_len: u64,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({}, {} Hz, {} channels)", self.path.display(), self.rate.0, self.channels)
    }
}

impl Reader {
    /// Opens a vocal: all limits of [`crate::limits`] hold, those of length included.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioFileError> {
        Self::open_with(path.as_ref(), true)
    }

    /// Opens a file of any length.
    pub(super) fn open_any_length(path: &Path) -> Result<Self, AudioFileError> {
        Self::open_with(path, false)
    }

    /// Sample rate.
    pub fn rate(&self) -> Hz {
        self.rate
    }

    /// Channels, 1 or 2.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Frames in the file, where its header states them exactly.
    pub fn frames_hint(&self) -> Option<u64> {
        self.frames
    }

    /// Share of the file's bytes that have been read, 0 to 1.
    pub fn progress(&self) -> f64 {
        (self.byte_position.load(Ordering::Relaxed) as f64 / self.byte_len as f64).clamp(0.0, 1.0)
    }

    /// The next frames, interleaved and at least one, or `None` after the last.
    ///
    /// After an error the reader has ended.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioFileError> {
        match self.advance() {
            Ok(true) => Ok(Some(&self.block)),
            Ok(false) => Ok(None),
            Err(error) => {
                self.ended = true;
                Err(error)
            }
        }
    }

    fn open_with(path: &Path, is_input: bool) -> Result<Self, AudioFileError> {
        let (mut file, byte_len) = open_file(path)?;
        let unreadable = |source| AudioFileError::Unreadable { path: path.to_owned(), source };
        let mut head = Vec::new();
        (&mut file).take(4_096).read_to_end(&mut head).map_err(unreadable)?;
        let patch = streamed_wav_patch(&mut file, byte_len).map_err(unreadable)?;
        let is_cut = head.starts_with(b"OggS") && ogg_is_cut(&mut file, byte_len).map_err(unreadable)?;
        let mut twin = file.try_clone().map_err(unreadable)?;

        let byte_position = Arc::new(AtomicU64::new(0));
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let source = Source { file, byte_len, at: 0, patch, highest: byte_position.clone() };
        let format = probe(path, source, &head)?;

        let no_track = || AudioFileError::NoTrack { path: path.to_owned() };
        let unknown = || AudioFileError::UnknownFormat { path: path.to_owned(), found: describe(&head) };
        let track = format.default_track(TrackType::Audio).ok_or_else(no_track)?;
        let parameters = track.codec_params.as_ref().and_then(|all| all.audio()).ok_or_else(unknown)?;
        // The AAC decoder cannot even be made for more than two.
        let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
        if channels > MAX_INPUT_CHANNELS {
            return Err(AudioFileError::Channels { path: path.to_owned(), channels });
        }
        let codecs = symphonia::default::get_codecs();
        let decoder = guarded(|| codecs.make_audio_decoder(parameters, &AudioDecoderOptions::default()))
            .and_then(Result::ok)
            .ok_or_else(unknown)?;

        let kind = format.format_info().short_name;
        let counted = !matches!(parameters.codec, CODEC_ID_ADPCM_MS | CODEC_ID_ADPCM_IMA_WAV);
        let exact = match kind {
            "mp3" => track.delay.is_some(),
            "aac" | "ogg" => false,
            // A fragmented file states no length at its start.
            "isomp4" => track.num_frames != Some(0),
            _ => counted,
        };
        let mut reader = Self {
            path: path.to_owned(),
            track_id: track.id,
            frames: track.num_frames.filter(|_| exact),
            slack_frames: if kind == "mp3" { MP3_SLACK_FRAMES } else { 0 },
            format,
            decoder,
            rate: Hz(0),
            channels: 0,
            skip_frames: 0,
            block: Vec::new(),
            pending: false,
            read_frames: 0,
            is_input,
            is_cut,
            ended: false,
            byte_position,
            byte_len,
        };
        reader.start()?;
        if kind == "isomp4" {
            // The position of the twin is that of the reader's file too, which has to be put back.
            let before = twin.stream_position().map_err(unreadable)?;
            let edit = mp4_edit(&mut twin, byte_len, reader.rate.0).map_err(unreadable)?;
            twin.seek(SeekFrom::Start(before)).map_err(unreadable)?;
            reader.apply(edit);
        }
        reader.check_stated_length()?;
        Ok(reader)
    }

    /// Decodes up to the first frames, which settle rate and channels.
    fn start(&mut self) -> Result<(), AudioFileError> {
        if !self.decode()? {
            return Err(match self.frames {
                Some(1..) => self.truncated(),
                _ => AudioFileError::NoSamples { path: self.path.clone() },
            });
        }
        self.pending = true;
        let rate_hz = self.rate.0;
        if !(MIN_INPUT_HZ..=MAX_INPUT_HZ).contains(&rate_hz) {
            return Err(AudioFileError::Rate { path: self.path.clone(), rate_hz });
        }
        if self.channels == 0 || self.channels > MAX_INPUT_CHANNELS {
            return Err(AudioFileError::Channels { path: self.path.clone(), channels: self.channels });
        }
        Ok(())
    }

    fn apply(&mut self, edit: Option<Edit>) {
        let Some(edit) = edit else { return };
        let all = self.frames;
        self.skip_frames = edit.start;
        self.frames = edit.frames.or(all.map(|frames| frames.saturating_sub(edit.start)));
        // An edit may reach further than the media; players then stop where the media does.
        if let (Some(frames), Some(all)) = (self.frames, all) {
            self.frames = Some(frames.min(all.saturating_sub(edit.start)));
        }
    }

    fn check_stated_length(&self) -> Result<(), AudioFileError> {
        match self.frames {
            Some(0) => Err(AudioFileError::NoSamples { path: self.path.clone() }),
            Some(frames) => self.check_longest(frames).and_then(|()| self.check_shortest(frames)),
            None => Ok(()),
        }
    }

    fn check_longest(&self, frames: u64) -> Result<(), AudioFileError> {
        if self.is_input && frames > u64::from(MAX_INPUT_S) * u64::from(self.rate.0) {
            let length_s = self.seconds(frames);
            return Err(AudioFileError::TooLong { path: self.path.clone(), length_s });
        }
        Ok(())
    }

    fn check_shortest(&self, frames: u64) -> Result<(), AudioFileError> {
        let length_s = self.seconds(frames);
        if self.is_input && length_s < MIN_INPUT_S {
            return Err(AudioFileError::TooShort { path: self.path.clone(), length_s });
        }
        Ok(())
    }

    fn seconds(&self, frames: u64) -> f64 {
        frames as f64 / self.rate.as_f64().max(1.0)
    }

    /// Fills `block` with the next frames that are to be heard; false at the end.
    fn advance(&mut self) -> Result<bool, AudioFileError> {
        while !self.ended {
            if !std::mem::take(&mut self.pending) && !self.decode()? {
                self.ended = true;
                self.check_end()?;
                return Ok(false);
            }
            self.trim();
            if self.block.is_empty() {
                continue;
            }
            self.check_finite()?;
            self.read_frames += (self.block.len() / self.channels) as u64;
            self.check_longest(self.read_frames)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Cuts delay and padding off `block`.
    fn trim(&mut self) {
        let frames = (self.block.len() / self.channels) as u64;
        let skipped = self.skip_frames.min(frames);
        self.skip_frames -= skipped;
        self.block.drain(..skipped as usize * self.channels);
        if let Some(total) = self.frames {
            let left = (total - self.read_frames) as usize * self.channels;
            self.block.truncate(left);
        }
    }

    fn check_finite(&self) -> Result<(), AudioFileError> {
        let is_sound = |sample: &f32| sample.abs() <= MAX_INPUT_SAMPLE;
        let Some(index) = self.block.iter().position(|sample| !is_sound(sample)) else { return Ok(()) };
        let at_s = self.seconds(self.read_frames + (index / self.channels) as u64);
        Err(AudioFileError::NotFinite { path: self.path.clone(), at_s, value: self.block[index] })
    }

    fn check_end(&self) -> Result<(), AudioFileError> {
        let too_few = self.frames.is_some_and(|frames| self.read_frames + self.slack_frames < frames);
        if self.is_cut || too_few {
            return Err(self.truncated());
        }
        if self.read_frames == 0 {
            return Err(AudioFileError::NoSamples { path: self.path.clone() });
        }
        self.check_shortest(self.read_frames)
    }

    fn truncated(&self) -> AudioFileError {
        AudioFileError::Truncated { path: self.path.clone(), read_s: self.seconds(self.read_frames) }
    }

    fn damaged(&self, reason: impl Into<String>) -> AudioFileError {
        let at_s = self.seconds(self.read_frames);
        AudioFileError::Damaged { path: self.path.clone(), at_s, reason: reason.into() }
    }

    /// Decodes the next packet that yields frames into `block`; false at the end.
    fn decode(&mut self) -> Result<bool, AudioFileError> {
        loop {
            let packet = match guarded(|| self.format.next_packet()) {
                Some(Ok(Some(packet))) => packet,
                Some(Ok(None)) => return Ok(false),
                Some(Err(error)) => return Err(self.wrong(error)),
                None => return Err(self.damaged(SENSELESS)),
            };
            if packet.track_id != self.track_id {
                continue;
            }
            let decoded = guarded(|| {
                let audio = self.decoder.decode(&packet)?;
                audio.copy_to_vec_interleaved(&mut self.block);
                Ok((audio.spec().rate(), audio.num_planes()))
            });
            let (rate, channels) = match decoded {
                Some(Ok(format)) => format,
                Some(Err(error)) => return Err(self.wrong(error)),
                None => return Err(self.damaged(SENSELESS)),
            };
            if self.block.is_empty() {
                continue;
            }
            if self.channels == 0 {
                (self.rate, self.channels) = (Hz(rate), channels);
            } else if (self.rate.0, self.channels) != (rate, channels) {
                return Err(self.damaged(format!("the format changes to {rate} Hz and {channels} channels")));
            }
            return Ok(true);
        }
    }

    fn wrong(&self, error: Error) -> AudioFileError {
        match error {
            Error::IoError(source) if source.kind() == ErrorKind::UnexpectedEof => self.truncated(),
            Error::IoError(source) => AudioFileError::Unreadable { path: self.path.clone(), source },
            Error::ResetRequired => self.damaged("the format changes"),
            other => self.damaged(other.to_string()),
        }
    }
}

/// Opens a file that has bytes and returns their number.
pub(super) fn open_file(path: &Path) -> Result<(File, u64), AudioFileError> {
    let owned = || path.to_owned();
    let open = || {
        let file = File::open(path)?;
        let facts = file.metadata()?;
        Ok((file, facts))
    };
    // On some systems a folder cannot even be opened.
    if path.is_dir() {
        return Err(AudioFileError::Folder { path: owned() });
    }
    let (file, facts) = open().map_err(|source: io::Error| match source.kind() {
        ErrorKind::NotFound => AudioFileError::Missing { path: owned() },
        _ => AudioFileError::Unreadable { path: owned(), source },
    })?;
    if facts.len() == 0 {
        return Err(AudioFileError::Empty { path: owned() });
    }
    Ok((file, facts.len()))
}

fn probe(path: &Path, source: Source, head: &[u8]) -> Result<Box<dyn FormatReader>, AudioFileError> {
    let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
    let probed = guarded(|| {
        symphonia::default::get_probe().probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
    });
    let damaged = |reason: &str| AudioFileError::Damaged {
        path: path.to_owned(),
        at_s: 0.0,
        reason: reason.to_owned(),
    };
    let Some(probed) = probed else { return Err(damaged(SENSELESS)) };
    probed.map_err(|error| {
        let known: [&[u8]; 5] = [b"RIFF", b"FORM", b"fLaC", b"OggS", b"ID3"];
        let is_known = known.iter().any(|mark| head.starts_with(mark)) || head.get(4..8) == Some(b"ftyp");
        match error {
            Error::IoError(source) if source.kind() != ErrorKind::UnexpectedEof => {
                AudioFileError::Unreadable { path: path.to_owned(), source }
            }
            Error::IoError(_) if is_known => AudioFileError::Truncated { path: path.to_owned(), read_s: 0.0 },
            _ if is_known && head.get(4..8) == Some(b"ftyp") => {
                AudioFileError::Truncated { path: path.to_owned(), read_s: 0.0 }
            }
            Error::DecodeError(reason) if is_known => damaged(reason),
            _ => AudioFileError::UnknownFormat { path: path.to_owned(), found: describe(head) },
        }
    })
}

/// A file that notes how far it has been read and shows some bytes other than they are.
struct Source {
    file: File,
    byte_len: u64,
    at: u64,
    patch: Vec<(u64, [u8; 4])>,
    highest: Arc<AtomicU64>,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buffer)?;
        for (position, bytes) in &self.patch {
            for (at, byte) in (*position..).zip(bytes) {
                if let Some(index) = at.checked_sub(self.at).filter(|index| *index < got as u64) {
                    buffer[index as usize] = *byte;
                }
            }
        }
        self.at += got as u64;
        self.highest.store(self.at, Ordering::Relaxed);
        Ok(got)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.byte_len)
    }
}
