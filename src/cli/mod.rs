//! Commands, their options and what they print.

mod accompany;
mod analyze;
mod args;
mod demo;
mod progress;
mod separate;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use collavoce::bounce::BounceError;
use collavoce::bounce::sounds::SoundsError;
use collavoce::engine::EngineError;
use collavoce::follow::FollowError;
use collavoce::separate::ReferenceError;

/// Exit code where the input is sound but holds no voice.
const EXIT_NO_VOICE: u8 = 3;
/// Exit code after Ctrl-C, as shells have it.
const EXIT_CANCELLED: u8 = 130;

/// Runs the command line.
pub fn run() -> ExitCode {
    let arguments = args::Arguments::parse();
    let result = match arguments.command {
        args::Command::Accompany(options) => accompany::run(&options),
        args::Command::Analyze(options) => analyze::run(&options),
        args::Command::Demo(options) => demo::run(&options),
        args::Command::Separate(options) => separate::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Writes to standard output; one who stops reading, as `head` does, is no error.
fn say(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", message(error));
    if error.downcast_ref::<SoundsError>().is_some() {
        eprintln!("hint: without --sounds, or with --sounds built-in, the built-in instruments play.");
    }
    match error.downcast_ref::<BounceError>() {
        Some(BounceError::Cancelled) => ExitCode::from(EXIT_CANCELLED),
        Some(BounceError::Engine { source: EngineError::Follow(FollowError::NoVoice { .. }), .. }) => {
            eprintln!(
                "hint: is it the right file, and is the voice on its own? Out of a mix it is taken with --isolate on."
            );
            ExitCode::from(EXIT_NO_VOICE)
        }
        Some(BounceError::NoVoiceInMix { .. }) => {
            eprintln!("hint: if somebody sings, say how to look: --way centre or --way percussive.");
            ExitCode::from(EXIT_NO_VOICE)
        }
        Some(BounceError::Reference { source: ReferenceError::NotHeard { .. }, .. }) => {
            eprintln!(
                "hint: is it the backing of this very recording, at the same speed and from about the same beginning?"
            );
            ExitCode::FAILURE
        }
        _ => ExitCode::FAILURE,
    }
}

/// The error and its causes, each said once.
fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        _ if text.contains(&cause) => text,
        _ => format!("{text}: {cause}"),
    })
}
