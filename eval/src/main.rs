//! Measures the engine against open scores.
//!
//! `collavoce_eval harmony FOLDER` harmonises the melodies of Nottingham (ABC) and of the public-domain lead sheets
//! (MusicXML) with the key given, and compares with the written chords. FOLDER is that of the scores.
//!
//! `collavoce_eval follow FOLDER` compares what a demo sang with the MIDI file that came of it.

mod abc;
mod follow;
mod harmony;
mod musicxml;
mod tune;

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["harmony", folder] => harmony::run(Path::new(folder)),
        ["follow", folder] => follow::run(Path::new(folder)),
        _ => anyhow::bail!(
            "usage: cargo xtask eval harmony FOLDER (with nottingham/ and openewld/) or cargo xtask eval follow FOLDER (of a demo)"
        ),
    }
}
