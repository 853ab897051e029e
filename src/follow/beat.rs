//! Beats from the beginnings of sung notes.
//!
//! A semi-Markov search: a state is a beat at a time with the period that led to it. Each beat interval explains the
//! onsets inside it by where in the beat they fall, given how long the note lasts; the period may breathe from beat to
//! beat and, at a price, jump. The same recursion serves both modes: forward only (what is the beat now), and traced
//! back over the whole take. The idea of scoring whole beat intervals follows Krebs, Böck & Widmer (ISMIR 2015).

use std::collections::BTreeMap;

use crate::limits;

/// Seconds of one step of the search.
pub const FRAME_S: f64 = 0.01;
/// Standard deviation of a sung onset around its place in the beat, in seconds.
const ONSET_SD_S: f64 = 0.035;
/// Share of onsets that have no place in the beat.
const STRAY: f64 = 0.06;
/// Standard deviation of the change of period from beat to beat, as a log ratio.
const PERIOD_WALK: f64 = 0.08;
/// Price of any change of period: a pause, a new phrase.
const JUMP_COST: f64 = 5.5;
/// Price of taking up the tempo anywhere after a pause.
const HOLD_COST: f64 = 3.5;
/// Silence that may be a pause, in seconds.
pub const REST_S: f64 = 0.3;
/// Preferred beat period in seconds, and the standard deviation around it in octaves.
const PREFERRED_PERIOD_S: (f64, f64) = (0.62, 0.55);
/// Weight of that preference, per second of music.
const PREFERENCE: f64 = 0.35;
/// How long before the first onset the first beat may lie, in seconds.
const START_BEFORE_S: f64 = 0.6;
/// Shortest and longest beat period searched where nothing is stated, in seconds.
const PERIODS_S: (f64, f64) = (0.33, 1.5);
/// How much faster and slower than a stated tempo a beat may be, as ratios; less than 2, so that the level of the beat
/// is fixed.
const STATED_RATIOS: (f64, f64) = (1.4, 1.75);
/// Standard deviation around a stated tempo in octaves.
const STATED_WIDTH: f64 = 0.2;

/// A sung onset as evidence for beats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeatOnset {
    /// When, in seconds.
    pub time_s: f64,
    /// Seconds until the next onset.
    pub interval_s: f64,
    /// Seconds for which its note is sung.
    pub sung_s: f64,
    /// How much it counts, 0 to 1.
    pub weight: f64,
}

/// How a beat divides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Division {
    /// Halves and quarters.
    Binary,
    /// Thirds.
    Ternary,
    /// Two thirds and one.
    Swing,
}

impl Division {
    /// (place in the beat, share) for notes shorter than 0.6 beats, about a beat, and longer.
    pub(super) fn shares(self) -> [&'static [(f64, f64)]; 3] {
        match self {
            Self::Binary => [
                &[(0.0, 0.42), (0.5, 0.40), (0.25, 0.06), (0.75, 0.12)],
                &[(0.0, 0.72), (0.5, 0.20), (0.25, 0.03), (0.75, 0.05)],
                &[(0.0, 0.78), (0.5, 0.16), (0.25, 0.02), (0.75, 0.04)],
            ],
            Self::Ternary => [
                &[(0.0, 0.40), (1.0 / 3.0, 0.22), (2.0 / 3.0, 0.34), (0.5, 0.04)],
                &[(0.0, 0.72), (1.0 / 3.0, 0.08), (2.0 / 3.0, 0.18), (0.5, 0.02)],
                &[(0.0, 0.82), (1.0 / 3.0, 0.05), (2.0 / 3.0, 0.12), (0.5, 0.01)],
            ],
            Self::Swing => [
                &[(0.0, 0.45), (2.0 / 3.0, 0.45), (1.0 / 3.0, 0.10)],
                &[(0.0, 0.72), (2.0 / 3.0, 0.25), (1.0 / 3.0, 0.03)],
                &[(0.0, 0.80), (2.0 / 3.0, 0.18), (1.0 / 3.0, 0.02)],
            ],
        }
    }
}

/// What is known about the beat before listening.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeatPrior {
    /// How a beat divides.
    pub division: Division,
    /// Beat period in seconds, if stated.
    pub period_s: Option<f64>,
    /// Whether the stated period holds exactly at every beat.
    pub constant: bool,
}

/// The beats of a take.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BeatPath {
    /// Times in seconds.
    pub beats_s: Vec<f64>,
    /// Log likelihood of the onsets against a beat that is nowhere.
    pub score: f64,
}

