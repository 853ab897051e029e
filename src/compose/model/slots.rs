//! Melodies as the harmony network reads them.

use collavoce_models::harmony::{COLOURS, Place, Slot, TRIADS};

use crate::compose::harmony::HarmonyNote;
use crate::score::{ChordQuality, ChordSpan, ChordSymbol, Key, Mode};
use crate::time::{Meter, TickCount, Ticks};

/// A melody in bars.
#[derive(Debug, Clone, Copy)]
pub struct SungBars<'a> {
    /// The key.
    pub key: Key,
    /// The metre.
    pub meter: Meter,
    /// The idiom of the network, less than [`collavoce_models::harmony::IDIOMS`].
    pub idiom: usize,
    /// Where bar 1 begins.
    pub bar_one: Ticks,
    /// The first bar, counted from bar 1 as 0.
    pub first: i32,
    /// How many bars there are.
    pub bars: usize,
    /// The melody, in order.
    pub melody: &'a [HarmonyNote],
    /// Begin and end of phrases, in order.
    pub phrases: &'a [(Ticks, Ticks)],
    /// Up to where it is known what is sung.
    pub heard_until: Ticks,
    /// Chords that are fixed, in order.
    pub fixed: &'a [ChordSpan],
    /// Whether the song ends with the last bar.
    pub is_ending: bool,
}

/// A slot and where it lies in the song.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimedSlot {
    /// Where it begins.
    pub start: Ticks,
    /// Where it ends.
    pub end: Ticks,
    /// What the network is told of it.
    pub slot: Slot,
}

/// The slots of all bars, in order.
pub fn slots(sung: &SungBars<'_>) -> Vec<TimedSlot> {
    let beat = sung.meter.beat();
    let starts = sung.meter.chord_beats();
    let mut slots = Vec::with_capacity(sung.bars * starts.len());
    for bar in sung.first..sung.first + sung.bars as i32 {
        let bar_start = sung.bar_one + sung.meter.bar() * i64::from(bar);
        for (index, first_beat) in starts.iter().enumerate() {
            let end_beat = starts.get(index + 1).copied().unwrap_or(sung.meter.beats_per_bar());
            let place = Place {
                slot: index,
                slots: starts.len(),
                bar,
                is_compound: sung.meter.is_compound(),
                is_minor: sung.key.mode == Mode::Minor,
                idiom: sung.idiom,
            };
            let (start, end) = (bar_start + beat * *first_beat as i64, bar_start + beat * end_beat as i64);
            slots.push(TimedSlot { start, end, slot: slot(sung, place, start, end) });
        }
    }
    if let (true, Some(last)) = (sung.is_ending, slots.last_mut()) {
        last.slot.ends_song = true;
    }
    slots
}

fn slot(sung: &SungBars<'_>, place: Place, start: Ticks, end: Ticks) -> Slot {
    let mut slot = Slot::unheard(place);
    let fixed = sung.fixed.iter().find(|span| span.start <= start && start < span.end());
    slot.chord = fixed.map(|span| index_of(span.chord, sung.key));
    if end > sung.heard_until {
        return slot;
    }
    slot.is_heard = true;
    let middle = start + (end - start) / 2;
    let from = sung.melody.partition_point(|note| note.end <= start);
    for note in sung.melody[from..].iter().take_while(|note| note.start < end) {
        let degree = note.pitch.above(sung.key.tonic);
        let share = |from: Ticks, to: Ticks| {
            let shared = (note.end.min(to) - note.start.max(from)).max(TickCount(0));
            shared.0 as f32 / (to - from).0.max(1) as f32
        };
        slot.sung[usize::from(degree)] += share(start, end);
        slot.later[usize::from(degree)] += share(middle, end);
        if note.start <= start && note.end > start {
            slot.first = Some((degree, note.start == start));
        }
    }
    slot.begins_phrase = sung.phrases.iter().any(|(begin, _)| (start..end).contains(begin));
    slot.ends_phrase = sung.phrases.iter().any(|(_, last)| start < *last && *last <= end);
    slot
}

/// The number of a chord among those that the network tells apart; kinds that it does not know are the nearest one.
pub fn index_of(chord: ChordSymbol, key: Key) -> usize {
    use ChordQuality as Q;
    let (triad, colour) = match chord.quality {
        Q::Major | Q::Sus2 | Q::Sus4 | Q::AddNine => (0, 0),
        Q::Seven | Q::SevenSus4 | Q::Nine => (0, 1),
        Q::MajorSeven => (0, 2),
        Q::Six => (0, 3),
        Q::Minor => (1, 0),
        Q::MinorSeven => (1, 1),
        Q::MinorMajorSeven => (1, 2),
        Q::MinorSix => (1, 3),
        Q::Diminished => (2, 0),
        Q::HalfDiminished => (2, 1),
        Q::DiminishedSeven => (2, 3),
        Q::Augmented => (3, 0),
    };
    (usize::from(chord.root.above(key.tonic)) * TRIADS + triad) * COLOURS + colour
}

/// The chord of a number.
pub fn chord_of(index: usize, key: Key) -> ChordSymbol {
    use ChordQuality as Q;
    let quality = match (index / COLOURS % TRIADS, index % COLOURS) {
        (0, 0) => Q::Major,
        (0, 1) => Q::Seven,
        (0, 2) => Q::MajorSeven,
        (0, _) => Q::Six,
        (1, 0) => Q::Minor,
        (1, 1) => Q::MinorSeven,
        (1, 2) => Q::MinorMajorSeven,
        (1, _) => Q::MinorSix,
        (2, 1) => Q::HalfDiminished,
        (2, 3) => Q::DiminishedSeven,
        (2, _) => Q::Diminished,
        _ => Q::Augmented,
    };
    ChordSymbol::new(key.tonic + (index / (TRIADS * COLOURS)) as u8, quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_a_chord_and_comes_back() {
        let key: Key = "D minor".parse().expect("a key");
        for index in 0..collavoce_models::harmony::CHORDS {
            let chord = chord_of(index, key);
            let triad = index / COLOURS;
            assert_eq!(index_of(chord, key) / COLOURS, triad, "{chord}");
            assert_eq!(chord_of(index_of(chord, key), key), chord);
        }
    }
}
