//! Folk tunes in ABC.

use collavoce::time::{TickCount, Ticks};

use super::scores::spans;
use super::{KeyChange, LeftOut, Note, Part, Role, Song};
use crate::abc::Written;

/// A tune with its bars as they are written; halves of a bar around a repeat sign are made one.
pub fn song(tune: &Written, left_out: &mut LeftOut) -> Result<Song, String> {
    for (what, count) in
        [("chord symbols not understood", tune.unknown_chords), ("grace notes", tune.grace_notes)]
    {
        *left_out.entry(what).or_default() += count;
    }
    let mut song = Song { group: tune.name.clone(), ..Song::default() };
    let mut half: Option<((u8, u8), i64)> = None;
    for (index, (start, end, double)) in tune.bars.iter().enumerate() {
        let meter = tune.meters.iter().rev().find(|(from, _)| from <= start).map_or((4, 4), |(_, m)| *m);
        let (full, length) = (3840 * i64::from(meter.0) / i64::from(meter.1), end - start);
        match half.take() {
            Some((before, open)) if before == meter && open + length == full => {
                song.push_bar(meter, TickCount(full));
            }
            before => {
                if let Some((meter, open)) = before {
                    song.push_bar(meter, TickCount(open));
                }
                if index > 0 && length < full {
                    half = Some((meter, length));
                } else {
                    song.push_bar(meter, TickCount(length));
                }
            }
        }
        if *double && index + 1 < tune.bars.len() {
            song.sections.push((Ticks(*end), String::new()));
        }
    }
    if let Some((meter, open)) = half {
        song.push_bar(meter, TickCount(open));
    }
    let end = song.end().ok_or("bars without end")?;
    song.keys = tune
        .keys
        .iter()
        .map(|(start, key)| KeyChange { start: Ticks(*start), fifths: key.fifths(), mode: Some(key.mode) })
        .collect();
    song.keys.retain(|key| key.start < end);
    let chords: Vec<_> = tune.chords.iter().map(|(at, chord)| (*at, Some(*chord))).collect();
    song.chords = spans(&chords, end);
    let notes = tune.notes.iter().filter(|(start, end, _)| end > start).map(|(start, end, pitch)| Note {
        start: *start,
        pitch: *pitch,
        length: *end - *start,
        velocity: None,
        offset: TickCount(0),
    });
    let notes = notes.collect();
    song.parts.push(Part {
        name: "melody".to_owned(),
        role: Role::Melody,
        program: None,
        staff: 1,
        voice: 1,
        notes,
    });
    song.finish()
}
