//! Voices and what they are mixed with, made up for the mask network: `cargo xtask data voices`. See `docs/voices.md`.
//!
//! A pair is a singer drawn at random and a backing of equal length: a stretch of an open score whose melody is sung and
//! whose other parts are played, or a score without a melody beside which something else is sung. They are stored apart;
//! the training mixes them.

mod backing;
pub mod command;
mod melody;
mod phones;
mod shard;
mod singer;
mod synthetic;
#[cfg(test)]
mod tests;
mod throat;
mod timeline;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::ensure;
use collavoce::song::Rng;
use rustysynth_ext::SoundFont;

pub use backing::Ensemble;
pub use shard::{Stored, read};

use crate::corpus::Song;
use crate::draw::between;
use crate::songs::Split;
use melody::Tone;
use singer::{Delivery, MOMENTS_PER_S, Singer};
use timeline::Excerpt;

/// Sample rate of all that is made, in Hz.
pub const RATE: u32 = 24_000;
/// Points of the truth a second.
pub const TRUTH_PER_S: u32 = 100;
/// RMS of the louder half of a voice, and of a backing.
const LOUD_RMS: f32 = 0.08;
/// Largest sample.
const PEAK: f32 = 0.98;
/// Gain of a voice, in dB beside a plain note, from which on it counts as sung.
const SUNG_DB: f32 = -30.0;
/// How often the singer is one of `collavoce::sing`.
const OTHER_SYNTHESISER: f64 = 0.15;

/// Sets of the corpus with melodies, and without, and how often each is drawn.
const SUNG: [(&str, f64); 4] =
    [("lieder", 3.0), ("openewld", 2.0), ("nottingham", 1.5), ("band_renders", 1.5)];
const PLAYED: [(&str, f64); 3] = [("quartets", 1.5), ("freedoom", 2.0), ("jsb", 1.0)];
/// How often a voice sings the melody of the score that is played.
const TOGETHER: f64 = 0.62;

/// What is true of a voice at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// F0 in Hz; 0 where there is no voice.
    pub hz: f32,
    /// Whether a vowel begins before the next point.
    pub onset: bool,
}

/// A voice and a backing.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The voice, one channel.
    pub voice: Vec<f32>,
    /// What is true of it, [`TRUTH_PER_S`] points a second.
    pub truth: Vec<Point>,
    /// The backing, both channels interleaved.
    pub backing: Vec<f32>,
    /// Who sings and plays what, in a line.
    pub about: String,
}

