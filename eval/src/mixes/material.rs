//! Voices, what a band plays to them, and both in one recording.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use collavoce::audio::{StemFormat, StemWriter, quantise};
use collavoce::engine::{self, BandRenderer, RENDER_BLOCK, Session};
use collavoce::instrument::{SoundBank, Sounds};
use collavoce::score::Part;
use collavoce::song::Settings;
use collavoce::time::{Bpm, Meter};

use crate::follow::case::{Case, Known, Room, Situation, perform};
use crate::separate::material::{RATE, Sound, Split, power, read, stem, voice_files};

/// Most seconds of a voice.
const MOST_S: f64 = 60.0;
/// Level of the loudest sample of a recording.
const PEAK: f32 = 0.9;
/// Recordings of one choir piece, each alone, and about how fast it is sung in all of them, in beats a minute.
const CHOIR: (&str, f64) = ("csd/", 82.0);
/// Songs that are made up to choose constants on: beats a minute, metre, seed.
const SONGS: [(f64, Meter, u64); 8] = [
    (72.0, Meter::FOUR_FOUR, 501),
    (84.0, Meter::FOUR_FOUR, 502),
    (96.0, Meter::THREE_FOUR, 503),
    (104.0, Meter::FOUR_FOUR, 504),
    (116.0, Meter::FOUR_FOUR, 505),
    (126.0, Meter::THREE_FOUR, 506),
    (138.0, Meter::FOUR_FOUR, 507),
    (156.0, Meter::FOUR_FOUR, 508),
];

/// Who sings, mono at [`RATE`].
#[derive(Debug, Clone)]
pub struct Voice {
    pub name: String,
    pub samples: Vec<f32>,
    /// Its tempo, where it is known: a backing at a wrong one would be no backing.
    pub bpm: Option<Bpm>,
}

/// Every recording of a split whole, and songs that are made up to choose constants on.
pub fn voices(shared: &Path, split: Split) -> anyhow::Result<Vec<Voice>> {
    let folder = shared.join("data/audio");
    let most = (MOST_S * RATE.as_f64()) as usize;
    let mut voices = Vec::new();
    for file in voice_files(split) {
        let path = folder.join(file);
        let [mut samples, _] = read(&path).with_context(|| format!("{} is missing", path.display()))?;
        samples.truncate(most);
        let bpm = file.starts_with(CHOIR.0).then_some(Bpm(CHOIR.1));
        voices.push(Voice { name: stem(&path), samples, bpm });
    }
    if split == Split::Tune {
        for (bpm, meter, seed) in SONGS {
            let case = Case {
                number: 0,
                situation: Situation::Steady,
                bpm,
                room: Room::Dry,
                meter,
                known: Known::Nothing,
                rises: false,
                seed,
            };
            let samples = perform(&case)?.vocal.sing(RATE)?.samples;
            voices.push(Voice { name: format!("song {seed}, {bpm:.0}"), samples, bpm: Some(Bpm(bpm)) });
        }
    }
    Ok(voices)
}

/// Who plays, and on what.
#[derive(Debug, Clone)]
pub struct Backing {
    pub name: &'static str,
    pub parts: &'static [Part],
    /// None plays our own instruments.
    bank: Option<Arc<SoundBank>>,
    /// Whether one microphone hears all of it; else it is in stereo, the voice in the middle.
    is_mono: bool,
}

/// A guitar in the same microphone and a band in stereo, each on our instruments and on those of a bank.
pub fn backings(bank: &Arc<SoundBank>) -> [Backing; 4] {
    let of = |name, parts, bank, is_mono| Backing { name, parts, bank, is_mono };
    let bank = || Some(bank.clone());
    [
        of("guitar", &[Part::Guitar], None, true),
        of("guitar, bank", &[Part::Guitar], bank(), true),
        of("band", &Part::ALL, None, false),
        of("band, bank", &Part::ALL, bank(), false),
    ]
}

impl Backing {
    /// What is played to a take, as long as a recording.
    fn play(&self, session: &Session, settings: &Settings, frames: usize) -> anyhow::Result<Sound> {
        let mut sounds = Sounds::default();
        if let Some(bank) = &self.bank {
            for part in self.parts {
                sounds.sample(*part, bank).with_context(|| format!("the bank has no {}", part.name()))?;
            }
        }
        let events = session.performance(settings, RATE);
        let mut parts = engine::sounding_parts(&session.score);
        parts.retain(|part| self.parts.contains(part));
        let mut renderer =
            BandRenderer::with_sounds(&events, &parts, RATE, settings.seed, RENDER_BLOCK, &sounds);
        let mut sound = [vec![0.0f32; frames], vec![0.0f32; frames]];
        let mut at = 0;
        while at < frames {
            let to = frames.min(at + RENDER_BLOCK);
            renderer.render(to - at, &mut |_, left, right| {
                for (channel, part) in sound.iter_mut().zip([left, right]) {
                    channel[at..to].iter_mut().zip(part).for_each(|(sum, sample)| *sum += sample);
                }
            });
            at = to;
        }
        if self.is_mono {
            let mono: Vec<f32> = sound[0].iter().zip(&sound[1]).map(|(l, r)| 0.5 * (l + r)).collect();
            sound = [mono.clone(), mono];
        }
        Ok(sound)
    }

    /// A voice and what is played to its take, with as much power in the backing as in the voice; `gain_db` raises the
    /// voice above it. The recording begins where the session does.
    pub fn mixed(
        &self,
        voice: &Voice,
        session: &Session,
        settings: &Settings,
        gain_db: f64,
    ) -> anyhow::Result<Sound> {
        let before = RATE.sample_at(session.pad_s).0 as usize;
        let mut mix = self.play(session, settings, before + voice.samples.len())?;
        let backing = 0.5 * (power(&mix[0][before..]) + power(&mix[1][before..]));
        let level = 10f64.powf(-gain_db / 20.0) * (power(&voice.samples) / backing.max(1e-20)).sqrt();
        for channel in &mut mix {
            channel.iter_mut().for_each(|sample| *sample *= level as f32);
            channel[before..].iter_mut().zip(&voice.samples).for_each(|(sum, sample)| *sum += sample);
        }
        let highest = mix.iter().flatten().fold(0.0f32, |most, sample| most.max(sample.abs()));
        if highest > PEAK {
            mix.iter_mut().flatten().for_each(|sample| *sample *= PEAK / highest);
        }
        Ok(mix)
    }
}

/// A folder that goes when it is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("collavoce-mixes-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays: nothing is lost by it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writes a recording.
pub fn write(path: &Path, sound: [&[f32]; 2]) -> anyhow::Result<()> {
    let mut writer = StemWriter::create(path, StemFormat::Wav, RATE, sound[0].len() as u64, "")?;
    let [left, right] = sound.map(|channel| channel.iter().map(|x| quantise(*x)).collect::<Vec<_>>());
    writer.write(&left, &right)?;
    writer.finish()?;
    Ok(())
}
