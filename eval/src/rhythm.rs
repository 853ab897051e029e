//! Counts rhythm in open scores; what `src/follow/rhythm/priors.txt` holds comes from here.

use std::path::Path;

use collavoce::follow::rhythm::priors::{Counts, LONGEST_BEATS, METERS, UNITS, leap};
use collavoce::time::{Meter, TickCount};

use collavoce_data::rubato::{counted_as, is_songlike};
use collavoce_data::songs::{self, Split};
use collavoce_data::tune::Tune;

/// A rest after which a phrase begins, in beats.
const PHRASE_REST: f64 = 0.4;
/// How often a set counts: lead sheets are few, and nearest to what people sing today.
const WEIGHTS: [(&str, u32); 3] = [("folk tunes", 1), ("lead sheets", 4), ("art songs", 1)];
/// Where they come from.
const SOURCES: &str = "\
# folk tunes: the Nottingham music database (GPL-3.0); lead sheets: OpenEWLD, works first performed by 1930 (public\n\
# domain); art songs: the sung lines of OpenScore Lieder (CC0). Seven songs in ten are counted, chosen by their name.\n";

/// Prints the counts of the learning split.
pub fn run(folder: &Path) -> anyhow::Result<()> {
    let mut all: Vec<Counts> = METERS.iter().map(|m| Counts::new(m.beats_per_bar())).collect();
    let mut header = String::from(
        "# Rhythm of open scores, counted by `cargo xtask eval rhythm`. Units are twelfths of a beat; start: the unit of\n\
         # the bar that a phrase begins at, from: the unit of a note, then units to the next one, each with its count.\n",
    );
    for set in songs::read(folder)? {
        let weight = WEIGHTS.iter().find(|(name, _)| *name == set.name).map_or(1, |(_, weight)| *weight);
        let mut used = 0;
        for (_, tune) in set.tunes.iter().filter(|(split, _)| *split == Split::Learn) {
            used += u32::from(count(tune, weight, &mut all));
        }
        header += &format!(
            "# {}: {used} songs with a share of long notes, counted {weight} times ({} could not be read)\n",
            set.name, set.refused
        );
    }
    print!("{header}{SOURCES}{}", Counts::write(&all));
    Ok(())
}

/// Unit of the bar of every note, counted from the first bar line; none where one lies off the units.
pub fn units(tune: &Tune, beat: TickCount) -> Vec<Option<i64>> {
    let unit = beat.0 / UNITS as i64;
    tune.melody.iter().map(|(start, _, _)| (start.0 % unit == 0).then(|| start.0 / unit)).collect()
}

fn count(tune: &Tune, weight: u32, all: &mut [Counts]) -> bool {
    let Some((meter, beat)) = counted_as(tune.meter).filter(|(_, beat)| is_songlike(tune, *beat)) else {
        return false;
    };
    add(tune, meter, beat, weight, all);
    if tune.meter == Meter::TWO_FOUR {
        add(tune, Meter::TWO_FOUR, beat, weight, all);
    }
    true
}

fn add(tune: &Tune, meter: Meter, beat: TickCount, weight: u32, all: &mut [Counts]) {
    let Some(counts) = METERS.iter().position(|m| *m == meter).and_then(|index| all.get_mut(index)) else {
        return;
    };
    let bar = (meter.beats_per_bar() * UNITS) as i64;
    let units = units(tune, beat);
    for (index, unit) in units.iter().enumerate() {
        let Some(unit) = unit else { continue };
        let place = unit.rem_euclid(bar) as usize;
        let rest = index.checked_sub(1).map(|before| tune.melody[index].0 - tune.melody[before].1);
        if rest.is_none_or(|rest| rest.0 as f64 >= PHRASE_REST * beat.0 as f64) {
            counts.starts[place] += weight;
        }
        if let Some(before) = index.checked_sub(1) {
            let semitones = f64::from(tune.melody[index].2) - f64::from(tune.melody[before].2);
            counts.leaps[place][leap(semitones)] += weight;
        }
        if let Some(Some(next)) = units.get(index + 1) {
            let step = (next - unit) as usize;
            if (1..=LONGEST_BEATS * UNITS).contains(&step) {
                counts.steps[place][step] += weight;
            }
        }
    }
}
