//! A song that is there already: written anew without its audio, replaced in part.

use collavoce::bounce::song_of;
use collavoce::engine::{Session, keep_outside, recompose, restored};
use collavoce::listen::PitchMethod;
use collavoce::score::BarNumber;
use collavoce::song::{Seed, Settings, Song, VocalSource};
use collavoce::time::Hz;

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

#[test]
fn what_lies_outside_of_a_replaced_stretch_stays() {
    let first = session(&Settings::default());
    let other = Settings { seed: Seed(9), ..Settings::default() };
    let mut second = session(&other);
    let (from_s, to_s) = (12.0, 20.0);
    let kept = keep_outside(&first.score, &mut second, from_s, to_s);
    assert!(kept > 10, "{kept} bars kept");
    assert!(kept < first.score.bars as usize - 2);
    for (old, new) in first.score.parts.iter().zip(&second.score.parts) {
        let bar = first.score.bar(old.bar);
        let is_outside = first.score.tempo.seconds_at(bar.end) <= from_s
            || first.score.tempo.seconds_at(bar.start) >= to_s;
        assert!(!is_outside || old == new, "bar {} of {}", old.bar.0, old.part);
    }
    assert!(first.score.parts != second.score.parts);
}
