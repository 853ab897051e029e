//! What the next onset can be.

use super::beam::Beam;
use super::phase::{BENT, Phase, STEADY, Walk};
use super::priors::{Rhythm, UNITS};
use super::{Hypothesis, Node, RhythmTracker, beat_of};

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
/// Onsets of the path that are remembered for what the singer does again.
const REMEMBERED: usize = 64;
/// How often a step must have been taken to count as much as the scores.
const HABIT: f64 = 16.0;
/// How often a singer must have come in after a rest to count as much as the scores, and the share of any place at least.
const ENTRY_HABIT: f64 = 2.0;
const LEAST_START: f64 = 0.02;
/// A rest in which a line may have ended, in beats.
const ENTRY_REST_BEATS: f64 = 0.6;

/// How a singer treats time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Share of steps over which the tempo bends.
    bent: f64,
    /// Share of rests that are held.
    held: f64,
}

/// What an onset is taken for.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Units since the onset before.
    step: u32,
    /// Log probability of the step.
    prior: f64,
    phase: Phase,
    /// Log likelihood of the time.
    likelihood: f64,
    walk: Walk,
    is_held: bool,
}

impl RhythmTracker {
    /// Offers everything that an onset can be for a hypothesis.
    pub(super) fn go_on(&self, from: &Hypothesis, onset: usize, rest_s: f64, next: &mut Beam) {
        let stray = (STRAY.0 * STRAY.1).ln();
        let (score, mass) = (from.score + stray, from.mass + stray);
        next.offer(Hypothesis { score, mass, ..*from }, None);
        let time_s = self.onsets[onset].time_s;
        let rhythm = &self.rhythms[from.meter];
        let bar = rhythm.units();
        let passed_s = time_s - from.phase.time_s();
        let habits = self.habits(from);
        let manner = self.manner(from);
        let last = self.nodes[from.node];
        let is_after_stroke = last.is_stroke;
        let is_after_rest = rest_s >= REST_S;
        let is_entry = is_after_rest && self.expectation.learns_manner;
        let is_after_long = passed_s > LONG_BEATS * from.phase.period_s();
        let before = onset.checked_sub(1).and_then(|before| self.onsets[before].midi);
        let semitones = match (before, self.onsets[onset].midi) {
            (Some(before), Some(now)) => now - before,
            _ => f64::NAN,
        };
        // Where bar lines were only guessed, a wrong guess would confirm itself.
        let knows_bars = self.expectation.bar_line_s.is_some();
        let begins_line = is_entry && rest_s >= ENTRY_REST_BEATS * from.phase.period_s();
        let entries = if begins_line && knows_bars { self.entries(from) } else { Vec::new() };
        let mut offer = |reading: Reading| {
            let unit = (from.unit + reading.step as usize) % bar;
            let mut gained = (1.0 - STRAY.0).ln() + reading.prior + reading.likelihood;
            if !entries.is_empty() {
                gained += again(&entries, rhythm, unit);
            }
            if semitones.is_finite() {
                gained += rhythm.leap(unit, semitones);
            }
            let (score, mass) = (from.score + gained, from.mass + gained);
            let Reading { step, phase, walk, is_held, .. } = reading;
            let node = Node {
                before: Some(from.node),
                sung: None,
                sung_before: last.sung,
                sung_step: from.since_sung + step,
                is_stroke: false,
                time_s,
                step,
                is_held,
                is_after_rest,
                begins_line,
                walk,
                unit,
            };
            let meter = from.meter;
            let sung = Hypothesis { meter, unit, phase, score, mass, node: usize::MAX, since_sung: 0 };
            next.offer(sung, Some(node));
        };
        let mut consider = |step: u32, prior: f64| {
            let beats = self.usual_beats(from, self.beats(from.unit, step));
            for (walk, share) in [(STEADY, 1.0 - manner.bent), (BENT, manner.bent)] {
                let as_sung = Walk { share, ..walk };
                if let Some((phase, likelihood)) = from.phase.observe(beats, as_sung, time_s, is_entry)
                    && (self.periods_s.0..self.periods_s.1).contains(&phase.period_s())
                {
                    offer(Reading { step, prior, phase, likelihood, walk, is_held: false });
                }
            }
            let ahead = from.phase.ahead(beats, STEADY);
            let late_s = time_s - ahead.time_s();
            let share = match is_after_rest {
                // What sounds beside the voice waits for nobody.
                _ if is_after_stroke => None,
                true if late_s < 0.0 => Some((CUT_REST * manner.held / HELD_REST.0, CUT_MEAN_S)),
                true => Some((manner.held, HELD_MEAN_S)),
                false if late_s > 0.0 && is_after_long => Some((HELD_NOTE, HELD_MEAN_S)),
                false => None,
            };
            if let Some((share, mean_s)) = share {
                let likelihood = (share / mean_s).ln() - late_s.abs() / mean_s;
                let phase = ahead.held_until(time_s);
                offer(Reading { step, prior, phase, likelihood, walk: BENT, is_held: true });
            }
        };
        let Some(sung) = last.sung.map(|index| self.nodes[index]) else {
            // The first note, after strokes alone: it begins where phrases do.
            let passed = passed_s / from.phase.period_s() * UNITS as f64;
            for (unit, prior) in rhythm.starts() {
                let within = (unit + bar - from.unit) % bar;
                let bars = ((passed - within as f64) / bar as f64).round().max(0.0);
                consider(within as u32 + bars as u32 * bar as u32, prior);
            }
            return;
        };
        let since = from.since_sung;
        let seen: f64 = habits.iter().map(|(_, times)| times).sum();
        for (step, prior) in rhythm.steps(sung.unit).filter(|(step, _)| *step >= since) {
            let times = habits.iter().find(|(s, _)| *s == step).map_or(0.0, |(_, times)| *times);
            let share = (prior.exp() * HABIT + times) / (HABIT + seen);
            consider(step - since, share.ln());
        }
        // After a long silence: the next phrase begins where phrases do, after as many bars as fit best.
        let silent_units = f64::from(since) + passed_s / from.phase.period_s() * UNITS as f64;
        if silent_units > f64::from(rhythm.longest_step()) * 0.7 {
            for (unit, prior) in rhythm.starts() {
                let within = (unit + bar - sung.unit) % bar;
                let bars = ((silent_units - within as f64) / bar as f64).round().max(0.0);
                let step = within as u32 + bars as u32 * bar as u32;
                if step > rhythm.longest_step() && step >= since {
                    consider(step - since, prior + (0.3f64).ln());
                }
            }
        }
    }

