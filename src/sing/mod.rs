//! A small singing synthesiser: a timing curve and a melody in, voice and exact truth out.
//!
//! It stands in for a singer wherever the true beats, notes and F0 have to be known: the demonstration, tests, and the
//! making of training material. The sound is a source and a filter: a glottal pulse with breath noise goes through
//! moving formants (Klatt, JASA 67, 1980), consonants are shaped noise.

mod demo;
mod plan;
mod singer;
mod timing;
mod tract;
mod truth;
mod vocal;

pub use demo::{DemoOptions, demo, demo_with};
pub use singer::Singer;
pub use timing::{TimingCurve, TimingError, TimingPiece};
pub use truth::{F0Point, Span, TempoPoint, Truth, TruthChord, TruthNote};
pub use vocal::{Consonant, ImpliedChord, Sung, SungSyllable, Vocal, Vowel};

#[cfg(test)]
mod tests;
