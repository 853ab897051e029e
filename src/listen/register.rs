//! Register: how low and how high a take is sung.

use super::SungNote;

/// Share of the singing that lies outside the usual range, on either side.
const RARE: f64 = 0.1;

/// How low and how high a take is sung, as fractional MIDI numbers at A4 = 440 Hz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Register {
    /// The lowest note.
    pub lowest: f64,
    /// The pitch under which a tenth of the singing lies.
    pub low: f64,
    /// The middle one.
    pub median: f64,
    /// The pitch over which a tenth of the singing lies.
    pub high: f64,
    /// The highest note.
    pub highest: f64,
}

impl Register {
    /// The register of some notes, each counted for as long as it is sung; none of none.
    pub fn of(notes: &[SungNote]) -> Option<Self> {
        let mut pitches: Vec<(f64, f64)> = notes.iter().map(|n| (n.midi, n.duration_s())).collect();
        pitches.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (lowest, highest) = (pitches.first()?.0, pitches.last()?.0);
        let whole: f64 = pitches.iter().map(|(_, seconds)| seconds).sum();
        let under = |share: f64| {
            let mut passed = 0.0;
            let reached = pitches.iter().find(|(_, seconds)| {
                passed += seconds;
                passed >= share * whole
            });
            reached.map_or(highest, |(midi, _)| *midi)
        };
        Some(Self { lowest, low: under(RARE), median: under(0.5), high: under(1.0 - RARE), highest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_count_for_more() {
        let note = |midi: f64, seconds: f64| SungNote {
            onset_s: 0.0,
            offset_s: seconds,
            midi,
            level_dbfs: -20.0,
            confidence: 1.0,
            known_s: 0.0,
        };
        let register = Register::of(&[note(72.0, 0.1), note(60.0, 4.0), note(55.0, 0.2), note(64.0, 3.0)]);
        let expected = Register { lowest: 55.0, low: 60.0, median: 60.0, high: 64.0, highest: 72.0 };
        assert_eq!(register, Some(expected));
        assert_eq!(Register::of(&[]), None);
    }
}
