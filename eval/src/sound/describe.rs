//! What one note is like, in numbers.

use realfft::RealFftPlanner;

use super::play::RATE;

/// Partials that are looked for.
const PARTIALS: usize = 12;
/// Clicks are looked for above this, in Hz, and so long after an event, in seconds.
const CLICK_HZ: f64 = 8_000.0;
const CLICK_S: f64 = 0.005;

/// Spectrum of a stretch under a Hann window: squared magnitudes, and the width of a bin in Hz.
struct Spectrum {
    power: Vec<f64>,
    width_hz: f64,
}

impl Spectrum {
    fn of(samples: &[f32]) -> Self {
        let count = samples.len().max(2);
        let mut input: Vec<f64> = samples
            .iter()
            .enumerate()
            .map(|(i, x)| f64::from(*x) * (std::f64::consts::PI * i as f64 / count as f64).sin().powi(2))
            .collect();
        // Zeros behind make the bins narrow enough to tell where a partial lies.
        input.resize(count.next_power_of_two() * 2, 0.0);
        let fft = RealFftPlanner::new().plan_fft_forward(input.len());
        let mut spectrum = fft.make_output_vec();
        let is_done = fft.process(&mut input, &mut spectrum).is_ok();
        let power = spectrum.iter().map(|x| if is_done { x.norm_sqr() } else { 0.0 }).collect();
        Self { power, width_hz: RATE.as_f64() / input.len() as f64 }
    }

    fn between(&self, from_hz: f64, to_hz: f64) -> &[f64] {
        let bin = |hz: f64| ((hz / self.width_hz) as usize).min(self.power.len());
        &self.power[bin(from_hz)..bin(to_hz).max(bin(from_hz))]
    }

    /// The strongest place between two frequencies: Hz, by a parabola through the levels around it, and power.
    fn peak(&self, from_hz: f64, to_hz: f64) -> (f64, f64) {
        let first = (from_hz / self.width_hz) as usize;
        let between = self.between(from_hz, to_hz);
        let Some(best) = (0..between.len()).max_by(|a, b| between[*a].total_cmp(&between[*b])) else {
            return (from_hz, 0.0);
        };
        let level = |bin: usize| self.power.get(bin).copied().unwrap_or(0.0).max(1e-30).ln();
        let bin = first + best;
        let (before, here, after) = (level(bin.saturating_sub(1)), level(bin), level(bin + 1));
        let bend = before - 2.0 * here + after;
        let shift = if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        ((bin as f64 + shift) * self.width_hz, between[best])
    }
}

fn cut(samples: &[f32], from_s: f64, to_s: f64) -> &[f32] {
    let at = |seconds: f64| ((seconds * RATE.as_f64()) as usize).min(samples.len());
    &samples[at(from_s)..at(to_s)]
}

/// Mean frequency weighted by power between two times in seconds, in Hz.
pub fn centroid_hz(samples: &[f32], from_s: f64, to_s: f64) -> f64 {
    let spectrum = Spectrum::of(cut(samples, from_s, to_s));
    let total: f64 = spectrum.power.iter().sum();
    let weighted = spectrum.power.iter().enumerate().map(|(bin, p)| bin as f64 * spectrum.width_hz * p);
    weighted.sum::<f64>() / total.max(1e-30)
}

/// Level of what lies between two frequencies relative to everything, between two times, in dB.
pub fn share_db(samples: &[f32], (from_s, to_s): (f64, f64), (low_hz, high_hz): (f64, f64)) -> f64 {
    let spectrum = Spectrum::of(cut(samples, from_s, to_s));
    let (part, all) =
        (spectrum.between(low_hz, high_hz).iter().sum::<f64>(), spectrum.power.iter().sum::<f64>());
    10.0 * (part.max(1e-30) / all.max(1e-30)).log10()
}

/// Level every 2 ms, the root mean square over 8 ms.
fn envelope(samples: &[f32]) -> Vec<f64> {
    samples
        .windows(384)
        .step_by(96)
        .map(|w| w.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt())
        .collect()
}

