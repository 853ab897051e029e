//! The composer that is always there: rules of the trade.
//!
//! Every bar of every part is a function of the score's skeleton (chords, melody, sections) and of
//! `(seed, part, bar, take)`; no bar reads the notes of another, so one can be recomposed alone.

pub(super) mod bass;
pub(super) mod drums;
pub(super) mod guitar;
pub(super) mod strings;
mod voicing;

#[cfg(test)]
mod tests;

use super::given::Given;
use super::harmony::{HarmonyRequest, harmonise, harmony_notes};
use super::intensity::Intensity;
use super::line::{Line, Moment, Rest};
use super::whim::Whim;
use super::{Composer, Plan, PlanRequest, Wanted};
use crate::score::{Bar, BarNumber, ChordSpan, ChordSymbol, Note, Part, PartBar, Score};
use crate::song::{Feel, Mode, Rng, Settings, Style};
use crate::time::{Meter, TickCount, Ticks};

pub use voicing::{Fretting, STANDARD_TUNING, fretting};

/// Accent of a stroke that meets an entry of the voice, in velocity.
const ENTRY_ACCENT: f64 = 9.0;
/// What strokes in a breath, and right after the end of a phrase, have more in velocity: less.
const BREATH_SOFTER: f64 = -7.0;

/// The rule-based composer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules;

impl Rules {
    /// Parts over chords that stand.
    pub(super) fn play(self, request: &PlanRequest<'_>, chords: Vec<ChordSpan>) -> Plan {
        let mut score = request.score.clone();
        let from = score.bar(request.first).start;
        score.chords.retain(|span| span.start < from);
        score.chords.extend(chords.iter().copied());
        let (mut parts, mut other_takes) = (Vec::new(), Vec::new());
        for part in &request.settings.parts {
            for offset in 0..request.bars {
                let bar = BarNumber(request.first.0 + offset as i32);
                let take = request.settings.take_of(*part, bar);
                parts.push(self.part_bar(&score, request.settings, *part, bar, take));
                if take != 1 {
                    other_takes.push(self.part_bar(&score, request.settings, *part, bar, 1));
                }
            }
        }
        Plan { chords, parts, other_takes, thirds: Vec::new() }
    }

    /// One take of one part in a bar.
    pub fn part_bar(
        self,
        score: &Score,
        settings: &Settings,
        part: Part,
        bar: BarNumber,
        take: u32,
    ) -> PartBar {
        let context = BarContext::new(score, settings, part, bar);
        let mut rng = settings.seed.rng(part, bar, take);
        let mut notes = match part {
            _ if context.chords.is_empty() || context.ending == Ending::After => Vec::new(),
            Part::Guitar => guitar::bar(&context, take, &mut rng),
            Part::Drums => drums::bar(&context, take, &mut rng),
            Part::Strings => strings::bar(&context, take, &mut rng),
            Part::Bass => bass::bar(&context, take, &mut rng),
        };
        notes.sort_by_key(|n| (n.start, n.pitch));
        notes.dedup_by_key(|n| (n.start, n.pitch));
        PartBar { part, bar, take, notes }
    }
}

impl Composer for Rules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn plan(&mut self, request: &PlanRequest<'_>) -> Plan {
        self.play(request, chords(request))
    }

    fn bar(&mut self, score: &Score, settings: &Settings, bar: BarNumber, wanted: &[Wanted]) -> Vec<PartBar> {
        wanted.iter().map(|(part, take)| self.part_bar(score, settings, *part, bar, *take)).collect()
    }
}

/// Chords of the bars asked for: those that are given, and others found for the melody.
fn chords(request: &PlanRequest<'_>) -> Vec<ChordSpan> {
    let score = request.score;
    let given = Given::of(score, request.settings, request.first, request.bars);
    if given.says_all() {
        return given.chords();
    }
    let first = score.bar(request.first);
    let melody =
        harmony_notes(score.melody.iter().map(|n| (n.start, n.end(), n.pitch.0)), score.meter.beat());
    let phrase_ends: Vec<Ticks> = score.phrases.iter().map(|p| p.end).collect();
    let mut chords = harmonise(&HarmonyRequest {
        key: score.key,
        meter: score.meter,
        style: request.settings.style,
        from: first.start,
        bars: request.bars as usize,
        melody: &melody,
        phrase_ends: &phrase_ends,
        before: score.chord_at(first.start - TickCount(1)),
        given: &given.chords(),
        is_ending: request.is_ending,
        whim: Whim::of(request),
    });
    // Joined over bar lines where the chord stays.
    chords.dedup_by(|next, last| {
        let same = next.chord == last.chord && next.start == last.end();
        if same {
            last.length = next.end() - last.start;
        }
        same
    });
    given.over(&chords)
}

