//! What has been decided.

use super::hold::Hold;
use super::predict::Astray;
use super::state::State;
use crate::engine::EngineError;
use crate::follow::bar::BarPhase;
use crate::follow::grid::Grid;
use crate::follow::rhythm::Position;
use crate::time::Ticks;

/// The beats that have been decided, and the bars they stand in.
#[derive(Debug)]
pub(super) struct Locked {
    pub beats_s: Vec<f64>,
    pub known_s: Vec<f64>,
    /// How sure each of them was, 0 to 1.
    pub sure: Vec<f64>,
    pub bars: BarPhase,
    pub grid: Grid,
    pub period_s: f64,
    pub confidence: f64,
    pub agreed: usize,
    pub last_position: Option<Position>,
    /// Number of the first beat in the host's count.
    pub host_beat: i64,
    pub has_entered: bool,
    /// The beat was found beside the voice, which has not been heard yet.
    pub awaits_voice: bool,
    /// The last bar has been asked for.
    pub has_ended: bool,
    /// What the band was doing at each of them.
    pub states: Vec<State>,
    /// What it is doing.
    pub state: State,
    /// Where time stands still.
    pub hold: Option<Hold>,
    /// Onsets of the notes that were held, as bits of their seconds.
    pub held: Vec<u64>,
    /// The singer comes back with this many onsets heard.
    pub reentry_onsets: usize,
    /// By how many bars the known song is ahead of the band's count.
    pub bars_ahead: i64,
    /// The last bar that was asked for.
    pub asked_bar: Option<Ticks>,
    /// The middle of the beat that follows the last one, once it is decided.
    pub middle_s: Option<f64>,
    /// Where the singer's bar lines seem to lie, if not where the band's do.
    pub astray: Option<Astray>,
}

impl Locked {
    pub fn last_s(&self) -> f64 {
        self.beats_s[self.beats_s.len() - 1]
    }

    /// The last moment that has been decided.
    pub fn decided_s(&self) -> f64 {
        self.middle_s.unwrap_or(self.last_s())
    }

    /// Position of bar 1.
    pub fn bar_one(&self) -> Ticks {
        Ticks(0) + self.bars.meter.bar() * i64::from(self.grid.lead_in_bars)
    }

    pub fn push_beat(&mut self, beat_s: f64, now_s: f64, sure: f64) -> Result<(), EngineError> {
        self.grid.tempo.push(self.tick(self.beats_s.len()), beat_s)?;
        self.beats_s.push(beat_s);
        self.states.push(self.state);
        self.known_s.push(now_s);
        self.sure.push(sure);
        Ok(())
    }

    /// Position of a beat.
    pub fn tick(&self, beat: usize) -> Ticks {
        self.grid.first_beat + self.bars.meter.beat() * beat as i64
    }

    /// Place of a beat in its bar, from 0.
    pub fn place(&self, beat: usize) -> usize {
        let per_bar = self.bars.meter.beats_per_bar();
        (beat + per_bar - self.bars.first_downbeat) % per_bar
    }
}
