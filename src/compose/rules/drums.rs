//! Drums: pattern families by style and metre, lighter under sparse singing, fills into phrases.

use super::{BarContext, Ending};
use crate::compose::line::Moment;
use crate::score::{Articulation, MidiNote, Note, Velocity};
use crate::song::{Feel, Rng, Style};
use crate::time::{TickCount, Ticks};

/// Keys of General MIDI's percussion map.
mod key {
    pub const KICK: u8 = 36;
    pub const CROSS_STICK: u8 = 37;
    pub const SNARE: u8 = 38;
    pub const FLOOR_TOM: u8 = 43;
    pub const CLOSED_HAT: u8 = 42;
    pub const PEDAL_HAT: u8 = 44;
    pub const MID_TOM: u8 = 45;
    pub const OPEN_HAT: u8 = 46;
    pub const HIGH_TOM: u8 = 48;
    pub const CRASH: u8 = 49;
    pub const RIDE: u8 = 51;
    pub const SHAKER: u8 = 70;
}

/// Energy from which a pop song's hi-hat is held loosely.
const LOOSE_FROM: f64 = 0.85;
/// Length of a drum note: its sound rings on by itself.
const HIT: TickCount = TickCount(120);

/// How little the singer gives, from -1 on, where off-beats are left out.
const THIN_LIFT: f64 = -0.5;
/// Accent of the kick that is put under an entry of the voice.
const ENTRY_KICK: f64 = 2.0;
/// Energy below which off-beats are left out in breaths, and where the singer gives little.
const BREATHING_ENERGY: f64 = 0.65;

/// Levels of playing: hardly anything, light, full, driving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Drive {
    Hint,
    Light,
    Full,
    Driving,
}

/// The drums' notes in a bar.
pub(super) fn bar(context: &BarContext<'_>, take: u32, rng: &mut Rng) -> Vec<Note> {
    let mut kit = Kit { notes: Vec::new(), loudness: 50.0 + 38.0 * context.energy };
    if context.ending == Ending::Final {
        if let Some(last) = context.final_chords().last() {
            kit.hit(last.start, key::KICK, 4.0);
            if context.energy > 0.4 {
                kit.hit(last.start, key::CRASH, -6.0);
            }
        }
        return kit.notes;
    }
    let drive = drive(context, if take > 1 { 0.6 * rng.signed() } else { 0.0 });
    let fill_place = fill_place(context, drive, rng);
    if context.style() == Style::Jazz {
        jazz(context, drive, &mut kit, rng);
    } else {
        time_keeping(context, drive, &mut kit, rng);
        back_beat(context, drive, &mut kit, rng);
        kick(context, drive, take, &mut kit, rng);
    }
    greet_section(context, drive, &mut kit);
    loosen_hat(context, &mut kit);
    if let Some((from, to)) = fill_place {
        kit.notes.retain(|n| n.start < from || n.start >= to || n.pitch.0 == key::PEDAL_HAT);
        fill(context, (from, to), drive, &mut kit, rng);
    }
    meet_entries(context, &mut kit);
    kit.notes
}

/// How hard the drums play; `more` is for other takes.
fn drive(context: &BarContext<'_>, more: f64) -> Drive {
    let alone = if context.sung < 0.15 && !context.is_interlude { 0.5 } else { 0.0 };
    match (context.energy * 3.6 - 0.5 - alone + more).round() as i32 {
        ..=0 => Drive::Hint,
        1 => Drive::Light,
        2 => Drive::Full,
        _ => Drive::Driving,
    }
}

/// A crash where a section begins.
fn greet_section(context: &BarContext<'_>, drive: Drive, kit: &mut Kit) {
    if context.begins_section && drive >= Drive::Full {
        kit.notes.retain(|n| !(n.start == context.bar.start && n.pitch.0 == key::CLOSED_HAT));
        kit.hit(context.bar.start, key::CRASH, 2.0);
    }
}

