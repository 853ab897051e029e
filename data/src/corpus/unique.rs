//! Songs that are there twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Note, Role, Song};

/// Melodies of fewer notes say nothing.
const LEAST_NOTES: usize = 8;

/// What of a song is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The melody, with those of every other set.
    Melody,
    /// All that sounds.
    Everything,
}

/// (Semitones from the note before, ticks since its start, length): the same in every key.
type Line = Vec<(i16, i64, i64)>;

/// The songs that were seen.
#[derive(Debug, Default)]
pub struct Seen {
    lines: HashMap<(Basis, Line), String>,
}

impl Seen {
    /// Takes note of a song; the name of the one before it that is the same, if there is one.
    ///
    /// Two songs are the same if their lines are equal in every interval, every distance of onsets and every length.
    /// A song without a melody is compared in all that sounds.
    pub fn before(&mut self, song: &Song, basis: Basis, label: &str) -> Option<String> {
        let melody = song.parts.iter().find(|part| part.role == Role::Melody);
        let (basis, notes) = match melody.filter(|_| basis == Basis::Melody) {
            Some(melody) => (Basis::Melody, melody.notes.clone()),
            None => {
                let mut notes: Vec<Note> =
                    song.parts.iter().flat_map(|part| part.notes.iter().copied()).collect();
                notes.sort_unstable();
                (Basis::Everything, notes)
            }
        };
        if notes.len() < LEAST_NOTES {
            return None;
        }
        let first = (0, 0, notes[0].length.0);
        let steps = notes.windows(2).map(|pair| {
            let [from, to] = pair else { return first };
            let played = |note: &Note| note.start.0 + note.offset.0;
            (i16::from(to.pitch) - i16::from(from.pitch), played(to) - played(from), to.length.0)
        });
        let line: Line = std::iter::once(first).chain(steps).collect();
        match self.lines.entry((basis, line)) {
            Entry::Occupied(known) => Some(known.get().clone()),
            Entry::Vacant(place) => {
                place.insert(label.to_owned());
                None
            }
        }
    }
}
