//! Where everything stands in the window, and when in the strip of bars. Arithmetic only.

use egui::{Rect, pos2, vec2};

use crate::view::{BarView, View};

/// Between regions, in points.
pub(super) const GAP: f32 = 6.0;
/// Share of the strip that lies in the past.
pub(super) const PAST: f32 = 0.16;
/// Length of a bar where none is known, in seconds.
const BAR_S: f64 = 2.0;

/// The regions of the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Regions {
    pub(super) header: Rect,
    pub(super) found: Rect,
    /// Left column and strip of a row.
    pub(super) voice: (Rect, Rect),
    pub(super) bars: (Rect, Rect),
    pub(super) lanes: [(Rect, Rect); 4],
    /// One row of settings, or all three.
    pub(super) settings: Rect,
    pub(super) setting_rows: usize,
    pub(super) footer: Rect,
}

impl Regions {
    /// Divides a window.
    pub(super) fn of(window: Rect) -> Self {
        let inner = window.shrink(8.0);
        let setting_rows = if inner.height() >= 620.0 { 3 } else { 1 };
        let settings_height = setting_rows as f32 * 46.0 - 2.0;
        let (header, rest) = cut_top(inner, 30.0);
        let (found, rest) = cut_top(rest, 46.0);
        let (rest, footer) = cut_bottom(rest, 32.0);
        let (rest, settings) = cut_bottom(rest, settings_height);
        let bars_height = (rest.height() * 0.22).clamp(54.0, 116.0);
        let voice_height = (rest.height() * 0.2).clamp(46.0, 200.0);
        let (voice, rest) = cut_top(rest, voice_height);
        let (bars, rest) = cut_top(rest, bars_height);
        let left = (inner.width() * 0.24).clamp(206.0, 270.0);
        let lane = (rest.height() - 3.0 * 3.0) / 4.0;
        let lanes = [0, 1, 2, 3].map(|index| {
            let top = rest.top() + index as f32 * (lane + 3.0);
            columns(Rect::from_min_size(pos2(rest.left(), top), vec2(rest.width(), lane)), left)
        });
        Self {
            header,
            found,
            voice: columns(voice, left),
            bars: columns(bars, left),
            lanes,
            settings,
            setting_rows,
            footer,
        }
    }
}

fn cut_top(rect: Rect, height: f32) -> (Rect, Rect) {
    let (top, rest) = rect.split_top_bottom_at_y(rect.top() + height);
    (top, rest.with_min_y(rest.top() + GAP))
}

fn cut_bottom(rect: Rect, height: f32) -> (Rect, Rect) {
    let (rest, bottom) = rect.split_top_bottom_at_y(rect.bottom() - height);
    (rest.with_max_y(rest.bottom() - GAP), bottom)
}

fn columns(rect: Rect, left: f32) -> (Rect, Rect) {
    let (first, second) = rect.split_left_right_at_x(rect.left() + left);
    (first, second.with_min_x(second.left() + GAP))
}

/// Cells of one row that share its width in given proportions.
pub(super) fn cells<const N: usize>(row: Rect, shares: [f32; N]) -> [Rect; N] {
    let room = row.width() - GAP * (N as f32 - 1.0);
    let total: f32 = shares.iter().sum();
    let mut left = row.left();
    shares.map(|share| {
        let width = room * share / total;
        let cell = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
        left += width + GAP;
        cell
    })
}

/// Seconds of the song along the strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) start_s: f64,
    pub(super) end_s: f64,
}

impl Axis {
    /// The axis on which now and a number of coming bars are seen.
    pub(super) fn around(view: &View, left: f32, right: f32, bars_ahead: f64) -> Self {
        let span_s = (bars_ahead * bar_length(&view.bars)).max(2.0) / f64::from(1.0 - PAST);
        let start_s = view.now_s - f64::from(PAST) * span_s;
        Self { left, right, start_s, end_s: start_s + span_s }
    }

    /// The same, so many seconds later.
    pub(super) fn moved(self, by_s: f64) -> Self {
        Self { start_s: self.start_s + by_s, end_s: self.end_s + by_s, ..self }
    }

    /// Where a moment is.
    pub(super) fn x(&self, time_s: f64) -> f32 {
        let share = (time_s - self.start_s) / (self.end_s - self.start_s);
        self.left + (self.right - self.left) * share.clamp(-2.0, 3.0) as f32
    }

    /// When a place is.
    pub(super) fn time_s(&self, x: f32) -> f64 {
        let share = (x - self.left) / (self.right - self.left).max(1.0);
        self.start_s + (self.end_s - self.start_s) * f64::from(share)
    }

    /// Whether any of a stretch is seen.
    pub(super) fn sees(&self, start_s: f64, end_s: f64) -> bool {
        end_s > self.start_s && start_s < self.end_s
    }
}

/// Median length of the bars, in seconds.
pub(super) fn bar_length(bars: &[BarView]) -> f64 {
    let mut lengths: Vec<f64> = bars.iter().map(|b| b.end_s - b.start_s).filter(|s| *s > 0.1).collect();
    lengths.sort_by(f64::total_cmp);
    lengths.get(lengths.len() / 2).copied().unwrap_or(BAR_S)
}

/// Index of the bar that holds a moment, and of its beat.
pub(super) fn bar_at(bars: &[BarView], time_s: f64) -> Option<(usize, usize)> {
    let index = bars.partition_point(|bar| bar.start_s <= time_s).checked_sub(1)?;
    let bar = &bars[index];
    (time_s < bar.end_s)
        .then(|| (index, bar.beats_s.partition_point(|beat| *beat <= time_s).saturating_sub(1)))
}

