//! The file dialog, drawn by the editor itself: no desktop service has to be there, and nothing has to be typed.

use egui::{
    Align, Align2, Context, EventFilter, Id, Key, Layout, Modal, Rect, Role, ScrollArea, Sense, Stroke,
    TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use super::files::{Browser, Kind, Purpose, loadable};
use super::theme::{self, ALARM, DIM, GOOD, HOVERED, RAISED, ROUND, TEXT, VOICE, WARN};
use crate::view::Command;

const ROW: f32 = 26.0;

/// What became of the dialog in a frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    Open,
    Cancelled,
    Chosen(Command),
}

/// The dialog on the screen.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) browser: Browser,
    places: Vec<(String, std::path::PathBuf)>,
    takes_focus: bool,
    scrolls: bool,
}

impl Dialog {
    pub(super) fn new(browser: Browser) -> Self {
        Self { browser, places: Browser::places(), takes_focus: true, scrolls: true }
    }

    /// Draws it and takes what the keyboard and the mouse ask for.
    pub(super) fn show(&mut self, context: &Context) -> Outcome {
        let screen = context.content_rect();
        let size = vec2((screen.width() - 40.0).min(760.0), (screen.height() - 40.0).min(620.0));
        let mut outcome = Outcome::Open;
        let modal = Modal::new(Id::unique("file dialog"))
            .backdrop_color(theme::BACKGROUND.gamma_multiply(0.75))
            .frame(
                egui::Frame::new()
                    .fill(theme::PANEL)
                    .stroke(Stroke::new(1.0, theme::LINE))
                    .corner_radius(8.0),
            )
            .show(context, |ui| {
                ui.set_min_size(size);
                ui.set_max_size(size);
                let rect = Rect::from_min_size(ui.min_rect().min, size).shrink(14.0);
                let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(rect));
                outcome = self.contents(&mut inner);
            });
        // A click beside the dialog does not close it: a singer's hand slips.
        let escaped = modal.is_top_modal && context.input(|input| input.key_pressed(Key::Escape));
        if escaped && outcome == Outcome::Open { Outcome::Cancelled } else { outcome }
    }

    fn contents(&mut self, ui: &mut Ui) -> Outcome {
        let mut outcome = Outcome::Open;
        let title = match self.browser.purpose {
            Purpose::Load => "Load a recording, a chord chart or a saved song",
            Purpose::Export => "Export MIDI, stems and lead sheet",
        };
        ui.heading(title);
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            for (name, path) in &self.places {
                if ui.button(name).clicked() {
                    self.browser.go(path);
                    self.scrolls = true;
                }
            }
        });
        ui.horizontal(|ui| {
            if ui.button("Up").on_hover_text("The folder above (Backspace)").clicked() {
                self.browser.up();
                self.scrolls = true;
            }
            let field = TextEdit::singleline(&mut self.browser.typed)
                .desired_width(f32::INFINITY)
                .margin(vec2(6.0, 4.0));
            let field = ui.add(field);
            if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
                if let Some(command) = self.browser.enter_typed() {
                    outcome = Outcome::Chosen(command);
                }
                self.takes_focus = true;
                self.scrolls = true;
            }
        });
        let footer = 40.0 + if self.browser.problem.is_some() { 22.0 } else { 0.0 };
        let room = ui.available_rect_before_wrap();
        let list = room.with_max_y(room.bottom() - footer);
        if let Some(command) = self.list(ui, list) {
            outcome = Outcome::Chosen(command);
        }
        let rest = room.with_min_y(list.bottom() + 6.0);
        let mut below = ui.new_child(egui::UiBuilder::new().max_rect(rest));
        if let Some(problem) = &self.browser.problem {
            let (line, _) = rest.split_top_bottom_at_y(rest.top() + 18.0);
            theme::fitted(below.painter(), line, Align2::LEFT_CENTER, problem, 13.0, ALARM);
            below.add_space(22.0);
        }
        match self.buttons(&mut below) {
            Outcome::Open => outcome,
            pressed => pressed,
        }
    }

    fn list(&mut self, ui: &mut Ui, rect: Rect) -> Option<Command> {
        let id = Id::unique("file list");
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        ui.painter().rect_filled(rect, ROUND, theme::BACKGROUND);
        if std::mem::take(&mut self.takes_focus) {
            response.request_focus();
        }
        let mut chosen = None;
        if response.has_focus() || ui.memory(|memory| memory.focused().is_none()) {
            chosen = self.keys(ui, rect);
            let filter = EventFilter {
                horizontal_arrows: true,
                vertical_arrows: true,
                escape: true,
                ..EventFilter::default()
            };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        }
        if response.has_focus() {
            theme::outline(ui.painter(), rect, Stroke::new(1.5, VOICE));
        }
        response.widget_info(|| {
            let entry = self.browser.entries.get(self.browser.selected);
            let words =
                entry.map_or_else(|| "empty".to_owned(), |e| format!("{}, {}", e.name, e.kind.word()));
            WidgetInfo::labeled(Role::ListBox, true, words)
        });
        if self.browser.entries.is_empty() {
            let words = match self.browser.purpose {
                Purpose::Load => format!("Nothing to load here; {}", loadable()),
                Purpose::Export => "No folders here. \"Export here\" makes one.".to_owned(),
            };
            theme::fitted(ui.painter(), rect.shrink(12.0), Align2::CENTER_CENTER, &words, 14.0, DIM);
            return chosen;
        }
        let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink(3.0)));
        inner.spacing_mut().item_spacing.y = 0.0;
        let mut area = ScrollArea::vertical().auto_shrink(false);
        if std::mem::take(&mut self.scrolls) {
            let top = ROW * self.browser.selected as f32 - rect.height() / 2.0;
            area = area.vertical_scroll_offset(top.max(0.0));
        }
        let mut clicked = None;
        area.show_rows(&mut inner, ROW, self.browser.entries.len(), |ui, rows| {
            for index in rows {
                if let Some(entry) = self.browser.entries.get(index) {
                    let (row, response) =
                        ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::CLICK);
                    draw_row(
                        ui,
                        row,
                        &entry.name,
                        entry.kind,
                        index == self.browser.selected,
                        response.hovered(),
                    );
                    if response.clicked() {
                        clicked = Some((index, response.double_clicked()));
                    }
                }
            }
        });
        if let Some((index, twice)) = clicked {
            self.browser.selected = index;
            self.takes_focus = true;
            if twice {
                self.scrolls = true;
                chosen = self.browser.enter();
            }
        }
        chosen
    }

    fn keys(&mut self, ui: &Ui, rect: Rect) -> Option<Command> {
        let page = (rect.height() / ROW) as isize - 1;
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let before = (self.browser.selected, self.browser.folder.clone());
        for (key, by) in [
            (Key::ArrowDown, 1),
            (Key::ArrowUp, -1),
            (Key::PageDown, page),
            (Key::PageUp, -page),
            (Key::Home, isize::MIN),
            (Key::End, isize::MAX),
        ] {
            if pressed(key) {
                self.browser.step(by);
            }
        }
        if pressed(Key::Backspace) || pressed(Key::ArrowLeft) {
            self.browser.up();
        }
        let typed = ui.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Text(text) => text.chars().next().filter(|c| c.is_alphanumeric()),
                _ => None,
            })
        });
        if let Some(letter) = typed {
            self.browser.jump(letter);
        }
        let is_folder =
            self.browser.entries.get(self.browser.selected).is_some_and(|e| e.kind == Kind::Folder);
        let enters = pressed(Key::Enter) || (pressed(Key::ArrowRight) && is_folder);
        let chosen = if enters { self.browser.enter() } else { None };
        self.scrolls |= before != (self.browser.selected, self.browser.folder.clone());
        chosen
    }

    fn buttons(&mut self, ui: &mut Ui) -> Outcome {
        let mut outcome = Outcome::Open;
        let selected = self.browser.entries.get(self.browser.selected).map(|entry| entry.kind);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            match self.browser.purpose {
                Purpose::Load => {
                    let words = if selected == Some(Kind::Folder) { "Open folder" } else { "Load" };
                    if ui.add_enabled(selected.is_some(), egui::Button::new(words)).clicked() {
                        self.scrolls = true;
                        if let Some(command) = self.browser.enter() {
                            outcome = Outcome::Chosen(command);
                        }
                    }
                }
                Purpose::Export => {
                    let folder = self.browser.export_folder();
                    if ui.button("Export here").clicked() {
                        outcome = Outcome::Chosen(Command::Export(folder.clone()));
                    }
                    if ui.add_enabled(selected.is_some(), egui::Button::new("Open folder")).clicked() {
                        self.scrolls = true;
                        let _ = self.browser.enter();
                    }
                }
            }
            if ui.button("Cancel").clicked() {
                outcome = Outcome::Cancelled;
            }
            let words = match self.browser.purpose {
                Purpose::Load => "Arrows choose, Enter opens, Backspace goes up".to_owned(),
                Purpose::Export => {
                    let folder = self.browser.export_folder();
                    format!("makes \"{}\" here", folder.file_name().unwrap_or_default().to_string_lossy())
                }
            };
            let rest = ui.available_rect_before_wrap();
            theme::fitted(ui.painter(), rest, Align2::LEFT_CENTER, &words, 13.0, DIM);
        });
        outcome
    }
}

