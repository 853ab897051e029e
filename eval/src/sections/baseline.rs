//! Simple ways to find sections, to compare with.

use collavoce::score::MelodyNote;
use collavoce::time::{TickCount, Ticks};

use super::measure::Labelled;
use super::pop909::Song;

/// From the first sung bar on, a section of another letter every eight bars; before and after it nothing is sung.
pub fn every_eight(song: &Song) -> Labelled {
    let (first, end) = sung(song);
    let mut sections = vec![("intro".to_owned(), first)];
    sections.extend((first..end).step_by(8).map(|at| (at.to_string(), 8.min(end - at))));
    sections.push(("outro".to_owned(), song.bars - end));
    Labelled::new(sections)
}

/// What the engine did before it compared the melody with itself: a section begins with the phrase after eight bars or
/// after two bars of rest, and has the letter of the first one with which it has half of its places in common.
pub fn bar_counts(song: &Song) -> Labelled {
    let bar = song.meter.bar().0;
    let bar_of = |at: Ticks| (at.0.div_euclid(bar)).max(0) as usize;
    let (_, sung_end) = sung(song);
    let mut starts: Vec<(usize, bool)> = Vec::new();
    let mut last_end: Option<Ticks> = None;
    for phrase in &song.phrases {
        let pickup = phrase.start.0.rem_euclid(bar) * 2 >= bar;
        let first = bar_of(phrase.start) + usize::from(pickup);
        let rest = last_end.map_or(0, |end| (phrase.start - end).0);
        let full = starts.last().is_none_or(|(start, _)| first >= start + 8);
        if rest >= bar * 2 {
            let quiet = last_end.map_or(first, |end| bar_of(end - TickCount(1)) + 1);
            if quiet < first {
                starts.push((quiet, true));
            }
            starts.push((first, false));
        } else if full {
            starts.push((first, false));
        }
        last_end = Some(phrase.end);
    }
    let mut sections = vec![("intro".to_owned(), starts.first().map_or(0, |(start, _)| *start))];
    let mut letters: Vec<(usize, usize, usize)> = Vec::new();
    for (index, (start, is_rest)) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(sung_end, |(next, _)| *next);
        if end <= *start {
            continue;
        }
        let label = if *is_rest {
            "rest".to_owned()
        } else {
            let alike = letters.iter().find(|(s, e, _)| in_common(song, (*s, *e), (*start, end)) >= 0.5);
            let letter = alike.map_or_else(
                || letters.iter().map(|(_, _, letter)| letter + 1).max().unwrap_or(0),
                |(_, _, letter)| *letter,
            );
            letters.push((*start, end, letter));
            letter.to_string()
        };
        sections.push((label, end - start));
    }
    let cut: usize = sections.iter().map(|(_, bars)| bars).sum();
    sections.push(("outro".to_owned(), song.bars.saturating_sub(cut)));
    Labelled::new(sections)
}

/// The first sung bar, and the one after the last; a pickup belongs to the bar that it leads to.
fn sung(song: &Song) -> (usize, usize) {
    let bar = song.meter.bar().0;
    let first = song.notes.first().map_or(0, |note| (note.start.0 + bar / 2).div_euclid(bar).max(0) as usize);
    let end = song.notes.last().map_or(0, |note| ((note.end().0 - 1).div_euclid(bar) + 1).max(0) as usize);
    (first, end.min(song.bars).max(first))
}

/// Share of places at which two runs of bars have the same melody.
fn in_common(song: &Song, a: (usize, usize), b: (usize, usize)) -> f64 {
    let bar = song.meter.bar().0;
    let bars = (a.1 - a.0).min(b.1 - b.0).min(4);
    let places = |first: usize| -> Vec<(i64, u8)> {
        let (start, end) = (bar * first as i64, bar * (first + bars) as i64);
        let inside = |note: &&MelodyNote| note.start.0 >= start && note.start.0 < end;
        song.notes.iter().filter(inside).map(|n| ((n.start.0 - start) / 480, n.pitch.0 % 12)).collect()
    };
    let (left, right) = (places(a.0), places(b.0));
    let same = left.iter().filter(|place| right.contains(place)).count();
    same as f64 / left.len().max(right.len()).max(1) as f64
}
