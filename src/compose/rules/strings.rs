//! Strings: four voices held over the chords that breathe with the singer, a moving upper line in longer rests.

use super::{BarContext, Ending, cut_overlaps};
use crate::compose::line::Rest;
use crate::score::{Articulation, ChordSpan, ChordSymbol, MidiNote, Note, Part, Velocity};
use crate::song::{Rng, Settings, Style};
use crate::time::{TickCount, Ticks};

/// Where the four voices lie, from the lowest.
pub struct Register {
    /// Lowest and highest note of cello, viola, second and first violin.
    pub ranges: [(u8, u8); 4],
    /// Where they start from.
    pub home: [u8; 4],
}

const USUAL: Register = Register { ranges: [(38, 55), (50, 67), (57, 74), (62, 81)], home: [45, 57, 64, 69] };
/// Over a guitar that is there already, most of whose notes lie below.
const OVER_GUITAR: Register =
    Register { ranges: [(55, 69), (60, 74), (64, 79), (67, 86)], home: [60, 65, 70, 74] };
/// The strings sound on after the voice for so many parts of a beat: a third.
const TAIL_PARTS: i64 = 3;
/// Furthest that a line steps without a new stroke of the bow, in semitones.
const SLUR: u8 = 4;
/// Energy below which folk and jazz players pluck what is short, and from which a ballad trembles.
const PLUCKED_BELOW: f64 = 0.5;
const TREMBLES_FROM: f64 = 0.9;
/// Energy below which a ballad is bowed over the fingerboard.
const HUSHED_BELOW: f64 = 0.4;

/// Where the strings lie in a song.
pub fn register(settings: &Settings) -> &'static Register {
    if settings.is_beside(Part::Guitar) { &OVER_GUITAR } else { &USUAL }
}

/// The strings' notes in a bar.
pub(super) fn bar(context: &BarContext<'_>, take: u32, rng: &mut Rng) -> Vec<Note> {
    let mut notes = Vec::new();
    let voices = if context.energy < 0.35 && take % 2 == 1 { 3 } else { 4 };
    let is_final = context.ending == Ending::Final;
    let mut spans = if is_final { context.final_chords() } else { context.chords.clone() };
    if is_final
        && let (Some(span), Some(note)) = (spans.last_mut(), context.score.melody.last())
        && note.end() > span.start
    {
        // The strings let go with the voice, but a last chord is one to be heard.
        span.length = span.length.min((note.end() - span.start).max(context.meter.beat()));
    }
    let held_spans =
        if is_final { spans } else { spans.iter().flat_map(|span| breathing(context, *span)).collect() };
    for span in &held_spans {
        let voicing = voicing_at(context, span.start);
        let splits = !is_final && take > 1 && rng.chance(0.5) && span.length.0 > context.meter.beat().0 * 2;
        for (voice, pitch) in voicing.iter().enumerate().take(voices) {
            let velocity =
                44.0 + 30.0 * context.energy + if voice == 3 { 4.0 } else { 0.0 } + 2.0 * rng.signed();
            let pieces = if splits && voice > 0 { 2 } else { 1 };
            let length = TickCount(span.length.0 / pieces);
            for piece in 0..pieces {
                notes.push(held(span.start + length * piece, length, *pitch, velocity));
            }
        }
    }
    if !is_final && voices == 4 {
        for (from, to) in rests(context) {
            counter_line(context, from, to, take, rng, &mut notes);
        }
    }
    cut_overlaps(&mut notes);
    bow(context, &mut notes);
    notes
}

