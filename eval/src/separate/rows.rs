//! What is compared: a row of the tables is a way to find the voice in a case.

use collavoce::audio::resample;
use collavoce::limits::LISTEN_HOP;
use collavoce::listen::{ListenConfig, Observation, PitchMethod, listen_to};
use collavoce::separate::net::{Ahead, HopIsolator, Isolator, Scout};
use collavoce::separate::stft::{Frames, Masked};
use collavoce::separate::{Bypass, Centre, Percussive, Reference, Separator, cancel, whole};

use collavoce::time::Hz;
use collavoce_models::mask::MaskNet;

use super::baseline::{Comb, Oracle, Repet};
use super::material::{Case, MONO_HZ, Sound};

/// Length of the frames of masks that are compared with.
const WINDOW_MS: f64 = 64.0;

/// The lowest rate that the network hears.
const NETWORK_HZ: Hz = Hz(24_000);

/// Finds a voice.
type Find = Box<dyn Fn(&Case) -> anyhow::Result<Sound>>;

/// A row.
pub struct Row {
    pub name: &'static str,
    /// Whether it is made for stereo, and for nothing else.
    pub is_stereo: bool,
    /// Whether it knows what nobody knows.
    pub is_oracle: bool,
    pub find: Find,
}

/// A row of a separator.
fn separator<S: Separator + 'static>(name: &'static str, make: impl Fn(&Case) -> S + 'static) -> Row {
    let find = move |case: &Case| {
        let [left, right] = case.mix();
        let (left, right) = whole(&mut make(case), &left, &right);
        Ok([left, right])
    };
    Row { name, is_stereo: false, is_oracle: false, find: Box::new(find) }
}

/// A row of something else.
fn other(name: &'static str, find: impl Fn(&Case) -> anyhow::Result<Sound> + 'static) -> Row {
    Row { name, is_stereo: false, is_oracle: false, find: Box::new(find) }
}

/// All rows, in the order of the tables.
pub fn all() -> Vec<Row> {
    vec![
        separator("mixture", |_| Bypass),
        separator("percussive, live", |case| Percussive::new(case.rate)),
        separator("percussive, file", |case| Percussive::offline(case.rate)),
        Row { is_stereo: true, ..separator("centre", |case| Centre::new(case.rate)) },
        Row {
            is_stereo: true,
            ..other("centre, then percussive", |case| {
                let [left, right] = case.mix();
                let (left, right) = whole(&mut Centre::new(case.rate), &left, &right);
                let (left, right) = whole(&mut Percussive::new(case.rate), &left, &right);
                Ok([left, right])
            })
        },
        other("network, live", |case| network(case, Listening::Live)),
        other("network, no comb", |case| network(case, Listening::Uncombed)),
        other("network, file", |case| network(case, Listening::File)),
        separator("reference, live", |case| Reference::new(case.rate, case.known.clone(), is_mono(case))),
        other("reference, file", |case| {
            let mix = case.mix();
            let cancelled =
                cancel(channels(case, &mix), channels(case, &case.known), case.rate, &mut |_| {})?;
            let voice = cancelled.voice;
            Ok([voice[0].clone(), voice[voice.len() - 1].clone()])
        }),
        separator("REPET-SIM online", |case| {
            let frames = Frames::near(WINDOW_MS, case.rate);
            Masked::new(Repet::new(frames, case.rate), frames)
        }),
        other("comb, F0 of the mix", |case| comb(case, pitch(&case.mix(), case, PitchMethod::Net)?)),
        other("comb, F0 of percussive", |case| {
            let [left, right] = case.mix();
            let (left, right) = whole(&mut Percussive::new(case.rate), &left, &right);
            comb(case, pitch(&[left, right], case, PitchMethod::Net)?)
        }),
        Row { is_oracle: true, ..other("comb, true F0", |case| comb(case, case.truth.clone())) },
        Row {
            is_oracle: true,
            ..other("ratio mask, true", |case| {
                let frames = Frames::near(WINDOW_MS, case.rate);
                let backing = mono(&case.backing);
                let mut mask = Masked::new(Oracle::new(&case.voice, &backing, frames)?, frames);
                let [left, right] = case.mix();
                let (left, right) = whole(&mut mask, &left, &right);
                Ok([left, right])
            })
        },
    ]
}

