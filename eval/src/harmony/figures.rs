//! How chords and a melody go together.
//!
//! CTnCTR, PCS and MCTD, CHE, CC and CTD are those of Yeh et al., "Automatic melody harmonization with triad chords: A
//! comparative study", Journal of New Music Research 50 (2021).

use collavoce::score::{ChordSpan, ChordSymbol, MidiNote, PitchClass};
use collavoce::time::{TickCount, Ticks};
use collavoce_data::tune::{Tune, majmin};

use super::pattern::Pattern;
use super::spread::Measured;

/// Step in which durations are measured: an eighth of a quarter.
const STEP: i64 = 120;

/// Sums over songs.
#[derive(Debug, Default, Clone)]
pub struct Figures {
    songs: Vec<Measured>,
    pattern: Pattern,
    compared: f64,
    agree: f64,
    root: f64,
    among_three: f64,
    strong: f64,
    chord_tones: f64,
    clashes: f64,
    phrase_ends: f64,
    cadences: f64,
    bars: f64,
    changes: f64,
    tones: [f64; 3],
    consonance: [f64; 2],
    distance: [f64; 2],
    entropy: f64,
    coverage: f64,
    moved: [f64; 2],
}

/// The likeliest triads at a position, likeliest first: root and whether the third is minor.
pub type Ranked<'a> = &'a dyn Fn(Ticks) -> Vec<(u8, bool)>;

impl Figures {
    /// Adds a song with chords of some harmoniser.
    pub fn add(&mut self, tune: &Tune, chords: &[ChordSpan], ranked: Option<Ranked<'_>>) {
        let (agreed, compared) = (self.agree, self.compared);
        for index in 0..tune.meter.bar().0 * tune.bars as i64 / STEP {
            let at = Ticks(index * STEP);
            let Some(written) = chord_at(&tune.chords, at) else { continue };
            let Some(triad) = majmin(written) else { continue };
            let found = chord_at(chords, at);
            self.compared += 1.0;
            self.agree += share(found.and_then(majmin) == Some(triad));
            self.root += share(found.is_some_and(|chord| chord.root == written.root));
            if let Some(ranked) = ranked {
                self.among_three += share(ranked(at).iter().take(3).any(|found| *found == triad));
            }
        }
        self.songs.push((self.agree - agreed, self.compared - compared));
        self.pattern.add(tune, chords);
        self.add_notes(tune, chords);
        self.add_chords(tune, chords);
        for end in &tune.phrase_ends {
            // A cadence: the phrase ends on the tonic or the dominant (authentic, plagal or half), or deceptively on vi.
            let Some(last) = chord_at(chords, *end - TickCount(1)) else { continue };
            let above = last.root.above(tune.key.tonic);
            self.phrase_ends += 1.0;
            self.cadences += share(matches!(above, 0 | 7) || above == 9 && last.quality.is_minor());
        }
    }

    fn add_notes(&mut self, tune: &Tune, chords: &[ChordSpan]) {
        for (index, (start, end, midi)) in tune.melody.iter().enumerate() {
            let Some(chord) = chord_at(chords, *start) else { continue };
            let pitch = MidiNote(*midi).pitch_class();
            let holds = chord.holds(pitch);
            let in_bar = (*start - Ticks(0)).0.rem_euclid(tune.meter.bar().0);
            if tune.meter.chord_beats().iter().any(|beat| in_bar == tune.meter.beat().0 * *beat as i64) {
                self.strong += 1.0;
                self.chord_tones += share(holds);
                self.clashes += share(!holds && chord.pitch_classes().any(|tone| is_semitone(tone, pitch)));
            }
            let steps_on = tune
                .melody
                .get(index + 1)
                .is_some_and(|(_, _, next)| (1..=2).contains(&next.abs_diff(*midi)));
            self.tones[0] += share(holds);
            self.tones[1] += share(!holds);
            self.tones[2] += share(!holds && steps_on);
            let length = (*end - *start).0 as f64;
            for tone in chord.pitch_classes() {
                let consonance = match pitch.above(tone) {
                    0 | 3 | 4 | 7 | 8 | 9 => 1.0,
                    5 => 0.0,
                    _ => -1.0,
                };
                self.consonance[0] += length * consonance;
                self.consonance[1] += length;
            }
            self.distance[0] +=
                length * apart(centroid(std::iter::once(pitch)), centroid(chord.pitch_classes()));
            self.distance[1] += length;
        }
    }

