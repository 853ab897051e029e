//! `cargo xtask eval mixes`: what is written to a voice that lies in a mix, beside what is played in it. See docs/separate.md.

mod material;
mod measure;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use collavoce::bounce::sounds::read_bank;
use collavoce::bounce::{BounceError, BounceRequest, Stage, analyse, bounce};
use collavoce::engine::Session;
use collavoce::listen::PitchMethod;
use collavoce::score::Part;
use collavoce::song::{Isolate, Mode, Settings};

use crate::separate::BANK;
use crate::separate::material::{RATE, Split};
use crate::separate::measure::median;
use material::{Backing, Scratch, Voice, write};
use measure::{BesideGuitar, Figures, KeyMatch, Written};

const USAGE: &str = "usage: cargo xtask eval mixes SHARED [-o FOLDER] [--bank FILE] [--only VOICE] [--backing NAME] [--voice-db \
                     LEVEL] [--studio|--live] [--tune]; SHARED holds data/audio, the bank is a SoundFont (apt install \
                     fluid-soundfont-gm)";

struct Options {
    shared: PathBuf,
    out: Option<PathBuf>,
    bank: PathBuf,
    split: Split,
    only: Option<String>,
    backing: Option<String>,
    /// How much louder the voice is than the backing, in dB.
    voice_db: f64,
    modes: Vec<Mode>,
}

impl Options {
    fn read(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self {
            shared: PathBuf::new(),
            out: None,
            bank: BANK.into(),
            split: Split::Report,
            only: None,
            backing: None,
            voice_db: 0.0,
            modes: vec![Mode::Studio, Mode::Live],
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "-o" | "--out" => options.out = Some(PathBuf::from(rest.next().context(USAGE)?)),
                "--bank" => options.bank = PathBuf::from(rest.next().context(USAGE)?),
                "--only" => options.only = Some((*rest.next().context(USAGE)?).to_owned()),
                "--backing" => options.backing = Some((*rest.next().context(USAGE)?).to_owned()),
                "--voice-db" => options.voice_db = rest.next().context(USAGE)?.parse().context(USAGE)?,
                "--studio" => options.modes = vec![Mode::Studio],
                "--live" => options.modes = vec![Mode::Live],
                "--tune" => options.split = Split::Tune,
                option if option.starts_with('-') => bail!("{option} is not known; {USAGE}"),
                folder if options.shared.as_os_str().is_empty() => options.shared = PathBuf::from(folder),
                more => bail!("{more} is one folder too many; {USAGE}"),
            }
        }
        ensure!(!options.shared.as_os_str().is_empty(), "a folder is missing; {USAGE}");
        Ok(options)
    }
}

/// A voice in a mix, and what came of it.
struct Row {
    voice: String,
    backing: &'static str,
    mode: Mode,
    /// What `--isolate auto` does: what the recording is taken for, or that it is left as it is.
    told: String,
    /// Parts that play in it, and those that are heard in it.
    parts: &'static [Part],
    heard: Vec<Part>,
    /// None where no band is written.
    figures: Option<Figures>,
    /// How a whole band goes with a guitar that is played alone, and how one that is written to go with it does.
    beside: Option<[BesideGuitar; 2]>,
}

/// Runs the measurement.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let options = Options::read(arguments)?;
    let bank = read_bank(&options.bank)?;
    let mut backings = material::backings(&bank).to_vec();
    backings.retain(|backing| options.backing.as_ref().is_none_or(|only| backing.name == only));
    let mut voices = material::voices(&options.shared, options.split)?;
    voices.retain(|voice| options.only.as_ref().is_none_or(|only| voice.name.starts_with(only.as_str())));
    ensure!(!voices.is_empty() && !backings.is_empty(), "nothing is left; {USAGE}");
    let scratch = Scratch::new()?;
    let mut rows: Vec<Row> = Vec::new();
    println!("{HEADING}");
    for voice in &voices {
        of_voice(voice, &backings, &options, &scratch, &mut rows)?;
    }
    totals(&rows, &backings, &options.modes);
    parts(&rows);
    beside_guitar(&rows);
    if let Some(folder) = &options.out {
        csv(&rows, folder)?;
    }
    Ok(())
}

fn settings(mode: Mode) -> Settings {
    // The command line has no outro unless it is asked for one.
    Settings { mode, outro_bars: 0, ..Settings::default() }
}

