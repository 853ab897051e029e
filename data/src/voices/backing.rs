//! What a voice is mixed with: open scores played by SoundFonts or by the built-in band.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use collavoce::audio::{StereoBlock, resample};
use collavoce::instrument::channel;
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part as BandPart, Velocity};
use collavoce::song::{Rng, Seed};
use collavoce::time::{Hz, SampleTime};
use rustysynth_ext::{SoundFont, Synthesizer, SynthesizerSettings};

use super::RATE;
use super::timeline::Excerpt;
use crate::corpus::{Part, Role, Song};
use crate::draw::{between, normal};

/// Rate at which instruments are played; their sound is then brought to [`RATE`].
const PLAY: Hz = Hz(48_000);
/// Samples between two looks at what begins.
const BLOCK: usize = 64;
/// How often the built-in band plays.
const BUILT_IN: f64 = 0.18;

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensemble {
    /// One guitar.
    Guitar,
    /// One keyboard.
    Keys,
    /// A bass, and a guitar or keyboard.
    Duo,
    /// The same with drums, and sometimes strings.
    Band,
    /// The song's own instruments.
    Own,
}

impl Ensemble {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guitar => "guitar",
            Self::Keys => "keys",
            Self::Duo => "duo",
            Self::Band => "band",
            Self::Own => "own",
        }
    }

    /// The ensemble of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Guitar, Self::Keys, Self::Duo, Self::Band, Self::Own]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

/// A note to play.
#[derive(Debug, Clone, Copy)]
struct Played {
    track: usize,
    start_s: f32,
    end_s: f32,
    key: i32,
    velocity: f32,
}

/// One who plays: General MIDI's program, or a kit.
#[derive(Debug, Clone, Copy)]
struct Track {
    program: i32,
    is_kit: bool,
}

/// Plays an excerpt of a song without its melody, moved by some semitones; both sides at [`RATE`] interleaved. `beats` are
/// songs of drums alone.
///
/// # Errors
/// An instrument cannot be played.
pub fn play(
    rng: &mut Rng,
    song: &Song,
    excerpt: &Excerpt,
    moved: i32,
    ensemble: Ensemble,
    beats: &[Song],
    font: &Arc<SoundFont>,
) -> anyhow::Result<Vec<f32>> {
    let (tracks, mut notes) = arrange(rng, song, excerpt, moved, ensemble, beats);
    notes.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    let ours = ensemble != Ensemble::Keys && ensemble != Ensemble::Own && rng.chance(BUILT_IN);
    let sound = if ours {
        built_in(rng, &tracks, &notes, excerpt.seconds)
    } else {
        sampled(rng, &tracks, &notes, excerpt.seconds, font)?
    };
    Ok(resample(&sound, 2, PLAY, Hz(RATE))?)
}

fn arrange(
    rng: &mut Rng,
    song: &Song,
    excerpt: &Excerpt,
    moved: i32,
    ensemble: Ensemble,
    beats: &[Song],
) -> (Vec<Track>, Vec<Played>) {
    let (mut tracks, mut notes) = (Vec::new(), Vec::new());
    let pitched: Vec<&Part> = song.parts.iter().filter(|part| part.role == Role::Pitched).collect();
    if pitched.is_empty() {
        let chord_track = lead(rng, ensemble);
        tracks.push(Track { program: chord_track, is_kit: false });
        comp(rng, song, excerpt, moved, &mut notes);
    } else if ensemble == Ensemble::Own {
        for part in &pitched {
            let program = part.program.map_or_else(|| *pick(rng, &OWN), i32::from);
            // Choirs are voices.
            let program = if (52..=54).contains(&program) { 48 } else { program };
            tracks.push(Track { program, is_kit: false });
            take(rng, part, excerpt, moved, tracks.len() - 1, &mut notes);
        }
    } else {
        tracks.push(Track { program: lead(rng, ensemble), is_kit: false });
        for part in &pitched {
            take(rng, part, excerpt, moved, 0, &mut notes);
        }
    }
    if matches!(ensemble, Ensemble::Duo | Ensemble::Band) {
        tracks.push(Track { program: *pick(rng, &BASSES), is_kit: false });
        split_bass(&mut notes, tracks.len() - 1);
        if ensemble == Ensemble::Band && rng.chance(0.35) {
            tracks.push(Track { program: *pick(rng, &PADS), is_kit: false });
            pad(rng, &mut notes, tracks.len() - 1);
        }
    }
    if matches!(ensemble, Ensemble::Band | Ensemble::Own) {
        let own: Vec<&Part> = song.parts.iter().filter(|part| part.role == Role::Drums).collect();
        let other = (!beats.is_empty() && ensemble == Ensemble::Band).then(|| &beats[rng.below(beats.len())]);
        let drums = if own.is_empty() {
            other.map(|song| song.parts.iter().collect()).unwrap_or_default()
        } else {
            own
        };
        if !drums.is_empty() {
            tracks.push(Track { program: *pick(rng, &KITS), is_kit: true });
            let length = other.and_then(Song::end).map_or(0, |end| end.0);
            drum(rng, &drums, excerpt, length, tracks.len() - 1, &mut notes);
        }
    }
    (tracks, notes)
}

