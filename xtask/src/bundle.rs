//! `cargo xtask bundle`: the plugin as hosts load it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::cut::{BAND, Font};
use crate::shell;

/// Package of the plugin.
pub const PLUGIN: &str = "collavoce_plugin";
/// Profile of the tests.
const PROFILE: &str = "ci";

/// Names the SoundFont that the plugin is built with.
const BANK_VARIABLE: &str = "COLLAVOCE_BANK";
/// SoundFonts under the MIT licence and where Debian and Ubuntu keep that licence.
const OPEN_BANKS: [(&str, &str); 2] = [
    ("/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/doc/fluid-soundfont-gm/copyright"),
    (
        "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3",
        "/usr/share/doc/musescore-general-soundfont-small/copyright",
    ),
];
/// What the licence of a bundled SoundFont has to say.
const PERMISSION: &str = "Permission is hereby granted, free of charge";
/// The licence's name beside the bundles and in the VST3's resources.
const LICENCE: &str = "Collavoce-sounds-licence.txt";

/// Builds and bundles a package; what follows its name goes to `cargo build`, but for `--bank [FILE [LICENCE]]`: the
/// plugin then brings the band's instruments of that SoundFont with it.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments.iter().position(|argument| argument == "--bank") {
        None => bundle(arguments),
        Some(at) => {
            let names = arguments[at + 1..].iter().take_while(|argument| !argument.starts_with('-')).count();
            let (file, others) = arguments[at + 1..].split_at(names);
            let arguments = [&arguments[..at], others].concat();
            bundle_with(&Bank::named(file)?, &arguments)
        }
    }
}

/// A SoundFont and its licence.
struct Bank {
    path: PathBuf,
    licence: String,
}

impl Bank {
    /// FILE and LICENCE, or what is installed.
    fn named(names: &[String]) -> anyhow::Result<Self> {
        let (path, licence) = match names {
            [path, licence] => (Path::new(path), Path::new(licence)),
            [path] => {
                let known = OPEN_BANKS.iter().find(|(bank, _)| same(Path::new(path), Path::new(bank)));
                let (_, licence) =
                    known.with_context(|| format!("under which licence? --bank {path} LICENCE"))?;
                (Path::new(path), Path::new(*licence))
            }
            [] => {
                let there = OPEN_BANKS.iter().find(|(bank, _)| Path::new(bank).is_file());
                let (bank, licence) = there.context(
                    "no SoundFont under the MIT licence is installed: `sudo apt-get install fluid-soundfont-gm`, or \
                     name one: --bank FILE LICENCE",
                )?;
                (Path::new(*bank), Path::new(*licence))
            }
            _ => bail!("--bank takes a SoundFont and its licence, not {}", names.join(" ")),
        };
        let read = std::fs::read_to_string(licence).with_context(|| format!("{}", licence.display()))?;
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        ensure!(
            words(&read).contains(PERMISSION),
            "{} does not say {PERMISSION:?}: only SoundFonts under the MIT licence are bundled",
            licence.display()
        );
        Ok(Self { path: path.to_owned(), licence: read })
    }

    /// The band's instruments of it, as a file.
    fn cut(&self) -> anyhow::Result<Vec<u8>> {
        let shown = self.path.display();
        let bytes = std::fs::read(&self.path).with_context(|| format!("{shown} cannot be read"))?;
        let font = Font::parse(&bytes).with_context(|| format!("{shown} cannot be cut"))?;
        let (mut font, missing) = font.cut(&BAND).with_context(|| format!("{shown} cannot be cut"))?;
        ensure!(missing.is_empty(), "{shown} lacks the presets (bank, program) {missing:?}");
        let name = font.says("INAM");
        font.say("ICMT", &format!("Guitars, bass, strings and kit of {name}, cut for Collavoce."));
        font.to_bytes()
    }
}

fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}