fn draw_row(ui: &Ui, row: Rect, name: &str, kind: Kind, is_selected: bool, is_hovered: bool) {
    let painter = ui.painter();
    if is_selected {
        painter.rect_filled(row, ROUND, theme::faint(VOICE, 0.35));
    } else if is_hovered {
        painter.rect_filled(row, ROUND, RAISED);
    }
    sign(ui, Rect::from_min_size(row.min + vec2(6.0, 5.0), vec2(18.0, 16.0)), kind);
    let kind_left = row.right() - 84.0;
    let line = row.with_min_x(row.left() + 32.0).with_max_x(kind_left - 6.0);
    theme::fitted(painter, line, Align2::LEFT_CENTER, name, 14.5, TEXT);
    theme::text(painter, pos2(kind_left, row.center().y), Align2::LEFT_CENTER, kind.word(), 12.0, DIM);
}

/// A folder, a wave, lines of chords, a note, or keys.
fn sign(ui: &Ui, rect: Rect, kind: Kind) {
    let painter = ui.painter();
    match kind {
        Kind::Folder => {
            let body = rect.with_min_y(rect.top() + 3.5);
            painter.rect_filled(rect.with_max_y(rect.top() + 8.0).with_max_x(rect.center().x), 2.0, HOVERED);
            painter.rect_filled(body, 2.0, HOVERED);
            theme::outline(painter, body, Stroke::new(1.0, DIM));
        }
        Kind::Sound => {
            for (index, height) in [3.0, 6.0, 4.0, 7.0, 3.0].into_iter().enumerate() {
                let x = rect.left() + 2.0 + 3.4 * index as f32;
                painter.vline(
                    x,
                    rect.center().y - height..=rect.center().y + height,
                    Stroke::new(1.8, VOICE),
                );
            }
        }
        Kind::Chart => {
            for index in 0..3 {
                let y = rect.top() + 3.0 + 5.0 * index as f32;
                painter.hline(rect.left() + 1.0..=rect.right() - 3.0, y, Stroke::new(1.6, WARN));
            }
        }
        Kind::Song => {
            let head = pos2(rect.left() + 6.0, rect.bottom() - 3.5);
            painter.circle_filled(head, 3.2, GOOD);
            painter.vline(head.x + 2.8, rect.top() + 1.0..=head.y, Stroke::new(1.5, GOOD));
        }
        Kind::Bank => {
            for index in 0..3 {
                let left = rect.left() + 1.0 + 5.0 * index as f32;
                let key =
                    Rect::from_min_max(pos2(left, rect.top() + 2.0), pos2(left + 5.0, rect.bottom() - 2.0));
                theme::outline(painter, key, Stroke::new(1.2, DIM));
            }
        }
    }
}
