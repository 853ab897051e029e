//! Measures the engine against open scores.
//!
//! `collavoce_eval harmony FOLDER [--validate]` harmonises the melodies of Nottingham (ABC) and of the public-domain lead
//! sheets (MusicXML), and compares with the written chords. FOLDER is that of the scores. `--apart FOLDER` does so with
//! POP909, in the folder of what is for evaluation alone. `--weights FOLDER` takes other weights than those of the program;
//! `--also FOLDER`, once or more, sets those of other seeds beside. `--single FOLDER` counts the chords that are others with
//! the weights of that training in single precision than in half, `--cost` measures time and memory instead.
//!
//! `collavoce_eval rhythm FOLDER` counts the rhythm of the same melodies and of the voices of art songs, and prints
//! `src/follow/rhythm/priors.txt`. `collavoce_eval beats FOLDER [--validate]` sings the others under rubato and measures
//! the beats that are found.
//!
//! `collavoce_eval degrees SHARED` counts the degrees of those melodies whose key is written, and prints
//! `src/follow/key/melodies.txt`. `collavoce_eval keys SHARED [--validate]` measures the keys that are found in the others,
//! and in POP909.
//!
//! `collavoce_eval follow` sings cases to a live band and measures how it follows: from the sound, the MIDI file that comes
//! of it, and the truth. `--cases N` takes fewer, `--each` prints a line for each, `--seeds-from N` sings other songs,
//! `--studio` has the studio accompany them, `--speech FILE` plays a recording of speech in their place, and `--scores
//! FOLDER` counts how often melodies clash with what is written.
//! `collavoce_eval follow FOLDER` compares what a demo sang with the MIDI file that came of it.
//!
//! `collavoce_eval follow-known` sings the same cases to a follower that knows the song, and takes the same options.
//! `collavoce_eval follow-bleed` does so with speakers that sound into the microphone, with and without the canceller.
//! `collavoce_eval follow-loop` lets a singer correct to the band while the band follows the singer.
//! `collavoce_eval follow-real PATH...` compares the live band with the beats that real singers sang.
//!
//! `collavoce_eval compare PATH...` has both composers write to vocals and prints their chords bar by bar: `--live` as a live
//! band decides them, `--brief` the summary alone.
//!
//! `collavoce_eval band CORPUS` measures the arranger beside the rules and beside people: `--validate` on what was kept apart
//! to report on, `--pieces N` on fewer, `--seeds N` with more seeds.
//!
//! `collavoce_eval listen CORPUS -o FOLDER` makes a page on which people compare, blind, what rules, the arranger and people
//! play; `listen --count FOLDER VOTES...` counts what they said.
//!
//! `collavoce_eval phrasing` sings songs that breathe and measures what the parts do under the voice and in its rests;
//! `--sung N` sings fewer, and vocal files in its place are measured as they are heard. `--scores FOLDER` counts what
//! composers of art songs did.
//!
//! `collavoce_eval pulse FOLDER` counts how bands mark beats and bars, in recordings with an analysis beside each that states
//! its beats, and prints `src/follow/mix/pulse.txt`.
//!
//! `collavoce_eval separate SHARED` takes real voices out of mixes made of them and of backings whose truth is known.
//!
//! `collavoce_eval mixes SHARED` has bands written to real voices in mixes made of them and of bands, and compares them with
//! what is played there.
//!
//! `collavoce_eval sound [BANK...] [-o FOLDER]` plays notes and parts with our instruments and with sampled banks, and prints
//! how far they are apart; `-o` makes a page of spectrograms.
//!
//! `collavoce_eval sections FOLDER` finds sections in the melodies of POP909 and compares them with those of two people.

