//! A written tune: melody and chords.

use collavoce::score::{ChordQuality, ChordSpan, ChordSymbol, Key};
use collavoce::time::{Meter, Ticks};

/// A tune with its chords.
#[derive(Debug, Clone)]
pub struct Tune {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Key,
    /// Its metre.
    pub meter: Meter,
    /// Number of bars.
    pub bars: usize,
    /// (start, end, MIDI pitch) in order; bar 0 begins at tick 0.
    pub melody: Vec<(Ticks, Ticks, u8)>,
    /// The written chords.
    pub chords: Vec<ChordSpan>,
    /// Ends of phrases.
    pub phrase_ends: Vec<Ticks>,
}

impl Tune {
    /// Phrases end where a bar line is doubled, and where a note longer than its neighbours ends a fourth bar.
    pub fn find_phrases(&mut self, doubled_bars: &[usize]) {
        let bar = self.meter.bar();
        let mut ends: Vec<Ticks> = doubled_bars.iter().map(|b| Ticks(0) + bar * *b as i64).collect();
        let mut since = 0;
        for index in 1..=self.bars {
            if doubled_bars.contains(&index) {
                since = index;
            }
            if index - since >= 4 {
                since = index;
                ends.push(Ticks(0) + bar * index as i64);
            }
        }
        ends.sort_unstable();
        ends.dedup();
        // Each phrase ends with the last note that begins before its bar line.
        self.phrase_ends = ends
            .iter()
            .filter_map(|end| {
                self.melody.iter().rev().find(|(start, _, _)| start < end).map(|(_, e, _)| (*e).min(*end))
            })
            .collect();
        self.phrase_ends.dedup();
    }

    /// Begin and end of its phrases.
    pub fn phrases(&self) -> Vec<(Ticks, Ticks)> {
        let mut last = Ticks(0);
        let ends = self.phrase_ends.iter().map(|end| {
            let first = self.melody.iter().find(|(start, _, _)| *start >= last).map_or(last, |note| note.0);
            last = *end;
            (first, *end)
        });
        ends.collect()
    }
}

/// Root and third of a chord: what "majmin" compares; none for chords that are neither (mir_eval leaves them out).
pub fn majmin(chord: ChordSymbol) -> Option<(u8, bool)> {
    use ChordQuality as Q;
    match chord.quality {
        Q::Major | Q::Seven | Q::MajorSeven | Q::Six | Q::Nine | Q::AddNine => Some((chord.root.0, false)),
        Q::Minor | Q::MinorSeven | Q::MinorSix | Q::MinorMajorSeven => Some((chord.root.0, true)),
        _ => None,
    }
}
