//! `cargo xtask hosts`: the plugin in hosts of other people, from package registries alone, on a Debian 12 without a
//! screen and without a sound card. See docs/hosts.md.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::{bundle, python, shell};

/// What Debian has to have installed.
const PACKAGES: [&str; 20] = [
    "ardour",
    "imagemagick",
    "libasound2-dev",
    "libatomic1",
    "libgl1",
    "libgl1-mesa-dri",
    "libjack-jackd2-dev",
    "libx11-xcb1",
    "libxcursor1",
    "libxinerama1",
    "libxkbcommon-x11-0",
    "libxrandr2",
    "openbox",
    "pkg-config",
    "python3",
    "python3-venv",
    "qtractor",
    "x11-utils",
    "xdotool",
    "xvfb",
];
const HOW: &str = "`cargo xtask hosts --install`";
/// Hosts by their scripts, in the order in which one leaves files for the next.
const HOSTS: [&str; 5] = ["dawdreamer", "pedalboard", "qtractor", "ardour", "screen"];
/// Longest that a host may take.
const LIMIT: Duration = Duration::from_secs(900);

/// Where things lie.
struct Places {
    scripts: PathBuf,
    python: PathBuf,
    out: PathBuf,
    built: PathBuf,
}

/// Runs the plugin in every host; with `--install` installs first what is missing. The last line counts the checks.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let installs = match arguments {
        [] => false,
        [one] if one == "--install" => true,
        _ => bail!("takes --install or nothing, but was given {}", arguments.join(" ")),
    };
    let begun = Instant::now();
    let target = bundle::target_dir()?;
    let (folder, scripts) = (target.join("hosts"), shell::root().join("hosts/real"));
    let python = python::interpreter(&folder.join("venv"));
    let places = Places { scripts, python, out: folder.join("out"), built: target.join("ci") };
    has_packages(installs)?;
    has_python(&places, &folder.join("venv"), installs)?;
    let bundles = step("plugin, command line, standalone application", || build(&places))?;
    step("the demonstration song, and what the command line writes for it", || reference(&places))?;
    let (mut passed, mut failed, mut stopped) = (0, 0, Vec::new());
    for host in HOSTS {
        let result = step(host, || drive(host, &places, &bundles, &mut passed, &mut failed));
        if let Err(error) = result {
            println!("{error:#}");
            stopped.push(host);
        }
    }
    println!("== all in {:.1} s, files in {}", begun.elapsed().as_secs_f64(), places.out.display());
    println!("{passed} passed, {} failed", failed.max(stopped.len()));
    ensure!(stopped.is_empty(), "failed in {}", stopped.join(", "));
    Ok(())
}

/// Does one step and says how long it took.
fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    println!("== {name}");
    std::io::stdout().flush()?;
    let start = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "ok" } else { "FAILED" };
    println!("== {name}: {verdict} in {:.1} s", start.elapsed().as_secs_f64());
    result
}

/// The packages of Debian.
fn has_packages(installs: bool) -> anyhow::Result<()> {
    let missing = missing_packages()?;
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install --yes --no-install-recommends {}", missing.join(" "));
    ensure!(installs, "these packages are missing; install them with {HOW} or with\n  {install}");
    step(&install, || {
        let mut apt = Command::new("apt-get");
        shell::run(apt.arg("--quiet=2").arg("update"))?;
        let mut apt = Command::new("apt-get");
        apt.args(["--quiet=2", "install", "--yes", "--no-install-recommends"]).args(&missing);
        shell::run(apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
    })?;
    let missing = missing_packages()?;
    ensure!(missing.is_empty(), "still missing: {}", missing.join(" "));
    Ok(())
}

fn missing_packages() -> anyhow::Result<Vec<&'static str>> {
    let mut missing = Vec::new();
    for package in PACKAGES {
        let mut query = Command::new("dpkg-query");
        query.args(["--show", "--showformat=${db:Status-Status}", package]).stderr(Stdio::null());
        let output =
            query.output().context("dpkg-query cannot be run: real hosts are driven on Debian 12")?;
        if !output.status.success() || output.stdout != b"installed" {
            missing.push(package);
        }
    }
    Ok(missing)
}

/// The packages of Python, in an environment of their own.
fn has_python(places: &Places, environment: &Path, installs: bool) -> anyhow::Result<()> {
    let requirements = places.scripts.join("requirements.txt");
    let Err(problem) = python::has_packages(environment, &requirements) else { return Ok(()) };
    ensure!(installs, "Python's packages are missing ({problem:#}); install them with {HOW}");
    step("Python's packages", || python::install(environment, &requirements))?;
    python::has_packages(environment, &requirements).context("Python's packages are still missing")
}

/// Builds everything; returns the folder of the bundles.
fn build(places: &Places) -> anyhow::Result<PathBuf> {
    let bundles = bundle::for_tests()?;
    // Features add up to those of the tests, so that only what they change is built again.
    let mut standalone = shell::cargo(&["test", "--quiet"]);
    let feature = ["--features", "collavoce_plugin/standalone", "--test", "standalone"];
    shell::run(standalone.args(bundle::FOR_TESTS).args(feature))?;
    for program in ["collavoce", "collavoce_plugin"] {
        ensure!(places.built.join(program).exists(), "no {program} was built");
    }
    Ok(bundles)
}

/// Writes the demonstration vocal, and what the command line makes of it.
fn reference(places: &Places) -> anyhow::Result<()> {
    if places.out.exists() {
        std::fs::remove_dir_all(&places.out)?;
    }
    std::fs::create_dir_all(&places.out)?;
    let collavoce = places.built.join("collavoce");
    let (demo, voice) = (places.out.join("demo"), places.out.join("demo/voice.wav"));
    shell::run(Command::new(&collavoce).args(["demo", "--quiet", "--rate", "48000", "--out"]).arg(&demo))?;
    let mut accompany = Command::new(&collavoce);
    accompany.args(["accompany", "--quiet"]).arg(&voice).arg("--out").arg(places.out.join("reference"));
    shell::run(&mut accompany)
}

/// Runs the script of a host and counts its checks.
fn drive(
    host: &str,
    places: &Places,
    bundles: &Path,
    passed: &mut usize,
    failed: &mut usize,
) -> anyhow::Result<()> {
    let mut python = Command::new(&places.python);
    python.arg(places.scripts.join(format!("with_{host}.py")));
    python.arg("--bundles").arg(bundles).arg("--take").arg(places.out.join("demo/voice.wav"));
    python.arg("--reference").arg(places.out.join("reference")).arg("--out").arg(&places.out);
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python.env("COLLAVOCE_STANDALONE", places.built.join("collavoce_plugin"));
    let mut child =
        python.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("Python cannot be run")?;
    let output = child.stdout.take().context("the script's output cannot be read")?;
    let reader = std::thread::spawn(move || -> std::io::Result<(usize, usize)> {
        let (mut passed, mut failed) = (0, 0);
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            println!("{}", String::from_utf8_lossy(&line));
            passed += usize::from(line.starts_with(b"ok "));
            failed += usize::from(line.starts_with(b"FAILED "));
        }
        Ok((passed, failed))
    });
    let until = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let status = status.with_context(|| format!("{host} took longer than {} s", LIMIT.as_secs()))?;
    let Ok(counted) = reader.join() else { bail!("the script's output could not be counted") };
    let (well, ill) = counted?;
    *passed += well;
    *failed += ill;
    ensure!(status.success() && ill == 0, "{host}: {ill} checks failed ({status})");
    ensure!(well > 0, "{host}: nothing was checked");
    Ok(())
}
