//! What must hold of hearing a mix, with the project's own band for the truth.

use collavoce::audio::resample;
use collavoce::engine::{BandRenderer, RENDER_BLOCK, Session, run};
use collavoce::follow::mix::{MixError, MixTake, follow_mix};
use collavoce::limits::{LISTEN_HOP, LISTEN_HZ, MAX_BLOCK};
use collavoce::listen::PitchMethod;
use collavoce::listen::mix::{MixListener, MixObservation, listen_to_mix};
use collavoce::score::Part;
use collavoce::sing::demo;
use collavoce::song::{Mode, Rng, Settings};
use collavoce::time::Hz;

const RATE: Hz = Hz(48_000);
/// Tolerance of a beat in seconds (mir_eval's).
const RIGHT_S: f64 = 0.07;

/// What the band plays to the demonstration, at 16 kHz, and what it was written from.
fn band() -> (Vec<f32>, Session) {
    let sung = demo().sing(Hz(LISTEN_HZ)).expect("the rate is supported");
    let settings = Settings::default();
    let session = run(&sung.samples, &settings, PitchMethod::Nsdf, &mut |_| {}).expect("a song");
    let events = session.performance(&settings, RATE);
    let wanted = (session.take.duration_s * RATE.as_f64()) as usize;
    let mut mix = vec![0.0f32; wanted];
    let mut renderer = BandRenderer::new(&events, &Part::ALL, RATE, settings.seed, RENDER_BLOCK);
    let mut done = 0;
    while done < wanted {
        let block = &mut mix[done..];
        let length = block.len().min(MAX_BLOCK);
        done += renderer.render(length, &mut |_, left, right| {
            for (sum, (left, right)) in block.iter_mut().zip(left.iter().zip(right)) {
                *sum += (left + right) / 2.0;
            }
        });
    }
    (resample(&mix, 1, RATE, Hz(LISTEN_HZ)).expect("the rates are supported"), session)
}

fn follow(samples: &[f32], mode: Mode) -> Result<MixTake, MixError> {
    let settings = Settings { mode, ..Settings::default() };
    follow_mix(&listen_to_mix(samples), samples.len() as f64 / f64::from(LISTEN_HZ), &settings)
}

/// Share of the true times that have a found one beside them, and of the found ones that have a true one.
fn matched(truth: &[f64], found: &[f64]) -> (f64, f64) {
    let share = |of: &[f64], among: &[f64]| {
        let near = of.iter().filter(|time| among.iter().any(|other| (**time - other).abs() < RIGHT_S));
        near.count() as f64 / of.len().max(1) as f64
    };
    (share(truth, found), share(found, truth))
}

#[test]
fn beats_bars_chords_and_key_of_the_demo_band_are_found() {
    let (samples, session) = band();
    let sung_s = session.take.notes.first().map_or(0.0, |note| note.onset_s);
    let settled = |times: Vec<f64>| times.into_iter().filter(|t| *t > sung_s + 5.0).collect::<Vec<_>>();
    let truth = settled(session.beats.iter().map(|beat| beat.time_s).collect());
    let downbeats = settled(session.beats.iter().filter(|b| b.beat == 1).map(|b| b.time_s).collect());
    for mode in [Mode::Studio, Mode::Live] {
        let take = follow(&samples, mode).expect("a band");
        let found = settled(take.beats.iter().map(|beat| beat.time_s).collect());
        let (recall, precision) = matched(&truth, &found);
        assert!(
            recall > 0.9 && precision > 0.85,
            "{mode:?}: {recall} of the beats, {precision} of the found"
        );
        if mode == Mode::Live {
            assert!(
                take.beats.iter().all(|beat| beat.known_s - beat.time_s <= 0.06),
                "a beat was stated late"
            );
            continue;
        }
        let bars = settled(take.beats.iter().filter(|b| b.place == 0).map(|b| b.time_s).collect());
        let (recall, _) = matched(&downbeats, &bars);
        assert!(recall > 0.85, "{recall} of the downbeats");
        assert_eq!(take.keys[0].key, session.score.key);
        let (mut right, mut all) = (0, 0);
        for written in &session.score.chords {
            let (start_s, end_s) = (
                session.score.tempo.seconds_at(written.start),
                session.score.tempo.seconds_at(written.end()),
            );
            let middle_s = (start_s + end_s) / 2.0;
            if let Some(heard) = take.chords.iter().find(|c| c.start_s <= middle_s && middle_s < c.end_s) {
                all += 1;
                right += usize::from(heard.chord.is_some_and(|chord| {
                    chord.root == written.chord.root
                        && chord.quality.is_minor() == written.chord.quality.is_minor()
                }));
            }
        }
        assert!(all > 10 && right * 10 >= all * 8, "{right} of {all} chords");
    }
}

