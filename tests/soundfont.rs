//! Parts that are played by SoundFonts: in time, the same however time is cut, without clicks, and whatever the file says.

#[path = "common/font.rs"]
mod font;

use std::sync::Arc;

use collavoce::audio::StereoBlock;
use collavoce::engine::{BandRenderer, Player};
use collavoce::instrument::{BankError, Instrument, Sampled, SoundBank, Sounds, channel, channel_with};
use collavoce::perform::{EventKind, NoteEvent, NoteId};
use collavoce::score::{Articulation, MidiNote, Part, Velocity};
use collavoce::song::{Rng, Seed};
use collavoce::time::{Hz, SampleCount, SampleTime};

use font::{Font, SILENT_KEY, Sample, Zone};

const RATE: Hz = Hz(48_000);
const RATES: [Hz; 5] = [Hz(44_100), Hz(48_000), Hz(88_200), Hz(96_000), Hz(192_000)];

type Stereo = (Vec<f32>, Vec<f32>);

fn bank_of(font: &Font) -> Arc<SoundBank> {
    Arc::new(SoundBank::parse(font.bytes()).expect("the test writes sound fonts"))
}

fn sounds_of(font: &Font) -> Sounds {
    let (bank, mut sounds) = (bank_of(font), Sounds::default());
    for part in Part::ALL {
        sounds.sample(part, &bank).expect("the bank has all parts");
    }
    sounds
}

fn sampled(sounds: &Sounds, part: Part, rate: Hz) -> Sampled {
    Sampled::new(part, rate, sounds.of(part).expect("the part is sampled")).expect("the rate is played")
}

fn on(part: Part, at: i64, id: u32, key: u8, velocity: f64, articulation: Articulation) -> NoteEvent {
    let (pitch, velocity) = (MidiNote(key), Velocity::clamped(velocity));
    let kind = EventKind::NoteOn { id: NoteId(id), pitch, velocity, articulation };
    NoteEvent { at: SampleTime(at), part, kind }
}

fn off(part: Part, at: i64, id: u32) -> NoteEvent {
    NoteEvent { at: SampleTime(at), part, kind: EventKind::NoteOff { id: NoteId(id) } }
}

fn render(instrument: &mut dyn Instrument, events: &[NoteEvent], len: usize, block: usize) -> Stereo {
    let (mut left, mut right) = (vec![0.5; len], vec![0.5; len]);
    let mut done = 0;
    for from in (0..len).step_by(block) {
        let to = len.min(from + block);
        let until = done + events[done..].iter().take_while(|e| (e.at.0 as usize) < to).count();
        let mut out = StereoBlock { left: &mut left[from..to], right: &mut right[from..to] };
        instrument.process(SampleTime(from as i64), &events[done..until], &mut out);
        done = until;
    }
    (left, right)
}

/// Notes of all kinds at all places, with tunings and expression between them.
fn busy(part: Part, len: usize, seed: u64) -> Vec<NoteEvent> {
    let mut rng = Rng::keyed(&[seed, part.index() as u64]);
    let mut events = Vec::new();
    for id in 0..40 {
        let at = rng.below(len) as i64;
        let articulation = match rng.below(5) {
            0 => Articulation::StrumDown { order: rng.below(6) as u8 },
            1 => Articulation::StrumUp { order: rng.below(6) as u8 },
            2 => Articulation::Muted,
            3 => Articulation::Ghost,
            _ => Articulation::Normal,
        };
        events.push(on(part, at, id, 30 + rng.below(60) as u8, 127.0 * rng.unit(), articulation));
        events.push(off(part, at + 1 + rng.below(9_000) as i64, id));
        let at = SampleTime(rng.below(len) as i64);
        let kind = EventKind::Tuning { cents: 40.0 * rng.signed() as f32 };
        events.push(NoteEvent { at, part, kind });
        let kind = EventKind::Expression { value: rng.unit() as f32 };
        events.push(NoteEvent { at: at + SampleCount(77), part, kind });
    }
    events.sort_by_key(NoteEvent::order);
    events
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |most, sample| most.max(sample.abs()))
}

#[test]
fn a_note_begins_within_a_fifth_of_a_millisecond() {
    let sounds = sounds_of(&Font::usual());
    for (part, rate) in Part::ALL.into_iter().flat_map(|part| RATES.map(|rate| (part, rate))) {
        for offset in [0, 1, 7, 8, 31, 63] {
            let at = 4_800 + offset;
            let events = [on(part, at, 0, 46, 100.0, Articulation::Normal)];
            let (left, _) = render(&mut sampled(&sounds, part, rate), &events, 6_000, 512);
            let begins = left.iter().position(|sample| sample.abs() > 1e-4).expect("a note is heard") as i64;
            let late_s = (begins - at) as f64 / rate.as_f64();
            assert!((0.0..0.000_2).contains(&late_s), "{part} at {offset}, {} Hz: {late_s} s", rate.0);
        }
    }
}

