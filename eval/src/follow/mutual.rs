//! The closed loop: a singer who hears the band and corrects, and a band that follows the singer. If either dragged the
//! other along, the tempo would run away from the one that was meant.

use std::collections::VecDeque;

use collavoce::engine::{Causal, Inline};
use collavoce::limits::LISTEN_HOP;
use collavoce::listen::{ListenConfig, PitchMethod};
use collavoce::perform::EventKind;
use collavoce::score::Part;
use collavoce::sing::{Consonant, Singer, SungSyllable, TimingCurve, Vocal, Vowel};
use collavoce::song::{LiveTiming, Mode, Rng, Settings};
use collavoce::time::{Bpm, Meter};

use super::measure::spread;
use super::sound::RATE;
use super::tune::{Tune, compose};

/// Share of the asynchrony heard at a beat that the singer corrects at the next (Wing et al., RSIF 2014).
const CORRECTS: f64 = 0.25;
/// Standard deviation of the singer's beats of their own accord, in seconds.
const OWN_S: f64 = 0.015;
/// How long they sing, and from when on the tempo is measured, in seconds.
const SUNG_S: f64 = 180.0;
const FROM_S: f64 = 30.0;
/// Tempi in beats a minute.
const TEMPI: [f64; 3] = [76.0, 92.0, 120.0];
/// Round trips in seconds, and whether the band was told.
const ROUND_TRIPS: [(f64, bool); 4] = [(0.0, true), (0.02, true), (0.04, true), (0.04, false)];
/// A stroke of the drums so near to a beat is the band's beat, in periods.
const NEAR: f64 = 0.3;
/// When the singer settles on the next beat, in periods after the last one.
const SETTLES: f64 = 0.5;
/// Consonants of the syllables, those of the other cases.
const CONSONANTS: [Consonant; 12] = {
    use Consonant::{F, H, K, L, M, N, None, P, R, S, T};
    [None, N, L, M, R, T, S, H, K, F, P, None]
};
/// What a syllable has before its vowel, in seconds.
const LEAD_S: f64 = 0.15;

/// What came of one pair.
struct Meeting {
    /// Tempo that was sung less the one that was meant, as a share of it.
    drag: f64,
    /// Played time less sung time of the beats, as the singer hears it, in seconds.
    apart: Vec<f64>,
}

/// Prints how far singer and band lead each other astray.
pub fn run() -> anyhow::Result<()> {
    println!(
        "{SUNG_S} s, the singer corrects {CORRECTS} of what is heard a beat; played less sung, as the singer hears it"
    );
    println!("bpm   round trip       tempo off   mean ms   sd ms");
    for bpm in TEMPI {
        for (round_trip_s, is_told) in ROUND_TRIPS {
            let Meeting { drag, apart } = meet(bpm, round_trip_s, is_told)?;
            let (mean, sd) = spread(&apart);
            println!(
                "{bpm:5.1} {:3.0} ms{:10} {:9.2} % {:9.0} {:7.0}",
                1e3 * round_trip_s,
                if is_told { "" } else { ", not told" },
                100.0 * drag,
                1e3 * mean,
                1e3 * sd
            );
        }
    }
    Ok(())
}

