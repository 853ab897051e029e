//! What is to be sung.

use serde::{Deserialize, Serialize};

use super::singer::Singer;
use super::timing::TimingCurve;
use super::truth::Truth;
use super::{plan, tract};
use crate::audio::{ResampleError, resample};
use crate::time::{Hz, Meter};

/// A vowel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Vowel {
    /// As in "father".
    A,
    /// As in "bed".
    E,
    /// As in "see".
    I,
    /// As in "law".
    O,
    /// As in "too".
    U,
    /// As at the start of "about".
    Schwa,
}

impl Vowel {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::A, Self::E, Self::I, Self::O, Self::U, Self::Schwa];
}

/// A consonant before a vowel; it is sung before the beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Consonant {
    /// No consonant.
    #[default]
    None,
    /// Hiss, high.
    S,
    /// Hiss, weak and wide.
    F,
    /// Hiss, low.
    Sh,
    /// Breath through the vowel.
    H,
    /// Burst at the teeth.
    T,
    /// Burst at the palate.
    K,
    /// Burst at the lips.
    P,
    /// Hum at the lips.
    M,
    /// Hum at the teeth.
    N,
    /// Voiced, at the teeth.
    L,
    /// Voiced, rounded.
    R,
}

impl Consonant {
    /// All of them, and none.
    pub const ALL: [Self; 12] = [
        Self::None,
        Self::S,
        Self::F,
        Self::Sh,
        Self::H,
        Self::T,
        Self::K,
        Self::P,
        Self::M,
        Self::N,
        Self::L,
        Self::R,
    ];
}

/// A syllable on one note.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SungSyllable {
    /// Start of the vowel, in beats.
    pub start_beat: f64,
    /// Length, in beats.
    pub beats: f64,
    /// MIDI number of the pitch.
    pub midi: u8,
    /// The vowel.
    pub vowel: Vowel,
    /// The consonant before it.
    pub consonant: Consonant,
    /// Level, in dB relative to a plain note.
    pub level_db: f64,
    /// Whether a phrase begins here, after a breath if there is room for one.
    pub breath_before: bool,
    /// How much later than its beat the syllable comes, in seconds; below 0 is early.
    pub late_s: f64,
}

/// A chord that a melody implies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImpliedChord {
    /// Start, in beats.
    pub start_beat: f64,
    /// Chord symbol.
    pub name: String,
}

/// A song for one singer; beat 0 is the first beat of a bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vocal {
    /// The syllables in order, none before the end of another.
    pub notes: Vec<SungSyllable>,
    /// Where the beats lie.
    pub timing: TimingCurve,
    /// Who sings.
    pub singer: Singer,
    /// Time signature.
    pub meter: Meter,
    /// Key, such as "D major".
    pub key: String,
    /// Chords that the melody implies, for the truth; may be empty.
    pub chords: Vec<ImpliedChord>,
    /// Silence after the last note, in seconds.
    pub tail_s: f64,
}

/// A sung recording with its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Sung {
    /// Samples in mono; loud notes reach about 0.5.
    pub samples: Vec<f32>,
    /// Sample rate of `samples`.
    pub rate: Hz,
    /// What was sung.
    pub truth: Truth,
}

impl Vocal {
    /// Sings the song at a sample rate of 8 to 192 kHz.
    ///
    /// The voice is made at one inner rate and then converted, so that it is the same voice at every rate.
    pub fn sing(&self, rate: Hz) -> Result<Sung, ResampleError> {
        let plan = plan::plan(self);
        let voice = tract::render(&plan, &self.singer);
        let samples = resample(&voice, 1, Hz(tract::INNER_HZ), rate)?;
        Ok(Sung { samples, rate, truth: plan.truth })
    }
}
