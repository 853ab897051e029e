//! What the next onset can be: the next note, one after notes that were left out, the beginning of another line, any
//! note at all, or none.

use super::beam::{Beam, Hypothesis};
use super::pitch::any_pitch;
use super::wait::{Silence, Sounds};
use crate::follow::rhythm::phase::{Phase, Walk};
use crate::song::KnownSong;

/// How the period changes over a beat: the tempo breathes, or the singer slows down or hurries. Where the notes are
/// known, what comes late is late more often than slow.
pub(super) const BREATHING: Walk = Walk { spread: 0.01, share: 0.9 };
pub(super) const BENDING: Walk = Walk { spread: 0.08, share: 0.1 };
/// Share of onsets that are no note of the song, and their density in onsets a second.
const STRAY: (f64, f64) = (0.04, 1.0);
/// Share of onsets that are a note begun once more: another syllable, or a note heard as two.
const AGAIN: (f64, f64) = (0.04, 1.0);
/// Share of notes that are left out or not heard, and of those with the pitch of the note before.
const MISSED: f64 = 0.03;
const MISSED_SAME: f64 = 0.12;
/// Two notes closer than this have the same pitch, in semitones.
const SAME_PITCH: f64 = 0.5;
/// Most notes in a row that are looked past.
const MOST_MISSED: usize = 2;

/// Silence that may be a pause, in seconds.
pub(super) const REST_S: f64 = 0.25;
/// The same in a score, in beats.
const REST_BEATS: f64 = 0.25;
/// A note so many beats long may be held longer than written.
const LONG_BEATS: f64 = 1.2;
/// Share of notes that come later than the tempo says: of those that begin a line, those after a rest, those after a
/// long note, and the others.
const HELD_LINE: f64 = 0.15;
const HELD_REST: f64 = 0.06;
const HELD_LONG: f64 = 0.04;
const HELD: f64 = 0.008;
/// Half of them come less late than this, in beats.
pub(super) const HELD_BEATS: f64 = 1.0;
/// Share of rests that are cut short, and the mean of that in seconds.
const CUT: f64 = 0.04;
const CUT_MEAN_S: f64 = 0.2;

/// Share of lines after which the singer goes on elsewhere, the same after any other note, and at the end of the song.
const JUMP_AT_END: f64 = 0.03;
const JUMP_WITHIN: f64 = 0.001;
const JUMP_FROM_LAST: f64 = 0.6;
/// Share of jumps that lead back to the beginning of the line, and that leave one out; the others lead to any line.
const JUMP_NEAR: f64 = 0.35;
/// Share of jumps that keep the metre.
const JUMP_IN_METRE: f64 = 0.7;
/// Half of the others take less than this, in beats.
const JUMP_BEATS: f64 = 4.0;
/// Share of notes after which the singer goes on with any note.
const ANYWHERE: f64 = 1e-4;
/// More than what any onset is worth, in log likelihood.
const MOST_GAINED: f64 = 2.0;

/// An onset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub time_s: f64,
    /// Time of the onset before it.
    pub before_s: f64,
    /// Fractional MIDI number, if known.
    pub midi: Option<f64>,
    /// Seconds of silence before it.
    pub rest_s: f64,
}

/// The steps to an onset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps<'a> {
    pub song: &'a KnownSong,
    pub heard: Heard,
    /// What sounded before it.
    pub sounds: &'a Sounds,
    /// Shortest and longest beat period in seconds.
    pub periods_s: (f64, f64),
}

/// Probability that a note is left out or not heard.
pub(super) fn missed(song: &KnownSong, note: usize) -> f64 {
    let notes = song.notes();
    let is_same = note > 0 && (notes[note].midi - notes[note - 1].midi).abs() < SAME_PITCH;
    if is_same { MISSED_SAME } else { MISSED }
}

/// Probability that a note comes later than the tempo says, after some silence.
pub(super) fn held_share(song: &KnownSong, note: usize, rest_s: f64) -> f64 {
    let before = note.saturating_sub(1);
    if song.begins_line(note) {
        HELD_LINE
    } else if song.rest_before(note) >= REST_BEATS || rest_s >= REST_S {
        HELD_REST
    } else if song.beats_between(before, note) >= LONG_BEATS {
        HELD_LONG
    } else {
        HELD
    }
}

/// Log density of a length in seconds of which half are shorter than some, with a long tail.
fn long_tail(length_s: f64, middle_s: f64) -> f64 {
    -middle_s.ln() - 2.0 * (length_s.max(0.0) / middle_s).ln_1p()
}

