use collavoce_models::mask::{BANDS, FEATURES, LINES, LONG, MASKS, MaskNet, SIDE_BANDS};

use super::*;
use crate::sing::{Consonant, Singer, SungSyllable, TimingCurve, Vocal, Vowel};
use crate::song::Rng;
use crate::time::{Hz, Meter};

fn tone(rate: u32, seconds: f32, hz: f32) -> Vec<f32> {
    let count = (rate as f32 * seconds) as usize;
    (0..count)
        .map(|n| {
            let phase = (n as f32 / rate as f32 * hz).fract() * std::f32::consts::TAU;
            0.1 * phase.sin() + 0.05 * (3.0 * phase).sin()
        })
        .collect()
}

fn frames(rate: u32, left: &[f32], right: &[f32]) -> Vec<Vec<f32>> {
    let mut features = MixFeatures::new(Hz(rate)).expect("it fits");
    let hop = features.hop();
    left.chunks_exact(hop)
        .zip(right.chunks_exact(hop))
        .map(|(l, r)| features.process(l, r).to_vec())
        .collect()
}

#[test]
fn a_sound_looks_the_same_at_every_rate() {
    let [at_24, at_44, at_48] = [24_000, 44_100, 48_000].map(|rate| {
        let sound = tone(rate, 1.0, 440.0);
        frames(rate, &sound, &sound)
    });
    for other in [&at_44, &at_48] {
        assert_eq!(other.len(), at_24.len());
        for (one, other) in at_24[20..].iter().zip(&other[20..]) {
            // Where there is sound; between partials there is only what windows leak.
            let loud = (0..MASKS).filter(|line| one[*line] > 1.0).collect::<Vec<_>>();
            assert!(loud.len() >= 3, "{loud:?}");
            for line in loud {
                assert!(
                    (one[line] - other[line]).abs() < 0.05,
                    "{line}: {} is not {}",
                    one[line],
                    other[line]
                );
            }
        }
    }
}

#[test]
fn rates_that_do_not_fit_are_refused() {
    for rate in [8_000, 16_000, 22_050, 44_101, 24_001] {
        let error = MixFeatures::new(Hz(rate)).expect_err("it does not fit");
        assert!(error.to_string().contains(&rate.to_string()), "{error}");
    }
    assert!(
        [24_000, 44_100, 48_000, 88_200, 96_000, 192_000].iter().all(|r| MixFeatures::new(Hz(*r)).is_ok())
    );
}

#[test]
fn sides_are_told_from_the_middle() {
    let (sound, mut rng) = (tone(24_000, 1.0, 330.0), Rng::keyed(&[1]));
    let noise: Vec<f32> = sound.iter().map(|_| 0.1 * rng.signed() as f32).collect();
    let other: Vec<f32> = sound.iter().map(|_| 0.1 * rng.signed() as f32).collect();
    let last = |left: &[f32], right: &[f32]| frames(24_000, left, right).pop().expect("frames");
    let band = |frame: &[f32], from: usize| frame[2 * MASKS + from + 30];
    let (middle, wide) = (last(&noise, &noise), last(&noise, &other));
    assert!(band(&middle, 0) <= -2.9, "nothing is at the sides: {}", band(&middle, 0));
    assert!(band(&middle, SIDE_BANDS) > 0.99);
    assert!(band(&wide, 0) > 0.5 && band(&wide, SIDE_BANDS).abs() < 0.7, "{}", band(&wide, SIDE_BANDS));
}

#[test]
fn what_is_no_sound_does_no_harm_and_a_reset_forgets() {
    let mut bad = tone(24_000, 0.5, 220.0);
    for (index, value) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX].iter().enumerate() {
        bad[3_000 + 31 * index] = *value;
    }
    let all = frames(24_000, &bad, &bad);
    assert!(all.iter().all(|frame| frame.len() == FEATURES && frame.iter().all(|value| value.is_finite())));
    let sound = tone(24_000, 0.5, 220.0);
    let mut features = MixFeatures::new(Hz(24_000)).expect("it fits");
    let first: Vec<Vec<f32>> =
        sound.chunks_exact(400).map(|hop| features.process(hop, hop).to_vec()).collect();
    features.process(&bad[2_800..3_200], &bad[2_800..3_200]);
    assert_ne!(features.process(&sound[..400], &sound[..400]), first[0]);
    features.reset();
    let again: Vec<Vec<f32>> =
        sound.chunks_exact(400).map(|hop| features.process(hop, hop).to_vec()).collect();
    assert_eq!(first, again);
}

