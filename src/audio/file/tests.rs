use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::song::Rng;
use crate::time::Hz;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Interleaved noise as 24-bit integers, with both extremes in it.
fn integers(frames: usize) -> (Vec<i32>, Vec<i32>) {
    let mut rng = Rng::keyed(&[11, frames as u64]);
    let mut channel = || -> Vec<i32> { (0..frames).map(|_| quantise(rng.signed() as f32 * 0.3)).collect() };
    let (mut left, mut right) = (channel(), channel());
    if frames > 1 {
        (left[0], right[1]) = (FULL_SCALE - 1, -FULL_SCALE);
    }
    (left, right)
}

fn write_stem(path: &Path, format: StemFormat, rate: Hz, left: &[i32], right: &[i32], block: usize) {
    let mut writer = StemWriter::create(path, format, rate, left.len() as u64).unwrap();
    for (left, right) in left.chunks(block).zip(right.chunks(block)) {
        writer.write(left, right).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), left.len() as u64);
}

fn read_stem(path: &Path) -> Result<(Vec<i32>, Vec<i32>), AudioFileError> {
    let mut reader = StemReader::open(path)?;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    while let Some((l, r)) = reader.next_block()? {
        left.extend_from_slice(l);
        right.extend_from_slice(r);
    }
    Ok((left, right))
}

fn read_all(path: &Path) -> Result<Vec<f32>, AudioFileError> {
    let mut reader = Reader::open(path)?;
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block()? {
        samples.extend_from_slice(block);
    }
    Ok(samples)
}

fn float_wav(path: &Path, rate: u32, channels: u16, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
}

fn sine(rate: u32, seconds: f64) -> Vec<f32> {
    let frames = (f64::from(rate) * seconds).round() as usize;
    (0..frames)
        .map(|n| (0.5 * (std::f64::consts::TAU * 220.0 * n as f64 / f64::from(rate)).sin()) as f32)
        .collect()
}

/// A good file of three seconds in each format that can be written.
fn good_files(folder: &Path) -> Vec<PathBuf> {
    let (left, right) = integers(3 * 44_100);
    let both = [("good.wav", StemFormat::Wav), ("good.flac", StemFormat::Flac)];
    both.into_iter()
        .map(|(name, format)| {
            let path = folder.join(name);
            write_stem(&path, format, Hz(44_100), &left, &right, 5_000);
            path
        })
        .collect()
}

#[test]
fn stems_come_back_bit_for_bit() {
    let folder = folder();
    for format in [StemFormat::Wav, StemFormat::Flac] {
        // Around the block size, and every short last block that has its own coding.
        let lengths = (1..40).map(|rest| 4_096 + rest).chain([1, 2, 15, 16, 17, 4_095, 4_096, 50_000]);
        for frames in lengths {
            let path = folder.path().join("stem");
            let (left, right) = integers(frames);
            write_stem(&path, format, Hz(48_000), &left, &right, 999);
            let (got_left, got_right) = read_stem(&path).unwrap();
            assert!(got_left == left && got_right == right, "{format:?} with {frames} frames");
        }
    }
}

#[test]
fn block_size_changes_no_byte_of_a_stem() {
    let folder = folder();
    let (left, right) = integers(20_000);
    for format in [StemFormat::Wav, StemFormat::Flac] {
        let bytes = [1, 17, 4_096, 20_000].map(|block| {
            let path = folder.path().join("stem");
            write_stem(&path, format, Hz(96_000), &left, &right, block);
            fs::read(path).unwrap()
        });
        assert!(bytes.iter().all(|other| *other == bytes[0]), "{format:?}");
    }
}

#[test]
fn silence_and_full_scale_can_be_coded() {
    let folder = folder();
    for value in [0, 1, -1, FULL_SCALE - 1, -FULL_SCALE] {
        let path = folder.path().join("stem.flac");
        let samples = vec![value; 9_000];
        write_stem(&path, StemFormat::Flac, Hz(44_100), &samples, &samples, 4_096);
        assert!(read_stem(&path).unwrap() == (samples.clone(), samples), "{value}");
    }
}

#[test]
fn noise_never_makes_flac_larger_than_wav() {
    let folder = folder();
    let (left, right) = integers(50_000);
    let bytes = [StemFormat::Wav, StemFormat::Flac].map(|format| {
        let path = folder.path().join("noise");
        write_stem(&path, format, Hz(44_100), &left, &right, 4_096);
        fs::metadata(path).unwrap().len()
    });
    assert!(bytes[1] < bytes[0] + bytes[0] / 1_000, "{bytes:?}");
}

