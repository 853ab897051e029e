//! MusicXML lead sheets.
