//! How well a band follows whose speakers sound into the singer's microphone.
//!
//! The loop is closed: hop by hop the band hears the voice and the echo of what it has played itself, and plays on. It is
//! sung to three times, without the echo, with it, and with it and the canceller; and then it is left alone with its own
//! echo after it was counted in.

use collavoce::audio::Resampler;
use collavoce::bounce::midi_file;
use collavoce::engine::{Causal, Inline, Player};
use collavoce::limits::LISTEN_HOP;
use collavoce::listen::{EchoCanceller, ListenConfig, PitchMethod};
use collavoce::perform::{EventKind, NoteEvent};
use collavoce::song::{Mode, Rng, Settings};
use collavoce::time::{Bpm, Hz};

use super::case::{self, Case, Known, Performance, Room};
use super::measure::{Truth, median, quantile};
use super::midi::Played;
use super::sound::RATE;
use super::{FIND_S, Options, WRITTEN, settings};

/// Cases unless something else is asked for.
const CASES: usize = 13;
/// The band lies so far below the voice, in dB.
const BELOW_DB: f64 = 6.0;
/// From the speakers to the microphone, buffers of the sound card included, in seconds.
const DELAY_S: f64 = 0.02;
/// Reverberation time of the room in seconds.
const REVERB_S: f64 = 0.5;
/// How much of the echo's power comes straight from the speakers.
const DIRECT: f64 = 0.5;
/// Rate of the band's instruments.
const BAND: Hz = Hz(48_000);
/// Samples of the band in a hop.
const BAND_HOP: usize = LISTEN_HOP * (BAND.0 / RATE.0) as usize;
/// Hops whose power is less than this share of the mean do not sound.
const SOUNDS: f64 = 0.05;
/// How long the band is left alone, in seconds, and over how long a tempo is taken there.
const ALONE_S: (f64, f64) = (60.0, 10.0);
/// Seconds in which the canceller may find the path before its effect is measured.
const LEARNT_S: f64 = 5.0;

/// What the microphone hears of the band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bleed {
    None,
    Heard,
    Cancelled,
}

/// What came of one run.
struct Run {
    /// Beat F-measure; none where the band never entered.
    beats_f: Option<f64>,
    /// What the band played, at [`RATE`].
    band: Vec<f32>,
    /// Echo return loss enhancement in dB, after [`LEARNT_S`].
    erle_db: f64,
    /// Every beat that was decided, in seconds.
    beats_s: Vec<f64>,
}

/// Runs the cases and prints how far the echo leads the band astray.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let mut options = Options::read(arguments)?;
    if !arguments.contains(&"--cases") {
        options.cases = CASES;
    }
    println!("case situation             none  heard  cancelled  ERLE dB   alone: heard %  cancelled %");
    let (mut scores, mut drifts, mut erles) =
        ([const { Vec::new() }; 3], [const { Vec::new() }; 2], Vec::new());
    for case in case::cases(options.cases, options.first_seed) {
        let case = Case { room: Room::Dry, ..case };
        let Row { beats_f, erle_db, drift } = follow(&case)?;
        let [none, heard, cancelled] = beats_f;
        println!(
            "{:4} {:20} {none:6.3} {heard:6.3} {cancelled:10.3} {erle_db:8.1} {:16.2} {:12.2}",
            case.number,
            case.situation.name(),
            100.0 * drift[0],
            100.0 * drift[1]
        );
        scores.iter_mut().zip(beats_f).for_each(|(all, score)| all.push(score));
        drifts.iter_mut().zip(drift).for_each(|(all, drift)| all.push(drift.abs()));
        erles.push(erle_db);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    println!(
        "mean beat F at 70 ms: none {:.3}, heard {:.3}, cancelled {:.3}; median ERLE {:.1} dB",
        mean(&scores[0]),
        mean(&scores[1]),
        mean(&scores[2]),
        median(&erles).unwrap_or(0.0)
    );
    for (name, all) in ["heard", "cancelled"].iter().zip(&drifts) {
        let (middle, most) = (median(all).unwrap_or(0.0), quantile(all, 1.0).unwrap_or(0.0));
        println!(
            "alone, {name}: tempo off by {:.2} % (median), {:.2} % (most)",
            100.0 * middle,
            100.0 * most
        );
    }
    Ok(())
}

/// The figures of a case.
struct Row {
    beats_f: [f64; 3],
    erle_db: f64,
    /// Tempo at the end less the stated one, as a share of it.
    drift: [f64; 2],
}

