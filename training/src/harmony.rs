//! The training of the harmony network.

use std::path::PathBuf;

use anyhow::{anyhow, ensure};
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use collavoce::compose::harmony::{HarmonyNote, harmony_notes};
use collavoce::compose::model::slots::{SungBars, index_of, slots};
use collavoce::score::ChordSpan;
use collavoce::song::Rng;
use collavoce::time::{TickCount, Ticks};
use collavoce_data::songs::{self, Split};
use collavoce_data::tune::Tune;
use collavoce_models::harmony::{
    CHORDS, COLOURS, FEATURES, Graph, HarmonyNet, PLACE_FEATURES, Place, Slot, TRIADS, WIDTH,
};

use crate::checkpoint::export;
use crate::course::{Course, Figure, Pace, Task};

/// Songs in a step and slots of each.
const SONGS: usize = 16;
const SLOTS: usize = 64;
/// Steps over which the learning rate rises, and its height.
const RISE: u64 = 100;
const RATE: f64 = 2e-3;
/// Steps between two checkpoints with a validation.
const CHECK_EVERY: u64 = 500;
/// Idioms by set, and how often a song of it is drawn against the others.
const SETS: [(&str, f64); 4] =
    [("folk tunes", 1.0), ("lead sheets", 3.0), ("art songs", 0.5), ("chorales", 0.5)];
/// Counts of every move before any is counted, as shares of what is usual.
const BEFORE_MOVES: f64 = 4.0;

/// What to train and for how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder that holds `data/scores`.
    shared: PathBuf,
    /// Folder for checkpoints, log and weights; training goes on from what is there.
    #[arg(long)]
    out: PathBuf,
    /// Minutes after which this run stops, to be continued by another.
    #[arg(long, default_value_t = 75.0)]
    minutes: f64,
    /// Steps until the training is complete; the learning rate falls towards them.
    #[arg(long, default_value_t = 6_000)]
    steps: u64,
    /// Seed of all that is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of what a layer adds that is left out in training.
    #[arg(long, default_value_t = 0.2)]
    dropout: f64,
    /// Weight decay.
    #[arg(long, default_value_t = 0.05)]
    decay: f64,
}

/// A song to learn from.
struct Song {
    tune: Tune,
    idiom: usize,
    notes: Vec<HarmonyNote>,
}

/// Slots of a song with the chords that were written.
#[derive(Default)]
struct Lesson {
    slots: Vec<Slot>,
    /// None where no chord is written.
    chords: Vec<Option<usize>>,
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
    let (mut learn, mut develop) = (Vec::new(), Vec::new());
    let scores = options.shared.join("data/scores");
    let sheets = songs::read(&scores)?.into_iter().filter(|set| set.name != "art songs");
    for set in sheets.chain(songs::read_accompanied(&scores)?) {
        let Some(idiom) = SETS.iter().position(|(name, _)| *name == set.name) else { continue };
        for (split, tune) in set.tunes {
            let notes = harmony_notes(tune.melody.iter().copied(), tune.meter.beat());
            let song = Song { tune, idiom, notes };
            match split {
                Split::Learn => learn.push(song),
                Split::Develop => develop.push(song),
                Split::Validate => {}
            }
        }
    }
    ensure!(!learn.is_empty() && !develop.is_empty(), "no song to learn from");

    let plain = Device::flex();
    plain.seed(options.seed);
    let mut graph = Graph::new(&plain);
    // Parameters come to be when they are first used: here, in a fixed order.
    let _ = forward(&graph, &Batch::of(&[Lesson::empty()]), &plain, &|x| x);
    if !course.resume(&mut graph)? {
        graph.moves = Param::from_tensor(count_moves(&learn, &plain));
        let started = format!(
            "{} parameters, seed {}, {} steps, {} songs to learn from, {} to develop on",
            graph.num_params(),
            options.seed,
            options.steps,
            learn.len(),
            develop.len()
        );
        course.say(&started, "")?;
    }
    graph.moves = graph.moves.set_require_grad(false);
    let chances: Vec<f64> = learn.iter().map(|song| SETS[song.idiom].1).collect();
    let mut task = Songs {
        learn,
        develop,
        all: chances.iter().sum(),
        chances,
        seed: options.seed,
        dropout: options.dropout,
    };
    let graph = course.train(graph, &mut task)?;
    let weights = export(&graph, &options.out, "harmony", |bytes, hash| {
        HarmonyNet::load(bytes, hash).map(|_| ()).map_err(Into::into)
    })?;
    let stopped =
        format!("stopped at step {} of {}; weights in {}", course.step(), options.steps, weights.display());
    course.say(&stopped, "")
}