/// The forward recursion over beat times and periods.
#[derive(Debug)]
pub struct BeatSearch {
    prior: BeatPrior,
    /// Shortest period searched, in frames; state k has the period `first_period + k`.
    first_period: usize,
    periods: usize,
    /// `[class][state][frame in beat]`: log of the share of onsets there against a uniform spread.
    tables: [Vec<Vec<f32>>; 3],
    /// Cost of the change between two states, by state and distance.
    preference: Vec<f32>,
    /// Scores of the last `ring` frames by state.
    ring: Vec<Vec<f32>>,
    /// Best score of any state at each frame of the ring, and the state.
    best: Vec<(f32, u16)>,
    /// State before each state, by frame: `u16::MAX` where the path starts.
    came_from: Vec<Vec<u16>>,
    keep_history: bool,
    frame: usize,
    /// Onsets of the last few beats.
    recent: Vec<BeatOnset>,
    /// The pause that is going on or has just ended.
    hold: Option<Hold>,
    resting: bool,
    /// Beat before the held one, by frame and state of the beat after it.
    held_from: BTreeMap<(usize, u16), usize>,
}

/// A pause between phrases: the tempo is remembered, the phase is not.
#[derive(Debug)]
struct Hold {
    /// Frame at which it was noticed.
    begun: usize,
    /// By state: score of the best beat before the pause in the light of all onsets before it, and its frame.
    before: Vec<(f32, usize)>,
}

/// A beat and the period that led to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeatState {
    /// Time of the beat in seconds.
    pub beat_s: f64,
    /// Beat period in seconds.
    pub period_s: f64,
    /// How far it leads the best state of another tempo or phase, in log likelihood.
    pub lead: f64,
}

const NO_PATH: f32 = -1e30;
const START: u16 = u16::MAX;
const HELD: u16 = u16::MAX - 1;

impl BeatSearch {
    /// Plans a search. With `keep_history` the whole path can be traced back.
    pub fn new(prior: BeatPrior, keep_history: bool) -> Self {
        let (shortest, longest) = match prior.period_s {
            Some(period) if prior.constant => (period, period),
            Some(period) => (period / STATED_RATIOS.0, period * STATED_RATIOS.1),
            None => PERIODS_S,
        };
        let floor = 60.0 / limits::MAX_BPM;
        let first_period = ((shortest.max(floor) / FRAME_S).round() as usize).max(2);
        let last_period = ((longest / FRAME_S).round() as usize).max(first_period);
        let periods = last_period - first_period + 1;
        let table = |class: usize| {
            (0..periods).map(|k| onset_table(first_period + k, prior.division.shares()[class])).collect()
        };
        let (centre, width) = match prior.period_s {
            Some(period) => (period, STATED_WIDTH),
            None => PREFERRED_PERIOD_S,
        };
        let preference = (0..periods)
            .map(|k| {
                let period_s = (first_period + k) as f64 * FRAME_S;
                let octaves = (period_s / centre).log2() / width;
                (-0.5 * PREFERENCE * period_s * octaves * octaves) as f32
            })
            .collect();
        let ring_len = last_period + 2;
        Self {
            prior,
            first_period,
            periods,
            tables: [table(0), table(1), table(2)],
            preference,
            ring: vec![vec![NO_PATH; periods]; ring_len],
            best: vec![(NO_PATH, 0); ring_len],
            came_from: Vec::new(),
            keep_history,
            frame: 0,
            recent: Vec::new(),
            hold: None,
            resting: false,
            held_from: BTreeMap::new(),
        }
    }

    /// Frames searched so far.
    pub fn frames(&self) -> usize {
        self.frame
    }

