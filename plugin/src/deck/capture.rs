//! The voice, and what the singer says beside it, on their way to the desk.

use collavoce::song::Gesture;

use super::link::{CaptureStamp, Said};
use super::{BlockInfo, Deck};

/// What is to be captured beside the voice.
#[derive(Debug, Default)]
pub(super) struct Saying {
    /// What was said since the last block.
    now: Said,
    /// The section that was called for last: it holds beyond a jump of the time line.
    section: Option<Gesture>,
}

impl Saying {
    /// Takes what the singer says some samples into the next block.
    pub(super) fn say(&mut self, gesture: Gesture, after: u32) {
        if gesture.energy().is_some() {
            self.section = Some(gesture);
        }
        if let Some(free) = self.now.iter_mut().find(|said| said.is_none()) {
            *free = Some((gesture, after));
        }
    }

    /// The section that was called for last.
    pub(super) fn section(&self) -> Option<Gesture> {
        self.section
    }

    /// What was said for the next block; where a pass or a capture begins with it, the section that holds comes first.
    pub(super) fn take(&mut self, is_first: bool) -> Said {
        let mut said = std::mem::take(&mut self.now);
        if let (true, Some(section)) = (is_first, self.section)
            && said.iter().flatten().all(|(gesture, _)| gesture.energy().is_none())
        {
            said.rotate_right(1);
            said[0] = Some((section, 0));
        }
        said
    }
}

impl Deck {
    /// Tells the desk, once, that nothing more is captured.
    pub(super) fn end_capture(&mut self) {
        if self.was_capturing {
            // If there is no room now the next block tries again.
            self.was_capturing = self.end.stamps.push(CaptureStamp::END).is_err();
        }
    }

    /// Sends the voice to the desk, with what the singer said beside it. `begins` says that the live band begins to
    /// listen with it.
    pub(super) fn capture(&mut self, info: &BlockInfo, len: usize, said: Said, begins: bool) {
        self.was_capturing = true;
        let at = info.position.unwrap_or(self.free_running);
        if info.is_offline && (self.end.voice.slots() < len || self.end.stamps.slots() == 0) {
            self.end.appointments.wait(&self.end.desk);
        }
        if self.end.stamps.slots() == 0 {
            return;
        }
        if let Ok(chunk) = self.end.voice.write_chunk_uninit(len) {
            let mono = self.input[0][..len].iter().zip(&self.input[1][..len]);
            chunk.fill_from_iter(mono.map(|(l, r)| {
                let sample = 0.5 * l + 0.5 * r;
                if sample.abs() <= 1e6 { sample } else { 0.0 }
            }));
            // There is room: it was looked for above, and nobody else writes.
            let _ = self.end.stamps.push(CaptureStamp { at, frames: len, said, begins, beats: info.beats });
        }
    }
}