/// The chord that sounds at a moment, the one that follows, whether that is a guess, and when it comes.
pub(super) fn chords_around(bars: &[BarView], time_s: f64) -> (Option<&str>, Option<(&str, f64, bool)>) {
    let mut now: Option<&str> = None;
    for bar in bars {
        for (at, name) in &bar.chords {
            if *at <= time_s {
                now = (time_s < bar.end_s).then_some(name.as_str());
            } else if now != Some(name.as_str()) {
                return (now, Some((name, *at, bar.is_guess)));
            }
        }
    }
    (now, None)
}

/// Pitches without the unvoiced ones and without the few at either end that a slip of the tracker makes.
pub(super) fn usual(pitches: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut voiced: Vec<f32> = pitches.filter(|p| *p > 0.0).collect();
    voiced.sort_by(f32::total_cmp);
    let ends = voiced.len() / 50;
    voiced[ends..voiced.len() - ends].to_vec()
}

/// Lowest and highest of some pitches with a margin, at least `least` semitones apart.
pub(super) fn pitch_range(pitches: impl Iterator<Item = f32>, least: f32) -> (f32, f32) {
    let (low, high) = pitches.fold((f32::MAX, f32::MIN), |(low, high), p| (low.min(p), high.max(p)));
    if low > high {
        return (60.0 - least / 2.0, 60.0 + least / 2.0);
    }
    let missing = (least - (high - low)).max(0.0) / 2.0;
    (low - missing - 1.0, high + missing + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(number: i32, start_s: f64, chords: &[(f64, &str)]) -> BarView {
        BarView {
            number,
            start_s,
            end_s: start_s + 2.0,
            beats_s: (0..4).map(|n| start_s + 0.5 * f64::from(n)).collect(),
            chords: chords.iter().map(|(at, name)| (*at, (*name).to_owned())).collect(),
            ..BarView::default()
        }
    }

    #[test]
    fn regions_fill_the_window_and_never_overlap() {
        for (width, height) in
            [(720.0, 480.0), (980.0, 640.0), (1600.0, 1000.0), (720.0, 1000.0), (1600.0, 480.0)]
        {
            let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height));
            let r = Regions::of(window);
            let mut all =
                vec![r.header, r.found, r.settings, r.footer, r.voice.0, r.voice.1, r.bars.0, r.bars.1];
            all.extend(r.lanes.iter().flat_map(|lane| [lane.0, lane.1]));
            for (index, a) in all.iter().enumerate() {
                assert!(window.contains_rect(*a) && a.height() >= 28.0 && a.width() >= 180.0, "{a:?}");
                assert!(all[index + 1..].iter().all(|b| !a.intersects(*b)), "{width}x{height}: {a:?}");
            }
            assert!(r.lanes.iter().all(|lane| lane.0.height() >= 34.0), "{width}x{height}");
        }
    }

    #[test]
    fn cells_share_a_row() {
        let row = Rect::from_min_size(pos2(10.0, 0.0), vec2(112.0, 20.0));
        let [a, b] = cells(row, [1.0, 1.0]);
        assert_eq!((a.left(), a.width(), b.right()), (10.0, 53.0, row.right()));
    }

    #[test]
    fn the_axis_shows_the_bars_that_come() {
        let bars = (0..12).map(|n| bar(n, 2.0 * f64::from(n), &[])).collect();
        let view = View { now_s: 4.0, bars: std::sync::Arc::new(bars), ..View::default() };
        let axis = Axis::around(&view, 100.0, 1100.0, 8.0);
        assert!((axis.x(4.0) - 260.0).abs() < 0.01);
        assert!((axis.x(20.0) - 1100.0).abs() < 0.01, "eight bars of two seconds");
        assert!((axis.moved(2.0).x(6.0) - axis.x(4.0)).abs() < 0.01);
        assert!(axis.sees(3.0, 4.0) && !axis.sees(20.5, 22.0));
    }

    #[test]
    fn bar_and_beat_of_a_moment() {
        let bars = [bar(1, 0.0, &[]), bar(2, 2.0, &[])];
        assert_eq!(bar_at(&bars, 2.6), Some((1, 1)));
        assert_eq!(bar_at(&bars, 0.0), Some((0, 0)));
        assert_eq!((bar_at(&bars, -0.1), bar_at(&bars, 4.0), bar_at(&[], 0.0)), (None, None, None));
    }

    #[test]
    fn the_next_chord_is_another_chord() {
        let bars = [bar(1, 0.0, &[(0.0, "D")]), bar(2, 2.0, &[(2.0, "D"), (3.0, "G")])];
        assert_eq!(chords_around(&bars, 0.5), (Some("D"), Some(("G", 3.0, false))));
        assert_eq!(chords_around(&bars, 3.5), (Some("G"), None));
        assert_eq!(chords_around(&bars, 9.0), (None, None));
        assert_eq!(chords_around(&bars, -1.0), (None, Some(("D", 0.0, false))));
    }

    #[test]
    fn ranges_have_room() {
        assert_eq!(pitch_range([60.0, 62.0].into_iter(), 12.0), (54.0, 68.0));
        assert_eq!(pitch_range([].into_iter(), 12.0), (54.0, 66.0));
        let sung = (0..200).map(|n| if n == 7 { 96.0 } else { 60.0 + (n % 5) as f32 }).chain([0.0]);
        assert_eq!(
            pitch_range(usual(sung).into_iter(), 2.0),
            (59.0, 65.0),
            "a slip does not stretch the range"
        );
    }
}