#[test]
fn the_long_spectrum_has_its_peak_at_the_pitch() {
    let sound = tone(24_000, 0.5, 220.0);
    let frame = frames(24_000, &sound, &sound).pop().expect("frames");
    let long = &frame[2 * (MASKS + SIDE_BANDS)..][..LONG];
    let top: usize = (0..LONG).max_by(|a, b| long[*a].total_cmp(&long[*b])).expect("values");
    // Two octaves above 55 Hz.
    assert!(top.abs_diff(72) <= 1, "{top}");
}

#[test]
fn every_line_has_a_mask() {
    let mut spectrum = vec![realfft::num_complex::Complex::new(1.0, 0.0); 801];
    let mask: Vec<f32> = (0..MASKS).map(|index| index as f32).collect();
    apply(&mask, &mut spectrum);
    let got: Vec<f32> = spectrum.iter().map(|line| line.re).collect();
    assert!(got.is_sorted());
    assert_eq!((got[0], got[266], got[267], got[399]), (0.0, 266.0, LINES as f32, (MASKS - 1) as f32));
    assert!(got[400..].iter().all(|value| *value == (LINES + BANDS - 1) as f32));
}

#[test]
fn pitches_are_read_between_places() {
    let mut pitches = vec![0.0; 265];
    (pitches[60], pitches[61]) = (0.5, 0.5);
    let hz = pitch_hz(&pitches);
    let midi = 69.0 + 12.0 * (hz / 440.0).log2();
    assert!((midi - (33.0 + 60.5 / 5.0)).abs() < 1e-3, "{midi}");
}

#[test]
fn a_mask_of_one_changes_nothing_but_time_at_any_rate_and_block() {
    for rate in [24_000, 44_100, 48_000] {
        let mut rng = Rng::keyed(&[u64::from(rate)]);
        let sides: [Vec<f32>; 2] =
            std::array::from_fn(|_| (0..rate as usize / 2).map(|_| 0.3 * rng.signed() as f32).collect());
        let mut overlap = overlap::Overlap::new(Hz(rate)).expect("it fits");
        let late = overlap.window();
        assert_eq!(late, rate as usize / 30);
        let [mut left, mut right] = sides.clone();
        for (left, right) in left.chunks_mut(313).zip(right.chunks_mut(313)) {
            overlap.process(left, right, &mut |_, _, mask| mask.fill(1.0));
        }
        for (out, truth) in [(&left, &sides[0]), (&right, &sides[1])] {
            assert!(out[..late].iter().all(|x| x.abs() < 1e-6));
            assert!(out[late..].iter().zip(truth).all(|(a, b)| (a - b).abs() < 1e-4), "{rate}");
        }
    }
}

#[test]
fn a_mask_keeps_its_lines_alone() {
    let (low, high) = (tone(24_000, 1.0, 300.0), tone(24_000, 1.0, 3_000.0));
    let mut left: Vec<f32> = low.iter().zip(&high).map(|(l, h)| l + h).collect();
    let mut right = left.clone();
    let mut overlap = overlap::Overlap::new(Hz(24_000)).expect("it fits");
    let mut centres = Vec::new();
    overlap.process(&mut left, &mut right, &mut |_, centre, mask| {
        centres.push(centre);
        mask.fill(0.0);
        // Up to 1.5 kHz.
        mask[..50].fill(1.0);
    });
    assert_eq!(centres[..3], [0, 400, 800]);
    let off = left[4_800..].iter().zip(&low[4_000..]).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let power = low[4_000..].iter().map(|x| x * x).sum::<f32>();
    assert!(off < 1e-3 * power, "{off} of {power}");
}