/// Every backing under a voice, in every mode.
fn of_voice(
    voice: &Voice,
    backings: &[Backing],
    options: &Options,
    scratch: &Scratch,
    rows: &mut Vec<Row>,
) -> anyhow::Result<()> {
    let path = scratch.path("dry.wav");
    write(&path, [&voice.samples, &voice.samples])?;
    let dry = |mode| -> Result<Session, BounceError> {
        let settings = Settings { bpm: voice.bpm, ..settings(mode) };
        Ok(analyse(&path, &settings, PitchMethod::Nsdf, &mut quiet)?.1)
    };
    let played = dry(Mode::Studio).with_context(|| voice.name.clone())?;
    // Where the voice begins in a mix.
    let pad_s = RATE.sample_at(played.pad_s).0 as f64 / RATE.as_f64();
    let truth = Written::of(&played, pad_s);
    for mode in &options.modes {
        let of_dry = match mode {
            Mode::Studio => Some(truth.clone()),
            // What is too short for a live band has none to compare with.
            Mode::Live => dry(Mode::Live).ok().map(|session| Written::of(&session, pad_s)),
        };
        for backing in backings {
            let mix = backing.mixed(voice, &played, &settings(Mode::Studio), options.voice_db)?;
            let path = scratch.path("mix.wav");
            write(&path, [&mix[0], &mix[1]])?;
            let (told, session) = isolated(&path, *mode, scratch)?;
            let mix = session.as_ref().and_then(|session| session.take.mix.as_ref());
            let heard = mix.map_or_else(Vec::new, |mix| mix.present.clone());
            let beside = match (&session, *mode, backing.parts) {
                (Some(session), Mode::Studio, [Part::Guitar]) => filled_in(&path, scratch)?
                    .map(|filled| [session, &filled].map(|found| BesideGuitar::of(&played, pad_s, found))),
                _ => None,
            };
            let found = session.map(|session| Written::of(&session, 0.0));
            let figures = found.map(|found| Figures::of(&truth, of_dry.as_ref(), &found));
            let (voice, parts) = (voice.name.clone(), backing.parts);
            let row = Row { voice, backing: backing.name, mode: *mode, told, parts, heard, figures, beside };
            println!("{}", line(&row));
            rows.push(row);
        }
    }
    Ok(())
}

