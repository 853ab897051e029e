//! How strongly the bands of a mix grow at each place of the bar, counted in recordings whose beats are known.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use collavoce::audio::{Conversion, read_mono};
use collavoce::follow::mix::pulse::{Counts, PLACES, change_level, level};
use collavoce::follow::mix::{changes, harmony_between};
use collavoce::listen::mix::{Harmony, listen_to_mix};
use collavoce::time::Meter;

/// Metres that are counted.
const METERS: [Meter; 2] = [Meter::FOUR_FOUR, Meter::THREE_FOUR];

/// Counts every recording of a folder that has an analysis of the same name beside it (`collavoce.analysis/1`, with
/// beats), and prints `src/follow/mix/pulse.txt`.
pub fn run(folder: &Path) -> anyhow::Result<()> {
    let mut counts = METERS.map(|meter| (meter, Counts::new(meter.beats_per_bar())));
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "wav"));
    paths.sort();
    let mut songs = 0;
    for path in &paths {
        let truth = path.with_extension("json");
        let text = std::fs::read_to_string(&truth).with_context(|| format!("{}", truth.display()))?;
        let truth: serde_json::Value = serde_json::from_str(&text)?;
        songs += usize::from(count(path, &truth, &mut counts)?);
    }
    println!(
        "# Growth of the spectrum by place in the bar, counted by `cargo xtask eval pulse` in {songs} songs. flux: a \
         line a place,\n# 24 to the beat; hops by level of the low, the middle and the high band. change: a line a \
         beat; beat lines by\n# level of the change of harmony. The songs are OpenEWLD lead sheets (works first \
         performed by 1930, public domain)\n# played by MMA grooves (band_renders, GPL-2.0-or-later) and FluidSynth; \
         most of them with a tempo that sways."
    );
    for (meter, counts) in &counts {
        print!("{}", counts.text(*meter));
    }
    Ok(())
}

/// Counts a song; tells whether its metre is one of those counted.
fn count(path: &Path, truth: &serde_json::Value, counts: &mut [(Meter, Counts)]) -> anyhow::Result<bool> {
    let beats = truth["beats"].as_array().context("no beats")?;
    let beats: Vec<(usize, usize)> = beats
        .iter()
        .map(|beat| {
            let time_s = beat["time_s"].as_f64().unwrap_or(0.0);
            ((time_s * 100.0).round() as usize, beat["beat"].as_u64().unwrap_or(1) as usize - 1)
        })
        .collect();
    let per_bar = beats.iter().map(|(_, place)| place + 1).max().unwrap_or(0);
    let Some((_, counts)) = counts.iter_mut().find(|(meter, _)| meter.beats_per_bar() == per_bar) else {
        return Ok(false);
    };
    let input = read_mono(path, Conversion::Whole, &mut |_| {})?;
    let heard = listen_to_mix(&input.samples);
    let harmonies: Vec<Harmony> = heard.iter().filter_map(|o| o.harmony).collect();
    let pairs: Vec<_> = beats.windows(2).map(|pair| (pair[0], pair[1].0)).collect();
    let sounding: Vec<_> =
        pairs.iter().map(|((from, _), to)| harmony_between(&harmonies, *from, *to, usize::MAX)).collect();
    let changes = changes(&sounding);
    let mean = changes.iter().sum::<f32>() / changes.len().max(1) as f32;
    for (((from, place), to), change) in pairs.into_iter().zip(changes) {
        counts.change[place][change_level(change / mean)] += 1;
        let hops = to.saturating_sub(from).max(1);
        for (since, observation) in heard.iter().skip(from).take(hops).enumerate() {
            let unit = (since * PLACES * 2 + hops) / (2 * hops);
            let unit = (place * PLACES + unit) % (per_bar * PLACES);
            for (counts, flux) in counts.flux[unit].iter_mut().zip(observation.flux) {
                counts[level(flux)] += 1;
            }
        }
    }
    Ok(true)
}
