use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::graph::{CHOICE_VALUES, Graph, HEAD_VALUES, WINDOW, first_value};
use super::*;
use crate::WeightsError;
use crate::unrounded::Unrounded;

/// Layers whose values differ, the coupling's too.
struct Stirred(u64);

impl ModuleMapper for Stirred {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let (shape, device) = (tensor.dims(), tensor.device());
            let mut data = values(tensor);
            for value in &mut data {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *value += 0.1 * ((self.0 >> 40) as f32 / 8_388_608.0 - 1.0);
            }
            Tensor::from_data(TensorData::new(data, shape), &device)
        })
    }
}

fn graph() -> Graph {
    let device = Device::flex();
    device.seed(3);
    Graph::new(&device).map(&mut Stirred(5))
}

fn frame(index: usize) -> Frame {
    let mut frame = Frame::EMPTY;
    for (voice, of) in CHOICES.into_iter().enumerate() {
        frame.choices[voice] = ((index * 7 + voice * 5) % of) as u8;
    }
    for piece in (0..KIT).filter(|piece| frame.choices[*piece] == 1) {
        frame.levels[piece] = ((index + piece) % LEVELS) as u8;
        frame.shifts[piece] = ((index * 3 + piece) % SHIFTS) as u8;
    }
    frame
}

fn steps(count: usize) -> Vec<Step> {
    (0..count)
        .map(|index| Step {
            place: Place {
                step: index % 4,
                beat: index / 4 % 4,
                beats: 4,
                bar: index / 16,
                begins_section: index < 16,
                ..Place::default()
            },
            sung: (index % 3 > 0).then_some(Sung {
                moment: index % 6,
                begins: index % 5 == 0,
                tone: Some((index * 5 % 12) as u8),
                height: 0.5,
                until: 1.0,
            }),
            chord: Some(Chord {
                tones: 0b1001_0001,
                scale: 0xab5,
                next: Some(5),
                until: 4,
                ..Chord::default()
            }),
            played: if index == 0 { Frame::EMPTY } else { frame(index - 1) },
            sounding: [Some(((index % 12) as u8, -1.0)), None, None, Some((7, 0.5)), None],
            before: (index % 2 == 0).then(|| frame(index + 3)),
            ..Step::default()
        })
        .collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("numbers")
}

#[test]
fn step_by_step_is_all_at_once() {
    let graph = graph();
    let steps = steps(WINDOW + 20);
    let mut features = vec![0.0; steps.len() * FEATURES];
    let mut chosen = vec![0.0f32; steps.len() * CHOICE_VALUES];
    for (index, step) in steps.iter().enumerate() {
        step.write(&mut features[index * FEATURES..]);
        for (voice, choice) in frame(index).choices.into_iter().enumerate() {
            chosen[index * CHOICE_VALUES + first_value(voice) + usize::from(choice)] = 1.0;
        }
    }
    let tensor = |values, width| {
        Tensor::<3>::from_data(TensorData::new(values, [1, steps.len(), width]), &Device::flex())
    };
    let expected = values(graph.forward(tensor(features, FEATURES), tensor(chosen, CHOICE_VALUES), &|x| x));
    let net = ArrangerNet::with(graph);
    let mut reader = net.reader();
    let (mut most, mut moved) = (0.0f32, 0.0f32);
    for (index, step) in steps.iter().enumerate() {
        let mut odds = reader.read(step);
        let expected = &expected[index * HEAD_VALUES..(index + 1) * HEAD_VALUES];
        for (voice, choice) in frame(index).choices.into_iter().enumerate() {
            let found = odds.choices(voice);
            let logits = &expected[first_value(voice)..first_value(voice + 1)];
            let total = logits.iter().map(|logit| logit.exp()).sum::<f32>().ln();
            for (logit, odds) in logits.iter().zip(&found) {
                most = most.max((logit - total - odds).abs());
            }
            let alone = odds.choices(VOICES - 1);
            odds.decide(voice, choice);
            moved = moved.max((alone[0] - odds.choices(VOICES - 1)[0]).abs());
        }
        for piece in 0..KIT {
            for odds in [odds.levels(piece), odds.shifts(piece)] {
                assert!((odds.iter().map(|odds| odds.exp()).sum::<f32>() - 1.0).abs() < 1e-4);
            }
        }
    }
    assert!(most < 1e-3, "{most} apart");
    assert!(moved > 1e-3, "nothing is coupled");
}

