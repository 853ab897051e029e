//! The forms in which melodies are harmonised: a known take at once, and live, bar by bar.

use collavoce::compose::harmony::{HarmonyNote, HarmonyRequest, harmonise, harmony_notes};
use collavoce::compose::model::slots::SungBars;
use collavoce::compose::model::{HarmonisedSlot, Wish, harmonise_with, spans};
use collavoce::follow::key::rank_keys;
use collavoce::score::{ChordSpan, ChordSymbol, Key};
use collavoce::song::Style;
use collavoce::time::{TickCount, Ticks};
use collavoce_data::tune::Tune;
use collavoce_models::harmony::{HarmonyNet, TRIADS};

use super::figures::chord_at;
use crate::keys;

/// Bars that are written ahead live.
const LIVE_BARS: usize = 1;
/// Bars that the rules look back on live.
const RULES_LOOK_BACK: usize = 3;
/// Bars that the network looks back on live, as in the program.
const MODEL_LOOK_BACK: usize = 64;

/// A melody to be harmonised.
#[derive(Debug)]
pub struct Song {
    /// As it is written.
    pub tune: Tune,
    /// The key that is found in it.
    pub found: Key,
    notes: Vec<HarmonyNote>,
    phrases: Vec<(Ticks, Ticks)>,
}

impl Song {
    /// A tune as it is sung.
    pub fn new(tune: Tune) -> Self {
        let notes = harmony_notes(tune.melody.iter().copied(), tune.meter.beat());
        let phrases = tune.phrases();
        let found = rank_keys(&keys::notes(&tune)).first().map_or(tune.key, |guess| guess.key);
        Self { tune, notes, phrases, found }
    }

    /// All of it.
    pub fn sung(&self, key: Key, idiom: usize) -> SungBars<'_> {
        SungBars {
            key,
            meter: self.tune.meter,
            idiom,
            bar_one: Ticks(0),
            first: 0,
            bars: self.tune.bars,
            melody: &self.notes,
            phrases: &self.phrases,
            heard_until: Ticks(i64::MAX),
            fixed: &[],
            is_ending: true,
        }
    }

    fn bar_start(&self, bar: usize) -> Ticks {
        Ticks(0) + self.tune.meter.bar() * bar as i64
    }

    /// The written chords before a position.
    fn written_before(&self, end: Ticks) -> Vec<ChordSpan> {
        let before = self.tune.chords.iter().filter(|span| span.start < end);
        before.map(|span| ChordSpan { length: span.length.min(end - span.start), ..*span }).collect()
    }
}

/// What a live form knows of the past, and when it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// Every bar is written when the one before it has been sung.
    Bars,
    /// And what is left of it again in its middle, if it has two slots.
    Corrected,
    /// Like `Bars`, and told the written chords of the past: what the future alone hides.
    Told,
    /// Like `Corrected` and `Told`.
    ToldCorrected,
}

/// What a live form played.
#[derive(Debug, Default)]
pub struct Played {
    /// The slots as they sounded.
    pub slots: Vec<HarmonisedSlot>,
    /// Their chords as they were written when their bar began.
    pub foretold: Vec<ChordSymbol>,
}

/// The rules with the whole take.
pub fn rules(song: &Song, key: Key, style: Style) -> Vec<ChordSpan> {
    harmonise(&HarmonyRequest {
        key,
        meter: song.tune.meter,
        style,
        from: Ticks(0),
        bars: song.tune.bars,
        melody: &song.notes,
        phrase_ends: &song.tune.phrase_ends,
        before: None,
        given: &[],
        is_ending: true,
        whim: None,
    })
}

/// The rules live: every bar when the one before it has been sung, with the three before it.
pub fn rules_live(song: &Song, style: Style) -> Vec<ChordSpan> {
    let mut chords: Vec<ChordSpan> = Vec::new();
    for bar in 0..song.tune.bars {
        let start = song.bar_start(bar);
        let back = bar.min(RULES_LOOK_BACK);
        let from = song.bar_start(bar - back);
        let heard = song.notes.partition_point(|note| note.start < start);
        let found = harmonise(&HarmonyRequest {
            key: song.tune.key,
            meter: song.tune.meter,
            style,
            from,
            bars: back + 1,
            melody: &song.notes[..heard],
            phrase_ends: &song.tune.phrase_ends,
            before: chord_at(&chords, from - TickCount(1)),
            given: &[],
            is_ending: false,
            whim: None,
        });
        chords.extend(found.into_iter().filter(|span| span.start >= start));
    }
    chords
}

