//! Small scores made by hand, sound ones and broken ones.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use collavoce::score::{ChordSpan, Mode};
use collavoce::time::{TickCount, Ticks};

use super::scores::Tune;
use super::sets::{Found, SETS, by_composer, composer};
use super::unique::{Basis, Seen};
use super::{BarRun, KeyChange, LeftOut, Note, Part, Role, Song, folk, form, midi, scores};
use crate::abc;
use crate::songs::Split;

fn note(start: i64, length: i64, pitch: u8) -> Note {
    Note { start: Ticks(start), pitch, length: TickCount(length), velocity: None, offset: TickCount(0) }
}

fn part(role: Role, notes: Vec<Note>) -> Part {
    Part { name: "a \"part\"\n".to_owned(), role, program: Some(24), staff: 2, voice: 5, notes }
}

fn song() -> Song {
    let played =
        |start, offset| Note { velocity: Some(100), offset: TickCount(offset), ..note(start, 50, 38) };
    Song {
        name: "a song".to_owned(),
        group: "a group".to_owned(),
        composer: Some("Somebody".to_owned()),
        style: Some("waltz".to_owned()),
        bars: vec![
            BarRun { count: 1, beats: 3, unit: 4, length: TickCount(960) },
            BarRun { count: 2, beats: 3, unit: 4, length: TickCount(2880) },
        ],
        keys: vec![KeyChange { start: Ticks(0), fifths: -2, mode: Some(Mode::Minor) }],
        tempos: vec![(Ticks(0), 92.5)],
        sections: vec![(Ticks(960), "A".to_owned())],
        chords: vec![ChordSpan {
            start: Ticks(960),
            length: TickCount(2880),
            chord: "Gm7/Bb".parse().expect("a chord"),
        }],
        parts: vec![
            part(Role::Melody, vec![note(0, 960, 67), note(960, 1920, 70), note(960, 1920, 74)]),
            part(Role::Drums, vec![played(0, 0), played(240, -17), played(480, 30)]),
            part(Role::Pitched, vec![Note { velocity: Some(1), ..note(10, 1, 0) }]),
        ],
    }
}

#[test]
fn what_is_written_is_read_back() {
    let songs = [song(), Song { composer: None, keys: Vec::new(), ..song() }];
    let mut bytes = Vec::new();
    form::write(&mut bytes, "a set", &songs).expect("written");
    let (set, read) = form::read(bytes.as_slice()).expect("read");
    assert_eq!((set.as_str(), read.as_slice()), ("a set", songs.as_slice()));
    let mut again = Vec::new();
    form::write(&mut again, "a set", &read).expect("written");
    assert_eq!(bytes, again);
}

#[test]
fn what_is_not_of_the_form_is_refused_with_its_line() {
    let mut bytes = Vec::new();
    form::write(&mut bytes, "a set", [&song()]).expect("written");
    let text = String::from_utf8(bytes).expect("text");
    let refused = |from: &str, to: &str| {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from} is not there");
        format!("{:#}", form::read(broken.as_bytes()).expect_err("must be refused"))
    };
    assert!(refused("\"version\":1", "\"version\":2").contains("version must be 1, but is 2"));
    assert!(refused("[0,960,67,", "[99999,960,67,").contains("line 2"));
    assert!(refused("[0,960,67,", "[0,0,67,").contains("line 2"));
    assert!(refused("[0,960,67,", "[0,960,300,").contains("300 is no number of MIDI"));
    assert!(refused("[0,960,67,", "[960,67,").contains("line 2"));
    assert!(refused("[0,960,67,", "[9223372036854775807,960,67,9,").contains("line 2"));
    assert!(refused("[2,3,4,2880]", "[4000000000,3,4,9223372036854775807]").contains("line 2"));
    assert!(form::read(&b""[..]).is_err());
}

