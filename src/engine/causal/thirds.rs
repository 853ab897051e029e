//! Thirds that would be a guess: where they are doubtful the band plays fifths in their place.

use super::BandRequest;
use crate::compose::Third;
use crate::score::{MidiNote, PartBar, Score};
use crate::time::Ticks;

/// Probability of the key below which a band of middling daring plays no thirds at all.
const KEY_TRUST: f64 = 0.3;
/// Probability of a third below which such a band does not play it.
const THIRD_TRUST: f64 = 0.65;

/// Where thirds are doubtful.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Doubts {
    all: bool,
    stretches: Vec<(Ticks, Ticks)>,
}

impl Doubts {
    /// Those about what was planned for a request. A daring band has none.
    pub fn of(request: &BandRequest, thirds: &[Third]) -> Self {
        let settings = &request.settings;
        let shyness = 2.0 * (1.0 - settings.daring);
        let is_told = settings.key.is_some() || settings.gives_all_chords();
        let sure = request.take.keys.first().map_or(0.0, |guess| guess.probability);
        let doubtful = thirds.iter().filter(|third| third.probability < THIRD_TRUST * shyness);
        Self {
            all: !is_told && sure < KEY_TRUST * shyness,
            stretches: doubtful.map(|third| (third.start, third.end)).collect(),
        }
    }

    /// Whether a third at a position is doubtful.
    pub fn holds(&self, at: Ticks) -> bool {
        self.all || self.stretches.iter().any(|(start, end)| *start <= at && at < *end)
    }

    /// Plays fifths in place of doubtful thirds of the chords.
    pub fn open(&self, bar: &mut PartBar, score: &Score) {
        const FIFTH: u8 = 7;
        if !bar.part.is_pitched() {
            return;
        }
        for note in bar.notes.iter_mut().filter(|note| self.holds(note.start)) {
            let Some(chord) = score.chord_at(note.start) else { continue };
            let above = (note.pitch.0 + 12 - chord.root.0 % 12) % 12;
            if above == 3 || above == 4 {
                note.pitch = MidiNote((note.pitch.0 + FIFTH - above).min(127));
            }
        }
        let notes = std::mem::take(&mut bar.notes);
        for note in notes {
            if !bar.notes.iter().any(|other| (other.start, other.pitch) == (note.start, note.pitch)) {
                bar.notes.push(note);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::sung::{at, lines, score};
    use crate::score::{Articulation, BarNumber, ChordSpan, Note, Part, Velocity};

    fn bar() -> PartBar {
        let note = |beat: f64, pitch: u8| Note {
            start: at(beat),
            length: at(1.0) - Ticks(0),
            pitch: MidiNote(pitch),
            velocity: Velocity::clamped(70.0),
            articulation: Articulation::Sustained,
        };
        // A, C# and E, twice.
        let notes = [0.0, 2.0].iter().flat_map(|beat| [57, 61, 64].map(|pitch| note(*beat, pitch)));
        PartBar { part: Part::Strings, bar: BarNumber(1), take: 1, notes: notes.collect() }
    }

    fn pitches(bar: &PartBar, from: f64) -> Vec<u8> {
        bar.notes.iter().filter(|note| note.start == at(from)).map(|note| note.pitch.0).collect()
    }

    #[test]
    fn a_doubtful_third_gives_way_to_the_fifth_and_a_sure_one_stays() {
        let mut score = score(4, &lines(1, 2), &["A"], 0.5);
        score.chords =
            vec![ChordSpan { start: at(0.0), length: at(16.0) - Ticks(0), chord: "A".parse().expect("A") }];
        let doubts = Doubts { all: false, stretches: vec![(at(0.0), at(2.0))] };
        let mut opened = bar();
        doubts.open(&mut opened, &score);
        assert_eq!((pitches(&opened, 0.0), pitches(&opened, 2.0)), (vec![57, 64], vec![57, 61, 64]));
        let all = Doubts { all: true, stretches: Vec::new() };
        let mut opened = bar();
        all.open(&mut opened, &score);
        assert_eq!((pitches(&opened, 0.0), pitches(&opened, 2.0)), (vec![57, 64], vec![57, 64]));
        let mut kept = bar();
        Doubts::default().open(&mut kept, &score);
        assert_eq!(kept, bar());
    }
}
