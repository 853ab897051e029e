//! What may be chosen, and one of it by chance.

use collavoce_models::arranger::{
    BASS, CHOICES, Frame, GUITAR, HELD, KIT, LEVELS, Odds, PARTS, REST, SHIFTS, STRINGS, stroke, tone,
};

use super::ground::{STEP, pulse};
use super::played::key_of;
use super::wish::index_of;
use crate::compose::line::Moment;
use crate::compose::rules::{BarContext, Ending, strings};
use crate::score::{ChordSymbol, MidiNote, Part, PartBar, PitchClass};
use crate::song::{Rng, Style};
use crate::time::Ticks;

/// A choice that is so much less likely than the likeliest one is not made, as a logarithm.
const UNLIKELY: f32 = 4.0;
/// How much chance counts: at 1 choices are drawn as likely as they are, below it the likelier ones more often. A groove
/// bears less of it than a line.
const TEMPERATURE: f32 = 0.85;
const DRUMS_TEMPERATURE: f32 = 0.7;
const LEVELS_TEMPERATURE: f32 = 0.6;
/// Lowest and highest note of the bass, and where it begins.
const BASS_RANGE: (u8, u8) = (28, 55);
const BASS_HOME: u8 = 36;
/// Energy below which off-beats of cymbals are left out in breaths.
const BREATHING_ENERGY: f64 = 0.65;
/// Pieces that hands strike: snare, cymbals and toms; feet have the kick and the pedal of the hi-hat.
const HANDS: [usize; 8] = [1, 2, 3, 5, 6, 7, 8, 9];
/// The toms: while somebody sings they are for fills that are asked for, so that no other one covers what is sung.
const TOMS: std::ops::RangeInclusive<usize> = 5..=7;
/// Pieces that keep time: hi-hat, open, closed or by foot, and ride.
const TIME: [usize; 4] = [2, 3, 4, 9];
/// The crash cymbal, and bars in which it is heard once at most.
const CRASH: usize = 8;
const CRASH_BARS: i32 = 2;
/// Most octave places of a tone that are tried.
const OCTAVES: i32 = 10;

/// How much stronger a part leans to a stroke where it has played fewer than it is asked for, for each time as few, and
/// the most that it leans, as logarithms; in the network's order of parts. Drums that are pushed lose their groove.
const LEAN: [f32; PARTS] = [2.0, 3.0, 3.0, 3.0];
const MOST_LEAN: f32 = 2.5;
/// Strokes a beat that are added to both sides of that comparison, so that silence does not count for too much.
const LEAN_FROM: f32 = 0.1;

/// How much a voice leans to begin something where it did in the bar that comes back, and not to where it did not.
const AGAIN: f32 = 1.0;
/// How much less likely the strings take a tone a semitone from what is sung.
const GRATES: f32 = 2.0;

/// How much a part leans to a stroke that is asked for some strokes a beat and has played others.
pub fn lean(part: usize, wanted: f32, played: f32) -> f32 {
    (LEAN[part] * ((wanted + LEAN_FROM) / (played + LEAN_FROM)).ln()).clamp(-MOST_LEAN, MOST_LEAN)
}

/// Draws what a voice does and then how: whether it rests, holds or begins something (those numbered from `first` on) is as
/// likely as all that it may mean together, though not all of it may be done here. Else it would seldom begin anything
/// where much is forbidden.
fn draw_kind(odds: &[f32], (first, lean): (u8, f32), may: impl Fn(u8) -> bool, rng: &mut Rng) -> Option<u8> {
    let begun = &odds[usize::from(first)..];
    let most = begun.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let all = most + begun.iter().map(|odds| (odds - most).exp()).sum::<f32>().ln();
    let kinds: Vec<f32> = odds[..usize::from(first)].iter().copied().chain([all + lean]).collect();
    let may_begin = (first..).take(begun.len()).any(&may);
    let may_do = |kind| if kind < first { may(kind) } else { may_begin };
    let kind = draw(&kinds, TEMPERATURE, may_do, rng);
    let how = draw(odds, TEMPERATURE, |choice| choice >= first && may(choice), rng);
    if kind == Some(first) { how } else { kind }
}

