//! A mix -> beats, bars, chords and key.
//!
//! Offline ([`follow_mix`] with [`Mode::Studio`]) every stage sees the whole recording. Causal ([`Mode::Live`]) each beat is
//! stated as it falls, from the flux up to [`MixListener::LATENCY_HOPS`] hops before; its place in the bar and the chord
//! come from what was heard up to the beat before, and nothing stated is changed later.

mod bars;
mod beats;
mod chords;
pub mod pulse;

pub use bars::{BarTracker, BeatSpan};
pub use beats::BeatTracker;
pub use chords::{BeatHarmony, ChordTracker};

use super::grid::median_period;
use super::key::{KeyGuess, rank_histogram};
use crate::listen::HOP_S;
use crate::listen::mix::{Harmony, HarmonyMeter, MixListener, MixObservation};
use crate::score::{ChordSymbol, Key, Mode as KeyMode};
use crate::song::{MixChord, Mode, Settings};
use crate::time::Meter;

/// Flux, summed over the bands, from which a hop is a stroke, and its hops on both sides that are weaker.
const STROKE: f32 = 9.0;
const STROKE_HOPS: usize = 3;
/// Fewest beats of a song.
const LEAST_BEATS: usize = 8;
/// Log likelihood a hop that beats must gain over none: steady noise and a voice alone lose some.
pub const LEAST_GAIN: f64 = 0.0;
/// Weight of the chroma beside the notes of the chords in the key's histogram.
const CHROMA_SHARE: f64 = 0.3;
/// Bonus of a key whose tonic chord the song ends on, or begins with.
const LAST_CHORD: f64 = 0.2;
const FIRST_CHORD: f64 = 0.08;

/// A beat of a mix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixBeat {
    /// When, in seconds.
    pub time_s: f64,
    /// Its number in the bar, from 0.
    pub place: usize,
    /// Seconds of input heard when it was stated.
    pub known_s: f64,
}

/// What is known about a mix.
#[derive(Debug, Clone, PartialEq)]
pub struct MixTake {
    /// Its length in seconds.
    pub duration_s: f64,
    /// Strokes: times in seconds at which much begins to sound.
    pub strokes_s: Vec<f64>,
    /// Beats in order.
    pub beats: Vec<MixBeat>,
    /// The metre; live the last that was stated.
    pub meter: Meter,
    /// Chords in order, without gaps.
    pub chords: Vec<MixChord>,
    /// Keys, the likeliest first.
    pub keys: Vec<KeyGuess>,
    /// Cents above A4 = 440 Hz.
    pub tuning_cents: f64,
}

impl MixTake {
    /// The typical tempo in beats a minute: that of the median period.
    pub fn bpm(&self) -> f64 {
        60.0 / median_period(&self.beats.iter().map(|beat| beat.time_s).collect::<Vec<_>>())
    }
}

/// Why a mix cannot be followed.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum MixError {
    /// No pulse holds for long enough.
    #[error(
        "no beat found in {duration_s:.1} s: {strokes} strokes, none of them in a steady pulse; is it a mix with a band?"
    )]
    NoBeat {
        /// Its length in seconds.
        duration_s: f64,
        /// Strokes that were heard.
        strokes: usize,
    },
}

/// Beats, bars, chords and key of everything that was heard; `duration_s` is the length of the recording. Of the settings
/// count mode, tempo, metre and key.
pub fn follow_mix(
    heard: &[MixObservation],
    duration_s: f64,
    settings: &Settings,
) -> Result<MixTake, MixError> {
    let strokes_s = strokes(heard, duration_s);
    let harmonies: Vec<Harmony> = heard.iter().filter_map(|o| o.harmony).collect();
    let is_live = settings.mode == Mode::Live;
    let end = ((duration_s / HOP_S).ceil() as usize).min(heard.len());
    let mut tracker = BeatTracker::new(settings.bpm.map(|bpm| bpm.beat_period_s()), !is_live);
    let mut stated = Stated::new(settings, &heard[..end], &harmonies);
    for (hop, observation) in heard[..end].iter().enumerate() {
        if tracker.hear(&observation.flux)
            && let Some(now) = tracker.now().filter(|_| is_live)
        {
            stated.beat(hop.saturating_sub(now.since), hop);
        }
    }
    let none = || MixError::NoBeat { duration_s, strokes: strokes_s.len() };
    let (Some(first_s), Some(last_s)) = (strokes_s.first(), strokes_s.last()) else { return Err(none()) };
    if tracker.gain() < LEAST_GAIN {
        return Err(none());
    }
    let found = if is_live {
        stated.found
    } else {
        let within = |hop: &usize| {
            let time_s = *hop as f64 * HOP_S;
            time_s > first_s - 0.1 && time_s < last_s + 0.1
        };
        offline(&tracker.path().into_iter().filter(within).collect::<Vec<_>>(), heard, &harmonies, settings)
    };
    if found.beats.len() < LEAST_BEATS {
        return Err(none());
    }
    let chords = joined(&found, duration_s);
    let keys = match settings.key {
        Some(key) => vec![KeyGuess { key, probability: 1.0 }],
        None => keys(&chords, &harmonies),
    };
    let tuning_cents = harmonies.last().map_or(0.0, |h| f64::from(h.tuning_cents));
    Ok(MixTake { duration_s, strokes_s, beats: found.beats, meter: found.meter, chords, keys, tuning_cents })
}

