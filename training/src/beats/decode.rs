//! Beats and bars from what the network answers: a hidden Markov model of the bar pointer (Whiteley, Cemgil & Godsill,
//! ISMIR 2006) with the tempo states of Krebs, Böck & Widmer (ISMIR 2015), in which a beat may also be held.

use collavoce::follow::rhythm::Expectation;
use collavoce_data::stated::Pulse;

use super::net::{ANSWERS, FRAME_S};

/// Length of a step in seconds.
pub const STEP_S: f64 = FRAME_S / ANSWERS as f64;
/// Shortest and longest beat period in seconds, and the ratio of neighbouring ones.
const PERIODS_S: (f64, f64) = (0.3, 1.4);
const PERIOD_STEP: f64 = 1.05;
/// Preferred beat period in seconds, and the standard deviation around it in octaves.
const PREFERRED_PERIOD_S: (f64, f64) = (0.62, 0.5);
/// Share of steps at which a beat sounds, as the network has learnt it.
const BEATS: f64 = 0.065;

/// What is chosen on songs that were not trained on.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// Mean change of the period from beat to beat, as a log ratio.
    change: f64,
    /// Share of beats that are held, and of held steps after which they still are.
    held: (f64, f64),
    /// Weight of the network's beats and of its bar lines.
    weights: (f64, f64),
}

/// What suits the network that knows the whole take, and the one that does not.
pub const OFFLINE: Choice = Choice { change: 0.05, held: (0.1, 0.95), weights: (0.9, 1.0) };
pub const CAUSAL: Choice = Choice { change: 0.035, held: (0.05, 0.95), weights: (0.7, 0.7) };

/// Where a path came from at one step.
#[derive(Debug, Default, Clone)]
struct Origins {
    /// By block and tempo: the tempo before the beat that begins here.
    tempi: Vec<u8>,
    /// By block and tempo: whether a beat that ends here was held.
    was_held: Vec<bool>,
    /// By block and tempo: whether a held beat began to be held here.
    is_new: Vec<bool>,
}

/// The hidden Markov model: by block (a beat of a metre's bar) and tempo, the steps of the beat and one in which it is held.
pub struct Bars {
    choice: Choice,
    /// (beats of the bar, place) of each block.
    blocks: Vec<(usize, usize)>,
    /// Steps of a beat, by tempo.
    lengths: Vec<usize>,
    /// First state of a tempo within a block.
    firsts: Vec<usize>,
    states: usize,
    /// From tempo to tempo.
    moves: Vec<f64>,
    /// Likelihood of every state: of its best path or of all of them.
    likely: Vec<f64>,
    /// Whether paths are followed, and whence they came.
    origins: Option<Vec<Origins>>,
    steps: usize,
}

impl Bars {
    /// Nothing is known; `is_path` where the best path is wanted in the end, else the likeliest state at any time.
    pub fn new(choice: Choice, is_path: bool) -> Self {
        let mut blocks = Vec::new();
        let mut starts = Vec::new();
        for (meter, probability) in Expectation::default().meters {
            let per_bar = meter.beats_per_bar();
            blocks.extend((0..per_bar).map(|place| (per_bar, place)));
            starts.extend((0..per_bar).map(|_| probability / per_bar as f64));
        }
        let mut lengths: Vec<usize> = Vec::new();
        let mut period_s = PERIODS_S.0;
        while period_s < PERIODS_S.1 {
            lengths.push((period_s / STEP_S).round() as usize);
            period_s = (period_s * PERIOD_STEP).max(period_s + STEP_S);
        }
        let mut firsts = Vec::new();
        let mut states = 0;
        for length in &lengths {
            firsts.push(states);
            states += length + 1;
        }
        let mut moves = Vec::new();
        for from in &lengths {
            let odds =
                lengths.iter().map(|to| (-(*to as f64 / *from as f64).ln().abs() / choice.change).exp());
            let all: f64 = odds.clone().sum();
            moves.extend(odds.map(|odds| odds / all));
        }
        let mut likely = Vec::with_capacity(blocks.len() * states);
        for start in starts {
            for length in &lengths {
                let octaves = (*length as f64 * STEP_S / PREFERRED_PERIOD_S.0).log2() / PREFERRED_PERIOD_S.1;
                let share = start * (-0.5 * octaves * octaves).exp() / *length as f64;
                likely.extend((0..=*length).map(|_| share));
            }
        }
        let origins = is_path.then(Vec::new);
        Self { choice, blocks, lengths, firsts, states, moves, likely, origins, steps: 0 }
    }

    fn block_before(&self, block: usize) -> usize {
        let (per_bar, place) = self.blocks[block];
        if place == 0 { block + per_bar - 1 } else { block - 1 }
    }

