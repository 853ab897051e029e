//! What the band does when a singer holds a note, and when the singer is back.

use super::measure::{BEAT_S, median};
use super::midi::Played;

/// MIDI channels of guitar and drums, counted from 0.
const GUITAR: u8 = 0;
const DRUMS: u8 = 9;
/// A hold is recognised where the drums are silent from so many beats after the one that does not come.
const STOP_BEATS: f64 = 2.0;
/// A held note that shows that lasts so many beats at least, and the one in which drums were heard before it.
const SHOWN_BEATS: f64 = 3.5;
const BAR_BEATS: f64 = 4.0;
/// The guitar answers an entry so soon, in seconds.
pub const ANSWER_S: f64 = 0.12;

/// What was done.
#[derive(Debug, Clone, Default)]
pub struct Replies {
    /// Whether the drums stop for each note that is held long enough.
    pub stops: Vec<bool>,
    /// From each entry on a bar line after a hold to the stroke of the guitar that answers it, in seconds; a stroke that
    /// falls with it counts.
    pub answers_s: Vec<f64>,
    /// Whether a stroke of the drums falls on the next beat.
    pub drums_next: Vec<bool>,
}

/// The truth about holds, in seconds.
#[derive(Debug)]
pub struct Holds<'a> {
    /// First and last moment of each; a held note begins at the first.
    pub holds: &'a [(f64, f64)],
    /// Whether notes are held there.
    pub are_held: bool,
    /// Beats, bar lines and onsets.
    pub beats: &'a [f64],
    pub bar_lines: &'a [f64],
    pub onsets: &'a [f64],
}

impl Holds<'_> {
    /// What the band did.
    pub fn replies(&self, played: &Played) -> Replies {
        let mut replies = Replies::default();
        let Some(period_s) = median(&self.beats.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>()) else {
            return replies;
        };
        let strikes = |channel: u8, from_s: f64, to_s: f64| {
            played.channel(channel).any(|(at_s, _)| (from_s..to_s).contains(&at_s))
        };
        let near = |times: &[f64], to_s: f64| times.iter().any(|at_s| (at_s - to_s).abs() < BEAT_S);
        for (from_s, to_s) in self.holds {
            let drummed = strikes(DRUMS, from_s - BAR_BEATS * period_s, *from_s);
            if self.are_held && drummed && to_s - from_s > SHOWN_BEATS * period_s {
                let late_s = from_s + (1.0 + STOP_BEATS) * period_s + BEAT_S;
                replies.stops.push(!strikes(DRUMS, late_s, to_s - BEAT_S));
            }
            if !near(self.onsets, *to_s) || !near(self.bar_lines, *to_s) {
                continue;
            }
            let answer = played.channel(GUITAR).map(|(at_s, _)| at_s - to_s).find(|after| *after > -BEAT_S);
            replies.answers_s.push(answer.unwrap_or(f64::INFINITY));
            if let Some(next_s) = self.beats.iter().find(|beat| **beat > to_s + BEAT_S) {
                replies.drums_next.push(strikes(DRUMS, next_s - BEAT_S, next_s + BEAT_S));
            }
        }
        replies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_that_is_played_through_and_a_late_answer_are_told() {
        // Half a second a beat; the note on 4.0 lasts until 6.5, where the next bar begins.
        let beats: Vec<f64> = (0..9).map(|n| 0.5 * f64::from(n)).chain([6.5, 7.0, 7.5]).collect();
        let holds = [(4.0, 6.5)];
        let truth = |are_held| Holds {
            holds: &holds,
            are_held,
            beats: &beats,
            bar_lines: &[0.0, 2.0, 4.0, 6.5],
            onsets: &beats,
        };
        let played = |drums: &[f64], guitar: f64| {
            let mut notes: Vec<(f64, u8, u8)> = drums.iter().map(|at_s| (*at_s, DRUMS, 36)).collect();
            notes.push((guitar, GUITAR, 60));
            Played { notes, ..Played::default() }
        };
        let good = truth(true).replies(&played(&[3.5, 4.0, 4.5, 7.02], 6.55));
        assert_eq!((good.stops, good.drums_next), (vec![true], vec![true]));
        assert!((good.answers_s[0] - 0.05).abs() < 1e-9);
        let bad = truth(true).replies(&played(&[3.5, 4.0, 5.9, 6.8], 6.8));
        assert_eq!((bad.stops, bad.drums_next), (vec![false], vec![false]));
        assert!(bad.answers_s[0] > ANSWER_S);
        assert_eq!(truth(false).replies(&played(&[3.5, 5.9], 6.5)).stops, [false; 0]);
    }
}
