//! The training of the arranger.

use std::path::PathBuf;

use anyhow::{anyhow, ensure};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use collavoce::song::Rng;
use collavoce_data::arrange::{self, Piece};
use collavoce_data::songs::Split;
use collavoce_models::arranger::{
    ArrangerNet, BASS, CHOICE_VALUES, CHOICES, FEATURES, Frame, GUITAR, Graph, HEAD_VALUES, KIT, LEVELS,
    PARTS, SHIFTS, STRINGS, Step, Sung, VOICES, first_value,
};

use crate::checkpoint::export;
use crate::course::{Course, Figure, Pace, Task};

/// Stretches in a step of the training, and steps of each: six bars of 4/4.
const STRETCHES: usize = 8;
const STEPS: usize = 96;
/// Steps over which the learning rate rises, and its height.
const RISE: u64 = 200;
const RATE: f64 = 1.5e-3;
/// Steps between two checkpoints with a validation.
const CHECK_EVERY: u64 = 500;
/// Sets, and how often a stretch of each is drawn.
const SETS: [(&str, f64); 5] =
    [("gmd", 3.0), ("band_renders", 2.0), ("lieder", 2.0), ("quartets", 2.0), ("jsb", 1.0)];
/// Parts by name, and their voices.
const PART_VOICES: [(&str, std::ops::Range<usize>); PARTS] = [
    ("drums", 0..KIT),
    ("bass", BASS..BASS + 1),
    ("guitar", GUITAR..GUITAR + 1),
    ("strings", STRINGS..VOICES),
];
/// Groups of values of which one is chosen: choices of every voice, levels and shifts of every piece of the kit.
const GROUPS: usize = VOICES + 2 * KIT;
/// What levels and shifts count beside choices.
const TOUCH: f64 = 0.25;
/// How often a wish is not told, the manner, that the melody is not heard, nor what was played in the bar that a bar is
/// like.
const NO_WISH: f64 = 0.3;
const NO_STYLE: f64 = 0.1;
const NO_TONES: f64 = 0.3;
const NO_BEFORE: f64 = 0.15;
/// How often it is not told that a bar comes back.
const NO_RETURN: f64 = 0.3;
/// How often strokes are left out of what is remembered, and the largest share of them.
const FORGETS: f64 = 0.5;
const MOST_FORGOTTEN: f64 = 0.4;
/// Most others that play along with what is learnt from.
const MOST_GUESTS: usize = 3;
/// Stretches of a set on which the network is measured while it learns.
const MEASURED: usize = 40;

/// What to train and for how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder of the corpus, as `cargo xtask data` makes it.
    corpus: PathBuf,
    /// Folder for checkpoints, log and weights; training goes on from what is there.
    #[arg(long)]
    out: PathBuf,
    /// Minutes after which this run stops, to be continued by another.
    #[arg(long, default_value_t = 75.0)]
    minutes: f64,
    /// Steps until the training is complete; the learning rate falls towards them.
    #[arg(long, default_value_t = 12_000)]
    steps: u64,
    /// Seed of all that is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of what a layer adds that is left out in training.
    #[arg(long, default_value_t = 0.1)]
    dropout: f64,
    /// Weight decay.
    #[arg(long, default_value_t = 0.05)]
    decay: f64,
}

