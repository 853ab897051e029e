//! The editor. It draws the newest snapshot and the parameters, and asks for what is wanted; it decides nothing.
//!
//! It repaints when the snapshot or a parameter changes, at most thirty times a second, and not at all otherwise.

mod bottom;
mod chords;
mod control;
mod dialog;
mod files;
mod hand;
mod layout;
mod left;
mod look;
pub mod place;
mod roll;
#[cfg(test)]
mod tests;
mod theme;
mod top;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egui::{Id, Key, Modal, Rangef, Rect, Ui, vec2};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{Editor, HostMethods, SpawnedEditor};
use nice_plug::prelude::{Param as _, ParentWindowHandle, ResizeHint};
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{
    EguiEditorHandle, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, create_egui_editor,
};
use parking_lot::Mutex;

use self::bottom::{Page, Wish};
use self::chords::ChordDialog;
use self::dialog::{Dialog, Outcome};
use self::files::{Browser, Purpose};
use self::hand::{Hand, Pending};
use self::layout::{Axis, Regions};
use self::look::LooksAway;
use self::place::Place;
use crate::params::{CollavoceParams, LookaheadChoice, ModeChoice};
use crate::saved;
use crate::view::{Command, Shared, View};

/// Most often that the window is drawn on its own account.
const FRAME: Duration = Duration::from_millis(33);
/// Bars ahead that are seen when the song is known, and when it is not.
const STUDIO_BARS: f64 = 8.0;
const LIVE_BARS: f64 = 5.0;

/// The editor as the host sees it. A window is made anew each time it is opened, from the size and zoom kept with the
/// parameters: those may have been loaded after the plugin was made.
#[derive(Debug)]
pub struct CollavoceEditor {
    params: Arc<CollavoceParams>,
    shared: Arc<Shared>,
}

impl CollavoceEditor {
    /// An editor of these parameters that shows this snapshot.
    pub fn new(params: Arc<CollavoceParams>, shared: Arc<Shared>) -> Self {
        Self { params, shared }
    }
}

impl Editor for CollavoceEditor {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn std::error::Error>> {
        let place = {
            let mut place = self.params.editor.lock();
            *place = place.sane();
            *place
        };
        let state = EguiEditorState::from_size(LogicalSize::new(place.width, place.height), place.zoom);
        let settings = EguiNiceSettings::new()
            .with_tile("Collavoce")
            .with_resize_hint(self.resize_hint())
            .with_repaint_poll_interval(FRAME);
        let is_embedded = parent.is_some() || wait_for_parent || host.is_some();
        let app = App::new(self.params.clone(), self.shared.clone(), is_embedded);
        let editor = create_egui_editor(state, self.shared.repaint(), settings, app)
            .ok_or("the editor cannot be made")?;
        editor.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)
    }

    fn size(&self) -> NativeSize<u32> {
        self.params.editor.lock().native()
    }

    fn resize_hint(&self) -> ResizeHint {
        let least = place::ZOOMS[0];
        let least = LogicalSize::new(place::LEAST.0 * least, place::LEAST.1 * least);
        ResizeHint::RESIZABLE.with_min_logical_size(least)
    }
}

/// What the window holds beside parameters and snapshot.
struct App {
    params: Arc<CollavoceParams>,
    shared: Arc<Shared>,
    place: Arc<Mutex<Place>>,
    gui: Option<GuiContext>,
    dialog: Option<Dialog>,
    chords: Option<ChordDialog>,
    last_folder: Option<PathBuf>,
    page: Page,
    sure_to_clear: bool,
    shows_help: bool,
    looks_away: LooksAway,
    pending: Pending,
    /// The look-ahead that the host was last asked to take up.
    lookahead: LookaheadChoice,
    /// The sounds that it was last asked to take up, as they are counted.
    sounds: u64,
    /// Whether a host holds the window. Then only the host resizes it: a window that resizes itself brings hosts down
    /// that are not asked on their own thread.
    is_embedded: bool,
}

