//! Scores in MusicXML: every part, staff and voice, with changes of metre and key.

use std::collections::BTreeMap;

use collavoce::score::{ChordSpan, ChordSymbol, Mode, PitchClass};
use collavoce::time::{TickCount, Ticks};
use roxmltree::Node;

use super::{KeyChange, LeftOut, Note, Part, Role, Song};
use crate::musicxml::{self, child};

/// Parts of a tick in which places within a bar are counted, so that tuplets add up.
const FINE: i64 = 5040;
/// Two places that are meant to be one may be this far apart after rounding, in ticks.
const ROUNDED: i64 = 2;
/// Longest bar and longest division that are read.
const MAX_BAR: i64 = 1 << 20;

/// Which part is the melody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tune {
    /// The first part with words.
    Sung,
    /// The first part.
    First,
    /// None.
    Nowhere,
}

/// Reads a score.
pub fn read(text: &str, tune: Tune, left_out: &mut LeftOut) -> Result<Song, String> {
    let document = musicxml::parse(text)?;
    let mut reader = Reader::new(left_out);
    let instruments = instruments(document.root());
    let parts: Vec<Node<'_, '_>> = document.descendants().filter(|n| n.has_tag_name("part")).collect();
    for (index, part) in parts.iter().enumerate() {
        reader.part(*part, index)?;
    }
    let is_sung = |part: &Node<'_, '_>| part.descendants().any(|n| n.has_tag_name("lyric"));
    let melody = match tune {
        Tune::Sung => Some(parts.iter().position(is_sung).ok_or("no part with words")?),
        Tune::First => Some(0),
        Tune::Nowhere => None,
    };
    let ids: Vec<&str> = parts.iter().map(|part| part.attribute("id").unwrap_or("")).collect();
    reader.assemble(|index| instruments.get(ids[index]).cloned().unwrap_or_default(), melody)
}

/// Names and programs by part.
type Instrument = (String, Option<u8>);

fn instruments<'a>(root: Node<'a, '_>) -> BTreeMap<&'a str, Instrument> {
    let listed = root.descendants().filter(|n| n.has_tag_name("score-part"));
    let described = listed.map(|part| {
        let words = child(part, "part-name").unwrap_or("").split_whitespace();
        let name = words.collect::<Vec<_>>().join(" ");
        let program = part.descendants().find(|n| n.has_tag_name("midi-program")).and_then(|n| n.text());
        let program = program.and_then(|text| text.trim().parse::<u8>().ok()?.checked_sub(1));
        (part.attribute("id").unwrap_or(""), (name, program.filter(|p| *p < 128)))
    });
    described.collect()
}

/// A note head: its place in a bar, and whether it goes on from one before it.
struct Head {
    bar: usize,
    start: i64,
    length: i64,
    pitch: u8,
    is_tied: bool,
    is_sung: bool,
}

/// A bar as the parts write it.
#[derive(Clone, Copy, Default)]
struct Measure {
    meter: Option<(u8, u8)>,
    /// What the longest part fills.
    filled: i64,
}

/// A place: bar and ticks within it.
type Place = (usize, i64);

struct Reader<'a> {
    left_out: &'a mut LeftOut,
    measures: Vec<Measure>,
    heads: BTreeMap<(usize, u8, u8), Vec<Head>>,
    chords: Vec<(Place, Option<ChordSymbol>)>,
    keys: Vec<(Place, i8, Option<Mode>)>,
    tempos: Vec<(Place, f64)>,
    sections: Vec<(Place, String)>,
}

impl<'a> Reader<'a> {
    fn new(left_out: &'a mut LeftOut) -> Self {
        Self {
            left_out,
            measures: Vec::new(),
            heads: BTreeMap::new(),
            chords: Vec::new(),
            keys: Vec::new(),
            tempos: Vec::new(),
            sections: Vec::new(),
        }
    }

