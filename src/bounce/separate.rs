//! A mix -> voice and backing as files that add up to it.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::analysis::round;
use super::output::{Output, REPORT};
use super::{BounceError, Progress, Stage, hex, keep_going};
use crate::audio::{
    AudioFileError, FULL_SCALE, Reader, Resampler, StemFormat, StemWriter, StereoBlock, file_sha256,
};
use crate::limits::MAX_REFERENCE_FRAMES;
use crate::separate::net::{Ahead, Isolator, Scout, SungPath, hears, weights_sha256};
use crate::separate::{
    Bypass, Cancelled, Centre, InputKind, InputMeter, Percussive, Reference, ReferenceError, Separator,
    Verdict, Way, cancel, parted,
};
use crate::song::VocalSource;
use crate::time::Hz;

/// Side level below which both channels are the same, in dB beside the middle.
const SAME_DB: f64 = -90.0;

/// Share of the work that is done when a mix was heard before it is separated.
const SCOUTED: f64 = 0.5;

/// What is to be separated, and how.
#[derive(Debug, Clone)]
pub struct SeparateRequest {
    /// The recording.
    pub input: PathBuf,
    /// The backing in it, where it is known.
    pub backing: Option<PathBuf>,
    /// The folder that is written.
    pub out: PathBuf,
    /// How; none lets what is heard decide.
    pub way: Option<Way>,
    /// Whether nothing looks ahead, as in live playing.
    pub is_live: bool,
    /// File format of the audio.
    pub format: StemFormat,
    /// Samples that are separated at once; changes nothing in the output.
    pub block: usize,
}

impl SeparateRequest {
    /// With the usual choices.
    pub fn new(input: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            input: input.into(),
            backing: None,
            out: out.into(),
            way: None,
            is_live: false,
            format: StemFormat::Wav,
            block: 4096,
        }
    }
}

/// What was written.
#[derive(Debug)]
pub struct SeparateReport {
    /// The folder.
    pub out: PathBuf,
    /// Its files in the order they were written.
    pub files: Vec<String>,
    /// What the recording holds.
    pub verdict: Verdict,
    /// How the voice was found.
    pub way: Way,
    /// The contents of `report.json`.
    pub report: Value,
}

/// Hears what a recording holds, without writing anything.
pub fn heard_kind(input: &Path, progress: &mut Progress<'_>) -> Result<Verdict, BounceError> {
    Ok(survey(input, progress)?.1)
}

/// Separates a file into a folder: `voice`, `backing` and `report.json`. As 24-bit integers voice and backing add up to
/// exactly the samples of the input; floats beyond full scale are clipped before.
pub fn separate(
    request: &SeparateRequest,
    progress: &mut Progress<'_>,
) -> Result<SeparateReport, BounceError> {
    let output = Output::begin(&request.out)?;
    let (source, verdict) = survey(&request.input, progress)?;
    let way = choose(request, &verdict, Hz(source.sample_rate))?;
    let work = Work::new(request, &output, way, source)?;
    let (mut files, report) = work.parts(&verdict, progress).map_err(|error| output.place(error))?;
    let mut text = serde_json::to_vec_pretty(&report)?;
    text.push(b'\n');
    output.write(REPORT, &text)?;
    files.push(REPORT.to_owned());
    keep_going(progress(Stage::Write, 1.0))?;
    output.publish()?;
    Ok(SeparateReport { out: request.out.clone(), files, verdict, way, report })
}

/// Voice and backing that were written into a folder.
pub(super) struct PartFiles {
    /// Their names, the voice's first.
    pub files: Vec<String>,
    /// The recording.
    pub source: VocalSource,
    /// What `report.json` of a separation says.
    pub report: Value,
}

/// Separates a file into a folder that is being filled, if it is wanted of what the file holds. Where no voice is heard, but
/// one is wanted, it is looked for as in a mono mix.
pub(super) fn parts_into(
    request: &SeparateRequest,
    output: &Output,
    is_wanted: &dyn Fn(InputKind) -> bool,
    progress: &mut Progress<'_>,
) -> Result<Option<PartFiles>, BounceError> {
    let (source, verdict) = survey(&request.input, progress)?;
    if !is_wanted(verdict.kind) {
        return Ok(None);
    }
    let way = Way::of_mix(verdict.kind, Hz(source.sample_rate));
    let work = Work::new(request, output, way, source.clone())?;
    let (files, report) = work.parts(&verdict, progress).map_err(|error| output.place(error))?;
    Ok(Some(PartFiles { files, source, report }))
}

