//! The whole window, drawn without a screen.

use std::collections::HashSet;
use std::sync::Arc;

use egui::{Event, Key, Modifiers, Pos2, RawInput, Rect, Shape, vec2};
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContextInner, ParamSetter};
use nice_plug::params::Params as _;
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::PluginState;

use super::*;
use crate::view::{BarView, HealthView, HeardView, State};

/// A host that sets parameters as it is asked to, unless it does not process.
struct Host {
    processes: bool,
}

fn set(param: &impl nice_plug::prelude::Param, normalized: f32) {
    // SAFETY: the parameter is borrowed, so it is alive.
    unsafe { param.as_ptr()._internal_set_normalized_value(normalized) };
}

impl GuiContextInner for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Standalone
    }
    // SAFETY: nothing is done.
    unsafe fn raw_begin_set_parameter(&self, _param: ParamPtr) {}
    // SAFETY: the caller's pointer is alive, as the trait asks.
    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        if self.processes {
            // SAFETY: the tests keep their parameters for as long as their windows.
            unsafe { param._internal_set_normalized_value(normalized) };
        }
    }
    // SAFETY: nothing is done.
    unsafe fn raw_end_set_parameter(&self, _param: ParamPtr) {}
    fn get_state(&self) -> PluginState {
        PluginState { version: String::new(), params: Default::default(), fields: Default::default() }
    }
    fn set_state(&self, _state: PluginState) {}
    fn request_restart(&self) {}
}

/// A window that is never shown.
struct Window {
    app: App,
    host: Host,
    context: egui::Context,
    size: egui::Vec2,
}

impl Window {
    fn new(view: View, size: (f32, f32)) -> Self {
        let shared = Arc::new(Shared::default());
        shared.show(view);
        let context = egui::Context::default();
        theme::dress(&context);
        context.enable_accesskit();
        let app = App::new(Arc::new(CollavoceParams::default()), shared, false);
        let host = Host { processes: true };
        let mut window = Self { app, host, context, size: vec2(size.0, size.1) };
        window.frame(Vec::new());
        window
    }

    fn frame(&mut self, events: Vec<Event>) -> egui::FullOutput {
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, self.size));
        let input = RawInput { screen_rect, events, ..RawInput::default() };
        let app = &mut self.app;
        let hand = Hand::new(ParamSetter::new(&self.host), app.pending.clone());
        let mut output = self.context.run_ui(input, |ui| app.draw(ui, &hand));
        // There is no screen to take the letters.
        output.textures_delta.clear();
        output
    }

    fn press(&mut self, key: Key) -> egui::FullOutput {
        let event = |pressed| Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        self.frame(vec![event(true)]);
        self.frame(vec![event(false)])
    }
}

fn song() -> View {
    let bar = |n: i32| {
        let start_s = 2.0 * f64::from(n);
        let notes = vec![
            (start_s as f32, start_s as f32 + 0.5, 60, 100),
            (start_s as f32 + 1.0, start_s as f32 + 9.0, 36, 1),
        ];
        BarView {
            number: n,
            start_s,
            end_s: start_s + 2.0,
            beats_s: (0..4).map(|beat| start_s + 0.5 * f64::from(beat)).collect(),
            chords: vec![(start_s, "F#m7b5/C#".to_owned()), (start_s + 1.0, "Bbmaj7".to_owned())],
            section: "A section with a long name".to_owned(),
            is_guess: n > 6,
            notes: std::array::from_fn(|_| notes.clone()),
        }
    };
    View {
        state: State::Playing,
        now_s: 5.3,
        message: "A message that is so long that it will not fit on one line, nor perhaps on two of them"
            .to_owned(),
        progress: Some(0.4),
        captured_s: (123.0, 600.0),
        keys: [("F# minor", 0.42), ("A major", 0.31), ("Eb minor", 0.2), ("Bb minor", 0.004)]
            .map(|(name, probability)| (name.to_owned(), probability))
            .to_vec(),
        bpm: 208.4,
        meter: "12/8".to_owned(),
        tuning_cents: -48.6,
        beat_confidence: 0.5,
        doing: crate::view::Doing::Holding,
        bars: Arc::new((0..12).map(bar).collect()),
        heard: Arc::new(
            (0..600).map(|n| HeardView { time_s: n as f32 / 100.0, midi: 60.2, level_dbfs: -20.0 }).collect(),
        ),
        health: HealthView { late_follow: 12_345, late_plan: 2, dropped: 3, overruns: 4 },
        has_song: true,
    }
}

