//! The band's sounds: a SoundFont is read here, at the desk, and is used in the activations that find it read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use collavoce::bounce::sounds::{SoundsError, found_bank, read_bank, sounds_of};
use collavoce::instrument::{SoundBank, Sounds};
use collavoce::score::Part;

use super::{Clerk, Common};
use crate::bundled::BUNDLED;
use crate::params::{CollavoceParams, SoundsChoice};

/// How long an activation waits for a SoundFont: in a render that may take its time, and elsewhere.
const OFFLINE_PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it looks whether it is there.
const GLANCE: Duration = Duration::from_millis(2);

/// What was read, and what for.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The wish that it was read for.
    wish: Wish,
    /// The sounds; built-in where what was wished for cannot be played.
    pub(super) sounds: Sounds,
}

/// What is wished for: none are the built-in sounds, an empty name the bank that was bundled, else the one that the system has.
type Wish = Option<String>;

fn wish(params: &CollavoceParams) -> Wish {
    (params.sounds.value() == SoundsChoice::Sampled).then(|| params.sound_file.get())
}

/// Whether a file is named as SoundFonts are.
pub(super) fn is_bank(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    matches!(extension.as_deref(), Some("sf2" | "sf3"))
}

impl Common {
    /// The sounds for an activation that begins: what is wished for if it is read by its deadline, else the built-in
    /// ones. In a render that may take its time the deadline is so late that it does not matter how fast a disk is.
    pub fn sounds_at_activation(&self, desk: &Thread, is_offline: bool) -> Sounds {
        let begun = Instant::now();
        let patience = if is_offline { OFFLINE_PATIENCE } else { PATIENCE };
        loop {
            {
                let read = self.sounds.lock();
                if read.wish == wish(&self.params) {
                    return read.sounds.clone();
                }
            }
            if begun.elapsed() > patience || self.params.capture.value() {
                return Sounds::default();
            }
            desk.unpark();
            std::thread::sleep(GLANCE);
        }
    }
}

impl Clerk {
    /// Keeps a file as the band's sound.
    pub(super) fn keep_bank(&mut self, path: &Path) -> Result<(), String> {
        let name = path.to_str().ok_or_else(|| format!("{} is no name in Unicode", path.display()))?;
        self.common.params.sound_file.keep(name.to_owned());
        self.message = format!("{name} is what the band sounds like where Sounds is sampled.");
        Ok(())
    }

    /// Reads what is wished for, if it is something new. While something is captured nothing is read: it would have to
    /// wait too long.
    pub(super) fn follow_sounds(&mut self) {
        let wish = wish(&self.common.params);
        if self.common.sounds.lock().wish == wish || self.common.params.capture.value() {
            return;
        }
        let sounds = match &wish {
            None => Sounds::default(),
            Some(file) => self.read_sounds(file),
        };
        *self.common.sounds.lock() = Read { wish, sounds };
        self.common.shared.tell_sounds();
    }

    fn read_sounds(&mut self, file: &str) -> Sounds {
        self.show_work("Reading the SoundFont", 0.0);
        match sounds_in(file) {
            Ok((sounds, bank)) => {
                self.message = format!("The band is sampled: {}, from the next start on.", bank.name());
                sounds
            }
            Err(error) => {
                self.message = format!("{error}. The built-in sounds play.");
                Sounds::default()
            }
        }
    }
}

/// The sounds of a file; of an empty name those of the bank that was bundled, else of the one that the system has.
fn sounds_in(file: &str) -> Result<(Sounds, Arc<SoundBank>), SoundsError> {
    let (path, bank) = match BUNDLED.filter(|_| file.is_empty()) {
        Some(bytes) => {
            let path = PathBuf::from("the bundled SoundFont");
            let bank = SoundBank::parse(bytes.to_vec());
            (path.clone(), Arc::new(bank.map_err(|source| SoundsError::Bank { path, source })?))
        }
        None => {
            let path = if file.is_empty() { found_bank()? } else { file.into() };
            (path.clone(), read_bank(&path)?)
        }
    };
    Ok((sounds_of(&path, &bank, &Part::ALL)?, bank))
}
