//! Small valid files, made here, that the fuzzing starts from.

use collavoce::audio::{StemFormat, StemWriter};
use collavoce::score::{
    Articulation, BarNumber, ChordSpan, Key, MelodyNote, MidiNote, Note, Part, PartBar, Phrase, Score,
    Section, SectionRole, TuningPoint, Velocity,
};
use collavoce::song::{
    Chart, HeardMix, HeardSong, MixChord, MixStroke, Provenance, Settings, Song, VocalSource,
};
use collavoce::time::{Bpm, Hz, Meter, TempoMap, TickCount, Ticks};

/// Sample rate of the files, in Hz.
const RATE_HZ: u32 = 8_000;
/// Frames in a file: a little more than the shortest vocal that is taken.
const FRAMES: u32 = 16_400;

/// Audio files by format.
pub fn audio() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("wav", wav(16, 1, false)),
        ("float wav", wav(32, 1, true)),
        ("stem wav", stem(StemFormat::Wav)),
        ("stem flac", stem(StemFormat::Flac)),
        ("aiff", aiff()),
        ("mp3", mp3()),
        ("mp4", mp4()),
        ("ogg", ogg()),
        ("adts", [0xff, 0xf1, 0x6c, 0x40, 0x02, 0x1f, 0xfc, 0x00].repeat(40)),
    ]
}

fn samples() -> impl Iterator<Item = i16> {
    (0..FRAMES).map(|n| ((n * 37 % 400) as i16 - 200) * 40)
}

fn wav(bits: u16, channels: u16, float: bool) -> Vec<u8> {
    let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
    let spec = hound::WavSpec { channels, sample_rate: RATE_HZ, bits_per_sample: bits, sample_format };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    for sample in samples() {
        if float {
            writer.write_sample(f32::from(sample) / 32_768.0).expect("a sample");
        } else {
            writer.write_sample(sample).expect("a sample");
        }
    }
    writer.finalize().expect("an end");
    bytes.into_inner()
}

fn stem(format: StemFormat) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stem");
    let left: Vec<i32> = samples().map(|s| i32::from(s) << 8).collect();
    let mut writer =
        StemWriter::create(&path, format, Hz(RATE_HZ), left.len() as u64, "take test").expect("a writer");
    writer.write(&left, &left).expect("samples");
    writer.finish().expect("an end");
    std::fs::read(&path).expect("the stem")
}

fn aiff() -> Vec<u8> {
    let data: Vec<u8> = samples().flat_map(i16::to_be_bytes).collect();
    let mut common = [0, 1].to_vec();
    common.extend(FRAMES.to_be_bytes());
    common.extend([0, 16]);
    // 8000 as an 80-bit float.
    common.extend([0x40, 0x0b, 0xfa, 0, 0, 0, 0, 0, 0, 0]);
    let chunk = |name: &[u8; 4], body: &[u8]| [name, &(body.len() as u32).to_be_bytes()[..], body].concat();
    let body =
        [b"AIFF", &chunk(b"COMM", &common)[..], &chunk(b"SSND", &[&[0; 8], &data[..]].concat())].concat();
    chunk(b"FORM", &body)
}

/// Silent frames of MPEG-1 layer III at 44.1 kHz, 128 kbit/s, mono.
fn mp3() -> Vec<u8> {
    let frame: Vec<u8> = [0xff, 0xfb, 0x90, 0xc4].into_iter().chain([0; 413]).collect();
    frame.repeat(90)
}

/// 16-bit PCM in an MP4 file with an edit list.
fn mp4() -> Vec<u8> {
    fn atom(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, &body].concat()
    }
    let be = u32::to_be_bytes;
    let data: Vec<u8> = samples().flat_map(i16::to_le_bytes).collect();
    let ftyp = atom(b"ftyp", &[b"qt  ", &be(0), b"qt  "]);
    let mdat = atom(b"mdat", &[&data]);
    let times = [&be(0)[..], &be(0), &be(0), &be(RATE_HZ), &be(FRAMES)].concat();
    let mvhd = atom(b"mvhd", &[&times, &be(0x1_0000), &[1, 0], &[0; 10], &[0; 36], &[0; 24], &be(2)]);
    let tkhd = atom(b"tkhd", &[&be(7), &be(0), &be(0), &be(1), &be(0), &be(FRAMES), &[0; 60]]);
    let elst = atom(b"elst", &[&be(0), &be(1), &be(FRAMES - 100), &be(50), &be(0x1_0000)]);
    let mdhd = atom(b"mdhd", &[&times, &[0x55, 0xc4, 0, 0]]);
    let hdlr = atom(b"hdlr", &[&be(0), &be(0), b"soun", &[0; 12], &[0]]);
    let sowt = atom(b"sowt", &[&[0; 6], &[0, 1], &[0; 8], &[0, 1], &[0, 16], &[0; 4], &be(RATE_HZ << 16)]);
    let stbl = atom(
        b"stbl",
        &[
            &atom(b"stsd", &[&be(0), &be(1), &sowt]),
            &atom(b"stts", &[&be(0), &be(1), &be(FRAMES), &be(1)]),
            &atom(b"stsc", &[&be(0), &be(1), &be(1), &be(FRAMES), &be(1)]),
            &atom(b"stsz", &[&be(0), &be(2), &be(FRAMES)]),
            &atom(b"stco", &[&be(0), &be(1), &be(ftyp.len() as u32 + 8)]),
        ],
    );
    let minf = atom(b"minf", &[&atom(b"smhd", &[&[0; 8]]), &stbl]);
    let mdia = atom(b"mdia", &[&mdhd, &hdlr, &minf]);
    let trak = atom(b"trak", &[&tkhd, &atom(b"edts", &[&elst]), &mdia]);
    let tag = atom(b"udta", &[b"iTunSMPB....data........ 00000000 00000032 00000032 0000000000003F00"]);
    [ftyp, mdat, atom(b"moov", &[&mvhd, &trak, &tag])].concat()
}

