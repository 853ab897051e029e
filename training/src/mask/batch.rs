//! What a step of the training sees: features of mixes, and what their masks, pitches and notes should be.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use collavoce::separate::net::{MixFeatures, root_hann};
use collavoce::song::Rng;
use collavoce::time::Hz;
use collavoce_data::voices::{RATE, Stored, TRUTH_PER_S};
use collavoce_models::mask::{
    BANDS, FEATURES, HOPS_HZ, LINES, LOWEST_MIDI, MASKS, PITCHES, PITCHES_PER_SEMITONE, band_edge,
};
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::mix::{self, Mix};

/// Sequences in a step, and frames in each.
pub const SEQUENCES: usize = 24;
pub const FRAMES: usize = 128;
/// Frames before them that features are warmed up with.
const LEAD: usize = 30;
const HOP: usize = (RATE / HOPS_HZ) as usize;
/// Batches that are made in advance.
const AHEAD: usize = 3;
/// Width of the pitch that is to be told, in places (standard deviation).
const BLUR: f32 = 1.2;
/// How far the voice may lie under the mix before it drowns, in dB.
const DROWNED_DB: f32 = -16.0;
/// Places of the pitch that is to be told, to either side.
const REACH: i32 = 4;

/// Sequences, frame by frame: the frames of one moment stand side by side.
#[derive(Default)]
pub struct Batch {
    /// Sequences.
    pub sequences: usize,
    /// [`FEATURES`] a frame.
    pub features: Vec<f32>,
    /// [`MASKS`] a frame, of the mix, of the voice, and what both have in common; they add up to 1 in the mix of a
    /// sequence.
    pub mix: Vec<f32>,
    pub voice: Vec<f32>,
    pub common: Vec<f32>,
    /// Roots of magnitudes, [`MASKS`] a frame, of mix, voice and backing; their mean is 1 in the mix of a sequence.
    pub mix_root: Vec<f32>,
    pub voice_root: Vec<f32>,
    pub backing_root: Vec<f32>,
    /// One a sequence: how much its voice counts, less where there is none.
    pub weight: Vec<f32>,
    /// [`PITCHES`] a frame: their sum is 1 where a pitch is to be told, else 0.
    pub pitch: Vec<f32>,
    /// One a frame: 1 where somebody sings, else -1; and how much it counts.
    pub voiced: Vec<f32>,
    pub voiced_counts: Vec<f32>,
    /// One a frame: 1 where a note begins, else -1.
    pub onset: Vec<f32>,
}

/// Features and truth of one sequence.
struct Sequence {
    features: Vec<f32>,
    mix: Vec<f32>,
    voice: Vec<f32>,
    common: Vec<f32>,
    backing: Vec<f32>,
    marks: Vec<Mark>,
}

#[derive(Clone, Copy)]
struct Mark {
    hz: f32,
    onset: bool,
}

impl Batch {
    /// The batch of a step; it depends on nothing else.
    pub fn draw(pairs: &[Stored], seed: u64, step: u64, sequences: usize) -> Self {
        let all: Vec<Sequence> = (0..sequences)
            .map(|number| {
                let mut rng = Rng::keyed(&[seed, 0x3a5c, step, number as u64]);
                let mix = mix::draw(&mut rng, pairs, (LEAD + FRAMES) * HOP);
                Sequence::of(&mix)
            })
            .collect();
        let mut batch = Self { sequences, ..Self::default() };
        let totals: Vec<f32> = all.iter().map(|one| one.mix.iter().sum::<f32>().max(1e-12)).collect();
        let roots: Vec<f32> = all
            .iter()
            .map(|one| {
                let sum: f32 = one.mix.iter().map(|power| power.sqrt().sqrt()).sum();
                (sum / one.mix.len() as f32).max(1e-6)
            })
            .collect();
        batch.weight = all
            .iter()
            .zip(&totals)
            .map(|(one, total)| if one.voice.iter().sum::<f32>() > 1e-4 * total { 1.0 } else { 0.3 })
            .collect();
        for frame in 0..FRAMES {
            for ((one, total), root) in all.iter().zip(&totals).zip(&roots) {
                batch.add(one, frame, *total, *root);
            }
        }
        batch
    }

    fn add(&mut self, one: &Sequence, frame: usize, total: f32, root: f32) {
        let lines = frame * MASKS..(frame + 1) * MASKS;
        self.features.extend_from_slice(&one.features[frame * FEATURES..(frame + 1) * FEATURES]);
        let scaled =
            |from: &[f32], to: &mut Vec<f32>| to.extend(from[lines.clone()].iter().map(|x| x / total));
        scaled(&one.mix, &mut self.mix);
        scaled(&one.voice, &mut self.voice);
        scaled(&one.common, &mut self.common);
        let rooted = |from: &[f32], to: &mut Vec<f32>| {
            to.extend(from[lines.clone()].iter().map(|x| x.sqrt().sqrt() / root))
        };
        rooted(&one.mix, &mut self.mix_root);
        rooted(&one.voice, &mut self.voice_root);
        rooted(&one.backing, &mut self.backing_root);
        let Mark { hz, onset } = one.marks[frame];
        let sum = |of: &[f32]| of[lines.clone()].iter().sum::<f32>() + 1e-12;
        let beside_db = 10.0 * (sum(&one.voice) / sum(&one.mix)).log10();
        let heard = hz > 0.0 && beside_db > DROWNED_DB;
        self.voiced.push(if hz > 0.0 { 1.0 } else { -1.0 });
        self.voiced_counts.push(if hz > 0.0 && !heard { 0.0 } else { 1.0 });
        self.onset.push(if onset { 1.0 } else { -1.0 });
        let from = self.pitch.len();
        self.pitch.resize(from + PITCHES, 0.0);
        if heard {
            let midi = 69.0 + 12.0 * (hz / 440.0).log2();
            let place = (midi - LOWEST_MIDI) * PITCHES_PER_SEMITONE;
            tell(place, &mut self.pitch[from..]);
        }
    }
}

