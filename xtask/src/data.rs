//! `cargo xtask data`: one corpus of all open scores. See docs/corpus.md.

use crate::shell;

/// Passes its arguments to the program that makes the corpus.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let package = ["run", "--quiet", "--release", "--package", "collavoce_data", "--"];
    shell::run(shell::cargo_here(&package).args(arguments))
}
