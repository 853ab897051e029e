//! How well sections are found: POP909's sung melodies against two people's labellings.
//!
//! Reads `pop909`, `pop909cl` and `pop909_sections` below `data/evaluation_only` of a folder. The songs 1 to 303 were
//! there to choose the weights of the objective on; the others are the test.

mod baseline;
mod measure;
pub mod pop909;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::ensure;
use collavoce::follow::sections::{FoundSection, Objective, find};

use measure::{Labelled, boundaries_f, pairs_f};
use pop909::Song;

/// The last song that weights were chosen on.
const LAST_TUNED: u32 = 303;

/// Figures of one way to find sections.
#[derive(Debug, Default)]
struct Figures {
    songs: usize,
    exact: f64,
    near: f64,
    pairs: f64,
}

impl Figures {
    fn add(&mut self, truth: &Labelled, found: &Labelled) {
        self.songs += 1;
        self.exact += boundaries_f(truth, found, 0);
        self.near += boundaries_f(truth, found, 1);
        self.pairs += pairs_f(truth, found);
    }

    fn line(&self, name: &str) -> String {
        let mean = |sum: f64| sum / self.songs.max(1) as f64;
        format!("{name:36} {:6.3} {:9.3} {:7.3}", mean(self.exact), mean(self.near), mean(self.pairs))
    }
}

/// Prints boundary and label F-measures of the songs that weights were chosen on, and of the others.
pub fn run(folder: &Path) -> anyhow::Result<()> {
    let folder = folder.join("data/evaluation_only");
    let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
    let mut songs = Vec::new();
    for number in pop909::numbers(&folder)? {
        match Song::read(&folder, number)? {
            Ok(song) => songs.push(song),
            Err(reason) => *left_out.entry(reason).or_default() += 1,
        }
    }
    ensure!(!songs.is_empty(), "{} holds no song that can be measured", folder.display());
    for (reason, count) in &left_out {
        println!("left out {count:3} songs: {reason}");
    }
    let (tuned, others): (Vec<&Song>, Vec<&Song>) = songs.iter().partition(|song| song.number <= LAST_TUNED);
    print_table(&format!("songs 1 to {LAST_TUNED}, weights chosen on them"), &tuned);
    print_table("the other songs", &others);
    Ok(())
}

fn print_table(title: &str, songs: &[&Song]) {
    println!("\n{title}: {} songs, each against two people; means over songs", songs.len());
    println!("{:36} {:>6} {:>9} {:>7}", "", "bar", "+-1 bar", "labels");
    type Finder = fn(&Song) -> Labelled;
    let ours: Finder = |song| found(song, &Objective::default());
    let finders: [(&str, Finder); 4] = [
        ("every 8 bars another letter", baseline::every_eight),
        ("bar counts and alike places", baseline::bar_counts),
        ("self-similarity", ours),
        ("one person against the other", |song| song.labels[1].clone()),
    ];
    for (name, finder) in finders {
        let mut figures = Figures::default();
        for song in songs {
            let found = finder(song);
            // People are compared both ways: which of them is the truth decides where the song ends.
            if name.starts_with("one person") {
                figures.add(&song.labels[0], &found);
                figures.add(&found, &song.labels[0]);
            } else {
                song.labels.iter().for_each(|truth| figures.add(truth, &found));
            }
        }
        println!("{}", figures.line(name));
    }
}

fn found(song: &Song, objective: &Objective) -> Labelled {
    label(&find(&song.melody(), objective))
}

/// Labels of sections: the rests at both ends have labels of their own, as people give them.
fn label(sections: &[FoundSection]) -> Labelled {
    let sung = sections.iter().filter(|s| s.letter.is_some()).map(|s| s.first).collect::<Vec<_>>();
    let (first, last) = (sung.first().copied().unwrap_or(0), sung.last().copied().unwrap_or(0));
    Labelled::new(sections.iter().map(|section| {
        let label = match section.letter {
            Some(letter) => letter.to_string(),
            None if section.first < first => "intro".to_owned(),
            None if section.first > last => "outro".to_owned(),
            None => "rest".to_owned(),
        };
        (label, section.bars)
    }))
}
