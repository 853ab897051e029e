//! What is written is read back, stays where it is, and can be played.

use collavoce_models::arranger::{ArrangerNet, BASS, GUITAR, HELD, KIT, REST, stroke, tone};

use super::ground::{STEP, root_at};
use super::played::{LINES, Played};
use super::*;
use crate::compose::composer_for;
use crate::compose::rules::{fretting, guitar};
use crate::compose::sung::{lines, score};
use crate::score::{Articulation, MidiNote, Note, Velocity};
use crate::song::{Arranger, Seed, Style};
use crate::time::Ticks;

fn net() -> &'static ArrangerNet {
    ArrangerNet::embedded().expect("whole weights")
}

fn song(bars: u32, energy: f64) -> Score {
    let labels = ["A", "B", "A", "B"];
    score(bars, &lines(bars as usize / 4, 3), &labels[..bars as usize / 4], energy)
}

/// A score with all of its bars written one after the other.
fn written(mut score: Score, settings: &Settings) -> Score {
    let wanted: Vec<Wanted> = settings.parts.iter().map(|part| (*part, 1)).collect();
    for number in 1..=score.bars as i32 {
        let bars = bar(net(), &score, settings, BarNumber(number), &wanted);
        score.parts.extend(bars);
    }
    score
}

/// Every song that is written here: styles and seeds.
fn songs() -> impl Iterator<Item = (Settings, Score)> {
    Style::ALL.iter().flat_map(|style| (1..4).map(move |seed| (*style, seed))).map(|(style, seed)| {
        let settings = Settings { style, seed: Seed(seed), ..Settings::default() };
        let score = written(song(12, 0.3 * seed as f64), &settings);
        (settings, score)
    })
}

#[test]
fn who_is_asked_hears_what_is_beside_and_keeps_out_of_its_register() {
    let strum = |start: Ticks| Note {
        start,
        length: STEP,
        pitch: MidiNote(52),
        velocity: Velocity::clamped(80.0),
        articulation: Articulation::StrumDown { order: 5 },
    };
    let score = song(8, 0.6);
    let guitar = |every: i64| -> Vec<PartBar> {
        let bars = score.all_bars().map(|bar| PartBar {
            part: Part::Guitar,
            bar: bar.number,
            take: 1,
            notes: (0..16 / every).map(|stroke| strum(bar.start + STEP * every * stroke)).collect(),
        });
        bars.collect()
    };
    let asked = |beside: Vec<PartBar>| {
        let settings = Settings { parts: vec![Part::Drums, Part::Strings], beside, ..Settings::default() };
        written(score.clone(), &settings)
    };
    let (alone, beside, busy) = (asked(Vec::new()), asked(guitar(4)), asked(guitar(2)));
    assert!([&alone, &beside].iter().all(|score| score.parts.iter().all(|bar| bar.part != Part::Guitar)));
    let drums = |score: &Score| -> Vec<PartBar> {
        score.parts.iter().filter(|bar| bar.part == Part::Drums).cloned().collect()
    };
    assert_ne!(drums(&beside), drums(&busy), "what the guitar strikes is not heard");
    let lowest = |score: &Score| {
        let strings = score.parts.iter().filter(|bar| bar.part == Part::Strings);
        strings.flat_map(|bar| &bar.notes).map(|note| note.pitch.0).min()
    };
    assert!(lowest(&alone) < Some(50), "{:?}", lowest(&alone));
    assert!(lowest(&beside) >= Some(55), "{:?}", lowest(&beside));
}

