//! The mix: voice and band at one balance, the band seated under the voice, both glued together, brought to a loudness,
//! kept below a true peak. The stems and `band` know nothing of it.

use std::path::Path;

use super::{BounceError, Tick};
use crate::audio::{
    AudioFileError, Reader, Resampler, StemFormat, StemReader, StemWriter, StereoBlock, quantise,
};
use crate::instrument::{Glue, Limiter, Seat};
use crate::time::Hz;

/// Level that the voice is brought to before the mix, in dB relative to full scale (RMS while it sings): some 3 dB
/// over a band that plays at its usual level.
const VOICE_DBFS: f64 = -18.0;
/// Most that the voice is raised, in dB: noise comes up with it.
const MOST_GAIN_DB: f64 = 30.0;
/// Frames mixed at once.
const BLOCK: usize = 4096;
/// Loudness below which nothing is normalised, in LUFS.
const SILENT_LUFS: f64 = -70.0;

/// Takes a block of the sum: left, right, share done.
type SumSink<'a> = dyn FnMut(&mut [f32], &mut [f32], f64) -> Result<(), BounceError> + 'a;

/// How a mix was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixReport {
    /// Gain of the voice in dB.
    pub voice_gain_db: f64,
    /// Gain of voice and band together in dB.
    pub gain_db: f64,
    /// Integrated loudness before that gain, in LUFS.
    pub measured_lufs: f64,
}

/// What is mixed.
pub(super) struct Mix<'a> {
    /// Files of the singer, and of what else was played there.
    pub sung: &'a [&'a Path],
    pub band: &'a Path,
    pub rate: Hz,
    pub pad_frames: u64,
    pub frames: u64,
    pub voice_dbfs: f64,
    pub loudness: Option<f64>,
    /// How much room the band makes for the voice, 0 to 1.
    pub seat: f64,
    /// What the file says of itself.
    pub comment: &'a str,
}

impl Mix<'_> {
    /// Writes the mix.
    pub fn write(
        &self,
        to: &Path,
        format: StemFormat,
        tick: &mut Tick<'_>,
    ) -> Result<MixReport, BounceError> {
        let voice_gain_db = (VOICE_DBFS - self.voice_dbfs).clamp(-MOST_GAIN_DB, MOST_GAIN_DB);
        let voice_gain = amplitude(voice_gain_db);
        let measured_lufs = match self.loudness {
            None => f64::NEG_INFINITY,
            Some(_) => self.measure(voice_gain, tick)?,
        };
        let gain_db = match self.loudness {
            Some(target) if measured_lufs > SILENT_LUFS => target - measured_lufs,
            _ => 0.0,
        };
        let gain = amplitude(gain_db);
        let mut writer = StemWriter::create(to, format, self.rate, self.frames, self.comment)?;
        let mut limiter = Limiter::new(self.rate);
        // The limiter looks ahead: its first samples are the silence before the beginning.
        let delay = limiter.latency().0 as usize;
        let mut skip = delay;
        let (mut out_left, mut out_right) = (Vec::new(), Vec::new());
        let mut put = |left: &mut [f32], right: &mut [f32]| -> Result<(), BounceError> {
            for sample in left.iter_mut().chain(right.iter_mut()) {
                *sample *= gain;
            }
            limiter.process(&mut StereoBlock { left: &mut *left, right: &mut *right });
            let from = skip.min(left.len());
            skip -= from;
            out_left.clear();
            out_right.clear();
            out_left.extend(left[from..].iter().map(|s| quantise(*s)));
            out_right.extend(right[from..].iter().map(|s| quantise(*s)));
            Ok(writer.write(&out_left, &out_right)?)
        };
        self.sum(voice_gain, &mut |left, right, done| {
            tick(0.5 + 0.5 * done)?;
            put(left, right)
        })?;
        put(&mut vec![0.0; delay], &mut vec![0.0; delay])?;
        writer.finish()?;
        Ok(MixReport { voice_gain_db, gain_db, measured_lufs })
    }

    fn measure(&self, voice_gain: f32, tick: &mut Tick<'_>) -> Result<f64, BounceError> {
        let mut meter = ebur128::EbuR128::new(2, self.rate.0, ebur128::Mode::I)?;
        self.sum(voice_gain, &mut |left, right, done| {
            tick(0.5 * done)?;
            Ok(meter.add_frames_planar_f32(&[left, right])?)
        })?;
        Ok(meter.loudness_global()?)
    }

    /// Runs over voice and seated band, glued together, block by block.
    fn sum(&self, voice_gain: f32, sink: &mut SumSink<'_>) -> Result<(), BounceError> {
        let open = |path: &&Path| Voice::open(path, self.rate, self.pad_frames);
        let mut voices = self.sung.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let mut band = Band::open(self.band)?;
        let (mut seat, mut glue) = (Seat::new(self.seat as f32, self.rate), Glue::new(self.rate));
        let mut done = 0u64;
        let (mut left, mut right) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
        let (mut sung_left, mut sung_right) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
        while done < self.frames {
            let len = (self.frames - done).min(BLOCK as u64) as usize;
            band.read(&mut left[..len], &mut right[..len])?;
            sung_left[..len].fill(0.0);
            sung_right[..len].fill(0.0);
            for voice in &mut voices {
                voice.add(&mut sung_left[..len], &mut sung_right[..len], voice_gain)?;
            }
            let sung = StereoBlock { left: &mut sung_left[..len], right: &mut sung_right[..len] };
            let mut sum = StereoBlock { left: &mut left[..len], right: &mut right[..len] };
            seat.process(&sung, &mut sum);
            for (to, from) in
                sum.left.iter_mut().zip(&*sung.left).chain(sum.right.iter_mut().zip(&*sung.right))
            {
                *to += from;
            }
            glue.process(&mut sum);
            done += len as u64;
            sink(&mut left[..len], &mut right[..len], done as f64 / self.frames as f64)?;
        }
        Ok(())
    }
}

