//! Chords by the trained network, under constraints of our own.

mod again;
mod lattice;
pub mod slots;

use std::panic::{AssertUnwindSafe, catch_unwind};

use collavoce_models::WeightsError;
use collavoce_models::harmony::{COLOURS, HarmonyNet, SlotOdds, Stream, TRIADS};

use super::given::Given;
use super::harmony::{colour, harmony_notes};
use super::rules::Rules;
use super::whim::Whim;
use super::{Composer, Plan, PlanRequest, Third, Wanted};
use crate::score::{BarNumber, ChordSpan, ChordSymbol, Key, PartBar, Score};
use crate::song::{Idiom, Settings, Style};
use crate::time::Ticks;
use lattice::{Lattice, STATES, States};
use slots::{SungBars, TimedSlot, chord_of, index_of, slots};

/// How much counts what usually follows what, against the network's judgement of a slot, which has heard most of it.
const HABIT: f64 = 0.2;
/// Bars that a stream of the network can remember: all of its layers' windows, of two slots a bar.
const REMEMBERED_BARS: i32 = 64;
/// Weight of what a take's die throws, and how far a triad may lie behind the likeliest to be thrown for, in logarithms.
const WHIM: f64 = 2.0;
const WHIM_REACH: f64 = 3.5;
/// What speaks against the other mode of a chord beside it, in logarithms: where a voice slides into a third both are
/// heard, and a band that follows it is out of tune.
const OTHER_MODE: f64 = 2.0;
/// What speaks against staying for another bar on a triad that has been held for [`lattice::HELD`] of them in a known
/// take, in logarithms. The network has learnt from notes that are right; where many are not it is sure of little, and stays.
const LONG: f64 = 1.2;
/// The idiom of the network whose songs sit on a chord for as long as they like.
const LEAD_SHEETS: usize = 1;
/// What speaks for the tonic where the song ends.
const HOME: f64 = 2.0;

/// Chords by the network, parts by the rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Learnt {
    rules: Rules,
}

impl Composer for Learnt {
    fn name(&self) -> &'static str {
        "model and rules"
    }

    fn plan(&mut self, request: &PlanRequest<'_>) -> Plan {
        // The network's errors are panics; a song must not end with one.
        match catch_unwind(AssertUnwindSafe(|| chords(request))) {
            Ok(Ok((chords, thirds))) => Plan { thirds, ..self.rules.play(request, chords) },
            _ => self.rules.plan(request),
        }
    }

    fn bar(&mut self, score: &Score, settings: &Settings, bar: BarNumber, wanted: &[Wanted]) -> Vec<PartBar> {
        self.rules.bar(score, settings, bar, wanted)
    }
}

