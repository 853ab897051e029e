//! What the band plays to the demonstration song, as text that people can read and compare.
//!
//! Positions are musical (`bar beat:tick`, 960 ticks a quarter) and so are lengths: nothing here depends on samples.
//! After a musical change `cargo xtask golden --bless` writes the snapshots anew, and git shows what changed.

use std::fmt::Write as _;
use std::path::Path;

use collavoce::audio::resample;
use collavoce::engine;
use collavoce::limits::LISTEN_HZ;
use collavoce::listen::PitchMethod;
use collavoce::score::{Articulation, MidiNote, Part, Score, SectionRole};
use collavoce::song::{Mode, Settings};
use collavoce::time::{Hz, Ticks};

#[test]
fn studio_demo() {
    check("demo.studio.txt", Mode::Studio);
}

#[test]
fn live_demo() {
    check("demo.live.txt", Mode::Live);
}

fn check(name: &str, mode: Mode) {
    let sung = collavoce::sing::demo().sing(Hz(48_000)).expect("the demo can be sung");
    let samples = resample(&sung.samples, 1, sung.rate, Hz(LISTEN_HZ)).expect("a rate that can be converted");
    let settings = Settings { mode, ..Settings::default() };
    let session = engine::run(&samples, &settings, PitchMethod::Nsdf, &mut |_| {}).expect("a session");
    let text = describe(&session.score, mode);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("COLLAVOCE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).expect("the snapshot can be written");
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if let Some(difference) = first_difference(&golden, &text) {
        panic!("tests/golden/{name}, {difference}\nto accept it: cargo xtask golden --bless");
    }
}

/// Where two texts differ first, and under which headings.
fn first_difference(golden: &str, text: &str) -> Option<String> {
    let (mut was, mut is) = (golden.lines(), text.lines());
    let mut heading = "";
    for number in 1.. {
        match (was.next(), is.next()) {
            (None, None) => break,
            (was, is) if was == is => {
                heading = was.filter(|line| !line.starts_with(' ') && !line.is_empty()).unwrap_or(heading);
            }
            (was, is) => {
                let show =
                    |line: Option<&str>| line.map_or("(nothing)".to_owned(), |l| l.trim_end().to_owned());
                let counts = (golden.lines().count(), text.lines().count());
                return Some(format!(
                    "line {number} (under \"{heading}\"):\n  was  {}\n  is   {}\n{} lines were, {} are",
                    show(was),
                    show(is),
                    counts.0,
                    counts.1
                ));
            }
        }
    }
    None
}

fn describe(score: &Score, mode: Mode) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(words.trim_end());
        text.push('\n');
    };
    line(format!("mode {mode}"));
    line(format!("key {}", score.key));
    line(format!("metre {}", score.meter));
    line(format!("bars {}, of them lead-in {}", score.bars, score.lead_in_bars));

    line("\nsections".to_owned());
    for section in &score.sections {
        let last = section.first.0 + section.bars as i32 - 1;
        let energy = section.energy;
        let role = section.role.map_or("", SectionRole::name);
        line(format!("  {:10} bars {}..{last}  energy {energy:.2}  {role}", section.label, section.first.0));
    }
    line("\nphrases".to_owned());
    for phrase in &score.phrases {
        let breath = if phrase.breath_before { "  breath before" } else { "" };
        line(format!("  {} to {}{breath}", place(score, phrase.start), place(score, phrase.end)));
    }
    line("\nchords".to_owned());
    for bar in score.all_bars() {
        let spans = score.chords.iter().filter(|s| s.start >= bar.start && s.start < bar.end);
        let chords: Vec<String> =
            spans.map(|s| format!("{} {} ({})", beat(score, s.start), s.chord, s.length.0)).collect();
        line(format!("  {:3}  {}", bar.number.0, chords.join("  ")));
    }
    line("\nmelody".to_owned());
    for note in &score.melody {
        line(format!("  {}  {:4} {:5}", place(score, note.start), spelt(score, note.pitch), note.length.0));
    }
    for part in Part::ALL {
        line(format!("\n{part}"));
        for bar in score.parts.iter().filter(|bar| bar.part == part) {
            line(format!("{part} bar {}, take {}", bar.bar.0, bar.take));
            for note in &bar.notes {
                let (pitch, velocity) = (spelt(score, note.pitch), note.velocity.get());
                let how = articulation(note.articulation);
                let at = place(score, note.start);
                line(format!("  {at}  {pitch:4} v{velocity:<3} {:5}  {how}", note.length.0));
            }
        }
    }
    text
}

fn articulation(articulation: Articulation) -> String {
    match articulation {
        Articulation::Normal => String::new(),
        Articulation::StrumDown { order } => format!("down {order}"),
        Articulation::StrumUp { order } => format!("up {order}"),
        Articulation::Muted => "muted".to_owned(),
        Articulation::Ghost => "ghost".to_owned(),
        Articulation::Sustained => "sustained".to_owned(),
        Articulation::Legato => "legato".to_owned(),
        Articulation::Spiccato => "spiccato".to_owned(),
        Articulation::Pizzicato => "pizzicato".to_owned(),
        Articulation::Tremolo => "tremolo".to_owned(),
        Articulation::Slide => "slide".to_owned(),
        Articulation::HammerOn => "hammer-on".to_owned(),
        Articulation::SulTasto => "sul tasto".to_owned(),
        Articulation::HalfOpen => "half-open".to_owned(),
    }
}

/// A pitch with its octave, in the accidentals of the key.
fn spelt(score: &Score, pitch: MidiNote) -> String {
    let name = pitch.pitch_class().name(score.key.uses_flats());
    format!("{name}{}", i32::from(pitch.0) / 12 - 1)
}

/// Bar, beat and ticks behind the beat.
fn place(score: &Score, at: Ticks) -> String {
    format!("{:3} {}", score.bar_at(at).number.0, beat(score, at))
}

/// Beat and ticks behind the beat.
fn beat(score: &Score, at: Ticks) -> String {
    let mut text = String::new();
    let (inside, beat) = (at - score.bar_at(at).start, score.meter.beat());
    let _ = write!(text, "{}:{:03}", inside / beat + 1, (inside % beat).0);
    text
}

#[test]
fn the_first_difference_is_named() {
    let golden = "key D\n\nguitar\n  1 1:000 D3\n  1 2:000 A3\n";
    assert_eq!(first_difference(golden, golden), None);
    let other = first_difference(golden, &golden.replace("A3", "B3")).expect("a difference");
    assert!(
        other.contains("line 5 (under \"guitar\"):\n  was    1 2:000 A3\n  is     1 2:000 B3"),
        "{other}"
    );
    let shorter = first_difference(golden, "key D\n").expect("a difference");
    assert!(shorter.contains("line 2") && shorter.contains("is   (nothing)"), "{shorter}");
    assert!(first_difference("", golden).is_some(), "a snapshot that is missing passed");
}
