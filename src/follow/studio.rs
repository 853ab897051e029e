//! The whole take at once.

use super::bar::{BarPhase, steady_bars};
use super::beat::{BeatOnset, Division};
use super::grid::median_period;
use super::key::{KeyNote, rank_keys};
use super::phrase::phrases;
use super::rhythm::{self, Beats, Expectation};
use super::steady::{even_out, track_constant};
use super::voice::check_voice;
use super::{FollowError, Take};
use crate::listen::mix::Stroke;
use crate::listen::{HOP_S, Heard, NoteSegmenter, Observation, Onset, SungNote, TuningCurve};
use crate::score::MidiNote;
use crate::song::{Feel, Lead, Mode, SaidOfTake, Settings, Tune};
use crate::time::{Bpm, Meter};

/// Where the second half of a beat begins in swing, as a share of the beat.
const SWING_HALF: f64 = 2.0 / 3.0;

/// Confidence in bars that were given: see [`BarPhase::lead`].
pub const GIVEN_LEAD: f64 = 10.0;

/// How far below the median a note's level may lie, in dB.
const FAINT_DB: f64 = 24.0;
/// A note shorter than this that stands alone is none, in seconds.
const STRAY_S: f64 = 0.25;
/// How near a beat must lie to a tap to be it, as a share of the period.
const NEAR_TAP: f64 = 0.3;
/// Silence on both sides of a note that stands alone, in seconds.
const ALONE_S: f64 = 1.0;

/// Finds notes, tuning, beats, bars, key and phrases of a whole take, beside which some strokes were heard.
pub fn follow_take(
    heard: &[Observation],
    strokes: &[Stroke],
    latency_s: f64,
    settings: &Settings,
) -> Result<Take, FollowError> {
    let duration_s = heard.len() as f64 * HOP_S;
    let (mut notes, onsets) = segment(heard, latency_s);
    drop_strays(&mut notes);
    check_voice(&notes, heard)?;
    let tuning = match settings.tune {
        Tune::Singer => TuningCurve::of(&notes),
        Tune::Cents(cents) => TuningCurve::fixed(cents),
    };
    let evidence = beat_onsets(&notes);
    let said = SaidOfTake::of(&settings.anchors);
    let found = find_beats(&evidence, strokes, &with_tapped(settings, &said), duration_s)
        .filter(|found| found.beats_s.len() >= 2);
    let Some(Beats { mut beats_s, mut bars }) = found else {
        return Err(FollowError::NoBeat { notes: notes.len() });
    };
    let phrases = phrases(&notes, heard, median_period(&beats_s));
    if settings.lead == Lead::Grid {
        // A constant tempo waits for nobody, so that the bars of the free one do not fit it.
        let ends: Vec<usize> = phrases.iter().map(|p| p.end - 1).collect();
        let division = division(bars.meter, settings.feel);
        bars = steady_bars(&beats_s, &notes, &ends, division, settings.meter);
    }
    if settings.lead == Lead::Voice {
        lay_on_taps(&mut beats_s, &said.beats_s);
    }
    let stated_s = settings.first_bar_s().filter(|_| settings.lead != Lead::Host);
    // Of all bar lines that were said the last holds: it may correct those before it.
    if let Some(at_s) = said.bar_lines_s.last().copied().or(stated_s) {
        bars.begin_at(at_s, &beats_s);
    }
    let division = division(bars.meter, settings.feel);
    bars.shift(settings.repairs.bar_shift);
    if settings.lead == Lead::Voice {
        even_out(&mut beats_s, settings.rubato);
    }
    let keys = rank_keys(&key_notes(&notes, &tuning));
    Ok(Take {
        duration_s,
        notes,
        onsets,
        tuning,
        beats_s,
        bars,
        division,
        keys,
        phrases,
        strokes: strokes.to_vec(),
        mix: None,
        observations: Vec::new(),
        shift_s: 0.0,
    })
}