/// Bundles the plugin with a SoundFont in it.
fn bundle_with(bank: &Bank, arguments: &[String]) -> anyhow::Result<()> {
    let target = target_dir()?;
    let (folder, bytes) = (target.join("bank"), bank.cut()?);
    std::fs::create_dir_all(&folder)?;
    let cut = folder.join("band.sf");
    std::fs::write(&cut, &bytes).with_context(|| format!("{} cannot be written", cut.display()))?;
    println!("{} -> {} ({:.1} MB)", bank.path.display(), cut.display(), bytes.len() as f64 / 1e6);
    // The variable is for the build alone, which runs in a program of its own.
    let mut this = std::process::Command::new(std::env::current_exe()?);
    shell::run(this.arg("bundle").args(arguments).env(BANK_VARIABLE, &cut))?;
    let bundled = target.join("bundled");
    let resources = bundled.join("Collavoce.vst3/Contents/Resources");
    for folder in [bundled, resources] {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(LICENCE), &bank.licence)?;
    }
    Ok(())
}

fn bundle(arguments: &[String]) -> anyhow::Result<()> {
    let (package, others) = arguments
        .split_first()
        .filter(|(package, _)| !package.starts_with('-'))
        .with_context(|| format!("which package? `cargo xtask bundle {PLUGIN} --release`"))?;
    std::env::set_current_dir(shell::root())?;
    nice_plug_xtask::build(std::slice::from_ref(package), others)?;
    nice_plug_xtask::bundle(&target_dir()?, package, others, false)
}

/// What every build for tests is of: with the whole workspace and one set of features nothing is built twice.
pub const FOR_TESTS: [&str; 6] =
    ["--locked", "--profile", PROFILE, "--workspace", "--features", "collavoce_plugin/assert_process_allocs"];

/// Builds all tests and programs, and bundles the plugin among them, which aborts on any allocation in its audio thread,
/// apart from what a user may have bundled; returns the folder.
pub fn for_tests() -> anyhow::Result<PathBuf> {
    let mut cargo =
        shell::cargo(&["test", "--no-run", "--quiet", "--message-format", "json-render-diagnostics"]);
    let output = cargo.args(FOR_TESTS).stderr(Stdio::inherit()).output().context("cargo cannot be run")?;
    ensure!(output.status.success(), "`{}` failed ({})", shell::named(&cargo), output.status);
    let extension = format!(".{}", std::env::consts::DLL_EXTENSION);
    let built = artifact(&output.stdout, PLUGIN, &extension)
        .with_context(|| format!("`{}` built no {PLUGIN}{extension}", shell::named(&cargo)))?;
    let apart = target_dir()?.join("hosts");
    std::fs::create_dir_all(apart.join(PROFILE))?;
    let library = built.file_name().context("a library without a name")?;
    std::fs::copy(&built, apart.join(PROFILE).join(library))
        .with_context(|| format!("{} cannot be copied", built.display()))?;
    std::env::set_current_dir(shell::root())?;
    nice_plug_xtask::bundle(&apart, PLUGIN, &["--profile".to_owned(), PROFILE.to_owned()], false)?;
    Ok(apart.join("bundled"))
}

/// The file with this extension that cargo's messages, one JSON a line, name for a target.
fn artifact(messages: &[u8], target: &str, extension: &str) -> Option<PathBuf> {
    let lines = messages.split(|&byte| byte == b'\n');
    let built = lines
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == target);
    let mut names = built.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    names.find_map(|name| name.as_str().filter(|name| name.ends_with(extension)).map(PathBuf::from))
}

/// Where cargo builds.
pub fn target_dir() -> anyhow::Result<PathBuf> {
    let mut cargo = shell::cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let output = cargo.stderr(Stdio::inherit()).output().context("cargo cannot be run")?;
    ensure!(output.status.success(), "`{}` failed ({})", shell::named(&cargo), output.status);
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo's answer is no JSON")?;
    let folder = metadata["target_directory"].as_str().context("cargo's answer names no target directory")?;
    Ok(folder.into())
}
