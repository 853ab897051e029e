//! Banks of decaying resonances: bodies, skins and metal.

use std::f32::consts::PI;

use multiversion::multiversion;

use super::drive::MAX_TICK;
use super::dsp::{decay, snap};

/// Resonances computed side by side: as many as fill the registers, and two chains of dependent operations.
const LANES: usize = 8;
type Lanes = [f32; LANES];

/// Amplitude below which a whole bank counts as silent.
const QUIET: f32 = 1e-7;

/// One resonance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode {
    /// Frequency in Hz.
    pub hz: f32,
    /// Time of decay by 60 dB, in seconds.
    pub t60_s: f32,
    /// Gain to the left channel.
    pub left: f32,
    /// Gain to the right channel.
    pub right: f32,
}

/// Sums of a chunk before they are reduced to two channels; indexed by `[sample][lane]`.
pub(super) struct Sums {
    left: [Lanes; MAX_TICK],
    right: [Lanes; MAX_TICK],
}

impl Sums {
    /// Empty sums.
    pub(super) fn new() -> Self {
        Self { left: [[0.0; LANES]; MAX_TICK], right: [[0.0; LANES]; MAX_TICK] }
    }

    /// Empties the first `len` samples.
    pub(super) fn clear(&mut self, len: usize) {
        for (left, right) in self.left.iter_mut().zip(&mut self.right).take(len) {
            (*left, *right) = ([0.0; LANES], [0.0; LANES]);
        }
    }

    /// Adds a sample.
    pub(super) fn add(&mut self, at: usize, left: f32, right: f32) {
        if let (Some(l), Some(r)) = (self.left.get_mut(at), self.right.get_mut(at)) {
            l[0] += left;
            r[0] += right;
        }
    }

