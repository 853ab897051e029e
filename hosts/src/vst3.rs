//! The plugin as VST3.

use anyhow::{Context, ensure};
use vst3_host::audio::{AudioBusConfig, BusAudioBuffers, BusDirection, MediaType};
use vst3_host::midi::{MidiChannel, PluginEventData};
use vst3_host::plugin::{Plugin, ProcessMode, TransportPosition};
use vst3_host::prelude::Vst3Host;

use crate::{
    Activation, Heard, Hosted, Meter, Note, NoteKind, ParameterInfo, Port, Ports, Transport, bundle,
};

/// A VST3 plugin in this process.
pub struct Vst3Plugin {
    plugin: Plugin,
    _host: Vst3Host,
    activation: Option<Activation>,
    buffers: Option<BusAudioBuffers>,
    /// Active auxiliary buses: the sidechain, then the stems.
    buses: [bool; 5],
    meter: Meter,
}

impl std::fmt::Debug for Vst3Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vst3Plugin").field("activation", &self.activation).finish_non_exhaustive()
    }
}

impl Vst3Plugin {
    /// Loads the bundle.
    pub fn open() -> anyhow::Result<Self> {
        let mut host = Vst3Host::builder().sample_rate(48_000.0).block_size(1024).build()?;
        let plugin = host.load_plugin(bundle("Collavoce.vst3")?)?;
        Ok(Self {
            plugin,
            _host: host,
            activation: None,
            buffers: None,
            buses: [true; 5],
            meter: Meter::default(),
        })
    }

    /// Switches auxiliary buses on and off, from the next activation on: the sidechain, then the stems.
    pub fn set_buses(&mut self, buses: [bool; 5]) {
        self.buses = buses;
    }

    /// The loaded plugin.
    pub fn plugin(&mut self) -> &mut Plugin {
        &mut self.plugin
    }
}

