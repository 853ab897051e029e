//! How well a voice is isolated: SDR, scale-invariant SDR (Le Roux et al., ICASSP 2019), pitch and voicing.

use anyhow::anyhow;
use collavoce::separate::net::{Comb, Heard, Isolator};
use collavoce::time::Hz;
use collavoce_data::voices::{RATE, Stored, TRUTH_PER_S};
use collavoce_models::mask::MaskNet;

use crate::course::Figure;

/// Odds from which on somebody is said to sing.
const VOICED: f32 = 0.5;
/// Most cents that a pitch may be off.
const NEAR_CENTS: f32 = 50.0;
/// Samples at the beginning that are not measured: the network has heard nothing yet.
const LEAD: usize = RATE as usize / 2;

/// A voice as it came out of a mix.
pub struct Isolated {
    /// Mean of both sides, aligned with the mix.
    pub voice: Vec<f32>,
    /// What was heard, a window after the other.
    pub heard: Vec<Heard>,
}

/// Runs a network, and perhaps a comb, over a mix at [`RATE`].
///
/// # Errors
/// The rate does not fit, which it does.
pub fn isolate(net: MaskNet, mix: &[Vec<f32>; 2], comb: Option<Comb>) -> anyhow::Result<Isolated> {
    let mut isolator = Isolator::new(Hz(RATE), net)?;
    if let Some(comb) = comb {
        isolator = isolator.with_comb(comb);
    }
    let late = isolator.latency().0 as usize;
    let [mut left, mut right] = mix.clone();
    for side in [&mut left, &mut right] {
        side.resize(side.len() + late, 0.0);
    }
    isolator.process(&mut left, &mut right);
    let voice = left.iter().zip(&right).skip(late).map(|(l, r)| 0.5 * (l + r)).collect();
    Ok(Isolated { voice, heard: isolator.take_heard() })
}

/// 10 log10 of signal over error.
pub fn sdr_db(truth: &[f32], estimate: &[f32]) -> f32 {
    let (mut signal, mut error) = (1e-12_f64, 1e-12_f64);
    for (s, e) in truth.iter().zip(estimate).skip(LEAD) {
        signal += f64::from(*s).powi(2);
        error += f64::from(s - e).powi(2);
    }
    (10.0 * (signal / error).log10()) as f32
}

/// The same where the estimate may be louder or softer.
pub fn si_sdr_db(truth: &[f32], estimate: &[f32]) -> f32 {
    let (mut both, mut signal) = (0.0_f64, 1e-12_f64);
    for (s, e) in truth.iter().zip(estimate).skip(LEAD) {
        both += f64::from(*s) * f64::from(*e);
        signal += f64::from(*s).powi(2);
    }
    let scale = (both / signal) as f32;
    let scaled: Vec<f32> = truth.iter().map(|s| scale * s).collect();
    sdr_db(&scaled, estimate)
}

/// Frames counted against the truth.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Where somebody sings; of them, where the pitch is near, and where it is near and said to be sung.
    pub sung: usize,
    pub near: usize,
    pub near_and_said: usize,
    /// Of them, where it is said that somebody sings.
    pub said: usize,
    /// Where nobody sings, and of them, where it is said that somebody does.
    pub silent: usize,
    pub imagined: usize,
}

impl Counts {
    /// Counts one frame: F0 in Hz, 0 where nobody sings; what was heard.
    pub fn add(&mut self, truth_hz: f32, hz: f32, said: bool) {
        if truth_hz > 0.0 {
            let near = hz > 0.0 && 1_200.0 * (hz / truth_hz).log2().abs() < NEAR_CENTS;
            self.sung += 1;
            self.near += usize::from(near);
            self.near_and_said += usize::from(near && said);
            self.said += usize::from(said);
        } else {
            self.silent += 1;
            self.imagined += usize::from(said);
        }
    }

    /// Adds others.
    pub fn join(&mut self, other: &Self) {
        self.sung += other.sung;
        self.near += other.near;
        self.near_and_said += other.near_and_said;
        self.said += other.said;
        self.silent += other.silent;
        self.imagined += other.imagined;
    }

    /// Raw pitch accuracy, the same with misses, voicing recall and false alarms.
    pub fn text(&self) -> String {
        let share = |some: usize, all: usize| some as f64 / all.max(1) as f64;
        format!(
            "RPA {:.3}, with misses {:.3}, VR {:.3}, VFA {:.3}",
            share(self.near, self.sung),
            share(self.near_and_said, self.sung),
            share(self.said, self.sung),
            share(self.imagined, self.silent)
        )
    }
}

