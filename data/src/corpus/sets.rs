//! The eight sets: where they lie, how each is read, and which side of the split its songs are on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use collavoce::score::{ChordSymbol, PitchClass};
use collavoce::time::{TickCount, Ticks};

use super::scores::{self, Tune, spans};
use super::unique::Basis;
use super::{KeyChange, LeftOut, Note, Part, Role, Song, folk, midi};
use crate::songs::Split;
use crate::{abc, chorale, musicxml};

/// A set of scores.
pub struct Set {
    /// Its name: that of its folder.
    pub name: &'static str,
    /// What makes two of its songs the same.
    pub basis: Basis,
    read: fn(&Path, &mut dyn FnMut(f64)) -> anyhow::Result<Found>,
}

/// A song with what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The song.
    pub song: Song,
    /// Its side.
    pub side: Split,
}

/// What was not taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// File, row or tune.
    pub what: String,
    /// A few words that are the same for all of a kind.
    pub reason: String,
    /// What exactly.
    pub detail: String,
}

/// What a set holds.
#[derive(Debug, Default)]
pub struct Found {
    /// Its songs in a fixed order.
    pub entries: Vec<Entry>,
    /// What was refused.
    pub refused: Vec<Refused>,
    /// What was passed over within songs.
    pub left_out: LeftOut,
}

/// Every set, in the order in which songs that are there twice are looked for.
pub const SETS: [Set; 8] = [
    Set { name: "nottingham", basis: Basis::Melody, read: nottingham },
    Set { name: "openewld", basis: Basis::Melody, read: openewld },
    Set { name: "lieder", basis: Basis::Melody, read: lieder },
    Set { name: "quartets", basis: Basis::Melody, read: quartets },
    Set { name: "jsb", basis: Basis::Melody, read: jsb },
    Set { name: "gmd", basis: Basis::Everything, read: gmd },
    Set { name: "freedoom", basis: Basis::Everything, read: freedoom },
    Set { name: "band_renders", basis: Basis::Everything, read: band_renders },
];

impl Set {
    /// Reads the set in the folder of scores; `progress` is told the share that is done.
    ///
    /// # Errors
    ///
    /// The set is missing. What of it cannot be read is refused instead.
    pub fn read(&self, scores: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
        let mut found = (self.read)(scores, progress)?;
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for Entry { song, .. } in &mut found.entries {
            let count = names.entry(song.name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                song.name = format!("{} ({count})", song.name);
            }
        }
        Ok(found)
    }
}

impl Found {
    /// Takes up a song, or the reason why not. The side is drawn by the song's group.
    fn add(&mut self, what: &str, song: Result<Song, String>, side: Option<Split>) {
        match song {
            Ok(song) => {
                let side = side.unwrap_or_else(|| Split::of(&song.group));
                self.entries.push(Entry { song, side });
            }
            Err(detail) => self.refuse(what, "cannot be read", detail),
        }
    }

    fn refuse(&mut self, what: &str, reason: &str, detail: String) {
        self.refused.push(Refused { what: what.to_owned(), reason: reason.to_owned(), detail });
    }
}

fn nottingham(folder: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
    let path = folder.join("nottingham/nottingham.abc");
    let text = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut found = Found::default();
    for tune in abc::read_written(&String::from_utf8_lossy(&text)) {
        match tune {
            Ok(tune) => {
                let song = folk::song(&tune, &mut found.left_out);
                let song = song.map(|song| Song { name: tune.name.clone(), ..song });
                found.add(&tune.name, song, None);
            }
            Err((name, why)) => found.add(&name, Err(why), None),
        }
    }
    progress(1.0);
    Ok(found)
}

