//! What a bar of the arranger costs, and how much memory the networks of the band take.

use std::time::Instant;

use collavoce::compose::{Wanted, arranger};
use collavoce::score::{BarNumber, Part};
use collavoce::song::Settings;
use collavoce_data::arrange::Piece;
use collavoce_models::arranger::ArrangerNet;
use collavoce_models::harmony::HarmonyNet;

/// Bars of each song that are written.
const BARS: i32 = 16;
/// Songs.
const SONGS: usize = 6;

/// What of this process is in memory, in MB; none where the system does not tell.
fn resident_mb() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0 / 1e6)
}

/// Prints by how much the process grows with both networks that write, which all instances in it share. It is to be
/// called before anything else needs them.
pub fn print_memory() -> anyhow::Result<()> {
    let before = resident_mb();
    HarmonyNet::embedded()?;
    ArrangerNet::embedded()?;
    if let (Some(before), Some(after)) = (before, resident_mb()) {
        println!("harmoniser and arranger: {:.1} MB of memory\n", after - before);
    }
    Ok(())
}

/// Prints how long a bar of all parts takes, four bars before it included.
pub fn print(net: &ArrangerNet, pieces: &[&Piece]) {
    let settings = Settings::default();
    let wanted: Vec<Wanted> = Part::ALL.map(|part| (part, 1)).to_vec();
    let mut seconds = Vec::new();
    let songs = pieces.iter().filter(|piece| piece.set == "lieder" && piece.per_bar == 16);
    for song in songs.take(SONGS) {
        let mut score = song.score.clone();
        score.bars += 4;
        for number in 1..=BARS.min(song.bars() as i32) {
            let begun = Instant::now();
            let written = arranger::bar(net, &score, &settings, BarNumber(number), &wanted);
            seconds.push(begun.elapsed().as_secs_f64());
            score.parts.extend(written);
        }
    }
    seconds.sort_by(f64::total_cmp);
    let Some(last) = seconds.len().checked_sub(1) else { return };
    let at = |share: f64| 1e3 * seconds[(last as f64 * share) as usize];
    println!(
        "a bar of all parts in 4/4: median {:.1} ms, 99 of 100 {:.1} ms ({} bars)",
        at(0.5),
        at(0.99),
        seconds.len()
    );
}
