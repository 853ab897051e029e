//! Chords for written melodies against the written chords.

mod baseline;
mod figures;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use collavoce::compose::harmony::{HarmonyNote, HarmonyRequest, harmonise, harmony_notes};
use collavoce::compose::model::slots::SungBars;
use collavoce::compose::model::{HarmonisedSlot, Wish, harmonise_with, spans};
use collavoce::follow::key::rank_keys;
use collavoce::score::{ChordSpan, Key};
use collavoce::song::Style;
use collavoce::time::{TickCount, Ticks};
use collavoce_data::songs::{self, Split};
use collavoce_data::tune::Tune;
use collavoce_models::harmony::{HarmonyNet, TRIADS};

use crate::keys;
use baseline::Counted;
use figures::{Figures, chord_at};

/// Bars that are written ahead live.
const LIVE_BARS: usize = 1;
/// Bars that the rules look back on live.
const RULES_LOOK_BACK: usize = 3;

/// What is measured.
#[derive(Debug, Default)]
pub struct Options {
    /// Measure songs that nothing was chosen on.
    pub validate: bool,
    /// A folder with other weights than those of the program: `harmony.bpk` and `harmony.sha256`.
    pub weights: Option<PathBuf>,
}

/// A melody to be harmonised.
struct Song {
    tune: Tune,
    notes: Vec<HarmonyNote>,
    phrases: Vec<(Ticks, Ticks)>,
    /// The key that is found in it.
    found: Key,
}

impl Song {
    fn new(tune: Tune) -> Self {
        let notes = harmony_notes(tune.melody.iter().copied(), tune.meter.beat());
        let phrases = tune.phrases();
        let found = rank_keys(&keys::notes(&tune)).first().map_or(tune.key, |guess| guess.key);
        Self { tune, notes, phrases, found }
    }

    fn sung(&self, key: Key, idiom: usize) -> SungBars<'_> {
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
}

/// Measures folk tunes and lead sheets and prints a table of each.
pub fn run(folder: &Path, options: &Options) -> anyhow::Result<()> {
    let other = match &options.weights {
        Some(folder) => {
            let read = |name: &str| {
                std::fs::read(folder.join(name))
                    .with_context(|| format!("{} holds no {name}", folder.display()))
            };
            let hash = String::from_utf8_lossy(&read("harmony.sha256")?).into_owned();
            Some(HarmonyNet::load(&read("harmony.bpk")?, &hash)?)
        }
        None => None,
    };
    let net = match &other {
        Some(net) => net,
        None => HarmonyNet::embedded()?,
    };
    let wanted = if options.validate { Split::Validate } else { Split::Develop };
    let sets = songs::read(folder)?;
    for (idiom, (name, style)) in
        [("folk tunes", Style::Folk), ("lead sheets", Style::Jazz)].into_iter().enumerate()
    {
        let Some(set) = sets.iter().find(|set| set.name == name) else { continue };
        let of = |split: Split| set.tunes.iter().filter(move |(s, _)| *s == split).map(|(_, tune)| tune);
        let counted = Counted::of(of(Split::Learn));
        let songs: Vec<Song> = of(wanted).cloned().map(Song::new).collect();
        println!("{name}: {} songs, {} learnt from", songs.len(), of(Split::Learn).count());
        println!("  {:22} {}", "", Figures::COLUMNS);
        report(&songs, &counted, net, idiom, style);
    }
    Ok(())
}

