//! Song and chart inside the host's project.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use collavoce::limits::{MAX_BARS, MAX_SONG_BYTES};
use collavoce::song::{FixedBar, FixedBarError, Song, SongFileError};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;

/// Text that is saved with the host's project. The host's threads only move it: it is read and written by the desk.
#[derive(Debug, Default)]
pub struct SavedText {
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

impl SavedText {
    /// How often a host has restored it.
    pub fn restored(&self) -> u64 {
        self.restored.load(Ordering::Acquire)
    }

    /// The text.
    pub fn get(&self) -> String {
        self.text.lock().clone()
    }

    /// Keeps another text.
    pub fn keep(&self, text: String) {
        *self.text.lock() = text;
    }
}

/// Fixed bars as they are saved: one a line.
pub fn fixed_text(bars: &[FixedBar]) -> String {
    bars.iter().map(|bar| format!("{bar}\n")).collect()
}

/// The fixed bars in a text.
pub fn fixed_bars(text: &str) -> Result<Vec<FixedBar>, FixedBarError> {
    text.lines().filter(|line| !line.trim().is_empty()).take(MAX_BARS).map(str::parse).collect()
}

/// A song as it is saved: the bytes of `song.collavoce`, compressed, as text.
pub fn pack(song: &Song) -> Result<String, SavedSongError> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
    packer.write_all(&song.to_bytes()?)?;
    Ok(STANDARD.encode(packer.finish()?))
}

/// The song in a text that [`pack`] made; none in an empty one.
pub fn unpack(text: &str) -> Result<Option<Song>, SavedSongError> {
    if text.is_empty() {
        return Ok(None);
    }
    let packed = STANDARD.decode(text)?;
    let mut bytes = Vec::new();
    // A small file may unpack to a huge one: no more than one byte over the limit is taken.
    ZlibDecoder::new(packed.as_slice()).take(MAX_SONG_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(Song::from_bytes(&bytes)?))
}

impl PersistentField<'_, String> for SavedText {
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
