//! Whether a style moves the drums towards those who play it.

use collavoce::compose::arranger::played::Played;
use collavoce::compose::arranger::{self, wish};
use collavoce::score::{BarNumber, Part};
use collavoce::song::{Settings, Style};
use collavoce_data::arrange::Piece;
use collavoce_models::arranger::ArrangerNet;

use super::statistics::{Groove, MANNERS};

/// Songs that are played in every style, and bars of each.
const SONGS: usize = 8;
const BARS: usize = 16;

/// Prints how alike the drums of every style are to drummers of every style's manner.
pub fn print(net: &ArrangerNet, learnt: &[Piece], pieces: &[&Piece]) {
    let ours: Vec<Option<Groove>> = Style::ALL.iter().map(|style| ours(net, pieces, *style)).collect();
    println!("styles: cosine between drums in a style and drummers of the manner that each style asks for");
    print!("{:10}", "style");
    let manners: Vec<usize> = Style::ALL
        .iter()
        .filter_map(|style| {
            wish::wish(&Settings { style: *style, ..Settings::default() }, 0.5).styles
                [wish::index_of(Part::Drums)]
        })
        .collect();
    manners.iter().for_each(|manner| print!("{:>10}", MANNERS[*manner]));
    println!();
    let people: Vec<Option<Groove>> = manners.iter().map(|manner| theirs(learnt, *manner)).collect();
    let likeness = |ours: &Option<Groove>, people: &Option<Groove>| match (ours, people) {
        (Some(ours), Some(people)) => ours.likeness(people),
        _ => 0.0,
    };
    for (style, ours) in Style::ALL.iter().zip(&ours) {
        print!("{:10}", style.name());
        people.iter().for_each(|people| print!("{:>10.2}", likeness(ours, people)));
        println!();
    }
    print!("{:10}", "nearest");
    for people in &people {
        let of = |style: &usize| likeness(&ours[*style], people);
        let nearest = (0..ours.len()).max_by(|a, b| of(a).total_cmp(&of(b)));
        print!("{:>10}", nearest.map_or("-", |style| Style::ALL[style].name()));
    }
    println!("\n");
}

/// What drummers of a manner play.
fn theirs(learnt: &[Piece], manner: usize) -> Option<Groove> {
    let of = learnt.iter().filter(|piece| {
        piece.set == "gmd" && piece.per_bar == 16 && piece.steps[0].wish.styles[0] == Some(manner)
    });
    Groove::of(of.map(|piece| &piece.played.frames[..]))
}

/// What our drums play in a style.
fn ours(net: &ArrangerNet, pieces: &[&Piece], style: Style) -> Option<Groove> {
    let songs = pieces.iter().filter(|piece| piece.set == "lieder" && piece.per_bar == 16).take(SONGS);
    let settings = Settings { style, ..Settings::default() };
    let played: Vec<Played> = songs
        .map(|song| {
            let bars = BARS.min(song.bars());
            let mut score = song.score.clone();
            score.bars += 4;
            score.sections.iter_mut().for_each(|section| section.energy = 0.5);
            for number in 1..=bars as i32 {
                let written = arranger::bar(net, &score, &settings, BarNumber(number), &[(Part::Drums, 1)]);
                score.parts.extend(written);
            }
            Played::of(&score, BarNumber(1), bars, |_, _| true)
        })
        .collect();
    Groove::of(played.iter().map(|played| &played.frames[..]))
}
