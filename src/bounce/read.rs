//! Files -> what is heard and written.

use std::path::Path;

use super::{BounceError, Progress, Stage, analysis, hex};
use crate::audio::{Conversion, MonoInput, read_mono};
use crate::engine::{self, Session};
use crate::listen::PitchMethod;
use crate::song::{Mode, Settings, VocalSource};

/// Reads a vocal file and runs it through the engine, without writing anything.
pub fn analyse(
    vocal: &Path,
    settings: &Settings,
    pitch: PitchMethod,
    progress: &mut Progress<'_>,
) -> Result<(MonoInput, Session), BounceError> {
    let (input, _, session) = analyse_beside(vocal, None, settings, pitch, progress)?;
    Ok((input, session))
}

/// The same with the file of a sidechain, which is read as well.
pub(super) fn analyse_beside(
    vocal: &Path,
    sidechain: Option<&Path>,
    settings: &Settings,
    pitch: PitchMethod,
    progress: &mut Progress<'_>,
) -> Result<(MonoInput, Option<MonoInput>, Session), BounceError> {
    let mut cancelled = false;
    let mut tell = |stage, done, cancelled: &mut bool| {
        *cancelled |= progress(stage, done).is_break();
    };
    let conversion = match settings.mode {
        Mode::Studio => Conversion::Whole,
        Mode::Live => Conversion::Streaming,
    };
    let share = if sidechain.is_some() { 0.5 } else { 1.0 };
    let input = read_mono(vocal, conversion, &mut |done| tell(Stage::Read, share * done, &mut cancelled))?;
    let mut read = |path| {
        read_mono(path, conversion, &mut |done| tell(Stage::Read, share + share * done, &mut cancelled))
    };
    let beside = sidechain.map(&mut read).transpose()?;
    if cancelled {
        return Err(BounceError::Cancelled);
    }
    let heard = beside.as_ref().map_or(&[][..], |beside| &beside.samples);
    let session = engine::run_beside(&input.samples, heard, settings, pitch, &mut |done| {
        tell(Stage::Compose, done, &mut cancelled);
    })
    .map_err(|source| BounceError::Engine { path: vocal.to_owned(), source })?;
    if cancelled {
        return Err(BounceError::Cancelled);
    }
    Ok((input, beside, session))
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
