//! How well the band follows.

mod baseline;
pub mod bleed;
pub mod case;
mod demo;
mod known;
mod measure;
mod midi;
pub mod mutual;
mod others;
pub mod real;
mod replies;
mod sound;
mod still;
mod table;
mod tune;
mod written;

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use collavoce::bounce::midi_file;
use collavoce::engine;
use collavoce::follow::studio::segment;
use collavoce::listen::{ListenConfig, PitchMethod, listen_to};
use collavoce::perform::EventKind;
use collavoce::sing::SungSyllable;
use collavoce::song::{Chart, KnownNote, KnownSong, Mode, Settings, Slot};
use collavoce::time::{Bpm, Hz};

use case::{Case, Known, Performance, Situation};
use measure::{Figures, Truth};
use midi::Played;
use replies::Holds;
use sound::RATE;

pub use demo::run as demo;
pub use known::run as known;
pub use midi::f_measure;
pub use written::run as written;

/// Cases of the whole table.
const CASES: usize = 240;
/// Timing-curve seeds from here on are for examinations by others.
const RESERVED: u64 = 1_000;
/// Where nothing is known, the band has so long to find the beat, in seconds.
const FIND_S: f64 = 8.0;
/// A note longer than this is held, in beats: two, less what is not sung before the next.
const LONG_BEATS: f64 = 1.75;
/// Rate at which the performance is written.
const WRITTEN: Hz = Hz(48_000);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many cases.
    pub cases: usize,
    /// Seed of the first one.
    pub first_seed: u64,
    /// Whether a line is printed for each.
    pub each: bool,
    /// The number of the one case that is sung, if not all.
    pub only: Option<usize>,
    /// Whether the studio accompanies the cases in place of the live band.
    pub is_studio: bool,
    /// Recordings of speech, to which no band should play.
    pub speech: Vec<PathBuf>,
    /// Where the songs are written for trackers of others.
    pub write: Option<PathBuf>,
    /// Where those left their beats.
    pub others: Option<PathBuf>,
}

impl Options {
    /// Reads them from the command line.
    pub fn read(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self {
            cases: CASES,
            first_seed: 1,
            each: false,
            only: None,
            is_studio: false,
            speech: Vec::new(),
            write: None,
            others: None,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{argument} needs a value"));
            let mut number = || {
                let number = value()?.parse::<u64>().ok();
                number.with_context(|| format!("{argument} needs a number"))
            };
            match *argument {
                "--speech" => options.speech.push(value()?.into()),
                "--write" => options.write = Some(value()?.into()),
                "--others" => options.others = Some(value()?.into()),
                "--cases" => options.cases = number()? as usize,
                "--seeds-from" => options.first_seed = number()?,
                "--only" => options.only = Some(number()? as usize),
                "--each" => options.each = true,
                "--studio" => options.is_studio = true,
                other => {
                    anyhow::bail!(
                        "{other} is not known; --cases N, --seeds-from N, --only N, --speech FILE, --write FOLDER, --others \
                         FOLDER, --studio and --each are"
                    )
                }
            }
        }
        ensure!(options.cases > 0, "--cases 0: there is nothing to follow");
        ensure!(
            options.first_seed >= RESERVED || options.first_seed + options.cases as u64 <= RESERVED,
            "seeds {} to {} reach into those from {RESERVED} on, which are not looked at while anything is chosen",
            options.first_seed,
            options.first_seed + options.cases as u64 - 1
        );
        Ok(options)
    }
}

/// A case with what came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The case.
    pub case: Case,
    /// The band; none where it never entered.
    pub band: Option<Figures>,
    /// The band that knows the song, where tempo and bar 1 are known.
    pub with_song: Option<Figures>,
    /// A metronome at the mean tempo, a phase-locked loop, and aubio's tempo tracker.
    pub baselines: [Figures; 3],
}

