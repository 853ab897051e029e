//! Chords for written melodies against the written chords.

mod baseline;
mod cost;
mod early;
mod figures;
mod forms;
mod pattern;
mod pop;
mod precision;
mod spread;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use collavoce::compose::model::{HarmonisedSlot, spans};
use collavoce::score::{ChordSpan, Key};
use collavoce::song::Style;
use collavoce::time::Ticks;
use collavoce_data::songs::{self, Split};
use collavoce_data::tune::Tune;
use collavoce_models::harmony::HarmonyNet;

use baseline::Counted;
use early::Early;
use figures::Figures;
use forms::{Live, Song, live, live_by_beats, ranked, rules, rules_live, studio};
use pattern::Pattern;
use precision::Precisions;

/// Sets with written chords, the style in which the rules harmonise them; their place is the network's idiom.
const SETS: [(&str, Style); 2] = [("folk tunes", Style::Folk), ("lead sheets", Style::Jazz)];

/// What is measured.
#[derive(Debug, Default)]
pub struct Options {
    /// Measure songs that nothing was chosen on.
    pub validate: bool,
    /// A folder with songs for evaluation alone, measured instead.
    pub apart: Option<PathBuf>,
    /// A folder with other weights than those of the program: `harmony.bpk` and `harmony.sha256`.
    pub weights: Option<PathBuf>,
    /// Folders with weights of other seeds, set beside.
    pub also: Vec<PathBuf>,
    /// A folder with weights in both precisions, compared instead.
    pub single: Option<PathBuf>,
    /// Measure time and memory instead.
    pub cost: bool,
}

/// Songs of one kind.
struct Set {
    name: &'static str,
    songs: Vec<Song>,
    /// What was counted in the songs to learn from that are nearest.
    counted: Counted,
    idiom: usize,
    style: Style,
    /// Whether nothing is tried on it: the forms that the program has are measured, and no others.
    is_apart: bool,
}

