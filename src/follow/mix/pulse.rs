//! How bands mark the beat and the bar: how strongly each band of the spectrum grows at each place of a bar, as counted
//! in rendered bands (`pulse.txt`, by `cargo xtask eval pulse`; its header names the sources).
//!
//! Likelihoods of spectral flux given the place in the bar are those of Krebs, Böck & Widmer (ISMIR 2013), here as
//! histograms.

use std::sync::OnceLock;

use crate::listen::mix::BANDS;
use crate::time::Meter;

/// Places of a beat: halves, thirds, quarters and sixths are whole numbers of them.
pub const PLACES: usize = 24;
/// Flux below these multiples of its mean is of level 0, 1 and so on.
const STEPS: [f32; 5] = [0.3, 0.8, 1.6, 3.2, 6.4];
/// Levels of flux.
pub const LEVELS: usize = STEPS.len() + 1;
/// Change of harmony over a beat line, below these multiples of its mean.
const CHANGES: [f32; 5] = [0.4, 0.7, 1.0, 1.5, 2.2];
/// Hops that are counted beside the flux to fill gaps.
const SMOOTHING: f32 = 2.0;
/// Metres that are counted; others are made of their beats.
const METERS: [Meter; 2] = [Meter::FOUR_FOUR, Meter::THREE_FOUR];

/// Level of a flux in one band.
pub fn level(flux: f32) -> usize {
    STEPS.iter().filter(|step| flux >= **step).count()
}

/// Level of a change of harmony relative to the mean change.
pub fn change_level(change: f32) -> usize {
    CHANGES.iter().filter(|step| change >= **step).count()
}

/// Log likelihoods of levels at one place.
pub type Place = [[f32; LEVELS]; BANDS];

/// What is counted for a metre.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// Hops by place in the bar, band and level.
    pub flux: Vec<[[u32; LEVELS]; BANDS]>,
    /// Beat lines by beat of the bar and level of change.
    pub change: Vec<[u32; LEVELS]>,
}

impl Counts {
    /// Nothing counted in bars of so many beats.
    pub fn new(beats: usize) -> Self {
        Self { flux: vec![[[0; LEVELS]; BANDS]; beats * PLACES], change: vec![[0; LEVELS]; beats] }
    }

    /// As lines of `pulse.txt`.
    pub fn text(&self, meter: Meter) -> String {
        let join = |counts: &[u32]| counts.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        let mut text = format!("meter {meter}\n");
        for place in &self.flux {
            text += &format!("flux {}\n", join(place.as_flattened()));
        }
        for beat in &self.change {
            text += &format!("change {}\n", join(beat));
        }
        text
    }

    /// The counts of a metre in a text of that form.
    fn parse(text: &str, meter: Meter) -> Self {
        let mut counts = Self { flux: Vec::new(), change: Vec::new() };
        let heading = meter.to_string();
        let mut is_wanted = false;
        for line in text.lines() {
            let Some((word, rest)) = line.split_once(' ') else { continue };
            let mut numbers = rest.split(' ').map(|number| number.parse().unwrap_or(0));
            let mut row = || std::array::from_fn(|_| numbers.next().unwrap_or(0));
            match word {
                "meter" => is_wanted = rest == heading,
                "flux" if is_wanted => counts.flux.push(std::array::from_fn(|_| row())),
                "change" if is_wanted => counts.change.push(row()),
                _ => {}
            }
        }
        counts
    }
}

/// Likelihoods of a metre relative to those of any beat.
#[derive(Debug, Clone)]
pub struct BarPulse {
    /// By place in the bar.
    flux: Vec<Place>,
    /// By beat of the bar.
    change: Vec<[f32; LEVELS]>,
}

/// Likelihoods of flux.
#[derive(Debug)]
pub struct Pulse {
    /// Log likelihood by place in the beat, relative to any place.
    pub beat: Vec<Place>,
    meters: Vec<(Meter, BarPulse)>,
}

