use super::*;
use crate::song::{KnownNote, Rng};
use crate::time::Meter;

/// From an onset until it is known, in seconds.
const KNOWN_AFTER_S: f64 = 0.13;
/// Greatest error of a beat in seconds.
const NEAR_S: f64 = 0.07;
const LINE_BEATS: f64 = 16.0;
const SEEDS: std::ops::Range<u64> = 1..21;

/// Six lines of four bars, all different, each ending with a long note and mostly a rest.
fn song(seed: u64) -> Arc<KnownSong> {
    const BARS: [&[f64]; 5] = [
        &[1.0, 1.0, 1.0, 1.0],
        &[1.5, 0.5, 2.0],
        &[0.5, 0.5, 1.0, 2.0],
        &[2.0, 1.0, 1.0],
        &[1.0, 0.5, 0.5, 2.0],
    ];
    const SCALE: [f64; 10] = [55.0, 57.0, 59.0, 60.0, 62.0, 64.0, 65.0, 67.0, 69.0, 71.0];
    let mut random = Rng::keyed(&[seed, 1]);
    let (mut notes, mut lines, mut step) = (Vec::new(), Vec::new(), 4);
    for line in 0..6 {
        lines.push(notes.len());
        for bar in 0..4 {
            let mut start_beats = f64::from(line) * LINE_BEATS + f64::from(bar) * 4.0;
            let last: &[f64] = if line % 2 == 0 { &[3.0] } else { &[2.0] };
            for beats in if bar == 3 { last } else { BARS[random.below(BARS.len())] } {
                step = (step + 9 + random.below(4) - 1).clamp(9, 18) - 9;
                notes.push(KnownNote { start_beats, beats: *beats, midi: SCALE[step] });
                start_beats += beats;
            }
        }
    }
    Arc::new(KnownSong::new(Meter::FOUR_FOUR, notes, lines).expect("a song"))
}

/// How a song is sung.
struct Plan {
    lines: Vec<usize>,
    /// Seconds of a sung beat.
    seconds: fn(f64) -> f64,
    /// Sung beats before which time stands still, and for how many seconds.
    holds: Vec<(f64, f64)>,
    transposed: f64,
}

impl Plan {
    fn steady() -> Self {
        Self { lines: (0..6).collect(), seconds: |beat| 1.0 + 0.6 * beat, holds: Vec::new(), transposed: 0.0 }
    }

    fn seconds(&self, beat: f64) -> f64 {
        let held: f64 = self.holds.iter().filter(|hold| hold.0 <= beat + 1e-9).map(|hold| hold.1).sum();
        (self.seconds)(beat) + held
    }
}

/// What is heard of it, and what is true.
struct Take {
    onsets: Vec<BeatOnset>,
    /// Time and beat of the song of every sung beat.
    beats: Vec<(f64, i64)>,
}

fn sing(song: &KnownSong, plan: &Plan, seed: u64) -> Take {
    let mut random = Rng::keyed(&[seed, 2]);
    let mut onsets = Vec::new();
    let mut beats = Vec::new();
    let stray = |time_s: f64, midi: f64| BeatOnset {
        time_s,
        interval_s: 0.0,
        sung_s: 0.0,
        weight: 1.0,
        midi: Some(midi),
    };
    for (place, line) in plan.lines.iter().enumerate() {
        let sung = |beat: f64| beat + (place as f64 - *line as f64) * LINE_BEATS;
        for beat in 0..16i64 {
            let at = *line as i64 * 16 + beat;
            beats.push((plan.seconds(sung(at as f64)), at));
        }
        let last = song.lines().get(line + 1).copied().unwrap_or(song.notes().len());
        for note in &song.notes()[song.lines()[*line]..last] {
            let (from, to) = (sung(note.start_beats), sung(note.start_beats + note.beats));
            let time_s = plan.seconds(from) + 0.03 * random.normal();
            let wrong = if random.chance(0.05) { random.signed() * 5.0 } else { 0.2 * random.normal() };
            let onset = stray(time_s, note.midi + plan.transposed + wrong);
            let sung_s = (plan.seconds(to - 1e-6) - time_s).max(0.1) * 0.95;
            if random.chance(0.95) {
                onsets.push(BeatOnset { sung_s, ..onset });
            }
            if random.chance(0.05) {
                onsets.push(stray(time_s + sung_s * random.unit(), 50.0 + 20.0 * random.unit()));
            }
        }
    }
    onsets.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
    Take { onsets, beats }
}

