//! The singer's line around a bar: where the voice sounds and where it rests.
//!
//! What has been sung is known. Live, what comes is taken to be sung as the line before it was: a rest is expected where
//! earlier lines rested at the same place, and where no earlier line tells, the voice is taken to sound, so that nothing
//! is played over it.

use crate::score::{Bar, BarNumber, Score};
use crate::song::Mode;
use crate::time::{TickCount, Ticks};

/// Gaps shorter than this share of a beat are articulation, not rests: (numerator, denominator).
const SHORTEST_REST: (i64, i64) = (1, 2);
/// Rests shorter than so many half beats are breaths.
const BREATH_HALVES: i64 = 3;
/// Bars around a bar in which rests are looked for; a rest of as many is one in which the band is alone.
const AROUND_BARS: i64 = 2;
/// A live singer who has not sung for so many half bars is not expected to go on.
const STOPPED_HALF_BARS: i64 = 3;
/// Lengths of lines that are tried, in bars; the earlier ones are taken where two explain the rests as well.
const LINES: [i64; 8] = [4, 8, 2, 3, 6, 5, 7, 1];
/// How much better a later one of them has to be, as a share of rests.
const EARLIER_LEAD: f64 = 0.05;
/// Bars of which the rests are compared with those a line before: at least and at most.
const COMPARED_BARS: (i64, i64) = (2, 8);
/// Share of the rests of either line that must be rests of both.
const LEAST_ALIKE: f64 = 0.5;
/// Share of a half beat in which the voice sounds, below which it rests there.
const RESTING_SHARE: f64 = 0.3;

/// A rest of the voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// Where the voice ends, or the look around the bar begins.
    pub from: Ticks,
    /// Where the voice enters, or the look ends.
    pub to: Ticks,
    /// Whether something is sung before it.
    pub follows: bool,
    /// Whether an entry is known or expected at its end.
    pub leads: bool,
}

impl Rest {
    /// Its length.
    pub fn length(self) -> TickCount {
        self.to - self.from
    }
}

/// What a moment of a bar is to whoever accompanies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The voice sounds.
    Sung,
    /// A rest of less than a beat and a half.
    Breath,
    /// The first beat after the voice has ended, in a longer rest.
    Ends,
    /// Room for an answer: later in such a rest.
    Open,
    /// The last half beat of it, before the voice enters.
    Leads,
    /// A rest of two bars and more.
    Alone,
}

/// The line around a bar.
#[derive(Debug, Clone)]
pub struct Line {
    rests: Vec<Rest>,
    beat: TickCount,
    /// How sure what has not been heard is, 0 to 1.
    trust: f64,
}

impl Line {
    /// The line around a bar, as far as a mode knows it.
    pub fn of(score: &Score, mode: Mode, bar: Bar) -> Self {
        let around = score.meter.bar() * AROUND_BARS;
        let (from, to) = (bar.start - around, bar.end + around);
        let (mut sung, mut trust) = (sung_between(score, from, to), 1.0);
        let heard = score.melody.last().map_or(score.bar(BarNumber(1)).start, |note| note.end());
        let stopped = heard + score.meter.bar() * STOPPED_HALF_BARS / 2;
        if mode == Mode::Live && heard < to && (stopped > bar.start || score.melody.is_empty()) {
            trust = foretell(score, heard, to, &mut sung);
        }
        sung.sort_unstable();
        let beat = score.meter.beat();
        let shortest = TickCount(beat.0 * SHORTEST_REST.0 / SHORTEST_REST.1);
        let mut rests = Vec::new();
        let (mut at, mut follows) = (from, false);
        for (start, end) in sung {
            // Where the look begins nobody knows how long it has been quiet.
            if start - at >= shortest {
                rests.push(Rest { from: at, to: start, follows, leads: true });
            }
            (at, follows) = (at.max(end), true);
        }
        if to - at >= shortest {
            rests.push(Rest { from: at, to, follows, leads: false });
        }
        Self { rests, beat, trust }
    }

    /// The rests, in order.
    pub fn rests(&self) -> &[Rest] {
        &self.rests
    }

