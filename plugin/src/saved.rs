//! The song inside the host's project.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use collavoce::limits::MAX_SONG_BYTES;
use collavoce::song::{Song, SongFileError};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;

/// The bytes of `song.collavoce`, compressed, as text. The host's threads only move it: it is read and written by the
/// desk.
#[derive(Debug, Default)]
pub struct SavedSong {
    text: Mutex<String>,
    /// Counts what hosts have put here.
    restored: AtomicU64,
}

/// A song in a project that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SavedSongError {
    /// Not base64.
    #[error("the project's song is damaged: {0}")]
    Text(#[from] base64::DecodeError),
    /// Not zlib, or too long.
    #[error("the project's song is damaged: {0}")]
    Bytes(#[from] std::io::Error),
    /// No song.
    #[error("the project's song cannot be read: {0}")]
    Song(#[from] SongFileError),
}

impl SavedSong {
    /// How often a host has restored a song.
    pub fn restored(&self) -> u64 {
        self.restored.load(Ordering::Acquire)
    }

    /// The song, if there is one.
    pub fn song(&self) -> Result<Option<Song>, SavedSongError> {
        let text = self.text.lock().clone();
        if text.is_empty() {
            return Ok(None);
        }
        let packed = STANDARD.decode(text)?;
        let mut bytes = Vec::new();
        // A small file may unpack to a huge one: no more than one byte over the limit is taken.
        ZlibDecoder::new(packed.as_slice()).take(MAX_SONG_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(Some(Song::from_bytes(&bytes)?))
    }

    /// Keeps a song, or none.
    pub fn keep(&self, song: Option<&Song>) -> Result<(), SavedSongError> {
        let text = match song {
            None => String::new(),
            Some(song) => {
                let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
                packer.write_all(&song.to_bytes()?)?;
                STANDARD.encode(packer.finish()?)
            }
        };
        *self.text.lock() = text;
        Ok(())
    }
}

impl PersistentField<'_, String> for SavedSong {
    fn set(&self, new_value: String) {
        *self.text.lock() = new_value;
        self.restored.fetch_add(1, Ordering::Release);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.text.lock())
    }
}
