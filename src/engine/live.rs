//! The live driver: listener and composer on threads of their own, the audio thread between them and the host.
//!
//! ```text
//! audio thread --samples, stamps--> listener --requests--> composer
//!      ^------------ events ------------'  ^---- answers ------'
//! ```
//!
//! Everything that reaches the audio thread carries the sample at which it takes effect, fixed from what was heard and
//! never from when a thread was done. Who waits for both threads after every block ([`Feed::wait`]) therefore gets what
//! the command line gets; who does not gets the same as long as [`Health`] counts nothing.

mod feed;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use rtrb::{Consumer, Producer};

pub use feed::{Beside, Feed};
use feed::{Frame, MAX_ANCHORS, Stamp, Timed};

use super::causal::{Band, BandAnswer, BandRequest, Causal, ComposerLink, Reply};
use super::player::MAX_WAITING;
use super::ready;
use super::{EngineError, Session};
use crate::audio::{ResampleError, Resampler};
use crate::limits::{LISTEN_HOP, LISTEN_HZ};
use crate::listen::ListenConfig;
use crate::perform::NoteEvent;
use crate::song::Settings;
use crate::time::Hz;

/// Seconds of the voice that may wait for the listener.
const INPUT_S: usize = 4;
/// Blocks that may wait for the listener.
const MAX_STAMPS: usize = 16_384;
/// Channels of what is heard: see [`Frame`].
const CHANNELS: usize = 3;
/// Requests that may wait for the composer.
const MAX_REQUESTS: usize = 64;
/// How long the listener sleeps when there is nothing to hear.
const NAP: Duration = Duration::from_millis(1);
/// Whoever looks after a live band: says what is asked for and sees what goes on. It is called on the listener's thread.
pub trait Watcher: Send {
    /// The settings, if they have changed since the last call.
    fn settings(&mut self) -> Option<Settings>;

    /// A block has been heard.
    fn watch(&mut self, engine: &mut Causal);

    /// The time line has jumped; what was played until then, if anything was, is a song.
    fn ended(&mut self, session: Option<Session>);

    /// The band cannot go on until the time line jumps.
    fn failed(&mut self, error: &EngineError);
}

/// Counters of what real time has spoilt. With all of them at 0 the band has played what it plays offline.
#[derive(Debug, Default)]
pub struct Health {
    /// Notes that came too late to be played.
    pub late_follow: AtomicU64,
    /// Bars that the composer did not write in time: the one before was played again.
    pub late_plan: AtomicU64,
    /// Samples of the voice that were lost.
    pub dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    /// Blocks that have been heard.
    heard: AtomicU64,
    /// Whether threads may wait for each other.
    may_wait: AtomicBool,
    stop: AtomicBool,
    /// A thread has ended before its time.
    is_dead: AtomicBool,
    health: Health,
}

/// The threads of a live band; joined when dropped.
#[derive(Debug)]
pub struct LiveThreads {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Why a live band cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The host's sample rate cannot be converted.
    #[error(transparent)]
    Rate(#[from] ResampleError),
    /// The system gives no thread.
    #[error("no thread can be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Starts the threads of a live band.
pub fn start(
    rate: Hz,
    config: ListenConfig,
    settings: Settings,
    watcher: Box<dyn Watcher>,
) -> Result<(Feed, LiveThreads), LiveError> {
    start_with(rate, config, settings, watcher, || {})
}

/// The same, with something that the composer does before every answer.
fn start_with(
    rate: Hz,
    config: ListenConfig,
    settings: Settings,
    watcher: Box<dyn Watcher>,
    before_answer: impl FnMut() + Send + 'static,
) -> Result<(Feed, LiveThreads), LiveError> {
    let shared = Arc::new(Shared::default());
    let (samples_in, samples) = ready::ring(rate.0 as usize * INPUT_S, [0.0; CHANNELS]);
    let (stamps_in, stamps) =
        ready::ring(MAX_STAMPS, Stamp { epoch: 0, frames: 0, host: None, anchors: [None; MAX_ANCHORS] });
    let (events, events_out) = ready::ring(MAX_WAITING, Timed { epoch: 0, event: NoteEvent::NOTHING });
    let (requests, requests_out) = bounded(MAX_REQUESTS);
    let (answers_in, answers) = bounded(MAX_REQUESTS);
    let composer = {
        let shared = shared.clone();
        std::thread::Builder::new()
            .name("collavoce composer".to_owned())
            .spawn(move || guarded(&shared, || compose(&requests_out, &answers_in, before_answer)))?
    };
    let listener = {
        // One for each channel: together they would round otherwise than the command line's, which hears one.
        let resampler = || Resampler::streaming(rate, Hz(LISTEN_HZ), 1);
        let resamplers = [resampler()?, resampler()?, resampler()?];
        let link = ThreadLink { requests, answers, shared: shared.clone(), asked: 0, taken: 0 };
        let thread = move |shared: Arc<Shared>| Listening {
            samples,
            stamps,
            events,
            link,
            shared,
            watcher,
            config,
            settings,
            rate,
            resamplers,
            frames: Default::default(),
            slow: Default::default(),
            epoch: None,
            engine: None,
            heard_frames: 0,
            late_plans: 0,
        };
        let shared = shared.clone();
        std::thread::Builder::new()
            .name("collavoce listener".to_owned())
            .spawn(move || guarded(&shared, || thread(shared.clone()).run()))?
    };
    let feed = Feed::new(rate, samples_in, stamps_in, events_out, shared.clone(), listener.thread().clone());
    Ok((feed, LiveThreads { shared, threads: vec![listener, composer] }))
}

/// Runs a thread so that its panic is seen by those who wait for it.
fn guarded(shared: &Shared, run: impl FnOnce()) {
    let ended = catch_unwind(AssertUnwindSafe(run));
    if ended.is_err() || !shared.stop.load(Ordering::Acquire) {
        shared.is_dead.store(true, Ordering::Release);
    }
}

impl Drop for LiveThreads {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A thread that has panicked has said so by `is_dead`.
            drop(thread.join());
        }
    }
}

