//! `cargo xtask test`: every check, cheapest first. The same here and in continuous integration.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::{bundle, licences, shell, tidy};

/// Tests counted so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

/// A check: its name and what it does.
type Step = (&'static str, fn(&mut Count) -> anyhow::Result<()>);

// All build steps share the profile `ci`, so that build scripts and macros are built once. The golden scores are
// among the tests.
const STEPS: [Step; 7] = [
    ("rustfmt", |_| shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))),
    ("tidy", |_| tidy::run(&[])),
    ("licences and bans", |_| licences::run(&[])),
    ("clippy", |_| {
        let lint = ["clippy", "--quiet", "--locked", "--profile", "ci", "--workspace", "--all-targets"];
        shell::run(shell::cargo(&lint).args(["--", "--deny", "warnings"]))
    }),
    ("tests and plugin are built", |_| bundle::for_tests().map(drop)),
    ("tests", |count| {
        // Where the goldens differ, a check reports it and writes nothing.
        let mut cargo = shell::cargo(&["test", "--quiet", "--no-fail-fast"]);
        cargo.args(bundle::FOR_TESTS).env("COLLAVOCE_BUNDLES", bundle::for_tests()?);
        tests(count, cargo.env_remove("COLLAVOCE_BLESS"))
    }),
    ("rustdoc", |_| {
        let doc = ["doc", "--quiet", "--locked", "--profile", "ci", "--no-deps", "--workspace"];
        shell::run(shell::cargo(&doc).env("RUSTDOCFLAGS", "--deny warnings"))
    }),
];

/// Runs the checks up to the first that fails. The last line counts the tests; a check that fails without a test
/// that fails counts as one.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    shell::no_arguments(arguments)?;
    let begun = Instant::now();
    let mut count = Count::default();
    let mut failed = None;
    for (index, (name, check)) in STEPS.iter().enumerate() {
        println!("== {}/{} {name}", index + 1, STEPS.len());
        let start = Instant::now();
        let result = check(&mut count);
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("== {name}: {verdict} in {:.1} s", start.elapsed().as_secs_f64());
        if let Err(error) = result {
            failed = Some((name, error));
            break;
        }
    }
    println!("== all in {:.1} s", begun.elapsed().as_secs_f64());
    if let Some((name, error)) = &failed {
        println!("stopped at {name}: {error:#}");
        count.failed = count.failed.max(1);
    }
    println!("{} passed, {} failed", count.passed, count.failed);
    std::io::stdout().flush()?;
    match failed {
        None => Ok(()),
        Some((name, _)) => bail!("{name} failed"),
    }
}

/// Runs tests, shows what they say and counts them.
fn tests(count: &mut Count, cargo: &mut Command) -> anyhow::Result<()> {
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cargo cannot be run")?;
    let output = child.stdout.take().context("cargo's output cannot be read")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(result) = parse(&line) {
            count.passed += result.passed;
            count.failed += result.failed;
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{} tests failed (`{}`: {status})", count.failed, shell::named(cargo));
    }
    Ok(())
}

/// Reads the line that ends the output of a test binary.
fn parse(line: &str) -> Option<Count> {
    let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        let part = counts.split(';').find_map(|part| part.trim().strip_suffix(what))?;
        part.trim().parse().ok()
    };
    Some(Count { passed: number("passed")?, failed: number("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_a_binary_is_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.1s";
        assert_eq!(parse(line), Some(Count { passed: 12, failed: 3 }));
        let line =
            "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(parse(line), Some(Count { passed: 7, failed: 0 }));
        for other in ["", "test a ... ok", "test result: ", "test result: ok. none"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
