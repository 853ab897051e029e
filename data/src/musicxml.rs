//! Lead sheets in compressed MusicXML.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use collavoce::score::{ChordQuality, ChordSpan, ChordSymbol, Key, Mode, PitchClass};
use collavoce::time::{Meter, TickCount, Ticks};
use roxmltree::{Document, Node, ParsingOptions};

use crate::sonority::{self, Sounding};
use crate::tune::Tune;

/// The file names of the works on the public-domain list.
pub fn permitted(list: &Path) -> anyhow::Result<BTreeSet<String>> {
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(list)?)?;
    let works = json["first_performed_1930_or_earlier"].as_array().cloned().unwrap_or_default();
    Ok(works.iter().filter_map(|w| w.as_str()).filter_map(file_name).collect())
}

/// The file name of a work, `ARTIST/TITLE/...`, as the set's folder has it.
pub(crate) fn file_name(work: &str) -> Option<String> {
    let mut parts = work.split('/');
    let name = format!("{}__{}", parts.next()?, parts.next()?);
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    Some(format!("{}.mxl", name.chars().map(safe).collect::<String>()))
}

/// Reads a lead sheet.
pub fn read(path: &Path) -> Result<Tune, String> {
    let tune = read_part(path, |_| true, Sheet::default())?;
    if tune.chords.len() < 4 { Err("too few chords".to_owned()) } else { Ok(tune) }
}

/// Reads the sung part of a song: the first one with words.
pub fn read_voice(path: &Path) -> Result<Tune, String> {
    let is_sung = |part: Node<'_, '_>| part.descendants().any(|n| n.has_tag_name("lyric"));
    read_part(path, is_sung, Sheet { may_modulate: true, ..Sheet::default() })
}

/// Reads the sung part of a song, with what the other parts sound as its chords.
pub fn read_song(path: &Path) -> Result<Tune, String> {
    let is_sung = |part: Node<'_, '_>| part.descendants().any(|n| n.has_tag_name("lyric"));
    let text = unpack(path)?;
    let document = parse(&text)?;
    let parts = || document.descendants().filter(|n| n.has_tag_name("part"));
    let sung = parts().find(|part| is_sung(*part)).ok_or("no such part")?;
    let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut tune = Sheet::default().read(sung, name)?;
    let mut notes: Vec<Sounding> = Vec::new();
    for part in parts().filter(|part| !is_sung(*part)) {
        sounding(part, tune.meter.bar().0, &mut notes);
    }
    notes.sort_unstable();
    tune.chords = sonority::chords(&notes, tune.meter, tune.bars);
    let last = tune.chords.last().ok_or("no chords")?.chord;
    if last.root == tune.key.tonic + 9 && last.quality.is_minor() {
        tune.key = Key { tonic: tune.key.tonic + 9, mode: Mode::Minor };
    }
    if tune.chords.len() < 8 { Err("too few chords".to_owned()) } else { Ok(tune) }
}

/// What a part sounds, bar by bar.
fn sounding(part: Node<'_, '_>, full: i64, notes: &mut Vec<Sounding>) {
    let (mut divisions, mut bar) = (1, 0);
    for (index, measure) in part.children().filter(|n| n.has_tag_name("measure")).enumerate() {
        let (mut at, mut last, mut longest) = (0i64, 0i64, 0i64);
        let first = notes.len();
        for node in measure.children() {
            let length =
                || child(node, "duration").and_then(|t| t.parse::<i64>().ok()).unwrap_or(0) * 960 / divisions;
            match node.tag_name().name() {
                "attributes" => {
                    divisions =
                        child(node, "divisions").and_then(|t| t.parse().ok()).unwrap_or(divisions).max(1);
                }
                "backup" => at -= length(),
                "forward" => at += length(),
                "note" if !node.children().any(|n| n.has_tag_name("grace")) => {
                    let is_chord = node.children().any(|n| n.has_tag_name("chord"));
                    let start = if is_chord { last } else { at };
                    if let Some(midi) = pitch(node) {
                        notes.push((Ticks(start), Ticks(start + length()), midi));
                    }
                    if !is_chord {
                        (last, at) = (at, at + length());
                    }
                }
                _ => {}
            }
            longest = longest.max(at);
        }
        let is_pickup = index == 0 && longest < full;
        let offset = if is_pickup { -full } else { bar * full };
        for note in &mut notes[first..] {
            (note.0.0, note.1.0) = (note.0.0 + offset, note.1.0 + offset);
        }
        bar += i64::from(!is_pickup);
    }
}

