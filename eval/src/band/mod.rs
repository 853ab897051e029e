//! What the arranger plays, beside the rules and beside people. See docs/band.md.

mod apart;
mod controls;
mod cost;
mod copied;
mod likelihood;
pub mod listen;
mod ours;
mod statistics;
mod styles;
mod whole;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use collavoce_data::arrange::{self, Piece};
use collavoce_data::songs::Split;
use collavoce_models::arranger::{ArrangerNet, BASS, GUITAR, KIT, PARTS, STRINGS, VOICES};

/// Parts by name, and their voices, in the order of the network.
pub const PART_VOICES: [(&str, std::ops::Range<usize>); PARTS] = [
    ("drums", 0..KIT),
    ("bass", BASS..BASS + 1),
    ("guitar", GUITAR..GUITAR + 1),
    ("strings", STRINGS..VOICES),
];
/// Most pieces of a set that are played anew.
const PIECES: usize = 40;
/// Seeds with which they are.
const SEEDS: u64 = 3;

/// What is measured.
#[derive(Debug)]
pub struct Options {
    corpus: PathBuf,
    pieces: usize,
    seeds: u64,
    validates: bool,
}

impl Options {
    /// Reads what stands on the command line.
    pub fn read(arguments: &[&str]) -> anyhow::Result<Self> {
        const USAGE: &str = "usage: cargo xtask eval band CORPUS [--validate] [--pieces N] [--seeds N]";
        let (mut corpus, mut pieces, mut seeds, mut validates) = (None, PIECES, SEEDS, false);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut number = || -> anyhow::Result<u64> {
                let text = rest.next().with_context(|| format!("{argument} needs a number; {USAGE}"))?;
                text.parse().with_context(|| format!("{text} is no number; {USAGE}"))
            };
            match *argument {
                "--validate" => validates = true,
                "--pieces" => pieces = number()? as usize,
                "--seeds" => seeds = number()?,
                other if other.starts_with("--") => bail!("{other} is not known; {USAGE}"),
                folder if corpus.is_none() => corpus = Some(PathBuf::from(folder)),
                more => bail!("{more} is one folder too many; {USAGE}"),
            }
        }
        Ok(Self { corpus: corpus.context(USAGE)?, pieces, seeds, validates })
    }
}

/// Measures and prints.
pub fn run(options: &Options) -> anyhow::Result<()> {
    cost::print_memory()?;
    let net = ArrangerNet::embedded()?;
    let side = if options.validates { Split::Validate } else { Split::Develop };
    let all = arrange::read(Path::new(&options.corpus), |one| one == Split::Learn || one == side)?;
    let (learnt, apart): (Vec<Piece>, Vec<Piece>) =
        all.into_iter().partition(|piece| piece.side == Split::Learn);
    likelihood::print(net, &learnt, &apart);
    let chosen = spread(&apart, options.pieces);
    let played = ours::play(net, &chosen, options.seeds);
    statistics::print(&played);
    apart::print(&played);
    copied::print(&learnt, &played);
    whole::print(net, &chosen, options.seeds);
    controls::print(net, &chosen);
    styles::print(net, &learnt, &chosen);
    cost::print(net, &chosen);
    Ok(())
}

/// Some pieces of each set, evenly spread.
fn spread(pieces: &[Piece], most: usize) -> Vec<&Piece> {
    let of_set = |set: &str| -> Vec<&Piece> {
        let all: Vec<&Piece> = pieces.iter().filter(|piece| piece.set == set && piece.bars() >= 4).collect();
        let step = all.len().div_ceil(most.max(1)).max(1);
        all.into_iter().step_by(step).collect()
    };
    arrange::SETS.into_iter().flat_map(of_set).collect()
}
