//! Online time warping: what else could follow a known song.
//!
//! S. Dixon, "Live tracking of musical performances using on-line time warping", DAFx 2005.

/// Seconds of a frame.
pub const FRAME_S: f64 = 0.01;
/// Frames that are looked back over, and frames after which the other sequence must move on.
const BACK: usize = 500;
const MOST_RUN: usize = 3;
/// Pitches farther apart than this are as different as pitch and silence, in semitones.
const FARTHEST: f64 = 3.0;
/// What an onset in one of two frames is worth, where pitch and silence are worth 1.
const ONSET: f64 = 0.5;
/// Frames over which the tempo is measured, and its bounds: wider ones foretell worse, since the path is not smooth.
const TEMPO_FRAMES: usize = 200;
const TEMPO: (f64, f64) = (0.95, 1.05);

/// What sounds in a frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Frame {
    /// Pitch as fractional MIDI number; none in silence.
    pub midi: Option<f64>,
    /// Whether a note begins.
    pub is_onset: bool,
}

impl Frame {
    fn distance(&self, other: &Self) -> f32 {
        let pitch = match (self.midi, other.midi) {
            (Some(a), Some(b)) => ((a - b).abs() / FARTHEST).min(1.0),
            (None, None) => 0.0,
            _ => 1.0,
        };
        (pitch + if self.is_onset == other.is_onset { 0.0 } else { ONSET }) as f32
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Sung,
    Written,
    Both,
}

/// The path so far.
#[derive(Debug)]
pub struct Warping {
    written: Vec<Frame>,
    sung: Vec<Frame>,
    /// Cost of the best path to (sung frame, written frame), of the last sung frames only.
    costs: Vec<f32>,
    /// The newest written frame.
    newest: usize,
    previous: Step,
    run: usize,
    /// The written frame of every sung one.
    places: Vec<usize>,
}

impl Warping {
    /// Of what is written.
    pub fn new(written: Vec<Frame>) -> Self {
        let costs = vec![f32::INFINITY; BACK * written.len()];
        Self { written, sung: Vec::new(), costs, newest: 0, previous: Step::Both, run: 0, places: Vec::new() }
    }

    fn slot(&self, sung: usize, written: usize) -> usize {
        (sung % BACK) * self.written.len() + written
    }

    fn cost(&self, sung: usize, written: usize) -> f32 {
        if sung + BACK <= self.sung.len() { f32::INFINITY } else { self.costs[self.slot(sung, written)] }
    }

    fn evaluate(&mut self, sung: usize, written: usize) {
        let distance = self.sung[sung].distance(&self.written[written]);
        let mut best = f32::INFINITY;
        if written > 0 {
            best = best.min(self.cost(sung, written - 1) + distance);
        }
        if sung > 0 {
            best = best.min(self.cost(sung - 1, written) + distance);
        }
        if sung > 0 && written > 0 {
            best = best.min(self.cost(sung - 1, written - 1) + 2.0 * distance);
        }
        let slot = self.slot(sung, written);
        self.costs[slot] = if sung == 0 && written == 0 { distance } else { best };
    }

    /// Takes the next frame.
    pub fn hear(&mut self, frame: Frame) {
        self.sung.push(frame);
        let now = self.sung.len() - 1;
        let row = self.slot(now, 0);
        self.costs[row..row + self.written.len()].fill(f32::INFINITY);
        for written in self.newest.saturating_sub(BACK - 1)..=self.newest {
            self.evaluate(now, written);
        }
        while self.newest + 1 < self.written.len() {
            let step = self.step();
            self.run = if step == self.previous { self.run + 1 } else { 1 };
            if step != Step::Both {
                self.previous = step;
            }
            if step == Step::Sung {
                break;
            }
            self.newest += 1;
            for sung in now.saturating_sub(BACK - 1)..=now {
                self.evaluate(sung, self.newest);
            }
            if step == Step::Both {
                break;
            }
        }
        let first = self.newest.saturating_sub(BACK - 1);
        let normed = |written: usize| self.cost(now, written) / (now + written + 2) as f32;
        let best = (first..=self.newest).min_by(|a, b| normed(*a).total_cmp(&normed(*b)));
        self.places.push(best.unwrap_or(self.newest));
    }

    /// Which sequence moves on.
    fn step(&self) -> Step {
        let now = self.sung.len() - 1;
        if now < TEMPO_FRAMES.min(BACK) {
            return Step::Both;
        }
        if self.run > MOST_RUN {
            return if self.previous == Step::Sung { Step::Written } else { Step::Sung };
        }
        let normed = |sung: usize, written: usize| self.cost(sung, written) / (sung + written + 2) as f32;
        let (mut best, mut step) = (normed(now, self.newest), Step::Both);
        for written in self.newest.saturating_sub(BACK - 1)..self.newest {
            if normed(now, written) < best {
                (best, step) = (normed(now, written), Step::Sung);
            }
        }
        for sung in now.saturating_sub(BACK - 1)..now {
            if normed(sung, self.newest) < best {
                (best, step) = (normed(sung, self.newest), Step::Written);
            }
        }
        step
    }

    /// When a written frame will be sung, in frames, with what was known at a sung one.
    pub fn predict(&self, known: usize, written: f64) -> Option<f64> {
        let place = *self.places.get(known)? as f64;
        let before = known.saturating_sub(TEMPO_FRAMES);
        let passed = (known - before).max(1) as f64;
        let tempo = ((place - self.places[before] as f64) / passed).clamp(TEMPO.0, TEMPO.1);
        Some(known as f64 + (written - place) / tempo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes of some frames each.
    fn frames(length: usize) -> Vec<Frame> {
        let note = |index: usize| Some(60.0 + (index * 5 % 7) as f64);
        (0..20 * length).map(|at| Frame { midi: note(at / length), is_onset: at % length == 0 }).collect()
    }

    #[test]
    fn a_slower_performance_is_followed() {
        let mut warping = Warping::new(frames(50));
        for frame in frames(60) {
            warping.hear(frame);
        }
        let early = warping.predict(600, 11.0 * 50.0).expect("a place");
        assert!((early - 660.0).abs() < 12.0, "{early}");
        assert!((warping.places[900] as f64 - 750.0).abs() < 10.0, "{}", warping.places[900]);
    }
}