/// Sings every case to the band and prints how it followed.
pub fn run(options: &Options) -> anyhow::Result<()> {
    if !options.speech.is_empty() {
        return still::print(&options.speech);
    }
    let mut cases = case::cases(options.cases, options.first_seed);
    cases.retain(|case| options.only.is_none_or(|only| case.number == only));
    ensure!(
        !cases.is_empty(),
        "--only {}: there are {} cases, counted from 0",
        options.only.unwrap_or(0),
        options.cases
    );
    if options.is_studio {
        return studio(&cases);
    }
    if let Some(folder) = &options.write {
        return others::write(&cases, folder);
    }
    if let Some(folder) = &options.others {
        return others::compare(&cases, folder);
    }
    let outcomes = follow_all(&cases)?;
    if options.each {
        outcomes.iter().for_each(table::print_case);
    }
    table::print(&outcomes);
    if options.only.is_none() {
        still::print(&[])?;
    }
    Ok(())
}

/// Follows all cases, one after the other.
fn follow_all(cases: &[Case]) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(cases.len());
    for case in cases {
        eprint!("\rcase {} of {}", outcomes.len() + 1, cases.len());
        outcomes.push(follow(case)?);
    }
    eprintln!();
    Ok(outcomes)
}

/// What the band is told before a case.
fn settings(case: &Case, performance: &Performance) -> Settings {
    let open = Settings { mode: Mode::Live, ..Settings::default() };
    match case.known {
        Known::Nothing => open,
        Known::Counted => Settings {
            bpm: Some(Bpm(case.bpm)),
            meter: Some(case.meter),
            bar_one_s: Some(performance.vocal.timing.seconds_at(0.0)),
            ..open
        },
    }
}

/// The same, and the song as it is written.
fn knowing(settings: Settings, performance: &Performance) -> anyhow::Result<Settings> {
    let tune = &performance.tune;
    let note = |note: &tune::TuneNote| KnownNote {
        start_beats: note.start,
        beats: note.beats,
        midi: f64::from(note.midi),
    };
    let begins = |line: &f64| tune.notes.partition_point(|note| note.start < line - 1e-6);
    let lines = tune.lines.iter().map(begins).collect();
    let meter = performance.vocal.meter;
    let known = KnownSong::new(meter, tune.notes.iter().map(note).collect(), lines)?;
    let chords = tune.chords.iter().map(|(_, name, _)| Ok(vec![name.parse::<Slot>()?]));
    let chart = Chart { bars: chords.collect::<anyhow::Result<_>>()?, ..Chart::default() };
    Ok(Settings { known: Some(known), chart: Some(chart), ..settings })
}

/// The chord of every bar that is sung.
fn chords_of(case: &Case, performance: &Performance) -> Vec<String> {
    let tune = &performance.tune;
    let bars = (tune.line_beats / case.meter.beats_per_bar() as f64).round() as usize;
    let of_line =
        |line: &usize| tune.chords[line * bars..(line + 1) * bars].iter().map(|chord| chord.1.clone());
    performance.order.iter().flat_map(of_line).collect()
}

/// When notes are sung on a bar line or in the middle of a bar of four, and their MIDI numbers.
fn strong_notes(case: &Case, performance: &Performance) -> Vec<(f64, u8)> {
    let per_bar = case.meter.beats_per_bar();
    let step = if per_bar == 4 { 2.0 } else { per_bar as f64 };
    let vocal = &performance.vocal;
    let is_strong = |at: f64| (at / step - (at / step).round()).abs() < 1e-6;
    let strong = vocal.notes.iter().filter(|note| is_strong(note.start_beat));
    strong.map(|note| (vocal.timing.seconds_at(note.start_beat), note.midi)).collect()
}

/// The beats under each note of two beats and more, where the singer keeps the tempo.
fn under_long_notes(case: &Case, performance: &Performance) -> Vec<Vec<f64>> {
    if matches!(case.situation, Situation::Fermata | Situation::LineEnds) {
        return Vec::new();
    }
    let vocal = &performance.vocal;
    let within = |note: &SungSyllable| -> Vec<f64> {
        let (from, to) = ((note.start_beat + 0.5).ceil() as i64, note.start_beat + note.beats);
        (from..).map(|beat| beat as f64).take_while(|beat| *beat < to).collect()
    };
    let seconds = |beats: Vec<f64>| beats.iter().map(|beat| vocal.timing.seconds_at(*beat)).collect();
    vocal.notes.iter().filter(|note| note.beats > LONG_BEATS).map(|note| seconds(within(note))).collect()
}

