//! Facts in file headers that the decoding library does not hand out.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Largest MP4 movie header that is looked at, in bytes.
const MAX_MOOV_BYTES: u64 = 32 << 20;
/// Lengths from here on in a WAV header mean "not known yet": a program wrote to a pipe.
const MIN_STREAMED_BYTES: u32 = 0x7fff_f000;

/// The part of an encoded track that is to be heard; the rest is the delay and the padding of the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// Frames before the part.
    pub start: u64,
    /// Frames in the part, if known.
    pub frames: Option<u64>,
}

/// What the first bytes of a file look like, if they look like something that is not read.
pub(super) fn describe(head: &[u8]) -> String {
    let has = |at: usize, text: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(text));
    let holds = |text: &[u8]| head.windows(text.len()).any(|part| part == text);
    let name = if holds(b"OpusHead") {
        "it holds Opus"
    } else if holds(b"Speex   ") {
        "it holds Speex"
    } else if has(0, b"RF64") || has(0, b"BW64") {
        "it is an RF64 file"
    } else if has(0, b"\x1a\x45\xdf\xa3") {
        "it is a Matroska or WebM file"
    } else if has(0, b"caff") {
        "it is a CAF file"
    } else if has(0, b"\x30\x26\xb2\x75") {
        "it is a Windows Media file"
    } else if has(0, b"MThd") {
        "it is a MIDI file"
    } else if has(0, b"MAC ") || has(0, b"wvpk") {
        "it is a Monkey's Audio or WavPack file"
    } else if has(0, b"%PDF") || has(0, b"\x89PNG") || has(0, b"\xff\xd8\xff") || has(0, b"PK\x03\x04") {
        "it is a document, a picture or an archive"
    } else if !head.is_empty() && head.iter().all(|byte| matches!(byte, 9 | 10 | 13 | 32..=126)) {
        "it is a text file"
    } else {
        "its first bytes belong to no known format"
    };
    name.to_owned()
}

/// Bytes to lay over a WAV file that was written to a pipe, so that its header states the length: (position, bytes).
///
/// Such a header holds a placeholder, of which a reader can only guess that the audio goes on to the end.
pub(super) fn streamed_wav_patch(file: &mut File, file_bytes: u64) -> io::Result<Vec<(u64, [u8; 4])>> {
    let mut head = [0; 12];
    file.seek(SeekFrom::Start(0))?;
    if file.read_exact(&mut head).is_err() || !head.starts_with(b"RIFF") || &head[8..] != b"WAVE" {
        return Ok(Vec::new());
    }
    let mut at = 12;
    // A header has a handful of chunks; the bound keeps a file of empty chunks from being walked for hours.
    for _ in 0..1_000 {
        let mut chunk = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        if file.read_exact(&mut chunk).is_err() {
            break;
        }
        let bytes = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        if chunk.starts_with(b"data") {
            let there = file_bytes.saturating_sub(at + 8);
            let unknown = bytes == 0 || bytes >= MIN_STREAMED_BYTES;
            if unknown && u64::from(bytes) != there && there < u64::from(u32::MAX) - 64 {
                let riff = (file_bytes - 8).min(u64::from(u32::MAX)) as u32;
                return Ok(vec![(4, riff.to_le_bytes()), (at + 4, (there as u32).to_le_bytes())]);
            }
            break;
        }
        at += 8 + u64::from(bytes) + u64::from(bytes & 1);
    }
    Ok(Vec::new())
}

/// Whether an OGG file ends in the middle of a page.
pub(super) fn ogg_is_cut(file: &mut File, file_bytes: u64) -> io::Result<bool> {
    // The longest page has a header of 27 + 255 bytes and 255 * 255 bytes of data.
    let from = file_bytes.saturating_sub(2 * 65_536);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(2 * 65_536).read_to_end(&mut tail)?;
    let Some(at) = tail.windows(4).rposition(|part| part == b"OggS") else { return Ok(false) };
    let page = &tail[at..];
    let Some(segments) = page.get(26).map(|count| usize::from(*count)) else { return Ok(true) };
    let Some(table) = page.get(27..27 + segments) else { return Ok(true) };
    let data: usize = table.iter().map(|bytes| usize::from(*bytes)).sum();
    Ok(page.len() < 27 + segments + data)
}

/// The edit of the first audio track of an MP4 file.
pub(super) fn mp4_edit(file: &mut File, file_bytes: u64, rate_hz: u32) -> io::Result<Option<Edit>> {
    let Some(moov) = read_moov(file, file_bytes)? else { return Ok(None) };
    Ok(edit_of(&moov, rate_hz).map(|edit| match itunes_frames(&moov) {
        // The text tag states frames, the edit list rounds to the clock of the movie.
        Some(exact) if exact.start == edit.start => exact,
        _ => edit,
    }))
}

