//! The rows at the bottom: settings, and the actions with health and zoom.

use std::path::PathBuf;

use egui::{Align2, Id, Popup, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use nice_plug::prelude::BoolParam;

use super::control::{self, Look};
use super::files::Purpose;
use super::hand::Hand;
use super::layout;
use super::theme::{self, DIM, PANEL, ROUND, TEXT, VOICE};
use crate::params::{CollavoceParams, ModeChoice};
use crate::view::{HealthView, State, View};

/// Width of the row from which bar 1 and the end have buttons, in points.
const ANCHORS_ROOM: f32 = 830.0;
/// Between rows of settings, in points.
const ROW_GAP: f32 = 4.0;

/// Which settings are seen where there is room for one row only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Page {
    #[default]
    Following,
    Music,
    Song,
}

/// What a press at the bottom asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    Open(Purpose),
    Clear,
    Zoom(f32),
    Help,
    MeasureRoundTrip,
}

/// The settings.
pub(super) fn settings(
    ui: &Ui,
    hand: &Hand<'_>,
    rect: Rect,
    rows: usize,
    page: &mut Page,
    params: &CollavoceParams,
) -> Option<Wish> {
    let show = |page: Page, row: Rect| match page {
        Page::Following => following(ui, hand, row, params),
        Page::Music => {
            music(ui, hand, row, params);
            None
        }
        Page::Song => {
            song(ui, hand, row, params);
            None
        }
    };
    if rows == Page::ALL.len() {
        let step = (rect.height() + ROW_GAP) / rows as f32;
        let first = rect.with_max_y(rect.top() + step - ROW_GAP);
        let mut wish = None;
        for (index, page) in Page::ALL.into_iter().enumerate() {
            wish = show(page, first.translate(vec2(0.0, step * index as f32))).or(wish);
        }
        return wish;
    }
    let (row, more) = rect.split_left_right_at_x(rect.right() - 50.0);
    let wish = show(*page, row);
    let hint = "The other settings: following, music, song (key M)";
    let cell = more.with_min_x(more.left() + layout::GAP);
    if control::button(ui, cell, "more", "More settings", hint, Look::PLAIN).clicked() {
        *page = page.next();
    }
    wish
}

impl Page {
    /// All of them, in order.
    const ALL: [Self; 3] = [Self::Following, Self::Music, Self::Song];

    /// The one after it; after the last comes the first.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Following => Self::Music,
            Self::Music => Self::Song,
            Self::Song => Self::Following,
        }
    }
}

/// How the singer is heard and followed.
fn following(ui: &Ui, hand: &Hand<'_>, row: Rect, params: &CollavoceParams) -> Option<Wish> {
    let [rubato, energy, stop, daring, ahead, trip, measure, speakers, isolate] =
        layout::cells(row, [1.0, 1.7, 1.1, 0.9, 1.0, 1.0, 0.8, 0.9, 0.9]);
    let hint = "How far the band goes with your time: 0 is a rigid grid, 100 follows every breath";
    let _ = control::slider(ui, hand, rubato, &params.rubato, "Rubato", VOICE, hint);
    let [level, follow] = layout::cells(energy, [1.0, 1.0]);
    let colour = if hand.is_on(&params.energy_follow) { DIM } else { VOICE };
    let hint = "How full the band plays where it does not follow you";
    let _ = control::slider(ui, hand, level, &params.energy, "Energy", colour, hint);
    let hint = "The band's energy follows the singer";
    let _ = control::switch(ui, hand, follow, &params.energy_follow, "follow", VOICE, hint);
    let hint = "What the band does when you stop for long";
    let _ = control::choice(ui, hand, stop, &params.when_i_stop, "When I stop", hint);
    let hint =
        "How soon the band believes what it hears: a shy one keeps to simple patterns until it is sure";
    let _ = control::slider(ui, hand, daring, &params.daring, "Daring", VOICE, hint);
    let hint = "Delays voice and band so that the live band has time to decide; the host restarts the plugin";
    let _ = control::choice(ui, hand, ahead, &params.lookahead, "Lookahead", hint);
    let hint = "Round trip of your monitoring: the band plays so much earlier";
    let _ = control::slider(ui, hand, trip, &params.round_trip, "Round trip", VOICE, hint);
    let hint = "Plays three clicks, listens for them and sets the round trip; a microphone must hear the speakers, \
                or a cable lead from output to input";
    let name = "Measure round trip";
    let wants =
        control::button(ui, measure, "measure", name, hint, Look { size: 12.5, ..Look::PLAIN }).clicked();
    let hint = "The band comes from speakers that your microphone hears: it is taken out of your voice";
    let _ = control::switch(ui, hand, speakers, &params.speakers, "Speakers", VOICE, hint);
    let hint = "A rough demo: your voice is taken out of what it is sung with before it is followed, which says chords and \
                beat; auto does so where it hears a mix. The band decides 50 ms earlier then; the sound passes as it is";
    let _ = control::choice(ui, hand, isolate, &params.isolate, "Isolate", hint);
    wants.then_some(Wish::MeasureRoundTrip)
}

