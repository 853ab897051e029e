//! The strip of bars: the sung pitch, chords and sections, and what each part is about to play, on one axis of time.

use collavoce::song::FixedBar;
use egui::{Align2, Color32, CornerRadius, Painter, Rangef, Rect, Shape, Stroke, StrokeKind, pos2, vec2};

use super::layout::{self, Axis};
use super::theme::{self, BACKGROUND, DIM, GUESS, LINE, PANEL, PARTS, ROUND, TEXT, VOICE};
use crate::view::{BarView, State, View};

/// Rows of the drums from the top, and the keys of General MIDI's percussion map that they hold.
const DRUM_ROWS: [&[u8]; 5] =
    [&[49, 51, 52, 53, 55, 57, 59], &[42, 44, 46], &[41, 43, 45, 47, 48, 50], &[37, 38, 39, 40], &[35, 36]];

/// Row of a drum in [`DRUM_ROWS`]; what is not known goes to the toms.
fn drum_row(key: u8) -> usize {
    DRUM_ROWS.iter().position(|keys| keys.contains(&key)).unwrap_or(2)
}

/// Where the line of now is drawn over all rows.
pub(super) fn playhead(painter: &Painter, axis: &Axis, now_s: f64, rows: Rangef) {
    let x = axis.x(now_s);
    if !(axis.left..=axis.right).contains(&x) {
        return;
    }
    painter.vline(x, rows, Stroke::new(2.0, TEXT));
    let top = pos2(x, rows.min + 1.0);
    let points = vec![top + vec2(-5.0, -1.0), top + vec2(5.0, -1.0), top + vec2(0.0, 6.0)];
    painter.add(Shape::convex_polygon(points, TEXT, Stroke::NONE));
}

/// Vertical lines of bars and beats.
fn grid(painter: &Painter, rect: Rect, axis: &Axis, bars: &[BarView]) {
    for bar in seen(bars, axis) {
        for (index, beat_s) in bar.beats_s.iter().enumerate() {
            let colour = if index == 0 { LINE } else { theme::faint(LINE, 0.45) };
            let x = axis.x(*beat_s);
            if rect.x_range().contains(x) {
                painter.vline(x, rect.y_range(), Stroke::new(1.0, colour));
            }
        }
    }
}

fn seen<'a>(bars: &'a [BarView], axis: &'a Axis) -> impl Iterator<Item = &'a BarView> {
    bars.iter().filter(|bar| axis.sees(bar.start_s, bar.end_s))
}

/// The curve of the sung pitch, over its level.
pub(super) fn voice(painter: &Painter, rect: Rect, axis: &Axis, view: &View) {
    painter.rect_filled(rect, ROUND, PANEL);
    let painter = painter.with_clip_rect(rect);
    grid(&painter, rect, axis, &view.bars);
    let first = view.heard.partition_point(|h| f64::from(h.time_s) < axis.start_s - 0.02);
    let last = view.heard.partition_point(|h| f64::from(h.time_s) <= axis.end_s + 0.02);
    let heard = &view.heard[first.min(last)..last];
    let (low, high) = layout::pitch_range(layout::usual(heard.iter().map(|h| h.midi)).into_iter(), 12.0);
    let y = |midi: f32| {
        let share = (midi - low) / (high - low);
        rect.bottom() - 4.0 - share * (rect.height() - 8.0)
    };
    let mut c = (low / 12.0).ceil() as i32 * 12;
    while (c as f32) < high {
        painter.hline(rect.x_range(), y(c as f32), Stroke::new(1.0, theme::faint(LINE, 0.8)));
        let at = pos2(rect.left() + 4.0, y(c as f32));
        if rect.shrink(14.0).y_range().contains(at.y) {
            theme::text(&painter, at, Align2::LEFT_CENTER, format!("C{}", c / 12 - 1), 11.0, DIM);
        }
        c += 12;
    }
    // One point for each pixel is enough.
    let seconds_a_point = (axis.end_s - axis.start_s) / f64::from(axis.right - axis.left).max(1.0);
    let stride = ((seconds_a_point / 0.01) as usize).max(1);
    level(&painter, rect, axis, heard.iter().step_by(stride));
    let mut line = Vec::new();
    let flush = |line: &mut Vec<egui::Pos2>, is_past: bool| {
        if line.len() > 1 {
            let strength = if is_past { 1.0 } else { 0.6 };
            painter.add(Shape::line(std::mem::take(line), Stroke::new(2.2, theme::faint(VOICE, strength))));
        }
        line.clear();
    };
    let mut before: Option<(f32, bool)> = None;
    for seen in heard.iter().step_by(stride) {
        let is_past = f64::from(seen.time_s) <= view.now_s;
        let is_joined = before.is_some_and(|(midi, past)| (midi - seen.midi).abs() < 3.0 && past == is_past);
        if seen.midi <= 0.0 || !is_joined {
            flush(&mut line, before.is_none_or(|(_, past)| past));
        }
        before = (seen.midi > 0.0).then_some((seen.midi, is_past));
        if seen.midi > 0.0 {
            line.push(pos2(axis.x(f64::from(seen.time_s)), y(seen.midi)));
        }
    }
    flush(&mut line, before.is_none_or(|(_, past)| past));
}

