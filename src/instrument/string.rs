//! A plucked string: a waveguide with two polarisations.
//!
//! Loop: fifth-order Lagrange delay, a shelf of losses, two first-order allpasses for stiffness (Jaffe and Smith,
//! Computer Music Journal 7(2), 1983; Karjalainen, Valimaki and Tolonen, Computer Music Journal 22(3), 1998).

use std::f32::consts::PI;

use multiversion::multiversion;

use super::dsp::{Noise, decay, glide, one_pole, snap};

/// Frequency around which strings begin to lose more, in Hz.
const DARK_HZ: f32 = 3_000.0;
/// Lowest pitch that fits the delay line, in Hz.
const LOWEST_HZ: f32 = 30.0;
/// Corner under which [`Pluck::warmth`] lifts, in Hz.
const WARM_HZ: f32 = 190.0;
/// Share of the first polarisation in what is heard.
const FIRST: f32 = 0.6;
/// Decay of the second polarisation, beside the first's.
const SECOND_T60: f32 = 0.15;
/// Most samples that ring on at once.
const CHUNK: usize = 32;
/// Samples around a place between two of them that its value is read from.
const TAPS: usize = 6;

/// How a string is plucked and how it rings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pluck {
    /// Pitch at a tuning of 0 cents, in Hz.
    pub hz: f32,
    /// Height of the pulse.
    pub level: f32,
    /// Decay by 60 dB of the fundamental, in seconds.
    pub t60_s: f32,
    /// Decay by 60 dB far above 3 kHz, in seconds.
    pub bright_t60_s: f32,
    /// Corner of the stiffness allpasses, in Hz; higher is less stiff.
    pub stiff_hz: f32,
    /// Where it is plucked, as a share of the string.
    pub position: f32,
    /// Time for which the finger or pick touches the string before it lets go, in seconds.
    pub touch_s: f32,
    /// Length of the pulse, in seconds.
    pub pulse_s: f32,
    /// Level of the noise of finger or pick, relative to the pulse.
    pub noise: f32,
    /// Low-pass on the excitation, in Hz.
    pub cutoff_hz: f32,
    /// How much more it holds below 190 Hz than above; the level stays about the same.
    pub warmth: f32,
    /// Where a magnetic pickup hears it, as a share of the string; 0 is none, and the bridge is heard.
    pub pickup: f32,
    /// Relative detuning of the second polarisation.
    pub detune: f32,
    /// Seed of the noise.
    pub seed: u64,
}

impl Pluck {
    /// Strings of another make: factors on how bright they are and how long they ring.
    pub(super) fn equip(&mut self, bright: f32, ring: f32) {
        self.cutoff_hz *= bright;
        self.bright_t60_s *= bright.sqrt() * ring;
        self.t60_s *= ring;
    }
}

#[derive(Debug, Clone)]
struct Line {
    buffer: Vec<f32>,
    detune: f32,
    t60_share: f32,
    delay: f32,
    step: f32,
    gain: f32,
    gain_step: f32,
    low: f32,
    stiff: [f32; 2],
}

/// One string.
#[derive(Debug, Clone)]
pub(super) struct PluckedString {
    rate_hz: f32,
    tick: f32,
    mask: usize,
    head: usize,
    lines: [Line; 2],
    pluck: Pluck,
    loss: f32,
    loss_target: f32,
    dark: f32,
    stiff: f32,
    t60_s: f32,
    t60_target_s: f32,
    soften: f32,
    age: usize,
    excitation_len: usize,
    excitation: [f32; 2],
    cutoff: f32,
    warm: f32,
    warm_coefficient: f32,
    noise: Noise,
    quiet: usize,
    peak: f32,
    last: f32,
}

