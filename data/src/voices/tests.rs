use collavoce::song::Rng;

use super::melody::made_up;
use super::*;

fn singer(rng: &mut Rng, delivery: Delivery) -> Singer {
    let mut singer = Singer::draw(rng);
    singer.delivery = delivery;
    singer
}

/// The lag of the strongest likeness within a part, as a frequency.
fn pitch_of(part: &[f32], near_hz: f32) -> f32 {
    let power = |lag: usize| -> f32 {
        part.iter().zip(&part[lag..]).map(|(a, b)| a * b).sum::<f32>() / (part.len() - lag) as f32
    };
    let (low, high) = (RATE as f32 / near_hz / 1.2, RATE as f32 / near_hz * 1.2);
    let lag = (low as usize..=high as usize).max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap_or(1);
    RATE as f32 / lag as f32
}

#[test]
fn a_voice_has_the_pitch_that_the_truth_says() {
    let (mut right, mut all) = (0, 0);
    for seed in 0..8 {
        let rng = &mut Rng::keyed(&[seed]);
        let singer = singer(rng, Delivery::Sung);
        let tones = made_up(rng, &singer, 6.0);
        let (voice, truth, _) = sing(rng, &singer, &tones, 6.0).expect("it sings");
        assert_eq!(truth.len(), 600);
        for (index, points) in truth.windows(7).enumerate() {
            let steady = points.iter().all(|p| p.hz > 0.0 && (p.hz / points[0].hz - 1.0).abs() < 0.01);
            let from = index * RATE as usize / 100;
            if steady && let Some(part) = voice.get(from..from + 1_440) {
                all += 1;
                right += usize::from((pitch_of(part, points[3].hz) / points[3].hz).log2().abs() < 0.04);
            }
        }
    }
    assert!(all > 500 && right * 100 > 90 * all, "{right} of {all}");
}

#[test]
fn a_whisper_has_no_pitch_and_still_sounds() {
    let rng = &mut Rng::keyed(&[5]);
    let singer = singer(rng, Delivery::Whispered);
    let tones = made_up(rng, &singer, 4.0);
    let (voice, truth, _) = sing(rng, &singer, &tones, 4.0).expect("it whispers");
    assert!(truth.iter().all(|point| point.hz == 0.0 && !point.onset));
    assert!(voice.iter().map(|x| x * x).sum::<f32>() > 1e-3);
}

#[test]
fn voices_are_sounds_and_differ_by_seed_alone() {
    let make = |seed: u64| {
        let rng = &mut Rng::keyed(&[seed]);
        let singer = Singer::draw(rng);
        let tones = made_up(rng, &singer, 5.0);
        sing(rng, &singer, &tones, 5.0).expect("it sings").0
    };
    for seed in 0..24 {
        let mut voice = make(seed);
        assert!(voice.iter().all(|x| x.is_finite()), "seed {seed}");
        level(&mut voice, 1);
        let peak = voice.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
        assert!(peak <= PEAK + 1e-3 && peak > 0.05, "seed {seed}: {peak}");
    }
    assert_eq!(make(3), make(3));
    assert_ne!(make(3), make(4));
}

#[test]
fn tones_follow_each_other_within_the_singer() {
    for seed in 0..40 {
        let rng = &mut Rng::keyed(&[seed, 1]);
        let singer = singer(rng, Delivery::Sung);
        let tones = made_up(rng, &singer, 20.0);
        assert!(tones.len() > 3);
        for pair in tones.windows(2) {
            assert!(pair[0].end_s <= pair[1].start_s + 1e-4 && pair[0].start_s < pair[0].end_s, "{pair:?}");
        }
        let inside = |midi: f32| (singer.lowest - 6.5..=singer.lowest + singer.range + 6.5).contains(&midi);
        assert!(tones.iter().all(|tone| inside(tone.midi)), "seed {seed}");
    }
}
