//! How near a separated voice is to the true one.

use collavoce::listen::Observation;

use super::bss::Ratios;

/// Figures of one clip.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// Scale-invariant, plain, and voice beside what is left of the backing, in dB.
    pub si_sdr: f64,
    pub sdr: f64,
    pub sir: f64,
    pub bss: Ratios,
    /// Of our trackers, NSDF and network: frames with the right pitch, and found as sung, of those that are sung; frames
    /// found as sung of those that are not.
    pub trackers: [Tracked; 2],
    /// Seconds of work for a second of sound.
    pub factor: f64,
}

/// What a tracker hears.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tracked {
    pub raw_pitch: f64,
    pub recall: f64,
    pub false_alarm: f64,
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn db(part: f64, whole: f64) -> f64 {
    10.0 * ((part + 1e-12) / (whole + 1e-12)).log10()
}

/// 10 log10(|voice|^2 / |voice - estimate|^2).
pub fn sdr(voice: &[f32], estimate: &[f32]) -> f64 {
    let error: Vec<f32> = voice.iter().zip(estimate).map(|(a, b)| a - b).collect();
    db(dot(voice, voice), dot(&error, &error))
}

/// The same with the voice at the level that lies nearest (Le Roux et al., ICASSP 2019).
pub fn si_sdr(voice: &[f32], estimate: &[f32]) -> f64 {
    let gain = dot(voice, estimate) / dot(voice, voice).max(1e-12);
    let scaled: Vec<f32> = voice.iter().map(|x| x * gain as f32).collect();
    sdr(&scaled, estimate)
}

/// Energy of the voice in the estimate beside that of the backing, each as it is, without filters between.
pub fn sir(voice: &[f32], backing: &[f32], estimate: &[f32]) -> f64 {
    let (vv, bb, vb) = (dot(voice, voice), dot(backing, backing), dot(voice, backing));
    let (ve, be) = (dot(voice, estimate), dot(backing, estimate));
    let determinant = (vv * bb - vb * vb).max(1e-12);
    let of_voice = (ve * bb - be * vb) / determinant;
    let of_backing = (be * vv - ve * vb) / determinant;
    db(of_voice * of_voice * vv, of_backing * of_backing * bb)
}

/// Raw pitch accuracy within 50 cents, where a frame that is not found as sung counts as missed, voicing recall and false
/// alarm (Salamon et al., IEEE Signal Processing Magazine 31, 2014).
pub fn tracked(truth: &[Observation], found: &[Observation]) -> Tracked {
    let (mut sung, mut right, mut recalled, mut silent, mut alarms) = (0, 0, 0, 0, 0);
    for (truth, found) in truth.iter().zip(found) {
        if truth.voiced {
            sung += 1;
            recalled += usize::from(found.voiced);
            let cents = 1200.0 * (found.f0_hz.max(1.0) / truth.f0_hz.max(1.0)).log2().abs();
            right += usize::from(found.voiced && cents < 50.0);
        } else {
            silent += 1;
            alarms += usize::from(found.voiced);
        }
    }
    let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
    Tracked {
        raw_pitch: share(right, sung),
        recall: share(recalled, sung),
        false_alarm: share(alarms, silent),
    }
}

/// The median of some numbers.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n => 0.5 * (values[(n - 1) / 2] + values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_of_known_mixtures() {
        let voice: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.3).sin()).collect();
        let backing: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.71).sin()).collect();
        let estimate: Vec<f32> = voice.iter().zip(&backing).map(|(v, b)| 0.5 * v + 0.05 * b).collect();
        assert!((si_sdr(&voice, &estimate) - 20.0).abs() < 0.2, "{}", si_sdr(&voice, &estimate));
        assert!((sir(&voice, &backing, &estimate) - 20.0).abs() < 0.2);
        assert!((sdr(&voice, &estimate) - 6.0).abs() < 0.2, "{}", sdr(&voice, &estimate));
        assert_eq!(median([3.0, 1.0, 2.0, f64::NAN].into_iter()), 2.0);
    }
}
