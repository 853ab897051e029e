//! Sung notes and onsets from pitch steps, level and voicing.
//!
//! Spectral-flux detectors over-fire on singing (consonants, vibrato), so a note begins only where voicing starts,
//! where the pitch settles somewhere else, or where the level recovers from a dip inside a voiced run.

use super::{HOP_S, Observation};
use crate::score::midi_of_hz;

/// Pitch distance that makes another note, in semitones.
const STEP_SEMITONES: f64 = 0.8;
/// Frames that must agree on a new pitch.
const SETTLE_FRAMES: usize = 5;
/// Largest spread of those frames, in semitones.
const SETTLED_SEMITONES: f64 = 0.5;
/// Frames of the running centre of a note.
const CENTRE_FRAMES: usize = 20;
/// Level rise that marks a repeated note, in dB.
const REPEAT_RISE_DB: f64 = 5.0;
/// Depth of the dip before it, in dB.
const REPEAT_DIP_DB: f64 = 3.0;
/// Frames within which the level must rise.
const REPEAT_FRAMES: usize = 5;
/// Fall of the level from which a short beginning is no scoop, in dB.
const SCOOP_FALL_DB: f64 = 4.0;
/// Unvoiced frames that are bridged where pitch and level go on.
const BRIDGED_FRAMES: usize = 2;
/// Level drop up to which they are bridged, in dB.
const BRIDGED_DROP_DB: f64 = 3.0;
/// Shortest note in frames: 80 ms.
const SHORTEST_FRAMES: usize = 8;
/// Longest note in frames: 30 s; a longer one is cut.
const LONGEST_FRAMES: usize = 3_000;

/// Frames from its beginning in which a note reaches its level: 120 ms.
const FELT_FRAMES: usize = 12;
/// How far below the loudest of them the vowel begins, in dB.
const FELT_DB: f64 = 4.0;
/// Share of the way from the onset to there at which the note is felt to begin, and the longest way, in seconds.
const FELT_SHARE: f64 = 0.8;
const MOST_FELT_S: f64 = 0.08;

/// A note as it was sung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SungNote {
    /// Beginning in seconds.
    pub onset_s: f64,
    /// End in seconds.
    pub offset_s: f64,
    /// Median pitch as fractional MIDI number at A4 = 440 Hz.
    pub midi: f64,
    /// Mean level in dB relative to full scale.
    pub level_dbfs: f64,
    /// Mean voicing, 0 to 1.
    pub confidence: f64,
    /// Seconds of input that had to be heard before the note was known.
    pub known_s: f64,
}

impl SungNote {
    /// Its length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.offset_s - self.onset_s
    }
}

/// Why a note was found to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnsetKind {
    /// Voicing starts.
    VoicingStart,
    /// The pitch settles elsewhere.
    PitchStep,
    /// The level recovers from a dip.
    Repeat,
}

/// The beginning of a note, reported before its end is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onset {
    /// When it happened, in seconds.
    pub time_s: f64,
    /// When it is felt, in seconds: a syllable has its beat near the beginning of its vowel (the perceptual centre of
    /// Morton, Marcus & Frankish, Psychological Review 83, 1976), whose level is that of the note.
    pub felt_s: f64,
    /// Why it was found.
    pub kind: OnsetKind,
    /// 0 to 1.
    pub confidence: f64,
    /// Seconds of input that had to be heard before it was known.
    pub known_s: f64,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    index: u64,
    midi: f64,
    level_dbfs: f64,
    voicing: f64,
}

/// Cuts observations into notes.
#[derive(Debug)]
pub struct NoteSegmenter {
    /// Frames of the open note.
    open: Vec<Frame>,
    /// Frames at the end of `open` that lie off its centre.
    off_centre: usize,
    /// Unvoiced frames since the last voiced one, and the lowest level among them.
    gap: usize,
    gap_floor_dbfs: f64,
    /// Seconds that an observation is known after its centre.
    latency_s: f64,
    sort_buffer: Vec<f64>,
    reported: bool,
    kind: OnsetKind,
    /// First frame of a scoop into the open note, too short to be a note of its own.
    scoop: Option<u64>,
}

/// What the segmenter reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Heard {
    /// A note began.
    Onset(Onset),
    /// A note ended.
    Note(SungNote),
}

