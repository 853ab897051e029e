//! `cargo xtask eval separate`: how well a voice is found in a mix. See docs/separate.md.

mod baseline;
mod bss;
mod cost;
mod kinds;
pub mod material;
pub mod measure;
mod render;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use collavoce::audio::{StemFormat, StemWriter, quantise};
use collavoce::listen::PitchMethod;

use bss::Sources;
use material::{Backing, Case, Sound, Split, Voice};
use measure::{Figures, median};
use rows::Row;

const USAGE: &str = "usage: cargo xtask eval separate SHARED [-o FOLDER] [--bank FILE] [--each N] [--only ROW] [--tune] [--kinds]; \
                     SHARED holds data/audio and data/scores, the bank is a SoundFont (apt install fluid-soundfont-gm)";
/// The bank that backings of the report are played with; constants were chosen with another one.
pub const BANK: &str = "/usr/share/sounds/sf2/FluidR3_GM.sf2";

/// Mixes whose voices are written to listen to.
const WRITTEN: usize = 4;

struct Options {
    shared: PathBuf,
    out: Option<PathBuf>,
    bank: PathBuf,
    split: Split,
    /// Backings for each clip of a voice.
    each: usize,
    only: Option<String>,
    /// Whether nothing but kinds is measured, and each recording shown.
    kinds: bool,
}

impl Options {
    fn read(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self {
            shared: PathBuf::new(),
            out: None,
            bank: BANK.into(),
            split: Split::Report,
            each: 2,
            only: None,
            kinds: false,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "-o" | "--out" => options.out = Some(PathBuf::from(rest.next().context(USAGE)?)),
                "--bank" => options.bank = PathBuf::from(rest.next().context(USAGE)?),
                "--each" => options.each = rest.next().context(USAGE)?.parse().context(USAGE)?,
                "--only" => options.only = Some((*rest.next().context(USAGE)?).to_owned()),
                "--tune" => options.split = Split::Tune,
                "--kinds" => options.kinds = true,
                option if option.starts_with('-') => bail!("{option} is not known; {USAGE}"),
                folder if options.shared.as_os_str().is_empty() => options.shared = PathBuf::from(folder),
                more => bail!("{more} is one folder too many; {USAGE}"),
            }
        }
        ensure!(!options.shared.as_os_str().is_empty(), "a folder is missing; {USAGE}");
        Ok(options)
    }
}

/// Runs the measurement.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let options = Options::read(arguments)?;
    let voices = material::voices(&options.shared, options.split)?;
    let backings = material::backings(&options.shared, options.split, &options.bank)?;
    let mono = material::cases(&voices, &backings, options.each, true)?;
    let stereo = material::cases(&voices, &backings, 1, false)?;
    println!("{} clips of voices, {} backings of {} s", voices.len(), backings.len(), material::CLIP_S);
    kinds::print(&voices, &backings, &mono, &stereo, options.kinds)?;
    if options.kinds {
        return Ok(());
    }
    let rows = rows::all();
    let is_wanted = |row: &&Row| options.only.as_ref().is_none_or(|only| row.name.starts_with(only.as_str()));
    let wanted: Vec<&Row> = rows.iter().filter(is_wanted).collect();
    println!("\nmono, 16 kHz, 0 dB: {} mixes", mono.len());
    table(
        &wanted.iter().copied().filter(|row| !row.is_stereo).collect::<Vec<_>>(),
        &mono,
        options.out.as_deref(),
    )?;
    live_band(&mono)?;
    println!("\nstereo, 44.1 kHz, voice in the middle, 0 dB: {} mixes", stereo.len());
    table(&wanted.iter().copied().filter(|row| !row.is_oracle).collect::<Vec<_>>(), &stereo, None)?;
    alone(&wanted, &voices, &backings)
}

/// Prints a row for every way: medians over singers of medians over clips.
fn table(rows: &[&Row], cases: &[Case], out: Option<&Path>) -> anyhow::Result<()> {
    println!(
        "{:24} {:>6} {:>6} {:>6} | {:>6} {:>6} | {:>21} | {:>21} | {:>7}",
        "",
        "SI-SDR",
        "SDR",
        "SIR",
        "bssSDR",
        "bssSIR",
        "NSDF: RPA recall f.a.",
        "network: RPA rec. f.a.",
        "s per s"
    );
    let sources: Vec<Sources> = cases
        .iter()
        .map(|case| Sources::new(&case.voice, &rows::mono(&case.backing)))
        .collect::<anyhow::Result<_>>()?;
    let mut clips = String::from("row,clip,singer,si_sdr,sdr,sir,bss_sdr,bss_sir\n");
    if let Some(folder) = out {
        for (index, case) in cases.iter().enumerate().take(WRITTEN) {
            let voice = [case.voice.clone(), case.voice.clone()];
            write(folder, &format!("{index}-true-voice"), &voice, case)?;
            write(folder, &format!("{index}-true-backing"), &case.backing, case)?;
        }
    }
    for row in rows {
        let mut of_singer: BTreeMap<&str, Vec<Figures>> = BTreeMap::new();
        for (index, case) in cases.iter().enumerate() {
            let (figures, voice) = measured(row, case, &sources[index])?;
            of_singer.entry(&case.singer).or_default().push(figures);
            let Figures { si_sdr, sdr, sir, bss, .. } = figures;
            clips += &format!(
                "\"{}\",{index},\"{}\",{si_sdr:.3},{sdr:.3},{sir:.3},{:.3},{:.3}\n",
                row.name, case.singer, bss.sdr, bss.sir
            );
            if let Some(folder) = out.filter(|_| index < WRITTEN) {
                write(folder, &format!("{index}-{}", row.name.replace([' ', ','], "-")), &voice, case)?;
            }
        }
        let of = |value: &dyn Fn(&Figures) -> f64| {
            median(of_singer.values().map(|clips| median(clips.iter().map(value))))
        };
        print!("{:24} {:6.1} {:6.1} {:6.1} |", row.name, of(&|f| f.si_sdr), of(&|f| f.sdr), of(&|f| f.sir));
        print!(" {:6.1} {:6.1} |", of(&|f| f.bss.sdr), of(&|f| f.bss.sir));
        for tracker in 0..2 {
            let of = |value: &dyn Fn(&measure::Tracked) -> f64| of(&|f| value(&f.trackers[tracker]));
            print!("{:8.2} {:6.2} {:6.2} |", of(&|t| t.raw_pitch), of(&|t| t.recall), of(&|t| t.false_alarm));
        }
        println!("{:8.3}", of(&|f| f.factor));
    }
    if let Some(folder) = out {
        std::fs::write(folder.join("clips.csv"), clips)?;
    }
    Ok(())
}

