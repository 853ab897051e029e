//! The pulse of what sounds beside the voice: once it is told apart, its beats are followed instead of single strokes.
//!
//! Whoever strikes halves of beats, or thirds of them, fits several tempi by strokes alone. The tracker of mixes
//! ([`crate::follow::mix::BeatTracker`]) weighs the silence between strokes as well, so that the level of the beat is its.

use crate::follow::mix::{BeatHarmony, BeatSpan, BeatTracker, LEAST_GAIN, harmony_between};
use crate::follow::rhythm::PulseBeat;
use crate::listen::HOP_S;
use crate::listen::mix::{BANDS, Harmony, Stroke};

/// Hops in which a pulse is heard before it is told apart, and after which it is not waited for any longer.
const TOLD_HOPS: usize = 350;
const PATIENT_HOPS: usize = 900;
/// Hops in which the period stays within a share of itself before.
const SETTLED_HOPS: usize = 60;
const SETTLED: f64 = 0.06;
/// A stroke that lies so near a beat is that beat, in seconds.
const NEAR_S: f64 = 0.045;

/// Hears a pulse.
#[derive(Debug, Default)]
pub(super) struct HeardPulse {
    /// Flux of every hop since the first sound.
    flux: Vec<[f32; BANDS]>,
    /// The hop of the first.
    first_hop: u64,
    /// Made with the first sound.
    tracker: Option<Box<BeatTracker>>,
    /// Period and hops since when it has been about that.
    steady: (usize, usize),
    /// Beats, once the pulse is told apart.
    beats: Option<Beats>,
}

/// What is heard beside the pulse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside<'a> {
    /// Strokes that are known.
    pub strokes: &'a [Stroke],
    /// Harmony that is known.
    pub harmony: &'a [Harmony],
}

/// Beats and what is heard between them.
#[derive(Debug, Default)]
struct Beats {
    beats: Vec<PulseBeat>,
    /// Their hops.
    hops: Vec<u64>,
    /// Harmony from the third to the second last beat.
    before: BeatHarmony,
    /// Sum of the changes of harmony, and their number.
    changes: (f32, usize),
}

impl Beats {
    /// Takes the next beat. `flux` is that of every hop since `first_hop`.
    fn push(&mut self, hop: u64, flux: &[[f32; BANDS]], first_hop: u64, beside: Beside<'_>) {
        let before = match self.hops[..] {
            [.., from, to] => {
                let sounding = harmony_between(beside.harmony, from as usize, to as usize, usize::MAX);
                let change = self.before.change(&sounding);
                self.before = sounding;
                self.changes = (self.changes.0 + change, self.changes.1 + 1);
                let mean = (self.changes.0 / self.changes.1 as f32).max(1e-6);
                let at = |hop: u64| hop.saturating_sub(first_hop) as usize;
                let flux = flux.get(at(from)..at(to)).unwrap_or_default().to_vec();
                Some(BeatSpan { flux, change: Some(change / mean) })
            }
            _ => None,
        };
        self.hops.push(hop);
        self.beats.push(PulseBeat { time_s: time_of(hop, beside.strokes), before });
    }
}

impl HeardPulse {
    /// Takes the flux of a hop.
    pub fn hear(&mut self, hop: u64, flux: &[f32; BANDS], beside: Beside<'_>) {
        if self.flux.is_empty() {
            self.first_hop = hop;
        }
        self.flux.push(*flux);
        let tracker = self.tracker.get_or_insert_with(|| Box::new(BeatTracker::new(None, false)));
        let is_beat = tracker.hear(flux);
        let Some(now) = tracker.now() else { return };
        let ratio = now.period as f64 / self.steady.0.max(1) as f64;
        self.steady = match self.steady {
            (period, hops) if (ratio - 1.0).abs() <= SETTLED => (period, hops + 1),
            _ => (now.period, 0),
        };
        if is_beat && let Some(beats) = &mut self.beats {
            beats.push(hop - now.since as u64, &self.flux, self.first_hop, beside);
        }
    }

    /// Whether it may yet be told apart.
    pub fn is_awaited(&self) -> bool {
        self.beats.is_none() && (1..PATIENT_HOPS).contains(&self.flux.len())
    }

