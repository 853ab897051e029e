//! `cargo xtask bench`: how fast every stage is, what the plugin costs a host, what the built-in instruments cost at their
//! busiest, and what SoundFonts cost.

use crate::{bundle, shell};

/// Builds the release and runs `examples/bench.rs`, `examples/band.rs`, `examples/sounds.rs`, or that of the plugin's hosts.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments.split_first() {
        Some((what, others)) if what == "plugin" => {
            bundle::run(&[bundle::PLUGIN.to_owned(), "--release".to_owned()])?;
            let run = ["run", "--release", "--package", "collavoce_hosts", "--example", "bench", "--"];
            let bundles = bundle::target_dir()?.join("bundled");
            shell::run(shell::cargo(&run).args(others).env("COLLAVOCE_BUNDLES", bundles))
        }
        Some((what, others)) if what == "band" || what == "sounds" => {
            shell::run(shell::cargo(&["run", "--release", "--example", what, "--"]).args(others))
        }
        _ => shell::run(shell::cargo(&["run", "--release", "--example", "bench", "--"]).args(arguments)),
    }
}