/// Chords of the bars asked for, and how sure their thirds are where they are foretold.
fn chords(request: &PlanRequest<'_>) -> Result<(Vec<ChordSpan>, Vec<Third>), WeightsError> {
    let PlanRequest { score, settings, .. } = *request;
    let given = Given::of(score, settings, request.first, request.bars);
    if given.says_all() {
        return Ok((given.chords(), Vec::new()));
    }
    let melody =
        harmony_notes(score.melody.iter().map(|n| (n.start, n.end(), n.pitch.0)), score.meter.beat());
    let phrases: Vec<(Ticks, Ticks)> = score.phrases.iter().map(|p| (p.start, p.end)).collect();
    let from = score.bar(request.first).start;
    let is_known = request.heard_until >= score.bar(BarNumber(request.first.0 + request.bars as i32)).start;
    // The network hears a known song from its beginning to its end; live, what it remembers of it.
    let begin = if is_known { 0 } else { (request.first.0 - 1 - REMEMBERED_BARS).max(0) };
    let first = (request.first.0 - 1).min(begin);
    let last = request.first.0 - 1 + request.bars as i32;
    let fixed = Given::of(score, settings, BarNumber(first + 1), (last - first).max(0) as u32).chords();
    let played: Vec<ChordSpan> = if is_known { Vec::new() } else { score.chords.clone() };
    let harmonised = harmonise(&Wish {
        sung: SungBars {
            key: score.key,
            meter: score.meter,
            idiom: idiom(settings),
            bar_one: score.bar(BarNumber(1)).start,
            first,
            bars: (last - first).max(0) as usize,
            melody: &melody,
            phrases: &phrases,
            heard_until: request.heard_until,
            fixed: &fixed,
            is_ending: request.is_ending,
        },
        played: &played,
        is_coloured: settings.idiom != Idiom::Style || matches!(settings.style, Style::Folk | Style::Jazz),
        take: Whim::of(request),
        with_odds: !is_known,
    })?;
    let wanted: Vec<HarmonisedSlot> = harmonised.into_iter().filter(|slot| slot.at.start >= from).collect();
    let mut spans = spans(&wanted);
    if settings.idiom == Idiom::Style {
        // What the network leaves bare is coloured as the style asks.
        colour(&mut spans, score.key, settings.style, &melody);
    }
    let thirds = wanted.iter().filter(|slot| !slot.odds.is_empty()).map(|slot| third(slot, score.key));
    let thirds = thirds.collect();
    Ok((given.over(&spans), thirds))
}

/// How likely the third of a slot's chord belongs to the harmony: to any triad that may stand there.
fn third(slot: &HarmonisedSlot, key: Key) -> Third {
    let tone = slot.chord.pitch_classes().find(|tone| [3, 4].contains(&tone.above(slot.chord.root)));
    let holds = |triad: usize| tone.is_some_and(|tone| chord_of(triad * COLOURS, key).holds(tone));
    let probability = match tone {
        None => 1.0,
        Some(_) => {
            slot.odds.iter().enumerate().filter(|(triad, _)| holds(*triad)).map(|(_, odds)| odds).sum()
        }
    };
    Third { start: slot.at.start, end: slot.at.end, probability }
}

/// The idiom of the network, by its number in training.
fn idiom(settings: &Settings) -> usize {
    match settings.idiom {
        Idiom::Style => usize::from(settings.style == Style::Jazz),
        Idiom::Folk => 0,
        Idiom::TinPanAlley => 1,
        Idiom::ArtSong => 2,
        Idiom::Chorale => 3,
    }
}

/// What is asked of a path.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The melody.
    pub sung: SungBars<'a>,
    /// Chords that have sounded, in order: they stand, whatever the network would say.
    pub played: &'a [ChordSpan],
    /// Whether chords bear sevenths and sixths.
    pub is_coloured: bool,
    /// Another path than the likeliest.
    pub take: Option<Whim<'a>>,
    /// Whether the odds of all triads are wanted, too.
    pub with_odds: bool,
}

/// A slot with its chord.
#[derive(Debug, Clone, PartialEq)]
pub struct HarmonisedSlot {
    /// Where it lies.
    pub at: TimedSlot,
    /// Its chord.
    pub chord: ChordSymbol,
    /// How likely each triad is in it, by semitones above the tonic and kind, as shares of 1; empty if nobody wants them.
    pub odds: Vec<f64>,
}

/// Chords of every slot.
///
/// # Errors
/// If the network's weights are damaged.
pub fn harmonise(wish: &Wish<'_>) -> Result<Vec<HarmonisedSlot>, WeightsError> {
    Ok(harmonise_with(HarmonyNet::embedded()?, wish))
}