#[test]
fn what_is_skimmed_is_read() {
    let net = ArrangerNet::with(graph());
    let steps = steps(WINDOW + 20);
    let (last, past) = steps.split_last().expect("steps");
    let (mut one, mut other) = (net.reader(), net.reader());
    for step in past {
        one.read(step);
    }
    let (first, rest) = past.split_at(7);
    other.skim(first);
    other.skim(rest);
    let unread = net.reader().read(last);
    let (read, skimmed) = (one.read(last), other.read(last));
    let apart = |one: &Odds<'_>, other: &Odds<'_>| -> f32 {
        let apart = (0..VOICES).flat_map(|voice| {
            let pairs: Vec<(f32, f32)> = one.choices(voice).into_iter().zip(other.choices(voice)).collect();
            pairs.into_iter().map(|(a, b)| (a - b).abs())
        });
        apart.fold(0.0, f32::max)
    };
    assert!(apart(&read, &skimmed) < 1e-3, "{} apart", apart(&read, &skimmed));
    assert!(apart(&read, &unread) > 1e-2, "what was read does not count");
}

#[test]
fn single_precision_would_decide_alike() {
    let half = ArrangerNet::embedded().expect("whole weights");
    let single = ArrangerNet::with(half.graph.clone().map(&mut Unrounded::new(1)));
    let (mut one, mut other) = (half.reader(), single.reader());
    let likeliest = |odds: &[f32]| (0..odds.len()).max_by(|a, b| odds[*a].total_cmp(&odds[*b]));
    let (mut decisions, mut others, mut apart) = (0, 0, 0.0f32);
    for (index, step) in steps(6 * WINDOW).iter().enumerate() {
        let (mut half, mut single) = (one.read(step), other.read(step));
        for (voice, choice) in frame(index).choices.into_iter().enumerate() {
            let (a, b) = (half.choices(voice), single.choices(voice));
            decisions += 1;
            others += usize::from(likeliest(&a) != likeliest(&b));
            apart = a.iter().zip(&b).map(|(a, b)| (a.exp() - b.exp()).abs()).fold(apart, f32::max);
            half.decide(voice, choice);
            single.decide(voice, choice);
        }
    }
    assert!(apart > 0.0, "the weights are the same");
    assert!(apart < 0.05, "a choice is {apart} likelier or less");
    assert!(others * 200 <= decisions, "{others} of {decisions} decisions are others");
}

#[test]
fn every_value_of_a_step_is_told() {
    let (mut one, mut other) = (vec![0.0; FEATURES], vec![0.0; FEATURES]);
    let step = steps(3)[2];
    step.write(&mut one);
    let changes: [fn(&mut Step); 11] = [
        |s| s.place.is_fill = true,
        |s| s.place.beat = 3,
        |s| s.sung = None,
        |s| s.sung = s.sung.map(|sung| Sung { until: 0.5, ..sung }),
        |s| s.chord = s.chord.map(|chord| Chord { next: None, ..chord }),
        |s| s.wish.plays[2] = true,
        |s| s.wish.densities[1] = Some(0.0),
        |s| s.played.shifts[0] = 2,
        |s| s.since_stroke = 4,
        |s| s.before = None,
        |s| s.comes_back = true,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = step;
        change(&mut changed);
        changed.write(&mut other);
        assert_ne!(one, other, "change {number}");
    }
}

#[test]
fn damaged_weights_are_refused() {
    let weights: &[u8] = include_bytes!("../../weights/arranger.bpk");
    let hash = include_str!("../../weights/arranger.sha256");
    assert!(ArrangerNet::load(weights, hash).is_ok());
    let mut flipped = weights.to_vec();
    flipped[weights.len() / 2] ^= 1;
    assert!(matches!(ArrangerNet::load(&flipped, hash), Err(WeightsError::Damaged { .. })));
    assert!(matches!(ArrangerNet::load(&weights[..9], hash), Err(WeightsError::Damaged { .. })));
    let pitch: &[u8] = include_bytes!("../../weights/pitch.bpk");
    let other = ArrangerNet::load(pitch, include_str!("../../weights/pitch.sha256"));
    assert!(matches!(other, Err(WeightsError::Unfit(_))), "another network");
}
