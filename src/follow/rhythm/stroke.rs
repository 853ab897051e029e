//! What a stroke beside the voice can be.
//!
//! Whoever plays to the song strikes most beats and many of their halves. How strong strokes are at each place of a bar was
//! counted in rendered bands (`follow::mix::pulse`).

use super::beam::Beam;
use super::phase::{BENT, STEADY, Walk};
use super::priors::{Rhythm, UNITS};
use super::{Hypothesis, Node, RhythmTracker};
use crate::follow::mix::BeatSpan;
use crate::follow::mix::pulse::{self, BarPulse, Pulse};
use crate::listen::mix::Stroke;
use crate::time::Meter;

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
/// Probability that a beat of a pulse that is followed is passed over.
const PASSED: f64 = 0.1;
/// How far from its place a stroke may lie, in beats.
const NEAR_BEATS: f64 = 0.3;
/// Share of strokes over which the tempo bends: what plays to a song is steady.
const BENT_SHARE: f64 = 0.05;

/// A beat of a pulse that is followed beside the voice.
#[derive(Debug, Clone, PartialEq)]
pub struct PulseBeat {
    /// When, in seconds.
    pub time_s: f64,
    /// What was heard from the second beat before it to the one before it, which is known by then.
    pub before: Option<BeatSpan>,
}

/// What is struck.
#[derive(Debug, Clone, Copy)]
enum Struck<'a> {
    /// Strokes are at beats and between them; how strong one is against those before it.
    Stroke(&'a Stroke, f64),
    Beat(&'a PulseBeat),
}

impl Struck<'_> {
    fn time_s(self) -> f64 {
        match self {
            Self::Stroke(stroke, _) => stroke.time_s,
            Self::Beat(beat) => beat.time_s,
        }
    }
}

/// What is struck, weighed for the places of a bar.
struct Weighed<'a> {
    struck: Struck<'a>,
    pulse: BarPulse,
    /// How much what was heard before a beat speaks for each beat of the bar, two beats later.
    told: Vec<f32>,
}

impl<'a> Weighed<'a> {
    fn new(struck: Struck<'a>, meter: Meter) -> Self {
        let pulse = Pulse::counted().bar(meter);
        let before = match struck {
            Struck::Beat(beat) => beat.before.as_ref(),
            Struck::Stroke(..) => None,
        };
        let mut told = before.map_or_else(Vec::new, |span| span.tells(&pulse));
        // Beats that are alike tell nothing of the metre.
        let of_any = told.iter().sum::<f32>() / told.len().max(1) as f32;
        told.iter_mut().for_each(|told| *told -= of_any);
        Self { struck, pulse, told }
    }

    /// Log probability at a place of the bar; none where there is no such place.
    fn at(&self, unit: usize) -> Option<f64> {
        match self.struck {
            Struck::Stroke(stroke, accent) => struck_prior(unit, stroke, accent, &self.pulse),
            Struck::Beat(_) => {
                let beats = self.pulse.beats().max(1);
                let two_before = (unit / UNITS + 2 * beats - 2) % beats;
                let told = self.told.get(two_before).map_or(0.0, |told| f64::from(*told));
                unit.is_multiple_of(UNITS).then_some(told)
            }
        }
    }

    /// Log probability that nothing was struck between a place and another some units on.
    fn missed(&self, from: usize, step: usize) -> f64 {
        let half = UNITS / 2;
        let between = (from + 1..from + step).filter(|unit| unit.is_multiple_of(half)).take(2 * MOST_MISSED);
        let is_beat = |unit: usize| unit.is_multiple_of(UNITS);
        match self.struck {
            Struck::Stroke(..) => {
                between.map(|unit| if is_beat(unit) { NO_BEAT.ln() } else { NO_HALF.ln() }).sum()
            }
            Struck::Beat(_) => between.filter(|unit| is_beat(*unit)).count() as f64 * PASSED.ln(),
        }
    }
}

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
        self.meet(Struck::Stroke(stroke, accent));
    }

    /// Takes the next beat of a pulse that is followed beside the voice.
    pub fn strike_beat(&mut self, beat: &PulseBeat) {
        self.strokes += 1;
        self.meet(Struck::Beat(beat));
    }

    fn meet(&mut self, struck: Struck<'_>) {
        let weighed: Vec<Weighed<'_>> =
            self.expectation.meters.iter().map(|(meter, _)| Weighed::new(struck, *meter)).collect();
        if self.hypotheses.is_empty() {
            self.begin_struck(struck.time_s(), &weighed);
            return;
        }
        let mut next = Beam::default();
        for hypothesis in &self.hypotheses {
            self.go_on_struck(hypothesis, &weighed[hypothesis.meter], &mut next);
        }
        self.keep(next);
    }

    /// Begins where a first stroke or beat can lie in the bar.
    fn begin_struck(&mut self, time_s: f64, weighed: &[Weighed<'_>]) {
        let places = |(rhythm, weighed): (&Rhythm, &Weighed<'_>)| {
            let even = (rhythm.units() as f64 / UNITS as f64).ln();
            let halves = (0..rhythm.units()).step_by(UNITS / 2);
            halves.filter_map(|unit| Some((unit, weighed.at(unit)? - even))).collect()
        };
        let starts: Vec<Vec<(usize, f64)>> = self.rhythms.iter().zip(weighed).map(places).collect();
        self.begin(time_s, &starts, true);
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

    /// Offers everything that a stroke can be for a hypothesis.
    fn go_on_struck(&self, from: &Hypothesis, weighed: &Weighed<'_>, next: &mut Beam) {
        let time_s = weighed.struck.time_s();
        let stray = (STRAY.0 * STRAY.1).ln();
        next.offer(Hypothesis { score: from.score + stray, mass: from.mass + stray, ..*from }, None);
        let bar = self.rhythms[from.meter].units();
        let passed = (time_s - from.phase.time_s()) / from.phase.period_s();
        let unit_of = |beats: f64| (beats * UNITS as f64).max(0.0);
        let (first, last) = (unit_of(passed - NEAR_BEATS).ceil(), unit_of(passed + NEAR_BEATS).floor());
        let last_node = self.nodes[from.node];
        for step in first as u32..=last as u32 {
            let unit = (from.unit + step as usize) % bar;
            let Some(place) = weighed.at(unit) else { continue };
            let prior = (1.0 - STRAY.0).ln() + place + weighed.missed(from.unit, step as usize);
            let beats = self.usual_beats(from, self.beats(from.unit, step));
            for (walk, share) in [(STEADY, 1.0 - BENT_SHARE), (BENT, BENT_SHARE)] {
                let as_struck = Walk { share, ..walk };
                let Some((phase, likelihood)) = from.phase.strike(beats, as_struck, time_s) else {
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
                    time_s,
                    step,
                    is_held: false,
                    is_after_rest: false,
                    begins_line: false,
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
    if !unit.is_multiple_of(UNITS) {
        return Some(share.ln() - ACCENT * accent);
    }
    Some(share.ln() + ACCENT * accent + of_beat(unit / UNITS, stroke, pulse))
}

/// How much a stroke speaks for a beat of the bar, as a log ratio. Strokes that are alike tell nothing of the metre; between
/// beats too little was counted to tell.
fn of_beat(beat: usize, stroke: &Stroke, pulse: &BarPulse) -> f64 {
    let levels = stroke.flux.map(pulse::level);
    let of = |beat| f64::from(pulse.of_flux(beat, 0, &levels));
    let of_any = (0..pulse.beats()).map(of).sum::<f64>() / pulse.beats().max(1) as f64;
    of(beat) - of_any
}
