//! The isolator at the rate at which is listened, a hop at a time.

use std::collections::VecDeque;

use super::path::Forward;
use super::{Ahead, Isolator, IsolatorError, Scout};
use crate::audio::{Resampler, resample};
use crate::limits::{LISTEN_HOP, LISTEN_HZ};
use crate::separate::whole;
use crate::time::Hz;

/// The lowest rate that the network hears.
const RATE: Hz = Hz(24_000);
/// How fast what is known of a mix fades, a hop that is loud: four seconds.
const FORGET: f64 = 1.0 / 400.0;
/// Hops this far below the loudest of the last seconds tell nothing, as a ratio of powers.
const QUIET: f64 = 0.003;
/// How fast the loudest is forgotten, a hop: 20 dB in ten seconds.
const FALL: f64 = 0.995_4;
/// Share of the power that is not the voice below which there is no mix any more, and from which there is one.
const MIX: [f64; 2] = [0.12, 0.2];

/// How much likelier it must be that somebody sings than that nobody does, as a logarithm.
const SUNG: f32 = 1.0;
/// Loud hops before anything is said.
const ENOUGH_HOPS: usize = 100;

/// A hop of what is heard, taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ApartHop {
    /// What was heard.
    pub mix: [f32; LISTEN_HOP],
    /// The voice in it.
    pub voice: [f32; LISTEN_HOP],
    /// Whether anything but a voice has sounded of late.
    pub is_mix: bool,
    /// Whether the network hears anybody sing where the hop begins, as far as was known a hop later.
    pub is_sung: bool,
}

impl ApartHop {
    /// What is not the voice.
    pub fn backing(&self) -> [f32; LISTEN_HOP] {
        std::array::from_fn(|index| self.mix[index] - self.voice[index])
    }
}

/// Takes mono hops of 10 ms apart, [`HopIsolator::LATENCY_HOPS`] behind.
///
/// The network allocates, so it is no matter for an audio thread.
#[derive(Debug)]
pub struct HopIsolator {
    up: Resampler,
    down: Resampler,
    isolator: Isolator,
    /// At the network's rate: what came in, what is still to be thrown away of what comes out.
    left: Vec<f32>,
    right: Vec<f32>,
    skip: usize,
    /// What was heard and did not come out yet.
    mix: VecDeque<f32>,
    voice: Vec<f32>,
    /// Powers of the mix and of what is not the voice in it, of late.
    powers: [f64; 2],
    /// Who sings, as the path through what the network says of the windows until now has it; and whether anybody does, in
    /// the newest windows, with their middles in samples of the network's rate.
    path: Forward,
    sung: VecDeque<(i64, bool)>,
    loudest: f64,
    loud_hops: usize,
    is_mix: bool,
    hops: usize,
}

impl HopIsolator {
    /// Hops from the one that comes in to the one that goes out: the network's window of 33.3 ms, and the ways to its rate
    /// and back.
    pub const LATENCY_HOPS: usize = 5;

    /// With the network of the program.
    ///
    /// # Errors
    /// If the weights were damaged.
    pub fn new() -> Result<Self, IsolatorError> {
        let isolator = Isolator::usual(RATE)?;
        let listen = Hz(LISTEN_HZ);
        Ok(Self {
            up: Resampler::streaming(listen, RATE, 1)?,
            down: Resampler::streaming(RATE, listen, 1)?,
            skip: isolator.latency().0.max(0) as usize,
            isolator,
            left: Vec::new(),
            right: Vec::new(),
            mix: VecDeque::new(),
            voice: Vec::new(),
            powers: [0.0; 2],
            path: Forward::new(Ahead::default()),
            sung: VecDeque::new(),
            loudest: 0.0,
            loud_hops: 0,
            is_mix: false,
            hops: 0,
        })
    }

    /// Takes a hop, and gives the one before it by the latency.
    pub fn process(&mut self, hop: &[f32; LISTEN_HOP]) -> Option<ApartHop> {
        self.mix.extend(hop);
        self.left.clear();
        self.up.push(hop, &mut self.left);
        self.right.clone_from(&self.left);
        self.isolator.process(&mut self.left, &mut self.right);
        // A hop completes one window at most.
        for heard in self.isolator.take_heard() {
            self.path.step(self.isolator.odds(), |_| {});
            self.sung.push_back((heard.centre, self.path.sung() > SUNG));
        }
        let skipped = self.skip.min(self.left.len());
        self.skip -= skipped;
        self.down.push(&self.left[skipped..], &mut self.voice);
        self.hops += 1;
        if self.hops <= Self::LATENCY_HOPS {
            return None;
        }
        let is_sung = self.is_sung(self.hops - Self::LATENCY_HOPS - 1);
        let mut apart = ApartHop { mix: [0.0; LISTEN_HOP], voice: [0.0; LISTEN_HOP], is_mix: false, is_sung };
        for (mix, heard) in apart.mix.iter_mut().zip(self.mix.drain(..LISTEN_HOP)) {
            *mix = heard;
        }
        let ready = self.voice.len().min(LISTEN_HOP);
        debug_assert_eq!(ready, LISTEN_HOP, "the latency is enough for the voice to be there");
        for (voice, found) in apart.voice.iter_mut().zip(self.voice.drain(..ready)) {
            *voice = found;
        }
        apart.is_mix = self.judge(&apart);
        Some(apart)
    }

    /// Whether anybody sings where a hop begins: in the window whose middle is nearest.
    fn is_sung(&mut self, hop: usize) -> bool {
        let at = (hop * LISTEN_HOP) as i64 * i64::from(RATE.0) / i64::from(LISTEN_HZ);
        let off = |window: Option<&(i64, bool)>| window.map_or(i64::MAX, |(centre, _)| (centre - at).abs());
        while self.sung.len() > 1 && off(self.sung.get(1)) <= off(self.sung.front()) {
            self.sung.pop_front();
        }
        self.sung.front().is_none_or(|(_, is_sung)| *is_sung)
    }

    /// Whether there is a mix, from what has sounded until now.
    fn judge(&mut self, apart: &ApartHop) -> bool {
        let power = |samples: &[f32]| samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        let now = [power(&apart.mix), power(&apart.backing())];
        self.loudest = (self.loudest * FALL).max(now[0]);
        if now[0] > QUIET * self.loudest {
            self.loud_hops += 1;
            for (sum, now) in self.powers.iter_mut().zip(now) {
                *sum += FORGET * (now - *sum);
            }
        }
        let share = self.powers[1] / self.powers[0].max(f64::MIN_POSITIVE);
        let most = if self.is_mix { MIX[0] } else { MIX[1] };
        self.is_mix = share > most && self.loud_hops >= ENOUGH_HOPS;
        self.is_mix
    }
}

/// The voice of a whole mono recording of 16 kHz, which is heard to its end before.
///
/// # Errors
/// If the weights were damaged.
pub fn voice_in(samples: &[f32]) -> Result<Vec<f32>, IsolatorError> {
    let heard = resample(samples, 1, Hz(LISTEN_HZ), RATE)?;
    let mut scout = Scout::new(RATE, Ahead::default())?;
    scout.hear(&heard, &heard);
    let mut isolator = Isolator::usual(RATE)?.along(scout.finish());
    let (voice, _) = whole(&mut isolator, &heard, &heard);
    let mut voice = resample(&voice, 1, RATE, Hz(LISTEN_HZ))?;
    voice.resize(samples.len(), 0.0);
    Ok(voice)
}
