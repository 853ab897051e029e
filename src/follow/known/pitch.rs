//! What a sung pitch says about a written one.

/// Spread of a sung pitch around the written one in semitones, and the share of notes that keep to it.
const TRUE_PITCH: (f64, f64) = (0.4, 0.76);
/// The same of notes that are heard while the voice still slides to them, or that are sung wrong by a step.
const SLID_PITCH: (f64, f64) = (1.5, 0.14);
/// Share of notes that are heard or sung an octave off, on either side.
const OCTAVE: f64 = 0.01;
/// Share of notes whose pitch says nothing, over so many semitones.
const ANY_PITCH: (f64, f64) = (0.08, 24.0);
/// Variance by which a singer drifts from note to note, in semitones squared.
const DRIFT: f64 = 0.002;
/// Standard deviation of the key of one who sings as written, in semitones.
const WRITTEN_SD: f64 = 0.3;
/// The same of one whose key is known by a first note, and of one who has sung no pitch yet.
const HEARD_SD: f64 = 0.8;
const UNHEARD_SD: f64 = 6.0;

/// By how many semitones the singer transposes: a Gaussian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Transposition {
    semitones: f64,
    variance: f64,
}

impl Transposition {
    /// The written key.
    pub fn none() -> Self {
        Self { semitones: 0.0, variance: WRITTEN_SD * WRITTEN_SD }
    }

    /// Whatever key makes a written pitch the sung one.
    pub fn by(written: f64, sung: Option<f64>) -> Self {
        match sung {
            Some(sung) => Self { semitones: sung - written, variance: HEARD_SD * HEARD_SD },
            None => Self { semitones: 0.0, variance: UNHEARD_SD * UNHEARD_SD },
        }
    }

    pub fn semitones(&self) -> f64 {
        self.semitones
    }

    /// Learns that a written note was sung at a pitch; the log density of that in a semitone. A pitch that is not known
    /// says nothing.
    pub fn hear(&self, written: f64, sung: Option<f64>) -> (Self, f64) {
        let Some(sung) = sung else { return (*self, 0.0) };
        let off = sung - written - self.semitones;
        let exact = TRUE_PITCH.1 * normal(off, self.variance + TRUE_PITCH.0 * TRUE_PITCH.0);
        let slid = self.variance + SLID_PITCH.0 * SLID_PITCH.0;
        let octave = OCTAVE * (normal(off - 12.0, slid) + normal(off + 12.0, slid));
        let density = exact + SLID_PITCH.1 * normal(off, slid) + octave + ANY_PITCH.0 / ANY_PITCH.1;
        // As much is learned as is likely to have been meant.
        let meant = exact / density;
        let gain = meant * self.variance / (self.variance + TRUE_PITCH.0 * TRUE_PITCH.0);
        let variance = self.variance * (1.0 - gain) + DRIFT;
        (Self { semitones: self.semitones + gain * off, variance }, density.ln())
    }

    /// How far a sung pitch is from a written one in this key, in semitones.
    pub fn off(&self, written: f64, sung: f64) -> f64 {
        (sung - written - self.semitones).abs()
    }
}

/// Log density of a pitch that nothing was said about.
pub(super) fn any_pitch(sung: Option<f64>) -> f64 {
    if sung.is_some() { -ANY_PITCH.1.ln() } else { 0.0 }
}

fn normal(off: f64, variance: f64) -> f64 {
    (-0.5 * off * off / variance).exp() / (std::f64::consts::TAU * variance).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_learned_from_what_was_meant() {
        let mut key = Transposition::by(60.0, Some(63.6));
        for (written, sung) in [(62.0, 65.0), (64.0, 67.1), (65.0, 75.0), (67.0, 69.9)] {
            key = key.hear(written, Some(sung)).0;
        }
        assert!((key.semitones() - 3.0).abs() < 0.2, "{key:?}");
        let density = |sung| key.hear(60.0, Some(sung)).1;
        assert!(density(63.0) > density(64.0) + 1.0 && density(64.0) > density(67.0) + 1.0);
        // An octave is likelier than anything else that is far, and nothing is impossible.
        assert!(density(51.0) > density(54.0) && (density(70.0) - density(90.0)).abs() < 0.1);
        assert_eq!(key.hear(60.0, None), (key, 0.0));
    }
}
