//! A network that finds beats in melodies, trained on made-up singing and measured against the engine's rhythm tracker.

mod decode;
mod measured;
mod net;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow, ensure};
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::store::{BurnpackStore, ModuleSnapshot};
use burn::tensor::{Device, Tensor, TensorData, activation};
use collavoce::follow::studio::beat_onsets;
use collavoce::song::Rng;
use collavoce_data::rubato::{Performance, sing};
use collavoce_data::songs::{self, Set, Split};
use collavoce_data::tune::Tune;

use crate::checkpoint::{Checkpoint, learning_rate, scalar};
use net::{ANSWERS, FEATURES, FRAME_S, Graph, LEAD, LOGITS, features};

/// Takes in a step and frames of each.
const TAKES: usize = 4;
const FRAMES: usize = 1_024;
/// Steps over which the learning rate rises, and its height.
const RISE: u64 = 100;
const RATE: f64 = 2e-3;
/// Weight decay, and the share of what a layer adds that is left out in training.
const DECAY: f32 = 0.02;
const LEFT_OUT: f64 = 0.1;
/// How far from a beat the network may still say so, in seconds.
const BLUR_S: f64 = 0.04;
/// Steps between two lines of the log with a checkpoint.
const LOG_EVERY: u64 = 100;
/// How often a song of each set is drawn against the others.
const SETS: [(&str, f64); 3] = [("folk tunes", 1.0), ("lead sheets", 1.5), ("art songs", 1.0)];

/// What a network knows of a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// All of it.
    Offline,
    /// What was sung until now.
    Causal,
}

/// What to train and for how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder that holds `data/scores`.
    shared: PathBuf,
    /// Folder for checkpoints and logs; training goes on from what is there.
    #[arg(long)]
    out: PathBuf,
    /// The networks to train and to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "offline,causal")]
    modes: Vec<Mode>,
    /// Minutes after which the training of a network stops, to be continued by another run.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Steps until the training is complete; the learning rate falls towards them.
    #[arg(long, default_value_t = 3_000)]
    steps: u64,
    /// Seed of all that is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Measure on the songs that no constant was chosen on.
    #[arg(long)]
    validate: bool,
}

/// Trains, or goes on training, and measures.
pub fn run(options: &Options) -> anyhow::Result<()> {
    ensure!(options.steps > 0, "no steps are asked for");
    let sets = songs::read(&options.shared.join("data/scores"))?;
    let mut trained = Vec::new();
    for mode in &options.modes {
        let name = format!("{mode:?}").to_lowercase();
        trained.push((*mode, train(&sets, *mode, &options.out.join(name), options)?));
    }
    let split = if options.validate { Split::Validate } else { Split::Develop };
    measured::run(&sets, &trained, split)
}

fn train(sets: &[Set], mode: Mode, out: &Path, options: &Options) -> anyhow::Result<Graph> {
    fs::create_dir_all(out).context("the folder cannot be made")?;
    let log_path = out.join("log.txt");
    let mut log = fs::OpenOptions::new().create(true).append(true).open(log_path).context("no log")?;
    let mut say = |text: String| -> anyhow::Result<()> {
        println!("{text}");
        writeln!(log, "{text}").context("the log cannot be written")
    };
    let songs: Vec<(&Tune, f64)> = sets
        .iter()
        .filter_map(|set| Some((set, SETS.iter().find(|(name, _)| *name == set.name)?.1)))
        .flat_map(|(set, weight)| set.tunes.iter().map(move |(split, tune)| (split, tune, weight)))
        .filter(|(split, tune, _)| **split == Split::Learn && sing(tune, &mut Rng::keyed(&[0])).is_some())
        .map(|(_, tune, weight)| (tune, weight))
        .collect();
    ensure!(!songs.is_empty(), "no song to learn from");
    let weights: Vec<f64> = songs.iter().map(|(_, weight)| *weight).collect();

    let plain = Device::flex();
    plain.seed(options.seed);
    let mut graph = Graph::new(&plain);
    // Parameters come to be when they are first used: here, in a fixed order.
    let _ = graph.forward(Tensor::zeros([1, 1, FEATURES], &plain), false, &|x| x);
    let mut optimizer = AdamWConfig::new()
        .with_weight_decay(DECAY)
        .with_grad_clipping(Some(GradientClippingConfig::Norm(1.0)))
        .init();
    let checkpoint = Checkpoint::new(out);
    let mut step = 0;
    if let Some(done) = checkpoint.step()? {
        step = done;
        graph.load_from(&mut BurnpackStore::from_file(&checkpoint.graph)).map_err(|e| anyhow!("{e}"))?;
        optimizer = optimizer.load(&checkpoint.optimizer).map_err(|e| anyhow!("{e}"))?;
        say(format!("goes on at step {step}"))?;
    } else {
        let (parameters, count) = (graph.num_params(), songs.len());
        say(format!(
            "{parameters} parameters, seed {}, {} steps, {count} songs",
            options.seed, options.steps
        ))?;
    }
    let device = Device::flex().autodiff();
    let mut graph = graph.train();
    let started = Instant::now();
    let mut sum = 0.0;
    while step < options.steps && started.elapsed().as_secs_f64() < 60.0 * options.minutes {
        let mut rng = Rng::keyed(&[options.seed, 0xbea7, step]);
        let mut batch = Batch::default();
        while batch.takes < TAKES {
            if let Some(truth) = sing(songs[rng.weighted(&weights)].0, &mut rng) {
                batch.add(&truth, mode, &mut rng);
            }
        }
        let loss = batch.loss(&graph, mode, rng, &device);
        let gradients = GradientsParams::from_grads(loss.backward(), &graph);
        graph = optimizer.step(learning_rate(step, options.steps, RISE, RATE), graph, gradients);
        sum += scalar(loss)?;
        step += 1;
        if step.is_multiple_of(LOG_EVERY) || step == options.steps {
            ensure!(sum.is_finite(), "the loss is no number any more");
            let minutes = started.elapsed().as_secs_f64() / 60.0;
            say(format!("step {step}: loss {:.5}; {minutes:.1} min", sum / LOG_EVERY as f64))?;
            sum = 0.0;
            checkpoint
                .write(&graph.valid(), step, |path| optimizer.save(path).map_err(|e| anyhow!("{e}")))?;
        }
    }
    let graph = graph.valid();
    checkpoint.write(&graph, step, |path| optimizer.save(path).map_err(|e| anyhow!("{e}")))?;
    Ok(graph)
}

