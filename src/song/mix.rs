//! What a mix says of the song that is sung in it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::chart::{FixedBar, Slot};
use super::settings::Settings;
use crate::score::{Articulation, ChordSymbol, Key, MidiNote, Note, Part, PartBar, Score, Velocity};
use crate::time::{Bpm, Meter, TICKS_PER_QUARTER, TickCount, Ticks};

/// Length of a sixteenth.
const SIXTEENTH: TickCount = TickCount(TICKS_PER_QUARTER / 4);
/// Growth in a band, beside its mean, from which a stroke is one of the kick, of the snare or of a cymbal.
const STRUCK: f32 = 4.0;

/// Whether the voice is taken out of what it is sung with before it is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolate {
    /// Never: what is heard is the voice.
    #[default]
    Off,
    /// Where a mix is heard.
    Auto,
    /// Always.
    On,
}

/// A chord of a mix; none where nothing is played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MixChord {
    /// Beginning in seconds.
    pub start_s: f64,
    /// End in seconds.
    pub end_s: f64,
    /// The chord.
    pub chord: Option<ChordSymbol>,
}

/// A stroke in a mix.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MixStroke {
    /// When, in seconds.
    pub at_s: f64,
    /// How much the spectrum grows in it beside the mean of the last seconds: low, middle, high.
    #[serde(deserialize_with = "finite")]
    pub growth: [f32; 3],
}

/// A growth whose numbers are as large as it can hold; larger ones would become infinite, which no song file can hold.
fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f32; 3], D::Error> {
    let growth = <[f32; 3]>::deserialize(deserializer)?;
    if growth.iter().all(|growth| growth.is_finite()) {
        Ok(growth)
    } else {
        Err(D::Error::custom(format!("a stroke's growth is at most {:e}", f32::MAX)))
    }
}

/// What was heard of a song in the mix that its voice was taken out of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardMix {
    /// The likeliest key, if chords were heard.
    pub key: Option<Key>,
    /// Metre and tempo, where they were found before the voice was followed.
    pub beat: Option<(Meter, Bpm)>,
    /// Chords in order, in seconds of the recording.
    pub chords: Vec<MixChord>,
    /// Parts that play in it already.
    pub present: Vec<Part>,
    /// What is struck in it beside the voice, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strokes: Vec<MixStroke>,
}

impl HeardMix {
    /// Settings in which key, metre and tempo are those of the mix where nothing else is stated, and in which parts that it
    /// has already are left out where that is wanted.
    pub fn stated(&self, settings: &Settings) -> Settings {
        let mut stated = settings.clone();
        stated.key = stated.key.or(self.key);
        if let Some((meter, bpm)) = self.beat {
            stated.meter = stated.meter.or(Some(meter));
            stated.bpm = stated.bpm.or(Some(bpm));
        }
        let lacking = |part: &&Part| !self.present.contains(part);
        // Who has everything already wants another band.
        if settings.fills_in && stated.parts.iter().any(|part| lacking(&part)) {
            stated.parts = settings.parts.iter().filter(lacking).copied().collect();
        }
        stated
    }

    /// The chords of the mix in the bars of a score from 1 on, a slot a beat, beside those that the settings fix already; the
    /// recording begins at `shift_s` of the score. With a chart in the settings those alone.
    pub fn fixed(&self, score: &Score, shift_s: f64, settings: &Settings) -> Vec<FixedBar> {
        let mut fixed = settings.fixed.clone();
        if settings.chart.is_some() {
            return fixed;
        }
        let beats = score.meter.beats_per_bar() as i64;
        for bar in score.all_bars().filter(|bar| bar.number.0 > 0) {
            if settings.fixed.iter().any(|stated| stated.bar == bar.number) {
                continue;
            }
            let at_s = |beat: i64| score.tempo.seconds_at(bar.start + score.meter.beat() * beat) - shift_s;
            let slots: Vec<Slot> = (0..beats).map(|beat| self.slot(at_s(beat), at_s(beat + 1))).collect();
            // A bar of which nothing is heard is the composer's.
            if slots.iter().any(|slot| matches!(slot, Slot::Chord(_))) {
                fixed.push(FixedBar { bar: bar.number, slots });
            }
        }
        fixed
    }

