//! Environments of Python, for measuring and for hosts of other people.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::ensure;

use crate::shell;

/// Fails with the first package that is not there in the version asked for.
const HAS_PACKAGES: &str = "import sys
from importlib.metadata import version
for line in open(sys.argv[1], encoding='utf-8'):
    name, wanted = line.strip().split('==')
    if version(name) != wanted:
        sys.exit(f'{name} is at {version(name)}, not at {wanted}')
";

/// The interpreter of an environment.
pub fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

/// Fails if an environment lacks one of the packages that a file asks for, each as `name==version`.
pub fn has_packages(environment: &Path, requirements: &Path) -> anyhow::Result<()> {
    let mut python = Command::new(interpreter(environment));
    python.args(["-c", HAS_PACKAGES]).arg(requirements).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = python.output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    ensure!(output.status.success(), "{}", said.lines().last().unwrap_or("it cannot be run"));
    Ok(())
}

/// Makes an environment anew from Python's package registry.
pub fn install(environment: &Path, requirements: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(environment)?;
    shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(interpreter(environment));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    shell::run(pip.arg(requirements))
}
