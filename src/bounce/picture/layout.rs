//! Where everything stands in the picture.

use crate::engine::{Session, sounding_parts};
use crate::score::{MidiNote, Part, Score};

/// Width of the picture and of what stands before and after the rows, in pixels.
pub(super) const WIDTH: u32 = 2000;
pub(super) const LEFT: f32 = 118.0;
pub(super) const RIGHT: f32 = 28.0;
/// Height of header, footer and most of the whole, in pixels.
pub(super) const HEADER: u32 = 132;
pub(super) const FOOTER: u32 = 64;
pub(super) const MOST_HEIGHT: u32 = 12_000;
/// Most seconds in a row of a song that is not long.
pub(super) const ROW_S: f64 = 19.0;
/// Lines closer than this are left away, in pixels.
pub(super) const CLOSEST: f64 = 7.0;
/// Quietest level that is drawn, in dB under the loudest.
pub(super) const LEVEL_RANGE_DB: f32 = 42.0;

/// Rows of the drum lane from the top.
pub(super) const DRUM_ROWS: [&str; 5] = ["cymbal", "hat", "tom", "snare", "kick"];

/// The lane of a part: its place from the top of a row, and the pitches that it shows.
pub(super) struct Lane {
    pub(super) part: Part,
    pub(super) top: f32,
    pub(super) height: f32,
    pub(super) low: f64,
    pub(super) step: f32,
}

impl Lane {
    /// Top of the line of a pitch.
    pub(super) fn y(&self, pitch: MidiNote) -> f32 {
        self.top + self.height - (f64::from(pitch.0) - self.low + 1.0) as f32 * self.step
    }
}

/// Where everything stands in a row; the same for all rows.
pub(super) struct Layout {
    /// Beginning and end of the rows in seconds.
    pub(super) rows: Vec<(f64, f64)>,
    pub(super) pixels_per_s: f64,
    pub(super) height: u32,
    pub(super) lanes: Vec<Lane>,
    /// Lowest and highest pitch of the melody's lane, and pixels a semitone.
    pub(super) pitches: (f64, f64),
    pub(super) semitone: f32,
    pub(super) tempos: (f64, f64),
    pub(super) loudest_dbfs: f32,
    pub(super) tempo_top: f32,
}

pub(super) const SECTION_BASE: f32 = 18.0;
pub(super) const NUMBER_BASE: f32 = 40.0;
pub(super) const CHORD_BASE: f32 = 64.0;
pub(super) const GRID_TOP: f32 = 28.0;
pub(super) const LEVEL_TOP: f32 = 74.0;
pub(super) const LEVEL_HEIGHT: f32 = 38.0;
pub(super) const PITCH_TOP: f32 = LEVEL_TOP + LEVEL_HEIGHT + 6.0;
pub(super) const DRUM_STEP: f32 = 12.0;
pub(super) const TEMPO_HEIGHT: f32 = 34.0;
pub(super) const GAP: f32 = 7.0;
/// Room under a row.
pub(super) const ROW_GAP: f32 = 30.0;

impl Layout {
    pub(super) fn new(session: &Session) -> Self {
        let score = &session.score;
        let (low, high) = usual_pitches(score);
        let middle = 0.5 * (low + high);
        let pitches = ((low - 2.0).min(middle - 6.0).floor(), (high + 2.0).max(middle + 6.0).ceil());
        let semitone = (190.0 / (pitches.1 - pitches.0 + 1.0)).clamp(4.0, 10.0) as f32;
        let mut top = PITCH_TOP + (pitches.1 - pitches.0 + 1.0) as f32 * semitone + GAP;
        let mut lanes = Vec::new();
        let sounding = sounding_parts(score);
        for part in [Part::Guitar, Part::Strings, Part::Bass, Part::Drums] {
            if !sounding.contains(&part) {
                continue;
            }
            let lane = match part {
                Part::Drums => {
                    let height = DRUM_ROWS.len() as f32 * DRUM_STEP;
                    Lane { part, top, height, low: 0.0, step: DRUM_STEP }
                }
                _ => {
                    let keys = score.notes_of(part).map(|n| f64::from(n.pitch.0));
                    let (low, high) = keys.fold((127.0f64, 0.0f64), |(l, h), p| (l.min(p), h.max(p)));
                    let (low, high) = if low > high { (60.0, 60.0) } else { (low, high) };
                    let low = low - 1.0;
                    let span = (high - low + 2.0).max(14.0) as f32;
                    let step = (84.0 / span).clamp(2.0, 4.0);
                    Lane { part, top, height: span * step, low, step }
                }
            };
            top += lane.height + GAP;
            lanes.push(lane);
        }
        let height = (top + TEMPO_HEIGHT + ROW_GAP).ceil() as u32;
        let most_rows = f64::from(((MOST_HEIGHT - HEADER - FOOTER) / height).max(1));
        let cells = cells(session);
        let whole_s = cells.last().map_or(1.0, |c| c.1);
        let mut row_s = ROW_S;
        let mut rows = rows(&cells, row_s);
        while rows.len() as f64 > most_rows {
            row_s = (row_s * 1.03).max(whole_s / most_rows);
            rows = self::rows(&cells, row_s);
        }
        let longest = rows.iter().map(|r| r.1 - r.0).fold(1.0, f64::max);
        let loudest = session.take.observations.iter().map(|o| o.level_dbfs).fold(-100.0, f32::max);
        let (slowest, fastest) = tempo_range(session);
        Self {
            rows,
            pixels_per_s: f64::from(WIDTH as f32 - LEFT - RIGHT) / longest,
            height,
            lanes,
            pitches,
            semitone,
            tempos: (slowest - 3.0, fastest + 3.0),
            loudest_dbfs: loudest,
            tempo_top: top,
        }
    }