/// The facts of a file and what it holds.
fn survey(input: &Path, progress: &mut Progress<'_>) -> Result<(VocalSource, Verdict), BounceError> {
    let mut reader = Reader::open(input)?;
    let rate = reader.rate();
    let mut meter = InputMeter::new(rate)
        .map_err(|_| AudioFileError::Rate { path: input.to_owned(), rate_hz: rate.0 })?;
    let (mut frames, channels) = (0, reader.channels());
    each_block(&mut reader, Stage::Read, progress, &mut |left, right| {
        frames += left.len() as u64;
        meter.push(left, right);
        Ok(())
    })?;
    let source = VocalSource {
        file: name(input),
        sha256: hex(&file_sha256(input)?),
        sample_rate: rate.0,
        channels: channels as u32,
        duration_s: round(frames as f64 / rate.as_f64()),
    };
    Ok((source, Verdict::of(meter.finish())))
}

/// Takes both sides of a block, and may overwrite them.
type TakeBlock<'a> = dyn FnMut(&mut [f32], &mut [f32]) -> Result<(), BounceError> + 'a;

/// Reads a file to its end, block by block; one channel stands for both sides.
fn each_block(
    reader: &mut Reader,
    stage: Stage,
    progress: &mut Progress<'_>,
    take: &mut TakeBlock<'_>,
) -> Result<(), BounceError> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let channels = reader.channels();
    loop {
        keep_going(progress(stage, reader.progress()))?;
        let Some(block) = reader.next_block()? else { return Ok(()) };
        left.clear();
        right.clear();
        left.extend(block.chunks_exact(channels).map(|frame| frame[0]));
        right.extend(block.chunks_exact(channels).map(|frame| frame[channels - 1]));
        take(&mut left, &mut right)?;
    }
}

fn source_of(path: &Path) -> Result<VocalSource, BounceError> {
    let reader = Reader::open(path)?;
    let frames = reader.frames_hint().unwrap_or(0);
    Ok(VocalSource {
        file: name(path),
        sha256: hex(&file_sha256(path)?),
        sample_rate: reader.rate().0,
        channels: reader.channels() as u32,
        duration_s: round(frames as f64 / reader.rate().as_f64()),
    })
}

fn name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The way that was asked for, or the one that suits what was heard.
fn choose(request: &SeparateRequest, verdict: &Verdict, rate: Hz) -> Result<Way, BounceError> {
    let unfit = |way: Way, reason: &'static str| {
        Err(BounceError::Unfit { path: request.input.clone(), way: way.name(), reason })
    };
    match request.way {
        Some(Way::Reference) if request.backing.is_none() => {
            unfit(Way::Reference, "it takes a known backing out: name its file with --backing")
        }
        Some(way) if way != Way::Reference && request.backing.is_some() => {
            unfit(way, "it knows no backing: leave --backing away, or take --way reference")
        }
        Some(Way::Centre) if verdict.heard.side_db < SAME_DB => unfit(
            Way::Centre,
            "both channels are the same, so that everything stands in the middle; try --way percussive",
        ),
        Some(Way::Network) if !hears(rate) => unfit(
            Way::Network,
            "it hears sample rates from 24 kHz on in steps of 300 Hz, such as 44.1 and 48 kHz; convert the file, or try \
             --way percussive",
        ),
        Some(way) => Ok(way),
        None => match Way::for_kind(verdict.kind, request.backing.is_some(), rate) {
            Some(way) => Ok(way),
            None => Err(BounceError::NoVoiceInMix { path: request.input.clone(), why: verdict.why.clone() }),
        },
    }
}

