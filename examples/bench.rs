//! How fast is every stage, which takes the largest share, and did its output change?
//!
//! Sings the demonstration song, again and again up to some minutes, and prints for every stage the seconds it took,
//! the real-time factor on one core, its share, and the SHA-256 of its output. `cargo xtask bench [SECONDS]`.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use collavoce::audio::{Conversion, MonoInput, Resampler, StereoBlock, read_mono, resample};
use collavoce::bounce::{BounceRequest, bounce, hex};
use collavoce::compose::{Plan, PlanRequest, composer_for, form};
use collavoce::engine::{self, BandRenderer, Session};
use collavoce::follow::studio::follow_take;
use collavoce::instrument::Limiter;
use collavoce::limits::{LISTEN_HOP, LISTEN_HZ, MAX_BLOCK};
use collavoce::listen::{ListenConfig, Listener, PitchMethod, listen_to};
use collavoce::perform::{EventKind, NoteEvent, Performer};
use collavoce::score::midi::{self, MidiTrack, TrackMessage};
use collavoce::score::{BarNumber, Part, Score};
use collavoce::song::{Mode, Settings};
use collavoce::time::Hz;
use sha2::{Digest, Sha256};

const RATE: Hz = Hz(48_000);
/// Real-time factor that the whole has to reach on one core.
const AIM: f64 = 20.0;
/// Seconds of singing unless something else is asked for.
const USUAL_S: f64 = 180.0;

/// Below this many seconds the ticks of CPU time are too coarse.
const SHORT_S: f64 = 0.05;

/// Counts the time of the one thread that all stages run on.
#[derive(Clone, Copy)]
struct Clock {
    begun: Instant,
    has_cpu_time: bool,
}

/// A reading of the clock: wall-clock time and CPU time in seconds.
type Reading = (f64, f64);

impl Clock {
    fn new() -> Self {
        Self { begun: Instant::now(), has_cpu_time: cpu_s().is_some() }
    }

    fn name(self) -> &'static str {
        if self.has_cpu_time {
            "CPU time of the thread, wall-clock time below 0.05"
        } else {
            "wall-clock time"
        }
    }

    fn read(self) -> Reading {
        let wall_s = self.begun.elapsed().as_secs_f64();
        (wall_s, if self.has_cpu_time { cpu_s().unwrap_or(wall_s) } else { wall_s })
    }

    fn since(self, start: Reading) -> f64 {
        let now = self.read();
        let (wall_s, cpu_s) = (now.0 - start.0, now.1 - start.1);
        if cpu_s < SHORT_S { wall_s } else { cpu_s }
    }
}

/// CPU time of the main thread, where the system is Linux and counts it.
fn cpu_s() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: u64 = text.split_whitespace().next()?.parse().ok()?;
    (nanoseconds > 0).then_some(nanoseconds as f64 * 1e-9)
}

struct Row {
    name: String,
    seconds: f64,
    sha256: String,
}

struct Table {
    clock: Clock,
    audio_s: f64,
    rows: Vec<Row>,
}

impl Table {
    /// Runs a stage and keeps its time and the hash of what `bytes` makes of its output.
    fn stage<T>(&mut self, name: &str, work: impl FnOnce() -> T, bytes: impl FnOnce(&T) -> Vec<u8>) -> T {
        let start = self.clock.read();
        let output = work();
        let seconds = self.clock.since(start);
        self.rows.push(Row { name: name.to_owned(), seconds, sha256: hex(&Sha256::digest(bytes(&output))) });
        output
    }

    /// The stages one after the other; their sum is the whole.
    fn print(&self) {
        let total_s: f64 = self.rows.iter().map(|row| row.seconds).sum();
        println!("{:20} {:>9} {:>10} {:>7}  sha256 of the output", "stage", "seconds", "x realtime", "share");
        for Row { name, seconds, sha256 } in &self.rows {
            let (factor, share) = (self.audio_s / seconds.max(1e-9), 100.0 * seconds / total_s);
            println!("{name:20} {seconds:9.3} {factor:10.1} {share:6.1}%  {}", &sha256[..16]);
        }
        println!("{:20} {total_s:9.3} {:10.1}", "all stages", self.audio_s / total_s);
    }
}

fn main() -> anyhow::Result<()> {
    let wanted_s = std::env::args().nth(1).map_or(Ok(USUAL_S), |text| text.parse())?;
    let clock = Clock::new();
    let folder = tempfile::tempdir()?;
    let vocal = folder.path().join("vocal.wav");
    let audio_s = sing(&vocal, wanted_s)?;
    println!("{audio_s:.1} s of singing at {} Hz, one thread; seconds are {}", RATE.0, clock.name());

    let mut table = Table { clock, audio_s, rows: Vec::new() };
    let settings = Settings::default();
    let (input, session) = take(&mut table, &vocal, &settings)?;
    sound(&mut table, &input, &session, &settings);
    table.print();

    println!();
    for pitch in [PitchMethod::Nsdf, PitchMethod::Net] {
        blocks(&input.samples, pitch)?;
    }
    live(clock, audio_s, &input.samples, &settings)?;
    whole(clock, audio_s, &vocal, &folder.path().join("out"), settings)
}

