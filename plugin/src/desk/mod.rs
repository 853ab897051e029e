//! The desk: one thread of an instance that owns the song. It captures, analyses, loads, exports, writes anew what
//! parameters change, and shows all of it. It lives as long as the instance; decks come and go with activation.

mod capture;
mod measure;
mod sounds;
#[cfg(test)]
mod tests;
mod work;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use collavoce::engine::{Performance, Player};
use collavoce::instrument::Tone;
use collavoce::perform::Performer;
use collavoce::score::BarNumber;
use collavoce::song::{Anchor, Chart, FixedBar, KnownSong, Lead, Mode, Seed, Settings};
use collavoce::time::Hz;
use parking_lot::Mutex;

use crate::asked::{HostClock, settings};
use crate::deck::{Appointments, DeskEnd, Loaded};
use crate::params::{CollavoceParams, ModeChoice};
use crate::saved;
use crate::show::Shown;
use crate::view::{Command, HealthView, Shared, State, View};
use capture::{Captured, CapturedTake, HostBars};
use measure::Measurement;
use sounds::Read;
use work::{Loadable, Material};

pub use capture::MAX_CAPTURE_S;

/// How often the desk looks around while nothing calls it.
const LOOK: Duration = Duration::from_millis(20);

/// Looks without captured voice after which a capture that is switched off is over.
const QUIET_LOOKS: u32 = 10;

/// What an instance shares between host, editor, audio thread and workers.
#[derive(Debug, Default)]
pub struct Common {
    /// The parameters.
    pub params: Arc<CollavoceParams>,
    /// What the editor sees.
    pub shared: Arc<Shared>,
    /// What the host says.
    pub clock: HostClock,
    /// What an offline render waits for.
    pub appointments: Arc<Appointments>,
    /// Whether a known song is what plays.
    pub plays_song: AtomicBool,
    /// Counters, as the audio thread last saw them.
    pub health: HealthCell,
    /// The chord chart that holds.
    chart: Mutex<Option<Chart>>,
    /// Bars whose chords are fixed, in order.
    fixed: Mutex<Vec<FixedBar>>,
    /// What the singer said in the take that the song was made of.
    said: Mutex<Said>,
    /// The song that the live band knows, with what it states where nobody else does.
    known: Mutex<Option<Settings>>,
    /// The sounds that were read.
    sounds: Mutex<Read>,
    deck: Mutex<Option<DeskEnd>>,
    stop: AtomicBool,
}

/// What a singer said in a take, with keys, buttons or by letting others count.
#[derive(Debug, Clone, Default, PartialEq)]
struct Said {
    /// Where bar 1, or a bar of the host, begins, in seconds of the take.
    bar_one_s: Option<f64>,
    anchors: Vec<Anchor>,
}

impl Said {
    /// What a song keeps.
    fn of(settings: &Settings) -> Self {
        Self { bar_one_s: settings.bar_one_s, anchors: settings.anchors.clone() }
    }

    /// What was said in a take while the live band was asked for something.
    fn in_take(take: &CapturedTake, live: &Settings) -> Self {
        let counted_s = take.listened_s.zip(live.first_bar_s()).map(|(listened_s, bar_s)| listened_s + bar_s);
        let is_sound = |bars: &HostBars| bars.bpm.is_finite() && bars.bpm > 0.0 && bars.beats.is_finite();
        let hosts_s = take.bars.filter(is_sound).filter(|_| live.lead == Lead::Host).map(|bars| {
            let (beat_s, per_bar) = (60.0 / bars.bpm, live.given_meter().beats_per_bar() as f64);
            // The first of the host's bar lines that lies in the take.
            (bars.at_s - bars.beats * beat_s).rem_euclid(per_bar * beat_s)
        });
        Self { bar_one_s: hosts_s.or(counted_s), anchors: take.anchors.clone() }
    }
}

/// Counters that one thread writes and others read.
#[derive(Debug, Default)]
pub struct HealthCell([AtomicU64; 4]);

