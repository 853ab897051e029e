//! Score x tempo map -> note events at samples: groove, strum spread, breath, dynamics.

mod event;

pub use event::{EventKind, NoteEvent, NoteId};
