//! Singing that is made up: a written melody under rubato, and what a listener would hear of it.
//!
//! The ranges are those of amateurs who sing alone: beats whose length varies by an eighth, onsets that scatter by 20 to
//! 40 ms, breaths that take time, last notes that are held.

use collavoce::follow::rhythm::priors::METERS;
use collavoce::listen::SungNote;
use collavoce::song::Rng;
use collavoce::time::{Meter, TickCount};

use crate::tune::Tune;

/// Seconds before the first bar line.
const LEAD_IN_S: f64 = 1.0;
/// Longest performance in beats: a minute or so.
const MOST_BEATS: i64 = 128;
/// Least share of notes of two thirds of a beat and longer in a song.
const SONG_SHARE: f64 = 0.3;

/// What was sung, with the truth about it.
#[derive(Debug, Clone)]
pub struct Performance {
    /// The notes that a listener hears.
    pub notes: Vec<SungNote>,
    /// Beats in seconds.
    pub beats_s: Vec<f64>,
    /// Which of them begin a bar.
    pub downbeats_s: Vec<f64>,
    /// Coefficient of variation of the beat intervals.
    pub variation: f64,
    /// Typical beat in seconds.
    pub period_s: f64,
}

/// Bars of a metre as bars of a counted one: the metre, and the ticks of its beat.
pub fn counted_as(meter: Meter) -> Option<(Meter, TickCount)> {
    let counted = match meter {
        Meter::TWO_TWO | Meter::TWO_FOUR => Meter::FOUR_FOUR,
        Meter::TWELVE_EIGHT => Meter::SIX_EIGHT,
        other => other,
    };
    METERS.contains(&counted).then(|| (counted, counted.beat()))
}

/// Whether a tune moves as songs do: dances run on in the shortest notes.
pub fn is_songlike(tune: &Tune, beat: TickCount) -> bool {
    let longer = tune.melody.windows(2).filter(|w| (w[1].0 - w[0].0).0 * 3 >= beat.0 * 2).count();
    longer as f64 >= SONG_SHARE * tune.melody.len() as f64
}

/// Sings a tune; none where its metre is not counted or it is too short.
pub fn sing(tune: &Tune, random: &mut Rng) -> Option<Performance> {
    let (meter, beat) = counted_as(tune.meter)?;
    let last = tune.melody.iter().take_while(|(start, _, _)| start.0 < MOST_BEATS * beat.0).count();
    let melody = &tune.melody[..last];
    let beats_of = |ticks: i64| ticks as f64 / beat.0 as f64;
    let span = beats_of(melody.last()?.1.0 - melody.first()?.0.0);
    if melody.len() < 16 || span < 16.0 || !is_songlike(tune, beat) {
        return None;
    }
    // A tempo at which the notes can be sung, and so do not drag.
    let mut steps: Vec<f64> = melody.windows(2).map(|w| beats_of((w[1].0 - w[0].0).0)).collect();
    steps.sort_by(f64::total_cmp);
    let typical = steps[steps.len() / 2];
    let bpm = (0..50)
        .map(|_| 56.0 * (160.0f64 / 56.0).powf(random.unit()))
        .find(|bpm| (0.2..0.9).contains(&(60.0 / bpm * typical)))?;
    let freedom = between(random, 0.3, 1.7);
    let ends = phrase_ends(melody, beat);
    let first_beat = beats_of(melody[0].0.0).floor() as i64;
    let last_beat = beats_of(melody.last()?.1.0).ceil() as i64;
    let map = tempo(first_beat, last_beat, &ends, bpm, freedom, random);
    let early_s = 0.01 * random.normal();
    let scatter_s = 0.014 + 0.012 * freedom * between(random, 0.7, 1.3);
    let mut notes: Vec<SungNote> = Vec::new();
    for (index, (start, end, midi)) in melody.iter().enumerate() {
        // What the listener misses.
        if index > 0 && random.unit() < 0.07 {
            continue;
        }
        let swerve = if random.unit() < 0.08 { 3.0 } else { 1.0 };
        let onset_s = map.at(beats_of(start.0)) + early_s + swerve * scatter_s * random.normal();
        let sung = between(random, 0.75, 1.0);
        let offset_s = map.before(beats_of(start.0) + sung * beats_of((*end - *start).0));
        let onset_s = notes.last().map_or(onset_s, |n| onset_s.max(n.onset_s + 0.08));
        let offset_s = offset_s.max(onset_s + 0.08);
        if let Some(before) = notes.last_mut() {
            before.offset_s = before.offset_s.min(onset_s);
        }
        let mut sing = |onset_s: f64, offset_s: f64| {
            notes.push(SungNote {
                onset_s,
                offset_s,
                midi: f64::from(*midi),
                level_dbfs: -20.0,
                confidence: 0.9,
                known_s: onset_s + 0.1,
            });
        };
        // What it hears twice.
        if random.unit() < 0.05 && offset_s - onset_s > 0.3 {
            let split_s = between(random, onset_s + 0.1, offset_s - 0.1);
            sing(onset_s, split_s);
            sing(split_s, offset_s);
        } else {
            sing(onset_s, offset_s);
        }
    }
    let beats: Vec<i64> = (first_beat..=last_beat).collect();
    let beats_s: Vec<f64> = beats.iter().map(|beat| map.at(*beat as f64)).collect();
    let per_bar = meter.beats_per_bar() as i64;
    let downbeats_s =
        beats.iter().filter(|b| b.rem_euclid(per_bar) == 0).map(|b| map.at(*b as f64)).collect();
    let periods: Vec<f64> = beats_s.windows(2).map(|w| w[1] - w[0]).collect();
    let mean = periods.iter().sum::<f64>() / periods.len() as f64;
    let deviation = (periods.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / periods.len() as f64).sqrt();
    let mut sorted = periods.clone();
    sorted.sort_by(f64::total_cmp);
    Some(Performance {
        notes,
        beats_s,
        downbeats_s,
        variation: deviation / mean,
        period_s: sorted[sorted.len() / 2],
    })
}