fn follow(case: &Case) -> anyhow::Result<Row> {
    let performance = case::perform(case)?;
    let sung = performance.vocal.sing(RATE)?;
    let truth = truth(case, &performance, &sung.truth);
    let asked = settings(case, &performance);
    let voice = &sung.samples;
    let path = path(case.seed);
    let none = sing_to(voice, &asked, &path, 0.0, Bleed::None, Some(&truth))?;
    let gain = level(voice, &convolved(&none.band, &path));
    let heard = sing_to(voice, &asked, &path, gain, Bleed::Heard, Some(&truth))?;
    let cancelled = sing_to(voice, &asked, &path, gain, Bleed::Cancelled, Some(&truth))?;
    let counted = Settings {
        mode: Mode::Live,
        bpm: Some(Bpm(case.bpm)),
        meter: Some(case.meter),
        count_in_bars: 1,
        ..Settings::default()
    };
    let silence = vec![0.0; (ALONE_S.0 * RATE.as_f64()) as usize];
    let alone = |bleed: Bleed| -> anyhow::Result<f64> {
        let beats_s = sing_to(&silence, &counted, &path, gain, bleed, None)?.beats_s;
        let late: Vec<f64> = beats_s.into_iter().filter(|at| *at > ALONE_S.0 - ALONE_S.1).collect();
        let (Some(first), Some(last)) = (late.first(), late.last()) else { return Ok(f64::NAN) };
        let period_s = (last - first) / (late.len() - 1).max(1) as f64;
        Ok(60.0 / period_s / case.bpm - 1.0)
    };
    Ok(Row {
        beats_f: [&none, &heard, &cancelled].map(|run| run.beats_f.unwrap_or(0.0)),
        erle_db: cancelled.erle_db,
        drift: [alone(Bleed::Heard)?, alone(Bleed::Cancelled)?],
    })
}

fn truth(case: &Case, performance: &Performance, sung: &collavoce::sing::Truth) -> Truth {
    let onsets: Vec<f64> = sung.notes.iter().map(|note| note.onset_s).collect();
    let last_s = onsets.last().copied().unwrap_or(0.0);
    let beats: Vec<f64> = sung.beats_s.iter().copied().filter(|beat| *beat <= last_s + 0.1).collect();
    Truth {
        bar_lines: sung.downbeats.iter().filter_map(|index| beats.get(*index).copied()).collect(),
        holds: performance.holds.clone(),
        changed_s: performance.changed_s,
        from_s: match case.known {
            Known::Counted => performance.vocal.timing.seconds_at(0.0),
            Known::Nothing => onsets.first().copied().unwrap_or(0.0) + FIND_S,
        },
        onsets,
        beats,
        strong: Vec::new(),
        under_long: Vec::new(),
    }
}

/// The loop: the band hears, decides, plays, and hears what it plays.
fn sing_to(
    voice: &[f32],
    asked: &Settings,
    path: &[f32],
    gain: f32,
    bleed: Bleed,
    truth: Option<&Truth>,
) -> anyhow::Result<Run> {
    let asked = Settings { hears_band: bleed == Bleed::Cancelled, ..asked.clone() };
    let mut engine = Causal::new(ListenConfig::live(PitchMethod::Nsdf), &asked);
    let mut link = Inline::default();
    let mut stage = Stage::new(&asked, path)?;
    let mut measure = Measure::default();
    let mut beats_s: Vec<f64> = Vec::new();
    let hops = voice.len() / LISTEN_HOP;
    for hop in 0..hops {
        stage.play_until((hop + 1) * LISTEN_HOP);
        let from = hop * LISTEN_HOP;
        let sung: [f32; LISTEN_HOP] = std::array::from_fn(|index| voice[from + index]);
        let echo: [f32; LISTEN_HOP] = match bleed {
            Bleed::None => [0.0; LISTEN_HOP],
            _ => std::array::from_fn(|index| gain * stage.echo[from + index]),
        };
        let microphone = std::array::from_fn(|index| sung[index] + echo[index]);
        let band: [f32; LISTEN_HOP] = std::array::from_fn(|index| stage.band[from + index]);
        if bleed == Bleed::Cancelled {
            measure.take(&microphone, &band, &echo, &sung, from as f64 / RATE.as_f64());
        }
        engine.hear_band(&band);
        engine.process(&microphone, &mut link)?;
        for event in engine.take_events() {
            let at = BAND.sample_at(event.at_s);
            stage.player.push(NoteEvent { at, part: event.part, kind: event.kind });
            stage.note(event.at_s, &event.kind);
        }
        let following = engine.following();
        if following.period_s > 0.0 && beats_s.last() != Some(&following.beat_s) {
            beats_s.push(following.beat_s);
        }
    }
    let heard_s = (hops * LISTEN_HOP) as f64 / RATE.as_f64();
    let beats_f = match (truth, engine.finish(heard_s, &mut link.band)) {
        (Some(truth), Ok(session)) => {
            let played = Played::read(&midi_file(&session, &asked, WRITTEN, &[]), heard_s)?;
            let sounding: Vec<f64> =
                played.beats.iter().copied().filter(|time| *time > stage.entry_s - 0.1).collect();
            Some(truth.compare(&sounding, &[]).beats_f)
        }
        _ => None,
    };
    Ok(Run { beats_f, band: stage.band, erle_db: measure.erle_db(), beats_s })
}

