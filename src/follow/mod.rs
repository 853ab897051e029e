//! Observations -> where the singer is: beats, bars, key, phrases and sections.

pub mod bar;
pub mod beat;
pub mod grid;
pub mod key;
pub mod known;
pub mod mix;
pub mod phrase;
pub mod rhythm;
pub mod sections;
pub mod steady;
pub mod studio;
pub mod voice;

use crate::listen::mix::Stroke;
use crate::listen::{Observation, Onset, SungNote, TuningCurve};
use crate::song::HeardMix;

/// What is known about a take.
#[derive(Debug, Clone, PartialEq)]
pub struct Take {
    /// Its length in seconds.
    pub duration_s: f64,
    /// Sung notes in order.
    pub notes: Vec<SungNote>,
    /// Onsets in order.
    pub onsets: Vec<Onset>,
    /// The singer's tuning.
    pub tuning: TuningCurve,
    /// Beats in seconds.
    pub beats_s: Vec<f64>,
    /// Where the bars are.
    pub bars: bar::BarPhase,
    /// How the beat divides.
    pub division: beat::Division,
    /// Keys, the likeliest first.
    pub keys: Vec<key::KeyGuess>,
    /// Phrases in order.
    pub phrases: Vec<phrase::SungPhrase>,
    /// What was struck in the sidechain; its times are not moved.
    pub strokes: Vec<Stroke>,
    /// What the mix says that the voice was taken out of; its times are not moved.
    pub mix: Option<HeardMix>,
    /// Everything that was heard, one observation per 10 ms; number 0 lies at `shift_s`.
    pub observations: Vec<Observation>,
    /// Seconds that times were moved by.
    pub shift_s: f64,
}

impl Take {
    /// Moves every time later by some seconds.
    pub fn shift(&mut self, by_s: f64) {
        if by_s == 0.0 {
            return;
        }
        self.shift_s += by_s;
        self.duration_s += by_s;
        for note in &mut self.notes {
            note.onset_s += by_s;
            note.offset_s += by_s;
            note.known_s += by_s;
        }
        for onset in &mut self.onsets {
            onset.time_s += by_s;
            onset.known_s += by_s;
        }
        for phrase in &mut self.phrases {
            phrase.start_s += by_s;
            phrase.end_s += by_s;
        }
        for beat in &mut self.beats_s {
            *beat += by_s;
        }
        self.tuning.shift(by_s);
    }
}

/// Why a take cannot be followed.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum FollowError {
    /// Nothing is sung.
    #[error(
        "no voice found: {notes} sung notes of {sung_s:.1} s in all, {held_s:.1} s of it held, the loudest at \
         {loudest_dbfs:.0} dBFS; at least {least} notes, {min:.1} s, {share:.0} % of it in notes held for {held:.2} s \
         and {floor:.0} dBFS are needed",
        least = crate::limits::MIN_SUNG_NOTES, min = crate::limits::MIN_SUNG_S,
        share = 100.0 * crate::limits::MIN_HELD_SHARE, held = crate::limits::HELD_NOTE_S,
        floor = crate::limits::MIN_VOICE_DBFS
    )]
    NoVoice {
        /// Seconds of singing.
        sung_s: f64,
        /// Seconds of it in notes that are held.
        held_s: f64,
        /// Notes found.
        notes: usize,
        /// Level of the loudest one.
        loudest_dbfs: f64,
    },
    /// The band never came to enter.
    #[error(
        "the take of {duration_s:.1} s ended before the band could enter; live mode needs about 10 s of singing, studio mode does not"
    )]
    TooShortForLive {
        /// Its length in seconds.
        duration_s: f64,
    },
    /// No beat can be laid over the notes.
    #[error("no beat found in {notes} sung notes; state one with --bpm")]
    NoBeat {
        /// Notes found.
        notes: usize,
    },
}
