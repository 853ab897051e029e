//! Chords that are given: by a chart, or bar by bar.

use crate::score::{Bar, BarNumber, ChordSpan, ChordSymbol, Score};
use crate::song::{Settings, Slot};
use crate::time::{TickCount, Ticks};

/// A stretch of which is said what sounds in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    start: Ticks,
    end: Ticks,
    /// None is silence.
    chord: Option<ChordSymbol>,
}

/// What is said of some bars.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Given {
    /// In order; where none is, a chord is to be found.
    stretches: Vec<Stretch>,
    says_all: bool,
}

impl Given {
    /// What is said of some bars of a score.
    pub fn of(score: &Score, settings: &Settings, first: BarNumber, bars: u32) -> Self {
        let mut given = Self { stretches: Vec::new(), says_all: true };
        for offset in 0..bars {
            let bar = score.bar(BarNumber(first.0 + offset as i32));
            let slots = settings.given_slots(bar.number);
            given.says_all &= !slots.is_empty() && !slots.contains(&Slot::Open);
            for (index, slot) in slots.iter().enumerate() {
                let place = |index| place(score, bar, slots.len(), index);
                let (start, end) = (place(index), place(index + 1));
                let chord = match slot {
                    Slot::Chord(chord) => Some(*chord),
                    Slot::Silent => None,
                    Slot::Open => continue,
                };
                given.stretches.push(Stretch { start, end, chord });
            }
        }
        given
    }

    /// Whether nothing is left to be found.
    pub fn says_all(&self) -> bool {
        self.says_all
    }

    /// Whether it is said what sounds there.
    pub fn says(&self, at: Ticks) -> bool {
        self.stretches.iter().any(|stretch| stretch.start <= at && at < stretch.end)
    }

    /// The chords that are given, neighbours that are alike joined.
    pub fn chords(&self) -> Vec<ChordSpan> {
        let mut spans = Vec::new();
        for stretch in &self.stretches {
            let Some(chord) = stretch.chord else { continue };
            join(&mut spans, ChordSpan { start: stretch.start, length: stretch.end - stretch.start, chord });
        }
        spans
    }

    /// Found chords with those that are given in their place.
    pub fn over(&self, found: &[ChordSpan]) -> Vec<ChordSpan> {
        if self.stretches.is_empty() {
            return found.to_vec();
        }
        let mut left: Vec<ChordSpan> = self.chords();
        for span in found {
            let mut from = span.start;
            let within = self.stretches.iter().filter(|s| s.start < span.end() && s.end > span.start);
            for (start, end) in within.map(|s| (s.start, s.end)).chain([(span.end(), span.end())]) {
                if start > from {
                    left.push(ChordSpan { start: from, length: start - from, chord: span.chord });
                }
                from = from.max(end);
            }
        }
        left.sort_by_key(|span| span.start);
        let mut spans = Vec::new();
        for span in left {
            join(&mut spans, span);
        }
        spans
    }
}

/// Where a slot of a bar begins: slots share the bar evenly, on whole beats where there are enough of them.
fn place(score: &Score, bar: Bar, slots: usize, index: usize) -> Ticks {
    let meter = score.meter;
    let exact = meter.bar() * index as i64 / slots as i64;
    let on_beat = (exact.0 as f64 / meter.beat().0 as f64).round() as i64;
    bar.start + if slots <= meter.beats_per_bar() { meter.beat() * on_beat } else { exact }
}

fn join(spans: &mut Vec<ChordSpan>, span: ChordSpan) {
    match spans.last_mut() {
        _ if span.length <= TickCount(0) => {}
        Some(last) if last.chord == span.chord && last.end() == span.start => {
            last.length = span.end() - last.start;
        }
        _ => spans.push(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(name: &str) -> ChordSymbol {
        name.parse().expect("a chord")
    }

    fn span(start: i64, end: i64, name: &str) -> ChordSpan {
        ChordSpan { start: Ticks(start), length: TickCount(end - start), chord: chord(name) }
    }

    #[test]
    fn what_is_given_takes_the_place_of_what_is_found() {
        let stretch = |start, end, name: Option<&str>| Stretch {
            start: Ticks(start),
            end: Ticks(end),
            chord: name.map(chord),
        };
        let given = Given {
            stretches: vec![stretch(2, 4, Some("Am")), stretch(6, 8, None), stretch(10, 12, Some("F"))],
            says_all: false,
        };
        let found = [span(0, 5, "C"), span(5, 10, "G"), span(10, 12, "C"), span(12, 14, "F")];
        let wanted = [
            span(0, 2, "C"),
            span(2, 4, "Am"),
            span(4, 5, "C"),
            span(5, 6, "G"),
            span(8, 10, "G"),
            span(10, 14, "F"),
        ];
        assert_eq!(given.over(&found), wanted);
        assert_eq!(Given::default().over(&found), found);
    }
}
