//! Simple ways to harmonise a melody.

use std::collections::HashMap;

use collavoce::score::{ChordQuality, ChordSpan, ChordSymbol, MidiNote};
use collavoce::time::Ticks;
use collavoce_data::tune::{Tune, majmin};

use super::figures::chord_at;

/// Triads: root above the tonic and whether it is minor.
const TRIADS: usize = 24;
/// Counts of everything before anything is counted.
const BEFORE: f64 = 0.5;

/// The tonic chord from beginning to end.
pub fn tonic(tune: &Tune) -> Vec<ChordSpan> {
    slots(tune).map(|(start, end)| span(start, end, ChordSymbol::tonic(tune.key))).collect()
}

/// In each slot the triad of the scale that holds most of what is sung.
pub fn template(tune: &Tune) -> Vec<ChordSpan> {
    let diatonic: Vec<usize> = (0..TRIADS)
        .filter(|triad| {
            chord(tune, *triad).pitch_classes().all(|p| tune.key.scale().contains(&p.above(tune.key.tonic)))
        })
        .collect();
    let mut last = triad_of(tune, ChordSymbol::tonic(tune.key)).unwrap_or(0);
    slots(tune)
        .map(|(start, end)| {
            let sung = sung(tune, start, end);
            let fit = |triad: usize| -> f64 {
                chord(tune, triad).pitch_classes().map(|p| sung[usize::from(p.above(tune.key.tonic))]).sum()
            };
            // What sounds already stays where another fits no better.
            let best = diatonic
                .iter()
                .copied()
                .fold(last, |best, triad| if fit(triad) > fit(best) { triad } else { best });
            last = best;
            span(start, end, chord(tune, best))
        })
        .collect()
}

/// What was counted in songs.
#[derive(Debug)]
pub struct Counted {
    places: HashMap<(bool, i64, usize), Vec<f64>>,
    /// By mode: from, to.
    pairs: [Vec<f64>; 2],
    /// By mode: triad, degree.
    notes: [Vec<f64>; 2],
}

impl Counted {
    /// Counts songs.
    pub fn of<'a>(tunes: impl Iterator<Item = &'a Tune>) -> Self {
        let table = |size: usize| [vec![BEFORE; size], vec![BEFORE; size]];
        let mut counted =
            Self { places: HashMap::new(), pairs: table(TRIADS * TRIADS), notes: table(TRIADS * 12) };
        for tune in tunes {
            let mode = usize::from(tune.key.mode == collavoce::score::Mode::Minor);
            let mut last = None;
            for (index, (start, end)) in slots(tune).enumerate() {
                let triad = chord_at(&tune.chords, start).and_then(|chord| triad_of(tune, chord));
                let Some(triad) = triad else { continue };
                counted.places.entry(place(tune, index)).or_insert_with(|| vec![0.0; TRIADS])[triad] += 1.0;
                if let Some(last) = last {
                    counted.pairs[mode][last * TRIADS + triad] += 1.0;
                }
                for (degree, share) in sung(tune, start, end).into_iter().enumerate() {
                    counted.notes[mode][triad * 12 + degree] += share;
                }
                last = Some(triad);
            }
        }
        counted
    }

    /// What is likeliest at the place of a slot in eight bars.
    pub fn at_place(&self, tune: &Tune) -> Vec<ChordSpan> {
        let likeliest = |index: usize| {
            let counts = self.places.get(&place(tune, index))?;
            (0..TRIADS).max_by(|a, b| counts[*a].total_cmp(&counts[*b]))
        };
        let spans = slots(tune).enumerate().map(|(index, (start, end))| {
            let chord = likeliest(index).map_or(ChordSymbol::tonic(tune.key), |triad| chord(tune, triad));
            span(start, end, chord)
        });
        spans.collect()
    }

    /// The likeliest path by pairs of triads and the notes that are sung over each (a hidden Markov model).
    pub fn chain(&self, tune: &Tune) -> Vec<ChordSpan> {
        let mode = usize::from(tune.key.mode == collavoce::score::Mode::Minor);
        let log_share = |table: &[f64], row: usize, width: usize, column: usize| {
            let row = &table[row * width..(row + 1) * width];
            (row[column] / row.iter().sum::<f64>()).ln()
        };
        let slots: Vec<(Ticks, Ticks)> = slots(tune).collect();
        let (mut scores, mut origins) = (vec![0.0f64; TRIADS], Vec::new());
        for (start, end) in &slots {
            let sung = sung(tune, *start, *end);
            let (mut next, mut origin) = (vec![f64::NEG_INFINITY; TRIADS], vec![0; TRIADS]);
            for to in 0..TRIADS {
                for (from, score) in scores.iter().enumerate() {
                    let score = score + log_share(&self.pairs[mode], from, TRIADS, to);
                    if score > next[to] {
                        (next[to], origin[to]) = (score, from);
                    }
                }
                for (degree, share) in sung.iter().enumerate() {
                    next[to] += 3.0 * share * log_share(&self.notes[mode], to, 12, degree);
                }
            }
            scores = next;
            origins.push(origin);
        }
        let mut state = (0..TRIADS).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0);
        let mut spans: Vec<ChordSpan> = Vec::with_capacity(slots.len());
        for ((start, end), origin) in slots.iter().zip(&origins).rev() {
            spans.push(span(*start, *end, chord(tune, state)));
            state = origin[state];
        }
        spans.reverse();
        spans
    }
}

fn slots(tune: &Tune) -> impl Iterator<Item = (Ticks, Ticks)> {
    let (meter, bars) = (tune.meter, tune.bars);
    (0..bars).flat_map(move |bar| {
        let bar = Ticks(0) + meter.bar() * bar as i64;
        let starts = meter.chord_beats();
        (0..starts.len()).map(move |index| {
            let end = starts.get(index + 1).copied().unwrap_or(meter.beats_per_bar());
            (bar + meter.beat() * starts[index] as i64, bar + meter.beat() * end as i64)
        })
    })
}

fn place(tune: &Tune, index: usize) -> (bool, i64, usize) {
    let per_bar = tune.meter.chord_beats().len();
    (tune.key.mode == collavoce::score::Mode::Minor, tune.meter.bar().0, index % (8 * per_bar))
}

/// Share of a slot in which each degree is sung.
fn sung(tune: &Tune, start: Ticks, end: Ticks) -> [f64; 12] {
    let mut shares = [0.0; 12];
    for (from, to, midi) in tune.melody.iter().filter(|(from, to, _)| *from < end && *to > start) {
        let degree = MidiNote(*midi).pitch_class().above(tune.key.tonic);
        shares[usize::from(degree)] +=
            ((*to).min(end) - (*from).max(start)).0 as f64 / (end - start).0 as f64;
    }
    shares
}

fn triad_of(tune: &Tune, chord: ChordSymbol) -> Option<usize> {
    let (_, is_minor) = majmin(chord)?;
    Some(usize::from(chord.root.above(tune.key.tonic)) * 2 + usize::from(is_minor))
}

fn chord(tune: &Tune, triad: usize) -> ChordSymbol {
    let quality = if triad % 2 == 1 { ChordQuality::Minor } else { ChordQuality::Major };
    ChordSymbol::new(tune.key.tonic + (triad / 2) as u8, quality)
}

fn span(start: Ticks, end: Ticks, chord: ChordSymbol) -> ChordSpan {
    ChordSpan { start, length: end - start, chord }
}
