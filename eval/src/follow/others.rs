//! Trackers of others: the songs for them as files, and the beats that they leave beside them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use collavoce::audio::{StemFormat, StemWriter, quantise};
use serde_json::json;

use super::case::{Case, Known, Situation};
use super::measure::{Figures, Truth, median, quantile, spread};
use super::sound::RATE;
use super::{Prepared, prepare};

/// What the files of a case begin with.
fn stem(case: &Case) -> String {
    format!("case-{:03}", case.number)
}

/// Writes what the microphone hears in every case, and what is told of the song, into a folder.
pub fn write(cases: &[Case], folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for case in cases {
        let Prepared { performance, samples, .. } = prepare(case)?;
        let wav = folder.join(stem(case)).with_extension("wav");
        let samples: Vec<i32> = samples.iter().copied().map(quantise).collect();
        let mut writer = StemWriter::create(&wav, StemFormat::Wav, RATE, samples.len() as u64, "")?;
        writer.write(&samples, &samples)?;
        writer.finish()?;
        let tune = &performance.tune;
        let notes: Vec<_> =
            tune.notes.iter().map(|note| json!([note.start, note.beats, note.midi])).collect();
        let told = json!({
            "situation": case.situation.name(),
            "counted": case.known == Known::Counted,
            "bpm": case.bpm,
            "beats_per_bar": case.meter.beats_per_bar(),
            "bar_one_s": performance.vocal.timing.seconds_at(0.0),
            "notes": notes,
        });
        let path = folder.join(stem(case)).with_extension("json");
        std::fs::write(&path, told.to_string()).with_context(|| format!("{}", path.display()))?;
    }
    println!("{} songs in {}", cases.len(), folder.display());
    Ok(())
}

/// Compares the beats in a folder with what was sung: `case-000.NAME.beats` holds those of the tracker NAME, a line for
/// each, in seconds.
pub fn compare(cases: &[Case], folder: &Path) -> anyhow::Result<()> {
    let mut found: BTreeMap<String, Vec<(&Case, Figures)>> = BTreeMap::new();
    for case in cases {
        let mut truth: Option<Truth> = None;
        for (name, beats) in beats_of(case, folder)? {
            let truth = match &mut truth {
                Some(truth) => truth,
                none => none.insert(prepare(case)?.truth),
            };
            found.entry(name).or_default().push((case, truth.compare(&beats, &[])));
        }
    }
    ensure!(!found.is_empty(), "no case-000.NAME.beats in {}", folder.display());
    for (name, figures) in &found {
        for (known, title) in
            [(Known::Counted, "tempo, metre and bar 1 known to us"), (Known::Nothing, "nothing known")]
        {
            let of = |situation: Option<Situation>| -> Vec<&Figures> {
                let counts = |case: &Case| {
                    case.known == known && situation.is_none_or(|situation| case.situation == situation)
                };
                figures.iter().filter(|(case, _)| counts(case)).map(|(_, figures)| figures).collect()
            };
            if of(None).is_empty() {
                continue;
            }
            println!("{name}; {title}; errors in ms\n                      cases   F70 |  mean  |e|  95 %");
            for situation in Situation::ALL.map(Some).into_iter().chain([None]) {
                let rows = of(situation);
                if !rows.is_empty() {
                    print_row(situation.map_or("all", Situation::name), &rows);
                }
            }
        }
    }
    Ok(())
}

fn print_row(name: &str, rows: &[&Figures]) {
    let errors: Vec<f64> = rows.iter().flat_map(|figures| figures.errors.iter().copied()).collect();
    let sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    println!(
        "{name:22} {:4} {:.3} | {:5.0} {:4.0} {:5.0}",
        rows.len(),
        spread(&rows.iter().map(|figures| figures.beats_f).collect::<Vec<_>>()).0,
        spread(&errors).0 * 1e3,
        median(&sizes).unwrap_or(0.0) * 1e3,
        quantile(&sizes, 0.95).unwrap_or(0.0) * 1e3,
    );
}

/// The trackers that left beats for a case.
fn beats_of(case: &Case, folder: &Path) -> anyhow::Result<Vec<(String, Vec<f64>)>> {
    let prefix = format!("{}.", stem(case));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(tracker) = name.strip_prefix(&prefix).and_then(|name| name.strip_suffix(".beats")) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let beats: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
        found.push((tracker.to_owned(), beats.with_context(|| format!("{}", path.display()))?));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::case::cases;

    #[test]
    fn the_beats_of_a_tracker_are_found_beside_its_song() {
        let folder = std::env::temp_dir().join(format!("collavoce-others-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let case = cases(2, 1)[1];
        std::fs::write(folder.join("case-001.one.beats"), "0.5\n1.0\n").expect("a file");
        std::fs::write(folder.join("case-000.one.beats"), "7\n").expect("a file");
        assert_eq!(beats_of(&case, &folder).expect("beats"), [("one".to_owned(), vec![0.5, 1.0])]);
        std::fs::write(folder.join("case-001.two.beats"), "soon\n").expect("a file");
        assert!(beats_of(&case, &folder).is_err());
        std::fs::remove_dir_all(&folder).expect("it goes");
    }
}
