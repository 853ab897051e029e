//! Score so far -> chords and parts of the next bars.

pub mod form;
pub mod harmony;
pub mod model;
pub mod rules;

use crate::score::{BarNumber, ChordSpan, Part, PartBar, Score};
use crate::song::Settings;

/// What a composer is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The score so far. Its melody holds what has been sung (live) or all of it (studio).
    pub score: &'a Score,
    /// What the user asked for.
    pub settings: &'a Settings,
    /// First bar to plan.
    pub first: BarNumber,
    /// How many bars to plan.
    pub bars: u32,
    /// Whether the song ends with the last of them.
    pub is_ending: bool,
}

/// What a composer answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Chords of the bars asked for.
    pub chords: Vec<ChordSpan>,
    /// Notes of every part in every bar asked for, sorted by part and bar.
    pub parts: Vec<PartBar>,
}

/// Writes the next bars. The same request gets the same plan.
pub trait Composer: Send {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Chords and parts for the bars asked for.
    fn plan(&mut self, request: &PlanRequest<'_>) -> Plan;

    /// One take of one part in one bar of a score whose chords stand.
    fn part_bar(
        &mut self,
        score: &Score,
        settings: &Settings,
        part: Part,
        bar: BarNumber,
        take: u32,
    ) -> PartBar;
}
