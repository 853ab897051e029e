//! Cuts the band's instruments out of a SoundFont (SF2 2.04, or SF3 with samples in Ogg Vorbis).
//!
//! What the presets need is kept as it stands, in its order: zones, generators, modulators, samples with their loops.
//! Numbers of instruments and samples are written anew. Of stereo samples whose other side is not used, the one that is
//! becomes mono.

use anyhow::{Context, ensure};

/// The presets that a band plays, by bank and program: nylon, steel and muted guitar, fingered bass, strings trembling, plucked and
/// bowed; the kit.
pub const BAND: [(u16, u16); 8] = [(0, 24), (0, 25), (0, 28), (0, 33), (0, 44), (0, 45), (0, 48), (128, 0)];

// Generators whose amounts are numbers of records.
const INSTRUMENT: u16 = 41;
const SAMPLE: u16 = 53;
/// Samples of silence that follow each sample of an SF2.
const SILENCE: usize = 46;
/// Flag of samples in Ogg Vorbis.
const VORBIS: u16 = 0x10;
/// Kinds of samples, beside that flag.
const MONO: u16 = 1;

/// Where presets or instruments stand: the table's name, the length of a record in bytes, where in it the number of its
/// first zone is, what the last record is called, and the letter that the tables of zones begin with.
struct Table {
    name: &'static str,
    len: usize,
    bag_at: usize,
    last: &'static str,
    zones: char,
}

const PRESETS: Table = Table { name: "phdr", len: 38, bag_at: 24, last: "EOP", zones: 'p' };
const INSTRUMENTS: Table = Table { name: "inst", len: 22, bag_at: 20, last: "EOI", zones: 'i' };
/// Lengths of the other records in bytes: zones, modulators, generators, samples.
const BAG_LEN: usize = 4;
const MODULATOR_LEN: usize = 10;
const GENERATOR_LEN: usize = 4;
const SAMPLE_LEN: usize = 46;

/// One zone: modulators as they stand, and generators as (which, amount).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Zone {
    modulators: Vec<u8>,
    generators: Vec<(u16, u16)>,
}

/// A preset or an instrument: its record up to the number of its first zone, what follows that number, its zones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Voice {
    head: Vec<u8>,
    tail: Vec<u8>,
    zones: Vec<Zone>,
}

/// A sample: its record and its sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sample {
    record: Vec<u8>,
    sound: Vec<u8>,
}

/// A SoundFont as far as it is copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Font {
    info: Vec<(String, Vec<u8>)>,
    presets: Vec<Voice>,
    instruments: Vec<Voice>,
    samples: Vec<Sample>,
}

