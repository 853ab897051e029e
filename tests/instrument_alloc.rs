//! The way from note events to the limited mix allocates nothing, nor does hearing a mix.

use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use collavoce::audio::StereoBlock;
use collavoce::instrument::{Limiter, SoundBank, Sounds, channel_with};
use collavoce::limits::LISTEN_HOP;
use collavoce::listen::EchoCanceller;
use collavoce::listen::mix::MixListener;
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part, Velocity};
use collavoce::song::{Rng, Seed};
use collavoce::time::{Hz, SampleTime};

#[path = "common/font.rs"]
mod font;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn process_and_reset_do_not_allocate() {
    const BLOCK: usize = 256;
    let bank = Arc::new(SoundBank::parse(font::Font::usual().bytes()).expect("the test writes a font"));
    let mut sampled = Sounds::default();
    for part in Part::ALL {
        sampled.sample(part, &bank).expect("the font has all parts");
    }
    let all = [Hz(44_100), Hz(192_000)].map(|rate| [(rate, Sounds::default()), (rate, sampled.clone())]);
    for (rate, sounds) in all.iter().flatten() {
        let rate = *rate;
        let mut limiter = Limiter::new(rate);
        for part in Part::ALL {
            let mut channel = channel_with(part, rate, Seed(2), sounds);
            let mut rng = Rng::keyed(&[part.index() as u64]);
            let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
            let mut events = Vec::with_capacity(16);
            for block in 0..600i64 {
                let start = SampleTime(block * BLOCK as i64);
                events.clear();
                let id = NoteId(block as u32);
                let (pitch, velocity) =
                    (MidiNote(rng.below(128) as u8), Velocity::clamped(127.0 * rng.unit()));
                let articulation = Articulation::Normal;
                for kind in [
                    EventKind::NoteOff { id: NoteId((block as u32).wrapping_sub(9)) },
                    EventKind::Tuning { cents: 30.0 * rng.signed() as f32 },
                    EventKind::Expression { value: rng.unit() as f32 },
                    EventKind::NoteOn { id, pitch, velocity, articulation },
                ] {
                    events.push(NoteEvent { at: start, part, kind });
                }
                let mut out = StereoBlock { left: &mut left, right: &mut right };
                assert_no_alloc(|| {
                    channel.process(start, &events, &mut out);
                    // Louder than any stem, so that the limiter has work to do.
                    out.left.iter_mut().chain(out.right.iter_mut()).for_each(|x| *x *= 12.0);
                    limiter.process(&mut out);
                });
            }
            assert_no_alloc(|| {
                channel.reset();
                limiter.reset();
            });
        }
    }
}

#[test]
fn hearing_a_mix_does_not_allocate() {
    let mut listener = MixListener::new();
    let mut rng = Rng::keyed(&[3]);
    for _ in 0..200 {
        let hop: [f32; LISTEN_HOP] = std::array::from_fn(|_| rng.signed() as f32);
        assert_no_alloc(|| listener.process(&hop));
    }
}

#[test]
fn taking_the_band_out_of_the_voice_does_not_allocate() {
    let mut canceller = EchoCanceller::new();
    let mut rng = Rng::keyed(&[4]);
    for _ in 0..200 {
        let band: [f32; LISTEN_HOP] = std::array::from_fn(|_| rng.signed() as f32);
        let mut hop = band.map(|sample| 0.3 * sample);
        assert_no_alloc(|| canceller.process(&mut hop, &band));
    }
    assert_no_alloc(|| canceller.reset());
}