/// A file of one track at 480 ticks a quarter.
fn midi_file(events: &[u8]) -> Vec<u8> {
    let mut bytes = b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0MTrk".to_vec();
    bytes.extend(u32::try_from(events.len()).expect("short").to_be_bytes());
    bytes.extend_from_slice(events);
    bytes
}

/// 3/4 for a bar, then 4/4; a guitar's note of a quarter, a drum, and a note that never ends.
const EVENTS: &[u8] = &[
    0, 0xff, 0x58, 4, 3, 2, 24, 8, 0, 0xff, 0x51, 3, 0x07, 0xa1, 0x20, 0, 0xc0, 24, 0, 0x90, 60, 90, 0x83,
    0x60, 0x80, 60, 0, 0, 0x99, 36, 80, 0x83, 0x60, 0x89, 36, 0, 0x83, 0x60, 0xff, 0x58, 4, 4, 2, 24, 8, 0,
    0x90, 62, 70, 0x87, 0x40, 0xff, 0x2f, 0,
];

#[test]
fn midi_files_become_parts_and_bars() {
    let played = midi::read(&midi_file(EVENTS), None).expect("a MIDI file");
    let song = played.song.finish().expect("a song");
    let run = |beats, length| BarRun { count: 1, beats, unit: 4, length: TickCount(length) };
    assert_eq!(song.bars, [run(3, 2880), run(4, 3840)]);
    assert_eq!(song.tempos, [(Ticks(0), 120.0)]);
    let [guitar, drums] = song.parts.as_slice() else { panic!("{:?}", song.parts) };
    assert_eq!((guitar.role, guitar.program), (Role::Pitched, Some(24)));
    let velocity = |velocity, note| Note { velocity: Some(velocity), ..note };
    assert_eq!(guitar.notes, [velocity(90, note(0, 960, 60)), velocity(70, note(2880, 1920, 62))]);
    assert_eq!((drums.role, &drums.notes[0]), (Role::Drums, &velocity(80, note(960, 960, 36))));
}

#[test]
fn broken_midi_files_are_refused() {
    let whole = midi_file(EVENTS);
    for end in 0..22 {
        assert!(midi::read(&whole[..end], None).is_err(), "{end} bytes");
    }
    for at in 0..whole.len() {
        for value in [0, 0x7f, 0x80, 0xff] {
            let mut broken = whole.clone();
            broken[at] = value;
            // Whatever it says, it is a song or an error.
            if let Ok(played) = midi::read(&broken, None) {
                let _ = played.song.finish();
            }
        }
    }
}

const SHEET: &str = r#"<score-partwise><part-list><score-part id="P1"><part-name>Voice
  (Soprano)</part-name></score-part><score-part id="P2"><part-name>Piano</part-name></score-part></part-list>
<part id="P1"><measure><attributes><divisions>6</divisions><key><fifths>1</fifths></key>
<time><beats>2</beats><beat-type>4</beat-type></time></attributes><note><pitch><step>D</step><octave>4</octave></pitch>
<duration>6</duration><voice>1</voice><lyric/></note></measure>
<measure><harmony><root><root-step>G</root-step></root><kind>dominant</kind><bass><bass-step>B</bass-step></bass></harmony>
<note><grace/><pitch><step>A</step><octave>4</octave></pitch></note>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>12</duration><voice>1</voice><tie type="start"/></note>
<barline location="right"><bar-style>light-light</bar-style></barline></measure>
<measure><attributes><time><beats>3</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>6</duration><voice>1</voice><tie type="stop"/></note>
<note><pitch><step>B</step><octave>4</octave></pitch><duration>2</duration></note>
<note><pitch><step>B</step><octave>4</octave></pitch><duration>2</duration></note>
<note><pitch><step>B</step><octave>4</octave></pitch><duration>2</duration></note>
<note><rest/><duration>6</duration></note></measure></part>
<part id="P2"><measure/><measure><attributes><divisions>1</divisions></attributes>
<note><pitch><step>G</step><octave>2</octave></pitch><duration>2</duration><voice>1</voice><staff>2</staff></note>
<note><chord/><pitch><step>B</step><octave>2</octave></pitch><duration>2</duration><voice>1</voice><staff>2</staff></note>
<backup><duration>2</duration></backup>
<note><cue/><pitch><step>G</step><octave>5</octave></pitch><duration>2</duration><voice>2</voice></note></measure>
<measure/></part></score-partwise>"#;

