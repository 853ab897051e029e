//! How long sound takes from the plugin's output through the sound card, speakers and a microphone, or a cable, back to
//! its input.
//!
//! Three short sweeps are played, what comes back is compared with them by a matched filter (Turin, IRE Trans. Inf. Theory
//! 6, 1960), and the middle one of the three delays is taken. Of several ways through a room the first that is nearly as
//! loud as the loudest counts: it is the straight one.

use realfft::RealFftPlanner;

use crate::limits::MAX_ROUND_TRIP_S;
use crate::time::Hz;

/// Sweeps that are played.
const SWEEPS: usize = 3;
/// Length of a sweep, in seconds, and the frequencies that it goes through, in Hz: those that small speakers play.
const SWEEP_S: f64 = 0.04;
const SWEEP_HZ: (f64, f64) = (400.0, 6_000.0);
/// Share of a sweep in which its level rises, and in which it falls.
const EDGE: f64 = 0.25;
/// Peak of a sweep: 20 dB below full scale.
const LEVEL: f64 = 0.1;
/// From the beginning of a sweep to the next, and the longest delay that is looked for, in seconds.
const EACH_S: f64 = 0.7;
const LONGEST_S: f64 = 0.5;
/// How much of a sweep must come back, as a ratio of amplitudes: 80 dB less.
const LEAST_GAIN: f32 = 1e-4;
/// How far the answer must stand out of all else, as a ratio to its root mean square. Noise alone reaches 4.5.
const STANDS_OUT: f32 = 7.0;
/// What comes earlier and is so strong against the strongest answer is the straight way.
const STRAIGHT: f32 = 0.6;
/// Time around an answer that belongs to it, in seconds.
const AROUND_S: f64 = 0.005;
/// Time after the beginning of an answer in which its peak lies, in seconds.
const PEAK_S: f64 = 0.000_2;
/// Largest difference of the delays, in seconds.
const AGREE_S: f64 = 0.001;

/// Why no delay can be told.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum RoundTripError {
    /// Nothing comes back that stands out.
    #[error(
        "No click came back: turn up the speakers or the microphone, or connect the output to the input, and \
         measure again."
    )]
    NoClick,
    /// The delays differ.
    #[error("The clicks came back after {least_ms:.1} to {most_ms:.1} ms: measure again where it is quiet.")]
    Unsteady {
        /// The shortest, in milliseconds.
        least_ms: f64,
        /// The longest.
        most_ms: f64,
    },
    /// It is longer than a band can play ahead.
    #[error(
        "The delay of {ms:.0} ms is beyond {most:.0} ms: choose smaller blocks in the sound card's settings.",
        most = 1000.0 * MAX_ROUND_TRIP_S
    )]
    TooLong {
        /// The delay in milliseconds.
        ms: f64,
    },
}

/// Plays the sweeps. Nothing is allocated after [`RoundTripProbe::new`].
#[derive(Debug)]
pub struct RoundTripProbe {
    sweep: Vec<f32>,
    each: usize,
    /// Frames since the beginning, while it plays.
    at: Option<usize>,
}

impl RoundTripProbe {
    /// A probe at a sample rate, at rest.
    pub fn new(rate: Hz) -> Self {
        Self { sweep: sweep(rate), each: frames(EACH_S, rate), at: None }
    }

    /// Frames that a measurement lasts.
    pub fn length(rate: Hz) -> usize {
        SWEEPS * frames(EACH_S, rate)
    }

    /// Begins a measurement.
    pub fn start(&mut self) {
        self.at = Some(0);
    }

    /// Rests.
    pub fn reset(&mut self) {
        self.at = None;
    }

    /// Frames of the next block of some frames that belong to the measurement.
    pub fn takes(&self, frames: usize) -> usize {
        self.at.map_or(0, |at| frames.min(SWEEPS * self.each - at))
    }

    /// Puts the sweeps in the place of what is in a block, left and right, as far as the measurement lasts.
    pub fn process(&mut self, output: [&mut [f32]; 2]) {
        let Some(at) = self.at else { return };
        let taken = self.takes(output[0].len().min(output[1].len()));
        for side in output {
            for (index, sample) in side[..taken].iter_mut().enumerate() {
                *sample = self.sweep.get((at + index) % self.each).copied().unwrap_or(0.0);
            }
        }
        self.at = Some(at + taken).filter(|at| *at < SWEEPS * self.each);
    }
}