fn read_part(path: &Path, wanted: impl Fn(Node<'_, '_>) -> bool, sheet: Sheet) -> Result<Tune, String> {
    let text = unpack(path)?;
    let document = parse(&text)?;
    let part = document
        .descendants()
        .filter(|n| n.has_tag_name("part"))
        .find(|part| wanted(*part))
        .ok_or("no such part")?;
    let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    sheet.read(part, name)
}

/// The score in a compressed file.
pub(crate) fn unpack(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| e.to_string())?;
    let inside = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|n| n.ends_with("xml") && !n.starts_with("META-INF"))
        .ok_or("no score inside")?
        .into_owned();
    let mut text = String::new();
    archive
        .by_name(&inside)
        .map_err(|e| e.to_string())?
        .read_to_string(&mut text)
        .map_err(|e| e.to_string())?;
    Ok(text)
}

pub(crate) fn parse(text: &str) -> Result<Document<'_>, String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|e| e.to_string())
}

/// A note head.
#[derive(Debug, Clone, Copy)]
struct Written {
    start: Ticks,
    end: Ticks,
    midi: u8,
    /// Whether it goes on from the one before.
    is_tied: bool,
}

#[derive(Default)]
struct Sheet {
    divisions: i64,
    meter: Option<Meter>,
    key: Option<(i32, Option<Mode>)>,
    notes: Vec<Written>,
    chords: Vec<(Ticks, ChordSymbol)>,
    doubled: Vec<usize>,
    /// Whether a change of key is passed over; the first one counts.
    may_modulate: bool,
}

pub(crate) fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|n| n.has_tag_name(name)).and_then(|n| n.text()).map(str::trim)
}

impl Sheet {
    fn read(mut self, part: Node<'_, '_>, name: String) -> Result<Tune, String> {
        let mut bar = 0i64;
        for (index, measure) in part.children().filter(|n| n.has_tag_name("measure")).enumerate() {
            let mut at = 0i64;
            let start_note = self.notes.len();
            let start_chord = self.chords.len();
            for node in measure.children() {
                match node.tag_name().name() {
                    "attributes" => self.attributes(node)?,
                    "harmony" => {
                        if let Some(chord) = chord(node) {
                            self.chords.push((Ticks(at), chord));
                        }
                    }
                    "note" => at = self.note(node, at),
                    "backup" => return Err("more than one voice".to_owned()),
                    "barline" => {
                        let style = child(node, "bar-style").unwrap_or("");
                        if style.contains("light-") && node.attribute("location") != Some("left") {
                            self.doubled.push(bar as usize + 1);
                        }
                    }
                    _ => {}
                }
            }
            let full = self.meter.ok_or("no metre")?.bar().0;
            let is_pickup = index == 0 && at < full;
            let offset = if is_pickup { -full } else { bar * full };
            for note in &mut self.notes[start_note..] {
                (note.start.0, note.end.0) = (note.start.0 + offset, note.end.0 + offset);
            }
            for (start, _) in &mut self.chords[start_chord..] {
                start.0 += offset;
            }
            if !is_pickup {
                bar += 1;
            }
        }
        self.assemble(name, bar)
    }

    fn attributes(&mut self, node: Node<'_, '_>) -> Result<(), String> {
        if let Some(divisions) = child(node, "divisions") {
            self.divisions = divisions.parse().map_err(|_| "divisions are no number")?;
        }
        if let Some(key) = node.children().find(|n| n.has_tag_name("key")) {
            let fifths = child(key, "fifths").and_then(|t| t.parse().ok()).unwrap_or(0);
            let mode = match child(key, "mode") {
                Some("major") => Some(Mode::Major),
                Some("minor") => Some(Mode::Minor),
                _ => None,
            };
            if self.key.is_some_and(|(known, _)| known != fifths) && !self.may_modulate {
                return Err("the key changes".to_owned());
            }
            self.key.get_or_insert((fifths, mode));
        }
        if let Some(time) = node.children().find(|n| n.has_tag_name("time")) {
            let text = format!(
                "{}/{}",
                child(time, "beats").unwrap_or("?"),
                child(time, "beat-type").unwrap_or("?")
            );
            let meter: Meter = text.parse().map_err(|_| format!("metre {text}"))?;
            if self.meter.is_some_and(|known| known != meter) {
                return Err("the metre changes".to_owned());
            }
            self.meter = Some(meter);
        }
        Ok(())
    }

