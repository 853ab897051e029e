//! Where in a known song the singer is: a song that is known is followed, not guessed.
//!
//! A hypothesis says which note of the song the last onset was, in which key the singer sings, and holds a Gaussian over
//! the time of that note and the beat period (`rhythm::phase`). The next onset is the next note, or one after notes that
//! were left out, or the beginning of another line, or none at all; it comes where the tempo says, or later because the
//! singer waits, after which the tempo is remembered and the phase is not (`step`). The best few hundred hypotheses are
//! kept. That nothing is heard is heard, too: when the next note is overdue the song stands still (`wait`).
//!
//! Raphael (ISMIR 2001) follows a soloist by note and tempo in this way, Cont (IEEE PAMI 32, 2010) by note and a tempo
//! that is coupled to it; skips and repeats from anywhere to anywhere are those of Nakamura et al. (IEEE/ACM TASLP 24,
//! 2016).

mod beam;
mod pitch;
mod step;
mod wait;

use std::sync::Arc;

use beam::{Beam, Hypothesis};
use pitch::Transposition;
use step::{BENDING, BREATHING, Heard, Steps};
use wait::{KNOWN_AFTER_S, Silence, Sounds};

use super::beat::BeatOnset;
use super::rhythm::COMING;
use super::rhythm::phase::Phase;
use crate::limits;
use crate::song::KnownSong;

/// Hypotheses kept after each onset, and after the first one.
const BEAM: usize = 250;
const FIRST_BEAM: usize = 500;
/// Hypotheses of which lines to jump to are considered, and of which every note is.
const JUMPERS: usize = 40;
const LOST: usize = 4;
/// Probability that a take begins with the first note, that it begins with another line, and that it begins elsewhere.
const BEGINS: [f64; 3] = [0.9, 0.08, 0.02];
/// Probability that the key is the written one.
const AS_WRITTEN: f64 = 0.7;
/// Beat periods of a song whose tempo is not stated: mean in seconds and probability; each is known to within a share.
const TEMPI: [(f64, f64); 4] = [(0.36, 0.15), (0.5, 0.35), (0.7, 0.3), (0.98, 0.2)];
const TEMPO_DOUBT: f64 = 0.2;
/// Standard deviation of a stated beat period, and of one that was counted to the singer, as a share of it.
const STATED_DOUBT: f64 = 0.09;
const COUNTED_DOUBT: f64 = 0.015;
/// How much longer or shorter than stated a period may be; longest period where none is stated, in seconds.
const STATED_RATIO: f64 = 2.0;
const LONGEST_S: f64 = 1.6;
/// Share of singers who come in where they were counted in.
const ON_COUNT: f64 = 0.9;
/// Density of the others in onsets a second.
const OFF_COUNT: f64 = 0.1;
/// Hypotheses agree if they are no farther apart than this in beats, and within this ratio in tempo.
const SAME_PLACE: f64 = 0.2;
const SAME_TEMPO: f64 = 1.18;
/// How much likelier another place must be than that of the best path.
const LOYALTY: f64 = 1.5;
/// Hypotheses that are looked at as the centre of those that agree.
const CENTRES: usize = 40;
/// Probability from which the singer is taken to wait.
const WAITS: f64 = 0.5;

/// Where in the song the singer is, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownPosition {
    /// The last beat of the song at or before the moment asked for, counted from 0 at bar 1; never one after the note
    /// that the singer waits with.
    pub beat: i64,
    /// Its time in seconds.
    pub beat_s: f64,
    /// The beats after that one, in seconds, if nobody waits.
    pub coming_s: [f64; COMING],
    /// Beat period in seconds.
    pub period_s: f64,
    /// Standard deviation of the next beat in seconds.
    pub doubt_s: f64,
    /// Probability of this place and period, 0 to 1.
    pub probability: f64,
    /// What the singer waits with; none while time goes on.
    pub waiting: Option<Waiting>,
    /// Semitones by which the singer transposes, fractional.
    pub transposition: f64,
}

/// A note that is overdue: a note is held for longer than written, or there is a pause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waiting {
    /// Where the note that is waited for begins, in beats since bar 1.
    pub start_beats: f64,
    /// How late it is, in beats.
    pub overdue_beats: f64,
    /// Probability that the singer waits, and the note is not left out or missed, 0 to 1.
    pub probability: f64,
}

/// Follows a singer through a known song.
#[derive(Debug)]
pub struct SongFollower {
    song: Arc<KnownSong>,
    period_s: Option<f64>,
    bar_line_s: Option<f64>,
    /// Shortest and longest beat period in seconds.
    periods_s: (f64, f64),
    /// The likeliest first.
    hypotheses: Vec<Hypothesis>,
    onsets: usize,
    last: Option<BeatOnset>,
    sounds: Sounds,
}

