//! The network itself: a dense layer, two gated recurrent units (Cho et al., EMNLP 2014), and what is read off them.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::{FEATURES, MASKS, PITCHES};

/// Width of all layers.
pub const WIDTH: usize = 256;
/// What is read off beside masks and pitches: whether anybody sings, and whether a note begins.
const FLAGS: usize = 2;

/// The layers with their weights.
#[derive(Module, Debug)]
pub struct Graph {
    input: Linear,
    norm: LayerNorm,
    first: Unit,
    second: Unit,
    mask: Linear,
    pitch: Linear,
    flags: Linear,
}

/// A gated recurrent unit whose gates stand side by side: reset, update, new.
#[derive(Module, Debug)]
struct Unit {
    input: Linear,
    state: Linear,
}

impl Unit {
    fn new(device: &Device) -> Self {
        let linear = || LinearConfig::new(WIDTH, 3 * WIDTH).init(device);
        Self { input: linear(), state: linear() }
    }

    /// The next state from what the input layer made of the input, rows x 3 `WIDTH`.
    fn step(&self, input: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let from_state = self.state.forward(state.clone());
        let gates = activation::sigmoid(
            input.clone().narrow(1, 0, 2 * WIDTH) + from_state.clone().narrow(1, 0, 2 * WIDTH),
        );
        let reset = gates.clone().narrow(1, 0, WIDTH);
        let update = gates.narrow(1, WIDTH, WIDTH);
        let new = (input.narrow(1, 2 * WIDTH, WIDTH) + reset * from_state.narrow(1, 2 * WIDTH, WIDTH)).tanh();
        new.clone() + update * (state - new)
    }
}

/// What the layers say, as logits; a row a frame.
#[derive(Debug)]
pub struct Answers {
    /// How much of each line and band is voice: rows x [`MASKS`].
    pub mask: Tensor<2>,
    /// At which pitch anybody sings: rows x [`PITCHES`].
    pub pitch: Tensor<2>,
    /// Whether anybody sings: rows x 1.
    pub voiced: Tensor<2>,
    /// Whether a note begins: rows x 1.
    pub onset: Tensor<2>,
}

impl Graph {
    /// Untrained layers.
    pub fn new(device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self {
            input: linear(FEATURES, WIDTH),
            norm: LayerNormConfig::new(WIDTH).init(device),
            first: Unit::new(device),
            second: Unit::new(device),
            mask: linear(3 * WIDTH, MASKS),
            pitch: linear(2 * WIDTH, PITCHES),
            flags: linear(2 * WIDTH, FLAGS),
        }
    }

    fn seen(&self, features: Tensor<2>) -> Tensor<2> {
        activation::relu(self.norm.forward(self.input.forward(features)))
    }

    fn answers(&self, seen: Tensor<2>, first: Tensor<2>, second: Tensor<2>) -> Answers {
        let states = Tensor::cat(vec![first, second], 1);
        let flags = self.flags.forward(states.clone());
        Answers {
            pitch: self.pitch.forward(states.clone()),
            mask: self.mask.forward(Tensor::cat(vec![seen, states], 1)),
            voiced: flags.clone().narrow(1, 0, 1),
            onset: flags.narrow(1, 1, 1),
        }
    }

    /// The answers to one frame, 1 x [`FEATURES`]; takes the states of both units on.
    pub fn step(&self, features: Tensor<2>, states: &mut [Tensor<2>; 2]) -> Answers {
        let seen = self.seen(features);
        let [first, second] = states;
        *first = self.first.step(self.first.input.forward(seen.clone()), first.clone());
        *second = self.second.step(self.second.input.forward(first.clone()), second.clone());
        self.answers(seen, first.clone(), second.clone())
    }

    /// States before the first frame, for as many rows.
    pub fn nothing(rows: usize, device: &Device) -> [Tensor<2>; 2] {
        [Tensor::zeros([rows, WIDTH], device), Tensor::zeros([rows, WIDTH], device)]
    }
}

/// The layers for many sequences at a time.
#[cfg(any(test, feature = "training"))]
impl Graph {
    /// The answers to frames of some sequences of equal length, (times x sequences) x [`FEATURES`], and in this order.
    pub fn forward(&self, features: Tensor<2>, sequences: usize) -> Answers {
        let seen = self.seen(features);
        let first = self.first.run(seen.clone(), sequences);
        let second = self.second.run(first.clone(), sequences);
        self.answers(seen, first, second)
    }
}

#[cfg(any(test, feature = "training"))]
impl Unit {
    /// All states, (times x sequences) x `WIDTH`.
    fn run(&self, input: Tensor<2>, sequences: usize) -> Tensor<2> {
        let mut state = Tensor::zeros([sequences, WIDTH], &input.device());
        let mut states = Vec::new();
        for input in rows(self.input.forward(input), sequences) {
            state = self.step(input, state);
            states.push(state.clone());
        }
        Tensor::cat(states, 0)
    }
}

/// A tensor cut into parts of so many rows. It is halved again and again: the gradient of a part is as large as what it
/// was cut from.
#[cfg(any(test, feature = "training"))]
fn rows(tensor: Tensor<2>, each: usize) -> Vec<Tensor<2>> {
    let parts = tensor.dims()[0] / each;
    if parts <= 1 {
        return vec![tensor];
    }
    let half = parts / 2;
    let mut all = rows(tensor.clone().narrow(0, 0, half * each), each);
    all.extend(rows(tensor.narrow(0, half * each, (parts - half) * each), each));
    all
}
