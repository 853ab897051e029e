//! What each way to play does to a note.

use super::pitch::low_pass;
use super::timbre::{centroid, t60_s};
use super::*;

const RATE: Hz = Hz(48_000);

fn strings(events: &[NoteEvent], len: usize) -> Vec<f32> {
    let sound = render(&mut *instrument(Part::Strings, RATE), events, len, 512);
    sound.0.iter().zip(&sound.1).map(|(left, right)| left + right).collect()
}

fn one(articulation: Articulation) -> Vec<f32> {
    strings(&[on(Part::Strings, 0, 1, 60, 96, articulation)], 96_000)
}

/// Level in dB of some samples beside others.
fn beside(some: &[f32], others: &[f32]) -> f64 {
    20.0 * (rms(some) / rms(others)).log10()
}

#[test]
fn what_is_plucked_or_bounced_dies_away_and_what_is_bowed_does_not() {
    for (articulation, from, to) in [
        (Articulation::Pizzicato, -200.0, -30.0),
        (Articulation::Spiccato, -200.0, -30.0),
        (Articulation::Normal, -3.0, 6.0),
        (Articulation::Tremolo, -6.0, 6.0),
        (Articulation::Sustained, -3.0, 9.0),
    ] {
        let sound = one(articulation);
        let falls = beside(&sound[40_000..60_000], &sound[1_500..7_500]);
        assert!((from..to).contains(&falls), "{articulation:?}: {falls:.1} dB");
    }
}

#[test]
fn a_finger_is_sooner_than_a_bow() {
    let rise = |articulation| {
        let sound = one(articulation);
        let levels: Vec<f64> = sound[..24_000].chunks(48).map(rms).collect();
        let most = levels.iter().fold(0.0f64, |most, level| most.max(*level));
        levels.iter().position(|level| *level > 0.7 * most).expect("it sounds")
    };
    let (plucked, bounced, bowed) =
        (rise(Articulation::Pizzicato), rise(Articulation::Spiccato), rise(Articulation::Sustained));
    assert!(plucked <= 12 && plucked <= bounced && bounced < bowed, "{plucked}, {bounced}, {bowed} ms");
}

#[test]
fn a_trembling_bow_goes_to_and_fro() {
    // A section's bows go each at a time of its own; one alone is heard to.
    let mut tone = Tone::default();
    tone.strings.players = 1;
    let alone = |articulation| {
        let mut player = built_in(Part::Strings, RATE, Seed(3), &tone);
        render(&mut *player, &[on(Part::Strings, 0, 1, 60, 96, articulation)], 96_000, 512).0
    };
    let (sound, plain) = (alone(Articulation::Tremolo), alone(Articulation::Normal));
    let unevenness = |sound: &[f32]| {
        let levels: Vec<f64> = sound[24_000..].chunks(960).map(rms).collect();
        let mean = levels.iter().sum::<f64>() / levels.len() as f64;
        (levels.iter().map(|level| (level / mean - 1.0).powi(2)).sum::<f64>() / levels.len() as f64).sqrt()
    };
    assert!(unevenness(&sound) > 1.5 * unevenness(&plain), "{} {}", unevenness(&sound), unevenness(&plain));
}

#[test]
fn a_slur_glides_from_the_note_before() {
    let part = Part::Strings;
    let lower = on(part, 0, 1, 57, 90, Articulation::Sustained);
    let upper = |articulation| on(part, 48_000, 2, 60, 90, articulation);
    let of_upper = |articulation| {
        let with = strings(&[lower, off(part, 48_000, 1), upper(articulation)], 60_000);
        let without = strings(&[lower, off(part, 48_000, 1)], 60_000);
        with.iter().zip(&without).map(|(with, without)| with - without).collect::<Vec<f32>>()
    };
    // The whole of the glide lies within these lags.
    let cents_at = |sound: &[f32], from: usize| off_by(&sound[from..from + 1_400], 60, 150..240);
    let (slurred, plain) = (of_upper(Articulation::Legato), of_upper(Articulation::Normal));
    let (begins, plainly) = (cents_at(&slurred, 48_300), cents_at(&plain, 48_300));
    let ends = cents_at(&slurred, 55_000);
    assert!(begins < -40.0 && begins > -320.0, "a slur begins {begins:.0} cents off");
    assert!(plainly > -40.0 && ends.abs() < 40.0, "{plainly:.0} and {ends:.0} cents");
}