/// [`harmonise`] with a network.
pub fn harmonise_with(net: &HarmonyNet, wish: &Wish<'_>) -> Vec<HarmonisedSlot> {
    let all = slots(&wish.sung);
    let judged = judge(net, &all);
    let key = wish.sung.key;
    let played = |timed: &TimedSlot| {
        let span = wish.played.iter().find(|span| span.start <= timed.start && timed.start < span.end());
        span.map(|span| index_of(span.chord, key))
    };
    let stands: Vec<Option<usize>> =
        all.iter().map(|timed| timed.slot.chord.or_else(|| played(timed))).collect();
    let tonic = index_of(ChordSymbol::tonic(key), key) / COLOURS;
    let states = (0..all.len())
        .map(|at| {
            let mut states = states(&all[at], stands[at], &judged[at], tonic);
            if let Some(whim) = wish.take {
                let most = states.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for (state, noise) in states.iter_mut().zip(whim.noise(all[at].start)) {
                    if *state > most - WHIM_REACH {
                        *state += WHIM * noise;
                    }
                }
            }
            states
        })
        .collect();
    let moves = |slot: usize, from: usize, to: usize| {
        let begins_bar = all.get(slot).is_none_or(|timed| timed.slot.place.slot == 0);
        let turns = from != to && from / TRIADS == to / TRIADS;
        HABIT * f64::from(net.follows(from, to, begins_bar)) - if turns { OTHER_MODE } else { 0.0 }
    };
    let begins_bar = all.iter().map(|timed| timed.slot.place.slot == 0).collect();
    let is_known = all.iter().all(|timed| timed.slot.is_heard);
    let long = if is_known && wish.sung.idiom != LEAD_SHEETS { LONG } else { 0.0 };
    let lattice = Lattice { slots: states, moves: &moves, begins_bar, long };
    let path = lattice.best();
    let odds = if wish.with_odds { lattice.odds() } else { Vec::new() };
    path.iter()
        .enumerate()
        .map(|(at, triad)| {
            let index = stands[at].unwrap_or_else(|| coloured(*triad, &judged[at], wish.is_coloured));
            let odds = odds.get(at).map(|odds| odds.to_vec()).unwrap_or_default();
            HarmonisedSlot { at: all[at], chord: chord_of(index, key), odds }
        })
        .collect()
}

/// Joins slots with one chord.
pub fn spans(slots: &[HarmonisedSlot]) -> Vec<ChordSpan> {
    let mut spans: Vec<ChordSpan> = Vec::with_capacity(slots.len());
    for slot in slots {
        match spans.last_mut() {
            Some(last) if last.chord == slot.chord && last.end() == slot.at.start => {
                last.length = slot.at.end - last.start;
            }
            _ => spans.push(ChordSpan {
                start: slot.at.start,
                length: slot.at.end - slot.at.start,
                chord: slot.chord,
            }),
        }
    }
    spans
}

/// What the network says of every slot: those that are heard are judged from both sides where all are, the others from
/// what was before them.
fn judge(net: &HarmonyNet, slots: &[TimedSlot]) -> Vec<SlotOdds> {
    let mut onward = net.onward();
    let forward: Vec<Vec<f32>> = slots.iter().map(|timed| onward.read(&timed.slot)).collect();
    if slots.iter().all(|timed| timed.slot.is_heard) {
        let mut backward = net.backward();
        let mut turned: Vec<Vec<f32>> = slots.iter().rev().map(|timed| backward.read(&timed.slot)).collect();
        turned.reverse();
        let mut judged = forward
            .iter()
            .zip(&turned)
            .map(|(onward, backward)| net.judge(onward, backward))
            .collect::<Vec<_>>();
        again::draw_together(slots, &mut judged);
        return judged;
    }
    let silence = Stream::silence();
    (0..slots.len())
        .map(|index| {
            let before = index.checked_sub(1).map_or(&silence, |before| &forward[before]);
            net.foretell(before, &slots[index].slot.place)
        })
        .collect()
}

/// What speaks for each triad in a slot.
fn states(timed: &TimedSlot, stands: Option<usize>, odds: &SlotOdds, tonic: usize) -> States {
    if let Some(fixed) = stands {
        return std::array::from_fn(|state| if state == fixed / COLOURS { 0.0 } else { f64::NEG_INFINITY });
    }
    let mut states = [0.0; STATES];
    for (state, colours) in states.iter_mut().zip(odds.chunks_exact(COLOURS)) {
        let share: f64 = colours.iter().map(|odds| f64::from(odds.exp())).sum();
        *state = share.max(1e-9).ln();
    }
    if timed.slot.ends_song {
        states[tonic] += HOME;
    }
    states
}

