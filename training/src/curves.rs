//! Losses and measures over steps: as a table, and as a picture.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use collavoce::bounce::canvas::{Canvas, Colour};

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 900;
/// Left, right, top and bottom of the room for curves, and where the upper axes end.
const LEFT: f32 = 90.0;
const RIGHT: f32 = 940.0;
const TOP: f32 = 40.0;
const BOTTOM: f32 = 840.0;
const MIDDLE: f32 = 410.0;
const TEXT: f32 = 20.0;
const INK: Colour = [30, 30, 40];
const GRID: Colour = [215, 215, 222];
/// Colours that the colour-blind can tell apart (Okabe and Ito).
const INKS: [Colour; 6] =
    [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233]];

/// Every value that was measured in a training.
pub struct Curves {
    table: PathBuf,
    picture: PathBuf,
    /// (Step, name, value).
    points: Vec<(u64, String, f64)>,
}

impl Curves {
    /// Goes on with the curves of a folder up to a step.
    ///
    /// # Errors
    ///
    /// The table cannot be read.
    pub fn open(folder: &Path, step: u64) -> anyhow::Result<Self> {
        let (table, picture) = (folder.join("curves.tsv"), folder.join("curves.png"));
        let text = if table.exists() {
            fs::read_to_string(&table).with_context(|| format!("{} cannot be read", table.display()))?
        } else {
            String::new()
        };
        // What was measured after the checkpoint will be measured again.
        let points = text.lines().filter_map(point).filter(|point| point.0 <= step).collect();
        Ok(Self { table, picture, points })
    }

    /// Adds a value and writes the table.
    ///
    /// # Errors
    ///
    /// The table cannot be written.
    pub fn add(&mut self, step: u64, name: &str, value: f64) -> anyhow::Result<()> {
        self.points.push((step, name.to_owned(), value));
        let mut text = String::new();
        for (step, name, value) in &self.points {
            writeln!(text, "{step}\t{name}\t{value}")?;
        }
        fs::write(&self.table, text).with_context(|| format!("{} cannot be written", self.table.display()))
    }

    /// Draws losses above and the other values, which are shares of `measure`, below.
    ///
    /// # Errors
    ///
    /// The picture cannot be written.
    pub fn draw(&self, measure: &str) -> anyhow::Result<()> {
        let Some(mut canvas) = Canvas::new(WIDTH, HEIGHT) else { return Ok(()) };
        let last = self.points.iter().map(|point| point.0).max().unwrap_or(0).max(1);
        let losses = self.lines(|name| name.starts_with("loss "));
        let shares = self.lines(|name| !name.starts_with("loss "));
        let highest = losses.iter().flat_map(|line| &line.1).map(|point| point.1).fold(0.0, f64::max);
        // Before the first loss is told there is nothing to scale by.
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let loss = Axes { top: TOP, bottom: MIDDLE - 40.0, last, highest };
        loss.draw(&mut canvas, "loss in training (mean of 100 steps)", &losses);
        let share = Axes { top: MIDDLE + 40.0, bottom: BOTTOM, last, highest: 1.0 };
        share.draw(&mut canvas, &format!("{measure}, on what is not learnt from"), &shares);
        let width = canvas.text_width(TEXT, "step");
        canvas.text(((LEFT + RIGHT - width) / 2.0, BOTTOM + 50.0), TEXT, 200.0, "step", INK);
        let file = fs::File::create(&self.picture)
            .with_context(|| format!("{} cannot be made", self.picture.display()))?;
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), WIDTH, HEIGHT);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&canvas.rgb().collect::<Vec<u8>>())?;
        Ok(writer.finish()?)
    }

    /// The curves whose names are wanted, in the order in which they began.
    fn lines(&self, wanted: impl Fn(&str) -> bool) -> Vec<Line<'_>> {
        let mut lines: Vec<Line<'_>> = Vec::new();
        for (step, name, value) in self.points.iter().filter(|point| wanted(&point.1)) {
            match lines.iter_mut().find(|line| line.0 == name) {
                Some(line) => line.1.push((*step, *value)),
                None => lines.push((name, vec![(*step, *value)])),
            }
        }
        lines
    }
}

/// A name and (step, value).
type Line<'a> = (&'a str, Vec<(u64, f64)>);

fn point(line: &str) -> Option<(u64, String, f64)> {
    let mut cells = line.split('\t');
    let (step, name, value) = (cells.next()?, cells.next()?, cells.next()?);
    Some((step.parse().ok()?, name.to_owned(), value.parse().ok().filter(|v: &f64| v.is_finite())?))
}

