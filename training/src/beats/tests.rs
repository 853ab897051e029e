//! The network that only looks back does so, and the decoder finds beats that are plain.

use burn::tensor::{Device, Tensor, TensorData};
use collavoce::follow::beat::BeatOnset;

use super::decode::{Bars, CAUSAL, OFFLINE, STEP_S};
use super::net::{FEATURES, FRAME_S, Graph, LOGITS, features};

/// Onsets every 0.4 s.
fn onsets(count: usize) -> Vec<BeatOnset> {
    let onset = |index: usize| BeatOnset {
        time_s: 0.5 + 0.4 * index as f64,
        interval_s: 0.4,
        sung_s: 0.3,
        weight: 1.0,
        midi: Some(60.0 + (index % 3) as f64),
    };
    (0..count).map(onset).collect()
}

#[test]
fn what_comes_later_changes_no_answer() {
    let device = Device::flex();
    device.seed(1);
    let graph = Graph::new(&device);
    let (frames, heard) = (200, 10);
    let known = ((0.5 + 0.4 * heard as f64) / FRAME_S) as usize;
    let answer = |count: usize, only_back: bool| {
        let features = TensorData::new(features(&onsets(count), frames, only_back), [frames, 1, FEATURES]);
        let logits = graph.forward(Tensor::from_data(features, &device), only_back, &|x| x);
        logits.into_data().try_to_vec::<f32>().expect("numbers")
    };
    let (all, some) = (answer(20, true), answer(heard, true));
    assert_eq!(all[..known * LOGITS], some[..known * LOGITS]);
    assert_ne!(all, some);
    // The other one knows.
    assert_ne!(answer(20, false)[..known * LOGITS], answer(heard, false)[..known * LOGITS]);
}

#[test]
fn plain_beats_are_found() {
    // Beats of 0.6 s, the one before the sixth bar held for 0.8 s longer.
    let beats_s: Vec<f64> =
        (0..40).map(|beat| 0.61 + 0.6 * f64::from(beat) + if beat >= 20 { 0.8 } else { 0.0 }).collect();
    let (mut path, mut now) = (Bars::new(OFFLINE, true), Bars::new(CAUSAL, false));
    for step in 0..(beats_s[39] / STEP_S) as usize + 5 {
        let at_s = (step as f64 + 0.5) * STEP_S;
        let beat = beats_s.iter().position(|beat| (beat - at_s).abs() < 0.5 * STEP_S + 1e-9);
        let answer = beat.map_or((0.01, 0.001), |beat| (0.9, if beat % 4 == 0 { 0.85 } else { 0.02 }));
        path.hear(answer.0, answer.1);
        now.hear(answer.0, answer.1);
    }
    let (found_s, downbeats_s) = path.path();
    for (index, beat) in beats_s.iter().enumerate() {
        let near = |found: &&f64| (**found - beat).abs() < 0.03;
        assert_eq!(found_s.iter().filter(near).count(), 1, "beat {index}");
        assert_eq!(downbeats_s.iter().filter(near).count(), usize::from(index % 4 == 0), "beat {index}");
    }
    assert!(found_s.len() <= beats_s.len() + 1);
    let pulse = now.pulse().expect("steps were heard");
    assert!((pulse.period_s - 0.6).abs() < 0.03 && (pulse.beat_s - beats_s[39]).abs() < 0.05);
    assert_eq!((pulse.per_bar, pulse.place), (4, 3));
}
