//! A backing that is known, taken out while it is heard.

use super::path::{PathFilter, PathShape};
use super::{Separator, wiener};
use crate::audio::StereoBlock;
use crate::time::{Hz, SampleCount};

/// Length of a hop in seconds.
const HOP_S: f64 = 0.01;

/// Why a backing cannot be taken out.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ReferenceError {
    /// Nothing of the backing is found.
    #[error(
        "the backing is not heard in it: no delay up to {most} s stands out ({strength:.1} times the usual likeness, \
         at least {least:.0} are needed)",
        most = crate::limits::MAX_BACKING_DELAY_S, least = wiener::LEAST_STRENGTH
    )]
    NotHeard {
        /// Likeness at the best delay beside that at others.
        strength: f64,
    },
    /// Too long to be held in memory.
    #[error("it has {frames} frames; with a backing at most {most} are taken, which are {minutes:.0} minutes at its rate", most = crate::limits::MAX_REFERENCE_FRAMES)]
    TooLong {
        /// Frames of the longer of both.
        frames: u64,
        /// Minutes that the limit is at this rate.
        minutes: f64,
    },
}

/// Takes a known backing out of a live input: the path from it to what is heard, up to 0.48 s long, is followed by an
/// adaptive filter ([`PathFilter`]), one for each channel. The backing is heard from its beginning, with the first sample of
/// the input, and may come to be heard up to half a second later, not earlier.
///
/// [`cancel`](super::cancel) does so for a recording that is known as a whole, and better.
#[derive(Debug)]
pub struct Reference {
    filters: Vec<PathFilter>,
    backing: [Vec<f32>; 2],
    /// Place in the backing.
    at: usize,
    hop: usize,
    filled: usize,
    /// The hop that fills, of input and backing, and the last one's voice, by channel.
    heard: [Vec<f32>; 2],
    known: [Vec<f32>; 2],
    voice: [Vec<f32>; 2],
    echo: Vec<f32>,
}

impl Reference {
    /// For a backing, left and right, at the rate of the input; of a mono input both channels are equal, and the mean of the
    /// backing's is taken out of both.
    pub fn new(rate: Hz, backing: [Vec<f32>; 2], is_mono: bool) -> Self {
        let hop = rate.count(HOP_S).0.max(1) as usize;
        let shape = PathShape { hop, steps: 8, partitions: 6, first_uncertainty: 1.0 };
        let [mut left, right] = backing;
        if is_mono {
            left.iter_mut().zip(&right).for_each(|(left, right)| *left = 0.5 * (*left + right));
        }
        let line = || [vec![0.0; hop], vec![0.0; hop]];
        Self {
            filters: (0..if is_mono { 1 } else { 2 }).map(|_| PathFilter::new(shape)).collect(),
            backing: [left, right],
            at: 0,
            hop,
            filled: 0,
            heard: line(),
            known: line(),
            voice: line(),
            echo: vec![0.0; hop],
        }
    }

    fn take_hop(&mut self) {
        for (channel, filter) in self.filters.iter_mut().enumerate() {
            filter.process(&self.heard[channel], &self.known[channel], &mut self.echo);
            for ((voice, heard), echo) in
                self.voice[channel].iter_mut().zip(&self.heard[channel]).zip(&self.echo)
            {
                *voice = heard - echo;
            }
        }
        if let [_] = self.filters.as_slice() {
            let [left, right] = &mut self.voice;
            right.copy_from_slice(left);
        }
    }
}

impl Separator for Reference {
    fn latency(&self) -> SampleCount {
        SampleCount(self.hop as i64)
    }

    fn reset(&mut self) {
        self.filters.iter_mut().for_each(PathFilter::reset);
        for line in self.heard.iter_mut().chain(&mut self.known).chain(&mut self.voice) {
            line.fill(0.0);
        }
        (self.at, self.filled) = (0, 0);
    }

    fn process(&mut self, block: &mut StereoBlock<'_>) {
        for index in 0..block.len() {
            let filled = self.filled;
            for (channel, sample) in [&mut block.left[index], &mut block.right[index]].into_iter().enumerate()
            {
                self.heard[channel][filled] = if sample.is_finite() { *sample } else { 0.0 };
                self.known[channel][filled] = self.backing[channel].get(self.at).copied().unwrap_or(0.0);
                *sample = self.voice[channel][filled];
            }
            self.at += 1;
            self.filled += 1;
            if self.filled == self.hop {
                self.filled = 0;
                self.take_hop();
            }
        }
    }
}