/// Songs to learn from and to develop on.
struct Songs {
    learn: Vec<Song>,
    develop: Vec<Song>,
    /// How often a song is drawn against the others, and the sum of that.
    chances: Vec<f64>,
    all: f64,
    seed: u64,
    dropout: f64,
}

impl Task for Songs {
    type Graph = Graph;
    const LOSSES: [&str; 2] = ["known", "foretold"];
    const MEASURE: &str = "share of slots whose likeliest triad is the written one, all known";

    fn losses(&mut self, graph: &Graph, step: u64, device: &Device) -> [Tensor<1>; 2] {
        let mut rng = Rng::keyed(&[self.seed, 0x4a12, step]);
        let lessons: Vec<Lesson> = (0..SONGS)
            .map(|_| {
                let mut at = rng.unit() * self.all;
                let drawn = self.chances.iter().position(|chance| {
                    at -= chance;
                    at < 0.0
                });
                self.learn[drawn.unwrap_or(0)].lesson(Some(&mut rng))
            })
            .collect();
        let batch = Batch::of(&lessons);
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
        let (both, next) = losses(graph, &batch, device, &leave_out);
        [both, next]
    }

    fn figures(&self, graph: &Graph) -> anyhow::Result<Vec<Figure>> {
        let sets = SETS.iter().enumerate();
        sets.map(|(idiom, (name, _))| figures(graph, &self.develop, idiom, name)).collect()
    }
}

impl Lesson {
    fn empty() -> Self {
        let place = Place { slot: 0, slots: 1, bar: 0, is_compound: false, is_minor: false, idiom: 0 };
        Self { slots: vec![Slot::unheard(place)], chords: vec![None] }
    }
}

impl Song {
    /// The song as it is written, or, with random numbers, a stretch of it as a singer and a listener might leave it.
    fn lesson(&self, rng: Option<&mut Rng>) -> Lesson {
        let tune = &self.tune;
        let mut notes = self.notes.clone();
        let (mut shift, mut fixed_share, mut unheard_share, mut bar_shift) = (0, 0.0, 0.0, 0);
        let mut rng = rng;
        if let Some(rng) = rng.as_deref_mut() {
            if rng.chance(0.5) {
                let (wrong, missing) = (0.06 * rng.unit(), 0.08 * rng.unit());
                notes.retain(|_| !rng.chance(missing));
                let late = tune.meter.beat().0 / 4;
                for note in &mut notes {
                    if rng.chance(wrong) {
                        note.pitch = if rng.chance(0.5) { note.pitch + 1 } else { note.pitch + 11 };
                    }
                    if rng.chance(0.1) {
                        note.start += TickCount(if rng.chance(0.5) { late } else { -late });
                        note.end = note.end.max(note.start + TickCount(late));
                    }
                }
                notes.sort_by_key(|note| note.start);
            }
            if rng.chance(0.05) {
                shift = 1;
            }
            if rng.chance(0.3) {
                fixed_share = 0.5 * rng.unit();
            }
            if rng.chance(0.3) {
                unheard_share = 0.4 * rng.unit();
            }
            if rng.chance(0.3) {
                bar_shift = rng.below(8) as i32;
            }
        }
        // Bar lines on another beat, now and then.
        let bar_one = Ticks(0) + tune.meter.beat() * shift;
        let phrases = tune.phrases();
        let timed = slots(&SungBars {
            key: tune.key,
            meter: tune.meter,
            idiom: self.idiom,
            bar_one,
            first: 0,
            bars: tune.bars,
            melody: &notes,
            phrases: &phrases,
            heard_until: Ticks(i64::MAX),
            fixed: &[],
            is_ending: true,
        });
        let mut lesson = Lesson::default();
        for timed in timed {
            let mut slot = timed.slot;
            slot.place.bar += bar_shift;
            let chord = written(&tune.chords, timed.start, timed.end).map(|chord| index_of(chord, tune.key));
            if let Some(rng) = rng.as_deref_mut() {
                if rng.chance(unheard_share) {
                    slot = Slot { ends_song: slot.ends_song, ..Slot::unheard(slot.place) };
                }
                if rng.chance(fixed_share) {
                    slot.chord = chord;
                }
            }
            lesson.slots.push(slot);
            lesson.chords.push(chord);
        }
        if let Some(rng) = rng.filter(|_| lesson.slots.len() > SLOTS) {
            let from = rng.below(lesson.slots.len() - SLOTS + 1);
            lesson.slots = lesson.slots[from..from + SLOTS].to_vec();
            lesson.chords = lesson.chords[from..from + SLOTS].to_vec();
        }
        lesson
    }
}

