//! Spectrograms beside each other, on a page.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use realfft::RealFftPlanner;

use super::play::RATE;

const WINDOW: usize = 2_048;
const HEIGHT: usize = 240;
const WIDTH: usize = 420;
/// The picture covers these frequencies, in Hz, on a logarithmic scale.
const LOWEST_HZ: f64 = 40.0;
const HIGHEST_HZ: f64 = 20_000.0;
/// From the darkest to the brightest, in dB.
const RANGE_DB: f64 = 80.0;
/// Dark to bright.
const COLOURS: [[f64; 3]; 5] =
    [[0.0, 0.0, 8.0], [70.0, 15.0, 110.0], [185.0, 45.0, 90.0], [250.0, 140.0, 40.0], [252.0, 253.0, 190.0]];

/// A page that is being made: pictures and their captions.
pub struct Page {
    folder: PathBuf,
    html: String,
    count: usize,
}

impl Page {
    /// A page in a folder, which is made.
    pub fn begin(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let html = "<!doctype html><meta charset=utf-8><title>Spectrograms</title><style>body{font:14px \
                    sans-serif}figure{display:inline-block;margin:4px}img{display:block}</style>\n<p>40 Hz to 20 kHz on a \
                    logarithmic scale, 80 dB.</p>\n"
            .to_owned();
        Ok(Self { folder: folder.to_owned(), html, count: 0 })
    }

    /// Begins a row.
    pub fn row(&mut self, title: &str) {
        let _ = writeln!(self.html, "<h4>{title}</h4>");
    }

    /// Adds a sound to the row.
    pub fn add(&mut self, caption: &str, samples: &[f32]) -> anyhow::Result<()> {
        self.count += 1;
        let name = format!("{:03}.png", self.count);
        write_picture(&self.folder.join(&name), &spectrogram(samples)?)?;
        writeln!(self.html, "<figure><img src={name}><figcaption>{caption}</figcaption></figure>")?;
        Ok(())
    }

    /// Writes the page.
    pub fn finish(self) -> anyhow::Result<()> {
        let path = self.folder.join("index.html");
        std::fs::write(&path, self.html).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Levels from 0 to 1, row by row from the top.
fn spectrogram(samples: &[f32]) -> anyhow::Result<Vec<f64>> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(WINDOW);
    let (mut input, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
    let mut levels = vec![-200.0f64; WIDTH * HEIGHT];
    let width_hz = RATE.as_f64() / WINDOW as f64;
    for x in 0..WIDTH {
        let start = x * samples.len() / WIDTH;
        for (index, to) in input.iter_mut().enumerate() {
            let window = (std::f64::consts::PI * index as f64 / WINDOW as f64).sin().powi(2);
            *to = samples.get(start + index).map_or(0.0, |from| f64::from(*from) * window);
        }
        fft.process(&mut input, &mut spectrum)?;
        for y in 0..HEIGHT {
            let hz = |row: f64| LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(1.0 - row / HEIGHT as f64);
            let (low, high) = (hz(y as f64 + 1.0) / width_hz, hz(y as f64) / width_hz);
            let bins = low.round() as usize..=(high.round() as usize).max(low.round() as usize);
            let most = bins.map(|bin| spectrum[bin.min(WINDOW / 2)].norm_sqr()).fold(1e-20, f64::max);
            levels[y * WIDTH + x] = 10.0 * most.log10();
        }
    }
    let loudest = levels.iter().fold(-200.0f64, |most, level| most.max(*level));
    Ok(levels.iter().map(|level| ((level - loudest) / RANGE_DB + 1.0).clamp(0.0, 1.0)).collect())
}

fn write_picture(path: &Path, levels: &[f64]) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = levels.iter().flat_map(|level| colour(*level)).collect();
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

fn colour(level: f64) -> [u8; 3] {
    let place = level * (COLOURS.len() - 1) as f64;
    let at = (place as usize).min(COLOURS.len() - 2);
    let share = place - at as f64;
    std::array::from_fn(|c| (COLOURS[at][c] * (1.0 - share) + COLOURS[at + 1][c] * share) as u8)
}
