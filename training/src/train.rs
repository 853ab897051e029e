//! The training of the pitch network.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::checkpoint::export;
use crate::clip::{self, Clip, Truth};
use crate::course::{Course, Figure, Pace, Task};
use crate::sung;
use anyhow::anyhow;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use collavoce::song::Rng;
use collavoce_models::pitch::{
    BINS, BINS_PER_SEMITONE, CHANNELS, FEATURES, Graph, LAGS, LOWEST_MIDI, OLDEST_LAG, PitchNet, spread,
};

/// Sequences in a step and frames in each.
const SEQUENCES: usize = 32;
const FRAMES: usize = 12;
/// Clips to draw from, and steps after which the oldest of them gives way to a new one.
const POOL: usize = 160;
const STEPS_PER_CLIP: u64 = 3;
/// Steps over which the learning rate rises, and its height.
const RISE: u64 = 300;
const RATE: f64 = 3e-3;
/// Width of the pitch that is to be told, in bins (standard deviation).
const BLUR: f32 = 0.7;
/// Weight decay.
const DECAY: f32 = 1e-3;
/// Steps between two checkpoints with a validation.
const CHECK_EVERY: u64 = 1_000;
/// Seed of the clips that are never trained on.
pub const HELD_OUT: u64 = 0x5e_ed0f_7e57;

/// What to train and for how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder for checkpoints, log and weights; training goes on from what is there.
    #[arg(long)]
    out: PathBuf,
    /// Minutes after which this run stops, to be continued by another.
    #[arg(long, default_value_t = 600.0)]
    minutes: f64,
    /// Steps until the training is complete; the learning rate falls towards them.
    #[arg(long, default_value_t = 12_000)]
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
    let plain = Device::flex();
    plain.seed(options.seed);
    let mut graph = Graph::new(&plain);
    // Parameters come to be when they are first used: here, in a fixed order.
    let _ = graph.judge(Tensor::zeros([1, frame_channels(&graph, &plain) * LAGS.len(), BINS], &plain));
    if !course.resume(&mut graph)? {
        let (parameters, seed, steps) = (graph.num_params(), options.seed, options.steps);
        course.say(&format!("{parameters} parameters, seed {seed}, {steps} steps"), "")?;
    }
    let held_out = HeldOut::make()?;
    let mut task = Singing { held_out, pool: Pool::at(options.seed, course.step()), seed: options.seed };
    let graph = course.train(graph, &mut task)?;
    let weights = export(&graph, &options.out, "pitch", |bytes, hash| {
        PitchNet::load(bytes, hash).map(|_| ()).map_err(Into::into)
    })?;
    let stopped =
        format!("stopped at step {} of {}; weights in {}", course.step(), options.steps, weights.display());
    course.say(&stopped, "")
}

/// Clips to learn from, and others.
struct Singing {
    held_out: HeldOut,
    pool: Pool,
    seed: u64,
}

impl Task for Singing {
    type Graph = Graph;
    const LOSSES: [&str; 2] = ["of pitch", "of voicing"];
    const MEASURE: &str = "share of sung frames within 50 cents";

    fn losses(&mut self, graph: &Graph, step: u64, device: &Device) -> [Tensor<1>; 2] {
        self.pool.advance(step);
        let (pitch, voicing) = losses(graph, &self.pool.batch(self.seed, step), device);
        [pitch, voicing]
    }

    fn figures(&self, graph: &Graph) -> anyhow::Result<Vec<Figure>> {
        self.held_out.figures(graph)
    }
}

/// Channels behind the first layer, which is run once to find out.
fn frame_channels(graph: &Graph, device: &Device) -> usize {
    graph.frame(Tensor::zeros([1, CHANNELS, BINS], device)).dims()[1]
}

/// The clips that are drawn from: which they are depends on the step alone.
struct Pool {
    seed: u64,
    clips: VecDeque<Clip>,
    next: u64,
}

impl Pool {
    /// As it is before a step.
    fn at(seed: u64, step: u64) -> Self {
        let first = step / STEPS_PER_CLIP;
        let clips = (first..first + POOL as u64).map(|number| clip::make(seed, number)).collect();
        Self { seed, clips, next: first + POOL as u64 }
    }