/// How the mask network is used.
#[derive(Clone, Copy)]
enum Listening {
    Live,
    /// Live, without its comb.
    Uncombed,
    /// Along a path through the whole mix.
    File,
}

/// The mask network, at a rate that it hears.
fn network(case: &Case, listening: Listening) -> anyhow::Result<Sound> {
    let rate = if case.rate.0 < NETWORK_HZ.0 { NETWORK_HZ } else { case.rate };
    let at = |samples: &[f32], from: Hz, to: Hz| resample(samples, 1, from, to);
    let [left, right] = case.mix();
    let (left, right) = (at(&left, case.rate, rate)?, at(&right, case.rate, rate)?);
    let mut isolator = match listening {
        Listening::Live => Isolator::usual(rate)?,
        Listening::Uncombed => Isolator::new(rate, MaskNet::embedded()?)?,
        Listening::File => {
            let mut scout = Scout::new(rate, Ahead::default())?;
            scout.hear(&left, &right);
            Isolator::usual(rate)?.along(scout.finish())
        }
    };
    let (mut left, mut right) = whole(&mut isolator, &left, &right);
    for side in [&mut left, &mut right] {
        *side = at(side, rate, case.rate)?;
        side.resize(case.voice.len(), 0.0);
    }
    Ok([left, right])
}

fn is_mono(case: &Case) -> bool {
    case.known[0] == case.known[1]
}

/// One channel of what is mono.
fn channels<'a>(case: &Case, sound: &'a Sound) -> &'a [Vec<f32>] {
    if is_mono(case) { &sound[..1] } else { sound }
}

fn comb(case: &Case, pitch: Vec<Observation>) -> anyhow::Result<Sound> {
    let frames = Frames::near(WINDOW_MS, case.rate);
    let mut mask = Masked::new(Comb::new(pitch, frames, case.rate), frames);
    let [left, right] = case.mix();
    let (left, right) = whole(&mut mask, &left, &right);
    Ok([left, right])
}

/// What the live band hears of the voice: 50 ms behind, where the network says that somebody sings.
pub fn live_band(case: &Case) -> anyhow::Result<Vec<Observation>> {
    let mut samples = resample(&mono(&case.mix()), 1, case.rate, MONO_HZ)?;
    samples.resize(samples.len() + (HopIsolator::LATENCY_HOPS + 1) * LISTEN_HOP, 0.0);
    let mut isolator = HopIsolator::new()?;
    let mut hop = [0.0; LISTEN_HOP];
    let (mut voice, mut is_sung) = (Vec::new(), Vec::new());
    for chunk in samples.chunks_exact(LISTEN_HOP) {
        hop.copy_from_slice(chunk);
        if let Some(apart) = isolator.process(&hop) {
            voice.extend(apart.voice);
            is_sung.push(apart.is_sung);
        }
    }
    let mut heard = listen_to(&voice, ListenConfig::live(PitchMethod::Nsdf));
    heard.iter_mut().zip(is_sung).for_each(|(heard, is_sung)| heard.voiced &= is_sung);
    Ok(heard)
}

/// What a live tracker hears.
pub fn pitch(sound: &Sound, case: &Case, method: PitchMethod) -> anyhow::Result<Vec<Observation>> {
    let samples = resample(&mono(sound), 1, case.rate, MONO_HZ)?;
    Ok(listen_to(&samples, ListenConfig::live(method)))
}

/// The mean of both channels.
pub fn mono(sound: &Sound) -> Vec<f32> {
    sound[0].iter().zip(&sound[1]).map(|(l, r)| 0.5 * (l + r)).collect()
}
