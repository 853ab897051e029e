//! How well a singer is followed through a song that is known.

mod table;
mod warping;

use std::sync::Arc;

use collavoce::follow::beat::BeatOnset;
use collavoce::follow::known::{KnownPosition, SongFollower};
use collavoce::listen::{HOP_S, Heard, ListenConfig, NoteSegmenter, Observation, PitchMethod, listen_to};
use collavoce::song::{KnownNote, KnownSong};

use super::Options;
use super::case::{self, Case, Known, Performance, Situation};
use super::sound::{self, RATE};
use super::tune::{Tune, VERSE_LINES};
use warping::{Frame, Warping};

/// Greatest error of a beat in seconds (mir_eval's).
const BEAT_S: f64 = 0.07;
/// From a hop until it is known in seconds, as in the table of the band.
const LATENCY_S: f64 = 0.05;
/// Beats after the first onset before which nothing is asked.
const FIRST_BEATS: f64 = 4.0;
/// How long before a beat the band decides it, in seconds.
const DECIDES_S: f64 = 0.1;
/// Beats in a row that are right once the place is found again.
const AGAIN_BEATS: usize = 4;
/// Seconds around a hold in which nothing is asked, and after it: the onset that ends it must have been heard.
const EDGE_S: f64 = 0.05;
const HEARD_S: f64 = 0.15;

/// An event, and when it is known in seconds.
#[derive(Debug, Clone, Copy)]
struct Event {
    known_s: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// An onset with its pitch as far as it has been heard.
    Onset { time_s: f64, midi: Option<f64> },
    /// The end of a note that began at a time.
    End { onset_s: f64, sung_s: f64 },
    /// What sounds in a hop.
    Hop { midi: Option<f64> },
}

/// What came of a case.
#[derive(Debug, Default)]
struct Outcome {
    /// Of every beat, whether its prediction a beat before was right, with the follower and with online time warping.
    beats: [Vec<bool>; 2],
    /// The same where a line with the same notes is as good, of the follower.
    same: Vec<bool>,
    /// Bars from a jump until the place is right again, in the song and in the music; none if it never is.
    recovery: Option<[Option<f64>; 2]>,
    /// Of every hold, beats from when the next note was due until the follower said so; none if it never did.
    waits: Vec<Option<f64>>,
    /// Times that it said so although nobody waited, and sung beats.
    false_waits: usize,
    sung_beats: usize,
    /// Of every hold, whether the first beat after two onsets was right.
    after_hold: Vec<bool>,
    /// Probability that was stated, and whether it was right, of every beat.
    stated: Vec<(f64, bool)>,
}

/// A beat that is sung: when, and which of the song.
type SungBeat = (f64, i64);

/// Sings every case to the follower and prints how it followed.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let cases = case::cases(options.cases, options.first_seed);
    let mut outcomes = Vec::with_capacity(cases.len());
    for case in &cases {
        let outcome = follow(case)?;
        if options.each {
            table::print_case(case, &outcome);
        } else {
            eprint!("\rcase {} of {}", case.number + 1, cases.len());
        }
        outcomes.push((*case, outcome));
    }
    eprintln!();
    table::print(&outcomes);
    Ok(())
}

/// Lines in the order in which they are sung.
fn sung_lines(situation: Situation, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    match situation {
        Situation::Skip => {
            order.remove(VERSE_LINES - 2);
        }
        Situation::Repeat => order.insert(2, 1),
        _ => {}
    }
    order
}

/// The song that is known.
fn known_song(case: &Case, tune: &Tune) -> anyhow::Result<KnownSong> {
    let notes = tune.notes.iter().map(|note| KnownNote {
        start_beats: note.start,
        beats: note.beats,
        midi: f64::from(note.midi),
    });
    let first = |line: &f64| tune.notes.partition_point(|note| note.start < line - 1e-6);
    Ok(KnownSong::new(case.meter, notes.collect(), tune.lines.iter().map(first).collect())?)
}

