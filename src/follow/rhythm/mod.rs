//! Beats, bars and tempo from the onsets of sung notes, by a switching Kalman filter.
//!
//! A hypothesis says where in a bar of which metre the last onset lay, and holds a Gaussian over its time and the beat
//! period. The next onset lies some written step further on: how likely each step is from each place in the bar was
//! counted in open scores ([`priors`]); when it is sung follows from the period, which walks from beat to beat
//! (`phase`). A pause, a fermata or a breath may come between, after which the tempo is remembered and the phase is
//! not; an onset may be none at all. The best few hundred hypotheses are kept. The same filter serves both modes:
//! causal, where the best hypothesis predicts the beats to come, and offline, where its path is traced back and
//! smoothed (`path`).
//!
//! Cemgil & Kappen (JAIR 18, 2003) follow tempo in this way; steps between places in the bar as a Markov chain are
//! those of Raphael (ISMIR 2001) and Nakamura et al. (IEEE TASLP 25, 2017).

mod beam;
mod path;
pub(in crate::follow) mod phase;
pub mod priors;

use beam::Beam;
pub use path::{Beats, MetricPath, PlacedOnset};
use phase::{BENT, Phase, STEADY, Walk};
use priors::{Rhythm, UNITS};

use super::beat::BeatOnset;
use crate::limits;
use crate::time::Meter;

/// Hypotheses kept after each onset.
const BEAM: usize = 400;
/// Hypotheses kept after the first onsets, while nothing is known.
const FIRST_BEAM: usize = 3_000;
/// Onsets after which the beam is narrow.
const FIRST_ONSETS: usize = 4;
/// Share of onsets that are none, and their density in onsets a second.
const STRAY: (f64, f64) = (0.05, 1.0);
/// Silence that may be a pause, in seconds.
const REST_S: f64 = 0.25;
/// A note so many beats long may be held longer than written.
const LONG_BEATS: f64 = 1.2;
/// Share of steps over which the tempo bends, and of rests that are held, before anything is known of the singer; after
/// how many of them the singer's own count as much.
const BENT_SHARE: (f64, f64) = (0.25, 8.0);
const HELD_REST: (f64, f64) = (0.2, 4.0);
/// Share of steps over which the tempo bends, where that is not learnt.
const ANY_BENT_SHARE: f64 = 0.5;
/// Steps back that tell how a singer treats time.
const MANNER_STEPS: usize = 32;
/// Share of long notes that are held; mean length of what is held, in seconds.
const HELD_NOTE: f64 = 0.04;
const HELD_MEAN_S: f64 = 0.6;
/// Share of rests that are cut short, and the mean of that in seconds.
const CUT_REST: f64 = 0.04;
const CUT_MEAN_S: f64 = 0.25;
/// Preferred beat period in seconds, and the standard deviation around it in octaves.
const PREFERRED_PERIOD_S: (f64, f64) = (0.62, 0.5);
/// Standard deviation around a stated period in octaves.
const STATED_WIDTH: f64 = 0.12;
/// Standard deviation of the period of one who sings after a count, as a share of the counted one.
const COUNTED_DOUBT: f64 = 0.015;
/// How much longer or shorter than stated a period may be, less than 2 so that the level of the beat is fixed.
const STATED_RATIO: f64 = 1.5;
/// Shortest and longest beat period where none is stated, in seconds.
const PERIODS_S: (f64, f64) = (0.3, 1.4);
/// Ratio of neighbouring periods at the start.
const PERIOD_STEP: f64 = 1.06;

/// Onsets of the path that are remembered for what the singer does again.
const REMEMBERED: usize = 64;
/// How often a step must have been taken to count as much as the scores.
const HABIT: f64 = 16.0;
/// How much likelier another beat must be than that of the best path.
const LOYALTY: f64 = 1.5;
/// Hypotheses that are looked at as the centre of those that agree.
const CENTRES: usize = 40;