/// Scores in a folder, each named by its file.
fn sheets(
    files: Vec<PathBuf>,
    tune: Tune,
    progress: &mut dyn FnMut(f64),
    group: impl Fn(&str) -> (String, Option<String>),
    side: impl Fn(&str) -> Split,
) -> Found {
    let mut found = Found::default();
    let count = files.len();
    for (index, file) in files.into_iter().enumerate() {
        let name = stem(&file);
        let song = musicxml::unpack(&file).and_then(|text| scores::read(&text, tune, &mut found.left_out));
        let song = song.map(|song| {
            let (group, composer) = group(&name);
            Song { name: name.clone(), group, composer, ..song }
        });
        let side = song.as_ref().ok().map(|song| side(&song.group));
        found.add(&name, song, side);
        progress((index + 1) as f64 / count as f64);
    }
    found
}

fn openewld(folder: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
    let permitted = permitted(folder)?;
    let all = files(&folder.join("openewld"), "mxl")?;
    let known: BTreeSet<String> = all.iter().map(|file| format!("{}.mxl", stem(file))).collect();
    let (open, other): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|file| permitted.contains(&format!("{}.mxl", stem(file))));
    let mut found = sheets(open, Tune::First, progress, |name| (name.to_owned(), None), Split::of);
    for file in other {
        found.refuse(&stem(&file), "not on the list of works of 1930 or earlier", String::new());
    }
    for missing in permitted.difference(&known) {
        found.refuse(missing, "on the list, but there is no file", String::new());
    }
    Ok(found)
}

fn lieder(folder: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
    let files = files(&folder.join("lieder"), "mxl")?;
    // By song, as the harmony network has it; the composer stands beside it.
    let group = |name: &str| (name.to_owned(), Some(composer(name)));
    Ok(sheets(files, Tune::Sung, progress, group, Split::of))
}

fn quartets(folder: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
    let files = files(&folder.join("quartets"), "mxl")?;
    let group = |name: &str| (composer(name), Some(composer(name)));
    Ok(sheets(files, Tune::Nowhere, progress, group, by_composer))
}

/// `Surname__Given names` of a file's name.
pub fn composer(name: &str) -> String {
    let before = name.split("_____").next().unwrap_or(name);
    let mut words = before.split("__");
    let surname = words.next().unwrap_or(before);
    words.next().map_or_else(|| surname.to_owned(), |given| format!("{surname}__{given}"))
}

/// The side of a composer: the same in every set. Few write quartets: by their bare names one song would be left to
/// validate on.
pub fn by_composer(composer: &str) -> Split {
    Split::of(&format!("hold out {composer}"))
}

fn jsb(folder: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for (name, steps) in chorale::steps(&folder.join("jsb/jsb16.json"))? {
        let song = chorale_song(&name, &steps);
        found.add(&name, song, None);
    }
    progress(1.0);
    Ok(found)
}

fn chorale_song(name: &str, steps: &[Vec<i32>]) -> Result<Song, String> {
    if steps.iter().any(|step| step.len() != 4) {
        return Err("not four voices".to_owned());
    }
    let mut song = Song { name: name.to_owned(), group: name.to_owned(), ..Song::default() };
    for _ in 0..steps.len().div_ceil(chorale::BAR_STEPS) {
        song.push_bar((4, 4), TickCount(chorale::BAR_STEPS as i64 * chorale::STEP));
    }
    let names = ["soprano", "alto", "tenor", "bass"];
    for (index, (voice, name)) in chorale::voices(steps).into_iter().zip(names).enumerate() {
        let role = if index == 0 { Role::Melody } else { Role::Pitched };
        let note = |(start, end, pitch): (Ticks, Ticks, u8)| Note {
            start,
            pitch,
            length: end - start,
            velocity: None,
            offset: TickCount(0),
        };
        let notes = voice.into_iter().map(note).collect();
        song.parts.push(Part { name: name.to_owned(), role, program: None, staff: 1, voice: 1, notes });
    }
    song.finish()
}

