//! The placed onsets of a take as beats and bars in seconds.

use super::beat_of;
use super::priors::UNITS;
use crate::follow::bar::BarPhase;
use crate::time::Meter;

/// Standard deviation of a sung onset around its place, in seconds.
const ONSET_SD_S: f64 = 0.03;

/// Least change of period over a beat, as a share of it.
const LEAST_WALK: f64 = 0.01;

/// An onset, or a stroke beside the voice, with its place in the bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlacedOnset {
    /// When it was sung or struck, in seconds.
    pub time_s: f64,
    /// Units since the placed onset before it.
    pub step: u32,
    /// Whether the singer held or cut what lies before it.
    pub is_held: bool,
    /// Standard deviation of the change of period over a beat before it, as a share of the period.
    pub period_walk: f64,
    /// Its place in the bar, in units.
    pub unit: usize,
}

/// Onsets with their places.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPath {
    /// The metre.
    pub meter: Meter,
    /// Where the second half of a beat begins, as a share of it.
    pub half: f64,
    /// The last beat period in seconds.
    pub period_s: f64,
    /// Log likelihood.
    pub score: f64,
    /// Probability that the metre and the last bar line are right.
    pub bar_probability: f64,
    /// Onsets in order; those that are none are left out.
    pub placed: Vec<PlacedOnset>,
}

/// Beats in seconds, and their bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Beats {
    /// Times in seconds.
    pub beats_s: Vec<f64>,
    /// Where the bars are.
    pub bars: BarPhase,
}

/// A point of the smoother: a beat, an onset or both.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// Beats from the bar line before the first onset.
    at: f64,
    sung_s: Option<f64>,
    /// Whether time stands still before it.
    is_held: bool,
    /// Change of period over a beat before it, as a share.
    period_walk: f64,
    is_beat: bool,
}

impl MetricPath {
    /// The beats from the one at or before the first onset to the one at or after a time, smoothed over the take:
    /// forward by a Kalman filter, backward by that of Rauch, Tung & Striebel (AIAA J. 3, 1965). What a singer holds
    /// is added right before the onset that comes late.
    pub fn beats(&self, until_s: f64) -> Beats {
        let per_bar = self.meter.beats_per_bar();
        let first_place = self.placed.first().map_or(0, |first| first.unit / UNITS);
        let bars = BarPhase {
            meter: self.meter,
            first_downbeat: (per_bar - first_place) % per_bar,
            lead: -(1.0 - self.bar_probability).max(1e-9).ln(),
        };
        if self.placed.is_empty() {
            return Beats { beats_s: Vec::new(), bars };
        }
        let points = self.points(until_s);
        let times = smooth(&points, self.start_period_s());
        let beats = points.iter().zip(times).filter(|(point, _)| point.is_beat);
        Beats { beats_s: beats.map(|(_, time)| time).collect(), bars }
    }

    /// Beats of each placed onset, counted from the bar line before the first one.
    pub fn onset_beats(&self) -> Vec<f64> {
        let mut unit = self.placed.first().map_or(0, |first| first.unit);
        let mut at = Vec::with_capacity(self.placed.len());
        for placed in &self.placed {
            unit += placed.step as usize;
            at.push(beat_of(unit, self.half));
        }
        at
    }

    fn start_period_s(&self) -> f64 {
        let beats = self.onset_beats();
        let mut periods: Vec<f64> = (1..beats.len())
            .filter(|i| !self.placed[*i].is_held && beats[*i] > beats[*i - 1])
            .map(|i| (self.placed[i].time_s - self.placed[i - 1].time_s) / (beats[i] - beats[i - 1]))
            .take(16)
            .collect();
        periods.sort_by(f64::total_cmp);
        periods.get(periods.len() / 2).copied().unwrap_or(self.period_s)
    }

    fn points(&self, until_s: f64) -> Vec<Point> {
        let onset_beats = self.onset_beats();
        let first_beat = onset_beats.first().map_or(0.0, |beat| beat.floor());
        let mut points: Vec<Point> = Vec::new();
        let mut next_beat = first_beat;
        let beat = |at: f64, period_walk: f64| Point {
            at,
            sung_s: None,
            is_held: false,
            period_walk,
            is_beat: true,
        };
        for (placed, at) in self.placed.iter().zip(&onset_beats) {
            while next_beat < *at - 1e-9 {
                points.push(beat(next_beat, placed.period_walk));
                next_beat += 1.0;
            }
            let is_beat = (next_beat - at).abs() <= 1e-9;
            next_beat += f64::from(u8::from(is_beat));
            let sung_s = Some(placed.time_s);
            let (is_held, period_walk) = (placed.is_held, placed.period_walk);
            points.push(Point { at: *at, sung_s, is_held, period_walk, is_beat });
        }
        let last = self.placed.last().map_or(0.0, |last| last.time_s);
        let left = ((until_s - last) / self.period_s).ceil().max(1.0);
        let last_beat = onset_beats.last().map_or(0.0, |beat| beat.floor()) + left;
        while next_beat <= last_beat {
            points.push(beat(next_beat, 0.0));
            next_beat += 1.0;
        }
        points
    }
}