    fn advance(&mut self, step: u64) {
        while self.next < step / STEPS_PER_CLIP + POOL as u64 {
            self.clips.pop_front();
            self.clips.push_back(clip::make(self.seed, self.next));
            self.next += 1;
        }
    }

    /// Sequences from clips drawn at random.
    fn batch(&self, seed: u64, step: u64) -> Batch {
        let mut rng = Rng::keyed(&[seed, 0xba7c4, step]);
        let mut batch = Batch::default();
        for _ in 0..SEQUENCES {
            let clip = &self.clips[rng.below(self.clips.len())];
            let from = OLDEST_LAG + rng.below(clip.truth.len() - OLDEST_LAG - FRAMES);
            batch.add(clip, from, FRAMES);
        }
        batch
    }
}

/// Sequences of equal length, each after the frames that it looks back on.
#[derive(Default)]
struct Batch {
    sequences: usize,
    inputs: Vec<f32>,
    truth: Vec<Truth>,
}

impl Batch {
    fn add(&mut self, clip: &Clip, from: usize, frames: usize) {
        let at = self.inputs.len();
        let length = OLDEST_LAG + frames;
        self.inputs.resize(at + length * CHANNELS * BINS, 0.0);
        let spreads = self.inputs[at..].chunks_exact_mut(CHANNELS * BINS);
        for (number, out) in spreads.enumerate() {
            // Before its first frame a clip has none.
            if let Some(number) = (from + number).checked_sub(OLDEST_LAG) {
                spread(&clip.features[number * FEATURES..(number + 1) * FEATURES], out);
            }
        }
        self.truth.extend_from_slice(&clip.truth[from..from + frames]);
        self.sequences += 1;
    }
}

/// Logits of every frame of a batch.
fn forward(graph: &Graph, batch: &Batch, device: &Device) -> (Tensor<2>, Tensor<2>) {
    let frames = batch.truth.len() / batch.sequences;
    let length = frames + OLDEST_LAG;
    let data = TensorData::new(batch.inputs.clone(), [batch.sequences * length, CHANNELS, BINS]);
    let answers = graph.frame(Tensor::from_data(data, device));
    let channels = answers.dims()[1];
    let answers = answers.reshape([batch.sequences, length, channels, BINS]);
    let seen = LAGS
        .map(|lag| {
            let from = OLDEST_LAG - lag;
            answers.clone().slice([0..batch.sequences, from..from + frames])
        })
        .to_vec();
    graph.judge(Tensor::cat(seen, 2).reshape([batch.sequences * frames, channels * LAGS.len(), BINS]))
}

/// Cross-entropy of pitch and of voicing.
fn losses(graph: &Graph, batch: &Batch, device: &Device) -> (Tensor<1>, Tensor<1>) {
    let frames = batch.truth.len();
    let mut targets = vec![0.0_f32; frames * BINS];
    for (row, truth) in targets.chunks_exact_mut(BINS).zip(&batch.truth) {
        let place = (truth.midi - LOWEST_MIDI) * BINS_PER_SEMITONE;
        let mut sum = 0.0;
        for (bin, target) in row.iter_mut().enumerate() {
            *target = (-0.5 * ((bin as f32 - place) / BLUR).powi(2)).exp();
            sum += *target;
        }
        let counts = truth.pitch_counts;
        row.iter_mut().for_each(|target| *target *= if sum > 0.5 { counts / sum } else { 0.0 });
    }
    let sum = |weight: fn(&Truth) -> f32| batch.truth.iter().map(weight).sum::<f32>().max(1.0);
    let (pitches, judged) = (sum(|truth| truth.pitch_counts), sum(|truth| truth.voicing_counts));
    let column = |value: fn(&Truth) -> f32| {
        let values: Vec<f32> = batch.truth.iter().map(value).collect();
        Tensor::<2>::from_data(TensorData::new(values, [frames, 1]), device)
    };
    let sign = column(|truth| if truth.voiced { 1.0 } else { -1.0 });
    let counts = column(|truth| truth.voicing_counts);

    let (pitch, voicing) = forward(graph, batch, device);
    let targets = Tensor::<2>::from_data(TensorData::new(targets, [frames, BINS]), device);
    let pitch_loss = (activation::log_softmax(pitch, 1) * targets).sum().neg() / f64::from(pitches);
    let voicing_loss = (activation::softplus((voicing * sign).neg(), 1.0) * counts).sum() / f64::from(judged);
    (pitch_loss, voicing_loss)
}