/// Prints what the live band hears of the voices: medians over singers of medians over clips.
fn live_band(cases: &[Case]) -> anyhow::Result<()> {
    let mut of_singer: BTreeMap<&str, Vec<measure::Tracked>> = BTreeMap::new();
    for case in cases {
        let tracked = measure::tracked(&case.truth, &rows::live_band(case)?);
        of_singer.entry(&case.singer).or_default().push(tracked);
    }
    let of = |value: &dyn Fn(&measure::Tracked) -> f64| {
        median(of_singer.values().map(|clips| median(clips.iter().map(value))))
    };
    println!(
        "what the live band hears: RPA {:.2}, recall {:.2}, f.a. {:.2}",
        of(&|t| t.raw_pitch),
        of(&|t| t.recall),
        of(&|t| t.false_alarm)
    );
    Ok(())
}

fn measured(row: &Row, case: &Case, sources: &Sources) -> anyhow::Result<(Figures, Sound)> {
    let (voice, took_s) = cost::timed(|| (row.find)(case));
    let voice = voice?;
    let estimate = rows::mono(&voice);
    let mut figures = Figures {
        si_sdr: measure::si_sdr(&case.voice, &estimate),
        sdr: measure::sdr(&case.voice, &estimate),
        sir: measure::sir(&case.voice, &rows::mono(&case.backing), &estimate),
        bss: sources.ratios(&estimate)?,
        factor: took_s * case.rate.as_f64() / case.voice.len() as f64,
        ..Figures::default()
    };
    for (tracked, method) in figures.trackers.iter_mut().zip([PitchMethod::Nsdf, PitchMethod::Net]) {
        *tracked = measure::tracked(&case.truth, &rows::pitch(&voice, case, method)?);
    }
    Ok((figures, voice))
}

/// Prints what ways leave of a backing without a voice, and what they do to a voice without a backing.
fn alone(rows: &[&Row], voices: &[Voice], backings: &[Backing]) -> anyhow::Result<()> {
    println!(
        "\nalone, 44.1 kHz stereo, medians: what is left of a backing, and how near a dry voice comes out"
    );
    println!("{:24} {:>11} {:>17}", "", "backing dB", "dry voice SDR dB");
    // A backing that is known is never alone, nor missing.
    let is_told = |row: &&&Row| !row.is_oracle && row.name != "mixture" && !row.name.starts_with("reference");
    for row in rows.iter().filter(is_told) {
        let mut left = Vec::new();
        for backing in backings {
            let silence = vec![0.0; backing.sound[0].len()];
            let voice = (row.find)(&case_of(silence, backing.sound.clone()))?;
            let power = |sound: &Sound| material::power(&sound[0]) + material::power(&sound[1]);
            left.push(10.0 * (power(&voice) / power(&backing.sound).max(1e-20)).max(1e-12).log10());
        }
        let mut near = Vec::new();
        for voice in voices {
            let silence = [vec![0.0; voice.samples.len()], vec![0.0; voice.samples.len()]];
            let found = (row.find)(&case_of(voice.samples.clone(), silence))?;
            near.push(measure::sdr(&voice.samples, &rows::mono(&found)));
        }
        println!("{:24} {:11.1} {:17.1}", row.name, median(left.into_iter()), median(near.into_iter()));
    }
    Ok(())
}

fn case_of(voice: Vec<f32>, backing: Sound) -> Case {
    let (known, singer) = (backing.clone(), String::new());
    Case { singer, rate: material::RATE, voice, backing, known, truth: Vec::new() }
}

/// Writes a voice to listen to.
fn write(folder: &Path, name: &str, voice: &Sound, case: &Case) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join(format!("{name}.wav"));
    let mut writer =
        StemWriter::create(path, StemFormat::Wav, case.rate, voice[0].len() as u64, &case.singer)?;
    let integers = |channel: &Vec<f32>| channel.iter().map(|x| quantise(*x)).collect::<Vec<_>>();
    writer.write(&integers(&voice[0]), &integers(&voice[1]))?;
    writer.finish()?;
    Ok(())
}
