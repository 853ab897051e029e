//! A voice with what it is sung with: the voice leads, the mix says chords, key and beat, and what plays in it already.

use super::{EngineError, Session, studio, write};
use crate::follow::mix::follow_mix;
use crate::limits::LISTEN_HZ;
use crate::listen::mix::{Stroke, listen_to_mix, strokes_of};
use crate::listen::{ListenConfig, PitchMethod};
use crate::separate::net::voice_in;
use crate::separate::{InputMeter, Verdict, parts_in};
use crate::song::{HeardMix, Isolate, MixStroke, Settings};
use crate::time::{Bpm, Hz};

/// A voice and what it is sung with, 16 kHz each.
#[derive(Debug, Clone, Copy)]
pub struct InMix<'a> {
    /// The voice.
    pub voice: &'a [f32],
    /// What it is sung with: its strokes lead the beat beside the voice.
    pub backing: &'a [f32],
    /// What says chords and key: both together, or the backing alone where it is known.
    pub harmony: &'a [f32],
}

/// Runs a whole recording of a voice that lies in a mix: studio mode for it and for all that is known of the mix.
pub fn run_in_mix(
    heard: InMix<'_>,
    settings: &Settings,
    pitch: PitchMethod,
    progress: &mut dyn FnMut(f64),
) -> Result<Session, EngineError> {
    let session = in_mix(heard, ListenConfig::studio(pitch), settings, progress)?;
    write::check_fixed(settings, &session.score)?;
    Ok(session)
}

fn in_mix(
    heard: InMix<'_>,
    config: ListenConfig,
    settings: &Settings,
    progress: &mut dyn FnMut(f64),
) -> Result<Session, EngineError> {
    let mix = hear(heard, settings);
    studio(heard.voice, heard.backing, Some(mix), config, settings, progress)
}

/// What a mix says. Where it has no beat the voice has to tell it, and the chords.
fn hear(InMix { backing, harmony, .. }: InMix<'_>, settings: &Settings) -> HeardMix {
    let duration_s = harmony.len() as f64 / f64::from(LISTEN_HZ);
    let present = parts_in(backing);
    let strokes = strokes_of(backing).iter().map(stroke).collect();
    match follow_mix(&listen_to_mix(harmony), duration_s, settings) {
        Err(_) => HeardMix { key: None, beat: None, chords: Vec::new(), present, strokes },
        Ok(take) => HeardMix {
            key: take.keys.first().map(|guess| guess.key),
            beat: Some((take.meter, Bpm(take.bpm()))),
            chords: take.chords,
            present,
            strokes,
        },
    }
}

/// A stroke as it is kept: thousandths of a second, tenths of the mean.
fn stroke(stroke: &Stroke) -> MixStroke {
    let at_s = (stroke.time_s * 1_000.0).round() / 1_000.0;
    MixStroke { at_s, growth: stroke.flux.map(|flux| (flux * 10.0).round() / 10.0) }
}

/// Studio mode for a recording that may be a mix.
pub(super) fn studio_of(
    samples: &[f32],
    sidechain: &[f32],
    config: ListenConfig,
    settings: &Settings,
    progress: &mut dyn FnMut(f64),
) -> Result<Session, EngineError> {
    let is_mix = match settings.isolate {
        Isolate::Off => false,
        Isolate::On => true,
        Isolate::Auto => is_mix(samples),
    };
    // A network that was damaged takes nothing out.
    let voice = if is_mix { voice_in(samples).ok() } else { None };
    let Some(voice) = voice else { return studio(samples, sidechain, None, config, settings, progress) };
    let mut backing: Vec<f32> = samples.iter().zip(&voice).map(|(mix, voice)| mix - voice).collect();
    backing.iter_mut().zip(sidechain).for_each(|(backing, beside)| *backing += beside);
    in_mix(InMix { voice: &voice, backing: &backing, harmony: samples }, config, settings, progress)
}

/// Whether a voice is sung with something else in a recording.
fn is_mix(samples: &[f32]) -> bool {
    let Ok(mut meter) = InputMeter::new(Hz(LISTEN_HZ)) else { return false };
    meter.push(samples, samples);
    Verdict::of(meter.finish()).kind.is_mix()
}
