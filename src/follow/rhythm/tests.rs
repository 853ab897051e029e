use super::*;

fn onsets_at(times: &[f64]) -> Vec<BeatOnset> {
    (0..times.len())
        .map(|i| {
            let interval_s = times.get(i + 1).map_or(1.0, |next| next - times[i]);
            BeatOnset { time_s: times[i], interval_s, sung_s: interval_s, weight: 1.0, midi: None }
        })
        .collect()
}

/// "Twinkle, twinkle" twice, with eighths in some bars: the beats that its notes begin at.
fn tune() -> Vec<f64> {
    let bars = [&[0.0, 1.0, 2.0, 3.0][..], &[0.0, 1.0, 2.0], &[0.0, 1.0, 1.5, 2.0, 3.0], &[0.0, 1.0, 2.0]];
    (0..8).flat_map(|bar| bars[bar % 4].iter().map(move |beat| beat + 4.0 * bar as f64)).collect()
}

fn sung(seconds: impl Fn(f64) -> f64) -> Vec<BeatOnset> {
    onsets_at(&tune().into_iter().map(seconds).collect::<Vec<_>>())
}

fn hits(truth: impl Iterator<Item = f64>, found: &[f64]) -> usize {
    truth.filter(|t| found.iter().any(|f| (f - t).abs() < 0.05)).count()
}

#[test]
fn a_steady_tune_gives_its_beats_and_bars() {
    let path = track(&sung(|beat| 0.8 + beat * 0.6), &[], Expectation::default()).expect("a path");
    let found = path.beats(19.0);
    assert_eq!(path.meter, Meter::FOUR_FOUR);
    for pair in found.beats_s.windows(2) {
        assert!((pair[1] - pair[0] - 0.6).abs() < 0.01, "{:?}", found.beats_s);
    }
    let downbeat_s = found.beats_s[found.bars.first_downbeat];
    let off = (downbeat_s - 0.8) / 2.4;
    assert!((off - off.round()).abs() < 0.02, "a bar begins at {downbeat_s}");
}

#[test]
fn a_tempo_that_breathes_is_followed() {
    let seconds = |beat: f64| 0.5 + 0.6 * (beat + 0.6 * (beat * 0.35).sin());
    let found = track(&sung(seconds), &[], Expectation::default()).expect("a path").beats(20.0);
    let hit = hits((0..31).map(|beat| seconds(f64::from(beat))), &found.beats_s);
    assert!(hit >= 29, "{hit} of 31: {:?}", found.beats_s);
}

#[test]
fn a_slow_end_is_followed() {
    // From beat 24 on every beat is 10 % longer than the one before.
    let seconds = |beat: f64| {
        let slow = (beat - 24.0).max(0.0);
        0.5 + 0.6 * (beat.min(24.0) + (1.1f64.powf(slow) - 1.0) / 1.1f64.ln())
    };
    let found = track(&sung(seconds), &[], Expectation::default()).expect("a path").beats(20.0);
    let hit = hits((0..31).map(|beat| seconds(f64::from(beat))), &found.beats_s);
    assert!(hit >= 29, "{hit} of 31: {:?}", found.beats_s);
}

#[test]
fn a_pause_is_held_and_the_bars_go_on_after_it() {
    // After four bars the singer breathes for 0.45 beats.
    let seconds = |beat: f64| 0.5 + 0.6 * (beat + if beat >= 16.0 { 0.45 } else { 0.0 });
    let mut onsets = sung(seconds);
    let last = tune().iter().position(|beat| *beat >= 16.0).expect("a fifth bar") - 1;
    onsets[last].sung_s = 0.9;
    let path = track(&onsets, &[], Expectation::default()).expect("a path");
    let found = path.beats(20.0);
    let hit = hits((0..31).map(|beat| seconds(f64::from(beat))), &found.beats_s);
    assert!(hit >= 30, "{hit} of 31: {:?}", found.beats_s);
    let bars = found.beats_s.iter().skip(found.bars.first_downbeat).step_by(4);
    assert!(hits((0..8).map(|bar| seconds(4.0 * f64::from(bar))), &bars.copied().collect::<Vec<_>>()) >= 7);
}

#[test]
fn a_waltz_is_in_three() {
    let bars = [&[0.0, 2.0][..], &[0.0, 1.0, 2.0], &[0.0, 2.0], &[0.0]];
    let beats = (0..12).flat_map(|bar| bars[bar % 4].iter().map(move |beat| beat + 3.0 * bar as f64));
    let times: Vec<f64> = beats.map(|beat| 0.7 + 0.5 * beat).collect();
    let path = track(&onsets_at(&times), &[], Expectation::default()).expect("a path");
    assert_eq!(path.meter, Meter::THREE_FOUR);
}

#[test]
fn a_stated_metre_and_tempo_are_kept() {
    let onsets = sung(|beat| 0.8 + beat * 0.6);
    for (meter, period_s) in [(Meter::SIX_EIGHT, 0.6), (Meter::FOUR_FOUR, 1.2), (Meter::FIVE_FOUR, 0.3)] {
        let expectation =
            Expectation { meters: vec![(meter, 1.0)], period_s: Some(period_s), ..Expectation::default() };
        let path = track(&onsets, &[], expectation).expect("a path");
        assert_eq!(path.meter, meter);
        let period = crate::follow::grid::median_period(&path.beats(19.0).beats_s);
        assert!((0.67..1.5).contains(&(period / period_s)), "{meter}: {period} for {period_s}");
    }
}