/// A singer of another synthesiser than most of those that were trained on, and a drone of fifths, equally loud.
fn voice_and_drone(rate: u32) -> (Vec<f32>, Vec<f32>) {
    let note = |index: usize| SungSyllable {
        start_beat: 0.3 + 0.6 * index as f64,
        beats: 0.55,
        midi: [60, 64, 67, 65, 62, 64][index % 6],
        vowel: [Vowel::A, Vowel::O, Vowel::E][index % 3],
        consonant: [Consonant::None, Consonant::N, Consonant::L][index % 3],
        level_db: 0.0,
        breath_before: index == 0,
        late_s: 0.0,
    };
    let vocal = Vocal {
        notes: (0..6).map(note).collect(),
        timing: TimingCurve::constant(60.0, 0.0),
        singer: Singer::alto(4),
        meter: Meter::FOUR_FOUR,
        key: "C major".to_owned(),
        chords: Vec::new(),
        tail_s: 0.4,
    };
    let voice = vocal.sing(Hz(rate)).expect("it sings").samples;
    let mut drone: Vec<f32> = (0..voice.len())
        .map(|n| {
            let at = |hz: f32| (std::f32::consts::TAU * (hz * n as f32 / rate as f32).fract()).sin();
            [98.0, 146.8, 196.0, 293.7, 392.0].map(at).iter().sum::<f32>()
        })
        .collect();
    let power = |samples: &[f32]| samples.iter().map(|x| x * x).sum::<f32>();
    let factor = (power(&voice) / power(&drone)).sqrt();
    drone.iter_mut().for_each(|x| *x *= factor);
    (voice, drone)
}

fn isolate(rate: u32, sound: &[f32], block: usize, comb: bool) -> (Vec<f32>, Vec<Heard>) {
    let net = MaskNet::embedded().expect("the weights are sound");
    let mut isolator = Isolator::new(Hz(rate), net).expect("it fits");
    if comb {
        isolator = isolator.with_comb(Comb::default());
    }
    let late = isolator.latency().0 as usize;
    let mut left = sound.to_vec();
    left.resize(sound.len() + late, 0.0);
    let mut right = left.clone();
    for (left, right) in left.chunks_mut(block).zip(right.chunks_mut(block)) {
        isolator.process(left, right);
    }
    (left.split_off(late), isolator.take_heard())
}

fn sdr_db(truth: &[f32], estimate: &[f32]) -> f32 {
    let signal: f32 = truth.iter().map(|x| x * x).sum();
    let error: f32 = truth.iter().zip(estimate).map(|(t, e)| (t - e).powi(2)).sum();
    10.0 * (signal / error).log10()
}

#[test]
fn a_voice_comes_out_of_a_mix_and_a_drone_does_not() {
    let (voice, drone) = voice_and_drone(48_000);
    let mix: Vec<f32> = voice.iter().zip(&drone).map(|(v, d)| v + d).collect();
    assert!(sdr_db(&voice, &mix).abs() < 0.1);
    for comb in [false, true] {
        let (isolated, heard) = isolate(48_000, &mix, 512, comb);
        let sdr = sdr_db(&voice, &isolated);
        assert!(sdr > 4.0, "comb {comb}: {sdr} dB");
        let said = heard.iter().filter(|one| one.voiced > 0.5).count();
        assert!(said * 2 > heard.len(), "{said} of {}", heard.len());
    }
    let (left_over, _) = isolate(48_000, &drone, 512, false);
    let power = |samples: &[f32]| samples.iter().map(|x| x * x).sum::<f32>();
    let left_db = 10.0 * (power(&left_over) / power(&drone)).log10();
    assert!(left_db < -8.0, "{left_db} dB of the drone are left");
    let (alone, _) = isolate(48_000, &voice, 512, false);
    assert!(sdr_db(&voice, &alone) > 12.0, "{} dB", sdr_db(&voice, &alone));
}