/// Writes the demonstration song, over and over, as a 24-bit WAV file; returns its length in seconds.
fn sing(path: &Path, wanted_s: f64) -> anyhow::Result<f64> {
    let sung = collavoce::sing::demo().sing(RATE)?;
    let verse_s = sung.samples.len() as f64 / RATE.as_f64();
    let times = (wanted_s / verse_s).round().max(1.0) as usize;
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE.0,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in sung.samples.iter().cycle().take(times * sung.samples.len()) {
        writer.write_sample(collavoce::audio::quantise(*sample))?;
    }
    writer.finalize()?;
    Ok(times as f64 * verse_s)
}

/// From the file to the score, stage by stage.
fn take(table: &mut Table, vocal: &Path, settings: &Settings) -> anyhow::Result<(MonoInput, Session)> {
    let input = table.stage(
        "decode + resample",
        || read_mono(vocal, Conversion::Whole, &mut |_| {}),
        |input| input.as_ref().map_or(Vec::new(), |input| sample_bytes(&input.samples)),
    )?;
    let config = ListenConfig::studio(PitchMethod::Nsdf);
    let latency_s = Listener::new(config).latency().0 as f64 / f64::from(LISTEN_HZ);
    let heard = table.stage("listen", || listen_to(&input.samples, config), debug_bytes);
    table.stage("follow", || follow_take(&heard, &[], latency_s, settings), debug_bytes)?;

    // The composer gets the score as the engine hands it over: everything but what it writes.
    let session = engine::run(&input.samples, settings, PitchMethod::Nsdf, &mut |_| {})?;
    let mut score = session.score.clone();
    (score.sections, score.chords, score.parts) = (Vec::new(), Vec::new(), Vec::new());
    let plan = table.stage("compose", || compose(&mut score, settings), debug_bytes);
    anyhow::ensure!(
        (&plan.chords, &plan.parts) == (&session.score.chords, &session.score.parts),
        "the composer was asked for something else than the engine asks for"
    );
    Ok((input, session))
}

fn compose(score: &mut Score, settings: &Settings) -> Plan {
    let first = BarNumber(1 - settings.intro_bars as i32);
    let last = BarNumber(score.bars as i32 - score.lead_in_bars as i32);
    score.sections = form::sections(score, settings, first, last);
    let bars = (last.0 - first.0 + 1) as u32;
    composer_for(settings).plan(&PlanRequest {
        score,
        settings,
        first,
        bars,
        heard_until: score.end(),
        is_ending: true,
    })
}

