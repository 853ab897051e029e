//! `cargo xtask bench`: how fast every stage is, and what the plugin costs a host.

use crate::{bundle, shell};

/// Builds the release and runs `examples/bench.rs`, or that of the plugin's hosts.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments.split_first() {
        Some((what, others)) if what == "plugin" => {
            bundle::run(&[bundle::PLUGIN.to_owned(), "--release".to_owned()])?;
            let run = ["run", "--release", "--package", "collavoce_hosts", "--example", "bench", "--"];
            let bundles = bundle::target_dir()?.join("bundled");
            shell::run(shell::cargo(&run).args(others).env("COLLAVOCE_BUNDLES", bundles))
        }
        _ => shell::run(shell::cargo(&["run", "--release", "--example", "bench", "--"]).args(arguments)),
    }
}
