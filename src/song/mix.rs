//! What a mix says of the song that is sung in it.

use serde::{Deserialize, Serialize};

use super::chart::{FixedBar, Slot};
use super::settings::Settings;
use crate::score::{ChordSymbol, Key, Part, Score};
use crate::time::{Bpm, Meter};

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

    /// The chord that sounds longest in a stretch of time.
    fn slot(&self, from_s: f64, to_s: f64) -> Slot {
        let first = self.chords.partition_point(|chord| chord.end_s <= from_s);
        let shared = |chord: &MixChord| chord.end_s.min(to_s) - chord.start_s.max(from_s);
        let within = self.chords[first..].iter().take_while(|chord| chord.start_s < to_s);
        let longest = within.max_by(|a, b| shared(a).total_cmp(&shared(b)));
        longest.and_then(|chord| chord.chord).map_or(Slot::Open, Slot::Chord)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard() -> HeardMix {
        let chord = |start_s, end_s, name: &str| MixChord { start_s, end_s, chord: name.parse().ok() };
        HeardMix {
            key: "G major".parse().ok(),
            beat: Some((Meter::THREE_FOUR, Bpm(90.0))),
            chords: vec![chord(0.0, 2.1, "G"), chord(2.1, 3.9, "Am"), chord(3.9, 9.0, "")],
            present: vec![Part::Guitar, Part::Bass],
        }
    }

    #[test]
    fn what_is_stated_holds_and_the_rest_is_the_mix() {
        let stated = heard().stated(&Settings { bpm: Some(Bpm(70.0)), ..Settings::default() });
        assert_eq!((stated.bpm, stated.meter), (Some(Bpm(70.0)), Some(Meter::THREE_FOUR)));
        assert_eq!((stated.key, stated.parts.len()), ("G major".parse().ok(), 4));
    }

    #[test]
    fn only_what_is_missing_is_played_where_that_is_wanted() {
        let fills = Settings { fills_in: true, ..Settings::default() };
        assert_eq!(heard().stated(&fills).parts, [Part::Drums, Part::Strings]);
        let full = HeardMix { present: Part::ALL.to_vec(), ..heard() };
        assert_eq!(full.stated(&fills).parts, Part::ALL, "who has everything wants another band");
    }
}
