//! Collavoce as a plugin: ports, parameters, transport, editor. No DSP and no music: those are the engine's.

pub mod asked;
mod bundled;
pub mod deck;
pub mod desk;
pub mod editor;
pub mod guard;
pub mod keys;
pub mod notes_out;
pub mod params;
pub mod saved;
pub mod show;
pub mod view;
pub mod watch;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use collavoce::engine::{listen_config, live};
use collavoce::instrument::Tone;
use collavoce::listen::PitchMethod;
use collavoce::song::{Gesture, Mode};
use collavoce::time::{Hz, Meter};
use nice_plug::midi::Key;
use nice_plug::prelude::*;

use asked::{beats_per_quarter, host_meter, lookahead_s, meter_of};
use deck::{BlockAudio, BlockInfo, Deck};
use desk::{Common, Desk};
use editor::CollavoceEditor;
use notes_out::NoteOutput;
use params::{CollavoceParams, MainChoice, ModeChoice, RenderingChoice};
use view::{HealthView, Shared};
use watch::LiveWatch;

/// The plugin.
#[derive(Debug)]
pub struct Collavoce {
    params: Arc<CollavoceParams>,
    shared: Arc<Shared>,
    common: Arc<Common>,
    desk: Option<Desk>,
    deck: Option<Deck>,
    notes: NoteOutput,
    /// Whether bar one and the end were called for in the block before.
    pressed: [bool; 2],
    is_offline: bool,
    is_mono: bool,
}

impl Default for Collavoce {
    fn default() -> Self {
        let (params, shared) = (Arc::new(CollavoceParams::default()), Arc::new(Shared::default()));
        let common = Arc::new(Common::new(params.clone(), shared.clone()));
        Self {
            params,
            shared,
            common,
            desk: None,
            deck: None,
            notes: NoteOutput::default(),
            pressed: [false; 2],
            is_offline: false,
            is_mono: false,
        }
    }
}

const STEREO: NonZeroU32 = new_nonzero_u32(2);

const fn layout(inputs: u32, name: &'static str) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(inputs),
        main_output_channels: NonZeroU32::new(2),
        aux_input_ports: &[STEREO],
        aux_output_ports: &[STEREO, STEREO, STEREO, STEREO],
        names: PortNames {
            layout: Some(name),
            main_input: None,
            main_output: None,
            aux_inputs: &["Sidechain"],
            aux_outputs: &["Guitar", "Drums", "Strings", "Bass"],
        },
    }
}

impl Collavoce {
    /// Opens the desk, if it is not open.
    fn open_desk(&mut self) {
        if self.desk.is_none() {
            match Desk::open(self.common.clone()) {
                Ok(desk) => self.desk = Some(desk),
                Err(error) => nice_error!("no thread for the desk: {error}"),
            }
        }
    }

    /// What host and parameters say about a block.
    fn block_info(&self, transport: &Transport) -> BlockInfo {
        let params = &self.params;
        let host = host_meter(transport.time_sig_numerator, transport.time_sig_denominator);
        let meter = meter_of(params, host).unwrap_or(Meter::FOUR_FOUR);
        let position = if transport.playing { transport.pos_samples() } else { None };
        let beats = transport.tempo.filter(|_| transport.playing).and_then(|tempo| {
            let per_quarter = beats_per_quarter(meter);
            let quarters = transport.pos_beats()?;
            // Bars are counted where the host counts them, else from the beginning.
            let beats = match (transport.bar_start_pos_beats(), transport.bar_number()) {
                (Some(start), Some(bar)) if host == Some(meter) => {
                    f64::from(bar) * meter.beats_per_bar() as f64 + (quarters - start) * per_quarter
                }
                _ => quarters * per_quarter,
            };
            Some((beats, tempo * per_quarter))
        });
        let level = |db: f32| nice_plug::util::db_to_gain_fast(db);
        let exact = |db: f32| if db == 0.0 { 1.0 } else { level(db) };
        BlockInfo {
            is_playing: transport.playing,
            position,
            has_time_line: transport.pos_samples().is_some(),
            beats,
            is_studio: params.mode.value() == ModeChoice::Studio,
            is_offline: self.is_offline || params.rendering.value() == RenderingChoice::On,
            is_capturing: params.capture.value(),
            is_bypassed: params.bypass.value(),
            isolate: params.isolate.value(),
            song_offset: (f64::from(params.song_offset.value()) / 1000.0 * f64::from(transport.sample_rate))
                .round() as i64,
            voice_level: match params.main_out.value() {
                MainChoice::Mix => exact(params.voice_level.value()),
                MainChoice::Band => 0.0,
            },
            part_levels: [&params.guitar, &params.drums, &params.strings, &params.bass]
                .map(|part| if part.on.value() { exact(part.level.value()) } else { 0.0 }),
        }
    }
}

impl Plugin for Collavoce {
    const NAME: &'static str = "Collavoce";
    const VENDOR: &'static str = "Collavoce";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[layout(2, "Stereo voice"), layout(1, "Mono voice")];
    const MIDI_INPUT: MidiConfig = MidiConfig::Basic;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;

