//! Guitar voicings that a left hand can hold.

use crate::score::{ChordSymbol, MidiNote};

/// Open strings of standard tuning, low E first.
pub const STANDARD_TUNING: [MidiNote; 6] =
    [MidiNote(40), MidiNote(45), MidiNote(50), MidiNote(55), MidiNote(59), MidiNote(64)];

/// Highest fret used for chords.
const HIGHEST_FRET: u8 = 10;
/// Frets that a hand spans beyond its first finger.
const SPAN: u8 = 3;

/// A chord on six strings: the fret of each, 0 for open, `None` for not played. Low E first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fretting(pub [Option<u8>; 6]);

impl Fretting {
    /// The sounding notes with their string, low string first.
    pub fn notes(self) -> impl Iterator<Item = (usize, MidiNote)> {
        self.0.into_iter().enumerate().filter_map(|(string, fret)| {
            fret.map(|fret| (string, MidiNote(STANDARD_TUNING[string].0 + fret)))
        })
    }

    /// Fingers that it takes; strings at the lowest fret share one if no open string lies above the first of them.
    pub fn fingers(self) -> usize {
        let fretted = |f: &Option<u8>| f.filter(|f| *f > 0);
        let Some(lowest) = self.0.iter().filter_map(fretted).min() else { return 0 };
        let above = self.0.iter().filter_map(fretted).filter(|f| *f > lowest).count();
        let first = self.0.iter().position(|f| *f == Some(lowest)).unwrap_or(0);
        let at_lowest = self.0.iter().filter(|f| **f == Some(lowest)).count();
        let barre = !self.0[first..].contains(&Some(0));
        above + if barre { 1 } else { at_lowest }
    }

    /// Whether a hand can hold it: at most four fingers, four frets, four strings and more, none left out between.
    pub fn is_playable(self) -> bool {
        let fretted: Vec<u8> = self.0.iter().filter_map(|f| f.filter(|f| *f > 0)).collect();
        let span = fretted.iter().max().unwrap_or(&0) - fretted.iter().min().unwrap_or(&0);
        let first = self.0.iter().position(Option::is_some).unwrap_or(6);
        let last = self.0.iter().rposition(Option::is_some).unwrap_or(0);
        let gapless = (first..=last).all(|string| self.0[string].is_some());
        self.fingers() <= 4 && span <= SPAN && gapless && self.notes().count() >= 4
    }
}

/// The best playable voicing of a chord; `alternative` 0 is the usual one, 1 the next best and so on.
pub fn fretting(chord: ChordSymbol, alternative: usize) -> Fretting {
    let mut found: Vec<(i32, Fretting)> = Vec::new();
    for position in 1..=HIGHEST_FRET - SPAN {
        let options: Vec<Vec<Option<u8>>> = STANDARD_TUNING
            .iter()
            .map(|open| {
                let frets = std::iter::once(0).chain(position..=position + SPAN);
                let fits = |fret: &u8| chord.holds(MidiNote(open.0 + fret).pitch_class());
                std::iter::once(None).chain(frets.filter(fits).map(Some)).collect()
            })
            .collect();
        let mut choice = [0usize; 6];
        loop {
            let fretting = Fretting(std::array::from_fn(|string| options[string][choice[string]]));
            if let Some(cost) = cost(fretting, chord)
                && !found.iter().any(|(_, known)| *known == fretting)
            {
                found.push((cost, fretting));
            }
            let Some(string) = (0..6).find(|s| choice[*s] + 1 < options[*s].len()) else { break };
            choice[..string].fill(0);
            choice[string] += 1;
        }
    }
    found.sort_by_key(|(cost, fretting)| (*cost, fretting.0));
    match found.get(alternative).or(found.first()) {
        Some((_, fretting)) => *fretting,
        // Every chord of the vocabulary has a voicing (tested); a power chord on the two lowest strings is always one.
        None => Fretting([None, None, Some(2), Some(2), Some(2), Some(0)]),
    }
}

/// How awkward a voicing is; none if it is no voicing of the chord or cannot be held.
fn cost(fretting: Fretting, chord: ChordSymbol) -> Option<i32> {
    if !fretting.is_playable() {
        return None;
    }
    let (_, lowest) = fretting.notes().next()?;
    if lowest.pitch_class() != chord.bass {
        return None;
    }
    let sounding = |pitch| fretting.notes().any(|(_, note)| note.pitch_class() == pitch);
    let intervals = chord.quality.intervals();
    for interval in intervals {
        // A fifth may be left out where there are four notes, never the third, the seventh or the root.
        let may_miss = intervals.len() > 3 && *interval == 7;
        if !may_miss && !sounding(chord.root + *interval) {
            return None;
        }
    }
    let frets: Vec<u8> = fretting.0.iter().flatten().copied().filter(|f| *f > 0).collect();
    let position = i32::from(frets.iter().min().copied().unwrap_or(0));
    let highest = i32::from(frets.iter().max().copied().unwrap_or(0));
    let missing_strings = 6 - fretting.notes().count() as i32;
    let barre = i32::from(fretting.0.iter().all(|f| *f != Some(0)));
    Some(position * 2 + highest * 3 / 2 + missing_strings * 5 + fretting.fingers() as i32 * 3 + barre * 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{ChordQuality, PitchClass};

    #[test]
    fn open_chords_are_the_usual_ones() {
        let frets = |name: &str| {
            let chord: ChordSymbol = name.parse().expect("a chord");
            fretting(chord, 0).0.map(|f| f.map_or("x".to_owned(), |f| f.to_string())).concat()
        };
        assert_eq!(frets("C"), "x32010");
        assert_eq!(frets("G"), "320003");
        assert_eq!(frets("D"), "xx0232");
        assert_eq!(frets("Am"), "x02210");
        assert_eq!(frets("Em"), "022000");
        assert_eq!(frets("F"), "133211");
    }

    #[test]
    fn every_chord_has_a_playable_voicing_with_its_notes() {
        use ChordQuality as Q;
        let qualities = [
            Q::Major,
            Q::Minor,
            Q::Diminished,
            Q::Augmented,
            Q::Sus2,
            Q::Sus4,
            Q::Six,
            Q::MinorSix,
            Q::Seven,
            Q::MajorSeven,
            Q::MinorSeven,
            Q::MinorMajorSeven,
            Q::HalfDiminished,
            Q::DiminishedSeven,
            Q::SevenSus4,
            Q::Nine,
            Q::AddNine,
        ];
        for root in 0..12 {
            for quality in qualities {
                let chord = ChordSymbol::new(PitchClass(root), quality);
                let fretting = fretting(chord, 0);
                assert!(fretting.is_playable(), "{chord}: {fretting:?}");
                assert!(fretting.notes().all(|(_, n)| chord.holds(n.pitch_class())), "{chord}: {fretting:?}");
            }
        }
    }
}