/// The chord that is written for most of a slot.
fn written(chords: &[ChordSpan], start: Ticks, end: Ticks) -> Option<collavoce::score::ChordSymbol> {
    let overlap = |span: &ChordSpan| (span.end().min(end) - span.start.max(start)).0;
    chords.iter().filter(|span| overlap(span) > 0).max_by_key(|span| overlap(span)).map(|span| span.chord)
}

/// How much likelier than by itself a triad follows another one, into a bar and within one.
fn count_moves(learn: &[Song], device: &Device) -> Tensor<2> {
    const TRIAD: usize = 12 * TRIADS;
    let mut moves = vec![0.0f64; 2 * TRIAD * TRIAD];
    let mut alone = vec![1.0f64; TRIAD];
    for song in learn {
        let lesson = song.lesson(None);
        let weight = SETS[song.idiom].1;
        for index in 1..lesson.slots.len() {
            let (Some(from), Some(to)) = (lesson.chords[index - 1], lesson.chords[index]) else { continue };
            let kind = usize::from(lesson.slots[index].place.slot > 0);
            moves[(kind * TRIAD + from / COLOURS) * TRIAD + to / COLOURS] += weight;
            alone[to / COLOURS] += weight;
        }
    }
    let all: f64 = alone.iter().sum();
    let mut odds = Vec::with_capacity(moves.len());
    for row in moves.chunks_exact(TRIAD) {
        let total: f64 = row.iter().sum();
        for (to, count) in row.iter().enumerate() {
            let usual = alone[to] / all;
            let share = (count + BEFORE_MOVES * usual) / (total + BEFORE_MOVES);
            odds.push((share / usual).ln() as f32);
        }
    }
    Tensor::from_data(TensorData::new(odds, [2 * TRIAD, TRIAD]), device)
}

/// Lessons of one length; shorter ones are filled up with slots that do not count.
struct Batch {
    songs: usize,
    slots: usize,
    onward: Vec<f32>,
    backward: Vec<f32>,
    places: Vec<f32>,
    chords: Vec<Option<usize>>,
    fixed: Vec<bool>,
    /// Where the answer to each slot lies among those of the stream that reads from the end.
    turned: Vec<i32>,
}

impl Batch {
    fn of(lessons: &[Lesson]) -> Self {
        let slots = lessons.iter().map(|lesson| lesson.slots.len()).max().unwrap_or(1);
        let songs = lessons.len();
        let mut batch = Self {
            songs,
            slots,
            onward: vec![0.0; songs * slots * FEATURES],
            backward: vec![0.0; songs * slots * FEATURES],
            places: vec![0.0; songs * slots * PLACE_FEATURES],
            chords: vec![None; songs * slots],
            fixed: vec![false; songs * slots],
            turned: (0..(songs * slots) as i32).collect(),
        };
        for (song, lesson) in lessons.iter().enumerate() {
            let length = lesson.slots.len();
            for (index, slot) in lesson.slots.iter().enumerate() {
                let at = song * slots + index;
                slot.write(&mut batch.onward[at * FEATURES..]);
                // The other stream reads the last slot first.
                let turned = song * slots + length - 1 - index;
                slot.write(&mut batch.backward[turned * FEATURES..]);
                batch.turned[at] = turned as i32;
                slot.place.write(&mut batch.places[at * PLACE_FEATURES..]);
                batch.chords[at] = lesson.chords[index];
                batch.fixed[at] = slot.chord.is_some();
            }
        }
        batch
    }
}

