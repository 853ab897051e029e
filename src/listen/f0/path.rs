//! The path through the candidates: a fixed-lag Viterbi search with the costs of Boersma (IFA Proceedings 17, 1993),
//! the silence reference replaced by a causal one.

use super::{Candidate, MAX_CANDIDATES};

/// Clarity above which a frame is rather voiced.
const VOICING_THRESHOLD: f32 = 0.74;
/// Level below the running peak at which a frame counts as silent, in dB.
const SILENCE_DB: f32 = 34.0;
/// Share of that distance from which quietness speaks against voicing.
const QUIET_FROM: f32 = 0.45;
/// Strength of what is ruled out.
const NEVER: f32 = -1e3;

/// What the path pays for, on the scale of the candidates' clarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costs {
    /// Preference for higher pitches, per octave: of peaks at a period and at its double the first is right.
    pub octave: f32,
    /// Cost of a jump by an octave between two hops.
    pub octave_jump: f32,
    /// Cost of going from voiced to unvoiced or back.
    pub voicing_change: f32,
}

impl Costs {
    /// For heights of peaks.
    pub const PEAKS: Self = Self { octave: 0.035, octave_jump: 0.9, voicing_change: 0.12 };
}

/// Loudest level assumed before anything was heard, in dBFS.
const START_PEAK_DBFS: f32 = -38.0;
/// How fast the running peak falls, in dB a hop.
const PEAK_FALL_DB: f32 = 0.004;

/// State 0 is unvoiced, the others are the candidates of the hop.
const STATES: usize = MAX_CANDIDATES + 1;

#[derive(Debug, Clone, Copy)]
struct Frame {
    candidates: [Candidate; MAX_CANDIDATES],
    count: usize,
    /// Best state before each state.
    came_from: [u8; STATES],
    /// How far the level lies below the running peak, in dB.
    below_peak_db: f32,
    /// Whether it is sung, if that is known.
    sung: Option<bool>,
}

/// What the path says of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decision {
    /// Whether the path goes through a pitch.
    pub voiced: bool,
    /// That pitch, or the likeliest there; none where nothing is periodic.
    pub candidate: Option<Candidate>,
    /// The pitch that the path comes to within its look-ahead, in Hz, and in how many hops.
    pub coming: Option<(f32, usize)>,
    /// How far the level lies below the running peak, in dB.
    pub below_peak_db: f32,
}

/// Fixed-lag path search.
pub(super) struct Path {
    lag: usize,
    costs: Costs,
    /// The last `lag + 1` frames as a ring.
    frames: Vec<Frame>,
    filled: usize,
    newest: usize,
    scores: [f32; STATES],
    peak_dbfs: f32,
}

impl Path {
    pub fn new(lag_hops: usize, costs: Costs) -> Self {
        let empty = Frame {
            candidates: [Candidate::default(); MAX_CANDIDATES],
            count: 0,
            came_from: [0; STATES],
            below_peak_db: 0.0,
            sung: None,
        };
        Self {
            lag: lag_hops,
            costs,
            frames: vec![empty; lag_hops + 1],
            filled: 0,
            newest: 0,
            scores: [0.0; STATES],
            peak_dbfs: START_PEAK_DBFS,
        }
    }

    pub fn reset(&mut self) {
        *self = Self::new(self.lag, self.costs);
    }

    pub fn lag_hops(&self) -> usize {
        self.lag
    }

    /// Takes the candidates of a hop. If it is known whether they are `sung`, the path looks for the pitch alone;
    /// otherwise clarity and level speak for and against a voice.
    pub fn process(
        &mut self,
        candidates: &[Candidate],
        sung: Option<bool>,
        level_dbfs: f32,
    ) -> Option<Decision> {
        self.peak_dbfs = (self.peak_dbfs - PEAK_FALL_DB).max(level_dbfs).max(START_PEAK_DBFS);
        let quiet = ((self.peak_dbfs - level_dbfs) / SILENCE_DB).clamp(0.0, 2.0);
        let by_level = VOICING_THRESHOLD + (quiet - QUIET_FROM).max(0.0) * 1.2;
        let unvoiced_strength = if sung.is_some() { NEVER } else { by_level };
        let costs = self.costs;

        let previous = self.frames[self.newest];
        self.newest = (self.newest + 1) % self.frames.len();
        let frame = &mut self.frames[self.newest];
        frame.count = candidates.len().min(MAX_CANDIDATES);
        frame.below_peak_db = self.peak_dbfs - level_dbfs;
        frame.sung = sung;
        frame.candidates[..frame.count].copy_from_slice(&candidates[..frame.count]);
        let mut scores = [f32::NEG_INFINITY; STATES];
        for (state, score) in scores.iter_mut().enumerate().take(frame.count + 1) {
            let strength = match state {
                0 => unvoiced_strength,
                _ => costs.strength(frame.candidates[state - 1]),
            };
            let (mut best, mut from) = (f32::NEG_INFINITY, 0);
            for before in 0..=previous.count {
                let through = self.scores[before] - costs.transition(&previous, before, frame, state);
                if through > best {
                    (best, from) = (through, before);
                }
            }
            // Without a first frame there is nowhere to come from.
            *score = if self.filled == 0 { strength } else { best + strength };
            frame.came_from[state] = from as u8;
        }
        let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        self.scores = scores.map(|score| score - top);
        self.filled = (self.filled + 1).min(self.frames.len());
        (self.filled == self.frames.len()).then(|| self.decide())
    }

    /// The state of the oldest frame on the best path.
    fn decide(&self) -> Decision {
        let mut state = (0..STATES).max_by(|a, b| self.scores[*a].total_cmp(&self.scores[*b])).unwrap_or(0);
        let mut at = self.newest;
        let mut coming = None;
        for hops in (1..=self.lag).rev() {
            let frame = &self.frames[at];
            if state > 0 {
                coming = Some((frame.candidates[state - 1].hz, hops));
            }
            state = usize::from(frame.came_from[state]);
            at = (at + self.frames.len() - 1) % self.frames.len();
        }
        let frame = &self.frames[at];
        let candidates = &frame.candidates[..frame.count];
        let likeliest =
            candidates.iter().max_by(|a, b| self.costs.strength(**a).total_cmp(&self.costs.strength(**b)));
        let (voiced, chosen) = match state {
            0 => (false, likeliest),
            _ => (frame.sung.unwrap_or(true), candidates.get(state - 1)),
        };
        Decision { voiced, candidate: chosen.copied(), coming, below_peak_db: frame.below_peak_db }
    }
}

impl Costs {
    fn strength(self, candidate: Candidate) -> f32 {
        candidate.clarity + self.octave * (candidate.hz / 65.0).log2()
    }

    fn transition(self, previous: &Frame, before: usize, frame: &Frame, state: usize) -> f32 {
        match (before, state) {
            (0, 0) => 0.0,
            (0, _) | (_, 0) => self.voicing_change,
            _ => {
                let (from, to) = (previous.candidates[before - 1].hz, frame.candidates[state - 1].hz);
                self.octave_jump * (to / from).log2().abs()
            }
        }
    }
}
