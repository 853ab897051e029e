//! Real voices over backings whose truth is known.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use collavoce::audio::{Reader, resample};
use collavoce::engine::{self, BandRenderer};
use collavoce::listen::{ListenConfig, Observation, PitchMethod, listen_to};
use collavoce::song::{Rng, Settings, Style};
use collavoce::time::Hz;

use super::render::{self, Players};

/// Rate of all material.
pub const RATE: Hz = Hz(44_100);
/// Rate of mono mixes, as in the field's small tests.
pub const MONO_HZ: Hz = Hz(16_000);
/// Seconds of a clip.
pub const CLIP_S: f64 = 12.0;
/// Clips of a singer.
const CLIPS: usize = 3;

/// Left and right.
pub type Sound = [Vec<f32>; 2];

/// Which material is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// That constants were chosen on.
    Tune,
    /// That nothing was chosen on.
    Report,
}

/// A clip of a singer, mono at [`RATE`].
#[derive(Debug, Clone)]
pub struct Voice {
    pub singer: String,
    pub samples: Vec<f32>,
}

/// A stretch of a band, at [`RATE`].
#[derive(Debug, Clone)]
pub struct Backing {
    pub name: String,
    pub sound: Sound,
}

/// A voice over a backing at 0 dB.
#[derive(Debug, Clone)]
pub struct Case {
    pub singer: String,
    pub rate: Hz,
    /// The same in both channels.
    pub voice: Vec<f32>,
    /// As it is heard in the mix.
    pub backing: Sound,
    /// As it is in the file that the backing came from: what a known backing is.
    pub known: Sound,
    /// The pitch of the voice by itself, at 100 frames a second.
    pub truth: Vec<Observation>,
}

impl Case {
    /// Voice and backing together.
    pub fn mix(&self) -> Sound {
        let of = |channel: &Vec<f32>| channel.iter().zip(&self.voice).map(|(a, b)| a + b).collect();
        [of(&self.backing[0]), of(&self.backing[1])]
    }
}

/// Files of voices by split.
pub fn voice_files(split: Split) -> &'static [&'static str] {
    match split {
        Split::Tune => &["csd/nino_Bajos_104.flac", "csd/nino_Soprano_105.flac"],
        Split::Report => &[
            "vocadito_1.wav",
            "vocadito_10.wav",
            "torchcrepe_test.wav",
            "csd/nino_Bajos_404.flac",
            "csd/nino_ContraAlt_107.flac",
            "csd/nino_Soprano_405.flac",
            "csd/nino_tenor1-06-2.flac",
        ],
    }
}

/// Scores of backings by split, with those who play.
fn score_files(split: Split) -> &'static [(&'static str, Players)] {
    use Players::{Band, Chords};
    match split {
        Split::Tune => &[
            ("band_renders/000_0.mid", Band),
            ("band_renders/001_0.mid", Chords),
            ("band_renders/010_1.mid", Band),
            ("band_renders/012_0.mid", Chords),
            ("freedoom/d_e1m1.mid", Band),
            ("freedoom/d_e1m4.mid", Band),
        ],
        Split::Report => &[
            ("band_renders/032_0.mid", Band),
            ("band_renders/031_0.mid", Chords),
            ("band_renders/040_1.mid", Band),
            ("band_renders/045_0.mid", Chords),
            ("band_renders/050_0.mid", Band),
            ("freedoom/d_map01.mid", Band),
            ("freedoom/d_map10.mid", Band),
        ],
    }
}

/// A file as stereo at [`RATE`].
pub fn read(path: &Path) -> anyhow::Result<Sound> {
    let mut reader = Reader::open(path)?;
    let (rate, channels) = (reader.rate(), reader.channels());
    let mut all = Vec::new();
    while let Some(block) = reader.next_block()? {
        all.extend_from_slice(block);
    }
    let all = resample(&all, channels, rate, RATE)?;
    let of = |channel: usize| all.chunks_exact(channels).map(|frame| frame[channel]).collect();
    Ok([of(0), of(channels - 1)])
}

/// The clips of every singer: loud enough ones, evenly spread.
pub fn voices(shared: &Path, split: Split) -> anyhow::Result<Vec<Voice>> {
    let folder = shared.join("data/audio");
    let mut voices = Vec::new();
    for file in voice_files(split) {
        let path = folder.join(file);
        let [samples, _] = read(&path).with_context(|| format!("{} is missing", path.display()))?;
        let length = ((CLIP_S * RATE.as_f64()) as usize).min(samples.len());
        let clips = (samples.len() / length).min(CLIPS);
        let step = (samples.len() - length) / clips.max(2).saturating_sub(1);
        for clip in 0..clips {
            let samples = samples[clip * step..clip * step + length].to_vec();
            voices.push(Voice { singer: stem(&path), samples });
        }
    }
    Ok(voices)
}

