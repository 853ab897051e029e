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
mod memory;
mod path;
pub(in crate::follow) mod phase;
pub mod priors;
mod step;
mod stroke;

use beam::Beam;
use memory::Memory;
pub use path::{Beats, MetricPath, PlacedOnset};
use phase::{BENT, Phase, STEADY, Walk};
use priors::{Rhythm, UNITS};
pub use stroke::PulseBeat;

use super::beat::BeatOnset;
use crate::limits;
use crate::listen::mix::Stroke;
use crate::time::Meter;

/// Hypotheses kept after each onset.
const BEAM: usize = 400;
/// Hypotheses kept after the first onsets, while nothing is known.
const FIRST_BEAM: usize = 3_000;
/// Onsets after which the beam is narrow.
const FIRST_ONSETS: usize = 4;
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

/// Onsets that tell what the singer does with time.
const MEMORISED: usize = 160;
/// How much likelier another beat must be than that of the best path.
const LOYALTY: f64 = 1.5;
/// Hypotheses that are looked at as the centre of those that agree.
const CENTRES: usize = 40;

/// Beats that are foretold.
pub const COMING: usize = 4;

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
    /// The beats after that one, in seconds.
    pub coming_s: [f64; COMING],
    /// Standard deviation of the next beat in seconds.
    pub doubt_s: f64,
    /// Probability of this beat and period, places in the bar and metres taken together, 0 to 1.
    pub probability: f64,
    /// Probability of the metre and the bar lines, 0 to 1.
    pub bar_probability: f64,
}

impl Position {
    /// The beats to come in a steady tempo.
    pub fn steady(beat_s: f64, period_s: f64) -> [f64; COMING] {
        std::array::from_fn(|index| beat_s + period_s * (index + 1) as f64)
    }

    /// The beat nearest to a moment, and the time from the one before to it, in seconds.
    pub fn beat_near(&self, at_s: f64) -> (f64, f64) {
        let mut before_s = self.beat_s;
        let mut best = (self.beat_s, self.period_s);
        for beat_s in self.coming_s {
            if (beat_s - at_s).abs() < (best.0 - at_s).abs() {
                best = (beat_s, beat_s - before_s);
            }
            before_s = beat_s;
        }
        // Beyond those that are foretold the tempo stays.
        let (last_s, period_s) = best;
        (last_s + ((at_s - last_s) / period_s).round() * period_s, period_s)
    }
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
    /// Units from the last sung onset to here; 0 unless strokes came after it.
    since_sung: u32,
}

/// An onset, or a stroke beside the voice, with its place and the one before it.
#[derive(Debug, Clone, Copy)]
struct Node {
    before: Option<usize>,
    /// The last node that was sung: this one, unless it is a stroke.
    sung: Option<usize>,
    /// The last one before this that was sung, and the units since then.
    sung_before: Option<usize>,
    sung_step: u32,
    is_stroke: bool,
    time_s: f64,
    /// Units since the node before.
    step: u32,
    /// Whether time stood still before it.
    is_held: bool,
    /// Whether it follows a rest.
    is_after_rest: bool,
    /// Whether it comes after a rest in which a line may have ended.
    begins_line: bool,
    /// How the period changed before it.
    walk: Walk,
    unit: usize,
}

impl Hypothesis {
    /// That of the first onset.
    fn first(meter: usize, unit: usize, phase: Phase, score: f64, node: usize) -> Self {
        Self { meter, unit, phase, score, mass: score, node, since_sung: 0 }
    }
}

impl Node {
    /// That of the first onset or stroke, whose index it will have.
    fn first(unit: usize, time_s: f64, is_stroke: bool, index: usize) -> Self {
        Self {
            before: None,
            sung: (!is_stroke).then_some(index),
            sung_before: None,
            sung_step: 0,
            is_stroke,
            time_s,
            step: 0,
            is_held: false,
            is_after_rest: false,
            begins_line: false,
            walk: BENT,
            unit,
        }
    }
}

