//! What was chosen, as notes.

use collavoce_models::arranger::{BASS, GUITAR, HELD, KIT, REST, SHIFTS, STRINGS, stroke};

use super::choose::grates;
use super::ground::{STEP, pulse, steps_in_bar};
use super::played::{LINES, Played, SHIFT, key_of, velocity_of};
use crate::compose::rules::{BarContext, bass, cut_overlaps, drums, fretting, guitar, strings};
use crate::score::{Articulation, MidiNote, Note, Velocity};
use crate::song::{Feel, Rng, Style};
use crate::time::{TickCount, Ticks};

/// Length of a drum note: its sound rings on by itself.
const HIT: TickCount = TickCount(120);
/// Keys of General MIDI that softer hands take in quiet styles: cross-stick and shaker.
const CROSS_STICK: u8 = 37;
const SHAKER: u8 = 70;
/// Energy below which they do.
const SOFT_ENERGY: f64 = 0.5;
/// A soft stroke of the snare is a ghost note below this velocity.
const GHOST: u8 = 36;
/// Softest stroke of a drummer.
const SOFTEST: f64 = 14.0;
/// Share of what a bar's mean level lacks that is made up for, and velocities that a level holds.
const LEVELLED: f64 = 0.8;
const LEVEL_STEPS: f64 = 16.0;
/// Strings that are left of a strum at least.
const LEAST_STRUM: usize = 3;
/// Share of the time to its end in which a bass note sounds.
const BASS_LENGTH: (i64, i64) = (92, 100);

/// Whether off-beats are late thirds of a beat.
fn swings(context: &BarContext<'_>) -> bool {
    !context.meter.is_compound() && (context.settings.feel == Feel::Swing || context.style() == Style::Jazz)
}

/// Where a step of the bar sounds: where the bar swings, off-beats lie on thirds of the beat.
fn sounds_at(context: &BarContext<'_>, place: usize) -> Ticks {
    let beat = pulse(context.meter);
    let at = STEP * place as i64;
    if !swings(context) {
        return context.bar.start + at;
    }
    let thirds = [0, 1, 2, 2][(at.0 % beat.0 / STEP.0).clamp(0, 3) as usize];
    context.bar.start + beat * (at.0 / beat.0) + beat / 3 * thirds
}

/// The drums' notes of the bar that begins with a step; all of them as much louder as their mean lies below the level that
/// is asked for.
pub fn drums(context: &BarContext<'_>, played: &Played, from: usize, level: Option<f32>) -> Vec<Note> {
    let (_, mean) = played.densities(from..from + steps_in_bar(context.meter), 1);
    let louder =
        level.zip(mean).map_or(0.0, |(level, mean)| LEVELLED * f64::from(level - mean) * LEVEL_STEPS);
    let is_soft = context.energy < SOFT_ENERGY && matches!(context.style(), Style::Folk | Style::Ballad);
    let mut notes = Vec::new();
    for place in 0..steps_in_bar(context.meter) {
        let frame = &played.frames[from + place];
        for piece in (0..KIT).filter(|piece| frame.choices[*piece] == 1) {
            let late = (i64::from(frame.shifts[piece]) - (SHIFTS / 2) as i64) * SHIFT;
            let is_jazz = context.style() == Style::Jazz;
            let grid =
                if is_jazz { context.bar.start + STEP * place as i64 } else { sounds_at(context, place) };
            let start = (grid + TickCount(late)).max(context.bar.start).min(context.bar.end - TickCount(1));
            let key = match piece {
                1 if is_soft => CROSS_STICK,
                2 if is_soft => SHAKER,
                _ => key_of(piece),
            };
            let velocity = Velocity::clamped((velocity_of(frame.levels[piece]) + louder).max(SOFTEST));
            let is_ghost = velocity.get() < GHOST;
            let articulation = if is_ghost { Articulation::Ghost } else { Articulation::Normal };
            notes.push(Note { start, length: HIT, pitch: MidiNote(key), velocity, articulation });
        }
    }
    drums::meet(context, notes)
}

/// The places of the bar in which a voice begins a tone, each with the place at which that ends.
fn tones(played: &Played, voice: usize, from: usize, steps: usize) -> Vec<(usize, usize)> {
    let choice = |place: usize| played.frames[from + place].choices[voice];
    let begins = (0..steps).filter(|place| choice(*place) > HELD);
    begins
        .map(|place| (place, (place + 1..steps).find(|next| choice(*next) != HELD).unwrap_or(steps)))
        .collect()
}

/// The bass's notes of the bar that begins with a step.
pub fn bass(context: &BarContext<'_>, played: &Played, from: usize, rng: &mut Rng) -> Vec<Note> {
    let steps = steps_in_bar(context.meter);
    let beat = (pulse(context.meter).0 / STEP.0) as usize;
    let mut notes = Vec::new();
    for (place, end) in tones(played, BASS, from, steps) {
        let Some(pitch) = played.pitches[from + place][0] else { continue };
        let (start, end) = (sounds_at(context, place), end_of(context, end));
        let accent = match place {
            0 => 8.0,
            _ if place % beat == 0 => 3.0,
            _ => -3.0,
        };
        let length = TickCount((end - start).0 * BASS_LENGTH.0 / BASS_LENGTH.1);
        notes.push(bass::note(context, start, length, pitch, accent + 3.0 * rng.signed()));
    }
    cut_overlaps(&mut notes);
    notes.retain(|note| note.length.0 > 0);
    bass::slide(context, &mut notes);
    notes
}