impl App {
    fn new(params: Arc<CollavoceParams>, shared: Arc<Shared>, is_embedded: bool) -> Self {
        let place = params.editor.clone();
        let (lookahead, sounds) = (params.lookahead.value(), shared.sounds_told());
        Self {
            lookahead,
            sounds,
            params,
            shared,
            place,
            gui: None,
            dialog: None,
            chords: None,
            last_folder: None,
            page: Page::default(),
            sure_to_clear: false,
            shows_help: false,
            looks_away: LooksAway::default(),
            pending: Pending::default(),
            is_embedded,
        }
    }
}

impl NiceEguiApp for App {
    fn build(
        &mut self,
        context: egui::Context,
        gui: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        theme::dress(&context);
        frame.set_clear_color(theme::BACKGROUND.into());
        self.gui = Some(gui);
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut Frame) {
        let Some(gui) = self.gui.clone() else { return };
        let hand = Hand::new(gui.param_setter(), self.pending.clone());
        self.draw(ui, &hand);
        let (lookahead, sounds) = (self.params.lookahead.value(), self.shared.sounds_told());
        if (lookahead, sounds) != (self.lookahead, self.sounds) {
            // Another latency needs another activation, and so do other instruments.
            (self.lookahead, self.sounds) = (lookahead, sounds);
            gui.request_restart();
        }
    }

    // Hosts ask for the size right after they were told of it, before anything is drawn.
    fn resized(&mut self, size: WindowSize) {
        let mut place = self.place.lock();
        // The size that is told is in points, its scale that of the screen and the zoom together.
        place.width = size.logical.width as f32;
        place.height = size.logical.height as f32;
        place.scale = size.scale_factor / f64::from(place.zoom);
    }

    fn zoom_factor_changed(&mut self, zoom: f32) {
        self.place.lock().zoom = zoom;
    }

    fn editor_closed(&mut self) {
        self.gui = None;
    }
}

impl App {
    fn draw(&mut self, ui: &mut Ui, hand: &Hand<'_>) {
        let view = self.shared.view();
        if let Some(ms) = self.shared.take_round_trip() {
            hand.set(&self.params.round_trip, self.params.round_trip.preview_normalized(ms));
        }
        let context = ui.ctx().clone();
        let window = context.content_rect();
        self.keep_place(&context, window);
        ui.painter().rect_filled(window, 0.0, theme::BACKGROUND);
        if self.dialog.is_none() && self.chords.is_none() && !self.shows_help {
            self.shortcuts(&context, hand, &view);
        }
        // A window too small for everything scrolls; nothing becomes unreachable.
        let whole = window.size().max(vec2(place::LEAST.0, place::LEAST.1) - vec2(1.0, 1.0));
        if whole.x > window.width() + 1.0 || whole.y > window.height() + 1.0 {
            egui::ScrollArea::both().auto_shrink(false).show(ui, |ui| {
                let (rect, _) = ui.allocate_exact_size(whole, egui::Sense::hover());
                self.window(ui, hand, rect, &view);
            });
        } else {
            self.window(ui, hand, window, &view);
        }
        if !self.is_embedded {
            corner(ui, window);
        }
        if self.shows_help {
            self.shows_help = !help(&context);
        }
        self.run_dialog(&context);
        match self.chords.as_mut().map(|dialog| dialog.show(&context)) {
            None | Some(Outcome::Open) => {}
            Some(Outcome::Cancelled) => self.chords = None,
            Some(Outcome::Chosen(command)) => {
                self.chords = None;
                self.shared.ask(command);
                context.request_repaint();
            }
        }
    }

    /// Keeps size and zoom as they are: what was asked for, the host may have refused.
    fn keep_place(&self, context: &egui::Context, window: Rect) {
        let zoom = context.zoom_factor();
        let scale = f64::from(context.pixels_per_point() / zoom);
        let mut place = self.place.lock();
        let size = window.size();
        if self.is_embedded && zoom != place.zoom {
            // The window would grow with the zoom. It stays as it is, and so shows more or less of everything.
            context.send_viewport_cmd(egui::ViewportCommand::InnerSize(size));
        }
        *place = Place { width: size.x, height: size.y, zoom, scale };
    }

