//! The harmony of what is played with the voice, beat by beat, and what it lets expect of the beats that come.
//!
//! What sounded is known a quarter of a second later, and a bar is asked for a beat before it begins, so that it has to be
//! foretold: songs come back to what they had. The last beats are compared with those so many beats earlier; where they are
//! alike, what comes is taken to be what followed there. Beats are counted, not bars: whatever is taken for a bar, a round of
//! chords comes back. Where nothing comes back the last chord lasts until another is heard, which the band then takes up within
//! the bar.

use super::{Causal, Locked, Wanted};
use crate::follow::key::KeyGuess;
use crate::follow::mix::{ChordTracker, harmony_between, keys};
use crate::limits::LISTEN_HOP;
use crate::listen::HOP_S;
use crate::listen::mix::{Harmony, HarmonyMeter};
use crate::score::{BarNumber, ChordSymbol};
use crate::song::{FixedBar, HeardMix, MixChord, Settings, Slot};

/// Most beats after which a song may come back to the same chords.
const LONGEST_ROUND: usize = 128;
/// Fewest and most beats that are compared with those before: as many as a round has, within these.
const COMPARED: (usize, usize) = (12, 32);
/// Share of beats that must agree, for those that come to be foretold.
const ALIKE: f64 = 0.75;
/// Beats with a chord from which the key is told by chords.
const KEY_BEATS: usize = 8;
/// Bars before the one that comes whose chords the composer is told.
const TOLD_BARS: i64 = 8;

/// Hops of a beat from which its harmony is heard, while it sounds.
const PARTLY_HOPS: usize = 10;

/// Chords beat by beat; none where none is heard.
type Beats = Vec<Option<ChordSymbol>>;

/// The harmony beside the voice.
#[derive(Debug, Default)]
pub(super) struct HeardHarmony {
    /// Made with the first sound: who hears nothing needs no transform.
    meter: Option<Box<HarmonyMeter>>,
    /// Hops before the first sound.
    silent_hops: u64,
    windows: Vec<Harmony>,
    /// Has taken the beats that were heard whole.
    tracker: ChordTracker,
    /// Those beats, in seconds.
    beats_s: Vec<f64>,
    /// Places of the beats in their bars when they were heard.
    places: Vec<usize>,
    /// Their chords, as far as is known now.
    chords: Vec<Option<ChordSymbol>>,
    /// End of the last of them, in seconds.
    end_s: f64,
}

impl HeardHarmony {
    /// Takes a hop.
    pub fn hear(&mut self, hop: &[f32; LISTEN_HOP]) {
        if self.meter.is_none() && hop.iter().all(|sample| *sample == 0.0) {
            self.silent_hops += 1;
            return;
        }
        let window = self.meter.get_or_insert_default().process(hop);
        self.windows.extend(window.map(|window| Harmony { hop: window.hop + self.silent_hops, ..window }));
    }

    /// All that has been heard, window by window.
    pub fn windows(&self) -> &[Harmony] {
        &self.windows
    }

    /// Takes the beats that have sounded by now, and finds the chords of all of them.
    fn follow(&mut self, locked: &Locked) {
        let per_bar = locked.bars.meter.beats_per_bar();
        let is_same = |(index, beat): (usize, &f64)| {
            locked.beats_s.get(index) == Some(beat) && locked.place(index) == self.places[index]
        };
        if !self.beats_s.iter().enumerate().all(is_same) {
            // The bars were found anew.
            self.tracker = ChordTracker::default();
            self.beats_s.clear();
            self.places.clear();
        }
        let Some(newest) = self.windows.last().map(|window| window.hop as usize) else { return };
        for index in self.beats_s.len()..locked.beats_s.len().saturating_sub(1) {
            let [from, to] = [index, index + 1].map(|beat| (locked.beats_s[beat].max(0.0) / HOP_S) as usize);
            if newest + (to - from) / 8 < to {
                break;
            }
            let heard = harmony_between(&self.windows, from, to, usize::MAX);
            self.tracker.hear(&heard, locked.place(index), per_bar);
            self.beats_s.push(locked.beats_s[index]);
            self.places.push(locked.place(index));
            self.end_s = locked.beats_s[index + 1];
        }
        // A beat that still sounds says something already.
        let next = self.beats_s.len();
        let from = locked.beats_s.get(next).map(|beat_s| (beat_s.max(0.0) / HOP_S) as usize);
        self.chords = match from.filter(|from| newest >= from + PARTLY_HOPS) {
            Some(from) => {
                let partly = harmony_between(&self.windows, from, newest, usize::MAX);
                self.tracker.path_and(&partly, locked.place(next), per_bar)
            }
            None => self.tracker.path(),
        };
    }

    /// Chords in seconds.
    fn spans(&self) -> Vec<MixChord> {
        let ends = self.beats_s.iter().skip(1).copied().chain([self.end_s]);
        let beats = self.beats_s.iter().zip(ends).zip(&self.chords);
        let mut spans: Vec<MixChord> = Vec::new();
        for ((start_s, end_s), chord) in beats {
            match spans.last_mut().filter(|last| last.chord == *chord) {
                Some(last) => last.end_s = end_s,
                None => spans.push(MixChord { start_s: *start_s, end_s, chord: *chord }),
            }
        }
        spans
    }

    /// Whether what is played beside the voice has chords.
    pub fn is_enough(&self) -> bool {
        self.chords.iter().flatten().count() >= KEY_BEATS
    }

    /// Keys, the likeliest first, where chords tell them.
    pub fn keys(&self) -> Option<Vec<KeyGuess>> {
        self.is_enough().then(|| keys(&self.spans(), &self.windows))
    }

