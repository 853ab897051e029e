//! `cargo xtask tidy`: the boundaries of the design, checked as text.

mod rules;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::shell;

/// A text file of the project.
struct Source {
    /// Its path from the root, with forward slashes.
    path: String,
    /// Its text.
    text: String,
}

/// Checks every file that is under version control or would be.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    shell::no_arguments(arguments)?;
    let root = shell::root();
    let sources = read_all(&root)?;
    let order = sources.iter().find(|s| s.path == "src/lib.rs").context("src/lib.rs is missing")?;
    let order = rules::module_order(&order.text);
    ensure!(!order.is_empty(), "src/lib.rs names no modules");
    let mut problems = Vec::new();
    for source in &sources {
        rules::check(source, &order, &mut problems);
        if source.path == "README.md" {
            rules::documents_exist(source, &|path| root.join(path).is_file(), &mut problems);
        }
    }
    if !problems.is_empty() {
        bail!("{} problems\n{}", problems.len(), problems.join("\n"));
    }
    println!("{} files are tidy", sources.len());
    Ok(())
}

/// Every file with its text; what is no UTF-8 is left out.
fn read_all(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut paths = match git_files(root) {
        Some(paths) => paths,
        None => walk(root)?,
    };
    paths.sort();
    let read = |path: String| {
        let text = std::fs::read_to_string(root.join(&path)).ok()?;
        Some(Source { path, text })
    };
    Ok(paths.into_iter().filter_map(read).collect())
}

/// The files that git knows or would take in; none where git is missing or this is no clone.
fn git_files(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let names = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> = names.split('\0').filter(|n| !n.is_empty()).map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

/// Every file below the root but for build output.
fn walk(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if entry.file_type()?.is_dir() {
                if !matches!(name.as_str(), ".git" | "target" | "demo") {
                    folders.push(path);
                }
            } else {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}
