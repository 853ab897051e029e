//! Controls that follow parameters. Each can be worked by mouse and by keyboard and says what it is to a screen
//! reader; a double or a right click, or Delete, takes the default.

use egui::{
    Align2, Color32, CornerRadius, EventFilter, Id, Key, Popup, Rect, Response, Role, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};
use nice_plug::prelude::Param;

use super::hand::Hand;
use super::theme::{self, DIM, HOVERED, PANEL, RAISED, ROUND, TEXT, VOICE};

/// Points of dragging from one end of a slider to the other.
const DRAG_POINTS: f32 = 220.0;

/// How a control looks at the moment.
fn ground(response: &Response) -> Color32 {
    if response.is_pointer_button_down_on() || response.hovered() { HOVERED } else { RAISED }
}

/// Shows where the keyboard is.
pub(super) fn focus_ring(ui: &Ui, response: &Response) {
    if response.has_focus() {
        theme::outline(ui.painter(), response.rect.expand(1.5), Stroke::new(2.0, VOICE));
    }
}

fn keep_arrows(ui: &Ui, id: Id, horizontal: bool) {
    let filter =
        EventFilter { horizontal_arrows: horizontal, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
}

fn pressed(ui: &Ui, key: Key) -> bool {
    ui.input(|input| input.key_pressed(key))
}

/// Steps asked for by the arrow keys.
fn arrow_steps(ui: &Ui, horizontal: bool) -> i32 {
    let ask = |key, steps| if pressed(ui, key) { steps } else { 0 };
    let vertical =
        ask(Key::ArrowUp, 1) - ask(Key::ArrowDown, 1) + ask(Key::PageUp, 10) - ask(Key::PageDown, 10);
    if horizontal { vertical + ask(Key::ArrowRight, 1) - ask(Key::ArrowLeft, 1) } else { vertical }
}

fn wants_default(ui: &Ui, response: &Response) -> bool {
    response.double_clicked()
        || response.secondary_clicked()
        || (response.has_focus() && (pressed(ui, Key::Delete) || pressed(ui, Key::Backspace)))
}

/// A slider: dragged sideways, finer with Shift; arrows step.
pub(super) fn slider<P: Param>(
    ui: &Ui,
    hand: &Hand<'_>,
    rect: Rect,
    param: &P,
    label: &str,
    colour: Color32,
    hint: &str,
) -> Response {
    let id = Id::unique(("slider", param.name()));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    if response.drag_started() {
        hand.begin(param);
        ui.data_mut(|data| data.insert_temp(id, hand.value(param)));
    }
    if response.dragged() {
        let from = ui.data_mut(|data| *data.get_temp_mut_or(id, hand.value(param)));
        let speed = if ui.input(|input| input.modifiers.shift) { 0.1 } else { 1.0 };
        let value = (from + response.drag_delta().x * speed / DRAG_POINTS).clamp(0.0, 1.0);
        ui.data_mut(|data| data.insert_temp(id, value));
        hand.move_to(param, value);
    }
    if response.drag_stopped() {
        hand.end(param);
    }
    if wants_default(ui, &response) {
        hand.set(param, param.default_normalized_value());
    }
    if response.has_focus() {
        keep_arrows(ui, id, true);
        let steps = arrow_steps(ui, true);
        if steps != 0 {
            hand.step(param, steps);
        }
    }
    let value = hand.value(param);
    let words = hand.words(param);
    draw_slider(ui, &response, label, &words, value, param.default_normalized_value(), colour);
    response.widget_info(|| {
        let mut info = WidgetInfo::slider(true, f64::from(value), format!("{}: {words}", param.name()));
        info.current_text_value = Some(words.clone());
        info
    });
    let tip = format!("{}: {words}\n{hint}\nDouble click: default", param.name());
    response.on_hover_text(tip)
}

fn draw_slider(
    ui: &Ui,
    response: &Response,
    label: &str,
    words: &str,
    value: f32,
    default: f32,
    colour: Color32,
) {
    let (painter, rect) = (ui.painter(), response.rect);
    painter.rect_filled(rect, ROUND, ground(response));
    if rect.height() > 34.0 {
        let (track, inner) = (rect.shrink2(vec2(7.0, 3.0)), rect.shrink2(vec2(7.0, 2.0)));
        let y = rect.bottom() - 5.0;
        let x = |share: f32| track.left() + track.width() * share;
        painter.hline(track.x_range(), y, Stroke::new(2.0, theme::LINE));
        painter.hline(x(default.min(value))..=x(default.max(value)), y, Stroke::new(2.5, colour));
        painter.circle_filled(pos2(x(value), y), 3.5, colour);
        theme::fitted(painter, inner.translate(vec2(0.0, 2.0)), Align2::LEFT_TOP, label, 12.0, DIM);
        let below = inner.with_min_y(rect.top() + 17.0).with_max_y(y - 4.0);
        theme::fitted(painter, below, Align2::LEFT_CENTER, words, 15.0, TEXT);
    } else {
        let x = |share: f32| rect.left() + 5.0 + (rect.width() - 10.0) * share;
        let y = rect.bottom() - 1.5;
        painter.hline(x(0.0)..=x(1.0), y, Stroke::new(1.5, theme::LINE));
        painter.hline(x(default.min(value))..=x(default.max(value)), y, Stroke::new(2.5, colour));
        let is_low = rect.height() < 18.0;
        let marker = if is_low { 3.0 } else { 5.0 };
        painter.vline(x(value), rect.bottom() - marker..=rect.bottom(), Stroke::new(3.0, colour));
        let line = rect.shrink2(vec2(6.0, 0.0)).with_max_y(rect.bottom() - marker);
        let (shown, size) = theme::fit(painter, words, if is_low { 11.0 } else { 12.5 }, 10.5, line.width());
        let taken =
            theme::text(painter, line.right_center(), Align2::RIGHT_CENTER, shown, size, TEXT).width();
        let rest = line.with_max_x(line.right() - taken - 4.0);
        theme::fitted(painter, rest, Align2::LEFT_CENTER, label, if is_low { 11.0 } else { 12.0 }, DIM);
    }
    focus_ring(ui, response);
}

/// A choice among a few values: a list opens on a click; up and down step through it.
pub(super) fn choice<P: Param>(
    ui: &Ui,
    hand: &Hand<'_>,
    rect: Rect,
    param: &P,
    label: &str,
    hint: &str,
) -> Response {
    let response = ui.interact(rect, Id::unique(("choice", param.name())), Sense::click());
    let words = hand.words(param);
    let (painter, inner) = (ui.painter(), rect.shrink2(vec2(7.0, 2.0)));
    painter.rect_filled(rect, ROUND, ground(&response));
    theme::fitted(painter, inner.translate(vec2(0.0, 2.0)), Align2::LEFT_TOP, label, 12.0, DIM);
    let below =
        inner.with_min_y(rect.top() + 17.0).with_max_x(inner.right() - 12.0).with_max_y(rect.bottom() - 7.0);
    theme::fitted(painter, below, Align2::LEFT_CENTER, &words, 15.0, TEXT);
    theme::drop_sign(painter, pos2(inner.right() - 4.0, below.center().y), DIM);
    focus_ring(ui, &response);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, format!("{}: {words}", param.name()));
        info.current_text_value = Some(words.clone());
        info
    });
    if response.secondary_clicked() {
        hand.set(param, param.default_normalized_value());
    }
    if response.has_focus() {
        keep_arrows(ui, response.id, false);
        // The list reads downwards.
        let steps = -arrow_steps(ui, false);
        if steps != 0 && !Popup::is_any_open(ui.ctx()) {
            hand.step(param, steps);
        }
    }
    list(hand, &response, param);
    response.on_hover_text(format!("{}: {words}\n{hint}\nRight click: default", param.name()))
}

