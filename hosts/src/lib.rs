//! Hosts for tests: the bundled plugin loaded as a DAW loads it, through CLAP and through VST3.

mod clap;
mod vst3;

use std::path::PathBuf;

pub use clap::ClapPlugin;
pub use vst3::Vst3Plugin;

/// Names the folder of the bundles.
pub const BUNDLES: &str = "COLLAVOCE_BUNDLES";
/// Stems of the plugin, in the order of its auxiliary outputs.
pub const STEMS: [&str; 4] = ["Guitar", "Drums", "Strings", "Bass"];

/// Where a bundle lies.
pub fn bundle(name: &str) -> anyhow::Result<PathBuf> {
    let folder = std::env::var_os(BUNDLES).map(PathBuf::from).ok_or_else(|| {
        anyhow::anyhow!("{BUNDLES} is not set; `cargo xtask test` builds the bundles and sets it")
    })?;
    let path = folder.join(name);
    anyhow::ensure!(path.exists(), "{} is missing; `cargo xtask test` builds it", path.display());
    Ok(path)
}

/// How a plugin is activated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activation {
    /// Sample rate in Hz.
    pub rate: u32,
    /// Largest block in samples.
    pub max_block: usize,
    /// Whether the host says that it renders offline.
    pub is_offline: bool,
}

/// Where the host's transport stands at the beginning of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transport {
    /// Whether it plays.
    pub is_playing: bool,
    /// Its position in samples.
    pub position: i64,
    /// Its tempo in quarter notes a minute.
    pub tempo: f64,
    /// Its time signature.
    pub signature: (u16, u16),
}

impl Transport {
    /// Playing from a position at a tempo in 4/4.
    pub fn playing(position: i64, tempo: f64) -> Self {
        Self { is_playing: true, position, tempo, signature: (4, 4) }
    }

    /// Standing still.
    pub fn stopped() -> Self {
        Self { is_playing: false, ..Self::playing(0, 120.0) }
    }

    fn quarters(&self, rate: u32) -> f64 {
        self.position as f64 / f64::from(rate) * self.tempo / 60.0
    }

    fn quarters_per_bar(&self) -> f64 {
        4.0 * f64::from(self.signature.0) / f64::from(self.signature.1)
    }
}

/// What came out of the plugin as MIDI.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Note {
    /// Sample, counted from the first block.
    pub at: i64,
    /// Channel, from 1.
    pub channel: u8,
    /// What it is.
    pub kind: NoteKind,
}

/// See [`Note`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoteKind {
    /// A key goes down.
    On {
        /// The key.
        key: u8,
        /// How fast, 1 to 127.
        velocity: u8,
    },
    /// A key goes up.
    Off {
        /// The key.
        key: u8,
    },
    /// A controller.
    Control {
        /// Its number.
        cc: u8,
        /// Its value, 0 to 127.
        value: u8,
    },
}

/// Everything that came out of the plugin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// The main output.
    pub main: [Vec<f32>; 2],
    /// The stems, in the order of [`STEMS`].
    pub stems: [[Vec<f32>; 2]; 4],
    /// The notes, in order.
    pub notes: Vec<Note>,
}

impl Heard {
    /// Samples so far.
    pub fn len(&self) -> usize {
        self.main[0].len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The notes that begin: sample, channel, key, velocity.
    pub fn ons(&self) -> Vec<(i64, u8, u8, u8)> {
        let on = |note: &Note| match note.kind {
            NoteKind::On { key, velocity } => Some((note.at, note.channel, key, velocity)),
            _ => None,
        };
        self.notes.iter().filter_map(on).collect()
    }

    /// Keys that went down and never up, with the channel.
    pub fn hanging(&self) -> Vec<(u8, u8)> {
        let mut down = Vec::new();
        for note in &self.notes {
            match note.kind {
                NoteKind::On { key, .. } => down.push((note.channel, key)),
                NoteKind::Off { key } => {
                    if let Some(place) = down.iter().position(|held| *held == (note.channel, key)) {
                        down.swap_remove(place);
                    }
                }
                NoteKind::Control { .. } => {}
            }
        }
        down
    }

    fn add(&mut self, main: [&[f32]; 2], stems: [[&[f32]; 2]; 4]) {
        for (side, samples) in self.main.iter_mut().zip(main) {
            side.extend_from_slice(samples);
        }
        for (stem, given) in self.stems.iter_mut().zip(stems) {
            for (side, samples) in stem.iter_mut().zip(given) {
                side.extend_from_slice(samples);
            }
        }
    }
}

/// Measures what happens on this thread while the plugin itself processes, the host's own work left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter {
    /// Reads what is measured, such as the thread's CPU time.
    pub read: Option<fn() -> f64>,
    /// By how much that grew in all calls.
    pub sum: f64,
}

