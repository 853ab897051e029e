//! Cuts blocks at events and at control ticks, so that no instrument has to.
//!
//! Ticks lie on multiples of the tick length on the time line, never on the edge of a block: that is what makes the
//! output independent of the block size.

use crate::audio::StereoBlock;
use crate::perform::{EventKind, NoteEvent};
use crate::time::{Hz, SampleTime};

/// Longest control tick, in samples.
pub(super) const MAX_TICK: usize = 128;

/// Samples between two control ticks: about 0.7 ms at every rate.
pub(super) fn tick_samples(rate: Hz) -> usize {
    match rate.0 {
        0..=64_000 => 32,
        64_001..=128_000 => 64,
        _ => MAX_TICK,
    }
}

/// What an instrument does between the cuts.
pub(super) trait Engine {
    /// Samples between two control ticks, at most [`MAX_TICK`].
    fn tick_samples(&self) -> usize;

    /// Takes one event.
    fn event(&mut self, kind: EventKind);

    /// Updates what changes slowly.
    fn tick(&mut self);

    /// Overwrites both channels, which are equally long and no longer than a tick.
    fn chunk(&mut self, left: &mut [f32], right: &mut [f32]);
}

/// Renders one block.
pub(super) fn drive(
    engine: &mut impl Engine,
    start: SampleTime,
    events: &[NoteEvent],
    out: &mut StereoBlock<'_>,
) {
    let tick = engine.tick_samples().clamp(1, MAX_TICK);
    let len = out.left.len().min(out.right.len());
    let mut events = events.iter().peekable();
    let mut from = 0;
    while from < len {
        let phase = (start.0 + from as i64).rem_euclid(tick as i64) as usize;
        if phase == 0 {
            engine.tick();
        }
        let mut to = len.min(from + tick - phase);
        while let Some(event) = events.peek() {
            let at = (event.at - start).0.max(0) as usize;
            if at > from {
                to = to.min(at);
                break;
            }
            engine.event(event.kind);
            events.next();
        }
        if let (Some(left), Some(right)) = (out.left.get_mut(from..to), out.right.get_mut(from..to)) {
            engine.chunk(left, right);
        }
        from = to;
    }
    for event in events {
        engine.event(event.kind);
    }
}
