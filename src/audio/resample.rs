//! Sample rate conversion that keeps time.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, Resampler as Convert, SincInterpolationParameters, WindowFunction,
};

use crate::limits::{MAX_INPUT_HZ, MIN_INPUT_HZ};
use crate::time::Hz;

/// Shortest transform on the side with the lower rate, in frames. Longer is a steeper filter: at 1024 frames the
/// pass band reaches 95 % of the lower Nyquist frequency.
const MIN_TRANSFORM: u64 = 1_024;
/// Length of a streaming filter at the lower rate, in frames; its delay is half of it.
const STREAMING_FILTER: usize = 80;
/// Output frames that a streaming resampler converts at once.
const STREAMING_CHUNK: usize = 32;

/// Why a resampler cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    /// A sample rate is outside the limits.
    #[error(
        "a sample rate must be between {MIN_INPUT_HZ} and {MAX_INPUT_HZ} Hz to be converted, but was {0} Hz"
    )]
    Rate(u32),
    /// Neither mono nor stereo.
    #[error("resampling takes 1 or 2 channels, but was asked for {0}")]
    Channels(usize),
    /// The conversion library refused the pair of rates.
    #[error("cannot convert from {from} Hz to {to} Hz: {reason}")]
    Pair {
        /// Rate of the input, in Hz.
        from: u32,
        /// Rate of the output, in Hz.
        to: u32,
        /// What the library said.
        reason: String,
    },
}

/// Converts a stream of frames from one sample rate to another.
///
/// Frames are interleaved. The delay of the filter is taken out: output frame n lies at n / `to` seconds of the
/// input, and a stream of `f` frames comes out as round(`f` * `to` / `from`) frames. How the input is cut into
/// blocks has no influence on a single bit of the output. Equal rates pass the input through unchanged.
pub struct Resampler {
    from: Hz,
    to: Hz,
    channels: usize,
    inner: Option<Inner>,
    frames_in: u64,
    frames_out: u64,
}

/// The converter, which takes and gives chunks of one fixed size.
struct Inner {
    converter: Box<dyn Convert<f32> + Send>,
    fifo: Vec<f32>,
    converted: Vec<f32>,
    /// Output frames of the filter's delay that are still to be dropped.
    skip_frames: usize,
    /// That delay.
    delay_frames: usize,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resampler({} Hz -> {} Hz, {} channels)", self.from.0, self.to.0, self.channels)
    }
}

impl Resampler {
    /// A resampler for 1 or 2 channels; both rates must lie within 8 to 192 kHz.
    pub fn new(from: Hz, to: Hz, channels: usize) -> Result<Self, ResampleError> {
        if let Some(rate) =
            [from, to].into_iter().find(|rate| !(MIN_INPUT_HZ..=MAX_INPUT_HZ).contains(&rate.0))
        {
            return Err(ResampleError::Rate(rate.0));
        }
        if !(1..=2).contains(&channels) {
            return Err(ResampleError::Channels(channels));
        }
        let inner = if from == to { None } else { Some(Inner::new(from, to, channels)?) };
        Ok(Self { from, to, channels, inner, frames_in: 0, frames_out: 0 })
    }

    /// A resampler for live input: less steep, but a frame comes out at most 5 ms after it went in, at rates
    /// from 44.1 kHz on; 12 ms at lower ones.
    pub fn streaming(from: Hz, to: Hz, channels: usize) -> Result<Self, ResampleError> {
        let mut resampler = Self::new(to, to, channels)?;
        if from != to {
            Self::new(from, from, channels)?;
            resampler.inner = Some(Inner::streaming(from, to, channels)?);
        }
        resampler.from = from;
        Ok(resampler)
    }

    /// Forgets everything: ready for another stream.
    pub fn reset(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.reset();
        }
        (self.frames_in, self.frames_out) = (0, 0);
    }

    /// Frames that come out, in all, of a stream of `frames`.
    pub fn output_frames(&self, frames: u64) -> u64 {
        let (from, to) = (u128::from(self.from.0), u128::from(self.to.0));
        ((u128::from(frames) * to * 2 + from) / (from * 2)) as u64
    }

    /// Takes interleaved frames and appends the interleaved frames that are ready to `output`.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.frames_in += (input.len() / self.channels) as u64;
        let Some(inner) = &mut self.inner else {
            output.extend_from_slice(input);
            return;
        };
        let mut rest = input;
        loop {
            let chunk = inner.converter.input_frames_next() * self.channels;
            if inner.fifo.len() + rest.len() < chunk {
                break;
            }
            let (now, later) = rest.split_at(chunk - inner.fifo.len());
            inner.fifo.extend_from_slice(now);
            rest = later;
            self.frames_out += inner.convert(self.channels, u64::MAX, output);
        }
        inner.fifo.extend_from_slice(rest);
    }

    /// Ends the stream, appends its last frames to `output` and is then ready for another stream.
    pub fn finish(&mut self, output: &mut Vec<f32>) {
        let total = self.output_frames(self.frames_in);
        if let Some(inner) = &mut self.inner {
            while self.frames_out < total {
                let chunk = inner.converter.input_frames_next() * self.channels;
                inner.fifo.resize(chunk, 0.0);
                self.frames_out += inner.convert(self.channels, total - self.frames_out, output);
            }
            inner.reset();
        }
        (self.frames_in, self.frames_out) = (0, 0);
    }
}

