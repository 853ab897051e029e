//! The layers.
//!
//! Each stream is a small causal transformer (Vaswani et al., NeurIPS 2017) with learnt biases for distances instead of
//! positions (Raffel et al., JMLR 2020), so that it reads on for as long as somebody sings; it sees the last [`WINDOW`]
//! slots.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
#[cfg(any(test, feature = "training"))]
use burn::tensor::{TensorData, activation};

use super::{CHORDS, FEATURES, PLACE_FEATURES, TRIADS};

/// Slots that are seen together, the newest among them.
pub const WINDOW: usize = 64;
/// Width of a stream.
pub const WIDTH: usize = 64;
/// Heads of its attention.
pub const HEADS: usize = 4;
/// Layers of a stream.
const LAYERS: usize = 2;
/// Width inside of a layer.
const INSIDE: usize = 128;
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

/// A stream.
#[derive(Module, Debug)]
pub struct StreamGraph {
    /// From a slot's features.
    pub input: Linear,
    /// Its layers.
    pub blocks: Vec<Block>,
    /// Evens out the answer.
    pub norm: LayerNorm,
}

/// A layer of a stream.
#[derive(Module, Debug)]
pub struct Block {
    /// Evens out what attention sees.
    pub before_attention: LayerNorm,
    /// Queries, keys and values.
    pub qkv: Linear,
    /// Heads x distances.
    pub distance: Param<Tensor<2>>,
    /// From what was seen.
    pub out: Linear,
    /// Evens out what goes inside.
    pub before_inside: LayerNorm,
    /// Into the inside.
    pub up: Linear,
    /// And out of it.
    pub down: Linear,
}

impl Graph {
    /// Untrained layers.
    pub fn new(device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self {
            onward: StreamGraph::new(device),
            backward: StreamGraph::new(device),
            both: linear(2 * WIDTH, 2 * WIDTH),
            both_out: linear(2 * WIDTH, CHORDS),
            next: linear(WIDTH + PLACE_FEATURES, WIDTH),
            next_out: linear(WIDTH, CHORDS),
            moves: Param::from_tensor(Tensor::zeros([MOVES * 12 * TRIADS, 12 * TRIADS], device)),
        }
    }
}

impl StreamGraph {
    fn new(device: &Device) -> Self {
        Self {
            input: LinearConfig::new(FEATURES, WIDTH).init(device),
            blocks: (0..LAYERS).map(|_| Block::new(device)).collect(),
            norm: LayerNormConfig::new(WIDTH).init(device),
        }
    }
}

impl Block {
    fn new(device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self {
            before_attention: LayerNormConfig::new(WIDTH).init(device),
            qkv: linear(WIDTH, 3 * WIDTH),
            distance: Param::from_tensor(Tensor::zeros([HEADS, WINDOW], device)),
            out: linear(WIDTH, WIDTH),
            before_inside: LayerNormConfig::new(WIDTH).init(device),
            up: linear(WIDTH, INSIDE),
            down: linear(INSIDE, WIDTH),
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

#[cfg(any(test, feature = "training"))]
impl StreamGraph {
    /// Answers to songs x slots x features in the order in which the stream reads them; `drop` is called on what each
    /// layer adds.
    pub fn forward(&self, slots: Tensor<3>, drop: &dyn Fn(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
        let mut x = self.input.forward(slots);
        for block in &self.blocks {
            x = x.clone() + drop(block.attend(block.before_attention.forward(x)));
            let inside = activation::gelu(block.up.forward(block.before_inside.forward(x.clone())));
            x = x + drop(block.down.forward(inside));
        }
        self.norm.forward(x)
    }
}

#[cfg(any(test, feature = "training"))]
impl Block {
    fn attend(&self, x: Tensor<3>) -> Tensor<3> {
        let [songs, slots, _] = x.dims();
        let per_head = WIDTH / HEADS;
        let device = x.device();
        let qkv = self.qkv.forward(x).reshape([songs, slots, 3, HEADS, per_head]).permute([2, 0, 3, 1, 4]);
        let part = |index: usize| qkv.clone().narrow(0, index, 1).squeeze_dim::<4>(0);
        let scores = part(0).matmul(part(1).swap_dims(2, 3)) / (per_head as f64).sqrt();
        // Row t, column s: the bias of distance t - s; nothing is seen that is to come or out of the window.
        let (mut index, mut unseen) = (Vec::new(), Vec::new());
        for to in 0..slots {
            for from in 0..slots {
                let is_seen = from <= to && to - from < WINDOW;
                index.push(if is_seen { (to - from) as i32 } else { 0 });
                unseen.push(if is_seen { 0.0f32 } else { -1e9 });
            }
        }
        let index =
            Tensor::<1, burn::tensor::Int>::from_data(TensorData::new(index, [slots * slots]), &device);
        let bias = self.distance.val().select(1, index).reshape([1, HEADS, slots, slots]);
        let unseen = Tensor::<4>::from_data(TensorData::new(unseen, [1, 1, slots, slots]), &device);
        let weights = activation::softmax(scores + bias + unseen, 3);
        let seen = weights.matmul(part(2)).permute([0, 2, 1, 3]).reshape([songs, slots, WIDTH]);
        self.out.forward(seen)
    }
}
