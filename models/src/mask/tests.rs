//! The layers, untrained, and the weights that are shipped.

use burn::tensor::{Device, Tensor, TensorData};

use super::graph::Graph;
use super::*;
use crate::WeightsError;
use crate::stream::values;
use crate::unrounded::Sequence;

const WEIGHTS: &[u8] = include_bytes!("../../weights/mask.bpk");
const SHA256: &str = include_str!("../../weights/mask.sha256");

fn frames(count: usize) -> Vec<f32> {
    let mut sequence = Sequence::new(3);
    (0..count * FEATURES).map(|_| sequence.next()).collect()
}

#[test]
fn one_frame_at_a_time_is_what_all_at_once_are() {
    let (graph, times, sequences) = (Graph::new(&Device::flex()), 7, 2);
    let all = frames(times * sequences);
    let tensor =
        Tensor::from_data(TensorData::new(all.clone(), [times * sequences, FEATURES]), &Device::flex());
    let answers = graph.forward(tensor, sequences);
    let (masks, pitches, voiced) = (values(answers.mask), values(answers.pitch), values(answers.voiced));
    let mut net = MaskNet::with(graph);
    for sequence in 0..sequences {
        net.reset();
        for time in 0..times {
            let at = time * sequences + sequence;
            let odds = net.step(&all[at * FEATURES..(at + 1) * FEATURES]);
            let share = |logit: f32| 1.0 / (1.0 + (-logit).exp());
            for (one, logit) in odds.mask.iter().zip(&masks[at * MASKS..]) {
                assert!((one - share(*logit)).abs() < 1e-5, "{one} is not {}", share(*logit));
            }
            assert!((odds.voiced - share(voiced[at])).abs() < 1e-5);
            let logits = &pitches[at * PITCHES..(at + 1) * PITCHES];
            let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
            assert!((odds.pitches[9] - logits[9].exp() / sum).abs() < 1e-6);
        }
    }
}

#[test]
fn a_frame_is_remembered_until_a_reset() {
    let mut net = MaskNet::with(Graph::new(&Device::flex()));
    let all = frames(2);
    let (one, other) = all.split_at(FEATURES);
    let fresh = net.step(other).clone();
    net.reset();
    net.step(one);
    assert_ne!(*net.step(other), fresh);
    net.reset();
    assert_eq!(*net.step(other), fresh);
}

#[test]
fn bands_follow_the_lines_without_a_gap() {
    assert_eq!((band_edge(0), band_edge(BANDS)), (LINES, TOP_LINE));
    assert!((0..BANDS).all(|band| band_edge(band) < band_edge(band + 1)));
}

#[test]
fn damaged_weights_are_refused() {
    assert!(MaskNet::load(WEIGHTS, SHA256).is_ok() && MaskNet::embedded().is_ok());
    for at in (0..WEIGHTS.len()).step_by(WEIGHTS.len() / 7) {
        let mut flipped = WEIGHTS.to_vec();
        flipped[at] ^= 1 << (at % 8);
        assert!(matches!(MaskNet::load(&flipped, SHA256), Err(WeightsError::Damaged { .. })), "byte {at}");
        let cut = MaskNet::load(&WEIGHTS[..at], SHA256);
        assert!(matches!(cut, Err(WeightsError::Damaged { .. })), "{at} bytes");
    }
    // SHA-256 of nothing.
    let none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert!(matches!(MaskNet::load(&[], none), Err(WeightsError::Unfit(_))));
}

#[test]
fn features_of_another_number_are_silence() {
    let mut net = MaskNet::embedded().expect("the weights are sound");
    let silence = net.step(&vec![0.0; FEATURES]).clone();
    net.reset();
    assert_eq!(*net.step(&[1.0; 3]), silence);
    assert!((silence.pitches.iter().sum::<f32>() - 1.0).abs() < 1e-3);
    assert!(silence.mask.iter().all(|share| (0.0..=1.0).contains(share)));
}

#[test]
#[ignore = "prints how long a step takes"]
fn time() {
    let mut net = MaskNet::with(Graph::new(&Device::flex()));
    let all = frames(1);
    for _ in 0..4 {
        let start = std::time::Instant::now();
        (0..600).for_each(|_| {
            net.step(&all);
        });
        println!("{} us a step", start.elapsed().as_micros() / 600);
    }
}