impl Hosted for Vst3Plugin {
    fn format(&self) -> &'static str {
        "VST3"
    }

    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn activate(&mut self, activation: Activation) -> anyhow::Result<()> {
        self.deactivate()?;
        let mode = if activation.is_offline { ProcessMode::Offline } else { ProcessMode::Realtime };
        self.plugin.set_process_mode(mode)?;
        self.plugin.reconfigure(f64::from(activation.rate), activation.max_block)?;
        self.plugin.set_bus_active(MediaType::Audio, BusDirection::Input, 1, self.buses[0])?;
        for (index, is_active) in self.buses[1..].iter().enumerate() {
            self.plugin.set_bus_active(
                MediaType::Audio,
                BusDirection::Output,
                index as i32 + 1,
                *is_active,
            )?;
        }
        self.plugin.start_processing()?;
        self.buffers = Some(self.plugin.create_bus_audio_buffers(activation.max_block)?);
        self.activation = Some(activation);
        Ok(())
    }

    fn deactivate(&mut self) -> anyhow::Result<()> {
        if self.activation.take().is_some() {
            self.plugin.stop_processing()?;
        }
        Ok(())
    }

    fn process(&mut self, voice: [&[f32]; 2], transport: Transport, heard: &mut Heard) -> anyhow::Result<()> {
        let activation = self.activation.context("it is not active")?;
        let frames = voice[0].len();
        let buffers = self.buffers.as_mut().context("it has no buffers")?;
        ensure!(buffers.outputs.len() == 5, "it has {} output buses, not 5", buffers.outputs.len());
        for bus in buffers.inputs.iter_mut().chain(&mut buffers.outputs) {
            for channel in &mut bus.channels {
                channel.clear();
                channel.resize(frames, 0.0);
            }
        }
        for (channel, samples) in buffers.inputs[0].channels.iter_mut().zip(voice) {
            channel.copy_from_slice(samples);
        }
        self.plugin.set_tempo(transport.tempo)?;
        self.plugin.set_time_signature(i32::from(transport.signature.0), i32::from(transport.signature.1))?;
        self.plugin.set_playing(transport.is_playing)?;
        self.plugin.set_transport_position(TransportPosition {
            samples: transport.position,
            quarter_notes: transport.quarters(activation.rate),
        })?;
        let start = heard.len() as i64;
        let plugin = &mut self.plugin;
        self.meter.around(|| plugin.process_bus_audio(buffers))?;
        let side = |bus: usize, channel: usize| buffers.outputs[bus].channels[channel].as_slice();
        heard.add(
            [side(0, 0), side(0, 1)],
            std::array::from_fn(|stem| [side(stem + 1, 0), side(stem + 1, 1)]),
        );
        for event in self.plugin.take_output_events() {
            let (channel, kind) = match event.data {
                PluginEventData::NoteOn { channel, pitch, velocity, .. } => {
                    let velocity = (velocity * 127.0).round() as u8;
                    (channel as u8, NoteKind::On { key: pitch as u8, velocity })
                }
                PluginEventData::NoteOff { channel, pitch, .. } => {
                    (channel as u8, NoteKind::Off { key: pitch as u8 })
                }
                PluginEventData::LegacyMidiCcOut { control_number, channel, value, .. } => {
                    (channel as u8, NoteKind::Control { cc: control_number, value })
                }
                other => anyhow::bail!("it sent {other:?}"),
            };
            let at = start + i64::from(event.sample_offset);
            heard.notes.push(Note { at, channel: channel + 1, kind });
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        let parameter = self.plugin.find_parameter(name)?;
        // VST3 knows values between 0 and 1 alone: the one whose text is wanted is looked for.
        if parameter.step_count > 0 {
            for step in 0..=parameter.step_count {
                let normalised = f64::from(step) / f64::from(parameter.step_count);
                let text = self.plugin.format_parameter(parameter.id, normalised)?;
                if text == value {
                    return Ok(self.plugin.set_parameter(parameter.id, normalised)?);
                }
            }
            anyhow::bail!("parameter {name} has no value {value}");
        }
        let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
        let wanted = number(value).with_context(|| format!("{value} is no number"))?;
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            let text = self.plugin.format_parameter(parameter.id, middle)?;
            if number(&text) == Some(wanted) {
                return Ok(self.plugin.set_parameter(parameter.id, middle)?);
            }
            let is_below = number(&text).is_some_and(|found| found < wanted);
            (low, high) = if is_below { (middle, high) } else { (low, middle) };
        }
        anyhow::bail!("parameter {name} has no value {value}")
    }

    fn press(&mut self, key: u8) -> anyhow::Result<()> {
        Ok(self.plugin.send_midi_note(key, 100, MidiChannel::Ch1)?)
    }

    fn ports(&mut self) -> anyhow::Result<Ports> {
        let layout = self.plugin.audio_bus_layout()?;
        let list = |buses: &[AudioBusConfig]| {
            buses.iter().map(|bus| Port { name: None, channels: bus.channel_count }).collect()
        };
        let info = self.plugin.info();
        Ok(Ports {
            inputs: list(&layout.inputs),
            outputs: list(&layout.outputs),
            takes_notes: info.has_midi_input,
            gives_notes: info.has_midi_output,
        })
    }

    fn parameters(&mut self) -> anyhow::Result<Vec<ParameterInfo>> {
        let parameters = self.plugin.get_parameters()?;
        parameters
            .into_iter()
            .map(|p| {
                Ok(ParameterInfo {
                    default: format!("{} {}", self.plugin.format_parameter(p.id, p.default)?, p.unit.trim())
                        .trim_end()
                        .to_owned(),
                    name: p.name,
                    id: p.id,
                    steps: i64::from(p.step_count),
                })
            })
            .collect()
    }

    fn save(&mut self) -> anyhow::Result<Vec<u8>> {
        Ok(self.plugin.save_state()?)
    }

    fn load(&mut self, state: &[u8]) -> anyhow::Result<()> {
        Ok(self.plugin.load_state(state)?)
    }

    fn latency(&mut self) -> anyhow::Result<usize> {
        // The framework tells of a new latency from a thread of its own.
        for _ in 0..20 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            self.plugin.service_host_requests()?;
        }
        Ok(self.plugin.latency_samples() as usize)
    }
}
