//! F0: several estimators behind one interface, one path search over their candidates.

#[cfg(feature = "aubio")]
mod aubio;
mod mcleod;
mod net;
mod nsdf;
mod path;
mod refine;

use std::fmt;
use std::str::FromStr;

use crate::limits::LISTEN_HOP;
use refine::Refined;

/// A pitch tracker that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PitchMethod {
    /// Our own: normalised square difference, three windows, fixed-lag path search.
    Nsdf,
    /// Our own network; normalised square difference if its weights are damaged.
    Net,
    /// McLeod's method from the crate `pitch-detection`.
    McLeod,
    /// aubio's `yinfft`.
    YinFft,
    /// aubio's `yinfast`.
    YinFast,
}

/// A pitch tracker that is not there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("pitch tracker {name:?} is not known; known are {known}", known = PitchMethod::available().map(PitchMethod::name).collect::<Vec<_>>().join(", "))]
pub struct PitchMethodError {
    name: String,
}

impl PitchMethod {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nsdf => "nsdf",
            Self::Net => "net",
            Self::McLeod => "mcleod",
            Self::YinFft => "yinfft",
            Self::YinFast => "yinfast",
        }
    }

    /// The trackers of this build; aubio's are a cargo feature.
    pub fn available() -> impl Iterator<Item = Self> {
        let aubio = cfg!(feature = "aubio");
        [Self::Nsdf, Self::Net, Self::McLeod, Self::YinFft, Self::YinFast]
            .into_iter()
            .filter(move |m| aubio || !matches!(m, Self::YinFft | Self::YinFast))
    }
}

impl fmt::Display for PitchMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PitchMethod {
    type Err = PitchMethodError;
    fn from_str(text: &str) -> Result<Self, PitchMethodError> {
        Self::available().find(|m| m.name() == text).ok_or_else(|| PitchMethodError { name: text.to_owned() })
    }
}

/// F0 of one observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct F0Estimate {
    /// In Hz; the best guess also where unvoiced, 0 where there is none.
    pub hz: f32,
    /// Whether there is a sung pitch.
    pub voiced: bool,
    /// How periodic the sound is, 0 to 1.
    pub voicing: f32,
}

/// One hop's possible pitches.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Candidate {
    /// In Hz.
    pub hz: f32,
    /// Height of the peak, at most 1.
    pub clarity: f32,
}

/// Most candidates in one hop.
pub(crate) const MAX_CANDIDATES: usize = 8;

/// Finds possible pitches in a window around each hop.
///
/// The crates behind some implementations are not `Send` or allocate: they are built and owned on the listener's
/// thread and exempt from the rule against allocation. Ours does neither.
pub(crate) trait CandidateFinder {
    /// Samples after the centre of a hop that its window needs.
    fn look_ahead(&self) -> usize;
    /// Writes the candidates of a window whose centre is sample `centre` of `samples`. It may know
    /// whether anybody sings there.
    fn find(&mut self, samples: &[f32], centre: usize, out: &mut Vec<Candidate>) -> Option<bool>;
    /// Hears samples of which the last hop is new, before there is a whole window.
    fn prepare(&mut self, _samples: &[f32]) {}
    /// Forgets what it heard, if it keeps anything.
    fn reset(&mut self) {}
}

/// Longest stretch of samples that a finder may look at on either side of a centre.
pub(crate) const HALF_SPAN: usize = 1024;

/// Hops that the path looks ahead, live, where clarity alone tells pitches apart.
pub(super) const PATH_LAG_HOPS: usize = 1;
/// Clarity of a sharpened pitch that the path goes through, at least.
const CLEAR: f32 = 0.5;
/// Clarity from which a pitch that goes on is voiced whatever the path says, and that under which it is no longer.
const GOES_ON: (f32, f32) = (0.6, 0.4);
/// How far below the running peak it may lie for that, in dB.
const GOES_ON_DB: f32 = 12.0;
/// So much clearer is a pitch that nothing else speaks for.
const KNOWN_BONUS: f32 = 0.3;
/// Hops for which a pitch that has ended is still the best guess.
const HELD_HOPS: usize = 100;

/// What is done with a pitch that the path has decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharpening {
    /// Nothing: those of the references stay what they are.
    None,
    /// It is sharpened, and it counts as sung if it is periodic.
    Judged,
    /// The mean of it and of what it is sharpened to; whether it is sung is known.
    Known,
}