    /// Middle of the line of a fractional pitch.
    pub(super) fn pitch_y(&self, midi: f64) -> f32 {
        PITCH_TOP + ((self.pitches.1 - midi + 0.5) as f32) * self.semitone
    }

    pub(super) fn pitch_bottom(&self) -> f32 {
        self.pitch_y(self.pitches.0 - 0.5)
    }

    pub(super) fn tempo_y(&self, bpm: f64) -> f32 {
        let (low, high) = self.tempos;
        self.tempo_top + TEMPO_HEIGHT * (1.0 - ((bpm - low) / (high - low)).clamp(0.0, 1.0) as f32)
    }
}

/// Lowest and highest pitch of the melody, but for the lowest and the highest hundredth of its time: one wrong octave
/// would otherwise flatten all the rest.
pub(super) fn usual_pitches(score: &Score) -> (f64, f64) {
    let mut time = [0i64; 128];
    for note in &score.melody {
        time[usize::from(note.pitch.0.min(127))] += note.length.0;
    }
    let most = time.iter().sum::<i64>() / 100;
    let edge = |mut pitches: &mut dyn Iterator<Item = usize>| {
        let mut passed = 0;
        let found = (&mut pitches).find(|p| {
            passed += time[*p];
            passed > most
        });
        found.map(|p| p as f64)
    };
    match (edge(&mut (0..128)), edge(&mut (0..128).rev())) {
        (Some(low), Some(high)) => (low, high),
        _ => (57.0, 69.0),
    }
}

/// The bars in seconds, those that are longer than a row in pieces, and what comes after the last one.
pub(super) fn cells(session: &Session) -> Vec<(f64, f64)> {
    let score = &session.score;
    let mut edges: Vec<f64> = score.all_bars().map(|bar| score.tempo.seconds_at(bar.start)).collect();
    edges.push(score.tempo.seconds_at(score.end()));
    let end = edges.last().copied().unwrap_or(0.0);
    if session.take.duration_s > end + 0.5 {
        edges.push(session.take.duration_s);
    }
    let mut cells = Vec::new();
    for edge in edges.windows(2) {
        let pieces = ((edge[1] - edge[0]) / (0.5 * ROW_S)).ceil().max(1.0);
        let piece_s = (edge[1] - edge[0]) / pieces;
        cells.extend(
            (0..pieces as usize).map(|i| (edge[0] + i as f64 * piece_s, edge[0] + (i + 1) as f64 * piece_s)),
        );
    }
    cells
}

/// Puts whole bars into rows of at most `row_s` seconds.
pub(super) fn rows(cells: &[(f64, f64)], row_s: f64) -> Vec<(f64, f64)> {
    let mut rows: Vec<(f64, f64)> = Vec::new();
    for (start, end) in cells {
        match rows.last_mut() {
            Some(row) if end - row.0 <= row_s => row.1 = *end,
            _ => rows.push((*start, *end)),
        }
    }
    rows
}

/// Slowest and fastest beat in beats a minute.
pub(super) fn tempo_range(session: &Session) -> (f64, f64) {
    let tempos = session.beats.windows(2).map(|w| 60.0 / (w[1].time_s - w[0].time_s));
    let range = tempos.fold((f64::INFINITY, 0.0f64), |(low, high), bpm| (low.min(bpm), high.max(bpm)));
    if range.0.is_finite() { range } else { (60.0, 60.0) }
}
