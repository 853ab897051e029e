//! Files -> what is heard and written.

use std::path::Path;

use super::{BounceError, Progress, Stage, analysis, hex};
use crate::audio::{Conversion, MonoInput, read_mono};
use crate::engine::{self, Session};
use crate::listen::PitchMethod;
use crate::song::{Mode, Settings, VocalSource};

/// What was heard of a recording, and written for it.
pub(super) struct Heard {
    /// The recording.
    pub input: MonoInput,
    /// What was heard beside it.
    pub beside: Option<MonoInput>,
    pub session: Session,
}

/// Reads a vocal file and runs it through the engine, without writing anything.
pub fn analyse(
    vocal: &Path,
    settings: &Settings,
    pitch: PitchMethod,
    progress: &mut Progress<'_>,
) -> Result<(MonoInput, Session), BounceError> {
    let Heard { input, session, .. } = hear_voice(vocal, None, settings, pitch, progress)?;
    Ok((input, session))
}

/// The same with the file of a sidechain, which is read as well.
pub(super) fn hear_voice(
    vocal: &Path,
    sidechain: Option<&Path>,
    settings: &Settings,
    pitch: PitchMethod,
    progress: &mut Progress<'_>,
) -> Result<Heard, BounceError> {
    let share = if sidechain.is_some() { 0.5 } else { 1.0 };
    let input = mono(vocal, settings.mode, &mut |stage, done| progress(stage, share * done))?;
    let mut read =
        |path: &Path| mono(path, settings.mode, &mut |stage, done| progress(stage, share + share * done));
    let beside = sidechain.map(&mut read).transpose()?;
    let heard = beside.as_ref().map_or(&[][..], |beside| &beside.samples);
    let mut cancelled = false;
    let session = engine::run_beside(&input.samples, heard, settings, pitch, &mut |done| {
        cancelled |= progress(Stage::Compose, done).is_break();
    })
    .map_err(|source| BounceError::Engine { path: vocal.to_owned(), source })?;
    if cancelled {
        return Err(BounceError::Cancelled);
    }
    Ok(Heard { input, beside, session })
}

/// Reads a file as the engine hears it.
pub(super) fn mono(path: &Path, mode: Mode, progress: &mut Progress<'_>) -> Result<MonoInput, BounceError> {
    let conversion = match mode {
        Mode::Studio => Conversion::Whole,
        Mode::Live => Conversion::Streaming,
    };
    let mut cancelled = false;
    let input = read_mono(path, conversion, &mut |done| cancelled |= progress(Stage::Read, done).is_break())?;
    if cancelled { Err(BounceError::Cancelled) } else { Ok(input) }
}
/// What a song says of a file that was read.
pub(super) fn source_of(path: &Path, input: &MonoInput) -> VocalSource {
    VocalSource {
        file: path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        sha256: hex(&input.sha256),
        sample_rate: input.rate.0,
        channels: input.channels as u32,
        duration_s: analysis::round(input.duration_s),
    }
}