/// What windows heard against points of truth, [`TRUTH_PER_S`] a second; NaN where the truth is not known.
pub fn count(heard: &[Heard], truth_hz: &[f32]) -> Counts {
    let mut counts = Counts::default();
    for one in heard.iter().filter(|one| one.centre >= LEAD as i64) {
        let point = one.centre as usize * TRUTH_PER_S as usize / RATE as usize;
        if let Some(hz) = truth_hz.get(point).filter(|hz| !hz.is_nan()) {
            counts.add(*hz, one.hz, one.voiced >= VOICED);
        }
    }
    counts
}

/// How well one mix went.
pub struct Score {
    /// SI-SDR of mix and of the isolated voice, in dB.
    pub si_sdr_db: [f32; 2],
    /// SDR of the same, in dB.
    pub sdr_db: [f32; 2],
    /// Pitch and voicing.
    pub counts: Counts,
}

/// Measures a network on a mix of which all is known.
pub fn of_mix(
    net: MaskNet,
    mix: &[Vec<f32>; 2],
    voice: &[f32],
    truth_hz: &[f32],
    comb: Option<Comb>,
) -> anyhow::Result<Score> {
    let isolated = isolate(net, mix, comb)?;
    let middle: Vec<f32> = mix[0].iter().zip(&mix[1]).map(|(l, r)| 0.5 * (l + r)).collect();
    Ok(Score {
        si_sdr_db: [si_sdr_db(voice, &middle), si_sdr_db(voice, &isolated.voice)],
        sdr_db: [sdr_db(voice, &middle), sdr_db(voice, &isolated.voice)],
        counts: count(&isolated.heard, truth_hz),
    })
}

/// Measures a network on a pair, mixed as it is stored.
pub fn of_pair(net: MaskNet, pair: &Stored) -> anyhow::Result<Score> {
    let plain = |sample: &i16| f32::from(*sample) / 32_768.0;
    let voice: Vec<f32> = pair.voice.iter().map(plain).collect();
    let side = |side: usize| {
        let backing = pair.backing.iter().skip(side).step_by(2).map(plain);
        backing.zip(&voice).map(|(b, v)| b + v).collect::<Vec<f32>>()
    };
    let truth: Vec<f32> = pair.truth.iter().map(|point| point.hz).collect();
    of_mix(net, &[side(0), side(1)], &voice, &truth, None)
}

/// Scores of many mixes.
#[derive(Default)]
pub struct Totals {
    gains: Vec<f32>,
    si_sdrs: Vec<f32>,
    sdrs: Vec<f32>,
    befores: Vec<f32>,
    counts: Counts,
}

impl Totals {
    /// Adds one.
    pub fn add(&mut self, score: &Score) {
        self.gains.push(score.si_sdr_db[1] - score.si_sdr_db[0]);
        self.befores.push(score.si_sdr_db[0]);
        self.si_sdrs.push(score.si_sdr_db[1]);
        self.sdrs.push(score.sdr_db[1]);
        self.counts.join(&score.counts);
    }

    /// Median SI-SDR before, after and gained, SDR, pitch and voicing.
    pub fn text(&self) -> String {
        format!(
            "SI-SDR {:.2} to {:.2} dB, gained {:.2} (mean {:.2}); SDR {:.2} dB; {}; {} mixes",
            median(&self.befores),
            median(&self.si_sdrs),
            median(&self.gains),
            self.gains.iter().sum::<f32>() / self.gains.len().max(1) as f32,
            median(&self.sdrs),
            self.counts.text(),
            self.gains.len()
        )
    }

    /// As a figure of the log.
    pub fn figure(&self, set: &'static str) -> Figure {
        Figure { set, share: f64::from(median(&self.gains) / 10.0), text: self.text() }
    }
}

/// The median; NaN of nothing.
pub fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    match sorted.len() {
        0 => f32::NAN,
        len if len % 2 == 1 => sorted[len / 2],
        len => 0.5 * (sorted[len / 2 - 1] + sorted[len / 2]),
    }
}

/// A file of one channel at [`RATE`].
///
/// # Errors
/// It cannot be read or converted.
pub fn read_mono(path: &std::path::Path) -> anyhow::Result<Vec<f32>> {
    let mut reader = collavoce::audio::Reader::open(path)?;
    let (rate, channels) = (reader.rate(), reader.channels());
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block()? {
        samples.extend(block.chunks(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32));
    }
    collavoce::audio::resample(&samples, 1, rate, Hz(RATE)).map_err(|error| anyhow!("{error}"))
}
