//! What must hold of listening, with the project's own singer for the truth.

use collavoce::audio::{Resampler, resample};
use collavoce::engine::{self, BeatReport};
use collavoce::follow::FollowError;
use collavoce::follow::studio::{follow_take, segment};
use collavoce::limits::{LISTEN_HOP, LISTEN_HZ};
use collavoce::listen::{
    HOP_S, Heard, ListenConfig, Listener, NoteSegmenter, Observation, Onset, PitchMethod, SungNote, listen_to,
};
use collavoce::sing::{Consonant, Singer, Sung, SungSyllable, Vocal, Vowel, demo};
use collavoce::song::{Mode, Rng, Seed, Settings};
use collavoce::time::Hz;

/// Tolerance of a pitch in cents (mir_eval's).
const RIGHT_CENTS: f64 = 50.0;

/// What a hard take may lose of raw pitch accuracy against a plain one.
const MAY_LOSE: f64 = 0.03;

/// The first notes of the demonstration song, changed.
fn vocal(change: impl Fn(usize, &mut SungSyllable), singer: Singer) -> Vocal {
    let mut vocal = Vocal { singer, ..demo() };
    vocal.notes.truncate(18);
    vocal.notes.iter_mut().enumerate().for_each(|(index, note)| change(index, note));
    vocal
}

fn sing(vocal: &Vocal, rate: u32) -> Sung {
    vocal.sing(Hz(rate)).expect("the rate is supported")
}

fn clean() -> Sung {
    sing(&vocal(|_, _| {}, Singer::alto(1)), LISTEN_HZ)
}

fn latency_s(config: ListenConfig) -> f64 {
    Listener::new(config).latency().0 as f64 / f64::from(LISTEN_HZ)
}

/// Notes and onsets of 16 kHz samples.
fn notes(samples: &[f32]) -> (Vec<SungNote>, Vec<Onset>) {
    segment(
        &listen_to(samples, ListenConfig::studio(PitchMethod::Nsdf)),
        latency_s(ListenConfig::studio(PitchMethod::Nsdf)),
    )
}

/// Share of the voiced truth whose pitch is heard within 50 cents; pitches also count where no voice is reported, as
/// in mir_eval's raw pitch accuracy.
fn raw_pitch_accuracy(samples: &[f32], sung: &Sung) -> f64 {
    let heard = listen_to(samples, ListenConfig::studio(PitchMethod::Nsdf));
    let voiced = sung.truth.f0.iter().filter(|point| point.hz > 0.0);
    let (mut right, mut all) = (0.0, 0.0);
    for point in voiced {
        let Some(o) = heard.get((point.time_s / HOP_S).round() as usize) else { continue };
        all += 1.0;
        let cents = 1200.0 * (f64::from(o.f0_hz).max(1.0) / point.hz).log2();
        right += f64::from(u8::from(cents.abs() < RIGHT_CENTS));
    }
    assert!(all > 500.0, "the truth has {all} voiced points");
    right / all
}

/// What a live listener has said after some hops.
#[derive(Debug, Default)]
struct Said {
    observations: Vec<Observation>,
    notes: Vec<SungNote>,
    onsets: Vec<Onset>,
}

fn said_after(samples: &[f32], hops: usize) -> Said {
    let mut listener = Listener::new(ListenConfig::live(PitchMethod::Nsdf));
    let mut segmenter = NoteSegmenter::new(latency_s(ListenConfig::live(PitchMethod::Nsdf)));
    let mut said = Said::default();
    for hop in samples.as_chunks::<LISTEN_HOP>().0.iter().take(hops) {
        listener.process(hop, &mut |observation| {
            said.observations.push(observation);
            segmenter.process(&observation, &mut |heard| match heard {
                Heard::Onset(onset) => said.onsets.push(onset),
                Heard::Note(note) => said.notes.push(note),
            });
        });
    }
    said
}

