//! Melodies whose form is known.

use super::*;
use crate::score::MidiNote;

/// Two bars of 4/4 each: (beat, length in beats, pitch).
type Bars = [(f64, f64, u8)];

const ALPHA: [(f64, f64, u8); 8] = [
    (0.0, 1.0, 60),
    (1.0, 1.0, 62),
    (2.0, 1.5, 64),
    (3.5, 0.5, 65),
    (4.0, 1.0, 67),
    (5.0, 0.5, 69),
    (5.5, 0.5, 67),
    (6.0, 1.5, 64),
];
const BETA: [(f64, f64, u8); 7] = [
    (0.0, 0.5, 65),
    (0.5, 1.0, 65),
    (1.5, 0.5, 64),
    (2.0, 2.0, 62),
    (4.0, 0.5, 64),
    (4.5, 0.5, 62),
    (5.0, 2.0, 59),
];
const GAMMA: [(f64, f64, u8); 8] = [
    (0.0, 1.5, 72),
    (1.5, 1.0, 71),
    (2.5, 0.5, 69),
    (3.0, 1.0, 71),
    (4.0, 1.0, 72),
    (5.0, 1.0, 74),
    (6.0, 0.5, 72),
    (6.5, 1.0, 69),
];
const DELTA: [(f64, f64, u8); 6] =
    [(0.0, 0.75, 69), (0.75, 0.75, 67), (1.5, 2.5, 66), (4.0, 0.75, 67), (4.75, 0.75, 66), (5.5, 2.0, 74)];
const EPSILON: [(f64, f64, u8); 7] = [
    (0.0, 0.5, 69),
    (0.5, 0.5, 69),
    (1.0, 2.0, 71),
    (3.0, 1.0, 69),
    (4.5, 0.5, 67),
    (5.0, 0.5, 66),
    (5.5, 2.0, 62),
];
/// Eight bars each.
const VERSE: [&Bars; 4] = [&ALPHA, &BETA, &EPSILON, &BETA_END];
const BETA_END: [(f64, f64, u8); 5] =
    [(0.0, 0.5, 65), (0.5, 1.0, 65), (1.5, 0.5, 64), (2.0, 2.0, 62), (4.0, 3.0, 60)];
const CHORUS: [&Bars; 4] = [&GAMMA, &DELTA, &GAMMA, &GAMMA_END];
const GAMMA_END: [(f64, f64, u8); 5] =
    [(0.0, 1.5, 72), (1.5, 1.0, 71), (2.5, 0.5, 69), (3.0, 1.0, 67), (4.0, 3.0, 72)];
/// Eight bars that nothing else is like.
const OTHER: [(f64, f64, u8); 12] = [
    (0.0, 3.0, 58),
    (3.0, 0.5, 63),
    (4.0, 3.5, 61),
    (8.0, 3.0, 56),
    (11.5, 0.5, 63),
    (12.0, 3.5, 66),
    (16.5, 2.5, 68),
    (19.5, 2.0, 61),
    (22.0, 1.5, 70),
    (24.0, 3.5, 58),
    (28.0, 1.5, 56),
    (29.5, 2.0, 63),
];

/// A melody that is put together bar by bar.
#[derive(Debug, Default)]
struct Song {
    notes: Vec<MelodyNote>,
    beats: f64,
}

impl Song {
    fn sing(mut self, bars: &Bars, length_beats: f64, up: i8, level_dbfs: f64) -> Self {
        for (beat, length, pitch) in bars {
            let ticks = |beats: f64| (beats * 960.0).round() as i64;
            let start = self.beats + beat;
            self.notes.push(MelodyNote {
                start: Ticks(ticks(start)),
                length: TickCount(ticks(*length)),
                pitch: MidiNote(pitch.saturating_add_signed(up)),
                onset_s: start * 0.5,
                offset_s: (start + length) * 0.5,
                sung_midi: f64::from(*pitch),
                level_dbfs,
            });
        }
        self.beats += length_beats;
        self
    }

    fn part(self, part: &[&Bars], up: i8) -> Self {
        part.iter().fold(self, |song, bars| song.sing(bars, 8.0, up, -20.0))
    }

    fn rest(mut self, bars: f64) -> Self {
        self.beats += bars * 4.0;
        self
    }

    /// (first bar, bars, letter) of every section.
    fn sections(&self) -> Vec<(usize, usize, Option<usize>)> {
        self.found().iter().map(|s| (s.first, s.bars, s.letter)).collect()
    }

    fn found(&self) -> Vec<FoundSection> {
        // A phrase begins after each gap of half a beat.
        let mut phrases: Vec<Phrase> = Vec::new();
        for note in &self.notes {
            match phrases.last_mut() {
                Some(phrase) if note.start - phrase.end < TickCount(480) => phrase.end = note.end(),
                _ => phrases.push(Phrase {
                    start: note.start,
                    end: note.end(),
                    breath_before: false,
                    level_db: 0.0,
                }),
            }
        }
        let melody = Melody {
            notes: &self.notes,
            phrases: &phrases,
            meter: Meter::FOUR_FOUR,
            first: Ticks(0),
            bars: (self.beats / 4.0).ceil() as usize,
        };
        find(&melody, &Objective::default())
    }
}