impl Font {
    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        ensure!(bytes.get(..4) == Some(b"RIFF") && bytes.get(8..12) == Some(b"sfbk"), "it is no SoundFont");
        let lists = chunks(&bytes[12..])?;
        let list = |name: &str| {
            let found =
                lists.iter().find(|(id, data)| id == "LIST" && data.get(..4) == Some(name.as_bytes()));
            let (_, data) = found.with_context(|| format!("it has no {name}"))?;
            chunks(&data[4..])
        };
        let info = list("INFO")?.into_iter().map(|(id, data)| (id, data.to_vec())).collect();
        let sound = list("sdta")?;
        let (_, sound) = sound.iter().find(|(id, _)| id == "smpl").context("it holds no samples")?;
        let tables = list("pdta")?;
        let table = |name: &str| {
            let found = tables.iter().find(|(id, _)| id == name);
            found.map(|(_, data)| *data).with_context(|| format!("it has no {name}"))
        };
        let of = |kind: &Table| {
            let zones = |what: &str| table(&format!("{}{what}", kind.zones));
            voices(kind, table(kind.name)?, zones("bag")?, zones("mod")?, zones("gen")?)
        };
        let (presets, instruments) = (of(&PRESETS)?, of(&INSTRUMENTS)?);
        let mut samples = Vec::new();
        let records = table("shdr")?.chunks_exact(SAMPLE_LEN);
        for record in records.clone().take(records.len().saturating_sub(1)) {
            samples.push(Sample { record: record.to_vec(), sound: stretch(record, sound)?.to_vec() });
        }
        Ok(Self { info, presets, instruments, samples })
    }

    /// What these presets need; which of them are missing.
    pub fn cut(&self, wanted: &[(u16, u16)]) -> anyhow::Result<(Self, Vec<(u16, u16)>)> {
        let place = |preset: &Voice| Some((number(&preset.head, 22)?, number(&preset.head, 20)?));
        let has = |wish: &(u16, u16)| self.presets.iter().any(|preset| place(preset) == Some(*wish));
        let missing = wanted.iter().filter(|wish| !has(wish)).copied().collect();
        let kept = |preset: &&Voice| place(preset).is_some_and(|place| wanted.contains(&place));
        let mut presets: Vec<Voice> = self.presets.iter().filter(kept).cloned().collect();
        let (_, mut instruments) = renumber(&mut presets, INSTRUMENT, &self.instruments)?;
        let (used, mut samples) = renumber(&mut instruments, SAMPLE, &self.samples)?;
        for sample in &mut samples {
            unlink(sample, &used);
        }
        Ok((Self { info: self.info.clone(), presets, instruments, samples }, missing))
    }

    /// Puts a text of its information (four letters) in place of another.
    pub fn say(&mut self, id: &str, text: &str) {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize((bytes.len() + 2) & !1, 0);
        self.info.retain(|(known, _)| known != id);
        self.info.push((id.to_owned(), bytes));
    }

    /// A text of its information; empty if it says nothing.
    pub fn says(&self, id: &str) -> String {
        let found = self.info.iter().find(|(known, _)| known == id);
        found.map_or(String::new(), |(_, text)| {
            String::from_utf8_lossy(text).trim_end_matches('\0').trim().to_owned()
        })
    }

    /// The bytes of a file.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let mut info = b"INFO".to_vec();
        for (id, data) in &self.info {
            chunk(&mut info, id, data)?;
        }
        let (mut sound, mut records) = (Vec::new(), Vec::new());
        for sample in &self.samples {
            records.extend(lay(sample, &mut sound)?);
        }
        records.extend(terminal("EOS", SAMPLE_LEN));
        let mut data = b"sdta".to_vec();
        chunk(&mut data, "smpl", &sound)?;
        let mut tables = b"pdta".to_vec();
        write_voices(&mut tables, &self.presets, &PRESETS)?;
        write_voices(&mut tables, &self.instruments, &INSTRUMENTS)?;
        chunk(&mut tables, "shdr", &records)?;
        let mut body = b"sfbk".to_vec();
        for list in [info, data, tables] {
            chunk(&mut body, "LIST", &list)?;
        }
        let mut file = Vec::new();
        chunk(&mut file, "RIFF", &body)?;
        Ok(file)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

/// The chunks of a list: four letters, data.
fn chunks(mut bytes: &[u8]) -> anyhow::Result<Vec<(String, &[u8])>> {
    let mut found = Vec::new();
    while bytes.len() >= 8 {
        let id = String::from_utf8_lossy(&bytes[..4]).into_owned();
        let len = long(bytes, 4).context("it ends within a chunk")?;
        let data = bytes.get(8..8 + len).with_context(|| format!("its {id} is cut off"))?;
        found.push((id, data));
        // Some writers leave out the byte behind odd lengths; no name begins with 0.
        let is_padded = len % 2 == 1 && bytes.get(8 + len) == Some(&0);
        bytes = bytes.get(8 + len + usize::from(is_padded)..).unwrap_or_default();
    }
    Ok(found)
}

fn chunk(to: &mut Vec<u8>, id: &str, data: &[u8]) -> anyhow::Result<()> {
    to.extend(id.as_bytes());
    to.extend(u32::try_from(data.len()).context("a chunk is longer than 4 GiB")?.to_le_bytes());
    to.extend(data);
    to.extend(std::iter::repeat_n(0, data.len() % 2));
    Ok(())
}

