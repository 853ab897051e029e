//! Guitar: strums and arpeggios over playable voicings.

use super::voicing::{Fretting, STANDARD_TUNING, fretting};
use super::{BarContext, Ending, cut_overlaps};
use crate::compose::line::Moment;
use crate::score::{Articulation, MidiNote, Note, Velocity};
use crate::song::{Rng, Style};
use crate::time::{TickCount, Ticks};

/// How long the string sounds before a finger hammers it: a thirty-second.
const GRACE: TickCount = TickCount(120);

/// One sign per eighth. `D`/`d` strong and light down-stroke, `U`/`u` up-stroke, `B` bass string, `1`..`4` single
/// strings counted from the top, `x` damped stroke, `.` lets ring.
struct Pattern {
    four: &'static [u8; 8],
    three: &'static [u8; 6],
    six: &'static [u8; 6],
}

const fn pattern(four: &'static [u8; 8], three: &'static [u8; 6], six: &'static [u8; 6]) -> Pattern {
    Pattern { four, three, six }
}

const FOLK: [Pattern; 4] = [
    pattern(b"B.d.B.d.", b"B.d.d.", b"B.dB.d"),
    pattern(b"D.dU.UdU", b"D.dudu", b"D.uD.u"),
    pattern(b"B.duB.du", b"B.dudu", b"B.ud.u"),
    pattern(b"D.dUD.dU", b"D.D.dU", b"DduDdu"),
];
const POP: [Pattern; 4] = [
    pattern(b"D...d.u.", b"D...d.", b"D..d.."),
    pattern(b"D.d.D.du", b"D.d.du", b"D.dD.u"),
    pattern(b"D.dU.UdU", b"D.dUdU", b"D.uDdu"),
    pattern(b"DdDUxUDU", b"DdxUDU", b"DduDdu"),
];
const BALLAD: [Pattern; 4] = [
    pattern(b"B.3.1.2.", b"B.2.1.", b"B32123"),
    pattern(b"B3213212", b"B32123", b"B32123"),
    pattern(b"B.21B.21", b"B.2123", b"B21B21"),
    pattern(b"D.2131d.", b"D.2132", b"D21321"),
];
const JAZZ: [Pattern; 4] = [
    pattern(b"x.D.x.D.", b"x.D.D.", b"x.Dx.D"),
    pattern(b"D.x.D.x.", b"D.x.x.", b"D.xD.x"),
    pattern(b"..D..uD.", b"..D..u", b"..D..D"),
    pattern(b"D..u..D.", b"D..u..", b"D..D.."),
];

/// The guitar's notes in a bar.
pub(super) fn bar(context: &BarContext<'_>, take: u32, rng: &mut Rng) -> Vec<Note> {
    if context.ending == Ending::Final {
        return final_strokes(context, rng);
    }
    let signs = signs(context, take, rng);
    let strokes: Vec<usize> = (0..signs.len()).filter(|i| signs[*i] != b'.').collect();
    let mut notes = Vec::new();
    // A chord that enters between two strokes gets one of its own.
    let mut places: Vec<(Ticks, u8)> = strokes.iter().map(|i| (context.eighth(*i), signs[*i])).collect();
    for span in &context.chords {
        if !places.iter().any(|(at, _)| *at == span.start) {
            places.push((span.start, b'D'));
        }
    }
    places.sort_unstable();
    for (index, (at, sign)) in places.iter().enumerate() {
        let chord = context.chord_at(*at);
        let chord_end = context
            .chords
            .iter()
            .find(|s| s.start <= *at && s.end() > *at)
            .map_or(context.bar.end, |s| s.end());
        let held = fretting(chord, usize::from(take > 1 && rng.chance(0.25)));
        let is_single = sign.is_ascii_digit() || *sign == b'B';
        let next = places.get(index + 1).map_or(context.bar.end, |(next, _)| *next);
        // Single strings ring on to the end of their chord; a strum ends where the next begins.
        let end = if is_single { chord_end } else { next.min(chord_end) };
        // Short strokes are for under the voice; where a phrase ends the chord rings on.
        let is_short = context.style() == Style::Jazz && !context.line.ends_between(*at, end);
        let length = if is_short { TickCount((end - *at).0.min(400)) } else { end - *at };
        stroke(&mut notes, held, *at, length, *sign, base_velocity(context, *at), rng);
    }
    cut_overlaps(&mut notes);
    hammer(context, &mut notes);
    notes
}

