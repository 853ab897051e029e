//! MIDI files played by a SoundFont.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use rustysynth_ext::{SoundFont, Synthesizer, SynthesizerSettings};

use super::material::{RATE, Sound};

/// Samples between two moments at which notes may begin.
const BLOCK: usize = 64;

/// A message and its time in seconds: status, channel and two bytes.
type Timed = (f64, [i32; 4]);

/// Opens a bank.
pub fn bank(path: &Path) -> anyhow::Result<Arc<SoundFont>> {
    let mut file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let font = SoundFont::new(&mut file)
        .map_err(|error| anyhow::anyhow!("{} is no sound font: {error}", path.display()))?;
    Ok(Arc::new(font))
}

/// Who plays of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Players {
    /// All but a track named MELODY.
    Band,
    /// The instruments that play chords: no drums, no bass.
    Chords,
}

/// Plays a stretch of a MIDI file, with the bank's room; `from` is a share of its length.
pub fn play(
    font: &Arc<SoundFont>,
    path: &Path,
    players: Players,
    from: f64,
    seconds: f64,
) -> anyhow::Result<Sound> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let messages =
        messages(&bytes, players).with_context(|| format!("{} is no MIDI file", path.display()))?;
    let end_s = messages.last().map_or(0.0, |(at_s, _)| *at_s);
    let start_s = (from * end_s).min(end_s - seconds).max(0.0);
    let mut settings = SynthesizerSettings::new(RATE.0 as i32);
    (settings.block_size, settings.maximum_polyphony) = (BLOCK, 256);
    let mut synth = Synthesizer::new(font, &settings)?;
    let frames = (seconds * RATE.as_f64()) as usize;
    let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
    let mut next = 0;
    let send = |synth: &mut Synthesizer, until_s: f64, next: &mut usize, notes: bool| {
        while let Some((_, [status, channel, one, two])) =
            messages.get(*next).filter(|(at_s, _)| *at_s <= until_s)
        {
            if notes || *status > 0x90 {
                synth.process_midi_message(*channel, *status, *one, *two);
            }
            *next += 1;
        }
    };
    // What comes before the stretch is set, not sounded.
    send(&mut synth, start_s, &mut next, false);
    for at in (0..frames).step_by(BLOCK) {
        let to = frames.min(at + BLOCK);
        send(&mut synth, start_s + at as f64 / RATE.as_f64(), &mut next, true);
        synth.render(&mut left[at..to], &mut right[at..to]);
    }
    Ok([left, right])
}

/// Channel messages in order of time.
fn messages(bytes: &[u8], players: Players) -> anyhow::Result<Vec<Timed>> {
    let smf = Smf::parse(bytes)?;
    let ticks = match smf.header.timing {
        Timing::Metrical(ticks) => f64::from(ticks.as_int()),
        Timing::Timecode(..) => anyhow::bail!("times in frames are not read"),
    };
    let (mut tempos, mut found) = (Vec::new(), Vec::new());
    for track in &smf.tracks {
        let mut at = 0u64;
        let is_silent = track.iter().any(|event| match event.kind {
            TrackEventKind::Meta(MetaMessage::TrackName(name)) => is_silent(name, players),
            TrackEventKind::Midi { channel, .. } => channel.as_int() == 9 && players == Players::Chords,
            _ => false,
        });
        for event in track {
            at += u64::from(event.delta.as_int());
            match event.kind {
                TrackEventKind::Meta(MetaMessage::Tempo(us)) => {
                    tempos.push((at, f64::from(us.as_int()) / 1e6))
                }
                TrackEventKind::Midi { channel, message } if !is_silent => {
                    let channel = i32::from(channel.as_int());
                    if let Some([status, one, two]) = bytes_of(message) {
                        found.push((at, [status, channel, one, two]));
                    }
                }
                _ => {}
            }
        }
    }
    tempos.sort_by_key(|(at, _)| *at);
    found.sort_by_key(|(at, _)| *at);
    let seconds_at = |tick: u64| {
        let (mut seconds, mut last, mut quarter_s) = (0.0, 0, 0.5);
        for (at, next_s) in tempos.iter().take_while(|(at, _)| *at <= tick) {
            seconds += (at - last) as f64 / ticks * quarter_s;
            (last, quarter_s) = (*at, *next_s);
        }
        seconds + (tick - last) as f64 / ticks * quarter_s
    };
    Ok(found.into_iter().map(|(at, message)| (seconds_at(at), message)).collect())
}

/// Whether a track with a name does not play.
fn is_silent(name: &[u8], players: Players) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let out: &[&str] =
        if players == Players::Band { &["melody"] } else { &["melody", "drum", "bass", "walk"] };
    out.iter().any(|out| name.starts_with(out))
}

fn bytes_of(message: MidiMessage) -> Option<[i32; 3]> {
    let number = |value: midly::num::u7| i32::from(value.as_int());
    Some(match message {
        MidiMessage::NoteOff { key, vel } => [0x80, number(key), number(vel)],
        MidiMessage::NoteOn { key, vel } => [0x90, number(key), number(vel)],
        MidiMessage::Controller { controller, value } => [0xB0, number(controller), number(value)],
        MidiMessage::ProgramChange { program } => [0xC0, number(program), 0],
        MidiMessage::PitchBend { bend } => {
            let raw = i32::from(bend.0.as_int());
            [0xE0, raw & 0x7F, raw >> 7]
        }
        _ => return None,
    })
}
