//! Reads open scores for training and for measuring.

pub mod abc;
pub mod musicxml;
pub mod songs;
pub mod tune;
