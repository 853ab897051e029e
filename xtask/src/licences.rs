//! `cargo xtask licences`: every dependency's licence and name against `deny.toml`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::{shell, spdx};

/// What `deny.toml` says, as far as it is checked here.
#[derive(Debug, PartialEq, Eq)]
struct Rules {
    /// Licences that are allowed.
    allow: Vec<String>,
    /// Crates that must not be there.
    deny: Vec<String>,
}

/// Checks every package that is built for any platform of ours.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    shell::no_arguments(arguments)?;
    let text =
        std::fs::read_to_string(shell::root().join("deny.toml")).context("deny.toml cannot be read")?;
    let rules = read(&text)?;
    let mut cargo = shell::cargo(&["metadata", "--format-version", "1", "--locked"]);
    let output = cargo.stderr(std::process::Stdio::inherit()).output().context("cargo cannot be run")?;
    ensure!(output.status.success(), "`{}` failed ({})", shell::named(&cargo), output.status);
    let mut metadata: Value = serde_json::from_slice(&output.stdout).context("cargo's answer is no JSON")?;
    // The metadata names every optional dependency that some feature mentions, whether or not it is turned on.
    let listed = listed()?;
    if let Some(packages) = metadata["packages"].as_array_mut() {
        packages.retain(|package| {
            let text = |key: &str| package[key].as_str().unwrap_or_default();
            listed.contains(&format!("{} v{}", text("name"), text("version")))
        });
    }
    let (count, problems) = check(&metadata, &rules)?;
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    println!("{count} packages: licences allowed, none banned");
    Ok(())
}

/// What the program is built for.
const PLATFORMS: [&str; 4] =
    ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "x86_64-apple-darwin", "aarch64-apple-darwin"];

/// Every package that is built for one of them, as "name v1.2.3".
fn listed() -> anyhow::Result<BTreeSet<String>> {
    let mut listed = BTreeSet::new();
    for platform in PLATFORMS {
        let edges = ["tree", "--workspace", "--locked", "--prefix", "none", "--format", "{p}"];
        let mut cargo = shell::cargo(&edges);
        cargo.args(["--edges", "normal,build,dev", "--target", platform]);
        let output = cargo.stderr(std::process::Stdio::inherit()).output().context("cargo cannot be run")?;
        ensure!(output.status.success(), "`{}` failed ({})", shell::named(&cargo), output.status);
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let mut words = line.split(' ');
            if let (Some(name), Some(version)) = (words.next(), words.next()) {
                listed.insert(format!("{name} {version}"));
            }
        }
    }
    Ok(listed)
}

/// How many packages there are, and what is wrong with them.
fn check(metadata: &Value, rules: &Rules) -> anyhow::Result<(usize, Vec<String>)> {
    let packages = metadata["packages"].as_array().context("cargo's answer names no packages")?;
    ensure!(!packages.is_empty(), "cargo's answer names no packages");
    let built = built(metadata);
    let packages: Vec<&Value> =
        packages.iter().filter(|p| built.contains(p["id"].as_str().unwrap_or_default())).collect();
    let mut problems = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap_or_default();
        let version = package["version"].as_str().unwrap_or_default();
        if rules.deny.iter().any(|denied| denied == name) {
            problems.push(format!("{name} {version} is banned by deny.toml"));
        }
        let Some(licence) = package["license"].as_str() else {
            problems.push(format!("{name} {version} states no licence"));
            continue;
        };
        match spdx::is_satisfied(licence, &|one| rules.allow.iter().any(|allowed| allowed == one)) {
            Ok(true) => {}
            Ok(false) => problems.push(format!("{name} {version}: deny.toml does not allow {licence}")),
            Err(reason) => problems.push(format!("{name} {version}: {reason}")),
        }
    }
    Ok((packages.len(), problems))
}

/// The packages that some platform of ours builds: what only web browsers need is left out.
fn built(metadata: &Value) -> BTreeSet<&str> {
    fn list(value: &Value) -> &[Value] {
        value.as_array().map_or(&[], Vec::as_slice)
    }
    let nodes = list(&metadata["resolve"]["nodes"]);
    let needs: BTreeMap<&str, &Value> =
        nodes.iter().filter_map(|node| Some((node["id"].as_str()?, &node["deps"]))).collect();
    let members = list(&metadata["workspace_members"]);
    let mut front: Vec<&str> = members.iter().filter_map(Value::as_str).collect();
    let mut seen = BTreeSet::new();
    while let Some(package) = front.pop() {
        if seen.insert(package) {
            let deps = needs.get(package).map_or(&[][..], |deps| list(deps));
            front.extend(
                deps.iter().filter(|dep| !is_for_browsers(dep)).filter_map(|dep| dep["pkg"].as_str()),
            );
        }
    }
    seen
}