/// Drums that others wrote, with what belongs to sections and to the singer's entries.
pub(in crate::compose) fn meet(context: &BarContext<'_>, notes: Vec<Note>) -> Vec<Note> {
    let mut kit = Kit { notes, loudness: 50.0 + 38.0 * context.energy };
    if !kit.notes.iter().any(|note| note.pitch.0 == key::CRASH && note.start < context.bar.start + HIT) {
        greet_section(context, drive(context, 0.0), &mut kit);
    }
    loosen_hat(context, &mut kit);
    meet_entries(context, &mut kit);
    kit.notes
}

/// At the height of a pop song the foot holds the hi-hat loosely: what is struck on its beats rattles.
fn loosen_hat(context: &BarContext<'_>, kit: &mut Kit) {
    if context.style() != Style::Pop || context.energy < LOOSE_FROM {
        return;
    }
    let beat = context.meter.beat();
    let is_on_beat = |note: &Note| {
        let within = (note.start - context.bar.start).0.rem_euclid(beat.0);
        within.min(beat.0 - within) < HIT.0
    };
    let hats = kit.notes.iter_mut().filter(|note| note.pitch.0 == key::CLOSED_HAT);
    for note in hats.filter(|note| note.articulation == Articulation::Normal) {
        if is_on_beat(note) {
            note.articulation = Articulation::HalfOpen;
        }
    }
}

/// From where to where there is room for a fill, if one is played.
pub(in crate::compose) fn room_for_fill(context: &BarContext<'_>, rng: &mut Rng) -> Option<(Ticks, Ticks)> {
    fill_place(context, drive(context, 0.0), rng)
}

/// A kick under every entry of the voice that falls on a beat, and everything as loud as the line wants it there.
fn meet_entries(context: &BarContext<'_>, kit: &mut Kit) {
    for note in &mut kit.notes {
        let breath = context.breath(note.start);
        let counts = breath < 0.0 || note.pitch.0 == key::KICK;
        note.velocity = Velocity::clamped(f64::from(note.velocity.get()) + if counts { breath } else { 0.0 });
    }
    for beat in 1..context.meter.beats_per_bar() {
        let at = context.bar.start + context.meter.beat() * beat as i64;
        let has_kick = kit.notes.iter().any(|n| n.pitch.0 == key::KICK && (n.start - at).0.abs() < 480);
        if context.energy > 0.3 && !has_kick && context.line.meets_entry(at) {
            kit.hit(at, key::KICK, ENTRY_KICK);
        }
    }
}

struct Kit {
    notes: Vec<Note>,
    loudness: f64,
}

impl Kit {
    fn hit(&mut self, at: Ticks, key: u8, accent: f64) {
        let velocity = Velocity::clamped(self.loudness + accent);
        let articulation = if velocity.get() < 36 { Articulation::Ghost } else { Articulation::Normal };
        self.notes.push(Note { start: at, length: HIT, pitch: MidiNote(key), velocity, articulation });
    }
}

fn time_keeping(context: &BarContext<'_>, drive: Drive, kit: &mut Kit, rng: &mut Rng) {
    let per_beat = context.eighths_per_beat();
    let every = match drive {
        Drive::Hint => per_beat,
        Drive::Light if context.settings.feel == Feel::Half && per_beat == 2 => 2,
        _ => 1,
    };
    let voice = match (context.style(), drive) {
        (Style::Folk | Style::Ballad, Drive::Hint | Drive::Light) => key::SHAKER,
        (_, Drive::Driving) if context.section_rng.clone().chance(0.6) => key::RIDE,
        _ => key::CLOSED_HAT,
    };
    for index in (0..context.eighths()).step_by(every) {
        let on_beat = index % per_beat == 0;
        let accent = if on_beat { -4.0 } else { -15.0 } + 3.0 * rng.signed();
        let at = context.eighth(index);
        let moment = context.line.moment(at);
        let breathes = matches!(moment, Moment::Breath | Moment::Ends);
        let thins = breathes || moment == Moment::Sung && context.lift(at) <= THIN_LIFT;
        if !on_beat && thins && context.energy < BREATHING_ENERGY {
            continue;
        }
        let opens = voice == key::CLOSED_HAT
            && drive >= Drive::Full
            && index + 1 == context.eighths()
            && rng.chance(0.25);
        kit.hit(at, if opens { key::OPEN_HAT } else { voice }, accent);
        let sixteenths = drive == Drive::Driving
            && context.settings.feel == Feel::Straight
            && !context.meter.is_compound()
            && rng.chance(busy(context, moment, at, 0.12));
        if sixteenths {
            kit.hit(at + TickCount(240), voice, -22.0);
        }
    }
    if voice == key::RIDE || voice == key::SHAKER && drive == Drive::Light {
        for beat in (1..context.meter.beats_per_bar()).step_by(2) {
            kit.hit(context.bar.start + context.meter.beat() * beat as i64, key::PEDAL_HAT, -16.0);
        }
    }
}