/// When the first, second and third pair of lines begin and end, in seconds.
fn pairs_of_lines(performance: &Performance) -> [(f64, f64); 3] {
    let beats = 2.0 * performance.tune.line_beats;
    let begins = |pair: usize| performance.vocal.timing.seconds_at(pair as f64 * beats);
    std::array::from_fn(|pair| (begins(pair), begins(pair + 1)))
}

/// What is true about the holds of a case.
fn holds<'a>(case: &Case, truth: &'a Truth) -> Holds<'a> {
    Holds {
        holds: &truth.holds,
        are_held: case.situation == Situation::Fermata,
        beats: &truth.beats,
        bar_lines: &truth.bar_lines,
        onsets: &truth.onsets,
    }
}

/// Has the studio accompany every case, and prints how often sung notes clash with its chords.
fn studio(cases: &[Case]) -> anyhow::Result<()> {
    let mut clashes = Vec::new();
    for case in cases {
        let performance = case::perform(case)?;
        let sung = performance.vocal.sing(RATE)?;
        let strong = strong_notes(case, &performance);
        let samples = sound::microphone(case, &performance, sung)?;
        let told = Settings { mode: Mode::Studio, ..settings(case, &performance) };
        let Ok(session) = engine::run(&samples, &told, PitchMethod::Nsdf, &mut |_| {}) else { continue };
        let heard_s = samples.len() as f64 / RATE.as_f64();
        let played = Played::read(&midi_file(&session, &told, WRITTEN, &[]), heard_s + session.pad_s)?;
        let late: Vec<(f64, u8)> = strong.iter().map(|(at_s, midi)| (at_s + session.pad_s, *midi)).collect();
        clashes.extend(measure::all_clashes(&late, &played.tones));
    }
    let share = clashes.iter().filter(|clash| **clash).count() as f64 / clashes.len().max(1) as f64;
    println!(
        "sung notes on strong places that clash with the studio's band: {share:.3} of {}",
        clashes.len()
    );
    Ok(())
}

/// A case that is sung: what is true about it, and what the microphone hears.
struct Prepared {
    performance: Performance,
    truth: Truth,
    samples: Vec<f32>,
}

fn prepare(case: &Case) -> anyhow::Result<Prepared> {
    let performance = case::perform(case)?;
    let sung = performance.vocal.sing(RATE)?;
    let onsets: Vec<f64> = sung.truth.notes.iter().map(|note| note.onset_s).collect();
    let first_s = onsets.first().copied().unwrap_or(0.0);
    let last_s = onsets.last().copied().unwrap_or(0.0);
    let beats: Vec<f64> = sung.truth.beats_s.iter().copied().filter(|beat| *beat <= last_s + 0.1).collect();
    let truth = Truth {
        bar_lines: sung.truth.downbeats.iter().filter_map(|index| beats.get(*index).copied()).collect(),
        onsets,
        holds: performance.holds.clone(),
        changed_s: performance.changed_s,
        from_s: match case.known {
            Known::Counted => performance.vocal.timing.seconds_at(0.0),
            Known::Nothing => first_s + FIND_S,
        },
        beats,
        strong: strong_notes(case, &performance),
        under_long: under_long_notes(case, &performance),
    };
    let samples = sound::microphone(case, &performance, sung)?;
    Ok(Prepared { performance, truth, samples })
}

