//! Collavoce as a plugin: ports, parameters, transport, editor. No DSP and no music: those are the engine's.

pub mod editor;
pub mod params;
pub mod show;
pub mod view;

use std::num::NonZeroU32;
use std::sync::Arc;

use nice_plug::prelude::*;

use editor::CollavoceEditor;
use params::CollavoceParams;
use view::Shared;

/// The plugin.
#[derive(Debug, Default)]
pub struct Collavoce {
    params: Arc<CollavoceParams>,
    shared: Arc<Shared>,
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

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _async_executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        Some(CollavoceEditor::new(self.params.clone(), self.shared.clone()))
    }

    fn process(
        &mut self,
        _buffer: &mut Buffer<'_>,
        _aux: &mut AuxiliaryBuffers<'_>,
        _context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        ProcessStatus::Normal
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
nice_export_vst3!(Collavoce);