fn is_for_browsers(dep: &Value) -> bool {
    let is_wasm = |kind: &Value| {
        kind["target"].as_str().is_some_and(|target| {
            target == "cfg(target_family = \"wasm\")" || target == "cfg(target_arch = \"wasm32\")"
        })
    };
    dep["dep_kinds"].as_array().is_some_and(|kinds| !kinds.is_empty() && kinds.iter().all(is_wasm))
}

/// Reads the two lists out of `deny.toml`.
fn read(text: &str) -> anyhow::Result<Rules> {
    Ok(Rules { allow: list(text, "licenses", "allow")?, deny: list(text, "bans", "deny")? })
}

/// The strings of `key = [...]` in `[section]`.
fn list(text: &str, section: &str, key: &str) -> anyhow::Result<Vec<String>> {
    let (mut here, mut inside) = (String::new(), false);
    let mut values = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let mut rest = line;
        if line.starts_with('#') {
            continue;
        }
        if !inside {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
                here = name.trim().to_owned();
            }
            match line.split_once('=') {
                Some((name, value)) if here == section && name.trim() == key => {
                    (inside, rest) = (true, value.trim());
                    ensure!(rest.starts_with('['), "{key} in [{section}] of deny.toml is no list");
                }
                _ => continue,
            }
        }
        // Between quotes stands a value; what follows them may end the list or begin a comment.
        for (index, piece) in rest.split('"').enumerate() {
            if index % 2 == 1 {
                values.push(piece.to_owned());
            } else if piece.contains(']') {
                return Ok(values);
            } else if piece.contains('#') {
                break;
            }
        }
    }
    bail!("deny.toml has no list {key} in [{section}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = "# allow = [\"No\"]\n[licenses]\nallow = [ # first\n  \"MIT\", \"Apache-2.0 WITH LLVM-exception\", # \"No\"\n]\n[bans]\nallow = [\"x\"]\ndeny = [\"hyper\"]\n";

    #[test]
    fn both_lists_are_read() {
        let rules = read(TEXT).expect("rules");
        assert_eq!(rules.allow, ["MIT", "Apache-2.0 WITH LLVM-exception"]);
        assert_eq!(rules.deny, ["hyper"]);
        assert!(read("[bans]\ndeny = []\n").is_err());
        assert!(list("[a]\nb = [\n\"c\",\n", "a", "b").is_err(), "a list without an end was read");
    }

    #[test]
    fn each_problem_is_named() {
        let browser = [json!({ "kind": null, "target": "cfg(target_family = \"wasm\")" })];
        let everywhere = [json!({ "kind": null, "target": null })];
        let need = |id: &str, kinds: &[Value]| json!({ "pkg": id, "dep_kinds": kinds });
        let metadata = json!({
            "workspace_members": ["a"],
            "packages": [
                { "id": "a", "name": "good", "version": "1.0.0", "license": "MIT OR Other" },
                { "id": "b", "name": "hyper", "version": "1.0.0", "license": "MIT" },
                { "id": "c", "name": "closed", "version": "1.0.0", "license": "Other" },
                { "id": "d", "name": "silent", "version": "1.0.0", "license": null },
                { "id": "e", "name": "for-browsers", "version": "1.0.0", "license": "Other" },
            ],
            "resolve": { "nodes": [
                { "id": "a", "deps": [need("b", &everywhere), need("c", &everywhere), need("e", &browser)] },
                { "id": "c", "deps": [need("d", &everywhere)] },
            ]},
        });
        let (count, problems) = check(&metadata, &read(TEXT).expect("rules")).expect("packages");
        assert_eq!(count, 4);
        let found: Vec<&str> = problems.iter().filter_map(|p| p.split(' ').next()).collect();
        assert_eq!(found, ["hyper", "closed", "silent"], "{problems:?}");
        assert!(check(&json!({}), &read(TEXT).expect("rules")).is_err());
    }
}
