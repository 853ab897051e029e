//! aubio's yin family, as a reference. Its types are not `Send`.

use aubio_rs::{Pitch, PitchMode, PitchUnit};

use super::{Candidate, CandidateFinder};
use crate::limits::{LISTEN_HOP, LISTEN_HZ, MAX_F0_HZ, MIN_F0_HZ};

const WINDOW: usize = 1024;

pub(super) struct Aubio {
    /// None if aubio refused its settings: then there are no candidates.
    pitch: Option<Pitch>,
}

impl Aubio {
    pub fn new(mode: PitchMode) -> Self {
        let pitch = Pitch::new(mode, WINDOW, LISTEN_HOP, LISTEN_HZ).ok().map(|mut pitch| {
            pitch.set_unit(PitchUnit::Hz);
            pitch
        });
        Self { pitch }
    }
}

impl CandidateFinder for Aubio {
    fn look_ahead(&self) -> usize {
        WINDOW / 2
    }

    fn find(&mut self, samples: &[f32], centre: usize, out: &mut Vec<Candidate>) -> Option<bool> {
        let pitch = self.pitch.as_mut()?;
        // aubio keeps the window itself: it is given the newest hop of it.
        let end = centre + WINDOW / 2;
        let hz = pitch.do_result(&samples[end - LISTEN_HOP..end]).ok()?;
        // Some of aubio's methods give no confidence with a pitch that they are sure of.
        let clarity = match pitch.get_confidence().clamp(0.0, 1.0) {
            0.0 => 0.85,
            confidence => confidence,
        };
        if (MIN_F0_HZ..MAX_F0_HZ).contains(&f64::from(hz)) {
            out.push(Candidate { hz, clarity });
        }
        None
    }
}