    fn add_chords(&mut self, tune: &Tune, chords: &[ChordSpan]) {
        let mut joined: Vec<ChordSymbol> = chords.iter().map(|span| span.chord).collect();
        joined.dedup();
        self.bars += tune.bars as f64;
        self.changes += joined.len() as f64;
        let mut counts: Vec<(ChordSymbol, f64)> = Vec::new();
        for chord in &joined {
            match counts.iter_mut().find(|(known, _)| known == chord) {
                Some((_, count)) => *count += 1.0,
                None => counts.push((*chord, 1.0)),
            }
        }
        let all = joined.len() as f64;
        self.entropy += counts.iter().map(|(_, count)| -count / all * (count / all).ln()).sum::<f64>();
        self.coverage += counts.len() as f64;
        for pair in joined.windows(2) {
            self.moved[0] += apart(centroid(pair[0].pitch_classes()), centroid(pair[1].pitch_classes()));
            self.moved[1] += 1.0;
        }
    }

    /// Share of the time in which the major or minor triad is the written one.
    pub fn majmin(&self) -> f64 {
        self.agree / self.compared.max(1.0)
    }

    /// Agreeing and compared time of each song.
    pub fn songs(&self) -> &[Measured] {
        &self.songs
    }

    /// Harmonic rhythm and cadences.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Names of [`Figures::compared_over_seeds`].
    pub const OVER_SEEDS: [&str; 5] = ["majmin", "root", "three", "tones", "chords/bar"];

    /// Figures that are compared over the seeds of a training.
    pub fn compared_over_seeds(&self) -> [f64; 5] {
        [
            self.majmin(),
            self.root / self.compared.max(1.0),
            self.among_three / self.compared.max(1.0),
            self.chord_tones / self.strong.max(1.0),
            self.changes / self.bars.max(1.0),
        ]
    }

    /// Names of the columns of [`Figures::row`].
    pub const COLUMNS: &str =
        "majmin  root three | tones clash cadence chords/bar | CTnCTR   PCS  MCTD   CHE    CC   CTD";

    /// A row of a table.
    pub fn row(&self) -> String {
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        let songs = self.songs.len().max(1) as f64;
        let three = self.among_three / self.compared.max(1.0);
        let three = if three > 0.0 { format!("{three:.3}") } else { String::new() };
        format!(
            "{:>6.3} {:>5.3} {three:>5} | {:>5.3} {:>5.3} {:>7.3} {:>10.2} | {:>6.3} {:>5.3} {:>5.3} {:>5.2} {:>5.1} {:>5.3}",
            self.majmin(),
            ratio(self.root, self.compared),
            ratio(self.chord_tones, self.strong),
            ratio(self.clashes, self.strong),
            ratio(self.cadences, self.phrase_ends),
            ratio(self.changes, self.bars),
            ratio(self.tones[0] + self.tones[2], self.tones[0] + self.tones[1]),
            ratio(self.consonance[0], self.consonance[1]),
            ratio(self.distance[0], self.distance[1]),
            self.entropy / songs,
            self.coverage / songs,
            ratio(self.moved[0], self.moved[1]),
        )
    }
}

/// The chord that sounds at a position.
pub fn chord_at(chords: &[ChordSpan], at: Ticks) -> Option<ChordSymbol> {
    let after = chords.partition_point(|s| s.start <= at);
    chords[..after].last().filter(|s| s.end() > at).map(|s| s.chord)
}

fn share(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn is_semitone(a: PitchClass, b: PitchClass) -> bool {
    matches!(a.above(b), 1 | 11)
}

/// The tonal centroid of pitch classes (Harte, Sandler and Gasser 2006): circles of fifths, minor and major thirds.
fn centroid(pitches: impl Iterator<Item = PitchClass>) -> [f64; 6] {
    let (mut sum, mut count) = ([0.0; 6], 0.0);
    for pitch in pitches {
        for (circle, (radius, turn)) in
            [(1.0, 7.0 / 6.0), (1.0, 1.5), (0.5, 2.0 / 3.0)].into_iter().enumerate()
        {
            let angle = f64::from(pitch.0) * turn * std::f64::consts::PI;
            sum[2 * circle] += radius * angle.sin();
            sum[2 * circle + 1] += radius * angle.cos();
        }
        count += 1.0;
    }
    sum.map(|value| value / f64::max(count, 1.0))
}

fn apart(a: [f64; 6], b: [f64; 6]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
