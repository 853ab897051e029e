//! Beats as a follower states them while it listens.

use collavoce::follow::beat::{BeatOnset, FRAME_S};
use collavoce::follow::rhythm::{Expectation, MetricPath, RhythmTracker};

/// How long after an onset it is known, in seconds.
pub const KNOWN_S: f64 = 0.1;
/// A beat is stated so long after it at the latest, in seconds.
const STATED_S: f64 = 0.05;

/// A beat, and how they go on from it.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// A beat in seconds.
    pub beat_s: f64,
    /// Its place in the bar, from 0.
    pub place: usize,
    /// Beats of a bar.
    pub per_bar: usize,
    /// Beat period in seconds.
    pub period_s: f64,
}

/// Beats that were found.
#[derive(Debug, Default)]
pub struct Found {
    /// All of them, in seconds.
    pub beats_s: Vec<f64>,
    /// Those that begin a bar.
    pub downbeats_s: Vec<f64>,
}

impl Found {
    /// States the next beat if it is due by a time.
    fn state(&mut self, pulse: &Pulse, latest_s: f64) {
        let passed = ((latest_s - pulse.beat_s) / pulse.period_s).ceil();
        let beat_s = pulse.beat_s + passed * pulse.period_s;
        let is_new = self.beats_s.last().is_none_or(|last| beat_s - last > 0.5 * pulse.period_s);
        if is_new && beat_s - FRAME_S <= latest_s {
            self.beats_s.push(beat_s);
            if (pulse.place as i64 + passed as i64).rem_euclid(pulse.per_bar as i64) == 0 {
                self.downbeats_s.push(beat_s);
            }
        }
    }
}

/// What is stated of a take while it is heard.
#[derive(Debug, Default)]
pub struct Run {
    /// Beats stated at most 50 ms after they sound.
    pub causal: Found,
    /// Beats stated a beat before they sound.
    pub ahead: Found,
}

/// Asks every frame until a time for what is thought of the beat then.
pub fn run(end_s: f64, mut pulse_at: impl FnMut(f64) -> Option<Pulse>) -> Run {
    let mut run = Run::default();
    let mut now_s = 0.0;
    while now_s < end_s {
        if let Some(pulse) = pulse_at(now_s) {
            run.causal.state(&pulse, now_s - STATED_S);
            run.ahead.state(&pulse, now_s + pulse.period_s);
        }
        now_s += FRAME_S;
    }
    run
}

/// Follows a take that ends at a time by [`RhythmTracker`]: what it states, and what it thinks in the end.
pub fn follow(onsets: &[BeatOnset], end_s: f64) -> (Run, Option<MetricPath>) {
    let mut tracker = RhythmTracker::new(Expectation::default());
    let mut heard = 0;
    let run = run(end_s + 1.0, |now_s| {
        while heard < onsets.len() && onsets[heard].time_s + KNOWN_S <= now_s {
            tracker.hear(onsets[heard]);
            heard += 1;
        }
        let position = tracker.position(now_s).filter(|_| heard >= 2)?;
        Some(Pulse {
            beat_s: position.beat_s,
            place: position.place,
            per_bar: position.meter.beats_per_bar(),
            period_s: position.period_s,
        })
    });
    (run, tracker.path())
}

/// The beats of a path until a time.
pub fn beats_of(path: &MetricPath, until_s: f64) -> Found {
    let found = path.beats(until_s);
    let per_bar = found.bars.meter.beats_per_bar();
    let downbeats_s =
        found.beats_s.iter().skip(found.bars.first_downbeat).step_by(per_bar).copied().collect();
    Found { beats_s: found.beats_s, downbeats_s }
}