    /// What guitar and drums that are left out because they are in the mix play there, as far as their strokes tell: those who
    /// are asked hear it. The recording begins at `shift_s` of the score.
    pub fn playing(&self, score: &Score, shift_s: f64, settings: &Settings) -> Vec<PartBar> {
        let is_left_out = |part: Part| self.present.contains(&part) && !settings.parts.contains(&part);
        let within = score.tempo.seconds_at(Ticks(0))..score.tempo.seconds_at(score.end());
        let mut bars: Vec<PartBar> = Vec::new();
        // A song file may say anything.
        for stroke in self.strokes.iter().filter(|stroke| within.contains(&(stroke.at_s + shift_s))) {
            let at = Ticks(score.tempo.ticks_at(stroke.at_s + shift_s).round() as i64);
            let bar = score.bar_at(at);
            let steps = ((at - bar.start).0 + SIXTEENTH.0 / 2).div_euclid(SIXTEENTH.0);
            let start = bar.start + SIXTEENTH * steps;
            let mut add = |part: Part, note: Note| {
                let number = score.bar_at(start).number;
                match bars.iter_mut().rev().take(4).find(|bar| (bar.part, bar.bar) == (part, number)) {
                    Some(bar) if bar.notes.iter().any(|n| (n.start, n.pitch) == (start, note.pitch)) => {}
                    Some(bar) => bar.notes.push(note),
                    None => bars.push(PartBar { part, bar: number, take: 1, notes: vec![note] }),
                }
            };
            if is_left_out(Part::Guitar) {
                add(Part::Guitar, strum(start, (start - bar.start).0 % score.meter.beat().0 == 0));
            }
            if is_left_out(Part::Drums) {
                let beat = (start - bar.start).0 / score.meter.beat().0;
                struck(stroke.growth, beat % 2 == 1).for_each(|key| add(Part::Drums, hit(start, key)));
            }
        }
        bars.sort_by_key(|bar| (bar.part, bar.bar));
        bars
    }

    /// The chord that sounds longest in a stretch of time.
    fn slot(&self, from_s: f64, to_s: f64) -> Slot {
        let first = self.chords.partition_point(|chord| chord.end_s <= from_s);
        let shared = |chord: &MixChord| chord.end_s.min(to_s) - chord.start_s.max(from_s);
        let within = self.chords[first..].iter().take_while(|chord| chord.start_s < to_s);
        let longest = within.max_by(|a, b| shared(a).total_cmp(&shared(b)));
        longest.and_then(|chord| chord.chord).map_or(Slot::Open, Slot::Chord)
    }
}

impl Settings {
    /// Whether a part is heard beside those that are written.
    pub fn is_beside(&self, part: Part) -> bool {
        self.beside.iter().any(|bar| bar.part == part)
    }
}

/// A strum: down on the beat, up beside it.
fn strum(start: Ticks, on_beat: bool) -> Note {
    let articulation = match on_beat {
        true => Articulation::StrumDown { order: 5 },
        false => Articulation::StrumUp { order: 2 },
    };
    Note { start, length: SIXTEENTH, pitch: MidiNote(52), velocity: Velocity::clamped(80.0), articulation }
}

fn hit(start: Ticks, key: u8) -> Note {
    let (pitch, velocity) = (MidiNote(key), Velocity::clamped(80.0));
    Note { start, length: SIXTEENTH, pitch, velocity, articulation: Articulation::Normal }
}

