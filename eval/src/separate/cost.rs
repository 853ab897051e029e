//! How long separating takes.

use std::time::Instant;

/// What a function gives, and the seconds that it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let out = work();
    (out, begun.elapsed().as_secs_f64())
}
