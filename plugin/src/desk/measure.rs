//! The round trip: asked for by the editor, measured by the deck, worked out here.

use std::time::{Duration, Instant};

use collavoce::listen::{RoundTripProbe, round_trip_s};

use super::Clerk;

/// After so long, nothing is processing.
const PATIENCE: Duration = Duration::from_secs(6);

/// A measurement on its way.
#[derive(Debug)]
pub(super) struct Measurement {
    begun: Instant,
    heard: Vec<f32>,
}

impl Clerk {
    /// Asks the deck for sweeps.
    pub(super) fn begin_to_measure(&mut self) -> Result<(), String> {
        let inactive = || "The round trip cannot be measured: the plugin is not active.".to_owned();
        let deck = self.deck.as_mut().ok_or_else(inactive)?;
        if self.measurement.is_some() {
            return Ok(());
        }
        while deck.heard.pop().is_ok() {}
        // A deck that was asked before and never ran is asked still.
        let _ = deck.measurements.push(());
        self.measurement = Some(Measurement { begun: Instant::now(), heard: Vec::new() });
        self.message = "Measuring the round trip: three clicks.".to_owned();
        Ok(())
    }

    /// Takes in what the deck has heard; at the end of it the delay is told.
    pub(super) fn measure(&mut self) {
        let (Some(deck), Some(measurement)) = (&mut self.deck, &mut self.measurement) else { return };
        while let Ok(sample) = deck.heard.pop() {
            measurement.heard.push(sample);
        }
        if measurement.heard.len() < RoundTripProbe::length(deck.rate) {
            if measurement.begun.elapsed() > PATIENCE {
                self.measurement = None;
                self.message = "The round trip cannot be measured: no sound is processed.".to_owned();
            }
            return;
        }
        self.message = match round_trip_s(&measurement.heard, deck.rate) {
            Ok(delay_s) => {
                let ms = 1000.0 * delay_s;
                self.common.shared.tell_round_trip(ms as f32);
                format!("The round trip is {ms:.1} ms.")
            }
            Err(error) => error.to_string(),
        };
        self.measurement = None;
    }
}
