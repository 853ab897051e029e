//! The project's own commands: `cargo xtask COMMAND`.

mod bench;
mod blank;
mod bundle;
mod cut;
mod data;
mod eval;
mod golden;
mod hosts;
mod licences;
mod listen;
mod python;
mod shell;
mod spdx;
mod test;
mod tidy;
mod train;

use std::process::ExitCode;

/// A command: its name, what follows it, what it does.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const COMMANDS: [Command; 11] = [
    Command {
        name: "test",
        arguments: "",
        about: "every check, cheapest first; what CI runs",
        run: test::run,
    },
    Command {
        name: "bundle",
        arguments: "PACKAGE [--release] [--bank [FILE LICENCE]]",
        about: "build the plugin as CLAP and VST3 into target/bundled; with --bank it brings the band's instruments of an installed SoundFont under the MIT licence (fluid-soundfont-gm) with it",
        run: bundle::run,
    },
    Command {
        name: "hosts",
        arguments: "[--install]",
        about: "the plugin in hosts of other people and on a screen (Debian 12)",
        run: hosts::run,
    },
    Command { name: "tidy", arguments: "", about: "the design's boundaries, as text checks", run: tidy::run },
    Command {
        name: "licences",
        arguments: "",
        about: "licences and bans of every dependency against deny.toml",
        run: licences::run,
    },
    Command {
        name: "golden",
        arguments: "[--bless]",
        about: "compare the demo's scores with tests/golden/, or accept what is written now",
        run: golden::run,
    },
    Command {
        name: "bench",
        arguments: "[plugin|band] [SECONDS] or sounds [FILE]...",
        about: "speed, share and output hash of every stage, what the plugin costs a host, what the built-in instruments cost at their busiest, or what SoundFonts cost",
        run: bench::run,
    },
    Command {
        name: "eval",
        arguments: "band|harmony|listen|sections|... FOLDER or follow",
        about: "measure the engine against open scores, and what it hears against recordings with truth",
        run: eval::run,
    },
    Command {
        name: "listen",
        arguments: "CORPUS -o FOLDER, --count FOLDER VOTES",
        about: "a page to compare rules, network and people on by ear, blind; and the count of votes (docs/band.md)",
        run: eval::page,
    },
    Command {
        name: "data",
        arguments: "SCORES -o FOLDER or voices CORPUS -o FOLDER",
        about: "one corpus of all open scores (docs/corpus.md); voices and backings made of it (docs/voices.md)",
        run: data::run,
    },
    Command {
        name: "train",
        arguments: "pitch|harmony|beats|arranger|mask FOLDER --out DIR",
        about: "train a network, or go on with it; further options are those of the training",
        run: train::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = arguments.first().and_then(|name| COMMANDS.iter().find(|c| c.name == name));
    let Some(command) = command else {
        eprint!("{}", usage(arguments.first().map(String::as_str)));
        return ExitCode::from(2);
    };
    match (command.run)(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {}: {error:#}", command.name);
            ExitCode::FAILURE
        }
    }
}

fn usage(unknown: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(name) = unknown {
        text.push_str(&format!("there is no command {name:?}\n"));
    }
    text.push_str("usage: cargo xtask COMMAND\n");
    for Command { name, arguments, about, .. } in COMMANDS {
        text.push_str(&format!("  {:33} {about}\n", format!("{name} {arguments}")));
    }
    text
}
