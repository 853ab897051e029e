//! How beats lie in time.

use serde::{Deserialize, Serialize};

/// A stretch of a [`TimingCurve`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum TimingPiece {
    /// A constant tempo.
    Steady {
        /// Length, in beats.
        beats: f64,
        /// Tempo, in beats a minute.
        bpm: f64,
    },
    /// A tempo that changes evenly from beat to beat, as in a ritardando.
    Ramp {
        /// Length, in beats.
        beats: f64,
        /// Tempo at the start, in beats a minute.
        from_bpm: f64,
        /// Tempo at the end, in beats a minute.
        to_bpm: f64,
    },
    /// A stop between two beats, as for a breath: the beat at this point comes later.
    Pause {
        /// Length, in seconds.
        seconds: f64,
    },
}

/// Why pieces are no timing curve.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TimingError {
    /// Nothing but pauses.
    #[error("a timing curve needs at least one piece that lasts some beats, but has none")]
    NoBeats,
    /// A length or a tempo is not a number above 0.
    #[error("piece {index} of a timing curve has a length or tempo of {value}, it must be above 0")]
    NotPositive {
        /// Index of the piece.
        index: usize,
        /// The value.
        value: f64,
    },
}

/// A rising map from beats to seconds, made of pieces.
///
/// It can be inverted: [`Self::beat_at`] undoes [`Self::seconds_at`]. A pause lies between two beats, so that during
/// it no beat passes; the beat at which it lies counts as coming after it. Before the first and after the last piece
/// the tempo goes on as it is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimingCurve {
    stretches: Vec<Stretch>,
}

/// A piece with its place; tempo is linear over the beats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Stretch {
    beat: f64,
    beats: f64,
    start_s: f64,
    from_bpm: f64,
    to_bpm: f64,
}

impl Stretch {
    fn bpm_at(&self, beat: f64) -> f64 {
        let share = ((beat - self.beat) / self.beats).clamp(0.0, 1.0);
        self.from_bpm + (self.to_bpm - self.from_bpm) * share
    }

    /// Seconds at a beat; outside the stretch its tempo at the near end goes on.
    fn seconds_at(&self, beat: f64) -> f64 {
        let inside = (beat - self.beat).clamp(0.0, self.beats);
        let outside = (beat - self.beat) - inside;
        // The integral of 60 / tempo over the beats.
        let slope = (self.to_bpm - self.from_bpm) / self.beats;
        let grown = slope * inside / self.from_bpm;
        let seconds =
            if grown.abs() < 1e-9 { 60.0 * inside / self.from_bpm } else { 60.0 / slope * grown.ln_1p() };
        self.start_s + seconds + 60.0 * outside / self.bpm_at(beat)
    }

    fn beat_at(&self, seconds: f64) -> f64 {
        let passed = seconds - self.start_s;
        if passed <= 0.0 {
            return self.beat + passed * self.from_bpm / 60.0;
        }
        let length_s = self.end_s() - self.start_s;
        if passed >= length_s {
            return self.beat + self.beats + (passed - length_s) * self.to_bpm / 60.0;
        }
        let slope = (self.to_bpm - self.from_bpm) / self.beats;
        let exponent = passed * slope / 60.0;
        let inside = if exponent.abs() < 1e-12 {
            passed * self.from_bpm / 60.0
        } else {
            self.from_bpm / slope * exponent.exp_m1()
        };
        self.beat + inside
    }

    fn end_s(&self) -> f64 {
        self.seconds_at(self.beat + self.beats)
    }
}

