use burn::tensor::{Device, Tensor, TensorData};

use super::graph::{Graph, WIDTH, WINDOW};
use super::*;
use crate::WeightsError;

/// Slots that differ from one another.
fn slots(count: usize) -> Vec<Slot> {
    (0..count)
        .map(|index| {
            let place = Place {
                slot: index % 2,
                slots: 2,
                bar: index as i32 / 2,
                is_compound: false,
                is_minor: index % 3 == 0,
                idiom: index % IDIOMS,
            };
            let mut slot = Slot { is_heard: true, ..Slot::unheard(place) };
            slot.sung[index * 5 % 12] = 0.75;
            slot.first = Some(((index * 7 % 12) as u8, index % 4 == 0));
            slot.chord = (index % 9 == 8).then_some(index % CHORDS);
            slot
        })
        .collect()
}

/// What the streams answer to whole melodies at once.
fn at_once(graph: &Graph, slots: &[Slot], backward: bool) -> Tensor<3> {
    let mut features = vec![0.0; slots.len() * FEATURES];
    let ordered: Vec<&Slot> = if backward { slots.iter().rev().collect() } else { slots.iter().collect() };
    for (slot, out) in ordered.iter().zip(features.chunks_exact_mut(FEATURES)) {
        slot.write(out);
    }
    let tensor = Tensor::from_data(TensorData::new(features, [1, slots.len(), FEATURES]), &Device::flex());
    let stream = if backward { &graph.backward } else { &graph.onward };
    stream.forward(tensor, &|x| x)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("numbers")
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn slot_by_slot_is_all_at_once() {
    // Trained: before that all distances are alike.
    let net = HarmonyNet::embedded().expect("whole weights");
    let slots = slots(WINDOW + 20);
    let expected = values(at_once(&net.graph, &slots, false));
    let mut stream = net.onward();
    let read: Vec<f32> = slots.iter().flat_map(|slot| stream.read(slot)).collect();
    let apart = largest_difference(&expected, &read);
    assert!(apart < 1e-4, "{apart} apart");
    assert!(expected.iter().any(|value| value.abs() > 0.1));
}

#[test]
fn judgements_are_those_of_the_layers() {
    let graph = Graph::new(&Device::flex());
    let slots = slots(9);
    let (onward, backward) = (at_once(&graph, &slots, false), at_once(&graph, &slots, true));
    let logits = values(graph.judge(onward.clone(), backward.clone().flip([1])));
    let (onward, backward) = (values(onward), values(backward.flip([1])));
    let net = HarmonyNet::with(graph);
    for index in 0..slots.len() {
        let part = |values: &[f32]| values[index * WIDTH..(index + 1) * WIDTH].to_vec();
        let odds = net.judge(&part(&onward), &part(&backward));
        let logits = &logits[index * CHORDS..(index + 1) * CHORDS];
        let total = logits.iter().map(|logit| logit.exp()).sum::<f32>().ln();
        let expected: Vec<f32> = logits.iter().map(|logit| logit - total).collect();
        assert!(largest_difference(&expected, &odds) < 1e-4);
        assert!((odds.iter().map(|odds| odds.exp()).sum::<f32>() - 1.0).abs() < 1e-4);
    }
}

#[test]
fn a_stream_forgets_what_is_out_of_sight() {
    let net = HarmonyNet::embedded().expect("whole weights");
    let (mut long, mut short) = (net.onward(), net.onward());
    let all = slots(3 * WINDOW);
    // Two layers see twice as far as one.
    let from = all.len() - (2 * WINDOW - 1);
    let mut last = (Vec::new(), Vec::new());
    all.iter().for_each(|slot| last.0 = long.read(slot));
    all[from..].iter().for_each(|slot| last.1 = short.read(slot));
    assert!(largest_difference(&last.0, &last.1) < 1e-4);
}

#[test]
fn damaged_weights_are_refused() {
    let weights: &[u8] = include_bytes!("../../weights/harmony.bpk");
    let hash = include_str!("../../weights/harmony.sha256");
    assert!(HarmonyNet::load(weights, hash).is_ok());
    let mut flipped = weights.to_vec();
    for at in (0..weights.len()).step_by(weights.len() / 16 + 1) {
        flipped[at] ^= 1;
        assert!(matches!(HarmonyNet::load(&flipped, hash), Err(WeightsError::Damaged { .. })), "byte {at}");
        flipped[at] ^= 1;
    }
    for length in [0, 1, weights.len() / 2, weights.len() - 1] {
        let cut = HarmonyNet::load(&weights[..length], hash);
        assert!(matches!(cut, Err(WeightsError::Damaged { .. })), "{length} bytes");
    }
    let pitch: &[u8] = include_bytes!("../../weights/pitch.bpk");
    let other = HarmonyNet::load(pitch, include_str!("../../weights/pitch.sha256"));
    assert!(matches!(other, Err(WeightsError::Unfit(_))), "another network");
}
