//! A band for a voice that lies in a mix: the voice leads, what is played with it says chords, key and beat.

use std::path::PathBuf;

use serde_json::Value;

use super::output::Output;
use super::separate::{SeparateRequest, parts_into};
use super::{BounceError, BounceRequest, Progress, analyse_mix};
use crate::engine::Session;
use crate::follow::mix::{MixChord, MixTake};
use crate::separate::InputKind;
use crate::song::{FixedBar, Mode, Settings, Slot, VocalSource};
use crate::time::Bpm;

/// Whether the voice is taken out of what it is sung with before it is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolate {
    /// Where a mix is heard.
    Auto,
    /// Never: the file is the voice.
    #[default]
    Off,
    /// Always.
    On,
}

/// A voice and what it is sung with.
pub(super) struct Isolated {
    pub voice: PathBuf,
    pub backing: PathBuf,
    /// The recording that says chords and key: the mix, or the backing alone where it is known.
    harmony: PathBuf,
    /// The recording that the voice is of.
    pub source: Option<VocalSource>,
    /// Files written into the folder.
    pub files: Vec<String>,
    /// How the voice was found.
    pub report: Option<Value>,
}

impl Isolated {
    /// Takes the vocal out of its mix, or takes the backing that was named; none where the file is the voice.
    pub(super) fn prepare(
        request: &BounceRequest<'_>,
        output: &Output,
        progress: &mut Progress<'_>,
    ) -> Result<Option<Self>, BounceError> {
        if let Some(backing) = &request.backing {
            return Ok(Some(Self {
                voice: request.vocal.clone(),
                backing: backing.clone(),
                harmony: backing.clone(),
                source: None,
                files: Vec::new(),
                report: None,
            }));
        }
        if request.isolate == Isolate::Off {
            return Ok(None);
        }
        let work = SeparateRequest {
            is_live: request.settings.mode == Mode::Live,
            format: request.format,
            ..SeparateRequest::new(&request.vocal, &request.out)
        };
        let is_wanted = |kind: InputKind| match request.isolate {
            Isolate::On => true,
            _ => matches!(kind, InputKind::MonoMix | InputKind::StereoMix),
        };
        let Some(parts) = parts_into(&work, output, &is_wanted, progress)? else { return Ok(None) };
        Ok(Some(Self {
            voice: output.path(&parts.files[0]),
            backing: output.path(&parts.files[1]),
            harmony: request.vocal.clone(),
            source: Some(parts.source),
            files: parts.files,
            report: Some(parts.report),
        }))
    }

    /// What is heard of the band; none live, where nothing is known ahead, and where no beat is found.
    pub(super) fn heard(
        &self,
        settings: &Settings,
        progress: &mut Progress<'_>,
    ) -> Result<Option<MixTake>, BounceError> {
        if settings.mode == Mode::Live {
            return Ok(None);
        }
        match analyse_mix(&self.harmony, settings, progress) {
            Ok((_, take)) => Ok(Some(take)),
            Err(BounceError::Mix { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Settings in which key, metre and tempo are those of a mix where nothing else is stated.
pub(super) fn stated_by(take: &MixTake, settings: &Settings) -> Settings {
    let mut stated = settings.clone();
    stated.key = stated.key.or(take.keys.first().map(|guess| guess.key));
    stated.meter = stated.meter.or(Some(take.meter));
    stated.bpm = stated.bpm.or(Some(Bpm(take.bpm())));
    stated
}

/// The chords of a mix in the bars of a session, a slot a beat; bars of which something is stated stay so.
pub(super) fn chords_by(take: &MixTake, session: &Session, settings: &Settings) -> Vec<FixedBar> {
    let score = &session.score;
    let mut fixed = settings.fixed.clone();
    if settings.chart.is_some() {
        return fixed;
    }
    let beats = score.meter.beats_per_bar() as i64;
    for bar in score.all_bars().filter(|bar| bar.number.0 > 0) {
        if settings.fixed.iter().any(|stated| stated.bar == bar.number) {
            continue;
        }
        let at_s = |beat: i64| score.tempo.seconds_at(bar.start + score.meter.beat() * beat) - session.pad_s;
        let slots: Vec<Slot> =
            (0..beats).map(|beat| slot(&take.chords, at_s(beat), at_s(beat + 1))).collect();
        // A bar of which nothing is heard is the composer's.
        if slots.iter().any(|slot| matches!(slot, Slot::Chord(_))) {
            fixed.push(FixedBar { bar: bar.number, slots });
        }
    }
    fixed
}

/// The chord that sounds longest in a stretch of time.
fn slot(chords: &[MixChord], from_s: f64, to_s: f64) -> Slot {
    let shared = |chord: &MixChord| chord.end_s.min(to_s) - chord.start_s.max(from_s);
    let longest = chords.iter().filter(|chord| shared(chord) > 0.0);
    let longest = longest.max_by(|a, b| shared(a).total_cmp(&shared(b)));
    longest.and_then(|chord| chord.chord).map_or(Slot::Open, Slot::Chord)
}
