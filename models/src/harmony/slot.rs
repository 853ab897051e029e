//! What the network is told of a slot.

use super::{CHORDS, COLOURS, FEATURES, IDIOMS, PLACE_FEATURES, TRIADS};

/// Where a slot lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number in its bar, from 0.
    pub slot: usize,
    /// How many slots its bar has.
    pub slots: usize,
    /// Its bar, counted from the first sung one.
    pub bar: i32,
    /// Whether beats are divided into three.
    pub is_compound: bool,
    /// Whether the key is minor.
    pub is_minor: bool,
    /// The idiom, less than [`IDIOMS`].
    pub idiom: usize,
}

impl Place {
    /// Its [`PLACE_FEATURES`] values.
    pub fn write(&self, out: &mut [f32]) {
        let out = &mut out[..PLACE_FEATURES];
        out.fill(0.0);
        out[self.slot.min(2)] = 1.0;
        out[3 + self.slots.clamp(1, 2) - 1] = 1.0;
        out[5 + self.bar.rem_euclid(4) as usize] = 1.0;
        out[9 + (self.bar.rem_euclid(8) / 4) as usize] = 1.0;
        out[11] = f32::from(u8::from(self.bar.rem_euclid(16) >= 8));
        out[12] = f32::from(u8::from(self.is_compound));
        out[13] = f32::from(u8::from(self.is_minor));
        out[14 + self.idiom.min(IDIOMS - 1)] = 1.0;
        out[18] = f32::from(u8::from(self.bar == 0));
        out[19] = f32::from(u8::from(self.slot + 1 == self.slots));
    }
}

/// A slot: where it lies, what is sung in it, and what is known of its chord. Degrees are semitones above the tonic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// Where it lies.
    pub place: Place,
    /// Share of its time in which each degree is sung.
    pub sung: [f32; 12],
    /// Share of the time of its second half.
    pub later: [f32; 12],
    /// The degree that is sung as it begins, and whether it begins with it; none in a rest.
    pub first: Option<(u8, bool)>,
    /// Whether it is known what is sung in it.
    pub is_heard: bool,
    /// Whether a phrase begins in it.
    pub begins_phrase: bool,
    /// Whether a phrase ends in it.
    pub ends_phrase: bool,
    /// Whether the song ends with it.
    pub ends_song: bool,
    /// The chord it must have, less than [`CHORDS`].
    pub chord: Option<usize>,
}

impl Slot {
    /// A slot in which nothing is known but where it lies.
    pub fn unheard(place: Place) -> Self {
        Self {
            place,
            sung: [0.0; 12],
            later: [0.0; 12],
            first: None,
            is_heard: false,
            begins_phrase: false,
            ends_phrase: false,
            ends_song: false,
            chord: None,
        }
    }

    /// Its [`FEATURES`] values.
    pub fn write(&self, out: &mut [f32]) {
        let out = &mut out[..FEATURES];
        out.fill(0.0);
        self.place.write(out);
        let rest = &mut out[PLACE_FEATURES..];
        rest[..12].copy_from_slice(&self.sung);
        rest[12..24].copy_from_slice(&self.later);
        if let Some((degree, begins)) = self.first {
            rest[24 + usize::from(degree) % 12] = if begins { 1.0 } else { 0.5 };
        }
        rest[36] = (1.0 - self.sung.iter().sum::<f32>()).max(0.0);
        for (value, is) in
            [(37, self.is_heard), (38, self.begins_phrase), (39, self.ends_phrase), (40, self.ends_song)]
        {
            rest[value] = f32::from(u8::from(is));
        }
        if let Some(chord) = self.chord.filter(|chord| *chord < CHORDS) {
            rest[41] = 1.0;
            rest[42 + chord / (TRIADS * COLOURS)] = 1.0;
            rest[54 + chord / COLOURS % TRIADS] = 1.0;
            rest[58 + chord % COLOURS] = 1.0;
        }
    }
}
