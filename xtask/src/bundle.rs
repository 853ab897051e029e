//! `cargo xtask bundle`: the plugin as hosts load it.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::shell;

/// Package of the plugin.
pub const PLUGIN: &str = "collavoce_plugin";
/// Profile of the tests.
const PROFILE: &str = "ci";

/// Builds and bundles a package; what follows its name goes to `cargo build`.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (package, others) = arguments
        .split_first()
        .filter(|(package, _)| !package.starts_with('-'))
        .with_context(|| format!("which package? `cargo xtask bundle {PLUGIN} --release`"))?;
    std::env::set_current_dir(shell::root())?;
    nice_plug_xtask::build(std::slice::from_ref(package), others)?;
    nice_plug_xtask::bundle(&target_dir()?, package, others, false)
}

/// Bundles the plugin for tests, where it aborts on any allocation in its audio thread, apart from what a user may have
/// bundled; returns the folder.
pub fn for_tests() -> anyhow::Result<PathBuf> {
    let build = ["build", "--quiet", "--locked", "--profile", PROFILE, "--package", PLUGIN, "--lib"];
    shell::run(shell::cargo(&build).args(["--features", "assert_process_allocs"]))?;
    let target = target_dir()?;
    let apart = target.join("hosts");
    let library = format!("{}{PLUGIN}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    std::fs::create_dir_all(apart.join(PROFILE))?;
    std::fs::copy(target.join(PROFILE).join(&library), apart.join(PROFILE).join(&library))?;
    std::env::set_current_dir(shell::root())?;
    nice_plug_xtask::bundle(&apart, PLUGIN, &["--profile".to_owned(), PROFILE.to_owned()], false)?;
    Ok(apart.join("bundled"))
}

/// Where cargo builds.
pub fn target_dir() -> anyhow::Result<PathBuf> {
    let mut cargo = shell::cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let output = cargo.stderr(std::process::Stdio::inherit()).output().context("cargo cannot be run")?;
    ensure!(output.status.success(), "`{}` failed ({})", shell::named(&cargo), output.status);
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo's answer is no JSON")?;
    let folder = metadata["target_directory"].as_str().context("cargo's answer names no target directory")?;
    Ok(folder.into())
}
