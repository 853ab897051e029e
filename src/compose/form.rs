//! Form: which bars belong together, and how full the band plays in them.

use crate::score::{BarNumber, MelodyNote, Phrase, Score, Section};
use crate::song::Settings;
use crate::time::{TickCount, Ticks};

/// Longest section in bars before the next phrase begins another one.
const LONGEST_SECTION_BARS: i32 = 8;
/// A rest of so many bars becomes an interlude.
const INTERLUDE_BARS: i64 = 2;
/// Share of alike places from which two sections have one letter.
const ALIKE: f64 = 0.5;

/// Sections from phrases: a new one begins with the phrase after eight bars or a long rest. Sections with a like
/// melody share a letter; rests of two bars and more are interludes. Louder and higher sections have more energy.
pub fn sections(
    score: &Score,
    settings: &Settings,
    first_bar: BarNumber,
    last_bar: BarNumber,
) -> Vec<Section> {
    let bar_of = |at: Ticks| score.bar_at(at).number.0;
    let mut starts: Vec<(i32, bool)> = Vec::new();
    let mut last_end: Option<Ticks> = None;
    for phrase in &score.phrases {
        // A pickup belongs to the bar it leads to.
        let bar = score.bar_at(phrase.start);
        let pickup = (phrase.start - bar.start).0 * 2 >= score.meter.bar().0;
        let first = (bar.number.0 + i32::from(pickup)).max(1);
        let rest = last_end.map_or(TickCount(0), |end| phrase.start - end);
        let full = starts.last().is_none_or(|(start, _)| first - start >= LONGEST_SECTION_BARS);
        if rest.0 >= score.meter.bar().0 * INTERLUDE_BARS {
            // The rest begins with the first bar that nothing is sung in.
            let quiet = last_end.map_or(first, |end| bar_of(end - TickCount(1)) + 1);
            if quiet < first {
                starts.push((quiet, true));
            }
            starts.push((first, false));
        } else if full && starts.last().is_none_or(|(start, _)| first > *start) {
            starts.push((first, false));
        }
        last_end = Some(phrase.end);
    }
    if starts.first().is_none_or(|(start, _)| *start > 1) {
        starts.insert(0, (1, false));
    }
    let sung_end = last_end.map_or(last_bar.0, |end| bar_of(end - TickCount(1)));
    let mut sections = Vec::new();
    if first_bar.0 < 1 && settings.intro_bars > 0 {
        let bars = settings.intro_bars;
        sections.push(section("Intro", 1 - bars as i32, bars, 0.35));
    }
    let mut letters: Vec<(i32, i32, String)> = Vec::new();
    for (index, (start, is_rest)) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(sung_end + 1, |(next, _)| *next);
        if end <= *start {
            continue;
        }
        let energy = energy(score, *start, end);
        let label = if *is_rest {
            "Interlude".to_owned()
        } else {
            let alike = letters.iter().find(|(s, e, _)| similarity(score, (*s, *e), (*start, end)) >= ALIKE);
            let label = match alike {
                Some((_, _, label)) => label.clone(),
                None => {
                    let mut known: Vec<&String> = letters.iter().map(|(_, _, l)| l).collect();
                    known.dedup();
                    let count = known.iter().collect::<std::collections::BTreeSet<_>>().len();
                    char::from(b'A' + (count % 26) as u8).to_string()
                }
            };
            letters.push((*start, end, label.clone()));
            label
        };
        sections.push(section(&label, *start, (end - start) as u32, energy));
    }
    if last_bar.0 > sung_end {
        sections.push(section("Outro", sung_end + 1, (last_bar.0 - sung_end) as u32, 0.35));
    }
    if let Some(energy) = settings.energy {
        for section in &mut sections {
            section.energy = energy;
        }
    }
    if let Some(chart) = &settings.chart {
        name_by_chart(&mut sections, chart);
    }
    sections
}

fn section(label: &str, first: i32, bars: u32, energy: f64) -> Section {
    Section { label: label.to_owned(), first: BarNumber(first), bars, energy }
}

/// Cuts and names sections as a chart does: bar 1 is its first bar, and it starts again at its end.
fn name_by_chart(sections: &mut Vec<Section>, chart: &crate::song::Chart) {
    if chart.sections.is_empty() {
        return;
    }
    let cycle = chart.bars.len() as i32;
    let mut cut = Vec::new();
    for section in sections.iter() {
        for bar in section.first.0..section.first.0 + section.bars as i32 {
            let place = (bar - 1).rem_euclid(cycle) as usize;
            let named = chart.sections.iter().rev().find(|(first, _)| *first <= place);
            let label = match named {
                Some((_, name)) if bar >= 1 && section.label != "Outro" => name.as_str(),
                _ => section.label.as_str(),
            };
            let begins = chart.sections.iter().any(|(first, _)| *first == place) && bar >= 1;
            match cut.last_mut() {
                Some(Section { label: last, bars, .. }) if last == label && !begins => *bars += 1,
                _ => cut.push(Section {
                    label: label.to_owned(),
                    first: BarNumber(bar),
                    bars: 1,
                    energy: section.energy,
                }),
            }
        }
    }
    *sections = cut;
}

/// Energy of some bars from level and height of what is sung there, against the whole song.
fn energy(score: &Score, from: i32, to: i32) -> f64 {
    let (start, end) = (score.bar(BarNumber(from)).start, score.bar(BarNumber(to)).start);
    let within: Vec<&Phrase> = score.phrases.iter().filter(|p| p.start < end && p.end > start).collect();
    let level = within.iter().map(|p| p.level_db).sum::<f64>() / within.len().max(1) as f64;
    let mean_pitch = |notes: &mut dyn Iterator<Item = &MelodyNote>| {
        let (sum, weight) = notes.fold((0.0, 0.0), |(sum, weight), note| {
            let length = note.length.0 as f64;
            (sum + length * f64::from(note.pitch.0), weight + length)
        });
        (weight > 0.0).then(|| sum / weight)
    };
    let here = mean_pitch(&mut score.melody.iter().filter(|n| n.start >= start && n.start < end));
    let all = mean_pitch(&mut score.melody.iter());
    let height = match (here, all) {
        (Some(here), Some(all)) => here - all,
        _ => -2.0,
    };
    // Twentieths, so that a hair of difference in a recording changes nothing.
    ((0.5 + level * 0.05 + height * 0.06).clamp(0.2, 1.0) * 20.0).round() / 20.0
}

/// Share of places at which two runs of bars have the same melody.
fn similarity(score: &Score, a: (i32, i32), b: (i32, i32)) -> f64 {
    let bars = (a.1 - a.0).min(b.1 - b.0).min(4);
    let places = |first: i32| -> Vec<(i64, u8)> {
        let start = score.bar(BarNumber(first)).start;
        let end = score.bar(BarNumber(first + bars)).start;
        score
            .melody
            .iter()
            .filter(|n| n.start >= start && n.start < end)
            .map(|n| ((n.start - start).0 / 480, n.pitch.0 % 12))
            .collect()
    };
    let (left, right) = (places(a.0), places(b.0));
    let same = left.iter().filter(|place| right.contains(place)).count();
    same as f64 / left.len().max(right.len()).max(1) as f64
}

/// Share of a stretch in which the voice sounds, 0 to 1.
pub fn sung_share(score: &Score, from: Ticks, to: Ticks) -> f64 {
    let sung: i64 = score
        .melody
        .iter()
        .filter(|n| n.start < to && n.end() > from)
        .map(|n| (n.end().min(to) - n.start.max(from)).0)
        .sum();
    sung as f64 / (to - from).0.max(1) as f64
}
