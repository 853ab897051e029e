//! Sections: which bars of a melody belong together, and which runs of bars are sung again.
//!
//! The written melody is compared with itself (`likeness`), bars are cut where a sum of evidence is greatest
//! (`cut`), and runs that are alike share a letter (`letters`). All of it counts bars and beats, so the tempo does
//! not matter, and one change of key is found by comparing in all twelve transpositions.
//!
//! # References
//! - J. Foote, "Automatic Audio Segmentation Using a Measure of Audio Novelty", ICME 2000: self-similarity.
//! - T. F. Smith and M. S. Waterman, "Identification of Common Molecular Subsequences", J. Mol. Biol. 147, 1981:
//!   local alignment, here of half bars.
//! - M. Müller and F. Kurth, "Towards Structural Analysis of Audio Recordings in the Presence of Musical Variations",
//!   EURASIP J. Adv. Signal Process. 2007: transposition-invariant self-similarity.
//! - S. Dai, H. Zhang and R. B. Dannenberg, "Automatic Analysis and Influence of Hierarchical Structure on Melody,
//!   Rhythm and Harmony in Popular Music", CSMC-MuMe 2020: sections that begin with phrases, typically of 4 and 8 bars.

mod cut;
mod letters;
mod likeness;
#[cfg(test)]
mod tests;

use crate::score::{MelodyNote, Phrase, SectionRole};
use crate::time::{Meter, TickCount, Ticks};
use likeness::Likeness;

/// Most bars that are compared with one another; a longer take is cut in pieces, which share no letters.
///
/// It bounds time and memory: both grow with its square, to about 10 MB.
const PIECE_BARS: usize = 400;

/// A written melody and the bars it lies in.
#[derive(Debug, Clone, Copy)]
pub struct Melody<'a> {
    /// Its notes in order.
    pub notes: &'a [MelodyNote],
    /// Its phrases in order.
    pub phrases: &'a [Phrase],
    /// The metre of every bar.
    pub meter: Meter,
    /// Where bar 0 begins; notes before it are a pickup.
    pub first: Ticks,
    /// How many bars it has.
    pub bars: usize,
}

/// A run of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundSection {
    /// Its first bar, counted from bar 0 of the melody.
    pub first: usize,
    /// How many bars it has, at least 1.
    pub bars: usize,
    /// Sections with one number have a like melody: 0 is the first of them to be sung. None for a rest.
    pub letter: Option<usize>,
    /// What it is in the song, where the melody tells.
    pub role: Option<SectionRole>,
}

/// What the sum that is made greatest consists of: a weight for each thing that speaks for a section, or against it
/// where the weight is below 0.
///
/// The defaults were found on the songs 1 to 303 of POP909 (see `docs/sections.md`); nothing was chosen on another song.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// For each bar of a sung section, times how far that which is likest to it elsewhere is above `usual`.
    pub again: f64,
    /// Likeness, 0 to 1, from which a repeat speaks for a section.
    pub usual: f64,
    /// For a section that begins with a phrase.
    pub phrase: f64,
    /// For the time between the last note before a section and its first, in beats up to 4.
    pub gap: f64,
    /// For a section that begins where something begins to be repeated.
    pub repeat_starts: f64,
    /// For a section that begins where something ceases to be repeated.
    pub repeat_ends: f64,
    /// For each sung section: below 0, so that there are few.
    pub section: f64,
    /// For a section of 4 bars.
    pub four: f64,
    /// For a section of 8 bars.
    pub eight: f64,
    /// For a section of 16 bars.
    pub sixteen: f64,
    /// For a section of another even number of bars.
    pub even: f64,
    /// For a section of 5 or 9 bars: four or eight and a bar of rest.
    pub one_more: f64,
    /// For each bar above eight.
    pub long: f64,
    /// For each bar without a note at the beginning of a section, and each of several within it.
    pub empty: f64,
    /// For each rest that is a section.
    pub rest: f64,
    /// Likeness from which sections share a letter.
    pub alike: f64,
}

impl Default for Objective {
    fn default() -> Self {
        Self {
            again: 1.43,
            usual: 0.78,
            phrase: 0.20,
            gap: 0.98,
            repeat_starts: 1.20,
            repeat_ends: 0.50,
            section: -3.20,
            four: 0.37,
            eight: 0.80,
            sixteen: -0.50,
            even: -0.09,
            one_more: -0.12,
            long: -0.20,
            empty: -0.14,
            rest: 0.20,
            alike: 0.45,
        }
    }
}

/// Cuts a melody into sections: they are in order and hold every bar once. A melody of no bars has none.
pub fn find(melody: &Melody<'_>, objective: &Objective) -> Vec<FoundSection> {
    let mut found: Vec<FoundSection> = Vec::new();
    let mut letters = 0;
    let mut first = 0;
    while first < melody.bars {
        let bars = (melody.bars - first).min(PIECE_BARS);
        let piece = Melody { first: melody.first + melody.meter.bar() * first as i64, bars, ..*melody };
        let mut sections = find_piece(&piece, objective);
        for section in &mut sections {
            section.first += first;
            section.letter = section.letter.map(|letter| letter + letters);
        }
        letters = sections.iter().filter_map(|s| s.letter).max().map_or(letters, |letter| letter + 1);
        // What ends with a piece goes on in the next one: it is cut again from its beginning.
        let whole = first + bars == melody.bars;
        if !whole && sections.len() > 1 {
            sections.pop();
        }
        first = sections.last().map_or(first + bars, |last| last.first + last.bars);
        found.extend(sections);
    }
    letters::name_in_order(&mut found);
    letters::guess_roles(melody, &mut found);
    found
}

fn find_piece(melody: &Melody<'_>, objective: &Objective) -> Vec<FoundSection> {
    let likeness = Likeness::of(melody);
    let runs = cut::cut(&cut::Evidence::of(melody, &likeness), objective);
    let letters = letters::letters(&runs, &likeness, objective.alike);
    runs.iter()
        .zip(letters)
        .map(|(run, letter)| FoundSection { first: run.first, bars: run.bars, letter, role: None })
        .collect()
}

impl Melody<'_> {
    /// Where a bar begins.
    fn bar_start(&self, bar: usize) -> Ticks {
        self.first + self.meter.bar() * bar as i64
    }

    /// Half a bar: what is compared at once.
    fn half(&self) -> TickCount {
        self.meter.bar() / 2
    }
}
