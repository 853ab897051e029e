//! Songs of the corpus as the arranger learns from them: what was played, over what was sung and sounded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use collavoce::compose::arranger::ground::{STEP, bar_like, pulse, root_at, steps, steps_in_bar};
use collavoce::compose::arranger::played::{LINES, Played, voices};
use collavoce::score::{
    Articulation, BarNumber, ChordSpan, Key, MelodyNote, MidiNote, Mode, Note, PitchClass, Score, Section,
    Velocity,
};
use collavoce::song::Mode as Hearing;
use collavoce::time::{Bpm, Meter, TempoMap, TickCount, Ticks};
use collavoce_models::arranger::{BASS, GUITAR, KIT, PARTS, STRINGS, Step, VOICES, stroke};

use crate::corpus::{self, Part, Role, Song, form};
use crate::songs::Split;
use crate::sonority;

/// Shortest stretch of bars in one metre that is learnt from.
const SHORTEST_BARS: usize = 4;
/// Bars to either side of a bar in which its density is counted.
const DENSITY_BARS: usize = 1;
/// Notes of a piano up to this one are its bass.
const BASS_UP_TO: u8 = 55;
/// Notes that began longer ago are not asked whether they still sound.
const BASS_SOUNDS: TickCount = TickCount(3840);
/// Lowest and highest note of a bass.
const BASS_RANGE: (u8, u8) = (28, 55);
/// Share of strokes in common with which a drummer's bar comes back.
const COMES_BACK: f64 = 0.75;
/// Bars in which a bar that was like another is looked for.
const LIKE_BARS: usize = 64;

/// Manners of drumming, by the words of a drummer's style or of a groove; the first that fits counts.
const DRUMMING: [(&str, usize); 34] = [
    ("jazz", 5),
    ("swing", 5),
    ("charleston", 5),
    ("dixie", 5),
    ("broadway", 5),
    ("funk", 2),
    ("soul", 3),
    ("gospel", 3),
    ("blues", 3),
    ("boggie", 3),
    ("reggae", 6),
    ("ska", 6),
    ("latin", 6),
    ("afro", 6),
    ("highlife", 6),
    ("calypso", 6),
    ("rhumba", 6),
    ("samba", 6),
    ("salsa", 6),
    ("mambo", 6),
    ("merengue", 6),
    ("beguine", 6),
    ("bolero", 6),
    ("son", 6),
    ("hiphop", 4),
    ("ballad", 8),
    ("soft", 8),
    ("lullaby", 8),
    ("country", 7),
    ("folk", 7),
    ("grass", 7),
    ("march", 7),
    ("rock", 0),
    ("pop", 1),
];
/// The manner of what no word fits.
const OTHER_DRUMMING: usize = 9;
/// Slower than this, in beats a minute, rock and pop are ballads.
const BALLAD_BPM: f64 = 84.0;

/// A stretch of bars in one metre.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The song.
    pub name: String,
    /// Its set.
    pub set: &'static str,
    /// Its side of the split.
    pub side: Split,
    /// Steps of a bar, and of a beat.
    pub per_bar: usize,
    /// See `per_bar`.
    pub per_beat: usize,
    /// What is sung and sounds, with nothing that is played.
    pub score: Score,
    /// What is known of each step: all but what was played before.
    pub steps: Vec<Step>,
    /// The roots that tones are counted from.
    pub roots: Vec<PitchClass>,
    /// What was played.
    pub played: Played,
    /// Of every bar, the bar that it is like, and whether that comes back.
    pub like: Vec<Option<(usize, bool)>>,
    /// Which voices play.
    pub known: [bool; VOICES],
    /// Which voices are to be learnt from: not the drums of a machine in 4/4, for which there are drummers.
    pub told: [bool; VOICES],
}

impl Piece {
    /// A step with all that the network is told of it.
    pub fn step(&self, index: usize) -> Step {
        let (bar, place) = (index / self.per_bar, index % self.per_bar);
        let like = self.like[bar];
        let before = like.map(|(like, _)| like * self.per_bar + place);
        let told = self.played.told(&self.steps[index], index, self.roots[index]);
        let comes_back = like.is_some_and(|(_, comes_back)| comes_back);
        Step { before: before.map(|before| self.played.frames[before]), comes_back, ..told }
    }