#[test]
fn scores_keep_pickups_changes_ties_and_voices() {
    let mut left_out = LeftOut::new();
    let song = scores::read(SHEET, Tune::Sung, &mut left_out).expect("a score");
    let run = |beats, length| BarRun { count: 1, beats, unit: 4, length: TickCount(length) };
    assert_eq!(song.bars, [run(2, 960), run(2, 1920), run(3, 2880)]);
    assert_eq!(song.sections, [(Ticks(2880), String::new())]);
    assert_eq!(song.chords[0].chord.to_string(), "G7/B");
    assert_eq!((song.chords[0].start, song.chords[0].length), (Ticks(960), TickCount(4800)));
    let [voice, piano] = song.parts.as_slice() else { panic!("{:?}", song.parts) };
    assert_eq!((voice.name.as_str(), voice.role), ("Voice (Soprano)", Role::Melody));
    let tied = note(960, 2880, 67);
    let triplets = [note(3840, 320, 71), note(4160, 320, 71), note(4480, 320, 71)];
    assert_eq!(voice.notes, [&[note(0, 960, 62), tied], triplets.as_slice()].concat());
    assert_eq!((piano.staff, piano.role), (2, Role::Pitched));
    assert_eq!(piano.notes, [note(960, 1920, 43), note(960, 1920, 47)]);
    assert_eq!(left_out, LeftOut::from([("grace notes", 1), ("cue notes", 1)]));
}

#[test]
fn broken_scores_are_refused() {
    let refused = |from: &str, to: &str| {
        let broken = SHEET.replacen(from, to, 1);
        assert_ne!(broken, SHEET, "{from} is not there");
        scores::read(&broken, Tune::Sung, &mut LeftOut::new()).expect_err("must be refused")
    };
    assert!(refused("<divisions>6", "<divisions>0").contains("divisions"));
    assert!(refused("<duration>6", "<duration>-6").contains("duration"));
    assert!(refused("<duration>6", "<duration>1e300").contains("duration"));
    assert!(refused("<beat-type>4", "<beat-type>0").contains("metre"));
    assert!(refused("</part-list>", "").contains("part-list"), "names what does not close");
    assert!(refused("<lyric/>", "").contains("words"));
    for (end, _) in SHEET.char_indices().step_by(7) {
        assert!(scores::read(&SHEET[..end], Tune::First, &mut LeftOut::new()).is_err());
    }
}

const TUNE: &str =
    "X: 1\nT:A Tune\nM:3/4\nL:1/4\nK:G\nd|:\"G\"d2B|\"D\"A{c}Bc|\nM:2/4\n\"?\"BF:|\nM:3/4\n\"G\"[1 G3|\n";

#[test]
fn folk_tunes_keep_pickups_and_changes() {
    let tunes = abc::read_written(TUNE);
    let tune = tunes[0].as_ref().expect("a tune");
    let mut left_out = LeftOut::new();
    let song = folk::song(tune, &mut left_out).expect("a song");
    let run = |count, beats, length| BarRun { count, beats, unit: 4, length: TickCount(length) };
    assert_eq!(song.bars, [run(1, 3, 960), run(2, 3, 2880), run(1, 2, 1920), run(1, 3, 2880)]);
    assert_eq!(song.keys, [KeyChange { start: Ticks(0), fifths: 1, mode: Some(Mode::Major) }]);
    assert_eq!(song.sections, [(Ticks(960), String::new()), (Ticks(8640), String::new())]);
    // The key has an F sharp.
    assert_eq!(song.parts[0].notes[7], note(7680, 960, 66));
    assert_eq!(left_out, LeftOut::from([("grace notes", 1), ("chord symbols not understood", 1)]));
}

