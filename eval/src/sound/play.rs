//! The same events played by our instruments and by sampled banks, dry: no room, no place, no ceiling.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use collavoce::audio::StereoBlock;
use collavoce::instrument::{Instrument, Tone, built_in};
use collavoce::perform::{EventKind, NoteEvent};
use collavoce::score::Part;
use collavoce::song::Seed;
use collavoce::time::{Hz, SampleTime};
use rustysynth_ext::{SoundFont, Synthesizer, SynthesizerSettings};

pub const RATE: Hz = Hz(48_000);
/// Samples that our instruments render at once.
const BLOCK: usize = 512;
/// Samples that a bank's player renders at once: the coarsest that its onsets are.
const BANK_BLOCK: usize = 8;
/// General MIDI's channel of drums, counted from 0.
const DRUMS: i32 = 9;
/// Where Debian's packages put banks.
const FOLDERS: [&str; 2] = ["/usr/share/sounds/sf2", "/usr/share/sounds/sf3"];

/// Both channels, of one length.
pub type Stereo = (Vec<f32>, Vec<f32>);

/// Somebody who plays.
pub enum Player {
    /// The instruments of this program, with a seed.
    Ours(Seed),
    /// A sampled bank.
    Bank {
        /// The file's name without its extension.
        name: String,
        /// What it holds.
        font: Arc<SoundFont>,
    },
}

impl Player {
    /// Opens a bank.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let mut file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let font = SoundFont::new(&mut file)
            .map_err(|error| anyhow::anyhow!("{} is no sound font: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self::Bank { name, font: Arc::new(font) })
    }

    /// Who it is.
    pub fn name(&self) -> &str {
        match self {
            Self::Ours(_) => "built in",
            Self::Bank { name, .. } => name,
        }
    }

    /// Whether it has an instrument for a part.
    pub fn has(&self, part: Part) -> bool {
        let wanted = if part == Part::Drums { (128, 0) } else { (0, i32::from(part.midi_program())) };
        match self {
            Self::Ours(_) => true,
            Self::Bank { font, .. } => font
                .get_presets()
                .iter()
                .any(|preset| (preset.get_bank_number(), preset.get_patch_number()) == wanted),
        }
    }

    /// Plays `events` of a part for `frames` samples at a rate.
    pub fn play(&self, part: Part, events: &[NoteEvent], frames: usize, rate: Hz) -> anyhow::Result<Stereo> {
        match self {
            Self::Ours(seed) => {
                Ok(play_ours(&mut *built_in(part, rate, *seed, &Tone::default()), events, frames))
            }
            Self::Bank { font, .. } => play_bank(font, part, events, frames, rate),
        }
    }
}

/// Every bank that is installed.
pub fn installed() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = FOLDERS
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        // Links to a default would measure a bank twice.
        .filter(|path| !path.is_symlink())
        .collect();
    found.sort();
    found
}

fn play_ours(instrument: &mut dyn Instrument, events: &[NoteEvent], frames: usize) -> Stereo {
    let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
    let mut done = 0;
    for from in (0..frames).step_by(BLOCK) {
        let to = frames.min(from + BLOCK);
        let until = events[done..].iter().take_while(|event| (event.at.0 as usize) < to).count();
        let mut out = StereoBlock { left: &mut left[from..to], right: &mut right[from..to] };
        instrument.process(SampleTime(from as i64), &events[done..done + until], &mut out);
        done += until;
    }
    (left, right)
}

fn play_bank(
    font: &Arc<SoundFont>,
    part: Part,
    events: &[NoteEvent],
    frames: usize,
    rate: Hz,
) -> anyhow::Result<Stereo> {
    let mut settings = SynthesizerSettings::new(rate.0 as i32);
    (settings.block_size, settings.enable_reverb_and_chorus) = (BANK_BLOCK, false);
    settings.maximum_polyphony = 256;
    let mut synth = Synthesizer::new(font, &settings)?;
    let channel = if part == Part::Drums { DRUMS } else { 0 };
    synth.process_midi_message(channel, 0xC0, i32::from(part.midi_program()), 0);
    let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
    let mut sounding = std::collections::BTreeMap::new();
    let mut next = 0;
    for from in (0..frames).step_by(BANK_BLOCK) {
        let to = frames.min(from + BANK_BLOCK);
        while let Some(event) = events.get(next).filter(|event| event.at.0 as usize <= from) {
            next += 1;
            match event.kind {
                EventKind::NoteOn { id, pitch, velocity, .. } => {
                    sounding.insert(id, pitch.0);
                    synth.note_on(channel, i32::from(pitch.0), i32::from(velocity.get()));
                }
                EventKind::NoteOff { id } => {
                    if let Some(pitch) = sounding.remove(&id) {
                        synth.note_off(channel, i32::from(pitch));
                    }
                }
                EventKind::Expression { value } => {
                    synth.process_midi_message(channel, 0xB0, 0x0B, (value * 127.0).round() as i32);
                }
                EventKind::Tuning { .. } => {}
            }
        }
        synth.render(&mut left[from..to], &mut right[from..to]);
    }
    Ok((left, right))
}

/// The mean of both channels.
pub fn mono(sound: &Stereo) -> Vec<f32> {
    sound.0.iter().zip(&sound.1).map(|(l, r)| 0.5 * (l + r)).collect()
}
