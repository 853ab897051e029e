//! Masks to compare with: what others do, and what would be known to an oracle.

use std::collections::VecDeque;

use collavoce::listen::{HOP_S, Observation};
use collavoce::separate::stft::{Complex, Frames, Mask, root_hann};
use collavoce::time::Hz;
use realfft::RealFftPlanner;

fn magnitudes(left: &[Complex<f32>], right: &[Complex<f32>]) -> Vec<f32> {
    left.iter().zip(right).map(|(l, r)| (l.norm_sqr() + r.norm_sqr()).sqrt()).collect()
}

/// REPET-SIM online: the backing is the median of the past frames that are most like this one (Rafii & Pardo, ISMIR 2013).
pub struct Repet {
    past: VecDeque<Vec<f32>>,
    most: usize,
    lowest: usize,
}

impl Repet {
    const MEMORY_S: f64 = 10.0;
    const LIKE: usize = 20;
    /// Frames between two that are taken.
    const APART: usize = 6;

    pub fn new(frames: Frames, rate: Hz) -> Self {
        let most = (Self::MEMORY_S * rate.as_f64() / frames.hop as f64) as usize;
        Self { past: VecDeque::new(), most, lowest: frames.within_hz(100.0, rate) }
    }
}

impl Mask for Repet {
    fn reset(&mut self) {
        self.past.clear();
    }

    fn process(&mut self, left: &[Complex<f32>], right: &[Complex<f32>], gains: &mut [f32]) {
        let now = magnitudes(left, right);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let norm = dot(&now, &now).sqrt().max(1e-12);
        let mut likeness: Vec<(f32, usize)> = self
            .past
            .iter()
            .enumerate()
            .map(|(index, frame)| (dot(frame, &now) / (norm * dot(frame, frame).sqrt().max(1e-12)), index))
            .collect();
        likeness.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut chosen: Vec<usize> = Vec::new();
        for (_, index) in likeness {
            if chosen.len() < Self::LIKE && chosen.iter().all(|other| other.abs_diff(index) >= Self::APART) {
                chosen.push(index);
            }
        }
        let mut values = Vec::with_capacity(chosen.len() + 1);
        for (bin, gain) in gains.iter_mut().enumerate() {
            values.clear();
            values.push(now[bin]);
            values.extend(chosen.iter().map(|index| self.past[*index][bin]));
            values.sort_by(f32::total_cmp);
            let repeats = values[values.len() / 2].min(now[bin]);
            *gain = if bin < self.lowest { 0.0 } else { 1.0 - repeats / now[bin].max(1e-12) };
        }
        self.past.push_back(now);
        if self.past.len() > self.most {
            self.past.pop_front();
        }
    }
}

/// Keeps the partials of a pitch.
pub struct Comb {
    pitch: Vec<Observation>,
    frames: Frames,
    rate: Hz,
    seen: usize,
}

impl Comb {
    /// Width of a partial's tooth to either side, in bins, and as a share of its frequency.
    const HALF_BINS: f64 = 2.0;
    const HALF_SHARE: f64 = 0.02;

    pub fn new(pitch: Vec<Observation>, frames: Frames, rate: Hz) -> Self {
        Self { pitch, frames, rate, seen: 0 }
    }
}

impl Mask for Comb {
    fn reset(&mut self) {
        self.seen = 0;
    }

    fn process(&mut self, _: &[Complex<f32>], _: &[Complex<f32>], gains: &mut [f32]) {
        self.seen += 1;
        let centre = (self.seen * self.frames.hop) as f64 - self.frames.size as f64 / 2.0;
        gains.fill(0.0);
        let at = (centre / self.rate.as_f64() / HOP_S).round().max(0.0) as usize;
        let Some(pitch) = self.pitch.get(at).filter(|pitch| pitch.voiced && pitch.f0_hz > 0.0) else {
            return;
        };
        let bin_hz = self.rate.as_f64() / self.frames.size as f64;
        let f0_bins = f64::from(pitch.f0_hz) / bin_hz;
        for partial in 1..(gains.len() as f64 / f0_bins) as usize {
            let middle = partial as f64 * f0_bins;
            let half = (Self::HALF_SHARE * middle)
                .max(Self::HALF_BINS)
                .min(0.45 * f0_bins.max(2.0 * Self::HALF_BINS));
            let (low, high) = ((middle - half).ceil().max(0.0) as usize, (middle + half) as usize);
            for gain in &mut gains[low..=high.min(self.frames.bins() - 1)] {
                *gain = 1.0;
            }
        }
    }
}

/// The ratio of the true powers of voice and of all.
pub struct Oracle {
    gains: Vec<Vec<f32>>,
    seen: usize,
}

impl Oracle {
    pub fn new(voice: &[f32], backing: &[f32], frames: Frames) -> anyhow::Result<Self> {
        let (voice, backing) = (powers(voice, frames)?, powers(backing, frames)?);
        let gains = voice
            .iter()
            .zip(&backing)
            .map(|(voice, backing)| voice.iter().zip(backing).map(|(v, b)| v / (v + b).max(1e-20)).collect())
            .collect();
        Ok(Self { gains, seen: 0 })
    }
}

/// Powers by frame and bin, of the frames that a mask sees.
fn powers(samples: &[f32], frames: Frames) -> anyhow::Result<Vec<Vec<f32>>> {
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(frames.size);
    let (mut time, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
    let mut out = Vec::new();
    for frame in 1..=(samples.len() + frames.size).div_ceil(frames.hop) {
        let first = (frame * frames.hop) as isize - frames.size as isize;
        for (n, to) in time.iter_mut().enumerate() {
            let sample = usize::try_from(first + n as isize).ok().and_then(|at| samples.get(at));
            *to = sample.copied().unwrap_or(0.0) * root_hann(n, frames.size);
        }
        fft.process(&mut time, &mut spectrum)?;
        out.push(spectrum.iter().map(|bin| bin.norm_sqr()).collect());
    }
    Ok(out)
}

impl Mask for Oracle {
    fn reset(&mut self) {
        self.seen = 0;
    }

    fn process(&mut self, _: &[Complex<f32>], _: &[Complex<f32>], gains: &mut [f32]) {
        match self.gains.get(self.seen) {
            Some(known) => gains.copy_from_slice(known),
            None => gains.fill(0.0),
        }
        self.seen += 1;
    }
}
