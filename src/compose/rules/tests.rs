//! The parts breathe with the line, and a song comes to rest.

use super::*;
use crate::compose::sung::{BEAT, Row, at, lines, score};
use crate::score::{Articulation, MelodyNote, MidiNote};
use crate::song::Seed;
use crate::time::{Bpm, TempoMap};

/// Toms and kick of General MIDI.
const TOMS: [u8; 3] = [43, 45, 48];
const KICK: u8 = 36;

/// What a part plays in a bar under some seeds, in every style.
fn played(score: &Score, mode: Mode, part: Part, bar: i32) -> Vec<Vec<Note>> {
    let styles = Style::ALL.iter().flat_map(|style| (1..9).map(move |seed| (*style, seed)));
    styles
        .map(|(style, seed)| {
            let settings = Settings { mode, style, seed: Seed(seed), ..Settings::default() };
            Rules.part_bar(score, &settings, part, BarNumber(bar), 1).notes
        })
        .collect()
}

/// Positions at which strokes begin.
fn strokes(notes: &[Note]) -> Vec<Ticks> {
    let mut starts: Vec<Ticks> = notes.iter().map(|note| note.start).collect();
    starts.dedup();
    starts
}

fn count(bars: &[Vec<Note>], from: f64, to: f64) -> usize {
    let within = |start: &Ticks| *start >= at(from) && *start < at(to);
    bars.iter().map(|notes| strokes(notes).into_iter().filter(within).count()).sum()
}

#[test]
fn fills_are_played_in_rests_and_nowhere_else() {
    // Four lines with a rest of two beats, and a pickup of half a beat into the third one.
    let mut rows = lines(4, 2);
    rows.push((31.5, 32.0, 64, -20.0));
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let with_rests = score(16, &rows, &["A", "B", "A", "B"], 0.8);
    let mut fills = 0;
    for bar in 1..16 {
        for notes in played(&with_rests, Mode::Studio, Part::Drums, bar) {
            for note in notes.iter().filter(|note| TOMS.contains(&note.pitch.0)) {
                fills += 1;
                let beat = (note.start - Ticks(0)).0 as f64 / BEAT.0 as f64;
                assert!(beat % 16.0 >= 14.0, "a tom at beat {beat}");
            }
        }
    }
    assert!(fills > 50, "{fills} toms");
    // A section that begins without a rest gets none.
    let through: Vec<Row> = (0..64).map(|n| (f64::from(n), f64::from(n) + 1.0, 64, -20.0)).collect();
    let without = score(16, &through, &["A", "B", "A", "B"], 0.8);
    for bar in [4, 8, 12] {
        let bars = played(&without, Mode::Studio, Part::Drums, bar);
        assert!(bars.iter().flatten().all(|note| !TOMS.contains(&note.pitch.0)));
    }
}

#[test]
fn live_fills_wait_until_a_rest_is_expected() {
    let all = lines(4, 2);
    let fills = |bar: i32| -> usize {
        let heard: Vec<Row> = all.iter().filter(|row| row.1 < 4.0 * f64::from(bar) - 4.5).copied().collect();
        let score = score(bar as u32, &heard, &["A", "A", "A", "A"], 0.8);
        let bars = played(&score, Mode::Live, Part::Drums, bar);
        bars.iter().flatten().filter(|note| TOMS.contains(&note.pitch.0)).count()
    };
    assert_eq!((fills(4), fills(11)), (0, 0));
    assert!(fills(12) > 10, "{} toms", fills(12));
}

#[test]
fn the_guitar_thins_out_in_a_breath_and_lighter() {
    let sung: Vec<Row> = (0..32).map(|n| (f64::from(n), f64::from(n) + 1.0, 64, -20.0)).collect();
    let breathing: Vec<Row> = sung.iter().filter(|row| row.0 != 18.0).copied().collect();
    let [through, breath] = [&sung, &breathing].map(|rows| score(8, rows, &["A", "A"], 0.7));
    let of = |score: &Score| played(score, Mode::Studio, Part::Guitar, 5);
    let (through, breath) = (of(&through), of(&breath));
    assert!(count(&breath, 18.0, 19.0) * 3 < count(&through, 18.0, 19.0) * 2);
    let loudest = |bars: &[Vec<Note>]| {
        let within = bars.iter().flatten().filter(|n| n.start == at(18.0)).map(|n| n.velocity);
        within.max().map_or(0, |velocity| velocity.get())
    };
    assert!(loudest(&breath) + 5 < loudest(&through), "{} {}", loudest(&breath), loudest(&through));
    // What was struck before rings on into it.
    let rings = |bars: &[Vec<Note>]| {
        let over = |n: &&Note| n.start < at(18.0) && n.end() > at(18.6);
        bars.iter().filter(|notes| notes.iter().any(|n| over(&n))).count()
    };
    assert!(rings(&breath) > rings(&through), "{} {}", rings(&breath), rings(&through));
}

