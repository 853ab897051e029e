//! Chords for a melody: the cheapest path through a small vocabulary under musical costs of our own.
//!
//! A slot is a place where the chord may change. What a chord costs in a slot depends on the notes sung over it (how
//! long, how strong, chord tone or not, passing or not); what a change costs depends on the functions of the two
//! chords and on where in the bar it falls; phrases should end in cadences. Phrases are solved one after the other,
//! each beginning from the last chord of the one before, so that a phrase does not change when a later one does.

mod vocabulary;

use super::whim::Whim;
use crate::score::{ChordQuality, ChordSpan, ChordSymbol, Key, PitchClass};
use crate::song::Style;
use crate::time::{Meter, TickCount, Ticks};
use vocabulary::{Function, Role, Vocabulary, change_cost};

/// A sung note as harmony sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HarmonyNote {
    /// Where it begins.
    pub start: Ticks,
    /// Where it ends.
    pub end: Ticks,
    /// Its pitch class.
    pub pitch: PitchClass,
    /// Whether it is left and reached by step.
    pub passing: bool,
}

/// What is to be harmonised.
#[derive(Debug, Clone, Copy)]
pub struct HarmonyRequest<'a> {
    /// The key.
    pub key: Key,
    /// The metre; bars begin at multiples of its bar from `from`.
    pub meter: Meter,
    /// The style.
    pub style: Style,
    /// Start of the first bar.
    pub from: Ticks,
    /// Number of bars.
    pub bars: usize,
    /// The melody, in order.
    pub melody: &'a [HarmonyNote],
    /// Ends of phrases, in order.
    pub phrase_ends: &'a [Ticks],
    /// The chord that sounds before `from`.
    pub before: Option<ChordSymbol>,
    /// Chords that stand, in order: the others are found around them.
    pub given: &'a [ChordSpan],
    /// Whether the song ends with the last bar.
    pub is_ending: bool,
    /// Other chords than the cheapest.
    pub whim: Option<Whim<'a>>,
}

/// Cost of a sung note over a chord, per beat of weight.
mod fit {
    pub const ROOT: f64 = 0.08;
    pub const THIRD: f64 = 0.02;
    pub const FIFTH: f64 = 0.02;
    pub const SEVENTH: f64 = 0.6;
    pub const SIXTH_OR_NINTH: f64 = 0.85;
    pub const SUSPENSION: f64 = 1.0;
    pub const CLASH: f64 = 1.5;
    /// Share of the cost that a passing note pays.
    pub const PASSING: f64 = 0.4;
}

/// Weight of the melody against the rest.
const MELODY: f64 = 1.25;
/// A change inside a bar.
const MID_BAR_CHANGE: f64 = 0.6;
/// A chord that stays over a bar line.
const STAY_OVER_BAR: f64 = 0.02;
/// A chord that stays for another bar after it has been held for [`HELD`]; in jazz, whose old songs sit on a chord
/// for as long as they like, nothing.
const STAY_LONG: f64 = 1.2;
/// How many bars a chord may be held for nothing.
const HELD: usize = 4;
/// Cost of phrase endings: on the tonic, dominant, submediant or subdominant, anything else.
const CADENCE: [f64; 4] = [0.0, 0.35, 0.8, 1.4];
/// Extra cost of an end of the song that is not the tonic.
const OPEN_END: f64 = 3.0;
/// Weight of what a take's die throws, and its bound.
const WHIM: f64 = 0.3;
const WHIM_MOST: f64 = 2.0;
/// Cost of a first chord that is not the tonic.
const FIRST_NOT_TONIC: f64 = 0.45;