    /// Beat period in seconds, if it is told apart for the first time.
    pub fn settle(&mut self, beside: Beside<'_>) -> Option<f64> {
        let tracker = self.tracker.as_ref()?;
        let is_sure =
            self.flux.len() >= TOLD_HOPS && self.steady.1 >= SETTLED_HOPS && tracker.gain() >= LEAST_GAIN;
        if self.beats.is_some() || !is_sure {
            return None;
        }
        let period_s = tracker.now()?.period as f64 * HOP_S;
        // From now on near that period; what was heard is heard again so.
        let mut traced = BeatTracker::new(Some(period_s), true);
        let mut tracker = BeatTracker::new(Some(period_s), false);
        for flux in &self.flux {
            traced.hear(flux);
            tracker.hear(flux);
        }
        let mut beats = Beats::default();
        for at in traced.path() {
            beats.push(self.first_hop + at as u64, &self.flux, self.first_hop, beside);
        }
        self.beats = Some(beats);
        self.tracker = Some(Box::new(tracker));
        Some(period_s)
    }

    /// Tells nothing apart any longer: the tempo is given otherwise.
    pub fn unsettle(&mut self) {
        self.beats = None;
        self.steady = (0, 0);
    }

    /// Its beats, once it is told apart.
    pub fn beats(&self) -> Option<&[PulseBeat]> {
        self.beats.as_ref().map(|beats| &beats.beats[..])
    }
}

/// When the beat at a hop falls: with the stroke next to it, if there is one.
fn time_of(hop: u64, strokes: &[Stroke]) -> f64 {
    let time_s = hop as f64 * HOP_S;
    let off = |stroke: &&Stroke| (stroke.time_s - time_s).abs();
    let recent = strokes.iter().rev().skip_while(|stroke| stroke.time_s > time_s + NEAR_S);
    let near = recent.take_while(|stroke| stroke.time_s > time_s - NEAR_S);
    near.min_by(|a, b| off(a).total_cmp(&off(b))).map_or(time_s, |stroke| stroke.time_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flux of a band that marks every beat, and every half of one more softly; period in hops. A stroke grows for some hops.
    fn band(hop: usize, period: usize) -> [f32; BANDS] {
        let stroke = match ((hop + 1) / period % 2, (hop + 1) % period) {
            (0, 0..4) => [9.0, 5.0, 4.0],
            (1, 0..4) => [1.0, 8.0, 8.0],
            (_, since) if (period / 2..period / 2 + 4).contains(&since) => [0.5, 1.5, 2.5],
            _ => [0.0; BANDS],
        };
        let share = [0.4, 1.0, 0.5, 0.2][(hop + 1) % period % (period / 2) % 4];
        stroke.map(|flux| 0.25 + share * flux)
    }

    fn beside() -> Beside<'static> {
        Beside { strokes: &[], harmony: &[] }
    }

    fn heard(period: usize, hops: u64) -> HeardPulse {
        let mut pulse = HeardPulse::default();
        (0..hops).for_each(|hop| pulse.hear(hop, &band(hop as usize, period), beside()));
        pulse
    }

    #[test]
    fn a_band_has_a_pulse_once_it_was_heard_for_some_time() {
        for period in [48, 56, 64] {
            assert_eq!(heard(period, 200).settle(beside()), None);
            let mut pulse = heard(period, 800);
            assert!(pulse.is_awaited());
            let found_s = pulse.settle(beside()).expect("a pulse");
            assert!((found_s - period as f64 * HOP_S).abs() < 0.02, "{period}: {found_s}");
            assert!(!pulse.is_awaited() && pulse.settle(beside()).is_none(), "once is enough");
            let off = |beat: &PulseBeat| (beat.time_s / found_s - (beat.time_s / found_s).round()).abs();
            let beats = pulse.beats().expect("beats").to_vec();
            assert!(beats.len() > 600 / period, "{period}: {}", beats.len());
            assert!(beats[2..].iter().all(|beat| off(beat) < 0.2 && beat.before.is_some()), "{beats:?}");
            // It goes on as it began.
            (800..1_200).for_each(|hop| pulse.hear(hop, &band(hop as usize, period), beside()));
            let more = pulse.beats().expect("beats").len() - beats.len();
            assert!(more.abs_diff(400 / period) <= 1, "{period}: {more}");
        }
    }

    #[test]
    fn what_has_no_pulse_is_waited_for_no_longer_than_some_time() {
        let mut pulse = HeardPulse::default();
        assert!(!pulse.is_awaited(), "nobody plays");
        for hop in 0..PATIENT_HOPS as u64 {
            pulse.hear(hop, &[1.0; BANDS], beside());
            assert_eq!(pulse.settle(beside()), None);
        }
        assert!(!pulse.is_awaited());
    }
}