impl Inner {
    fn new(from: Hz, to: Hz, channels: usize) -> Result<Self, ResampleError> {
        let (a, b) = (u64::from(from.0), u64::from(to.0));
        let divisor = gcd(a, b);
        // An even number of units makes both transforms even, so that the delay is a whole number of frames.
        let units = MIN_TRANSFORM.div_ceil(a.min(b) / divisor).next_multiple_of(2);
        let chunk = (units * a / divisor) as usize;
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(a as usize, b as usize, chunk, 1, channels, window, FixedSync::Both)
            .map_err(|error| ResampleError::Pair { from: from.0, to: to.0, reason: error.to_string() })?;
        Ok(Self::over(Box::new(fft), channels))
    }

    fn streaming(from: Hz, to: Hz, channels: usize) -> Result<Self, ResampleError> {
        let length = STREAMING_FILTER * from.0.div_ceil(to.0).max(1) as usize;
        let parameters = SincInterpolationParameters::new(length, WindowFunction::BlackmanHarris2);
        let ratio = to.as_f64() / from.as_f64();
        let fixed = FixedAsync::Output;
        let sinc = Async::new_sinc(ratio, 1.0, &parameters, STREAMING_CHUNK, channels, fixed)
            .map_err(|error| ResampleError::Pair { from: from.0, to: to.0, reason: error.to_string() })?;
        let mut inner = Self::over(Box::new(sinc), channels);
        inner.delay_frames = inner.measured_delay(channels, ratio);
        inner.reset();
        Ok(inner)
    }

    /// The delay as a ramp shows it: the library states that of one of its two buffers.
    fn measured_delay(&mut self, channels: usize, ratio: f64) -> usize {
        self.skip_frames = 0;
        let (mut output, mut next) = (Vec::new(), 0.0f32);
        while output.len() < 1024 * channels {
            for _ in 0..self.converter.input_frames_next() {
                self.fifo.extend(std::iter::repeat_n(next, channels));
                next += 1.0;
            }
            self.convert(channels, u64::MAX, &mut output);
        }
        let last = output.len() / channels - 1;
        (last as f64 - f64::from(output[last * channels]) * ratio).round().max(0.0) as usize
    }

    fn over(converter: Box<dyn Convert<f32> + Send>, channels: usize) -> Self {
        let delay_frames = converter.output_delay();
        let converted = vec![0.0; converter.output_frames_max() * channels];
        let fifo = Vec::with_capacity(converter.input_frames_max() * channels);
        Self { fifo, converted, skip_frames: delay_frames, delay_frames, converter }
    }

    /// Converts the full FIFO, appends at most `most` frames and returns how many were appended.
    fn convert(&mut self, channels: usize, most: u64, output: &mut Vec<f32>) -> u64 {
        let (frames_in, frames_out) =
            (self.converter.input_frames_next(), self.converter.output_frames_next());
        let source = InterleavedSlice::new(&self.fifo[..], channels, frames_in);
        let target = InterleavedSlice::new_mut(&mut self.converted[..], channels, frames_out);
        let (Ok(source), Ok(mut target)) = (source, target) else {
            unreachable!("the buffers are made for one chunk");
        };
        if self.converter.process_into_buffer(&source, &mut target, None).is_err() {
            unreachable!("the buffers hold one chunk");
        }
        self.fifo.clear();
        let skipped = self.skip_frames.min(frames_out);
        self.skip_frames -= skipped;
        let kept = ((frames_out - skipped) as u64).min(most) as usize;
        output.extend_from_slice(&self.converted[skipped * channels..(skipped + kept) * channels]);
        kept as u64
    }

    fn reset(&mut self) {
        self.converter.reset();
        self.fifo.clear();
        self.skip_frames = self.delay_frames;
    }
}

