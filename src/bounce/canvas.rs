//! A strip of a picture to draw on: shapes by tiny-skia, text by ab_glyph.

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont, point};
use tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

/// A colour as red, green and blue.
pub type Colour = [u8; 3];

/// The background of every picture.
const PAPER: Colour = [255, 255, 255];

/// A strip. All lengths are in pixels from its top left corner; opacity runs from 0 to 1.
pub struct Canvas {
    pixmap: Pixmap,
    /// Later fonts stand in for what earlier ones lack.
    fonts: Vec<FontRef<'static>>,
}

impl Canvas {
    /// An empty strip; none if it had no pixels.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let mut pixmap = Pixmap::new(width, height)?;
        pixmap.fill(colour(PAPER, 1.0));
        let fonts = [epaint_default_fonts::UBUNTU_LIGHT, epaint_default_fonts::HACK_REGULAR];
        let fonts = fonts.iter().filter_map(|bytes| FontRef::try_from_slice(bytes).ok()).collect();
        Some(Self { pixmap, fonts })
    }

    /// Its pixels, row by row, as red, green, blue.
    pub fn rgb(&self) -> impl Iterator<Item = u8> + '_ {
        // The paper is opaque, so premultiplied colours are the colours.
        self.pixmap.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()])
    }

    /// A filled rectangle.
    pub fn rect(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), ink: Colour, opacity: f32) {
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            self.pixmap.fill_rect(rect, &paint(ink, opacity), Transform::identity(), None);
        }
    }

    /// An upright line, sharp on whole pixels.
    pub fn upright(&mut self, x: f32, (top, bottom): (f32, f32), ink: Colour, opacity: f32) {
        self.rect((x.round(), top), (1.0, bottom - top), ink, opacity);
    }

    /// A level line, sharp on whole pixels.
    pub fn level(&mut self, y: f32, (left, right): (f32, f32), ink: Colour, opacity: f32) {
        self.rect((left, y.round()), (right - left, 1.0), ink, opacity);
    }

    /// A line through points.
    pub fn line(&mut self, points: &[(f32, f32)], width: f32, ink: Colour, opacity: f32) {
        if let Some(path) = path(points) {
            let stroke = Stroke { width, line_join: tiny_skia::LineJoin::Round, ..Stroke::default() };
            self.pixmap.stroke_path(&path, &paint(ink, opacity), &stroke, Transform::identity(), None);
        }
    }

    /// The area inside points.
    pub fn area(&mut self, points: &[(f32, f32)], ink: Colour, opacity: f32) {
        if let Some(path) = path(points) {
            self.fill(&path, ink, opacity);
        }
    }

    /// A filled circle.
    pub fn dot(&mut self, (x, y): (f32, f32), radius: f32, ink: Colour, opacity: f32) {
        if let Some(path) = PathBuilder::from_circle(x, y, radius) {
            self.fill(&path, ink, opacity);
        }
    }

    /// An x, as cymbals are written.
    pub fn cross(&mut self, (x, y): (f32, f32), r: f32, ink: Colour, opacity: f32) {
        self.line(&[(x - r, y - r), (x + r, y + r)], 1.4, ink, opacity);
        self.line(&[(x - r, y + r), (x + r, y - r)], 1.4, ink, opacity);
    }

    fn fill(&mut self, path: &Path, ink: Colour, opacity: f32) {
        self.pixmap.fill_path(path, &paint(ink, opacity), FillRule::Winding, Transform::identity(), None);
    }

    /// Width of a text.
    pub fn text_width(&self, size: f32, text: &str) -> f32 {
        text.chars()
            .filter_map(|c| glyph(&self.fonts, c))
            .map(|(font, id)| font.as_scaled(size).h_advance(id))
            .sum()
    }

    /// A text on a baseline, cut off with an ellipsis where it is wider than `room`.
    pub fn text(&mut self, (x, baseline): (f32, f32), size: f32, room: f32, text: &str, ink: Colour) {
        let mut shown = text.to_owned();
        while self.text_width(size, &shown) > room && shown.pop().is_some() {
            shown.truncate(shown.trim_end_matches(['…', ' ']).len());
            if shown.pop().is_none() {
                return;
            }
            shown.push('…');
        }
        let scale = PxScale::from(size);
        let mut pen = x;
        for c in shown.chars() {
            let Some((font, id)) = glyph(&self.fonts, c) else { continue };
            let glyph = id.with_scale_and_position(scale, point(pen, baseline));
            pen += font.as_scaled(scale).h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            let (width, height) = (self.pixmap.width(), self.pixmap.height());
            let pixels = self.pixmap.data_mut();
            outline.draw(|dx, dy, cover| {
                let (px, py) = (corner.x + dx as f32, corner.y + dy as f32);
                if px < 0.0 || py < 0.0 || px >= width as f32 || py >= height as f32 {
                    return;
                }
                let index = 4 * (py as usize * width as usize + px as usize);
                // Light type on white looks thinner than it is.
                let cover = cover.clamp(0.0, 1.0).powf(0.7);
                for (pixel, ink) in pixels[index..index + 3].iter_mut().zip(ink) {
                    *pixel = (f32::from(*pixel) * (1.0 - cover) + f32::from(ink) * cover).round() as u8;
                }
            });
        }
    }

    /// A text that ends at `x`.
    pub fn text_ending(&mut self, (x, baseline): (f32, f32), size: f32, text: &str, ink: Colour) {
        let width = self.text_width(size, text);
        self.text((x - width, baseline), size, width + 1.0, text, ink);
    }
}

/// The first font that has a character, and the glyph; a dot stands for what none has.
fn glyph<'a>(fonts: &'a [FontRef<'static>], c: char) -> Option<(&'a FontRef<'static>, GlyphId)> {
    let find = |c| fonts.iter().map(|font| (font, font.glyph_id(c))).find(|(_, id)| id.0 != 0);
    find(c).or_else(|| find('·'))
}

fn path(points: &[(f32, f32)]) -> Option<Path> {
    let mut builder = PathBuilder::with_capacity(points.len(), points.len());
    let (first, rest) = points.split_first()?;
    builder.move_to(first.0, first.1);
    for (x, y) in rest {
        builder.line_to(*x, *y);
    }
    builder.finish()
}

fn colour([red, green, blue]: Colour, opacity: f32) -> Color {
    let alpha = (opacity.clamp(0.0, 1.0) * 255.0).round() as u8;
    Color::from_rgba8(red, green, blue, alpha)
}

fn paint(ink: Colour, opacity: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(colour(ink, opacity));
    paint
}