/// Chords for every bar of a request, neighbours that are alike joined within a bar.
pub fn harmonise(request: &HarmonyRequest<'_>) -> Vec<ChordSpan> {
    let mut slots = slots(request);
    let mut vocabulary = Vocabulary::of(request.key);
    if let Some(whim) = request.whim {
        // Where nobody sings, nothing speaks against a chord but its neighbours.
        for slot in slots.iter_mut().filter(|slot| !slot.sung.is_empty()) {
            slot.whims = whim
                .noise(slot.start)
                .take(vocabulary.own)
                .map(|noise| -WHIM * noise.min(WHIM_MOST))
                .collect();
        }
    }
    let given = |at: Ticks| {
        let span = request.given.iter().find(|span| span.start <= at && at < span.end());
        span.map(|span| span.chord)
    };
    for slot in &mut slots {
        slot.given = given(slot.start).map(|chord| vocabulary.number(chord));
    }
    let mut path: Vec<usize> = Vec::with_capacity(slots.len());
    let mut previous = request.before.map(|chord| (vocabulary.number(chord), 0));
    let mut first = 0;
    while first < slots.len() {
        let end = phrase_end(&slots, first);
        let solved = solve(&slots[first..end], &vocabulary, previous, request);
        previous = held_at_end(&slots[first..end], &solved, previous, request.style);
        path.extend(solved);
        first = end;
    }
    let mut spans: Vec<ChordSpan> = Vec::with_capacity(slots.len());
    for (slot, chosen) in slots.iter().zip(&path) {
        let function = vocabulary.functions[*chosen];
        let found = ChordSymbol::new(request.key.tonic + function.above, function.quality);
        let chord = given(slot.start).unwrap_or(found);
        match spans.last_mut() {
            Some(last) if last.chord == chord && !slot.begins_bar => last.length = slot.end - last.start,
            _ => spans.push(ChordSpan { start: slot.start, length: slot.end - slot.start, chord }),
        }
    }
    colour(&mut spans, request.key, request.style, request.melody);
    for span in &mut spans {
        span.chord = given(span.start).unwrap_or(span.chord);
    }
    spans
}

/// Where the slots end that are solved at once: with a phrase, unless the chord after it is given, so that its end leads
/// there.
fn phrase_end(slots: &[Slot], first: usize) -> usize {
    let ends = |index: &usize| {
        slots[*index].ends_phrase && slots.get(index + 1).is_none_or(|next| next.given.is_none())
    };
    (first..slots.len()).find(ends).map_or(slots.len(), |index| index + 1)
}

/// A place where the chord may change.
#[derive(Debug)]
struct Slot {
    start: Ticks,
    end: Ticks,
    begins_bar: bool,
    ends_phrase: bool,
    ends_song: bool,
    /// The number of the chord that is given.
    given: Option<usize>,
    /// Sung weight in beats by pitch class: (pitch class, weight, passing).
    sung: Vec<(PitchClass, f64, bool)>,
    /// What a take adds to the cost of each chord; empty for the first.
    whims: Vec<f64>,
}

fn slots(request: &HarmonyRequest<'_>) -> Vec<Slot> {
    let beat = request.meter.beat();
    let mut slots = Vec::new();
    for bar in 0..request.bars {
        let bar_start = request.from + request.meter.bar() * bar as i64;
        let starts = request.meter.chord_beats();
        for (index, first_beat) in starts.iter().enumerate() {
            let start = bar_start + beat * *first_beat as i64;
            let end_beat = starts.get(index + 1).copied().unwrap_or(request.meter.beats_per_bar());
            let end = bar_start + beat * end_beat as i64;
            slots.push(Slot {
                start,
                end,
                begins_bar: index == 0,
                ends_phrase: false,
                ends_song: false,
                given: None,
                sung: sung_in(request, start, end),
                whims: Vec::new(),
            });
        }
    }
    // A phrase ends in the slot in which its last note begins to end.
    for end in request.phrase_ends {
        if let Some(slot) = slots.iter_mut().find(|slot| slot.start < *end && *end <= slot.end) {
            slot.ends_phrase = true;
        }
    }
    if let (true, Some(last)) = (request.is_ending, slots.last_mut()) {
        last.ends_song = true;
    }
    slots
}

fn sung_in(request: &HarmonyRequest<'_>, start: Ticks, end: Ticks) -> Vec<(PitchClass, f64, bool)> {
    let beat = request.meter.beat().0 as f64;
    let overlapping = request.melody.iter().filter(|note| note.start < end && note.end > start);
    overlapping
        .map(|note| {
            let overlap = note.end.min(end) - note.start.max(start);
            let accent = if note.start == start {
                1.3
            } else if note.start < start {
                1.0
            } else if ((note.start - start).0 % request.meter.beat().0) == 0 {
                1.2
            } else {
                0.8
            };
            (note.pitch, overlap.0 as f64 / beat * accent, note.passing)
        })
        .collect()
}

