//! Harmony of a sung melody.
//!
//! A melody is cut into slots, the places where a chord may change. Everything counts from the tonic, so that what is
//! learnt in one key holds in all. Two streams read the slots, one from the beginning and one from the end
//! ([`HarmonyNet`]): where both are there (the take is known), a slot is judged by what lies before, in and after it;
//! live the first alone tells the next chord before its slot is sung.

mod graph;
mod net;
mod slot;

#[cfg(test)]
mod tests;

#[cfg(feature = "training")]
pub use graph::{Graph, WIDTH};
pub use net::{HarmonyNet, SlotOdds, Stream};
pub use slot::{Place, Slot};

/// Values that describe a slot.
pub const FEATURES: usize = 82;
/// Those of them that tell where it lies: the first ones.
pub const PLACE_FEATURES: usize = 20;
/// Kinds of triads: major, minor, diminished, augmented.
pub const TRIADS: usize = 4;
/// What a triad may bear: nothing, a minor seventh, a major seventh, a sixth (to a diminished one: a diminished seventh).
pub const COLOURS: usize = 4;
/// Chords that are told apart: semitones of the root above the tonic, kind of triad, colour, the last of them fastest.
pub const CHORDS: usize = 12 * TRIADS * COLOURS;
/// Idioms that were learnt: folk tunes, lead sheets of about 1900 to 1930, art songs, chorales.
pub const IDIOMS: usize = 4;
