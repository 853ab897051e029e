//! The logic of the file dialog: where it is, what is seen there, what is chosen. It draws nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::view::Command;

/// What can be loaded: recordings, chord charts, saved songs, SoundFonts.
const SOUND: [&str; 8] = ["wav", "flac", "mp3", "ogg", "m4a", "aac", "aiff", "aif"];
const CHART: [&str; 3] = ["txt", "chords", "cho"];
const SONG: [&str; 1] = ["collavoce"];
const BANK: [&str; 2] = ["sf2", "sf3"];
/// Most entries of a folder that are shown.
const MOST_ENTRIES: usize = 5_000;
/// Name of the folder that an export makes.
const EXPORT_NAME: &str = "Collavoce export";

/// What the dialog is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A file is to be loaded.
    Load,
    /// A folder is to be exported into.
    Export,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Folder,
    Sound,
    Chart,
    Song,
    Bank,
}

impl Kind {
    /// A word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Sound => "recording",
            Self::Chart => "chords",
            Self::Song => "song",
            Self::Bank => "SoundFont",
        }
    }

    fn of_file(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        let known = |list: &[&str]| list.contains(&extension.as_str());
        if known(&SOUND) {
            Some(Self::Sound)
        } else if known(&CHART) {
            Some(Self::Chart)
        } else if known(&SONG) {
            Some(Self::Song)
        } else if known(&BANK) {
            Some(Self::Bank)
        } else {
            None
        }
    }
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// The state of the dialog.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    pub(super) purpose: Purpose,
    pub(super) folder: PathBuf,
    pub(super) entries: Vec<Entry>,
    pub(super) selected: usize,
    /// Why a folder or a path could not be opened.
    pub(super) problem: Option<String>,
    /// What stands in the path field.
    pub(super) typed: String,
}

impl Browser {
    /// Opens the dialog in a folder or, if that is gone, in the nearest one above it or at home.
    pub(super) fn open(purpose: Purpose, start: Option<&Path>) -> Self {
        let mut browser = Self {
            purpose,
            folder: PathBuf::from(std::path::MAIN_SEPARATOR_STR),
            entries: Vec::new(),
            selected: 0,
            problem: None,
            typed: String::new(),
        };
        let home = home();
        let candidates = start.into_iter().flat_map(Path::ancestors).chain(home.as_deref());
        let found = candidates.into_iter().find_map(|folder| Some((folder, list(folder, purpose).ok()?)));
        match found {
            Some((folder, entries)) => browser.arrive(folder.to_owned(), entries),
            None => {
                let root = browser.folder.clone();
                browser.go(&root);
            }
        }
        browser
    }

    fn arrive(&mut self, folder: PathBuf, entries: Vec<Entry>) {
        let came_from = std::mem::replace(&mut self.folder, folder);
        // Going up, the folder that was left stays selected.
        self.selected = entries.iter().position(|entry| entry.path == came_from).unwrap_or(0);
        self.entries = entries;
        self.problem = None;
        self.typed = self.folder.display().to_string();
    }

    /// Goes to a folder; if it cannot be read, the dialog stays where it is and says why.
    pub(super) fn go(&mut self, folder: &Path) {
        match list(folder, self.purpose) {
            Ok(entries) => self.arrive(folder.to_owned(), entries),
            Err(error) => self.problem = Some(format!("{} cannot be opened: {error}", folder.display())),
        }
    }

    /// Goes to the folder above.
    pub(super) fn up(&mut self) {
        if let Some(parent) = self.folder.parent().map(Path::to_owned) {
            self.go(&parent);
        }
    }