#[test]
fn blocks_and_resets_change_nothing() {
    const LEN: usize = 40_000;
    let sounds = sounds_of(&Font::usual());
    for part in Part::ALL {
        for rate in [Hz(44_100), Hz(48_000), Hz(192_000)] {
            let events = busy(part, LEN, 1);
            let mut instrument = sampled(&sounds, part, rate);
            let whole = render(&mut instrument, &events, LEN, LEN);
            assert!(peak(&whole.0) > 0.01, "{part} sounds");
            for block in [1, 64, 441, 1_024] {
                let other = render(&mut sampled(&sounds, part, rate), &events, LEN, block);
                assert!(whole == other, "{part}, {} Hz, blocks of {block}", rate.0);
            }
            let carried = render(&mut instrument, &events, LEN, 512);
            assert!(whole != carried, "{part} carries state over without a reset");
            instrument.reset();
            assert!(whole == render(&mut instrument, &events, LEN, 512), "{part} after a reset");
        }
    }
}

#[test]
fn the_player_plays_what_the_offline_renderer_plays() {
    const LEN: usize = 60_000;
    let sounds = sounds_of(&Font::usual());
    let mut events: Vec<NoteEvent> = Part::ALL.into_iter().flat_map(|part| busy(part, LEN, 5)).collect();
    events.retain(|event| event.at.0 > 900);
    events.sort_by_key(NoteEvent::order);
    let mut renderer = BandRenderer::with_sounds(&events, &Part::ALL, RATE, Seed(1), 1_024, &sounds);
    let mut wanted = vec![0.0f32; LEN];
    let mut done = 0;
    while done < LEN {
        done += renderer.render(LEN - done, &mut |_, left, _| {
            wanted[done..done + left.len()].iter_mut().zip(left).for_each(|(to, from)| *to += from);
        });
    }
    for block in [1, 333] {
        let mut player = Player::with_sounds(RATE, Seed(1), &sounds);
        let mut played = vec![0.0f32; LEN];
        let (mut next, mut done) = (0, 0);
        while done < LEN {
            let len = block.min(LEN - done);
            let end = player.position() + SampleCount(len as i64);
            while events.get(next).is_some_and(|event| event.at < end) {
                assert!(player.push(events[next]));
                next += 1;
            }
            player.render(len, &mut |_, _| {}, &mut |_, from, left, _| {
                played[done + from..].iter_mut().zip(left).for_each(|(to, sample)| *to += sample);
            });
            done += len;
        }
        assert!(played == wanted, "blocks of {block}");
    }
    let mut built_in = channel(Part::Guitar, RATE, Seed(1));
    let mut other = channel_with(Part::Guitar, RATE, Seed(1), &sounds);
    let events = [on(Part::Guitar, 0, 0, 60, 90.0, Articulation::Normal)];
    let play = |channel: &mut collavoce::instrument::PartChannel| {
        let (mut left, mut right) = ([0.0; 2_048], [0.0; 2_048]);
        channel.process(SampleTime(0), &events, &mut StereoBlock { left: &mut left, right: &mut right });
        left
    };
    assert!(play(&mut built_in) != play(&mut other), "the bank is not what plays");
}

/// Filters twice with a high-pass of second order at 8 kHz.
fn high_passed(samples: &[f32]) -> Vec<f32> {
    let w = std::f64::consts::TAU * 8_000.0 / RATE.as_f64();
    let (cos, alpha) = (w.cos(), w.sin() / std::f64::consts::SQRT_2);
    let (a0, a1, a2) = (1.0 + alpha, -2.0 * cos, 1.0 - alpha);
    let b = (1.0 + cos) / (2.0 * a0);
    let mut samples: Vec<f64> = samples.iter().map(|sample| f64::from(*sample)).collect();
    for _ in 0..2 {
        let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
        for sample in &mut samples {
            let x = *sample;
            let y = b * (x - 2.0 * x1 + x2) - a1 / a0 * y1 - a2 / a0 * y2;
            (x2, x1, y2, y1) = (x1, x, y1, y);
            *sample = y;
        }
    }
    samples.into_iter().map(|sample| sample as f32).collect()
}

