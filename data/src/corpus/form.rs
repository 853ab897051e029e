//! The form in files: a line of JSON that names the set, then a line for each song.

use std::io::{BufRead, Write};

use anyhow::{Context as _, ensure};
use collavoce::time::{TICKS_PER_QUARTER, TickCount, Ticks};
use serde::{Deserialize, Serialize};

use super::{Note, Part, Role, Song};

/// Version of the form.
const VERSION: u32 = 1;

/// The first line of a file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    corpus: String,
    version: u32,
    ticks_per_quarter: i64,
}

/// Writes the songs of a set.
pub fn write<'a>(
    mut to: impl Write,
    set: &str,
    songs: impl IntoIterator<Item = &'a Song>,
) -> anyhow::Result<()> {
    let head = Head { corpus: set.to_owned(), version: VERSION, ticks_per_quarter: TICKS_PER_QUARTER };
    serde_json::to_writer(&mut to, &head)?;
    to.write_all(b"\n")?;
    for song in songs {
        serde_json::to_writer(&mut to, song)?;
        to.write_all(b"\n")?;
    }
    Ok(to.flush()?)
}

/// Reads a set: its name and its songs.
///
/// # Errors
///
/// Says which line is not of this form, or which song breaks its rules.
pub fn read(from: impl BufRead) -> anyhow::Result<(String, Vec<Song>)> {
    let mut lines = from.lines();
    let head = lines.next().context("the file is empty")??;
    let head: Head = serde_json::from_str(&head).context("line 1 is no head of a corpus")?;
    ensure!(head.version == VERSION, "the form's version must be {VERSION}, but is {}", head.version);
    ensure!(
        head.ticks_per_quarter == TICKS_PER_QUARTER,
        "ticks of a quarter must be {TICKS_PER_QUARTER}, but are {}",
        head.ticks_per_quarter
    );
    let mut songs = Vec::new();
    for (index, line) in lines.enumerate() {
        let number = index + 2;
        let song: Song = serde_json::from_str(&line?).with_context(|| format!("line {number} is no song"))?;
        song.check().map_err(anyhow::Error::msg).with_context(|| format!("line {number}"))?;
        songs.push(song);
    }
    Ok((head.corpus, songs))
}

/// A part as it stands in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PartRow {
    name: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<u8>,
    staff: u8,
    voice: u8,
    /// Numbers a note: 3 = ticks since the start before, length, pitch; 4 = also velocity; 5 = also offset.
    columns: u8,
    notes: Vec<i64>,
}

impl From<Part> for PartRow {
    fn from(part: Part) -> Self {
        let columns = if part.notes.iter().any(|note| note.offset.0 != 0) {
            5
        } else if part.notes.iter().any(|note| note.velocity.is_some()) {
            4
        } else {
            3
        };
        let mut notes = Vec::with_capacity(part.notes.len() * usize::from(columns));
        let mut before = Ticks(0);
        for note in &part.notes {
            let velocity = note.velocity.map_or(0, i64::from);
            let row =
                [(note.start - before).0, note.length.0, i64::from(note.pitch), velocity, note.offset.0];
            notes.extend_from_slice(&row[..usize::from(columns)]);
            before = note.start;
        }
        let Part { name, role, program, staff, voice, .. } = part;
        Self { name, role, program, staff, voice, columns, notes }
    }
}

impl TryFrom<PartRow> for Part {
    type Error = String;
    fn try_from(row: PartRow) -> Result<Self, String> {
        let columns = usize::from(row.columns);
        if !(3..=5).contains(&columns) || !row.notes.len().is_multiple_of(columns) {
            return Err(format!("{} numbers are no notes of {columns} each", row.notes.len()));
        }
        let mut start = 0i64;
        let mut notes = Vec::with_capacity(row.notes.len() / columns);
        for values in row.notes.chunks_exact(columns) {
            start = start.checked_add(values[0]).ok_or("a note beyond all numbers")?;
            let byte = |value: i64| u8::try_from(value).map_err(|_| format!("{value} is no number of MIDI"));
            let velocity = byte(values.get(3).copied().unwrap_or(0))?;
            notes.push(Note {
                start: Ticks(start),
                length: TickCount(values[1]),
                pitch: byte(values[2])?,
                velocity: (velocity > 0).then_some(velocity),
                offset: TickCount(values.get(4).copied().unwrap_or(0)),
            });
        }
        let PartRow { name, role, program, staff, voice, .. } = row;
        Ok(Self { name, role, program, staff, voice, notes })
    }
}

/// Chords as `[start, length, symbol]`.
pub(super) mod chords {
    use collavoce::score::{ChordSpan, ChordSymbol};
    use collavoce::time::{TickCount, Ticks};
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes them.
    pub fn serialize<S: Serializer>(chords: &[ChordSpan], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(chords.iter().map(|span| (span.start, span.length, span.chord)))
    }

    /// Reads them.
    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<ChordSpan>, D::Error> {
        let rows = Vec::<(Ticks, TickCount, ChordSymbol)>::deserialize(from)?;
        Ok(rows.into_iter().map(|(start, length, chord)| ChordSpan { start, length, chord }).collect())
    }
}
