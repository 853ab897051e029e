//! Bars: which beat is the first, and how many make a bar.

use super::beat::Division;
use super::grid::median_period;
use crate::listen::SungNote;
use crate::time::Meter;

/// Advantage of four beats in a bar where nothing is stated, in standard deviations.
const FOUR_BONUS: f64 = 1.0;
/// Weight of rhythm that comes back after a bar.
const REPEAT_WEIGHT: f64 = 2.5;
/// How near an onset must be to a beat to accent it, as a share of the beat.
const ON_BEAT: f64 = 0.2;

/// Where the bars are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarPhase {
    /// The metre.
    pub meter: Meter,
    /// Index of the first beat that begins a bar, less than the beats of a bar.
    pub first_downbeat: usize,
    /// Lead over the next best phase or metre, in standard deviations; what comes of a probability p of being right is
    /// its -ln(1 - p).
    pub lead: f64,
}

impl BarPhase {
    /// Puts a bar line on the beat that lies nearest to a moment, before or after the listed ones too.
    pub fn begin_at(&mut self, at_s: f64, beats_s: &[f64]) {
        let after = beats_s.partition_point(|beat| *beat < at_s);
        let beat = match (after.checked_sub(1).and_then(|before| beats_s.get(before)), beats_s.get(after)) {
            (Some(before), Some(next)) => after as i64 - i64::from(at_s - before < next - at_s),
            (Some(last), None) => {
                let beats = (at_s - last) / median_period(beats_s);
                beats_s.len() as i64 - 1 + beats.round() as i64
            }
            (None, Some(first)) => -((first - at_s) / median_period(beats_s)).round() as i64,
            (None, None) => return,
        };
        self.first_downbeat = beat.rem_euclid(self.meter.beats_per_bar() as i64) as usize;
    }

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

/// Finds the bars of constant beats; a stated metre is kept.
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
        let beats: Vec<f64> = (0..25).map(|i| f64::from(i) * 0.5).collect();
        let bars = steady_bars(&beats, &notes, &[notes.len() - 1], Division::Binary, None);
        assert_eq!((bars.meter, bars.first_downbeat), (Meter::THREE_FOUR, 1));
    }

    #[test]
    fn a_stated_metre_is_kept() {
        let beats: Vec<f64> = (0..20).map(f64::from).collect();
        let notes: Vec<_> = (0..20).map(|i| note(f64::from(i), 1.0, 60.0)).collect();
        let bars = steady_bars(&beats, &notes, &[], Division::Binary, Some(Meter::FIVE_FOUR));
        assert_eq!(bars.meter, Meter::FIVE_FOUR);
    }
}
