//! The training of the mask network.

mod batch;
mod mix;
mod real;
mod score;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::ensure;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use collavoce_data::voices::{self, Stored};
use collavoce_models::mask::{FEATURES, Graph, MASKS, MaskNet, PITCHES};

use crate::checkpoint::export;
use crate::course::{Course, Figure, Pace, Task};
use batch::{Ahead, Batch, FRAMES};
pub use real::{Measure, measure};

/// Steps over which the learning rate rises, and its height.
const RISE: u64 = 150;
const RATE: f64 = 2e-3;
/// Weight decay.
const DECAY: f32 = 0.01;
/// Steps between two checkpoints with a validation.
const CHECK_EVERY: u64 = 400;
/// Share of the mix's power below which no error counts: 30 dB.
const FLOOR: f32 = 1e-3;
/// How much what is told of pitch, voicing and onsets counts beside the masks.
const PITCH: f64 = 0.15;
const VOICING: f64 = 0.5;
const ONSET: f64 = 0.3;
/// Pairs of the held-out folder that are measured.
const HELD: usize = 8;

/// What to train and for how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder of pairs, as `cargo xtask data voices` makes it.
    pairs: PathBuf,
    /// Folder for checkpoints, log and weights; training goes on from what is there.
    #[arg(long)]
    out: PathBuf,
    /// Folder of pairs that are never trained on.
    #[arg(long)]
    held: Option<PathBuf>,
    /// Folder of real voices, and one of pairs whose backings they are mixed with: for the log alone.
    #[arg(long, requires = "backings")]
    real: Option<PathBuf>,
    /// See `real`.
    #[arg(long)]
    backings: Option<PathBuf>,
    /// Minutes after which this run stops, to be continued by another.
    #[arg(long, default_value_t = 600.0)]
    minutes: f64,
    /// Steps until the training is complete; the learning rate falls towards them.
    #[arg(long, default_value_t = 6_000)]
    steps: u64,
    /// Seed of all that is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Trains, or goes on training.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let pace = Pace {
        steps: options.steps,
        minutes: options.minutes,
        rise: RISE,
        rate: RATE,
        decay: DECAY,
        check_every: CHECK_EVERY,
    };
    let mut course = Course::open(&options.out, pace)?;
    let pairs = voices::read(&options.pairs)?;
    ensure!(!pairs.is_empty(), "{} holds no pairs", options.pairs.display());
    let plain = Device::flex();
    plain.seed(options.seed);
    let mut graph = Graph::new(&plain);
    // Parameters come to be when they are first used: here, in a fixed order.
    let _ = graph.forward(Tensor::zeros([1, FEATURES], &plain), 1);
    let resumed = course.resume(&mut graph)?;
    let samples = pairs.iter().map(|pair| pair.voice.len()).sum::<usize>() as f64;
    let material = format!("{} pairs, {:.2} hours", pairs.len(), samples / f64::from(voices::RATE) / 3_600.0);
    let (parameters, seed, steps) = (graph.num_params(), options.seed, options.steps);
    let started = if resumed { String::new() } else { format!("{parameters} parameters, seed {seed}, ") };
    course.say(&format!("{started}{steps} steps; {material}"), "")?;
    let held = options.held.as_deref().map(voices::read).transpose()?.unwrap_or_default();
    let real = match (&options.real, &options.backings) {
        (Some(real), Some(backings)) => Some(real::Set::read(real, backings, real::Side::Select)?),
        _ => None,
    };
    let ahead = Ahead::start(Arc::new(pairs), options.seed, course.step());
    let mut task = Voices { ahead, held: held.into_iter().take(HELD).collect(), real };
    let graph = course.train(graph, &mut task)?;
    let weights = export(&graph, &options.out, "mask", |bytes, hash| {
        MaskNet::load(bytes, hash).map(|_| ()).map_err(Into::into)
    })?;
    let stopped =
        format!("stopped at step {} of {}; weights in {}", course.step(), options.steps, weights.display());
    course.say(&stopped, "")
}

/// Mixes to learn from, and others.
struct Voices {
    ahead: Ahead,
    held: Vec<Stored>,
    real: Option<real::Set>,
}

impl Task for Voices {
    type Graph = Graph;
    const LOSSES: [&str; 2] = ["of masks", "of pitch, voicing and onsets"];
    const MEASURE: &str = "SI-SDR gained, in units of 10 dB";

    fn losses(&mut self, graph: &Graph, step: u64, device: &Device) -> [Tensor<1>; 2] {
        // Steps follow one another, so that a batch is only missing where its thread came to grief.
        let batch =
            self.ahead.batch(step).unwrap_or_else(|| panic!("the thread that makes batches has ended"));
        losses(graph, &batch, device)
    }

    fn figures(&self, graph: &Graph) -> anyhow::Result<Vec<Figure>> {
        let mut figures = Vec::new();
        if !self.held.is_empty() {
            let mut totals = score::Totals::default();
            for pair in &self.held {
                totals.add(&score::of_pair(MaskNet::of(graph.clone()), pair)?);
            }
            figures.push(totals.figure("other seeds"));
        }
        if let Some(real) = &self.real {
            figures.push(real.totals(|| Ok(MaskNet::of(graph.clone())))?.figure("real voices to select by"));
        }
        Ok(figures)
    }
}

/// What is made small: of the masks, and of all else.
fn losses(graph: &Graph, batch: &Batch, device: &Device) -> [Tensor<1>; 2] {
    let (sequences, rows) = (batch.sequences, batch.voiced.len());
    let tensor = |values: &[f32], columns: usize| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, columns]), device)
    };
    let answers = graph.forward(tensor(&batch.features, FEATURES), sequences);
    let mask = activation::sigmoid(answers.mask);
    let (mix, common, voice) =
        (tensor(&batch.mix, MASKS), tensor(&batch.common, MASKS), tensor(&batch.voice, MASKS));
    let error = mask.clone() * (mask.clone() * mix - common * 2.0) + voice.clone();
    let by_sequence = |values: Tensor<2>| -> Tensor<1> {
        let sums = values.sum_dim(1).reshape([FRAMES, sequences]);
        sums.sum_dim(0).reshape([sequences])
    };
    let weight = Tensor::<1>::from_data(TensorData::new(batch.weight.clone(), [sequences]), device);
    let ratio = (by_sequence(error) + FLOOR).log() - (by_sequence(voice) + FLOOR).log();
    let distortion = (ratio * weight).mean() / std::f64::consts::LN_10;
    let mix_root = tensor(&batch.mix_root, MASKS);
    let off = |share: Tensor<2>, root: &[f32]| {
        ((share + 1e-6).sqrt() * mix_root.clone() - tensor(root, MASKS)).abs().mean()
    };
    let spectra = off(mask.clone(), &batch.voice_root) + off(mask.neg() + 1.0, &batch.backing_root);

    let told: f32 = batch.pitch.iter().sum();
    let pitch = (activation::log_softmax(answers.pitch, 1) * tensor(&batch.pitch, PITCHES)).sum().neg()
        / f64::from(told.max(1.0));
    let counts: f32 = batch.voiced_counts.iter().sum();
    let wrong =
        |logits: Tensor<2>, truth: &[f32]| activation::softplus((logits * tensor(truth, 1)).neg(), 1.0);
    let voicing = (wrong(answers.voiced, &batch.voiced) * tensor(&batch.voiced_counts, 1)).sum()
        / f64::from(counts.max(1.0));
    let onset = wrong(answers.onset, &batch.onset).mean();
    [distortion + spectra, pitch * PITCH + voicing * VOICING + onset * ONSET]
}
