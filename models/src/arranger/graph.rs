//! The layers.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};

use super::frame::{CHOICES, KIT, LEVELS, SHIFTS, VOICES, Voice};
use super::step::FEATURES;
use crate::stream::{Sizes, StreamGraph};

/// Steps that are seen together, the newest among them: four bars of 4/4.
pub const WINDOW: usize = 64;
/// Width of the stream.
const WIDTH: usize = 128;
/// Sizes of the stream.
const SIZES: Sizes =
    Sizes { features: FEATURES, width: WIDTH, heads: 4, layers: 4, inside: 768, window: WINDOW };
/// Choices of all voices together.
pub const CHOICE_VALUES: usize = first_value(VOICES);
/// What the heads answer: choices, then the levels and the shifts of every piece of the kit.
pub const HEAD_VALUES: usize = CHOICE_VALUES + KIT * (LEVELS + SHIFTS);

/// Where the choices of a voice begin among those of all.
pub const fn first_value(voice: Voice) -> usize {
    let (mut at, mut sum) = (0, 0);
    while at < voice {
        sum += CHOICES[at];
        at += 1;
    }
    sum
}

/// The layers with their weights.
#[derive(Module, Debug)]
pub struct Graph {
    /// Reads steps.
    pub stream: StreamGraph,
    /// Answers.
    pub heads: Linear,
    /// What a choice adds to those of later voices: choices x choices, of which only what lies above the diagonal of voices
    /// is used.
    pub coupling: Param<Tensor<2>>,
}

impl Graph {
    /// Untrained layers.
    pub fn new(device: &Device) -> Self {
        Self {
            stream: StreamGraph::new(SIZES, device),
            heads: LinearConfig::new(WIDTH, HEAD_VALUES).init(device),
            coupling: Param::from_tensor(Tensor::zeros([CHOICE_VALUES, CHOICE_VALUES], device)),
        }
    }

    /// The coupling, with nothing where a voice would know itself or one after it.
    pub fn triangular(&self, device: &Device) -> Tensor<2> {
        let mut mask = vec![0.0f32; CHOICE_VALUES * CHOICE_VALUES];
        for voice in 0..VOICES {
            for from in first_value(voice)..first_value(voice + 1) {
                mask[from * CHOICE_VALUES + first_value(voice + 1)..(from + 1) * CHOICE_VALUES].fill(1.0);
            }
        }
        let mask = Tensor::from_data(TensorData::new(mask, [CHOICE_VALUES, CHOICE_VALUES]), device);
        self.coupling.val() * mask
    }
}

/// The layers for whole songs.
#[cfg(any(test, feature = "training"))]
impl Graph {
    /// Answers to songs x steps x features where the choices are known (songs x steps x choices, 1 for each that is made);
    /// `drop` is called on what each layer adds.
    pub fn forward(
        &self,
        steps: Tensor<3>,
        chosen: Tensor<3>,
        drop: &dyn Fn(Tensor<3>) -> Tensor<3>,
    ) -> Tensor<3> {
        let [songs, length, _] = steps.dims();
        let device = steps.device();
        let answers = self.heads.forward(self.stream.forward(steps, drop));
        let known = chosen
            .reshape([songs * length, CHOICE_VALUES])
            .matmul(self.triangular(&device))
            .reshape([songs, length, CHOICE_VALUES]);
        let rest = Tensor::zeros([songs, length, HEAD_VALUES - CHOICE_VALUES], &device);
        answers + Tensor::cat(vec![known, rest], 2)
    }
}
