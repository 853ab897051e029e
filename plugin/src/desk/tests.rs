//! The desk does what the editor asks for, and says what it cannot do.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use collavoce::score::Score;
use collavoce::sing::demo;
use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::Param as _;

use super::*;
use crate::params::SoundsChoice;
use crate::view::Command;

#[path = "../../../tests/common/font.rs"]
mod font;

/// A desk that is open, and a folder of files.
struct Office {
    common: Arc<Common>,
    _desk: Desk,
    folder: tempfile::TempDir,
}

impl Office {
    fn open() -> Self {
        let common = Arc::new(Common::new(Arc::default(), Arc::default()));
        let desk = Desk::open(common.clone()).expect("a thread");
        Self { common, _desk: desk, folder: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    fn voice(&self) -> PathBuf {
        let path = self.folder.path().join("voice.wav");
        let sung = demo().sing(Hz(16_000)).expect("a voice");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(&path, spec).expect("a file");
        sung.samples.iter().for_each(|sample| writer.write_sample(*sample).expect("a file"));
        writer.finalize().expect("a file");
        path
    }

    /// Asks for something and waits until everything is done.
    fn ask(&self, command: Command) -> String {
        self.common.shared.ask(command);
        self.settle()
    }

    /// Waits until the desk has looked around twice; returns what it says.
    fn settle(&self) -> String {
        for _ in 0..2 {
            let begun = Instant::now();
            self.common.appointments.wait(&self._desk.thread().expect("it is open"));
            assert!(begun.elapsed() < Duration::from_secs(120));
        }
        self.common.shared.view().message.clone()
    }

    fn song(&self) -> Option<collavoce::song::Song> {
        saved::unpack(&self.common.params.song.get()).expect("a song that can be read")
    }
}

#[test]
fn a_recording_becomes_a_song_that_is_exported_and_loaded_again() {
    let office = Office::open();
    let said = office.ask(Command::Load(office.voice()));
    let song = office.song().unwrap_or_else(|| panic!("no song: {said}"));
    assert_eq!(song.provenance.vocal.file, "voice.wav");
    let out = office.folder.path().join("out");
    let said = office.ask(Command::Export(out.clone()));
    for name in ["guitar.wav", "drums.wav", "strings.wav", "bass.wav", "song.mid", "song.musicxml"] {
        assert!(out.join(name).is_file(), "{name} is missing: {said}");
    }
    office.ask(Command::Clear);
    assert_eq!(office.song(), None);
    office.ask(Command::Load(out.join("song.collavoce")));
    assert_eq!(office.song().map(|song| song.score), Some(song.score));
}

#[test]
fn a_chart_holds_with_and_without_a_voice_and_comes_back_with_the_project() {
    let office = Office::open();
    let chart = office.file("chords.txt", "key: D\ntempo: 92\n| D | G | A | D |\n");
    office.ask(Command::Load(chart));
    let live = office.common.asked(Mode::Live, 0.0);
    assert_eq!(live.chart.map(|chart| chart.bars.len()), Some(4));
    assert_eq!(live.key.map(|key| key.to_string()), Some("D major".to_owned()));
    office.ask(Command::Load(office.voice()));
    let song = office.song().expect("a song");
    let used: Vec<String> = song.score.chords.iter().map(|span| span.chord.to_string()).collect();
    assert!(used.iter().all(|chord| ["D", "G", "A"].contains(&chord.as_str())), "{used:?}");

    let other = Office::open();
    other.common.params.chart.set(office.common.params.chart.get());
    other.common.params.song.set(office.common.params.song.get());
    other.settle();
    assert_eq!(other.song(), Some(song));
    assert!(other.common.asked(Mode::Live, 0.0).chart.is_some());
}

#[test]
fn a_bar_whose_chord_is_fixed_keeps_it_and_is_found_again_when_freed() {
    let office = Office::open();
    office.ask(Command::Load(office.voice()));
    let found = office.song().expect("a song").score;
    let at = found.bar(BarNumber(2)).start;
    let fixed: FixedBar = "2=Ebmaj7".parse().expect("a chord");
    office.ask(Command::Fix(fixed.clone()));
    let song = office.song().expect("a song");
    let chord_at = |score: &Score| score.chord_at(at).map(|chord| chord.to_string());
    assert_eq!(chord_at(&song.score).as_deref(), Some("Ebmaj7"));
    assert_eq!(song.settings.fixed, [fixed]);
    assert_eq!(song.score.melody, found.melody);

    let other = Office::open();
    other.common.params.fixed.set(office.common.params.fixed.get());
    other.common.params.song.set(office.common.params.song.get());
    other.settle();
    assert_eq!(other.common.asked(Mode::Live, 0.0).fixed, song.settings.fixed);
    other.ask(Command::Free(BarNumber(2)));
    assert_eq!(other.song().map(|song| chord_at(&song.score)), Some(chord_at(&found)));
    other.common.params.fixed.set("2=H".to_owned());
    assert!(other.settle().contains("fixed chords"));

    // A bar that the next song does not have is no reason to refuse it.
    office.ask(Command::Fix("900=C".parse().expect("a chord")));
    assert!(office.song().is_some_and(|song| song.settings.fixed.len() == 2));
    office.ask(Command::Load(office.voice()));
    assert!(office.song().is_some_and(|song| song.settings.fixed.is_empty() && song.score == found));
}

#[test]
fn what_cannot_be_loaded_leaves_the_song_alone_and_is_said() {
    let office = Office::open();
    let voice = office.voice();
    office.ask(Command::Load(voice));
    let song = office.song();
    for (name, text, part) in [
        ("bad.collavoce", "{}", "bad.collavoce"),
        ("bad.txt", "| H# |", "bad.txt"),
        ("bad.wav", "RIFF", "bad.wav"),
        ("none.flac", "", "none.flac"),
    ] {
        let said = office.ask(Command::Load(office.file(name, text)));
        assert!(said.contains(part), "{name}: {said:?}");
        assert_eq!(office.song(), song, "{name}");
    }
    let said = office.ask(Command::Load(office.folder.path().join("missing.wav")));
    assert!(said.contains("missing.wav"), "{said:?}");
    let said = office.ask(Command::Export(office.file("taken", "")));
    assert!(said.contains("taken"), "{said:?}");
}

#[test]
fn a_damaged_project_begins_a_fresh_song_and_says_so() {
    let office = Office::open();
    for text in ["no base64!", "AAAA", "eJwDAAAAAAE="] {
        office.common.params.song.set(text.to_owned());
        let said = office.settle();
        assert!(said.contains("A fresh song is begun."), "{text}: {said:?}");
    }
    office.common.params.chart.set("| H |".to_owned());
    office.common.params.song.set(String::new());
    assert!(office.settle().contains("chart"));
}

#[test]
fn a_parameter_writes_the_song_anew_and_a_loaded_one_is_left_as_it_is() {
    let office = Office::open();
    office.ask(Command::Load(office.voice()));
    let song = office.song().expect("a song");
    office.settle();
    assert_eq!(office.song().as_ref(), Some(&song));
    let other = office.file("other.collavoce", "");
    let seeded = collavoce::song::Song {
        settings: Settings { seed: Seed(5), ..song.settings.clone() },
        ..song.clone()
    };
    std::fs::write(&other, seeded.to_bytes().expect("bytes")).expect("a file");
    office.ask(Command::Load(other));
    assert_eq!(office.song().map(|song| song.settings.seed), Some(Seed(5)));
    // A host restores the project that holds it: its parameters say seed 1.
    office.common.params.song.set(office.common.params.song.get());
    office.settle();
    assert_eq!(office.song().map(|song| song.settings.seed), Some(Seed(5)));
}

#[test]
fn what_was_counted_in_and_the_hosts_bars_say_where_bars_begin_in_the_take() {
    let take = CapturedTake {
        origin_s: 8.0,
        samples: Vec::new(),
        fresh_s: (0.0, 20.0),
        anchors: Vec::new(),
        listened_s: Some(2.0),
        bars: Some(HostBars { at_s: 0.3, beats: 5.0, bpm: 120.0 }),
    };
    let asked = |lead, count_in_bars| Settings {
        mode: Mode::Live,
        lead,
        count_in_bars,
        bpm: Some(collavoce::time::Bpm(120.0)),
        ..Settings::default()
    };
    let bar_one_s = |take: &CapturedTake, live: &Settings| Said::in_take(take, live).bar_one_s;
    let counted_s = bar_one_s(&take, &asked(Lead::Voice, 1)).expect("it was counted in");
    assert!((counted_s - 2.0 - Settings::COUNT_IN_S - 2.0).abs() < 1e-9, "{counted_s}");
    assert_eq!(bar_one_s(&take, &asked(Lead::Voice, 0)), None);
    let hosts_s = bar_one_s(&take, &asked(Lead::Host, 0)).expect("the host said it");
    assert!((hosts_s - 1.8).abs() < 1e-9, "{hosts_s}");
    let silent = CapturedTake { bars: Some(HostBars { at_s: 0.3, beats: 5.0, bpm: 0.0 }), ..take };
    assert_eq!(bar_one_s(&silent, &asked(Lead::Host, 0)), None);
}

#[test]
fn a_sound_font_that_was_read_is_used_in_the_next_activation_and_a_broken_one_is_said() {
    let office = Office::open();
    let desk = office._desk.thread().expect("it is open");
    let params = &office.common.params;
    let choose = |choice: SoundsChoice| {
        let value = params.sounds.preview_normalized(choice);
        // SAFETY: the office keeps the parameter alive.
        unsafe { params.sounds.as_ptr()._internal_set_normalized_value(value) };
    };
    let activation = || office.common.sounds_at_activation(&desk, true);
    assert!(activation().are_built_in());
    let told = office.common.shared.sounds_told();

    let whole = office.folder.path().join("band.SF2");
    std::fs::write(&whole, font::Font::usual().bytes()).expect("a file");
    let said = office.ask(Command::Load(whole.clone()));
    assert!(said.contains("band.SF2"), "{said:?}");
    assert!(activation().are_built_in(), "it was loaded, not chosen");
    choose(SoundsChoice::Sampled);
    let sounds = activation();
    let name =
        |sounds: &collavoce::instrument::Sounds, part| sounds.of(part).map(|s| s.bank().name().to_owned());
    for part in collavoce::score::Part::ALL {
        assert_eq!(name(&sounds, part).as_deref(), Some("Test font"), "{part}");
    }
    assert_eq!(office.common.shared.sounds_told(), told + 1);

    // What is exported is what is heard, and says so.
    office.ask(Command::Load(office.voice()));
    let out = office.folder.path().join("out");
    let said = office.ask(Command::Export(out.clone()));
    let song = std::fs::read(out.join("song.collavoce")).unwrap_or_else(|_| panic!("no song: {said}"));
    let song = collavoce::song::Song::from_bytes(&song).expect("a song");
    assert!(!song.provenance.sounds.is_empty());

    let broken = office.file("broken.sf2", "RIFF");
    office.ask(Command::Load(broken));
    assert!(activation().are_built_in());
    let said = office.settle();
    assert!(said.contains("broken.sf2") && said.contains("built-in"), "{said:?}");

    params.sound_file.set(whole.display().to_string());
    assert!(!activation().are_built_in(), "a project names its own");
    choose(SoundsChoice::BuiltIn);
    assert!(activation().are_built_in());
}

#[test]
fn an_activation_does_not_wait_for_ever() {
    let common = Common::new(Arc::default(), Arc::default());
    // SAFETY: the parameter is kept alive.
    unsafe { common.params.sounds.as_ptr()._internal_set_normalized_value(1.0) };
    let begun = Instant::now();
    // There is no desk that could read anything.
    assert!(common.sounds_at_activation(&std::thread::current(), false).are_built_in());
    assert!((2.0..20.0).contains(&begun.elapsed().as_secs_f64()));
}
