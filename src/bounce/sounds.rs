//! SoundFonts on disk: where they lie, and which part gets which.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::instrument::{BankError, SoundBank, Sounds};
use crate::limits::MAX_BANK_BYTES;
use crate::score::Part;
use crate::song::SoundSource;

/// Banks that are looked for first, in this order; the names are those of packages and downloads.
const WELL_KNOWN: [&str; 8] = [
    "FluidR3_GM.sf2",
    "MuseScore_General.sf2",
    "MuseScore_General.sf3",
    "MuseScore_General_Lite.sf3",
    "FluidR3Mono_GM.sf3",
    "GeneralUser-GS.sf2",
    "TimGM6mb.sf2",
    "default-GM.sf2",
];

/// A sound that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SoundsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be played.
    #[error("{path} cannot be played: {source}", path = path.display())]
    Bank {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BankError,
    },
    /// No bank is there.
    #[error(
        "no SoundFont was found in {}; on Debian and Ubuntu `sudo apt install fluid-soundfont-gm` brings one, or name a \
         file",
        looked.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotFound {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
}

/// Which sound is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoundChoice {
    /// The built-in one.
    BuiltIn,
    /// That of the bank that lies where the system keeps them.
    Found,
    /// That of a file.
    File(PathBuf),
}

/// Which sound one part or all of them are to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundWish {
    /// The part; none means every part.
    pub part: Option<Part>,
    /// Its sound.
    pub choice: SoundChoice,
}

impl FromStr for SoundWish {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        // A name of a file may hold a sign of equality, too.
        let (part, sound) = match text.split_once('=').map(|(part, sound)| (part.parse(), sound)) {
            Some((Ok(part), sound)) => (Some(part), sound),
            _ => (None, text),
        };
        let choice = match sound.trim() {
            "" => return Err("write built-in, found, a file, or PART= and one of them".to_owned()),
            "built-in" => SoundChoice::BuiltIn,
            "found" => SoundChoice::Found,
            path => SoundChoice::File(path.into()),
        };
        Ok(Self { part, choice })
    }
}

impl fmt::Display for SoundWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(part) = self.part {
            write!(f, "{part}=")?;
        }
        match &self.choice {
            SoundChoice::BuiltIn => f.write_str("built-in"),
            SoundChoice::Found => f.write_str("found"),
            SoundChoice::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Where this system keeps SoundFonts: the user's folders before those of all.
pub fn sound_folders() -> Vec<PathBuf> {
    folders_by(&|name| std::env::var_os(name))
}

fn folders_by(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let path = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let mut folders = Vec::new();
    let mut add = |base: PathBuf, below: &[&str]| {
        for folder in below.iter().map(|below| base.join(below)) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    };
    const BELOW: [&str; 4] = ["soundfonts", "sounds/sf2", "sounds/sf3", "sounds/soundfonts"];
    if cfg!(windows) {
        for name in ["LOCALAPPDATA", "APPDATA", "PROGRAMDATA", "COMMONPROGRAMFILES"] {
            if let Some(base) = path(name) {
                add(base, &["SoundFonts", "soundfonts"]);
            }
        }
        return folders;
    }
    if let Some(home) = path("HOME") {
        add(path("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")), &BELOW);
        if cfg!(target_os = "macos") {
            add(home, &["Library/Audio/Sounds/Banks"]);
        }
    }
    if cfg!(target_os = "macos") {
        add("/".into(), &["Library/Audio/Sounds/Banks"]);
        add("/opt/homebrew/share".into(), &BELOW);
    }
    let shared = variable("XDG_DATA_DIRS").unwrap_or_default();
    for base in std::env::split_paths(&shared).filter(|path| path.is_absolute()) {
        add(base, &BELOW);
    }
    for base in ["/usr/local/share", "/usr/share"] {
        add(base.into(), &BELOW);
    }
    folders
}

/// The bank to take from some folders: a well-known one before others, else the first by name.
pub fn found_in(folders: &[PathBuf]) -> Option<PathBuf> {
    let named = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    WELL_KNOWN
        .iter()
        .find_map(|name| named(name))
        .or_else(|| folders.iter().find_map(|folder| first_in(folder)))
}