/// Has a finger hammer a string, in every other bar of a folk song, onto the first note that is played alone on a beat:
/// from the step of the key below it, where the string has that.
pub(in crate::compose) fn hammer(context: &BarContext<'_>, notes: &mut Vec<Note>) {
    let is_odd = context.bar.number.0.rem_euclid(2) == 1;
    if context.style() != Style::Folk || !is_odd {
        return;
    }
    let beat = context.meter.beat();
    let on_beat = |note: &Note| (note.start - context.bar.start).0 % beat.0 == 0;
    let is_alone = |note: &Note| notes.iter().filter(|other| other.start == note.start).count() == 1;
    let found = notes.iter().position(|note| {
        note.articulation == Articulation::Normal
            && note.length >= beat / 2
            && on_beat(note)
            && is_alone(note)
            && step_below(context, note).is_some()
    });
    let Some(index) = found else { return };
    let Some(below) = step_below(context, &notes[index]) else { return };
    let hammered = &mut notes[index];
    let plucked = Note { length: GRACE, pitch: below, ..*hammered };
    (hammered.start, hammered.length) = (hammered.start + GRACE, hammered.length - GRACE);
    hammered.articulation = Articulation::HammerOn;
    notes.insert(index, plucked);
}

/// The note of the key a step below a fretted one, on the same string.
fn step_below(context: &BarContext<'_>, note: &Note) -> Option<MidiNote> {
    let held = fretting(context.chord_at(note.start), 0);
    let (string, _) = held.notes().find(|(_, pitch)| *pitch == note.pitch)?;
    let fret = note.pitch.0 - STANDARD_TUNING[string].0;
    let below = (1..=2).filter(|steps| *steps <= fret).map(|steps| MidiNote(note.pitch.0 - steps));
    below.into_iter().find(|pitch| context.score.key.holds(pitch.pitch_class()))
}

/// Notes without their graces: what is hammered is played where the string was plucked.
pub(in crate::compose) fn without_graces(notes: &[Note]) -> Vec<Note> {
    let mut plain: Vec<Note> = Vec::new();
    for note in notes {
        let is_grace = |grace: &Note| {
            grace.end() == note.start && (1..=2).contains(&(note.pitch.0.wrapping_sub(grace.pitch.0)))
        };
        let grace = plain.iter().rposition(is_grace).filter(|_| note.articulation == Articulation::HammerOn);
        match grace {
            Some(index) => {
                let grace = plain[index];
                plain[index] = Note { pitch: note.pitch, length: note.length + grace.length, ..grace };
            }
            None => plain.push(*note),
        }
    }
    plain
}

fn final_strokes(context: &BarContext<'_>, rng: &mut Rng) -> Vec<Note> {
    let mut notes = Vec::new();
    for span in context.final_chords() {
        let held = fretting(span.chord, 0);
        stroke(
            &mut notes,
            held,
            span.start,
            span.length,
            b'D',
            base_velocity(context, span.start) - 4.0,
            rng,
        );
    }
    notes
}

fn signs(context: &BarContext<'_>, take: u32, rng: &mut Rng) -> Vec<u8> {
    let pool = match context.style() {
        Style::Folk => &FOLK,
        Style::Pop => &POP,
        Style::Ballad => &BALLAD,
        Style::Jazz => &JAZZ,
    };
    // The section's energy chooses the pattern; other takes look at its neighbours.
    let centre = context.energy * 3.0 + 0.4 * context.section_rng.clone().signed();
    let shift = if take > 1 { rng.signed() * 1.4 } else { 0.0 };
    let chosen = &pool[(centre + shift).round().clamp(0.0, 3.0) as usize];
    let mut signs = context.fit_pattern(chosen.four, chosen.three, chosen.six);
    let answers = answer(context, rng);
    for index in 1..signs.len() {
        let (at, sign) = (context.eighth(index), signs[index]);
        let dice = (rng.unit(), rng.unit());
        let on_beat = index % context.eighths_per_beat() == 0;
        signs[index] = match context.line.moment(at) {
            Moment::Sung | Moment::Alone => under_voice(context, at, sign, dice),
            // The band breathes with the singer: what was struck rings on, and only the beat is touched.
            Moment::Breath if on_beat && matches!(sign, b'D' | b'd') => b'd',
            Moment::Ends if on_beat && sign == b'D' => b'd',
            Moment::Breath | Moment::Ends => b'.',
            Moment::Open => answers.map_or(sign, |answer| answer[index % answer.len()]),
            Moment::Leads if on_beat => sign,
            Moment::Leads => b'.',
        };
        if signs[index] == b'.' && context.line.meets_entry(at) && context.style() != Style::Jazz {
            signs[index] = if on_beat { b'D' } else { b'd' };
        }
    }
    signs
}

