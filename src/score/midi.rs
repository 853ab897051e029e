//! Standard MIDI files, format 1.
//!
//! Tick 0 is second 0. Tempo events follow the score's tempo map, so bar lines fall on the singer's beats; each one is
//! rounded so that errors do not add up. Events are given in seconds and land on the nearest tick of that map.

use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind};

use super::key::Mode;
use super::sheet::Score;
use crate::time::{TICKS_PER_QUARTER, Ticks};

/// What a track says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrackMessage {
    /// A note ends.
    NoteOff {
        /// Pitch.
        pitch: u8,
    },
    /// Fine tuning in cents from A4 = 440 Hz, as registered parameters 1 and 2.
    Tuning {
        /// Cents.
        cents: f64,
    },
    /// A controller.
    Control {
        /// Its number.
        controller: u8,
        /// 0..=127.
        value: u8,
    },
    /// A note begins.
    NoteOn {
        /// Pitch.
        pitch: u8,
        /// 1..=127.
        velocity: u8,
    },
}

/// One track.
#[derive(Debug, Clone, PartialEq)]
pub struct MidiTrack {
    /// Its name.
    pub name: String,
    /// Channel counted from 1.
    pub channel: u8,
    /// General MIDI program counted from 0.
    pub program: u8,
    /// (seconds, message) in order.
    pub messages: Vec<(f64, TrackMessage)>,
}

/// Tempo events of a score: (tick, microseconds a quarter).
pub fn tempo_events(score: &Score) -> Vec<(i64, u32)> {
    let anchors = score.tempo.anchors();
    let mut events = Vec::with_capacity(anchors.len());
    // Where a player that adds up rounded tempos is by now, in microseconds.
    let mut played_us = 0.0;
    for pair in anchors.windows(2) {
        let ((from, _), (to, to_s)) = (pair[0], pair[1]);
        let quarters = (to - from).0 as f64 / TICKS_PER_QUARTER as f64;
        let wanted = ((to_s * 1e6 - played_us) / quarters).round();
        let us = wanted.clamp(1.0, f64::from((1u32 << 24) - 1)) as u32;
        played_us += f64::from(us) * quarters;
        events.push((from.0, us));
    }
    events.dedup_by(|next, last| next.1 == last.1);
    events
}

/// Ticks at which a player of [`tempo_events`] reaches some seconds.
struct PlayedMap {
    /// (tick, microseconds at it, microseconds a quarter).
    points: Vec<(i64, f64, f64)>,
}

impl PlayedMap {
    fn new(events: &[(i64, u32)]) -> Self {
        let mut points: Vec<(i64, f64, f64)> = Vec::with_capacity(events.len());
        for (tick, us) in events {
            let at = points.last().map_or(0.0, |(t, played, per_quarter)| {
                played + (tick - t) as f64 * per_quarter / TICKS_PER_QUARTER as f64
            });
            points.push((*tick, at, f64::from(*us)));
        }
        Self { points }
    }

    fn tick_at(&self, seconds: f64) -> u32 {
        let us = seconds * 1e6;
        let after = self.points.partition_point(|(_, at, _)| *at <= us).max(1);
        let (tick, at, per_quarter) = self.points[after - 1];
        let ticks = tick as f64 + (us - at) * TICKS_PER_QUARTER as f64 / per_quarter;
        ticks.round().max(0.0) as u32
    }
}

/// A file with the score's tempo, metre, key, sections and chords, and some tracks.
///
/// `remarks` become text events at tick 0.
pub fn write(score: &Score, tracks: &[MidiTrack], remarks: &[String]) -> Vec<u8> {
    let tempo = tempo_events(score);
    let map = PlayedMap::new(&tempo);
    let chord_names: Vec<(i64, String)> =
        score.chords.iter().map(|span| (span.start.0, span.chord.lead_sheet_in(score.key))).collect();
    let mut smf =
        Smf::new(Header::new(Format::Parallel, Timing::Metrical(u15::new(TICKS_PER_QUARTER as u16))));
    smf.tracks.push(conductor(score, &tempo, &chord_names, remarks));
    for track in tracks {
        smf.tracks.push(track_events(track, &map));
    }
    let mut bytes = Vec::new();
    // Writing into memory cannot fail.
    let _ = smf.write_std(&mut bytes);
    bytes
}

