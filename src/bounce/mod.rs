//! File -> stems, MIDI, lead sheet, song file, pictures and reports.

mod analysis;
mod band;
pub mod canvas;
mod error;
mod heard;
mod isolate;
mod mix;
mod output;
mod picture;
mod read;
mod report;
pub mod separate;
mod song;
pub mod sounds;
mod tracks;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::audio::{StemFormat, file_sha256};
use crate::engine::{self, Session};
use crate::instrument::{Sounds, Tone};
use crate::limits;
use crate::listen::PitchMethod;
use crate::score::{Part, midi, musicxml};
use crate::song::{Isolate, Settings, Song};
use crate::time::{Hz, SampleTime};

pub use analysis::analysis_json;
use band::Band;
pub use error::BounceError;
pub use heard::{analyse_mix, mix_json};
use isolate::Isolated;
pub use mix::MixReport;
pub use read::analyse;
use read::{Heard, hear_voice, source_of};
pub use song::song_of;
use song::{song_beside, sounding};

/// What a bounce is doing; each stage counts from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading and hashing the vocal.
    Read,
    /// Separating voice and backing.
    Separate,
    /// Listening, following and composing.
    Compose,
    /// Playing the instruments.
    Play,
    /// Mixing.
    Mix,
    /// Writing MIDI, lead sheet, pictures and reports.
    Write,
}

impl Stage {
    /// What a person is told.
    pub fn label(self) -> &'static str {
        match self {
            Self::Read => "reading",
            Self::Separate => "separating",
            Self::Compose => "listening and composing",
            Self::Play => "playing",
            Self::Mix => "mixing",
            Self::Write => "writing",
        }
    }
}

/// Is told how far a bounce has come, and may break it off.
pub type Progress<'a> = dyn FnMut(Stage, f64) -> ControlFlow<()> + 'a;

/// The same inside one stage.
pub(crate) type Tick<'a> = dyn FnMut(f64) -> Result<(), BounceError> + 'a;

/// What is to be bounced, and how.
#[derive(Clone)]
pub struct BounceRequest<'a> {
    /// The vocal file.
    pub vocal: PathBuf,
    /// What the singer sings to, if it is heard as well: a click, drums, a guitar.
    pub sidechain: Option<PathBuf>,
    /// What the vocal is sung with, where both are files of their own: it says chords, key and beat.
    pub backing: Option<PathBuf>,
    /// The folder that is written.
    pub out: PathBuf,
    /// What the user asked for.
    pub settings: Settings,
    /// Who plays the parts.
    pub sounds: Sounds,
    /// The pitch tracker.
    pub pitch: PitchMethod,
    /// File format of the audio.
    pub format: StemFormat,
    /// Sample rate; none takes the input's if it is at least 44.1 kHz, else 48 kHz.
    pub rate: Option<Hz>,
    /// Seconds after the last bar.
    pub tail_s: f64,
    /// Loudness of the mix in LUFS; none leaves it as it is.
    pub loudness: Option<f64>,
    /// How much room the band makes for the voice in the mix, 0 to 1.
    pub seat: f64,
    /// Samples that the engine renders at once; changes nothing in the output.
    pub block: usize,
    /// Files that are copied into the folder: (name, path).
    pub extras: Vec<(String, PathBuf)>,
    /// A clock in seconds, if the report is to say how long the stages took.
    pub clock: Option<&'a dyn Fn() -> f64>,
}

impl<'a> BounceRequest<'a> {
    /// A bounce with the usual choices.
    pub fn new(vocal: impl Into<PathBuf>, out: impl Into<PathBuf>, settings: Settings) -> Self {
        Self {
            vocal: vocal.into(),
            sidechain: None,
            backing: None,
            out: out.into(),
            settings,
            sounds: Sounds::default(),
            pitch: PitchMethod::Nsdf,
            format: StemFormat::Wav,
            rate: None,
            tail_s: 3.0,
            loudness: Some(-14.0),
            seat: 0.5,
            block: engine::RENDER_BLOCK,
            extras: Vec::new(),
            clock: None,
        }
    }
}

/// What a bounce wrote.
#[derive(Debug)]
pub struct BounceReport {
    /// The folder.
    pub out: PathBuf,
    /// Its files in the order they were written.
    pub files: Vec<String>,
    /// The contents of `report.json`.
    pub report: serde_json::Value,
    /// What was heard and written.
    pub session: Session,
}

