//! A voice isolated by the mask network (`collavoce_models::mask`): what it sees of a mix, and the voice that comes of
//! what it says.
//!
//! Windows are 33.3 ms long and begin 16.7 ms apart, 50 ms together, at every sample rate; the voice comes 33.3 ms behind
//! the mix. What was trained was trained at 24 kHz: nothing above 12 kHz is looked at, and there the mask of the highest
//! band holds.

mod comb;
mod features;
mod hops;
mod hush;
mod isolate;
mod overlap;
mod path;
mod scout;

#[cfg(test)]
mod tests;

pub use collavoce_models::mask::weights_sha256;

pub use comb::Comb;
pub use features::{MixFeatures, RateError, apply, hears, root_hann};
pub use hops::{ApartHop, HopIsolator, voice_in};
pub use isolate::{Heard, Isolator, IsolatorError, pitch_hz};
pub use path::Ahead;
pub use scout::{Scout, SungPath};
