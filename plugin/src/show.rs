//! A finished song as the editor sees it.

use std::sync::Arc;

use collavoce::engine::Session;
use collavoce::listen::{HOP_S, Observation};
use collavoce::perform::{EventKind, NoteEvent, Performer};
use collavoce::score::{BarNumber, MelodyNote, Part, Score, midi_of_hz};
use collavoce::song::Settings;
use collavoce::time::Hz;

use crate::view::{BarView, HeardView, State, View};

/// Rate at which notes are placed, in Hz: finer than anything that is drawn.
const RATE: Hz = Hz(48_000);
/// A note so little before a bar line belongs to the bar that follows: hands move before the beat, in seconds.
const EARLY_S: f64 = 0.05;
/// Keys that are shown.
const KEYS: usize = 4;

/// A song of which everything is known, ready to be shown at any of its moments.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What does not change while the song plays.
    still: View,
    score: Arc<Score>,
    confidences: Vec<(f64, f32)>,
}

impl Shown {
    /// Makes everything ready: bars, chords, notes as they are performed, the sung pitch.
    pub fn of(session: &Session, settings: &Settings) -> Self {
        let score = &session.score;
        let keys = match settings.key {
            Some(key) => vec![(key.to_string(), 1.0)],
            None => session
                .take
                .keys
                .iter()
                .take(KEYS)
                .map(|g| (g.key.to_string(), g.probability as f32))
                .collect(),
        };
        let still = View {
            state: State::Idle,
            keys,
            meter: score.meter.to_string(),
            bars: Arc::new(bars(score, settings)),
            heard: Arc::new(match session.take.observations.as_slice() {
                // A song that comes back knows its notes, not the curve between them.
                [] => sung_notes(&score.melody),
                observations => heard(observations, session.take.shift_s),
            }),
            has_song: true,
            ..View::default()
        };
        let confidences = session.beats.iter().map(|b| (b.time_s, b.confidence as f32)).collect();
        Self { still, score: Arc::new(score.clone()), confidences }
    }

    /// The song at a moment, in seconds of the song.
    pub fn at(&self, now_s: f64) -> View {
        let tempo = &self.score.tempo;
        let at = collavoce::time::Ticks(tempo.ticks_at(now_s.max(0.0)) as i64);
        // A lead-in is stretched to fit: its tempo says nothing.
        let sung = at.max(self.score.bar(BarNumber(1)).start);
        let after = self.confidences.partition_point(|(time_s, _)| *time_s <= now_s);
        let sure = self.confidences[..after].last().or(self.confidences.first());
        View {
            now_s,
            bpm: tempo.bpm_at(sung, self.score.meter.beat()).0 as f32,
            tuning_cents: self.score.tuning_at(at) as f32,
            beat_confidence: sure.map_or(0.0, |(_, confidence)| *confidence),
            ..self.still.clone()
        }
    }

    /// When the song ends, in seconds.
    pub fn end_s(&self) -> f64 {
        self.score.tempo.seconds_at(self.score.end())
    }
}

/// Every bar of a score with its chords and with its notes as they are performed.
pub fn bars(score: &Score, settings: &Settings) -> Vec<BarView> {
    let mut bars: Vec<BarView> = score.all_bars().map(|bar| bar_view(score, bar)).collect();
    for (part, note) in performed(&Performer::new(score, settings, RATE).perform()) {
        let after = bars.partition_point(|bar| bar.start_s <= f64::from(note.0) + EARLY_S);
        if let Some(bar) = bars.get_mut(after.saturating_sub(1)) {
            bar.notes[part.index()].push(note);
        }
    }
    bars
}

fn bar_view(score: &Score, bar: collavoce::score::Bar) -> BarView {
    let tempo = &score.tempo;
    let flats = score.key.uses_flats();
    let beat = score.meter.beat();
    let beats_s =
        (0..score.meter.beats_per_bar() as i64).map(|n| tempo.seconds_at(bar.start + beat * n)).collect();
    // A chord that is held over the bar line is named again: each bar is read on its own.
    let chords = score
        .chords
        .iter()
        .filter(|span| span.start < bar.end && span.end() > bar.start)
        .map(|span| (tempo.seconds_at(span.start.max(bar.start)), span.chord.lead_sheet(flats)))
        .collect();
    BarView {
        number: bar.number.0,
        start_s: tempo.seconds_at(bar.start),
        end_s: tempo.seconds_at(bar.end),
        beats_s,
        chords,
        section: score.section_of(bar.number).map_or_else(String::new, |section| section.label.clone()),
        is_guess: false,
        notes: Default::default(),
    }
}

type NoteView = (f32, f32, u8, u8);

/// The notes of a performance from their ons and offs, in order of onset.
fn performed(events: &[NoteEvent]) -> Vec<(Part, NoteView)> {
    let mut notes: Vec<(Part, NoteView)> = Vec::new();
    let mut open = std::collections::HashMap::new();
    for event in events {
        let time_s = event.at.seconds(RATE) as f32;
        match event.kind {
            EventKind::NoteOn { id, pitch, velocity, .. } => {
                open.insert(id, notes.len());
                notes.push((event.part, (time_s, time_s, pitch.0, velocity.get())));
            }
            EventKind::NoteOff { id } => {
                if let Some(index) = open.remove(&id) {
                    notes[index].1.1 = time_s;
                }
            }
            EventKind::Tuning { .. } | EventKind::Expression { .. } => {}
        }
    }
    notes
}

