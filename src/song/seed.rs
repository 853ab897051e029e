//! Seeds without running state.

use serde::{Deserialize, Serialize};

use crate::score::{BarNumber, Part};

/// The seed of a song.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Seed(pub u64);

impl Seed {
    /// The random numbers of one take of one part in one bar.
    ///
    /// They depend on nothing else, so recomposing one bar leaves every other as it was.
    pub fn rng(self, part: Part, bar: BarNumber, take: u32) -> Rng {
        Rng::keyed(&[self.0, part.index() as u64, bar.0 as i64 as u64, u64::from(take)])
    }

    /// Random numbers for a purpose named by a text and an index.
    pub fn named(self, purpose: &str, index: u64) -> Rng {
        let text = purpose.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Rng::keyed(&[self.0, text, index])
    }
}

/// A small counter-based generator: number n is a hash of key and n (SplitMix64; Steele, Lea, Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Rng {
    counter: u64,
}

impl Rng {
    /// A generator that depends on all of `key`.
    pub fn keyed(key: &[u64]) -> Self {
        let counter = key.iter().fold(0x9e37_79b9_7f4a_7c15, |state, word| mix(state ^ mix(*word)));
        Self { counter }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.counter)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in -1..1.
    pub fn signed(&mut self) -> f64 {
        self.unit() * 2.0 - 1.0
    }

    /// Nearly normal with mean 0 and standard deviation 1, never beyond 3.5: a sum of four uniform numbers.
    pub fn normal(&mut self) -> f64 {
        (0..4).map(|_| self.signed()).sum::<f64>() * 0.866_025_403_784_438_6
    }

    /// Uniform in 0..n; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    /// True with a probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An index drawn in proportion to weights; 0 if they are all zero.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut point = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            point -= weight;
            if point < 0.0 {
                return index;
            }
        }
        0
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_key_matters() {
        let first = |seed, part, bar, take| Seed(seed).rng(part, BarNumber(bar), take).bits();
        let base = first(1, Part::Drums, 7, 1);
        assert_eq!(base, first(1, Part::Drums, 7, 1));
        for other in [
            first(2, Part::Drums, 7, 1),
            first(1, Part::Bass, 7, 1),
            first(1, Part::Drums, 8, 1),
            first(1, Part::Drums, 7, 2),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn numbers_have_the_stated_range_and_mean() {
        let mut rng = Rng::keyed(&[5]);
        let (mut sum, mut square) = (0.0, 0.0);
        for _ in 0..20_000 {
            let unit = rng.unit();
            assert!((0.0..1.0).contains(&unit));
            let normal = rng.normal();
            assert!(normal.abs() <= 3.5);
            sum += normal;
            square += normal * normal;
        }
        assert!((sum / 20_000.0).abs() < 0.03, "mean {}", sum / 20_000.0);
        assert!((square / 20_000.0 - 1.0).abs() < 0.05, "variance {}", square / 20_000.0);
    }
}
