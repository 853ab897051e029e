//! What the network is told of a sixteenth before anything is played in it.

use super::frame::{BASS, CHOICES, Frame, GUITAR, KIT, LEVELS, SHIFTS, VOICES};

/// Parts: drums, bass, guitar, strings.
pub const PARTS: usize = 4;
/// Manners of playing that are told apart, by part.
pub const STYLES: [usize; PARTS] = [10, 4, 4, 4];

const METRE: usize = 28;
const SUNG: usize = 22;
const CHORD: usize = 52;
const WISH: usize = 22 + 2 * (PARTS + 1) + PARTS;
const CHOSEN: usize = 20 + 2 * 14 + 12 + 3 * 14;
const PLAYED: usize = CHOSEN + 2 * KIT + 5 * 13 + 1;
const BEFORE: usize = 2 + CHOSEN + KIT;
/// Values that describe a step.
pub const FEATURES: usize = METRE + SUNG + CHORD + WISH + PLAYED + BEFORE;

/// Where a step lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Sixteenth of its beat, from 0.
    pub step: usize,
    /// Beat of its bar, from 0.
    pub beat: usize,
    /// Beats of its bar.
    pub beats: usize,
    /// Whether beats are divided into three.
    pub is_compound: bool,
    /// Bar of its section, from 0.
    pub bar: usize,
    /// Whether the section begins with its bar.
    pub begins_section: bool,
    /// Whether another section begins after its bar.
    pub leads_to_section: bool,
    /// Whether a fill is asked for.
    pub is_fill: bool,
}

/// What is sung.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sung {
    /// What the moment is: sung, a breath, the end of a line, open, before an entry, alone; in this order, from 0.
    pub moment: usize,
    /// Whether a note begins.
    pub begins: bool,
    /// The tone that sounds, in semitones above the chord's root.
    pub tone: Option<u8>,
    /// Its height in octaves above middle C.
    pub height: f32,
    /// Beats until the voice enters again or rests, at most 4.
    pub until: f32,
}

/// The chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chord {
    /// Its tones: bit n is the tone n semitones above its root.
    pub tones: u16,
    /// Its bass in semitones above its root.
    pub bass: u8,
    /// The tones of the key, in the same way.
    pub scale: u16,
    /// Whether it begins with the step.
    pub begins: bool,
    /// Root of the next chord in semitones above its own, if it changes.
    pub next: Option<u8>,
    /// Steps until then, at most 16.
    pub until: u8,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wish {
    /// Who plays: drums, bass, guitar, strings.
    pub plays: [bool; PARTS],
    /// The manner of each part, less than its number in [`STYLES`].
    pub styles: [Option<usize>; PARTS],
    /// Strokes a beat of each part.
    pub densities: [Option<f32>; PARTS],
    /// Mean level of the drums, less than [`LEVELS`].
    pub level: Option<f32>,
}

/// What sounds of bass and strings as a step begins: semitones above the chord's root, and octaves above middle C.
pub type Sounding = [Option<(u8, f32)>; 5];

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Step {
    /// Where it lies.
    pub place: Place,
    /// What is sung; none if nobody knows.
    pub sung: Option<Sung>,
    /// The chord; none if nobody knows.
    pub chord: Option<Chord>,
    /// What is asked for.
    pub wish: Wish,
    /// What was played in the step before.
    pub played: Frame,
    /// What still sounds of it.
    pub sounding: Sounding,
    /// Steps since the guitar's last stroke, at most 16.
    pub since_stroke: u8,
    /// What was played in the same place of the bar that this one is like, tones above the chord's root.
    pub before: Option<Frame>,
    /// Whether that bar comes back here, and is not only one of those before.
    pub comes_back: bool,
}

/// Writes values one after the other.
struct Pen<'a> {
    out: &'a mut [f32],
    at: usize,
}

