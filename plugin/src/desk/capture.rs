//! The captured voice: what was sung where on the host's time line.

use collavoce::audio::Resampler;
use collavoce::limits::{LISTEN_HZ, MAX_ANCHORS};
use collavoce::song::{Anchor, Gesture};
use collavoce::time::Hz;

use crate::deck::CaptureStamp;

/// Most that is captured, in seconds: 58 MB.
pub const MAX_CAPTURE_S: f64 = 900.0;

/// A voice at [`LISTEN_HZ`] that grows, and may be replaced in part.
#[derive(Debug)]
pub struct Captured {
    /// Where its first sample lies on the host's time line, in seconds.
    origin_s: f64,
    samples: Vec<f32>,
    /// What the singer said beside it, in order.
    said: Vec<Spoken>,
    /// Where the live band began to listen within it, in seconds of the host's time line.
    listened_s: Option<f64>,
    /// What the host said of its bars.
    bars: Option<HostBars>,
    /// What is being captured now.
    run: Option<Run>,
    /// The stretch that was captured since the last [`Captured::finish`], in samples of the take.
    fresh: Option<(usize, usize)>,
}

/// Something that the singer said.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spoken {
    gesture: Gesture,
    /// When, in seconds of the host's time line.
    at_s: f64,
}

/// Where the bars of a host lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostBars {
    /// A moment, in seconds: of the host's time line, or of a take.
    pub at_s: f64,
    /// Beats of the metre since a bar line at that moment.
    pub beats: f64,
    /// Beats a minute.
    pub bpm: f64,
}

/// A capture without a gap.
#[derive(Debug)]
struct Run {
    /// Where it began, in samples of the host.
    began: i64,
    /// Where it goes on.
    next: i64,
    rate: Hz,
    resampler: Resampler,
    samples: Vec<f32>,
    said: Vec<Spoken>,
}

/// A take: everything that has been captured.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedTake {
    /// Where it begins on the host's time line, in seconds.
    pub origin_s: f64,
    /// Samples at [`LISTEN_HZ`].
    pub samples: Vec<f32>,
    /// The stretch of it that is new, in seconds of the take.
    pub fresh_s: (f64, f64),
    /// What the singer said in it.
    pub anchors: Vec<Anchor>,
    /// Where the live band began to listen within it, in seconds of the take.
    pub listened_s: Option<f64>,
    /// Where the host's bars lie in it.
    pub bars: Option<HostBars>,
}