/// How loud and how late a piece of the kit is struck.
pub fn touch(odds: &Odds<'_>, piece: usize, rng: &mut Rng) -> (u8, u8) {
    let level = draw(&odds.levels(piece), LEVELS_TEMPERATURE, |_| true, rng).unwrap_or(0);
    let shift = draw(&odds.shifts(piece), LEVELS_TEMPERATURE, |_| true, rng).unwrap_or(0);
    (level.min(LEVELS as u8 - 1), shift.min(SHIFTS as u8 - 1))
}

/// Draws one of what may be chosen, in proportion to its odds; none if nothing may be.
fn draw(odds: &[f32], temperature: f32, may: impl Fn(u8) -> bool, rng: &mut Rng) -> Option<u8> {
    // The same number of draws whatever comes of it, so that one choice does not move the next.
    let point = rng.unit();
    let of: Vec<(u8, f32)> = (0u8..).zip(odds.iter().copied()).filter(|(choice, _)| may(*choice)).collect();
    let most = of.iter().map(|(_, odds)| *odds).fold(f32::NEG_INFINITY, f32::max);
    let likely: Vec<(u8, f64)> = of
        .into_iter()
        .filter(|(_, odds)| *odds >= most - UNLIKELY)
        .map(|(choice, odds)| (choice, f64::from(((odds - most) / temperature).exp())))
        .collect();
    let mut left = point * likely.iter().map(|(_, share)| share).sum::<f64>();
    for (choice, share) in &likely {
        left -= share;
        if left < 0.0 {
            return Some(*choice);
        }
    }
    likely.last().map(|(choice, _)| *choice)
}

/// Where the strings' bows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bow {
    /// Off the string.
    Off,
    /// Put on it.
    Lands,
    /// On it.
    On,
}

/// What is asked of a step beside its odds.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// How much each part leans to a stroke.
    pub leans: [f32; PARTS],
    /// What was played in its place in the bar that comes back.
    pub again: Option<&'a Frame>,
    /// Whether the drums play a fill.
    pub is_fill: bool,
}

/// A step of a bar that is being chosen.
#[derive(Clone, Copy)]
pub struct Place<'a, 'b> {
    /// All that is known of the bar.
    pub context: &'a BarContext<'b>,
    /// Where the step lies.
    pub at: Ticks,
    /// Its chord.
    pub chord: ChordSymbol,
    /// Whether it begins the bar.
    pub begins_bar: bool,
    /// Whether a beat begins with it.
    pub on_beat: bool,
    /// Whether a chord begins with it.
    pub chord_begins: bool,
    /// What is asked of it.
    pub asked: Asked<'a>,
}

impl<'a, 'b> Place<'a, 'b> {
    /// A step of a bar.
    pub fn of(context: &'a BarContext<'b>, (at, place): (Ticks, usize), asked: Asked<'a>) -> Self {
        let per_beat = (pulse(context.meter).0 / STEP.0) as usize;
        Self {
            context,
            at,
            chord: context.chord_at(at),
            begins_bar: place == 0,
            on_beat: place.is_multiple_of(per_beat),
            chord_begins: context.chords.iter().any(|span| span.start == at),
            asked,
        }
    }

    /// How much a voice of a part leans to begin something, of which choices from `first` on are.
    fn lean(&self, part: Part, voice: usize, first: u8) -> f32 {
        let again = |frame: &Frame| if frame.choices[voice] >= first { AGAIN } else { -AGAIN };
        self.asked.leans[index_of(part)] + self.asked.again.map_or(0.0, again)
    }

