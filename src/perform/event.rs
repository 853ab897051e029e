//! What instruments are told.

use crate::score::{Articulation, MidiNote, Part, Velocity};
use crate::time::SampleTime;

/// Names a sounding note from its on to its off; unique within a performance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoteId(pub u32);

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EventKind {
    /// A note ends.
    NoteOff {
        /// The note.
        id: NoteId,
    },
    /// The tuning of the part from here on, sounding notes included.
    Tuning {
        /// Cents above A4 = 440 Hz.
        cents: f32,
    },
    /// The expression (MIDI controller 11) of the part from here on.
    Expression {
        /// 0 to 1.
        value: f32,
    },
    /// A note begins.
    NoteOn {
        /// The note.
        id: NoteId,
        /// Its pitch; for drums the key of General MIDI's percussion map.
        pitch: MidiNote,
        /// How loud.
        velocity: Velocity,
        /// How it is played.
        articulation: Articulation,
    },
}

/// Something that one part does at one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoteEvent {
    /// When it takes effect.
    pub at: SampleTime,
    /// Who does it.
    pub part: Part,
    /// What it is.
    pub kind: EventKind,
}

impl NoteEvent {
    /// The end of a note that never began: it changes nothing.
    pub const NOTHING: Self =
        Self { at: SampleTime(0), part: Part::Guitar, kind: EventKind::NoteOff { id: NoteId(u32::MAX) } };

    /// The note that it begins or ends; 0 for anything else. Orders events of one kind at one sample.
    pub fn note(&self) -> u32 {
        match self.kind {
            EventKind::NoteOn { id, .. } | EventKind::NoteOff { id } => id.0,
            _ => 0,
        }
    }

    /// What events are sorted by.
    pub fn order(&self) -> (SampleTime, Part, u8, u32) {
        (self.at, self.part, self.kind.rank(), self.note())
    }
}

impl EventKind {
    /// Order of events at one sample: offs, then controls, then ons.
    pub fn rank(self) -> u8 {
        match self {
            Self::NoteOff { .. } => 0,
            Self::Tuning { .. } => 1,
            Self::Expression { .. } => 2,
            Self::NoteOn { .. } => 3,
        }
    }
}
