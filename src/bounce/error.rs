//! What can go wrong.

use std::path::PathBuf;

use crate::audio::AudioFileError;
use crate::engine::EngineError;
use crate::follow::mix::MixError;
use crate::separate::ReferenceError;
use crate::song::SongFileError;

/// Why a bounce failed. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum BounceError {
    /// An audio file cannot be read or written.
    #[error(transparent)]
    Audio(#[from] AudioFileError),
    /// No band is heard.
    #[error("{path}: {source}", path = path.display())]
    Mix {
        /// The file.
        path: PathBuf,
        /// Why.
        source: MixError,
    },
    /// Nobody sings in a mix.
    #[error("{path}: no voice found ({why})", path = path.display())]
    NoVoiceInMix {
        /// The file.
        path: PathBuf,
        /// What speaks against one.
        why: String,
    },
    /// A way to find the voice that does not suit what it is asked of.
    #[error("{path}: the way {way} does not do here: {reason}", path = path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The way.
        way: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A backing cannot be taken out of a mix.
    #[error("{path}: cannot be taken out of {mix}: {source}", path = path.display(), mix = mix.display())]
    Reference {
        /// The backing.
        path: PathBuf,
        /// The mix.
        mix: PathBuf,
        /// Why.
        source: ReferenceError,
    },
    /// The take becomes no song.
    #[error("{path}: {source}", path = path.display())]
    Engine {
        /// The vocal file.
        path: PathBuf,
        /// Why.
        source: EngineError,
    },
    /// Something cannot be written.
    #[error("{path} cannot be written: {source}", path = path.display())]
    Output {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The output is a file.
    #[error("{path} is a file; the output is a folder: name another with -o", path = path.display())]
    OutputIsFile {
        /// The path.
        path: PathBuf,
    },
    /// The output folder holds something else.
    #[error(
        "{path} holds files that are not an earlier output of collavoce; name another folder with -o or empty it",
        path = path.display()
    )]
    OutputInUse {
        /// The path.
        path: PathBuf,
    },
    /// The song file cannot be made.
    #[error(transparent)]
    Song(#[from] SongFileError),
    /// Loudness cannot be measured.
    #[error("the loudness of the mix cannot be measured: {0}")]
    Loudness(#[from] ebur128::Error),
    /// A report cannot be made.
    #[error("the report cannot be made: {0}")]
    Report(#[from] serde_json::Error),
    /// The picture cannot be made.
    #[error("the picture cannot be made: {0}")]
    Picture(#[from] png::EncodingError),
    /// The user broke it off.
    #[error("broken off; nothing was written")]
    Cancelled,
}