type Vector = [f64; 2];
type Matrix = [[f64; 2]; 2];
/// Mean and variance of (time, period).
type Belief = (Vector, Matrix);

fn times(a: Matrix, b: Matrix) -> Matrix {
    let mut product = [[0.0; 2]; 2];
    for row in 0..2 {
        for column in 0..2 {
            product[row][column] = a[row][0] * b[0][column] + a[row][1] * b[1][column];
        }
    }
    product
}

fn transposed(a: Matrix) -> Matrix {
    [[a[0][0], a[1][0]], [a[0][1], a[1][1]]]
}

fn inverse(a: Matrix) -> Matrix {
    let determinant = (a[0][0] * a[1][1] - a[0][1] * a[1][0]).max(1e-18);
    [[a[1][1] / determinant, -a[0][1] / determinant], [-a[1][0] / determinant, a[0][0] / determinant]]
}

/// Time and period of each point given all onsets; only the times are returned.
fn smooth(points: &[Point], period_s: f64) -> Vec<f64> {
    let n = points.len();
    let (mut filtered, mut predicted): (Vec<Belief>, Vec<Belief>) =
        (Vec::with_capacity(n), Vec::with_capacity(n));
    let mut steps: Vec<f64> = Vec::with_capacity(n);
    for (index, point) in points.iter().enumerate() {
        let (mean, variance) = match filtered.last() {
            None => {
                let start_s = points.iter().find_map(|p| p.sung_s.map(|s| s - (p.at - point.at) * period_s));
                ([start_s.unwrap_or(0.0), period_s], [[0.01, 0.0], [0.0, (0.1 * period_s).powi(2)]])
            }
            Some(&(mean, variance)) => {
                let beats = point.at - points[index - 1].at;
                let walk = (point.period_walk.max(LEAST_WALK) * period_s).powi(2);
                let step = [[1.0, beats], [0.0, 1.0]];
                let mut variance = times(times(step, variance), transposed(step));
                variance[0][0] += walk * beats.powi(3) / 3.0 + if point.is_held { 4.0 } else { 0.0 };
                variance[0][1] += walk * beats.powi(2) / 2.0;
                variance[1][0] = variance[0][1];
                variance[1][1] += walk * beats;
                ([mean[0] + beats * mean[1], mean[1]], variance)
            }
        };
        steps.push(if index == 0 { 0.0 } else { point.at - points[index - 1].at });
        predicted.push((mean, variance));
        filtered.push(match point.sung_s {
            None => (mean, variance),
            Some(sung_s) => {
                let total = variance[0][0] + ONSET_SD_S * ONSET_SD_S;
                let gain = [variance[0][0] / total, variance[1][0] / total];
                let miss = sung_s - mean[0];
                let kept = [[1.0 - gain[0], 0.0], [-gain[1], 1.0]];
                ([mean[0] + gain[0] * miss, mean[1] + gain[1] * miss], times(kept, variance))
            }
        });
    }
    let Some(&last) = filtered.last() else { return Vec::new() };
    let mut seconds = vec![0.0; n];
    let mut after = last.0;
    seconds[n - 1] = after[0];
    for index in (0..n - 1).rev() {
        let (mean, variance) = filtered[index];
        let (expected, spread) = predicted[index + 1];
        let step = [[1.0, steps[index + 1]], [0.0, 1.0]];
        let gain = times(times(variance, transposed(step)), inverse(spread));
        let miss = [after[0] - expected[0], after[1] - expected[1]];
        after = [
            mean[0] + gain[0][0] * miss[0] + gain[0][1] * miss[1],
            mean[1] + gain[1][0] * miss[0] + gain[1][1] * miss[1],
        ];
        seconds[index] = after[0];
    }
    // Beats rise whatever the onsets say.
    for index in 1..n {
        seconds[index] = seconds[index].max(seconds[index - 1] + 1e-3);
    }
    seconds
}