impl PluckedString {
    /// A silent string; allocates its delay lines.
    pub(super) fn new(rate_hz: f32, tick_samples: usize) -> Self {
        let len = ((rate_hz / LOWEST_HZ) as usize + 8).next_power_of_two();
        let line = Line {
            buffer: vec![0.0; len],
            detune: 0.0,
            t60_share: 1.0,
            delay: 8.0,
            step: 0.0,
            gain: 0.0,
            gain_step: 0.0,
            low: 0.0,
            stiff: [0.0; 2],
        };
        let pluck = Pluck {
            hz: 100.0,
            level: 0.0,
            t60_s: 1.0,
            bright_t60_s: 1.0,
            stiff_hz: 6_000.0,
            position: 0.2,
            touch_s: 0.0,
            pulse_s: 0.001,
            noise: 0.0,
            cutoff_hz: 5_000.0,
            warmth: 0.0,
            pickup: 0.0,
            detune: 0.0,
            seed: 0,
        };
        Self {
            rate_hz,
            tick: tick_samples as f32,
            mask: len - 1,
            head: 0,
            lines: [line.clone(), line],
            pluck,
            loss: 0.5,
            loss_target: 0.5,
            dark: one_pole(DARK_HZ, rate_hz),
            stiff: 0.0,
            t60_s: 1.0,
            t60_target_s: 1.0,
            soften: glide(0.006, rate_hz / tick_samples as f32),
            age: 0,
            excitation_len: 0,
            excitation: [0.0; 2],
            cutoff: 0.0,
            warm: 0.0,
            warm_coefficient: one_pole(WARM_HZ, rate_hz),
            noise: Noise::new(rate_hz),
            quiet: 0,
            peak: 0.0,
            last: 0.0,
        }
    }

    /// Silences the string and plucks it; `tuning` is a frequency ratio.
    pub(super) fn pluck(&mut self, pluck: Pluck, tuning: f32) {
        self.clear();
        let hz = pluck.hz.clamp(LOWEST_HZ * 1.1, self.rate_hz / 16.0);
        self.pluck = Pluck { hz, ..pluck };
        self.lines[0].t60_share = 1.0;
        self.lines[1].t60_share = SECOND_T60;
        self.lines[0].detune = 1.0;
        self.lines[1].detune = 1.0 + pluck.detune;
        self.loss = loss(hz, self.pluck.bright_t60_s, self.pluck.t60_s);
        self.loss_target = self.loss;
        let corner = (PI * (pluck.stiff_hz / self.rate_hz).min(0.24)).tan();
        self.stiff = (corner - 1.0) / (corner + 1.0);
        (self.t60_s, self.t60_target_s) = (pluck.t60_s, pluck.t60_s);
        self.set_excitation();
        self.retune(tuning, true);
    }

    /// A finger hammers the sounding string onto another fret, which strikes it a little.
    pub(super) fn hammer(&mut self, pluck: Pluck, tuning: f32) {
        let hz = pluck.hz.clamp(LOWEST_HZ * 1.1, self.rate_hz / 16.0);
        self.pluck = Pluck { hz, ..pluck };
        self.lines[1].detune = 1.0 + pluck.detune;
        self.loss_target = loss(hz, pluck.bright_t60_s, pluck.t60_s);
        self.t60_target_s = pluck.t60_s;
        (self.excitation, self.warm, self.age) = ([0.0; 2], 0.0, 0);
        self.set_excitation();
        self.retune(tuning, false);
    }

    fn set_excitation(&mut self) {
        let pluck = &self.pluck;
        self.excitation_len = ((pluck.touch_s + pluck.pulse_s + 0.02) * self.rate_hz) as usize;
        self.cutoff = one_pole(pluck.cutoff_hz, self.rate_hz);
        self.noise.seed(pluck.seed);
    }

    /// From now on the string decays within `t60_s` at its fundamental and `bright_t60_s` far above 3 kHz.
    pub(super) fn damp(&mut self, t60_s: f32, bright_t60_s: f32) {
        self.t60_target_s = t60_s.min(self.t60_target_s);
        self.loss_target = loss(self.pluck.hz, bright_t60_s, t60_s).max(self.loss_target);
    }

    /// One control tick; `tuning` is a frequency ratio and `retuned` says whether it changed since the last.
    pub(super) fn tick(&mut self, tuning: f32, retuned: bool) {
        let softens = self.loss != self.loss_target || self.t60_s != self.t60_target_s;
        if softens {
            self.loss += self.soften * (self.loss_target - self.loss);
            self.t60_s += self.soften * (self.t60_target_s - self.t60_s);
            if (self.t60_s - self.t60_target_s).abs() < 1e-3 * self.t60_target_s {
                (self.loss, self.t60_s) = (self.loss_target, self.t60_target_s);
            }
        }
        let moves = self.lines.iter().any(|l| l.step != 0.0 || l.gain_step != 0.0);
        if softens || retuned || moves {
            self.retune(tuning, false);
        }
        for line in &mut self.lines {
            line.low = snap(line.low);
            line.stiff = line.stiff.map(snap);
        }
        self.quiet = if self.peak < 1e-6 && self.age > self.excitation_len {
            self.quiet + self.tick as usize
        } else {
            0
        };
        self.peak = 0.0;
    }