/// The vocal file at the output's rate, after some silence.
struct Voice {
    reader: Reader,
    resampler: Resampler,
    channels: usize,
    silence: u64,
    /// Interleaved samples that wait.
    waiting: Vec<f32>,
    read: usize,
    ended: bool,
}

impl Voice {
    fn open(path: &Path, rate: Hz, silence: u64) -> Result<Self, BounceError> {
        let reader = Reader::open(path)?;
        let channels = reader.channels();
        let resampler = Resampler::new(reader.rate(), rate, channels)
            .map_err(|_| AudioFileError::Rate { path: path.to_owned(), rate_hz: reader.rate().0 })?;
        Ok(Self { reader, resampler, channels, silence, waiting: Vec::new(), read: 0, ended: false })
    }

    /// Adds the next samples to a block.
    fn add(&mut self, left: &mut [f32], right: &mut [f32], gain: f32) -> Result<(), BounceError> {
        let skipped = self.silence.min(left.len() as u64) as usize;
        self.silence -= skipped as u64;
        for index in skipped..left.len() {
            while self.read + self.channels > self.waiting.len() && !self.ended {
                self.waiting.drain(..self.read);
                self.read = 0;
                match self.reader.next_block()? {
                    Some(block) => self.resampler.push(block, &mut self.waiting),
                    None => {
                        self.resampler.finish(&mut self.waiting);
                        self.ended = true;
                    }
                }
            }
            let Some(frame) = self.waiting.get(self.read..self.read + self.channels) else { return Ok(()) };
            left[index] += gain * frame[0];
            right[index] += gain * frame[self.channels - 1];
            self.read += self.channels;
        }
        Ok(())
    }
}

/// The band's stem as samples.
struct Band {
    reader: StemReader,
    left: Vec<i32>,
    right: Vec<i32>,
    read: usize,
}

impl Band {
    fn open(path: &Path) -> Result<Self, BounceError> {
        Ok(Self { reader: StemReader::open(path)?, left: Vec::new(), right: Vec::new(), read: 0 })
    }

    fn read(&mut self, left: &mut [f32], right: &mut [f32]) -> Result<(), BounceError> {
        const SCALE: f32 = 1.0 / crate::audio::FULL_SCALE as f32;
        for index in 0..left.len() {
            if self.read >= self.left.len() {
                self.left.clear();
                self.right.clear();
                self.read = 0;
                if let Some((l, r)) = self.reader.next_block()? {
                    self.left.extend_from_slice(l);
                    self.right.extend_from_slice(r);
                }
            }
            (left[index], right[index]) = match (self.left.get(self.read), self.right.get(self.read)) {
                (Some(l), Some(r)) => (*l as f32 * SCALE, *r as f32 * SCALE),
                _ => (0.0, 0.0),
            };
            self.read += 1;
        }
        Ok(())
    }
}

fn amplitude(db: f64) -> f32 {
    10f64.powf(db / 20.0) as f32
}
