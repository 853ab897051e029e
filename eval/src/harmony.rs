//! Chords for written melodies against the written chords.

use std::path::Path;

use anyhow::Context as _;
use collavoce::compose::harmony::{HarmonyRequest, harmonise, harmony_notes};
use collavoce::score::{ChordQuality, ChordSpan, ChordSymbol};
use collavoce::song::Style;
use collavoce::time::{TickCount, Ticks};

use collavoce_data::tune::{Tune, majmin};
use collavoce_data::{abc, musicxml};

/// Sums over a set of tunes.
#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    tunes: usize,
    compared: f64,
    agree: f64,
    tonic: f64,
    strong: f64,
    strong_fits: f64,
    phrase_ends: f64,
    cadences: f64,
}

/// Measures both sets and prints a table; every second tune is set apart as validation.
pub fn run(folder: &Path) -> anyhow::Result<()> {
    let text = std::fs::read(folder.join("nottingham/nottingham.abc"))
        .with_context(|| format!("{} does not hold nottingham/nottingham.abc", folder.display()))?;
    let (folk, refused) = abc::read(&String::from_utf8_lossy(&text));
    report("nottingham", &folk, refused.len(), Style::Folk);

    let permitted = musicxml::permitted(&folder.join("openewld_le1930.json"))?;
    let mut sheets = Vec::new();
    let mut refused = 0;
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("openewld"))?.filter_map(Result::ok).map(|e| e.path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if permitted.contains(&name) {
            match musicxml::read(&file) {
                Ok(tune) => sheets.push(tune),
                Err(_) => refused += 1,
            }
        }
    }
    report("lead sheets", &sheets, refused, Style::Jazz);
    Ok(())
}

fn report(name: &str, tunes: &[Tune], refused: usize, style: Style) {
    println!("{name}: {} tunes, {refused} refused", tunes.len());
    println!(
        "  {:12} {:>6} {:>8} {:>8} {:>8} {:>10} {:>9}",
        "split", "tunes", "majmin", "tonic", "gain", "chordtone", "cadence"
    );
    for (split, keep) in [("development", 0), ("validation", 1)] {
        let mut totals = Totals::default();
        for tune in tunes.iter().skip(keep).step_by(2) {
            measure(tune, style, &mut totals);
        }
        let share = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        let (agree, tonic) = (share(totals.agree, totals.compared), share(totals.tonic, totals.compared));
        println!(
            "  {split:12} {:>6} {agree:>8.3} {tonic:>8.3} {:>+8.3} {:>10.3} {:>9.3}",
            totals.tunes,
            agree - tonic,
            share(totals.strong_fits, totals.strong),
            share(totals.cadences, totals.phrase_ends),
        );
    }
    if std::env::var_os("COLLAVOCE_EVAL_SHOW").is_some() {
        for tune in tunes.iter().step_by(37).take(12) {
            show(tune, style);
        }
    }
}

fn harmonised(tune: &Tune, style: Style) -> Vec<ChordSpan> {
    let melody = harmony_notes(tune.melody.iter().copied(), tune.meter.beat());
    harmonise(&HarmonyRequest {
        key: tune.key,
        meter: tune.meter,
        style,
        from: Ticks(0),
        bars: tune.bars,
        melody: &melody,
        phrase_ends: &tune.phrase_ends,
        before: None,
        is_ending: true,
    })
}

fn chord_at(chords: &[ChordSpan], at: Ticks) -> Option<ChordSymbol> {
    let after = chords.partition_point(|s| s.start <= at);
    chords[..after].last().filter(|s| s.end() > at).map(|s| s.chord)
}

fn measure(tune: &Tune, style: Style, totals: &mut Totals) {
    let ours = harmonised(tune, style);
    let tonic = ChordSymbol::new(
        tune.key.tonic,
        if tune.key.mode == collavoce::score::Mode::Minor {
            ChordQuality::Minor
        } else {
            ChordQuality::Major
        },
    );
    totals.tunes += 1;
    let step = 120;
    for index in 0..tune.meter.bar().0 * tune.bars as i64 / step {
        let at = Ticks(index * step);
        let Some(written) = chord_at(&tune.chords, at).and_then(majmin) else { continue };
        totals.compared += 1.0;
        totals.agree += f64::from(u8::from(chord_at(&ours, at).and_then(majmin) == Some(written)));
        totals.tonic += f64::from(u8::from(majmin(tonic) == Some(written)));
    }
    for (start, _, pitch) in &tune.melody {
        let strong = tune
            .meter
            .chord_beats()
            .iter()
            .any(|b| (*start - Ticks(0)) % tune.meter.bar() == tune.meter.beat() * *b as i64);
        if let (true, Some(chord)) = (strong, chord_at(&ours, *start)) {
            totals.strong += 1.0;
            let fits = chord.holds(collavoce::score::MidiNote(*pitch).pitch_class());
            totals.strong_fits += f64::from(u8::from(fits));
        }
    }
    for end in &tune.phrase_ends {
        // A cadence: the phrase ends on the tonic or the dominant (authentic, plagal or half), or deceptively on vi.
        let Some(last) = chord_at(&ours, *end - TickCount(1)) else { continue };
        totals.phrase_ends += 1.0;
        let above = last.root.above(tune.key.tonic);
        totals.cadences +=
            f64::from(u8::from(matches!(above, 0 | 7) || above == 9 && last.quality.is_minor()));
    }
}

fn show(tune: &Tune, style: Style) {
    let ours = harmonised(tune, style);
    let line = |chords: &[ChordSpan]| {
        (0..tune.bars.min(16))
            .map(|bar| {
                let (from, to) = (
                    Ticks(0) + tune.meter.bar() * bar as i64,
                    Ticks(0) + tune.meter.bar() * (bar as i64 + 1),
                );
                let names: Vec<String> = chords
                    .iter()
                    .filter(|s| s.start < to && s.end() > from)
                    .map(|s| s.chord.to_string())
                    .collect();
                format!("{:8}", names.join(" "))
            })
            .collect::<Vec<_>>()
            .join("|")
    };
    println!(
        "{} ({}, {})\n  written {}\n  ours    {}",
        tune.name,
        tune.key,
        tune.meter,
        line(&tune.chords),
        line(&ours)
    );
}
