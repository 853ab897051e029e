//! Renders a fixed pattern of each part, and some single notes, to WAV files in a folder.
//!
//! Prints speed (seconds of audio per second), loudness (ITU-R BS.1770) and peak of each. The question it answers:
//! is every part fast and loud enough, and does the band fit its ceilings?

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use collavoce::audio::StereoBlock;
use collavoce::instrument::{Limiter, ceiling, channel};
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part, Velocity};
use collavoce::song::Seed;
use collavoce::time::Hz;

const BLOCK: usize = 256;
const BEAT_S: f64 = 0.5;

type Stereo = (Vec<f32>, Vec<f32>);

struct Pattern {
    part: Part,
    rate: Hz,
    events: Vec<NoteEvent>,
    next: u32,
}

impl Pattern {
    fn new(part: Part, rate: Hz) -> Self {
        Self { part, rate, events: Vec::new(), next: 0 }
    }

    fn note(&mut self, at_s: f64, length_s: f64, pitch: u8, velocity: u8, articulation: Articulation) {
        let id = NoteId(self.next);
        self.next += 1;
        let velocity = Velocity::clamped(f64::from(velocity));
        self.event(at_s, EventKind::NoteOn { id, pitch: MidiNote(pitch), velocity, articulation });
        self.event(at_s + length_s, EventKind::NoteOff { id });
    }

    fn event(&mut self, at_s: f64, kind: EventKind) {
        self.events.push(NoteEvent { at: self.rate.sample_at(at_s), part: self.part, kind });
    }

    fn render(mut self, length_s: f64) -> (Stereo, f64) {
        self.events.sort_by_key(|e| (e.at, e.kind.rank()));
        let len = self.rate.count(length_s).0 as usize;
        let (mut left, mut right) = (vec![0.0; len], vec![0.0; len]);
        let mut channel = channel(self.part, self.rate, Seed(1));
        let begin = Instant::now();
        let mut done = 0;
        for from in (0..len).step_by(BLOCK) {
            let to = len.min(from + BLOCK);
            let until = self.events[done..].iter().take_while(|e| (e.at.0 as usize) < to).count();
            let mut block = StereoBlock { left: &mut left[from..to], right: &mut right[from..to] };
            let start = collavoce::time::SampleTime(from as i64);
            channel.process(start, &self.events[done..done + until], &mut block);
            done += until;
        }
        let speed = length_s / begin.elapsed().as_secs_f64();
        ((left, right), speed)
    }
}

const CHORDS: [[u8; 6]; 4] =
    [[40, 47, 52, 56, 59, 64], [45, 52, 57, 61, 64, 69], [43, 47, 50, 55, 59, 67], [38, 45, 50, 57, 62, 66]];

fn pattern(part: Part, rate: Hz) -> Pattern {
    let mut p = Pattern::new(part, rate);
    for bar in 0..5 {
        let at = f64::from(bar) * 4.0 * BEAT_S;
        let chord = CHORDS[bar as usize % 4];
        match part {
            Part::Guitar => {
                for (beat, down, velocity) in [
                    (0.0, true, 92),
                    (1.0, true, 78),
                    (1.5, false, 66),
                    (2.5, false, 70),
                    (3.0, true, 84),
                    (3.5, false, 64),
                ] {
                    for order in 0..if down { 6u8 } else { 4 } {
                        let string = if down { order } else { 5 - order };
                        let articulation = if down {
                            Articulation::StrumDown { order }
                        } else {
                            Articulation::StrumUp { order }
                        };
                        let start = at + beat * BEAT_S + f64::from(order) * 0.009;
                        p.note(start, 0.95 * BEAT_S, chord[usize::from(string)], velocity, articulation);
                    }
                }
            }
            Part::Bass => {
                for (beat, length, velocity) in
                    [(0.0, 1.4, 98), (1.5, 0.5, 84), (2.0, 1.4, 94), (3.5, 0.45, 80)]
                {
                    let pitch = 28 + (chord[0] - 28) % 12;
                    p.note(at + beat * BEAT_S, length * BEAT_S, pitch, velocity, Articulation::Normal);
                }
            }
            Part::Drums => {
                if bar == 0 {
                    p.note(at, 0.1, 49, 96, Articulation::Normal);
                }
                for eighth in 0..8 {
                    let time = at + f64::from(eighth) * BEAT_S / 2.0;
                    let key = if bar == 3 && eighth == 7 { 46 } else { 42 };
                    p.note(time, 0.1, key, if eighth % 2 == 0 { 86 } else { 62 }, Articulation::Normal);
                }
                for (beat, key, velocity) in
                    [(0.0, 36, 104), (1.0, 38, 100), (2.0, 36, 98), (2.5, 36, 86), (3.0, 38, 104)]
                {
                    p.note(at + beat * BEAT_S, 0.1, key, velocity, Articulation::Normal);
                }
                if bar == 4 {
                    for (index, key) in [50, 48, 45, 41].into_iter().enumerate() {
                        p.note(at + 3.0 * BEAT_S + index as f64 * 0.125, 0.1, key, 96, Articulation::Normal);
                    }
                }
            }
            Part::Strings => {
                for pitch in [chord[1], chord[2], chord[3] + 12, chord[4] + 12] {
                    p.note(at, 3.95 * BEAT_S, pitch, 78, Articulation::Sustained);
                }
            }
        }
    }
    p
}

