//! Sampled sounds: parts played by SoundFonts, SF2 or SF3.
//!
//! [`SoundBank`] is a file, decoded and checked; [`Sounds`] says who plays each part; [`Sampled`] plays one part with a
//! bank. A bank is read where there is time; playing allocates nothing.

mod bank;
mod level;
mod riff;
mod sampled;
mod sounds;

pub use bank::{BankError, SoundBank};
pub use sampled::Sampled;
pub use sounds::{Sampling, Sounds};
