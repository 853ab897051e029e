//! The song on disk: JSON, versioned (`docs/song-file.md`). The plugin's state is the same bytes.

use serde::{Deserialize, Serialize};

use super::anchor::Anchor;
use super::known::{KnownSong, chart_of};
use super::mix::HeardMix;
use super::provenance::Provenance;
use super::settings::Settings;
use crate::limits;
use crate::score::{Key, PartBar, Score};
use crate::time::Bpm;

/// Everything needed to go on without the audio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Song {
    /// Where it comes from.
    pub provenance: Provenance,
    /// What the user asked for.
    pub settings: Settings,
    /// What was heard.
    pub heard: HeardSong,
    /// The score with the chosen takes.
    pub score: Score,
    /// Takes that were written and not chosen.
    pub other_takes: Vec<PartBar>,
}

/// What was heard, as far as later work needs it. Melody, phrases and tuning stand in the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardSong {
    /// Length of the input in seconds, with the silence put before it.
    pub duration_s: f64,
    /// Silence put before the input, in seconds.
    pub pad_s: f64,
    /// Beats in seconds.
    pub beats_s: Vec<f64>,
    /// Level of the voice in every sixteenth from tick 0 on, in whole dB relative to full scale.
    pub level_dbfs_per_sixteenth: Vec<i16>,
    /// The likeliest keys with their probabilities.
    pub keys: Vec<(Key, f64)>,
    /// What was heard of the mix that the voice was taken out of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<HeardMix>,
}

/// The file as it lies on disk. Old versions stay readable: each has its own variant and fixture.
#[derive(Serialize, Deserialize)]
#[serde(tag = "format")]
enum Stored {
    #[serde(rename = "collavoce.song/1")]
    V1(Box<Song>),
}

/// A song file that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SongFileError {
    /// It is too large.
    #[error("the song file has {bytes} bytes; at most {max} are read", max = limits::MAX_SONG_BYTES)]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It is no song file, or one of a later version.
    #[error("this is no song file of a version that is known (collavoce.song/1): {0}")]
    Format(#[from] serde_json::Error),
    /// It says something impossible.
    #[error("the song file is not sound: {0}")]
    Unsound(String),
}

impl Song {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SongFileError> {
        // Borrowing the song under the tag of its version without a copy.
        #[derive(Serialize)]
        struct Tagged<'a> {
            format: &'static str,
            #[serde(flatten)]
            song: &'a Song,
        }
        let mut bytes = serde_json::to_vec_pretty(&Tagged { format: "collavoce.song/1", song: self })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Settings for a live band that knows this song: its key, metre and tempo where none is stated, its chords where no
    /// chart is.
    pub fn known_to(&self, settings: Settings, known: KnownSong) -> Settings {
        let score = &self.score;
        Settings {
            key: settings.key.or(Some(score.key)),
            meter: Some(known.meter()),
            bpm: settings.bpm.or(known.usual_s().map(|period_s| Bpm(60.0 / period_s))),
            chart: Some(settings.chart.unwrap_or_else(|| chart_of(score))),
            known: Some(known),
            ..settings
        }
    }

    /// Reads a file and checks that a band can play it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SongFileError> {
        if bytes.len() as u64 > limits::MAX_SONG_BYTES {
            return Err(SongFileError::TooLarge { bytes: bytes.len() as u64 });
        }
        let Stored::V1(song) = serde_json::from_slice(bytes)?;
        song.check()?;
        Ok(*song)
    }

    fn check(&self) -> Result<(), SongFileError> {
        let unsound = |what: String| Err(SongFileError::Unsound(what));
        let score = &self.score;
        let anchors = &self.settings.anchors;
        let is_within = |anchor: &Anchor| (0.0..=f64::from(limits::MAX_INPUT_S)).contains(&anchor.at_s);
        if anchors.len() > limits::MAX_ANCHORS
            || !anchors.iter().all(is_within)
            || !anchors.is_sorted_by_key(|anchor| anchor.at_s)
        {
            return unsound(format!(
                "its {} anchors are not in order within {} s, or more than {}",
                anchors.len(),
                limits::MAX_INPUT_S,
                limits::MAX_ANCHORS
            ));
        }
        if score.bars as usize > limits::MAX_BARS || score.bars == 0 || score.lead_in_bars >= score.bars {
            return unsound(format!(
                "{} bars, {} of them lead-in; at most {} are played",
                score.bars,
                score.lead_in_bars,
                limits::MAX_BARS
            ));
        }
        let end = score.end();
        let inside = |start: crate::time::Ticks, length: i64| {
            start.0 >= 0 && start <= end && (1..=end.0).contains(&length)
        };
        let first_anchor = score.tempo.anchors().first().copied();
        if first_anchor != Some((crate::time::Ticks(0), 0.0)) {
            return unsound("its tempo map does not begin with tick 0 at second 0".to_owned());
        }
        let last_s = score.tempo.anchors().last().map_or(0.0, |(_, s)| *s).max(score.tempo.seconds_at(end));
        let longest_s = 2.0 * f64::from(limits::MAX_INPUT_S);
        if !(0.0..=longest_s).contains(&last_s) {
            return unsound(format!("it lasts {last_s:.0} s; at most {longest_s:.0} s are played"));
        }
        let is_bar = |number: i32| number.unsigned_abs() as usize <= limits::MAX_BARS;
        if let Some(section) =
            score.sections.iter().find(|s| !is_bar(s.first.0) || s.bars as usize > limits::MAX_BARS)
        {
            return unsound(format!("section {:?} lies outside of the song", section.label));
        }
        if score.phrases.iter().any(|p| p.start.0 < 0 || p.end < p.start || p.end > end) {
            return unsound("it has a phrase outside of the song".to_owned());
        }
        if score.tuning.iter().any(|p| p.at.0 < 0 || p.at > end) {
            return unsound("it has a tuning outside of the song".to_owned());
        }
        for bar in score.parts.iter().chain(&self.other_takes) {
            if !is_bar(bar.bar.0) {
                return unsound(format!("bar {} of {} lies outside of the song", bar.bar.0, bar.part));
            }
            if bar.notes.len() > 4096 {
                return unsound(format!("bar {} of {} has {} notes", bar.bar.0, bar.part, bar.notes.len()));
            }
            for note in &bar.notes {
                if !inside(note.start, note.length.0) || note.pitch.0 > 127 {
                    return unsound(format!(
                        "bar {} of {} has a note outside of the song",
                        bar.bar.0, bar.part
                    ));
                }
            }
        }
        if let Some(note) = score.melody.iter().find(|n| !inside(n.start, n.length.0) || n.pitch.0 > 127) {
            return unsound(format!("the melody has a note at tick {} outside of the song", note.start.0));
        }
        if let Some(span) = score.chords.iter().find(|s| !inside(s.start, s.length.0) || s.end() > end) {
            return unsound(format!(
                "chord {} at tick {} lies outside of the song",
                span.chord, span.start.0
            ));
        }
        if !score.tuning.iter().all(|p| p.cents.abs() <= 1200.0) {
            return unsound("the tuning is further than an octave from A4 = 440 Hz".to_owned());
        }
        Ok(())
    }
}