/// Rows of a table by the names of its columns.
struct Table {
    columns: BTreeMap<String, usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(path: &Path, separator: char, needed: &[&str]) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let cells = |line: &str| line.split(separator).map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let mut lines = text.lines();
        let head = cells(lines.next().unwrap_or(""));
        let columns: BTreeMap<_, _> = head.into_iter().enumerate().map(|(at, name)| (name, at)).collect();
        for name in needed {
            anyhow::ensure!(columns.contains_key(*name), "{} has no column {name}", path.display());
        }
        let rows = lines.filter(|line| !line.trim().is_empty()).map(cells).collect();
        Ok(Self { columns, rows })
    }

    /// A cell; empty if the row is too short.
    fn cell<'a>(&self, row: &'a [String], column: &str) -> &'a str {
        self.columns.get(column).and_then(|at| row.get(*at)).map_or("", String::as_str)
    }
}

fn metre(text: &str, separator: char) -> Option<(u8, u8)> {
    let (beats, unit) = text.split_once(separator)?;
    let (beats, unit): (u8, u8) = (beats.parse().ok()?, unit.parse().ok()?);
    (beats > 0 && unit.is_power_of_two() && unit <= 32).then_some((beats, unit))
}

/// Ticks of the grid that drummers are measured against: sixteenths, as Gillick et al. (ICML 2019) have it.
const GRID: i64 = 240;

/// What the pads of a Roland TD-11 sound, as General MIDI names it: rims and edges are sounds of their drum or cymbal.
fn general_midi(pad: u8) -> Option<u8> {
    Some(match pad {
        36 | 37 | 42 | 43 | 44 | 46 | 48 | 49 | 51 | 53 | 57 => pad,
        38 | 40 => 38,
        50 => 48,
        45 | 47 => 47,
        58 => 43,
        22 => 42,
        26 => 46,
        55 => 49,
        52 => 57,
        59 => 51,
        _ => return None,
    })
}

fn gmd(folder: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
    let folder = folder.join("gmd");
    let needed = ["midi_filename", "style", "bpm", "beat_type", "time_signature", "split"];
    let table = Table::read(&folder.join("info.csv"), ',', &needed)?;
    let mut found = Found::default();
    for (index, row) in table.rows.iter().enumerate() {
        let named = table.cell(row, "midi_filename");
        let path = folder.join(named.replace('/', "__"));
        let side = match table.cell(row, "split") {
            "train" => Some(Split::Learn),
            "validation" => Some(Split::Develop),
            "test" => Some(Split::Validate),
            _ => None,
        };
        if named.is_empty() || !path.is_file() {
            found.refuse(named, "in info.csv, but there is no file", String::new());
        } else if side.is_none() {
            found.refuse(named, "no side in info.csv", String::new());
        } else {
            let song = drummed(&path, &table, row, &mut found.left_out);
            found.add(named, song, side);
        }
        progress((index + 1) as f64 / table.rows.len() as f64);
    }
    Ok(found)
}

fn drummed(path: &Path, table: &Table, row: &[String], left_out: &mut LeftOut) -> Result<Song, String> {
    let text = table.cell(row, "time_signature");
    let meter = metre(text, '-').ok_or_else(|| format!("metre {text}"))?;
    let tempo: f64 = table.cell(row, "bpm").parse().map_err(|_| "bpm is no number")?;
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let mut song = midi::read(&bytes, Some(meter))?.song;
    song.name = stem(path);
    song.group = table.cell(row, "drummer").to_owned();
    song.style = Some(format!("{} {}", table.cell(row, "style"), table.cell(row, "beat_type")));
    song.keys.clear();
    song.tempos = vec![(Ticks(0), tempo)];
    let end = song.end().ok_or("bars without end")?;
    for part in &mut song.parts {
        part.role = Role::Drums;
        part.notes.retain_mut(|note| {
            let Some(sound) = general_midi(note.pitch) else {
                *left_out.entry("hits on pads without a name").or_default() += 1;
                return false;
            };
            note.pitch = sound;
            let grid = Ticks((note.start.0 + GRID / 2) / GRID * GRID);
            // The grid ends with the last bar.
            let grid = if grid < end { grid } else { grid - TickCount(GRID) };
            note.offset = note.start - grid;
            note.start = grid;
            true
        });
    }
    song.finish()
}