#[test]
fn what_was_said_before_a_cut_is_what_is_said_of_the_whole() {
    let samples = clean().samples;
    let hops = samples.len() / LISTEN_HOP;
    let whole = said_after(&samples, hops);
    assert!(whole.notes.len() > 10 && whole.onsets.len() > 10);
    let mut rng = Seed(5).named("cuts", 0);
    for _ in 0..6 {
        let cut = 1 + (rng.unit() * (hops - 1) as f64) as usize;
        // After the cut comes something else: the future cannot be heard.
        let mut other = samples.clone();
        other[cut * LISTEN_HOP..].iter_mut().for_each(|s| *s = 0.3 * rng.unit() as f32);
        let (said, otherwise) = (said_after(&samples, cut), said_after(&other, hops));
        let cut_s = cut as f64 * HOP_S;
        let count = said.observations.len();
        assert_eq!(said.observations[..], whole.observations[..count], "cut after {cut} hops");
        assert_eq!(said.observations[..], otherwise.observations[..count], "cut after {cut} hops");
        let known: Vec<SungNote> = whole.notes.iter().copied().filter(|n| n.known_s <= cut_s).collect();
        assert!(said.notes.starts_with(&known), "cut after {cut} hops");
        assert_eq!(said.notes[..], whole.notes[..said.notes.len()], "cut after {cut} hops");
        assert_eq!(said.notes[..], otherwise.notes[..said.notes.len()], "cut after {cut} hops");
        let known = whole.onsets.iter().copied().filter(|o| o.known_s <= cut_s).collect::<Vec<_>>();
        assert!(said.onsets.starts_with(&known), "cut after {cut} hops");
        assert_eq!(said.onsets[..], otherwise.onsets[..said.onsets.len()], "cut after {cut} hops");
    }
}

#[test]
fn beats_that_were_decided_before_a_cut_stay() {
    let samples = sing(&demo(), LISTEN_HZ).samples;
    let settings = Settings { mode: Mode::Live, ..Settings::default() };
    let beats_of = |samples: &[f32]| {
        let session = engine::run(samples, &settings, PitchMethod::Nsdf, &mut |_| ());
        // When they were sung is said by the whole take, afterwards.
        let beats = session.expect("a session").beats.into_iter();
        beats.map(|beat| BeatReport { sung_s: None, ..beat }).collect::<Vec<_>>()
    };
    let whole = beats_of(&samples);
    for cut_s in [18.37, 25.0, 31.11] {
        let cut = beats_of(&samples[..(cut_s * f64::from(LISTEN_HZ)) as usize]);
        let decided = whole.iter().filter(|beat| beat.known_s <= cut_s).count();
        assert!(decided > 10, "{decided} beats before {cut_s} s");
        assert_eq!(cut[..decided], whole[..decided], "cut after {cut_s} s");
    }
}

/// Talk: syllables of a fifth of a second whose pitch slides and never rests.
#[test]
fn babble_is_no_singing() {
    let mut rng = Seed(8).named("babble", 0);
    let mut at = 0.0;
    let mut talk = vocal(|_, _| {}, Singer::tenor(1));
    talk.singer = Singer { vibrato_cents: 0.0, wander_cents: 120.0, portamento_ms: 120.0, ..talk.singer };
    let model = talk.notes[0];
    talk.notes = (0..90)
        .map(|index| {
            let beats = 0.18 + 0.2 * rng.unit();
            let pause = if index % 9 == 8 { 0.8 } else { 0.02 + 0.05 * rng.unit() };
            let (vowel, consonant) = (
                [Vowel::A, Vowel::E, Vowel::I, Vowel::O, Vowel::Schwa][rng.below(5)],
                [Consonant::T, Consonant::S, Consonant::K, Consonant::M, Consonant::F][rng.below(5)],
            );
            let midi = 43 + (5 - index % 9 / 2) as u8 + rng.below(4) as u8;
            let note = SungSyllable { start_beat: at, beats, midi, vowel, consonant, ..model };
            at += beats + pause;
            note
        })
        .collect();
    let sung = sing(&talk, LISTEN_HZ);
    let heard = listen_to(&sung.samples, ListenConfig::studio(PitchMethod::Nsdf));
    let follow =
        follow_take(&heard, &[], latency_s(ListenConfig::studio(PitchMethod::Nsdf)), &Settings::default());
    assert!(matches!(follow, Err(FollowError::NoVoice { .. })));
}