    fn retune(&mut self, tuning: f32, at_once: bool) {
        let hz = self.pluck.hz * tuning;
        let omega = 2.0 * std::f64::consts::PI * f64::from(hz) / f64::from(self.rate_hz);
        let (loss_gain, loss_delay) = shelf_at(f64::from(self.loss), f64::from(self.dark), omega);
        let filters = loss_delay + 2.0 * allpass_delay(f64::from(self.stiff), omega);
        let longest = (self.mask - 4) as f32;
        for line in &mut self.lines {
            let period = f64::from(self.rate_hz) / (f64::from(hz) * f64::from(line.detune));
            let delay = ((period - filters) as f32).clamp(3.0, longest);
            let decay = decay(self.t60_s * line.t60_share, hz);
            let gain = (decay / loss_gain as f32).min(0.999_99);
            if at_once {
                (line.delay, line.gain) = (delay, gain);
                (line.step, line.gain_step) = (0.0, 0.0);
            } else {
                line.step = (delay - line.delay) / self.tick;
                line.gain_step = (gain - line.gain) / self.tick;
                if line.step.abs() < 1e-7 * line.delay {
                    line.step = 0.0;
                }
                if line.gain_step.abs() < 1e-8 {
                    line.gain_step = 0.0;
                }
            }
        }
    }

    /// Adds the string's sound to `out`; `bridge` is how the bridge moves it meanwhile, or nothing.
    pub(super) fn add(&mut self, mut out: &mut [f32], mut bridge: &[f32]) {
        while !out.is_empty() {
            let struck = self.excitation_len.saturating_sub(self.age);
            let most = if struck > 0 { struck.min(self.ahead_of_pluck()) } else { CHUNK };
            let shortest = self.lines[0].ahead().min(self.lines[1].ahead());
            let (chunk, rest) = out.split_at_mut(shortest.min(most).min(out.len()));
            let mut pushes = [0.0; CHUNK];
            if struck > 0 {
                self.pull(&mut pushes[..chunk.len()]);
            } else {
                self.age += chunk.len();
            }
            let (moved, still) = bridge.split_at(chunk.len().min(bridge.len()));
            for (push, moved) in pushes.iter_mut().zip(moved) {
                *push += moved;
            }
            ring(self, &pushes, chunk);
            (out, bridge) = (rest, still);
        }
    }

    /// Samples that can be pulled at once before the first of them is heard.
    fn ahead_of_pluck(&self) -> usize {
        let delay = self.lines[0].delay.min(self.lines[1].delay);
        let is_far = self.pluck.position * delay > (TAPS - 1) as f32;
        if is_far { (((1.0 - self.pluck.position) * delay) as usize).saturating_sub(1).max(1) } else { 1 }
    }

    /// Pulls the string where it is held, and says with what.
    fn pull(&mut self, pushes: &mut [f32]) {
        let mut delays = self.lines.each_ref().map(|line| line.delay);
        for (at, push) in pushes.iter_mut().enumerate() {
            *push = self.excite();
            self.age += 1;
            for (line, delay) in self.lines.iter_mut().zip(&mut delays) {
                let back = ((1.0 - self.pluck.position) * *delay) as usize;
                if let Some(slot) =
                    line.buffer.get_mut((self.head + at).wrapping_sub(back.max(1)) & self.mask)
                {
                    *slot -= *push;
                }
                *delay += line.step;
            }
        }
    }

    /// The next sample of finger or pick.
    fn excite(&mut self) -> f32 {
        let t = self.age as f32 / self.rate_hz;
        let pluck = &self.pluck;
        let since = t - pluck.touch_s;
        let mut push = 0.0;
        if since >= 0.0 && since < pluck.pulse_s {
            push += 0.5 - 0.5 * (2.0 * PI * since / pluck.pulse_s).cos();
        }
        // Of the pulse alone: a finger's noise is bright.
        self.warm += self.warm_coefficient * (push * pluck.level - self.warm);
        let envelope = if since < 0.0 { 0.35 * t / pluck.touch_s.max(1e-4) } else { (-since / 0.0025).exp() };
        push += self.noise.next() * pluck.noise * envelope;
        self.excitation[0] += self.cutoff * (push * pluck.level - self.excitation[0]);
        self.excitation[1] += self.cutoff * (self.excitation[0] - self.excitation[1]);
        (self.excitation[1] + pluck.warmth * self.warm) / (1.0 + 0.45 * pluck.warmth)
    }

