//! Memory does not grow with what is written: ten minutes of stereo at 48 kHz stay within a fixed amount.

#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};
use std::time::Duration;

use collavoce::time::Hz;

/// Most memory that a run may hold at any time, in KiB.
const MOST_KIB: u64 = 400 * 1024;

/// Most memory that a process has held so far, in KiB; none once it has ended.
fn peak_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn ten_minutes_of_stereo() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vocal = folder.path().join("long.wav");
    let sung = collavoce::sing::demo().sing(Hz(48_000)).expect("a rate that works");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&vocal, spec).expect("a file");
    for sample in sung.samples.iter().cycle().take(600 * 48_000) {
        for _ in 0..2 {
            writer.write_sample((sample * 32_767.0) as i16).expect("a sample");
        }
    }
    writer.finalize().expect("a file");
    // One part: the others hold no more, but take their time.
    let mut run = Command::new(env!("CARGO_BIN_EXE_collavoce"))
        .arg("accompany")
        .arg(&vocal)
        .arg("-o")
        .arg(folder.path().join("out"))
        .args(["--quiet", "--parts", "bass"])
        .stdin(Stdio::null())
        .spawn()
        .expect("a run");
    let mut peak = 0;
    let status = loop {
        if let Some(kib) = peak_kib(run.id()) {
            peak = kib;
        }
        match run.try_wait().expect("a run") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(status.success());
    println!("held {peak} KiB at most");
    assert!((1..=MOST_KIB).contains(&peak), "held {peak} KiB, at most {MOST_KIB} are allowed");
}