    fn note(&mut self, node: Node<'_, '_>, at: i64) -> i64 {
        let has = |name: &str| node.children().any(|n| n.has_tag_name(name));
        if has("grace") || has("chord") {
            return at;
        }
        let duration: i64 = child(node, "duration").and_then(|t| t.parse().ok()).unwrap_or(0);
        let end = at + duration * 960 / self.divisions.max(1);
        if let Some(midi) = pitch(node) {
            let is_tied =
                node.children().any(|n| n.has_tag_name("tie") && n.attribute("type") == Some("stop"));
            self.notes.push(Written { start: Ticks(at), end: Ticks(end), midi, is_tied });
        }
        end
    }

    fn assemble(self, name: String, bars: i64) -> Result<Tune, String> {
        let meter = self.meter.ok_or("no metre")?;
        let (fifths, mode) = self.key.ok_or("no key")?;
        let major = PitchClass((fifths * 7).rem_euclid(12) as u8);
        let last_root = self.chords.last().map(|(_, c)| c.root);
        // Most files say "major" whatever the key is: the last chord decides.
        let relative_minor = major + 9;
        let key = if mode == Some(Mode::Minor) || last_root == Some(relative_minor) {
            Key { tonic: relative_minor, mode: Mode::Minor }
        } else {
            Key { tonic: major, mode: Mode::Major }
        };
        let end = Ticks(bars * meter.bar().0);
        let starts: Vec<_> = self.chords.into_iter().filter(|(t, _)| t.0 >= 0).collect();
        let chords: Vec<ChordSpan> = (0..starts.len())
            .map(|i| {
                let until = starts.get(i + 1).map_or(end, |(t, _)| *t);
                ChordSpan {
                    start: starts[i].0,
                    length: TickCount((until - starts[i].0).0.max(1)),
                    chord: starts[i].1,
                }
            })
            .collect();
        let mut melody: Vec<(Ticks, Ticks, u8)> = Vec::with_capacity(self.notes.len());
        for note in self.notes.into_iter().filter(|n| n.start.0 >= 0) {
            match melody.last_mut() {
                Some((_, end, midi)) if note.is_tied && *end == note.start && *midi == note.midi => {
                    *end = note.end;
                }
                _ => melody.push((note.start, note.end, note.midi)),
            }
        }
        if melody.len() < 8 {
            return Err("too few notes".to_owned());
        }
        let mut tune =
            Tune { name, key, meter, bars: bars as usize, melody, chords, phrase_ends: Vec::new() };
        tune.find_phrases(&self.doubled);
        Ok(tune)
    }
}

/// Semitones of a letter above C.
pub(crate) fn natural(letter: &str) -> i64 {
    match letter {
        "C" => 0,
        "D" => 2,
        "E" => 4,
        "F" => 5,
        "G" => 7,
        "A" => 9,
        _ => 11,
    }
}

/// The MIDI number of a note; none of a rest.
pub(crate) fn pitch(note: Node<'_, '_>) -> Option<u8> {
    let pitch = note.children().find(|n| n.has_tag_name("pitch"))?;
    let natural = natural(child(pitch, "step")?);
    let alter: i64 = child(pitch, "alter").and_then(|t| t.parse().ok()).unwrap_or(0);
    let octave: i64 = child(pitch, "octave").and_then(|t| t.parse().ok()).unwrap_or(4);
    Some(((octave + 1) * 12 + natural + alter).clamp(0, 127) as u8)
}

/// A chord symbol without its bass; none where no chord is to sound.
pub(crate) fn chord(node: Node<'_, '_>) -> Option<ChordSymbol> {
    let root = node.children().find(|n| n.has_tag_name("root"))?;
    let natural = natural(child(root, "root-step")?);
    let alter: i64 = child(root, "root-alter").and_then(|t| t.parse().ok()).unwrap_or(0);
    let quality = quality(child(node, "kind")?)?;
    Some(ChordSymbol::new(PitchClass((natural + alter).rem_euclid(12) as u8), quality))
}

/// The nearest quality to a `kind` of MusicXML.
pub(crate) fn quality(kind: &str) -> Option<ChordQuality> {
    use ChordQuality as Q;
    Some(match kind {
        "minor" => Q::Minor,
        "minor-seventh" | "minor-ninth" | "minor-11th" => Q::MinorSeven,
        "minor-sixth" => Q::MinorSix,
        "major-minor" => Q::MinorMajorSeven,
        "diminished" => Q::Diminished,
        "diminished-seventh" => Q::DiminishedSeven,
        "half-diminished" => Q::HalfDiminished,
        kind if kind.starts_with("augmented") => Q::Augmented,
        kind if kind.starts_with("suspended") => Q::Sus4,
        kind if kind.starts_with("dominant") => Q::Seven,
        kind if kind.starts_with("major-sixth") => Q::Six,
        "major-seventh" | "major-ninth" => Q::MajorSeven,
        "none" => return None,
        _ => Q::Major,
    })
}
