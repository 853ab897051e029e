//! What training and measuring share: open scores, singing made up from them, and the measures of beats.

pub mod abc;
pub mod arrange;
pub mod chorale;
pub mod corpus;
pub mod draw;
pub mod glottis;
pub mod measure;
pub mod musicxml;
pub mod rubato;
pub mod songs;
pub mod sonority;
pub mod stated;
pub mod tune;
pub mod voices;
