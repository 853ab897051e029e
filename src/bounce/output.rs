//! The output folder: everything is written into a temporary one beside it, which takes its place at the end.

use std::fs;
use std::path::{Path, PathBuf};

use super::BounceError;
use crate::audio::AudioFileError;

/// A file that every output folder of ours holds; a folder without it is never replaced.
pub(super) const REPORT: &str = "report.json";
/// What one of ours says in it.
const SCHEMAS: [&str; 2] = ["\"collavoce.report/1\"", "\"collavoce.separation/1\""];

/// A folder that is being filled. Dropped before [`Output::publish`], it leaves nothing behind.
pub(super) struct Output {
    target: PathBuf,
    temporary: tempfile::TempDir,
    /// Goes after the folder inside it.
    _parents: NewFolders,
}

/// Folders that were made for an output, the innermost last; those that stay empty go again.
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    fn create(folder: &Path) -> std::io::Result<Self> {
        let missing = folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists());
        let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        missing.reverse();
        let made = Self(missing);
        fs::create_dir_all(folder)?;
        Ok(made)
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // One that holds something stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Output {
    /// Begins an output; says at once if it could never take its place.
    pub fn begin(target: &Path) -> Result<Self, BounceError> {
        let unwritable = |source| BounceError::Output { path: target.to_owned(), source };
        if target.is_file() {
            return Err(BounceError::OutputIsFile { path: target.to_owned() });
        }
        if target.is_dir() && !is_replaceable(target).map_err(unwritable)? {
            return Err(BounceError::OutputInUse { path: target.to_owned() });
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parents = NewFolders::create(parent).map_err(unwritable)?;
        let temporary =
            tempfile::Builder::new().prefix(".collavoce-").tempdir_in(parent).map_err(unwritable)?;
        Ok(Self { target: target.to_owned(), temporary, _parents: parents })
    }

    /// Path of a file in the folder that is being filled.
    pub fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// An error about a file in the folder that is being filled, told of the place that it was to have.
    pub fn place(&self, error: BounceError) -> BounceError {
        let moved = |path: PathBuf| match path.strip_prefix(self.temporary.path()) {
            Ok(name) => self.target.join(name),
            Err(_) => path,
        };
        match error {
            BounceError::Audio(AudioFileError::Unwritable { path, source }) => {
                BounceError::Output { path: moved(path), source }
            }
            BounceError::Audio(AudioFileError::TooLarge { path, bytes }) => {
                AudioFileError::TooLarge { path: moved(path), bytes }.into()
            }
            BounceError::Audio(AudioFileError::Encode { path, reason }) => {
                AudioFileError::Encode { path: moved(path), reason }.into()
            }
            other => other,
        }
    }

    /// Writes a whole file.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), BounceError> {
        fs::write(self.path(name), bytes)
            .map_err(|source| BounceError::Output { path: self.target.join(name), source })
    }

    /// Copies a file.
    pub fn copy(&self, name: &str, from: &Path) -> Result<(), BounceError> {
        fs::copy(from, self.path(name))
            .map(|_| ())
            .map_err(|source| BounceError::Output { path: self.target.join(name), source })
    }

    /// Puts the folder in its place, instead of an earlier output of ours.
    pub fn publish(self) -> Result<(), BounceError> {
        let unwritable = |source| BounceError::Output { path: self.target.clone(), source };
        open_for_all(self.temporary.path()).map_err(unwritable)?;
        let replaced = self.temporary.path().with_extension("old");
        let replaces = self.target.is_dir();
        if replaces {
            fs::rename(&self.target, &replaced).map_err(unwritable)?;
        }
        if let Err(source) = fs::rename(self.temporary.path(), &self.target) {
            if replaces {
                // What was there before comes back.
                let _ = fs::rename(&replaced, &self.target);
            }
            return Err(unwritable(source));
        }
        if replaces {
            fs::remove_dir_all(&replaced).map_err(unwritable)?;
        }
        Ok(())
    }
}

/// Empty, or an earlier output of ours.
fn is_replaceable(folder: &Path) -> std::io::Result<bool> {
    let empty = fs::read_dir(folder)?.next().is_none();
    let is_ours = |text: String| SCHEMAS.iter().any(|schema| text.contains(schema));
    Ok(empty || fs::read_to_string(folder.join(REPORT)).is_ok_and(is_ours))
}

/// Temporary folders are for their owner alone; an output is not.
#[cfg(unix)]
fn open_for_all(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn open_for_all(_: &Path) -> std::io::Result<()> {
    Ok(())
}
