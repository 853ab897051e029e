//! What is printed.

use super::Outcome;
use super::case::{Case, Known, Situation};
use crate::follow::measure::{median, quantile};

type Rows<'a> = [(&'a Case, &'a Outcome)];

fn share<'a>(right: impl Iterator<Item = &'a bool>) -> f64 {
    let right: Vec<f64> = right.map(|right| f64::from(u8::from(*right))).collect();
    if right.is_empty() { f64::NAN } else { right.iter().sum::<f64>() / right.len() as f64 }
}

/// One line for a case.
pub fn print_case(case: &Case, outcome: &Outcome) {
    println!(
        "{:3} {:22} {:?} {:3.0} {} {:?} follower {:.3} same notes {:.3} warping {:.3} waits {:.1?} false {} after {:?} again {:.1?}",
        case.number,
        case.situation.name(),
        case.known,
        case.bpm,
        case.meter,
        case.room,
        share(outcome.beats[0].iter()),
        share(outcome.same.iter()),
        share(outcome.beats[1].iter()),
        outcome.waits,
        outcome.false_waits,
        outcome.after_hold,
        outcome.recovery,
    );
}

/// All tables.
pub fn print(outcomes: &[(Case, Outcome)]) {
    for (known, title) in [(Known::Counted, "tempo and bar 1 known"), (Known::Nothing, "tempo not known")] {
        let of: Vec<(&Case, &Outcome)> =
            outcomes.iter().filter(|row| row.0.known == known).map(|row| (&row.0, &row.1)).collect();
        println!("{title}: {} cases; share of beats foretold a beat before within 70 ms", of.len());
        println!(
            "                       cases follower same notes warping | waits found when not per 100 beats"
        );
        for situation in Situation::ALL {
            let rows: Vec<_> = of.iter().filter(|row| row.0.situation == situation).copied().collect();
            print_row(situation.name(), &rows);
        }
        print_row("all", &of);
        print_stated(&of);
        println!();
    }
    let all: Vec<(&Case, &Outcome)> = outcomes.iter().map(|row| (&row.0, &row.1)).collect();
    print_recovery(&all);
    print_holds(&all);
}

fn print_row(name: &str, rows: &Rows) {
    let beats = |which: usize| share(rows.iter().flat_map(|row| &row.1.beats[which]));
    let waits: usize = rows.iter().map(|row| row.1.false_waits).sum();
    let sung: usize = rows.iter().map(|row| row.1.sung_beats).sum();
    println!(
        "{name:22} {:5} {:8.3} {:10.3} {:7.3} | {:5.2}",
        rows.len(),
        beats(0),
        share(rows.iter().flat_map(|row| &row.1.same)),
        beats(1),
        100.0 * waits as f64 / sung.max(1) as f64,
    );
}

/// What a stated probability is worth.
fn print_stated(rows: &Rows) {
    print!("right where the stated probability is");
    for (low, high) in [(0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.1)] {
        let within = |stated: &&(f64, bool)| (low..high).contains(&stated.0);
        let right: Vec<bool> =
            rows.iter().flat_map(|row| row.1.stated.iter().filter(within).map(|stated| stated.1)).collect();
        print!("  {low} to {high:.2}: {:.3} of {}", share(right.iter()), right.len());
    }
    println!();
}

fn print_recovery(rows: &Rows) {
    println!("bars from a jump until the place is right: median, share within 2 bars, never");
    for situation in [Situation::Skip, Situation::Repeat] {
        for (which, name) in ["of the song", "of the same notes"].into_iter().enumerate() {
            let bars: Vec<Option<f64>> = rows
                .iter()
                .filter(|row| row.0.situation == situation)
                .filter_map(|row| row.1.recovery.map(|bars| bars[which]))
                .collect();
            let found: Vec<f64> = bars.iter().flatten().copied().collect();
            let soon = found.iter().filter(|bars| **bars <= 2.0).count();
            println!(
                "  {:14} {name:18} {:.1}, {:.2}, {} of {}",
                situation.name(),
                median(&found).unwrap_or(f64::NAN),
                soon as f64 / bars.len().max(1) as f64,
                bars.len() - found.len(),
                bars.len()
            );
        }
    }
}

fn print_holds(rows: &Rows) {
    println!(
        "beats from a note that does not come until the follower waits: median, 90 %, share within half a beat, \
         share found; first beat after two onsets within 70 ms"
    );
    for situation in [Situation::Fermata, Situation::Pause, Situation::Break] {
        let of = || rows.iter().filter(move |row| row.0.situation == situation);
        let waits: Vec<Option<f64>> = of().flat_map(|row| row.1.waits.clone()).collect();
        let found: Vec<f64> = waits.iter().flatten().copied().collect();
        let count = waits.len().max(1) as f64;
        println!(
            "  {:20} {:.2} {:.2} {:.2} {:.2} of {}; {:.2} of {}",
            situation.name(),
            median(&found).unwrap_or(f64::NAN),
            quantile(&found, 0.9).unwrap_or(f64::NAN),
            found.iter().filter(|beats| **beats <= 0.5).count() as f64 / count,
            found.len() as f64 / count,
            waits.len(),
            share(of().flat_map(|row| &row.1.after_hold)),
            of().map(|row| row.1.after_hold.len()).sum::<usize>(),
        );
    }
}