/// Logits of a batch, both with the whole song known and foretold: songs x slots x chords.
fn forward(
    graph: &Graph,
    batch: &Batch,
    device: &Device,
    drop: &dyn Fn(Tensor<3>) -> Tensor<3>,
) -> (Tensor<3>, Tensor<3>) {
    let Batch { songs, slots, .. } = *batch;
    let tensor = |values: &[f32], width: usize| {
        Tensor::<3>::from_data(TensorData::new(values.to_vec(), [songs, slots, width]), device)
    };
    let onward = graph.onward.forward(tensor(&batch.onward, FEATURES), drop);
    let backward = graph.backward.forward(tensor(&batch.backward, FEATURES), drop);
    let turned = Tensor::<1, Int>::from_data(TensorData::new(batch.turned.clone(), [songs * slots]), device);
    let backward = backward.reshape([songs * slots, WIDTH]).select(0, turned).reshape([songs, slots, WIDTH]);
    // What is answered to a slot foretells the next one; before the first there is no answer.
    let silence = Tensor::<3>::zeros([songs, 1, WIDTH], device);
    let before = Tensor::cat(vec![silence, onward.clone().slice([0..songs, 0..slots - 1])], 1);
    let next = graph.foretell(before, tensor(&batch.places, PLACE_FEATURES));
    (graph.judge(onward, backward), next)
}

/// Cross-entropy of the chords with the whole song known, and foretold.
fn losses(
    graph: &Graph,
    batch: &Batch,
    device: &Device,
    drop: &dyn Fn(Tensor<3>) -> Tensor<3>,
) -> (Tensor<1>, Tensor<1>) {
    let (both, next) = forward(graph, batch, device, drop);
    let rows = batch.songs * batch.slots;
    let loss = |logits: Tensor<3>| {
        let mut targets = vec![0.0_f32; rows * CHORDS];
        let mut count = 0.0f64;
        for (at, chord) in batch.chords.iter().enumerate() {
            // A chord that is fixed is told, not found.
            if let Some(chord) = chord.filter(|_| !batch.fixed[at]) {
                targets[at * CHORDS + chord] = 1.0;
                count += 1.0;
            }
        }
        let targets = Tensor::<2>::from_data(TensorData::new(targets, [rows, CHORDS]), device);
        let logs = activation::log_softmax(logits.reshape([rows, CHORDS]), 1);
        (logs * targets).sum().neg() / count.max(1.0)
    };
    (loss(both), loss(next))
}

/// How often the triad that is likeliest, or one of the likeliest three, is the written one, in the songs of an idiom.
fn figures(graph: &Graph, songs: &[Song], idiom: usize, set: &'static str) -> anyhow::Result<Figure> {
    let device = Device::flex();
    let mut found = [[0.0f64; 2]; 2];
    let mut slots = 0.0;
    for song in songs.iter().filter(|song| song.idiom == idiom) {
        let lesson = song.lesson(None);
        if lesson.slots.len() < 2 {
            continue;
        }
        let (both, next) = forward(graph, &Batch::of(std::slice::from_ref(&lesson)), &device, &|x| x);
        for (way, logits) in [both, next].into_iter().enumerate() {
            let logits: Vec<f32> = logits.into_data().try_to_vec().map_err(|e| anyhow!("{e:?}"))?;
            for (logits, chord) in logits.chunks_exact(CHORDS).zip(&lesson.chords) {
                let Some(chord) = chord.filter(|chord| chord / COLOURS % TRIADS < 2) else { continue };
                let triads: Vec<f32> = logits
                    .chunks_exact(COLOURS)
                    .map(|colours| colours.iter().map(|logit| logit.exp()).sum())
                    .collect();
                let better = triads.iter().filter(|odds| **odds > triads[chord / COLOURS]).count();
                found[way][0] += f64::from(u8::from(better == 0));
                found[way][1] += f64::from(u8::from(better < 3));
                slots += if way == 0 { 1.0 } else { 0.0 };
            }
        }
    }
    let [[known, known_three], [next, next_three]] =
        found.map(|way| way.map(|sum| sum / f64::max(slots, 1.0)));
    let text = format!(
        "known {known:.4}, among three {known_three:.4}; foretold {next:.4}, among three {next_three:.4}; {slots} slots"
    );
    Ok(Figure { set, share: known, text })
}
