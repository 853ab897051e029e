//! Pitch of a singing voice.
//!
//! A frame of features is made of each hop ([`PitchFeatures`]), the network makes of it, and of those before it, how
//! likely each pitch is and whether anybody sings ([`PitchNet`]).

mod features;
mod graph;
mod net;

#[cfg(test)]
mod tests;

pub use features::{CHANNELS, FEATURES, HOP, PitchFeatures, SAMPLE_HZ, spread};
#[cfg(feature = "training")]
pub use graph::{Graph, LAGS, OLDEST_LAG};
pub use net::{PitchNet, PitchOdds};

/// Pitches that are told apart.
pub const BINS: usize = 168;
/// Pitches in a semitone.
pub const BINS_PER_SEMITONE: f32 = 3.0;
/// MIDI number of the lowest pitch.
pub const LOWEST_MIDI: f32 = 34.0;
/// Hops from the centre of a frame whose pitch is told to the end of the hop that completes it: 40 ms.
pub const LOOK_AHEAD_HOPS: usize = 4;