#[test]
fn every_state_is_drawn_at_every_size() {
    let odd = View {
        now_s: 1e12,
        bpm: f32::INFINITY,
        beat_confidence: f32::NAN,
        captured_s: (f32::NAN, 0.0),
        progress: Some(f32::NAN),
        bars: Arc::new(vec![BarView::default(), BarView { end_s: -1.0, ..BarView::default() }]),
        heard: Arc::new(vec![HeardView::default(); 3]),
        ..song()
    };
    for view in [View::default(), song(), odd] {
        for size in [(200.0, 100.0), place::LEAST, (980.0, 640.0), (1600.0, 1000.0), (3000.0, 480.0)] {
            let mut window = Window::new(view.clone(), size);
            for mode in [0.0, 1.0] {
                set(&window.app.params.mode, mode);
                set(&window.app.params.tune, mode);
                assert!(window.frame(Vec::new()).shapes.len() > 100);
            }
        }
    }
}

/// Words on the screen with their places; those of the strip of bars, which scroll, left away.
fn words(output: &egui::FullOutput, size: egui::Vec2) -> Vec<(String, Rect)> {
    let all = Rect::from_min_size(Pos2::ZERO, size);
    let mut found: Vec<(String, Rect)> = Vec::new();
    for clipped in &output.shapes {
        if let Shape::Text(text) = &clipped.shape
            && clipped.clip_rect.contains_rect(all)
        {
            let rect = text.visual_bounding_rect();
            let word = text.galley.text().to_owned();
            // Heavy letters are drawn twice.
            if rect.is_positive()
                && !found.iter().any(|(w, r)| *w == word && r.expand(3.0).contains_rect(rect))
            {
                found.push((word, rect));
            }
        }
    }
    found
}

#[test]
fn no_words_leave_the_window_or_lie_on_others() {
    for size in [place::LEAST, (980.0, 640.0), (1600.0, 1000.0)] {
        for fixed in [0.0, 1.0] {
            let mut window = Window::new(song(), size);
            set(&window.app.params.tune, fixed);
            set(&window.app.params.bar_shift, 0.0);
            set(&window.app.params.guitar.take, 1.0);
            let output = window.frame(Vec::new());
            let found = words(&output, window.size);
            assert!(found.len() > 40, "{}", found.len());
            for (index, (word, rect)) in found.iter().enumerate() {
                assert!(
                    Rect::from_min_size(Pos2::ZERO, window.size).contains_rect(*rect),
                    "{size:?}: {word}"
                );
                for (other, place) in &found[index + 1..] {
                    let shared = rect.intersect(*place);
                    let overlaps = shared.width() > 2.0 && shared.height() > 4.0;
                    assert!(!overlaps, "{size:?}: {word:?} at {rect:?} lies on {other:?} at {place:?}");
                }
            }
        }
    }
}

