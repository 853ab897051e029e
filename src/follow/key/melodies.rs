//! What open scores tell of the degrees of melodies in major and in minor.
//!
//! `melodies.txt` is counted by `cargo xtask eval degrees`; its header names the sources.

use super::KeyNote;
use crate::score::PitchClass;

/// Longest time that a note counts as dwelt on, in seconds.
const LONGEST_S: f64 = 1.5;
/// A rest after which a phrase has ended, in seconds.
const REST_S: f64 = 0.36;
/// A note as long as this ends a phrase, in seconds.
const ENDING_S: f64 = 1.2;
/// Longest time that a note counts as an end, in seconds.
const LONGEST_END_S: f64 = 1.8;
/// Notes that a song counts for, however many it has.
const SONG_NOTES: f64 = 40.0;
/// Counts of everything before anything is counted.
const BEFORE: Counts<f64> = Counts { dwells: 5.0, steps: 0.5, ends: 2.0, last: 1.0, first: 1.0 };

/// Kinds of evidence for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts<T, S = T> {
    /// How long notes are.
    pub dwells: T,
    /// From one note to the next.
    pub steps: S,
    /// Last notes of phrases.
    pub ends: T,
    /// The last note of all.
    pub last: T,
    /// The first note of all.
    pub first: T,
}

/// Counts by pitch class; steps by the class of the first and of the second note.
pub type Classes = Counts<[f64; 12], [[f64; 12]; 12]>;

/// Counts the notes of a melody by their pitch class, C first.
pub fn count(notes: &[KeyNote]) -> Classes {
    let mut counts = nothing();
    let class = |note: &KeyNote| usize::from(note.pitch.pitch_class().0);
    for (index, note) in notes.iter().enumerate() {
        let length_s = (note.offset_s - note.onset_s).max(0.0);
        counts.dwells[class(note)] += length_s.min(LONGEST_S);
        let next = notes.get(index + 1);
        if let Some(next) = next {
            counts.steps[class(note)][class(next)] += 1.0;
        }
        if length_s >= ENDING_S || next.is_none_or(|next| next.onset_s - note.offset_s > REST_S) {
            counts.ends[class(note)] += length_s.min(LONGEST_END_S);
        }
    }
    if let (Some(first), Some(last)) = (notes.first(), notes.last()) {
        counts.first[class(first)] = 1.0;
        counts.last[class(last)] = 1.0;
    }
    counts
}

fn nothing() -> Classes {
    Counts { dwells: [0.0; 12], steps: [[0.0; 12]; 12], ends: [0.0; 12], last: [0.0; 12], first: [0.0; 12] }
}

/// The degree of a pitch class above a tonic.
fn degree(class: usize, tonic: PitchClass) -> usize {
    (class + 12 - usize::from(tonic.0)) % 12
}

/// Sums of counts of several songs by degree, tonic first.
#[derive(Debug, Clone, PartialEq)]
pub struct Songs(Classes);

impl Default for Songs {
    fn default() -> Self {
        Self(nothing())
    }
}

impl Songs {
    /// Adds a song in a key, as if it were sung several times. Every song counts alike, however long it is.
    pub fn add(&mut self, notes: &[KeyNote], tonic: PitchClass, times: f64) {
        let song = count(notes);
        let share = times * SONG_NOTES / notes.len().max(1) as f64;
        for class in 0..12 {
            let degree_of = degree(class, tonic);
            self.0.dwells[degree_of] += share * song.dwells[class];
            self.0.ends[degree_of] += share * song.ends[class];
            self.0.last[degree_of] += times * song.last[class];
            self.0.first[degree_of] += times * song.first[class];
            for next in 0..12 {
                self.0.steps[degree_of][degree(next, tonic)] += share * song.steps[class][next];
            }
        }
    }

    /// The counts as text.
    pub fn write(&self) -> String {
        let list = |counts: &[f64; 12]| counts.iter().map(|count| format!(" {count:.1}")).collect::<String>();
        let mut text = String::new();
        for (name, counts) in [
            ("dwells", &self.0.dwells),
            ("ends", &self.0.ends),
            ("last", &self.0.last),
            ("first", &self.0.first),
        ] {
            text += &format!("{name}{}\n", list(counts));
        }
        self.0.steps.iter().for_each(|row| text += &format!("steps{}\n", list(row)));
        text
    }

