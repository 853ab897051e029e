//! Phrases from the gaps between sung notes.

use crate::listen::{HOP_S, Observation, SungNote};

/// A gap that ends a phrase whatever the tempo, in seconds.
const SURE_GAP_S: f64 = 0.9;
/// A gap that may end a phrase, in seconds.
const SHORTEST_GAP_S: f64 = 0.22;
/// The same as a share of the beat.
const GAP_BEATS: f64 = 0.45;
/// A phrase shorter than this does not end at a gap that is not sure, in beats.
const SHORTEST_PHRASE_BEATS: f64 = 3.0;
/// Rise of the level in a gap over its floor that is taken for a breath, in dB.
const BREATH_RISE_DB: f32 = 6.0;
/// Shortest breath in hops.
const BREATH_HOPS: usize = 8;

/// A phrase in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SungPhrase {
    /// Index of its first note.
    pub first: usize,
    /// Index after its last note.
    pub end: usize,
    /// Beginning of its first note in seconds.
    pub start_s: f64,
    /// End of its last note in seconds.
    pub end_s: f64,
    /// Whether a breath is heard in the gap before it.
    pub breath_before: bool,
    /// Mean level of its notes in dB relative to full scale.
    pub level_dbfs: f64,
}

/// Cuts notes into phrases; `beat_s` is a typical beat period in seconds.
pub fn phrases(notes: &[SungNote], heard: &[Observation], beat_s: f64) -> Vec<SungPhrase> {
    let mut found = Vec::new();
    let mut first = 0;
    for index in 0..notes.len() {
        let ends = match notes.get(index + 1) {
            None => true,
            Some(next) => {
                let gap_s = next.onset_s - notes[index].offset_s;
                let long_enough =
                    notes[index].offset_s - notes[first].onset_s >= SHORTEST_PHRASE_BEATS * beat_s;
                let breath = has_breath(heard, notes[index].offset_s, next.onset_s);
                let threshold_s = SHORTEST_GAP_S.max(GAP_BEATS * beat_s * if breath { 0.7 } else { 1.0 });
                gap_s >= SURE_GAP_S.max(1.2 * beat_s) || (gap_s >= threshold_s && long_enough)
            }
        };
        if ends {
            let run = &notes[first..=index];
            let weight: f64 = run.iter().map(SungNote::duration_s).sum();
            let level = run.iter().map(|n| n.level_dbfs * n.duration_s()).sum::<f64>() / weight.max(1e-9);
            let gap_start = first.checked_sub(1).map_or(0.0, |before| notes[before].offset_s);
            found.push(SungPhrase {
                first,
                end: index + 1,
                start_s: run[0].onset_s,
                end_s: notes[index].offset_s,
                breath_before: has_breath(heard, gap_start, run[0].onset_s),
                level_dbfs: level,
            });
            first = index + 1;
        }
    }
    found
}

/// Whether an unvoiced sound rises over the floor between two times.
fn has_breath(heard: &[Observation], from_s: f64, to_s: f64) -> bool {
    let index = |s: f64| ((s / HOP_S).round() as usize).min(heard.len());
    // The last half second is where a singer breathes in; consonants right at the note are no breath.
    let (from, to) = (index(from_s.max(to_s - 0.8)), index(to_s - 0.05));
    if to <= from + BREATH_HOPS {
        return false;
    }
    let gap = &heard[from..to];
    let floor = gap.iter().map(|o| o.level_dbfs).fold(f32::INFINITY, f32::min);
    let breathy =
        gap.iter().filter(|o| !o.voiced && o.level_dbfs > floor + BREATH_RISE_DB && o.level_dbfs > -75.0);
    breathy.count() >= BREATH_HOPS
}