    /// Moves the selection.
    pub(super) fn step(&mut self, by: isize) {
        let last = self.entries.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    /// Moves the selection to the next entry that begins with a letter.
    pub(super) fn jump(&mut self, letter: char) {
        let begins = |entry: &Entry| {
            entry.name.chars().next().is_some_and(|c| c.to_lowercase().eq(letter.to_lowercase()))
        };
        let after = (self.selected + 1)..self.entries.len();
        if let Some(index) =
            after.chain(0..self.selected).find(|index| self.entries.get(*index).is_some_and(begins))
        {
            self.selected = index;
        }
    }

    /// Enters the selected folder or chooses the selected file.
    pub(super) fn enter(&mut self) -> Option<Command> {
        let entry = self.entries.get(self.selected)?.clone();
        if entry.kind == Kind::Folder {
            self.go(&entry.path);
            return None;
        }
        Some(Command::Load(entry.path))
    }

    /// Takes what stands in the path field: a folder is gone to, a file is chosen.
    pub(super) fn enter_typed(&mut self) -> Option<Command> {
        let path = with_home(self.typed.trim().trim_matches('"'));
        let path = self.folder.join(path);
        if path.is_dir() {
            self.go(&path);
        } else if self.purpose == Purpose::Export {
            self.problem = Some(format!("{} is not a folder", path.display()));
        } else if !path.is_file() {
            self.problem = Some(format!("{} does not exist", path.display()));
        } else if Kind::of_file(&path).is_none() {
            self.problem = Some(format!("{} cannot be loaded; {}", path.display(), loadable()));
        } else {
            return Some(Command::Load(path));
        }
        None
    }

    /// The folder that an export makes here: a name that is not taken.
    pub(super) fn export_folder(&self) -> PathBuf {
        let numbered = (2..1_000).map(|n| format!("{EXPORT_NAME} {n}"));
        let mut names = std::iter::once(EXPORT_NAME.to_owned()).chain(numbered).map(|n| self.folder.join(n));
        names.find(|path| !path.exists()).unwrap_or_else(|| self.folder.join(EXPORT_NAME))
    }

    /// Places worth going to: home, the usual folders in it, the root.
    pub(super) fn places() -> Vec<(String, PathBuf)> {
        let mut places = Vec::new();
        if let Some(home) = home() {
            places.push(("Home".to_owned(), home.clone()));
            for name in ["Music", "Documents", "Desktop", "Downloads"] {
                places.push((name.to_owned(), home.join(name)));
            }
        }
        if cfg!(windows) {
            places.extend(('C'..='Z').map(|c| (format!("{c}:"), PathBuf::from(format!("{c}:\\")))));
        } else {
            places.push(("Computer".to_owned(), PathBuf::from("/")));
        }
        places.retain(|(_, path)| path.is_dir());
        places
    }
}

/// What can be loaded, in words.
pub(super) fn loadable() -> String {
    let all = SOUND.iter().chain(&CHART).chain(&SONG).chain(&BANK);
    format!("what can be: {}", all.map(|e| format!(".{e}")).collect::<Vec<_>>().join(" "))
}

/// The user's folder.
pub(super) fn home() -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn with_home(path: &str) -> PathBuf {
    match (path.strip_prefix('~'), home()) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_matches(['/', '\\'])),
        _ => PathBuf::from(path),
    }
}

/// The visible entries of a folder, folders first, in the order of their names.
fn list(folder: &Path, purpose: Purpose) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        // An entry that vanishes or cannot be looked at is no reason to hide the others.
        let Ok(entry) = entry else { continue };
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with('.') {
            continue;
        }
        let kind = match fs::metadata(&path) {
            Ok(data) if data.is_dir() => Some(Kind::Folder),
            Ok(data) if data.is_file() && purpose == Purpose::Load => Kind::of_file(&path),
            _ => None,
        };
        if let Some(kind) = kind {
            entries.push(Entry { name, path, kind });
        }
    }
    let rank = |entry: &Entry| (entry.kind != Kind::Folder, natural(&entry.name));
    entries.sort_by_cached_key(rank);
    entries.truncate(MOST_ENTRIES);
    Ok(entries)
}

