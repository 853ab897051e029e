//! Bass: roots on strong beats, fifths and approaches between them; walking in jazz.

use super::{BarContext, Ending, cut_overlaps};
use crate::score::{Articulation, ChordSymbol, MidiNote, Note, PitchClass, Velocity};
use crate::song::{Rng, Style};
use crate::time::{TickCount, Ticks};

/// Lowest and highest note: E1 to G3.
const RANGE: (u8, u8) = (28, 55);
/// Roots are taken from this note upwards.
const ROOTS_FROM: u8 = 29;
/// Furthest that a finger slides, in semitones.
const SLIDE: u8 = 2;

/// The bass's notes in a bar.
pub(super) fn bar(context: &BarContext<'_>, take: u32, rng: &mut Rng) -> Vec<Note> {
    let mut notes = Vec::new();
    if context.ending == Ending::Final {
        let struck = context.final_chords();
        return struck
            .iter()
            .map(|span| note(context, span.start, span.length, root(span.chord), 4.0))
            .collect();
    }
    if context.style() == Style::Jazz && context.energy > 0.3 {
        walk(context, rng, &mut notes);
    } else {
        support(context, take, rng, &mut notes);
    }
    cut_overlaps(&mut notes);
    notes
}

fn root(chord: ChordSymbol) -> MidiNote {
    at_or_above(chord.bass, ROOTS_FROM)
}

fn at_or_above(pitch: PitchClass, lowest: u8) -> MidiNote {
    MidiNote(lowest + pitch.above(PitchClass(lowest % 12)))
}

/// Has the finger slide from a short step onto every other strong beat that it leads to.
pub(in crate::compose) fn slide(context: &BarContext<'_>, notes: &mut [Note]) {
    let beat = context.meter.beat();
    for index in 1..notes.len() {
        let (before, note) = (notes[index - 1], notes[index]);
        let is_strong = (note.start - context.bar.start).0 % beat.0 == 0;
        let leads = note.start - before.start <= beat && note.start - before.end() <= beat / 4;
        let steps = (1..=SLIDE).contains(&note.pitch.0.abs_diff(before.pitch.0));
        let every_other = (i64::from(context.bar.number.0) + note.start.0 / beat.0) % 2 == 0;
        if is_strong && leads && steps && every_other && note.articulation == Articulation::Normal {
            notes[index].articulation = Articulation::Slide;
        }
    }
}

pub(in crate::compose) fn note(
    context: &BarContext<'_>,
    at: Ticks,
    length: TickCount,
    pitch: MidiNote,
    accent: f64,
) -> Note {
    let velocity = 58.0 + 30.0 * context.energy + accent;
    Note {
        start: at,
        length,
        pitch,
        velocity: Velocity::clamped(velocity),
        articulation: Articulation::Normal,
    }
}

