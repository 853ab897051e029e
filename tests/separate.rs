//! What a separation leaves behind: parts that add up to the input to the bit, the same bytes at any block size, a report,
//! and nothing where something is wrong.

mod common;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use collavoce::audio::{FULL_SCALE, StemFormat, StemReader, StereoBlock};
use collavoce::bounce::separate::{SeparateReport, SeparateRequest, separate};
use collavoce::bounce::{BounceReport, BounceRequest, bounce};
use collavoce::engine;
use collavoce::separate::{Centre, InputKind, Percussive, Reference, Separator, Way};
use collavoce::sing::DemoOptions;
use collavoce::song::{Isolate, Seed, Settings, Song};
use collavoce::time::Hz;

use common::sing;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const RATE: u32 = 44_100;
const NO_VOICE: i32 = 3;

/// A stereo file of 24-bit integers.
fn write(path: &Path, rate: u32, left: &[f32], right: &[f32]) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a file");
    for sample in left.iter().zip(right).flat_map(|(left, right)| [left, right]) {
        let integer = (sample * FULL_SCALE as f32).round() as i32;
        writer.write_sample(integer.clamp(-FULL_SCALE, FULL_SCALE - 1)).expect("a sample");
    }
    writer.finalize().expect("a file");
}

fn stem(path: &Path) -> (Vec<i32>, Vec<i32>) {
    let mut reader = StemReader::open(path).expect("a stem");
    let (mut left, mut right) = (Vec::new(), Vec::new());
    while let Some((l, r)) = reader.next_block().expect("a stem") {
        left.extend_from_slice(l);
        right.extend_from_slice(r);
    }
    (left, right)
}

/// Chords that stand, wide, with strokes of noise.
fn band(seconds: f64, rate: u32) -> [Vec<f32>; 2] {
    let mut rng = Seed(5).named("band", 0);
    let frames = (seconds * f64::from(rate)) as usize;
    let mut sound = [Vec::with_capacity(frames), Vec::with_capacity(frames)];
    for n in 0..frames {
        let at_s = n as f64 / f64::from(rate);
        for (channel, sound) in sound.iter_mut().enumerate() {
            let chord = [[130.8, 196.0, 329.6], [164.8, 261.6, 392.0]][channel];
            let tones: f64 = chord.iter().map(|hz| (std::f64::consts::TAU * hz * at_s).sin()).sum();
            let stroke = rng.normal() * (-30.0 * (at_s % 0.5)).exp();
            sound.push((0.1 * tones + 0.2 * stroke) as f32);
        }
    }
    sound
}

/// Eight seconds of the demonstration song, sung.
fn voice(rate: u32) -> Vec<f32> {
    sing(DemoOptions::default(), rate).samples[..8 * rate as usize].iter().map(|x| 0.7 * x).collect()
}

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("work")).expect("a folder");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A mix, and its backing by itself.
    fn mix(&self) -> (PathBuf, PathBuf) {
        let (voice, [left, right]) = (voice(RATE), band(8.0, RATE));
        let with = |channel: &[f32]| channel.iter().zip(&voice).map(|(a, b)| a + b).collect::<Vec<_>>();
        let (mix, backing) = (self.path("mix.wav"), self.path("backing.wav"));
        write(&mix, RATE, &with(&left), &with(&right));
        write(&backing, RATE, &left, &right);
        (mix, backing)
    }

    fn run(&self, input: &Path, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_collavoce"));
        command.stdin(Stdio::null()).arg("separate").arg(input).arg("-o").arg(self.path("work/out"));
        command.args(more).output().expect("a run")
    }

    /// Asserts that a file is refused with all of some texts, and nothing left behind.
    fn refuses(&self, input: &Path, more: &[&str], code: i32, texts: &[&str]) {
        let output = self.run(input, more);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(message.contains("error: ") && !message.contains("panicked"), "{message}");
        for text in texts {
            assert!(message.contains(text), "{text:?} is not in: {message}");
        }
        let left = std::fs::read_dir(self.path("work")).expect("a folder").count();
        assert_eq!(left, 0, "nothing is left behind");
    }
}

fn run(request: &SeparateRequest) -> SeparateReport {
    separate(request, &mut |_, _| ControlFlow::Continue(())).expect("it can be separated")
}

/// Asserts that voice and backing add up to the input.
fn adds_up(input: &Path, out: &Path, extension: &str) -> (Vec<i32>, Vec<i32>) {
    let heard = stem(input);
    let voice = stem(&out.join(format!("voice.{extension}")));
    let backing = stem(&out.join(format!("backing.{extension}")));
    let sum = |a: &[i32], b: &[i32]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
    assert_eq!(heard.0.len(), voice.0.len());
    assert!(heard == (sum(&voice.0, &backing.0), sum(&voice.1, &backing.1)), "the parts do not add up");
    voice
}