fn meet(bpm: f64, round_trip_s: f64, is_told: bool) -> anyhow::Result<Meeting> {
    let period_s = 60.0 / bpm;
    let tune = compose(Meter::FOUR_FOUR, bpm as u64);
    let singer = Singer::alto(1);
    let bar_one_s = 4.0 * period_s + Settings::COUNT_IN_S;
    let settings = Settings {
        mode: Mode::Live,
        bpm: Some(Bpm(bpm)),
        meter: Some(Meter::FOUR_FOUR),
        bar_one_s: Some(bar_one_s),
        timing: LiveTiming {
            round_trip_s: if is_told { round_trip_s } else { 0.0 },
            ..LiveTiming::default()
        },
        ..Settings::default()
    };
    let mut engine = Causal::new(ListenConfig::live(PitchMethod::Nsdf), &settings);
    let mut link = Inline::default();
    let mut random = Rng::keyed(&[bpm.to_bits(), round_trip_s.to_bits()]);
    let mut voice = VecDeque::from(vec![0.0f32; (bar_one_s * RATE.as_f64()) as usize]);
    let mut strokes: Vec<f64> = Vec::new();
    let mut sung = vec![bar_one_s];
    let mut apart = Vec::new();
    let mut hop = 0usize;
    add(&mut voice, 0, bar_one_s, &syllable(&tune, 0, bpm, singer)?);
    while sung[sung.len() - 1] < SUNG_S {
        let now_s = (hop * LISTEN_HOP) as f64 / RATE.as_f64();
        let last_s = sung[sung.len() - 1];
        if now_s >= last_s + SETTLES * period_s {
            let heard = nearest(&strokes, last_s - round_trip_s).map(|at_s| at_s + round_trip_s - last_s);
            let heard = heard.filter(|apart| apart.abs() < NEAR * period_s);
            if last_s > FROM_S {
                apart.extend(heard);
            }
            let next_s = last_s + period_s + CORRECTS * heard.unwrap_or(0.0) + OWN_S * random.normal();
            let beat = sung.len();
            add(&mut voice, hop * LISTEN_HOP, next_s, &syllable(&tune, beat, bpm, singer)?);
            sung.push(next_s);
        }
        let samples: [f32; LISTEN_HOP] = std::array::from_fn(|_| voice.pop_front().unwrap_or(0.0));
        engine.process(&samples, &mut link)?;
        let drums = engine.take_events().filter(|event| event.part == Part::Drums);
        strokes.extend(
            drums.filter(|event| matches!(event.kind, EventKind::NoteOn { .. })).map(|event| event.at_s),
        );
        hop += 1;
    }
    let from = sung.partition_point(|at_s| *at_s < FROM_S);
    let measured = &sung[from..];
    let mean_s = (measured[measured.len() - 1] - measured[0]) / (measured.len() - 1) as f64;
    Ok(Meeting { drag: period_s / mean_s - 1.0, apart })
}

fn nearest(times: &[f64], to_s: f64) -> Option<f64> {
    times.iter().copied().min_by(|a, b| (a - to_s).abs().total_cmp(&(b - to_s).abs()))
}

/// Adds samples whose vowel begins at a moment to a voice whose next sample is so far into the take.
fn add(voice: &mut VecDeque<f32>, next: usize, at_s: f64, samples: &[f32]) {
    let from = ((at_s - LEAD_S) * RATE.as_f64()) as usize;
    let from = from.saturating_sub(next);
    if voice.len() < from + samples.len() {
        voice.resize(from + samples.len(), 0.0);
    }
    for (slot, sample) in voice.range_mut(from..).zip(samples) {
        *slot += sample;
    }
}

/// One beat of the tune; silence where it rests.
fn syllable(tune: &Tune, beat: usize, bpm: f64, singer: Singer) -> anyhow::Result<Vec<f32>> {
    let end = tune.lines.len() as f64 * tune.line_beats;
    let at = (beat as f64).rem_euclid(end);
    let Some(note) = tune.notes.iter().find(|note| note.start <= at && at < note.start + note.beats) else {
        return Ok(Vec::new());
    };
    let vocal = Vocal {
        notes: vec![SungSyllable {
            start_beat: 0.0,
            beats: 0.85,
            midi: note.midi,
            vowel: [Vowel::A, Vowel::O, Vowel::E][beat % 3],
            consonant: CONSONANTS[beat % CONSONANTS.len()],
            level_db: 0.0,
            breath_before: false,
            late_s: 0.0,
        }],
        timing: TimingCurve::constant(bpm, LEAD_S),
        singer,
        meter: Meter::FOUR_FOUR,
        key: tune.key.clone(),
        chords: Vec::new(),
        tail_s: 0.0,
    };
    Ok(vocal.sing(RATE)?.samples)
}
