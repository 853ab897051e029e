//! A song that is there already: read back, written anew under other settings, replaced in part.

use std::collections::HashMap;

use super::studio::compose_take;
use super::{BeatReport, EngineError, Session, State};
use crate::compose::{PlanRequest, composer_for, form};
use crate::follow::Take;
use crate::follow::bar::BarPhase;
use crate::follow::beat::Division;
use crate::follow::grid::median_period;
use crate::follow::key::{KeyGuess, KeyNote, rank_keys};
use crate::follow::phrase::SungPhrase;
use crate::listen::{PitchMethod, SungNote, TuningCurve};
use crate::score::{Bar, BarNumber, ChordSpan, MelodyNote, Phrase, Score, Section, TuningPoint};
use crate::song::{Mode, Settings, Song};
use crate::time::{TempoMap, TickCount, Ticks};

/// Bars whose lines lie within this of each other are the same bar, in seconds.
const SAME_BAR_S: f64 = 0.04;

/// The session that a song was, as far as the song knows it: without observations, so without the curve of the pitch.
pub fn restored(song: &Song) -> Session {
    let score = &song.score;
    let take = take_of(song);
    let per_bar = score.meter.beats_per_bar();
    let first = take.bars.first_downbeat;
    let beats = take.beats_s.iter().enumerate().map(|(index, time_s)| BeatReport {
        time_s: *time_s,
        beat: (index + per_bar - first) % per_bar + 1,
        known_s: take.duration_s,
        confidence: 1.0,
        state: State::Playing,
        sung_s: None,
    });
    Session {
        beats: beats.collect(),
        score: score.clone(),
        pad_s: song.heard.pad_s,
        composer: "rules",
        other_takes: song.other_takes.clone(),
        latency_s: 0.0,
        played: None,
        take,
    }
}

fn take_of(song: &Song) -> Take {
    let score = &song.score;
    let notes: Vec<SungNote> = score
        .melody
        .iter()
        .map(|note| SungNote {
            onset_s: note.onset_s,
            offset_s: note.offset_s,
            midi: note.sung_midi,
            level_dbfs: note.level_dbfs,
            confidence: 1.0,
            known_s: note.offset_s,
        })
        .collect();
    let written: Vec<KeyNote> = score
        .melody
        .iter()
        .map(|note| KeyNote { pitch: note.pitch, onset_s: note.onset_s, offset_s: note.offset_s })
        .collect();
    let total_s: f64 = notes.iter().map(SungNote::duration_s).sum();
    let usual_dbfs = notes.iter().map(|n| n.level_dbfs * n.duration_s()).sum::<f64>() / total_s.max(1e-9);
    let phrases = score.phrases.iter().filter_map(|phrase| {
        let first = score.melody.partition_point(|note| note.start < phrase.start);
        let end = score.melody.partition_point(|note| note.start < phrase.end);
        Some(SungPhrase {
            first,
            end,
            start_s: notes.get(first)?.onset_s,
            end_s: notes.get(end.checked_sub(1)?)?.offset_s,
            breath_before: phrase.breath_before,
            level_dbfs: usual_dbfs + phrase.level_db,
        })
    });
    let beats_s = beats_of(song);
    // Bar 1 begins with a beat that was heard; before it the map may be stretched.
    let bar_one_s = score.tempo.seconds_at(score.bar(BarNumber(1)).start);
    let distance = |beat: usize| (beats_s[beat] - bar_one_s).abs();
    let downbeat = (0..beats_s.len()).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap_or(0);
    let mut keys = rank_keys(&written);
    for (place, (key, probability)) in song.heard.keys.iter().enumerate() {
        keys.retain(|guess| guess.key != *key);
        keys.insert(place.min(keys.len()), KeyGuess { key: *key, probability: *probability });
    }
    Take {
        duration_s: song.heard.duration_s,
        phrases: phrases.collect(),
        onsets: Vec::new(),
        tuning: TuningCurve::through(
            score.tuning.iter().map(|p| (score.tempo.seconds_at(p.at), p.cents)).collect(),
        ),
        beats_s,
        bars: BarPhase {
            meter: score.meter,
            first_downbeat: downbeat % score.meter.beats_per_bar(),
            lead: 1.0,
        },
        division: if score.meter.is_compound() { Division::Ternary } else { Division::Binary },
        keys,
        strokes: Vec::new(),
        mix: song.heard.mix.clone(),
        observations: Vec::new(),
        shift_s: song.heard.pad_s,
        notes,
    }
}

