//! What a bounce leaves behind: the same bytes at any block size, stems that sum, MIDI that falls on the audio.

mod common;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use collavoce::audio::{StemFormat, StemReader};
use collavoce::bounce::{BounceReport, BounceRequest, bounce};
use collavoce::score::{Part, midi};
use collavoce::sing::DemoOptions;
use collavoce::song::{Settings, Song};

use common::{sing, write_wav};

/// A few bars of the demonstration song.
fn vocal(folder: &Path) -> std::path::PathBuf {
    let sung = sing(DemoOptions::default(), 44_100);
    let path = folder.join("vocal.wav");
    write_wav(&path, &sung.samples[..44_100 * 12], 44_100);
    path
}

fn run(request: &BounceRequest<'_>) -> BounceReport {
    bounce(request, &mut |_, _| ControlFlow::Continue(())).expect("the bounce succeeds")
}

fn hashes(report: &BounceReport) -> BTreeMap<String, String> {
    serde_json::from_value(report.report["sha256"].clone()).expect("hashes")
}

fn stem(path: &Path) -> (Vec<i32>, Vec<i32>) {
    let mut reader = StemReader::open(path).expect("a stem");
    let (mut left, mut right) = (Vec::new(), Vec::new());
    while let Some((l, r)) = reader.next_block().expect("a stem") {
        left.extend_from_slice(l);
        right.extend_from_slice(r);
    }
    (left, right)
}

#[test]
fn every_block_size_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let vocal = vocal(folder.path());
    let request = BounceRequest::new(&vocal, folder.path().join("out"), Settings::default());
    let first = run(&request);
    let report = std::fs::read(folder.path().join("out/report.json")).expect("a report");
    for block in [1, 17, 64, 333, 4096] {
        let again = run(&BounceRequest { block, ..request.clone() });
        assert_eq!(hashes(&first), hashes(&again), "block size {block}");
        let again = std::fs::read(folder.path().join("out/report.json")).expect("a report");
        assert_eq!(report, again, "block size {block}");
    }
}

#[test]
fn the_band_is_the_sum_of_its_stems_and_flac_holds_the_same_samples() {
    let folder = tempfile::tempdir().expect("a folder");
    let vocal = vocal(folder.path());
    let out = folder.path().join("out");
    run(&BounceRequest::new(&vocal, &out, Settings::default()));
    let band = stem(&out.join("band.wav"));
    let mut sum = (vec![0; band.0.len()], vec![0; band.1.len()]);
    for part in Part::ALL {
        let (left, right) = stem(&out.join(format!("{part}.wav")));
        assert!(left.iter().any(|s| *s != 0), "{part} sounds");
        for (sum, sample) in sum.0.iter_mut().zip(&left).chain(sum.1.iter_mut().zip(&right)) {
            *sum += sample;
        }
    }
    assert!(sum == band, "the stems do not sum to the band");
    let flac = folder.path().join("flac");
    let request =
        BounceRequest { format: StemFormat::Flac, ..BounceRequest::new(&vocal, &flac, Settings::default()) };
    run(&request);
    assert!(stem(&flac.join("band.flac")) == band, "FLAC and WAV differ");
}

#[test]
fn the_song_file_is_read_back_and_every_output_names_its_take() {
    let folder = tempfile::tempdir().expect("a folder");
    let vocal = vocal(folder.path());
    let out = folder.path().join("out");
    let report = run(&BounceRequest::new(&vocal, &out, Settings::default()));
    let bytes = std::fs::read(out.join("song.collavoce")).expect("a song");
    let song = Song::from_bytes(&bytes).expect("a sound song");
    assert!(song.to_bytes().expect("bytes") == bytes, "a song file that is read and written changes");
    assert_eq!(song.score, report.session.score);
    let id = song.provenance.take_id.as_bytes();
    for file in &report.files {
        let bytes = std::fs::read(out.join(file)).expect("an output");
        assert!(bytes.windows(id.len()).any(|w| w == id), "{file} does not carry the take id");
    }
}

#[test]
fn midi_falls_on_the_audio_after_ten_minutes_of_breathing_tempo() {
    use collavoce::score::midi::{MidiTrack, TrackMessage};
    use collavoce::time::{TempoMap, Ticks};
    let folder = tempfile::tempdir().expect("a folder");
    let vocal = vocal(folder.path());
    let mut score =
        run(&BounceRequest::new(&vocal, folder.path().join("out"), Settings::default())).session.score;
    let mut at = 0.0;
    let mut anchors = vec![(Ticks(0), 0.0)];
    for beat in 1..1000 {
        at += 0.63 + 0.21 * (f64::from(beat) * 0.37).sin();
        anchors.push((Ticks(i64::from(beat) * 960), at));
    }
    score.tempo = TempoMap::new(anchors).expect("rising");
    let wanted: Vec<f64> = (0..900).map(|i| 0.137 + f64::from(i) * 0.691).collect();
    let messages = wanted.iter().map(|s| (*s, TrackMessage::NoteOn { pitch: 60, velocity: 64 })).collect();
    let track = MidiTrack { name: "Test".to_owned(), channel: 1, program: 0, messages };
    let bytes = midi::write(&score, &[track], &[]);

    // An independent player: adds up delta times through the tempo events.
    let smf = midly::Smf::parse(&bytes).expect("a MIDI file");
    let mut tempos = Vec::new();
    let mut tick = 0u64;
    for event in &smf.tracks[0] {
        tick += u64::from(event.delta.as_int());
        if let midly::TrackEventKind::Meta(midly::MetaMessage::Tempo(us)) = event.kind {
            tempos.push((tick, f64::from(us.as_int())));
        }
    }
    let seconds_at = |tick: u64| {
        let mut seconds = 0.0;
        for (index, (from, us)) in tempos.iter().enumerate() {
            let to = tempos.get(index + 1).map_or(u64::MAX, |next| next.0).min(tick);
            if to > *from {
                seconds += (to - from) as f64 / 960.0 * us / 1e6;
            }
        }
        seconds
    };
    let (mut tick, mut played) = (0u64, Vec::new());
    for event in &smf.tracks[1] {
        tick += u64::from(event.delta.as_int());
        if let midly::TrackEventKind::Midi { message: midly::MidiMessage::NoteOn { .. }, .. } = event.kind {
            played.push(seconds_at(tick));
        }
    }
    assert_eq!(played.len(), wanted.len());
    for (wanted, played) in wanted.iter().zip(&played) {
        assert!((wanted - played).abs() < 0.001, "{wanted} s is played at {played} s");
    }
}