#[test]
fn the_guitar_rings_at_the_end_of_a_phrase_and_answers_in_a_long_rest() {
    let rows: Vec<Row> = lines(2, 5);
    let score = score(8, &rows, &["A", "A"], 0.7);
    let [before, last] = [3, 4].map(|bar| played(&score, Mode::Studio, Part::Guitar, bar));
    // The voice ends with beat 11, the next line begins with 16.
    let (sung, ends, open) =
        (count(&before, 9.0, 11.0), count(&before, 11.25, 12.0), count(&last, 12.5, 15.5));
    assert!(sung > 40 && ends == 0, "{ends} strokes after {sung}");
    assert!(open * 2 > sung, "{open} strokes of an answer after {sung}");
    assert_eq!(count(&last, 15.5, 16.0), 0, "the entry has room");
}

#[test]
fn entries_are_met_with_an_accent() {
    // The second line comes in on the second beat of bar 5, or sings on.
    let entry: Vec<Row> = lines(2, 2).into_iter().filter(|row| row.0 != 16.0).collect();
    let through: Vec<Row> = (0..30).map(|n| (f64::from(n), f64::from(n) + 1.0, 64, -20.0)).collect();
    let [entry, through] = [&entry, &through].map(|rows| score(8, rows, &["A", "A"], 0.7));
    let loudness = |score: &Score, part: Part, key: Option<u8>| {
        let is_met = |n: &&Note| n.start == at(17.0) && key.is_none_or(|key| n.pitch.0 == key);
        let bars = played(score, Mode::Studio, part, 5);
        let loudest = bars.iter().map(|notes| notes.iter().filter(is_met).map(|n| n.velocity.get()).max());
        let met: Vec<f64> = loudest.flatten().map(f64::from).collect();
        (met.len(), met.iter().sum::<f64>() / met.len().max(1) as f64)
    };
    let (met, usual) = (loudness(&entry, Part::Guitar, None), loudness(&through, Part::Guitar, None));
    assert!(met.0 >= 24 && met.1 > usual.1 + 5.0, "{met:?} {usual:?}");
    let (met, usual) =
        (loudness(&entry, Part::Drums, Some(KICK)), loudness(&through, Part::Drums, Some(KICK)));
    assert!(met.0 >= 24 && usual.0 < met.0, "{met:?} {usual:?}");
}

#[test]
fn strings_let_go_with_the_voice_and_come_back_with_it() {
    // A rest of a beat in bar 2, one of half a beat in bar 3, and one of two beats before bar 5.
    let mut rows = lines(2, 2);
    rows.retain(|row| row.0 != 6.0);
    rows.iter_mut().filter(|row| row.0 == 9.0).for_each(|row| row.1 = 9.5);
    let score = score(8, &rows, &["A", "A"], 0.7);
    let sounding = |bar: i32, beat: f64| {
        let bars = played(&score, Mode::Studio, Part::Strings, bar);
        let sounds = |n: &&Note| n.start <= at(beat) && n.end() > at(beat);
        bars.iter().map(|notes| notes.iter().filter(sounds).count()).max().unwrap_or(0)
    };
    assert_eq!([5.9, 6.2, 6.5, 6.9, 7.0].map(|beat| sounding(2, beat)), [4, 4, 0, 0, 4]);
    assert_eq!(
        [9.4, 9.7, 10.0].map(|beat| sounding(3, beat)),
        [4, 4, 4],
        "a catch of breath is played through"
    );
    assert_eq!([14.2, 14.5].map(|beat| sounding(4, beat)), [4, 0]);
    assert_eq!(sounding(4, 15.5), 1, "the first violin answers");
    assert_eq!(sounding(5, 16.0), 4);
}

#[test]
fn live_the_first_violin_answers_nothing_that_it_does_not_expect() {
    let all = lines(4, 2);
    let solo = |bar: i32| {
        let heard: Vec<Row> = all.iter().filter(|row| row.1 < 4.0 * f64::from(bar) - 4.5).copied().collect();
        let score = score(bar as u32, &heard, &["A", "A", "A", "A"], 0.8);
        let bars = played(&score, Mode::Live, Part::Strings, bar);
        bars.iter().map(|notes| strokes(notes).len() - 1).sum::<usize>()
    };
    assert_eq!((solo(3), solo(4)), (0, 0));
    assert!(solo(12) > 0);
}