    /// How many bars it has.
    pub fn bars(&self) -> usize {
        self.steps.len() / self.per_bar
    }
}

/// Sets that pieces are made of.
pub const SETS: [&str; 5] = ["gmd", "band_renders", "lieder", "quartets", "jsb"];

/// Reads the pieces of all sets that are on some sides, from a corpus as `cargo xtask data` makes it.
///
/// # Errors
///
/// A file is missing or damaged.
pub fn read(corpus: &Path, is_wanted: impl Fn(Split) -> bool) -> anyhow::Result<Vec<Piece>> {
    let text = std::fs::read_to_string(corpus.join("split.tsv"))
        .with_context(|| format!("{} holds no split.tsv; make it with cargo xtask data", corpus.display()))?;
    let sides: BTreeMap<(&str, &str), &str> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let (set, song, _, side) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
            Some(((set, song), side))
        })
        .collect();
    let mut pieces = Vec::new();
    for set in SETS {
        let path = corpus.join(format!("{set}.jsonl"));
        let file = File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let (_, songs) = form::read(BufReader::new(file)).with_context(|| path.display().to_string())?;
        for song in songs {
            let given = match sides.get(&(set, song.name.as_str())) {
                Some(&"learn") => Split::Learn,
                Some(&"develop") => Split::Develop,
                _ => Split::Validate,
            };
            let side = side(set, &song, given);
            if is_wanted(side) {
                pieces.extend(self::pieces(set, &song, side));
            }
        }
    }
    Ok(pieces)
}

/// The pieces of a song.
fn pieces(set: &'static str, song: &Song, side: Split) -> Vec<Piece> {
    stretches(song).iter().filter_map(|stretch| piece(set, song, side, stretch)).collect()
}

/// Which side a song of a set is on. The drummers' own test files are missing: what they call validation is reported on,
/// and a tenth of what they trained on is kept apart to choose on.
fn side(set: &str, song: &Song, given: Split) -> Split {
    match (set, given) {
        ("gmd", Split::Develop) => Split::Validate,
        ("gmd", Split::Learn) if Split::of(&song.name) == Split::Validate => Split::Develop,
        _ => given,
    }
}

/// Bars that follow one another in one metre.
struct Stretch {
    from: Ticks,
    bars: usize,
    meter: Meter,
}

fn stretches(song: &Song) -> Vec<Stretch> {
    let (mut found, mut at): (Vec<Stretch>, _) = (Vec::new(), Ticks(0));
    for run in &song.bars {
        let length = run.length * i64::from(run.count);
        let meter = format!("{}/{}", run.beats, run.unit).parse::<Meter>().ok();
        if let Some(meter) = meter.filter(|meter| meter.bar() == run.length) {
            match found.last_mut() {
                Some(last) if last.meter == meter && last.from + meter.bar() * last.bars as i64 == at => {
                    last.bars += run.count as usize;
                }
                _ => found.push(Stretch { from: at, bars: run.count as usize, meter }),
            }
        }
        at += length;
    }
    found.retain(|stretch| stretch.bars >= SHORTEST_BARS);
    found
}

/// Who plays what, in a stretch.
#[derive(Default)]
struct Band {
    melody: Vec<Note>,
    drums: Vec<Note>,
    bass: Vec<Note>,
    guitar: Option<Vec<Note>>,
    strings: Option<[Vec<Note>; 4]>,
    told: [bool; VOICES],
    styles: [Option<usize>; PARTS],
}