/// How loud the voice was, along the bottom.
fn level<'a>(
    painter: &Painter,
    rect: Rect,
    axis: &Axis,
    heard: impl Iterator<Item = &'a crate::view::HeardView>,
) {
    let most = rect.height() * 0.3;
    let colour = theme::faint(VOICE, 0.18);
    for seen in heard {
        let share = ((seen.level_dbfs + 50.0) / 50.0).clamp(0.0, 1.0);
        let x = axis.x(f64::from(seen.time_s));
        painter.vline(x, rect.bottom() - most * share..=rect.bottom(), Stroke::new(1.3, colour));
    }
}

/// Sections, bar numbers and chords.
///
/// A thick line under its chords says that a bar is fixed.
pub(super) fn bars(painter: &Painter, rect: Rect, axis: &Axis, view: &View, fixed: &[FixedBar]) {
    painter.rect_filled(rect, ROUND, PANEL);
    let painter = painter.with_clip_rect(rect);
    let band = 17.0;
    let now = layout::bar_at(&view.bars, view.now_s).map(|(index, _)| view.bars[index].number);
    for bar in seen(&view.bars, axis) {
        let (left, right) = (axis.x(bar.start_s), axis.x(bar.end_s));
        let cell = Rect::from_x_y_ranges(left..=right, rect.top() + band..=rect.bottom());
        if now == Some(bar.number) {
            painter.rect_filled(cell, CornerRadius::ZERO, theme::faint(TEXT, 0.09));
        }
        let stroke =
            Stroke::new(if bar.is_guess { 1.0 } else { 1.5 }, if bar.is_guess { GUESS } else { DIM });
        let line = [cell.left_top(), cell.left_bottom()];
        if bar.is_guess {
            painter.extend(Shape::dashed_line(&line, stroke, 3.0, 3.0));
        } else {
            painter.line_segment(line, stroke);
        }
        chords(&painter, cell, axis, bar, view.now_s);
        if fixed.iter().any(|fixed| fixed.bar.0 == bar.number) {
            let y = cell.bottom() - 1.5;
            painter.hline(left + 1.0..=right - 1.0, y, Stroke::new(3.0, VOICE));
        }
        let number = pos2(left + 4.0, cell.bottom() - 2.0);
        if right - left > 24.0 {
            theme::text(&painter, number, Align2::LEFT_BOTTOM, bar.number, 11.0, DIM);
        }
        if bar.is_guess && right - left > 46.0 {
            let at = pos2(right - 4.0, cell.bottom() - 2.0);
            theme::text(&painter, at, Align2::RIGHT_BOTTOM, "guess", 11.0, GUESS);
        }
    }
    sections(&painter, rect.with_max_y(rect.top() + band), axis, &view.bars);
}

