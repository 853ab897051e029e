//! The left column: the voice and its level, the chord and the beat of now, and the controls of each part.

use egui::{Align2, Id, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::control::{self, Look};
use super::hand::Hand;
use super::layout;
use super::theme::{self, DIM, PANEL, PARTS, ROUND, TEXT, VOICE};
use crate::params::PartParams;
use crate::view::View;

const NOTES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];

/// The name of the nearest note and how far it lies from it in cents, in a tuning.
fn note_name(midi: f32, tuning_cents: f32) -> (String, f32) {
    let tuned = midi - tuning_cents / 100.0;
    let nearest = tuned.round();
    let index = nearest as i32;
    let name = NOTES[index.rem_euclid(12) as usize];
    (format!("{name}{}", index.div_euclid(12) - 1), 100.0 * (tuned - nearest))
}

/// The voice: what is sung now and how loud.
pub(super) fn voice(ui: &Ui, rect: Rect, view: &View) {
    let painter = ui.painter();
    painter.rect_filled(rect, ROUND, PANEL);
    let inner = rect.shrink2(vec2(9.0, 7.0));
    let after = view.heard.partition_point(|h| f64::from(h.time_s) <= view.now_s + 0.005);
    // Lines of the screen are coarser than observations: a pause in the view is a pause in the song.
    let heard = view.heard[..after].last().filter(|h| view.now_s - f64::from(h.time_s) < 0.5);
    let line = inner.top() + 9.0;
    theme::strong(painter, pos2(inner.left(), line), Align2::LEFT_CENTER, "Voice", 15.0, VOICE);
    if let Some(heard) = heard.filter(|h| h.midi > 0.0) {
        let (name, cents) = note_name(heard.midi, view.tuning_cents);
        let right = pos2(inner.right(), line);
        let words = format!("{:+.0} ct", if cents.abs() < 0.5 { 0.0 } else { cents });
        theme::text(painter, right, Align2::RIGHT_CENTER, words, 12.5, DIM);
        theme::strong(painter, right - vec2(52.0, 0.0), Align2::RIGHT_CENTER, &name, 18.0, TEXT);
    } else {
        theme::text(painter, pos2(inner.right(), line), Align2::RIGHT_CENTER, "silent", 12.5, DIM);
    }
    let level = heard.map_or(-120.0, |h| h.level_dbfs);
    let words = if level > -60.0 { format!("{level:.0} dB") } else { "- dB".to_owned() };
    let bottom = inner.bottom();
    theme::text(painter, pos2(inner.right(), bottom), Align2::RIGHT_BOTTOM, words, 12.5, DIM);
    let bar = Rect::from_min_max(pos2(inner.left(), bottom - 12.0), pos2(inner.right() - 50.0, bottom - 2.0));
    control::meter(ui, bar, level, VOICE);
}

/// The chord of now, the one that comes, and the beat: the surer, the stronger.
pub(super) fn now(ui: &Ui, rect: Rect, view: &View) {
    let painter = ui.painter();
    painter.rect_filled(rect, ROUND, PANEL);
    let inner = rect.shrink2(vec2(9.0, 5.0));
    let beat_row = 17.0;
    let upper = inner.with_max_y(inner.bottom() - beat_row);
    let (chord, next) = layout::chords_around(&view.bars, view.now_s);
    let size = (upper.height() * 0.95).clamp(24.0, 56.0);
    let (name, size) = theme::fit(painter, chord.unwrap_or("-"), size, 20.0, upper.width() * 0.58);
    let colour = if chord.is_some() { TEXT } else { DIM };
    let sounding = theme::strong(painter, upper.left_center(), Align2::LEFT_CENTER, &name, size, colour);
    if let Some((next, at_s, is_guess)) = next {
        let words = if is_guess { format!("{next}?") } else { next.to_owned() };
        let room = upper.with_min_x(upper.left() + upper.width() * 0.6);
        let colour = if is_guess { theme::GUESS } else { TEXT };
        let (words, size) = theme::fit(painter, &words, (size * 0.55).max(18.0), 12.0, room.width());
        let taken = theme::strong(painter, room.right_center(), Align2::RIGHT_CENTER, &words, size, colour);
        let beats = beats_until(view, at_s);
        let words = if beats > 0 && beats < 10 { format!("in {beats}") } else { "next".to_owned() };
        let at = pos2(taken.left() - 6.0, room.center().y);
        if at.x - theme::width(painter, &words, 12.0) > sounding.right() + 6.0 {
            theme::text(painter, at, Align2::RIGHT_CENTER, words, 12.0, DIM);
        }
    }
    beat(ui, inner.with_min_y(inner.bottom() - beat_row), view);
}

/// Beats from now to a moment, the one that is running among them.
fn beats_until(view: &View, at_s: f64) -> usize {
    let beats = view.bars.iter().flat_map(|bar| bar.beats_s.iter());
    beats.filter(|beat| **beat > view.now_s + 1e-6 && **beat <= at_s + 1e-6).count()
}