/// Clips that are never trained on.
struct HeldOut {
    sets: Vec<(&'static str, Vec<Clip>)>,
}

impl HeldOut {
    fn make() -> anyhow::Result<Self> {
        let own = (0..24).map(|number| clip::make(HELD_OUT, number)).collect();
        let (clean, hard) = (sung::clips(HELD_OUT, 10, false)?, sung::clips(HELD_OUT, 10, true)?);
        Ok(Self {
            sets: vec![
                ("other seeds", own),
                ("another synthesiser", clean),
                ("the same in rooms and noise", hard),
            ],
        })
    }

    /// A figure for each set.
    fn figures(&self, graph: &Graph) -> anyhow::Result<Vec<Figure>> {
        let device = Device::flex();
        self.sets
            .iter()
            .map(|(name, clips)| {
                let mut counts = Counts::default();
                for clip in clips {
                    let mut batch = Batch::default();
                    batch.add(clip, 0, clip.truth.len());
                    let (pitch, voicing) = forward(graph, &batch, &device);
                    let pitch: Vec<f32> = pitch.into_data().try_to_vec().map_err(|e| anyhow!("{e:?}"))?;
                    let voicing: Vec<f32> = voicing.into_data().try_to_vec().map_err(|e| anyhow!("{e:?}"))?;
                    counts.add(&clip.truth, &pitch, &voicing);
                }
                let share = counts.right as f64 / counts.sung.max(1) as f64;
                Ok(Figure { set: name, share, text: counts.to_string() })
            })
            .collect()
    }
}

/// How often the network was right.
#[derive(Default)]
struct Counts {
    sung: usize,
    right: usize,
    right_25: usize,
    octaves: usize,
    heard: usize,
    silent: usize,
    imagined: usize,
}

impl Counts {
    fn add(&mut self, truth: &[Truth], pitch: &[f32], voicing: &[f32]) {
        for ((truth, pitch), voicing) in truth.iter().zip(pitch.chunks_exact(BINS)).zip(voicing) {
            if truth.voiced && truth.pitch_counts > 0.0 {
                let off = (midi_of(pitch) - truth.midi).abs();
                self.sung += 1;
                self.right += usize::from(off < 0.5);
                self.right_25 += usize::from(off < 0.25);
                self.octaves += usize::from((off - 12.0).abs() < 0.5);
                self.heard += usize::from(*voicing > 0.0);
            } else if !truth.voiced && truth.voicing_counts > 0.0 {
                self.silent += 1;
                self.imagined += usize::from(*voicing > 0.0);
            }
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |some: usize, all: usize| some as f64 / all.max(1) as f64;
        write!(
            f,
            "RPA {:.4}, within 25 cents {:.4}, octaves {:.4}, VR {:.4}, VFA {:.4}, {} frames",
            share(self.right, self.sung),
            share(self.right_25, self.sung),
            share(self.octaves, self.sung),
            share(self.heard, self.sung),
            share(self.imagined, self.silent),
            self.sung + self.silent
        )
    }
}

/// The likeliest pitch: the mean around the highest bin.
fn midi_of(logits: &[f32]) -> f32 {
    let top = (0..BINS).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap_or(0);
    let near = top.saturating_sub(2)..(top + 3).min(BINS);
    let (mut sum, mut weights) = (0.0, 0.0);
    for bin in near {
        let weight = (logits[bin] - logits[top]).exp();
        sum += weight * bin as f32;
        weights += weight;
    }
    LOWEST_MIDI + sum / weights / BINS_PER_SEMITONE
}
