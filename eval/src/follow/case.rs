//! The cases: what the singer does, how fast, in which metre, through which room, and what the band knows beforehand.

use collavoce::sing::{Singer, TimingCurve, TimingPiece, Vocal};
use collavoce::song::Rng;
use collavoce::time::Meter;

use super::tune::{Tune, TuneNote, VERSE_LINES, compose, implied, syllables};

/// What the singer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Situation {
    /// One tempo.
    Steady,
    /// A tempo that drifts by 1 % a bar.
    Drift,
    /// A change of 10 % over two bars.
    Ramp10,
    /// A change of 20 % over two bars.
    Ramp20,
    /// A change of 10 % at once.
    Step10,
    /// A change of 20 % at once.
    Step20,
    /// Every line slows down in its last bar.
    LineEnds,
    /// The last notes of lines are held for 1 to 4 beats more.
    Fermata,
    /// Pauses of 1 to 8 beats between lines.
    Pause,
    /// Pauses of 1 to 3 beats within lines.
    Break,
    /// Lines begin 50 to 300 ms early or late.
    Entries,
    /// The third line is left out.
    Skip,
    /// The second line is sung twice.
    Repeat,
}

impl Situation {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Steady,
        Self::Drift,
        Self::Ramp10,
        Self::Ramp20,
        Self::Step10,
        Self::Step20,
        Self::LineEnds,
        Self::Fermata,
        Self::Pause,
        Self::Break,
        Self::Entries,
        Self::Skip,
        Self::Repeat,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Drift => "drift 1 % a bar",
            Self::Ramp10 => "ramp 10 %",
            Self::Ramp20 => "ramp 20 %",
            Self::Step10 => "step 10 %",
            Self::Step20 => "step 20 %",
            Self::LineEnds => "line ends slow",
            Self::Fermata => "fermatas",
            Self::Pause => "pauses between lines",
            Self::Break => "pauses within lines",
            Self::Entries => "early, late entries",
            Self::Skip => "line left out",
            Self::Repeat => "line repeated",
        }
    }
}

/// What lies between the singer and the microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Nothing.
    Dry,
    /// A reverberation of half a second.
    Reverb,
    /// Noise at 20 dB.
    Noise,
    /// A band in the background, at 20 dB below the voice.
    Bleed,
    /// Nothing, but onsets scatter by 30 ms.
    Jitter,
}

/// What the band knows beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// Tempo, metre and bar 1.
    Counted,
    /// Nothing.
    Nothing,
}

/// Tempi in beats a minute.
const TEMPI: [f64; 6] = [60.0, 76.0, 92.0, 108.0, 140.0, 180.0];
const ROOMS: [Room; 5] = [Room::Dry, Room::Reverb, Room::Noise, Room::Bleed, Room::Jitter];
const METERS: [Meter; 3] = [Meter::FOUR_FOUR, Meter::THREE_FOUR, Meter::SIX_EIGHT];
const KNOWN: [Known; 2] = [Known::Counted, Known::Nothing];
/// Values of each factor of a case.
const LEVELS: [usize; 6] = [Situation::ALL.len(), TEMPI.len(), ROOMS.len(), METERS.len(), KNOWN.len(), 2];
/// Rows that are drawn before the best of them is taken.
const DRAWS: usize = 60;

/// A case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its number.
    pub number: usize,
    /// What the singer does.
    pub situation: Situation,
    /// Beats a minute.
    pub bpm: f64,
    /// What lies between.
    pub room: Room,
    /// The metre.
    pub meter: Meter,
    /// What the band knows.
    pub known: Known,
    /// Whether the tempo rises where it changes.
    pub rises: bool,
    /// Seed of song, singer and timing.
    pub seed: u64,
}