impl LiveThreads {
    /// The counters.
    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    /// Whether a thread has ended before its time: the band is silent until it is started anew.
    pub fn is_dead(&self) -> bool {
        self.shared.is_dead.load(Ordering::Acquire)
    }
}

/// What the composer is told.
enum ToComposer {
    /// A request and its number.
    Request(u64, Box<BandRequest>),
    /// Forget the song; hand over what was written.
    Restart(Sender<Band>),
}

type Answer = (u64, Result<Option<BandAnswer>, EngineError>);

/// The composer's thread: ends when the listener is gone.
fn compose(requests: &Receiver<ToComposer>, answers: &Sender<Answer>, mut before_answer: impl FnMut()) {
    let mut band = Band::default();
    for request in requests {
        match request {
            ToComposer::Request(number, request) => {
                before_answer();
                if answers.send((number, band.answer(&request))).is_err() {
                    return;
                }
            }
            ToComposer::Restart(give_back) => {
                // Whoever asked may have stopped waiting.
                drop(give_back.send(std::mem::take(&mut band)));
            }
        }
    }
}

/// The way to a composer on another thread.
struct ThreadLink {
    requests: Sender<ToComposer>,
    answers: Receiver<Answer>,
    shared: Arc<Shared>,
    /// Number of the last request.
    asked: u64,
    /// Number of the last request whose answer was taken or given up.
    taken: u64,
}

impl ComposerLink for ThreadLink {
    fn ask(&mut self, request: BandRequest) {
        self.asked += 1;
        // A composer that has fallen so far behind answers late, and that is counted when its answer is missed.
        drop(self.requests.try_send(ToComposer::Request(self.asked, Box::new(request))));
    }

    fn answer(&mut self) -> Result<Reply, EngineError> {
        self.taken += 1;
        loop {
            match self.answers.try_recv() {
                Ok((number, _)) if number < self.taken => continue,
                Ok((_, answer)) => {
                    return Ok(answer?.map_or(Reply::Nothing, |answer| Reply::Answer(Box::new(answer))));
                }
                Err(TryRecvError::Disconnected) => return Ok(Reply::Late),
                Err(TryRecvError::Empty) => {}
            }
            let waits = self.shared.may_wait.load(Ordering::Acquire)
                && !self.shared.stop.load(Ordering::Acquire)
                && !self.shared.is_dead.load(Ordering::Acquire);
            if !waits {
                return Ok(Reply::Late);
            }
            std::thread::yield_now();
        }
    }
}

