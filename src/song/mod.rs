//! What the user asked for, the score so far, and where everything came from.

mod chart;
mod file;
mod provenance;
mod seed;
mod settings;

pub use chart::{Chart, ChartError, FixedBar, FixedBarError, Slot};
pub use file::{HeardSong, Song, SongFileError};
pub use provenance::{Provenance, VocalSource};
pub use seed::{Rng, Seed};
pub use settings::{
    ChoiceError, Feel, Harmonist, Idiom, Lead, LiveTiming, Mode, Repairs, Settings, Style, TakeChoice,
    TakeError, Tune, TuneError, WhenStopped,
};