/// Presets or instruments with their zones.
fn voices(
    table: &Table,
    records: &[u8],
    bags: &[u8],
    modulators: &[u8],
    generators: &[u8],
) -> anyhow::Result<Vec<Voice>> {
    let out = "a zone lies outside its table";
    let bag = |index: usize| {
        let at = index * BAG_LEN;
        Some((usize::from(number(bags, at)?), usize::from(number(bags, at + 2)?)))
    };
    let records: Vec<&[u8]> = records.chunks_exact(table.len).collect();
    let mut voices = Vec::new();
    for pair in records.windows(2) {
        let first =
            |record: &[u8]| number(record, table.bag_at).map(usize::from).context("a record is cut off");
        let mut zones = Vec::new();
        for index in first(pair[0])?..first(pair[1])? {
            let ((gen_from, mod_from), (gen_to, mod_to)) = bag(index).zip(bag(index + 1)).context(out)?;
            let part = |table: &[u8], from: usize, to: usize, len: usize| {
                table.get(from * len..to * len).map(<[u8]>::to_vec).context(out)
            };
            let generators = part(generators, gen_from, gen_to, GENERATOR_LEN)?;
            let amounts = generators.chunks_exact(GENERATOR_LEN);
            zones.push(Zone {
                modulators: part(modulators, mod_from, mod_to, MODULATOR_LEN)?,
                generators: amounts.filter_map(|g| Some((number(g, 0)?, number(g, 2)?))).collect(),
            });
        }
        let (head, tail) = pair[0].split_at(table.bag_at);
        voices.push(Voice { head: head.to_vec(), tail: tail[2..].to_vec(), zones });
    }
    Ok(voices)
}

/// The records that `voices` name with a generator, in the order of their numbers, and those numbers; from now on the
/// generators name their places among them.
fn renumber<T: Clone>(voices: &mut [Voice], generator: u16, of: &[T]) -> anyhow::Result<(Vec<u16>, Vec<T>)> {
    let named = |voice: &Voice| -> Vec<u16> {
        let all = voice.zones.iter().flat_map(|zone| &zone.generators);
        all.filter(|(which, _)| *which == generator).map(|(_, amount)| *amount).collect()
    };
    let mut used: Vec<u16> = voices.iter().flat_map(named).collect();
    used.sort_unstable();
    used.dedup();
    let zones = voices.iter_mut().flat_map(|voice| &mut voice.zones);
    for (which, amount) in zones.flat_map(|zone| &mut zone.generators) {
        if *which == generator {
            *amount = used.partition_point(|old| *old < *amount) as u16;
        }
    }
    let get = |index: &u16| of.get(usize::from(*index)).cloned().context("a zone names what is not there");
    let records = used.iter().map(get).collect::<anyhow::Result<_>>()?;
    Ok((used, records))
}

/// Has a sample name its other side by its new number, or makes it mono.
fn unlink(sample: &mut Sample, used: &[u16]) {
    let kind = number(&sample.record, 44).unwrap_or(MONO);
    let other = number(&sample.record, 42);
    let (link, kind) = match other.and_then(|other| used.binary_search(&other).ok()) {
        Some(new) if kind & !VORBIS != MONO => (new as u16, kind),
        _ => (0, kind & VORBIS | MONO),
    };
    sample.record[42..44].copy_from_slice(&link.to_le_bytes());
    sample.record[44..46].copy_from_slice(&kind.to_le_bytes());
}

/// The sound of a sample: between samples of 16 bits, or between bytes of Ogg Vorbis.
fn stretch<'a>(record: &[u8], sound: &'a [u8]) -> anyhow::Result<&'a [u8]> {
    let unit = if number(record, 44).is_some_and(|kind| kind & VORBIS != 0) { 1 } else { 2 };
    let between = long(record, 20).zip(long(record, 24)).context("a record is cut off")?;
    sound.get(unit * between.0..unit * between.1).context("a sample lies outside the sound")
}

