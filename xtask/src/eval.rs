//! `cargo xtask eval`: measures the engine against open scores.

use crate::shell;

/// Passes its arguments to the evaluation program.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut cargo = shell::cargo(&["run", "--release", "--package", "collavoce_eval", "--"]);
    // Folders are meant as seen from where the command was given.
    if let Ok(here) = std::env::current_dir() {
        cargo.current_dir(here);
    }
    shell::run(cargo.args(arguments))
}
