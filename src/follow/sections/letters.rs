//! Letters and roles of sections.

use super::cut::Run;
use super::likeness::Likeness;
use super::{FoundSection, Melody, Role};

/// A letter number for each sung run: average-linkage clustering of how like they are, down to a likeness.
pub fn letters(runs: &[Run], likeness: &Likeness, alike: f64) -> Vec<Option<usize>> {
    let sung: Vec<usize> = (0..runs.len()).filter(|index| runs[*index].sung).collect();
    let count = sung.len();
    let run = |index: usize| (runs[sung[index]].first, runs[sung[index]].bars);
    let mut likes = vec![0.0f64; count * count];
    for a in 0..count {
        for b in 0..a {
            let value = f64::from(likeness.of_runs(run(b), run(a)));
            (likes[a * count + b], likes[b * count + a]) = (value, value);
        }
    }
    let like = &likes;
    let mut groups: Vec<Vec<usize>> = (0..count).map(|index| vec![index]).collect();
    loop {
        let mut best = (alike, 0, 0);
        for b in 1..groups.len() {
            for a in 0..b {
                let pairs = groups[a].iter().flat_map(|x| groups[b].iter().map(move |y| like[x * count + y]));
                let mean = pairs.sum::<f64>() / (groups[a].len() * groups[b].len()) as f64;
                if mean > best.0 {
                    best = (mean, a, b);
                }
            }
        }
        if best.2 == 0 {
            break;
        }
        let joined = groups.remove(best.2);
        groups[best.1].extend(joined);
    }
    let mut letters = vec![None; runs.len()];
    for (letter, group) in groups.iter().enumerate() {
        for member in group {
            letters[sung[*member]] = Some(letter);
        }
    }
    letters
}

/// Numbers letters by which is sung first.
pub fn name_in_order(sections: &mut [FoundSection]) {
    let mut order: Vec<usize> = Vec::new();
    for section in sections {
        let Some(letter) = &mut section.letter else { continue };
        let place = order.iter().position(|known| known == letter);
        *letter = place.unwrap_or_else(|| {
            order.push(*letter);
            order.len() - 1
        });
    }
}

/// Guesses what each section is.
pub fn guess_roles(melody: &Melody<'_>, sections: &mut [FoundSection]) {
    let _ = melody;
    for section in sections {
        section.role = if section.letter.is_none() { Role::Rest } else { Role::Other };
    }
}