#[test]
fn quantising_rounds_halves_away_from_zero_and_clamps() {
    let step = 1.0 / FULL_SCALE as f32;
    assert_eq!(quantise(0.5 * step), 1);
    assert_eq!(quantise(-0.5 * step), -1);
    assert_eq!(quantise(0.49 * step), 0);
    assert_eq!(quantise(2.0), 8_388_607);
    assert_eq!(quantise(-2.0), -8_388_607);
    assert_eq!(quantise(f32::NAN), 0);
    for value in [-8_388_607, -12_345, 3, 8_388_607] {
        assert_eq!(quantise(value as f32 / FULL_SCALE as f32), value);
    }
}

#[test]
fn a_wav_past_four_gib_is_refused_before_it_is_created() {
    let folder = folder();
    let path = folder.path().join("huge.wav");
    let error = StemWriter::create(&path, StemFormat::Wav, Hz(48_000), 720_000_000).unwrap_err();
    assert!(matches!(error, AudioFileError::TooLarge { bytes: 4_320_000_128, .. }), "{error}");
    assert!(!path.exists());
    StemWriter::create(folder.path().join("huge.flac"), StemFormat::Flac, Hz(48_000), 720_000_000).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = folder();
    let path = folder.path().join("none").join("stem.wav");
    let error = StemWriter::create(&path, StemFormat::Flac, Hz(48_000), 1).unwrap_err().to_string();
    assert!(error.contains("none") && error.contains("folder exists"), "{error}");
}

#[test]
fn every_wav_sample_format_is_read() {
    let folder = folder();
    let path = folder.path().join("in.wav");
    for (bits, tolerance) in [(8, 1e-2), (16, 2e-5), (24, 1e-7), (32, 1e-7)] {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 22_050,
            bits_per_sample: bits,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        let samples = sine(22_050, 2.5);
        let scale = (1i64 << (bits - 1)) as f64;
        for sample in &samples {
            writer.write_sample((f64::from(*sample) * scale).round() as i32).unwrap();
        }
        writer.finalize().unwrap();
        let got = read_all(&path).unwrap();
        assert_eq!(got.len(), samples.len());
        let worst = got.iter().zip(&samples).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < tolerance, "{bits} bits: off by {worst}");
    }
}

#[test]
fn floats_beyond_full_scale_are_kept() {
    let folder = folder();
    let path = folder.path().join("loud.wav");
    let samples: Vec<f32> = sine(44_100, 2.0).iter().map(|sample| sample * 7.0).collect();
    float_wav(&path, 44_100, 1, &samples);
    assert!(read_all(&path).unwrap() == samples);
}

#[test]
fn content_counts_not_the_name() {
    let folder = folder();
    for (good, name) in good_files(folder.path()).into_iter().zip(["song.mp3", "song"]) {
        let renamed = folder.path().join(name);
        fs::rename(good, &renamed).unwrap();
        assert_eq!(read_all(&renamed).unwrap().len(), 3 * 44_100 * 2);
    }
}

#[test]
fn what_is_no_audio_is_named() {
    let folder = folder();
    let path = folder.path().join("vocal.wav");
    let open = |path: &Path| Reader::open(path).unwrap_err();

    assert!(matches!(open(&path), AudioFileError::Missing { .. }));
    assert!(matches!(open(folder.path()), AudioFileError::Folder { .. }));
    fs::write(&path, b"").unwrap();
    assert!(matches!(open(&path), AudioFileError::Empty { .. }));
    fs::write(&path, "A letter to a friend.\n".repeat(500)).unwrap();
    let message = open(&path).to_string();
    assert!(message.contains("text file") && message.contains("FLAC"), "{message}");
    fs::write(&path, [&b"\x1a\x45\xdf\xa3\x9f"[..], &[1; 4_000]].concat()).unwrap();
    let message = open(&path).to_string();
    assert!(message.contains("Matroska"), "{message}");
    for length in [1, 3, 20, 300] {
        fs::write(&path, vec![0xa7; length]).unwrap();
        assert!(matches!(open(&path), AudioFileError::UnknownFormat { .. }), "{length} bytes");
    }
}

#[test]
fn limits_are_named_with_the_value() {
    let folder = folder();
    let path = folder.path().join("vocal.wav");
    let message = |rate, channels, frames: usize| {
        float_wav(&path, rate, channels, &vec![0.1; frames * usize::from(channels)]);
        read_all(&path).unwrap_err().to_string()
    };
    assert!(message(44_100, 1, 0).contains("0 s"));
    assert!(message(44_100, 1, 44_100).contains("1.000 s"));
    assert!(message(44_100, 6, 100_000).contains("6 channels"));
    assert!(message(4_000, 1, 100_000).contains("4000 Hz"));
    assert!(message(384_000, 1, 1_000_000).contains("384000 Hz"));
    assert!(message(8_000, 1, 3_601 * 8_000).contains("3601.0 s"));
}