#[test]
fn a_finger_slides_into_a_bass_note() {
    let part = Part::Bass;
    let cents_at = |articulation, from: usize| {
        let events = [on(part, 0, 1, 45, 100, articulation)];
        let sound = render(&mut *instrument(part, RATE), &events, 48_000, 512);
        off_by(&sound.0[from..from + 2_600], 45, 380..520)
    };
    let (begins, plainly) = (cents_at(Articulation::Slide, 480), cents_at(Articulation::Normal, 480));
    let ends = cents_at(Articulation::Slide, 20_000);
    assert!(begins < plainly - 40.0 && begins > plainly - 250.0, "{begins:.0} and {plainly:.0} cents");
    assert!(ends.abs() < 12.0, "it ends {ends:.0} cents off");
}

#[test]
fn a_hammered_string_sounds_on_higher_and_is_not_plucked_again() {
    let part = Part::Guitar;
    let then = |articulation| {
        let first = on(part, 0, 1, 50, 90, Articulation::Normal);
        let events = [first, off(part, 7_200, 1), on(part, 7_200, 2, 52, 90, articulation)];
        render(&mut *instrument(part, RATE), &events, 48_000, 512).0
    };
    let (hammered, plucked) = (then(Articulation::HammerOn), then(Articulation::Normal));
    let cents = off_by(&hammered[12_000..15_000], 52, 270..310);
    assert!(cents.abs() < 15.0, "it is {cents:.0} cents off");
    assert!(beside(&hammered[24_000..40_000], &plucked[24_000..40_000]) > -14.0, "it sounds on");
    let edge = |sound: &[f32]| {
        let steps: Vec<f32> = sound[7_200..8_400].windows(2).map(|pair| pair[1] - pair[0]).collect();
        rms(&steps)
    };
    let (light, struck) = (edge(&hammered), edge(&plucked));
    assert!(light < 0.75 * struck, "{light:.5} and {struck:.5}");
}

#[test]
fn strings_in_tune_with_one_that_is_played_ring_along() {
    let part = Part::Guitar;
    // The lower string's fourth partial is the upper one's first.
    let (low, high) =
        (on(part, 0, 1, 40, 110, Articulation::Normal), on(part, 0, 2, 64, 1, Articulation::Normal));
    let end = off(part, 48_000, 1);
    let sound = |events: &[NoteEvent]| render(&mut *instrument(part, RATE), events, 10 * 48_000, 512).0;
    let (both, alone) = (sound(&[low, high, end]), sound(&[low, end]));
    let faint = sound(&[high]);
    let after = 72_000..96_000;
    let along: Vec<f32> =
        both.iter().zip(&alone).zip(&faint).map(|((both, low), high)| both - low - high).collect();
    let level = beside(&along[after.clone()], &alone[24_000..48_000]);
    assert!((-70.0..-25.0).contains(&level), "{level:.1} dB");
    assert!(rms(&along[9 * 48_000..]) < rms(&along[after]), "it dies away");
}

#[test]
fn a_bow_over_the_fingerboard_is_darker() {
    let (soft, usual) = (one(Articulation::SulTasto), one(Articulation::Sustained));
    let (soft_hz, usual_hz) = (centroid(&soft[48_000..]), centroid(&usual[48_000..]));
    assert!(soft_hz < 0.85 * usual_hz, "{soft_hz:.0} and {usual_hz:.0} Hz");
}

#[test]
fn a_half_open_hat_rings_between_closed_and_open_and_is_closed_by_the_next() {
    let part = Part::Drums;
    let hat = |key, articulation| {
        render(&mut *instrument(part, RATE), &[on(part, 0, 1, key, 100, articulation)], 96_000, 512).0
    };
    let [closed, half, open] =
        [(42, Articulation::Normal), (42, Articulation::HalfOpen), (46, Articulation::Normal)]
            .map(|(key, articulation)| t60_s(&hat(key, articulation)));
    assert!(1.3 * closed < half && 1.3 * half < open, "{closed:.2}, {half:.2}, {open:.2} s");
    let events =
        [on(part, 0, 1, 42, 100, Articulation::HalfOpen), on(part, 9_600, 2, 42, 1, Articulation::Normal)];
    let closes = render(&mut *instrument(part, RATE), &events, 96_000, 512).0;
    assert!(beside(&closes[14_400..19_200], &hat(42, Articulation::HalfOpen)[14_400..19_200]) < -12.0);
}

/// How far from a note a sound is, in cents; the period is looked for among some lags.
fn off_by(samples: &[f32], pitch: u8, lags: std::ops::Range<usize>) -> f64 {
    let hz = MidiNote(pitch).hz(0.0);
    let heard = low_pass(samples, 1.5 * hz, RATE);
    let best = lags.max_by(|a, b| correlation(&heard, *a).total_cmp(&correlation(&heard, *b)));
    1_200.0 * (RATE.as_f64() / best.expect("lags") as f64 / hz).log2()
}

fn correlation(samples: &[f32], lag: usize) -> f64 {
    let (a, b) = (&samples[..samples.len() - lag], &samples[lag..]);
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