/// From the score to the limited sum and MIDI, stage by stage.
fn sound(table: &mut Table, input: &MonoInput, session: &Session, settings: &Settings) {
    let score = &session.score;
    let events = table.stage("perform", || Performer::new(score, settings, RATE).perform(), debug_bytes);
    let frames = RATE.sample_at(input.duration_s.max(score.tempo.seconds_at(score.end())) + 3.0).0 as usize;
    let mut sum = (vec![0.0; frames], vec![0.0; frames]);
    for part in engine::sounding_parts(score) {
        let name = format!("instrument: {part}");
        let stem = table.stage(&name, || render(&events, part, settings, frames), stereo_bytes);
        for (to, from) in [(&mut sum.0, &stem.0), (&mut sum.1, &stem.1)] {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
    table.stage(
        "limiter",
        || {
            let mut limiter = Limiter::new(RATE);
            for (left, right) in sum.0.chunks_mut(MAX_BLOCK).zip(sum.1.chunks_mut(MAX_BLOCK)) {
                limiter.process(&mut StereoBlock { left, right });
            }
            std::mem::take(&mut sum)
        },
        stereo_bytes,
    );
    table.stage("midi", || midi::write(score, &tracks(&events), &[]), Vec::clone);
}

fn render(events: &[NoteEvent], part: Part, settings: &Settings, frames: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut left, mut right) = (Vec::with_capacity(frames), Vec::with_capacity(frames));
    let mut renderer = BandRenderer::new(events, &[part], RATE, settings.seed, engine::RENDER_BLOCK);
    while left.len() < frames {
        renderer.render(frames - left.len(), &mut |_, l, r| {
            left.extend_from_slice(l);
            right.extend_from_slice(r);
        });
    }
    (left, right)
}

/// The notes of every part.
fn tracks(events: &[NoteEvent]) -> Vec<MidiTrack> {
    let mut pitches = std::collections::BTreeMap::new();
    let mut message = |event: &NoteEvent| match event.kind {
        EventKind::NoteOn { id, pitch, velocity, .. } => {
            pitches.insert(id, pitch.0);
            Some(TrackMessage::NoteOn { pitch: pitch.0, velocity: velocity.get() })
        }
        EventKind::NoteOff { id } => pitches.remove(&id).map(|pitch| TrackMessage::NoteOff { pitch }),
        EventKind::Tuning { .. } | EventKind::Expression { .. } => None,
    };
    let mut track = |part: Part| MidiTrack {
        name: part.to_string(),
        channel: part.midi_channel(),
        program: part.midi_program(),
        messages: events
            .iter()
            .filter(|event| event.part == part)
            .filter_map(|event| Some((event.at.seconds(RATE), message(event)?)))
            .collect(),
    };
    Part::ALL.map(&mut track).into()
}

/// Live listening in blocks of 128 samples at 44.1 kHz, resampling included: microseconds a block by the wall clock.
fn blocks(samples: &[f32], pitch: PitchMethod) -> anyhow::Result<()> {
    let rate = Hz(44_100);
    let sung = resample(samples, 1, Hz(LISTEN_HZ), rate)?;
    let mut resampler = Resampler::streaming(rate, Hz(LISTEN_HZ), 1)?;
    let mut listener = Listener::new(ListenConfig::live(pitch));
    let (mut slow, mut heard) = (Vec::with_capacity(1024), Vec::new());
    let mut times: Vec<f64> = Vec::with_capacity(sung.len() / 128 + 1);
    for block in sung.chunks(128) {
        let begun = Instant::now();
        resampler.push(block, &mut slow);
        while let Some((hop, _)) = slow.split_first_chunk::<LISTEN_HOP>() {
            listener.process(hop, &mut |observation| heard.push(observation));
            slow.drain(..LISTEN_HOP);
        }
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
    times.sort_by(f64::total_cmp);
    let rank = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(0.0);
    let (median, p99, sha256) = (rank(0.5), rank(0.99), hex(&Sha256::digest(debug_bytes(&heard))));
    let name = format!("128 samples, {}", pitch.name());
    println!("{name:20} {mean:6.1} µs mean, {median:.1} median, {p99:.1} 99th percentile  {}", &sha256[..16]);
    Ok(())
}

/// The live engine: listening, following and composing hop by hop.
fn live(clock: Clock, audio_s: f64, samples: &[f32], settings: &Settings) -> anyhow::Result<()> {
    let settings = Settings { mode: Mode::Live, ..settings.clone() };
    let start = clock.read();
    let session = engine::run(samples, &settings, PitchMethod::Nsdf, &mut |_| {})?;
    let seconds = clock.since(start);
    let sha256 = hex(&Sha256::digest(debug_bytes(&session.score)));
    println!("{:20} {seconds:9.3} {:10.1} {:8} {}", "live mode", audio_s / seconds, "", &sha256[..16]);
    Ok(())
}

/// The whole bounce and the stages that it reports.
fn whole(clock: Clock, audio_s: f64, vocal: &Path, out: &Path, settings: Settings) -> anyhow::Result<()> {
    let time = move || clock.read().1;
    let request = BounceRequest { clock: Some(&time), ..BounceRequest::new(vocal, out, settings) };
    let start = clock.read();
    let report = bounce(&request, &mut |_, _| ControlFlow::Continue(()))?;
    let seconds = clock.since(start);
    for (name, stage_s) in report.report["timings_s"].as_object().into_iter().flatten() {
        let stage_s = stage_s.as_f64().unwrap_or(f64::NAN);
        let share = 100.0 * stage_s / seconds;
        println!("{:20} {stage_s:9.3} {:10.1} {share:6.1}%", format!("bounce: {name}"), audio_s / stage_s);
    }
    let mut hasher = Sha256::new();
    // The report says how long things took.
    for file in report.files.iter().filter(|file| *file != "report.json") {
        hasher.update(std::fs::read(out.join(file))?);
    }
    let (factor, sha256) = (audio_s / seconds, hex(&hasher.finalize()));
    println!("{:20} {seconds:9.3} {factor:10.1} {:8} {}", "bounce, end to end", "", &sha256[..16]);
    let verdict = if factor >= AIM { "reached" } else { "MISSED" };
    println!("\nend to end {factor:.1} times real time on one core; the aim of {AIM:.0} is {verdict}");
    Ok(())
}

fn sample_bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn stereo_bytes((left, right): &(Vec<f32>, Vec<f32>)) -> Vec<u8> {
    [sample_bytes(left), sample_bytes(right)].concat()
}

/// Text that shows every number exactly.
fn debug_bytes<T: std::fmt::Debug>(output: &T) -> Vec<u8> {
    format!("{output:?}").into_bytes()
}
