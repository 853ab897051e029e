//! Singers of `collavoce::sing`: another synthesiser, so that no network takes the ways of one for a voice.

use anyhow::anyhow;
use collavoce::sing::{Consonant, Singer as Klatt, SungSyllable, TimingCurve, Vocal, Vowel};
use collavoce::song::Rng;
use collavoce::time::{Hz, Meter};

use super::melody::Tone;
use super::singer::Singer;
use super::{Point, RATE, TRUTH_PER_S, seconds_between};

/// Sings tones; the voice at [`RATE`] and what is true of it.
///
/// # Errors
/// The voice cannot be brought to the rate.
pub fn sing(
    rng: &mut Rng,
    singer: &Singer,
    tones: &[Tone],
    seconds: f32,
) -> anyhow::Result<(Vec<f32>, Vec<Point>)> {
    let klatt = Klatt {
        tract_scale: f64::from(singer.tract),
        brightness_octaves: seconds_between(rng, -0.8, 0.8),
        vibrato_hz: seconds_between(rng, 4.5, 6.8),
        vibrato_cents: seconds_between(rng, 0.0, 90.0),
        scoop_cents: seconds_between(rng, 0.0, 250.0),
        portamento_ms: seconds_between(rng, 30.0, 120.0),
        breathiness: seconds_between(rng, 0.05, 0.8),
        tuning_cents: seconds_between(rng, -50.0, 50.0),
        ..Klatt::alto(rng.bits())
    };
    let mut notes: Vec<SungSyllable> = Vec::with_capacity(tones.len());
    for tone in tones {
        let start_beat = f64::from(tone.start_s);
        let after_s = notes.last().map_or(f64::MAX, |last| start_beat - last.start_beat - last.beats);
        notes.push(SungSyllable {
            start_beat,
            beats: f64::from(tone.end_s - tone.start_s),
            midi: tone.midi.round().clamp(30.0, 90.0) as u8,
            vowel: Vowel::ALL[rng.below(Vowel::ALL.len())],
            consonant: Consonant::ALL[rng.below(Consonant::ALL.len())],
            level_db: f64::from(tone.level_db.clamp(-8.0, 5.0)),
            breath_before: after_s > 0.3,
            late_s: 0.0,
        });
    }
    let vocal = Vocal {
        notes,
        // A beat is a second.
        timing: TimingCurve::constant(60.0, 0.0),
        singer: klatt,
        meter: Meter::FOUR_FOUR,
        key: "C major".to_owned(),
        chords: Vec::new(),
        tail_s: 0.1,
    };
    let sung = vocal.sing(Hz(RATE)).map_err(|error| anyhow!("{error}"))?;
    let points = (seconds * TRUTH_PER_S as f32) as usize;
    let mut truth: Vec<Point> =
        sung.truth.f0.iter().take(points).map(|point| Point { hz: point.hz as f32, onset: false }).collect();
    truth.resize(points, Point::default());
    for note in &sung.truth.notes {
        if let Some(point) = truth.get_mut((note.onset_s * f64::from(TRUTH_PER_S)) as usize) {
            point.onset = true;
        }
    }
    Ok((sung.samples, truth))
}
