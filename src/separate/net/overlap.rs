//! A mix to windows, and masked windows to sound again.

use std::sync::Arc;

use collavoce_models::mask::{MASKS, WINDOW_HOPS};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};

use super::features::{MixFeatures, RateError, apply, root_hann};
use crate::time::Hz;

/// Both sides of some samples.
type Sides = [Vec<f32>; 2];

/// Is given the features of a window and the sample in its middle, and writes its mask.
type Judge<'a> = dyn FnMut(&[f32], i64, &mut [f32]) + 'a;

/// Cuts a mix into windows, has each of them judged, and adds up what masks leave of them.
///
/// With a mask of 1 everywhere the mix comes out as it was, a window behind.
pub(super) struct Overlap {
    features: MixFeatures,
    inverse: Arc<dyn ComplexToReal<f32>>,
    shape: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    frame: Vec<f32>,
    mask: Vec<f32>,
    /// The hop that comes in, and what goes out meanwhile.
    coming: Sides,
    going: Sides,
    filled: usize,
    /// What later windows add to.
    added: Sides,
    samples: i64,
}

impl Overlap {
    /// Windows at a sample rate.
    pub fn new(rate: Hz) -> Result<Self, RateError> {
        let features = MixFeatures::new(rate)?;
        let (hop, window) = (features.hop(), features.hop() * WINDOW_HOPS);
        let inverse = RealFftPlanner::new().plan_fft_inverse(window);
        let sides = |len: usize| [vec![0.0; len], vec![0.0; len]];
        Ok(Self {
            spectrum: inverse.make_input_vec(),
            scratch: inverse.make_scratch_vec(),
            inverse,
            shape: root_hann(window),
            frame: vec![0.0; window],
            mask: vec![0.0; MASKS],
            coming: sides(hop),
            going: sides(hop),
            filled: 0,
            added: sides(window),
            samples: 0,
            features,
        })
    }

    /// Samples of a window, which is how far what comes out lies behind.
    pub fn window(&self) -> usize {
        self.frame.len()
    }

    /// Forgets all that was heard.
    pub fn reset(&mut self) {
        self.features.reset();
        for sides in [&mut self.coming, &mut self.going, &mut self.added] {
            sides.iter_mut().for_each(|side| side.fill(0.0));
        }
        (self.filled, self.samples) = (0, 0);
    }

    /// Overwrites samples with masked ones.
    pub fn process(&mut self, left: &mut [f32], right: &mut [f32], judge: &mut Judge<'_>) {
        assert_eq!(left.len(), right.len());
        for (left, right) in left.iter_mut().zip(right) {
            for (side, sample) in [left, right].into_iter().enumerate() {
                self.coming[side][self.filled] = *sample;
                *sample = self.going[side][self.filled];
            }
            self.filled += 1;
            self.samples += 1;
            if self.filled == self.features.hop() {
                self.filled = 0;
                let [left, right] = &self.coming;
                let features = self.features.process(left, right);
                judge(features, self.samples - self.shape.len() as i64 / 2, &mut self.mask);
                (0..2).for_each(|side| self.add(side));
            }
        }
    }

    /// Adds the masked window of a side.
    fn add(&mut self, side: usize) {
        self.spectrum.copy_from_slice(&self.features.spectra()[side]);
        apply(&self.mask, &mut self.spectrum);
        // A real signal's spectrum has no phase at both ends.
        self.spectrum[0].im = 0.0;
        if let Some(last) = self.spectrum.last_mut() {
            last.im = 0.0;
        }
        // The lengths are those the plan asked for, so it cannot fail.
        let done = self.inverse.process_with_scratch(&mut self.spectrum, &mut self.frame, &mut self.scratch);
        if done.is_err() {
            self.frame.fill(0.0);
        }
        let (scale, hop) = (1.0 / self.frame.len() as f32, self.features.hop());
        let added = &mut self.added[side];
        for ((sum, value), shape) in added.iter_mut().zip(&self.frame).zip(&self.shape) {
            *sum += scale * shape * value;
        }
        self.going[side].copy_from_slice(&added[..hop]);
        added.copy_within(hop.., 0);
        let end = added.len() - hop;
        added[end..].fill(0.0);
    }
}
