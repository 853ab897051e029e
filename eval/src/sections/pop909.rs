//! A song of POP909: its sung melody in bars, and two people's labels.
//!
//! The melody is taken from the first release, the bars from the corrected one ("POP909-CL"), whose ticks are those of
//! the first one but for an offset. The labels count bars from the first chord on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use collavoce::follow::key::KeyNote;
use collavoce::follow::phrase::phrases;
use collavoce::follow::sections::Melody;
use collavoce::listen::SungNote;
use collavoce::score::{Key, MelodyNote, MidiNote, Phrase};
use collavoce::time::{Meter, TICKS_PER_QUARTER, TickCount, Ticks};
use midly::{MetaMessage, MidiMessage, Smf, TrackEventKind};

use super::measure::Labelled;

/// Distance of notes in the two releases that is still one position, in their ticks (480 a quarter).
const SAME_TICKS: i64 = 40;
/// Share of the melody's notes that the corrected release must hold.
const LEAST_FOUND: f64 = 0.9;
/// Share of bars in which the labels must say rightly whether something is sung.
const LEAST_FIT: f64 = 0.85;
/// Bars that the labels may lie beside the first chord.
const MOST_SHIFT: i64 = 2;
/// How much better that must fit than no shift.
const CLEARLY: f64 = 0.02;
/// Ticks a quarter of the score over those of the files.
pub const SCALE: i64 = 2;

/// A song.
#[derive(Debug, Clone)]
pub struct Song {
    /// Its number in POP909.
    pub number: u32,
    /// The labels of two people.
    pub labels: [Labelled; 2],
    /// How many bars it has.
    pub bars: usize,
    /// Its metre.
    pub meter: Meter,
    /// The sung melody; bar 0 begins at tick 0.
    pub notes: Vec<MelodyNote>,
    /// Its phrases.
    pub phrases: Vec<Phrase>,
}

/// A note of a MIDI file: (start, end, key) in ticks.
pub type Played = (i64, i64, u8);

/// What is read of a MIDI file.
#[derive(Debug, Default)]
pub struct MidiSong {
    /// The notes of every named track.
    pub tracks: BTreeMap<String, Vec<Played>>,
    /// The metres in order, each once where it is stated again.
    pub meters: Vec<(u8, u8)>,
    /// The key signatures in order likewise: sharps, or flats below 0, and whether it is minor.
    pub signatures: Vec<(i8, bool)>,
}

impl MidiSong {
    /// The chords of the corrected release.
    pub fn chords(&self) -> &[Played] {
        self.tracks.get("chords").or_else(|| self.tracks.get("MIDI 01")).map_or(&[], Vec::as_slice)
    }

    /// The melody of the first release.
    pub fn melody(&self) -> &[Played] {
        self.tracks.get("MELODY").map_or(&[], Vec::as_slice)
    }

    /// Everything that is played in the corrected release.
    pub fn piano(&self) -> &[Played] {
        self.tracks.get("piano").map_or(&[], Vec::as_slice)
    }

    /// The metre, if there is one and songs may have it.
    pub fn meter(&self) -> Option<Meter> {
        match self.meters.as_slice() {
            [(4, 4)] => Some(Meter::FOUR_FOUR),
            [(3, 4)] => Some(Meter::THREE_FOUR),
            _ => None,
        }
    }
}

/// Numbers of all songs that have labels.
pub fn numbers(folder: &Path) -> anyhow::Result<Vec<u32>> {
    let folder = folder.join("pop909_sections");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".human_label1.txt")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