/// Where a bar stands to the one in which the song comes to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Before it.
    NotYet,
    /// Here every chord is struck once, and the last one held to the end of the score.
    Final,
    /// After it: nothing begins.
    After,
}

/// The bar in which the song comes to rest: that of the last sung note, of the last chord if one begins later while the
/// note is held, or the last one of an outro.
///
/// Live nobody knows it before the voice has stopped: then the score ends with an outro.
fn final_bar(score: &Score, mode: Mode) -> BarNumber {
    let last_bar = score.bar_number(score.bars.saturating_sub(1));
    if score.sections.last().is_some_and(|s| s.label == "Outro") {
        return last_bar;
    }
    if mode == Mode::Live {
        return BarNumber(i32::MAX);
    }
    let Some(last) = score.melody.last() else { return last_bar };
    let bar = score.bar_at(last.start);
    // A last note that is tied over the bar line comes to rest in the next bar.
    let anticipates = (bar.end - last.start).0 <= score.meter.beat().0 / 2 && last.end() > bar.end;
    let rests = bar.number.0 + i32::from(anticipates);
    let chord = score.chords.last().map_or(rests, |span| score.bar_at(span.start).number.0);
    BarNumber(rests.max(chord).min(last_bar.0))
}

/// All that the rules know about a bar.
pub(super) struct BarContext<'a> {
    pub(super) score: &'a Score,
    pub(super) settings: &'a Settings,
    pub(super) bar: Bar,
    pub(super) meter: Meter,
    /// Chords inside the bar, cut to it.
    pub(super) chords: Vec<ChordSpan>,
    /// The chord that the next bar begins with.
    pub(super) next_chord: Option<ChordSymbol>,
    /// How full to play, 0 to 1.
    pub(super) energy: f64,
    /// Where the voice sounds and rests around the bar.
    pub(super) line: Line,
    /// Level and register of the voice.
    pub(super) intensity: Intensity,
    /// Share of the bar in which the voice sounds.
    pub(super) sung: f64,
    /// Whether the next bar begins a section.
    pub(super) leads_to_section: bool,
    /// Whether this bar begins a section.
    pub(super) begins_section: bool,
    /// Where this bar stands to the one in which the song comes to rest.
    pub(super) ending: Ending,
    /// Whether nothing is sung in this bar and its neighbours.
    pub(super) is_interlude: bool,
    /// Random numbers that all bars of this section share.
    pub(super) section_rng: Rng,
}

impl<'a> BarContext<'a> {
    pub(super) fn new(score: &'a Score, settings: &'a Settings, part: Part, number: BarNumber) -> Self {
        let bar = score.bar(number);
        let chords: Vec<ChordSpan> = score
            .chords
            .iter()
            .filter(|span| span.start < bar.end && span.end() > bar.start)
            .map(|span| {
                let (start, end) = (span.start.max(bar.start), span.end().min(bar.end));
                ChordSpan { start, length: end - start, chord: span.chord }
            })
            .collect();
        let section = score.section_of(number);
        let next_section = score.section_of(BarNumber(number.0 + 1));
        let begins = |s: Option<&crate::score::Section>, n: i32| s.is_some_and(|s| s.first.0 == n);
        let label = section.map_or("", |s| s.label.as_str());
        let purpose = format!("section {label}");
        let line = Line::of(score, settings.mode, bar);
        let sung = line.share(bar.start, bar.end);
        let ending = match number.cmp(&final_bar(score, settings.mode)) {
            std::cmp::Ordering::Less => Ending::NotYet,
            std::cmp::Ordering::Equal => Ending::Final,
            std::cmp::Ordering::Greater => Ending::After,
        };
        Self {
            score,
            settings,
            bar,
            meter: score.meter,
            next_chord: score.chord_at(bar.end),
            chords,
            energy: (section.map_or(0.5, |s| s.energy) + settings.density_shift(part)).clamp(0.0, 1.0),
            sung,
            line,
            intensity: Intensity::of(score, settings.mode == Mode::Live),
            leads_to_section: begins(next_section, number.0 + 1) && number.0 + 1 > 1,
            begins_section: begins(section, number.0),
            ending,
            is_interlude: sung < 0.05
                && section.is_some_and(|s| s.label == "Interlude" || s.label == "Intro"),
            section_rng: settings.seed.named(&purpose, 0),
        }
    }

