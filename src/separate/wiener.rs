//! A known backing taken out of a recording that is known as a whole.

use super::ReferenceError;
use super::align::{Alignment, align, warped};
use super::correlate::{Statistics, filtered};
use crate::limits::MAX_REFERENCE_FRAMES;
use crate::time::Hz;

/// Likeness that the best delay has to have beside that at others.
pub const LEAST_STRENGTH: f64 = 8.0;
/// Length of a stretch of time with statistics of its own, in seconds.
const STRETCH_S: f64 = 8.0;
/// Lengths of filters that are tried, in ms: a level and an equaliser, a small room, a large one.
const LENGTHS_MS: [f64; 3] = [23.0, 93.0, 372.0];
/// How much sooner than its main delay a backing may be heard, in ms: what an equaliser does before.
const SOONER_MS: f64 = 6.0;
/// Weight of a stretch beside the next one, where filters may change.
const NEIGHBOUR: f64 = 0.6;
/// How much less a longer filter, or one that changes, has to leave, in dB.
const WORTH_DB: f64 = 0.05;
/// Pre-emphasis: the bass would outweigh all else.
const EMPHASIS: f32 = 0.9;

/// What is left of a recording without its backing.
#[derive(Debug, Clone)]
pub struct Cancelled {
    /// The voice, by channel, as many as the mix has.
    pub voice: Vec<Vec<f32>>,
    /// How much later than its own time the backing is heard, in seconds; negative where sooner.
    pub delay_s: f64,
    /// How much slower the backing runs in the mix than by itself, in millionths.
    pub drift_ppm: f64,
    /// Likeness at that delay beside that at others.
    pub strength: f64,
    /// Length of the filters in ms.
    pub filter_ms: f64,
    /// Whether the filters change in the course of the recording.
    pub changes: bool,
    /// How much less energy the voice has than the mix, in dB.
    pub removed_db: f64,
}

/// Takes a backing out of a mix, both of one or two channels at one rate: its delay and its drift are found, and
/// between every channel of both lies a filter that leaves least of the mix (least squares, with pre-emphasis).
///
/// How long the filters are, and whether they change from stretch to stretch, is decided by what they leave of stretches
/// that they were not made from: a voice is never taken for backing because there are enough taps.
pub fn cancel(
    mix: &[Vec<f32>],
    backing: &[Vec<f32>],
    rate: Hz,
    progress: &mut dyn FnMut(f64),
) -> Result<Cancelled, ReferenceError> {
    let frames = mix[0].len();
    let longest = frames.max(backing[0].len()) as u64;
    if longest > MAX_REFERENCE_FRAMES {
        let minutes = MAX_REFERENCE_FRAMES as f64 / rate.as_f64() / 60.0;
        return Err(ReferenceError::TooLong { frames: longest, minutes });
    }
    let found = align(&mono(mix), &mono(backing), rate);
    if found.strength < LEAST_STRENGTH {
        return Err(ReferenceError::NotHeard { strength: found.strength });
    }
    progress(0.15);
    let inputs = inputs(backing, frames, &found, rate);
    let (emphasised, known) = (emphasised(mix), emphasised(&inputs));
    let lengths = LENGTHS_MS.map(|ms| ((ms / 1e3 * rate.as_f64()) as usize).next_power_of_two());
    let longest = lengths[LENGTHS_MS.len() - 1];
    let stretch = Stretches { length: rate.count(STRETCH_S).0.max(1) as usize, frames };
    let statistics =
        stretch.statistics(&emphasised, &known, longest, &mut |done| progress(0.15 + 0.35 * done));
    let (taps, filters) = constant(&statistics, &lengths);
    progress(0.6);
    let mut voice: Vec<Vec<f32>> = mix.to_vec();
    subtract(&mut voice, &inputs, &filters, 0, frames);
    progress(0.7);
    let left = self::emphasised(&voice);
    let short = lengths[0];
    let statistics = stretch.statistics(&left, &known, short, &mut |done| progress(0.7 + 0.2 * done));
    let changing = changing(&statistics, short);
    if let Some(filters) = &changing {
        stretch.subtract(&mut voice, &inputs, filters);
    }
    progress(1.0);
    let energy =
        |channels: &[Vec<f32>]| channels.iter().flatten().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    Ok(Cancelled {
        removed_db: 10.0 * ((energy(mix) + 1e-20) / (energy(&voice) + 1e-20)).log10(),
        voice,
        delay_s: found.delay / rate.as_f64(),
        drift_ppm: 1e6 * found.slope,
        strength: found.strength,
        filter_ms: 1e3 * taps as f64 / rate.as_f64(),
        changes: changing.is_some(),
    })
}

/// The mean of all channels.
fn mono(channels: &[Vec<f32>]) -> Vec<f32> {
    match channels {
        [left, right] => left.iter().zip(right).map(|(left, right)| 0.5 * (left + right)).collect(),
        _ => channels[0].clone(),
    }
}

/// The backing as it lies in the mix, a little sooner; one channel where both are the same.
fn inputs(backing: &[Vec<f32>], frames: usize, found: &Alignment, rate: Hz) -> Vec<Vec<f32>> {
    let sooner = rate.count(SOONER_MS / 1e3).0 as f64;
    // Parts of a sample are the filter's to find.
    let delay = if found.slope == 0.0 { found.delay.round() } else { found.delay } - sooner;
    let is_one = backing.len() == 1 || backing[0] == backing[1];
    let channels = if is_one { &backing[..1] } else { backing };
    channels.iter().map(|channel| warped(channel, frames, delay, found.slope)).collect()
}

