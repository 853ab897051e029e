//! Note events -> audio.

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