    fn part(&mut self, part: Node<'_, '_>, index: usize) -> Result<(), String> {
        let (mut divisions, mut transposed) = (1, 0);
        for (bar, measure) in part.children().filter(|n| n.has_tag_name("measure")).enumerate() {
            if self.measures.len() <= bar {
                self.measures.push(Measure::default());
            }
            // In parts of a tick; `last` is where the note before began, for the others of its chord.
            let (mut at, mut last, mut filled) = (0i64, 0i64, 0i64);
            for node in measure.children().filter(Node::is_element) {
                let length = || -> Result<i64, String> {
                    let text = child(node, "duration").unwrap_or("0");
                    let value: f64 = text.parse().map_err(|_| format!("a duration of {text:?}"))?;
                    let length = value * 960.0 * FINE as f64 / divisions as f64;
                    if (0.0..=(MAX_BAR * FINE) as f64).contains(&length) {
                        Ok(length.round() as i64)
                    } else {
                        Err(format!("a duration of {text:?}"))
                    }
                };
                let place = (bar, ticks(at));
                match node.tag_name().name() {
                    "attributes" => {
                        if let Some(text) = child(node, "divisions") {
                            divisions = text
                                .parse::<i64>()
                                .ok()
                                .filter(|d| (1..=MAX_BAR).contains(d))
                                .ok_or_else(|| format!("{text:?} divisions of a quarter"))?;
                        }
                        transposed = transposition(node).unwrap_or(transposed);
                        self.attributes(node, place, index)?;
                    }
                    "note" => {
                        let (length, is_chord) = (length()?, has(node, "chord"));
                        let start = if is_chord { last } else { at };
                        if has(node, "grace") {
                            *self.left_out.entry("grace notes").or_default() += 1;
                            continue;
                        }
                        let is_cue = has(node, "cue")
                            || node.children().any(|n| n.attribute("size").is_some_and(|s| s == "cue"));
                        if is_cue && has(node, "pitch") {
                            *self.left_out.entry("cue notes").or_default() += 1;
                        } else {
                            self.head(node, (bar, start, length), (index, transposed));
                        }
                        if !is_chord {
                            (last, at) = (at, at + length);
                        }
                    }
                    "backup" => at = (at - length()?).max(0),
                    "forward" => at += length()?,
                    "harmony" => self.harmony(node, place),
                    "direction" | "sound" if index == 0 => self.direction(node, place),
                    "barline" if index == 0 => self.bar_line(node, bar),
                    _ => {}
                }
                if at > MAX_BAR * FINE {
                    return Err("a bar without end".to_owned());
                }
                filled = filled.max(at);
            }
            self.measures[bar].filled = self.measures[bar].filled.max(ticks(filled));
        }
        Ok(())
    }

    fn attributes(&mut self, node: Node<'_, '_>, place: Place, part: usize) -> Result<(), String> {
        if let Some(time) = node.children().find(|n| n.has_tag_name("time")) {
            let number = |name| child(time, name).and_then(|text| text.parse::<u8>().ok());
            if let (Some(beats), Some(unit)) = (number("beats"), number("beat-type")) {
                if beats == 0 || !unit.is_power_of_two() || unit > 32 {
                    return Err(format!("metre {beats}/{unit}"));
                }
                self.measures[place.0].meter.get_or_insert((beats, unit));
            } else if !time.children().any(|n| n.has_tag_name("senza-misura")) {
                return Err("a metre that is no fraction".to_owned());
            }
        }
        let key = node.children().find(|n| n.has_tag_name("key")).filter(|_| part == 0);
        if let Some((key, fifths)) =
            key.and_then(|key| Some((key, child(key, "fifths")?.parse::<i8>().ok()?)))
        {
            let mode = match child(key, "mode") {
                Some("major") => Some(Mode::Major),
                Some("minor") => Some(Mode::Minor),
                _ => None,
            };
            if self.keys.last().is_none_or(|last| (last.1, last.2) != (fifths, mode)) {
                self.keys.push((place, fifths.clamp(-7, 7), mode));
            }
        }
        Ok(())
    }