/// Trains, or goes on training.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let pace = Pace {
        steps: options.steps,
        minutes: options.minutes,
        rise: RISE,
        rate: RATE,
        decay: options.decay as f32,
        check_every: CHECK_EVERY,
    };
    let mut course = Course::open(&options.out, pace)?;
    let (learn, develop): (Vec<Piece>, Vec<Piece>) =
        arrange::read(&options.corpus, |side| side != Split::Validate)?
            .into_iter()
            .partition(|piece| piece.side == Split::Learn);
    ensure!(!learn.is_empty() && !develop.is_empty(), "nothing to learn from");
    let plain = Device::flex();
    plain.seed(options.seed);
    let mut graph = Graph::new(&plain);
    // Parameters come to be when they are first used: here, in a fixed order.
    let _ = Batch::of(&[Lesson::of(&learn[0], 0, &mut None)]).losses(&graph, &plain, &|x| x);
    if !course.resume(&mut graph)? {
        let steps = |pieces: &[Piece], set: &str| {
            pieces.iter().filter(|piece| piece.set == set).map(|piece| piece.steps.len()).sum::<usize>()
        };
        let sets = SETS.map(|(set, _)| format!("{set} {} {}", steps(&learn, set), steps(&develop, set)));
        let started = format!(
            "{} parameters, seed {}, {} steps; sixteenths to learn from, to develop on: {}",
            graph.num_params(),
            options.seed,
            options.steps,
            sets.join(", ")
        );
        course.say(&started, "")?;
    }
    let by_set = |pieces: &[Piece]| -> Vec<Vec<usize>> {
        let of = |set: &str| (0..pieces.len()).filter(|index| pieces[*index].set == set).collect();
        SETS.map(|(set, _)| of(set)).to_vec()
    };
    let mut task = Pieces {
        learn_by_set: by_set(&learn),
        develop_by_set: by_set(&develop),
        learn,
        develop,
        seed: options.seed,
        dropout: options.dropout,
    };
    let graph = course.train(graph, &mut task)?;
    let weights = export(&graph, &options.out, "arranger", |bytes, hash| {
        ArrangerNet::load(bytes, hash).map(|_| ()).map_err(Into::into)
    })?;
    let stopped =
        format!("stopped at step {} of {}; weights in {}", course.step(), options.steps, weights.display());
    course.say(&stopped, "")
}

/// Pieces to learn from and to develop on.
struct Pieces {
    learn: Vec<Piece>,
    develop: Vec<Piece>,
    learn_by_set: Vec<Vec<usize>>,
    develop_by_set: Vec<Vec<usize>>,
    seed: u64,
    dropout: f64,
}

/// A piece, drawn in proportion to its length, and a bar of it.
fn draw<'a>(pieces: &'a [Piece], among: &[usize], rng: &mut Rng) -> (&'a Piece, usize) {
    let bars: usize = among.iter().map(|index| pieces[*index].bars()).sum();
    let mut at = rng.below(bars);
    for index in among {
        let piece = &pieces[*index];
        if at < piece.bars() {
            // The last bars of a piece are not begun in, if there are others.
            let last = (piece.steps.len().saturating_sub(STEPS)).div_ceil(piece.per_bar);
            return (piece, at.min(last));
        }
        at -= piece.bars();
    }
    (&pieces[among[0]], 0)
}

impl Task for Pieces {
    type Graph = Graph;
    const LOSSES: [&str; 2] = ["choices", "touch"];
    const MEASURE: &str = "likelihood of what was played in a sixteenth";

    fn losses(&mut self, graph: &Graph, step: u64, device: &Device) -> [Tensor<1>; 2] {
        let mut rng = Rng::keyed(&[self.seed, 0xa44a, step]);
        let all: f64 = SETS.iter().map(|(_, chance)| chance).sum();
        let lessons: Vec<Lesson> = (0..STRETCHES)
            .map(|_| {
                let mut at = rng.unit() * all;
                let set = SETS.iter().position(|(_, chance)| {
                    at -= chance;
                    at < 0.0
                });
                let (piece, bar) = draw(&self.learn, &self.learn_by_set[set.unwrap_or(0)], &mut rng);
                let mut lesson = Lesson::of(piece, bar, &mut Some(&mut rng));
                for _ in 0..rng.below(MOST_GUESTS + 1) {
                    let guests = &self.learn_by_set[rng.below(SETS.len())];
                    let (guest, bar) = draw(&self.learn, guests, &mut rng);
                    if (guest.per_bar, guest.per_beat) == (piece.per_bar, piece.per_beat) {
                        lesson.invite(Lesson::of(guest, bar, &mut Some(&mut rng)));
                    }
                }
                lesson
            })
            .collect();
        let keep = 1.0 - self.dropout;
        let drop = std::cell::RefCell::new(rng);
        let leave_out = |x: Tensor<3>| {
            let shape = x.dims();
            let mut rng = drop.borrow_mut();
            let mask: Vec<f32> = (0..shape.iter().product::<usize>())
                .map(|_| if rng.chance(keep) { (1.0 / keep) as f32 } else { 0.0 })
                .collect();
            x * Tensor::<3>::from_data(TensorData::new(mask, shape), device)
        };
        Batch::of(&lessons).losses(graph, device, &leave_out)
    }