/// Samples in, one [`F0Estimate`] per hop out.
pub(crate) struct Tracker {
    finder: Box<dyn CandidateFinder>,
    path: path::Path,
    high_pass: HighPass,
    recent: Vec<f32>,
    candidates: Vec<Candidate>,
    hops: usize,
    window_hops: usize,
    sharpening: Sharpening,
    /// The last voiced pitch in Hz, and hops since.
    held: Option<(f32, usize)>,
    /// Whether the held pitch goes on.
    goes_on: bool,
    /// Levels of the hops whose pitch is not looked for yet.
    levels: [f32; 2],
}

impl Tracker {
    pub fn new(method: PitchMethod, path_lag_hops: usize) -> Self {
        let finder: Box<dyn CandidateFinder> = match method {
            PitchMethod::Nsdf => Box::new(nsdf::Nsdf::new()),
            PitchMethod::Net => match net::Net::new() {
                Ok(net) => Box::new(net),
                Err(_) => return Self::new(PitchMethod::Nsdf, path_lag_hops.max(PATH_LAG_HOPS)),
            },
            PitchMethod::McLeod => Box::new(mcleod::McLeod::new()),
            #[cfg(feature = "aubio")]
            PitchMethod::YinFft => Box::new(aubio::Aubio::new(aubio_rs::PitchMode::Yinfft)),
            #[cfg(feature = "aubio")]
            PitchMethod::YinFast => Box::new(aubio::Aubio::new(aubio_rs::PitchMode::Yinfast)),
            #[cfg(not(feature = "aubio"))]
            PitchMethod::YinFft | PitchMethod::YinFast => Box::new(nsdf::Nsdf::new()),
        };
        let (sharpening, costs) = match method {
            PitchMethod::Nsdf => (Sharpening::Judged, path::Costs::PEAKS),
            PitchMethod::Net => (Sharpening::Known, net::COSTS),
            _ => (Sharpening::None, path::Costs::PEAKS),
        };
        let window_hops = finder.look_ahead().div_ceil(LISTEN_HOP);
        Self {
            path: path::Path::new(path_lag_hops, costs),
            high_pass: HighPass::default(),
            // The sharpening looks at a frame when the path has decided on it.
            recent: vec![0.0; HALF_SPAN * 2 + LISTEN_HOP * (path_lag_hops + 1)],
            candidates: Vec::with_capacity(MAX_CANDIDATES),
            hops: 0,
            window_hops,
            finder,
            sharpening,
            held: None,
            goes_on: false,
            levels: [-120.0; 2],
        }
    }

    pub fn reset(&mut self) {
        self.recent.fill(0.0);
        self.high_pass = HighPass::default();
        self.finder.reset();
        self.path.reset();
        self.hops = 0;
        (self.held, self.goes_on, self.levels) = (None, false, [-120.0; 2]);
    }

    /// Hops between the centre of an observation and the hop that completes it.
    pub fn latency_hops(&self) -> usize {
        self.window_hops + self.path.lag_hops()
    }

    pub fn process(&mut self, hop: &[f32; LISTEN_HOP], level_dbfs: f32, out: &mut dyn FnMut(F0Estimate)) {
        let kept = self.recent.len() - LISTEN_HOP;
        self.recent.copy_within(LISTEN_HOP.., 0);
        for (slot, sample) in self.recent[kept..].iter_mut().zip(hop) {
            // What is no sound would stay in the filter for ever.
            *slot = self.high_pass.process(*sample);
        }
        self.hops += 1;
        // The level's window is a hop shorter.
        self.levels = [self.levels[1], level_dbfs];
        if self.hops < self.window_hops {
            self.finder.prepare(&self.recent);
            return;
        }
        let centre = self.recent.len() - self.window_hops * LISTEN_HOP;
        self.candidates.clear();
        let sung = self.finder.find(&self.recent, centre, &mut self.candidates);
        if let Some(decision) = self.path.process(&self.candidates, sung, self.levels[0]) {
            let centre = centre - self.path.lag_hops() * LISTEN_HOP;
            out(match self.sharpening {
                Sharpening::None => plain(&decision),
                Sharpening::Judged => self.judged(&decision, centre),
                Sharpening::Known => self.known(&decision, centre),
            });
        }
    }

