//! What beats are found from, and how they divide.

/// Seconds of one step of a search over time.
pub const FRAME_S: f64 = 0.01;
/// Standard deviation of a sung onset around its place in the beat, in seconds.
const ONSET_SD_S: f64 = 0.035;
/// Share of onsets that have no place in the beat.
const STRAY: f64 = 0.06;

/// A sung onset as evidence for beats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeatOnset {
    /// When, in seconds.
    pub time_s: f64,
    /// Seconds until the next onset.
    pub interval_s: f64,
    /// Seconds for which its note is sung.
    pub sung_s: f64,
    /// How much it counts, 0 to 1.
    pub weight: f64,
    /// Its pitch as fractional MIDI number, if known.
    pub midi: Option<f64>,
}

/// How a beat divides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Division {
    /// Halves and quarters.
    Binary,
    /// Thirds.
    Ternary,
    /// Two thirds and one.
    Swing,
}

impl Division {
    /// (place in the beat, share) for notes shorter than 0.6 beats, about a beat, and longer.
    pub(super) fn shares(self) -> [&'static [(f64, f64)]; 3] {
        match self {
            Self::Binary => [
                &[(0.0, 0.42), (0.5, 0.40), (0.25, 0.06), (0.75, 0.12)],
                &[(0.0, 0.72), (0.5, 0.20), (0.25, 0.03), (0.75, 0.05)],
                &[(0.0, 0.78), (0.5, 0.16), (0.25, 0.02), (0.75, 0.04)],
            ],
            Self::Ternary => [
                &[(0.0, 0.40), (1.0 / 3.0, 0.22), (2.0 / 3.0, 0.34), (0.5, 0.04)],
                &[(0.0, 0.72), (1.0 / 3.0, 0.08), (2.0 / 3.0, 0.18), (0.5, 0.02)],
                &[(0.0, 0.82), (1.0 / 3.0, 0.05), (2.0 / 3.0, 0.12), (0.5, 0.01)],
            ],
            Self::Swing => [
                &[(0.0, 0.45), (2.0 / 3.0, 0.45), (1.0 / 3.0, 0.10)],
                &[(0.0, 0.72), (2.0 / 3.0, 0.25), (1.0 / 3.0, 0.03)],
                &[(0.0, 0.80), (2.0 / 3.0, 0.18), (1.0 / 3.0, 0.02)],
            ],
        }
    }
}

/// Log density of onsets over one beat against a uniform one, by frame.
pub(super) fn onset_table(period: usize, shares: &[(f64, f64)]) -> Vec<f32> {
    let period_s = period as f64 * FRAME_S;
    (0..=period)
        .map(|frame| {
            let time_s = frame as f64 * FRAME_S;
            let density: f64 = shares
                .iter()
                .map(|(place, share)| {
                    // The next beat's early onsets belong to its place 0.
                    let distance = (time_s - place * period_s).abs();
                    let distance = distance.min((period_s - distance).abs()) / ONSET_SD_S;
                    share * (-0.5 * distance * distance).exp()
                })
                .sum::<f64>()
                / (ONSET_SD_S * std::f64::consts::TAU.sqrt());
            ((1.0 - STRAY) * density * period_s + STRAY).ln() as f32
        })
        .collect()
}
