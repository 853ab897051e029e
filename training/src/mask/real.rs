//! Real singers over backings that nothing was trained on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use collavoce::listen::{ListenConfig, PitchMethod, listen_to};
use collavoce::separate::net::Comb;
use collavoce::time::Hz;
use collavoce_data::voices::{self, RATE, Stored, TRUTH_PER_S};
use collavoce_models::mask::MaskNet;

use super::score::{self, Counts, Totals, count, isolate, median, read_mono, sdr_db};

/// Seconds of a clip.
const CLIP_S: f32 = 12.0;
/// Singers by file: whether they are looked at while training, where their F0 stands, where clips begin in seconds.
const SINGERS: [(&str, Side, Option<&str>, &[f32]); 8] = [
    ("csd/nino_Bajos_104.flac", Side::Select, None, &[8.0, 44.0]),
    ("csd/nino_ContraAlt_107.flac", Side::Select, None, &[8.0, 44.0]),
    ("csd/nino_Soprano_105.flac", Side::Select, None, &[8.0, 44.0]),
    ("vocadito_1.wav", Side::Report, Some("vocadito_1_f0.csv"), &[0.0, 12.0, 21.0]),
    ("vocadito_10.wav", Side::Report, None, &[0.0]),
    ("csd/nino_Bajos_404.flac", Side::Report, Some("csd/nino_Bajos_404.f0.csv"), &[8.0, 44.0, 70.0]),
    ("csd/nino_Soprano_405.flac", Side::Report, Some("csd/nino_Soprano_405.f0.csv"), &[8.0, 44.0, 70.0]),
    ("csd/nino_tenor1-06-2.flac", Side::Report, None, &[8.0, 44.0, 70.0]),
];
/// Confidence under which an annotated F0 is not known.
const SURE: f32 = 0.5;

/// What singers are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Looked at while training.
    Select,
    /// Reported on.
    Report,
}

/// A clip of a singer.
struct Clip {
    name: &'static str,
    voice: Vec<f32>,
    /// F0 in Hz, 0 where nobody sings, NaN where it is not known.
    truth_hz: Vec<f32>,
    /// Both sides of what it is mixed with, as loud as the voice.
    backing: [Vec<f32>; 2],
}

/// Clips of singers over backings.
pub struct Set {
    clips: Vec<Clip>,
}

impl Set {
    /// Reads the singers of a side, and gives each clip the next backing of a folder of pairs.
    ///
    /// # Errors
    /// A file is missing, or a folder holds no pairs.
    pub fn read(audio: &Path, backings: &Path, side: Side) -> anyhow::Result<Self> {
        let pairs = voices::read(backings)?;
        ensure!(!pairs.is_empty(), "{} holds no pairs", backings.display());
        let mut clips = Vec::new();
        for (file, _, annotation, starts) in SINGERS.iter().filter(|(_, of, ..)| *of == side) {
            let path = audio.join(file);
            let all = read_mono(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            let f0 = match annotation {
                Some(annotation) => annotated(&audio.join(annotation), all.len())?,
                None => tracked(&all)?,
            };
            for start in *starts {
                let from = ((start * RATE as f32) as usize).min(all.len());
                let to = (from + (CLIP_S * RATE as f32) as usize).min(all.len());
                let voice = all[from..to].to_vec();
                let point = |sample: usize| (sample * TRUTH_PER_S as usize / RATE as usize).min(f0.len());
                let backing = beside(&voice, &pairs[clips.len() % pairs.len()]);
                let truth_hz = f0[point(from)..point(to)].to_vec();
                clips.push(Clip { name: file, voice, truth_hz, backing });
            }
        }
        Ok(Self { clips })
    }

    /// How well a network isolates them at 0 dB.
    pub fn totals(&self, net: impl Fn() -> anyhow::Result<MaskNet>) -> anyhow::Result<Totals> {
        let mut totals = Totals::default();
        for clip in &self.clips {
            totals.add(&score::of_mix(net()?, &clip.mix(), &clip.voice, &clip.truth_hz, None)?);
        }
        Ok(totals)
    }
}

impl Clip {
    fn mix(&self) -> [Vec<f32>; 2] {
        self.backing.each_ref().map(|side| side.iter().zip(&self.voice).map(|(b, v)| b + v).collect())
    }
}

/// A backing with the power of a voice.
fn beside(voice: &[f32], pair: &Stored) -> [Vec<f32>; 2] {
    let side = |side: usize| -> Vec<f32> {
        pair.backing
            .iter()
            .skip(side)
            .step_by(2)
            .take(voice.len())
            .map(|x| f32::from(*x) / 32_768.0)
            .collect()
    };
    let mut sides = [side(0), side(1)];
    sides.iter_mut().for_each(|side| side.resize(voice.len(), 0.0));
    let middle: f32 = sides[0].iter().zip(&sides[1]).map(|(l, r)| (0.5 * (l + r)).powi(2)).sum();
    let power: f32 = voice.iter().map(|x| x * x).sum();
    let factor = (power / middle.max(1e-9)).sqrt();
    sides.iter_mut().flatten().for_each(|x| *x *= factor);
    sides
}

/// F0 of a table (time in s, Hz, perhaps confidence) at points of truth.
fn annotated(path: &Path, samples: usize) -> anyhow::Result<Vec<f32>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let rows: Vec<(f32, f32)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.split(',').map(|cell| cell.trim().parse::<f32>().ok());
            let (time, hz) = (cells.next()??, cells.next()??);
            let sure = cells.next().flatten().is_none_or(|confidence| confidence >= SURE);
            Some((time, if sure { hz } else { f32::NAN }))
        })
        .collect();
    ensure!(rows.len() > 10, "{} holds no F0", path.display());
    let points = samples * TRUTH_PER_S as usize / RATE as usize;
    let near = |point: usize| {
        let time = point as f32 / TRUTH_PER_S as f32;
        let after = rows.partition_point(|(at, _)| *at < time).min(rows.len() - 1);
        let before = after.saturating_sub(1);
        if time - rows[before].0 < rows[after].0 - time { rows[before].1 } else { rows[after].1 }
    };
    Ok((0..points).map(near).collect())
}

