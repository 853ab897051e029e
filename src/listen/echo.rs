//! The band's own sound taken out of the microphone.
//!
//! The band plays through speakers and the microphone hears it, after some delay and with the room around it. What the
//! band plays is known to the sample, so its echo can be told apart: the path from the band to the microphone is found
//! and what comes along it is subtracted ([`PathFilter`]), `suppress` turns down where that leaves more echo than voice. Neither
//! delays the voice, and while the band has been silent for as long as the path is, the voice comes through bit for bit.

mod suppress;

use crate::limits::LISTEN_HOP;
use crate::separate::{PathFilter, PathShape};
use crate::time::SampleCount;

use suppress::Suppressor;

/// Hops after which nothing of the reference is left in the filter and the suppressor.
const MEMORY_HOPS: usize = SHAPE.hops() + 2;
/// The path from the band to the microphone: 0.48 s, and the echo is expected 10 dB below the band.
const SHAPE: PathShape = PathShape { hop: LISTEN_HOP, steps: 8, partitions: 6, first_uncertainty: 0.1 };

/// An echo canceller at the listener's rate, 16 kHz. Nothing is allocated after [`EchoCanceller::new`].
///
/// The echo may come up to 0.48 s after the reference, its delay and the room's answer together. The path is found within
/// a second of the band's playing, and again within seconds where it changes.
#[derive(Debug)]
pub struct EchoCanceller {
    filter: PathFilter,
    suppressor: Suppressor,
    /// Hops for which the reference has been silent.
    silent_hops: usize,
}

impl Default for EchoCanceller {
    fn default() -> Self {
        Self::new()
    }
}

impl EchoCanceller {
    /// A canceller that knows nothing of the room. Plans every transform and allocates every buffer.
    pub fn new() -> Self {
        Self { filter: PathFilter::new(SHAPE), suppressor: Suppressor::new(), silent_hops: MEMORY_HOPS }
    }

    /// How much later the voice comes out than it goes in: not at all.
    pub fn latency(&self) -> SampleCount {
        SampleCount(0)
    }

    /// Forgets the room and everything heard.
    pub fn reset(&mut self) {
        self.filter.reset();
        self.suppressor.reset();
        self.silent_hops = MEMORY_HOPS;
    }

    /// Takes the echo of `reference`, which is what the speakers were given in these 10 ms, out of `microphone`.
    ///
    /// What is no number is silence, and nothing is louder than 60 dB above full scale.
    pub fn process(&mut self, microphone: &mut [f32; LISTEN_HOP], reference: &[f32; LISTEN_HOP]) {
        let reference = reference.map(|sample| audible(super::bounded(sample)));
        *microphone = microphone.map(super::bounded);
        let is_silent = reference.iter().all(|sample| *sample == 0.0);
        self.silent_hops = if is_silent { (self.silent_hops + 1).min(MEMORY_HOPS) } else { 0 };
        if self.silent_hops == MEMORY_HOPS {
            self.filter.rest();
            self.suppressor.rest(microphone);
            return;
        }
        let mut echo = [0.0; LISTEN_HOP];
        self.filter.process(microphone, &reference, &mut echo);
        let mut cleaned = *microphone;
        for (sample, echo) in cleaned.iter_mut().zip(&echo) {
            *sample -= echo;
        }
        self.suppressor.process(&mut cleaned, &echo, &self.filter.residue());
        *microphone = cleaned;
    }
}

/// Quietest sample of the reference that is listened to, where 1 is full scale: 140 dB below it. The tail of a decay
/// would else never end.
const QUIETEST: f32 = 1e-7;

/// Silence for what nobody hears.
fn audible(sample: f32) -> f32 {
    if sample.abs() < QUIETEST { 0.0 } else { sample }
}

#[cfg(test)]
mod tests;
