//! What can be wrong with an audio file.

use std::io;
use std::path::PathBuf;

use crate::limits::{MAX_INPUT_CHANNELS, MAX_INPUT_HZ, MAX_INPUT_S, MIN_INPUT_HZ, MIN_INPUT_S};

/// What works, for messages.
const FORMATS: &str = "WAV, AIFF, FLAC, MP3, OGG Vorbis, and M4A or AAC (AAC-LC, ALAC)";

/// Why an audio file cannot be read or written. Every message names the file, and what to do where that is known.
#[derive(Debug, thiserror::Error)]
pub enum AudioFileError {
    /// There is no such file.
    #[error("{path}: no such file; check the spelling of the path", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A folder was named instead of a file.
    #[error("{path}: is a folder; name one audio file inside it", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The system refuses to open or read the file.
    #[error("{path}: cannot be read ({source}); check that you may read it and that the disk is well", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has no bytes.
    #[error("{path}: is empty (0 bytes); export or copy it again", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The content is no known audio format.
    #[error("{path}: is not audio that can be read ({found}); what works: {FORMATS}", path = path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What the content looks like.
        found: String,
    },
    /// A known container that holds no audio track.
    #[error("{path}: holds no audio track; what works: {FORMATS}", path = path.display())]
    NoTrack {
        /// The file.
        path: PathBuf,
    },
    /// The header is fine, but there is no sample.
    #[error("{path}: has a length of 0 s; at least {MIN_INPUT_S} s are needed, export it again", path = path.display())]
    NoSamples {
        /// The file.
        path: PathBuf,
    },
    /// Too many channels.
    #[error("{path}: has {channels} channels, at most {MAX_INPUT_CHANNELS} are read; export the vocal as mono or stereo", path = path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// Its channels.
        channels: usize,
    },
    /// The sample rate is outside the limits.
    #[error("{path}: the sample rate must be between {MIN_INPUT_HZ} and {MAX_INPUT_HZ} Hz, but is {rate_hz} Hz; export it at 44100 or 48000 Hz", path = path.display())]
    Rate {
        /// The file.
        path: PathBuf,
        /// Its sample rate, in Hz.
        rate_hz: u32,
    },
    /// Longer than the limit.
    #[error("{path}: lasts {length_s:.1} s or more, at most {MAX_INPUT_S} s are read; cut it into songs", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Length as far as known, in seconds.
        length_s: f64,
    },
    /// Shorter than the limit.
    #[error("{path}: lasts {length_s:.3} s, at least {MIN_INPUT_S} s are needed; record at least one phrase", path = path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Length, in seconds.
        length_s: f64,
    },
    /// The file ends before its audio does.
    #[error("{path}: ends after {read_s:.2} s of audio although its header promises more; it was cut off, copy or export it again", path = path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Length of what can be read, in seconds.
        read_s: f64,
    },
    /// The data cannot be decoded.
    #[error("{path}: is damaged at {at_s:.2} s ({reason}); copy or export it again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Position of the damage, in seconds.
        at_s: f64,
        /// What is wrong.
        reason: String,
    },
    /// A sample is not a number, or far too large for one of a sound.
    #[error("{path}: the sample at {at_s:.4} s is {value}, which is no sound; export it again, as 24-bit WAV for example", path = path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Position of the sample, in seconds.
        at_s: f64,
        /// The sample.
        value: f32,
    },
    /// A WAV file cannot be that large.
    #[error("{path}: a WAV file holds at most 4294967295 bytes, but this one would need {bytes}; choose FLAC or a lower sample rate", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes needed.
        bytes: u64,
    },
    /// The system refuses to write the file.
    #[error("{path}: cannot be written ({source}); check that the folder exists, that you may write there and that the disk is not full", path = path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The encoder refuses the audio.
    #[error("{path}: cannot be encoded ({reason})", path = path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the encoder said.
        reason: String,
    },
}