/// Beats with their places and chords.
#[derive(Debug)]
struct Found {
    beats: Vec<MixBeat>,
    meter: Meter,
    /// The chord from each beat to the next.
    chords: Vec<Option<ChordSymbol>>,
}

fn offline(hops: &[usize], heard: &[MixObservation], harmonies: &[Harmony], settings: &Settings) -> Found {
    let bounds: Vec<(usize, usize)> = hops
        .iter()
        .enumerate()
        .map(|(index, hop)| {
            let period = index.checked_sub(1).map_or(50, |before| hop - hops[before]);
            (*hop, hops.get(index + 1).copied().unwrap_or(hop + period))
        })
        .collect();
    let sounding: Vec<BeatHarmony> =
        bounds.iter().map(|(from, to)| harmony_between(harmonies, *from, *to, usize::MAX)).collect();
    let changes = changes(&sounding);
    let mean = (changes.iter().sum::<f32>() / changes.len().max(1) as f32).max(1e-6);
    let mut bars = BarTracker::new(settings.meter);
    for ((from, to), change) in bounds.iter().zip(&changes) {
        bars.hear(&span(heard, *from, *to, Some(change / mean)));
    }
    let (meter, places) = bars.path();
    let per_bar = meter.beats_per_bar();
    let find = |key: Option<Key>| {
        let mut tracker = ChordTracker::new(key);
        for (sounding, place) in sounding.iter().zip(&places) {
            tracker.hear(sounding, *place, per_bar);
        }
        tracker.path()
    };
    let known_s = heard.len() as f64 * HOP_S;
    let beats = hops
        .iter()
        .zip(&places)
        .map(|(hop, place)| MixBeat { time_s: *hop as f64 * HOP_S, place: *place, known_s })
        .collect();
    let mut found = Found { beats, meter, chords: find(settings.key) };
    if settings.key.is_none() {
        let key = keys(&joined(&found, known_s), harmonies).first().map(|guess| guess.key);
        found.chords = find(key);
    }
    found
}

/// What is stated live, beat by beat.
struct Stated<'a> {
    heard: &'a [MixObservation],
    harmonies: &'a [Harmony],
    bars: BarTracker,
    chords: ChordTracker,
    hops: Vec<usize>,
    before: BeatHarmony,
    /// Sum of the changes of harmony so far, and their number.
    changes: (f32, f32),
    found: Found,
}

impl<'a> Stated<'a> {
    fn new(settings: &Settings, heard: &'a [MixObservation], harmonies: &'a [Harmony]) -> Self {
        Self {
            heard,
            harmonies,
            bars: BarTracker::new(settings.meter),
            chords: ChordTracker::new(settings.key),
            hops: Vec::new(),
            before: BeatHarmony::default(),
            changes: (0.0, 0.0),
            found: Found {
                beats: Vec::new(),
                meter: settings.meter.unwrap_or(Meter::FOUR_FOUR),
                chords: Vec::new(),
            },
        }
    }

    /// A beat falls at a hop; the newest flux is that of `newest`.
    fn beat(&mut self, hop: usize, newest: usize) {
        let mut place = 0;
        if let [.., from, to] = self.hops[..] {
            let input = newest + MixListener::LATENCY_HOPS;
            let sounding = harmony_between(self.harmonies, from, to, input);
            let change = self.before.change(&sounding);
            self.changes = (self.changes.0 + change, self.changes.1 + 1.0);
            let mean = (self.changes.0 / self.changes.1).max(1e-6);
            self.before = sounding;
            self.bars.hear(&span(self.heard, from, to, Some(change / mean)));
            let (meter, then) = self.bars.now();
            self.chords.hear(&sounding, then, meter.beats_per_bar());
            self.found.chords.push(self.chords.now());
            self.found.meter = meter;
            place = (then + 2) % meter.beats_per_bar();
        }
        self.hops.push(hop);
        let known_s = (newest + MixListener::LATENCY_HOPS) as f64 * HOP_S;
        self.found.beats.push(MixBeat { time_s: hop as f64 * HOP_S, place, known_s });
    }
}

