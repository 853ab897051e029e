//! Where the notes of a score were sung: the cheapest way to cut a take into them, by the pitch that is heard in each, by
//! how long each lasts, and by what the voice does where one begins.

use anyhow::{Context as _, ensure};
use collavoce::listen::{HOP_S, ListenConfig, Observation, PitchMethod, listen_to};
use collavoce::score::midi_of_hz;
use collavoce::song::{KnownNote, KnownSong};
use collavoce::time::Meter;

use super::SungBeats;
use super::score::Written;

/// The beat of the piece is a minim, three of which make a bar; where its bar lines are the score does not say.
const METER: Meter = Meter::THREE_FOUR;
/// Its length in the score, in seconds.
const BEAT_S: f64 = 0.74;
/// Cost of a frame for each semitone off, and at most so many; of an unvoiced frame in a note, and of a voiced one in a
/// rest.
const OFF_COST: f64 = 0.1;
const MOST_OFF: f64 = 2.5;
const UNVOICED_COST: f64 = 0.06;
const VOICED_COST: f64 = 0.15;
/// Standard deviation of the logarithm of sung over written length, of notes and of rests.
const LENGTH_WIDTH: f64 = 0.2;
const REST_WIDTH: f64 = 0.6;
/// Shortest and longest length of a note, of what is written.
const LENGTHS: std::ops::Range<f64> = 0.4..2.3;
/// The same for rests, which may be left out.
const RESTS: std::ops::Range<f64> = 0.05..2.3;
/// What a beginning gains where voicing starts, and where the level dips by so many dB.
const START_GAIN: f64 = 1.5;
const DIP_GAIN: f64 = 1.0;
const DIP_DB: f64 = 6.0;
/// Frames on both sides of a beginning in which the level is higher than there.
const DIP_FRAMES: usize = 12;
/// A note fits where the pitch that is heard lies this near, in semitones.
const FITS: f64 = 1.0;

/// A note or rest that is to be found.
struct Segment {
    midi: Option<f64>,
    frames: f64,
}

/// A take, as costs that have been summed up to each frame.
struct Heard {
    pitches: Vec<Option<f64>>,
    /// Gain of a beginning at each frame.
    begins: Vec<f64>,
}

/// The beats of a take that sings what is written.
pub fn beats(samples: &[f32], notes: &[Written]) -> anyhow::Result<SungBeats> {
    let heard = Heard::new(&listen_to(samples, ListenConfig::studio(PitchMethod::Nsdf)));
    let segments = segments(notes);
    let starts = heard.align(&segments).context("the score does not fit the take")?;
    let mut fits = (0usize, 0usize);
    let mut onsets = Vec::with_capacity(notes.len());
    let mut written = notes.iter();
    for (index, segment) in segments.iter().enumerate() {
        let Some(midi) = segment.midi else { continue };
        let beat = written.next().context("a note of the score")?.beat;
        onsets.push((beat, starts[index] as f64 * HOP_S));
        let sung = heard.pitches[starts[index]..starts[index + 1]].iter().flatten();
        let near = sung.clone().filter(|pitch| (*pitch - midi).abs() < FITS).count();
        fits = (fits.0 + near, fits.1 + sung.count());
    }
    ensure!(fits.1 > 0, "nothing is sung");
    let fit = Some(fits.0 as f64 / fits.1 as f64);
    Ok(SungBeats { fit, song: Some(song(notes)?), ..SungBeats::new(&onsets, METER) })
}

/// The song as a band may know it: lines begin after rests.
fn song(notes: &[Written]) -> anyhow::Result<KnownSong> {
    let first = notes.first().map_or(0.0, |note| note.beat);
    let length = |note: &Written, next: Option<&Written>| {
        let to_next = next.map_or(f64::INFINITY, |next| next.beat - note.beat);
        to_next.min((2.0 * note.length_s / BEAT_S).round() / 2.0).max(0.25)
    };
    let known = notes.iter().enumerate().map(|(index, note)| KnownNote {
        start_beats: note.beat - first,
        beats: length(note, notes.get(index + 1)),
        midi: note.midi,
    });
    let known: Vec<KnownNote> = known.collect();
    let is_line = |index: &usize| {
        let before = index.checked_sub(1).map(|before| known[before]);
        before.is_none_or(|before| known[*index].start_beats - before.start_beats - before.beats > 0.2)
    };
    let lines = (0..known.len()).filter(is_line).collect();
    Ok(KnownSong::new(METER, known.clone(), lines)?)
}

/// Notes and the rests between them.
fn segments(notes: &[Written]) -> Vec<Segment> {
    let mut segments = Vec::new();
    for (index, note) in notes.iter().enumerate() {
        segments.push(Segment { midi: Some(note.midi), frames: note.length_s / HOP_S });
        let rest_s = notes.get(index + 1).map_or(0.0, |next| next.start_s - note.start_s - note.length_s);
        if rest_s > HOP_S {
            segments.push(Segment { midi: None, frames: rest_s / HOP_S });
        }
    }
    segments
}

