//! The words of music as plain data, and the formats that other programs read.

mod chord;
mod key;
pub mod midi;
pub mod musicxml;
mod note;
mod part;
mod pitch;
mod sheet;

pub use chord::{ChordError, ChordQuality, ChordSpan, ChordSymbol};
pub use key::{Key, KeyError, Mode};
pub use note::{Articulation, Note, Velocity};
pub use part::{Part, PartError};
pub use pitch::{MidiNote, PitchClass, midi_of_hz};
pub use sheet::{Bar, BarNumber, MelodyNote, PartBar, Phrase, Score, Section, SectionRole, TuningPoint};
