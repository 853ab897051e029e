//! Where anybody sings in a mix that is known as a whole, and at which pitch: the likeliest path through what the network says
//! of every window (Viterbi), so that what comes later counts as well as what was before.

use collavoce_models::mask::{FEATURES, LEVELS, MASKS, MaskOdds, PITCHES};

/// How a path is found, and what is made of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ahead {
    /// Weight of the log of how likely a pitch is beside any, where the log odds of a voice count once.
    pub pitch: f32,
    /// What is added where somebody sings.
    pub bias: f32,
    /// What each place of 20 cents costs by which a pitch moves from one window to the next.
    pub glide: f32,
    /// What a leap costs.
    pub leap: f32,
    /// What it costs to begin or to end.
    pub turn: f32,
    /// Most windows in which nobody sings within a note.
    pub gap: usize,
    /// Fewest windows of a run.
    pub least: usize,
    /// A run whose voice is so much less loud than the usual one, in dB, is none.
    pub faint_db: f32,
    /// Odds of a voice on the path from which the comb comes in, and from which it is whole.
    pub sure: [f32; 2],
    /// What is left of the mask where nobody sings.
    pub floor: f32,
    /// Windows before and after somebody sings that stay as they are: consonants and breaths.
    pub beside: usize,
    /// Windows in which the rest falls.
    pub fade: usize,
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            pitch: 0.5,
            bias: -1.5,
            glide: 0.6,
            leap: 6.0,
            turn: 3.0,
            gap: 3,
            least: 5,
            faint_db: 18.0,
            sure: [0.5, 0.95],
            floor: 0.05,
            beside: 6,
            fade: 6,
        }
    }
}

/// Places that a pitch may move by from one window to the next without a leap.
const REACH: usize = 8;
/// The state in which nobody sings: it stands behind all pitches.
const NOBODY: usize = PITCHES;

/// How likely the best path to every state is, window by window: at each pitch, and behind them where nobody sings.
#[derive(Debug, Clone)]
pub(super) struct Forward {
    ahead: Ahead,
    /// Log likelihood of the best path to each state.
    scores: Vec<f32>,
    next: Vec<f32>,
}

impl Forward {
    pub fn new(ahead: Ahead) -> Self {
        let scores = vec![0.0; PITCHES + 1];
        Self { ahead, next: scores.clone(), scores }
    }

    /// Takes what the network says of the next window, and gives the state before each state, in order.
    pub fn step(&mut self, odds: &MaskOdds, mut before: impl FnMut(usize)) {
        let voiced = odds.voiced.clamp(1e-4, 1.0 - 1e-4);
        let ahead = self.ahead;
        let sung = (voiced / (1.0 - voiced)).ln() + ahead.bias;
        let best = highest(&self.scores[..PITCHES]);
        let (begun, leapt) = (self.scores[NOBODY] - ahead.turn, self.scores[best] - ahead.leap);
        for place in 0..PITCHES {
            let (mut most, mut from) = if begun > leapt { (begun, NOBODY) } else { (leapt, best) };
            for other in place.saturating_sub(REACH)..(place + REACH + 1).min(PITCHES) {
                let score = self.scores[other] - ahead.glide * place.abs_diff(other) as f32;
                if score > most {
                    (most, from) = (score, other);
                }
            }
            let likely = (odds.pitches[place] * PITCHES as f32).max(1e-3).ln();
            self.next[place] = most + sung + ahead.pitch * likely;
            before(from);
        }
        let (ended, silent) = (self.scores[best] - ahead.turn, self.scores[NOBODY]);
        self.next[NOBODY] = ended.max(silent);
        before(if ended > silent { best } else { NOBODY });
        std::mem::swap(&mut self.scores, &mut self.next);
        let top = self.scores[highest(&self.scores)];
        self.scores.iter_mut().for_each(|score| *score -= top);
    }

    /// How much likelier it is that somebody sings in the newest window than that nobody does, as a logarithm.
    pub fn sung(&self) -> f32 {
        self.scores[highest(&self.scores[..PITCHES])] - self.scores[NOBODY]
    }
}

/// Finds a path, window by window. It grows by 2 MB for a minute of a mix.
#[derive(Debug, Clone)]
pub(super) struct PathFinder {
    forward: Forward,
    /// For every window and state, the state before.
    back: Vec<u16>,
    /// Level of what is taken for a voice in every window, in dB.
    levels_db: Vec<f32>,
}

impl PathFinder {
    pub fn new(ahead: Ahead) -> Self {
        Self { forward: Forward::new(ahead), back: Vec::new(), levels_db: Vec::new() }
    }

    /// Takes the features of the next window, and what the network says of it.
    pub fn hear(&mut self, features: &[f32], odds: &MaskOdds) {
        self.step(odds);
        self.levels_db.push(level_db(features, &odds.mask));
    }

    fn step(&mut self, odds: &MaskOdds) {
        self.forward.step(odds, |before| self.back.push(before as u16));
    }

