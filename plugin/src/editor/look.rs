//! Looking elsewhere in the song than where it stands: by dragging, by the wheel, or by the arrow keys.

use egui::{EventFilter, Id, Key, Pos2, Rect, Role, Sense, Ui, WidgetInfo};

use super::control;
use super::layout::{self, Axis};
use crate::view::View;

/// How far from now the window looks. While the song plays it looks at now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LooksAway {
    by_s: f64,
    now_s: f64,
}

impl LooksAway {
    /// Takes what mouse and keyboard ask for; seconds by which the axis is moved, and where it was clicked.
    pub(super) fn by(&mut self, ui: &Ui, rect: Rect, axis: &Axis, view: &View) -> (f64, Option<Pos2>) {
        let response = ui.interact(rect, Id::unique("bars"), Sense::click_and_drag());
        let seconds_a_point = (axis.end_s - axis.start_s) / f64::from(rect.width()).max(1.0);
        let mut by_s = self.by_s;
        if response.dragged() {
            by_s -= f64::from(response.drag_delta().x) * seconds_a_point;
        }
        if response.hovered() {
            let wheel = ui.input(|input| input.smooth_scroll_delta());
            by_s -= f64::from(wheel.x + wheel.y) * seconds_a_point;
        }
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
            let pressed = |key| ui.input(|input| input.key_pressed(key));
            let bar_s = layout::bar_length(&view.bars);
            by_s += bar_s * f64::from(i8::from(pressed(Key::ArrowRight)) - i8::from(pressed(Key::ArrowLeft)));
            if pressed(Key::Home) {
                by_s = 0.0;
            }
        }
        if response.double_clicked() {
            by_s = 0.0;
        }
        self.moved(by_s, view);
        control::focus_ring(ui, &response);
        let words = spoken(view);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
        (self.by_s, response.interact_pointer_pos().filter(|_| response.clicked()))
    }

    fn moved(&mut self, by_s: f64, view: &View) {
        let is_running = view.now_s != self.now_s;
        self.now_s = view.now_s;
        let (Some(first), Some(last)) = (view.bars.first(), view.bars.last()) else {
            self.by_s = 0.0;
            return;
        };
        let (least, most) = (first.start_s - view.now_s, last.start_s - view.now_s);
        self.by_s = if is_running || least > most { 0.0 } else { by_s.clamp(least.min(0.0), most.max(0.0)) };
    }
}

/// The bar of now and the chord that follows, for those who do not see them.
fn spoken(view: &View) -> String {
    let (chord, next) = layout::chords_around(&view.bars, view.now_s);
    let bar = layout::bar_at(&view.bars, view.now_s).map(|(index, _)| &view.bars[index]);
    let mut words = match bar {
        Some(bar) if bar.section.is_empty() => format!("Bar {}", bar.number),
        Some(bar) => format!("Bar {}, section {}", bar.number, bar.section),
        None => "No bar yet".to_owned(),
    };
    if let Some(chord) = chord {
        words.push_str(&format!(", chord {chord}"));
    }
    if let Some((next, _, is_guess)) = next {
        words.push_str(&format!(", then {}{next}", if is_guess { "perhaps " } else { "" }));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::BarView;
    use std::sync::Arc;

    fn view(now_s: f64) -> View {
        let bar = |n: i32| BarView {
            number: n,
            start_s: 2.0 * f64::from(n),
            end_s: 2.0 * f64::from(n) + 2.0,
            chords: vec![(2.0 * f64::from(n), format!("C{n}"))],
            section: "A".to_owned(),
            ..BarView::default()
        };
        View { now_s, bars: Arc::new((0..5).map(bar).collect()), ..View::default() }
    }

    #[test]
    fn it_stays_within_the_song_and_comes_back_when_it_plays() {
        let mut look = LooksAway { by_s: 0.0, now_s: 4.0 };
        look.moved(1.5, &view(4.0));
        assert_eq!(look.by_s, 1.5);
        look.moved(99.0, &view(4.0));
        assert_eq!(look.by_s, 4.0);
        look.moved(-99.0, &view(4.0));
        assert_eq!(look.by_s, -4.0);
        look.moved(-4.0, &view(4.03));
        assert_eq!(look.by_s, 0.0);
        look.moved(3.0, &View::default());
        assert_eq!(look.by_s, 0.0);
    }

    #[test]
    fn bars_are_spoken() {
        assert_eq!(spoken(&view(4.5)), "Bar 2, section A, chord C2, then C3");
        assert_eq!(spoken(&View::default()), "No bar yet");
    }
}
