//! Chords of a mix, beat by beat: templates against chroma and bass, joined by a hidden Markov model that likes to change
//! chords on bar lines (after Sheh & Ellis, ISMIR 2003; Mauch & Dixon, IEEE TASLP 18, 2010).

use std::sync::OnceLock;

use crate::score::ChordQuality as Q;
use crate::score::{ChordSymbol, Key, PitchClass};

/// Kinds of chords that are told apart, with the log of how common each is.
const KINDS: [(Q, f32); 9] = [
    (Q::Major, 0.0),
    (Q::Minor, -0.6),
    (Q::Seven, -1.2),
    (Q::MinorSeven, -2.4),
    (Q::MajorSeven, -3.6),
    (Q::Six, -2.4),
    (Q::Diminished, -4.5),
    (Q::DiminishedSeven, -4.5),
    (Q::Sus4, -6.0),
];
/// States: every kind on every root, then no chord.
const STATES: usize = KINDS.len() * 12 + 1;
const NO_CHORD: usize = STATES - 1;
/// How much the likeness of a beat's chroma, and of its bass, counts; a bass that is not the root counts less.
const LIKENESS: f32 = 24.0;
const BASS: f32 = 2.0;
const OTHER_BASS: f32 = 0.5;
/// Likeness to a chord from which there is one.
const LEAST_LIKENESS: f32 = 0.62;
/// Share of the third and fifth harmonics in a note of a template.
const HARMONICS: [(usize, f32); 2] = [(7, 0.25), (4, 0.1)];
/// What each note of a chord that the key does not hold costs.
const FOREIGN: f32 = 0.5;
/// Probability of another chord on the first beat of a bar, in its middle, on other beats.
const CHANGES: [f32; 3] = [0.5, 0.25, 0.1];

/// What sounds from one beat to the next.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BeatHarmony {
    /// Median strength of the pitch classes, C first.
    pub upper: [f32; 12],
    /// The same of the bass.
    pub bass: [f32; 12],
}

impl BeatHarmony {
    /// How much another harmony differs, 0 to 1: one minus the cosine.
    pub fn change(&self, other: &Self) -> f32 {
        let (a, b) = (unit(&self.joined()), unit(&other.joined()));
        (1.0 - a.iter().zip(&b).map(|(a, b)| a * b).sum::<f32>()).clamp(0.0, 1.0)
    }

    fn joined(&self) -> [f32; 24] {
        std::array::from_fn(|index| if index < 12 { self.upper[index] } else { self.bass[index - 12] })
    }
}

/// Finds chords.
#[derive(Debug)]
pub struct ChordTracker {
    key: Option<Key>,
    scores: Vec<f32>,
    back: Vec<[u8; STATES]>,
}

impl Default for ChordTracker {
    fn default() -> Self {
        Self::new(None)
    }
}

impl ChordTracker {
    /// A tracker that has heard nothing; chords outside of the key, if it is known, are less likely.
    pub fn new(key: Option<Key>) -> Self {
        Self { key, scores: vec![0.0; STATES], back: Vec::new() }
    }

    /// Takes the next beat, and the beat of the bar that it is, from 0.
    pub fn hear(&mut self, heard: &BeatHarmony, beat: usize, beats_per_bar: usize) {
        let (scores, back) = self.step(heard, beat, beats_per_bar);
        self.scores = scores;
        self.back.push(back);
    }

    /// Scores of the states in the next beat, and the state that each came from.
    fn step(&self, heard: &BeatHarmony, beat: usize, beats_per_bar: usize) -> (Vec<f32>, [u8; STATES]) {
        let share = match beat {
            0 => CHANGES[0],
            _ if 2 * beat == beats_per_bar => CHANGES[1],
            _ => CHANGES[2],
        };
        let (stay, change) = ((1.0 - share).ln(), (share / STATES as f32).ln());
        let best = best(&self.scores);
        let mut back = [0u8; STATES];
        let (upper, bass) = (unit(&heard.upper), unit(&heard.bass));
        let mut next = vec![0.0; STATES];
        for state in 0..STATES {
            let (kept, moved) = (self.scores[state] + stay, self.scores[best] + change);
            let (score, from) = if kept >= moved { (kept, state) } else { (moved, best) };
            next[state] = score + self.likelihood(state, &upper, &bass);
            back[state] = from as u8;
        }
        let most = next.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        next.iter_mut().for_each(|score| *score -= most);
        (next, back)
    }

    /// The chord of the beat heard last.
    pub fn now(&self) -> Option<ChordSymbol> {
        chord_of(best(&self.scores))
    }

    /// The chord of every beat, or none.
    pub fn path(&self) -> Vec<Option<ChordSymbol>> {
        self.path_to(best(&self.scores))
    }

    /// The same with a beat more, which is heard in part and not taken.
    pub fn path_and(
        &self,
        heard: &BeatHarmony,
        beat: usize,
        beats_per_bar: usize,
    ) -> Vec<Option<ChordSymbol>> {
        let (scores, back) = self.step(heard, beat, beats_per_bar);
        let last = best(&scores);
        let mut chords = self.path_to(usize::from(back[last]));
        chords.push(chord_of(last));
        chords
    }

    fn path_to(&self, mut state: usize) -> Vec<Option<ChordSymbol>> {
        let mut chords = Vec::with_capacity(self.back.len());
        for back in self.back.iter().rev() {
            chords.push(chord_of(state));
            state = usize::from(back[state]);
        }
        chords.reverse();
        chords
    }

    fn likelihood(&self, state: usize, upper: &[f32; 12], bass: &[f32; 12]) -> f32 {
        let Some(chord) = chord_of(state) else { return LIKENESS * LEAST_LIKENESS };
        let root = usize::from(chord.root.0);
        let template = &templates()[state / 12];
        let likeness: f32 = (0..12).map(|above| template[above] * upper[(root + above) % 12]).sum();
        let intervals = chord.quality.intervals();
        let low: f32 = intervals
            .iter()
            .enumerate()
            .map(|(index, above)| {
                let weight = if index == 0 { 1.0 } else { OTHER_BASS };
                weight * bass[(root + usize::from(*above)) % 12]
            })
            .sum();
        let foreign = self.key.map_or(0, |key| chord.pitch_classes().filter(|p| !key.holds(*p)).count());
        LIKENESS * likeness + BASS * low + KINDS[state / 12].1 - FOREIGN * foreign as f32
    }
}

/// The likeliest state.
fn best(scores: &[f32]) -> usize {
    (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(NO_CHORD)
}

fn chord_of(state: usize) -> Option<ChordSymbol> {
    let (quality, _) = KINDS.get(state / 12)?;
    Some(ChordSymbol::new(PitchClass((state % 12) as u8), *quality))
}

/// The chroma of each kind of chord on C, of length 1.
fn templates() -> &'static [[f32; 12]; KINDS.len()] {
    static TEMPLATES: OnceLock<[[f32; 12]; KINDS.len()]> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        KINDS.map(|(quality, _)| {
            let mut template = [0.0f32; 12];
            for above in quality.intervals() {
                let class = usize::from(*above);
                template[class] += 1.0;
                for (up, share) in HARMONICS {
                    template[(class + up) % 12] += share;
                }
            }
            unit(&template)
        })
    })
}

fn unit<const N: usize>(values: &[f32; N]) -> [f32; N] {
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length > 1e-9 { values.map(|v| v / length) } else { [0.0; N] }
}