/// The settings with the tempo that was tapped: it goes before a stated one, unless that is exact.
fn with_tapped(settings: &Settings, said: &SaidOfTake) -> Settings {
    let tapped = said.period_s.filter(|_| settings.lead != Lead::Grid).map(|period_s| Bpm(60.0 / period_s));
    let bar_one_s = match (settings.lead, tapped) {
        (Lead::Host, Some(_)) => said.bar_lines_s.first().copied(),
        _ => settings.bar_one_s,
    };
    Settings { bpm: tapped.or(settings.bpm), bar_one_s, ..settings.clone() }
}

/// Moves the beats that lie nearest to taps onto them.
fn lay_on_taps(beats_s: &mut [f64], taps_s: &[f64]) {
    let most_s = NEAR_TAP * median_period(beats_s);
    for tap_s in taps_s {
        let near = |beat: &usize| (beats_s[*beat] - tap_s).abs();
        let Some(beat) = (0..beats_s.len()).min_by(|a, b| near(a).total_cmp(&near(b))) else { return };
        let is_between = beat.checked_sub(1).is_none_or(|before| beats_s[before] < *tap_s)
            && beats_s.get(beat + 1).is_none_or(|after| *after > *tap_s);
        if (beats_s[beat] - tap_s).abs() < most_s && is_between {
            beats_s[beat] = *tap_s;
        }
    }
}

/// Sung notes as they are written in a tuning.
pub fn key_notes(notes: &[SungNote], tuning: &TuningCurve) -> Vec<KeyNote> {
    let written = |note: &SungNote| KeyNote {
        pitch: MidiNote::nearest(note.midi - tuning.cents_at(note.onset_s) / 100.0),
        onset_s: note.onset_s,
        offset_s: note.offset_s,
    };
    notes.iter().map(written).collect()
}

/// The notes and onsets of a take.
pub fn segment(heard: &[Observation], latency_s: f64) -> (Vec<SungNote>, Vec<Onset>) {
    let (mut notes, mut onsets) = (Vec::new(), Vec::new());
    let mut segmenter = NoteSegmenter::new(latency_s);
    let mut keep = |heard| match heard {
        Heard::Onset(onset) => onsets.push(onset),
        Heard::Note(note) => notes.push(note),
    };
    for observation in heard {
        segmenter.process(observation, &mut keep);
    }
    segmenter.finish(heard.len() as f64 * HOP_S, &mut keep);
    (notes, onsets)
}

/// Drops notes that are far quieter than the singing, and short ones that stand alone: hum, bleed, a chair.
fn drop_strays(notes: &mut Vec<SungNote>) {
    let mut levels: Vec<f64> = notes.iter().map(|n| n.level_dbfs).collect();
    levels.sort_by(f64::total_cmp);
    let Some(median) = levels.get(levels.len() / 2).copied() else { return };
    notes.retain(|n| n.level_dbfs > median - FAINT_DB);
    let sung = notes.clone();
    let mut index = 0;
    notes.retain(|note| {
        let gap_before = index == 0 || note.onset_s - sung[index - 1].offset_s > ALONE_S;
        let gap_after = sung.get(index + 1).is_none_or(|next| next.onset_s - note.offset_s > ALONE_S);
        index += 1;
        !(gap_before && gap_after && note.duration_s() < STRAY_S)
    });
}

/// Notes as evidence for beats.
pub fn beat_onsets(notes: &[SungNote]) -> Vec<BeatOnset> {
    (0..notes.len())
        .map(|i| BeatOnset {
            time_s: notes[i].onset_s,
            interval_s: notes
                .get(i + 1)
                .map_or(notes[i].duration_s(), |next| next.onset_s - notes[i].onset_s),
            sung_s: notes[i].duration_s(),
            weight: notes[i].confidence.clamp(0.2, 1.0),
            midi: Some(notes[i].midi),
        })
        .collect()
}

