//! Small pieces of signal processing that several instruments share.

use std::f32::consts::PI;

/// Gain of the allpasses of a [`Diffuser`].
const SPREAD: f32 = 0.58;
/// Magnitude below which recursive state counts as silent.
const SILENCE: f32 = 1e-15;

/// A value, or 0 if it is so small that it would only slow the processor down.
pub(super) fn snap(value: f32) -> f32 {
    if value.abs() < SILENCE { 0.0 } else { value }
}

/// Coefficient of `y += k * (x - y)` for a corner frequency.
pub(super) fn one_pole(corner_hz: f32, rate_hz: f32) -> f32 {
    1.0 - (-2.0 * PI * corner_hz.min(0.49 * rate_hz) / rate_hz).exp()
}

/// Coefficient of `y += k * (x - y)` for a time constant, with `steps_hz` steps a second.
pub(super) fn glide(time_constant_s: f32, steps_hz: f32) -> f32 {
    1.0 - (-1.0 / (time_constant_s * steps_hz).max(1e-3)).exp()
}

/// Factor a step for a decay by 60 dB in `t60_s`, with `steps_hz` steps a second.
pub(super) fn decay(t60_s: f32, steps_hz: f32) -> f32 {
    (-6.907_755_3 / (t60_s * steps_hz).max(1e-3)).exp()
}

/// Amplitude of a level in dB.
pub(super) fn amplitude(level_db: f32) -> f32 {
    10f32.powf(level_db / 20.0)
}

/// White noise that is the same up to 20 kHz at every sample rate: at high rates each number stands for several samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    state: u32,
    value: f32,
    hold: u32,
    held: u32,
    gain: f32,
}

impl Noise {
    /// Noise at a sample rate, -1..1 at 48 kHz and louder where it spreads over more.
    pub(super) fn new(rate_hz: f32) -> Self {
        let hold = (rate_hz / 48_000.0).round().max(1.0);
        let gain = (rate_hz / 48_000.0 / hold).sqrt();
        Self { state: 0, value: 0.0, hold: hold as u32, held: 0, gain }
    }

    /// Starts anew.
    pub(super) fn seed(&mut self, seed: u64) {
        (self.state, self.value, self.held) = ((seed ^ (seed >> 32)) as u32, 0.0, 0);
    }

    /// The next sample.
    pub(super) fn next(&mut self) -> f32 {
        if self.held == 0 {
            self.held = self.hold;
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.value = self.gain * (f32::from((self.state >> 16) as u16) / 32_768.0 - 1.0);
        }
        self.held -= 1;
        self.value
    }
}

/// Band-pass of second order with a gain of 1 at its centre.
#[derive(Debug, Clone, Copy)]
pub(super) struct BandPass {
    a1: f32,
    a2: f32,
    a3: f32,
    damping: f32,
    s1: f32,
    s2: f32,
}

impl BandPass {
    /// A filter around `hz`; `q` is centre frequency over bandwidth.
    pub(super) fn new(hz: f32, q: f32, rate_hz: f32) -> Self {
        let g = (PI * hz.min(0.45 * rate_hz) / rate_hz).tan();
        let damping = 1.0 / q;
        let a1 = 1.0 / (1.0 + g * (g + damping));
        Self { a1, a2: g * a1, a3: g * g * a1, damping, s1: 0.0, s2: 0.0 }
    }

    /// Moves it to another centre; what sounds in it goes on.
    pub(super) fn retune(&mut self, hz: f32, q: f32, rate_hz: f32) {
        *self = Self { s1: self.s1, s2: self.s2, ..Self::new(hz, q, rate_hz) };
    }

    /// Filters one sample.
    pub(super) fn next(&mut self, x: f32) -> f32 {
        let v3 = x - self.s2;
        let v1 = self.a1 * self.s1 + self.a2 * v3;
        let v2 = self.s2 + self.a2 * self.s1 + self.a3 * v3;
        self.s1 = snap(2.0 * v1 - self.s1);
        self.s2 = snap(2.0 * v2 - self.s2);
        self.damping * v1
    }

    /// Forgets the past.
    pub(super) fn clear(&mut self) {
        (self.s1, self.s2) = (0.0, 0.0);
    }
}

/// Band-passes side by side that hear the same sound.
#[derive(Debug, Clone, Copy)]
pub(super) struct BandPasses<const N: usize> {
    a1: [f32; N],
    a2: [f32; N],
    a3: [f32; N],
    damping: [f32; N],
    s1: [f32; N],
    s2: [f32; N],
}