impl ThreadLink {
    /// Starts a song: answers to what was asked before are forgotten, and what was written is given back.
    fn restart(&mut self) -> Option<Band> {
        self.taken = self.asked;
        let (give_back, band) = bounded(1);
        self.requests.send(ToComposer::Restart(give_back)).ok()?;
        loop {
            // The composer may be held up by an answer that nobody has taken yet.
            for _ in self.answers.try_iter() {}
            match band.recv_timeout(NAP) {
                Ok(band) => return Some(band),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.shared.stop.load(Ordering::Acquire) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// The listener's thread.
struct Listening {
    samples: Consumer<Frame>,
    stamps: Consumer<Stamp>,
    events: Producer<Timed>,
    link: ThreadLink,
    shared: Arc<Shared>,
    watcher: Box<dyn Watcher>,
    config: ListenConfig,
    settings: Settings,
    rate: Hz,
    resamplers: [Resampler; CHANNELS],
    /// A block at the host's rate, by channel.
    frames: [Vec<f32>; CHANNELS],
    /// Samples at the listener's rate that wait for a hop, by channel.
    slow: [Vec<f32>; CHANNELS],
    epoch: Option<u32>,
    engine: Option<Causal>,
    /// Samples of this epoch that were heard.
    heard_frames: u64,
    /// Late plans of epochs before this one.
    late_plans: u64,
}

impl Listening {
    fn run(&mut self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            match self.stamps.pop() {
                Ok(stamp) => {
                    self.hear(stamp);
                    self.shared.heard.fetch_add(1, Ordering::Release);
                }
                Err(_) => std::thread::park_timeout(NAP),
            }
        }
    }

    fn hear(&mut self, stamp: Stamp) {
        if let Some(settings) = self.watcher.settings() {
            self.settings = settings;
            if let Some(engine) = &mut self.engine {
                engine.change(&self.settings);
            }
        }
        if self.epoch != Some(stamp.epoch) {
            self.restart(stamp.epoch);
        }
        self.frames.iter_mut().for_each(Vec::clear);
        if let Ok(chunk) = self.samples.read_chunk(stamp.frames) {
            for frame in chunk {
                self.frames.iter_mut().zip(frame).for_each(|(channel, sample)| channel.push(sample));
            }
        }
        self.heard_frames += self.frames[0].len() as u64;
        for ((resampler, frames), slow) in self.resamplers.iter_mut().zip(&self.frames).zip(&mut self.slow) {
            resampler.push(frames, slow);
        }
        let Some(engine) = &mut self.engine else {
            self.slow.iter_mut().for_each(Vec::clear);
            return;
        };
        if let Some(host) = stamp.host {
            engine.set_host(host);
        }
        stamp.anchors.into_iter().flatten().for_each(|anchor| engine.say(anchor));
        let hops = self.slow[0].len() / LISTEN_HOP;
        let mut failure = None;
        for hop in 0..hops {
            let [voice, band, sidechain] = [0, 1, 2].map(|channel| {
                let samples: &Vec<f32> = &self.slow[channel];
                std::array::from_fn(|index| samples[hop * LISTEN_HOP + index])
            });
            engine.hear_band(&band);
            engine.hear_sidechain(&sidechain);
            if let Err(error) = engine.process(&voice, &mut self.link) {
                failure = Some(error);
                break;
            }
            for event in engine.take_events() {
                let at = self.rate.sample_at(event.at_s);
                let event = NoteEvent { at, part: event.part, kind: event.kind };
                let mut timed = Timed { epoch: stamp.epoch, event };
                // The audio thread empties this ring at every block; a full one means that it has stopped.
                while let Err(rtrb::PushError::Full(back)) = self.events.push(timed) {
                    timed = back;
                    if self.shared.stop.load(Ordering::Acquire) || self.stamps.slots() > MAX_STAMPS / 2 {
                        self.shared.health.late_follow.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                    std::thread::yield_now();
                }
            }
        }
        self.slow.iter_mut().for_each(|channel| drop(channel.drain(..hops * LISTEN_HOP)));
        let late_plans = self.late_plans + engine.following().late_plans;
        self.shared.health.late_plan.store(late_plans, Ordering::Relaxed);
        self.watcher.watch(engine);
        if let Some(error) = failure {
            self.watcher.failed(&error);
            self.engine = None;
        }
    }

    fn restart(&mut self, epoch: u32) {
        let band = self.link.restart();
        let mut session = None;
        if let (Some(engine), Some(mut band)) = (self.engine.take(), band) {
            self.late_plans += engine.following().late_plans;
            let heard_s = self.heard_frames as f64 / self.rate.as_f64();
            // What is too short to be a song is none.
            session = engine.finish(heard_s, &mut band).ok();
        }
        if self.epoch.is_some() {
            self.watcher.ended(session);
        }
        self.epoch = Some(epoch);
        self.heard_frames = 0;
        self.resamplers.iter_mut().for_each(Resampler::reset);
        self.slow.iter_mut().for_each(Vec::clear);
        self.engine = Some(Causal::new(self.config, &self.settings));
    }
}

#[cfg(test)]
mod tests;