/// Everything that is heard, in the order in which it is known.
fn listen(observations: &[Observation]) -> Vec<Event> {
    let mut segmenter = NoteSegmenter::new(LATENCY_S);
    let mut events = Vec::new();
    for seen in observations {
        let known_s = seen.index as f64 * HOP_S + LATENCY_S;
        let mut heard = Vec::new();
        segmenter.process(seen, &mut |event| heard.push(event));
        let open = segmenter.open_note();
        let began = |at_s: f64, note_s: f64| (at_s - note_s).abs() < HOP_S / 2.0;
        let ended = |at_s: f64| {
            heard.iter().find_map(|event| match event {
                Heard::Note(note) if began(at_s, note.onset_s) => Some(note.midi),
                _ => None,
            })
        };
        for event in &heard {
            let kind = match event {
                Heard::Onset(onset) => {
                    let open = open.filter(|note| began(onset.time_s, note.onset_s)).map(|note| note.midi);
                    Kind::Onset { time_s: onset.time_s, midi: ended(onset.time_s).or(open) }
                }
                Heard::Note(note) => Kind::End { onset_s: note.onset_s, sung_s: note.duration_s() },
            };
            events.push(Event { known_s, kind });
        }
        let hz = f64::from(seen.f0_hz);
        let midi = (seen.voiced && hz > 0.0).then(|| 69.0 + 12.0 * (hz / 440.0).log2());
        events.push(Event { known_s, kind: Kind::Hop { midi } });
    }
    events
}

/// A follower with what it is told.
struct Listener<'a> {
    events: &'a [Event],
    next: usize,
    follower: SongFollower,
    last_s: f64,
    sung_s: f64,
}

impl Listener<'_> {
    /// Where the singer is, with what is known at a time.
    fn ask(&mut self, now_s: f64) -> Option<KnownPosition> {
        while let Some(event) = self.events.get(self.next).filter(|event| event.known_s <= now_s + 1e-9) {
            match event.kind {
                Kind::Onset { time_s, midi } => {
                    self.follower.last_sung(self.sung_s.min(time_s - self.last_s));
                    let onset = BeatOnset { time_s, interval_s: 0.0, sung_s: 0.0, weight: 1.0, midi };
                    self.follower.hear(onset);
                    (self.last_s, self.sung_s) = (time_s, f64::INFINITY);
                }
                Kind::End { onset_s, sung_s } => {
                    if (onset_s - self.last_s).abs() < HOP_S / 2.0 {
                        self.sung_s = sung_s;
                    }
                }
                Kind::Hop { midi } => self.follower.sounds(event.known_s, midi),
            }
            self.next += 1;
        }
        self.follower.position(now_s)
    }
}

fn follow(case: &Case) -> anyhow::Result<Outcome> {
    let performance = case::perform(case)?;
    let sung = performance.vocal.sing(RATE)?;
    let truth = sung.truth.clone();
    let samples = sound::microphone(case, &performance, sung)?;
    let observations = listen_to(&samples, ListenConfig::live(PitchMethod::Nsdf));
    let events = listen(&observations);
    let tune = &performance.tune;
    let order = sung_lines(case.situation, tune.lines.len());
    let song = Arc::new(known_song(case, tune)?);
    let bar_one_s = performance.vocal.timing.seconds_at(0.0);
    let onsets: Vec<f64> = truth.notes.iter().map(|note| note.onset_s).collect();
    let beats = song_beats(&truth.beats_s, bar_one_s, &onsets, tune, &order);
    let (period_s, line_s) = match case.known {
        Known::Counted => (Some(60.0 / case.bpm), Some(bar_one_s)),
        Known::Nothing => (None, None),
    };
    let follower = SongFollower::new(song.clone(), period_s, line_s);
    let mut listener = Listener { events: &events, next: 0, follower, last_s: 0.0, sung_s: 0.0 };
    let mut outcome = Outcome::default();
    let holds = holds(case, &performance, &onsets);
    ask_all(case, &beats, &holds, tune, &mut listener, &mut outcome);
    measure_after_holds(case, &beats, &holds, &onsets, &events, &song, (period_s, line_s), &mut outcome);
    outcome.beats[1] = warped(case, &song, &events, bar_one_s, &beats, &performance.holds);
    if matches!(case.situation, Situation::Skip | Situation::Repeat) {
        outcome.recovery = Some([&outcome.beats[0], &outcome.same].map(|right| recovery(case, tune, right)));
    }
    Ok(outcome)
}