    fn head(
        &mut self,
        node: Node<'_, '_>,
        (bar, start, length): (usize, i64, i64),
        (part, transposed): (usize, i64),
    ) {
        let Some(pitch) = musicxml::pitch(node) else { return };
        let number = |name| child(node, name).and_then(|text| text.parse::<u8>().ok()).unwrap_or(1);
        let is_tied = node.children().any(|n| n.has_tag_name("tie") && n.attribute("type") == Some("stop"));
        let (start, end) = (ticks(start), ticks(start + length));
        if end == start {
            *self.left_out.entry("notes without length").or_default() += 1;
            return;
        }
        self.heads.entry((part, number("staff"), number("voice"))).or_default().push(Head {
            bar,
            start,
            length: end - start,
            pitch: (i64::from(pitch) + transposed).clamp(0, 127) as u8,
            is_tied,
            is_sung: has(node, "lyric"),
        });
    }

    fn harmony(&mut self, node: Node<'_, '_>, (bar, at): Place) {
        let chord = musicxml::chord(node);
        if chord.is_none() && child(node, "kind") != Some("none") {
            *self.left_out.entry("chord symbols not understood").or_default() += 1;
            return;
        }
        let bass = node.children().find(|n| n.has_tag_name("bass")).and_then(|bass| {
            let alter: i64 = child(bass, "bass-alter").and_then(|text| text.parse().ok()).unwrap_or(0);
            Some(musicxml::natural(child(bass, "bass-step")?) + alter)
        });
        let chord = chord.map(|chord| match bass {
            Some(bass) => ChordSymbol { bass: PitchClass(bass.rem_euclid(12) as u8), ..chord },
            None => chord,
        });
        self.chords.push(((bar, at), chord));
    }

    fn direction(&mut self, node: Node<'_, '_>, place: Place) {
        for inner in node.descendants() {
            if let Some(tempo) = inner.attribute("tempo").and_then(|text| text.parse::<f64>().ok())
                && inner.has_tag_name("sound")
                && tempo.is_finite()
                && tempo > 0.0
            {
                self.tempos.push((place, tempo));
            }
            if inner.has_tag_name("rehearsal") {
                self.sections.push((place, inner.text().unwrap_or("").trim().to_owned()));
            }
        }
    }

    fn bar_line(&mut self, node: Node<'_, '_>, bar: usize) {
        let repeat =
            node.children().find(|n| n.has_tag_name("repeat")).and_then(|n| n.attribute("direction"));
        let is_double = child(node, "bar-style").is_some_and(|style| style.starts_with("light-"));
        if node.attribute("location") == Some("left") {
            if repeat == Some("forward") {
                self.sections.push(((bar, 0), String::new()));
            }
        } else if is_double || repeat == Some("backward") {
            self.sections.push(((bar + 1, 0), String::new()));
        }
    }