const BASSES: [i32; 6] = [32, 33, 34, 35, 38, 33];
const PADS: [i32; 6] = [48, 49, 50, 89, 16, 61];
const KITS: [i32; 5] = [0, 0, 8, 16, 40];
const OWN: [i32; 14] = [0, 4, 24, 25, 40, 41, 42, 48, 56, 66, 68, 71, 73, 11];
const GUITARS: [i32; 9] = [24, 25, 25, 24, 26, 27, 28, 29, 30];
const KEYS: [i32; 11] = [0, 0, 0, 1, 3, 4, 5, 6, 16, 19, 11];

fn pick<'a>(rng: &mut Rng, from: &'a [i32]) -> &'a i32 {
    &from[rng.below(from.len())]
}

fn lead(rng: &mut Rng, ensemble: Ensemble) -> i32 {
    let guitar = match ensemble {
        Ensemble::Guitar => true,
        Ensemble::Keys => false,
        _ => rng.chance(0.6),
    };
    *pick(rng, if guitar { &GUITARS } else { &KEYS })
}

/// Takes up the notes of a part; tones that begin together are spread a little.
fn take(rng: &mut Rng, part: &Part, excerpt: &Excerpt, moved: i32, track: usize, notes: &mut Vec<Played>) {
    let (loud, late_s, spread_s) = (between(rng, 55.0, 105.0), 0.008, between(rng, 0.0, 0.018));
    let mut before = (f32::MIN, 0.0);
    for note in &part.notes {
        let Some((start_s, end_s)) = excerpt.seconds(note.start.0 + note.offset.0, note.length.0) else {
            continue;
        };
        before =
            if (start_s - before.0).abs() < 1e-3 { (start_s, before.1 + spread_s) } else { (start_s, 0.0) };
        let velocity = note.velocity.map_or(loud, |velocity| f32::from(velocity) * loud / 80.0);
        let start_s = (start_s + before.1 + late_s * normal(rng)).max(0.0);
        notes.push(Played {
            track,
            start_s,
            end_s: end_s.max(start_s + 0.05),
            key: i32::from(note.pitch) + moved,
            velocity: velocity + 7.0 * normal(rng),
        });
    }
}

