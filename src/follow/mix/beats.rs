//! Beats of a mix: a hidden Markov model over beat period and place in the beat, one step per hop.
//!
//! The tracker of sung rhythm ([`crate::follow::rhythm`]) steps from note to note, because between sung notes nothing
//! is heard. A band is dense: several strokes in every beat, many at once, and the silence between them tells as much
//! as they do. So here every hop counts, by how the spectrum grows at each place of a beat ([`super::pulse`]); state
//! space and tempo changes are those of Krebs, Böck & Widmer (ISMIR 2015): the period changes on beats only.

use super::pulse::{PLACES, Pulse, at, level};
use crate::listen::HOP_S;
use crate::listen::mix::BANDS;

/// Shortest and longest period in hops: 214 to 55 beats a minute.
const PERIODS: (usize, usize) = (28, 109);
/// How unlikely a relative change of the period from beat to beat is.
const STEADINESS: f64 = 70.0;
/// Largest relative change, so that the level of the beat stays.
const LARGEST_CHANGE: f64 = 0.25;
/// Neighbouring hops tell nearly the same: weight of one.
const WEIGHT: f32 = 0.6;
/// Preferred period in seconds, and the standard deviation around it in octaves; counts on every beat, because what a
/// band plays between the beats fits twice the tempo nearly as well throughout.
const PREFERRED_PERIOD_S: (f64, f64) = (0.65, 0.6);
/// Standard deviation around a stated period in octaves.
const STATED_WIDTH: f64 = 0.1;
/// Share of the period that must have passed since the last beat before the next is reported.
const NO_SOONER: f64 = 0.6;

/// The newest hop as the best path has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// Hops since the last beat.
    pub since: usize,
    /// Beat period in hops.
    pub period: usize,
}

/// Follows the beat.
#[derive(Debug)]
pub struct BeatTracker {
    /// Periods in hops.
    periods: Vec<usize>,
    /// First state of each period.
    first: Vec<usize>,
    /// Place in the beat of each state.
    place: Vec<u8>,
    /// Log likelihood of the best path to each state, the best of all 0; and of the hop before.
    scores: Vec<f32>,
    before: Vec<f32>,
    /// Log probability of each period after each.
    moves: Vec<f32>,
    /// For every hop and period, the period before a beat at this hop; empty where nothing is traced back.
    back: Vec<u8>,
    is_traced: bool,
    /// Log likelihood of the best path, relative to flux that has no place.
    gained: f64,
    hops: usize,
    last_beat: Option<usize>,
}

impl BeatTracker {
    /// A tracker that has heard nothing; `is_traced` where [`Self::path`] will be asked for.
    pub fn new(stated_period_s: Option<f64>, is_traced: bool) -> Self {
        let (centre, width) = stated_period_s.map_or(PREFERRED_PERIOD_S, |stated| (stated, STATED_WIDTH));
        let (shortest, longest) = match stated_period_s {
            // So that the level of the beat is as stated.
            Some(stated) => {
                let hops = stated / HOP_S;
                ((hops / 1.4).max(15.0) as usize, (hops * 1.4).clamp(18.0, 250.0) as usize)
            }
            None => PERIODS,
        };
        let periods: Vec<usize> = (shortest..=longest).collect();
        let (mut first, mut place, mut scores) = (Vec::new(), Vec::new(), Vec::new());
        for period in &periods {
            first.push(place.len());
            let prior = -(*period as f64).ln();
            for since in 0..*period {
                place.push(((since * PLACES * 2 + period) / (2 * period) % PLACES) as u8);
                scores.push(prior as f32);
            }
        }
        let preference = |period: usize| {
            let octaves = (period as f64 * HOP_S / centre).log2() / width;
            -0.5 * octaves * octaves
        };
        let moves = periods
            .iter()
            .flat_map(|from| {
                let weights: Vec<f64> = periods
                    .iter()
                    .map(|to| (*to as f64 / *from as f64 - 1.0).abs())
                    .map(|change| if change < LARGEST_CHANGE { (-STEADINESS * change).exp() } else { 0.0 })
                    .collect();
                let total: f64 = weights.iter().sum();
                let log = move |(weight, to): (f64, &usize)| ((weight / total).ln() + preference(*to)) as f32;
                weights.into_iter().zip(&periods).map(log).collect::<Vec<_>>()
            })
            .collect();
        Self {
            periods,
            first,
            place,
            before: scores.clone(),
            scores,
            moves,
            back: Vec::new(),
            is_traced,
            gained: 0.0,
            hops: 0,
            last_beat: None,
        }
    }

    /// Takes the flux of the next hop; returns whether the best path has a beat here that was not reported before.
    pub fn hear(&mut self, flux: &[f32; BANDS]) -> bool {
        let pulse = Pulse::counted();
        let levels = flux.map(level);
        let heard: [f32; PLACES] = std::array::from_fn(|place| WEIGHT * at(&pulse.beat[place], &levels));
        std::mem::swap(&mut self.scores, &mut self.before);
        let count = self.periods.len();
        let mut best = f32::NEG_INFINITY;
        for to in 0..count {
            let (first, period) = (self.first[to], self.periods[to]);
            let (mut most, mut from) = (f32::NEG_INFINITY, 0);
            if self.hops == 0 {
                (most, from) = (self.before[first], to);
            } else {
                for other in 0..count {
                    let end = self.first[other] + self.periods[other] - 1;
                    let score = self.before[end] + self.moves[other * count + to];
                    if score > most {
                        (most, from) = (score, other);
                    }
                }
            }
            if self.is_traced {
                self.back.push(from as u8);
            }
            for since in 0..period {
                let state = first + since;
                let reached = match since {
                    0 => most,
                    _ if self.hops == 0 => self.before[state],
                    _ => self.before[state - 1],
                };
                let score = reached + heard[usize::from(self.place[state])];
                self.scores[state] = score;
                best = best.max(score);
            }
        }
        for score in &mut self.scores {
            *score -= best;
        }
        self.gained += f64::from(best);
        let hop = self.hops;
        self.hops += 1;
        let Some(now) = self.now() else { return false };
        let is_due = self.last_beat.is_none_or(|last| (hop - last) as f64 >= NO_SOONER * now.period as f64);
        let is_beat = now.since <= 1 && is_due;
        if is_beat {
            self.last_beat = Some(hop);
        }
        is_beat
    }

    /// Where the best path is.
    pub fn now(&self) -> Option<Now> {
        if self.hops == 0 {
            return None;
        }
        let (state, _) = self.scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        let index = self.first.partition_point(|first| *first <= state) - 1;
        Some(Now { since: state - self.first[index], period: self.periods[index] })
    }

    /// Log likelihood that the best path has gained over no beat at all, per hop.
    pub fn gain(&self) -> f64 {
        self.gained / self.hops.max(1) as f64
    }

    /// Beats of the best path in hops.
    pub fn path(&self) -> Vec<usize> {
        let Some(now) = self.now().filter(|_| self.is_traced) else { return Vec::new() };
        let count = self.periods.len();
        let mut index = now.period - self.periods[0];
        let mut beats = Vec::new();
        let mut beat = (self.hops - 1).checked_sub(now.since);
        while let Some(hop) = beat {
            beats.push(hop);
            index = usize::from(self.back[hop * count + index]);
            beat = hop.checked_sub(self.periods[index]);
        }
        beats.reverse();
        beats
    }
}
