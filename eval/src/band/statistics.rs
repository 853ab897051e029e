//! Statistics of parts, in numbers that can be compared.

use collavoce_models::arranger::{BASS, Frame, GUITAR, HELD, KIT, REST, SHIFTS, STRINGS, STROKES};

use super::PART_VOICES;
use super::ours::{PLAYERS, Performance, Player};

/// Bars that are described together.
pub const BARS: usize = 4;

/// A description of some bars of a part: numbers that mean the same whoever plays.
pub fn describe(performance: &Performance, from_bar: usize) -> Vec<f64> {
    let from = from_bar * performance.per_bar;
    let frames = &performance.played.frames[from..from + BARS * performance.per_bar];
    let beats = frames.len() as f64 / performance.per_beat as f64;
    let mut numbers = match performance.part {
        0 => drums(frames, beats, performance.per_beat),
        1 => line(performance, from, BASS, 0, beats),
        2 => guitar(frames, beats, performance.per_beat),
        _ => (0..4).flat_map(|voice| line(performance, from, STRINGS + voice, voice + 1, beats)).collect(),
    };
    numbers.push(alike(performance, frames));
    numbers
}

/// How alike bars are to the one before: strokes that are in both, of those that are in either.
fn alike(performance: &Performance, frames: &[Frame]) -> f64 {
    let voices = PART_VOICES[performance.part].1.clone();
    let strokes = |bar: &[Frame]| -> Vec<bool> {
        let begins =
            |frame: &Frame| -> Vec<bool> { voices.clone().map(|voice| begins(frame, voice)).collect() };
        bar.iter().flat_map(begins).collect()
    };
    let bars: Vec<Vec<bool>> = frames.chunks(performance.per_bar).map(strokes).collect();
    let shares = bars.windows(2).map(|pair| {
        let both = pair[0].iter().zip(&pair[1]).filter(|(a, b)| **a && **b).count();
        let either = pair[0].iter().zip(&pair[1]).filter(|(a, b)| **a || **b).count();
        both as f64 / either.max(1) as f64
    });
    let shares: Vec<f64> = shares.collect();
    shares.iter().sum::<f64>() / shares.len().max(1) as f64
}

