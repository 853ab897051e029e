//! File -> stems, MIDI and everything else that a song leaves behind.
