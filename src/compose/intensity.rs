//! How much the singer gives: level and register against the song's usual ones, from beat to beat.

use super::line::line_length;
use crate::score::Score;
use crate::time::{TickCount, Ticks};

/// Beats to either side over which what is sung is averaged, the near more than the far.
const REACH_BEATS: i64 = 2;
/// The same live, where what was heard last may be older.
const CAUSAL_REACH_BEATS: i64 = 4;
/// Beats of singing that count as much as knowing nothing.
const PRIOR_BEATS: f64 = 0.25;
/// How much what a line before was sung like counts against what was heard.
const EXPECTED_WEIGHT: f64 = 0.7;
/// Tones that begin within so many parts of a beat of each other are the same.
const SAME_PARTS: i64 = 6;
/// A tone counts as at most so many dB or semitones from the usual.
const MOST_DB: f64 = 12.0;
const MOST_SEMITONES: f64 = 12.0;
/// dB, and semitones, that count as a full measure of giving more.
const FULL_DB: f64 = 6.0;
const FULL_SEMITONES: f64 = 9.0;

/// A tone of the voice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// Where it begins.
    pub start: Ticks,
    /// Where it ends, or how far it has been heard.
    pub end: Ticks,
    /// Its level in dB relative to full scale.
    pub level_dbfs: f64,
    /// Its pitch as MIDI number.
    pub midi: f64,
}

/// How far a moment is from the usual.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Giving {
    /// dB above the usual level.
    pub level_db: f64,
    /// Semitones above the usual pitch.
    pub semitones: f64,
}

impl Giving {
    /// Both as one number, -1 to 1; it rises with either.
    pub fn lift(self) -> f64 {
        (self.level_db / FULL_DB + self.semitones / FULL_SEMITONES).clamp(-1.0, 1.0)
    }
}

/// Level and register of what is sung. Live it holds what was heard, and after that what a line before was sung like.
#[derive(Debug, Clone, Default)]
pub struct Intensity {
    /// In order.
    tones: Vec<Tone>,
    expected: Vec<Tone>,
    /// The level to measure from where it is stated, in dB relative to full scale.
    stated_dbfs: Option<f64>,
    usual_dbfs: f64,
    usual_midi: f64,
    beat: TickCount,
    reach_beats: i64,
}

impl Intensity {
    /// The intensity of a score; `is_causal` where its melody is what was heard so far.
    pub fn of(score: &Score, is_causal: bool) -> Self {
        let tones: Vec<Tone> = score
            .melody
            .iter()
            .map(|note| Tone {
                start: note.start,
                end: note.end(),
                level_dbfs: note.level_dbfs,
                midi: f64::from(note.pitch.0),
            })
            .collect();
        let heard = tones.last().map_or(Ticks(0), |tone| tone.end);
        let line = if is_causal { line_length(score, heard) } else { None };
        let expected = line.map_or_else(Vec::new, |(shift, _)| {
            let of_line = tones.iter().filter(|tone| tone.end + shift > heard);
            of_line.map(|t| Tone { start: t.start + shift, end: t.end + shift, ..*t }).collect()
        });
        let mut intensity = Self {
            tones,
            expected,
            stated_dbfs: score.usual_level_dbfs,
            usual_dbfs: 0.0,
            usual_midi: 0.0,
            beat: score.meter.beat(),
            reach_beats: if is_causal { CAUSAL_REACH_BEATS } else { REACH_BEATS },
        };
        intensity.measure();
        intensity
    }

    /// Takes a tone that was heard since: a new one, or more of the last one.
    pub fn hear(&mut self, tone: Tone) {
        // Where a tone begins is written to the nearest step; the same tone lies near it.
        let same = self.beat / SAME_PARTS;
        self.tones.retain(|known| known.start + same < tone.start);
        self.tones.push(tone);
        self.measure();
    }

    /// Takes over what another has heard later.
    pub fn catch_up(&mut self, other: &Self) {
        let known = self.tones.last().map_or(Ticks(i64::MIN), |tone| tone.start + self.beat / SAME_PARTS);
        self.tones.extend(other.tones.iter().filter(|tone| tone.start > known));
        self.measure();
    }

    fn measure(&mut self) {
        let median = |value: &dyn Fn(&Tone) -> f64| {
            let mut sorted: Vec<f64> = self.tones.iter().map(value).collect();
            sorted.sort_by(f64::total_cmp);
            sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
        };
        let usual = (median(&|tone| tone.level_dbfs), median(&|tone| tone.midi));
        self.usual_dbfs = self.stated_dbfs.unwrap_or(usual.0);
        self.usual_midi = usual.1;
    }