    /// Draws what the drums strike, and tells the odds of it; who strikes what already is given is only told.
    pub fn drums(&self, odds: &mut Odds<'_>, rng: &mut Rng) -> [bool; KIT] {
        let mut struck = [false; KIT];
        let breathes = matches!(self.context.line.moment(self.at), Moment::Breath | Moment::Ends);
        let thins = breathes && !self.on_beat && self.context.energy < BREATHING_ENERGY;
        let may_tom = self.asked.is_fill || self.context.line.moment(self.at) == Moment::Alone;
        let may_crash = self.begins_bar && !self.has_crashed();
        for piece in 0..KIT {
            let left_out = thins && TIME.contains(&piece)
                || piece == CRASH && !may_crash
                || TOMS.contains(&piece) && !may_tom;
            let may_strike = can_strike(piece, &struck) && !left_out;
            let leaning: Vec<f32> = odds
                .choices(piece)
                .iter()
                .zip([0.0, self.lean(Part::Drums, piece, 1)])
                .map(|(odds, lean)| odds + lean)
                .collect();
            let may = |choice: u8| choice == 0 || may_strike;
            let choice = draw(&leaning, DRUMS_TEMPERATURE, may, rng).unwrap_or(0);
            struck[piece] = choice == 1;
            odds.decide(piece, choice);
        }
        struck
    }

    /// Whether a crash rings on from a bar before.
    fn has_crashed(&self) -> bool {
        let number = self.context.bar.number.0;
        let near = |bar: &&PartBar| {
            bar.part == Part::Drums && (number - CRASH_BARS + 1..number).contains(&bar.bar.0)
        };
        let notes = self.context.score.parts.iter().filter(near).flat_map(|bar| &bar.notes);
        notes.into_iter().any(|note| note.pitch.0 == key_of(CRASH))
    }

    /// Draws the guitar's stroke.
    pub fn guitar(&self, odds: &mut Odds<'_>, rng: &mut Rng) -> u8 {
        let line = &self.context.line;
        let meets = line.meets_entry(self.at) && (self.on_beat || self.begins_bar);
        let may = |choice: u8| {
            let founds = matches!(choice, stroke::DOWN | stroke::LIGHT_DOWN | stroke::BASS | stroke::PINCH);
            if self.begins_bar || self.chord_begins || meets {
                return founds;
            }
            match line.moment(self.at) {
                // The band breathes with the singer: what was struck rings on, and only the beat is touched.
                Moment::Breath | Moment::Ends if self.on_beat => {
                    !matches!(choice, stroke::DOWN | stroke::UP | stroke::DAMPED)
                }
                Moment::Breath | Moment::Ends => choice == stroke::NONE,
                Moment::Leads if !self.on_beat => choice == stroke::NONE,
                _ => true,
            }
        };
        let choice = draw_kind(
            &odds.choices(GUITAR),
            (stroke::NONE + 1, self.lean(Part::Guitar, GUITAR, stroke::NONE + 1)),
            may,
            rng,
        )
        .unwrap_or(stroke::NONE);
        odds.decide(GUITAR, choice);
        choice
    }

    /// Draws what the bass does, from what it holds.
    pub fn bass(&self, odds: &mut Odds<'_>, held: Option<MidiNote>, rng: &mut Rng) -> (u8, Option<MidiNote>) {
        // A bass comes home: it does not climb with the chords.
        let last = held.map_or(BASS_HOME, |note| ((u16::from(note.0) + u16::from(BASS_HOME)) / 2) as u8);
        let founding = self.chord.bass.above(self.chord.root);
        // A bass that walks passes on beats, too.
        let walks = self.context.style() == Style::Jazz && !self.begins_bar;
        let may_pass = !self.on_beat || walks;
        let may = |choice: u8| match choice {
            HELD => self.may_hold(held),
            REST => !self.chord_begins,
            _ if self.chord_begins => choice == tone(founding),
            _ => {
                let pitch = self.chord.root + (choice - 2);
                self.chord.holds(pitch) || may_pass && self.context.score.key.holds(pitch)
            }
        };
        let choice =
            draw_kind(&odds.choices(BASS), (HELD + 1, self.lean(Part::Bass, BASS, HELD + 1)), may, rng)
                .unwrap_or(REST);
        odds.decide(BASS, choice);
        let note = match choice {
            REST => None,
            HELD => held,
            _ => nearest(self.chord.root + (choice - 2), last, BASS_RANGE, |_| true),
        };
        (choice, note)
    }

