//! How far the beats that were played lie from those that were sung.

use collavoce::score::ChordSymbol;

use super::replies::Replies;

/// Tolerance of beats and bar lines in seconds (mir_eval's).
pub const BEAT_S: f64 = 0.07;
/// The bar in which another line is sung than is written, where one is left out or sung again.
const CHANGED_BAR: usize = 8;
/// A chord that begins so long after a bar line still belongs to it, in seconds.
const CHORD_S: f64 = 0.15;
/// The beat goes on under a held note where one is played so near to each of it, in periods.
const GOES_ON: f64 = 0.3;
/// How near a beat must be to count as found again after a change, in seconds.
const AGAIN_S: f64 = 0.05;
/// Beats in a row that must be near for that.
const AGAIN_BEATS: usize = 3;

/// What is true about a case, in seconds.
#[derive(Debug, Clone)]
pub struct Truth {
    /// Beats.
    pub beats: Vec<f64>,
    /// Bar lines.
    pub bar_lines: Vec<f64>,
    /// Onsets of the notes.
    pub onsets: Vec<f64>,
    /// Stretches in which time stands still.
    pub holds: Vec<(f64, f64)>,
    /// When what changes has changed; 0 where nothing does.
    pub changed_s: f64,
    /// What is measured begins here.
    pub from_s: f64,
    /// Sung notes on strong places of the bar: when, and their MIDI number.
    pub strong: Vec<(f64, u8)>,
    /// Beats under each note that lasts two beats or more in tempo.
    pub under_long: Vec<Vec<f64>>,
}

/// The figures of a case.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// F-measure of beats and of bar lines at 70 ms.
    pub beats_f: f64,
    /// The same of bar lines.
    pub bars_f: f64,
    /// Played time less sung time of every beat that was played, in seconds.
    pub errors: Vec<f64>,
    /// The same, of the first, second, and third beat after every hold.
    pub after_hold: [Vec<f64>; 3],
    /// Sung onsets from a change to the beat from which on beats are near again; none if they never are.
    pub onsets_to_recover: Option<usize>,
    /// From the first onset to the first beat that was played, in seconds.
    pub entry_s: f64,
    /// Played beats for every sung one.
    pub level: f64,
    /// Whether the band plays the song's chord at each sung bar line.
    pub right_chords: Vec<bool>,
    /// Whether each sung note on a strong place lies a semitone from a sounding tone of the band, and is none itself.
    pub clashes: Vec<bool>,
    /// Whether the beat goes on under each long note.
    pub goes_on: Vec<bool>,
    /// F-measure of beats at 70 ms in the first, second and third pair of lines.
    pub pairs_f: [f64; 3],
    /// What the band does about holds.
    pub replies: Replies,
}

impl Truth {
    fn is_held(&self, at_s: f64) -> bool {
        self.holds.iter().any(|(from, to)| at_s > from + BEAT_S && at_s < to - BEAT_S)
    }

    /// Whether the chord that is played at every bar line is the written one.
    pub fn right_chords(&self, written: &[String], played: &[(f64, String)]) -> Vec<bool> {
        let parse = |name: &str| name.parse::<ChordSymbol>().ok();
        let is_right = |(line_s, name): (&f64, &String)| {
            let after = played.partition_point(|(at_s, _)| *at_s < line_s + CHORD_S);
            let sounding = after.checked_sub(1).and_then(|index| parse(&played[index].1));
            sounding.is_some() && sounding == parse(name)
        };
        self.bar_lines.iter().zip(written).map(is_right).collect()
    }

    /// Whether sung notes on strong places lie a semitone from a tone of the band that sounds when they have begun, and are
    /// none of its tones; only where it sounds.
    pub fn clashes(&self, tones: &[(f64, f64, u8)]) -> Vec<bool> {
        all_clashes(&self.strong, tones)
    }

