//! The network itself.
//!
//! Small convolutions over the pitches, whose partials stand beside them in the channels (as in Bittner et al., ISMIR
//! 2017): what is learnt of one pitch holds for all. One layer sees some earlier frames; a dense branch sees the whole
//! frame at once.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::pool::{AvgPool1d, AvgPool1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
#[cfg(any(test, feature = "training"))]
use burn::tensor::activation;
use burn::tensor::{Device, Tensor, TensorData};

use super::{BINS, CHANNELS};

/// Channels of a frame behind the first layer.
pub const FRAME_CHANNELS: usize = 12;
/// The frames that are seen together, in hops before the newest.
pub const LAGS: [usize; 7] = [8, 6, 4, 3, 2, 1, 0];
/// How far back the oldest of them lies, in hops.
pub const OLDEST_LAG: usize = LAGS[0];
/// Channels of the layers behind.
const CHANNELS_INSIDE: usize = 24;
/// Pitches that the dense branch sees as one.
const POOLED: usize = 8;
/// Width of the dense branch, and of the one that judges whether anybody sings.
const DENSE: usize = 96;
const VOICING: usize = 32;

/// The layers with their weights.
#[derive(Module, Debug)]
pub struct Graph {
    frame: Conv1d,
    frames: Conv1d,
    near: Conv1d,
    octaves: Conv1d,
    pitch: Conv1d,
    pool: AvgPool1d,
    dense: Linear,
    dense_pitch: Linear,
    voicing: Linear,
    voicing_out: Linear,
}

impl Graph {
    /// Untrained layers.
    pub fn new(device: &Device) -> Self {
        let conv = |channels_in, channels_out, kernel: usize, dilation: usize| {
            let padding = (kernel - 1) / 2 * dilation;
            Conv1dConfig::new(channels_in, channels_out, kernel)
                .with_dilation(dilation)
                .with_padding(PaddingConfig1d::Explicit(padding, padding))
                .init(device)
        };
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        let inside = CHANNELS_INSIDE;
        Self {
            frame: conv(CHANNELS, FRAME_CHANNELS, 3, 1),
            frames: conv(FRAME_CHANNELS * LAGS.len(), inside, 1, 1),
            near: conv(inside, inside, 5, 1),
            // Half an octave apart: a pitch and its octaves weigh each other.
            octaves: conv(inside, inside, 5, 18),
            pitch: conv(inside, 1, 1, 1),
            pool: AvgPool1dConfig::new(POOLED).with_stride(POOLED).init(),
            dense: linear(inside * BINS / POOLED, DENSE),
            dense_pitch: linear(DENSE, BINS),
            voicing: linear(DENSE + inside, VOICING),
            voicing_out: linear(VOICING, 1),
        }
    }
}

/// The layers for many frames at a time.
#[cfg(any(test, feature = "training"))]
impl Graph {
    /// The first layer: frames x channels x pitches to frames x `FRAME_CHANNELS` x pitches.
    pub fn frame(&self, spread: Tensor<3>) -> Tensor<3> {
        activation::relu(self.frame.forward(spread))
    }

    /// The rest: frames x (`FRAME_CHANNELS` of every one of `LAGS`) x pitches to the logits of the pitches, frames
    /// x pitches, and of voicing, frames x 1.
    pub fn judge(&self, frames: Tensor<3>) -> (Tensor<2>, Tensor<2>) {
        let x = activation::relu(self.frames.forward(frames));
        let x = x.clone() + activation::relu(self.near.forward(x));
        let x = x.clone() + activation::relu(self.octaves.forward(x));
        let pooled: Tensor<2> = self.pool.forward(x.clone()).flatten(1, 2);
        let dense = activation::relu(self.dense.forward(pooled));
        let pitch =
            self.pitch.forward(x.clone()).squeeze_dim::<2>(1) + self.dense_pitch.forward(dense.clone());
        // What is there where the pitch is likely to be.
        let likely = activation::softmax(pitch.clone(), 1).unsqueeze_dim::<3>(1);
        let there: Tensor<2> = (x * likely).sum_dim(2).squeeze_dim(2);
        let voicing = activation::relu(self.voicing.forward(Tensor::cat(vec![dense, there], 1)));
        (pitch, self.voicing_out.forward(voicing))
    }
}

/// The layers laid out for one frame at a time.
///
/// A convolution is one product with the shifted copies of its input: for inputs as small as these burn's own spends
/// more time on the layout than on multiplying.
#[derive(Debug)]
pub struct Steps {
    frame: Shifted,
    frames: Shifted,
    near: Shifted,
    octaves: Shifted,
    pitch: Shifted,
    dense: Linear,
    dense_pitch: Linear,
    voicing: Linear,
    voicing_out: Linear,
}

impl Steps {
    /// The same layers with the same weights.
    pub fn of(graph: Graph) -> Self {
        Self {
            frame: Shifted::of(&graph.frame),
            frames: Shifted::of(&graph.frames),
            near: Shifted::of(&graph.near),
            octaves: Shifted::of(&graph.octaves),
            pitch: Shifted::of(&graph.pitch),
            dense: graph.dense,
            dense_pitch: graph.dense_pitch,
            voicing: graph.voicing,
            voicing_out: graph.voicing_out,
        }
    }