fn chords(painter: &Painter, cell: Rect, axis: &Axis, bar: &BarView, now_s: f64) {
    let size = (cell.height() * 0.5).clamp(18.0, 44.0);
    for (index, (at_s, name)) in bar.chords.iter().enumerate() {
        let end_s = bar.chords.get(index + 1).map_or(bar.end_s, |next| next.0);
        let (left, right) = (axis.x(*at_s) + 5.0, axis.x(end_s) - 2.0);
        let colour = match (bar.is_guess, now_s >= end_s) {
            (true, _) => GUESS,
            (false, true) => theme::faint(TEXT, 0.55),
            (false, false) => TEXT,
        };
        let (name, size) = theme::fit(painter, name, size, 13.0, right - left);
        let y = cell.top() + (cell.height() - 12.0) / 2.0;
        theme::strong(painter, pos2(left, y), Align2::LEFT_CENTER, &name, size, colour);
    }
}

fn sections(painter: &Painter, rect: Rect, axis: &Axis, bars: &[BarView]) {
    let mut index = 0;
    while index < bars.len() {
        let first = &bars[index];
        let run = bars[index..].iter().take_while(|bar| bar.section == first.section).count();
        let end_s = bars[index + run - 1].end_s;
        index += run;
        if first.section.is_empty() || !axis.sees(first.start_s, end_s) {
            continue;
        }
        let left = axis.x(first.start_s).max(rect.left() + 2.0);
        let right = axis.x(end_s).min(rect.right()) - 2.0;
        let band = Rect::from_x_y_ranges(left..=right.max(left), rect.top() + 2.0..=rect.bottom());
        painter.rect_filled(band, CornerRadius::same(3), theme::faint(TEXT, 0.16));
        let colour = if first.is_guess { GUESS } else { TEXT };
        theme::fitted(
            painter,
            band.shrink2(vec2(5.0, 0.0)),
            Align2::LEFT_CENTER,
            &first.section,
            13.0,
            colour,
        );
    }
}

/// What one part plays.
pub(super) fn lane(painter: &Painter, rect: Rect, axis: &Axis, view: &View, part: usize, is_on: bool) {
    painter.rect_filled(rect, ROUND, PANEL);
    let painter = painter.with_clip_rect(rect);
    grid(&painter, rect, axis, &view.bars);
    let strength = if is_on { 1.0 } else { 0.25 };
    let all = view.bars.iter().flat_map(|bar| bar.notes[part].iter().map(|note| f32::from(note.2)));
    let (low, high) = layout::pitch_range(all, 8.0);
    // A note may ring into the bar after its own.
    for bar in view.bars.iter().filter(|bar| axis.sees(bar.start_s, bar.end_s + (bar.end_s - bar.start_s))) {
        for note in &bar.notes[part] {
            let (start_s, end_s) = (f64::from(note.0), f64::from(note.1));
            if !axis.sees(start_s, end_s) {
                continue;
            }
            let sounds = is_on && (start_s..end_s).contains(&view.now_s);
            let loud = 0.5 + 0.5 * f32::from(note.3) / 127.0;
            let colour = match (sounds, bar.is_guess) {
                (true, _) => Color32::WHITE,
                (false, true) => theme::faint(GUESS, 0.75 * strength),
                (false, false) if end_s < view.now_s => theme::faint(PARTS[part], 0.5 * strength),
                (false, false) => theme::faint(PARTS[part], loud * strength),
            };
            if part == 1 {
                drum(&painter, rect, axis.x(start_s), note.2, colour);
            } else {
                let share = (f32::from(note.2) - low) / (high - low);
                let y = rect.bottom() - 3.0 - share * (rect.height() - 6.0);
                bar_of_note(&painter, axis.x(start_s)..=axis.x(end_s), y, part, colour, bar.is_guess);
            }
        }
    }
    if !is_on {
        theme::text(&painter, rect.center(), Align2::CENTER_CENTER, "off", 14.0, DIM);
    }
}

