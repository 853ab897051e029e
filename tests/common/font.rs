//! Writes small SoundFonts, so that tests need none that is installed.
#![allow(dead_code, reason = "each test uses its own part of it")]

/// A sound: its samples, and where they are looped.
#[derive(Debug, Clone)]
pub struct Sample {
    pub frames: Vec<i16>,
    pub looped: (u32, u32),
    pub root: u8,
}

/// Which keys sound how.
#[derive(Debug, Clone)]
pub struct Zone {
    pub keys: (u8, u8),
    pub sample: u16,
    /// Other generators and their amounts.
    pub generators: Vec<(u16, i16)>,
}

/// A whole font: samples, instruments, and presets as (bank, program, instrument).
#[derive(Debug, Clone)]
pub struct Font {
    pub samples: Vec<Sample>,
    pub instruments: Vec<Vec<Zone>>,
    pub presets: Vec<(u16, u16, u16)>,
}

/// Sample rate of all samples, in Hz.
pub const RATE: u32 = 48_000;
/// A key of the test font that is silent, and that only the highest string of a guitar reaches.
pub const SILENT_KEY: u8 = 79;

const SAMPLE_MODES: u16 = 54;
const EXCLUSIVE_CLASS: u16 = 57;
const ATTACK: u16 = 34;
const RELEASE: u16 = 38;

impl Font {
    /// A font with a sound for every part: a tone that is there at once, is looped, and rings on for seconds after its
    /// note. Closed hats are silent, and of one class with open ones.
    pub fn usual() -> Self {
        // Ten whole periods.
        let tone = |level: f64| Sample {
            frames: (0..1_091)
                .map(|at| {
                    let phase = std::f64::consts::TAU * 440.0 * f64::from(at) / f64::from(RATE);
                    (level * phase.cos()) as i16
                })
                .collect(),
            looped: (0, 1_090),
            root: 69,
        };
        let silence = Sample { frames: vec![0; 400], looped: (0, 300), root: 69 };
        // No attack, and a release of 8 s.
        let ringing = vec![(ATTACK, -12_000), (RELEASE, 3_600), (SAMPLE_MODES, 1)];
        let zone =
            |keys, sample, generators: &[(u16, i16)]| Zone { keys, sample, generators: generators.to_vec() };
        let pitched = vec![
            zone((0, SILENT_KEY - 1), 0, &ringing),
            zone((SILENT_KEY, SILENT_KEY), 1, &ringing),
            zone((SILENT_KEY + 1, 127), 0, &ringing),
        ];
        let mut hat = ringing.clone();
        hat.push((EXCLUSIVE_CLASS, 1));
        let kit = vec![
            zone((0, 41), 0, &ringing),
            zone((42, 42), 1, &hat),
            zone((43, 45), 0, &ringing),
            zone((46, 46), 0, &hat),
            zone((47, 127), 0, &ringing),
        ];
        Self {
            samples: vec![tone(16_000.0), silence],
            instruments: vec![pitched, kit],
            presets: vec![(0, 25, 0), (0, 33, 0), (0, 48, 0), (128, 0, 1)],
        }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let (mut smpl, mut shdr) = (Vec::new(), Vec::new());
        for sample in &self.samples {
            let start = (smpl.len() / 2) as u32;
            smpl.extend(sample.frames.iter().flat_map(|frame| frame.to_le_bytes()));
            let end = (smpl.len() / 2) as u32;
            smpl.extend([0; 92]);
            shdr.extend(name("sample"));
            for at in [start, end, start + sample.looped.0, start + sample.looped.1, RATE] {
                shdr.extend(at.to_le_bytes());
            }
            shdr.extend([sample.root, 0, 0, 0, 1, 0]);
        }
        shdr.extend([0; 46]);
        let (mut inst, mut ibag, mut igen) = (Vec::new(), Vec::new(), Vec::new());
        for zones in &self.instruments {
            inst.extend(name("instrument"));
            inst.extend(words(&[(ibag.len() / 4) as u16]));
            for zone in zones {
                ibag.extend(words(&[(igen.len() / 4) as u16, 0]));
                igen.extend([43, 0, zone.keys.0, zone.keys.1]);
                for (generator, amount) in &zone.generators {
                    igen.extend(words(&[*generator, *amount as u16]));
                }
                igen.extend(words(&[53, zone.sample]));
            }
        }
        inst.extend(name("EOI"));
        inst.extend(words(&[(ibag.len() / 4) as u16]));
        ibag.extend(words(&[(igen.len() / 4) as u16, 0]));
        igen.extend([0; 4]);
        let (mut phdr, mut pbag, mut pgen) = (Vec::new(), Vec::new(), Vec::new());
        for (bank, program, instrument) in &self.presets {
            phdr.extend(name("preset"));
            phdr.extend(words(&[*program, *bank, (pbag.len() / 4) as u16, 0, 0, 0, 0, 0, 0]));
            pbag.extend(words(&[(pgen.len() / 4) as u16, 0]));
            pgen.extend(words(&[41, *instrument]));
        }
        phdr.extend(name("EOP"));
        phdr.extend(words(&[0, 0, (pbag.len() / 4) as u16, 0, 0, 0, 0, 0, 0]));
        pbag.extend(words(&[(pgen.len() / 4) as u16, 0]));
        pgen.extend([0; 4]);
        let info = list(
            b"INFO",
            &[
                (*b"ifil", words(&[2, 1])),
                (*b"isng", b"EMU8000\0".to_vec()),
                (*b"INAM", b"Test font\0".to_vec()),
                (*b"ICOP", b"in the public domain\0\0".to_vec()),
            ],
        );
        let sounds = list(b"sdta", &[(*b"smpl", smpl)]);
        let parameters = list(
            b"pdta",
            &[
                (*b"phdr", phdr),
                (*b"pbag", pbag),
                (*b"pmod", vec![0; 10]),
                (*b"pgen", pgen),
                (*b"inst", inst),
                (*b"ibag", ibag),
                (*b"imod", vec![0; 10]),
                (*b"igen", igen),
                (*b"shdr", shdr),
            ],
        );
        let mut body = b"sfbk".to_vec();
        for part in [info, sounds, parameters] {
            body.extend(part);
        }
        chunk(*b"RIFF", &body)
    }
}

fn name(text: &str) -> [u8; 20] {
    let mut name = [0; 20];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn chunk(id: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = id.to_vec();
    chunk.extend((content.len() as u32).to_le_bytes());
    chunk.extend_from_slice(content);
    chunk
}

fn list(kind: &[u8; 4], chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut content = kind.to_vec();
    for (id, inside) in chunks {
        content.extend(chunk(*id, inside));
    }
    chunk(*b"LIST", &content)
}