#[test]
fn everything_in_reach_of_the_keyboard_has_a_name() {
    let mut window = Window::new(song(), (980.0, 640.0));
    let output = window.frame(Vec::new());
    let update = output.platform_output.accesskit_update.expect("a tree");
    let labels: Vec<&str> = update.nodes.iter().filter_map(|(_, node)| node.label()).collect();
    for name in [
        "Capture",
        "Load",
        "Export",
        "Guitar on",
        "Bass new take",
        "Beat twice as fast",
        "Zoom",
        "Rubato: 100 %",
    ] {
        assert!(labels.contains(&name), "{name} is not among {labels:?}");
    }
    let mut values = update.nodes.iter().filter_map(|(_, node)| node.value());
    assert!(values.any(|value| value.starts_with("Bar 2, section A")));
    let mut visited = HashSet::new();
    for _ in 0..90 {
        let output = window.press(Key::Tab);
        let focus = window.context.memory(|memory| memory.focused()).expect("something is in focus");
        let update = output.platform_output.accesskit_update.expect("a tree");
        let node = update.nodes.iter().find(|(id, _)| *id == focus.accesskit_id());
        assert!(
            node.is_some_and(|(_, node)| node.label().or(node.value()).is_some()),
            "{focus:?} has no name"
        );
        visited.insert(focus);
    }
    assert!(visited.len() >= 55, "only {} controls are reached", visited.len());
}

#[test]
fn keys_do_what_they_say() {
    let mut window = Window::new(song(), place::LEAST);
    let params = window.app.params.clone();
    window.press(Key::C);
    assert!(params.capture.value());
    window.press(Key::C);
    window.press(Key::Num3);
    assert!(!params.capture.value() && !params.strings.on.value() && params.guitar.on.value());
    window.press(Key::M);
    assert_eq!(window.app.page, Page::Music);
    window.press(Key::L);
    assert!(window.app.dialog.is_some());
    window.press(Key::Num3);
    assert!(!params.strings.on.value(), "the dialog has the keys");
    window.press(Key::Escape);
    assert!(window.app.dialog.is_none());
    window.app.shared.show(View::default());
    window.press(Key::E);
    assert!(window.app.dialog.is_none(), "there is nothing to be exported");
}

#[test]
fn a_host_that_does_not_process_still_sees_its_controls_move() {
    let mut window = Window::new(song(), place::LEAST);
    window.host.processes = false;
    let params = window.app.params.clone();
    let shows_on = |window: &Window| {
        Hand::new(ParamSetter::new(&window.host), window.app.pending.clone()).is_on(&params.strings.on)
    };
    window.press(Key::Num3);
    assert!(params.strings.on.value() && !shows_on(&window), "what was asked for is shown");
    window.press(Key::Num3);
    assert!(shows_on(&window));
    window.press(Key::Num3);
    set(&params.strings.on, 0.0);
    assert!(!shows_on(&window));
    set(&params.strings.on, 1.0);
    assert!(shows_on(&window), "what the host says counts");
}

#[test]
fn arrows_change_what_is_in_focus_and_delete_takes_the_default() {
    let mut window = Window::new(song(), (980.0, 640.0));
    let params = window.app.params.clone();
    window.context.memory_mut(|memory| memory.request_focus(Id::unique(("slider", "Rubato"))));
    window.frame(Vec::new());
    window.press(Key::ArrowLeft);
    assert!(params.rubato.value() < 1.0 && params.rubato.value() > 0.9, "{}", params.rubato.value());
    window.press(Key::Delete);
    assert_eq!(params.rubato.value(), 1.0);
    window.context.memory_mut(|memory| memory.request_focus(Id::unique(("choice", "Style"))));
    window.frame(Vec::new());
    window.press(Key::ArrowDown);
    assert_eq!(params.style.value(), crate::params::StyleChoice::Ballad);
}

#[test]
fn a_measured_round_trip_is_asked_for_and_taken_up_once() {
    let mut window = Window::new(song(), (980.0, 640.0));
    let params = window.app.params.clone();
    let button = Id::unique(("button", "Measure round trip"));
    window.context.memory_mut(|memory| memory.request_focus(button));
    window.frame(Vec::new());
    window.press(Key::Enter);
    assert_eq!(window.app.shared.asked(), [Command::MeasureRoundTrip]);
    window.app.shared.tell_round_trip(23.4);
    window.frame(Vec::new());
    assert!((params.round_trip.value() - 23.4).abs() < 0.06, "{}", params.round_trip.value());
    set(&params.round_trip, 0.5);
    window.frame(Vec::new());
    assert_eq!(params.round_trip.value(), 50.0);
}