/// What the singer did with time, as the path that is believed tells it.
#[derive(Debug)]
struct Memorised {
    memory: Memory,
    /// Where the last onset of that path lies, in beats, and its period in seconds.
    at: f64,
    period_s: f64,
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
    /// Strokes heard, and how strong they usually are.
    strokes: usize,
    usual_stroke: f64,
    believed: Option<Belief>,
    memory: Option<Memorised>,
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
            strokes: 0,
            usual_stroke: 0.0,
            believed: None,
            memory: None,
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
        if self.hypotheses.is_empty() {
            let starts: Vec<_> = self.rhythms.iter().map(|rhythm| rhythm.starts().collect()).collect();
            self.begin(onset.time_s, &starts, false);
            return;
        }
        let rest_s = before.map_or(0.0, |before| onset.time_s - before.time_s - before.sung_s);
        let mut next = Beam::default();
        for hypothesis in &self.hypotheses {
            self.go_on(hypothesis, index, rest_s, &mut next);
        }
        self.keep(next);
    }

    /// Keeps the best of what can be after an onset or a stroke.
    fn keep(&mut self, next: Beam) {
        let heard = self.onsets.len() + self.strokes;
        let keep = if heard <= FIRST_ONSETS { FIRST_BEAM } else { BEAM };
        self.hypotheses = next.best(keep, &mut self.nodes);
        self.believed = self.believe();
        self.memory = self.memorise();
    }

    /// Begins with an onset, or with a stroke, at one of the places where it can lie in each metre.
    fn begin(&mut self, time_s: f64, starts: &[Vec<(usize, f64)>], is_stroke: bool) {
        if let (Some(line_s), Some(period_s)) = (self.expectation.bar_line_s, self.expectation.period_s) {
            self.begin_near(time_s, line_s, period_s, starts, is_stroke);
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
        for (meter, starts) in starts.iter().enumerate() {
            let (_, probability) = self.expectation.meters[meter];
            for (unit, start) in starts {
                let node = self.nodes.len();
                self.nodes.push(Node::first(*unit, time_s, is_stroke, node));
                let mut period_s = shortest;
                while period_s < longest {
                    let octaves = (period_s / centre).log2() / width;
                    let score = probability.ln() + start - 0.5 * octaves * octaves;
                    let phase = Phase::new(time_s, period_s, period_s * PERIOD_STEP.ln() * 0.6);
                    self.hypotheses.push(Hypothesis::first(meter, *unit, phase, score, node));
                    period_s *= PERIOD_STEP;
                }
            }
        }
    }

    /// Begins where a bar line and the period are known: at the places where phrases begin and that lie near the first
    /// onset.
    fn begin_near(
        &mut self,
        time_s: f64,
        line_s: f64,
        period_s: f64,
        starts: &[Vec<(usize, f64)>],
        is_stroke: bool,
    ) {
        let line = Phase::new(line_s, period_s, COUNTED_DOUBT * period_s);
        for (meter, starts) in starts.iter().enumerate() {
            let (_, probability) = self.expectation.meters[meter];
            let beats = (self.rhythms[meter].units() / UNITS) as f64;
            for &(unit, start) in starts {
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
                    self.nodes.push(Node::first(unit, time_s, is_stroke, node));
                    self.hypotheses.push(Hypothesis::first(meter, unit, phase, score, node));
                }
            }
        }
        self.hypotheses.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.node.cmp(&b.node)));
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
        let (first_s, period_s) = (self.beat_s(best), best.phase.period_s());
        let within = beat_of(best.unit, self.expectation.half);
        let within = within - within.floor();
        let beat_at = |passed: f64| first_s + period_s * (within + self.usual_beats(best, passed - within));
        let mut passed = ((at_s - first_s) / period_s).floor().max(0.0);
        while passed > 0.0 && beat_at(passed) > at_s {
            passed -= 1.0;
        }
        Some(Position {
            meter: self.expectation.meters[best.meter].0,
            beat_s: beat_at(passed),
            coming_s: std::array::from_fn(|index| beat_at(passed + (index + 1) as f64)),
            place: (best.unit / UNITS + passed as usize) % (self.rhythms[best.meter].units() / UNITS),
            period_s: beat_at(passed + 1.0) - beat_at(passed),
            doubt_s: best.phase.ahead(passed + 1.0, STEADY).doubt_s(),
            probability,
            bar_probability: self.bar_probability(best),
        })
    }

    /// How many usual beats it takes from the last onset to a place some beats later, if a hypothesis is true.
    fn usual_beats(&self, from: &Hypothesis, beats: f64) -> f64 {
        let Some(Memorised { memory, at, period_s }) = &self.memory else { return beats };
        if beats <= 0.0 {
            return beats;
        }
        // Whoever counts half beats, or double ones, passes the same places.
        let ratio = from.phase.period_s() / period_s;
        memory.usual_between(*at, at + beats * ratio) / ratio
    }

    /// What the singer did with time, where that is learnt.
    fn memorise(&self) -> Option<Memorised> {
        let best = self.believed.filter(|_| self.expectation.learns_manner)?;
        let best = self.hypotheses.get(best.index)?;
        let mut path = vec![self.nodes[best.node]];
        while let Some(before) = path[path.len() - 1].before.filter(|_| path.len() < MEMORISED) {
            path.push(self.nodes[before]);
        }
        path.reverse();
        let mut unit = path[0].unit;
        let placed: Vec<(f64, f64)> = path
            .iter()
            .enumerate()
            .map(|(index, node)| {
                unit += if index == 0 { 0 } else { node.step as usize };
                (beat_of(unit, self.expectation.half), node.time_s)
            })
            .collect();
        let per_bar = self.rhythms[best.meter].units() / UNITS;
        let at = placed.last().map_or(0.0, |(beat, _)| *beat);
        Some(Memorised { memory: Memory::of(&placed, per_bar), at, period_s: best.phase.period_s() })
    }

    /// The best path through all onsets heard.
    pub fn path(&self) -> Option<MetricPath> {
        let best = self.hypotheses.first()?;
        let mut placed = Vec::new();
        let mut at = Some(best.node);
        while let Some(node) = at.map(|index| self.nodes[index]) {
            placed.push(PlacedOnset {
                time_s: node.time_s,
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

/// Runs the filter over the onsets of a take and the strokes that were heard beside it, both in order.
pub fn track(onsets: &[BeatOnset], strokes: &[Stroke], expectation: Expectation) -> Option<MetricPath> {
    let mut tracker = RhythmTracker::new(expectation);
    let mut strokes = strokes.iter().peekable();
    for onset in onsets {
        while let Some(stroke) = strokes.next_if(|stroke| stroke.time_s <= onset.time_s) {
            tracker.strike(stroke);
        }
        tracker.hear(*onset);
    }
    strokes.for_each(|stroke| tracker.strike(stroke));
    tracker.path()
}

#[cfg(test)]
mod tests;
