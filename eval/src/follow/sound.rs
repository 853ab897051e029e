//! The voice on its way to the microphone.

use collavoce::engine::BandRenderer;
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part, Velocity};
use collavoce::sing::Sung;
use collavoce::song::{Rng, Seed};
use collavoce::time::Hz;

use super::case::{Case, Performance, Room};

/// Rate at which cases are sung: that of the listener, which converts whatever it is given.
pub const RATE: Hz = Hz(16_000);
/// Reverberation time of the room in seconds, and how much of it is heard.
const REVERB: (f64, f32) = (0.5, 0.35);
/// How far noise and band lie below the voice, in dB.
const BELOW_DB: f64 = 20.0;
/// Rate at which the band in the background is rendered.
const BAND_HZ: u32 = 48_000;

/// What the microphone hears.
pub fn microphone(case: &Case, performance: &Performance, sung: Sung) -> anyhow::Result<Vec<f32>> {
    let mut samples = sung.samples;
    match case.room {
        Room::Dry | Room::Jitter => {}
        Room::Reverb => {
            let tail = tail(case.seed);
            let wet = convolve(&samples, &tail);
            for (sample, wet) in samples.iter_mut().zip(wet) {
                *sample += REVERB.1 * wet;
            }
        }
        Room::Noise => {
            let mut random = Rng::keyed(&[case.seed, 0x6e6f_6973]);
            let noise: Vec<f32> = samples.iter().map(|_| random.normal() as f32).collect();
            add_below(&mut samples, &noise);
        }
        Room::Bleed => {
            let band = background(case, performance, samples.len())?;
            add_below(&mut samples, &band);
        }
    }
    Ok(samples)
}

/// Adds something at its level below that of what is there.
fn add_below(samples: &mut [f32], other: &[f32]) {
    // The level of the voice is that of where it sings.
    let loud = samples.iter().map(|s| s.abs()).fold(0.0, f32::max) * 0.05;
    let power = |samples: &mut dyn Iterator<Item = f32>| {
        let (sum, count) =
            samples.fold((0.0, 0.0f64), |(sum, count), s| (sum + f64::from(s).powi(2), count + 1.0));
        sum / count.max(1.0)
    };
    let voice = power(&mut samples.iter().copied().filter(|s| s.abs() > loud));
    let noise = power(&mut other.iter().copied());
    let gain = (voice / noise.max(1e-12) * 10f64.powf(-BELOW_DB / 10.0)).sqrt() as f32;
    for (sample, other) in samples.iter_mut().zip(other) {
        *sample += gain * other;
    }
}

/// A room's answer: noise that dies away.
fn tail(seed: u64) -> Vec<f32> {
    let mut random = Rng::keyed(&[seed, 0x726f_6f6d]);
    let decay = -6.9 / (REVERB.0 * RATE.as_f64());
    let length = (REVERB.0 * RATE.as_f64()) as usize;
    let raw: Vec<f64> = (0..length).map(|n| random.normal() * (decay * n as f64).exp()).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f64>().sqrt();
    raw.iter().map(|x| (x / norm) as f32).collect()
}

/// Convolution, thinned out: late echoes are so many that every fourth of them sounds like all.
fn convolve(samples: &[f32], tail: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0f32; samples.len()];
    for (delay, gain) in tail.iter().enumerate().step_by(7).skip(1) {
        let gain = gain * 7f32.sqrt();
        for (sample, out) in samples.iter().zip(&mut out[delay.min(samples.len())..]) {
            *out += gain * sample;
        }
    }
    out
}

/// A band that plays the chords of the song on the singer's beats.
fn background(case: &Case, performance: &Performance, length: usize) -> anyhow::Result<Vec<f32>> {
    let rate = Hz(BAND_HZ);
    let timing = &performance.vocal.timing;
    let end = performance.tune.lines.last().copied().unwrap_or(0.0) + performance.tune.line_beats;
    let mut events = Vec::new();
    let mut next = 0u32;
    let mut strike = |part: Part, pitch: u8, from_s: f64, to_s: f64| {
        let id = NoteId(next);
        next += 1;
        let on = EventKind::NoteOn {
            id,
            pitch: MidiNote(pitch),
            velocity: Velocity::clamped(80.0),
            articulation: Articulation::Normal,
        };
        events.push(NoteEvent { at: rate.sample_at(from_s), part, kind: on });
        events.push(NoteEvent { at: rate.sample_at(to_s), part, kind: EventKind::NoteOff { id } });
    };
    let per_bar = case.meter.beats_per_bar();
    for beat in 0..end as usize {
        let (from_s, to_s) = (timing.seconds_at(beat as f64), timing.seconds_at(beat as f64 + 1.0) - 0.02);
        let chord = performance.tune.chords.iter().rev().find(|chord| chord.0 <= beat as f64);
        for pitch in chord.iter().flat_map(|chord| chord.2) {
            strike(Part::Guitar, pitch, from_s, to_s);
        }
        strike(Part::Drums, if beat % per_bar == 0 { 36 } else { 42 }, from_s, to_s);
    }
    events.sort_by_key(NoteEvent::order);
    let mut renderer = BandRenderer::new(&events, &[Part::Guitar, Part::Drums], rate, Seed(case.seed), 1024);
    let wanted = length * (BAND_HZ / RATE.0) as usize;
    let mut band = vec![0.0f32; wanted + 1024];
    let mut at = 0;
    while at < wanted {
        let here = &mut band[at..];
        at += renderer.render(1024, &mut |_, left, right| {
            for ((out, l), r) in here.iter_mut().zip(left).zip(right) {
                *out += 0.5 * (l + r);
            }
        });
    }
    Ok(collavoce::audio::resample(&band[..wanted], 1, rate, RATE)?)
}