/// What is known before listening.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Metres that are possible, with their probability.
    pub meters: Vec<(Meter, f64)>,
    /// Beat period in seconds, if stated.
    pub period_s: Option<f64>,
    /// Where a bar begins in seconds, if that and the period are stated.
    pub bar_line_s: Option<f64>,
    /// Where the second half of a beat begins, as a share of it: 1/2, or 2/3 in swing.
    pub half: f64,
    /// Whether how the singer treats time is learnt on the way. It makes what is foretold steadier, and what is traced
    /// back over a whole take worse.
    pub learns_manner: bool,
}

impl Default for Expectation {
    fn default() -> Self {
        let meters = vec![(Meter::FOUR_FOUR, 0.6), (Meter::THREE_FOUR, 0.2), (Meter::SIX_EIGHT, 0.2)];
        Self { meters, period_s: None, bar_line_s: None, half: 0.5, learns_manner: false }
    }
}

/// Where the singer is, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// The metre.
    pub meter: Meter,
    /// Time of the last beat at or before the moment asked for, in seconds.
    pub beat_s: f64,
    /// Place of that beat in the bar, from 0.
    pub place: usize,
    /// Beat period in seconds.
    pub period_s: f64,
    /// Standard deviation of the next beat in seconds.
    pub doubt_s: f64,
    /// Probability of this beat and period, places in the bar and metres taken together, 0 to 1.
    pub probability: f64,
    /// Probability of the metre and the bar lines, 0 to 1.
    pub bar_probability: f64,
}

#[derive(Debug, Clone, Copy)]
struct Hypothesis {
    /// Index into the rhythms.
    meter: usize,
    /// Place in the bar in units.
    unit: usize,
    phase: Phase,
    /// Log likelihood of its best path.
    score: f64,
    /// Log likelihood of all paths that were merged into it.
    mass: f64,
    node: usize,
}

/// How a singer treats time.
#[derive(Debug, Clone, Copy)]
struct Manner {
    /// Share of steps over which the tempo bends.
    bent: f64,
    /// Share of rests that are held.
    held: f64,
}

/// An onset with its place, and the one before it.
#[derive(Debug, Clone, Copy)]
struct Node {
    before: Option<usize>,
    onset: usize,
    /// Units since the node before.
    step: u32,
    /// Whether time stood still before it.
    is_held: bool,
    /// Whether it follows a rest.
    is_after_rest: bool,
    /// How the period changed before it.
    walk: Walk,
    unit: usize,
}

/// The hypothesis that is taken for true.
#[derive(Debug, Clone, Copy)]
struct Belief {
    index: usize,
    probability: f64,
}

/// The filter.
#[derive(Debug)]
pub struct RhythmTracker {
    expectation: Expectation,
    rhythms: Vec<Rhythm>,
    hypotheses: Vec<Hypothesis>,
    nodes: Vec<Node>,
    onsets: Vec<BeatOnset>,
    believed: Option<Belief>,
    /// Shortest and longest beat period in seconds.
    periods_s: (f64, f64),
}

impl RhythmTracker {
    /// A tracker that has heard nothing.
    pub fn new(expectation: Expectation) -> Self {
        let rhythms = expectation.meters.iter().map(|(meter, _)| Rhythm::of(*meter)).collect();
        let periods_s = expectation.period_s.map_or(PERIODS_S, |stated| {
            let shortest = (stated / STATED_RATIO).max(60.0 / limits::MAX_BPM);
            (shortest, (stated * STATED_RATIO).max(shortest * 1.01))
        });
        Self {
            expectation,
            rhythms,
            hypotheses: Vec::new(),
            nodes: Vec::new(),
            onsets: Vec::new(),
            believed: None,
            periods_s,
        }
    }

    /// Onsets heard.
    pub fn onsets(&self) -> usize {
        self.onsets.len()
    }

