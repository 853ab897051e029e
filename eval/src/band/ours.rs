//! Pieces that people played, played anew by rules and by the network.

use collavoce::compose::arranger::played::Played;
use collavoce::compose::arranger::{self, wish};
use collavoce::compose::rules::Rules;
use collavoce::score::{BarNumber, ChordSpan, ChordSymbol, Part, PartBar, Score};
use collavoce::song::{Seed, Settings, Style};
use collavoce_data::arrange::Piece;
use collavoce_models::arranger::{ArrangerNet, Step};

use super::PART_VOICES;

/// Most bars of a piece that are played anew.
const MOST_BARS: usize = 24;

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// The rules.
    Rules,
    /// The network.
    Network,
    /// Those who played or wrote it.
    People,
}

/// All of them.
pub const PLAYERS: [(Player, &str); 3] =
    [(Player::Rules, "rules"), (Player::Network, "network"), (Player::People, "people")];

/// A part of a piece by somebody.
#[derive(Debug)]
pub struct Performance {
    /// The song.
    pub song: String,
    /// The part, in the order of the network.
    pub part: usize,
    /// Who plays.
    pub player: Player,
    /// Steps of a bar and of a beat.
    pub per_bar: usize,
    /// See `per_bar`.
    pub per_beat: usize,
    /// What is known of the steps.
    pub steps: Vec<Step>,
    /// What is played.
    pub played: Played,
}

/// Plays all parts of pieces that people are known to have played.
pub fn play(net: &ArrangerNet, pieces: &[&Piece], seeds: u64) -> Vec<Performance> {
    let mut all = Vec::new();
    for piece in pieces {
        let bars = piece.bars().min(MOST_BARS);
        let steps = piece.steps[..bars * piece.per_bar].to_vec();
        for (part, (_, voices)) in PART_VOICES.iter().enumerate() {
            if !voices.clone().all(|voice| piece.told[voice]) {
                continue;
            }
            let performance = |player, played| Performance {
                song: piece.name.clone(),
                part,
                player,
                per_bar: piece.per_bar,
                per_beat: piece.per_beat,
                steps: steps.clone(),
                played,
            };
            let mut people = piece.played.clone();
            people.frames.truncate(steps.len());
            people.pitches.truncate(steps.len());
            all.push(performance(Player::People, people));
            let energy = energy_of(piece, part, bars);
            for seed in 1..=seeds {
                for player in [Player::Rules, Player::Network] {
                    let settings = settings(piece, wish::ORDER[part], seed);
                    let score = alone(net, piece, (bars, energy), &settings, player);
                    all.push(performance(player, Played::of(&score, BarNumber(1), bars, |_, _| true)));
                }
            }
        }
    }
    all
}

/// The style that a piece comes nearest to.
pub fn style_of(piece: &Piece) -> Style {
    let styles = piece.steps[0].wish.styles;
    match (piece.set, styles[0], styles[1].or(styles[2])) {
        ("gmd", Some(5), _) | ("band_renders", _, Some(3)) => Style::Jazz,
        ("gmd", Some(7), _) | ("band_renders", _, Some(0)) => Style::Folk,
        ("gmd", Some(8), _) | ("lieder" | "quartets" | "jsb", _, _) | (_, _, Some(2)) => Style::Ballad,
        _ => Style::Pop,
    }
}

fn settings(piece: &Piece, part: Part, seed: u64) -> Settings {
    Settings { style: style_of(piece), parts: vec![part], seed: Seed(seed), ..Settings::default() }
}

/// The energy with which a part is asked to be as dense as people played it.
pub fn energy_of(piece: &Piece, part: usize, bars: usize) -> f64 {
    let (densities, _) = piece.played.densities(0..bars * piece.per_bar, piece.per_beat);
    let ask = |energy: f64| {
        let settings = settings(piece, wish::ORDER[part], 1);
        f64::from(wish::wish(&settings, energy).densities[part].unwrap_or(0.0))
    };
    let (low, high) = (ask(0.0), ask(1.0));
    ((f64::from(densities[part]) - low) / (high - low)).clamp(0.0, 1.0)
}

/// What a piece stands on, with an energy; where no chord is known, one stays.
pub fn grounded(piece: &Piece, bars: usize, energy: f64) -> Score {
    let mut score = piece.score.clone();
    score.bars = bars as u32 + 4;
    score.sections.iter_mut().for_each(|section| section.energy = energy);
    if score.chords.is_empty() {
        let (start, chord) = (score.bar(BarNumber(1)).start, ChordSymbol::tonic(score.key));
        score.chords.push(ChordSpan { start, length: score.end() - start, chord });
    }
    score
}

/// A piece with one part over its own chords; where none are known, over one that stays.
pub fn alone(
    net: &ArrangerNet,
    piece: &Piece,
    (bars, energy): (usize, f64),
    settings: &Settings,
    player: Player,
) -> Score {
    let mut score = grounded(piece, bars, energy);
    for number in 1..=bars as i32 {
        let wanted = [(settings.parts[0], 1)];
        let written: Vec<PartBar> = match player {
            Player::Rules => vec![Rules.part_bar(&score, settings, settings.parts[0], BarNumber(number), 1)],
            _ => arranger::bar(net, &score, settings, BarNumber(number), &wanted),
        };
        score.parts.extend(written);
    }
    score
}