    /// All that was heard, where there were chords.
    pub fn heard(&self) -> Option<HeardMix> {
        let key = self.keys()?.first().map(|guess| guess.key);
        Some(HeardMix { key, beat: None, chords: self.spans(), present: Vec::new(), strokes: Vec::new() })
    }
}

impl Causal {
    /// Settings in which the bars that were heard have the chords that they had, and the coming one those that are expected,
    /// where chords are played beside the voice and none are given.
    pub(super) fn in_harmony(&mut self, mut settings: Settings, wanted: Wanted) -> Settings {
        let (Some(locked), Wanted::Bar(tick) | Wanted::Chord(tick)) = (&self.locked, wanted) else {
            return settings;
        };
        self.backing.harmony.follow(locked);
        if settings.chart.is_some() || !self.backing.harmony.is_enough() {
            return settings;
        }
        let meter = locked.bars.meter;
        let per_bar = meter.beats_per_bar();
        // Beats from the first that is heard to the end of the bar that is asked for.
        let coming = (tick - locked.bar_one()) / meter.bar();
        let first_beat = (locked.bar_one() - locked.tick(0)) / meter.beat();
        let end = usize::try_from(first_beat + (coming + 1) * per_bar as i64).unwrap_or(0);
        let beats = foretold(&self.backing.harmony.chords, end);
        let chord_at = |bar: i64, place: usize| {
            let beat = usize::try_from(first_beat + bar * per_bar as i64 + place as i64).ok()?;
            beats.get(beat).copied().flatten()
        };
        let told: Vec<FixedBar> = ((coming - TOLD_BARS).max(0)..=coming)
            .map(|bar| (BarNumber(bar as i32 + 1), (0..per_bar).map(|place| chord_at(bar, place)).collect()))
            .filter(|(number, chords): &(BarNumber, Beats)| {
                settings.fixed.iter().all(|stated| stated.bar != *number)
                    && chords.iter().any(Option::is_some)
            })
            .map(|(bar, chords)| FixedBar {
                bar,
                slots: chords.into_iter().map(|chord| chord.map_or(Slot::Open, Slot::Chord)).collect(),
            })
            .collect();
        settings.fixed.extend(told);
        settings
    }
}

/// What was heard, and what is expected to follow, up to a beat: as it was where the song was like this before, else the last
/// chord.
fn foretold(heard: &[Option<ChordSymbol>], end: usize) -> Beats {
    let like = (1..=LONGEST_ROUND).filter_map(|round| Some((likeness(heard, round)?, round)));
    // Of those that are as alike the shortest.
    let best = like.reduce(|best, other| if other.0 > best.0 + 1e-9 { other } else { best });
    let round = best.filter(|(alike, _)| *alike >= ALIKE).map_or(1, |(_, round)| round);
    let mut beats = heard.to_vec();
    while beats.len() < end {
        let before = beats.len().checked_sub(round).and_then(|beat| beats[beat]);
        beats.push(before.or(beats.last().copied().flatten()));
    }
    beats
}

/// Share of the last beats whose chords are those of so many beats before; none where too little can be compared.
fn likeness(heard: &[Option<ChordSymbol>], round: usize) -> Option<f64> {
    let compared = round.clamp(COMPARED.0, COMPARED.1);
    let first = heard.len().checked_sub(compared)?;
    let earlier = first.checked_sub(round)?;
    let pairs = heard[first..].iter().zip(&heard[earlier..]);
    let known: Vec<_> = pairs.filter_map(|(now, then)| now.zip(*then)).collect();
    let alike = known.iter().filter(|(now, then)| are_alike(*now, *then)).count();
    (2 * known.len() >= compared).then(|| alike as f64 / known.len() as f64)
}

/// Whether chords have the same root, and both are minor or neither is.
fn are_alike(one: ChordSymbol, other: ChordSymbol) -> bool {
    one.root == other.root && one.quality.is_minor() == other.quality.is_minor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::ChordQuality;

    /// Capital letters are major chords, small ones minor, a dot is none.
    fn beats(names: &str) -> Beats {
        let root = |name: char| crate::score::PitchClass(name.to_ascii_uppercase() as u8 - b'A');
        let quality =
            |name: char| if name.is_ascii_lowercase() { ChordQuality::Minor } else { ChordQuality::Major };
        let chord = |name: char| (name != '.').then(|| ChordSymbol::new(root(name), quality(name)));
        names.chars().filter(|name| *name != ' ').map(chord).collect()
    }

    #[test]
    fn what_comes_back_is_foretold_whatever_a_bar_is() {
        let heard = beats("CCCC GGGG aaaa FFFF CCCC GGGG aaaa FFFF CC");
        let wanted = beats("CCCC GGGG aaaa FFFF CCCC GGGG aaaa FFFF CCCC GGG");
        assert_eq!(foretold(&heard, 39), wanted);
        let waltz = beats("CCC GGG CCC FFF CCC GGG CCC FFF C");
        assert_eq!(foretold(&waltz, 32)[25..], beats("CCG GGC C")[..]);
    }

    #[test]
    fn where_nothing_comes_back_the_last_chord_lasts() {
        let wandering = beats("CCCd deee FFFF GGaa aaBB BBCC GGdd eeFF aaBd");
        assert_eq!(foretold(&wandering, 40)[36..], beats("dddd")[..]);
        assert_eq!(foretold(&beats("CC.."), 6), beats("CC...."), "none where none is heard");
    }

    #[test]
    fn what_was_heard_stays_though_it_came_otherwise_before() {
        let heard = beats("CCCC GGGG aaaa FFFF CCCC GGGG aaaa FFFF CCCC e");
        assert_eq!(foretold(&heard, 40)[36..], beats("eGGG")[..]);
    }
}