    /// How much the singer gives around a position; what is usual where nothing was sung near it.
    pub fn at(&self, at: Ticks) -> Giving {
        let heard = self.tones.last().map_or(Ticks(i64::MIN), |tone| tone.end);
        let (mut level, mut height, mut weight) = (0.0, 0.0, PRIOR_BEATS * self.beat.0 as f64);
        let mut add = |tone: &Tone, from: Ticks, share: f64| {
            let tone_weight = share * (self.area(tone.end - at) - self.area(from - at));
            if tone_weight > 0.0 {
                level += tone_weight * (tone.level_dbfs - self.usual_dbfs).clamp(-MOST_DB, MOST_DB);
                height += tone_weight * (tone.midi - self.usual_midi).clamp(-MOST_SEMITONES, MOST_SEMITONES);
                weight += tone_weight;
            }
        };
        let reach = self.beat * self.reach_beats;
        let first = self.tones.partition_point(|tone| tone.end < at - reach);
        for tone in self.tones[first..].iter().take_while(|tone| tone.start < at + reach) {
            add(tone, tone.start, 1.0);
        }
        for tone in self.expected.iter().filter(|tone| tone.end > heard) {
            add(tone, tone.start.max(heard), EXPECTED_WEIGHT);
        }
        if weight <= 0.0 {
            return Giving::default();
        }
        Giving { level_db: level / weight, semitones: height / weight }
    }

    /// The triangle over the reach, summed up to a distance from its middle.
    fn area(&self, distance: TickCount) -> f64 {
        let reach = (self.beat.0 * self.reach_beats) as f64;
        let x = (distance.0 as f64).clamp(-reach, reach);
        if reach > 0.0 { x - x * x.abs() / (2.0 * reach) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::sung::{at, lines, score};

    /// Three lines of which one beat is sung otherwise.
    fn with(beat: usize, semitones: u8, louder_db: f64) -> Intensity {
        let mut rows = lines(3, 2);
        rows[beat].2 += semitones;
        rows[beat].3 += louder_db;
        Intensity::of(&score(12, &rows, &["A"], 0.5), false)
    }

    #[test]
    fn louder_and_higher_are_more_where_they_are_sung_and_nowhere_else() {
        let mut last = with(5, 0, 0.0).at(at(5.5)).lift();
        assert_eq!(last, 0.0);
        for step in 1..5u8 {
            let (louder, higher) = (with(5, 0, f64::from(step)), with(5, step, 0.0));
            let both = with(5, step, f64::from(step)).at(at(5.5)).lift();
            assert!(louder.at(at(5.5)).level_db > 0.0 && higher.at(at(5.5)).semitones > 0.0);
            assert!(both > last && both <= 1.0, "{both} after {last}");
            assert_eq!(both.max(louder.at(at(10.0)).lift()), both);
            assert_eq!(louder.at(at(10.0)).lift() + higher.at(at(10.0)).lift(), 0.0);
            last = both;
        }
    }

    #[test]
    fn it_answers_within_a_phrase_and_forgets_in_a_rest() {
        let rows: Vec<_> = (0..24)
            .map(|n| (f64::from(n), f64::from(n) + 1.0, 60, if n < 8 { -26.0 } else { -18.0 }))
            .collect();
        let intensity = Intensity::of(&score(12, &rows, &["A"], 0.5), false);
        let level = |beat: f64| intensity.at(at(beat)).level_db;
        assert!(level(6.0) < -5.0 && level(10.0) > -1.0, "{} {}", level(6.0), level(10.0));
        assert_eq!(level(30.0), 0.0);
    }

    #[test]
    fn a_causal_one_hears_on_and_expects_what_a_line_before_was() {
        let mut rows = lines(3, 2);
        // The second bar of each line is high; of the third line the first bar has been heard.
        rows.iter_mut().filter(|row| (4.0..8.0).contains(&(row.0 % 16.0))).for_each(|row| row.2 = 74);
        rows.retain(|row| row.1 <= 36.0);
        let score = score(12, &rows, &["A"], 0.5);
        let expecting = Intensity::of(&score, true);
        assert!(expecting.at(at(38.0)).semitones > 2.0, "{:?}", expecting.at(at(38.0)));
        let tone =
            |from: f64, to: f64, midi: f64| Tone { start: at(from), end: at(to), level_dbfs: -20.0, midi };
        let mut heard = expecting.clone();
        heard.hear(tone(36.0, 36.5, 64.0));
        heard.hear(tone(36.01, 38.0, 64.0));
        assert_eq!(heard.tones.len(), expecting.tones.len() + 1);
        assert!(heard.at(at(37.0)).semitones < expecting.at(at(37.0)).semitones);
        let mut caught_up = expecting.clone();
        caught_up.catch_up(&heard);
        caught_up.catch_up(&heard);
        assert_eq!(caught_up.tones, heard.tones);
    }
}