    type Editor = CollavoceEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn filter_state(state: &mut PluginState) {
        // Projects from before there was a choice keep the chords and parts that they had, whatever was chosen before they were
        // loaded.
        let before = serde_json::json!({
            "composer": { "string": "rules" },
            "players": { "string": "rules" },
            "harmony": { "string": "style" },
            "chord_take": { "i32": 1 },
            "daring": { "f32": 0.5 },
            "count_in": { "i32": 0 },
            "bar_one": { "bool": false },
            "end_here": { "bool": false },
            "speakers": { "bool": false },
            "isolate": { "string": "off" },
            "sounds": { "string": "built_in" },
            "tone": { "string": "auto" },
        });
        if let Ok(before) = serde_json::from_value::<BTreeMap<_, _>>(before) {
            for (id, value) in before {
                state.params.entry(id).or_insert(value);
            }
        }
        for text in ["fixed_chords", "sound_file"] {
            state.fields.entry(text.to_owned()).or_insert_with(|| "\"\"".to_owned());
        }
    }

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _async_executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        self.open_desk();
        Some(CollavoceEditor::new(self.params.clone(), self.shared.clone()))
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.deck = None;
        self.open_desk();
        let Some(desk) = self.desk.as_ref().and_then(Desk::thread) else { return false };
        let rate = Hz(config.sample_rate.round() as u32);
        let max_block = config.max_buffer_size as usize;
        self.is_mono = layout.main_input_channels == NonZeroU32::new(1);
        self.is_offline = config.process_mode == ProcessMode::Offline;
        self.common.clock.tell_block(max_block as f64 / rate.as_f64());
        let lookahead_s = lookahead_s(&self.params);
        let latency = rate.sample_at(lookahead_s).0 as usize;
        let asked = self.common.asked(Mode::Live, lookahead_s);
        let config = listen_config(&asked, PitchMethod::Nsdf);
        let (seed, tone) = (asked.seed, Tone::of(&asked));
        let watch = Box::new(LiveWatch::new(self.common.clone(), lookahead_s));
        let started = match live::start(rate, config, asked, watch) {
            Ok(started) => started,
            Err(error) => {
                nice_error!("the live band cannot start: {error}");
                return false;
            }
        };
        let sounds = self.common.sounds_at_activation(&desk, self.is_offline).toned(tone);
        let (deck_end, desk_end) =
            deck::connect(rate, sounds.clone(), self.common.appointments.clone(), desk);
        self.common.attach(desk_end);
        self.deck = Some(Deck::new(rate, max_block, latency, (seed, &sounds), started, deck_end));
        context.set_latency_samples(latency as u32);
        true
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        aux: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        while let Some(event) = context.next_event() {
            if let NoteEvent::NoteOn { timing, key: Key::Number(key), .. } = event
                && let Some((gesture, deck)) = keys::gesture(key).zip(self.deck.as_mut())
            {
                deck.say(gesture, timing);
            }
        }
        let buttons = [&self.params.bar_one, &self.params.end_here].map(BoolParam::value);
        for (index, gesture) in [Gesture::BarOne, Gesture::End].into_iter().enumerate() {
            if let (true, false, Some(deck)) = (buttons[index], self.pressed[index], self.deck.as_mut()) {
                deck.say(gesture, 0);
            }
        }
        self.pressed = buttons;
        let info = self.block_info(context.transport());
        let transport = context.transport();
        let signature = transport.time_sig_numerator.zip(transport.time_sig_denominator);
        self.common.clock.tell(transport.tempo, signature, transport.playing);
        let Some(deck) = &mut self.deck else { return ProcessStatus::Error("not activated") };
        let (left, right) = match buffer.as_slice() {
            [left, right, ..] => (left, right),
            _ => return ProcessStatus::Error("the main output is not stereo"),
        };
        if self.is_mono {
            right.copy_from_slice(left);
        }
        let mut outputs = aux.outputs.iter_mut();
        let stems = [(); 4].map(|()| match outputs.next()?.as_slice() {
            [left, right, ..] if !left.is_empty() => Some([&mut **left, &mut **right]),
            _ => None,
        });
        let sidechain = match aux.inputs.first_mut().map(Buffer::as_slice) {
            Some([left, right, ..]) => Some([&**left, &**right]),
            _ => None,
        };
        let mut audio = BlockAudio { main: [left, right], sidechain, stems };
        let told = deck
            .process(&info, &mut audio, &mut self.notes, &mut |event| context.try_send_event(event).is_ok());
        self.common.clock.tell_song(told.song_s);
        self.common.plays_song.store(told.is_song, Ordering::Relaxed);
        let health = deck.health();
        self.common.health.store(HealthView {
            late_follow: health.late_follow.load(Ordering::Relaxed),
            late_plan: health.late_plan.load(Ordering::Relaxed),
            dropped: health.dropped.load(Ordering::Relaxed),
            overruns: told.overruns,
        });
        ProcessStatus::KeepAlive
    }

    fn deactivate(&mut self) {
        self.notes.owe_all();
        self.deck = None;
    }
}

impl ClapPlugin for Collavoce {
    const CLAP_ID: &'static str = "org.collavoce.collavoce";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("A band that follows the singer");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[ClapFeature::AudioEffect, ClapFeature::Stereo];
}

impl Vst3Plugin for Collavoce {
    const VST3_CLASS_ID: [u8; 16] = *b"CollavoceVoice01";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Fx, Vst3SubCategory::Tools];
}

nice_export_clap!(Collavoce);
export_vst3!(Collavoce);