    /// Searches the next frame. `onsets` are all those before it, in order of time; `resting` says that nobody has
    /// sung for [`REST_S`].
    pub fn advance(&mut self, onsets: &[BeatOnset], resting: bool) {
        let now = self.frame;
        let now_s = now as f64 * FRAME_S;
        let known = onsets.partition_point(|onset| onset.time_s < now_s);
        let oldest_s = now_s - self.longest() as f64 * FRAME_S;
        let first_recent = onsets.partition_point(|onset| onset.time_s < oldest_s);
        self.recent.clear();
        self.recent.extend_from_slice(&onsets[first_recent.min(known)..known]);
        if resting && !self.resting {
            self.hold = Some(self.begin_hold());
        }
        self.resting = resting;
        let may_start = onsets
            .first()
            .is_none_or(|first| (first.time_s - START_BEFORE_S..=first.time_s + ONSET_SD_S).contains(&now_s));
        let slot = now % self.ring.len();
        let mut from_states = vec![START; if self.keep_history { self.periods } else { 0 }];
        let mut best = (NO_PATH, 0u16);
        for state in 0..self.periods {
            let period = self.first_period + state;
            let mut score = if may_start { 0.0 } else { NO_PATH };
            let mut from = START;
            if now >= period {
                let (came, through) = self.best_predecessor((now - period) % self.ring.len(), state);
                if came > NO_PATH / 2.0 {
                    let gained = came
                        + self.evidence(&onsets[..known], now - period, now, state) as f32
                        + self.preference[state];
                    if gained > score {
                        (score, from) = (gained, through);
                    }
                }
            }
            if let Some((held, before)) = self.after_hold(now, state)
                && held > score
            {
                (score, from) = (held, HELD);
                if self.keep_history {
                    self.held_from.insert((now, state as u16), before);
                }
            }
            self.ring[slot][state] = score;
            if let Some(slot) = from_states.get_mut(state) {
                *slot = from;
            }
            if score > best.0 {
                best = (score, state as u16);
            }
        }
        self.best[slot] = best;
        if self.keep_history {
            self.came_from.push(from_states);
        }
        self.frame += 1;
    }

    fn begin_hold(&self) -> Hold {
        let oldest = self.frame.saturating_sub(self.ring.len() - 1);
        let before = (0..self.periods)
            .map(|state| {
                let period = self.first_period + state;
                let mut best = (NO_PATH, 0);
                for frame in oldest.max(self.frame.saturating_sub(period))..self.frame {
                    let score = self.ring[frame % self.ring.len()][state];
                    if score > NO_PATH / 2.0 {
                        let since = self.evidence(&self.recent, frame, frame + period, state) as f32;
                        if score + since > best.0 {
                            best = (score + since, frame);
                        }
                    }
                }
                best
            })
            .collect();
        Hold { begun: self.frame, before }
    }

    /// Score of a beat at which the singer takes up the tempo again after a pause, and the beat before the pause. Notes
    /// between the pause and that beat are its pickup.
    fn after_hold(&self, now: usize, state: usize) -> Option<(f32, usize)> {
        let hold = self.hold.as_ref().filter(|_| !self.prior.constant)?;
        let (score, before) = hold.before[state];
        let period = self.first_period + state;
        if score <= NO_PATH / 2.0 || now <= before + period / 2 {
            return None;
        }
        // The last onset before the pause lies before it was noticed, the first one after it behind.
        let paused_s = hold.begun as f64 * FRAME_S - REST_S;
        let first = self.recent.partition_point(|onset| onset.time_s < paused_s);
        let pickup = &self.recent[first..];
        let from = now.saturating_sub(period);
        if pickup.first().is_some_and(|onset| onset.time_s < from as f64 * FRAME_S) {
            return None;
        }
        Some((score - HOLD_COST as f32 + self.evidence(pickup, from, now, state) as f32, before))
    }

    fn longest(&self) -> usize {
        self.first_period + self.periods - 1
    }

    fn best_predecessor(&self, slot: usize, state: usize) -> (f32, u16) {
        if self.prior.constant {
            return (self.ring[slot][state], state as u16);
        }
        let period = (self.first_period + state) as f64;
        let (any_score, any_state) = self.best[slot];
        let mut best = (any_score - JUMP_COST as f32, any_state);
        let reach = (period * PERIOD_WALK * 3.4).ceil() as usize;
        let (from, to) = (state.saturating_sub(reach), (state + reach).min(self.periods - 1));
        for before in from..=to {
            let change = (period / (self.first_period + before) as f64).ln() / PERIOD_WALK;
            let score = self.ring[slot][before] - (0.5 * change * change) as f32;
            if score > best.0 {
                best = (score, before as u16);
            }
        }
        best
    }

    /// Log likelihood of the onsets in a beat interval.
    fn evidence(&self, onsets: &[BeatOnset], from: usize, to: usize, state: usize) -> f64 {
        let (from_s, period_s) = (from as f64 * FRAME_S, (to - from) as f64 * FRAME_S);
        let mut sum = 0.0;
        for onset in onsets.iter().rev() {
            if onset.time_s < from_s {
                break;
            }
            let class = match onset.interval_s / period_s {
                ratio if ratio < 0.6 => 0,
                ratio if ratio < 1.2 => 1,
                _ => 2,
            };
            let table = &self.tables[class][state];
            let place = (((onset.time_s - from_s) / FRAME_S).round() as usize).min(table.len() - 1);
            sum += onset.weight * f64::from(table[place]);
        }
        sum
    }

