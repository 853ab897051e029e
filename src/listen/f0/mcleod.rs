//! McLeod's method from the crate `pitch-detection`, as a reference. It allocates in every call and is not `Send`.

use pitch_detection::detector::PitchDetector;
use pitch_detection::detector::mcleod::McLeodDetector;

use super::{Candidate, CandidateFinder};
use crate::limits::{LISTEN_HZ, MAX_F0_HZ, MIN_F0_HZ};

const WINDOW: usize = 1024;
const POWER_THRESHOLD: f32 = 0.05;
const CLARITY_THRESHOLD: f32 = 0.5;

pub(super) struct McLeod {
    detector: McLeodDetector<f32>,
}

impl McLeod {
    pub fn new() -> Self {
        Self { detector: McLeodDetector::new(WINDOW, WINDOW / 2) }
    }
}

impl CandidateFinder for McLeod {
    fn look_ahead(&self) -> usize {
        WINDOW / 2
    }

    fn find(&mut self, samples: &[f32], centre: usize, out: &mut Vec<Candidate>) -> Option<bool> {
        let window = &samples[centre - WINDOW / 2..centre + WINDOW / 2];
        let pitch = self.detector.get_pitch(window, LISTEN_HZ as usize, POWER_THRESHOLD, CLARITY_THRESHOLD);
        if let Some(pitch) = pitch
            && (MIN_F0_HZ..MAX_F0_HZ).contains(&f64::from(pitch.frequency))
        {
            out.push(Candidate { hz: pitch.frequency, clarity: pitch.clarity.min(1.0) });
        }
        None
    }
}