fn read_moov(file: &mut File, file_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut at = 0;
    while at + 8 <= file_bytes {
        let mut head = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        let got = file.read(&mut head)?;
        if got < 8 {
            break;
        }
        let (header, bytes) = match be32(&head, 0).unwrap_or(0) {
            1 if got == 16 => (16, be64(&head, 8).unwrap_or(0)),
            0 => (8, file_bytes - at),
            bytes => (8, u64::from(bytes)),
        };
        if bytes < header || bytes > file_bytes - at {
            break;
        }
        if &head[4..8] == b"moov" {
            if bytes > MAX_MOOV_BYTES {
                break;
            }
            let mut moov = vec![0; (bytes - header) as usize];
            file.seek(SeekFrom::Start(at + header))?;
            file.read_exact(&mut moov)?;
            return Ok(Some(moov));
        }
        at += bytes;
    }
    Ok(None)
}

fn edit_of(moov: &[u8], rate_hz: u32) -> Option<Edit> {
    let movie_clock = clock(child(moov, b"mvhd")?)?.0;
    let track = children(moov).filter(|(name, _)| name == b"trak").map(|(_, body)| body).find(|track| {
        let handler = child(track, b"mdia").and_then(|media| child(media, b"hdlr"));
        handler.and_then(|body| body.get(8..12)) == Some(b"soun")
    })?;
    let (media_clock, media_ticks) = clock(child(child(track, b"mdia")?, b"mdhd")?)?;
    let list = child(child(track, b"edts")?, b"elst")?;
    let wide = *list.first()? == 1;
    let size = if wide { 20 } else { 12 };
    let entry = list.get(8..)?.chunks_exact(size).find_map(|entry| {
        let (ticks, start) = if wide {
            (be64(entry, 0)?, be64(entry, 8)?.cast_signed())
        } else {
            (u64::from(be32(entry, 0)?), i64::from(be32(entry, 4)?.cast_signed()))
        };
        u64::try_from(start).ok().map(|start| (ticks, start))
    })?;
    let (ticks, start) = entry;
    let scale =
        |ticks: u64, clock: u32| (ticks as f64 * f64::from(rate_hz) / f64::from(clock)).round() as u64;
    let stated = scale(ticks, movie_clock);
    let all = scale(media_ticks.saturating_sub(start), media_clock);
    // The edit list counts in the coarse clock of the movie: where it means "to the end", the media knows better.
    let slack = scale(2, movie_clock) + 1;
    let frames = if stated == 0 || stated.abs_diff(all) <= slack { all } else { stated };
    Some(Edit { start: scale(start, media_clock), frames: (frames > 0).then_some(frames) })
}

/// Delay and length from the text tag that Apple's encoders write: hexadecimal words, of which the second is the
/// delay, the third the padding and the fourth the length.
fn itunes_frames(moov: &[u8]) -> Option<Edit> {
    let at = moov.windows(8).position(|part| part == b"iTunSMPB")?;
    let rest = &moov[at + 8..moov.len().min(at + 256)];
    let data = rest.windows(4).position(|part| part == b"data")?;
    let text = String::from_utf8_lossy(rest.get(data + 12..)?).into_owned();
    let words: Vec<u64> =
        text.split_whitespace().map_while(|word| u64::from_str_radix(word, 16).ok()).collect();
    Some(Edit { start: *words.get(1)?, frames: words.get(3).copied().filter(|frames| *frames > 0) })
}

/// Ticks a second and ticks in all of an `mvhd` or `mdhd` box.
fn clock(body: &[u8]) -> Option<(u32, u64)> {
    let (clock, ticks) = if *body.first()? == 1 {
        (be32(body, 20)?, be64(body, 24)?)
    } else {
        (be32(body, 12)?, be32(body, 16)?.into())
    };
    (clock > 0).then_some((clock, ticks))
}

fn child<'a>(body: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    children(body).find(|(found, _)| found == name).map(|(_, body)| body)
}

/// The boxes directly inside a box: (name, body).
fn children(body: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let bytes = be32(rest, 0)? as usize;
        let name = [*rest.get(4)?, *rest.get(5)?, *rest.get(6)?, *rest.get(7)?];
        let inside = rest.get(8..bytes)?;
        rest = &rest[bytes..];
        Some((name, inside))
    })
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