    /// Whether the string has died away.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet > self.mask / 2
    }

    /// The last sample that was added.
    pub(super) fn last(&self) -> f32 {
        self.last
    }

    /// Silences the string at once.
    pub(super) fn clear(&mut self) {
        for line in &mut self.lines {
            line.buffer.fill(0.0);
            (line.low, line.stiff) = (0.0, [0.0; 2]);
            (line.step, line.gain_step) = (0.0, 0.0);
        }
        (self.excitation, self.warm) = ([0.0; 2], 0.0);
        (self.age, self.quiet, self.head) = (0, 0, 0);
        (self.peak, self.last) = (0.0, 0.0);
    }
}

/// Rings on for as many samples as both lines hold, with a push on each of them.
#[multiversion(targets("x86_64+avx2"))]
fn ring(string: &mut PluckedString, pushes: &[f32; CHUNK], out: &mut [f32]) {
    let len = out.len();
    let (mut places, mut values) = ([[0.0; CHUNK]; 2], [[0.0; CHUNK]; 2]);
    for ((line, places), values) in string.lines.iter_mut().zip(&mut places).zip(&mut values) {
        line.come_back(string.head, string.mask, &mut places[..len], &mut values[..len]);
    }
    lose(string, &mut values, len);
    for (line, values) in string.lines.iter_mut().zip(&mut values) {
        for (value, push) in values.iter_mut().zip(pushes) {
            *value = snap(*value) + push;
        }
        line.write(string.head, string.mask, &values[..len]);
    }
    let mut sums = [0.0; CHUNK];
    for ((sum, first), second) in sums.iter_mut().zip(&values[0]).zip(&values[1]) {
        *sum = FIRST * first + (1.0 - FIRST) * second;
    }
    if string.pluck.pickup > 0.0 {
        for (at, sum) in sums.iter_mut().enumerate().take(len) {
            let pickup = |line: usize| (string.pluck.pickup * places[line][at]) as usize;
            let heard =
                |line: usize| string.lines[line].at(string.head + at, string.mask, pickup(line).max(1));
            *sum -= FIRST * heard(0) + (1.0 - FIRST) * heard(1);
        }
    }
    for (out, sum) in out.iter_mut().zip(&sums) {
        *out += sum;
    }
    string.peak = sums[..len].iter().fold(string.peak, |peak, sum| peak.max(sum.abs()));
    string.last = sums[len - 1];
    string.head = (string.head + len) & string.mask;
}

/// Takes away what both waves lose on their way along the string.
#[inline(always)]
fn lose(string: &mut PluckedString, values: &mut [[f32; CHUNK]; 2], len: usize) {
    let PluckedString { loss, dark, stiff, ref mut lines, .. } = *string;
    let (light, passed) = (1.0 - dark, 1.0 - stiff * stiff);
    let mut low = lines.each_ref().map(|line| line.low);
    let mut gain = lines.each_ref().map(|line| line.gain);
    let gain_step = lines.each_ref().map(|line| line.gain_step);
    // Stage by stage, both lines side by side.
    let mut states: [[f32; 2]; 2] =
        std::array::from_fn(|stage| lines.each_ref().map(|line| line.stiff[stage]));
    let [first, second] = values;
    for (first, second) in first[..len].iter_mut().zip(&mut second[..len]) {
        let mut y = [*first, *second];
        for lane in 0..2 {
            low[lane] = dark * y[lane] + light * low[lane];
            y[lane] = (y[lane] - loss * (y[lane] - low[lane])) * gain[lane];
            gain[lane] += gain_step[lane];
        }
        for state in &mut states {
            for lane in 0..2 {
                let out = stiff * y[lane] + state[lane];
                state[lane] = passed * y[lane] - stiff * state[lane];
                y[lane] = out;
            }
        }
        [*first, *second] = y;
    }
    for (lane, line) in lines.iter_mut().enumerate() {
        (line.low, line.gain, line.stiff) = (low[lane], gain[lane], states.map(|state| state[lane]));
    }
}

impl Line {
    /// The wave so many samples before `head`.
    #[inline(always)]
    fn at(&self, head: usize, mask: usize, back: usize) -> f32 {
        self.buffer.get(head.wrapping_sub(back) & mask).copied().unwrap_or_default()
    }

    /// Samples that can be read before the first of them is written, while the delay shrinks.
    fn ahead(&self) -> usize {
        let shortest = self.delay + (CHUNK as f32 * self.step).min(0.0);
        (shortest as usize).saturating_sub(TAPS / 2).clamp(1, CHUNK)
    }

