//! Running programs, and where things lie.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The root of the workspace, as cargo says when it runs this: two checkouts may share a folder of builds, and with it
/// this program.
pub fn root() -> PathBuf {
    let told = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = told.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    here.parent().unwrap_or(&here).to_owned()
}

/// The cargo that runs this, in the root of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The cargo that runs this, where the command was given: folders are meant as seen from there.
pub fn cargo_here(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    if let Ok(here) = std::env::current_dir() {
        command.current_dir(here);
    }
    command
}

/// Runs a command with this program's own input and output; fails if it does.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{} cannot be run", named(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", named(command));
    Ok(())
}

/// A command as one would type it.
pub fn named(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// Fails if there are arguments where none are taken.
pub fn no_arguments(arguments: &[String]) -> anyhow::Result<()> {
    ensure!(arguments.is_empty(), "takes no arguments, but was given {}", arguments.join(" "));
    Ok(())
}