impl Meter {
    fn around<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let before = self.read.map(|read| read());
        let result = run();
        if let (Some(read), Some(before)) = (self.read, before) {
            self.sum += read() - before;
        }
        result
    }
}

/// A parameter as the host is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterInfo {
    /// Its name.
    pub name: String,
    /// Its number in the host.
    pub id: u32,
    /// Steps between its values; 0 is continuous.
    pub steps: i64,
    /// Its default, as text.
    pub default: String,
}

/// A bus as the host is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name, where the host asks for names.
    pub name: Option<String>,
    /// Its channels.
    pub channels: usize,
}

/// The plugin's buses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// Audio in.
    pub inputs: Vec<Port>,
    /// Audio out.
    pub outputs: Vec<Port>,
    /// Whether notes go in.
    pub takes_notes: bool,
    /// Whether notes come out.
    pub gives_notes: bool,
}

/// A loaded plugin in either format.
pub trait Hosted {
    /// The format's name.
    fn format(&self) -> &'static str;

    /// What is measured around every call of the plugin.
    fn meter(&mut self) -> &mut Meter;

    /// Activates it, after deactivating it if it is active.
    fn activate(&mut self, activation: Activation) -> anyhow::Result<()>;

    /// Deactivates it.
    fn deactivate(&mut self) -> anyhow::Result<()>;

    /// Processes one block: the voice in two channels of the same length; what comes out is added to `heard`.
    fn process(&mut self, voice: [&[f32]; 2], transport: Transport, heard: &mut Heard) -> anyhow::Result<()>;

    /// Sets a parameter by its name to a value as the plugin writes it, such as "Studio" or "2".
    fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()>;

    /// Presses a key on the note input at the first sample of the next block.
    fn press(&mut self, key: u8) -> anyhow::Result<()>;

    /// The buses.
    fn ports(&mut self) -> anyhow::Result<Ports>;

    /// The parameters.
    fn parameters(&mut self) -> anyhow::Result<Vec<ParameterInfo>>;

    /// The state.
    fn save(&mut self) -> anyhow::Result<Vec<u8>>;

    /// Restores a state.
    fn load(&mut self, state: &[u8]) -> anyhow::Result<()>;

    /// The latency in samples.
    fn latency(&mut self) -> anyhow::Result<usize>;

    /// Processes a whole voice from a position of the transport, which plays, in blocks of one size.
    fn play(
        &mut self,
        voice: &[f32],
        from: i64,
        tempo: f64,
        block: usize,
        heard: &mut Heard,
    ) -> anyhow::Result<()> {
        let mut at = from;
        for chunk in voice.chunks(block) {
            self.process([chunk, chunk], Transport::playing(at, tempo), heard)?;
            at += chunk.len() as i64;
        }
        Ok(())
    }

    /// Captures a voice that begins at a position of the transport, and waits until it has become a song. To be called
    /// in an offline activation.
    fn capture(&mut self, voice: &[f32], at: i64, block: usize) -> anyhow::Result<()> {
        self.set("Mode", "Studio")?;
        self.set("Capture", "On")?;
        // While the transport stands nothing is captured.
        self.stand(block, &mut Heard::default())?;
        self.play(voice, at, 120.0, block, &mut Heard::default())?;
        self.stand(block, &mut Heard::default())?;
        self.set("Capture", "Off")?;
        // The first block says that the capture has ended; the desk has done its work after the second; the live band
        // has faded away after the others.
        (0..4096_usize.div_ceil(block)).try_for_each(|_| self.stand(block, &mut Heard::default()))?;
        self.stand(block, &mut Heard::default())
    }

    /// Processes silence while the transport stands.
    fn stand(&mut self, frames: usize, heard: &mut Heard) -> anyhow::Result<()> {
        let silence = vec![0.0; frames];
        self.process([&silence, &silence], Transport::stopped(), heard)
    }
}

/// The demonstration song, sung.
pub fn demo_voice(rate: u32) -> Vec<f32> {
    let sung = collavoce::sing::demo().sing(collavoce::time::Hz(rate));
    sung.expect("the rate is supported").samples
}

/// The plugin in both formats.
pub fn both() -> anyhow::Result<Vec<Box<dyn Hosted>>> {
    Ok(vec![Box::new(ClapPlugin::open()?), Box::new(Vst3Plugin::open()?)])
}