/// Whether a voice begins something in a step.
pub fn begins(frame: &Frame, voice: usize) -> bool {
    match frame.choices[voice] {
        choice if voice < KIT || voice == GUITAR => choice != 0,
        choice => choice > HELD,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / f64::max(count, 1.0)
}

fn drums(frames: &[Frame], beats: f64, per_beat: usize) -> Vec<f64> {
    let hits = |piece: usize| frames.iter().enumerate().filter(move |(_, frame)| frame.choices[piece] == 1);
    let mut numbers = Vec::new();
    for piece in 0..KIT {
        numbers.push(hits(piece).count() as f64 / beats);
        numbers.push(mean(hits(piece).map(|(_, frame)| f64::from(frame.levels[piece]))));
    }
    let all = || (0..KIT).flat_map(|piece| hits(piece).map(move |(at, frame)| (at, frame, piece)));
    let middle = (SHIFTS / 2) as f64;
    let shift = |frame: &Frame, piece: usize| f64::from(frame.shifts[piece]) - middle;
    let of_place = |place: usize| all().filter(|(at, _, _)| at % per_beat == place).count() as f64;
    let count = f64::max(all().count() as f64, 1.0);
    numbers.extend((0..per_beat.min(4)).map(|place| of_place(place) / count));
    numbers.push(mean(all().map(|(_, frame, piece)| shift(frame, piece))));
    numbers.push(mean(all().map(|(_, frame, piece)| shift(frame, piece).abs())));
    let level = mean(all().map(|(_, frame, piece)| f64::from(frame.levels[piece])));
    numbers.push(mean(all().map(|(_, frame, piece)| (f64::from(frame.levels[piece]) - level).abs())));
    numbers
}

/// A voice that holds tones.
fn line(performance: &Performance, from: usize, voice: usize, index: usize, beats: f64) -> Vec<f64> {
    let end = from + BARS * performance.per_bar;
    let frames = &performance.played.frames[from..end];
    let struck = || frames.iter().enumerate().filter(move |(_, frame)| begins(frame, voice));
    let count = f64::max(struck().count() as f64, 1.0);
    let share = |fits: &dyn Fn(usize, u8) -> bool| {
        struck().filter(|(at, frame)| fits(*at, frame.choices[voice])).count() as f64 / count
    };
    let per_beat = performance.per_beat;
    let pitches: Vec<f64> = struck()
        .filter_map(|(at, _)| performance.played.pitches[from + at][index])
        .map(|note| f64::from(note.0))
        .collect();
    let leaps = || pitches.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    vec![
        struck().count() as f64 / beats,
        frames.iter().filter(|frame| frame.choices[voice] == REST).count() as f64 / frames.len() as f64,
        share(&|at, _| at % per_beat == 0),
        share(&|at, _| at % 2 == 1),
        share(&|_, choice| choice == 2),
        share(&|_, choice| choice == 9),
        share(&|at, choice| {
            let tones = performance.steps[from + at].chord.map_or(0, |chord| chord.tones);
            tones >> (choice - 2) & 1 == 0
        }),
        mean(leaps()),
        mean(leaps().map(|leap| f64::from(u8::from(leap == 0.0)))),
    ]
}

fn guitar(frames: &[Frame], beats: f64, per_beat: usize) -> Vec<f64> {
    let struck = || frames.iter().enumerate().filter(|(_, frame)| begins(frame, GUITAR));
    let count = f64::max(struck().count() as f64, 1.0);
    let kind =
        |stroke: usize| struck().filter(|(_, f)| usize::from(f.choices[GUITAR]) == stroke).count() as f64;
    let mut numbers: Vec<f64> = (1..STROKES).map(|stroke| kind(stroke) / count).collect();
    numbers.push(struck().count() as f64 / beats);
    numbers.push(struck().filter(|(at, _)| at % per_beat == 0).count() as f64 / count);
    numbers.push(struck().filter(|(at, _)| at % 2 == 1).count() as f64 / count);
    numbers
}

/// Prints means of what can be told of parts.
pub fn print(performances: &[Performance]) {
    println!("parts as they are played: means of {BARS} bars");
    println!(
        "{:10}{:9}{:>8}{:>9}{:>9}{:>10}{:>8}{:>8}{:>8}{:>8}",
        "part", "by", "strokes", "on beat", "sixteenth", "like last", "level", "spread", "late", "swing"
    );
    for (part, (name, _)) in PART_VOICES.iter().enumerate() {
        for (player, by) in PLAYERS {
            let of: Vec<&Performance> =
                performances.iter().filter(|p| p.part == part && p.player == player).collect();
            if !of.is_empty() {
                row(name, by, &of);
            }
        }
    }
    println!(
        "strokes a beat; shares on a beat and on the second and fourth sixteenth of it; strokes shared with the bar before; drums: mean level (of 8), its mean deviation, ticks late, and mean place of strokes between the third and the fourth sixteenth in jazz (0.5 straight, 0.67 a triplet)"
    );
    groove(performances);
    println!();
}

fn row(name: &str, by: &str, of: &[&Performance]) {
    let voices = PART_VOICES[of[0].part].1.clone();
    let mut strokes = Vec::new();
    let (mut beats, mut on_beat, mut odd) = (0.0, 0.0, 0.0);
    let mut likeness = Vec::new();
    let (mut levels, mut shifts, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for performance in of {
        beats += performance.played.frames.len() as f64 / performance.per_beat as f64;
        let swings = performance.steps[0].wish.styles[0] == Some(5) && performance.per_beat == 4;
        for (at, frame) in performance.played.frames.iter().enumerate() {
            for voice in voices.clone().filter(|voice| begins(frame, *voice)) {
                strokes.push(1.0);
                on_beat += f64::from(u8::from(at % performance.per_beat == 0));
                odd += f64::from(u8::from(at % 2 == 1));
                if voice < KIT {
                    levels.push(f64::from(frame.levels[voice]));
                    let late = 20.0 * (f64::from(frame.shifts[voice]) - (SHIFTS / 2) as f64);
                    shifts.push(late);
                    if swings && matches!(at % 4, 2 | 3) {
                        places.push(((at % 4) as f64 * 240.0 + late) / 960.0);
                    }
                }
            }
        }
        likeness.push(alike(performance, &performance.played.frames));
    }
    let count = f64::max(strokes.len() as f64, 1.0);
    let level = mean(levels.iter().copied());
    let spread = mean(levels.iter().map(|one| (one - level).abs()));
    print!(
        "{name:10}{by:9}{:>8.2}{:>9.2}{:>9.2}{:>10.2}",
        count / beats,
        on_beat / count,
        odd / count,
        mean(likeness.iter().copied())
    );
    if levels.is_empty() {
        println!();
    } else {
        println!(
            "{level:>8.2}{spread:>8.2}{:>8.1}{:>8.2}",
            mean(shifts.iter().copied()),
            mean(places.into_iter())
        );
    }
}

/// How alike the grooves are: where in the bar each piece of the kit is struck, and how hard, as the cosine between
/// profiles of a style.
fn groove(performances: &[Performance]) {
    println!(
        "\ngroove in 4/4: cosine of where and how hard the kit is struck, against people of the same manner"
    );
    let profile = |player: Player, style: usize| -> Option<Groove> {
        let of = performances.iter().filter(|p| {
            p.part == 0 && p.player == player && p.per_bar == 16 && p.steps[0].wish.styles[0] == Some(style)
        });
        Groove::of(of.map(|performance| &performance.played.frames[..]))
    };
    for (style, name) in MANNERS.iter().enumerate() {
        let Some(people) = profile(Player::People, style) else { continue };
        let of = |player| profile(player, style).map_or(0.0, |profile| profile.likeness(&people));
        println!("  {name:9} rules {:.2}  network {:.2}", of(Player::Rules), of(Player::Network));
    }
}

/// Manners of drumming, in the order of the network.
pub const MANNERS: [&str; 10] =
    ["rock", "pop", "funk", "soul", "hip hop", "jazz", "latin", "folk", "ballad", "other"];

/// Where in a bar of 4/4 each piece of the kit is struck, and how hard.
pub struct Groove(Vec<f64>);

impl Groove {
    /// The groove of performances in 4/4; none of less than sixteen bars.
    pub fn of<'a>(performances: impl Iterator<Item = &'a [Frame]>) -> Option<Self> {
        let mut profile = vec![0.0; 16 * KIT];
        let mut bars = 0;
        for frames in performances {
            for (at, frame) in frames.iter().enumerate() {
                for piece in (0..KIT).filter(|piece| frame.choices[*piece] == 1) {
                    profile[at % 16 * KIT + piece] += f64::from(frame.levels[piece]) + 1.0;
                }
            }
            bars += frames.len() / 16;
        }
        (bars >= 16).then_some(Self(profile))
    }

    /// The cosine between two.
    pub fn likeness(&self, other: &Self) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (a, b) = (&self.0, &other.0);
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-9)
    }
}