/// What pairs are made of.
pub struct Library {
    sung: Vec<(&'static str, f64, Vec<Song>)>,
    played: Vec<(&'static str, f64, Vec<Song>)>,
    beats: Vec<Song>,
    fonts: Vec<(String, Arc<SoundFont>)>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").finish_non_exhaustive()
    }
}

impl Library {
    /// Songs of one side of a corpus, and SoundFonts.
    ///
    /// # Errors
    /// A file is missing or damaged, or a kind of songs is missing on that side.
    pub fn read(corpus: &std::path::Path, side: Split, fonts: &[PathBuf]) -> anyhow::Result<Self> {
        ensure!(!fonts.is_empty(), "no SoundFont is named; name at least one with --font FILE");
        let mut songs = shard::songs(corpus, side)?;
        let mut of = |set: &str, keep: fn(&Song) -> bool| {
            let mut all = songs.remove(set).unwrap_or_default();
            all.retain(keep);
            all
        };
        let sung = SUNG.map(|(set, weight)| (set, weight, of(set, melody::has_melody)));
        let played = PLAYED.map(|(set, weight)| (set, weight, of(set, |song| song.note_count() > 60)));
        let beats = of("gmd", |song| song.bar_count() >= 4 && song.note_count() > 40);
        for (set, _, songs) in sung.iter().chain(&played) {
            ensure!(!songs.is_empty(), "the corpus holds no songs of {set} on that side");
        }
        let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let fonts = fonts.iter().map(|path| Ok((name(path), backing::font(path)?)));
        Ok(Self {
            sung: sung.into(),
            played: played.into(),
            beats,
            fonts: fonts.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The pair of a seed and a number, some seconds long; with an ensemble of its own unless one is asked for.
    ///
    /// # Errors
    /// An instrument cannot be played.
    pub fn pair(
        &self,
        seed: u64,
        number: u64,
        seconds: f32,
        ensemble: Option<Ensemble>,
    ) -> anyhow::Result<Pair> {
        let rng = &mut Rng::keyed(&[seed, 0x0007_01ce, number]);
        let singer = Singer::draw(rng);
        let together = singer.delivery == Delivery::Sung && rng.chance(TOGETHER);
        let sets = if together || rng.chance(0.3) { &self.sung } else { &self.played };
        let weights: Vec<f64> = sets.iter().map(|(_, weight, _)| *weight).collect();
        let (set, _, songs) = &sets[rng.weighted(&weights)];
        let song = &songs[rng.below(songs.len())];
        let excerpt = Excerpt::draw(rng, song, seconds);
        let (mut tones, mut moved) = if together {
            melody::of_song(rng, &singer, song, &excerpt)
        } else {
            (Vec::new(), rng.below(12) as i32 - 6)
        };
        // Some stretches have no melody.
        if tones.len() < 6 {
            tones = melody::made_up(rng, &singer, seconds);
            moved = rng.below(12) as i32 - 6;
        }
        let ensemble = ensemble.unwrap_or_else(|| {
            let kinds = [Ensemble::Guitar, Ensemble::Keys, Ensemble::Duo, Ensemble::Band, Ensemble::Own];
            let own = if matches!(*set, "quartets" | "freedoom" | "band_renders") { 0.5 } else { 0.05 };
            kinds[rng.weighted(&[0.28, 0.25, 0.15, 0.24, own])]
        });
        let (font_name, font) = &self.fonts[rng.below(self.fonts.len())];
        let mut backing = backing::play(rng, song, &excerpt, moved, ensemble, &self.beats, font)?;
        let (mut voice, truth, who) = sing(rng, &singer, &tones, seconds)?;
        let frames = (seconds * RATE as f32) as usize;
        voice.resize(frames, 0.0);
        backing.resize(2 * frames, 0.0);
        level(&mut voice, 1);
        level(&mut backing, 2);
        let about = format!(
            "{who}, {:?}, lowest {:.0}; {set}: {}, {}, {font_name}, moved by {moved}{}",
            singer.delivery,
            singer.lowest,
            song.name,
            ensemble.name(),
            if together { ", together" } else { "" }
        );
        Ok(Pair { voice, truth, backing, about })
    }
}

type Sung = (Vec<f32>, Vec<Point>, &'static str);

fn sing(rng: &mut Rng, singer: &Singer, tones: &[Tone], seconds: f32) -> anyhow::Result<Sung> {
    if singer.delivery == Delivery::Sung && rng.chance(OTHER_SYNTHESISER) {
        let (voice, truth) = synthetic::sing(rng, singer, tones, seconds)?;
        return Ok((voice, truth, "Klatt"));
    }
    let moments = singer::plan(rng, singer, tones, seconds);
    let voice = throat::render(rng, singer, &moments);
    let each = (MOMENTS_PER_S / TRUTH_PER_S as f32) as usize;
    let sung = 10f32.powf(SUNG_DB / 20.0);
    let truth = moments.chunks(each).map(|part| Point {
        hz: if part[0].voice >= sung { 440.0 * ((part[0].cents / 100.0 - 69.0) / 12.0).exp2() } else { 0.0 },
        onset: part.iter().any(|moment| moment.onset),
    });
    Ok((voice, truth.collect(), "throat"))
}

/// Brings what is loud of a sound to a level; silence stays what it is.
fn level(samples: &mut [f32], channels: usize) {
    let part = RATE as usize / 10 * channels;
    let power = |part: &[f32]| part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32;
    let mut powers: Vec<f32> = samples.chunks(part).map(power).collect();
    powers.sort_by(f32::total_cmp);
    let loud = &powers[powers.len() / 2..];
    let rms = (loud.iter().sum::<f32>() / loud.len().max(1) as f32).sqrt();
    let peak = samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    if rms > 1e-6 {
        let gain = (LOUD_RMS / rms).min(PEAK / peak);
        samples.iter_mut().for_each(|x| *x *= gain);
    }
}

/// Some seconds between two numbers.
fn seconds_between(rng: &mut Rng, low: f32, high: f32) -> f64 {
    f64::from(between(rng, low, high))
}
