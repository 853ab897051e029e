//! The pitch network behind the listener: what it must get right, and what must not change its answers.

mod common;

use collavoce::audio::Resampler;
use collavoce::limits::{LISTEN_HOP, LISTEN_HZ};
use collavoce::listen::{ListenConfig, Listener, Observation, PitchMethod, listen_to};
use collavoce::sing::{DemoOptions, Sung};
use collavoce::song::Seed;
use collavoce::time::Hz;

use common::sing;

const LIVE: fn() -> ListenConfig = || ListenConfig::live(PitchMethod::Net);

/// Share of the sung frames that are heard within 50 cents, of the sung ones that are heard as sung, and of the others
/// that are.
fn figures(sung: &Sung, heard: &[Observation]) -> (f64, f64, f64) {
    let (mut right, mut voiced, mut count, mut imagined, mut silent) = (0, 0, 0, 0, 0);
    for (point, observation) in sung.truth.f0.iter().zip(heard) {
        if point.hz > 0.0 {
            count += 1;
            let cents = 1200.0 * (f64::from(observation.f0_hz.max(1.0)) / point.hz).log2();
            right += usize::from(cents.abs() < 50.0);
            voiced += usize::from(observation.voiced);
        } else {
            silent += 1;
            imagined += usize::from(observation.voiced);
        }
    }
    let share = |some: usize, all: usize| some as f64 / all.max(1) as f64;
    (share(right, count), share(voiced, count), share(imagined, silent))
}

#[test]
fn singers_it_was_not_trained_on_are_heard() {
    for transpose in [-12, 0, 9] {
        let sung = sing(DemoOptions { transpose, seed: 40, ..DemoOptions::default() }, LISTEN_HZ);
        let (pitch, voiced, imagined) = figures(&sung, &listen_to(&sung.samples, LIVE()));
        println!("{transpose}: {pitch:.4} {voiced:.4} {imagined:.4}");
        assert!(pitch > 0.97, "{transpose}: {pitch} of the pitches");
        assert!(voiced > 0.95 && imagined < 0.08, "{transpose}: {voiced} is heard, {imagined} imagined");
    }
}

#[test]
fn noise_ten_decibels_below_costs_little() {
    let mut sung = sing(DemoOptions { seed: 41, ..DemoOptions::default() }, LISTEN_HZ);
    let mut rng = Seed(3).named("noise", 0);
    let power = |samples: &[f32]| samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32;
    let level = (power(&sung.samples) / 10.0).sqrt();
    sung.samples.iter_mut().for_each(|sample| *sample += level * rng.normal() as f32);
    let (pitch, voiced, imagined) = figures(&sung, &listen_to(&sung.samples, LIVE()));
    println!("{pitch:.4} {voiced:.4} {imagined:.4}");
    assert!(pitch > 0.95, "{pitch} of the pitches");
    assert!(voiced > 0.88 && imagined < 0.08, "{voiced} is heard, {imagined} imagined");
}

#[test]
fn what_is_heard_does_not_depend_on_the_blocks() {
    let sung = sing(DemoOptions::default(), 44_100);
    let samples = &sung.samples[..44_100 * 4];
    let heard = |block: usize| {
        let mut resampler =
            Resampler::streaming(Hz(44_100), Hz(LISTEN_HZ), 1).expect("the rate is supported");
        let (mut waiting, mut heard) = (Vec::new(), Vec::new());
        let mut listener = Listener::new(LIVE());
        for part in samples.chunks(block) {
            resampler.push(part, &mut waiting);
            while waiting.len() >= LISTEN_HOP {
                let rest = waiting.split_off(LISTEN_HOP);
                let hop: [f32; LISTEN_HOP] = std::mem::replace(&mut waiting, rest).try_into().expect("a hop");
                listener.process(&hop, &mut |observation| heard.push(observation));
            }
        }
        heard
    };
    let whole = heard(samples.len());
    assert!(whole.iter().filter(|observation| observation.voiced).count() > 100);
    for block in [1, 64, 441, 1_000, 4_096] {
        assert_eq!(whole, heard(block), "blocks of {block}");
    }
}

#[test]
fn it_looks_ahead_no_more_than_48_ms_and_forgets_when_asked() {
    let mut listener = Listener::new(LIVE());
    assert!(listener.latency().0 * 1_000 <= 48 * i64::from(LISTEN_HZ));
    let sung = sing(DemoOptions::default(), LISTEN_HZ);
    let listen = |listener: &mut Listener| {
        let mut heard = Vec::new();
        for hop in sung.samples[..LISTEN_HZ as usize * 4].as_chunks().0 {
            listener.process(hop, &mut |observation| heard.push(observation));
        }
        heard
    };
    let first = listen(&mut listener);
    assert_ne!(first, listen(&mut listener));
    listener.reset();
    assert_eq!(first, listen(&mut listener));
}

#[test]
fn a_later_sound_does_not_change_what_was_told() {
    let sung = sing(DemoOptions::default(), LISTEN_HZ);
    let (short, long) = (&sung.samples[..LISTEN_HZ as usize * 3], &sung.samples[..LISTEN_HZ as usize * 4]);
    let (before, after) = (listen_to(short, LIVE()), listen_to(long, LIVE()));
    let told = before.len() - 5;
    assert_eq!(before[..told], after[..told]);
}

#[test]
fn what_is_no_sound_is_no_voice_and_does_no_harm() {
    assert!(listen_to(&[0.0; 16_000], LIVE()).iter().all(|observation| !observation.voiced));
    let sung = sing(DemoOptions::default(), LISTEN_HZ);
    let mut samples = sung.samples[..LISTEN_HZ as usize * 3].to_vec();
    for (index, bad) in [f32::NAN, f32::INFINITY, f32::MAX, -f32::MAX, 1e-40].into_iter().enumerate() {
        samples[20_000 + 1_111 * index] = bad;
    }
    for observation in listen_to(&samples, LIVE()) {
        assert!(observation.f0_hz.is_finite() && observation.voicing.is_finite());
    }
}
