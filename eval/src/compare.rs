//! Both composers on sung takes, bar by bar.
//!
//! There are no right chords to compare with: what is counted is how the two go with the melody that was heard, and with
//! each other. Notes lie where the score has them, so that a wrong beat or note counts as it sounds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use collavoce::bounce::analyse;
use collavoce::listen::PitchMethod;
use collavoce::score::{Bar, ChordSpan, ChordSymbol, PitchClass, Score};
use collavoce::song::{Harmonist, Mode, Settings};
use collavoce::time::{TickCount, Ticks};
use collavoce_data::tune::majmin;

/// The composers that are compared, with their names.
const COMPOSERS: [(&str, Harmonist); 2] = [("rules", Harmonist::Rules), ("model", Harmonist::Model)];

/// Sound files by their extensions.
const SOUND: [&str; 5] = ["wav", "flac", "mp3", "ogg", "aiff"];

/// Step in which durations are measured: an eighth of a quarter.
const STEP: TickCount = TickCount(120);

/// What is asked for.
#[derive(Debug, Default)]
pub struct Options {
    /// Vocals, and folders of them.
    pub paths: Vec<PathBuf>,
    /// Whether the band decides while it hears.
    pub is_live: bool,
    /// Whether nothing but the summary is printed.
    pub is_brief: bool,
}

/// Prints a table of bars for each vocal, and a summary.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let mut summary = Vec::new();
    for path in vocals(&options.paths)? {
        let [rules, model] = COMPOSERS.map(|(_, harmonist)| bounced(&path, options, harmonist));
        let pair = Pair { scores: [rules?, model?] };
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !options.is_brief {
            println!("{name}: {}", pair.heading());
            pair.print_bars();
            println!();
        }
        summary.push((name, pair));
    }
    println!(
        "  {:20} {:10} {:5} {:>4} {:>6} | {:5}  {}",
        "",
        "key",
        "metre",
        "bars",
        "agree",
        "",
        Figures::COLUMNS
    );
    for (name, pair) in &summary {
        pair.print_figures(name);
    }
    Ok(())
}