/// The backings: rendered scores, and for the report real stems and our own band.
pub fn backings(shared: &Path, split: Split, bank: &Path) -> anyhow::Result<Vec<Backing>> {
    let font = render::bank(bank)?;
    let scores = shared.join("data/scores");
    let mut backings = Vec::new();
    for (file, players) in score_files(split) {
        let path = scores.join(file);
        let sound = render::play(&font, &path, *players, 0.3, CLIP_S)?;
        let who = if *players == Players::Chords { ", chords" } else { "" };
        backings.push(Backing { name: format!("{}{who}", stem(&path)), sound });
    }
    if split == Split::Report {
        let folder = shared.join("data/audio/mdn_multitrack");
        let all = ["drums", "bassguitar", "leadguitar", "clav", "horns"];
        for (name, stems) in
            [("mdn band", &all[..]), ("mdn drums, bass", &all[..2]), ("mdn guitar", &all[2..3])]
        {
            let paths: Vec<PathBuf> = stems.iter().map(|stem| folder.join(format!("{stem}.mp3"))).collect();
            backings.push(Backing { name: name.to_owned(), sound: stems_of(&paths)? });
        }
        for style in [Style::Folk, Style::Pop] {
            backings.push(Backing { name: format!("our band, {style}"), sound: our_band(style)? });
        }
    }
    backings.retain(|backing| power(&backing.sound[0]) + power(&backing.sound[1]) > 1e-12);
    ensure!(!backings.is_empty(), "no backing sounds");
    Ok(backings)
}

/// Some seconds from the middle of stems together.
fn stems_of(paths: &[PathBuf]) -> anyhow::Result<Sound> {
    let length = (CLIP_S * RATE.as_f64()) as usize;
    let mut sum = [vec![0.0f32; length], vec![0.0f32; length]];
    for path in paths {
        let sound = read(path)?;
        for (sum, channel) in sum.iter_mut().zip(&sound) {
            let from = (40.0 * RATE.as_f64()) as usize;
            sum.iter_mut().zip(channel.iter().skip(from)).for_each(|(to, from)| *to += from);
        }
    }
    Ok(sum)
}

/// What our own band plays to the demonstration song.
fn our_band(style: Style) -> anyhow::Result<Sound> {
    let sung = collavoce::sing::demo().sing(Hz(collavoce::limits::LISTEN_HZ))?;
    let settings = Settings { style, ..Settings::default() };
    let session = engine::run(&sung.samples, &settings, PitchMethod::Nsdf, &mut |_| {})?;
    let events = session.performance(&settings, RATE);
    let parts = engine::sounding_parts(&session.score);
    let mut renderer = BandRenderer::new(&events, &parts, RATE, settings.seed, 1024);
    let (skip, length) = ((8.0 * RATE.as_f64()) as usize, (CLIP_S * RATE.as_f64()) as usize);
    let mut sound = [Vec::new(), Vec::new()];
    while sound[0].len() < skip + length {
        let from = sound[0].len();
        sound.iter_mut().for_each(|channel| channel.resize(from + 1024, 0.0));
        renderer.render(1024, &mut |_, left, right| {
            for (to, part) in sound.iter_mut().zip([left, right]) {
                to[from..].iter_mut().zip(part).for_each(|(to, from)| *to += from);
            }
        });
    }
    Ok(sound.map(|channel| channel[skip..skip + length].to_vec()))
}

/// Every voice over some of the backings, in stereo at [`RATE`] or in mono at [`MONO_HZ`].
///
/// In the mix the backing is 37 ms late, has an equaliser's tilt and a little of a room: it is what came out of speakers
/// or a mixer, not the file.
pub fn cases(
    voices: &[Voice],
    backings: &[Backing],
    each: usize,
    is_mono: bool,
) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (index, voice) in voices.iter().enumerate() {
        for turn in 0..each.min(backings.len()) {
            let backing = &backings[(index * 5 + turn * 3) % backings.len()];
            cases.push(case(voice, backing, is_mono)?);
        }
    }
    Ok(cases)
}

fn case(voice: &Voice, backing: &Backing, is_mono: bool) -> anyhow::Result<Case> {
    let length = voice.samples.len().min(backing.sound[0].len());
    let (mut known, mut samples) =
        (backing.sound.clone().map(|channel| channel[..length].to_vec()), voice.samples[..length].to_vec());
    let mut rate = RATE;
    if is_mono {
        rate = MONO_HZ;
        let mono: Vec<f32> = known[0].iter().zip(&known[1]).map(|(l, r)| 0.5 * (l + r)).collect();
        let mono = resample(&mono, 1, RATE, rate)?;
        known = [mono.clone(), mono];
        samples = resample(&samples, 1, RATE, rate)?;
    }
    let mut heard = known.clone().map(|channel| played_back(&channel, rate));
    let gain = (power(&samples) / (0.5 * (power(&heard[0]) + power(&heard[1]))).max(1e-20)).sqrt();
    for sample in heard.iter_mut().flatten() {
        *sample *= gain as f32;
    }
    let at_16k = resample(&samples, 1, rate, MONO_HZ)?;
    let truth = listen_to(&at_16k, ListenConfig::studio(PitchMethod::Nsdf));
    Ok(Case { singer: voice.singer.clone(), rate, voice: samples, backing: heard, known, truth })
}

/// A backing as speakers, a room and a microphone make it: later, duller, with some echoes.
fn played_back(samples: &[f32], rate: Hz) -> Vec<f32> {
    let mut random = Rng::keyed(&[0x726f_6f6d]);
    let mut taps = vec![(0.037, 0.8), (0.037 + 1.0 / rate.as_f64(), 0.25)];
    taps.extend((0..24).map(|_| {
        let later = 0.002 + 0.06 * random.unit();
        (0.037 + later, 0.12 * random.signed() * (-later * 30.0).exp())
    }));
    let mut out = vec![0.0; samples.len()];
    for (delay_s, gain) in taps {
        let delay = rate.sample_at(delay_s).0 as usize;
        for (out, sample) in out[delay..].iter_mut().zip(samples) {
            *out += gain as f32 * sample;
        }
    }
    out
}

/// Mean square.
pub fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
