//! The echo of a made-up band in a made-up room.

use super::*;
use crate::limits::LISTEN_HZ;
use crate::song::Rng;

const HZ: f64 = LISTEN_HZ as f64;

/// Chords that are struck and die away, with strokes of noise on every beat.
fn band(seconds: f64) -> Vec<f32> {
    let mut rng = Rng::keyed(&[1]);
    let length = (seconds * HZ) as usize;
    let mut samples = vec![0.0f32; length];
    for beat in 0..(seconds * 2.0) as usize {
        let from = (beat as f64 * 0.5 * HZ) as usize;
        let root = 36 + [0, 5, 7, 9][beat / 4 % 4];
        for key in [root, root + 12, root + 16, root + 19, root + 24] {
            let hz = 440.0 * 2f64.powf((f64::from(key) - 69.0) / 12.0);
            for partial in 1..=(6_000.0 / hz) as usize {
                let turn = std::f64::consts::TAU * hz * partial as f64 / HZ;
                let (level, phase) = (0.03 / partial as f64, rng.unit() * std::f64::consts::TAU);
                for (n, sample) in samples[from..].iter_mut().take(HZ as usize).enumerate() {
                    let decay = (-3.0 * n as f64 * partial as f64 / HZ).exp();
                    *sample += (level * decay * (turn * n as f64 + phase).sin()) as f32;
                }
            }
        }
        for (n, sample) in samples[from..].iter_mut().take(3_000).enumerate() {
            *sample += (0.05 * rng.normal() * (-0.002 * n as f64).exp()) as f32;
        }
    }
    samples
}

/// A sung vowel on changing pitches with vibrato and rests.
fn voice(seconds: f64) -> Vec<f32> {
    let mut phase = 0.0;
    (0..(seconds * HZ) as usize)
        .map(|n| {
            let at_s = n as f64 / HZ;
            let note = (at_s / 0.6) as usize;
            let hz = 220.0 * 2f64.powf([0.0, 2.0, 4.0, 7.0, 5.0][note % 5] / 12.0);
            phase += std::f64::consts::TAU * hz * (1.0 + 0.01 * (35.0 * at_s).sin()) / HZ;
            let is_sung = note % 5 != 4;
            let shape = ((at_s / 0.6).fract() * std::f64::consts::PI).sin();
            let vowel: f64 = (1..=20).map(|k| (phase * f64::from(k)).sin() / f64::from(k)).sum();
            if is_sung { (0.2 * shape * vowel) as f32 } else { 0.0 }
        })
        .collect()
}

/// A room that rings for half a second, 20 ms away, and sends back a third of what it hears.
fn echo_of(samples: &[f32], seed: u64) -> Vec<f32> {
    let mut rng = Rng::keyed(&[seed]);
    let path: Vec<f64> = (0..8_000).map(|n| rng.normal() * (-6.9 * f64::from(n) / 8_000.0).exp()).collect();
    let norm = path.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut out = vec![0.0f32; samples.len() + 8_320];
    for (n, sample) in samples.iter().enumerate() {
        for (out, path) in out[n + 320..].iter_mut().zip(&path) {
            *out += sample * (0.33 * path / norm) as f32;
        }
    }
    out.truncate(samples.len());
    out
}

fn louder(samples: &[f32], gain: f32) -> Vec<f32> {
    samples.iter().map(|sample| gain * sample).collect()
}

fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn run(canceller: &mut EchoCanceller, microphone: &[f32], reference: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(microphone.len());
    for (microphone, reference) in microphone.chunks_exact(LISTEN_HOP).zip(reference.chunks_exact(LISTEN_HOP))
    {
        let mut hop: [f32; LISTEN_HOP] = microphone.try_into().expect("a hop");
        canceller.process(&mut hop, reference.try_into().expect("a hop"));
        out.extend(hop);
    }
    out
}

/// Power of a stretch of seconds in dB.
fn level_db(samples: &[f32], from_s: f64, to_s: f64) -> f64 {
    let part = &samples[(from_s * HZ) as usize..(to_s * HZ) as usize];
    10.0 * (part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64 + 1e-20).log10()
}

