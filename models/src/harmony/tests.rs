use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::graph::{Graph, WIDTH, WINDOW};
use super::*;
use crate::WeightsError;
use crate::unrounded::{Sequence, Unrounded};

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

#[test]
fn single_precision_would_decide_alike() {
    const MELODIES: usize = 24;
    let half = HarmonyNet::embedded().expect("whole weights");
    let single = HarmonyNet::with(half.graph.clone().map(&mut Unrounded::new(1)));
    let likeliest = |odds: &[f32]| (0..odds.len()).max_by(|a, b| odds[*a].total_cmp(&odds[*b]));
    let mut random = Sequence::new(2);
    let (mut decisions, mut others, mut apart) = (0, 0, 0.0f32);
    for _ in 0..MELODIES {
        let mut degree = 0;
        let mut slots = slots(WINDOW);
        for slot in &mut slots {
            slot.place.is_minor = false;
            slot.place.idiom = 0;
            slot.chord = None;
            slot.sung = [0.0; 12];
            slot.later = [0.0; 12];
            // Two notes of the scale, a step or two from one another.
            for half in 0..2 {
                degree = (degree + 7 + (2.5 * random.next()).round() as i32) % 7;
                let pitch = [0, 2, 4, 5, 7, 9, 11][degree as usize];
                slot.sung[pitch] += 0.5;
                slot.later[pitch] += half as f32;
                if half == 0 {
                    slot.first = Some((pitch as u8, true));
                }
            }
        }
        let decide = |net: &HarmonyNet| {
            let (mut onward, mut backward) = (net.onward(), net.backward());
            let forward: Vec<Vec<f32>> = slots.iter().map(|slot| onward.read(slot)).collect();
            let mut turned: Vec<Vec<f32>> = slots.iter().rev().map(|slot| backward.read(slot)).collect();
            turned.reverse();
            let judged = forward.iter().zip(&turned).map(|(onward, backward)| net.judge(onward, backward));
            let foretold =
                forward.iter().zip(&slots[1..]).map(|(answer, slot)| net.foretell(answer, &slot.place));
            judged.chain(foretold).collect::<Vec<_>>()
        };
        for (half, single) in decide(half).iter().zip(&decide(&single)) {
            decisions += 1;
            others += usize::from(likeliest(half) != likeliest(single));
            apart = apart.max(largest_difference(half, single));
        }
    }
    assert!(apart > 0.0, "the weights are the same");
    assert!(others * 200 <= decisions, "{others} of {decisions} decisions are others");
}