#[test]
fn what_is_chosen_is_written_and_read_back() {
    let score = song(8, 0.6);
    let settings = Settings::default();
    let number = BarNumber(2);
    let mut rng = Rng::keyed(&[4]);
    for _ in 0..50 {
        let start = score.bar(number).start;
        let mut chosen = Played::silence(start, 16);
        let mut last = [None; LINES];
        for place in 0..16 {
            let root = root_at(&score, chosen.at(place));
            let frame = &mut chosen.frames[place];
            for piece in 0..KIT {
                if !rng.chance(0.2) {
                    continue;
                }
                frame.choices[piece] = 1;
                frame.levels[piece] = 3 + rng.below(5) as u8;
                // The first step of a bar is never early: it would lie in the bar before.
                frame.shifts[piece] = if place == 0 { 6 } else { 2 + rng.below(9) as u8 };
            }
            frame.choices[GUITAR] = [
                stroke::NONE,
                stroke::DOWN,
                stroke::UP,
                stroke::LIGHT_UP,
                stroke::DAMPED,
                stroke::BASS,
                stroke::PINCH,
            ][rng.below(7)];
            for line in 0..LINES {
                let voice = played::voice_of(line);
                let home = [36, 45, 57, 64, 72][line];
                frame.choices[voice] = match rng.below(3) {
                    0 if place > 0 && last[line].is_some() => HELD,
                    // A bass that rests is left out: its notes are a little shorter than they are long.
                    1 if line > 0 => REST,
                    _ => {
                        let pitch = MidiNote(home + 2 * rng.below(2) as u8);
                        last[line] = Some(pitch);
                        tone(pitch.pitch_class().above(root))
                    }
                };
                if frame.choices[voice] == REST {
                    last[line] = None;
                }
                chosen.pitches[place][line] = last[line];
            }
        }
        // Voices that begin together are told apart by their order; all of them sound here.
        let context = BarContext::new(&score, &settings, Part::Guitar, number);
        let mut heard = score.clone();
        let parts = [
            (Part::Drums, write::drums(&context, &chosen, 0, None)),
            (Part::Bass, write::bass(&context, &chosen, 0, &mut rng)),
            (Part::Guitar, write::guitar(&context, &chosen, 0, 1, &mut rng)),
        ];
        let parts = parts.map(|(part, notes)| PartBar { part, bar: number, take: 1, notes });
        heard.parts.extend(parts);
        let read = Played::of(&heard, number, 1, |_, _| true);
        for (place, (chosen, read)) in chosen.frames.iter().zip(&read.frames).enumerate() {
            assert_eq!(chosen.choices[..KIT], read.choices[..KIT], "drums, step {place}");
            for piece in (0..KIT).filter(|piece| chosen.choices[*piece] == 1) {
                assert_eq!(chosen.levels[piece], read.levels[piece], "level of {piece}, step {place}");
                assert_eq!(chosen.shifts[piece], read.shifts[piece], "shift of {piece}, step {place}");
            }
            assert_eq!(chosen.choices[BASS], read.choices[BASS], "bass, step {place}");
            assert_eq!(chosen.choices[GUITAR], read.choices[GUITAR], "guitar, step {place}");
        }
    }
}

#[test]
fn what_stands_on_a_bar_does_not_change_it() {
    let settings = Settings::default();
    let all = written(song(12, 0.6), &settings);
    let wanted: Vec<Wanted> = settings.parts.iter().map(|part| (*part, 1)).collect();
    let again = bar(net(), &all, &settings, BarNumber(7), &wanted);
    for part in again {
        assert!(all.parts.contains(&part), "{} of bar 7 is another with bars after it", part.part);
    }
}

#[test]
fn another_take_or_another_chord_changes_what_stands_on_it_alone() {
    let score = song(16, 0.6);
    let plan = |settings: &Settings| {
        let request = PlanRequest {
            score: &score,
            settings,
            first: BarNumber(1),
            bars: 16,
            heard_until: score.end(),
            is_ending: true,
        };
        composer_for(settings).plan(&request)
    };
    let chart = Some(crate::song::Chart::parse("| C | F | G | Am |").expect("a chart"));
    let plain = Settings { chart, arranger: Arranger::Model, ..Settings::default() };
    let first = plan(&plain);
    let other = plan(&Settings { takes: vec!["drums:7=3".parse().expect("a take")], ..plain.clone() });
    let changed: Vec<(Part, i32)> = first
        .parts
        .iter()
        .zip(&other.parts)
        .filter(|(a, b)| a.notes != b.notes)
        .map(|(a, _)| (a.part, a.bar.0))
        .collect();
    assert_eq!(changed, [(Part::Drums, 7)]);
    assert_eq!(other.other_takes.len(), 1);
    assert!(first.parts.contains(&other.other_takes[0]), "take 1 is the one that was there");

    let bent = plan(&Settings { fixed: vec!["7=Ebm".parse().expect("a chord")], ..plain });
    let chords = |plan: &Plan, bar: i32| -> Vec<ChordSpan> {
        let bar = score.bar(BarNumber(bar));
        plan.chords.iter().filter(|s| s.start < bar.end && s.end() > bar.start).copied().collect()
    };
    let mut same = 0;
    for (a, b) in first.parts.iter().zip(&bent.parts) {
        // What is played before a chord leads to it.
        let stands = (a.bar.0 - 1..=a.bar.0 + 1).all(|bar| chords(&first, bar) == chords(&bent, bar));
        if stands {
            same += 1;
            assert_eq!(a.notes, b.notes, "{} of bar {}", a.part, a.bar.0);
        }
    }
    assert!(same >= 24, "{same} bars of parts stand on the same chords");
    let guitar =
        |plan: &Plan| plan.parts.iter().find(|bar| (bar.part, bar.bar.0) == (Part::Guitar, 7)).cloned();
    assert_ne!(guitar(&first), guitar(&bent));
}