/// A sign under the voice: light strokes come and go, more of them where the singer is loud or high, fewer under dense
/// singing.
fn under_voice(context: &BarContext<'_>, at: Ticks, sign: u8, dice: (f64, f64)) -> u8 {
    let lift = context.lift(at);
    match sign {
        b'u' | b'd' if dice.0 < 0.08 + 0.1 * context.sung - 0.25 * lift => b'.',
        b'.' if context.style() != Style::Ballad
            && context.energy + 0.3 * lift > 0.55
            && dice.1 < 0.06 + 0.25 * lift =>
        {
            b'u'
        }
        _ => sign,
    }
}

/// What is played where the singer leaves room, by eighths of the bar: single strings, or fuller strumming; none goes on
/// as before.
fn answer(context: &BarContext<'_>, rng: &mut Rng) -> Option<&'static [u8]> {
    const PICKED: [&[u8]; 3] = [b"32123212", b"12321232", b"3.2.1.2."];
    const STRUMMED: [&[u8]; 2] = [b"dudu", b"DudU"];
    let (is_played, which) = (rng.chance(0.85), rng.below(12));
    match context.style() {
        _ if !is_played => None,
        Style::Jazz => None,
        Style::Ballad | Style::Folk => Some(PICKED[which % PICKED.len()]),
        Style::Pop if context.energy < 0.5 => Some(PICKED[which % PICKED.len()]),
        Style::Pop => Some(STRUMMED[which % STRUMMED.len()]),
    }
}

/// How hard the guitar strikes at a position.
pub(in crate::compose) fn base_velocity(context: &BarContext<'_>, at: Ticks) -> f64 {
    let on_bar = at == context.bar.start;
    let on_beat = (at - context.bar.start).0 % context.meter.beat().0 == 0;
    let accent = if on_bar {
        9.0
    } else if on_beat {
        4.0
    } else {
        0.0
    };
    52.0 + 34.0 * context.energy + accent + context.breath(at)
}

/// A stroke of the guitar as notes.
pub(in crate::compose) fn stroke(
    notes: &mut Vec<Note>,
    held: Fretting,
    at: Ticks,
    length: TickCount,
    sign: u8,
    velocity: f64,
    rng: &mut Rng,
) {
    let strings: Vec<_> = held.notes().collect();
    let count = strings.len();
    let mut add = |index: usize, velocity: f64, articulation: Articulation, length: TickCount| {
        if let Some((_, pitch)) = strings.get(index) {
            notes.push(Note {
                start: at,
                length,
                pitch: *pitch,
                velocity: Velocity::clamped(velocity),
                articulation,
            });
        }
    };
    let mut play = velocity + 4.0 * rng.signed();
    match sign {
        b'B' => add(0, play, Articulation::Normal, length),
        b'1'..=b'4' => {
            let index = count.saturating_sub(usize::from(sign - b'0'));
            add(index, play - 12.0, Articulation::Normal, length);
        }
        b'x' => {
            for index in 0..count {
                add(index, play - 22.0, Articulation::Muted, TickCount(length.0.min(120)));
            }
        }
        b'D' | b'd' => {
            let from = if sign == b'd' && count > 4 { 1 } else { 0 };
            play -= if sign == b'd' { 9.0 } else { 0.0 };
            for (order, index) in (from..count).enumerate() {
                add(index, play - order as f64 * 1.5, Articulation::StrumDown { order: order as u8 }, length);
            }
        }
        _ => {
            // Up-strokes catch the upper strings only.
            let strings_hit = if sign == b'u' { 3 } else { 4 };
            play -= if sign == b'u' { 14.0 } else { 7.0 };
            for order in 0..strings_hit.min(count) {
                let index = count - 1 - order;
                add(index, play - order as f64 * 2.0, Articulation::StrumUp { order: order as u8 }, length);
            }
        }
    }
}