/// Every beat that is sung, with that of the song.
fn song_beats(
    beats_s: &[f64],
    bar_one_s: f64,
    onsets: &[f64],
    tune: &Tune,
    order: &[usize],
) -> Vec<SungBeat> {
    let last_s = onsets.last().copied().unwrap_or(0.0);
    let sung = beats_s.iter().copied().filter(|at| *at > bar_one_s - 1e-6 && *at <= last_s + 0.1);
    let line = tune.line_beats as usize;
    let place = |(index, at): (usize, f64)| {
        order.get(index / line).map(|sung| (at, (sung * line + index % line) as i64))
    };
    sung.enumerate().filter_map(place).collect()
}

/// A stretch in which the singer stands still.
#[derive(Debug, Clone, Copy)]
struct Hold {
    /// When the next note was due, and when it came, in seconds.
    due_s: f64,
    came_s: f64,
    /// When the singer was found to wait, in seconds.
    found_s: Option<f64>,
}

fn holds(case: &Case, performance: &Performance, onsets: &[f64]) -> Vec<Hold> {
    // The beat that is held is part of the stretch.
    let beat_s = if case.situation == Situation::Fermata { 60.0 / case.bpm } else { 0.0 };
    let hold = |(from_s, to_s): &(f64, f64)| {
        let came_s = onsets.iter().copied().find(|onset| *onset > to_s - 0.15)?;
        let due_s = came_s - (to_s - from_s - beat_s);
        Some(Hold { due_s, came_s, found_s: None })
    };
    performance.holds.iter().filter_map(hold).collect()
}

/// Asks at every beat for the next one, and at every hop whether the singer waits.
fn ask_all(
    case: &Case,
    beats: &[SungBeat],
    holds: &[Hold],
    tune: &Tune,
    listener: &mut Listener,
    outcome: &mut Outcome,
) {
    let mut holds = holds.to_vec();
    let mut waited = false;
    let mut now_s = 0.0;
    for pair in beats.windows(2) {
        while now_s < pair[0].0 {
            let waits = listener.ask(now_s).is_some_and(|found| found.waiting.is_some());
            if waits {
                let held = holds.iter_mut().find(|hold| now_s >= hold.due_s && now_s < hold.came_s + 0.2);
                match held {
                    Some(hold) => hold.found_s = hold.found_s.or(Some(now_s)),
                    None if !waited => outcome.false_waits += 1,
                    None => {}
                }
            }
            waited = waits;
            now_s += HOP_S;
        }
        let found = listener.ask(pair[0].0);
        if beats[0].0 + FIRST_BEATS * 60.0 / case.bpm > pair[0].0 || is_held(&holds, pair) {
            continue;
        }
        outcome.sung_beats += 1;
        let is_right = |beat: i64| found.is_some_and(|found| is_foretold(&found, beat, pair[1].0));
        let right = is_right(pair[1].1);
        outcome.beats[0].push(right);
        outcome.same.push(right || same_beats(tune, pair[1].1).any(is_right));
        outcome.stated.extend(found.map(|found| (found.probability, right)));
    }
    for hold in holds {
        let found = hold.found_s.filter(|found_s| *found_s < hold.came_s);
        outcome.waits.push(found.map(|found_s| (found_s - hold.due_s) * case.bpm / 60.0));
    }
}

/// Whether time stands still between two beats: nobody can know when the second comes.
fn is_held(holds: &[Hold], pair: &[SungBeat]) -> bool {
    holds.iter().any(|hold| pair[0].0 < hold.came_s + HEARD_S && pair[1].0 > hold.due_s + EDGE_S)
}

/// Whether a beat of the song was foretold for a time.
fn is_foretold(found: &KnownPosition, beat: i64, at_s: f64) -> bool {
    (found.beat_s + (beat - found.beat) as f64 * found.period_s - at_s).abs() < BEAT_S
}