/// The list of a choice, open below or above it.
fn list<P: Param>(hand: &Hand<'_>, response: &Response, param: &P) {
    let steps = param.step_count().unwrap_or(1).max(1);
    let now = (hand.value(param) * steps as f32).round() as usize;
    let columns = if steps > 12 { 2 } else { 1 };
    let width = response.rect.width().max(110.0 * columns as f32);
    Popup::menu(response).gap(3.0).width(width).show(|ui| {
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        let per_column = (steps + 1).div_ceil(columns);
        ui.columns(columns, |columns| {
            for index in 0..=steps {
                let ui = &mut columns[index / per_column];
                let normalized = index as f32 / steps as f32;
                let words = param.normalized_value_to_string(normalized, true);
                if ui.selectable_label(index == now, words).clicked() {
                    hand.set(param, normalized);
                    ui.close();
                }
            }
        });
    });
}

/// Values side by side, one of which is taken.
pub(super) fn segments<P: Param>(
    ui: &Ui,
    hand: &Hand<'_>,
    rect: Rect,
    param: &P,
    colour: Color32,
    hints: &[&str],
) {
    let steps = param.step_count().unwrap_or(1).max(1);
    let now = (hand.value(param) * steps as f32).round() as usize;
    ui.painter().rect_filled(rect, ROUND, PANEL);
    let width = rect.width() / (steps + 1) as f32;
    for index in 0..=steps {
        let normalized = index as f32 / steps as f32;
        let words = param.normalized_value_to_string(normalized, false);
        let cell = Rect::from_min_size(
            pos2(rect.left() + width * index as f32, rect.top()),
            vec2(width, rect.height()),
        )
        .shrink(2.0);
        let response = ui.interact(cell, Id::unique(("segment", param.name(), index)), Sense::click());
        let is_taken = index == now;
        let (fill, ink) = match (is_taken, response.hovered()) {
            (true, _) => (theme::faint(colour, 0.38), TEXT),
            (false, true) => (HOVERED, TEXT),
            (false, false) => (PANEL, DIM),
        };
        ui.painter().rect_filled(cell, ROUND, fill);
        if is_taken {
            theme::outline(ui.painter(), cell, Stroke::new(1.0, colour));
        }
        theme::fitted(ui.painter(), cell.shrink(3.0), Align2::CENTER_CENTER, &words, 13.5, ink);
        focus_ring(ui, &response);
        if response.clicked() && !is_taken {
            hand.set(param, normalized);
        }
        let name = format!("{}: {words}", param.name());
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_taken, &name));
        let hint = hints.get(index).copied().unwrap_or_default();
        let _ = response.on_hover_text(format!("{name}\n{hint}"));
    }
}