#[test]
fn broken_folk_tunes_are_refused() {
    for (from, to) in [
        ("M:3/4", "M:3/0"),
        ("L:1/4", "L:1/0"),
        ("K:G", "K:?"),
        ("d2B", "[dB]2"),
        ("d2B", "(0d2B"),
        ("Bc|", "^"),
    ] {
        let broken = TUNE.replacen(from, to, 1);
        assert_ne!(broken, TUNE, "{from} is not there");
        let read = abc::read_written(&broken).remove(0);
        assert!(read.is_err_and(|(name, _)| name == "A Tune"), "{to} must be refused");
    }
    let long = TUNE.replacen("d2B", "d99999999999999999999999/2B", 1);
    let tune = abc::read_written(&long).remove(0).expect("a long bar");
    let _ = folk::song(&tune, &mut LeftOut::new());
}

#[test]
fn the_same_melody_in_another_key_is_found_again() {
    let melody = |up: u8, last: i64| {
        let mut notes: Vec<Note> =
            (0..8).map(|i| note(i * 240, 240, 60 + up + [0, 2, 4, 5, 7, 5, 4, 0][i as usize])).collect();
        notes[7].length = TickCount(last);
        let notes = vec![part(Role::Pitched, vec![note(0, 960, 40 + 3 * up)]), part(Role::Melody, notes)];
        Song { parts: notes, ..song() }
    };
    let mut seen = Seen::default();
    assert_eq!(seen.before(&melody(0, 240), Basis::Melody, "first"), None);
    assert_eq!(seen.before(&melody(5, 240), Basis::Melody, "second").as_deref(), Some("first"));
    assert_eq!(seen.before(&melody(5, 480), Basis::Melody, "third"), None);
    assert_eq!(seen.before(&melody(0, 240), Basis::Everything, "with its band"), None);
    assert_eq!(seen.before(&melody(1, 240), Basis::Everything, "with another band"), None);
}

/// A compressed score.
fn mxl(path: &Path, text: &str) {
    let mut archive = zip::ZipWriter::new(fs::File::create(path).expect("a file"));
    archive.start_file("score.xml", zip::write::SimpleFileOptions::default()).expect("a name");
    archive.write_all(text.as_bytes()).expect("written");
    archive.finish().expect("finished");
}

fn read(set: &str, folder: &Path) -> Found {
    let set = SETS.iter().find(|known| known.name == set).expect("a set");
    set.read(folder, &mut |_| {}).expect("the set is there")
}

