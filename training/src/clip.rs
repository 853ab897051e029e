//! A clip: a voice, or none, in a room with other sounds, and what is true of each frame.

use collavoce::listen::HighPass;
use collavoce::song::Rng;
use collavoce_models::pitch::{FEATURES, HOP, LOOK_AHEAD_HOPS, PitchFeatures};

use crate::room;
use crate::voice::{self, Manner, STEP, Voice};
use collavoce_data::draw::{between, gain, normal};

/// Seconds of a clip.
pub const SECONDS: f32 = 10.0;

/// What is true of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Truth {
    /// F0 in semitones (MIDI number).
    pub midi: f32,
    /// Whether somebody sings.
    pub voiced: bool,
    /// How much that may be held against the network: not where the voice fades out or drowns.
    pub voicing_counts: f32,
    /// The same of the pitch.
    pub pitch_counts: f32,
}

/// Frames of features and the truth about each.
pub struct Clip {
    /// [`FEATURES`] values a frame.
    pub features: Vec<f32>,
    /// One a frame, of the moment whose look-ahead ends with the frame.
    pub truth: Vec<Truth>,
}

/// Gains of the voice, in dB relative to a plain note, from which it counts as sung, and below which as silent.
const SUNG_DB: f32 = -24.0;
const SILENT_DB: f32 = -36.0;
/// How far the voice may lie under all else before it drowns, in dB.
const DROWNED_DB: f32 = -9.0;

/// Makes a clip; the same for the same seed and number.
pub fn make(seed: u64, number: u64) -> Clip {
    let Heard { samples, truth } = sound(seed, number);
    Clip { features: features_of(&samples), truth }
}

/// The sound of a clip with the truth about each of its frames.
pub struct Heard {
    /// At 16 kHz.
    pub samples: Vec<f32>,
    /// One every 10 ms, the first at the first sample.
    pub truth: Vec<Truth>,
}

/// The sound that a clip is made of.
pub fn sound(seed: u64, number: u64) -> Heard {
    let mut rng = Rng::keyed(&[seed, number]);
    let rng = &mut rng;
    let manner = match rng.unit() {
        x if x < 0.62 => Some(Manner::Notes),
        x if x < 0.70 => Some(Manner::FastNotes),
        x if x < 0.84 => Some(Manner::Glides),
        x if x < 0.90 => Some(Manner::Whisper),
        _ => None,
    };
    let samples = (SECONDS * voice::RATE) as usize;
    let (moments, mut voice) = match manner {
        Some(manner) => {
            let Voice { moments, samples } = voice::sing(rng, manner, SECONDS);
            (moments, samples)
        }
        None => (Vec::new(), vec![0.0; samples]),
    };
    voice.resize(samples, 0.0);
    room::microphone(rng, &mut voice);
    let dry: Vec<f32> = voice.clone();
    if rng.chance(0.45) {
        voice = room::reverb(rng, &voice);
    }
    let noise = disturb(rng, &voice);
    let mut sound: Vec<f32> = voice.iter().zip(&noise).map(|(v, n)| v + n).collect();
    room::overdrive(rng, &mut sound);
    room::set_peak(&mut sound, gain(between(rng, -36.0, -1.0)));

    let mut truth = truth_of(&moments, &dry, &noise, samples / HOP);
    if manner == Some(Manner::Whisper) {
        truth.iter_mut().for_each(|t| t.voiced = false);
    }
    Heard { samples: sound, truth }
}

/// The frames of a sound, each aligned with the observation whose look-ahead ends with it.
pub fn features_of(sound: &[f32]) -> Vec<f32> {
    let (mut high_pass, mut features) = (HighPass::default(), PitchFeatures::new());
    let hops = sound.len() / HOP;
    let mut frames = Vec::with_capacity(hops * FEATURES);
    for number in 0..hops + LOOK_AHEAD_HOPS - 1 {
        let mut hop = [0.0; HOP];
        let from = (number * HOP).min(sound.len());
        let there = &sound[from..(from + HOP).min(sound.len())];
        for (slot, sample) in hop.iter_mut().zip(there) {
            *slot = high_pass.process(*sample);
        }
        let frame = features.process(&hop);
        // With hop h, h * HOP + HOP samples were heard; the frame is of the observation LOOK_AHEAD_HOPS hops before.
        if number + 1 >= LOOK_AHEAD_HOPS {
            frames.extend_from_slice(frame);
        }
    }
    frames
}

