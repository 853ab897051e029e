//! The voice of a mix, a stream.

use collavoce_models::WeightsError;
use collavoce_models::mask::{LOWEST_MIDI, MASKS, MaskNet, MaskOdds, PITCHES, PITCHES_PER_SEMITONE};

use super::comb::Comb;
use super::features::RateError;
use super::overlap::Overlap;
use super::scout::SungPath;
use crate::audio::{ResampleError, StereoBlock};
use crate::separate::Separator;
use crate::time::{Hz, SampleCount};

/// What the network heard in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// The window's middle, in samples of the mix.
    pub centre: i64,
    /// F0 in Hz if anybody sings.
    pub hz: f32,
    /// How likely it is that anybody sings.
    pub voiced: f32,
    /// How likely it is that a note begins.
    pub onset: f32,
}

/// Isolates the voice of a mix.
///
/// The network allocates, so it is no matter for an audio thread.
pub struct Isolator {
    net: MaskNet,
    overlap: Overlap,
    comb: Option<Comb>,
    path: Option<SungPath>,
    heard: Vec<Heard>,
    last: MaskOdds,
}

impl std::fmt::Debug for Isolator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Isolator").finish_non_exhaustive()
    }
}

impl Isolator {
    /// Isolates voices at a sample rate.
    ///
    /// # Errors
    /// If windows would be no whole number of samples at that rate.
    pub fn new(rate: Hz, net: MaskNet) -> Result<Self, RateError> {
        let last = MaskOdds { mask: vec![0.0; MASKS], pitches: vec![0.0; PITCHES], voiced: 0.0, onset: 0.0 };
        Ok(Self { net, overlap: Overlap::new(rate)?, comb: None, path: None, heard: Vec::new(), last })
    }

    /// The network of the program under a comb, at a sample rate: a multiple of 300 Hz from 24 kHz on.
    ///
    /// # Errors
    /// At another rate, or if the weights were damaged.
    pub fn usual(rate: Hz) -> Result<Self, IsolatorError> {
        Ok(Self::new(rate, MaskNet::embedded()?)?.with_comb(Comb::default()))
    }

    /// Puts a comb at the pitch that is sung over every mask.
    pub fn with_comb(mut self, comb: Comb) -> Self {
        self.comb = Some(comb);
        self
    }

    /// Follows what was heard of the whole mix before, instead of deciding window by window who sings at which pitch.
    pub fn along(mut self, path: SungPath) -> Self {
        self.path = Some(path);
        self
    }

    /// How far the voice lies behind the mix: one window.
    pub fn latency(&self) -> SampleCount {
        SampleCount(self.overlap.window() as i64)
    }

    /// Forgets all that was heard.
    pub fn reset(&mut self) {
        self.net.reset();
        self.overlap.reset();
        self.path.iter_mut().for_each(SungPath::reset);
        self.heard.clear();
    }

    /// Takes samples of both sides of a mix and overwrites them with those of the voice, [`Self::latency`] behind. A mix of
    /// one channel is given twice.
    ///
    /// # Panics
    /// If the sides differ in length.
    pub fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        let Self { net, overlap, comb, path, heard, last } = self;
        overlap.process(left, right, &mut |features, centre, mask| {
            last.clone_from(net.step(features));
            mask.copy_from_slice(&last.mask);
            let hz = match path {
                Some(path) => {
                    let (hz, sure, gain) = path.next(last);
                    if let Some(comb) = comb {
                        comb.apply_deep(mask, hz, sure);
                    }
                    mask.iter_mut().for_each(|value| *value *= gain);
                    hz
                }
                None => {
                    let hz = pitch_hz(&last.pitches);
                    if let Some(comb) = comb {
                        comb.apply(mask, hz, last.voiced);
                    }
                    hz
                }
            };
            heard.push(Heard { centre, hz, voiced: last.voiced, onset: last.onset });
        });
    }

    /// What was heard since the last call, a window after the other.
    pub fn take_heard(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.heard)
    }

    /// What the network said of the newest window.
    pub fn odds(&self) -> &MaskOdds {
        &self.last
    }
}

/// What a [`Separator`] hears beside the voice is forgotten.
impl Separator for Isolator {
    fn latency(&self) -> SampleCount {
        Self::latency(self)
    }

    fn reset(&mut self) {
        Self::reset(self);
    }

    fn process(&mut self, block: &mut StereoBlock<'_>) {
        Self::process(self, block.left, block.right);
        self.heard.clear();
    }
}

/// Why there is no isolator.
#[derive(Debug, thiserror::Error)]
pub enum IsolatorError {
    /// Windows would be no whole number of samples.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The weights are damaged.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The sample rate cannot be converted to one that the network hears.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

/// The likeliest pitch, in Hz: the mean around the highest.
pub fn pitch_hz(pitches: &[f32]) -> f32 {
    let top = (0..pitches.len()).max_by(|a, b| pitches[*a].total_cmp(&pitches[*b])).unwrap_or(0);
    pitch_near(pitches, top)
}

/// The pitch at a place, in Hz: the mean around it.
pub(super) fn pitch_near(pitches: &[f32], top: usize) -> f32 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (place, odds) in pitches.iter().enumerate().take(top + 4).skip(top.saturating_sub(3)) {
        sum += odds * place as f32;
        weights += odds;
    }
    let place = if weights > 0.0 { sum / weights } else { top as f32 };
    440.0 * ((LOWEST_MIDI + place / PITCHES_PER_SEMITONE - 69.0) / 12.0).exp2()
}
