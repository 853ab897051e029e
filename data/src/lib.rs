//! Reads open scores for training and for measuring.

pub mod abc;
pub mod chorale;
pub mod musicxml;
pub mod songs;
pub mod sonority;
pub mod tune;