#[test]
fn density_follows_level_and_register() {
    let sung = |semitones: u8, louder_db: f64| {
        let mut rows: Vec<Row> = (0..64).map(|n| (f64::from(n), f64::from(n) + 1.0, 64, -20.0)).collect();
        for row in &mut rows[16..20] {
            row.2 += semitones;
            row.3 += louder_db;
        }
        let score = score(16, &rows, &["A", "A", "A", "A"], 0.6);
        let guitar = count(&played(&score, Mode::Studio, Part::Guitar, 5), 16.0, 20.0);
        let drums: usize = played(&score, Mode::Studio, Part::Drums, 5).iter().map(Vec::len).sum();
        (guitar, drums)
    };
    let (usual, louder, higher) = (sung(0, 0.0), sung(0, 6.0), sung(9, 0.0));
    assert!(louder.0 > usual.0 && higher.0 > usual.0, "guitar {usual:?} {louder:?} {higher:?}");
    assert!(louder.1 > usual.1 && higher.1 > usual.1, "drums {usual:?} {louder:?} {higher:?}");
    let softer = sung(0, -6.0);
    assert!(softer.0 < usual.0 && softer.1 < usual.1, "{softer:?} {usual:?}");
}

#[test]
fn the_song_comes_to_rest_where_its_last_chord_begins() {
    let bar = Meter::FOUR_FOUR.bar();
    let chord = |number: i64, bars: i64, name: &str| ChordSpan {
        start: Ticks(0) + bar * number,
        length: bar * bars,
        chord: name.parse().expect("a chord"),
    };
    let held = MelodyNote {
        start: Ticks(0) + bar,
        length: bar * 2,
        pitch: MidiNote(67),
        onset_s: 2.0,
        offset_s: 6.0,
        sung_midi: 67.0,
        level_dbfs: -20.0,
    };
    let written = |chords: Vec<ChordSpan>| Score {
        meter: Meter::FOUR_FOUR,
        key: "C".parse().expect("a key"),
        tempo: TempoMap::constant(Bpm(120.0), Meter::FOUR_FOUR.beat()),
        lead_in_bars: 0,
        bars: 3,
        sections: Vec::new(),
        phrases: Vec::new(),
        melody: vec![held],
        chords,
        tuning: Vec::new(),
        parts: Vec::new(),
        usual_level_dbfs: None,
    };
    // A last note that is held over G and C is not left on G.
    let moves = written(vec![chord(0, 1, "F"), chord(1, 1, "G"), chord(2, 1, "C")]);
    assert_eq!(final_bar(&moves, Mode::Studio), BarNumber(3));
    let stays = written(vec![chord(0, 1, "G"), chord(1, 2, "C")]);
    assert_eq!(final_bar(&stays, Mode::Studio), BarNumber(2));
}

#[test]
fn what_is_hammered_is_plucked_a_step_below_and_counts_as_one_note() {
    let rows: Vec<Row> = (0..32).map(|n| (f64::from(n), f64::from(n) + 1.0, 64, -20.0)).collect();
    let score = score(8, &rows, &["A", "A"], 0.1);
    let (mut hammered, mut elsewhere) = (0, 0);
    for bar in 1..=8 {
        for notes in played(&score, Mode::Studio, Part::Guitar, bar) {
            let is_hammered = |note: &&Note| note.articulation == Articulation::HammerOn;
            for note in notes.iter().filter(is_hammered) {
                let grace = notes.iter().find(|grace| grace.end() == note.start && grace.pitch < note.pitch);
                let grace = grace.expect("a string that sounds");
                assert!(note.pitch.0 - grace.pitch.0 <= 2 && score.key.holds(grace.pitch.pitch_class()));
                *(if bar % 2 == 1 { &mut hammered } else { &mut elsewhere }) += 1;
            }
            let plain = guitar::without_graces(&notes);
            assert_eq!(plain.len() + notes.iter().filter(is_hammered).count(), notes.len());
            assert!(plain.iter().all(|note| note.articulation != Articulation::HammerOn));
        }
    }
    assert!(hammered > 3 && elsewhere == 0, "{hammered} and {elsewhere}");
}

#[test]
fn a_hat_is_loose_at_the_height_of_a_pop_song_only() {
    let rows: Vec<Row> = (0..32).map(|n| (f64::from(n), f64::from(n) + 1.0, 64, -20.0)).collect();
    let loose = |energy: f64| {
        let score = score(8, &rows, &["A", "A"], energy);
        let bars = (1..=8).flat_map(|bar| played(&score, Mode::Studio, Part::Drums, bar));
        bars.flatten().filter(|note| note.articulation == Articulation::HalfOpen).count()
    };
    let (calm, high) = (loose(0.5), loose(0.95));
    assert!(calm == 0 && high > 20, "{calm} and {high}");
}