/// Beats (from 0) of the bar that carry the back-beat.
fn back_beats(context: &BarContext<'_>) -> Vec<usize> {
    let beats = context.meter.beats_per_bar();
    match (context.meter.count(), context.meter.unit(), context.settings.feel) {
        (3, 4, _) => vec![1, 2],
        (5, 4, _) => vec![1, 4],
        (6, 8, _) | (2, 4, _) => vec![1],
        (2, 2, _) => vec![1],
        (_, _, Feel::Half) => vec![beats / 2],
        _ => (1..beats).step_by(2).collect(),
    }
}

fn back_beat(context: &BarContext<'_>, drive: Drive, kit: &mut Kit, rng: &mut Rng) {
    if drive == Drive::Hint {
        return;
    }
    let soft = drive == Drive::Light || context.style() == Style::Ballad && drive < Drive::Driving;
    let voice = if soft { key::CROSS_STICK } else { key::SNARE };
    let waltz = context.meter == crate::time::Meter::THREE_FOUR;
    for beat in back_beats(context) {
        let at = context.bar.start + context.meter.beat() * beat as i64;
        let accent = if waltz { -8.0 } else { 5.0 };
        kit.hit(at, voice, accent + 3.0 * rng.signed());
    }
    if context.settings.feel == Feel::Double && !context.meter.is_compound() {
        for index in (1..context.eighths()).step_by(2) {
            kit.hit(context.eighth(index), key::SNARE, 0.0);
        }
        return;
    }
    if drive >= Drive::Full && !context.meter.is_compound() {
        let beat = rng.below(context.meter.beats_per_bar());
        let at = context.bar.start + context.meter.beat() * beat as i64 + TickCount(720);
        if rng.chance(busy(context, context.line.moment(at), at, 0.35 * context.energy)) {
            kit.hit(at, key::SNARE, -42.0);
        }
    }
}

/// The chance of an ornament: under the voice it rises and falls with it, where the voice rests there is room, and a
/// breath is left alone.
fn busy(context: &BarContext<'_>, moment: Moment, at: Ticks, usual: f64) -> f64 {
    let factor = match moment {
        Moment::Sung => 0.8 + 1.2 * context.lift(at),
        Moment::Breath | Moment::Ends => 0.2,
        Moment::Open | Moment::Leads => 2.2,
        Moment::Alone => 1.0,
    };
    (usual * factor).clamp(0.0, 1.0)
}

fn kick(context: &BarContext<'_>, drive: Drive, take: u32, kit: &mut Kit, rng: &mut Rng) {
    const LIGHT: [&[u8]; 3] = [b"K.......", b"K.....", b"K....."];
    const HALVES: [&[u8]; 3] = [b"K...K...", b"K.....", b"K..K.."];
    const PUSH: [&[u8]; 3] = [b"K..kK...", b"K...k.", b"K..K.k"];
    const POP: [&[u8]; 3] = [b"K..kK..k", b"K..k..", b"K.kK.."];
    const FOUR: [&[u8]; 3] = [b"K.K.K.K.", b"K.k.k.", b"K..K.."];
    let pool: &[[&[u8]; 3]] = match drive {
        Drive::Hint => &[LIGHT],
        Drive::Light => &[HALVES, LIGHT],
        Drive::Full => &[HALVES, PUSH, POP],
        Drive::Driving => &[PUSH, POP, FOUR],
    };
    // All bars of a section share their pattern, except in other takes.
    let index = if take > 1 { rng.below(pool.len()) } else { context.section_rng.clone().below(pool.len()) };
    let [four, three, six] = pool[index];
    for (index, sign) in context.fit_pattern(four, three, six).iter().enumerate() {
        match sign {
            b'K' => kit.hit(context.eighth(index), key::KICK, 4.0 + 2.0 * rng.signed()),
            b'k' if rng.chance(0.7 + 0.4 * context.lift(context.eighth(index))) => {
                kit.hit(context.eighth(index), key::KICK, -8.0)
            }
            _ => {}
        }
    }
}

