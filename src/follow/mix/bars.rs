//! Bars over the beats of a mix: a hidden Markov model over metre and beat of the bar, one step per beat.

use super::pulse::{BarPulse, PLACES, Pulse, change_level, level};
use crate::listen::mix::BANDS;
use crate::time::Meter;

/// Share of bars that begin too early or too late.
const SLIP: f32 = 0.002;
/// Weight of what flux tells, hop by hop, and of what a change of harmony tells.
const FLUX_WEIGHT: f32 = 0.25;
const CHANGE_WEIGHT: f32 = 1.5;
/// What a beat that is like the one a bar before it tells for that bar.
const ALIKE: f32 = 3.0;
/// Metres that are looked for where none is stated.
const OPEN: [(Meter, f32); 2] = [(Meter::FOUR_FOUR, 0.7), (Meter::THREE_FOUR, 0.3)];

/// Parts of a beat in which its rhythm is summed up.
const QUARTERS: usize = 4;
type Rhythm = [[f32; BANDS]; QUARTERS];

/// What is heard from one beat to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BeatSpan {
    /// Flux of every hop from the beat on.
    pub flux: Vec<[f32; BANDS]>,
    /// How much the harmony changes at the beat, relative to the mean change; none where it is not known.
    pub change: Option<f32>,
}

impl BeatSpan {
    /// How much it speaks for a beat of the bar, as a log ratio, for each beat of a metre.
    pub fn tells(&self, pulse: &BarPulse) -> Vec<f32> {
        let hops = self.flux.len().max(1);
        let levels: Vec<(usize, [usize; BANDS])> = self
            .flux
            .iter()
            .enumerate()
            .map(|(since, flux)| ((since * PLACES * 2 + hops) / (2 * hops), flux.map(level)))
            .filter(|(place, _)| *place < PLACES)
            .collect();
        let of_beat = |beat| {
            let flux: f32 = levels.iter().map(|(place, levels)| pulse.of_flux(beat, *place, levels)).sum();
            let change = self.change.map_or(0.0, |change| pulse.of_change(beat, change_level(change)));
            FLUX_WEIGHT * flux + CHANGE_WEIGHT * change
        };
        (0..pulse.beats()).map(of_beat).collect()
    }
}

/// Follows the bar.
#[derive(Debug)]
pub struct BarTracker {
    meters: Vec<(Meter, BarPulse)>,
    /// Log likelihood of the best path by metre and beat of the bar.
    scores: Vec<Vec<f32>>,
    /// Log likelihood of each metre from what comes back after a bar.
    repetition: Vec<f32>,
    /// Flux of every beat, summed over its quarters.
    rhythms: Vec<Rhythm>,
    mean: Rhythm,
    /// For every span: by metre and beat, the beat before.
    back: Vec<Vec<Vec<u8>>>,
}

impl BarTracker {
    /// A tracker that has heard nothing.
    pub fn new(stated: Option<Meter>) -> Self {
        let choice = stated.map_or(OPEN.to_vec(), |meter| vec![(meter, 1.0)]);
        let meters: Vec<_> = choice.iter().map(|(meter, _)| (*meter, Pulse::counted().bar(*meter))).collect();
        let scores = choice
            .iter()
            .zip(&meters)
            .map(|((_, share), (_, pulse))| vec![(share / pulse.beats() as f32).ln(); pulse.beats()])
            .collect();
        let repetition = vec![0.0; meters.len()];
        Self {
            meters,
            scores,
            repetition,
            rhythms: Vec::new(),
            mean: [[0.0; BANDS]; QUARTERS],
            back: Vec::new(),
        }
    }

    /// Takes the next beat.
    pub fn hear(&mut self, span: &BeatSpan) {
        let mut back = Vec::with_capacity(self.meters.len());
        for ((_, pulse), scores) in self.meters.iter().zip(&mut self.scores) {
            let (beats, told) = (pulse.beats(), span.tells(pulse));
            let mut next = Vec::with_capacity(beats);
            let mut from = Vec::with_capacity(beats);
            for (beat, told) in told.iter().enumerate() {
                let before = (beat + beats - 1) % beats;
                let mut best = (scores[before] + (1.0 - SLIP).ln(), before);
                if !self.back.is_empty() {
                    for (other, score) in scores.iter().enumerate() {
                        let slipped = score + (SLIP / beats as f32).ln();
                        if slipped > best.0 {
                            best = (slipped, other);
                        }
                    }
                }
                next.push(best.0 + told);
                from.push(best.1 as u8);
            }
            *scores = next;
            back.push(from);
        }
        self.back.push(back);
        self.compare(span);
    }

    /// Bars are alike: how much the rhythm of a beat is that of the beat a bar before it.
    fn compare(&mut self, span: &BeatSpan) {
        let mut rhythm: Rhythm = [[0.0; BANDS]; QUARTERS];
        for (since, flux) in span.flux.iter().enumerate() {
            // The stroke of a beat begins before it.
            let quarter = (since + 2) * QUARTERS / span.flux.len() % QUARTERS;
            for (sum, flux) in rhythm[quarter].iter_mut().zip(flux) {
                *sum += flux.sqrt();
            }
        }
        let weight = 1.0 / (self.rhythms.len() + 1) as f32;
        for (mean, value) in self.mean.as_flattened_mut().iter_mut().zip(rhythm.as_flattened()) {
            *mean += weight * (value - *mean);
        }
        let now = self.off_mean(&rhythm);
        for (metre, (_, pulse)) in self.meters.iter().enumerate() {
            if let Some(before) = self.rhythms.len().checked_sub(pulse.beats()) {
                self.repetition[metre] += ALIKE * cosine(&now, &self.off_mean(&self.rhythms[before]));
            }
        }
        self.rhythms.push(rhythm);
    }

    fn off_mean(&self, rhythm: &Rhythm) -> Vec<f32> {
        rhythm.as_flattened().iter().zip(self.mean.as_flattened()).map(|(value, mean)| value - mean).collect()
    }

    /// The best metre and the beat of the bar of the last span.
    pub fn now(&self) -> (Meter, usize) {
        let (metre, beat) = self.best();
        (self.meters[metre].0, beat)
    }

    fn best(&self) -> (usize, usize) {
        let mut best = (0, 0);
        let score = |(metre, beat): (usize, usize)| self.scores[metre][beat] + self.repetition[metre];
        for (metre, scores) in self.scores.iter().enumerate() {
            for beat in 0..scores.len() {
                if score((metre, beat)) > score(best) {
                    best = (metre, beat);
                }
            }
        }
        best
    }

    /// The best metre, and the beat of the bar of every span.
    pub fn path(&self) -> (Meter, Vec<usize>) {
        let (metre, mut beat) = self.best();
        let mut beats = Vec::with_capacity(self.back.len());
        for back in self.back.iter().rev() {
            beats.push(beat);
            beat = usize::from(back[metre][beat]);
        }
        beats.reverse();
        (self.meters[metre].0, beats)
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    product(a, b) / (product(a, a) * product(b, b)).sqrt().max(1e-6)
}
