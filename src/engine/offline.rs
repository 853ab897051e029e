//! The offline driver: note events -> stems, block by block.

use crate::audio::StereoBlock;
use crate::instrument::{PartChannel, Sounds, channel_with};
use crate::limits::MAX_BLOCK;
use crate::perform::NoteEvent;
use crate::score::Part;
use crate::song::Seed;
use crate::time::{Hz, SampleCount, SampleTime};

/// Samples rendered at once unless something else is asked for.
pub const RENDER_BLOCK: usize = 1024;

const _: () = assert!(RENDER_BLOCK <= MAX_BLOCK);

/// Takes a block of one part's stem: part, left, right.
pub type StemSink<'a> = dyn FnMut(Part, &[f32], &[f32]) + 'a;

/// A part's stem while it is rendered.
struct Stem {
    channel: PartChannel,
    events: Vec<NoteEvent>,
    next_event: usize,
    left: Vec<f32>,
    right: Vec<f32>,
}

/// Renders the parts of a performance.
pub struct BandRenderer {
    stems: Vec<Stem>,
    position: SampleTime,
    block: usize,
}

impl std::fmt::Debug for BandRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BandRenderer").field("position", &self.position).finish_non_exhaustive()
    }
}

impl BandRenderer {
    /// A renderer for some parts of a performance with their built-in sounds; `block` is at most [`MAX_BLOCK`] samples.
    pub fn new(events: &[NoteEvent], parts: &[Part], rate: Hz, seed: Seed, block: usize) -> Self {
        Self::with_sounds(events, parts, rate, seed, block, &Sounds::default())
    }

    /// The same with other sounds.
    pub fn with_sounds(
        events: &[NoteEvent],
        parts: &[Part],
        rate: Hz,
        seed: Seed,
        block: usize,
        sounds: &Sounds,
    ) -> Self {
        let block = block.clamp(1, MAX_BLOCK);
        let stems = parts
            .iter()
            .map(|part| Stem {
                channel: channel_with(*part, rate, seed, sounds),
                events: events.iter().copied().filter(|e| e.part == *part).collect(),
                next_event: 0,
                left: vec![0.0; block],
                right: vec![0.0; block],
            })
            .collect();
        Self { stems, position: SampleTime(0), block }
    }

    /// Renders the next block of at most `wanted` samples and hands (part, left, right) of each stem to `sink`.
    /// Returns how many samples it was.
    pub fn render(&mut self, wanted: usize, sink: &mut StemSink<'_>) -> usize {
        let len = wanted.min(self.block);
        let end = self.position + SampleCount(len as i64);
        for stem in &mut self.stems {
            let first = stem.next_event;
            while stem.events.get(stem.next_event).is_some_and(|event| event.at < end) {
                stem.next_event += 1;
            }
            let events = &stem.events[first..stem.next_event];
            let mut out = StereoBlock { left: &mut stem.left[..len], right: &mut stem.right[..len] };
            stem.channel.process(self.position, events, &mut out);
            sink(stem.channel.part(), &stem.left[..len], &stem.right[..len]);
        }
        self.position = end;
        len
    }
}