#[test]
fn blocks_of_any_size_are_heard_alike() {
    let sung = sing(&vocal(|_, _| {}, Singer::alto(1)), 48_000);
    let at_block = |block: usize| {
        let mut resampler =
            Resampler::streaming(Hz(48_000), Hz(LISTEN_HZ), 1).expect("the rate is supported");
        let mut samples = Vec::new();
        for chunk in sung.samples.chunks(block) {
            resampler.push(chunk, &mut samples);
        }
        resampler.finish(&mut samples);
        samples
    };
    let once = at_block(sung.samples.len());
    for block in [1, 7, 64, 441, 1000, 8192] {
        assert_eq!(at_block(block), once, "blocks of {block}");
    }
}

#[test]
fn every_sample_rate_is_heard_alike() {
    let take = vocal(|_, _| {}, Singer::alto(1));
    let at_rate = |rate: u32| {
        let sung = sing(&take, rate);
        let samples = resample(&sung.samples, 1, sung.rate, Hz(LISTEN_HZ)).expect("the rate is supported");
        (listen_to(&samples, ListenConfig::studio(PitchMethod::Nsdf)), notes(&samples).0)
    };
    let (home, home_notes) = at_rate(48_000);
    for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 88_200, 96_000, 192_000] {
        let (heard, notes) = at_rate(rate);
        // Where both hear a voice. Glides move several cents within a hop, so a hundredth part may differ by more.
        let both = home.iter().zip(&heard).filter(|(a, b)| a.voiced && b.voiced);
        let mut cents: Vec<f64> =
            both.map(|(a, b)| (1200.0 * f64::from(a.f0_hz / b.f0_hz).log2()).abs()).collect();
        cents.sort_by(f64::total_cmp);
        let far = cents[cents.len() * 99 / 100];
        let nearest = |note: &SungNote| {
            let distances = notes.iter().map(|n| (n.onset_s - note.onset_s).abs());
            distances.fold(f64::INFINITY, f64::min)
        };
        let moved: Vec<f64> = home_notes.iter().map(nearest).filter(|s| *s > 0.002).collect();
        assert!(far < 5.0, "{rate} Hz: {far:.1} cents");
        assert_eq!(notes.len(), home_notes.len(), "{rate} Hz");
        // Onsets lie on hops. With nothing above 4 kHz one of them is measured a hop, 10 ms, beside its place.
        let may_move = usize::from(rate == 8_000);
        assert!(moved.len() <= may_move && moved.iter().all(|s| *s < 0.0101), "{rate} Hz: {moved:?} s");
    }
}

fn white(rng: &mut Rng, seconds: f64) -> Vec<f32> {
    (0..(seconds * f64::from(LISTEN_HZ)) as usize).map(|_| (rng.unit() - 0.5) as f32).collect()
}

/// Claps: bursts of noise that fade within 30 ms, a little uneven.
fn clapping(rng: &mut Rng, seconds: f64) -> Vec<f32> {
    let mut samples = vec![0.0; (seconds * f64::from(LISTEN_HZ)) as usize];
    let mut at_s = 0.2;
    while at_s < seconds - 0.3 {
        let start = (at_s * f64::from(LISTEN_HZ)) as usize;
        let burst = white(rng, 0.2);
        let mut smooth = 0.0;
        for (index, sample) in burst.iter().enumerate() {
            smooth += 0.4 * (sample - smooth);
            samples[start + index] += (sample - smooth) * (-(index as f32) / 320.0).exp();
        }
        at_s += 0.25 + 0.2 * rng.unit();
    }
    samples
}

