//! What the parts do where the voice sounds and where it rests.

use collavoce::perform::{EventKind, NoteEvent};
use collavoce::score::Part;
use collavoce::time::Hz;

/// Rate of the events.
pub const RATE: Hz = Hz(48_000);
/// Notes nearer to each other than this are one stroke, in seconds.
const STROKE_S: f64 = 0.045;
/// A stroke so shortly before an entry, or an end of the voice, goes with it, in seconds.
const MEETS_S: f64 = 0.06;
/// Gaps shorter than this join what is sung, in beats.
pub const JOINED_BEATS: f64 = 0.35;
/// Gaps shorter than this are breaths, in beats.
pub const BREATH_BEATS: f64 = 1.5;
/// Drum strokes nearer than this to the one before belong to a run, in beats.
const RUN_BEATS: f64 = 0.6;
/// Beats after an entry whose strokes its first one is compared with.
const AFTER_BEATS: f64 = 4.0;
/// Snares in a row that are a fill without a tom.
const RUN_LEAST: usize = 3;
/// Snares and toms of General MIDI.
const SNARE: u8 = 38;
const TOMS: [u8; 6] = [41, 43, 45, 47, 48, 50];
const KICK: u8 = 36;
/// Snares softer than this are ghosts.
const GHOST: u8 = 36;

/// A sung note: when, how loud in dB, how high.
#[derive(Debug, Clone, Copy)]
pub struct SungTone {
    /// Beginning in seconds.
    pub onset_s: f64,
    /// End in seconds.
    pub offset_s: f64,
    /// Level in dB.
    pub level_db: f64,
    /// MIDI number.
    pub midi: f64,
}

/// What was sung, and the beats.
#[derive(Debug, Clone)]
pub struct Singing {
    /// Its notes.
    pub tones: Vec<SungTone>,
    /// Its beats, in seconds.
    pub beats_s: Vec<f64>,
    /// Beats of a bar; the first beat is the first of one.
    pub per_bar: usize,
}

/// One stroke of a part.
#[derive(Debug, Clone, Copy)]
struct Stroke {
    at_s: f64,
    velocity: f64,
}

/// Where something lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Voice,
    Breath,
    Rest,
}

/// Sums over songs.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Strokes of each part under the voice, in breaths and in longer rests.
    strokes: [[f64; 3]; 4],
    /// Beats of the same.
    beats: [f64; 3],
    /// Strokes of fills: in rests, over the first beat after an entry, later under the voice.
    fills: [f64; 3],
    /// Correlations of each part with level and with register: sum and count.
    level: [(f64, f64); 4],
    register: [(f64, f64); 4],
    /// Rests of more than a beat and a quarter, and those through which strings hold what they held under the voice.
    rests: (f64, f64),
    /// How much louder than those after them strokes of the guitar, and kicks, are that meet an entry: sum and count.
    accents: [(f64, f64); 2],
    songs: f64,
}

impl Singing {
    fn beat_at(&self, at_s: f64) -> f64 {
        let beats = &self.beats_s;
        let after = beats.partition_point(|beat| *beat <= at_s).clamp(1, beats.len() - 1);
        let (from, to) = (beats[after - 1], beats[after]);
        (after - 1) as f64 + (at_s - from) / (to - from).max(1e-6)
    }

    /// Gaps in what is sung: from when to when.
    fn gaps(&self) -> Vec<(f64, f64)> {
        let pairs = self.tones.windows(2).map(|pair| (pair[0].offset_s, pair[1].onset_s));
        pairs.filter(|(from, to)| self.beat_at(*to) - self.beat_at(*from) >= JOINED_BEATS).collect()
    }

    fn mean_in(&self, from_s: f64, to_s: f64, value: impl Fn(&SungTone) -> f64) -> Option<f64> {
        let (mut sum, mut weight) = (0.0, 0.0);
        for tone in self.tones.iter().filter(|tone| tone.onset_s < to_s && tone.offset_s > from_s) {
            let share = tone.offset_s.min(to_s) - tone.onset_s.max(from_s);
            sum += share * value(tone);
            weight += share;
        }
        (weight >= 0.5 * (to_s - from_s)).then(|| sum / weight)
    }
}

