//! Separators on a made-up voice over a made-up band.

use super::*;
use crate::score::Part;
use crate::song::Rng;
use crate::time::Hz;

const RATE: Hz = Hz(16_000);

fn level(samples: &[f32]) -> f64 {
    10.0 * (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64 + 1e-20).log10()
}

fn add(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn minus(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// A tone of many partials whose pitch swings and goes up and down by steps.
fn voice(seconds: f64, rate: Hz) -> Vec<f32> {
    let mut phase = 0.0;
    (0..(seconds * rate.as_f64()) as usize)
        .map(|n| {
            let at_s = n as f64 / rate.as_f64();
            let hz = 220.0 * 2f64.powf([0.0, 2.0, 4.0, 5.0][(at_s / 0.7) as usize % 4] / 12.0);
            phase += std::f64::consts::TAU * hz * (1.0 + 0.02 * (36.0 * at_s).sin()) / rate.as_f64();
            (1..=12).map(|k| 0.1 / f64::from(k) * (phase * f64::from(k)).sin()).sum::<f64>() as f32
        })
        .collect()
}

/// Long chords, and strokes of noise.
fn band(seconds: f64, rate: Hz, seed: u64) -> Vec<f32> {
    let mut rng = Rng::keyed(&[seed]);
    (0..(seconds * rate.as_f64()) as usize)
        .map(|n| {
            let at_s = n as f64 / rate.as_f64();
            let chord = [130.8, 164.8, 196.0, 261.6, 392.0];
            let tones: f64 = chord.iter().map(|hz| (std::f64::consts::TAU * hz * at_s).sin()).sum();
            let stroke = rng.normal() * (-30.0 * (at_s % 0.5)).exp();
            (0.03 * tones + 0.1 * stroke) as f32
        })
        .collect()
}

/// Noise of a few seconds that changes its level: a band of which everything is new.
fn noise(seconds: f64, rate: Hz, seed: u64) -> Vec<f32> {
    let mut rng = Rng::keyed(&[seed]);
    (0..(seconds * rate.as_f64()) as usize)
        .map(|n| {
            let at_s = n as f64 / rate.as_f64();
            (0.1 * rng.normal() * (1.2 + (5.0 * at_s).sin())) as f32
        })
        .collect()
}

fn all(rate: Hz) -> Vec<(&'static str, Box<dyn Separator>)> {
    let backing = band(1.0, rate, 3);
    vec![
        ("off", Box::new(Bypass)),
        ("centre", Box::new(Centre::new(rate))),
        ("percussive", Box::new(Percussive::new(rate))),
        ("percussive offline", Box::new(Percussive::offline(rate))),
        ("reference", Box::new(Reference::new(rate, [backing.clone(), backing.clone()], false))),
        ("reference mono", Box::new(Reference::new(rate, [backing.clone(), backing], true))),
    ]
}

#[test]
fn any_block_size_gives_the_same_bits_and_a_reset_forgets_everything() {
    let (left, right) = (add(&voice(2.0, RATE), &band(2.0, RATE, 1)), band(2.0, RATE, 2));
    for (name, mut separator) in all(RATE) {
        let run = |separator: &mut dyn Separator, block: usize| {
            let (mut left, mut right) = (left.clone(), right.clone());
            for (left, right) in left.chunks_mut(block).zip(right.chunks_mut(block)) {
                separator.process(&mut StereoBlock { left, right });
            }
            (left, right)
        };
        let first = run(&mut *separator, left.len());
        let again = run(&mut *separator, left.len());
        assert!(name == "off" || first != again, "{name} remembers nothing");
        for block in [1, 63, 480, 4096] {
            separator.reset();
            assert!(run(&mut *separator, block) == first, "{name}, blocks of {block}");
        }
    }
}

#[test]
fn voice_and_backing_add_up_to_what_was_heard() {
    for rate in [Hz(16_000), Hz(44_100), Hz(96_000), Hz(192_000)] {
        let (left, right) = (add(&voice(1.0, rate), &band(1.0, rate, 1)), band(1.0, rate, 2));
        for (name, separator) in all(rate) {
            let mut apart = Apart::new(separator);
            let (mut voice, mut backing) = ([left.clone(), right.clone()], [left.clone(), right.clone()]);
            let ([vl, vr], [bl, br]) = (&mut voice, &mut backing);
            let mut block = StereoBlock { left: vl, right: vr };
            apart.process(&mut block, &mut StereoBlock { left: bl, right: br });
            let late = apart.latency().0 as usize;
            assert!(late < rate.0 as usize * 3 / 2, "{name} is {late} samples late at {} Hz", rate.0);
            for (channel, heard) in [&left, &right].into_iter().enumerate() {
                for n in late..heard.len() {
                    let sum = voice[channel][n] + backing[channel][n];
                    assert!((sum - heard[n - late]).abs() < 1e-6, "{name}, sample {n} at {} Hz", rate.0);
                }
            }
        }
    }
}

#[test]
fn integers_add_up_whatever_the_voice_is() {
    let edge = crate::audio::FULL_SCALE;
    for input in [0, 1, -1, 12_345, edge - 1, -edge, edge, i32::MAX, i32::MIN] {
        for voice in [0.0, 0.3, -0.7, 1.0, -1.0, 1e9, -1e9, f32::NAN, f32::INFINITY] {
            let (voice, backing) = parted(input, voice);
            assert_eq!(voice + backing, input.clamp(-edge, edge - 1));
            for part in [voice, backing] {
                assert!((-edge..edge).contains(&part), "{part}");
            }
        }
    }
    // A voice that fits is only rounded.
    assert_eq!(parted(1000, 500.4 / edge as f32), (500, 500));
}

#[test]
fn a_mask_of_ones_changes_nothing() {
    struct Ones;
    impl stft::Mask for Ones {
        fn look_ahead(&self) -> usize {
            3
        }
        fn reset(&mut self) {}
        fn process(&mut self, _: &[stft::Complex<f32>], _: &[stft::Complex<f32>], gains: &mut [f32]) {
            gains.fill(1.0);
        }
    }
    let frames = stft::Frames::near(20.0, RATE);
    assert_eq!((frames.size, frames.hop), (256, 64));
    let heard = voice(1.0, RATE);
    let (left, _) = whole(&mut stft::Masked::new(Ones, frames), &heard, &heard);
    assert_eq!(left.len(), heard.len());
    assert!(level(&minus(&left, &heard)) < -120.0);
}

#[test]
fn what_moves_is_told_from_what_stands_still_and_what_strikes() {
    let (voice, mut band) = (voice(8.0, RATE), band(8.0, RATE, 1));
    band.iter_mut().for_each(|sample| *sample *= 2.0);
    let mix = add(&voice, &band);
    for mut separator in [Percussive::new(RATE), Percussive::offline(RATE)] {
        let (of_mix, _) = whole(&mut separator, &mix, &mix);
        let (of_band, _) = whole(&mut separator, &band, &band);
        let from = 2 * RATE.0 as usize;
        let before = level(&voice[from..]) - level(&band[from..]);
        let after = level(&voice[from..]) - level(&minus(&of_mix[from..], &voice[from..]));
        assert!(after > before + 2.0, "{before:.1} dB before, {after:.1} dB after");
        let left = level(&of_band[from..]) - level(&band[from..]);
        assert!(left < -12.0, "{left:.1} dB of the band are left");
    }
}

#[test]
fn the_middle_is_told_from_the_sides() {
    for rate in [Hz(44_100), Hz(96_000)] {
        let (voice, one, two) = (voice(3.0, rate), noise(3.0, rate, 1), noise(3.0, rate, 2));
        let (left, right) = whole(&mut Centre::new(rate), &add(&voice, &one), &add(&voice, &two));
        assert!(left == right, "a voice in the middle is mono");
        let backing = level(&minus(&left, &voice));
        let before = level(&one) - 3.0;
        assert!(backing < before - 4.0, "{before:.1} dB before, {backing:.1} dB after");
        // What is in one channel alone goes.
        let (left, _) = whole(&mut Centre::new(rate), &one, &vec![0.0; one.len()]);
        assert!(level(&left) < level(&one) - 60.0);
    }
}

/// A backing as it comes back: later, other levels, an echo.
fn path(backing: &[f32], delay: usize, gain: f32) -> Vec<f32> {
    let mut out = vec![0.0; backing.len()];
    for (more, gain) in [(0, gain), (3, -0.3 * gain), (700, 0.2 * gain)] {
        for (n, sample) in backing.iter().enumerate().take(backing.len().saturating_sub(delay + more)) {
            out[n + delay + more] += gain * sample;
        }
    }
    out
}

#[test]
fn a_known_backing_is_taken_out_of_a_file() {
    let voice = voice(24.0, RATE);
    let known = [noise(24.0, RATE, 1), noise(24.0, RATE, 2)];
    let heard = [path(&known[0], 4_321, 0.8), path(&known[1], 4_321, 0.6)];
    let mix: Vec<Vec<f32>> = heard.iter().map(|backing| add(&voice, backing)).collect();
    let found = cancel(&mix, &known, RATE, &mut |_| {}).expect("it is heard");
    assert!((found.delay_s - 4_321.0 / 16_000.0).abs() < 1e-4, "{} s", found.delay_s);
    assert_eq!((found.drift_ppm, found.changes), (0.0, false));
    for (channel, heard) in found.voice.iter().zip(&heard) {
        let erle = level(heard) - level(&minus(channel, &voice));
        assert!(erle > 17.0, "{erle:.1} dB");
    }
    // A mono mix of a stereo backing holds both of its channels.
    let mono: Vec<f32> = heard[0].iter().zip(&heard[1]).map(|(l, r)| 0.5 * (l + r)).collect();
    let found = cancel(&[add(&voice, &mono)], &known, RATE, &mut |_| {}).expect("it is heard");
    let erle = level(&mono) - level(&minus(&found.voice[0], &voice));
    assert!(erle > 15.0, "{erle:.1} dB");
}

#[test]
fn a_backing_that_runs_faster_is_found() {
    let voice = voice(64.0, RATE);
    let known = noise(64.0, RATE, 1);
    // 80 ppm slow, 50.3 samples late, and faded down to a third.
    let mut heard = align::warped(&known, known.len(), 50.3, 80e-6);
    let frames = heard.len() as f32;
    heard.iter_mut().enumerate().for_each(|(n, sample)| *sample *= 1.0 - 0.7 * n as f32 / frames);
    let found = cancel(&[add(&voice, &heard)], &[known], RATE, &mut |_| {}).expect("it is heard");
    assert!((found.drift_ppm - 80.0).abs() < 2.0, "{} ppm", found.drift_ppm);
    assert!(found.changes, "its level changes");
    let erle = level(&heard) - level(&minus(&found.voice[0], &voice));
    assert!(erle > 10.0, "{erle:.1} dB");
}

#[test]
fn a_backing_that_is_not_heard_is_refused() {
    let mix = add(&voice(10.0, RATE), &noise(10.0, RATE, 1));
    let result = cancel(&[mix], &[noise(10.0, RATE, 2)], RATE, &mut |_| {});
    assert!(matches!(result, Err(ReferenceError::NotHeard { strength }) if strength < 8.0), "{result:?}");
}

#[test]
fn a_known_backing_is_taken_out_live() {
    for rate in [Hz(16_000), Hz(44_100)] {
        let (voice, known) = (voice(8.0, rate), noise(8.0, rate, 1));
        let heard = path(&known, 2_000, 0.8);
        let mix = add(&voice, &heard);
        let mut reference = Reference::new(rate, [known.clone(), known], true);
        let (left, right) = whole(&mut reference, &mix, &mix);
        assert!(left == right);
        let from = 4 * rate.0 as usize;
        let erle = level(&heard[from..]) - level(&minus(&left[from..], &voice[from..]));
        assert!(erle > 10.0, "{erle:.1} dB at {} Hz", rate.0);
    }
}

fn told(left: &[f32], right: &[f32], rate: Hz) -> Verdict {
    let mut meter = InputMeter::new(rate).expect("the rate is supported");
    for (left, right) in left.chunks(1000).zip(right.chunks(1000)) {
        meter.push(left, right);
    }
    Verdict::of(meter.finish())
}

#[test]
fn kinds_are_told_apart() {
    let sung = crate::sing::demo().sing(RATE).expect("the rate is supported").samples;
    let seconds = sung.len() as f64 / RATE.as_f64();
    let (mut one, two) = (band(seconds, RATE, 1), noise(seconds, RATE, 2));
    let gain = 10f64.powf((level(&sung) - level(&one)) / 20.0) as f32;
    one.iter_mut().for_each(|sample| *sample *= gain);
    let side: Vec<f32> = two.iter().map(|sample| 0.3 * sample).collect();
    let kind = |left: &[f32], right: &[f32]| told(left, right, RATE).kind;
    assert_eq!(kind(&sung, &sung), InputKind::DryVoice);
    assert_eq!(kind(&one, &one), InputKind::NoVoice);
    assert_eq!(kind(&two, &side), InputKind::NoVoice);
    let mix = add(&sung, &one);
    assert_eq!(kind(&mix, &mix), InputKind::MonoMix);
    assert_eq!(kind(&add(&mix, &side), &mix), InputKind::StereoMix);
    let silence = vec![0.0; sung.len()];
    assert_eq!(kind(&silence, &silence), InputKind::NoVoice);
    assert!(told(&mix, &mix, RATE).why.contains("dB"));
}

#[test]
fn parts_that_play_are_heard() {
    let mut rng = Rng::keyed(&[7]);
    let sine = |hz: f64, at_s: f64| (std::f64::consts::TAU * hz * at_s).sin();
    let mut played = |of: &mut dyn FnMut(f64, f64) -> f64| -> Vec<Part> {
        let samples: Vec<f32> =
            (0..20 * 16_000).map(|n| of(f64::from(n) / 16_000.0, rng.normal()) as f32).collect();
        parts_in(&samples)
    };
    let strokes = |at_s: f64, noise: f64| 0.1 * noise * (-60.0 * (at_s % 0.25)).exp();
    let low = |at_s: f64| 0.1 * sine(55.0, at_s);
    assert_eq!(played(&mut |at_s, noise| strokes(at_s, noise)), [Part::Drums]);
    assert!(played(&mut |at_s, _| low(at_s)).contains(&Part::Bass));
    let both = played(&mut |at_s, noise| strokes(at_s, noise) + low(at_s));
    assert!(both.contains(&Part::Drums) && both.contains(&Part::Bass), "{both:?}");
    // Strings of a guitar keep their partials and fall between strokes.
    let plucked = played(&mut |at_s, _| {
        let since = at_s % 0.5;
        [196.0, 247.0, 294.0].map(|hz| 0.05 * sine(hz, at_s) * (-1.2 * since).exp()).iter().sum()
    });
    assert_eq!(plucked, [Part::Guitar]);
    assert!(played(&mut |_, _| 0.0).is_empty());
    assert!(parts_in(&[f32::NAN; 40_000]).is_empty() && parts_in(&[0.1; 100]).is_empty());
}