    /// Adds the sums to two channels.
    pub(super) fn add_to(&self, left: &mut [f32], right: &mut [f32]) {
        for (out, lanes) in left.iter_mut().zip(&self.left).chain(right.iter_mut().zip(&self.right)) {
            let [a, b, c, d, e, f, g, h] = *lanes;
            *out += ((a + e) + (b + f)) + ((c + g) + (d + h));
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Group {
    re: Lanes,
    im: Lanes,
    pole_re: Lanes,
    pole_im: Lanes,
    left: Lanes,
    right: Lanes,
    feed: Lanes,
}

/// Resonances as rotating complex numbers: exact at low frequencies, and without a step when they are struck.
#[derive(Debug, Clone)]
pub(super) struct Bank {
    groups: Vec<Group>,
    hz: Vec<f32>,
    poles: Vec<(Lanes, Lanes)>,
    rate_hz: f32,
    active: bool,
}

impl Bank {
    /// A bank of modes; those too near half the sample rate stay silent.
    pub(super) fn new(modes: &[Mode], rate_hz: f32) -> Self {
        let empty = [0.0; LANES];
        let group = Group {
            re: empty,
            im: empty,
            pole_re: empty,
            pole_im: empty,
            left: empty,
            right: empty,
            feed: empty,
        };
        let mut groups = vec![group; modes.len().div_ceil(LANES)];
        for (index, mode) in modes.iter().enumerate().filter(|(_, m)| m.hz < 0.45 * rate_hz) {
            let (group, lane) = (&mut groups[index / LANES], index % LANES);
            let (radius, angle) = (decay(mode.t60_s, rate_hz), 2.0 * PI * mode.hz / rate_hz);
            group.pole_re[lane] = radius * angle.cos();
            group.pole_im[lane] = radius * angle.sin();
            group.left[lane] = mode.left;
            group.right[lane] = mode.right;
            group.feed[lane] = 2.0 * (1.0 - radius);
        }
        let poles = groups.iter().map(|g| (g.pole_re, g.pole_im)).collect();
        Self { groups, hz: modes.iter().map(|m| m.hz).collect(), poles, rate_hz, active: false }
    }

    /// Strikes every mode with the amplitude that `amount` gives for its frequency in Hz.
    pub(super) fn strike(&mut self, mut amount: impl FnMut(f32) -> f32) {
        self.active = true;
        for (index, hz) in self.hz.iter().enumerate() {
            if let Some(group) = self.groups.get_mut(index / LANES) {
                group.re[index % LANES] += amount(*hz);
            }
        }
    }

    /// From now on everything decays within `t60_s`, or as built if that is none.
    pub(super) fn damp(&mut self, t60_s: Option<f32>) {
        let factor = t60_s.map_or(1.0, |t60_s| decay(t60_s, self.rate_hz));
        for (group, (re, im)) in self.groups.iter_mut().zip(&self.poles) {
            group.pole_re = re.map(|p| p * factor);
            group.pole_im = im.map(|p| p * factor);
        }
    }

    /// Adds `len` samples of what rings.
    pub(super) fn ring(&mut self, sums: &mut Sums, len: usize) {
        if !self.active {
            return;
        }
        ring(&mut self.groups, &mut sums.left[..len], &mut sums.right[..len]);
    }

    /// Adds the response to an input.
    pub(super) fn respond(&mut self, input: &[f32], sums: &mut Sums) {
        respond(&mut self.groups, input, &mut sums.left, &mut sums.right);
    }

    /// Sets what has died away to zero; call once a control tick.
    pub(super) fn tick(&mut self) {
        let mut peak = 0.0f32;
        for group in &mut self.groups {
            group.re = group.re.map(snap);
            group.im = group.im.map(snap);
            for lane in 0..LANES {
                peak = peak.max(group.re[lane].abs()).max(group.im[lane].abs());
            }
        }
        if self.active && peak < QUIET {
            self.clear();
        }
    }

    /// Whether a strike still rings.
    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    /// Silences the bank and lifts every damping.
    pub(super) fn clear(&mut self) {
        self.active = false;
        self.damp(None);
        for group in &mut self.groups {
            (group.re, group.im) = ([0.0; LANES], [0.0; LANES]);
        }
    }
}

/// Two groups at a time: their sums are read and written once for both.
#[multiversion(targets("x86_64+avx2"))]
fn ring(groups: &mut [Group], left: &mut [Lanes], right: &mut [Lanes]) {
    let (pairs, rest) = groups.as_chunks_mut::<2>();
    for pair in pairs {
        turn(pair, left, right);
    }
    for single in rest {
        turn(std::array::from_mut(single), left, right);
    }
}

#[inline(always)]
fn turn<const N: usize>(groups: &mut [Group; N], left: &mut [Lanes], right: &mut [Lanes]) {
    let mut turning = *groups;
    for (left, right) in left.iter_mut().zip(right) {
        for group in &mut turning {
            for lane in 0..LANES {
                let next = group.re[lane] * group.pole_re[lane] - group.im[lane] * group.pole_im[lane];
                group.im[lane] = group.re[lane] * group.pole_im[lane] + group.im[lane] * group.pole_re[lane];
                group.re[lane] = next;
                left[lane] += group.im[lane] * group.left[lane];
                right[lane] += group.im[lane] * group.right[lane];
            }
        }
    }
    *groups = turning;
}

#[multiversion(targets("x86_64+avx2"))]
fn respond(groups: &mut [Group], input: &[f32], left: &mut [Lanes], right: &mut [Lanes]) {
    for group in groups {
        let (mut re, mut im) = (group.re, group.im);
        for ((x, left), right) in input.iter().zip(&mut *left).zip(&mut *right) {
            for lane in 0..LANES {
                let fed = re[lane] + x * group.feed[lane];
                re[lane] = fed * group.pole_re[lane] - im[lane] * group.pole_im[lane];
                im[lane] = fed * group.pole_im[lane] + im[lane] * group.pole_re[lane];
                left[lane] += im[lane] * group.left[lane];
                right[lane] += im[lane] * group.right[lane];
            }
        }
        (group.re, group.im) = (re, im);
    }
}