fn jazz(context: &BarContext<'_>, drive: Drive, kit: &mut Kit, rng: &mut Rng) {
    let per_beat = context.eighths_per_beat();
    for beat in 0..context.meter.beats_per_bar() {
        let at = context.eighth(beat * per_beat);
        kit.hit(at, key::RIDE, if beat % 2 == 1 { -2.0 } else { -8.0 });
        if beat % 2 == 1 {
            kit.hit(at, key::PEDAL_HAT, -10.0);
            if per_beat == 2 && drive > Drive::Hint {
                kit.hit(context.eighth(beat * 2 + 1), key::RIDE, -16.0);
            }
        }
        if drive >= Drive::Full && rng.chance(0.3) && per_beat == 2 {
            kit.hit(context.eighth(beat * 2 + 1), key::SNARE, -34.0);
        }
    }
    if drive > Drive::Hint {
        kit.hit(context.bar.start, key::KICK, -24.0);
    }
}

/// From where to where a fill is played, if there is one: in a rest, up to the entry of the voice. A pickup that is shorter
/// than a beat goes with the fill's last strokes; what is sung is not covered beyond.
fn fill_place(context: &BarContext<'_>, drive: Drive, rng: &mut Rng) -> Option<(Ticks, Ticks)> {
    let beat = context.meter.beat();
    let dice = (rng.unit(), rng.unit());
    let rest =
        context.rest_before_entry().or_else(|| context.line.rest_at(context.bar.end - TickCount(1)))?;
    // The hand goes on where no entry is near, unless a section begins.
    if rest.to > context.bar.end + beat && !context.leads_to_section {
        return None;
    }
    let to = if rest.to > context.bar.end - beat { context.bar.end } else { rest.to };
    let to = context.bar.start + beat * ((to - context.bar.start).0 / beat.0);
    let room = (to - rest.from.max(context.bar.start)).0 / beat.0;
    let long = room >= 2 && drive >= Drive::Full && context.meter.beats_per_bar() > 2;
    let is_long = long && (context.leads_to_section || dice.1 < context.energy);
    let chance = match context.leads_to_section {
        true => 0.9,
        false => (0.45 * context.energy + 0.1 + if room >= 2 { 0.15 } else { 0.0 }) * context.line.trust(),
    };
    if room == 0 || drive == Drive::Hint && !context.leads_to_section || dice.0 >= chance {
        return None;
    }
    Some((to - beat * if is_long { 2 } else { 1 }, to))
}

fn fill(context: &BarContext<'_>, (from, to): (Ticks, Ticks), drive: Drive, kit: &mut Kit, rng: &mut Rng) {
    let step = if context.meter.is_compound() || context.settings.feel == Feel::Swing {
        TickCount(context.meter.beat().0 / 3)
    } else if drive >= Drive::Full {
        TickCount(240)
    } else {
        TickCount(480)
    };
    let steps = (to - from) / step;
    let voices = [key::SNARE, key::HIGH_TOM, key::MID_TOM, key::FLOOR_TOM];
    for index in 0..steps {
        if index > 0 && rng.chance(0.18) {
            continue;
        }
        let progress = index as f64 / steps.max(1) as f64;
        let voice = voices[((progress * 4.0 + 0.6 * rng.signed()).clamp(0.0, 3.0)) as usize];
        kit.hit(from + step * index, voice, -12.0 + 14.0 * progress);
    }
}
