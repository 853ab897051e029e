//! `overview.png`: what was heard and played, in rows like sheet music.

mod layout;
#[cfg(test)]
mod tests;

use super::canvas::{Canvas, Colour};
use crate::engine::Session;
use crate::follow::grid::median_period;
use crate::listen::HOP_S;
use crate::score::{MidiNote, Part, midi_of_hz};
use crate::time::Ticks;
use layout::*;

// The colours of Okabe and Ito, which the colour-blind tell apart, and some greys.
const INK: Colour = [32, 34, 40];
const GREY: Colour = [112, 116, 124];
const PALE: Colour = [150, 156, 166];
const VOICE: Colour = [0, 114, 178];
const WRITTEN: Colour = [230, 159, 0];
const BREATH: Colour = [205, 231, 247];
const PHRASE: Colour = [255, 247, 214];
const DRUMS: Colour = [70, 72, 80];

fn colour_of(part: Part) -> Colour {
    match part {
        Part::Guitar => [0, 158, 115],
        Part::Strings => [190, 95, 150],
        Part::Bass => [213, 94, 0],
        Part::Drums => DRUMS,
    }
}

/// The row of a key of General MIDI's percussion map.
fn drum_row(key: u8) -> usize {
    match key {
        35 | 36 => 4,
        37..=40 => 3,
        41 | 43 | 45 | 47 | 48 | 50 => 2,
        42 | 44 | 46 => 1,
        _ => 0,
    }
}

/// Draws a session as a PNG file; `remark` is also written into the file.
pub(super) fn overview(session: &Session, title: &str, remark: &str) -> Result<Vec<u8>, png::EncodingError> {
    let layout = Layout::new(session);
    let rows = layout.rows.len() as u32;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEADER + rows * layout.height + FOOTER);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.add_text_chunk("Comment".to_owned(), remark.to_owned())?;
    let mut writer = encoder.write_header()?;
    let mut pixels = writer.stream_writer_with_size(1 << 18)?;
    // One row is in memory at a time, however long the song is.
    let mut strip = |height: u32, draw: &dyn Fn(&mut Canvas)| -> Result<(), png::EncodingError> {
        let Some(mut canvas) = Canvas::new(WIDTH, height) else { return Ok(()) };
        draw(&mut canvas);
        Ok(std::io::Write::write_all(&mut pixels, &canvas.rgb().collect::<Vec<u8>>())?)
    };
    strip(HEADER, &|canvas| header(canvas, session, title, remark))?;
    for row in &layout.rows {
        strip(layout.height, &|canvas| Row { session, layout: &layout, span: *row }.draw(canvas))?;
    }
    strip(FOOTER, &|canvas| footer(canvas, &layout))?;
    pixels.finish()?;
    writer.finish()?;
    Ok(file)
}

fn header(canvas: &mut Canvas, session: &Session, title: &str, remark: &str) {
    let score = &session.score;
    let room = WIDTH as f32 - LEFT - RIGHT;
    canvas.text((LEFT, 46.0), 38.0, room, title, INK);
    let (slowest, fastest) = tempo_range(session);
    let notes = session.take.notes.len();
    let facts = format!(
        "Key {}    Metre {}    Tempo {:.0} bpm ({slowest:.0} to {fastest:.0})    Tuning {:+.0} cents    \
         {notes} sung notes in {} phrases    {} bars    {}",
        score.key,
        score.meter,
        60.0 / median_period(&session.take.beats_s),
        session.take.tuning.median_cents(),
        session.take.phrases.len(),
        score.bars - score.lead_in_bars.min(score.bars),
        clock(session.take.duration_s),
    );
    canvas.text((LEFT, 82.0), 22.0, room, &facts, INK);
    canvas.text((LEFT, 110.0), 16.0, room, remark, GREY);
}

