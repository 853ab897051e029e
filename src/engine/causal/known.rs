//! A song that is known beforehand: where the singer is in it says where the beats lie and which bar is next.

use std::sync::Arc;

use super::{Causal, Locked};
use crate::follow::known::{KnownPosition, SongFollower};
use crate::follow::rhythm::Position;
use crate::listen::HOP_S;
use crate::score::midi_of_hz;
use crate::song::Settings;
use crate::time::Ticks;

/// Probability of a place in the song from which it is believed. It is low because a song may say the same at two or three
/// places.
const BELIEVED: f64 = 0.25;

/// The song under some settings, if it is known.
pub(super) fn follower(settings: &Settings, bar_line_s: Option<f64>) -> Option<SongFollower> {
    let song = settings.known.clone()?;
    let period_s = settings.bpm.map(|bpm| bpm.beat_period_s());
    Some(SongFollower::new(Arc::new(song), period_s, bar_line_s.filter(|_| period_s.is_some())))
}

impl Causal {
    /// Tells the song's follower what sounds between onsets.
    pub(super) fn hear_song(&mut self, from: usize) {
        let Some(known) = &mut self.known else { return };
        for seen in &self.observations[from.min(self.observations.len())..] {
            let midi = seen.voiced.then(|| midi_of_hz(f64::from(seen.f0_hz)));
            known.sounds(seen.index as f64 * HOP_S, midi);
        }
    }

    /// Where in the known song the singer is, if that is believed.
    pub(super) fn in_song(&self, now_s: f64) -> Option<KnownPosition> {
        self.known.as_ref()?.position(now_s).filter(|found| found.probability >= BELIEVED)
    }

    /// Where the singer is: in the known song, else as far as rhythm tells.
    pub(super) fn position(&self, now_s: f64) -> Option<Position> {
        let Some((found, song)) = self.in_song(now_s).zip(self.settings.known.as_ref()) else {
            return self.tracker.position(now_s);
        };
        let per_bar = song.meter().beats_per_bar() as i64;
        Some(Position {
            meter: song.meter(),
            beat_s: found.beat_s,
            coming_s: found.coming_s,
            place: found.beat.rem_euclid(per_bar).unsigned_abs() as usize,
            period_s: found.period_s,
            doubt_s: found.doubt_s,
            probability: found.probability,
            bar_probability: found.probability,
        })
    }

    /// By how many bars the song is ahead of the band's count at a position.
    fn bars_ahead(&self, locked: &Locked, at: Ticks, now_s: f64) -> Option<i64> {
        let found = self.in_song(now_s)?;
        let per_bar = locked.bars.meter.beats_per_bar() as i64;
        let last = locked.beats_s.len() - 1;
        // A beat of the band, and the beat of the song that it is.
        let (beat, song_beat) = match found.waiting {
            Some(waiting) => {
                let next = waiting.start_beats.floor() as i64;
                let place = next.rem_euclid(per_bar).unsigned_abs() as usize;
                ((last + 1..).find(|beat| locked.place(*beat) == place)? as i64, next)
            }
            None => {
                let passed = ((locked.last_s() - found.beat_s) / found.period_s).round() as i64;
                (last as i64, found.beat + passed)
            }
        };
        let band_beat = (locked.tick(beat.max(0) as usize) - locked.bar_one()) / locked.bars.meter.beat();
        let wanted = (at - locked.bar_one()) / locked.bars.meter.beat();
        let shift = song_beat - band_beat;
        Some(((wanted + shift) as f64 / per_bar as f64).round() as i64 - wanted.div_euclid(per_bar))
    }

    /// The settings for what begins at a position: the chart stands where the song does.
    pub(super) fn settings_at(&mut self, at: Ticks, now_s: f64) -> Settings {
        let mut settings = self.settings.clone();
        let Some(locked) = &self.locked else { return settings };
        if settings.known.is_none() {
            return settings;
        }
        let ahead = self.bars_ahead(locked, at, now_s).unwrap_or(locked.bars_ahead);
        if let Some(chart) = &mut settings.chart
            && let Some(count) = i64::try_from(chart.bars.len()).ok().filter(|count| *count > 0)
        {
            chart.bars.rotate_left(ahead.rem_euclid(count).unsigned_abs() as usize);
        }
        // The band has no use for the melody, which may be long.
        settings.known = None;
        if let Some(locked) = &mut self.locked {
            locked.bars_ahead = ahead;
        }
        settings
    }
}