    fn window(&mut self, ui: &mut Ui, hand: &Hand<'_>, rect: Rect, view: &View) {
        let regions = Regions::of(rect);
        let params = self.params.clone();
        let is_studio = hand.plain(&params.mode) == ModeChoice::Studio;
        top::header(ui, hand, regions.header, &params, view);
        if let Some(share) = view.progress {
            top::progress(ui, regions.header, share);
        }
        top::found(ui, hand, regions.found, &params, view);

        let strip = regions.bars.1;
        let ahead = if is_studio { STUDIO_BARS } else { LIVE_BARS };
        let rows = Rangef::new(regions.voice.1.top(), regions.lanes[3].1.bottom());
        let whole = Rect::from_x_y_ranges(strip.x_range(), rows);
        let axis = Axis::around(view, strip.left(), strip.right(), ahead);
        let (by_s, clicked) = self.looks_away.by(ui, whole, &axis, view);
        let axis = axis.moved(by_s);
        if let Some(at) = clicked.filter(|at| strip.contains(*at)) {
            self.open_chords(view, axis.time_s(at.x));
        }
        left::voice(ui, regions.voice.0, view);
        roll::voice(ui.painter(), regions.voice.1, &axis, view);
        left::now(ui, regions.bars.0, view);
        let fixed = saved::fixed_bars(&params.fixed.get()).unwrap_or_default();
        roll::bars(ui.painter(), strip, &axis, view, &fixed);
        let parts = [&params.guitar, &params.drums, &params.strings, &params.bass];
        for (index, part) in parts.into_iter().enumerate() {
            let (column, lane) = regions.lanes[index];
            left::part(ui, hand, column, index, part);
            roll::lane(ui.painter(), lane, &axis, view, index, hand.is_on(&part.on));
        }
        match roll::advice(view, is_studio) {
            Some(advice) => {
                let strips = Rect::from_x_y_ranges(strip.x_range(), strip.top()..=rows.max);
                roll::draw_advice(ui.painter(), strips, advice);
            }
            None => roll::playhead(ui.painter(), &axis, view.now_s, rows),
        }
        let of_settings =
            bottom::settings(ui, hand, regions.settings, regions.setting_rows, &mut self.page, &params);
        let zoom = ui.ctx().zoom_factor();
        let sure = &mut self.sure_to_clear;
        let of_footer = bottom::footer(ui, hand, regions.footer, &params, view, zoom, sure);
        match of_settings.or(of_footer) {
            Some(Wish::Open(purpose)) => self.open(purpose),
            Some(Wish::MeasureRoundTrip) => self.shared.ask(Command::MeasureRoundTrip),
            Some(Wish::Clear) => self.shared.ask(Command::Clear),
            Some(Wish::Zoom(zoom)) => ui.ctx().set_zoom_factor(zoom),
            Some(Wish::Help) => self.shows_help = true,
            None => {}
        }
    }

    /// Keys that work wherever the focus is, as long as no text is typed.
    fn shortcuts(&mut self, context: &egui::Context, hand: &Hand<'_>, view: &View) {
        if context.text_edit_focused() || egui::Popup::is_any_open(context) {
            return;
        }
        let pressed = |key| context.input(|input| input.key_pressed(key) && input.modifiers.is_none());
        let typed = |words: &str| {
            context
                .input(|input| input.events.iter().any(|e| matches!(e, egui::Event::Text(t) if t == words)))
        };
        if pressed(Key::C) {
            hand.toggle(&self.params.capture);
        }
        if pressed(Key::L) {
            self.open(Purpose::Load);
        }
        if pressed(Key::E) && view.has_song {
            self.open(Purpose::Export);
        }
        if pressed(Key::B) {
            self.open_chords(view, view.now_s);
        }
        if pressed(Key::M) {
            self.page = self.page.next();
        }
        let parts = [&self.params.guitar, &self.params.drums, &self.params.strings, &self.params.bass];
        for (key, part) in [Key::Num1, Key::Num2, Key::Num3, Key::Num4].into_iter().zip(parts) {
            if pressed(key) {
                hand.toggle(&part.on);
            }
        }
        for (sign, steps) in [("+", 1), ("-", -1)] {
            if typed(sign) {
                context.set_zoom_factor(place::zoom_step(context.zoom_factor(), steps));
            }
        }
        if typed("?") {
            self.shows_help = true;
        }
        // With nothing in focus, the arrows take hold of the first control.
        let arrows = [Key::ArrowDown, Key::ArrowUp, Key::ArrowLeft, Key::ArrowRight];
        if context.memory(|memory| memory.focused().is_none()) && arrows.into_iter().any(pressed) {
            context.memory_mut(|memory| memory.move_focus(egui::FocusDirection::Next));
        }
    }