fn piece(set: &'static str, song: &Song, side: Split, stretch: &Stretch) -> Option<Piece> {
    let notes = |part: &Part| notes_in(part, stretch);
    let band = match set {
        "gmd" => drummer(song, &notes),
        "band_renders" => render(song, &notes),
        "quartets" => quartet(song, &notes)?,
        "jsb" => chorale(song, &notes)?,
        "lieder" => art_song(song, &notes),
        _ => return None,
    };
    let score = score(song, stretch, &band);
    let per_bar = steps_in_bar(stretch.meter);
    let per_beat = (pulse(stretch.meter).0 / STEP.0) as usize;
    let count = per_bar * stretch.bars;
    let mut played = Played::silence(Ticks(0), count);
    played.drums(&band.drums);
    played.line(&score, 0, &band.bass);
    if let Some(strings) = &band.strings {
        for (line, notes) in (1..LINES).zip(strings) {
            played.line(&score, line, notes);
        }
    }
    if let Some(notes) = &band.guitar {
        strum(&mut played, notes, per_bar, per_beat);
    }
    let is_fill = song.style.as_deref().is_some_and(|style| style.ends_with("fill"));
    let plays = [0, BASS, GUITAR, STRINGS].map(|voice| band.told[voice]);
    let mut all = Vec::with_capacity(count);
    for (index, bar) in score.all_bars().enumerate() {
        let from = index.saturating_sub(DENSITY_BARS) * per_bar;
        let to = ((index + 1 + DENSITY_BARS) * per_bar).min(count);
        let (densities, level) = played.densities(from..to, per_beat);
        for mut step in steps(&score, Hearing::Studio, bar) {
            step.place.is_fill = is_fill;
            if score.melody.is_empty() {
                step.sung = None;
            }
            if score.chords.is_empty() {
                step.chord = None;
            }
            step.wish.plays = plays;
            step.wish.styles = band.styles;
            step.wish.densities = std::array::from_fn(|part| plays[part].then_some(densities[part]));
            step.wish.level = level;
            all.push(step);
        }
    }
    let mut told = band.told;
    if set == "band_renders" && stretch.meter == Meter::FOUR_FOUR {
        told[..KIT].fill(false);
    }
    let roots = (0..count).map(|index| root_at(&score, played.at(index))).collect();
    Some(Piece {
        name: song.name.clone(),
        set,
        side,
        per_bar,
        per_beat,
        like: likes(&score, &all, &played, per_bar),
        steps: all,
        score,
        roots,
        played,
        known: band.told,
        told,
    })
}

/// The notes of a part that begin in a stretch, from its beginning, where they were played.
fn notes_in(part: &Part, stretch: &Stretch) -> Vec<Note> {
    let end = stretch.from + stretch.meter.bar() * stretch.bars as i64;
    let within = part.notes.iter().filter(|note| (stretch.from..end).contains(&note.start));
    within.map(|note| as_note(note, stretch.from)).collect()
}

fn as_note(note: &corpus::Note, from: Ticks) -> Note {
    Note {
        start: Ticks(0) + (note.start + note.offset - from),
        length: note.length,
        pitch: MidiNote(note.pitch),
        velocity: Velocity::clamped(f64::from(note.velocity.unwrap_or(80))),
        articulation: Articulation::Normal,
    }
}

fn told(is_told: impl Fn(usize) -> bool) -> [bool; VOICES] {
    std::array::from_fn(is_told)
}

fn drummer(song: &Song, notes: &dyn Fn(&Part) -> Vec<Note>) -> Band {
    let drums = song.parts.iter().flat_map(notes).collect();
    let style = drumming(song);
    Band {
        drums,
        told: told(|voice| voice < KIT),
        styles: [Some(style), None, None, None],
        ..Band::default()
    }
}

/// The manner of a song's drums.
fn drumming(song: &Song) -> usize {
    let words = song.style.as_deref().unwrap_or("").to_lowercase();
    let found =
        DRUMMING.iter().find(|(word, _)| words.contains(word)).map_or(OTHER_DRUMMING, |(_, style)| *style);
    let bpm = song.tempos.first().map_or(120.0, |(_, bpm)| *bpm);
    if found < 2 && bpm < BALLAD_BPM { 8 } else { found }
}

