//! A mix heard before the voice is taken out of it: where it is known as a whole, what comes later says as much of who sings
//! as what was before.

use collavoce_models::mask::{MaskNet, MaskOdds};

use super::comb::between;
use super::hush::gains;
use super::isolate::{IsolatorError, pitch_hz, pitch_near};
use super::overlap::Overlap;
use super::path::{Ahead, PathFinder};
use crate::time::Hz;

/// Hears a whole mix before its voice is isolated.
pub struct Scout {
    net: MaskNet,
    overlap: Overlap,
    path: PathFinder,
    ahead: Ahead,
    sides: [Vec<f32>; 2],
}

impl std::fmt::Debug for Scout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scout").finish_non_exhaustive()
    }
}

impl Scout {
    /// Hears with the network of the program, at a sample rate: a multiple of 300 Hz from 24 kHz on.
    ///
    /// # Errors
    /// At another rate, or if the weights were damaged.
    pub fn new(rate: Hz, ahead: Ahead) -> Result<Self, IsolatorError> {
        let (net, overlap) = (MaskNet::embedded()?, Overlap::new(rate)?);
        Ok(Self { net, overlap, path: PathFinder::new(ahead), ahead, sides: Default::default() })
    }

    /// Takes the next samples of both sides; a mix of one channel is given twice. How it is cut changes nothing.
    ///
    /// # Panics
    /// If the sides differ in length.
    pub fn hear(&mut self, left: &[f32], right: &[f32]) {
        let Self { net, overlap, path, sides, .. } = self;
        for (side, samples) in sides.iter_mut().zip([left, right]) {
            side.clear();
            side.extend_from_slice(samples);
        }
        let [left, right] = sides;
        overlap.process(left, right, &mut |features, _, _| path.hear(features, net.step(features)));
    }

    /// Where somebody sings.
    pub fn finish(self) -> SungPath {
        let places = self.path.finish();
        SungPath { gains: gains(&places, self.ahead), places, sure: self.ahead.sure, at: 0 }
    }
}

/// Where somebody sings in a whole mix, and at which pitch, window by window.
#[derive(Debug, Clone, PartialEq)]
pub struct SungPath {
    /// Of the pitch in what the network says.
    places: Vec<Option<usize>>,
    /// What is left of the mask.
    gains: Vec<f32>,
    /// Odds of a voice from which the comb comes in, and from which it is whole.
    sure: [f32; 2],
    at: usize,
}

impl SungPath {
    pub(super) fn reset(&mut self) {
        self.at = 0;
    }

    /// F0 of the next window in Hz, how deep its comb is, and what is left of its mask. Behind the end nobody
    /// sings.
    pub(super) fn next(&mut self, odds: &MaskOdds) -> (f32, f32, f32) {
        let place = self.places.get(self.at).copied().flatten();
        let gain = self.gains.get(self.at).or(self.gains.last()).copied().unwrap_or(1.0);
        self.at += 1;
        match place {
            Some(place) => (pitch_near(&odds.pitches, place), between(self.sure, odds.voiced), gain),
            None => (pitch_hz(&odds.pitches), 0.0, gain),
        }
    }
}