impl TimingCurve {
    /// A curve through `pieces`, of which the first begins with `first_beat` at `start_s` seconds.
    pub fn new(first_beat: f64, start_s: f64, pieces: &[TimingPiece]) -> Result<Self, TimingError> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let (mut beat, mut now_s) = (first_beat, start_s);
        for (index, piece) in pieces.iter().enumerate() {
            let (beats, from_bpm, to_bpm) = match *piece {
                TimingPiece::Steady { beats, bpm } => (beats, bpm, bpm),
                TimingPiece::Ramp { beats, from_bpm, to_bpm } => (beats, from_bpm, to_bpm),
                TimingPiece::Pause { seconds } => {
                    if !(seconds > 0.0 && seconds.is_finite()) {
                        return Err(TimingError::NotPositive { index, value: seconds });
                    }
                    now_s += seconds;
                    continue;
                }
            };
            if let Some(value) = [beats, from_bpm, to_bpm].into_iter().find(|x| !(*x > 0.0 && x.is_finite()))
            {
                return Err(TimingError::NotPositive { index, value });
            }
            let stretch = Stretch { beat, beats, start_s: now_s, from_bpm, to_bpm };
            (beat, now_s) = (beat + beats, stretch.end_s());
            stretches.push(stretch);
        }
        if stretches.is_empty() { Err(TimingError::NoBeats) } else { Ok(Self { stretches }) }
    }

    /// A constant tempo with beat 0 at `start_s` seconds; the tempo must be above 0.
    pub fn constant(bpm: f64, start_s: f64) -> Self {
        let stretch = Stretch { beat: 0.0, beats: 1.0, start_s, from_bpm: bpm, to_bpm: bpm };
        Self { stretches: vec![stretch] }
    }

    /// Seconds at which a beat comes.
    pub fn seconds_at(&self, beat: f64) -> f64 {
        self.stretch(|stretch| stretch.beat <= beat).seconds_at(beat)
    }

    /// Seconds at which what lasts up to a beat ends: before a pause that lies at the beat.
    pub fn end_seconds_at(&self, beat: f64) -> f64 {
        self.stretch(|stretch| stretch.beat < beat).seconds_at(beat)
    }

    /// The beat at a time in seconds; it stands still during a pause.
    pub fn beat_at(&self, seconds: f64) -> f64 {
        let after = self.stretches.partition_point(|stretch| stretch.start_s <= seconds);
        let beat = self.stretches[after.max(1) - 1].beat_at(seconds);
        self.stretches.get(after.max(1)).map_or(beat, |next| beat.min(next.beat))
    }

    /// Tempo at a beat, in beats a minute.
    pub fn bpm_at(&self, beat: f64) -> f64 {
        self.stretch(|stretch| stretch.beat <= beat).bpm_at(beat)
    }

    /// The last stretch that has begun, or the first.
    fn stretch(&self, begun: impl Fn(&Stretch) -> bool) -> &Stretch {
        &self.stretches[self.stretches.partition_point(begun).max(1) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> TimingCurve {
        let pieces = [
            TimingPiece::Steady { beats: 8.0, bpm: 120.0 },
            TimingPiece::Pause { seconds: 0.5 },
            TimingPiece::Steady { beats: 4.0, bpm: 100.0 },
            TimingPiece::Ramp { beats: 4.0, from_bpm: 100.0, to_bpm: 65.0 },
        ];
        TimingCurve::new(-1.0, 1.0, &pieces).unwrap()
    }

    #[test]
    fn beats_and_seconds_are_inverse() {
        let curve = curve();
        let mut last_s = f64::NEG_INFINITY;
        for step in -300..2_500 {
            let beat = f64::from(step) * 0.01 + 0.003;
            let seconds = curve.seconds_at(beat);
            assert!(seconds > last_s, "time falls at beat {beat}");
            assert!(
                (curve.beat_at(seconds) - beat).abs() < 1e-9,
                "{beat} came back as {}",
                curve.beat_at(seconds)
            );
            last_s = seconds;
        }
    }

    #[test]
    fn a_pause_holds_the_beat_up() {
        let curve = curve();
        assert!((curve.end_seconds_at(7.0) - 5.0).abs() < 1e-12);
        assert!((curve.seconds_at(7.0) - 5.5).abs() < 1e-12);
        assert!((curve.beat_at(5.2) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn a_ramp_reaches_its_tempo() {
        let curve = curve();
        assert!((curve.bpm_at(13.0) - 82.5).abs() < 1e-9);
        assert!((curve.bpm_at(40.0) - 65.0).abs() < 1e-9);
        let beat_s = curve.seconds_at(21.0) - curve.seconds_at(20.0);
        assert!((beat_s - 60.0 / 65.0).abs() < 1e-9);
    }

    #[test]
    fn pieces_without_length_are_refused() {
        assert_eq!(TimingCurve::new(0.0, 0.0, &[]), Err(TimingError::NoBeats));
        let error = TimingCurve::new(0.0, 0.0, &[TimingPiece::Steady { beats: 4.0, bpm: 0.0 }]);
        assert_eq!(error, Err(TimingError::NotPositive { index: 0, value: 0.0 }));
    }
}