impl NoteSegmenter {
    /// A segmenter for observations that are known `latency_s` after their centre.
    pub fn new(latency_s: f64) -> Self {
        Self {
            open: Vec::with_capacity(LONGEST_FRAMES + 1),
            off_centre: 0,
            gap: 0,
            gap_floor_dbfs: 0.0,
            latency_s,
            sort_buffer: Vec::with_capacity(LONGEST_FRAMES + 1),
            reported: false,
            kind: OnsetKind::VoicingStart,
            scoop: None,
        }
    }

    /// Forgets everything heard.
    pub fn reset(&mut self) {
        self.open.clear();
        self.off_centre = 0;
        self.gap = 0;
        self.reported = false;
        self.scoop = None;
    }

    /// Takes the next observation and calls `out` for what becomes known by it.
    pub fn process(&mut self, seen: &Observation, out: &mut dyn FnMut(Heard)) {
        let known_s = seen.index as f64 * HOP_S + self.latency_s;
        if !seen.voiced || seen.f0_hz <= 0.0 {
            self.gap_floor_dbfs = if self.gap == 0 {
                f64::from(seen.level_dbfs)
            } else {
                self.gap_floor_dbfs.min(f64::from(seen.level_dbfs))
            };
            self.gap += 1;
            if self.gap > BRIDGED_FRAMES {
                self.close(self.open.len(), known_s, out);
            }
            return;
        }
        let frame = Frame {
            index: seen.index,
            midi: midi_of_hz(f64::from(seen.f0_hz)),
            level_dbfs: f64::from(seen.level_dbfs),
            voicing: f64::from(seen.voicing),
        };
        if self.gap > 0 && !self.open.is_empty() && !self.bridges(frame) {
            self.close(self.open.len(), known_s, out);
        }
        self.gap = 0;
        if self.open.len() >= LONGEST_FRAMES {
            self.close(self.open.len(), known_s, out);
        }
        if self.open.is_empty() {
            self.kind = OnsetKind::VoicingStart;
        }
        self.open.push(frame);
        self.split_at_step(known_s, out);
        self.split_at_repeat(known_s, out);
        if !self.reported && self.open.len() - self.off_centre >= SHORTEST_FRAMES {
            self.reported = true;
            out(Heard::Onset(Onset {
                time_s: self.onset_s(),
                felt_s: self.felt_s(self.open.len()),
                kind: self.kind,
                confidence: self.open.iter().map(|f| f.voicing).sum::<f64>() / self.open.len() as f64,
                known_s,
            }));
        }
    }

    /// The note that is being sung, as far as it has been heard; none before it is as long as the shortest note.
    pub fn open_note(&self) -> Option<SungNote> {
        let frames = &self.open;
        let last = frames.last()?;
        if frames.len() < SHORTEST_FRAMES {
            return None;
        }
        let mean = |value: fn(&Frame) -> f64| frames.iter().map(value).sum::<f64>() / frames.len() as f64;
        let offset_s = (last.index + 1) as f64 * HOP_S;
        Some(SungNote {
            onset_s: self.onset_s(),
            offset_s,
            midi: mean(|f| f.midi),
            level_dbfs: mean(|f| f.level_dbfs),
            confidence: mean(|f| f.voicing),
            known_s: offset_s + self.latency_s,
        })
    }

    /// Ends the stream.
    pub fn finish(&mut self, end_s: f64, out: &mut dyn FnMut(Heard)) {
        self.close(self.open.len(), end_s, out);
    }

    fn bridges(&mut self, frame: Frame) -> bool {
        let centre = self.centre(self.open.len());
        let level = self.open.last().map_or(-120.0, |last| last.level_dbfs);
        (frame.midi - centre).abs() < STEP_SEMITONES && self.gap_floor_dbfs > level - BRIDGED_DROP_DB
    }

    /// Median pitch of the frames before `end` that lie on the centre.
    fn centre(&mut self, end: usize) -> f64 {
        let start = end.saturating_sub(CENTRE_FRAMES);
        median(&mut self.sort_buffer, self.open[start..end].iter().map(|f| f.midi))
    }

