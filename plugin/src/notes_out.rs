//! Notes on their way to the host: none is left hanging.

use nice_plug::midi::{Channel, Key, VoiceID};
use nice_plug::prelude::NoteEvent;

const CHANNELS: usize = 16;
const KEYS: usize = 128;

/// What of a key on a channel the host has been told.
#[derive(Debug, Clone, Copy, Default)]
struct Sounding {
    /// Notes that have begun on this key and not ended: two parts of a chord may share one.
    notes: u8,
    /// Whether the host has an on that it was not told the off of.
    is_on: bool,
    /// Whether an off could not be delivered.
    owes_off: bool,
}

/// Takes an event; false if there is no room for it.
pub type Send<'a> = dyn FnMut(NoteEvent<()>) -> bool + 'a;

/// The table of everything that sounds at the host. It outlives deactivation.
#[derive(Debug)]
pub struct NoteOutput {
    table: Box<[[Sounding; KEYS]; CHANNELS]>,
    owed: usize,
}

impl Default for NoteOutput {
    fn default() -> Self {
        Self { table: Box::new([[Sounding::default(); KEYS]; CHANNELS]), owed: 0 }
    }
}

fn off(channel: usize, key: usize, timing: u32) -> NoteEvent<()> {
    NoteEvent::NoteOff {
        timing,
        voice_id: VoiceID::Wildcard,
        channel: Channel::Number(channel as u8),
        key: Key::Number(key as u8),
        velocity: 0.0,
    }
}

impl NoteOutput {
    /// Delivers the offs that found no room before. To be called first in every block.
    pub fn settle(&mut self, send: &mut Send<'_>) {
        if self.owed == 0 {
            return;
        }
        for (channel, keys) in self.table.iter_mut().enumerate() {
            for (key, sounding) in keys.iter_mut().enumerate() {
                if sounding.owes_off && send(off(channel, key, 0)) {
                    sounding.owes_off = false;
                    sounding.is_on = false;
                    self.owed -= 1;
                }
            }
        }
    }

    /// A note begins; `channel` counts from 0. A note of the same key that still sounds ends first.
    pub fn on(&mut self, channel: u8, key: u8, velocity: f32, timing: u32, send: &mut Send<'_>) {
        let (channel, key) = (usize::from(channel), usize::from(key));
        let Some(sounding) = self.table.get_mut(channel).and_then(|keys| keys.get_mut(key)) else { return };
        sounding.notes = sounding.notes.saturating_add(1);
        if sounding.is_on {
            Self::end(sounding, &mut self.owed, off(channel, key, timing), send);
        }
        let on = NoteEvent::NoteOn {
            timing,
            voice_id: VoiceID::Wildcard,
            channel: Channel::Number(channel as u8),
            key: Key::Number(key as u8),
            velocity,
        };
        // Without room for the off there is none for the on.
        if !sounding.is_on && send(on) {
            sounding.is_on = true;
        }
    }

    /// A note ends. The key is let go with the last of its notes.
    pub fn off(&mut self, channel: u8, key: u8, timing: u32, send: &mut Send<'_>) {
        let (channel, key) = (usize::from(channel), usize::from(key));
        let Some(sounding) = self.table.get_mut(channel).and_then(|keys| keys.get_mut(key)) else { return };
        sounding.notes = sounding.notes.saturating_sub(1);
        if sounding.notes == 0 && sounding.is_on {
            Self::end(sounding, &mut self.owed, off(channel, key, timing), send);
        }
    }

    /// Everything ends.
    pub fn all_off(&mut self, timing: u32, send: &mut Send<'_>) {
        for (channel, keys) in self.table.iter_mut().enumerate() {
            for (key, sounding) in keys.iter_mut().enumerate() {
                sounding.notes = 0;
                if sounding.is_on {
                    Self::end(sounding, &mut self.owed, off(channel, key, timing), send);
                }
            }
        }
    }

    /// Everything ends where no event can be sent: the offs go out with the next block.
    pub fn owe_all(&mut self) {
        self.all_off(0, &mut |_| false);
    }

    fn end(sounding: &mut Sounding, owed: &mut usize, event: NoteEvent<()>, send: &mut Send<'_>) {
        if send(event) {
            *owed -= usize::from(sounding.owes_off);
            (sounding.is_on, sounding.owes_off) = (false, false);
        } else if !sounding.owes_off {
            sounding.owes_off = true;
            *owed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use collavoce::song::Rng;

    /// A host that counts, with little room in each block.
    #[derive(Default)]
    struct Host {
        on: std::collections::BTreeMap<(u8, u8), i32>,
        room: usize,
    }

    impl Host {
        fn take(&mut self, event: NoteEvent<()>) -> bool {
            if self.room == 0 {
                return false;
            }
            self.room -= 1;
            let (channel, key, step) = match event {
                NoteEvent::NoteOn { channel: Channel::Number(c), key: Key::Number(k), .. } => (c, k, 1),
                NoteEvent::NoteOff { channel: Channel::Number(c), key: Key::Number(k), .. } => (c, k, -1),
                other => panic!("{other:?} is no note"),
            };
            let count = self.on.entry((channel, key)).or_default();
            *count += step;
            assert!((0..=1).contains(count), "key {key} of channel {channel} is on {count} times");
            true
        }
    }

    #[test]
    fn every_on_finds_its_off_however_little_room_there_is() {
        for seed in 0..200 {
            let mut rng = Rng::keyed(&[seed]);
            let (mut notes, mut host) = (NoteOutput::default(), Host::default());
            for _ in 0..60 {
                host.room = rng.below(6);
                notes.settle(&mut |event| host.take(event));
                for _ in 0..rng.below(8) {
                    let (channel, key) = (rng.below(3) as u8, 60 + rng.below(4) as u8);
                    match rng.below(9) {
                        0..4 => notes.on(channel, key, 0.5, 0, &mut |event| host.take(event)),
                        4..8 => notes.off(channel, key, 0, &mut |event| host.take(event)),
                        _ => notes.all_off(0, &mut |event| host.take(event)),
                    }
                }
            }
            notes.owe_all();
            host.room = usize::MAX;
            notes.settle(&mut |event| host.take(event));
            assert!(host.on.values().all(|count| *count == 0), "seed {seed}: {:?}", host.on);
            assert_eq!(notes.owed, 0);
        }
    }

    #[test]
    fn a_key_struck_again_ends_first_and_what_lies_outside_of_midi_is_left_out() {
        let mut notes = NoteOutput::default();
        let mut sent = Vec::new();
        let mut send = |event: NoteEvent<()>| {
            sent.push((matches!(event, NoteEvent::NoteOn { .. }), event.timing()));
            true
        };
        notes.on(0, 60, 0.5, 3, &mut send);
        notes.on(0, 60, 0.5, 7, &mut send);
        notes.off(0, 60, 8, &mut send);
        notes.off(0, 60, 9, &mut send);
        notes.on(16, 60, 0.5, 9, &mut send);
        notes.on(0, 128, 0.5, 9, &mut send);
        assert_eq!(sent, [(true, 3), (false, 7), (true, 7), (false, 9)]);
    }
}
