//! What the singer sings to leads the band: a click, a drum loop, a guitar in the sidechain.

mod common;

use collavoce::bounce::{BounceRequest, bounce};
use collavoce::engine::{self, Session};
use collavoce::limits::LISTEN_HZ;
use collavoce::listen::PitchMethod;
use collavoce::score::BarNumber;
use collavoce::song::{Mode, Rng, Settings, Song};

const RATE: f64 = LISTEN_HZ as f64;
const LENGTH_S: f64 = 40.0;
/// When the singing begins, in seconds.
const SUNG_S: f64 = 6.0;

/// Long notes that keep no time: 1.6 to 3.1 s each, with a breath between.
fn vague_voice(seed: u64) -> Vec<f32> {
    let mut rng = Rng::keyed(&[seed, 5]);
    let mut samples = vec![0.0f32; (LENGTH_S * RATE) as usize];
    let mut at_s = SUNG_S + 0.3 * rng.unit();
    while at_s < LENGTH_S - 5.0 {
        let midi = [57.0, 59.0, 60.0, 62.0, 64.0, 65.0, 67.0][rng.below(7)];
        let length_s = 1.6 + 1.5 * rng.unit();
        let hz = 440.0 * ((midi - 69.0f64) / 12.0).exp2();
        let start = (at_s * RATE) as usize;
        for (index, sample) in samples[start..].iter_mut().take((length_s * RATE) as usize).enumerate() {
            let t = index as f64 / RATE;
            let level = (t / 0.05).min((length_s - t) / 0.08).clamp(0.0, 1.0);
            let phase = std::f64::consts::TAU * hz * t + 0.4 * (std::f64::consts::TAU * 5.3 * t).sin();
            let tone: f64 = (1..9).map(|n| (f64::from(n) * phase).sin() / f64::from(n)).sum();
            *sample = (0.12 * level * tone) as f32;
        }
        at_s += length_s + 0.1 + 0.3 * rng.unit();
    }
    samples
}

/// Adds a sound that dies away: a tone, or noise where it has no frequency.
fn strike(samples: &mut [f32], at_s: f64, hz: Option<f64>, level: f64, decay_s: f64, rng: &mut Rng) {
    let start = (at_s * RATE) as usize;
    for (index, sample) in samples.iter_mut().skip(start).take((6.0 * decay_s * RATE) as usize).enumerate() {
        let t = index as f64 / RATE;
        let wave = hz.map_or_else(|| 2.0 * rng.unit() - 1.0, |hz| (std::f64::consts::TAU * hz * t).sin());
        *sample += (level * wave * (-t / decay_s).exp()) as f32;
    }
}

fn beats(bpm: f64, from_s: f64) -> Vec<f64> {
    (0..)
        .map(|beat| from_s + f64::from(beat) * 60.0 / bpm)
        .take_while(|at_s| *at_s < LENGTH_S - 2.0)
        .collect()
}

fn click(beats: &[f64]) -> Vec<f32> {
    let mut samples = vec![0.0; (LENGTH_S * RATE) as usize];
    let mut rng = Rng::keyed(&[1]);
    beats.iter().for_each(|at_s| strike(&mut samples, *at_s, Some(1_800.0), 0.3, 0.006, &mut rng));
    samples
}

/// Kick, snare and hats in eighths, four beats to the bar.
fn drum_loop(beats: &[f64]) -> Vec<f32> {
    let mut samples = vec![0.0; (LENGTH_S * RATE) as usize];
    let mut rng = Rng::keyed(&[2]);
    for (index, pair) in beats.windows(2).enumerate() {
        match index % 4 {
            0 | 2 => strike(&mut samples, pair[0], Some(62.0), 0.5, 0.08, &mut rng),
            _ => strike(&mut samples, pair[0], None, 0.25, 0.05, &mut rng),
        }
        for at_s in [pair[0], 0.5 * (pair[0] + pair[1])] {
            strike(&mut samples, at_s, None, 0.06, 0.015, &mut rng);
        }
    }
    samples
}

fn run(voice: &[f32], sidechain: &[f32], mode: Mode) -> Option<Session> {
    let settings = Settings { mode, ..Settings::default() };
    engine::run_beside(voice, sidechain, &settings, PitchMethod::Nsdf, &mut |_| {}).ok()
}

fn score_meter(session: &Session) -> String {
    session.score.meter.to_string()
}