fn footer(canvas: &mut Canvas, layout: &Layout) {
    let y = 26.0;
    canvas.level(4.0, (LEFT, WIDTH as f32 - RIGHT), PALE, 0.6);
    let mut x = LEFT;
    let mut entry = |text: &str, mark: &dyn Fn(&mut Canvas, f32)| {
        mark(canvas, x);
        canvas.text((x + 30.0, y + 6.0), 16.0, 400.0, text, INK);
        x += 30.0 + canvas.text_width(16.0, text) + 28.0;
    };
    entry("level of the voice", &|c, x| c.rect((x, y - 5.0), (22.0, 10.0), VOICE, 0.4));
    entry("sung pitch", &|c, x| c.line(&[(x, y + 3.0), (x + 11.0, y - 3.0), (x + 22.0, y)], 2.0, VOICE, 1.0));
    entry("written melody", &|c, x| c.rect((x, y - 5.0), (22.0, 10.0), WRITTEN, 0.5));
    entry("phrase", &|c, x| c.rect((x, y - 7.0), (22.0, 14.0), PHRASE, 1.0));
    entry("breath", &|c, x| c.rect((x, y - 7.0), (22.0, 14.0), BREATH, 1.0));
    for lane in &layout.lanes {
        let ink = colour_of(lane.part);
        entry(lane.part.name(), &|c, x| c.rect((x, y - 4.0), (22.0, 8.0), ink, 0.85));
    }
    let note = "Pitches are read in the singer's tuning. The stronger a mark, the louder the note. An arrow at the \
                edge of the melody stands for a note beyond it. Bars count from the first full sung bar.";
    canvas.text((LEFT, y + 30.0), 14.0, WIDTH as f32 - LEFT - RIGHT, note, GREY);
}

fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

/// One row of the picture.
struct Row<'a> {
    session: &'a Session,
    layout: &'a Layout,
    /// Beginning and end in seconds.
    span: (f64, f64),
}

