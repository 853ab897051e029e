//! Size and zoom of the window, kept with the song.

use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use serde::{Deserialize, Serialize};

/// Smallest window in points.
pub const LEAST: (f32, f32) = (720.0, 480.0);
/// Largest window in points.
const MOST: (f32, f32) = (8000.0, 8000.0);
/// Zooms that can be chosen.
pub const ZOOMS: [f32; 7] = [0.75, 0.9, 1.0, 1.25, 1.5, 1.75, 2.0];

/// Size and zoom.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Width in points: pixels divided by zoom and by the scale of the screen.
    pub width: f32,
    /// Height in points.
    pub height: f32,
    /// Zoom on top of the scale of the screen.
    pub zoom: f32,
    /// Scale of the screen, once it is known.
    #[serde(skip, default = "one")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

impl Default for Place {
    fn default() -> Self {
        Self { width: 980.0, height: 640.0, zoom: 1.0, scale: 1.0 }
    }
}

impl Place {
    /// The same, with everything that is out of range brought back into it: a state file may hold anything.
    pub fn sane(self) -> Self {
        let within = |value: f32, least: f32, most: f32, default: f32| {
            if value.is_finite() { value.clamp(least, most) } else { default }
        };
        let zoom = within(self.zoom, ZOOMS[0], ZOOMS[ZOOMS.len() - 1], 1.0);
        // A small window may show few points when zoomed in.
        let default = Self::default();
        Self {
            width: within(self.width, 0.5 * LEAST.0, MOST.0, default.width),
            height: within(self.height, 0.5 * LEAST.1, MOST.1, default.height),
            zoom,
            scale: if self.scale.is_finite() && self.scale > 0.1 { self.scale } else { 1.0 },
        }
    }

    /// The size that the host is told, in its own pixels.
    pub fn native(self) -> NativeSize<u32> {
        let place = self.sane();
        let zoom = f64::from(place.zoom);
        let size = LogicalSize::new(f64::from(place.width) * zoom, f64::from(place.height) * zoom);
        NativeSize::from_size(Size::Logical(size), place.scale)
    }
}

/// The zoom a number of steps from another.
pub fn zoom_step(zoom: f32, steps: i32) -> f32 {
    let nearest =
        (0..ZOOMS.len()).min_by(|a, b| (ZOOMS[*a] - zoom).abs().total_cmp(&(ZOOMS[*b] - zoom).abs()));
    let index = nearest.unwrap_or(2) as i32 + steps;
    ZOOMS[index.clamp(0, ZOOMS.len() as i32 - 1) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_state_is_mended() {
        let broken = Place { width: f32::NAN, height: -3.0, zoom: 900.0, scale: 0.0 };
        assert_eq!(broken.sane(), Place { width: 980.0, height: 240.0, zoom: 2.0, scale: 1.0 });
        assert_eq!(Place::default().sane(), Place::default());
    }

    #[test]
    fn zoom_goes_in_steps() {
        assert_eq!(zoom_step(1.0, 1), 1.25);
        assert_eq!(zoom_step(1.04, -1), 0.9);
        assert_eq!(zoom_step(2.0, 5), 2.0);
        assert_eq!(zoom_step(0.75, -1), 0.75);
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn the_host_is_told_pixels() {
        let native = Place { width: 980.0, height: 640.0, zoom: 1.5, scale: 2.0 }.native();
        assert_eq!((native.width, native.height), (2940, 1920));
    }
}