    /// The steps that the singer has taken from here before, and how often: songs repeat their rhythms.
    fn habits(&self, from: &Hypothesis) -> Vec<(u32, f64)> {
        let mut habits: Vec<(u32, f64)> = Vec::new();
        let Some(mut after) = self.nodes[from.node].sung.map(|index| self.nodes[index]) else {
            return habits;
        };
        let unit = after.unit;
        for _ in 0..REMEMBERED {
            let Some(node) = after.sung_before.map(|index| self.nodes[index]) else { break };
            if node.unit == unit {
                match habits.iter_mut().find(|(step, _)| *step == after.sung_step) {
                    Some((_, times)) => *times += 1.0,
                    None => habits.push((after.sung_step, 1.0)),
                }
            }
            after = node;
        }
        habits
    }

    /// Where in the bar the singer has come in after rests, and how often: whoever begins lines on the bar line does so again.
    pub(super) fn entries(&self, from: &Hypothesis) -> Vec<(usize, f64)> {
        let mut entries: Vec<(usize, f64)> = Vec::new();
        let mut at = self.nodes[from.node].sung;
        for _ in 0..REMEMBERED {
            let Some(node) = at.map(|index| self.nodes[index]) else { break };
            if node.begins_line || node.sung_before.is_none() {
                match entries.iter_mut().find(|(unit, _)| *unit == node.unit) {
                    Some((_, times)) => *times += 1.0,
                    None => entries.push((node.unit, 1.0)),
                }
            }
            at = node.sung_before;
        }
        entries
    }

    /// How the singer has treated time so far: one who keeps it is believed to go on so.
    fn manner(&self, from: &Hypothesis) -> Manner {
        if !self.expectation.learns_manner {
            return Manner { bent: ANY_BENT_SHARE, held: HELD_REST.0 };
        }
        let (mut steps, mut bent, mut rests, mut held) = (0.0, 0.0, 0.0, 0.0);
        let mut node = self.nodes[self.nodes[from.node].sung.unwrap_or(from.node)];
        for _ in 0..MANNER_STEPS {
            let Some(before) = node.sung_before else { break };
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
    pub(super) fn beats(&self, unit: usize, step: u32) -> f64 {
        let place = |unit: usize| beat_of(unit, self.expectation.half);
        place(unit + step as usize) - place(unit)
    }
}

/// How much likelier than scores say an entry is at a place where the singer has come in before, as a log ratio.
pub(super) fn again(entries: &[(usize, f64)], rhythm: &Rhythm, unit: usize) -> f64 {
    let all: f64 = entries.iter().map(|(_, times)| times).sum();
    let times = entries.iter().find(|(place, _)| *place == unit).map_or(0.0, |(_, times)| *times);
    let written = rhythm.starts().find(|(place, _)| *place == unit).map_or(0.0, |(_, prior)| prior.exp());
    let written = written.max(LEAST_START);
    ((ENTRY_HABIT * written + times) / ((ENTRY_HABIT + all) * written)).ln()
}