#[test]
fn the_next_beat_is_known_before_it_sounds() {
    let onsets = sung(|beat| 0.4 + beat * 0.55);
    let mut tracker = RhythmTracker::new(Expectation::default());
    let mut misses = Vec::new();
    for (index, onset) in onsets.iter().enumerate() {
        tracker.hear(*onset);
        if index >= 12 {
            let position = tracker.position(onset.time_s + 0.1).expect("a position");
            let next = (position.beat_s + position.period_s - 0.4) / 0.55;
            misses.push((next - next.round()).abs());
        }
    }
    assert!(misses.iter().all(|miss| *miss < 0.1), "{misses:?}");
}

#[test]
fn no_onsets_give_no_path_and_odd_ones_no_panic() {
    assert_eq!(track(&[], &[], Expectation::default()), None);
    for times in [vec![0.0, 0.0, 0.0], vec![0.0, 1e6], vec![1.0, 0.5], vec![f64::NAN, 1.0], vec![5.0]] {
        if let Some(path) = track(&onsets_at(&times), &[], Expectation::default()) {
            let beats = path.beats(10.0).beats_s;
            assert!(beats.len() < 10_000_000 && beats.windows(2).all(|w| w[1] > w[0] || w[0].is_nan()));
        }
    }
}

/// Strokes at some seconds, as strong as those of a click.
fn struck(times: &[f64]) -> Vec<Stroke> {
    times
        .iter()
        .map(|time_s| Stroke { time_s: *time_s, flux: [2.0, 20.0, 25.0], known_s: time_s + 0.07 })
        .collect()
}

#[test]
fn clicks_give_the_beat_whatever_little_is_sung() {
    for bpm in [66.0, 84.0, 100.0, 126.0, 144.0] {
        let period_s = 60.0 / bpm;
        let clicks: Vec<f64> = (0..24).map(|click| 0.4 + period_s * f64::from(click)).collect();
        // Held notes, none of them near a beat.
        let held = onsets_at(&[1.9, 4.45, 7.3, 9.6]);
        for onsets in [&[][..], &held] {
            let path = track(onsets, &struck(&clicks), Expectation::default()).expect("a path");
            let found = path.beats(clicks[23]).beats_s;
            let hit = hits(clicks[2..].iter().copied(), &found);
            assert!(hit >= 21, "{bpm} bpm: {hit} of 22, beats {found:?}");
            let wrong = found.iter().filter(|beat| hits(std::iter::once(**beat), &clicks) == 0).count();
            assert!(wrong <= 3, "{bpm} bpm: {wrong} beats of {} lie elsewhere", found.len());
        }
    }
}

#[test]
fn a_voice_that_keeps_time_and_a_click_agree() {
    let sung = sung(|beat| 0.8 + beat * 0.6 + 0.02 * (beat * 2.7).sin());
    let clicks: Vec<f64> = (0..32).map(|click| 0.8 + 0.6 * f64::from(click)).collect();
    let alone = track(&sung, &[], Expectation::default()).expect("a path");
    let both = track(&sung, &struck(&clicks), Expectation::default()).expect("a path");
    let off = |path: &MetricPath| -> f64 {
        let beats = path.beats(19.0).beats_s;
        let off = |beat: f64| ((beat - 0.8) / 0.6 - ((beat - 0.8) / 0.6).round()).abs();
        beats.iter().map(|beat| off(*beat)).fold(0.0, f64::max)
    };
    assert_eq!(both.meter, Meter::FOUR_FOUR);
    assert!(off(&both) < off(&alone).max(0.03), "{} after {}", off(&both), off(&alone));
    let line_s = both.beats(19.0).beats_s[both.beats(19.0).bars.first_downbeat];
    assert!(((line_s - 0.8) / 2.4 - ((line_s - 0.8) / 2.4).round()).abs() < 0.05, "a bar begins at {line_s}");
}

#[test]
fn who_began_three_lines_on_the_bar_line_is_expected_to_do_so_again() {
    // Lines of four bars whose last note is cut.
    let line = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 9.0, 9.5, 10.0, 11.0, 12.0, 13.0];
    let (period_s, line_s) = (0.6, 1.0);
    let beats = (0..3).flat_map(|n| line.map(|beat| beat + 16.0 * f64::from(n)));
    let mut onsets = onsets_at(&beats.map(|beat| line_s + period_s * beat).collect::<Vec<_>>());
    for last in onsets.iter_mut().skip(line.len() - 1).step_by(line.len()) {
        last.sung_s = 1.5 * period_s;
    }
    let known = Expectation {
        meters: vec![(Meter::FOUR_FOUR, 1.0)],
        period_s: Some(period_s),
        bar_line_s: Some(line_s),
        learns_manner: true,
        ..Expectation::default()
    };
    let mut tracker = RhythmTracker::new(known);
    onsets.iter().for_each(|onset| tracker.hear(*onset));
    let entries = tracker.entries(&tracker.hypotheses[0]);
    assert_eq!(entries, [(0, 3.0)]);
    let rhythm = &tracker.rhythms[0];
    let (bar_line, elsewhere) = (step::again(&entries, rhythm, 0), step::again(&entries, rhythm, 2 * UNITS));
    assert!(bar_line > 0.2 && elsewhere < -0.4, "{bar_line} and {elsewhere}");
    let all = (0..4 * UNITS).map(|unit| step::again(&[], rhythm, unit).abs()).fold(0.0, f64::max);
    assert!(all < 1e-9, "{all} where nothing is known of the singer");
}
