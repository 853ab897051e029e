//! Loudness as a listener hears it: momentary loudness after EBU R 128 (ITU-R BS.1770-5).

use crate::limits::LISTEN_HZ;

/// Seconds between two values.
pub const LOUDNESS_HOP_S: f64 = 0.1;
/// Loudness of silence, in LUFS: the lowest that is told.
pub const SILENT_LUFS: f64 = -70.0;

/// Momentary loudness in LUFS, one value per 100 ms for the 400 ms up to its end; at least [`SILENT_LUFS`].
pub fn loudness(samples: &[f32]) -> Result<Vec<f64>, ebur128::Error> {
    let mut meter = ebur128::EbuR128::new(1, LISTEN_HZ, ebur128::Mode::M)?;
    let hop = (f64::from(LISTEN_HZ) * LOUDNESS_HOP_S) as usize;
    samples
        .chunks(hop)
        .map(|chunk| {
            meter.add_frames_f32(chunk)?;
            Ok(meter.loudness_momentary()?.max(SILENT_LUFS))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_tone_is_as_loud_as_the_standard_says() {
        // A sine of 997 Hz at -20 dBFS peak in one channel has -23.0 LUFS - 0.01 (BS.1770, table of test signals).
        let tone = |at: usize| {
            (0.1 * (std::f64::consts::TAU * 997.0 * at as f64 / f64::from(LISTEN_HZ)).sin()) as f32
        };
        let samples: Vec<f32> = (0..LISTEN_HZ as usize).map(tone).collect();
        let heard = loudness(&samples).expect("loudness");
        assert_eq!(heard.len(), 10);
        assert!((heard[9] + 23.0).abs() < 0.1, "{heard:?}");
        assert_eq!(loudness(&[0.0; 3200]).expect("loudness"), [SILENT_LUFS; 2]);
    }
}