fn emphasised(channels: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let one = |channel: &Vec<f32>| {
        let mut last = 0.0;
        channel.iter().map(|sample| sample - EMPHASIS * std::mem::replace(&mut last, *sample)).collect()
    };
    channels.iter().map(one).collect()
}

/// Takes what filters make of the inputs out of every channel, in a stretch of time.
fn subtract(voice: &mut [Vec<f32>], inputs: &[Vec<f32>], filters: &[Vec<f64>], from: usize, to: usize) {
    for (voice, filters) in voice.iter_mut().zip(filters.chunks(inputs.len())) {
        let known = filtered(inputs, filters, from, to);
        voice[from..to].iter_mut().zip(known).for_each(|(voice, known)| *voice -= known);
    }
}

fn sum<'a>(all: impl Iterator<Item = (&'a Statistics, f64)>, like: &Statistics) -> Statistics {
    let mut sum = like.emptied();
    all.for_each(|(one, weight)| sum.add(one, weight));
    sum
}

/// Filters for the whole recording, and their taps: as long as is worth it on stretches that they were not made from.
fn constant(statistics: &[Statistics], lengths: &[usize; 3]) -> (usize, Vec<Vec<f64>>) {
    let half = |odd: usize| {
        let chosen = statistics.iter().enumerate().filter(move |(index, _)| index % 2 == odd);
        sum(chosen.map(|(_, one)| (one, 1.0)), &statistics[0])
    };
    let halves = [half(0), half(1)];
    let all = sum(statistics.iter().map(|one| (one, 1.0)), &statistics[0]);
    let mut best = (lengths[0], f64::INFINITY);
    for taps in lengths.iter().copied().take(if statistics.len() < 2 { 1 } else { lengths.len() }) {
        let left: f64 = [(0, 1), (1, 0)]
            .iter()
            .flat_map(|(from, on)| halves[*on].left_by(&halves[*from].filters(taps)))
            .map(|left| left.max(0.0))
            .sum();
        if left < best.1 * 10f64.powf(-WORTH_DB / 10.0) {
            best = (taps, left);
        }
    }
    (best.0, all.filters(best.0))
}

/// Filters of each stretch for what is left, where they are worth it; each is made of the others around as well.
fn changing(statistics: &[Statistics], taps: usize) -> Option<Vec<Vec<Vec<f64>>>> {
    if statistics.len() < 3 {
        return None;
    }
    let around = |at: usize, itself: f64| {
        let weight =
            |index: usize| if index == at { itself } else { NEIGHBOUR.powi(at.abs_diff(index) as i32) };
        let near = statistics.iter().enumerate().filter(|(index, _)| at.abs_diff(*index) <= 6);
        sum(near.map(|(index, one)| (one, weight(index))), &statistics[0])
    };
    let (mut before, mut after) = (0.0, 0.0);
    for (at, own) in statistics.iter().enumerate() {
        before += own.energy.iter().sum::<f64>();
        after += own.left_by(&around(at, 0.0).filters(taps)).iter().map(|left| left.max(0.0)).sum::<f64>();
    }
    let is_worth = after < before * 10f64.powf(-WORTH_DB / 10.0);
    is_worth.then(|| (0..statistics.len()).map(|at| around(at, 1.0).filters(taps)).collect())
}

/// A recording cut into stretches.
struct Stretches {
    length: usize,
    frames: usize,
}

impl Stretches {
    /// Stretches, the last of which may be up to half as long again.
    fn count(&self) -> usize {
        ((self.frames + self.length / 2) / self.length).max(1)
    }

    fn edges(&self, at: usize) -> (usize, usize) {
        let to = if at + 1 == self.count() { self.frames } else { (at + 1) * self.length };
        (at * self.length, to)
    }

    fn statistics(
        &self,
        outputs: &[Vec<f32>],
        inputs: &[Vec<f32>],
        taps: usize,
        progress: &mut dyn FnMut(f64),
    ) -> Vec<Statistics> {
        (0..self.count())
            .map(|at| {
                progress(at as f64 / self.count() as f64);
                let (from, to) = self.edges(at);
                Statistics::of(outputs, inputs, from, to, taps)
            })
            .collect()
    }

    /// Subtracts with filters that go over into each other from the middle of one stretch to that of the next.
    fn subtract(&self, voice: &mut [Vec<f32>], inputs: &[Vec<f32>], filters: &[Vec<Vec<f64>>]) {
        let centre = |at: usize| at * self.length + self.length / 2;
        for (at, filters) in filters.iter().enumerate() {
            let from = if at == 0 { 0 } else { centre(at - 1) };
            let to = if at + 1 == self.count() { self.frames } else { centre(at + 1) };
            for (voice, filters) in voice.iter_mut().zip(filters.chunks(inputs.len())) {
                let known = filtered(inputs, filters, from, to);
                for (n, known) in (from..to).zip(known) {
                    let apart = n as f32 - centre(at) as f32;
                    let is_alone = (at == 0 && apart < 0.0) || (at + 1 == self.count() && apart > 0.0);
                    let weight = if is_alone { 1.0 } else { 1.0 - apart.abs() / self.length as f32 };
                    voice[n] -= weight.max(0.0) * known;
                }
            }
        }
    }
}