fn quiet(_: Stage, _: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// What `--isolate auto` takes a mix for, and what `--isolate on` writes to it; both do the same where a mix is heard.
fn isolated(path: &Path, mode: Mode, scratch: &Scratch) -> anyhow::Result<(String, Option<Session>)> {
    let run = |isolate| {
        let request = BounceRequest::new(path, scratch.path("out"), Settings { isolate, ..settings(mode) });
        match bounce(&request, &mut quiet) {
            Ok(done) => Ok(Some((done.report["isolation"]["found"]["kind"].clone(), done.session))),
            Err(BounceError::Engine { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    };
    let auto = run(Isolate::Auto)?;
    if let Some((kind, session)) = auto
        && let Some(kind) = kind.as_str()
    {
        return Ok((kind.to_owned(), Some(session)));
    }
    Ok(("left alone".to_owned(), run(Isolate::On)?.map(|(_, session)| session)))
}

/// What `--isolate on` writes to a mix where what is there already is left out; none where the guitar is not heard, or no band
/// is written.
fn filled_in(path: &Path, scratch: &Scratch) -> anyhow::Result<Option<Session>> {
    let settings = Settings { isolate: Isolate::On, fills_in: true, ..settings(Mode::Studio) };
    match bounce(&BounceRequest::new(path, scratch.path("out"), settings), &mut quiet) {
        Ok(done) => Ok(Some(done.session).filter(|session| {
            session.take.mix.as_ref().is_some_and(|mix| mix.present.contains(&Part::Guitar))
        })),
        Err(BounceError::Engine { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const HEADING: &str = "voice              backing      mode   auto          key       bpm true found ratio  beats up to octave  \
                       chords: dry true  waited";

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Studio => "studio",
        Mode::Live => "live",
    }
}

fn line(row: &Row) -> String {
    let head = format!("{:18.18} {:12} {:6} {:12.12}", row.voice, row.backing, name(row.mode), row.told);
    let Some(figures) = &row.figures else { return format!("{head}  no band") };
    let [truth, found] = figures.bpm;
    format!(
        "{head}  {:8} {:9.1} {:5.1} {:5.2} {:6.2} {:12.2} {:12.2} {:4.2} {:6.1} s",
        figures.key.label(),
        truth,
        found,
        figures.tempo(),
        figures.beats,
        figures.beats_octave,
        figures.chords_dry,
        figures.chords_played,
        figures.waited_s
    )
}

/// Prints how many are right for each backing and mode.
fn totals(rows: &[Row], backings: &[Backing], modes: &[Mode]) {
    println!(
        "\n{:12} {:6} {:>5} {:>8} {:>5} {:>9} {:>6} {:>10} | medians: {:>6} {:>9} {:>10} {:>11}",
        "backing",
        "mode",
        "mixes",
        "isolated",
        "key",
        "or relat.",
        "tempo",
        "or octave",
        "beats",
        "or octave",
        "chords dry",
        "chords true"
    );
    let all = backings.iter().map(|backing| Some(backing.name)).chain([None]);
    for (mode, backing) in modes.iter().flat_map(|mode| all.clone().map(move |backing| (*mode, backing))) {
        let is_of = |row: &&Row| row.mode == mode && backing.is_none_or(|name| row.backing == name);
        let of: Vec<&Row> = rows.iter().filter(is_of).collect();
        let found: Vec<&Figures> = of.iter().filter_map(|row| row.figures.as_ref()).collect();
        let count = |is: &dyn Fn(&Figures) -> bool| found.iter().filter(|figures| is(figures)).count();
        let middle = |value: &dyn Fn(&Figures) -> f64| median(found.iter().map(|figures| value(figures)));
        println!(
            "{:12} {:6} {:5} {:8} {:5} {:9} {:6} {:10} | {:15.2} {:9.2} {:10.2} {:11.2}",
            backing.unwrap_or("all"),
            name(mode),
            of.len(),
            of.iter().filter(|row| row.told.ends_with("mix")).count(),
            count(&|figures| figures.key == KeyMatch::Same),
            count(&|figures| figures.key != KeyMatch::Other),
            count(&|figures| figures.tempo_is_right()[0]),
            count(&|figures| figures.tempo_is_right()[1]),
            middle(&|figures| figures.beats),
            middle(&|figures| figures.beats_octave),
            middle(&|figures| figures.chords_dry),
            middle(&|figures| figures.chords_played)
        );
    }
}

/// Prints how often parts are heard that play in a mix, and such as do not; live nobody looks for them.
fn parts(rows: &[Row]) {
    let studio: Vec<&Row> =
        rows.iter().filter(|row| row.mode == Mode::Studio && row.figures.is_some()).collect();
    for part in Part::ALL {
        let (there, not): (Vec<&Row>, Vec<&Row>) = studio.iter().partition(|row| row.parts.contains(&part));
        let heard = |rows: &[&Row]| rows.iter().filter(|row| row.heard.contains(&part)).count();
        println!(
            "{:8} heard in {} of {} mixes where it plays, in {} of {} where it does not",
            part.name(),
            heard(&there),
            there.len(),
            heard(&not),
            not.len()
        );
    }
}

/// Prints how bands go with a guitar.
fn beside_guitar(rows: &[Row]) {
    let beside: Vec<&[BesideGuitar; 2]> = rows.iter().filter_map(|row| row.beside.as_ref()).collect();
    if beside.is_empty() {
        return;
    }
    println!(
        "\nbeside a guitar, medians of {} mixes: strings in its register, kick and snare with it",
        beside.len()
    );
    for (index, name) in ["a whole band", "what is missing"].into_iter().enumerate() {
        let middle =
            |value: &dyn Fn(&BesideGuitar) -> f64| median(beside.iter().map(|pair| value(&pair[index])));
        println!("{name:16} {:.2} {:.2}", middle(&|b| b.doubled), middle(&|b| b.together));
    }
}

/// Writes `mixes.csv`: names, what `--isolate auto` hears, the match of keys, beats a minute, F-measures and shares from 0 to
/// 1, seconds.
fn csv(rows: &[Row], folder: &Path) -> anyhow::Result<()> {
    let mut text = "voice,backing,mode,auto,key,bpm_true,bpm_found,beats_f,beats_f_octave,chords_dry,chords_true,waited_s\n".to_owned();
    for row in rows {
        let head = format!("\"{}\",\"{}\",{},{}", row.voice, row.backing, name(row.mode), row.told);
        text += &match &row.figures {
            None => format!("{head},,,,,,,,\n"),
            Some(f) => format!(
                "{head},{},{:.3},{:.3},{:.4},{:.4},{:.4},{:.4},{:.3}\n",
                f.key.label(),
                f.bpm[0],
                f.bpm[1],
                f.beats,
                f.beats_octave,
                f.chords_dry,
                f.chords_played,
                f.waited_s
            ),
        };
    }
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join("mixes.csv");
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}