fn energy(samples: &[i32]) -> f64 {
    samples.iter().map(|s| (f64::from(*s) / f64::from(FULL_SCALE)).powi(2)).sum()
}

#[test]
fn voice_and_backing_add_up_to_the_input_by_every_way() {
    let bench = Bench::new();
    let (mix, backing) = bench.mix();
    let out = bench.path("out");
    for way in Way::ALL {
        for is_live in [false, true] {
            let request = SeparateRequest {
                way: Some(way),
                is_live,
                backing: (way == Way::Reference).then(|| backing.clone()),
                ..SeparateRequest::new(&mix, &out)
            };
            let done = run(&request);
            assert_eq!(done.files, ["voice.wav", "backing.wav", "report.json"]);
            let voice = adds_up(&mix, &out, "wav");
            assert!(energy(&voice.0) > 0.0, "{way} finds nothing");
        }
    }
    let request = SeparateRequest { format: StemFormat::Flac, ..SeparateRequest::new(&mix, &out) };
    run(&request);
    adds_up(&mix, &out, "flac");
}

#[test]
fn loud_files_add_up_as_well() {
    let bench = Bench::new();
    let path = bench.path("loud.wav");
    let loud: Vec<f32> = voice(RATE).iter().map(|x| (40.0 * x).clamp(-1.0, 1.0)).collect();
    let [left, _] = band(8.0, RATE);
    let other: Vec<f32> = left.iter().map(|x| (30.0 * x).clamp(-1.0, 1.0)).collect();
    write(&path, RATE, &loud, &other);
    for way in [Way::Centre, Way::Percussive] {
        let request = SeparateRequest { way: Some(way), ..SeparateRequest::new(&path, bench.path("out")) };
        run(&request);
        adds_up(&path, &bench.path("out"), "wav");
    }
}

#[test]
fn every_block_size_gives_the_same_bytes() {
    let bench = Bench::new();
    let (mix, backing) = bench.mix();
    for way in [Way::Centre, Way::Percussive, Way::Reference, Way::Network] {
        let request = SeparateRequest {
            way: Some(way),
            is_live: true,
            backing: (way == Way::Reference).then(|| backing.clone()),
            ..SeparateRequest::new(&mix, bench.path("out"))
        };
        let first = run(&request).report;
        for block in [1, 333] {
            assert!(
                run(&SeparateRequest { block, ..request.clone() }).report == first,
                "{way}, blocks of {block}"
            );
        }
    }
}

#[test]
fn what_is_heard_decides() {
    let bench = Bench::new();
    let (mix, backing) = bench.mix();
    let dry = bench.path("dry.wav");
    write(&dry, RATE, &voice(RATE), &voice(RATE));
    let done = run(&SeparateRequest::new(&dry, bench.path("out")));
    assert_eq!((done.verdict.kind, done.way), (InputKind::DryVoice, Way::Off));
    assert_eq!(energy(&stem(&bench.path("out/backing.wav")).0), 0.0);
    let done = run(&SeparateRequest::new(&mix, bench.path("out")));
    assert_eq!((done.verdict.kind, done.way), (InputKind::StereoMix, Way::Network));
    let request =
        SeparateRequest { backing: Some(backing.clone()), ..SeparateRequest::new(&mix, bench.path("out")) };
    let done = run(&request);
    assert_eq!(done.way, Way::Reference);
    // The voice by itself is known: what was taken out is the backing.
    let found = stem(&bench.path("out/voice.wav"));
    let error: f64 = found
        .0
        .iter()
        .zip(&voice(RATE))
        .map(|(found, voice)| (f64::from(*found) / f64::from(FULL_SCALE) - f64::from(*voice)).powi(2))
        .sum();
    let ratio = 10.0 * (voice(RATE).iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / error).log10();
    assert!(ratio > 12.0, "{ratio:.1} dB");
    bench.refuses(&backing, &[], NO_VOICE, &["backing.wav", "no voice found", "--way"]);
}