fn follow(case: &Case) -> anyhow::Result<Outcome> {
    let Prepared { performance, truth, samples } = prepare(case)?;
    let heard_s = samples.len() as f64 / RATE.as_f64();
    let chords = chords_of(case, &performance);
    let listen_and_play = |settings: &Settings| -> anyhow::Result<Option<Figures>> {
        let Ok(session) = engine::run(&samples, settings, PitchMethod::Nsdf, &mut |_| {}) else {
            return Ok(None);
        };
        let played = Played::read(&midi_file(&session, settings, WRITTEN, &[]), heard_s)?;
        let entry_s = session
            .played
            .iter()
            .flatten()
            .filter(|event| matches!(event.kind, EventKind::NoteOn { .. }))
            .map(|event| event.at_s)
            .fold(f64::INFINITY, f64::min);
        let sounding = |times: &[f64]| -> Vec<f64> {
            times.iter().copied().filter(|time| *time > entry_s - 0.1).collect()
        };
        let figures = truth.compare(&sounding(&played.beats), &sounding(&played.bar_lines));
        let right_chords = truth.right_chords(&chords, &played.chords);
        let clashes = truth.clashes(&played.tones);
        let pairs_f = truth.beats_between(&played.beats, pairs_of_lines(&performance));
        let replies = holds(case, &truth).replies(&played);
        Ok(Some(Figures { right_chords, clashes, pairs_f, replies, ..figures }))
    };
    let told = settings(case, &performance);
    let band = listen_and_play(&told)?;
    let with_song = match case.known {
        Known::Counted => listen_and_play(&knowing(told, &performance)?)?,
        Known::Nothing => None,
    };
    let bar_one_s = performance.vocal.timing.seconds_at(0.0);
    let last_s = truth.onsets.last().copied().unwrap_or(0.0);
    let config = ListenConfig::live(PitchMethod::Nsdf);
    let (_, heard) = segment(&listen_to(&samples, config), 0.05);
    let known: Vec<(f64, f64)> = heard.iter().map(|onset| (onset.felt_s, onset.known_s)).collect();
    let last_beat_s = truth.beats.last().copied().unwrap_or(last_s);
    let intervals = truth.beats.iter().filter(|beat| **beat > bar_one_s + 1e-6).count();
    let mean_s = (last_beat_s - bar_one_s) / intervals.max(1) as f64;
    let per_bar = case.meter.beats_per_bar();
    let compare = |beats: &[f64]| {
        let bars: Vec<f64> = beats.iter().step_by(per_bar).copied().collect();
        truth.compare(beats, &bars)
    };
    let baselines = [
        compare(&baseline::metronome(bar_one_s, mean_s, heard_s)),
        compare(&baseline::phase_locked(&known, bar_one_s, 60.0 / case.bpm, heard_s)),
        compare(&baseline::aubio(&samples)?),
    ];
    Ok(Outcome { case: *case, band, with_song, baselines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_cases_are_followed_better_than_by_a_metronome() {
        let outcomes = follow_all(&case::cases(12, 1)).expect("twelve cases");
        let of = |figures: &Figures| figures.beats_f;
        let band: f64 = outcomes.iter().map(|outcome| outcome.band.as_ref().map_or(0.0, of)).sum();
        let metronome: f64 = outcomes.iter().map(|outcome| of(&outcome.baselines[0])).sum();
        assert!(band / 12.0 > 0.75, "F70 is {:.3} in the mean", band / 12.0);
        assert!(band > metronome, "F70 is {:.3}, a metronome's {:.3}", band / 12.0, metronome / 12.0);
        for outcome in outcomes.iter().filter(|o| o.case.known == Known::Counted) {
            let figures = outcome.band.as_ref().expect("a band that has been counted in plays");
            let late_s = measure::spread(&figures.errors).0;
            assert!(late_s.abs() < 0.08, "{:?}: {late_s} s late in the mean", outcome.case);
        }
    }

    #[test]
    fn seeds_that_are_reserved_are_not_looked_at_by_the_way() {
        assert!(Options::read(&["--seeds-from", "900", "--cases", "120"]).is_err());
        assert!(Options::read(&["--seeds-from", "1000", "--cases", "3"]).is_ok());
        assert!(Options::read(&["--cases", "0"]).is_err() && Options::read(&["--case", "1"]).is_err());
    }
}
