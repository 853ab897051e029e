//! The Collavoce engine: a voice goes in, a band that follows it comes out.
//!
//! Modules stand in signal order; each may import only from modules above it. The engine is a pure function of
//! (input samples, host transport, settings, seed, model): no stage reads a clock, starts a thread or opens a file.

pub mod limits;
pub mod time;
pub mod score;
pub mod song;
pub mod audio;
pub mod sing;
pub mod separate;
pub mod listen;
pub mod follow;
pub mod compose;
pub mod perform;
pub mod instrument;
pub mod engine;
pub mod bounce;
