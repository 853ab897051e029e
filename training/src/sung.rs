//! Singers of `collavoce::sing`, another synthesiser than the one that is trained on: the network is tried on them.

use anyhow::anyhow;
use collavoce::sing::{Consonant, Singer, SungSyllable, TimingCurve, Vocal, Vowel};
use collavoce::song::Rng;
use collavoce::time::{Hz, Meter};
use collavoce_models::pitch::{FEATURES, HOP};

use crate::clip::{Clip, Heard, Truth, features_of};
use crate::room;
use collavoce_data::draw::{between, gain, log_between};
const NOTES: usize = 36;

/// A melody for a singer, both drawn at random.
fn vocal(rng: &mut Rng, seed: u64) -> Vocal {
    let lowest = 40 + rng.below(28) as i32;
    let singer = Singer {
        tract_scale: f64::from(0.9 + 0.012 * (lowest - 40) as f32 + between(rng, -0.05, 0.05)),
        brightness_octaves: f64::from(between(rng, -0.8, 0.8)),
        vibrato_hz: f64::from(between(rng, 4.5, 6.8)),
        vibrato_cents: f64::from(between(rng, 0.0, 90.0)),
        scoop_cents: f64::from(between(rng, 0.0, 250.0)),
        portamento_ms: f64::from(between(rng, 30.0, 120.0)),
        breathiness: f64::from(between(rng, 0.05, 0.8)),
        tuning_cents: f64::from(between(rng, -50.0, 50.0)),
        ..Singer::alto(seed)
    };
    let (mut beat, mut pitch) = (1.0, lowest + 7);
    let mut notes = Vec::with_capacity(NOTES);
    for number in 0..NOTES {
        let beats = [0.25, 0.5, 0.5, 1.0, 1.0, 2.0][rng.below(6)];
        pitch = (pitch + rng.below(9) as i32 - 4).clamp(lowest, lowest + 16);
        let breath_before = number % 9 == 0;
        if breath_before {
            beat += 1.0;
        }
        notes.push(SungSyllable {
            start_beat: beat,
            beats,
            midi: pitch as u8,
            vowel: Vowel::ALL[rng.below(Vowel::ALL.len())],
            consonant: Consonant::ALL[rng.below(Consonant::ALL.len())],
            level_db: f64::from(between(rng, -6.0, 3.0)),
            breath_before,
            late_s: 0.0,
        });
        beat += beats;
    }
    Vocal {
        notes,
        timing: TimingCurve::constant(f64::from(between(rng, 70.0, 130.0)), 0.2),
        singer,
        meter: Meter::FOUR_FOUR,
        key: "C major".to_owned(),
        chords: Vec::new(),
        tail_s: 0.8,
    }
}

/// Clips of such singers; if they are to be hard, in rooms of 0.2 to 1.5 s and noise 8 to 20 dB below.
///
/// # Errors
/// If a voice cannot be brought to the sample rate.
pub fn clips(seed: u64, count: u64, hard: bool) -> anyhow::Result<Vec<Clip>> {
    let clip = |number| {
        let Heard { samples, truth } = sound(seed, number, hard)?;
        let mut features = features_of(&samples);
        features.truncate(truth.len() * FEATURES);
        Ok(Clip { features, truth })
    };
    (0..count).map(clip).collect()
}

/// The sound of one of them.
///
/// # Errors
/// If its voice cannot be brought to the sample rate.
pub fn sound(seed: u64, number: u64, hard: bool) -> anyhow::Result<Heard> {
    let mut rng = Rng::keyed(&[seed, 0x5ed, number]);
    let sung = vocal(&mut rng, seed ^ number).sing(Hz(16_000)).map_err(|e| anyhow!("{e}"))?;
    let mut samples = sung.samples;
    if hard {
        samples = room::reverb(&mut rng, &samples);
        let colour = between(&mut rng, 0.0, 2.0);
        let noise = room::coloured(&mut rng, samples.len(), colour);
        let snr_db = between(&mut rng, 8.0, 20.0);
        let factor = room::loud_rms(&samples) * gain(-snr_db) / room::loud_rms(&noise).max(1e-9);
        samples.iter_mut().zip(&noise).for_each(|(sample, noise)| *sample += factor * noise);
    }
    room::set_peak(&mut samples, log_between(&mut rng, 0.05, 0.9));
    let truth = sung.truth.f0.iter().take(samples.len() / HOP).map(|point| Truth {
        midi: if point.hz > 0.0 { 69.0 + 12.0 * (point.hz as f32 / 440.0).log2() } else { 0.0 },
        voiced: point.hz > 0.0,
        voicing_counts: 1.0,
        pitch_counts: if point.hz > 0.0 { 1.0 } else { 0.0 },
    });
    Ok(Heard { truth: truth.collect(), samples })
}