impl Pen<'_> {
    fn value(&mut self, value: f32) {
        self.out[self.at] = value;
        self.at += 1;
    }

    fn is(&mut self, value: bool) {
        self.value(f32::from(u8::from(value)));
    }

    /// One of some; none leaves all at 0.
    fn one_of(&mut self, chosen: Option<usize>, of: usize) {
        if let Some(chosen) = chosen {
            self.out[self.at + chosen.min(of - 1)] = 1.0;
        }
        self.at += of;
    }

    fn bits(&mut self, bits: u16) {
        (0..12).for_each(|bit| self.is(bits >> bit & 1 == 1));
    }

    fn maybe(&mut self, value: Option<f32>) {
        self.is(value.is_some());
        self.value(value.unwrap_or(0.0));
    }

    fn chosen(&mut self, frame: &Frame) {
        for (voice, of) in CHOICES.into_iter().enumerate() {
            self.one_of(Some(usize::from(frame.choices[voice])), of);
        }
    }

    fn levels(&mut self, frame: &Frame) {
        frame.levels.iter().for_each(|level| self.value(f32::from(*level) / LEVELS as f32));
    }
}

impl Step {
    /// Its [`FEATURES`] values.
    pub fn write(&self, out: &mut [f32]) {
        let out = &mut out[..FEATURES];
        out.fill(0.0);
        let mut pen = Pen { out, at: 0 };
        self.place(&mut pen);
        self.voice(&mut pen);
        self.harmony(&mut pen);
        self.wish(&mut pen);
        self.parts(&mut pen);
        debug_assert_eq!(pen.at, FEATURES);
    }

    fn place(&self, pen: &mut Pen<'_>) {
        let Place { step, beat, beats, is_compound, bar, begins_section, leads_to_section, is_fill } =
            self.place;
        pen.one_of(Some(step), 6);
        pen.one_of(Some(beat), 6);
        pen.one_of(Some(beats.max(1) - 1), 6);
        pen.one_of(Some(bar % 4), 4);
        pen.is(bar % 8 >= 4);
        for is in [is_compound, begins_section, leads_to_section, is_fill, beat + 1 == beats] {
            pen.is(is);
        }
    }

    fn voice(&self, pen: &mut Pen<'_>) {
        let sung = self.sung.unwrap_or_default();
        pen.is(self.sung.is_some());
        pen.one_of(self.sung.map(|sung| sung.moment), 6);
        pen.is(sung.begins);
        pen.one_of(sung.tone.map(usize::from), 12);
        pen.value(sung.height);
        pen.value(sung.until / 4.0);
    }

    fn harmony(&self, pen: &mut Pen<'_>) {
        let chord = self.chord.unwrap_or_default();
        pen.is(self.chord.is_some());
        pen.bits(chord.tones);
        pen.one_of(self.chord.map(|chord| usize::from(chord.bass)), 12);
        pen.bits(chord.scale);
        pen.is(chord.begins);
        pen.one_of(chord.next.map(usize::from), 12);
        pen.value(f32::from(chord.until) / 16.0);
        pen.is(self.chord.is_some_and(|chord| chord.until <= 2 && chord.next.is_some()));
    }

    fn wish(&self, pen: &mut Pen<'_>) {
        for ((style, of), density) in self.wish.styles.into_iter().zip(STYLES).zip(self.wish.densities) {
            pen.one_of(style, of);
            pen.maybe(density.map(|density| density / 4.0));
        }
        pen.maybe(self.wish.level.map(|level| level / LEVELS as f32));
        self.wish.plays.into_iter().for_each(|plays| pen.is(plays));
    }

    fn parts(&self, pen: &mut Pen<'_>) {
        pen.chosen(&self.played);
        pen.levels(&self.played);
        let middle = (SHIFTS / 2) as f32;
        self.played.shifts.iter().for_each(|shift| pen.value((f32::from(*shift) - middle) / middle));
        for sounding in self.sounding {
            pen.one_of(sounding.map(|(tone, _)| usize::from(tone)), 12);
            pen.value(sounding.map_or(0.0, |(_, height)| height));
        }
        pen.value(f32::from(self.since_stroke) / 16.0);
        pen.is(self.before.is_some());
        pen.is(self.comes_back);
        match &self.before {
            Some(before) => {
                pen.chosen(before);
                pen.levels(before);
            }
            None => pen.at += CHOSEN + KIT,
        }
    }
}

const _: () = assert!(CHOSEN == 2 * KIT + CHOICES[BASS] + CHOICES[GUITAR] + 4 * CHOICES[VOICES - 1]);
