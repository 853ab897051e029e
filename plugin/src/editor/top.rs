//! The two rows at the top: what the band is doing, and what it has found with the repairs of it.

use egui::{Align2, Id, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::control::{self, Look};
use super::hand::Hand;
use super::layout;
use super::theme::{self, DIM, GUESS, PANEL, ROUND, TEXT};
use crate::params::{CollavoceParams, KEY_NAMES, TuneChoice};
use crate::view::{Doing, State, View};

/// The state in a word.
fn state_word(view: &View) -> String {
    let word = match view.state {
        State::Idle => "Ready",
        State::Listening => "Listening",
        State::Playing if view.doing != Doing::Listening => view.doing.name(),
        State::Playing => "Playing",
        State::Capturing => "Capturing",
        State::Working => "Working",
    };
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// Name, state, message, lead and mode.
pub(super) fn header(ui: &Ui, hand: &Hand<'_>, rect: Rect, params: &CollavoceParams, view: &View) {
    let painter = ui.painter();
    let at = rect.left_center() + vec2(4.0, 0.0);
    let name = theme::strong(painter, at, Align2::LEFT_CENTER, "Collavoce", 19.0, TEXT);
    let pill =
        Rect::from_min_size(pos2(name.right() + 14.0, rect.top() + 3.0), vec2(108.0, rect.height() - 6.0));
    state(ui, pill, view);
    let is_wide = rect.width() > 860.0;
    let width = if is_wide { 140.0 } else { 116.0 };
    let modes = Rect::from_min_max(pos2(rect.right() - width, rect.top()), rect.max);
    let leads = modes.translate(vec2(-width - 6.0, 0.0));
    let end = leads.left() - if is_wide { 62.0 } else { 10.0 };
    let message = Rect::from_min_max(pos2(pill.right() + 10.0, rect.top()), pos2(end, rect.bottom()));
    two_lines(ui, message, &view.message);
    if !view.message.is_empty() {
        let response = ui.interact(message, Id::unique("message"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &view.message));
        let _ = response.on_hover_text(&view.message);
    }
    if is_wide {
        theme::text(
            painter,
            leads.left_center() - vec2(6.0, 0.0),
            Align2::RIGHT_CENTER,
            "time of",
            12.5,
            DIM,
        );
    }
    let hints = ["The band follows the singer's time", "The host's tempo and bars"];
    control::segments(ui, hand, leads, &params.lead, theme::VOICE, &hints);
    let hints =
        ["The band plays along with what it hears", "A captured or loaded song, locked to the timeline"];
    control::segments(ui, hand, modes, &params.mode, theme::VOICE, &hints);
}

/// Words on one line, or on two smaller ones where they do not fit.
fn two_lines(ui: &Ui, rect: Rect, words: &str) {
    let painter = ui.painter();
    if theme::width(painter, words, 13.5) <= rect.width() {
        theme::text(painter, rect.left_center(), Align2::LEFT_CENTER, words, 13.5, TEXT);
        return;
    }
    let cut = |words: &str| {
        let spaces = words.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
        spaces.take_while(|at| theme::width(painter, &words[..*at], 12.0) <= rect.width()).last()
    };
    let (first, second) = words.split_at(cut(words).unwrap_or(0));
    let (upper, lower) = rect.split_top_bottom_at_fraction(0.5);
    theme::fitted(painter, upper, Align2::LEFT_CENTER, first, 12.0, TEXT);
    theme::fitted(painter, lower, Align2::LEFT_CENTER, second.trim_start(), 12.0, TEXT);
}

/// The state as a sign and a word.
fn state(ui: &Ui, rect: Rect, view: &View) {
    let state = view.state;
    let painter = ui.painter();
    let colour = match state {
        State::Idle => DIM,
        State::Listening => theme::VOICE,
        State::Playing => theme::GOOD,
        State::Capturing => theme::ALARM,
        State::Working => theme::WARN,
    };
    painter.rect_filled(rect, ROUND, theme::faint(colour, 0.18));
    let centre = pos2(rect.left() + 14.0, rect.center().y);
    match state {
        State::Idle => {
            painter.circle_stroke(centre, 4.5, Stroke::new(1.5, colour));
        }
        State::Listening => {
            for (index, height) in [4.0, 7.0, 3.5].into_iter().enumerate() {
                let x = centre.x - 4.0 + 4.0 * index as f32;
                painter.vline(x, centre.y - height..=centre.y + height, Stroke::new(2.0, colour));
            }
        }
        State::Playing => theme::arrow(painter, centre, 11.0, 1.0, colour),
        State::Capturing => {
            painter.circle_filled(centre, 5.5, colour);
        }
        State::Working => {
            for index in 0..3 {
                painter.circle_filled(centre + vec2(5.0 * (index as f32 - 1.0), 0.0), 2.0, colour);
            }
        }
    }
    let rest = rect.with_min_x(rect.left() + 26.0).shrink2(vec2(2.0, 0.0));
    theme::fitted(painter, rest, Align2::LEFT_CENTER, &state_word(view), 14.5, TEXT);
    let response = ui.interact(rect, Id::unique("state"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, state_word(view)));
}

/// Tempo, metre, key and tuning as found, each with its repair.
pub(super) fn found(ui: &Ui, hand: &Hand<'_>, rect: Rect, params: &CollavoceParams, view: &View) {
    let [tempo_cell, meter_cell, key_cell, tuning_cell] = layout::cells(rect, [1.1, 1.0, 2.0, 1.35]);
    tempo(ui, hand, tempo_cell, params, view);
    meter(ui, hand, meter_cell, params, view);
    keys(ui, hand, key_cell, params, view);
    tuning(ui, hand, tuning_cell, params, view);
}

fn card(ui: &Ui, rect: Rect, label: &str, words: &str, unit: &str, room: f32) {
    let painter = ui.painter();
    painter.rect_filled(rect, ROUND, PANEL);
    let inner = rect.shrink2(vec2(8.0, 3.0)).with_max_x(rect.left() + room);
    theme::fitted(painter, inner, Align2::LEFT_TOP, label, 12.0, DIM);
    let below = inner.with_min_y(rect.top() + 17.0);
    let (words, size) = theme::fit(painter, words, 21.0, 13.0, below.width());
    let taken = theme::strong(painter, below.left_center(), Align2::LEFT_CENTER, &words, size, TEXT);
    let rest = below.with_min_x(taken.right() + 4.0);
    if !unit.is_empty() && rest.width() >= theme::width(painter, unit, 12.0) {
        theme::text(painter, pos2(rest.left(), taken.bottom() - 3.0), Align2::LEFT_BOTTOM, unit, 12.0, DIM);
    }
}

/// Two buttons at the right end of a card.
fn pair(rect: Rect, width: f32) -> (Rect, Rect) {
    let second =
        Rect::from_min_max(pos2(rect.right() - width - 5.0, rect.top() + 17.0), rect.max - vec2(5.0, 5.0));
    (second.translate(vec2(-width - 4.0, 0.0)), second)
}

fn tempo(ui: &Ui, hand: &Hand<'_>, rect: Rect, params: &CollavoceParams, view: &View) {
    let words = if view.bpm > 0.0 { format!("{:.0}", view.bpm) } else { "-".to_owned() };
    let (half, double) = pair(rect, 32.0);
    card(ui, rect, "Tempo", &words, "bpm", half.left() - rect.left() - 4.0);
    let level = hand.plain(&params.beat_level);
    for (cell, value, sign, name, hint) in [
        (half, -1, "/ 2", "Beat half as fast", "The beat is half as fast as found"),
        (double, 1, "x 2", "Beat twice as fast", "The beat is twice as fast as found"),
    ] {
        let is_taken = level == value;
        let look = Look { colour: is_taken.then_some(theme::WARN), ..Look::PLAIN };
        if control::button(ui, cell, sign, name, hint, look).clicked() {
            let wanted = if is_taken { 0 } else { (level + value).clamp(-1, 1) };
            hand.set(&params.beat_level, (wanted + 1) as f32 / 2.0);
        }
    }
}

fn meter(ui: &Ui, hand: &Hand<'_>, rect: Rect, params: &CollavoceParams, view: &View) {
    let words = if view.meter.is_empty() { "-" } else { view.meter.as_str() };
    let (left, right) = pair(rect, 26.0);
    let shift = hand.plain(&params.bar_shift);
    card(ui, rect, "Metre", words, "", left.left() - rect.left() - 4.0);
    let note = if shift == 0 { "bar line".to_owned() } else { format!("bar line {shift:+}") };
    let at = pos2(rect.right() - 6.0, rect.top() + 3.0);
    let colour = if shift == 0 { DIM } else { theme::WARN };
    theme::text(ui.painter(), at, Align2::RIGHT_TOP, note, 12.0, colour);
    let hint = "The bar line lies one beat earlier";
    if control::arrow_button(ui, left, -1.0, "Bar line one beat earlier", hint, shift > -6) {
        hand.step(&params.bar_shift, -1);
    }
    let hint = "The bar line lies one beat later";
    if control::arrow_button(ui, right, 1.0, "Bar line one beat later", hint, shift < 6) {
        hand.step(&params.bar_shift, 1);
    }
}

fn keys(ui: &Ui, hand: &Hand<'_>, rect: Rect, params: &CollavoceParams, view: &View) {
    let painter = ui.painter();
    painter.rect_filled(rect, ROUND, PANEL);
    let inner = rect.shrink2(vec2(8.0, 3.0));
    theme::text(painter, inner.left_top(), Align2::LEFT_TOP, "Key", 12.0, DIM);
    let row = Rect::from_min_max(pos2(rect.left() + 5.0, rect.top() + 17.0), rect.max - vec2(5.0, 5.0));
    let stated = hand.plain(&params.key);
    if stated > 0 {
        let name = KEY_NAMES[stated.clamp(0, 24) as usize];
        theme::strong(painter, row.left_center() + vec2(3.0, 0.0), Align2::LEFT_CENTER, name, 18.0, TEXT);
        theme::text(
            painter,
            row.right_center() - vec2(3.0, 0.0),
            Align2::RIGHT_CENTER,
            "as set below",
            12.0,
            DIM,
        );
        return;
    }
    if view.keys.is_empty() {
        theme::text(painter, row.left_center() + vec2(3.0, 0.0), Align2::LEFT_CENTER, "-", 18.0, TEXT);
        return;
    }
    let choice = hand.plain(&params.key_choice).max(0) as usize;
    theme::text(painter, inner.right_top(), Align2::RIGHT_TOP, "click another to take it", 11.5, GUESS);
    let shown =
        view.keys.len().min(4).min((row.width() / 78.0) as usize).max(2).max(choice + 1).min(view.keys.len());
    let width = (row.width() - 4.0 * (shown as f32 - 1.0)) / shown as f32;
    for (index, (name, probability)) in view.keys.iter().take(shown).enumerate() {
        let left = row.left() + (width + 4.0) * index as f32;
        let cell = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
        let is_taken = index == choice;
        let percent = percent(*probability);
        let hint =
            format!("{name}, {percent} likely\n{}", if is_taken { "taken" } else { "click to take it" });
        let look = Look { colour: is_taken.then_some(theme::GOOD), ..Look::PLAIN };
        let spoken = format!("Key {}: {name}, {percent}", index + 1);
        // The name says which; the likelihood is left away where there is no room for both.
        let both = format!("{}  {percent}", short_key(name));
        let words = if theme::width(painter, &both, 11.5) < width - 8.0 { both } else { short_key(name) };
        let response = control::button(ui, cell, &words, &spoken, &hint, look);
        if response.clicked() && !is_taken {
            hand.set(&params.key_choice, index as f32 / 3.0);
        }
    }
}

fn percent(share: f32) -> String {
    if share < 0.01 { "< 1 %".to_owned() } else { format!("{:.0} %", 100.0 * share) }
}

/// `D minor` becomes `D min`, so that three keys fit side by side.
fn short_key(name: &str) -> String {
    name.replace(" major", " maj").replace(" minor", " min")
}

fn tuning(ui: &Ui, hand: &Hand<'_>, rect: Rect, params: &CollavoceParams, view: &View) {
    ui.painter().rect_filled(rect, ROUND, PANEL);
    let inner = rect.shrink2(vec2(8.0, 3.0));
    theme::text(ui.painter(), inner.left_top(), Align2::LEFT_TOP, "Tuning", 12.0, DIM);
    let is_fixed = hand.plain(&params.tune) == TuneChoice::Fixed;
    // The singer's tuning, whatever the band tunes to.
    let cents = if view.tuning_cents.abs() < 0.5 { 0.0 } else { view.tuning_cents };
    let words = if is_fixed { format!("singer {cents:+.0} ct") } else { format!("{cents:+.0} ct") };
    if !view.keys.is_empty() {
        theme::text(ui.painter(), inner.right_top(), Align2::RIGHT_TOP, words, 12.5, TEXT);
    }
    let row = Rect::from_min_max(pos2(rect.left() + 5.0, rect.top() + 18.0), rect.max - vec2(5.0, 5.0));
    let hints = ["The band tunes to the singer", "The band tunes to A4 = 440 Hz and the cents beside it"];
    if is_fixed {
        let [switch, cents] = layout::cells(row, [1.5, 1.0]);
        control::segments(ui, hand, switch, &params.tune, theme::VOICE, &hints);
        let hint = "Cents above A4 = 440 Hz";
        let _ = control::slider(ui, hand, cents, &params.cents, "", theme::VOICE, hint);
    } else {
        control::segments(ui, hand, row, &params.tune, theme::VOICE, &hints);
    }
}

/// A line that fills as work goes on.
pub(super) fn progress(ui: &Ui, rect: Rect, share: f32) {
    let y = rect.bottom() + 2.0;
    ui.painter().hline(rect.x_range(), y, Stroke::new(2.0, theme::LINE));
    let end = rect.left() + rect.width() * share.clamp(0.0, 1.0);
    ui.painter()
        .add(Shape::line_segment([pos2(rect.left(), y), pos2(end, y)], Stroke::new(3.0, theme::WARN)));
}
