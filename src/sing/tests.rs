use super::*;
use crate::time::Hz;

fn sing(options: DemoOptions, rate: u32) -> Sung {
    demo_with(options).sing(Hz(rate)).unwrap()
}

/// F0 by autocorrelation near an expected value, in Hz.
fn measured_hz(samples: &[f32], rate: f64, at_s: f64, near_hz: f64) -> Option<f64> {
    let half = (0.03 * rate) as usize;
    let centre = (at_s * rate) as usize;
    let window = samples.get(centre.checked_sub(half)?..centre + half)?;
    let product = |lag: usize| -> f64 {
        let (early, late) = (&window[..window.len() - lag], &window[lag..]);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
        dot(early, late) / (dot(early, early) * dot(late, late)).sqrt()
    };
    let lags = (rate / near_hz / 1.25) as usize..=(rate / near_hz * 1.25) as usize;
    let best = lags.map(|lag| (lag, product(lag))).max_by(|a, b| a.1.total_cmp(&b.1))?.0;
    let [before, at, after] = [best - 1, best, best + 1].map(product);
    Some(rate / (best as f64 + 0.5 * (before - after) / (before - 2.0 * at + after)))
}

#[test]
fn the_sound_has_the_stated_f0() {
    let sung = sing(DemoOptions { tuning_cents: 30.0, ..DemoOptions::default() }, 44_100);
    let mut cents: Vec<f64> = sung
        .truth
        .f0
        .iter()
        .step_by(5)
        .filter(|point| point.hz > 0.0)
        .filter_map(|point| {
            Some(1_200.0 * (measured_hz(&sung.samples, 44_100.0, point.time_s, point.hz)? / point.hz).log2())
        })
        .collect();
    cents.sort_by(f64::total_cmp);
    let median = cents[cents.len() / 2];
    let mut sizes: Vec<f64> = cents.iter().map(|cents| cents.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    assert!(cents.len() > 500 && median.abs() < 2.0, "{} points, {median} cents", cents.len());
    assert!(sizes[sizes.len() / 2] < 5.0, "{} cents", sizes[sizes.len() / 2]);
}

#[test]
fn notes_have_their_pitch_in_the_truth() {
    let truth = sing(DemoOptions::default(), 16_000).truth;
    for note in &truth.notes {
        let middle = 0.5 * (note.onset_s + note.offset_s);
        let point = truth.f0[(middle * 100.0).round() as usize];
        let written = 440.0 * ((f64::from(note.midi) - 69.0) / 12.0).exp2();
        let off = 1_200.0 * (point.hz / written).log2();
        assert!(off.abs() < 90.0, "a note at {middle:.2} s is off by {off:.0} cents");
    }
}

#[test]
fn the_same_seed_sings_the_same_at_every_rate() {
    let options = DemoOptions::default();
    let first = sing(options, 48_000);
    assert!(first == sing(options, 48_000));
    assert!(first.samples != sing(DemoOptions { seed: 2, ..options }, 48_000).samples);
    let level = |samples: &[f32]| {
        (samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len() as f64).sqrt()
    };
    for rate in [8_000, 44_100, 192_000] {
        let other = sing(options, rate);
        assert_eq!(other.truth, first.truth);
        assert_eq!(
            other.samples.len(),
            (first.samples.len() as f64 * f64::from(rate) / 48_000.0).round() as usize
        );
        let ratio = level(&other.samples) / level(&first.samples);
        assert!((ratio - 1.0).abs() < 0.05, "{rate} Hz: level {ratio}");
    }
}

#[test]
fn the_demonstration_is_as_described() {
    let sung = sing(DemoOptions::default(), 44_100);
    let truth = &sung.truth;
    let peak = sung.samples.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    assert!((0.35..0.8).contains(&peak), "peak {peak}");
    assert!((42.0..50.0).contains(&truth.duration_s), "{} s", truth.duration_s);
    assert_eq!((truth.meter.as_str(), truth.key.as_str()), ("4/4", "D major"));
    assert_eq!(truth.downbeats[..3], [1, 5, 9]);
    assert_eq!(truth.downbeats.len(), 17);
    assert_eq!(truth.phrases.len(), 8);
    assert!(truth.breaths.len() >= 6, "{} breaths", truth.breaths.len());
    // Nothing is heard in the silence before the first breath and after the last note.
    assert!(sung.samples[..20_000].iter().all(|x| x.abs() < 1e-6));
    assert!(sung.samples[sung.samples.len() - 20_000..].iter().all(|x| x.abs() < 1e-4));
    let long = truth.beats_s.windows(2).map(|pair| pair[1] - pair[0]).position(|beat_s| beat_s > 1.1);
    assert_eq!(long, Some(31), "the held-up beat is the last before the refrain's pickup");
    let last = truth.tempo.last().unwrap();
    assert!((last.bpm / 92.0 - 0.65).abs() < 1e-9);
}

#[test]
fn altering_the_second_phrase_leaves_the_first() {
    let plain = sing(DemoOptions::default(), 16_000);
    let altered = sing(DemoOptions { alter_second_phrase: true, ..DemoOptions::default() }, 16_000);
    let second_s = plain.truth.phrases[1].start_s;
    let before = ((second_s - 0.1) * 16_000.0) as usize;
    assert!(plain.samples[..before] == altered.samples[..before]);
    assert!(plain.samples[before..] != altered.samples[before..]);
    let changed: Vec<usize> = (0..plain.truth.notes.len())
        .filter(|index| plain.truth.notes[*index].midi != altered.truth.notes[*index].midi)
        .collect();
    assert!(!changed.is_empty());
    assert!(changed.iter().all(|index| {
        let onset_s = plain.truth.notes[*index].onset_s;
        onset_s > second_s && onset_s < plain.truth.phrases[2].start_s
    }));
}

#[test]
fn transposing_and_tempo_do_what_they_say() {
    let plain = demo();
    let other =
        demo_with(DemoOptions { transpose: -2, tempo_scale: 1.1, rubato: true, ..DemoOptions::default() });
    assert_eq!(other.key, "C major");
    assert!(plain.notes.iter().zip(&other.notes).all(|(a, b)| a.midi == b.midi + 2));
    let sung = other.sing(Hz(16_000)).unwrap();
    assert!(sung.truth.beats_s.windows(2).all(|pair| pair[1] > pair[0]));
    assert!(sung.truth.notes.windows(2).all(|pair| pair[1].onset_s > pair[0].onset_s));
    assert!(sung.truth.notes.windows(2).all(|pair| pair[1].onset_s >= pair[0].offset_s - 1e-9));
}

#[test]
fn the_truth_survives_json() {
    let truth = sing(DemoOptions::default(), 8_000).truth;
    let text = serde_json::to_string(&truth).unwrap();
    let back: Truth = serde_json::from_str(&text).unwrap();
    assert_eq!(back.notes.len(), truth.notes.len());
    assert_eq!(back.phrases.len(), truth.phrases.len());
}

#[test]
fn a_song_without_notes_is_silence() {
    let empty = Vocal { notes: Vec::new(), ..demo() };
    let sung = empty.sing(Hz(16_000)).unwrap();
    assert!(sung.samples.iter().all(|x| *x == 0.0));
    assert!(sung.truth.phrases.is_empty());
}