/// Measures folk tunes and lead sheets, or the songs set apart, and prints tables of each.
pub fn run(folder: &Path, options: &Options) -> anyhow::Result<()> {
    // The first thing that is done, so that nothing else is counted in.
    let (embedded, loaded) = cost::load()?;
    let other = options.weights.as_deref().map(read_net).transpose()?;
    let net = other.as_ref().unwrap_or(embedded);
    let also = options.also.iter().map(|folder| read_net(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    let precisions = options.single.as_deref().map(Precisions::read).transpose()?;
    let sets = match &options.apart {
        Some(apart) => vec![read_apart(folder, apart)?],
        None => read(folder, if options.validate { Split::Validate } else { Split::Develop })?,
    };
    for set in &sets {
        println!("{}: {} songs", set.name, set.songs.len());
        match &precisions {
            Some(precisions) => precisions.print(&set.songs, set.idiom),
            None if options.cost => cost::print(embedded, &loaded, &set.songs, set.idiom),
            None => report(set, net, &also),
        }
    }
    Ok(())
}

/// Weights of a training.
fn read_net(folder: &Path) -> anyhow::Result<HarmonyNet> {
    let read = |name: &str| {
        std::fs::read(folder.join(name)).with_context(|| format!("{} holds no {name}", folder.display()))
    };
    let hash = String::from_utf8_lossy(&read("harmony.sha256")?).into_owned();
    Ok(HarmonyNet::load(&read("harmony.bpk")?, &hash)?)
}

fn read(folder: &Path, split: Split) -> anyhow::Result<Vec<Set>> {
    let all = songs::read(folder)?;
    let found = SETS.into_iter().enumerate().filter_map(|(idiom, (name, style))| {
        let set = all.iter().find(|set| set.name == name)?;
        let of = |split: Split| set.tunes.iter().filter(move |(s, _)| *s == split).map(|(_, tune)| tune);
        let songs = of(split).cloned().map(Song::new).collect();
        Some(Set { name, songs, counted: Counted::of(of(Split::Learn)), idiom, style, is_apart: false })
    });
    Ok(found.collect())
}

/// Songs of today, harmonised as the program does it for pop; what is counted is counted in folk tunes, whose idiom the
/// network takes for it.
fn read_apart(folder: &Path, apart: &Path) -> anyhow::Result<Set> {
    let (tunes, left_out) = pop::read(apart)?;
    for (reason, count) in left_out {
        println!("left out {count:3} songs: {reason}");
    }
    let folk = songs::read(folder)?.into_iter().find(|set| set.name == SETS[0].0);
    let learnt: Vec<Tune> = folk
        .into_iter()
        .flat_map(|set| set.tunes)
        .filter_map(|(split, tune)| (split == Split::Learn).then_some(tune))
        .collect();
    let songs = tunes.into_iter().map(Song::new).collect();
    let counted = Counted::of(learnt.iter());
    Ok(Set { name: "POP909", songs, counted, idiom: 0, style: Style::Pop, is_apart: true })
}

fn report(set: &Set, net: &HarmonyNet, also: &[HarmonyNet]) {
    let Set { songs, counted, idiom, style, .. } = set;
    let plain = |chords: &dyn Fn(&Song) -> Vec<ChordSpan>| {
        let mut figures = Figures::default();
        songs.iter().for_each(|song| figures.add(&song.tune, &chords(song), None));
        figures
    };
    let given = plain(&|song| rules(song, song.tune.key, *style));
    let (known, found) = (of_known(net, songs, *idiom, |song| song.tune.key), |song: &Song| song.found);
    let mut early = Vec::new();
    let mut of_live = |name: &'static str, form: Live| {
        let (figures, earliness) = of_live(net, songs, *idiom, form);
        early.push((name, earliness));
        (name, figures)
    };
    let mut table: Vec<(&str, Figures)> = vec![
        ("written", plain(&|song| song.tune.chords.clone())),
        ("tonic", plain(&|song| baseline::tonic(&song.tune))),
        ("likeliest at its place", plain(&|song| counted.at_place(&song.tune))),
        ("template", plain(&|song| baseline::template(&song.tune))),
        ("pairs and notes", plain(&|song| counted.chain(&song.tune))),
        ("rules", given.clone()),
        ("rules, key found", plain(&|song| rules(song, song.found, *style))),
        ("rules, live", plain(&|song| rules_live(song, *style))),
        ("model", known.clone()),
        ("model, key found", of_known(net, songs, *idiom, found)),
        of_live("model, live", Live::Bars),
        of_live("model, live, corrected", Live::Corrected),
    ];
    if !set.is_apart {
        table.push(("model, live, by beats", plain(&|song| live_by_beats(net, song, *idiom))));
        table.push(of_live("past told, live", Live::Told));
        table.push(of_live("past told, corrected", Live::ToldCorrected));
    }
    println!("  {:22} {}", "", Figures::COLUMNS);
    table.iter().for_each(|(name, figures)| println!("  {name:22} {}", figures.row()));
    println!("\n  {:22} {}", "", Pattern::COLUMNS);
    let written = table[0].1.pattern();
    table.iter().for_each(|(name, figures)| println!("  {name:22} {}", figures.pattern().row(written)));
    println!("\n  {:22} {}", "right from", Early::columns());
    early.iter().for_each(|(name, early)| println!("  {name:22} {}", early.row()));
    println!("\n  {:22} majmin  95 % by song", "");
    spread::print(["model", "rules"], [&known, &given]);
    if !also.is_empty() {
        print_seeds(set, net, also);
    }
    println!();
}

/// The network with the whole take.
fn of_known(net: &HarmonyNet, songs: &[Song], idiom: usize, key: fn(&Song) -> Key) -> Figures {
    let mut figures = Figures::default();
    for song in songs {
        let slots = studio(net, song, key(song), idiom);
        add(&mut figures, song, &slots, key(song));
    }
    figures
}

/// The network live, and how early it was right.
fn of_live(net: &HarmonyNet, songs: &[Song], idiom: usize, form: Live) -> (Figures, Early) {
    let (mut figures, mut early) = (Figures::default(), Early::default());
    for song in songs {
        let played = live(net, song, idiom, form);
        add(&mut figures, song, &played.slots, song.tune.key);
        early.add(&song.tune, &played);
    }
    (figures, early)
}

fn add(figures: &mut Figures, song: &Song, slots: &[HarmonisedSlot], key: Key) {
    figures.add(&song.tune, &spans(slots), Some(&|at: Ticks| ranked(slots, key, at)));
}

/// Mean and spread over the seeds.
fn print_seeds(set: &Set, net: &HarmonyNet, also: &[HarmonyNet]) {
    println!("\n  {:22} {:10}   mean     sd  least   most", format!("{} seeds", also.len() + 1), "");
    let nets = || std::iter::once(net).chain(also);
    let forms: [(&str, Vec<Figures>); 4] = [
        ("model", nets().map(|net| of_known(net, &set.songs, set.idiom, |song| song.tune.key)).collect()),
        (
            "model, key found",
            nets().map(|net| of_known(net, &set.songs, set.idiom, |song| song.found)).collect(),
        ),
        ("model, live", nets().map(|net| of_live(net, &set.songs, set.idiom, Live::Bars).0).collect()),
        (
            "model, live, corrected",
            nets().map(|net| of_live(net, &set.songs, set.idiom, Live::Corrected).0).collect(),
        ),
    ];
    for (name, figures) in forms {
        let measured: Vec<[f64; 5]> = figures.iter().map(Figures::compared_over_seeds).collect();
        for (index, column) in Figures::OVER_SEEDS.iter().enumerate() {
            let values: Vec<f64> = measured.iter().map(|figures| figures[index]).collect();
            println!("  {name:22} {column:10} {}", spread::over_seeds(&values));
        }
    }
}