fn solve(
    slots: &[Slot],
    vocabulary: &Vocabulary,
    previous: Option<(usize, usize)>,
    request: &HarmonyRequest<'_>,
) -> Vec<usize> {
    let functions = &vocabulary.functions;
    let n = functions.len();
    // Beside the chord a state knows for how many bars it has been held, so that a held one grows dear.
    let mut scores = vec![f64::INFINITY; n * HELD];
    let mut came_from: Vec<Vec<usize>> = Vec::with_capacity(slots.len());
    for (index, slot) in slots.iter().enumerate() {
        let mut next = vec![f64::INFINITY; n * HELD];
        let mut from = vec![0; n * HELD];
        for (chosen, function) in functions.iter().enumerate() {
            if slot.given.map_or(chosen >= vocabulary.own, |given| given != chosen) {
                continue;
            }
            let own = slot_cost(slot, *function, request)
                + slot.whims.get(chosen).copied().unwrap_or(0.0)
                + cadence_cost(function.role, slot);
            if index == 0 {
                let (entry, held) = match previous {
                    Some((before, held)) if before == chosen => stay(held, slot.begins_bar, request.style),
                    Some((before, _)) => {
                        let change = change_cost(functions[before].role, function.role, request.style);
                        (change + if slot.begins_bar { 0.0 } else { MID_BAR_CHANGE }, 0)
                    }
                    None if function.role == Role::Tonic => (0.0, 0),
                    None => (FIRST_NOT_TONIC, 0),
                };
                next[chosen * HELD + held] = entry + own;
                continue;
            }
            for before in 0..n {
                for held in 0..HELD {
                    let score = scores[before * HELD + held];
                    if score == f64::INFINITY {
                        continue;
                    }
                    let (step, now_held) = if before == chosen {
                        stay(held, slot.begins_bar, request.style)
                    } else {
                        let change = change_cost(functions[before].role, function.role, request.style);
                        (change + if slot.begins_bar { 0.0 } else { MID_BAR_CHANGE }, 0)
                    };
                    let state = chosen * HELD + now_held;
                    if score + step + own < next[state] {
                        next[state] = score + step + own;
                        from[state] = before * HELD + held;
                    }
                }
            }
        }
        scores = next;
        came_from.push(from);
    }
    let mut state = (0..scores.len()).min_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0);
    let mut path = Vec::with_capacity(slots.len());
    for from in came_from.iter().rev() {
        path.push(state / HELD);
        state = from[state];
    }
    path.reverse();
    path
}

/// What it costs to stay on a chord that has been held over so many bar lines, and over how many it is then held.
fn stay(held: usize, begins_bar: bool, style: Style) -> (f64, usize) {
    let long = if style == Style::Jazz { 0.0 } else { STAY_LONG };
    match begins_bar {
        true if held + 1 >= HELD => (STAY_OVER_BAR + long, HELD - 1),
        true => (STAY_OVER_BAR, held + 1),
        false => (0.0, held),
    }
}

/// The last chord of a path, and over how many bar lines it is held by then.
fn held_at_end(
    slots: &[Slot],
    path: &[usize],
    previous: Option<(usize, usize)>,
    style: Style,
) -> Option<(usize, usize)> {
    let mut state = previous;
    for (slot, chosen) in slots.iter().zip(path) {
        state = Some(match state {
            Some((chord, held)) if chord == *chosen => (chord, stay(held, slot.begins_bar, style).1),
            _ => (*chosen, 0),
        });
    }
    state
}

fn slot_cost(slot: &Slot, function: Function, request: &HarmonyRequest<'_>) -> f64 {
    let root = request.key.tonic + function.above;
    let sung: f64 = slot
        .sung
        .iter()
        .map(|(pitch, weight, passing)| {
            let cost = note_cost(pitch.above(root), function.quality);
            weight * cost * if *passing { fit::PASSING } else { 1.0 }
        })
        .sum();
    let beats = (slot.end - slot.start).0 as f64 / request.meter.beat().0 as f64;
    MELODY * sung + function.cost[usize::from(request.style == Style::Jazz)] * 0.5 * beats.min(4.0).sqrt()
}

/// Cost of a note this many semitones above the root.
fn note_cost(above: u8, quality: ChordQuality) -> f64 {
    let intervals = quality.intervals();
    match above {
        0 => fit::ROOT,
        3 | 4 if intervals.contains(&above) => fit::THIRD,
        6..=8 if intervals.contains(&above) => fit::FIFTH,
        10 => fit::SEVENTH,
        11 if !quality.is_minor() => fit::SEVENTH + 0.15,
        2 | 9 => fit::SIXTH_OR_NINTH,
        5 => fit::SUSPENSION,
        _ => fit::CLASH,
    }
}

/// What it costs to end a phrase or the song on a role; within a phrase nothing.
fn cadence_cost(role: Role, slot: &Slot) -> f64 {
    let kind = match role {
        Role::Tonic => 0,
        Role::Dominant => 1,
        Role::Submediant | Role::Subdominant => 2,
        _ => 3,
    };
    let end = if slot.ends_phrase || slot.ends_song { CADENCE[kind] } else { 0.0 };
    end + if slot.ends_song && kind != 0 { OPEN_END } else { 0.0 }
}

