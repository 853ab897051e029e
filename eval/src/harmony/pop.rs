//! Songs of POP909 as tunes: a set apart, on which nothing is learnt, chosen or tried.
//!
//! The melody is that of the first release, chords, bars and key are those of the corrected one ("POP909-CL").

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use collavoce::score::{ChordQuality, ChordSpan, ChordSymbol, Key, MidiNote, Mode};
use collavoce::time::{Meter, TickCount, Ticks};
use collavoce_data::tune::Tune;

use crate::sections::pop909::{
    MidiSong, Played, SCALE, beat_period_s, numbers, offset, sung_phrases, written,
};

/// One song in so many is read.
const EVERY: u32 = 16;
/// Kinds of chords that are told apart; the first that fits names a chord, from the bass upwards.
const KINDS: [ChordQuality; 15] = [
    ChordQuality::Major,
    ChordQuality::Minor,
    ChordQuality::Seven,
    ChordQuality::MajorSeven,
    ChordQuality::MinorSeven,
    ChordQuality::Diminished,
    ChordQuality::Augmented,
    ChordQuality::HalfDiminished,
    ChordQuality::DiminishedSeven,
    ChordQuality::MinorMajorSeven,
    ChordQuality::Six,
    ChordQuality::MinorSix,
    ChordQuality::Sus4,
    ChordQuality::Sus2,
    ChordQuality::SevenSus4,
];

/// The songs, from the first bar that is sung to the last one, and why others are left out.
pub fn read(folder: &Path) -> anyhow::Result<(Vec<Tune>, BTreeMap<&'static str, usize>)> {
    let (mut tunes, mut left_out) = (Vec::new(), BTreeMap::new());
    for number in numbers(folder)?.into_iter().filter(|number| number.is_multiple_of(EVERY)) {
        let read = |path: String| {
            let path = folder.join(path);
            std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let first = MidiSong::read(&read(format!("pop909/{number:03}.mid"))?)?;
        let corrected = MidiSong::read(&read(format!("pop909cl/{number:03}.mid"))?)?;
        let beats = read(format!("pop909/{number:03}.beat_midi.txt"))?;
        let beat_s = beat_period_s(&String::from_utf8_lossy(&beats));
        match tune(number, &first, &corrected, beat_s) {
            Ok(tune) => tunes.push(tune),
            Err(reason) => *left_out.entry(reason).or_default() += 1,
        }
    }
    Ok((tunes, left_out))
}

fn tune(number: u32, first: &MidiSong, corrected: &MidiSong, beat_s: f64) -> Result<Tune, &'static str> {
    let meter = corrected.meter().ok_or("the metre changes, or is neither 4/4 nor 3/4")?;
    let &[(sharps, is_minor)] = corrected.signatures.as_slice() else { return Err("the key changes") };
    let key = signed(sharps, is_minor).ok_or("the key is none")?;
    let sung = first.melody();
    let offset = offset(sung, corrected.piano()).ok_or("the corrected release holds another melody")?;
    let place = |ticks: i64| Ticks(((ticks + offset) * SCALE + 60).div_euclid(120) * 120);
    let notes = written(sung, place, beat_s);
    let (Some(begin), Some(end)) = (notes.first(), notes.last()) else { return Err("no melody") };
    let bar = meter.bar().0;
    let (first_bar, end_bar) = (begin.start.0.div_euclid(bar), (end.start.0.div_euclid(bar) + 1));
    let shift = TickCount(first_bar * bar);
    let last = Ticks((end_bar - first_bar) * bar);
    Ok(Tune {
        name: format!("POP909 {number:03}"),
        key,
        meter,
        bars: (end_bar - first_bar) as usize,
        melody: notes.iter().map(|n| (n.start - shift, (n.end() - shift).min(last), n.pitch.0)).collect(),
        chords: chords(corrected.chords(), shift, last, meter),
        phrase_ends: sung_phrases(&notes, beat_s).iter().map(|p| (p.end - shift).min(last)).collect(),
    })
}

/// The key of a signature.
fn signed(sharps: i8, is_minor: bool) -> Option<Key> {
    let mode = if is_minor { Mode::Minor } else { Mode::Major };
    // Six sharps are six flats, and seven flats are five sharps.
    let fifths = match sharps {
        6.. => sharps - 12,
        ..-6 => sharps + 12,
        _ => sharps,
    };
    Key::all().find(|key| key.mode == mode && key.fifths() == fifths)
}

/// Chords that begin together are one; those without a name leave a gap.
fn chords(played: &[Played], shift: TickCount, last: Ticks, meter: Meter) -> Vec<ChordSpan> {
    let mut together: BTreeMap<i64, Vec<Played>> = BTreeMap::new();
    played.iter().for_each(|note| together.entry(note.0).or_default().push(*note));
    let starts: Vec<i64> = together.keys().copied().collect();
    let at = |ticks: i64| Ticks(ticks * SCALE) - shift;
    let mut spans: Vec<ChordSpan> = Vec::new();
    for (index, (start, notes)) in together.iter().enumerate() {
        let sounded = notes.iter().map(|note| note.1).max().unwrap_or(*start);
        let end = starts.get(index + 1).map_or(sounded, |next| sounded.min(*next));
        let (start, end) = (at(*start).max(Ticks(0)), at(end).min(last));
        let pitches: Vec<u8> = notes.iter().map(|note| note.2).collect();
        match name(&pitches) {
            Some(chord) if end - start >= TickCount(meter.beat().0 / 4) => {
                spans.push(ChordSpan { start, length: end - start, chord });
            }
            _ => {}
        }
    }
    spans
}

/// The chord of some pitches: the lowest of them that may be its root is.
fn name(pitches: &[u8]) -> Option<ChordSymbol> {
    let mut pitches = pitches.to_vec();
    pitches.sort_unstable();
    pitches.iter().find_map(|root| {
        let mut above: Vec<u8> = pitches.iter().map(|pitch| (pitch + 120 - root) % 12).collect();
        above.sort_unstable();
        above.dedup();
        let kind = KINDS.into_iter().find(|kind| {
            let mut intervals: Vec<u8> = kind.intervals().iter().map(|interval| interval % 12).collect();
            intervals.sort_unstable();
            intervals == above
        });
        kind.map(|kind| ChordSymbol::new(MidiNote(*root).pitch_class(), kind))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inversions_and_bass_notes() {
        let named = |pitches: &[u8]| name(pitches).map(|chord| chord.harte());
        for (pitches, chord) in [
            (&[60, 64, 67][..], Some("C")),
            (&[64, 67, 72], Some("C")),
            (&[57, 60, 64, 67], Some("A:min7")),
            (&[60, 64, 67, 69], Some("C:maj6")),
            (&[60, 62, 66, 69], Some("D:7")),
            (&[60, 65, 67], Some("C:sus4")),
            (&[60, 61, 62], None),
            (&[], None),
        ] {
            assert_eq!(named(pitches).as_deref(), chord, "{pitches:?}");
        }
    }

    #[test]
    fn signatures() {
        let key = |sharps, is_minor| signed(sharps, is_minor).map(|key| key.to_string());
        assert_eq!(key(-6, false).as_deref(), Some("Gb major"));
        assert_eq!(key(6, false).as_deref(), Some("Gb major"));
        assert_eq!(key(-7, false).as_deref(), Some("B major"));
        assert_eq!(key(2, true).as_deref(), Some("B minor"));
        assert_eq!(key(5, false).as_deref(), Some("B major"));
    }
}
