//! Makes one corpus of all open scores: `cargo xtask data SCORES -o FOLDER`, see `docs/corpus.md`; and voices with what
//! they are mixed with: `cargo xtask data voices CORPUS -o FOLDER`, see `docs/voices.md`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use collavoce_data::corpus::sets::{self, Entry, Found, Refused, SETS, Set};
use collavoce_data::corpus::{LeftOut, Song, form, unique::Seen};
use collavoce_data::songs::Split;
use indicatif::{ProgressBar, ProgressStyle};

const USAGE: &str = "cargo xtask data SCORES -o FOLDER";
/// The sides of the split by name, in the order of the table.
const SIDES: [(Split, &str); 3] =
    [(Split::Learn, "learn"), (Split::Develop, "develop"), (Split::Validate, "validate")];

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "voices") {
        return collavoce_data::voices::command::run(words);
    }
    let (scores, out) = arguments()?;
    ensure!(
        scores.is_dir(),
        "{} is no folder; SCORES is the folder of the scores, outside of the project, with {} and {}",
        scores.display(),
        SETS.map(|set| set.name).join("/, "),
        "openewld_le1930.json"
    );
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let mut files = Files::new(&out);
    let (mut seen, mut rows) = (Seen::default(), Vec::new());
    let mut split = String::from("set\tsong\tgroup\tside\tcomposer\tside by composer\n");
    let mut refused_lines = String::from("set\twhat\treason\tdetail\n");
    for set in &SETS {
        let mut found = read(set, &scores)?;
        drop_repeated(set, &mut found, &mut seen);
        let mut file = files.create(&format!("{}.jsonl", set.name))?;
        form::write(&mut file, set.name, found.entries.iter().map(|entry| &entry.song))?;
        for Entry { song, side } in &found.entries {
            let composer = song.composer.as_deref();
            let held = composer.map_or("", |composer| side_name(sets::by_composer(composer)));
            let side = side_name(*side);
            let (name, group) = (&song.name, &song.group);
            split.push_str(&format!(
                "{}\t{name}\t{group}\t{side}\t{}\t{held}\n",
                set.name,
                composer.unwrap_or("")
            ));
        }
        for Refused { what, reason, detail } in &found.refused {
            let line = [set.name, what, reason, detail].map(|cell| cell.replace(['\t', '\n', '\r'], " "));
            refused_lines.push_str(&format!("{}\n", line.join("\t")));
        }
        rows.push(Row::of(set.name, &found));
    }
    files.create("split.tsv")?.write_all(split.as_bytes())?;
    files.create("refused.tsv")?.write_all(refused_lines.as_bytes())?;
    files.finish()?;
    print!("{}", table(&rows));
    println!("written to {}; the form is described in docs/corpus.md", out.display());
    Ok(())
}

fn arguments() -> anyhow::Result<(PathBuf, PathBuf)> {
    let (mut scores, mut out) = (None, None);
    let mut rest = std::env::args_os().skip(1);
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("-o" | "--out") => {
                let folder = rest.next().with_context(|| format!("-o names no folder; usage: {USAGE}"))?;
                out = Some(PathBuf::from(folder));
            }
            Some(option) if option.starts_with('-') => bail!("{option} is not known; usage: {USAGE}"),
            _ if scores.is_none() => scores = Some(PathBuf::from(argument)),
            _ => bail!("{} is one folder too many; usage: {USAGE}", argument.display()),
        }
    }
    let scores = scores.with_context(|| format!("the folder of the scores is missing; usage: {USAGE}"))?;
    Ok((scores, out.with_context(|| format!("-o FOLDER is missing; usage: {USAGE}"))?))
}

/// Reads a set under a bar that shows how far it is, or after a plain line.
fn read(set: &Set, scores: &Path) -> anyhow::Result<Found> {
    if !std::io::stderr().is_terminal() {
        eprintln!("{} ...", set.name);
        return set.read(scores, &mut |_| {});
    }
    let bar = ProgressBar::new(1000).with_message(set.name);
    bar.set_style(
        ProgressStyle::with_template("{msg:12} [{bar:30}] {percent:>3} % {eta}")?.progress_chars("=> "),
    );
    let found = set.read(scores, &mut |share| bar.set_position((share * 1000.0) as u64));
    bar.finish_and_clear();
    found
}