    fn figures(&self, graph: &Graph) -> anyhow::Result<Vec<Figure>> {
        let device = Device::flex();
        let mut figures = Vec::new();
        for (set, among) in SETS.iter().zip(&self.develop_by_set).filter(|(_, among)| !among.is_empty()) {
            let mut rng = Rng::keyed(&[7]);
            let (mut sums, mut counts) = ([0.0f64; PARTS], [0.0f64; PARTS]);
            for _ in 0..MEASURED {
                let (piece, bar) = draw(&self.develop, among, &mut rng);
                let lesson = Lesson::of(piece, bar, &mut None);
                let told = lesson.told;
                let steps = lesson.steps.len() as f64;
                let by_group = Batch::of(&[lesson]).by_group(graph, &device)?;
                for (part, (_, voices)) in PART_VOICES.iter().enumerate() {
                    if voices.clone().any(|voice| told[voice]) {
                        sums[part] += voices.clone().map(|voice| by_group[voice]).sum::<f64>();
                        counts[part] += steps;
                    }
                }
            }
            let parts = PART_VOICES.iter().enumerate().filter(|(part, _)| counts[*part] > 0.0);
            let text: Vec<String> =
                parts.map(|(part, (name, _))| format!("{name} {:.4}", sums[part] / counts[part])).collect();
            let per_step = sums.iter().sum::<f64>() / counts.iter().copied().fold(1.0, f64::max);
            figures.push(Figure {
                set: set.0,
                share: (-per_step).exp(),
                text: format!("nats a sixteenth: {}", text.join(", ")),
            });
        }
        Ok(figures)
    }
}

/// Some bars of a piece.
struct Lesson {
    steps: Vec<Step>,
    frames: Vec<Frame>,
    /// Voices that are learnt from.
    told: [bool; VOICES],
    /// Voices that play.
    known: [bool; VOICES],
}

impl Lesson {
    /// Bars of a piece, as they are or, with random numbers, with some of it not told.
    fn of(piece: &Piece, bar: usize, rng: &mut Option<&mut Rng>) -> Self {
        let from = bar * piece.per_bar;
        let to = (from + STEPS).min(piece.steps.len());
        let mut steps: Vec<Step> = (from..to).map(|index| piece.step(index)).collect();
        if let Some(rng) = rng {
            leave_untold(&mut steps, piece.per_bar, rng);
        }
        let (told, known) = (piece.told, piece.known);
        Self { steps, frames: piece.played.frames[from..to].to_vec(), told, known }
    }

    /// Lets those play along who do not play here but elsewhere: nobody recorded drummers, quartets and singers together,
    /// and yet the network has to know each of them in company.
    fn invite(&mut self, guest: Self) {
        let new: Vec<usize> = (0..PARTS)
            .filter(|part| {
                let voices = &PART_VOICES[*part].1;
                voices.clone().all(|voice| !self.known[voice]) && guest.known[voices.start]
            })
            .collect();
        for part in &new {
            PART_VOICES[*part].1.clone().for_each(|voice| self.known[voice] = guest.known[voice]);
        }
        let both = self.steps.iter_mut().zip(&mut self.frames);
        for ((step, frame), (other, played)) in both.zip(guest.steps.iter().zip(&guest.frames)) {
            if step.chord.is_none() {
                (step.chord, step.sung) = (other.chord, other.sung);
            }
            for part in &new {
                take_over(frame, played, *part);
                take_over(&mut step.played, &other.played, *part);
                if let (Some(before), Some(other)) = (&mut step.before, &other.before) {
                    take_over(before, other, *part);
                }
                let wish = &mut step.wish;
                wish.plays[*part] = true;
                wish.styles[*part] = other.wish.styles[*part];
                wish.densities[*part] = other.wish.densities[*part];
                match part {
                    0 => wish.level = other.wish.level,
                    1 => step.sounding[0] = other.sounding[0],
                    2 => step.since_stroke = other.since_stroke,
                    _ => step.sounding[1..].copy_from_slice(&other.sounding[1..]),
                }
            }
        }
    }
}