/// Input, way and build name the result.
fn id(request: &SeparateRequest, way: Way, source: &VocalSource, backing: Option<&VocalSource>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(&source.sha256);
    hasher.update(program());
    hasher.update(way.name());
    hasher.update([u8::from(request.is_live)]);
    if let Some(backing) = backing {
        hasher.update(&backing.sha256);
    }
    hex(&hasher.finalize())[..16].to_owned()
}

fn program() -> String {
    format!("collavoce {}", env!("CARGO_PKG_VERSION"))
}

/// Everything that one separation needs.
struct Work<'a> {
    request: &'a SeparateRequest,
    output: &'a Output,
    way: Way,
    id: String,
    rate: Hz,
    source: VocalSource,
    backing: Option<VocalSource>,
}

impl<'a> Work<'a> {
    fn new(
        request: &'a SeparateRequest,
        output: &'a Output,
        way: Way,
        source: VocalSource,
    ) -> Result<Self, BounceError> {
        let backing = match (&request.backing, way) {
            (Some(path), Way::Reference) => Some(source_of(path)?),
            _ => None,
        };
        let id = id(request, way, &source, backing.as_ref());
        Ok(Self { request, output, way, id, rate: Hz(source.sample_rate), source, backing })
    }

    /// Writes voice and backing.
    fn parts(
        &self,
        verdict: &Verdict,
        progress: &mut Progress<'_>,
    ) -> Result<(Vec<String>, Value), BounceError> {
        let extension = match self.request.format {
            StemFormat::Wav => "wav",
            StemFormat::Flac => "flac",
        };
        let mut files = Vec::new();
        let frames = (self.source.duration_s * self.rate.as_f64()).round() as u64;
        let mut writer = |part: &str| {
            let file = format!("{part}.{extension}");
            let (way, sha256) = (self.way, &self.source.sha256[..16]);
            let comment =
                format!("separation {}; {part} of {sha256}, by way of {way}, {}", self.id, program());
            let path = self.output.path(&file);
            files.push(file);
            StemWriter::create(path, self.request.format, self.rate, frames, &comment)
        };
        let mut parts = Parts::new(writer("voice")?, writer("backing")?);
        let mut cancelled = None;
        let mut latency_s = 0.0;
        match self.separator(progress)? {
            Some(mut separator) => {
                latency_s = separator.latency().0 as f64 / self.rate.as_f64();
                let begun = if self.way == Way::Network && !self.request.is_live { SCOUTED } else { 0.0 };
                let mut later = |stage, done| progress(stage, begun + (1.0 - begun) * done);
                self.run(&mut *separator, &mut parts, &mut later)?;
            }
            None => cancelled = Some(self.cancel(&mut parts, progress)?),
        }
        let audio = parts.finish(&self.source)?;
        keep_going(progress(Stage::Write, 0.0))?;
        let mut hashes = BTreeMap::new();
        for file in &files {
            hashes.insert(file.clone(), hex(&file_sha256(self.output.path(file))?));
        }
        let report = self.report(verdict, audio, latency_s, cancelled.as_ref(), &hashes);
        Ok((files, report))
    }

    /// What separates block by block; none where the whole recording has to be known.
    fn separator(&self, progress: &mut Progress<'_>) -> Result<Option<Box<dyn Separator>>, BounceError> {
        let is_live = self.request.is_live;
        Ok(match self.way {
            Way::Off => Some(Box::new(Bypass)),
            Way::Centre => Some(Box::new(Centre::new(self.rate))),
            Way::Percussive if is_live => Some(Box::new(Percussive::new(self.rate))),
            Way::Percussive => Some(Box::new(Percussive::offline(self.rate))),
            Way::Reference if is_live => {
                let mut backing = self.known()?;
                let right = if backing.len() == 2 { backing.remove(1) } else { backing[0].clone() };
                let is_mono = self.source.channels == 1;
                Some(Box::new(Reference::new(self.rate, [backing.remove(0), right], is_mono)))
            }
            Way::Reference => None,
            Way::Network => {
                let isolator = Isolator::usual(self.rate).map_err(|_| self.no_network())?;
                Some(Box::new(if is_live { isolator } else { isolator.along(self.scout(progress)?) }))
            }
        })
    }