#[test]
fn of_a_band_in_a_room_20_db_are_gone_after_5_s() {
    let band = band(10.0);
    let echo = echo_of(&band, 2);
    let left = run(&mut EchoCanceller::new(), &echo, &band);
    for second in 5..10 {
        let at_s = f64::from(second);
        let erle = level_db(&echo, at_s, at_s + 1.0) - level_db(&left, at_s, at_s + 1.0);
        assert!(erle > 20.0, "{erle:.1} dB in second {second}");
    }
}

#[test]
fn a_voice_over_the_band_is_left_alone() {
    let (band, voice) = (band(12.0), voice(12.0));
    let echo = echo_of(&band, 3);
    let loud = 10f32.powf(((level_db(&voice, 0.0, 12.0) - 6.0 - level_db(&echo, 0.0, 12.0)) / 20.0) as f32);
    let (band, echo) = (louder(&band, loud), louder(&echo, loud));
    let out = run(&mut EchoCanceller::new(), &sum(&voice, &echo), &band);
    let wrong: Vec<f32> = out.iter().zip(&voice).map(|(out, voice)| out - voice).collect();
    let ratio = level_db(&voice, 5.0, 12.0) - level_db(&wrong, 5.0, 12.0);
    assert!(ratio > 15.0, "the voice is {ratio:.1} dB above what is wrong with it; it was 6");
}

#[test]
fn without_a_band_the_voice_comes_through_bit_for_bit() {
    let mut canceller = EchoCanceller::new();
    let voice = voice(3.0);
    let silence = vec![0.0; voice.len()];
    assert!(run(&mut canceller, &voice, &silence) == voice);
    assert!(run(&mut canceller, &silence, &silence) == silence);
    // The same again once the band has stopped and its echo is over.
    let band = band(2.0);
    run(&mut canceller, &echo_of(&band, 4), &band);
    run(&mut canceller, &silence, &silence);
    assert!(run(&mut canceller, &voice, &silence) == voice);
}

#[test]
fn a_silent_microphone_stays_silent() {
    let band = band(4.0);
    let out = run(&mut EchoCanceller::new(), &vec![0.0; band.len()], &band);
    assert!(out.iter().all(|sample| *sample == 0.0));
}

#[test]
fn what_is_no_number_is_silence_and_is_forgotten() {
    let band = band(8.0);
    let mut echo = echo_of(&band, 5);
    let mut reference = band.clone();
    for (index, wrong) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -f32::MAX].iter().enumerate()
    {
        echo[40_000 + 700 * index] = *wrong;
        reference[41_000 + 900 * index] = *wrong;
    }
    let mut canceller = EchoCanceller::new();
    let out = run(&mut canceller, &echo, &reference);
    assert!(out.iter().all(|sample| sample.is_finite()));
    let again = run(&mut canceller, &echo_of(&band, 5), &band);
    let erle = level_db(&band, 5.0, 8.0) - 9.6 - level_db(&again, 5.0, 8.0);
    assert!(erle > 15.0, "{erle:.1} dB after the worst");
}

#[test]
fn another_room_is_found_again() {
    let band = band(14.0);
    let mut echo = echo_of(&band, 6);
    let change = 5 * LISTEN_HZ as usize;
    echo.splice(change.., echo_of(&band, 7).split_off(change));
    let left = run(&mut EchoCanceller::new(), &echo, &band);
    let erle = level_db(&echo, 10.0, 14.0) - level_db(&left, 10.0, 14.0);
    assert!(erle > 15.0, "{erle:.1} dB 5 s after the change");
}

#[test]
fn the_same_sounds_give_the_same_bits_after_a_reset_and_not_without() {
    let (band, voice) = (band(3.0), voice(3.0));
    let heard = sum(&voice, &echo_of(&band, 8));
    let mut canceller = EchoCanceller::new();
    let first = run(&mut canceller, &heard, &band);
    assert!(run(&mut canceller, &heard, &band) != first);
    canceller.reset();
    assert!(run(&mut canceller, &heard, &band) == first);
    assert!(run(&mut EchoCanceller::new(), &heard, &band) == first);
}