/// The strokes of a part: notes that begin together, and the loudest of them.
fn strokes(events: &[NoteEvent], part: Part, shift_s: f64, key: impl Fn(u8) -> bool) -> Vec<Stroke> {
    let mut strokes: Vec<Stroke> = Vec::new();
    for event in events.iter().filter(|event| event.part == part) {
        let EventKind::NoteOn { pitch, velocity, .. } = event.kind else { continue };
        if !key(pitch.0) {
            continue;
        }
        let (at_s, velocity) = (event.at.0 as f64 / RATE.as_f64() - shift_s, f64::from(velocity.get()));
        match strokes.last_mut() {
            Some(last) if at_s - last.at_s < STROKE_S => last.velocity = last.velocity.max(velocity),
            _ => strokes.push(Stroke { at_s, velocity }),
        }
    }
    strokes
}

impl Figures {
    /// Adds a song; `shift_s` is how much later the events lie than the singing.
    pub fn add(&mut self, singing: &Singing, events: &[NoteEvent], shift_s: f64) {
        let (Some(first), Some(last)) = (singing.tones.first(), singing.tones.last()) else { return };
        if singing.beats_s.len() < 2 {
            return;
        }
        self.songs += 1.0;
        let gaps = singing.gaps();
        let length = |gap: &(f64, f64)| singing.beat_at(gap.1) - singing.beat_at(gap.0);
        let place =
            |at_s: f64| match gaps.iter().find(|gap| gap.0 - MEETS_S <= at_s && at_s < gap.1 - MEETS_S) {
                None => Place::Voice,
                Some(gap) if length(gap) < BREATH_BEATS => Place::Breath,
                Some(_) => Place::Rest,
            };
        let is_within = |stroke: &&Stroke| stroke.at_s >= first.onset_s && stroke.at_s < last.offset_s;
        let of_gaps =
            |wanted: Place| -> f64 { gaps.iter().filter(|gap| place(gap.0) == wanted).map(length).sum() };
        let (breaths, rests) = (of_gaps(Place::Breath), of_gaps(Place::Rest));
        self.beats[0] += singing.beat_at(last.offset_s) - singing.beat_at(first.onset_s) - breaths - rests;
        self.beats[1] += breaths;
        self.beats[2] += rests;
        for part in Part::ALL {
            let strokes = strokes(events, part, shift_s, |_| true);
            for stroke in strokes.iter().filter(is_within) {
                self.strokes[part.index()][place(stroke.at_s) as usize] += 1.0;
            }
            self.correlate(singing, part, &strokes);
        }
        self.add_fills(singing, events, shift_s, &gaps);
        self.add_strings(singing, events, shift_s, &gaps);
        for (index, (part, key)) in [(Part::Guitar, None), (Part::Drums, Some(KICK))].into_iter().enumerate()
        {
            let strokes = strokes(events, part, shift_s, |pitch| key.is_none_or(|wanted| wanted == pitch));
            add_accents(&mut self.accents[index], singing, &strokes, &gaps);
        }
    }

    /// Rank correlation, beat by beat, of a part's loudest stroke, for its place in the bar, with what is sung.
    fn correlate(&mut self, singing: &Singing, part: Part, strokes: &[Stroke]) {
        let mut rows: Vec<(usize, f64, f64, f64)> = Vec::new();
        for (index, pair) in singing.beats_s.windows(2).enumerate() {
            let within = strokes.iter().filter(|s| s.at_s >= pair[0] - 0.04 && s.at_s < pair[1] - 0.04);
            let loudest = within.map(|stroke| stroke.velocity).fold(0.0, f64::max);
            let level = singing.mean_in(pair[0], pair[1], |tone| tone.level_db);
            let height = singing.mean_in(pair[0], pair[1], |tone| tone.midi);
            if let (true, Some(level), Some(height)) = (loudest > 0.0, level, height) {
                rows.push((index % singing.per_bar, loudest, level, height));
            }
        }
        let loud: Vec<f64> = rows
            .iter()
            .map(|row| {
                let same = rows.iter().filter(|other| other.0 == row.0).map(|other| other.1);
                let (sum, count) = same.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
                row.1 - sum / count
            })
            .collect();
        let add = |to: &mut (f64, f64), other: Vec<f64>| {
            if let Some(found) = spearman(&loud, &other) {
                to.0 += found;
                to.1 += 1.0;
            }
        };
        add(&mut self.level[part.index()], rows.iter().map(|row| row.2).collect());
        add(&mut self.register[part.index()], rows.iter().map(|row| row.3).collect());
    }

