//! What voices of every instrument have in common: who they are and which one has to go.

use crate::perform::NoteId;

/// Whether a voice sounds, and for which note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Hold {
    /// Silent.
    #[default]
    Free,
    /// Its note lasts.
    Held(NoteId),
    /// Its note has ended and it dies away.
    Released,
}

/// The voice to use for a new note: a free one, otherwise the oldest released one, otherwise the oldest.
///
/// `voices` gives hold and age of each; the age may be any number that grows.
pub(super) fn pick(voices: impl Iterator<Item = (Hold, usize)>) -> usize {
    let rank = |hold| match hold {
        Hold::Free => 2,
        Hold::Released => 1,
        Hold::Held(_) => 0,
    };
    let mut best = (0, (-1, 0));
    for (index, (hold, age)) in voices.enumerate() {
        let key = (rank(hold), age);
        if key > best.1 {
            best = (index, key);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_voice_goes_before_an_old_one() {
        let held = Hold::Held(NoteId(1));
        assert_eq!(pick([(held, 9), (Hold::Released, 3), (Hold::Free, 0)].into_iter()), 2);
        assert_eq!(pick([(held, 9), (Hold::Released, 3), (Hold::Released, 5)].into_iter()), 2);
        assert_eq!(pick([(held, 9), (held, 3)].into_iter()), 0);
    }
}