fn first_in(folder: &Path) -> Option<PathBuf> {
    let is_bank = |path: &PathBuf| {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        matches!(extension.as_deref(), Some("sf2" | "sf3")) && path.is_file()
    };
    std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).filter(is_bank).min()
}

/// The bank that lies where this system keeps them.
pub fn found_bank() -> Result<PathBuf, SoundsError> {
    let looked = sound_folders();
    found_in(&looked).ok_or(SoundsError::NotFound { looked })
}

/// Reads a bank. It takes seconds, and up to twice the file's size in memory, a packed one's ten times.
pub fn read_bank(path: &Path) -> Result<Arc<SoundBank>, SoundsError> {
    let cannot = |source| SoundsError::Read { path: path.to_owned(), source };
    let broken = |source| SoundsError::Bank { path: path.to_owned(), source };
    let about = std::fs::metadata(path).map_err(cannot)?;
    if !about.is_file() {
        return Err(cannot(std::io::Error::other("it is no file")));
    }
    if about.len() > MAX_BANK_BYTES {
        return Err(broken(BankError::TooLarge { bytes: about.len() }));
    }
    let bank = SoundBank::parse(std::fs::read(path).map_err(cannot)?).map_err(broken)?;
    Ok(Arc::new(bank))
}

/// Every part with the sound of a bank that has it; the other parts are built-in. An error if it has none of them.
pub fn sounds_of(path: &Path, bank: &Arc<SoundBank>, parts: &[Part]) -> Result<Sounds, SoundsError> {
    // One instrument for everything is never meant.
    if bank.is_one_instrument() && parts.len() > 1 {
        return Err(SoundsError::Bank { path: path.to_owned(), source: BankError::OneInstrument });
    }
    let mut sounds = Sounds::default();
    let mut failure = None;
    for part in parts {
        if let Err(source) = sounds.sample(*part, bank) {
            failure.get_or_insert(source);
        }
    }
    match failure {
        Some(source) if sounds.are_built_in() => Err(SoundsError::Bank { path: path.to_owned(), source }),
        _ => Ok(sounds),
    }
}

/// The sounds that are wished for, the later wish before the earlier. Only the sounds of `parts` are read.
pub fn wished_sounds(wishes: &[SoundWish], parts: &[Part]) -> Result<Sounds, SoundsError> {
    let mut sounds = Sounds::default();
    let mut banks: Vec<(PathBuf, Arc<SoundBank>)> = Vec::new();
    let mut bank = |choice: &SoundChoice| {
        let path = match choice {
            SoundChoice::BuiltIn => return Ok(None),
            SoundChoice::Found => found_bank()?,
            SoundChoice::File(path) => path.clone(),
        };
        if let Some(known) = banks.iter().find(|(known, _)| *known == path) {
            return Ok(Some(known.clone()));
        }
        banks.push((path.clone(), read_bank(&path)?));
        Ok(banks.last().cloned())
    };
    for part in parts {
        // A wish for this part alone goes before one for all.
        let meant = wishes.iter().rev().find(|wish| wish.part == Some(*part));
        if let Some(wish) = meant
            && let Some((path, bank)) = bank(&wish.choice)?
        {
            sounds.sample(*part, &bank).map_err(|source| SoundsError::Bank { path, source })?;
        }
    }
    let alone = |part: &Part| wishes.iter().any(|wish| wish.part == Some(*part));
    let others: Vec<Part> = parts.iter().copied().filter(|part| !alone(part)).collect();
    if let Some(wish) = wishes.iter().rev().find(|wish| wish.part.is_none()).filter(|_| !others.is_empty())
        && let Some((path, bank)) = bank(&wish.choice)?
    {
        sounds.take(&sounds_of(&path, &bank, &others)?, &others);
    }
    Ok(sounds)
}

