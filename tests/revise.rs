//! A song that is there already: written anew without its audio, replaced in part.

use collavoce::bounce::song_of;
use collavoce::engine::{Session, recompose, restored, run_again};
use collavoce::listen::PitchMethod;
use collavoce::score::{BarNumber, PartBar, Score};
use collavoce::sing::{DemoOptions, demo_with};
use collavoce::song::{Seed, Settings, Song, VocalSource};
use collavoce::time::{Hz, TickCount};

fn session(settings: &Settings) -> Session {
    let sung = collavoce::sing::demo().sing(Hz(16_000)).expect("a voice");
    collavoce::engine::run(&sung.samples, settings, PitchMethod::Nsdf, &mut |_| {}).expect("a session")
}

fn song(session: &Session, settings: &Settings) -> Song {
    let vocal = VocalSource {
        file: "demo".to_owned(),
        sha256: String::new(),
        sample_rate: 16_000,
        channels: 1,
        duration_s: 1.0,
    };
    song_of(session, settings, PitchMethod::Nsdf, vocal).expect("a song")
}

#[test]
fn a_song_without_its_audio_can_be_written_anew() {
    let settings = Settings::default();
    let first = session(&settings);
    let song = song(&first, &settings);
    assert_eq!(restored(&song).score, first.score);
    let again = recompose(&song, &settings).expect("a session");
    assert_eq!(again.score.bars, first.score.bars);
    let same = again.score.parts.iter().filter(|bar| first.score.parts.contains(bar)).count();
    assert!(same * 10 > first.score.parts.len() * 9, "{same} of {}", first.score.parts.len());
    let mut shifted = settings.clone();
    shifted.repairs.bar_shift = 1;
    let moved = recompose(&song, &shifted).expect("a session");
    let line = |session: &Session| session.score.tempo.seconds_at(session.score.bar(BarNumber(2)).start);
    let beat_s = 60.0 / 92.0;
    let by = (line(&moved) - line(&first)).rem_euclid(4.0 * beat_s);
    assert!((by - beat_s).abs() < 0.1, "bar lines moved by {by} s");
    let mut doubled = settings.clone();
    doubled.repairs.beat_level = 1;
    let doubled = recompose(&song, &doubled).expect("a session");
    assert!(doubled.score.bars > 3 * first.score.bars / 2);
}

/// The demo with some seconds of it sung a tone higher.
fn sung_anew(from_s: usize, to_s: usize) -> Vec<f32> {
    let rate = 16_000;
    let options = DemoOptions { transpose: 2, ..DemoOptions::default() };
    let other = demo_with(options).sing(Hz(rate)).expect("a voice").samples;
    let mut samples = collavoce::sing::demo().sing(Hz(rate)).expect("a voice").samples;
    let range = from_s * rate as usize..to_s * rate as usize;
    samples[range.clone()].copy_from_slice(&other[range]);
    samples
}

#[test]
fn a_range_sung_anew_leaves_what_is_around_it() {
    let settings = Settings::default();
    let first = session(&settings);
    for (from_s, to_s) in [(0, 6), (12, 20), (20, 27), (30, 46)] {
        let samples = sung_anew(from_s, to_s);
        let range_s = (from_s as f64, to_s as f64);
        let pitch = PitchMethod::Nsdf;
        // Under another seed every bar that is written anew is another one.
        let other = Settings { seed: Seed(9), ..settings.clone() };
        let second = run_again(&samples, &other, pitch, &first, range_s, &mut |_| {}).expect("a session");
        let score = &second.score;
        let shift = score.bar(BarNumber(1)).start - first.score.bar(BarNumber(1)).start;
        assert_eq!(shift, TickCount(0), "bar 1 after {from_s} to {to_s} s");
        let (mut outside, mut other_bars) = (0, 0);
        for bar in score.all_bars() {
            let (start_s, end_s) = (score.tempo.seconds_at(bar.start), score.tempo.seconds_at(bar.end));
            let parts = |score: &Score| -> Vec<PartBar> {
                score.parts.iter().filter(|part| part.bar == bar.number).cloned().collect()
            };
            // A bar that the range cuts is another one.
            if end_s > range_s.0 - 1.0 && start_s < range_s.1 + 1.0 {
                other_bars += usize::from(parts(score) != parts(&first.score));
                continue;
            }
            outside += 1;
            let place = format!("bar {} after {from_s} to {to_s} s", bar.number.0);
            assert_eq!(start_s, first.score.tempo.seconds_at(bar.start), "{place}");
            let section = |score: &Score| score.section_of(bar.number).map(|s| (s.label.clone(), s.energy));
            assert_eq!(section(score), section(&first.score), "{place}");
            assert_eq!(score.chord_at(bar.start), first.score.chord_at(bar.start), "{place}");
            assert_eq!(parts(score), parts(&first.score), "{place}");
        }
        assert!(outside >= 8 && other_bars >= 2, "{outside} bars stay, {other_bars} are other ones");
        assert!(score.melody != first.score.melody);
    }
}
