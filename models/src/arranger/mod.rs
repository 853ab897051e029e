//! What a band plays with a singer.
//!
//! Time is cut into sixteenths. In each of them every voice of the band makes a choice ([`Frame`]): the pieces of the
//! drum kit are struck or not, the bass and four strings rest, hold or strike a tone of so many semitones above the
//! chord's root, the guitar makes a stroke. A causal transformer reads what is known of a sixteenth before it is played
//! ([`Step`]): where it lies, what is sung, the chord, what is asked for, what was played just before and what was played
//! here the last time; its heads then answer for all voices ([`Odds`]). Choices of one sixteenth depend on one another
//! through a triangular coupling (as in Larochelle and Murray's NADE, AISTATS 2011): a voice knows what those before it
//! chose. Drums have a level and a place off the grid with every stroke, as Gillick et al. (ICML 2019) measure them.

mod frame;
mod graph;
mod net;
mod step;

#[cfg(test)]
mod tests;

pub use frame::{
    BASS, CHOICES, Frame, GUITAR, HELD, KIT, LEVELS, REST, SHIFTS, STRINGS, STROKES, TONES, VOICES, Voice,
    stroke, tone,
};
#[cfg(feature = "training")]
pub use graph::{CHOICE_VALUES, Graph, HEAD_VALUES, first_value};
pub use net::{ArrangerNet, Odds, Reader};
pub use step::{Chord, FEATURES, PARTS, Place, STYLES, Sounding, Step, Sung, Wish};
