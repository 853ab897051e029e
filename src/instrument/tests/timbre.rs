//! Solo notes against ranges around what a sampled bank (FluidR3) gives for the same notes.

use realfft::RealFftPlanner;

use super::*;

const RATE: Hz = Hz(48_000);

struct Target {
    part: Part,
    pitch: u8,
    /// Spectral centroid over 0.1 s from the start, in Hz.
    attack_hz: (f64, f64),
    /// Spectral centroid from 1 s to 2 s, in Hz: long enough to average the beating of a section.
    later_hz: (f64, f64),
    /// Decay by 60 dB, in seconds.
    t60_s: (f64, f64),
}

const ANY: (f64, f64) = (0.0, f64::MAX);

pub(super) fn centroid(samples: &[f32]) -> f64 {
    let mut windowed: Vec<f64> = samples
        .iter()
        .enumerate()
        .map(|(i, x)| f64::from(*x) * (std::f64::consts::PI * i as f64 / samples.len() as f64).sin().powi(2))
        .collect();
    let fft = RealFftPlanner::new().plan_fft_forward(windowed.len());
    let mut spectrum = fft.make_output_vec();
    fft.process(&mut windowed, &mut spectrum).expect("lengths fit");
    let width_hz = RATE.as_f64() / samples.len() as f64;
    let total: f64 = spectrum.iter().map(|x| x.norm_sqr()).sum();
    spectrum.iter().enumerate().map(|(bin, x)| bin as f64 * width_hz * x.norm_sqr()).sum::<f64>() / total
}

/// Decay by 60 dB from the time between -5 and -30 dB of the energy that is still to come (Schroeder, 1965).
pub(super) fn t60_s(samples: &[f32]) -> f64 {
    let mut rest: Vec<f64> = samples
        .iter()
        .rev()
        .scan(0.0, |sum, x| {
            *sum += f64::from(*x).powi(2);
            Some(*sum)
        })
        .collect();
    rest.reverse();
    let below = |level_db: f64| rest.iter().position(|e| 10.0 * (e / rest[0]).log10() < level_db);
    let (from, to) = (below(-5.0).expect("decays"), below(-30.0).expect("decays"));
    (to - from) as f64 / RATE.as_f64() * 60.0 / 25.0
}

#[test]
fn notes_sound_as_they_should() {
    let note = |part, pitch, attack_hz, later_hz, t60_s| Target { part, pitch, attack_hz, later_hz, t60_s };
    let targets = [
        note(Part::Guitar, 52, (600.0, 1_500.0), (200.0, 650.0), (4.0, 9.5)),
        note(Part::Guitar, 64, (800.0, 2_200.0), (350.0, 900.0), (3.5, 9.5)),
        note(Part::Bass, 40, (100.0, 500.0), (60.0, 350.0), (3.0, 8.0)),
        note(Part::Drums, 36, (50.0, 150.0), ANY, (0.25, 0.55)),
        note(Part::Drums, 38, (800.0, 2_500.0), ANY, (0.25, 0.5)),
        note(Part::Drums, 42, (9_000.0, 12_500.0), ANY, (0.15, 0.35)),
        note(Part::Drums, 49, (3_500.0, 6_000.0), (2_000.0, 5_000.0), (2.0, 6.0)),
        note(Part::Strings, 67, (600.0, 1_500.0), (500.0, 1_300.0), ANY),
    ];
    // No two strokes are alike, and the players of a section beat: the mean over some notes counts.
    const STROKES: u32 = 6;
    for target in targets {
        let mean = |measure: &dyn Fn(&[f32]) -> f64, length_s: usize| {
            let one = |id| {
                let events = [on(target.part, 0, id, target.pitch, 100, Articulation::Normal)];
                let sound = render(&mut *instrument(target.part, RATE), &events, length_s * 48_000, 512);
                let mono: Vec<f32> = sound.0.iter().zip(&sound.1).map(|(l, r)| 0.5 * (l + r)).collect();
                measure(&mono)
            };
            (0..STROKES).map(one).sum::<f64>() / f64::from(STROKES)
        };
        let check = |what: &str, value: f64, range: (f64, f64)| {
            println!("{}, note {}: {what} is {value:.2}, wanted {range:?}", target.part, target.pitch);
            let held = (range.0..=range.1).contains(&value);
            assert!(held, "{}, note {}: {what} is {value}, not in {range:?}", target.part, target.pitch);
        };
        check("centroid in the attack (Hz)", mean(&|x| centroid(&x[..4_800]), 1), target.attack_hz);
        if target.later_hz != ANY {
            check("centroid after 1 s (Hz)", mean(&|x| centroid(&x[48_000..96_000]), 2), target.later_hz);
        }
        if target.t60_s != ANY {
            check("T60 (s)", mean(&t60_s, 8), target.t60_s);
        }
    }
}

#[test]
fn the_kit_has_body_above_its_fundamentals() {
    let share = |key, low_hz: f64, high_hz: f64| {
        let events = [on(Part::Drums, 0, 1, key, 110, Articulation::Normal)];
        let sound = render(&mut *instrument(Part::Drums, RATE), &events, 4_800, 512).0;
        let mut input: Vec<f64> = sound.iter().map(|x| f64::from(*x)).collect();
        let fft = RealFftPlanner::new().plan_fft_forward(input.len());
        let mut spectrum = fft.make_output_vec();
        fft.process(&mut input, &mut spectrum).expect("lengths fit");
        let band = |from: f64, to: f64| -> f64 {
            spectrum[(from / 10.0) as usize..(to / 10.0) as usize].iter().map(|x| x.norm_sqr()).sum()
        };
        10.0 * (band(low_hz, high_hz) / band(0.0, 24_000.0)).log10()
    };
    assert!(share(36, 200.0, 3_000.0) > -24.0, "kick: {} dB", share(36, 200.0, 3_000.0));
    assert!(share(38, 1_000.0, 12_000.0) > -12.0, "snare: {} dB", share(38, 1_000.0, 12_000.0));
    assert!(share(49, 2_000.0, 6_000.0) > -6.0, "crash: {} dB", share(49, 2_000.0, 6_000.0));
}