fn render(song: &Song, notes: &dyn Fn(&Part) -> Vec<Note>) -> Band {
    let with = |fits: &dyn Fn(&Part) -> bool| -> Vec<Note> {
        let mut all: Vec<Note> = song.parts.iter().filter(|part| fits(part)).flat_map(notes).collect();
        all.sort_by_key(|note| (note.start, note.pitch));
        all
    };
    let programs = |part: &Part, of: std::ops::Range<u8>| {
        part.role == Role::Pitched && part.program.is_some_and(|program| of.contains(&program))
    };
    let drums = with(&|part| part.role == Role::Drums);
    let bass = with(&|part| programs(part, 32..40));
    let guitar =
        with(&|part| programs(part, 24..32) && !part.name.starts_with("Bass") && part.name != "Walk");
    let strings = with(&|part| programs(part, 44..45) || programs(part, 48..52));
    // Drumming, and manners of the other parts: folk, pop, ballad, jazz.
    let manner = match drumming(song) {
        5 => 3,
        7 => 0,
        8 => 2,
        _ => 1,
    };
    let has = [!drums.is_empty(), !bass.is_empty(), !guitar.is_empty(), !strings.is_empty()];
    let ranges = [0..KIT, BASS..BASS + 1, GUITAR..GUITAR + 1, STRINGS..VOICES];
    let ranges: Vec<_> =
        ranges.into_iter().zip(has).filter(|(_, has)| *has).map(|(range, _)| range).collect();
    Band {
        melody: with(&|part| part.role == Role::Melody),
        drums,
        bass,
        guitar: has[2].then_some(guitar),
        strings: has[3].then(|| voices(&strings)),
        told: told(|voice| ranges.iter().any(|range| range.contains(&voice))),
        styles: [Some(drumming(song)), Some(manner), Some(manner), Some(2)],
    }
}

/// Four parts of a quartet from the lowest; the first violin is the singer of half of the songs, and has no voice then.
fn quartet(song: &Song, notes: &dyn Fn(&Part) -> Vec<Note>) -> Option<Band> {
    let parts: Vec<&Part> = song.parts.iter().filter(|part| part.staff == 1 && part.voice == 1).collect();
    let [first, second, viola, cello] = parts.as_slice() else { return None };
    let is_sung = song.name.len().is_multiple_of(2);
    let lines = [cello, viola, second, first].map(|part| notes(part));
    let melody = if is_sung { lines[3].clone() } else { Vec::new() };
    Some(with_melody(lines, melody, is_sung, 1))
}

fn chorale(song: &Song, notes: &dyn Fn(&Part) -> Vec<Note>) -> Option<Band> {
    let [soprano, alto, tenor, bass] = song.parts.as_slice() else { return None };
    let lines = [bass, tenor, alto, soprano].map(notes);
    let melody = lines[3].clone();
    Some(with_melody(lines, melody, true, 0))
}

/// Strings, of which the highest is silent if it is sung.
fn with_melody(mut lines: [Vec<Note>; 4], melody: Vec<Note>, is_sung: bool, style: usize) -> Band {
    let last = if is_sung { VOICES - 1 } else { VOICES };
    if is_sung {
        lines[3].clear();
    }
    Band {
        melody,
        strings: Some(lines),
        told: told(|voice| (STRINGS..last).contains(&voice)),
        styles: [None, None, None, Some(style)],
        ..Band::default()
    }
}

fn art_song(song: &Song, notes: &dyn Fn(&Part) -> Vec<Note>) -> Band {
    let melody = song.parts.iter().filter(|part| part.role == Role::Melody).flat_map(notes).collect();
    let mut piano: Vec<Note> =
        song.parts.iter().filter(|part| part.role == Role::Pitched).flat_map(notes).collect();
    piano.sort_by_key(|note| (note.start, note.pitch));
    let lowest = |note: &&Note| {
        let (from, to) = (note.start - BASS_SOUNDS, note.start);
        let near = &piano[piano.partition_point(|other| other.start < from)..];
        let sounding = near.iter().take_while(|other| other.start <= to).filter(|other| other.end() > to);
        sounding.map(|other| other.pitch).min() == Some(note.pitch)
    };
    let bass = piano.iter().filter(|note| note.pitch.0 <= BASS_UP_TO).filter(lowest).map(|note| {
        let mut pitch = note.pitch.0;
        while pitch < BASS_RANGE.0 {
            pitch += 12;
        }
        Note { pitch: MidiNote(pitch), ..*note }
    });
    Band {
        melody,
        bass: bass.collect(),
        guitar: Some(piano.clone()),
        told: told(|voice| (BASS..=GUITAR).contains(&voice)),
        styles: [None, Some(2), Some(2), None],
        ..Band::default()
    }
}