/// What was heard, for the curve of the sung pitch.
pub fn heard(observations: &[Observation], shift_s: f64) -> Vec<HeardView> {
    observations
        .iter()
        .map(|seen| HeardView {
            time_s: (seen.index as f64 * HOP_S + shift_s) as f32,
            midi: if seen.voiced { midi_of_hz(f64::from(seen.f0_hz)) as f32 } else { 0.0 },
            level_dbfs: seen.level_dbfs,
        })
        .collect()
}

/// The sung notes as a curve that is level within each.
fn sung_notes(melody: &[MelodyNote]) -> Vec<HeardView> {
    let seen = |time_s: f64, midi: f64, note: &MelodyNote| HeardView {
        time_s: time_s as f32,
        midi: midi as f32,
        level_dbfs: note.level_dbfs as f32,
    };
    let mut curve = Vec::new();
    for note in melody {
        let steps = ((note.offset_s - note.onset_s) / HOP_S).max(0.0) as usize;
        curve.extend((0..=steps).map(|step| seen(note.onset_s + step as f64 * HOP_S, note.sung_midi, note)));
        curve.push(seen(note.offset_s, 0.0, note));
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;
    use collavoce::listen::PitchMethod;

    fn demo() -> (Session, Settings) {
        let settings = Settings::default();
        let sung = collavoce::sing::demo().sing(Hz(16_000)).expect("the demo sings");
        let session = collavoce::engine::run(&sung.samples, &settings, PitchMethod::Nsdf, &mut |_| {});
        (session.expect("the demo is followed"), settings)
    }

    #[test]
    fn a_song_is_shown_whole_and_at_its_moments() {
        let (session, settings) = demo();
        let shown = Shown::of(&session, &settings);
        let view = shown.at(10.0);
        let bars = &view.bars;
        assert_eq!(bars.len(), session.score.bars as usize);
        for pair in bars.windows(2) {
            assert!((pair[0].end_s - pair[1].start_s).abs() < 1e-9 && pair[0].number + 1 == pair[1].number);
        }
        assert!(bars.iter().all(|bar| bar.beats_s.len() == 4 && bar.beats_s[0] == bar.start_s));
        assert!(
            bars.iter().all(|bar| bar.chords.iter().all(|(at, _)| (bar.start_s..bar.end_s).contains(at)))
        );
        assert!(bars.iter().any(|bar| bar.section == "A") && bars.iter().any(|bar| bar.chords[..].len() > 1));
        let first = bars.iter().find(|bar| bar.number == 1).expect("bar 1");
        assert_eq!(first.chords[0].1, "D");
        assert_eq!((view.keys[0].0.as_str(), view.meter.as_str()), ("D major", "4/4"));
        assert!((80.0..105.0).contains(&shown.at(0.0).bpm), "{}: the lead-in's tempo", shown.at(0.0).bpm);
        assert!((80.0..105.0).contains(&view.bpm) && view.beat_confidence > 0.3 && view.has_song);
        assert!(
            shown.end_s() > 40.0 && shown.at(shown.end_s() - 3.0).bpm < view.bpm,
            "it slows down at the end"
        );
        assert!(Arc::ptr_eq(&shown.at(3.0).bars, bars), "moments share what does not change");
    }

    #[test]
    fn no_note_is_lost_and_all_lie_in_their_bars() {
        let (session, settings) = demo();
        let bars = bars(&session.score, &settings);
        let written: usize = session.score.parts.iter().map(|bar| bar.notes.len()).sum();
        let shown: usize = bars.iter().flat_map(|bar| bar.notes.iter()).map(Vec::len).sum();
        assert_eq!(written, shown);
        for bar in &bars {
            for (start, end, pitch, velocity) in bar.notes.iter().flatten() {
                assert!(end > start && *pitch > 0 && *velocity > 0);
                assert!(f64::from(*start) > bar.start_s - 0.06 && f64::from(*start) < bar.end_s);
            }
        }
    }

    #[test]
    fn a_song_without_its_recording_shows_the_sung_notes() {
        let (session, _) = demo();
        let curve = sung_notes(&session.score.melody);
        assert!(curve.windows(2).all(|pair| pair[0].time_s <= pair[1].time_s + 0.02), "times rise");
        let voiced = heard(&session.take.observations, session.take.shift_s);
        let voiced: Vec<&HeardView> = voiced.iter().filter(|seen| seen.midi > 0.0).collect();
        let near = curve.iter().filter(|seen| seen.midi > 0.0).filter(|seen| {
            let close = voiced.partition_point(|v| v.time_s < seen.time_s);
            voiced[close.saturating_sub(15)..(close + 15).min(voiced.len())]
                .iter()
                .any(|v| (v.midi - seen.midi).abs() < 0.5)
        });
        let all = curve.iter().filter(|seen| seen.midi > 0.0).count();
        assert!(all > 1_000 && near.count() * 10 >= all * 9, "of {all}");
    }

    #[test]
    fn the_sung_pitch_is_in_time() {
        let (session, _) = demo();
        let heard = heard(&session.take.observations, session.take.shift_s);
        let note = session
            .take
            .notes
            .iter()
            .max_by(|a, b| a.duration_s().total_cmp(&b.duration_s()))
            .expect("a note");
        let middle = 0.5 * (note.onset_s + note.offset_s);
        let seen = heard.iter().find(|h| f64::from(h.time_s) >= middle).expect("heard");
        assert!((f64::from(seen.midi) - note.midi).abs() < 1.0, "{} is not {}", seen.midi, note.midi);
        assert!(heard.iter().any(|h| h.midi == 0.0), "silences have no pitch");
    }
}