/// The same beat of the other lines with the same notes.
fn same_beats(tune: &Tune, beat: i64) -> impl Iterator<Item = i64> {
    let length = tune.line_beats as i64;
    let melody = |line: i64| -> Vec<(i64, u8)> {
        let from = (line * length) as f64;
        let within =
            tune.notes.iter().filter(|n| n.start >= from - 1e-6 && n.start < from + tune.line_beats - 1e-6);
        within.map(|note| (((note.start - from) * 24.0).round() as i64, note.midi)).collect()
    };
    let here = melody(beat / length);
    let lines = (0..tune.lines.len() as i64).filter(|line| *line != beat / length);
    let same: Vec<i64> = lines.filter(|line| melody(*line) == here).collect();
    same.into_iter().map(move |line| line * length + beat % length)
}

/// Asks another follower after two onsets of every hold.
#[expect(clippy::too_many_arguments, reason = "all that a case is")]
fn measure_after_holds(
    case: &Case,
    beats: &[SungBeat],
    holds: &[Hold],
    onsets: &[f64],
    events: &[Event],
    song: &Arc<KnownSong>,
    (period_s, line_s): (Option<f64>, Option<f64>),
    outcome: &mut Outcome,
) {
    let follower = SongFollower::new(song.clone(), period_s, line_s);
    let mut listener = Listener { events, next: 0, follower, last_s: 0.0, sung_s: 0.0 };
    for hold in holds {
        let Some(second_s) = onsets.iter().copied().find(|onset| *onset > hold.came_s + 1e-6) else {
            continue;
        };
        // An onset is known after the shortest note.
        let known_s = second_s + 0.08 + LATENCY_S;
        let Some((at_s, beat)) = beats.iter().copied().find(|beat| beat.0 - DECIDES_S > known_s) else {
            continue;
        };
        let found = listener.ask(at_s - DECIDES_S);
        // Further on than a bar nothing follows from the hold.
        if at_s - second_s < 4.0 * 60.0 / case.bpm {
            outcome.after_hold.push(found.is_some_and(|found| is_foretold(&found, beat, at_s)));
        }
    }
}

/// Bars from the jump until beats are right again; beats are counted from the fourth after the first.
fn recovery(case: &Case, tune: &Tune, right: &[bool]) -> Option<f64> {
    let lines = if case.situation == Situation::Skip { VERSE_LINES - 2 } else { 2 };
    let jump = (lines as f64 * tune.line_beats - FIRST_BEATS) as usize;
    let after = right.get(jump.saturating_sub(1)..)?;
    let again = after.windows(AGAIN_BEATS).position(|row| row.iter().all(|right| *right))?;
    Some(again as f64 / case.meter.beats_per_bar() as f64)
}

/// Whether beats are foretold by online time warping.
fn warped(
    case: &Case,
    song: &KnownSong,
    events: &[Event],
    bar_one_s: f64,
    beats: &[SungBeat],
    holds: &[(f64, f64)],
) -> Vec<bool> {
    let period_s = 60.0 / case.bpm;
    let frame = |place: f64| (bar_one_s + place * period_s) / warping::FRAME_S;
    let mut written = Vec::new();
    for note in song.notes() {
        let (from, to) =
            (frame(note.start_beats) as usize, frame(note.start_beats + 0.95 * note.beats) as usize);
        written.resize(written.len().max(to), Frame::default());
        written[from..to].fill(Frame { midi: Some(note.midi), is_onset: false });
        written[from].is_onset = true;
    }
    let mut warping = Warping::new(written);
    let mut is_onset = false;
    for event in events {
        match event.kind {
            Kind::Hop { midi } => {
                warping.hear(Frame { midi, is_onset });
                is_onset = false;
            }
            Kind::Onset { .. } => is_onset = true,
            Kind::End { .. } => {}
        }
    }
    let mut right = Vec::new();
    for pair in beats.windows(2) {
        let is_held = holds.iter().any(|(from, to)| pair[0].0 < to + HEARD_S && pair[1].0 > from + EDGE_S);
        if beats[0].0 + FIRST_BEATS * period_s > pair[0].0 || is_held {
            continue;
        }
        let known = ((pair[0].0 - LATENCY_S) / warping::FRAME_S).max(0.0) as usize;
        let predicted = warping.predict(known, frame(pair[1].1 as f64));
        right.push(predicted.is_some_and(|at| (at * warping::FRAME_S - pair[1].0).abs() < BEAT_S));
    }
    right
}