/// Plays the chords of a lead sheet in some pattern: strokes, or broken.
fn comp(rng: &mut Rng, song: &Song, excerpt: &Excerpt, moved: i32, notes: &mut Vec<Played>) {
    let (broken, spread_s, loud) = (rng.chance(0.4), between(rng, 0.004, 0.025), between(rng, 60.0, 100.0));
    let stroke_s = excerpt.quarter_s() * [0.5, 1.0, 0.5, 0.25][rng.below(4)];
    let plays: Vec<bool> = (0..8).map(|place| place == 0 || rng.chance(0.65)).collect();
    for span in &song.chords {
        let Some((start_s, end_s)) = excerpt.seconds(span.start.0, span.length.0) else { continue };
        let root = i32::from(span.chord.bass.0) + moved;
        let mut keys = vec![36 + (root + 4).rem_euclid(12) + 4];
        for tone in span.chord.pitch_classes() {
            keys.push(52 + (i32::from(tone.0) + moved - 52).rem_euclid(12));
            keys.push(60 + (i32::from(tone.0) + moved - 60).rem_euclid(12));
        }
        keys.sort_unstable();
        keys.dedup();
        let strokes = (((end_s - start_s) / stroke_s).round() as usize).clamp(1, 64);
        for stroke in 0..strokes {
            let at = start_s + stroke as f32 * stroke_s + 0.008 * normal(rng);
            if !plays[stroke % plays.len()] || at >= end_s {
                continue;
            }
            let struck: Vec<i32> =
                if broken { vec![keys[(stroke * 3 + stroke / 4) % keys.len()]] } else { keys.clone() };
            let down = stroke % 2 == 0;
            for (order, key) in struck.iter().enumerate() {
                let order = if down { order } else { struck.len() - 1 - order };
                let start_s = (at + order as f32 * spread_s).max(0.0);
                let end_s = if broken { end_s } else { (at + stroke_s * 1.2).min(end_s) };
                let velocity = loud + if stroke == 0 { 10.0 } else { 0.0 } + 6.0 * normal(rng);
                notes.push(Played {
                    track: 0,
                    start_s,
                    end_s: end_s.max(start_s + 0.05),
                    key: *key,
                    velocity,
                });
            }
        }
    }
}

/// Gives what is low to another track.
fn split_bass(notes: &mut [Played], track: usize) {
    for note in notes.iter_mut().filter(|note| note.key < 50) {
        note.track = track;
        while note.key > 48 {
            note.key -= 12;
        }
    }
}

/// Holds some of the middle tones on another track as well.
fn pad(rng: &mut Rng, notes: &mut Vec<Played>, track: usize) {
    let held: Vec<Played> = notes
        .iter()
        .filter(|note| (55..76).contains(&note.key) && rng.chance(0.3))
        .map(|note| Played { track, end_s: note.end_s + 1.0, velocity: 60.0, ..*note })
        .collect();
    notes.extend(held);
}

/// Beats the drums of a song; those of another are repeated for as long as it takes.
fn drum(
    rng: &mut Rng,
    parts: &[&Part],
    excerpt: &Excerpt,
    length: i64,
    track: usize,
    notes: &mut Vec<Played>,
) {
    let rounds = if length > 0 { 1 + excerpt_ticks(excerpt) / length } else { 1 };
    let gain = between(rng, 0.7, 1.1);
    for part in parts {
        for round in 0..rounds {
            let from = if length > 0 { excerpt.from + round * length } else { 0 };
            for note in &part.notes {
                let start = from + note.start.0 + note.offset.0;
                let Some((start_s, _)) = excerpt.seconds(start, note.length.0) else { continue };
                let velocity = gain * note.velocity.map_or(90.0, f32::from);
                notes.push(Played {
                    track,
                    start_s,
                    end_s: start_s + 0.3,
                    key: i32::from(note.pitch),
                    velocity,
                });
            }
        }
    }
}

fn excerpt_ticks(excerpt: &Excerpt) -> i64 {
    (excerpt.seconds / excerpt.quarter_s() * 960.0) as i64
}

