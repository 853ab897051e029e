//! What connects the audio thread with the desk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;

use collavoce::engine::{Performance, Player, ready};
use collavoce::instrument::Sounds;
use collavoce::listen::RoundTripProbe;
use collavoce::song::Gesture;
use collavoce::time::Hz;
use rtrb::{Consumer, Producer, RingBuffer};

/// Seconds of the voice that may wait for the desk while it is captured.
const CAPTURE_S: usize = 4;
/// Most that a singer says in one block; more is left out.
pub(super) const MAX_SAID: usize = 4;

/// A song that is ready to be played; one without events says that there is none.
#[derive(Debug)]
pub struct Loaded {
    /// Its events, counted from its beginning.
    pub performance: Performance,
    /// Where it begins on the host's time line, in seconds.
    pub origin_s: f64,
    /// Its instruments: how they sound belongs to the song.
    pub player: Player,
}

/// What the singer said within some samples, and after how many of them.
pub type Said = [Option<(Gesture, u32)>; MAX_SAID];

/// A stretch of the captured voice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptureStamp {
    /// Where it begins on the host's time line, in samples.
    pub at: i64,
    /// Its length; 0 says that the capture has ended.
    pub frames: usize,
    /// What the singer said within it.
    pub said: Said,
    /// Whether the live band began to listen with it.
    pub begins: bool,
    /// Beats of the metre since a bar line at its beginning, and beats a minute, where the host says both.
    pub beats: Option<(f64, f64)>,
}

impl CaptureStamp {
    /// Nothing; it says that the capture has ended.
    pub const END: Self = Self { at: 0, frames: 0, said: [None; MAX_SAID], begins: false, beats: None };
}

/// How an offline render waits for the desk.
#[derive(Debug, Default)]
pub struct Appointments {
    asked: AtomicU64,
    kept: AtomicU64,
    is_closed: AtomicBool,
}

impl Appointments {
    /// Waits until the desk has done everything that there was to do when this was called.
    pub fn wait(&self, desk: &Thread) {
        let asked = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        while self.kept.load(Ordering::Acquire) < asked && !self.is_closed.load(Ordering::Acquire) {
            desk.unpark();
            std::thread::yield_now();
        }
    }

    /// What is asked of the desk now.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Acquire)
    }

    /// Everything that was asked up to then is done.
    pub fn keep(&self, asked: u64) {
        self.kept.fetch_max(asked, Ordering::AcqRel);
    }

    /// Nobody is to wait any more.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }
}

/// The deck's end of what connects it with the desk.
#[derive(Debug)]
pub struct DeckEnd {
    pub(super) songs: Consumer<Box<Loaded>>,
    pub(super) done: Producer<Box<Loaded>>,
    pub(super) voice: Producer<f32>,
    pub(super) stamps: Producer<CaptureStamp>,
    pub(super) measurements: Consumer<()>,
    pub(super) heard: Producer<f32>,
    pub(super) appointments: Arc<Appointments>,
    pub(super) desk: Thread,
}

/// The desk's end.
#[derive(Debug)]
pub struct DeskEnd {
    /// Songs for the deck.
    pub songs: Producer<Box<Loaded>>,
    /// Songs that it is done with: they are freed here.
    pub done: Consumer<Box<Loaded>>,
    /// The captured voice in mono.
    pub voice: Consumer<f32>,
    /// What of it is what.
    pub stamps: Consumer<CaptureStamp>,
    /// Asks for a measurement of the round trip.
    pub measurements: Producer<()>,
    /// What is heard while it is measured, in mono.
    pub heard: Consumer<f32>,
    /// The host's sample rate.
    pub rate: Hz,
    /// The band's sounds in this activation.
    pub sounds: Sounds,
}

/// Both ends of a new connection with a desk's thread.
pub fn connect(
    rate: Hz,
    sounds: Sounds,
    appointments: Arc<Appointments>,
    desk: Thread,
) -> (DeckEnd, DeskEnd) {
    let (to_deck, songs) = RingBuffer::new(4);
    let (done, back) = RingBuffer::new(8);
    let (voice, voice_out) = ready::ring(rate.0 as usize * CAPTURE_S, 0.0);
    let (stamps, stamps_out) = ready::ring(16_384, CaptureStamp::END);
    let (measurements, asked) = RingBuffer::new(1);
    let (heard, heard_out) = ready::ring(RoundTripProbe::length(rate), 0.0);
    let deck = DeckEnd { songs, done, voice, stamps, measurements: asked, heard, appointments, desk };
    let desk = DeskEnd {
        songs: to_deck,
        done: back,
        voice: voice_out,
        stamps: stamps_out,
        measurements,
        heard: heard_out,
        rate,
        sounds,
    };
    (deck, desk)
}
