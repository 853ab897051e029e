//! Keys found in melodies whose key is written.

use std::path::Path;

use collavoce::follow::key::rank_keys;
use collavoce::score::{MidiNote, Mode};

use crate::songs::{self, Split};

/// Seconds of a beat: keys are found from how long notes last.
const BEAT_S: f64 = 0.6;

/// Prints how often the first, or one of the first two keys is the written one.
pub fn run(folder: &Path, validate: bool) -> anyhow::Result<()> {
    let wanted = if validate { Split::Validate } else { Split::Develop };
    println!("{:12} {:6} {:>6} {:>6} {:>10}", "set", "mode", "songs", "exact", "first two");
    // The voices of art songs do not say whether they are in major or in minor.
    for set in songs::read(folder)?.into_iter().filter(|set| set.name != "art songs") {
        for (mode, mode_name) in [(Mode::Major, "major"), (Mode::Minor, "minor")] {
            let (mut songs, mut exact, mut two) = (0.0f64, 0.0, 0.0);
            let tunes = set.tunes.iter().filter(|(split, tune)| *split == wanted && tune.key.mode == mode);
            for (_, tune) in tunes {
                let beat = tune.meter.beat().0 as f64;
                let notes: Vec<(MidiNote, f64)> = tune
                    .melody
                    .iter()
                    .map(|(start, end, midi)| (MidiNote(*midi), (*end - *start).0 as f64 / beat * BEAT_S))
                    .collect();
                let ranked = rank_keys(&notes);
                let place = ranked.iter().position(|guess| guess.key == tune.key);
                songs += 1.0;
                exact += f64::from(u8::from(place == Some(0)));
                two += f64::from(u8::from(place.is_some_and(|place| place < 2)));
            }
            let share = |sum: f64| sum / songs.max(1.0);
            println!("{:12} {mode_name:6} {songs:>6} {:>6.3} {:>10.3}", set.name, share(exact), share(two));
        }
    }
    Ok(())
}