fn beat(ui: &Ui, rect: Rect, view: &View) {
    let painter = ui.painter();
    let sure = view.beat_confidence.clamp(0.0, 1.0);
    let now = layout::bar_at(&view.bars, view.now_s);
    let beats = now
        .map(|(index, _)| view.bars[index].beats_s.len())
        .or_else(|| view.meter.split('/').next().and_then(|count| count.parse().ok()))
        .unwrap_or(4)
        .clamp(1, 12);
    let step = (rect.width() * 0.6 / beats as f32).min(22.0);
    for index in 0..beats {
        let centre = pos2(rect.left() + 7.0 + step * index as f32, rect.center().y + 1.0);
        let is_now = now.is_some_and(|(_, beat)| beat == index);
        let strength = if is_now { 0.3 + 0.7 * sure } else { 0.35 };
        let colour = theme::faint(if is_now { VOICE } else { TEXT }, strength);
        let radius = if is_now { 4.5 + 2.0 * sure } else { 4.5 };
        // The first beat of the bar is a diamond.
        if index == 0 {
            let r = radius + 1.5;
            let points =
                [vec2(0.0, -r), vec2(r, 0.0), vec2(0.0, r), vec2(-r, 0.0)].map(|d| centre + d).to_vec();
            if is_now {
                painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
            } else {
                painter.add(Shape::closed_line(points, Stroke::new(1.5, colour)));
            }
        } else if is_now {
            painter.circle_filled(centre, radius, colour);
        } else {
            painter.circle_stroke(centre, radius, Stroke::new(1.5, colour));
        }
    }
    let words = sure_words(sure, now.is_some());
    theme::text(painter, rect.right_center() + vec2(0.0, 1.0), Align2::RIGHT_CENTER, &words, 12.5, DIM);
    let response = ui.interact(rect, Id::unique("beat"), Sense::hover());
    let beat = now.map_or_else(|| "no beat".to_owned(), |(_, beat)| format!("beat {} of {beats}", beat + 1));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{beat}, {words}")));
    let _ = response.on_hover_text(format!("{beat}, {words}\nThe stronger the mark, the surer the beat."));
}

fn sure_words(sure: f32, is_playing: bool) -> String {
    match sure {
        _ if !is_playing && sure == 0.0 => "no beat yet".to_owned(),
        s if s >= 0.75 => format!("sure {:.0} %", 100.0 * s),
        s if s >= 0.4 => format!("fairly {:.0} %", 100.0 * s),
        s => format!("unsure {:.0} %", 100.0 * s),
    }
}

/// The controls of a part.
pub(super) fn part(ui: &Ui, hand: &Hand<'_>, rect: Rect, index: usize, part: &PartParams) {
    let (name, colour) = (["Guitar", "Drums", "Strings", "Bass"][index], PARTS[index]);
    ui.painter().rect_filled(rect, ROUND, PANEL);
    ui.painter().rect_filled(rect.with_max_x(rect.left() + 3.0), ROUND, colour);
    let inner = rect.shrink2(vec2(8.0, 2.0));
    let row = ((inner.height() - 3.0) / 2.0).min(26.0);
    let top = inner.center().y - row - 1.5;
    let line =
        |n: f32| Rect::from_min_size(pos2(inner.left(), top + n * (row + 3.0)), vec2(inner.width(), row));
    let [on, back, take, new] = layout::cells(line(0.0).expand2(vec2(0.0, 0.0)), [4.6, 0.9, 2.3, 2.2]);
    let hint = format!("Key {}: on or off", index + 1);
    let _ = control::switch(ui, hand, on, &part.on, &format!("{} {name}", index + 1), colour, &hint);
    let number = hand.plain(&part.take);
    let lower = name.to_lowercase();
    if control::arrow_button(ui, back, -1.0, &format!("{name} take before"), "The take before", number > 1) {
        hand.step(&part.take, -1);
    }
    theme::fitted(ui.painter(), take, Align2::CENTER_CENTER, &format!("take {number}"), 12.5, DIM);
    let hint = format!("Another {lower} part for the same song; the arrow goes back");
    if control::button(ui, new, "new", &format!("{name} new take"), &hint, Look::PLAIN).clicked() {
        hand.step(&part.take, 1);
    }
    let [level, density] = layout::cells(line(1.0), [1.0, 1.0]);
    let _ = control::slider(ui, hand, level, &part.level, "level", colour, "How loud");
    let hint = "How busy; the middle is as the song asks";
    let _ = control::slider(ui, hand, density, &part.density, "density", colour, hint);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_named_in_the_tuning() {
        assert_eq!(note_name(69.0, 0.0), ("A4".to_owned(), 0.0));
        let (name, cents) = note_name(59.8, 0.0);
        assert_eq!(name, "C4");
        assert!((cents + 20.0).abs() < 0.01);
        assert!(note_name(59.8, -20.0).1.abs() < 0.01);
        assert_eq!(note_name(0.0, 0.0).0, "C-1");
    }

    #[test]
    fn confidence_has_words() {
        assert_eq!(sure_words(0.0, false), "no beat yet");
        assert_eq!(sure_words(0.9, true), "sure 90 %");
        assert_eq!(sure_words(0.1, true), "unsure 10 %");
    }
}
