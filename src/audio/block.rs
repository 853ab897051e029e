//! Audio in memory.

/// A stretch of stereo audio; both channels have the same length.
#[derive(Debug)]
pub struct StereoBlock<'a> {
    /// Left channel.
    pub left: &'a mut [f32],
    /// Right channel.
    pub right: &'a mut [f32],
}

impl StereoBlock<'_> {
    /// Samples in each channel.
    pub fn len(&self) -> usize {
        self.left.len()
    }

    /// Whether it holds no sample.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The samples from `from` up to `to`.
    pub fn slice(&mut self, from: usize, to: usize) -> StereoBlock<'_> {
        StereoBlock { left: &mut self.left[from..to], right: &mut self.right[from..to] }
    }

    /// Sets every sample to zero.
    pub fn clear(&mut self) {
        self.left.fill(0.0);
        self.right.fill(0.0);
    }
}