/// The beats of a song: those it says it has heard, or else those of its tempo map.
fn beats_of(song: &Song) -> Vec<f64> {
    if song.heard.beats_s.len() >= 2 {
        return song.heard.beats_s.clone();
    }
    let (score, beat) = (&song.score, song.score.meter.beat());
    (0..(score.end() - Ticks(0)) / beat).map(|n| score.tempo.seconds_at(Ticks(0) + beat * n)).collect()
}

/// Writes a song anew under other settings, from its melody and beats. What is not stated in them and was repaired
/// before is repaired from where it is.
pub fn recompose(song: &Song, settings: &Settings) -> Result<Session, EngineError> {
    let mut take = take_of(song);
    let (before, now) = (song.settings.repairs, settings.repairs);
    let level = now.beat_level - before.beat_level;
    if level != 0 {
        let downbeat = take.beats_s.get(take.bars.first_downbeat).copied();
        take.beats_s = super::causal::at_level(&take.beats_s, level);
        let near = |at: f64| take.beats_s.iter().position(|beat| (beat - at).abs() < 1e-6);
        take.bars.first_downbeat = downbeat.and_then(near).unwrap_or(0) % take.bars.meter.beats_per_bar();
    }
    if let Some(meter) = settings.meter.filter(|meter| *meter != take.bars.meter) {
        take.bars.meter = meter;
        take.bars.first_downbeat %= meter.beats_per_bar();
    }
    take.bars.shift(now.bar_shift - before.bar_shift);
    if take.notes.is_empty() || take.beats_s.len() < 2 {
        return Err(EngineError::Follow(crate::follow::FollowError::NoBeat { notes: take.notes.len() }));
    }
    // The take lies where the silence before it has put it already.
    let settings = Settings { intro_bars: 0, ..settings.clone() };
    compose_take(take, &settings, 0.0)
}

/// Runs a recording of which a stretch (in seconds) was sung anew since an earlier session. What lies outside of it
/// stays as it was: beats, sections, chords, notes.
///
/// Whoever sings a stretch anew sings to the band that is there, so its beats stand around it, and within it too unless
/// as many are found in the new singing.
pub fn run_again(
    samples: &[f32],
    settings: &Settings,
    pitch: PitchMethod,
    earlier: &Session,
    (from_s, to_s): (f64, f64),
    progress: &mut dyn FnMut(f64),
) -> Result<Session, EngineError> {
    let mut session = super::run(samples, settings, pitch, progress)?;
    let per_bar = earlier.take.bars.meter.beats_per_bar();
    let is_same_meter = earlier.take.bars.meter == session.take.bars.meter;
    if settings.mode == Mode::Studio && is_same_meter {
        let old_s: Vec<f64> = earlier.take.beats_s.iter().map(|beat_s| beat_s - earlier.pad_s).collect();
        let new_s: Vec<f64> = session.take.beats_s.iter().map(|beat_s| beat_s - session.pad_s).collect();
        if let Some((beats_s, added_before)) = splice_beats(&old_s, &new_s, from_s, to_s) {
            let mut take = session.take;
            take.shift(-session.pad_s);
            take.beats_s = beats_s;
            take.bars = earlier.take.bars;
            let first = earlier.take.bars.first_downbeat as i64 + added_before;
            take.bars.first_downbeat = first.rem_euclid(per_bar as i64) as usize;
            session = compose_take(take, settings, session.latency_s)?;
        }
    }
    let shift_s = earlier.pad_s;
    keep_outside(earlier, &mut session, settings, from_s + shift_s, to_s + shift_s);
    Ok(session)
}

/// The beats of an earlier take outside of a stretch, with new ones in it, and how many more than before lie before the
/// first that stays. None where less of the earlier take is left than is new, so that the new one counts.
fn splice_beats(old_s: &[f64], new_s: &[f64], from_s: f64, to_s: f64) -> Option<(Vec<f64>, i64)> {
    let period_s = median_period(old_s);
    let before = old_s.partition_point(|beat| *beat < from_s);
    let after = old_s.partition_point(|beat| *beat <= to_s);
    let kept_s = (before + old_s.len() - after) as f64 * period_s;
    if old_s.len() < 2 || kept_s < to_s - from_s {
        return None;
    }
    let lower_s = before.checked_sub(1).map_or(f64::NEG_INFINITY, |last| old_s[last] + 0.5 * period_s);
    let upper_s = old_s.get(after).map_or(f64::INFINITY, |first| first - 0.5 * period_s);
    let within: Vec<f64> = new_s.iter().copied().filter(|beat| (lower_s..upper_s).contains(beat)).collect();
    let is_inner = before > 0 && after < old_s.len();
    let middle = if is_inner && within.len() != after - before { &old_s[before..after] } else { &within };
    let beats_s = [&old_s[..before], middle, &old_s[after..]].concat();
    let added_before = if before == 0 { middle.len() as i64 - after as i64 } else { 0 };
    Some((beats_s, added_before))
}