/// Plays notes with a SoundFont, interleaved.
fn sampled(
    rng: &mut Rng,
    tracks: &[Track],
    notes: &[Played],
    seconds: f32,
    font: &Arc<SoundFont>,
) -> anyhow::Result<Vec<f32>> {
    let mut settings = SynthesizerSettings::new(PLAY.0 as i32);
    settings.block_size = BLOCK;
    settings.maximum_polyphony = 96;
    settings.enable_reverb_and_chorus = rng.chance(0.5);
    let mut synth = Synthesizer::new(font, &settings).map_err(|error| anyhow!("{error}"))?;
    let bend = 8_192 + (8_192.0 * 0.15 * normal(rng).clamp(-2.0, 2.0)) as i32;
    let mut channels = Vec::with_capacity(tracks.len());
    let mut free = (0..16).filter(|channel| *channel != 9);
    for track in tracks {
        let channel = if track.is_kit { 9 } else { free.next().unwrap_or(15) };
        let pan = (64.0 + 26.0 * normal(rng)).clamp(0.0, 127.0) as i32;
        let level = between(rng, 75.0, 115.0) as i32;
        synth.process_midi_message(channel, 0xc0, track.program, 0);
        synth.process_midi_message(channel, 0xb0, 10, if track.is_kit { 64 } else { pan });
        synth.process_midi_message(channel, 0xb0, 7, level);
        synth.process_midi_message(channel, 0xb0, 91, between(rng, 0.0, 70.0) as i32);
        if !track.is_kit {
            synth.process_midi_message(channel, 0xe0, bend & 0x7f, bend >> 7);
        }
        channels.push(channel);
    }
    let mut ends: Vec<(f32, i32, i32)> = Vec::new();
    let mut next = 0;
    let frames = (seconds * PLAY.0 as f32) as usize;
    let mut out = Vec::with_capacity(2 * frames);
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    for start in (0..frames).step_by(BLOCK) {
        let now = start as f32 / PLAY.0 as f32;
        ends.retain(|(end_s, channel, key)| {
            let holds = *end_s > now;
            if !holds {
                synth.note_off(*channel, *key);
            }
            holds
        });
        while let Some(note) = notes.get(next).filter(|note| note.start_s <= now) {
            next += 1;
            let channel = channels[note.track];
            synth.note_on(channel, note.key.clamp(0, 127), note.velocity.clamp(15.0, 127.0) as i32);
            ends.push((note.end_s, channel, note.key.clamp(0, 127)));
        }
        synth.render(&mut left, &mut right);
        let count = BLOCK.min(frames - start);
        out.extend(left.iter().zip(&right).take(count).flat_map(|(l, r)| [*l, *r]));
    }
    Ok(out)
}

/// Plays notes with the built-in band, interleaved.
fn built_in(rng: &mut Rng, tracks: &[Track], notes: &[Played], seconds: f32) -> Vec<f32> {
    let part_of = |track: &Track| match (track.is_kit, track.program) {
        (true, _) => BandPart::Drums,
        (_, 32..=39) => BandPart::Bass,
        (_, 40..=55 | 89) => BandPart::Strings,
        _ => BandPart::Guitar,
    };
    let frames = (seconds * PLAY.0 as f32) as usize;
    let mut out = vec![0.0; 2 * frames];
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (index, track) in tracks.iter().enumerate() {
        let part = part_of(track);
        let mut events = Vec::new();
        for (number, note) in notes.iter().enumerate().filter(|(_, note)| note.track == index) {
            let id = NoteId(number as u32);
            let at = |seconds: f32| PLAY.sample_at(f64::from(seconds));
            let (pitch, velocity) =
                (MidiNote(note.key.clamp(0, 127) as u8), Velocity::clamped(f64::from(note.velocity)));
            let kind = EventKind::NoteOn { id, pitch, velocity, articulation: Articulation::Normal };
            events.push(NoteEvent { at: at(note.start_s), part, kind });
            events.push(NoteEvent { at: at(note.end_s), part, kind: EventKind::NoteOff { id } });
        }
        events.sort_by_key(NoteEvent::order);
        let mut channel = channel(part, PLAY, Seed(rng.bits()));
        let mut next = 0;
        for start in (0..frames).step_by(BLOCK) {
            let first = next;
            let end = SampleTime((start + BLOCK) as i64);
            next += events[first..].iter().take_while(|event| event.at < end).count();
            let mut block = StereoBlock { left: &mut left, right: &mut right };
            channel.process(SampleTime(start as i64), &events[first..next], &mut block);
            for (frame, (l, r)) in out[2 * start..].chunks_exact_mut(2).zip(left.iter().zip(&right)) {
                frame[0] += l;
                frame[1] += r;
            }
        }
    }
    out
}

/// Reads a SoundFont.
///
/// # Errors
/// The file cannot be read, or is none.
pub fn font(path: &std::path::Path) -> anyhow::Result<Arc<SoundFont>> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let font = SoundFont::new(&mut bytes.as_slice()).map_err(|error| anyhow!("{error}"));
    Ok(Arc::new(font.with_context(|| format!("{} is no SoundFont (SF2 or SF3)", path.display()))?))
}