    fn assemble(
        self,
        instrument: impl Fn(usize) -> Instrument,
        melody: Option<usize>,
    ) -> Result<Song, String> {
        let mut song = Song::default();
        let mut starts = Vec::with_capacity(self.measures.len() + 1);
        let (mut meter, mut end) = (None, 0);
        for measure in &self.measures {
            meter = measure.meter.or(meter);
            let (beats, unit) = meter.ok_or("no metre")?;
            let full = 3840 * i64::from(beats) / i64::from(unit);
            // Rounding may leave a bar of tuplets a tick short.
            let is_full = measure.filled == 0 || (measure.filled - full).abs() <= ROUNDED;
            let length = if is_full { full } else { measure.filled };
            song.push_bar((beats, unit), TickCount(length));
            starts.push(end);
            end += length;
        }
        starts.push(end);
        let at = |(bar, ticks): Place| {
            let last = starts.get(bar + 1).map_or(end, |next| next - 1);
            Ticks((starts[bar.min(starts.len() - 1)] + ticks).min(last))
        };
        song.keys = self
            .keys
            .iter()
            .map(|(place, fifths, mode)| KeyChange { start: at(*place), fifths: *fifths, mode: *mode })
            .collect();
        song.tempos = self.tempos.iter().map(|(place, tempo)| (at(*place), *tempo)).collect();
        song.tempos.retain(|tempo| tempo.0.0 < end);
        song.tempos.sort_by_key(|tempo| tempo.0);
        song.sections = self.sections.into_iter().map(|(place, name)| (at(place), name)).collect();
        song.sections.retain(|section| section.0.0 < end);
        // A name stands before the empty one of a double bar at the same place.
        song.sections.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        song.sections.dedup_by_key(|section| section.0);
        let mut chords: Vec<_> = self.chords.iter().map(|(place, chord)| (at(*place), *chord)).collect();
        chords.sort_by_key(|chord| chord.0);
        song.chords = spans(&chords, Ticks(end));

        // The voice with the most words is the one that is sung.
        let words = |heads: &[Head]| (heads.iter().filter(|head| head.is_sung).count(), heads.len());
        let sung = self.heads.iter().filter(|(voice, _)| Some(voice.0) == melody);
        let sung = sung.max_by_key(|(voice, heads)| (words(heads), std::cmp::Reverse(**voice)));
        let sung = sung.map(|(voice, _)| *voice);
        for ((part, staff, voice), heads) in &self.heads {
            let (name, program) = instrument(*part);
            let role = if Some((*part, *staff, *voice)) == sung { Role::Melody } else { Role::Pitched };
            let notes = tie(heads.iter().map(|head| (at((head.bar, head.start)), head)));
            song.parts.push(Part { name, role, program, staff: *staff, voice: *voice, notes });
        }
        song.finish()
    }
}

/// Notes of heads, those tied together made one.
fn tie<'a>(heads: impl Iterator<Item = (Ticks, &'a Head)>) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let mut latest: BTreeMap<u8, usize> = BTreeMap::new();
    for (start, head) in heads {
        if head.is_tied
            && let Some(before) = latest.get(&head.pitch).map(|index| &mut notes[*index])
            && (before.start.0 + before.length.0 - start.0).abs() <= ROUNDED
        {
            before.length = TickCount(start.0 + head.length - before.start.0);
            continue;
        }
        latest.insert(head.pitch, notes.len());
        let length = TickCount(head.length);
        notes.push(Note { start, pitch: head.pitch, length, velocity: None, offset: TickCount(0) });
    }
    notes
}

/// Chords that last until the next one; where none is to sound there is none.
pub(super) fn spans(chords: &[(Ticks, Option<ChordSymbol>)], end: Ticks) -> Vec<ChordSpan> {
    let next = |index: usize| chords.get(index + 1).map_or(end, |chord| chord.0);
    let spans = chords.iter().enumerate().filter_map(|(index, (start, chord))| {
        let length = next(index) - *start;
        Some(ChordSpan { start: *start, length, chord: (*chord)? })
    });
    // Of two that stand at one place the later counts.
    spans.filter(|span| span.length.0 > 0).collect()
}

/// Ticks of a place within a bar.
fn ticks(fine: i64) -> i64 {
    (fine + FINE / 2) / FINE
}

fn has(node: Node<'_, '_>, name: &str) -> bool {
    node.children().any(|n| n.has_tag_name(name))
}

/// Semitones from what is written to what sounds.
fn transposition(attributes: Node<'_, '_>) -> Option<i64> {
    let node = attributes.children().find(|n| n.has_tag_name("transpose"))?;
    let number = |name| child(node, name).and_then(|text| text.parse::<i8>().ok()).unwrap_or(0);
    Some(i64::from(number("chromatic")) + 12 * i64::from(number("octave-change")))
}
