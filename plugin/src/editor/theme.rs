//! Colours, fonts and lettering of the editor.

use std::sync::Arc;

use egui::{
    self, Align2, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Painter, Pos2, Rect,
    Stroke, StrokeKind, pos2, vec2,
};

pub(super) const BACKGROUND: Color32 = Color32::from_rgb(0x13, 0x16, 0x1a);
pub(super) const PANEL: Color32 = Color32::from_rgb(0x1c, 0x20, 0x26);
pub(super) const RAISED: Color32 = Color32::from_rgb(0x29, 0x2f, 0x37);
pub(super) const HOVERED: Color32 = Color32::from_rgb(0x34, 0x3c, 0x46);
pub(super) const LINE: Color32 = Color32::from_rgb(0x3a, 0x42, 0x4c);
pub(super) const TEXT: Color32 = Color32::from_rgb(0xee, 0xf1, 0xf4);
pub(super) const DIM: Color32 = Color32::from_rgb(0xa8, 0xb1, 0xbc);
/// What may still change.
pub(super) const GUESS: Color32 = Color32::from_rgb(0x84, 0x8d, 0x98);
pub(super) const VOICE: Color32 = Color32::from_rgb(0x6c, 0xb6, 0xf5);
pub(super) const ALARM: Color32 = Color32::from_rgb(0xff, 0x7b, 0x72);
pub(super) const WARN: Color32 = Color32::from_rgb(0xf2, 0xc1, 0x4e);
pub(super) const GOOD: Color32 = Color32::from_rgb(0x7c, 0xd6, 0x92);
/// Guitar, drums, strings, bass.
pub(super) const PARTS: [Color32; 4] = [
    Color32::from_rgb(0x35, 0xc9, 0xa5),
    Color32::from_rgb(0xc3, 0xc9, 0xd1),
    Color32::from_rgb(0xea, 0x8f, 0xc6),
    Color32::from_rgb(0xf5, 0x98, 0x4e),
];

pub(super) const ROUND: CornerRadius = CornerRadius::same(5);

