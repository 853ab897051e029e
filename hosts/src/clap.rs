//! The plugin as CLAP.

use std::ffi::CStr;
use std::io::Cursor;

use anyhow::{Context, anyhow, ensure};
use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::latency::PluginLatency;
use clack_extensions::note_ports::PluginNotePorts;
use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::{
    MidiEvent, NoteOffEvent, NoteOnEvent, ParamValueEvent, TransportEvent, TransportFlags,
};
use clack_host::prelude::*;
use clack_host::process::audio_buffers::{AudioPortBuffer, AudioPortBufferType, AudioPorts, InputChannel};
use clack_host::process::{StartedPluginAudioProcessor, StoppedPluginAudioProcessor};
use clack_host::utils::{BeatTime, ClapId, SecondsTime};

use crate::{
    Activation, Heard, Hosted, Meter, Note, NoteKind, ParameterInfo, Port, Ports, Transport, bundle,
};

const ID: &CStr = c"org.collavoce.collavoce";

struct Quiet;

impl SharedHandler<'_> for Quiet {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

struct Host;

impl HostHandlers for Host {
    type Shared<'a> = Quiet;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();
}

/// A CLAP plugin in this process.
pub struct ClapPlugin {
    // Dropped before the instance it belongs to.
    processor: Option<StartedPluginAudioProcessor<Host>>,
    instance: PluginInstance<Host>,
    _entry: PluginEntry,
    activation: Option<Activation>,
    /// Parameters that were set, by number and value, for the next block.
    changes: Vec<(u32, f64)>,
    /// Keys that were pressed.
    keys: Vec<u8>,
    ports: (AudioPorts, AudioPorts),
    steady: u64,
    meter: Meter,
}

impl std::fmt::Debug for ClapPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClapPlugin").field("activation", &self.activation).finish_non_exhaustive()
    }
}

impl ClapPlugin {
    /// Loads the bundle.
    pub fn open() -> anyhow::Result<Self> {
        let path = bundle("Collavoce.clap")?;
        // SAFETY: the file is the plugin that was built from this workspace.
        let entry = unsafe { PluginEntry::load(path.as_os_str()) }.map_err(|e| anyhow!("{e}"))?;
        let info = HostInfo::new("collavoce hosts", "Collavoce", "", env!("CARGO_PKG_VERSION"))?;
        let instance =
            PluginInstance::<Host>::new(|_| Quiet, |_| (), &entry, ID, &info).map_err(|e| anyhow!("{e}"))?;
        Ok(Self {
            processor: None,
            instance,
            _entry: entry,
            activation: None,
            changes: Vec::new(),
            keys: Vec::new(),
            ports: (AudioPorts::with_capacity(4, 2), AudioPorts::with_capacity(10, 5)),
            steady: 0,
            meter: Meter::default(),
        })
    }

    fn extension<
        E: clack_host::extensions::prelude::Extension<
                ExtensionSide = clack_host::extensions::prelude::PluginExtensionSide,
            >,
    >(
        &self,
    ) -> anyhow::Result<E> {
        self.instance.plugin_shared_handle().get_extension::<E>().context("an extension is missing")
    }
}

impl Drop for ClapPlugin {
    fn drop(&mut self) {
        // An error has no one to be told to any more.
        drop(self.deactivate());
    }
}

