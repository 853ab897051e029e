//! Keys found in melodies whose key is written, and what the search for them is learnt from.

use std::path::Path;

use collavoce::follow::key::melodies::Songs;
use collavoce::follow::key::{KeyNote, rank_keys};
use collavoce::score::{Key, MidiNote, Mode};

use crate::sections::pop909;
use collavoce_data::songs::{self, Split};
use collavoce_data::tune::Tune;

/// Seconds of a beat: keys are found from how long notes last.
const BEAT_S: f64 = 0.6;
/// Beats of a verse.
const VERSE_BEATS: f64 = 32.0;
/// Fewest notes that are taken for a verse.
const VERSE_NOTES: usize = 8;
/// One note in so many is sung a semitone beside where it is written.
const WRONG_NOTES: usize = 16;
/// How often a set counts: lead sheets are few, and nearest to what people sing today.
const WEIGHTS: [(&str, f64); 2] = [("folk tunes", 1.0), ("lead sheets", 4.0)];
/// Both modes by name.
const MODES: [(Mode, &str); 2] = [(Mode::Major, "major"), (Mode::Minor, "minor")];

/// Prints how degrees are used in the songs that are counted.
pub fn learn(folder: &Path) -> anyhow::Result<()> {
    let mut counted = [Songs::default(), Songs::default()];
    let mut sources = String::from(
        "# Degrees of open melodies, tonic first, counted by `cargo xtask eval degrees`: how long notes are, last notes\n\
         # of phrases, last and first notes of all, and steps from each degree to each.\n",
    );
    for set in songs::read(&folder.join("data/scores"))? {
        let Some((_, weight)) = WEIGHTS.iter().find(|(name, _)| *name == set.name) else { continue };
        let mut used = [0, 0];
        for (_, tune) in set.tunes.iter().filter(|(split, tune)| *split == Split::Learn && is_song(tune)) {
            let mode = usize::from(tune.key.mode == Mode::Minor);
            counted[mode].add(&notes(tune), tune.key.tonic, *weight);
            used[mode] += 1;
        }
        sources +=
            &format!("# {}: {} in major, {} in minor, counted {weight} times\n", set.name, used[0], used[1]);
    }
    sources += "# folk tunes: the Nottingham music database (GPL-3.0); lead sheets: OpenEWLD, works first performed by 1930\n\
                # (public domain). Seven songs in ten are counted, chosen by their name.\n";
    print!("{sources}");
    for ((_, name), songs) in MODES.iter().zip(&counted) {
        print!("{name}\n{}", songs.write());
    }
    Ok(())
}

/// Prints how often the first, or one of the first two keys is the written one: of whole songs, and of a verse of each
/// with some notes sung wrong.
pub fn run(folder: &Path, validate: bool) -> anyhow::Result<()> {
    let wanted = if validate { Split::Validate } else { Split::Develop };
    println!("{:12} {:6} {:>6} {:>13} {:>13}", "", "", "", "whole songs", "verses");
    println!(
        "{:12} {:6} {:>6} {:>6} {:>6} {:>6} {:>6}",
        "set", "mode", "songs", "exact", "in two", "exact", "in two"
    );
    // The voices of art songs do not say whether they are in major or in minor.
    for set in songs::read(&folder.join("data/scores"))?.into_iter().filter(|set| set.name != "art songs") {
        let tunes = set.tunes.iter().filter(|(split, tune)| *split == wanted && is_song(tune));
        let songs: Vec<_> = tunes.map(|(_, tune)| (tune.key, notes(tune))).collect();
        print_rows(set.name, &songs);
    }
    if validate {
        print_rows("POP909", &pop909::in_one_key(&folder.join("data/evaluation_only"), BEAT_S)?);
    }
    Ok(())
}

fn print_rows(set: &str, songs: &[(Key, Vec<KeyNote>)]) {
    for (mode, name) in MODES {
        let (mut count, mut found) = (0, [0; 4]);
        for (place, (key, notes)) in songs.iter().enumerate().filter(|(_, (key, _))| key.mode == mode) {
            count += 1;
            for (at, sung) in [notes.clone(), verse(notes, place)].iter().enumerate() {
                let ranked = rank_keys(sung);
                let rank = ranked.iter().position(|guess| guess.key == *key);
                found[2 * at] += usize::from(rank == Some(0));
                found[2 * at + 1] += usize::from(rank.is_some_and(|rank| rank < 2));
            }
        }
        let share = found.map(|sum| format!("{:>6.3}", sum as f64 / count.max(1) as f64));
        println!("{set:12} {name:6} {count:>6} {}", share.join(" "));
    }
}

fn is_song(tune: &Tune) -> bool {
    tune.melody.len() > VERSE_NOTES
}

/// The notes of a melody as the search for keys hears them.
pub fn notes(tune: &Tune) -> Vec<KeyNote> {
    let second = |ticks: i64| ticks as f64 / tune.meter.beat().0 as f64 * BEAT_S;
    let note = |(start, end, midi): &(collavoce::time::Ticks, collavoce::time::Ticks, u8)| KeyNote {
        pitch: MidiNote(*midi),
        onset_s: second(start.0),
        offset_s: second(end.0),
    };
    tune.melody.iter().map(note).collect()
}

/// Some beats of a song from a note on that depends on its place, with some notes sung wrong.
fn verse(notes: &[KeyNote], place: usize) -> Vec<KeyNote> {
    let from = place * 37 % notes.len();
    let until_s = notes[from].onset_s + VERSE_BEATS * BEAT_S;
    let mut verse: Vec<KeyNote> =
        notes[from..].iter().copied().take_while(|note| note.onset_s < until_s).collect();
    if verse.len() < VERSE_NOTES {
        verse = notes.to_vec();
    }
    for (index, note) in
        verse.iter_mut().enumerate().filter(|(index, _)| (index + place).is_multiple_of(WRONG_NOTES))
    {
        note.pitch = MidiNote(if index % 2 == 0 { note.pitch.0 + 1 } else { note.pitch.0 - 1 });
    }
    verse
}
