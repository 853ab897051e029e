//! The network: how likely a beat and a bar line are at each moment of a melody.
//!
//! A temporal convolutional network (Bai, Kolter & Koltun, arXiv 1803.01271, 2018; for beats Davies & Böck, EUSIPCO
//! 2019) whose dilated layers see some 24 s on either side, or 48 s back where it only looks back.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};
use collavoce::follow::beat::BeatOnset;

/// Length of a frame in seconds, and how many answers it gives: a beat is found to within 20 ms.
pub const FRAME_S: f64 = 0.04;
pub const ANSWERS: usize = 2;
/// Features of a frame.
pub const FEATURES: usize = 10;
/// Of which frame the answers tell where the network only looks back, counted from the newest one.
pub const LEAD: i64 = -4;
/// Logits of a frame: by answer, beat and bar line.
pub const LOGITS: usize = ANSWERS * 2;
/// Channels inside, and how far apart the three frames are that each layer sees.
const CHANNELS: usize = 40;
const DILATIONS: [usize; 12] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 4, 16, 64];
const TAPS: usize = 3;

#[derive(Module, Debug)]
struct Layer {
    taps: Linear,
    out: Linear,
}

/// The layers with their weights.
#[derive(Module, Debug)]
pub struct Graph {
    first: Linear,
    layers: Vec<Layer>,
    last: Linear,
}

impl Graph {
    /// Untrained layers.
    pub fn new(device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        let layer = |_| Layer { taps: linear(TAPS * CHANNELS, CHANNELS), out: linear(CHANNELS, CHANNELS) };
        let first = linear(FEATURES, CHANNELS);
        Self { first, layers: DILATIONS.iter().map(layer).collect(), last: linear(CHANNELS, LOGITS) }
    }

    /// Logits, frames x takes x [`LOGITS`], of features, frames x takes x [`FEATURES`]; what each layer adds passes
    /// through `leave_out`.
    pub fn forward(
        &self,
        features: Tensor<3>,
        only_back: bool,
        leave_out: &dyn Fn(Tensor<3>) -> Tensor<3>,
    ) -> Tensor<3> {
        let [frames, takes, _] = features.dims();
        let device = features.device();
        let silence = |frames| Tensor::<3>::zeros([frames, takes, CHANNELS], &device);
        let mut x = activation::relu(self.first.forward(features));
        for (layer, apart) in self.layers.iter().zip(DILATIONS) {
            let around = if only_back {
                vec![silence(2 * apart), x.clone()]
            } else {
                vec![silence(apart), x.clone(), silence(apart)]
            };
            let around = Tensor::cat(around, 0);
            let taps = (0..TAPS)
                .map(|tap| tap * apart)
                .map(|from| around.clone().slice([from..from + frames, 0..takes, 0..CHANNELS]))
                .collect();
            let inside = activation::relu(layer.taps.forward(Tensor::cat(taps, 2)));
            x = x + leave_out(layer.out.forward(inside));
        }
        self.last.forward(activation::relu(x))
    }
}

/// Features of the frames of a take, frames x [`FEATURES`]: what is known of a frame where `only_back`, without what
/// follows it.
pub fn features(onsets: &[BeatOnset], frames: usize, only_back: bool) -> Vec<f32> {
    let octaves = |s: f64| ((s / 0.5).max(0.05).log2() / 3.0).clamp(-1.5, 1.5) as f32;
    let mut features = vec![0.0; frames * FEATURES];
    let (mut heard, mut height) = (0, None);
    for (frame, row) in features.chunks_exact_mut(FEATURES).enumerate() {
        let (start_s, end_s) = (frame as f64 * FRAME_S, (frame + 1) as f64 * FRAME_S);
        while let Some(onset) = onsets.get(heard).filter(|onset| onset.time_s < end_s) {
            let answer = ((onset.time_s - start_s) / FRAME_S * ANSWERS as f64).max(0.0) as usize;
            row[answer.min(ANSWERS - 1)] = 1.0;
            let midi = onset.midi.unwrap_or(0.0);
            let mean = height.get_or_insert(midi);
            row[2] = ((midi - *mean) / 12.0).clamp(-1.5, 1.5) as f32;
            *mean += 0.1 * (midi - *mean);
            if let Some(before) = heard.checked_sub(1).map(|index| onsets[index]) {
                let interval = ((midi - before.midi.unwrap_or(midi)) / 12.0).clamp(-1.5, 1.5) as f32;
                row[3] = interval;
                row[4] = interval.abs();
                let passed_s = onset.time_s - before.time_s;
                row[5] = octaves(passed_s);
                row[6] = ((passed_s - before.sung_s) / 2.0).clamp(0.0, 1.0) as f32;
            }
            heard += 1;
            if let Some(next) = onsets.get(heard).filter(|_| !only_back) {
                row[7] = octaves(next.time_s - onset.time_s);
            }
        }
        if let Some(last) = heard.checked_sub(1).map(|index| onsets[index]) {
            row[8] = octaves(end_s - last.time_s);
            row[9] = f32::from(u8::from(end_s < last.time_s + last.sung_s));
        }
    }
    features
}