/// Hears what is known at a time.
fn hear_until(follower: &mut SongFollower, take: &Take, now_s: f64) {
    while let Some(onset) = take.onsets.get(follower.onsets()) {
        if onset.time_s + KNOWN_AFTER_S > now_s {
            break;
        }
        if let Some(before) = follower.onsets().checked_sub(1).map(|before| take.onsets[before]) {
            follower.last_sung(before.sung_s.min(onset.time_s - before.time_s));
        }
        follower.hear(BeatOnset { sung_s: 0.0, ..*onset });
    }
}

/// Whether each beat but the first is right, asked a beat before it sounds.
fn right(follower: &mut SongFollower, take: &Take) -> Vec<bool> {
    let ask = |pair: &[(f64, i64)]| {
        let (now_s, (time_s, beat)) = (pair[0].0, pair[1]);
        hear_until(follower, take, now_s);
        follower.position(now_s).is_some_and(|found| {
            let next_s = found.beat_s + (beat - found.beat) as f64 * found.period_s;
            (next_s - time_s).abs() < NEAR_S
        })
    };
    take.beats.windows(2).map(ask).collect()
}

fn share(right: &[bool]) -> f64 {
    right.iter().filter(|right| **right).count() as f64 / right.len() as f64
}

/// Share of beats that are right over all seeds, from a beat on, in a tempo that is stated or not.
fn followed(plan: &Plan, period_s: Option<f64>, from: usize) -> f64 {
    let shares = SEEDS.map(|seed| {
        let song = song(seed);
        let take = sing(&song, plan, seed);
        let mut follower = SongFollower::new(song, period_s, None);
        share(&right(&mut follower, &take)[from..])
    });
    shares.sum::<f64>() / SEEDS.count() as f64
}

/// Seconds of a beat if the period of 0.6 s changes to another from beat 40 to 48.
fn ramp(beat: f64, to_s: f64) -> f64 {
    let within = (beat - 40.0).clamp(0.0, 8.0);
    let bent = 0.6 * within + (to_s - 0.6) * within * within / 16.0;
    0.6 * beat.min(40.0) + bent + to_s * (beat - 48.0).max(0.0)
}

#[test]
fn a_song_is_followed_in_any_key_and_tempo() {
    for (transposed, period_s) in [(0.0, Some(0.6)), (0.0, None), (3.0, Some(0.6)), (-12.0, None)] {
        let share = followed(&Plan { transposed, ..Plan::steady() }, period_s, 4);
        assert!(share > 0.94, "{share} of beats, {transposed} semitones off, {period_s:?}");
    }
}

#[test]
fn a_change_of_tempo_is_followed() {
    let faster: fn(f64) -> f64 = |beat| 1.0 + ramp(beat, 0.5);
    let slower: fn(f64) -> f64 = |beat| 1.0 + ramp(beat, 0.72);
    for seconds in [faster, slower] {
        let share = followed(&Plan { seconds, ..Plan::steady() }, None, 4);
        assert!(share > 0.83, "{share}");
        // From two bars after the change on as well as if there had been none.
        let share = followed(&Plan { seconds, ..Plan::steady() }, None, 56);
        assert!(share > 0.9, "{share}");
    }
}

#[test]
fn two_bars_after_a_jump_the_place_is_known() {
    for lines in [vec![0, 1, 3, 4, 5], vec![0, 1, 1, 2, 3], vec![0, 1, 0, 1, 2]] {
        let share = followed(&Plan { lines: lines.clone(), ..Plan::steady() }, None, 40);
        assert!(share > 0.93, "{share} of {lines:?}");
    }
}

/// A song in which time stands still before the third line, as in a fermata, and within the fourth.
fn held(beats: f64) -> Plan {
    Plan { holds: vec![(32.0, 0.6 * beats), (56.0, 0.6 * beats)], ..Plan::steady() }
}

#[test]
fn half_a_beat_after_a_line_is_due_the_singer_is_known_to_wait() {
    for beats in 1..5 {
        let plan = held(f64::from(beats));
        let mut found = 0;
        for seed in SEEDS {
            let song = song(seed);
            let take = sing(&song, &plan, seed);
            let mut follower = SongFollower::new(song, Some(0.6), None);
            let due_s = plan.seconds(32.0 - 1e-6);
            hear_until(&mut follower, &take, due_s + 0.3);
            for hop in 0..35 {
                follower.sounds(due_s - 0.05 + 0.01 * f64::from(hop), None);
            }
            // Nothing runs on, however long it takes.
            for after_s in [0.3, 1.0, 10.0] {
                let position = follower.position(due_s + after_s).expect("a position");
                let waiting = position.waiting.filter(|waiting| waiting.start_beats == 32.0);
                found += usize::from(waiting.is_some());
                assert!(waiting.is_none() || position.beat <= 32, "{position:?}");
            }
        }
        // Where the note before was not heard, the singer may wait with that.
        assert!(found >= 50, "{found} of 60 after {beats} beats");
    }
}

