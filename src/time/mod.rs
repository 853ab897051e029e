//! Sample time, musical time and the map between them.
//!
//! Positions and distances are different types: `SampleTime - SampleTime = SampleCount`, and there is no
//! position + position. Score time is integer ticks; floats live only inside [`TempoMap`].

mod meter;
mod samples;
mod tempo_map;
mod ticks;

pub use meter::{Meter, MeterError};
pub use samples::{Hz, SampleCount, SampleTime};
pub use tempo_map::{Bpm, TempoMap, TempoMapError};
pub use ticks::{TICKS_PER_QUARTER, TickCount, Ticks};
