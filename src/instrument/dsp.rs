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

/// Band-pass of second order with a gain of 1 at its centre (trapezoidal integrators; what each sample makes of the state is
/// multiplied out, so that one does not wait long for the one before).
#[derive(Debug, Clone, Copy)]
pub(super) struct BandPass(BandPasses<1>);

impl BandPass {
    /// A filter around `hz`; `q` is centre frequency over bandwidth.
    pub(super) fn new(hz: f32, q: f32, rate_hz: f32) -> Self {
        Self(BandPasses::new([(hz, q)], rate_hz))
    }

    /// Moves it to another centre; what sounds in it goes on.
    pub(super) fn retune(&mut self, hz: f32, q: f32, rate_hz: f32) {
        let BandPasses { s1, s2, .. } = self.0;
        self.0 = BandPasses { s1, s2, ..BandPasses::new([(hz, q)], rate_hz) };
    }

    /// Filters one sample.
    #[inline(always)]
    pub(super) fn next(&mut self, x: f32) -> f32 {
        self.0.next(x)[0]
    }

    /// Sets what has died away to zero; call now and then.
    pub(super) fn tick(&mut self) {
        self.0.tick();
    }

    /// Forgets the past.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Band-passes side by side that hear the same sound.
#[derive(Debug, Clone, Copy)]
pub(super) struct BandPasses<const N: usize> {
    /// What stays of the first state, what goes from one to the other, what stays of the second.
    stay: [f32; N],
    cross: [f32; N],
    stay2: [f32; N],
    feed2: [f32; N],
    /// What is heard of first state, and of the difference of input and second.
    heard: [f32; N],
    heard_fed: [f32; N],
    s1: [f32; N],
    s2: [f32; N],
}

impl<const N: usize> BandPasses<N> {
    /// Filters of these centres in Hz and centres over bandwidths.
    pub(super) fn new(filters: [(f32, f32); N], rate_hz: f32) -> Self {
        // Integrator gain, damping, and the gain of the loop of both.
        let parts = filters.map(|(hz, q)| {
            let g = (PI * hz.min(0.45 * rate_hz) / rate_hz).tan();
            (g, 1.0 / q, 1.0 / (1.0 + g * (g + 1.0 / q)))
        });
        Self {
            stay: parts.map(|(_, _, a)| 2.0 * a - 1.0),
            cross: parts.map(|(g, _, a)| 2.0 * g * a),
            stay2: parts.map(|(g, _, a)| 1.0 - 2.0 * g * g * a),
            feed2: parts.map(|(g, _, a)| 2.0 * g * g * a),
            heard: parts.map(|(_, damping, a)| damping * a),
            heard_fed: parts.map(|(g, damping, a)| damping * g * a),
            s1: [0.0; N],
            s2: [0.0; N],
        }
    }

    /// What each makes of a sample.
    #[inline(always)]
    pub(super) fn next(&mut self, x: f32) -> [f32; N] {
        let mut out = [0.0; N];
        for (lane, out) in out.iter_mut().enumerate() {
            let (s1, s2) = (self.s1[lane], self.s2[lane]);
            *out = self.heard[lane] * s1 + self.heard_fed[lane] * (x - s2);
            self.s1[lane] = (self.cross[lane] * x - self.cross[lane] * s2) + self.stay[lane] * s1;
            self.s2[lane] = (self.feed2[lane] * x + self.cross[lane] * s1) + self.stay2[lane] * s2;
        }
        out
    }

    /// Sets what has died away to zero; call now and then.
    pub(super) fn tick(&mut self) {
        self.s1 = self.s1.map(snap);
        self.s2 = self.s2.map(snap);
    }

    /// All forget the past.
    pub(super) fn clear(&mut self) {
        (self.s1, self.s2) = ([0.0; N], [0.0; N]);
    }

    /// One of them forgets the past.
    pub(super) fn clear_one(&mut self, lane: usize) {
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
