//! Which string of a guitar plays a note.

/// Open strings, lowest first.
pub(super) const OPEN: [u8; 6] = [40, 45, 50, 55, 59, 64];

/// The string for a pitch: the highest free one that reaches it, else the highest that reaches it. `held` says whether a
/// string holds a note.
pub(super) fn course(pitch: u8, held: impl Fn(usize) -> bool) -> usize {
    let fits = |course: &usize| (OPEN[*course]..=OPEN[*course] + 15).contains(&pitch);
    let mut courses = (0..OPEN.len()).rev().filter(fits);
    courses.clone().find(|c| !held(*c)).or_else(|| courses.next()).unwrap_or(if pitch < OPEN[0] {
        0
    } else {
        OPEN.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chord_takes_a_string_a_note() {
        let mut held = [false; 6];
        for (pitch, string) in [(64, 5), (59, 4), (55, 3), (52, 2), (47, 1), (40, 0)] {
            let course = course(pitch, |course| held[course]);
            assert_eq!(course, string, "pitch {pitch}");
            held[course] = true;
        }
        assert_eq!(course(65, |course| held[course]), 5, "where all are held, the highest is struck again");
        assert_eq!((course(36, |_| false), course(92, |_| false)), (0, 5));
    }
}