/// A pair of axes that begin at 0.
struct Axes {
    top: f32,
    bottom: f32,
    last: u64,
    highest: f64,
}

impl Axes {
    fn draw(&self, canvas: &mut Canvas, title: &str, lines: &[Line<'_>]) {
        canvas.text((LEFT, self.top - 14.0), TEXT, RIGHT - LEFT, title, INK);
        let step = nice(self.highest);
        let decimals = usize::try_from((-step.log10().floor()).max(0.0) as i64).unwrap_or(0);
        for mark in 0..=(self.highest / step + 1e-9) as u32 {
            let value = f64::from(mark) * step;
            let y = self.y(value);
            canvas.level(y, (LEFT, RIGHT), GRID, 1.0);
            canvas.text_ending((LEFT - 10.0, y + 6.0), TEXT, &format!("{value:.decimals$}"), INK);
        }
        let step = nice(self.last as f64);
        for mark in 0..=(self.last as f64 / step + 1e-9) as u32 {
            let value = f64::from(mark) * step;
            let x = self.x(value);
            canvas.upright(x, (self.top, self.bottom), GRID, 1.0);
            let text = format!("{value:.0}");
            let width = canvas.text_width(TEXT, &text);
            canvas.text((x - width / 2.0, self.bottom + 24.0), TEXT, 200.0, &text, INK);
        }
        canvas.level(self.bottom, (LEFT, RIGHT), INK, 1.0);
        canvas.upright(LEFT, (self.top, self.bottom), INK, 1.0);
        for (index, (name, points)) in lines.iter().enumerate() {
            let ink = INKS[index % INKS.len()];
            let place = |(step, value): &(u64, f64)| (self.x(*step as f64), self.y(*value));
            let places: Vec<(f32, f32)> = points.iter().map(place).collect();
            canvas.line(&places, 2.5, ink, 1.0);
            // Where there are few, a curve is its points.
            for place in places.iter().filter(|_| places.len() <= 20) {
                canvas.dot(*place, 4.0, ink, 1.0);
            }
            let y = self.top + 30.0 * (index as f32 + 1.0);
            canvas.rect((RIGHT + 20.0, y - 8.0), (24.0, 5.0), ink, 1.0);
            let text = points.last().map_or(String::new(), |point| format!("{name} {:.3}", point.1));
            canvas.text((RIGHT + 52.0, y), TEXT, WIDTH as f32 - RIGHT - 56.0, &text, INK);
        }
    }

    fn x(&self, step: f64) -> f32 {
        LEFT + (RIGHT - LEFT) * (step / self.last as f64) as f32
    }

    fn y(&self, value: f64) -> f32 {
        self.bottom - (self.bottom - self.top) * (value / self.highest) as f32
    }
}

/// The distance of some five marks up to a value: 1, 2 or 5 times a power of ten.
fn nice(highest: f64) -> f64 {
    let rough = highest / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough).unwrap_or(rough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_numbers() {
        for (highest, step) in [(1.0, 0.2), (5000.0, 1000.0), (3.7, 1.0), (0.04, 0.01), (200.0, 50.0)] {
            assert!((nice(highest) - step).abs() < 1e-9 * step, "{highest}: {}", nice(highest));
        }
    }

    #[test]
    fn curves_go_on_where_the_checkpoint_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut curves = Curves::open(folder.path(), 0).expect("no table yet");
        for (step, loss) in [(100, 3.5), (200, 2.25), (300, 2.0)] {
            curves.add(step, "loss known", loss).expect("written");
        }
        curves.add(200, "a set", 0.5).expect("written");
        let again = Curves::open(folder.path(), 200).expect("a table");
        let all = again.lines(|_| true);
        let line: Line<'_> = ("loss known", vec![(100, 3.5), (200, 2.25)]);
        assert_eq!(all, [line, ("a set", vec![(200, 0.5)])]);
        again.draw("right").expect("drawn");
        let file = fs::File::open(folder.path().join("curves.png")).expect("a picture");
        let mut picture = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG file");
        let mut pixels = vec![0; picture.output_buffer_size().expect("a size")];
        picture.next_frame(&mut pixels).expect("pixels");
        for ink in [INKS[0], INK] {
            assert!(pixels.chunks_exact(3).any(|pixel| pixel == ink), "nothing is drawn in {ink:?}");
        }
    }
}