impl Captured {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            origin_s: 0.0,
            samples: Vec::new(),
            said: Vec::new(),
            listened_s: None,
            bars: None,
            run: None,
            fresh: None,
        }
    }

    /// Takes in the samples of a stretch. What would make the take too long is left out.
    pub fn push(&mut self, stamp: &CaptureStamp, rate: Hz, samples: impl Iterator<Item = f32>) {
        let at = stamp.at;
        let goes_on = self.run.as_ref().is_some_and(|run| run.next == at && run.rate == rate);
        if !goes_on {
            self.end_run();
            let Ok(resampler) = Resampler::new(rate, Hz(LISTEN_HZ), 1) else { return };
            self.run =
                Some(Run { began: at, next: at, rate, resampler, samples: Vec::new(), said: Vec::new() });
        }
        let Some(run) = &mut self.run else { return };
        let seconds = |at: i64| at as f64 / rate.as_f64();
        let spoken = stamp.said.iter().flatten();
        run.said.extend(
            spoken
                .map(|(gesture, after)| Spoken { gesture: *gesture, at_s: seconds(at + i64::from(*after)) }),
        );
        if stamp.begins {
            self.listened_s = Some(seconds(at));
        }
        if let Some((beats, bpm)) = stamp.beats.filter(|_| run.began == at) {
            self.bars = Some(HostBars { at_s: seconds(at), beats, bpm });
        }
        let block: Vec<f32> = samples.collect();
        run.next += block.len() as i64;
        if run.samples.len() < (MAX_CAPTURE_S * f64::from(LISTEN_HZ)) as usize {
            run.resampler.push(&block, &mut run.samples);
        }
    }

    /// Seconds captured so far.
    pub fn length_s(&self) -> f64 {
        let running = self.run.as_ref().map_or(0, |run| run.samples.len());
        self.samples.len().max(running) as f64 / f64::from(LISTEN_HZ)
    }

    /// Whether anything was captured since the last [`Captured::finish`].
    pub fn is_unfinished(&self) -> bool {
        self.run.is_some() || self.fresh.is_some()
    }

    /// Ends the capture. Nothing comes of one in which nothing was captured.
    pub fn finish(&mut self) -> Option<CapturedTake> {
        self.end_run();
        let (from, to) = self.fresh.take()?;
        let seconds = |sample: usize| sample as f64 / f64::from(LISTEN_HZ);
        let length_s = seconds(self.samples.len());
        // Whole microseconds: what is left of the subtraction says nothing.
        let in_take = |at_s: f64| {
            let at_s = ((at_s - self.origin_s) * 1e6).round() / 1e6;
            (0.0..=length_s).contains(&at_s).then_some(at_s)
        };
        let anchors = self
            .said
            .iter()
            .filter_map(|said| Some(Anchor { gesture: said.gesture, at_s: in_take(said.at_s)? }))
            .take(MAX_ANCHORS);
        Some(CapturedTake {
            origin_s: self.origin_s,
            samples: self.samples.clone(),
            fresh_s: (seconds(from), seconds(to)),
            anchors: anchors.collect(),
            listened_s: self.listened_s.and_then(in_take),
            bars: self.bars.map(|bars| HostBars { at_s: bars.at_s - self.origin_s, ..bars }),
        })
    }

    /// Puts what was captured without a gap where it belongs: it replaces what lay there, and nothing else.
    fn end_run(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        run.resampler.finish(&mut run.samples);
        if run.samples.is_empty() {
            return;
        }
        let began_s = run.began as f64 / run.rate.as_f64();
        let ended_s = run.next as f64 / run.rate.as_f64();
        // What was said while it was sung before is gone with that singing.
        self.said.retain(|said| !(began_s..ended_s).contains(&said.at_s));
        self.said.append(&mut run.said);
        self.said.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        let most = (MAX_CAPTURE_S * f64::from(LISTEN_HZ)) as usize;
        if self.samples.is_empty() {
            self.origin_s = began_s;
        }
        let place = ((began_s - self.origin_s) * f64::from(LISTEN_HZ)).round() as i64;
        let before = (-place).max(0) as usize;
        let needed = (place.max(0) as usize + run.samples.len()).max(before + self.samples.len());
        if needed > most {
            // Too far from the rest to be one take: it begins a new one.
            (self.samples, self.origin_s, self.fresh) = (Vec::new(), began_s, None);
            self.said.retain(|said| said.at_s >= began_s);
            run.samples.truncate(most);
            self.fresh = Some((0, run.samples.len()));
            self.samples = run.samples;
            return;
        }
        if before > 0 {
            self.samples.splice(0..0, std::iter::repeat_n(0.0, before));
            self.origin_s -= before as f64 / f64::from(LISTEN_HZ);
            self.fresh = self.fresh.map(|(from, to)| (from + before, to + before));
        }
        let from = place.max(0) as usize;
        let to = from + run.samples.len();
        if self.samples.len() < to {
            self.samples.resize(to, 0.0);
        }
        self.samples[from..to].copy_from_slice(&run.samples);
        let (first, last) = self.fresh.unwrap_or((from, to));
        self.fresh = Some((first.min(from), last.max(to)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Hz = Hz(48_000);

    fn push(captured: &mut Captured, at_s: f64, length_s: f64, value: f32) {
        let (at, frames) = (RATE.sample_at(at_s).0, (length_s * 48_000.0) as usize);
        for start in (0..frames).step_by(480) {
            let stamp = CaptureStamp { at: at + start as i64, frames: 480, ..CaptureStamp::END };
            captured.push(&stamp, RATE, std::iter::repeat_n(value, 480.min(frames - start)));
        }
    }

    #[test]
    fn a_capture_in_the_middle_replaces_its_range_alone() {
        let mut captured = Captured::new();
        push(&mut captured, 10.0, 6.0, 0.25);
        let first = captured.finish().expect("a take");
        assert_eq!((first.origin_s, first.samples.len(), first.fresh_s), (10.0, 96_000, (0.0, 6.0)));
        push(&mut captured, 12.0, 2.0, 0.5);
        let second = captured.finish().expect("a take");
        assert_eq!(second.fresh_s, (2.0, 4.0));
        assert!(second.samples[..32_000] == first.samples[..32_000]);
        assert!(second.samples[64_000..] == first.samples[64_000..]);
        assert!((second.samples[48_000] - 0.5).abs() < 1e-3);
        assert_eq!(captured.finish(), None, "nothing new");
    }

    /// One block at a moment in which something is said at its middle.
    fn say(captured: &mut Captured, at_s: f64, gesture: Gesture) {
        let mut stamp = CaptureStamp { at: RATE.sample_at(at_s).0, frames: 480, ..CaptureStamp::END };
        stamp.said[0] = Some((gesture, 240));
        captured.push(&stamp, RATE, std::iter::repeat_n(0.1, 480));
    }

    #[test]
    fn what_is_said_stays_where_it_was_said_and_goes_with_what_is_sung_anew() {
        let mut captured = Captured::new();
        push(&mut captured, 10.0, 6.0, 0.25);
        say(&mut captured, 11.0, Gesture::BarOne);
        say(&mut captured, 13.0, Gesture::Chorus);
        push(&mut captured, 9.0, 0.5, 0.25);
        let said = |take: &CapturedTake| -> Vec<(Gesture, f64)> {
            take.anchors.iter().map(|anchor| (anchor.gesture, anchor.at_s)).collect()
        };
        let first = captured.finish().expect("a take");
        assert_eq!(said(&first), [(Gesture::BarOne, 2.005), (Gesture::Chorus, 4.005)]);
        push(&mut captured, 10.5, 1.0, 0.5);
        assert_eq!(said(&captured.finish().expect("a take")), [(Gesture::Chorus, 4.005)]);
    }

    #[test]
    fn what_is_sung_before_the_take_moves_its_beginning() {
        let mut captured = Captured::new();
        push(&mut captured, 10.0, 2.0, 0.25);
        captured.finish();
        push(&mut captured, 7.0, 1.0, 0.5);
        let take = captured.finish().expect("a take");
        assert_eq!((take.origin_s, take.samples.len(), take.fresh_s), (7.0, 80_000, (0.0, 1.0)));
        assert_eq!(take.samples[32_000], 0.0, "between both is silence");
    }

    #[test]
    fn a_take_has_an_end() {
        let mut captured = Captured::new();
        push(&mut captured, 0.0, 2.0, 0.25);
        push(&mut captured, 2_000.0, 2.0, 0.5);
        let take = captured.finish().expect("a take");
        assert_eq!((take.origin_s, take.samples.len()), (2_000.0, 32_000));
    }
}