fn report(songs: &[Song], counted: &Counted, net: &HarmonyNet, idiom: usize, style: Style) {
    let print = |name: &str, chords: &dyn Fn(&Song) -> Vec<ChordSpan>| {
        let mut figures = Figures::default();
        songs.iter().for_each(|song| figures.add(&song.tune, &chords(song), None));
        println!("  {name:22} {}", figures.row());
    };
    print("written", &|song| song.tune.chords.clone());
    print("tonic", &|song| baseline::tonic(&song.tune));
    print("likeliest at its place", &|song| counted.at_place(&song.tune));
    print("template", &|song| baseline::template(&song.tune));
    print("pairs and notes", &|song| counted.chain(&song.tune));
    print("rules", &|song| rules(song, song.tune.key, style));
    print("rules, key found", &|song| rules(song, song.found, style));
    print("rules, live", &|song| rules_live(song, style));
    let print = |name: &str, slots: &dyn Fn(&Song) -> Vec<HarmonisedSlot>, key: fn(&Song) -> Key| {
        let mut figures = Figures::default();
        for song in songs {
            let slots = slots(song);
            figures.add(&song.tune, &spans(&slots), Some(&|at| ranked(&slots, key(song), at)));
        }
        println!("  {name:22} {}", figures.row());
    };
    let given = |song: &Song| song.tune.key;
    print("model", &|song| studio(net, song, song.tune.key, idiom), given);
    print("model, key found", &|song| studio(net, song, song.found, idiom), |song| song.found);
    print("model, live", &|song| live(net, song, song.tune.key, idiom, false), given);
    print("model, live, corrected", &|song| live(net, song, song.tune.key, idiom, true), given);
}

fn rules(song: &Song, key: Key, style: Style) -> Vec<ChordSpan> {
    harmonise(&HarmonyRequest {
        key,
        meter: song.tune.meter,
        style,
        from: Ticks(0),
        bars: song.tune.bars,
        melody: &song.notes,
        phrase_ends: &song.tune.phrase_ends,
        before: None,
        is_ending: true,
    })
}

fn studio(net: &HarmonyNet, song: &Song, key: Key, idiom: usize) -> Vec<HarmonisedSlot> {
    harmonise_with(net, &Wish { sung: song.sung(key, idiom), played: &[], is_coloured: true, take: None })
}

/// Every bar is written when the one before it has been sung, and corrected in its middle if it has two slots.
fn live(net: &HarmonyNet, song: &Song, key: Key, idiom: usize, is_corrected: bool) -> Vec<HarmonisedSlot> {
    let mut slots: Vec<HarmonisedSlot> = Vec::new();
    let per_bar = song.tune.meter.chord_beats().len();
    for bar in 0..song.tune.bars {
        let bar_start = Ticks(0) + song.tune.meter.bar() * bar as i64;
        for slot in 0..if is_corrected { per_bar } else { 1 } {
            // What begins with the last slot that was written is written anew.
            let start = match slots.get(bar * per_bar + slot) {
                Some(written) if slot > 0 => written.at.start,
                _ => bar_start,
            };
            slots.truncate(bar * per_bar + slot);
            let sung = SungBars {
                bars: bar + LIVE_BARS,
                heard_until: start,
                is_ending: false,
                ..song.sung(key, idiom)
            };
            let played = spans(&slots);
            let wish = Wish { sung, played: &played, is_coloured: true, take: None };
            slots.extend(harmonise_with(net, &wish).into_iter().filter(|slot| slot.at.start >= start));
        }
    }
    slots
}

/// The rules in the same place: every bar when the one before it has been sung, with the three before it.
fn rules_live(song: &Song, style: Style) -> Vec<ChordSpan> {
    let mut chords: Vec<ChordSpan> = Vec::new();
    for bar in 0..song.tune.bars {
        let start = Ticks(0) + song.tune.meter.bar() * bar as i64;
        let back = bar.min(RULES_LOOK_BACK);
        let from = start - song.tune.meter.bar() * back as i64;
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
            is_ending: false,
        });
        chords.extend(found.into_iter().filter(|span| span.start >= start));
    }
    chords
}

/// Triads of a position, the likeliest first.
fn ranked(slots: &[HarmonisedSlot], key: Key, at: Ticks) -> Vec<(u8, bool)> {
    let after = slots.partition_point(|slot| slot.at.start <= at);
    let Some(slot) = after.checked_sub(1).and_then(|index| slots.get(index)) else { return Vec::new() };
    let mut order: Vec<usize> = (0..slot.odds.len()).filter(|state| state % TRIADS < 2).collect();
    order.sort_by(|a, b| slot.odds[*b].total_cmp(&slot.odds[*a]));
    order.iter().map(|state| ((key.tonic + (state / TRIADS) as u8).0, state % TRIADS == 1)).collect()
}
