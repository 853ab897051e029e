//! The stems and their sum.
//!
//! `band` is the sum of the stems as whole numbers. Where its true peak would lie over the ceiling, everything is written
//! once more with one gain for all: the balance stays, and so does the sum.

use super::output::Output;
use super::{BounceError, Origin, Tick};
use crate::audio::{StemFormat, StemWriter, quantise};
use crate::engine::BandRenderer;
use crate::instrument::{CEILING_DBTP, Sounds};
use crate::limits::MAX_BLOCK;
use crate::perform::NoteEvent;
use crate::score::Part;
use crate::song::Seed;
use crate::time::Hz;

/// How far under the ceiling a gain brings the true peak, in dB: what rounding may add.
const MARGIN_DB: f64 = 0.01;

/// What is played, by whom, and where it is written.
pub(super) struct Band<'a> {
    pub folder: &'a Output,
    pub extension: &'static str,
    pub format: StemFormat,
    pub rate: Hz,
    pub frames: u64,
    pub events: &'a [NoteEvent],
    pub parts: &'a [Part],
    pub seed: Seed,
    pub sounds: &'a Sounds,
    pub block: usize,
}

impl Band<'_> {
    /// Writes the files; returns their names, and the gain of all of them in dB.
    pub fn write(&self, origin: &Origin, tick: &mut Tick<'_>) -> Result<(Vec<String>, f64), BounceError> {
        let (files, peak) = self.play(1.0, origin, tick)?;
        let gain_db = f64::from(CEILING_DBTP) - 20.0 * peak.max(1e-9).log10();
        if gain_db >= 0.0 {
            return Ok((files, 0.0));
        }
        let gain_db = gain_db - MARGIN_DB;
        let (files, _) = self.play(10f64.powf(gain_db / 20.0) as f32, origin, tick)?;
        Ok((files, gain_db))
    }

    /// Writes the files with a gain; returns their names, and the true peak of the sum.
    fn play(
        &self,
        gain: f32,
        origin: &Origin,
        tick: &mut Tick<'_>,
    ) -> Result<(Vec<String>, f64), BounceError> {
        let (mut files, mut stems) = (Vec::new(), Vec::new());
        let mut sum = Sum::new(self.writer("band", self.parts, origin, &mut files)?, self.rate)?;
        for part in self.parts {
            stems.push(self.writer(part.name(), &[*part], origin, &mut files)?);
        }
        let Self { events, parts, rate, seed, block, sounds, .. } = *self;
        let mut renderer = BandRenderer::with_sounds(events, parts, rate, seed, block, sounds);
        let mut done = 0u64;
        let (mut left, mut right) = (Vec::new(), Vec::new());
        while done < self.frames {
            let wanted = (self.frames - done).min(MAX_BLOCK as u64) as usize;
            let mut failed = None;
            let rendered = renderer.render(wanted, &mut |part, l, r| {
                left.clear();
                right.clear();
                left.extend(l.iter().map(|sample| quantise(gain * sample)));
                right.extend(r.iter().map(|sample| quantise(gain * sample)));
                sum.add(&left, &right);
                if let Some(index) = parts.iter().position(|p| *p == part)
                    && let Err(error) = stems[index].write(&left, &right)
                {
                    failed.get_or_insert(error);
                }
            });
            if let Some(error) = failed {
                return Err(error.into());
            }
            sum.write(rendered)?;
            done += rendered as u64;
            tick(done as f64 / self.frames as f64)?;
        }
        for stem in stems {
            stem.finish()?;
        }
        Ok((files, sum.finish()?))
    }

    fn writer(
        &self,
        name: &str,
        parts: &[Part],
        origin: &Origin,
        files: &mut Vec<String>,
    ) -> Result<StemWriter, BounceError> {
        let name = format!("{name}.{}", self.extension);
        let path = self.folder.path(&name);
        files.push(name);
        Ok(StemWriter::create(path, self.format, self.rate, self.frames, &origin.parts(parts))?)
    }
}

/// The sum of the stems on its way to its file.
struct Sum {
    writer: StemWriter,
    meter: ebur128::EbuR128,
    left: Vec<i32>,
    right: Vec<i32>,
}

impl Sum {
    fn new(writer: StemWriter, rate: Hz) -> Result<Self, BounceError> {
        let meter = ebur128::EbuR128::new(2, rate.0, ebur128::Mode::TRUE_PEAK)?;
        Ok(Self { writer, meter, left: Vec::new(), right: Vec::new() })
    }

    fn add(&mut self, left: &[i32], right: &[i32]) {
        for (sum, stem) in [(&mut self.left, left), (&mut self.right, right)] {
            sum.resize(sum.len().max(stem.len()), 0);
            sum.iter_mut().zip(stem).for_each(|(sum, sample)| *sum += sample);
        }
    }