    /// [`Graph::frame`] of one frame: channels x pitches.
    pub fn frame(&self, spread: &[f32]) -> Vec<f32> {
        relu(self.frame.forward(spread))
    }

    /// [`Graph::judge`] of one frame: the logits of the pitches and of voicing.
    pub fn judge(&self, frames: &[f32]) -> (Vec<f32>, f32) {
        let mut x = relu(self.frames.forward(frames));
        for layer in [&self.near, &self.octaves] {
            let more = relu(layer.forward(&x));
            x.iter_mut().zip(more).for_each(|(x, more)| *x += more);
        }
        let pooled: Vec<f32> =
            x.chunks_exact(POOLED).map(|pool| pool.iter().sum::<f32>() / POOLED as f32).collect();
        let mut dense = relu(row(&self.dense, pooled));
        let mut pitch = self.pitch.forward(&x);
        pitch.iter_mut().zip(row(&self.dense_pitch, dense.clone())).for_each(|(pitch, more)| *pitch += more);
        let likely = softmax(&pitch);
        dense.extend(
            x.chunks_exact(BINS)
                .map(|channel| channel.iter().zip(&likely).map(|(x, share)| x * share).sum::<f32>()),
        );
        let voicing = row(&self.voicing_out, relu(row(&self.voicing, dense)));
        (pitch, voicing.first().copied().unwrap_or(f32::NEG_INFINITY))
    }
}

/// Shares whose sum is 1, by their logits.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut shares: Vec<f32> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let sum: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

fn relu(mut values: Vec<f32>) -> Vec<f32> {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
    values
}

/// A dense layer.
fn row(layer: &Linear, inputs: Vec<f32>) -> Vec<f32> {
    let data = TensorData::new(inputs, [1, layer.weight.dims()[0]]);
    values(layer.forward(Tensor::from_data(data, &layer.weight.device())))
}

/// The values of a tensor of f32, which those of this network are.
fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap_or_default()
}

/// A convolution as one product.
#[derive(Debug)]
struct Shifted {
    /// Outputs x (inputs of every shift).
    weight: Tensor<2>,
    bias: Vec<f32>,
    inputs: usize,
    kernel: usize,
    dilation: usize,
}

impl Shifted {
    fn of(conv: &Conv1d) -> Self {
        let weight = conv.weight.val();
        let [outputs, inputs, kernel] = weight.dims();
        let bias = conv.bias.as_ref().map(|bias| bias.val().into_data().try_into_vec().unwrap_or_default());
        Self {
            weight: weight.reshape([outputs, inputs * kernel]),
            bias: bias.unwrap_or_else(|| vec![0.0; outputs]),
            inputs,
            kernel,
            dilation: conv.dilation,
        }
    }

    /// Outputs x pitches from inputs x pitches; beyond the edges there is nothing.
    fn forward(&self, x: &[f32]) -> Vec<f32> {
        let reach = (self.kernel - 1) / 2 * self.dilation;
        let mut shifted = vec![0.0; self.inputs * self.kernel * BINS];
        let places = shifted.chunks_exact_mut(self.kernel * BINS);
        for (channel, places) in x.chunks_exact(BINS).zip(places) {
            for (tap, place) in places.chunks_exact_mut(BINS).enumerate() {
                let shift = tap * self.dilation;
                if shift >= reach {
                    let by = shift - reach;
                    place[..BINS - by].copy_from_slice(&channel[by..]);
                } else {
                    let by = reach - shift;
                    place[by..].copy_from_slice(&channel[..BINS - by]);
                }
            }
        }
        let data = TensorData::new(shifted, [self.inputs * self.kernel, BINS]);
        let product = self.weight.clone().matmul(Tensor::from_data(data, &self.weight.device()));
        let mut outputs = values(product);
        for (output, bias) in outputs.chunks_exact_mut(BINS).zip(&self.bias) {
            output.iter_mut().for_each(|value| *value += bias);
        }
        outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    #[test]
    fn both_layouts_give_the_same_answers() {
        let device = Device::flex();
        let graph = Graph::new(&device);
        let random = |channels| {
            let tensor = Tensor::<2>::random([channels, BINS], Distribution::Normal(0.0, 1.0), &device);
            (tensor.clone().unsqueeze::<3>(), values(tensor))
        };
        let ((spread, spread_values), (seen, seen_values)) =
            (random(CHANNELS), random(FRAME_CHANNELS * LAGS.len()));
        let answer = values(graph.frame(spread).squeeze_dim(0));
        let (pitch, voicing) = graph.judge(seen);
        let (pitch, voicing) = (values(pitch), values(voicing));
        let steps = Steps::of(graph);
        let (step_pitch, step_voicing) = steps.judge(&seen_values);
        for (one, other) in
            [(steps.frame(&spread_values), answer), (step_pitch, pitch), (vec![step_voicing], voicing)]
        {
            assert_eq!(one.len(), other.len());
            let off = one.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-4, "{off}");
        }
    }
}
