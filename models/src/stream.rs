//! A small causal transformer (Vaswani et al., NeurIPS 2017) that reads for as long as there is something to read.
//!
//! Distances have learnt biases instead of positions (Raffel et al., JMLR 2020), and every layer sees a window of what
//! was read.

use std::fmt;

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData, activation};

/// Sizes of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Values that describe what is read.
    pub features: usize,
    /// Values of an answer.
    pub width: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Layers.
    pub layers: usize,
    /// Width inside of a layer.
    pub inside: usize,
    /// How much is seen together, the newest included.
    pub window: usize,
}

/// The layers of a stream.
#[derive(Module, Debug)]
pub struct StreamGraph {
    /// From features.
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

impl StreamGraph {
    /// Untrained layers.
    pub fn new(sizes: Sizes, device: &Device) -> Self {
        Self {
            input: LinearConfig::new(sizes.features, sizes.width).init(device),
            blocks: (0..sizes.layers).map(|_| Block::new(sizes, device)).collect(),
            norm: LayerNormConfig::new(sizes.width).init(device),
        }
    }
}

impl Block {
    fn new(sizes: Sizes, device: &Device) -> Self {
        let Sizes { width, inside, .. } = sizes;
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self {
            before_attention: LayerNormConfig::new(width).init(device),
            qkv: linear(width, 3 * width),
            distance: Param::from_tensor(Tensor::zeros([sizes.heads, sizes.window], device)),
            out: linear(width, width),
            before_inside: LayerNormConfig::new(width).init(device),
            up: linear(width, inside),
            down: linear(inside, width),
        }
    }

    fn inside(&self, x: Tensor<2>) -> Tensor<2> {
        self.down.forward(activation::gelu(self.up.forward(self.before_inside.forward(x))))
    }
}

/// The layers for all that is read at once.
#[cfg(any(test, feature = "training"))]
impl StreamGraph {
    /// Answers to songs x steps x features in the order in which the stream reads them; `drop` is called on what each
    /// layer adds.
    pub fn forward(&self, steps: Tensor<3>, drop: &dyn Fn(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
        let mut x = self.input.forward(steps);
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
        let [songs, steps, width] = x.dims();
        let [heads, window] = self.distance.dims();
        let per_head = width / heads;
        let device = x.device();
        let qkv = self.qkv.forward(x).reshape([songs, steps, 3, heads, per_head]).permute([2, 0, 3, 1, 4]);
        let part = |index: usize| qkv.clone().narrow(0, index, 1).squeeze_dim::<4>(0);
        let scores = part(0).matmul(part(1).swap_dims(2, 3)) / (per_head as f64).sqrt();
        // Row t, column s: the bias of distance t - s; nothing is seen that is to come or out of the window.
        let (mut index, mut unseen) = (Vec::new(), Vec::new());
        for to in 0..steps {
            for from in 0..steps {
                let is_seen = from <= to && to - from < window;
                index.push(if is_seen { (to - from) as i32 } else { 0 });
                unseen.push(if is_seen { 0.0f32 } else { -1e9 });
            }
        }
        let index =
            Tensor::<1, burn::tensor::Int>::from_data(TensorData::new(index, [steps * steps]), &device);
        let bias = self.distance.val().select(1, index).reshape([1, heads, steps, steps]);
        let unseen = Tensor::<4>::from_data(TensorData::new(unseen, [1, 1, steps, steps]), &device);
        let weights = activation::softmax(scores + bias + unseen, 3);
        let seen = weights.matmul(part(2)).permute([0, 2, 1, 3]).reshape([songs, steps, width]);
        self.out.forward(seen)
    }
}

/// A stream with its memory: keys and values of what it sees.
pub struct Stream<'a> {
    graph: &'a StreamGraph,
    memory: Vec<Memory>,
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// Rings of a layer's keys and values.
struct Memory {
    width: usize,
    heads: usize,
    window: usize,
    distance: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    read: usize,
}

impl<'a> Stream<'a> {
    /// A stream that has read nothing.
    pub(crate) fn new(graph: &'a StreamGraph) -> Self {
        let memory = graph.blocks.iter().map(|block| {
            let [heads, window] = block.distance.dims();
            let [width, _] = block.out.weight.dims();
            Memory {
                width,
                heads,
                window,
                distance: values(block.distance.val()),
                keys: vec![0.0; window * width],
                values: vec![0.0; window * width],
                read: 0,
            }
        });
        Self { memory: memory.collect(), graph }
    }

    /// Reads on, a row after the other, and answers each. How many are read at once may change the last bits of an answer:
    /// whoever wants the same ones reads as many.
    pub(crate) fn read_rows(&mut self, features: Tensor<2>) -> Tensor<2> {
        let mut x = self.graph.input.forward(features);
        for (block, memory) in self.graph.blocks.iter().zip(&mut self.memory) {
            let shape = x.dims();
            let rows = values(block.qkv.forward(block.before_attention.forward(x.clone())));
            let seen: Vec<f32> = rows.chunks(3 * shape[1]).flat_map(|row| memory.attend(row)).collect();
            let seen = Tensor::from_data(TensorData::new(seen, shape), &Device::flex());
            x = x + block.out.forward(seen);
            x = x.clone() + block.inside(x);
        }
        self.graph.norm.forward(x)
    }

    /// Reads on by a step.
    pub(crate) fn read_features(&mut self, features: Vec<f32>) -> Vec<f32> {
        values(self.read_rows(row(features)))
    }
}

impl Memory {
    /// Takes in query, key and value of the newest step, and gives the values that the query looks for.
    fn attend(&mut self, qkv: &[f32]) -> Vec<f32> {
        let (width, window) = (self.width, self.window);
        let place = self.read % window * width;
        self.keys[place..place + width].copy_from_slice(&qkv[width..2 * width]);
        self.values[place..place + width].copy_from_slice(&qkv[2 * width..]);
        let known = (self.read + 1).min(window);
        let per_head = width / self.heads;
        let mut seen = vec![0.0; width];
        for head in 0..self.heads {
            let channels = head * per_head..(head + 1) * per_head;
            let step = |distance: usize| (self.read - distance) % window * width;
            let scores: Vec<f32> = (0..known)
                .map(|distance| {
                    let key = &self.keys[step(distance)..][channels.clone()];
                    let dot: f32 = qkv[channels.clone()].iter().zip(key).map(|(q, k)| q * k).sum();
                    dot / (per_head as f32).sqrt() + self.distance[head * window + distance]
                })
                .collect();
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
            let total: f32 = weights.iter().sum();
            for (distance, weight) in weights.iter().enumerate() {
                let value = &self.values[step(distance)..][channels.clone()];
                seen[channels.clone()].iter_mut().zip(value).for_each(|(sum, v)| *sum += weight / total * v);
            }
        }
        self.read += 1;
        seen
    }
}

/// Values as a tensor of one row.
pub(crate) fn row(values: Vec<f32>) -> Tensor<2> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [1, length]), &Device::flex())
}

/// The values of a tensor; none where it holds something else than numbers, which it never does.
pub(crate) fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap_or_default()
}

/// Logarithms of shares of 1.
pub(crate) fn log_softmax(logits: &mut [f32]) {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total = logits.iter().map(|logit| (logit - most).exp()).sum::<f32>().ln() + most;
    logits.iter_mut().for_each(|logit| *logit -= total);
}
