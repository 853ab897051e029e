//! Random numbers in the forms that are needed.

use collavoce::song::Rng;

/// Uniform between two numbers.
pub fn between(rng: &mut Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * rng.unit() as f32
}

/// Uniform between two numbers by their logarithms.
pub fn log_between(rng: &mut Rng, low: f32, high: f32) -> f32 {
    (between(rng, low.ln(), high.ln())).exp()
}

/// Nearly normal, with a standard deviation of 1.
pub fn normal(rng: &mut Rng) -> f32 {
    rng.normal() as f32
}

/// A factor from decibels.
pub fn gain(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}
