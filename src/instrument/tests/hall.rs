//! Room, ceiling and limiter.

use super::*;
use crate::instrument::{CEILING_DBTP, Limiter, Room, RoomSpec, ceiling, channel};

const RATE: Hz = Hz(48_000);
const SPEC: RoomSpec = RoomSpec { wet: 1.0, t60_s: 1.0, pre_delay_s: 0.02, damping_hz: 20_000.0 };

fn in_room(left: &[f32], right: &[f32]) -> Stereo {
    let mut room = Room::new(SPEC, RATE);
    let (mut left, mut right) = (left.to_vec(), right.to_vec());
    room.process(&mut StereoBlock { left: &mut left, right: &mut right });
    (left, right)
}

#[test]
fn the_room_is_linear() {
    let mut rng = Rng::keyed(&[4]);
    let mut side = || (0..20_000).map(|_| rng.signed() as f32).collect::<Vec<f32>>();
    let (a, b) = (side(), side());
    let sum: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    let (ra, rb, rs) = (in_room(&a, &b), in_room(&b, &a), in_room(&sum, &sum));
    for ((a, b), s) in ra.0.iter().zip(&rb.0).zip(&rs.0) {
        assert!((a + b - s).abs() < 2e-5, "{a} + {b} is not {s}");
    }
}

#[test]
fn the_room_decays_as_asked_and_ends() {
    let mut impulse = vec![0.0; 480_000];
    impulse[0] = 1.0;
    let tail = in_room(&impulse, &impulse).0;
    let level = |from_s: f64| {
        let from = RATE.count(from_s).0 as usize;
        20.0 * rms(&tail[from..from + 9_600]).log10()
    };
    let t60_s = 60.0 * 0.4 / (level(0.2) - level(0.6));
    assert!((t60_s - 1.0).abs() < 0.15, "T60 is {t60_s} s");
    assert_eq!(peak(&tail[440_000..]), 0.0);
}

#[test]
fn no_stem_exceeds_its_ceiling() {
    for part in Part::ALL {
        let events: Vec<NoteEvent> = busy(part, 48_000, 400, 8)
            .into_iter()
            .filter(|event| !matches!(event.kind, EventKind::Expression { .. }))
            .map(|event| match event.kind {
                EventKind::NoteOn { id, pitch, articulation, .. } => {
                    on(part, event.at.0, id.0, pitch.0, 127, articulation)
                }
                _ => event,
            })
            .collect();
        let mut channel = channel(part, RATE, Seed(1));
        let stem = in_blocks(60_000, 512, &events, |start, events, out| channel.process(start, events, out));
        let top = peak(&stem.0).max(peak(&stem.1));
        assert!(top > 0.5 * ceiling(part) && top <= ceiling(part), "{part} peaks at {top}");
    }
    assert!(Part::ALL.into_iter().map(ceiling).sum::<f32>() < 1.0);
}

fn limit(input: &[f32], rate: Hz) -> (Vec<f32>, usize) {
    let mut limiter = Limiter::new(rate);
    let (mut left, mut right) = (input.to_vec(), input.to_vec());
    limiter.process(&mut StereoBlock { left: &mut left, right: &mut right });
    (left, limiter.latency().0 as usize)
}

#[test]
fn below_the_ceiling_the_limiter_only_delays() {
    let input: Vec<f32> = (0..20_000).map(|i| 0.8 * (i as f32 * 0.05).sin()).collect();
    let (output, latency) = limit(&input, RATE);
    assert!(output[..latency].iter().all(|x| *x == 0.0));
    assert_eq!(output[latency..], input[..input.len() - latency]);
}

#[test]
fn peaks_between_samples_stay_below_the_ceiling() {
    for rate in [Hz(44_100), Hz(48_000), Hz(96_000)] {
        // A quarter of the sample rate with its crests between the samples, bursts, and noise.
        let mut rng = Rng::keyed(&[6]);
        let inputs: [Vec<f32>; 3] = [
            (0..40_000).map(|i| 1.3 * ((i as f32 + 0.5) * std::f32::consts::FRAC_PI_2).sin()).collect(),
            (0..40_000).map(|i| if i % 5_000 < 900 { 2.5 } else { 0.1 } * (i as f32 * 0.31).sin()).collect(),
            (0..40_000).map(|_| 1.5 * rng.normal() as f32).collect(),
        ];
        for (index, input) in inputs.iter().enumerate() {
            let (output, _) = limit(input, rate);
            let mut meter = ebur128::EbuR128::new(1, rate.0, ebur128::Mode::TRUE_PEAK).expect("meter");
            meter.add_frames_f32(&output).expect("frames");
            let top = 20.0 * meter.true_peak(0).expect("peak").log10();
            // White noise has energy up to half the sample rate, where fourfold peak meters disagree most.
            let margin = if index == 2 { 0.5 } else { 0.0 };
            assert!(top <= f64::from(CEILING_DBTP) + margin, "input {index}, {} Hz: {top} dBTP", rate.0);
            assert!(top > -6.0, "input {index} is not crushed: {top} dBTP");
        }
    }
}

#[test]
fn the_limiter_recovers_to_exactly_one() {
    let mut input = vec![0.0f32; 96_000];
    input[100] = 3.0;
    input[95_000] = 0.5;
    let (output, latency) = limit(&input, RATE);
    assert!(output[100 + latency] < 0.9);
    assert_eq!(output[95_000 + latency], 0.5);
}