impl HealthCell {
    /// Sets them.
    pub fn store(&self, health: HealthView) {
        let HealthView { late_follow, late_plan, dropped, overruns } = health;
        for (cell, value) in self.0.iter().zip([late_follow, late_plan, dropped, overruns]) {
            cell.store(value, Ordering::Relaxed);
        }
    }

    /// Reads them.
    pub fn load(&self) -> HealthView {
        let [late_follow, late_plan, dropped, overruns] =
            self.0.each_ref().map(|cell| cell.load(Ordering::Relaxed));
        HealthView { late_follow, late_plan, dropped, overruns }
    }
}

impl Common {
    /// Everything around some parameters.
    pub fn new(params: Arc<CollavoceParams>, shared: Arc<Shared>) -> Self {
        Self { params, shared, ..Self::default() }
    }

    /// The settings that parameters and chart ask for. What a parameter states goes before the chart.
    pub fn asked(&self, mode: Mode, lookahead_s: f64) -> Settings {
        let mut asked = settings(&self.params, &self.clock, mode, lookahead_s);
        if let Some(chart) = &*self.chart.lock() {
            asked.key = asked.key.or(chart.key);
            asked.meter = asked.meter.or(chart.meter);
            asked.bpm = asked.bpm.or(chart.tempo);
            asked.chart = Some(chart.clone());
        }
        asked.fixed = self.fixed.lock().clone();
        if mode == Mode::Studio {
            let said = self.said.lock();
            (asked.bar_one_s, asked.anchors) = (said.bar_one_s, said.anchors.clone());
        }
        if let (Mode::Live, Lead::Voice, Some(known)) = (mode, asked.lead, &*self.known.lock())
            && asked.meter.is_none_or(|meter| Some(meter) == known.meter)
        {
            asked.key = asked.key.or(known.key);
            asked.meter = known.meter;
            asked.bpm = asked.bpm.or(known.bpm);
            asked.chart = asked.chart.or_else(|| known.chart.clone());
            asked.known.clone_from(&known.known);
        }
        asked
    }

    /// Fixes the chords of some bars, and of no others.
    fn fix(&self, bars: Vec<FixedBar>) {
        self.params.fixed.keep(saved::fixed_text(&bars));
        *self.fixed.lock() = bars;
    }

    /// Connects a deck from now on.
    pub fn attach(&self, end: DeskEnd) {
        *self.deck.lock() = Some(end);
    }
}

/// The desk's thread; joined when dropped.
#[derive(Debug)]
pub struct Desk {
    common: Arc<Common>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Opens the desk of an instance.
    pub fn open(common: Arc<Common>) -> std::io::Result<Self> {
        let of_thread = common.clone();
        let thread = std::thread::Builder::new().name("collavoce desk".to_owned()).spawn(move || {
            let appointments = of_thread.appointments.clone();
            let run = std::panic::AssertUnwindSafe(|| Clerk::new(of_thread).run());
            let ended = std::panic::catch_unwind(run);
            // Nobody waits for a desk that is gone.
            appointments.close();
            drop(ended);
        })?;
        Ok(Self { common, thread: Some(thread) })
    }

    /// Its thread.
    pub fn thread(&self) -> Option<Thread> {
        self.thread.as_ref().map(|thread| thread.thread().clone())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.common.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic has closed the appointments already; there is nobody to tell.
            drop(thread.join());
        }
    }
}

/// Who works at the desk.
struct Clerk {
    common: Arc<Common>,
    deck: Option<DeskEnd>,
    captured: Option<Captured>,
    material: Option<Material>,
    shown: Option<Shown>,
    measurement: Option<Measurement>,
    /// What was asked for when the song was last written or taken in.
    written_for: Option<Settings>,
    /// How often song and chart had been restored when the desk last took them up.
    restored: [u64; 3],
    /// How often in a row the desk has looked for captured voice and found none.
    quiet_looks: u32,
    message: String,
}

