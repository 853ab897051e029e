//! The layers.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
#[cfg(any(test, feature = "training"))]
use burn::tensor::activation;
use burn::tensor::{Device, Tensor};

use super::{CHORDS, FEATURES, PLACE_FEATURES, TRIADS};
use crate::stream::{Sizes, StreamGraph};

/// Slots that are seen together, the newest among them.
pub const WINDOW: usize = 64;
/// Width of a stream.
pub const WIDTH: usize = 64;
/// Sizes of both streams.
const SIZES: Sizes =
    Sizes { features: FEATURES, width: WIDTH, heads: 4, layers: 2, inside: 128, window: WINDOW };
/// Kinds of places between which chords move: into a bar, within a bar.
pub const MOVES: usize = 2;

/// The layers with their weights.
#[derive(Module, Debug)]
pub struct Graph {
    /// Reads from the beginning.
    pub onward: StreamGraph,
    /// Reads from the end.
    pub backward: StreamGraph,
    /// Judges a slot that was read from both sides.
    pub both: Linear,
    /// Its chords.
    pub both_out: Linear,
    /// Foretells a slot from those before it.
    pub next: Linear,
    /// Its chords.
    pub next_out: Linear,
    /// How much likelier than by themselves triads follow one another, as logarithms: `MOVES` x from, to.
    pub moves: Param<Tensor<2>>,
}

impl Graph {
    /// Untrained layers.
    pub fn new(device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self {
            onward: StreamGraph::new(SIZES, device),
            backward: StreamGraph::new(SIZES, device),
            both: linear(2 * WIDTH, 2 * WIDTH),
            both_out: linear(2 * WIDTH, CHORDS),
            next: linear(WIDTH + PLACE_FEATURES, WIDTH),
            next_out: linear(WIDTH, CHORDS),
            moves: Param::from_tensor(Tensor::zeros([MOVES * 12 * TRIADS, 12 * TRIADS], device)),
        }
    }
}

/// The layers for whole melodies.
#[cfg(any(test, feature = "training"))]
impl Graph {
    /// Logits of the chords of slots judged from both sides, from the answers of both streams: songs x slots x chords.
    pub fn judge(&self, onward: Tensor<3>, backward: Tensor<3>) -> Tensor<3> {
        let both = activation::relu(self.both.forward(Tensor::cat(vec![onward, backward], 2)));
        self.both_out.forward(both)
    }

    /// Logits of the chords of slots that are still to come, from the answers of the stream to the slots before them and
    /// from where they lie.
    pub fn foretell(&self, before: Tensor<3>, places: Tensor<3>) -> Tensor<3> {
        let next = activation::relu(self.next.forward(Tensor::cat(vec![before, places], 2)));
        self.next_out.forward(next)
    }
}