    /// Hears the whole input before the network separates it.
    fn scout(&self, progress: &mut Progress<'_>) -> Result<SungPath, BounceError> {
        let mut scout = Scout::new(self.rate, Ahead::default()).map_err(|_| self.no_network())?;
        let mut reader = Reader::open(&self.request.input)?;
        let mut first = |stage, done| progress(stage, SCOUTED * done);
        each_block(&mut reader, Stage::Separate, &mut first, &mut |left, right| {
            scout.hear(left, right);
            Ok(())
        })?;
        // What comes out last is heard with the silence behind it.
        let silence = vec![0.0; self.rate.0 as usize / 10];
        scout.hear(&silence, &silence);
        Ok(scout.finish())
    }

    fn no_network(&self) -> BounceError {
        BounceError::Unfit {
            path: self.request.input.clone(),
            way: Way::Network.name(),
            reason: "its weights are damaged: install the program again, or try --way percussive",
        }
    }

    /// Runs over the input block by block.
    fn run(
        &self,
        separator: &mut dyn Separator,
        parts: &mut Parts,
        progress: &mut Progress<'_>,
    ) -> Result<(), BounceError> {
        let mut reader = Reader::open(&self.request.input)?;
        let mut late = separator.latency().0.max(0) as usize;
        let block = self.request.block.max(1);
        let mut take = |left: &mut [f32], right: &mut [f32], parts: &mut Parts| {
            for (left, right) in left.chunks_mut(block).zip(right.chunks_mut(block)) {
                separator.process(&mut StereoBlock { left: &mut *left, right: &mut *right });
                // What comes out first is what was before the beginning.
                let skipped = late.min(left.len());
                late -= skipped;
                parts.put(&left[skipped..], &right[skipped..])?;
            }
            Ok::<(), BounceError>(())
        };
        each_block(&mut reader, Stage::Separate, progress, &mut |left, right| {
            parts.hear(left, right);
            take(left, right, parts)
        })?;
        let rest = parts.waiting();
        take(&mut vec![0.0; rest], &mut vec![0.0; rest], parts)
    }

    /// Takes the backing out of the whole recording.
    fn cancel(&self, parts: &mut Parts, progress: &mut Progress<'_>) -> Result<Cancelled, BounceError> {
        let mix = self.read(&self.request.input)?;
        let known = self.known()?;
        let mut flow = ControlFlow::Continue(());
        let cancelled = cancel(&mix, &known, self.rate, &mut |done| {
            if flow.is_continue() {
                flow = progress(Stage::Separate, 0.9 * done);
            }
        });
        keep_going(flow)?;
        let cancelled = cancelled.map_err(|source| self.reference_error(source))?;
        let last = mix.len() - 1;
        parts.hear(&mix[0], &mix[last]);
        parts.put(&cancelled.voice[0], &cancelled.voice[last])?;
        keep_going(progress(Stage::Separate, 1.0))?;
        Ok(Cancelled { voice: Vec::new(), ..cancelled })
    }

    fn reference_error(&self, source: ReferenceError) -> BounceError {
        let path = self.request.backing.clone().unwrap_or_default();
        BounceError::Reference { path, mix: self.request.input.clone(), source }
    }

    /// The known backing at the rate of the input.
    fn known(&self) -> Result<Vec<Vec<f32>>, BounceError> {
        self.read(self.request.backing.as_deref().unwrap_or(Path::new("")))
    }

    /// A file as channels at the rate of the input.
    fn read(&self, path: &Path) -> Result<Vec<Vec<f32>>, BounceError> {
        let mut reader = Reader::open(path)?;
        let channels = reader.channels();
        let mut resampler = Resampler::new(reader.rate(), self.rate, channels)
            .map_err(|_| AudioFileError::Rate { path: path.to_owned(), rate_hz: reader.rate().0 })?;
        let mut all = Vec::new();
        while let Some(block) = reader.next_block()? {
            resampler.push(block, &mut all);
            let frames = (all.len() / channels) as u64;
            if frames > MAX_REFERENCE_FRAMES {
                let minutes = MAX_REFERENCE_FRAMES as f64 / self.rate.as_f64() / 60.0;
                let source = ReferenceError::TooLong { frames, minutes };
                return Err(BounceError::Reference {
                    path: path.to_owned(),
                    mix: self.request.input.clone(),
                    source,
                });
            }
        }
        resampler.finish(&mut all);
        let channel = |index: usize| all.chunks_exact(channels).map(|frame| frame[index]).collect();
        Ok((0..channels).map(channel).collect())
    }

