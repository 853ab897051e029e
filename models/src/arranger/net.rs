//! The trained network, one step at a time.

use std::fmt;
use std::sync::OnceLock;

use burn::store::{BurnpackStore, HalfPrecisionAdapter, ModuleSnapshot};
use burn::tensor::{Bytes, Device, Tensor, TensorData};

use super::frame::{CHOICES, KIT, LEVELS, SHIFTS, VOICES, Voice};
use super::graph::{CHOICE_VALUES, Graph, first_value};
use super::step::{FEATURES, Step};
use crate::WeightsError;
use crate::stream::{Stream, log_softmax, row, values};
use crate::weights::{Aligned, verify};

/// The weights in half precision, as `cargo run -p collavoce_training -- arranger` leaves them.
static WEIGHTS: &Aligned<[u8]> = &Aligned(*include_bytes!("../../weights/arranger.bpk"));
/// Their SHA-256 in hexadecimal digits.
const WEIGHTS_SHA256: &str = include_str!("../../weights/arranger.sha256");

/// The arranger's network. It never changes, so that all who compose share one.
pub struct ArrangerNet {
    pub(super) graph: Graph,
    coupling: Vec<f32>,
}

impl fmt::Debug for ArrangerNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrangerNet").finish_non_exhaustive()
    }
}

impl ArrangerNet {
    /// The network with the weights that are part of the program, one for the whole process.
    ///
    /// # Errors
    /// If they were damaged since.
    pub fn embedded() -> Result<&'static Self, WeightsError> {
        static NET: OnceLock<Result<ArrangerNet, WeightsError>> = OnceLock::new();
        let net = NET.get_or_init(|| {
            verify(&WEIGHTS.0, WEIGHTS_SHA256)?;
            Self::from_store(BurnpackStore::from_static(&WEIGHTS.0))
        });
        net.as_ref().map_err(Clone::clone)
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
    pub(super) fn with(graph: Graph) -> Self {
        let coupling = values(graph.triangular(&Device::flex()));
        Self { graph, coupling }
    }

    /// Reads from the beginning.
    pub fn reader(&self) -> Reader<'_> {
        Reader { net: self, stream: Stream::new(&self.graph.stream) }
    }
}

/// Reads steps one after the other.
#[derive(Debug)]
pub struct Reader<'a> {
    net: &'a ArrangerNet,
    stream: Stream<'a>,
}

impl<'a> Reader<'a> {
    /// Reads steps that nothing is asked about.
    pub fn skim(&mut self, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        let mut features = vec![0.0; steps.len() * FEATURES];
        for (step, features) in steps.iter().zip(features.chunks_mut(FEATURES)) {
            step.write(features);
        }
        let features = TensorData::new(features, [steps.len(), FEATURES]);
        self.stream.read_rows(Tensor::from_data(features, &Device::flex()));
    }

    /// Reads the next step, and answers what may be played in it.
    pub fn read(&mut self, step: &Step) -> Odds<'a> {
        let mut features = vec![0.0; FEATURES];
        step.write(&mut features);
        let answer = self.stream.read_features(features);
        let values = values(self.net.graph.heads.forward(row(answer)));
        Odds { values, coupling: &self.net.coupling }
    }
}

/// How likely the choices of a step are.
#[derive(Debug, Clone)]
pub struct Odds<'a> {
    values: Vec<f32>,
    coupling: &'a [f32],
}

impl Odds<'_> {
    /// The logarithms of a voice's choices, given what was decided.
    pub fn choices(&self, voice: Voice) -> Vec<f32> {
        let mut odds = self.values[first_value(voice)..first_value(voice) + CHOICES[voice]].to_vec();
        log_softmax(&mut odds);
        odds
    }

    /// Decides for a voice; those after it know.
    pub fn decide(&mut self, voice: Voice, choice: u8) {
        let from = first_value(voice) + usize::from(choice).min(CHOICES[voice] - 1);
        let added = &self.coupling[from * CHOICE_VALUES..(from + 1) * CHOICE_VALUES];
        let later = first_value((voice + 1).min(VOICES))..CHOICE_VALUES;
        self.values[later.clone()].iter_mut().zip(&added[later]).for_each(|(value, more)| *value += more);
    }

    /// The logarithms of how loud a piece of the kit is if it is struck.
    pub fn levels(&self, piece: usize) -> Vec<f32> {
        self.part(CHOICE_VALUES + piece * LEVELS, LEVELS)
    }

    /// The logarithms of where off the grid a piece of the kit is struck, if it is.
    pub fn shifts(&self, piece: usize) -> Vec<f32> {
        self.part(CHOICE_VALUES + KIT * LEVELS + piece * SHIFTS, SHIFTS)
    }

    fn part(&self, from: usize, count: usize) -> Vec<f32> {
        let mut odds = self.values[from..from + count].to_vec();
        log_softmax(&mut odds);
        odds
    }
}