#[test]
fn nobody_waits_in_a_steady_song() {
    let (mut waits, mut asked) = (0, 0);
    for seed in SEEDS {
        let song = song(seed);
        let take = sing(&song, &Plan::steady(), seed);
        let mut follower = SongFollower::new(song, Some(0.6), None);
        for (time_s, _) in &take.beats[4..] {
            hear_until(&mut follower, &take, time_s + 0.25);
            let position = follower.position(time_s + 0.25).expect("a position");
            waits += usize::from(position.waiting.is_some());
            asked += 1;
        }
    }
    assert!(50 * waits < asked, "{waits} of {asked}");
}

#[test]
fn two_onsets_after_a_hold_beats_are_right_again() {
    for beats in 1..5 {
        let plan = held(f64::from(beats));
        let (mut right, mut all) = (0, 0);
        for seed in SEEDS {
            let song = song(seed);
            let take = sing(&song, &plan, seed);
            let mut follower = SongFollower::new(song, Some(0.6), None);
            for (at, _) in &plan.holds {
                let from_s = plan.seconds(*at) - 0.15;
                let second =
                    take.onsets.iter().filter(|onset| onset.time_s > from_s).nth(1).expect("an onset");
                let now_s = second.time_s + KNOWN_AFTER_S + 1e-6;
                hear_until(&mut follower, &take, now_s);
                let next = take.beats.iter().find(|beat| beat.0 > now_s).expect("a beat");
                let found = follower.position(now_s).expect("a position");
                let next_s = found.beat_s + (next.1 - found.beat) as f64 * found.period_s;
                right += usize::from((next_s - next.0).abs() < NEAR_S);
                all += 1;
            }
        }
        assert!(10 * right >= 8 * all, "{right} of {all} after {beats} beats");
    }
}

#[test]
fn silence_where_a_note_was_due_tells_that_the_singer_waits_and_a_pitch_that_goes_on_does_not() {
    let notes = [60.0, 62.0, 64.0, 64.0, 67.0, 65.0];
    let notes = notes.iter().enumerate().map(|(at, midi)| KnownNote {
        start_beats: at as f64,
        beats: 1.0,
        midi: *midi,
    });
    let song = Arc::new(KnownSong::new(Meter::FOUR_FOUR, notes.collect(), Vec::new()).expect("a song"));
    let waits = |sounds: Option<f64>| {
        let mut follower = SongFollower::new(song.clone(), Some(0.5), None);
        for (at, midi) in [60.0, 62.0, 64.0].into_iter().enumerate() {
            let time_s = 0.5 * at as f64;
            let onset = BeatOnset { time_s, interval_s: 0.0, sung_s: 0.0, weight: 1.0, midi: Some(midi) };
            follower.last_sung(0.45);
            follower.hear(onset);
        }
        for hop in 0..70 {
            follower.sounds(1.1 + 0.01 * f64::from(hop), sounds);
        }
        follower.position(1.8).expect("a position").waiting.map_or(0.0, |waiting| waiting.probability)
    };
    assert!(waits(None) > 0.5, "{}", waits(None));
    assert_eq!(waits(Some(64.0)), 0.0);
}

#[test]
fn a_probability_tells_what_is_not_known() {
    let line = [60.0, 62.0, 64.0, 60.0];
    let notes =
        (0..16).map(|at| KnownNote { start_beats: f64::from(at), beats: 1.0, midi: line[at as usize % 4] });
    let song = KnownSong::new(Meter::FOUR_FOUR, notes.collect(), vec![4, 8, 12]).expect("a song");
    let mut follower = SongFollower::new(Arc::new(song), None, None);
    assert_eq!(follower.position(0.0), None);
    let mut stated = Vec::new();
    for at in 0..6u32 {
        let time_s = 0.6 * f64::from(at);
        let midi = Some(line[at as usize % 4]);
        follower.hear(BeatOnset { time_s, interval_s: 0.0, sung_s: 0.5, weight: 1.0, midi });
        stated.push(follower.position(time_s + 0.1).expect("a position").probability);
    }
    assert!(stated[0] < 0.5 && stated[5] > 0.8, "{stated:?}");
}

#[test]
fn odd_onsets_do_no_harm() {
    for times in [vec![0.0, 0.0, 0.0], vec![0.0, 1e6], vec![1.0, 0.5], vec![f64::NAN, 1.0, 2.0], vec![5.0]] {
        let mut follower = SongFollower::new(song(1), None, None);
        for time_s in times {
            follower.hear(BeatOnset { time_s, interval_s: 0.0, sung_s: 0.1, weight: 1.0, midi: None });
            let position = follower.position(time_s + 1.0);
            assert!(position.is_none_or(|found| found.beat.abs() < 10_000_000));
        }
    }
}