/// The flux from one beat to the next.
fn span(heard: &[MixObservation], from: usize, to: usize, change: Option<f32>) -> BeatSpan {
    let end = to.min(heard.len());
    BeatSpan { flux: heard[from.min(end)..end].iter().map(|o| o.flux).collect(), change }
}

/// What sounds between two hops: the median over the windows in between, so that strokes do not count, as far as it is
/// known after `input` hops.
pub fn harmony_between(harmonies: &[Harmony], from: usize, to: usize, input: usize) -> BeatHarmony {
    // Windows next to the beat hear its other side as well.
    let margin = ((to - from.min(to)) / 8) as u64;
    let first = harmonies.partition_point(|h| h.hop < from as u64 + margin);
    let last = harmonies.partition_point(|h| {
        h.hop + margin <= to as u64 && h.hop as usize + HarmonyMeter::LATENCY_HOPS <= input
    });
    let inside = harmonies.get(first..last).unwrap_or_default();
    let mut column = Vec::with_capacity(inside.len());
    let mut median = |value: &dyn Fn(&Harmony) -> f32| {
        column.clear();
        column.extend(inside.iter().map(value));
        column.sort_by(f32::total_cmp);
        column.get(column.len() / 2).copied().unwrap_or(0.0)
    };
    BeatHarmony {
        upper: std::array::from_fn(|class| median(&|h| h.upper[class])),
        bass: std::array::from_fn(|class| median(&|h| h.bass[class])),
    }
}

/// How much harmony changes at each beat.
pub fn changes(sounding: &[BeatHarmony]) -> Vec<f32> {
    let before = std::iter::once(&BeatHarmony::default()).chain(sounding).copied().collect::<Vec<_>>();
    before.iter().zip(sounding).map(|(before, now)| before.change(now)).collect()
}

/// Hops at which more begins to sound than around them.
fn strokes(heard: &[MixObservation], duration_s: f64) -> Vec<f64> {
    let sums: Vec<f32> = heard.iter().map(|o| o.flux.iter().sum()).collect();
    let is_stroke = |index: &usize| {
        let around = &sums[index.saturating_sub(STROKE_HOPS)..(index + STROKE_HOPS + 1).min(sums.len())];
        sums[*index] >= STROKE && around.iter().all(|sum| *sum <= sums[*index])
    };
    (0..sums.len()).filter(is_stroke).map(|i| i as f64 * HOP_S).filter(|s| *s < duration_s).collect()
}

/// Neighbours with the same chord are one.
fn joined(found: &Found, duration_s: f64) -> Vec<MixChord> {
    let mut chords: Vec<MixChord> = Vec::new();
    for (index, (beat, chord)) in found.beats.iter().zip(&found.chords).enumerate() {
        let end_s = found.beats.get(index + 1).map_or(duration_s, |next| next.time_s);
        match chords.last_mut().filter(|last| last.chord == *chord) {
            Some(last) => last.end_s = end_s,
            None => chords.push(MixChord { start_s: beat.time_s, end_s, chord: *chord }),
        }
    }
    chords
}

/// Keys from the notes of the chords and the chroma, tuned; major and minor start equal.
pub fn keys(chords: &[MixChord], harmonies: &[Harmony]) -> Vec<KeyGuess> {
    let mut histogram = [0.0f64; 12];
    let mut chroma = [0.0f64; 12];
    for MixChord { start_s, end_s, chord } in chords {
        for pitch_class in chord.iter().flat_map(|chord| chord.pitch_classes()) {
            histogram[usize::from(pitch_class.0)] += end_s - start_s;
        }
    }
    for harmony in harmonies {
        chroma.iter_mut().zip(&harmony.upper).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let totals = (histogram.iter().sum::<f64>().max(1e-9), chroma.iter().sum::<f64>().max(1e-9));
    for (class, share) in histogram.iter_mut().enumerate() {
        *share = *share / totals.0 + CHROMA_SHARE * chroma[class] / totals.1;
    }
    let played: Vec<ChordSymbol> = chords.iter().filter_map(|c| c.chord).collect();
    let is_tonic = |chord: Option<&ChordSymbol>, key: Key| {
        chord.is_some_and(|c| c.root == key.tonic && c.quality.is_minor() == (key.mode == KeyMode::Minor))
    };
    rank_histogram(&histogram, &|key, likeness| {
        let last = if is_tonic(played.last(), key) { LAST_CHORD } else { 0.0 };
        let first = if is_tonic(played.first(), key) { FIRST_CHORD } else { 0.0 };
        likeness + last + first
    })
}