/// Puts the bars of an earlier session into a new one wherever they lie outside of a stretch of time (in seconds) and
/// both have the same bar lines: their beats, their singing, their sections, their chords, their notes. The bars
/// between them are written anew under the sections that come of it.
fn keep_outside(earlier: &Session, session: &mut Session, settings: &Settings, from_s: f64, to_s: f64) {
    let old_score = &earlier.score;
    let score = &mut session.score;
    if old_score.meter != score.meter {
        return;
    }
    let mut kept = Vec::new();
    for bar in score.all_bars() {
        let (start_s, end_s) = (score.tempo.seconds_at(bar.start), score.tempo.seconds_at(bar.end));
        let is_outside = end_s <= from_s || start_s >= to_s;
        let old = old_score.bar(bar.number);
        let agrees = |new_s: f64, at: Ticks| (old_score.tempo.seconds_at(at) - new_s).abs() < SAME_BAR_S;
        let exists = old_score.all_bars().any(|b| b.number == bar.number);
        if is_outside && exists && agrees(start_s, old.start) && agrees(end_s, old.end) {
            kept.push(bar);
        }
    }
    let shift = score.bar(BarNumber(1)).start - old_score.bar(BarNumber(1)).start;
    if shift.0 == 0 {
        keep_beats(old_score, score, &kept);
    }
    keep_singing(old_score, score, &kept, shift);
    score.sections = keep_sections(old_score, score, &kept);
    write_between(session, settings);
    let score = &mut session.score;
    for bar in &kept {
        let old = old_score.bar(bar.number);
        score.parts.retain(|part| part.bar != bar.number);
        let parts = old_score.parts.iter().filter(|part| part.bar == bar.number);
        score.parts.extend(parts.cloned().map(|mut part| {
            for note in &mut part.notes {
                note.start += shift;
            }
            part
        }));
        let mut chords = Vec::new();
        for span in &score.chords {
            // What reaches into the bar is cut.
            if span.start < bar.start {
                let length = (span.end().min(bar.start)) - span.start;
                chords.push(ChordSpan { length, ..*span });
            }
            if span.end() > bar.end {
                let start = span.start.max(bar.end);
                chords.push(ChordSpan { start, length: span.end() - start, ..*span });
            }
        }
        for span in old_score.chords.iter().filter(|span| span.start < old.end && span.end() > old.start) {
            let (start, end) = (span.start.max(old.start), span.end().min(old.end));
            chords.push(ChordSpan { start: start + shift, length: end - start, ..*span });
        }
        chords.sort_by_key(|span| span.start);
        score.chords = chords;
    }
    score.parts.sort_by_key(|part| (part.part, part.bar));
}

/// Writes chords and parts of a session anew, from its melody and its sections.
fn write_between(session: &mut Session, settings: &Settings) {
    let score = &session.score;
    let Some(first) = score.sections.first().map(|section| section.first) else { return };
    let bars = score.sections.iter().map(|section| section.bars).sum();
    let mut composer = composer_for(settings);
    let plan = composer.plan(&PlanRequest {
        score,
        settings,
        first,
        bars,
        heard_until: score.end(),
        is_ending: true,
    });
    session.score = Score { chords: plan.chords, parts: plan.parts, ..score.clone() };
    session.other_takes = plan.other_takes;
}

/// Takes over where the beats of kept bars lie.
fn keep_beats(earlier: &Score, score: &mut Score, kept: &[Bar]) {
    let is_kept = |at: Ticks| kept.iter().any(|bar| bar.start <= at && at <= bar.end);
    let mut anchors: Vec<(Ticks, f64)> =
        score.tempo.anchors().iter().filter(|(at, _)| !is_kept(*at)).copied().collect();
    anchors.extend(earlier.tempo.anchors().iter().filter(|(at, _)| is_kept(*at)));
    anchors.sort_by_key(|(at, _)| *at);
    // Where old and new beats cross, the new ones stand.
    if let Ok(tempo) = TempoMap::new(anchors) {
        score.tempo = tempo;
    }
}