/// Writes a blurred pitch; nothing where it lies beyond all pitches.
fn tell(place: f32, pitches: &mut [f32]) {
    let near = place.round() as i32;
    let weight = |index: i32| (-0.5 * ((index as f32 - place) / BLUR).powi(2)).exp();
    let inside = |index: i32| usize::try_from(index).ok().filter(|index| *index < PITCHES);
    if inside(near).is_none() {
        return;
    }
    let sum: f32 = (near - REACH..=near + REACH).map(weight).sum();
    for index in near - REACH..=near + REACH {
        if let Some(at) = inside(index) {
            pitches[at] = weight(index) / sum;
        }
    }
}

impl Sequence {
    fn of(mix: &Mix) -> Self {
        // The rate is one that fits.
        let mut features = MixFeatures::new(Hz(RATE)).unwrap_or_else(|error| unreachable!("{error}"));
        let mut voices = Spectra::new();
        let mut one = Self {
            features: Vec::with_capacity(FRAMES * FEATURES),
            mix: Vec::with_capacity(FRAMES * MASKS),
            voice: Vec::with_capacity(FRAMES * MASKS),
            common: Vec::with_capacity(FRAMES * MASKS),
            backing: Vec::with_capacity(FRAMES * MASKS),
            marks: Vec::with_capacity(FRAMES),
        };
        for frame in 0..LEAD + FRAMES {
            let hop = frame * HOP..(frame + 1) * HOP;
            let seen = features.process(&mix.mix[0][hop.clone()], &mix.mix[1][hop]);
            if frame < LEAD {
                continue;
            }
            one.features.extend_from_slice(seen);
            let [left, right] = features.spectra();
            // The window's second half is the hop.
            let voice = voices.of(&mix.voice[(frame - 1) * HOP..(frame + 1) * HOP]);
            one.add(left, right, voice);
            let middle = frame * HOP;
            let point = |at: usize| at * TRUTH_PER_S as usize / RATE as usize;
            let near = point(middle.saturating_sub(HOP / 2))..point(middle + HOP / 2) + 1;
            let onset = near.filter_map(|index| mix.truth.get(index)).any(|point| point.onset);
            one.marks.push(Mark { hz: mix.truth.get(point(middle)).map_or(0.0, |point| point.hz), onset });
        }
        one
    }

    fn add(&mut self, left: &[Complex<f32>], right: &[Complex<f32>], voice: &[Complex<f32>]) {
        let line = |index: usize| {
            let (x, s) = (0.5 * (left[index] + right[index]), voice[index]);
            [x.norm_sqr(), s.norm_sqr(), (x * s.conj()).re, (x - s).norm_sqr()]
        };
        let mut push = |[mix, voice, common, backing]: [f32; 4]| {
            self.mix.push(mix);
            self.voice.push(voice);
            self.common.push(common);
            self.backing.push(backing);
        };
        (0..LINES).for_each(|index| push(line(index)));
        for band in 0..BANDS {
            let mut sums = [0.0; 4];
            for index in band_edge(band)..band_edge(band + 1) {
                sums.iter_mut().zip(line(index)).for_each(|(sum, value)| *sum += value);
            }
            push(sums);
        }
    }
}

/// Spectra of a voice, in the windows of the features.
struct Spectra {
    shape: Vec<f32>,
    plan: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    lines: Vec<Complex<f32>>,
}

impl Spectra {
    fn new() -> Self {
        let plan = RealFftPlanner::new().plan_fft_forward(2 * HOP);
        Self { shape: root_hann(2 * HOP), input: vec![0.0; 2 * HOP], lines: plan.make_output_vec(), plan }
    }

    fn of(&mut self, samples: &[f32]) -> &[Complex<f32>] {
        for ((input, sample), shape) in self.input.iter_mut().zip(samples).zip(&self.shape) {
            *input = sample * shape;
        }
        // The lengths are those the plan asked for.
        if self.plan.process(&mut self.input, &mut self.lines).is_err() {
            self.lines.fill(Complex::default());
        }
        &self.lines
    }
}

/// Batches of one step after the other, made on a thread of its own.
pub struct Ahead {
    batches: Receiver<(u64, Batch)>,
}

impl Ahead {
    /// Begins with a step.
    pub fn start(pairs: Arc<Vec<Stored>>, seed: u64, first: u64) -> Self {
        let (sender, batches) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            let mut step = first;
            // It ends with the training.
            while sender.send((step, Batch::draw(&pairs, seed, step, SEQUENCES))).is_ok() {
                step += 1;
            }
        });
        Self { batches }
    }

    /// The batch of a step, which is the one behind that of the call before.
    pub fn batch(&self, step: u64) -> Option<Batch> {
        self.batches.recv().ok().filter(|(made, _)| *made == step).map(|(_, batch)| batch)
    }
}
