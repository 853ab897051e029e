//! Any block size gives the same bytes; reset and replay give the same bytes as a fresh instrument.

use super::*;
use crate::instrument::{Limiter, Room, RoomSpec, channel};

const LEN: usize = 40_000;

#[test]
fn instruments_do_not_depend_on_the_block_size() {
    for part in Part::ALL {
        for rate in [Hz(44_100), Hz(192_000)] {
            let events = busy(part, LEN, 30, 1);
            let reference = render(&mut *instrument(part, rate), &events, LEN, LEN);
            assert!(peak(&reference.0) > 0.01, "{part} sounds");
            for block in BLOCKS {
                let other = render(&mut *instrument(part, rate), &events, LEN, block);
                assert_same(&reference, &other, &format!("{part}, {} Hz, blocks of {block}", rate.0));
            }
        }
    }
}

#[test]
fn reset_forgets_everything_and_is_needed() {
    for part in Part::ALL {
        let events = busy(part, LEN, 30, 2);
        let mut player = instrument(part, Hz(48_000));
        let first = render(&mut *player, &events, LEN, 512);
        let carried = render(&mut *player, &events, LEN, 512);
        assert!(first != carried, "{part} carries state over without a reset");
        player.reset();
        assert_same(&first, &render(&mut *player, &events, LEN, 512), part.name());
    }
}

#[test]
fn channels_do_not_depend_on_the_block_size_and_reset() {
    for part in Part::ALL {
        let events = busy(part, LEN, 30, 3);
        let play = |block| {
            let mut channel = channel(part, Hz(48_000), Seed(9));
            in_blocks(LEN, block, &events, |start, events, out| channel.process(start, events, out))
        };
        let reference = play(LEN);
        for block in BLOCKS {
            assert_same(&reference, &play(block), &format!("{part}, blocks of {block}"));
        }
        let mut channel = channel(part, Hz(48_000), Seed(9));
        let mut again =
            || in_blocks(LEN, 256, &events, |start, events, out| channel.process(start, events, out));
        assert_same(&reference, &again(), part.name());
        assert!(reference != again(), "{part} carries state over without a reset");
        channel.reset();
        let replay = in_blocks(LEN, 256, &events, |start, events, out| channel.process(start, events, out));
        assert_same(&reference, &replay, part.name());
    }
}

fn noise(len: usize, level: f32) -> Stereo {
    let mut rng = Rng::keyed(&[77]);
    let mut side = || (0..len).map(|_| level * rng.signed() as f32).collect::<Vec<f32>>();
    (side(), side())
}

fn through(input: &Stereo, block: usize, mut process: impl FnMut(&mut StereoBlock<'_>)) -> Stereo {
    let (mut left, mut right) = input.clone();
    for (left, right) in left.chunks_mut(block).zip(right.chunks_mut(block)) {
        process(&mut StereoBlock { left, right });
    }
    (left, right)
}

#[test]
fn room_and_limiter_do_not_depend_on_the_block_size_and_reset() {
    let input = noise(30_000, 1.4);
    let spec = RoomSpec { wet: 0.5, t60_s: 1.0, pre_delay_s: 0.01, damping_hz: 5_000.0 };
    let (mut room, mut limiter) = (Room::new(spec, Hz(48_000)), Limiter::new(Hz(48_000)));
    let in_room = through(&input, 30_000, |b| room.process(b));
    let limited = through(&input, 30_000, |b| limiter.process(b));
    assert!(in_room != through(&input, 64, |b| room.process(b)), "the room rings on");
    assert!(limited != through(&input, 64, |b| limiter.process(b)), "the limiter holds sound back");
    for block in BLOCKS {
        room.reset();
        limiter.reset();
        assert_same(&in_room, &through(&input, block, |b| room.process(b)), &format!("room, {block}"));
        assert_same(&limited, &through(&input, block, |b| limiter.process(b)), &format!("limiter, {block}"));
    }
}
