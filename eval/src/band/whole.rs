//! The whole band over sung songs: what may not go wrong, what is done in the singer's rests, what comes back.

use collavoce::compose::arranger::ground::STEP;
use collavoce::compose::arranger::played::Played;
use collavoce::compose::line::{Line, Moment};
use collavoce::compose::rules::{Rules, STANDARD_TUNING};
use collavoce::compose::{Composer as _, Wanted, arranger, form};
use collavoce::score::{Articulation, BarNumber, MidiNote, Note, Part, Score};
use collavoce::song::{Mode, Seed, Settings, Style};
use collavoce_data::arrange::Piece;
use collavoce_models::arranger::ArrangerNet;

use super::PART_VOICES;
use super::ours::Player;
use super::statistics::begins;

/// Most bars of a song, and the songs of art that are accompanied.
const MOST_BARS: usize = 24;
/// Semitones from the sung note within which a note covers it.
const COVERS: u8 = 2;
/// Most frets that a hand spans.
const SPAN: u8 = 4;
/// Lowest and highest note of each string voice: cello, viola, second and first violin.
const RANGES: [(u8, u8); 4] = [(36, 76), (48, 88), (55, 100), (55, 103)];

/// What is counted.
#[derive(Debug, Default)]
struct Counts {
    chords: f64,
    unplayable: f64,
    strings: f64,
    out_of_range: f64,
    moves: f64,
    parallel: f64,
    sung: f64,
    clashes: f64,
    covers: f64,
    notes: f64,
    strokes: [[f64; 3]; 4],
    steps: [f64; 3],
    again: (f64, f64),
    other: (f64, f64),
}

/// Prints what both players do, and people where they can be asked.
pub fn print(net: &ArrangerNet, pieces: &[&Piece], seeds: u64) {
    let songs: Vec<&&Piece> =
        pieces.iter().filter(|piece| matches!(piece.set, "lieder" | "band_renders")).collect();
    let of = |player: Player| {
        let mut counts = Counts::default();
        for (index, piece) in songs.iter().enumerate() {
            for seed in 1..=seeds {
                let style = Style::ALL[(index + seed as usize) % Style::ALL.len()];
                let settings = Settings { style, seed: Seed(seed), ..Settings::default() };
                play(net, piece, &settings, player, &mut counts);
            }
        }
        counts
    };
    let (rules, network) = (of(Player::Rules), of(Player::Network));
    let people = people(&songs);
    println!("the whole band over {} sung songs, {seeds} seeds, four styles in turn", songs.len());
    println!("{:52}{:>9}{:>9}", "", "rules", "network");
    let row = |name: &str, value: &dyn Fn(&Counts) -> f64| {
        println!("{name:52}{:>9.4}{:>9.4}", value(&rules), value(&network));
    };
    row("guitar: chords that no hand can hold", &|c| c.unplayable / c.chords.max(1.0));
    row("strings: notes out of their instrument's range", &|c| c.out_of_range / c.strings.max(1.0));
    row("strings: parallel fifths and octaves, of pairs", &|c| c.parallel / c.moves.max(1.0));
    row("guitar, strings: a semitone from a sung beat", &|c| c.clashes / c.sung.max(1.0));
    row("guitar, strings: notes within two of the sung one", &|c| c.covers / c.notes.max(1.0));
    row("strokes alike where a section comes back", &|c| c.again.0 / c.again.1.max(1e-9));
    row("strokes alike elsewhere, four bars apart", &|c| c.other.0 / c.other.1.max(1e-9));
    println!("\nstrokes of a part in breaths and in rests against those under the voice");
    println!("{:10}{:>18}{:>18}{:>18}", "part", "rules", "network", "people");
    for (part, (name, _)) in PART_VOICES.iter().enumerate() {
        let text = |counts: &Counts| {
            let rate = |moment: usize| counts.strokes[part][moment] / counts.steps[moment].max(1.0);
            if rate(0) > 0.0 {
                format!("{:.2} {:.2}", rate(1) / rate(0), rate(2) / rate(0))
            } else {
                "-".to_owned()
            }
        };
        println!("{name:10}{:>18}{:>18}{:>18}", text(&rules), text(&network), text(&people));
    }
    println!();
}

