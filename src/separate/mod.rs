//! A mix to a voice.

pub mod net;