#[test]
fn everything_can_be_played() {
    let (mut strums, mut hits, mut tones) = (0, 0, 0);
    for (_, score) in songs() {
        let notes = |part: Part| -> Vec<Note> { score.notes_of(part).copied().collect() };
        for chord in guitar::without_graces(&notes(Part::Guitar)).chunk_by(|a, b| a.start == b.start) {
            let held = fretting(score.chord_at(chord[0].start).expect("a chord"), 0);
            let within = chord.iter().all(|note| held.notes().any(|(_, string)| string == note.pitch));
            assert!(within, "{chord:?}");
            strums += 1;
        }
        let drums = notes(Part::Drums);
        for step in 0..16 * 12 {
            let at = Ticks(0) + STEP * step;
            let near = drums.iter().filter(|note| (note.start - at).0.abs() < STEP.0 / 2);
            let hands = near.filter(|note| ![36, 44].contains(&note.pitch.0)).count();
            // A crash for a new section is struck beside what the hands do.
            let greets = step % 64 == 0;
            assert!(hands <= 2 + usize::from(greets), "{hands} strokes of two hands in step {step}");
            hits += hands;
        }
        let strings = notes(Part::Strings);
        for step in 0..16 * 12 {
            let middle = Ticks(0) + STEP * step + STEP / 2;
            let sounds = strings.iter().filter(|note| note.start <= middle && note.end() > middle);
            let mut pitches: Vec<MidiNote> = sounds.map(|note| note.pitch).collect();
            pitches.sort_unstable();
            assert!(pitches.len() <= 4 && pitches.windows(2).all(|pair| pair[0] < pair[1]), "{pitches:?}");
            tones += pitches.len();
        }
        for span in &score.chords {
            let bass = score.notes_of(Part::Bass).find(|note| note.start == span.start);
            let is_last = score.bar_at(span.start).number.0 >= 12;
            assert!(is_last || bass.is_some_and(|note| note.pitch.pitch_class() == span.chord.bass));
        }
    }
    assert!(strums > 500 && hits > 500 && tones > 3000, "{strums} {hits} {tones}");
}

#[test]
fn more_energy_is_more_and_louder() {
    let count = |energy: f64| {
        let mut sums = [(0.0, 0.0); 4];
        for style in Style::ALL {
            let settings = Settings { style: *style, ..Settings::default() };
            let score = written(song(12, energy), &settings);
            for (part, sum) in Part::ALL.into_iter().zip(&mut sums) {
                for note in score.notes_of(part) {
                    sum.0 += 1.0;
                    sum.1 += f64::from(note.velocity.get());
                }
            }
        }
        sums.map(|(notes, velocity)| (notes, velocity / f64::max(notes, 1.0)))
    };
    let (low, high) = (count(0.1), count(0.9));
    for ((part, low), high) in Part::ALL.into_iter().zip(low).zip(high) {
        assert!(high.0 > 1.2 * low.0, "{part}: {} notes, then {}", low.0, high.0);
        assert!(high.1 > low.1 + 5.0, "{part}: velocity {}, then {}", low.1, high.1);
    }
}

#[test]
fn seeds_differ_and_come_again() {
    let with = |seed: u64| written(song(8, 0.6), &Settings { seed: Seed(seed), ..Settings::default() }).parts;
    assert_eq!(with(1), with(1));
    for part in Part::ALL {
        let notes = |seed: u64| -> Vec<Vec<Note>> {
            with(seed).into_iter().filter(|bar| bar.part == part).map(|bar| bar.notes).collect()
        };
        assert_ne!(notes(1), notes(2), "{part}");
    }
}

#[test]
fn where_no_drummer_was_heard_the_drums_play_by_rules() {
    let mut score = song(8, 0.6);
    score.meter = "6/8".parse().expect("a metre");
    let settings = Settings::default();
    let number = BarNumber(2);
    let drums = bar(net(), &score, &settings, number, &[(Part::Drums, 1)]);
    assert_eq!(drums, [Rules.part_bar(&score, &settings, Part::Drums, number, 1)]);
    assert!(!drums[0].notes.is_empty());
}

