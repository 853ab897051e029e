//! A session as a song file.

use sha2::{Digest, Sha256};

use super::sounds::sources_of;
use super::{BounceError, analysis, hex};
use crate::engine::Session;
use crate::instrument::Sounds;
use crate::listen::PitchMethod;
use crate::score::Part;
use crate::song::{HeardSong, Provenance, Settings, Song, VocalSource};
use crate::time::{TickCount, Ticks};

/// The song that a session is, for a recording.
pub fn song_of(
    session: &Session,
    settings: &Settings,
    pitch: PitchMethod,
    vocal: VocalSource,
) -> Result<Song, BounceError> {
    song_beside(session, settings, pitch, vocal, None)
}

/// The same for a recording with a sidechain beside it.
pub(super) fn song_beside(
    session: &Session,
    settings: &Settings,
    pitch: PitchMethod,
    vocal: VocalSource,
    sidechain: Option<VocalSource>,
) -> Result<Song, BounceError> {
    let program = format!("collavoce {}", env!("CARGO_PKG_VERSION"));
    // Input, settings and build name the result.
    let mut hasher = Sha256::new();
    hasher.update(&vocal.sha256);
    hasher.update(&program);
    hasher.update(pitch.name());
    hasher.update(serde_json::to_vec(settings)?);
    if let Some(sidechain) = &sidechain {
        hasher.update(&sidechain.sha256);
    }
    let take_id = hex(&hasher.finalize())[..16].to_owned();
    let score = session.score.clone();
    let heard = HeardSong {
        duration_s: analysis::round(session.take.duration_s),
        pad_s: session.pad_s,
        beats_s: session.take.beats_s.clone(),
        level_dbfs_per_sixteenth: levels(session),
        keys: session.take.keys.iter().take(6).map(|g| (g.key, analysis::round(g.probability))).collect(),
        mix: session.take.mix.clone(),
    };
    Ok(Song {
        provenance: Provenance {
            take_id,
            program,
            composer: session.composer.to_owned(),
            model: None,
            vocal,
            sidechain,
            sounds: Vec::new(),
        },
        settings: settings.clone(),
        heard,
        score,
        other_takes: session.other_takes.clone(),
    })
}

/// The same song played by other sounds. It has another name then: it is another result.
pub(super) fn sounding(song: Song, sounds: &Sounds, parts: &[Part]) -> Song {
    let sources = sources_of(sounds, parts);
    if sources == song.provenance.sounds {
        return song;
    }
    let mut hasher = Sha256::new();
    hasher.update(&song.provenance.take_id);
    for source in &sources {
        hasher.update(source.part.name());
        hasher.update(&source.sha256);
    }
    let take_id = hex(&hasher.finalize())[..16].to_owned();
    Song { provenance: Provenance { take_id, sounds: sources, ..song.provenance }, ..song }
}

/// Level of the voice in every sixteenth.
fn levels(session: &Session) -> Vec<i16> {
    let score = &session.score;
    let step = TickCount(240);
    let hops = |at: Ticks| {
        let seconds = score.tempo.seconds_at(at) - session.take.shift_s;
        (seconds / crate::listen::HOP_S).round().max(0.0) as usize
    };
    (0..(score.end() - Ticks(0)) / step)
        .map(|index| {
            let (from, to) = (hops(Ticks(0) + step * index), hops(Ticks(0) + step * (index + 1)));
            let heard = &session.take.observations;
            let within = heard.get(from.min(heard.len())..to.min(heard.len())).unwrap_or(&[]);
            let loudest = within.iter().map(|o| o.level_dbfs).fold(-120.0, f32::max);
            loudest.round() as i16
        })
        .collect()
}