/// The hypothesis that is taken for true.
#[derive(Debug, Clone, Copy)]
struct Belief {
    index: usize,
    probability: f64,
    /// Probability that the singer waits, if it is true.
    waits: f64,
    /// Mean time of its note and mean period of all that agree, in seconds.
    time_s: f64,
    period_s: f64,
}

impl SongFollower {
    /// A follower that has heard nothing. The beat period in seconds, if it is stated; where bar 1 begins in seconds, if
    /// that is stated, too.
    pub fn new(song: Arc<KnownSong>, period_s: Option<f64>, bar_line_s: Option<f64>) -> Self {
        let shortest_s = 60.0 / limits::MAX_BPM;
        let periods_s = match period_s {
            Some(stated) => {
                let from_s = (stated / STATED_RATIO).max(shortest_s);
                (from_s, (stated * STATED_RATIO).max(from_s * STATED_RATIO))
            }
            None => (shortest_s, LONGEST_S),
        };
        Self {
            song,
            period_s,
            bar_line_s,
            periods_s,
            hypotheses: Vec::new(),
            onsets: 0,
            last: None,
            sounds: Sounds::default(),
        }
    }

    /// Onsets heard.
    pub fn onsets(&self) -> usize {
        self.onsets
    }

    /// The last onset was sung for so long.
    pub fn last_sung(&mut self, sung_s: f64) {
        if let Some(last) = &mut self.last {
            last.sung_s = sung_s;
        }
    }

    /// What is heard at a time between onsets: the pitch that is sung as fractional MIDI number, or none in silence.
    /// Without it, whether the singer waits is told from time alone, and later.
    pub fn sounds(&mut self, at_s: f64, midi: Option<f64>) {
        self.sounds.push(at_s, midi);
    }

    /// Takes the next onset: its time and pitch, and for how long the one before it was sung.
    pub fn hear(&mut self, onset: BeatOnset) {
        self.onsets += 1;
        let Some(before) = self.last.replace(onset) else {
            self.sounds.clear();
            self.begin(&onset);
            return;
        };
        let rest_s = onset.time_s - before.time_s - before.sung_s;
        let heard = Heard { time_s: onset.time_s, before_s: before.time_s, midi: onset.midi, rest_s };
        let steps = Steps { song: &self.song, heard, sounds: &self.sounds, periods_s: self.periods_s };
        let mut beam = Beam::new();
        for hypothesis in &self.hypotheses {
            steps.go_on(hypothesis, &mut beam);
        }
        for hypothesis in self.hypotheses.iter().take(JUMPERS) {
            steps.jump(hypothesis, &mut beam);
        }
        for hypothesis in self.hypotheses.iter().take(LOST) {
            steps.lose_the_place(hypothesis, &mut beam);
        }
        self.hypotheses = beam.best(BEAM);
        self.sounds.clear();
    }

    /// Everything that a first onset can be.
    fn begin(&mut self, onset: &BeatOnset) {
        let mut beam = Beam::new();
        let [first, line, any] = BEGINS;
        let (lines, notes) = (self.song.lines().len() as f64, self.song.notes().len() as f64);
        for (note, written) in self.song.notes().iter().enumerate() {
            let at_first = if note == 0 { first } else { 0.0 };
            let at_line = if self.song.begins_line(note) { line / lines } else { 0.0 };
            let prior = (at_first + at_line + any / notes).ln();
            let keys = [
                (Transposition::none(), AS_WRITTEN),
                (Transposition::by(written.midi, onset.midi), 1.0 - AS_WRITTEN),
            ];
            for (key, share) in keys {
                let (key, pitch) = key.hear(written.midi, onset.midi);
                let prior = prior + share.ln() + pitch;
                for (phase, likelihood) in self.first_phases(note, onset.time_s) {
                    let score = prior + likelihood;
                    beam.offer(Hypothesis { note, phase, key, score, mass: score }, false);
                }
            }
        }
        self.hypotheses = beam.best(FIRST_BEAM);
    }

    /// Time and period if the first onset is a note, with their log likelihood.
    fn first_phases(&self, note: usize, time_s: f64) -> Vec<(Phase, f64)> {
        match (self.period_s, self.bar_line_s) {
            (Some(stated), Some(line_s)) => self.counted_phases(note, stated, line_s, time_s),
            (Some(stated), None) => vec![(Phase::new(time_s, stated, STATED_DOUBT * stated), 0.0)],
            (None, _) => TEMPI
                .iter()
                .map(|(period_s, share)| (Phase::new(time_s, *period_s, TEMPO_DOUBT * period_s), share.ln()))
                .collect(),
        }
    }

