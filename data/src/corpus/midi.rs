//! Standard MIDI files: tracks, metre, keys, tempi and markers.

use std::collections::BTreeMap;

use collavoce::score::Mode;
use collavoce::time::{TICKS_PER_QUARTER, TickCount, Ticks};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

use super::{KeyChange, Note, Part, Role, Song};

/// The channel of percussion, from 0.
const DRUMS: u8 = 9;
/// Where in a file its division of time is stated.
const DIVISION: usize = 12;

/// What a file holds: a song without a name, and its markers.
pub struct Played {
    /// Metre, keys, tempi and parts: one for each track, channel and program.
    pub song: Song,
    /// Texts of markers.
    pub markers: Vec<(Ticks, String)>,
}

/// Reads a file; `meter` stands in for its own time signatures.
pub fn read(bytes: &[u8], meter: Option<(u8, u8)>) -> Result<Played, String> {
    let in_frames = || "time in frames, not in beats".to_owned();
    // Looked up here as well: the library overflows on a rate of 128 frames.
    if bytes.get(DIVISION).is_some_and(|division| division & 0x80 != 0) {
        return Err(in_frames());
    }
    let file = Smf::parse(bytes).map_err(|e| format!("no MIDI file: {e}"))?;
    let Timing::Metrical(quarter) = file.header.timing else { return Err(in_frames()) };
    let quarter = i64::from(quarter.as_int());
    if quarter == 0 {
        return Err("no ticks in a quarter".to_owned());
    }
    let ticks = |at: i64| Ticks((at * TICKS_PER_QUARTER + quarter / 2) / quarter);
    let (mut song, mut markers, mut meters) = (Song::default(), Vec::new(), Vec::new());
    for track in &file.tracks {
        let mut name = String::new();
        let mut at = 0i64;
        let mut programs = [None; 16];
        let mut open: BTreeMap<(u8, u8), (Ticks, u8, Option<u8>)> = BTreeMap::new();
        let mut notes: BTreeMap<(u8, Option<u8>), Vec<Note>> = BTreeMap::new();
        let close = |notes: &mut BTreeMap<(u8, Option<u8>), Vec<Note>>,
                     (channel, pitch): (u8, u8),
                     (start, velocity, program): (Ticks, u8, Option<u8>),
                     end: Ticks| {
            let length = TickCount((end - start).0.max(1));
            let note = Note { start, pitch, length, velocity: Some(velocity), offset: TickCount(0) };
            notes.entry((channel, program)).or_default().push(note);
        };
        for event in track {
            at += i64::from(event.delta.as_int());
            let now = ticks(at);
            match event.kind {
                TrackEventKind::Midi { channel, message } => {
                    let channel = channel.as_int();
                    match message {
                        MidiMessage::ProgramChange { program } => {
                            programs[usize::from(channel)] = Some(program.as_int());
                        }
                        MidiMessage::NoteOn { key, vel } | MidiMessage::NoteOff { key, vel } => {
                            let place = (channel, key.as_int());
                            if let Some(began) = open.remove(&place) {
                                close(&mut notes, place, began, now);
                            }
                            if matches!(message, MidiMessage::NoteOn { .. }) && vel > 0 {
                                open.insert(place, (now, vel.as_int(), programs[usize::from(channel)]));
                            }
                        }
                        _ => {}
                    }
                }
                TrackEventKind::Meta(MetaMessage::TrackName(text)) if name.is_empty() => {
                    name = String::from_utf8_lossy(text).trim().to_owned();
                }
                TrackEventKind::Meta(MetaMessage::Marker(text)) => {
                    markers.push((now, String::from_utf8_lossy(text).trim().to_owned()));
                }
                TrackEventKind::Meta(MetaMessage::Tempo(micros)) if micros > 0 => {
                    song.tempos.push((now, 60e6 / f64::from(micros.as_int())));
                }
                TrackEventKind::Meta(MetaMessage::KeySignature(fifths, is_minor)) => {
                    let mode = Some(if is_minor { Mode::Minor } else { Mode::Major });
                    song.keys.push(KeyChange { start: now, fifths: fifths.clamp(-7, 7), mode });
                }
                TrackEventKind::Meta(MetaMessage::TimeSignature(beats, power, _, _)) => {
                    if beats == 0 || power > 5 {
                        return Err(format!("metre {beats}/2^{power}"));
                    }
                    meters.push((now, (beats, 1 << power)));
                }
                _ => {}
            }
        }
        for (place, began) in open {
            close(&mut notes, place, began, ticks(at));
        }
        for ((channel, program), notes) in notes {
            let role = if channel == DRUMS { Role::Drums } else { Role::Pitched };
            song.parts.push(Part { name: name.clone(), role, program, staff: 1, voice: 1, notes });
        }
    }
    if let Some(meter) = meter {
        meters = vec![(Ticks(0), meter)];
    }
    let sounds = song.parts.iter().flat_map(|part| &part.notes);
    let end = sounds.clone().map(|note| note.start.0 + note.length.0).max().ok_or("no notes")?;
    if end > super::MAX_TICKS {
        return Err("longer than a day".to_owned());
    }
    bars(&mut song, meters, Ticks(end));
    song.keys.retain(|key| key.start.0 < end);
    song.tempos.retain(|tempo| tempo.0.0 < end);
    song.keys.sort_by_key(|key| key.start);
    song.tempos.sort_by_key(|tempo| tempo.0);
    song.keys.dedup_by(|later, first| (later.fifths, later.mode) == (first.fifths, first.mode));
    song.tempos.dedup_by(|later, first| later.1 == first.1);
    markers.retain(|marker| marker.0.0 < end);
    markers.sort();
    Ok(Played { song, markers })
}

/// Bars up to the end. A metre that begins within a bar cuts it short; without any it is 4/4, as the standard has it.
fn bars(song: &mut Song, mut meters: Vec<(Ticks, (u8, u8))>, end: Ticks) {
    meters.sort();
    if meters.first().is_none_or(|(start, _)| start.0 > 0) {
        meters.insert(0, (Ticks(0), (4, 4)));
    }
    for (index, (start, (beats, unit))) in meters.iter().enumerate() {
        let full = 4 * TICKS_PER_QUARTER * i64::from(*beats) / i64::from(*unit);
        let next = meters.get(index + 1).map(|(next, _)| *next).filter(|next| *next < end);
        let span = (next.unwrap_or(end) - *start).0;
        if span <= 0 {
            continue;
        }
        let whole = if next.is_some() { span / full } else { (span + full - 1) / full };
        let run = |count: i64, length: i64| super::BarRun {
            count: u32::try_from(count).unwrap_or(u32::MAX),
            beats: *beats,
            unit: *unit,
            length: TickCount(length),
        };
        if whole > 0 {
            match song.bars.last_mut() {
                Some(last) if (last.beats, last.unit, last.length.0) == (*beats, *unit, full) => {
                    last.count += run(whole, full).count;
                }
                _ => song.bars.push(run(whole, full)),
            }
        }
        if next.is_some() && span % full > 0 {
            song.bars.push(run(1, span % full));
        }
    }
}
