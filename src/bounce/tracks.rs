//! The performance as MIDI tracks.

use std::collections::BTreeMap;

use crate::perform::{EventKind, NoteEvent};
use crate::score::midi::{MidiTrack, TrackMessage};
use crate::score::{Part, Score};
use crate::time::Hz;

/// MIDI channel of the sung melody, counted from 1.
const MELODY_CHANNEL: u8 = 4;
/// General MIDI program of the sung melody: voice.
const MELODY_PROGRAM: u8 = 53;
/// Controller number of expression.
const EXPRESSION: u8 = 11;

/// The sung melody and one track for each part.
pub fn tracks(score: &Score, events: &[NoteEvent], parts: &[Part], rate: Hz) -> Vec<MidiTrack> {
    let mut tracks = vec![melody_track(score)];
    tracks.extend(parts.iter().map(|part| part_track(*part, events, rate)));
    tracks
}

fn part_track(part: Part, events: &[NoteEvent], rate: Hz) -> MidiTrack {
    let mut sounding = BTreeMap::new();
    let mut messages = Vec::new();
    for event in events.iter().filter(|e| e.part == part) {
        let seconds = event.at.seconds(rate);
        let message = match event.kind {
            EventKind::NoteOn { id, pitch, velocity, .. } => {
                sounding.insert(id, pitch.0);
                TrackMessage::NoteOn { pitch: pitch.0, velocity: velocity.get() }
            }
            EventKind::NoteOff { id } => match sounding.remove(&id) {
                Some(pitch) => TrackMessage::NoteOff { pitch },
                None => continue,
            },
            EventKind::Tuning { cents } => TrackMessage::Tuning { cents: f64::from(cents) },
            EventKind::Expression { value } => {
                TrackMessage::Control { controller: EXPRESSION, value: (value * 127.0).round() as u8 }
            }
        };
        messages.push((seconds, message));
    }
    let name = part.name();
    let name = name[..1].to_uppercase() + &name[1..];
    MidiTrack { name, channel: part.midi_channel(), program: part.midi_program(), messages }
}

fn melody_track(score: &Score) -> MidiTrack {
    let loudest = score.melody.iter().map(|n| n.level_dbfs).fold(f64::NEG_INFINITY, f64::max);
    let mut messages: Vec<(f64, TrackMessage)> = Vec::new();
    for (index, point) in score.tuning.iter().enumerate() {
        let seconds = if index == 0 { 0.0 } else { score.tempo.seconds_at(point.at) };
        messages.push((seconds, TrackMessage::Tuning { cents: point.cents }));
    }
    for note in &score.melody {
        let velocity = (100.0 + 2.0 * (note.level_dbfs - loudest)).clamp(20.0, 110.0) as u8;
        messages.push((note.onset_s, TrackMessage::NoteOn { pitch: note.pitch.0, velocity }));
        messages.push((note.offset_s, TrackMessage::NoteOff { pitch: note.pitch.0 }));
    }
    let rank = |m: &TrackMessage| match m {
        TrackMessage::NoteOff { .. } => 0,
        TrackMessage::NoteOn { .. } => 2,
        _ => 1,
    };
    messages.sort_by(|a, b| a.0.total_cmp(&b.0).then(rank(&a.1).cmp(&rank(&b.1))));
    MidiTrack { name: "Voice".to_owned(), channel: MELODY_CHANNEL, program: MELODY_PROGRAM, messages }
}