/// Cases in which every pair of values of two factors occurs, and then more up to a number; every situation first.
pub fn cases(count: usize, first_seed: u64) -> Vec<Case> {
    let mut random = Rng::keyed(&[0x6361_7365]);
    let mut rows: Vec<[usize; LEVELS.len()]> = Vec::new();
    let mut is_open = vec![true; 0];
    let width: usize = LEVELS.iter().sum();
    is_open.resize(width * width, true);
    let offset = |factor: usize| LEVELS[..factor].iter().sum::<usize>();
    let pairs = |row: &[usize; LEVELS.len()]| -> Vec<usize> {
        let at = |factor: usize| offset(factor) + row[factor];
        let all = (0..LEVELS.len()).flat_map(|a| (a + 1..LEVELS.len()).map(move |b| (a, b)));
        all.map(|(a, b)| at(a) * width + at(b)).collect()
    };
    for number in 0..count {
        let draw = |random: &mut Rng| {
            let mut row: [usize; LEVELS.len()] = std::array::from_fn(|factor| random.below(LEVELS[factor]));
            // Every situation has as many cases as any other.
            row[0] = number % LEVELS[0];
            row
        };
        let new = |row: &[usize; LEVELS.len()]| pairs(row).iter().filter(|pair| is_open[**pair]).count();
        let mut best = draw(&mut random);
        for _ in 0..DRAWS {
            let row = draw(&mut random);
            if new(&row) > new(&best) {
                best = row;
            }
        }
        for pair in pairs(&best) {
            is_open[pair] = false;
        }
        rows.push(best);
    }
    let case = |(number, row): (usize, &[usize; LEVELS.len()])| Case {
        number,
        situation: Situation::ALL[row[0]],
        bpm: TEMPI[row[1]],
        room: ROOMS[row[2]],
        meter: METERS[row[3]],
        known: KNOWN[row[4]],
        rises: row[5] == 1,
        seed: first_seed + number as u64,
    };
    rows.iter().enumerate().map(case).collect()
}

/// What is sung in a case.
#[derive(Debug, Clone)]
pub struct Performance {
    /// The song as it is sung.
    pub vocal: Vocal,
    /// The song as it is written.
    pub tune: Tune,
    /// Which of its lines are sung, in order.
    pub order: Vec<usize>,
    /// Stretches in which the singer stands still: first and last second.
    pub holds: Vec<(f64, f64)>,
    /// When what changes has changed, in seconds; 0 where nothing does.
    pub changed_s: f64,
}

/// Seconds before bar 1.
fn lead_in_s(case: &Case) -> f64 {
    case.meter.beats_per_bar() as f64 * 60.0 / case.bpm + collavoce::song::Settings::COUNT_IN_S
}

/// Makes up the song of a case and how it is sung.
pub fn perform(case: &Case) -> anyhow::Result<Performance> {
    let mut random = Rng::keyed(&[case.seed, 0x7065_7266]);
    let tune = compose(case.meter, case.seed);
    let order = order(&tune, case.situation);
    let (notes, lines) = as_sung(&tune, &order);
    let per_bar = case.meter.beats_per_bar() as f64;
    let end = lines.last().copied().unwrap_or(0.0) + tune.line_beats;
    let Timing { pieces, holds, changed } = timing(case, &tune, &notes, &lines, end, &mut random);
    let curve = TimingCurve::new(0.0, lead_in_s(case), &pieces)?;
    let mut sung = tune.clone();
    sung.lines = lines;
    let jitter_s = if case.room == Room::Jitter { 0.03 } else { 0.008 };
    let entries: Vec<f64> =
        sung.lines.iter().map(|_| between(&mut random, 0.05, 0.3) * sign(&mut random)).collect();
    let mut late_s = |index: usize| {
        let first = sung.lines.iter().position(|line| (line - notes[index].start).abs() < 1e-6);
        let entry = match (case.situation, first) {
            // Bar 1 itself is where it was said to be.
            (Situation::Entries, Some(line)) if line > 0 => entries[line],
            _ => 0.0,
        };
        let shortest_s = notes[index].beats * 60.0 / case.bpm;
        (entry + jitter_s * random.normal()).clamp(-0.3, 0.6 * shortest_s)
    };
    let mut syllables = syllables(&sung, &notes, case.seed, &mut late_s);
    // A fermata is sung through to where time goes on.
    if case.situation == Situation::Fermata {
        for syllable in &mut syllables {
            syllable.breath_before = false;
        }
    }
    let singer = match case.seed % 3 {
        0 => Singer::alto(case.seed),
        1 => Singer::tenor(case.seed),
        _ => Singer::soprano(case.seed),
    };
    let seconds = |beat: f64| curve.seconds_at(beat);
    let holds_s = holds.iter().map(|(from, to)| (curve.end_seconds_at(*from), seconds(*to))).collect();
    let changed_s = changed.map_or(0.0, seconds);
    let vocal = Vocal {
        notes: syllables,
        timing: curve.clone(),
        singer,
        meter: case.meter,
        key: tune.key.clone(),
        chords: implied(&tune),
        tail_s: 60.0 / case.bpm * per_bar,
    };
    Ok(Performance { vocal, tune, order, holds: holds_s, changed_s })
}

