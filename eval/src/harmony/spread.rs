//! How sure figures are: over songs, and over the seeds of a training.

use collavoce::song::Rng;

use super::figures::Figures;

/// Draws of as many songs as there are.
const DRAWS: usize = 4_000;
/// Seed of the draws.
const SEED: u64 = 1;
/// Share of the draws on either side of an interval.
const TAIL: f64 = 0.025;

/// What was measured in one song: agreeing and compared time.
pub type Measured = (f64, f64);

/// The 95 % interval of the share over songs, by bootstrap (Efron and Tibshirani 1993, percentiles); with another way to
/// harmonise the same songs, of the difference to it.
pub fn interval(songs: &[Measured], other: Option<&[Measured]>) -> (f64, f64) {
    let mut rng = Rng::keyed(&[SEED, songs.len() as u64]);
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let picks: Vec<usize> = (0..songs.len()).map(|_| rng.below(songs.len())).collect();
            let share = |songs: &[Measured]| {
                let sums =
                    picks.iter().fold((0.0, 0.0), |sum, at| (sum.0 + songs[*at].0, sum.1 + songs[*at].1));
                sums.0 / f64::max(sums.1, 1.0)
            };
            share(songs) - other.map_or(0.0, share)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn[((DRAWS - 1) as f64 * share).round() as usize];
    (at(TAIL), at(1.0 - TAIL))
}

/// Prints the shares of right chords of two ways to harmonise the same songs, and their difference, with their intervals.
pub fn print(names: [&str; 2], figures: [&Figures; 2]) {
    let songs = figures.map(Figures::songs);
    if songs[0].is_empty() {
        return;
    }
    let [a, b] = figures.map(Figures::majmin);
    for (name, share, songs) in [(names[0], a, songs[0]), (names[1], b, songs[1])] {
        let (from, to) = interval(songs, None);
        println!("  {name:22} {share:>6.3}  {from:.3} to {to:.3}");
    }
    let (from, to) = interval(songs[0], Some(songs[1]));
    println!("  {:22} {:>+6.3}  {from:+.3} to {to:+.3}", "difference", a - b);
}

/// Mean, standard deviation, least and most of a figure over seeds.
pub fn over_seeds(values: &[f64]) -> String {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / (values.len().max(2) - 1) as f64).sqrt();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{mean:>6.3} {deviation:>6.3} {least:>6.3} {most:>6.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_the_share_and_shrink_with_songs() {
        let songs =
            |count: usize| (0..count).map(|at| (f64::from(u8::from(at % 4 == 0)), 1.0)).collect::<Vec<_>>();
        let (few, many) = (interval(&songs(16), None), interval(&songs(400), None));
        for (from, to) in [few, many] {
            assert!(from < 0.25 && 0.25 < to, "{from} to {to}");
        }
        assert!(many.1 - many.0 < (few.1 - few.0) / 3.0);
        // 1.96 standard errors of a share of a quarter.
        assert!((many.1 - 0.25 - 1.96 * (0.25f64 * 0.75 / 400.0).sqrt()).abs() < 0.01);
        let same = interval(&songs(16), Some(&songs(16)));
        assert_eq!(same, (0.0, 0.0));
    }

    #[test]
    fn seeds() {
        assert_eq!(over_seeds(&[0.5, 0.6, 0.7]), " 0.600  0.100  0.500  0.700");
    }
}
