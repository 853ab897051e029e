//! What the program says, and leaves behind, when something is wrong: a sentence that names the file and the limit,
//! an exit code, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use collavoce::engine::BandRenderer;
use collavoce::limits;
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part, Velocity};
use collavoce::song::{Rng, Seed};
use collavoce::time::{Hz, SampleTime};

/// Exit code where the input holds no voice.
const NO_VOICE: i32 = 3;
/// Exit code of a mistake on the command line.
const USAGE: i32 = 2;

/// A folder for inputs, and one beside it that nothing may be left in.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("work")).expect("a folder");
        Self { folder }
    }

    /// A file of some bytes.
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path
    }

    fn wav(&self, name: &str, rate: u32, channels: u16, samples: &[f32]) -> PathBuf {
        let path = self.folder.path().join(name);
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(&path, spec).expect("a file");
        samples.iter().for_each(|sample| writer.write_sample(*sample).expect("a sample"));
        writer.finalize().expect("a file");
        path
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn accompany(&self, vocal: &Path, more: &[&str]) -> Output {
        program()
            .arg("accompany")
            .arg(vocal)
            .arg("-o")
            .arg(self.work().join("out"))
            .args(more)
            .output()
            .expect("a run")
    }

    /// Asserts that a vocal is refused with some code, that the message holds the name of the file and all of some
    /// texts, and that nothing is left behind.
    fn refuses(&self, vocal: &Path, more: &[&str], code: i32, texts: &[&str]) {
        let name = vocal.file_name().expect("a name").to_string_lossy().into_owned();
        let mut wanted = vec![name.as_str()];
        wanted.extend(texts);
        says(&self.accompany(vocal, more), code, &wanted);
        assert_eq!(names_in(&self.work()), [""; 0], "nothing is left behind");
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_collavoce"));
    command.stdin(Stdio::null());
    command
}

/// Asserts exit code and message of a run that failed.
fn says(output: &Output, code: i32, texts: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(message.contains("error: "), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    for text in texts {
        assert!(message.contains(text), "{text:?} is not in: {message}");
    }
    assert!(output.stdout.is_empty(), "nothing but messages: {}", String::from_utf8_lossy(&output.stdout));
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

const SUNG_HZ: u32 = 16_000;

/// The program's own song as the bytes of a 16-bit mono WAV file, some times over.
fn sung(times: usize) -> Vec<u8> {
    static SAMPLES: OnceLock<Vec<f32>> = OnceLock::new();
    let samples =
        SAMPLES.get_or_init(|| collavoce::sing::demo().sing(Hz(SUNG_HZ)).expect("a rate that works").samples);
    let mut bytes = std::io::Cursor::new(Vec::new());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SUNG_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    for sample in std::iter::repeat_n(samples, times).flatten() {
        writer.write_sample((sample * 32_767.0) as i16).expect("a sample");
    }
    writer.finalize().expect("a file");
    bytes.into_inner()
}

/// A FLAC file of noise.
fn flac(bench: &Bench, name: &str) -> PathBuf {
    use collavoce::audio::{StemFormat, StemWriter};
    let path = bench.folder.path().join(name);
    let mut rng = Seed(3).named("flac", 0);
    let samples: Vec<i32> = (0..4 * 48_000).map(|_| (rng.normal() * 1e5) as i32).collect();
    let mut writer =
        StemWriter::create(&path, StemFormat::Flac, Hz(48_000), samples.len() as u64, "").expect("a file");
    writer.write(&samples, &samples).expect("samples");
    writer.finish().expect("a file");
    path
}

fn noise(rng: &mut Rng, len: usize, level: f32) -> Vec<f32> {
    (0..len).map(|_| (rng.normal() as f32 * level).clamp(-1.0, 1.0)).collect()
}

#[test]
fn paths_that_hold_no_audio() {
    let bench = Bench::new();
    bench.refuses(&bench.folder.path().join("nothing.wav"), &[], 1, &["no such file"]);
    let folder = bench.folder.path().join("songs");
    fs::create_dir(&folder).expect("a folder");
    bench.refuses(&folder, &[], 1, &["is a folder"]);
    bench.refuses(&bench.file("empty.wav", b""), &[], 1, &["0 bytes"]);
    let text = "These are the words of a song, and no sound.\n".repeat(200);
    bench.refuses(&bench.file("words.wav", text.as_bytes()), &[], 1, &["is not audio", "WAV"]);
}

#[test]
fn files_that_were_cut_off() {
    let bench = Bench::new();
    let wav = sung(1);
    bench.refuses(&bench.file("cut.wav", &wav[..wav.len() / 2]), &[], 1, &["cut off", "s of audio"]);
    let whole = fs::read(flac(&bench, "whole.flac")).expect("a file");
    bench.refuses(&bench.file("cut.flac", &whole[..whole.len() / 2]), &[], 1, &["cut off"]);
}

#[test]
fn a_wrong_ending_of_the_name_does_no_harm() {
    let bench = Bench::new();
    for name in ["song.mp3", "song.txt", "song"] {
        let path = bench.file(name, &sung(1));
        let output = program().arg("analyze").arg(path).output().expect("a run");
        let heard = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && heard.contains("D major"), "{name}: {heard}");
    }
}

#[test]
fn samples_that_are_no_numbers() {
    let bench = Bench::new();
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = vec![0.1; 3 * 44_100];
        samples[44_100] = value;
        bench.refuses(&bench.wav("broken.wav", 44_100, 1, &samples), &[], 1, &["1.0000 s"]);
    }
}

#[test]
fn lengths_outside_the_limits() {
    let bench = Bench::new();
    let least = limits::MIN_INPUT_S.to_string();
    bench.refuses(&bench.wav("none.wav", 48_000, 1, &[]), &[], 1, &["0 s", &least]);
    bench.refuses(&bench.wav("short.wav", 48_000, 1, &vec![0.1; 48_000]), &[], 1, &["1.000 s", &least]);
    // Two hours by the header alone, and with all of their bytes.
    let mut header = fs::read(bench.wav("start.wav", 8_000, 1, &vec![0.1; 80_000])).expect("a file");
    let start = header.windows(4).position(|w| w == b"data").expect("a chunk");
    header[4..8].copy_from_slice(&(2 * 3_600 * 8_000 * 4 + start as u32).to_le_bytes());
    header[start + 4..start + 8].copy_from_slice(&(2 * 3_600 * 8_000 * 4u32).to_le_bytes());
    let most = limits::MAX_INPUT_S.to_string();
    let long = bench.file("long.wav", &header);
    bench.refuses(&long, &[], 1, &["7200.0 s", &most]);
    let file = fs::File::options().write(true).open(&long).expect("a file");
    file.set_len((start + 8) as u64 + 2 * 3_600 * 8_000 * 4).expect("a sparse file");
    bench.refuses(&long, &[], 1, &["7200.0 s", &most]);
}

#[test]
fn rates_and_channels_outside_the_limits() {
    let bench = Bench::new();
    for rate in [7_000, 384_000] {
        let path = bench.wav("rate.wav", rate, 1, &vec![0.1; 3 * rate as usize]);
        let given = format!("{rate} Hz");
        bench.refuses(
            &path,
            &[],
            1,
            &[&given, &limits::MIN_INPUT_HZ.to_string(), &limits::MAX_INPUT_HZ.to_string()],
        );
    }
    let path = bench.wav("six.wav", 48_000, 6, &vec![0.1; 6 * 3 * 48_000]);
    bench.refuses(&path, &[], 1, &["6 channels", &limits::MAX_INPUT_CHANNELS.to_string()]);
}

#[test]
fn silence_and_steady_sounds_hold_no_voice() {
    let bench = Bench::new();
    let no_voice = |name: &str, samples: &[f32]| {
        bench.refuses(&bench.wav(name, 44_100, 1, samples), &[], NO_VOICE, &["no voice found", "are needed"]);
    };
    let len = 8 * 44_100;
    no_voice("silence.wav", &vec![0.0; len]);
    no_voice("dc.wav", &vec![0.5; len]);
    let hum = |n: usize| 0.3 * (std::f32::consts::TAU * 100.0 * n as f32 / 44_100.0).sin();
    no_voice("hum.wav", &(0..len).map(hum).collect::<Vec<_>>());
}

#[test]
fn noise_holds_no_voice() {
    let bench = Bench::new();
    for seed in 0..4 {
        let mut rng = Seed(seed).named("noise", 0);
        let white = noise(&mut rng, 12 * 44_100, 0.5);
        bench.refuses(&bench.wav("white.wav", 44_100, 1, &white), &[], NO_VOICE, &["no voice found"]);
        // At full scale, as a loud fan or the sea.
        let mut low = 0.0;
        let brown: Vec<f32> = white
            .iter()
            .map(|s| {
                low += 0.02 * (s - low);
                (8.0 * low).clamp(-1.0, 1.0)
            })
            .collect();
        bench.refuses(&bench.wav("brown.wav", 44_100, 1, &brown), &[], NO_VOICE, &["no voice found"]);
    }
}

/// A hit for every (seconds, key of the percussion map), played by the program's own kit.
fn drums(seconds: f64, hits: impl Iterator<Item = (f64, u8)>) -> Vec<f32> {
    let rate = Hz(44_100);
    let events: Vec<NoteEvent> = hits
        .enumerate()
        .map(|(index, (at_s, key))| {
            let (id, pitch) = (NoteId(index as u32), MidiNote(key));
            let velocity = Velocity::clamped(110.0);
            let kind = EventKind::NoteOn { id, pitch, velocity, articulation: Articulation::Normal };
            NoteEvent { at: rate.sample_at(at_s), part: Part::Drums, kind }
        })
        .collect();
    let mut renderer = BandRenderer::new(&events, &[Part::Drums], rate, Seed(1), 1024);
    let frames = rate.sample_at(seconds) - SampleTime(0);
    let mut samples = Vec::new();
    while samples.len() < frames.0 as usize {
        renderer.render(1024, &mut |_, left, right| {
            samples.extend(left.iter().zip(right).map(|(l, r)| 0.5 * (l + r)));
        });
    }
    let peak = samples.iter().fold(1e-9f32, |peak, s| peak.max(s.abs()));
    samples.iter_mut().for_each(|s| *s *= 0.9 / peak);
    samples
}

#[test]
fn drums_alone_hold_no_voice() {
    let bench = Bench::new();
    let refuse = |samples: &[f32]| {
        for mode in ["studio", "live"] {
            let path = bench.wav("drums.wav", 44_100, 1, samples);
            bench.refuses(&path, &["--mode", mode], NO_VOICE, &["no voice found"]);
        }
    };
    // A rock beat, its second half with toms.
    let beat = (0..64).flat_map(|eighth| {
        let drum = match eighth % 8 {
            0 | 5 => 36,
            2 | 6 => 38,
            n if eighth > 32 => [50, 48, 45, 41][n % 4],
            _ => 42,
        };
        [42, drum].map(|key| (0.3 * eighth as f64, key))
    });
    refuse(&drums(20.0, beat));
    // Toms alone, which ring like notes, fast and slow.
    for step_s in [0.15, 0.3, 0.6, 1.2] {
        let toms =
            (0..(20.0 / step_s) as usize).map(|i| (step_s * i as f64, [50, 48, 47, 45, 43, 41][i % 6]));
        refuse(&drums(20.0, toms));
    }
}

#[test]
fn an_output_that_is_something_else() {
    let bench = Bench::new();
    let vocal = bench.file("song.wav", &sung(1));
    let out = bench.work().join("out");
    fs::write(&out, "letters").expect("a file");
    says(&bench.accompany(&vocal, &[]), 1, &["out is a file", "-o"]);
    assert_eq!(fs::read_to_string(&out).expect("a file"), "letters");
    fs::remove_file(&out).expect("removed");
    fs::create_dir(&out).expect("a folder");
    fs::write(out.join("thesis.txt"), "years of work").expect("a file");
    says(&bench.accompany(&vocal, &[]), 1, &["out holds files", "-o"]);
    assert_eq!(names_in(&out), ["thesis.txt"]);
    assert_eq!(names_in(&bench.work()), ["out"]);
    // A parent that is a file.
    let below = bench.folder.path().join("song.wav").join("out");
    let output = program().arg("accompany").arg(&vocal).arg("-o").arg(&below).output().expect("a run");
    says(&output, 1, &["song.wav", "cannot be written"]);
}

#[test]
fn folders_made_for_an_output_go_with_it() {
    let bench = Bench::new();
    let vocal = bench.wav("silence.wav", 44_100, 1, &vec![0.0; 5 * 44_100]);
    let out = bench.work().join("new").join("deep").join("out");
    let output = program().arg("accompany").arg(&vocal).arg("-o").arg(&out).output().expect("a run");
    says(&output, NO_VOICE, &["no voice found"]);
    assert_eq!(names_in(&bench.work()), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn folders_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let vocal = bench.file("song.wav", &sung(1));
    let output = program().arg("accompany").arg(&vocal).args(["-o", "/proc/out"]).output().expect("a run");
    says(&output, 1, &["/proc/out", "cannot be written"]);
    fs::set_permissions(bench.work(), fs::Permissions::from_mode(0o555)).expect("permissions");
    if fs::write(bench.work().join("probe"), "").is_ok() {
        println!("skipped: this user may write where writing is forbidden");
        return;
    }
    bench.refuses(&vocal, &[], 1, &[]);
}

/// Every file is refused past some size, as on a full disk.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up() {
    let bench = Bench::new();
    let vocal = bench.file("song.wav", &sung(1));
    let out = bench.work().join("out");
    for (format, blocks) in [("wav", "64"), ("wav", "6000"), ("flac", "64")] {
        let output = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh", blocks])
            .arg(env!("CARGO_BIN_EXE_collavoce"))
            .arg("accompany")
            .arg(&vocal)
            .arg("-o")
            .arg(&out)
            .args(["--format", format])
            .output()
            .expect("a run");
        says(&output, 1, &["work/out/", format, "written"]);
        assert_eq!(names_in(&bench.work()), [""; 0]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let bench = Bench::new();
    let vocal = bench.file("song.wav", &sung(1));
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(bench.work()).output();
    if !mounted.as_ref().is_ok_and(|m| m.status.success()) {
        println!("skipped: no file system can be mounted here: {mounted:?}");
        return;
    }
    let output = bench.accompany(&vocal, &[]);
    let left = names_in(&bench.work());
    let unmounted = Command::new("umount").arg(bench.work()).status().expect("umount");
    assert!(unmounted.success());
    says(&output, 1, &["work/out/", "written"]);
    assert_eq!(left, [""; 0]);
}

#[test]
fn values_that_mean_nothing() {
    let bench = Bench::new();
    let vocal = bench.file("song.wav", &sung(1));
    let cases: [(&[&str], i32, &[&str]); 14] = [
        (&["--parts", "guitar,kazoo"], USAGE, &["kazoo", "strings"]),
        (&["--key", "H minor"], USAGE, &["H minor"]),
        (&["--meter", "7/8"], USAGE, &["7/8", "12/8"]),
        (&["--bpm", "500"], USAGE, &["500", "260"]),
        (&["--bpm", "NaN"], USAGE, &["NaN", "260"]),
        (&["--feel", "heavy"], USAGE, &["heavy", "swing"]),
        (&["--style", "polka"], USAGE, &["polka", "jazz"]),
        (&["--tune", "9000"], USAGE, &["9000"]),
        (&["--rate", "7"], USAGE, &["7", "44100"]),
        (&["--tail", "99"], USAGE, &["99", "30"]),
        (&["--loudness", "3"], USAGE, &["-40", "off"]),
        (&["--intro", "99"], USAGE, &["99", "16"]),
        (&["--take", "drums:999=2"], 1, &["drums:999=2", "bars"]),
        (&["--parts", "guitar", "--take", "drums=2"], 1, &["drums=2", "--parts"]),
    ];
    for (options, code, texts) in cases {
        says(&bench.accompany(&vocal, options), code, texts);
        assert_eq!(names_in(&bench.work()), [""; 0], "{options:?}");
    }
}

#[test]
fn chord_charts_that_cannot_be_read() {
    let bench = Bench::new();
    let vocal = bench.file("song.wav", &sung(1));
    let cases: [(&[u8], &[&str]); 5] = [
        (b"# A song\n| D | G |\n| A | Hx7 |\n", &["line 3", "Hx7"]),
        (b"tempo: fast\n| D |\n", &["line 1", "fast"]),
        (b"| D |\nkey: quux\n", &["line 2", "quux"]),
        (b"no bars at all\n", &["chart.txt"]),
        (b"| D | \xff\xfe |\n", &["UTF-8"]),
    ];
    for (text, wanted) in cases {
        let chart = bench.file("chart.txt", text);
        let path = chart.display().to_string();
        let mut texts = vec!["chart.txt"];
        texts.extend(wanted);
        says(&bench.accompany(&vocal, &["--chords", &path]), 1, &texts);
        assert_eq!(names_in(&bench.work()), [""; 0]);
    }
    let missing = bench.folder.path().join("none.txt").display().to_string();
    says(&bench.accompany(&vocal, &["--chords", &missing]), 1, &["none.txt", "cannot be read"]);
}

/// Ctrl-C while the band plays, and while the voice is still being read.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing() {
    let bench = Bench::new();
    let vocal = bench.file("song.wav", &sung(5));
    for waits_for in ["", "band.wav"] {
        let mut run = program()
            .arg("accompany")
            .arg(&vocal)
            .arg("-o")
            .arg(bench.work().join("out"))
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a run");
        let begun = Instant::now();
        let writes = || {
            let names = names_in(&bench.work());
            names.iter().any(|name| waits_for.is_empty() || bench.work().join(name).join(waits_for).exists())
        };
        while !writes() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is written");
            std::thread::sleep(Duration::from_millis(5));
        }
        // The handler stands a moment before the folder does.
        std::thread::sleep(Duration::from_millis(20));
        let killed = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill");
        assert!(killed.success());
        let _ = run.wait().expect("an end");
        let output = run.wait_with_output().expect("an end");
        says(&output, 130, &["broken off"]);
        assert_eq!(names_in(&bench.work()), [""; 0]);
    }
}