/// The network with the whole take.
pub fn studio(net: &HarmonyNet, song: &Song, key: Key, idiom: usize) -> Vec<HarmonisedSlot> {
    harmonise_with(
        net,
        &Wish { sung: song.sung(key, idiom), played: &[], is_coloured: true, take: None, with_odds: true },
    )
}

/// The network live.
pub fn live(net: &HarmonyNet, song: &Song, idiom: usize, form: Live) -> Played {
    let mut played = Played::default();
    let per_bar = song.tune.meter.chord_beats().len();
    let is_corrected = matches!(form, Live::Corrected | Live::ToldCorrected);
    let is_told = matches!(form, Live::Told | Live::ToldCorrected);
    for bar in 0..song.tune.bars {
        let first = bar.saturating_sub(MODEL_LOOK_BACK);
        for slot in 0..if is_corrected { per_bar } else { 1 } {
            // What begins with the last slot that was written is written anew.
            let start = match played.slots.get(bar * per_bar + slot) {
                Some(written) if slot > 0 => written.at.start,
                _ => song.bar_start(bar),
            };
            played.slots.truncate(bar * per_bar + slot);
            let fixed = if is_told { song.written_before(start) } else { Vec::new() };
            let sung = SungBars {
                first: first as i32,
                bars: bar - first + LIVE_BARS,
                heard_until: start,
                fixed: &fixed,
                is_ending: false,
                ..song.sung(song.tune.key, idiom)
            };
            let sounded = if is_told { Vec::new() } else { spans(&played.slots) };
            let wish = Wish { sung, played: &sounded, is_coloured: true, take: None, with_odds: true };
            let written = harmonise_with(net, &wish).into_iter().filter(|slot| slot.at.start >= start);
            played.slots.extend(written);
            if slot == 0 {
                let foretold = played.slots[(bar * per_bar).min(played.slots.len())..].iter();
                played.foretold.extend(foretold.map(|slot| slot.chord));
            }
        }
    }
    played
}

/// The network live like [`Live::Bars`]; then at every other beat the bar is judged by what was sung up to there, as if
/// that were all. The chords that sounded.
pub fn live_by_beats(net: &HarmonyNet, song: &Song, idiom: usize) -> Vec<ChordSpan> {
    let beat = song.tune.meter.beat();
    let written = spans(&live(net, song, idiom, Live::Bars).slots);
    let mut chords: Vec<ChordSpan> = Vec::new();
    for bar in 0..song.tune.bars {
        let first = bar.saturating_sub(MODEL_LOOK_BACK);
        for index in 0..song.tune.meter.beats_per_bar() {
            let now = song.bar_start(bar) + beat * index as i64;
            let chord = if index == 0 {
                chord_at(&written, now)
            } else {
                let mut melody = song.notes.clone();
                melody.retain(|note| note.start < now);
                melody.iter_mut().for_each(|note| note.end = note.end.min(now));
                let sung = SungBars {
                    first: first as i32,
                    bars: bar - first + LIVE_BARS,
                    melody: &melody,
                    is_ending: false,
                    ..song.sung(song.tune.key, idiom)
                };
                let wish = Wish { sung, played: &[], is_coloured: true, take: None, with_odds: false };
                chord_at(&spans(&harmonise_with(net, &wish)), now)
            };
            chords.extend(chord.map(|chord| ChordSpan { start: now, length: beat, chord }));
        }
    }
    chords
}

/// Triads of a position, the likeliest first.
pub fn ranked(slots: &[HarmonisedSlot], key: Key, at: Ticks) -> Vec<(u8, bool)> {
    let after = slots.partition_point(|slot| slot.at.start <= at);
    let Some(slot) = after.checked_sub(1).and_then(|index| slots.get(index)) else { return Vec::new() };
    let mut order: Vec<usize> = (0..slot.odds.len()).filter(|state| state % TRIADS < 2).collect();
    order.sort_by(|a, b| slot.odds[*b].total_cmp(&slot.odds[*a]));
    order.iter().map(|state| ((key.tonic + (state / TRIADS) as u8).0, state % TRIADS == 1)).collect()
}