    /// The last onset was sung for so long.
    pub fn last_sung(&mut self, sung_s: f64) {
        if let Some(last) = self.onsets.last_mut() {
            last.sung_s = sung_s;
        }
    }

    /// Takes the next onset: its time and pitch, and for how long the one before it was sung.
    pub fn hear(&mut self, onset: BeatOnset) {
        let index = self.onsets.len();
        let before = self.onsets.last().copied();
        self.onsets.push(onset);
        let Some(before) = before else {
            self.begin(onset.time_s);
            return;
        };
        let rest_s = onset.time_s - before.time_s - before.sung_s;
        let mut next = Beam::default();
        for hypothesis in &self.hypotheses {
            let stray = (STRAY.0 * STRAY.1).ln();
            let (score, mass) = (hypothesis.score + stray, hypothesis.mass + stray);
            next.offer(Hypothesis { score, mass, ..*hypothesis }, None);
            self.go_on(hypothesis, index, rest_s, &mut next);
        }
        let keep = if index < FIRST_ONSETS { FIRST_BEAM } else { BEAM };
        self.hypotheses = next.best(keep, &mut self.nodes);
        self.believed = self.believe();
    }

    fn begin(&mut self, time_s: f64) {
        if let (Some(line_s), Some(period_s)) = (self.expectation.bar_line_s, self.expectation.period_s) {
            self.begin_near(time_s, line_s, period_s);
            self.believed = self.believe();
        }
        if !self.hypotheses.is_empty() {
            return;
        }
        let (shortest, longest) = self.periods_s;
        let (centre, width) = match self.expectation.period_s {
            Some(stated) => (stated, STATED_WIDTH),
            None => PREFERRED_PERIOD_S,
        };
        for (meter, rhythm) in self.rhythms.iter().enumerate() {
            let (_, probability) = self.expectation.meters[meter];
            for (unit, start) in rhythm.starts() {
                let node = self.nodes.len();
                self.nodes.push(Node {
                    before: None,
                    onset: 0,
                    step: 0,
                    is_held: false,
                    is_after_rest: false,
                    walk: BENT,
                    unit,
                });
                let mut period_s = shortest;
                while period_s < longest {
                    let octaves = (period_s / centre).log2() / width;
                    let score = probability.ln() + start - 0.5 * octaves * octaves;
                    let phase = Phase::new(time_s, period_s, period_s * PERIOD_STEP.ln() * 0.6);
                    self.hypotheses.push(Hypothesis { meter, unit, phase, score, mass: score, node });
                    period_s *= PERIOD_STEP;
                }
            }
        }
    }

