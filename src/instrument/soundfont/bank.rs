//! A SoundFont: bytes to something that can be played.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use rustysynth_ext::SoundFont;
use sha2::{Digest as _, Sha256};

use super::riff::Chunks;
use crate::audio::guarded;
use crate::limits::{MAX_BANK_BYTES, MAX_BANK_REGIONS, MAX_BANK_SAMPLES};
use crate::score::Part;

/// The bank of General MIDI's drum kits.
pub(super) const KITS: i32 = 128;
/// Most presets of a bank that is no General MIDI set, but one instrument and some of its kin.
const FEW_PRESETS: usize = 16;

/// A SoundFont that cannot be played.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BankError {
    /// The file is too large.
    #[error("it has {bytes} bytes; at most {max} are read as a SoundFont", max = MAX_BANK_BYTES)]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// The file cannot be read as a SoundFont.
    #[error("it cannot be read as a SoundFont (SF2, or SF3 with Ogg Vorbis): {0}")]
    Format(String),
    /// It would fill the memory.
    #[error("its sounds may have {samples} samples once they are unpacked; at most {max} are taken", max = MAX_BANK_SAMPLES)]
    TooLong {
        /// How many.
        samples: u64,
    },
    /// It would be too slow.
    #[error("its preset {preset:?} has {regions} regions; at most {max} are taken", max = MAX_BANK_REGIONS)]
    TooManyRegions {
        /// The preset.
        preset: String,
        /// How many.
        regions: usize,
    },
    /// It is to play everything and holds one instrument.
    #[error(
        "it holds one instrument, not a set for a band; name the part that it is for, such as guitar=FILE"
    )]
    OneInstrument,
    /// It holds no sound for a part.
    #[error(
        "it holds nothing for the {part}: {wanted} would do; name another file for that part, or built-in"
    )]
    NoPart {
        /// The part.
        part: Part,
        /// What would do.
        wanted: &'static str,
    },
}

/// Where a sound stands in a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Preset {
    /// General MIDI's bank; [`KITS`] are drums.
    pub bank: i32,
    /// The program, counted from 0.
    pub program: i32,
}

/// A SoundFont that was read and can be played.
pub struct SoundBank {
    font: Arc<SoundFont>,
    name: String,
    sha256: String,
    copyright: String,
    presets: Vec<Preset>,
}

impl fmt::Debug for SoundBank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoundBank")
            .field("name", &self.name)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl SoundBank {
    /// Reads the bytes of a file. It takes its time and its memory, and is no work for a thread of audio.
    pub fn parse(mut bytes: Vec<u8>) -> Result<Self, BankError> {
        if bytes.len() as u64 > MAX_BANK_BYTES {
            return Err(BankError::TooLarge { bytes: bytes.len() as u64 });
        }
        let chunks = Chunks::find(&bytes).map_err(BankError::Format)?;
        let samples = chunks.sample_count(&bytes).map_err(BankError::Format)?;
        if samples > MAX_BANK_SAMPLES {
            return Err(BankError::TooLong { samples });
        }
        let sha256 = Sha256::digest(&bytes).iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        chunks.without_exclusive_classes(&mut bytes);
        let font = match guarded(|| SoundFont::new(&mut bytes.as_slice())) {
            None => return Err(BankError::Format("it says something impossible".to_owned())),
            Some(Err(error)) => return Err(BankError::Format(error.to_string())),
            Some(Ok(font)) => font,
        };
        let instruments = font.get_instruments();
        for preset in font.get_presets() {
            let inside =
                |id: usize| instruments.get(id).map_or(0, |instrument| instrument.get_regions().len());
            let regions = preset.get_regions().iter().map(|region| inside(region.get_instrument_id())).sum();
            if regions > MAX_BANK_REGIONS {
                return Err(BankError::TooManyRegions { preset: preset.get_name().to_owned(), regions });
            }
        }
        let preset = |preset: &rustysynth_ext::Preset| Preset {
            bank: preset.get_bank_number(),
            program: preset.get_patch_number(),
        };
        let mut presets: Vec<Preset> = font.get_presets().iter().map(preset).collect();
        presets.sort_unstable_by_key(|preset| (preset.bank, preset.program));
        let said = |text: &str| text.trim().to_owned();
        let name = said(font.get_info().get_bank_name());
        Ok(Self {
            name: if name.is_empty() { "without a name".to_owned() } else { name },
            copyright: said(font.get_info().get_copyright()),
            sha256,
            presets,
            font: Arc::new(font),
        })
    }

    /// What it calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What it says of its copyright; empty if it says nothing.
    pub fn copyright(&self) -> &str {
        &self.copyright
    }

    pub(super) fn font(&self) -> &Arc<SoundFont> {
        &self.font
    }

    fn has(&self, preset: Preset) -> bool {
        self.presets.contains(&preset)
    }

    /// The sound for a part: that of General MIDI, or what comes near it. A bank that holds one instrument only gives
    /// that one.
    pub(super) fn preset_for(&self, part: Part) -> Result<Preset, BankError> {
        let (programs, wanted): (&[i32], _) = match part {
            Part::Guitar => (&[25, 24, 26, 27], "General MIDI's guitars (25 to 28)"),
            Part::Strings => (&[48, 49, 50, 44, 41, 40, 42], "General MIDI's strings (41 to 51)"),
            Part::Bass => (&[33, 34, 32, 35], "General MIDI's basses (33 to 36)"),
            Part::Drums => (&[0, 8, 16, 32], "a drum kit in bank 128"),
        };
        let bank = if part == Part::Drums { KITS } else { 0 };
        let known = programs.iter().map(|program| Preset { bank, program: *program }).find(|p| self.has(*p));
        let any_kit = || self.presets.iter().find(|preset| part == Part::Drums && preset.bank == KITS);
        let alone = || self.presets.first().filter(|first| self.is_one_instrument() && first.bank < KITS);
        known
            .or_else(|| any_kit().copied())
            .or_else(|| alone().copied())
            .ok_or(BankError::NoPart { part, wanted })
    }

    /// A melodic program, if it is there.
    pub(super) fn program(&self, program: i32) -> Option<Preset> {
        Some(Preset { bank: 0, program }).filter(|preset| self.has(*preset))
    }

    /// Whether the bank is one instrument with its variants rather than a set for everything.
    pub fn is_one_instrument(&self) -> bool {
        let banks = |kits: bool| self.presets.iter().any(|preset| (preset.bank >= KITS) == kits);
        self.presets.len() <= FEW_PRESETS && !(banks(true) && banks(false))
    }
}
