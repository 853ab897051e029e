//! Strokes: moments at which much begins to sound, as they fall.

use std::collections::VecDeque;

use super::flux::{BANDS, Flux};
use crate::limits::LISTEN_HOP;
use crate::listen::{HOP_S, bounded};

/// Flux, summed over the bands, from which a hop is a stroke.
const STRONG: f32 = 9.0;
/// Hops before and after a stroke that are weaker.
const AROUND: usize = 4;

/// A moment at which much begins to sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// When, in seconds.
    pub time_s: f64,
    /// How much each band grows, relative to its mean over the last seconds: low, middle, high.
    pub flux: [f32; BANDS],
    /// Seconds of input that had to be heard before it was known.
    pub known_s: f64,
}

/// Finds strokes in a stream of 16 kHz samples. Causal: a stroke is known 70 ms after it sounds at the latest. Silence
/// has none.
#[derive(Debug, Default)]
pub struct StrokeFinder {
    /// Made with the first sound: who hears nothing needs no transform.
    flux: Option<Box<Flux>>,
    /// Hops before the first sound, and all.
    silent_hops: u64,
    hops: u64,
    /// The newest flux around the hop that may be a stroke.
    around: VecDeque<(u64, [f32; BANDS])>,
}

impl StrokeFinder {
    /// Hops between a stroke and the hop that completes it.
    pub const LATENCY_HOPS: usize = Flux::LATENCY_HOPS + AROUND;

    /// Takes the next hop; the stroke that it completes, if there is one.
    pub fn process(&mut self, hop: &[f32; LISTEN_HOP]) -> Option<Stroke> {
        let hop = hop.map(bounded);
        self.hops += 1;
        if self.flux.is_none() {
            if hop.iter().all(|sample| *sample == 0.0) {
                self.silent_hops += 1;
                return None;
            }
            self.flux = Some(Box::default());
        }
        self.around.extend(self.flux.as_mut()?.process(&hop));
        if self.around.len() <= 2 * AROUND {
            return None;
        }
        let stroke = self.stroke();
        self.around.pop_front();
        stroke
    }

    /// The newest flux and its hop; none before the first sound.
    pub fn newest_flux(&self) -> Option<(u64, &[f32; BANDS])> {
        self.around.back().map(|(index, flux)| (index + self.silent_hops, flux))
    }

    /// The hop in the middle, if it is a stroke.
    fn stroke(&self) -> Option<Stroke> {
        let sum = |index: usize| self.around[index].1.iter().sum::<f32>();
        let (index, flux) = self.around[AROUND];
        let strength = sum(AROUND);
        let is_first = (0..AROUND).all(|before| sum(before) < strength);
        let is_last = (AROUND + 1..=2 * AROUND).all(|after| sum(after) <= strength);
        if strength < STRONG || !is_first || !is_last {
            return None;
        }
        // The peak lies between hops: a parabola through three of them.
        let (left, right) = (sum(AROUND - 1), sum(AROUND + 1));
        let offset = f64::from(0.5 * (left - right) / (left - 2.0 * strength + right).min(-1e-6));
        let time_s = ((index + self.silent_hops) as f64 + offset) * HOP_S;
        Some(Stroke { time_s, flux, known_s: self.hops as f64 * HOP_S })
    }
}

/// The strokes of a whole recording of 16 kHz samples.
pub fn strokes_of(samples: &[f32]) -> Vec<Stroke> {
    let mut finder = StrokeFinder::default();
    let hops = samples.len().div_ceil(LISTEN_HOP);
    let heard = (0..hops + StrokeFinder::LATENCY_HOPS).filter_map(|index| {
        let mut hop = [0.0; LISTEN_HOP];
        let rest = samples.get(index * LISTEN_HOP..).unwrap_or_default();
        let length = rest.len().min(LISTEN_HOP);
        hop[..length].copy_from_slice(&rest[..length]);
        finder.process(&hop)
    });
    heard.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LISTEN_HZ;

    /// Clicks of 20 ms at some moments, of a sine that dies away.
    fn clicks(times_s: &[f64], length_s: f64) -> Vec<f32> {
        let rate = f64::from(LISTEN_HZ);
        let mut samples = vec![0.0f32; (length_s * rate) as usize];
        for time_s in times_s {
            let from = (time_s * rate) as usize;
            for (index, sample) in samples.iter_mut().skip(from).take(320).enumerate() {
                let at = index as f64;
                *sample += (0.3 * (-at / 60.0).exp() * (at * 0.4).sin()) as f32;
            }
        }
        samples
    }

    #[test]
    fn every_click_but_the_first_is_a_stroke_and_silence_has_none() {
        let times: Vec<f64> = (0..20).map(|click| 1.003 + 0.6 * f64::from(click)).collect();
        let strokes = strokes_of(&clicks(&times, 14.0));
        assert!((19..=20).contains(&strokes.len()), "{} strokes", strokes.len());
        let off: Vec<f64> = strokes
            .iter()
            .map(|stroke| {
                let beats = (stroke.time_s - 1.003) / 0.6;
                0.6 * (beats - beats.round())
            })
            .collect();
        let mean = off.iter().sum::<f64>() / off.len() as f64;
        assert!(mean.abs() < 0.004, "strokes lie {mean} s off");
        assert!(off.iter().all(|off| off.abs() < 0.012), "{off:?}");
        assert!(strokes.iter().all(|stroke| stroke.known_s - stroke.time_s < 0.08), "{strokes:?}");
        assert!(strokes_of(&vec![0.0; 160_000]).is_empty());
    }

    #[test]
    fn a_steady_tone_and_steady_noise_have_none() {
        let rate = f64::from(LISTEN_HZ);
        let tone: Vec<f32> =
            (0..160_000).map(|n| (0.3 * (f64::from(n) / rate * 1_382.0).sin()) as f32).collect();
        assert!(strokes_of(&tone).len() <= 1);
        let mut rng = crate::song::Rng::keyed(&[9]);
        let noise: Vec<f32> = (0..160_000).map(|_| (rng.unit() - 0.5) as f32).collect();
        assert!(strokes_of(&noise).len() <= 1);
    }
}