    fn split_at_step(&mut self, known_s: f64, out: &mut dyn FnMut(Heard)) {
        let newest = self.open.len() - 1;
        let on_centre = self.open.len() - 1 - self.off_centre;
        if on_centre < SETTLE_FRAMES {
            return;
        }
        let centre = self.centre(on_centre);
        if (self.open[newest].midi - centre).abs() <= STEP_SEMITONES {
            self.off_centre = 0;
            return;
        }
        self.off_centre += 1;
        if self.off_centre < SETTLE_FRAMES {
            return;
        }
        let settled = &self.open[self.open.len() - SETTLE_FRAMES..];
        let low = settled.iter().map(|f| f.midi).fold(f64::INFINITY, f64::min);
        let high = settled.iter().map(|f| f.midi).fold(f64::NEG_INFINITY, f64::max);
        if high - low <= SETTLED_SEMITONES {
            let scoop = self.scoop.unwrap_or(self.open[0].index);
            let is_scoop = on_centre < SHORTEST_FRAMES && self.swells(on_centre);
            let kind = self.kind;
            self.close(on_centre, known_s, out);
            // What is too short for a note leads into the next: that begins where the scoop does.
            self.scoop = is_scoop.then_some(scoop);
            self.kind = if is_scoop { kind } else { OnsetKind::PitchStep };
        }
    }

    /// Whether the level of the open note does not fall over its first `end` frames, as that of a stroke does.
    fn swells(&self, end: usize) -> bool {
        let levels = || self.open[..end].iter().map(|frame| frame.level_dbfs);
        let loudest = levels().fold(f64::NEG_INFINITY, f64::max);
        levels().next_back().is_none_or(|last| loudest - last < SCOOP_FALL_DB)
    }

    fn split_at_repeat(&mut self, known_s: f64, out: &mut dyn FnMut(Heard)) {
        let len = self.open.len();
        if len < SHORTEST_FRAMES + REPEAT_FRAMES {
            return;
        }
        let newest = self.open[len - 1].level_dbfs;
        let recent = &self.open[len - 1 - REPEAT_FRAMES..len - 1];
        let Some((offset, dip)) =
            recent.iter().map(|f| f.level_dbfs).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
        else {
            return;
        };
        let before = &self.open[len.saturating_sub(REPEAT_FRAMES + CENTRE_FRAMES)..len - 1 - REPEAT_FRAMES];
        let usual = median(&mut self.sort_buffer, before.iter().map(|f| f.level_dbfs));
        if newest - dip > REPEAT_RISE_DB && usual - dip > REPEAT_DIP_DB {
            let at = len - 1 - REPEAT_FRAMES + offset;
            if at >= SHORTEST_FRAMES {
                self.close(at, known_s, out);
                self.kind = OnsetKind::Repeat;
            }
        }
    }

    /// Ends the open note before frame `end`; later frames begin the next one.
    fn close(&mut self, end: usize, known_s: f64, out: &mut dyn FnMut(Heard)) {
        if end >= SHORTEST_FRAMES {
            let onset_s = self.onset_s();
            let felt_s = self.felt_s(end);
            let frames = &self.open[..end];
            // The ends of a note are scoops and releases: its pitch is that of the middle.
            let trim = end / 6;
            let midi = median(&mut self.sort_buffer, frames[trim..end - trim].iter().map(|f| f.midi));
            let mean = |value: fn(&Frame) -> f64| frames.iter().map(value).sum::<f64>() / end as f64;
            if !self.reported {
                out(Heard::Onset(Onset {
                    time_s: onset_s,
                    felt_s,
                    kind: self.kind,
                    confidence: mean(|f| f.voicing),
                    known_s,
                }));
            }
            // In steps that one could measure: what follows weighs notes against each other, and a difference in the last
            // bit of a sample must not decide between two that are alike.
            let step = |value: f64, steps: f64| (value * steps).round() / steps;
            out(Heard::Note(SungNote {
                onset_s,
                offset_s: (frames[end - 1].index + 1) as f64 * HOP_S,
                midi: step(midi, 1000.0),
                level_dbfs: step(mean(|f| f.level_dbfs), 20.0),
                confidence: step(mean(|f| f.voicing), 50.0),
                known_s,
            }));
        }
        self.open.drain(..end);
        self.off_centre = 0;
        self.reported = false;
        self.scoop = None;
    }

