//! Medians over frames and over bins.

/// Most values that a median is taken of.
pub const MOST: usize = 63;

/// The nearest odd number, from 3 to [`MOST`].
pub fn odd(count: usize) -> usize {
    (count | 1).clamp(3, MOST)
}

/// The median of up to [`MOST`] values.
fn median(values: &[f32]) -> f32 {
    let mut sorted = [0.0f32; MOST];
    let sorted = &mut sorted[..values.len()];
    sorted.copy_from_slice(values);
    let middle = sorted.len() / 2;
    *sorted.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The median of each bin over the last frames.
#[derive(Debug)]
pub struct OverFrames {
    length: usize,
    /// Indexed by `[bin][frame]`, each bin a ring.
    kept: Vec<f32>,
    at: usize,
}

impl OverFrames {
    /// Medians of `length` frames, an odd number of at most [`MOST`].
    pub fn new(length: usize, bins: usize) -> Self {
        Self { length, kept: vec![0.0; length * bins], at: 0 }
    }

    /// Forgets every frame.
    pub fn reset(&mut self) {
        self.kept.fill(0.0);
        self.at = 0;
    }

    /// Takes the next frame.
    pub fn push(&mut self, frame: &[f32]) {
        self.at = (self.at + 1) % self.length;
        for (ring, value) in self.kept.chunks_exact_mut(self.length).zip(frame) {
            ring[self.at] = *value;
        }
    }

    /// The median of a bin.
    pub fn of(&self, bin: usize) -> f32 {
        median(&self.kept[bin * self.length..(bin + 1) * self.length])
    }

    /// The value that a bin had some frames ago.
    pub fn before(&self, bin: usize, frames: usize) -> f32 {
        self.kept[bin * self.length + (self.at + self.length - frames) % self.length]
    }
}

/// The median over `width` bins around one, an odd number of at most [`MOST`]; at the edges over those that are there.
pub fn over_bins(frame: &[f32], bin: usize, width: usize) -> f32 {
    let half = width / 2;
    median(&frame[bin.saturating_sub(half)..(bin + half + 1).min(frame.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_over_frames_and_bins() {
        let mut over = OverFrames::new(3, 2);
        for frame in [[1.0, 9.0], [5.0, 7.0], [3.0, 8.0]] {
            over.push(&frame);
        }
        assert_eq!((over.of(0), over.of(1)), (3.0, 8.0));
        assert_eq!((over.before(0, 0), over.before(0, 1), over.before(1, 2)), (3.0, 5.0, 9.0));
        over.push(&[6.0, 0.0]);
        assert_eq!((over.of(0), over.of(1)), (5.0, 7.0));
        let frame = [0.0, 4.0, 1.0, 9.0, 2.0];
        assert_eq!(over_bins(&frame, 2, 5), 2.0);
        assert_eq!(over_bins(&frame, 0, 5), 1.0);
        assert_eq!([odd(0), odd(4), odd(99)], [3, 5, MOST]);
    }
}
