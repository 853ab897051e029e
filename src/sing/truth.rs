//! What was sung, exactly.

use serde::{Deserialize, Serialize};

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Start, in seconds.
    pub start_s: f64,
    /// End, in seconds.
    pub end_s: f64,
}

/// A note as sung.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TruthNote {
    /// Start of the vowel, in seconds; a voiced consonant is heard before it.
    pub onset_s: f64,
    /// End of the voice, or of the note where the next one is joined to it, in seconds.
    pub offset_s: f64,
    /// MIDI number of the written pitch.
    pub midi: u8,
    /// Start, in beats.
    pub start_beat: f64,
    /// Written length, in beats.
    pub beats: f64,
}

/// F0 at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct F0Point {
    /// Position, in seconds.
    pub time_s: f64,
    /// F0, in Hz; 0 where there is no voice.
    pub hz: f64,
}

/// The tempo at a beat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TempoPoint {
    /// The beat.
    pub beat: f64,
    /// Where it lies, in seconds.
    pub time_s: f64,
    /// Tempo, in beats a minute.
    pub bpm: f64,
}

/// A chord that the melody implies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TruthChord {
    /// Start, in seconds.
    pub start_s: f64,
    /// Chord symbol.
    pub name: String,
}

/// Everything that is known about a sung recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Length, in seconds.
    pub duration_s: f64,
    /// Every beat that lies within the song, in seconds.
    pub beats_s: Vec<f64>,
    /// Indices into `beats_s` of the first beats of bars.
    pub downbeats: Vec<usize>,
    /// Time signature, such as "4/4".
    pub meter: String,
    /// Key, such as "D major".
    pub key: String,
    /// The notes in order.
    pub notes: Vec<TruthNote>,
    /// F0 every 10 ms from 0 s on.
    pub f0: Vec<F0Point>,
    /// From the first to the last voice of each phrase.
    pub phrases: Vec<Span>,
    /// Breaths that can be heard.
    pub breaths: Vec<Span>,
    /// The tempo at every beat.
    pub tempo: Vec<TempoPoint>,
    /// The chords that the melody implies; empty if they are not stated.
    pub chords: Vec<TruthChord>,
}