/// Fonts and style of everything that egui draws itself.
pub(super) fn dress(context: &egui::Context) {
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in
        [("text", epaint_default_fonts::UBUNTU_LIGHT), ("signs", epaint_default_fonts::HACK_REGULAR)]
    {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let both = vec!["text".to_owned(), "signs".to_owned()];
    fonts.families.insert(FontFamily::Proportional, both.clone());
    fonts.families.insert(FontFamily::Monospace, both);
    context.set_fonts(fonts);
    context.set_theme(egui::Theme::Dark);
    context.all_styles_mut(|style| {
        // Everything is still unless the music moves.
        style.animation_time = 0.0;
        style.interaction.selectable_labels = false;
        style.spacing.item_spacing = vec2(6.0, 4.0);
        style.spacing.button_padding = vec2(9.0, 4.0);
        style.spacing.scroll = egui::style::ScrollStyle::solid();
        for (text, size) in [
            (egui::TextStyle::Body, 14.0),
            (egui::TextStyle::Button, 14.0),
            (egui::TextStyle::Small, 12.0),
            (egui::TextStyle::Heading, 18.0),
            (egui::TextStyle::Monospace, 13.0),
        ] {
            style.text_styles.insert(text, FontId::proportional(size));
        }
        let visuals = &mut style.visuals;
        visuals.override_text_color = Some(TEXT);
        visuals.panel_fill = BACKGROUND;
        visuals.window_fill = PANEL;
        visuals.window_stroke = Stroke::new(1.0, LINE);
        visuals.extreme_bg_color = BACKGROUND;
        visuals.selection.bg_fill = VOICE.gamma_multiply(0.35);
        visuals.selection.stroke = Stroke::new(1.5, VOICE);
        visuals.widgets.inactive.weak_bg_fill = RAISED;
        visuals.widgets.inactive.bg_fill = RAISED;
        visuals.widgets.hovered.weak_bg_fill = HOVERED;
        visuals.widgets.hovered.bg_fill = HOVERED;
        visuals.widgets.active.weak_bg_fill = HOVERED;
        visuals.widgets.open.weak_bg_fill = HOVERED;
    });
}

/// Words at a place.
pub(super) fn text(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    words: impl ToString,
    size: f32,
    colour: Color32,
) -> Rect {
    painter.text(at, anchor, words, FontId::proportional(size), colour)
}

/// Words at a place in a heavier hand, to be read from afar.
pub(super) fn strong(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    words: &str,
    size: f32,
    colour: Color32,
) -> Rect {
    // Letters stand on whole pixels: by less than one they would look heavier here and there only.
    let pixels = painter.pixels_per_point();
    let shift = (size / 40.0 * pixels).round().max(1.0) / pixels;
    text(painter, at + vec2(shift, 0.0), anchor, words, size, colour);
    text(painter, at, anchor, words, size, colour)
}

/// Width of words.
pub(super) fn width(painter: &Painter, words: &str, size: f32) -> f32 {
    painter.layout_no_wrap(words.to_owned(), FontId::proportional(size), TEXT).size().x
}

/// Words that fit into a width: smaller letters down to a size, then fewer of them and an ellipsis.
pub(super) fn fit(painter: &Painter, words: &str, size: f32, smallest: f32, room: f32) -> (String, f32) {
    fit_by(&|words, size| width(painter, words, size), words, size, smallest, room)
}

fn fit_by(
    width: &dyn Fn(&str, f32) -> f32,
    words: &str,
    size: f32,
    smallest: f32,
    room: f32,
) -> (String, f32) {
    let whole = width(words, size);
    if whole <= room {
        return (words.to_owned(), size);
    }
    let smaller = (size * room / whole).max(smallest).min(size);
    let mut kept = words.to_owned();
    let mut shown = kept.clone();
    while width(&shown, smaller) > room + 0.5 && kept.pop().is_some() {
        shown = format!("{}…", kept.trim_end());
    }
    (if kept.is_empty() { String::new() } else { shown }, smaller)
}

/// Words in a rectangle, cut to fit.
pub(super) fn fitted(painter: &Painter, rect: Rect, anchor: Align2, words: &str, size: f32, colour: Color32) {
    let (words, size) = fit(painter, words, size, (size * 0.8).max(10.0).min(size), rect.width());
    text(painter, anchor.pos_in_rect(&rect), anchor, words, size, colour);
}

/// A rounded outline.
pub(super) fn outline(painter: &Painter, rect: Rect, stroke: Stroke) {
    painter.rect_stroke(rect, ROUND, stroke, StrokeKind::Inside);
}

/// A triangle that points left (-1) or right (1).
pub(super) fn arrow(painter: &Painter, centre: Pos2, size: f32, direction: f32, colour: Color32) {
    let (w, h) = (size * 0.5 * direction, size * 0.6);
    let points = vec![
        pos2(centre.x + w, centre.y),
        pos2(centre.x - w, centre.y - h),
        pos2(centre.x - w, centre.y + h),
    ];
    painter.add(egui::Shape::convex_polygon(points, colour, Stroke::NONE));
}

/// A triangle that points down: a list opens here.
pub(super) fn drop_sign(painter: &Painter, centre: Pos2, colour: Color32) {
    let points = vec![centre + vec2(-3.5, -2.0), centre + vec2(3.5, -2.0), centre + vec2(0.0, 2.5)];
    painter.add(egui::Shape::convex_polygon(points, colour, Stroke::NONE));
}

/// A colour nearer to the background.
pub(super) fn faint(colour: Color32, strength: f32) -> Color32 {
    let mix = |a: u8, b: u8| (f32::from(b) + (f32::from(a) - f32::from(b)) * strength.clamp(0.0, 1.0)) as u8;
    Color32::from_rgb(mix(colour.r(), PANEL.r()), mix(colour.g(), PANEL.g()), mix(colour.b(), PANEL.b()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast of two colours as the Web Content Accessibility Guidelines 2.1 define it.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let channel = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let light = |c: Color32| 0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b());
        let (x, y) = (light(a) + 0.05, light(b) + 0.05);
        if x > y { x / y } else { y / x }
    }

    #[test]
    fn everything_that_is_read_stands_out() {
        for ground in [BACKGROUND, PANEL] {
            for colour in [TEXT, DIM, GUESS, VOICE, ALARM, WARN, GOOD].iter().chain(&PARTS) {
                assert!(contrast(*colour, ground) >= 4.5, "{colour:?} on {ground:?}");
            }
        }
        assert!(contrast(DIM, RAISED) >= 4.5 && contrast(TEXT, HOVERED) >= 7.0);
    }

    #[test]
    fn words_shrink_and_then_are_cut() {
        let width = |words: &str, size: f32| words.chars().count() as f32 * size;
        assert_eq!(fit_by(&width, "abc", 10.0, 8.0, 30.0), ("abc".to_owned(), 10.0));
        assert_eq!(fit_by(&width, "abc", 10.0, 8.0, 27.0), ("abc".to_owned(), 9.0));
        assert_eq!(fit_by(&width, "abcdef", 10.0, 8.0, 32.0), ("abc…".to_owned(), 8.0));
        assert_eq!(fit_by(&width, "abc", 10.0, 8.0, 3.0).0, "");
    }
}