/// Frames to look at in a take of a length, all that its last beat may need.
fn frames_of(truth: &Performance) -> usize {
    ((truth.beats_s.last().copied().unwrap_or(0.0) + 1.0) / FRAME_S).ceil() as usize
}

/// Stretches of takes, each in one row after another: what is heard, what is to be answered and whether that counts.
#[derive(Default)]
struct Batch {
    takes: usize,
    features: Vec<f32>,
    targets: Vec<f32>,
    counts: Vec<f32>,
}

impl Batch {
    fn add(&mut self, truth: &Performance, mode: Mode, rng: &mut Rng) {
        let frames = frames_of(truth);
        let all = features(&beat_onsets(&truth.notes), frames, mode == Mode::Causal);
        let spare = frames.saturating_sub(FRAMES);
        let from = if rng.chance(0.3) { 0 } else { rng.below(spare + 1) };
        let count = FRAMES.min(frames);
        self.takes += 1;
        self.features.extend_from_slice(&all[from * FEATURES..(from + count) * FEATURES]);
        self.features.resize(self.takes * FRAMES * FEATURES, 0.0);
        let near = |times_s: &[f64], at_s: f64| {
            let next = times_s.partition_point(|time| *time < at_s);
            let around = &times_s[next.saturating_sub(1)..(next + 1).min(times_s.len())];
            around.iter().map(|time| 1.0 - (time - at_s).abs() / BLUR_S).fold(0.0, f64::max) as f32
        };
        for frame in from..from + FRAMES {
            for answer in 0..ANSWERS {
                let at = (frame as i64 + lead(mode)) as f64 + (answer as f64 + 0.5) / ANSWERS as f64;
                self.targets
                    .extend([&truth.beats_s, &truth.downbeats_s].map(|times_s| near(times_s, at * FRAME_S)));
                self.counts.extend([f32::from(u8::from(frame < from + count)); 2]);
            }
        }
    }

    /// Mean cross-entropy of the answers that count.
    fn loss(self, graph: &Graph, mode: Mode, rng: Rng, device: &Device) -> Tensor<1> {
        let by_frame = |values: Vec<f32>, width: usize| {
            let data = TensorData::new(values, [self.takes, FRAMES, width]);
            Tensor::<3>::from_data(data, device).swap_dims(0, 1)
        };
        let counted: f32 = self.counts.iter().sum();
        let rng = std::cell::RefCell::new(rng);
        let leave_out = |x: Tensor<3>| {
            let [_, takes, channels] = x.dims();
            let mut rng = rng.borrow_mut();
            let mut keeps = || if rng.chance(LEFT_OUT) { 0.0 } else { (1.0 / (1.0 - LEFT_OUT)) as f32 };
            let mask: Vec<f32> = (0..takes * channels).map(|_| keeps()).collect();
            x * Tensor::<3>::from_data(TensorData::new(mask, [1, takes, channels]), device)
        };
        let logits = graph.forward(by_frame(self.features, FEATURES), mode == Mode::Causal, &leave_out);
        let targets = by_frame(self.targets, LOGITS);
        let loss = activation::softplus(logits.clone(), 1.0) - logits * targets;
        (loss * by_frame(self.counts, LOGITS)).sum() / f64::from(counted.max(1.0))
    }
}

/// Of which frame a network tells, counted from the newest that it sees.
fn lead(mode: Mode) -> i64 {
    if mode == Mode::Causal { LEAD } else { 0 }
}

/// Probabilities of a beat and of a bar line by step of a take.
fn answers(graph: &Graph, mode: Mode, truth: &Performance) -> anyhow::Result<Vec<[f64; 2]>> {
    let frames = frames_of(truth);
    let features = features(&beat_onsets(&truth.notes), frames, mode == Mode::Causal);
    let features = Tensor::from_data(TensorData::new(features, [frames, 1, FEATURES]), &Device::flex());
    let logits = graph.forward(features, mode == Mode::Causal, &|x| x);
    let logits: Vec<f32> = logits.into_data().try_to_vec().map_err(|e| anyhow!("{e:?}"))?;
    let share = |logit: f32| f64::from(1.0 / (1.0 + (-logit).exp()));
    Ok(logits.chunks_exact(2).map(|answer| [share(answer[0]), share(answer[1])]).collect())
}
