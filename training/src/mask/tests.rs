use collavoce::song::Rng;
use collavoce_data::voices::{Point, RATE, Stored};
use collavoce_models::mask::{FEATURES, MASKS, PITCHES};

use super::batch::{Batch, FRAMES};
use super::mix;
use super::score::{Counts, median, sdr_db, si_sdr_db};

/// Pairs of a tone that is sung all the time, and noise.
fn pairs() -> Vec<Stored> {
    let seconds = 6;
    let pair = |number: u64| {
        let mut rng = Rng::keyed(&[number]);
        let hz = 200.0 + 40.0 * number as f32;
        let count = seconds * RATE as usize;
        let voice = (0..count)
            .map(|n| {
                let phase = std::f32::consts::TAU * (n as f32 * hz / RATE as f32).fract();
                (4_000.0 * phase.sin() + 2_000.0 * (3.0 * phase).sin()) as i16
            })
            .collect();
        let truth = (0..seconds * 100).map(|point| Point { hz, onset: point % 100 == 0 }).collect();
        let backing = (0..2 * count).map(|_| (3_000.0 * rng.signed()) as i16).collect();
        Stored { voice, truth, backing, about: "a tone, together".to_owned() }
    };
    (0..4).map(pair).collect()
}

#[test]
fn a_mix_holds_its_voice_and_is_the_same_every_time() {
    let pairs = pairs();
    let make = |number: u64| mix::draw(&mut Rng::keyed(&[9, number]), &pairs, 48_000);
    let (mut alone, mut silent) = (0, 0);
    for number in 0..60 {
        let (one, again) = (make(number), make(number));
        assert!(one.mix == again.mix && one.voice == again.voice);
        assert!(one.mix.iter().flatten().chain(&one.voice).all(|x| x.is_finite() && x.abs() <= 1.001));
        let rest: f32 = (0..one.voice.len())
            .map(|n| (0.5 * (one.mix[0][n] + one.mix[1][n]) - one.voice[n]).powi(2))
            .sum();
        let voice: f32 = one.voice.iter().map(|x| x * x).sum();
        // Rooms leave a trace against denormal numbers.
        let is_silent = voice < 1e-12;
        silent += usize::from(is_silent);
        alone += usize::from(rest < 1e-3 * voice);
        assert_eq!(is_silent, one.truth.iter().all(|point| point.hz == 0.0), "number {number}");
    }
    assert!(alone > 0 && silent > 0 && alone + silent < 25, "{alone} alone, {silent} silent");
}

#[test]
fn a_batch_depends_on_its_step_and_adds_up() {
    let pairs = pairs();
    let (one, again, next) =
        (Batch::draw(&pairs, 1, 5, 4), Batch::draw(&pairs, 1, 5, 4), Batch::draw(&pairs, 1, 6, 4));
    assert!(one.features == again.features && one.pitch == again.pitch && one.features != next.features);
    let rows = 4 * FRAMES;
    assert_eq!(one.features.len(), rows * FEATURES);
    assert_eq!((one.mix.len(), one.pitch.len(), one.onset.len()), (rows * MASKS, rows * PITCHES, rows));
    for sequence in 0..4 {
        let of = |values: &[f32]| -> f32 {
            (0..FRAMES)
                .map(|frame| {
                    let from = (frame * 4 + sequence) * MASKS;
                    values[from..from + MASKS].iter().sum::<f32>()
                })
                .sum()
        };
        let total = of(&one.mix);
        assert!((total - 1.0).abs() < 1e-3, "{total}");
        // |x - s|^2 = |x|^2 - 2 Re(x s*) + |s|^2 is never below 0.
        assert!(total - 2.0 * of(&one.common) + of(&one.voice) > -1e-4);
    }
    let told: Vec<f32> = one.pitch.chunks_exact(PITCHES).map(|row| row.iter().sum()).collect();
    assert!(told.iter().all(|sum| *sum < 1e-6 || (sum - 1.0).abs() < 1e-3));
    assert!(told.iter().any(|sum| *sum > 0.9));
}

#[test]
fn distortion_is_measured_in_db() {
    let mut rng = Rng::keyed(&[2]);
    let voice: Vec<f32> = (0..96_000).map(|_| rng.signed() as f32).collect();
    let noise: Vec<f32> = voice.iter().map(|_| 0.316_23 * rng.signed() as f32).collect();
    let sum: Vec<f32> = voice.iter().zip(&noise).map(|(v, n)| v + n).collect();
    let half: Vec<f32> = sum.iter().map(|x| 0.5 * x).collect();
    assert!((sdr_db(&voice, &sum) - 10.0).abs() < 0.1);
    assert!((si_sdr_db(&voice, &half) - 10.0).abs() < 0.1);
    assert!(sdr_db(&voice, &half) < 7.0);
}

#[test]
fn misses_count_against_pitch_and_alarms_only_where_nobody_sings() {
    let mut counts = Counts::default();
    counts.add(220.0, 221.0, true);
    counts.add(220.0, 221.0, false);
    counts.add(220.0, 440.0, true);
    counts.add(0.0, 300.0, true);
    counts.add(0.0, 300.0, false);
    assert_eq!((counts.sung, counts.near, counts.near_and_said, counts.said), (3, 2, 1, 2));
    assert_eq!((counts.silent, counts.imagined), (2, 1));
    assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[1.0, 2.0])), (2.0, 1.5));
}