/// How a button looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) size: f32,
    pub(super) colour: Option<Color32>,
    pub(super) enabled: bool,
}

impl Look {
    pub(super) const PLAIN: Self = Self { size: 13.5, colour: None, enabled: true };
}

/// A button; `name` is what a screen reader says and `hint` what the mouse is told.
pub(super) fn button(ui: &Ui, rect: Rect, words: &str, name: &str, hint: &str, look: Look) -> Response {
    let sense = if look.enabled { Sense::click() } else { Sense::hover() };
    let response = ui.interact(rect, Id::unique(("button", name)), sense);
    let painter = ui.painter();
    let fill = match look.colour {
        Some(colour) => theme::faint(colour, if response.hovered() { 0.5 } else { 0.35 }),
        None if look.enabled => ground(&response),
        None => PANEL,
    };
    painter.rect_filled(rect, ROUND, fill);
    if let Some(colour) = look.colour {
        theme::outline(painter, rect, Stroke::new(1.0, colour));
    }
    let ink = if look.enabled { TEXT } else { theme::GUESS };
    theme::fitted(painter, rect.shrink2(vec2(4.0, 1.0)), Align2::CENTER_CENTER, words, look.size, ink);
    focus_ring(ui, &response);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, look.enabled, name));
    if hint.is_empty() { response } else { response.on_hover_text(hint) }
}

/// A button with an arrow on it.
pub(super) fn arrow_button(
    ui: &Ui,
    rect: Rect,
    direction: f32,
    name: &str,
    hint: &str,
    enabled: bool,
) -> bool {
    let response = button(ui, rect, "", name, hint, Look { enabled, ..Look::PLAIN });
    let ink = if enabled { TEXT } else { theme::LINE };
    theme::arrow(ui.painter(), rect.center(), 8.0, direction, ink);
    enabled && response.clicked()
}

/// A switch with a lamp: filled when on, hollow when off.
pub(super) fn switch<P: Param>(
    ui: &Ui,
    hand: &Hand<'_>,
    rect: Rect,
    param: &P,
    words: &str,
    colour: Color32,
    hint: &str,
) -> Response {
    let response = ui.interact(rect, Id::unique(("switch", param.name())), Sense::click());
    let is_on = hand.is_on(param);
    let painter = ui.painter();
    painter.rect_filled(rect, ROUND, if is_on { theme::faint(colour, 0.22) } else { ground(&response) });
    if response.hovered() {
        theme::outline(painter, rect, Stroke::new(1.0, theme::LINE));
    }
    let lamp = pos2(rect.left() + 11.0, rect.center().y);
    if is_on {
        painter.circle_filled(lamp, 5.0, colour);
    } else {
        painter.circle_stroke(lamp, 4.5, Stroke::new(1.5, DIM));
    }
    let rest = rect.with_min_x(rect.left() + 21.0).with_max_x(rect.right() - 4.0);
    theme::fitted(painter, rest, Align2::LEFT_CENTER, words, 14.5, if is_on { TEXT } else { DIM });
    focus_ring(ui, &response);
    if response.clicked() {
        hand.toggle(param);
    }
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_on, param.name()));
    response.on_hover_text(format!("{}: {}\n{hint}", param.name(), if is_on { "yes" } else { "no" }))
}

/// A level from -60 to 0 dB: green, yellow above -12, red above -1; the marks stand whatever the colours.
pub(super) fn meter(ui: &Ui, rect: Rect, level_dbfs: f32, colour: Color32) {
    let painter = ui.painter();
    let share = |db: f32| ((db + 60.0) / 60.0).clamp(0.0, 1.0);
    painter.rect_filled(rect, CornerRadius::same(3), theme::BACKGROUND);
    let filled = rect.with_max_x(rect.left() + rect.width() * share(level_dbfs));
    let ink = match level_dbfs {
        db if db > -1.0 => theme::ALARM,
        db if db > -6.0 => theme::WARN,
        _ => colour,
    };
    painter.rect_filled(filled, CornerRadius::same(3), ink);
    for db in [-48.0, -36.0, -24.0, -12.0] {
        painter.vline(rect.left() + rect.width() * share(db), rect.y_range(), Stroke::new(1.0, theme::LINE));
    }
    let words =
        if level_dbfs > -60.0 { format!("Voice level: {level_dbfs:.0} dB") } else { "No voice".to_owned() };
    let response = ui.interact(rect, Id::unique("voice meter"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, &words));
    let _ = response.on_hover_text(words);
}