/// F0 as the program's own tracker hears it in the dry voice.
fn tracked(voice: &[f32]) -> anyhow::Result<Vec<f32>> {
    let heard = listen_to(&at_16k(voice)?, ListenConfig::studio(PitchMethod::Net));
    Ok(heard.iter().map(|one| if one.voiced { one.f0_hz } else { 0.0 }).collect())
}

fn at_16k(samples: &[f32]) -> anyhow::Result<Vec<f32>> {
    Ok(collavoce::audio::resample(samples, 1, Hz(RATE), Hz(16_000))?)
}

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Measure {
    /// Weights in half precision, their hash beside them.
    weights: PathBuf,
    /// Folder of real voices.
    real: PathBuf,
    /// Folders of pairs whose backings they are mixed with, a table for each.
    #[arg(required = true)]
    backings: Vec<PathBuf>,
    /// The weights are those of a checkpoint, in single precision.
    #[arg(long)]
    checkpoint: bool,
    /// Measure the singers that are looked at while training instead, with combs of all kinds.
    #[arg(long)]
    combs: bool,
}

/// Measures a network on the singers that are reported on.
///
/// # Errors
/// A file cannot be read.
pub fn measure(options: &Measure) -> anyhow::Result<()> {
    let bytes = fs::read(&options.weights)
        .with_context(|| format!("{} cannot be read", options.weights.display()))?;
    let net = || -> anyhow::Result<MaskNet> {
        if options.checkpoint {
            return Ok(MaskNet::load_single(&bytes)?);
        }
        let path = options.weights.with_extension("sha256");
        let hash = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(MaskNet::load(&bytes, hash.trim())?)
    };
    for backings in &options.backings {
        println!("{}", backings.display());
        if options.combs {
            Set::read(&options.real, backings, Side::Select)?.combs(&net)?;
            continue;
        }
        let set = Set::read(&options.real, backings, Side::Report)?;
        set.table(&net)?;
    }
    Ok(())
}

impl Set {
    /// How well a network isolates them at 0 dB with a comb.
    fn combed(&self, net: &dyn Fn() -> anyhow::Result<MaskNet>, comb: Comb) -> anyhow::Result<Totals> {
        let mut totals = Totals::default();
        for clip in &self.clips {
            totals.add(&score::of_mix(net()?, &clip.mix(), &clip.voice, &clip.truth_hz, Some(comb))?);
        }
        Ok(totals)
    }