/// Appends the sound of a sample and returns its record for that place.
fn lay(sample: &Sample, sound: &mut Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let is_vorbis = number(&sample.record, 44).is_some_and(|kind| kind & VORBIS != 0);
    let mut record = sample.record.clone();
    let unit = if is_vorbis { 1 } else { 2 };
    let start = sound.len() / unit;
    let was = long(&record, 20).context("a record is cut off")?;
    let mut put = |at: usize, value: usize| -> anyhow::Result<()> {
        record[at..at + 4].copy_from_slice(&u32::try_from(value).context("too much sound")?.to_le_bytes());
        Ok(())
    };
    put(20, start)?;
    put(24, start + sample.sound.len() / unit)?;
    if !is_vorbis {
        // Loops of an SF2 lie where the sample lies; those of an SF3 are counted from its start.
        for at in [28, 32] {
            let loops = long(&sample.record, at).context("a record is cut off")?;
            put(at, (loops + start).saturating_sub(was))?;
        }
    }
    sound.extend(&sample.sound);
    sound.extend(std::iter::repeat_n(0, if is_vorbis { 0 } else { 2 * SILENCE }));
    Ok(record)
}

fn terminal(name: &str, len: usize) -> Vec<u8> {
    let mut record = name.as_bytes().to_vec();
    record.resize(len, 0);
    record
}