/// The sections of a score, those of kept bars as they were. New ones that were found to be like kept ones are called
/// as those are.
fn keep_sections(earlier: &Score, score: &Score, kept: &[Bar]) -> Vec<Section> {
    let is_kept = |bar: BarNumber| kept.iter().any(|k| k.number == bar);
    let mut names: HashMap<&str, HashMap<&str, u32>> = HashMap::new();
    for bar in kept {
        if let (Some(old), Some(new)) = (earlier.section_of(bar.number), score.section_of(bar.number)) {
            *names.entry(&new.label).or_default().entry(&old.label).or_default() += 1;
        }
    }
    let is_taken = |name: &str| {
        let mut sections = earlier.sections.iter();
        sections
            .any(|s| s.label == name && (s.first.0..s.first.0 + s.bars as i32).any(|b| is_kept(BarNumber(b))))
    };
    let mut labels: HashMap<&str, String> = HashMap::new();
    for section in &score.sections {
        if labels.contains_key(section.label.as_str()) {
            continue;
        }
        let usual = names.get(section.label.as_str()).and_then(|old| {
            old.iter()
                .max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)))
                .map(|(name, _)| (*name).to_owned())
        });
        let is_free = |name: &String| !is_taken(name) && labels.values().all(|label| label != name);
        let label = usual.unwrap_or_else(|| {
            let letters = (0..).map(form::letter_name);
            std::iter::once(section.label.clone()).chain(letters).find(is_free).unwrap_or_default()
        });
        labels.insert(&section.label, label);
    }
    let mut sections: Vec<Section> = Vec::new();
    for bar in score.all_bars() {
        let from = if is_kept(bar.number) { earlier } else { score };
        let Some(found) = from.section_of(bar.number) else { continue };
        let label = if is_kept(bar.number) { &found.label } else { &labels[found.label.as_str()] };
        match sections.last_mut() {
            Some(last) if last.label == *label && found.first != bar.number => last.bars += 1,
            _ => sections.push(Section { label: label.clone(), first: bar.number, bars: 1, ..found.clone() }),
        }
    }
    sections
}

/// Takes over what the dynamics and the tuning of kept bars come from.
fn keep_singing(earlier: &Score, score: &mut Score, kept: &[Bar], shift: TickCount) {
    let is_kept = |at: Ticks| kept.iter().any(|bar| bar.start <= at && at < bar.end);
    score.usual_level_dbfs = Some(earlier.usual_level_dbfs());
    score.melody.retain(|note| !is_kept(note.start));
    let moved = earlier.melody.iter().map(|note| MelodyNote { start: note.start + shift, ..*note });
    score.melody.extend(moved.filter(|note| is_kept(note.start)));
    score.melody.sort_by_key(|note| note.start);
    for index in 1..score.melody.len() {
        let next = score.melody[index].start;
        let note = &mut score.melody[index - 1];
        note.length = note.length.min(next - note.start);
    }
    score.melody.retain(|note| note.length > TickCount(0));
    // A phrase that reaches out of the kept bars stands as it was heard last.
    let is_whole = |phrase: &Phrase| {
        let bar_starts = std::iter::successors(Some(phrase.start), |at| Some(*at + score.meter.bar()));
        bar_starts.take_while(|at| *at < phrase.end).all(&is_kept) && is_kept(phrase.end - TickCount(1))
    };
    let old = earlier.phrases.iter().map(|phrase| Phrase {
        start: phrase.start + shift,
        end: phrase.end + shift,
        ..*phrase
    });
    let mut phrases: Vec<Phrase> = score.phrases.iter().filter(|phrase| !is_whole(phrase)).copied().collect();
    let fresh = phrases.clone();
    let is_free = |phrase: &Phrase| fresh.iter().all(|f| phrase.end <= f.start || f.end <= phrase.start);
    phrases.extend(old.filter(|phrase| is_whole(phrase) && is_free(phrase)));
    phrases.sort_by_key(|phrase| phrase.start);
    score.phrases = phrases;
    let cents_at = |points: &[TuningPoint], at: Ticks| points.iter().rfind(|p| p.at <= at).map(|p| p.cents);
    let mut tuning: Vec<TuningPoint> = Vec::new();
    for bar in score.all_bars() {
        let old = cents_at(&earlier.tuning, bar.start - shift).filter(|_| is_kept(bar.start));
        let Some(cents) = old.or_else(|| cents_at(&score.tuning, bar.start)) else { continue };
        if tuning.last().is_none_or(|last| last.cents != cents) {
            tuning.push(TuningPoint { at: bar.start, cents });
        }
    }
    score.tuning = tuning;
}
