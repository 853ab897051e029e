//! Recipes of hi-hats, cymbals and small metal.

use super::piece::{Band, Partial, Recipe};
use crate::song::Rng;

/// Resonances spread at random: evenly in each part of the logarithmic range, so that none is empty.
struct Spread {
    count: usize,
    from_hz: f32,
    to_hz: f32,
    /// Decay by 60 dB of the lowest and of the highest, in seconds.
    t60_s: (f32, f32),
    level: f32,
    /// How unequal the levels are, in dB (standard deviation).
    uneven_db: f32,
}

impl Spread {
    fn draw(&self, rng: &mut Rng, out: &mut Vec<Partial>) {
        for index in 0..self.count {
            let along = (index as f32 + rng.unit() as f32) / self.count as f32;
            let level_db = self.uneven_db * rng.normal() as f32;
            out.push(Partial {
                hz: self.from_hz * (self.to_hz / self.from_hz).powf(along),
                t60_s: self.t60_s.0
                    * (self.t60_s.1 / self.t60_s.0).powf(along)
                    * (0.8 + 0.4 * rng.unit() as f32),
                level: self.level * 10f32.powf(level_db.min(8.0) / 20.0),
            });
        }
    }
}

fn bands(list: &[(f32, f32, f32, f32, f32)]) -> Vec<Band> {
    list.iter().map(|&(hz, q, rise_s, t60_s, level)| Band { hz, q, rise_s, t60_s, level }).collect()
}

/// Closed hi-hat.
pub(super) fn hat_closed(rng: &mut Rng) -> Recipe {
    let mut partials = Vec::new();
    Spread {
        count: 48,
        from_hz: 2_900.0,
        to_hz: 15_500.0,
        t60_s: (0.20, 0.13),
        level: 0.035,
        uneven_db: 4.0,
    }
    .draw(rng, &mut partials);
    Recipe {
        partials,
        bands: bands(&[
            (4_800.0, 0.9, 0.000_2, 0.07, 0.22),
            (9_000.0, 0.8, 0.000_2, 0.17, 0.50),
            (13_500.0, 0.9, 0.000_2, 0.22, 0.60),
        ]),
        sweep: None,
        pan: 0.32,
        width: 0.25,
    }
}

/// Open hi-hat.
pub(super) fn hat_open(rng: &mut Rng) -> Recipe {
    let mut partials = Vec::new();
    Spread { count: 56, from_hz: 1_700.0, to_hz: 15_500.0, t60_s: (3.0, 1.4), level: 0.036, uneven_db: 4.5 }
        .draw(rng, &mut partials);
    Recipe {
        partials,
        bands: bands(&[
            (1_700.0, 0.8, 0.000_5, 1.8, 0.24),
            (4_000.0, 0.8, 0.000_4, 2.0, 0.24),
            (7_500.0, 0.8, 0.000_3, 1.7, 0.32),
            (13_000.0, 0.9, 0.000_3, 1.1, 0.22),
        ]),
        sweep: None,
        pan: 0.32,
        width: 0.25,
    }
}

/// Crash cymbal; `size` scales its frequencies (1 is 16 inches).
pub(super) fn crash(rng: &mut Rng, size: f32, pan: f32) -> Recipe {
    let mut partials = Vec::new();
    // Separate partials that the ear follows, then the dense rest.
    Spread {
        count: 30,
        from_hz: 1_900.0 * size,
        to_hz: 6_400.0 * size,
        t60_s: (3.4, 3.2),
        level: 0.034,
        uneven_db: 6.0,
    }
    .draw(rng, &mut partials);
    Spread {
        count: 22,
        from_hz: 640.0 * size,
        to_hz: 1_900.0 * size,
        t60_s: (1.6, 2.4),
        level: 0.040,
        uneven_db: 5.0,
    }
    .draw(rng, &mut partials);
    Spread {
        count: 60,
        from_hz: 4_000.0 * size,
        to_hz: 15_000.0 * size,
        t60_s: (3.2, 2.0),
        level: 0.013,
        uneven_db: 4.0,
    }
    .draw(rng, &mut partials);
    Recipe {
        partials,
        bands: bands(&[
            (1_500.0, 0.7, 0.002, 0.7, 0.26),
            (5_200.0, 0.7, 0.020, 2.2, 0.34),
            (10_500.0, 0.8, 0.035, 2.1, 0.32),
        ]),
        sweep: None,
        pan,
        width: 0.35,
    }
}