    fn add_fills(&mut self, singing: &Singing, events: &[NoteEvent], shift_s: f64, gaps: &[(f64, f64)]) {
        let drums = |event: &&NoteEvent| event.part == Part::Drums;
        let hits: Vec<(f64, bool)> = events
            .iter()
            .filter(drums)
            .filter_map(|event| match event.kind {
                EventKind::NoteOn { pitch, velocity, .. } => {
                    let is_tom = TOMS.contains(&pitch.0);
                    let counts = is_tom || pitch.0 == SNARE && velocity.get() >= GHOST;
                    counts.then(|| (event.at.0 as f64 / RATE.as_f64() - shift_s, is_tom))
                }
                _ => None,
            })
            .collect();
        for run in hits.chunk_by(|a, b| singing.beat_at(b.0) - singing.beat_at(a.0) < RUN_BEATS) {
            let place = singing.beat_at(run[0].0);
            // A back-beat on the way into a run is none of it.
            let run = if !run[0].1 && (place - place.round()).abs() < 0.1 { &run[1..] } else { run };
            if run.len() < RUN_LEAST && !run.iter().any(|(_, is_tom)| *is_tom) {
                continue;
            }
            for (at_s, _) in run {
                let Some(last) = singing.tones.iter().rev().find(|tone| tone.onset_s - MEETS_S <= *at_s)
                else {
                    continue;
                };
                let entry = gaps.iter().rev().find(|gap| gap.1 - MEETS_S <= *at_s);
                let since =
                    entry.map_or(f64::INFINITY, |gap| singing.beat_at(*at_s) - singing.beat_at(gap.1));
                let is_rest = gaps.iter().any(|gap| gap.0 <= *at_s && *at_s < gap.1 - MEETS_S);
                let is_after = last.offset_s <= *at_s;
                let kind = if is_rest || is_after { 0 } else { 1 + usize::from(since > 1.0) };
                self.fills[kind] += 1.0;
            }
        }
    }

    /// A rest counts as held through if a note that sounded at the end of the voice still sounds a beat later.
    fn add_strings(&mut self, singing: &Singing, events: &[NoteEvent], shift_s: f64, gaps: &[(f64, f64)]) {
        let mut open: Vec<(u32, f64)> = Vec::new();
        let mut notes: Vec<(f64, f64)> = Vec::new();
        for event in events.iter().filter(|event| event.part == Part::Strings) {
            let at_s = event.at.0 as f64 / RATE.as_f64() - shift_s;
            match event.kind {
                EventKind::NoteOn { id, .. } => open.push((id.0, at_s)),
                EventKind::NoteOff { id } => {
                    for (_, on_s) in open.extract_if(.., |(other, _)| *other == id.0) {
                        notes.push((on_s, at_s));
                    }
                }
                _ => {}
            }
        }
        for gap in gaps.iter().filter(|gap| singing.beat_at(gap.1) - singing.beat_at(gap.0) > 1.25) {
            let beat_s = (gap.1 - gap.0) / (singing.beat_at(gap.1) - singing.beat_at(gap.0));
            let sounds = notes.iter().any(|note| note.0 < gap.0 - 0.05);
            if sounds {
                self.rests.0 += 1.0;
                let holds = notes.iter().any(|note| note.0 < gap.0 - 0.05 && note.1 > gap.0 + beat_s);
                self.rests.1 += f64::from(u8::from(holds));
            }
        }
    }