    /// The most likely beat at or before the newest frame, in the light of all onsets up to it.
    pub fn newest_beat(&self) -> Option<BeatState> {
        let oldest = self.frame.saturating_sub(self.ring.len() - 1);
        let mut states: Vec<(f64, usize, usize)> = Vec::new();
        for frame in oldest..self.frame {
            // Of all states only those count whose next beat still lies ahead.
            let shortest = (self.frame - frame).max(self.first_period);
            for period in shortest..=self.longest() {
                let state = period - self.first_period;
                let score = self.ring[frame % self.ring.len()][state];
                if score > NO_PATH / 2.0 {
                    // Onsets since that beat speak for or against it too.
                    let since = self.evidence(&self.recent, frame, frame + period, state);
                    states.push((f64::from(score) + since, frame, period));
                }
            }
        }
        let (score, frame, period) = states.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))?;
        let rivals = states.iter().filter(|(_, other, other_period)| {
            let phase = ((*other as f64 - frame as f64) / period as f64).rem_euclid(1.0);
            let ratio = *other_period as f64 / period as f64;
            (0.15..0.85).contains(&phase) || !(0.85..1.18).contains(&ratio)
        });
        let rival = rivals.map(|(score, _, _)| *score).fold(f64::NEG_INFINITY, f64::max);
        Some(BeatState {
            beat_s: frame as f64 * FRAME_S,
            period_s: period as f64 * FRAME_S,
            lead: (score - rival).min(50.0),
        })
    }

    /// The best path up to the newest frame.
    pub fn path_to_now(&self) -> BeatPath {
        let now_s = self.frame as f64 * FRAME_S;
        self.trace(now_s - self.longest() as f64 * FRAME_S, now_s)
    }

    /// The best path whose last beat lies between two times.
    fn trace(&self, from_s: f64, to_s: f64) -> BeatPath {
        let from = (from_s / FRAME_S) as usize;
        let to = ((to_s / FRAME_S) as usize).min(self.frame.saturating_sub(1));
        let oldest = self.frame.saturating_sub(self.ring.len() - 1);
        let mut end: Option<(f32, usize, u16)> = None;
        for frame in from.max(oldest)..=to {
            let (score, state) = self.best[frame % self.ring.len()];
            if end.is_none_or(|e| score > e.0) {
                end = Some((score, frame, state));
            }
        }
        let Some((score, mut frame, mut state)) = end.filter(|e| e.0 > NO_PATH / 2.0) else {
            return BeatPath::default();
        };
        let mut beats_s = Vec::new();
        loop {
            beats_s.push(frame as f64 * FRAME_S);
            let before = self.came_from[frame][usize::from(state)];
            if before == START {
                break;
            }
            if before == HELD {
                let Some(earlier) = self.held_from.get(&(frame, state)) else { break };
                frame = *earlier;
                continue;
            }
            frame -= self.first_period + usize::from(state);
            state = before;
        }
        beats_s.reverse();
        BeatPath { beats_s, score: f64::from(score) }
    }
}

/// Log density of onsets over one beat against a uniform one, by frame.
pub(super) fn onset_table(period: usize, shares: &[(f64, f64)]) -> Vec<f32> {
    let period_s = period as f64 * FRAME_S;
    (0..=period)
        .map(|frame| {
            let time_s = frame as f64 * FRAME_S;
            let density: f64 = shares
                .iter()
                .map(|(place, share)| {
                    // The next beat's early onsets belong to its place 0.
                    let distance = (time_s - place * period_s).abs();
                    let distance = distance.min((period_s - distance).abs()) / ONSET_SD_S;
                    share * (-0.5 * distance * distance).exp()
                })
                .sum::<f64>()
                / (ONSET_SD_S * std::f64::consts::TAU.sqrt());
            ((1.0 - STRAY) * density * period_s + STRAY).ln() as f32
        })
        .collect()
}

/// The beats of a whole take; `end_s` is its length.
pub fn track(onsets: &[BeatOnset], prior: BeatPrior, end_s: f64) -> BeatPath {
    let Some(last) = onsets.last() else { return BeatPath::default() };
    let mut search = BeatSearch::new(prior, true);
    let longest_s = search.longest() as f64 * FRAME_S;
    let until_s = (last.time_s + longest_s + FRAME_S).max(end_s.min(last.time_s + longest_s + FRAME_S));
    for frame in 0..(until_s / FRAME_S).ceil() as usize {
        search.advance(onsets, is_resting(onsets, frame as f64 * FRAME_S));
    }
    search.trace(last.time_s, until_s)
}

