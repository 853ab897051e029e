//! Pitch and loudness at every sample rate.

use super::*;
use crate::audio::resample;

/// Period in samples near an expected one, by normalised autocorrelation over several periods.
fn period(samples: &[f32], expected: f64, periods: usize) -> f64 {
    let center = expected * periods as f64;
    let reach = (center * 0.012).max(4.0) as usize;
    let lags = center as usize - reach..=center as usize + reach;
    let window = samples.len() - lags.end() - 1;
    let stride = 1 + samples.len() / 50_000;
    let correlation = |lag: usize| {
        let (a, b) = (&samples[..window], &samples[lag..lag + window]);
        let sum = |x: &[f32], y: &[f32]| {
            x.iter().zip(y).step_by(stride).map(|(x, y)| f64::from(x * y)).sum::<f64>()
        };
        sum(a, b) / (sum(a, a) * sum(b, b)).sqrt()
    };
    let best = lags.clone().max_by(|a, b| correlation(*a).total_cmp(&correlation(*b))).expect("lags");
    let [before, at, after] = [best - 1, best, best + 1].map(correlation);
    let bend = before - 2.0 * at + after;
    let shift = if bend.abs() > 1e-15 { 0.5 * (before - after) / bend } else { 0.0 };
    (best as f64 + shift) / periods as f64
}

/// Removes what lies above `corner_hz`, so that stretched partials do not pull the period.
pub(super) fn low_pass(samples: &[f32], corner_hz: f64, rate: Hz) -> Vec<f32> {
    let k = (1.0 - (-std::f64::consts::TAU * corner_hz / rate.as_f64()).exp()) as f32;
    let mut state = [0.0f32; 4];
    samples
        .iter()
        .map(|x| {
            state.iter_mut().fold(*x, |x, s| {
                *s += k * (x - *s);
                *s
            })
        })
        .collect()
}

fn cents_off(part: Part, rate: Hz, pitch: u8, cents: f32) -> f64 {
    // Players drift around the pitch; it takes longer to hear their mean.
    let len = rate.count(if part == Part::Strings { 3.3 } else { 1.3 }).0 as usize;
    let events = [tuning(part, 0, cents), on(part, 0, 1, pitch, 96, Articulation::Normal)];
    let sound = render(&mut *instrument(part, rate), &events, len, 512);
    let mono: Vec<f32> = sound.0.iter().zip(&sound.1).map(|(l, r)| l + r).collect();
    let hz = MidiNote(pitch).hz(f64::from(cents));
    let mono = low_pass(&mono, hz, rate);
    let from = rate.count(0.3).0 as usize;
    let periods = ((0.05 * hz) as usize).max(2);
    let found = rate.as_f64() / period(&mono[from..], rate.as_f64() / hz, periods);
    1_200.0 * (found / hz).log2()
}

#[test]
fn every_rate_gives_the_same_pitch() {
    for (part, pitches) in [
        (Part::Guitar, &[40u8, 47, 55, 64, 71, 79][..]),
        (Part::Bass, &[28, 35, 43, 52]),
        (Part::Strings, &[45, 60, 79]),
    ] {
        for &pitch in pitches {
            for rate in RATES {
                let off = cents_off(part, rate, pitch, 0.0);
                assert!(off.abs() < 3.0, "{part}, note {pitch} at {} Hz is {off:.2} cents off", rate.0);
            }
        }
    }
}

#[test]
fn the_tuning_moves_every_pitched_part() {
    for part in Part::ALL.into_iter().filter(|p| p.is_pitched()) {
        for cents in [-45.0, 30.0] {
            let off = cents_off(part, Hz(48_000), 52, cents);
            assert!(off.abs() < 3.0, "{part} at {cents} cents is {off:.2} cents off");
        }
    }
}

#[test]
fn the_tuning_moves_sounding_notes() {
    let rate = Hz(48_000);
    for part in Part::ALL.into_iter().filter(|p| p.is_pitched()) {
        let events = [on(part, 0, 1, 50, 96, Articulation::Normal), tuning(part, 14_400, 40.0)];
        let sound = render(&mut *instrument(part, rate), &events, 80_000, 512);
        let hz = MidiNote(50).hz(40.0);
        let mono = low_pass(&sound.0, hz, rate);
        let found = rate.as_f64() / period(&mono[26_000..], rate.as_f64() / hz, 7);
        let off = 1_200.0 * (found / hz).log2();
        assert!(off.abs() < 4.0, "{part} is {off:.2} cents off after the tuning moved");
    }
}

#[test]
fn every_rate_gives_the_same_loudness() {
    for (part, pitches) in [
        (Part::Guitar, &[40u8, 52, 64][..]),
        (Part::Bass, &[28, 40]),
        (Part::Strings, &[48, 67]),
        (Part::Drums, &[36, 38, 42, 46, 49, 51, 45, 70]),
    ] {
        for &pitch in pitches {
            let level = |rate: Hz| {
                let events = [on(part, 0, 1, pitch, 96, Articulation::Normal)];
                let sound = render(&mut *instrument(part, rate), &events, rate.count(0.8).0 as usize, 512);
                let heard = resample(&sound.0, 1, rate, Hz(44_100)).expect("a rate that is supported");
                20.0 * rms(&heard).log10()
            };
            let reference = level(Hz(48_000));
            for rate in RATES {
                let off = level(rate) - reference;
                assert!(off.abs() < 1.0, "{part}, note {pitch} at {} Hz is {off:.2} dB off", rate.0);
            }
        }
    }
}