fn play(net: &ArrangerNet, piece: &Piece, settings: &Settings, player: Player, counts: &mut Counts) {
    let bars = piece.bars().min(MOST_BARS);
    let mut score = piece.score.clone();
    score.sections = form::sections(&score, settings, BarNumber(1), BarNumber(score.bars as i32));
    score.bars = bars as u32 + 4;
    for section in &mut score.sections {
        section.energy = if section.label == "B" { 0.7 } else { 0.45 };
    }
    let wanted: Vec<Wanted> = Part::ALL.map(|part| (part, 1)).to_vec();
    for number in 1..=bars as i32 {
        let written = match player {
            Player::Rules => Rules.bar(&score, settings, BarNumber(number), &wanted),
            _ => arranger::bar(net, &score, settings, BarNumber(number), &wanted),
        };
        score.parts.extend(written);
    }
    counts.check(&score, bars);
    let played = Played::of(&score, BarNumber(1), bars, |_, _| true);
    counts.rests(&score, &played, bars, piece.per_bar);
    counts.form(&score, &played, bars, piece.per_bar);
}

/// What the pianists of songs do in the singer's rests.
fn people(songs: &[&&Piece]) -> Counts {
    let mut counts = Counts::default();
    for piece in songs.iter().filter(|piece| piece.set == "lieder") {
        let bars = piece.bars().min(MOST_BARS);
        counts.rests(&piece.score, &piece.played, bars, piece.per_bar);
    }
    counts
}

/// What a moment is: sung, a breath, a rest; none where there is no singer.
fn moment(line: &Line, step: i64, from: collavoce::time::Ticks) -> Option<usize> {
    match line.moment(from + STEP * step) {
        Moment::Sung => Some(0),
        Moment::Breath => Some(1),
        Moment::Ends | Moment::Open | Moment::Leads => Some(2),
        Moment::Alone => None,
    }
}

impl Counts {
    fn check(&mut self, score: &Score, bars: usize) {
        let of = |part: Part| -> Vec<Note> { score.notes_of(part).copied().collect() };
        let (guitar, strings) = (of(Part::Guitar), of(Part::Strings));
        for chord in guitar.chunk_by(|a, b| a.start == b.start) {
            self.chords += 1.0;
            self.unplayable += f64::from(u8::from(!is_playable(chord)));
        }
        self.strings += strings.len() as f64;
        let played = Played::of(score, BarNumber(1), bars, |_, _| true);
        for (last, now) in played.pitches.iter().zip(&played.pitches[1..]) {
            for upper in 1..4 {
                if let Some(note) = now[upper + 1] {
                    let (low, high) = RANGES[upper];
                    self.out_of_range += f64::from(u8::from(!(low..=high).contains(&note.0)));
                }
                for lower in 0..upper {
                    self.pair((last[lower + 1], now[lower + 1]), (last[upper + 1], now[upper + 1]));
                }
            }
        }
        for sung in &score.melody {
            let on_beat = (sung.start - score.bar(BarNumber(1)).start).0 % score.meter.beat().0 == 0;
            let sounding = |note: &&Note| note.start <= sung.start && note.end() > sung.start;
            let around: Vec<&Note> = guitar.iter().chain(&strings).filter(sounding).collect();
            if on_beat && !around.is_empty() {
                self.sung += 1.0;
                let clashes = around.iter().any(|note| {
                    let apart = note.pitch.0.abs_diff(sung.pitch.0) % 12;
                    matches!(apart, 1 | 11)
                });
                self.clashes += f64::from(u8::from(clashes));
            }
            self.notes += around.len() as f64;
            self.covers +=
                around.iter().filter(|n| n.pitch.0.abs_diff(sung.pitch.0) <= COVERS).count() as f64;
        }
    }

