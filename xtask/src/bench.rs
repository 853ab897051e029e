//! `cargo xtask bench`: how fast every stage is.

use crate::shell;

/// Builds the release and runs `examples/bench.rs`.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    shell::run(shell::cargo(&["run", "--release", "--example", "bench", "--"]).args(arguments))
}
