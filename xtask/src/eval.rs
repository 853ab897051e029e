//! `cargo xtask eval`: measures the engine against open scores, and what it hears against recordings.

use crate::{listen, shell};

/// Passes its arguments to the evaluation program, or to the scripts that measure what is heard.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    if let Some(("listen", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return listen::run(rest);
    }
    let mut cargo = shell::cargo(&["run", "--release", "--package", "collavoce_eval", "--"]);
    // Folders are meant as seen from where the command was given.
    if let Ok(here) = std::env::current_dir() {
        cargo.current_dir(here);
    }
    shell::run(cargo.args(arguments))
}