#[test]
fn the_dialog_loads_and_exports_by_keys_alone() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(root.path().join("songs")).expect("made");
    std::fs::write(root.path().join("songs/take.wav"), "x").expect("written");
    let mut window = Window::new(song(), (980.0, 640.0));
    window.app.last_folder = Some(root.path().to_owned());
    for key in [Key::L, Key::Enter, Key::Enter] {
        window.press(key);
    }
    assert!(window.app.dialog.is_none());
    assert_eq!(window.app.shared.asked(), [Command::Load(root.path().join("songs").join("take.wav"))]);
    window.press(Key::E);
    let dialog = window.app.dialog.as_ref().expect("a dialog");
    assert_eq!(
        (dialog.browser.purpose, dialog.browser.folder.clone()),
        (Purpose::Export, root.path().join("songs"))
    );
    // The first control after the list exports.
    window.press(Key::Tab);
    window.press(Key::Enter);
    let folder = root.path().join("songs").join("Collavoce export");
    assert_eq!(window.app.shared.asked(), [Command::Export(folder)]);
    assert!(window.app.dialog.is_none());
}

#[test]
fn size_and_zoom_are_kept_with_the_song() {
    let params = CollavoceParams::default();
    *params.editor.lock() = Place { width: 1234.0, height: 777.0, zoom: 1.5, scale: 2.0 };
    let fields = params.serialize_fields();
    let other = CollavoceParams::default();
    other.deserialize_fields(&fields);
    assert_eq!(*other.editor.lock(), Place { width: 1234.0, height: 777.0, zoom: 1.5, scale: 1.0 });
}

#[test]
fn in_a_host_the_zoom_leaves_the_window_as_it_is() {
    let mut window = Window::new(song(), (980.0, 640.0));
    window.app.is_embedded = true;
    window.context.set_zoom_factor(2.0);
    let output = window.frame(Vec::new());
    let wanted =
        output.viewport_output.values().flat_map(|v| v.commands.clone()).find_map(|command| match command {
            egui::ViewportCommand::InnerSize(size) => Some(size),
            _ => None,
        });
    assert_eq!(wanted, Some(vec2(490.0, 320.0)), "as many pixels as before");
    assert_eq!(window.app.place.lock().native().width, 980);
}

#[test]
fn nothing_is_repainted_when_nothing_changes() {
    let mut window = Window::new(song(), (980.0, 640.0));
    for _ in 0..3 {
        window.frame(Vec::new());
    }
    let output = window.frame(Vec::new());
    let delay = output.viewport_output.values().map(|viewport| viewport.repaint_delay).min();
    assert_eq!(delay, Some(Duration::MAX));
}

#[test]
fn the_chords_of_a_bar_are_fixed_by_key_and_by_click() {
    let mut window = Window::new(song(), (980.0, 640.0));
    window.press(Key::B);
    assert!(window.app.chords.is_some());
    window.frame(Vec::new());
    // The song stands in bar 2; its chords are typed already.
    window.press(Key::Enter);
    let fixed = "2=F#m7b5/C# Bbmaj7".parse().expect("chords");
    assert_eq!(window.app.shared.asked(), [Command::Fix(fixed)]);
    assert!(window.app.chords.is_none());

    let regions = Regions::of(Rect::from_min_size(Pos2::ZERO, window.size));
    let at = regions.bars.1.center();
    let button = |pressed| Event::PointerButton {
        pos: at,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    window.frame(vec![Event::PointerMoved(at)]);
    window.frame(vec![button(true)]);
    window.frame(vec![button(false)]);
    assert!(window.app.chords.is_some());
    window.frame(Vec::new());
    window.frame(vec![Event::Text("H".to_owned())]);
    window.press(Key::Enter);
    assert!(window.app.chords.is_some(), "what cannot be read is not taken");
    assert_eq!(window.app.shared.asked(), []);
    window.press(Key::Escape);
    window.frame(Vec::new());
    assert!(window.app.chords.is_none());
}
