//! A short song of our own.

use super::singer::Singer;
use super::timing::{TimingCurve, TimingPiece};
use super::vocal::Consonant::{self, *};
use super::vocal::Vowel::{self, *};
use super::vocal::{ImpliedChord, SungSyllable, Vocal};
use crate::time::Meter;

/// Tempo of the demonstration song, in beats a minute.
const BPM: f64 = 92.0;
/// Share of the tempo that is left at the end.
const SLOW: f64 = 0.65;
/// Beat at which the song holds its breath before the refrain.
const HELD_BEAT: f64 = 31.0;
/// Beat from which it slows down, and the one by which it is slow.
const SLOWING: (f64, f64) = (56.0, 60.0);

/// (start in beats, length in beats, MIDI pitch, consonant, vowel). A phrase begins wherever there is a gap.
type Row = (f64, f64, u8, Consonant, Vowel);

const VERSE: [Row; 33] = [
    (-1.0, 0.5, 57, None, O),
    (-0.5, 0.5, 59, N, Schwa),
    (0.0, 1.5, 62, M, A),
    (1.5, 0.5, 64, N, I),
    (2.0, 1.5, 66, L, A),
    (3.5, 0.5, 64, T, E),
    (4.0, 1.0, 59, R, O),
    (5.0, 0.5, 61, None, U),
    (5.5, 1.25, 62, S, O),
    (7.5, 0.5, 62, H, Schwa),
    (8.0, 1.5, 67, L, E),
    (9.5, 0.5, 66, None, I),
    (10.0, 1.0, 64, K, A),
    (11.0, 1.0, 62, M, I),
    (12.0, 1.0, 64, R, U),
    (13.0, 0.75, 61, N, A),
    (13.75, 1.25, 57, F, O),
    (15.5, 0.5, 57, Sh, I),
    (16.0, 1.5, 66, None, A),
    (17.5, 0.5, 66, M, E),
    (18.0, 1.5, 69, L, O),
    (19.5, 0.5, 66, N, Schwa),
    (20.0, 1.0, 67, P, E),
    (21.0, 0.5, 66, R, I),
    (21.5, 0.5, 64, None, A),
    (22.0, 1.0, 62, N, U),
    (23.5, 0.5, 62, T, Schwa),
    (24.0, 1.5, 64, M, O),
    (25.5, 0.5, 66, R, E),
    (26.0, 1.0, 64, L, A),
    (27.0, 0.5, 61, S, I),
    (27.5, 0.5, 59, N, E),
    (28.0, 2.0, 62, M, O),
];

const REFRAIN: [Row; 31] = [
    (31.0, 0.5, 66, None, O),
    (31.5, 0.5, 67, N, I),
    (32.0, 2.0, 71, L, A),
    (34.0, 1.0, 67, M, O),
    (35.0, 0.5, 71, S, E),
    (35.5, 0.5, 69, None, I),
    (36.0, 2.25, 69, R, A),
    (39.0, 0.5, 66, H, E),
    (39.5, 0.5, 67, None, I),
    (40.0, 1.5, 69, M, O),
    (41.5, 0.5, 71, N, A),
    (42.0, 1.0, 69, L, E),
    (43.0, 1.0, 64, K, U),
    (44.0, 2.25, 66, None, A),
    (47.0, 0.5, 62, F, O),
    (47.5, 0.5, 64, R, Schwa),
    (48.0, 1.5, 67, N, E),
    (49.5, 0.5, 69, M, I),
    (50.0, 1.5, 71, L, A),
    (51.5, 0.5, 69, None, O),
    (52.0, 1.0, 69, T, A),
    (53.0, 1.0, 66, N, I),
    (54.0, 1.0, 62, L, O),
    (55.5, 0.5, 62, Sh, I),
    (56.0, 1.0, 64, M, A),
    (57.0, 0.5, 66, R, O),
    (57.5, 0.5, 64, None, U),
    (58.0, 1.0, 61, N, E),
    (59.0, 0.5, 64, L, A),
    (59.5, 0.5, 61, M, I),
    (60.0, 4.0, 62, H, O),
];

const CHORDS: [&str; 16] = ["D", "Bm", "G", "A", "D", "G", "A", "D", "G", "D", "A", "Bm", "G", "D", "A", "D"];

/// What can be changed about the demonstration song.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DemoOptions {
    /// Semitones up; -12 to 12 keeps it singable.
    pub transpose: i8,
    /// Factor on the tempo.
    pub tempo_scale: f64,
    /// Silence before the pickup, in seconds.
    pub lead_silence_s: f64,
    /// Tuning above A = 440 Hz, in cents.
    pub tuning_cents: f64,
    /// Seed of the singer.
    pub seed: u64,
    /// Whether the second phrase has another melody; all before it stays the same to the last bit.
    pub alter_second_phrase: bool,
    /// Whether the tempo sways within the phrases and notes come a little early or late.
    pub rubato: bool,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            transpose: 0,
            tempo_scale: 1.0,
            lead_silence_s: 0.8,
            tuning_cents: 0.0,
            seed: 1,
            alter_second_phrase: false,
            rubato: false,
        }
    }
}