    /// How sure it is where the voice sounds, 0 to 1: 1 where it was heard.
    pub fn trust(&self) -> f64 {
        self.trust
    }

    /// Share of a stretch in which the voice sounds, 0 to 1; gaps of articulation count as sounding.
    pub fn share(&self, from: Ticks, to: Ticks) -> f64 {
        let rests = self.rests.iter().map(|rest| (rest.to.min(to) - rest.from.max(from)).0.max(0));
        1.0 - rests.sum::<i64>() as f64 / (to - from).0.max(1) as f64
    }

    /// The rest that holds a position.
    pub fn rest_at(&self, at: Ticks) -> Option<Rest> {
        self.rests.iter().find(|rest| rest.from <= at && at < rest.to).copied()
    }

    /// What a position is to whoever accompanies.
    pub fn moment(&self, at: Ticks) -> Moment {
        let half = self.beat / 2;
        let Some(rest) = self.rest_at(at) else { return Moment::Sung };
        if rest.length() < half * BREATH_HALVES {
            Moment::Breath
        } else if rest.follows && at < rest.from + self.beat {
            Moment::Ends
        } else if rest.leads && at >= rest.to - half {
            Moment::Leads
        } else if rest.length() >= self.beat * 8 || !rest.follows || !rest.leads {
            Moment::Alone
        } else {
            Moment::Open
        }
    }

    /// Whether a stroke here is the one that meets an entry: it lies on it or less than half a beat after it.
    pub fn meets_entry(&self, at: Ticks) -> bool {
        let early = self.beat / 8;
        let meets = |rest: &Rest| rest.leads && at >= rest.to - early && at < rest.to + self.beat / 2;
        self.rests.iter().any(meets)
    }

    /// Whether the voice comes to a rest of a beat or more between two positions, the second excluded.
    pub fn ends_between(&self, from: Ticks, to: Ticks) -> bool {
        self.rests
            .iter()
            .any(|rest| rest.follows && rest.length() >= self.beat && rest.from >= from && rest.from < to)
    }
}

/// Stretches that are sung, cut to a stretch.
fn sung_between(score: &Score, from: Ticks, to: Ticks) -> Vec<(Ticks, Ticks)> {
    let within = score.melody.iter().filter(|note| note.start < to && note.end() > from);
    within.map(|note| (note.start.max(from), note.end().min(to))).collect()
}

/// Adds what is expected to be sung after what was heard, and says how sure that is.
fn foretell(score: &Score, heard: Ticks, to: Ticks, sung: &mut Vec<(Ticks, Ticks)>) -> f64 {
    let Some((length, alike)) = line_length(score, heard) else {
        sung.push((heard, to));
        return 0.0;
    };
    // Where one of two earlier lines is sung, this one may be.
    for lines in 1..=2 {
        let shift = length * lines;
        let earlier = sung_between(score, heard - shift, to - shift);
        sung.extend(earlier.into_iter().map(|(start, end)| (start + shift, end + shift)));
    }
    if heard + length < to {
        sung.push((heard + length, to));
    }
    alike
}