fn end_of(context: &BarContext<'_>, place: usize) -> Ticks {
    if place == steps_in_bar(context.meter) { context.bar.end } else { sounds_at(context, place) }
}

/// The guitar's notes of the bar that begins with a step.
pub fn guitar(context: &BarContext<'_>, played: &Played, from: usize, take: u32, rng: &mut Rng) -> Vec<Note> {
    let stroke_at = |place: usize| played.frames[from + place].choices[GUITAR];
    let mut places: Vec<(Ticks, u8)> = (0..steps_in_bar(context.meter))
        .filter(|place| stroke_at(*place) != stroke::NONE)
        .map(|place| (sounds_at(context, place), stroke_at(place)))
        .collect();
    places.dedup_by_key(|(at, _)| *at);
    let mut notes = Vec::new();
    for (index, (at, choice)) in places.iter().enumerate() {
        let here = |span: &&crate::score::ChordSpan| span.start <= *at && span.end() > *at;
        let chord_end = context.chords.iter().find(here).map_or(context.bar.end, |span| span.end());
        let held = fretting(context.chord_at(*at), usize::from(take > 1 && rng.chance(0.25)));
        let next = places.get(index + 1).map_or(context.bar.end, |(next, _)| *next);
        let signs: &[u8] = match *choice {
            stroke::DOWN => b"D",
            stroke::LIGHT_DOWN => b"d",
            stroke::UP => b"U",
            stroke::LIGHT_UP => b"u",
            stroke::BASS => b"B",
            stroke::DAMPED => b"x",
            stroke::PINCH => b"B1",
            single => [b"1", b"2", b"3", b"4"][usize::from(single - stroke::TOP).min(3)],
        };
        let is_single = !matches!(signs[0], b'D' | b'd' | b'U' | b'u' | b'x');
        // Single strings ring on to the end of their chord; a strum ends where the next begins.
        let end = if is_single { chord_end } else { next.min(chord_end) };
        let before = notes.len();
        for sign in signs {
            guitar::stroke(&mut notes, held, *at, end - *at, *sign, guitar::base_velocity(context, *at), rng);
        }
        let mut struck = notes.split_off(before);
        spare_the_voice(context, &mut struck);
        notes.extend(struck);
    }
    cut_overlaps(&mut notes);
    notes.retain(|note| note.length.0 > 0);
    guitar::hammer(context, &mut notes);
    notes
}

/// Leaves strings out of a strum that lie a semitone from what is sung in its first beat, if enough are left; single ones
/// are damped where what is sung comes to lie a semitone from them.
fn spare_the_voice(context: &BarContext<'_>, struck: &mut Vec<Note>) {
    let is_strum = |note: &Note| {
        matches!(note.articulation, Articulation::StrumDown { .. } | Articulation::StrumUp { .. })
    };
    let lowest = struck.iter().map(|note| note.pitch).min();
    let beat = pulse(context.meter);
    let mut left = struck.len();
    struck.retain_mut(|note| {
        let pitch = note.pitch.pitch_class();
        if !is_strum(note) {
            let grates = grates(context, pitch, note.start + beat / 2, note.end());
            note.length = grates.map_or(note.length, |at| at - note.start);
            return true;
        }
        let until = note.end().min(note.start + beat);
        let goes = left > LEAST_STRUM
            && Some(note.pitch) != lowest
            && grates(context, pitch, note.start, until).is_some();
        left -= usize::from(goes);
        !goes
    });
}

/// Whether the strings' bows are on the string.
pub fn bows(context: &BarContext<'_>, at: Ticks) -> bool {
    let near = at + STEP / 2;
    let mut spans = context.chords.iter().flat_map(|span| strings::breathing(context, *span));
    spans.any(|span| span.start <= near && near < span.end())
}

/// The strings' notes of the bar that begins with a step.
pub fn strings(context: &BarContext<'_>, played: &Played, from: usize, rng: &mut Rng) -> Vec<Note> {
    let steps = steps_in_bar(context.meter);
    let mut notes = Vec::new();
    for line in 1..LINES {
        for (place, end) in tones(played, STRINGS + line - 1, from, steps) {
            let Some(pitch) = played.pitches[from + place][line] else { continue };
            let (start, end) = (sounds_at(context, place), end_of(context, end));
            let top = if line == LINES - 1 { 4.0 } else { 0.0 };
            let velocity = 44.0 + 30.0 * context.energy + top + 2.0 * rng.signed();
            notes.push(strings::held(start, end - start, pitch, velocity));
        }
    }
    cut_overlaps(&mut notes);
    notes.retain(|note| note.length.0 > 0);
    strings::bow(context, &mut notes);
    notes
}

const _: () = assert!(REST == 0);
