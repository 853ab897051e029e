//! Bars: which beat is the first, and how many make a bar.

use super::beat::Division;
use crate::listen::SungNote;
use crate::time::Meter;

/// Advantage of four beats in a bar where nothing is stated, in standard deviations.
const FOUR_BONUS: f64 = 1.0;
/// Weight of rhythm that comes back after a bar.
const REPEAT_WEIGHT: f64 = 2.5;
/// How near an onset must be to a beat to accent it, as a share of the beat.
const ON_BEAT: f64 = 0.2;

/// What it takes for a beat to be a held one: a pause in which the search counted a beat more than the singer did, in
/// units of accent.
const HELD_COST: f64 = 4.0;
/// Longest run of held beats.
const MOST_HELD: usize = 3;

/// Where the bars are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarPhase {
    /// The metre.
    pub meter: Meter,
    /// Index of the first beat that begins a bar, less than the beats of a bar.
    pub first_downbeat: usize,
    /// Lead over the next best phase or metre, in standard deviations.
    pub lead: f64,
}

impl BarPhase {
    /// Moves the bar lines by some beats.
    pub fn shift(&mut self, beats: i8) {
        let per_bar = self.meter.beats_per_bar() as i64;
        let moved = (self.first_downbeat as i64 + i64::from(beats)).rem_euclid(per_bar);
        self.first_downbeat = moved as usize;
    }
}

/// How strong each beat of a bar is in a metre, first beat first.
fn template(meter: Meter) -> &'static [f64] {
    match (meter.count(), meter.unit()) {
        (4, 4) | (12, 8) => &[1.0, 0.1, 0.5, 0.15],
        (5, 4) => &[1.0, 0.1, 0.2, 0.55, 0.1],
        (3, 4) => &[1.0, 0.15, 0.3],
        _ => &[1.0, 0.3],
    }
}

/// Finds the bars of some beats and takes out of `beats_s` those that only fill a pause between two phrases and would
/// shift the bars after it; a stated metre is kept.
pub fn find_bars(
    beats_s: &mut Vec<f64>,
    notes: &[SungNote],
    phrase_ends: &[usize],
    division: Division,
    stated: Option<Meter>,
) -> BarPhase {
    let bars = steady_bars(beats_s, notes, phrase_ends, division, stated);
    let held = held_beats(beats_s, notes, phrase_ends, bars.meter);
    if held.is_empty() {
        return bars;
    }
    let mut index = 0;
    beats_s.retain(|_| {
        index += 1;
        !held.contains(&(index - 1))
    });
    steady_bars(beats_s, notes, phrase_ends, division, Some(bars.meter))
}

/// The beats that only fill a pause: the cheapest path of places in the bar, in which a beat between two phrases may
/// have none.
fn held_beats(beats_s: &[f64], notes: &[SungNote], phrase_ends: &[usize], meter: Meter) -> Vec<usize> {
    let per_bar = meter.beats_per_bar();
    let accents = accents(beats_s, notes, phrase_ends);
    let n = accents.len();
    let mean = accents.iter().sum::<f64>() / n.max(1) as f64;
    let deviation =
        (accents.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / n.max(1) as f64).sqrt().max(1e-9);
    let template = template(meter);
    let template_mean = template.iter().sum::<f64>() / template.len() as f64;
    let may_be_held: Vec<bool> =
        (0..n).map(|beat| lies_in_pause(beats_s, beat, notes, phrase_ends)).collect();
    // State: place in the bar of the last counted beat, and how many were held since.
    let states = per_bar * (MOST_HELD + 1);
    let mut scores = vec![0.0; states];
    for held in 1..=MOST_HELD {
        scores[held * per_bar..(held + 1) * per_bar].fill(f64::NEG_INFINITY);
    }
    let mut came_from = Vec::with_capacity(n);
    for beat in 0..n {
        let mut next = vec![f64::NEG_INFINITY; states];
        let mut from = vec![0; states];
        for (state, score) in scores.iter().enumerate() {
            let (held, place) = (state / per_bar, state % per_bar);
            if *score == f64::NEG_INFINITY {
                continue;
            }
            let counted = (place + 1) % per_bar;
            let gain =
                (accents[beat] - mean) / deviation * (template[counted % template.len()] - template_mean);
            if score + gain > next[counted] {
                (next[counted], from[counted]) = (score + gain, state);
            }
            let waits = (held + 1) * per_bar + place;
            let cost = if held == 0 { HELD_COST } else { 0.1 };
            if held < MOST_HELD && may_be_held[beat] && score - cost > next[waits] {
                (next[waits], from[waits]) = (score - cost, state);
            }
        }
        scores = next;
        came_from.push(from);
    }
    let mut state = (0..per_bar).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0);
    let mut held = Vec::new();
    for beat in (0..n).rev() {
        if state >= per_bar {
            held.push(beat);
        }
        state = came_from[beat][state];
    }
    held
}