impl Row<'_> {
    fn draw(&self, canvas: &mut Canvas) {
        self.backgrounds(canvas);
        self.voice_spans(canvas);
        self.pitch_grid(canvas);
        self.bars(canvas);
        self.chords(canvas);
        self.level(canvas);
        self.pitch(canvas);
        for lane in &self.layout.lanes {
            self.lane(canvas, lane);
        }
        self.tempo(canvas);
    }

    fn x(&self, seconds: f64) -> f32 {
        LEFT + ((seconds.clamp(self.span.0, self.span.1) - self.span.0) * self.layout.pixels_per_s) as f32
    }

    fn x_of(&self, at: Ticks) -> f32 {
        self.x(self.session.score.tempo.seconds_at(at))
    }

    /// Left and right of a span that is in the row, at least a little wide.
    fn across(&self, from_s: f64, to_s: f64) -> Option<(f32, f32)> {
        let inside = from_s < self.span.1 && to_s > self.span.0;
        inside.then(|| (self.x(from_s), self.x(to_s).max(self.x(from_s) + 1.0)))
    }

    fn edges(&self) -> (f32, f32) {
        (self.x(self.span.0), self.x(self.span.1))
    }

    /// Paper of the lanes, their names and their lines.
    fn backgrounds(&self, canvas: &mut Canvas) {
        let layout = self.layout;
        let edges = self.edges();
        let width = edges.1 - edges.0;
        canvas.rect((edges.0, LEVEL_TOP), (width, LEVEL_HEIGHT), PALE, 0.12);
        name(canvas, LEVEL_TOP + 0.5 * LEVEL_HEIGHT, "voice", VOICE);
        let pitch_height = layout.pitch_bottom() - PITCH_TOP;
        canvas.rect((edges.0, PITCH_TOP), (width, pitch_height), PALE, 0.12);
        for lane in &layout.lanes {
            canvas.rect((edges.0, lane.top), (width, lane.height), PALE, 0.12);
            name(canvas, lane.top + 0.5 * lane.height, lane.part.name(), colour_of(lane.part));
            if lane.part == Part::Drums {
                for (index, row) in DRUM_ROWS.iter().enumerate() {
                    let y = lane.top + (index as f32 + 0.5) * DRUM_STEP;
                    canvas.text_ending((LEFT - 8.0, y + 4.0), 12.0, row, DRUMS);
                    canvas.level(y, edges, PALE, 0.25);
                }
                continue;
            }
            for midi in (0..=127).step_by(12).map(MidiNote) {
                let y = lane.y(midi) + lane.step;
                if y > lane.top && y < lane.top + lane.height {
                    canvas.level(y, edges, PALE, 0.45);
                    canvas.text_ending((LEFT - 8.0, y + 4.0), 12.0, &midi.to_string(), GREY);
                }
            }
        }
        canvas.rect((edges.0, layout.tempo_top), (width, TEMPO_HEIGHT), PALE, 0.12);
        canvas.text_ending(
            (LEFT - 8.0, layout.tempo_top + 11.0),
            11.0,
            &format!("{:.0}", layout.tempos.1),
            PALE,
        );
        name(canvas, layout.tempo_top + 0.5 * TEMPO_HEIGHT, "bpm", GREY);
        let bottom = layout.tempo_top + TEMPO_HEIGHT;
        canvas.text_ending((LEFT - 8.0, bottom), 11.0, &format!("{:.0}", layout.tempos.0), PALE);
    }

    /// Lines of the semitones, and names of the notes of the key where there is room, the tonic's first.
    fn pitch_grid(&self, canvas: &mut Canvas) {
        let layout = self.layout;
        let key = self.session.score.key;
        let mut taken: Vec<f32> = Vec::new();
        let notes =
            (layout.pitches.0 as i32..=layout.pitches.1 as i32).map(|m| MidiNote::nearest(f64::from(m)));
        let (tonics, others): (Vec<_>, Vec<_>) = notes.partition(|n| n.pitch_class() == key.tonic);
        for note in tonics.iter().chain(&others) {
            let tonic = note.pitch_class() == key.tonic;
            let y = layout.pitch_y(f64::from(note.0));
            canvas.level(y, self.edges(), if tonic { GREY } else { PALE }, if tonic { 0.55 } else { 0.25 });
            let in_scale = key.scale().contains(&note.pitch_class().above(key.tonic));
            if in_scale && taken.iter().all(|other| (other - y).abs() >= 13.0) {
                let text = format!("{}{}", key.name_of(note.pitch_class()), key.octave_of(*note));
                canvas.text_ending((LEFT - 8.0, y + 4.5), 13.0, &text, if tonic { INK } else { GREY });
                taken.push(y);
            }
        }
    }

    /// Shades phrases, and the breath before them.
    fn voice_spans(&self, canvas: &mut Canvas) {
        let bottom = self.layout.pitch_bottom();
        let mut before_s = f64::NEG_INFINITY;
        for phrase in &self.session.take.phrases {
            if let Some((left, right)) = self.across(phrase.start_s, phrase.end_s) {
                canvas.rect((left, PITCH_TOP), (right - left, bottom - PITCH_TOP), PHRASE, 1.0);
            }
            let from_s = before_s.max(phrase.start_s - 0.6);
            if let Some((left, right)) = self.across(from_s, phrase.start_s)
                && phrase.breath_before
            {
                canvas.rect((left, LEVEL_TOP), (right - left, bottom - LEVEL_TOP), BREATH, 1.0);
            }
            before_s = phrase.end_s;
        }
    }

    /// Bar lines, beats, bar numbers and sections.
    fn bars(&self, canvas: &mut Canvas) {
        let score = &self.session.score;
        let bottom = self.layout.tempo_top + TEMPO_HEIGHT;
        let beat = score.meter.beat();
        let pixels = |ticks| score.tempo.seconds_at(Ticks(0) + ticks) * self.layout.pixels_per_s;
        let ends = (pixels(score.end() - Ticks(0)) / f64::from(score.bars.max(1))).max(0.1);
        let (bars_shown, beats_shown) =
            (ends >= CLOSEST, ends / score.meter.beats_per_bar() as f64 >= CLOSEST);
        let (mut label_end, mut number_end) = (0.0f32, 0.0f32);
        for bar in score.all_bars() {
            let start_s = score.tempo.seconds_at(bar.start);
            if start_s < self.span.0 - 1e-6 || start_s >= self.span.1 - 1e-6 {
                continue;
            }
            let x = self.x(start_s);
            if bars_shown {
                canvas.upright(x, (GRID_TOP, bottom), INK, 0.55);
            }
            for index in 1..score.meter.beats_per_bar() as i64 {
                if beats_shown {
                    canvas.upright(self.x_of(bar.start + beat * index), (LEVEL_TOP, bottom), GREY, 0.22);
                }
            }
            let number = bar.number.0.to_string();
            if x > number_end {
                canvas.text((x + 4.0, NUMBER_BASE), 13.0, 60.0, &number, GREY);
                number_end = x + 10.0 + canvas.text_width(13.0, &number);
            }
            let first_in_row = label_end == 0.0;
            if let Some(section) = score.section_of(bar.number)
                && (section.first == bar.number || first_in_row)
                && x >= label_end
            {
                let text = if section.first == bar.number {
                    section.label.clone()
                } else {
                    format!("({})", section.label)
                };
                canvas.text((x + 2.0, SECTION_BASE), 20.0, 400.0, &text, INK);
                let end =
                    self.x_of(score.bar(section.first).start + score.meter.bar() * i64::from(section.bars));
                let text_end = x + 10.0 + canvas.text_width(20.0, &text);
                if end > text_end {
                    canvas.level(SECTION_BASE - 6.0, (text_end, end - 8.0), PALE, 0.8);
                }
                label_end = text_end + 8.0;
            }
        }
        canvas.upright(self.edges().1, (GRID_TOP, bottom), INK, 0.55);
        canvas.text_ending((LEFT - 8.0, NUMBER_BASE), 13.0, &clock(self.span.0), GREY);
        let end_s = score.tempo.seconds_at(score.end());
        if end_s > self.span.0 && end_s <= self.span.1 + 1e-6 {
            let x = self.x(end_s).round();
            canvas.upright(x - 6.0, (GRID_TOP, bottom), INK, 0.7);
            canvas.rect((x - 3.0, GRID_TOP), (3.0, bottom - GRID_TOP), INK, 0.8);
        }
    }

    /// Chord names where they change, and again at the beginning of a row.
    fn chords(&self, canvas: &mut Canvas) {
        let score = &self.session.score;
        let (mut shown, mut free) = (None, 0.0f32);
        for span in &score.chords {
            let (from_s, to_s) = (score.tempo.seconds_at(span.start), score.tempo.seconds_at(span.end()));
            let Some((left, right)) = self.across(from_s + 1e-6, to_s - 1e-6) else { continue };
            canvas.level(CHORD_BASE + 6.0, (left + 2.0, right - 1.0), INK, 0.5);
            if shown == Some(span.chord) {
                continue;
            }
            let text = span.chord.lead_sheet_in(score.key);
            if left < free {
                // The next name that fits is shown even if it is that of the last one shown.
                shown = None;
                continue;
            }
            canvas.text((left + 4.0, CHORD_BASE), 23.0, 200.0, &text, INK);
            free = left + 12.0 + canvas.text_width(23.0, &text);
            shown = Some(span.chord);
        }
    }

    /// Observations of the row: time in seconds, level in dB, F0 in Hz or 0.
    fn observed(&self) -> impl Iterator<Item = (f64, f32, f32)> + '_ {
        let take = &self.session.take;
        let index =
            |s: f64| (((s - take.shift_s) / HOP_S).ceil().max(0.0) as usize).min(take.observations.len());
        let (from, to) = (index(self.span.0), index(self.span.1));
        let seconds = move |i: usize| take.shift_s + (from + i) as f64 * HOP_S;
        take.observations[from..to]
            .iter()
            .enumerate()
            .map(move |(i, o)| (seconds(i), o.level_dbfs, if o.voiced { o.f0_hz } else { 0.0 }))
    }

    fn level(&self, canvas: &mut Canvas) {
        let middle = LEVEL_TOP + 0.5 * LEVEL_HEIGHT;
        let mut columns: Vec<(f32, f32)> = Vec::new();
        for (seconds, level_dbfs, _) in self.observed() {
            let x = self.x(seconds).floor();
            let share = (1.0 + (level_dbfs - self.layout.loudest_dbfs) / LEVEL_RANGE_DB).max(0.0);
            match columns.last_mut() {
                Some(last) if last.0 == x => last.1 = last.1.max(share),
                _ => columns.push((x, share)),
            }
        }
        let half = 0.5 * LEVEL_HEIGHT - 1.0;
        let upper = columns.iter().map(|(x, share)| (*x, middle - 0.5 - share * half));
        let lower = columns.iter().rev().map(|(x, share)| (*x, middle + 0.5 + share * half));
        canvas.area(&upper.chain(lower).collect::<Vec<_>>(), VOICE, 0.42);
    }

    /// The written melody with the sung pitch over it.
    fn pitch(&self, canvas: &mut Canvas) {
        let score = &self.session.score;
        let layout = self.layout;
        for note in &score.melody {
            let (from_s, to_s) = (score.tempo.seconds_at(note.start), score.tempo.seconds_at(note.end()));
            let Some((left, right)) = self.across(from_s, to_s) else { continue };
            let pitch = f64::from(note.pitch.0);
            if pitch < layout.pitches.0 || pitch > layout.pitches.1 {
                self.arrow(canvas, 0.5 * (left + right), pitch > layout.pitches.1);
                continue;
            }
            let height = layout.semitone.max(5.0);
            let y = layout.pitch_y(pitch) - 0.5 * height;
            canvas.rect((left, y), ((right - left - 1.0).max(1.0), height), WRITTEN, 0.55);
        }
        let mut curve: Vec<(f32, f32)> = Vec::new();
        let mut last = (0.0, 0.0);
        for (seconds, _, f0_hz) in self.observed() {
            let cents = score.tuning_at(Ticks(score.tempo.ticks_at(seconds).round() as i64));
            let midi = midi_of_hz(f64::from(f0_hz.max(1.0))) - cents / 100.0;
            let shown = f0_hz > 0.0 && midi > layout.pitches.0 - 0.5 && midi < layout.pitches.1 + 0.5;
            let joined = seconds - last.0 < 1.5 * HOP_S && (midi - last.1).abs() < 1.5;
            if !(shown && joined) {
                canvas.line(&curve, 2.0, VOICE, 0.9);
                curve.clear();
            }
            if shown {
                curve.push((self.x(seconds), layout.pitch_y(midi)));
                last = (seconds, midi);
            }
        }
        canvas.line(&curve, 2.0, VOICE, 0.9);
    }

    /// Stands for a note that lies outside the lane.
    fn arrow(&self, canvas: &mut Canvas, x: f32, up: bool) {
        let (tip, base) = if up {
            (PITCH_TOP, PITCH_TOP + 8.0)
        } else {
            (self.layout.pitch_bottom(), self.layout.pitch_bottom() - 8.0)
        };
        canvas.area(&[(x - 5.0, base), (x + 5.0, base), (x, tip)], WRITTEN, 0.9);
    }

    fn lane(&self, canvas: &mut Canvas, lane: &Lane) {
        let score = &self.session.score;
        let ink = colour_of(lane.part);
        for note in score.notes_of(lane.part) {
            let (from_s, to_s) = (score.tempo.seconds_at(note.start), score.tempo.seconds_at(note.end()));
            let strength = 0.25 + 0.75 * note.velocity.fraction();
            if lane.part != Part::Drums {
                let Some((left, right)) = self.across(from_s, to_s) else { continue };
                let width = (right - left - 1.0).max(1.0);
                canvas.rect((left, lane.y(note.pitch)), (width, lane.step.max(3.0)), ink, strength);
                continue;
            }
            if from_s < self.span.0 || from_s >= self.span.1 {
                continue;
            }
            let row = drum_row(note.pitch.0);
            let place = (self.x(from_s), lane.top + (row as f32 + 0.5) * DRUM_STEP);
            let radius = if self.layout.pixels_per_s > 40.0 { 3.4 } else { 1.6 };
            match (row, radius > 2.0) {
                (0 | 1, true) => canvas.cross(place, radius, ink, strength),
                _ => canvas.dot(place, radius + 0.6, ink, strength),
            }
        }
    }

    /// Tempo of the band from beat to beat while the voice is followed.
    fn tempo(&self, canvas: &mut Canvas) {
        let mut curve = Vec::new();
        for pair in self.session.beats.windows(2) {
            let (from_s, to_s) = (pair[0].time_s, pair[1].time_s);
            let Some((left, right)) = self.across(from_s, to_s) else { continue };
            let y = self.layout.tempo_y(60.0 / (to_s - from_s));
            curve.extend([(left, y), (right, y)]);
        }
        canvas.line(&curve, 1.6, INK, 0.8);
    }
}

/// Name of a lane, right before it.
fn name(canvas: &mut Canvas, middle: f32, text: &str, ink: Colour) {
    canvas.text_ending((LEFT - 52.0, middle + 5.0), 16.0, text, ink);
}
