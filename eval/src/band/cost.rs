//! What a bar of the arranger costs.

use std::time::Instant;

use collavoce::compose::{Wanted, arranger};
use collavoce::score::{BarNumber, Part};
use collavoce::song::Settings;
use collavoce_data::arrange::Piece;
use collavoce_models::arranger::ArrangerNet;

/// Bars of each song that are written.
const BARS: i32 = 16;
/// Songs.
const SONGS: usize = 6;

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
