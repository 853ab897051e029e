//! The trained network, one slot at a time.

use std::fmt;
use std::sync::OnceLock;

use burn::store::{BurnpackStore, HalfPrecisionAdapter, ModuleSnapshot};
use burn::tensor::{Bytes, Device, activation};

use super::graph::{Graph, WIDTH};
use super::slot::{Place, Slot};
use super::{CHORDS, FEATURES, PLACE_FEATURES, TRIADS};
use crate::WeightsError;
use crate::stream::{self, row, values};
use crate::weights::{Aligned, verify};

/// The weights in half precision, as `cargo run -p collavoce_training -- harmony` leaves them.
static WEIGHTS: &Aligned<[u8]> = &Aligned(*include_bytes!("../../weights/harmony.bpk"));
/// Their SHA-256 in hexadecimal digits.
const WEIGHTS_SHA256: &str = include_str!("../../weights/harmony.sha256");

/// How likely each chord is in a slot, as logarithms.
pub type SlotOdds = Vec<f32>;

/// The harmony network. It never changes, so that all who compose share one.
pub struct HarmonyNet {
    pub(super) graph: Graph,
    moves: Vec<f32>,
}

impl fmt::Debug for HarmonyNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HarmonyNet").finish_non_exhaustive()
    }
}

impl HarmonyNet {
    /// The network with the weights that are part of the program, one for the whole process.
    ///
    /// # Errors
    /// If they were damaged since.
    pub fn embedded() -> Result<&'static Self, WeightsError> {
        static NET: OnceLock<Result<HarmonyNet, WeightsError>> = OnceLock::new();
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

    /// The network with weights in single precision, as a checkpoint of its training holds them: what the rounding to
    /// half precision changes is measured with it.
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
        let moves = values(graph.moves.val());
        Self { graph, moves }
    }

    /// A stream that reads slots from the beginning.
    pub fn onward(&self) -> Stream<'_> {
        Stream(stream::Stream::new(&self.graph.onward))
    }

    /// A stream that reads slots from the end.
    pub fn backward(&self) -> Stream<'_> {
        Stream(stream::Stream::new(&self.graph.backward))
    }

    /// Judges a slot from the answers of both streams to it.
    pub fn judge(&self, onward: &[f32], backward: &[f32]) -> SlotOdds {
        let both = [onward, backward].concat();
        let inside = activation::relu(self.graph.both.forward(row(both)));
        log_softmax(values(self.graph.both_out.forward(inside)))
    }

    /// Foretells the chord of a slot from the answer of the stream that reads onward to the slot before it.
    pub fn foretell(&self, before: &[f32], place: &Place) -> SlotOdds {
        let mut inputs = before.to_vec();
        inputs.resize(WIDTH + PLACE_FEATURES, 0.0);
        place.write(&mut inputs[WIDTH..]);
        let inside = activation::relu(self.graph.next.forward(row(inputs)));
        log_softmax(values(self.graph.next_out.forward(inside)))
    }

    /// How much likelier than by itself a triad follows another one, as a logarithm. Triads count like chords without
    /// their colour.
    pub fn follows(&self, from: usize, to: usize, begins_bar: bool) -> f32 {
        let triads = 12 * TRIADS;
        let kind = usize::from(!begins_bar);
        self.moves.get((kind * triads + from) * triads + to).copied().unwrap_or(0.0)
    }
}

/// A stream that reads slots.
#[derive(Debug)]
pub struct Stream<'a>(stream::Stream<'a>);

impl Stream<'_> {
    /// What it answers before it has read a slot.
    pub fn silence() -> Vec<f32> {
        vec![0.0; WIDTH]
    }

    /// Reads the next slot.
    pub fn read(&mut self, slot: &Slot) -> Vec<f32> {
        let mut features = vec![0.0; FEATURES];
        slot.write(&mut features);
        self.0.read_features(features)
    }
}

fn log_softmax(mut logits: Vec<f32>) -> SlotOdds {
    debug_assert_eq!(logits.len(), CHORDS);
    stream::log_softmax(&mut logits);
    logits
}