/// Guitar notes are thin, strings middling, bass notes thick, so that shape tells them apart as colour does.
fn bar_of_note(
    painter: &Painter,
    x: std::ops::RangeInclusive<f32>,
    y: f32,
    part: usize,
    colour: Color32,
    is_guess: bool,
) {
    let half = [1.3, 0.0, 1.9, 3.0][part];
    let end = x.end().max(x.start() + 2.0) - 1.0;
    let rect = Rect::from_x_y_ranges(*x.start()..=end, y - half..=y + half);
    let round = CornerRadius::same(if part == 2 { 2 } else { 1 });
    if is_guess && half > 1.5 {
        painter.rect_stroke(rect, round, Stroke::new(1.0, colour), StrokeKind::Inside);
    } else {
        painter.rect_filled(rect, round, colour);
    }
}

/// Cymbals are stars, hats crosses, drums dots: the larger, the lower.
fn drum(painter: &Painter, rect: Rect, x: f32, key: u8, colour: Color32) {
    let row = drum_row(key);
    let height = rect.height() / 5.0;
    let centre = pos2(x, rect.top() + height * (row as f32 + 0.5));
    let size = (height * 0.36).clamp(2.0, 4.5);
    let stroke = Stroke::new(1.4, colour);
    match row {
        0 | 1 => {
            for (dx, dy) in [(size, size), (size, -size)] {
                painter.line_segment([centre - vec2(dx, dy), centre + vec2(dx, dy)], stroke);
            }
            if row == 0 {
                painter.vline(x, centre.y - size * 1.3..=centre.y + size * 1.3, stroke);
            }
        }
        2 => {
            painter.circle_stroke(centre, size, stroke);
        }
        _ => {
            painter.circle_filled(centre, size + (row as f32 - 3.0) * 0.8, colour);
        }
    }
}

/// What to do where there is nothing to be seen.
pub(super) fn advice(view: &View, is_studio: bool) -> Option<(&'static str, &'static str)> {
    if !view.bars.is_empty() {
        return None;
    }
    Some(match (view.state, is_studio) {
        (State::Working, _) => ("Working", "The band is reading the song."),
        (State::Capturing, _) => {
            ("Capturing", "Sing the song once, from beginning to end. Press Capture again to stop.")
        }
        (State::Listening, _) => {
            ("Listening", "Keep singing. The band comes in when it is sure of the beat.")
        }
        (_, true) => ("No song yet", "Press Capture and play the song once, or load a vocal."),
        (_, false) => ("Sing, or press play", "The band listens for the beat and then plays with you."),
    })
}

/// Draws the advice in the middle of the strip.
pub(super) fn draw_advice(painter: &Painter, rect: Rect, (title, words): (&str, &str)) {
    let (title_width, size) = (theme::width(painter, title, 24.0), (rect.width() / 46.0).clamp(13.0, 16.0));
    let width = title_width.max(theme::width(painter, words, size)).min(rect.width() - 20.0) + 44.0;
    let card = Rect::from_center_size(rect.center(), vec2(width.min(rect.width()), 84.0));
    painter.rect_filled(card, ROUND, BACKGROUND);
    theme::outline(painter, card, Stroke::new(1.0, LINE));
    theme::strong(painter, card.center() - vec2(0.0, 16.0), Align2::CENTER_CENTER, title, 24.0, TEXT);
    let line = card.shrink2(vec2(10.0, 6.0)).with_min_y(card.center().y + 4.0);
    theme::fitted(painter, line, Align2::CENTER_CENTER, words, size, DIM);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drums_have_their_rows() {
        assert_eq!([36, 38, 45, 42, 49, 51, 99].map(drum_row), [4, 3, 2, 1, 0, 0, 2]);
    }

    #[test]
    fn an_empty_window_says_what_to_do() {
        let view = View::default();
        assert_eq!(advice(&view, false).map(|a| a.0), Some("Sing, or press play"));
        assert!(advice(&view, true).is_some_and(|a| a.1.starts_with("Press Capture")));
        let view = View { bars: std::sync::Arc::new(vec![BarView::default()]), ..view };
        assert_eq!(advice(&view, true), None);
    }
}
