//! Voice and backing that add up to what was heard.

use super::Separator;
use crate::audio::{FULL_SCALE, StereoBlock};
use crate::time::SampleCount;

/// A separator with its backing: the input, as late as the voice, less the voice.
#[derive(Debug)]
pub struct Apart<S> {
    separator: S,
    /// What was heard and did not come out yet, by channel: a ring.
    waiting: [Vec<f32>; 2],
    at: usize,
}

impl<S: Separator> Apart<S> {
    /// Wraps a separator.
    pub fn new(separator: S) -> Self {
        let latency = separator.latency().0.max(0) as usize;
        Self { separator, waiting: [vec![0.0; latency], vec![0.0; latency]], at: 0 }
    }

    /// How much later both come out than the input goes in.
    pub fn latency(&self) -> SampleCount {
        self.separator.latency()
    }

    /// Forgets everything heard.
    pub fn reset(&mut self) {
        self.separator.reset();
        self.waiting.iter_mut().for_each(|channel| channel.fill(0.0));
        self.at = 0;
    }

    /// Takes a block of the input, and puts the voice in its place and all the rest in `backing`.
    ///
    /// # Panics
    ///
    /// If the blocks differ in length.
    pub fn process(&mut self, voice: &mut StereoBlock<'_>, backing: &mut StereoBlock<'_>) {
        assert_eq!(voice.len(), backing.len(), "voice and backing have the same length");
        let latency = self.waiting[0].len();
        for index in 0..voice.len() {
            let heard = [voice.left[index], voice.right[index]];
            if latency == 0 {
                (backing.left[index], backing.right[index]) = (heard[0], heard[1]);
                continue;
            }
            let mut swap =
                |channel: usize| std::mem::replace(&mut self.waiting[channel][self.at], heard[channel]);
            (backing.left[index], backing.right[index]) = (swap(0), swap(1));
            self.at = (self.at + 1) % latency;
        }
        self.separator.process(voice);
        let channels = [(&mut *backing.left, &*voice.left), (&mut *backing.right, &*voice.right)];
        for (backing, voice) in channels {
            for (backing, voice) in backing.iter_mut().zip(voice) {
                *backing -= voice;
            }
        }
    }
}

/// A 24-bit sample of the input as those of voice and backing: two 24-bit integers whose sum is exactly the input.
///
/// The voice is rounded, and gives way where the backing would leave the range of 24 bits.
pub fn parted(input: i32, voice: f32) -> (i32, i32) {
    let (least, most) = (-FULL_SCALE, FULL_SCALE - 1);
    let input = input.clamp(least, most);
    let wanted = if voice.is_finite() { f64::from(voice) * f64::from(FULL_SCALE) } else { 0.0 };
    let wanted = wanted.round().clamp(f64::from(least), f64::from(most)) as i32;
    let voice = wanted.clamp((input - most).max(least), (input - least).min(most));
    (voice, input - voice)
}

/// The voice of a whole recording, as long as it and not late.
///
/// # Panics
///
/// If the channels differ in length.
pub fn whole(separator: &mut dyn Separator, left: &[f32], right: &[f32]) -> (Vec<f32>, Vec<f32>) {
    assert_eq!(left.len(), right.len(), "both channels have the same length");
    let latency = separator.latency().0.max(0) as usize;
    let padded = |channel: &[f32]| {
        let mut padded = channel.to_vec();
        padded.resize(channel.len() + latency, 0.0);
        padded
    };
    let (mut left, mut right) = (padded(left), padded(right));
    separator.reset();
    separator.process(&mut StereoBlock { left: &mut left, right: &mut right });
    left.drain(..latency);
    right.drain(..latency);
    (left, right)
}