/// How the bows take the notes of a bar. A voice that steps on is slurred; what is short and detached, or comes again,
/// bounces; where everything is short and soft, folk and jazz players pluck; a whole bar at the height of a ballad trembles;
/// its verses are bowed over the fingerboard.
pub(in crate::compose) fn bow(context: &BarContext<'_>, notes: &mut [Note]) {
    let beat = context.meter.beat();
    let whole = context.bar.end - context.bar.start;
    let is_soft = context.energy < PLUCKED_BELOW && matches!(context.style(), Style::Folk | Style::Jazz);
    if is_soft && notes.iter().all(|note| note.length <= beat) {
        notes.iter_mut().for_each(|note| note.articulation = Articulation::Pizzicato);
        return;
    }
    let is_hushed = context.style() == Style::Ballad && context.energy < HUSHED_BELOW;
    let written = notes.to_vec();
    for note in notes {
        let before = written.iter().filter(|other| other.end() == note.start);
        let steps = before.map(|other| other.pitch.0.abs_diff(note.pitch.0)).min();
        let trembles = context.style() == Style::Ballad && context.energy >= TREMBLES_FROM;
        note.articulation = match steps {
            Some(1..=SLUR) => Articulation::Legato,
            _ if note.length <= beat / 2 => Articulation::Spiccato,
            _ if trembles && note.length >= whole => Articulation::Tremolo,
            _ if is_hushed => Articulation::SulTasto,
            _ => Articulation::Sustained,
        };
    }
}

/// Where a chord is bowed: it is let go a little after the voice where a rest of a beat and more follows, and taken up
/// again by the voice's entry; a chord that comes as the voice goes is taken up on the next beat. Where no entry is in
/// sight nobody is breathed with, and the strings take over.
pub(in crate::compose) fn breathing(context: &BarContext<'_>, span: ChordSpan) -> Vec<ChordSpan> {
    let beat = context.meter.beat();
    let tail = beat / TAIL_PARTS;
    let mut bowed = Vec::new();
    let mut from = span.start;
    let is_breath = |rest: &&Rest| rest.follows && rest.leads && rest.length() >= beat;
    for rest in context.line.rests().iter().filter(is_breath) {
        let let_go = rest.from + tail;
        let next_beat =
            context.bar.start + beat * ((rest.from + beat * 3 / 2 - context.bar.start).0.div_euclid(beat.0));
        // The bow is off the string from here to there.
        let again = if span.start >= rest.from - tail { next_beat.min(rest.to) } else { rest.to };
        if again <= from || let_go >= span.end() {
            continue;
        }
        if span.start < rest.from - tail && let_go > from {
            bowed.push((from, let_go));
        }
        from = from.max(again);
    }
    bowed.push((from, span.end()));
    // Less than half a beat is no stroke of the bow, unless it is all there is of a chord.
    bowed.retain(|(from, to)| (*to - *from) >= (beat / 2).min(span.length));
    bowed.iter().map(|(from, to)| ChordSpan { start: *from, length: *to - *from, ..span }).collect()
}

/// A bowed note.
pub(in crate::compose) fn held(start: Ticks, length: TickCount, pitch: MidiNote, velocity: f64) -> Note {
    Note {
        start,
        length,
        pitch,
        velocity: Velocity::clamped(velocity),
        articulation: Articulation::Sustained,
    }
}

/// The four voices of the chord at a position: each chord of the song moves them as little as it can from the one
/// before, beginning anew every eight bars so that an edit of a chord does not reach further.
fn voicing_at(context: &BarContext<'_>, at: Ticks) -> [MidiNote; 4] {
    let anchor_bar = (context.bar.number.0 - 1).div_euclid(8) * 8 + 1;
    let anchor = context.score.bar(crate::score::BarNumber(anchor_bar)).start;
    let register = register(context.settings);
    let mut voicing = register.home.map(MidiNote);
    for span in &context.score.chords {
        if span.end() <= anchor || span.start > at {
            continue;
        }
        voicing = lead(voicing, span.chord, register);
    }
    voicing
}

/// The nearest voicing of a chord: every chord tone present, the bass note below, voices in range and not crossed.
fn lead(from: [MidiNote; 4], chord: ChordSymbol, register: &Register) -> [MidiNote; 4] {
    let options: [Vec<MidiNote>; 4] = std::array::from_fn(|voice| {
        let (low, high) = register.ranges[voice];
        let fits = |n: &MidiNote| {
            let pitch = n.pitch_class();
            if voice == 0 { pitch == chord.bass } else { chord.holds(pitch) }
        };
        let mut options: Vec<MidiNote> = (low..=high).map(MidiNote).filter(fits).collect();
        options.sort_by_key(|n| n.0.abs_diff(from[voice].0));
        options.truncate(4);
        options
    });
    let mut best: Option<(u32, [MidiNote; 4])> = None;
    for bass in &options[0] {
        for viola in &options[1] {
            for second in &options[2] {
                for first in &options[3] {
                    let voicing = [*bass, *viola, *second, *first];
                    let cost = leading_cost(from, voicing, chord, register);
                    if best.is_none_or(|(known, _)| cost < known) {
                        best = Some((cost, voicing));
                    }
                }
            }
        }
    }
    best.map_or(from, |(_, voicing)| voicing)
}

