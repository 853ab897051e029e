//! What a bar stands on: everything that is known of its steps but what is played.

use collavoce_models::arranger::{Chord, Place, Step, Sung};

use crate::compose::line::{Line, Moment};
use crate::score::{Bar, BarNumber, ChordSymbol, PitchClass, Score};
use crate::song::Mode;
use crate::time::{Meter, TickCount, Ticks};

/// A step: a sixteenth.
pub const STEP: TickCount = TickCount(240);
/// Most steps that are looked ahead for a chord.
const CHORD_AHEAD: i64 = 16;
/// Most beats that are looked ahead for an entry or a rest.
const LINE_AHEAD: f32 = 4.0;
/// Middle C.
const MIDDLE_C: f32 = 60.0;

/// Steps of a bar.
pub fn steps_in_bar(meter: Meter) -> usize {
    (meter.bar().0 / STEP.0) as usize
}

/// What the network takes for a beat: never more than six steps.
pub fn pulse(meter: Meter) -> TickCount {
    if meter.is_compound() { meter.beat() } else { meter.beat().min(TickCount(960)) }
}

/// The chord of a position; where none is, the one before it, or else the first.
pub fn chord_near(score: &Score, at: Ticks) -> Option<ChordSymbol> {
    let after = score.chords.partition_point(|span| span.start <= at);
    score.chords[..after].last().or(score.chords.first()).map(|span| span.chord)
}

/// The root that tones of a position are counted from.
pub fn root_at(score: &Score, at: Ticks) -> PitchClass {
    chord_near(score, at).map_or(PitchClass(0), |chord| chord.root)
}

/// The steps of a bar, with nothing of what is asked for or played.
pub fn steps(score: &Score, mode: Mode, bar: Bar) -> Vec<Step> {
    let line = Line::of(score, mode, bar);
    let count = steps_in_bar(score.meter);
    let places = (0..count).map(|index| (index, bar.start + STEP * index as i64));
    places
        .map(|(index, at)| Step {
            place: place(score, bar, index),
            sung: Some(sung(score, &line, at)),
            chord: chord(score, at),
            ..Step::default()
        })
        .collect()
}

fn place(score: &Score, bar: Bar, index: usize) -> Place {
    let per_beat = (pulse(score.meter).0 / STEP.0) as usize;
    let section = score.section_of(bar.number);
    let next = score.section_of(BarNumber(bar.number.0 + 1));
    let is_first = section.is_some_and(|section| section.first == bar.number);
    let leads = next.is_some_and(|next| next.first.0 == bar.number.0 + 1 && next.first.0 > 1);
    Place {
        step: index % per_beat,
        beat: index / per_beat,
        beats: steps_in_bar(score.meter) / per_beat,
        is_compound: score.meter.is_compound(),
        bar: section.map_or(bar.number.0 - 1, |section| bar.number.0 - section.first.0).rem_euclid(8)
            as usize,
        begins_section: is_first,
        leads_to_section: leads,
        is_fill: false,
    }
}

fn sung(score: &Score, line: &Line, at: Ticks) -> Sung {
    let middle = at + STEP / 2;
    let after = score.melody.partition_point(|note| note.start <= middle);
    let note = score.melody[..after].last().filter(|note| note.end() > middle);
    let moment = match line.moment(at) {
        Moment::Sung => 0,
        Moment::Breath => 1,
        Moment::Ends => 2,
        Moment::Open => 3,
        Moment::Leads => 4,
        Moment::Alone => 5,
    };
    let root = root_at(score, at);
    let edges = line.rests().iter().flat_map(|rest| [rest.from, rest.to]);
    let next = edges.filter(|edge| *edge > at).min();
    // In whole steps: a breath that ends a few ticks sooner shall not change what is played.
    let steps = |edge: Ticks| ((edge - at).0 + STEP.0 / 2) / STEP.0;
    let beats = |edge: Ticks| (steps(edge) * STEP.0) as f32 / pulse(score.meter).0 as f32;
    Sung {
        moment,
        begins: note.is_some_and(|note| note.start > at - STEP / 2),
        tone: note.map(|note| note.pitch.pitch_class().above(root)),
        height: note.map_or(0.0, |note| height(note.pitch.0)),
        until: next.map_or(LINE_AHEAD, beats).min(LINE_AHEAD),
    }
}

/// Octaves of a MIDI pitch above middle C.
pub fn height(pitch: u8) -> f32 {
    (f32::from(pitch) - MIDDLE_C) / 12.0
}

fn chord(score: &Score, at: Ticks) -> Option<Chord> {
    let chord = chord_near(score, at)?;
    let bits = |holds: &dyn Fn(PitchClass) -> bool| {
        (0..12u8).filter(|above| holds(chord.root + *above)).fold(0u16, |bits, above| bits | 1 << above)
    };
    let changes = (1..=CHORD_AHEAD).find(|ahead| chord_near(score, at + STEP * *ahead) != Some(chord));
    let next = changes.and_then(|ahead| chord_near(score, at + STEP * ahead));
    Some(Chord {
        tones: bits(&|pitch| chord.holds(pitch)),
        bass: chord.bass.above(chord.root),
        scale: bits(&|pitch| score.key.holds(pitch)),
        begins: score.chords.iter().any(|span| span.start == at),
        next: next.map(|next| next.root.above(chord.root)),
        until: changes.unwrap_or(CHORD_AHEAD) as u8,
    })
}

/// The bar that a bar is like, of those before it: where its section was played before, the same place in it (live nobody
/// knows sections); else four bars ago, two bars ago, or the bar before; none is before the first one that is played. And
/// whether it comes back: its section does.
pub fn bar_like(score: &Score, mode: Mode, bar: BarNumber, first: BarNumber) -> Option<(BarNumber, bool)> {
    let section = score.section_of(bar).filter(|_| mode == Mode::Studio);
    let again = section.and_then(|section| {
        let place = bar.0 - section.first.0;
        let mut earlier =
            score.sections.iter().rev().filter(|one| one.first < section.first && one.label == section.label);
        earlier.find(|one| (one.bars as i32) > place).map(|one| one.first.0 + place)
    });
    let near = [4, 2, 1].into_iter().map(|bars| bar.0 - bars).find(|bar| *bar >= first.0);
    let again = again.filter(|bar| *bar >= first.0).map(|bar| (BarNumber(bar), true));
    again.or(near.map(|bar| (BarNumber(bar), false)))
}
