//! The grid: beats and bars in seconds become a tempo map in ticks, sung notes become written ones.

use crate::listen::{SungNote, TuningCurve};
use crate::score::{MelodyNote, MidiNote};
use crate::time::{Meter, TempoMap, TempoMapError, TickCount, Ticks};

/// How far before its beat a first note may be sung and still begin with it, as a share of the beat.
const EARLY: f64 = 0.25;
/// Times nearer to 0 than this are taken for 0, in seconds.
pub const AT_ZERO_S: f64 = 0.03;

/// A tempo map and where its bar 1 is.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Ticks to seconds.
    pub tempo: TempoMap,
    /// Bars before bar 1.
    pub lead_in_bars: u32,
    /// Position of the first beat of the list; it may lie before tick 0.
    pub first_beat: Ticks,
}

/// Which beat begins bar 1 (an index into the list that may lie outside of it), and its time in seconds.
///
/// Bar 1 is the first bar whose first half is sung; a note in the second half of the bar before it is a pickup.
pub fn bar_one(beats_s: &[f64], meter: Meter, first_downbeat: usize, first_onset_s: f64) -> (i64, f64) {
    let beats = Beats::new(beats_s);
    let per_bar = meter.beats_per_bar() as i64;
    let first = beats.first_sung(first_onset_s);
    let phase = (first - first_downbeat as i64).rem_euclid(per_bar);
    let is_pickup = phase * 2 >= per_bar;
    let bar_one = if is_pickup { first - phase + per_bar } else { first - phase };
    (bar_one, beats.time(bar_one))
}

/// Beats that go on at the typical period on both sides of a list.
struct Beats<'a> {
    beats_s: &'a [f64],
    period_s: f64,
}

impl<'a> Beats<'a> {
    fn new(beats_s: &'a [f64]) -> Self {
        Self { beats_s, period_s: median_period(beats_s) }
    }

    fn time(&self, beat: i64) -> f64 {
        let last = self.beats_s.len() as i64 - 1;
        let listed = self.beats_s.get(beat.clamp(0, last.max(0)) as usize).copied().unwrap_or(0.0);
        listed + self.period_s * (beat - beat.clamp(0, last.max(0))) as f64
    }

    /// The beat that a first onset belongs to.
    fn first_sung(&self, first_onset_s: f64) -> i64 {
        let limit = first_onset_s + EARLY * self.period_s;
        let mut beat = 0;
        while self.time(beat) > limit {
            beat -= 1;
        }
        while self.time(beat + 1) <= limit {
            beat += 1;
        }
        beat
    }
}

/// Lays bars over beats.
///
/// Tick 0 is second 0: whole bars, stretched to fit, fill the time up to the first beat that is sung. The last
/// `intro_bars` of them keep the song's tempo; the caller has made room for them.
pub fn lay_bars(
    beats_s: &[f64],
    meter: Meter,
    first_downbeat: usize,
    first_onset_s: f64,
    intro_bars: u32,
) -> Result<Grid, TempoMapError> {
    if beats_s.len() < 2 {
        return Err(TempoMapError::TooFew(beats_s.len()));
    }
    let per_bar = meter.beats_per_bar() as i64;
    let beats = Beats::new(beats_s);
    let (bar_one, _) = bar_one(beats_s, meter, first_downbeat, first_onset_s);
    let time_of = |beat| beats.time(beat);
    // Beats from here on keep their time; what lies before is stretched. A beat at second 0 that is no bar line cannot
    // be kept, because tick 0 is one.
    let mut kept = (bar_one - i64::from(intro_bars) * per_bar).min(beats.first_sung(first_onset_s));
    while time_of(kept) < -AT_ZERO_S || (time_of(kept) <= AT_ZERO_S && (bar_one - kept) % per_bar != 0) {
        kept += 1;
    }
    let lead_beats = bar_one - kept;
    let kept_s = time_of(kept).max(0.0);
    let lead_in_bars = if kept_s <= AT_ZERO_S && lead_beats % per_bar == 0 {
        lead_beats / per_bar
    } else {
        // As many whole bars as come nearest to the song's tempo, at least one beat of them before the kept one.
        let fewest = lead_beats.div_euclid(per_bar) + 1;
        let wanted = (lead_beats as f64 + kept_s / beats.period_s) / per_bar as f64;
        (wanted.round() as i64).max(fewest)
    };
    let tick_of = |beat: i64| Ticks(0) + meter.beat() * (lead_in_bars * per_bar + beat - bar_one);
    let mut anchors = vec![(Ticks(0), 0.0)];
    let last = (beats_s.len() as i64 - 1).max(kept + 1);
    for beat in kept..=last {
        let (tick, seconds) = (tick_of(beat), time_of(beat));
        if tick > Ticks(0) {
            anchors.push((tick, seconds));
        }
    }
    Ok(Grid { tempo: TempoMap::new(anchors)?, lead_in_bars: lead_in_bars as u32, first_beat: tick_of(0) })
}