impl Hosted for ClapPlugin {
    fn format(&self) -> &'static str {
        "CLAP"
    }

    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn activate(&mut self, activation: Activation) -> anyhow::Result<()> {
        self.deactivate()?;
        let render: PluginRender = self.extension()?;
        let mode = if activation.is_offline { RenderMode::Offline } else { RenderMode::Realtime };
        render.set(&self.instance.plugin_handle(), mode).map_err(|e| anyhow!("{e}"))?;
        let configuration = PluginAudioConfiguration {
            sample_rate: f64::from(activation.rate),
            min_frames_count: 1,
            max_frames_count: activation.max_block as u32,
        };
        let stopped: StoppedPluginAudioProcessor<Host> =
            self.instance.activate(|_, _| (), configuration).map_err(|e| anyhow!("{e}"))?;
        self.processor = Some(stopped.start_processing().map_err(|e| anyhow!("{e}"))?);
        self.activation = Some(activation);
        Ok(())
    }

    fn deactivate(&mut self) -> anyhow::Result<()> {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.stop_processing());
        }
        self.activation = None;
        Ok(())
    }

    fn process(&mut self, voice: [&[f32]; 2], transport: Transport, heard: &mut Heard) -> anyhow::Result<()> {
        let activation = self.activation.context("it is not active")?;
        let frames = voice[0].len();
        let mut inputs = [voice[0].to_vec(), voice[1].to_vec(), vec![0.0; frames], vec![0.0; frames]];
        let mut outputs: Vec<Vec<f32>> = vec![vec![0.0; frames]; 10];
        let (input_ports, output_ports) = &mut self.ports;
        let audio_in = input_ports.with_input_buffers(inputs.chunks_mut(2).map(|port| AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                port.iter_mut().map(|channel| InputChannel::variable(channel.as_mut_slice())),
            ),
        }));
        let mut audio_out =
            output_ports.with_output_buffers(outputs.chunks_mut(2).map(|port| AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_output_only(port.iter_mut().map(Vec::as_mut_slice)),
            }));
        let mut events_in = EventBuffer::new();
        for (id, value) in self.changes.drain(..) {
            let id = ClapId::new(id);
            events_in.push(&ParamValueEvent::new(0, id, Pckn::match_all(), value));
        }
        for key in self.keys.drain(..) {
            events_in.push(&NoteOnEvent::new(0, Pckn::new(0_u16, 0_u16, u16::from(key), 0_u32), 0.8));
        }
        let mut events_out = EventBuffer::new();
        let quarters = transport.quarters(activation.rate);
        let per_bar = transport.quarters_per_bar();
        let bar = (quarters / per_bar).floor();
        let mut flags = TransportFlags::HAS_TEMPO
            | TransportFlags::HAS_BEATS_TIMELINE
            | TransportFlags::HAS_SECONDS_TIMELINE
            | TransportFlags::HAS_TIME_SIGNATURE;
        flags.set(TransportFlags::IS_PLAYING, transport.is_playing);
        let event = TransportEvent {
            header: EventHeader::new_core(0, clack_host::events::EventFlags::empty()),
            flags,
            song_pos_beats: BeatTime::from_float(quarters),
            song_pos_seconds: SecondsTime::from_float(transport.position as f64 / f64::from(activation.rate)),
            tempo: transport.tempo,
            tempo_inc: 0.0,
            loop_start_beats: BeatTime::from_float(0.0),
            loop_end_beats: BeatTime::from_float(0.0),
            loop_start_seconds: SecondsTime::from_float(0.0),
            loop_end_seconds: SecondsTime::from_float(0.0),
            bar_start: BeatTime::from_float(bar * per_bar),
            bar_number: bar as i32,
            time_signature_numerator: transport.signature.0,
            time_signature_denominator: transport.signature.1,
        };
        let processor = self.processor.as_mut().context("it does not process")?;
        let (events_in, mut sent) =
            (InputEvents::from_buffer(&events_in), OutputEvents::from_buffer(&mut events_out));
        let steady = Some(self.steady);
        self.meter
            .around(|| {
                processor.process(&audio_in, &mut audio_out, &events_in, &mut sent, steady, Some(&event))
            })
            .map_err(|e| anyhow!("{e}"))?;
        self.steady += frames as u64;
        let start = heard.len() as i64;
        let side = |index: usize| outputs[index].as_slice();
        heard.add([side(0), side(1)], std::array::from_fn(|stem| [side(2 * stem + 2), side(2 * stem + 3)]));
        for event in events_out.iter() {
            let at = start + i64::from(event.header().time());
            if let Some(on) = event.as_event::<NoteOnEvent>() {
                let (channel, key) = place(on.pckn())?;
                let velocity = (on.velocity() * 127.0).round() as u8;
                heard.notes.push(Note { at, channel, kind: NoteKind::On { key, velocity } });
            } else if let Some(off) = event.as_event::<NoteOffEvent>() {
                let (channel, key) = place(off.pckn())?;
                heard.notes.push(Note { at, channel, kind: NoteKind::Off { key } });
            } else if let Some(midi) = event.as_event::<MidiEvent>() {
                let [status, cc, value] = midi.data();
                ensure!(status & 0xf0 == 0xb0, "it sent the MIDI message {:?}", midi.data());
                let kind = NoteKind::Control { cc, value };
                heard.notes.push(Note { at, channel: (status & 15) + 1, kind });
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        let id = self
            .parameters()?
            .into_iter()
            .find(|p| p.name == name)
            .with_context(|| format!("there is no parameter {name}"))?
            .id;
        let params: PluginParams = self.extension()?;
        let text = std::ffi::CString::new(value)?;
        let value = params
            .text_to_value(&self.instance.plugin_handle(), ClapId::new(id), &text)
            .with_context(|| format!("parameter {name} has no value {value}"))?;
        self.changes.push((id, value));
        Ok(())
    }

    fn press(&mut self, key: u8) -> anyhow::Result<()> {
        self.keys.push(key);
        Ok(())
    }

    fn ports(&mut self) -> anyhow::Result<Ports> {
        let (audio, notes): (PluginAudioPorts, PluginNotePorts) = (self.extension()?, self.extension()?);
        let handle = self.instance.plugin_handle();
        let list = |is_input: bool| -> anyhow::Result<Vec<Port>> {
            let mut buffer = AudioPortInfoBuffer::new();
            (0..audio.count(&handle, is_input))
                .map(|index| {
                    let info =
                        audio.get(&handle, index, is_input, &mut buffer).context("a port is missing")?;
                    let name = Some(String::from_utf8_lossy(info.name).into_owned());
                    Ok(Port { name, channels: info.channel_count as usize })
                })
                .collect()
        };
        Ok(Ports {
            inputs: list(true)?,
            outputs: list(false)?,
            takes_notes: notes.count(&handle, true) == 1,
            gives_notes: notes.count(&handle, false) == 1,
        })
    }

    fn parameters(&mut self) -> anyhow::Result<Vec<ParameterInfo>> {
        let params: PluginParams = self.extension()?;
        let handle = self.instance.plugin_handle();
        let mut found = Vec::new();
        for index in 0..params.count(&handle) {
            let mut buffer = ParamInfoBuffer::new();
            let info = params.get_info(&handle, index, &mut buffer).context("a parameter is missing")?;
            let mut text = [0u8; 128];
            let default = params
                .value_to_text(&handle, info.id, info.default_value, &mut text)
                .map_err(|e| anyhow!("{e:?}"))?;
            found.push(ParameterInfo {
                name: String::from_utf8_lossy(info.name).into_owned(),
                id: info.id.get(),
                steps: if info.flags.contains(clack_extensions::params::ParamInfoFlags::IS_STEPPED) {
                    (info.max_value - info.min_value) as i64
                } else {
                    0
                },
                default: String::from_utf8_lossy(default).trim_end_matches('\0').to_owned(),
            });
        }
        Ok(found)
    }

    fn save(&mut self) -> anyhow::Result<Vec<u8>> {
        let state: PluginState = self.extension()?;
        let mut bytes = Vec::new();
        state.save(&self.instance.plugin_handle(), &mut bytes).map_err(|e| anyhow!("{e}"))?;
        Ok(bytes)
    }

    fn load(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let state: PluginState = self.extension()?;
        state.load(&self.instance.plugin_handle(), &mut Cursor::new(bytes)).map_err(|e| anyhow!("{e}"))
    }

    fn latency(&mut self) -> anyhow::Result<usize> {
        let latency: PluginLatency = self.extension()?;
        Ok(latency.get(&self.instance.plugin_handle()) as usize)
    }
}

/// Channel from 1 and key of a note.
fn place(pckn: Pckn) -> anyhow::Result<(u8, u8)> {
    let channel = pckn.channel.into_specific().context("a note without a channel")?;
    let key = pckn.key.into_specific().context("a note without a key")?;
    Ok((channel as u8 + 1, key as u8))
}