#[test]
fn noise_claps_and_silence_hold_no_notes() {
    let mut rng = Seed(3).named("noises", 0);
    let noise = white(&mut rng, 12.0);
    let mut poles = [0.0f32; 3];
    // Three leaky integrators an octave and more apart make a fall of about 3 dB an octave.
    let pink: Vec<f32> = noise
        .iter()
        .map(|s| {
            for (pole, (keep, gain)) in poles.iter_mut().zip([(0.997, 0.03), (0.963, 0.1), (0.57, 0.3)]) {
                *pole = keep * *pole + gain * s;
            }
            poles.iter().sum::<f32>() + 0.05 * s
        })
        .collect();
    let mut low = 0.0f32;
    let brown: Vec<f32> = noise
        .iter()
        .map(|s| {
            low += 0.02 * (s - low);
            6.0 * low
        })
        .collect();
    let claps = clapping(&mut rng, 12.0);
    let silence = vec![0.0; 6 * LISTEN_HZ as usize];
    for (name, samples) in
        [("white", noise), ("pink", pink), ("brown", brown), ("clapping", claps), ("silence", silence)]
    {
        let heard = listen_to(&samples, ListenConfig::studio(PitchMethod::Nsdf));
        let voiced = heard.iter().filter(|o| o.voiced).count() as f64 / heard.len() as f64;
        let found = notes(&samples).0;
        assert!(voiced <= 0.05, "{name}: {voiced:.3} is taken for voice");
        assert_eq!(found, [], "{name}");
    }
}

#[test]
fn degraded_and_unusual_voices_are_heard_as_well_as_a_plain_one() {
    let sung = clean();
    let plain = raw_pitch_accuracy(&sung.samples, &sung);
    assert!(plain > 0.95, "{plain:.3}");
    let check = |name: &str, may_lose: f64, samples: &[f32], sung: &Sung| {
        let accuracy = raw_pitch_accuracy(samples, sung);
        (accuracy < plain - may_lose).then(|| format!("{name}: {accuracy:.3}, plain {plain:.3}"))
    };
    let child = vocal(|_, note| note.midi += 12, Singer { tract_scale: 1.3, ..Singer::alto(1) });
    let bass = vocal(|_, note| note.midi -= 19, Singer { tract_scale: 0.92, ..Singer::tenor(1) });
    let yodel = |index: usize, note: &mut SungSyllable| note.midi += if index % 2 == 1 { 9 } else { 0 };
    let yodel = vocal(yodel, Singer { portamento_ms: 25.0, ..Singer::tenor(1) });
    // Two of the child's high notes, at 585 and 657 Hz, are heard an octave too low: 0.951 was measured where the plain
    // voice has 0.986.
    let mut missed: Vec<String> =
        [("child", 0.04, child), ("bass", MAY_LOSE, bass), ("yodel", MAY_LOSE, yodel)]
            .iter()
            .filter_map(|(name, may_lose, vocal)| {
                let sung = sing(vocal, LISTEN_HZ);
                check(name, *may_lose, &sung.samples, &sung)
            })
            .collect();
    let peak = sung.samples.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
    let clipped: Vec<f32> = sung.samples.iter().map(|s| s.clamp(-0.5 * peak, 0.5 * peak)).collect();
    missed.extend(check("clipped", MAY_LOSE, &clipped, &sung));
    let rms = (sung.samples.iter().map(|s| f64::from(s * s)).sum::<f64>() / sung.samples.len() as f64).sqrt();
    let hum_peak = rms * std::f64::consts::SQRT_2 * 10f64.powf(-12.0 / 20.0);
    let hum = |n: usize| hum_peak * (std::f64::consts::TAU * 50.0 * n as f64 / f64::from(LISTEN_HZ)).sin();
    let hummed: Vec<f32> = sung.samples.iter().enumerate().map(|(n, s)| s + hum(n) as f32).collect();
    missed.extend(check("hum", MAY_LOSE, &hummed, &sung));
    missed.extend(check("telephone", MAY_LOSE, &telephone(&sung.samples), &sung));
    assert!(missed.is_empty(), "{missed:?}");
}

