//! A mix -> the voice in it, and all the rest.
//!
//! A [`Separator`] takes stereo block by block and gives the voice some samples later; the backing is what was heard less
//! the voice, so that both add up to the input ([`Apart`], [`parted`]). [`net`] is trained, the others are not: [`Reference`]
//! takes a backing out that is known, [`Centre`] keeps what stands in the middle of a true stereo mix, [`Percussive`] keeps
//! what neither stands still nor strikes. [`kind`] says what a recording holds, and so which of them is worth trying;
//! [`parts_in`] which parts play in it already.

mod align;
mod apart;
mod centre;
mod correlate;
mod input;
pub mod kind;
mod median;
pub mod net;
mod path;
mod percussive;
mod present;
mod reference;
pub mod stft;
#[cfg(test)]
mod tests;
mod wiener;

use std::fmt;
use std::str::FromStr;

use crate::audio::StereoBlock;
use crate::time::{Hz, SampleCount};

pub use apart::{Apart, parted, whole};
pub use centre::Centre;
pub use input::{Heard, InputMeter};
pub use kind::{InputKind, Verdict};
pub use path::{PathFilter, PathShape, Residue};
pub use percussive::Percussive;
pub use present::parts_in;
pub use reference::{Reference, ReferenceError};
pub use wiener::{Cancelled, cancel};

/// Takes the voice out of what is heard.
///
/// Everything is allocated when one is made; `process` allocates nothing, and what comes out does not depend on how the
/// input is cut into blocks.
pub trait Separator: Send {
    /// How much later the voice comes out than the input goes in.
    fn latency(&self) -> SampleCount;
    /// Forgets everything heard.
    fn reset(&mut self);
    /// Takes a block of the input, and puts in its place the voice of what was taken [`Separator::latency`] before.
    fn process(&mut self, block: &mut StereoBlock<'_>);
}

impl<S: Separator + ?Sized> Separator for Box<S> {
    fn latency(&self) -> SampleCount {
        (**self).latency()
    }

    fn reset(&mut self) {
        (**self).reset();
    }

    fn process(&mut self, block: &mut StereoBlock<'_>) {
        (**self).process(block);
    }
}

/// The input is the voice.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bypass;

impl Separator for Bypass {
    fn latency(&self) -> SampleCount {
        SampleCount(0)
    }

    fn reset(&mut self) {}

    fn process(&mut self, _: &mut StereoBlock<'_>) {}
}

/// How a voice is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// The input is the voice.
    Off,
    /// A backing that is known is taken out.
    Reference,
    /// What stands in the middle of a stereo mix is kept.
    Centre,
    /// What neither stands still nor strikes is kept.
    Percussive,
    /// A trained network masks what is not the voice.
    Network,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Off, Self::Reference, Self::Centre, Self::Percussive, Self::Network];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Reference => "reference",
            Self::Centre => "centre",
            Self::Percussive => "percussive",
            Self::Network => "network",
        }
    }

    /// The way that suits what was heard at a sample rate; none where there is no voice. A backing that is known is always
    /// the best way, and where the network does not go, at odd rates, others do.
    pub fn for_kind(kind: InputKind, knows_backing: bool, rate: Hz) -> Option<Self> {
        match kind {
            _ if knows_backing => Some(Self::Reference),
            InputKind::DryVoice => Some(Self::Off),
            InputKind::NoVoice => None,
            InputKind::StereoMix | InputKind::MonoMix => Some(Self::of_mix(kind, rate)),
        }
    }

    /// The way to look for a voice among other sounds.
    pub fn of_mix(kind: InputKind, rate: Hz) -> Self {
        match kind {
            _ if net::hears(rate) => Self::Network,
            InputKind::StereoMix => Self::Centre,
            _ => Self::Percussive,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A way that is not there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no way {name:?} to find a voice; known are {known}", known = Way::ALL.map(Way::name).join(", "))]
pub struct WayError {
    name: String,
}

impl FromStr for Way {
    type Err = WayError;
    fn from_str(text: &str) -> Result<Self, WayError> {
        Self::ALL.into_iter().find(|way| way.name() == text).ok_or_else(|| WayError { name: text.to_owned() })
    }
}
