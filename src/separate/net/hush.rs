//! What is taken for a voice is lowered where nobody sings for some time.

use super::path::{Ahead, runs};

/// What is left of every window of a path.
pub(super) fn gains(places: &[Option<usize>], ahead: Ahead) -> Vec<f32> {
    let Ahead { floor, beside, fade, .. } = ahead;
    let left = |away: usize| floor.powf((away.saturating_sub(beside) as f32 / fade as f32).min(1.0));
    let mut gains = vec![floor; places.len()];
    for (from, to) in runs(places) {
        gains[from..to].fill(1.0);
        for (away, gain) in (1..beside + fade).zip(gains[..from].iter_mut().rev()) {
            *gain = gain.max(left(away));
        }
        for (away, gain) in (1..beside + fade).zip(&mut gains[to..]) {
            *gain = gain.max(left(away));
        }
    }
    gains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_next_to_a_voice_stays_and_what_is_far_falls() {
        let mut places = vec![None; 200];
        places[60..100].fill(Some(9));
        let ahead = Ahead::default();
        let gains = gains(&places, ahead);
        let (first, end) = (60 - ahead.beside, 100 + ahead.beside);
        assert!(gains[first..end].iter().all(|gain| *gain == 1.0), "{gains:?}");
        assert!(gains[..first].is_sorted() && gains[end..].iter().rev().is_sorted());
        assert_eq!((gains[0], gains[199]), (ahead.floor, ahead.floor));
        assert!(gains[first - 2] < 1.0 && gains[first - 2] > ahead.floor, "{gains:?}");
    }

    #[test]
    fn where_nobody_sings_hardly_anything_is_left() {
        let ahead = Ahead::default();
        assert_eq!(gains(&[None; 3], ahead), [ahead.floor; 3]);
    }
}
