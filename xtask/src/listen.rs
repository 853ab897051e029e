//! `cargo xtask eval listen`: what is heard against recordings whose truth is known. See docs/listening.md.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::{bundle, python, shell};

/// How it is called.
pub const USAGE: &str = "cargo xtask eval listen SHARED [--peers | --all-peers]";

/// Builds the program and measures it; what it needs of Python is installed if it is missing.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (mut shared, mut options) = (None, Vec::new());
    for argument in arguments {
        match argument.as_str() {
            "--peers" | "--all-peers" => options.push(argument),
            option if option.starts_with('-') => bail!("{option} is not known; usage: {USAGE}"),
            folder if shared.is_none() => shared = Some(Path::new(folder)),
            more => bail!("{more} is one folder too many; usage: {USAGE}"),
        }
    }
    let shared = shared.with_context(|| format!("a folder is missing; usage: {USAGE}"))?;
    let shared = shared.canonicalize().with_context(|| format!("{} is no folder", shared.display()))?;
    ensure!(shared.join("kit/score.py").is_file(), "{} holds no kit/score.py", shared.display());
    let target = bundle::target_dir()?;
    let (out, scripts) = (target.join("listen"), shell::root().join("eval/listen"));
    let (environment, requirements) = (out.join("venv"), scripts.join("requirements.txt"));
    if let Err(problem) = python::has_packages(&environment, &requirements) {
        println!("installing Python's packages into {} ({problem:#})", environment.display());
        python::install(&environment, &requirements).with_context(|| {
            format!(
                "Python's packages cannot be installed; Debian needs `apt-get install python3-venv`, and a package of \
                 {} may need a C++ compiler",
                requirements.display()
            )
        })?;
    }
    let build = ["build", "--quiet", "--release", "--locked", "--package", "collavoce", "--bin", "collavoce"];
    shell::run(&mut shell::cargo(&build))?;
    let mut measure = Command::new(python::interpreter(&environment));
    measure.arg(scripts.join("listen.py")).arg(shared).args(options);
    measure.arg("--collavoce").arg(target.join("release/collavoce")).arg("--out").arg(&out);
    shell::run(measure.env("PYTHONDONTWRITEBYTECODE", "1"))
}