    /// Chords that are struck once in the final bar: (start, length, chord), the last held to the end.
    pub(super) fn final_chords(&self) -> Vec<ChordSpan> {
        let mut spans = self.chords.clone();
        if let Some(last) = spans.last_mut() {
            last.length = self.score.end() - last.start;
        }
        spans
    }

    pub(super) fn chord_at(&self, at: Ticks) -> ChordSymbol {
        let span = self.chords.iter().rev().find(|span| span.start <= at).unwrap_or(&self.chords[0]);
        span.chord
    }

    /// How much the singer gives in the beat of a position, -1 to 1: louder and higher is more. In quarters, so that a hair
    /// of difference in a recording changes nothing.
    pub(super) fn lift(&self, at: Ticks) -> f64 {
        let beat = self.meter.beat();
        let middle = self.bar.start + beat * ((at - self.bar.start).0 / beat.0) + beat / 2;
        (self.intensity.at(middle).lift() * 4.0).round() / 4.0
    }

    /// What is added to the velocity of a stroke for where it lies in the singer's line.
    pub(super) fn breath(&self, at: Ticks) -> f64 {
        if self.line.meets_entry(at) {
            return ENTRY_ACCENT;
        }
        match self.line.moment(at) {
            Moment::Breath | Moment::Ends => BREATH_SOFTER,
            _ => 0.0,
        }
    }

    /// The rest that comes to an end in the bar, or on its end, with an entry of the voice.
    fn rest_before_entry(&self) -> Option<Rest> {
        let ends_here = |rest: &&Rest| rest.leads && rest.to > self.bar.start && rest.to <= self.bar.end;
        self.line.rests().iter().rfind(ends_here).copied()
    }

    pub(super) fn style(&self) -> Style {
        self.settings.style
    }

    /// Eighths in the bar: two a beat in simple metres (four in 2/2), three in compound ones.
    fn eighths(&self) -> usize {
        (self.meter.bar().0 / 480) as usize
    }

    /// Position of an eighth, with swing where it is asked for.
    fn eighth(&self, index: usize) -> Ticks {
        let straight = self.bar.start + TickCount(480) * index as i64;
        let swings = self.settings.feel == Feel::Swing || self.style() == Style::Jazz;
        if swings && !self.meter.is_compound() && index % 2 == 1 {
            straight + TickCount(160)
        } else {
            straight
        }
    }

    /// Beats as eighth numbers.
    fn eighths_per_beat(&self) -> usize {
        (self.meter.beat().0 / 480) as usize
    }

    /// A pattern with one sign per eighth, made to fit the metre: written for 4/4 (8 signs), 3/4 (6) and 6/8 (6).
    fn fit_pattern(&self, four: &[u8], three: &[u8], six: &[u8]) -> Vec<u8> {
        let n = self.eighths();
        match (self.meter.count(), self.meter.unit()) {
            (3, 4) => three.to_vec(),
            (6, 8) => six.to_vec(),
            (12, 8) => six.iter().chain(six).copied().collect(),
            (5, 4) => three.iter().chain(&four[4..8]).copied().collect(),
            _ => four.iter().cycle().take(n).copied().collect(),
        }
    }
}

/// Sorts out what would overlap itself: a note ends at the latest where the next of its pitch begins. Of two strings that
/// sound as one, one is heard.
pub(super) fn cut_overlaps(notes: &mut Vec<Note>) {
    notes.sort_by_key(|n| (n.pitch, n.start));
    for index in 1..notes.len() {
        let next = notes[index];
        let before = &mut notes[index - 1];
        if before.pitch == next.pitch && before.end() > next.start {
            before.length = next.start - before.start;
        }
    }
    notes.retain(|note| note.length > TickCount(0));
}
