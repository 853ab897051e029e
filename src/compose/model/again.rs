//! What comes back in a melody: bars that are sung alike, beside bars that are.
//!
//! The network judges a bar by all that is around it, so that a line that is sung again may get other chords by a hair.
//! What it says of such bars is drawn together: not made one, for the second ending of a line may differ.

use collavoce_models::harmony::SlotOdds;

use super::slots::TimedSlot;

/// How much may be sung otherwise in each slot: the shares of the slot that the degrees have, their differences summed up.
/// Chosen, like [`SHARE`], on songs to develop on.
const REACH: f32 = 0.6;
/// Weight of what is said of all bars that are sung alike against what is said of the bar itself.
const SHARE: f32 = 0.7;

/// Draws together what is said of bars that are sung alike and follow or lead to such bars. Slots with chords that stand
/// neither give nor take.
pub fn draw_together(slots: &[TimedSlot], judged: &mut [SlotOdds]) {
    let per_bar = slots.first().map_or(1, |timed| timed.slot.place.slots.max(1));
    let bars: Vec<&[TimedSlot]> = slots.chunks_exact(per_bar).collect();
    let said = judged.to_vec();
    for bar in 0..bars.len() {
        let again: Vec<usize> =
            (0..bars.len()).filter(|other| *other != bar && comes_back(&bars, bar, *other)).collect();
        for slot in (0..per_bar).filter(|slot| bars[bar][*slot].slot.chord.is_none()) {
            let others: Vec<&SlotOdds> = again
                .iter()
                .filter(|other| bars[**other][slot].slot.chord.is_none())
                .map(|other| &said[other * per_bar + slot])
                .collect();
            draw(&mut judged[bar * per_bar + slot], &others);
        }
    }
}

/// Moves what is said of a slot towards the mean of it and others.
fn draw(odds: &mut SlotOdds, others: &[&SlotOdds]) {
    let all = 1.0 + others.len() as f32;
    for (index, value) in odds.iter_mut().enumerate() {
        let mean = (*value + others.iter().map(|other| other[index]).sum::<f32>()) / all;
        *value += SHARE * (mean - *value);
    }
}

/// Whether two bars are sung alike, and those before or after both.
fn comes_back(bars: &[&[TimedSlot]], bar: usize, other: usize) -> bool {
    let beside = |bar: Option<usize>, other: Option<usize>| {
        let at = |index: Option<usize>| bars.get(index?);
        at(bar).zip(at(other)).is_some_and(|(bar, other)| is_alike(bar, other))
    };
    let is_sung = bars[bar].iter().any(|timed| timed.slot.sung.iter().any(|share| *share > 0.0));
    is_sung
        && is_alike(bars[bar], bars[other])
        && (beside(bar.checked_sub(1), other.checked_sub(1)) || beside(Some(bar + 1), Some(other + 1)))
}

fn is_alike(bar: &[TimedSlot], other: &[TimedSlot]) -> bool {
    bar.iter().zip(other).all(|(one, two)| {
        let apart = one.slot.sung.iter().zip(&two.slot.sung).map(|(a, b)| (a - b).abs());
        apart.sum::<f32>() <= REACH
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Ticks;
    use collavoce_models::harmony::{Place, Slot};

    /// Bars of one slot in which one degree is sung.
    fn bars(degrees: &[usize]) -> Vec<TimedSlot> {
        let slot = |(bar, degree): (i64, &usize)| {
            let place =
                Place { slot: 0, slots: 1, bar: bar as i32, is_compound: false, is_minor: false, idiom: 0 };
            let mut slot = Slot::unheard(place);
            slot.sung[*degree] = 1.0;
            TimedSlot { start: Ticks(bar), end: Ticks(bar + 1), slot }
        };
        (0..).zip(degrees).map(slot).collect()
    }

    /// What is said of each bar afterwards, in hundredths, where its number was said of it.
    fn drawn(slots: &[TimedSlot]) -> Vec<i32> {
        let mut judged: Vec<SlotOdds> = (0..slots.len()).map(|index| vec![index as f32]).collect();
        draw_together(slots, &mut judged);
        judged.concat().iter().map(|value| (value * 100.0).round() as i32).collect()
    }

    #[test]
    fn bars_that_come_back_with_a_neighbour_are_drawn_together() {
        // Bars 0 and 1 come back as 3 and 4; bar 6 is sung like bar 0 beside others, bar 5 like none.
        assert_eq!(drawn(&bars(&[0, 4, 7, 0, 4, 9, 0])), [105, 205, 200, 195, 295, 500, 600]);
    }

    #[test]
    fn a_little_may_be_sung_otherwise_and_more_may_not() {
        let mut slots = bars(&[0, 4, 7, 0, 4]);
        let part = |slot: &mut TimedSlot, share: f32| {
            slot.slot.sung[4] = 1.0 - share;
            slot.slot.sung[5] = share;
        };
        part(&mut slots[4], 0.25);
        assert_eq!(drawn(&slots), [105, 205, 200, 195, 295]);
        part(&mut slots[4], 0.5);
        assert_eq!(drawn(&slots), [0, 100, 200, 300, 400]);
    }

    #[test]
    fn chords_that_stand_neither_give_nor_take() {
        let mut slots = bars(&[0, 4, 7, 0, 4]);
        slots[0].slot.chord = Some(0);
        assert_eq!(drawn(&slots), [0, 205, 200, 300, 295]);
    }
}