/// What the band plays, and how it sounds.
fn music(ui: &Ui, hand: &Hand<'_>, row: Rect, params: &CollavoceParams) {
    let [style, feel, harmony, composer, take, players, sounds, tone, seed] =
        layout::cells(row, [0.8, 0.9, 1.1, 0.9, 0.9, 0.8, 0.9, 1.3, 0.7]);
    let _ = control::choice(ui, hand, style, &params.style, "Style", "Harmony and patterns");
    let hint = "How the beat is divided and where the back-beat falls";
    let _ = control::choice(ui, hand, feel, &params.feel, "Feel", hint);
    let hint = "Whose chords the network finds: the style's, folk, tin pan alley, art songs or chorales";
    let _ = control::choice(ui, hand, harmony, &params.harmony, "Harmony", hint);
    let hint = "Who finds the chords: a network that learnt them from songs, or rules";
    let _ = control::choice(ui, hand, composer, &params.composer, "Composer", hint);
    let hint = "Another take of the chords: other ones that would do";
    let _ = control::slider(ui, hand, take, &params.chord_take, "Chord take", VOICE, hint);
    let hint = "Who writes the parts: a network that learnt from drummers, quartets and songs, or rules";
    let _ = control::choice(ui, hand, players, &params.players, "Players", hint);
    let hint = "Built-in instruments, or a SoundFont: the one that you load (L), else the one that is installed; the host \
                restarts the plugin";
    let _ = control::choice(ui, hand, sounds, &params.sounds, "Sounds", hint);
    let hint = "Which guitar, bass and kit the built-in band has, and where everybody stands; the live band takes it up at the \
                next start";
    let _ = control::choice(ui, hand, tone, &params.tone, "Tone", hint);
    let hint = "Seed of everything that is chosen: another number, another band";
    let _ = control::slider(ui, hand, seed, &params.seed, "Seed", VOICE, hint);
}

/// What is known of the song, and what goes out.
fn song(ui: &Ui, hand: &Hand<'_>, row: Rect, params: &CollavoceParams) {
    let [meter, key, bpm, count, out, voice, rendering, offset, bypass] =
        layout::cells(row, [0.9, 1.0, 0.9, 0.8, 1.1, 0.9, 0.9, 1.0, 0.8]);
    let hint = "Auto takes the host's if the host leads, else what is found";
    let _ = control::choice(ui, hand, meter, &params.meter, "Set metre", hint);
    let _ = control::choice(ui, hand, key, &params.key, "Set key", "Auto takes what is found");
    let hint = "Beat level and starting tempo; 0 takes what is found";
    let _ = control::slider(ui, hand, bpm, &params.bpm, "Set tempo", VOICE, hint);
    let hint = "Bars that the live band counts in at the set tempo, from when the transport starts";
    let _ = control::slider(ui, hand, count, &params.count_in, "Count-in", VOICE, hint);
    let hint = "What the main output carries; the parts have outputs of their own";
    let _ = control::choice(ui, hand, out, &params.main_out, "Main output", hint);
    let hint = "Level of the voice in the main output";
    let _ = control::slider(ui, hand, voice, &params.voice_level, "Voice level", VOICE, hint);
    let hint = "On lets a render wait for the work, for hosts that bounce without saying so";
    let _ = control::choice(ui, hand, rendering, &params.rendering, "Rendering", hint);
    let hint = "Moves the song on the host's timeline";
    let _ = control::slider(ui, hand, offset, &params.song_offset, "Song offset", VOICE, hint);
    let hint = "Passes the voice through, delayed by the reported latency";
    let _ = control::switch(ui, hand, bypass, &params.bypass, "Bypass", theme::WARN, hint);
}

