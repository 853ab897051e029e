//! The seat of a band under a voice, the glue of a mix, and where tails end.

use super::*;
use crate::instrument::{Glue, Seat, channel};

const RATE: Hz = Hz(48_000);

fn tone(hz: f32, level: f32, seconds: usize) -> Vec<f32> {
    (0..seconds * 48_000).map(|i| level * (std::f32::consts::TAU * hz * i as f32 / 48_000.0).sin()).collect()
}

/// What a seat makes of a band under a voice, the same on both sides, in blocks of some length.
fn seated(amount: f32, voice: &[f32], band: &[f32], block: usize) -> Vec<f32> {
    let mut seat = Seat::new(amount, RATE);
    let (mut left, mut right) = (band.to_vec(), band.to_vec());
    let (mut sung, mut sung_too) = (voice.to_vec(), voice.to_vec());
    for from in (0..band.len()).step_by(block) {
        let to = band.len().min(from + block);
        let voice = StereoBlock { left: &mut sung[from..to], right: &mut sung_too[from..to] };
        seat.process(&voice, &mut StereoBlock { left: &mut left[from..to], right: &mut right[from..to] });
    }
    assert_eq!(left, right);
    left
}

/// Level in dB of the second half of a second.
fn level_db(samples: &[f32], second: usize) -> f64 {
    20.0 * rms(&samples[second * 48_000 + 24_000..(second + 1) * 48_000]).log10()
}

#[test]
fn the_band_dips_where_the_voice_is_and_nowhere_else() {
    let mut voice = tone(1_600.0, 0.1, 2);
    voice.extend(vec![0.0; 96_000]);
    let covering = tone(1_600.0, 0.1, 4);
    let dipped = seated(1.0, &voice, &covering, 512);
    let (under, alone) = (level_db(&dipped, 1), level_db(&dipped, 3));
    let rode = alone - level_db(&covering, 3);
    assert!(under < alone - 1.5, "under the voice {under} dB, in its rest {alone} dB");
    assert!(rode.abs() < 2.6, "the ride turns by {rode} dB");
    let low = tone(90.0, 0.1, 4);
    let kept = seated(1.0, &voice, &low, 512);
    assert!((level_db(&kept, 1) - level_db(&kept, 3)).abs() < 1.0, "a bass stays: {} dB", level_db(&kept, 1));
    assert_eq!(seated(0.0, &voice, &covering, 512), covering, "an amount of 0 changes nothing");
    assert_eq!(seated(1.0, &voice, &covering, 512), seated(1.0, &voice, &covering, 77));
}

#[test]
fn glue_leaves_what_is_soft_and_holds_what_is_loud() {
    let glued = |level: f32, block: usize| {
        let input = tone(300.0, level, 2);
        let (mut left, mut right) = (input.clone(), input.clone());
        let mut glue = Glue::new(RATE);
        for (left, right) in left.chunks_mut(block).zip(right.chunks_mut(block)) {
            glue.process(&mut StereoBlock { left, right });
        }
        (input, left)
    };
    let (soft, same) = glued(0.02, 512);
    assert_eq!(soft, same);
    let (loud, held) = glued(0.5, 512);
    let cut_db = level_db(&loud, 1) - level_db(&held, 1);
    // -9 dB is 11 over the threshold: 11 (1 - 1 / 1.6) is 4.1.
    assert!((cut_db - 4.1).abs() < 0.3, "turned down by {cut_db} dB");
    assert_eq!(held, glued(0.5, 77).1);
}

#[test]
fn a_stem_ends_in_silence() {
    for part in Part::ALL {
        let pitch = if part == Part::Drums { 38 } else { 45 };
        let events = [on(part, 0, 1, pitch, 90, Articulation::Normal), off(part, 9_600, 1)];
        let play = |block| {
            let mut channel = channel(part, RATE, Seed(1));
            in_blocks(12 * 48_000, block, &events, |start, events, out| channel.process(start, events, out))
        };
        let (stem, other) = (play(512), play(333));
        assert_same(&stem, &other, part.name());
        let last = stem.0.iter().zip(&stem.1).rposition(|(l, r)| *l != 0.0 || *r != 0.0).expect("it sounds");
        assert!(last < 8 * 48_000, "{part} still sounds after {} s", last as f64 / 48_000.0);
        let heard = stem.0.iter().zip(&stem.1).rposition(|(l, r)| l.abs().max(r.abs()) >= 1e-6);
        // 50 ms under -120 dB, and a fade of 10 ms.
        let rest = last - heard.expect("it sounds");
        assert!(last > 9_600 && rest <= 2_881, "{part} lasts {rest} samples under -120 dB");
    }
}

/// Highest magnitude above 8 kHz, in dB relative to full scale.
fn high_peak_db(samples: &[f32]) -> f64 {
    // Two poles on each side of 8 kHz: what lies an octave under it is 24 dB down.
    let rate = 48_000.0f64;
    let k = (std::f64::consts::PI * 8_000.0 / rate).tan();
    let norm = 1.0 / (1.0 + std::f64::consts::SQRT_2 * k + k * k);
    let (a1, a2) = (2.0 * (k * k - 1.0) * norm, (1.0 - std::f64::consts::SQRT_2 * k + k * k) * norm);
    let mut filtered: Vec<f64> = samples.iter().map(|x| f64::from(*x)).collect();
    for _ in 0..2 {
        let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
        for x in &mut filtered {
            let y = norm * (*x - 2.0 * x1 + x2) - a1 * y1 - a2 * y2;
            (x2, x1, y2, y1) = (x1, *x, y1, y);
            *x = y;
        }
    }
    20.0 * filtered.iter().fold(1e-12f64, |most, x| most.max(x.abs())).log10()
}

#[test]
fn no_note_ends_with_a_click() {
    let ways = [
        (Part::Guitar, Articulation::Normal),
        (Part::Guitar, Articulation::Muted),
        (Part::Bass, Articulation::Normal),
        (Part::Bass, Articulation::Slide),
        (Part::Strings, Articulation::Normal),
        (Part::Strings, Articulation::Legato),
        (Part::Strings, Articulation::Spiccato),
        (Part::Strings, Articulation::Pizzicato),
        (Part::Strings, Articulation::Tremolo),
    ];
    for (part, way) in ways {
        for pitch in [40, 52, 64] {
            let begins = on(part, 0, 1, pitch, 110, way);
            let play = |events: &[NoteEvent]| {
                let mut channel = channel(part, RATE, Seed(1));
                in_blocks(40_000, 512, events, |start, events, out| channel.process(start, events, out)).0
            };
            let (held, ended) = (play(&[begins]), play(&[begins, off(part, 24_000, 1)]));
            let difference: Vec<f32> = held.iter().zip(&ended).map(|(a, b)| b - a).collect();
            let click_db = high_peak_db(&difference[23_760..24_240]);
            assert!(click_db <= -60.0, "{part} {pitch}, {way:?}: {click_db} dBFS");
        }
    }
}