    /// Writes what was added, or silence, as so many samples.
    fn write(&mut self, len: usize) -> Result<(), BounceError> {
        // Without a part nothing was added.
        self.left.resize(len, 0);
        self.right.resize(len, 0);
        // The ceilings of the stems leave room for their sum.
        self.writer.write(&self.left, &self.right)?;
        // The meter takes whole numbers of 32 bits.
        for sample in self.left.iter_mut().chain(&mut self.right) {
            *sample <<= 8;
        }
        self.meter.add_frames_planar_i32(&[&self.left, &self.right])?;
        self.left.clear();
        self.right.clear();
        Ok(())
    }

    /// The true peak of the whole.
    fn finish(self) -> Result<f64, BounceError> {
        self.writer.finish()?;
        Ok(self.meter.true_peak(0)?.max(self.meter.true_peak(1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{FULL_SCALE, StemReader};
    use crate::instrument::Tone;
    use crate::perform::{EventKind, NoteId};
    use crate::score::{Articulation, MidiNote, Velocity};
    use crate::time::SampleTime;

    /// Everybody as loud as can be, twice a second.
    fn loudest(rate: Hz) -> Vec<NoteEvent> {
        let mut events = Vec::new();
        for beat in 0..8 {
            for (part, pitches) in [
                (Part::Guitar, &[40u8, 45, 50, 55, 59, 64][..]),
                (Part::Drums, &[36, 38, 45, 49, 57]),
                (Part::Strings, &[45, 52, 57, 60, 64, 69]),
                (Part::Bass, &[28]),
            ] {
                for pitch in pitches {
                    let kind = EventKind::NoteOn {
                        id: NoteId(events.len() as u32),
                        pitch: MidiNote(*pitch),
                        velocity: Velocity::clamped(127.0),
                        articulation: Articulation::Normal,
                    };
                    events.push(NoteEvent { at: SampleTime(beat * i64::from(rate.0) / 2), part, kind });
                }
            }
        }
        events
    }

    #[test]
    fn one_gain_for_all_keeps_the_sum_under_the_ceiling() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = Output::begin(&folder.path().join("out")).expect("an output");
        let rate = Hz(48_000);
        let origin = Origin { take_id: String::new(), composer: String::new(), voice: String::new() };
        let mut tone = Tone::default();
        for place in
            [&mut tone.guitar.place, &mut tone.drums.place, &mut tone.strings.place, &mut tone.bass.place]
        {
            place.gain_db += 12.0;
        }
        let band = Band {
            folder: &output,
            extension: "wav",
            format: StemFormat::Wav,
            rate,
            frames: 4 * u64::from(rate.0),
            events: &loudest(rate),
            parts: &Part::ALL,
            seed: Seed(1),
            sounds: &Sounds::default().toned(tone),
            block: 1024,
        };
        let (_, before) = band.play(1.0, &origin, &mut |_| Ok(())).expect("files");
        let (files, gain_db) = band.write(&origin, &mut |_| Ok(())).expect("files");
        let before_db = 20.0 * before.log10();
        assert!(before_db > -1.0, "this is not loud enough to try anything: {before_db:.2} dBTP");
        assert!((gain_db + before_db + 1.0).abs() < 0.02, "{gain_db} dB for {before_db} dBTP");

        let mut sums = vec![[0i64; 2]; band.frames as usize];
        for (index, file) in files.iter().enumerate() {
            let mut reader = StemReader::open(output.path(file)).expect("a stem");
            let mut at = 0;
            while let Some((left, right)) = reader.next_block().expect("a block") {
                for (l, r) in left.iter().zip(right) {
                    let sign = if index == 0 { 1 } else { -1 };
                    sums[at][0] += sign * i64::from(*l);
                    sums[at][1] += sign * i64::from(*r);
                    at += 1;
                }
            }
        }
        assert_eq!(files.len(), 5);
        assert!(sums.iter().all(|sum| *sum == [0, 0]), "the band is not the sum of its stems");
        let peak = measured_peak(&output, &files[0], rate);
        assert!(peak < 10f64.powf(-1.0 / 20.0), "{peak}");
    }

    fn measured_peak(output: &Output, file: &str, rate: Hz) -> f64 {
        let mut meter = ebur128::EbuR128::new(2, rate.0, ebur128::Mode::TRUE_PEAK).expect("a meter");
        let mut reader = StemReader::open(output.path(file)).expect("a stem");
        while let Some((left, right)) = reader.next_block().expect("a block") {
            let scaled = |side: &[i32]| -> Vec<f64> {
                side.iter().map(|x| f64::from(*x) / f64::from(FULL_SCALE)).collect()
            };
            meter.add_frames_planar_f64(&[&scaled(left), &scaled(right)]).expect("frames");
        }
        meter.true_peak(0).expect("a peak").max(meter.true_peak(1).expect("a peak"))
    }
}
