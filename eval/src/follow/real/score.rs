//! The score of the choir piece of the Choral Singing Dataset (Cuesta et al., ICMPC 2018), as pitches in steps of 16 ms:
//! what each voice sings, and on which beat.

use std::path::Path;

use anyhow::Context as _;
use collavoce::score::midi_of_hz;

/// End of the score's name.
const ENDING: &str = "_score_f0.csv";
/// What the names of takes say of their voice; in the order of the score's columns.
const VOICES: [&str; 4] = ["soprano", "alt", "tenor", "baj"];
/// The lower two voices lie so much later in the file, in seconds: there 131 of the bass's 140 onsets meet one above.
const LOWER_LATE_S: f64 = 0.208;
/// A silence that is no longer parts two notes and is no rest, in seconds.
const ARTICULATION_S: f64 = 0.1;
/// Onsets this near are one, in seconds.
const SAME_S: f64 = 0.06;
/// Half a beat of the score at first, in seconds, and how much of what it is found to be is taken up.
const FIRST_HALF_S: f64 = 0.368;
const HALF_GAIN: f64 = 0.15;
/// A distance that is found further off than this says nothing about the tempo, in seconds.
const OFF_S: f64 = 0.1;

/// A note of the score.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    /// Where it begins, in beats, and in seconds of the score.
    pub beat: f64,
    pub start_s: f64,
    /// Its length in seconds of the score.
    pub length_s: f64,
    /// Its pitch as MIDI number.
    pub midi: f64,
}

/// What the take is written to sing, if a score lies beside it.
pub fn beside(file: &Path) -> anyhow::Result<Option<Vec<Written>>> {
    let name = file.file_stem().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let Some(voice) = VOICES.iter().position(|voice| name.contains(voice)) else { return Ok(None) };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let Some(score) = names.filter(|path| path.to_string_lossy().ends_with(ENDING)).min() else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&score)?;
    let voices: Vec<Vec<Written>> =
        (0..VOICES.len()).map(|voice| notes(&text, voice)).collect::<Result<_, _>>()?;
    let places = places(&voices);
    let place = |note: &Written| {
        let near =
            places.iter().min_by(|a, b| (a.0 - note.start_s).abs().total_cmp(&(b.0 - note.start_s).abs()));
        Written { beat: near.map_or(0.0, |place| place.1), ..*note }
    };
    Ok(Some(voices[voice].iter().map(place).collect()))
}

/// The notes of one voice; their beats are not known yet.
fn notes(text: &str, voice: usize) -> anyhow::Result<Vec<Written>> {
    let late_s = if voice < 2 { 0.0 } else { LOWER_LATE_S };
    let mut notes: Vec<Written> = Vec::new();
    let mut sounding: Option<f64> = None;
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let ms: f64 = fields.next().unwrap_or_default().trim().parse().context("a time of the score")?;
        let hz: Option<f64> = fields.nth(voice).and_then(|field| field.trim().parse().ok());
        let at_s = ms / 1e3 - late_s;
        let midi = hz.filter(|hz| *hz > 0.0).map(|hz| midi_of_hz(hz).round());
        if midi != sounding {
            if let (Some(_), Some(note)) = (sounding, notes.last_mut()) {
                note.length_s = at_s - note.start_s;
            }
            if let Some(midi) = midi {
                notes.push(Written { beat: 0.0, start_s: at_s, length_s: 1.0, midi });
            }
            sounding = midi;
        }
    }
    for index in 1..notes.len() {
        let (before, start_s) = (&notes[index - 1], notes[index].start_s);
        if start_s - before.start_s - before.length_s < ARTICULATION_S {
            notes[index - 1].length_s = start_s - before.start_s;
        }
    }
    Ok(notes)
}

/// Seconds and beats at which any voice begins a note: distances are counted in half beats, whose length is followed.
fn places(voices: &[Vec<Written>]) -> Vec<(f64, f64)> {
    let mut onsets: Vec<f64> = voices.iter().flatten().map(|note| note.start_s).collect();
    onsets.sort_by(f64::total_cmp);
    onsets.dedup_by(|later, earlier| *later - *earlier < SAME_S);
    let mut half_s = FIRST_HALF_S;
    let mut places = Vec::with_capacity(onsets.len());
    let (mut beat, mut before) = (0.0, onsets.first().copied().unwrap_or(0.0));
    for at_s in onsets {
        let halves = (at_s - before) / half_s;
        // Nothing but a quarter of a beat is shorter than half of one.
        let counted = if halves < 0.75 && halves > 0.0 { 0.5 } else { halves.round() };
        if counted >= 1.0 && ((at_s - before) / counted - half_s).abs() < OFF_S {
            half_s += HALF_GAIN * ((at_s - before) / counted - half_s);
        }
        beat += counted / 2.0;
        before = at_s;
        places.push((at_s, beat));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_in_steps_becomes_notes_on_beats() {
        // Two quarters of A, parted by one step, a rest of a beat, and a C two beats after the second; all in 736 ms a beat.
        let hz = |ms: usize| match ms {
            0..720 | 736..1472 => "440",
            2208..2944 => "523.25",
            _ => "",
        };
        let line = |step: usize| format!("{},{},,,\n", 16 * step, hz(16 * step));
        let text = format!("time,s,a,t,b\n{}", (0..200).map(line).collect::<String>());
        let read = notes(&text, 0).expect("a score");
        let midi: Vec<f64> = read.iter().map(|note| note.midi).collect();
        assert_eq!(midi, [69.0, 69.0, 72.0]);
        assert!((read[0].length_s - 0.736).abs() < 1e-9 && (read[1].length_s - 0.736).abs() < 1e-9);
        let beats: Vec<f64> = places(&[read]).iter().map(|place| place.1).collect();
        assert_eq!(beats, [0.0, 1.0, 3.0]);
    }
}
