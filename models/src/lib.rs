//! Trained networks with their weights, behind functions over plain slices.
//!
//! The networks run on burn's portable processor backend on the caller's thread. They allocate, so they are no matter
//! for an audio thread.

pub mod arranger;
pub mod harmony;
pub mod mask;
pub mod pitch;
mod stream;
#[cfg(test)]
mod unrounded;
mod weights;

pub use weights::WeightsError;