impl Pulse {
    /// What was counted.
    pub fn counted() -> &'static Self {
        static PULSE: OnceLock<Pulse> = OnceLock::new();
        PULSE.get_or_init(|| Self::read(include_str!("pulse.txt")))
    }

    fn read(text: &str) -> Self {
        let counts: Vec<(Meter, Counts)> =
            METERS.iter().map(|meter| (*meter, Counts::parse(text, *meter))).collect();
        let beats = |counts: &Counts| counts.flux.len() / PLACES;
        // Places of any beat, and any place: every metre counts.
        let mut any_beat = vec![[[SMOOTHING; LEVELS]; BANDS]; PLACES];
        let mut any_change = [SMOOTHING; LEVELS];
        for (_, counts) in &counts {
            for (index, place) in counts.flux.iter().enumerate() {
                add(&mut any_beat[index % PLACES], place);
            }
            for change in &counts.change {
                any_change.iter_mut().zip(change).for_each(|(sum, count)| *sum += *count as f32);
            }
        }
        let mut anywhere = [[SMOOTHING; LEVELS]; BANDS];
        for place in &any_beat {
            anywhere.as_flattened_mut().iter_mut().zip(place.as_flattened()).for_each(|(sum, n)| *sum += n);
        }
        let any_beat: Vec<Place> = any_beat.iter().map(logs).collect();
        let anywhere = logs(&anywhere);
        let any_change = log_shares(&any_change);
        let meters = counts
            .iter()
            .map(|(meter, counts)| {
                let flux = (0..beats(counts) * PLACES).map(|index| {
                    let mut place = [[SMOOTHING; LEVELS]; BANDS];
                    add(&mut place, &counts.flux[index]);
                    minus(&logs(&place), &any_beat[index % PLACES])
                });
                let change = counts.change.iter().map(|counts| {
                    let shares = log_shares(&counts.map(|n| n as f32 + SMOOTHING));
                    std::array::from_fn(|level| shares[level] - any_change[level])
                });
                (*meter, BarPulse { flux: flux.collect(), change: change.collect() })
            })
            .collect();
        Self { beat: any_beat.iter().map(|place| minus(place, &anywhere)).collect(), meters }
    }

    /// The likelihoods of a metre: as counted, or with the accents of common time.
    pub fn bar(&self, meter: Meter) -> BarPulse {
        let counted = self.meters.iter().find(|(counted, _)| *counted == meter).or(self.meters.first());
        let Some((of, pulse)) = counted else { return BarPulse { flux: Vec::new(), change: Vec::new() } };
        let beats = meter.beats_per_bar();
        if *of == meter {
            return pulse.clone();
        }
        // The first beat is the first of common time, the middle one the third, others by turns the second and fourth.
        let like = |beat: usize| match beat {
            0 => 0,
            _ if 2 * beat == beats => 2,
            _ if beat % 2 == 1 => 1,
            _ => 3,
        };
        BarPulse {
            flux: (0..beats * PLACES)
                .map(|index| pulse.flux[like(index / PLACES) * PLACES + index % PLACES])
                .collect(),
            change: (0..beats).map(|beat| pulse.change[like(beat)]).collect(),
        }
    }
}

impl BarPulse {
    /// Beats of a bar.
    pub fn beats(&self) -> usize {
        self.change.len()
    }

    /// Log likelihood ratio of levels at a place of a beat of the bar against that place of any beat.
    pub fn of_flux(&self, beat: usize, place: usize, levels: &[usize; BANDS]) -> f32 {
        at(&self.flux[beat * PLACES + place], levels)
    }

    /// Log likelihood ratio of a change of harmony before a beat of the bar.
    pub fn of_change(&self, beat: usize, level: usize) -> f32 {
        self.change[beat][level]
    }
}

/// Log likelihood of the levels of all bands at a place.
pub fn at(place: &Place, levels: &[usize; BANDS]) -> f32 {
    place.iter().zip(levels).map(|(band, level)| band[*level]).sum()
}

fn add(sums: &mut Place, counts: &[[u32; LEVELS]; BANDS]) {
    sums.as_flattened_mut()
        .iter_mut()
        .zip(counts.as_flattened())
        .for_each(|(sum, count)| *sum += *count as f32);
}

fn minus(place: &Place, other: &Place) -> Place {
    std::array::from_fn(|band| std::array::from_fn(|level| place[band][level] - other[band][level]))
}

fn log_shares(counts: &[f32; LEVELS]) -> [f32; LEVELS] {
    let total: f32 = counts.iter().sum();
    counts.map(|count| (count / total).ln())
}

fn logs(counts: &Place) -> Place {
    std::array::from_fn(|band| log_shares(&counts[band]))
}
