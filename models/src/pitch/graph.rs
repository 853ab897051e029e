//! The network itself.
//!
//! Small convolutions over the pitches, whose partials stand beside them in the channels (as in Bittner et al., ISMIR
//! 2017): what is learnt of one pitch holds for all. One layer sees some earlier frames; a dense branch sees the whole
//! frame at once.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::pool::{AvgPool1d, AvgPool1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::{Device, Tensor, activation};

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

    /// The first layer: frames x channels x pitches to frames x [`FRAME_CHANNELS`] x pitches.
    pub fn frame(&self, spread: Tensor<3>) -> Tensor<3> {
        activation::relu(self.frame.forward(spread))
    }

    /// The rest: frames x ([`FRAME_CHANNELS`] of every one of [`LAGS`]) x pitches to the logits of the pitches, frames
    /// x pitches, and of voicing, frames x 1.
    pub fn judge(&self, frames: Tensor<3>) -> (Tensor<2>, Tensor<2>) {
        let x = activation::relu(self.frames.forward(frames));
        let x = x.clone() + activation::relu(self.near.forward(x));
        let x = x.clone() + activation::relu(self.octaves.forward(x));
        let pooled: Tensor<2> = self.pool.forward(x.clone()).flatten(1, 2);
        let dense = activation::relu(self.dense.forward(pooled));
        let pitch = self.pitch.forward(x.clone()).squeeze_dim::<2>(1) + self.dense_pitch.forward(dense.clone());
        // What is there where the pitch is likely to be.
        let likely = activation::softmax(pitch.clone(), 1).unsqueeze_dim::<3>(1);
        let there: Tensor<2> = (x * likely).sum_dim(2).squeeze_dim(2);
        let voicing = activation::relu(self.voicing.forward(Tensor::cat(vec![dense, there], 1)));
        (pitch, self.voicing_out.forward(voicing))
    }
}