    /// The place of the pitch in what the network says, for every window in which somebody sings.
    pub fn finish(self) -> Vec<Option<usize>> {
        let mut state = highest(&self.forward.scores);
        let mut places = vec![None; self.levels_db.len()];
        for (place, back) in places.iter_mut().zip(self.back.chunks_exact(PITCHES + 1)).rev() {
            *place = (state != NOBODY).then_some(state);
            state = usize::from(back[state]);
        }
        let ahead = self.forward.ahead;
        bridge(&mut places, ahead.gap);
        drop_faint(&mut places, &self.levels_db, ahead);
        places
    }
}

fn highest(scores: &[f32]) -> usize {
    (0..scores.len()).fold(0, |best, state| if scores[state] > scores[best] { state } else { best })
}

/// First window, and the one after the last, of every run in which somebody sings.
pub(super) fn runs(places: &[Option<usize>]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut at = 0;
    for run in places.chunk_by(|one, other| one.is_some() == other.is_some()) {
        if run[0].is_some() {
            runs.push((at, at + run.len()));
        }
        at += run.len();
    }
    runs
}

/// Short gaps are sung through.
fn bridge(places: &mut [Option<usize>], gap: usize) {
    for pair in runs(places).windows(2) {
        let (ended, begun) = (pair[0].1, pair[1].0);
        if begun - ended <= gap {
            let place = places[ended - 1];
            places[ended..begun].fill(place);
        }
    }
}

/// Runs that are too short or too soft are nobody's.
fn drop_faint(places: &mut [Option<usize>], levels_db: &[f32], ahead: Ahead) {
    let mut sung: Vec<f32> =
        places.iter().zip(levels_db).filter(|(place, _)| place.is_some()).map(|(_, level)| *level).collect();
    sung.sort_by(f32::total_cmp);
    // Two thirds of what is sung are less loud.
    let usual = sung.get(sung.len() * 2 / 3).copied().unwrap_or(0.0);
    for (from, to) in runs(places) {
        let mean = levels_db[from..to].iter().sum::<f32>() / (to - from) as f32;
        if to - from < ahead.least || mean < usual - ahead.faint_db {
            places[from..to].fill(None);
        }
    }
}

/// Level of what a mask leaves, in dB.
fn level_db(features: &[f32], mask: &[f32]) -> f32 {
    let of_mix = 20.0 * features[FEATURES - LEVELS] - 30.0;
    let lines = features[..MASKS].iter().zip(mask);
    let power: f32 = lines.map(|(level, mask)| mask * mask * 10f32.powf(2.0 * level - 3.5)).sum();
    of_mix + 10.0 * (power + 1e-9).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mix of whose windows the network says pitch, odds of a voice and level.
    fn found(windows: &[(usize, f32, f32)]) -> Vec<Option<usize>> {
        let mut finder = PathFinder::new(Ahead::default());
        for (place, voiced, level_db) in windows {
            let mut pitches = vec![0.1 / PITCHES as f32; PITCHES];
            pitches[*place] += 0.9;
            finder.step(&MaskOdds { mask: Vec::new(), pitches, voiced: *voiced, onset: 0.0 });
            finder.levels_db.push(*level_db);
        }
        finder.finish()
    }

    #[test]
    fn a_pitch_of_one_window_is_none() {
        let mut windows = vec![(100, 0.9, 0.0); 40];
        windows[20].0 = 160;
        assert_eq!(found(&windows), vec![Some(100); 40]);
        // Who stays there went there.
        windows[20..].fill((160, 0.9, 0.0));
        assert_eq!(found(&windows)[18..22], [Some(100), Some(100), Some(160), Some(160)]);
    }

    #[test]
    fn a_doubt_within_a_note_is_sung_and_one_before_silence_is_not() {
        let sung = (100, 0.95, 0.0);
        let mut windows = vec![sung; 60];
        windows[20..24].fill((100, 0.3, 0.0));
        assert!(found(&windows).iter().all(Option::is_some), "{:?}", found(&windows));
        windows[24..].fill((100, 0.02, 0.0));
        let path = found(&windows);
        assert!(path[..18].iter().all(Option::is_some) && path[24..].iter().all(Option::is_none), "{path:?}");
    }

    #[test]
    fn runs_that_are_short_or_faint_are_nobodys() {
        let nobody = (100, 0.02, -10.0);
        let mut windows = vec![nobody; 200];
        windows[10..90].fill((100, 0.95, 0.0));
        windows[110..114].fill((120, 0.999, 0.0));
        windows[130..160].fill((120, 0.95, -30.0));
        let path = found(&windows);
        assert!(path[15..85].iter().all(Option::is_some), "{path:?}");
        assert!(path[100..].iter().all(Option::is_none), "{path:?}");
        // As loud as the other it is somebody's.
        windows[130..160].fill((120, 0.95, -6.0));
        assert!(found(&windows)[135..155].iter().all(|place| *place == Some(120)));
    }

    #[test]
    fn a_mix_of_no_length_has_no_path() {
        assert!(found(&[]).is_empty());
    }
}