/// Time from 10 to 90 % of the highest level, in milliseconds. Beating moves the highest level of a section late:
/// what is looked for is the first time at which 90 % are reached.
pub fn attack_ms(samples: &[f32]) -> f64 {
    let envelope = envelope(samples);
    let most = envelope.iter().fold(0.0f64, |most, x| most.max(*x));
    let first = |share: f64| envelope.iter().position(|x| *x >= share * most).unwrap_or(0);
    2.0 * (first(0.9) - first(0.1)) as f64
}

/// Decay by 60 dB from the time between -5 and -30 dB of the energy that is still to come (Schroeder, Journal of the
/// Acoustical Society of America 37, 1965), in seconds.
pub fn t60_s(samples: &[f32]) -> f64 {
    let mut rest: Vec<f64> = samples
        .iter()
        .rev()
        .scan(0.0, |sum, x| {
            *sum += f64::from(*x).powi(2);
            Some(*sum)
        })
        .collect();
    rest.reverse();
    let Some(all) = rest.first().copied().filter(|all| *all > 0.0) else { return 0.0 };
    let below = |level_db: f64| rest.iter().position(|e| 10.0 * (e / all).log10() < level_db);
    match (below(-5.0), below(-30.0)) {
        (Some(from), Some(to)) => (to - from) as f64 / RATE.as_f64() * 60.0 / 25.0,
        _ => f64::NAN,
    }
}

/// How much sharper the partials lie than multiples: B in f(n) = n f0 sqrt(1 + B n^2) (Fletcher, Journal of the
/// Acoustical Society of America 36, 1964), in millionths.
pub fn inharmonicity(samples: &[f32], f0_hz: f64) -> f64 {
    let spectrum = Spectrum::of(cut(samples, 0.05, 0.85));
    let first = spectrum.peak(0.95 * f0_hz, 1.05 * f0_hz).0;
    let loudest = spectrum.peak(0.5 * first, 20.0 * first).1;
    // (f(n) / n)^2 is a line over n^2, whose slope over its height is B.
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut stretch = 0.0;
    for n in 1..=PARTIALS {
        let (order, square) = (n as f64, (n * n) as f64);
        let about = order * first * (1.0 + stretch * square).sqrt();
        if about > 0.4 * RATE.as_f64() {
            break;
        }
        let (hz, power) = spectrum.peak(about - 0.25 * first, about + 0.25 * first);
        if power > 1e-7 * loudest {
            points.push((square, (hz / order).powi(2)));
            stretch = slope(&points).max(0.0);
        }
    }
    1e6 * slope(&points)
}

/// Slope over height of the line through points, by least squares; 0 for fewer than two.
fn slope(points: &[(f64, f64)]) -> f64 {
    if points.len() < 2 {
        return 0.0;
    }
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (over, under) = points.iter().fold((0.0, 0.0), |(over, under), point| {
        (over + (point.0 - x) * (point.1 - y), under + (point.0 - x).powi(2))
    });
    let rise = over / under;
    rise / (y - rise * x)
}

/// Decay by 60 dB of a partial, from its level at 0.1 and 0.6 s, in seconds.
pub fn partial_t60_s(samples: &[f32], f0_hz: f64, number: usize) -> f64 {
    let level = |from_s: f64| {
        let at = f0_hz * number as f64;
        let spectrum = Spectrum::of(cut(samples, from_s, from_s + 0.2));
        10.0 * spectrum.between(at - 0.3 * f0_hz, at + 0.4 * f0_hz).iter().sum::<f64>().max(1e-30).log10()
    };
    let fall_db = level(0.1) - level(0.6);
    if fall_db > 0.5 { 0.5 * 60.0 / fall_db } else { f64::INFINITY }
}

