//! What is measured of a recording to tell what it holds.

use std::collections::VecDeque;

use super::net::{Isolator, IsolatorError};
use crate::audio::Resampler;
use crate::time::Hz;

/// Rate at which it is measured: the lowest that the network hears.
const RATE: Hz = Hz(24_000);
/// Samples of a frame: 20 ms.
const FRAME: usize = 480;
/// Level that is silence, in dB relative to full scale.
const SILENT_DB: f64 = -120.0;
/// A frame is loud within so many dB of the loudest ones.
const LOUD_DB: f64 = 25.0;

/// What was measured of the loud frames.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Heard {
    /// Length in seconds.
    pub duration_s: f64,
    /// Level of the loudest frames (95 % are quieter), in dB relative to full scale.
    pub loud_dbfs: f64,
    /// Level of the difference of both channels beside that of their sum, in dB; -120 where they are equal.
    pub side_db: f64,
    /// Level of what the network takes for the voice, beside all, in dB.
    pub voice_db: f64,
    /// Level of the rest, beside all, in dB.
    pub backing_db: f64,
}

/// Sums of squares of a frame.
#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    mix: f64,
    side: f64,
    voice: f64,
    backing: f64,
}

/// Measures a recording block by block.
#[derive(Debug)]
pub struct InputMeter {
    resampler: Resampler,
    interleaved: Vec<f32>,
    converted: Vec<f32>,
    isolator: Isolator,
    /// What the voice was taken from and is not measured yet, as late as the voice: left and right.
    mix: VecDeque<[f32; 2]>,
    frame: Frame,
    filled: usize,
    frames: Vec<Frame>,
    samples: u64,
}

impl InputMeter {
    /// For a recording at a rate.
    ///
    /// # Errors
    /// If the rate cannot be converted, or the network's weights were damaged.
    pub fn new(rate: Hz) -> Result<Self, IsolatorError> {
        let isolator = Isolator::usual(RATE)?;
        Ok(Self {
            resampler: Resampler::new(rate, RATE, 2)?,
            interleaved: Vec::new(),
            converted: Vec::new(),
            mix: std::iter::repeat_n([0.0; 2], isolator.latency().0.max(0) as usize).collect(),
            isolator,
            frame: Frame::default(),
            filled: 0,
            frames: Vec::new(),
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
        let duration_s = self.samples as f64 / RATE.as_f64();
        // Silence until the voice of the last frame is out.
        self.converted.clear();
        self.converted.resize(2 * self.isolator.latency().0.max(0) as usize, 0.0);
        self.take();
        Heard { duration_s, ..summary(&self.frames) }
    }

    fn take(&mut self) {
        let pairs = self.converted.chunks_exact(2);
        self.samples += pairs.len() as u64;
        let (mut left, mut right): (Vec<f32>, Vec<f32>) = pairs.map(|pair| (pair[0], pair[1])).unzip();
        self.mix.extend(left.iter().zip(&right).map(|(left, right)| [*left, *right]));
        self.isolator.process(&mut left, &mut right);
        self.isolator.take_heard();
        let power = |x: f32| f64::from(x).powi(2);
        for (left, right) in left.iter().zip(&right) {
            let Some(mix) = self.mix.pop_front() else { break };
            self.frame.mix += power(mix[0]) + power(mix[1]);
            self.frame.side += power(mix[0] - mix[1]);
            self.frame.voice += power(*left) + power(*right);
            self.frame.backing += power(mix[0] - left) + power(mix[1] - right);
            self.filled += 1;
            if self.filled == FRAME {
                self.filled = 0;
                self.frames.push(std::mem::take(&mut self.frame));
            }
        }
    }
}

/// A power beside another, in dB; that of silence where there is none.
fn beside_db(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (10.0 * (part / whole).max(1e-30).log10()).clamp(SILENT_DB, 120.0) } else { SILENT_DB }
}

fn summary(frames: &[Frame]) -> Heard {
    let level_db = |frame: &Frame| (10.0 * (frame.mix / (2 * FRAME) as f64 + 1e-12).log10()).max(SILENT_DB);
    let mut levels: Vec<f64> = frames.iter().map(level_db).collect();
    levels.sort_by(f64::total_cmp);
    let loud_dbfs = levels.get(levels.len() * 95 / 100).copied().unwrap_or(SILENT_DB);
    let is_loud = |frame: &&Frame| level_db(frame) > loud_dbfs - LOUD_DB && level_db(frame) > SILENT_DB;
    let sum = |of: fn(&Frame) -> f64| frames.iter().filter(is_loud).map(of).sum::<f64>();
    let (mix, side) = (sum(|frame| frame.mix), sum(|frame| frame.side));
    Heard {
        duration_s: 0.0,
        loud_dbfs,
        side_db: beside_db(side, 2.0f64.mul_add(mix, -side)),
        voice_db: beside_db(sum(|frame| frame.voice), mix),
        backing_db: beside_db(sum(|frame| frame.backing), mix),
    }
}