    fn report(
        &self,
        verdict: &Verdict,
        audio: Value,
        latency_s: f64,
        cancelled: Option<&Cancelled>,
        hashes: &BTreeMap<String, String>,
    ) -> Value {
        json!({
            "schema": "collavoce.separation/1",
            "separation_id": self.id,
            "provenance": {
                "program": program(),
                "weights": (self.way == Way::Network).then(weights_sha256),
                "input": self.source,
                "backing": self.backing,
            },
            "found": verdict,
            "way": {
                "name": self.way.name(),
                "asked": self.request.way.map_or("auto", Way::name),
                "live": self.request.is_live,
                "latency_s": round(latency_s),
            },
            "reference": cancelled.map(|found| json!({
                "delay_s": round(found.delay_s),
                "drift_ppm": round(found.drift_ppm),
                "strength": round(found.strength),
                "filter_ms": round(found.filter_ms),
                "changes": found.changes,
                "removed_db": round(found.removed_db),
            })),
            "audio": audio,
            "sha256": hashes,
        })
    }
}

/// The files that are written, and the input that they add up to.
struct Parts {
    voice: StemWriter,
    backing: StemWriter,
    heard: VecDeque<[i32; 2]>,
    frames: u64,
    clipped: u64,
    /// Sums of squares of voice and backing.
    energy: [f64; 2],
    blocks: [Vec<i32>; 4],
}

impl Parts {
    fn new(voice: StemWriter, backing: StemWriter) -> Self {
        Self {
            voice,
            backing,
            heard: VecDeque::new(),
            frames: 0,
            clipped: 0,
            energy: [0.0; 2],
            blocks: Default::default(),
        }
    }

    /// Takes frames of the input.
    fn hear(&mut self, left: &[f32], right: &[f32]) {
        for (left, right) in left.iter().zip(right) {
            let integer = [*left, *right].map(|sample| (f64::from(sample) * f64::from(FULL_SCALE)).round());
            let (least, most) = (f64::from(-FULL_SCALE), f64::from(FULL_SCALE - 1));
            self.clipped += u64::from(integer.iter().any(|sample| !(least..=most).contains(sample)));
            self.heard.push_back(integer.map(|sample| sample.clamp(least, most) as i32));
        }
    }

    /// Frames of the input whose voice did not come out yet.
    fn waiting(&self) -> usize {
        self.heard.len()
    }

    /// Takes the voice of the next frames.
    fn put(&mut self, left: &[f32], right: &[f32]) -> Result<(), BounceError> {
        self.blocks.iter_mut().for_each(Vec::clear);
        for (left, right) in left.iter().zip(right) {
            let Some(heard) = self.heard.pop_front() else { break };
            for (channel, voice) in [*left, *right].into_iter().enumerate() {
                let (voice, backing) = parted(heard[channel], voice);
                self.energy[0] += f64::from(voice).powi(2);
                self.energy[1] += f64::from(backing).powi(2);
                self.blocks[channel].push(voice);
                self.blocks[2 + channel].push(backing);
            }
        }
        self.frames += self.blocks[0].len() as u64;
        self.voice.write(&self.blocks[0], &self.blocks[1])?;
        self.backing.write(&self.blocks[2], &self.blocks[3])?;
        Ok(())
    }

    fn finish(self, source: &VocalSource) -> Result<Value, BounceError> {
        self.voice.finish()?;
        self.backing.finish()?;
        let scale = f64::from(FULL_SCALE).powi(2) * (2 * self.frames.max(1)) as f64;
        let level = |energy: f64| round(10.0 * (energy / scale + 1e-12).log10());
        Ok(json!({
            "sample_rate": source.sample_rate,
            "bits": 24,
            "channels": 2,
            "frames": self.frames,
            "clipped_frames": self.clipped,
            "voice_dbfs": level(self.energy[0]),
            "backing_dbfs": level(self.energy[1]),
        }))
    }
}