/// What is left of a voice in 300 to 3400 Hz: two second-order Butterworth filters at either end.
fn telephone(samples: &[f32]) -> Vec<f32> {
    let mut signal: Vec<f64> = samples.iter().map(|s| f64::from(*s)).collect();
    for (corner_hz, is_high) in [(300.0, true), (300.0, true), (3400.0, false), (3400.0, false)] {
        let w = std::f64::consts::TAU * corner_hz / f64::from(LISTEN_HZ);
        let (alpha, cos) = (w.sin() / std::f64::consts::SQRT_2, w.cos());
        let middle = if is_high { -(1.0 + cos) } else { 1.0 - cos };
        let (b, a) =
            ([middle.abs() / 2.0, middle, middle.abs() / 2.0], [1.0 + alpha, -2.0 * cos, 1.0 - alpha]);
        let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
        for sample in &mut signal {
            let out = (b[0] * *sample + b[1] * x[0] + b[2] * x[1] - a[1] * y[0] - a[2] * y[1]) / a[0];
            (x, y) = ([*sample, x[0]], [out, y[0]]);
            *sample = out;
        }
    }
    signal.iter().map(|s| *s as f32).collect()
}

/// A sine of 700 to 1500 Hz with vibrato, in notes of 0.7 s.
#[test]
fn whistling_is_heard() {
    let (mut phase, mut right, mut truth) = (0.0f64, 0.0, Vec::new());
    let samples: Vec<f32> = (0..8 * LISTEN_HZ as usize)
        .map(|n| {
            let s = n as f64 / f64::from(LISTEN_HZ);
            let note = (s / 0.7) as i32;
            let wobble = (30.0 * (std::f64::consts::TAU * 5.5 * s).sin()) / 1200.0;
            let hz = 700.0 * 2f64.powf(f64::from((note * 5) % 13) / 12.0 + wobble);
            if n % LISTEN_HOP == 0 {
                truth.push(hz);
            }
            phase += std::f64::consts::TAU * hz / f64::from(LISTEN_HZ);
            0.2 * phase.sin() as f32
        })
        .collect();
    let heard = listen_to(&samples, ListenConfig::studio(PitchMethod::Nsdf));
    for (o, hz) in heard.iter().zip(&truth) {
        let cents = 1200.0 * (f64::from(o.f0_hz).max(1.0) / hz).log2();
        right += f64::from(u8::from(cents.abs() < RIGHT_CENTS));
    }
    let accuracy = right / truth.len() as f64;
    assert!(accuracy > 0.95, "{accuracy:.3}");
}

#[test]
fn any_samples_do_no_harm() {
    let strange = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1e-42,
        -0.0,
        1e9,
        0.5,
    ];
    notes(&[]);
    for value in strange {
        notes(&[value]);
        notes(&[value; 3000]);
    }
    bolero::check!().with_type::<Vec<(u8, f32)>>().with_iterations(60).for_each(|pieces| {
        let samples: Vec<f32> = pieces
            .iter()
            .flat_map(|(kind, value)| {
                let value = strange.get(usize::from(*kind)).copied().unwrap_or(*value);
                std::iter::repeat_n(value, usize::from(*kind) + 1)
            })
            .collect();
        for note in notes(&samples).0 {
            assert!(note.onset_s.is_finite() && note.midi.is_finite(), "{note:?}");
        }
    });
    // What is no number does not poison what comes after it.
    let sung = clean();
    let mut poisoned = vec![f32::NAN; 4 * LISTEN_HOP];
    poisoned.extend(&sung.samples);
    let voiced = |samples: &[f32]| {
        listen_to(samples, ListenConfig::studio(PitchMethod::Nsdf)).iter().filter(|o| o.voiced).count()
    };
    let (after, plain) = (voiced(&poisoned), voiced(&sung.samples));
    assert!(after.abs_diff(plain) <= 5, "{after} voiced hops after NaN, {plain} without");
}
