//! The note input: tapping the beat, saying where bar 1 or the end is, and calling for a section. All are for the live
//! band.

use collavoce::song::Gesture;

/// Key that taps the beat; the first tap is the first beat of a bar. C2 where middle C is C4.
pub const TAP: u8 = 36;
/// Key that says that a bar begins: bar 1 before the band plays.
pub const BAR_ONE: u8 = 37;
/// Key that ends the song with the next bar.
pub const END: u8 = 38;
/// Keys that call for a section, from C3 on: a verse, a chorus, a break, and whatever the singer's voice asks for.
pub const SECTIONS: [(u8, Gesture); 4] =
    [(48, Gesture::Verse), (50, Gesture::Chorus), (52, Gesture::Break), (53, Gesture::AsSung)];

/// What a key says to the live band.
pub fn gesture(key: u8) -> Option<Gesture> {
    match key {
        TAP => Some(Gesture::Tap),
        BAR_ONE => Some(Gesture::BarOne),
        END => Some(Gesture::End),
        _ => SECTIONS.into_iter().find(|(of_section, _)| *of_section == key).map(|(_, gesture)| gesture),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_what_they_are_for_and_others_nothing() {
        assert_eq!(
            [TAP, BAR_ONE, END, 50].map(gesture).map(|said| said.map(Gesture::name)),
            [Some("tap"), Some("bar-one"), Some("end"), Some("chorus")]
        );
        let spoken = (0..128).filter_map(gesture).count();
        assert_eq!(spoken, Gesture::ALL.len(), "each is said by one key");
    }
}
