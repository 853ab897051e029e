//! Songs that are made up: lines of four bars, a verse of four lines, and its first half again.

use collavoce::sing::{Consonant, ImpliedChord, SungSyllable, Vowel};
use collavoce::song::Rng;
use collavoce::time::Meter;

/// Bars of a line.
const LINE_BARS: usize = 4;
/// Which melody each line has: a second verse begins after the fourth.
const FORM: [usize; 6] = [0, 1, 2, 1, 0, 1];
/// Lines of the first verse.
pub const VERSE_LINES: usize = 4;
/// Roots of the chords of a line, in degrees of the scale.
const PROGRESSIONS: [[usize; LINE_BARS]; 5] =
    [[0, 3, 4, 0], [0, 5, 3, 4], [0, 4, 5, 3], [3, 0, 4, 0], [5, 3, 0, 4]];
const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
const NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

/// A note: start and length in beats, pitch as MIDI number.
#[derive(Debug, Clone, Copy)]
pub struct TuneNote {
    /// Start, in beats.
    pub start: f64,
    /// Length, in beats.
    pub beats: f64,
    /// MIDI number.
    pub midi: u8,
}

/// A song.
#[derive(Debug, Clone)]
pub struct Tune {
    /// Its notes in order.
    pub notes: Vec<TuneNote>,
    /// First beat of every line.
    pub lines: Vec<f64>,
    /// Beats of a line.
    pub line_beats: f64,
    /// Chords: first beat, name, and MIDI numbers of a close triad.
    pub chords: Vec<(f64, String, [u8; 3])>,
    /// The key's name.
    pub key: String,
}

/// Rhythms of a bar, and those of the last bar of a line, in beats; below 0 is a rest.
fn rhythms(meter: Meter) -> (&'static [&'static [f64]], &'static [&'static [f64]]) {
    const THIRD: f64 = 1.0 / 3.0;
    match (meter.count(), meter.unit()) {
        (3, 4) => (
            &[&[1.0, 1.0, 1.0], &[2.0, 1.0], &[1.5, 0.5, 1.0], &[1.0, 0.5, 0.5, 1.0], &[1.0, 1.5, 0.5]],
            &[&[2.0, -1.0], &[3.0], &[1.0, -2.0]],
        ),
        (6, 8) => (
            &[
                &[THIRD, THIRD, THIRD, THIRD, THIRD, THIRD],
                &[2.0 * THIRD, THIRD, 2.0 * THIRD, THIRD],
                &[1.0, 2.0 * THIRD, THIRD],
                &[2.0 * THIRD, THIRD, 1.0],
                &[THIRD, THIRD, THIRD, 1.0],
            ],
            &[&[1.0, -1.0], &[2.0], &[1.0 + 2.0 * THIRD, -THIRD]],
        ),
        _ => (
            &[
                &[1.0, 1.0, 1.0, 1.0],
                &[2.0, 1.0, 1.0],
                &[1.5, 0.5, 1.0, 1.0],
                &[1.0, 0.5, 0.5, 1.0, 1.0],
                &[0.5, 0.5, 0.5, 0.5, 1.0, 1.0],
                &[1.5, 0.5, 2.0],
                &[1.0, 1.0, 1.5, 0.5],
            ],
            &[&[3.0, -1.0], &[2.0, -2.0], &[4.0], &[2.5, -1.5]],
        ),
    }
}

/// Makes a song up.
pub fn compose(meter: Meter, seed: u64) -> Tune {
    let mut random = Rng::keyed(&[seed, 0x7475_6e65]);
    let (bars, ends) = rhythms(meter);
    let per_bar = meter.beats_per_bar() as f64;
    let tonic = 55 + random.below(8) as i32;
    let melodies: Vec<Vec<TuneNote>> = (0..3)
        .map(|_| {
            let pair = [random.below(bars.len()), random.below(bars.len())];
            let end = random.below(ends.len());
            let progression = PROGRESSIONS[random.below(PROGRESSIONS.len())];
            let mut degree = [0, 2, 4][random.below(3)] + 7;
            let mut notes = Vec::new();
            for (bar, root) in progression.into_iter().enumerate() {
                let rhythm = if bar + 1 == LINE_BARS { ends[end] } else { bars[pair[bar % 2]] };
                let mut beat = bar as f64 * per_bar;
                for (index, length) in rhythm.iter().enumerate() {
                    if *length > 0.0 {
                        degree = next_degree(degree, index == 0, root as i32, &mut random);
                        let midi =
                            tonic + 12 * (degree.div_euclid(7) - 1) + MAJOR[degree.rem_euclid(7) as usize];
                        notes.push(TuneNote { start: beat, beats: *length, midi: midi as u8 });
                    }
                    beat += length.abs();
                }
            }
            notes
        })
        .collect();
    let progressions: Vec<[usize; LINE_BARS]> =
        (0..3).map(|line| line_chords(&melodies[line], tonic, per_bar)).collect();
    let line_beats = per_bar * LINE_BARS as f64;
    let mut tune = Tune {
        notes: Vec::new(),
        lines: (0..FORM.len()).map(|line| line as f64 * line_beats).collect(),
        line_beats,
        chords: Vec::new(),
        key: format!("{} major", NAMES[tonic as usize % 12]),
    };
    for (line, melody) in FORM.into_iter().enumerate() {
        let start = tune.lines[line];
        tune.notes
            .extend(melodies[melody].iter().map(|note| TuneNote { start: start + note.start, ..*note }));
        for (bar, degree) in progressions[melody].into_iter().enumerate() {
            let pitch = |step: usize| {
                let step = degree + step;
                (tonic + MAJOR[step % 7] + 12 * (step / 7) as i32) as u8
            };
            let is_minor = pitch(2) - pitch(0) == 3;
            let name = format!("{}{}", NAMES[usize::from(pitch(0)) % 12], if is_minor { "m" } else { "" });
            tune.chords.push((start + bar as f64 * per_bar, name, [pitch(0), pitch(2), pitch(4)]));
        }
    }
    tune
}

