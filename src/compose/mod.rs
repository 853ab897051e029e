//! Score so far -> chords and parts of the next bars.
