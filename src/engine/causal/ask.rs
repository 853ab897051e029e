//! What the composer is asked for, and what comes of its answers.

use super::{BandAnswer, BandRequest, Causal, ComposerLink, Reply, Wanted};
use crate::engine::EngineError;
use crate::score::BarNumber;
use crate::song::Settings;
use crate::time::Ticks;

impl Causal {
    /// Asks for what begins with a beat: a bar, or another chord where that may be.
    pub(super) fn ask_at(
        &mut self,
        beat: usize,
        may_change: bool,
        now_s: f64,
        composer: &mut dyn ComposerLink,
    ) {
        let Some(locked) = &self.locked else { return };
        let (tick, place) = (locked.tick(beat), locked.place(beat));
        if place == 0 {
            self.ask_bar(tick, now_s, composer);
        } else if may_change
            && (self.backing.harmony.is_enough() || locked.bars.meter.chord_beats().contains(&place))
        {
            self.ask_chord(tick, now_s, composer);
        }
    }

    /// Asks for another chord from a position on.
    pub(super) fn ask_chord(&mut self, tick: Ticks, now_s: f64, composer: &mut dyn ComposerLink) {
        if self.locked.as_ref().is_some_and(|locked| locked.has_entered && !locked.has_ended) {
            self.ask(Wanted::Chord(tick), now_s, composer);
        }
    }

    /// Asks for the bar that begins at a position. Nothing is played before bar 1.
    pub(super) fn ask_bar(&mut self, tick: Ticks, now_s: f64, composer: &mut dyn ComposerLink) {
        let Some(locked) = &mut self.locked else { return };
        if locked.has_ended || !locked.meets_voice(&self.onsets) {
            return;
        }
        if self.said.is_ending && locked.has_entered {
            locked.has_ended = true;
            self.ask(Wanted::End, now_s, composer);
            return;
        }
        if tick >= locked.bar_one() && locked.asked_bar.is_none_or(|asked| asked < tick) {
            locked.has_entered = true;
            locked.asked_bar = Some(tick);
            self.ask(Wanted::Bar(tick), now_s, composer);
        }
    }

    pub(super) fn ask(&mut self, wanted: Wanted, now_s: f64, composer: &mut dyn ComposerLink) {
        if let Some(request) = self.request(wanted, now_s) {
            composer.ask(request);
            self.asked.push(wanted);
        }
    }

    pub(super) fn request(&mut self, wanted: Wanted, now_s: f64) -> Option<BandRequest> {
        let settings = match wanted {
            Wanted::Bar(tick) | Wanted::Chord(tick) => self.settings_at(tick, now_s),
            Wanted::End => self.settings.clone(),
        };
        let settings = Settings { energy: self.said.energy.or(settings.energy), ..settings };
        let settings = self.in_harmony(settings, wanted);
        let locked = self.locked.as_ref()?;
        let (mut beats_s, mut tempo) = (locked.beats_s.clone(), locked.grid.tempo.clone());
        // What is asked for may begin with a beat that is not decided.
        let until = match wanted {
            Wanted::Bar(tick) | Wanted::Chord(tick) => tick,
            Wanted::End => Ticks(0),
        };
        while locked.tick(beats_s.len() - 1) < until {
            let beat_s = match locked.middle_s {
                Some(middle_s) if beats_s.len() == locked.beats_s.len() => {
                    2.0f64.mul_add(middle_s, -locked.last_s())
                }
                _ => beats_s[beats_s.len() - 1] + locked.period_s,
            };
            tempo.push(locked.tick(beats_s.len()), beat_s).ok()?;
            beats_s.push(beat_s);
        }
        let mut take = self.take(beats_s, locked.bars, now_s);
        if matches!(wanted, Wanted::Chord(_)) {
            take.notes.extend(self.segmenter.open_note());
        }
        let (lead_in_bars, state) = (locked.grid.lead_in_bars, locked.state);
        Some(BandRequest { wanted, take, tempo, lead_in_bars, now_s, state, settings })
    }

    /// Takes the answers to everything that was asked a beat ago.
    pub(super) fn collect(&mut self, composer: &mut dyn ComposerLink) -> Result<(), EngineError> {
        let stale = std::mem::take(&mut self.stale);
        for (index, wanted) in std::mem::take(&mut self.asked).into_iter().enumerate() {
            match composer.answer()? {
                _ if index < stale => {}
                Reply::Answer(answer) => self.take_answer(*answer),
                Reply::Nothing => {}
                Reply::Late => {
                    self.late_plans += 1;
                    if let (Wanted::Bar(tick), Some(locked)) = (wanted, &self.locked) {
                        let length = locked.bars.meter.bar();
                        let index = (tick - Ticks(0)) / length;
                        let bar = BarNumber(index as i32 - locked.grid.lead_in_bars as i32 + 1);
                        self.releaser.repeat_into(bar, length);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn take_answer(&mut self, answer: BandAnswer) {
        if let Some(tuning) = answer.tuning {
            self.releaser.tune(tuning);
        }
        self.releaser.take(answer.parts.clone(), answer.dynamics.clone());
        self.bars.push(answer);
    }
}