    /// F-measure of beats that were played between moments that part the take.
    pub fn beats_between(&self, played: &[f64], parts: [(f64, f64); 3]) -> [f64; 3] {
        parts.map(|(from_s, to_s)| {
            let within = |times: &[f64]| -> Vec<f64> {
                let counts = |at: &&f64| (from_s - BEAT_S..to_s - BEAT_S).contains(*at);
                times.iter().filter(counts).copied().collect()
            };
            super::midi::f_measure(&within(&self.beats), &within(played), BEAT_S)
        })
    }

    /// Compares with beats and bar lines that were played.
    pub fn compare(&self, beats: &[f64], bar_lines: &[f64]) -> Figures {
        let last_s = self.beats.last().copied().unwrap_or(0.0);
        // What is played while time stands still is neither right nor wrong.
        let counts =
            |at: &&f64| **at >= self.from_s - BEAT_S && **at <= last_s + BEAT_S && !self.is_held(**at);
        let sung: Vec<f64> = self.beats.iter().filter(counts).copied().collect();
        let played: Vec<f64> = beats.iter().filter(counts).copied().collect();
        let sung_bars: Vec<f64> = self.bar_lines.iter().filter(counts).copied().collect();
        let played_bars: Vec<f64> = bar_lines.iter().filter(counts).copied().collect();
        let period_s = median(&self.beats.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>()).unwrap_or(0.6);
        let error = |at: f64| -> f64 {
            let nearest = beats.iter().copied().min_by(|a, b| (a - at).abs().total_cmp(&(b - at).abs()));
            // A beat that nobody plays is as wrong as one played between two.
            nearest.map_or(period_s / 2.0, |near| (near - at).clamp(-period_s / 2.0, period_s / 2.0))
        };
        let mut figures = Figures {
            beats_f: super::midi::f_measure(&sung, &played, BEAT_S),
            bars_f: super::midi::f_measure(&sung_bars, &played_bars, BEAT_S),
            errors: sung.iter().map(|at| error(*at)).collect(),
            entry_s: beats.first().map_or(f64::INFINITY, |first| first - self.onsets.first().unwrap_or(&0.0)),
            level: played.len() as f64 / sung.len().max(1) as f64,
            goes_on: self
                .under_long
                .iter()
                .filter(|note| note.iter().all(|at| *at >= self.from_s))
                .map(|note| note.iter().all(|at| error(*at).abs() < GOES_ON * period_s))
                .collect(),
            ..Figures::default()
        };
        for (_, to) in &self.holds {
            let first = self.beats.partition_point(|beat| *beat < to - 1e-6);
            for (after, errors) in self.beats[first..].iter().zip(&mut figures.after_hold) {
                errors.push(error(*after));
            }
        }
        if self.changed_s > 0.0 {
            let near = |at: &f64| error(*at).abs() <= AGAIN_S;
            let after: Vec<f64> = self.beats.iter().copied().filter(|beat| *beat >= self.changed_s).collect();
            let again = after.windows(AGAIN_BEATS).position(|row| row.iter().all(near));
            figures.onsets_to_recover = again.map(|index| {
                let heard = |onset: &&f64| **onset >= self.changed_s - 1e-6 && **onset < after[index] - 1e-6;
                self.onsets.iter().filter(heard).count()
            });
        }
        figures
    }
}

impl Figures {
    /// Bars from the third line on, which is another than is written, until the right chords are back for two bars.
    pub fn bars_to_return(&self) -> Option<usize> {
        let after = self.right_chords.get(CHANGED_BAR..)?;
        after.windows(2).position(|pair| pair[0] && pair[1])
    }
}

/// Whether a note lies a semitone from a tone that sounds, octaves apart or not, and is none itself; none where nothing
/// sounds.
pub fn clashes(midi: u8, sounding: impl Iterator<Item = u8>) -> Option<bool> {
    let above: Vec<u8> = sounding.map(|tone| (midi % 12 + 12 - tone % 12) % 12).collect();
    let is_near = above.contains(&1) || above.contains(&11);
    (!above.is_empty()).then(|| is_near && !above.contains(&0))
}