/// The demonstration song: a verse and a refrain of eight bars each, for an alto, in D major and 4/4.
pub fn demo() -> Vocal {
    demo_with(DemoOptions::default())
}

/// The demonstration song with changes.
pub fn demo_with(options: DemoOptions) -> Vocal {
    let mut notes: Vec<SungSyllable> = Vec::with_capacity(VERSE.len() + REFRAIN.len());
    let mut phrase = 0;
    for (start_beat, beats, midi, consonant, vowel) in VERSE.into_iter().chain(REFRAIN) {
        let gap = notes.last().is_none_or(|last| last.start_beat + last.beats < start_beat);
        phrase += usize::from(gap);
        let refrain = start_beat >= HELD_BEAT;
        let stress = if start_beat.rem_euclid(4.0) == 0.0 { 1.0 } else { 0.0 };
        let rise = f64::from(midi) - 64.0;
        let altered = options.alter_second_phrase && phrase == 2 && start_beat.rem_euclid(4.0) >= 1.0;
        let change: i8 = if altered { ALTERED[notes.len() % ALTERED.len()] } else { 0 };
        notes.push(SungSyllable {
            start_beat,
            beats,
            midi: midi.saturating_add_signed(change).saturating_add_signed(options.transpose),
            vowel,
            consonant,
            level_db: stress + 0.25 * rise + if refrain { 2.5 } else { -1.5 },
            breath_before: gap,
            late_s: if options.rubato { SWAY_S[notes.len() % SWAY_S.len()] } else { 0.0 },
        });
    }
    let chords = CHORDS.iter().zip(0i8..).map(|(name, bar)| ImpliedChord {
        start_beat: 4.0 * f64::from(bar),
        name: transposed(name, options.transpose),
    });
    let singer = Singer { tuning_cents: options.tuning_cents, ..Singer::alto(options.seed) };
    Vocal {
        notes,
        timing: timing(&options),
        singer,
        meter: Meter::FOUR_FOUR,
        key: format!("{} major", transposed("D", options.transpose)),
        chords: chords.collect(),
        tail_s: 1.0,
    }
}

/// Semitones by which notes of an altered phrase differ; all stay in the key.
const ALTERED: [i8; 4] = [0, -5, 0, -5];
/// Lateness of notes under rubato, in seconds.
const SWAY_S: [f64; 7] = [0.0, 0.025, -0.015, 0.04, 0.0, -0.02, 0.03];

fn timing(options: &DemoOptions) -> TimingCurve {
    let bpm = BPM * options.tempo_scale;
    let steady = |beats| {
        if !options.rubato {
            return vec![TimingPiece::Steady { beats, bpm }];
        }
        // The tempo gives way towards the end of every two bars.
        let (mut left, mut pieces) = (beats, Vec::new());
        while left > 0.0 {
            let beats = f64::min(left, 4.0);
            pieces.push(TimingPiece::Ramp { beats, from_bpm: bpm, to_bpm: 1.06 * bpm });
            let back = f64::min(left - beats, 4.0);
            if back > 0.0 {
                pieces.push(TimingPiece::Ramp { beats: back, from_bpm: 1.06 * bpm, to_bpm: 0.95 * bpm });
            }
            left -= beats + back;
        }
        pieces
    };
    let mut pieces = steady(HELD_BEAT + 1.0);
    pieces.push(TimingPiece::Pause { seconds: 0.5 });
    pieces.extend(steady(SLOWING.0 - HELD_BEAT));
    pieces.push(TimingPiece::Ramp { beats: SLOWING.1 - SLOWING.0, from_bpm: bpm, to_bpm: SLOW * bpm });
    pieces.push(TimingPiece::Steady { beats: 4.0, bpm: SLOW * bpm });
    TimingCurve::new(-1.0, options.lead_silence_s.max(0.0), &pieces)
        .unwrap_or_else(|_| TimingCurve::constant(BPM, options.lead_silence_s.max(0.0)))
}

/// A chord symbol some semitones up.
fn transposed(name: &str, semitones: i8) -> String {
    const NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
    let (root, kind) = name.split_at(1);
    let Some(index) = (0i32..).zip(NAMES).find(|(_, name)| *name == root) else { return name.to_owned() };
    format!("{}{kind}", NAMES[(index.0 + i32::from(semitones)).rem_euclid(12) as usize])
}