    fn read(&mut self, line: &str, row: &mut usize) {
        let mut words = line.split_whitespace();
        let place = match words.next() {
            Some("dwells") => &mut self.0.dwells,
            Some("ends") => &mut self.0.ends,
            Some("last") => &mut self.0.last,
            Some("first") => &mut self.0.first,
            Some("steps") if *row < 12 => {
                *row += 1;
                &mut self.0.steps[*row - 1]
            }
            _ => return,
        };
        place.iter_mut().zip(words).for_each(|(count, word)| *count = word.parse().unwrap_or(0.0));
    }
}

/// Probabilities of degrees, as logarithms.
#[derive(Debug, Clone, PartialEq)]
pub struct Degrees(Classes);

impl Degrees {
    fn of(songs: &Songs) -> Self {
        let Songs(counts) = songs;
        Self(Counts {
            dwells: log_shares(&counts.dwells, BEFORE.dwells),
            steps: counts.steps.map(|row| log_shares(&row, BEFORE.steps)),
            ends: log_shares(&counts.ends, BEFORE.ends),
            last: log_shares(&counts.last, BEFORE.last),
            first: log_shares(&counts.first, BEFORE.first),
        })
    }

    /// How likely a melody is in a key on a tonic: the mean of each kind of evidence, by its weight.
    pub fn likelihood(&self, heard: &Classes, tonic: PitchClass, weights: &Counts<f64>) -> f64 {
        let Self(usual) = self;
        let mean = |heard: &[f64; 12], usual: &[f64; 12]| {
            let total: f64 = heard.iter().sum();
            let sum: f64 = (0..12).map(|class| heard[class] * usual[degree(class, tonic)]).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        };
        let steps: f64 = heard.steps.iter().flatten().sum();
        let stepped: f64 = (0..12)
            .flat_map(|from| (0..12).map(move |to| (from, to)))
            .map(|(from, to)| heard.steps[from][to] * usual.steps[degree(from, tonic)][degree(to, tonic)])
            .sum();
        weights.dwells * mean(&heard.dwells, &usual.dwells)
            + weights.steps * stepped / steps.max(1.0)
            + weights.ends * mean(&heard.ends, &usual.ends)
            + weights.last * mean(&heard.last, &usual.last)
            + weights.first * mean(&heard.first, &usual.first)
    }
}

fn log_shares(counts: &[f64; 12], before: f64) -> [f64; 12] {
    let total: f64 = counts.iter().map(|count| count + before).sum();
    counts.map(|count| ((count + before) / total).ln())
}

/// What was counted, major first.
pub fn learnt() -> [Degrees; 2] {
    let mut songs = [Songs::default(), Songs::default()];
    let (mut mode, mut row) = (0, 0);
    for line in include_str!("melodies.txt").lines() {
        match line {
            "major" | "minor" => (mode, row) = (usize::from(line == "minor"), 0),
            _ => songs[mode].read(line, &mut row),
        }
    }
    songs.map(|songs| Degrees::of(&songs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::MidiNote;

    #[test]
    fn what_is_written_is_read_again() {
        let note = |pitch, onset_s| KeyNote { pitch: MidiNote(pitch), onset_s, offset_s: onset_s + 0.5 };
        let mut songs = Songs::default();
        songs.add(&[note(62, 0.0), note(66, 0.5), note(69, 1.0)], PitchClass(2), 3.0);
        let (mut read, mut row) = (Songs::default(), 0);
        songs.write().lines().for_each(|line| read.read(line, &mut row));
        assert_eq!(read, songs);
        assert_eq!(read.0.steps[0][4], 40.0);
    }

    #[test]
    fn melodies_end_on_their_tonic() {
        for Degrees(usual) in learnt() {
            let likeliest = (0..12).max_by(|a, b| usual.last[*a].total_cmp(&usual.last[*b]));
            assert_eq!(likeliest, Some(0));
            assert!(usual.steps.iter().flatten().all(|p| p.is_finite() && *p < 0.0));
        }
    }
}