/// Whether a beat lies in the rest between two phrases, with no note beginning on it.
fn lies_in_pause(beats_s: &[f64], beat: usize, notes: &[SungNote], phrase_ends: &[usize]) -> bool {
    let at = beats_s[beat];
    let margin = 0.3 * period_at(beats_s, beat);
    phrase_ends.iter().any(|last| {
        let ends = notes[*last].offset_s;
        notes.get(last + 1).is_some_and(|next| ends - margin < at && at < next.onset_s - margin)
    })
}

/// Finds the bars of some beats, all of which count; a stated metre is kept.
pub fn steady_bars(
    beats_s: &[f64],
    notes: &[SungNote],
    phrase_ends: &[usize],
    division: Division,
    stated: Option<Meter>,
) -> BarPhase {
    let default = match division {
        Division::Ternary => Meter::SIX_EIGHT,
        _ => Meter::FOUR_FOUR,
    };
    let candidates = match (stated, division) {
        (Some(meter), _) => vec![meter],
        (None, Division::Ternary) => vec![Meter::SIX_EIGHT],
        (None, _) => vec![Meter::FOUR_FOUR, Meter::THREE_FOUR],
    };
    let accents = accents(beats_s, notes, phrase_ends);
    let rhythm = rhythm(beats_s, notes);
    let mut ranked: Vec<(f64, Meter, usize)> = Vec::new();
    for meter in candidates {
        let beats = meter.beats_per_bar();
        let bonus = if meter == Meter::FOUR_FOUR { FOUR_BONUS } else { 0.0 };
        let repeat = REPEAT_WEIGHT * repetition(&rhythm, beats);
        for phase in 0..beats {
            ranked.push((fit(&accents, template(meter), phase) + bonus + repeat, meter, phase));
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    match ranked.as_slice() {
        [] => BarPhase { meter: default, first_downbeat: 0, lead: 0.0 },
        [only] => BarPhase { meter: only.1, first_downbeat: only.2, lead: 0.0 },
        [best, next, ..] => BarPhase { meter: best.1, first_downbeat: best.2, lead: best.0 - next.0 },
    }
}

/// How strongly each beat is sung: long notes, beginnings of phrases and their last notes.
fn accents(beats_s: &[f64], notes: &[SungNote], phrase_ends: &[usize]) -> Vec<f64> {
    let mut accents = vec![0.0; beats_s.len()];
    for (index, note) in notes.iter().enumerate() {
        let after = beats_s.partition_point(|b| *b < note.onset_s);
        let Some(near) =
            [after.checked_sub(1), Some(after)].into_iter().flatten().filter(|i| *i < beats_s.len()).min_by(
                |a, b| (beats_s[*a] - note.onset_s).abs().total_cmp(&(beats_s[*b] - note.onset_s).abs()),
            )
        else {
            continue;
        };
        let period = period_at(beats_s, near);
        if (beats_s[near] - note.onset_s).abs() > ON_BEAT * period {
            continue;
        }
        let next = notes.get(index + 1).map_or(note.offset_s, |n| n.onset_s);
        let beats = ((next - note.onset_s) / period).clamp(0.0, 4.0);
        let mut accent = 0.25 + 0.9 * (1.0 + beats).ln();
        if phrase_ends.contains(&index) {
            accent += 0.5;
        }
        if index > 0 && (note.midi - notes[index - 1].midi).abs() > 2.5 {
            accent += 0.12;
        }
        accents[near] += accent;
    }
    accents
}

fn period_at(beats_s: &[f64], index: usize) -> f64 {
    let last = beats_s.len() - 1;
    let (from, to) = (index.saturating_sub(1), (index + 1).min(last));
    if to > from { (beats_s[to] - beats_s[from]) / (to - from) as f64 } else { 0.6 }
}

/// Correlation of accents with a template begun at a phase, as a standard score.
fn fit(accents: &[f64], template: &[f64], phase: usize) -> f64 {
    let n = accents.len();
    if n < template.len() {
        return 0.0;
    }
    let mean = accents.iter().sum::<f64>() / n as f64;
    let variance = accents.iter().map(|a| (a - mean) * (a - mean)).sum::<f64>() / n as f64;
    let template_mean = template.iter().sum::<f64>() / template.len() as f64;
    let template_power =
        template.iter().map(|t| (t - template_mean).powi(2)).sum::<f64>() / template.len() as f64;
    let product: f64 = accents
        .iter()
        .enumerate()
        .map(|(i, a)| (a - mean) * (template[(i + template.len() - phase) % template.len()] - template_mean))
        .sum();
    product / (variance * template_power * n as f64).sqrt().max(1e-9)
}

/// Which quarters of each beat hold an onset, as four bits.
fn rhythm(beats_s: &[f64], notes: &[SungNote]) -> Vec<u8> {
    let mut pattern = vec![0u8; beats_s.len()];
    for note in notes {
        let after = beats_s.partition_point(|b| *b <= note.onset_s);
        let Some(beat) = after.checked_sub(1) else { continue };
        let place = ((note.onset_s - beats_s[beat]) / period_at(beats_s, beat) * 4.0).round() as usize;
        let (beat, place) = if place >= 4 { (beat + 1, 0) } else { (beat, place) };
        if let Some(bits) = pattern.get_mut(beat) {
            *bits |= 1 << place;
        }
    }
    pattern
}

/// How often rhythm comes back after a bar, against chance (0).
fn repetition(rhythm: &[u8], beats: usize) -> f64 {
    if rhythm.len() < 3 * beats {
        return 0.0;
    }
    let alike = |lag: usize| {
        let pairs = rhythm.len() - lag;
        let same = (0..pairs).map(|i| {
            f64::from((rhythm[i] & rhythm[i + lag]).count_ones())
                - 0.5 * f64::from((rhythm[i] ^ rhythm[i + lag]).count_ones())
        });
        same.sum::<f64>() / pairs as f64
    };
    let others = (1..=5).map(alike).sum::<f64>() / 5.0;
    (alike(beats) + alike(2 * beats)) / 2.0 - others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(onset_s: f64, duration_s: f64, midi: f64) -> SungNote {
        SungNote {
            onset_s,
            offset_s: onset_s + duration_s,
            midi,
            level_dbfs: -20.0,
            confidence: 1.0,
            known_s: 0.0,
        }
    }

    #[test]
    fn a_waltz_is_in_three_and_a_pickup_is_no_downbeat() {
        // Pickup of one beat, then half and quarter: the beat is 0.5 s, bars begin at beat 1.
        let mut notes = vec![note(0.0, 0.5, 62.0)];
        for bar in 0..8 {
            let start = 0.5 + f64::from(bar) * 1.5;
            notes.push(note(start, 1.0, 67.0));
            notes.push(note(start + 1.0, 0.5, 64.0));
        }
        let mut beats: Vec<f64> = (0..25).map(|i| f64::from(i) * 0.5).collect();
        let bars = find_bars(&mut beats, &notes, &[notes.len() - 1], Division::Binary, None);
        assert_eq!((bars.meter, bars.first_downbeat), (Meter::THREE_FOUR, 1));
    }

    #[test]
    fn a_beat_too_many_in_a_pause_is_held() {
        let (mut notes, mut beats) = (Vec::new(), Vec::new());
        let mut ends = Vec::new();
        let mut start = 0.0;
        for phrase in 0..4 {
            for bar in 0..4 {
                notes.push(note(start, 1.0, 60.0));
                notes.push(note(start + 1.0, 0.5, 62.0));
                notes.push(note(start + 1.5, if bar == 3 { 0.3 } else { 0.5 }, 64.0));
                beats.extend((0..4).map(|b| start + 0.5 * f64::from(b)));
                start += 2.0;
            }
            ends.push(notes.len() - 1);
            if phrase == 1 {
                beats.push(start);
                start += 0.5;
            }
        }
        let counted = beats.len();
        let bars = find_bars(&mut beats, &notes, &ends, Division::Binary, Some(Meter::FOUR_FOUR));
        assert_eq!((beats.len(), bars.first_downbeat), (counted - 1, 0));
    }

    #[test]
    fn a_stated_metre_is_kept() {
        let mut beats: Vec<f64> = (0..20).map(f64::from).collect();
        let notes: Vec<_> = (0..20).map(|i| note(f64::from(i), 1.0, 60.0)).collect();
        let bars = find_bars(&mut beats, &notes, &[], Division::Binary, Some(Meter::FIVE_FOUR));
        assert_eq!(bars.meter, Meter::FIVE_FOUR);
    }
}
