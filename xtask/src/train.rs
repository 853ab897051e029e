//! `cargo xtask train`: the networks.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::shell;

const USAGE: &str = "cargo xtask train pitch|harmony|beats SHARED --out DIR [OPTIONS], arranger CORPUS --out DIR [OPTIONS], or mask VOICES --out DIR [OPTIONS]";

/// Builds the training and trains a network with it.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    shell::run(
        shell::cargo_here(&["run", "--release", "--package", "collavoce_training", "--"])
            .args(passed(arguments)?),
    )
}

/// What is passed on to the training.
fn passed(arguments: &[String]) -> anyhow::Result<Vec<&str>> {
    let mut rest = arguments.iter().map(String::as_str);
    let model = rest.next().with_context(|| format!("no network is named; usage: {USAGE}"))?;
    let shared = rest.next().filter(|folder| !folder.starts_with('-'));
    let shared = shared.with_context(|| format!("the folder SHARED is missing; usage: {USAGE}"))?;
    let mut passed = vec![model];
    match model {
        // It makes all of its material itself.
        "pitch" => {}
        "harmony" | "beats" => {
            ensure!(
                Path::new(shared).join("data/scores").is_dir(),
                "{shared} holds no data/scores; usage: {USAGE}"
            );
            passed.push(shared);
        }
        "arranger" => {
            ensure!(
                Path::new(shared).join("split.tsv").is_file(),
                "{shared} holds no split.tsv: make a corpus with cargo xtask data; usage: {USAGE}"
            );
            passed.push(shared);
        }
        "mask" => {
            ensure!(
                Path::new(shared).join("pairs.tsv").is_file(),
                "{shared} holds no pairs.tsv: make voices with cargo xtask data voices; usage: {USAGE}"
            );
            passed.push(shared);
        }
        _ => bail!("there is no network {model:?}; usage: {USAGE}"),
    }
    passed.extend(rest);
    ensure!(
        passed.iter().any(|argument| *argument == "--out" || argument.starts_with("--out=")),
        "--out DIR is missing; usage: {USAGE}"
    );
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(line: &str) -> Result<String, String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        passed(&words).map(|words| words.join(" ")).map_err(|e| e.to_string())
    }

    #[test]
    fn pitch_needs_no_scores_and_others_do() {
        assert_eq!(passed_on("pitch . --out x --steps 9").as_deref(), Ok("pitch --out x --steps 9"));
        assert!(passed_on("harmony nowhere --out x").is_err_and(|e| e.contains("holds no data/scores")));
        let scores = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(scores.path().join("data/scores")).expect("a folder");
        let line = format!("beats {} --out x", scores.path().display());
        assert_eq!(passed_on(&line).as_deref(), Ok(line.as_str()));
        let line = format!("mask {} --out x", scores.path().display());
        assert!(passed_on(&line).is_err_and(|e| e.contains("cargo xtask data voices")));
        std::fs::write(scores.path().join("pairs.tsv"), "").expect("a file");
        assert_eq!(passed_on(&line).as_deref(), Ok(line.as_str()));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(passed_on("pitch .").is_err_and(|e| e.contains("--out")));
        assert!(passed_on("pitch --out x").is_err_and(|e| e.contains("SHARED")));
        assert!(passed_on("voice . --out x").is_err_and(|e| e.contains("voice")));
    }
}
