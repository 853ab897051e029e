//! What the user asked for, the score so far, and where everything came from.

mod anchor;
mod chart;
mod file;
mod known;
mod mix;
mod pace;
mod provenance;
mod seed;
mod settings;

pub use anchor::{Anchor, AnchorError, Gesture, SaidOfTake, TapRow};
pub use chart::{Chart, ChartError, FixedBar, FixedBarError, Slot};
pub use file::{HeardSong, Song, SongFileError};
pub use known::{KnownNote, KnownSong, KnownSongError, chart_of};
pub use mix::{HeardMix, Isolate, MixChord, MixStroke};
pub use pace::{Pace, PaceError};
pub use provenance::{Provenance, SoundSource, VocalSource};
pub use seed::{Rng, Seed};
pub use settings::{
    Arranger, ChoiceError, Feel, Harmonist, Idiom, Lead, LiveTiming, Mode, Repairs, Settings, Style,
    TakeChoice, TakeError, ToneName, Tune, TuneError, WhenStopped,
};