impl Song {
    /// Reads a song, or says why it cannot be measured.
    pub fn read(folder: &Path, number: u32) -> anyhow::Result<Result<Self, String>> {
        let read = |path: String| {
            let path = folder.join(path);
            std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let mut labels = Vec::new();
        for which in 1..=2 {
            let text = read(format!("pop909_sections/{number:03}.human_label{which}.txt"))?;
            labels.push(parse_labels(&String::from_utf8_lossy(&text))?);
        }
        let labels: [Labelled; 2] =
            labels.try_into().map_err(|_| anyhow::anyhow!("song {number} has no two labellings"))?;
        let first = MidiSong::read(&read(format!("pop909/{number:03}.mid"))?)?;
        let corrected = MidiSong::read(&read(format!("pop909cl/{number:03}.mid"))?)?;
        let (melody, piano) = (first.melody(), corrected.piano());
        if melody.is_empty() {
            return Ok(Err("no melody".to_owned()));
        }
        let Some(first_chord) = corrected.chords().first().filter(|_| !piano.is_empty()) else {
            return Ok(Err("the corrected release lacks the notes or the chords".to_owned()));
        };
        let Some(meter) = corrected.meter() else {
            return Ok(Err("the metre changes, or is neither 4/4 nor 3/4".to_owned()));
        };
        let Some(offset) = offset(melody, piano) else {
            return Ok(Err("the corrected release holds another melody".to_owned()));
        };
        let bar = meter.bar().0 / SCALE;
        let at = |ticks: i64| ticks + offset - first_chord.0;
        let starts: Vec<i64> = melody.iter().map(|note| at(note.0)).collect();
        let fits = |shift: i64| labels.iter().map(|l| fit(l, &starts, bar, shift)).sum::<f64>() / 2.0;
        let shifts = (0..=2 * MOST_SHIFT).map(|k| if k % 2 == 0 { -k / 2 } else { (k + 1) / 2 });
        let (shift, best) = shifts
            .map(|shift| (shift, fits(shift)))
            .reduce(|best, next| if next.1 > best.1 + CLEARLY { next } else { best })
            .unwrap_or((0, 0.0));
        if best < LEAST_FIT {
            return Ok(Err("the labels' bars do not fit the melody's".to_owned()));
        }
        let beat_s =
            beat_period_s(&String::from_utf8_lossy(&read(format!("pop909/{number:03}.beat_midi.txt"))?));
        let place = |ticks: i64| Ticks(((at(ticks) - shift * bar) * SCALE + 60).div_euclid(120) * 120);
        let notes = written(melody, place, beat_s);
        let last = notes.last().map_or(0, |note| note.start.0 / meter.bar().0 + 1);
        let bars = (last.max(0) as usize).max(labels[0].bars()).max(labels[1].bars());
        let phrases = sung_phrases(&notes, beat_s);
        Ok(Ok(Self { number, labels, bars, meter, notes, phrases }))
    }

    /// The melody as sections are found in it.
    pub fn melody(&self) -> Melody<'_> {
        let Self { notes, phrases, meter, bars, .. } = self;
        Melody { notes, phrases, meter: *meter, first: Ticks(0), bars: *bars }
    }
}

/// Labels such as `i4A8B8o2`: a letter and a number of bars.
fn parse_labels(text: &str) -> anyhow::Result<Labelled> {
    let mut sections: Vec<(String, usize)> = Vec::new();
    for c in text.trim().chars() {
        match (c.to_digit(10), sections.last_mut()) {
            (Some(digit), Some((_, bars))) => *bars = *bars * 10 + digit as usize,
            (None, _) if c.is_ascii_alphabetic() => sections.push((c.to_string(), 0)),
            _ => anyhow::bail!("{text:?} is no labelling"),
        }
    }
    Ok(Labelled::new(sections))
}

/// Keys and sung melodies of the songs that stay in one key, beats as long as stated.
pub fn in_one_key(folder: &Path, beat_s: f64) -> anyhow::Result<Vec<(Key, Vec<KeyNote>)>> {
    let mut songs = Vec::new();
    for number in numbers(folder)? {
        let path = |what: &str| folder.join(format!("pop909/{number:03}.{what}"));
        let (Ok(keys), Ok(midi)) =
            (std::fs::read_to_string(path("key_audio.txt")), std::fs::read(path("mid")))
        else {
            continue;
        };
        let mut keys = keys.lines().filter_map(|line| line.split_whitespace().nth(2));
        let (Some(key), None) = (keys.next(), keys.next()) else { continue };
        let key: Key = key.replace(":maj", " major").replace(":min", " minor").parse()?;
        let midi = MidiSong::read(&midi)?;
        let second = |tick: i64| tick as f64 * SCALE as f64 / TICKS_PER_QUARTER as f64 * beat_s;
        let notes: Vec<KeyNote> = midi
            .melody()
            .iter()
            .map(|(start, end, pitch)| KeyNote {
                pitch: MidiNote(*pitch),
                onset_s: second(*start),
                offset_s: second(*end),
            })
            .collect();
        if !notes.is_empty() {
            songs.push((key, notes));
        }
    }
    Ok(songs)
}