/// Whether nobody has sung for [`REST_S`] at a time: the last onset's note has ended and no other has begun.
fn is_resting(onsets: &[BeatOnset], at_s: f64) -> bool {
    let after = onsets.partition_point(|onset| onset.time_s <= at_s);
    after > 0 && onsets[after - 1].time_s + onsets[after - 1].sung_s + REST_S <= at_s
}

#[cfg(test)]
mod tests {
    use super::super::steady::{smooth, track_constant};
    use super::*;

    fn onsets_at(times: &[f64]) -> Vec<BeatOnset> {
        (0..times.len())
            .map(|i| BeatOnset {
                time_s: times[i],
                interval_s: times.get(i + 1).map_or(1.0, |next| next - times[i]),
                sung_s: times.get(i + 1).map_or(1.0, |next| next - times[i]),
                weight: 1.0,
            })
            .collect()
    }

    const FREE: BeatPrior = BeatPrior { division: Division::Binary, period_s: None, constant: false };

    #[test]
    fn a_steady_tune_gives_its_beat() {
        // Quarters and eighths at 100 bpm, first beat at 0.8 s.
        let times: Vec<f64> = [
            0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 8.5, 9.0, 9.5, 10.0, 12.0, 13.0, 14.0,
            15.0,
        ]
        .iter()
        .map(|beat| 0.8 + beat * 0.6)
        .collect();
        let path = track(&onsets_at(&times), FREE, 11.0);
        for pair in path.beats_s.windows(2) {
            assert!((pair[1] - pair[0] - 0.6).abs() < 0.05, "{:?}", path.beats_s);
        }
        let phase = ((path.beats_s[3] - 0.8) / 0.6).fract();
        assert!(!(0.1..=0.9).contains(&phase), "{:?}", path.beats_s);
    }

    #[test]
    fn a_tempo_that_breathes_is_followed() {
        let mut time = 0.5;
        let mut beats = Vec::new();
        for beat in 0..32 {
            beats.push(time);
            time += 0.6 * (1.0 + 0.25 * (f64::from(beat) / 31.0 * 3.0).sin());
        }
        let path = track(&onsets_at(&beats), FREE, time);
        let smooth = smooth(&path.beats_s, &onsets_at(&beats));
        let hit = beats.iter().filter(|b| smooth.iter().any(|s| (s - **b).abs() < 0.05)).count();
        assert!(hit >= 30, "{hit} of 32: {smooth:?}");
    }

    #[test]
    fn a_pause_is_held_and_the_tempo_taken_up_again() {
        let mut times: Vec<f64> = (0..12).map(|i| 0.5 + f64::from(i) * 0.6).collect();
        // The next phrase comes 0.45 of a beat too late, with a pickup of two eighths.
        let again = 0.5 + 13.45 * 0.6;
        times.extend([again - 0.6, again - 0.3]);
        times.extend((0..12).map(|i| again + f64::from(i) * 0.6));
        let mut onsets = onsets_at(&times);
        onsets[11].sung_s = 0.35;
        let path = track(&onsets, FREE, again + 8.0);
        let after: Vec<f64> = path.beats_s.iter().copied().filter(|b| *b > again - 0.1).collect();
        for (index, beat) in after.iter().take(10).enumerate() {
            assert!((beat - again - 0.6 * index as f64).abs() < 0.05, "{:?}", path.beats_s);
        }
    }

    #[test]
    fn a_stated_tempo_on_the_grid_is_exact() {
        let prior = BeatPrior { period_s: Some(0.5), constant: true, ..FREE };
        let times: Vec<f64> = (0..20).map(|i| 0.3 + f64::from(i) * 0.5).collect();
        let (period, offset) = track_constant(&onsets_at(&times), prior).expect("onsets");
        assert_eq!(period, 0.5);
        assert!(((offset - 0.3) / 0.5).fract().abs() < 0.05, "{offset}");
    }

    #[test]
    fn the_forward_search_knows_the_beat_without_the_future() {
        let times: Vec<f64> = (0..16).map(|i| 0.4 + f64::from(i) * 0.55).collect();
        let all = onsets_at(&times);
        let mut search = BeatSearch::new(FREE, false);
        for _ in 0..800 {
            search.advance(&all, false);
        }
        let state = search.newest_beat().expect("a beat");
        let next = state.beat_s + state.period_s;
        let miss = ((next - 0.4) / 0.55 + 0.5).rem_euclid(1.0) - 0.5;
        assert!(miss.abs() < 0.1, "{state:?}");
    }
}