/// Capture, Load, Export and Clear, health, zoom. `sure_to_clear` holds whether Clear was pressed once.
pub(super) fn footer(
    ui: &Ui,
    hand: &Hand<'_>,
    rect: Rect,
    params: &CollavoceParams,
    view: &View,
    zoom: f32,
    sure_to_clear: &mut bool,
) -> Option<Wish> {
    let mut wish = None;
    let cell = |left: f32, width: f32| {
        Rect::from_min_size(pos2(rect.left() + left, rect.top()), vec2(width, rect.height()))
    };
    capture(ui, hand, cell(0.0, 118.0), params, view);
    let hint = "Load a recording, a chord chart or a saved song (key L)";
    if control::button(ui, cell(124.0, 74.0), "Load  L", "Load", hint, Look::PLAIN).clicked() {
        wish = Some(Wish::Open(Purpose::Load));
    }
    let look = Look { enabled: view.has_song, ..Look::PLAIN };
    let hint = if view.has_song {
        "MIDI, stems and lead sheet into a folder (key E)"
    } else {
        "There is no song yet"
    };
    if control::button(ui, cell(204.0, 82.0), "Export  E", "Export", hint, look).clicked() && view.has_song {
        wish = Some(Wish::Open(Purpose::Export));
    }
    clear(ui, cell(292.0, 66.0), view, sure_to_clear, &mut wish);
    // Small windows leave them to the note input.
    if rect.width() >= ANCHORS_ROOM {
        let is_live = params.mode.value() == ModeChoice::Live;
        let hint = "A bar begins now: bar 1 before the band plays (note C#2 on the plugin's input)";
        momentary(ui, hand, cell(364.0, 74.0), &params.bar_one, ("Bar 1 here", hint), is_live);
        let hint = "The band ends with the next bar (note D2 on the plugin's input)";
        momentary(ui, hand, cell(444.0, 74.0), &params.end_here, ("End here", hint), is_live);
    }
    if view.captured_s.0 > 0.0 || view.state == State::Capturing {
        let words = format!("{} of {}", clock(view.captured_s.0), clock(view.captured_s.1));
        let left = if rect.width() >= ANCHORS_ROOM { 526.0 } else { 366.0 };
        let rest = cell(left, (rect.width() - left - 294.0).max(0.0));
        theme::fitted(ui.painter(), rest, Align2::LEFT_CENTER, &words, 13.5, DIM);
    }
    let zoom_cell = Rect::from_min_max(pos2(rect.right() - 86.0, rect.top()), rect.max - vec2(18.0, 0.0));
    let help_cell = Rect::from_min_max(
        pos2(zoom_cell.left() - 34.0, rect.top()),
        pos2(zoom_cell.left() - 6.0, rect.bottom()),
    );
    let health_cell = Rect::from_min_max(
        pos2(help_cell.left() - 166.0, rect.top()),
        pos2(help_cell.left() - 6.0, rect.bottom()),
    );
    health(ui, health_cell, &view.health);
    if control::button(ui, help_cell, "?", "Keys", "What the keys do", Look::PLAIN).clicked() {
        wish = Some(Wish::Help);
    }
    if let Some(wanted) = zoom_list(ui, zoom_cell, zoom) {
        wish = Some(Wish::Zoom(wanted));
    }
    wish
}

/// A switch that is on as long as it is pressed.
fn momentary(
    ui: &Ui,
    hand: &Hand<'_>,
    rect: Rect,
    param: &BoolParam,
    (words, hint): (&str, &str),
    enabled: bool,
) {
    let look = Look { enabled, ..Look::PLAIN };
    let response = control::button(ui, rect, words, words, hint, look);
    let wanted = enabled && (response.is_pointer_button_down_on() || response.clicked());
    if wanted != hand.is_on(param) {
        hand.toggle(param);
    }
}

fn capture(ui: &Ui, hand: &Hand<'_>, rect: Rect, params: &CollavoceParams, view: &View) {
    let is_on = hand.is_on(&params.capture);
    let words = if is_on { "Stop  C" } else { "Capture  C" };
    let look = Look { colour: is_on.then_some(theme::ALARM), ..Look::PLAIN };
    let hint = "Record the song as it is sung, from beginning to end (key C)";
    let response = control::button(ui, rect, "", "Capture", hint, look);
    let lamp = pos2(rect.left() + 16.0, rect.center().y);
    if is_on {
        // A square stops, a dot records.
        let square = Rect::from_center_size(lamp, vec2(9.0, 9.0));
        ui.painter().rect_filled(square, 1.0, theme::ALARM);
    } else {
        ui.painter().circle_filled(lamp, 5.0, theme::ALARM);
    }
    let rest = rect.with_min_x(rect.left() + 28.0);
    theme::fitted(ui.painter(), rest, Align2::LEFT_CENTER, words, 14.5, TEXT);
    if is_on && view.captured_s.1 > 0.0 {
        super::top::progress(ui, rect.shrink2(vec2(6.0, 6.0)), view.captured_s.0 / view.captured_s.1);
    }
    if response.clicked() {
        hand.toggle(&params.capture);
    }
}