impl<const N: usize> BandPasses<N> {
    /// These filters.
    pub(super) fn new(filters: [BandPass; N]) -> Self {
        Self {
            a1: filters.map(|f| f.a1),
            a2: filters.map(|f| f.a2),
            a3: filters.map(|f| f.a3),
            damping: filters.map(|f| f.damping),
            s1: [0.0; N],
            s2: [0.0; N],
        }
    }

    /// What each makes of a sample.
    #[inline(always)]
    pub(super) fn next(&mut self, x: f32) -> [f32; N] {
        let mut out = [0.0; N];
        for (lane, out) in out.iter_mut().enumerate() {
            let v3 = x - self.s2[lane];
            let v1 = self.a1[lane] * self.s1[lane] + self.a2[lane] * v3;
            let v2 = self.s2[lane] + self.a2[lane] * self.s1[lane] + self.a3[lane] * v3;
            self.s1[lane] = snap(2.0 * v1 - self.s1[lane]);
            self.s2[lane] = snap(2.0 * v2 - self.s2[lane]);
            *out = self.damping[lane] * v1;
        }
        out
    }

    /// One of them forgets the past.
    pub(super) fn clear(&mut self, lane: usize) {
        (self.s1[lane], self.s2[lane]) = (0.0, 0.0);
    }
}

/// Allpasses one after the other: spreads what is sudden over some milliseconds, and leaves the spectrum as it is
/// (Schroeder, Journal of the Audio Engineering Society 10(3), 1962).
#[derive(Debug, Clone)]
pub(super) struct Diffuser {
    stages: [(Vec<f32>, usize); 3],
}

impl Diffuser {
    /// With these delays in seconds; allocates.
    pub(super) fn new(delays_s: [f32; 3], rate_hz: f32) -> Self {
        Self { stages: delays_s.map(|s| (vec![0.0; ((s * rate_hz).round() as usize).max(1)], 0)) }
    }

    /// The next sample.
    pub(super) fn next(&mut self, x: f32) -> f32 {
        let mut sound = x;
        for (line, at) in &mut self.stages {
            let past = line[*at];
            let out = past - SPREAD * sound;
            line[*at] = snap(sound + SPREAD * out);
            *at = if *at + 1 < line.len() { *at + 1 } else { 0 };
            sound = out;
        }
        sound
    }

    /// Forgets the past.
    pub(super) fn clear(&mut self) {
        for (line, at) in &mut self.stages {
            line.fill(0.0);
            *at = 0;
        }
    }
}

/// Takes over where a voice is cut off, and fades from its last sample to zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declick {
    left: f32,
    right: f32,
    factor: f32,
}

impl Declick {
    /// A fade of about 4 ms.
    pub(super) fn new(rate_hz: f32) -> Self {
        Self { left: 0.0, right: 0.0, factor: decay(0.006, rate_hz) }
    }

    /// Adds the last sample of a voice that stops now.
    pub(super) fn take(&mut self, left: f32, right: f32) {
        self.left += left;
        self.right += right;
    }

    /// The next sample.
    pub(super) fn next(&mut self) -> (f32, f32) {
        self.left = snap(self.left * self.factor);
        self.right = snap(self.right * self.factor);
        (self.left, self.right)
    }

    /// Forgets the past.
    pub(super) fn clear(&mut self) {
        (self.left, self.right) = (0.0, 0.0);
    }
}

/// A control value that follows its target smoothly, one step a control tick.
#[derive(Debug, Clone, Copy)]
pub(super) struct Smooth {
    initial: f32,
    target: f32,
    value: f32,
    coefficient: f32,
    snap_below: f32,
}

impl Smooth {
    /// Starts at `initial`; `snap_below` is the distance at which it lands on its target.
    pub(super) fn new(initial: f32, time_constant_s: f32, ticks_hz: f32, snap_below: f32) -> Self {
        Self {
            initial,
            target: initial,
            value: initial,
            coefficient: glide(time_constant_s, ticks_hz),
            snap_below,
        }
    }

    /// Sets where it goes.
    pub(super) fn aim(&mut self, target: f32) {
        if target.is_finite() {
            self.target = target;
        }
    }

    /// Goes there at once.
    pub(super) fn jump(&mut self) {
        self.value = self.target;
    }

    /// Makes one step; whether the value changed.
    pub(super) fn tick(&mut self) -> bool {
        if self.value == self.target {
            return false;
        }
        self.value += self.coefficient * (self.target - self.value);
        if (self.target - self.value).abs() < self.snap_below {
            self.value = self.target;
        }
        true
    }

    /// The current value.
    pub(super) fn get(&self) -> f32 {
        self.value
    }

    /// Back to the initial value.
    pub(super) fn reset(&mut self) {
        (self.target, self.value) = (self.initial, self.initial);
    }
}
