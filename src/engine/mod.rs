//! Wires the stages together. Every function here is pure: same input, same output, whatever the block size.

mod causal;
pub mod live;
mod mixed;
mod offline;
mod player;
pub mod ready;
mod revise;
mod studio;
mod write;

pub use causal::{
    Band, BandAnswer, BandRequest, Causal, ComposerLink, Following, HostTime, Inline, Reply, State, Wanted,
};
pub use mixed::{InMix, run_in_mix};
pub use offline::{BandRenderer, RENDER_BLOCK, StemSink};
pub use player::{MAX_STATE, MAX_WAITING, Performance, Player, StemTaker};
pub use revise::{recompose, restored, run_again};
pub use studio::{compose_take, follow_and_compose, studio};

use crate::follow::{FollowError, Take};
use crate::listen::{ListenConfig, PitchMethod};
use crate::perform::{NoteEvent, Performer, PlayedEvent};
use crate::score::{Part, PartBar, Score};
use crate::song::{Mode, Settings};
use crate::time::{Hz, TempoMapError};

/// A beat and when it was known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeatReport {
    /// When, in seconds.
    pub time_s: f64,
    /// Its number in the bar, from 1.
    pub beat: usize,
    /// Seconds of input heard when it was decided.
    pub known_s: f64,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// What the band was doing.
    pub state: State,
    /// When the singer was there, as the whole take tells it afterwards, in seconds; none where nobody sang near it.
    pub sung_s: Option<f64>,
}

/// What came of a take: all that was heard and all that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// What was heard.
    pub take: Take,
    /// What was written.
    pub score: Score,
    /// Beats of the singing, with the time at which each was known.
    pub beats: Vec<BeatReport>,
    /// Seconds of silence put before the input to make room for an introduction; all times count from its start.
    pub pad_s: f64,
    /// Name of the composer.
    pub composer: &'static str,
    /// First takes of bars that another take was chosen for, so that they can be gone back to.
    pub other_takes: Vec<PartBar>,
    /// The listener's delay in seconds.
    pub latency_s: f64,
    /// What a live band played, in the order in which it was decided.
    pub played: Option<Vec<PlayedEvent>>,
}

impl Session {
    /// Every event of the performance, in order: what a live band played, or the score as it is performed.
    pub fn performance(&self, settings: &Settings, rate: Hz) -> Vec<NoteEvent> {
        let Some(played) = &self.played else { return Performer::new(&self.score, settings, rate).perform() };
        let mut events: Vec<NoteEvent> = played
            .iter()
            .map(|event| NoteEvent { at: rate.sample_at(event.at_s), part: event.part, kind: event.kind })
            .collect();
        events.sort_by_key(NoteEvent::order);
        events
    }
}

/// Why a take becomes no session.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum EngineError {
    /// It cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Its beats make no tempo map.
    #[error("the beats found make no tempo map: {0}")]
    Tempo(#[from] TempoMapError),
    /// It is too long for the tempo.
    #[error("the song would have {bars} bars; at most {max} are written", max = crate::limits::MAX_BARS)]
    TooManyBars {
        /// How many.
        bars: usize,
    },
    /// Something was asked for in a bar that does not exist.
    #[error("{choice}: the song has bars {first} to {last}")]
    NoSuchBar {
        /// What was asked for.
        choice: String,
        /// First bar.
        first: i32,
        /// Last bar.
        last: i32,
    },
}

/// How to listen under some settings.
pub fn listen_config(settings: &Settings, pitch: PitchMethod) -> ListenConfig {
    match settings.mode {
        Mode::Studio => ListenConfig::studio(pitch),
        Mode::Live => ListenConfig::live(pitch),
    }
}

/// Runs a whole recording of 16 kHz samples through listening, following and composing. Where [`Settings::isolate`] asks for
/// it, the voice is taken out of it first.
pub fn run(
    samples: &[f32],
    settings: &Settings,
    pitch: PitchMethod,
    progress: &mut dyn FnMut(f64),
) -> Result<Session, EngineError> {
    run_beside(samples, &[], settings, pitch, progress)
}

/// The same with a sidechain that is heard beside it, at the same rate: a click, drums or a guitar that the singer sings
/// to. It is silent where it is shorter, and what is longer is left out.
pub fn run_beside(
    samples: &[f32],
    sidechain: &[f32],
    settings: &Settings,
    pitch: PitchMethod,
    progress: &mut dyn FnMut(f64),
) -> Result<Session, EngineError> {
    let config = listen_config(settings, pitch);
    let session = match settings.mode {
        Mode::Studio => mixed::studio_of(samples, sidechain, config, settings, progress),
        Mode::Live => Causal::run(samples, sidechain, config, settings, progress),
    }?;
    write::check_fixed(settings, &session.score)?;
    Ok(session)
}

/// The parts of a session that sound.
pub fn sounding_parts(score: &Score) -> Vec<Part> {
    Part::ALL.into_iter().filter(|part| score.parts.iter().any(|bar| bar.part == *part)).collect()
}