#[test]
fn strings_keep_their_voices() {
    let note = |start: i64, length: i64, pitch: u8| Note {
        start: Ticks(start),
        length: crate::time::TickCount(length),
        pitch: MidiNote(pitch),
        velocity: crate::score::Velocity::clamped(60.0),
        articulation: Articulation::Sustained,
    };
    // The second violin moves alone under the first, and goes on when all begin again.
    let notes = [
        note(0, 1920, 43),
        note(0, 1920, 55),
        note(0, 960, 64),
        note(0, 1920, 71),
        note(960, 960, 62),
        note(1920, 960, 43),
        note(1920, 960, 57),
        note(1920, 960, 60),
        note(1920, 960, 69),
    ];
    let pitches = played::voices(&notes).map(|voice| voice.iter().map(|n| n.pitch.0).collect::<Vec<_>>());
    assert_eq!(pitches, [vec![43, 43], vec![55, 57], vec![64, 62, 60], vec![71, 69]]);
}

#[test]
fn strums_spare_the_voice_and_crashes_ring() {
    let (mut spared, mut strums, mut crashes) = (0, 0, 0);
    for (settings, score) in songs() {
        let beat = ground::pulse(score.meter);
        for bar in score.parts.iter().filter(|bar| bar.part == Part::Guitar) {
            let context = BarContext::new(&score, &settings, Part::Guitar, bar.bar);
            let grates = |note: MidiNote, at: Ticks, until: Ticks| {
                choose::grates(&context, note.pitch_class(), at, until).is_some()
            };
            let is_strum = |note: &Note| {
                matches!(note.articulation, Articulation::StrumDown { .. } | Articulation::StrumUp { .. })
            };
            for struck in bar.notes.chunk_by(|a, b| a.start == b.start).filter(|notes| is_strum(&notes[0])) {
                strums += 1;
                let (at, until) = (struck[0].start, struck[0].end().min(struck[0].start + beat));
                let rubs = struck[1..].iter().filter(|note| grates(note.pitch, at, until)).count();
                assert!(rubs == 0 || struck.len() <= 3, "{}: {struck:?}", settings.style);
                let held = fretting(context.chord_at(at), 0);
                spared += usize::from(held.notes().any(|(_, note)| grates(note, at, until)));
            }
        }
        let crashing = |bar: &&PartBar| {
            bar.part == Part::Drums && bar.notes.iter().any(|note| note.pitch.0 == played::key_of(8))
        };
        let bars: Vec<i32> = score.parts.iter().filter(crashing).map(|bar| bar.bar.0).collect();
        crashes += bars.len();
        let is_ended = |bar: i32| score.bar(BarNumber(bar)).end >= score.melody.last().expect("notes").end();
        assert!(
            bars.windows(2).all(|pair| pair[1] > pair[0] + 1 || is_ended(pair[1])),
            "crashes in {bars:?}"
        );
    }
    assert!(spared > 20 && strums > 5 * spared / 4, "{spared} of {strums} strums had something to spare");
    assert!(crashes > 3, "{crashes} crashes");
}

#[test]
fn toms_are_for_fills_while_somebody_sings() {
    let mut toms = 0;
    for (settings, score) in songs() {
        for bar in score.parts.iter().filter(|bar| bar.part == Part::Drums) {
            let context = BarContext::new(&score, &settings, Part::Drums, bar.bar);
            if !choose::is_arranged(&context) {
                continue;
            }
            let mut rng = settings.seed.rng(Part::Drums, bar.bar, 1);
            let fill = crate::compose::rules::drums::room_for_fill(&context, &mut rng);
            let is_tom = |note: &&Note| matches!(played::piece_of(note.pitch.0), Some(5..=7));
            for tom in bar.notes.iter().filter(is_tom) {
                // Off the grid by half a step at most.
                let within = |(from, to)| from - STEP / 2 <= tom.start && tom.start < to;
                let is_alone = context.line.moment(tom.start) == crate::compose::line::Moment::Alone;
                assert!(
                    is_alone || fill.is_some_and(within),
                    "{}, bar {}: {tom:?}",
                    settings.style,
                    bar.bar.0
                );
                toms += 1;
            }
        }
    }
    assert!(toms > 0, "{toms} strokes on toms");
}