    /// Begins where a bar line and the period are known: at the places where phrases begin and that lie near the first
    /// onset.
    fn begin_near(&mut self, time_s: f64, line_s: f64, period_s: f64) {
        let line = Phase::new(line_s, period_s, COUNTED_DOUBT * period_s);
        for (meter, rhythm) in self.rhythms.iter().enumerate() {
            let (_, probability) = self.expectation.meters[meter];
            let beats = (rhythm.units() / UNITS) as f64;
            for (unit, start) in rhythm.starts() {
                let within = beat_of(unit, self.expectation.half);
                let bars = ((time_s - line_s) / period_s - within) / beats;
                // A first note may be early or late enough for either bar.
                for bar in [bars.floor(), bars.ceil()] {
                    let Some((phase, likelihood)) = line.observe(bar * beats + within, STEADY, time_s, true)
                    else {
                        continue;
                    };
                    let score = probability.ln() + start + likelihood;
                    let node = self.nodes.len();
                    self.nodes.push(Node {
                        before: None,
                        onset: 0,
                        step: 0,
                        is_held: false,
                        is_after_rest: false,
                        walk: BENT,
                        unit,
                    });
                    self.hypotheses.push(Hypothesis { meter, unit, phase, score, mass: score, node });
                }
            }
        }
        self.hypotheses.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.node.cmp(&b.node)));
    }

    /// Offers everything that an onset can be for a hypothesis.
    fn go_on(&self, from: &Hypothesis, onset: usize, rest_s: f64, next: &mut Beam) {
        let time_s = self.onsets[onset].time_s;
        let rhythm = &self.rhythms[from.meter];
        let bar = rhythm.units();
        let passed_s = time_s - from.phase.time_s();
        let accepted = (1.0 - STRAY.0).ln();
        let habits = self.habits(from);
        let manner = self.manner(from);
        let is_after_rest = rest_s >= REST_S;
        let is_entry = is_after_rest && self.expectation.learns_manner;
        let semitones = match (self.onsets[onset - 1].midi, self.onsets[onset].midi) {
            (Some(before), Some(now)) => now - before,
            _ => f64::NAN,
        };
        let mut offer = |step: u32, prior: f64, phase: Phase, likelihood: f64, walk: Walk, is_held: bool| {
            let unit = (from.unit + step as usize) % bar;
            let node = Node { before: Some(from.node), onset, step, is_held, is_after_rest, walk, unit };
            let mut gained = accepted + prior + likelihood;
            if semitones.is_finite() {
                gained += rhythm.leap(unit, semitones);
            }
            let (score, mass) = (from.score + gained, from.mass + gained);
            next.offer(
                Hypothesis { meter: from.meter, unit, phase, score, mass, node: usize::MAX },
                Some(node),
            );
        };
        let consider = |step: u32, prior: f64, offer: &mut dyn FnMut(u32, f64, Phase, f64, Walk, bool)| {
            let beats = self.beats(from.unit, step);
            for (walk, share) in [(STEADY, 1.0 - manner.bent), (BENT, manner.bent)] {
                let as_sung = Walk { share, ..walk };
                if let Some((phase, likelihood)) = from.phase.observe(beats, as_sung, time_s, is_entry)
                    && (self.periods_s.0..self.periods_s.1).contains(&phase.period_s())
                {
                    offer(step, prior, phase, likelihood, walk, false);
                }
            }
            let ahead = from.phase.ahead(beats, STEADY);
            let late_s = time_s - ahead.time_s();
            let share = match is_after_rest {
                true if late_s < 0.0 => Some((CUT_REST * manner.held / HELD_REST.0, CUT_MEAN_S)),
                true => Some((manner.held, HELD_MEAN_S)),
                false if late_s > 0.0 && passed_s > LONG_BEATS * from.phase.period_s() => {
                    Some((HELD_NOTE, HELD_MEAN_S))
                }
                false => None,
            };
            if let Some((share, mean_s)) = share {
                let likelihood = (share / mean_s).ln() - late_s.abs() / mean_s;
                offer(step, prior, ahead.held_until(time_s), likelihood, BENT, true);
            }
        };
        let seen: f64 = habits.iter().map(|(_, times)| times).sum();
        for (step, prior) in rhythm.steps(from.unit) {
            let times = habits.iter().find(|(s, _)| *s == step).map_or(0.0, |(_, times)| *times);
            let share = (prior.exp() * HABIT + times) / (HABIT + seen);
            consider(step, share.ln(), &mut offer);
        }
        // After a long silence: the next phrase begins where phrases do, after as many bars as fit best.
        let silent_beats = passed_s / from.phase.period_s();
        if silent_beats * UNITS as f64 > rhythm.longest_step() as f64 * 0.7 {
            for (unit, prior) in rhythm.starts() {
                let within = (unit + bar - from.unit) % bar;
                let bars = ((silent_beats * UNITS as f64 - within as f64) / bar as f64).round().max(0.0);
                let step = within as u32 + bars as u32 * bar as u32;
                if step > rhythm.longest_step() {
                    consider(step, prior + (0.3f64).ln(), &mut offer);
                }
            }
        }
    }

    /// The steps that the singer has taken from here before, and how often: songs repeat their rhythms.
    fn habits(&self, from: &Hypothesis) -> Vec<(u32, f64)> {
        let mut habits: Vec<(u32, f64)> = Vec::new();
        let mut after = self.nodes[from.node];
        for _ in 0..REMEMBERED {
            let Some(node) = after.before.map(|index| self.nodes[index]) else { break };
            if node.unit == from.unit {
                match habits.iter_mut().find(|(step, _)| *step == after.step) {
                    Some((_, times)) => *times += 1.0,
                    None => habits.push((after.step, 1.0)),
                }
            }
            after = node;
        }
        habits
    }

    /// How the singer has treated time so far: one who keeps it is believed to go on so.
    fn manner(&self, from: &Hypothesis) -> Manner {
        if !self.expectation.learns_manner {
            return Manner { bent: ANY_BENT_SHARE, held: HELD_REST.0 };
        }
        let (mut steps, mut bent, mut rests, mut held) = (0.0, 0.0, 0.0, 0.0);
        let mut node = self.nodes[from.node];
        for _ in 0..MANNER_STEPS {
            let Some(before) = node.before else { break };
            if node.is_after_rest {
                rests += 1.0;
                held += f64::from(u8::from(node.is_held));
            }
            if !node.is_held {
                steps += 1.0;
                bent += f64::from(u8::from(node.walk == BENT));
            }
            node = self.nodes[before];
        }
        Manner {
            bent: (bent + BENT_SHARE.0 * BENT_SHARE.1) / (steps + BENT_SHARE.1),
            held: (held + HELD_REST.0 * HELD_REST.1) / (rests + HELD_REST.1),
        }
    }

    /// Beats that a step takes, with the feel.
    fn beats(&self, unit: usize, step: u32) -> f64 {
        let place = |unit: usize| beat_of(unit, self.expectation.half);
        place(unit + step as usize) - place(unit)
    }

    /// Time of the beat at or before the last onset, if a hypothesis is true.
    fn beat_s(&self, hypothesis: &Hypothesis) -> f64 {
        let beats = beat_of(hypothesis.unit, self.expectation.half);
        hypothesis.phase.time_s() - (beats - beats.floor()) * hypothesis.phase.period_s()
    }

    /// The best hypothesis of the beat and period that are likeliest, whatever the place in the bar, and their
    /// probability.
    fn believe(&self) -> Option<Belief> {
        let most = self.hypotheses.iter().map(|h| h.mass).fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = self.hypotheses.iter().map(|h| (h.mass - most).exp()).collect();
        let all: f64 = weights.iter().sum();
        let agrees = |h: &Hypothesis, centre: &Hypothesis| {
            let off = (self.beat_s(h) - self.beat_s(centre)) / centre.phase.period_s();
            let ratio = h.phase.period_s() / centre.phase.period_s();
            (0.85..1.18).contains(&ratio) && (off - off.round()).abs() < 0.15
        };
        let mut best: Option<Belief> = None;
        // Hypotheses that agree stand for one beat, the likeliest of them for its time.
        let mut is_heard = vec![false; self.hypotheses.len()];
        for (index, hypothesis) in self.hypotheses.iter().enumerate().take(CENTRES) {
            if is_heard[index] {
                continue;
            }
            let mut probability = 0.0;
            for (other, weight) in weights.iter().enumerate() {
                if agrees(&self.hypotheses[other], hypothesis) {
                    is_heard[other] = true;
                    probability += weight / all;
                }
            }
            // The best path is left only for a beat that is much likelier.
            if best.is_none_or(|best| probability > LOYALTY * best.probability) {
                best = Some(Belief { index, probability });
            }
        }
        best
    }

    /// Probability of the metre and bar lines of a hypothesis.
    fn bar_probability(&self, wanted: &Hypothesis) -> f64 {
        let period_s = wanted.phase.period_s();
        self.bar_line_probability(wanted.meter, self.bar_line_s(wanted), period_s)
    }

    /// Time of the bar line before the last onset, if a hypothesis is true.
    fn bar_line_s(&self, hypothesis: &Hypothesis) -> f64 {
        let beats = beat_of(hypothesis.unit, self.expectation.half);
        hypothesis.phase.time_s() - beats * hypothesis.phase.period_s()
    }

    /// Probability that bars of a metre, as an index into the expected ones, begin at a moment and a whole number of
    /// bars before and after it.
    fn bar_line_probability(&self, meter: usize, line_s: f64, period_s: f64) -> f64 {
        let most = self.hypotheses.iter().map(|h| h.mass).fold(f64::NEG_INFINITY, f64::max);
        let beats = (self.rhythms[meter].units() / UNITS) as f64;
        let (mut same, mut all) = (0.0, 0.0);
        for hypothesis in &self.hypotheses {
            let weight = (hypothesis.mass - most).exp();
            all += weight;
            let off = (self.bar_line_s(hypothesis) - line_s) / (beats * period_s);
            let ratio = hypothesis.phase.period_s() / period_s;
            if hypothesis.meter == meter
                && (off - off.round()).abs() * beats < 0.3
                && (0.85..1.18).contains(&ratio)
            {
                same += weight;
            }
        }
        same / all
    }

    /// Probability that bars of a metre begin at a moment and a whole number of bars before and after it, 0 to 1.
    pub fn bars_begin_at(&self, meter: Meter, line_s: f64, period_s: f64) -> f64 {
        let index = self.expectation.meters.iter().position(|(expected, _)| *expected == meter);
        index.map_or(0.0, |index| self.bar_line_probability(index, line_s, period_s))
    }

    /// Where the singer is at a time, which is not before the last onset.
    pub fn position(&self, at_s: f64) -> Option<Position> {
        let Belief { index, probability } = self.believed?;
        let best = self.hypotheses.get(index)?;
        let first_s = self.beat_s(best);
        let passed = ((at_s - first_s) / best.phase.period_s()).floor().max(0.0);
        Some(Position {
            meter: self.expectation.meters[best.meter].0,
            beat_s: first_s + passed * best.phase.period_s(),
            place: (best.unit / UNITS + passed as usize) % (self.rhythms[best.meter].units() / UNITS),
            period_s: best.phase.period_s(),
            doubt_s: best.phase.ahead(passed + 1.0, STEADY).doubt_s(),
            probability,
            bar_probability: self.bar_probability(best),
        })
    }

    /// The best path through all onsets heard.
    pub fn path(&self) -> Option<MetricPath> {
        let best = self.hypotheses.first()?;
        let mut placed = Vec::new();
        let mut at = Some(best.node);
        while let Some(node) = at.map(|index| self.nodes[index]) {
            placed.push(PlacedOnset {
                onset: node.onset,
                time_s: self.onsets[node.onset].time_s,
                step: node.step,
                is_held: node.is_held,
                period_walk: node.walk.spread,
                unit: node.unit,
            });
            at = node.before;
        }
        placed.reverse();
        Some(MetricPath {
            meter: self.expectation.meters[best.meter].0,
            half: self.expectation.half,
            period_s: best.phase.period_s(),
            score: best.score,
            bar_probability: self.bar_probability(best),
            placed,
        })
    }
}

/// Beats from the bar line to a unit; in swing the second half of a beat comes late.
fn beat_of(unit: usize, half: f64) -> f64 {
    let (beat, within) = (unit / UNITS, (unit % UNITS) as f64 / UNITS as f64);
    let within = if within <= 0.5 { within * 2.0 * half } else { half + (within - 0.5) * 2.0 * (1.0 - half) };
    beat as f64 + within
}

/// Runs the filter over the onsets of a take.
pub fn track(onsets: &[BeatOnset], expectation: Expectation) -> Option<MetricPath> {
    let mut tracker = RhythmTracker::new(expectation);
    for onset in onsets {
        tracker.hear(*onset);
    }
    tracker.path()
}

#[cfg(test)]
mod tests;