/// F measure of the band's beats within 70 ms, from where both play to where the singing ends.
fn f_measure(session: Option<&Session>, beats: &[f64]) -> f64 {
    let within = |at_s: &f64| (SUNG_S + 3.0..LENGTH_S - 6.0).contains(at_s);
    let truth: Vec<f64> = beats.iter().copied().filter(within).collect();
    let found: Vec<f64> =
        session.into_iter().flat_map(|s| s.beats.iter().map(|beat| beat.time_s)).filter(within).collect();
    let hits = |of: &[f64], among: &[f64]| {
        of.iter().filter(|at_s| among.iter().any(|other| (other - *at_s).abs() <= 0.07)).count() as f64
    };
    let (recall, precision) =
        (hits(&truth, &found) / truth.len() as f64, hits(&found, &truth) / found.len().max(1) as f64);
    2.0 * recall * precision / (recall + precision).max(1e-9)
}

#[test]
fn a_click_or_a_drum_loop_gives_the_beat_to_a_singer_who_keeps_none() {
    let truth = beats(100.0, 0.35);
    let (click, drums) = (click(&truth), drum_loop(&truth));
    for mode in [Mode::Studio, Mode::Live] {
        let mean = |sidechain: &[f32]| {
            let each =
                (0..3).map(|seed| f_measure(run(&vague_voice(seed), sidechain, mode).as_ref(), &truth));
            each.sum::<f64>() / 3.0
        };
        let (none, click, drums) = (mean(&[]), mean(&click), mean(&drums));
        assert!(click > 0.95 && drums > 0.9, "{mode}: {click} and {drums}");
        assert!(click > none + 0.3, "{mode}: {click} after {none}");
    }
}

#[test]
fn the_beat_is_known_before_anything_is_sung_and_the_band_enters_with_the_singer() {
    let truth = beats(100.0, 0.35);
    let voice = vague_voice(1);
    let session = run(&voice, &click(&truth), Mode::Live).expect("a session");
    assert_eq!(score_meter(&session), "4/4", "a click alone tells of no other");
    let known_s = session.beats.iter().map(|beat| beat.known_s).fold(f64::MAX, f64::min);
    assert!(known_s < 0.35 + 6.0 * 0.6, "it was known after {known_s} s");
    let score = &session.score;
    let bar_one_s = score.tempo.seconds_at(score.bar(BarNumber(1)).start);
    assert!((SUNG_S - 2.0..SUNG_S + 2.5).contains(&bar_one_s), "bar 1 begins at {bar_one_s} s");
    let first = session.played.iter().flatten().map(|event| event.at_s).fold(f64::MAX, f64::min);
    assert!((SUNG_S - 0.1..SUNG_S + 7.0).contains(&first), "the band enters at {first} s");
    // The same in another tempo, from another beginning.
    let other = beats(84.0, 1.1);
    let session = run(&voice, &click(&other), Mode::Live);
    let f = f_measure(session.as_ref(), &other);
    assert!(f > 0.95, "{f}");
}

#[test]
fn the_file_of_a_sidechain_is_named_in_the_song_and_one_that_cannot_be_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (vocal, beside) = (folder.path().join("vocal.wav"), folder.path().join("click.wav"));
    common::write_wav(&vocal, &vague_voice(0), LISTEN_HZ);
    // Shorter than the vocal, and at another rate.
    let slow = collavoce::audio::resample(
        &click(&beats(100.0, 0.35))[..20 * LISTEN_HZ as usize],
        1,
        collavoce::time::Hz(LISTEN_HZ),
        collavoce::time::Hz(44_100),
    );
    common::write_wav(&beside, &slow.expect("a supported rate"), 44_100);
    let bounced = |name: &str, sidechain: Option<std::path::PathBuf>| {
        let out = folder.path().join(name);
        let request = BounceRequest { sidechain, ..BounceRequest::new(&vocal, &out, Settings::default()) };
        bounce(&request, &mut |_, _| std::ops::ControlFlow::Continue(()))?;
        let bytes = std::fs::read(out.join("song.collavoce")).expect("a song");
        Ok::<Song, collavoce::bounce::BounceError>(Song::from_bytes(&bytes).expect("a song"))
    };
    let (with, without) =
        (bounced("with", Some(beside)).expect("a song"), bounced("without", None).expect("a song"));
    let named = with.provenance.sidechain.expect("it is named");
    assert_eq!((named.file.as_str(), named.sample_rate), ("click.wav", 44_100));
    assert_eq!(without.provenance.sidechain, None);
    assert_ne!(with.provenance.take_id, without.provenance.take_id);
    assert_ne!(with.heard.beats_s, without.heard.beats_s);
    let missing = folder.path().join("missing.wav");
    let refused = bounced("none", Some(missing)).expect_err("there is no such file").to_string();
    assert!(refused.contains("missing.wav"), "{refused}");
    assert!(!folder.path().join("none").exists(), "nothing is left behind");
}
