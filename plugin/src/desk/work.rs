//! What the desk does with songs. All of it takes its time.

use std::ops::ControlFlow;
use std::path::Path;

use collavoce::bounce::{self, Stage};
use collavoce::engine::{self, Session};
use collavoce::instrument::Sounds;
use collavoce::limits::{LISTEN_HZ, MAX_CHART_BYTES, MAX_SONG_BYTES};
use collavoce::listen::PitchMethod;
use collavoce::song::{Chart, Settings, Song, VocalSource};
use collavoce::time::Hz;

use super::capture::CapturedTake;

/// A song and all that is known of it.
#[derive(Debug)]
pub struct Material {
    /// What was heard and written.
    pub session: Session,
    /// The same as it is kept.
    pub song: Song,
    /// Where the recording begins on the host's time line, in seconds.
    pub origin_s: f64,
}

impl Material {
    /// A song that comes back from a file.
    pub fn restored(song: Song, origin_s: f64) -> Self {
        Self { session: engine::restored(&song), song, origin_s }
    }

    fn made(
        session: Session,
        settings: &Settings,
        vocal: VocalSource,
        origin_s: f64,
    ) -> Result<Self, String> {
        let song =
            bounce::song_of(&session, settings, PitchMethod::Nsdf, vocal).map_err(|e| e.to_string())?;
        Ok(Self { session, song, origin_s })
    }
}

/// Makes a song of a captured take. Bars of an earlier song that lie outside of what is new stay as they are.
pub fn analyse(
    take: &CapturedTake,
    asked: &Settings,
    earlier: Option<&Material>,
    progress: &mut dyn FnMut(f64),
) -> Result<Material, String> {
    let earlier = earlier.filter(|e| (e.origin_s - take.origin_s).abs() < 1e-6);
    let (samples, pitch) = (&take.samples, PitchMethod::Nsdf);
    let session = match earlier {
        Some(earlier) => engine::run_again(samples, asked, pitch, &earlier.session, take.fresh_s, progress),
        None => engine::run(samples, asked, pitch, progress),
    };
    let session = session.map_err(|error| format!("The take becomes no song: {error}"))?;
    let bytes: Vec<u8> = take.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let vocal = VocalSource {
        file: "captured".to_owned(),
        sha256: sha256(&bytes),
        sample_rate: LISTEN_HZ,
        channels: 1,
        duration_s: take.samples.len() as f64 / f64::from(LISTEN_HZ),
    };
    Material::made(session, asked, vocal, take.origin_s)
}

/// Writes a song anew under other settings.
pub fn rewrite(material: &Material, asked: &Settings) -> Result<Material, String> {
    let (heard, strokes) = (&material.session.take.observations, &material.session.take.strokes);
    let session = if heard.is_empty() {
        engine::recompose(&material.song, asked)
    } else {
        let mix = material.session.take.mix.clone();
        engine::follow_and_compose(heard, strokes, mix, material.session.latency_s, asked)
    };
    let session = session.map_err(|error| format!("The song cannot be written anew: {error}"))?;
    Material::made(session, asked, material.song.provenance.vocal.clone(), material.origin_s)
}

/// What a file that is loaded holds.
#[derive(Debug)]
pub enum Loadable {
    /// A song, saved or just made of a recording.
    Song(Box<Material>),
    /// A chord chart and its text.
    Chart(Box<Chart>, String),
}

/// Loads a saved song, a chord chart, or a recording.
pub fn load(path: &Path, asked: &Settings, progress: &mut dyn FnMut(f64)) -> Result<Loadable, String> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let read = |most: u64| -> Result<Vec<u8>, String> {
        let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
        let length = std::fs::metadata(path).map_err(cannot)?.len();
        if length > most {
            return Err(format!("{} has {length} bytes; at most {most} are read", path.display()));
        }
        std::fs::read(path).map_err(cannot)
    };
    match extension.as_str() {
        "collavoce" => {
            let song = Song::from_bytes(&read(MAX_SONG_BYTES)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(Loadable::Song(Box::new(Material::restored(song, 0.0))))
        }
        "txt" | "chords" => {
            let text = String::from_utf8_lossy(&read(MAX_CHART_BYTES)?).into_owned();
            let chart = Chart::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(Loadable::Chart(Box::new(chart), text))
        }
        _ => {
            let (input, session) = bounce::analyse(path, asked, PitchMethod::Nsdf, &mut |stage, done| {
                progress(if stage == Stage::Read { 0.2 * done } else { 0.2 + 0.8 * done });
                ControlFlow::Continue(())
            })
            .map_err(|error| error.to_string())?;
            let vocal = VocalSource {
                file: path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
                sha256: bounce::hex(&input.sha256),
                sample_rate: input.rate.0,
                channels: input.channels as u32,
                duration_s: input.duration_s,
            };
            Ok(Loadable::Song(Box::new(Material::made(session, asked, vocal, 0.0)?)))
        }
    }
}

/// Writes a song into a folder and says how many files it was.
pub fn export(
    material: &Material,
    sounds: &Sounds,
    folder: &Path,
    rate: Hz,
    progress: &mut dyn FnMut(f64),
) -> Result<usize, String> {
    let files =
        bounce::export(&material.session, &material.song, sounds, folder, rate, &mut |stage, done| {
            progress(if stage == Stage::Play { 0.8 * done } else { 0.8 + 0.2 * done });
            ControlFlow::Continue(())
        });
    files.map(|files| files.len()).map_err(|error| error.to_string())
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    bounce::hex(&sha2::Sha256::digest(bytes))
}