/// A name as it is sorted: numbers by what they count, so that take 2 comes before take 10.
fn natural(name: &str) -> Vec<(bool, u64, String)> {
    let lower = name.to_lowercase();
    let mut pieces: Vec<(bool, u64, String)> = Vec::new();
    for letter in lower.chars() {
        match (letter.to_digit(10), pieces.last_mut()) {
            (Some(digit), Some((false, number, _))) => {
                *number = number.saturating_mul(10).saturating_add(digit.into())
            }
            (Some(digit), _) => pieces.push((false, digit.into(), String::new())),
            (None, Some((true, _, word))) => word.push(letter),
            (None, _) => pieces.push((true, 0, letter.to_string())),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["songs/live", "Albums", ".hidden"] {
            fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        for file in [
            "b.WAV",
            "A.flac",
            "GM.sf3",
            "notes.pdf",
            "chart.txt",
            "old.collavoce",
            ".secret.wav",
            "songs/take.m4a",
        ] {
            fs::write(root.path().join(file), "x").expect("written");
        }
        root
    }

    fn names(browser: &Browser) -> Vec<&str> {
        browser.entries.iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn folders_come_first_and_only_what_can_be_loaded_is_seen() {
        let root = tree();
        let browser = Browser::open(Purpose::Load, Some(root.path()));
        assert_eq!(
            names(&browser),
            ["Albums", "songs", "A.flac", "b.WAV", "chart.txt", "GM.sf3", "old.collavoce"]
        );
        let browser = Browser::open(Purpose::Export, Some(root.path()));
        assert_eq!(names(&browser), ["Albums", "songs"]);
    }

    #[test]
    fn numbers_are_sorted_by_what_they_count() {
        let mut names = ["take 10", "Take 2", "b", "take 1", "2 songs", "10 songs"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["2 songs", "10 songs", "b", "take 1", "Take 2", "take 10"]);
        assert_eq!(natural("99999999999999999999999")[0].1, u64::MAX);
    }

    #[test]
    fn it_is_worked_without_typing() {
        let root = tree();
        let mut browser = Browser::open(Purpose::Load, Some(root.path()));
        browser.step(1);
        assert_eq!(browser.enter(), None);
        assert_eq!(
            (browser.folder.clone(), names(&browser)),
            (root.path().join("songs"), vec!["live", "take.m4a"])
        );
        browser.step(-1);
        browser.step(100);
        assert_eq!(browser.enter(), Some(Command::Load(root.path().join("songs").join("take.m4a"))));
        browser.up();
        assert_eq!(
            (browser.folder.as_path(), browser.selected),
            (root.path(), 1),
            "the folder left is selected"
        );
        browser.jump('B');
        assert_eq!(browser.entries[browser.selected].name, "b.WAV");
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_said_and_not_entered() {
        let root = tree();
        let mut browser = Browser::open(Purpose::Load, Some(root.path()));
        browser.go(&root.path().join("gone"));
        assert_eq!(browser.folder, root.path());
        assert!(browser.problem.as_deref().is_some_and(|p| p.contains("gone")));
        browser.go(&root.path().join("b.WAV"));
        assert!(browser.problem.is_some());
        browser.go(&root.path().join("Albums"));
        assert!(browser.problem.is_none() && browser.entries.is_empty());
        assert_eq!(browser.enter(), None, "an empty folder has nothing to enter");
        browser.step(1);
        assert_eq!(browser.selected, 0);
    }

    #[test]
    fn it_opens_in_the_nearest_folder_that_is_left() {
        let root = tree();
        let browser = Browser::open(Purpose::Load, Some(&root.path().join("songs/gone/deeper")));
        assert_eq!(browser.folder, root.path().join("songs"));
        let browser = Browser::open(Purpose::Load, Some(&root.path().join("songs/take.m4a")));
        assert_eq!(browser.folder, root.path().join("songs"));
    }

    #[test]
    fn the_root_has_nothing_above_it() {
        let mut browser = Browser::open(Purpose::Load, Some(Path::new(std::path::MAIN_SEPARATOR_STR)));
        let before = browser.folder.clone();
        browser.up();
        assert_eq!(browser.folder, before);
    }

    #[test]
    fn a_path_can_be_typed() {
        let root = tree();
        let mut browser = Browser::open(Purpose::Load, Some(root.path()));
        for (typed, problem) in [("nothing.wav", "does not exist"), ("notes.pdf", "cannot be loaded")] {
            browser.typed = typed.to_owned();
            assert_eq!(browser.enter_typed(), None);
            assert!(browser.problem.as_deref().is_some_and(|p| p.contains(problem)), "{:?}", browser.problem);
        }
        browser.typed = format!("\"{}\" ", root.path().join("A.flac").display());
        assert_eq!(browser.enter_typed(), Some(Command::Load(root.path().join("A.flac"))));
        browser.typed = "songs".to_owned();
        assert_eq!((browser.enter_typed(), browser.folder.clone()), (None, root.path().join("songs")));
    }

    #[test]
    fn an_export_takes_a_name_that_is_free() {
        let root = tree();
        let browser = Browser::open(Purpose::Export, Some(root.path()));
        assert_eq!(browser.export_folder(), root.path().join("Collavoce export"));
        fs::create_dir(root.path().join("Collavoce export")).expect("made");
        assert_eq!(browser.export_folder(), root.path().join("Collavoce export 2"));
    }
}
