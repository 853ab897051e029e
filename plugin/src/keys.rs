//! The note input: tapping the beat, saying where bar 1 or the end is, and calling for a section. All are for the live
//! band.

use collavoce::song::Gesture;

/// Key that taps the beat; the first tap is the first beat of a bar. C2 where middle C is C4.
pub const TAP: u8 = 36;
/// Key that says that a bar begins: bar 1 before the band plays.
pub const BAR_ONE: u8 = 37;
/// Key that ends the song with the next bar.
pub const END: u8 = 38;
/// Keys that call for a section, from C3 on: a verse, a chorus, a break, and whatever the singer's voice asks for.
pub const SECTIONS: [(u8, Option<f64>); 4] =
    [(48, Some(0.45)), (50, Some(0.85)), (52, Some(0.15)), (53, None)];

/// Taps that the tempo is taken from.
const TAPS: usize = 5;
/// Taps that make a tempo.
const ENOUGH: usize = 3;
/// Shortest and longest time between two taps of a row, in seconds.
const BETWEEN_S: std::ops::Range<f64> = 0.2..2.0;

/// What a key says to the live band.
pub fn gesture(key: u8) -> Option<Gesture> {
    match key {
        TAP => Some(Gesture::Tap),
        BAR_ONE => Some(Gesture::BarOne),
        END => Some(Gesture::End),
        _ => None,
    }
}

/// What was played on the note input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    /// The last taps, in seconds, the newest last.
    taps: [f64; TAPS],
    /// Taps in a row.
    count: usize,
    energy: Option<f64>,
}

impl Keys {
    /// A key goes down at a moment, in seconds.
    pub fn down(&mut self, key: u8, at_s: f64) {
        if key == TAP {
            self.tap(at_s);
        } else if let Some((_, energy)) = SECTIONS.iter().find(|(of_section, _)| *of_section == key) {
            self.energy = *energy;
        }
    }

    fn tap(&mut self, at_s: f64) {
        let since_s = at_s - self.taps[TAPS - 1];
        if self.count > 0 && (0.0..BETWEEN_S.start).contains(&since_s) {
            // The key has bounced.
            return;
        }
        self.count = if BETWEEN_S.contains(&since_s) { self.count + 1 } else { 1 };
        self.taps.rotate_left(1);
        self.taps[TAPS - 1] = at_s;
    }

    /// The tapped tempo in beats a minute.
    pub fn bpm(&self) -> Option<f64> {
        let seen = self.count.min(TAPS);
        let row_s = self.taps[TAPS - 1] - self.taps[TAPS - seen.max(1)];
        (seen >= ENOUGH).then(|| 60.0 * (seen - 1) as f64 / row_s)
    }

    /// Beats since the first tap at a moment, in seconds, and the tempo in beats a minute.
    pub fn beats_at(&self, at_s: f64) -> Option<(f64, f64)> {
        let bpm = self.bpm()?;
        Some(((self.count - 1) as f64 + (at_s - self.taps[TAPS - 1]) * bpm / 60.0, bpm))
    }

    /// The energy of the section that was called for; none follows the voice.
    pub fn energy(&self) -> Option<f64> {
        self.energy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tapped(times_s: &[f64]) -> Keys {
        let mut keys = Keys::default();
        times_s.iter().for_each(|at_s| keys.down(TAP, *at_s));
        keys
    }

    #[test]
    fn three_taps_make_a_tempo_and_the_first_is_the_one() {
        assert_eq!(tapped(&[10.0, 10.5]).bpm(), None);
        let keys = tapped(&[10.0, 10.5, 11.0]);
        assert_eq!(keys.bpm(), Some(120.0));
        assert_eq!(keys.beats_at(11.25), Some((2.5, 120.0)));
    }

    #[test]
    fn the_tempo_goes_along_with_the_last_taps() {
        let keys = tapped(&[0.0, 0.5, 1.0, 1.5, 2.5, 3.5, 4.5, 5.5]);
        assert_eq!(keys.bpm(), Some(60.0));
        assert_eq!(keys.beats_at(5.5), Some((7.0, 60.0)));
    }

    #[test]
    fn a_bounce_is_no_tap_and_a_pause_begins_a_new_row() {
        assert_eq!(tapped(&[1.0, 1.01, 1.5, 1.52, 2.0]).bpm(), Some(120.0));
        let keys = tapped(&[1.0, 1.5, 2.0, 7.0, 8.0]);
        assert_eq!(keys.bpm(), None);
        assert_eq!(tapped(&[1.0, 1.5, 2.0, 7.0, 8.0, 9.0]).beats_at(9.0), Some((2.0, 60.0)));
    }

    #[test]
    fn sections_are_called_and_given_back_to_the_voice() {
        let mut keys = Keys::default();
        keys.down(50, 0.0);
        assert_eq!(keys.energy(), Some(0.85));
        keys.down(60, 1.0);
        assert_eq!(keys.energy(), Some(0.85), "other keys do nothing");
        keys.down(53, 2.0);
        assert_eq!(keys, Keys::default());
    }
}