/// Median distance of beats in seconds.
pub fn median_period(beats_s: &[f64]) -> f64 {
    let mut periods: Vec<f64> = beats_s.windows(2).map(|w| w[1] - w[0]).collect();
    periods.sort_by(f64::total_cmp);
    periods.get(periods.len() / 2).copied().unwrap_or(0.6)
}

/// Writes sung notes down: onsets and ends on the nearest sixteenth (or triplet) that keeps them apart, pitches in
/// the singer's tuning.
pub fn write_melody(
    notes: &[SungNote],
    tempo: &TempoMap,
    step: TickCount,
    tuning: &TuningCurve,
) -> Vec<MelodyNote> {
    let nearest = |seconds: f64| (tempo.ticks_at(seconds) / step.0 as f64).round() as i64;
    let mut written: Vec<MelodyNote> = Vec::with_capacity(notes.len());
    for note in notes {
        let mut start = nearest(note.onset_s).max(0);
        if let Some(before) = written.last_mut() {
            let before_start = before.start.0 / step.0;
            start = start.max(before_start + 1);
            before.length = TickCount(before.length.0.min((start - before_start) * step.0));
        }
        let end = nearest(note.offset_s).max(start + 1);
        let middle_s = (note.onset_s + note.offset_s) / 2.0;
        written.push(MelodyNote {
            start: Ticks(start * step.0),
            length: step * (end - start),
            pitch: MidiNote::nearest(note.midi - tuning.cents_at(middle_s) / 100.0),
            onset_s: note.onset_s,
            offset_s: note.offset_s,
            sung_midi: note.midi,
            level_dbfs: note.level_dbfs,
        });
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_downbeat_is_a_bar_line_and_tick_zero_is_second_zero() {
        // Beats every 0.5 s from 1.3 s; the first sung note is the pickup on the beat before the downbeat.
        let beats: Vec<f64> = (0..20).map(|i| 1.3 + 0.5 * f64::from(i)).collect();
        let grid = lay_bars(&beats, Meter::FOUR_FOUR, 1, 1.3, 0).expect("a grid");
        let bar = Meter::FOUR_FOUR.bar();
        let bar_one = Ticks(0) + bar * i64::from(grid.lead_in_bars);
        assert!((grid.tempo.seconds_at(bar_one) - 1.8).abs() < 1e-9);
        assert_eq!(grid.tempo.seconds_at(Ticks(0)), 0.0);
        assert!((grid.tempo.seconds_at(bar_one - TickCount(960)) - 1.3).abs() < 1e-9);
    }

    #[test]
    fn a_song_that_starts_at_once_has_no_lead_in() {
        let beats: Vec<f64> = (0..20).map(|i| 0.6 * f64::from(i)).collect();
        let grid = lay_bars(&beats, Meter::FOUR_FOUR, 0, 0.0, 0).expect("a grid");
        assert_eq!(grid.lead_in_bars, 0);
        assert!((grid.tempo.seconds_at(Ticks(960)) - 0.6).abs() < 1e-9);
    }

    #[test]
    fn an_intro_keeps_the_tempo() {
        let beats: Vec<f64> = (0..20).map(|i| 4.0 + 0.5 * f64::from(i)).collect();
        let grid = lay_bars(&beats, Meter::FOUR_FOUR, 0, 4.0, 2).expect("a grid");
        assert_eq!(grid.lead_in_bars, 2);
        assert!((grid.tempo.seconds_at(Ticks(960)) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn every_first_onset_and_phase_gives_a_valid_grid() {
        for start in 0..40 {
            for phase in 0..4 {
                let first = f64::from(start) * 0.11;
                let beats: Vec<f64> = (0..12).map(|i| first + 0.02 + 0.5 * f64::from(i)).collect();
                for intro in 0..2 {
                    let grid = lay_bars(&beats, Meter::FOUR_FOUR, phase, first, intro).expect("a grid");
                    let anchor = grid.tempo.anchors()[1];
                    assert_eq!(anchor.0.0 % 960, 0);
                    assert!(grid.lead_in_bars < 6);
                }
            }
        }
    }
}