#[test]
fn what_is_stated_live_does_not_depend_on_what_comes_later() {
    let (samples, _) = band();
    let whole = follow(&samples, Mode::Live).expect("a band");
    for seconds in [14.0, 17.3] {
        let cut = (seconds * f64::from(LISTEN_HZ)) as usize;
        let part = follow(&samples[..cut], Mode::Live).expect("a band");
        let known = |take: &MixTake| {
            take.beats.iter().filter(|beat| beat.known_s < seconds - 0.1).copied().collect::<Vec<_>>()
        };
        assert!(known(&part).len() > 8);
        assert_eq!(known(&part), known(&whole));
    }
}

#[test]
fn a_stream_gives_what_a_recording_gives() {
    let mut rng = Rng::keyed(&[1]);
    let samples: Vec<f32> = (0..LISTEN_HOP * 400).map(|_| rng.signed() as f32 * 0.1).collect();
    let mut listener = MixListener::new();
    let streamed: Vec<MixObservation> =
        samples.as_chunks::<LISTEN_HOP>().0.iter().filter_map(|hop| listener.process(hop)).collect();
    assert_eq!(streamed, listen_to_mix(&samples)[..streamed.len()]);
    // Harmony comes on its own grid, and every window of it lies behind the newest sample.
    let hops: Vec<u64> = streamed.iter().filter_map(|o| o.harmony).map(|h| h.hop).collect();
    assert!(hops.len() > 60 && hops.windows(2).all(|pair| pair[1] == pair[0] + 5));
}

#[test]
fn noise_silence_and_numbers_that_are_none_hold_no_beat() {
    let mut rng = Rng::keyed(&[7]);
    let length = LISTEN_HZ as usize * 20;
    let noise: Vec<f32> = (0..length).map(|_| rng.normal() as f32 * 0.05).collect();
    let wild = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE];
    let sounds = [
        noise,
        vec![0.0; length],
        vec![],
        vec![0.3; 5],
        vec![f32::NAN; length],
        (0..length).map(|index| wild[index % wild.len()]).collect(),
    ];
    for (index, samples) in sounds.iter().enumerate() {
        for mode in [Mode::Studio, Mode::Live] {
            let error = follow(samples, mode).expect_err("nothing is played");
            assert!(error.to_string().starts_with("no beat found"), "{index}: {error}");
        }
    }
}

#[test]
fn a_stated_tempo_metre_and_key_are_kept() {
    let (samples, session) = band();
    let found = 60.0 / follow(&samples, Mode::Studio).expect("a band").bpm();
    let settings = Settings {
        bpm: Some(collavoce::time::Bpm(30.0 / found)),
        meter: Some(collavoce::time::Meter::FIVE_FOUR),
        key: Some(session.score.key.transposed(1)),
        ..Settings::default()
    };
    let heard = listen_to_mix(&samples);
    let take = follow_mix(&heard, session.take.duration_s, &settings).expect("a band");
    assert_eq!(
        (take.meter, take.keys[0].key),
        (collavoce::time::Meter::FIVE_FOUR, session.score.key.transposed(1))
    );
    let ratio = take.bpm() * found / 30.0;
    assert!((0.9..1.1).contains(&ratio), "{} beats a minute", take.bpm());
}