/// Takes over what a part plays.
fn take_over(frame: &mut Frame, other: &Frame, part: usize) {
    let voices = PART_VOICES[part].1.clone();
    frame.choices[voices.clone()].copy_from_slice(&other.choices[voices]);
    if part == 0 {
        (frame.levels, frame.shifts) = (other.levels, other.shifts);
    }
}

/// Leaves strokes of the drums and of the guitar out of what is remembered. A network that trusts all that it has played
/// plays less and less: what is asked for has to count, too.
fn forget(played: &mut Frame, share: f64, rng: &mut Rng) {
    for voice in (0..KIT).chain([GUITAR]) {
        if played.choices[voice] != 0 && rng.chance(share) {
            played.choices[voice] = 0;
            if voice < KIT {
                (played.levels[voice], played.shifts[voice]) = (0, (SHIFTS / 2) as u8);
            }
        }
    }
}

fn leave_untold(steps: &mut [Step], per_bar: usize, rng: &mut Rng) {
    let no_wish: [bool; PARTS] = std::array::from_fn(|_| rng.chance(NO_WISH));
    let no_style: [bool; PARTS] = std::array::from_fn(|_| rng.chance(NO_STYLE));
    let (no_level, no_before) = (rng.chance(NO_WISH), rng.chance(NO_BEFORE));
    // A live singer is not heard from some bar on, and is taken to sing where nothing else is known.
    let unheard = if rng.chance(NO_TONES) { rng.below(STEPS / per_bar + 1) * per_bar } else { STEPS };
    let goes_on = rng.chance(0.5);
    let no_return = rng.chance(NO_RETURN);
    let forgotten = if rng.chance(FORGETS) { MOST_FORGOTTEN * rng.unit() } else { 0.0 };
    for (index, step) in steps.iter_mut().enumerate() {
        for part in 0..PARTS {
            if no_wish[part] {
                step.wish.densities[part] = None;
            }
            if no_style[part] {
                step.wish.styles[part] = None;
            }
        }
        if no_level {
            step.wish.level = None;
        }
        if no_before {
            (step.before, step.comes_back) = (None, false);
        }
        step.comes_back &= !no_return;
        forget(&mut step.played, forgotten, rng);
        if index >= unheard {
            step.sung = step.sung.map(|sung| Sung {
                moment: if goes_on { 0 } else { sung.moment },
                until: if goes_on { 4.0 } else { sung.until },
                ..Sung::default()
            });
        }
    }
}

/// Lessons of one length; shorter ones are filled up with steps that do not count.
struct Batch {
    songs: usize,
    length: usize,
    features: Vec<f32>,
    chosen: Vec<f32>,
    targets: Vec<f32>,
    counts: Vec<f32>,
}

impl Batch {
    fn of(lessons: &[Lesson]) -> Self {
        let length = lessons.iter().map(|lesson| lesson.steps.len()).max().unwrap_or(1);
        let songs = lessons.len();
        let rows = songs * length;
        let mut batch = Self {
            songs,
            length,
            features: vec![0.0; rows * FEATURES],
            chosen: vec![0.0; rows * CHOICE_VALUES],
            targets: vec![0.0; rows * HEAD_VALUES],
            counts: vec![0.0; rows * GROUPS],
        };
        for (song, lesson) in lessons.iter().enumerate() {
            for (index, (step, frame)) in lesson.steps.iter().zip(&lesson.frames).enumerate() {
                let row = song * length + index;
                step.write(&mut batch.features[row * FEATURES..]);
                batch.tell(row, frame, lesson);
            }
        }
        batch
    }

