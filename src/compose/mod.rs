//! Score so far -> chords and parts of the next bars.

pub mod arranger;
pub mod form;
pub mod given;
pub mod harmony;
pub mod intensity;
pub mod line;
pub mod model;
pub mod rules;
#[cfg(test)]
pub(crate) mod sung;
pub mod whim;

use crate::score::{BarNumber, ChordSpan, Part, PartBar, Score};
use collavoce_models::arranger::ArrangerNet;
use collavoce_models::harmony::HarmonyNet;

use crate::song::{Arranger, Harmonist, Settings};
use crate::time::Ticks;

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
    /// Up to where it is known what is sung: live that is now, and chords beyond are foretold.
    pub heard_until: Ticks,
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
    /// Take 1 of every bar of a part of which another take was asked for.
    pub other_takes: Vec<PartBar>,
    /// How sure the thirds of chords are that were foretold, in order; those that are not named are not in doubt.
    pub thirds: Vec<Third>,
}

/// How sure a stretch of a chord has the right third.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Third {
    /// Where the stretch begins.
    pub start: Ticks,
    /// Where it ends.
    pub end: Ticks,
    /// Probability that its third belongs to the harmony there, whatever its root is, 0 to 1.
    pub probability: f64,
}

/// The composer that is asked for, or the rules where a network's weights are damaged.
pub fn composer_for(settings: &Settings) -> Box<dyn Composer> {
    let chords: Box<dyn Composer> = match settings.harmonist {
        Harmonist::Model if HarmonyNet::embedded().is_ok() => Box::new(model::Learnt::default()),
        _ => Box::new(rules::Rules),
    };
    match (settings.arranger, ArrangerNet::embedded()) {
        (Arranger::Model, Ok(net)) => Box::new(arranger::Arranged::new(chords, net, settings.harmonist)),
        _ => chords,
    }
}

/// A part of which a bar is wanted, and which take of it.
pub type Wanted = (Part, u32);

/// Writes the next bars. The same request gets the same plan.
pub trait Composer: Send {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Chords and parts for the bars asked for.
    fn plan(&mut self, request: &PlanRequest<'_>) -> Plan;

    /// Some parts in one bar of a score whose chords stand, in the order in which they are wanted. What the score holds of
    /// other parts and of the bars before stands, too.
    fn bar(&mut self, score: &Score, settings: &Settings, bar: BarNumber, wanted: &[Wanted]) -> Vec<PartBar>;
}