/// Turns triads into what the style calls for, where the melody allows it.
pub fn colour(spans: &mut [ChordSpan], key: Key, style: Style, melody: &[HarmonyNote]) {
    let sung = |span: &ChordSpan, above: u8| {
        melody
            .iter()
            .any(|n| n.start < span.end() && n.end > span.start && n.pitch.above(span.chord.root) == above)
    };
    let count = spans.len();
    for index in 0..count {
        let next_root = spans.get(index + 1).map(|span| span.chord.root);
        let span = &mut spans[index];
        let resolves_down_a_fifth = next_root.is_some_and(|next| span.chord.root.above(next) == 7);
        let is_dominant = span.chord.quality == ChordQuality::Major
            && (span.chord.root.above(key.tonic) == 7 || !is_diatonic_major(span.chord, key));
        span.chord.quality = match (style, span.chord.quality) {
            (Style::Jazz, ChordQuality::Major) if is_dominant => ChordQuality::Seven,
            (Style::Jazz, ChordQuality::Major) if sung(span, 0) => ChordQuality::Six,
            (Style::Jazz, ChordQuality::Major) => ChordQuality::MajorSeven,
            (Style::Jazz, ChordQuality::Minor) if span.chord.root == key.tonic => ChordQuality::MinorSix,
            (Style::Jazz, ChordQuality::Minor) => ChordQuality::MinorSeven,
            (Style::Jazz, ChordQuality::Diminished) => ChordQuality::HalfDiminished,
            (Style::Pop | Style::Ballad, ChordQuality::Major)
                if is_dominant && resolves_down_a_fifth && sung(span, 5) && !sung(span, 4) =>
            {
                ChordQuality::Sus4
            }
            (_, ChordQuality::Major) if is_dominant && resolves_down_a_fifth && index + 1 < count => {
                if sung(span, 10) || index + 2 == count { ChordQuality::Seven } else { ChordQuality::Major }
            }
            (_, quality) => quality,
        };
    }
}

fn is_diatonic_major(chord: ChordSymbol, key: Key) -> bool {
    chord.pitch_classes().all(|p| key.scale().contains(&p.above(key.tonic)))
}