fn leading_cost(from: [MidiNote; 4], to: [MidiNote; 4], chord: ChordSymbol, register: &Register) -> u32 {
    let motion: u32 =
        (0..4).map(|v| u32::from(from[v].0.abs_diff(to[v].0)) * if v == 0 { 1 } else { 2 }).sum();
    let home: u32 = (1..4).map(|v| u32::from(register.home[v].abs_diff(to[v].0)) / 4).sum();
    let crossed = to.windows(2).filter(|pair| pair[0] >= pair[1]).count() as u32 * 60;
    let missing = chord
        .quality
        .intervals()
        .iter()
        .filter(|i| **i != 7 && !to.iter().any(|n| n.pitch_class() == chord.root + **i))
        .count() as u32
        * 40;
    let mut parallels = 0;
    for low in 0..4 {
        for high in low + 1..4 {
            let interval = |v: &[MidiNote; 4]| (i32::from(v[high].0) - i32::from(v[low].0)).rem_euclid(12);
            let moves = from[low] != to[low] && from[high] != to[high];
            if moves && interval(&from) == interval(&to) && matches!(interval(&to), 0 | 7) {
                parallels += 12;
            }
        }
    }
    motion + home + crossed + missing + parallels
}

/// Where the first violin has room: rests of a beat and a half and more, from the first beat on which the others have let
/// go.
fn rests(context: &BarContext<'_>) -> Vec<(Ticks, Ticks)> {
    let (beat, bar) = (context.meter.beat(), context.bar);
    let cut = |rest: &Rest| {
        let free = if rest.follows { rest.from + beat / TAIL_PARTS } else { rest.from };
        let beats = ((free.max(bar.start) - bar.start).0 + beat.0 - 1) / beat.0;
        (bar.start + beat * beats, rest.to.min(bar.end))
    };
    let long = |rest: &&Rest| rest.length().0 * 2 >= beat.0 * 3;
    let rests = context.line.rests().iter().filter(long).map(cut);
    rests.filter(|(from, to)| *to - *from >= beat).collect()
}

/// The first violin walks by step from chord tone to chord tone.
fn counter_line(
    context: &BarContext<'_>,
    from: Ticks,
    to: Ticks,
    take: u32,
    rng: &mut Rng,
    notes: &mut Vec<Note>,
) {
    let step =
        if context.energy > 0.6 && rng.chance(0.5) { context.meter.beat() / 2 } else { context.meter.beat() };
    let top = voicing_at(context, from)[3];
    let (low, high) = register(context.settings).ranges[3];
    let direction = if (context.bar.number.0 + take as i32) % 2 == 0 { 1 } else { -1 };
    // What the first violin held ends where its line begins.
    for note in notes.iter_mut().filter(|n| n.pitch == top && n.start < to && n.end() > from) {
        note.length = from - note.start;
    }
    notes.retain(|n| n.length.0 > 0);
    let (mut at, mut pitch, mut heading) = (from, top, direction);
    while at < to {
        let velocity = 50.0 + 30.0 * context.energy + 2.0 * rng.signed();
        notes.push(held(at, step.min(to - at), pitch, velocity));
        at += step;
        let chord = context.chord_at(at.min(context.bar.end - TickCount(1)));
        let on_beat = (at - context.bar.start).0 % context.meter.beat().0 == 0;
        let fits = |n: &MidiNote| {
            let pitch = n.pitch_class();
            if on_beat { chord.holds(pitch) } else { context.score.key.holds(pitch) }
        };
        let next = (1..6).map(|s| pitch.up(heading * s)).find(fits).unwrap_or(pitch);
        if (low..=high).contains(&next.0) {
            pitch = next;
        } else {
            heading = -heading;
        }
        if rng.chance(0.2) {
            heading = -heading;
        }
    }
}
