//! A comb at the pitch that is sung: what lies between its partials is not the voice (after Ikemiya and Yoshii, IEEE/ACM
//! TASLP 24, 2016, where separation and F0 help each other).

use collavoce_models::mask::{LINE_HZ, LINES};

/// How a comb is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comb {
    /// Lowest F0 whose partials the lines tell apart, in Hz: from there on up to the other the comb comes in.
    pub told_apart_hz: [f32; 2],
    /// Distance from a partial at which it has fallen to 0.61, in Hz: as far as the window spreads it.
    pub width_hz: f32,
    /// The same as a share of the partial's frequency: F0 is not known better.
    pub off: f32,
    /// Frequencies between which it ends, in Hz: above, voices have as much breath as partials.
    pub top_hz: [f32; 2],
    /// Odds of a voice below which there is none, and above which it is whole.
    pub sure: [f32; 2],
    /// What is left of the mask between partials.
    pub floor: f32,
    /// Masks below which that is all, and above which all is left: of those lines the network is sure.
    pub kept: [f32; 2],
    /// How far the mask is raised towards 1 at partials, 0 to 1.
    pub lift: f32,
    /// The mask from which on it is raised that far.
    pub lift_from: f32,
}

impl Default for Comb {
    fn default() -> Self {
        Self {
            told_apart_hz: [80.0, 140.0],
            width_hz: 26.0,
            off: 0.004,
            top_hz: [3_500.0, 5_500.0],
            sure: [0.5, 0.95],
            floor: 0.15,
            kept: [0.7, 0.95],
            lift: 1.0,
            lift_from: 0.25,
        }
    }
}

/// Share of the way from one number to another, 0 to 1.
pub(super) fn between([low, high]: [f32; 2], x: f32) -> f32 {
    ((x - low) / (high - low)).clamp(0.0, 1.0)
}

impl Comb {
    /// Lowers a mask between the partials of an F0 in Hz and raises it at them, as far as it is sure that somebody sings.
    pub fn apply(&self, mask: &mut [f32], f0_hz: f32, voiced: f32) {
        self.apply_deep(mask, f0_hz, between(self.sure, voiced));
    }

    /// The same where it is known how sure that is, 0 to 1.
    pub(super) fn apply_deep(&self, mask: &mut [f32], f0_hz: f32, sure: f32) {
        let depth = sure * between(self.told_apart_hz, f0_hz);
        if depth <= 0.0 {
            return;
        }
        for (line, value) in mask.iter_mut().take(LINES).enumerate() {
            let hz = line as f32 * LINE_HZ;
            let partial = (hz / f0_hz).round().max(1.0) * f0_hz;
            let width = self.width_hz + self.off * partial;
            let tooth = (-0.5 * ((hz - partial) / width).powi(2)).exp();
            let here = depth * (1.0 - between(self.top_hz, hz));
            let lift = self.lift * tooth * (*value / self.lift_from).min(1.0);
            let lifted = *value + lift * (1.0 - *value);
            let floor = self.floor + (1.0 - self.floor) * between(self.kept, *value);
            *value += here * (lifted * (floor + (1.0 - floor) * tooth) - *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use collavoce_models::mask::MASKS;

    use super::*;

    #[test]
    fn partials_rise_and_what_lies_between_falls() {
        let mut mask = vec![0.6; MASKS];
        Comb::default().apply(&mut mask, 300.0, 1.0);
        // Lines 10 and 20 are partials, 15 lies between.
        assert!(mask[10] > 0.95 && mask[20] > 0.95, "{} {}", mask[10], mask[20]);
        assert!(mask[15] < 0.6 * 0.2, "{}", mask[15]);
        assert!(mask[200..].iter().all(|value| *value == 0.6), "breath stays");
    }

    #[test]
    fn what_the_network_is_sure_of_stays() {
        let mut mask = vec![0.97; MASKS];
        Comb::default().apply(&mut mask, 300.0, 1.0);
        assert!(mask.iter().all(|value| *value >= 0.969));
    }

    #[test]
    fn who_is_not_heard_or_too_low_has_no_comb() {
        for (hz, voiced) in [(300.0, 0.4), (75.0, 1.0)] {
            let mut mask = vec![0.8; MASKS];
            Comb::default().apply(&mut mask, hz, voiced);
            assert!(mask.iter().all(|value| *value == 0.8), "{hz} Hz, {voiced}");
        }
    }
}