mod band;
mod beats;
mod compare;
mod follow;
mod harmony;
mod keys;
mod mixes;
mod phrasing;
mod pulse;
mod rhythm;
mod sections;
mod separate;
mod sound;

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["listen", rest @ ..] => band::listen::run(rest),
        ["band", rest @ ..] => band::run(&band::Options::read(rest)?),
        ["harmony", folder, rest @ ..] => harmony::run(Path::new(folder), &harmony_options(rest)?),
        ["follow", "--scores", folder] => follow::written(Path::new(folder)),
        ["follow", folder] if !folder.starts_with("--") => follow::demo(Path::new(folder)),
        ["follow-known", rest @ ..] => follow::known(&follow::Options::read(rest)?),
        ["follow", rest @ ..] => follow::run(&follow::Options::read(rest)?),
        ["follow-bleed", rest @ ..] => follow::bleed::run(rest),
        ["follow-loop"] => follow::mutual::run(),
        ["follow-real", rest @ ..] => follow::real::run(rest),
        ["degrees", folder] => keys::learn(Path::new(folder)),
        ["keys", folder] => keys::run(Path::new(folder), false),
        ["keys", folder, "--validate"] => keys::run(Path::new(folder), true),
        ["rhythm", folder] => rhythm::run(Path::new(folder)),
        ["beats", folder] => beats::run(Path::new(folder), false),
        ["beats", folder, "--validate"] => beats::run(Path::new(folder), true),
        ["compare", rest @ ..] => compare::run(&compare_options(rest)?),
        ["phrasing", rest @ ..] => phrasing::run(rest),
        ["pulse", folder] => pulse::run(Path::new(folder)),
        ["sound", rest @ ..] => sound::run(rest),
        ["separate", rest @ ..] => separate::run(rest),
        ["mixes", rest @ ..] => mixes::run(rest),
        ["sections", folder] => sections::run(Path::new(folder)),
        _ => anyhow::bail!(
            "usage: cargo xtask eval harmony|rhythm|beats FOLDER (with nottingham/, openewld/ and lieder/; {HARMONY}), \
             cargo xtask eval degrees|keys|sections SHARED (with data/scores and data/evaluation_only), cargo xtask eval \
             follow|follow-known|follow-bleed|follow-loop|follow-real (their options stand in docs/following.md), cargo xtask eval follow FOLDER (of a \
             demo), cargo xtask eval band CORPUS (of cargo xtask data; --validate, --pieces N, --seeds N), \
             cargo xtask eval compare PATH... (vocals and folders of them; --live, --brief), cargo xtask eval phrasing \
             [FILES|--sung N|--scores FOLDER], cargo xtask eval sound [BANK...] [-o FOLDER] [--other-notes], cargo xtask eval separate|mixes SHARED (their options stand in docs/separate.md) or cargo xtask eval pulse FOLDER (recordings with beats)"
        ),
    }
}

/// What `harmony` takes after its folder.
const HARMONY: &str = "harmony also takes --validate, --apart FOLDER (with pop909/, pop909cl/ and pop909_sections/), --weights \
                       FOLDER, --also FOLDER as often as wanted, and --single FOLDER or --cost";

fn compare_options(arguments: &[&str]) -> anyhow::Result<compare::Options> {
    let mut options = compare::Options::default();
    for argument in arguments {
        match *argument {
            "--live" => options.is_live = true,
            "--brief" => options.is_brief = true,
            other if other.starts_with("--") => anyhow::bail!("{other} is not known; --live and --brief are"),
            path => options.paths.push(path.into()),
        }
    }
    Ok(options)
}

fn harmony_options(arguments: &[&str]) -> anyhow::Result<harmony::Options> {
    let mut options = harmony::Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut folder = || {
            let folder = rest.next().map(std::path::PathBuf::from);
            folder.ok_or_else(|| anyhow::anyhow!("{argument} needs a folder; {HARMONY}"))
        };
        match *argument {
            "--validate" => options.validate = true,
            "--cost" => options.cost = true,
            "--apart" => options.apart = Some(folder()?),
            "--weights" => options.weights = Some(folder()?),
            "--single" => options.single = Some(folder()?),
            "--also" => options.also.push(folder()?),
            other => anyhow::bail!("{other} is not known; {HARMONY}"),
        }
    }
    Ok(options)
}
