//! All open melodies, split by song.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::tune::Tune;
use crate::{abc, chorale, musicxml};

/// What a song is for: the same song is always on the same side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Statistics are counted on it.
    Learn,
    /// Constants are chosen on it.
    Develop,
    /// Figures are reported on it.
    Validate,
}

impl Split {
    /// The side of a name.
    pub fn of(name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        match hash % 10 {
            0..7 => Self::Learn,
            7 | 8 => Self::Develop,
            _ => Self::Validate,
        }
    }
}

/// The open melodies of one set.
#[derive(Debug)]
pub struct Set {
    /// Its name.
    pub name: &'static str,
    /// Its tunes.
    pub tunes: Vec<(Split, Tune)>,
    /// Files or tunes that could not be read.
    pub refused: usize,
}

/// Reads folk tunes (Nottingham), public-domain lead sheets and the voices of art songs (OpenScore Lieder).
pub fn read(folder: &Path) -> anyhow::Result<Vec<Set>> {
    let folk = std::fs::read(folder.join("nottingham/nottingham.abc"))
        .with_context(|| format!("{} does not hold nottingham/nottingham.abc", folder.display()))?;
    let (folk, refused) = abc::read(&String::from_utf8_lossy(&folk));
    let folk = Set { name: "folk tunes", tunes: split(folk), refused: refused.len() };

    let permitted = musicxml::permitted(&folder.join("openewld_le1930.json"))?;
    let sheets = files(&folder.join("openewld"))?
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| permitted.contains(&*name.to_string_lossy())));
    let sheets = collect("lead sheets", sheets.map(|file| musicxml::read(&file)));
    let songs = files(&folder.join("lieder"))?.into_iter().map(|file| musicxml::read_voice(&file));
    Ok(vec![folk, sheets, collect("art songs", songs)])
}

/// Reads songs whose harmony is what their accompaniment sounds: art songs (OpenScore Lieder), chorales (J. S. Bach).
pub fn read_accompanied(folder: &Path) -> anyhow::Result<Vec<Set>> {
    let songs = files(&folder.join("lieder"))?.into_iter().map(|file| musicxml::read_song(&file));
    let chorales = chorale::read(&folder.join("jsb/jsb16.json"))?;
    Ok(vec![collect("art songs", songs), collect("chorales", chorales.into_iter())])
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|ext| ext == "mxl"));
    files.sort();
    Ok(files)
}

fn collect(name: &'static str, read: impl Iterator<Item = Result<Tune, String>>) -> Set {
    let (mut tunes, mut refused) = (Vec::new(), 0);
    for tune in read {
        match tune {
            Ok(tune) => tunes.push(tune),
            Err(_) => refused += 1,
        }
    }
    Set { name, tunes: split(tunes), refused }
}

fn split(tunes: Vec<Tune>) -> Vec<(Split, Tune)> {
    tunes.into_iter().map(|tune| (Split::of(&tune.name), tune)).collect()
}
