//! What the editor sees: a snapshot of the instance, written by its workers and read by the editor.

use std::sync::Arc;

pub use collavoce::engine::State as Doing;

use nice_plug_egui::RepaintNotifier;

/// What the band is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Nothing is heard, or the transport stands.
    #[default]
    Idle,
    /// The voice is heard; the band waits until it is sure of the beat.
    Listening,
    /// The band plays.
    Playing,
    /// The voice is recorded.
    Capturing,
    /// A take is analysed, a file loaded or the song exported.
    Working,
}

/// One bar as it is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BarView {
    /// Its number.
    pub number: i32,
    /// When it begins and ends, in seconds of the song.
    pub start_s: f64,
    /// See `start_s`.
    pub end_s: f64,
    /// When its beats begin, in seconds of the song.
    pub beats_s: Vec<f64>,
    /// Its chords: when they begin in seconds, their names.
    pub chords: Vec<(f64, String)>,
    /// The section's label.
    pub section: String,
    /// Whether it may still change.
    pub is_guess: bool,
    /// Notes of the parts in the order guitar, drums, strings, bass: start and end in seconds, MIDI pitch, velocity.
    pub notes: [Vec<(f32, f32, u8, u8)>; 4],
}

/// What was heard in one step of 10 ms.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HeardView {
    /// When, in seconds of the song.
    pub time_s: f32,
    /// MIDI pitch with fraction; 0 where nothing is voiced.
    pub midi: f32,
    /// Level in dB relative to full scale.
    pub level_dbfs: f32,
}

/// Counters of everything that went wrong in real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HealthView {
    /// Beats that came too late.
    pub late_follow: u64,
    /// Bars that came too late.
    pub late_plan: u64,
    /// Samples of the voice that were lost.
    pub dropped: u64,
    /// Blocks that the host gave faster than real time without saying so.
    pub overruns: u64,
}

/// The whole snapshot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct View {
    /// What the band is doing.
    pub state: State,
    /// A line for the user: what is going on or what went wrong.
    pub message: String,
    /// Progress of the work that is done, 0 to 1; none if there is none.
    pub progress: Option<f32>,
    /// Seconds captured, and the most that can be.
    pub captured_s: (f32, f32),
    /// Where the song plays, in seconds of the song.
    pub now_s: f64,
    /// The key and its runners-up with their probabilities.
    pub keys: Vec<(String, f32)>,
    /// The tempo here in beats a minute; 0 if unknown.
    pub bpm: f32,
    /// The metre.
    pub meter: String,
    /// The singer's tuning in cents.
    pub tuning_cents: f32,
    /// How sure the beat is, 0 to 1.
    pub beat_confidence: f32,
    /// What the live band is doing.
    pub doing: Doing,
    /// The bars around now, or in studio mode all of them.
    pub bars: Arc<Vec<BarView>>,
    /// What was heard lately, oldest first.
    pub heard: Arc<Vec<HeardView>>,
    /// Health.
    pub health: HealthView,
    /// Whether a song is there to be exported.
    pub has_song: bool,
}

impl View {
    /// Whether everything but bars and what was heard is the same.
    fn same_but_for_bars(&self, other: &Self) -> bool {
        let without = |view: &Self| Self { bars: Arc::default(), heard: Arc::default(), ..view.clone() };
        without(self) == without(other)
    }
}

/// What the editor asks for beside parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Load a vocal file, a chord chart or a saved song.
    Load(std::path::PathBuf),
    /// Export MIDI, stems, lead sheet and song into a folder.
    Export(std::path::PathBuf),
    /// Fix the chords of a bar.
    Fix(collavoce::song::FixedBar),
    /// Let the composer find the chords of a bar.
    Free(collavoce::score::BarNumber),
    /// Play clicks and find out how long they take to come back.
    MeasureRoundTrip,
    /// Forget the song.
    Clear,
}

/// What the desk adds to whatever is shown.
#[derive(Debug, Default, Clone, PartialEq)]
struct Note {
    message: String,
    captured_s: (f32, f32),
    has_song: bool,
}

/// What workers and editor share. The audio thread never touches it.
#[derive(Debug, Default)]
pub struct Shared {
    view: parking_lot::Mutex<Arc<View>>,
    commands: parking_lot::Mutex<Vec<Command>>,
    note: parking_lot::Mutex<Option<Note>>,
    /// The round trip that was measured and that nobody has taken up, in ms.
    round_trip: parking_lot::Mutex<Option<f32>>,
    /// Counts how often other sounds were read.
    sounds: std::sync::atomic::AtomicU64,
    repaint: RepaintNotifier,
}

impl Shared {
    /// The newest snapshot.
    pub fn view(&self) -> Arc<View> {
        self.view.lock().clone()
    }

    /// Says what stands beside whatever is shown: a line for the user, how much is captured of how much at most, and
    /// whether there is a song.
    pub fn set_note(&self, message: &str, captured_s: (f32, f32), has_song: bool) {
        let note = Note { message: message.to_owned(), captured_s, has_song };
        let before = self.note.lock().replace(note.clone());
        if before != Some(note) {
            self.show(View { progress: None, ..View::clone(&self.view()) });
        }
    }

    /// Shows another snapshot from now on. The editor repaints if it differs, at its own pace.
    pub fn show(&self, mut view: View) {
        if let Some(note) = self.note.lock().clone() {
            if view.state != State::Working {
                view.message = note.message;
            }
            (view.captured_s, view.has_song) = (note.captured_s, note.has_song);
        }
        let before = std::mem::replace(&mut *self.view.lock(), Arc::new(view));
        let after = self.view();
        // What is shared is not compared bar by bar.
        let is_same = Arc::ptr_eq(&before.bars, &after.bars)
            && Arc::ptr_eq(&before.heard, &after.heard)
            && before.same_but_for_bars(&after);
        self.repaint.request_repaint_with(!is_same);
    }

    /// Tells the editor that there is something new to be drawn.
    pub fn repaint(&self) -> RepaintNotifier {
        self.repaint.clone()
    }

    /// Says which round trip was measured, in ms.
    pub fn tell_round_trip(&self, ms: f32) {
        *self.round_trip.lock() = Some(ms);
        self.repaint.request_repaint_with(true);
    }

    /// The round trip that was measured since the last call, in ms.
    pub fn take_round_trip(&self) -> Option<f32> {
        self.round_trip.lock().take()
    }

    /// Says that other sounds are there, for the next activation.
    pub fn tell_sounds(&self) {
        self.sounds.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        self.repaint.request_repaint_with(true);
    }

    /// How often that was said.
    pub fn sounds_told(&self) -> u64 {
        self.sounds.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Asks for something.
    pub fn ask(&self, command: Command) {
        self.commands.lock().push(command);
    }

    /// What was asked for since the last call.
    pub fn asked(&self) -> Vec<Command> {
        std::mem::take(&mut *self.commands.lock())
    }
}
