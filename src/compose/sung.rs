//! Scores of made-up singing, for tests.

use crate::score::{BarNumber, ChordSpan, MelodyNote, MidiNote, Phrase, Score, Section};
use crate::time::{Bpm, Meter, TempoMap, TickCount, Ticks};

/// A beat of 4/4.
pub const BEAT: TickCount = TickCount(960);

/// A note from one beat of the song to another, with its pitch and level.
pub type Row = (f64, f64, u8, f64);

/// A position by its beat.
pub fn at(beat: f64) -> Ticks {
    Ticks((beat * BEAT.0 as f64).round() as i64)
}

/// A song in C and 4/4 at 120 beats a minute, a chord a bar, in sections of four bars that are named as given.
pub fn score(bars: u32, rows: &[Row], labels: &[&str], energy: f64) -> Score {
    let melody: Vec<MelodyNote> = rows
        .iter()
        .map(|(from, to, pitch, level_dbfs)| MelodyNote {
            start: at(*from),
            length: at(*to) - at(*from),
            pitch: MidiNote(*pitch),
            onset_s: from / 2.0,
            offset_s: to / 2.0,
            sung_midi: f64::from(*pitch),
            level_dbfs: *level_dbfs,
        })
        .collect();
    let names = ["C", "F", "G", "Am"];
    let chords = (0..bars).map(|bar| ChordSpan {
        start: at(4.0 * f64::from(bar)),
        length: BEAT * 4,
        chord: names[bar as usize % names.len()].parse().expect("a chord"),
    });
    let sections = labels.iter().zip(0..).map(|(label, index)| Section {
        label: (*label).to_owned(),
        first: BarNumber(4 * index + 1),
        bars: 4,
        energy,
        role: None,
    });
    let mut phrases: Vec<Phrase> = Vec::new();
    for note in &melody {
        match phrases.last_mut() {
            Some(last) if (note.start - last.end).0 < 480 => last.end = note.end(),
            _ => phrases.push(Phrase {
                start: note.start,
                end: note.end(),
                breath_before: true,
                level_db: 0.0,
            }),
        }
    }
    Score {
        meter: Meter::FOUR_FOUR,
        key: "C".parse().expect("a key"),
        tempo: TempoMap::constant(Bpm(120.0), Meter::FOUR_FOUR.beat()),
        lead_in_bars: 0,
        bars,
        sections: sections.collect(),
        phrases,
        chords: chords.collect(),
        melody,
        tuning: Vec::new(),
        parts: Vec::new(),
        usual_level_dbfs: None,
    }
}

/// Lines of four bars on one pitch: notes of a beat, and a rest at the end of each that lasts some beats.
pub fn lines(count: usize, rest: usize) -> Vec<Row> {
    let beats = (0..count).flat_map(|line| (0..16 - rest).map(move |beat| 16 * line + beat));
    beats.map(|beat| (beat as f64, beat as f64 + 1.0, 64, -20.0)).collect()
}
