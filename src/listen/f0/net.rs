//! Candidates by the pitch network: its peaks by their odds, and whether anybody sings.

use collavoce_models::WeightsError;
use collavoce_models::pitch::{
    BINS, BINS_PER_SEMITONE, HOP, LOOK_AHEAD_HOPS, LOWEST_MIDI, PitchFeatures, PitchNet, PitchOdds, SAMPLE_HZ,
};

use super::path::Costs;
use super::{Candidate, CandidateFinder, MAX_CANDIDATES};
use crate::limits::{LISTEN_HOP, LISTEN_HZ, MAX_F0_HZ, MIN_F0_HZ};

const _: () = assert!(HOP == LISTEN_HOP && SAMPLE_HZ == LISTEN_HZ);

/// What a path through the network's pitches pays for; whether they are sung is known.
pub(super) const COSTS: Costs = Costs { octave: 0.0, octave_jump: 0.2, voicing_change: 0.0 };
/// Clarity and nearness, in octaves, that a sharpened pitch needs to count as much as the network's.
pub(super) const CLEAR: f32 = 0.6;
pub(super) const REACH_OCTAVES: f32 = 0.6 / 12.0;

/// Weight of the logarithm of the odds of a pitch.
const PITCH_WEIGHT: f32 = 0.1;
/// Price of a change between sung and not, as a logarithm of odds, and what speaks for a voice beforehand.
const CHANGE: f32 = 1.0;
const VOICING_BIAS: f32 = -1.0;
/// Least share of the odds that makes a peak a candidate.
const LEAST_SHARE: f32 = 0.02;
/// Bins on either side of a peak that belong to it.
const PEAK_BINS: usize = 2;

pub(super) struct Net {
    features: PitchFeatures,
    net: PitchNet,
    /// How much more speaks for a voice than against it, as a logarithm of odds.
    sung: f32,
}

impl Net {
    /// # Errors
    /// If the weights were damaged.
    pub fn new() -> Result<Self, WeightsError> {
        Ok(Self { features: PitchFeatures::new(), net: PitchNet::embedded()?, sung: 0.0 })
    }
}

impl CandidateFinder for Net {
    fn look_ahead(&self) -> usize {
        LOOK_AHEAD_HOPS * LISTEN_HOP
    }

    fn find(&mut self, samples: &[f32], centre: usize, out: &mut Vec<Candidate>) -> Option<bool> {
        let end = centre + self.look_ahead();
        let frame = self.features.process(newest(&samples[..end]));
        let odds = self.net.step(frame);
        let voiced = odds.voiced.clamp(1e-4, 1.0 - 1e-4);
        // The better of two paths, sung and not, between which a change has a price.
        let logit = (voiced / (1.0 - voiced)).ln() + VOICING_BIAS;
        self.sung = self.sung.clamp(-CHANGE, CHANGE) + logit;
        peaks(odds, out);
        Some(self.sung > 0.0)
    }

    fn prepare(&mut self, samples: &[f32]) {
        self.features.process(newest(samples));
    }

    fn reset(&mut self) {
        self.features.reset();
        self.net.reset();
        self.sung = 0.0;
    }
}

/// The newest hop of some samples, which are more.
fn newest(samples: &[f32]) -> &[f32; LISTEN_HOP] {
    samples.last_chunk().unwrap_or(&[0.0; LISTEN_HOP])
}

/// The peaks of the odds.
fn peaks(odds: &PitchOdds, out: &mut Vec<Candidate>) {
    let odds = &odds.pitches[..];
    let at = |bin: usize| odds.get(bin).copied().unwrap_or(0.0);
    for bin in 0..BINS {
        let before = bin.checked_sub(1).map_or(0.0, at);
        if at(bin) <= before || at(bin) < at(bin + 1) {
            continue;
        }
        let around = bin.saturating_sub(PEAK_BINS)..(bin + PEAK_BINS + 1).min(BINS);
        let share: f32 = around.clone().map(at).sum();
        let place = around.map(|bin| at(bin) * bin as f32).sum::<f32>() / share.max(1e-9);
        let hz = 440.0 * ((LOWEST_MIDI + place / BINS_PER_SEMITONE - 69.0) / 12.0).exp2();
        if share < LEAST_SHARE || !(MIN_F0_HZ..MAX_F0_HZ).contains(&f64::from(hz)) {
            continue;
        }
        let candidate = Candidate { hz, clarity: PITCH_WEIGHT * share.min(1.0).ln() };
        if out.len() < MAX_CANDIDATES {
            out.push(candidate);
        } else if let Some(worst) = out.iter_mut().min_by(|a, b| a.clarity.total_cmp(&b.clarity))
            && worst.clarity < candidate.clarity
        {
            *worst = candidate;
        }
    }
}