/// How long lines are, if the rests of what was sung up to a position come back: the distance after which they do so best,
/// and how much of them does.
pub fn line_length(score: &Score, heard: Ticks) -> Option<(TickCount, f64)> {
    let half = score.meter.beat() / 2;
    let (first, per_bar) = (score.bar(BarNumber(1)).start, score.meter.bar() / half);
    let halves = (heard - first) / half;
    let mut sounding = vec![0i64; halves.max(0) as usize];
    for note in &score.melody {
        let from = ((note.start - first) / half).max(0);
        for index in from..halves.min((note.end() - first).0.div_euclid(half.0) + 1) {
            let (start, end) = (first + half * index, first + half * (index + 1));
            sounding[index as usize] += (note.end().min(end) - note.start.max(start)).0.max(0);
        }
    }
    let rests: Vec<bool> = sounding.iter().map(|s| (*s as f64) < RESTING_SHARE * half.0 as f64).collect();
    let mut best: Option<(TickCount, f64)> = None;
    for bars in LINES {
        let lag = bars * per_bar;
        let from = lag.max(halves - COMPARED_BARS.1 * per_bar);
        if halves - from < COMPARED_BARS.0 * per_bar {
            continue;
        }
        let (mut both, mut either) = (0, 0);
        for index in from as usize..halves as usize {
            let (now, before) = (rests[index], rests[index - lag as usize]);
            both += u32::from(now && before);
            either += u32::from(now || before);
        }
        let alike = f64::from(both) / f64::from(either.max(1));
        if alike >= LEAST_ALIKE && best.is_none_or(|(_, known)| alike > known + EARLIER_LEAD) {
            best = Some((half * lag, alike));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::sung::{BEAT, at, lines, score};

    fn line(rows: &[(f64, f64, u8, f64)], mode: Mode, bar: i32) -> Line {
        let score = score(16, rows, &["A", "A", "A", "A"], 0.6);
        Line::of(&score, mode, score.bar(BarNumber(bar)))
    }

    #[test]
    fn rests_are_those_that_were_sung_and_articulation_is_none() {
        let rows =
            [(0.0, 3.75, 64, -20.0), (4.0, 6.0, 64, -20.0), (7.0, 9.0, 64, -20.0), (12.0, 16.0, 64, -20.0)];
        let line = line(&rows, Mode::Studio, 2);
        let rest = |from, to| Rest { from: at(from), to: at(to), follows: true, leads: true };
        assert_eq!(line.rests()[1..3], [rest(6.0, 7.0), rest(9.0, 12.0)]);
        assert!((line.share(at(4.0), at(8.0)) - 0.75).abs() < 1e-9 && line.trust() == 1.0);
        let moments = [5.0, 6.5, 9.5, 10.5, 11.5].map(|beat| line.moment(at(beat)));
        assert_eq!(moments, [Moment::Sung, Moment::Breath, Moment::Ends, Moment::Open, Moment::Leads]);
        let meets = [11.5, 12.0, 12.25, 12.5].map(|beat| line.meets_entry(at(beat)));
        assert_eq!(meets, [false, true, true, false]);
        assert!(line.ends_between(at(8.0), at(9.5)) && !line.ends_between(at(4.0), at(6.0)));
    }

    #[test]
    fn live_a_rest_is_expected_where_the_lines_before_rested_and_no_other() {
        let is_rest = |rows: &[(f64, f64, u8, f64)], bar: i32| {
            let line = line(rows, Mode::Live, bar);
            let end = at(4.0 * f64::from(bar)) - BEAT;
            line.moment(end) != Moment::Sung
        };
        let all = lines(3, 2);
        let until = |beat: f64| all.iter().filter(|row| row.1 <= beat).copied().collect::<Vec<_>>();
        // In the first line nobody knows, and the voice is taken to sound.
        assert!(!is_rest(&until(11.0), 4));
        // In the third the fourth bar is known to end with a rest, and the third bar is known not to.
        assert!(is_rest(&until(43.0), 12) && !is_rest(&until(39.0), 11));
        // What was heard counts, not what was expected.
        let mut sung_on = all.clone();
        sung_on.push((46.0, 48.0, 64, -20.0));
        assert!(!is_rest(&sung_on, 12));
    }

    #[test]
    fn live_a_rest_of_one_line_of_two_is_not_relied_on() {
        // Every line rests in its second bar, the third one also at its end; the fourth has come to its third bar.
        let rests = |beat: i32| (6..8).contains(&(beat % 16)) || (46..48).contains(&beat);
        let sung = (0..58).filter(|beat| !rests(*beat));
        let rows: Vec<_> = sung.map(|beat| (f64::from(beat), f64::from(beat) + 1.0, 64, -20.0)).collect();
        let line = line(&rows, Mode::Live, 16);
        assert!(line.trust() > 0.0 && line.moment(at(63.0)) == Moment::Sung);
    }

    #[test]
    fn who_has_stopped_is_not_expected() {
        let line = line(&lines(2, 2), Mode::Live, 12);
        assert_eq!(line.moment(at(45.0)), Moment::Alone);
    }
}
