//! Shows a live band while it plays, and tells it what the parameters ask for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use collavoce::engine::live::Watcher;
use collavoce::engine::{BandAnswer, Causal, EngineError, Session};
use collavoce::score::midi_of_hz;
use collavoce::song::{Mode, Settings};
use collavoce::time::{TickCount, Ticks};

use crate::desk::Common;
use crate::params::ModeChoice;
use crate::view::{BarView, HeardView, State, View};

/// Seconds of the sung pitch that are shown.
const HEARD_S: f32 = 12.0;
/// Bars that are shown.
const BARS: usize = 8;
/// Seconds between two snapshots.
const SHOW_S: f64 = 0.033;

/// See the module.
pub struct LiveWatch {
    common: Arc<Common>,
    lookahead_s: f64,
    last: Option<Settings>,
    bars: VecDeque<BandAnswer>,
    heard: VecDeque<HeardView>,
    heard_until: u64,
    shown_s: f64,
    failure: Option<String>,
}

impl LiveWatch {
    /// A watch over the live band of an instance, under the look-ahead of its activation.
    pub fn new(common: Arc<Common>, lookahead_s: f64) -> Self {
        Self {
            common,
            lookahead_s,
            last: None,
            bars: VecDeque::new(),
            heard: VecDeque::new(),
            heard_until: 0,
            shown_s: f64::NEG_INFINITY,
            failure: None,
        }
    }

    /// The settings that are asked for now.
    pub fn asked(&self) -> Settings {
        self.common.asked(Mode::Live, self.lookahead_s)
    }

    fn view(&self, engine: &Causal) -> View {
        let following = engine.following();
        let now_s = following.heard_s - self.lookahead_s;
        let bars: Vec<BarView> = self.bars.iter().filter_map(|bar| bar_view(engine, bar)).collect();
        let plays = bars.first().is_some_and(|bar| bar.start_s <= now_s);
        let state = match () {
            () if self.common.params.capture.value() => State::Capturing,
            () if plays => State::Playing,
            () => State::Listening,
        };
        let last = self.bars.back();
        View {
            state,
            message: self.failure.clone().unwrap_or_default(),
            now_s,
            keys: last.map(|bar| (bar.key.to_string(), 1.0)).into_iter().collect(),
            bpm: if following.period_s > 0.0 { (60.0 / following.period_s) as f32 } else { 0.0 },
            meter: last.map_or_else(String::new, |bar| bar.meter.to_string()),
            tuning_cents: last.and_then(|bar| bar.tuning).map_or(0.0, |tuning| tuning.cents as f32),
            beat_confidence: following.confidence as f32,
            doing: following.state,
            bars: Arc::new(bars),
            heard: Arc::new(self.heard.iter().copied().collect()),
            health: self.common.health.load(),
            ..View::default()
        }
    }
}

/// A bar as far as its time is known, its notes where they are written.
fn bar_view(engine: &Causal, bar: &BandAnswer) -> Option<BarView> {
    let at = |ticks: Ticks| engine.seconds_at(ticks);
    let beat = bar.meter.beat();
    let beats = (0..bar.meter.beats_per_bar() as i64).filter_map(|n| at(bar.bar.start + beat * n));
    let mut notes: [Vec<(f32, f32, u8, u8)>; 4] = Default::default();
    for part in &bar.parts {
        for note in &part.notes {
            let (start, end) = (at(note.start)? as f32, at(note.end())? as f32);
            notes[part.part.index()].push((start, end, note.pitch.0, note.velocity.get()));
        }
    }
    let chords = bar.chords.iter().filter(|span| span.start < bar.bar.end);
    Some(BarView {
        number: bar.bar.number.0,
        start_s: at(bar.bar.start)?,
        end_s: at(bar.bar.end - TickCount(0))?,
        beats_s: beats.collect(),
        chords: chords
            .filter_map(|span| {
                let start = span.start.max(bar.bar.start);
                Some((at(start)?, span.chord.lead_sheet(bar.key.uses_flats())))
            })
            .collect(),
        section: String::new(),
        is_guess: false,
        notes,
    })
}

impl Watcher for LiveWatch {
    fn settings(&mut self) -> Option<Settings> {
        let asked = self.asked();
        if self.last.as_ref() == Some(&asked) {
            return None;
        }
        self.last = Some(asked.clone());
        Some(asked)
    }

    fn watch(&mut self, engine: &mut Causal) {
        for bar in engine.take_bars() {
            // A bar whose chord was corrected comes again.
            self.bars.retain(|old| old.bar.number != bar.bar.number || old.bar.start != bar.bar.start);
            self.bars.push_back(bar);
        }
        while self.bars.len() > BARS {
            self.bars.pop_front();
        }
        for seen in engine.heard_since(self.heard_until) {
            self.heard_until = seen.index + 1;
            let midi = if seen.voiced { midi_of_hz(f64::from(seen.f0_hz)) as f32 } else { 0.0 };
            let time_s = (seen.index as f64 * collavoce::listen::HOP_S) as f32;
            self.heard.push_back(HeardView { time_s, midi, level_dbfs: seen.level_dbfs });
        }
        let newest = self.heard.back().map_or(0.0, |seen| seen.time_s);
        while self.heard.front().is_some_and(|seen| seen.time_s < newest - HEARD_S) {
            self.heard.pop_front();
        }
        let heard_s = engine.following().heard_s;
        if (heard_s - self.shown_s).abs() < SHOW_S {
            return;
        }
        self.shown_s = heard_s;
        // While a known song plays, the desk shows that.
        let params = &self.common.params;
        let shows_song = self.common.plays_song.load(Ordering::Relaxed)
            && params.mode.value() == ModeChoice::Studio
            && !params.capture.value();
        if !shows_song && self.common.shared.view().state != State::Working {
            self.common.shared.show(self.view(engine));
        }
    }

    fn ended(&mut self, _session: Option<Session>) {
        self.bars.clear();
        self.heard.clear();
        self.heard_until = 0;
        self.shown_s = f64::NEG_INFINITY;
        self.failure = None;
    }

    fn failed(&mut self, error: &EngineError) {
        self.failure = Some(error.to_string());
    }
}
