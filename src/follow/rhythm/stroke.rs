//! What a stroke beside the voice can be.
//!
//! Whoever plays to the song strikes most beats and many of their halves. How strong strokes are at each place of a bar was
//! counted in rendered bands (`follow::mix::pulse`).

use super::beam::Beam;
use super::phase::{BENT, STEADY, Walk};
use super::priors::UNITS;
use super::{Hypothesis, Node, RhythmTracker};
use crate::follow::mix::pulse::{self, BarPulse, Pulse};
use crate::listen::mix::Stroke;

/// Share of strokes that are at no place of the beat, and their density in strokes a second.
const STRAY: (f64, f64) = (0.05, 1.0);
/// Probability that a beat, its half, another quarter of it and a third of it are struck.
const BEAT: f64 = 0.8;
const HALF: f64 = 0.3;
const QUARTER: f64 = 0.06;
const THIRD: f64 = 0.04;
/// Probability that a beat and a half are passed over where others play on.
const NO_BEAT: f64 = 0.3;
const NO_HALF: f64 = 0.72;
/// Most beats that are missed in a rest.
const MOST_MISSED: usize = 4;
/// How much an accent speaks for a beat and against what lies between, by its log ratio, and the largest one.
const ACCENT: f64 = 1.5;
const MOST_ACCENT: f64 = 1.0;
/// Weight of a stroke in the mean that accents are relative to.
const FORGET: f64 = 1.0 / 16.0;
/// How far from its place a stroke may lie, in beats.
const NEAR_BEATS: f64 = 0.3;
/// Share of strokes over which the tempo bends: what plays to a song is steady.
const BENT_SHARE: f64 = 0.05;

/// Probability of a stroke at a place of the beat, in units; none where there is no such place.
fn place_share(unit: usize) -> Option<f64> {
    match unit % UNITS {
        0 => Some(BEAT),
        within if within * 2 == UNITS => Some(HALF),
        within if (within * 4).is_multiple_of(UNITS) => Some(QUARTER),
        within if (within * 3).is_multiple_of(UNITS) => Some(THIRD),
        _ => None,
    }
}

impl RhythmTracker {
    /// Takes the next stroke of what sounds beside the voice: of a click, drums or a guitar.
    pub fn strike(&mut self, stroke: &Stroke) {
        let accent = self.accent(stroke);
        if self.hypotheses.is_empty() {
            self.begin(stroke.time_s, Some(stroke));
            return;
        }
        let pulses: Vec<BarPulse> =
            self.expectation.meters.iter().map(|(meter, _)| Pulse::counted().bar(*meter)).collect();
        let mut next = Beam::default();
        for hypothesis in &self.hypotheses {
            self.go_on_struck(hypothesis, (stroke, accent), &pulses[hypothesis.meter], &mut next);
        }
        self.keep(next);
    }

    /// How strong a stroke is against those before it, as a log ratio.
    fn accent(&mut self, stroke: &Stroke) -> f64 {
        let strength = f64::from(stroke.flux.iter().sum::<f32>()).max(1e-3);
        let before = if self.strokes == 0 { strength } else { self.usual_stroke };
        let weight = FORGET.max(1.0 / (self.strokes + 1) as f64);
        self.usual_stroke = before + weight * (strength - before);
        self.strokes += 1;
        (strength / before).ln().clamp(-MOST_ACCENT, MOST_ACCENT)
    }

    /// Where in the bar a first stroke can lie, with the log probability of each place.
    pub(super) fn struck_places(&self, meter: usize, stroke: &Stroke) -> Vec<(usize, f64)> {
        let pulse = Pulse::counted().bar(self.expectation.meters[meter].0);
        let units = self.rhythms[meter].units();
        let even = (units as f64 / UNITS as f64).ln();
        let halves = (0..units).step_by(UNITS / 2);
        halves.filter_map(|unit| Some((unit, struck_prior(unit, stroke, 0.0, &pulse)? - even))).collect()
    }

    /// Offers everything that a stroke can be for a hypothesis.
    fn go_on_struck(
        &self,
        from: &Hypothesis,
        (stroke, accent): (&Stroke, f64),
        pulse: &BarPulse,
        next: &mut Beam,
    ) {
        let stray = (STRAY.0 * STRAY.1).ln();
        next.offer(Hypothesis { score: from.score + stray, mass: from.mass + stray, ..*from }, None);
        let bar = self.rhythms[from.meter].units();
        let passed = (stroke.time_s - from.phase.time_s()) / from.phase.period_s();
        let unit_of = |beats: f64| (beats * UNITS as f64).max(0.0);
        let (first, last) = (unit_of(passed - NEAR_BEATS).ceil(), unit_of(passed + NEAR_BEATS).floor());
        let last_node = self.nodes[from.node];
        for step in first as u32..=last as u32 {
            let unit = (from.unit + step as usize) % bar;
            let Some(place) = struck_prior(unit, stroke, accent, pulse) else { continue };
            let prior = (1.0 - STRAY.0).ln() + place + missed_prior(from.unit, step as usize);
            let beats = self.usual_beats(from, self.beats(from.unit, step));
            for (walk, share) in [(STEADY, 1.0 - BENT_SHARE), (BENT, BENT_SHARE)] {
                let as_struck = Walk { share, ..walk };
                let Some((phase, likelihood)) = from.phase.strike(beats, as_struck, stroke.time_s) else {
                    continue;
                };
                if !(self.periods_s.0..self.periods_s.1).contains(&phase.period_s()) {
                    continue;
                }
                let gained = prior + likelihood;
                let node = Node {
                    before: Some(from.node),
                    sung: last_node.sung,
                    sung_before: None,
                    sung_step: 0,
                    is_stroke: true,
                    time_s: stroke.time_s,
                    step,
                    is_held: false,
                    is_after_rest: false,
                    walk,
                    unit,
                };
                let struck = Hypothesis {
                    meter: from.meter,
                    unit,
                    phase,
                    score: from.score + gained,
                    mass: from.mass + gained,
                    node: usize::MAX,
                    since_sung: from.since_sung + step,
                };
                next.offer(struck, Some(node));
            }
        }
    }
}

/// Log probability of a stroke at a place of the bar, as strong as it is by itself and, as a log ratio, against those before
/// it; none where there is no such place.
fn struck_prior(unit: usize, stroke: &Stroke, accent: f64, pulse: &BarPulse) -> Option<f64> {
    let share = place_share(unit)?;
    let levels = stroke.flux.map(pulse::level);
    if !unit.is_multiple_of(UNITS) {
        return Some(share.ln() - ACCENT * accent);
    }
    // Which beat of the bar it is; between beats too little was counted to tell. Strokes that are alike tell nothing of the
    // metre.
    let of_beat = |beat| f64::from(pulse.of_flux(beat, 0, &levels));
    let of_any = (0..pulse.beats()).map(of_beat).sum::<f64>() / pulse.beats().max(1) as f64;
    Some(share.ln() + ACCENT * accent + of_beat(unit / UNITS) - of_any)
}

/// Log probability that nothing was struck at the beats and halves between a place and another some units on.
fn missed_prior(from: usize, step: usize) -> f64 {
    let half = UNITS / 2;
    let between = (from + 1..from + step).filter(|unit| unit.is_multiple_of(half)).take(2 * MOST_MISSED);
    between.map(|unit| if unit.is_multiple_of(UNITS) { NO_BEAT.ln() } else { NO_HALF.ln() }).sum()
}