impl Heard {
    fn new(observations: &[Observation]) -> Self {
        let pitch =
            |seen: &Observation| (seen.voiced && seen.f0_hz > 0.0).then(|| midi_of_hz(f64::from(seen.f0_hz)));
        let pitches: Vec<Option<f64>> = observations.iter().map(pitch).collect();
        let level = |at: usize| f64::from(observations[at].level_dbfs);
        let begins = (0..pitches.len()).map(|at| {
            if at > 1 && pitches[at].is_some() && pitches[at - 1].is_none() && pitches[at - 2].is_none() {
                return START_GAIN;
            }
            let most = |from: usize, to: usize| (from..to).map(level).fold(f64::NEG_INFINITY, f64::max);
            let before = most(at.saturating_sub(DIP_FRAMES), at + 1);
            let after = most(at, (at + DIP_FRAMES).min(pitches.len()));
            DIP_GAIN * ((before.min(after) - level(at)) / DIP_DB).min(1.0)
        });
        let begins = begins.collect();
        Self { pitches, begins }
    }

    /// Costs of being in a note of a pitch, or in a rest, summed up to each frame.
    fn sums(&self, midi: Option<f64>) -> Vec<f64> {
        let cost = |pitch: &Option<f64>| match (pitch, midi) {
            (Some(pitch), Some(midi)) => OFF_COST * (pitch - midi).abs().min(MOST_OFF),
            (None, Some(_)) => UNVOICED_COST,
            (Some(_), None) => VOICED_COST,
            (None, None) => 0.0,
        };
        let mut sum = 0.0;
        let mut sums = vec![0.0];
        sums.extend(self.pitches.iter().map(|pitch| {
            sum += cost(pitch);
            sum
        }));
        sums
    }

    /// The frame at which each segment begins, and that at which the last one ends.
    fn align(&self, segments: &[Segment]) -> Option<Vec<usize>> {
        let frames = self.pitches.len();
        let silence = self.sums(None);
        // Cost of the cheapest way to have ended the segments so far at a frame, and where the last of them began.
        let mut costs = silence.clone();
        let mut began: Vec<Vec<usize>> = Vec::with_capacity(segments.len());
        for segment in segments {
            let sums = self.sums(segment.midi);
            let (range, width) = match segment.midi {
                Some(_) => (LENGTHS, LENGTH_WIDTH),
                None => (RESTS, REST_WIDTH),
            };
            let shortest = (range.start * segment.frames).ceil().max(1.0) as usize;
            let longest = (range.end * segment.frames) as usize;
            let length_cost: Vec<f64> = (shortest..=longest.max(shortest))
                .map(|length| ((length as f64 / segment.frames).ln() / width).powi(2) / 2.0)
                .collect();
            let mut next = vec![f64::INFINITY; frames + 1];
            let mut from = vec![0; frames + 1];
            for start in 0..frames {
                let gain = segment.midi.map_or(0.0, |_| self.begins[start]);
                let base = costs[start] - gain - sums[start];
                if !base.is_finite() {
                    continue;
                }
                for (more, length) in length_cost.iter().enumerate() {
                    let end = start + shortest + more;
                    if end > frames {
                        break;
                    }
                    let cost = base + sums[end] + length;
                    if cost < next[end] {
                        (next[end], from[end]) = (cost, start);
                    }
                }
            }
            costs = next;
            began.push(from);
        }
        let after = |end: &usize| costs[*end] + silence[frames] - silence[*end];
        let mut end = (0..=frames).min_by(|a, b| after(a).total_cmp(&after(b)))?;
        if !costs[end].is_finite() {
            return None;
        }
        let mut starts = vec![end];
        for from in began.iter().rev() {
            end = from[end];
            starts.push(end);
        }
        starts.reverse();
        Some(starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_found_where_they_are_sung() {
        // C, C, D in 60 frames each as written; sung with 70, 50 and 55, a dip between the two of C.
        let pitch = |at: u64| match at {
            30..150 => 60.0,
            150..205 => 62.0,
            _ => 0.0,
        };
        let seen = |index: u64| Observation {
            index,
            f0_hz: (440.0 * f64::exp2((pitch(index) - 69.0) / 12.0)) as f32,
            voiced: pitch(index) > 0.0,
            voicing: 0.9,
            level_dbfs: if (98..103).contains(&index) { -30.0 + (index as f32 - 100.0).abs() } else { -20.0 },
            chroma: [0.0; 12],
        };
        let heard = Heard::new(&(0..240).map(seen).collect::<Vec<_>>());
        let segments = [60.0, 60.0, 62.0].map(|midi| Segment { midi: Some(midi), frames: 60.0 });
        let bounds = heard.align(&segments).expect("a way through");
        assert_eq!([bounds[0], bounds[2], bounds[3]], [30, 150, 205]);
        assert!(
            (98..103).contains(&bounds[1]),
            "a note on the same pitch begins in the dip, not at {}",
            bounds[1]
        );
        assert_eq!(heard.align(&[60.0; 9].map(|midi| Segment { midi: Some(midi), frames: 100.0 })), None);
    }
}