impl Clerk {
    fn new(common: Arc<Common>) -> Self {
        Self {
            common,
            deck: None,
            captured: None,
            material: None,
            shown: None,
            measurement: None,
            written_for: None,
            restored: [0; 3],
            quiet_looks: 0,
            message: String::new(),
        }
    }

    fn run(&mut self) {
        while !self.common.stop.load(Ordering::Acquire) {
            let asked = self.common.appointments.asked();
            self.look_around();
            self.common.appointments.keep(asked);
            if self.common.appointments.asked() == asked {
                std::thread::park_timeout(LOOK);
            }
        }
    }

    /// Does everything that there is to do.
    fn look_around(&mut self) {
        self.follow_sounds();
        let end = self.common.deck.lock().take();
        if let Some(end) = end {
            // What the deck before it has captured is kept.
            self.hear_capture();
            self.measurement = None;
            self.deck = Some(end);
            self.hand_over();
        }
        if let Some(deck) = &mut self.deck {
            while deck.done.pop().is_ok() {}
        }
        let params = &self.common.params;
        let restored = [&params.song, &params.chart, &params.fixed].map(|text| text.restored());
        if restored != self.restored {
            self.restored = restored;
            self.restore();
        }
        for command in self.common.shared.asked() {
            self.obey(command);
        }
        self.hear_capture();
        self.measure();
        self.follow_parameters();
        self.show();
    }

    /// The settings for a known song.
    fn asked(&self) -> Settings {
        self.common.asked(Mode::Studio, 0.0)
    }

    fn restore(&mut self) {
        let params = &self.common.params;
        let (song, chart) = (params.song.get(), params.chart.get());
        let chart = (!chart.is_empty()).then(|| Chart::parse(&chart)).transpose();
        self.message = chart.as_ref().err().map_or_else(String::new, |e| format!("The project's chart: {e}"));
        let chart = chart.unwrap_or_default();
        match saved::fixed_bars(&params.fixed.get()) {
            Ok(bars) => *self.common.fixed.lock() = bars,
            Err(error) => {
                self.common.fixed.lock().clear();
                self.message = format!("The project's fixed chords: {error}");
            }
        }
        match saved::unpack(&song) {
            Ok(None) => {
                *self.common.chart.lock() = chart;
                self.forget();
            }
            Ok(Some(song)) => {
                *self.common.chart.lock() = chart.or_else(|| song.settings.chart.clone());
                *self.common.said.lock() = Said::of(&song.settings);
                let origin_s = self.common.params.song_place.lock().origin_s;
                // It comes back as it was, whatever the parameters say; only when they change is it written anew.
                self.take(Material::restored(song, origin_s));
            }
            Err(error) => {
                *self.common.chart.lock() = chart;
                self.forget();
                self.message = format!("{error}. A fresh song is begun.");
            }
        }
    }

    fn forget(&mut self) {
        (self.material, self.shown, self.written_for, self.captured) = (None, None, None, None);
        *self.common.said.lock() = Said::default();
        self.hand_over();
    }

    /// Takes a song in place of the one that is there.
    fn take(&mut self, material: Material) {
        self.shown = Some(Shown::of(&material.session, &material.song.settings));
        self.written_for = Some(self.asked());
        self.common.params.song_place.lock().origin_s = material.origin_s;
        match saved::pack(&material.song) {
            Ok(text) => self.common.params.song.keep(text),
            Err(error) => self.message = error.to_string(),
        }
        self.material = Some(material);
        self.hand_over();
    }