    /// Whether what sounds may sound on: not over a bar line, where every bar has its own notes, nor into a chord that it
    /// is no tone of.
    fn may_hold(&self, held: Option<MidiNote>) -> bool {
        let fits = |note: MidiNote| !self.chord_begins || self.chord.holds(note.pitch_class());
        !self.begins_bar && held.is_some_and(fits)
    }

    /// Draws what the strings do, voice by voice from the lowest, from what they hold; `bows` says whether the bow is on
    /// the string, `voices` how many of them play.
    pub fn strings(
        &self,
        odds: &mut Odds<'_>,
        held: [Option<MidiNote>; 4],
        (bows, voices): (Bow, usize),
        rng: &mut Rng,
    ) -> ([u8; 4], [Option<MidiNote>; 4]) {
        let (mut choices, mut notes) = ([REST; 4], [None; 4]);
        for voice in 0..4 {
            let plays = bows != Bow::Off && voice < voices;
            let note_of = |choice: u8, notes: &[Option<MidiNote>; 4]| match choice {
                REST => None,
                HELD => held[voice],
                _ => self.string(voice, choice, &held, notes),
            };
            let enters = self.begins_bar || self.chord_begins || bows == Bow::Lands;
            let may = |choice: u8| match choice {
                REST => !plays || !enters,
                _ if !plays => false,
                HELD => self.may_hold(held[voice]) && is_above(held[voice], &notes[..voice]),
                _ => note_of(choice, &notes).is_some(),
            };
            let string = STRINGS + voice;
            let beat_end = self.at + pulse(self.context.meter);
            let mut tones = odds.choices(string);
            for (choice, odds) in (HELD + 1..).zip(&mut tones[usize::from(HELD + 1)..]) {
                let grates = grates(self.context, self.chord.root + (choice - HELD - 1), self.at, beat_end);
                *odds -= if grates.is_some() { GRATES } else { 0.0 };
            }
            let lean = self.lean(Part::Strings, string, HELD + 1);
            let choice = draw_kind(&tones, (HELD + 1, lean), may, rng).unwrap_or(REST);
            odds.decide(string, choice);
            choices[voice] = choice;
            notes[voice] = note_of(choice, &notes);
        }
        (choices, notes)
    }

    /// The note of a tone in a string's voice: near to what it played, above the voices below, a tone of the chord where a
    /// beat begins, and in no parallel of fifths or octaves with a voice below.
    fn string(
        &self,
        voice: usize,
        choice: u8,
        held: &[Option<MidiNote>; 4],
        notes: &[Option<MidiNote>; 4],
    ) -> Option<MidiNote> {
        let pitch = self.chord.root + (choice - 2);
        let is_tone = self.chord.holds(pitch);
        let founds = voice > 0 || !self.chord_begins || pitch == self.chord.bass;
        if !(is_tone || !self.on_beat && self.context.score.key.holds(pitch)) || !founds {
            return None;
        }
        let register = strings::register(self.context.settings);
        let last = held[voice].map_or(register.home[voice], |note| note.0);
        let fits = |note: MidiNote| {
            let parallel = (0..voice).any(|lower| {
                let (Some(from), Some(to), Some(was)) = (held[lower], notes[lower], held[voice]) else {
                    return false;
                };
                let (before, after) = (was.0.abs_diff(from.0) % 12, note.0.abs_diff(to.0) % 12);
                from != to && was != note && before == after && matches!(after, 0 | 7)
            });
            is_above(Some(note), &notes[..voice]) && !parallel
        };
        nearest(pitch, last, register.ranges[voice], fits)
    }
}

/// Whether a drummer can strike a piece beside others: with two hands and two feet, and an open hi-hat is neither closed
/// nor stepped on.
fn can_strike(piece: usize, struck: &[bool; KIT]) -> bool {
    let hands = HANDS.iter().filter(|hand| struck[**hand]).count();
    let third_hand = HANDS.contains(&piece) && hands >= 2;
    let is_open = piece == 3 && struck[2] || piece == 4 && struck[3];
    !third_hand && !is_open
}