fn score(song: &Song, stretch: &Stretch, band: &Band) -> Score {
    let melody = band.melody.iter().map(|note| MelodyNote {
        start: note.start,
        length: note.length,
        pitch: note.pitch,
        onset_s: 0.0,
        offset_s: 0.0,
        sung_midi: f64::from(note.pitch.0),
        level_dbfs: -20.0,
    });
    let end = stretch.from + stretch.meter.bar() * stretch.bars as i64;
    let mut sounding: Vec<(Ticks, Ticks, u8)> = song
        .parts
        .iter()
        .filter(|part| part.role != Role::Drums)
        .flat_map(|part| &part.notes)
        .filter(|note| (stretch.from..end).contains(&note.start))
        .map(|note| (note.start, note.start + note.length, note.pitch))
        .map(|(start, end, pitch)| (Ticks((start - stretch.from).0), Ticks((end - stretch.from).0), pitch))
        .collect();
    sounding.sort_unstable();
    let mut chords: Vec<ChordSpan> = song
        .chords
        .iter()
        .filter(|span| span.start < end && span.end() > stretch.from)
        .map(|span| ChordSpan { start: Ticks(0) + (span.start - stretch.from), ..*span })
        .collect();
    if chords.is_empty() {
        chords = sonority::chords(&sounding, stretch.meter, stretch.bars);
    }
    chords.dedup_by(|next, last| {
        let same = next.chord == last.chord && next.start == last.end();
        if same {
            last.length = next.end() - last.start;
        }
        same
    });
    let section = |(at, name): &(Ticks, String)| {
        let bar = ((*at - stretch.from).0 / stretch.meter.bar().0) as i32;
        (*at >= stretch.from && *at < end).then(|| (bar + 1, name.clone()))
    };
    let mut starts: Vec<(i32, String)> = song.sections.iter().filter_map(section).collect();
    if starts.first().is_none_or(|(first, _)| *first > 1) {
        starts.insert(0, (1, String::new()));
    }
    starts.dedup_by_key(|(first, _)| *first);
    let ends = starts.iter().skip(1).map(|(first, _)| *first).chain([stretch.bars as i32 + 1]);
    let sections = starts.iter().zip(ends).map(|((first, name), end)| Section {
        label: format!("{name} {first}"),
        first: BarNumber(*first),
        bars: (end - first) as u32,
        energy: 0.5,
        role: None,
    });
    Score {
        meter: stretch.meter,
        key: key(song, stretch.from, &sounding),
        tempo: TempoMap::constant(Bpm(120.0), stretch.meter.beat()),
        lead_in_bars: 0,
        bars: stretch.bars as u32,
        sections: sections.collect(),
        phrases: Vec::new(),
        melody: melody.collect(),
        chords,
        tuning: Vec::new(),
        parts: Vec::new(),
        usual_level_dbfs: None,
    }
}

/// The key that is written, as a major one where its mode is not; else the major key that holds most of what sounds.
fn key(song: &Song, at: Ticks, sounding: &[(Ticks, Ticks, u8)]) -> Key {
    let written = song.keys.iter().rev().find(|key| key.start <= at).or(song.keys.first());
    if let Some(written) = written {
        let found = Key::all()
            .find(|key| key.fifths() == written.fifths && key.mode == written.mode.unwrap_or(Mode::Major));
        if let Some(found) = found {
            return found;
        }
    }
    let mut weights = [0i64; 12];
    for (start, end, pitch) in sounding {
        weights[usize::from(pitch % 12)] += (*end - *start).0;
    }
    let held = |key: &Key| {
        (0..12u8).filter(|p| key.holds(PitchClass(*p))).map(|p| weights[usize::from(p)]).sum::<i64>()
    };
    let major = Key::all().filter(|key| key.mode == Mode::Major);
    major.max_by_key(held).unwrap_or(Key { tonic: PitchClass(0), mode: Mode::Major })
}

