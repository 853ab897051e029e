//! What is played in a sixteenth.

/// Pieces of the drum kit: kick, snare, closed, open and pedal hi-hat, low, middle and high tom, crash, ride.
pub const KIT: usize = 10;
/// The bass, as a voice.
pub const BASS: usize = KIT;
/// The guitar, as a voice.
pub const GUITAR: usize = BASS + 1;
/// The lowest of the four strings, as a voice.
pub const STRINGS: usize = GUITAR + 1;
/// Voices: the pieces of the kit, bass, guitar, strings from cello to first violin. A voice knows what those before it
/// chose in the same sixteenth.
pub const VOICES: usize = STRINGS + 4;
/// Choices of bass and strings: rest, hold, or one of twelve tones.
pub const TONES: usize = 14;
/// Choices of the guitar.
pub const STROKES: usize = 12;
/// Choices of every voice.
pub const CHOICES: [usize; VOICES] = [
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, // the kit
    TONES, STROKES, TONES, TONES, TONES, TONES,
];
/// Loudnesses of a drum stroke that are told apart.
pub const LEVELS: usize = 8;
/// Places off the grid of a drum stroke that are told apart; the middle one is on it.
pub const SHIFTS: usize = 13;

/// A voice by its number, less than [`VOICES`].
pub type Voice = usize;

/// Nothing sounds, or begins to sound.
pub const REST: u8 = 0;
/// What sounds goes on.
pub const HELD: u8 = 1;

/// A tone so many semitones above the chord's root, as a choice.
pub fn tone(semitones: u8) -> u8 {
    2 + semitones % 12
}

/// Strokes of the guitar, as choices.
pub mod stroke {
    /// What was struck rings on.
    pub const NONE: u8 = 0;
    /// Down over all strings.
    pub const DOWN: u8 = 1;
    /// Down, lightly.
    pub const LIGHT_DOWN: u8 = 2;
    /// Up over the upper strings.
    pub const UP: u8 = 3;
    /// Up, lightly.
    pub const LIGHT_UP: u8 = 4;
    /// The string of the chord's bass.
    pub const BASS: u8 = 5;
    /// A single string: this one is the highest, the three after it are below.
    pub const TOP: u8 = 6;
    /// All strings, damped.
    pub const DAMPED: u8 = 10;
    /// Bass string and highest string together.
    pub const PINCH: u8 = 11;
}

/// What every voice does in a sixteenth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// A choice for each voice, less than its number in [`CHOICES`].
    pub choices: [u8; VOICES],
    /// How loud each piece of the kit is struck, less than [`LEVELS`]; 0 where it is not.
    pub levels: [u8; KIT],
    /// Where off the grid it is struck, less than [`SHIFTS`]; the middle where it is not.
    pub shifts: [u8; KIT],
}

impl Frame {
    /// Nobody plays.
    pub const EMPTY: Self =
        Self { choices: [REST; VOICES], levels: [0; KIT], shifts: [(SHIFTS / 2) as u8; KIT] };
}

impl Default for Frame {
    fn default() -> Self {
        Self::EMPTY
    }
}