/// Level of what lies between the partials of a note relative to all of it, in dB: noise, and what folded back.
pub fn between_partials_db(samples: &[f32], f0_hz: f64) -> f64 {
    let spectrum = Spectrum::of(cut(samples, 0.3, 1.3));
    let (mut between, mut all) = (0.0, 0.0);
    for (bin, power) in spectrum.power.iter().enumerate() {
        let order = bin as f64 * spectrum.width_hz / f0_hz;
        all += power;
        // Stiff strings stretch: partials are told from what lies between up to the tenth.
        if (0.3..10.5).contains(&order) && (0.3..0.7).contains(&order.fract()) || order < 0.3 {
            between += power;
        }
    }
    10.0 * (between.max(1e-30) / all.max(1e-30)).log10()
}

/// Constant offset relative to the highest sample, in dB.
pub fn offset_db(samples: &[f32]) -> f64 {
    let mean = samples.iter().map(|x| f64::from(*x)).sum::<f64>() / samples.len().max(1) as f64;
    let most = samples.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    20.0 * (mean.abs().max(1e-9) / f64::from(most).max(1e-9)).log10()
}

/// What an event adds above 8 kHz within 5 ms of it, at its highest, in dB relative to full scale: `with` and `without` it.
pub fn click_dbfs(with: &[f32], without: &[f32], at_s: f64) -> f64 {
    // Two high-passes of first order, of gain 1 at the top; what came before the event is the same in both sounds and cancels.
    let pole = (-std::f64::consts::TAU * CLICK_HZ / RATE.as_f64()).exp();
    let mut stages = [(0.0f64, 0.0f64); 2];
    let from = RATE.count(at_s).0 as usize;
    let mut most = 0.0f64;
    let pairs = with.iter().zip(without).skip(from).take(RATE.count(CLICK_S).0 as usize);
    for (with, without) in pairs {
        let mut added = f64::from(*with) - f64::from(*without);
        for (before, high) in &mut stages {
            *high = 0.5 * (1.0 + pole) * (added - *before) + pole * *high;
            *before = added;
            added = *high;
        }
        most = most.max(added.abs());
    }
    20.0 * most.max(1e-9).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decaying partials of a stiff string.
    fn string(f0_hz: f64, stiffness: f64, t60_s: f64) -> Vec<f32> {
        (0..96_000)
            .map(|i| {
                let t = i as f64 / RATE.as_f64();
                let partial = |n: f64| {
                    let hz = n * f0_hz * ((1.0 + stiffness * n * n) / (1.0 + stiffness)).sqrt();
                    (std::f64::consts::TAU * hz * t).sin() / n
                };
                let sum: f64 = (1..=8).map(|n| partial(f64::from(n))).sum();
                (0.2 * sum * 10f64.powf(-3.0 * t / t60_s)) as f32
            })
            .collect()
    }

    #[test]
    fn what_is_put_in_is_found() {
        let sound = string(220.0, 1e-4, 3.0);
        assert!((t60_s(&sound) - 3.0).abs() < 0.1, "{}", t60_s(&sound));
        assert!((inharmonicity(&sound, 220.0) - 100.0).abs() < 10.0, "{}", inharmonicity(&sound, 220.0));
        assert!((partial_t60_s(&sound, 220.0, 3) - 3.0).abs() < 0.1, "{}", partial_t60_s(&sound, 220.0, 3));
        assert!(between_partials_db(&sound, 220.0) < -50.0, "{}", between_partials_db(&sound, 220.0));
        assert!(attack_ms(&sound) < 12.0, "{}", attack_ms(&sound));
        assert!(click_dbfs(&sound, &sound, 0.5) < -150.0);
        let mut cut = sound.clone();
        cut[24_000..].fill(0.0);
        let (cut_off, level) = (click_dbfs(&cut, &sound, 0.5), f64::from(sound[24_000].abs()));
        assert!(cut_off > 20.0 * level.log10() - 9.0, "{cut_off}");
        let tone = centroid_hz(&string(1_000.0, 0.0, 30.0), 0.1, 0.4);
        assert!((1_000.0..2_200.0).contains(&tone), "{tone}");
    }
}