impl Steps<'_> {
    /// Offers what does not leave the course of the song.
    pub fn go_on(&self, from: &Hypothesis, beam: &mut Beam) {
        self.stay(from, beam);
        let mut prior = (1.0 - STRAY.0 - AGAIN.0).ln();
        let notes = self.song.notes().len();
        for note in (from.note + 1..notes).take(MOST_MISSED + 1) {
            let missed = missed(self.song, note);
            self.arrive(from, note, prior + (1.0 - missed).ln(), beam);
            prior += missed.ln();
        }
    }

    /// No note of the song, or the same note again.
    fn stay(&self, from: &Hypothesis, beam: &mut Beam) {
        let (_, same) = from.key.hear(self.song.notes()[from.note].midi, self.heard.midi);
        let stray = STRAY.0 * STRAY.1 * any_pitch(self.heard.midi).exp();
        let stays = stray + AGAIN.0 * AGAIN.1 * same.exp();
        // Meanwhile the next note has not come.
        let silent = |until_s| Silence::until(self.song, from, self.sounds, until_s).nothing;
        let silent = silent(self.heard.time_s) / silent(self.heard.before_s);
        beam.offer(from.less((stays * silent).ln()), true);
    }

    /// A note that comes where the tempo says, or not.
    fn arrive(&self, from: &Hypothesis, note: usize, prior: f64, beam: &mut Beam) {
        let beats = self.song.usual_between(from.note, note);
        self.keep_time(from, note, beats, prior, beam);
        let ahead = from.phase.ahead(beats, BREATHING);
        let late_s = self.heard.time_s - ahead.time_s();
        let density = if late_s >= 0.0 {
            let share = held_share(self.song, note, self.heard.rest_s);
            share.ln() + long_tail(late_s, HELD_BEATS * from.phase.period_s())
        } else if self.heard.rest_s >= REST_S || self.song.begins_line(note) {
            (CUT / CUT_MEAN_S).ln() + late_s / CUT_MEAN_S
        } else {
            return;
        };
        self.land(from, note, ahead.held_until(self.heard.time_s), prior + density, beam);
    }

    /// A note that comes where the tempo says.
    fn keep_time(&self, from: &Hypothesis, note: usize, beats: f64, prior: f64, beam: &mut Beam) {
        if !beam.takes(from.score + prior + MOST_GAINED) {
            return;
        }
        for walk in [BREATHING, BENDING] {
            if let Some((phase, density)) = from.phase.observe(beats, walk, self.heard.time_s, false) {
                self.land(from, note, phase, prior + density, beam);
            }
        }
    }

    fn land(&self, from: &Hypothesis, note: usize, phase: Phase, gained: f64, beam: &mut Beam) {
        if !(self.periods_s.0..self.periods_s.1).contains(&phase.period_s()) {
            return;
        }
        let (key, pitch) = from.key.hear(self.song.notes()[note].midi, self.heard.midi);
        let next = from.less(gained + pitch);
        beam.offer(Hypothesis { note, phase, key, ..next }, false);
    }

    /// Offers the beginnings of lines other than the next.
    pub fn jump(&self, from: &Hypothesis, beam: &mut Beam) {
        let next = from.note + 1;
        let share = if next == self.song.notes().len() {
            JUMP_FROM_LAST
        } else if self.song.begins_line(next) {
            JUMP_AT_END
        } else {
            JUMP_WITHIN
        };
        let (here, lines) = (self.song.line_of(from.note), self.song.lines());
        // From within a line the next one leaves the rest of this one out.
        let beyond = if self.song.begins_line(next) { here + 2 } else { here + 1 };
        for (line, note) in lines.iter().enumerate().filter(|(_, note)| **note != next) {
            let is_near = line == here || line == beyond;
            let any = (1.0 - 2.0 * JUMP_NEAR) / lines.len() as f64;
            let prior = (share * if is_near { JUMP_NEAR + any } else { any }).ln();
            if let Some(beats) = self.beats_in_metre(from, *note) {
                self.keep_time(from, *note, beats, prior + JUMP_IN_METRE.ln(), beam);
            }
            self.leap(from, *note, prior + (1.0 - JUMP_IN_METRE).ln(), beam);
        }
    }

    /// Beats until a note somewhere else in the song if bars go on: as many as fit what has passed best.
    fn beats_in_metre(&self, from: &Hypothesis, note: usize) -> Option<f64> {
        let bar = self.song.bar_beats();
        let within = self.song.beats_between(from.note, note).rem_euclid(bar);
        let passed = (self.heard.time_s - from.phase.time_s()) / from.phase.period_s();
        let beats = within + ((passed - within) / bar).round() * bar;
        (beats > 0.0).then_some(beats)
    }

    /// A note somewhere else, at any time.
    fn leap(&self, from: &Hypothesis, note: usize, prior: f64, beam: &mut Beam) {
        if !beam.takes(from.score + prior) {
            return;
        }
        let passed_s = self.heard.time_s - from.phase.time_s();
        let density = long_tail(passed_s, JUMP_BEATS * from.phase.period_s());
        self.land(from, note, from.phase.held_until(self.heard.time_s), prior + density, beam);
    }

    /// Offers every note of the song.
    pub fn lose_the_place(&self, from: &Hypothesis, beam: &mut Beam) {
        let notes = self.song.notes().len();
        let prior = (ANYWHERE / notes as f64).ln();
        for note in (0..notes).filter(|note| *note != from.note + 1) {
            self.leap(from, note, prior, beam);
        }
    }
}