    /// What constants of the comb do, one at a time.
    fn combs(&self, net: &dyn Fn() -> anyhow::Result<MaskNet>) -> anyhow::Result<()> {
        println!("  none: {}", self.totals(net)?.text());
        let usual = Comb::default();
        let kinds = [
            ("usual", usual),
            ("no lift", Comb { lift: 0.0, ..usual }),
            ("lift from 0.5", Comb { lift_from: 0.5, ..usual }),
            ("lift from 0.1", Comb { lift_from: 0.1, ..usual }),
            ("floor 0.4", Comb { floor: 0.4, ..usual }),
            ("width 34 Hz", Comb { width_hz: 34.0, ..usual }),
            ("width 42 Hz", Comb { width_hz: 42.0, ..usual }),
            ("up to 8 kHz", Comb { top_hz: [5_000.0, 8_000.0], ..usual }),
            ("none kept", Comb { kept: [1.1, 1.2], ..usual }),
            ("kept from 0.8", Comb { kept: [0.8, 0.98], ..usual }),
            ("kept from 0.5", Comb { kept: [0.5, 0.9], ..usual }),
            ("when sure", Comb { sure: [0.8, 0.99], ..usual }),
            ("low voices too", Comb { told_apart_hz: [70.0, 120.0], ..usual }),
        ];
        for (name, comb) in kinds {
            println!("  {name}: {}", self.combed(net, comb)?.text());
        }
        Ok(())
    }

    fn table(&self, net: &dyn Fn() -> anyhow::Result<MaskNet>) -> anyhow::Result<()> {
        let mut all = Totals::default();
        let mut names: Vec<&str> = self.clips.iter().map(|clip| clip.name).collect();
        names.dedup();
        for name in names {
            let mut totals = Totals::default();
            for clip in self.clips.iter().filter(|clip| clip.name == name) {
                let score = score::of_mix(net()?, &clip.mix(), &clip.voice, &clip.truth_hz, None)?;
                totals.add(&score);
                all.add(&score);
            }
            println!("  {name}: {}", totals.text());
        }
        println!("  all: {}", all.text());
        println!("  all, with a comb: {}", self.combed(net, Comb::default())?.text());
        for comb in [None, Some(Comb::default())] {
            println!("  {}", if comb.is_some() { "with a comb" } else { "without a comb" });
            self.beyond(net, comb)?;
        }
        Ok(())
    }

    /// What trackers hear behind a network, what is left where nobody sings, and how a voice alone passes.
    fn beyond(&self, net: &dyn Fn() -> anyhow::Result<MaskNet>, comb: Option<Comb>) -> anyhow::Result<()> {
        let (mut behind, mut before) = ([Counts::default(); 2], [Counts::default(); 2]);
        let (mut leaks, mut passes, mut alarms) = (Vec::new(), Vec::new(), Counts::default());
        let middle =
            |sides: &[Vec<f32>; 2]| sides[0].iter().zip(&sides[1]).map(|(l, r)| 0.5 * (l + r)).collect();
        let power = |samples: &[f32]| samples.iter().map(|x| x * x).sum::<f32>() + 1e-12;
        for clip in &self.clips {
            let mix = clip.mix();
            let (whole, quiet): (Vec<f32>, Vec<f32>) = (middle(&mix), middle(&clip.backing));
            let isolated = isolate(net()?, &mix, comb)?;
            for (index, method) in METHODS.into_iter().enumerate() {
                before[index].join(&tracker(&whole, &clip.truth_hz, method)?);
                behind[index].join(&tracker(&isolated.voice, &clip.truth_hz, method)?);
            }
            let alone = isolate(net()?, &clip.backing, comb)?;
            leaks.push(10.0 * (power(&alone.voice) / power(&quiet)).log10());
            alarms.join(&count(&alone.heard, &vec![0.0; clip.truth_hz.len()]));
            let dry = isolate(net()?, &[clip.voice.clone(), clip.voice.clone()], comb)?;
            passes.push(sdr_db(&clip.voice, &dry.voice));
        }
        for (index, method) in METHODS.into_iter().enumerate() {
            println!("    tracker {} on the mix: {}", method.name(), before[index].text());
            println!("    tracker {} on the isolated voice: {}", method.name(), behind[index].text());
        }
        println!("    no voice: {:.1} dB are left, {}", median(&leaks), alarms.text());
        println!("    voice alone: SDR {:.1} dB", median(&passes));
        Ok(())
    }
}

/// The trackers of the program that are tried on what comes out.
const METHODS: [PitchMethod; 2] = [PitchMethod::Net, PitchMethod::Nsdf];

/// How a tracker of the program hears a sound.
fn tracker(samples: &[f32], truth_hz: &[f32], method: PitchMethod) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let heard = listen_to(&at_16k(samples)?, ListenConfig::live(method));
    for (one, truth) in heard.iter().zip(truth_hz).skip(TRUTH_PER_S as usize / 2) {
        if !truth.is_nan() {
            counts.add(*truth, one.f0_hz, one.voiced);
        }
    }
    Ok(counts)
}