#[test]
fn chokes_and_releases_do_not_click() {
    let sounds = sounds_of(&Font::usual());
    let at = 24_003;
    let guitar = on(Part::Guitar, 100, 0, 64, 110.0, Articulation::Normal);
    let hat = on(Part::Drums, 100, 0, 46, 110.0, Articulation::Normal);
    let bass = on(Part::Bass, 100, 0, 40, 110.0, Articulation::Normal);
    let strings = on(Part::Strings, 100, 0, 60, 110.0, Articulation::Normal);
    for (name, begun, event) in [
        (
            "the next note on a string",
            guitar,
            on(Part::Guitar, at, 1, SILENT_KEY, 90.0, Articulation::Normal),
        ),
        ("a closed hat", hat, on(Part::Drums, at, 1, 42, 90.0, Articulation::Normal)),
        ("a note of the guitar that ends", guitar, off(Part::Guitar, at, 0)),
        ("a note of the bass that ends", bass, off(Part::Bass, at, 0)),
        ("a note of the strings that ends", strings, off(Part::Strings, at, 0)),
    ] {
        let play =
            |events: &[NoteEvent]| render(&mut sampled(&sounds, begun.part, RATE), events, 36_000, 512).0;
        let (without, with) = (play(&[begun]), play(&[begun, event]));
        let reach = 240;
        let before = peak(&without[at as usize - 480..at as usize]);
        let scale = 0.5 / before;
        let difference: Vec<f32> = with.iter().zip(&without).map(|(a, b)| scale * (a - b)).collect();
        let click = peak(&high_passed(&difference)[at as usize - 24..at as usize + reach]);
        let dbfs = 20.0 * click.log10();
        assert!(dbfs <= -60.0, "{name} clicks: {dbfs:.1} dBFS");
        let rest = peak(&with[at as usize + 9_600..]);
        if begun.part != Part::Strings {
            assert!(rest < 0.02 * before, "{name}: {rest} of {before} is left after 0.2 s");
        }
    }
}

#[test]
fn more_notes_than_players_are_no_harm() {
    let sounds = sounds_of(&Font::usual());
    for part in Part::ALL {
        let events: Vec<NoteEvent> = (0..200)
            .map(|id| on(part, 100 + 97 * i64::from(id), id, 36 + id as u8 % 6, 90.0, Articulation::Normal))
            .collect();
        let (left, _) = render(&mut sampled(&sounds, part, RATE), &events, 24_000, 512);
        assert!(left.iter().all(|sample| sample.is_finite()) && peak(&left) > 0.01, "{part}");
    }
}

#[test]
fn strings_swell_and_all_but_drums_are_tuned() {
    let sounds = sounds_of(&Font::usual());
    let frequency = |part, cents| {
        let tuning = NoteEvent { at: SampleTime(0), part, kind: EventKind::Tuning { cents } };
        let events = [tuning, on(part, 0, 0, 69, 100.0, Articulation::Normal)];
        let (left, _) = render(&mut sampled(&sounds, part, RATE), &events, 48_000, 480);
        let rises = |range: std::ops::Range<usize>| {
            left[range].windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count()
        };
        rises(4_800..48_000) as f64 / 0.9
    };
    for part in [Part::Guitar, Part::Strings] {
        let (flat, sharp) = (frequency(part, 0.0), frequency(part, 600.0));
        assert!((flat - 440.0).abs() < 3.0, "{part}: {flat} Hz");
        assert!((sharp - 440.0 * 2f64.sqrt()).abs() < 3.0, "{part}: {sharp} Hz");
    }
    assert!((frequency(Part::Drums, 600.0) - 440.0).abs() < 3.0);
    let level = |value| {
        let soft =
            NoteEvent { at: SampleTime(0), part: Part::Strings, kind: EventKind::Expression { value } };
        let events = [soft, on(Part::Strings, 0, 0, 69, 100.0, Articulation::Normal)];
        let (left, _) = render(&mut sampled(&sounds, Part::Strings, RATE), &events, 24_000, 480);
        peak(&left[19_200..])
    };
    let (full, half) = (level(1.0), level(0.5));
    assert!((half / full - 0.5f32.powf(1.5)).abs() < 0.01, "{half} of {full}");
}

