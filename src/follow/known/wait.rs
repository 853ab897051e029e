//! What it means that nothing was heard: the singer waits, or notes were left out, or the next one is not due yet.

use super::beam::Hypothesis;
use super::step::{BREATHING, HELD_BEATS, held_share, missed};
use crate::song::KnownSong;

/// From an onset until it is known, in seconds: the shortest note and the way through the listener.
pub(super) const KNOWN_AFTER_S: f64 = 0.13;
/// Standard deviation of a sung onset around its place in seconds.
const ONSET_SD_S: f64 = 0.045;
/// Notes that are looked ahead for.
const LOOKED_AHEAD: usize = 4;
/// A voice that is farther from a note than this does not sing it, in semitones.
const OTHER_PITCH: f64 = 0.8;
/// Seconds after a note was due in which it would sound.
const AFTER_S: (f64, f64) = (0.05, 0.2);
/// Moments that are remembered.
const MOST_MOMENTS: usize = 1_000;
/// How much less likely it is that a note was not heard if the voice is silent, or still where it was.
const STALLED: f64 = 0.1;
/// Probability that a note was not heard begin if the voice has come to its pitch.
const ARRIVED: f64 = 0.7;

/// What has sounded since the newest onset.
#[derive(Debug, Clone, Default)]
pub(super) struct Sounds {
    /// When, in seconds, and the pitch as fractional MIDI number; none in silence.
    moments: Vec<(f64, Option<f64>)>,
    /// When the silence began, in seconds.
    silent_from_s: Option<f64>,
    /// For how long it has lasted, in seconds.
    rest_s: f64,
}

impl Sounds {
    pub fn clear(&mut self) {
        self.moments.clear();
        self.silent_from_s = None;
        self.rest_s = 0.0;
    }

    /// Takes the next moment. Of a very long silence the end is not remembered.
    pub fn push(&mut self, at_s: f64, midi: Option<f64>) {
        self.silent_from_s = match midi {
            Some(_) => None,
            None => self.silent_from_s.or(Some(at_s)),
        };
        self.rest_s = self.silent_from_s.map_or(0.0, |from_s| at_s - from_s);
        if self.moments.len() < MOST_MOMENTS {
            self.moments.push((at_s, midi));
        }
    }

    /// Moments shortly after a note was due.
    fn after(&self, due_s: f64) -> &[(f64, Option<f64>)] {
        let index = |at_s: f64| self.moments.partition_point(|moment| moment.0 < at_s);
        &self.moments[index(due_s + AFTER_S.0)..index(due_s + AFTER_S.1)]
    }
}

/// Probabilities under a hypothesis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silence {
    /// No onset since the newest one.
    pub nothing: f64,
    /// No onset since the newest one, although the next note is due, because the singer waits.
    pub waits: f64,
}

impl Silence {
    /// Of a moment in seconds until which all onsets are known.
    pub fn until(song: &KnownSong, from: &Hypothesis, sounds: &Sounds, until_s: f64) -> Self {
        let next = from.note + 1;
        if next >= song.notes().len() {
            return Self { nothing: 1.0, waits: 0.0 };
        }
        let (mut silent, mut due, mut late_s) = (1.0, 0.0, 0.0);
        let last = song.notes().len().min(next + LOOKED_AHEAD);
        for note in (next..last).rev() {
            let ahead = from.phase.ahead(song.usual_between(from.note, note), BREATHING);
            let sd_s = ahead.doubt_s().hypot(ONSET_SD_S);
            late_s = until_s - ahead.time_s();
            due = normal_share(late_s / sd_s);
            silent = 1.0 - due + due * unheard(song, from, note, ahead.time_s(), sounds) * silent;
        }
        let held = held_share(song, next, sounds.rest_s);
        // As many go on waiting as have waited for less than they will.
        let still = 1.0 / (1.0 + late_s.max(0.0) / (HELD_BEATS * from.phase.period_s()));
        Self { nothing: held * still + (1.0 - held) * silent, waits: held * still * due }
    }
}

/// Probability that a note was sung without an onset, or left out.
fn unheard(song: &KnownSong, from: &Hypothesis, note: usize, due_s: f64, sounds: &Sounds) -> f64 {
    let probability = missed(song, note);
    let moments = sounds.after(due_s);
    if moments.is_empty() {
        return probability;
    }
    let near = |note: usize| {
        let written = song.notes()[note].midi;
        let is_near = |midi: f64| from.key.off(written, midi) < OTHER_PITCH;
        2 * moments.iter().filter(|moment| moment.1.is_some_and(is_near)).count() >= moments.len()
    };
    match (near(note), near(from.note)) {
        (true, true) => probability,
        (true, false) => ARRIVED,
        (false, _) => STALLED * probability,
    }
}

/// Share of a normal distribution below a value, in standard deviations, to within 0.01.
fn normal_share(value: f64) -> f64 {
    1.0 / (1.0 + (-1.702 * value).exp())
}