/// Bounces a vocal file into a folder.
pub fn bounce(request: &BounceRequest<'_>, progress: &mut Progress<'_>) -> Result<BounceReport, BounceError> {
    let output = output::Output::begin(&request.out)?;
    let mut laps = Laps::new(request.clock);
    let isolated = Isolated::prepare(request, &output, progress)?;
    // What was done, not what was left open: a voice by itself gives the same song however it was asked for.
    let settings = Settings {
        isolate: match &isolated {
            Some(isolated) if isolated.source.is_some() => Isolate::On,
            _ => Isolate::Off,
        },
        fills_in: request.settings.fills_in && isolated.is_some(),
        ..request.settings.clone()
    };
    let Heard { input, beside, session } = match &isolated {
        Some(isolated) => isolated.hear(request, &settings, progress)?,
        None => hear_voice(&request.vocal, request.sidechain.as_deref(), &settings, request.pitch, progress)?,
    };
    laps.lap("analyse");
    let of_mix = isolated.as_ref().and_then(|isolated| isolated.source.clone());
    let source = of_mix.unwrap_or_else(|| source_of(&request.vocal, &input));
    let beside_path = request.sidechain.as_ref().or(request.backing.as_ref());
    let beside = beside_path.zip(beside).map(|(path, beside)| source_of(path, &beside));
    let song = song_beside(&session, &settings, request.pitch, source, beside)?;
    let song = sounding(song, &request.sounds, &engine::sounding_parts(&session.score));
    let rate =
        request.rate.unwrap_or(if input.rate.0 >= limits::MIN_OUTPUT_HZ { input.rate } else { Hz(48_000) });
    let title = request.vocal.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let sounding = match &isolated {
        Some(isolated) => isolated.sounding(),
        None => vec![request.vocal.as_path()],
    };
    let writing = Writing {
        output: &output,
        session: &session,
        song: &song,
        sounds: &request.sounds,
        title: &title,
        voice: Some(Voice { paths: sounding, frames: input.frames, rate: input.rate }),
        isolated: isolated.as_ref(),
        format: request.format,
        rate,
        tail_s: request.tail_s,
        loudness: request.loudness,
        seat: request.seat,
        block: request.block,
        extras: &request.extras,
    };
    let (files, report) = writing.write(&mut laps, progress)?;
    output.publish()?;
    Ok(BounceReport { out: request.out.clone(), files, report, session })
}

/// Writes a song into a folder as [`bounce`] does, without `mix`: there is no voice beside it.
pub fn export(
    session: &Session,
    song: &Song,
    sounds: &Sounds,
    out: &Path,
    rate: Hz,
    progress: &mut Progress<'_>,
) -> Result<Vec<String>, BounceError> {
    let output = output::Output::begin(out)?;
    let song = &sounding(song.clone(), sounds, &engine::sounding_parts(&session.score));
    let title = out.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let writing = Writing {
        output: &output,
        session,
        song,
        sounds,
        title: &title,
        voice: None,
        isolated: None,
        format: StemFormat::Wav,
        rate,
        tail_s: 3.0,
        loudness: None,
        seat: 0.0,
        block: engine::RENDER_BLOCK,
        extras: &[],
    };
    let (files, _) = writing.write(&mut Laps::new(None), progress)?;
    output.publish()?;
    Ok(files)
}

/// The recording that a song was made for.
struct Voice<'a> {
    /// Its files: with all that is played there.
    paths: Vec<&'a Path>,
    frames: u64,
    rate: Hz,
}

/// Everything that goes into a folder.
struct Writing<'a> {
    output: &'a output::Output,
    session: &'a Session,
    song: &'a Song,
    sounds: &'a Sounds,
    title: &'a str,
    voice: Option<Voice<'a>>,
    /// Where the voice was found, and the files of it that are there already.
    isolated: Option<&'a Isolated>,
    format: StemFormat,
    rate: Hz,
    tail_s: f64,
    loudness: Option<f64>,
    seat: f64,
    block: usize,
    extras: &'a [(String, PathBuf)],
}

