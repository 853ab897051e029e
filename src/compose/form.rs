//! Form: which bars belong together, and how full the band plays in them.

use crate::follow::sections::{self, Melody, Objective};
use crate::score::{BarNumber, MelodyNote, Phrase, Score, Section, SectionRole};
use crate::song::{Gesture, Settings};
use crate::time::{TickCount, Ticks};

/// What comes before and after the singing.
const INTRO: &str = "Intro";
const OUTRO: &str = "Outro";

/// Sections of a song: those that are found in the melody, named A, B, .. in the order in which they are first sung;
/// rests between them are interludes. Louder and higher sections have more energy.
pub fn sections(
    score: &Score,
    settings: &Settings,
    first_bar: BarNumber,
    last_bar: BarNumber,
) -> Vec<Section> {
    let sung_end = score.phrases.last().map_or(last_bar.0, |p| score.bar_at(p.end - TickCount(1)).number.0);
    let melody = Melody {
        notes: &score.melody,
        phrases: &score.phrases,
        meter: score.meter,
        first: score.bar(BarNumber(1)).start,
        bars: sung_end.max(0) as usize,
    };
    let mut sections = Vec::new();
    if first_bar.0 < 1 && settings.intro_bars > 0 {
        let bars = settings.intro_bars;
        sections.push(section(INTRO, 1 - bars as i32, bars, 0.35));
    }
    let mut all = sections::find(&melody, &Objective::default());
    // Where only the last note rings on, its section does.
    if let [.., last, rest] = all.as_mut_slice()
        && rest.letter.is_none()
    {
        last.bars += rest.bars;
        all.pop();
    }
    for found in all {
        let first = 1 + found.first as i32;
        let energy = energy(score, first, first + found.bars as i32);
        let label = found.letter.map_or_else(|| "Interlude".to_owned(), letter_name);
        let section = section(&label, first, found.bars as u32, energy);
        sections.push(Section { role: found.role, ..section });
    }
    if last_bar.0 > sung_end {
        sections.push(section(OUTRO, sung_end + 1, (last_bar.0 - sung_end) as u32, 0.35));
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
    Section { label: label.to_owned(), first: BarNumber(first), bars, energy, role: None }
}

/// A to Z, then A2 to Z2 and so on.
pub fn letter_name(letter: usize) -> String {
    let name = char::from(b'A' + (letter % 26) as u8);
    if letter < 26 { name.to_string() } else { format!("{name}{}", letter / 26 + 1) }
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
                Some((_, name)) if bar >= 1 && section.label != OUTRO => name.as_str(),
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
                    role: None,
                }),
            }
        }
    }
    *sections = cut;
}

/// Leaves out what comes after a bar.
pub fn end_with(sections: &mut Vec<Section>, last: BarNumber) {
    sections.retain(|section| section.first <= last);
    if let Some(section) = sections.last_mut() {
        section.bars = section.bars.min((last.0 - section.first.0 + 1).max(1).cast_unsigned());
    }
}

/// Cuts sections where others were called for, which hold until the next call. Bars are in order.
pub fn call(sections: &mut Vec<Section>, calls: &[(BarNumber, Gesture)]) {
    if calls.is_empty() {
        return;
    }
    let mut cut: Vec<Section> = Vec::new();
    let mut last_call: Option<usize> = None;
    for found in sections.iter() {
        for bar in found.first.0..found.first.0 + found.bars as i32 {
            let is_sung = ![INTRO, OUTRO].contains(&found.label.as_str());
            let called = calls.iter().rposition(|(first, _)| is_sung && first.0 <= bar);
            let begins =
                bar == found.first.0 && last_call.is_none_or(|index| calls[index].1 == Gesture::AsSung);
            match cut.last_mut() {
                Some(last) if called == last_call && !begins => last.bars += 1,
                _ => {
                    let gesture = called.map_or(Gesture::AsSung, |index| calls[index].1);
                    cut.push(Section { first: BarNumber(bar), bars: 1, ..called_section(found, gesture) });
                }
            }
            last_call = called;
        }
    }
    *sections = cut;
}

/// A section as it was found, but for what was called for there.
fn called_section(found: &Section, gesture: Gesture) -> Section {
    let (label, role) = match gesture {
        Gesture::Verse => ("Verse", Some(SectionRole::Verse)),
        Gesture::Chorus => ("Chorus", Some(SectionRole::Chorus)),
        Gesture::Break => ("Break", None),
        Gesture::BarOne | Gesture::Tap | Gesture::End | Gesture::AsSung => return found.clone(),
    };
    let energy = gesture.energy().flatten().unwrap_or(found.energy);
    Section { label: label.to_owned(), energy, role, ..found.clone() }
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
