//! Which parts play in a recording already.
//!
//! Energies and their changes in frames of 64 ms, parted by medians over frames and over bins into what lasts and what strikes
//! (Fitzgerald, DAFx 2010). Drums strike above 5 kHz, where other parts hardly reach. A bass lasts below 90 Hz, where kicks do
//! not. Partials of plucked strings keep their level from one tenth of a second to the next but for their decay, those of a
//! section beat; and where a section plays, the middle of the spectrum does not fall between strokes.

use std::collections::VecDeque;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use super::median::{OverFrames, over_bins};
use super::stft::Complex;
use crate::limits::LISTEN_HZ;
use crate::score::Part;

/// Samples of a frame and between two, at 16 kHz.
const WINDOW: usize = 1024;
const HOP: usize = 256;
const BINS: usize = WINDOW / 2 + 1;
/// Frames and bins that medians are taken of.
const MEDIAN: usize = 17;
/// Longest that is looked at, in seconds.
const LONGEST_S: usize = 600;
/// Frames over which partials, and the middle of the spectrum, are compared with themselves: 96 and 192 ms.
const PARTIAL_FRAMES: usize = 6;
const MIDDLE_FRAMES: usize = 12;
/// How little a partial's level changes that stays, in dB.
const STAYS_DB: f32 = 1.5;
/// A frame is loud within so many dB of the loudest ones.
const LOUD_DB: f32 = 25.0;

/// Energy of strokes from 5 kHz on, beside all, from which there are drums, in dB.
const DRUMS_DB: f32 = -23.8;
/// Energy of what lasts from 30 to 90 Hz, beside all, from which there is a bass, in dB.
const BASS_DB: f32 = -13.2;
/// Share of the strongest partials that stay, from which chords are plucked or struck.
const GUITAR_SHARE: f32 = 0.2;
/// Median change of what lasts from 250 to 2500 Hz, above which something is bowed, in dB.
const STRINGS_DB: f32 = -0.7;

/// What tells parts apart.
struct Traces {
    /// Energy of strokes from 5 kHz on beside all, in dB.
    strokes_db: f32,
    /// Energy of what lasts from 30 to 90 Hz beside all, in dB.
    low_db: f32,
    /// Share of the strongest partials that keep their level for 96 ms, 0 to 1.
    staying_share: f32,
    /// Median change of what lasts from 250 to 2500 Hz within 192 ms, in dB.
    change_db: f32,
}

impl Traces {
    /// Looks for them in 16 kHz samples; none in silence.
    fn of(samples: &[f32]) -> Option<Self> {
        let mut frames = Frames::new();
        let longest = samples.len().min(LONGEST_S * LISTEN_HZ as usize);
        for start in (0..(longest + 1).saturating_sub(WINDOW)).step_by(HOP) {
            frames.take(&samples[start..start + WINDOW]);
        }
        frames.traces()
    }

    /// The parts that they are of.
    fn parts(&self) -> Vec<Part> {
        let is_there = |part: &Part| match part {
            Part::Drums => self.strokes_db > DRUMS_DB,
            Part::Bass => self.low_db > BASS_DB,
            Part::Guitar => self.staying_share > GUITAR_SHARE,
            Part::Strings => self.change_db > STRINGS_DB,
        };
        Part::ALL.into_iter().filter(is_there).collect()
    }
}

/// Parts that play in 16 kHz samples of a recording without its voice: guitar (or whatever else plays chords in strokes),
/// drums, strings (or whatever holds them), bass.
pub fn parts_in(samples: &[f32]) -> Vec<Part> {
    Traces::of(samples).map_or_else(Vec::new, |traces| traces.parts())
}

/// Runs over frames.
struct Frames {
    fft: Arc<dyn RealToComplex<f32>>,
    shape: Vec<f32>,
    windowed: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    magnitudes: Vec<f32>,
    over_frames: OverFrames,
    seen: usize,
    /// Of the frame in the middle of the medians.
    then: Vec<f32>,
    /// Sums of energy: all, strokes above, what lasts below.
    sums: [f64; 3],
    /// Energy of each frame, and of what lasts in its middle, in dB.
    levels: Vec<f32>,
    middles: Vec<f32>,
    /// Partials of the last frames, oldest first: bin, lasting energy, level in dB.
    partials: VecDeque<Vec<(usize, f32, f32)>>,
    /// Lasting energy and change in dB of each partial.
    changes: Vec<(f32, f32)>,
}

fn db(power: f32) -> f32 {
    10.0 * (power + 1e-20).log10()
}

fn bin(hz: usize) -> usize {
    (hz * WINDOW).div_ceil(LISTEN_HZ as usize)
}

