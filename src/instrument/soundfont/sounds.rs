//! Who plays each part.

use std::sync::Arc;

use super::bank::{BankError, Preset, SoundBank};
use super::level::trim_db;
use crate::instrument::Tone;
use crate::score::Part;

// General MIDI's programs for other ways to play, counted from 0.
const MUTED_GUITAR: i32 = 28;
const TREMOLO: i32 = 44;
const PIZZICATO: i32 = 45;

/// A part's sound in a bank, brought to the level of the built-in one.
#[derive(Debug, Clone)]
pub struct Sampling {
    pub(super) bank: Arc<SoundBank>,
    pub(super) preset: Preset,
    /// What palm-muted, plucked and trembling notes are played with, where it is something else.
    pub(super) muted: Option<Preset>,
    pub(super) plucked: Option<Preset>,
    pub(super) trembling: Option<Preset>,
    pub(super) gain_db: f32,
}

impl Sampling {
    /// Where it comes from.
    pub fn bank(&self) -> &SoundBank {
        &self.bank
    }

    /// What it takes to be as loud as the built-in sound, in dB beside what it usually takes.
    pub fn gain_db(&self) -> f32 {
        self.gain_db
    }
}

/// The sounds of all parts: built-in, in the usual tone, unless something else is set.
#[derive(Debug, Clone, Default)]
pub struct Sounds {
    tone: Tone,
    sampled: [Option<Arc<Sampling>>; 4],
}

impl Sounds {
    /// The same with another tone: other built-in instruments, and other places of all parts.
    pub fn toned(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// How the band is equipped, and where everybody stands.
    pub fn tone(&self) -> &Tone {
        &self.tone
    }

    /// The sampled sound of a part; none is the built-in one.
    pub fn of(&self, part: Part) -> Option<&Arc<Sampling>> {
        self.sampled[part.index()].as_ref()
    }

    /// Whether every part has its built-in sound.
    pub fn are_built_in(&self) -> bool {
        self.sampled.iter().all(Option::is_none)
    }

    /// Gives a part the sound of a bank. Both the bank's and the built-in sound are played to find how loud it has to be:
    /// it takes some tenths of a second.
    pub fn sample(&mut self, part: Part, bank: &Arc<SoundBank>) -> Result<(), BankError> {
        let preset = bank.preset_for(part)?;
        let beside = |of, program| bank.program(program).filter(|_| part == of && preset.bank == 0);
        let mut sampling = Sampling {
            bank: bank.clone(),
            preset,
            muted: beside(Part::Guitar, MUTED_GUITAR),
            plucked: beside(Part::Strings, PIZZICATO),
            trembling: beside(Part::Strings, TREMOLO),
            gain_db: 0.0,
        };
        sampling.gain_db = trim_db(part, &sampling);
        self.sampled[part.index()] = Some(Arc::new(sampling));
        Ok(())
    }

    /// Takes the sounds of some parts over from others.
    pub fn take(&mut self, others: &Self, parts: &[Part]) {
        for part in parts {
            self.sampled[part.index()].clone_from(&others.sampled[part.index()]);
        }
    }
}
