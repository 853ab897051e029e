//! A band for a voice that lies in a mix: the voice leads, what is played with it says chords, key and beat.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::output::Output;
use super::read::{Heard, hear_voice, mono};
use super::separate::{SeparateRequest, parts_into};
use super::{BounceError, BounceRequest, Progress, Stage};
use crate::engine::{self, InMix};
use crate::separate::InputKind;
use crate::song::{Isolate, Mode, Settings, VocalSource};

/// A voice and what it is sung with.
pub(super) struct Isolated {
    voice: PathBuf,
    backing: PathBuf,
    /// The recording of both, if it is one.
    mix: Option<PathBuf>,
    /// What is known of that.
    pub source: Option<VocalSource>,
    /// Files written into the folder.
    pub files: Vec<String>,
    /// How the voice was found.
    pub report: Option<Value>,
}

impl Isolated {
    /// Takes the vocal out of its mix, or takes the backing that was named; none where the file is the voice.
    pub(super) fn prepare(
        request: &BounceRequest<'_>,
        output: &Output,
        progress: &mut Progress<'_>,
    ) -> Result<Option<Self>, BounceError> {
        if let Some(backing) = &request.backing {
            return Ok(Some(Self {
                voice: request.vocal.clone(),
                backing: backing.clone(),
                mix: None,
                source: None,
                files: Vec::new(),
                report: None,
            }));
        }
        if request.settings.isolate == Isolate::Off {
            return Ok(None);
        }
        let work = SeparateRequest {
            is_live: request.settings.mode == Mode::Live,
            format: request.format,
            ..SeparateRequest::new(&request.vocal, &request.out)
        };
        let is_wanted = |kind: InputKind| request.settings.isolate == Isolate::On || kind.is_mix();
        let Some(parts) = parts_into(&work, output, &is_wanted, progress)? else { return Ok(None) };
        Ok(Some(Self {
            voice: output.path(&parts.files[0]),
            backing: output.path(&parts.files[1]),
            mix: Some(request.vocal.clone()),
            source: Some(parts.source),
            files: parts.files,
            report: Some(parts.report),
        }))
    }

    /// The recordings that the singer is heard in, with all that is played there.
    pub(super) fn sounding(&self) -> Vec<&Path> {
        match &self.mix {
            Some(mix) => vec![mix],
            None => vec![&self.voice, &self.backing],
        }
    }

    /// Listens to both and writes a score. Live the engine isolates the voice by itself, as it would have to.
    pub(super) fn hear(
        &self,
        request: &BounceRequest<'_>,
        settings: &Settings,
        progress: &mut Progress<'_>,
    ) -> Result<Heard, BounceError> {
        let sidechain = request.sidechain.as_deref();
        if settings.mode == Mode::Live {
            return match &self.mix {
                Some(mix) => hear_voice(mix, sidechain, settings, request.pitch, progress),
                None => {
                    let beside = sidechain.or(Some(&self.backing));
                    hear_voice(&self.voice, beside, settings, request.pitch, progress)
                }
            };
        }
        let mut read = |path: &Path| mono(path, settings.mode, progress);
        let input = read(self.mix.as_deref().unwrap_or(&self.voice))?;
        let isolated = if self.mix.is_some() { Some(read(&self.voice)?) } else { None };
        let backing = read(&self.backing)?;
        let beside = sidechain.map(&mut read).transpose()?;
        if progress(Stage::Compose, 0.0).is_break() {
            return Err(BounceError::Cancelled);
        }
        let heard = InMix {
            voice: &isolated.as_ref().unwrap_or(&input).samples,
            backing: &beside.as_ref().unwrap_or(&backing).samples,
            harmony: if isolated.is_some() { &input.samples } else { &backing.samples },
        };
        let mut cancelled = false;
        let session = engine::run_in_mix(heard, settings, request.pitch, &mut |done| {
            cancelled |= progress(Stage::Compose, done).is_break();
        })
        .map_err(|source| BounceError::Engine { path: request.vocal.clone(), source })?;
        if cancelled {
            return Err(BounceError::Cancelled);
        }
        let beside = if self.mix.is_some() { beside } else { beside.or(Some(backing)) };
        Ok(Heard { input, beside, session })
    }
}