/// Notes of a melody as harmony sees them: (start, end, MIDI pitch) in order.
pub fn harmony_notes(notes: impl Iterator<Item = (Ticks, Ticks, u8)>, beat: TickCount) -> Vec<HarmonyNote> {
    let notes: Vec<_> = notes.collect();
    (0..notes.len())
        .map(|i| {
            let (start, end, pitch) = notes[i];
            let step = |other: Option<&(Ticks, Ticks, u8)>| {
                other.is_some_and(|(_, _, p)| (1..=2).contains(&p.abs_diff(pitch)))
            };
            let short = (end - start).0 * 2 <= beat.0;
            let passing =
                short && step(i.checked_sub(1).and_then(|b| notes.get(b))) && step(notes.get(i + 1));
            HarmonyNote { start, end, pitch: PitchClass(pitch % 12), passing }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes of so many beats, one after the other; pitch 0 is a rest.
    fn notes(tune: &[(u8, i64)], shift: i32) -> Vec<HarmonyNote> {
        let mut at = Ticks(0);
        let mut notes: Vec<_> = tune
            .iter()
            .map(|(pitch, beats)| {
                let start = at;
                at += TickCount(960) * *beats;
                (start, at, (i32::from(*pitch) + shift) as u8)
            })
            .collect();
        notes.retain(|(_, _, pitch)| *pitch != 0);
        harmony_notes(notes.into_iter(), TickCount(960))
    }

    /// One phrase in C and 4/4 that ends the song.
    fn request<'a>(melody: &'a [HarmonyNote], phrase_ends: &'a [Ticks]) -> HarmonyRequest<'a> {
        let end = melody.last().map_or(Ticks(0), |note| note.end);
        HarmonyRequest {
            key: "C".parse().expect("a key"),
            meter: Meter::FOUR_FOUR,
            style: Style::Folk,
            from: Ticks(0),
            bars: ((end - Ticks(0)) / Meter::FOUR_FOUR.bar()) as usize,
            melody,
            phrase_ends,
            before: None,
            given: &[],
            is_ending: true,
            whim: None,
        }
    }

    fn bars(count: i64) -> Ticks {
        Ticks(0) + Meter::FOUR_FOUR.bar() * count
    }

    fn at(spans: &[ChordSpan], bar: i64) -> String {
        let at = bars(bar);
        let span = spans.iter().find(|span| span.start <= at && at < span.end()).expect("a chord");
        span.chord.to_string()
    }

    fn harmonised(tune: &[(u8, i64)], style: Style, shift: i32) -> Vec<String> {
        let melody = notes(tune, shift);
        let ends: Vec<Ticks> = melody.last().map(|note| note.end).into_iter().collect();
        let key = "C".parse::<Key>().expect("a key").transposed(shift);
        let spans = harmonise(&HarmonyRequest { key, style, ..request(&melody, &ends) });
        spans.iter().map(|span| span.chord.transposed(-shift).to_string()).collect()
    }

    const TWINKLE: [(u8, i64); 14] = [
        (60, 1),
        (60, 1),
        (67, 1),
        (67, 1),
        (69, 1),
        (69, 1),
        (67, 2),
        (65, 1),
        (65, 1),
        (64, 1),
        (64, 1),
        (62, 1),
        (62, 1),
        (60, 2),
    ];

    #[test]
    fn a_plain_tune_gets_plain_chords_and_a_cadence() {
        let chords = harmonised(&TWINKLE, Style::Folk, 0);
        assert_eq!(chords.first().map(String::as_str), Some("C"), "{chords:?}");
        assert_eq!(chords.last().map(String::as_str), Some("C"), "{chords:?}");
        assert!(chords.iter().any(|c| c.starts_with('F')), "{chords:?}");
        assert!(chords.iter().any(|c| c.starts_with('G')), "{chords:?}");
    }

    #[test]
    fn every_transposition_moves_every_chord() {
        let home = harmonised(&TWINKLE, Style::Jazz, 0);
        for shift in 1..12 {
            assert_eq!(harmonised(&TWINKLE, Style::Jazz, shift), home, "{shift} semitones up");
        }
    }

    #[test]
    fn a_song_ends_on_the_tonic_where_nobody_sings_any_more() {
        // A tonic that was held for long would be left in the bar after the last sung one.
        let melody = notes(&[(60, 24)], 0);
        let ends = [bars(6)];
        let spans = harmonise(&HarmonyRequest { bars: 7, ..request(&melody, &ends) });
        assert_eq!(at(&spans, 6), "C", "{spans:?}");
    }

    #[test]
    fn neighbours_bend_around_given_chords() {
        let melody = notes(&[(60, 4), (64, 4), (60, 2), (64, 2), (60, 4)], 0);
        let ends = [bars(1), bars(4)];
        let free = request(&melody, &ends);
        assert_eq!(at(&harmonise(&free), 2), "C");
        let span = |name: &str, bar| ChordSpan {
            start: bars(bar),
            length: Meter::FOUR_FOUR.bar(),
            chord: name.parse().expect("a chord"),
        };
        // What is given stands, and what follows and goes before it is what leads from and to it.
        let given = [span("E7", 1)];
        let bent = harmonise(&HarmonyRequest { given: &given, ..free });
        assert_eq!((at(&bent, 1).as_str(), at(&bent, 2).as_str()), ("E7", "Am"), "{bent:?}");
        // A chord that the rules never choose goes on from where it is, and is chosen nowhere else.
        let given = [span("Bdim", 1)];
        let bent = harmonise(&HarmonyRequest { given: &given, ..free });
        let dims = bent.iter().filter(|span| span.chord.quality == ChordQuality::Diminished);
        assert_eq!((at(&bent, 1).as_str(), dims.count()), ("Bdim", 1), "{bent:?}");
    }

    #[test]
    fn the_end_of_a_phrase_leads_to_a_given_chord_after_it() {
        let melody = notes(&[(67, 1), (71, 1), (67, 2), (62, 1), (71, 1), (0, 2), (62, 4), (60, 4)], 0);
        let ends = [bars(2), bars(4)];
        let given = [ChordSpan {
            start: bars(2),
            length: Meter::FOUR_FOUR.bar(),
            chord: "D7".parse().expect("a chord"),
        }];
        let free = request(&melody, &ends);
        let bent = harmonise(&HarmonyRequest { given: &given, ..free });
        let last = |spans: &[ChordSpan]| {
            let after = spans.partition_point(|span| span.start < ends[0]);
            spans[..after].last().map(|span| span.chord.to_string())
        };
        assert_eq!(last(&harmonise(&free)).as_deref(), Some("G"));
        assert_eq!(last(&bent).as_deref(), Some("C"), "{bent:?}");
    }
}