/// Ride cymbal, struck on its bow.
pub(super) fn ride(rng: &mut Rng) -> Recipe {
    let mut partials = Vec::new();
    // The ping of the stick.
    Spread { count: 14, from_hz: 3_200.0, to_hz: 8_400.0, t60_s: (2.0, 1.2), level: 0.058, uneven_db: 4.0 }
        .draw(rng, &mut partials);
    Spread { count: 16, from_hz: 420.0, to_hz: 2_600.0, t60_s: (3.6, 2.8), level: 0.017, uneven_db: 4.0 }
        .draw(rng, &mut partials);
    Spread { count: 46, from_hz: 5_000.0, to_hz: 15_500.0, t60_s: (2.9, 1.7), level: 0.026, uneven_db: 4.0 }
        .draw(rng, &mut partials);
    Recipe {
        partials,
        bands: bands(&[
            (4_400.0, 0.9, 0.000_2, 0.05, 0.30),
            (8_500.0, 0.8, 0.000_3, 0.80, 0.20),
            (12_500.0, 0.8, 0.000_4, 1.00, 0.18),
        ]),
        sweep: None,
        pan: -0.34,
        width: 0.25,
    }
}

/// Bell of the ride cymbal.
pub(super) fn bell(rng: &mut Rng) -> Recipe {
    let tones = [
        (612.0, 2.6, 0.05),
        (1_010.0, 2.8, 0.08),
        (1_480.0, 2.9, 0.12),
        (2_110.0, 2.8, 0.16),
        (2_960.0, 2.7, 0.20),
        (4_150.0, 2.3, 0.16),
    ];
    let mut partials: Vec<Partial> =
        tones.iter().map(|&(hz, t60_s, level)| Partial { hz, t60_s, level }).collect();
    Spread { count: 31, from_hz: 3_600.0, to_hz: 13_500.0, t60_s: (2.2, 1.2), level: 0.029, uneven_db: 4.0 }
        .draw(rng, &mut partials);
    Recipe {
        partials,
        bands: bands(&[(4_500.0, 0.9, 0.000_2, 0.05, 0.30), (9_000.0, 0.8, 0.000_3, 0.4, 0.10)]),
        sweep: None,
        pan: -0.34,
        width: 0.2,
    }
}

/// Jingles of a tambourine.
pub(super) fn tambourine(rng: &mut Rng) -> Recipe {
    let mut partials = Vec::new();
    Spread { count: 28, from_hz: 4_600.0, to_hz: 15_500.0, t60_s: (0.55, 0.40), level: 0.05, uneven_db: 4.0 }
        .draw(rng, &mut partials);
    Recipe {
        partials,
        bands: bands(&[(1_300.0, 0.9, 0.001, 0.05, 0.12), (9_200.0, 0.9, 0.003, 0.34, 0.60)]),
        sweep: None,
        pan: 0.28,
        width: 0.2,
    }
}

/// A cowbell.
pub(super) fn cowbell() -> Recipe {
    let tones = [
        (562.0, 0.32, 0.34),
        (845.0, 0.36, 0.40),
        (1_690.0, 0.20, 0.12),
        (2_420.0, 0.14, 0.10),
        (3_380.0, 0.10, 0.07),
        (4_700.0, 0.07, 0.05),
    ];
    Recipe {
        partials: tones.iter().map(|&(hz, t60_s, level)| Partial { hz, t60_s, level }).collect(),
        bands: bands(&[(3_000.0, 0.8, 0.000_2, 0.025, 0.25)]),
        sweep: None,
        pan: -0.15,
        width: 0.05,
    }
}