#[test]
fn a_length_that_no_header_states_is_checked_on_the_way() {
    let folder = folder();
    // FLAC allows a total of 0 for "not known".
    for frames in [20_000usize, 3_600 * 8_000 + 4_096] {
        let path = folder.path().join("stream.flac");
        let samples = vec![0; frames];
        write_stem(&path, StemFormat::Flac, Hz(8_000), &samples, &samples, 1 << 16);
        let mut bytes = fs::read(&path).unwrap();
        bytes[21] &= 0xf0;
        bytes[22..26].fill(0);
        fs::write(&path, bytes).unwrap();
        match read_all(&path) {
            Ok(samples) => assert_eq!(samples.len(), frames * 2),
            Err(error) => {
                assert!(matches!(error, AudioFileError::TooLong { .. }) && frames > 20_000, "{error}")
            }
        }
    }
}

#[test]
fn a_sample_that_is_no_number_is_found() {
    let folder = folder();
    let path = folder.path().join("nan.wav");
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = vec![0.1; 2 * 48_000 * 3];
        samples[2 * 60_000 + 1] = value;
        float_wav(&path, 48_000, 2, &samples);
        let error = read_all(&path).unwrap_err();
        assert!(error.to_string().contains("1.2500 s"), "{error}");
    }
}

#[test]
fn cut_files_are_refused() {
    let folder = folder();
    for path in good_files(folder.path()) {
        let bytes = fs::read(&path).unwrap();
        for part in [0.001, 0.3, 0.7, 0.99999] {
            fs::write(&path, &bytes[..(bytes.len() as f64 * part) as usize]).unwrap();
            let error = read_all(&path).unwrap_err();
            assert!(
                matches!(error, AudioFileError::Truncated { .. } | AudioFileError::Damaged { .. }),
                "{} cut to {part}: {error}",
                path.display()
            );
        }
    }
}

#[test]
fn damage_never_panics() {
    let folder = folder();
    let mut rng = Rng::keyed(&[77]);
    for path in good_files(folder.path()) {
        let mut good = fs::read(&path).unwrap();
        good.truncate(60_000);
        for round in 0..300 {
            let mut bytes = good.clone();
            for _ in 0..1 + rng.below(6) {
                let range = if round % 2 == 0 { 64 } else { bytes.len() };
                let at = rng.below(range);
                bytes[at] = rng.bits() as u8;
            }
            fs::write(&path, bytes).unwrap();
            drop(read_all(&path));
        }
    }
}

#[test]
fn a_wav_from_a_pipe_is_read_to_its_end() {
    let folder = folder();
    let path = folder.path().join("piped.wav");
    let samples = sine(44_100, 2.345);
    float_wav(&path, 44_100, 1, &samples);
    let good = fs::read(&path).unwrap();
    let data = good.windows(4).position(|part| part == b"data").unwrap();
    for placeholder in [0xffff_ffffu32, 0x7fff_f000, 0] {
        let mut bytes = good.clone();
        bytes[4..8].copy_from_slice(&placeholder.to_le_bytes());
        bytes[data + 4..data + 8].copy_from_slice(&placeholder.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        assert!(read_all(&path).unwrap() == samples, "placeholder {placeholder:#x}");
    }
}

#[test]
fn mono_at_the_listening_rate_keeps_time() {
    let folder = folder();
    let path = folder.path().join("vocal.wav");
    for rate in [8_000, 16_000, 44_100, 48_000, 96_000] {
        let wave = sine(rate, 2.5);
        // The channels differ by a part that is lost in the mean.
        let stereo: Vec<f32> = wave.iter().flat_map(|sample| [sample + 0.25, sample - 0.25]).collect();
        float_wav(&path, rate, 2, &stereo);
        let mut shares = Vec::new();
        let input = read_mono(&path, &mut |share| shares.push(share)).unwrap();
        assert_eq!((input.rate, input.channels, input.frames), (Hz(rate), 2, wave.len() as u64));
        assert!((input.peak - 0.75).abs() < 1e-3 && (input.duration_s - 2.5).abs() < 1e-9);
        assert_eq!(input.samples.len(), 40_000);
        let truth = sine(16_000, 2.5);
        let worst = (2_000..38_000).map(|n| (input.samples[n] - truth[n]).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-5, "{rate} Hz: off by {worst}");
        assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
        assert_eq!(input.sha256, file_sha256(&path).unwrap());
    }
}
