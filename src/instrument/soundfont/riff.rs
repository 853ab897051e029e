//! The chunks of a SoundFont, before the library sees them: what it would trust is checked here.

use std::ops::Range;

/// Bytes of a sample's record.
const SAMPLE_BYTES: usize = 46;
/// Where a record of a sample says from which byte to which it lies.
const SAMPLE_RANGE: usize = 20;
/// The generator that names a zone's exclusive class.
const EXCLUSIVE_CLASS: u16 = 57;
/// Most samples in a packet of Ogg Vorbis.
const MAX_PACKET_SAMPLES: u64 = 4_096;
/// Largest block of Ogg Vorbis as an exponent of 2.
const MAX_BLOCK_EXPONENT: u32 = 13;

/// Where chunks lie in the file.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// The sounds.
    samples: Range<usize>,
    /// What is where in them.
    headers: Range<usize>,
    /// Generators of instruments.
    generators: Vec<Range<usize>>,
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?.first_chunk()?;
    Some(u32::from_le_bytes(*four) as usize)
}

impl Chunks {
    /// Finds the chunks; an error says what is wrong with them. No chunk that is found reaches beyond the file.
    pub(super) fn find(bytes: &[u8]) -> Result<Self, String> {
        if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"sfbk") {
            return Err("it does not begin as a SoundFont does".to_owned());
        }
        let mut chunks = Self::default();
        let mut at = 12;
        for list in [b"INFO", b"sdta", b"pdta"] {
            let name = String::from_utf8_lossy(list);
            let size = number(bytes, at + 4);
            let size = size.filter(|_| bytes.get(at..at + 4) == Some(b"LIST"));
            let Some(size) = size.filter(|_| bytes.get(at + 8..at + 12) == Some(list)) else {
                return Err(format!("its list {name} is missing"));
            };
            let begin = at + 8;
            at += 12;
            while at - begin < size {
                let id = bytes.get(at..at + 4);
                let (Some(id), Some(length)) = (id, number(bytes, at + 4)) else {
                    return Err(format!("it ends within its list {name}"));
                };
                let inside = at + 8..(at + 8).saturating_add(length);
                if inside.end > bytes.len() {
                    return Err(format!("it ends within {}", String::from_utf8_lossy(id)));
                }
                at = inside.end;
                match id {
                    b"smpl" => chunks.samples = inside,
                    b"shdr" => chunks.headers = inside,
                    b"igen" => chunks.generators.push(inside),
                    _ => {}
                }
                // The last chunk of a list has no byte of padding.
                at += usize::from(length % 2 == 1 && at - begin < size);
            }
        }
        Ok(chunks)
    }

    /// How many samples the sounds have, at most, once they are unpacked. An error says that they cannot be.
    pub(super) fn sample_count(&self, bytes: &[u8]) -> Result<u64, String> {
        let sounds = &bytes[self.samples.clone()];
        if !sounds.starts_with(b"OggS") {
            return Ok(sounds.len() as u64 / 2);
        }
        let mut count = 0u64;
        let mut packed = 0;
        for header in bytes[self.headers.clone()].chunks_exact(SAMPLE_BYTES) {
            let range = number(header, SAMPLE_RANGE).zip(number(header, SAMPLE_RANGE + 4));
            let stream = range.and_then(|(from, to)| sounds.get(from..to)).unwrap_or_default();
            packed += stream.len();
            // Many records of one sound would unpack it many times.
            if packed > sounds.len().saturating_mul(2) {
                return Err("its samples lie one upon the other".to_owned());
            }
            count = count.saturating_add(unpacked(stream));
        }
        Ok(count)
    }

    /// Takes exclusive classes out of all zones: what chokes what is decided by who plays, and fades.
    pub(super) fn without_exclusive_classes(&self, bytes: &mut [u8]) {
        for generators in &self.generators {
            for generator in bytes[generators.clone()].chunks_exact_mut(4) {
                if generator[..2] == EXCLUSIVE_CLASS.to_le_bytes() {
                    generator[2..].fill(0);
                }
            }
        }
    }
}

/// Most samples that a stream of Ogg Vorbis can hold: its packets times the largest of them.
fn unpacked(stream: &[u8]) -> u64 {
    let (mut packets, mut largest) = (0u64, 0);
    for (at, _) in stream.windows(4).enumerate().filter(|(_, four)| four == b"OggS") {
        let page = &stream[at..];
        let Some(count) = page.get(26).map(|count| usize::from(*count)) else { continue };
        let Some(lacing) = page.get(27..27 + count) else { continue };
        packets += lacing.iter().filter(|length| **length < 255).count() as u64;
        let body = &page[27 + count..];
        if let Some(sizes) = body.get(28).filter(|_| body.starts_with(b"\x01vorbis")) {
            let exponent = u32::from(sizes >> 4).min(MAX_BLOCK_EXPONENT);
            largest = largest.max(1u64 << exponent.saturating_sub(1));
        }
    }
    packets * if largest == 0 { MAX_PACKET_SAMPLES } else { largest.min(MAX_PACKET_SAMPLES) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(packets: &[usize], body: &[u8]) -> Vec<u8> {
        let mut page = b"OggS".to_vec();
        page.resize(26, 0);
        page.push(packets.len() as u8);
        page.extend(packets.iter().map(|length| *length as u8));
        page.extend_from_slice(body);
        page
    }

    #[test]
    fn packets_are_counted_without_unpacking() {
        let mut identification = b"\x01vorbis".to_vec();
        identification.resize(28, 0);
        identification.push(0xb8);
        let mut stream = page(&[29], &identification);
        assert_eq!(unpacked(&stream), 1_024, "blocks of 2048 give 1024 samples each");
        stream.extend(page(&[2; 200], &[0; 400]));
        assert_eq!(unpacked(&stream), 201 * 1_024);
        assert_eq!(unpacked(&stream[57..]), 200 * MAX_PACKET_SAMPLES, "without a header the largest blocks");
    }
}
