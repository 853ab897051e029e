//! What composers did: how often the notes of a melody that lie on strong places of the bar clash with what accompanies
//! them.

use std::path::Path;

use anyhow::Context as _;
use collavoce::time::{TickCount, Ticks};
use collavoce_data::corpus::sets::SETS;
use collavoce_data::corpus::{BarRun, Role, Song};
use collavoce_data::songs::{self, Split};
use collavoce_data::tune::Tune;

use super::measure::clashes;

/// Prints the share of strong notes that clash, in the scores on which figures are reported.
pub fn run(scores: &Path) -> anyhow::Result<()> {
    println!("sung notes on strong places that clash with what is written, in scores for validation:");
    for set in songs::read(scores)? {
        if set.name == "art songs" {
            continue;
        }
        let tunes = set.tunes.iter().filter(|(side, _)| *side == Split::Validate);
        print(&format!("{}, chord symbols", set.name), tunes.map(|(_, tune)| with_symbols(tune)));
    }
    let set = SETS.iter().find(|set| set.name == "lieder").context("there is no set of art songs")?;
    let found = set.read(scores, &mut |_| {})?;
    let songs = found.entries.iter().filter(|entry| entry.side == Split::Validate);
    print("art songs, sounding notes of the piano", songs.map(|entry| with_notes(&entry.song)));
    Ok(())
}

fn print(name: &str, songs: impl Iterator<Item = Vec<bool>>) {
    let (mut clashing, mut all) = (0usize, 0usize);
    for song in songs {
        clashing += song.iter().filter(|clash| **clash).count();
        all += song.len();
    }
    println!("  {name:40} {:.3} of {all}", clashing as f64 / all.max(1) as f64);
}

/// Of a melody with chord symbols.
fn with_symbols(tune: &Tune) -> Vec<bool> {
    let bar = tune.meter.bar();
    let step = if tune.meter.beats_per_bar() == 4 { bar / 2 } else { bar };
    let strong = tune.melody.iter().filter(|note| (note.0 - Ticks(0)).0 % step.0 == 0);
    let against = |(at, _, pitch): &(Ticks, Ticks, u8)| {
        let chord = tune.chords.iter().find(|span| span.start <= *at && *at < span.start + span.length)?;
        clashes(*pitch, chord.chord.pitch_classes().map(|tone| tone.0))
    };
    strong.filter_map(against).collect()
}

/// Of a voice with notes that sound when it strikes.
fn with_notes(song: &Song) -> Vec<bool> {
    let of =
        |role: Role| song.parts.iter().filter(move |part| part.role == role).flat_map(|part| &part.notes);
    let strong = strong_places(&song.bars);
    let sung = of(Role::Melody).filter(|note| strong.binary_search(&note.start).is_ok());
    let against = |at: Ticks, pitch: u8| {
        let sounding = of(Role::Pitched).filter(|tone| tone.start <= at && at < tone.start + tone.length);
        clashes(pitch, sounding.map(|tone| tone.pitch))
    };
    sung.filter_map(|note| against(note.start, note.pitch)).collect()
}

/// Bar lines, and the middles of bars of four.
fn strong_places(bars: &[BarRun]) -> Vec<Ticks> {
    let mut at = Ticks(0);
    let mut places = Vec::new();
    for run in bars {
        let is_four = (run.beats == 4 || run.beats == 12) && run.length == whole(run);
        for _ in 0..run.count {
            places.push(at);
            places.extend(is_four.then_some(at + run.length / 2));
            at += run.length;
        }
    }
    places
}

/// What a bar of a metre lasts.
fn whole(run: &BarRun) -> TickCount {
    TickCount(i64::from(run.beats) * 4 * collavoce::time::TICKS_PER_QUARTER / i64::from(run.unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_places_are_bar_lines_and_middles_of_four() {
        let quarter = collavoce::time::TICKS_PER_QUARTER;
        let run = |count, beats: u8, quarters: i64| BarRun {
            count,
            beats,
            unit: 4,
            length: TickCount(quarters * quarter),
        };
        let places = strong_places(&[run(1, 4, 1), run(1, 4, 4), run(2, 3, 3)]);
        let quarters: Vec<i64> = places.iter().map(|at| (*at - Ticks(0)).0 / quarter).collect();
        assert_eq!(quarters, [0, 1, 3, 5, 8]);
    }
}