fn lufs(part: Part, sounds: &Sounds) -> f64 {
    let mut channel = channel_with(part, RATE, Seed(2), sounds);
    let mut meter = ebur128::EbuR128::new(2, RATE.0, ebur128::Mode::I).expect("stereo is measured");
    let mut events = Vec::new();
    for beat in 0..12u32 {
        let at = 20_000 * i64::from(beat);
        let keys: &[u8] = match part {
            Part::Guitar => &[45, 52, 57, 60, 64],
            Part::Strings => &[57, 60, 64],
            Part::Bass => &[45],
            Part::Drums => {
                if beat % 2 == 0 {
                    &[36, 42]
                } else {
                    &[38, 42]
                }
            }
        };
        // Bowed chords are held.
        let held = if part == Part::Strings { 76_000 } else { 16_000 };
        if part == Part::Strings && beat % 4 != 0 {
            continue;
        }
        for (index, key) in keys.iter().enumerate() {
            let id = 8 * beat + index as u32;
            events.push(on(part, at, id, *key, 80.0, Articulation::Normal));
            events.push(off(part, at + held, id));
        }
    }
    events.sort_by_key(NoteEvent::order);
    let (mut left, mut right) = ([0.0; 800], [0.0; 800]);
    for start in (0..240_000i64).step_by(800) {
        let within: Vec<NoteEvent> =
            events.iter().copied().filter(|event| (start..start + 800).contains(&event.at.0)).collect();
        channel.process(SampleTime(start), &within, &mut StereoBlock { left: &mut left, right: &mut right });
        meter.add_frames_planar_f32(&[&left, &right]).expect("two channels");
    }
    meter.loudness_global().expect("it was measured")
}

#[test]
fn a_bank_is_as_loud_as_the_built_in_sound() {
    for level in [0.3, 1.0] {
        let mut font = Font::usual();
        font.samples[0].frames.iter_mut().for_each(|frame| *frame = (f64::from(*frame) * level) as i16);
        let sounds = sounds_of(&font);
        for part in Part::ALL {
            let (theirs, ours) = (lufs(part, &sounds), lufs(part, &Sounds::default()));
            let gain_db = sounds.of(part).expect("it is sampled").gain_db();
            // The room's reflections raise or lower a steady tone by more than they do a section.
            assert!(
                (theirs - ours).abs() < 4.0 || gain_db.abs() == 18.0,
                "{part}: {theirs:.1} and {ours:.1} LUFS"
            );
        }
    }
}

#[test]
fn a_bank_says_what_it_is_and_what_it_lacks() {
    let font = Font::usual();
    let bank = bank_of(&font);
    assert_eq!((bank.name(), bank.copyright()), ("Test font", "in the public domain"));
    assert_eq!(bank.sha256(), collavoce::bounce::hex(&<sha2::Sha256 as sha2::Digest>::digest(font.bytes())));
    // A kit beside a piano holds no guitar.
    let lacking = Font { presets: vec![(0, 0, 0), (128, 0, 1)], ..font.clone() };
    let error = Sounds::default().sample(Part::Guitar, &bank_of(&lacking)).expect_err("there is no guitar");
    assert!(matches!(error, BankError::NoPart { part: Part::Guitar, .. }));
    assert!(error.to_string().contains("guitars (25 to 28)"), "{error}");
    assert!(Sounds::default().sample(Part::Drums, &bank_of(&lacking)).is_ok());
    // One instrument is played whatever its program is.
    let alone = Font { presets: vec![(0, 5, 0)], ..font };
    assert!(Sounds::default().sample(Part::Guitar, &bank_of(&alone)).is_ok());
}

/// Plays every part with a bank; whether there was something to play.
fn survives(bytes: Vec<u8>, seed: u64) -> bool {
    let Ok(bank) = SoundBank::parse(bytes) else { return false };
    let bank = Arc::new(bank);
    let mut has_played = false;
    for part in Part::ALL {
        let mut sounds = Sounds::default();
        if sounds.sample(part, &bank).is_err() {
            continue;
        }
        has_played = true;
        let mut channel = channel_with(part, RATE, Seed(1), &sounds);
        let events = busy(part, 4_000, seed);
        let (mut left, mut right) = (vec![0.0; 4_096], vec![0.0; 4_096]);
        for start in [0, 4_096] {
            let within: Vec<NoteEvent> =
                events.iter().copied().filter(|event| (start..start + 4_096).contains(&event.at.0)).collect();
            channel.process(
                SampleTime(start),
                &within,
                &mut StereoBlock { left: &mut left, right: &mut right },
            );
            assert!(
                left.iter().chain(&right).all(|sample| sample.is_finite() && sample.abs() < 1.0),
                "seed {seed}"
            );
        }
    }
    has_played
}

