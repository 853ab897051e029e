//! Makes its own material and trains the networks of Collavoce with it.

mod arranger;
mod beats;
mod checkpoint;
mod clip;
mod course;
mod curves;
mod harmony;
mod listen;
mod mask;
mod room;
mod sung;
mod train;
mod voice;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Trains the networks of Collavoce on sound that it makes itself")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trains the pitch network.
    Pitch(train::Options),
    /// Trains the harmony network.
    Harmony(harmony::Options),
    /// Trains the network of the arranger.
    Arranger(arranger::Options),
    /// Trains the network that isolates a voice.
    Mask(mask::Options),
    /// Measures weights of it on real voices.
    MaskMeasure(mask::Measure),
    /// Trains networks that find beats, and measures them against the rhythm tracker.
    Beats(beats::Options),
    /// Writes clips that are never trained on with their truth, to listen to and to try a pitch tracker on.
    Clips(listen::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Pitch(options) => train::run(&options),
        Command::Harmony(options) => harmony::run(&options),
        Command::Arranger(options) => arranger::run(&options),
        Command::Mask(options) => mask::run(&options),
        Command::MaskMeasure(options) => mask::measure(&options),
        Command::Beats(options) => beats::run(&options),
        Command::Clips(options) => listen::run(&options),
    }
}