fn loudness(stereo: &Stereo, rate: Hz) -> anyhow::Result<(f64, f32)> {
    let mut meter = ebur128::EbuR128::new(2, rate.0, ebur128::Mode::I)?;
    meter.add_frames_planar_f32(&[&stereo.0, &stereo.1])?;
    let peak = stereo.0.iter().chain(&stereo.1).fold(0.0f32, |peak, x| peak.max(x.abs()));
    Ok((meter.loudness_global()?, peak))
}

fn write(path: &Path, stereo: &Stereo, rate: Hz) -> anyhow::Result<()> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate.0,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for (left, right) in stereo.0.iter().zip(&stereo.1) {
        for sample in [left, right] {
            writer.write_sample((sample * 8_388_607.0).round() as i32)?;
        }
    }
    writer.finalize()?;
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("usage: render_parts FOLDER [RATE]")?);
    let rate = Hz(arguments.next().map_or(Ok(48_000), |text| text.parse())?);
    std::fs::create_dir_all(&folder)?;
    let mut mix: Stereo = Default::default();
    for part in Part::ALL {
        let (stem, speed) = pattern(part, rate).render(11.0);
        let (lufs, peak) = loudness(&stem, rate)?;
        let over = stem.0.iter().chain(&stem.1).filter(|x| x.abs() > 0.7 * ceiling(part)).count();
        let over = over as f64 / (2 * stem.0.len()) as f64;
        println!(
            "{part:8} {speed:6.1}x {lufs:6.1} LUFS  peak {peak:.3}  above the knee {:.4} %",
            100.0 * over
        );
        write(&folder.join(format!("{part}.wav")), &stem, rate)?;
        for (sum, channel) in [(&mut mix.0, &stem.0), (&mut mix.1, &stem.1)] {
            sum.resize(channel.len(), 0.0);
            sum.iter_mut().zip(channel).for_each(|(sum, x)| *sum += x);
        }
    }
    let mut limiter = Limiter::new(rate);
    let begin = Instant::now();
    limiter.process(&mut StereoBlock { left: &mut mix.0, right: &mut mix.1 });
    let speed = 11.0 / begin.elapsed().as_secs_f64();
    let (lufs, peak) = loudness(&mix, rate)?;
    println!("{:8} {speed:6.1}x {lufs:6.1} LUFS  peak {peak:.3}", "mix");
    write(&folder.join("mix.wav"), &mix, rate)?;
    let notes = [
        (Part::Guitar, &[40u8, 52, 64, 76][..], 6.0),
        (Part::Bass, &[28, 40, 50], 4.0),
        (Part::Strings, &[48, 67, 79], 3.0),
        (Part::Drums, &[36, 38, 37, 39, 41, 45, 50, 42, 46, 49, 51, 53, 54, 70], 0.1),
    ];
    for (part, pitches, length_s) in notes {
        for pitch in pitches {
            let mut p = Pattern::new(part, rate);
            let articulation =
                if part == Part::Strings { Articulation::Sustained } else { Articulation::Normal };
            p.note(0.1, length_s, *pitch, 100, articulation);
            let (sound, _) = p.render(7.0);
            write(&folder.join(format!("note-{part}-{pitch}.wav")), &sound, rate)?;
        }
    }
    Ok(())
}