    /// When the beginning of the open note is felt, as its first `end` frames tell.
    fn felt_s(&self, end: usize) -> f64 {
        let heard = &self.open[..end.min(FELT_FRAMES)];
        let loudest = heard.iter().map(|frame| frame.level_dbfs).fold(f64::NEG_INFINITY, f64::max);
        let felt = heard.iter().find(|frame| frame.level_dbfs > loudest - FELT_DB);
        let rise_s = felt.map_or(0.0, |frame| frame.index as f64 * HOP_S - self.onset_s());
        self.onset_s() + (FELT_SHARE * rise_s).clamp(0.0, MOST_FELT_S)
    }

    /// Where the open note begins.
    fn onset_s(&self) -> f64 {
        let first = self.open.first().map_or(0, |frame| frame.index);
        self.scoop.unwrap_or(first) as f64 * HOP_S
    }
}

/// Median of some numbers; 0 of none.
fn median(buffer: &mut Vec<f64>, values: impl Iterator<Item = f64>) -> f64 {
    buffer.clear();
    buffer.extend(values);
    if buffer.is_empty() {
        return 0.0;
    }
    let middle = buffer.len() / 2;
    *buffer.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes_of(frames: &[(f64, f32)]) -> Vec<SungNote> {
        let mut segmenter = NoteSegmenter::new(0.0);
        let mut notes = Vec::new();
        let mut keep = |heard| {
            if let Heard::Note(note) = heard {
                notes.push(note);
            }
        };
        for (index, (midi, level_dbfs)) in frames.iter().enumerate() {
            let seen = Observation {
                index: index as u64,
                f0_hz: if *midi > 0.0 { (440.0 * ((midi - 69.0) / 12.0).exp2()) as f32 } else { 0.0 },
                voiced: *midi > 0.0,
                voicing: 0.9,
                level_dbfs: *level_dbfs,
                chroma: [0.0; 12],
            };
            segmenter.process(&seen, &mut keep);
        }
        segmenter.finish(frames.len() as f64 * HOP_S, &mut keep);
        notes
    }

    #[test]
    fn a_step_makes_two_notes_and_vibrato_makes_one() {
        let step: Vec<_> = (0..80).map(|i| (if i < 40 { 60.0 } else { 62.0 }, -20.0)).collect();
        let notes = notes_of(&step);
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!((notes[1].onset_s - 0.40).abs() < 0.011);
        let vibrato: Vec<_> = (0..120).map(|i| (60.0 + 0.45 * (f64::from(i) * 0.35).sin(), -20.0)).collect();
        assert_eq!(notes_of(&vibrato).len(), 1);
    }

    #[test]
    fn a_syllable_is_felt_where_its_vowel_begins() {
        let felt_after = |consonant_db: f32| {
            let mut segmenter = NoteSegmenter::new(0.0);
            let mut felt = Vec::new();
            for index in 0..40 {
                let seen = Observation {
                    index,
                    f0_hz: 220.0,
                    voiced: true,
                    voicing: 0.9,
                    level_dbfs: if index < 6 { consonant_db } else { -20.0 },
                    chroma: [0.0; 12],
                };
                segmenter.process(&seen, &mut |heard| {
                    if let Heard::Onset(onset) = heard {
                        felt.push(onset.felt_s - onset.time_s);
                    }
                });
            }
            felt
        };
        assert_eq!(felt_after(-21.0), [0.0]);
        let hummed = felt_after(-28.0);
        assert!(hummed.len() == 1 && (hummed[0] - 0.8 * 0.06).abs() < 1e-9, "{hummed:?}");
    }

    #[test]
    fn a_dip_in_level_repeats_a_note() {
        let repeated: Vec<_> =
            (0..80).map(|i| (60.0, if (38..42).contains(&i) { -32.0 } else { -20.0 })).collect();
        assert_eq!(notes_of(&repeated).len(), 2);
    }

    #[test]
    fn short_gaps_are_bridged_only_at_the_same_pitch_and_level() {
        let at = |gap_level: f32, after: f64| {
            let frames: Vec<_> = (0..80)
                .map(|i| match i {
                    40..42 => (0.0, gap_level),
                    i if i < 40 => (60.0, -20.0),
                    _ => (after, -20.0),
                })
                .collect();
            notes_of(&frames).len()
        };
        assert_eq!(at(-22.0, 60.0), 1);
        assert_eq!(at(-40.0, 60.0), 2);
        assert_eq!(at(-22.0, 64.0), 2);
    }
}
