//! Chords of written music that has no chord symbols: what sounds together, named.

use collavoce::score::{ChordQuality, ChordSpan, ChordSymbol, MidiNote, PitchClass};
use collavoce::time::{Meter, TickCount, Ticks};

/// Chords that are told apart, and what speaks against one that is as good as a plainer one.
const KINDS: [(ChordQuality, f64); 8] = [
    (ChordQuality::Major, 0.0),
    (ChordQuality::Minor, 0.0),
    (ChordQuality::Seven, 0.05),
    (ChordQuality::MinorSeven, 0.08),
    (ChordQuality::Diminished, 0.06),
    (ChordQuality::HalfDiminished, 0.1),
    (ChordQuality::DiminishedSeven, 0.08),
    (ChordQuality::MajorSeven, 0.12),
];
/// What a bass note counts beside any other.
const BASS: f64 = 1.5;
/// What speaks for a chord whose root is the bass.
const ROOT_IN_BASS: f64 = 0.08;
/// What a note outside of the chord speaks against it, one within it speaking 1 for it.
const OUTSIDE: f64 = 0.8;
/// Below this nothing is named: 1 is a chord and nothing else.
const LEAST: f64 = 0.45;

/// A sounding note: start, end, MIDI pitch.
pub type Sounding = (Ticks, Ticks, u8);

/// The chords of the slots of some bars, as spans; what has no clear name has none. Notes must be in order of their
/// starts.
pub fn chords(notes: &[Sounding], meter: Meter, bars: usize) -> Vec<ChordSpan> {
    let longest = notes.iter().map(|(start, end, _)| *end - *start).max().unwrap_or(TickCount(0));
    let mut spans = Vec::new();
    for bar in 0..bars {
        let bar = Ticks(0) + meter.bar() * bar as i64;
        let starts = meter.chord_beats();
        for (index, beat) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(meter.beats_per_bar());
            let (start, end) = (bar + meter.beat() * *beat as i64, bar + meter.beat() * end as i64);
            let first = notes.partition_point(|(from, _, _)| *from + longest < start);
            let here = notes[first..].iter().take_while(|(from, _, _)| *from < end);
            if let Some(chord) = name(here.filter(|(_, to, _)| *to > start), start, end) {
                spans.push(ChordSpan { start, length: end - start, chord });
            }
        }
    }
    spans
}

fn name<'a>(
    notes: impl Iterator<Item = &'a Sounding> + Clone,
    start: Ticks,
    end: Ticks,
) -> Option<ChordSymbol> {
    let lowest = notes.clone().map(|(_, _, midi)| *midi).min()?;
    let bass = MidiNote(lowest).pitch_class();
    let mut weights = [0.0; 12];
    for (from, to, midi) in notes {
        let shared = ((*to).min(end) - (*from).max(start)).0 as f64;
        let pitch = MidiNote(*midi).pitch_class();
        weights[usize::from(pitch.0)] += shared * if *midi == lowest { BASS } else { 1.0 };
    }
    let total: f64 = weights.iter().sum();
    let mut best: Option<(f64, ChordSymbol)> = None;
    for root in (0..12).map(PitchClass) {
        for (quality, cost) in KINDS {
            let chord = ChordSymbol::new(root, quality);
            let inside: f64 = chord.pitch_classes().map(|pitch| weights[usize::from(pitch.0)]).sum();
            // A chord of which something is missing is less of one.
            let missing = chord.pitch_classes().filter(|p| weights[usize::from(p.0)] < 0.04 * total).count();
            let fit = (inside - OUTSIDE * (total - inside)) / total - cost - 0.1 * missing as f64
                + if root == bass { ROOT_IN_BASS } else { 0.0 };
            if best.is_none_or(|(most, _)| fit > most) {
                best = Some((fit, chord));
            }
        }
    }
    best.filter(|(fit, _)| *fit >= LEAST).map(|(_, chord)| chord)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_named_and_noise_is_not() {
        let bar =
            |notes: &[u8]| -> Vec<Sounding> { notes.iter().map(|n| (Ticks(0), Ticks(3840), *n)).collect() };
        let name = |notes: &[u8]| {
            chords(&bar(notes), Meter::FOUR_FOUR, 1).first().map(|span| span.chord.to_string())
        };
        assert_eq!(name(&[48, 60, 64, 67]).as_deref(), Some("C"));
        assert_eq!(name(&[52, 60, 64, 67]).as_deref(), Some("C"));
        assert_eq!(name(&[43, 59, 62, 65]).as_deref(), Some("G7"));
        assert_eq!(name(&[57, 60, 64]).as_deref(), Some("Am"));
        assert_eq!(name(&[60, 61, 62, 63, 64, 65]), None);
        assert_eq!(name(&[]), None);
    }
}