    /// The rows of the table: what is measured, and its value.
    pub fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        for part in [Part::Guitar, Part::Drums, Part::Bass, Part::Strings] {
            let rate = |place: usize| self.strokes[part.index()][place] / self.beats[place].max(1e-9);
            let text = format!("{:.2} {:.2} {:.2}", rate(0), rate(1), rate(2));
            rows.push((format!("{part}, strokes a beat: voice, breath, rest"), text));
        }
        let fills: f64 = self.fills.iter().sum();
        let share = |count: f64| count / fills.max(1e-9);
        rows.push(("fill hits a song".to_owned(), format!("{:.1}", fills / self.songs.max(1.0))));
        let text =
            format!("{:.2} {:.2} {:.2}", share(self.fills[0]), share(self.fills[1]), share(self.fills[2]));
        rows.push(("their share in rests, in the beat of an entry, later".to_owned(), text));
        for part in [Part::Guitar, Part::Drums, Part::Bass, Part::Strings] {
            let mean = |sum: (f64, f64)| sum.0 / sum.1.max(1.0);
            let text =
                format!("{:.2} {:.2}", mean(self.level[part.index()]), mean(self.register[part.index()]));
            rows.push((format!("{part}, velocity with level, register"), text));
        }
        let held = self.rests.1 / self.rests.0.max(1e-9);
        rows.push(("strings held a beat into a rest, share".to_owned(), format!("{held:.2}")));
        let [guitar, kick] = self.accents.map(|(sum, count)| sum / count.max(1.0));
        let text = format!("{guitar:+.1} {kick:+.1}");
        rows.push(("accent that meets an entry: guitar, kick".to_owned(), text));
        rows
    }
}

/// How much louder, for its place in the bar, the stroke is that meets an entry than those of the beats after it.
fn add_accents(accent: &mut (f64, f64), singing: &Singing, strokes: &[Stroke], gaps: &[(f64, f64)]) {
    let half = |at_s: f64| (2.0 * singing.beat_at(at_s)).round() as i64;
    let place = |stroke: &Stroke| half(stroke.at_s).rem_euclid(2 * singing.per_bar as i64);
    let mean = |strokes: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = strokes.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
        (count > 0.0).then(|| sum / count)
    };
    let usual = |stroke: &Stroke| {
        let same = strokes.iter().filter(|s| place(s) == place(stroke));
        stroke.velocity - mean(&mut same.map(|s| s.velocity)).unwrap_or(0.0)
    };
    for gap in gaps {
        let entry = singing.beat_at(gap.1);
        let meets = |s: &&Stroke| s.at_s > gap.1 - MEETS_S && singing.beat_at(s.at_s) < entry + 0.55;
        let Some(first) = strokes.iter().find(meets) else { continue };
        let after = |s: &&Stroke| s.at_s > first.at_s && singing.beat_at(s.at_s) < entry + AFTER_BEATS;
        if let Some(later) = mean(&mut strokes.iter().filter(after).map(usual)) {
            accent.0 += usual(first) - later;
            accent.1 += 1.0;
        }
    }
}

/// Spearman's rank correlation; none of fewer than eight pairs, or where nothing differs.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product =
        |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum() };
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    (a.len() >= 8 && scale > 0.0).then(|| product(&a, &b) / scale)
}

/// Ranks from 0; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count() as f64;
        let equal = values.iter().filter(|other| *other == value).count() as f64;
        below + (equal - 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_correlate_whatever_the_scale() {
        let a: Vec<f64> = (0..10).map(f64::from).collect();
        let cubes: Vec<f64> = a.iter().map(|x| x.powi(3)).collect();
        let falling: Vec<f64> = a.iter().map(|x| -x).collect();
        assert!((spearman(&a, &cubes).expect("pairs") - 1.0).abs() < 1e-9);
        assert!((spearman(&a, &falling).expect("pairs") + 1.0).abs() < 1e-9);
        assert_eq!(spearman(&a, &[1.0; 10]), None);
    }
}
