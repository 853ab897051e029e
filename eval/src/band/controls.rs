//! Whether energy and density move what they are said to move.

use collavoce::compose::{Wanted, arranger};
use collavoce::score::{BarNumber, Part};
use collavoce::song::{Settings, Style};
use collavoce_data::arrange::Piece;
use collavoce_models::arranger::ArrangerNet;

/// Places of a control that are tried.
const PLACES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Songs and bars of each that are played at every place.
const SONGS: usize = 6;
const BARS: i32 = 16;

/// Prints notes a bar and mean velocity at every place of both controls.
pub fn print(net: &ArrangerNet, pieces: &[&Piece]) {
    let songs: Vec<&&Piece> =
        pieces.iter().filter(|piece| piece.set == "lieder" && piece.per_bar == 16).take(SONGS).collect();
    println!(
        "controls: notes a bar (mean velocity) of each part at 0, 1/4, 1/2, 3/4 and 1; rises says whether each is at least the one before"
    );
    for (control, of_density) in [("energy", false), ("density", true)] {
        for part in Part::ALL {
            let row: Vec<(f64, f64)> =
                PLACES.iter().map(|place| at(net, &songs, part, *place, of_density)).collect();
            let rises = |value: &dyn Fn(&(f64, f64)) -> f64| {
                if row.windows(2).all(|pair| value(&pair[1]) >= value(&pair[0])) {
                    "rises"
                } else {
                    "does not"
                }
            };
            let text: Vec<String> =
                row.iter().map(|(notes, level)| format!("{notes:5.2} ({level:3.0})")).collect();
            println!(
                "{control:9}{:9}{}  notes {}, velocity {}",
                part.name(),
                text.join(" "),
                rises(&|r| r.0),
                rises(&|r| r.1.round())
            );
        }
    }
    println!();
}

/// Notes a bar and mean velocity of a part at a place of a control, over all styles.
fn at(net: &ArrangerNet, songs: &[&&Piece], part: Part, place: f64, of_density: bool) -> (f64, f64) {
    let (mut notes, mut velocity, mut bars) = (0.0, 0.0, 0.0);
    for song in songs {
        for style in Style::ALL {
            let mut settings = Settings { style: *style, ..Settings::default() };
            let mut score = song.score.clone();
            score.bars += 4;
            if of_density {
                settings.density.push((part, place));
            }
            score.sections.iter_mut().for_each(|s| s.energy = if of_density { 0.5 } else { place });
            let wanted: Vec<Wanted> = Part::ALL.map(|part| (part, 1)).to_vec();
            for number in 1..=BARS.min(song.bars() as i32) {
                let written = arranger::bar(net, &score, &settings, BarNumber(number), &wanted);
                for note in written.iter().filter(|bar| bar.part == part).flat_map(|bar| &bar.notes) {
                    notes += 1.0;
                    velocity += f64::from(note.velocity.get());
                }
                bars += 1.0;
                score.parts.extend(written);
            }
        }
    }
    (notes / f64::max(bars, 1.0), velocity / f64::max(notes, 1.0))
}