#[test]
fn verse_and_chorus_are_found_where_they_begin() {
    let song = Song::default().part(&VERSE, 0).part(&CHORUS, 0).part(&VERSE, 0).part(&CHORUS, 0);
    let expected = [(0, 8, Some(0)), (8, 8, Some(1)), (16, 8, Some(0)), (24, 8, Some(1))];
    assert_eq!(song.sections(), expected);
    let roles: Vec<_> = song.found().iter().map(|s| s.role).collect();
    let (verse, chorus) = (Some(SectionRole::Verse), Some(SectionRole::Chorus));
    assert_eq!(roles, [verse, chorus, verse, chorus]);
}

#[test]
fn a_chorus_in_another_key_is_the_chorus() {
    let song = Song::default().part(&VERSE, 0).part(&CHORUS, 0).part(&CHORUS, 2);
    assert_eq!(song.sections(), [(0, 8, Some(0)), (8, 8, Some(1)), (16, 8, Some(1))]);
}

#[test]
fn a_rest_is_a_section_and_does_not_move_what_follows() {
    let song = Song::default().part(&VERSE, 0).rest(3.0).part(&CHORUS, 0).rest(2.0).part(&VERSE, 0);
    let expected = [(0, 8, Some(0)), (8, 3, None), (11, 8, Some(1)), (19, 2, None), (21, 8, Some(0))];
    assert_eq!(song.sections(), expected);
}

#[test]
fn a_repeat_with_a_bar_more_is_as_like_as_it_can_be() {
    let song = Song::default().part(&VERSE, 0).part(&CHORUS, 0);
    let held = [(0.0, 4.0, 60)];
    let song = song.part(&VERSE[..2], 0).sing(&held, 4.0, 0, -20.0).part(&VERSE[2..], 0);
    let melody = Melody {
        notes: &song.notes,
        phrases: &[],
        meter: Meter::FOUR_FOUR,
        first: Ticks(0),
        bars: (song.beats / 4.0) as usize,
    };
    let likeness = Likeness::of(&melody);
    let (again, other) = (likeness.of_runs((0, 8), (16, 9)), likeness.of_runs((0, 8), (8, 8)));
    assert!(again > 0.8 && other < 0.4, "{again} {other}");
    // What is compared place by place is lost after the bar that was put in.
    assert!(likeness.ahead(8, 40, 8) < 0.5 && likeness.ahead(8, 42, 8) > 0.9);
    assert!(likeness.best_repeats(0)[7] > 0.8, "{:?}", likeness.best_repeats(0));
}

#[test]
fn a_repeat_half_a_bar_off_the_bar_lines_is_a_repeat() {
    let song = Song::default().part(&VERSE, 0).part(&CHORUS, 0).rest(2.5).part(&VERSE, 0).rest(1.5);
    let sections = song.part(&CHORUS, 0).sections();
    let letters: Vec<_> = sections.iter().filter_map(|s| s.2).collect();
    assert_eq!(letters, [0, 1, 0, 1], "{sections:?}");
}

#[test]
fn what_is_sung_once_after_a_chorus_is_a_bridge() {
    let song = Song::default().part(&VERSE, 0).part(&CHORUS, 0).part(&VERSE, 0).part(&CHORUS, 0);
    let song = song.sing(&OTHER, 32.0, 0, -20.0).part(&CHORUS, 0);
    let found = song.found();
    let bridge = found.iter().find(|s| s.role == Some(SectionRole::Bridge)).expect("a bridge");
    assert_eq!((bridge.first, bridge.letter), (32, Some(2)), "{found:?}");
}

#[test]
fn the_louder_of_two_is_the_chorus() {
    let loud = |song: Song| VERSE.iter().fold(song, |song, bars| song.sing(bars, 8.0, 0, -12.0));
    let quiet = |song: Song| CHORUS.iter().fold(song, |song, bars| song.sing(bars, 8.0, -12, -24.0));
    let found = quiet(loud(quiet(loud(Song::default())))).found();
    assert_eq!(found[0].role, Some(SectionRole::Chorus), "{found:?}");
}

#[test]
fn every_bar_lies_in_one_section_whatever_is_sung() {
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for round in 0..60 {
        let mut song = Song::default();
        for _ in 0..random(80) {
            let note = [(random(4) as f64 * 0.25, 0.25 + random(8) as f64 * 0.25, random(128) as u8)];
            song = song.sing(&note, 0.5 + random(12) as f64 * 0.5, 0, -20.0);
        }
        // A long take is more than one piece.
        song = song.rest(if round % 20 == 0 { 900.0 } else { 0.0 });
        let bars = (song.beats / 4.0).ceil() as usize;
        let mut next = 0;
        for (first, bars, _) in song.sections() {
            assert_eq!(first, next, "round {round}");
            assert!(bars > 0, "round {round}");
            next = first + bars;
        }
        assert_eq!(next, bars, "round {round}");
    }
}

#[test]
fn a_long_take_is_cut_in_pieces_at_sections() {
    let song = (0..30).fold(Song::default(), |song, _| song.part(&VERSE, 0).part(&CHORUS, 0));
    let sections = song.sections();
    assert!(sections.iter().all(|(first, bars, _)| first % 8 == 0 && *bars == 8), "{sections:?}");
    assert_eq!(sections.len(), 60);
}

#[test]
fn notes_before_and_behind_the_bars_do_no_harm() {
    let song = Song::default().part(&VERSE, 0);
    let melody =
        Melody { notes: &song.notes, phrases: &[], meter: Meter::SIX_EIGHT, first: Ticks(9_000), bars: 2 };
    let bars: usize = find(&melody, &Objective::default()).iter().map(|s| s.bars).sum();
    assert_eq!(bars, 2);
    assert_eq!(find(&Melody { bars: 0, ..melody }, &Objective::default()), []);
}