/// The first page of an OGG Vorbis stream.
fn ogg() -> Vec<u8> {
    let header = [b"\x01vorbis", &[0, 0, 0, 0, 1][..], &RATE_HZ.to_le_bytes(), &[0; 12], &[0xb8, 1]].concat();
    let mut page = [b"OggS", &[0, 2][..], &[0; 8], &[1, 0, 0, 0], &[0; 8], &[1, header.len() as u8]].concat();
    page.extend(header);
    let mut crc = 0u32;
    for byte in &page {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
        }
    }
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

/// Chord charts.
pub const CHARTS: [&str; 4] = [
    "key: F# minor\nmeter: 3/4\ntempo: 92.5\n[Verse]\n| F#m | D . E | % | N.C. |\n[Chorus]\nA | E/G# |",
    "| C | Am7 F/C | G7sus4 / / G7 | % |",
    "# a comment\n\u{feff}time: 6/8\n[A]\n|Bbmaj7 - |B:hdim7 . . |\n",
    "key: Cm\nbpm: 30\nDm7b5 G7 | C |",
];

/// Words of the settings.
pub const WORDS: [&str; 24] = [
    "D",
    "F# minor",
    "Bbm",
    "C:maj",
    "Am7",
    "F/C",
    "B:hdim7",
    "G7sus4",
    "4/4",
    "12/8",
    "2/2",
    "3",
    "drums=2",
    "guitar:7=2",
    "strings:-1=9999",
    "singer",
    "440",
    "-13.5",
    "1e2",
    "studio",
    "swing",
    "jazz",
    "nsdf",
    "grid",
];

/// A small song file.
pub fn song() -> Vec<u8> {
    let settings = Settings {
        chart: Some(Chart::parse(CHARTS[0]).expect("a chart")),
        takes: vec!["drums:1=2".parse().expect("a take")],
        ..Settings::default()
    };
    let key: Key = "D major".parse().expect("a key");
    let note = |pitch, start: i64, articulation| Note {
        start: Ticks(start),
        length: TickCount(480),
        pitch: MidiNote(pitch),
        velocity: Velocity::clamped(80.0),
        articulation,
    };
    let part_bar = |part, take, notes| PartBar { part, bar: BarNumber(1), take, notes };
    let bar = Meter::FOUR_FOUR.bar();
    let score = Score {
        meter: Meter::FOUR_FOUR,
        key,
        tempo: TempoMap::constant(Bpm(96.0), Meter::FOUR_FOUR.beat()),
        lead_in_bars: 1,
        bars: 3,
        sections: vec![Section {
            label: "A".to_owned(),
            first: BarNumber(1),
            bars: 2,
            energy: 0.5,
            role: Some(SectionRole::Verse),
        }],
        phrases: vec![Phrase { start: Ticks(0), end: Ticks(960), breath_before: true, level_db: -1.5 }],
        melody: vec![MelodyNote {
            start: Ticks(0),
            length: TickCount(960),
            pitch: MidiNote(62),
            onset_s: 0.1,
            offset_s: 0.6,
            sung_midi: 62.1,
            level_dbfs: -20.0,
        }],
        chords: vec![ChordSpan {
            start: Ticks(0) + bar,
            length: bar,
            chord: "Dmaj7".parse().expect("a chord"),
        }],
        tuning: vec![TuningPoint { at: Ticks(0), cents: 12.5 }],
        usual_level_dbfs: None,
        parts: vec![
            part_bar(Part::Guitar, 1, vec![note(50, 3840, Articulation::StrumDown { order: 0 })]),
            part_bar(Part::Drums, 2, vec![note(36, 3840, Articulation::Normal)]),
            part_bar(Part::Strings, 1, vec![note(62, 3840, Articulation::Sustained)]),
            part_bar(Part::Bass, 1, vec![note(38, 3840, Articulation::Muted)]),
        ],
    };
    let song = Song {
        provenance: Provenance {
            take_id: "0123456789abcdef".to_owned(),
            program: "collavoce".to_owned(),
            composer: "rules".to_owned(),
            model: None,
            vocal: VocalSource {
                file: "vocal.wav".to_owned(),
                sha256: "00".to_owned(),
                sample_rate: 48_000,
                channels: 1,
                duration_s: 6.0,
            },
            sidechain: None,
            sounds: Vec::new(),
        },
        settings,
        heard: HeardSong {
            duration_s: 6.0,
            pad_s: 0.0,
            beats_s: vec![0.1, 0.7],
            level_dbfs_per_sixteenth: vec![-20, -120],
            keys: vec![(key, 0.9)],
            mix: Some(HeardMix {
                key: Some(key),
                beat: Some((Meter::FOUR_FOUR, Bpm(100.0))),
                chords: vec![MixChord { start_s: 0.1, end_s: 2.5, chord: None }],
                present: vec![Part::Guitar],
                strokes: vec![MixStroke { at_s: 0.7, growth: [1.0, 4.5, 6.0] }],
            }),
        },
        other_takes: vec![part_bar(Part::Drums, 1, vec![note(38, 3840, Articulation::Ghost)])],
        score,
    };
    song.to_bytes().expect("bytes")
}