/// The delay in seconds, of what was heard from the beginning of a measurement on.
pub fn round_trip_s(heard: &[f32], rate: Hz) -> Result<f64, RoundTripError> {
    let (each, sweep) = (frames(EACH_S, rate), sweep(rate));
    let mut delays = [0.0; SWEEPS];
    for (index, delay) in delays.iter_mut().enumerate() {
        let window = heard.get(index * each..((index + 1) * each).min(heard.len())).unwrap_or_default();
        *delay = delay_s(window, &sweep, rate).ok_or(RoundTripError::NoClick)?;
    }
    delays.sort_by(f64::total_cmp);
    if delays[SWEEPS - 1] - delays[0] > AGREE_S {
        return Err(RoundTripError::Unsteady {
            least_ms: 1000.0 * delays[0],
            most_ms: 1000.0 * delays[SWEEPS - 1],
        });
    }
    let middle_s = delays[SWEEPS / 2];
    if middle_s > MAX_ROUND_TRIP_S {
        Err(RoundTripError::TooLong { ms: 1000.0 * middle_s })
    } else {
        Ok(middle_s)
    }
}

fn frames(seconds: f64, rate: Hz) -> usize {
    (seconds * rate.as_f64()).round() as usize
}

/// A sine whose frequency rises evenly, with soft edges.
fn sweep(rate: Hz) -> Vec<f32> {
    let length = frames(SWEEP_S, rate);
    (0..length)
        .map(|index| {
            let (t, share) = (index as f64 / rate.as_f64(), index as f64 / length as f64);
            let hz = SWEEP_HZ.0 + 0.5 * (SWEEP_HZ.1 - SWEEP_HZ.0) * share;
            let edge = (share.min(1.0 - share) / EDGE).min(1.0);
            let level = LEVEL * (0.5 * std::f64::consts::PI * edge).sin().powi(2);
            (level * (std::f64::consts::TAU * hz * t).sin()) as f32
        })
        .collect()
}

/// When a sweep begins within some samples, in seconds; none where it does not stand out.
fn delay_s(heard: &[f32], sweep: &[f32], rate: Hz) -> Option<f64> {
    let answers = matched(heard, sweep)?;
    let longest = frames(LONGEST_S, rate).min(answers.len().checked_sub(2)?);
    let strength = |index: usize| answers[index].abs();
    let strongest = (0..longest).max_by(|a, b| strength(*a).total_cmp(&strength(*b)))?;
    let most = strength(strongest);
    let around = frames(AROUND_S, rate);
    let others = (0..longest).filter(|index| index.abs_diff(strongest) > around);
    let (sum, count) =
        others.fold((0.0, 0), |(sum, count), index| (sum + strength(index).powi(2), count + 1));
    let usual = (sum / count.max(1) as f32).sqrt();
    if most < LEAST_GAIN || most < STANDS_OUT * usual {
        return None;
    }
    let first = (0..=strongest).find(|index| strength(*index) >= STRAIGHT * most)?;
    let peak = (first..(first + frames(PEAK_S, rate) + 1).min(longest))
        .max_by(|a, b| strength(*a).total_cmp(&strength(*b)))?;
    // The peak lies between samples: a parabola through three of them.
    let (left, here, right) = (strength(peak.saturating_sub(1)), strength(peak), strength(peak + 1));
    let offset = if peak == 0 { 0.0 } else { 0.5 * (left - right) / (left - 2.0 * here + right).min(-1e-9) };
    Some((peak as f64 + f64::from(offset.clamp(-0.5, 0.5))) / rate.as_f64())
}

