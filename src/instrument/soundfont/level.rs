//! How loud a bank has to be played so that the mix stays as it is: a phrase is played built-in and sampled, and both are
//! measured.

use std::sync::OnceLock;

use ebur128::{EbuR128, Mode};

use super::sampled::Sampled;
use super::sounds::Sampling;
use crate::audio::StereoBlock;
use crate::instrument::{Instrument, Tone, stage};
use crate::perform::{EventKind, NoteEvent, NoteId};
use crate::score::{Articulation, MidiNote, Part, Velocity};
use crate::song::Seed;
use crate::time::{Hz, SampleCount, SampleTime};

/// Most that a bank is raised or lowered, in dB.
const MOST_DB: f64 = 18.0;
/// Finest step of a level, in dB: below it platforms may differ.
const STEP_DB: f64 = 0.1;
const RATE: Hz = Hz(48_000);
/// Length of a beat of the phrase, in samples, and of the phrase, in beats.
const BEAT: i64 = 24_000;
const BEATS: i64 = 8;
const BLOCK: usize = 480;

/// What it takes for a bank to be as loud as the built-in sound, in dB beside what it usually takes.
pub(super) fn trim_db(part: Part, sampling: &Sampling) -> f32 {
    let Some(mut sampled) = Sampled::new(part, RATE, sampling) else { return 0.0 };
    static BUILT_IN: [OnceLock<Option<f64>>; 4] = [const { OnceLock::new() }; 4];
    let ours = BUILT_IN[part.index()]
        .get_or_init(|| loudness(part, &mut *stage::built_in(part, RATE, Seed(1), &Tone::default())));
    let Some((theirs, ours)) = loudness(part, &mut sampled).zip(*ours) else { return 0.0 };
    (((ours - theirs).clamp(-MOST_DB, MOST_DB) / STEP_DB).round() * STEP_DB) as f32
}

/// Loudness of a part's phrase in LUFS; none of one that is silent.
fn loudness(part: Part, instrument: &mut dyn Instrument) -> Option<f64> {
    let mut meter = EbuR128::new(2, RATE.0, Mode::I).ok()?;
    let events = phrase(part);
    let mut next = 0;
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    for start in (0..BEATS * BEAT).step_by(BLOCK) {
        let start = SampleTime(start);
        let end = start + SampleCount(BLOCK as i64);
        let first = next;
        next += events[first..].iter().take_while(|event| event.at < end).count();
        let mut out = StereoBlock { left: &mut left, right: &mut right };
        instrument.process(start, &events[first..next], &mut out);
        meter.add_frames_planar_f32(&[&left, &right]).ok()?;
    }
    meter.loudness_global().ok().filter(|lufs| lufs.is_finite())
}

/// Two bars at 120 beats a minute as the part usually plays.
fn phrase(part: Part) -> Vec<NoteEvent> {
    let mut events = Vec::new();
    let mut play = |at: i64, length: i64, pitch: u8, velocity: f64, articulation| {
        let id = NoteId(events.len() as u32);
        let (pitch, velocity) = (MidiNote(pitch), Velocity::clamped(velocity));
        let on = EventKind::NoteOn { id, pitch, velocity, articulation };
        events.push(NoteEvent { at: SampleTime(at), part, kind: on });
        events.push(NoteEvent { at: SampleTime(at + length), part, kind: EventKind::NoteOff { id } });
    };
    match part {
        Part::Guitar => {
            for beat in 0..BEATS {
                let chord: [u8; 6] =
                    if beat < BEATS / 2 { [40, 47, 52, 56, 59, 64] } else { [45, 52, 57, 61, 64, 69] };
                for (order, pitch) in chord.into_iter().enumerate() {
                    let down = Articulation::StrumDown { order: order as u8 };
                    play(beat * BEAT + 480 * order as i64, BEAT - 2_400, pitch, 84.0, down);
                }
            }
        }
        Part::Bass => {
            for half in 0..2 * BEATS {
                let pitch = [40, 40, 45, 43][(half / 4 % 4) as usize];
                play(half * BEAT / 2, BEAT / 2 - 1_200, pitch, 88.0, Articulation::Normal);
            }
        }
        Part::Strings => {
            for (bar, chord) in [[52u8, 59, 64, 68], [57, 61, 64, 69]].into_iter().enumerate() {
                for pitch in chord {
                    let length = BEATS / 2 * BEAT;
                    play(bar as i64 * length, length - 2_400, pitch, 72.0, Articulation::Sustained);
                }
            }
        }
        Part::Drums => {
            for half in 0..2 * BEATS {
                let at = half * BEAT / 2;
                play(at, BEAT / 4, 42, 76.0, Articulation::Normal);
                if half % 4 == 0 {
                    play(at, BEAT / 4, 36, 100.0, Articulation::Normal);
                } else if half % 4 == 2 {
                    play(at, BEAT / 4, 38, 96.0, Articulation::Normal);
                }
            }
        }
    }
    events.sort_by_key(NoteEvent::order);
    events
}