/// Keys of General MIDI's percussion map that a stroke is of: the kick, the snare where it is expected, else the hi-hat.
fn struck([low, middle, high]: [f32; 3], on_backbeat: bool) -> impl Iterator<Item = u8> {
    let snare = on_backbeat && middle >= STRUCK && high >= STRUCK;
    let kick = (low >= STRUCK && !snare).then_some(36);
    let other = (high >= STRUCK).then_some(if snare { 38 } else { 42 });
    kick.into_iter().chain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TempoMap;

    fn heard() -> HeardMix {
        let chord = |start_s, end_s, name: &str| MixChord { start_s, end_s, chord: name.parse().ok() };
        HeardMix {
            key: "G major".parse().ok(),
            beat: Some((Meter::THREE_FOUR, Bpm(90.0))),
            chords: vec![chord(0.0, 2.1, "G"), chord(2.1, 3.9, "Am"), chord(3.9, 9.0, "")],
            present: vec![Part::Guitar, Part::Bass],
            strokes: Vec::new(),
        }
    }

    #[test]
    fn what_is_stated_holds_and_the_rest_is_the_mix() {
        let stated = heard().stated(&Settings { bpm: Some(Bpm(70.0)), ..Settings::default() });
        assert_eq!((stated.bpm, stated.meter), (Some(Bpm(70.0)), Some(Meter::THREE_FOUR)));
        assert_eq!((stated.key, stated.parts.len()), ("G major".parse().ok(), 4));
    }

    /// Eight bars of 4/4 at 120 beats a minute.
    fn score() -> Score {
        Score {
            meter: Meter::FOUR_FOUR,
            key: "C major".parse().expect("a key"),
            tempo: TempoMap::constant(Bpm(120.0), Meter::FOUR_FOUR.beat()),
            lead_in_bars: 0,
            bars: 8,
            sections: Vec::new(),
            phrases: Vec::new(),
            melody: Vec::new(),
            chords: Vec::new(),
            tuning: Vec::new(),
            parts: Vec::new(),
            usual_level_dbfs: None,
        }
    }

    #[test]
    fn what_is_left_out_is_heard_on_sixteenths() {
        let strokes =
            [(0.0, 5.0, 0.0), (0.26, 1.0, 1.0), (0.5, 1.0, 9.0), (0.51, 1.0, 9.0), (2.13, 1.0, 9.0)];
        let strokes = strokes.map(|(at_s, low, high)| MixStroke { at_s, growth: [low, high, high] });
        let present = vec![Part::Guitar, Part::Drums];
        let mix = HeardMix { present, strokes: strokes.to_vec(), ..heard() };
        let left = Settings { parts: vec![Part::Strings], ..Settings::default() };
        let starts = |part: Part| -> Vec<(i64, u8)> {
            let bars = mix.playing(&score(), 0.0, &left);
            let of = bars.iter().filter(|bar| bar.part == part).flat_map(|bar| bar.notes.clone());
            of.map(|note| (note.start.0, note.pitch.0)).collect()
        };
        assert_eq!(starts(Part::Guitar).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 480, 960, 4080]);
        assert_eq!(starts(Part::Drums), [(0, 36), (960, 38), (4080, 42)]);
        let all = Settings::default();
        assert!(mix.playing(&score(), 0.0, &all).is_empty(), "who plays is not heard beside itself");
    }

    #[test]
    fn a_growth_that_is_too_large_is_refused() {
        let read = |growth: f64| {
            let stroke = serde_json::json!({"at_s": 1.0, "growth": [1.0, growth, 2.0]});
            serde_json::from_value::<MixStroke>(stroke)
        };
        assert!(read(3e38).is_ok());
        let error = read(1e39).expect_err("it is infinite").to_string();
        assert!(error.contains("at most 3.4"), "{error}");
    }

    #[test]
    fn strokes_that_no_recording_has_are_left_out() {
        let times = [-1e300, -1.0, 1.0, 17.0, 1e18, f64::INFINITY, f64::NAN];
        let strokes = times.map(|at_s| MixStroke { at_s, growth: [9.0; 3] }).to_vec();
        let mix = HeardMix { strokes, ..heard() };
        let bars = mix.playing(&score(), 0.0, &Settings { parts: vec![Part::Drums], ..Settings::default() });
        let starts: Vec<i64> = bars.iter().flat_map(|bar| &bar.notes).map(|note| note.start.0).collect();
        assert_eq!(starts, [1920]);
    }

    #[test]
    fn only_what_is_missing_is_played_where_that_is_wanted() {
        let fills = Settings { fills_in: true, ..Settings::default() };
        assert_eq!(heard().stated(&fills).parts, [Part::Drums, Part::Strings]);
        let full = HeardMix { present: Part::ALL.to_vec(), ..heard() };
        assert_eq!(full.stated(&fills).parts, Part::ALL, "who has everything wants another band");
    }
}