fn write_voices(to: &mut Vec<u8>, voices: &[Voice], table: &Table) -> anyhow::Result<()> {
    let (mut records, mut bags) = (Vec::new(), Vec::new());
    let (mut modulators, mut generators) = (Vec::new(), Vec::new());
    let index =
        |len: usize, of: usize| u16::try_from(len / of).context("a table has more than 65535 records");
    for voice in voices {
        records.extend(&voice.head);
        records.extend(index(bags.len(), BAG_LEN)?.to_le_bytes());
        records.extend(&voice.tail);
        for zone in &voice.zones {
            bags.extend(index(generators.len(), GENERATOR_LEN)?.to_le_bytes());
            bags.extend(index(modulators.len(), MODULATOR_LEN)?.to_le_bytes());
            modulators.extend(&zone.modulators);
            for (which, amount) in &zone.generators {
                generators.extend(which.to_le_bytes());
                generators.extend(amount.to_le_bytes());
            }
        }
    }
    let mut end = terminal(table.last, table.len);
    end[table.bag_at..table.bag_at + 2].copy_from_slice(&index(bags.len(), BAG_LEN)?.to_le_bytes());
    records.extend(end);
    bags.extend(index(generators.len(), GENERATOR_LEN)?.to_le_bytes());
    bags.extend(index(modulators.len(), MODULATOR_LEN)?.to_le_bytes());
    modulators.extend([0; MODULATOR_LEN]);
    generators.extend([0; GENERATOR_LEN]);
    chunk(to, table.name, &records)?;
    for (name, data) in [("bag", &bags), ("mod", &modulators), ("gen", &generators)] {
        chunk(to, &format!("{}{name}", table.zones), data)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(head: &[u8], table: &Table, zones: Vec<Zone>) -> Voice {
        let mut head = head.to_vec();
        head.resize(table.bag_at, 0);
        Voice { head, tail: vec![0; table.len - table.bag_at - 2], zones }
    }

    fn zone(generators: &[(u16, u16)]) -> Zone {
        Zone { modulators: Vec::new(), generators: generators.to_vec() }
    }

    fn sample(name: &str, link: u16, kind: u16, sound: &[u8]) -> Sample {
        let mut record = terminal(name, SAMPLE_LEN);
        record[42..44].copy_from_slice(&link.to_le_bytes());
        record[44..46].copy_from_slice(&kind.to_le_bytes());
        // A loop over the second sample.
        record[28..32].copy_from_slice(&1u32.to_le_bytes());
        record[32..36].copy_from_slice(&2u32.to_le_bytes());
        Sample { record, sound: sound.to_vec() }
    }

    fn preset(bank: u16, program: u16, instrument: u16) -> Voice {
        let mut head = b"preset".to_vec();
        head.resize(20, 0);
        head.extend(program.to_le_bytes());
        head.extend(bank.to_le_bytes());
        let mut with = zone(&[(43, 0x7f00), (INSTRUMENT, instrument)]);
        with.modulators = (0..MODULATOR_LEN as u8).collect();
        voice(&head, &PRESETS, vec![with])
    }

    /// Three presets; the first and the last share an instrument with two sides of one sound.
    fn font() -> Font {
        let mut font = Font::default();
        font.say("INAM", "a bank");
        font.say("ICOP", "somebody");
        font.presets = vec![preset(0, 25, 1), preset(0, 60, 0), preset(128, 0, 1)];
        let both = vec![zone(&[(SAMPLE, 1)]), zone(&[(17, 500), (SAMPLE, 3)])];
        font.instruments = vec![
            voice(b"horn", &INSTRUMENTS, vec![zone(&[(SAMPLE, 0)])]),
            voice(b"guitar", &INSTRUMENTS, both),
        ];
        font.samples = vec![
            sample("horn", 0, MONO, &[1; 8]),
            sample("left", 3, 4, &[2; 6]),
            sample("lost", 0, 2, &[3; 4]),
            sample("right", 1, 2, &[4; 6]),
        ];
        font
    }

    #[test]
    fn what_was_written_is_read_again() {
        let font = font();
        let read = Font::parse(&font.to_bytes().expect("bytes")).expect("a font");
        assert_eq!(
            (&read.presets, &read.instruments, &read.info),
            (&font.presets, &font.instruments, &font.info)
        );
        let sounds = |font: &Font| font.samples.iter().map(|s| s.sound.clone()).collect::<Vec<_>>();
        assert_eq!(sounds(&read), sounds(&font));
        // The second lies behind four samples and their silence, its loop with it.
        let second = &read.samples[1].record;
        assert_eq!([20, 24, 28, 32].map(|at| long(second, at)), [50, 53, 51, 52].map(Some));
    }

    #[test]
    fn a_cut_keeps_what_is_needed_and_nothing_else() {
        let (cut, missing) = font().cut(&[(0, 25), (0, 48), (128, 0)]).expect("a cut");
        assert_eq!(missing, [(0, 48)]);
        assert_eq!((cut.presets.len(), cut.instruments.len(), cut.samples.len()), (2, 1, 2));
        assert_eq!(cut.presets[1].zones[0].generators[1], (INSTRUMENT, 0));
        assert_eq!(cut.presets[0].zones[0].modulators.len(), MODULATOR_LEN);
        let zones = &cut.instruments[0].zones;
        assert_eq!((zones[0].generators[0], zones[1].generators[1]), ((SAMPLE, 0), (SAMPLE, 1)));
        // Both sides are there, under their new numbers.
        let links = cut.samples.iter().map(|s| (number(&s.record, 42), number(&s.record, 44)));
        assert_eq!(links.collect::<Vec<_>>(), [(Some(1), Some(4)), (Some(0), Some(2))]);
        assert_eq!((cut.says("INAM"), cut.says("ICOP")), ("a bank".to_owned(), "somebody".to_owned()));
    }

    #[test]
    fn one_side_alone_is_mono() {
        let mut font = font();
        font.instruments[1].zones.truncate(1);
        let (cut, _) = font.cut(&[(0, 25)]).expect("a cut");
        assert_eq!(number(&cut.samples[0].record, 44), Some(MONO));
    }

    #[test]
    fn odd_chunks_need_no_byte_behind_them() {
        let padded = [b"ABCD\x01\0\0\0x\0".as_slice(), b"EFGH\x02\0\0\0yz"].concat();
        let bare = [b"ABCD\x01\0\0\0x".as_slice(), b"EFGH\x02\0\0\0yz"].concat();
        let names = |bytes: &[u8]| -> Vec<String> {
            chunks(bytes).expect("chunks").into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(names(&padded), ["ABCD", "EFGH"]);
        assert_eq!(names(&bare), ["ABCD", "EFGH"]);
    }

    #[test]
    fn broken_files_are_refused() {
        let bytes = font().to_bytes().expect("bytes");
        assert!(Font::parse(&bytes[..bytes.len() - 30]).is_err());
        assert!(Font::parse(b"RIFF").is_err());
        let mut far = font();
        far.presets[0].zones[0].generators[1] = (INSTRUMENT, 7);
        assert!(far.cut(&[(0, 25)]).is_err());
    }
}
