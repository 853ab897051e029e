//! Voice -> one [`Observation`] per hop; a file per feature.
//!
//! Works at 16 kHz with a hop of 160 samples: observation n is centred at n x 10 ms. Everything here is causal with a
//! fixed look-ahead ([`Listener::latency`]), so a live stream and a file give the same observations.

mod chroma;
pub mod echo;
pub mod f0;
mod level;
mod loudness;
pub mod mix;
mod notes;
mod register;
mod round_trip;
mod tuning;
mod vibrato;

use std::collections::VecDeque;

use crate::limits::{LISTEN_HOP, LISTEN_HZ};
use crate::time::SampleCount;

pub use chroma::Chroma;
pub use echo::EchoCanceller;
pub use f0::{F0Estimate, HighPass, PitchMethod, PitchMethodError};
pub use level::Level;
pub use loudness::{LOUDNESS_HOP_S, SILENT_LUFS, loudness};
pub use notes::{Heard, NoteSegmenter, Onset, OnsetKind, SungNote};
pub use register::Register;
pub use round_trip::{RoundTripError, RoundTripProbe, round_trip_s};
pub use tuning::TuningCurve;
pub use vibrato::{Vibrato, vibrato};

/// Seconds between two observations.
pub const HOP_S: f64 = LISTEN_HOP as f64 / LISTEN_HZ as f64;

/// Greatest sample that is listened to, where 1 is full scale: 60 dB above it.
const LOUDEST: f32 = 1000.0;

/// Silence for what is no number; nothing is louder than [`LOUDEST`].
fn bounded(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
}

/// What is heard in one hop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Its number; it is centred at `index` x 10 ms.
    pub index: u64,
    /// F0 in Hz; the best guess also where unvoiced, 0 where there is none.
    pub f0_hz: f32,
    /// Whether there is a sung pitch.
    pub voiced: bool,
    /// How periodic the sound is, 0 to 1.
    pub voicing: f32,
    /// Level over 50 ms in dB relative to full scale (RMS), at least -120.
    pub level_dbfs: f32,
    /// Energy by pitch class over the 256 ms up to the hop that completes the observation, C first, sum 1; all 0 in
    /// silence.
    pub chroma: [f32; 12],
}

/// How to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenConfig {
    /// The pitch tracker.
    pub pitch: PitchMethod,
    /// Hops that the pitch path may look ahead before it decides.
    pub path_lag_hops: usize,
}

impl ListenConfig {
    /// Causal: a pitch is known 42 ms after it sounds, by the network 40 ms, at the end of the hop that holds that
    /// moment. More look-ahead changes next to nothing.
    pub fn live(pitch: PitchMethod) -> Self {
        // The network's window lies before the centre for the most part, and it remembers: it needs no path to wait.
        let path_lag_hops = if pitch == PitchMethod::Net { 0 } else { f0::PATH_LAG_HOPS };
        Self { pitch, path_lag_hops }
    }

    /// The whole take is known: looks half a second ahead.
    pub fn studio(pitch: PitchMethod) -> Self {
        Self { pitch, path_lag_hops: 50 }
    }
}

/// Turns a stream of 16 kHz samples into observations.
pub struct Listener {
    f0: f0::Tracker,
    level: Level,
    chroma: Chroma,
    /// Features that wait for the slowest one; each queue begins with observation `next_index`.
    estimates: VecDeque<F0Estimate>,
    levels: VecDeque<f32>,
    next_index: u64,
    hops_in: u64,
    flush_hops: usize,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("next_index", &self.next_index).finish_non_exhaustive()
    }
}

impl Listener {
    /// Plans every transform and allocates every buffer.
    pub fn new(config: ListenConfig) -> Self {
        let f0 = f0::Tracker::new(config.pitch, config.path_lag_hops);
        let flush_hops = f0.latency_hops().max(Level::LATENCY_HOPS);
        Self {
            f0,
            level: Level::new(),
            chroma: Chroma::new(),
            estimates: VecDeque::with_capacity(flush_hops + 8),
            levels: VecDeque::with_capacity(flush_hops + 8),
            next_index: 0,
            hops_in: 0,
            flush_hops,
        }
    }

    /// Forgets everything heard.
    pub fn reset(&mut self) {
        self.f0.reset();
        self.level.reset();
        self.chroma.reset();
        self.estimates.clear();
        self.levels.clear();
        self.next_index = 0;
        self.hops_in = 0;
    }

    /// From the centre of an observation to the sample that completes it, at 16 kHz.
    pub fn latency(&self) -> SampleCount {
        SampleCount((self.flush_hops * LISTEN_HOP) as i64)
    }

    /// Takes the next hop and calls `out` for every observation that it completes.
    ///
    /// What is no number is silence, and nothing is louder than 60 dB above full scale: a filter would never forget it.
    pub fn process(&mut self, hop: &[f32; LISTEN_HOP], out: &mut dyn FnMut(Observation)) {
        let hop = &hop.map(bounded);
        self.hops_in += 1;
        self.levels.extend(self.level.process(hop));
        let chroma = self.chroma.process(hop);
        let estimates = &mut self.estimates;
        self.f0.process(hop, self.level.newest(), &mut |estimate| estimates.push_back(estimate));
        while !self.estimates.is_empty() && !self.levels.is_empty() {
            let (Some(estimate), Some(level_dbfs)) = (self.estimates.pop_front(), self.levels.pop_front())
            else {
                break;
            };
            out(Observation {
                index: self.next_index,
                f0_hz: estimate.hz,
                voiced: estimate.voiced,
                voicing: estimate.voicing,
                level_dbfs,
                chroma,
            });
            self.next_index += 1;
        }
    }

    /// Ends the stream with silence until every observation of the hops taken has come out.
    pub fn finish(&mut self, out: &mut dyn FnMut(Observation)) {
        let wanted = self.hops_in;
        for _ in 0..self.flush_hops + 1 {
            self.process(&[0.0; LISTEN_HOP], &mut |observation| {
                if observation.index < wanted {
                    out(observation);
                }
            });
        }
    }
}

/// Listens to a whole recording: 16 kHz samples in, one observation per 10 ms out.
pub fn listen_to(samples: &[f32], config: ListenConfig) -> Vec<Observation> {
    let mut listener = Listener::new(config);
    let mut heard = Vec::with_capacity(samples.len() / LISTEN_HOP + 1);
    for chunk in samples.chunks(LISTEN_HOP) {
        let mut hop = [0.0; LISTEN_HOP];
        hop[..chunk.len()].copy_from_slice(chunk);
        listener.process(&hop, &mut |observation| heard.push(observation));
    }
    listener.finish(&mut |observation| heard.push(observation));
    heard
}