/// What is known of rhythm under some settings.
pub fn expectation(settings: &Settings) -> Expectation {
    let half = if settings.feel == Feel::Swing { SWING_HALF } else { 0.5 };
    let open = Expectation::default();
    let period_s = settings.bpm.map(|bpm| bpm.beat_period_s());
    let bar_line_s = settings.first_bar_s().filter(|_| period_s.is_some());
    let meters = match settings.meter {
        Some(meter) => vec![(meter, 1.0)],
        None if bar_line_s.is_some() => vec![(settings.given_meter(), 1.0)],
        // Swing divides beats into three as it is.
        None if settings.feel == Feel::Swing => {
            open.meters.iter().copied().filter(|(meter, _)| !meter.is_compound()).collect()
        }
        None => open.meters,
    };
    Expectation { meters, period_s, bar_line_s, half, learns_manner: settings.mode == Mode::Live }
}

/// How beats divide in a metre.
pub fn division(meter: Meter, feel: Feel) -> Division {
    match feel {
        _ if meter.is_compound() => Division::Ternary,
        Feel::Swing => Division::Swing,
        _ => Division::Binary,
    }
}

/// Beats, bars and division; none where no onset is heard.
fn find_beats(
    onsets: &[BeatOnset],
    strokes: &[Stroke],
    settings: &Settings,
    duration_s: f64,
) -> Option<Beats> {
    let expected = expectation(settings);
    let mut path = rhythm::track(onsets, strokes, expected.clone())?;
    let level = settings.repairs.beat_level;
    if level != 0 {
        // Twice or half as fast as it was found, whatever was stated.
        let found_s = median_period(&path.beats(duration_s).beats_s);
        let period_s = Some(found_s * 0.5f64.powi(i32::from(level)));
        path = rhythm::track(onsets, strokes, Expectation { period_s, ..expected })?;
    }
    let free = path.beats(duration_s);
    match settings.lead {
        Lead::Voice => Some(free),
        Lead::Host => {
            let period_s =
                settings.bpm.map_or_else(|| median_period(&free.beats_s), |bpm| bpm.beat_period_s());
            let line_s = settings.bar_one_s.unwrap_or(0.0);
            let before = (line_s / period_s).floor();
            let beats_s = (0..(duration_s / period_s).ceil() as usize + 2)
                .map(|beat| line_s + (beat as f64 - before) * period_s)
                .collect();
            let meter = settings.given_meter();
            let first_downbeat = (before as i64).rem_euclid(meter.beats_per_bar() as i64) as usize;
            let bars = BarPhase { meter, first_downbeat, lead: GIVEN_LEAD };
            Some(Beats { beats_s, bars })
        }
        Lead::Grid => {
            let stated_s = settings.bpm.map(|bpm| bpm.beat_period_s() * 0.5f64.powi(i32::from(level)));
            let division = division(path.meter, settings.feel);
            let near_s = stated_s.unwrap_or_else(|| median_period(&free.beats_s));
            let (period_s, offset_s) = track_constant(onsets, division, near_s, stated_s.is_some())?;
            let first = onsets.first().map_or(0.0, |o| o.time_s);
            let last = onsets.last().map_or(0.0, |o| o.time_s + o.interval_s);
            let start = offset_s + ((first - offset_s) / period_s).floor() * period_s;
            let count = ((last - start) / period_s).ceil() as usize + 2;
            let beats_s = (0..count).map(|i| start + i as f64 * period_s).collect();
            Some(Beats { beats_s, bars: free.bars })
        }
    }
}

/// Smallest written step of a metre and division, as a share of the beat.
pub fn steps_per_beat(meter: Meter, division: Division) -> i64 {
    match division {
        _ if meter.is_compound() => 6,
        Division::Swing | Division::Ternary => 3,
        Division::Binary if meter == Meter::TWO_TWO => 8,
        Division::Binary => 4,
    }
}
