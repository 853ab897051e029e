//! Chorales in four voices, a pitch for each voice in each sixteenth.

use std::path::Path;

use anyhow::Context as _;
use collavoce::score::{ChordQuality, Key, MidiNote, Mode, PitchClass};
use collavoce::time::{Meter, Ticks};

use crate::sonority::{self, Sounding};
use crate::tune::Tune;

/// Ticks of a sixteenth.
pub(crate) const STEP: i64 = 240;
/// Steps of a bar of four quarters. The set tells no metre: most chorales have this one.
pub(crate) const BAR_STEPS: usize = 16;

/// Reads the chorales: the highest voice is the melody, what the four sound is the harmony.
pub fn read(path: &Path) -> anyhow::Result<Vec<Result<Tune, String>>> {
    Ok(steps(path)?.into_iter().map(|(name, steps)| chorale(name, &steps)).collect())
}

/// The chorales by name: the pitches of each sixteenth, from the highest voice down; what is no MIDI pitch is a rest.
pub(crate) fn steps(path: &Path) -> anyhow::Result<Vec<(String, Vec<Vec<i32>>)>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let sets: std::collections::BTreeMap<String, Vec<Vec<Vec<i32>>>> =
        serde_json::from_str(&text).with_context(|| format!("{} holds no chorales", path.display()))?;
    let named = sets.into_iter().flat_map(|(set, chorales)| {
        chorales.into_iter().enumerate().map(move |(index, steps)| (format!("{set} {index}"), steps))
    });
    Ok(named.collect())
}

/// The notes of the four voices.
pub(crate) fn voices(steps: &[Vec<i32>]) -> Vec<Vec<Sounding>> {
    let mut voices: Vec<Vec<Sounding>> = vec![Vec::new(); 4];
    for (index, pitches) in steps.iter().enumerate() {
        let (start, end) = (Ticks(index as i64 * STEP), Ticks((index as i64 + 1) * STEP));
        for (voice, pitch) in voices.iter_mut().zip(pitches) {
            let Ok(midi) = u8::try_from(*pitch) else { continue };
            match voice.last_mut() {
                // Repeated notes are not told from held ones: a new one begins with each quarter.
                Some((_, to, last)) if *last == midi && *to == start && index % 4 != 0 => *to = end,
                _ => voice.push((start, end, midi)),
            }
        }
    }
    voices
}

fn chorale(name: String, steps: &[Vec<i32>]) -> Result<Tune, String> {
    let bars = steps.len().div_ceil(BAR_STEPS);
    let voices = voices(steps);
    let melody = voices.first().cloned().unwrap_or_default();
    let mut notes: Vec<Sounding> = voices.into_iter().flatten().collect();
    notes.sort_unstable();
    let meter = Meter::FOUR_FOUR;
    let chords = sonority::chords(&notes, meter, bars);
    let last = chords.last().ok_or("no chord")?.chord;
    let key = key(last.root, last.quality, &notes);
    if melody.len() < 8 || chords.len() < 4 {
        return Err("too few notes".to_owned());
    }
    let mut tune = Tune { name, key, meter, bars, melody, chords, phrase_ends: Vec::new() };
    tune.find_phrases(&[]);
    Ok(tune)
}

/// The key of the last chord; a major one may end a song in minor.
fn key(tonic: PitchClass, quality: ChordQuality, notes: &[Sounding]) -> Key {
    let sounds = |above: u8| {
        let pitch = tonic + above;
        notes.iter().filter(|note| MidiNote(note.2).pitch_class() == pitch).count()
    };
    let is_minor = quality.is_minor() || sounds(3) > sounds(4);
    Key { tonic, mode: if is_minor { Mode::Minor } else { Mode::Major } }
}