    /// Gives the song to the deck; a song without events takes the deck's away.
    fn hand_over(&mut self) {
        let known = self.material.as_ref().and_then(|material| {
            let known = KnownSong::of(&material.song.score).ok()?;
            Some(material.song.known_to(Settings::default(), known))
        });
        *self.common.known.lock() = known;
        let Some(deck) = &mut self.deck else { return };
        let (events, origin_s, seed, tone) = match &self.material {
            None => (Vec::new(), 0.0, Seed::default(), Tone::default()),
            Some(Material { song, origin_s, .. }) => {
                let events = Performer::new(&song.score, &song.settings, deck.rate).perform();
                (events, origin_s - song.heard.pad_s, song.settings.seed, Tone::of(&song.settings))
            }
        };
        let player = Player::with_sounds(deck.rate, seed, &deck.sounds.clone().toned(tone));
        let loaded = Loaded { performance: Performance::new(events), origin_s, player };
        let mut loaded = Box::new(loaded);
        // The deck takes one at every block; one that does not run is replaced soon.
        for _ in 0..50 {
            match deck.songs.push(loaded) {
                Ok(()) => return,
                Err(rtrb::PushError::Full(back)) => loaded = back,
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn obey(&mut self, command: Command) {
        let outcome = match command {
            Command::Clear => {
                self.forget();
                *self.common.chart.lock() = None;
                self.common.params.song.keep(String::new());
                self.common.params.chart.keep(String::new());
                self.common.fix(Vec::new());
                self.message = "The song is forgotten.".to_owned();
                Ok(())
            }
            Command::MeasureRoundTrip => self.begin_to_measure(),
            Command::Load(path) => self.load(&path),
            Command::Export(folder) => self.export(&folder),
            Command::Fix(bar) => {
                self.message = format!("Chords fixed: {bar}");
                self.fix(bar.bar, Some(bar));
                Ok(())
            }
            Command::Free(bar) => {
                self.message = format!("The chords of bar {} are found.", bar.0);
                self.fix(bar, None);
                Ok(())
            }
        };
        if let Err(reason) = outcome {
            self.message = reason;
        }
    }

    fn fix(&self, number: BarNumber, chords: Option<FixedBar>) {
        let mut bars = self.common.fixed.lock().clone();
        bars.retain(|bar| bar.bar != number);
        bars.extend(chords);
        bars.sort_by_key(|bar| bar.bar);
        self.common.fix(bars);
    }

    fn load(&mut self, path: &Path) -> Result<(), String> {
        if sounds::is_bank(path) {
            return self.keep_bank(path);
        }
        self.show_work(&format!("Loading {}", path.display()), 0.0);
        // Bars were fixed, and anchors given, in the song that was there.
        let asked = Settings { fixed: Vec::new(), bar_one_s: None, anchors: Vec::new(), ..self.asked() };
        let common = self.common.clone();
        let name = path.display().to_string();
        let mut progress = |done: f64| show_progress(&common, &format!("Listening to {name}"), done);
        match work::load(path, &asked, &mut progress)? {
            Loadable::Song(material) => {
                self.captured = None;
                self.message = format!("Loaded {name}");
                // A saved song has its own chords, whatever chart was there before.
                self.common.fix(material.song.settings.fixed.clone());
                *self.common.said.lock() = Said::of(&material.song.settings);
                let chart = material.song.settings.chart.clone();
                if chart != asked.chart {
                    *self.common.chart.lock() = chart;
                    self.common.params.chart.keep(String::new());
                }
                self.take(*material);
            }
            Loadable::Chart(chart, text) => {
                self.message = format!("{} bars of chords from {name}", chart.bars.len());
                *self.common.chart.lock() = Some(*chart);
                self.common.params.chart.keep(text);
            }
        }
        Ok(())
    }

    fn export(&mut self, folder: &Path) -> Result<(), String> {
        let Some(material) = &self.material else {
            return Err("There is no song to export: capture or load one first.".to_owned());
        };
        let common = self.common.clone();
        let rate = self.deck.as_ref().map_or(Hz(48_000), |deck| deck.rate);
        // What is heard is what is written.
        let sounds = match &self.deck {
            Some(deck) => deck.sounds.clone(),
            None => self.common.sounds.lock().sounds.clone(),
        };
        let files = work::export(material, &sounds, folder, rate, &mut |done| {
            show_progress(&common, "Exporting", done);
        })?;
        self.message = format!("Exported {} files to {}", files, folder.display());
        Ok(())
    }

    /// Takes in what the deck captures; at the end of a capture it becomes a song.
    fn hear_capture(&mut self) {
        let Some(deck) = &mut self.deck else { return };
        let mut has_ended = false;
        self.quiet_looks += 1;
        while let Ok(stamp) = deck.stamps.pop() {
            self.quiet_looks = 0;
            if stamp.frames == 0 {
                has_ended = true;
                continue;
            }
            let captured = self.captured.get_or_insert_with(Captured::new);
            if let Ok(chunk) = deck.voice.read_chunk(stamp.frames) {
                captured.push(&stamp, deck.rate, chunk.into_iter());
            }
        }
        // A deck that is gone with its activation says no end.
        let is_over = !self.common.params.capture.value() && self.quiet_looks > QUIET_LOOKS;
        if has_ended || is_over && self.captured.as_ref().is_some_and(Captured::is_unfinished) {
            self.analyse();
        }
    }

    fn analyse(&mut self) {
        let Some(captured) = &mut self.captured else { return };
        let Some(take) = captured.finish() else { return };
        let said = Said::in_take(&take, &self.common.asked(Mode::Live, 0.0));
        let before = std::mem::replace(&mut *self.common.said.lock(), said);
        let asked = self.asked();
        let common = self.common.clone();
        let earlier = self.material.as_ref();
        let made = work::analyse(&take, &asked, earlier, &mut |done| {
            show_progress(&common, "Listening to the take", done);
        });
        match made {
            Ok(material) => {
                let score = &material.session.score;
                self.message = format!("{} bars in {}", score.bars - score.lead_in_bars, score.key);
                self.take(material);
            }
            Err(reason) => {
                *self.common.said.lock() = before;
                self.message = reason;
            }
        }
    }

    /// Writes the song anew where the parameters ask for another one.
    fn follow_parameters(&mut self) {
        let asked = self.asked();
        let (Some(material), Some(written_for)) = (&self.material, &self.written_for) else { return };
        if asked == *written_for || self.common.params.capture.value() {
            return;
        }
        match work::rewrite(material, &asked) {
            Ok(material) => self.take(material),
            Err(reason) => {
                self.message = reason;
                self.written_for = Some(asked);
            }
        }
    }

    fn show_work(&self, what: &str, done: f64) {
        show_progress(&self.common, what, done);
    }

    /// Shows the song, unless the live band shows itself.
    fn show(&mut self) {
        let common = &self.common;
        let is_capturing = common.params.capture.value();
        let captured_s = self.captured.as_ref().map_or(0.0, Captured::length_s) as f32;
        let is_studio = common.params.mode.value() == ModeChoice::Studio;
        let note = match (&self.material, is_studio, is_capturing) {
            (None, true, false) if self.message.is_empty() => {
                "Nothing captured yet: the band plays live until there is a take."
            }
            _ => &self.message,
        };
        common.shared.set_note(note, (captured_s, MAX_CAPTURE_S as f32), self.material.is_some());
        let view = common.shared.view();
        if view.state == State::Working {
            // Whatever it was is done.
            common.shared.show(View { state: State::Idle, progress: None, ..View::clone(&view) });
        }
        let Some(shown) = self.shown.as_ref().filter(|_| is_studio && !is_capturing) else { return };
        let state = if common.clock.is_playing() { State::Playing } else { State::Idle };
        let health = common.health.load();
        common.shared.show(View { state, health, ..shown.at(common.clock.song_s()) });
    }
}

fn show_progress(common: &Common, what: &str, done: f64) {
    let view = common.shared.view();
    common.shared.show(View {
        state: State::Working,
        message: what.to_owned(),
        progress: Some(done as f32),
        ..View::clone(&view)
    });
}
