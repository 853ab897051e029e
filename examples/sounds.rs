//! What SoundFonts cost and how they fit in: time to load, levels beside the built-in sounds, how far a note begins behind
//! its event, and how fast each part is played. `cargo run --release --example sounds -- [FILE]...`; without a file it
//! takes the one that the system has. Built with `--profile ci`, it ends at the first allocation while a part is played.

use std::path::PathBuf;
use std::time::Instant;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use collavoce::audio::{StereoBlock, resample};
use collavoce::bounce::sounds::{found_bank, read_bank, sounds_of};
use collavoce::engine::{self, Session};
use collavoce::instrument::{Instrument as _, Sampled, Sounds, channel_with};
use collavoce::limits::LISTEN_HZ;
use collavoce::listen::PitchMethod;
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part, Velocity};
use collavoce::song::{Seed, Settings};
use collavoce::time::{Hz, SampleTime};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const RATE: Hz = Hz(48_000);
const BLOCK: usize = 512;

fn main() -> anyhow::Result<()> {
    let mut files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        files.push(found_bank()?);
    }
    let sung = collavoce::sing::demo().sing(RATE)?;
    let samples = resample(&sung.samples, 1, RATE, Hz(LISTEN_HZ))?;
    let settings = Settings::default();
    let session = engine::run(&samples, &settings, PitchMethod::Nsdf, &mut |_| {})?;
    println!("built-in");
    speeds(&session, &settings, &Sounds::default());
    for file in files {
        let begun = Instant::now();
        let bank = read_bank(&file)?;
        let read_s = begun.elapsed().as_secs_f64();
        let sounds = sounds_of(&file, &bank, &Part::ALL)?;
        let ready_s = begun.elapsed().as_secs_f64();
        println!(
            "\n{} ({}): read in {read_s:.2} s, levels found in {:.2} s",
            bank.name(),
            bank.copyright(),
            ready_s - read_s
        );
        for part in Part::ALL {
            let Some(sampling) = sounds.of(part) else { continue };
            let Some(mut instrument) = Sampled::new(part, RATE, sampling) else { continue };
            let delays: Vec<String> =
                [0, 1, 7, 8, 31, 63].map(|offset| delay(&mut instrument, part, offset)).into();
            println!("  {part:8} {:+5.1} dB; sounds after {} samples", sampling.gain_db(), delays.join(" "));
        }
        speeds(&session, &settings, &sounds);
    }
    Ok(())
}

/// Samples from an event to the first sample that is not silence.
fn delay(instrument: &mut Sampled, part: Part, offset: i64) -> String {
    instrument.reset();
    let at = 960 + offset;
    let (mut left, mut right) = ([0.0; 9_600], [0.0; 9_600]);
    let pitch = MidiNote(if part == Part::Drums { 38 } else { 52 });
    let velocity = Velocity::clamped(100.0);
    let kind = EventKind::NoteOn { id: NoteId(0), pitch, velocity, articulation: Articulation::Normal };
    let event = NoteEvent { at: SampleTime(at), part, kind };
    instrument.process(SampleTime(0), &[event], &mut StereoBlock { left: &mut left, right: &mut right });
    let loud = |at: &usize| left[*at] != 0.0 || right[*at] != 0.0;
    (0..left.len()).find(loud).map_or("never".to_owned(), |first| (first as i64 - at).to_string())
}

/// How fast the demonstration song is played.
fn speeds(session: &Session, settings: &Settings, sounds: &Sounds) {
    let events = session.performance(settings, RATE);
    let frames = events.last().map_or(0, |event| event.at.0) + 96_000;
    let mut all_s = 0.0;
    for part in Part::ALL {
        let events: Vec<NoteEvent> = events.iter().copied().filter(|event| event.part == part).collect();
        let mut channel = channel_with(part, RATE, Seed(1), sounds);
        let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
        let begun = Instant::now();
        assert_no_alloc(|| {
            let mut next = 0;
            for start in (0..frames).step_by(BLOCK) {
                let first = next;
                next += events[first..].iter().take_while(|e| e.at.0 < start + BLOCK as i64).count();
                let mut out = StereoBlock { left: &mut left, right: &mut right };
                channel.process(SampleTime(start), &events[first..next], &mut out);
            }
        });
        let seconds = begun.elapsed().as_secs_f64();
        all_s += seconds;
        println!("  {part:8} {:6.1} x real time", frames as f64 / RATE.as_f64() / seconds);
    }
    println!("  {:8} {:6.1} x real time", "all", frames as f64 / RATE.as_f64() / all_s);
}
