//! Recipes of kick, snare, toms and what is struck on them.

use super::piece::{Band, Partial, Recipe, Sweep};

fn partials(list: &[(f32, f32, f32)]) -> Vec<Partial> {
    list.iter().map(|&(hz, t60_s, level)| Partial { hz, t60_s, level }).collect()
}

fn bands(list: &[(f32, f32, f32, f32, f32)]) -> Vec<Band> {
    list.iter().map(|&(hz, q, rise_s, t60_s, level)| Band { hz, q, rise_s, t60_s, level }).collect()
}

/// Bass drum: gliding skin, shell, and the beater's slap and click.
pub(super) fn kick() -> Recipe {
    Recipe {
        partials: partials(&[
            (98.0, 0.48, 0.050),
            (164.0, 0.36, 0.043),
            (238.0, 0.3, 0.060),
            (317.0, 0.26, 0.021),
            (432.0, 0.21, 0.018),
            (585.0, 0.18, 0.016),
            (790.0, 0.15, 0.014),
            (1_080.0, 0.12, 0.016),
            (1_530.0, 0.096, 0.015),
            (2_150.0, 0.078, 0.014),
            (2_900.0, 0.06, 0.011),
            (3_800.0, 0.048, 0.009),
        ]),
        bands: bands(&[
            (420.0, 0.8, 0.000_6, 0.19, 0.78),
            (1_500.0, 0.8, 0.000_3, 0.006, 0.5),
            (3_600.0, 0.8, 0.000_2, 0.004, 0.52),
            (7_500.0, 0.7, 0.000_3, 0.003_5, 0.55),
        ]),
        sweep: Some(Sweep { from_hz: 105.0, to_hz: 70.0, glide_s: 0.017, t60_s: 0.28, level: 1.25 }),
        pan: 0.0,
        width: 0.05,
    }
}

/// Snare drum: two skins coupled, wires.
pub(super) fn snare() -> Recipe {
    Recipe {
        partials: partials(&[
            (187.0, 0.30, 0.50),
            (229.0, 0.20, 0.20),
            (331.0, 0.24, 0.32),
            (398.0, 0.17, 0.16),
            (487.0, 0.16, 0.15),
            (562.0, 0.14, 0.12),
            (688.0, 0.12, 0.12),
            (823.0, 0.11, 0.10),
            (1_010.0, 0.10, 0.09),
            (1_420.0, 0.07, 0.07),
            (1_960.0, 0.05, 0.06),
            (2_740.0, 0.04, 0.05),
        ]),
        bands: bands(&[
            (1_150.0, 0.7, 0.000_6, 0.36, 0.36),
            (2_600.0, 0.7, 0.000_5, 0.40, 0.42),
            (5_200.0, 0.7, 0.000_4, 0.28, 0.26),
            (9_500.0, 0.8, 0.000_3, 0.18, 0.17),
        ]),
        sweep: Some(Sweep { from_hz: 255.0, to_hz: 190.0, glide_s: 0.012, t60_s: 0.16, level: 0.34 }),
        pan: 0.06,
        width: 0.08,
    }
}

/// Snare drum under a brush: a slap that spreads, little of the skin.
pub(super) fn brushed() -> Recipe {
    let mut recipe = snare();
    for partial in &mut recipe.partials {
        partial.level *= 0.35;
    }
    recipe.bands = bands(&[
        (900.0, 0.7, 0.003, 0.20, 0.30),
        (2_400.0, 0.7, 0.004, 0.26, 0.40),
        (5_200.0, 0.7, 0.005, 0.26, 0.36),
        (9_500.0, 0.8, 0.005, 0.20, 0.26),
    ]);
    if let Some(sweep) = &mut recipe.sweep {
        sweep.level *= 0.4;
    }
    recipe
}

/// Stick laid across the snare drum and struck on its rim.
pub(super) fn cross_stick() -> Recipe {
    Recipe {
        partials: partials(&[
            (415.0, 0.16, 0.10),
            (910.0, 0.12, 0.14),
            (1_690.0, 0.13, 0.36),
            (2_480.0, 0.12, 0.44),
            (3_570.0, 0.10, 0.40),
            (5_100.0, 0.08, 0.28),
            (7_300.0, 0.06, 0.16),
        ]),
        bands: bands(&[
            (2_600.0, 0.9, 0.000_2, 0.10, 0.5),
            (6_000.0, 0.7, 0.000_2, 0.13, 1.0),
            (10_000.0, 0.8, 0.000_2, 0.09, 0.7),
        ]),
        sweep: None,
        pan: 0.06,
        width: 0.05,
    }
}

/// A tom with its fundamental in Hz.
pub(super) fn tom(hz: f32, pan: f32) -> Recipe {
    let long = (100.0 / hz).sqrt();
    let modes = [1.594, 2.136, 2.296, 2.653, 2.918, 3.50, 4.06, 5.13, 6.7, 9.2];
    let mut partials: Vec<Partial> = modes
        .iter()
        .enumerate()
        .map(|(index, ratio)| Partial {
            hz: hz * ratio,
            t60_s: 0.55 * long / (1.0 + 0.35 * index as f32),
            level: 0.26 / (1.0 + 0.22 * index as f32),
        })
        .collect();
    partials.push(Partial { hz: 1_900.0, t60_s: 0.03, level: 0.08 });
    Recipe {
        partials,
        bands: bands(&[
            (600.0, 0.7, 0.000_5, 0.12, 0.26),
            (2_400.0, 0.7, 0.000_3, 0.06, 0.34),
            (5_500.0, 0.8, 0.000_2, 0.03, 0.22),
        ]),
        sweep: Some(Sweep { from_hz: 1.45 * hz, to_hz: hz, glide_s: 0.035, t60_s: 0.85 * long, level: 0.80 }),
        pan,
        width: 0.1,
    }
}

/// Hands that clap.
pub(super) fn clap() -> Recipe {
    Recipe {
        partials: Vec::new(),
        bands: bands(&[
            (1_050.0, 1.6, 0.000_4, 0.24, 1.1),
            (1_900.0, 1.4, 0.000_4, 0.20, 0.8),
            (4_300.0, 1.0, 0.000_3, 0.14, 0.4),
        ]),
        sweep: None,
        pan: -0.1,
        width: 0.0,
    }
}

/// A shaker.
pub(super) fn shaker() -> Recipe {
    Recipe {
        partials: Vec::new(),
        bands: bands(&[(5_600.0, 1.4, 0.012, 0.11, 0.75), (9_000.0, 1.2, 0.010, 0.09, 0.8)]),
        sweep: None,
        pan: 0.35,
        width: 0.0,
    }
}
