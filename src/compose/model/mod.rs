//! Chords by the trained network.

pub mod slots;
