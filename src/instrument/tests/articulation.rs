//! What each way to play does to a note.

use super::pitch::low_pass;
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