fn conductor<'a>(
    score: &'a Score,
    tempo: &[(i64, u32)],
    chords: &'a [(i64, String)],
    remarks: &'a [String],
) -> Track<'a> {
    let meter = score.meter;
    let clocks = (24 * meter.beat().0 / TICKS_PER_QUARTER) as u8;
    let mut events: Vec<(u32, u8, MetaMessage<'a>)> = vec![
        (0, 0, MetaMessage::TrackName(b"Collavoce")),
        (0, 1, MetaMessage::TimeSignature(meter.count(), meter.unit().trailing_zeros() as u8, clocks, 8)),
        (0, 1, MetaMessage::KeySignature(score.key.fifths(), score.key.mode == Mode::Minor)),
    ];
    events.extend(remarks.iter().map(|text| (0, 2, MetaMessage::Text(text.as_bytes()))));
    for (tick, us) in tempo {
        events.push((*tick as u32, 3, MetaMessage::Tempo(u24::new(*us))));
    }
    for section in &score.sections {
        let start = score.bar(section.first).start.max(Ticks(0));
        events.push((start.0 as u32, 4, MetaMessage::Marker(section.label.as_bytes())));
    }
    for (tick, name) in chords {
        events.push(((*tick).max(0) as u32, 5, MetaMessage::Text(name.as_bytes())));
    }
    events.sort_by_key(|(tick, rank, _)| (*tick, *rank));
    let end = score.end().0 as u32;
    deltas(events.into_iter().map(|(tick, _, meta)| (tick, TrackEventKind::Meta(meta))), end)
}

fn track_events<'a>(track: &'a MidiTrack, map: &PlayedMap) -> Track<'a> {
    let channel = u4::new(track.channel - 1);
    let midi = |message| TrackEventKind::Midi { channel, message };
    let mut events = vec![
        (0, TrackEventKind::Meta(MetaMessage::TrackName(track.name.as_bytes()))),
        (0, midi(MidiMessage::ProgramChange { program: u7::new(track.program) })),
    ];
    let control = |controller: u8, value: u8| {
        midi(MidiMessage::Controller { controller: u7::new(controller), value: u7::new(value.min(127)) })
    };
    for (seconds, message) in &track.messages {
        let tick = map.tick_at(*seconds);
        match message {
            TrackMessage::NoteOn { pitch, velocity } => {
                let (key, vel) = (u7::new(*pitch), u7::new(*velocity));
                events.push((tick, midi(MidiMessage::NoteOn { key, vel })));
            }
            TrackMessage::NoteOff { pitch } => {
                let (key, vel) = (u7::new(*pitch), u7::new(64));
                events.push((tick, midi(MidiMessage::NoteOff { key, vel })));
            }
            TrackMessage::Control { controller, value } => events.push((tick, control(*controller, *value))),
            TrackMessage::Tuning { cents } => {
                // Coarse tuning (RPN 2) in semitones, fine tuning (RPN 1) in 8192nds of a semitone.
                let semitones = (cents / 100.0).round();
                let fine =
                    ((cents / 100.0 - semitones) * 8192.0).round().clamp(-8192.0, 8191.0) as i32 + 8192;
                let coarse = (64.0 + semitones).clamp(0.0, 127.0) as u8;
                let messages = [
                    (101, 0),
                    (100, 2),
                    (6, coarse),
                    (38, 0),
                    (101, 0),
                    (100, 1),
                    (6, (fine >> 7) as u8),
                    (38, (fine & 127) as u8),
                    (101, 127),
                    (100, 127),
                ];
                events.extend(messages.map(|(controller, value)| (tick, control(controller, value))));
            }
        }
    }
    let end = events.last().map_or(0, |(tick, _)| *tick);
    deltas(events.into_iter(), end)
}

/// Absolute ticks in order -> a track with its end.
fn deltas<'a>(events: impl Iterator<Item = (u32, TrackEventKind<'a>)>, end: u32) -> Track<'a> {
    let mut last = 0;
    let mut track: Track<'a> = events
        .map(|(tick, kind)| {
            let tick = tick.max(last);
            let delta = u28::new(tick - last);
            last = tick;
            TrackEvent { delta, kind }
        })
        .collect();
    let delta = u28::new(end.saturating_sub(last));
    track.push(TrackEvent { delta, kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    track
}
