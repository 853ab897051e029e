//! Shows the editor outside any host, with a song of the singing synthesiser in it.
//!
//! `cargo run -p collavoce_plugin --example editor_preview -- [empty|listening|capturing|studio|live|trouble]
//! [--at SECONDS] [--size WIDTHxHEIGHT] [--zoom FACTOR] [--play]`

use std::sync::Arc;

use collavoce::listen::PitchMethod;
use collavoce::song::Settings;
use collavoce::time::Hz;
use collavoce_plugin::editor::CollavoceEditor;
use collavoce_plugin::params::CollavoceParams;
use collavoce_plugin::show::Shown;
use collavoce_plugin::view::{HealthView, Shared, State, View};
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::editor::{Editor, EditorHandle};
use nice_plug::params::Params;
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::PluginState;

/// Stands in for the host: parameters are set as they are asked for.
struct Host(
    #[allow(dead_code, reason = "the pointers of the parameters must stay valid")] Arc<CollavoceParams>,
);

impl GuiContextInner for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Standalone
    }

    // SAFETY: nothing is done.
    unsafe fn raw_begin_set_parameter(&self, _param: ParamPtr) {}

    // SAFETY: the caller's pointer is alive, as the trait asks.
    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        // SAFETY: the pointer comes from the parameters that this struct keeps alive.
        unsafe { param._internal_set_normalized_value(normalized) };
    }

    // SAFETY: nothing is done.
    unsafe fn raw_end_set_parameter(&self, _param: ParamPtr) {}

    fn get_state(&self) -> PluginState {
        PluginState { version: String::new(), params: Default::default(), fields: self.0.serialize_fields() }
    }

    fn set_state(&self, _state: PluginState) {}

    fn request_restart(&self) {}
}

fn value<T: std::str::FromStr>(arguments: &[String], name: &str) -> Option<T> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.parse().ok()
}

fn set(param: &impl nice_plug::params::Param, normalized: f32) {
    // SAFETY: the parameter is borrowed, so it is alive.
    unsafe { param.as_ptr()._internal_set_normalized_value(normalized) };
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scene = arguments.first().map_or("studio", String::as_str);
    let params = Arc::new(CollavoceParams::default());
    let shared = Arc::new(Shared::default());
    {
        let mut place = params.editor.lock();
        if let Some((width, height)) =
            value::<String>(&arguments, "--size").as_deref().and_then(|size| size.split_once('x'))
        {
            (place.width, place.height) = (width.parse()?, height.parse()?);
        }
        place.zoom = value(&arguments, "--zoom").unwrap_or(1.0);
    }
    let at_s = value(&arguments, "--at").unwrap_or(15.2);
    if scene != "live" && scene != "listening" && scene != "empty" {
        set(&params.mode, 1.0);
    }
    if scene == "capturing" {
        set(&params.capture, 1.0);
    }
    if scene == "trouble" {
        set(&params.strings.on, 0.0);
        set(&params.tune, 1.0);
        set(&params.key_choice, 1.0 / 3.0);
        set(&params.bar_shift, 7.0 / 12.0);
    }
    let shown = song()?;
    if arguments.iter().any(|argument| argument == "--play") {
        play(&shared, scene.to_owned(), shown, at_s);
    } else {
        shared.show(moment(scene, &shown, at_s));
    }
    let editor = CollavoceEditor::new(params.clone(), shared);
    let spawned = editor.spawn(None, false, None, GuiContext::new(Arc::new(Host(params))), None)?;
    <CollavoceEditor as Editor>::Handle::run_until_closed(spawned.window)?;
    Ok(())
}

fn song() -> Result<Shown, Box<dyn std::error::Error>> {
    let settings = Settings::default();
    let sung = collavoce::sing::demo().sing(Hz(16_000))?;
    let session = collavoce::engine::run(&sung.samples, &settings, PitchMethod::Nsdf, &mut |_| {})?;
    Ok(Shown::of(&session, &settings))
}

/// The snapshot of a scene at a moment.
fn moment(scene: &str, shown: &Shown, at_s: f64) -> View {
    let song = shown.at(at_s);
    let sung_so_far = |view: View| {
        let heard = view.heard.iter().copied().filter(|h| f64::from(h.time_s) <= at_s).collect();
        View { heard: Arc::new(heard), ..view }
    };
    match scene {
        "empty" => View::default(),
        "listening" => sung_so_far(View {
            state: State::Listening,
            message: "Listening for the beat".to_owned(),
            bars: Arc::default(),
            has_song: false,
            beat_confidence: 0.3,
            ..song
        }),
        "capturing" => sung_so_far(View {
            state: State::Capturing,
            message: "Sing the song once, from beginning to end".to_owned(),
            captured_s: (at_s as f32, 600.0),
            bars: Arc::default(),
            keys: Vec::new(),
            has_song: false,
            bpm: 0.0,
            meter: String::new(),
            ..song
        }),
        "live" => {
            let fixed = song.bars.partition_point(|bar| bar.start_s <= at_s) + 1;
            let mut bars: Vec<_> = song.bars.iter().take(fixed + 3).cloned().collect();
            for bar in &mut bars[fixed..] {
                bar.is_guess = true;
            }
            sung_so_far(View { state: State::Playing, bars: Arc::new(bars), beat_confidence: 0.62, ..song })
        }
        "trouble" => View {
            state: State::Working,
            message: "The file take-3.flac is read and analysed; this takes about as long as it takes to sing it once".to_owned(),
            progress: Some(0.42),
            beat_confidence: 0.2,
            health: HealthView { late_follow: 3, late_plan: 1, dropped: 0, overruns: 0 },
            ..song
        },
        _ => View { state: State::Playing, ..song },
    }
}

/// Plays the scene thirty times a second.
fn play(shared: &Arc<Shared>, scene: String, shown: Shown, from_s: f64) {
    let shared = shared.clone();
    std::thread::spawn(move || {
        let begin = std::time::Instant::now();
        loop {
            let at_s = from_s + begin.elapsed().as_secs_f64() % (shown.end_s() - from_s).max(1.0);
            shared.show(moment(&scene, &shown, at_s));
            std::thread::sleep(std::time::Duration::from_millis(33));
        }
    });
}