fn clear(ui: &Ui, rect: Rect, view: &View, sure: &mut bool, wish: &mut Option<Wish>) {
    let can = view.has_song;
    *sure &= can;
    let colour = sure.then_some(theme::ALARM);
    let words = if *sure { "Sure?" } else { "Clear" };
    let hint = if *sure { "Press again to forget the song" } else { "Forget the song" };
    let response =
        control::button(ui, rect, words, "Clear", hint, Look { colour, enabled: can, ..Look::PLAIN });
    if can && response.clicked() {
        if *sure {
            *wish = Some(Wish::Clear);
        }
        *sure = !*sure;
    } else if response.clicked_elsewhere() {
        *sure = false;
    }
}

/// Minutes and seconds.
fn clock(seconds: f32) -> String {
    let whole = seconds.max(0.0) as u32;
    format!("{}:{:02}", whole / 60, whole % 60)
}

/// What went wrong, in words; nothing if nothing did.
fn health_words(health: &HealthView) -> Vec<String> {
    let count =
        |n: u64, one: &str, many: &str| (n > 0).then(|| format!("{n} {}", if n == 1 { one } else { many }));
    [
        count(health.late_follow, "beat came late", "beats came late"),
        count(health.late_plan, "bar came late", "bars came late"),
        count(health.dropped, "sample of the voice was lost", "samples of the voice were lost"),
        count(health.overruns, "block came faster than real time", "blocks came faster than real time"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn health(ui: &Ui, rect: Rect, health: &HealthView) {
    let wrongs = health_words(health);
    let painter = ui.painter();
    painter.rect_filled(rect, ROUND, PANEL);
    let centre = pos2(rect.left() + 14.0, rect.center().y);
    let words = match wrongs.as_slice() {
        [] => {
            let points = [vec2(-4.5, 0.0), vec2(-1.5, 3.5), vec2(4.5, -4.0)].map(|d| centre + d);
            painter.line_segment([points[0], points[1]], Stroke::new(2.0, theme::GOOD));
            painter.line_segment([points[1], points[2]], Stroke::new(2.0, theme::GOOD));
            "Health: good".to_owned()
        }
        [first, rest @ ..] => {
            let points = [vec2(0.0, -6.0), vec2(6.0, 5.0), vec2(-6.0, 5.0)].map(|d| centre + d).to_vec();
            painter.add(egui::Shape::closed_line(points, Stroke::new(1.5, theme::WARN)));
            painter.vline(centre.x, centre.y - 2.0..=centre.y + 1.0, Stroke::new(1.5, theme::WARN));
            painter.circle_filled(centre + vec2(0.0, 3.0), 0.9, theme::WARN);
            if rest.is_empty() { first.clone() } else { format!("{first} …") }
        }
    };
    let room = rect.with_min_x(rect.left() + 25.0).with_max_x(rect.right() - 4.0);
    theme::fitted(
        painter,
        room,
        Align2::LEFT_CENTER,
        &words,
        13.0,
        if wrongs.is_empty() { DIM } else { TEXT },
    );
    let response =
        ui.interact(rect, Id::unique("health"), Sense::focusable_noninteractive() | Sense::hover());
    control::focus_ring(ui, &response);
    let all = if wrongs.is_empty() { "Health: nothing went wrong".to_owned() } else { wrongs.join("\n") };
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &all));
    let _ = response.on_hover_text(all);
}

fn zoom_list(ui: &Ui, rect: Rect, zoom: f32) -> Option<f32> {
    let words = format!("{:.0} %", 100.0 * zoom);
    let response =
        control::button(ui, rect, &words, "Zoom", "Size of everything (keys + and -)", Look::PLAIN);
    let mut wanted = None;
    Popup::menu(&response).gap(3.0).width(80.0).show(|ui| {
        for choice in super::place::ZOOMS {
            let is_taken = (choice - zoom).abs() < 0.01;
            if ui.selectable_label(is_taken, format!("{:.0} %", 100.0 * choice)).clicked() {
                wanted = Some(choice);
                ui.close();
            }
        }
    });
    wanted
}

/// The folder where the dialog opens.
pub(super) fn start_folder(last: Option<&PathBuf>) -> Option<PathBuf> {
    last.cloned().or_else(super::files::home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_on_a_clock() {
        assert_eq!([0.0, 9.9, 61.0, 600.0].map(clock), ["0:00", "0:09", "1:01", "10:00"]);
    }

    #[test]
    fn health_counts_in_words() {
        assert!(health_words(&HealthView::default()).is_empty());
        let health = HealthView { late_follow: 1, late_plan: 3, ..HealthView::default() };
        assert_eq!(health_words(&health), ["1 beat came late", "3 bars came late"]);
    }
}