impl Writing<'_> {
    fn write(
        &self,
        laps: &mut Laps<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(Vec<String>, serde_json::Value), BounceError> {
        let Self { output, session, song, rate, .. } = *self;
        let origin = Origin::new(song);
        let sounds = self.sounds.clone().toned(Tone::of(&song.settings));
        let score = &session.score;
        let events = session.performance(&song.settings, rate);
        let parts = engine::sounding_parts(score);

        let pad_frames = rate.sample_at(session.pad_s);
        let voice_frames = self.voice.as_ref().map_or(0, |voice| {
            (u128::from(voice.frames) * u128::from(rate.0)).div_ceil(u128::from(voice.rate.0)) as i64
        });
        let voice_end = SampleTime(pad_frames.0 + voice_frames);
        let band_end = rate.sample_at(score.tempo.seconds_at(score.end()) + self.tail_s);
        let frames = voice_end.max(band_end).0.max(1) as u64;

        let extension = match self.format {
            StemFormat::Wav => "wav",
            StemFormat::Flac => "flac",
        };
        let band = Band {
            folder: output,
            extension,
            format: self.format,
            rate,
            frames,
            events: &events,
            parts: &parts,
            seed: song.settings.seed,
            sounds: &sounds,
            block: self.block,
        };
        let mut tick = |done| keep_going(progress(Stage::Play, done));
        let (mut files, band_gain_db) =
            band.write(&origin, &mut tick).map_err(|error| output.place(error))?;
        laps.lap("play");

        let mut mix = None;
        if let Some(voice) = &self.voice {
            let mix_name = format!("mix.{extension}");
            let work = mix::Mix {
                sung: &voice.paths,
                band: &output.path(&format!("band.{extension}")),
                rate,
                pad_frames: pad_frames.0 as u64,
                frames,
                voice_dbfs: voice_level(session),
                loudness: self.loudness,
                seat: self.seat,
                comment: &origin.mix(),
            };
            let mut tick = |done| keep_going(progress(Stage::Mix, done));
            let made = work.write(&output.path(&mix_name), self.format, &mut tick);
            mix = Some(made.map_err(|error| output.place(error))?);
            files.insert(0, mix_name);
            laps.lap("mix");
        }

        keep_going(progress(Stage::Write, 0.0))?;
        let remarks = vec![
            format!("take {}", song.provenance.take_id),
            format!(
                "{}: parts generated by {}; voice {}",
                song.provenance.program, session.composer, song.provenance.vocal.sha256
            ),
        ];
        let mut write = |name: &str, bytes: &[u8]| {
            files.push(name.to_owned());
            output.write(name, bytes)
        };
        write("song.collavoce", &song.to_bytes()?)?;
        write("song.mid", &midi::write(score, &tracks::tracks(score, &events, &parts, rate), &remarks))?;
        write("song.musicxml", musicxml::write(score, self.title, &remarks.join("; ")).as_bytes())?;
        write("overview.png", &picture::overview(session, self.title, &remarks.join("; "))?)?;
        write("follow.csv", report::follow_csv(session, &song.provenance.take_id).as_bytes())?;
        files.extend(self.isolated.iter().flat_map(|isolated| isolated.files.clone()));
        for (name, path) in self.extras {
            output.copy(name, path)?;
            files.push(name.clone());
        }
        laps.lap("write");
        let mut hashes = BTreeMap::new();
        for name in &files {
            hashes.insert(name.clone(), hex(&file_sha256(output.path(name))?));
        }
        let facts = report::Facts {
            mix,
            isolation: self.isolated.and_then(|isolated| isolated.report.clone()),
            rate: rate.0,
            frames,
            loudness: self.loudness,
            seat: self.seat,
            band_gain_db,
            hashes,
            timings: laps.clock.map(|_| &laps.seconds),
        };
        let report = report::report(session, song, &facts);
        let mut text = serde_json::to_vec_pretty(&report)?;
        text.push(b'\n');
        files.push(output::REPORT.to_owned());
        output.write(output::REPORT, &text)?;
        keep_going(progress(Stage::Write, 1.0))?;
        Ok((files, report))
    }
}

/// The MIDI file of a session: the singer's tempo map, the sung melody, and what the band plays.
pub fn midi_file(session: &Session, settings: &Settings, rate: Hz, remarks: &[String]) -> Vec<u8> {
    let events = session.performance(settings, rate);
    let parts = crate::engine::sounding_parts(&session.score);
    midi::write(&session.score, &tracks::tracks(&session.score, &events, &parts, rate), remarks)
}

fn keep_going(flow: ControlFlow<()>) -> Result<(), BounceError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(BounceError::Cancelled),
    }
}

/// Seconds that the stages took.
struct Laps<'a> {
    clock: Option<&'a dyn Fn() -> f64>,
    last: f64,
    seconds: BTreeMap<&'static str, f64>,
}

impl<'a> Laps<'a> {
    fn new(clock: Option<&'a dyn Fn() -> f64>) -> Self {
        Self { clock, last: clock.map_or(0.0, |c| c()), seconds: BTreeMap::new() }
    }

    fn lap(&mut self, name: &'static str) {
        if let Some(clock) = self.clock {
            let now = clock();
            self.seconds.insert(name, analysis::round(now - self.last));
            self.last = now;
        }
    }
}

/// What audio files say of themselves: what is human in them, and what was generated by what.
struct Origin {
    take_id: String,
    composer: String,
    /// First digits of the voice's SHA-256.
    voice: String,
}

impl Origin {
    fn new(song: &Song) -> Self {
        let provenance = &song.provenance;
        Self {
            take_id: provenance.take_id.clone(),
            composer: provenance.composer.clone(),
            voice: provenance.vocal.sha256.chars().take(16).collect(),
        }
    }

    fn parts(&self, parts: &[Part]) -> String {
        let names: Vec<&str> = parts.iter().map(|part| part.name()).collect();
        let Self { take_id, composer, voice } = self;
        format!("take {take_id}; {} generated by {composer} for voice {voice}", names.join(", "))
    }

    fn mix(&self) -> String {
        let Self { take_id, composer, voice } = self;
        format!("take {take_id}; voice human ({voice}), band generated by {composer}")
    }
}

/// Mean power of the sung notes in dB relative to full scale.
fn voice_level(session: &Session) -> f64 {
    let (mut power, mut weight) = (0.0, 1e-9);
    for note in &session.take.notes {
        power += note.duration_s() * 10f64.powf(note.level_dbfs / 10.0);
        weight += note.duration_s();
    }
    10.0 * (power / weight).max(1e-12).log10()
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
