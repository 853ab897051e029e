//! The chords of a bar, to be written by hand.

use collavoce::score::{ChordQuality, ChordSymbol};
use collavoce::song::FixedBar;
use egui::{Context, Id, Key, Modal, TextEdit, vec2};

use super::dialog::Outcome;
use super::theme::{ALARM, DIM};
use crate::view::{BarView, Command};

/// The dialog on the screen.
#[derive(Debug)]
pub(super) struct ChordDialog {
    bar: i32,
    typed: String,
    /// Chords of the key, to be chosen without typing.
    usual: Vec<String>,
    takes_focus: bool,
}

impl ChordDialog {
    /// That of a bar, with the chords it has, in a key if there is one.
    pub(super) fn of(bar: &BarView, key: Option<&str>) -> Self {
        let usual = key.and_then(|key| key.parse().ok()).map_or_else(Vec::new, usual);
        Self { bar: bar.number, typed: written(bar), usual, takes_focus: true }
    }

    /// Draws it and takes what is typed.
    pub(super) fn show(&mut self, context: &Context) -> Outcome {
        let mut outcome = Outcome::Open;
        let frame = egui::Frame::window(&context.global_style()).inner_margin(16.0);
        let modal = Modal::new(Id::unique("chords of a bar")).frame(frame).show(context, |ui| {
            ui.set_width(380.0);
            ui.heading(format!("Chords of bar {}", self.bar));
            ui.add_space(4.0);
            ui.horizontal_wrapped(|ui| {
                for chord in &self.usual {
                    if ui.button(chord).clicked() {
                        self.typed.clone_from(chord);
                    }
                }
            });
            let field = TextEdit::singleline(&mut self.typed).desired_width(f32::INFINITY);
            let field = ui.add(field.margin(vec2(6.0, 4.0)));
            if std::mem::take(&mut self.takes_focus) {
                field.request_focus();
            }
            let chords = format!("{}={}", self.bar, self.typed).parse::<FixedBar>();
            match &chords {
                Ok(_) => {
                    ui.colored_label(DIM, "They share the bar evenly: Am, or F . G7 . with dots to hold.")
                }
                Err(error) => ui.colored_label(ALARM, error.to_string()),
            };
            ui.add_space(6.0);
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            ui.horizontal(|ui| {
                let fix = ui.add_enabled(chords.is_ok(), egui::Button::new("Fix"));
                let fix = fix.on_hover_text("These chords stay, the others are found around them");
                if let (true, Ok(chords)) = (fix.clicked() || is_entered, &chords) {
                    outcome = Outcome::Chosen(Command::Fix(chords.clone()));
                }
                let free = ui.button("Find").on_hover_text("The composer finds them");
                if free.clicked() {
                    outcome = Outcome::Chosen(Command::Free(collavoce::score::BarNumber(self.bar)));
                }
                if ui.button("Cancel").clicked() {
                    outcome = Outcome::Cancelled;
                }
            });
        });
        let is_left = outcome == Outcome::Open && modal.should_close();
        if is_left { Outcome::Cancelled } else { outcome }
    }
}

/// The triads of a key, and the seventh chord that leads home.
fn usual(key: collavoce::score::Key) -> Vec<String> {
    let step = |from: usize, to: usize| key.degree(to % 7).above(key.degree(from));
    let triad = |degree: usize| {
        let quality = match (step(degree, degree + 2), step(degree, degree + 4)) {
            (3, 6) => ChordQuality::Diminished,
            (3, _) => ChordQuality::Minor,
            _ => ChordQuality::Major,
        };
        ChordSymbol::new(key.degree(degree), quality)
    };
    let dominant = ChordSymbol::new(key.degree(4), ChordQuality::Seven);
    (0..7).map(triad).chain([dominant]).map(|chord| chord.lead_sheet(key.uses_flats())).collect()
}

/// The chords of a bar as they are typed: on beats, held by dots.
fn written(bar: &BarView) -> String {
    let beats = bar.beats_s.len().max(1);
    let beat_of = |at_s: f64| bar.beats_s.iter().filter(|beat_s| **beat_s <= at_s + 0.01).count().max(1) - 1;
    let mut slots = vec!["."; beats];
    for (at_s, name) in &bar.chords {
        slots[beat_of(*at_s).min(beats - 1)] = name;
    }
    if slots[0] == "." {
        slots[0] = "N.C.";
    }
    // As few signs as say it: every second beat, or the bar's beginning alone.
    let step = (1..=beats).rev().find(|step| {
        beats.is_multiple_of(*step)
            && slots.iter().enumerate().all(|(beat, name)| beat.is_multiple_of(*step) || *name == ".")
    });
    slots.into_iter().step_by(step.unwrap_or(1)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chords_of_a_key_are_offered() {
        let of = |key: &str| usual(key.parse().expect("a key"));
        assert_eq!(of("D major"), ["D", "Em", "F#m", "G", "A", "Bm", "C#dim", "A7"]);
        assert_eq!(of("G minor"), ["Gm", "Adim", "Bb", "Cm", "Dm", "Eb", "F", "D7"]);
    }

    #[test]
    fn chords_are_written_as_they_are_read() {
        let bar = |chords: &[(f64, &str)]| BarView {
            beats_s: vec![0.0, 0.5, 1.0, 1.5],
            chords: chords.iter().map(|(at_s, name)| (*at_s, (*name).to_owned())).collect(),
            ..BarView::default()
        };
        for (chords, words) in [
            (&[(0.0, "C")][..], "C"),
            (&[(0.0, "C"), (1.0, "G7")], "C G7"),
            (&[(0.0, "C"), (1.5, "G7")], "C . . G7"),
            (&[(1.0, "F")], "N.C. F"),
            (&[], "N.C."),
        ] {
            let typed = written(&bar(chords));
            assert_eq!(typed, words);
            assert!(format!("3={typed}").parse::<FixedBar>().is_ok());
        }
        assert_eq!(written(&BarView::default()), "N.C.");
    }
}