/// How much of a sweep begins at each sample, as a ratio of amplitudes.
fn matched(heard: &[f32], sweep: &[f32]) -> Option<Vec<f32>> {
    let length = (heard.len() + sweep.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, back) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let spectrum_of = |samples: &[f32]| {
        let mut input = forward.make_input_vec();
        for (place, sample) in input.iter_mut().zip(samples) {
            *place = super::bounded(*sample);
        }
        let mut spectrum = forward.make_output_vec();
        // Lengths are those the plan asked for, so this cannot fail.
        forward.process(&mut input, &mut spectrum).ok().map(|()| spectrum)
    };
    let (mut product, pattern) = (spectrum_of(heard)?, spectrum_of(sweep)?);
    for (bin, pattern) in product.iter_mut().zip(&pattern) {
        *bin *= pattern.conj();
    }
    let (last, energy) = (product.len() - 1, sweep.iter().map(|sample| sample * sample).sum::<f32>());
    (product[0].im, product[last].im) = (0.0, 0.0);
    let mut answers = back.make_output_vec();
    back.process(&mut product, &mut answers).ok()?;
    answers.truncate(heard.len());
    let scale = 1.0 / (length as f32 * energy.max(1e-12));
    answers.iter_mut().for_each(|answer| *answer *= scale);
    Some(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::Rng;

    /// What a probe plays, block by block.
    fn played(rate: Hz, block: usize) -> Vec<f32> {
        let mut probe = RoundTripProbe::new(rate);
        probe.start();
        let mut samples = Vec::new();
        while probe.takes(block) > 0 {
            let (taken, mut left, mut right) = (probe.takes(block), vec![0.5; block], vec![0.5; block]);
            probe.process([&mut left, &mut right]);
            assert!(left[taken..].iter().all(|sample| *sample == 0.5), "what comes after it stays");
            assert_eq!(left, right);
            samples.extend_from_slice(&left[..taken]);
        }
        samples
    }

    /// The same after a delay in seconds and with a gain.
    fn delayed(samples: &[f32], delay_s: f64, gain: f32, rate: Hz) -> Vec<f32> {
        let delay = frames(delay_s, rate);
        (0..samples.len()).map(|at| at.checked_sub(delay).map_or(0.0, |from| gain * samples[from])).collect()
    }

    fn add_noise(samples: &mut [f32], level: f32, seed: u64) {
        let mut rng = Rng::keyed(&[seed]);
        samples.iter_mut().for_each(|sample| *sample += level * rng.signed() as f32);
    }

    fn assert_near(heard: &[f32], delay_s: f64, rate: Hz, what: &str) {
        let found_s = round_trip_s(heard, rate).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!((found_s - delay_s).abs() < 0.000_1, "{what}: {found_s} s is not {delay_s} s");
    }

    #[test]
    fn delays_are_found_at_every_rate_in_noise_and_upside_down() {
        for rate in [44_100, 48_000, 96_000, 192_000].map(Hz) {
            let sweeps = played(rate, 480);
            assert_eq!(sweeps.len(), RoundTripProbe::length(rate));
            assert_eq!(sweeps, played(rate, 333));
            assert!(sweeps.iter().all(|sample| sample.abs() <= 0.1001));
            for delay_ms in [0.0, 3.3, 12.0, 37.0, 60.0, 99.0] {
                let delay_s = delay_ms / 1000.0;
                let mut heard = delayed(&sweeps, delay_s, -0.05, rate);
                assert_near(&heard, delay_s, rate, "clean");
                // 20 dB of noise against what comes back.
                add_noise(&mut heard, 0.000_5, 3);
                assert_near(&heard, delay_s, rate, "noise");
            }
        }
    }

    #[test]
    fn a_room_and_clipping_change_nothing() {
        let rate = Hz(48_000);
        let sweeps = played(rate, 512);
        let mut rng = Rng::keyed(&[7]);
        let mut heard = delayed(&sweeps, 0.021, 0.3, rate);
        // Reflections over 0.3 s, together louder than the straight way.
        for _ in 0..200 {
            let late_s = 0.3 * rng.unit();
            let gain = (0.12 * rng.signed() * (-late_s / 0.08).exp()) as f32;
            let reflected = delayed(&sweeps, 0.022 + late_s, gain, rate);
            heard.iter_mut().zip(&reflected).for_each(|(sum, sample)| *sum += sample);
        }
        assert_near(&heard, 0.021, rate, "a room");
        let loud = delayed(&sweeps, 0.021, 60.0, rate);
        let clipped: Vec<f32> = loud.iter().map(|sample| sample.clamp(-1.0, 1.0)).collect();
        assert_near(&clipped, 0.021, rate, "clipped");
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_a_reason() {
        let rate = Hz(48_000);
        let sweeps = played(rate, 512);
        let none = vec![0.0; sweeps.len()];
        assert_eq!(round_trip_s(&none, rate), Err(RoundTripError::NoClick));
        assert_eq!(round_trip_s(&[], rate), Err(RoundTripError::NoClick));
        for seed in 0..8 {
            let mut noise = none.clone();
            add_noise(&mut noise, 0.2, seed);
            assert_eq!(round_trip_s(&noise, rate), Err(RoundTripError::NoClick), "seed {seed}");
        }
        let broken = vec![f32::NAN; sweeps.len()];
        assert_eq!(round_trip_s(&broken, rate), Err(RoundTripError::NoClick));
        let mut moved = delayed(&sweeps, 0.01, 0.3, rate);
        let late = delayed(&sweeps, 0.02, 0.3, rate);
        let third = frames(2.0 * EACH_S, rate);
        moved[third..].copy_from_slice(&late[third..]);
        assert!(matches!(round_trip_s(&moved, rate), Err(RoundTripError::Unsteady { .. })));
        let late = round_trip_s(&delayed(&sweeps, 0.183, 0.3, rate), rate);
        assert!(late.is_err_and(|error| error.to_string().contains("183 ms is beyond 100 ms")));
    }

    #[test]
    fn a_probe_at_rest_leaves_everything_and_one_that_is_reset_rests() {
        let mut probe = RoundTripProbe::new(Hz(48_000));
        let (mut left, mut right) = ([0.25; 64], [0.25; 64]);
        probe.process([&mut left, &mut right]);
        probe.start();
        assert_eq!(probe.takes(64), 64);
        probe.reset();
        probe.process([&mut left, &mut right]);
        assert_eq!((left, probe.takes(64)), ([0.25; 64], 0));
    }
}