    fn tell(&mut self, row: usize, frame: &Frame, lesson: &Lesson) {
        let targets = &mut self.targets[row * HEAD_VALUES..(row + 1) * HEAD_VALUES];
        let counts = &mut self.counts[row * GROUPS..(row + 1) * GROUPS];
        for voice in (0..VOICES).filter(|voice| lesson.known[*voice]) {
            let choice = first_value(voice) + usize::from(frame.choices[voice]);
            self.chosen[row * CHOICE_VALUES + choice] = 1.0;
            if !lesson.told[voice] {
                continue;
            }
            targets[choice] = 1.0;
            counts[voice] = 1.0;
            if voice < KIT && frame.choices[voice] == 1 {
                targets[CHOICE_VALUES + voice * LEVELS + usize::from(frame.levels[voice])] = 1.0;
                let shift = voice * SHIFTS + usize::from(frame.shifts[voice]);
                targets[CHOICE_VALUES + KIT * LEVELS + shift] = 1.0;
                counts[VOICES + voice] = 1.0;
                counts[VOICES + KIT + voice] = 1.0;
            }
        }
    }

    /// What every group of values of every step costs: steps x groups, 0 where it is not told.
    fn costs(&self, graph: &Graph, device: &Device, drop: &dyn Fn(Tensor<3>) -> Tensor<3>) -> Tensor<2> {
        let rows = self.songs * self.length;
        let tensor = |values: &[f32], width: usize| {
            Tensor::<3>::from_data(TensorData::new(values.to_vec(), [self.songs, self.length, width]), device)
        };
        let features = tensor(&self.features, FEATURES);
        let answers = graph.forward(features, tensor(&self.chosen, CHOICE_VALUES), drop);
        let answers = answers.reshape([rows, HEAD_VALUES]);
        let most = answers.clone().detach().max_dim(1);
        let answers = answers - most;
        let groups = groups(device);
        // The logarithm of the sum within each group; what is chosen is taken from it.
        let sums = answers.clone().exp().matmul(groups.clone()).clamp_min(1e-30).log();
        let targets =
            Tensor::<2>::from_data(TensorData::new(self.targets.clone(), [rows, HEAD_VALUES]), device);
        let counts = Tensor::<2>::from_data(TensorData::new(self.counts.clone(), [rows, GROUPS]), device);
        sums * counts - (answers * targets).matmul(groups)
    }

    /// Mean cost of a step: of its choices, and of levels and shifts.
    fn losses(
        &self,
        graph: &Graph,
        device: &Device,
        drop: &dyn Fn(Tensor<3>) -> Tensor<3>,
    ) -> [Tensor<1>; 2] {
        let costs = self.costs(graph, device, drop);
        let weights = |of: std::ops::Range<usize>, weight: f32| {
            let row: Vec<f32> =
                (0..GROUPS).map(|group| if of.contains(&group) { weight } else { 0.0 }).collect();
            Tensor::<2>::from_data(TensorData::new(row, [1, GROUPS]), device)
        };
        let steps = self.counts.chunks_exact(GROUPS).filter(|row| row.contains(&1.0)).count().max(1) as f64;
        let choices = (costs.clone() * weights(0..VOICES, 1.0)).sum() / steps;
        [choices, (costs * weights(VOICES..GROUPS, TOUCH as f32)).sum() / steps]
    }

    /// What each group costs in all steps together.
    fn by_group(&self, graph: &Graph, device: &Device) -> anyhow::Result<Vec<f64>> {
        let costs: Vec<f32> =
            self.costs(graph, device, &|x| x).into_data().try_to_vec().map_err(|e| anyhow!("{e:?}"))?;
        let mut sums = vec![0.0; GROUPS];
        for row in costs.chunks_exact(GROUPS) {
            sums.iter_mut().zip(row).for_each(|(sum, cost)| *sum += f64::from(*cost));
        }
        Ok(sums)
    }
}

/// Which values belong together: values x groups.
fn groups(device: &Device) -> Tensor<2> {
    let kit = [LEVELS, SHIFTS].into_iter().flat_map(|of| std::iter::repeat_n(of, KIT));
    let (mut member, mut at) = (vec![0.0f32; HEAD_VALUES * GROUPS], 0);
    for (group, of) in CHOICES.into_iter().chain(kit).enumerate() {
        for value in at..at + of {
            member[value * GROUPS + group] = 1.0;
        }
        at += of;
    }
    Tensor::from_data(TensorData::new(member, [HEAD_VALUES, GROUPS]), device)
}
