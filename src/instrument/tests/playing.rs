//! What musicians would notice.

use super::*;

const RATE: Hz = Hz(48_000);

fn solo(part: Part, events: &[NoteEvent], len: usize) -> Stereo {
    render(&mut *instrument(part, RATE), events, len, 480)
}

/// Share of the energy in differences between neighbours: grows with brightness.
fn brightness(samples: &[f32]) -> f64 {
    let steps: Vec<f32> = samples.windows(2).map(|w| w[1] - w[0]).collect();
    rms(&steps) / rms(samples)
}

#[test]
fn a_note_off_ends_the_sound() {
    for part in Part::ALL.into_iter().filter(|p| p.is_pitched()) {
        let events = [on(part, 0, 1, 50, 100, Articulation::Normal), off(part, 24_000, 1)];
        let sound = solo(part, &events, 96_000);
        let (before, after) = (rms(&sound.0[20_000..24_000]), rms(&sound.0[43_200..48_000]));
        assert!(after < 0.01 * before, "{part}: {before} before and {after} 0.4 s after the end");
        assert_eq!(peak(&sound.0[90_000..]), 0.0, "{part} falls wholly silent");
    }
}

#[test]
fn the_kit_falls_wholly_silent() {
    let strokes: Vec<NoteEvent> =
        (35..=57).map(|key| on(Part::Drums, 0, u32::from(key), key, 127, Articulation::Normal)).collect();
    let sound = solo(Part::Drums, &strokes, 20 * 48_000);
    assert!(peak(&sound.0[2 * 48_000..]) > 0.0);
    assert_eq!(peak(&sound.0[19 * 48_000..]), 0.0);
}

#[test]
fn velocity_changes_level_and_timbre() {
    for (part, pitch) in [(Part::Guitar, 52), (Part::Bass, 40), (Part::Strings, 60), (Part::Drums, 38)] {
        let sound = |velocity| solo(part, &[on(part, 0, 1, pitch, velocity, Articulation::Normal)], 24_000);
        let (soft, hard) = (sound(40), sound(120));
        assert!(rms(&hard.0) > 1.5 * rms(&soft.0), "{part} is louder");
        assert!(brightness(&hard.0) > 1.08 * brightness(&soft.0), "{part} is brighter");
    }
}

#[test]
fn every_percussion_key_sounds_and_strokes_differ() {
    for key in (35..=57).chain([59, 70]) {
        let stroke = |id| solo(Part::Drums, &[on(Part::Drums, 0, id, key, 90, Articulation::Normal)], 9_600);
        let (first, second) = (stroke(1), stroke(2));
        let level = peak(&first.0).max(peak(&first.1));
        assert!(level > 0.04 && level < 3.0, "key {key} peaks at {level}");
        assert!(first != second, "key {key} repeats itself");
        assert_same(&first, &stroke(1), "the same stroke");
    }
}

#[test]
fn the_closed_hat_chokes_the_open_one() {
    let open = on(Part::Drums, 0, 1, 46, 100, Articulation::Normal);
    let free = solo(Part::Drums, &[open], 24_000);
    let choked = solo(Part::Drums, &[open, on(Part::Drums, 4_800, 2, 44, 20, Articulation::Normal)], 24_000);
    assert!(rms(&choked.0[14_400..]) < 0.1 * rms(&free.0[14_400..]));
}

#[test]
fn a_palm_mute_is_short_and_a_ghost_is_soft() {
    for part in [Part::Guitar, Part::Bass] {
        let sound = |articulation| solo(part, &[on(part, 0, 1, 45, 100, articulation)], 48_000);
        let (plain, muted, ghost) =
            (sound(Articulation::Normal), sound(Articulation::Muted), sound(Articulation::Ghost));
        assert!(rms(&muted.0[24_000..]) < 0.1 * rms(&plain.0[24_000..]), "{part} mutes");
        assert!(rms(&ghost.0) < 0.3 * rms(&plain.0), "{part} ghosts");
    }
}

#[test]
fn strings_follow_expression_smoothly() {
    let part = Part::Strings;
    let note = on(part, 0, 1, 60, 90, Articulation::Sustained);
    let sound = solo(part, &[note, expression(part, 48_000, 0.25)], 96_000);
    let (before, after) = (rms(&sound.0[36_000..48_000]), rms(&sound.0[60_000..96_000]));
    assert!(after < 0.3 * before && after > 0.03 * before, "{before} -> {after}");
}

#[test]
fn nothing_clicks_when_voices_are_taken_or_stopped() {
    for part in Part::ALL.into_iter().filter(|p| p.is_pitched()) {
        // The same low, soft notes over and over: far more than there are voices, each cut short.
        let mut events = Vec::new();
        for id in 0..60u32 {
            let at = i64::from(id) * 1_100;
            events.push(on(part, at, id, 40 + (id % 5) as u8, 60, Articulation::Normal));
            if id % 2 == 0 {
                events.push(off(part, at + 777, id));
            }
        }
        events.sort_by_key(|e| (e.at, e.kind.rank()));
        let sound = solo(part, &events, 70_000);
        let single = solo(part, &[on(part, 0, 0, 44, 60, Articulation::Normal)], 70_000);
        let step = |x: &[f32]| x.windows(2).fold(0.0f32, |m, w| m.max((w[1] - w[0]).abs()));
        let (busy, alone) = (step(&sound.0), step(&single.0));
        let voices = if part == Part::Strings { 40.0 } else { 4.0 };
        assert!(busy < voices * alone, "{part}: steps of {busy}, alone {alone}");
    }
}

#[test]
fn wild_input_stays_finite() {
    for part in Part::ALL {
        let mut events = busy(part, 60_000, 900, 5);
        events.push(tuning(part, 59_000, f32::NAN));
        events.push(tuning(part, 59_100, 1e9));
        events.push(expression(part, 59_200, f32::NAN));
        let sound = solo(part, &events, 72_000);
        assert!(sound.0.iter().chain(&sound.1).all(|x| x.is_finite()), "{part}");
    }
}
