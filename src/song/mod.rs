//! What the user asked for, the score so far, and where everything came from.

mod seed;

pub use seed::{Rng, Seed};
