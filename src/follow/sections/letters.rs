//! Letters and roles of sections.

use super::cut::Run;
use super::likeness::Likeness;
use super::{FoundSection, Melody};
use crate::score::SectionRole;

/// Semitones above the song's mean that make a section stand out.
const OUTSTANDING_SEMITONES: f64 = 3.0;
/// The same in dB.
const OUTSTANDING_DB: f64 = 4.0;

/// A letter number for each sung run: average-linkage clustering of how like they are, down to a likeness.
pub fn letters(runs: &[Run], likeness: &Likeness, alike: f64) -> Vec<Option<usize>> {
    let sung: Vec<usize> = (0..runs.len()).filter(|index| runs[*index].sung).collect();
    let count = sung.len();
    let run = |index: usize| (runs[sung[index]].first, runs[sung[index]].bars);
    let mut likes = vec![0.0f64; count * count];
    for a in 0..count {
        for b in 0..a {
            let value = f64::from(likeness.of_runs(run(b), run(a)));
            (likes[a * count + b], likes[b * count + a]) = (value, value);
        }
    }
    let like = &likes;
    let mut groups: Vec<Vec<usize>> = (0..count).map(|index| vec![index]).collect();
    loop {
        let mut best = (alike, 0, 0);
        for b in 1..groups.len() {
            for a in 0..b {
                let pairs = groups[a].iter().flat_map(|x| groups[b].iter().map(move |y| like[x * count + y]));
                let mean = pairs.sum::<f64>() / (groups[a].len() * groups[b].len()) as f64;
                if mean > best.0 {
                    best = (mean, a, b);
                }
            }
        }
        if best.2 == 0 {
            break;
        }
        let joined = groups.remove(best.2);
        groups[best.1].extend(joined);
    }
    let mut letters = vec![None; runs.len()];
    for (letter, group) in groups.iter().enumerate() {
        for member in group {
            letters[sung[*member]] = Some(letter);
        }
    }
    letters
}

/// Numbers letters by which is sung first.
pub fn name_in_order(sections: &mut [FoundSection]) {
    let mut order: Vec<usize> = Vec::new();
    for section in sections {
        let Some(letter) = &mut section.letter else { continue };
        let place = order.iter().position(|known| known == letter);
        *letter = place.unwrap_or_else(|| {
            order.push(*letter);
            order.len() - 1
        });
    }
}

/// What is sung under one letter.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    /// How many sections have the letter.
    count: usize,
    /// Sum of pitches in semitones times lengths in ticks.
    pitch: f64,
    /// Sum of levels in dB times lengths in ticks.
    level: f64,
    /// Sum of lengths in ticks.
    ticks: f64,
}

impl Group {
    /// How much it stands out from a song, as the chorus does: by height, level and number.
    fn standing(&self, song: &Self) -> f64 {
        let height = self.pitch / self.ticks - song.pitch / song.ticks;
        let level = self.level / self.ticks - song.level / song.ticks;
        height / OUTSTANDING_SEMITONES + level / OUTSTANDING_DB + (self.count as f64).log2() / 2.0
    }
}

/// Guesses what each section is: the chorus is that letter which stands out most among those sung again, other letters
/// that are sung again are verses, and what is sung once between them, after a chorus, is a bridge.
///
/// Without at least two letters nothing tells a verse from a chorus.
pub fn guess_roles(melody: &Melody<'_>, sections: &mut [FoundSection]) {
    let count = sections.iter().filter_map(|s| s.letter).max().map_or(0, |letter| letter + 1);
    let (mut groups, mut song) = (vec![Group::default(); count], Group::default());
    for section in sections.iter() {
        let Some(letter) = section.letter else { continue };
        groups[letter].count += 1;
        // A pickup belongs to the section that it leads to.
        let from = melody.bar_start(section.first) - melody.meter.beat();
        let to = melody.bar_start(section.first + section.bars) - melody.meter.beat();
        let after = melody.notes.partition_point(|note| note.start < from);
        for note in melody.notes[after..].iter().take_while(|note| note.start < to) {
            let ticks = note.length.0 as f64;
            for group in [&mut groups[letter], &mut song] {
                group.pitch += ticks * f64::from(note.pitch.0);
                group.level += ticks * note.level_dbfs;
                group.ticks += ticks;
            }
        }
    }
    if count < 2 {
        return;
    }
    let again = |letter: &usize| groups[*letter].count > 1 && groups[*letter].ticks > 0.0;
    let chorus = (0..count)
        .filter(again)
        .map(|letter| (groups[letter].standing(&song), letter))
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    let Some((_, chorus)) = chorus else { return };
    let first_chorus = sections.iter().position(|s| s.letter == Some(chorus)).unwrap_or(0);
    let last_again = sections.iter().rposition(|s| s.letter.is_some_and(|l| again(&l))).unwrap_or(0);
    for (index, section) in sections.iter_mut().enumerate() {
        let Some(letter) = section.letter else { continue };
        section.role = if letter == chorus {
            Some(SectionRole::Chorus)
        } else if again(&letter) {
            Some(SectionRole::Verse)
        } else {
            (index > first_chorus && index < last_again).then_some(SectionRole::Bridge)
        };
    }
}
