//! The trained network, one frame at a time.

use std::fmt;

use burn::store::{BurnpackStore, HalfPrecisionAdapter, ModuleSnapshot};
use burn::tensor::{Bytes, Device, Tensor};

use super::graph::{Answers, Graph};
use super::{FEATURES, MASKS, PITCHES};
use crate::WeightsError;
use crate::stream::{row, values};
use crate::weights::{Aligned, verify};

/// The weights in half precision, as `cargo run -p collavoce_training -- mask` leaves them.
static WEIGHTS: &Aligned<[u8]> = &Aligned(*include_bytes!("../../weights/mask.bpk"));
/// Their SHA-256 in hexadecimal digits.
const WEIGHTS_SHA256: &str = include_str!("../../weights/mask.sha256");

/// What the network says of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskOdds {
    /// Share of each line and band that is voice, 0 to 1; [`MASKS`] of them.
    pub mask: Vec<f32>,
    /// How likely each pitch is if anybody sings; their sum is 1.
    pub pitches: Vec<f32>,
    /// How likely it is that anybody sings.
    pub voiced: f32,
    /// How likely it is that a note begins.
    pub onset: f32,
}

/// The mask network with its memory of the frames before.
pub struct MaskNet {
    graph: Graph,
    states: [Tensor<2>; 2],
    odds: MaskOdds,
}

impl fmt::Debug for MaskNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskNet").finish_non_exhaustive()
    }
}

/// SHA-256 of the weights that are part of the program, in hexadecimal digits.
pub fn weights_sha256() -> &'static str {
    WEIGHTS_SHA256.trim()
}

impl MaskNet {
    /// The network with the weights that are part of the program.
    ///
    /// # Errors
    /// If they were damaged since.
    pub fn embedded() -> Result<Self, WeightsError> {
        verify(&WEIGHTS.0, WEIGHTS_SHA256)?;
        Self::from_store(BurnpackStore::from_static(&WEIGHTS.0))
    }

    /// The network with other weights, in burn's format and half precision; `sha256` is their hash in hexadecimal digits.
    ///
    /// # Errors
    /// If the hash is another one, or they are those of another network.
    pub fn load(weights: &[u8], sha256: &str) -> Result<Self, WeightsError> {
        verify(weights, sha256)?;
        Self::from_store(BurnpackStore::from_bytes(Some(Bytes::from_bytes_vec(weights.to_vec()))))
    }

    /// The network with weights in single precision, as a checkpoint of its training holds them.
    ///
    /// # Errors
    /// If they are those of another network.
    #[cfg(feature = "training")]
    pub fn load_single(weights: &[u8]) -> Result<Self, WeightsError> {
        Self::from_exact_store(BurnpackStore::from_bytes(Some(Bytes::from_bytes_vec(weights.to_vec()))))
    }

    fn from_store(store: BurnpackStore) -> Result<Self, WeightsError> {
        // Without the adapter the network itself would become one of half precision, which is slower.
        Self::from_exact_store(store.with_from_adapter(HalfPrecisionAdapter::new()))
    }

    fn from_exact_store(mut store: BurnpackStore) -> Result<Self, WeightsError> {
        let mut graph = Graph::new(&Device::flex());
        let applied = graph.load_from(&mut store).map_err(|error| WeightsError::Unfit(error.to_string()))?;
        if !applied.is_success() {
            return Err(WeightsError::Unfit(applied.to_string()));
        }
        Ok(Self::with(graph))
    }

    /// The network of some layers.
    #[cfg(feature = "training")]
    pub fn of(graph: Graph) -> Self {
        Self::with(graph)
    }

    pub(super) fn with(graph: Graph) -> Self {
        let odds = MaskOdds { mask: vec![0.0; MASKS], pitches: vec![0.0; PITCHES], voiced: 0.0, onset: 0.0 };
        Self { graph, states: Graph::nothing(1, &Device::flex()), odds }
    }

    /// Forgets the frames before.
    pub fn reset(&mut self) {
        self.states = Graph::nothing(1, &Device::flex());
    }

    /// Takes the features of the next frame, [`FEATURES`] of them, and judges it. Features of another number count as
    /// silence.
    ///
    /// The tensors have the same shape at every call, so that an answer depends on nothing but the features.
    pub fn step(&mut self, frame: &[f32]) -> &MaskOdds {
        let features = if frame.len() == FEATURES { frame.to_vec() } else { vec![0.0; FEATURES] };
        let Answers { mask, pitch, voiced, onset } = self.graph.step(row(features), &mut self.states);
        let share = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        let flag = |logits| share(values(logits).first().copied().unwrap_or(f32::NEG_INFINITY));
        self.odds.mask.iter_mut().zip(values(mask)).for_each(|(mask, logit)| *mask = share(logit));
        let logits = values(pitch);
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = logits.iter().map(|logit| (logit - top).exp()).sum();
        let pitches = self.odds.pitches.iter_mut();
        pitches.zip(logits).for_each(|(pitch, logit)| *pitch = (logit - top).exp() / sum);
        (self.odds.voiced, self.odds.onset) = (flag(voiced), flag(onset));
        &self.odds
    }
}