/// The strokes of a guitar that would play what an instrument of chords plays.
fn strum(played: &mut Played, notes: &[Note], per_bar: usize, per_beat: usize) {
    let count = played.frames.len();
    let mut begun: Vec<Vec<u8>> = vec![Vec::new(); count];
    for note in notes {
        let index = ((note.start.0 + STEP.0 / 2) / STEP.0) as usize;
        if let Some(begun) = begun.get_mut(index) {
            begun.push(note.pitch.0);
        }
    }
    for step in 0..count {
        let bar = step / per_bar * per_bar;
        let mut around: Vec<u8> = begun[bar..(bar + per_bar).min(count)].concat();
        around.sort_unstable_by(|a, b| b.cmp(a));
        around.dedup();
        begun[step].sort_unstable();
        begun[step].dedup();
        let on_beat = step % per_beat == 0 || per_beat == 4 && step % 2 == 0 && per_bar > 12;
        played.frames[step].choices[GUITAR] = match begun[step].as_slice() {
            [] => stroke::NONE,
            [one] => single(*one, &around),
            [low, high] if *low <= BASS_UP_TO && high - low > 7 => stroke::PINCH,
            [_, _] | [_, _, _] if on_beat => stroke::LIGHT_DOWN,
            [_, _] | [_, _, _] => stroke::LIGHT_UP,
            _ if on_beat => stroke::DOWN,
            _ => stroke::UP,
        };
    }
}

/// The string of a single note among those of its bar, from the highest.
fn single(note: u8, around: &[u8]) -> u8 {
    let above = around.iter().position(|other| *other == note).unwrap_or(0);
    let is_lowest = above + 1 == around.len();
    if is_lowest || note + 12 < around[0] && note <= BASS_UP_TO {
        return stroke::BASS;
    }
    stroke::TOP + above.min(3) as u8
}

/// What makes a step like another: whether a note begins, the chord from the tonic, whether anything is sung.
type Look = (bool, Option<(u8, u16)>, bool);

/// Of every bar, the latest one before it that has the same chords and in which the same is sung; else that of its place.
fn likes(score: &Score, steps: &[Step], played: &Played, per_bar: usize) -> Vec<Option<(usize, bool)>> {
    let look = |bar: usize| -> Vec<Look> {
        let within = &steps[bar * per_bar..(bar + 1) * per_bar];
        let root = score.key.tonic;
        let look = within.iter().enumerate().map(|(index, step)| {
            let at = Ticks(0) + STEP * (bar * per_bar + index) as i64;
            let chord = step.chord.map(|chord| (root_at(score, at).above(root), chord.tones));
            let sung = step.sung.unwrap_or_default();
            (sung.begins, chord, sung.tone.is_some())
        });
        look.collect()
    };
    let is_told = !score.chords.is_empty();
    let looks: Vec<_> = (0..steps.len() / per_bar).map(look).collect();
    (0..looks.len())
        .map(|bar| {
            let earliest = bar.saturating_sub(LIKE_BARS);
            let same = (earliest..bar).rev().find(|other| is_told && looks[*other] == looks[bar]);
            let near = bar_like(score, Hearing::Studio, BarNumber(bar as i32 + 1), BarNumber(1));
            let near = near.map(|(like, _)| (like.0 - 1) as usize);
            // Of a drummer alone only what is played tells what comes back.
            let returns = |like: usize| !is_told && drums_shared(played, (like, bar), per_bar) >= COMES_BACK;
            same.map(|same| (same, true)).or(near.map(|like| (like, returns(like))))
        })
        .collect()
}

/// Strokes of the drums that two bars share, of those that are in either.
fn drums_shared(played: &Played, (one, other): (usize, usize), per_bar: usize) -> f64 {
    let (mut both, mut either) = (0, 0);
    for step in 0..per_bar {
        let (a, b) = (&played.frames[one * per_bar + step], &played.frames[other * per_bar + step]);
        for piece in 0..KIT {
            let (a, b) = (a.choices[piece] == 1, b.choices[piece] == 1);
            both += usize::from(a && b);
            either += usize::from(a || b);
        }
    }
    both as f64 / either.max(1) as f64
}