/// Other sounds, as long as the voice.
fn disturb(rng: &mut Rng, voice: &[f32]) -> Vec<f32> {
    let mut noise = vec![0.0; voice.len()];
    let level = room::loud_rms(voice).max(0.02);
    let mut add = |what: Vec<f32>, snr_db: f32| {
        let factor = level * gain(-snr_db) / room::loud_rms(&what).max(1e-9);
        noise.iter_mut().zip(&what).for_each(|(n, w)| *n += factor * w);
    };
    // There is no silence.
    let colour = between(rng, 0.0, 2.0);
    let floor = room::coloured(rng, voice.len(), colour);
    let snr_db = if rng.chance(0.45) { between(rng, 0.0, 25.0) } else { between(rng, 25.0, 75.0) };
    add(floor, snr_db);
    if rng.chance(0.10) {
        let (what, snr_db) = (room::hum(rng, voice.len()), between(rng, 3.0, 35.0));
        add(what, snr_db);
    }
    if rng.chance(0.12) {
        let (what, snr_db) = (room::claps(rng, voice.len()), between(rng, 0.0, 25.0));
        add(what, snr_db);
    }
    if rng.chance(0.08) {
        let (what, snr_db) = (babble(rng, voice.len()), between(rng, 8.0, 30.0));
        add(what, snr_db);
    }
    if rng.chance(0.04) {
        let (what, snr_db) = (room::whistling(rng, voice.len()), between(rng, 12.0, 30.0));
        add(what, snr_db);
    }
    noise
}

/// Many who talk at once.
fn babble(rng: &mut Rng, len: usize) -> Vec<f32> {
    let mut all = vec![0.0; len];
    for _ in 0..4 {
        let one = voice::sing(rng, Manner::Glides, SECONDS / 2.0).samples;
        let factor = gain(3.0 * normal(rng)) / room::loud_rms(&one).max(1e-9);
        // Each is heard twice, at another place: eight for the price of four.
        for from in [rng.below(len), rng.below(len)] {
            for (index, sample) in one.iter().enumerate() {
                all[(from + index) % len] += factor * sample;
            }
        }
    }
    room::reverb(rng, &all)
}

fn truth_of(moments: &[voice::Moment], dry: &[f32], noise: &[f32], frames: usize) -> Vec<Truth> {
    let power = |samples: &[f32], centre: usize| {
        let part = &samples[centre.saturating_sub(240)..(centre + 240).min(samples.len())];
        part.iter().map(|x| x * x).sum::<f32>() / part.len().max(1) as f32 + 1e-12
    };
    let frame = |number: usize| {
        let sample = number * HOP;
        let Some(moment) = moments.get(sample / STEP) else {
            return Truth { voicing_counts: 1.0, ..Truth::default() };
        };
        let db = 20.0 * (moment.voice + 1e-6).log10();
        let over_noise_db = 10.0 * (power(dry, sample) / power(noise, sample)).log10();
        let drowned = over_noise_db < DROWNED_DB;
        let fading = db < SUNG_DB && db > SILENT_DB;
        Truth {
            midi: moment.cents / 100.0,
            voiced: db >= SUNG_DB,
            voicing_counts: if fading || db >= SUNG_DB && drowned { 0.0 } else { 1.0 },
            pitch_counts: if db <= SILENT_DB || drowned { 0.0 } else { 1.0 },
        }
    };
    (0..frames).map(frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_the_same_every_time_and_its_truth_is_in_range() {
        let (one, again) = (make(7, 3), make(7, 3));
        assert_eq!(one.features, again.features);
        assert_eq!(one.truth, again.truth);
        assert_eq!(one.features.len(), one.truth.len() * FEATURES);
        assert!(one.features.iter().all(|value| value.is_finite()));
        let sung = (0..20).flat_map(|number| make(8, number).truth).collect::<Vec<_>>();
        let share = sung.iter().filter(|truth| truth.voiced).count() as f32 / sung.len() as f32;
        assert!((0.3..0.85).contains(&share), "{share} is sung");
        assert!(sung.iter().filter(|truth| truth.voiced).all(|truth| (34.0..90.0).contains(&truth.midi)));
    }
}
