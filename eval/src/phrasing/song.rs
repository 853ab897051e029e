//! Songs that breathe: lines of four bars that end in rests, with a level and a register that rise and fall apart.

use std::f64::consts::PI;

use collavoce::sing::{Consonant, Singer, SungSyllable, TimingCurve, TimingPiece, Vocal, Vowel};
use collavoce::song::{Rng, Style};
use collavoce::time::Meter;

/// Bars of a line.
const LINE_BARS: usize = 4;
/// Which line is sung when: a verse of four, twice, and the first half again.
const FORM: [usize; 10] = [0, 1, 0, 2, 0, 1, 0, 2, 0, 1];
/// Beats of rest that a line can end with.
const RESTS: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
/// Lines begin so much before or after their beat at most, in seconds; every third line does.
const ENTRY_S: f64 = 0.2;
const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];

/// A song and the style that it is accompanied in.
pub struct Breathing {
    /// The song.
    pub vocal: Vocal,
    /// Beats a minute.
    pub bpm: f64,
    /// The style.
    pub style: Style,
}

/// A note of a line: beat, beats, step of the scale, level in dB.
type Row = (f64, f64, i32, f64);

/// Makes a song up.
pub fn compose(number: u64) -> anyhow::Result<Breathing> {
    let mut random = Rng::keyed(&[number, 0x6272_6561]);
    let meter = [Meter::FOUR_FOUR, Meter::FOUR_FOUR, Meter::THREE_FOUR][number as usize % 3];
    let style = Style::ALL[number as usize % Style::ALL.len()];
    let bpm = 72.0 + 60.0 * random.unit();
    let per_bar = meter.beats_per_bar() as f64;
    let tonic = 57 + random.below(7) as i32;
    let line_beats = per_bar * LINE_BARS as f64;
    let lines: Vec<Vec<Row>> = (0..3).map(|_| line(line_beats, per_bar, &mut random)).collect();
    let mut notes = Vec::new();
    for (place, which) in FORM.into_iter().enumerate() {
        let louder_db = 2.0 * random.normal();
        let late_s = if place % 3 == 2 { ENTRY_S * random.signed() } else { 0.0 };
        for (index, (start, beats, step, level_db)) in lines[which].iter().enumerate() {
            let step = *step + 7;
            let joins = index > 0 && lines[which][index - 1].0 + lines[which][index - 1].1 > start - 0.01;
            notes.push(SungSyllable {
                start_beat: place as f64 * line_beats + start,
                beats: *beats,
                midi: (tonic + MAJOR[step.rem_euclid(7) as usize] + 12 * (step.div_euclid(7) - 1)) as u8,
                vowel: [Vowel::A, Vowel::E, Vowel::O, Vowel::I][random.below(4)],
                consonant: [Consonant::N, Consonant::L, Consonant::M, Consonant::T][random.below(4)],
                level_db: level_db + louder_db + 0.7 * random.normal(),
                breath_before: !joins,
                late_s: if index == 0 { late_s } else { 0.008 * random.normal() },
            });
        }
    }
    let lead_s = per_bar * 60.0 / bpm + 0.5;
    let beats = FORM.len() as f64 * line_beats;
    let timing = TimingCurve::new(0.0, lead_s, &[TimingPiece::Steady { beats, bpm }])?;
    let singer = [Singer::alto(number), Singer::tenor(number)][number as usize % 2];
    let key = "C major".to_owned();
    Ok(Breathing {
        vocal: Vocal { notes, timing, singer, meter, key, chords: Vec::new(), tail_s: 2.0 },
        bpm,
        style,
    })
}

/// A line: pickup, breath in the middle or none, a rest at its end; an arch of pitch and another of level.
fn line(line_beats: f64, per_bar: f64, random: &mut Rng) -> Vec<Row> {
    let rest = RESTS[random.below(RESTS.len())].min(per_bar + 1.0);
    let pickup = if rest >= 2.0 && random.chance(0.5) { 0.5 } else { 0.0 };
    let breathes = random.chance(0.4);
    let (top, peak) = (3.0 + 4.0 * random.unit(), 0.3 + 0.5 * random.unit());
    let (swell_db, loud) = (3.0 + 3.0 * random.unit(), 0.2 + 0.6 * random.unit());
    let arch = |place: f64, peak: f64| {
        let bent = if place < peak { 0.5 * place / peak } else { 0.5 + 0.5 * (place - peak) / (1.0 - peak) };
        (PI * bent).sin()
    };
    let mut notes: Vec<Row> = Vec::new();
    let end = line_beats - rest;
    let mut beat = -pickup;
    while beat < end - 0.01 {
        let wanted = if beat < 0.0 { pickup } else { [1.0, 1.0, 0.5, 0.5, 1.5, 2.0][random.below(6)] };
        let to_bar_line = per_bar - beat.rem_euclid(per_bar);
        let mut beats = wanted.min(end - beat).min(to_bar_line);
        let half = line_beats / 2.0;
        let place = ((beat + pickup) / (end + pickup)).clamp(0.0, 1.0);
        let step = (top * arch(place, peak) + 0.8 * random.normal()).round() as i32;
        let level_db = swell_db * (2.0 * arch(place, loud) - 1.0);
        if breathes && beat < half && beat + beats > half - 1.01 {
            beats = (half - 1.0 - beat).max(0.0);
            if beats > 0.0 {
                notes.push((beat, beats, step, level_db));
            }
            beat = half;
            continue;
        }
        // A long last note makes the end of a line.
        if end - beat - beats < 1.0 {
            beats = end - beat;
        }
        notes.push((beat, beats, step, level_db));
        beat += beats;
    }
    notes
}
