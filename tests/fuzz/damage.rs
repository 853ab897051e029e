//! Ways in which a file can be wrong. Places are shares of the length, in 65536ths.

use std::fmt::Debug;

use bolero::TypeGenerator;

/// One damage to a file of some kind.
pub trait Damage: Debug + Clone + TypeGenerator + 'static {
    /// Damages it.
    fn apply(&self, bytes: &mut Vec<u8>);
}

/// Damage to any file.
#[derive(Debug, Clone, TypeGenerator)]
pub enum General {
    /// Other bytes.
    Overwrite { at: u16, bytes: [u8; 4] },
    /// More bytes.
    Insert { at: u16, bytes: [u8; 3] },
    /// Fewer bytes.
    Remove { at: u16, len: u8 },
    /// A part of it twice.
    Repeat { at: u16, len: u8 },
    /// Nothing from here on.
    Cut { at: u16 },
}

/// Damage to an audio file.
#[derive(Debug, Clone, TypeGenerator)]
pub enum Audio {
    /// As to any file.
    General(General),
    /// Another byte within the first 256 or the last 1024, where headers stand.
    Header { at: u16, last: bool, byte: u8 },
    /// Four bytes there of a number that programs get wrong.
    Number { at: u16, last: bool, which: u8, big_endian: bool },
}

/// Damage to a text.
#[derive(Debug, Clone, TypeGenerator)]
pub enum Text {
    /// As to any file.
    General(General),
    /// A word of the format.
    Word { at: u16, which: u8 },
    /// Another number in place of the next.
    Number { at: u16, which: u8 },
}

const NUMBERS: [u32; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fff8];
const NUMERALS: [&str; 13] = [
    "0",
    "-1",
    "127",
    "128",
    "255",
    "256",
    "2147483647",
    "-2147483648",
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "1e308",
    "0.5",
];
const WORDS: [&str; 24] = [
    "|", "%", ".", "-", "/", "N.C.", "[", "]", "#", ":", "=", "key:", "tempo:", "meter:", "\n", "Am7",
    "null", "true", "{}", "[]", "\"", "\u{feff}", "\u{0}", "é",
];

fn pick<T: Copy>(list: &[T], which: u8) -> T {
    list[usize::from(which) % list.len()]
}

fn place(bytes: &[u8], at: u16) -> usize {
    usize::from(at) * (bytes.len() + 1) / 65_536
}

fn overwrite(bytes: &mut [u8], at: usize, new: &[u8]) {
    bytes.iter_mut().skip(at).zip(new).for_each(|(byte, new)| *byte = *new);
}

/// A place near the beginning or the end.
fn edge(bytes: &[u8], at: u16, last: bool) -> usize {
    if last { bytes.len().saturating_sub(1 + usize::from(at) % 1_024) } else { usize::from(at) % 256 }
}

impl Damage for General {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let (Self::Overwrite { at, .. }
        | Self::Insert { at, .. }
        | Self::Remove { at, .. }
        | Self::Repeat { at, .. }
        | Self::Cut { at }) = self;
        let at = place(bytes, *at);
        let end = |len: &u8| bytes.len().min(at + usize::from(*len));
        match self {
            Self::Overwrite { bytes: new, .. } => overwrite(bytes, at, new),
            Self::Insert { bytes: new, .. } => drop(bytes.splice(at..at, *new)),
            Self::Remove { len, .. } => drop(bytes.drain(at..end(len))),
            Self::Repeat { len, .. } => {
                let again = bytes[at..end(len)].to_vec();
                bytes.splice(at..at, again);
            }
            Self::Cut { .. } => bytes.truncate(at),
        }
    }
}

impl Damage for Audio {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::General(general) => general.apply(bytes),
            Self::Header { at, last, byte } => {
                let at = edge(bytes, *at, *last);
                overwrite(bytes, at, &[*byte]);
            }
            Self::Number { at, last, which, big_endian } => {
                let (at, number) = (edge(bytes, *at, *last), pick(&NUMBERS, *which));
                overwrite(bytes, at, &if *big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
            }
        }
    }
}

impl Damage for Text {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::General(general) => general.apply(bytes),
            Self::Word { at, which } => {
                let at = place(bytes, *at);
                bytes.splice(at..at, pick(&WORDS, *which).bytes());
            }
            Self::Number { at, which } => {
                let from = place(bytes, *at);
                let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit) else { return };
                let start = from + start;
                let in_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'.');
                let len = bytes[start..].iter().take_while(in_number).count();
                bytes.splice(start..start + len, pick(&NUMERALS, *which).bytes());
            }
        }
    }
}
