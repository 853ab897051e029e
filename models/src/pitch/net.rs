//! The trained network, one frame at a time.

use std::fmt;

use burn::store::{BurnpackStore, HalfPrecisionAdapter, ModuleSnapshot};
use burn::tensor::{Bytes, Device};

use super::graph::{FRAME_CHANNELS, Graph, LAGS, OLDEST_LAG, Steps, softmax};
use super::{BINS, CHANNELS, FEATURES, spread};
use crate::WeightsError;
use crate::weights::{Aligned, verify};

/// The weights in half precision, as `cargo run -p collavoce_training -- pitch` leaves them.
static WEIGHTS: &Aligned<[u8]> = &Aligned(*include_bytes!("../../weights/pitch.bpk"));
/// Their SHA-256 in hexadecimal digits.
const WEIGHTS_SHA256: &str = include_str!("../../weights/pitch.sha256");

/// What the network says of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct PitchOdds {
    /// How likely each pitch is if anybody sings; their sum is 1.
    pub pitches: Vec<f32>,
    /// How likely it is that anybody sings.
    pub voiced: f32,
}

/// The pitch network with its memory of the frames before.
pub struct PitchNet {
    steps: Steps,
    /// The first layer's answers, oldest first, `OLDEST_LAG + 1` of them.
    memory: Vec<f32>,
    /// Its answer to nothing, which stands before the first frame.
    nothing: Vec<f32>,
    spread: Vec<f32>,
    odds: PitchOdds,
}

impl fmt::Debug for PitchNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PitchNet").finish_non_exhaustive()
    }
}

/// Values of one answer of the first layer.
const ANSWER: usize = FRAME_CHANNELS * BINS;

impl PitchNet {
    /// The network with the weights that are part of the program.
    ///
    /// # Errors
    /// If they were damaged since.
    pub fn embedded() -> Result<Self, WeightsError> {
        verify(&WEIGHTS.0, WEIGHTS_SHA256)?;
        Self::from_store(BurnpackStore::from_static(&WEIGHTS.0))
    }

    /// The network with other weights, in burn's format and half precision; `sha256` is their hash in hexadecimal
    /// digits.
    ///
    /// # Errors
    /// If the hash is another one, or they are those of another network.
    pub fn load(weights: &[u8], sha256: &str) -> Result<Self, WeightsError> {
        verify(weights, sha256)?;
        Self::from_store(BurnpackStore::from_bytes(Some(Bytes::from_bytes_vec(weights.to_vec()))))
    }

    fn from_store(store: BurnpackStore) -> Result<Self, WeightsError> {
        let device = Device::flex();
        let mut graph = Graph::new(&device);
        // Without the adapter the network itself would become one of half precision, which is slower.
        let mut store = store.with_from_adapter(HalfPrecisionAdapter::new());
        let applied = graph.load_from(&mut store).map_err(|error| WeightsError::Unfit(error.to_string()))?;
        if !applied.is_success() {
            return Err(WeightsError::Unfit(applied.to_string()));
        }
        Ok(Self::with(graph))
    }

    fn with(graph: Graph) -> Self {
        let mut net = Self {
            steps: Steps::of(graph),
            memory: vec![0.0; ANSWER * (OLDEST_LAG + 1)],
            nothing: vec![0.0; ANSWER],
            spread: vec![0.0; CHANNELS * BINS],
            odds: PitchOdds { pitches: vec![0.0; BINS], voiced: 0.0 },
        };
        net.answer();
        net.nothing.copy_from_slice(&net.memory[ANSWER * OLDEST_LAG..]);
        net.reset();
        net
    }

    /// Forgets the frames before.
    pub fn reset(&mut self) {
        self.memory.chunks_exact_mut(ANSWER).for_each(|answer| answer.copy_from_slice(&self.nothing));
    }

    /// Takes the features of the next frame, [`FEATURES`] of them, and judges the one whose look-ahead ends with it.
    ///
    /// The tensors have the same shape at every call, so that an answer depends on nothing but the features.
    pub fn step(&mut self, frame: &[f32]) -> &PitchOdds {
        if frame.len() == FEATURES {
            spread(frame, &mut self.spread);
        } else {
            self.spread.fill(0.0);
        }
        self.answer();
        let newest = self.memory.len() - ANSWER;
        let mut seen = Vec::with_capacity(ANSWER * LAGS.len());
        for lag in LAGS {
            let from = newest - lag * ANSWER;
            seen.extend_from_slice(&self.memory[from..from + ANSWER]);
        }
        let (pitch, voicing) = self.steps.judge(&seen);
        self.odds.pitches = softmax(&pitch);
        self.odds.voiced = 1.0 / (1.0 + (-voicing).exp());
        &self.odds
    }

    /// Puts the first layer's answer to the spread frame behind those before.
    fn answer(&mut self) {
        let answer = self.steps.frame(&self.spread);
        self.memory.copy_within(ANSWER.., 0);
        let newest = self.memory.len() - ANSWER;
        self.memory[newest..].iter_mut().zip(answer).for_each(|(slot, value)| *slot = value);
    }
}