    /// Opens the chords of the bar in which a moment lies.
    fn open_chords(&mut self, view: &View, at_s: f64) {
        if let Some((index, _)) = layout::bar_at(&view.bars, at_s) {
            let key = view.keys.first().map(|(name, _)| name.as_str());
            self.chords = Some(ChordDialog::of(&view.bars[index], key));
        }
    }

    fn open(&mut self, purpose: Purpose) {
        let start = bottom::start_folder(self.last_folder.as_ref());
        self.dialog = Some(Dialog::new(Browser::open(purpose, start.as_deref())));
    }

    fn run_dialog(&mut self, context: &egui::Context) {
        let Some(dialog) = &mut self.dialog else { return };
        let outcome = dialog.show(context);
        if outcome == Outcome::Open {
            return;
        }
        self.last_folder = Some(dialog.browser.folder.clone());
        self.dialog = None;
        if let Outcome::Chosen(command) = outcome {
            self.shared.ask(command);
        }
        context.request_repaint();
    }
}

/// The corner by which the window is resized.
fn corner(ui: &Ui, window: Rect) {
    let rect = Rect::from_min_max(window.max - vec2(18.0, 18.0), window.max);
    let id = Id::unique("resize corner");
    let response = ui.interact(rect, id, egui::Sense::DRAG).on_hover_cursor(egui::CursorIcon::ResizeNwSe);
    if response.drag_started() {
        ui.data_mut(|data| data.insert_temp(id, window.size()));
    }
    if (response.dragged() || response.drag_stopped())
        && let Some(start) = ui.data(|data| data.get_temp::<egui::Vec2>(id))
        && let Some(delta) = response.total_drag_delta()
    {
        let least = vec2(place::LEAST.0, place::LEAST.1);
        ui.send_viewport_cmd(egui::ViewportCommand::InnerSize((start + delta).max(least)));
    }
    nice_plug_egui::resizable_window::paint_resize_corner(ui, &response);
}

/// What the keys do; whether it is done with.
fn help(context: &egui::Context) -> bool {
    let rows = [
        ("C", "capture, and stop capturing"),
        ("L", "load a recording, a chord chart or a song"),
        ("B", "the chords of the bar in which the song stands; a click takes another bar"),
        ("E", "export MIDI, stems and lead sheet"),
        ("1 2 3 4", "guitar, drums, strings, bass on or off"),
        ("M", "the other row of settings, where one is seen"),
        ("+  -", "zoom"),
        ("Tab", "the next control; Shift and Tab the one before"),
        ("Arrows", "change what is in focus, else move the focus"),
        ("Enter, Space", "press what is in focus"),
        ("Home", "in the bars: back to where the song stands"),
        ("Delete", "default of what is in focus"),
        ("Esc", "leave the focus: keys go to the host again"),
    ];
    let mut is_done = false;
    let frame = egui::Frame::window(&context.global_style()).inner_margin(16.0);
    let modal = Modal::new(Id::unique("keys")).frame(frame).show(context, |ui| {
        ui.set_width(420.0);
        ui.heading("Keys");
        egui::Grid::new("keys").num_columns(2).spacing(vec2(18.0, 5.0)).show(ui, |ui| {
            for (key, words) in rows {
                ui.label(key);
                ui.colored_label(theme::DIM, words);
                ui.end_row();
            }
        });
        ui.colored_label(theme::DIM, "Shift drags finely. A double or a right click takes the default.");
        ui.add_space(6.0);
        is_done = ui.button("Close").clicked();
    });
    is_done || modal.should_close()
}