#[test]
fn blocks_change_nothing_and_rates_little() {
    let (voice, drone) = voice_and_drone(48_000);
    let mix: Vec<f32> = voice.iter().zip(&drone).map(|(v, d)| v + d).take(48_000).collect();
    let (one, heard) = isolate(48_000, &mix, 512, false);
    for block in [1, 77, 48_000] {
        assert!(isolate(48_000, &mix, block, false) == (one.clone(), heard.clone()), "blocks of {block}");
    }
    let (voice, drone) = voice_and_drone(44_100);
    let mix: Vec<f32> = voice.iter().zip(&drone).map(|(v, d)| v + d).take(44_100).collect();
    let (_, other) = isolate(44_100, &mix, 512, false);
    let off: f32 = heard.iter().zip(&other).map(|(a, b)| (a.voiced - b.voiced).abs()).sum();
    assert!(off / (heard.len() as f32) < 0.1, "{off} in {} windows", heard.len());
}

/// A sung line of half a minute's beginning at 16 kHz, and chords that go with it.
fn sung_and_played(seconds: usize) -> (Vec<f32>, Vec<f32>) {
    let mut voice = crate::sing::demo().sing(Hz(16_000)).expect("a voice").samples;
    voice.truncate(seconds * 16_000);
    let chords = voice.iter().enumerate().map(|(n, _)| {
        let at_s = n as f64 / 16_000.0;
        let fade = (-2.0 * (at_s % 0.6)).exp();
        let tones = [130.8, 164.8, 196.0, 261.6, 329.6];
        let sum: f64 = tones.iter().map(|hz| (std::f64::consts::TAU * hz * at_s).sin()).sum();
        (0.04 * fade * sum) as f32
    });
    let chords = chords.collect();
    (voice, chords)
}

fn apart(samples: &[f32]) -> Vec<ApartHop> {
    let mut isolator = HopIsolator::new().expect("weights");
    let hops = samples.chunks_exact(160).map(|hop| hop.try_into().expect("a hop"));
    let mut out = Vec::new();
    for (index, hop) in hops.enumerate() {
        let apart = isolator.process(hop);
        assert_eq!(apart.is_some(), index >= HopIsolator::LATENCY_HOPS, "hop {index}");
        out.extend(apart);
    }
    out
}

#[test]
fn hops_come_apart_in_time_and_a_dry_voice_stays_what_it_is() {
    let (voice, chords) = sung_and_played(12);
    let dry = apart(&voice);
    for (hop, heard) in dry.iter().zip(voice.chunks_exact(160)) {
        assert_eq!(hop.mix, heard, "what was heard comes out in its place");
    }
    assert!(dry.iter().all(|hop| !hop.is_mix), "a voice by itself is no mix");
    let power = |of: &dyn Fn(&ApartHop) -> [f32; 160], hops: &[ApartHop]| -> f64 {
        hops.iter().flat_map(of).map(|x| f64::from(x).powi(2)).sum()
    };
    let kept_db = 10.0 * (power(&|hop| hop.mix, &dry) / power(&ApartHop::backing, &dry)).log10();
    assert!(kept_db > 12.0, "the voice comes out {kept_db} dB over what it lost: it is not where it was");
    let mixed: Vec<f32> = voice.iter().zip(&chords).map(|(a, b)| a + b).collect();
    let mixed = apart(&mixed);
    let last = mixed.len() - 100;
    assert!(mixed[last..].iter().all(|hop| hop.is_mix), "chords beside the voice are heard");
    let alone = apart(&chords);
    let left_db = 10.0 * (power(&|hop| hop.voice, &alone) / power(&|hop| hop.mix, &alone)).log10();
    assert!(left_db < -6.0, "{left_db} dB of chords are taken for a voice");
}

#[test]
fn the_voice_of_a_whole_recording_lies_where_it_was_sung() {
    let (voice, chords) = sung_and_played(6);
    let mixed: Vec<f32> = voice.iter().zip(&chords).map(|(a, b)| a + b).collect();
    let found = voice_in(&mixed).expect("weights");
    assert_eq!(found.len(), mixed.len());
    let off = |heard: &[f32]| heard.iter().zip(&voice).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    let better_db = 10.0 * (off(&mixed) / off(&found)).log10();
    assert!(better_db > 3.0, "it is {better_db} dB nearer to the voice than the mix");
}