/// One sign per eighth: `R` root, `F` fifth, `O` octave, `.` holds.
fn support(context: &BarContext<'_>, take: u32, rng: &mut Rng, notes: &mut Vec<Note>) {
    const SPARSE: [&[u8]; 3] = [b"R.......", b"R.....", b"R....."];
    const HALVES: [&[u8]; 3] = [b"R...F...", b"R...F.", b"R..F.."];
    const DOTTED: [&[u8]; 3] = [b"R..RF...", b"R..R..", b"R.RF.."];
    const PUSHED: [&[u8]; 3] = [b"R..R.RF.", b"R..RF.", b"R.RR.F"];
    const EIGHTHS: [&[u8]; 3] = [b"RRRRRRRR", b"RRRRRR", b"RRRRRR"];
    let pool: [[&[u8]; 3]; 4] = match context.style() {
        Style::Folk => [SPARSE, HALVES, HALVES, DOTTED],
        Style::Ballad => [SPARSE, SPARSE, HALVES, DOTTED],
        _ => [SPARSE, DOTTED, PUSHED, EIGHTHS],
    };
    let shift = if take > 1 { rng.signed() * 1.3 } else { 0.0 };
    let centre = context.energy * 3.0 + 0.4 * context.section_rng.clone().signed() + shift;
    let [four, three, six] = pool[centre.round().clamp(0.0, 3.0) as usize];
    let mut signs = context.fit_pattern(four, three, six);
    for span in &context.chords {
        // Every chord is founded where it enters.
        let place = ((span.start - context.bar.start).0 / 480) as usize;
        if let Some(sign) = signs.get_mut(place) {
            *sign = b'R';
        }
    }
    let places: Vec<usize> = (0..signs.len()).filter(|i| signs[*i] != b'.').collect();
    for (index, place) in places.iter().enumerate() {
        let at = context.eighth(*place);
        let chord = context.chord_at(at);
        let end = places.get(index + 1).map_or(context.bar.end, |next| context.eighth(*next));
        let founding = root(chord);
        let fifth_above = if chord.quality.intervals().contains(&6) { 6 } else { 7 };
        let fifth = chord.root + fifth_above;
        let pitch = match signs[*place] {
            b'F' if chord.bass == chord.root => {
                let below = founding.0 as i32 - i32::from(founding.pitch_class().above(fifth));
                if below >= i32::from(RANGE.0) {
                    MidiNote(below as u8)
                } else {
                    at_or_above(fifth, founding.0)
                }
            }
            b'O' => founding.up(12),
            _ => founding,
        };
        let accent = if *place == 0 {
            8.0
        } else if *place % context.eighths_per_beat() == 0 {
            3.0
        } else {
            -3.0
        };
        let length = TickCount((end - at).0 * 92 / 100);
        notes.push(note(context, at, length, pitch, accent + 3.0 * rng.signed()));
    }
    // An approach to the next root from a step away, in the last eighth.
    let last = context.eighths() - 1;
    if let Some(next) = context.next_chord
        && next.bass != context.chord_at(context.eighth(last)).bass
        && context.energy > 0.35
        && rng.chance(0.25 + 0.3 * context.energy)
    {
        let at = context.eighth(last);
        notes.retain(|n| n.start != at);
        for before in notes.iter_mut().filter(|n| n.end() > at) {
            before.length = at - before.start;
        }
        notes.push(note(context, at, TickCount(420), approach(context, root(next), rng), 0.0));
    }
}

/// A note one scale step, or a semitone from below, away from a target.
fn approach(context: &BarContext<'_>, target: MidiNote, rng: &mut Rng) -> MidiNote {
    let steps: &[i32] = if rng.chance(0.5) { &[-2, -1, 2, 1] } else { &[2, -2, 1, -1] };
    let in_key = steps.iter().map(|s| target.up(*s)).find(|n| context.score.key.holds(n.pitch_class()));
    let chosen = in_key.unwrap_or(target.up(-1));
    MidiNote(chosen.0.clamp(RANGE.0, RANGE.1))
}

fn walk(context: &BarContext<'_>, rng: &mut Rng, notes: &mut Vec<Note>) {
    let beats = context.meter.beats_per_bar();
    let mut last = root(context.chord_at(context.bar.start));
    for beat in 0..beats {
        let at = context.bar.start + context.meter.beat() * beat as i64;
        let chord = context.chord_at(at);
        let enters = context.chords.iter().any(|span| span.start == at);
        let next_at = at + context.meter.beat();
        let next =
            if next_at >= context.bar.end { context.next_chord } else { Some(context.chord_at(next_at)) };
        let pitch = match next {
            _ if enters || beat == 0 => root(chord),
            Some(next) if next.bass != chord.bass => approach(context, root(next), rng),
            _ => {
                let tones: Vec<MidiNote> = (RANGE.0..=RANGE.1)
                    .map(MidiNote)
                    .filter(|n| chord.holds(n.pitch_class()) && *n != last && n.0.abs_diff(last.0) <= 7)
                    .collect();
                tones.get(rng.below(tones.len())).copied().unwrap_or(last)
            }
        };
        last = pitch;
        let accent = if beat % 2 == 1 { 4.0 } else { 0.0 };
        notes.push(note(
            context,
            at,
            TickCount(context.meter.beat().0 * 94 / 100),
            pitch,
            accent + 3.0 * rng.signed(),
        ));
    }
}