/// The lines as they are sung.
fn order(tune: &Tune, situation: Situation) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tune.lines.len()).collect();
    match situation {
        Situation::Skip => {
            order.remove(VERSE_LINES - 2);
        }
        Situation::Repeat => order.insert(2, 1),
        _ => {}
    }
    order
}

/// The notes as they are sung, and where the lines begin.
fn as_sung(tune: &Tune, order: &[usize]) -> (Vec<TuneNote>, Vec<f64>) {
    let mut notes = Vec::new();
    for (place, line) in order.iter().enumerate() {
        let (from, to) = (tune.lines[*line], tune.lines[*line] + tune.line_beats);
        let shift = place as f64 * tune.line_beats - from;
        let within = tune.notes.iter().filter(|note| note.start >= from && note.start < to);
        notes.extend(within.map(|note| TuneNote { start: note.start + shift, ..*note }));
    }
    (notes, (0..order.len()).map(|place| place as f64 * tune.line_beats).collect())
}

/// How a song lies in time.
struct Timing {
    pieces: Vec<TimingPiece>,
    /// Beats between which time stands still.
    holds: Vec<(f64, f64)>,
    /// Beat at which what changes has changed.
    changed: Option<f64>,
}

fn timing(case: &Case, tune: &Tune, notes: &[TuneNote], lines: &[f64], end: f64, random: &mut Rng) -> Timing {
    let bpm = case.bpm;
    let per_bar = case.meter.beats_per_bar() as f64;
    let changed_bpm = |share: f64| bpm * if case.rises { 1.0 + share } else { 1.0 - share };
    let steady = |beats: f64, bpm: f64| TimingPiece::Steady { beats, bpm };
    let mut holds = Vec::new();
    let mut changed = None;
    let middle = lines[lines.len() / 2] - tune.line_beats / 2.0;
    let pieces = match case.situation {
        Situation::Steady | Situation::Entries | Situation::Skip | Situation::Repeat => {
            vec![steady(end, bpm)]
        }
        Situation::Drift => {
            let to_bpm = bpm * if case.rises { 1.01f64 } else { 0.99 }.powf(end / per_bar);
            vec![TimingPiece::Ramp { beats: end, from_bpm: bpm, to_bpm }]
        }
        Situation::Ramp10 | Situation::Ramp20 => {
            let to_bpm = changed_bpm(if case.situation == Situation::Ramp10 { 0.1 } else { 0.2 });
            changed = Some(middle);
            let ramp = TimingPiece::Ramp { beats: 2.0 * per_bar, from_bpm: bpm, to_bpm };
            vec![steady(middle, bpm), ramp, steady(end - middle - 2.0 * per_bar, to_bpm)]
        }
        Situation::Step10 | Situation::Step20 => {
            let to_bpm = changed_bpm(if case.situation == Situation::Step10 { 0.1 } else { 0.2 });
            changed = Some(middle);
            vec![steady(middle, bpm), steady(end - middle, to_bpm)]
        }
        Situation::LineEnds => lines
            .iter()
            .flat_map(|_| {
                // Musicians slow down the more the nearer the end is: a tenth, then a fifth.
                let slow = per_bar / 2.0;
                [
                    steady(tune.line_beats - per_bar, bpm),
                    TimingPiece::Ramp { beats: slow, from_bpm: bpm, to_bpm: 0.94 * bpm },
                    TimingPiece::Ramp { beats: slow, from_bpm: 0.94 * bpm, to_bpm: 0.8 * bpm },
                ]
            })
            .collect(),
        Situation::Fermata => {
            let mut pieces = Vec::new();
            for (index, line) in lines.iter().enumerate() {
                let mut within =
                    notes.iter().filter(|n| n.start >= *line && n.start < line + tune.line_beats);
                let last = within.next_back().map_or(*line, |note| note.start);
                if index % 2 == 0 {
                    pieces.push(steady(tune.line_beats, bpm));
                    continue;
                }
                // The beat of the last note lasts 2 to 5 beats, and then the line goes on as written.
                let more = 1.0 + random.below(4) as f64;
                pieces.push(steady(last - line, bpm));
                pieces.push(steady(1.0, bpm / (1.0 + more)));
                pieces.push(steady(line + tune.line_beats - last - 1.0, bpm));
                holds.push((last, last + 1.0));
            }
            pieces
        }
        Situation::Pause => {
            let mut pieces = Vec::new();
            for line in lines {
                if *line > 0.0 && random.chance(0.6) {
                    let beats = [1.0, 2.0, 3.0, 4.0, 8.0][random.below(5)];
                    pieces.push(TimingPiece::Pause { seconds: beats * 60.0 / bpm });
                    holds.push((*line, *line));
                }
                pieces.push(steady(tune.line_beats, bpm));
            }
            pieces
        }
        Situation::Break => {
            let mut pieces = Vec::new();
            for (index, _) in lines.iter().enumerate() {
                if index % 2 == 1 {
                    let beats = 1.0 + random.below(3) as f64;
                    let at = per_bar * 2.0;
                    pieces.push(steady(at, bpm));
                    pieces.push(TimingPiece::Pause { seconds: beats * 60.0 / bpm });
                    pieces.push(steady(tune.line_beats - at, bpm));
                    holds.push((lines[index] + at, lines[index] + at));
                } else {
                    pieces.push(steady(tune.line_beats, bpm));
                }
            }
            pieces
        }
    };
    let pieces = pieces
        .into_iter()
        .filter(|piece| !matches!(piece, TimingPiece::Steady { beats, .. } if *beats < 1e-6))
        .collect();
    Timing { pieces, holds, changed }
}

fn between(random: &mut Rng, from: f64, to: f64) -> f64 {
    from + (to - from) * random.unit()
}

fn sign(random: &mut Rng) -> f64 {
    if random.chance(0.5) { 1.0 } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_values_is_tried_and_every_song_can_be_sung() {
        let all = cases(240, 1);
        let mut pairs: Vec<(usize, usize)> = all
            .iter()
            .map(|case| {
                let room = ROOMS.iter().position(|room| *room == case.room).expect("a room");
                let tempo = TEMPI.iter().position(|bpm| *bpm == case.bpm).expect("a tempo");
                (tempo, room)
            })
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), TEMPI.len() * ROOMS.len());
        for situation in Situation::ALL {
            for known in KNOWN {
                assert!(all.iter().any(|case| case.situation == situation && case.known == known));
            }
        }
        for case in all.iter().take(26) {
            let performance = perform(case).expect("a performance");
            let truth = &performance.vocal.notes;
            assert!(truth.len() > 40 && truth.windows(2).all(|w| w[1].start_beat > w[0].start_beat));
        }
    }
}
