//! What the built-in instruments cost at their busiest: 24 string players in four voices, six-string chords in eighths, bass
//! and a full kit. `cargo xtask bench band [SECONDS]` prints for each part and sample rate the share of one core, how many
//! times faster than real time that is, the slowest block of 128 samples, and the SHA-256 of the stem.

use std::time::Instant;

use collavoce::audio::StereoBlock;
use collavoce::bounce::hex;
use collavoce::instrument::{Sounds, Tone, channel_with};
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part, Velocity};
use collavoce::song::{Seed, Style, ToneName};
use collavoce::time::{Hz, SampleTime};
use sha2::{Digest, Sha256};

/// Samples that a host asks for at once.
const BLOCK: usize = 128;
/// Seconds of music unless something else is asked for.
const USUAL_S: f64 = 60.0;
/// Times that every part is played.
const RUNS: usize = 3;
/// Beats a minute.
const BPM: f64 = 120.0;
/// Sample rates, and how many times faster than real time the band has to be at each.
const RATES: [(Hz, f64); 3] = [(Hz(44_100), 40.0), (Hz(48_000), 40.0), (Hz(192_000), 8.0)];
/// Chords, from the lowest string of the guitar.
const CHORDS: [[u8; 6]; 4] =
    [[40, 47, 52, 56, 59, 64], [45, 52, 57, 61, 64, 69], [42, 49, 54, 57, 61, 66], [47, 54, 59, 63, 66, 71]];

fn main() -> anyhow::Result<()> {
    let length_s = std::env::args().nth(1).map_or(Ok(USUAL_S), |text| text.parse())?;
    let mut tone = Tone::named(ToneName::Indie, Style::Pop);
    tone.strings.players = 6;
    let sounds = Sounds::default().toned(tone);
    for (rate, aim) in RATES {
        println!("\n{length_s:.0} s at {} Hz, blocks of {BLOCK}, one thread", rate.0);
        println!("{:8} {:>8} {:>8} {:>12}  sha256 of the stem", "part", "of core", "x real", "slowest");
        let mut all_s = 0.0;
        for part in Part::ALL {
            let played = play(part, rate, length_s, &sounds);
            all_s += played.seconds;
            println!("{}", line(&part.to_string(), played.seconds, length_s, &played.rest(rate)));
        }
        let verdict = if length_s / all_s >= aim { "reached" } else { "MISSED" };
        println!("{}", line("band", all_s, length_s, &format!("the aim of {aim:.0} times is {verdict}")));
    }
    Ok(())
}

fn line(name: &str, seconds: f64, length_s: f64, rest: &str) -> String {
    format!("{name:8} {:7.2}% {:8.1} {rest}", 100.0 * seconds / length_s, length_s / seconds)
}

struct Played {
    seconds: f64,
    slowest_s: f64,
    sha256: String,
}

impl Played {
    fn rest(&self, rate: Hz) -> String {
        let of_block = 100.0 * self.slowest_s * rate.as_f64() / BLOCK as f64;
        format!("{:5.0} µs {of_block:3.0}%  {}", 1e6 * self.slowest_s, &self.sha256[..16])
    }
}

/// Plays a part some times over and takes each block's shortest time: what else the machine does is left out.
fn play(part: Part, rate: Hz, length_s: f64, sounds: &Sounds) -> Played {
    let events = events(part, rate, length_s);
    let mut channel = channel_with(part, rate, Seed(1), sounds);
    let mut blocks: Vec<f64> = Vec::new();
    let mut sha256 = String::new();
    for _ in 0..RUNS {
        channel.reset();
        let mut hasher = Sha256::new();
        let mut next = 0;
        for (index, start) in (0..rate.sample_at(length_s).0).step_by(BLOCK).enumerate() {
            let first = next;
            next += events[first..].iter().take_while(|e| e.at.0 < start + BLOCK as i64).count();
            let (mut left, mut right) = ([0.0f32; BLOCK], [0.0f32; BLOCK]);
            let mut out = StereoBlock { left: &mut left, right: &mut right };
            let begun = Instant::now();
            channel.process(SampleTime(start), &events[first..next], &mut out);
            let block_s = begun.elapsed().as_secs_f64();
            match blocks.get_mut(index) {
                Some(shortest) => *shortest = shortest.min(block_s),
                None => blocks.push(block_s),
            }
            left.iter().chain(&right).for_each(|sample| hasher.update(sample.to_le_bytes()));
        }
        sha256 = hex(&hasher.finalize());
    }
    Played { seconds: blocks.iter().sum(), slowest_s: blocks.iter().fold(0.0, |a, b| a.max(*b)), sha256 }
}

/// A part at its busiest.
fn events(part: Part, rate: Hz, length_s: f64) -> Vec<NoteEvent> {
    let eighth_s = 30.0 / BPM;
    let mut notes = Vec::new();
    for eighth in 0..(length_s / eighth_s) as usize {
        let chord = CHORDS[eighth / 8 % CHORDS.len()];
        let at_s = eighth as f64 * eighth_s;
        notes.extend(struck(part, eighth, chord).into_iter().map(|mut note| {
            note.at_s += at_s;
            note
        }));
    }
    let mut events: Vec<NoteEvent> = Vec::new();
    for (index, note) in notes.iter().enumerate() {
        let id = NoteId(index as u32);
        let on = EventKind::NoteOn {
            id,
            pitch: MidiNote(note.pitch),
            velocity: Velocity::clamped(note.velocity),
            articulation: note.articulation,
        };
        events.push(NoteEvent { at: rate.sample_at(note.at_s), part, kind: on });
        let end = rate.sample_at(note.at_s + note.length_s);
        events.push(NoteEvent { at: end, part, kind: EventKind::NoteOff { id } });
    }
    events.sort_by_key(NoteEvent::order);
    events
}

struct Struck {
    at_s: f64,
    length_s: f64,
    pitch: u8,
    velocity: f64,
    articulation: Articulation,
}

/// What a part begins at an eighth.
fn struck(part: Part, eighth: usize, chord: [u8; 6]) -> Vec<Struck> {
    let eighth_s = 30.0 / BPM;
    let note = |pitch: u8, eighths: f64, velocity: f64, articulation: Articulation| Struck {
        at_s: 0.0,
        length_s: eighths * eighth_s,
        pitch,
        velocity,
        articulation,
    };
    let velocity = [105.0, 70.0, 90.0, 75.0][eighth % 4];
    match part {
        Part::Guitar => (0..6u8)
            .map(|order| Struck {
                at_s: 0.008 * f64::from(order),
                ..note(chord[usize::from(order)], 0.95, velocity, Articulation::StrumDown { order })
            })
            .collect(),
        Part::Bass => vec![note(chord[0] - 12, 0.95, velocity, Articulation::Normal)],
        Part::Strings if eighth.is_multiple_of(8) => {
            [0, 1, 3, 4].map(|voice| note(chord[voice], 8.0, 80.0, Articulation::Sustained)).into()
        }
        Part::Strings => Vec::new(),
        Part::Drums => {
            let mut keys = vec![if eighth.is_multiple_of(2) { 51 } else { 42 }];
            keys.push(if eighth % 4 == 2 { 38 } else { 36 });
            keys.extend((eighth.is_multiple_of(16)).then_some(49));
            keys.extend((eighth % 8 > 5).then_some(46));
            keys.extend((eighth % 16 > 12).then_some(45));
            keys.into_iter().map(|key| note(key, 0.5, velocity, Articulation::Normal)).collect()
        }
    }
}
