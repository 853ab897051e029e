//! What is measured of a recording to tell what it holds.

use std::collections::VecDeque;

use super::Separator;
use super::clarity::{Clarity, ClarityMeter, FRAME};
use super::percussive::Percussive;
use crate::audio::{ResampleError, Resampler, StereoBlock};
use crate::limits::LISTEN_HZ;
use crate::time::Hz;

/// Samples between two frames: 20 ms.
const HOP: usize = 320;
/// Level that is silence, in dB relative to full scale.
const SILENT_DB: f32 = -120.0;
/// A frame is loud within so many dB of the loudest ones, and part of a gap so many below them.
const LOUD_DB: f32 = 25.0;
const GAP_DB: f32 = 40.0;
/// Clarity from which a frame has one pitch, and that which is asked of what is left of a mix.
const CLEAR: f32 = 0.8;
const LEFT_CLEAR: f32 = 0.6;
/// How far what is left may lie below the mix, in dB.
const LEFT_DB: f32 = 20.0;
/// Frames of a stretch of pitch, at least, and how far the pitch may move from one to the next, in octaves.
const RUN_FRAMES: usize = 6;
const RUN_OCTAVES: f32 = 0.8 / 12.0;
/// Least that the pitch moves within such a stretch, in cents: what moves less is an instrument.
const MOVES_CENTS: f32 = 20.0;

/// What was measured, of the loud frames where nothing else is said. Shares are between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Heard {
    /// Length in seconds.
    pub duration_s: f64,
    /// Level of the loudest frames (95 % are quieter), in dB relative to full scale.
    pub loud_dbfs: f64,
    /// Level of the difference of both channels beside that of their mean, in dB; -120 where they are equal.
    pub side_db: f64,
    /// Share of all frames that are 40 dB below the loud ones: breaths and rests.
    pub gap_share: f64,
    /// Share of frames that have one clear pitch.
    pub one_pitch_share: f64,
    /// Mean clarity.
    pub clarity: f64,
    /// Energy below 75 Hz beside all, in dB.
    pub bass_db: f64,
    /// Energy of what neither stands still nor strikes beside all, in dB.
    pub moving_db: f64,
    /// Share of frames in which that has a pitch that goes on.
    pub sung_share: f64,
    /// Share of frames in which such a pitch moves as well.
    pub gliding_share: f64,
}

/// A frame that was measured.
#[derive(Debug, Clone, Copy)]
struct Frame {
    level_db: f32,
    mix: Clarity,
    left_db: f32,
    left: Clarity,
}

/// Measures a recording block by block.
#[derive(Debug)]
pub struct InputMeter {
    resampler: Resampler,
    interleaved: Vec<f32>,
    converted: Vec<f32>,
    separator: Percussive,
    meter: ClarityMeter,
    /// What is at 16 kHz and not measured yet: the mix, as late as what is left of it, and the latter.
    mix: VecDeque<f32>,
    left: VecDeque<f32>,
    frames: Vec<Frame>,
    energies: Energies,
    samples: u64,
}

/// Sums of squares.
#[derive(Debug, Default)]
struct Energies {
    middle: f64,
    side: f64,
    bass: f64,
    left: f64,
    /// State of the filter that bass is measured through: two one-pole low-passes.
    low: [f64; 2],
}

impl InputMeter {
    /// For a recording at a rate.
    pub fn new(rate: Hz) -> Result<Self, ResampleError> {
        let separator = Percussive::new(Hz(LISTEN_HZ));
        let late = separator.latency().0.max(0) as usize;
        Ok(Self {
            resampler: Resampler::new(rate, Hz(LISTEN_HZ), 2)?,
            interleaved: Vec::new(),
            converted: Vec::new(),
            separator,
            meter: ClarityMeter::new(),
            mix: std::iter::repeat_n(0.0, late).collect(),
            left: VecDeque::new(),
            frames: Vec::new(),
            energies: Energies::default(),
            samples: 0,
        })
    }

    /// Takes a block of the recording.
    pub fn push(&mut self, left: &[f32], right: &[f32]) {
        self.interleaved.clear();
        self.interleaved.extend(left.iter().zip(right).flat_map(|(left, right)| [*left, *right]));
        self.converted.clear();
        self.resampler.push(&self.interleaved, &mut self.converted);
        self.take();
    }

    /// What was measured of all of it.
    pub fn finish(mut self) -> Heard {
        self.converted.clear();
        self.resampler.finish(&mut self.converted);
        self.take();
        let duration_s = self.samples as f64 / f64::from(LISTEN_HZ);
        // Silence until what is left of the last frame is out; that adds nothing to the energies.
        self.converted.clear();
        self.converted.resize(2 * self.separator.latency().0.max(0) as usize, 0.0);
        self.take();
        Heard { duration_s, ..summary(&self.frames, &self.energies) }
    }