    /// Reads the waves that come back, at places between the samples (fifth-order Lagrange).
    #[inline(always)]
    fn come_back(&mut self, head: usize, mask: usize, places: &mut [f32], out: &mut [f32]) {
        if self.step == 0.0 {
            places.fill(self.delay);
        } else {
            for place in places.iter_mut() {
                *place = self.delay;
                self.delay += self.step;
            }
        }
        let (first, last) = (places[0] as usize, places[places.len() - 1] as usize);
        if first != last {
            for (at, (out, place)) in out.iter_mut().zip(&*places).enumerate() {
                *out = self.between(head + at, mask, *place);
            }
            return;
        }
        let mut past = [0.0; CHUNK + TAPS];
        let from = head.wrapping_sub(first + TAPS / 2) & mask;
        self.copy(from, &mut past[..out.len() + TAPS - 1]);
        let within = |place: f32| lagrange(place - first as f32);
        let standing = (self.step == 0.0).then(|| within(places[0]));
        for ((out, place), taps) in out.iter_mut().zip(&*places).zip(past.windows(TAPS)) {
            let weights = standing.unwrap_or_else(|| within(*place));
            *out = weighed(taps, &weights);
        }
    }

    #[inline(always)]
    fn between(&self, head: usize, mask: usize, place: f32) -> f32 {
        let whole = place as usize;
        let taps: [f32; TAPS] = std::array::from_fn(|tap| self.at(head, mask, whole + TAPS / 2 - tap));
        weighed(&taps, &lagrange(place - whole as f32))
    }

    /// Copies what begins at `from`, around the end of the buffer.
    #[inline(always)]
    fn copy(&self, from: usize, to: &mut [f32]) {
        let first = to.len().min(self.buffer.len() - from);
        let (start, wrapped) = to.split_at_mut(first);
        start.copy_from_slice(&self.buffer[from..from + first]);
        wrapped.copy_from_slice(&self.buffer[..wrapped.len()]);
    }

    #[inline(always)]
    fn write(&mut self, head: usize, mask: usize, values: &[f32]) {
        let from = head & mask;
        let (first, wrapped) = values.split_at(values.len().min(self.buffer.len() - from));
        self.buffer[from..from + first.len()].copy_from_slice(first);
        self.buffer[..wrapped.len()].copy_from_slice(wrapped);
    }
}

/// Weights of six samples, the oldest first, for the value `f` behind the fourth.
#[inline(always)]
fn lagrange(f: f32) -> [f32; TAPS] {
    let (a, b, c, d, e) = (f + 2.0, f + 1.0, f - 1.0, f - 2.0, f - 3.0);
    [
        a * b * f * c * d / 120.0,
        -a * b * f * c * e / 24.0,
        a * b * f * d * e / 12.0,
        -a * b * c * d * e / 12.0,
        a * f * c * d * e / 24.0,
        -b * f * c * d * e / 120.0,
    ]
}

#[inline(always)]
fn weighed(taps: &[f32], weights: &[f32; TAPS]) -> f32 {
    taps.iter().zip(weights).map(|(tap, weight)| tap * weight).sum()
}

/// Share of the wave above [`DARK_HZ`] that is lost on the way along the string, for a decay within `bright_t60_s` there.
fn loss(hz: f32, bright_t60_s: f32, t60_s: f32) -> f32 {
    let rate = (1.0 / bright_t60_s - 1.0 / t60_s).max(0.01);
    1.0 - 10f32.powf(-3.0 * rate / hz)
}

/// Gain and phase delay in samples of `x - loss (x - y)`, with `y += k (x - y)`, at an angular frequency.
fn shelf_at(loss: f64, k: f64, omega: f64) -> (f64, f64) {
    let a = 1.0 - k;
    let (re, im) = (1.0 - a * omega.cos(), a * omega.sin());
    let low = k / (re * re + im * im);
    let (re, im) = (1.0 - loss + loss * low * re, loss * low * im);
    (re.hypot(im), im.atan2(re) / omega)
}

/// Phase delay in samples of a first-order allpass at an angular frequency.
fn allpass_delay(c: f64, omega: f64) -> f64 {
    let (sin, cos) = omega.sin_cos();
    let numerator = (-sin).atan2(c + cos);
    let denominator = (-c * sin).atan2(1.0 + c * cos);
    -(numerator - denominator) / omega
}
