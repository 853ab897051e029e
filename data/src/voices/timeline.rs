//! A stretch of a song in seconds.

use collavoce::song::Rng;
use collavoce::time::TICKS_PER_QUARTER;

use crate::corpus::Song;
use crate::draw::between;

/// A stretch of a song, from its first tick on.
#[derive(Debug, Clone, Copy)]
pub struct Excerpt {
    /// Where it begins, in ticks.
    pub from: i64,
    /// Quarters a minute.
    pub bpm: f32,
    /// Its length, in seconds.
    pub seconds: f32,
}

impl Excerpt {
    /// Some stretch of a song that begins with a bar: one tempo for all of it, near that of the song.
    pub fn draw(rng: &mut Rng, song: &Song, seconds: f32) -> Self {
        let end = song.end().map_or(0, |end| end.0);
        let first = song.tempos.first().map(|(_, bpm)| *bpm as f32);
        let bpm =
            first.filter(|bpm| (40.0..220.0).contains(bpm)).unwrap_or_else(|| between(rng, 70.0, 130.0));
        let bpm = (bpm * between(rng, 0.8, 1.2)).clamp(45.0, 200.0);
        let ticks = (seconds * bpm / 60.0 * TICKS_PER_QUARTER as f32) as i64;
        let bar = song.bars.iter().max_by_key(|run| run.count).map_or(3_840, |run| run.length.0.max(1));
        let last = (end - ticks).max(0) / bar;
        let from = rng.below(last as usize + 1) as i64 * bar;
        Self { from, bpm, seconds }
    }

    /// Start and end of a note in seconds of the excerpt; none if it does not begin within.
    pub fn seconds(&self, start: i64, length: i64) -> Option<(f32, f32)> {
        let at = |ticks: i64| (ticks - self.from) as f32 / TICKS_PER_QUARTER as f32 * 60.0 / self.bpm;
        let start_s = at(start);
        (0.0..self.seconds - 0.05).contains(&start_s).then(|| (start_s, at(start + length).min(self.seconds)))
    }

    /// Seconds of a quarter.
    pub fn quarter_s(&self) -> f32 {
        60.0 / self.bpm
    }
}
