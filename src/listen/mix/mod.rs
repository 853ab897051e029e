//! A whole mix -> one [`MixObservation`] per hop: percussive flux and, every few hops, harmony.
//!
//! Stands beside the [`Listener`](super::Listener) of a voice, which it leaves as it is. Causal, with a fixed delay for
//! each feature; neither depends on how the stream is cut, and nothing is allocated after [`MixListener::new`].

mod flux;
mod harmony;
mod strokes;

use super::LOUDEST;
use crate::limits::LISTEN_HOP;

pub use flux::{BANDS, Flux};
pub use harmony::{Harmony, HarmonyMeter};
pub use strokes::{Stroke, StrokeFinder, strokes_of};

/// What is heard of a mix in one hop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixObservation {
    /// Its number; `flux` is centred at `index` x 10 ms.
    pub index: u64,
    /// How much each band grows, relative to its mean over the last seconds: low (kick, bass), middle, high (snare, hat).
    pub flux: [f32; BANDS],
    /// What sounded [`HarmonyMeter::LATENCY_HOPS`] hops before the newest sample, every
    /// [`HarmonyMeter::STRIDE_HOPS`] hops.
    pub harmony: Option<Harmony>,
}

/// Turns a stream of 16 kHz samples into observations of a mix.
#[derive(Debug)]
pub struct MixListener {
    flux: Flux,
    harmony: HarmonyMeter,
}

impl MixListener {
    /// Hops between the centre of an observation and the hop that completes it.
    pub const LATENCY_HOPS: usize = Flux::LATENCY_HOPS;

    /// Plans every transform and allocates every buffer.
    pub fn new() -> Self {
        Self { flux: Flux::new(), harmony: HarmonyMeter::new() }
    }

    /// Takes the next hop; returns the observation that it completes.
    ///
    /// What is no number is silence, and nothing is louder than 60 dB above full scale.
    pub fn process(&mut self, hop: &[f32; LISTEN_HOP]) -> Option<MixObservation> {
        let hop = &hop.map(|s| if s.is_finite() { s.clamp(-LOUDEST, LOUDEST) } else { 0.0 });
        let harmony = self.harmony.process(hop);
        let (index, flux) = self.flux.process(hop)?;
        Some(MixObservation { index, flux, harmony })
    }
}

impl Default for MixListener {
    fn default() -> Self {
        Self::new()
    }
}

/// Listens to a whole recording: 16 kHz samples in, one observation per 10 ms out.
pub fn listen_to_mix(samples: &[f32]) -> Vec<MixObservation> {
    let mut listener = MixListener::new();
    let hops = samples.len().div_ceil(LISTEN_HOP);
    let mut heard = Vec::with_capacity(hops);
    // Silence after the end until the last harmony is out; what it completes beyond the end still reaches back into it.
    let ending = HarmonyMeter::LATENCY_HOPS + HarmonyMeter::STRIDE_HOPS;
    for index in 0..hops + ending {
        let mut hop = [0.0; LISTEN_HOP];
        let rest = samples.get(index * LISTEN_HOP..).unwrap_or_default();
        let length = rest.len().min(LISTEN_HOP);
        hop[..length].copy_from_slice(&rest[..length]);
        heard.extend(listener.process(&hop));
    }
    heard
}