/// Whether each of some notes clashes, where anything sounds: when and which, against from, to and which.
pub fn all_clashes(notes: &[(f64, u8)], tones: &[(f64, f64, u8)]) -> Vec<bool> {
    let clash = |(at_s, midi): &(f64, u8)| {
        let at_s = at_s + BEAT_S;
        let sounding = tones.iter().filter(|(from, to, _)| *from <= at_s && at_s < *to);
        clashes(*midi, sounding.map(|(_, _, tone)| *tone))
    };
    notes.iter().filter_map(clash).collect()
}

/// The middle one of some values.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// A quantile of some values.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get((share * last as f64).round() as usize).copied()
}

/// Mean and standard deviation.
pub fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> Truth {
        let beats: Vec<f64> = (0..40).map(|n| 0.5 * f64::from(n)).collect();
        Truth {
            bar_lines: beats.iter().step_by(4).copied().collect(),
            onsets: beats.clone(),
            beats,
            holds: Vec::new(),
            changed_s: 0.0,
            from_s: 0.0,
            strong: vec![(2.0, 64), (4.0, 65)],
            under_long: vec![vec![2.5, 3.0], vec![8.5, 9.0]],
        }
    }

    #[test]
    fn clashes_and_beats_under_long_notes_are_counted() {
        let truth = truth();
        // E with C and E belongs to them, F over E and B does not and lies beside E; over C and G it does not clash.
        let tones = [(0.0, 3.0, 48), (0.0, 3.0, 52), (3.0, 5.0, 40), (3.0, 5.0, 47)];
        assert_eq!(truth.clashes(&tones), [false, true]);
        assert_eq!(truth.clashes(&[(0.0, 9.0, 48), (0.0, 9.0, 55)]), [false, false]);
        assert_eq!(truth.clashes(&[]), [false; 0]);
        let played: Vec<f64> = truth.beats.iter().copied().filter(|at| (*at - 9.0).abs() > 0.1).collect();
        assert_eq!(truth.compare(&played, &[]).goes_on, [true, false]);
    }

    #[test]
    fn lateness_is_measured_with_its_sign() {
        let truth = truth();
        let late: Vec<f64> = truth.beats.iter().map(|beat| beat + 0.03).collect();
        let figures = truth.compare(&late, &truth.bar_lines);
        assert!((spread(&figures.errors).0 - 0.03).abs() < 1e-9 && spread(&figures.errors).1 < 1e-9);
        assert_eq!((figures.beats_f, figures.bars_f), (1.0, 1.0));
        let off: Vec<f64> = truth.beats.iter().map(|beat| beat + 0.2).collect();
        assert_eq!(truth.compare(&off, &off).beats_f, 0.0);
    }

    #[test]
    fn what_is_played_while_time_stands_still_is_not_counted() {
        let mut truth = truth();
        for beat in truth.beats.iter_mut().skip(20) {
            *beat += 1.0;
        }
        truth.holds = vec![(10.0, 11.0)];
        let mut played = truth.beats.clone();
        played.extend([10.25, 10.5]);
        played.sort_by(f64::total_cmp);
        assert_eq!(truth.compare(&played, &truth.bar_lines).beats_f, 1.0);
        assert!(truth.compare(&played, &[]).after_hold[0].iter().all(|error| error.abs() < 1e-9));
    }

    #[test]
    fn a_change_is_followed_after_some_onsets() {
        let mut truth = truth();
        truth.changed_s = 5.0;
        let played: Vec<f64> = truth
            .beats
            .iter()
            .enumerate()
            .map(|(n, beat)| beat + if (10..13).contains(&n) { 0.1 } else { 0.0 })
            .collect();
        assert_eq!(truth.compare(&played, &[]).onsets_to_recover, Some(3));
        let lost: Vec<f64> = truth.beats.iter().map(|beat| beat + 0.1).collect();
        assert_eq!(truth.compare(&lost, &[]).onsets_to_recover, None);
    }
}