#[test]
fn sets_take_up_what_is_sound_and_name_what_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    for set in SETS {
        assert!(set.read(folder.path(), &mut |_| {}).is_err(), "{} is missing", set.name);
        fs::create_dir(at(set.name)).expect("a folder");
    }
    fs::write(at("nottingham/nottingham.abc"), format!("{TUNE}\n{TUNE}\nX: 3\nT:Broken\nK:G\nabc|\n"))
        .expect("written");
    fs::write(at("openewld_le1930.json"), r#"{"first_performed_1930_or_earlier": ["Me/My Song/x.mxl"]}"#)
        .expect("written");
    mxl(&at("openewld/Me__My_Song.mxl"), SHEET);
    mxl(&at("openewld/Me__Later.mxl"), SHEET);
    mxl(&at("lieder/Lang__Josephine_____A_Song.mxl"), SHEET);
    fs::write(at("lieder/Nobody.mxl"), "no zip").expect("written");
    mxl(&at("quartets/Lang__Josephine__Quartet.mxl"), SHEET);
    fs::write(at("jsb/jsb16.json"), "{\"train\": [[[70, 65, 60, 50], [70, 65, 60, 50]], [[1, 2]]]}")
        .expect("written");
    let info = "drummer,style,bpm,beat_type,time_signature,midi_filename,split\n\
        drummer1,rock,100,beat,4-4,drummer1/a.mid,validation\ndrummer1,rock,100,beat,4-4,drummer1/b.mid,test\n\
        drummer1,rock,100,beat,4-4,drummer1/c.mid,test\n";
    fs::write(at("gmd/info.csv"), info).expect("written");
    fs::write(
        at("gmd/drummer1__a.mid"),
        midi_file(&[0, 0x99, 22, 80, 50, 0x99, 26, 80, 80, 0x99, 99, 1, 0, 0xff, 0x2f, 0]),
    )
    .expect("written");
    fs::write(at("gmd/drummer1__b.mid"), "MThd").expect("written");
    fs::write(at("freedoom/d_x.mid"), midi_file(EVENTS)).expect("written");
    let index = "file\tsong\tgroove\tmeter\tkey_fifths\n0.mid\tMe/My Song/x.mxl\tWaltz\t3/4\t1\n\
        1.mid\tMe/Later/x.mxl\tWaltz\t3/4\t1\n2.mid\tMe/My Song/x.mxl\tWaltz\t3/4\t1\n";
    fs::write(at("band_renders/index.tsv"), index).expect("written");
    let marked = [&[0, 0xff, 6, 7], &b"G:minor"[..], EVENTS].concat();
    fs::write(at("band_renders/0.mid"), midi_file(&marked)).expect("written");
    fs::write(at("band_renders/1.mid"), midi_file(EVENTS)).expect("written");

    let folk = read("nottingham", folder.path());
    let names: Vec<&str> = folk.entries.iter().map(|entry| entry.song.name.as_str()).collect();
    assert_eq!(names, ["A Tune", "A Tune (2)"]);
    assert!(folk.entries.iter().all(|entry| entry.side == Split::of("A Tune")));
    assert_eq!((folk.refused[0].what.as_str(), folk.refused[0].detail.as_str()), ("Broken", "no metre"));

    let sheets = read("openewld", folder.path());
    assert_eq!((sheets.entries.len(), sheets.refused[0].what.as_str()), (1, "Me__Later"));
    let renders = read("band_renders", folder.path());
    assert_eq!(renders.entries[0].side, sheets.entries[0].side);
    assert_eq!(renders.entries[0].song.chords[0].chord.to_string(), "Gm");
    let refused: Vec<&str> = renders.refused.iter().map(|refused| refused.what.as_str()).collect();
    assert_eq!(refused, ["1.mid", "2.mid"]);

    let songs = read("lieder", folder.path());
    assert_eq!((songs.entries.len(), songs.refused[0].what.as_str()), (1, "Nobody"));
    assert_eq!(songs.entries[0].side, Split::of("Lang__Josephine_____A_Song"));
    assert_eq!(songs.entries[0].song.composer.as_deref(), Some("Lang__Josephine"));
    let quartets = read("quartets", folder.path());
    assert_eq!(quartets.entries[0].side, by_composer(&composer("Lang__Josephine_____A_Song")));

    let chorales = read("jsb", folder.path());
    assert_eq!((chorales.entries.len(), chorales.refused[0].what.as_str()), (1, "train 1"));

    let grooves = read("gmd", folder.path());
    assert_eq!((grooves.entries.len(), grooves.entries[0].side), (1, Split::Develop));
    let hits = &grooves.entries[0].song.parts[0].notes;
    let hits: Vec<_> = hits.iter().map(|hit| (hit.start.0, hit.offset.0, hit.pitch)).collect();
    assert_eq!(hits, [(0, 0, 42), (0, 100, 46)]);
    assert_eq!(grooves.left_out, LeftOut::from([("hits on pads without a name", 1)]));
    let refused: Vec<&str> = grooves.refused.iter().map(|refused| refused.what.as_str()).collect();
    assert_eq!(refused, ["drummer1/b.mid", "drummer1/c.mid"]);
    assert_eq!(read("freedoom", folder.path()).entries[0].song.note_count(), 3);
}