/// What song files and reports say of sounds; nothing of those that are built in.
pub fn sources_of(sounds: &Sounds, parts: &[Part]) -> Vec<SoundSource> {
    let source = |part: &Part| {
        let sampling = sounds.of(*part)?;
        let bank = sampling.bank();
        Some(SoundSource {
            part: *part,
            name: bank.name().to_owned(),
            sha256: bank.sha256().to_owned(),
            copyright: bank.copyright().to_owned(),
        })
    };
    parts.iter().filter_map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in names {
            std::fs::write(folder.path().join(name), b"RIFF").expect("a temporary file");
        }
        folder
    }

    #[test]
    fn well_known_banks_go_before_others_and_names_before_folders() {
        let mine = folder_with(&["b.sf2", "A.SF3", "notes.txt"]);
        let theirs = folder_with(&["MuseScore_General_Lite.sf3", "FluidR3_GM.sf2"]);
        let (mine_at, theirs_at) = (mine.path().to_owned(), theirs.path().to_owned());
        let found =
            |folders: &[&PathBuf]| found_in(&folders.iter().map(|f| (*f).clone()).collect::<Vec<_>>());
        assert_eq!(found(&[&mine_at, &theirs_at]), Some(theirs_at.join("FluidR3_GM.sf2")));
        assert_eq!(found(&[&mine_at]), Some(mine_at.join("A.SF3")));
        std::fs::remove_file(theirs_at.join("FluidR3_GM.sf2")).expect("it is there");
        assert_eq!(found(&[&mine_at, &theirs_at]), Some(theirs_at.join("MuseScore_General_Lite.sf3")));
        let none = folder_with(&["readme"]);
        assert_eq!(found(&[&none.path().to_owned(), &none.path().join("gone")]), None);
        // A folder of that name is no bank.
        std::fs::create_dir(none.path().join("FluidR3_GM.sf2")).expect("a temporary folder");
        assert_eq!(found(&[&none.path().to_owned()]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn folders_are_those_of_the_user_then_those_of_all() {
        let folders = folders_by(&|name| match name {
            "HOME" => Some("/u".into()),
            "XDG_DATA_DIRS" => Some("/opt/share:/usr/share:relative".into()),
            _ => None,
        });
        let place = |path: &str| folders.iter().position(|folder| folder == Path::new(path));
        let order = [
            "/u/.local/share/soundfonts",
            "/opt/share/soundfonts",
            "/usr/share/sounds/sf2",
            "/usr/local/share/sounds/sf3",
        ];
        let places: Vec<usize> = order.iter().map(|path| place(path).expect(path)).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(folders.iter().all(|folder| folder.is_absolute()));
        let without = folders_by(&|_| None);
        assert!(without.contains(&PathBuf::from("/usr/share/soundfonts")));
    }

    #[test]
    fn wishes_are_read() {
        let wish = |text: &str| text.parse::<SoundWish>();
        assert_eq!(wish("found"), Ok(SoundWish { part: None, choice: SoundChoice::Found }));
        let bass = SoundWish { part: Some(Part::Bass), choice: SoundChoice::File("a=b.sf2".into()) };
        assert_eq!(wish("bass=a=b.sf2"), Ok(bass.clone()));
        assert_eq!(bass.to_string(), "bass=a=b.sf2");
        let whole = SoundWish { part: None, choice: SoundChoice::File("a=b.sf2".into()) };
        assert_eq!(wish("a=b.sf2"), Ok(whole));
        assert_eq!(wish("drums=built-in").expect("it is known").choice, SoundChoice::BuiltIn);
        assert!(wish("").is_err() && wish("drums=").is_err());
    }

    #[test]
    fn a_file_that_cannot_be_played_is_named() {
        let folder = folder_with(&["broken.sf2"]);
        let path = folder.path().join("broken.sf2");
        let all = [SoundWish { part: None, choice: SoundChoice::File(path.clone()) }];
        let message = wished_sounds(&all, &Part::ALL).expect_err("it is broken").to_string();
        assert!(message.contains("broken.sf2") && message.contains("SoundFont"), "{message}");
        let gone =
            [SoundWish { part: Some(Part::Bass), choice: SoundChoice::File(folder.path().join("gone.sf2")) }];
        assert!(wished_sounds(&gone, &Part::ALL).is_err());
        assert!(wished_sounds(&gone, &[Part::Guitar]).is_ok(), "what does not play is not read");
        let folder_itself = [SoundWish { part: None, choice: SoundChoice::File(folder.path().to_owned()) }];
        assert!(wished_sounds(&folder_itself, &Part::ALL).is_err());
    }
}
