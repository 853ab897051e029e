//! `cargo xtask eval`: measures the engine against open scores, and what it hears against recordings.

use crate::{listen, shell};

/// Passes its arguments to the evaluation program, or to the scripts that measure what is heard.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    if let Some(("listen", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return listen::run(rest);
    }
    evaluate(arguments)
}

/// Makes a page to listen to, or counts votes.
pub fn page(arguments: &[String]) -> anyhow::Result<()> {
    evaluate(&[&["listen".to_owned()], arguments].concat())
}

fn evaluate(arguments: &[String]) -> anyhow::Result<()> {
    let package = ["run", "--release", "--package", "collavoce_eval", "--"];
    shell::run(shell::cargo_here(&package).args(arguments))
}