/// The files that are meant, those of a folder in the order of their names.
fn vocals(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut vocals = Vec::new();
    for path in paths {
        if !path.is_dir() {
            vocals.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
        let mut within: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        within.retain(|path| path.extension().is_some_and(|e| SOUND.iter().any(|known| e == *known)));
        within.sort();
        vocals.append(&mut within);
    }
    ensure!(!vocals.is_empty(), "there is no vocal; name sound files or folders with some");
    Ok(vocals)
}

/// The score that a bounce of a vocal has.
fn bounced(path: &Path, options: &Options, harmonist: Harmonist) -> anyhow::Result<Score> {
    let mode = if options.is_live { Mode::Live } else { Mode::Studio };
    // The command line has no outro unless it is asked for one.
    let settings = Settings { mode, harmonist, outro_bars: 0, ..Settings::default() };
    let (_, session) =
        analyse(path, &settings, PitchMethod::Nsdf, &mut |_, _| std::ops::ControlFlow::Continue(()))?;
    Ok(session.score)
}

/// A vocal with the chords of both composers.
struct Pair {
    /// In the order of [`COMPOSERS`]; everything but the chords, and live the bars that were written, is the same.
    scores: [Score; 2],
}

impl Pair {
    fn heading(&self) -> String {
        let score = &self.scores[0];
        format!("{}, {}, {} bars, {} phrases", score.key, score.meter, score.bars, score.phrases.len())
    }

    fn print_bars(&self) {
        let [rules, model] = &self.scores;
        println!("  {:>4} {:36} {:22} {:22} clash", "bar", "sung", COMPOSERS[0].0, COMPOSERS[1].0);
        for bar in rules.all_bars() {
            println!(
                "  {:>4} {:36} {:22} {:22} {}{}",
                bar.number.0,
                sung_in(rules, bar),
                chords_in(rules, bar),
                chords_in(model, bar),
                clashes_in(rules, bar),
                if clashes_in(model, bar) == 0 {
                    String::new()
                } else {
                    format!(" {}", clashes_in(model, bar))
                },
            );
        }
    }

    fn print_figures(&self, name: &str) {
        let score = &self.scores[0];
        for (index, ((composer, _), of)) in COMPOSERS.iter().zip(&self.scores).enumerate() {
            let row = Figures::of(of).row();
            if index == 0 {
                let key = score.key.to_string();
                let meter = score.meter.to_string();
                let agree = self.agreement();
                println!(
                    "  {name:20} {key:10} {meter:5} {:>4} {agree:>6.2} | {composer:5}  {row}",
                    score.bars
                );
            } else {
                println!("  {:20} {:10} {:5} {:>4} {:>6} | {composer:5}  {row}", "", "", "", "", "");
            }
        }
    }

    /// Share of the time in which both have a chord, in which it is the same triad.
    fn agreement(&self) -> f64 {
        let [rules, model] = &self.scores;
        let (mut same, mut all) = (0, 0);
        let mut at = Ticks(0);
        while at < rules.end() {
            if let (Some(one), Some(other)) = (rules.chord_at(at), model.chord_at(at)) {
                all += 1;
                same += usize::from(triad(one) == triad(other));
            }
            at += STEP;
        }
        share(same, all)
    }
}

/// What makes two chords the same one: root and third, or all of it where there is no third.
fn triad(chord: ChordSymbol) -> (PitchClass, Option<bool>) {
    (chord.root, majmin(chord).map(|(_, is_minor)| is_minor))
}

/// How the chords of a score go with its melody.
#[derive(Debug, Default, PartialEq)]
struct Figures {
    /// Strong places at which a note is sung over a chord.
    strong: usize,
    /// Those at which it belongs to the chord.
    tones: usize,
    /// Those at which it does not, and lies a semitone from a note that does.
    clashes: usize,
    /// Ends of phrases.
    ends: usize,
    /// Those on I, V or vi.
    cadences: usize,
    /// Chords, those that stay counted once.
    chords: usize,
    /// Bars with a chord.
    bars: usize,
    /// Bars that are sung like an earlier one: the same pitch on every beat.
    again: usize,
    /// Those with the chords of the first of them.
    alike: usize,
    /// Whether the last chord is the tonic.
    ends_home: bool,
}

impl Figures {
    const COLUMNS: &str = "tones clash cadence chords/bar alike last";

    fn of(score: &Score) -> Self {
        let mut figures = Self::default();
        for bar in score.all_bars() {
            figures.bars += usize::from(spans_in(score, bar).next().is_some());
            for (pitch, chord) in strong(score, bar) {
                figures.strong += 1;
                figures.tones += usize::from(chord.holds(pitch));
                figures.clashes += usize::from(is_clash(pitch, chord));
            }
        }
        for phrase in &score.phrases {
            let Some(chord) = score.chord_at(phrase.end - TickCount(1)) else { continue };
            figures.ends += 1;
            let above = chord.root.above(score.key.tonic);
            figures.cadences += usize::from(matches!(above, 0 | 7) || above == 9 && chord.quality.is_minor());
        }
        let mut sung: Vec<(Beats, Chords)> = Vec::new();
        for bar in score.all_bars() {
            let (beats, chords) = (on_beats(score, bar), places(score, bar));
            match sung.iter().find(|(earlier, _)| *earlier == beats) {
                Some((_, first)) => {
                    figures.again += 1;
                    figures.alike += usize::from(*first == chords);
                }
                None if beats.iter().any(Option::is_some) => sung.push((beats, chords)),
                None => {}
            }
        }
        let mut chords: Vec<ChordSymbol> = score.chords.iter().map(|span| span.chord).collect();
        chords.dedup();
        figures.chords = chords.len();
        figures.ends_home = chords.last().is_some_and(|chord| chord.root == score.key.tonic);
        figures
    }

    fn row(&self) -> String {
        format!(
            "{:>5.2} {:>5.2} {:>7.2} {:>10.2} {:>5} {}",
            share(self.tones, self.strong),
            share(self.clashes, self.strong),
            share(self.cadences, self.ends),
            share(self.chords, self.bars),
            format!("{}/{}", self.alike, self.again),
            if self.ends_home { "I" } else { "other" },
        )
    }
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

/// The pitch on every beat of a bar.
type Beats = Vec<Option<PitchClass>>;
/// The chord at every place of a bar at which one may begin.
type Chords = Vec<Option<ChordSymbol>>;

fn sung_at(score: &Score, at: Ticks) -> Option<PitchClass> {
    let note = score.melody.iter().find(|note| note.start <= at && at < note.end())?;
    Some(note.pitch.pitch_class())
}

fn on_beats(score: &Score, bar: Bar) -> Beats {
    let beats = 0..score.meter.beats_per_bar() as i64;
    beats.map(|beat| sung_at(score, bar.start + score.meter.beat() * beat)).collect()
}

fn strong_places(score: &Score, bar: Bar) -> impl Iterator<Item = Ticks> {
    score.meter.chord_beats().iter().map(move |beat| bar.start + score.meter.beat() * *beat as i64)
}

fn places(score: &Score, bar: Bar) -> Chords {
    strong_places(score, bar).map(|at| score.chord_at(at)).collect()
}

/// What is sung at the strong places of a bar, where a chord may begin, and the chord that sounds there. A note that is
/// held counts, too.
fn strong(score: &Score, bar: Bar) -> impl Iterator<Item = (PitchClass, ChordSymbol)> {
    strong_places(score, bar).filter_map(|at| Some((sung_at(score, at)?, score.chord_at(at)?)))
}

fn is_clash(pitch: PitchClass, chord: ChordSymbol) -> bool {
    !chord.holds(pitch) && chord.pitch_classes().any(|tone| matches!(tone.above(pitch), 1 | 11))
}

fn clashes_in(score: &Score, bar: Bar) -> usize {
    strong(score, bar).filter(|(pitch, chord)| is_clash(*pitch, *chord)).count()
}

fn spans_in(score: &Score, bar: Bar) -> impl Iterator<Item = &ChordSpan> {
    score.chords.iter().filter(move |span| span.start < bar.end && span.end() > bar.start)
}

/// The chords of a bar.
fn chords_in(score: &Score, bar: Bar) -> String {
    let names = spans_in(score, bar).map(|span| span.chord.lead_sheet_in(score.key));
    names.collect::<Vec<_>>().join(" ")
}

/// The notes that begin in a bar, `~` before them for one that is held into it, `/` for the end of a phrase.
fn sung_in(score: &Score, bar: Bar) -> String {
    let mut names = Vec::new();
    for note in score.melody.iter().filter(|note| note.start < bar.end && note.end() > bar.start) {
        let name = score.key.name_of(note.pitch.pitch_class());
        names.push(if note.start < bar.start { format!("~{name}") } else { name });
        if note.end() <= bar.end && score.phrases.iter().any(|phrase| phrase.end == note.end()) {
            names.push("/".to_owned());
        }
    }
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use collavoce::score::{MelodyNote, MidiNote, Phrase};
    use collavoce::time::{Bpm, Meter, TempoMap};

    /// A score in C and 4/4 of notes and chords that last so many beats.
    fn score(notes: &[(u8, i64)], chords: &[(&str, i64)]) -> Score {
        let beat = Meter::FOUR_FOUR.beat();
        let mut at = Ticks(0);
        let melody: Vec<MelodyNote> = notes
            .iter()
            .map(|(pitch, beats)| {
                let (start, length) = (at, beat * *beats);
                at += length;
                MelodyNote {
                    start,
                    length,
                    pitch: MidiNote(*pitch),
                    onset_s: 0.0,
                    offset_s: 0.0,
                    sung_midi: f64::from(*pitch),
                    level_dbfs: -20.0,
                }
            })
            .collect();
        let bars = (at - Ticks(0)) / Meter::FOUR_FOUR.bar();
        let phrase = Phrase { start: Ticks(0), end: at, breath_before: false, level_db: 0.0 };
        let mut at = Ticks(0);
        let chords = chords
            .iter()
            .map(|(name, beats)| {
                let span =
                    ChordSpan { start: at, length: beat * *beats, chord: name.parse().expect("a chord") };
                at = span.end();
                span
            })
            .collect();
        Score {
            meter: Meter::FOUR_FOUR,
            key: "C".parse().expect("a key"),
            tempo: TempoMap::constant(Bpm(120.0), beat),
            lead_in_bars: 0,
            bars: bars as u32,
            sections: Vec::new(),
            phrases: vec![phrase],
            melody,
            chords,
            tuning: Vec::new(),
            parts: Vec::new(),
            usual_level_dbfs: None,
        }
    }

    #[test]
    fn a_held_note_clashes_with_the_chord_that_comes_under_it() {
        // F over C is a semitone above its third; the next bars are sung alike.
        let sung = [(64, 1), (65, 3), (60, 4), (60, 4)];
        let figures = Figures::of(&score(&sung, &[("C", 4), ("F", 4), ("G", 4)]));
        let wanted = Figures {
            strong: 6,
            tones: 3,
            clashes: 3,
            ends: 1,
            cadences: 1,
            chords: 3,
            bars: 3,
            again: 1,
            alike: 0,
            ends_home: false,
        };
        assert_eq!(figures, wanted);
    }

    #[test]
    fn sevenths_are_the_same_triad_and_other_thirds_are_not() {
        let sung = [(60, 4), (60, 4)];
        let pair = |one: &str, other: &str| Pair {
            scores: [score(&sung, &[("C", 4), (one, 4)]), score(&sung, &[("C", 4), (other, 4)])],
        };
        assert_eq!(pair("F", "Fmaj7").agreement(), 1.0);
        assert_eq!(pair("F", "Fm").agreement(), 0.5);
    }
}