/// Where in a stretch a sung note begins to sound a semitone from a tone, as far as it is known what is sung.
pub fn grates(context: &BarContext<'_>, pitch: PitchClass, from: Ticks, to: Ticks) -> Option<Ticks> {
    let melody = &context.score.melody;
    let until = melody.partition_point(|note| note.start < to);
    let sung = melody[..until].iter().rev().take_while(|note| note.end() > from);
    let grating = sung.filter(|note| matches!(pitch.above(note.pitch.pitch_class()), 1 | 11));
    grating.map(|note| note.start.max(from)).min()
}

/// Whether a note lies above all of some others.
fn is_above(note: Option<MidiNote>, others: &[Option<MidiNote>]) -> bool {
    note.is_some_and(|note| others.iter().flatten().all(|other| other.0 < note.0))
}

/// The note of a pitch class that is nearest to another within a range, of those that fit.
fn nearest(
    pitch: PitchClass,
    last: u8,
    (low, high): (u8, u8),
    fits: impl Fn(MidiNote) -> bool,
) -> Option<MidiNote> {
    let octaves = (0..=OCTAVES).map(|octave| i32::from(pitch.0) + 12 * octave);
    let within = octaves.filter(|note| (i32::from(low)..=i32::from(high)).contains(note));
    let notes = within.map(|note| MidiNote(note as u8)).filter(|note| fits(*note));
    notes.min_by_key(|note| (note.0.abs_diff(last), note.0))
}

/// Whether the arranger has a say in a bar: not where the song comes to rest, nor where there is no chord.
pub fn is_arranged(context: &BarContext<'_>) -> bool {
    !context.chords.is_empty() && context.ending == Ending::NotYet
}

/// How many strings play.
pub fn string_voices(context: &BarContext<'_>) -> usize {
    if context.energy < 0.35 && context.style() != Style::Jazz { 3 } else { 4 }
}

const _: () = assert!(CHOICES[GUITAR] == collavoce_models::arranger::STROKES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drummer_has_two_hands_and_two_feet() {
        let with = |pieces: &[usize]| std::array::from_fn(|piece| pieces.contains(&piece));
        assert!(can_strike(2, &with(&[0, 1])), "kick, snare and hi-hat");
        assert!(!can_strike(8, &with(&[0, 1, 2])), "a crash for a third hand");
        assert!(can_strike(4, &with(&[0, 1, 9])), "the other foot");
        assert!(!can_strike(3, &with(&[2])) && !can_strike(4, &with(&[3])), "an open hi-hat that is closed");
    }

    #[test]
    fn a_rule_about_tones_does_not_thin_out_a_rhythm() {
        // Half of the time something begins, as any of twelve tones, of which one may be taken.
        let odds: Vec<f32> =
            (0..14).map(|choice| if choice < 2 { 0.25 } else { 0.5 / 12.0f32 }.ln()).collect();
        let mut rng = Rng::keyed(&[9]);
        let may = |choice: u8| choice <= HELD || choice == 7;
        let drawn: Vec<u8> = (0..4000).filter_map(|_| draw_kind(&odds, (2, 0.0), may, &mut rng)).collect();
        assert!(drawn.iter().all(|choice| may(*choice)));
        let begun = drawn.iter().filter(|choice| **choice == 7).count();
        assert!((1900..2500).contains(&begun), "{begun} of 4000");
        let leant =
            (0..4000).filter_map(|_| draw_kind(&odds, (2, 1.0), may, &mut rng)).filter(|c| *c == 7).count();
        assert!(leant > begun + 500, "{leant} with a lean, {begun} without");
    }

    #[test]
    fn tones_are_placed_near_and_above_the_voices_below() {
        let below = [Some(MidiNote(50)), None, Some(MidiNote(62))];
        let above = |note: MidiNote| is_above(Some(note), &below);
        let tone = PitchClass(0);
        assert_eq!(nearest(tone, 61, (48, 84), |_| true), Some(MidiNote(60)));
        assert_eq!(nearest(tone, 61, (48, 84), above), Some(MidiNote(72)));
        assert_eq!(nearest(tone, 61, (48, 70), above), None);
    }
}
