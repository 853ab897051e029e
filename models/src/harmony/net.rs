//! The trained network, one slot at a time.

use std::fmt;
use std::sync::OnceLock;

use burn::nn::LayerNorm;
use burn::store::{BurnpackStore, HalfPrecisionAdapter, ModuleSnapshot};
use burn::tensor::{Bytes, Device, Tensor, TensorData, activation};

use super::graph::{Block, Graph, HEADS, StreamGraph, WIDTH, WINDOW};
use super::slot::{Place, Slot};
use super::{CHORDS, FEATURES, PLACE_FEATURES, TRIADS};
use crate::WeightsError;
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
        Stream::new(&self.graph.onward)
    }

    /// A stream that reads slots from the end.
    pub fn backward(&self) -> Stream<'_> {
        Stream::new(&self.graph.backward)
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

/// A stream with its memory: keys and values of the slots that it sees.
pub struct Stream<'a> {
    graph: &'a StreamGraph,
    memory: Vec<Memory>,
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// Rings of [`WINDOW`] keys and values of a layer.
struct Memory {
    distance: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    read: usize,
}

impl<'a> Stream<'a> {
    fn new(graph: &'a StreamGraph) -> Self {
        let memory = graph.blocks.iter().map(|block| Memory {
            distance: values(block.distance.val()),
            keys: vec![0.0; WINDOW * WIDTH],
            values: vec![0.0; WINDOW * WIDTH],
            read: 0,
        });
        Self { memory: memory.collect(), graph }
    }

    /// What it answers before it has read a slot.
    pub fn silence() -> Vec<f32> {
        vec![0.0; WIDTH]
    }

    /// Reads the next slot. The tensors have the same shape at every call, so that an answer depends on nothing but the
    /// slots.
    pub fn read(&mut self, slot: &Slot) -> Vec<f32> {
        let mut features = vec![0.0; FEATURES];
        slot.write(&mut features);
        let mut x = values(self.graph.input.forward(row(features)));
        for (block, memory) in self.graph.blocks.iter().zip(&mut self.memory) {
            let seen = memory.attend(values(block.qkv.forward(norm(&block.before_attention, &x))));
            add(&mut x, values(block.out.forward(row(seen))));
            let more = inside(block, &x);
            add(&mut x, more);
        }
        values(norm(&self.graph.norm, &x))
    }
}

impl Memory {
    /// Takes in query, key and value of the newest slot, and gives the values that the query looks for.
    fn attend(&mut self, qkv: Vec<f32>) -> Vec<f32> {
        let place = self.read % WINDOW * WIDTH;
        self.keys[place..place + WIDTH].copy_from_slice(&qkv[WIDTH..2 * WIDTH]);
        self.values[place..place + WIDTH].copy_from_slice(&qkv[2 * WIDTH..]);
        let known = (self.read + 1).min(WINDOW);
        let per_head = WIDTH / HEADS;
        let mut seen = vec![0.0; WIDTH];
        for head in 0..HEADS {
            let channels = head * per_head..(head + 1) * per_head;
            let slot = |distance: usize| (self.read - distance) % WINDOW * WIDTH;
            let scores: Vec<f32> = (0..known)
                .map(|distance| {
                    let key = &self.keys[slot(distance)..][channels.clone()];
                    let dot: f32 = qkv[channels.clone()].iter().zip(key).map(|(q, k)| q * k).sum();
                    dot / (per_head as f32).sqrt() + self.distance[head * WINDOW + distance]
                })
                .collect();
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
            let total: f32 = weights.iter().sum();
            for (distance, weight) in weights.iter().enumerate() {
                let value = &self.values[slot(distance)..][channels.clone()];
                seen[channels.clone()].iter_mut().zip(value).for_each(|(sum, v)| *sum += weight / total * v);
            }
        }
        self.read += 1;
        seen
    }
}

fn inside(block: &Block, x: &[f32]) -> Vec<f32> {
    values(block.down.forward(activation::gelu(block.up.forward(norm(&block.before_inside, x)))))
}

fn norm(layer: &LayerNorm, x: &[f32]) -> Tensor<2> {
    layer.forward(row(x.to_vec()))
}

fn add(x: &mut [f32], more: Vec<f32>) {
    x.iter_mut().zip(more).for_each(|(x, more)| *x += more);
}

fn row(values: Vec<f32>) -> Tensor<2> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [1, length]), &Device::flex())
}

/// The values of a tensor; none where it holds something else than numbers, which it never does.
fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap_or_default()
}

fn log_softmax(mut logits: Vec<f32>) -> SlotOdds {
    debug_assert_eq!(logits.len(), CHORDS);
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total = logits.iter().map(|logit| (logit - most).exp()).sum::<f32>().ln() + most;
    logits.iter_mut().for_each(|logit| *logit -= total);
    logits
}
