//! True-peak limiter for the mix.
//!
//! The gain is computed ahead of the sound: peaks of the fourfold oversampled signal (ITU-R BS.1770-5, annex 2) ->
//! lowest gain within the look-ahead -> slow recovery -> mean over the look-ahead. Gains are whole numbers, so that
//! the running mean is exact and sound below the ceiling passes unchanged.

use std::collections::VecDeque;

use crate::audio::StereoBlock;
use crate::time::{Hz, SampleCount};

/// Highest true peak that leaves the limiter, in dB relative to full scale.
pub const CEILING_DBTP: f32 = -1.0;

/// The ceiling as the detector applies it: a little lower, for what four phases miss.
const THRESHOLD_DB: f32 = CEILING_DBTP - 0.15;
const PHASES: usize = 4;
const TAPS: usize = 16;
/// Look-ahead of the gain, in seconds.
const LOOK_AHEAD_S: f64 = 0.001_5;
/// Time constant of the recovery, in seconds.
const RECOVERY_S: f64 = 0.08;
/// The gain 1 as a whole number.
const UNITY: u32 = 1 << 30;

/// A look-ahead limiter.
#[derive(Debug, Clone)]
pub struct Limiter {
    threshold: f32,
    kernel: [[f32; TAPS]; PHASES - 1],
    recent: [[f32; TAPS]; 2],
    delay: Vec<[f32; 2]>,
    delay_at: usize,
    window: usize,
    /// (position, gain), gains rising: the first is the lowest in the window.
    lowest: VecDeque<(u64, u32)>,
    position: u64,
    recovery: f64,
    recovered: u32,
    gains: Vec<u32>,
    gains_at: usize,
    sum: u64,
}

impl Limiter {
    /// A limiter at a sample rate.
    pub fn new(rate: Hz) -> Self {
        let window = (LOOK_AHEAD_S * rate.as_f64()).ceil() as usize + 1;
        Self {
            threshold: 10f32.powf(THRESHOLD_DB / 20.0),
            kernel: kernel(),
            recent: [[0.0; TAPS]; 2],
            delay: vec![[0.0; 2]; window - 1 + TAPS / 2],
            delay_at: 0,
            window,
            lowest: VecDeque::with_capacity(window + 2),
            position: 0,
            recovery: 1.0 - (-1.0 / (RECOVERY_S * rate.as_f64())).exp(),
            recovered: UNITY,
            gains: vec![UNITY; window],
            gains_at: 0,
            sum: window as u64 * u64::from(UNITY),
        }
    }

    /// Delay of the sound, the same at all times.
    pub fn latency(&self) -> SampleCount {
        SampleCount(self.delay.len() as i64)
    }

    /// Limits a block in place.
    pub fn process(&mut self, block: &mut StereoBlock<'_>) {
        for (left, right) in block.left.iter_mut().zip(block.right.iter_mut()) {
            let gain = self.next_gain(*left, *right);
            let Some(slot) = self.delay.get_mut(self.delay_at) else { continue };
            let [late_left, late_right] = std::mem::replace(slot, [*left, *right]);
            self.delay_at = if self.delay_at + 1 < self.delay.len() { self.delay_at + 1 } else { 0 };
            (*left, *right) = (late_left * gain, late_right * gain);
        }
    }

    /// Takes the next sample of both channels; gives the gain for the sound `latency` earlier.
    fn next_gain(&mut self, left: f32, right: f32) -> f32 {
        let mut peak = 0.0f32;
        for (recent, sample) in self.recent.iter_mut().zip([left, right]) {
            recent.copy_within(1.., 0);
            recent[TAPS - 1] = sample;
            peak = peak.max(recent[TAPS / 2 - 1].abs()).max(recent[TAPS / 2].abs());
            for phase in &self.kernel {
                let between: f32 = phase.iter().zip(recent.iter()).map(|(h, x)| h * x).sum();
                peak = peak.max(between.abs());
            }
        }
        let wanted = if peak > self.threshold {
            (f64::from(self.threshold) / f64::from(peak) * f64::from(UNITY)) as u32
        } else {
            UNITY
        };
        while self.lowest.back().is_some_and(|(_, gain)| *gain >= wanted) {
            self.lowest.pop_back();
        }
        self.lowest.push_back((self.position, wanted));
        while self.lowest.front().is_some_and(|(at, _)| at + (self.window as u64) <= self.position) {
            self.lowest.pop_front();
        }
        self.position += 1;
        let lowest = self.lowest.front().map_or(UNITY, |(_, gain)| *gain);
        let missing = f64::from(UNITY - self.recovered);
        let risen = f64::from(self.recovered) + (self.recovery * missing).max(64.0);
        self.recovered = (risen as u32).min(lowest);
        if let Some(slot) = self.gains.get_mut(self.gains_at) {
            self.sum = self.sum - u64::from(*slot) + u64::from(self.recovered);
            *slot = self.recovered;
        }
        self.gains_at = if self.gains_at + 1 < self.window { self.gains_at + 1 } else { 0 };
        (self.sum as f64 / (self.window as f64 * f64::from(UNITY))) as f32
    }

    /// Returns to the state after `new`.
    pub fn reset(&mut self) {
        self.recent = [[0.0; TAPS]; 2];
        self.delay.fill([0.0; 2]);
        self.lowest.clear();
        self.gains.fill(UNITY);
        (self.delay_at, self.gains_at, self.position, self.recovered) = (0, 0, 0, UNITY);
        self.sum = self.window as u64 * u64::from(UNITY);
    }
}

/// Windowed sinc that finds the signal at 1/4, 2/4 and 3/4 between the middle samples.
fn kernel() -> [[f32; TAPS]; PHASES - 1] {
    let mut kernel = [[0.0; TAPS]; PHASES - 1];
    for (phase, row) in kernel.iter_mut().enumerate() {
        let offset = (TAPS / 2 - 1) as f64 + (phase + 1) as f64 / PHASES as f64;
        for (tap, out) in row.iter_mut().enumerate() {
            let x = (tap as f64 - offset) * std::f64::consts::PI;
            let window = (x / TAPS as f64).cos().powi(2);
            *out = (x.sin() / x * window) as f32;
        }
    }
    kernel
}