    /// The next step: probabilities of a beat and of a bar line at it.
    pub fn hear(&mut self, beat: f64, bar: f64) {
        let tempi = self.lengths.len();
        let (held, still) = self.choice.held;
        let beat = beat.clamp(1e-3, 0.999);
        let bar = (bar / beat).clamp(0.03, 0.97);
        let odds = (beat / (1.0 - beat) * (1.0 - BEATS) / BEATS).powf(self.choice.weights.0);
        let of_place =
            |is_bar: bool| odds * (2.0 * if is_bar { bar } else { 1.0 - bar }).powf(self.choice.weights.1);
        let is_path = self.origins.is_some();
        let join = |a: f64, b: f64| if is_path { a.max(b) } else { a + b };
        let count = self.blocks.len() * tempi;
        let mut origins =
            Origins { tempi: vec![0; count], was_held: vec![false; count], is_new: vec![false; count] };
        let mut ends = vec![0.0; count];
        for (at, end) in ends.iter_mut().enumerate() {
            let (block, tempo) = (at / tempi, at % tempi);
            let (first, length) = (block * self.states + self.firsts[tempo], self.lengths[tempo]);
            let beat = &mut self.likely[first..=first + length];
            let (last, waits) = (beat[length - 1], beat[length]);
            *end = join(last * (1.0 - held), waits * (1.0 - still));
            origins.was_held[at] = waits * (1.0 - still) > last * (1.0 - held);
            origins.is_new[at] = last * held > waits * still;
            beat.copy_within(0..length - 1, 1);
            beat[length] = join(last * held, waits * still);
        }
        for block in 0..self.blocks.len() {
            let before = &ends[self.block_before(block) * tempi..][..tempi];
            let odds = of_place(self.blocks[block].1 == 0);
            for to in 0..tempi {
                let (mut sum, mut most, mut from) = (0.0, 0.0, 0);
                for (tempo, end) in before.iter().enumerate() {
                    let way = end * self.moves[tempo * tempi + to];
                    sum += way;
                    if way > most {
                        (most, from) = (way, tempo);
                    }
                }
                origins.tempi[block * tempi + to] = from as u8;
                self.likely[block * self.states + self.firsts[to]] = odds * if is_path { most } else { sum };
            }
        }
        let most = self.likely.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        self.likely.iter_mut().for_each(|likely| *likely = (*likely / most).max(1e-200));
        if let Some(all) = &mut self.origins {
            all.push(origins);
        }
        self.steps += 1;
    }

    /// The likeliest beat and period now, places in the bar taken together.
    pub fn pulse(&self) -> Option<Pulse> {
        let step = self.steps.checked_sub(1)?;
        let of_blocks = |state: usize| {
            (0..self.blocks.len()).map(move |block| (block, self.likely[block * self.states + state]))
        };
        let all = |state: &usize| of_blocks(*state).map(|(_, likely)| likely).sum::<f64>();
        let state = (0..self.states).max_by(|a, b| all(a).total_cmp(&all(b)))?;
        let (block, _) = of_blocks(state).max_by(|a, b| a.1.total_cmp(&b.1))?;
        let tempo = self.firsts.partition_point(|first| *first <= state) - 1;
        let (per_bar, place) = self.blocks[block];
        let beat_s = (step as f64 - (state - self.firsts[tempo]) as f64 + 0.5) * STEP_S;
        Some(Pulse { beat_s, place, per_bar, period_s: self.lengths[tempo] as f64 * STEP_S })
    }

    /// Beats of the best path and those of them that begin a bar, in seconds.
    pub fn path(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut beats_s, mut downbeats_s) = (Vec::new(), Vec::new());
        let Some(origins) = self.origins.as_ref().filter(|origins| !origins.is_empty()) else {
            return (beats_s, downbeats_s);
        };
        let tempi = self.lengths.len();
        let best =
            (0..self.likely.len()).max_by(|a, b| self.likely[*a].total_cmp(&self.likely[*b])).unwrap_or(0);
        let (mut block, state) = (best / self.states, best % self.states);
        let mut tempo = self.firsts.partition_point(|first| *first <= state) - 1;
        let (mut step, mut phase) = (origins.len() - 1, state - self.firsts[tempo]);
        loop {
            if phase == self.lengths[tempo] {
                // Held: back to where that began.
                while step > 0 && !origins[step].is_new[block * tempi + tempo] {
                    step -= 1;
                }
                if step == 0 {
                    break;
                }
                (step, phase) = (step - 1, phase - 1);
            }
            let Some(beat) = step.checked_sub(phase).filter(|beat| *beat > 0) else { break };
            beats_s.push((beat as f64 + 0.5) * STEP_S);
            if self.blocks[block].1 == 0 {
                downbeats_s.push((beat as f64 + 0.5) * STEP_S);
            }
            tempo = usize::from(origins[beat].tempi[block * tempi + tempo]);
            block = self.block_before(block);
            let was_held = origins[beat].was_held[block * tempi + tempo];
            (step, phase) = (beat - 1, self.lengths[tempo] - usize::from(!was_held));
        }
        beats_s.reverse();
        downbeats_s.reverse();
        (beats_s, downbeats_s)
    }
}