/// Refuses songs that were there before, in this set or in one before it.
fn drop_repeated(set: &Set, found: &mut Found, seen: &mut Seen) {
    let Found { entries, refused, .. } = found;
    entries.retain(|Entry { song, .. }| {
        let label = format!("{}: {}", set.name, song.name);
        let Some(before) = seen.before(song, set.basis, &label) else { return true };
        let reason = "the same music is there before".to_owned();
        refused.push(Refused { what: song.name.clone(), reason, detail: before });
        false
    });
}

fn side_name(side: Split) -> &'static str {
    SIDES.iter().find(|(known, _)| *known == side).map_or("", |(_, name)| name)
}

/// Files that take their names only when all are complete.
struct Files {
    out: PathBuf,
    names: Vec<String>,
}

impl Files {
    fn new(out: &Path) -> Self {
        Self { out: out.to_owned(), names: Vec::new() }
    }

    fn part(&self, name: &str) -> PathBuf {
        self.out.join(format!("{name}.part"))
    }

    fn create(&mut self, name: &str) -> anyhow::Result<BufWriter<fs::File>> {
        let path = self.part(name);
        let file = fs::File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        self.names.push(name.to_owned());
        Ok(BufWriter::new(file))
    }

    fn finish(&self) -> anyhow::Result<()> {
        for name in &self.names {
            fs::rename(self.part(name), self.out.join(name))
                .with_context(|| format!("{name} cannot be made"))?;
        }
        Ok(())
    }
}

/// What is told of a set.
struct Row {
    set: &'static str,
    counts: [usize; 4],
    sides: [usize; 3],
    held_out: [usize; 3],
    refused: BTreeMap<String, usize>,
    left_out: LeftOut,
}

impl Row {
    fn of(set: &'static str, found: &Found) -> Self {
        let songs = || found.entries.iter().map(|entry| &entry.song);
        let mut refused = BTreeMap::new();
        for Refused { reason, detail, .. } in &found.refused {
            let why = if reason == "cannot be read" { format!("{reason}: {detail}") } else { reason.clone() };
            *refused.entry(why).or_default() += 1;
        }
        let on = |side: Split| found.entries.iter().filter(|entry| entry.side == side).count();
        let held = |side: Split| {
            songs()
                .filter_map(|song| song.composer.as_deref())
                .filter(|c| sets::by_composer(c) == side)
                .count()
        };
        Self {
            set,
            counts: [
                songs().count(),
                songs().map(Song::bar_count).sum(),
                songs().map(Song::note_count).sum(),
                songs().map(|song| song.chords.len()).sum(),
            ],
            sides: SIDES.map(|(side, _)| on(side)),
            held_out: SIDES.map(|(side, _)| held(side)),
            refused,
            left_out: found.left_out.clone(),
        }
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:13}{:>7}{:>9}{:>10}{:>8}{:>7}{:>9}{:>10}   by composer\n",
        "set", "songs", "bars", "notes", "chords", "learn", "develop", "validate"
    );
    let mut line = |set: &str, counts: [usize; 4], sides: [usize; 3], held: [usize; 3]| {
        let [songs, bars, notes, chords] = counts;
        let [learn, develop, validate] = sides;
        text.push_str(&format!(
            "{set:13}{songs:>7}{bars:>9}{notes:>10}{chords:>8}{learn:>7}{develop:>9}{validate:>10}"
        ));
        if held.iter().sum::<usize>() > 0 {
            text.push_str(&format!("   {} / {} / {}", held[0], held[1], held[2]));
        }
        text.push('\n');
    };
    let (mut counts, mut sides) = ([0; 4], [0; 3]);
    for row in rows {
        line(row.set, row.counts, row.sides, row.held_out);
        counts.iter_mut().zip(row.counts).for_each(|(sum, count)| *sum += count);
        sides.iter_mut().zip(row.sides).for_each(|(sum, count)| *sum += count);
    }
    line("all", counts, sides, [0; 3]);
    for row in rows {
        for (why, count) in &row.refused {
            text.push_str(&format!("refused   {:13}{count:>6}  {why}\n", row.set));
        }
    }
    for row in rows {
        for (what, count) in &row.left_out {
            text.push_str(&format!("left out  {:13}{count:>6}  {what}\n", row.set));
        }
    }
    text
}
