//! Note events -> audio.
//!
//! The order of a part's sound: [`Instrument`] -> [`PartChannel`] (gain, place, room, soft ceiling); the stems' sum,
//! beside a voice -> [`Seat`] -> voice and band -> [`Glue`] -> [`Limiter`]. All recursion is driven by positions on the
//! time line, never by the edges of blocks.

mod bass;
mod cabinet;
mod courses;
mod drive;
mod drums;
mod dsp;
mod glue;
mod guitar;
mod limiter;
mod modes;
mod room;
mod seat;
mod soundfont;
mod stage;
mod string;
mod strings;
mod tone;
mod tuned;
mod voices;

pub use bass::Bass;
pub use drums::Drums;
pub use glue::Glue;
pub use guitar::Guitar;
pub use limiter::{CEILING_DBTP, Limiter};
pub use room::{Room, RoomSpec};
pub use seat::Seat;
pub use soundfont::{BankError, Sampled, Sampling, SoundBank, Sounds};
pub use stage::{PartChannel, built_in, ceiling, channel, channel_with};
pub use strings::Strings;
pub use tone::{
    BassBuild, BassTone, DrumsBuild, DrumsTone, GuitarBuild, GuitarTone, Place, StringsTone, Tone,
};

use crate::audio::StereoBlock;
use crate::perform::NoteEvent;
use crate::time::{SampleCount, SampleTime};

/// Plays one part.
///
/// `new` (of each instrument) may allocate; `process` allocates nothing, locks nothing and is bounded. The output
/// does not depend on how time is cut into blocks.
pub trait Instrument: Send {
    /// Silences everything and returns to the state after `new`.
    fn reset(&mut self);

    /// Overwrites `out`, whose first sample lies at `start`, with the part's sound.
    ///
    /// `events` are this part's, sorted by position, all inside the block.
    fn process(&mut self, start: SampleTime, events: &[NoteEvent], out: &mut StereoBlock<'_>);

    /// Delay between an event's position and its sound.
    fn latency(&self) -> SampleCount;
}

#[cfg(test)]
mod tests;