impl Frames {
    fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let turn = std::f32::consts::TAU / WINDOW as f32;
        Self {
            shape: (0..WINDOW).map(|n| 0.5 - 0.5 * (turn * n as f32).cos()).collect(),
            windowed: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            magnitudes: vec![0.0; BINS],
            over_frames: OverFrames::new(MEDIAN, BINS),
            seen: 0,
            then: vec![0.0; BINS],
            sums: [0.0; 3],
            levels: Vec::new(),
            middles: Vec::new(),
            partials: VecDeque::new(),
            changes: Vec::new(),
        }
    }

    fn take(&mut self, samples: &[f32]) {
        for ((to, sample), shape) in self.windowed.iter_mut().zip(samples).zip(&self.shape) {
            *to = if sample.is_finite() { sample * shape } else { 0.0 };
        }
        // The lengths are those the plan asked for, so it cannot fail.
        let done = self.fft.process_with_scratch(&mut self.windowed, &mut self.spectrum, &mut self.scratch);
        for (magnitude, value) in self.magnitudes.iter_mut().zip(&self.spectrum) {
            *magnitude = if done.is_ok() { value.norm_sqr().sqrt() } else { 0.0 };
        }
        self.levels.push(db(self.magnitudes.iter().map(|magnitude| magnitude * magnitude).sum()));
        self.over_frames.push(&self.magnitudes);
        self.seen += 1;
        if self.seen >= MEDIAN {
            self.part();
        }
    }

    /// Parts the frame in the middle into what lasts and what strikes.
    fn part(&mut self) {
        for (index, then) in self.then.iter_mut().enumerate() {
            *then = self.over_frames.before(index, MEDIAN / 2);
        }
        let (mut middle, mut partials) = (0.0f32, Vec::new());
        for index in 0..BINS {
            let here = self.then[index];
            let energy = here * here;
            let lasts = self.over_frames.of(index).powi(2);
            let strikes = over_bins(&self.then, index, MEDIAN).powi(2);
            let share = if lasts + strikes > 0.0 { lasts / (lasts + strikes) } else { 0.0 };
            self.sums[0] += f64::from(energy);
            if index >= bin(5_000) {
                self.sums[1] += f64::from(energy * (1.0 - share));
            }
            if (bin(30)..bin(90)).contains(&index) {
                self.sums[2] += f64::from(energy * share);
            }
            if (bin(250)..bin(2_500)).contains(&index) {
                middle += energy * share;
            }
            let is_partial = (bin(200)..bin(2_500)).contains(&index)
                && here > self.then[index - 1]
                && here >= self.then[index + 1];
            if is_partial {
                partials.push((index, energy * share, db(energy)));
            }
        }
        self.middles.push(db(middle));
        self.partials.push_back(partials);
        if self.partials.len() > PARTIAL_FRAMES {
            for (index, energy, level) in self.partials.pop_front().into_iter().flatten() {
                self.changes.push((energy, db(self.then[index].powi(2)) - level));
            }
        }
    }

    fn traces(mut self) -> Option<Traces> {
        let [all, strokes, low] = self.sums;
        if all <= 0.0 {
            return None;
        }
        let beside = |part: f64| (10.0 * (part / all).max(1e-12).log10()) as f32;
        Some(Traces {
            strokes_db: beside(strokes),
            low_db: beside(low),
            staying_share: self.staying_share(),
            change_db: self.change_db(),
        })
    }

    /// Of the strongest fifth of the partials those that stay.
    fn staying_share(&mut self) -> f32 {
        self.changes.retain(|(energy, _)| *energy > 0.0);
        self.changes.sort_by(|one, other| one.0.total_cmp(&other.0));
        let strongest = &self.changes[self.changes.len() * 4 / 5..];
        let staying = strongest.iter().filter(|(_, change)| change.abs() < STAYS_DB).count();
        staying as f32 / strongest.len().max(1) as f32
    }

    fn change_db(&self) -> f32 {
        // Levels of the frames that the middles are of.
        let levels = &self.levels[MEDIAN / 2..];
        let mut sorted = self.levels.clone();
        sorted.sort_by(f32::total_cmp);
        let loud = sorted[sorted.len() * 95 / 100] - LOUD_DB;
        let later = self.middles.iter().skip(MIDDLE_FRAMES);
        let pairs = self.middles.iter().zip(later).zip(levels);
        let mut changes: Vec<f32> =
            pairs.filter(|(_, level)| **level > loud).map(|((now, later), _)| later - now).collect();
        changes.sort_by(f32::total_cmp);
        changes.get(changes.len() / 2).copied().unwrap_or(0.0)
    }
}
