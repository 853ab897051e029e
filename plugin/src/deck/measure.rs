//! Measuring the round trip: sweeps go out instead of voice and band, and what comes in goes to the desk.

use super::{BlockAudio, Deck};

impl Deck {
    /// Begins a measurement if one is asked for, and takes what comes in for it: nobody else hears that.
    pub(super) fn hear_sweeps(&mut self, len: usize) {
        if self.end.measurements.pop().is_ok() {
            self.probe.start();
        }
        let taken = self.probe.takes(len);
        if taken == 0 {
            return;
        }
        let [left, right] = &mut self.input;
        if let Ok(chunk) = self.end.heard.write_chunk_uninit(taken.min(self.end.heard.slots())) {
            chunk.fill_from_iter(left.iter().zip(right.iter()).map(|(left, right)| 0.5 * left + 0.5 * right));
        }
        left[..len].fill(0.0);
        right[..len].fill(0.0);
    }

    /// Lets the sweeps sound alone.
    pub(super) fn play_sweeps(&mut self, audio: &mut BlockAudio<'_>) {
        let taken = self.probe.takes(audio.main[0].len());
        if taken == 0 {
            return;
        }
        for side in audio.stems.iter_mut().flatten().flatten() {
            side[..taken].fill(0.0);
        }
        let [left, right] = &mut audio.main;
        self.probe.process([left, right]);
    }
}