    fn pair(
        &mut self,
        lower: (Option<MidiNote>, Option<MidiNote>),
        upper: (Option<MidiNote>, Option<MidiNote>),
    ) {
        let ((Some(a), Some(b)), (Some(c), Some(d))) = (lower, upper) else { return };
        if a == b && c == d {
            return;
        }
        self.moves += 1.0;
        let (before, after) = (c.0.abs_diff(a.0) % 12, d.0.abs_diff(b.0) % 12);
        let is_parallel = a != b && c != d && before == after && matches!(after, 0 | 7);
        self.parallel += f64::from(u8::from(is_parallel));
    }

    fn rests(&mut self, score: &Score, played: &Played, bars: usize, per_bar: usize) {
        for bar in 0..bars {
            let at = score.bar(BarNumber(bar as i32 + 1));
            let line = Line::of(score, Mode::Studio, at);
            for step in 0..per_bar {
                let Some(moment) = moment(&line, step as i64, at.start) else { continue };
                self.steps[moment] += 1.0;
                let frame = &played.frames[bar * per_bar + step];
                for (part, (_, voices)) in PART_VOICES.iter().enumerate() {
                    let strokes = voices.clone().filter(|voice| begins(frame, *voice)).count();
                    self.strokes[part][moment] += strokes as f64;
                }
            }
        }
    }

    /// Strokes that are shared by bars of a section that comes back, and by bars four apart that are not.
    fn form(&mut self, score: &Score, played: &Played, bars: usize, per_bar: usize) {
        let strokes = |bar: usize| -> Vec<bool> {
            let frames = &played.frames[bar * per_bar..(bar + 1) * per_bar];
            let voices = 0..PART_VOICES[3].1.end;
            frames
                .iter()
                .flat_map(|frame| voices.clone().map(|voice| begins(frame, voice)).collect::<Vec<_>>())
                .collect()
        };
        let shared = |a: usize, b: usize| {
            let (a, b) = (strokes(a), strokes(b));
            let both = a.iter().zip(&b).filter(|(a, b)| **a && **b).count();
            let either = a.iter().zip(&b).filter(|(a, b)| **a || **b).count();
            both as f64 / either.max(1) as f64
        };
        for bar in 4..bars {
            let like =
                arranger::ground::bar_like(score, Mode::Studio, BarNumber(bar as i32 + 1), BarNumber(1));
            let Some((like, comes_back)) = like.map(|(like, back)| ((like.0 - 1) as usize, back)) else {
                continue;
            };
            let sum = if comes_back { &mut self.again } else { &mut self.other };
            sum.0 += shared(like, bar);
            sum.1 += 1.0;
        }
    }
}

/// Whether a hand can hold what is struck together: each note on a string of its own, within a few frets.
fn is_playable(chord: &[Note]) -> bool {
    fn place(notes: &[u8], string: usize, (low, high): (u8, u8)) -> bool {
        let Some((note, rest)) = notes.split_first() else { return true };
        (string..STANDARD_TUNING.len()).any(|string| {
            let Some(fret) = note.checked_sub(STANDARD_TUNING[string].0) else { return false };
            if fret == 0 {
                return place(rest, string + 1, (low, high));
            }
            let (low, high) = (low.min(fret), high.max(fret));
            fret <= 15 && high - low <= SPAN && place(rest, string + 1, (low, high))
        })
    }
    let mut notes: Vec<u8> = chord.iter().map(|note| note.pitch.0).collect();
    notes.sort_unstable();
    notes.dedup();
    let down = chord.iter().any(|n| matches!(n.articulation, Articulation::StrumDown { .. }));
    let up = chord.iter().any(|n| matches!(n.articulation, Articulation::StrumUp { .. }));
    notes.len() <= 6 && !(down && up) && place(&notes, 0, (u8::MAX, 0))
}