    /// The pitch at a centre, sharpened if it is clear.
    fn known(&mut self, decision: &path::Decision, centre: usize) -> F0Estimate {
        let Some(candidate) = decision.candidate else {
            return F0Estimate { hz: self.held.map_or(0.0, |(hz, _)| hz), voiced: false, voicing: 0.0 };
        };
        let near = |refined: &Refined| {
            refined.clarity > net::CLEAR && (refined.hz / candidate.hz).log2().abs() < net::REACH_OCTAVES
        };
        let refined = refine::refine(&self.recent, centre, candidate.hz);
        // Two estimates that go wrong in different ways: their mean is nearer than either.
        let hz = refined.filter(near).map_or(candidate.hz, |refined| (refined.hz * candidate.hz).sqrt());
        if decision.voiced {
            self.held = Some((hz, 1));
        }
        let voicing = refined.map_or(0.0, |refined| refined.clarity.clamp(0.0, 1.0));
        F0Estimate { hz, voiced: decision.voiced, voicing }
    }

    /// The pitch at a centre, sharpened, and whether it is sung.
    fn judged(&mut self, decision: &path::Decision, centre: usize) -> F0Estimate {
        // Where the path goes through no pitch, the nearer of the last one and the coming one is the best guess.
        let known = match (self.held, decision.coming) {
            (Some((_, since)), Some((coming_hz, hops))) if hops < since => Some(coming_hz),
            (Some((held_hz, _)), _) => Some(held_hz),
            (None, coming) => coming.map(|(hz, _)| hz),
        };
        let chosen = decision.candidate.map(|candidate| candidate.hz);
        let sharpen = |hz: f32| refine::refine(&self.recent, centre, hz);
        let here = chosen.and_then(sharpen);
        let known_here = if decision.voiced { here } else { known.and_then(sharpen) };
        let known_clarity = known_here.map_or(0.0, |refined| refined.clarity);
        self.goes_on = known_clarity >= if self.goes_on { GOES_ON.1 } else { GOES_ON.0 };
        let goes_on = self.goes_on && known.is_some() && decision.below_peak_db < GOES_ON_DB;
        let voiced = decision.voiced && known_clarity >= CLEAR || goes_on;
        let refined = match (here, known_here) {
            (Some(here), Some(known)) if !voiced && here.clarity > known.clarity + KNOWN_BONUS => Some(here),
            (here, known) => known.or(here),
        };
        let Some(Refined { hz, clarity }) = refined else {
            return F0Estimate { hz: known.unwrap_or(0.0), voiced: false, voicing: 0.0 };
        };
        self.held = match self.held {
            _ if voiced => Some((hz, 1)),
            Some((hz, since)) if since < HELD_HOPS => Some((hz, since + 1)),
            _ => None,
        };
        F0Estimate { hz, voiced, voicing: clarity.clamp(0.0, 1.0) }
    }
}

/// What the path says, as it stands.
fn plain(decision: &path::Decision) -> F0Estimate {
    match decision.candidate {
        Some(candidate) => F0Estimate {
            hz: candidate.hz,
            voiced: decision.voiced,
            voicing: candidate.clarity.clamp(0.0, 1.0),
        },
        None => F0Estimate { hz: 0.0, voiced: false, voicing: 0.0 },
    }
}

/// Second-order high-pass at 50 Hz for 16 kHz: takes away DC and rumble. Every tracker hears through it.
#[derive(Debug, Clone, Copy, Default)]
pub struct HighPass {
    state: [f64; 2],
}

impl HighPass {
    /// The next sample.
    pub fn process(&mut self, sample: f32) -> f32 {
        // Butterworth by the bilinear transform, w0 = 2 pi 50 / 16000, in transposed direct form II.
        const B0: f64 = 0.986_211_924_627_082_2;
        const A1: f64 = -1.972_233_729_195_265_9;
        const A2: f64 = 0.972_613_969_313_063_1;
        let input = f64::from(sample);
        let output = B0 * input + self.state[0];
        self.state[0] = -2.0 * B0 * input - A1 * output + self.state[1];
        self.state[1] = B0 * input - A2 * output;
        for state in &mut self.state {
            if state.abs() < 1e-15 {
                *state = 0.0;
            }
        }
        output as f32
    }
}