/// Beats (from the first bar line) at which phrases end, with whether a rest follows.
fn phrase_ends(melody: &[(collavoce::time::Ticks, collavoce::time::Ticks, u8)], beat: TickCount) -> Vec<f64> {
    let mut ends = Vec::new();
    let mut begun = melody[0].0;
    for pair in melody.windows(2) {
        let rest = (pair[1].0 - pair[0].1).0 as f64 / beat.0 as f64;
        let held = (pair[1].0 - pair[0].0).0 as f64 / beat.0 as f64;
        let since = (pair[0].1 - begun).0 as f64 / beat.0 as f64;
        if rest >= 0.4 || (since > 7.0 && held >= 1.5) {
            ends.push((pair[1].0).0 as f64 / beat.0 as f64);
            begun = pair[1].0;
        }
    }
    ends
}

/// Seconds of each beat, and pauses between.
struct Map {
    first: i64,
    beats_s: Vec<f64>,
    /// Beats before which time stands still, and for how long.
    pauses: Vec<(f64, f64)>,
}

impl Map {
    fn flowing(&self, beat: f64) -> f64 {
        let at = (beat - self.first as f64).clamp(0.0, (self.beats_s.len() - 1) as f64);
        let whole = (at.floor() as usize).min(self.beats_s.len() - 2);
        self.beats_s[whole] + (at - whole as f64) * (self.beats_s[whole + 1] - self.beats_s[whole])
    }

    fn at(&self, beat: f64) -> f64 {
        let paused: f64 = self.pauses.iter().filter(|(at, _)| *at <= beat + 1e-9).map(|(_, s)| s).sum();
        self.flowing(beat) + paused
    }

    /// The same where something ends.
    fn before(&self, beat: f64) -> f64 {
        let paused: f64 = self.pauses.iter().filter(|(at, _)| *at < beat - 1e-9).map(|(_, s)| s).sum();
        self.flowing(beat) + paused
    }
}

fn tempo(first: i64, last: i64, ends: &[f64], bpm: f64, freedom: f64, random: &mut Rng) -> Map {
    let period_s = 60.0 / bpm;
    let (mut drift, mut now_s) = (0.0, LEAD_IN_S);
    let mut beats_s = Vec::new();
    let mut pauses = Vec::new();
    let slows: Vec<bool> = ends.iter().map(|_| random.unit() < 0.5).collect();
    for end in ends {
        let chance = random.unit();
        if chance < 0.45 {
            // A breath that takes time.
            pauses.push((*end, freedom * between(random, 0.05, 0.45)));
        } else if chance < 0.53 {
            // A fermata or a stop to think.
            pauses.push((*end, period_s * between(random, 0.4, 2.0)));
        }
    }
    for beat in first..=last + 1 {
        beats_s.push(now_s);
        drift = 0.93 * drift + 0.03 * freedom * random.normal();
        let near_end =
            ends.iter().zip(&slows).any(|(end, slows)| *slows && (0.0..2.0).contains(&(end - beat as f64)));
        let closing = last - beat < 4;
        let slower = if near_end { 0.08 * freedom } else { 0.0 } + if closing { 0.1 * freedom } else { 0.0 };
        let jitter = 0.04 * freedom * random.normal();
        now_s += period_s * (drift + slower + jitter).exp();
    }
    Map { first, beats_s, pauses }
}

fn between(random: &mut Rng, from: f64, to: f64) -> f64 {
    from + (to - from) * random.unit()
}