#[test]
fn damaged_banks_are_refused_or_played() {
    let whole = Font::usual().bytes();
    let parameters = whole.windows(4).position(|four| four == b"pdta").expect("the list is there");
    let (mut played, mut refused) = (0, 0);
    for seed in 0..90 {
        let mut rng = Rng::keyed(&[seed]);
        let mut bytes = whole.clone();
        match seed % 3 {
            0 => bytes.truncate(rng.below(whole.len())),
            1 => {
                for _ in 0..1 + rng.below(4) {
                    let at = rng.below(whole.len());
                    bytes[at] ^= 1 << rng.below(8);
                }
            }
            // What says how to play is more delicate than what is played.
            _ => {
                let at = parameters + rng.below(whole.len() - parameters);
                bytes[at] = rng.below(256) as u8;
            }
        }
        if survives(bytes, seed) { played += 1 } else { refused += 1 }
    }
    assert!(played > 15 && refused > 25, "{played} played, {refused} refused");
}

#[test]
fn impossible_regions_do_no_harm() {
    let extreme = |generators: &[(u16, i16)], looped: (u32, u32), sample: u16| {
        let mut font = Font::usual();
        font.samples[0].looped = looped;
        for zone in font.instruments.iter_mut().flatten() {
            zone.generators.extend_from_slice(generators);
            zone.sample = sample;
        }
        font.bytes()
    };
    let pitch = [(51, 32_767), (52, -32_768), (56, 32_767)];
    for (name, bytes) in [
        ("an empty loop", extreme(&[], (5, 5), 0)),
        ("a loop backwards", extreme(&[], (900, 3), 0)),
        ("a loop of one sample", extreme(&[], (5, 6), 0)),
        ("no such sample", extreme(&[], (0, 1_000), 9)),
        ("a start before the sounds", extreme(&[(4, -32_768)], (0, 1_000), 0)),
        ("an end behind the sounds", extreme(&[(12, 32_767)], (0, 1_000), 0)),
        ("a loop behind the sounds", extreme(&[(50, 32_767)], (0, 1_000), 0)),
        ("an impossible pitch", extreme(&pitch, (0, 1_000), 0)),
        ("a scale of its own", extreme(&[(56, -32_768)], (0, 1_000), 0)),
        ("a filter that rings", extreme(&[(8, 1_500), (9, 32_767)], (0, 1_000), 0)),
        ("a filter of less than nothing", extreme(&[(8, 1_500), (9, -13)], (0, 1_000), 0)),
        (
            "envelopes without end",
            extreme(&[(33, 32_767), (35, 32_767), (36, 32_767), (38, 32_767)], (0, 1_000), 0),
        ),
        (
            "oscillators beyond hearing",
            extreme(&[(5, 32_767), (6, 32_767), (22, 32_767), (24, 32_767)], (0, 1_000), 0),
        ),
    ] {
        for seed in 0..3 {
            let _ = survives(bytes.clone(), seed);
        }
        // Nothing that is said about one file may carry over to the next.
        assert!(survives(Font::usual().bytes(), 0), "after {name}");
    }
}

#[test]
fn banks_that_would_fill_the_memory_or_the_time_are_refused() {
    let mut many = Font::usual();
    let zone = Zone { keys: (0, 127), sample: 0, generators: Vec::new() };
    many.instruments[0] = vec![zone; collavoce::limits::MAX_BANK_REGIONS + 1];
    let error = SoundBank::parse(many.bytes()).expect_err("every note would ask all of them");
    assert!(matches!(error, BankError::TooManyRegions { .. }), "{error}");

    // Packed sounds that all lie in one place, as if they were many.
    let mut packed = Font::usual();
    let page: Vec<u8> = b"OggS".iter().copied().chain([0; 22]).chain([255]).chain([1; 255]).collect();
    let frames: Vec<i16> =
        page.chunks(2).map(|two| i16::from_le_bytes([two[0], *two.get(1).unwrap_or(&0)])).collect();
    packed.samples = vec![Sample { frames, looped: (0, 10), root: 60 }; 2];
    let mut bytes = packed.bytes();
    let headers = bytes.windows(4).rposition(|four| four == b"shdr").expect("the chunk is there") + 8;
    let mut say = |header: usize, to: u32| {
        let at = headers + 46 * header + 20;
        bytes[at..at + 4].copy_from_slice(&0u32.to_le_bytes());
        bytes[at + 4..at + 8].copy_from_slice(&to.to_le_bytes());
    };
    say(0, 280);
    say(1, 280);
    let error = SoundBank::parse(bytes).expect_err("this is no sound");
    assert!(matches!(error, BankError::Format(_)), "{error}");
}