/// The next step of a melody: on the first note of a bar a tone of its chord, else mostly a neighbour.
fn next_degree(degree: i32, is_strong: bool, root: i32, random: &mut Rng) -> i32 {
    let wanted = degree + [-2, -1, -1, 1, 1, 2, 0, 3][random.below(8)];
    let wanted = wanted.clamp(4, 13);
    if !is_strong {
        return wanted;
    }
    let is_tone = |degree: i32| [0, 2, 4].contains(&(degree - root).rem_euclid(7));
    [0, 1, -1, 2, -2].into_iter().map(|step| wanted + step).find(|degree| is_tone(*degree)).unwrap_or(wanted)
}

/// The chord of every bar of a line: of the tonic, subdominant, dominant and relative triads the one that fits.
fn line_chords(melody: &[TuneNote], tonic: i32, per_bar: f64) -> [usize; LINE_BARS] {
    std::array::from_fn(|bar| {
        let notes = melody.iter().filter(|note| (note.start / per_bar).floor() as usize == bar);
        let notes: Vec<(i32, f64)> =
            notes.map(|note| ((i32::from(note.midi) - tonic).rem_euclid(12), note.beats)).collect();
        let fit = |degree: usize| -> f64 {
            let tones = [0, 2, 4].map(|step| MAJOR[(degree + step) % 7]);
            notes.iter().map(|(pitch, beats)| if tones.contains(pitch) { *beats } else { -beats }).sum()
        };
        let last = bar + 1 == LINE_BARS;
        [0, 4, 3, 5, 1]
            .into_iter()
            .max_by(|a, b| {
                let liking = |degree: usize| fit(degree) + if last && degree == 0 { 0.5 } else { 0.0 };
                liking(*a).total_cmp(&liking(*b)).then(b.cmp(a))
            })
            .unwrap_or(0)
    })
}

/// Syllables for the notes; `late_s` says how late each one comes.
pub fn syllables(
    tune: &Tune,
    notes: &[TuneNote],
    seed: u64,
    late_s: &mut dyn FnMut(usize) -> f64,
) -> Vec<SungSyllable> {
    use Consonant::{F, H, K, L, M, N, None, P, R, S, T};
    const CONSONANTS: [Consonant; 12] = [None, N, L, M, R, T, S, H, K, F, P, None];
    const VOWELS: [Vowel; 6] = [Vowel::A, Vowel::E, Vowel::I, Vowel::O, Vowel::U, Vowel::Schwa];
    let mut random = Rng::keyed(&[seed, 0x7379_6c6c]);
    notes
        .iter()
        .enumerate()
        .map(|(index, note)| SungSyllable {
            start_beat: note.start,
            // The last part of a note before a rest or a breath is not sung.
            beats: if note.beats > 1.4 { note.beats - 0.2 } else { note.beats },
            midi: note.midi,
            vowel: VOWELS[random.below(VOWELS.len())],
            consonant: CONSONANTS[random.below(CONSONANTS.len())],
            level_db: 1.5 * random.normal(),
            breath_before: tune.lines.iter().any(|line| (line - note.start).abs() < 1e-6),
            late_s: late_s(index),
        })
        .collect()
}

/// The chords for the truth.
pub fn implied(tune: &Tune) -> Vec<ImpliedChord> {
    tune.chords
        .iter()
        .map(|(start, name, _)| ImpliedChord { start_beat: *start, name: name.clone() })
        .collect()
}
