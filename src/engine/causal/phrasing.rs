//! What the players hear of the singer between two bars: tones, entries, and the end of the voice.

use super::Causal;
use crate::compose::intensity::Tone;
use crate::listen::HOP_S;
use crate::score::Part;
use crate::time::Ticks;

/// Silence before an onset that makes it an entry, and silence after which the voice has gone, in beats.
const ENTRY_REST_BEATS: f64 = 0.5;
const GONE_BEATS: f64 = 0.6;

/// How much of what was heard the players have been told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    notes: usize,
    onsets: usize,
}

impl Causal {
    /// Tells the players what was sung since they were told last, and whether the voice has entered or gone.
    pub(super) fn tell_players(&mut self, now_s: f64) {
        let Some(locked) = &self.locked else { return };
        let (tempo, period_s, meter) = (&locked.grid.tempo, locked.period_s, locked.bars.meter);
        let tick = |time_s: f64| Ticks(tempo.ticks_at(time_s) as i64);
        let open = self.segmenter.open_note();
        for note in self.notes.iter().skip(self.told.notes).chain(&open) {
            self.releaser.hear(Tone {
                start: tick(note.onset_s),
                end: tick(note.offset_s),
                level_dbfs: note.level_dbfs,
                midi: note.midi,
            });
        }
        if let Some(onset) = self.onsets.iter().skip(self.told.onsets).next_back() {
            let before = self.notes.iter().rev().find(|note| note.onset_s < onset.time_s - HOP_S);
            if before.is_some_and(|note| onset.time_s - note.offset_s > ENTRY_REST_BEATS * period_s) {
                let bar = (tick(onset.time_s) - Ticks(0)) / meter.bar();
                self.releaser.meet_entry(Ticks(0) + meter.bar() * (bar + 1), meter.beat());
            }
        }
        if self.rest_s(now_s) > GONE_BEATS * period_s {
            self.releaser.let_go(Part::Strings);
        }
        self.told = Told { notes: self.notes.len(), onsets: self.onsets.len() };
    }
}
