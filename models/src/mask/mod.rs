//! A voice within a mix.
//!
//! A frame of features is made of each hop (`collavoce::separate::net`). The network makes of it, and of all before it,
//! how much of each line of the spectrum is voice, whether anybody sings, at which pitch, and whether a note begins.

mod graph;
mod net;

#[cfg(test)]
mod tests;

#[cfg(feature = "training")]
pub use graph::{Answers, Graph};
pub use net::{MaskNet, MaskOdds, weights_sha256};

/// Hops a second.
pub const HOPS_HZ: u32 = 60;
/// Hops in a window: the window is 33.3 ms long, its lines are 30 Hz apart, and half of it is new in every hop.
pub const WINDOW_HOPS: usize = 2;
/// Distance of two lines, in Hz.
pub const LINE_HZ: f32 = 30.0;
/// Lines from 0 Hz on that have a mask of their own: up to 8 kHz.
pub const LINES: usize = 267;
/// Bands above them that have one, up to [`TOP_LINE`]; the highest also holds for all that lies above.
pub const BANDS: usize = 8;
/// The line with which the highest band ends: 12 kHz.
pub const TOP_LINE: usize = 400;
/// Lines and bands together.
pub const MASKS: usize = LINES + BANDS;
/// Bands in which both sides of a mix are compared.
pub const SIDE_BANDS: usize = 64;
/// Values of the long spectrum by logarithmic frequency.
pub const LONG: usize = 216;
/// Values that tell of the level.
pub const LEVELS: usize = 2;
/// Values of one frame: levels of lines and bands, the same above what they were; sides and their coherence; the long
/// spectrum; levels.
pub const FEATURES: usize = 2 * MASKS + 2 * SIDE_BANDS + LONG + LEVELS;

/// Pitches that are told apart.
pub const PITCHES: usize = 265;
/// Pitches in a semitone: they are 20 cents apart.
pub const PITCHES_PER_SEMITONE: f32 = 5.0;
/// MIDI number of the lowest pitch: 55 Hz.
pub const LOWEST_MIDI: f32 = 33.0;

/// The first line of each band, and the one behind the last.
pub const fn band_edge(band: usize) -> usize {
    LINES + band * (TOP_LINE - LINES) / BANDS
}