/// The band's instruments, its speakers and the room.
struct Stage<'a> {
    player: Player,
    resampler: Resampler,
    path: &'a [f32],
    /// What the speakers are given, and what comes to the microphone of it, at [`RATE`].
    band: Vec<f32>,
    echo: Vec<f32>,
    /// When the first note sounds, in seconds.
    entry_s: f64,
}

impl<'a> Stage<'a> {
    fn new(asked: &Settings, path: &'a [f32]) -> anyhow::Result<Self> {
        Ok(Self {
            player: Player::new(BAND, asked.seed),
            resampler: Resampler::streaming(BAND, RATE, 1)?,
            path,
            band: Vec::new(),
            echo: Vec::new(),
            entry_s: f64::INFINITY,
        })
    }

    fn note(&mut self, at_s: f64, kind: &EventKind) {
        if matches!(kind, EventKind::NoteOn { .. }) {
            self.entry_s = self.entry_s.min(at_s);
        }
    }

    /// Plays on until so many samples have left the converter: that of the input holds them up as long.
    fn play_until(&mut self, samples: usize) {
        while self.band.len() < samples {
            let mut sum = [0.0f32; BAND_HOP];
            self.player.render(BAND_HOP, &mut |_, _| {}, &mut |_, from, left, right| {
                for ((sum, l), r) in sum[from..].iter_mut().zip(left).zip(right) {
                    *sum += 0.5 * (l + r);
                }
            });
            let from = self.band.len();
            self.resampler.push(&sum, &mut self.band);
            self.echo.resize(self.band.len() + self.path.len(), 0.0);
            for (index, sample) in self.band[from..].iter().enumerate() {
                for (echo, path) in self.echo[from + index..].iter_mut().zip(self.path) {
                    *echo += sample * path;
                }
            }
        }
    }
}

/// How much of the echo a canceller takes away.
#[derive(Default)]
struct Measure {
    canceller: EchoCanceller,
    echo: f64,
    left: f64,
}

impl Measure {
    fn take(
        &mut self,
        microphone: &[f32; LISTEN_HOP],
        band: &[f32; LISTEN_HOP],
        echo: &[f32; LISTEN_HOP],
        voice: &[f32; LISTEN_HOP],
        at_s: f64,
    ) {
        let mut cleaned = *microphone;
        self.canceller.process(&mut cleaned, band);
        if at_s > LEARNT_S {
            self.echo += power(echo);
            let left: Vec<f32> = cleaned.iter().zip(voice).map(|(cleaned, voice)| cleaned - voice).collect();
            self.left += power(&left);
        }
    }

    fn erle_db(&self) -> f64 {
        10.0 * (self.echo / self.left.max(1e-20)).max(1e-20).log10()
    }
}

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum()
}

/// The room's answer to the speakers, of power 1.
fn path(seed: u64) -> Vec<f32> {
    let mut random = Rng::keyed(&[seed, 0x626c_6564]);
    let (delay, length) = ((DELAY_S * RATE.as_f64()) as usize, (REVERB_S * RATE.as_f64()) as usize);
    let decay = -6.9 / (REVERB_S * RATE.as_f64());
    let tail: Vec<f64> = (0..length).map(|n| random.normal() * (decay * n as f64).exp()).collect();
    let norm = (tail.iter().map(|x| x * x).sum::<f64>() / (1.0 - DIRECT)).sqrt();
    let mut path = vec![0.0; delay];
    path.extend(tail.iter().map(|x| (x / norm) as f32));
    path[delay] += DIRECT.sqrt() as f32;
    path
}

fn convolved(samples: &[f32], path: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0f32; samples.len() + path.len()];
    for (index, sample) in samples.iter().enumerate() {
        for (out, path) in out[index..].iter_mut().zip(path) {
            *out += sample * path;
        }
    }
    out
}

/// The gain that sets the echo where it belongs below the voice, by the hops in which both sound.
fn level(voice: &[f32], echo: &[f32]) -> f32 {
    let powers = |samples: &[f32]| -> Vec<f64> { samples.chunks(LISTEN_HOP).map(power).collect() };
    let (voice, echo) = (powers(voice), powers(echo));
    let sounds = |powers: &[f64]| SOUNDS * powers.iter().sum::<f64>() / powers.len().max(1) as f64;
    let least = (sounds(&voice), sounds(&echo));
    let both = voice.iter().zip(&echo).filter(|(voice, echo)| **voice > least.0 && **echo > least.1);
    let sum = both.fold((0.0, 0.0), |sum, (voice, echo)| (sum.0 + voice, sum.1 + echo));
    (sum.0 / sum.1.max(1e-20) * 10f64.powf(-BELOW_DB / 10.0)).sqrt() as f32
}