impl MidiSong {
    /// Reads a file.
    pub fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let smf = Smf::parse(bytes)?;
        let mut song = Self::default();
        for track in &smf.tracks {
            let (mut tick, mut name) = (0, String::new());
            let mut notes: Vec<Played> = Vec::new();
            let mut open: BTreeMap<u8, i64> = BTreeMap::new();
            for event in track {
                tick += i64::from(event.delta.as_int());
                match event.kind {
                    TrackEventKind::Meta(MetaMessage::TrackName(text)) => {
                        name = String::from_utf8_lossy(text).into_owned();
                    }
                    TrackEventKind::Meta(MetaMessage::TimeSignature(count, unit, _, _)) => {
                        song.meters.push((count, 1 << unit.min(7)));
                    }
                    TrackEventKind::Meta(MetaMessage::KeySignature(sharps, is_minor)) => {
                        song.signatures.push((sharps, is_minor));
                    }
                    TrackEventKind::Midi { message: MidiMessage::NoteOn { key, vel }, .. }
                        if vel.as_int() > 0 =>
                    {
                        open.insert(key.as_int(), tick);
                    }
                    TrackEventKind::Midi {
                        message: MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. },
                        ..
                    } => notes.extend(open.remove(&key.as_int()).map(|start| (start, tick, key.as_int()))),
                    _ => {}
                }
            }
            notes.sort_unstable();
            song.tracks.insert(name, notes);
        }
        song.meters.dedup();
        song.signatures.dedup();
        Ok(song)
    }
}

/// Ticks from a melody to the same notes in another file, if most of them are there.
pub fn offset(melody: &[Played], notes: &[Played]) -> Option<i64> {
    let starts = |key: u8| notes.iter().filter(move |note| note.2 == key).map(|note| note.0);
    let found = |offset: i64| {
        let is_there = |note: &&Played| starts(note.2).any(|s| (s - note.0 - offset).abs() <= SAME_TICKS);
        melody.iter().filter(is_there).count() as f64 / melody.len() as f64
    };
    let candidates = melody.iter().take(3).flat_map(|note| starts(note.2).map(move |start| start - note.0));
    let (share, best) = candidates
        .filter(|offset| offset.abs() < 20 * 1920)
        .map(|offset| (found(offset), offset))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    (share >= LEAST_FOUND).then_some(best)
}

/// Share of the labelled bars that the label rightly calls sung, with a capital, or not. Bars in which notes begin in the
/// second half only may be either: a pickup belongs to the section that it leads to.
fn fit(labels: &Labelled, starts: &[i64], bar: i64, shift: i64) -> f64 {
    let bars = |part: i64| {
        let early = starts.iter().filter(move |at| at.rem_euclid(bar) < part);
        early.map(|at| at.div_euclid(bar) - shift).collect::<BTreeSet<i64>>()
    };
    let (any, early) = (bars(bar), bars(bar / 2));
    let capitals = labels
        .iter()
        .flat_map(|(label, bars)| std::iter::repeat_n(label.chars().all(|c| c.is_ascii_uppercase()), bars));
    let right = capitals
        .zip(0..)
        .filter(|(capital, at)| if *capital { any.contains(at) } else { !early.contains(at) });
    right.count() as f64 / labels.bars().max(1) as f64
}

/// Median distance of beats in seconds, from lines that begin with a time.
pub fn beat_period_s(text: &str) -> f64 {
    let times: Vec<f64> =
        text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    collavoce::follow::grid::median_period(&times)
}

/// A melody as the engine writes it: in order, one note at a time.
pub fn written(melody: &[Played], place: impl Fn(i64) -> Ticks, beat_s: f64) -> Vec<MelodyNote> {
    let seconds = |at: Ticks| at.0 as f64 / 960.0 * beat_s;
    let mut notes: Vec<MelodyNote> = Vec::new();
    for (start, end, key) in melody {
        let start = place(*start);
        let length = (place(*end) - start).max(TickCount(120));
        if let Some(before) = notes.last_mut() {
            before.length = before.length.min(start - before.start);
            before.offset_s = seconds(before.end());
        }
        notes.push(MelodyNote {
            start,
            length,
            pitch: MidiNote(*key),
            onset_s: seconds(start),
            offset_s: seconds(start + length),
            sung_midi: f64::from(*key),
            level_dbfs: -20.0,
        });
    }
    notes.retain(|note| note.length > TickCount(0));
    notes
}

/// The phrases that the engine would find in such notes.
pub fn sung_phrases(notes: &[MelodyNote], beat_s: f64) -> Vec<Phrase> {
    let sung: Vec<SungNote> = notes
        .iter()
        .map(|note| SungNote {
            onset_s: note.onset_s,
            offset_s: note.offset_s,
            midi: note.sung_midi,
            level_dbfs: note.level_dbfs,
            confidence: 1.0,
            known_s: note.offset_s,
        })
        .collect();
    phrases(&sung, &[], beat_s)
        .iter()
        .map(|phrase| Phrase {
            start: notes[phrase.first].start,
            end: notes[phrase.end - 1].end(),
            breath_before: phrase.breath_before,
            level_db: 0.0,
        })
        .collect()
}
