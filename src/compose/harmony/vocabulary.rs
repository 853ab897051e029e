//! The chords that the rules know, and what it costs to go from one to another.

use crate::score::{ChordQuality, ChordSymbol, Key, Mode};
use crate::song::Style;

/// A chord of the vocabulary, relative to the tonic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Function {
    /// Semitones above the tonic.
    pub above: u8,
    pub quality: ChordQuality,
    /// What it costs to use it at all, in plain styles and in jazz.
    pub cost: [f64; 2],
    pub role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Tonic,
    Supertonic,
    Mediant,
    Subdominant,
    Dominant,
    Submediant,
    /// Flat seventh degree: subdominant in major, dominant of the relative major in minor.
    Subtonic,
    /// Dominant of the degree this many semitones above the tonic.
    DominantOf(u8),
}

const fn function(above: u8, quality: ChordQuality, cost: [f64; 2], role: Role) -> Function {
    Function { above, quality, cost, role }
}

const MAJOR: [Function; 11] = {
    use ChordQuality::{Major, Minor};
    [
        function(0, Major, [0.0, 0.35], Role::Tonic),
        function(7, Major, [0.12, 0.15], Role::Dominant),
        function(5, Major, [0.22, 0.9], Role::Subdominant),
        function(9, Minor, [0.55, 1.1], Role::Submediant),
        function(2, Minor, [0.55, 1.0], Role::Supertonic),
        function(4, Minor, [1.0, 1.1], Role::Mediant),
        function(2, Major, [1.0, 0.5], Role::DominantOf(7)),
        function(9, Major, [1.35, 0.4], Role::DominantOf(2)),
        function(4, Major, [1.4, 0.8], Role::DominantOf(9)),
        function(10, Major, [1.3, 1.6], Role::Subtonic),
        function(5, Minor, [1.6, 1.5], Role::Subdominant),
    ]
};

const MINOR: [Function; 11] = {
    use ChordQuality::{Diminished, Major, Minor};
    [
        function(0, Minor, [0.0, 0.0], Role::Tonic),
        function(7, Major, [0.2, 0.2], Role::Dominant),
        function(5, Minor, [0.3, 0.3], Role::Subdominant),
        function(8, Major, [0.5, 0.5], Role::Submediant),
        function(10, Major, [0.4, 0.4], Role::Subtonic),
        function(3, Major, [0.5, 0.5], Role::Mediant),
        function(7, Minor, [0.8, 0.8], Role::Dominant),
        function(2, Diminished, [1.2, 1.2], Role::Supertonic),
        function(5, Major, [1.2, 1.2], Role::Subdominant),
        function(0, Major, [1.7, 1.7], Role::DominantOf(5)),
        function(2, Major, [1.6, 1.6], Role::DominantOf(7)),
    ]
};

/// Cost of going from one role to another, 0 to about 1.
pub(super) fn change_cost(from: Role, to: Role, style: Style) -> f64 {
    use Role::{Dominant, DominantOf, Mediant, Subdominant, Submediant, Subtonic, Supertonic, Tonic};
    let modal = matches!(style, Style::Pop | Style::Folk | Style::Ballad);
    match (from, to) {
        (Dominant, Tonic) => 0.2,
        (Dominant, Submediant) => 0.3,
        (Dominant, Subdominant) => {
            if modal {
                0.45
            } else {
                0.8
            }
        }
        (Dominant, Dominant) => 0.15,
        (Dominant, _) => 0.75,
        (Subdominant, Tonic | Dominant) => 0.12,
        (Subdominant, Supertonic) => 0.3,
        (Subdominant, Submediant) => 0.4,
        (Subdominant, _) => 0.55,
        (Supertonic, Dominant) => 0.0,
        (Supertonic, Subdominant) => 0.4,
        (Supertonic, Tonic) => 0.6,
        (Supertonic, _) => 0.6,
        (Submediant, Subdominant | Supertonic) => 0.1,
        (Submediant, Dominant) => 0.25,
        (Submediant, DominantOf(7)) => 0.2,
        (Submediant, Tonic) => 0.5,
        (Submediant, _) => 0.5,
        (Mediant, Submediant) => 0.1,
        (Mediant, Subdominant) => 0.15,
        (Mediant, _) => 0.6,
        (Subtonic, Subdominant | Tonic) => 0.2,
        (Subtonic, Mediant | Submediant) => 0.2,
        (Subtonic, _) => 0.5,
        (Tonic, Dominant | Subdominant) => 0.05,
        (Tonic, Submediant | Supertonic) => 0.15,
        (Tonic, _) => 0.2,
        (DominantOf(7), Dominant) | (DominantOf(2), Supertonic) | (DominantOf(9), Submediant) => 0.0,
        (DominantOf(2), DominantOf(7)) | (DominantOf(4), Mediant) | (DominantOf(5), Subdominant) => 0.0,
        (DominantOf(7), Supertonic) => 0.5,
        (DominantOf(_), _) => 1.7,
    }
}

/// The chords that are chosen from, and those that others have chosen.
pub(super) struct Vocabulary {
    key: Key,
    pub functions: Vec<Function>,
    /// How many of them are chosen from: the first ones.
    pub own: usize,
}

impl Vocabulary {
    pub fn of(key: Key) -> Self {
        let functions: &[Function] = match key.mode {
            Mode::Major => &MAJOR,
            Mode::Minor => &MINOR,
        };
        Self { key, functions: functions.to_vec(), own: functions.len() }
    }

    /// The number of a chord, which is taken in if it is not there.
    pub fn number(&mut self, chord: ChordSymbol) -> usize {
        let above = chord.root.above(self.key.tonic);
        let is_minor = chord.quality.is_minor();
        let known = self.functions.iter().position(|f| f.above == above && f.quality.is_minor() == is_minor);
        known.unwrap_or_else(|| {
            self.functions.push(function(above, chord.quality, [0.0, 0.0], foreign_role(above, is_minor)));
            self.functions.len() - 1
        })
    }
}

/// What a chord does that the vocabulary does not have: what others on its degree do, and on the leading tone what a
/// diminished one does there, or the dominant of the mediant.
fn foreign_role(above: u8, is_minor: bool) -> Role {
    match above {
        11 if !is_minor => Role::DominantOf(4),
        0 => Role::Tonic,
        1 | 2 => Role::Supertonic,
        3 | 4 => Role::Mediant,
        5 | 6 => Role::Subdominant,
        7 | 11 => Role::Dominant,
        8 | 9 => Role::Submediant,
        _ => Role::Subtonic,
    }
}