/// A triad with the colour that the network finds likeliest.
fn coloured(triad: usize, odds: &SlotOdds, is_coloured: bool) -> usize {
    let bare = triad * COLOURS;
    if !is_coloured || triad % TRIADS == TRIADS - 1 {
        return bare;
    }
    (bare..bare + COLOURS).max_by(|a, b| odds[*a].total_cmp(&odds[*b])).unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Meter, TickCount};

    #[test]
    fn a_slide_into_a_third_does_not_turn_the_chord() {
        // Nine bars of a recording (vocadito 10) in B flat minor, in eighths: (beginning, length, pitch). In bar 6 the
        // voice slides from G flat over G to A flat, and Ebm went on as Eb for half a bar.
        const SUNG: [(i64, i64, u8); 27] = [
            (0, 6, 47),
            (6, 4, 46),
            (10, 2, 47),
            (12, 2, 51),
            (15, 7, 54),
            (22, 1, 54),
            (23, 2, 56),
            (26, 2, 51),
            (28, 2, 49),
            (30, 2, 45),
            (33, 1, 44),
            (34, 2, 45),
            (36, 8, 47),
            (46, 2, 45),
            (48, 4, 46),
            (52, 4, 46),
            (57, 1, 49),
            (60, 6, 54),
            (67, 1, 54),
            (68, 2, 55),
            (70, 2, 51),
            (72, 3, 48),
            (75, 2, 46),
            (78, 3, 46),
            (81, 1, 46),
            (82, 5, 46),
            (87, 2, 48),
        ];
        const STEP: i64 = 240;
        let ticks = |steps: i64| Ticks(0) + TickCount(STEP) * steps;
        let meter = "6/8".parse::<Meter>().expect("a metre");
        let notes = SUNG.iter().map(|(start, length, pitch)| (ticks(*start), ticks(start + length), *pitch));
        let melody = harmony_notes(notes, meter.beat());
        let phrases = [(ticks(0), ticks(89))];
        let wish = Wish {
            sung: SungBars {
                key: "Bbm".parse().expect("a key"),
                meter,
                idiom: 0,
                bar_one: Ticks(0),
                first: 0,
                bars: 8,
                melody: &melody,
                phrases: &phrases,
                heard_until: Ticks(i64::MAX),
                fixed: &[],
                is_ending: true,
            },
            played: &[],
            is_coloured: false,
            take: None,
            with_odds: false,
        };
        let found = spans(&harmonise(&wish).expect("weights"));
        let turns = found.windows(2).any(|pair| {
            let [one, two] = [pair[0].chord, pair[1].chord];
            one.root == two.root && one.quality != two.quality
        });
        assert!(!turns, "{:?}", found.iter().map(|span| span.chord.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn thirds_of_what_is_foretold_have_a_probability_and_those_of_a_known_take_none() {
        let score = crate::compose::sung::score(8, &crate::compose::sung::lines(2, 2), &["A"], 0.5);
        let settings = Settings::default();
        let plan = |heard_until: Ticks| {
            let request = PlanRequest {
                score: &score,
                settings: &settings,
                first: BarNumber(4),
                bars: 1,
                heard_until,
                is_ending: false,
            };
            Learnt::default().plan(&request).thirds
        };
        let bar = score.bar(BarNumber(4));
        let thirds = plan(bar.start - TickCount(1));
        assert_eq!((thirds[0].start, thirds[thirds.len() - 1].end), (bar.start, bar.end));
        assert!(thirds.iter().all(|third| third.probability > 0.0 && third.probability <= 1.0 + 1e-9));
        assert_eq!(plan(bar.end), []);
    }
}
