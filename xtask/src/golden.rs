//! `cargo xtask golden`: the demo's scores against the snapshots in `tests/golden/`.

use anyhow::ensure;

use crate::shell;

/// Set to 1, it has `tests/golden.rs` write the snapshots instead of comparing them.
const BLESS: &str = "COLLAVOCE_BLESS";

/// Compares, or with `--bless` accepts what is written now.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let bless = arguments.iter().any(|a| a == "--bless");
    ensure!(arguments.len() == usize::from(bless), "takes nothing but --bless");
    let mut cargo = shell::cargo(&["test", "--quiet", "--profile", "ci", "--test", "golden"]);
    cargo.env(BLESS, if bless { "1" } else { "0" });
    shell::run(&mut cargo)?;
    println!(
        "{}",
        if bless { "tests/golden/ is as the scores are now; see git diff" } else { "golden scores stand" }
    );
    Ok(())
}
