//! The network with the weights that are shipped.

use super::*;
use crate::WeightsError;

const WEIGHTS: &[u8] = include_bytes!("../../weights/pitch.bpk");
const SHA256: &str = include_str!("../../weights/pitch.sha256");

/// A voice-like tone: partials that fall by 6 dB an octave, at a pitch by sample.
fn tone(samples: usize, hz: impl Fn(usize) -> f32) -> Vec<f32> {
    let mut phase = 0.0_f32;
    (0..samples)
        .map(|n| {
            phase = (phase + hz(n) / SAMPLE_HZ as f32).fract();
            let partials = (1..=12).map(|k| k as f32).filter(|k| k * hz(n) < 7_500.0);
            0.1 * partials.map(|k| (std::f32::consts::TAU * (k * phase).fract()).sin() / k).sum::<f32>()
        })
        .collect()
}

/// What the network says of each hop of a sound.
fn judge(samples: &[f32]) -> Vec<PitchOdds> {
    let (mut features, mut net) =
        (PitchFeatures::new(), PitchNet::embedded().expect("the weights are sound"));
    samples.as_chunks().0.iter().map(|hop| net.step(features.process(hop)).clone()).collect()
}

fn midi(odds: &PitchOdds) -> f32 {
    let top = (0..BINS).max_by(|a, b| odds.pitches[*a].total_cmp(&odds.pitches[*b])).unwrap_or(0);
    LOWEST_MIDI + top as f32 / BINS_PER_SEMITONE
}

#[test]
fn a_tone_is_heard_at_its_pitch() {
    for hz in [82.0_f32, 147.0, 262.0, 440.0, 698.0, 988.0] {
        let heard = judge(&tone(16_000, |_| hz));
        let truth = 69.0 + 12.0 * (hz / 440.0).log2();
        for odds in &heard[20..] {
            assert!((midi(odds) - truth).abs() < 0.4, "{hz} Hz is heard as {}", midi(odds));
            assert!(odds.voiced > 0.5, "{hz} Hz: {}", odds.voiced);
        }
    }
}

#[test]
fn an_answer_is_of_the_moment_that_the_look_ahead_belongs_to() {
    // An octave a second: a hop that is off by one shows as 12 cents, one that is off by four as 48.
    let heard = judge(&tone(32_000, |n| 150.0 * (n as f32 / 16_000.0).exp2()));
    let mut off: Vec<f32> = (40..190)
        .map(|hop| {
            let time_s = (hop + 1 - LOOK_AHEAD_HOPS) as f32 * HOP as f32 / SAMPLE_HZ as f32;
            let odds = &heard[hop].pitches;
            let top = (1..BINS - 1).max_by(|a, b| odds[*a].total_cmp(&odds[*b])).unwrap_or(1);
            let near = top - 1..=top + 1;
            let weight: f32 = near.clone().map(|bin| odds[bin]).sum();
            let place = near.map(|bin| bin as f32 * odds[bin]).sum::<f32>() / weight;
            let truth = 69.0 + 12.0 * (150.0_f32 / 440.0).log2() + 12.0 * time_s;
            100.0 * (LOWEST_MIDI + place / BINS_PER_SEMITONE - truth)
        })
        .collect();
    off.sort_by(f32::total_cmp);
    assert!(off[75].abs() < 12.0, "{} cents in the middle", off[75]);
}

#[test]
fn silence_and_noise_are_no_voice() {
    let quiet = judge(&[0.0; 16_000]);
    assert!(quiet.iter().all(|odds| odds.voiced < 0.5));
    let mut state = 1_u32;
    let noise: Vec<f32> = (0..32_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            0.1 * (state as f32 / u32::MAX as f32 - 0.5)
        })
        .collect();
    let voiced = judge(&noise).iter().filter(|odds| odds.voiced > 0.5).count();
    assert!(voiced < 4, "{voiced} of 200 hops of noise");
}

#[test]
fn what_is_no_sound_does_no_harm() {
    let mut sound = tone(16_000, |_| 220.0);
    for (index, bad) in
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE].iter().enumerate()
    {
        sound[4_000 + 37 * index] = *bad;
    }
    let heard = judge(&sound);
    for odds in &heard {
        assert!(odds.voiced.is_finite() && odds.pitches.iter().all(|p| p.is_finite()));
        assert!((odds.pitches.iter().sum::<f32>() - 1.0).abs() < 1e-3);
    }
    assert!(heard[60..].iter().all(|odds| (midi(odds) - 57.0).abs() < 0.4), "it recovers");
}

#[test]
fn answers_are_the_same_every_time_and_after_a_reset() {
    let sound = tone(8_000, |n| 200.0 + 0.01 * n as f32);
    let first = judge(&sound);
    assert_eq!(first, judge(&sound));
    let (mut features, mut net) =
        (PitchFeatures::new(), PitchNet::embedded().expect("the weights are sound"));
    for hop in sound.as_chunks().0 {
        net.step(features.process(hop));
    }
    features.reset();
    net.reset();
    for (hop, odds) in sound.as_chunks().0.iter().zip(&first) {
        assert_eq!(net.step(features.process(hop)), odds);
    }
}

#[test]
fn damaged_weights_are_refused() {
    assert!(PitchNet::load(WEIGHTS, SHA256).is_ok());
    for at in (0..WEIGHTS.len()).step_by(WEIGHTS.len() / 23) {
        let mut flipped = WEIGHTS.to_vec();
        flipped[at] ^= 1 << (at % 8);
        assert!(matches!(PitchNet::load(&flipped, SHA256), Err(WeightsError::Damaged { .. })), "byte {at}");
        assert!(
            matches!(PitchNet::load(&WEIGHTS[..at], SHA256), Err(WeightsError::Damaged { .. })),
            "{at} bytes"
        );
    }
}

#[test]
fn weights_of_another_kind_are_refused_even_with_their_own_hash() {
    // SHA-256 of nothing.
    let none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert!(matches!(PitchNet::load(&[], none), Err(WeightsError::Unfit(_))));
}

#[test]
#[ignore = "prints how long a step takes"]
fn time() {
    let sound = tone(160_000, |_| 220.0);
    let (mut features, mut net) =
        (PitchFeatures::new(), PitchNet::embedded().expect("the weights are sound"));
    for _ in 0..3 {
        let (mut seeing, mut judging) = (std::time::Duration::ZERO, std::time::Duration::ZERO);
        for hop in sound.as_chunks().0 {
            let start = std::time::Instant::now();
            let frame = features.process(hop);
            let middle = std::time::Instant::now();
            net.step(frame);
            seeing += middle - start;
            judging += middle.elapsed();
        }
        println!("{} us features, {} us network", seeing.as_micros() / 1_000, judging.as_micros() / 1_000);
    }
}