fn freedoom(folder: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
    let files = files(&folder.join("freedoom"), "mid")?;
    let mut found = Found::default();
    for (index, file) in files.iter().enumerate() {
        let name = stem(file);
        let song = std::fs::read(file).map_err(|e| e.to_string());
        let song = song.and_then(|bytes| midi::read(&bytes, None)).and_then(|played| {
            let sections = played.markers;
            Song { name: name.clone(), group: name.clone(), sections, ..played.song }.finish()
        });
        found.add(&name, song, None);
        progress((index + 1) as f64 / files.len() as f64);
    }
    Ok(found)
}

fn band_renders(folder: &Path, progress: &mut dyn FnMut(f64)) -> anyhow::Result<Found> {
    let permitted = permitted(folder)?;
    let folder = folder.join("band_renders");
    let table =
        Table::read(&folder.join("index.tsv"), '\t', &["file", "song", "groove", "meter", "key_fifths"])?;
    let mut found = Found::default();
    for (index, row) in table.rows.iter().enumerate() {
        let named = table.cell(row, "file");
        let sheet = musicxml::file_name(table.cell(row, "song")).unwrap_or_default();
        let path = folder.join(named);
        if named.is_empty() || !path.is_file() {
            found.refuse(named, "in index.tsv, but there is no file", String::new());
        } else if !permitted.contains(&sheet) {
            found.refuse(named, "not on the list of works of 1930 or earlier", sheet);
        } else {
            let song = rendered(&path, &table, row, &mut found.left_out);
            let group = sheet.trim_end_matches(".mxl").to_owned();
            found.add(named, song.map(|song| Song { group, ..song }), None);
        }
        progress((index + 1) as f64 / table.rows.len() as f64);
    }
    Ok(found)
}

fn rendered(path: &Path, table: &Table, row: &[String], left_out: &mut LeftOut) -> Result<Song, String> {
    let text = table.cell(row, "meter");
    let meter = metre(text, '/').ok_or_else(|| format!("metre {text}"))?;
    let fifths: i8 = table.cell(row, "key_fifths").parse().map_err(|_| "key_fifths is no number")?;
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let played = midi::read(&bytes, Some(meter))?;
    let mut song = played.song;
    song.name = stem(path);
    song.style = Some(table.cell(row, "groove").to_owned());
    song.keys = vec![KeyChange { start: Ticks(0), fifths: fifths.clamp(-7, 7), mode: None }];
    let mut chords = Vec::new();
    for (at, text) in &played.markers {
        match chord(text) {
            Some(chord) => chords.push((*at, chord)),
            None => *left_out.entry("chord symbols not understood").or_default() += 1,
        }
    }
    song.chords = spans(&chords, song.end().ok_or("bars without end")?);
    for part in &mut song.parts {
        if part.name == "MELODY" {
            part.role = Role::Melody;
        }
    }
    song.finish()
}

/// A chord such as `C:major`, its kind as in MusicXML; none within where nothing is to sound.
fn chord(text: &str) -> Option<Option<ChordSymbol>> {
    let (root, kind) = text.split_once(':')?;
    let (root, rest) = PitchClass::parse_prefix(root)?;
    let quality = musicxml::quality(kind);
    rest.is_empty().then(|| quality.map(|quality| ChordSymbol::new(root, quality)))
}

fn permitted(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let list = folder.join("openewld_le1930.json");
    musicxml::permitted(&list).with_context(|| format!("{} cannot be read", list.display()))
}

/// Files of a kind in a folder, in order.
fn files(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("{} cannot be read", folder.display());
    let entries = std::fs::read_dir(folder).with_context(cannot)?;
    let files: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut files = files.with_context(cannot)?;
    files.retain(|file| file.extension().is_some_and(|ext| ext == extension));
    files.sort();
    Ok(files)
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