    fn take(&mut self) {
        let pairs = self.converted.chunks_exact(2);
        self.samples += pairs.len() as u64;
        let (mut left, mut right): (Vec<f32>, Vec<f32>) = pairs.map(|pair| (pair[0], pair[1])).unzip();
        for (left, right) in left.iter().zip(&right) {
            let middle = 0.5 * left + 0.5 * right;
            self.energies.add(middle, 0.5 * left - 0.5 * right);
            self.mix.push_back(middle);
        }
        self.separator.process(&mut StereoBlock { left: &mut left, right: &mut right });
        for (left, right) in left.iter().zip(&right) {
            let middle = 0.5 * left + 0.5 * right;
            self.energies.left += f64::from(middle).powi(2);
            self.left.push_back(middle);
        }
        let mut frame = [0.0; FRAME];
        while self.left.len() >= FRAME {
            frame.iter_mut().zip(&self.mix).for_each(|(to, from)| *to = *from);
            let (level_db, mix) = (level_db(&frame), self.meter.of(&frame));
            frame.iter_mut().zip(&self.left).for_each(|(to, from)| *to = *from);
            let (left_db, left) = (self::level_db(&frame), self.meter.of(&frame));
            self.frames.push(Frame { level_db, mix, left_db, left });
            self.mix.drain(..HOP);
            self.left.drain(..HOP);
        }
    }
}

impl Energies {
    fn add(&mut self, middle: f32, side: f32) {
        // One-pole low-passes at 75 Hz.
        const KEPT: f64 = 0.970_98;
        let middle = f64::from(middle);
        self.middle += middle * middle;
        self.side += f64::from(side).powi(2);
        self.low[0] += (1.0 - KEPT) * (middle - self.low[0]);
        self.low[1] += (1.0 - KEPT) * (self.low[0] - self.low[1]);
        self.bass += self.low[1] * self.low[1];
    }
}

fn level_db(frame: &[f32]) -> f32 {
    let power = frame.iter().map(|x| x * x).sum::<f32>() / frame.len() as f32;
    (10.0 * (power + 1e-12).log10()).max(SILENT_DB)
}

/// A power beside another, in dB.
fn beside_db(part: f64, whole: f64) -> f64 {
    (10.0 * ((part + 1e-20) / (whole + 1e-20)).log10()).clamp(f64::from(SILENT_DB), 120.0)
}

fn summary(frames: &[Frame], energies: &Energies) -> Heard {
    let mut levels: Vec<f32> = frames.iter().map(|frame| frame.level_db).collect();
    levels.sort_by(f32::total_cmp);
    let loud_db = levels.get(levels.len() * 95 / 100).copied().unwrap_or(SILENT_DB);
    let is_loud = |frame: &&Frame| frame.level_db > loud_db - LOUD_DB && frame.level_db > SILENT_DB;
    let loud: Vec<&Frame> = frames.iter().filter(is_loud).collect();
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let (sung, gliding) = runs(frames, loud_db);
    Heard {
        duration_s: 0.0,
        loud_dbfs: f64::from(loud_db),
        side_db: beside_db(energies.side, energies.middle),
        gap_share: share(levels.iter().filter(|level| **level < loud_db - GAP_DB).count(), levels.len()),
        one_pitch_share: share(loud.iter().filter(|frame| frame.mix.clarity > CLEAR).count(), loud.len()),
        clarity: loud.iter().map(|frame| f64::from(frame.mix.clarity)).sum::<f64>()
            / loud.len().max(1) as f64,
        bass_db: beside_db(energies.bass, energies.middle),
        moving_db: beside_db(energies.left, energies.middle),
        sung_share: share(sung, loud.len()),
        gliding_share: share(gliding, loud.len()),
    }
}

/// Frames in stretches of a pitch that goes on in what is left, and those in stretches where it moves.
fn runs(frames: &[Frame], loud_db: f32) -> (usize, usize) {
    let is_sung = |frame: &Frame| {
        let is_near = frame.left_db > frame.level_db - LEFT_DB && frame.left_db > loud_db - LOUD_DB - LEFT_DB;
        frame.left.clarity > LEFT_CLEAR && is_near && frame.level_db > loud_db - LOUD_DB
    };
    let (mut sung, mut gliding, mut run) = (0, 0, Vec::new());
    let mut end = |run: &mut Vec<f32>| {
        if run.len() >= RUN_FRAMES {
            sung += run.len();
            if moves(run) {
                gliding += run.len();
            }
        }
        run.clear();
    };
    for frame in frames {
        let hz = frame.left.hz;
        let goes_on = run.last().is_none_or(|last: &f32| (hz / last).log2().abs() < RUN_OCTAVES);
        if !is_sung(frame) {
            end(&mut run);
            continue;
        }
        if !goes_on {
            end(&mut run);
        }
        run.push(hz);
    }
    end(&mut run);
    (sung, gliding)
}

/// Whether a pitch moves: by the spread of the middle four fifths of its frames.
fn moves(run: &[f32]) -> bool {
    let mut sorted = run.to_vec();
    sorted.sort_by(f32::total_cmp);
    let (low, high) = (sorted[sorted.len() / 10], sorted[sorted.len() - 1 - sorted.len() / 10]);
    1200.0 * (high / low).log2() > MOVES_CENTS
}