    /// The same where the singer was counted in: where the note lies in its bar, or anywhere.
    fn counted_phases(&self, note: usize, stated: f64, line_s: f64, time_s: f64) -> Vec<(Phase, f64)> {
        let line = Phase::new(line_s, stated, COUNTED_DOUBT * stated);
        let (bar, start) = (self.song.bar_beats(), self.song.notes()[note].start_beats);
        // Another line is sung from bar 1 on, too; and the singer may let bars pass.
        let within = start.rem_euclid(bar);
        let passed = (time_s - line_s) / stated;
        let beats = within + ((passed - within) / bar).round() * bar;
        let mut phases = vec![(line.ahead(beats, BREATHING).held_until(time_s), OFF_COUNT.ln())];
        for walk in [BREATHING, BENDING] {
            phases.extend(
                line.observe(beats, walk, time_s, false)
                    .map(|(phase, density)| (phase, density + ON_COUNT.ln())),
            );
        }
        phases
    }

    /// Where the singer is at a time, which is not before the last onset; none before the first onset.
    pub fn position(&self, at_s: f64) -> Option<KnownPosition> {
        let belief = self.believe(at_s)?;
        let best = self.hypotheses.get(belief.index)?;
        let Belief { time_s, period_s, .. } = belief;
        let pace = self.song.pace();
        let from = pace.usual(self.song.notes()[best.note].start_beats);
        let mut place = pace.place(from + ((at_s - time_s) / period_s).max(0.0));
        let mut waiting = None;
        if let Some(next) = self.song.notes().get(best.note + 1)
            && belief.waits > WAITS
        {
            waiting = Some(Waiting {
                start_beats: next.start_beats,
                overdue_beats: (place - next.start_beats).max(0.0),
                probability: belief.waits,
            });
            place = place.min(next.start_beats);
        }
        let beat = place.floor();
        let beat_at = |place: f64| time_s + (pace.usual(place) - from) * period_s;
        Some(KnownPosition {
            beat: beat as i64,
            beat_s: beat_at(beat),
            coming_s: std::array::from_fn(|index| beat_at(beat + (index + 1) as f64)),
            period_s: beat_at(beat + 1.0) - beat_at(beat),
            doubt_s: best.phase.ahead((pace.usual(beat + 1.0) - from).max(0.0), BREATHING).doubt_s(),
            probability: belief.probability,
            waiting,
            transposition: best.key.semitones(),
        })
    }

    /// The best hypothesis of the place and period that are likeliest when nothing has been heard until a time.
    fn believe(&self, at_s: f64) -> Option<Belief> {
        let last_s = self.last?.time_s;
        let most = self.hypotheses.iter().map(|h| h.mass).fold(f64::NEG_INFINITY, f64::max);
        let silences: Vec<Silence> = self
            .hypotheses
            .iter()
            .map(|h| {
                let Silence { nothing, waits } =
                    Silence::until(&self.song, h, &self.sounds, (at_s - KNOWN_AFTER_S).max(last_s));
                let weight =
                    (h.mass - most).exp() / Silence::until(&self.song, h, &self.sounds, last_s).nothing;
                Silence { nothing: weight * nothing, waits: weight * waits }
            })
            .collect();
        let all: f64 = silences.iter().map(|silence| silence.nothing).sum();
        let place = |h: &Hypothesis| {
            self.song.pace().usual(self.song.notes()[h.note].start_beats)
                + (last_s - h.phase.time_s()) / h.phase.period_s()
        };
        let agrees = |h: &Hypothesis, centre: &Hypothesis| {
            let ratio = h.phase.period_s() / centre.phase.period_s();
            (place(h) - place(centre)).abs() < SAME_PLACE && (1.0 / SAME_TEMPO..SAME_TEMPO).contains(&ratio)
        };
        let mut best: Option<Belief> = None;
        let mut is_heard = vec![false; self.hypotheses.len()];
        for (index, centre) in self.hypotheses.iter().enumerate().take(CENTRES) {
            if is_heard[index] {
                continue;
            }
            let (mut nothing, mut waits, mut time_s, mut period_s) = (0.0, 0.0, 0.0, 0.0);
            for (other, silence) in silences.iter().enumerate() {
                let hypothesis = &self.hypotheses[other];
                if agrees(hypothesis, centre) {
                    is_heard[other] = true;
                    let beats = self.song.usual_between(hypothesis.note, centre.note);
                    time_s += silence.nothing * hypothesis.phase.ahead(beats, BREATHING).time_s();
                    period_s += silence.nothing * hypothesis.phase.period_s();
                    nothing += silence.nothing;
                    waits += silence.waits;
                }
            }
            let probability = nothing / all;
            if best.is_none_or(|best| probability > LOYALTY * best.probability) {
                let (time_s, period_s) = (time_s / nothing, period_s / nothing);
                best = Some(Belief { index, probability, waits: waits / nothing, time_s, period_s });
            }
        }
        best
    }
}

#[cfg(test)]
mod tests;