#[test]
fn the_report_names_what_was_found_and_every_file_carries_its_name() {
    let bench = Bench::new();
    let (mix, backing) = bench.mix();
    let output = bench.run(&mix, &["--backing", &backing.display().to_string(), "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let out = bench.path("work/out");
    let written = std::fs::read(out.join("report.json")).expect("a report");
    let written: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!(printed, written);
    assert_eq!(written["schema"], "collavoce.separation/1");
    assert_eq!((&written["way"]["name"], &written["way"]["asked"]), (&"reference".into(), &"auto".into()));
    assert!(written["reference"]["delay_s"].as_f64().expect("a delay").abs() < 1e-4);
    assert_eq!(written["provenance"]["backing"]["file"], "backing.wav");
    let id = written["separation_id"].as_str().expect("a name").as_bytes();
    for file in ["voice.wav", "backing.wav", "report.json"] {
        let bytes = std::fs::read(out.join(file)).expect("a file");
        assert!(bytes.windows(id.len()).any(|w| w == id), "{file} does not carry the name");
    }
    // Again, in place of the first, and the same.
    let again = bench.run(&mix, &["--backing", &backing.display().to_string(), "--quiet"]);
    assert!(again.status.success() && again.stdout.is_empty());
    let text = std::fs::read(out.join("report.json")).expect("a report");
    assert_eq!(written, serde_json::from_slice::<serde_json::Value>(&text).expect("JSON"));
}

#[test]
fn what_cannot_be_done_is_said() {
    let bench = Bench::new();
    let (mix, backing) = bench.mix();
    let backing = backing.display().to_string();
    bench.refuses(&bench.path("none.wav"), &[], 1, &["none.wav", "no such file"]);
    bench.refuses(&mix, &["--way", "magic"], 2, &["magic", "percussive", "auto"]);
    bench.refuses(&mix, &["--way", "reference"], 1, &["mix.wav", "--backing"]);
    bench.refuses(
        &mix,
        &["--way", "centre", "--backing", &backing],
        1,
        &["mix.wav", "centre", "--way reference"],
    );
    bench.refuses(&mix, &["--backing", "nowhere.wav"], 1, &["nowhere.wav", "no such file"]);
    let mono = bench.path("mono.wav");
    write(&mono, RATE, &voice(RATE), &voice(RATE));
    bench.refuses(&mono, &["--way", "centre"], 1, &["mono.wav", "the same", "--way percussive"]);
    let other = bench.path("other.wav");
    let mut rng = Seed(1).named("other", 0);
    let noise: Vec<f32> = (0..8 * RATE).map(|_| 0.1 * rng.normal() as f32).collect();
    write(&other, RATE, &noise, &noise);
    let other = other.display().to_string();
    bench.refuses(&mix, &["--backing", &other], 1, &["other.wav", "mix.wav", "not heard", "hint"]);
    let silence = bench.path("silence.wav");
    write(&silence, RATE, &vec![0.0; 4 * RATE as usize], &vec![0.0; 4 * RATE as usize]);
    bench.refuses(&silence, &[], NO_VOICE, &["silence.wav", "no voice found"]);
    // A folder of somebody else's.
    std::fs::create_dir(bench.path("work/out")).expect("a folder");
    std::fs::write(bench.path("work/out/thesis.txt"), "years of work").expect("a file");
    let output = bench.run(&mix, &[]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("out holds files"));
    assert!(bench.path("work/out/thesis.txt").exists());
}

#[test]
fn low_and_high_rates_work() {
    let bench = Bench::new();
    for rate in [8_000, 192_000] {
        let path = bench.path("rate.wav");
        let (voice, [left, right]) = (voice(rate), band(8.0, rate));
        let with = |channel: &[f32]| channel.iter().zip(&voice).map(|(a, b)| a + b).collect::<Vec<_>>();
        write(&path, rate, &with(&left), &with(&right));
        for way in [Way::Centre, Way::Percussive] {
            run(&SeparateRequest { way: Some(way), ..SeparateRequest::new(&path, bench.path("out")) });
            adds_up(&path, &bench.path("out"), "wav");
        }
        // The network hears some rates only; without it there are other ways.
        let network =
            SeparateRequest { way: Some(Way::Network), ..SeparateRequest::new(&path, bench.path("out")) };
        let heard = separate(&network, &mut |_, _| ControlFlow::Continue(()));
        assert_eq!(heard.is_ok(), rate == 192_000, "{rate} Hz");
        assert_eq!(Way::of_mix(InputKind::MonoMix, Hz(rate)) == Way::Network, rate == 192_000);
    }
}

#[test]
fn broken_off_it_leaves_nothing() {
    let bench = Bench::new();
    let (mix, _) = bench.mix();
    let out = bench.path("work/out");
    let request = SeparateRequest::new(&mix, &out);
    for after in [0, 5, 40] {
        let mut steps = 0;
        let result = separate(&request, &mut |_, _| {
            steps += 1;
            if steps > after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let message = result.expect_err("it was broken off").to_string();
        assert!(message.contains("broken off"), "{message}");
        assert_eq!(std::fs::read_dir(bench.path("work")).expect("a folder").count(), 0);
    }
}

#[test]
fn separating_allocates_nothing() {
    for rate in [Hz(44_100), Hz(192_000)] {
        let [left, right] = band(0.5, rate.0);
        let mut separators: [Box<dyn Separator>; 4] = [
            Box::new(Centre::new(rate)),
            Box::new(Percussive::new(rate)),
            Box::new(Percussive::offline(rate)),
            Box::new(Reference::new(rate, [left.clone(), right.clone()], false)),
        ];
        for separator in &mut separators {
            let (mut left, mut right) = (left.clone(), right.clone());
            assert_no_alloc(|| {
                for (left, right) in left.chunks_mut(256).zip(right.chunks_mut(256)) {
                    separator.process(&mut StereoBlock { left, right });
                }
                separator.reset();
            });
        }
    }
}

/// A song of the demonstration singer over chords that last a bar, as `accompany` takes it.
#[test]
fn a_rough_demo_is_accompanied_by_its_own_chords() {
    let bench = Bench::new();
    let sung = sing(DemoOptions::default(), RATE);
    let frames = 16 * RATE as usize;
    let voice: Vec<f32> = sung.samples[..frames].iter().map(|x| 0.7 * x).collect();
    let [left, right] = band(16.0, RATE);
    let with = |channel: &[f32]| channel.iter().zip(&voice).map(|(a, b)| a + b).collect::<Vec<_>>();
    let (mix, dry, backing) = (bench.path("mix.wav"), bench.path("dry.wav"), bench.path("backing.wav"));
    write(&mix, RATE, &with(&left), &with(&right));
    write(&dry, RATE, &voice, &voice);
    write(&backing, RATE, &left, &right);
    let quiet = |_: collavoce::bounce::Stage, _: f64| ControlFlow::Continue(());
    let bounced = |request: &BounceRequest<'_>| bounce(request, &mut { quiet }).expect("it is accompanied");
    let out = bench.path("out");
    let auto = Settings { isolate: Isolate::Auto, ..Settings::default() };
    let done = bounced(&BounceRequest::new(&mix, &out, auto.clone()));
    adds_up(&mix, &out, "wav");
    assert_eq!(done.report["isolation"]["way"]["name"], "network");
    assert_eq!(done.report["provenance"]["vocal"]["file"], "mix.wav");
    assert!(done.files.contains(&"voice.wav".to_owned()) && done.report["sha256"]["voice.wav"].is_string());
    assert!(!done.session.take.notes.is_empty());
    // The chords are those of the backing: C all along, whatever is sung.
    let of_band =
        done.session.score.chords.iter().filter(|span| span.chord.lead_sheet(false).starts_with('C'));
    assert!(2 * of_band.count() > done.session.score.chords.len(), "{:?}", done.session.score.chords);
    // What plays in the mix is not written again where only what is missing is wanted.
    let present = |done: &BounceReport| done.session.take.mix.as_ref().expect("a mix").present.clone();
    assert!(!present(&done).is_empty() && present(&done).len() < 4, "{:?}", present(&done));
    assert_eq!(done.session.score.parts.iter().map(|bar| bar.part).collect::<BTreeSet<_>>().len(), 4);
    let fills = bounced(&BounceRequest::new(&mix, &out, Settings { fills_in: true, ..auto.clone() }));
    assert!(fills.session.score.parts.iter().all(|bar| !present(&done).contains(&bar.part)));
    assert!(present(&done).iter().all(|part| !fills.files.contains(&format!("{}.wav", part.name()))));
    // The chords stay with the song, and none of them is the user's.
    let song = Song::from_bytes(&std::fs::read(out.join("song.collavoce")).expect("a song")).expect("a song");
    assert!(song.settings.fixed.is_empty() && song.heard.mix == fills.session.take.mix);
    let again = engine::recompose(&song, &song.settings).expect("it is written again");
    assert_eq!(again.score.chords, fills.session.score.chords);
    // A voice by itself is left alone.
    let alone = bounced(&BounceRequest::new(&dry, &out, Settings { fills_in: true, ..auto.clone() }));
    assert!(alone.report.get("isolation").is_none() && !out.join("voice.wav").exists());
    let off = bounced(&BounceRequest::new(&dry, &out, Settings::default()));
    assert_eq!(off.report, alone.report);
    // Stems from elsewhere: the band plays the backing's chords to the voice.
    let stems =
        BounceRequest { backing: Some(backing), ..BounceRequest::new(&dry, &out, Settings::default()) };
    let done = bounced(&stems);
    assert_eq!(done.report["provenance"]["sidechain"]["file"], "backing.wav");
    let of_band =
        done.session.score.chords.iter().filter(|span| span.chord.lead_sheet(false).starts_with('C'));
    assert!(2 * of_band.count() > done.session.score.chords.len(), "{:?}", done.session.score.chords);
}
