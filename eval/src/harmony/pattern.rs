//! Harmonic rhythm and cadences, as distributions that are compared with those of the written chords.

use collavoce::score::ChordSpan;
use collavoce::time::{TickCount, Ticks};
use collavoce_data::tune::Tune;

use super::figures::chord_at;

/// Longest chord that is told apart, in beats.
const LONGEST: usize = 16;
/// Degrees at which phrases end: semitones above the tonic, with and without a minor third.
const DEGREES: usize = 24;
/// Cadences that are printed: I, IV, V and vi.
const PRINTED: [(usize, bool); 4] = [(0, false), (5, false), (7, false), (9, true)];

/// Counts over songs.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Chords that last up to so many beats and one.
    lengths: [f64; LONGEST],
    /// Changes: at a bar line, in the middle of a bar that has one, at another beat, between beats.
    places: [f64; 4],
    /// Chords at the ends of phrases.
    cadences: [f64; DEGREES],
}

impl Default for Pattern {
    fn default() -> Self {
        Self { lengths: [0.0; LONGEST], places: [0.0; 4], cadences: [0.0; DEGREES] }
    }
}

impl Pattern {
    /// Counts a song.
    pub fn add(&mut self, tune: &Tune, chords: &[ChordSpan]) {
        let (bar, beat) = (tune.meter.bar().0, tune.meter.beat().0);
        let middle = tune.meter.chord_beats().get(1).map(|index| beat * *index as i64);
        for (index, span) in joined(chords).iter().enumerate() {
            let beats = (span.length.0 as u64).div_ceil(beat as u64) as usize;
            self.lengths[beats.clamp(1, LONGEST) - 1] += 1.0;
            // The first chord is no change.
            if index > 0 {
                let at = span.start.0.rem_euclid(bar);
                let place = match at {
                    0 => 0,
                    at if Some(at) == middle => 1,
                    at if at % beat == 0 => 2,
                    _ => 3,
                };
                self.places[place] += 1.0;
            }
        }
        for end in &tune.phrase_ends {
            let Some(last) = chord_at(chords, *end - TickCount(1)) else { continue };
            let above = usize::from(last.root.above(tune.key.tonic));
            self.cadences[2 * above + usize::from(last.quality.is_minor())] += 1.0;
        }
    }

    /// Names of the columns of [`Pattern::row`].
    pub const COLUMNS: &str = "beats    <=1  <=2  <=4  <=8 longer   EMD    TV |  line  half  beat other    TV |     I    IV     V    vi others    TV";

    /// A row of a table: shares, and how far the distributions are from those of `written`.
    pub fn row(&self, written: &Self) -> String {
        let lengths = shares(&self.lengths);
        let mean: f64 = lengths.iter().zip(1..).map(|(share, beats)| share * f64::from(beats)).sum();
        let classes = [0..1, 1..2, 2..4, 4..8, 8..LONGEST].map(|range| lengths[range].iter().sum::<f64>());
        let places = shares(&self.places);
        let cadences = shares(&self.cadences);
        let degrees = PRINTED.map(|(above, is_minor)| cadences[2 * above + usize::from(is_minor)]);
        let others = 1.0 - degrees.iter().sum::<f64>();
        let text = |values: &[f64]| values.iter().map(|v| format!("{v:>5.2}")).collect::<Vec<_>>().join(" ");
        format!(
            "{mean:>5.2} {} {:>7.2} {:>5.2} | {} {:>5.2} | {} {others:>6.2} {:>5.2}",
            text(&classes),
            earth_movers(&lengths, &shares(&written.lengths)),
            variation(&lengths, &shares(&written.lengths)),
            text(&places),
            variation(&places, &shares(&written.places)),
            text(&degrees),
            variation(&cadences, &shares(&written.cadences)),
        )
    }
}

/// Chords that go on are one.
fn joined(chords: &[ChordSpan]) -> Vec<ChordSpan> {
    let mut joined: Vec<ChordSpan> = Vec::with_capacity(chords.len());
    for span in chords {
        match joined.last_mut() {
            Some(last) if last.chord == span.chord && last.end() == span.start => {
                last.length = span.end() - last.start
            }
            _ => joined.push(*span),
        }
    }
    joined
}

/// Where the triads of the written chords change: begin and end of each, with the chord.
pub fn written_spans(tune: &Tune) -> Vec<ChordSpan> {
    let last = Ticks(0) + tune.meter.bar() * tune.bars as i64;
    joined(&tune.chords).into_iter().filter(|span| span.start < last).collect()
}

fn shares<const N: usize>(counts: &[f64; N]) -> [f64; N] {
    let all = counts.iter().sum::<f64>().max(1.0);
    counts.map(|count| count / all)
}

/// Total variation distance: the share that would have to be elsewhere.
fn variation(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

/// Earth mover's distance: how many bins it has to go on average.
fn earth_movers(a: &[f64], b: &[f64]) -> f64 {
    let mut carried = 0.0;
    a.iter()
        .zip(b)
        .map(|(a, b)| {
            carried += a - b;
            f64::abs(carried)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(variation(&[1.0, 0.0], &[0.0, 1.0]), 1.0);
        assert_eq!(variation(&[0.5, 0.5], &[0.5, 0.5]), 0.0);
        assert_eq!(earth_movers(&[1.0, 0.0, 0.0], &[0.0, 0.0, 1.0]), 2.0);
        assert_eq!(earth_movers(&[0.5, 0.5, 0.0], &[0.5, 0.0, 0.5]), 0.5);
    }
}