/// Converts interleaved frames that are in memory as a whole.
pub fn resample(input: &[f32], channels: usize, from: Hz, to: Hz) -> Result<Vec<f32>, ResampleError> {
    let mut resampler = Resampler::new(from, to, channels)?;
    let frames = resampler.output_frames((input.len() / channels) as u64) as usize;
    let mut output = Vec::with_capacity(frames * channels);
    resampler.push(input, &mut output);
    resampler.finish(&mut output);
    Ok(output)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn sine(rate: u32, hz: f64, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| (0.5 * (TAU * hz * n as f64 / f64::from(rate)).sin()) as f32).collect()
    }

    fn noise(samples: usize) -> Vec<f32> {
        let mut rng = crate::song::Rng::keyed(&[3]);
        (0..samples).map(|_| rng.signed() as f32).collect()
    }

    #[test]
    fn a_streaming_resampler_keeps_time_and_does_not_hold_back() {
        for from in [8_000, 44_100, 48_000, 96_000, 192_000] {
            let input = sine(from, 440.0, from as usize);
            let mut resampler = Resampler::streaming(Hz(from), Hz(16_000), 1).expect("a resampler");
            let mut output = Vec::new();
            for (index, block) in input.chunks(64).enumerate() {
                resampler.push(block, &mut output);
                let gone_in_s = (index * 64 + block.len()) as f64 / f64::from(from);
                let most_s = if from >= 44_100 { 0.005 } else { 0.012 };
                assert!(output.len() as f64 / 16_000.0 > gone_in_s - most_s, "{from} Hz holds back");
            }
            resampler.finish(&mut output);
            assert_eq!(output.len(), 16_000);
            let wanted = sine(16_000, 440.0, 16_000);
            let worst = output[400..15_600]
                .iter()
                .zip(&wanted[400..15_600])
                .fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
            // Up to one output frame of rounded delay: 2 pi 440 / 16000 of the amplitude.
            assert!(worst < 0.09, "{from} Hz: off by {worst}");
            let mut whole = Vec::new();
            resampler.push(&input, &mut whole);
            resampler.finish(&mut whole);
            assert!(whole == output, "{from} Hz: blocks or a reset change the output");
        }
    }

    #[test]
    fn block_size_changes_no_bit() {
        for channels in [1, 2] {
            let input = noise(30_001 * channels);
            let whole = resample(&input, channels, Hz(44_100), Hz(16_000)).unwrap();
            for block in [1, 17, 64, 333, 1_024, 4_096] {
                let mut resampler = Resampler::new(Hz(44_100), Hz(16_000), channels).unwrap();
                // Twice, as a resampler is as new after `finish`.
                for _ in 0..2 {
                    let mut output = Vec::new();
                    input.chunks(block * channels).for_each(|part| resampler.push(part, &mut output));
                    resampler.finish(&mut output);
                    assert!(output == whole, "{channels} channels in blocks of {block}");
                }
            }
        }
    }

    #[test]
    fn length_is_exact_and_time_is_kept() {
        let pairs = [
            (8_000, 16_000),
            (11_025, 16_000),
            (22_050, 16_000),
            (44_100, 16_000),
            (48_000, 16_000),
            (44_101, 16_000),
            (96_000, 16_000),
            (192_000, 16_000),
            (44_100, 48_000),
            (48_000, 44_100),
            (192_000, 8_000),
            (8_000, 192_000),
        ];
        for (from, to) in pairs {
            let frames = from as usize * 3 / 2 + 7;
            let output = resample(&sine(from, 440.0, frames), 1, Hz(from), Hz(to)).unwrap();
            let expected = (frames as f64 * f64::from(to) / f64::from(from)).round() as usize;
            assert_eq!(output.len(), expected, "{from} -> {to}");
            let truth = sine(to, 440.0, expected);
            let edge = to as usize / 5;
            let worst = (edge..expected - edge).map(|n| (output[n] - truth[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-5, "{from} -> {to}: off by {worst}");
        }
    }

    #[test]
    fn an_impulse_stays_where_it_is() {
        for (from, to) in [(48_000u32, 16_000u32), (44_100, 16_000), (16_000, 48_000), (11_025, 44_100)] {
            // One second in, which is a whole frame at any rate.
            let mut input = vec![0.0; from as usize * 2];
            input[from as usize] = 1.0;
            let output = resample(&input, 1, Hz(from), Hz(to)).unwrap();
            let at = (0..output.len()).max_by(|a, b| output[*a].total_cmp(&output[*b])).unwrap();
            assert_eq!(at, to as usize, "{from} -> {to}");
            for distance in 1..200 {
                let (before, after) = (output[at - distance], output[at + distance]);
                assert!((before - after).abs() < 1e-5, "{from} -> {to}: {before} before, {after} after");
            }
        }
    }

    #[test]
    fn equal_rates_are_the_identity() {
        let input = noise(5_000);
        assert_eq!(resample(&input, 2, Hz(48_000), Hz(48_000)).unwrap(), input);
    }

    #[test]
    fn very_short_streams_have_their_length() {
        for frames in 0..5 {
            assert_eq!(resample(&vec![0.1; frames], 1, Hz(8_000), Hz(16_000)).unwrap().len(), frames * 2);
        }
    }

    #[test]
    fn what_lies_above_the_new_band_is_gone() {
        let output = resample(&sine(48_000, 9_000.0, 96_000), 1, Hz(48_000), Hz(16_000)).unwrap();
        let worst = output[2_000..30_000].iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!(worst < 1e-5, "{worst} is left of a tone at 9 kHz");
    }

    #[test]
    fn bad_requests_are_refused() {
        assert!(matches!(Resampler::new(Hz(4_000), Hz(16_000), 1), Err(ResampleError::Rate(4_000))));
        assert!(matches!(Resampler::new(Hz(8_000), Hz(16_000), 4), Err(ResampleError::Channels(4))));
    }
}
